"""A stable sort of many floats: buckets by value, then insertion within buckets.

Times of a large cohort spread over their range, so that a bucket holds a few of them and one pass nearly
sorts. Where they do not (one far outlier), the work is capped and the caller sorts otherwise.
"""

from __future__ import annotations

import numpy as np

from igfstrat.survival._jit import compiled
from igfstrat.survival._types import FloatArray, IntArray

_MOVES_PER_ROW = 16


@compiled
def bucket_sort(values: FloatArray, low: float, high: float, order: IntArray, ordered: FloatArray) -> bool:
    """Sort by buckets.

    Parameters
    ----------
    values : ndarray of float, shape (n,)
        Finite numbers.
    low, high : float
        Smallest and largest of them, different.
    order : ndarray of int, shape (n,)
        Filled with the row at each place.
    ordered : ndarray of float, shape (n,)
        Filled with the numbers, ascending.

    Returns
    -------
    bool
        False when the buckets were too uneven to finish; the arrays then hold nothing of use.
    """
    n = len(values)
    buckets = max(n // 4, 1)
    scale = (buckets - 1) / (high - low)
    place = np.zeros(buckets + 1, np.int64)
    for i in range(n):
        place[int((values[i] - low) * scale) + 1] += 1
    for b in range(buckets):
        place[b + 1] += place[b]
    for i in range(n):
        b = int((values[i] - low) * scale)
        k = place[b]
        place[b] = k + 1
        order[k] = i
        ordered[k] = values[i]
    return _insert(order, ordered, _MOVES_PER_ROW * n)


@compiled
def _insert(order: IntArray, ordered: FloatArray, moves: int) -> bool:
    """Insertion sort of what is nearly sorted; False when it takes too many moves."""
    for i in range(1, len(ordered)):
        value = ordered[i]
        if ordered[i - 1] > value:
            row, k = order[i], i - 1
            while k >= 0 and ordered[k] > value:
                ordered[k + 1] = ordered[k]
                order[k + 1] = order[k]
                k -= 1
            ordered[k + 1] = value
            order[k + 1] = row
            moves -= i - k
            if moves < 0:
                return False
    return True
