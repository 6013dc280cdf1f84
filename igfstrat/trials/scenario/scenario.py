"""A trial scenario: the YAML of `configs/scenarios/`, checked as a whole and spread over its grid.

Times are in `time_unit`; months of `screened_per_month` and years of dropout rates are converted. The arms of
`randomization.ratio` are experimental, then control. The truth defaults to the null. Every impossible setting and
combination is told at once, those of the `vary` grid too. Nothing is simulated here.
"""

from __future__ import annotations

import copy
import itertools
import json
import re
from collections.abc import Mapping
from functools import cache
from typing import Any, Literal, Self

from pydantic import Field, TypeAdapter, ValidationError, model_validator
from pydantic.functional_validators import ModelWrapValidatorHandler
from pydantic_core import InitErrorDetails, PydanticCustomError

from igfstrat.config import StrictModel, Word, config_path, make_config, parse_yaml, read_yaml
from igfstrat.errors import ConfigError, UsageError, safe_text
from igfstrat.trials.scenario._checks import Fault, cross_faults
from igfstrat.trials.scenario.design import (
    DEFAULT_HYPOTHESES,
    ComparisonSettings,
    CostSettings,
    DesignSettings,
    Hypothesis,
    LabelSettings,
    RandomizationSettings,
    SimulationSettings,
    StatisticSettings,
)
from igfstrat.trials.scenario.from_cohort import FromCohortSettings, with_places
from igfstrat.trials.scenario.history import HistorySettings
from igfstrat.trials.scenario.marker import MarkerSettings
from igfstrat.trials.scenario.outcome import (
    Accrual,
    ControlSettings,
    DropoutSettings,
    OverallSurvivalSettings,
    ResponseSettings,
    ScanSettings,
    SubgroupSettings,
    TimeUnit,
    TreatmentSettings,
)
from igfstrat.trials.scenario.search import SearchSettings

Point = dict[str, Any]
_MAX_POINTS = 1_000_000


class Scenario(StrictModel):
    """A marker, a disease, a treatment and the designs that are to be compared on them.

    `Scenario.model_json_schema()` is the schema for editors.
    """

    name: str = "scenario"
    endpoint: Literal["pfs", "os", "dfs", "rfs", "pfi", "dfi", "dss", "response"]
    time_unit: TimeUnit = "months"
    from_cohort: FromCohortSettings | None = None
    marker: MarkerSettings
    control: ControlSettings | None = None
    treatment: TreatmentSettings = TreatmentSettings()
    subgroups: tuple[SubgroupSettings, ...] = ()
    scans: ScanSettings | None = None
    overall_survival: OverallSurvivalSettings | None = None
    response: ResponseSettings | None = None
    accrual: Accrual
    dropout: DropoutSettings = DropoutSettings()
    randomization: RandomizationSettings = RandomizationSettings()
    test: StatisticSettings = StatisticSettings()
    costs: CostSettings = CostSettings()
    designs: dict[Word, DesignSettings] = Field(min_length=1)
    compare_at: ComparisonSettings = ComparisonSettings(same="n")
    label: LabelSettings = LabelSettings()
    vary: dict[str, tuple[Any, ...]] = Field(default_factory=dict)
    simulation: SimulationSettings = SimulationSettings()
    history: HistorySettings | None = None
    search: SearchSettings | None = None

    @model_validator(mode="wrap")
    @classmethod
    def _all_at_once(cls, data: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        """Faults of single keys and of combinations in one list."""
        if not isinstance(data, Mapping):
            return handler(data)
        data = with_places(data)
        try:
            scenario = handler(data)
            errors: list[InitErrorDetails] = []
        except ValidationError as error:
            scenario = None
            errors = [_again(dict(item)) for item in error.errors()]
        errors += [_as_error(fault) for fault in cross_faults(_readable(cls, data))]
        if not errors and scenario is not None:
            errors += [_as_error(fault) for fault in _vary_faults(cls, data, scenario)]
        if errors or scenario is None:
            raise ValidationError.from_exception_data(cls.__name__, errors)
        return scenario

    def kind_of(self, design: str) -> str:
        """The kind of a design: its key `design`, or its own name.

        Parameters
        ----------
        design : str
            Name under `designs`.

        Returns
        -------
        str
            ``all_comers``, ``enrichment``, …
        """
        return self.designs[design].design or design

    def hypotheses_of(self, design: str) -> tuple[Hypothesis, ...]:
        """The hypotheses of a design in their order, those of its kind where it names none.

        Parameters
        ----------
        design : str
            Name under `designs`.

        Returns
        -------
        tuple of str
            Among ``overall``, ``positive`` and ``negative``.
        """
        return self.designs[design].hypotheses or DEFAULT_HYPOTHESES[self.kind_of(design)]


def _again(item: dict[str, Any]) -> InitErrorDetails:
    """An error of pydantic in the form in which it can be raised once more."""
    kind = item["type"]
    # that a section may also be an object of Python is of no use to who writes a file
    what = re.sub(r" or instance of \w+$", "", str(item["msg"]).removeprefix("Value error, "))
    return InitErrorDetails(
        type=PydanticCustomError(kind, what),
        loc=item["loc"],
        input=item.get("input"),
    )


def _as_error(fault: Fault) -> InitErrorDetails:
    place, value, what = fault
    return InitErrorDetails(type=PydanticCustomError("impossible", what), loc=place, input=value)


def _readable(model: type[StrictModel], data: Mapping[str, Any]) -> dict[str, Any]:
    """The sections that can be read on their own, by name; a faulty one is left out."""
    found: dict[str, Any] = {}
    for name, info in model.model_fields.items():
        if name == "designs":
            found[name] = _readable_designs(data.get(name))
        elif name not in data:
            found[name] = info.get_default(call_default_factory=True) if not info.is_required() else None
        else:
            try:
                found[name] = _adapter(model, name).validate_python(data[name], strict=True)
            except ValidationError:
                continue
    return found


@cache
def _adapter(model: type[StrictModel], name: str) -> TypeAdapter[Any]:
    """What reads one section; making it takes longer than reading, and a cohort's resamples are thousands of scenarios."""
    return TypeAdapter(model.model_fields[name].rebuild_annotation())


def _readable_designs(designs: Any) -> dict[str, DesignSettings]:
    found = {}
    for name, design in designs.items() if isinstance(designs, Mapping) else ():
        try:
            found[str(name)] = DesignSettings.model_validate(design)
        except ValidationError:
            continue
    return found


def _vary_faults(model: type[Scenario], data: Mapping[str, Any], scenario: Scenario) -> list[Fault]:
    """Values of the grid that can't be, each tried alone in the scenario as written."""
    faults: list[Fault] = []
    points = 1
    for path, values in scenario.vary.items():
        points *= max(len(values), 1)
        if not values:
            faults.append((("vary", path), [], "an empty list leaves no point"))
        for value in values:
            try:
                model.model_validate(with_values(data, {path: value}))
            except ValidationError as error:
                faults.append((("vary", path), value, in_one_line(error)))
            except KeyError:
                faults.append((("vary", path), value, "is no path of keys in this scenario"))
                break
    if points > _MAX_POINTS:
        faults.append((("vary",), points, f"points; at the most {_MAX_POINTS:,} are studied"))
    return faults


def in_one_line(error: ValidationError) -> str:
    """The faults of a scenario in one line.

    Parameters
    ----------
    error : ValidationError
        Of `Scenario.model_validate`.

    Returns
    -------
    str
        Place and fault of each, in their order.
    """
    found = (
        f"{'.'.join(map(str, e['loc']))}: {'unknown key' if e['type'] == 'extra_forbidden' else e['msg']}"
        for e in error.errors()
    )
    return "; ".join(dict.fromkeys(found))


def with_values(data: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Settings with other values at paths of dotted keys, without the grid.

    Parameters
    ----------
    data : mapping
        Settings of a scenario; they stay as they are.
    values : mapping
        Value by path, such as ``marker.assay.sensitivity``.

    Returns
    -------
    dict
        A deep copy with these values.

    Raises
    ------
    KeyError
        If a path goes through something that has no keys.
    """
    changed: dict[str, Any] = copy.deepcopy({k: v for k, v in data.items() if k != "vary"})
    for path, value in values.items():
        *above, last = path.split(".")
        node: Any = changed
        for depth, key in enumerate(above):
            if not isinstance(node, dict) or (depth and not isinstance(node.get(key, {}), dict)):
                raise KeyError(path)
            node = node.setdefault(key, {})
        if not isinstance(node, dict):
            raise KeyError(path)
        node[last] = value
    return changed


def read_scenario(name: str) -> Scenario:
    """Read a scenario file.

    Parameters
    ----------
    name : str
        A path, or the bare name of a packaged scenario (``igf1r_enrichment``).

    Returns
    -------
    Scenario
        Checked as a whole.

    Raises
    ------
    ConfigError
        With every fault at once.

    Examples
    --------
    >>> sorted(read_scenario("igf1r_enrichment").designs)[:2]
    ['all_comers', 'biomarker_stratified']
    """
    return make_config(Scenario, read_yaml(config_path(name, "scenarios")))


def make_scenario(settings: Mapping[str, Any]) -> Scenario:
    """A scenario from a dictionary with the keys of the YAML.

    Parameters
    ----------
    settings : mapping
        Plain values: numbers, words, lists, mappings.

    Returns
    -------
    Scenario
        Checked as a whole.

    Raises
    ------
    ConfigError
        With every fault at once.

    Examples
    --------
    >>> make_scenario({"endpoint": "os", "marker": {"prevalence": {"value": 0.3}}, "control": {"median": 12},
    ...                "accrual": {"randomized_uniformly_over": 24}, "designs": {"all_comers": {"n": 500, "events": 300}}}
    ...               ).designs["all_comers"].events
    (300,)
    """
    # JSON is YAML, so that a dictionary gets the same reading and the same messages as a file
    return make_config(Scenario, parse_yaml(json.dumps(settings, indent=1), source="the scenario"))


def expand_vary(scenario: Scenario) -> list[tuple[Point, Scenario]]:
    """One scenario for each point of the grid under `vary`; the last key varies fastest.

    Parameters
    ----------
    scenario : Scenario
        With or without a grid.

    Returns
    -------
    list of (dict, Scenario)
        Value by path, and the scenario with these values and without a grid.

    Raises
    ------
    ConfigError
        If points can't be, with all of them.
    """
    data = scenario.model_dump(exclude_unset=True)
    paths = list(scenario.vary)
    expanded: list[tuple[Point, Scenario]] = []
    faults: list[str] = []
    for values in itertools.product(*scenario.vary.values()):
        point = dict(zip(paths, values, strict=True))
        try:
            expanded.append((point, Scenario.model_validate(with_values(data, point))))
        except ValidationError as error:
            what = in_one_line(error)
            faults.append(f"  {', '.join(f'{k} {safe_text(v)}' for k, v in point.items())}: {what}")
    if faults:
        more = [f"  and {len(faults) - 5} more"] if len(faults) > 5 else []
        raise ConfigError("\n".join([f"{len(faults)} points of the grid can't be", *faults[:5], *more]))
    return expanded


def check_built(scenario: Scenario) -> None:
    """Make sure, before any simulation, that every section can be run by this version.

    Parameters
    ----------
    scenario : Scenario
        The scenario.

    Raises
    ------
    UsageError
        If it asks for what is accepted in a file, but not built yet; all of it.
    """
    prevalence = scenario.marker.prevalence
    if prevalence is not None and prevalence.from_cohort is not None:
        message = "this scenario takes its numbers from a cohort: give one, `--cohort cohort.xlsx` (cohort= in Python)"
        raise UsageError(message)
