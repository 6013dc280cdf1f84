"""Curves of all groups and their log-rank test, from a single sort.

The same numbers as `kaplan_meier_by_group` and `logrank`, in less time where there are many rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from igfstrat.survival._inputs import read_groups, read_sample
from igfstrat.survival._risk import split_by_code
from igfstrat.survival.curves import SurvivalCurve, curve_of_sample
from igfstrat.survival.logrank import LogrankResult, logrank_of_sample


@dataclass(frozen=True, slots=True, kw_only=True)
class SurvivalComparison:
    """Curves and test.

    Parameters
    ----------
    curves : dict
        Kaplan–Meier curve of each group, by label, labels sorted.
    logrank : LogrankResult
        Log-rank test of all groups.
    """

    curves: dict[Any, SurvivalCurve]
    logrank: LogrankResult


def compare_survival(
    *,
    time: Any,
    event: Any,
    groups: Any,
    strata: Any = None,
    entry: Any = None,
    weighting: str = "logrank",
    rho: float = 0,
    gamma: float = 0,
    ci: str = "log-log",
    level: float = 0.95,
) -> SurvivalComparison:
    """Estimate the curve of each group and test whether they differ.

    Parameters
    ----------
    time : array-like of float, shape (n,)
        Follow-up, >= 0, one unit.
    event : array-like of bool, shape (n,)
        True = event observed.
    groups : array-like of str, int or bool, shape (n,)
        Group of each patient, at least two different ones.
    strata : array-like of str, int or bool, shape (n,), optional
        Stratum of each patient, for the test.
    entry : array-like of float, shape (n,), optional
        Start of observation, below `time`.
    weighting : str
        See `logrank`.
    rho, gamma : float
        See `logrank`.
    ci : str
        Scale of the intervals, see `kaplan_meier`.
    level : float
        Coverage, between 0 and 1.

    Returns
    -------
    SurvivalComparison
        Curves and test.
    """
    sample = read_sample(time=time, event=event, entry=entry)
    codes, labels = read_groups(groups, sample.n)
    codes = codes[sample.order]
    test = logrank_of_sample(sample, codes, labels, strata, (weighting, rho, gamma))
    parts = split_by_code(sample, codes, len(labels))
    curves = {label: curve_of_sample(part, ci, level) for label, part in zip(labels, parts, strict=True)}
    return SurvivalComparison(curves=curves, logrank=test)
