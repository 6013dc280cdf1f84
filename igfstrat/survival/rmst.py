"""Restricted mean survival time: the area under a Kaplan–Meier curve up to tau.

The variance has the Greenwood form. Without a tau the smallest of the groups' largest times is used,
and `tau_rule` says so. Nothing is extrapolated: a tau beyond a curve that has not reached 0 is refused.

References
----------
.. [1] Royston P, Parmar MKB. Restricted mean survival time: an alternative to the hazard ratio. BMC Med
   Res Methodol 2013;13:152.
.. [2] Uno H, et al. Moving beyond the hazard ratio in quantifying the between-group difference in
   survival analysis. J Clin Oncol 2014;32:2380-2385.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import ndtr

from igfstrat.errors import DomainError
from igfstrat.survival._inputs import Sample, read_groups, read_sample
from igfstrat.survival._intervals import symmetric_limits
from igfstrat.survival._risk import greenwood, product_limit_of, risk_table, split_by_code


@dataclass(frozen=True, slots=True, kw_only=True)
class RmstResult:
    """Restricted mean survival time of one group.

    Parameters
    ----------
    value : float
        Mean time lived up to `tau`, in the caller's unit.
    std_error : float
        Greenwood-form standard error.
    ci_lower, ci_upper : float
        Normal limits.
    tau : float
        Horizon.
    tau_rule : str
        Where the horizon comes from.
    level : float
        Coverage.
    n_patients, n_events : int
        Patients, and events up to the horizon.
    """

    value: float
    std_error: float
    ci_lower: float
    ci_upper: float
    tau: float
    tau_rule: str
    level: float
    n_patients: int
    n_events: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RmstComparison:
    """Difference or ratio of two restricted mean survival times.

    Parameters
    ----------
    groups : tuple
        Labels, sorted: the second is compared with the first.
    value : float
        Second minus first, or second divided by first.
    std_error : float
        Standard error of the difference, or of the log ratio.
    ci_lower, ci_upper : float
        Limits of `value`; those of a ratio are normal on the log scale.
    z, p_value : float
        Wald test of no difference, two-sided; NaN when not estimable.
    arms : tuple of RmstResult
        The two groups.
    tau : float
        Horizon.
    tau_rule : str
        Where the horizon comes from.
    not_estimable : str or None
        Why there is no test, or None.
    """

    groups: tuple[Any, Any]
    value: float
    std_error: float
    ci_lower: float
    ci_upper: float
    z: float
    p_value: float
    arms: tuple[RmstResult, RmstResult]
    tau: float
    tau_rule: str
    not_estimable: str | None = None


def rmst(
    *, time: Any, event: Any, tau: float | None = None, entry: Any = None, level: float = 0.95
) -> RmstResult:
    """Restricted mean survival time of one group.

    Parameters
    ----------
    time : array-like of float, shape (n,)
        Follow-up, >= 0, one unit.
    event : array-like of bool, shape (n,)
        True = event observed.
    tau : float, optional
        Horizon, > 0, same unit; the largest time when left out.
    entry : array-like of float, shape (n,), optional
        Start of observation, below `time`.
    level : float
        Coverage, between 0 and 1.

    Returns
    -------
    RmstResult
        The mean with its error.

    Examples
    --------
    >>> rmst(time=[1, 2, 3, 4], event=[True] * 4, tau=4).value
    2.5
    """
    sample = read_sample(time=time, event=event, entry=entry)
    horizon, rule = _horizon([sample], ["all patients"], tau)
    return _area(sample, horizon, rule, level)


def rmst_difference(
    *, time: Any, event: Any, groups: Any, tau: float | None = None, entry: Any = None, level: float = 0.95
) -> RmstComparison:
    """Difference in restricted mean survival time, second group minus first in sorted order.

    Parameters
    ----------
    time : array-like of float, shape (n,)
        Follow-up, >= 0, one unit.
    event : array-like of bool, shape (n,)
        True = event observed.
    groups : array-like of str, int or bool, shape (n,)
        Group of each patient, two different ones.
    tau : float, optional
        Horizon, > 0, same unit; the smallest of the groups' largest times when left out.
    entry : array-like of float, shape (n,), optional
        Start of observation, below `time`.
    level : float
        Coverage, between 0 and 1.

    Returns
    -------
    RmstComparison
        The difference.
    """
    labels, arms = _arms(time, event, groups, tau, entry, level)
    difference = arms[1].value - arms[0].value
    std_error = float(np.hypot(arms[0].std_error, arms[1].std_error))
    lower, upper = symmetric_limits(difference, std_error, level)
    return _comparison(labels, arms, difference, std_error, (lower, upper), difference)


def rmst_ratio(
    *, time: Any, event: Any, groups: Any, tau: float | None = None, entry: Any = None, level: float = 0.95
) -> RmstComparison:
    """Ratio of restricted mean survival times, second group divided by first in sorted order.

    Parameters
    ----------
    time : array-like of float, shape (n,)
        Follow-up, >= 0, one unit.
    event : array-like of bool, shape (n,)
        True = event observed.
    groups : array-like of str, int or bool, shape (n,)
        Group of each patient, two different ones.
    tau : float, optional
        Horizon, > 0, same unit; the smallest of the groups' largest times when left out.
    entry : array-like of float, shape (n,), optional
        Start of observation, below `time`.
    level : float
        Coverage, between 0 and 1.

    Returns
    -------
    RmstComparison
        The ratio.

    Raises
    ------
    DomainError
        A group whose restricted mean is 0.
    """
    labels, arms = _arms(time, event, groups, tau, entry, level)
    if min(arms[0].value, arms[1].value) <= 0:
        msg = f"the ratio is undefined: the restricted means are {arms[0].value:g} and {arms[1].value:g}"
        raise DomainError(msg)
    log_ratio = float(np.log(arms[1].value / arms[0].value))
    std_error = float(np.hypot(arms[0].std_error / arms[0].value, arms[1].std_error / arms[1].value))
    lower, upper = np.exp(symmetric_limits(log_ratio, std_error, level))
    return _comparison(
        labels, arms, float(np.exp(log_ratio)), std_error, (float(lower), float(upper)), log_ratio
    )


def _comparison(
    labels: tuple[Any, ...],
    arms: tuple[RmstResult, RmstResult],
    value: float,
    std_error: float,
    limits: tuple[float, float],
    contrast: float,
) -> RmstComparison:
    why = None if std_error > 0 else "no events before the horizon in either group: the error is unknown"
    z = contrast / std_error if std_error > 0 else float("nan")
    return RmstComparison(
        groups=(labels[0], labels[1]),
        value=value,
        std_error=std_error if why is None else float("nan"),
        ci_lower=limits[0] if why is None else float("nan"),
        ci_upper=limits[1] if why is None else float("nan"),
        z=z,
        p_value=float(2 * ndtr(-abs(z))),
        arms=arms,
        tau=arms[0].tau,
        tau_rule=arms[0].tau_rule,
        not_estimable=why,
    )


def _arms(
    time: Any, event: Any, groups: Any, tau: float | None, entry: Any, level: float
) -> tuple[tuple[Any, ...], tuple[RmstResult, RmstResult]]:
    sample = read_sample(time=time, event=event, entry=entry)
    codes, labels = read_groups(groups, sample.n)
    if len(labels) != 2:
        msg = f"groups holds {len(labels)} groups {labels}; the comparison takes two, so choose a pair"
        raise DomainError(msg)
    parts = split_by_code(sample, codes[sample.order], 2)
    horizon, rule = _horizon(list(parts), list(labels), tau)
    return labels, (_area(parts[0], horizon, rule, level), _area(parts[1], horizon, rule, level))


def _horizon(parts: list[Sample], labels: list[Any], tau: float | None) -> tuple[float, str]:
    largest = [float(part.time[-1]) for part in parts]
    if tau is None:
        rule = "the largest time" if len(parts) == 1 else "the smallest of the groups' largest times"
        if min(largest) <= 0:
            msg = "no follow-up after time 0 in a group: the restricted mean is undefined"
            raise DomainError(msg)
        return min(largest), rule
    if not (np.isfinite(tau) and tau > 0):
        msg = f"tau must be finite and > 0, found {tau}"
        raise DomainError(msg)
    for part, label, last in zip(parts, labels, largest, strict=True):
        if tau > last and not _ends_at_zero(part):
            msg = (
                f"tau = {tau:g} lies beyond the follow-up of {label} ({last:g}), whose curve has not reached 0; "
                f"the largest tau possible is {min(largest):g}"
            )
            raise DomainError(msg)
    return float(tau), "given"


def _ends_at_zero(part: Sample) -> bool:
    return bool(part.event[part.first[-1] :].all())


def _area(sample: Sample, tau: float, rule: str, level: float) -> RmstResult:
    table = risk_table(sample)
    keep = table.time <= tau
    survival = product_limit_of(table)[0][keep]
    edges = np.concatenate(([0.0], table.time[keep], [tau]))
    pieces = np.diff(edges) * np.concatenate(([1.0], survival))
    after = np.cumsum(pieces[::-1])[::-1][1:]  # area from each time to tau
    increments = greenwood(table)[keep]
    # where the curve falls to 0 no area is left behind it: infinity times nothing is nothing
    variance = float(np.sum(after**2 * np.where(np.isinf(increments), 0.0, increments)))
    value, std_error = float(pieces.sum()), float(np.sqrt(variance))
    lower, upper = symmetric_limits(value, std_error, level)
    return RmstResult(
        value=value,
        std_error=std_error,
        ci_lower=lower,
        ci_upper=upper,
        tau=tau,
        tau_rule=rule,
        level=level,
        n_patients=sample.n,
        n_events=int(table.n_events[keep].sum()),
    )
