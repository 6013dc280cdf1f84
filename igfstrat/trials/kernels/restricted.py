"""The rest of trials that went on with patients at or above a cut only, which each of them chose at its interim."""

from __future__ import annotations

from typing import Any

import numpy as np

from igfstrat.survival._types import FloatArray, IntArray
from igfstrat.trials.kernels.adaptive import enrol_switching, pack_range
from igfstrat.trials.kernels.jit import compiled
from igfstrat.trials.kernels.look import evaluate
from igfstrat.trials.kernels.order import fill_buckets, kth_smallest, sort_keys
from igfstrat.trials.kernels.patients import fill_outcomes
from igfstrat.trials.kernels.threshold import INTERVAL, INTERVALS, MARKER, keep_from
from igfstrat.trials.kernels.trial import (
    CUT,
    RANDOMIZED,
    REACHED,
    SCREENED,
    TIE_TOLERANCE,
    count_screened,
    make_work,
)


@compiled
def simulate_restricted(
    seed: np.uint64,
    first: int,
    screening: Any,
    outcomes: Any,
    test: Any,
    latest: float,
    switch: FloatArray,
    lowest: IntArray,
    target: int,
    look_out: FloatArray,
    found: FloatArray,
) -> None:
    """The last look of as many trials as the output has rows; nothing where the lowest interval is 0.

    A trial is drawn again from its start; from the switch on only patients of the lowest interval or a higher one are randomized.
    The look comes at so many events of such patients after the switch. `found` holds those at or above the chosen cut, and where
    it has room everybody, the positives and the negatives by the marker's own cut.
    """
    work = make_work(screening.n, screening.most_screened, 1, 1)
    switches, parts = np.empty(1), np.array([-1, 0])  # everybody, then those who were chosen
    for r in range(len(look_out)):
        if lowest[r] == 0:
            continue
        switches[0] = switch[r]
        parts[1] = -1 << interval_code(lowest[r])
        m, screened = enrol_switching(
            seed, first + r, screening, screening.cumulative[0], switches, parts, work
        )
        fill_outcomes(seed, first + r, m, outcomes, work)
        cut, reached = _find_cut(m, switch[r], lowest[r], target, latest, work)
        entered = int(np.searchsorted(work.entry[:m], cut, side="right"))
        look_out[r, CUT], look_out[r, REACHED], look_out[r, RANDOMIZED] = cut, reached, entered
        look_out[r, SCREENED] = count_screened(cut, entered, screened, screening.uniform, work)
        _evaluate(m, cut, lowest[r], test, work, found[r])


@compiled
def interval_code(interval: int) -> int:
    """Result of the test that stands for an interval: 2 is that of a sample without one."""
    return interval + (interval >= 2)


@compiled
def _find_cut(
    m: int, switch: float, lowest: int, target: int, latest: float, work: Any
) -> tuple[float, bool]:
    """Calendar time of the event that the look waits for; else the end of the follow-up."""
    end = 0.0
    for i in range(m):
        seen = work.entry[i] + work.time[i]
        inside = ((work.code[i] >> INTERVAL) & INTERVALS) >= lowest
        counts = (work.observed[i] == 1) & inside & (seen > switch)
        work.calendar[i] = seen if counts else np.inf
        end = max(end, seen if seen < np.inf else 0.0)
    fill_buckets(work.calendar, m, end, work.seen_place, work.seen_count)
    cut = kth_smallest(work.calendar, m, target, work.seen_place, work.seen_count, work.few)
    if cut <= latest and cut < np.inf:
        return cut, True
    return min(latest, max(end, work.entry[m - 1] if m > 0 else 0.0)), False


@compiled
def _evaluate(m: int, cut: float, lowest: int, test: Any, work: Any, out: FloatArray) -> None:
    n, longest, total = pack_range(0, m, cut, work)
    sort_keys(work.keys, n, longest, work.ordered, work.place, work.count)
    tolerance = TIE_TOLERANCE * max(1.0, total / max(n, 1))
    evaluate(work.ordered, n, tolerance, 0, 0, test, work, out[1])
    if len(out) > 2:
        evaluate(work.ordered, n, tolerance, MARKER, MARKER, test, work, out[2])
        evaluate(work.ordered, n, tolerance, MARKER, 0, test, work, out[3])
    n = keep_from(lowest, work.ordered, n)
    evaluate(work.ordered, n, tolerance, 0, 0, test, work, out[0])
