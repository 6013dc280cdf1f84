"""Concordance of a risk score with survival: Harrell's and Uno's.

A pair counts when the earlier time is an event and the other patient is under observation then and
outlives it (a censoring at the time of an event outlives it). Pairs with two events at one time do not
count. A tie in risk counts one half. The standard error is the infinitesimal jackknife, as in R's
`survival::concordance`. Time O(n log n), memory O(n).

References
----------
.. [1] Harrell FE, Lee KL, Mark DB. Multivariable prognostic models. Stat Med 1996;15:361-387.
.. [2] Uno H, Cai T, Pencina MJ, D'Agostino RB, Wei LJ. On the C-statistics for evaluating overall adequacy
   of risk prediction procedures with censored survival data. Stat Med 2011;30:1105-1117.
.. [3] Therneau TM, Watson DA. The concordance statistic and the Cox model. Mayo Clinic technical report 85,
   2017.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from igfstrat.errors import DomainError
from igfstrat.survival._blocks import blocks_of
from igfstrat.survival._inputs import Sample, read_codes, read_numbers, read_sample
from igfstrat.survival._intervals import symmetric_limits
from igfstrat.survival._risk import risk_table, rows_of
from igfstrat.survival._ties import sort_floats
from igfstrat.survival._types import FloatArray, IntArray


@dataclass(frozen=True, slots=True, kw_only=True)
class ConcordanceResult:
    """Share of comparable pairs that a risk score orders rightly.

    Parameters
    ----------
    value : float
        The share, ties in risk counting one half; NaN when not estimable.
    std_error : float
        Infinitesimal-jackknife standard error; NaN when not estimable.
    ci_lower, ci_upper : float
        Normal limits.
    concordant, discordant, tied_risk : float
        Comparable pairs by order of the risk (whole numbers for Harrell's, weighted for Uno's).
    tied_time : float
        Pairs with two events at one time, which do not count, with different risks.
    tied_both : float
        The same, with equal risks.
    not_estimable : str or None
        Why there is no value, or None.
    """

    value: float
    std_error: float
    ci_lower: float
    ci_upper: float
    concordant: float
    discordant: float
    tied_risk: float
    tied_time: float
    tied_both: float
    not_estimable: str | None = None


def concordance(
    *, time: Any, event: Any, risk: Any, entry: Any = None, strata: Any = None, level: float = 0.95
) -> ConcordanceResult:
    """Harrell's concordance.

    Parameters
    ----------
    time : array-like of float, shape (n,)
        Follow-up, >= 0, one unit.
    event : array-like of bool, shape (n,)
        True = event observed.
    risk : array-like of float, shape (n,)
        Score; higher = earlier event expected.
    entry : array-like of float, shape (n,), optional
        Start of observation, below `time`.
    strata : array-like of str, int or bool, shape (n,), optional
        Only pairs within a stratum are compared.
    level : float
        Coverage, between 0 and 1.

    Returns
    -------
    ConcordanceResult
        The concordance and its counts.

    Examples
    --------
    >>> concordance(time=[1, 2, 3], event=[True, True, False], risk=[3.0, 1.0, 2.0]).value
    0.6666666666666666
    """
    sample = read_sample(time=time, event=event, entry=entry)
    score = read_numbers(risk, "risk", sample.n)[sample.order]
    if strata is None:
        return _result(*_pairs(sample, score, np.ones(sample.n)), level)
    codes = read_codes(strata, "strata", sample.n)[0][sample.order]
    counts, ties = np.zeros((sample.n, 3)), np.zeros(5)
    for rows in np.split(np.argsort(codes, kind="stable"), np.cumsum(np.bincount(codes))[:-1]):
        counts[rows], totals = _pairs(rows_of(sample, rows), score[rows], np.ones(len(rows)))
        ties += totals
    return _result(counts, ties, level)


def concordance_uno(
    *, time: Any, event: Any, risk: Any, tau: float | None = None, level: float = 0.95
) -> ConcordanceResult:
    """Uno's concordance: pairs weighted by the inverse squared probability of being uncensored.

    Parameters
    ----------
    time : array-like of float, shape (n,)
        Follow-up, >= 0, one unit.
    event : array-like of bool, shape (n,)
        True = event observed.
    risk : array-like of float, shape (n,)
        Score; higher = earlier event expected.
    tau : float, optional
        Events after this time do not count; without it all do.
    level : float
        Coverage, between 0 and 1.

    Returns
    -------
    ConcordanceResult
        The concordance, as R's ``concordance(timewt = "n/G2", ymax = tau)``: the weight is 1/G(t-)²,
        and the error takes G as known.

    Raises
    ------
    DomainError
        tau is not a positive number.
    """
    sample = read_sample(time=time, event=event)
    score = read_numbers(risk, "risk", sample.n)[sample.order]
    if tau is not None and not tau > 0:
        msg = f"tau must be > 0, found {tau}"
        raise DomainError(msg)
    before = censoring_survival_before(sample)
    weight = np.repeat(1 / before**2, np.diff(sample.first, append=sample.n))
    if tau is not None:
        weight = np.where(sample.time > tau, 0.0, weight)
    counts, totals = _pairs(sample, score, weight)
    return _result(counts, totals, level)


def censoring_survival_before(sample: Sample) -> FloatArray:
    """Probability G(t-) of being uncensored just before each distinct time.

    At one time events come first, so that patients with an event are not at risk of censoring there.

    Parameters
    ----------
    sample : Sample
        Checked and sorted data.

    Returns
    -------
    ndarray of float, shape (m,)
        G(t-) at each distinct time; > 0.
    """
    table = risk_table(sample)
    exposed = np.maximum(table.n_at_risk - table.n_events, 1)
    return np.concatenate(([1.0], np.cumprod(1 - table.n_censored / exposed)[:-1]))


def _pairs(sample: Sample, score: FloatArray, weight: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Pairs of each row, shape (n, 3), and totals: concordant, discordant, tied risk, tied time, tied both."""
    from igfstrat.survival._kernels_concordance import count_as_event, count_as_survivor

    rank, ranks = _ranks(score)
    blocks = blocks_of(sample)
    counts = np.zeros((sample.n, 3))
    tied_time, tied_both = count_as_event(rank, sample.event, weight, blocks, ranks, counts)
    totals = np.array([*counts.sum(axis=0), tied_time - tied_both, tied_both])
    count_as_survivor(rank, sample.event, weight, blocks, ranks, counts)
    return counts, totals


def _ranks(score: FloatArray) -> tuple[IntArray, int]:
    order, ordered = sort_floats(score)
    dense = np.cumsum(np.concatenate(([False], ordered[1:] != ordered[:-1])))
    rank = np.empty(len(score), np.int64)
    rank[order] = dense
    return rank, int(dense[-1]) + 1


def _result(counts: FloatArray, totals: FloatArray, level: float) -> ConcordanceResult:
    pairs = float(totals[:3].sum())
    nan = float("nan")
    if pairs == 0:
        value, std_error, lower, upper = nan, nan, nan, nan
        why = "no comparable pair: no event happened while another patient was followed beyond it"
    else:
        value, why = float((totals[0] + totals[2] / 2) / pairs), None
        influence = (counts[:, 0] + counts[:, 2] / 2 - value * counts.sum(axis=1)) / pairs
        std_error = float(np.sqrt(influence @ influence))
        lower, upper = symmetric_limits(value, std_error, level)
    return ConcordanceResult(
        value=value,
        std_error=std_error,
        ci_lower=lower,
        ci_upper=upper,
        concordant=float(totals[0]),
        discordant=float(totals[1]),
        tied_risk=float(totals[2]),
        tied_time=float(totals[3]),
        tied_both=float(totals[4]),
        not_estimable=why,
    )
