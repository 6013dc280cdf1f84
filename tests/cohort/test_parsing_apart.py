"""Parsing happens in a process that may die: its end is an ordinary refusal. Worked by hand, with parsers that misbehave on purpose."""

import os
import sys
import time
from pathlib import Path

import pytest

from igfstrat.cohort import parsing, read_cohort
from igfstrat.cohort.limits import LIMITS, Limits, parse_limits
from igfstrat.errors import CohortError, ExitCode, StorageError, UnsafeFileError, UsageError

HEAD = "import os, sys, time, json\nsys.stdin.buffer.read()\n"
DEATHS = {
    "abort": ("os.abort()", "memory"),
    "kill": ("os.kill(os.getpid(), 9)", "far longer"),
    "exit": ("os._exit(3)", "ended the process"),
    "half a line": (
        'sys.stdout.write(\'{"sheet": "a\'); sys.stdout.flush(); os._exit(0)',
        "ended the process",
    ),
    "no last line": ('print(\'{"sheet": "a", "hidden": false}\')', "ended the process"),
    "silence": ("time.sleep(60)", "far longer"),
}


def parse(source="cohort.xlsx", limits=LIMITS, data=b"data"):
    return parsing.parse_apart(data, source, kind="workbook", limits=limits, n_expanded=len(data))


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
@pytest.mark.parametrize(("code", "word"), DEATHS.values(), ids=list(DEATHS))
def test_whatever_ends_the_parser_is_a_refusal_with_file_reason_and_remedy(tmp_path, monkeypatch, code, word):
    script = tmp_path / "parser.py"
    script.write_text(HEAD + code)
    monkeypatch.setattr(parsing, "_SCRIPT", script)
    start = time.perf_counter()
    with pytest.raises(UnsafeFileError) as caught:
        parse(limits=Limits(seconds=0.2))
    assert time.perf_counter() - start < 5
    assert caught.value.exit_code is ExitCode.UNSAFE
    assert all(
        part in str(caught.value) for part in ("cohort.xlsx", word, "save the table as csv", "--limits")
    )


@pytest.mark.skipif(sys.platform != "linux", reason="the other platforms don't hold this limit")
def test_the_real_parser_is_held_to_its_memory_and_its_time(make_table, write_xlsx):
    path = write_xlsx(make_table(400))
    with pytest.raises(UnsafeFileError, match="memory"):
        parse(limits=Limits(memory_mb=16, memory_per_mb=1), data=path.read_bytes())
    with pytest.raises(UnsafeFileError, match="far longer"):
        read_cohort(path, limits=Limits(seconds=1e-6, seconds_per_mb=1e-6))


def test_a_process_that_cannot_be_started_is_the_machines_fault(monkeypatch):
    monkeypatch.setattr(sys, "executable", str(Path(os.sep) / "no" / "python"))
    with pytest.raises(StorageError, match="no process could be started"):
        parse()


def test_the_parser_may_write_no_file_and_sees_little_of_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("SECRET_TOKEN", "x")
    script, victim = tmp_path / "parser.py", tmp_path / "victim"
    body = f"""
import contextlib, runpy
child = runpy.run_path({str(parsing._SCRIPT)!r})
child["_limit"](json.loads(sys.argv[1]))
print(json.dumps({{"sheet": " ".join(sorted(os.environ)), "hidden": False}}))
with contextlib.suppress(OSError):
    open({str(victim)!r}, "w").write("x" * 10)
print(json.dumps({{"end": True}}))
"""
    script.write_text(HEAD + "import signal\nsignal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n" + body)
    monkeypatch.setattr(parsing, "_SCRIPT", script)
    sheets = parse()
    assert "SECRET_TOKEN" not in sheets[0].name
    assert not victim.exists() or victim.read_text() == ""


def test_starting_a_parser_costs_less_than_three_tenths_of_a_second(make_table, write_xlsx):
    data = write_xlsx(make_table()).read_bytes()
    seconds = []
    for _ in range(5):
        start = time.perf_counter()
        parse(data=data)
        seconds.append(time.perf_counter() - start)
    assert min(seconds) < 0.3


@pytest.mark.parametrize(
    ("name", "most"), [("file_mb", 0.001), ("members", 3), ("expanded_mb", 0.001), ("cells", 50), ("marks", 3), ("depth", 2)]
)  # fmt: skip
def test_every_limit_holds_and_can_be_raised(make_table, write_xlsx, name, most):
    def formulas(book):
        for row in range(2, 10):
            book.active.cell(row, 14, "=1+1")

    path = write_xlsx(make_table(), edit=formulas)
    with pytest.raises((CohortError, UnsafeFileError)):
        read_cohort(path, limits=Limits(**{name: most}))
    assert read_cohort(path).n_rows == 60


def test_limits_are_read_from_one_line():
    assert parse_limits("seconds=60,memory_mb=2000") == Limits(seconds=60, memory_mb=2000)
    for text in ("minutes=1", "seconds", "seconds=-1", "seconds=nan", "seconds=x", ""):
        with pytest.raises(UsageError, match="--limits"):
            parse_limits(text)
