"""Long work in stages, shown while it runs: a bar with the time left on a terminal, now and then a line elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

import typer

_QUIET = 3.0  # seconds between lines where there is no terminal


class Stages(NamedTuple):
    """Whom to tell what begins, and how much of it is done."""

    say: Callable[[str], None]
    progress: Callable[[int, int], None]


@contextmanager
def stages() -> Iterator[Stages]:
    """Show stages on the error stream, beside the result.

    Yields
    ------
    Stages
        `say` takes a line, `progress` the done and the whole of that stage.
    """
    if not sys.stderr.isatty():
        yield _lines()
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None)
        yield Stages(
            say=lambda text: bar.reset(task, description=text, total=None),
            progress=lambda done, total: bar.update(task, completed=done, total=total),
        )


def _lines() -> Stages:
    told = time.monotonic()
    first: tuple[float, int] | None = None  # until it, workers were starting

    def say(text: str) -> None:
        nonlocal told, first
        told, first = time.monotonic(), None
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
        typer.echo(f"        {done:,} of {total:,}, about {left} left", err=True)

    return Stages(say, progress)
