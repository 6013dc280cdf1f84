"""The largest of nested log-rank statistics: its p-value and critical value, by an exact recursion.

Patients at or above a cut contain those above a higher one, and the log-rank score of the larger part is that of the smaller
and of what lies between, nearly independent: the correlation of two statistics is the root of the ratio of their
information, as of two looks of a group-sequential trial [1]_. The probability that any of k statistics reaches its limit is
then the crossing probability of k looks, carried from the highest cut to the lowest. This holds under no effect anywhere and
for a marker without prognosis. A prognostic one makes the correlations of neighbours smaller: the information is then that
which gives these (`rules.CutStatistics.nesting`), and those of others are taken as the products of those between.

References
----------
.. [1] Miller R, Siegmund D. Maximally selected chi square statistics. Biometrics 1982;38:1011-1016.
.. [2] Armitage P, McPherson CK, Rowe BC. Repeated significance tests on accumulating data. J R Stat Soc A
   1969;132:235-244.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq
from scipy.special import ndtr, ndtri

from igfstrat.errors import DomainError
from igfstrat.survival._types import FloatArray


def nested_exceedance(limits: npt.ArrayLike, information: npt.ArrayLike) -> float:
    """Probability that any of nested standard normal statistics reaches its limit.

    Parameters
    ----------
    limits : array-like of float, shape (k,)
        Of the statistics, from the smallest part to the largest.
    information : array-like of float, shape (k,)
        Of the parts, > 0, ascending; equal ones are the same statistic.

    Returns
    -------
    float
        Between 0 and 1, with an error below 1e-7.

    Raises
    ------
    DomainError
        If the information doesn't ascend from above 0.

    Examples
    --------
    >>> round(nested_exceedance([2.289478] * 3, [1, 2, 3]), 6)  # Pocock's three looks
    0.025
    """
    from igfstrat.trials.kernels.threshold import any_exceeds

    bounds, inside = _read(limits, information)
    return float(any_exceeds(bounds, inside))


def _read(limits: npt.ArrayLike, information: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
    inside = np.atleast_1d(np.asarray(information, dtype=np.float64))
    if not (len(inside) and inside[0] > 0 and np.all(np.isfinite(inside)) and np.all(np.diff(inside) >= 0)):
        message = "the information of nested parts ascends from above 0"
        raise DomainError(message)
    return np.broadcast_to(np.asarray(limits, dtype=np.float64), inside.shape).copy(), inside


def nested_critical_value(information: npt.ArrayLike, *, alpha: float, overall: float | None = None) -> float:
    """Critical value of the largest of nested statistics.

    Parameters
    ----------
    information : array-like of float, shape (k,)
        Of the parts, ascending; the last is that of everybody where `overall` is given.
    alpha : float
        One-sided level.
    overall : float, optional
        Critical value at which everybody is tested beside the parts; the level is then that of both.

    Returns
    -------
    float
        Z of the largest of the parts.

    Raises
    ------
    DomainError
        If the test of everybody alone uses up the level.

    Examples
    --------
    >>> round(nested_critical_value([1, 2, 3], alpha=0.025), 4)
    2.2895
    """
    _, inside = _read(0.0, information)
    if overall is not None and ndtr(-overall) >= alpha:
        message = f"the test of everybody at {overall:g} leaves nothing of the level {alpha:g}"
        raise DomainError(message)

    def excess(z: float) -> float:
        limits = np.full(len(inside), z)
        if overall is not None:
            limits[-1] = overall
        return nested_exceedance(limits, inside) - alpha

    return float(brentq(excess, 0.0, -ndtri(alpha / (len(inside) + 1) / 1e3), xtol=1e-9))


def nested_p_values(
    z: FloatArray, information: FloatArray, *, alpha: float | None = None, overall: float | None = None
) -> FloatArray:
    """P-values of the largest of nested statistics, of many trials; exact, or given a level exact near it.

    Where a single statistic is not extreme enough for the level, or Bonferroni's bound is below it, the bound is given
    instead of the p-value: the decision is the same.

    Parameters
    ----------
    z : ndarray of float64, shape (r, k)
        Statistics by ascending cut; NaN where there is none.
    information : ndarray of float64, shape (r, k)
        Of the same; with `overall` a column more, of everybody.
    alpha : float, optional
        One-sided level that the p-values are held against.
    overall : float, optional
        Critical value of everybody, see `nested_critical_value`.

    Returns
    -------
    ndarray of float64, shape (r,)
        NaN without any statistic.

    Examples
    --------
    >>> nested_p_values(np.array([[2.2, 2.289478, 0.0]]), np.array([[3.0, 2.0, 1.0]]), alpha=0.02).round(4).tolist()
    [0.025]
    """
    from igfstrat.trials.kernels.threshold import largest_is_rare

    whole = np.full(len(z) if overall is not None else 0, overall or 0.0)
    out = np.empty(len(z))
    level = np.nan if alpha is None else alpha
    largest_is_rare(np.ascontiguousarray(z), np.ascontiguousarray(information), whole, level, out)
    return out
