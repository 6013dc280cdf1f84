"""Patients of one trial: who is screened and randomized, when, to which arm, and when the event comes.

Screened patients come in the order of their arrival; the design takes those that it wants until it is full.
Patients are randomized in permuted blocks within strata: each takes the experimental arm with the share that is
left of it in the open block, which gives all orders of a block the same probability.

Each step is a loop of its own over arrays of one trial, most of them without a branch, so that the compiler
does several patients at a time.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from igfstrat.survival._types import FloatArray, IntArray
from igfstrat.trials.kernels.deaths import (
    DEATH_ALONE,
    DEATH_BESIDE,
    NO_DEATHS,
    fill_deaths,
    lose_deaths,
    see_at_scans,
)
from igfstrat.trials.kernels.jit import compiled
from igfstrat.trials.kernels.random import (
    ARRIVAL,
    EVENT,
    MARKER,
    fill_exponentials,
    fill_words,
    high,
    invert,
    low,
    low_bits,
    negative_log,
    stream,
)

EXCLUDED = 2  # a result of the test: negative 0, positive 1, none; `most_of` of the last is 0
BATCH = 64  # patients screened at once, at least
_LARGEST_UNIFORM = 1.0 - 2.0**-33  # that `high` yields


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
    work.key[0], work.key[1] = seed, replicate
    if screening.uniform and _takes_all(screening, cumulative):
        m = s = screening.n
        draw_screened(start, step, 0, m, cumulative, work.about, work.bits, work.category)
        for i in range(m):
            work.patient[i] = i
    else:
        m, s = _screen(start, step, screening, cumulative, work)
    randomize(m, screening, work)
    _enter(m, screening, work)
    return m, s


@compiled
def _takes_all(screening: Any, cumulative: FloatArray) -> bool:
    """Whether no screened patient can be turned away."""
    below = 0.0
    for c in range(len(cumulative)):
        reachable = below <= _LARGEST_UNIFORM and cumulative[c] > below
        if reachable and screening.most_of[screening.result[c]] < screening.n:
            return False
        below = cumulative[c]
    return True


@compiled
def draw_screened(
    start: np.uint64,
    step: np.uint64,
    first: int,
    n: int,
    cumulative: FloatArray,
    about: NDArray[np.uint64],
    bits: NDArray[np.uint64],
    category: IntArray,
) -> None:
    """Words and category of n screened patients."""
    fill_words(start, step, first, n, MARKER, about)
    fill_words(start, step, first, n, ARRIVAL, bits)
    category[:n] = 0
    for k in range(len(cumulative) - 1):
        limit = cumulative[k]
        if limit <= _LARGEST_UNIFORM:
            for i in range(n):
                category[i] += high(about[i]) >= limit


@compiled
def _screen(
    start: np.uint64, step: np.uint64, screening: Any, cumulative: FloatArray, work: Any
) -> tuple[int, int]:
    """Screen in batches and take whom the design wants."""
    n, uniform = screening.n, screening.uniform
    taken = np.zeros(3, np.int64)
    m = s = 0
    clock = 0.0
    while m < n and s < screening.most_screened:
        size = min(max(n - m, BATCH), screening.most_screened - s)
        draw_screened(
            start, step, s, size, cumulative, work.batch_about, work.batch_bits, work.batch_category
        )
        if not uniform:
            clock = arrive(clock, s, size, screening, work)
        for j in range(size):
            c = work.batch_category[j]
            s += 1
            result = screening.result[c]
            if taken[result] >= screening.most_of[result]:
                continue
            taken[result] += 1
            work.patient[m], work.category[m] = s - 1, c
            work.about[m], work.bits[m] = work.batch_about[j], work.batch_bits[j]
            m += 1
            if m == n:
                break
    return m, s


@compiled
def arrive(clock: float, first: int, n: int, screening: Any, work: Any) -> float:
    """Screening times of a batch; returns the number expected until its last."""
    for j in range(n):
        work.exposure[j] = negative_log(high(work.batch_bits[j]))
    for j in range(n):
        clock += work.exposure[j]
        work.screened_at[first + j] = arrival_time(clock, screening.starts, screening.rates, screening.before)
    return clock


@compiled
def randomize(m: int, screening: Any, work: Any) -> None:
    """Arms, by permuted blocks within each stratum."""
    size, share, simple = screening.block_size, screening.block_experimental, screening.simple
    bits, category, arm, left = work.bits, work.category, work.arm, work.left
    if simple or screening.stratum.max() == 0:  # simple randomization: a new block for each
        length = 1 if simple else size
        for first in range(0, m, length):
            places, experimental = size, share
            for i in range(first, min(first + length, m)):
                arm[i] = _is_experimental(bits[i], places, experimental)
                places -= 1
                experimental -= arm[i]
        return
    left[:] = 0
    for i in range(m):
        place = 2 * screening.stratum[category[i]]
        if left[place] == 0:
            left[place], left[place + 1] = size, share
        arm[i] = _is_experimental(bits[i], left[place], left[place + 1])
        left[place] -= 1
        left[place + 1] -= arm[i]


@compiled
def _is_experimental(bits: np.uint64, places: int, experimental: int) -> int:
    """Whether low(bits) < experimental / places, in whole numbers."""
    return int((2 * low_bits(bits) + 1) * places < (experimental << 33))


@compiled
def _enter(m: int, screening: Any, work: Any) -> None:
    """Calendar time of randomization, ascending."""
    entry, bits = work.entry, work.bits
    if screening.uniform:  # one patient somewhere in each n-th part of the time
        apart = screening.starts[1] / screening.n
        for i in range(m):
            entry[i] = (i + high(bits[i])) * apart
    else:
        for i in range(m):
            entry[i] = work.screened_at[work.patient[i]] + screening.turnaround


@compiled
def fill_outcomes(seed: np.uint64, replicate: int, m: int, outcomes: Any, work: Any) -> None:
    """Time since randomization to the event or to dropout, whichever is first, and which of them it is."""
    start, step = stream(seed, replicate)
    time, exposure, category, arm = work.time, work.exposure, work.category, work.arm
    rows, codes = _tables(outcomes)
    fill_exponentials(start, step, work.patient, m, EVENT, exposure)
    if len(outcomes.starts) == 1:
        scale = outcomes.scale[rows]
        for i in range(m):
            kind = np.uint32(2 * category[i] + arm[i])
            work.code[i] = codes[kind]
            time[i] = exposure[i] * scale[kind]
    else:
        for i in range(m):
            kind = np.uint32(2 * category[i] + arm[i])
            work.code[i] = codes[kind]
            row = rows[kind]
            time[i] = invert(exposure[i], outcomes.starts, outcomes.cumulative[row], outcomes.hazard[row])
    if outcomes.deaths != NO_DEATHS:
        fill_deaths(seed, replicate, m, outcomes, work)
    if outcomes.scan > 0.0:
        see_at_scans(m, outcomes.scan, outcomes.deaths, work)
    if outcomes.deaths == DEATH_ALONE:
        time[:m] = work.death[:m]
    elif outcomes.deaths == DEATH_BESIDE:
        lose_deaths(m, outcomes.dropout, work)
    _drop_out(m, outcomes.dropout, work)


@compiled
def _tables(outcomes: Any) -> tuple[IntArray, IntArray]:
    """Row of the hazards and code of the test by 2 x category + arm."""
    rows = np.repeat(2 * outcomes.cell, 2)
    codes = np.repeat(outcomes.test_code, 2)
    rows[1::2] += 1
    codes[1::2] |= 2
    return rows, codes


@compiled
def _drop_out(m: int, rate: FloatArray, work: Any) -> None:
    """Patients who leave before their event are seen until then."""
    time, observed, about, arm = work.time, work.observed, work.about, work.arm
    observed[:m] = 1
    if rate[0] == 0.0 and rate[1] == 0.0:
        return
    mean0, mean1 = 1.0 / rate[0], 1.0 / rate[1]  # infinite where nobody leaves
    for i in range(m):
        leaves = negative_log(1.0 - low(about[i])) * (mean1 if arm[i] == 1 else mean0)
        stays = time[i] <= leaves
        observed[i] = stays
        time[i] = time[i] if stays else leaves
