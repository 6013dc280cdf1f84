"""The cohort beside a scenario: its options, which `simulate` and `search` share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from igfstrat.cli.common import read, refuse

if TYPE_CHECKING:
    from igfstrat.workflows.cohort_scenario import CohortSource

CohortOption = Annotated[
    Path | None,
    typer.Option(
        "--cohort", help="Cohort spreadsheet that gives prevalence, test error and times on control."
    ),
]
CohortEndpointOption = Annotated[
    str | None, typer.Option("--endpoint", help="Of the cohort: dfs, pfs, os …; by default the scenario's.")
]
CohortByOption = Annotated[
    str | None, typer.Option("--by", help="Status of the cohort that makes patients positive.")
]


def cohort_source(
    cohort: Path | None, endpoint: str | None, by: str | None, plan: str | None, settings: dict[str, Any]
) -> CohortSource | None:
    """Read the cohort beside a scenario.

    Parameters
    ----------
    cohort, endpoint, by, plan : optional
        As on the command line.
    settings : dict
        `map`, `sheet`, `header_row`, `encoding`, `limits`: how to read it.

    Returns
    -------
    CohortSource or None
        None where nothing is said of one.

    Raises
    ------
    UsageError
        If it is said how to read a cohort, and none is given.
    CohortError
        If it can't be read.
    """
    if cohort is None and not any((endpoint, by, plan, *settings.values())):
        return None
    from igfstrat.workflows.cohort_scenario import CohortSource

    if cohort is None:
        layout = [name for name in ("sheet", "header_row", "encoding", "limits") if settings[name]]
        if layout:
            refuse(f"--{layout[0].replace('_', '-')} says how to read a cohort; give it by --cohort")
        return CohortSource(map=settings["map"], plan=plan, endpoint=endpoint, by=by)
    return CohortSource(cohort=read(cohort, **settings), plan=plan, endpoint=endpoint, by=by)
