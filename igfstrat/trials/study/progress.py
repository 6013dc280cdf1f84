"""Who is told how far a job is: pieces of one size, one after another, counted as one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

Tell = Callable[[int, int], None]  # done, and to do
Progress = Callable[[str, int, int], None]  # of a stage: its name, done, and to do


def in_parts(tell: Tell | None, *, each: int, parts: int) -> Iterator[Tell]:
    """What each piece of a job tells, counted over all of them.

    Parameters
    ----------
    tell : callable or None
        Who wants to know.
    each, parts : int
        Size of a piece, and how many there are.

    Yields
    ------
    callable
        For the next piece, which tells what it has done of itself.

    Examples
    --------
    >>> first, second = in_parts(print, each=10, parts=2)
    >>> first(10, 10), second(4, 10)
    10 20
    14 20
    (None, None)
    """

    def add(done: int, _all: int, *, before: int) -> None:
        if tell:
            tell(before + done, each * parts)

    for part in range(parts):
        yield partial(add, before=part * each)


def named(progress: Progress | None, stage: str) -> Tell | None:
    """What tells of one stage.

    Parameters
    ----------
    progress : callable or None
        Who wants to know of all stages.
    stage : str
        Its name.

    Returns
    -------
    callable or None
        None where nobody wants to know.
    """
    return partial(progress, stage) if progress else None
