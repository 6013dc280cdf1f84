"""Step 7, outcomes: the first event and death, in order, each with exactly its hazard; then dates and censoring.

A patient can die of other causes at any time, relapse (or progress), and die of the cancer only after that. The time
of relapse R and that of death from cancer D must keep D >= R while both keep their hazards, whatever these are. With
standard exponential E for R, the sum K E + I E', I one with chance 1 - K and else 0, is standard exponential again
(Gaver and Lewis 1980, Adv Appl Probab 12:727), and at least K E; so it serves for D whenever K is no less than the
largest ratio of the two cumulative hazards. K is drawn between that ratio and 1, which is assumed: it spreads the
survival after relapse.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from igfstrat.synthetic._draw import YES_NO, Codes, Columns, date_words, words
from igfstrat.synthetic.config import CohortConfig
from igfstrat.synthetic.hazards import time_of_hazard
from igfstrat.synthetic.prognosis import OLD_FROM, Prognosis, cell_hazards

_START: Final = int(np.datetime64("2008-01-01").astype(int))  # first day of accrual: a setting
_DAYS_PER_MONTH: Final = 365.25 / 12
_DECIMALS: Final = 2  # a hundredth of a month is a third of a day
_SHORTEST: Final = 0.01
_CAUSES: Final = ("cancer", "other")
_DEFINITIONS: Final = {
    "dfs": "recurrence or death from any cause",
    "pfs": "progression or death from any cause",
    "after_relapse": "progression of relapsed disease or death from any cause",
    "same_as_dfs": "recurrence, progression or death from any cause; after resection the same as DFS",
    "os": "death from any cause",
}
Floats = NDArray[np.float64]


def draw_outcomes(
    config: CohortConfig,
    prognosis: Prognosis,
    cells: tuple[Codes, ...],
    rng: np.random.Generator,
) -> tuple[Columns, NDArray[np.bool_]]:
    """Dates, times, events and causes; and whose blood would have been due after the last day."""
    n = len(cells[0])
    relapse, cancer, other = _latent_times(prognosis, cells, rng)
    first, death = np.minimum(relapse, other), np.minimum(cancer, other)
    relapsed = relapse < other
    progress = first + rng.random(n) * np.where(np.isfinite(death), death - first, 0.0)
    followed, zero = _follow_up(config, n, rng)
    outcomes = config.outcomes
    made = _endpoint(outcomes.first, first, followed, np.where(relapsed, 0, 1), outcomes.first)
    if outcomes.pfs == "after_relapse":
        second = np.where(relapsed, progress, death)
        made |= _endpoint("pfs", second, followed, np.where(relapsed, 0, 1), outcomes.pfs)
    elif outcomes.pfs == "same_as_dfs":
        made |= {f"pfs_{part}": made[f"dfs_{part}"] for part in ("months", "event", "cause")}
        made["pfs_definition"] = np.full(n, _DEFINITIONS["same_as_dfs"], dtype=object)
    made |= _endpoint("os", death, followed, np.where(cancer <= other, 0, 1), "os")
    if outcomes.bone_among_relapses:
        chance = np.array([outcomes.bone_among_relapses[name].value for name in config.groups])[cells[0]]
        bone = (rng.random(n) < chance / 100).astype(np.intp)
        seen = relapsed & (first <= followed)
        made["bone_at_relapse"] = words((*YES_NO, None), np.where(seen, bone, 2))
    dates, never = _dates(config, zero, made["os_months"], rng)
    return dates | made, never


def _latent_times(
    prognosis: Prognosis, cells: tuple[Codes, ...], rng: np.random.Generator
) -> tuple[Floats, Floats, Floats]:
    """Relapse, death from cancer, and death from other causes, months."""
    first, death = cell_hazards(prognosis, cells)
    other = prognosis.other_deaths[cells[3]][:, np.newaxis] * death
    # what is left of a difference of equal hazards may be a hair below 0
    relapse, cancer = np.maximum(first - other, 0.0), death - other
    n, starts = len(first), prognosis.starts
    one, two, three = rng.standard_exponential((3, n))
    lowest = _largest_ratio(cancer, relapse, starts)
    keep = lowest + rng.random(n) * (1 - lowest)
    later = keep * one + np.where(rng.random(n) < 1 - keep, two, 0.0)
    times = [
        time_of_hazard(e, starts=starts, rates=r)
        for e, r in ((one, relapse), (later, cancer), (three, other))
    ]
    # where both hazards are equal the inverse may round to the other side
    return times[0], np.maximum(times[1], times[0]), times[2]


def _largest_ratio(upper: Floats, lower: Floats, starts: Floats) -> Floats:
    """Largest ratio of two piecewise linear cumulative hazards: at a knot, or in the last slope."""
    widths = np.diff(starts)
    above, below = (np.cumsum(r[:, :-1] * widths, axis=1) for r in (upper, lower))
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = np.concatenate(
            [above / below, upper[:, :1] / lower[:, :1], upper[:, -1:] / lower[:, -1:]], axis=1
        )
    return np.asarray(np.clip(np.nan_to_num(ratios.max(axis=1), nan=1.0, posinf=1.0), 0.0, 1.0))


def _endpoint(name: str, time: Floats, followed: Floats, cause: Codes, definition: str) -> Columns:
    event = time <= followed
    months = np.minimum(time, followed).round(_DECIMALS)
    return {
        f"{name}_months": np.maximum(months, _SHORTEST),
        f"{name}_event": event.astype(np.int64),
        f"{name}_cause": words((*_CAUSES, None), np.where(event, cause, 2)),
        f"{name}_definition": np.full(len(time), _DEFINITIONS[definition], dtype=object),
    }


def _follow_up(config: CohortConfig, n: int, rng: np.random.Generator) -> tuple[Floats, NDArray[np.int64]]:
    """Months under observation if alive, and the day of time zero."""
    how = config.follow_up
    entered = rng.random(n) * how.accrual_months.value
    # a share that is lost each year, at a constant hazard
    rate = -np.log1p(-how.lost_per_year.value / 100) / 12
    lost = rng.standard_exponential(n) / rate if rate > 0 else np.full(n, np.inf)
    followed = np.minimum(how.accrual_months.value - entered + how.follow_up_months.value, lost)
    return followed, _START + np.floor(entered * _DAYS_PER_MONTH).astype(np.int64)


def _dates(
    config: CohortConfig, zero: NDArray[np.int64], os_months: Floats, rng: np.random.Generator
) -> tuple[Columns, NDArray[np.bool_]]:
    """Dates, and whose blood would have been due after the last day."""
    timing, n = config.timing, len(zero)
    since = rng.standard_exponential(n) * timing.months_since_diagnosis.value * _DAYS_PER_MONTH
    sampled = zero + _days(rng, timing.sampling_from.value, timing.sampling_to.value, n)
    taken = zero + _days(rng, timing.specimen_from.value, timing.specimen_to.value, n)
    last = zero + np.ceil(os_months * _DAYS_PER_MONTH).astype(np.int64)
    made: Columns = {"diagnosis_date": date_words(np.maximum(zero - since.astype(np.int64), 0))}
    if timing.time_zero == "time_zero":
        made["time_zero"] = date_words(zero)
    never = sampled > last
    made["igf1_sampling_date"] = date_words(sampled)
    made["igf1_sampling_date"][never] = None
    made |= {"specimen_date": date_words(taken), "last_followup_date": date_words(last)}
    return made, never


def _days(rng: np.random.Generator, low: float, high: float, n: int) -> NDArray[np.int64]:
    return rng.integers(int(low), int(high) + 1, n)


def age_class(age: Floats) -> Codes:
    """0 below `OLD_FROM`, 1 from there."""
    return (age >= OLD_FROM).astype(np.intp)
