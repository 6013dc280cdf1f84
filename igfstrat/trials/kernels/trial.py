"""Many trials of one design: patients, looks, statistics. Nothing here decides; it fills arrays that others judge.

What a trial yields at each look is written whether or not the trial would have gone on to it, so that
boundaries and multiplicity are applied afterwards to all trials at once.
"""

from __future__ import annotations

from collections import namedtuple

import numpy as np

from igfstrat.survival._types import FloatArray
from igfstrat.trials.kernels.deaths import pack_deaths
from igfstrat.trials.kernels.jit import bits_of, compiled, float_of
from igfstrat.trials.kernels.look import LOGRANK, evaluate
from igfstrat.trials.kernels.order import CODES, bucket_count, fill_buckets, kth_smallest, sort_keys
from igfstrat.trials.kernels.patients import BATCH, enrol, fill_outcomes
from igfstrat.trials.kernels.permutation import permute
from igfstrat.trials.kernels.statistics import TABLE_ROWS, sum_of

# what a look yields for the trial
CUT, RANDOMIZED, SCREENED, REACHED = 0, 1, 2, 3
LOOK_COLUMNS = 4
TIE_TOLERANCE = float(np.sqrt(np.finfo(np.float64).eps))  # that of R's timefix, relative to the mean time

Screening = namedtuple(
    "Screening",
    "n most_screened starts rates before uniform turnaround cumulative result stratum most_of block_size block_experimental simple",
)
Outcomes = namedtuple(
    "Outcomes",
    "cell test_code starts cumulative hazard scale dropout scan deaths fatal after_starts after_cumulative after_hazard crossover",
)
Looks = namedtuple("Looks", "events times latest event_mask event_wanted")
Test = namedtuple(
    "Test", "statistic powers at strata strata_mask masks wanted estimate tested permutations most_reached"
)
Work = namedtuple(
    "Work",
    "key left patient category arm code about bits batch_category batch_about batch_bits exposure entry screened_at time observed death died calendar keys ordered place count seen_place seen_count few table bounds score covariance",
)


@compiled
def make_work(n: int, most_screened: int, strata: int, powers: int) -> Work:
    """Arrays that one thread uses again for each of its trials."""
    batch = max(n, BATCH)
    buckets = bucket_count(n)
    return Work(
        key=np.zeros(2, np.uint64),
        left=np.zeros(2 * 64, np.int64),
        patient=np.zeros(n, np.int64),
        category=np.zeros(n, np.int64),
        arm=np.zeros(n, np.int64),
        code=np.zeros(n, np.int64),
        about=np.zeros(n, np.uint64),
        bits=np.zeros(n, np.uint64),
        batch_category=np.zeros(batch, np.int64),
        batch_about=np.zeros(batch, np.uint64),
        batch_bits=np.zeros(batch, np.uint64),
        exposure=np.zeros(batch),
        entry=np.zeros(n),
        screened_at=np.zeros(most_screened),
        time=np.zeros(n),
        observed=np.zeros(n, np.int64),
        death=np.zeros(n),
        died=np.zeros(n, np.int64),
        calendar=np.zeros(n),
        keys=np.zeros(n, np.int64),
        ordered=np.zeros(n, np.int64),
        place=np.zeros(n, np.uint32),
        count=np.zeros(buckets, np.uint32),
        seen_place=np.zeros(n, np.uint32),
        seen_count=np.zeros(buckets, np.uint32),
        few=np.zeros(n),
        table=np.zeros((TABLE_ROWS, n + 1)),
        bounds=np.zeros(max(strata, 2) + 1, np.int64),
        score=np.zeros(powers),
        covariance=np.zeros((powers, powers)),
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
    end = fill_calendar(m, looks, work)
    if len(looks.events) > 0:
        fill_buckets(work.calendar, m, end, work.seen_place, work.seen_count)
    for k in range(last + 1):
        if len(looks.events) > 0:
            cut = kth_smallest(work.calendar, m, looks.events[k], work.seen_place, work.seen_count, work.few)
        else:
            cut = looks.times[k]
        reached = cut <= looks.latest and cut < np.inf
        if not reached:
            cut = min(looks.latest, max(end, work.entry[m - 1] if m > 0 else 0.0))
        look_out[k, CUT] = cut
        look_out[k, REACHED] = reached
        if reached or k == last:
            look_at_cut(cut, m, screened, screening, test, work, look_out[k], population_out[k])
        else:
            population_out[k, :, :] = np.nan  # the trial ends with its last look instead


@compiled
def fill_calendar(m: int, looks: Looks, work: Work) -> float:
    """Calendar times of the events that the looks count, infinite for everybody else; returns when the last is seen."""
    entry, time, observed, code, calendar = work.entry, work.time, work.observed, work.code, work.calendar
    mask, wanted = looks.event_mask, looks.event_wanted
    end = 0
    for i in range(m):
        seen = entry[i] + time[i]
        counts = (observed[i] == 1) & (code[i] & mask == wanted)
        calendar[i] = seen if counts else np.inf
        end = max(end, bits_of(seen) if seen < np.inf else 0)  # ascends with the time
    return float_of(end)


@compiled
def look_at_cut(
    cut: float,
    m: int,
    screened: int,
    screening: Screening,
    test: Test,
    work: Work,
    look_out: FloatArray,
    population_out: FloatArray,
) -> None:
    """One look: follow-up at the cut, sorted, and every population's statistics; a row more is that of death."""
    entered, longest, total = pack(cut, m, work)
    look_out[RANDOMIZED] = entered
    look_out[SCREENED] = count_screened(cut, entered, screened, screening.uniform, work)
    sort_keys(work.keys, entered, longest, work.ordered, work.place, work.count)
    tolerance = TIE_TOLERANCE * max(1.0, total / max(entered, 1))
    for p in range(len(test.masks)):
        evaluate(
            work.ordered, entered, tolerance, test.masks[p], test.wanted[p], test, work, population_out[p]
        )
    if test.permutations > 0:
        plain = _with(test, test.statistic, False)
        permute(cut, m, entered, longest, tolerance, screening, plain, work, population_out)
    if len(population_out) > len(test.masks):
        look_at_deaths(cut, m, test, work, population_out[len(test.masks)])


@compiled
def look_at_deaths(cut: float, m: int, test: Test, work: Work, out: FloatArray) -> None:
    """The log-rank test of death in everybody, in the strata of the test."""
    n, longest, total = pack_deaths(cut, m, work)
    sort_keys(work.keys, n, longest, work.ordered, work.place, work.count)
    tolerance = TIE_TOLERANCE * max(1.0, total / max(n, 1))
    logrank = _with(test, LOGRANK, test.estimate)
    evaluate(work.ordered, n, tolerance, 0, 0, logrank, work, out)


@compiled
def _with(test: Test, statistic: int, estimate: bool) -> Test:
    """The same test with another statistic, with or without hazard ratios."""
    return Test(
        statistic,
        test.powers,
        test.at,
        test.strata,
        test.strata_mask,
        test.masks,
        test.wanted,
        estimate,
        test.tested,
        test.permutations,
        test.most_reached,
    )


@compiled
def pack(cut: float, m: int, work: Work) -> tuple[int, float, float]:
    """Keys of the patients who entered before the cut; their number, longest follow-up and its sum."""
    entry, time, observed, code, keys = work.entry, work.time, work.observed, work.code, work.keys
    n = int(np.searchsorted(entry[:m], cut, side="right"))  # entries ascend
    longest = 0
    for i in range(n):
        # as the cut was found: cut - entry may lie below the very time that made the cut
        seen = entry[i] + time[i] <= cut
        follow = cut - entry[i]
        t = time[i] if seen or time[i] <= follow else follow
        keys[i] = (bits_of(t) & ~CODES) | code[i] | (observed[i] if seen else 0)
        longest = max(longest, keys[i])  # ascends with the time
    return n, float_of(longest), sum_of(keys.view(np.float64), n)


@compiled
def count_screened(cut: float, entered: int, screened: int, uniform: bool, work: Work) -> int:
    """Patients screened until the cut or the last randomization."""
    if uniform:
        return work.patient[entered - 1] + 1 if entered > 0 else 0
    return int(np.searchsorted(work.screened_at[:screened], cut, side="right"))
