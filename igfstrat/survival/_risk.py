"""Who is at risk and what happens at each distinct time; the variances that follow from it.

Everything is a difference of two running sums over the sorted data, so the cost is a few passes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from igfstrat.survival._inputs import Sample
from igfstrat.survival._types import FloatArray, IntArray


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskTable:
    """Counts at each distinct time.

    Parameters
    ----------
    time : ndarray of float, shape (m,)
        Distinct times, ascending.
    n_at_risk, n_events, n_censored : ndarray of int, shape (m,)
        Patients.
    at_risk, events : ndarray of float or int, shape (m,)
        The same, weighted (the counts themselves when there are no weights).
    """

    time: FloatArray
    n_at_risk: IntArray
    n_events: IntArray
    n_censored: IntArray
    at_risk: FloatArray | IntArray
    events: FloatArray | IntArray


def risk_table(sample: Sample) -> RiskTable:
    """Count patients at risk, events and censorings at each distinct time.

    Parameters
    ----------
    sample : Sample
        Checked and sorted data.

    Returns
    -------
    RiskTable
        The counts.
    """
    from igfstrat.survival._kernels_risk import count

    first = sample.first
    time = sample.time[first]
    n_at_risk, n_events, n_censored = (np.empty(len(first), np.int64) for _ in range(3))
    count(sample.event, first, n_at_risk, n_events, n_censored)
    if sample.entry is not None:
        n_at_risk -= _not_yet_entered(sample, time)
    if sample.weights is None:
        at_risk: FloatArray | IntArray = n_at_risk
        events: FloatArray | IntArray = n_events
    else:
        at_risk = sum_at_risk(sample, sample.weights)
        events = np.add.reduceat(sample.weights * sample.event, first)
    return RiskTable(
        time=time,
        n_at_risk=n_at_risk,
        n_events=n_events,
        n_censored=n_censored,
        at_risk=at_risk,
        events=events,
    )


def block_sums(flags: npt.NDArray[np.bool_], first: IntArray) -> IntArray:
    """How many flags are set in each block of rows.

    Parameters
    ----------
    flags : ndarray of bool, shape (n,)
        The flags.
    first : ndarray of int, shape (m,)
        Where each block begins.

    Returns
    -------
    ndarray of int, shape (m,)
        The counts.
    """
    if len(first) == len(flags):
        return flags.astype(np.int64)
    running = np.cumsum(flags)
    ends = np.concatenate((first[1:], [len(flags)])) - 1
    counts: IntArray = np.diff(running[ends], prepend=0)
    return counts


def _not_yet_entered(sample: Sample, time: FloatArray) -> IntArray:
    assert sample.entry is not None
    return sample.n - np.searchsorted(np.sort(sample.entry), time, side="left")


def sum_at_risk(sample: Sample, values: FloatArray) -> FloatArray:
    """Sum over the patients at risk at each distinct time.

    Parameters
    ----------
    sample : Sample
        Checked and sorted data.
    values : ndarray of float, shape (n,)
        A value for each row of the sample, same order.

    Returns
    -------
    ndarray of float, shape (m,)
        Sum over rows with entry < t <= time.
    """
    total = np.cumsum(values[::-1])[::-1][sample.first]
    if sample.entry is None:
        return total
    by_entry = np.argsort(sample.entry)
    waiting = np.concatenate((np.cumsum(values[by_entry][::-1])[::-1], [0.0]))
    later = np.searchsorted(sample.entry[by_entry], sample.time[sample.first], side="left")
    return total - waiting[later]


def greenwood(table: RiskTable) -> FloatArray:
    """Increments d / (n (n - d)) of the variance of log survival.

    Parameters
    ----------
    table : RiskTable
        Counts at each distinct time.

    Returns
    -------
    ndarray of float, shape (m,)
        The increments; infinite where everybody at risk had the event.
    """
    # with weights n - d is a difference of sums: nobody left means nothing but rounding left
    gone = table.n_at_risk <= table.n_events
    product = table.at_risk * (table.at_risk - table.events.astype(np.float64))
    product[gone] = 1.0
    increments = table.events / product
    increments[gone & (table.n_events > 0)] = np.inf
    return increments


def product_limit_of(table: RiskTable) -> tuple[FloatArray, FloatArray]:
    """Kaplan–Meier estimate and the Greenwood variance of its logarithm.

    Parameters
    ----------
    table : RiskTable
        Counts at each distinct time.

    Returns
    -------
    survival : ndarray of float, shape (m,)
        Probability of surviving beyond each time; exactly 0 once everybody at risk had the event.
    variance : ndarray of float, shape (m,)
        Variance of its logarithm; infinite where the curve is 0.
    """
    from igfstrat.survival._kernels_risk import product_limit

    survival, variance = np.empty(len(table.time)), np.empty(len(table.time))
    product_limit(table.at_risk, table.events, table.n_at_risk, table.n_events, survival, variance)
    return survival, variance


def sandwich_variance(sample: Sample, table: RiskTable) -> FloatArray:
    """Infinitesimal-jackknife variance of log survival, for fractional weights.

    Row i moves log S(t) by w_i times [event_i at or before t] / (n - d) minus the Greenwood sum over
    the time that it spends at risk up to t; the variance is the sum of the squares.

    Parameters
    ----------
    sample : Sample
        Checked and sorted data with weights.
    table : RiskTable
        Its counts.

    Returns
    -------
    ndarray of float, shape (m,)
        Variance at each distinct time; infinite from where the curve is 0.
    """
    assert sample.weights is not None
    increments = greenwood(table)
    gone = np.isinf(increments)
    running = np.cumsum(np.where(gone, 0.0, increments))
    block = np.repeat(np.arange(len(table.time)), np.diff(sample.first, append=sample.n))
    left = np.where(gone | (table.n_events == 0), 1.0, table.at_risk - table.events)
    before = np.zeros(sample.n)
    if sample.entry is not None:
        before = np.concatenate(([0.0], running))[np.searchsorted(table.time, sample.entry, side="right")]
    squared = sample.weights**2
    own = sample.event / left[block] - running[block] + before
    done = np.cumsum(squared * own**2)[np.concatenate((sample.first[1:], [sample.n])) - 1]
    # still at risk after t: moved by running(t) - before
    still = _sum_after(sample, squared) * running**2
    still += -2 * _sum_after(sample, squared * before) * running + _sum_after(sample, squared * before**2)
    return np.where(np.cumsum(gone) > 0, np.inf, np.maximum(done + still, 0.0))


def _sum_after(sample: Sample, values: FloatArray) -> FloatArray:
    """Sum over rows with entry <= t < time, at each distinct time."""
    tail = np.concatenate((np.cumsum(values[::-1])[::-1], [0.0]))
    ends = np.concatenate((sample.first[1:], [sample.n]))
    if sample.entry is None:
        return tail[ends]
    by_entry = np.argsort(sample.entry)
    waiting = np.concatenate((np.cumsum(values[by_entry][::-1])[::-1], [0.0]))
    later = np.searchsorted(sample.entry[by_entry], sample.time[sample.first], side="right")
    return tail[ends] - waiting[later]


def rows_of(sample: Sample, rows: IntArray) -> Sample:
    """Some rows of a sample.

    Parameters
    ----------
    sample : Sample
        Checked and sorted data.
    rows : ndarray of int, shape (k,)
        Places in the sample, ascending.

    Returns
    -------
    Sample
        Those rows, still sorted.
    """
    time = sample.time[rows]
    return Sample(
        time=time,
        event=sample.event[rows],
        order=sample.order[rows],
        first=np.flatnonzero(np.concatenate(([True], time[1:] != time[:-1]))),
        entry=None if sample.entry is None else sample.entry[rows],
        weights=None if sample.weights is None else sample.weights[rows],
    )


def split_by_code(sample: Sample, codes: IntArray, n_codes: int) -> Sequence[Sample]:
    """Cut a sample into groups, each still sorted.

    Parameters
    ----------
    sample : Sample
        Checked and sorted data.
    codes : ndarray of int, shape (n,)
        Group of each row of the sample, in the sample's order.
    n_codes : int
        Number of groups.

    Returns
    -------
    sequence of Sample
        One for each code.
    """
    return [rows_of(sample, np.flatnonzero(codes == code)) for code in range(n_codes)]
