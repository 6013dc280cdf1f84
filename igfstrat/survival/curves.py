"""Survival curves: Kaplan–Meier, and its reverse for follow-up.

A curve is a table of distinct times. Nothing is smoothed, extrapolated or drawn. Conventions follow
R `survival` except the default interval, which is log-log.

References
----------
.. [1] Kaplan EL, Meier P. Nonparametric estimation from incomplete observations. J Am Stat Assoc
   1958;53:457-481.
.. [2] Greenwood M. The natural duration of cancer. Reports on Public Health 33. HMSO 1926.
.. [3] Schemper M, Smith TL. A note on quantifying follow-up in studies of failure time. Control Clin
   Trials 1996;17:343-346.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from igfstrat.errors import DomainError
from igfstrat.survival._inputs import Sample, read_groups, read_sample
from igfstrat.survival._intervals import survival_interval
from igfstrat.survival._risk import (
    RiskTable,
    product_limit_of,
    risk_table,
    sandwich_variance,
    split_by_code,
)
from igfstrat.survival._steps import Quantile, curve_quantile, read_probability
from igfstrat.survival._types import FloatArray, IntArray


@dataclass(frozen=True, slots=True, kw_only=True)
class SurvivalAt:
    """A survival curve read at chosen times.

    Parameters
    ----------
    time : ndarray of float, shape (k,)
        The times asked for, in the curve's unit.
    survival : ndarray of float, shape (k,)
        Probability of surviving beyond each; NaN after the last time when patients were still
        event-free then.
    std_error : ndarray of float, shape (k,)
        Standard error of the probability; NaN where the probability is 0 or unknown.
    ci_lower, ci_upper : ndarray of float, shape (k,)
        Limits; NaN where the probability is 0 or unknown.
    n_at_risk : ndarray of int, shape (k,)
        Patients under observation just before each time; with left truncation at the next time of the
        curve, as in R.
    """

    time: FloatArray
    survival: FloatArray
    std_error: FloatArray
    ci_lower: FloatArray
    ci_upper: FloatArray
    n_at_risk: IntArray


@dataclass(frozen=True, slots=True, kw_only=True)
class SurvivalCurve:
    """A Kaplan–Meier curve: one row for each distinct time, events and censorings alike.

    Parameters
    ----------
    time : ndarray of float, shape (m,)
        Distinct times, ascending, in the caller's unit.
    survival : ndarray of float, shape (m,)
        Probability of surviving beyond each time.
    std_error : ndarray of float, shape (m,)
        Standard error of the probability (Greenwood; robust when weights are fractional); NaN
        where the probability is 0.
    ci_lower, ci_upper : ndarray of float, shape (m,)
        Limits; NaN where the probability is 0.
    n_at_risk, n_events, n_censored : ndarray of int, shape (m,)
        Patients, unweighted; at risk = just before each time.
    ci : str
        Scale of the interval.
    level : float
        Coverage of the interval.
    n_patients : int
        Patients behind the curve.
    not_estimable : str or None
        Why the curve says less than it seems, or None.
    """

    time: FloatArray
    survival: FloatArray
    std_error: FloatArray
    ci_lower: FloatArray
    ci_upper: FloatArray
    n_at_risk: IntArray
    n_events: IntArray
    n_censored: IntArray
    ci: str
    level: float
    n_patients: int
    not_estimable: str | None = None

    @property
    def median(self) -> Quantile:
        """Median survival with its interval."""
        return self.quantile(0.5)

    def quantile(self, p: float) -> Quantile:
        """Time by which a share `p` has had the event, with its interval.

        On a plateau at exactly 1 - p it is the midpoint when an event ends the plateau, else its left end
        with `not_observed_below` set. The limits are the same quantile of the limits of the curve.

        Parameters
        ----------
        p : float
            Share, strictly between 0 and 1.

        Returns
        -------
        Quantile
            The time; NaN where the curve or its limit never falls that far.
        """
        return curve_quantile(self.time, (self.survival, self.ci_lower, self.ci_upper), read_probability(p))

    def at(self, times: npt.ArrayLike) -> SurvivalAt:
        """Read the curve at chosen times.

        Parameters
        ----------
        times : array-like of float, shape (k,)
            Times >= 0, in the curve's unit.

        Returns
        -------
        SurvivalAt
            The probabilities with their limits, and the patients at risk.

        Raises
        ------
        DomainError
            A time is negative, missing or infinite.
        """
        asked = np.atleast_1d(np.asarray(times, dtype=np.float64))
        if asked.ndim != 1 or not (np.isfinite(asked).all() and (asked >= 0).all()):
            msg = f"times must be finite and >= 0, found {times!r}"
            raise DomainError(msg)
        step = np.searchsorted(self.time, asked, side="right")
        beyond = (asked > self.time[-1]) & (self.survival[-1] > 0)
        later = np.searchsorted(self.time, asked, side="left")

        def read(start: float, column: FloatArray) -> FloatArray:
            return np.where(beyond, np.nan, np.concatenate(([start], column))[step])

        return SurvivalAt(
            time=asked,
            survival=read(1.0, self.survival),
            std_error=read(0.0, self.std_error),
            ci_lower=read(1.0, self.ci_lower),
            ci_upper=read(1.0, self.ci_upper),
            n_at_risk=np.concatenate((self.n_at_risk, [0]))[later],
        )


def kaplan_meier(
    *, time: Any, event: Any, entry: Any = None, weights: Any = None, ci: str = "log-log", level: float = 0.95
) -> SurvivalCurve:
    """Kaplan–Meier estimate of survival.

    Parameters
    ----------
    time : array-like of float, shape (n,)
        Follow-up, >= 0, one unit.
    event : array-like of bool, shape (n,)
        True = event observed.
    entry : array-like of float, shape (n,), optional
        Left truncation: start of observation, below `time`.
    weights : array-like of float, shape (n,), optional
        Case weights, > 0. The curve is weighted, the counts are not. Whole weights mean repeated
        rows (Greenwood error); fractional weights give a robust error, as in R.
    ci : str
        Scale of the interval: log-log, log, plain, logit or arcsin.
    level : float
        Coverage, between 0 and 1.

    Returns
    -------
    SurvivalCurve
        The curve.

    Examples
    --------
    >>> curve = kaplan_meier(time=[1, 2, 3, 4], event=[True, True, True, True])
    >>> curve.survival.tolist()
    [0.75, 0.5, 0.25, 0.0]
    >>> curve.median.value
    2.5
    """
    return curve_of_sample(read_sample(time=time, event=event, entry=entry, weights=weights), ci, level)


def kaplan_meier_by_group(
    *,
    time: Any,
    event: Any,
    groups: Any,
    entry: Any = None,
    weights: Any = None,
    ci: str = "log-log",
    level: float = 0.95,
) -> dict[Any, SurvivalCurve]:
    """One Kaplan–Meier curve for each group, from a single sort.

    Parameters
    ----------
    time : array-like of float, shape (n,)
        Follow-up, >= 0, one unit.
    event : array-like of bool, shape (n,)
        True = event observed.
    groups : array-like of str, int or bool, shape (n,)
        Group of each patient.
    entry : array-like of float, shape (n,), optional
        Start of observation, below `time`.
    weights : array-like of float, shape (n,), optional
        Case weights, > 0.
    ci : str
        Scale of the interval, see `kaplan_meier`.
    level : float
        Coverage, between 0 and 1.

    Returns
    -------
    dict
        Curve of each group, by label, labels sorted.
    """
    sample = read_sample(time=time, event=event, entry=entry, weights=weights)
    codes, labels = read_groups(groups, sample.n)
    parts = split_by_code(sample, codes[sample.order], len(labels))
    return {label: curve_of_sample(part, ci, level) for label, part in zip(labels, parts, strict=True)}


def curve_of_sample(sample: Sample, ci: str = "log-log", level: float = 0.95) -> SurvivalCurve:
    """Kaplan–Meier curve of data that passed the gate.

    Parameters
    ----------
    sample : Sample
        Checked and sorted data.
    ci : str
        Scale of the interval.
    level : float
        Coverage, between 0 and 1.

    Returns
    -------
    SurvivalCurve
        The curve.
    """
    table = risk_table(sample)
    survival, variance = product_limit_of(table)
    fractional = sample.weights is not None and bool(np.any(sample.weights != np.floor(sample.weights)))
    if fractional:
        variance = sandwich_variance(sample, table)
    n_patients = sample.n
    del sample  # a million rows are held no longer than they are needed
    std_error = np.sqrt(variance, out=variance)
    fallen = int(np.searchsorted(-survival, 0.0))  # the curve never rises: from here on it is 0
    std_error[:fallen] *= survival[:fallen]
    std_error[fallen:] = np.nan
    lower, upper = survival_interval(survival, std_error, ci, level)
    return SurvivalCurve(
        time=table.time,
        survival=survival,
        std_error=std_error,
        ci_lower=lower,
        ci_upper=upper,
        n_at_risk=table.n_at_risk,
        n_events=table.n_events,
        n_censored=table.n_censored,
        ci=ci,
        level=level,
        n_patients=n_patients,
        not_estimable=_why_less(table, survival),
    )


def _why_less(table: RiskTable, survival: FloatArray) -> str | None:
    if not table.n_events.any():
        return "no events: survival is 1 throughout, and its error and quantiles are unknown"
    empty = np.flatnonzero(survival <= 0)
    if len(empty) and empty[0] < len(survival) - 1:
        return (
            f"all patients at risk at time {table.time[empty[0]]:g} had the event while others entered later: "
            "the curve is 0 from there on; start it after that time (see `conditional`)"
        )
    return None


def reverse_kaplan_meier(
    *, time: Any, event: Any, entry: Any = None, weights: Any = None, ci: str = "log-log", level: float = 0.95
) -> SurvivalCurve:
    """Distribution of follow-up: censoring is the event, and an event ends the observation.

    The median of the result is the median follow-up. Patients with an event at a censoring time
    count as at risk of censoring there, as in R's ``survfit(Surv(time, 1 - status) ~ 1)``.

    Parameters
    ----------
    time : array-like of float, shape (n,)
        Follow-up, >= 0, one unit.
    event : array-like of bool, shape (n,)
        True = event observed.
    entry : array-like of float, shape (n,), optional
        Start of observation, below `time`.
    weights : array-like of float, shape (n,), optional
        Case weights, > 0.
    ci : str
        Scale of the interval, see `kaplan_meier`.
    level : float
        Coverage, between 0 and 1.

    Returns
    -------
    SurvivalCurve
        The curve, in which `n_events` counts censorings and `n_censored` counts events.
    """
    sample = read_sample(time=time, event=event, entry=entry, weights=weights)
    return curve_of_sample(replace(sample, event=~sample.event), ci, level)
