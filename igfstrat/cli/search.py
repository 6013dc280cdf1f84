"""`igfstrat search`: the cheapest design that has a power."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from igfstrat.cli.cohort_beside import CohortByOption, CohortEndpointOption, CohortOption, cohort_source
from igfstrat.cli.common import (
    DebugOption,
    EncodingOption,
    ForceOption,
    HeaderRowOption,
    LimitsOption,
    MapOption,
    PlanOption,
    SheetOption,
    command_line,
    refuse,
    run,
    say,
)
from igfstrat.cli.progress import named_stages
from igfstrat.cli.study_run import (
    ClusterOption,
    SeedOption,
    StudyFormatsOption,
    check_room,
    room,
    wanted_formats,
)
from igfstrat.errors import ExitCode

if TYPE_CHECKING:
    from igfstrat.trials.scenario import Scenario

_LARGE = 20_000  # candidates from which on somebody should agree first


@run
def search(
    scenario: Annotated[
        str,
        typer.Argument(
            metavar="SCENARIO",
            help="Trial scenario with a section `search` (a file, or a packaged name such as design_search).",
            show_default=False,
        ),
    ],
    out: Annotated[Path, typer.Option("--out", help="Folder of the results.", show_default=False)],
    goal: Annotated[str, typer.Option("--for", help="What the design must have.")] = "power=0.9",
    replicates: Annotated[
        int, typer.Option("--replicates", min=100, max=10**7, help="Trials of each simulated candidate.")
    ] = 2_000,
    seed: SeedOption = None,
    n_jobs: Annotated[int, typer.Option("--n-jobs", help="Processes; -1 for one a processor.")] = -1,
    cluster: ClusterOption = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a stopped search.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Agree to a large search.")] = False,
    cohort: CohortOption = None,
    endpoint: CohortEndpointOption = None,
    by: CohortByOption = None,
    map: MapOption = None,  # noqa: A002
    plan: PlanOption = None,
    sheet: SheetOption = None,
    header_row: HeaderRowOption = None,
    encoding: EncodingOption = None,
    limits: LimitsOption = None,
    formats: StudyFormatsOption = "html",
    force: ForceOption = False,
    debug: DebugOption = False,
) -> int:
    """Find the design that has a power at the least expected cost; the frontier of cost, power and time.

    Parameters
    ----------
    scenario, out, goal, replicates, seed, n_jobs, cluster, resume, yes, formats, force, debug : as on the command line
    cohort, endpoint, by, map, plan, sheet, header_row, encoding, limits : as on the command line
        The help of each option says what it does.

    Returns
    -------
    int
        Exit code.
    """
    from igfstrat.report.cohort_scenario_section import answers
    from igfstrat.report.search_section import summary_words
    from igfstrat.trials.search.sensitivity import PREVALENCES
    from igfstrat.workflows import design_search as job
    from igfstrat.workflows.cohort_open import RESAMPLING
    from igfstrat.workflows.search_plan import parse_goal, plan_search

    del debug
    if n_jobs == 0:
        refuse("--n-jobs 0: write a number of processes, or -1 for one a processor")
    wanted = wanted_formats(formats)
    power = parse_goal(goal)
    checkpoints = check_room(out, resume=resume, force=force)
    settings = {"map": map, "sheet": sheet, "header_row": header_row, "encoding": encoding, "limits": limits}
    found = plan_search(scenario, cohort=cohort_source(cohort, endpoint, by, plan, settings))
    _agree(found.scenario, power, yes)
    counted = {RESAMPLING: "resamples", PREVALENCES: "sizes"}
    with (
        room(out, checkpoints, fresh=force and not resume),
        named_stages("candidates", others=counted) as progress,
    ):
        done = job.run_search(
            found,
            power=power,
            replicates=replicates,
            seed=seed,
            n_jobs=n_jobs,
            cluster=cluster,
            checkpoints=checkpoints,
            progress=progress,
        )
        written = job.write_search(done, out, command=command_line(), formats=wanted)
    lines = summary_words(done.results)
    if found.from_cohort is not None and done.left_open is not None:
        lines += answers(found.from_cohort.facts, [done.left_open])
    for line in lines:
        say(line)
    say(f"Open {written[0]}   ({len(written)} files in {out})   Research use only.")
    return ExitCode.OK if done.results.best is not None else ExitCode.FLAGGED


def _agree(scenario: Scenario, power: float, yes: bool) -> None:
    from igfstrat.trials.search.space import make_space

    number = len(make_space(scenario, power=power))
    if number > _LARGE and not yes:
        refuse(f"{number:,} candidates: take out choices, or agree with --yes. Nothing was computed.")
    say(f"{number:,} candidates for a power of {power:g}")
