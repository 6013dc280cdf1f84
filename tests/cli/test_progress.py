"""What long work shows while it runs. Worked by hand with a clock that stands still between the calls."""

import sys

from igfstrat.cli import progress as module
from igfstrat.cli.progress import named_stages, stages


def shown(monkeypatch, capsys, moments):
    """What is written when 200 resamples are told of at some moments, 10 more each time."""
    clock = iter([0.0, 0.0, *moments])
    monkeypatch.setattr(module.time, "monotonic", lambda: next(clock))
    with stages() as (say, progress):
        say("1 of 2  refits")
        for i in range(len(moments)):
            progress(10 * (i + 1), 200)
    said = capsys.readouterr()
    assert said.out == ""  # the result's own stream
    return said.err.splitlines()


def test_without_a_terminal_a_line_comes_after_three_quiet_seconds_with_the_time_left(monkeypatch, capsys):
    assert shown(monkeypatch, capsys, [1.0, 4.0, 5.0, 8.0]) == [
        "1 of 2  refits",
        "        20 of 200, about 54 seconds left",
        "        40 of 200, about 37 seconds left",
    ]


def test_what_is_done_within_three_seconds_has_no_line_of_its_own(monkeypatch, capsys):
    assert shown(monkeypatch, capsys, [0.5, 1.0]) == ["1 of 2  refits"]


def test_before_a_stage_has_begun_a_line_says_what_is_counted(monkeypatch, capsys):
    clock = iter([0.0, 0.0, 4.0])
    monkeypatch.setattr(module.time, "monotonic", lambda: next(clock))
    with stages("the title of a bar", things="trials") as (_, progress):
        progress(1_000, 5_000)
        progress(3_000, 5_000)
    assert capsys.readouterr().err.splitlines() == ["3,000 of 5,000 trials, about 4 seconds left"]


def test_a_stage_that_is_named_each_time_begins_once(monkeypatch, capsys):
    clock = iter([0.0, 0.0, 0.0, 5.0, 5.0, 5.0, 5.0, 5.0])
    monkeypatch.setattr(module.time, "monotonic", lambda: next(clock))
    with named_stages("candidates", others={"resampled": "resamples"}) as show:
        for stage, done in (("sized", 10), ("sized", 20), ("simulated", 1), ("resampled", 1)):
            show(stage, done, 30)
    assert capsys.readouterr().err.splitlines() == [
        "sized: 30 candidates",
        "        20 of 30, about 5 seconds left",
        "simulated: 30 candidates",
        "resampled: 30 resamples",
    ]


def test_on_a_terminal_a_bar_goes_on_the_error_stream_and_leaves_nothing_behind(monkeypatch, capsys):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with stages() as (say, progress):
        say("1 of 2  refits")
        progress(100, 200)
        progress(200, 200)
    said = capsys.readouterr()
    assert said.out == ""
    assert "1 of 2  refits" in said.err
    assert "\x1b[2K" in said.err  # the line is wiped at the end
