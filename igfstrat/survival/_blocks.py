"""Runs of rows with one time, and who leaves the risk set at each when time runs backwards."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from igfstrat.survival._inputs import Sample
from igfstrat.survival._types import BoolArray, FloatArray, IntArray


class Blocks(NamedTuple):
    """Blocks of equal time within strata; a tuple, so that compiled kernels take it.

    Parameters
    ----------
    first : ndarray of int, shape (b,)
        Where each block begins.
    new_stratum : ndarray of bool, shape (b,)
        Whether the block is the first of its stratum.
    leave_first : ndarray of int, shape (b + 1,)
        Offsets into `leave_rows`.
    leave_rows : ndarray of int, shape (e,)
        Rows that had not entered yet at each block.
    """

    first: IntArray
    new_stratum: BoolArray
    leave_first: IntArray
    leave_rows: IntArray


def blocks_of(sample: Sample) -> Blocks:
    """Blocks of a sample without strata.

    Parameters
    ----------
    sample : Sample
        Checked and sorted data.

    Returns
    -------
    Blocks
        One block for each distinct time.
    """
    count = len(sample.first)
    leaving = leaving_rows(
        sample.entry, np.zeros(sample.n, np.int64), sample.time[sample.first], np.zeros(count, np.int64)
    )
    new = np.zeros(count, np.bool_)
    new[0] = True
    return Blocks(sample.first, new, *leaving)


def leaving_rows(
    entry: FloatArray | None, codes: IntArray, time: FloatArray, stratum: IntArray
) -> tuple[IntArray, IntArray]:
    """At which block, going back in time, each late entrant leaves the risk set.

    Parameters
    ----------
    entry : ndarray of float, shape (n,), or None
        Start of observation.
    codes : ndarray of int, shape (n,)
        Stratum of each row.
    time : ndarray of float, shape (b,)
        Time of each block.
    stratum : ndarray of int, shape (b,)
        Stratum of each block, ascending.

    Returns
    -------
    leave_first : ndarray of int, shape (b + 1,)
        Offsets into `leave_rows`.
    leave_rows : ndarray of int, shape (e,)
        Rows that had not entered yet at each block.
    """
    blocks = len(time)
    if entry is None:
        return np.zeros(blocks + 1, np.int64), np.empty(0, np.int64)
    starts = np.searchsorted(stratum, np.arange(stratum[-1] + 2))
    by_stratum = np.argsort(codes, kind="stable")
    ends = np.cumsum(np.bincount(codes, minlength=int(stratum[-1]) + 1))
    leave = np.empty(len(entry), np.int64)
    for code, rows in enumerate(np.split(by_stratum, ends[:-1])):
        low, high = starts[code], starts[code + 1]
        within = np.searchsorted(time[low:high], entry[rows], side="right") - 1
        leave[rows] = np.where(within < 0, -1, within + low)
    late = np.flatnonzero(leave >= 0)
    late = late[np.argsort(leave[late], kind="stable")]
    return np.concatenate(([0], np.cumsum(np.bincount(leave[late], minlength=blocks)))), late
