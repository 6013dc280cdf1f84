"""What a search of designs is to compare: the scenario read, filled from a cohort where one decides some of it, and checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from igfstrat.cohort import Cohort
from igfstrat.errors import UsageError, safe_text
from igfstrat.trials.scenario import Scenario, check_built
from igfstrat.workflows.cohort_scenario import CohortScenario, CohortSource
from igfstrat.workflows.scenario_source import fill_from_cohort, open_scenario


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchPlan:
    """What is to be searched.

    Parameters
    ----------
    scenario : Scenario
        Filled, where a cohort decides some of it.
    source : Path or None
        The file that was read.
    from_cohort : CohortScenario or None
        The cohort that decides some of it.
    """

    scenario: Scenario
    source: Path | None = None
    from_cohort: CohortScenario | None = None


def parse_goal(text: str) -> float:
    """The power that `--for` asks for.

    Parameters
    ----------
    text : str
        Such as ``power=0.9``.

    Returns
    -------
    float
        In (0, 1).

    Raises
    ------
    UsageError
        If it is anything else.

    Examples
    --------
    >>> parse_goal("power=0.9")
    0.9
    """
    name, _, value = text.partition("=")
    try:
        power = float(value)
    except ValueError:
        power = float("nan")
    if name.strip() != "power" or not 0 < power < 1:
        message = f"--for {safe_text(text)}: write a power between 0 and 1, such as --for power=0.9"
        raise UsageError(message)
    return power


def plan_search(
    scenario: str | Path | Mapping[str, Any] | Scenario,
    *,
    cohort: CohortSource | Cohort | str | Path | None = None,
) -> SearchPlan:
    """Read a scenario that is to be searched, checked as a whole.

    Parameters
    ----------
    scenario : str, Path, mapping or Scenario
        A file, the bare name of a packaged one, its content, or what was read.
    cohort : CohortSource, Cohort, str or Path, optional
        The cohort beside it, which then decides prevalence, error of the test and times on control.

    Returns
    -------
    SearchPlan
        Ready to be run.

    Raises
    ------
    ConfigError
        If it is not valid, with every fault.
    UsageError
        If it asks for what is not built, or has a grid.
    CohortError
        If what it takes from the cohort is missing or in doubt.
    """
    read, source = open_scenario(scenario)
    if read.vary:
        message = "this scenario has a grid under `vary`; a search wants one truth: move the grid to search.sensitivity or leave it out"
        raise UsageError(message)
    whole, filled = fill_from_cohort(read, cohort, source=source, outcome="Nothing was searched.")
    check_built(whole)
    return SearchPlan(scenario=whole, source=source, from_cohort=filled)
