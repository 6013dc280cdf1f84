"""Long work, shown on the error stream while it runs: a bar with the time left on a terminal, now and then a line elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import NamedTuple

import typer

_QUIET = 3.0  # seconds between lines where there is no terminal


class Stages(NamedTuple):
    """Whom to tell what begins, and how much of it is done."""

    say: Callable[[str], None]
    progress: Callable[[int, int], None]


@contextmanager
def stages(title: str = "", *, things: str = "") -> Iterator[Stages]:
    """Show work beside its result.

    Parameters
    ----------
    title : str
        What stands beside the bar until a stage is said to begin.
    things : str
        What is counted, such as ``trials``.

    Yields
    ------
    Stages
        `say` takes a line, with which a stage begins; `progress` the done and the whole of that stage.
    """
    if not sys.stderr.isatty():
        yield _lines(things)
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title, total=None)
        yield Stages(
            say=lambda text: bar.reset(task, description=text, total=None),
            progress=lambda done, total: bar.update(task, completed=done, total=total),
        )


@contextmanager
def named_stages(
    things: str, *, others: Mapping[str, str] = MappingProxyType({})
) -> Iterator[Callable[[str, int, int], None]]:
    """Show work that names its stage each time it tells how far it is.

    Parameters
    ----------
    things : str
        What is counted, such as ``candidates``.
    others : mapping of str to str
        What is counted instead, by stage.

    Yields
    ------
    callable
        Takes the stage, how many are done, and of how many.
    """
    with stages() as (say, progress):
        current = ""

        def show(stage: str, done: int, total: int) -> None:
            nonlocal current
            if stage != current:
                current = stage
                say(f"{stage}: {total:,} {others.get(stage, things)}")
            progress(done, total)

        yield show


def _lines(things: str) -> Stages:
    told, lead = time.monotonic(), ""
    first: tuple[float, int] | None = None  # until it, workers were starting

    def say(text: str) -> None:
        nonlocal told, first, lead, things
        # the line of a stage says what is counted
        told, first, lead, things = time.monotonic(), None, " " * 8, ""
        typer.echo(text, err=True)

    def progress(done: int, total: int) -> None:
        nonlocal told, first
        from igfstrat.workflows.study_plan import time_words

        now = time.monotonic()
        begun, before = first = first or (now, done)
        if now - told < _QUIET or not before < done < total:
            return
        told = now
        left = time_words((now - begun) * (total - done) / (done - before))
        of_what = f"{total:,} {things}" if things else f"{total:,}"
        typer.echo(f"{lead}{done:,} of {of_what}, about {left} left", err=True)

    return Stages(say, progress)
