"""Plans as people write them: every documented key is read, and what isn't computed is said. Worked by hand."""

import pytest

from igfstrat.config import make_config, parse_yaml
from igfstrat.errors import CohortError, ConfigError, UsageError
from igfstrat.workflows.plan import ChosenPlan, Plan
from igfstrat.workflows.score_cohort import score
from igfstrat.workflows.survival_report import survival_report
from tests.cli.cases import as_csv, clean_rows

FULL = """
disease: breast
features: [igf1_sds, igfbp3_sds, igf1_igfbp3_molar_ratio, igf1r_status, subtype]
status:
  igf1r_status: {at_least: 2, of: igf1r_ihc}
  igf1_status: {sds_above: 1.0, reference: ids_isys_2014, assume_assay: null}
subtype: {rule: as_given}
strata:
  - {name: "luminal B, IGF-1R high", where: {subtype: luminal_b, igf1r_status: high}}
  - {name: other}
analysis:
  headline: stratified_logrank
  strata: [subtype]
  covariates: [age_years]
  subgroups: [subtype]
  milestones: {years: [1, 3], months: [6]}
  rmst: {years: 2}
  landmark: null
  competing: null
  missing: complete_case
  treatment: null
  cutpoint: null
  alpha: 0.05
model:
  type: cox
  predictors: [igf1_sds, igf1r_status, subtype]
  interactions: [[subtype, igf1r_status]]
  penalty: {ridge: tuned}
  horizons: {months: [12, 36, 60]}
"""


def make_plan(text):
    return ChosenPlan(make_config(Plan, parse_yaml(text, source="plan.yaml")), "plan", None)


def run(tmp_path, text):
    path = tmp_path / "cohort.csv"
    path.write_bytes(as_csv(clean_rows()))
    return survival_report(path, endpoint="dfs", plan=make_plan(text))


def test_every_documented_key_is_read_and_does_something(tmp_path):
    result = run(tmp_path, FULL)
    first = result.report.endpoints[0]
    assert first.stratified_logrank.p_value is not None
    assert [m.months for m in first.groups[0].milestones] == [6.0, 12.0, 36.0]
    assert first.rmst_tau == 24.0
    assert [v.variable.name for v in result.slices.subgroups.endpoints[0].variables] == ["subtype"]
    assert result.slices.by_endpoint["dfs"].adjusted is not None


def test_headline_is_the_plan_s_whatever_the_others_say(tmp_path):
    from igfstrat.report.sentences import headline_estimate

    result = run(tmp_path, FULL).report.endpoints[0]
    assert headline_estimate(result) is result.stratified_logrank


def test_a_landmark_restarts_the_clock_for_those_still_under_observation(tmp_path):
    plain, late = (
        run(tmp_path, text) for text in (FULL, FULL.replace("landmark: null", "landmark: {months: 24}"))
    )
    landmark = late.slices.by_endpoint["dfs"].landmark
    assert landmark.months == 24.0
    months = [float(row["dfs_months"]) for row in clean_rows()]
    assert late.report.endpoints[0].n == sum(m > 24 for m in months)
    assert plain.slices.by_endpoint["dfs"].landmark is None


def test_a_subgroup_that_is_a_number_is_refused(tmp_path):
    with pytest.raises(UsageError, match="age_years, which is a number"):
        run(tmp_path, FULL.replace("subgroups: [subtype]", "subgroups: [age_years]"))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("headline: stratified_logrank", "headline: best_p", "headline"),
        ("alpha: 0.05", "alpha: 1.5", "less than 0.5"),
        ("covariates:", "covariate:", "did you mean 'covariates'"),
        ("[1, 3]", "[-1]", "milestones must be > 0"),
        ("rmst: {years: 2}", "rmst: {years: 0}", "greater than 0"),
        ("type: cox", "type: coxph", "model.type"),
    ],
)
def test_misspelt_or_impossible_settings_are_refused(old, new, said):
    with pytest.raises(ConfigError, match=said):
        make_plan(FULL.replace(old, new, 1))


REFERENCE = (
    "analyte,sex,age_years,l,m,s,unit\nigf1,female,20,1,20,0.25,nmol/L\nigf1,female,90,1,20,0.25,nmol/L\n"
)
OWN_REFERENCE = """
features: [igf1_sds, igf1_status]
references: {mine: {file: tables/mine.csv, assay: ria, matrix: serum}}
status: {igf1_status: {sds_above: 1.0, reference: mine, assume_assay: ria}}
"""


def score_with_reference(tmp_path, *, text=REFERENCE, plan=OWN_REFERENCE):
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables/mine.csv").write_text(text, encoding="utf-8")
    (tmp_path / "plan.yaml").write_text(plan, encoding="utf-8")
    (tmp_path / "cohort.csv").write_text(
        "patient_id,age_years,sex,igf1_ng_ml\nA,50,F,153\nB,50,F,230\nC,95,F,230\n", encoding="utf-8"
    )
    return score(tmp_path / "cohort.csv", plan=tmp_path / "plan.yaml")


def test_a_plans_own_reference_table_is_converted_used_and_named_in_the_manifest(tmp_path):
    result = score_with_reference(tmp_path)
    # 20 nmol/L are 152.98 ng/mL, and a standard deviation a quarter of it
    assert result.features["igf1_sds"].round(2).tolist()[:2] == [0.0, 2.01]
    assert result.features["igf1_status"].tolist() == ["low", "high", "indeterminate"]
    assert tmp_path / "tables/mine.csv" in result.chosen.files_with(result.cohort)
    assert "mine" in result.descriptions["igf1_sds"]


def test_a_reference_table_outside_the_plans_folder_is_refused(tmp_path):
    outside = OWN_REFERENCE.replace("tables/mine.csv", "../mine.csv")
    with pytest.raises(ConfigError, match="outside the folder"):
        score_with_reference(tmp_path, plan=outside)


def test_every_fault_of_a_reference_table_is_told_with_its_line(tmp_path):
    faulty = REFERENCE.replace("igf1,female,90,1,20,0.25", "igf1,female,19,1,-20,0.25")
    with pytest.raises(CohortError) as caught:
        score_with_reference(tmp_path, text=faulty)
    assert "3" in str(caught.value)
    assert "-20" in str(caught.value)
