"""`igfstrat simulate`: the designs of a scenario side by side."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from igfstrat.cli.common import DebugOption, ForceOption, command_line, refuse, run, say
from igfstrat.errors import ExitCode

if TYPE_CHECKING:
    from igfstrat.workflows.study_plan import StudyPlan

_SHOWN_POINTS = 8
_SHOWN_LINES = 12
_QUIET = 3.0  # seconds between lines where there is no terminal


@run
def simulate(
    scenario: Annotated[
        str,
        typer.Argument(
            metavar="SCENARIO",
            help="Trial scenario (a file, or a packaged name such as igf1r_enrichment).",
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
    seed: Annotated[
        int | None,
        typer.Option("--seed", min=0, max=2**63 - 1, help="Seed; by default the scenario's."),
    ] = None,
    n_jobs: Annotated[int, typer.Option("--n-jobs", help="Workers; -1 for one a processor.")] = -1,
    cluster: Annotated[
        str | None, typer.Option("--cluster", help="Address of a dask scheduler, whose workers are used.")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with a stopped run, or make an earlier one longer.")
    ] = False,
    yes: Annotated[
        bool, typer.Option("--yes", help="Agree to a large run, or to designs that can't reach their plan.")
    ] = False,
    force: ForceOption = False,
    debug: DebugOption = False,
) -> int:
    """Simulate trials of each design, with closed forms beside them.

    Parameters
    ----------
    scenario, out, replicates, seed, n_jobs, cluster, resume, yes, force, debug : as on the command line
        The help of each option says what it does.

    Returns
    -------
    int
        Exit code.
    """
    from igfstrat.files import check_output_folder
    from igfstrat.workflows import enrichment_study as job
    from igfstrat.workflows.study_plan import plan_study

    del debug
    if n_jobs == 0:
        refuse("--n-jobs 0: write a number of workers, or -1 for one a processor")
    check_output_folder(out, force=force or resume)
    checkpoints = out / "checkpoints"
    if job.checkpoint_files(checkpoints) and not (resume or force):
        refuse(f"{out} holds a stopped run; go on with --resume, or start again with --force")
    plan = plan_study(scenario, replicates=replicates, seed=seed)
    _agree(plan, n_jobs, yes)
    if force and not resume:
        job.clear_checkpoints(checkpoints)
    title = _title(plan)
    try:
        with _progress(title) as progress:
            study = job.run_study(
                plan, n_jobs=n_jobs, cluster=cluster, checkpoints=checkpoints, progress=progress
            )
    except (KeyboardInterrupt, SystemExit):
        typer.echo(f"Go on with the same command and --resume; {checkpoints} holds what is done.", err=True)
        raise
    written = job.write_study(study, out, command=command_line())
    say(title)
    _show(study)
    say(f"Open {written[0]}   ({len(written)} files in {out})   Research use only.")
    return ExitCode.FLAGGED if study.warnings else ExitCode.OK


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
    from igfstrat.report.study_wording import screen_lines
    from igfstrat.workflows.enrichment_study import EnrichmentStudy

    assert isinstance(study, EnrichmentStudy)
    for line in screen_lines(study.plan.scenario, study.points, most=_SHOWN_POINTS):
        say(line)
    if study.warnings:
        say("Flagged:")
        for text in study.warnings[:_SHOWN_LINES]:
            say(f"  {text}")
        if len(study.warnings) > _SHOWN_LINES:
            say(f"  … and {len(study.warnings) - _SHOWN_LINES} more, all in results.json")


@contextmanager
def _progress(title: str) -> Iterator[Callable[[int, int], None]]:
    """A bar with the time left on a terminal, now and then a line elsewhere; on the error stream, beside the result."""
    if not sys.stderr.isatty():
        yield _lines()
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _lines() -> Callable[[int, int], None]:
    begun = told = time.monotonic()
    first: int | None = None

    def tell(done: int, total: int) -> None:
        nonlocal told, first
        from igfstrat.workflows.study_plan import time_words

        now = time.monotonic()
        first = done if first is None else first
        if now - told < _QUIET or done <= first:
            return
        told = now
        left = (now - begun) * (total - done) / (done - first)
        typer.echo(f"{done:,} of {total:,} trials, about {time_words(left)} left", err=True)

    return tell
