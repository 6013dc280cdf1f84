"""Every ending has its exit code, and none shows a cell. Worked by hand."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import typer

from igfstrat.cli.common import run
from igfstrat.errors import CohortError, Problem, Severity, StorageError, UnsafeFileError, UsageError
from tests.cli.cases import as_csv, clean_rows

PROBLEM = Problem(code="unit", severity=Severity.ERROR, remedy="state the unit", column="igf1_ng_ml")


def ending(error, **options):
    def action(debug=False):
        raise error

    with pytest.raises(typer.Exit) as ended:
        run(action)(**options)
    return ended.value.exit_code


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UsageError("no"), 2),
        (CohortError("file", [PROBLEM]), 2),
        (UnsafeFileError("no"), 4),
        (StorageError("full"), 5),
        (OSError(28, "No space left on device"), 5),
        (MemoryError(), 5),
        (KeyboardInterrupt(), 130),
        (ZeroDivisionError("x"), 70),
    ],
    ids=lambda value: getattr(type(value), "__name__", ""),
)
def test_error_has_its_exit_code(error, code):
    assert ending(error) == code


def test_bug_is_reported_without_the_text_of_the_error(capsys):
    assert ending(KeyError("P-4711 Jane Doe")) == 70
    said = capsys.readouterr().err
    assert "bug in igfstrat" in said
    assert "4711" not in said
    assert "Traceback" not in said


def test_traceback_comes_with_debug_only(capsys):
    ending(ZeroDivisionError("x"), debug=True)
    assert "Traceback" in capsys.readouterr().err


def wait_until_heeded(process, number):
    """Until the program has its own answer to a signal, as Linux tells; elsewhere a second."""
    status = Path(f"/proc/{process.pid}/status")
    heeded = not status.exists() and not time.sleep(1)
    while not heeded:
        assert process.poll() is None
        caught = next(line for line in status.read_text().splitlines() if line.startswith("SigCgt"))
        heeded = int(caught.split()[1], 16) >> (number - 1) & 1
        time.sleep(0.005)


@pytest.mark.parametrize("after", [0.0, 0.3, 0.8])
def test_terminated_run_ends_with_143_and_leaves_no_half_file(tmp_path, after):
    path = tmp_path / "cohort.csv"
    path.write_bytes(as_csv(clean_rows()))
    command = [
        sys.executable,
        "-m",
        "igfstrat",
        "report",
        str(path),
        "--endpoint",
        "dfs",
        "--out",
        str(tmp_path / "out"),
        "--plan",
        "breast",
    ]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    wait_until_heeded(process, signal.SIGTERM)
    time.sleep(after)
    process.send_signal(signal.SIGTERM)
    said = process.communicate(timeout=60)[1]
    assert process.returncode == 143, said.decode()
    left = [p.name for p in tmp_path.rglob("*") if p.name.startswith(".igfstrat-")]
    assert left == []


def test_help_names_every_verb():
    said = subprocess.run(
        [sys.executable, "-m", "igfstrat", "--help"], capture_output=True, text=True, check=True
    ).stdout
    assert all(verb in said for verb in ("demo", "synthesize", "check", "score", "report"))


def test_help_imports_nothing_heavy():
    code = (
        "import sys; from igfstrat.cli.main import app; "
        "print([m for m in ('numpy', 'pandas', 'numba', 'sklearn', 'lifelines', 'matplotlib', 'scipy') if m in sys.modules])"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.strip() == "[]"


@pytest.mark.parametrize("variable", ["LC_ALL", "PYTHONIOENCODING"])
def test_poor_terminal_ends_no_run(tmp_path, variable):
    import os

    path = tmp_path / "cohort.csv"
    path.write_bytes(as_csv(clean_rows()))
    environment = {**os.environ, variable: {"LC_ALL": "C", "PYTHONIOENCODING": "ascii"}[variable]}
    command = [
        sys.executable,
        "-m",
        "igfstrat",
        "score",
        str(path),
        "--plan",
        "breast",
        "--out",
        str(tmp_path / "o.csv"),
    ]
    assert subprocess.run(command, env=environment, capture_output=True).returncode == 0
