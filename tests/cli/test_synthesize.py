"""`igfstrat synthesize`: what it writes, says and refuses. Worked by hand; files against each other (invariant)."""

import csv
import json
import subprocess
import sys

import pandas as pd
import pytest
from typer.testing import CliRunner

from igfstrat.cli import synthesize as verb
from igfstrat.cli.main import app
from igfstrat.cohort import read_cohort
from igfstrat.synthetic import calibration, targets

RUNNER = CliRunner()


def ask(*options):
    return RUNNER.invoke(app, ["synthesize", "breast_early", *map(str, options)])


def made(out, *options):
    result = ask("--n", 120, "--out", out, *options)
    assert result.exit_code == 0, result.output
    return result.output


def manifest_of(out):
    return json.loads(out.with_name(f"{out.stem}.manifest.json").read_text(encoding="utf-8"))


def test_suffix_picks_the_format_and_all_hold_the_same_patients(tmp_path):
    for suffix in ("csv", "xlsx", "parquet"):
        made(tmp_path / f"a.{suffix}")
    one, other = (read_cohort(tmp_path / f"a.{suffix}").table for suffix in ("csv", "xlsx"))
    pd.testing.assert_frame_equal(one, other)
    assert pd.read_parquet(tmp_path / "a.parquet")["patient_id"].tolist() == one["patient_id"].tolist()


def test_clean_cohort_is_read_without_a_flag(tmp_path):
    made(tmp_path / "a.csv")
    assert [p for p in read_cohort(tmp_path / "a.csv").problems if p.severity != "notice"] == []


def test_manifest_says_what_made_the_cohort(tmp_path):
    made(tmp_path / "a.csv", "--seed", 9, "--realism")
    manifest = manifest_of(tmp_path / "a.csv")
    assert (manifest["seed"], manifest["rows"], manifest["messy"]) == (9, 120, None)
    # what the configuration itself says of realism
    assert [lab["assay"] for lab in manifest["realism"]["labs"]] == ["ids_isys"] * 3 + ["liaison_xl"]
    assert manifest["inputs"][0]["name"] == "breast_early.yaml"
    assert len(manifest["inputs"][0]["sha256"]) == 64


def test_realism_is_off_until_it_is_asked_for(tmp_path):
    made(tmp_path / "a.csv")
    made(tmp_path / "b.csv", "--realism")
    assert manifest_of(tmp_path / "a.csv")["realism"] is None
    assert (tmp_path / "a.csv").read_bytes() != (tmp_path / "b.csv").read_bytes()


@pytest.mark.parametrize("suffix", ["csv", "xlsx"])
def test_messy_sheet_comes_with_the_list_of_its_faults(tmp_path, suffix):
    out = tmp_path / f"a.{suffix}"
    assert "a.faults.csv" in made(out, "--messy", "usual")
    with (tmp_path / "a.faults.csv").open(encoding="utf-8-sig", newline="") as handle:
        faults = list(csv.DictReader(handle))
    assert len(faults) == manifest_of(out)["faults"] > 10
    assert {"row", "column", "kind", "old", "new"} == set(faults[0])


def test_same_command_writes_the_same_bytes_with_any_number_of_workers(tmp_path):
    for name, options in (("a", []), ("b", ["--n-jobs", 2])):
        made(tmp_path / f"{name}.csv", "--realism", *options)
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--n", 5], "needs both --n and --out"),
        (["--n", 5, "--out", "a.txt"], "write .csv, .xlsx or .parquet"),
        (["--n", 5, "--out", "a.csv", "--messy", "awful"], "light, usual, severe"),
        (["--n", 5, "--out", "a.parquet", "--messy", "usual"], "kept by hand"),
        (["--n", 100_001, "--out", "a.csv", "--messy", "usual"], "at most 100,000"),
        (["--n", 1_048_576, "--out", "a.xlsx"], "a sheet holds"),
        (["--n", 5, "--out", "a.csv", "--n-jobs", 0], "--n-jobs 0"),
        (["--n", 5, "--out", "a.csv", "--preset", "nobody"], "nobody"),
    ],
)
def test_what_cannot_be_is_a_usage_error_and_nothing_is_written(tmp_path, monkeypatch, options, message):
    monkeypatch.chdir(tmp_path)
    result = ask(*options)
    assert result.exit_code == 2
    assert message in result.output
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("there", ["a.csv", "a.faults.csv"])
def test_file_that_is_there_stays_until_force_replaces_it(tmp_path, there):
    (tmp_path / there).write_text("earlier", encoding="utf-8")
    options = ("--n", 5, "--out", tmp_path / "a.csv", "--messy", "light")
    assert ask(*options).exit_code == 2
    assert (tmp_path / there).read_text(encoding="utf-8") == "earlier"
    assert ask(*options, "--force").exit_code == 0
    assert (tmp_path / there).read_text(encoding="utf-8-sig") != "earlier"


def test_long_run_tells_each_tenth_once_on_the_error_stream(tmp_path, monkeypatch):
    monkeypatch.setattr(verb, "_LONG", 100)
    tell = verb._say_tenths()
    told = []
    monkeypatch.setattr(verb.typer, "echo", lambda text, err: told.append((text, err)))
    for done in (3, 10, 11, 20, 55, 100):
        tell(done, 100)
    assert told == [(f"{done} of 100 patients", True) for done in (10, 20, 55, 100)]


def test_help_needs_no_table_library():
    code = (
        "import sys\n"
        "from typer.testing import CliRunner\n"
        "from igfstrat.cli.main import app\n"
        "assert CliRunner().invoke(app, ['synthesize', '--help']).exit_code == 0\n"
        "print(sorted({'pandas', 'numpy', 'pyarrow', 'joblib'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_preset_changes_outcomes_and_nothing_before_them(tmp_path):
    made(tmp_path / "a.csv")
    made(tmp_path / "b.csv", "--preset", "null")
    one, other = (pd.read_csv(tmp_path / f"{name}.csv") for name in "ab")
    assert not one["dfs_months"].equals(other["dfs_months"])
    assert one["igf1r_h_score"].equals(other["igf1r_h_score"])
    assert manifest_of(tmp_path / "b.csv")["preset"] == "null"


def test_calibration_shows_each_claim_and_needs_no_file(monkeypatch):
    make = targets.make_targets
    # all claims take minutes; two show the table
    monkeypatch.setattr(calibration, "make_targets", lambda config: make(config)[:2])
    result = ask("--calibration")
    assert result.exit_code == 0, result.output
    assert result.output.count("| holds |") == 2
    assert "marginal hazard ratio" in result.output
