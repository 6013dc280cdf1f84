"""The scenario of a study or a search: read, and filled where a cohort decides some of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from igfstrat.cohort import Cohort
from igfstrat.config import config_path
from igfstrat.errors import CohortError
from igfstrat.trials.scenario import Scenario, make_scenario, read_scenario
from igfstrat.workflows.cohort_scenario import (
    CohortScenario,
    CohortSource,
    as_source,
    asks_for_cohort,
    scenario_from_cohort,
)


def open_scenario(scenario: str | Path | Mapping[str, Any] | Scenario) -> tuple[Scenario, Path | None]:
    """A scenario in any form in which it may be given.

    Parameters
    ----------
    scenario : str, Path, mapping or Scenario
        A file, the bare name of a packaged one, its content, or what was read.

    Returns
    -------
    tuple of Scenario and Path
        Checked as a whole, and its file; None where it is of no file.

    Raises
    ------
    ConfigError
        If it is not valid, with every fault.

    Examples
    --------
    >>> found, file = open_scenario("my_cohort")
    >>> found.name, file.name
    ('which trial would my cohort carry?', 'my_cohort.yaml')
    """
    if isinstance(scenario, str | Path):
        return read_scenario(str(scenario)), config_path(str(scenario), "scenarios")
    return scenario if isinstance(scenario, Scenario) else make_scenario(scenario), None


def fill_from_cohort(
    scenario: Scenario,
    cohort: CohortSource | Cohort | str | Path | None,
    *,
    source: Path | None,
    outcome: str,
) -> tuple[Scenario, CohortScenario | None]:
    """A scenario with the numbers of its cohort.

    Parameters
    ----------
    scenario : Scenario
        As read.
    cohort : CohortSource, Cohort, str or Path, optional
        The cohort beside it, which then decides prevalence, error of the test and times on control.
    source : Path or None
        The scenario's file, beside which lies a cohort that it names.
    outcome : str
        What isn't done where the cohort can't be used, such as ``Nothing was simulated.``

    Returns
    -------
    tuple of Scenario and CohortScenario
        As it was, and None, where it takes nothing from a cohort.

    Raises
    ------
    CohortError
        If what it takes from the cohort is missing or in doubt.
    UsageError
        If there is no cohort, or too little in it.
    """
    beside = as_source(cohort)
    if beside is None and not asks_for_cohort(scenario):
        return scenario, None
    try:
        filled = scenario_from_cohort(
            scenario, beside or CohortSource(), folder=source.parent if source else None
        )
    except CohortError as error:
        # the cohort is read as for a report, which isn't what was asked for
        raise CohortError(error.headline, error.problems, outcome) from error
    return filled.scenario, filled
