"""A model that declares values beyond a limit and a reliability, from the file to the score (source of truth: by hand)."""

import numpy as np
import pytest

from igfstrat.cohort import read_cohort
from igfstrat.features.reference_range import reference_sds
from igfstrat.models import load_model, model_card_items, save_model
from igfstrat.models.card import tripod_items
from igfstrat.workflows.fit_model import fit_model
from igfstrat.workflows.plan import choose_plan
from igfstrat.workflows.risk_inputs import plan_of_model, read_predictors
from igfstrat.workflows.score_cohort import score_cohort
from igfstrat.workflows.score_model import add_risk

PLAN = """disease: breast
features: [igf1_sds]
model:
  predictors: [igf1_sds, age_years]
  reliability: {igf1_sds: 0.8}
  imputation: {censored_normal: {igf1_sds: linear}}
  horizons: {months: [12]}
"""


@pytest.fixture
def cohort(tmp_path):
    rng = np.random.default_rng(4)
    n = 150
    age, igf1 = rng.uniform(35, 80, n).round(), np.exp(rng.normal(4.8, 0.45, n)).round()
    time, censored = rng.exponential(np.exp(0.01 * (igf1 - 120))) * 30 + 0.1, rng.uniform(12, 60, n)
    cells = ["<80" if v < 80 else ">250" if v > 250 else f"{v:g}" for v in igf1]
    rows = [
        f"P{i},{age[i]:g},female,breast,{cells[i]},ids_isys,{min(time[i], censored[i]):.2f},{int(time[i] <= censored[i])}"
        for i in range(n)
    ]
    head = "patient_id,age_years,sex,disease,igf1_ng_ml,igf1_assay,dfs_months,dfs_event"
    (tmp_path / "c.csv").write_text("\n".join([head, *rows]), encoding="utf-8")
    (tmp_path / "plan.yaml").write_text(PLAN, encoding="utf-8")
    return read_cohort(tmp_path / "c.csv"), tmp_path / "plan.yaml", cells


def test_limits_of_a_score_are_the_scores_of_the_limits(cohort):
    read, plan, cells = cohort
    names = ("igf1_sds", "igf1")
    table = read_predictors(read, choose_plan(plan, read), names, limited=names, outcome="")
    low, high, measured = (
        next(i for i, c in enumerate(cells) if c[0] in mark) for mark in ("<", ">", "123456789")
    )
    who = {"age": read.table["age_years"].to_numpy(), "sex": read.table["sex"].to_numpy(dtype=object)}
    at_80, at_250 = (reference_sds(np.full(len(table), v), "igf1", **who) for v in (80.0, 250.0))
    assert not np.isfinite(table["igf1_sds_lower"][low])
    assert table["igf1_sds_upper"][low] == at_80[low]
    assert table["igf1_sds_lower"][high] == at_250[high]
    assert not np.isfinite(table["igf1_sds_upper"][high])
    assert (
        table["igf1_sds_lower"][measured] == table["igf1_sds_upper"][measured] == table["igf1_sds"][measured]
    )
    assert table["igf1_upper"][low] == 80


def test_every_patient_beyond_a_limit_is_fitted_scored_and_said(cohort, tmp_path):
    read, plan, cells = cohort
    fitted = fit_model(read, endpoint="dfs", plan=plan, n_replicates=2)
    assert fitted.n_incomplete == 0
    save_model(tmp_path / "m.json", fitted.stored.pipeline, fitted.stored.card)
    stored = load_model(tmp_path / "m.json")
    scored = add_risk(score_cohort(read, choose_plan(plan, read)), stored)
    assert scored.features["risk"].notna().all()
    beyond = [cell[0] in "<>" for cell in cells]
    assert [
        any(code in flags for code in ("below_detection:igf1_sds", "above_limit:igf1_sds"))
        for flags in scored.flags
    ] == beyond
    assert "predictions use the coefficients of the measured values" in scored.descriptions["risk"]
    items = model_card_items(stored)
    one = items["corrected_equation"][0]
    assert abs(one["coef"]) > abs(one["naive_coef"]) == abs(stored.pipeline[-1].coef_[0])
    assert "igf1_sds 0.8" in tripod_items(stored.pipeline, stored.card)["analysis"]
    assert items["beyond_limit"][0].startswith(f"igf1_sds beyond a limit ({sum(beyond)} of 150 in training)")
    assert plan_of_model(stored.card).plan.features == ("igf1_sds",)
