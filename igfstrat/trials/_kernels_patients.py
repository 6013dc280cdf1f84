"""Patients of one trial: who is screened and randomized, when, to which arm, and when the event comes.

Screened patients come in the order of their arrival; the design takes those that it wants until it is full.
Patients are randomized in permuted blocks within strata: each takes the experimental arm with the share that is
left of it in the open block, which gives all orders of a block the same probability.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from igfstrat.survival._types import FloatArray
from igfstrat.trials._jit import compiled
from igfstrat.trials._kernels_random import (
    ARRIVAL,
    EVENT,
    MARKER,
    exponential,
    high,
    low,
    stream,
    word,
)

EXCLUDED = 2  # a result of the test: negative 0, positive 1, none; `most_of` of the last is 0


@compiled
def arrival_time(expected: float, starts: FloatArray, rates: FloatArray, before: FloatArray) -> float:
    """Calendar time by which so many patients are expected to have been screened."""
    k = len(starts) - 1
    while k > 0 and before[k] > expected:
        k -= 1
    while rates[k] == 0.0:  # nobody comes in this piece: the next one begins with this patient
        k += 1
    return float(starts[k] + (expected - before[k]) / rates[k])


@compiled
def enrol(
    seed: np.uint64, replicate: int, screening: Any, cumulative: FloatArray, work: Any
) -> tuple[int, int]:
    """Screen until n patients are randomized; returns the numbers randomized and screened."""
    start, step = stream(seed, replicate)
    left, n, uniform = work.left, screening.n, screening.uniform
    left[:] = 0
    taken = np.zeros(3, np.int64)
    m = s = 0
    clock = 0.0
    last = len(cumulative) - 1
    apart = screening.starts[1] / n if uniform else 0.0
    while m < n and s < screening.most_screened:
        about, bits = word(start, step, s, MARKER), word(start, step, s, ARRIVAL)
        u, c = high(about), 0
        for k in range(last):
            c += u >= cumulative[k]
        if not uniform:
            clock -= math.log(high(bits))
            work.screened_at[s] = arrival_time(clock, screening.starts, screening.rates, screening.before)
        s += 1
        result = screening.result[c]
        if taken[result] >= screening.most_of[result]:
            continue
        taken[result] += 1
        place = 2 * screening.stratum[c]
        if left[place] == 0 or screening.simple:  # simple randomization: a new block for each
            left[place] = screening.block_size
            left[place + 1] = screening.block_experimental
        experimental = low(bits) * left[place] < left[place + 1]
        left[place] -= 1
        left[place + 1] -= experimental
        work.arm[m], work.patient[m], work.category[m], work.screened_by[m] = experimental, s - 1, c, s
        work.lost[m] = low(about)
        # uniform accrual: one patient somewhere in each n-th part of the time
        work.entry[m] = (
            (m + high(bits)) * apart if uniform else work.screened_at[s - 1] + screening.turnaround
        )
        m += 1
    return m, s


@compiled
def invert(exposure: float, starts: FloatArray, cumulative: FloatArray, hazard: FloatArray) -> float:
    """Time at which a cumulative piecewise-constant hazard reaches an exponential draw; infinite if never."""
    k, beyond = 0, len(starts)
    while beyond - k > 1:  # the last piece that begins below; a flat one before it is no answer
        middle = (k + beyond) // 2
        if cumulative[middle] < exposure:
            k = middle
        else:
            beyond = middle
    return starts[k] + (exposure - cumulative[k]) / hazard[k] if hazard[k] > 0.0 else np.inf


@compiled
def fill_outcomes(seed: np.uint64, replicate: int, m: int, outcomes: Any, work: Any) -> None:
    """Time since randomization to the event or to dropout, whichever is first, and which of them it is."""
    start, step = stream(seed, replicate)
    starts, scan = outcomes.starts, outcomes.scan
    single = len(starts) == 1
    for i in range(m):
        row = 2 * outcomes.cell[work.category[i]] + work.arm[i]
        e = exponential(word(start, step, work.patient[i], EVENT))
        t = (
            e * outcomes.scale[row]
            if single
            else invert(e, starts, outcomes.cumulative[row], outcomes.hazard[row])
        )
        if scan > 0.0 and t < np.inf:
            t = math.ceil(t / scan) * scan
        rate = outcomes.dropout[work.arm[i]]
        seen = 1
        # 1 - exp(-x) < x: most patients need no logarithm
        if work.lost[i] < rate * t:
            leaves = -math.log1p(-work.lost[i]) / rate
            if leaves < t:
                t = leaves
                seen = 0
        work.time[i] = t
        work.observed[i] = seen
