"""Power of a design by the drift integral: where one integral gives it, and else why none does.

One hypothesis with any number of looks, or two with one look, whose statistics are jointly normal. With a prior of
the prevalence the power is the mean over it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from operator import itemgetter
from typing import Any, Final

import numpy as np
from scipy.special import ndtr

from igfstrat.survival._types import BoolArray, FloatArray
from igfstrat.trials._covariance import score_covariance
from igfstrat.trials._regions import normal_probability
from igfstrat.trials._scenario_design import Hypothesis
from igfstrat.trials.assay import Assay, make_assay, prevalence_at
from igfstrat.trials.closed_form import (
    group_sequential_power,
    logrank_moments,
    make_trial,
    time_of_events,
)
from igfstrat.trials.designs import Rules, reject_by
from igfstrat.trials.scenario import Scenario

_PRIOR_NODES, _PRIOR_WEIGHTS = np.polynomial.legendre.leggauss(24)
_TESTS: Final = ("logrank", "stratified_logrank")


def look_times(scenario: Scenario, design: str, assay: Assay | None = None) -> list[float]:
    """Expected calendar times of the looks."""
    settings = scenario.designs[design]
    latest = settings.max_duration or float("inf")
    if settings.analysis_times:
        return [min(t, latest) for t in settings.analysis_times]
    counted = "overall" if scenario.kind_of(design) == "enrichment" else settings.events_in
    trial = make_trial(scenario, design, assay, population=counted)
    return [min(time_of_events(trial, events), latest) for events in settings.events or ()]


def no_closed_power(scenario: Scenario, design: str, rules: Rules) -> str | None:
    """Why there is no closed form of the power; None where there is one."""
    if scenario.kind_of(design).startswith("adaptive"):
        return "an adaptive design has none"
    looks, count = len(rules.information), len(rules.hypotheses)
    if scenario.response is not None or scenario.test.statistic not in _TESTS:
        return f"the {scenario.test.statistic.replace('_', ' ')} test has none here"
    if count > 2 or (count == 2 and looks > 1):
        return f"{count} hypotheses at {looks} look{'s' if looks > 1 else ''} have none here"
    if rules.harm is not None and rules.harm.then == "stop":
        return "trials may stop for harm to survival, which it leaves out"
    if scenario.scans is not None and scenario.overall_survival is not None:
        return "deaths are seen at once and progression at scans"
    times = look_times(scenario, design)
    if not np.all(np.isfinite(times)) or np.any(np.diff(times) <= 0):
        return "its events can't be expected to come"
    return None


def closed_power(
    scenario: Scenario, design: str, rules: Rules, *, details: bool = True
) -> dict[str, Any] | None:
    """Power by the drift integral to reject at least one hypothesis, and in detail each of two; None without such a form."""
    if no_closed_power(scenario, design, rules) is not None:
        return None
    power = partial(_power_of_two, details=details) if len(rules.hypotheses) == 2 else _power_of_one
    prevalence = scenario.marker.prevalence
    if prevalence is None or prevalence.sd is None:
        return power(scenario, design, rules, None)
    nodes = prevalence_at(scenario.marker, (_PRIOR_NODES + 1) / 2)
    made = [make_assay(scenario.marker, time_unit=scenario.time_unit, prevalence=float(p)) for p in nodes]
    found = [power(scenario, design, rules, assay) for assay in made]
    if any(not np.all(np.isfinite(entry["look_times"])) for entry in found):
        return None
    over = {key: _mean([entry[key] for entry in found]) for key in found[0] if key != "method"}
    return over | {"method": found[0]["method"] + ", in the mean over the prior of the prevalence"}


def _mean(values: list[Any]) -> Any:
    """Over the prior, of numbers and of lists or dictionaries of them."""
    if isinstance(values[0], dict):
        return {key: _mean([value[key] for value in values]) for key in values[0]}
    found = (_PRIOR_WEIGHTS / 2) @ np.array(values)
    return found.tolist() if np.ndim(found) else float(found)


def _power_of_one(scenario: Scenario, design: str, rules: Rules, assay: Assay | None) -> dict[str, Any]:
    times = look_times(scenario, design, assay)
    trial = make_trial(scenario, design, assay, population=_named(rules, 0))
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


def _named(rules: Rules, index: int) -> Hypothesis:
    return rules.hypotheses[index]  # type: ignore[return-value]


def _power_of_two(
    scenario: Scenario, design: str, rules: Rules, assay: Assay | None, *, details: bool
) -> dict[str, Any]:
    (time,) = look_times(scenario, design, assay)
    trials = [make_trial(scenario, design, assay, population=_named(rules, j)) for j in (0, 1)]
    moments = [logrank_moments(trial, time) for trial in trials]
    scale = np.sqrt([m.information for m in moments])
    covariance = np.diag([m.variance for m in moments])
    if "overall" in rules.hypotheses:
        whole = rules.hypotheses.index("overall")
        size = len(trials[1 - whole].weights)
        # a trial lists its kinds with a positive test first
        part = slice(0, size) if rules.hypotheses[1 - whole] == "positive" else slice(-size, None)
        covariance[0, 1] = covariance[1, 0] = score_covariance(trials[whole], part, time)
    settings = scenario.designs[design]

    def rejections(z: FloatArray) -> BoolArray:
        return reject_by(rules, ndtr(-z), weights=settings.weights, transitions=settings.transitions)

    def power(claim: Callable[[BoolArray], BoolArray]) -> float:
        return normal_probability(
            lambda z: claim(rejections(z)),
            mean=np.array([m.z for m in moments]),
            covariance=covariance / np.outer(scale, scale),
        )

    any_of_both = power(lambda found: np.asarray(found.any(axis=1)))
    if not details:
        return {"power": any_of_both, "method": "", "look_times": [time]}
    each = [power(itemgetter((slice(None), j))) for j in (0, 1)]
    events = logrank_moments(make_trial(scenario, design, assay), time).events
    return {
        "power": any_of_both,
        "conjunctive_power": power(lambda found: np.asarray(found.all(axis=1))),
        "hypotheses": dict(zip(rules.hypotheses, each, strict=True)),
        "method": "integrated log-rank drift of two hypotheses, jointly normal, at the expected time of the look",
        "look_times": [time],
        "expected_events": events,
    }
