"""What a cohort's estimates make of a scenario: its settings, the power of its designs, and what rests on extrapolation.

Power is the closed form's where there is one, so that many resamples cost seconds. Nothing is estimated here.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Final

import numpy as np

from igfstrat.parallel import Rows
from igfstrat.trials.closed_form.logrank import expected_events
from igfstrat.trials.closed_form.trial import make_trial
from igfstrat.trials.designs.power import closed_power, look_times, no_closed_power
from igfstrat.trials.designs.rules import make_rules
from igfstrat.trials.from_cohort.model import CohortFit, CohortModel
from igfstrat.trials.patients.assay import make_assay, n_screened
from igfstrat.trials.patients.piecewise import PiecewiseHazard
from igfstrat.trials.scenario.from_cohort import FromCohortSettings
from igfstrat.trials.scenario.scenario import Scenario, with_values

SIMULATED: Final = 400  # trials of a resample for a design without a closed form


def fill_scenario(
    data: Mapping[str, Any],
    fit: CohortFit,
    settings: FromCohortSettings,
    *,
    takes_assay: bool,
    names: tuple[str, ...] = (),
    of_truth: bool = False,
) -> dict[str, Any]:
    """Settings of a scenario with what a cohort decides in their places.

    Parameters
    ----------
    data : mapping
        Settings as in the YAML; they stay as they are.
    fit : CohortFit
        Of the cohort or a resample.
    settings : FromCohortSettings
        What is taken.
    takes_assay : bool
        Whether the test's error comes from repeated measures.
    names : tuple of str
        Of the subgroups.
    of_truth : bool
        Whether the share is stated in truth, as needed where the trial may choose another test than the cohort's.

    Returns
    -------
    dict
        With its grid, where it has one.
    """
    values: dict[str, Any] = {}
    if "prevalence" in settings.take:
        values["marker.prevalence"] = (
            {"value": fit.truly_positive, "of": "truth"}
            if of_truth
            else {"value": fit.test_positive, "of": "test_positive"}
        )
    if takes_assay:
        values |= {"marker.assay.sensitivity": fit.sensitivity, "marker.assay.specificity": fit.specificity}
    if "control" in settings.take:
        values["control"] = fit.control()
    if names and fit.subgroup_shares:
        told = {group["name"]: group for group in data.get("subgroups", ())}
        mix = zip(names, fit.subgroup_shares, fit.subgroup_ratios, strict=True)
        values["subgroups"] = tuple(
            {**told.get(name, {}), "name": name, "share": share, "control_hazard_ratio": ratio}
            for name, share, ratio in mix
        )
    filled = with_values(data, values)
    if takes_assay:
        filled["marker"]["assay"].pop("measurement_sd", None)
    if "prevalence" in settings.take:
        filled["marker"].pop("continuous", None)
    return filled | ({"vary": data["vary"]} if "vary" in data else {})


def resample_rows(
    start: int,
    stop: int,
    *,
    model: CohortModel,
    data: Mapping[str, Any],
    seed: int,
    chosen: Mapping[str, Any] = MappingProxyType({}),
    of_truth: bool = False,
) -> Rows:
    """What a range of resamples says: estimates, and the power of every design.

    Parameters
    ----------
    start, stop : int
        The range, `stop` not included.
    model : CohortModel
        The cohort.
    data : mapping
        Settings of the scenario, without a grid and with sizes.
    seed : int
        Of the study.
    chosen : mapping
        Value by path of what a grid or a search decides instead of the cohort.
    of_truth : bool
        See `fill_scenario`.

    Returns
    -------
    dict of ndarray, one row a resample
        ``test_positive``, ``hazard_ratio``, ``sensitivity``, ``specificity``, ``power:<design>``, ``screened:<design>``.
    """
    rows = []
    for resample in range(start, stop):
        fit = model.draw(seed, resample)
        filled = fill_scenario(
            data, fit, model.settings, takes_assay=model.takes_assay, names=model.sample.subgroups, of_truth=of_truth
        )  # fmt: skip
        scenario = Scenario.model_validate(with_values(filled, chosen))
        row = {
            key: getattr(fit, key) for key in ("test_positive", "hazard_ratio", "sensitivity", "specificity")
        }
        for name in scenario.designs:
            row[f"power:{name}"] = power_of(scenario, name, seed=seed)
            row[f"screened:{name}"] = screened_for(scenario, name)
        rows.append(row)
    return {key: np.array([row[key] for row in rows]) for key in rows[0]}


def power_of(scenario: Scenario, design: str, *, seed: int) -> float:
    """Power to reject at least one hypothesis: closed form where there is one, else a few hundred trials.

    Parameters
    ----------
    scenario : Scenario
        One point, with sizes.
    design : str
        Name under `designs`.
    seed : int
        Of the trials; the same ones for every scenario, so that scenarios differ by what they assume.

    Returns
    -------
    float
        Between 0 and 1.
    """
    if not scenario.kind_of(design).startswith("adaptive"):
        rules = make_rules(scenario, design, seed=seed)
        if no_closed_power(scenario, design, rules) is None:
            found = closed_power(scenario, design, rules, details=False)
            if found is not None:
                return float(found["power"])
    from igfstrat.trials.study.operating import simulate_scenario

    one = scenario.model_copy(update={"designs": {design: scenario.designs[design]}})
    results = simulate_scenario(one, replicates=SIMULATED, seed=seed, type_i_error=False)
    return float(results.designs[design].power["value"])


def screened_for(scenario: Scenario, design: str) -> float:
    """Patients to screen, on average, for the patients of a design.

    Parameters
    ----------
    scenario : Scenario
        One point, with sizes.
    design : str
        Name under `designs`.

    Returns
    -------
    float
        Infinite where nobody is eligible; NaN for a design without a size.
    """
    n = scenario.designs[design].n
    if n is None:
        return math.nan
    assay = make_assay(scenario.marker, time_unit=scenario.time_unit)
    share = assay.test_positive if scenario.kind_of(design) == "enrichment" else 1.0
    return n_screened(n, share=share, with_result=assay.with_result)


def share_beyond(scenario: Scenario, design: str, follow_up: float) -> float:
    """Share of a trial's expected events that fall after a time since randomization: what rests on extrapolation.

    Parameters
    ----------
    scenario : Scenario
        One point, with sizes.
    design : str
        Name under `designs`.
    follow_up : float
        Up to where a hazard is known, in the scenario's unit.

    Returns
    -------
    float
        Between 0 and 1; NaN where the looks never come.
    """
    time = look_times(scenario, design)[-1]
    if not math.isfinite(time):
        return math.nan
    trial = make_trial(scenario, design)
    cut = replace(
        trial,
        control=tuple(_until(h, follow_up) for h in trial.control),
        experimental=tuple(_until(h, follow_up) for h in trial.experimental),
    )
    return 1 - expected_events(cut, time) / expected_events(trial, time)


def _until(hazard: PiecewiseHazard, end: float) -> PiecewiseHazard:
    starts = np.unique(np.append(hazard.starts, end))
    return PiecewiseHazard(starts, np.where(starts < end, hazard.at(starts), 0.0))
