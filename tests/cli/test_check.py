"""`igfstrat check`: what it shows, and that its draft of a map leads to a cohort that reads. Worked by hand."""

import re

from typer.testing import CliRunner

from igfstrat.cli.main import app
from tests.cli.cases import as_csv, changed, clean_rows, renamed

RUNNER = CliRunner()


def check(path, *more):
    return RUNNER.invoke(app, ["check", str(path), *more])


def make_file(tmp_path, rows):
    path = tmp_path / "cohort.csv"
    path.write_bytes(as_csv(rows))
    return path


def test_clean_cohort_has_nothing_to_answer(tmp_path):
    result = check(make_file(tmp_path, clean_rows()))
    assert result.exit_code == 0, result.output
    assert re.search(r"igf1 +igf1_ng_ml +ng/mL +60 values, median", result.output)
    assert "dfs_months / dfs_event" in result.output


def test_undeclared_events_become_a_question_with_the_codes_found(tmp_path):
    rows = changed("dfs_event", lambda _, v: {"1": "relapse", "0": "no"}[v])()
    result = check(make_file(tmp_path, rows))
    assert result.exit_code == 2
    assert "which codes are events" in result.output
    assert "relapse" in result.output
    assert "--write-map" in result.output


def test_answered_draft_reads_the_cohort(tmp_path):
    rows = [{("IGF-1" if k == "igf1_ng_ml" else k): v for k, v in row.items()} for row in clean_rows()]
    rows = [{**row, "dfs_event": {"1": "relapse", "0": "no"}[row["dfs_event"]]} for row in rows]
    path, draft = make_file(tmp_path, rows), tmp_path / "map.yaml"
    result = check(path, "--write-map", str(draft))
    assert result.exit_code == 2, result.output
    text = draft.read_text(encoding="utf-8")
    assert '{column: "IGF-1", unit: ng/mL}   # ? unit of igf1' in text
    answered = text.replace("event: [], censored: []", "event: [relapse], censored: [no]")
    draft.write_text(answered, encoding="utf-8")
    again = check(path, "--map", str(draft))
    assert again.exit_code == 0, again.output
    assert f"60 patients, {sum(r['dfs_event'] == 'relapse' for r in rows)} events" in again.output


def test_unanswered_draft_is_refused(tmp_path):
    rows = changed("dfs_event", lambda _, v: {"1": "relapse", "0": "no"}[v])()
    path, draft = make_file(tmp_path, rows), tmp_path / "map.yaml"
    check(path, "--write-map", str(draft))
    result = check(path, "--map", str(draft))
    assert result.exit_code == 2
    assert "dfs" in result.output


def test_misspelt_column_is_a_near_miss(tmp_path):
    result = check(make_file(tmp_path, renamed("igfbp3_ng_ml", "igfbp3_ngml")()))
    assert "'igfbp3_ngml' (igfbp3?)" in result.output


def test_check_writes_nothing_but_the_map(tmp_path):
    path = make_file(tmp_path, clean_rows())
    check(path)
    assert [p.name for p in tmp_path.iterdir()] == ["cohort.csv"]
