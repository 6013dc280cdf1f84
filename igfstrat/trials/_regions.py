"""Probability that two correlated normal statistics fall into a region that grows with each of them.

Such are the rejections of multiplicity procedures. Given the first statistic, the region is a half-line of the second,
whose end is found by bisection; over the first is integrated by Gauss's rule between the places where this end jumps.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from scipy.special import ndtr

from igfstrat.survival._types import BoolArray, FloatArray

_FAR: Final = 9.0  # standard deviations
_COARSE: Final = 361  # places at which jumps are looked for
_JUMP: Final = 0.2
_HALVINGS: Final = 45
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(24)
Region = Callable[[FloatArray], BoolArray]


def normal_probability(region: Region, *, mean: FloatArray, covariance: FloatArray) -> float:
    """Probability of a region that holds with (x, y) everything to its upper right.

    Parameters
    ----------
    region : callable
        Takes pairs, shape (n, 2), returns whether each is inside, shape (n,).
    mean : ndarray of float64, shape (2,)
        Of the statistics.
    covariance : ndarray of float64, shape (2, 2)
        Of the statistics.

    Returns
    -------
    float
        Error about 1e-6.

    Examples
    --------
    >>> half = normal_probability(lambda z: z.max(axis=1) > 1.96, mean=np.zeros(2), covariance=np.eye(2))
    >>> round(half, 6), round(1 - 0.9750021 ** 2, 6)
    (0.049371, 0.049371)
    """
    sd = np.sqrt(np.diag(covariance))
    slope = covariance[0, 1] / covariance[0, 0]
    rest = np.sqrt(max(covariance[1, 1] - slope * covariance[0, 1], 1e-14))
    low, high = mean[0] - _FAR * sd[0], mean[0] + _FAR * sd[0]
    ends = (mean[1] - _FAR * sd[1], mean[1] + _FAR * sd[1])
    coarse = np.linspace(low, high, _COARSE)
    edges = np.unique(np.concatenate((np.linspace(low, high, 19), _jumps(region, coarse, ends))))
    middle, half = (edges[1:] + edges[:-1]) / 2, np.diff(edges) / 2
    x = (middle[:, None] + half[:, None] * _NODES).ravel()
    weight = (half[:, None] * _WEIGHTS).ravel()
    density = np.exp(-(((x - mean[0]) / sd[0]) ** 2) / 2) / (sd[0] * np.sqrt(2 * np.pi))
    inside = ndtr((mean[1] + slope * (x - mean[0]) - _ends(region, x, ends)) / rest)
    return float(weight @ (density * inside))


def _ends(region: Region, x: FloatArray, ends: tuple[float, float]) -> FloatArray:
    """Where the region begins above each x; infinite where it holds nothing or everything."""
    low, high = np.full(len(x), ends[0]), np.full(len(x), ends[1])
    everything, something = (region(np.column_stack((x, y))) for y in (low, high))
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        inside = region(np.column_stack((x, middle)))
        low, high = np.where(inside, low, middle), np.where(inside, middle, high)
    return np.where(everything, -np.inf, np.where(something, high, np.inf))


def _jumps(region: Region, x: FloatArray, ends: tuple[float, float]) -> FloatArray:
    """Places between which the end of the region moves without a step."""

    def end(at: FloatArray) -> FloatArray:
        return np.clip(_ends(region, at, ends), ends[0] - 1, ends[1] + 1)

    found = end(x)
    steps = np.flatnonzero(np.abs(np.diff(found)) > _JUMP)
    low, high, before = x[steps], x[steps + 1], found[steps]
    for _ in range(_HALVINGS if len(steps) else 0):
        middle = (low + high) / 2
        same = np.abs(end(middle) - before) <= _JUMP / 2
        low, high = np.where(same, middle, low), np.where(same, high, middle)
    return high
