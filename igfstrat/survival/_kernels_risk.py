"""Single passes over sorted data: ties, counts, the product-limit estimate, risk sets by group."""

from __future__ import annotations

import numpy as np

from igfstrat.survival._jit import compiled
from igfstrat.survival._types import BoolArray, FloatArray, IntArray


@compiled
def smallest_gap(time: FloatArray) -> tuple[float, float, int]:
    """Smallest step of ascending times, and the sum and number of different ones.

    Parameters
    ----------
    time : ndarray of float, shape (n,)
        Times, ascending.

    Returns
    -------
    gap : float
        Smallest difference above 0; infinite when there is none.
    total : float
        Sum of the absolute values of the different times.
    count : int
        Their number.
    """
    gap, total, count = np.inf, abs(time[0]), 1
    for i in range(1, len(time)):
        step = time[i] - time[i - 1]
        if step > 0.0:
            gap = min(gap, step)
            total += abs(time[i])
            count += 1
    return gap, total, count


@compiled
def tie(time: FloatArray, tolerance: float) -> None:
    """Give each time the smallest one that it is tied with, in place.

    Parameters
    ----------
    time : ndarray of float, shape (n,)
        Times, ascending.
    tolerance : float
        Neighbours that differ by no more are tied, and so are their neighbours.
    """
    before, first = time[0], time[0]
    for i in range(1, len(time)):
        step = time[i] - before
        before = time[i]
        if step > tolerance:
            first = time[i]
        time[i] = first


@compiled
def count(event: BoolArray, first: IntArray, at_risk: IntArray, events: IntArray, censored: IntArray) -> None:
    """Patients at risk, events and censorings in each block of equal time.

    Parameters
    ----------
    event : ndarray of bool, shape (n,)
        True = event.
    first : ndarray of int, shape (m,)
        Where each block begins.
    at_risk, events, censored : ndarray of int, shape (m,)
        Filled.
    """
    n, m = len(event), len(first)
    for b in range(m):
        start, stop = first[b], first[b + 1] if b + 1 < m else n
        dead = 0
        for i in range(start, stop):
            dead += event[i]
        at_risk[b] = n - start
        events[b] = dead
        censored[b] = stop - start - dead


@compiled
def product_limit(
    at_risk: FloatArray | IntArray,
    events: FloatArray | IntArray,
    n_at_risk: IntArray,
    n_events: IntArray,
    survival: FloatArray,
    variance: FloatArray,
) -> None:
    """Kaplan–Meier estimate and Greenwood variance of its logarithm.

    Parameters
    ----------
    at_risk, events : ndarray of float or int, shape (m,)
        Patients, weighted or not.
    n_at_risk, n_events : ndarray of int, shape (m,)
        Patients, counted: with weights a difference of sums holds rounding.
    survival, variance : ndarray of float, shape (m,)
        Filled; the variance is infinite where the curve is 0.
    """
    left, total = 1.0, 0.0
    for b in range(len(at_risk)):
        if n_events[b] > 0:
            if n_events[b] >= n_at_risk[b]:
                left, total = 0.0, np.inf
            else:
                left *= 1.0 - events[b] / at_risk[b]
                total += events[b] / (at_risk[b] * (float(at_risk[b]) - events[b]))
        survival[b] = left
        variance[b] = total


@compiled
def count_groups(
    event: BoolArray,
    codes: IntArray,
    first: IntArray,
    where: IntArray,
    at_risk: FloatArray,
    events: FloatArray,
) -> None:
    """Patients at risk and events of each group at each event time.

    Parameters
    ----------
    event : ndarray of bool, shape (n,)
        True = event.
    codes : ndarray of int, shape (n,)
        Group of each row.
    first : ndarray of int, shape (m,)
        Where each block begins.
    where : ndarray of int, shape (e,)
        Blocks with events.
    at_risk, events : ndarray of float, shape (k, e)
        Filled; `events` comes zeroed.
    """
    k = len(at_risk)
    running = np.zeros(k)
    stop = len(event)
    for place in range(len(where) - 1, -1, -1):
        b = where[place]
        behind = first[b + 1] if b + 1 < len(first) else len(event)
        for i in range(first[b], stop):
            running[codes[i]] += 1.0
        for i in range(first[b], behind):
            if event[i]:
                events[codes[i], place] += 1.0
        stop = first[b]
        for group in range(k):
            at_risk[group, place] = running[group]
