"""Sizes of the designs for one power or one cost: `compare_at: {power: 0.9}`, `{cost: 5.0e7}`.

A design keeps the proportions that it is written with, its events to each other and to its patients, and grows or shrinks
until the drift integral gives the power, or until the trials cost as much in the mean. Designs without such an integral are
refused, not guessed; the cost is that of simulated planning trials, which every design has.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from igfstrat.errors import UsageError
from igfstrat.trials.designs.costs import spent
from igfstrat.trials.designs.least_events import least_events
from igfstrat.trials.designs.power import closed_power, no_closed_power
from igfstrat.trials.designs.rules import Rules, decide, make_rules
from igfstrat.trials.scenario.design import ComparisonSettings
from igfstrat.trials.scenario.scenario import Scenario
from igfstrat.trials.simulation.engine import simulate_trials

_MOST_PATIENTS: Final = 100_000
_FEWEST: Final = 10  # patients for each look
_PLANNING_TRIALS: Final = 400
_PLANNING_PATIENTS: Final = 2_000_000  # of large trials fewer will do
_PLANNING_FIRST: Final = 1 << 41  # replicates that no study reaches


def solve_sizes(scenario: Scenario) -> Scenario:
    """The scenario with the sizes at which each design has the power, or costs as much, as `compare_at` says.

    Parameters
    ----------
    scenario : Scenario
        One point of the grid.

    Returns
    -------
    Scenario
        With these sizes, to be taken as written; the same scenario where sizes are given (`same`).

    Raises
    ------
    UsageError
        If a design has no closed form, no proportions to keep, or never has the power or the cost; all of the reasons.

    Examples
    --------
    >>> from igfstrat.trials import make_scenario
    >>> base = make_scenario({"endpoint": "os", "marker": {"prevalence": {"value": 0.3}}, "control": {"median": 12},
    ...     "treatment": {"hazard_ratio": 0.7}, "accrual": {"randomized_uniformly_over": 24}, "compare_at": {"power": 0.9},
    ...     "designs": {"all_comers": {"n": 500, "events": 300}}})
    >>> solve_sizes(base).designs["all_comers"].events
    (335,)
    """
    comparison = scenario.compare_at
    if comparison.same is not None:
        return scenario
    designs, faults = dict(scenario.designs), []
    for name in designs:
        try:
            if comparison.power is not None:
                sizes = _sizes(scenario, name, comparison.power)
            else:
                sizes = _sizes_at_cost(scenario, name, float(comparison.cost or 0.0))
            designs[name] = designs[name].model_copy(update=sizes)
        except UsageError as error:
            faults.append(f"  designs.{name}: {error}")
    if faults:
        what = f"power of {comparison.power:g}" if comparison.power else f"cost of {comparison.cost:,.0f}"
        raise UsageError("\n".join([f"no sizes for a {what}", *faults]))
    return scenario.model_copy(update={"designs": designs, "compare_at": ComparisonSettings(same="n")})


def _sizes_at_cost(scenario: Scenario, design: str, wanted: float) -> dict[str, Any]:
    """The largest sizes whose mean cost isn't above what is wanted, by bisection over the patients."""
    settings = scenario.designs[design]
    if settings.n is None:
        message = "give n, and events where the looks come by them: their proportions are kept"
        raise UsageError(message)
    costs = scenario.costs
    if not costs.screen + costs.patient + costs.month > 0:
        message = "nothing costs anything; give the section `costs`"
        raise UsageError(message)
    rules = make_rules(scenario, design, seed=0)  # fractions of the information stay as they are
    low, high = _FEWEST * len(settings.events or (0,)), settings.n
    while _mean_cost(scenario, design, rules, high) <= wanted:
        low, high = high, 2 * high
        if high > _MOST_PATIENTS:
            message = f"even {high // 2:,} patients cost less"
            raise UsageError(message)
    if _mean_cost(scenario, design, rules, low) > wanted:
        message = f"even {low} patients cost more"
        raise UsageError(message)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _mean_cost(scenario, design, rules, middle) <= wanted else (low, middle)
    return _with_patients(scenario, design, low)


def _with_patients(scenario: Scenario, design: str, n: int) -> dict[str, Any]:
    """Sizes with so many patients, in the proportions written."""
    settings = scenario.designs[design]
    assert settings.n is not None
    if settings.events is None:
        return {"n": n}
    looks = [max(e * n // settings.n, k + 1) for k, e in enumerate(settings.events)]
    return {"n": n, "events": tuple(looks)}


def _mean_cost(scenario: Scenario, design: str, rules: Rules, n: int) -> float:
    """Of planning trials that no study draws; the same for every size, so that costs ascend with it."""
    changed = scenario.designs[design].model_copy(update=_with_patients(scenario, design, n))
    sized = scenario.model_copy(
        update={"designs": {design: changed}, "compare_at": ComparisonSettings(same="n")}
    )
    count = min(max(_PLANNING_PATIENTS // n, 20), _PLANNING_TRIALS)
    trials = simulate_trials(sized, design, seed=0, first=_PLANNING_FIRST, replicates=count, estimate=False)
    ends = decide(rules, trials, weights=changed.weights, transitions=changed.transitions).last_look
    at = (np.arange(count), ends)
    course = {
        "screened": trials.screened[at],
        "randomized": trials.randomized[at],
        "duration": trials.cut[at],
    }
    return float(spent(scenario, course).mean())


def _sizes(scenario: Scenario, design: str, wanted: float) -> dict[str, Any]:
    """By the events of the last look."""
    settings = scenario.designs[design]
    if settings.n is None or not settings.events:
        message = "give n and events: their proportions are kept"
        raise UsageError(message)
    events = least_events(
        lambda number: _power(scenario, design, number),
        start=settings.events[-1],
        wanted=wanted,
        alpha=scenario.test.one_sided_alpha,
        least=2 * len(settings.events),
    )
    return scaled(scenario, design, events)


def scaled(scenario: Scenario, design: str, events: int) -> dict[str, Any]:
    """Sizes with so many events at the last look, in the proportions written.

    Parameters
    ----------
    scenario : Scenario
        One point of the grid.
    design : str
        Name under `designs`, with `n` and `events`.
    events : int
        At the last look, >= 1.

    Returns
    -------
    dict
        `n`, and `events` of every look.
    """
    settings = scenario.designs[design]
    assert settings.n is not None
    assert settings.events is not None
    last = settings.events[-1]
    looks = [max(-(-e * events // last), k + 1) for k, e in enumerate(settings.events)]
    return {"n": -(-settings.n * events // last), "events": tuple(looks)}


def _power(scenario: Scenario, design: str, events: int) -> float:
    changed = scenario.designs[design].model_copy(update=scaled(scenario, design, events))
    if len(set(changed.events or ())) < len(changed.events or ()):
        return 0.0  # so few events that looks fall together
    sized = scenario.model_copy(update={"designs": {design: changed}})
    rules = make_rules(sized, design, seed=0)
    found = closed_power(sized, design, rules)
    if found is None:
        why = no_closed_power(sized, design, rules) or "events may never come under the prior"
        message = f"no closed form of the power: {why}; give its sizes"
        raise UsageError(message)
    return float(found["power"])
