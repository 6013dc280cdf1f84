"""Each faulty file gets its class: exit code, words, and nothing written on a refusal. Hand-made."""

import json

import pandas as pd
import pytest
from typer.testing import CliRunner

from igfstrat.cli.main import app
from igfstrat.schema import FLAG_CODES
from tests.cli.cases import CASES, HEADERS, as_csv, as_xlsx, changed, clean_rows

RUNNER = CliRunner()


def score(path, *more):
    out = path.parent / "out.csv"
    result = RUNNER.invoke(app, ["score", str(path), "--plan", "breast", "--out", str(out), *more])
    return result, out


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_faulty_file_gets_its_class(case, tmp_path):
    path = tmp_path / f"cohort{case.suffix}"
    path.write_bytes(case.content())
    result, out = score(path)
    assert result.exit_code == case.exit_code, result.output
    for word in case.says:
        assert word.lower() in result.output.lower(), result.output
    assert "Traceback" not in result.output
    left = sorted(p.name for p in tmp_path.iterdir())
    if case.exit_code == 2:
        assert left == [path.name]
    else:
        scored = pd.read_csv(out, dtype=str)
        raised = {flag.partition(":")[0] for text in scored["flags"].dropna() for flag in text.split(";")}
        assert raised <= set(FLAG_CODES)
        assert len(scored) == max(1, len(pd.read_csv(path, dtype=str, sep=None, engine="python")))


def test_rows_in_equal_rows_out_with_every_status(tmp_path):
    rows = changed("igf1_ng_ml", {5: "", 7: "<25"})()
    path = tmp_path / "c.csv"
    path.write_bytes(as_csv(rows))
    result, out = score(path)
    table = pd.read_csv(out, dtype=str)
    assert table["row_status"].value_counts().to_dict() == {"scored": 58, "not_scored": 1, "flagged": 1}
    assert table.loc[3, "not_scored_because"] == "Serum IGF-1 missing"
    assert "below_detection:igf1_ng_ml" in table.loc[5, "flags"]
    assert "58 scored · 1 scored with flags · 1 not scored" in result.output


def test_csv_and_xlsx_give_identical_numbers(tmp_path):
    rows = clean_rows()
    tables = []
    for name in ("a.csv", "b.xlsx", "c.xlsx"):
        path = tmp_path / name
        if name == "a.csv":
            path.write_bytes(as_csv(rows))
        else:
            as_xlsx(rows, path, typed=name == "b.xlsx")
        result, out = score(path, "--force")
        assert result.exit_code == 0, result.output
        tables.append(pd.read_csv(out, dtype=str).drop(columns=HEADERS))
    pd.testing.assert_frame_equal(tables[0], tables[1])
    pd.testing.assert_frame_equal(tables[0], tables[2])


def test_row_and_column_order_do_not_change_scores(tmp_path):
    rows = clean_rows()
    order = pd.Series(range(60)).sample(frac=1, random_state=1).tolist()
    turned = [{key: rows[i][key] for key in reversed(HEADERS)} for i in order]
    found = []
    for i, table in enumerate((rows, turned)):
        path = tmp_path / f"{i}.csv"
        path.write_bytes(as_csv(table))
        result, out = score(path, "--force")
        assert result.exit_code == 0, result.output
        found.append(pd.read_csv(out, dtype=str).sort_values("patient_id", ignore_index=True))
    pd.testing.assert_frame_equal(found[0], found[1][found[0].columns])


def test_header_in_row_4_is_found_and_stated(tmp_path):
    path = tmp_path / "c.xlsx"
    as_xlsx(clean_rows(), path, above=("Study 12", "exported 2024", ""))
    result, _ = score(path)
    assert result.exit_code == 0
    assert "row 4" in result.output


def test_several_sheets_that_could_be_meant_are_asked_for(tmp_path):
    path = tmp_path / "c.xlsx"
    import xlsxwriter

    with xlsxwriter.Workbook(str(path)) as book:
        book.add_worksheet("README").write_string(0, 0, "see the next sheet")
        for name in ("Cohort", "Cohort (2)"):
            sheet = book.add_worksheet(name)
            for i, row in enumerate([dict(zip(HEADERS, HEADERS, strict=True)), *clean_rows()]):
                for j, key in enumerate(HEADERS):
                    sheet.write_string(i, j, row[key])
    result, _ = score(path)
    assert result.exit_code == 2
    assert "Cohort (2)" in result.output
    assert "--sheet" in result.output
    chosen, _ = score(path, "--sheet", "Cohort (2)")
    assert chosen.exit_code == 0


def test_identifiers_never_appear_outside_the_result(tmp_path):
    rows = changed("patient_id", {9: "P003", 12: ""})()
    path = tmp_path / "c.csv"
    path.write_bytes(as_csv(rows))
    result, _ = score(path)
    assert result.exit_code == 2
    assert "P003" not in result.output


def test_formula_ids_stay_text_and_can_be_turned_back(tmp_path):
    hostile = {5: "=1+1", 6: "@SUM(A1)", 7: "+x", 8: "-y", 9: "'quoted"}
    path = tmp_path / "c.csv"
    path.write_bytes(as_csv(changed("patient_id", hostile)()))
    result, out = score(path)
    assert result.exit_code == 0, result.output
    written = pd.read_csv(out, dtype=str)["patient_id"]
    assert [written[row - 2] for row in hostile] == ["'" + text for text in hostile.values()]


def test_existing_output_is_refused_without_force(tmp_path):
    path = tmp_path / "c.csv"
    path.write_bytes(as_csv(clean_rows()))
    assert score(path)[0].exit_code == 0
    again, _ = score(path)
    assert again.exit_code == 2
    assert "--force" in again.output
    assert score(path, "--force")[0].exit_code == 0


def test_output_over_input_is_refused(tmp_path):
    path = tmp_path / "c.csv"
    path.write_bytes(as_csv(clean_rows()))
    result = RUNNER.invoke(app, ["score", str(path), "--plan", "breast", "--out", str(path), "--force"])
    assert result.exit_code == 2
    assert "both input and output" in result.output


def test_missing_output_folder_is_an_environment_error_before_any_work(tmp_path):
    path = tmp_path / "c.csv"
    path.write_bytes(as_csv(clean_rows()))
    result = RUNNER.invoke(
        app, ["score", str(path), "--plan", "breast", "--out", str(tmp_path / "no" / "out.csv")]
    )
    assert result.exit_code == 5


def test_strict_refuses_what_would_be_flagged(tmp_path):
    path = tmp_path / "c.csv"
    path.write_bytes(as_csv(changed("igf1_ng_ml", {5: "<25"})()))
    result, out = score(path, "--strict")
    assert result.exit_code == 2
    assert not out.exists()


def test_manifest_counts_every_row(tmp_path):
    path = tmp_path / "c.csv"
    path.write_bytes(as_csv(changed("igf1_ng_ml", {5: ""})()))
    _, out = score(path)
    manifest = json.loads(out.with_name("out.manifest.json").read_text())
    rows = manifest["rows"]
    assert rows["read"] == rows["scored"] + rows["flagged"] + rows["not_scored"] == 60
    assert manifest["inputs"][0]["sha256"]
    assert manifest["plan"]["settings"]["status"]["igf1r_status"]
