"""Power of a design by the drift integral: where one integral gives it, and else why none does.

One hypothesis with any number of looks, or two with one look, whose statistics are jointly normal. With a prior of
the prevalence the power is the mean over it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache, partial
from typing import Any, Final

import numpy as np
from scipy.special import ndtr

from igfstrat.survival._types import BoolArray
from igfstrat.trials.closed_form.covariance import score_covariance
from igfstrat.trials.closed_form.logrank import group_sequential_power, logrank_moments, times_of_events
from igfstrat.trials.closed_form.trial import make_trial
from igfstrat.trials.designs.rules import Rules, reject_by
from igfstrat.trials.numerics.regions import Steps, find_steps, steps_probability
from igfstrat.trials.patients.assay import Assay, make_assay, prevalence_at
from igfstrat.trials.scenario.design import Hypothesis
from igfstrat.trials.scenario.scenario import Scenario

_PRIOR_NODES, _PRIOR_WEIGHTS = np.polynomial.legendre.leggauss(24)
_TESTS: Final = ("logrank", "stratified_logrank")
_Power = Callable[[Scenario, str, Rules, Assay | None, list[float]], dict[str, Any]]


def look_times(scenario: Scenario, design: str, assay: Assay | None = None) -> list[float]:
    """Expected calendar times of the looks.

    Parameters
    ----------
    scenario : Scenario
        A point of the grid.
    design : str
        Name under `designs`.
    assay : Assay, optional
        Another than that of the scenario's marker.

    Returns
    -------
    list of float
        In the unit of the scenario; infinite where the events never come.
    """
    settings = scenario.designs[design]
    latest = settings.max_duration or float("inf")
    if settings.analysis_times:
        return [min(t, latest) for t in settings.analysis_times]
    counted = "overall" if scenario.kind_of(design) == "enrichment" else settings.events_in
    trial = make_trial(scenario, design, assay, population=counted)
    return [min(t, latest) for t in times_of_events(trial, settings.events or ())]


def no_closed_power(scenario: Scenario, design: str, rules: Rules) -> str | None:
    """Why there is no closed form of the power.

    Parameters
    ----------
    scenario : Scenario
        A point of the grid.
    design : str
        Name under `designs`.
    rules : Rules
        Of the design.

    Returns
    -------
    str or None
        None where there is one.
    """
    formless = _formless(scenario, design, rules)
    if formless is None and not _come(look_times(scenario, design)):
        return "its events can't be expected to come"
    return formless


def _formless(scenario: Scenario, design: str, rules: Rules) -> str | None:
    """Why no size of a design has a closed form of the power."""
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
    return None


def _come(times: list[float]) -> bool:
    """Whether looks can be expected to come, one after another."""
    return bool(np.all(np.isfinite(times)) and np.all(np.diff(times) > 0))


def closed_power(
    scenario: Scenario, design: str, rules: Rules, *, details: bool = True
) -> dict[str, Any] | None:
    """Power by the drift integral to reject at least one hypothesis, and in detail each of two.

    Parameters
    ----------
    scenario : Scenario
        A point of the grid.
    design : str
        Name under `designs`.
    rules : Rules
        Of the design.
    details : bool
        Whether the power of each of two hypotheses is told too.

    Returns
    -------
    dict of str to Any, or None
        ``power``, ``method`` and the details; None without such a form.
    """
    if _formless(scenario, design, rules) is not None:
        return None
    times = look_times(scenario, design)
    if not _come(times):
        return None
    power: _Power = _power_of_one
    if len(rules.hypotheses) == 2:
        power = partial(_power_of_two, steps=_rejections(scenario, design, rules), details=details)
    prevalence = scenario.marker.prevalence
    if prevalence is None or prevalence.sd is None:
        return power(scenario, design, rules, None, times)
    nodes = prevalence_at(scenario.marker, (_PRIOR_NODES + 1) / 2)
    made = [make_assay(scenario.marker, time_unit=scenario.time_unit, prevalence=float(p)) for p in nodes]
    all_times = [look_times(scenario, design, assay) for assay in made]
    if not np.all(np.isfinite(all_times)):
        return None
    found = [power(scenario, design, rules, assay, at) for assay, at in zip(made, all_times, strict=True)]
    over = {key: _mean([entry[key] for entry in found]) for key in found[0] if key != "method"}
    return over | {"method": found[0]["method"] + ", in the mean over the prior of the prevalence"}


def _mean(values: list[Any]) -> Any:
    """Over the prior, of numbers and of lists or dictionaries of them."""
    if isinstance(values[0], dict):
        return {key: _mean([value[key] for value in values]) for key in values[0]}
    found = (_PRIOR_WEIGHTS / 2) @ np.array(values)
    return found.tolist() if np.ndim(found) else float(found)


def _power_of_one(
    scenario: Scenario, design: str, rules: Rules, assay: Assay | None, times: list[float]
) -> dict[str, Any]:
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


def _rejections(scenario: Scenario, design: str, rules: Rules) -> Steps:
    """What two statistics at one look reject, by the procedure of the design."""
    settings = scenario.designs[design]
    return _steps_of(rules, json.dumps([settings.weights, settings.transitions]))


@lru_cache(maxsize=64)  # sizes are tried under the same rules
def _steps_of(rules: Rules, procedure: str) -> Steps:
    weights, transitions = json.loads(procedure)
    return find_steps(lambda z: reject_by(rules, ndtr(-z), weights=weights, transitions=transitions))


def _power_of_two(
    scenario: Scenario,
    design: str,
    rules: Rules,
    assay: Assay | None,
    times: list[float],
    *,
    steps: Steps,
    details: bool,
) -> dict[str, Any]:
    (time,) = times
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

    def power(claim: BoolArray) -> float:
        return steps_probability(
            replace(steps, inside=claim),
            mean=np.array([m.z for m in moments]),
            covariance=covariance / np.outer(scale, scale),
        )

    any_of_both = power(np.asarray(steps.inside.any(axis=2)))
    if not details:
        return {"power": any_of_both, "method": "", "look_times": times}
    events = logrank_moments(make_trial(scenario, design, assay), time).events
    each = [power(steps.inside[..., j]) for j in (0, 1)]
    return {
        "power": any_of_both,
        "conjunctive_power": power(np.asarray(steps.inside.all(axis=2))),
        "hypotheses": dict(zip(rules.hypotheses, each, strict=True)),
        "method": "integrated log-rank drift of two hypotheses, jointly normal, at the expected time of the look",
        "look_times": times,
        "expected_events": events,
    }
