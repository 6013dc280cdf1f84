"""What all log-rank tests share: risk sets by group, weights, scores and their quadratic form."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import chdtrc

from igfstrat.errors import DomainError
from igfstrat.survival._inputs import Sample, read_choice, read_codes, refuse_rows
from igfstrat.survival._risk import block_sums, rows_of, sum_at_risk
from igfstrat.survival._types import FloatArray, IntArray

WEIGHTINGS = ("logrank", "gehan", "tarone-ware", "peto", "fleming-harrington")
_RANK_TOLERANCE = 1e-10
_SLICE = 16_384  # event times that stay in the processor's cache


@dataclass(frozen=True, slots=True, kw_only=True)
class EventTable:
    """What a log-rank test sees of one stratum: one row for each distinct event time.

    Parameters
    ----------
    at_risk : ndarray of float, shape (k, m)
        Patients of each group at risk.
    events : ndarray of float, shape (k, m)
        Events of each group.
    """

    at_risk: FloatArray
    events: FloatArray


def weight_function(
    weighting: str, rho: float, gamma: float
) -> Callable[[FloatArray, FloatArray], FloatArray]:
    """The weight of a test as a function of the pooled risk sets.

    Parameters
    ----------
    weighting : str
        One of `WEIGHTINGS`.
    rho, gamma : float
        Powers of the Fleming–Harrington weight, >= 0.

    Returns
    -------
    callable
        From patients at risk and events at each event time, shape (m,), to weights, shape (m,).

    Raises
    ------
    DomainError
        Unknown weighting, powers below 0, or powers without the weight that uses them.
    """
    read_choice(weighting, "weighting", WEIGHTINGS)
    if rho < 0 or gamma < 0 or not np.isfinite([rho, gamma]).all():
        msg = f"rho and gamma must be finite and >= 0, found {rho} and {gamma}"
        raise DomainError(msg)
    if (rho or gamma) and weighting != "fleming-harrington":
        msg = f"rho and gamma belong to weighting='fleming-harrington', found weighting={weighting!r}"
        raise DomainError(msg)
    if weighting == "gehan":
        return lambda n, _d: n
    if weighting == "tarone-ware":
        return lambda n, _d: np.sqrt(n)
    if weighting == "peto":
        return _survival_before
    if rho == 0 and gamma == 0:
        return lambda n, _d: np.ones_like(n)
    return lambda n, d: _survival_before(n, d) ** rho * (1 - _survival_before(n, d)) ** gamma


def _survival_before(n: FloatArray, d: FloatArray) -> FloatArray:
    return np.concatenate(([1.0], np.cumprod(1 - d / n)[:-1])) if len(n) else n


def event_tables(sample: Sample, codes: IntArray, k: int, strata: Any = None) -> Sequence[EventTable]:
    """Risk sets and events of each group at each event time, stratum by stratum.

    Parameters
    ----------
    sample : Sample
        Checked and sorted data.
    codes : ndarray of int, shape (n,)
        Group of each row of the sample, in its order.
    k : int
        Number of groups.
    strata : array-like of str, int or bool, shape (n,), optional
        Stratum of each row in the caller's order.

    Returns
    -------
    sequence of EventTable
        One for each stratum that has events.
    """
    if sample.weights is not None and np.any(sample.weights != np.floor(sample.weights)):
        whole = sample.weights == np.floor(sample.weights)
        refuse_rows(~whole, sample.weights, "weights", "must be whole numbers here: the test counts patients")
    if strata is None:
        return [_event_table(sample, codes, k)]
    stratum = read_codes(strata, "strata", sample.n)[0][sample.order]
    tables = []
    for rows in np.split(np.argsort(stratum, kind="stable"), np.cumsum(np.bincount(stratum))[:-1]):
        if sample.event[rows].any():
            tables.append(_event_table(rows_of(sample, rows), codes[rows], k))
    return tables


def _event_table(sample: Sample, codes: IntArray, k: int) -> EventTable:
    from igfstrat.survival._kernels_risk import count_groups

    first = sample.first
    where = np.flatnonzero(block_sums(sample.event, first))
    at_risk, events = np.empty((k, len(where))), np.zeros((k, len(where)))
    if sample.weights is None and sample.entry is None:
        count_groups(sample.event, codes, first, where, at_risk, events)
        return EventTable(at_risk=at_risk, events=events)
    case = np.ones(sample.n) if sample.weights is None else sample.weights
    for code in range(k):
        member = case * (codes == code)
        at_risk[code] = sum_at_risk(sample, member)[where]
        events[code] = np.add.reduceat(member * sample.event, first)[where]
    return EventTable(at_risk=at_risk, events=events)


def scores_of(
    tables: Sequence[EventTable], k: int, weight: Callable[[FloatArray, FloatArray], FloatArray]
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Observed and expected events and their covariance, summed over strata.

    Parameters
    ----------
    tables : sequence of EventTable
        One for each stratum.
    k : int
        Number of groups.
    weight : callable
        Weight of the test, see `weight_function`.

    Returns
    -------
    observed : ndarray of float, shape (k,)
        Weighted events.
    expected : ndarray of float, shape (k,)
        Weighted events expected under equal hazards.
    variance : ndarray of float, shape (k, k)
        Covariance of the difference.
    """
    observed, expected, variance = np.zeros(k), np.zeros(k), np.zeros((k, k))
    for table in tables:
        n, d = table.at_risk.sum(axis=0), table.events.sum(axis=0)
        w = weight(n, d)
        for start in range(0, len(n), _SLICE):
            part = slice(start, start + _SLICE)
            some, dead, wide = n[part], d[part], w[part]
            share = table.at_risk[:, part] / some
            observed += table.events[:, part] @ wide
            expected += share @ (wide * dead)
            spread = wide**2 * dead * (some - dead) / np.maximum(some - 1, 1)
            variance += np.diag(share @ spread) - (share * spread) @ share.T
    return observed, expected, variance


def quadratic_form(difference: FloatArray, variance: FloatArray) -> tuple[float, int]:
    """Chi-square of a vector against its covariance, which may lack rank.

    Parameters
    ----------
    difference : ndarray of float, shape (k,)
        Observed minus expected.
    variance : ndarray of float, shape (k, k)
        Its covariance.

    Returns
    -------
    statistic : float
        Chi-square; NaN when the covariance is zero.
    df : int
        Rank of the covariance.
    """
    scale = np.sqrt(np.maximum(np.diag(variance), 0.0))
    live = scale > _RANK_TOLERANCE * max(float(scale.max()), 1e-300)
    if not live.any():
        return float("nan"), 0
    u = difference[live] / scale[live]
    values, vectors = np.linalg.eigh(variance[np.ix_(live, live)] / np.outer(scale[live], scale[live]))
    used = values > _RANK_TOLERANCE * values[-1]
    return float(np.sum((vectors[:, used].T @ u) ** 2 / values[used])), int(np.count_nonzero(used))


def chi_square_p(statistic: float, df: int) -> float:
    """Upper tail of a chi-square.

    Parameters
    ----------
    statistic : float
        Chi-square, or NaN.
    df : int
        Degrees of freedom.

    Returns
    -------
    float
        Probability; NaN for a statistic that is NaN.
    """
    return float("nan") if np.isnan(statistic) else float(chdtrc(df, statistic))


def why_no_test(sample: Sample, df: int) -> str | None:
    """Reason for a test without a statistic.

    Parameters
    ----------
    sample : Sample
        Checked and sorted data.
    df : int
        Rank of the covariance.

    Returns
    -------
    str or None
        The reason, or None when there is a statistic.
    """
    if not sample.event.any():
        return "no events: nothing can be compared"
    if df == 0:
        return "no event happened while patients of two groups were at risk together: nothing can be compared"
    return None
