"""Trials whose enrolment changes after an interim: patients, the cut of a stage, its statistics. Nothing here decides.

A stage is simulated by drawing the trial again from its start, with what was decided before: words of a patient are a
function of (seed, replicate, patient), so that the patients before a switch are the very same ones, and the memory of
one trial is enough.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from igfstrat.survival._types import FloatArray, IntArray
from igfstrat.trials.kernels.jit import bits_of, compiled, float_of
from igfstrat.trials.kernels.look import EVENTS, evaluate
from igfstrat.trials.kernels.order import CODES, fill_buckets, kth_smallest, sort_keys
from igfstrat.trials.kernels.patients import (
    BATCH,
    EXCLUDED,
    arrive,
    draw_screened,
    enrol,
    fill_outcomes,
    randomize,
)
from igfstrat.trials.kernels.random import high, stream
from igfstrat.trials.kernels.statistics import sum_of
from igfstrat.trials.kernels.trial import TIE_TOLERANCE, count_screened, make_work

# what a stage yields for the trial; the last: events among the patients of the first stage
CUT, RANDOMIZED, SCREENED, REACHED, ALL_EVENTS, FIRST_EVENTS = 0, 1, 2, 3, 4, 5
STAGE_COLUMNS = 6


@compiled
def simulate_stage(
    seed: np.uint64,
    first: int,
    screening: Any,
    outcomes: Any,
    other: Any,
    with_other: bool,
    test: Any,
    latest: float,
    switches: FloatArray,
    parts: IntArray,
    counted: IntArray,
    targets: FloatArray,
    look_out: FloatArray,
    found: FloatArray,
    other_found: FloatArray,
) -> None:
    """The look at the end of a stage, for as many trials as the output has rows.

    `switches` holds the cuts of the stages before, `parts` who is enrolled in each stage up to this one. The look comes at
    a number of events after the cut before it, among the parts that are counted.
    """
    work = make_work(screening.n, screening.most_screened, test.strata, len(test.powers))
    time, observed = np.empty(screening.n), np.empty(screening.n, np.int64)
    several = len(screening.cumulative) > 1
    for r in range(len(look_out)):
        look_out[r], found[r], other_found[r] = np.nan, np.nan, np.nan
        if parts[r, -1] == 0:
            continue
        shares = screening.cumulative[r if several else 0]
        m, screened = enrol_switching(seed, first + r, screening, shares, switches[r], parts[r], work)
        if with_other:
            fill_outcomes(seed, first + r, m, other, work)
            time[:m], observed[:m] = work.time[:m], work.observed[:m]
        fill_outcomes(seed, first + r, m, outcomes, work)
        before = switches[r, -1] if switches.shape[1] > 0 else -np.inf
        cut, reached = find_cut(0, m, before, counted[r], targets[r], latest, work)
        _describe(cut, reached, m, screened, screening, switches[r], work, look_out[r])
        evaluate_range(0, m, cut, test, work, found[r])
        if with_other:
            work.time[:m], work.observed[:m] = time[:m], observed[:m]
            evaluate_range(0, m, cut, test, work, other_found[r])


@compiled
def simulate_by_patient(
    seed: np.uint64,
    first: int,
    screening: Any,
    outcomes: Any,
    test: Any,
    latest: float,
    switches: FloatArray,
    parts: IntArray,
    counted: IntArray,
    targets: FloatArray,
    look_out: FloatArray,
    found: FloatArray,
    pooled: bool,
    pooled_out: FloatArray,
) -> None:
    """Two stages by their patients: those who entered until the switch, followed to their own number of events whatever
    was selected, and those after it. The trial looks when the first stage is complete and when both are.
    """
    work = make_work(screening.n, screening.most_screened, test.strata, len(test.powers))
    several = len(screening.cumulative) > 1
    for r in range(len(look_out)):
        look_out[r], found[r], pooled_out[r] = np.nan, np.nan, np.nan
        if parts[r, -1] == 0:
            continue
        shares = screening.cumulative[r if several else 0]
        m, screened = enrol_switching(seed, first + r, screening, shares, switches[r], parts[r], work)
        fill_outcomes(seed, first + r, m, outcomes, work)
        start = int(np.searchsorted(work.entry[:m], switches[r, 0], side="right"))
        cut1, reached1 = find_cut(0, start, -np.inf, counted[r, 0], targets[r, 0], latest, work)
        evaluate_range(0, start, cut1, test, work, found[r, 0])
        cut2, reached2 = find_cut(start, m, -np.inf, counted[r, 1], targets[r, 1], latest, work)
        evaluate_range(start, m, cut2, test, work, found[r, 1])
        _describe(cut1, reached1, m, screened, screening, switches[r], work, look_out[r, 0])
        end = max(cut1, cut2)
        _describe(end, reached2, m, screened, screening, switches[r], work, look_out[r, 1])
        if pooled:
            evaluate_range(0, m, end, test, work, pooled_out[r])


@compiled
def enrol_switching(
    seed: np.uint64,
    replicate: int,
    screening: Any,
    cumulative: FloatArray,
    switches: FloatArray,
    parts: IntArray,
    work: Any,
) -> tuple[int, int]:
    """Screen until n patients are randomized, from each switch on the parts of the next stage only."""
    if len(switches) == 0:
        return enrol(seed, replicate, screening, cumulative, work)
    start, step = stream(seed, replicate)
    n, uniform = screening.n, screening.uniform
    apart = screening.starts[1] / n if uniform else 0.0
    m = s = seen = stage = 0
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
            result = screening.result[c]
            s += 1
            if result == EXCLUDED:
                continue
            bits = work.batch_bits[j]
            entry = (seen + high(bits)) * apart if uniform else work.screened_at[s - 1] + screening.turnaround
            seen += 1
            while stage < len(switches) and entry > switches[stage]:
                stage += 1
            if (parts[stage] >> result) & 1 == 0:
                continue
            work.patient[m], work.category[m], work.entry[m] = s - 1, c, entry
            work.about[m], work.bits[m] = work.batch_about[j], bits
            m += 1
            if m == n:
                break
    randomize(m, screening, work)
    return m, s


@compiled
def find_cut(
    low: int, stop: int, after: float, counted: int, target: float, latest: float, work: Any
) -> tuple[float, bool]:
    """Calendar time of the event that a stage waits for, among patients low to stop; else the end of their follow-up."""
    n = stop - low
    calendar, end = work.calendar, 0.0
    for i in range(n):
        seen = work.entry[low + i] + work.time[low + i]
        positive = (work.code[low + i] >> 2) & 1
        counts = (work.observed[low + i] == 1) & ((counted >> positive) & 1 == 1) & (seen > after)
        calendar[i] = seen if counts else np.inf
        end = max(end, seen if seen < np.inf else 0.0)
    fill_buckets(calendar, n, end, work.seen_place, work.seen_count)
    k = max(int(np.rint(target)), 1)
    cut = kth_smallest(calendar, n, k, work.seen_place, work.seen_count, work.few)
    if cut <= latest and cut < np.inf:
        return cut, True
    return min(latest, max(end, work.entry[stop - 1] if stop > 0 else 0.0)), False


@compiled
def _describe(
    cut: float,
    reached: bool,
    m: int,
    screened: int,
    screening: Any,
    switches: FloatArray,
    work: Any,
    out: FloatArray,
) -> None:
    """The trial at a cut: patients and events."""
    entered = int(np.searchsorted(work.entry[:m], cut, side="right"))
    events = early = 0
    until = switches[0] if len(switches) > 0 else np.inf
    for i in range(entered):
        event = int((work.observed[i] == 1) & (work.entry[i] + work.time[i] <= cut))
        events += event
        early += event & int(work.entry[i] <= until)
    out[CUT], out[REACHED], out[RANDOMIZED] = cut, reached, entered
    out[SCREENED] = count_screened(cut, entered, screened, screening.uniform, work)
    out[ALL_EVENTS], out[FIRST_EVENTS] = events, early


@compiled
def evaluate_range(low: int, stop: int, cut: float, test: Any, work: Any, out: FloatArray) -> None:
    """Every population's statistics at a cut, of the patients from low to stop."""
    n, longest, total = pack_range(low, stop, cut, work)
    sort_keys(work.keys, n, longest, work.ordered, work.place, work.count)
    tolerance = TIE_TOLERANCE * max(1.0, total / max(n, 1))
    for p in range(len(out)):
        out[p, EVENTS] = 0.0
        evaluate(work.ordered, n, tolerance, test.masks[p], test.wanted[p], test, work, out[p])


@compiled
def pack_range(low: int, stop: int, cut: float, work: Any) -> tuple[int, float, float]:
    """Keys of the patients from low to stop who entered before the cut; number, longest follow-up and its sum."""
    entry, time, observed, code, keys = work.entry, work.time, work.observed, work.code, work.keys
    n = int(np.searchsorted(entry[low:stop], cut, side="right"))
    longest = 0
    for j in range(n):
        i = low + j
        seen = entry[i] + time[i] <= cut  # as the cut was found
        follow = cut - entry[i]
        t = time[i] if seen or time[i] <= follow else follow
        keys[j] = (bits_of(t) & ~CODES) | code[i] | (observed[i] if seen else 0)
        longest = max(longest, keys[j])
    return n, float_of(longest), sum_of(keys.view(np.float64), n)
