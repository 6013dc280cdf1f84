"""Log-rank tests of k groups: weighted, stratified, left-truncated, and for trend.

The variance is the hypergeometric one, so that ties are exact; with left truncation the statistic is
the score test of R's ``coxph(ties = "exact")``. The weight "peto" is the left-continuous
Kaplan–Meier estimate S(t-), as in R's ``survdiff(rho = 1)`` (other programs use n + 1 below).

References
----------
.. [1] Mantel N. Evaluation of survival data and two new rank order statistics arising in its
   consideration. Cancer Chemother Rep 1966;50:163-170.
.. [2] Harrington DP, Fleming TR. A class of rank test procedures for censored survival data.
   Biometrika 1982;69:553-566.
.. [3] Tarone RE, Ware J. On distribution-free tests for equality of survival distributions.
   Biometrika 1977;64:156-160.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from igfstrat.errors import DomainError
from igfstrat.survival._inputs import Sample, read_groups, read_numbers, read_sample
from igfstrat.survival._logrank import (
    chi_square_p,
    event_tables,
    quadratic_form,
    scores_of,
    weight_function,
    why_no_test,
)
from igfstrat.survival._types import FloatArray, IntArray


@dataclass(frozen=True, slots=True, kw_only=True)
class LogrankResult:
    """A log-rank test.

    Parameters
    ----------
    statistic : float
        Chi-square; NaN when not estimable.
    df : int
        Degrees of freedom.
    p_value : float
        Upper tail of the chi-square; NaN when not estimable.
    groups : tuple
        Labels, sorted; the order of the arrays below.
    observed, expected : ndarray of float, shape (k,)
        Events, weighted by the test's weight and summed over strata.
    variance : ndarray of float, shape (k, k)
        Covariance of observed - expected.
    n_patients, n_events : ndarray of int, shape (k,)
        Patients and events in each group.
    weighting : str
        The weight, with its powers where it has some.
    not_estimable : str or None
        Why there is no statistic, or None.
    """

    statistic: float
    df: int
    p_value: float
    groups: tuple[Any, ...]
    observed: FloatArray
    expected: FloatArray
    variance: FloatArray
    n_patients: IntArray
    n_events: IntArray
    weighting: str
    not_estimable: str | None = None


def logrank(
    *,
    time: Any,
    event: Any,
    groups: Any,
    strata: Any = None,
    entry: Any = None,
    weighting: str = "logrank",
    rho: float = 0,
    gamma: float = 0,
    weights: Any = None,
) -> LogrankResult:
    """Log-rank test of two or more groups.

    Parameters
    ----------
    time : array-like of float, shape (n,)
        Follow-up, >= 0, one unit.
    event : array-like of bool, shape (n,)
        True = event observed.
    groups : array-like of str, int or bool, shape (n,)
        Group of each patient, at least two different ones.
    strata : array-like of str, int or bool, shape (n,), optional
        Stratum of each patient; risk sets and weights stay within strata.
    entry : array-like of float, shape (n,), optional
        Start of observation, below `time`.
    weighting : str
        logrank, gehan, tarone-ware, peto or fleming-harrington.
    rho, gamma : float
        Powers of S(t-) and 1 - S(t-) of the Fleming–Harrington weight.
    weights : array-like of int, shape (n,), optional
        Whole case weights: how often each row stands for a patient.

    Returns
    -------
    LogrankResult
        The test.

    Examples
    --------
    >>> test = logrank(time=[1, 2, 3, 4], event=[True] * 4, groups=["a", "a", "b", "b"])
    >>> round(test.statistic, 4), test.df
    (2.8824, 1)
    """
    sample = read_sample(time=time, event=event, entry=entry, weights=weights)
    codes, labels = read_groups(groups, sample.n)
    return logrank_of_sample(sample, codes[sample.order], labels, strata, (weighting, rho, gamma))


def logrank_of_sample(
    sample: Sample, codes: IntArray, labels: tuple[Any, ...], strata: Any, weighting: tuple[str, float, float]
) -> LogrankResult:
    """Log-rank test of data that passed the gate.

    Parameters
    ----------
    sample : Sample
        Checked and sorted data.
    codes : ndarray of int, shape (n,)
        Group of each row of the sample, in its order.
    labels : tuple
        Label of each code.
    strata : array-like of str, int or bool, shape (n,), or None
        Stratum of each row in the caller's order.
    weighting : tuple
        Name of the weight, rho and gamma.

    Returns
    -------
    LogrankResult
        The test.
    """
    name, rho, gamma = weighting
    weight = weight_function(name, rho, gamma)
    tables = event_tables(sample, codes, len(labels), strata)
    observed, expected, variance = scores_of(tables, len(labels), weight)
    statistic, df = quadratic_form(observed - expected, variance)
    inner = f"({rho:g}, {gamma:g})" if name == "fleming-harrington" else ""
    return LogrankResult(
        statistic=statistic,
        df=df,
        p_value=chi_square_p(statistic, df),
        groups=labels,
        observed=observed,
        expected=expected,
        variance=variance,
        n_patients=np.bincount(codes, minlength=len(labels)),
        n_events=np.bincount(codes[sample.event], minlength=len(labels)),
        weighting=name + inner,
        not_estimable=why_no_test(sample, df),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class TrendResult:
    """A test for trend over ordered groups.

    Parameters
    ----------
    statistic : float
        Chi-square with one degree of freedom; NaN when not estimable.
    z : float
        Its signed root: > 0 when events are more frequent at high scores.
    p_value : float
        Two-sided; NaN when not estimable.
    groups : tuple
        Labels, sorted.
    scores : ndarray of float, shape (k,)
        Score of each group.
    not_estimable : str or None
        Why there is no statistic, or None.
    """

    statistic: float
    z: float
    p_value: float
    groups: tuple[Any, ...]
    scores: FloatArray
    not_estimable: str | None = None


def trend_logrank(
    *,
    time: Any,
    event: Any,
    groups: Any,
    scores: Any = None,
    strata: Any = None,
    entry: Any = None,
    weighting: str = "logrank",
    rho: float = 0,
    gamma: float = 0,
) -> TrendResult:
    """Log-rank test for trend.

    Parameters
    ----------
    time : array-like of float, shape (n,)
        Follow-up, >= 0, one unit.
    event : array-like of bool, shape (n,)
        True = event observed.
    groups : array-like of str, int or bool, shape (n,)
        Ordered group of each patient.
    scores : array-like of float, shape (k,), optional
        Score of each group in the sorted order of the labels; 0, 1, 2, … when left out.
    strata : array-like of str, int or bool, shape (n,), optional
        Stratum of each patient.
    entry : array-like of float, shape (n,), optional
        Start of observation, below `time`.
    weighting : str
        See `logrank`.
    rho, gamma : float
        See `logrank`.

    Returns
    -------
    TrendResult
        The test.

    Raises
    ------
    DomainError
        Scores of another number than groups, or all equal.
    """
    test = logrank(
        time=time,
        event=event,
        groups=groups,
        strata=strata,
        entry=entry,
        weighting=weighting,
        rho=rho,
        gamma=gamma,
    )
    k = len(test.groups)
    values = np.arange(k, dtype=np.float64) if scores is None else read_numbers(scores, "scores")
    if len(values) != k or np.ptp(values) == 0:
        msg = f"scores must hold {k} values, not all equal, one for each of {test.groups}; found {scores}"
        raise DomainError(msg)
    values = values - values.mean()  # a shift changes nothing but rounding
    difference, spread = values @ (test.observed - test.expected), values @ test.variance @ values
    why = test.not_estimable
    z = float("nan") if why or spread <= 0 else float(difference / np.sqrt(spread))
    return TrendResult(
        statistic=z**2,
        z=z,
        p_value=chi_square_p(z**2, 1),
        groups=test.groups,
        scores=values if scores is None else read_numbers(scores, "scores"),
        not_estimable=why,
    )
