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
    stop : ndarray of int, shape (b,)
        Row behind the stratum of each block.
    entry_block : ndarray of int, shape (n,)
        First block at which each row is at risk; empty when nobody enters late.
    """

    first: IntArray
    new_stratum: BoolArray
    leave_first: IntArray
    leave_rows: IntArray
    stop: IntArray
    entry_block: IntArray


def make_blocks(
    first: IntArray, stratum: IntArray, codes: IntArray, time: FloatArray, entry: FloatArray | None
) -> Blocks:
    """Blocks of rows sorted by stratum and time.

    Parameters
    ----------
    first : ndarray of int, shape (b,)
        Where each block begins.
    stratum : ndarray of int, shape (b,)
        Stratum of each block, ascending.
    codes : ndarray of int, shape (n,)
        Stratum of each row.
    time : ndarray of float, shape (b,)
        Time of each block.
    entry : ndarray of float, shape (n,), or None
        Start of observation.

    Returns
    -------
    Blocks
        The blocks.
    """
    n, count = len(codes), len(first)
    new_stratum = np.concatenate(([True], stratum[1:] != stratum[:-1]))
    starts = np.flatnonzero(new_stratum)
    sizes = np.diff(starts, append=count)
    stop = np.repeat(np.append(first, n)[starts + sizes], sizes)
    leave_first, leave_rows = _leaving(entry, codes, time, stratum)
    entry_block = np.empty(0, np.int64)
    if len(leave_rows):
        entry_block = np.repeat(np.repeat(starts, sizes), np.diff(first, append=n))
        entry_block[leave_rows] = np.repeat(np.arange(count), np.diff(leave_first)) + 1
    return Blocks(first, new_stratum, leave_first, leave_rows, stop, entry_block)


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
    none = np.zeros(len(sample.first), np.int64)
    return make_blocks(
        sample.first, none, np.zeros(sample.n, np.int64), sample.time[sample.first], sample.entry
    )


def _leaving(
    entry: FloatArray | None, codes: IntArray, time: FloatArray, stratum: IntArray
) -> tuple[IntArray, IntArray]:
    """Offsets and rows: at which block, going back in time, each late entrant leaves the risk set."""
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
