"""The one gate through which every estimator takes its data.

It refuses what has no meaning (an event that is not boolean, a negative time, an entry after the
exit) with the argument, the place, the value and the remedy; makes times equal that differ only by
rounding, as R's `timefix` does; and sorts once, so that no estimator sorts again. It computes no
statistic.

References
----------
.. [1] Therneau TM. A Package for Survival Analysis in R, vignette "Roundoff error and tied times".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from igfstrat.errors import DomainError
from igfstrat.survival._ties import sort_floats, tie_equal_times
from igfstrat.survival._types import BoolArray, FloatArray, IntArray

_SMALL_RANGE = 1 << 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """Checked data in ascending order of time.

    Parameters
    ----------
    time : ndarray of float, shape (n,)
        Follow-up, ascending, ties made exact; the caller's unit.
    event : ndarray of bool, shape (n,)
        True where the event was observed.
    order : ndarray of int, shape (n,)
        Row of the caller's arrays that stands at each place here.
    first : ndarray of int, shape (m,)
        Where each distinct time begins.
    entry : ndarray of float, shape (n,), or None
        Left-truncation time, the caller's unit.
    weights : ndarray of float, shape (n,), or None
        Case weights, > 0.
    """

    time: FloatArray
    event: BoolArray
    order: IntArray
    first: IntArray
    entry: FloatArray | None = None
    weights: FloatArray | None = None

    @property
    def n(self) -> int:
        """Number of rows."""
        return len(self.time)


def read_sample(*, time: Any, event: Any, entry: Any = None, weights: Any = None) -> Sample:
    """Check the data, tie equal times and sort.

    Parameters
    ----------
    time : array-like of float, shape (n,)
        Follow-up, >= 0, one unit.
    event : array-like of bool, shape (n,)
        True = event observed.
    entry : array-like of float, shape (n,), optional
        Start of observation, same unit; every value below `time`.
    weights : array-like of float, shape (n,), optional
        Case weights, > 0.

    Returns
    -------
    Sample
        The data, sorted.
    """
    t = read_times(time, "time")
    n = len(t)
    e = read_event(event, n)
    start = None if entry is None else _read_entry(entry, t)
    w = None if weights is None else read_weights(weights, n)
    order, t = sort_floats(t)
    if start is not None:
        start = start[order]
    t, start = tie_equal_times(t, start, order)
    first = np.flatnonzero(np.concatenate(([True], t[1:] != t[:-1])))
    return Sample(
        time=t,
        event=e[order],
        order=order,
        first=first,
        entry=start,
        weights=None if w is None else w[order],
    )


def read_times(values: Any, name: str) -> FloatArray:
    """Times as an array of floats.

    Parameters
    ----------
    values : array-like of float, shape (n,)
        Times, >= 0 and finite.
    name : str
        Argument named in the message.

    Returns
    -------
    ndarray of float, shape (n,)
        The times; minus zero becomes zero.

    Raises
    ------
    DomainError
        Negative, missing or infinite values, or none at all.
    """
    array = read_numbers(values, name)
    if len(array) == 0:
        msg = f"{name} is empty; at least one patient is needed"
        raise DomainError(msg)
    if array.min() < 0:
        refuse_rows(array < 0, array, name, "must be >= 0: correct them or leave the rows out")
    return array + 0.0 if array.min() == 0 else array  # minus zero becomes zero


def read_numbers(values: Any, name: str, n: int | None = None) -> FloatArray:
    """Finite numbers in one dimension.

    Parameters
    ----------
    values : array-like of float, shape (n,)
        Numbers.
    name : str
        Argument named in the message.
    n : int, optional
        Required length.

    Returns
    -------
    ndarray of float, shape (n,)
        The numbers.

    Raises
    ------
    DomainError
        Not numeric, not one-dimensional, another length, or a value that is missing or infinite.
    """
    raw = np.asarray(values)
    if raw.dtype.kind not in "iuf":
        msg = f"{name} must be numeric, found {raw.dtype}; convert it first"
        raise DomainError(msg)
    _check_shape(raw, name, n)
    array = raw.astype(np.float64, copy=False)
    finite = np.isfinite(array)
    if not finite.all():
        refuse_rows(~finite, array, name, "must be finite: leave the rows out or fill them in")
    return array


def read_event(values: Any, n: int) -> BoolArray:
    """Event indicators, refused unless they are boolean already.

    Parameters
    ----------
    values : array-like of bool, shape (n,)
        True = event observed.
    n : int
        Required length.

    Returns
    -------
    ndarray of bool, shape (n,)
        The indicators.

    Raises
    ------
    DomainError
        Another dtype (0/1, 1/2 and words are never decoded here) or another length.
    """
    array = np.asarray(values)
    if array.dtype != np.bool_:
        msg = (
            f"event must be boolean (True = event), found {array.dtype}; "
            "decode it first, for example event = (status == 1)"
        )
        raise DomainError(msg)
    _check_shape(array, "event", n)
    return array


def read_weights(values: Any, n: int) -> FloatArray:
    """Case weights.

    Parameters
    ----------
    values : array-like of float, shape (n,)
        Weights, > 0.
    n : int
        Required length.

    Returns
    -------
    ndarray of float, shape (n,)
        The weights.
    """
    array = read_numbers(values, "weights", n)
    if array.min() <= 0:
        refuse_rows(array <= 0, array, "weights", "must be > 0: leave rows of weight 0 out")
    return array


def _read_entry(values: Any, time: FloatArray) -> FloatArray:
    array = read_numbers(values, "entry", len(time))
    late = array >= time
    if late.any():
        refuse_rows(late, array, "entry", "must be below time: nobody is at risk in an empty interval")
    return array


def refuse_rows(bad: BoolArray, values: npt.NDArray[Any], name: str, remedy: str) -> None:
    """Raise with the first bad places and their values.

    Parameters
    ----------
    bad : ndarray of bool, shape (n,)
        Where the fault is.
    values : ndarray of any, shape (n,)
        What was found.
    name : str
        Argument named in the message.
    remedy : str
        What must hold and what to do.

    Raises
    ------
    DomainError
        Always.
    """
    places = np.flatnonzero(bad)
    shown = ", ".join(f"{name}[{i}] = {values[i]}" for i in places[:5])
    more = f" and {len(places) - 5} more" if len(places) > 5 else ""
    msg = f"{shown}{more}: {name} {remedy}"
    raise DomainError(msg)


def read_codes(values: Any, name: str, n: int) -> tuple[IntArray, tuple[Any, ...]]:
    """Labels as codes 0..k-1 in the sorted order of the labels.

    Parameters
    ----------
    values : array-like of str, int or bool, shape (n,)
        Labels; none may be missing or empty.
    name : str
        Argument named in the message.
    n : int
        Required length.

    Returns
    -------
    codes : ndarray of int, shape (n,)
        Place of each row's label in `labels`.
    labels : tuple
        Distinct labels, sorted.

    Raises
    ------
    DomainError
        A label is missing or empty, labels cannot be compared, or the length differs.
    """
    raw = np.asarray(values)
    _check_shape(raw, name, n)
    if raw.dtype.kind in "iub":
        compact = _small_integer_codes(raw)
        if compact is not None:
            return compact
    listed = raw.tolist()
    codes_of: dict[Any, int] = {}
    codes = np.fromiter((codes_of.setdefault(label, len(codes_of)) for label in listed), np.int64, n)
    for label, code in codes_of.items():
        if label is None or label != label or (isinstance(label, str) and not label.strip()):
            place = int(np.flatnonzero(codes == code)[0])
            msg = f"{name}[{place}] is {label!r}: every row needs a label; leave the row out or name it"
            raise DomainError(msg)
    try:
        labels = tuple(sorted(codes_of))
    except TypeError:
        msg = f"{name} mixes labels that cannot be ordered, such as {listed[0]!r}; use one type"
        raise DomainError(msg) from None
    rank = np.empty(len(labels), np.int64)
    for place, label in enumerate(labels):
        rank[codes_of[label]] = place
    return rank[codes], labels


def _small_integer_codes(raw: npt.NDArray[Any]) -> tuple[IntArray, tuple[Any, ...]] | None:
    low, high = int(raw.min()), int(raw.max())
    if high - low > _SMALL_RANGE:
        return None
    shifted = raw.astype(np.int64)
    shifted -= low
    present = np.flatnonzero(np.bincount(shifted))
    place = np.zeros(high - low + 1, np.int64)
    place[present] = np.arange(len(present))
    return place[shifted], tuple((present + low).astype(raw.dtype).tolist())


def read_groups(values: Any, n: int) -> tuple[IntArray, tuple[Any, ...]]:
    """Group labels of a comparison.

    Parameters
    ----------
    values : array-like of str, int or bool, shape (n,)
        Group of each row.
    n : int
        Required length.

    Returns
    -------
    codes : ndarray of int, shape (n,)
        Place of each row's label in `labels`.
    labels : tuple
        Distinct labels, sorted.

    Raises
    ------
    DomainError
        Fewer than two groups.
    """
    codes, labels = read_codes(values, "groups", n)
    if len(labels) < 2:
        msg = f"groups holds one group only ({labels[0]!r}); a comparison needs at least two"
        raise DomainError(msg)
    return codes, labels


def read_level(level: float) -> float:
    """Confidence level.

    Parameters
    ----------
    level : float
        Coverage, strictly between 0 and 1.

    Returns
    -------
    float
        The level.

    Raises
    ------
    DomainError
        Outside (0, 1).
    """
    if not 0 < level < 1:
        msg = f"level must lie between 0 and 1, found {level}; 0.95 is usual"
        raise DomainError(msg)
    return float(level)


def read_choice(value: str, name: str, choices: Sequence[str]) -> str:
    """One of a closed list of words.

    Parameters
    ----------
    value : str
        The word.
    name : str
        Argument named in the message.
    choices : sequence of str
        What is allowed.

    Returns
    -------
    str
        The word.

    Raises
    ------
    DomainError
        Another word.
    """
    if value not in choices:
        msg = f"{name} must be one of {', '.join(choices)}; found {value!r}"
        raise DomainError(msg)
    return value


def _check_shape(array: npt.NDArray[Any], name: str, n: int | None) -> None:
    if array.ndim != 1:
        msg = f"{name} must have one dimension, found shape {array.shape}"
        raise DomainError(msg)
    if n is not None and len(array) != n:
        msg = f"{name} has {len(array)} values and time has {n}; one value a patient is needed"
        raise DomainError(msg)
