"""Order: when a number of events is reached, and follow-up times ascending, by buckets instead of a full sort.

A follow-up time and what belongs to it (event, arm, test result, stratum) travel as one 64-bit key: the bits of
a positive double ascend with its value, and the lowest `PAYLOAD` of them hold the rest, which moves a time by
less than one part in 10^12 and so by less than the tolerance within which times are tied.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from igfstrat.survival._types import FloatArray, IntArray
from igfstrat.trials.kernels.jit import compiled, float_of

PAYLOAD = 8  # bit 0 event, bit 1 experimental, bit 2 positive test, bits 3-7 stratum of the test
_BUCKETS_PER_VALUE = 3  # fastest of 1 to 4
CODES = (1 << PAYLOAD) - 1


@compiled
def bucket_count(n: int) -> int:
    """Buckets for n values: enough that most values have one to themselves."""
    return _BUCKETS_PER_VALUE * max(n, 2) + 2


@compiled
def fill_buckets(
    values: FloatArray, n: int, high: float, place: NDArray[np.uint32], count: NDArray[np.uint32]
) -> None:
    """Bucket of each of the first n values, between 0 and `high` or infinite, and how many are in it."""
    last = len(count) - 1
    scale = last / high if high > 0.0 else 0.0
    count[:] = 0
    for i in range(n):
        place[i] = np.uint32(min(values[i], high) * scale)
    for i in range(n):
        count[place[i]] += 1


@compiled
def kth_smallest(
    values: FloatArray, n: int, k: int, place: NDArray[np.uint32], count: NDArray[np.uint32], work: FloatArray
) -> float:
    """The k-th smallest (from 1) of the first n values, put into buckets before; infinite where there is none."""
    if k > n:
        return np.inf
    b = before = 0
    while before + count[b] < k:
        before += count[b]
        b += 1
    m = 0
    for i in range(n):
        if place[i] == b:
            j = m
            while j > 0 and work[j - 1] > values[i]:
                work[j] = work[j - 1]
                j -= 1
            work[j] = values[i]
            m += 1
    return float(work[k - before - 1])


@compiled
def sort_keys(
    keys: IntArray,
    n: int,
    longest: float,
    out: IntArray,
    place: NDArray[np.uint32],
    count: NDArray[np.uint32],
) -> None:
    """Sort the first n keys, times between 0 and `longest`, into `out`."""
    buckets = len(count) - 1
    scale = (buckets - 1) / longest if longest > 0.0 else 0.0
    count[:] = 0
    for i in range(n):
        place[i] = np.uint32(float_of(keys[i]) * scale)
    for i in range(n):
        count[place[i] + 1] += 1
    for b in range(buckets):
        count[b + 1] += count[b]
    for i in range(n):
        b = place[i]
        out[count[b]] = keys[i]
        count[b] += 1
    for i in range(1, n):
        key = out[i]
        j = i - 1
        while j >= 0 and out[j] > key:
            out[j + 1] = out[j]
            j -= 1
        out[j + 1] = key
