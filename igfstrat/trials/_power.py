"""Power of a design by the drift integral, where one integral gives it."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import ndtr

from igfstrat.trials.closed_form import group_sequential_power, logrank_moments, make_trial, time_of_events
from igfstrat.trials.designs import Rules
from igfstrat.trials.scenario import Scenario


def look_times(scenario: Scenario, design: str) -> list[float]:
    """Expected calendar times of the looks."""
    settings = scenario.designs[design]
    latest = settings.max_duration or float("inf")
    if settings.analysis_times:
        return [min(t, latest) for t in settings.analysis_times]
    counted = "overall" if scenario.kind_of(design) == "enrichment" else settings.events_in
    trial = make_trial(scenario, design, population=counted)
    return [min(time_of_events(trial, events), latest) for events in settings.events or ()]


def closed_power(scenario: Scenario, design: str, rules: Rules) -> dict[str, Any] | None:
    """Power by the drift integral, of one hypothesis tested by the (stratified) log-rank; None without such a form."""
    statistic = scenario.test.statistic
    prevalence = scenario.marker.prevalence
    if prevalence is not None and prevalence.sd is not None:
        return None  # one integral is not the mean over a prior
    if len(rules.hypotheses) > 1 or statistic not in {"logrank", "stratified_logrank"} or scenario.scans:
        return None
    times = look_times(scenario, design)
    if not np.all(np.isfinite(times)) or np.any(np.diff(times) <= 0):
        return None
    trial = make_trial(scenario, design, population=rules.hypotheses[0])  # type: ignore[arg-type]
    moments = [logrank_moments(trial, time) for time in times]
    crossing, events = group_sequential_power(
        moments,
        efficacy=rules.efficacy[:, 0],
        futility=np.append(rules.futility[:-1, 0], rules.efficacy[-1, 0]),
    )
    expected = crossing.power
    if len(moments) == 1:
        # the statistic divides by the information, its spread is that of the score under these very hazards
        spread = np.sqrt(moments[0].variance / moments[0].information)
        expected = float(ndtr((moments[0].z - rules.efficacy[0, 0]) / spread))
    return {
        "power": expected,
        "power_with_unit_variance": crossing.power,
        "method": "integrated log-rank drift at the expected times of the looks",
        "look_times": times,
        "expected_events": events,
    }
