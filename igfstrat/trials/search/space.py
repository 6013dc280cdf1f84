"""The candidates of a search: every design with every choice of the section `search`, each a scenario of its own."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pydantic import ValidationError

from igfstrat.errors import ConfigError, UsageError, safe_text
from igfstrat.trials.scenario.scenario import Scenario, in_one_line, with_values
from igfstrat.trials.scenario.search import SearchSettings

MOST_CANDIDATES: Final = 1_000_000
_INSTEAD: Final = ", instead of analysis_times"  # times say nothing of how large a design must be
_SEARCHABLE: Final = "design_search, and my_cohort_search for a cohort"


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One way to run the trial.

    Parameters
    ----------
    design : str
        Name under `designs`.
    choices : mapping
        Chosen value by name: those of `over`, then `patients_per_event` and `looks`.
    power : float
        The power that it is to be sized for.
    """

    design: str
    choices: Mapping[str, Any]
    power: float

    @property
    def label(self) -> str:
        """Design and choices in a line."""
        return ", ".join([self.design, *(_choice_words(name, value) for name, value in self.choices.items())])


def _choice_words(name: str, value: Any) -> str:
    if name == "looks":
        return "1 look" if value == 1 else f"{value} looks"
    if name == "patients_per_event":
        return f"{value:g} patients per event"
    return f"{name} {_words(value)}"


def _words(value: Any) -> str:
    if isinstance(value, Mapping):
        named = value.get("name")
        pairs = (f"{k.split('.')[-1]} {_words(v)}" for k, v in value.items())
        return safe_text(named) if named else " ".join(pairs)
    return f"{value:g}" if isinstance(value, float) else safe_text(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchSpace:
    """All candidates of a scenario, made one at a time; the power varies fastest, designs slowest.

    Parameters
    ----------
    data : mapping
        The scenario without its designs, grid and search.
    designs : mapping
        Settings by name.
    axes : mapping
        Values by name of the choice.
    powers : tuple of float
        Ascending.
    """

    data: Mapping[str, Any]
    designs: Mapping[str, Any]
    axes: Mapping[str, Sequence[Any]]
    powers: tuple[float, ...]

    def __len__(self) -> int:
        return len(self.designs) * len(self.powers) * math.prod(len(values) for values in self.axes.values())

    def candidate(self, index: int) -> Candidate:
        """One of the candidates.

        Parameters
        ----------
        index : int
            From 0 to the number of candidates, that not included.

        Returns
        -------
        Candidate
            Its design and choices.
        """
        rest, at = divmod(index, len(self.powers))
        choices: dict[str, Any] = {}
        for name, values in reversed(list(self.axes.items())):
            rest, place = divmod(rest, len(values))
            choices[name] = values[place]
        choices = dict(reversed(choices.items()))
        return Candidate(design=list(self.designs)[rest], choices=choices, power=self.powers[at])

    def scenario(self, candidate: Candidate) -> Scenario:
        """The scenario of a candidate, its sizes as written.

        Parameters
        ----------
        candidate : Candidate
            One of `candidate`.

        Returns
        -------
        Scenario
            With its one design, no grid and no search.

        Raises
        ------
        UsageError
            If these choices can't be had together, with every reason.
        """
        design = candidate.design
        try:
            values = _values(self.designs[design], candidate)
            changed = with_values({**self.data, "designs": {design: dict(self.designs[design])}}, values)
            return Scenario.model_validate(changed)
        except ValidationError as error:
            raise UsageError(in_one_line(error)) from error
        except KeyError as error:
            message = f"{safe_text(error.args[0])} is no path of keys in this scenario"
            raise UsageError(message) from error


def make_space(scenario: Scenario, *, power: float) -> SearchSpace:
    """Every design with every choice of the section `search`.

    Parameters
    ----------
    scenario : Scenario
        With such a section, or without: then its designs are the candidates.
    power : float
        The power asked for, in (0, 1).

    Returns
    -------
    SearchSpace
        Its length is the product of all choices.

    Raises
    ------
    ConfigError
        If there are more than `MOST_CANDIDATES`, or a design has no events of which sizes could be made.

    Examples
    --------
    >>> from igfstrat.trials import make_scenario
    >>> scenario = make_scenario({"endpoint": "os", "marker": {"prevalence": {"value": 0.3}}, "control": {"median": 12},
    ...     "accrual": {"screened_per_month": 30}, "designs": {"all_comers": {"n": 500, "events": 300}},
    ...     "search": {"looks": [1, 2], "over": {"costs.screen": [100, 200]}}})
    >>> space = make_space(scenario, power=0.9)
    >>> len(space), space.candidate(2).label
    (4, 'all_comers, costs.screen 200, 1 look')
    """
    search = scenario.search or SearchSettings()
    axes: dict[str, Sequence[Any]] = dict(search.over)
    axes |= {"patients_per_event": search.patients_per_event} if search.patients_per_event else {}
    axes |= {"looks": search.looks} if search.looks else {}
    data = scenario.model_dump(exclude_unset=True)
    space = SearchSpace(
        data={k: v for k, v in data.items() if k not in ("designs", "search", "vary", "compare_at")},
        designs=data["designs"],
        axes=axes,
        powers=tuple(sorted({power, *(search.powers or ())})),
    )
    faults = [
        f"  designs.{name}: give n and events, of which sizes are made{_INSTEAD if settings.analysis_times else ''}"
        for name, settings in scenario.designs.items()
        if settings.n is None or not settings.events
    ]
    if len(space) > MOST_CANDIDATES:
        faults.append(f"  {len(space):,} candidates; at the most {MOST_CANDIDATES:,}: take out choices")
    if faults:
        remedy = f"  packaged scenarios that can be: {_SEARCHABLE}"
        raise ConfigError("\n".join(["this scenario can't be searched", *faults, remedy]))
    return space


def _values(settings: Mapping[str, Any], candidate: Candidate) -> dict[str, Any]:
    """Value by path of a candidate's choices."""
    path = f"designs.{candidate.design}"
    events = settings["events"]
    last = events[-1] if isinstance(events, Sequence) else events
    values: dict[str, Any] = {}
    for name, value in candidate.choices.items():
        if name == "looks":
            values |= _looks(settings, last, value, path)
        elif name == "patients_per_event":
            values[f"{path}.n"] = max(2, math.ceil(round(value * last, 6)))
        elif isinstance(value, Mapping) and name.split(".")[0] not in Scenario.model_fields:
            values |= {where: what for where, what in value.items() if where != "name"}
        else:
            values[name] = value
    return values


def _looks(settings: Mapping[str, Any], last: int, looks: int, path: str) -> dict[str, Any]:
    """Looks at equal steps of the events; spending as written, else of O'Brien–Fleming type."""
    values: dict[str, Any] = {f"{path}.events": tuple(-(-last * (k + 1) // looks) for k in range(looks))}
    if looks > 1 and not settings.get("spending"):
        values[f"{path}.spending"] = "obrien_fleming"
    return values
