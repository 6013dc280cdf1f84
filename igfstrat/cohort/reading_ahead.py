"""Reading the next piece of a table, in a thread, while one is used."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from typing import TypeVar

from igfstrat.cohort.pieces import Piece, Source

Item = TypeVar("Item")


def read_ahead(items: Iterator[Item]) -> Iterator[Item]:
    """Have the next item made in a thread while this one is used; the first is begun at once.

    Parameters
    ----------
    items : iterator
        What it waits for (a file, another process) is waited for beside the caller's own work.

    Returns
    -------
    iterator
        The same, in their order; at most one is held. What making one raises comes at its place.

    Examples
    --------
    >>> list(read_ahead(iter("abc")))
    ['a', 'b', 'c']
    """
    end = object()
    beside = ThreadPoolExecutor(1)
    first = beside.submit(next, items, end)

    def each() -> Iterator[Item]:
        coming = first
        with beside:
            while (item := coming.result()) is not end:
                coming = beside.submit(next, items, end)
                yield item  # type: ignore[misc]

    return each()


@contextmanager
def open_ahead(source: Source) -> Iterator[Source]:
    """A table whose next piece is read while one is used, and whose second reading begins when the first ends.

    Parameters
    ----------
    source : Source
        To be read twice.

    Yields
    ------
    Source
        Of the same pieces. A second reading that nobody wanted ends with the block.
    """
    begun: list[Iterator[Piece]] = []
    first = iter([True])

    def pieces(size: int) -> Iterator[Piece]:
        if begun:
            yield from begun.pop()
            return
        yield from read_ahead(source.pieces(size))
        if next(first, False):
            begun.append(read_ahead(source.pieces(size)))

    try:
        yield replace(source, pieces=pieces)
    finally:
        begun.clear()  # who keeps the error that ended the block would keep the reading, too
