"""Many trials of one design: patients, looks, statistics. Nothing here decides; it fills arrays that others judge.

What a trial yields at each look is written whether or not the trial would have gone on to it, so that
boundaries and multiplicity are applied afterwards to all trials at once.
"""

from __future__ import annotations

from collections import namedtuple

import numpy as np

from igfstrat.survival._types import FloatArray, IntArray
from igfstrat.trials._jit import compiled
from igfstrat.trials._kernels_look import evaluate
from igfstrat.trials._kernels_order import CODES, kth_smallest, sort_keys
from igfstrat.trials._kernels_patients import enrol, fill_outcomes
from igfstrat.trials._kernels_tests import TABLE_ROWS

# what a look yields for the trial
CUT, RANDOMIZED, SCREENED, REACHED = 0, 1, 2, 3
LOOK_COLUMNS = 4
_TIE_TOLERANCE = float(np.sqrt(np.finfo(np.float64).eps))  # that of R's timefix, relative to the mean time

Screening = namedtuple(
    "Screening",
    "n most_screened starts rates before uniform turnaround cumulative result stratum most_of block_size block_experimental simple",
)
Outcomes = namedtuple("Outcomes", "cell test_code starts cumulative hazard scale dropout scan")
Looks = namedtuple("Looks", "events times latest event_mask event_wanted")
Test = namedtuple("Test", "statistic powers at strata strata_mask masks wanted estimate")
Work = namedtuple(
    "Work",
    "left patient category arm entry lost screened_at screened_by time observed calendar keys ordered count few table bounds score covariance",
)


@compiled
def make_work(n: int, most_screened: int, strata: int, powers: int) -> Work:
    """Arrays that one thread uses again for each of its trials."""
    return Work(
        np.zeros(2 * 64, np.int64),
        np.zeros(n, np.int64),
        np.zeros(n, np.int64),
        np.zeros(n, np.int64),
        np.zeros(n),
        np.zeros(n),
        np.zeros(most_screened),
        np.zeros(n, np.int64),
        np.zeros(n),
        np.zeros(n, np.int64),
        np.zeros(n),
        np.zeros(n, np.int64),
        np.zeros(n, np.int64),
        np.zeros(max(n, 2) + 1, np.int64),
        np.zeros(n),
        np.zeros((TABLE_ROWS, n + 1)),
        np.zeros(max(strata, 2) + 1, np.int64),
        np.zeros(powers),
        np.zeros((powers, powers)),
    )


@compiled
def simulate_block(
    seed: np.uint64,
    first: int,
    screening: Screening,
    outcomes: Outcomes,
    looks: Looks,
    test: Test,
    look_out: FloatArray,
    population_out: FloatArray,
) -> None:
    """Simulate as many trials as the output has rows, from replicate `first` on."""
    work = make_work(screening.n, screening.most_screened, test.strata, len(test.powers))
    several = len(screening.cumulative) > 1
    for r in range(len(look_out)):
        shares = screening.cumulative[r if several else 0]
        m, screened = enrol(seed, first + r, screening, shares, work)
        fill_outcomes(seed, first + r, m, outcomes, work)
        look_at_trial(m, screened, screening, outcomes, looks, test, work, look_out[r], population_out[r])


@compiled
def look_at_trial(
    m: int,
    screened: int,
    screening: Screening,
    outcomes: Outcomes,
    looks: Looks,
    test: Test,
    work: Work,
    look_out: FloatArray,
    population_out: FloatArray,
) -> None:
    """All looks at one trial whose patients are drawn."""
    last = len(look_out) - 1
    end = 0.0
    for i in range(m):
        seen = work.entry[i] + work.time[i]
        work.calendar[i] = seen if work.observed[i] == 1 else np.inf
        end = max(end, seen if seen < np.inf else 0.0)
    if looks.event_mask != 0:
        for i in range(m):
            if outcomes.test_code[work.category[i]] & looks.event_mask != looks.event_wanted:
                work.calendar[i] = np.inf
    for k in range(last + 1):
        if len(looks.events) > 0:
            cut = kth_smallest(work.calendar, m, looks.events[k], end, work.few, work.count)
        else:
            cut = looks.times[k]
        reached = cut <= looks.latest and cut < np.inf
        if not reached:
            cut = min(looks.latest, max(end, work.entry[m - 1] if m > 0 else 0.0))
        look_out[k, CUT] = cut
        look_out[k, REACHED] = reached
        if reached or k == last:
            look_at_cut(cut, m, screened, screening, outcomes, test, work, look_out[k], population_out[k])
        else:
            population_out[k, :, :] = np.nan  # the trial ends with its last look instead


@compiled
def look_at_cut(
    cut: float,
    m: int,
    screened: int,
    screening: Screening,
    outcomes: Outcomes,
    test: Test,
    work: Work,
    look_out: FloatArray,
    population_out: FloatArray,
) -> None:
    """One look: follow-up at the cut, sorted, and every population's statistics."""
    entered, longest, total = pack(cut, m, work, outcomes.test_code)
    look_out[RANDOMIZED] = entered
    look_out[SCREENED] = count_screened(cut, m, entered, screened, screening.uniform, work)
    sort_keys(work.keys, entered, longest, work.ordered, work.count)
    tolerance = _TIE_TOLERANCE * max(1.0, total / max(entered, 1))
    for p in range(len(population_out)):
        evaluate(
            work.ordered, entered, tolerance, test.masks[p], test.wanted[p], test, work, population_out[p]
        )


@compiled
def pack(cut: float, m: int, work: Work, test_code: IntArray) -> tuple[int, float, float]:
    """Keys of the patients who entered before the cut; their number, longest follow-up and its sum."""
    times = work.keys.view(np.float64)
    n = 0
    longest = total = 0.0
    for i in range(m):
        follow = cut - work.entry[i]
        if follow < 0.0:
            continue
        # as the cut was found: cut - entry may lie below the very time that made the cut
        seen = work.entry[i] + work.time[i] <= cut
        t = work.time[i] if seen else min(work.time[i], follow)
        event = work.observed[i] & seen
        longest = max(longest, t)
        total += t
        times[n] = t
        work.keys[n] = (work.keys[n] & ~CODES) | test_code[work.category[i]] | (work.arm[i] << 1) | event
        n += 1
    return n, longest, total


@compiled
def count_screened(cut: float, m: int, entered: int, screened: int, uniform: bool, work: Work) -> int:
    """Patients screened until the cut or the last randomization."""
    if uniform:
        return work.screened_by[entered - 1] if entered > 0 else 0
    return int(np.searchsorted(work.screened_at[:screened], cut, side="right"))
