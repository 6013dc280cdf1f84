"""Scoring from Python: known answers of public data (realdata) and cases worked by hand."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from igfstrat.cohort import read_cohort
from igfstrat.workflows.plan import choose_plan, make_feature_pipeline
from igfstrat.workflows.score_cohort import score
from igfstrat.workflows.score_tables import score_table, write_scores
from tests.cli.cases import as_csv, changed, clean_rows, renamed

DATA = Path(__file__).parents[3] / "shared" / "data"


def make_file(tmp_path, rows):
    path = tmp_path / "cohort.csv"
    path.write_bytes(as_csv(rows))
    return path


def test_column_in_doubt_is_no_input_of_the_pipeline(tmp_path):
    rows = changed("igf1_ng_ml", lambda _, v: str(round(float(v) / 7.649, 2)))()
    cohort = read_cohort(make_file(tmp_path, rows))
    assert "igf1" in cohort.unusable
    assert "igf1_ng_ml" not in cohort.table
    with pytest.raises(ValueError, match="igf1_ng_ml"):
        make_feature_pipeline("breast").fit_transform(cohort.table)


def test_plan_comes_from_the_disease_column(tmp_path):
    cohort = read_cohort(make_file(tmp_path, [{**row, "disease": "breast"} for row in clean_rows()]))
    assert choose_plan(None, cohort).origin == "plan breast, from the disease column"


def test_without_a_plan_the_features_whose_inputs_are_there_are_computed(tmp_path):
    result = score(make_file(tmp_path, renamed("igfbp3_ng_ml", "other")()))
    assert list(result.features) == ["igf1_sds", "igf1_status", "igf1r_status", "subtype"]


def test_feature_that_the_input_also_has_gets_a_name_of_its_own(tmp_path):
    table = score_table(score(make_file(tmp_path, clean_rows()), plan="breast"))
    assert {"subtype", "subtype_igfstrat"} <= set(table.columns)
    assert table["subtype"].iloc[3] == "TNBC"
    assert table["subtype_igfstrat"].iloc[3] == "triple_negative"


def test_each_stratum_comes_with_what_is_reported_about_its_outcome(tmp_path):
    rows = [{**row, "disease": "breast"} for row in clean_rows()]
    result = score(make_file(tmp_path, rows), plan=make_plan(tmp_path, STRATA))
    table = score_table(result).set_index("stratum")["stratum_evidence"]
    assert table["HER2-enriched, high"].iloc[0].startswith("IGF-1R protein, high: conflicting for DFS")
    assert "S1-59" in table["HER2-enriched, high"].iloc[0]
    assert "E-d-32" in table["luminal, high"].iloc[0]
    # nothing is said of patients whose stratum is open, or of a stratum that no marker decides
    assert table["rest"].isna().all()
    written = write_scores(result, tmp_path / "out.csv", command=[])
    manifest = json.loads(written[1].read_text(encoding="utf-8"))
    said = {record["endpoint"]: record for record in manifest["evidence"]["HER2-enriched, high"]}
    assert said["DFS"]["verdict"] == "conflicting"
    assert said["DFS"]["disputed_by"] == ["S1-59"]
    assert "rest" not in manifest["evidence"]


STRATA = """
disease: breast
features: [igf1r_status, subtype]
status: {igf1r_status: {rule: her2_style_2_or_3}}
strata:
  - {name: "HER2-enriched, high", where: {subtype: her2_enriched, igf1r_status: high}}
  - {name: "luminal, high", where: {subtype: [luminal_a, luminal_b], igf1r_status: high}}
  - {name: rest}
"""


def make_plan(tmp_path, text):
    path = tmp_path / "plan.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_converted_concentration_is_written_with_its_unit(tmp_path):
    rows = [{**row, "igf1_ng_ml": repr(float(row["igf1_ng_ml"]) / 7.649)} for row in clean_rows()]
    rows = [{("igf1_nmol_l" if k == "igf1_ng_ml" else k): v for k, v in row.items()} for row in rows]
    table = score_table(score(make_file(tmp_path, rows), plan="breast"))
    expected = [float(row["igf1_ng_ml"]) for row in clean_rows()]
    np.testing.assert_allclose(table["igf1_ng_ml"].astype(float), expected, rtol=1e-12)


@pytest.mark.realdata
def test_juul_is_flagged_for_its_assay_and_decides_no_status():
    cohort = read_cohort(DATA / "juul" / "juul.txt", map="juul")
    result = score(cohort)
    raw = pd.read_csv(DATA / "juul" / "juul.txt", sep=r"\s+")
    adults = (raw["age"] >= 18) & raw["igf1"].notna() & raw["sex"].notna()
    flags = pd.Series(result.flags)
    assert flags[adults].str.contains("assay_not_reference:igf1_ng_ml").all()
    assert set(result.features.loc[adults, "igf1_status"]) == {"indeterminate"}
    in_table = adults & (raw["age"] <= 88)
    assert result.features.loc[in_table, "igf1_sds"].notna().all()
    assert result.features.loc[raw["age"] < 18, "igf1_sds"].isna().all()


def test_manifest_names_every_file_that_was_read(tmp_path):
    rows = clean_rows()
    ihc = [{"patient_id": row["patient_id"], "ihc": row.pop("igf1r_ihc")} for row in rows]
    path = make_file(tmp_path, rows)
    (tmp_path / "stains.csv").write_bytes(as_csv(ihc))
    (tmp_path / "map.yaml").write_text(
        "join: [{file: stains.csv, by: patient_id}]\ncolumns: {igf1r_ihc: ihc}\n",
        encoding="utf-8",
    )
    result = score(path, plan="breast", map=tmp_path / "map.yaml")
    written = write_scores(result, tmp_path / "scored.csv", command=["igfstrat", "score"])
    manifest = json.loads(written[1].read_text(encoding="utf-8"))
    assert [item["name"] for item in manifest["inputs"]] == [
        "cohort.csv",
        "stains.csv",
        "map.yaml",
        "breast.yaml",
    ]
    assert result.counts["scored"] == 60
