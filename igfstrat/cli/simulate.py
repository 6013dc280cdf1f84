"""`igfstrat simulate`: the designs of a scenario side by side."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

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
from igfstrat.cli.progress import named_stages, stages
from igfstrat.cli.study_run import (
    ClusterOption,
    SeedOption,
    StudyFormatsOption,
    check_room,
    room,
    wanted_formats,
)
from igfstrat.errors import ExitCode, IgfstratWarning

if TYPE_CHECKING:
    from igfstrat.workflows.enrichment_study import EnrichmentStudy
    from igfstrat.workflows.study_plan import StudyPlan

_SHOWN_POINTS = 8
_SHOWN_LINES = 12


@run
def simulate(
    scenario: Annotated[
        str,
        typer.Argument(
            metavar="SCENARIO",
            help="Trial scenario (a file, or a packaged name such as igf1r_enrichment, my_cohort, history/advigo_1018, winners_curse).",
            show_default=False,
        ),
    ],
    out: Annotated[Path, typer.Option("--out", help="Folder of the results.", show_default=False)],
    replicates: Annotated[
        int | None,
        typer.Option(
            "--replicates", min=1, max=10**12, help="Trials of each design; by default the scenario's."
        ),
    ] = None,
    seed: SeedOption = None,
    n_jobs: Annotated[int, typer.Option("--n-jobs", help="Workers; -1 for one a processor.")] = -1,
    cluster: ClusterOption = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with a stopped run, or make an earlier one longer.")
    ] = False,
    yes: Annotated[
        bool, typer.Option("--yes", help="Agree to a large run, or to designs that can't reach their plan.")
    ] = False,
    retracted: Annotated[
        bool, typer.Option("--retracted", help="Allow a preset from retracted sources, with a warning.")
    ] = False,
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
    """Simulate trials of each design, with closed forms beside them.

    Parameters
    ----------
    scenario, out, replicates, seed, n_jobs, cluster, resume, yes, retracted : as on the command line
    cohort, endpoint, by, map, plan, sheet, header_row, encoding, limits, formats, force, debug : as on the command line
        The help of each option says what it does.

    Returns
    -------
    int
        Exit code.
    """
    from igfstrat.workflows import enrichment_study as job
    from igfstrat.workflows.checkpoint_files import check_checkpoints
    from igfstrat.workflows.study_plan import plan_study

    del debug
    if n_jobs == 0:
        refuse("--n-jobs 0: write a number of workers, or -1 for one a processor")
    wanted = wanted_formats(formats)
    checkpoints = check_room(out, resume=resume, force=force)
    settings = {"map": map, "sheet": sheet, "header_row": header_row, "encoding": encoding, "limits": limits}
    source = cohort_source(cohort, endpoint, by, plan, settings)
    damaged = check_checkpoints(checkpoints) if resume else []
    if _asks_for_winners_curse(scenario):
        if source is not None:
            refuse("this scenario counts subgroups looked at: it takes no cohort")
        story = {"replicates": replicates, "seed": seed, "n_jobs": n_jobs, "cluster": cluster}
        with room(out, checkpoints, fresh=force and not resume):
            written = _winners_curse(scenario, out, wanted, checkpoints, story | {"retracted": retracted})
        return _ended(written, out, damaged)
    with _warnings_told():
        study_plan = plan_study(
            scenario, replicates=replicates, seed=seed, retracted=retracted, cohort=source
        )
    _agree(study_plan, n_jobs, yes)
    with room(out, checkpoints, fresh=force and not resume):
        study = _simulated(study_plan, n_jobs, cluster, checkpoints)
        written = job.write_study(study, out, command=command_line(), formats=wanted)
    say(_title(study_plan))
    _show(study)
    return _ended(written, out, damaged, flagged=bool(study.warnings))


def _ended(written: list[Path], out: Path, damaged: list[str], *, flagged: bool = False) -> int:
    """The last lines, and the exit code."""
    if damaged:
        say(f"Flagged: {len(damaged)} stored pieces were cut or changed, and were computed again")
    say(f"Open {written[0]}   ({len(written)} files in {out})   Research use only.")
    return ExitCode.FLAGGED if flagged or damaged else ExitCode.OK


def _simulated(plan: StudyPlan, n_jobs: int, cluster: str | None, checkpoints: Path) -> EnrichmentStudy:
    """The finished study."""
    from igfstrat.workflows.cohort_open import RESAMPLING
    from igfstrat.workflows.enrichment_study import run_study

    with named_stages("trials", others={RESAMPLING: "resamples"}) as progress:
        return run_study(plan, n_jobs=n_jobs, cluster=cluster, checkpoints=checkpoints, progress=progress)


def _asks_for_winners_curse(scenario: str) -> bool:
    from igfstrat.config import config_path
    from igfstrat.workflows.winners_curse import holds_winners_curse

    return holds_winners_curse(config_path(scenario, "scenarios"))


def _winners_curse(
    scenario: str, out: Path, formats: list[str], checkpoints: Path, settings: dict[str, Any]
) -> list[Path]:
    """Hold it, write it, and say what it found."""
    from igfstrat.workflows import winners_curse as job

    with _warnings_told(), stages("Trials where the drug does nothing, and the others", things="trials") as (_, progress):  # fmt: skip
        study = job.winners_curse(scenario, checkpoints=checkpoints, progress=progress, **settings)
    written = job.write_winners_curse(study, out, command=command_line(), formats=formats)
    for line in study.results.sentences():
        say(line)
    return written


def _title(plan: StudyPlan) -> str:
    designs, points = len(plan.scenario.designs), len(plan.points)
    grid = f" at {points} points" if points > 1 else ""
    return (
        f"{designs} design{'s' if designs > 1 else ''} x {plan.replicates:,} trials{grid}, seed {plan.seed}"
    )


def _agree(plan: StudyPlan, n_jobs: int, yes: bool) -> None:
    """State what can't be reached and what a large run takes; without --yes neither is begun."""
    from igfstrat.workflows.study_plan import estimate_effort

    lines = []
    if plan.concerns:
        more = [f"  … and {len(plan.concerns) - _SHOWN_LINES} more"] * (len(plan.concerns) > _SHOWN_LINES)
        shown = [f"  {text}" for text in plan.concerns[:_SHOWN_LINES]]
        lines += ["designs that can't be expected to reach what they plan", *shown, *more]
    effort = estimate_effort(plan, n_jobs=n_jobs)
    if effort.is_large:
        lines += ["a large run", f"  {effort.sentence()}"]
    if lines and not yes:
        refuse(
            "\n".join([*lines, "Nothing was simulated. Change the scenario, or run it as it is with --yes."])
        )
    for line in lines:
        say(line)


def _show(study: object) -> None:
    from igfstrat.report.cohort_scenario_section import answers
    from igfstrat.report.history_section import replay_sentences
    from igfstrat.report.study_wording import screen_lines
    from igfstrat.workflows.enrichment_study import EnrichmentStudy

    assert isinstance(study, EnrichmentStudy)
    for line in screen_lines(study.plan.scenario, study.points, most=_SHOWN_POINTS):
        say(line)
    for line in replay_sentences(study.replays):
        say(line)
    if study.plan.from_cohort is not None:
        for line in answers(study.plan.from_cohort.facts, study.cohort_points):
            say(line)
    if study.warnings:
        say("Flagged:")
        for text in study.warnings[:_SHOWN_LINES]:
            say(f"  {text}")
        if len(study.warnings) > _SHOWN_LINES:
            say(f"  … and {len(study.warnings) - _SHOWN_LINES} more, all in results.json")


@contextmanager
def _warnings_told() -> Iterator[None]:
    """Warnings as lines of their own on the error stream, without the place in the code."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", IgfstratWarning)
        yield
    for warning in caught:
        typer.echo(f"Warning: {warning.message}", err=True)
