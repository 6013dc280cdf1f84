"""`igfstrat synthesize`: a synthetic cohort."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from igfstrat.cli.common import DebugOption, ForceOption, SeedOption, command_line, refuse, run, say
from igfstrat.errors import ExitCode

# below this a run is over before anybody wonders
_LONG = 200_000


@run
def synthesize(
    config: Annotated[
        str,
        typer.Argument(
            metavar="CONFIG",
            help="Cohort configuration (a file, or a packaged name such as breast_early).",
            show_default=False,
        ),
    ],
    n: Annotated[
        int | None, typer.Option("--n", min=1, max=100_000_000, help="Patients.", show_default=False)
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Result: a .csv, .xlsx or .parquet file.", show_default=False),
    ] = None,
    seed: SeedOption = 1,
    preset: Annotated[
        str | None, typer.Option("--preset", help="Named effects of the configuration, or null for none.")
    ] = None,
    realism: Annotated[
        bool,
        typer.Option(
            "--realism", help="Missing values, limits, several laboratories, drift, cores, repeated patients."
        ),
    ] = False,
    messy: Annotated[
        str | None,
        typer.Option(
            "--messy", help="A sheet as people keep it, with the list of its faults: light, usual, severe."
        ),
    ] = None,
    calibration: Annotated[
        bool,
        typer.Option(
            "--calibration", help="Show what the configuration claims, and what a large cohort gives."
        ),
    ] = False,
    n_jobs: Annotated[int, typer.Option("--n-jobs", help="Workers; -1 for one a processor.")] = 1,
    force: ForceOption = False,
    debug: DebugOption = False,
) -> int:
    """Draw a synthetic cohort; nobody in it is real.

    Parameters
    ----------
    config, n, out, seed, preset, realism, messy, calibration, n_jobs, force, debug : as on the command line
        The help of each option says what it does.

    Returns
    -------
    int
        Exit code.
    """
    from igfstrat.workflows import synthesize as job

    del debug
    if n_jobs == 0:
        refuse("--n-jobs 0: write a number of workers, or -1 for one a processor")
    if calibration:
        for line in job.calibration_lines(config, seed=seed):
            say(line)
    if n is None or out is None:
        if calibration and n is None and out is None:
            return ExitCode.OK
        refuse("a cohort needs both --n and --out")
    job.check_request(out, n=n, messy=messy, force=force)
    with _progress(n) as progress:
        written = job.synthesize(
            config, n=n, seed=seed, out=out, command=command_line(), preset=preset, realism=realism,
            messy=messy, n_jobs=n_jobs, progress=progress,
        )  # fmt: skip
    say(f"{n} synthetic patients, seed {seed}. Wrote {written[0]}, {', '.join(p.name for p in written[1:])}.")
    return ExitCode.OK


@contextmanager
def _progress(n: int) -> Iterator[Callable[[int, int], None] | None]:
    """A bar on a terminal, a line for each tenth elsewhere; on the error stream, beside the result."""
    if n < _LONG:
        yield None
    elif sys.stderr.isatty():
        from rich.console import Console
        from rich.progress import Progress

        with Progress(console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task("patients", total=n)
            yield lambda done, _: bar.update(task, completed=done)
    else:
        yield _say_tenths()


def _say_tenths() -> Callable[[int, int], None]:
    told = 0

    def tell(done: int, n: int) -> None:
        nonlocal told
        tenth = 10 * done // n
        if tenth > told:
            told = tenth
            typer.echo(f"{done:,} of {n:,} patients", err=True)

    return tell
