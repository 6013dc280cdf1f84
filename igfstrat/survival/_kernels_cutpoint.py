"""Permutations of log-rank scores along an ordered marker."""

from __future__ import annotations

import numpy as np

from igfstrat.survival._jit import compiled
from igfstrat.survival._types import FloatArray, IntArray


@compiled
def permuted_maxima(
    scores: FloatArray,
    stratum_first: IntArray,
    member: IntArray,
    cut: IntArray,
    inverse_error: FloatArray,
    uniform: FloatArray,
    maxima: FloatArray,
) -> None:
    """Largest standardized sum of each permutation.

    Parameters
    ----------
    scores : ndarray of float, shape (n,)
        Centred scores, sorted by stratum.
    stratum_first : ndarray of int, shape (s + 1,)
        Stratum s holds the places stratum_first[s] to stratum_first[s + 1].
    member : ndarray of int, shape (n,)
        Stratum of the i-th lowest marker.
    cut : ndarray of int, shape (n,)
        Place in `inverse_error` of the cut behind the i-th lowest marker; -1 = no cut.
    inverse_error : ndarray of float, shape (m,)
        1 / standard error at each cut.
    uniform : ndarray of float, shape (b, n)
        Uniform numbers that drive the shuffles.
    maxima : ndarray of float, shape (b,)
        Filled with the maxima.
    """
    shuffled = scores.copy()
    used = np.empty(len(stratum_first) - 1, np.int64)
    for b in range(len(maxima)):
        for s in range(len(used)):
            _shuffle(shuffled, stratum_first[s], stratum_first[s + 1], uniform[b])
            used[s] = stratum_first[s]
        total, highest = 0.0, 0.0
        for i in range(len(scores)):
            s = member[i]
            total += shuffled[used[s]]
            used[s] += 1
            if cut[i] >= 0:
                highest = max(highest, abs(total) * inverse_error[cut[i]])
        maxima[b] = highest


@compiled
def _shuffle(values: FloatArray, low: int, high: int, uniform: FloatArray) -> None:
    """Fisher–Yates shuffle of the places low to high."""
    for i in range(high - 1, low, -1):
        j = low + int(uniform[i] * (i - low + 1))
        held = values[i]
        values[i] = values[j]
        values[j] = held
