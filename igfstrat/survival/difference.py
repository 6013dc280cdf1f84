"""Difference of two survival probabilities at fixed times.

The plain test compares S itself, the other log(-log S), which keeps its level better in small samples.

References
----------
.. [1] Klein JP, Logan B, Harhoff M, Andersen PK. Analyzing survival curves at a fixed point in time. Stat
   Med 2007;26:4505-4519.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import ndtr

from igfstrat.errors import DomainError
from igfstrat.survival._inputs import read_groups, read_sample
from igfstrat.survival._intervals import normal_quantile
from igfstrat.survival._risk import split_by_code
from igfstrat.survival._types import FloatArray
from igfstrat.survival.curves import curve_of_sample


@dataclass(frozen=True, slots=True, kw_only=True)
class SurvivalDifference:
    """Survival of two groups at fixed times, second minus first in sorted order.

    Parameters
    ----------
    groups : tuple
        Labels, sorted.
    at : ndarray of float, shape (k,)
        Times, in the caller's unit.
    survival : ndarray of float, shape (2, k)
        Probability in each group; NaN beyond a group's follow-up.
    difference : ndarray of float, shape (k,)
        Second minus first.
    std_error, ci_lower, ci_upper : ndarray of float, shape (k,)
        Greenwood error of the difference and normal limits.
    z, p_value : ndarray of float, shape (k,)
        Plain test, two-sided.
    cloglog_z, cloglog_p_value : ndarray of float, shape (k,)
        Test of log(-log S), two-sided; z > 0 when the second group survives worse.
    level : float
        Coverage.
    not_estimable : tuple of str or None
        For each time, why a number is missing, or None.
    """

    groups: tuple[Any, Any]
    at: FloatArray
    survival: FloatArray
    difference: FloatArray
    std_error: FloatArray
    ci_lower: FloatArray
    ci_upper: FloatArray
    z: FloatArray
    p_value: FloatArray
    cloglog_z: FloatArray
    cloglog_p_value: FloatArray
    level: float
    not_estimable: tuple[str | None, ...]


def survival_difference(
    *, time: Any, event: Any, groups: Any, at: Any, entry: Any = None, level: float = 0.95
) -> SurvivalDifference:
    """Compare survival of two groups at fixed times.

    Parameters
    ----------
    time : array-like of float, shape (n,)
        Follow-up, >= 0, one unit.
    event : array-like of bool, shape (n,)
        True = event observed.
    groups : array-like of str, int or bool, shape (n,)
        Group of each patient, two different ones.
    at : array-like of float, shape (k,), or float
        Times, same unit.
    entry : array-like of float, shape (n,), optional
        Start of observation, below `time`.
    level : float
        Coverage, between 0 and 1.

    Returns
    -------
    SurvivalDifference
        Differences and tests.

    Raises
    ------
    DomainError
        Not two groups.
    """
    sample = read_sample(time=time, event=event, entry=entry)
    codes, labels = read_groups(groups, sample.n)
    if len(labels) != 2:
        msg = f"groups holds {len(labels)} groups {labels}; the comparison takes two, so choose a pair"
        raise DomainError(msg)
    first, second = (curve_of_sample(part).at(at) for part in split_by_code(sample, codes[sample.order], 2))
    survival = np.vstack((first.survival, second.survival))
    errors = np.vstack((first.std_error, second.std_error))
    difference = survival[1] - survival[0]
    std_error = np.sqrt((errors**2).sum(axis=0))
    known = std_error > 0
    z = np.where(known, difference / np.where(known, std_error, 1.0), np.nan)
    inner = ((survival > 0) & (survival < 1)).all(axis=0) & known
    s = np.where(inner, survival, 0.5)
    spread = np.where(inner, errors, 1.0) / (s * np.log(s))
    contrast = np.log(-np.log(s[1])) - np.log(-np.log(s[0]))
    cloglog = np.where(inner, contrast / np.sqrt((spread**2).sum(axis=0)), np.nan)
    half = normal_quantile(level) * std_error
    return SurvivalDifference(
        groups=(labels[0], labels[1]),
        at=first.time,
        survival=survival,
        difference=difference,
        std_error=std_error,
        ci_lower=difference - half,
        ci_upper=difference + half,
        z=z,
        p_value=2 * ndtr(-np.abs(z)),
        cloglog_z=cloglog,
        cloglog_p_value=2 * ndtr(-np.abs(cloglog)),
        level=level,
        not_estimable=tuple(_why(column) for column in survival.T),
    )


def _why(pair: FloatArray) -> str | None:
    if np.isnan(pair).any():
        return "a group is not followed that far"
    if (pair <= 0).any():
        return "survival is 0 in a group, so its error is unknown"
    if (pair >= 1).all():
        return "no event yet in either group"
    if (pair >= 1).any():
        return "no event yet in one group: the log(-log) test is undefined"
    return None
