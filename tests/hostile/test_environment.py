"""The machine itself is hostile: disks, locks, signals, terminals. Worked by hand; whole processes of the real command.

A run that a full disk, a closed folder or a kill ends leaves what stood before, and never half of anything.
"""

import fcntl
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import table_of
from tests.hostile.rows_jobs import SCENARIO, Payload, npz
from tests.hostile.tables import csv_of

ROOT = Path(__file__).parents[2]
PROGRAM = [sys.executable, "-m", "igfstrat"]


def start(folder, *arguments, environment=None, **more):
    settings = {**os.environ, "PYTHONPATH": str(ROOT), **(environment or {})}
    return subprocess.Popen(
        [*PROGRAM, *map(str, arguments)], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=settings, **more
    )  # fmt: skip


def run(folder, *arguments, **more):
    with start(folder, *arguments, **more) as process:
        out, err = process.communicate(timeout=300)
    return process.returncode, (out + err).decode("utf-8", "replace")


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "c.csv").write_bytes(csv_of(table_of()))
    return tmp_path


SCORE = ("score", "c.csv", "--plan", "breast", "--out")


def names(folder):
    return sorted(p.name for p in folder.iterdir())


@pytest.mark.parametrize("out", ["none/o.csv", "c.csv/o.csv", "none/deep/o.xlsx", "/proc/o.csv"])
def test_an_output_folder_that_cannot_be_is_an_environment_error_before_any_work(folder, out):
    code, said = run(folder, *SCORE, out)
    assert code == 5, said
    assert "does not exist" in said or "cannot be written" in said or "cannot write" in said
    assert names(folder) == ["c.csv"]


def test_a_study_into_a_file_is_an_environment_error_and_the_file_stays(folder):
    (folder / "s.yaml").write_text(SCENARIO)
    code, said = run(folder, "simulate", "s.yaml", "--out", "c.csv")
    assert code == 5, said
    assert (folder / "c.csv").read_bytes() == csv_of(table_of())


def limited():
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (3_000, 3_000))


@pytest.mark.parametrize("out", ["o.csv", "o.xlsx"])
def test_a_disk_that_is_full_at_a_write_leaves_the_earlier_results(folder, out):
    assert run(folder, *SCORE, out)[0] == 0
    before = {p.name: p.read_bytes() for p in folder.iterdir()}
    code, said = run(folder, *SCORE, out, "--force", preexec_fn=limited)
    assert code == 5, said
    assert "cannot write" in said
    assert {p.name: p.read_bytes() for p in folder.iterdir()} == before


def mounted(folder, options):
    """A file system of its own, where the machine allows one."""
    place = folder / "disk"
    place.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "none", str(place)], capture_output=True)
    if done.returncode:
        pytest.skip("no file system can be mounted here")
    return place


def test_a_small_full_disk_is_an_environment_error_and_leaves_nothing(folder):
    place = mounted(folder, "size=16k")
    try:
        code, said = run(folder, *SCORE, place / "o.csv")
        assert (code, names(place)) == (5, []), said
    finally:
        subprocess.run(["umount", str(place)], check=True)


def test_a_read_only_disk_is_an_environment_error_before_any_work(folder):
    place = mounted(folder, "ro")
    try:
        code, said = run(folder, *SCORE, place / "o.csv")
        assert code == 5, said
        assert "cannot be written" in said
        (folder / "s.yaml").write_text(SCENARIO)
        assert run(folder, "simulate", "s.yaml", "--out", place / "study")[0] == 5
    finally:
        subprocess.run(["umount", str(place)], check=True)


def test_two_runs_into_one_folder_are_an_environment_error_for_the_second(folder):
    (folder / "s.yaml").write_text(SCENARIO)
    out = folder / "out"
    out.mkdir()
    (out / "earlier.txt").write_text("x")
    handle = os.open(out, os.O_RDONLY)
    fcntl.flock(handle, fcntl.LOCK_EX)
    code, said = run(folder, "simulate", "s.yaml", "--out", "out", "--n-jobs", 1)
    assert code == 5, said
    assert "another run" in said
    assert names(out) == ["earlier.txt"]
    code, said = run(folder, "report", "c.csv", "--endpoint", "dfs", "--by", "subtype", "--out", "out")
    assert code == 5, said
    os.close(handle)


def test_output_over_input_is_refused_however_it_is_named(folder):
    (folder / "link.csv").symlink_to(folder / "c.csv")
    os.link(folder / "c.csv", folder / "hard.csv")
    for out in ("c.csv", "./c.csv", "link.csv", "hard.csv", str(folder / "c.csv")):
        code, said = run(folder, *SCORE, out, "--force")
        assert code == 2, said
        assert "both input and output" in said
    assert (folder / "c.csv").read_bytes() == csv_of(table_of())


@pytest.mark.parametrize(
    "environment",
    [{"LC_ALL": "C"}, {"PYTHONIOENCODING": "ascii"}, {"COLUMNS": "40"}, {"HOME": "", "XDG_CACHE_HOME": ""}, {"TERM": "dumb", "NO_COLOR": "1"}, {"PYTHONUTF8": "0", "LANG": "C"}],
    ids=str,
)  # fmt: skip
def test_a_poor_terminal_ends_no_run_and_changes_no_byte(folder, environment):
    rows = table_of()
    rows[3][0] = "Müller-µ-001"
    (folder / "c.csv").write_bytes(csv_of(rows))
    code, said = run(folder, *SCORE, "o.csv", environment=environment)
    assert code == 0, said
    assert "Müller-µ-001".encode() in (folder / "o.csv").read_bytes()


def study(folder, *more):
    return run(folder, "simulate", "s.yaml", "--out", "out", "--n-jobs", 1, *more)


def test_a_cut_checkpoint_is_computed_again_counted_once_and_flagged(folder):
    (folder / "s.yaml").write_text(SCENARIO.replace("replicates: 200", "replicates: 3000"))
    code, said = study(folder)
    assert code in (0, 3), said
    whole = (folder / "out" / "results.json").read_bytes()
    stored = sorted((folder / "out" / "checkpoints").iterdir())
    stored[-1].write_bytes(stored[-1].read_bytes()[:-10])
    code, said = study(folder, "--resume")
    assert code == 3, said
    assert "computed again" in said
    assert (folder / "out" / "results.json").read_bytes() == whole


@pytest.mark.parametrize(
    ("name", "content"),
    [("evil.pkl", "pickle"), ("{own}", "pickle"), ("model.joblib", "pickle"), ("{own}", "objects"), ("x.npz", "pickle"), ("notes.txt", "text")],
)  # fmt: skip
def test_a_pickle_among_the_checkpoints_is_refused_and_not_run(folder, name, content):
    import pickle

    (folder / "s.yaml").write_text(SCENARIO)
    checkpoints = folder / "out" / "checkpoints"
    checkpoints.mkdir(parents=True)
    own = "0" * 32 + "-000000000000-000000000200.npz"
    data = {
        "pickle": pickle.dumps(Payload()),
        "objects": npz(a=np.array([Payload()], dtype=object)),
        "text": b"x",
    }[content]
    (checkpoints / name.format(own=own)).write_bytes(data)
    before = names(folder / "out")
    code, said = study(folder, "--resume")
    assert code == 4, said
    assert "unsafe" in said
    assert not (folder / "marker").exists()
    assert names(folder / "out") == before


def long_table(n):
    rows = table_of(60)
    return csv_of([rows[0], *([f"P{i:07}", *rows[1 + i % 60][1:]] for i in range(n))])


def killed_runs(folder, times, *, rows, seed=1):
    """Kill a run in pieces at random moments, and let the last one end; what stood in the folder after each."""
    (folder / "big.csv").write_bytes(long_table(rows))
    command = ("score", "big.csv", "--plan", "breast", "--chunk-rows", rows // 20, "--out")
    began = time.monotonic()
    code, said = run(folder, *command, "whole.csv")
    needed = time.monotonic() - began
    assert code in (0, 3), said
    whole = (folder / "whole.csv").read_bytes()
    moments = random.Random(seed)
    for _ in range(times):
        process = start(folder, *command, "o.csv", "--force", start_new_session=True)
        try:
            process.communicate(timeout=moments.uniform(0.05, needed))
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
        if (folder / "o.csv").exists():
            assert (folder / "o.csv").read_bytes() == whole
            (folder / "o.csv").unlink()
    code, said = run(folder, *command, "o.csv", "--force")
    assert code in (0, 3), said
    assert (folder / "o.csv").read_bytes() == whole
    said = [json.loads((folder / f"{name}.manifest.json").read_text())["rows"] for name in ("whole", "o")]
    assert said[0] == said[1]
    assert said[0]["read"] == rows
    return names(folder)


def test_a_run_that_is_killed_leaves_no_half_output_and_the_next_gives_the_same_bytes(folder):
    left = killed_runs(folder, 4, rows=4_000)
    assert not [name for name in left if name.endswith(".parts")]


def test_a_file_that_grows_or_shrinks_while_it_is_read_loses_no_row_in_silence(folder):
    path = folder / "c.csv"
    whole = path.read_bytes()
    for change in (
        lambda: path.write_bytes(whole + whole.split(b"\n", 1)[1].replace(b"P", b"Q")),
        lambda: path.write_bytes(whole[: len(whole) // 2]),
    ):
        process = start(folder, *SCORE, "o.csv", "--force")
        time.sleep(0.4)
        change()
        out, err = process.communicate(timeout=60)
        assert process.returncode in (0, 2, 3), (out + err).decode()
        if process.returncode != 2:
            rows = json.loads((folder / "o.manifest.json").read_text())["rows"]
            assert rows["read"] == rows["scored"] + rows["flagged"] + rows["not_scored"]
            assert len((folder / "o.csv").read_text("utf-8-sig").splitlines()) == rows["read"] + 1
        path.write_bytes(whole)


def test_a_file_beyond_the_limit_is_refused_at_once_whatever_its_size(folder):
    """A workbook of one gigabyte, most of which is a hole in the disk."""
    path = folder / "big.xlsx"
    path.write_bytes(b"PK\x03\x04")
    os.truncate(path, 1_000_000_000)
    began, used = time.monotonic(), os.times().children_user
    code, said = run(folder, "score", "big.xlsx", "--plan", "breast", "--out", "o.csv")
    assert (code, names(folder)) == (2, ["big.xlsx", "c.csv"]), said
    assert "--limits" in said
    # other work may share the processors
    assert min(time.monotonic() - began, os.times().children_user - used) < 10
    shutil.rmtree(folder / "none", ignore_errors=True)
