"""Sizes of the designs for one power: `compare_at: {power: 0.9}`.

A design keeps the proportions that it is written with, its events to each other and to its patients, and grows or shrinks
until the drift integral gives the power. Designs without such an integral are refused, not guessed.
"""

from __future__ import annotations

from typing import Any, Final

from igfstrat.errors import UsageError
from igfstrat.trials._power import closed_power
from igfstrat.trials._scenario_design import ComparisonSettings
from igfstrat.trials.designs import make_rules
from igfstrat.trials.scenario import Scenario

_MOST_EVENTS: Final = 1_000_000


def solve_sizes(scenario: Scenario) -> Scenario:
    """The scenario with the smallest sizes at which each design has the power of `compare_at`.

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
        If a design has no closed form, no proportions to keep, or never has the power; all of the reasons.

    Examples
    --------
    >>> from igfstrat.trials import make_scenario
    >>> base = make_scenario({"endpoint": "os", "marker": {"prevalence": {"value": 0.3}}, "control": {"median": 12},
    ...     "treatment": {"hazard_ratio": 0.7}, "accrual": {"randomized_uniformly_over": 24}, "compare_at": {"power": 0.9},
    ...     "designs": {"all_comers": {"n": 500, "events": 300}}})
    >>> solve_sizes(base).designs["all_comers"].events
    (335,)
    """
    wanted = scenario.compare_at.power
    if scenario.compare_at.same is not None:
        return scenario
    if wanted is None:
        message = (
            "compare_at.cost: sizes for one cost are not built yet; give `same: n` with sizes, or a power"
        )
        raise UsageError(message)
    designs, faults = dict(scenario.designs), []
    for name in designs:
        try:
            designs[name] = designs[name].model_copy(update=_sizes(scenario, name, wanted))
        except UsageError as error:
            faults.append(f"  designs.{name}: {error}")
    if faults:
        raise UsageError("\n".join([f"no sizes for a power of {wanted:g}", *faults]))
    return scenario.model_copy(update={"designs": designs, "compare_at": ComparisonSettings(same="n")})


def _sizes(scenario: Scenario, design: str, wanted: float) -> dict[str, Any]:
    """By bisection over the events of the last look."""
    settings = scenario.designs[design]
    if settings.n is None or not settings.events:
        message = "give n and events: their proportions are kept"
        raise UsageError(message)
    last = settings.events[-1]
    low, high = 2 * len(settings.events), last
    while _power(scenario, design, high) < wanted:
        low, high = high, 2 * high
        if high > _MOST_EVENTS:
            message = f"even {high // 2:,} events don't give it; is there an effect in its patients?"
            raise UsageError(message)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if _power(scenario, design, middle) >= wanted else (middle, high)
    return _scaled(scenario, design, high)


def _scaled(scenario: Scenario, design: str, events: int) -> dict[str, Any]:
    """Sizes with so many events at the last look, in the proportions written."""
    settings = scenario.designs[design]
    assert settings.n is not None
    assert settings.events is not None
    last = settings.events[-1]
    looks = [max(-(-e * events // last), k + 1) for k, e in enumerate(settings.events)]
    return {"n": -(-settings.n * events // last), "events": tuple(looks)}


def _power(scenario: Scenario, design: str, events: int) -> float:
    changed = scenario.designs[design].model_copy(update=_scaled(scenario, design, events))
    if len(set(changed.events or ())) < len(changed.events or ()):
        return 0.0  # so few events that looks fall together
    sized = scenario.model_copy(update={"designs": {design: changed}})
    if len(sized.hypotheses_of(design)) > 1:
        message = (
            "several hypotheses have no closed form of the power; give its sizes, and compare at the same n"
        )
        raise UsageError(message)
    found = closed_power(sized, design, make_rules(sized, design, seed=0))
    if found is None:
        message = "no closed form of the power here (statistic, scans, prior, or events that never come); give its sizes"
        raise UsageError(message)
    return float(found["power"])
