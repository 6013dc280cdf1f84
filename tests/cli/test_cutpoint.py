"""`igfstrat cutpoint` from a file to its report: worked by hand, and invariants of what is written."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from igfstrat.cli.main import app
from tests.cli.cases import as_csv, changed, clean_rows

RUNNER = CliRunner()
QUICK = ("--permutations", "200", "--bootstrap", "50")


def rows_of(n=60):
    rng = np.random.default_rng(5)
    return [{**row, "igf1r_h_score": str(int(rng.integers(0, 301)))} for row in clean_rows(n)]


def run(tmp_path, rows, *more, marker="igf1r_h_score", out="out"):
    path = tmp_path / "cohort.csv"
    path.write_bytes(as_csv(rows, headers=list(rows[0])))
    arguments = ["cutpoint", str(path), "--endpoint", "dfs", "--marker", marker, "--out", str(tmp_path / out)]
    return RUNNER.invoke(app, [*arguments, "--plan", "breast", *QUICK, *more]), tmp_path / out


def results(folder):
    return json.loads((folder / "report.json").read_text("utf-8"))


def test_report_and_manifest_are_written_with_every_number(tmp_path):
    done, out = run(tmp_path, rows_of(), "--formats", "html,svg")
    assert done.exit_code in {0, 3}, done.output
    found = results(out)["cutpoint"]
    assert (found["n"], found["n_permutations"], found["stability"]["n_bootstrap"]) == (60, 200, 50)
    assert len(found["scan"]["cuts"]) == len(found["scan"]["statistics"]) > 20
    manifest = json.loads((out / "manifest.json").read_text("utf-8"))
    assert (manifest["marker"], manifest["seed"], manifest["permutations"]) == (
        "igf1r_h_score",
        20261120,
        200,
    )
    names = {path.name for path in out.iterdir()}
    assert {"report.html", "report.json", "manifest.json", "cut_scan_dfs_igf1r_h_score_85mm.svg"} <= names
    assert "by permutation" in done.output
    assert "Research use only" in done.output


def test_same_seed_same_bytes_and_another_seed_other_permutations(tmp_path):
    texts = []
    for name, seed in (("a", "1"), ("b", "1"), ("c", "2")):
        _, out = run(tmp_path, rows_of(), "--formats", "html", "--seed", seed, out=name)
        texts.append((out / "report.json").read_bytes())
    assert texts[0] == texts[1]
    assert texts[0] != texts[2]


def test_marker_may_be_a_feature_or_levels_of_a_stain(tmp_path):
    for marker in ("igf1_sds", "igf1r_ihc", "igf1"):
        done, out = run(tmp_path, rows_of(), "--formats", "html", marker=marker, out=marker)
        assert done.exit_code in {0, 3}, done.output
        assert results(out)["cutpoint"]["marker"] == marker
        assert results(out)["cutpoint"]["n"] > 50


@pytest.mark.parametrize(
    ("marker", "says"),
    [
        ("igf1r_hscore", "did you mean 'igf1r_h_score'"),
        ("igf1r_status", "is no number"),
        ("subtype", "is no number"),
        ("igf1r_mrna", "missing"),
    ],
)
def test_marker_that_cannot_be_cut_is_refused_and_nothing_written(tmp_path, marker, says):
    done, out = run(tmp_path, rows_of(), marker=marker)
    assert done.exit_code == 2
    assert says in done.output
    assert not out.exists()


def test_unknown_format_is_refused_before_anything_is_read(tmp_path):
    done, out = run(tmp_path, rows_of(), "--formats", "html,gif")
    assert done.exit_code == 2
    assert "gif" in done.output
    assert not out.exists()


def late_rows():
    """Specimens 40 days after diagnosis in two rows, 40 days before it in the others."""
    rows = rows_of()
    for i, row in enumerate(rows):
        diagnosis = np.datetime64(row["diagnosis_date"])
        row["specimen_date"] = str(diagnosis + (40 if i in {3, 9} else -40))
    return rows


def plan(tmp_path, landmark):
    path = tmp_path / "plan.yaml"
    path.write_text(f"disease: breast\nanalysis:\n  landmark: {landmark}\n")
    return ("--plan", str(path))


def test_specimen_after_time_zero_is_refused_with_its_rows_and_without_its_date(tmp_path):
    done, out = run(tmp_path, late_rows())
    assert done.exit_code == 2, done.output
    assert "rows 5, 11" in done.output
    assert "40 days after time zero" in done.output
    assert "landmark" in done.output
    assert late_rows()[3]["specimen_date"] not in done.output
    assert not out.exists()


def test_a_landmark_after_the_latest_specimen_lets_it_pass_and_restarts_the_clock(tmp_path):
    rows = late_rows()
    rows[0] |= {"dfs_months": "1.5", "dfs_event": "1"}
    done, out = run(tmp_path, rows, *plan(tmp_path, "{months: 2}"), "--formats", "html")
    assert done.exit_code in {0, 3}, done.output
    found = results(out)
    assert (found["landmark"]["n_before"], found["landmark"]["n"], found["landmark"]["n_events_before"]) == (
        60,
        59,
        1,
    )
    assert found["cutpoint"]["n"] == 59
    short, _ = run(tmp_path, rows, *plan(tmp_path, "{months: 1}"), out="short")
    assert short.exit_code == 2


def test_no_events_still_gives_a_report_that_says_so(tmp_path):
    rows = [{**row, "dfs_event": "0"} for row in rows_of()]
    done, out = run(tmp_path, rows, "--formats", "html")
    assert done.exit_code == 3
    assert results(out)["cutpoint"]["not_estimable"] == "no events"
    assert "can't be searched" not in done.output
    assert "no events" in done.output


@pytest.mark.parametrize(
    "rows", [clean_rows(1), changed("igf1_ng_ml", lambda *_: "120")()], ids=["one patient", "constant"]
)
def test_poor_cohorts_still_give_a_report(tmp_path, rows):
    done, out = run(tmp_path, rows, "--formats", "html", marker="igf1")
    assert done.exit_code == 3, done.output
    assert results(out)["cutpoint"]["not_estimable"]


def test_strict_writes_nothing_where_something_would_be_flagged(tmp_path):
    rows = [{**row, "dfs_event": "0"} for row in rows_of()]
    done, out = run(tmp_path, rows, "--strict")
    assert done.exit_code == 2
    assert not out.exists()
