"""Progress of long work on the error stream: a bar with the time left on a terminal, now and then a line elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import typer

_QUIET = 3.0  # seconds between lines where there is no terminal


@contextmanager
def stage_progress(things: str) -> Iterator[Callable[[str, int, int], None]]:
    """Show work that goes in stages.

    Parameters
    ----------
    things : str
        What is counted, such as ``candidates``.

    Yields
    ------
    callable
        Takes the stage, how many are done, and of how many.
    """
    if not sys.stderr.isatty():
        yield _lines(things)
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        tasks: dict[str, int] = {}

        def show(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = bar.add_task(f"{stage} {total:,} {things}", total=total)
            bar.update(tasks[stage], completed=done)  # type: ignore[arg-type]

        yield show


def _lines(things: str) -> Callable[[str, int, int], None]:
    told = time.monotonic()
    begun: dict[str, tuple[float, int]] = {}

    def tell(stage: str, done: int, total: int) -> None:
        nonlocal told
        from igfstrat.workflows.study_plan import time_words

        now = time.monotonic()
        start, first = begun.setdefault(stage, (now, done))
        if now - told < _QUIET or done <= first:
            return
        told = now
        left = (now - start) * (total - done) / (done - first)
        typer.echo(f"{stage}: {done:,} of {total:,} {things}, about {time_words(left)} left", err=True)

    return tell
