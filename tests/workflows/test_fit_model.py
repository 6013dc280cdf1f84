"""From a cohort to a model and back: what is fitted, what is stored, what another cohort gets. Invariants."""

from dataclasses import replace

import numpy as np
import pytest

from igfstrat.cohort import read_cohort
from igfstrat.errors import UsageError
from igfstrat.models import load_model
from igfstrat.workflows.fit_model import fit_model, write_model
from igfstrat.workflows.plan import choose_plan
from igfstrat.workflows.risk_inputs import plan_of_model, read_sample, split_horizons
from igfstrat.workflows.score_cohort import score_cohort
from igfstrat.workflows.score_model import add_risk
from igfstrat.workflows.validate_model import validate_model
from tests.cli.cases import as_csv
from tests.cli.test_fit import PLAN, rows_of


def cohort_of(folder, rows, name="cohort.csv"):
    (folder / name).write_bytes(as_csv(rows))
    return read_cohort(folder / name)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model")
    (folder / "plan.yaml").write_text(PLAN)
    cohort = cohort_of(folder, rows_of())
    chosen = choose_plan(folder / "plan.yaml", cohort)
    fitted = fit_model(cohort, endpoint="dfs", plan=chosen, n_replicates=4, seed=1)
    write_model(fitted, folder / "model.json", command=["igfstrat"])
    return folder, cohort, chosen, fitted


def test_stored_model_predicts_to_the_last_bit_what_the_fitted_one_did(made):
    folder, _, _, fitted = made
    loaded = load_model(folder / "model.json")
    assert loaded.sha256 == fitted.stored.sha256
    for model in (loaded.pipeline, fitted.stored.pipeline):
        assert np.array_equal(
            model.predict(fitted.sample.predictors), loaded.pipeline.predict(fitted.sample.predictors)
        )


def test_optimism_corrected_concordance_is_apparent_less_optimism(made):
    _, _, _, fitted = made
    corrected = fitted.corrected
    assert corrected.measures["c_harrell"].value == pytest.approx(
        fitted.apparent.measures["c_harrell"].value - corrected.optimism["c_harrell"], abs=1e-12
    )


def test_model_and_measures_do_not_depend_on_n_jobs(made):
    _, cohort, chosen, fitted = made
    again = fit_model(cohort, endpoint="dfs", plan=chosen, n_replicates=4, seed=1, n_jobs=2)
    assert again.stored.sha256 == fitted.stored.sha256


def test_marker_that_decides_the_hazard_is_said_to_add(tmp_path):
    rows, rng = rows_of(), np.random.default_rng(3)
    for row in rows:
        months = rng.exponential(20 if int(row["igf1r_ihc"]) >= 2 else 120)
        row["dfs_event"], row["dfs_months"] = str(int(months < 80)), str(round(min(months, 80.0) + 0.1, 1))
        row["pfs_months"] = row["dfs_months"]
    (tmp_path / "plan.yaml").write_text(PLAN)
    fitted = fit_model(cohort_of(tmp_path, rows), endpoint="dfs", plan=tmp_path / "plan.yaml", n_replicates=3)
    assert fitted.added.adds
    assert fitted.added.test.df == 1


def test_model_computes_its_features_by_the_plan_that_it_carries(made):
    folder, _, chosen, _ = made
    carried = plan_of_model(load_model(folder / "model.json").card).plan
    assert carried.status == chosen.plan.status
    assert carried.subtype == chosen.plan.subtype


def test_training_cohort_validates_with_the_apparent_measures(made):
    folder, cohort, _, fitted = made
    report = validate_model(cohort, model=folder / "model.json", endpoint="dfs", n_replicates=4)
    for name, measured in fitted.apparent.measures.items():
        assert report.found.measures[name].value == pytest.approx(measured.value, abs=1e-12), name
    assert [one.at for one in report.curves] == [24.0, 48.0]
    assert sum(group.n for group in report.curves[0].groups) == 240


def test_model_judged_on_another_endpoint_says_so(made):
    folder, cohort, _, _ = made
    report = validate_model(cohort, model=folder / "model.json", endpoint="pfs", n_replicates=2)
    assert any("trained for dfs and is judged here on pfs" in text for text in report.cautions)


def test_validation_on_fewer_than_100_events_is_cautioned(made):
    folder, cohort, _, _ = made
    few = cohort_of(folder, rows_of(60, seed=4), "few.csv")
    cautions = {}
    for name, table in {"few": few, "many": cohort}.items():
        report = validate_model(table, model=folder / "model.json", endpoint="dfs", n_replicates=2)
        assert (report.sample.n_events < 100) == (name == "few")
        cautions[name] = [text for text in report.cautions if "at least 100 are advised" in text]
    assert len(cautions["few"]) == 1
    assert cautions["many"] == []


def test_too_few_events_for_five_folds_leave_the_cross_validation_out(tmp_path):
    rows = rows_of(120)
    for i, row in enumerate(rows):
        row["dfs_event"] = str(int(i % 30 == 0))
    (tmp_path / "plan.yaml").write_text(PLAN)
    fitted = fit_model(cohort_of(tmp_path, rows), endpoint="dfs", plan=tmp_path / "plan.yaml", n_replicates=2)
    assert fitted.sample.n_events == 4
    assert fitted.cross_validated is None
    assert "cross_validated" not in fitted.stored.card.metrics
    assert "optimism_corrected" in fitted.stored.card.metrics


def test_subtype_curves_are_among_what_the_model_has_to_beat(tmp_path):
    (tmp_path / "plan.yaml").write_text(
        PLAN.replace("[igf1r_status, age_years]", "[igf1r_status, subtype, age_years]")
    )
    fitted = fit_model(
        cohort_of(tmp_path, rows_of()), endpoint="dfs", plan=tmp_path / "plan.yaml", n_replicates=3
    )
    metrics = fitted.stored.card.metrics
    assert metrics["subtype_only"]["over:c_harrell"][0] == pytest.approx(
        metrics["optimism_corrected"]["c_harrell"][0] - metrics["subtype_only"]["c_harrell"][0], abs=1e-12
    )
    assert load_model_of(fitted, tmp_path).card.metrics == metrics


def load_model_of(fitted, folder):
    write_model(fitted, folder / "stored.json", command=["igfstrat"])
    return load_model(folder / "stored.json")


def test_status_by_another_measure_than_in_training_is_said(made):
    folder, _, _, _ = made
    stored = load_model(folder / "model.json")
    other = dict(stored.card.feature_plan) | {"measured": {"igf1r_status": "igf1r_allred, allred_at_least_7"}}
    changed = replace(stored, card=replace(stored.card, feature_plan=other))
    report = validate_model(
        cohort_of(folder, rows_of(seed=9), "b.csv"), model=changed, endpoint="dfs", n_replicates=2
    )
    assert any("was from igf1r_allred" in text for text in report.cautions)


def test_risk_of_a_row_does_not_depend_on_the_others_nor_on_column_order(made):
    folder, _, chosen, _ = made
    stored, rows = load_model(folder / "model.json"), rows_of(40)
    whole = cohort_of(folder, rows, "whole.csv")
    part = cohort_of(folder, [dict(reversed(row.items())) for row in rows[10:30]], "part.csv")
    all_of_them, some = (add_risk(score_cohort(c, chosen), stored).features["risk"] for c in (whole, part))
    assert np.array_equal(all_of_them[10:30], some)


def test_level_that_training_lacked_has_no_risk_and_is_flagged(made, tmp_path):
    (tmp_path / "plan.yaml").write_text(PLAN.replace("[igf1r_status, age_years]", "[subtype, age_years]"))
    rows = [row for row in rows_of() if row["subtype"] != "TNBC"]
    fitted = fit_model(cohort_of(tmp_path, rows), endpoint="dfs", plan=tmp_path / "plan.yaml", n_replicates=2)
    other = cohort_of(tmp_path, rows_of(40), "other.csv")
    scored = add_risk(score_cohort(other, choose_plan(tmp_path / "plan.yaml", other)), fitted.stored)
    unseen = (scored.features["subtype"] == "triple_negative").to_numpy()
    assert unseen.any()
    assert np.array_equal(np.isnan(scored.features["risk"]), unseen)
    assert all("unseen_level:subtype" in flags for flags in scored.flags[unseen])
    assert not any("unseen_level" in flags for flags in scored.flags[~unseen])
    assert fitted.added is None  # no marker among the predictors


def test_horizons_beyond_the_followup_are_left_out_and_none_is_refused(made):
    _, cohort, chosen, _ = made
    outcome = read_sample(cohort, chosen, ("age_years",), "dfs", outcome="").outcome
    assert split_horizons((24.0, 500.0), outcome) == ((24.0,), (500.0,))
    with pytest.raises(UsageError, match="no horizon"):
        split_horizons((500.0,), outcome)


def test_plan_without_a_model_is_refused(made, tmp_path):
    _, cohort, _, _ = made
    (tmp_path / "plan.yaml").write_text(PLAN.partition("model:")[0])
    with pytest.raises(UsageError, match="no 'model:' section"):
        fit_model(cohort, endpoint="dfs", plan=tmp_path / "plan.yaml", n_replicates=2)
