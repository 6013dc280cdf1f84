"""Probability that two correlated normal statistics fall into a region that grows with each of them in steps.

Such are the rejections of multiplicity procedures: they change only where a statistic passes one of a few bounds. The
bounds are found once by narrowing grids, whatever the procedure; between them the probability is that of rectangles.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from igfstrat.survival._types import BoolArray, FloatArray
from igfstrat.trials.numerics.bivariate import both_below

_FAR: Final = 9.0  # standard deviations; no level is that of a bound beyond
_GRID: Final = np.linspace(0.0, 1.0, 513)
_NARROWINGS: Final = 5
_DECIMALS: Final = 11  # in which a bound found twice is the same
Region = Callable[[FloatArray], BoolArray]


@dataclass(frozen=True, slots=True, eq=False)
class Steps:
    """A plane of two statistics, cut where something changes.

    Parameters
    ----------
    first, second : ndarray of float64, shapes (a,) and (b,)
        Bounds of the first and the second statistic, ascending.
    inside : ndarray of bool, shape (a + 1, b + 1) or (a + 1, b + 1, h)
        What holds between them.
    """

    first: FloatArray
    second: FloatArray
    inside: BoolArray


def find_steps(region: Region) -> Steps:
    """Cut the plane where a region has its steps.

    Parameters
    ----------
    region : callable
        Takes pairs, shape (n, 2), returns whether each is inside, shape (n,), or inside each of several, shape (n, h). Each
        bound of one statistic has to show where the other is far away to either side, or between its bounds so found; those
        of the rejections of two hypotheses do.

    Returns
    -------
    Steps
        With bounds to 1e-11.

    Examples
    --------
    >>> found = find_steps(lambda z: (z[:, 0] > 2) | ((z[:, 0] > 1) & (z[:, 1] > 0.5)))
    >>> found.first.round(9).tolist(), found.second.round(9).tolist()
    ([1.0, 2.0], [0.5])
    """
    first = _bounds(region, _lines(np.zeros(0)), axis=0)
    while True:
        second = _bounds(region, _lines(first), axis=1)
        again = _bounds(region, _lines(second), axis=0)
        if len(again) == len(first):
            break
        first = again  # a bound of one may show only between bounds of the other
    x, y = _lines(first)[1:-1], _lines(second)[1:-1]
    inside = region(np.column_stack((np.repeat(x, len(y)), np.tile(y, len(x)))))
    return Steps(first, second, inside.reshape(len(x), len(y), *inside.shape[1:]))


def _lines(bounds: FloatArray) -> FloatArray:
    """Both ends, and between them the middle of each of the parts that bounds make."""
    edges = np.concatenate(([-_FAR], bounds, [_FAR]))
    return np.concatenate(([-_FAR], (edges[1:] + edges[:-1]) / 2, [_FAR]))


def _bounds(region: Region, others: FloatArray, *, axis: int) -> FloatArray:
    """Where the region changes along one axis, the other statistic being at some places."""
    low, high = np.full(len(others), -_FAR), np.full(len(others), _FAR)
    for _ in range(_NARROWINGS):
        at = low[:, None] + (high - low)[:, None] * _GRID
        beside = np.repeat(others, len(_GRID))
        pairs = (at.ravel(), beside) if axis == 0 else (beside, at.ravel())
        inside = region(np.column_stack(pairs))
        inside = inside.reshape(len(others), len(_GRID), inside.size // at.size)
        row, place = np.nonzero((inside[:, 1:] != inside[:, :-1]).any(axis=2))
        if not len(row):
            return np.zeros(0)
        low, high, others = at[row, place], at[row, place + 1], others[row]
    return np.unique(high.round(_DECIMALS))


def steps_probability(steps: Steps, *, mean: FloatArray, covariance: FloatArray) -> float:
    """Probability of a region that holds with (x, y) everything to its upper right.

    Parameters
    ----------
    steps : Steps
        Of one region.
    mean : ndarray of float64, shape (2,)
        Of the statistics.
    covariance : ndarray of float64, shape (2, 2)
        Of the statistics.

    Returns
    -------
    float
        Error about 1e-11.

    Examples
    --------
    >>> either = find_steps(lambda z: z.max(axis=1) > 1.96)
    >>> found = steps_probability(either, mean=np.zeros(2), covariance=np.eye(2))
    >>> round(found, 6), round(1 - 0.9750021 ** 2, 6)
    (0.049371, 0.049371)
    """
    sd = np.sqrt(np.diag(covariance))
    correlation = float(np.clip(covariance[0, 1] / (sd[0] * sd[1]), -1.0, 1.0))
    x = np.concatenate(([-np.inf], steps.first, [np.inf]))
    y = np.concatenate(([-np.inf], steps.second, [np.inf]))
    # of each strip of the first statistic, where the region begins along the second
    begins = y[np.where(steps.inside.any(axis=1), steps.inside.argmax(axis=1), len(y) - 1)]
    beyond = both_below(
        (mean[0] - np.array([x[:-1], x[1:]])) / sd[0], (mean[1] - begins) / sd[1], correlation
    )
    return float((beyond[0] - beyond[1]).sum())
