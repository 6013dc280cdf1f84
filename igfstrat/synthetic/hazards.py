"""Piecewise constant hazards, and the baseline that gives a mixture of patients its reported survival.

A reported survival is that of everybody, while hazard ratios act on each: with shares p and hazard ratios h the
baseline cumulative hazard B solves sum(p exp(-h B)) = S, of which p S0^h + (1 - p) S0 = S is the case of two.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq

from igfstrat.errors import DomainError

Floats = NDArray[np.float64]
_TIGHT: Final = 1e-13


def cumulative_hazard(time: ArrayLike, *, starts: Floats, rates: Floats) -> Floats:
    """Cumulative hazard at times.

    Parameters
    ----------
    time : array-like of float, shape (n,)
        >= 0.
    starts : ndarray of float64, shape (k,)
        Where the pieces begin, ascending from 0; the last has no end.
    rates : ndarray of float64, shape (k,) or (n, k)
        Hazard in each piece, >= 0; of each patient where there are n rows.

    Returns
    -------
    ndarray of float64, shape (n,)
        Without dimension.

    Examples
    --------
    >>> cumulative_hazard([1.0, 3.0], starts=np.array([0.0, 2.0]), rates=np.array([0.1, 0.5])).tolist()
    [0.1, 0.7]
    """
    times = np.asarray(time, dtype=np.float64)[..., np.newaxis]
    ends = np.append(starts[1:], np.inf)
    spent = np.clip(times - starts, 0, ends - starts)
    return np.asarray((spent * rates).sum(axis=-1))


def time_of_hazard(hazard: ArrayLike, *, starts: Floats, rates: Floats) -> Floats:
    """When each patient's cumulative hazard is reached: the inverse of `cumulative_hazard`.

    Parameters
    ----------
    hazard : array-like of float, shape (n,)
        Cumulative hazards, >= 0; standard exponential ones give event times.
    starts : ndarray of float64, shape (k,)
        Where the pieces begin, ascending from 0.
    rates : ndarray of float64, shape (n, k)
        Hazard of each patient in each piece, >= 0.

    Returns
    -------
    ndarray of float64, shape (n,)
        Infinite where the hazard is never reached.

    Examples
    --------
    >>> time_of_hazard([0.1, 0.7], starts=np.array([0.0, 2.0]), rates=np.array([[0.1, 0.5], [0.1, 0.5]])).round(6).tolist()
    [1.0, 3.0]
    """
    wanted = np.asarray(hazard, dtype=np.float64)
    left = wanted.copy()
    time = np.full(wanted.shape, np.inf)
    # piece by piece from the last: each overwrites where the hazard is reached before the next piece begins
    reached = np.zeros(wanted.shape, dtype=bool)
    widths = np.append(np.diff(starts), np.inf)
    for piece, (start, width) in enumerate(zip(starts, widths, strict=True)):
        rate = rates[:, piece]
        with np.errstate(divide="ignore", invalid="ignore"):
            need = np.where(rate > 0, left / rate, np.inf)
        here = ~reached & (need <= width) & np.isfinite(need)
        time[here] = start + need[here]
        reached |= here
        if np.isfinite(width):
            left = left - rate * width
    return time


def solve_baseline(*, survival: float, ratios: Floats, weights: Floats) -> float:
    """Baseline cumulative hazard at which a mixture of hazard ratios has a given survival.

    Parameters
    ----------
    survival : float
        Share of all without an event, between 0 and 1.
    ratios : ndarray of float64, shape (m,)
        Hazard ratio of each kind of patient, > 0.
    weights : ndarray of float64, shape (m,)
        Share of each kind, >= 0, of sum 1.

    Returns
    -------
    float
        B with sum(weights exp(-ratios B)) = survival.

    Raises
    ------
    DomainError
        If the survival is not between 0 and 1, a ratio is not positive, or the weights don't sum to 1.

    Examples
    --------
    >>> B = solve_baseline(survival=0.79, ratios=np.array([0.61, 1.0]), weights=np.array([0.52, 0.48]))
    >>> round(float(0.52 * np.exp(-B) ** 0.61 + 0.48 * np.exp(-B)), 9)
    0.79
    """
    if not 0 < survival < 1:
        message = f"a survival lies between 0 and 1, and {survival:g} was found"
        raise DomainError(message)
    if np.any(ratios <= 0) or abs(weights.sum() - 1) > 1e-9:
        message = "hazard ratios must be > 0 and their weights sum to 1"
        raise DomainError(message)

    def excess(hazard: float) -> float:
        return float(weights @ np.exp(-ratios * hazard) - survival)

    # were all patients of the highest ratio, or of the lowest, the answer would be these ends
    ends = -np.log(survival) / np.array([ratios.max(), ratios.min()])
    if ends[1] - ends[0] < _TIGHT * ends[1]:
        return float(ends[0])
    return float(brentq(excess, ends[0] * (1 - 1e-9), ends[1] * (1 + 1e-9), xtol=_TIGHT))
