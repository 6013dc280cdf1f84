"""Several log-rank tests at once: all pairs of groups with adjusted p-values, and the MaxCombo test.

References
----------
.. [1] Holm S. A simple sequentially rejective multiple test procedure. Scand J Stat 1979;6:65-70.
.. [2] Hommel G. A stagewise rejective multiple test procedure based on a modified Bonferroni test.
   Biometrika 1988;75:383-386.
.. [3] Benjamini Y, Hochberg Y. Controlling the false discovery rate. J R Stat Soc B 1995;57:289-300.
.. [4] Karrison TG. Versatile tests for comparing survival curves based on weighted log-rank statistics.
   Stata J 2016;16:678-690.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from igfstrat.errors import DomainError, EstimationError
from igfstrat.survival._inputs import read_choice, read_groups, read_sample
from igfstrat.survival._logrank import event_tables, weight_function, why_no_test
from igfstrat.survival._normal import outside_probability
from igfstrat.survival._types import FloatArray
from igfstrat.survival.cox import cox
from igfstrat.survival.logrank import logrank

ADJUSTMENTS = ("holm", "bonferroni", "hommel", "bh")
MAXCOMBO_POWERS = ((0.0, 0.0), (1.0, 0.0), (0.0, 1.0), (1.0, 1.0))


@dataclass(frozen=True, slots=True, kw_only=True)
class PairwiseLogrank:
    """Log-rank tests of all pairs of groups.

    Parameters
    ----------
    pairs : tuple of tuple
        The two labels of each pair, sorted; hazard ratios are second against first.
    statistic, p_value, p_adjusted : ndarray of float, shape (m,)
        Chi-square, its p-value, and the p-value adjusted over the estimable pairs; NaN where not
        estimable.
    hazard_ratio, ci_lower, ci_upper : ndarray of float, shape (m,)
        Cox estimate (Efron) with its limits; NaN where there is no finite estimate.
    adjust : str
        The adjustment.
    not_estimable : tuple of str or None
        For each pair, why a test or hazard ratio is missing, or None.
    """

    pairs: tuple[tuple[Any, Any], ...]
    statistic: FloatArray
    p_value: FloatArray
    p_adjusted: FloatArray
    hazard_ratio: FloatArray
    ci_lower: FloatArray
    ci_upper: FloatArray
    adjust: str
    not_estimable: tuple[str | None, ...]


def pairwise_logrank(
    *,
    time: Any,
    event: Any,
    groups: Any,
    adjust: str = "holm",
    strata: Any = None,
    entry: Any = None,
    weighting: str = "logrank",
    rho: float = 0,
    gamma: float = 0,
    level: float = 0.95,
) -> PairwiseLogrank:
    """Compare all pairs of groups.

    Parameters
    ----------
    time : array-like of float, shape (n,)
        Follow-up, >= 0, one unit.
    event : array-like of bool, shape (n,)
        True = event observed.
    groups : array-like of str, int or bool, shape (n,)
        Group of each patient.
    adjust : str
        holm, bonferroni, hommel or bh (Benjamini–Hochberg).
    strata : array-like of str, int or bool, shape (n,), optional
        Stratum of each patient.
    entry : array-like of float, shape (n,), optional
        Start of observation, below `time`.
    weighting : str
        See `logrank`.
    rho, gamma : float
        See `logrank`.
    level : float
        Coverage of the hazard ratios' intervals.

    Returns
    -------
    PairwiseLogrank
        A test and a hazard ratio for each pair.
    """
    read_choice(adjust, "adjust", ADJUSTMENTS)
    sample = read_sample(time=time, event=event, entry=entry)
    codes, labels = read_groups(groups, sample.n)
    columns = {"time": time, "event": event, "strata": strata, "entry": entry}
    arrays = {name: np.asarray(values) for name, values in columns.items() if values is not None}
    rows = []
    for a, b in combinations(range(len(labels)), 2):
        keep = (codes == a) | (codes == b)
        part = {name: values[keep] for name, values in arrays.items()}
        second = codes[keep] == b
        test = logrank(**part, groups=second, weighting=weighting, rho=rho, gamma=gamma)
        rows.append((test.statistic, test.p_value, *_hazard_ratio(part, second, level, test.not_estimable)))
    p_value = np.array([row[1] for row in rows])
    return PairwiseLogrank(
        pairs=tuple(combinations(labels, 2)),
        statistic=np.array([row[0] for row in rows]),
        p_value=p_value,
        p_adjusted=adjust_p_values(p_value, adjust),
        hazard_ratio=np.array([row[2] for row in rows]),
        ci_lower=np.array([row[3] for row in rows]),
        ci_upper=np.array([row[4] for row in rows]),
        adjust=adjust,
        not_estimable=tuple(row[5] for row in rows),
    )


def _hazard_ratio(
    part: dict[str, Any], second: Any, level: float, why: str | None
) -> tuple[float, float, float, str | None]:
    nan = float("nan")
    if why is not None:
        return nan, nan, nan, why
    try:
        fit = cox(**part, covariates=second, names=["second group"], level=level)
    except EstimationError as error:
        return nan, nan, nan, str(error)
    return float(fit.hazard_ratio[0]), float(fit.ci_lower[0]), float(fit.ci_upper[0]), fit.not_estimable


def adjust_p_values(p_value: Any, adjust: str) -> FloatArray:
    """Adjust p-values for their number.

    Parameters
    ----------
    p_value : array-like of float, shape (m,)
        P-values; NaN ones stay NaN and do not count.
    adjust : str
        holm, bonferroni, hommel or bh.

    Returns
    -------
    ndarray of float, shape (m,)
        Adjusted p-values, at most 1.
    """
    read_choice(adjust, "adjust", ADJUSTMENTS)
    out = np.array(p_value, dtype=np.float64)
    known = np.flatnonzero(~np.isnan(out))
    m = len(known)
    if m == 0:
        return out
    order = known[np.argsort(out[known], kind="stable")]
    p, rank = out[order], np.arange(1, m + 1)
    if adjust == "bonferroni":
        adjusted = m * p
    elif adjust == "holm":
        adjusted = np.maximum.accumulate((m - rank + 1) * p)
    elif adjust == "bh":
        adjusted = np.minimum.accumulate((m / rank * p)[::-1])[::-1]
    else:
        adjusted = _hommel(p)
    out[order] = np.minimum(adjusted, 1.0)
    return out


def _hommel(p: FloatArray) -> FloatArray:
    """Closed test of Simes' tests; p ascending. For each size of intersection, the smallest bound."""
    m = len(p)
    adjusted = np.full(m, np.min(m * p / np.arange(1, m + 1)))
    for size in range(m - 1, 1, -1):
        # the worst intersection of this size that holds p[i] joins it with the largest others
        tail = p[m - size + 1 :]
        bound = float(np.min(size * tail / np.arange(2, size + 1)))
        alone = np.minimum(bound, size * p)
        adjusted[: m - size + 1] = np.maximum(adjusted[: m - size + 1], alone[: m - size + 1])
        adjusted[m - size + 1 :] = np.maximum(adjusted[m - size + 1 :], adjusted[m - size])
    return np.maximum(adjusted, p)


@dataclass(frozen=True, slots=True, kw_only=True)
class MaxCombo:
    """The most extreme of several weighted log-rank tests of two groups.

    Parameters
    ----------
    statistic : float
        The extreme z (largest in absolute value when two-sided); NaN when not estimable.
    p_value : float
        From the joint normal distribution of all of them.
    powers : tuple of tuple of float
        rho and gamma of each Fleming–Harrington weight.
    z : ndarray of float, shape (m,)
        Statistic of each weight: > 0 when the second group has more events than expected.
    correlation : ndarray of float, shape (m, m)
        Their correlation under equal hazards.
    groups : tuple
        The two labels, sorted.
    alternative : str
        two-sided, less (second group has fewer events) or greater.
    not_estimable : str or None
        Why there is no test, or None.
    """

    statistic: float
    p_value: float
    powers: tuple[tuple[float, float], ...]
    z: FloatArray
    correlation: FloatArray
    groups: tuple[Any, Any]
    alternative: str
    not_estimable: str | None = None


def maxcombo(
    *,
    time: Any,
    event: Any,
    groups: Any,
    powers: Sequence[tuple[float, float]] = MAXCOMBO_POWERS,
    strata: Any = None,
    entry: Any = None,
    alternative: str = "two-sided",
) -> MaxCombo:
    """MaxCombo test of two groups.

    Parameters
    ----------
    time : array-like of float, shape (n,)
        Follow-up, >= 0, one unit.
    event : array-like of bool, shape (n,)
        True = event observed.
    groups : array-like of str, int or bool, shape (n,)
        Group of each patient, two different ones.
    powers : sequence of tuple of float
        rho and gamma of each Fleming–Harrington weight.
    strata : array-like of str, int or bool, shape (n,), optional
        Stratum of each patient.
    entry : array-like of float, shape (n,), optional
        Start of observation, below `time`.
    alternative : str
        two-sided, less (second group has fewer events than expected) or greater.

    Returns
    -------
    MaxCombo
        The test.

    Raises
    ------
    DomainError
        More than two groups, or no powers.
    """
    read_choice(alternative, "alternative", ("two-sided", "less", "greater"))
    sample = read_sample(time=time, event=event, entry=entry)
    codes, labels = read_groups(groups, sample.n)
    if len(labels) != 2 or not powers:
        msg = f"maxcombo takes two groups and at least one pair of powers; found groups {labels} and powers {powers}"
        raise DomainError(msg)
    pairs = tuple((float(rho), float(gamma)) for rho, gamma in powers)
    difference, variance = _joint_scores(event_tables(sample, codes[sample.order], 2, strata), pairs)
    spread = np.diag(variance)
    why = why_no_test(sample, int(np.count_nonzero(spread > 0)))
    if why is None and spread.min() <= 0:
        why = "a weight is 0 at every event time: leave its powers out"
    if why is not None:
        nothing = np.full(len(pairs), np.nan)
        z, correlation, extreme, p_value = nothing, np.outer(nothing, nothing), float("nan"), float("nan")
    else:
        z = difference / np.sqrt(spread)
        correlation = variance / np.sqrt(np.outer(spread, spread))
        np.fill_diagonal(correlation, 1.0)
        sign = {"two-sided": 0, "less": -1, "greater": 1}[alternative]
        chosen = np.abs(z) if sign == 0 else sign * z
        extreme = float(z[int(np.argmax(chosen))])
        p_value = outside_probability(correlation, float(chosen.max()), two_sided=sign == 0)
    return MaxCombo(
        statistic=extreme,
        p_value=p_value,
        powers=pairs,
        z=z,
        correlation=correlation,
        groups=(labels[0], labels[1]),
        alternative=alternative,
        not_estimable=why,
    )


def _joint_scores(
    tables: Sequence[Any], powers: tuple[tuple[float, float], ...]
) -> tuple[FloatArray, FloatArray]:
    difference, variance = np.zeros(len(powers)), np.zeros((len(powers), len(powers)))
    for table in tables:
        n, d = table.at_risk.sum(axis=0), table.events.sum(axis=0)
        w = np.array([weight_function("fleming-harrington", rho, gamma)(n, d) for rho, gamma in powers])
        share = table.at_risk[1] / n
        difference += w @ (table.events[1] - share * d)
        variance += (w * (share * (1 - share) * d * (n - d) / np.maximum(n - 1, 1))) @ w.T
    return difference, variance
