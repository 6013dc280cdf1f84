"""Files are written whole or not at all, and text from data can do no harm. Worked by hand; invariants by hypothesis."""

import csv
import hashlib
import json
import os
import stat
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from igfstrat.errors import Problem, Severity, StorageError, UsageError
from igfstrat.files import (
    atomic_path,
    check_output_file,
    check_output_folder,
    make_folder,
    neutral_csv_text,
    sha256_of,
    write_bytes,
    write_json,
    write_manifest,
    write_problems,
)


def test_a_failed_write_leaves_the_old_file_and_nothing_beside_it(tmp_path):
    path = tmp_path / "a.json"
    path.write_text("old")

    def fail(error):
        with atomic_path(path) as temporary:
            temporary.write_text("half")
            raise error

    for error in (KeyboardInterrupt, ValueError, MemoryError):
        with pytest.raises(error):
            fail(error)
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.json"]


def test_a_full_disk_is_the_environments_fault_and_says_that_nothing_changed(tmp_path):
    path = tmp_path / "a.json"
    with (
        pytest.raises(
            StorageError, match=r"cannot write .*No space left on device; nothing was changed there"
        ),
        atomic_path(path),
    ):
        raise OSError(28, "No space left on device")
    assert list(tmp_path.iterdir()) == []


def test_a_new_file_has_the_rights_that_its_owner_gives_to_new_files(tmp_path):
    before = os.umask(0o077)
    try:
        write_bytes(tmp_path / "private.csv", b"x")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "private.csv").stat().st_mode) == 0o600


def test_a_folder_that_is_not_there_is_told_of(tmp_path):
    with pytest.raises(StorageError, match="cannot write"):
        write_bytes(tmp_path / "absent" / "a", b"x")
    with pytest.raises(StorageError, match="does not exist; make it first"):
        check_output_file(tmp_path / "absent" / "a", force=False)


def test_an_output_that_exists_is_only_replaced_by_force(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("old")
    with pytest.raises(UsageError, match=r"exists already; .* --force"):
        check_output_file(path, force=False)
    check_output_file(path, force=True)


def test_the_input_is_never_the_output_under_any_name(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("data")
    (tmp_path / "link.csv").symlink_to(path)
    os.link(path, tmp_path / "hard.csv")
    for name in ("a.csv", "link.csv", "hard.csv"):
        with pytest.raises(UsageError, match="both input and output"):
            check_output_file(tmp_path / name, force=True, inputs=[path])


def test_an_output_that_is_no_file_is_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path, words in (
        (tmp_path, "is a folder"),
        (tmp_path / "pipe", "not a regular file"),
        (Path("/dev/null"), "not a regular file"),
    ):
        with pytest.raises(UsageError, match=words):
            check_output_file(path, force=True)
    with pytest.raises(StorageError, match="cannot look at"):
        check_output_file(tmp_path / ("x" * 300), force=True)


def test_a_folder_with_an_earlier_run_is_only_replaced_by_force(tmp_path):
    check_output_folder(tmp_path / "new" / "deep", force=False)
    assert list(tmp_path.iterdir()) == []
    make_folder(tmp_path / "new" / "deep")
    (tmp_path / "new" / "deep" / "manifest.json").write_text("{}")
    with pytest.raises(UsageError, match="holds an earlier run"):
        check_output_folder(tmp_path / "new" / "deep", force=False)
    check_output_folder(tmp_path / "new" / "deep", force=True)
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(StorageError):
            check_output_folder(path, force=False)
    with pytest.raises(StorageError, match="cannot make the folder"):
        make_folder(tmp_path / "file" / "below")


def test_json_has_full_precision_and_no_nan(tmp_path):
    data = {
        "a": np.float64(0.1) + 0.2,
        "b": np.array([1.0, np.nan]),
        "c": (np.int64(3), float("inf")),
        4: np.bool_(True),
        "d": "\udc80 µ",
    }
    write_json(tmp_path / "a.json", data)
    text = (tmp_path / "a.json").read_text()
    assert json.loads(text) == {
        "a": 0.30000000000000004,
        "b": [1.0, None],
        "c": [3, None],
        "4": True,
        "d": "\udc80 µ",
    }
    assert "µ" in text


def test_the_hash_is_that_of_the_bytes(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")
    assert sha256_of(tmp_path / "a") == hashlib.sha256(b"abc").hexdigest()


def test_a_manifest_names_versions_inputs_and_command_but_no_folder(tmp_path):
    source = tmp_path / "cohort.csv"
    source.write_text("x")
    write_manifest(tmp_path / "m.json", command=["score", "cohort.csv"], inputs=[source], content={"seed": 7})
    manifest = json.loads((tmp_path / "m.json").read_text())
    assert manifest["inputs"] == [{"name": "cohort.csv", "sha256": sha256_of(source)}]
    assert manifest["command"] == ["score", "cohort.csv"]
    assert manifest["seed"] == 7
    assert {"numpy", "pandas"} <= set(manifest["dependencies"])
    assert "research use only" in manifest["purpose"]
    assert str(tmp_path) not in (tmp_path / "m.json").read_text()


def test_problems_csv_holds_every_problem_and_no_formula(tmp_path):
    problems = [Problem(code="x", severity=Severity.FLAG, remedy="=do", row=3, cell="E3", column="a", value="=1+1"),
                Problem(code="y", severity=Severity.NOTICE, remedy="say")]  # fmt: skip
    write_problems(tmp_path / "p.csv", problems, source="c.xlsx", sheet="=S")
    with (tmp_path / "p.csv").open(newline="") as handle:
        rows = list(csv.DictReader(handle))
    assert [(r["row"], r["cell"], r["value"], r["sheet"], r["severity"]) for r in rows] == [
        ("3", "E3", "'=1+1", "'=S", "flag"), ("", "", "", "'=S", "notice")
    ]  # fmt: skip


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(1)", "\t=1", "\r=1", "\n=1", "＝1", "－1", "+1-2", "-1e5x"],
)
def test_what_would_start_a_formula_gets_an_apostrophe(text):
    assert neutral_csv_text(text) == "'" + text


@pytest.mark.parametrize("text", ["-1.5", "+3", "-.5", "-1e-5", "0", "a=b", ""])
def test_a_negative_number_is_no_formula(text):
    assert neutral_csv_text(text) == text


@given(st.text(max_size=10))
def test_neutral_text_gives_its_original_back(text):
    neutral = neutral_csv_text(text)
    assert neutral.removeprefix("'") == text
    assert neutral == text or not text[:1].isalnum()
