"""Quantiles of step functions, and the rules for plateaus.

References
----------
.. [1] Brookmeyer R, Crowley J. A confidence interval for the median survival time. Biometrics
   1982;38:29-41.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from igfstrat.errors import DomainError
from igfstrat.survival._ties import TIE_TOLERANCE
from igfstrat.survival._types import FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantile:
    """The time by which a share of the patients has had the event.

    Parameters
    ----------
    p : float
        The share.
    value : float
        The time; NaN when the curve never falls to 1 - p ("not reached").
    ci_lower, ci_upper : float
        Limits; NaN when the limit of the curve never falls to 1 - p.
    reached : bool
        Whether the curve falls to 1 - p.
    not_observed_below : bool
        The curve stays at exactly 1 - p up to its last, censored time: the value is the left end of
        that plateau, and the true quantile may lie anywhere to its right.
    """

    p: float
    value: float
    ci_lower: float
    ci_upper: float
    reached: bool
    not_observed_below: bool


def read_probability(p: float) -> float:
    """A share strictly between 0 and 1.

    Parameters
    ----------
    p : float
        The share.

    Returns
    -------
    float
        The share.

    Raises
    ------
    DomainError
        Outside (0, 1).
    """
    if not 0 < p < 1:
        msg = f"p must lie between 0 and 1, found {p}; 0.5 is the median"
        raise DomainError(msg)
    return float(p)


def step_quantile(time: FloatArray, curve: FloatArray, level: float) -> tuple[float, bool]:
    """Where a falling step function reaches a level.

    Parameters
    ----------
    time : ndarray of float, shape (m,)
        Times of the steps, ascending.
    curve : ndarray of float, shape (m,)
        Value from each time on; NaN is skipped.
    level : float
        The level.

    Returns
    -------
    time : float
        First time below the level; on a plateau at the level its midpoint, or its left end when
        nothing lies below; NaN when the level is never reached.
    not_observed_below : bool
        Whether the last of these rules was used.
    """
    known = ~np.isnan(curve)
    time, curve = time[known], curve[known]
    reached = np.flatnonzero(curve <= level + TIE_TOLERANCE)
    if len(reached) == 0:
        return float("nan"), False
    left = reached[0]
    if curve[left] < level - TIE_TOLERANCE:
        return float(time[left]), False
    below = np.flatnonzero(curve < curve[left] - TIE_TOLERANCE)
    if len(below) == 0:
        return float(time[left]), True
    return float((time[left] + time[below[0]]) / 2), False


def curve_quantile(time: FloatArray, curves: tuple[FloatArray, FloatArray, FloatArray], p: float) -> Quantile:
    """Quantile of a curve and of its limits.

    Parameters
    ----------
    time : ndarray of float, shape (m,)
        Times of the steps, ascending.
    curves : tuple of ndarray of float, each of shape (m,)
        The curve, its lower and its upper limit.
    p : float
        The share that has had the event.

    Returns
    -------
    Quantile
        The times.
    """
    value, open_end = step_quantile(time, curves[0], 1 - p)
    lower, _ = step_quantile(time, curves[1], 1 - p)
    upper, _ = step_quantile(time, curves[2], 1 - p)
    return Quantile(
        p=p,
        value=value,
        ci_lower=lower,
        ci_upper=upper,
        reached=not np.isnan(value),
        not_observed_below=open_end,
    )
