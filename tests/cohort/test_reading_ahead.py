"""The next piece of a table is read while one is used."""

import gc
import time

import pytest

from igfstrat.cohort.pieces import Source
from igfstrat.cohort.reading_ahead import open_ahead, read_ahead


def test_what_is_made_ahead_comes_in_order_and_one_at_a_time():
    made = []

    def items():
        for i in range(6):
            made.append(i)
            yield i

    for used in read_ahead(items()):
        # threads may be slow, never early
        assert made == list(range(len(made)))
        assert len(made) <= used + 2
    assert made == list(range(6))


def test_an_error_of_what_is_made_ahead_comes_at_its_place():
    def items():
        yield 1
        message = "broken"
        raise ValueError(message)

    coming = read_ahead(items())
    assert next(coming) == 1
    with pytest.raises(ValueError, match="broken"):
        next(coming)


def test_who_stops_reading_ahead_closes_what_was_read():
    closed = []

    def items():
        try:
            yield from range(100)
        finally:
            closed.append(True)

    coming = read_ahead(items())
    next(coming)
    coming.close()
    gc.collect()
    assert closed == [True]


def test_the_second_reading_begins_when_the_first_ends_and_no_third_does():
    begun = []

    def read(size):
        begun.append(size)
        yield from range(3)

    with open_ahead(Source(head=None, files=(), pieces=read)) as source:
        assert list(source.pieces(7)) == [0, 1, 2]
        deadline = time.monotonic() + 10
        while len(begun) < 2 and time.monotonic() < deadline:
            time.sleep(0.01)
        assert begun == [7, 7]
        assert list(source.pieces(7)) == [0, 1, 2]
        assert begun == [7, 7]
        assert list(source.pieces(7)) == [0, 1, 2]
        time.sleep(0.1)
        assert begun == [7, 7, 7]


def test_a_second_reading_that_nobody_wanted_ends_though_the_error_is_kept():
    ended = []

    def read(size):
        try:
            yield from range(3)
        finally:
            ended.append(size)

    def refused():
        with open_ahead(Source(head=None, files=(), pieces=read)) as source:
            assert list(source.pieces(7)) == [0, 1, 2]
            message = "refused"
            raise ValueError(message)

    with pytest.raises(ValueError, match="refused") as kept:
        refused()
    deadline = time.monotonic() + 10
    while len(ended) < 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert ended == [7, 7]
    assert kept.value.__traceback__
