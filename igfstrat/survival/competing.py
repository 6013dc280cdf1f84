"""Competing risks: Aalen–Johansen cumulative incidence and Gray's test.

Ties are exact: causes that happen at one time share its risk set, nothing is jittered. The variance is the
Greenwood type, in which the events of a time are multinomial; it equals R's ``survfit`` of a multi-state
outcome. Gray's test follows R's `cmprsk::cuminc`.

References
----------
.. [1] Aalen OO, Johansen S. An empirical transition matrix for non-homogeneous Markov chains based on
   censored observations. Scand J Stat 1978;5:141-150.
.. [2] Dinse GE, Larson MG. A note on semi-Markov models for partially censored data. Biometrika
   1986;73:379-386.
.. [3] Gray RJ. A class of k-sample tests for comparing the cumulative incidence of a competing risk. Ann
   Stat 1988;16:1141-1154.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from igfstrat.errors import DomainError, EstimationError
from igfstrat.survival._inputs import read_groups, read_sample
from igfstrat.survival._intervals import survival_interval
from igfstrat.survival._risk import block_sums, risk_table
from igfstrat.survival._types import FloatArray, IntArray
from igfstrat.survival.cox import cox
from igfstrat.survival.cox_result import CoxResult


@dataclass(frozen=True, slots=True, kw_only=True)
class CumulativeIncidence:
    """Cumulative incidence of each cause: one column for each distinct time.

    Parameters
    ----------
    causes : tuple of int
        Codes of the causes, ascending; the order of the rows below.
    time : ndarray of float, shape (m,)
        Distinct times, ascending, in the caller's unit.
    incidence : ndarray of float, shape (k, m)
        Probability of the cause up to and including each time.
    std_error : ndarray of float, shape (k, m)
        Greenwood-type standard error.
    ci_lower, ci_upper : ndarray of float, shape (k, m)
        Limits; both 0 before the first event of the cause.
    survival : ndarray of float, shape (m,)
        Probability of no event of any cause.
    n_at_risk, n_censored : ndarray of int, shape (m,)
        Patients.
    n_events : ndarray of int, shape (k, m)
        Events of each cause.
    ci : str
        Scale of the interval.
    level : float
        Coverage.
    """

    causes: tuple[int, ...]
    time: FloatArray
    incidence: FloatArray
    std_error: FloatArray
    ci_lower: FloatArray
    ci_upper: FloatArray
    survival: FloatArray
    n_at_risk: IntArray
    n_censored: IntArray
    n_events: IntArray
    ci: str
    level: float


def read_cause(cause: Any, n: int) -> IntArray:
    """Codes of causes.

    Parameters
    ----------
    cause : array-like of int, shape (n,)
        0 = censored, 1, 2, … = causes.
    n : int
        Required length.

    Returns
    -------
    ndarray of int, shape (n,)
        The codes.

    Raises
    ------
    DomainError
        Not whole numbers, negative, or another length.
    """
    array = np.asarray(cause)
    if array.dtype.kind not in "iu" or array.shape != (n,) or (n and array.min() < 0):
        msg = (
            f"cause must be {n} whole numbers, 0 = censored and 1, 2, … = causes; "
            f"found {array.dtype} of shape {array.shape}"
            + (f" from {array.min()}" if array.dtype.kind in "iu" and array.size else "")
        )
        raise DomainError(msg)
    return array.astype(np.int64)


def aalen_johansen(
    *, time: Any, cause: Any, entry: Any = None, ci: str = "log-log", level: float = 0.95
) -> CumulativeIncidence:
    """Aalen–Johansen estimate of the cumulative incidence of each cause.

    Parameters
    ----------
    time : array-like of float, shape (n,)
        Follow-up, >= 0, one unit.
    cause : array-like of int, shape (n,)
        0 = censored, 1, 2, … = cause of the event.
    entry : array-like of float, shape (n,), optional
        Start of observation, below `time`.
    ci : str
        Scale of the interval: log-log, log, plain, logit or arcsin of the incidence.
    level : float
        Coverage, between 0 and 1.

    Returns
    -------
    CumulativeIncidence
        The incidences.

    Raises
    ------
    EstimationError
        No events.

    Examples
    --------
    >>> aalen_johansen(time=[1, 2, 3, 4], cause=[1, 2, 1, 0]).incidence[:, -1].tolist()
    [0.5, 0.25]
    """
    codes = read_cause(cause, len(np.asarray(time)))
    sample = read_sample(time=time, event=codes > 0, entry=entry)
    codes = codes[sample.order]
    causes = tuple(int(c) for c in np.unique(codes) if c > 0)
    if not causes:
        msg = "cumulative incidence is not estimable without events: all patients are censored"
        raise EstimationError(msg)
    table = risk_table(sample)
    n = np.where(table.at_risk > 0, table.at_risk, 1.0)
    events = np.array([block_sums(codes == c, sample.first) for c in causes])
    after = np.cumprod(1 - table.events / n, dtype=np.float64)
    before = np.concatenate(([1.0], after[:-1]))
    incidence = np.cumsum(before * events / n, axis=1)
    variance = np.array(
        [_variance(f, d / n, table.events / n, before, n) for f, d in zip(incidence, events, strict=True)]
    )
    std_error = np.sqrt(np.maximum(variance, 0.0))
    lower, upper = np.zeros_like(incidence), np.zeros_like(incidence)
    for row in range(len(causes)):
        some = incidence[row] > 0
        lower[row, some], upper[row, some] = survival_interval(
            np.minimum(incidence[row, some], 1.0), std_error[row, some], ci, level
        )
    return CumulativeIncidence(
        causes=causes,
        time=table.time,
        incidence=incidence,
        std_error=std_error,
        ci_lower=lower,
        ci_upper=upper,
        survival=after,
        n_at_risk=table.n_at_risk,
        n_censored=table.n_censored,
        n_events=events,
        ci=ci,
        level=level,
    )


def _variance(
    f: FloatArray, own: FloatArray, every: FloatArray, before: FloatArray, n: FloatArray
) -> FloatArray:
    """Variance of the incidence at each time.

    At time s an event of the cause moves F(t) by S(s-) - B and another by -B, where B is the incidence
    still to come, (F(t) - F(s)) / (1 - all hazards); the multinomial variance of that is quadratic in F(t),
    so three running sums give it at every t.
    """
    rest = np.where(every < 1, 1 - every, 1.0)  # nothing is to come where everybody had an event
    gain = np.where(every < 1, 1 / rest, 0.0)
    base = before + f * gain  # S(s-) - B = base - gain F(t), B = gain (F(t) - f)
    other = every - own
    mean0, mean1 = own * base + other * f * gain, -every * gain
    square0 = own * base**2 + other * (f * gain) ** 2
    square1 = -2 * own * base * gain - 2 * other * f * gain**2
    square2 = every * gain**2
    constant = np.cumsum((square0 - mean0**2) / n)
    linear = np.cumsum((square1 - 2 * mean0 * mean1) / n)
    quadratic = np.cumsum((square2 - mean1**2) / n)
    return constant + linear * f + quadratic * f**2


def cause_specific_cox(
    *, time: Any, cause: Any, covariates: Any, cause_of_interest: int = 1, **options: Any
) -> CoxResult:
    """Cox model of one cause, other causes counting as censored.

    Parameters
    ----------
    time : array-like of float, shape (n,)
        Follow-up, >= 0, one unit.
    cause : array-like of int, shape (n,)
        0 = censored, 1, 2, … = cause of the event.
    covariates : array-like of float, shape (n, p) or (n,)
        Covariates.
    cause_of_interest : int
        The cause.
    **options : Any
        Further arguments of `cox`.

    Returns
    -------
    CoxResult
        The fit; its hazard ratios are cause-specific and say nothing about incidence by themselves.
    """
    codes = read_cause(cause, len(np.asarray(time)))
    return cox(time=time, event=codes == cause_of_interest, covariates=covariates, **options)


@dataclass(frozen=True, slots=True, kw_only=True)
class GrayTest:
    """Gray's test of equal cumulative incidence, cause by cause.

    Parameters
    ----------
    causes : tuple of int
        Codes of the causes, ascending.
    groups : tuple
        Labels, sorted.
    statistic, p_value : ndarray of float, shape (k,)
        Chi-square and its upper tail for each cause; NaN when not estimable.
    df : ndarray of int, shape (k,)
        Degrees of freedom.
    not_estimable : tuple of str or None
        For each cause, why there is no statistic, or None.
    """

    causes: tuple[int, ...]
    groups: tuple[Any, ...]
    statistic: FloatArray
    p_value: FloatArray
    df: IntArray
    not_estimable: tuple[str | None, ...]


def gray_test(*, time: Any, cause: Any, groups: Any, strata: Any = None, rho: float = 0) -> GrayTest:
    """Gray's test of equal cumulative incidence in two or more groups.

    Parameters
    ----------
    time : array-like of float, shape (n,)
        Follow-up, >= 0, one unit.
    cause : array-like of int, shape (n,)
        0 = censored, 1, 2, … = cause of the event.
    groups : array-like of str, int or bool, shape (n,)
        Group of each patient, at least two different ones.
    strata : array-like of str, int or bool, shape (n,), optional
        Stratum of each patient.
    rho : float
        Power of 1 - F(t-) in the weight.

    Returns
    -------
    GrayTest
        A test for each cause.

    Raises
    ------
    EstimationError
        No events.
    """
    from igfstrat.survival._gray import gray_scores
    from igfstrat.survival._inputs import read_codes
    from igfstrat.survival._logrank import chi_square_p, quadratic_form
    from igfstrat.survival._risk import rows_of

    codes = read_cause(cause, len(np.asarray(time)))
    sample = read_sample(time=time, event=codes > 0)
    codes = codes[sample.order]
    group, labels = read_groups(groups, sample.n)
    group = group[sample.order]
    parts: Sequence[IntArray] = [np.arange(sample.n)]
    if strata is not None:
        stratum = read_codes(strata, "strata", sample.n)[0][sample.order]
        parts = np.split(np.argsort(stratum, kind="stable"), np.cumsum(np.bincount(stratum))[:-1])
    causes = tuple(int(c) for c in np.unique(codes) if c > 0)
    if not causes:
        msg = "Gray's test is not estimable without events: all patients are censored"
        raise EstimationError(msg)
    found = []
    for c in causes:
        score, variance = np.zeros(len(labels)), np.zeros((len(labels), len(labels)))
        for rows in parts:
            s, v = gray_scores(rows_of(sample, rows), codes[rows] == c, group[rows], len(labels), rho)
            score, variance = score + s, variance + v
        found.append(quadratic_form(score, variance))
    why = "no event of this cause happened while two groups were at risk together"
    return GrayTest(
        causes=causes,
        groups=labels,
        statistic=np.array([s for s, _ in found]),
        p_value=np.array([chi_square_p(s, df) for s, df in found]),
        df=np.array([df for _, df in found]),
        not_estimable=tuple(None if df else why for _, df in found),
    )
