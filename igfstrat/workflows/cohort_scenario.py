"""A scenario from a cohort: the spreadsheet read as for a report, and its estimates put into the scenario.

A file named in a scenario lies in the scenario's folder or below it. What the cohort can't know is said here, from what it
holds and lacks. Nothing of a single patient leaves this module.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from igfstrat.cohort import Cohort, read_cohort
from igfstrat.config import make_config, parse_yaml
from igfstrat.errors import ConfigError, UsageError, safe_text
from igfstrat.features.cores import core_columns
from igfstrat.features.references import resolve_below
from igfstrat.trials.from_cohort.facts import (
    CohortFacts,
    follow_up_of,
    observed_ratio,
    rounding_step,
)
from igfstrat.trials.from_cohort.model import CohortFit, CohortModel, CohortSample, prognostic_prior
from igfstrat.trials.from_cohort.power import fill_scenario
from igfstrat.trials.scenario import Scenario
from igfstrat.trials.scenario.from_cohort import FromCohortSettings
from igfstrat.trials.scenario.outcome import UNITS_PER_YEAR
from igfstrat.workflows.cohort_unknowns import unknowns_of
from igfstrat.workflows.grouping import Grouped, group_patients
from igfstrat.workflows.plan import ChosenPlan, choose_plan
from igfstrat.workflows.report_inputs import read_named, start_endpoints

_MOST_SUBGROUPS: Final = 8
_SUGGESTED: Final = "choose another status by --by, another --endpoint, or a larger cohort"


@dataclass(frozen=True, slots=True, kw_only=True)
class CohortSource:
    """The cohort beside a scenario, as on the command line.

    Parameters
    ----------
    cohort : Cohort, str or Path, optional
        A cohort, or its file; that of the scenario where left out.
    map, plan : str or Path, optional
        How to read it, and the rules of its features.
    endpoint, by : str, optional
        Instead of the scenario's.
    """

    cohort: Cohort | str | Path | None = None
    map: str | Path | None = None
    plan: str | Path | None = None
    endpoint: str | None = None
    by: str | None = None


def as_source(cohort: CohortSource | Cohort | str | Path | None) -> CohortSource | None:
    """A cohort, or its file, as the cohort beside a scenario.

    Parameters
    ----------
    cohort : CohortSource, Cohort, str, Path or None
        What a caller gives.

    Returns
    -------
    CohortSource or None
        None where nothing is given.

    Examples
    --------
    >>> as_source("cohort.xlsx").cohort
    'cohort.xlsx'
    """
    if cohort is None or isinstance(cohort, CohortSource):
        return cohort
    return CohortSource(cohort=cohort)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CohortScenario:
    """A scenario filled from a cohort.

    Parameters
    ----------
    scenario : Scenario
        With the cohort's numbers in their places.
    facts : CohortFacts
        What it was read from.
    fit : CohortFit
        The estimates.
    model : CohortModel
        For resamples.
    cohort : Cohort
        As read.
    chosen : ChosenPlan
        Rules of its features.
    """

    scenario: Scenario
    facts: CohortFacts
    fit: CohortFit
    model: CohortModel
    cohort: Cohort
    chosen: ChosenPlan

    @property
    def files(self) -> list[Path]:
        """Every file that was read for it."""
        return self.chosen.files_with(self.cohort)

    def to_dict(self) -> dict[str, Any]:
        """For `results.json`.

        Returns
        -------
        dict
            Settings, and what was read; the estimates stand in the scenario.
        """
        return {"settings": self.model.settings.model_dump(mode="json"), "facts": self.facts.to_dict()}


def asks_for_cohort(scenario: Scenario) -> bool:
    """Whether a scenario takes anything from a cohort.

    Parameters
    ----------
    scenario : Scenario
        As read.

    Returns
    -------
    bool
        False once it is filled.
    """
    prevalence = scenario.marker.prevalence
    return scenario.from_cohort is not None or (prevalence is not None and prevalence.from_cohort is not None)


def chooses_assay(scenario: Scenario) -> bool:
    """Whether a search may choose another test than the cohort's, so that the share of positives must hold in truth.

    Parameters
    ----------
    scenario : Scenario
        As read, or filled.

    Returns
    -------
    bool
        By the paths under `search.over`.
    """
    over = scenario.search.over if scenario.search is not None else {}
    paths = [path for name, values in over.items() for path in (name, *(p for v in values if isinstance(v, Mapping) for p in v))]  # fmt: skip
    return any(path.startswith("marker.assay") for path in paths)


def scenario_from_cohort(
    scenario: Scenario, source: CohortSource, *, folder: Path | None = None
) -> CohortScenario:
    """Fill a scenario from a cohort.

    Parameters
    ----------
    scenario : Scenario
        With a section `from_cohort`, or any other: then prevalence, error of the test and times on control are the cohort's.
    source : CohortSource
        The cohort beside it.
    folder : Path, optional
        That of the scenario's file, where a cohort that it names lies.

    Returns
    -------
    CohortScenario
        Ready to be simulated.

    Raises
    ------
    CohortError
        If what it takes from the cohort is missing or in doubt.
    UsageError
        If there is no cohort, too few patients or events, or another endpoint than a time to an event.
    """
    settings = _settings(scenario, source)
    if scenario.endpoint == "response" and source.endpoint is None:
        message = "a cohort gives times to an event; `endpoint: response` needs its shares in the scenario"
        raise UsageError(message)
    endpoint = source.endpoint or scenario.endpoint
    cohort = _read(settings, source, folder)
    chosen = _plan(settings, source, cohort, folder)
    by = source.by or settings.by or scenario.marker.name
    grouped = group_patients(cohort, chosen, by=by, endpoints=[endpoint])
    sample = _sample(cohort, chosen, grouped, settings, endpoint, scenario.time_unit)
    faults = sample.faults()
    if faults:
        raise UsageError(
            "\n".join(["no scenario from this cohort", *(f"  {f}" for f in faults), f"  {_SUGGESTED}"])
        )
    step = rounding_step(sample.time[sample.analysed])
    prior, origin = _prior(settings, grouped)
    assay = scenario.marker.assay
    stated = (
        None
        if assay.sensitivity is None or assay.specificity is None
        else (assay.sensitivity, assay.specificity)
    )
    model = CohortModel(sample, settings, prior_sd=prior, accuracy=stated, step=step)
    fit = model.fit()
    facts = _facts(cohort, grouped, sample, settings, endpoint, prior, origin, step)
    data = _named(scenario.model_dump(exclude_unset=True), scenario.marker.name, by) | {"endpoint": endpoint}
    data.pop("from_cohort", None)  # a filled scenario stands by itself
    filled = fill_scenario(
        data, fit, settings, takes_assay=model.takes_assay, names=sample.subgroups, of_truth=chooses_assay(scenario)
    )  # fmt: skip
    checked = make_config(
        Scenario, parse_yaml(_as_json(filled), source="the scenario with the cohort's numbers")
    )
    facts = replace(
        facts, unknowns=unknowns_of(cohort, grouped.grouping, facts, takes_assay=model.takes_assay)
    )
    return CohortScenario(scenario=checked, facts=facts, fit=fit, model=model, cohort=cohort, chosen=chosen)


def _named(data: dict[str, Any], old: str, new: str) -> dict[str, Any]:
    """The marker under the name of the status that its numbers come from, as a stratum too."""
    for section in ("randomization", "test"):
        strata = data.get(section, {}).get("strata")
        if strata:
            data[section]["strata"] = tuple(new if name == old else name for name in strata)
    return data | {"marker": data["marker"] | {"name": new}}


def _as_json(data: dict[str, Any]) -> str:
    import json

    return json.dumps(data, indent=1)


def _settings(scenario: Scenario, source: CohortSource) -> FromCohortSettings:
    prevalence = scenario.marker.prevalence
    if scenario.from_cohort is not None:
        return scenario.from_cohort
    if prevalence is not None and prevalence.from_cohort is not None and source.cohort is None:
        return FromCohortSettings(file=prevalence.from_cohort, map=prevalence.map, take=("prevalence",))
    return FromCohortSettings()


def _below(folder: Path | None, name: str) -> Path:
    try:
        return resolve_below(folder or Path(), name)
    except ConfigError as error:
        message = f"the cohort or its map: {error}"
        raise ConfigError(message) from error


def _read(settings: FromCohortSettings, source: CohortSource, folder: Path | None) -> Cohort:
    if isinstance(source.cohort, Cohort):
        return source.cohort
    if source.cohort is None and settings.file is None:
        message = "this scenario takes its numbers from a cohort: give one, `--cohort cohort.xlsx` (cohort= in Python)"
        raise UsageError(message)
    path = Path(source.cohort) if source.cohort is not None else _below(folder, str(settings.file))
    return read_cohort(path, map=source.map or _beside(folder, settings.map))


def _plan(
    settings: FromCohortSettings, source: CohortSource, cohort: Cohort, folder: Path | None
) -> ChosenPlan:
    return choose_plan(source.plan or _beside(folder, settings.plan), cohort)


def _beside(folder: Path | None, name: str | None) -> str | Path | None:
    """A file beside the scenario, or the bare name of a packaged one."""
    return _below(folder, name) if name and Path(name).suffix in {".yaml", ".yml"} else name


def _sample(
    cohort: Cohort, chosen: ChosenPlan, grouped: Grouped, settings: FromCohortSettings, endpoint: str, unit: str
) -> CohortSample:  # fmt: skip
    patients = cohort.set_aside == ""
    followed, _, _ = start_endpoints(
        cohort, chosen, measure=grouped.grouping.measure or grouped.grouping.name, names=[endpoint]
    )
    found = followed[endpoint]
    cores = core_columns(cohort.table) if grouped.grouping.biomarker == "igf1r" else []
    repeats = cohort.table[cores].to_numpy(dtype=np.float64)[patients] if len(cores) > 1 else None
    groups, names = _subgroups(cohort, chosen, settings.subgroups, patients)
    return CohortSample(
        time=found.time[patients] * UNITS_PER_YEAR[unit] / 12,
        event=found.event[patients],
        positive=_positive(grouped.values[patients], settings),
        repeats=repeats,
        subgroup=groups,
        subgroups=names,
    )


def _positive(values: NDArray[np.object_], settings: FromCohortSettings) -> NDArray[np.float64]:
    """1, 0, or NaN for who has no result or an indeterminate one."""
    known = ~pd.isna(values) & (values != "indeterminate")
    positive = np.isin(values.astype(str), settings.positive)
    negative = ~positive if settings.negative is None else np.isin(values.astype(str), settings.negative)
    return np.where(known & positive, 1.0, np.where(known & negative, 0.0, np.nan))


def _subgroups(
    cohort: Cohort, chosen: ChosenPlan, name: str | None, patients: NDArray[np.bool_]
) -> tuple[NDArray[np.int64] | None, tuple[str, ...]]:
    if name is None:
        return None, ()
    (named,) = read_named(cohort, chosen, [name])
    found = named.values.to_numpy(dtype=object)[patients]
    words = [None if pd.isna(value) else str(value) for value in found]
    levels = sorted({word for word in words if word is not None})
    if named.is_number or not 2 <= len(levels) <= _MOST_SUBGROUPS:
        message = f"from_cohort.subgroups: {safe_text(name)} must have 2 to {_MOST_SUBGROUPS} words; found {'a number' if named.is_number else len(levels)}"
        raise UsageError(message)
    place = {level: i for i, level in enumerate(levels)}
    return np.array([-1 if word is None else place[word] for word in words], dtype=np.int64), tuple(levels)


def _prior(settings: FromCohortSettings, grouped: Grouped) -> tuple[float, str]:
    if settings.prior_sd is not None:
        return settings.prior_sd, "stated in the scenario"
    sd, entries, own = prognostic_prior(grouped.grouping.biomarker, grouped.grouping.compartment)
    of = "this marker" if own else "the IGF axis, since too few are of this marker"
    return sd, f"from {entries} reported prognostic hazard ratios of {of}"


def _facts(
    cohort: Cohort, grouped: Grouped, sample: CohortSample, settings: FromCohortSettings, endpoint: str, prior: float,
    origin: str, step: float,
) -> CohortFacts:  # fmt: skip
    kept, positive = sample.analysed, sample.positive == 1
    follow_up, known_until = follow_up_of(sample, step)
    patients = cohort.set_aside == ""
    return CohortFacts(
        file=safe_text(cohort.sheet.source),
        marker=grouped.grouping.title,
        rule=grouped.grouping.rule,
        endpoint=cohort.endpoints[endpoint].title,
        n_patients=int(patients.sum()),
        n_with_result=int(np.isfinite(sample.positive).sum()),
        n_positive=int(positive.sum()),
        n_indeterminate=int((grouped.values[patients] == "indeterminate").sum()),
        n_analysed=int(kept.sum()),
        n_events=int(sample.event[kept].sum()),
        events=(int(sample.event[kept & ~positive].sum()), int(sample.event[kept & positive].sum())),
        follow_up=follow_up,
        known_until=known_until,
        measure=_quartiles(grouped, patients),
        observed_ratio=observed_ratio(sample),
        prior_sd=prior,
        prior_origin=origin,
        n_repeated=0 if sample.repeats is None else int((np.isfinite(sample.repeats).sum(axis=1) > 1).sum()),
        mix=_mix(sample),
        unknowns=(),
    )


def _quartiles(grouped: Grouped, patients: NDArray[np.bool_]) -> tuple[str, float, float, float] | None:
    """Rounded to two digits, and of twenty patients at least, so that none is a patient's own."""
    if grouped.measure is None:
        return None
    title, values = grouped.measure
    known = values[patients & np.isfinite(values)]
    if len(known) < 20:
        return None
    low, middle, high = (float(f"{q:.2g}") for q in np.quantile(known, (0.25, 0.5, 0.75)))
    return title, low, middle, high


def _mix(sample: CohortSample) -> tuple[tuple[str, int, int], ...]:
    if sample.subgroup is None:
        return ()
    known = np.isfinite(sample.positive)
    inside = [known & (sample.subgroup == i) for i in range(len(sample.subgroups))]
    return tuple(
        (name, int(here.sum()), int((here & (sample.positive == 1)).sum()))
        for name, here in zip(sample.subgroups, inside, strict=True)
    )
