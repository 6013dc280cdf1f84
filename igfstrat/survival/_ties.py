"""Sorting many floats, and making times equal that differ by rounding, as R's `timefix` does.

References
----------
.. [1] Therneau TM. A Package for Survival Analysis in R, vignette "Roundoff error and tied times".
"""

from __future__ import annotations

import numpy as np

from igfstrat.errors import DomainError
from igfstrat.survival._types import FloatArray, IntArray

# R's tolerance: the square root of the double's epsilon, absolute or relative to the mean time
TIE_TOLERANCE = float(np.sqrt(np.finfo(np.float64).eps))
_MANY = 1_000  # rows from which sorting by buckets beats numpy's sort
_NARROW = 1e-290  # a range so small that its inverse overflows


def sort_floats(values: FloatArray) -> tuple[IntArray, FloatArray]:
    """Stable order of an array and the array in that order.

    Parameters
    ----------
    values : ndarray of float, shape (n,)
        Finite numbers.

    Returns
    -------
    order : ndarray of int, shape (n,)
        Row that stands at each place.
    ordered : ndarray of float, shape (n,)
        The numbers, ascending.
    """
    n = len(values)
    low, high = float(values.min()), float(values.max())
    if n >= _MANY and _NARROW < high - low < np.inf:
        from igfstrat.survival._kernels_sort import bucket_sort

        order, ordered = np.empty(n, np.int64), np.empty(n)
        if bucket_sort(np.ascontiguousarray(values), low, high, order, ordered):
            return order, ordered
    order = np.argsort(values, kind="stable")
    return order, values[order]


def tie_equal_times(
    time: FloatArray, entry: FloatArray | None, order: IntArray
) -> tuple[FloatArray, FloatArray | None]:
    """Make times equal that differ by less than R's tolerance; `time` may be overwritten.

    Parameters
    ----------
    time : ndarray of float, shape (n,)
        Times, ascending.
    entry : ndarray of float, shape (n,), or None
        Start of observation of the same rows.
    order : ndarray of int, shape (n,)
        The caller's row of each, for messages.

    Returns
    -------
    time : ndarray of float, shape (n,)
        Times, each the smallest of those that it ties with.
    entry : ndarray of float, shape (n,), or None
        The same for the starts.

    Raises
    ------
    DomainError
        An entry that equals its time within the tolerance.
    """
    from igfstrat.survival._kernels_risk import smallest_gap, tie

    values = time if entry is None else np.sort(np.concatenate((time, entry)))
    gap, total, different = smallest_gap(values)
    tolerance = TIE_TOLERANCE * max(1.0, total / different)
    if gap > tolerance:
        return time, entry
    if entry is None:
        tie(time, tolerance)
        return time, None
    begins = np.concatenate(([True], np.diff(values) > tolerance))
    kept = values[begins]
    tied_time = kept[np.searchsorted(kept, time, side="right") - 1]
    tied_entry = kept[np.searchsorted(kept, entry, side="right") - 1]
    empty = tied_entry >= tied_time
    if empty.any():
        place = int(order[np.flatnonzero(empty)[0]])
        msg = f"entry[{place}] and time[{place}] are equal but for rounding: nobody is at risk in an empty interval"
        raise DomainError(msg)
    return tied_time, tied_entry
