"""What every verb shares: its options, its way of printing, and the exit code of every ending.

Nothing heavy is imported here, so that `--help` answers at once.
"""

from __future__ import annotations

import functools
import hashlib
import sys
import traceback
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, ParamSpec

import typer

from igfstrat.cli.stopping import Stopping, stoppable
from igfstrat.errors import (
    ExitCode,
    IgfstratError,
    Problem,
    Severity,
    StorageError,
    UsageError,
    render_problems,
    safe_text,
)

if TYPE_CHECKING:
    from igfstrat.cohort import Cohort

P = ParamSpec("P")

CohortArgument = Annotated[
    Path, typer.Argument(metavar="COHORT", help="Cohort spreadsheet: csv, tsv or xlsx.", show_default=False)
]
MapOption = Annotated[
    str | None, typer.Option("--map", help="Cohort map (a file, or a packaged name): how to read it.")
]
PlanOption = Annotated[
    str | None, typer.Option("--plan", help="Analysis plan (a file, or a packaged name such as breast).")
]
SheetOption = Annotated[str | None, typer.Option("--sheet", help="Sheet that holds the cohort.")]
HeaderRowOption = Annotated[
    int | None, typer.Option("--header-row", min=1, help="Row of the header, from 1.")
]
EncodingOption = Annotated[
    str | None, typer.Option("--encoding", help="Text encoding, where it isn't UTF-8.")
]
LimitsOption = Annotated[
    str | None,
    typer.Option("--limits", help="Raise what a file may cost, such as file_mb=500,seconds=60."),
]
ForceOption = Annotated[bool, typer.Option("--force", help="Replace an existing output.")]
StrictOption = Annotated[
    bool, typer.Option("--strict", help="Write nothing where anything would be flagged.")
]
DebugOption = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]
SeedOption = Annotated[int, typer.Option("--seed", min=0, max=2**63 - 1, help="Seed of the random streams.")]

_SHOWN_ROWS = 5


def say(text: str = "") -> None:
    """Print a line for people.

    Parameters
    ----------
    text : str
        A line.
    """
    typer.echo(text)


def run(action: Callable[P, int]) -> Callable[P, NoReturn]:
    """Give a verb its exit code, whatever happens.

    Parameters
    ----------
    action : callable
        A verb; it returns an exit code. Its `debug` argument decides whether tracebacks are shown.

    Returns
    -------
    callable
        Never returns; ends with the code of the design.

    Raises
    ------
    typer.Exit
        Always, with the code.
    """

    @functools.wraps(action)
    def ended(*args: P.args, **kwargs: P.kwargs) -> NoReturn:
        _prepare_terminal()
        with stoppable() as stopping:
            try:
                code = int(action(*args, **kwargs))
            except BaseException as error:
                code = int(_code_of(error, stopping, bool(kwargs.get("debug", False))))
        raise typer.Exit(code)

    return ended


def _code_of(error: BaseException, stopping: Stopping, debug: bool) -> ExitCode:
    """What is said of an ending, and its code."""
    if stopping.code is not None or isinstance(error, KeyboardInterrupt):
        # whatever became of the signal's exception on its way: libraries turn it into others
        typer.echo("Stopped; what was finished before is whole.", err=True)
        return stopping.code or ExitCode.INTERRUPTED
    match error:
        case IgfstratError():
            _show_error(error, debug)
            return error.exit_code
        case BrokenPipeError():
            return ExitCode.OK
        case MemoryError() | OSError():
            why = error.strerror if isinstance(error, OSError) else "out of memory"
            _show_error(StorageError(f"{type(error).__name__}: {why}"), debug)
            return ExitCode.ENVIRONMENT
        case Exception():
            _show_bug(error, debug)
            return ExitCode.BUG
    raise error


def _prepare_terminal() -> None:
    for stream in (sys.stdout, sys.stderr):
        # a terminal that can't show a letter shows its escape instead of ending the run
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def _show_error(error: IgfstratError, debug: bool) -> None:
    if debug:
        traceback.print_exc()
    typer.echo(f"{type(error).__name__}: {error}", err=True)


def _show_bug(error: Exception, debug: bool) -> None:
    """No data: the text of an unforeseen error may hold a cell."""
    place = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{Path(place.filename).name}:{place.lineno} {type(error).__name__}"
    report = hashlib.sha256(where.encode()).hexdigest()[:8]
    typer.echo(
        f"This is a bug in igfstrat ({where}, report {report}); nothing that it wrote before is lost.",
        err=True,
    )
    typer.echo("Run again with --debug for the traceback; it may hold values of your file.", err=True)
    if debug:
        traceback.print_exc()


def command_line() -> list[str]:
    """The command as it was given, for a manifest.

    Returns
    -------
    list of str
        Without the path of the program.
    """
    return ["igfstrat", *(safe_text(argument, limit=400) for argument in sys.argv[1:])]


def read(
    cohort: Path,
    *,
    map: str | None,  # noqa: A002
    sheet: str | None,
    header_row: int | None,
    encoding: str | None,
    limits: str | None = None,
) -> Cohort:
    """Read a cohort for a verb.

    Parameters
    ----------
    cohort : Path
        The file.
    map, sheet, header_row, encoding, limits : optional
        As on the command line.

    Returns
    -------
    Cohort
        As read.
    """
    from igfstrat.cohort import read_cohort
    from igfstrat.cohort.limits import LIMITS, parse_limits

    allowed = parse_limits(limits) if limits else LIMITS
    return read_cohort(cohort, map=map, sheet=sheet, header_row=header_row, encoding=encoding, limits=allowed)


def show_problems(problems: Iterable[Problem], *, wanted: Severity, title: str) -> None:
    """Print problems of one severity, if there are any.

    Parameters
    ----------
    problems : iterable of Problem
        Findings.
    wanted : Severity
        Which of them.
    title : str
        Line above them.
    """
    lines = render_problems((p for p in problems if p.severity is wanted), limit=_SHOWN_ROWS)
    if lines:
        say(title)
        for line in lines[:50]:
            say(line)
        if len(lines) > 50:
            say(f"  … and {len(lines) - 50} more kinds, all in problems.csv")


def refuse(message: str) -> NoReturn:
    """End with a usage error.

    Parameters
    ----------
    message : str
        What is wrong and what to do.

    Raises
    ------
    UsageError
        Always.
    """
    raise UsageError(message)


def counted(counts: dict[str, Any], *, limit: int = 6) -> str:
    """Counts in one line.

    Parameters
    ----------
    counts : dict
        Words and numbers.
    limit : int
        Entries shown.

    Returns
    -------
    str
        ``a 3 · b 1 · …``
    """
    shown = " · ".join(f"{name} {n}" for name, n in list(counts.items())[:limit])
    return shown + (f" · and {len(counts) - limit} more" if len(counts) > limit else "")
