"""`igfstrat score` in pieces, in parquet, and with --explain: exit codes and what is shown. Worked by hand."""

import json

import pandas as pd
import pytest
from typer.testing import CliRunner

from igfstrat.cli.main import app
from tests.cli.cases import as_csv, clean_rows

RUNNER = CliRunner()


@pytest.fixture
def cohort(tmp_path):
    rows = clean_rows()
    rows[5]["igf1_ng_ml"] = "<25"
    rows[7]["igf1r_ihc"] = ""
    path = tmp_path / "cohort.csv"
    path.write_bytes(as_csv(rows))
    return path


def run(*arguments):
    return RUNNER.invoke(app, ["score", *map(str, arguments)])


def test_pieces_give_the_file_and_the_counts_of_the_whole(cohort, tmp_path):
    one = run(cohort, "--plan", "breast", "--out", tmp_path / "one.csv")
    two = run(cohort, "--plan", "breast", "--out", tmp_path / "two.csv", "--chunk-rows", 7, "--n-jobs", 2)
    assert (one.exit_code, two.exit_code) == (3, 3), one.output + two.output
    assert (tmp_path / "one.csv").read_bytes() == (tmp_path / "two.csv").read_bytes()
    assert one.output.splitlines()[0] == two.output.splitlines()[0]
    says = [json.loads((tmp_path / f"{name}.manifest.json").read_text()) for name in ("one", "two")]
    for key in ("rows", "strata", "flags", "features", "inputs", "evidence"):
        assert says[0][key] == says[1][key], key


def test_parquet_holds_what_csv_holds(cohort, tmp_path):
    for suffix in ("csv", "parquet"):
        assert run(cohort, "--plan", "breast", "--out", tmp_path / f"o.{suffix}", "--force").exit_code == 3
    one = pd.read_csv(tmp_path / "o.csv", dtype=str, encoding="utf-8-sig", keep_default_na=False)
    two = pd.read_parquet(tmp_path / "o.parquet")
    assert list(one) == list(two)
    assert two["igf1_sds"].dtype == float
    for name in ("patient_id", "igf1_ng_ml", "stratum", "flags", "not_scored_because"):
        assert one[name].tolist() == two[name].fillna("").tolist()


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--chunk-rows", "9", "--sheet", "Baseline"], "--sheet names a sheet of a workbook"),
        (["--chunk-rows", "9", "--out", "o.xlsx"], "written as .csv or .parquet"),
        (["--out", "o.ods"], "write .csv, .xlsx or .parquet"),
        ([], "name the result with --out"),
    ],
)
def test_what_cannot_be_is_refused_with_the_way_out(cohort, tmp_path, monkeypatch, more, words):
    monkeypatch.chdir(tmp_path)
    default = ["--out", "o.csv"] if more and "--out" not in more else []
    result = run(cohort, "--plan", "breast", *default, *more)
    assert result.exit_code == 2
    assert words in result.stderr
    assert [p.name for p in tmp_path.iterdir()] == ["cohort.csv"]


def test_explain_tells_value_limits_rules_and_flags_of_a_row_and_no_identifier(cohort, tmp_path):
    result = run(cohort, "--plan", "breast", "--explain", 7)
    assert result.exit_code == 0, result.output
    assert "igf1_ng_ml = between 0 and 25  ('igf1_ng_ml' holds '<25')" in result.output
    assert "below the detection limit: status goes by the limit" in result.output
    assert "igf1r_status = " in result.output
    assert "so the stratum is: " in result.output
    assert "P006" not in result.output
    assert "P006" in run(cohort, "--plan", "breast", "--explain", 7, "--show-ids").output
    assert [p.name for p in tmp_path.iterdir()] == ["cohort.csv"]


def test_explain_says_why_a_row_is_not_scored(cohort):
    result = run(cohort, "--plan", "breast", "--explain", 9)
    assert "igf1r_ihc = missing  ('igf1r_ihc' is empty)" in result.output
    assert "so the row is not scored: " in result.output


def test_explain_of_a_row_that_is_not_there_says_which_are(cohort):
    result = run(cohort, "--plan", "breast", "--explain", 100)
    assert result.exit_code == 2
    assert "from 2 to 61" in result.stderr


def test_explain_names_the_conversion_of_a_unit(tmp_path):
    rows = [{("igf1_nmol_l" if k == "igf1_ng_ml" else k): v for k, v in row.items()} for row in clean_rows()]
    for row in rows:
        row["igf1_nmol_l"] = f"{float(row['igf1_nmol_l']) / 7.649:.2f}"
    path = tmp_path / "c.csv"
    path.write_bytes(as_csv(rows))
    result = run(path, "--plan", "breast", "--explain", 2)
    assert "nmol/L × 7.649 = ng/mL" in result.output
