"""What is computed of each candidate of a search: its size for the power, estimates in closed form, a simulation."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import numpy as np

from igfstrat.errors import IgfstratError
from igfstrat.survival._types import FloatArray
from igfstrat.trials.designs.costs import spent
from igfstrat.trials.designs.expected import expected_course
from igfstrat.trials.designs.least_events import MOST_EVENTS, guess_events, least_events
from igfstrat.trials.designs.power import closed_power
from igfstrat.trials.designs.rules import Rules, decide
from igfstrat.trials.designs.sizing import scaled
from igfstrat.trials.scenario.design import ADAPTIVE
from igfstrat.trials.scenario.scenario import Scenario, make_scenario
from igfstrat.trials.search.space import SearchSpace, make_space
from igfstrat.trials.simulation.engine import simulate_trials
from igfstrat.trials.study.operating import design_rules, trial_rows

SIZED, NO_POWER, IMPOSSIBLE, INFEASIBLE = 0, 1, 2, 3
REASONS: Final = {
    NO_POWER: "without a size that gives the power: no effect, or too little, in their patients",
    IMPOSSIBLE: "with choices that can't be had together",
    INFEASIBLE: "infeasible: most of their trials end without the planned events",
}
_SIZING_FIRST: Final = 1 << 41  # replicates of sizing, which no study reaches
SIZING_TRIALS: Final = (500, 2_000, 2_000, 2_000)  # of each step
_CLOSE: Final = 0.005  # of the power, at which sizing by simulation ends
ESTIMATES: Final = ("power", "cost", "duration", "randomized", "screened")


@lru_cache(maxsize=4)
def _space(text: str, power: float) -> SearchSpace:
    return make_space(make_scenario(json.loads(text)), power=power)


def size_rows(start: int, stop: int, *, text: str, power: float, seed: int) -> dict[str, Any]:
    """Size a range of candidates, and estimate in closed form what they take.

    Parameters
    ----------
    start, stop : int
        The range, `stop` not included.
    text : str
        The scenario as JSON.
    power : float
        The power asked for.
    seed : int
        Of the search.

    Returns
    -------
    dict of ndarray, one row a candidate
        `state` (int64), `n`, `last_events` (float64), and the `ESTIMATES`, NaN without a closed form.
    """
    return _stacked([_size(_space(text, power), i, seed) for i in range(start, stop)])


def _stacked(rows: list[dict[str, float]]) -> dict[str, Any]:
    return {name: np.array([row[name] for row in rows], dtype=np.float64) for name in rows[0]}


def _size(space: SearchSpace, index: int, seed: int) -> dict[str, float]:
    nothing = {
        "state": float(IMPOSSIBLE),
        "n": np.nan,
        "last_events": np.nan,
        **dict.fromkeys(ESTIMATES, np.nan),
    }
    candidate = space.candidate(index)
    try:
        scenario = space.scenario(candidate)
    except IgfstratError:
        return nothing
    try:
        events, power = solve_events(scenario, candidate.design, candidate.power, seed)
    except IgfstratError:
        return nothing | {"state": float(NO_POWER)}
    sized = with_events(scenario, candidate.design, events)
    settings = sized.designs[candidate.design]
    return nothing | {
        "state": float(SIZED),
        "n": float(settings.n or 0),
        "last_events": float(events),
        **({} if power is None else {"power": power, **expected_course(sized, candidate.design)}),
    }


def with_events(scenario: Scenario, design: str, events: int) -> Scenario:
    """The scenario with so many events at the last look of a design, patients and looks in the proportions written.

    Parameters
    ----------
    scenario : Scenario
        A point of the grid.
    design : str
        Name under `designs`.
    events : int
        At its last look.

    Returns
    -------
    Scenario
        With this design alone.
    """
    changed = scenario.designs[design].model_copy(update=scaled(scenario, design, events))
    return scenario.model_copy(update={"designs": {design: changed}})


def solve_events(
    scenario: Scenario,
    design: str,
    wanted: float,
    seed: int,
    *,
    start: int | None = None,
    steps: Sequence[int] = SIZING_TRIALS,
) -> tuple[int, float | None]:
    """The events at the last look that give a power.

    Parameters
    ----------
    scenario : Scenario
        A point of the grid.
    design : str
        Name under `designs`, with events.
    wanted : float
        The power, between 0 and 1.
    seed : int
        Of simulated rules and trials.
    start : int, optional
        Events to begin at; those written where left out.
    steps : sequence of int
        Trials of each step of a simulation.

    Returns
    -------
    tuple of int and float or None
        Events, and the power by the drift integral; None where they had to be found by simulation.
    """
    settings, alpha = scenario.designs[design], scenario.test.one_sided_alpha
    assert settings.events is not None
    start = start or settings.events[-1]
    least, first = 2 * len(settings.events), _rules(scenario, design, seed)
    if _closed(scenario, design, first) is None:
        return _events_by_simulation(scenario, design, wanted, seed, first, start=start, steps=steps), None
    known: dict[int, float] = {}

    def power_of(events: int) -> float:
        if events not in known:
            sized = with_events(scenario, design, events)
            known[events] = _closed(sized, design, _rules(sized, design, seed)) or 0.0
        return known[events]

    if len(first.hypotheses) > 1:
        # their rules are planned by simulation: near the end by those of the start, only the end by its own
        start = least_events(
            lambda events: _closed(with_events(scenario, design, events), design, first) or 0.0,
            start=start,
            wanted=wanted,
            alpha=alpha,
            least=least,
        )
    events = least_events(power_of, start=start, wanted=wanted, alpha=alpha, least=least)
    return events, known[events]


def _closed(sized: Scenario, design: str, rules: Rules) -> float | None:
    looks = sized.designs[design].events or ()
    if len(set(looks)) < len(looks):
        return 0.0  # so few events that looks fall together
    found = closed_power(sized, design, rules, details=False)
    return float(found["power"]) if found else None


def _rules(scenario: Scenario, design: str, seed: int) -> Rules:
    return design_rules(scenario, design, seed, None)


def _events_by_simulation(
    scenario: Scenario,
    design: str,
    wanted: float,
    seed: int,
    rules: Rules,
    *,
    start: int,
    steps: Sequence[int],
) -> int:
    """By the rules of the events written, which hardly depend on the size."""
    events, alpha = start, scenario.test.one_sided_alpha
    least = 2 * scenario.designs[design].n_looks
    for trials in steps:
        sized = with_events(scenario, design, events)
        rows = simulated_rows(sized, design, seed=seed, first=_SIZING_FIRST, replicates=trials, rules=rules)
        power = float(rows["rejected"].any(axis=1).mean())
        if trials == steps[-1] and abs(power - wanted) <= _CLOSE:
            break
        events = max(guess_events(events, power, wanted=wanted, alpha=alpha), least)
        if events > MOST_EVENTS // 100:
            message = "no effect that trials of ten thousand events would find"
            raise IgfstratError(message)
    return events


def simulated_rows(
    scenario: Scenario, design: str, *, seed: int, first: int, replicates: int, rules: Rules | None = None
) -> dict[str, Any]:
    """Decisions and course of trials of a sized design; hazard ratios aren't estimated, which takes a third of the time.

    Parameters
    ----------
    scenario : Scenario
        A point of the grid.
    design : str
        Name under `designs`.
    seed : int
        Of the study.
    first, replicates : int
        Number of the first trial, and how many there are.
    rules : Rules, optional
        Those of the design where left out.

    Returns
    -------
    dict of str to ndarray, each with one row a trial
        ``rejected``, ``infeasible``, ``randomized``, ``screened``, ``duration``; more of an adaptive design.
    """
    rules = rules or _rules(scenario, design, seed)
    if scenario.kind_of(design) in ADAPTIVE:
        return trial_rows(
            first, first + replicates, scenario=scenario, design=design, rules=rules, seed=seed, null=False
        )
    trials = simulate_trials(
        scenario,
        design,
        seed=seed,
        first=first,
        replicates=replicates,
        populations=rules.hypotheses,
        estimate=rules.harm is not None,
    )
    settings = scenario.designs[design]
    decisions = decide(rules, trials, weights=settings.weights, transitions=settings.transitions)
    at = (np.arange(replicates), decisions.last_look)
    return {
        "rejected": decisions.rejected,
        "infeasible": decisions.infeasible,
        "randomized": trials.randomized[at],
        "screened": trials.screened[at],
        "duration": trials.cut[at],
    }


@dataclass(frozen=True, slots=True)
class Sizes:
    """Candidates that are to be simulated, and their events."""

    index: tuple[int, ...]
    events: tuple[int, ...]


def simulation_rows(
    start: int, stop: int, *, text: str, power: float, seed: int, sizes: Sizes, replicates: int
) -> dict[str, Any]:
    """Simulate a range of the sized candidates.

    Parameters
    ----------
    start, stop : int
        Range within `sizes`.
    text, power, seed : str, float, int
        As in `size_rows`.
    sizes : Sizes
        What is to be simulated.
    replicates : int
        Trials of each; the same replicates for all, so that they meet the same patients.

    Returns
    -------
    dict of ndarray, one row a candidate
        The `ESTIMATES` by simulation, the standard error of each (`…_se`), and the share of `infeasible` trials.
    """
    space = _space(text, power)
    found = []
    for i in range(start, stop):
        candidate = space.candidate(sizes.index[i])
        scenario = with_events(space.scenario(candidate), candidate.design, sizes.events[i])
        rows = simulated_rows(scenario, candidate.design, seed=seed, first=0, replicates=replicates)
        found.append(_summary(scenario, rows))
    return _stacked(found)


def _summary(scenario: Scenario, rows: Mapping[str, Any]) -> dict[str, float]:
    columns: dict[str, FloatArray] = {
        "power": rows["rejected"].any(axis=1).astype(np.float64),
        "cost": spent(scenario, rows),
        **{name: rows[name] for name in ESTIMATES[2:]},
    }
    found: dict[str, float] = {}
    for name, values in columns.items():
        found[name] = float(values.mean())
        found[f"{name}_se"] = float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else np.nan
    return found | {"infeasible": float(rows["infeasible"].mean())}
