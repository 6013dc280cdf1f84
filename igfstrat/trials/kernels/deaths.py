"""Death beside progression: when each patient of a trial dies, and how death stands at a look.

A first event is drawn from the hazard of progression or death; which of them it was, whether a patient on control
changes over, and the time from progression to death are drawn from words of their own, so that a trial without
deaths is the same trial.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from igfstrat.trials.kernels.jit import bits_of, compiled, float_of
from igfstrat.trials.kernels.order import CODES
from igfstrat.trials.kernels.random import (
    CROSSOVER,
    DEATH,
    exponential,
    high,
    invert,
    low,
    negative_log,
    stream,
    word,
)
from igfstrat.trials.kernels.statistics import sum_of

NO_DEATHS, DEATH_ALONE, DEATH_BESIDE = 0, 1, 2  # what the times of a patient are about


@compiled
def fill_deaths(seed: np.uint64, replicate: int, m: int, outcomes: Any, work: Any) -> None:
    """Time since randomization to death, from the time of the first event that `work.time` holds."""
    start, step = stream(seed, replicate)
    time, death, category, arm = work.time, work.death, work.category, work.arm
    for i in range(m):
        t = time[i]
        death[i] = t
        if t == np.inf:
            continue
        bits = word(start, step, work.patient[i], CROSSOVER)
        cell = outcomes.cell[category[i]]
        piece = np.searchsorted(outcomes.starts, t, side="right") - 1
        if low(bits) < outcomes.fatal[2 * cell + arm[i], piece]:
            continue
        crossed = arm[i] == 0 and high(bits) < outcomes.crossover
        row = 3 * cell + (2 if crossed else arm[i])
        exposure = exponential(word(start, step, work.patient[i], DEATH))
        death[i] = t + invert(
            exposure, outcomes.after_starts, outcomes.after_cumulative[row], outcomes.after_hazard[row]
        )


@compiled
def see_at_scans(m: int, scan: float, deaths: int, work: Any) -> None:
    """Progression is seen at the next scan, or by the death that comes before it."""
    time, death = work.time, work.death
    for i in range(m):
        seen = math.ceil(time[i] / scan) * scan
        time[i] = min(seen, death[i]) if deaths == DEATH_BESIDE else seen


@compiled
def lose_deaths(m: int, rate: Any, work: Any) -> None:
    """Patients who leave before their death, at the same time as for any other event."""
    death, died, about, arm = work.death, work.died, work.about, work.arm
    for i in range(m):
        leaves = negative_log(1.0 - low(about[i])) * (1.0 / rate[arm[i]])  # infinite where nobody leaves
        died[i] = death[i] <= leaves
        death[i] = min(death[i], leaves)


@compiled
def pack_deaths(cut: float, m: int, work: Any) -> tuple[int, float, float]:
    """Keys of the patients who entered before the cut by their survival; number, longest follow-up and its sum."""
    entry, death, died, code, keys = work.entry, work.death, work.died, work.code, work.keys
    n = int(np.searchsorted(entry[:m], cut, side="right"))
    longest = 0
    for i in range(n):
        seen = entry[i] + death[i] <= cut
        follow = cut - entry[i]
        t = death[i] if seen or death[i] <= follow else follow
        keys[i] = (bits_of(t) & ~CODES) | code[i] | (died[i] if seen else 0)
        longest = max(longest, keys[i])
    return n, float_of(longest), sum_of(keys.view(np.float64), n)
