"""Counting comparable pairs in O(n log n) with a binary indexed tree over the ranks of the risk.

References
----------
.. [1] Fenwick PM. A new data structure for cumulative frequency tables. Softw Pract Exp 1994;24:327-336.
"""

from __future__ import annotations

import numpy as np

from igfstrat.survival._blocks import Blocks
from igfstrat.survival._jit import compiled
from igfstrat.survival._types import BoolArray, FloatArray, IntArray


@compiled
def _add(tree: FloatArray, place: int, value: float) -> None:
    size = len(tree)
    i = place + 1
    while i < size:
        tree[i] += value
        i += i & -i


@compiled
def _below(tree: FloatArray, place: int) -> float:
    total = 0.0
    i = place
    while i > 0:
        total += tree[i]
        i -= i & -i
    return total


@compiled
def _join(tree: FloatArray, equal: FloatArray, place: int, sign: float) -> None:
    _add(tree, place, sign)
    equal[place] += sign


@compiled
def _tied_events(
    rank: IntArray, event: BoolArray, pair_weight: FloatArray, low: int, high: int, here: FloatArray
) -> tuple[float, float]:
    """Pairs of events among rows low to high, and those that tie in risk; `here` is a zeroed table."""
    tied_time, tied_both, dead = 0.0, 0.0, 0.0
    for i in range(low, high):
        if event[i]:
            tied_time += pair_weight[i] * dead
            tied_both += pair_weight[i] * here[rank[i]]
            dead += 1.0
            here[rank[i]] += 1.0
    for i in range(low, high):
        here[rank[i]] = 0.0
    return tied_time, tied_both


@compiled
def count_as_event(
    rank: IntArray,
    event: BoolArray,
    pair_weight: FloatArray,
    blocks: Blocks,
    ranks: int,
    counts: FloatArray,
) -> tuple[float, float]:
    """For each event, patients at risk beyond its time with lower, higher and equal risk.

    Parameters
    ----------
    rank : ndarray of int, shape (n,)
        Dense rank of the risk, 0 = lowest.
    event : ndarray of bool, shape (n,)
        True = event.
    pair_weight : ndarray of float, shape (n,)
        Weight of a pair by the row of its event.
    blocks : Blocks
        Runs of equal time, and who leaves.
    ranks : int
        Number of different risks.
    counts : ndarray of float, shape (n, 3)
        Gains the weighted pairs.

    Returns
    -------
    tied_time : float
        Weighted pairs of events at one time.
    tied_both : float
        Those of them with equal risk.
    """
    tree, equal, here = np.zeros(ranks + 1), np.zeros(ranks), np.zeros(ranks)
    inside, tied_time, tied_both = 0.0, 0.0, 0.0
    stop = len(rank)
    for b in range(len(blocks.first) - 1, -1, -1):
        start = blocks.first[b]
        for k in range(blocks.leave_first[b], blocks.leave_first[b + 1]):
            _join(tree, equal, rank[blocks.leave_rows[k]], -1.0)
            inside -= 1.0
        for i in range(start, stop):
            if not event[i]:  # censored at this time: outlives the events of this time
                _join(tree, equal, rank[i], 1.0)
                inside += 1.0
        for i in range(start, stop):
            if event[i]:
                low, same = _below(tree, rank[i]), equal[rank[i]]
                counts[i, 0] += pair_weight[i] * low
                counts[i, 1] += pair_weight[i] * (inside - low - same)
                counts[i, 2] += pair_weight[i] * same
        if stop - start > 1:
            pairs, both = _tied_events(rank, event, pair_weight, start, stop, here)
            tied_time, tied_both = tied_time + pairs, tied_both + both
        inside += _join_events(tree, equal, rank, event, start, stop)
        stop = start
    return tied_time, tied_both


@compiled
def _join_events(
    tree: FloatArray, equal: FloatArray, rank: IntArray, event: BoolArray, low: int, high: int
) -> float:
    joined = 0.0
    for i in range(low, high):
        if event[i]:
            _join(tree, equal, rank[i], 1.0)
            joined += 1.0
    return joined


@compiled
def count_as_survivor(
    rank: IntArray,
    event: BoolArray,
    pair_weight: FloatArray,
    blocks: Blocks,
    ranks: int,
    counts: FloatArray,
) -> None:
    """For each patient, the events met while at risk with higher, lower and equal risk.

    Parameters
    ----------
    rank : ndarray of int, shape (n,)
        Dense rank of the risk, 0 = lowest.
    event : ndarray of bool, shape (n,)
        True = event.
    pair_weight : ndarray of float, shape (n,)
        Weight of a pair by the row of its event.
    blocks : Blocks
        Runs of equal time, and who leaves.
    ranks : int
        Number of different risks.
    counts : ndarray of float, shape (n, 3)
        Gains the weighted pairs.
    """
    tree = np.zeros(ranks + 1)
    equal = np.zeros(ranks)
    total = 0.0
    n = len(rank)
    for b in range(len(blocks.first)):
        stop = blocks.first[b + 1] if b + 1 < len(blocks.first) else n
        for i in range(blocks.first[b], stop):
            if event[i]:
                _survive(tree, equal, total, rank[i], 1.0, i, counts)
        for i in range(blocks.first[b], stop):
            if event[i]:
                _add(tree, rank[i], pair_weight[i])
                equal[rank[i]] += pair_weight[i]
                total += pair_weight[i]
        for i in range(blocks.first[b], stop):
            if not event[i]:
                _survive(tree, equal, total, rank[i], 1.0, i, counts)
        for k in range(
            blocks.leave_first[b], blocks.leave_first[b + 1]
        ):  # events before the entry do not count
            _survive(tree, equal, total, rank[blocks.leave_rows[k]], -1.0, blocks.leave_rows[k], counts)


@compiled
def _survive(
    tree: FloatArray, equal: FloatArray, total: float, place: int, sign: float, row: int, counts: FloatArray
) -> None:
    low = _below(tree, place)
    same = equal[place]
    counts[row, 0] += sign * (total - low - same)
    counts[row, 1] += sign * low
    counts[row, 2] += sign * same
