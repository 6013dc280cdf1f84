"""What a design can't be expected to reach, found by the closed form before anything is simulated.

Events that too few patients ever have, patients who never come, a longest duration that ends too early, a population
that nobody belongs to. Such a design can still be simulated: its trials then end without what was planned, which is
counted. Beside these, what is in doubt about the priors of a design, and whether a selection keeps its level.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from igfstrat.errors import DomainError
from igfstrat.trials.adaptive.go_no_go import prior_concerns
from igfstrat.trials.closed_form.logrank import expected_events, time_of_events
from igfstrat.trials.closed_form.trial import Trial, make_trial
from igfstrat.trials.scenario.scenario import Scenario

_EVER = 1e4  # times of the accrual: who has had no event by then never has one


def feasibility_concerns(scenario: Scenario) -> list[str]:
    """What the designs of a scenario can't be expected to reach, and what is in doubt about their priors and their level.

    Parameters
    ----------
    scenario : Scenario
        One point of the grid, with its numbers of patients.

    Returns
    -------
    list of str
        A sentence a concern, in the order of the designs; empty where all can be expected.

    Examples
    --------
    >>> from igfstrat.trials import make_scenario
    >>> cured = make_scenario({"endpoint": "os", "marker": {"prevalence": {"value": 0.3}},
    ...     "control": {"cure": {"fraction": 0.6, "median": 6}}, "accrual": {"randomized_uniformly_over": 24},
    ...     "designs": {"all_comers": {"n": 200, "events": 150}}})
    >>> feasibility_concerns(cured)
    ['all_comers: 150 events are planned, and of 200 patients about 80 ever have one; the others are cured or lost']
    """
    return [
        f"{name}: {what}"
        for name in scenario.designs
        for what in (*_concerns(scenario, name), *prior_concerns(scenario, name), *_level(scenario, name))
    ]


def _level(scenario: Scenario, design: str) -> Iterator[str]:
    """Increments of an overall test are not independent of the positives' interim where these die sooner or later."""
    settings, test, control = scenario.designs[design], scenario.test, scenario.control
    hypotheses = scenario.hypotheses_of(design)
    chooses = scenario.kind_of(design) == "adaptive_enrichment" and "overall" in hypotheses
    stratified = scenario.marker.name in (test.strata or scenario.randomization.strata or ())
    alike = control is None or (
        control.positive is None and all(x.hazard_ratio == 1 for x in control.prognostic_hazard_ratio)
    )
    if settings.is_by_patient(scenario.endpoint) or not chooses or len(hypotheses) < 2 or alike:
        return
    if test.statistic != "stratified_logrank" or not stratified:
        yield (
            f"the marker is prognostic and the overall test isn't stratified by it, so that a selection can raise the error a"
            f" little above alpha; take stage_by_patient, or test: {{statistic: stratified_logrank, strata: [{scenario.marker.name}]}}"
        )


def _concerns(scenario: Scenario, design: str) -> Iterator[str]:
    settings = scenario.designs[design]
    counted = "positive" if scenario.kind_of(design) == "enrichment" else settings.events_in
    for name in dict.fromkeys((*scenario.hypotheses_of(design), counted)):
        try:
            trial = make_trial(scenario, design, population=name)
        except DomainError:
            yield f"nobody in it is {name} by the test"
            return
    trial = make_trial(scenario, design, population=counted)
    if not math.isfinite(trial.entry_end):
        yield f"the {settings.n} patients never come: accrual ends before, or nobody is eligible"
    elif scenario.response is None:
        yield from _event_concerns(scenario, design, trial, "" if counted == "overall" else f" {counted}")


def _event_concerns(scenario: Scenario, design: str, trial: Trial, kind: str) -> Iterator[str]:
    settings, unit = scenario.designs[design], scenario.time_unit
    latest = settings.max_duration
    wanted = settings.events[-1] if settings.events else 0
    if settings.events and not math.isfinite(time_of_events(trial, wanted)):
        ever = expected_events(trial, trial.entry_end * _EVER)
        yield (
            f"{wanted} events are planned, and of {trial.n:.0f}{kind} patients about {ever:.0f} ever have one;"
            " the others are cured or lost"
        )
    elif settings.events and latest and expected_events(trial, latest) < wanted:
        found = expected_events(trial, latest)
        yield f"{wanted} events are planned, and by max_duration, {latest:g} {unit}, about {found:.0f} are expected"
    for time in settings.analysis_times or ():
        if expected_events(trial, min(time, latest or math.inf)) < 1:
            yield f"at {time:g} {unit} less than one event is expected"
