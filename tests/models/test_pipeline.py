"""A plan's section becomes a pipeline (source of truth: the same steps by hand; settings that must be refused)."""

# ruff: noqa: N806 - X is scikit-learn's name

import numpy as np
import pytest
from pydantic import ValidationError
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from igfstrat.errors import EstimationError, IgfstratWarning, UsageError
from igfstrat.models import (
    CoxModel,
    DesignMatrix,
    GroupKaplanMeier,
    ModelCard,
    ModelSettings,
    PiecewiseExponentialModel,
    WeibullAFTModel,
    check_survival_estimator,
    clinical_only,
    evaluate,
    make_risk_pipeline,
    marker_only,
    save_model,
)
from igfstrat.models.scoring import partial_likelihood_score, partial_log_likelihood
from igfstrat.survival import kaplan_meier
from tests.models.test_estimators import Duck

PREDICTORS = ("igf1_sds", "igf1r_status", "subtype", "age_years")
FULL = ModelSettings(predictors=PREDICTORS, interactions=(("subtype", "igf1r_status"),))


def test_the_pipeline_is_its_steps_by_hand(cohort):
    X, y = cohort
    pipeline = make_risk_pipeline(FULL).fit(X, y)
    matrix = DesignMatrix(PREDICTORS, FULL.interactions).fit_transform(X)
    model = CoxModel().fit(matrix, y)
    assert np.array_equal(pipeline.predict(X), model.predict(matrix))
    at = [6.0, 12.0]
    assert np.array_equal(
        pipeline.predict_survival_function(X, at), model.predict_survival_function(matrix, at)
    )
    assert np.array_equal(pipeline.predict_median(X), model.predict_median(matrix))
    assert np.array_equal(pipeline.predict_interval(X), model.predict_interval(matrix))
    assert pipeline.score(X, y) == model.score(matrix, y)


@pytest.mark.parametrize("penalty", [{}, {"ridge": 0.1}, {"ridge": "tuned"}], ids=str)
def test_the_pipeline_keeps_the_contract_of_an_estimator(cohort, penalty):
    X, y = cohort
    settings = ModelSettings.model_validate({"predictors": PREDICTORS, "penalty": penalty})
    check_survival_estimator(
        make_risk_pipeline(settings, folds=3), X=X, y=y, inner_folds="tuned" in penalty.values()
    )


def test_scale_and_reference_change_no_prediction_without_a_penalty(cohort):
    X, y = cohort
    other = FULL.model_copy(
        update={"scale": False, "reference": {"igf1r_status": "high", "subtype": "luminal_b"}}
    )
    first, second = (
        make_risk_pipeline(s).fit(X, y).predict_survival_function(X, [9.0]) for s in (FULL, other)
    )
    np.testing.assert_allclose(first, second, rtol=1e-9)


def test_rows_without_a_predictor_are_left_out_counted_and_not_scored(cohort):
    X, y = cohort
    X = X.copy()
    X.loc[[3, 8], "igf1_sds"] = np.nan
    pipeline = make_risk_pipeline(FULL).fit(X, y)
    assert pipeline["model"].n_left_out_ == 2
    assert np.flatnonzero(np.isnan(pipeline.predict(X))).tolist() == [3, 8]
    filled = make_risk_pipeline(
        ModelSettings.model_validate(
            {"predictors": PREDICTORS, "imputation": {"numbers": "median", "words": "own_level"}}
        )
    ).fit(X, y)
    assert filled["model"].n_left_out_ == 0
    assert np.isfinite(filled.predict(X)).all()
    assert [f.rows.tolist() for f in filled.flag_rows(X)] == [[3, 8]]


def test_a_tuned_penalty_is_the_one_with_the_best_partial_likelihood(make_cohort):
    X, y = make_cohort(150, effect=0.0)
    tuned = make_risk_pipeline(
        ModelSettings.model_validate({"predictors": PREDICTORS, "penalty": {"ridge": "tuned"}})
    ).fit(X, y)
    assert (
        tuned.best_params_["model__penalizer"]
        == tuned.cv_results_["params"][int(np.argmax(tuned.cv_results_["mean_test_score"]))][
            "model__penalizer"
        ]
    )
    again = clone(tuned).fit(X, y)
    assert np.array_equal(again.predict(X), tuned.predict(X))


@pytest.mark.parametrize("penalty", [{"ridge": "tuned"}, {"ridge": "tuned", "lasso": "tuned"}], ids=str)
def test_tuning_finds_the_scores_and_the_model_of_a_grid_search(make_cohort, penalty):
    X, y = make_cohort(150)
    X.loc[::9, "igf1_sds"] = np.nan
    tuned = make_risk_pipeline(ModelSettings.model_validate({"predictors": PREDICTORS, "penalty": penalty}))
    tuned.fit(X, y)
    search = GridSearchCV(tuned.estimator, tuned.param_grid, scoring=partial_likelihood_score, cv=tuned.cv)
    search.fit(X, y)
    assert tuned.cv_results_["params"] == search.cv_results_["params"]
    for name in ("mean_test_score", "split3_test_score"):
        np.testing.assert_allclose(tuned.cv_results_[name], search.cv_results_[name], rtol=1e-9)
    assert tuned.best_params_ == search.best_params_
    assert np.array_equal(tuned.predict(X), search.predict(X), equal_nan=True)


def test_tuning_within_strata_scores_within_strata(make_cohort):
    X, y = make_cohort(200)
    X["site"] = np.where(np.arange(200) % 3 == 0, "a", "b")
    settings = {"predictors": ("igf1_sds", "age_years"), "strata": ("site",), "penalty": {"ridge": "tuned"}}
    tuned = make_risk_pipeline(ModelSettings.model_validate(settings), folds=3).fit(X, y)
    train, test = next(iter(tuned.cv.split(X, y)))
    params = tuned.cv_results_["params"][4]
    model = clone(tuned.estimator).set_params(**params).fit(X.iloc[train], y[train])
    total = 0.0
    for site in ("a", "b"):
        rows = test[(X["site"].iloc[test] == site).to_numpy()]
        total += partial_log_likelihood(
            time=y["time"][rows], event=y["event"][rows], risk=model.predict(X.iloc[rows])
        )
    expected = total / y["event"][test].sum()
    assert tuned.cv_results_["split0_test_score"][4] == pytest.approx(expected, rel=1e-9)


def test_tuning_without_enough_events_says_so(cohort):
    X, y = cohort
    few = np.concatenate((np.flatnonzero(y["event"])[:3], np.flatnonzero(~y["event"])))
    tuned = make_risk_pipeline(
        ModelSettings.model_validate({"predictors": PREDICTORS, "penalty": {"ridge": "tuned"}})
    )
    with pytest.raises(EstimationError, match="5 folds"):
        tuned.fit(X.iloc[few], y[few])


def test_the_types_of_the_plan_are_the_models(cohort):
    X, y = cohort
    found = {
        kind: make_risk_pipeline(ModelSettings(type=kind, predictors=PREDICTORS)).fit(X, y)[-1]
        for kind in ("weibull_aft", "piecewise_exponential")
    }
    assert isinstance(found["weibull_aft"], WeibullAFTModel)
    assert isinstance(found["piecewise_exponential"], PiecewiseExponentialModel)
    assert make_risk_pipeline(
        ModelSettings.model_validate({"predictors": PREDICTORS, "penalty": {"ridge": 0.1, "lasso": 0.3}})
    )[-1].l1_ratio == pytest.approx(0.75)


@pytest.mark.parametrize(
    ("section", "word"),
    [
        ({"interactions": (("subtype", "age"),)}, "no predictor: age"),
        ({"predictors": ("subtype", "subtype")}, "twice"),
        ({"strata": ("subtype",)}, "stratum"),
        ({"type": "weibull_aft", "strata": ("site",)}, "Cox"),
        ({"type": "weibull_aft", "penalty": {"ridge": 0.1}}, "Cox"),
        ({"penalty": {"ridge": -1.0}}, "greater than or equal"),
        ({"penalty": {"ridge": "tuned", "lasso": 0.1}}, "both be tuned"),
        ({"reference": {"stage": "I"}}, "stage"),
    ],
)
def test_a_section_that_cannot_be_is_refused(section, word):
    with pytest.raises(ValidationError, match=word):
        ModelSettings.model_validate({"predictors": ("subtype", "age_years")} | section)


def test_another_estimator_works_by_its_face_is_validated_and_cannot_be_stored(cohort, tmp_path):
    X, y = cohort
    pipeline = make_risk_pipeline(FULL, model=Duck())
    with pytest.warns(IgfstratWarning, match="can't be stored"):
        pipeline.fit(X, y)
    measures = evaluate(pipeline, X, y, at=[12.0])
    assert measures["ipa@12"] == pytest.approx(0, abs=1e-12)  # it predicts the curve of all
    km = kaplan_meier(time=y["time"], event=y["event"]).at([12.0]).survival[0]
    assert pipeline.predict_survival_function(X, [12.0])[0, 0] == km
    with pytest.raises(UsageError, match="can't be stored"):
        save_model(tmp_path / "m.json", pipeline, ModelCard(name="x", endpoint="dfs", time_unit="months"))


def test_baselines_leave_out_what_they_say():
    assert clinical_only(FULL, ["igf1_sds", "igf1r_status"]).predictors == ("subtype", "age_years")
    assert clinical_only(FULL, ["igf1_sds"]).interactions == FULL.interactions
    assert marker_only(FULL, ["igf1_sds", "igf1r_status"]).interactions == ()
    with pytest.raises(UsageError, match="no predictor"):
        clinical_only(FULL, ["pdl1"])
    with pytest.raises(UsageError, match="no predictor is left"):
        clinical_only(FULL, PREDICTORS)


def test_a_curve_a_subtype_is_the_kaplan_meier_curve_of_the_subtype(cohort):
    X, y = cohort
    model = GroupKaplanMeier("subtype").fit(X, y)
    rows = (X["subtype"] == "luminal_b").to_numpy()
    expected = kaplan_meier(time=y["time"][rows], event=y["event"][rows]).at([10.0]).survival[0]
    assert model.predict_survival_function(X[rows], [10.0])[0, 0] == expected
    assert np.isnan(model.predict(X.assign(subtype="her2_enriched"))).all()
    order = sorted(model.risk_, key=model.risk_.get)
    means = {k: model.curves_[k].at(np.linspace(0.1, 40, 400)).survival.mean() for k in order}
    assert order == sorted(order, key=lambda k: -means[k])


@pytest.mark.parametrize(
    ("section", "word"),
    [
        ({"reliability": {"bmi": 0.8}}, "a reliability of what is no predictor: bmi"),
        ({"reliability": {"igf1_sds": 1.2}}, "less than or equal to 1"),
        ({"reliability": {"igf1_sds": 0}}, "greater than 0"),
        ({"reliability": {"igf1_sds": 0.8}, "penalty": {"ridge": "tuned"}}, "a reliability beside a penalty"),
        (
            {"reliability": {"igf1_sds": 0.8}, "interactions": (("igf1_sds", "subtype"),)},
            "a reliability of what is in an interaction: igf1_sds",
        ),
        ({"imputation": {"censored_normal": {"bmi": "log"}}}, "censored_normal of what is no predictor: bmi"),
        ({"imputation": {"censored_normal": {"igf1_sds": "cubic"}}}, "'linear' or 'log'"),
    ],
)
def test_a_declaration_of_error_or_limits_that_cannot_be_is_refused(section, word):
    with pytest.raises(ValidationError, match=word):
        ModelSettings.model_validate({"predictors": PREDICTORS, **section})


def test_a_model_without_the_markers_declares_nothing_of_them():
    both = {"igf1_sds": "linear", "age_years": "log"}
    settings = ModelSettings.model_validate(
        {"predictors": PREDICTORS, "reliability": {"igf1_sds": 0.8}, "imputation": {"censored_normal": both}}
    )
    without, alone = (make(settings, ["igf1_sds"]) for make in (clinical_only, marker_only))
    assert (without.reliability, without.imputation.censored_normal) == ({}, {"age_years": "log"})
    assert (alone.reliability, alone.imputation.censored_normal) == (
        {"igf1_sds": 0.8},
        {"igf1_sds": "linear"},
    )


@pytest.mark.parametrize("kind", ["cox", "weibull_aft", "log_logistic_aft", "piecewise_exponential"])
def test_a_stated_reliability_reaches_every_model_and_changes_no_prediction(cohort, kind):
    X, y = cohort
    plain = ModelSettings(type=kind, predictors=("igf1_sds", "age_years"))
    stated = plain.model_copy(update={"reliability": {"igf1_sds": 0.8}})
    first, second = (make_risk_pipeline(s).fit(X, y) for s in (plain, stated))
    assert np.array_equal(first.predict(X), second.predict(X))
    row = second[-1].corrected_coefficients().loc["igf1_sds"]
    assert abs(row["coef"]) > abs(row["naive_coef"]) == abs(first[-1].coefficients().loc["igf1_sds", "coef"])


def test_limits_of_survival_are_those_of_the_last_step(cohort):
    X, y = cohort
    pipeline = make_risk_pipeline(FULL).fit(X, y)
    found = pipeline.predict_survival_interval(X, [6.0, 12.0], 0.9)
    expected = pipeline[-1].predict_survival_interval(pipeline.matrix(X), [6.0, 12.0], 0.9)
    assert found.shape == (len(X), 2, 2)
    assert np.array_equal(found, expected)
