"""Measures, resampling and leaks.

Sources of truth: cases worked by hand; the parts computed apart from each other; deliberate leaks, one of a kind, that must
be caught; equality of bytes at any n_jobs; the test cases of the R package pmsampsize 1.1.3 for sample sizes.
"""

# ruff: noqa: N803, N806 - X is scikit-learn's name

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import StandardScaler

from igfstrat.errors import DomainError, EstimationError, UsageError
from igfstrat.models import (
    CoxModel,
    EventStratifiedKFold,
    GroupKaplanMeier,
    ModelSettings,
    RiskPipeline,
    added_value,
    bootstrap_validation,
    calibration,
    check_no_leak,
    compare_with_baselines,
    decision_curve,
    evaluate,
    external_validation,
    make_outcome,
    make_risk_pipeline,
    nested_cross_validation,
    riley_sample_size,
)
from igfstrat.models._resampling import Loop, in_parallel, resampled_rows
from igfstrat.models.comparing import likelihood_ratio
from igfstrat.models.leaks import fit_and_predict
from igfstrat.models.sample_size import expected_shrinkage
from igfstrat.survival import brier_score, concordance, concordance_uno, cumulative_dynamic_auc, kaplan_meier

PREDICTORS = ("igf1_sds", "igf1r_status", "subtype", "age_years")
SETTINGS = ModelSettings(predictors=PREDICTORS)


@pytest.fixture
def fitted(cohort):
    X, y = cohort
    return make_risk_pipeline(SETTINGS).fit(X, y), X, y


def test_measures_are_those_of_their_own_functions(fitted):
    model, X, y = fitted
    found = evaluate(model, X, y, at=[6.0, 18.0])
    data = {"time": y["time"], "event": y["event"]}
    risk, survival = model.predict(X), model.predict_survival_function(X, [6.0, 18.0])
    assert found["c_harrell"] == concordance(**data, risk=risk).value
    assert found["c_uno"] == concordance_uno(**data, risk=risk, tau=18.0).value
    assert found["auc@18"] == cumulative_dynamic_auc(**data, risk=risk, at=[18.0]).value[0]
    assert found["brier@6"] == pytest.approx(
        brier_score(**data, survival=survival[:, :1], at=[6.0]).value[0], rel=1e-12
    )
    alone = np.full((len(X), 1), kaplan_meier(**data).at([18.0]).survival[0])
    null = brier_score(**data, survival=alone, at=[18.0]).value[0]
    assert found["ipa@18"] == pytest.approx(1 - found["brier@18"] / null, rel=1e-12)
    grid = np.linspace(0, 18, 2001)[1:]
    fine = brier_score(**data, survival=model.predict_survival_function(X, grid), at=grid).value
    assert found["ibs"] == pytest.approx(np.trapezoid(np.append(0, fine), np.append(0, grid)) / 18, rel=0.02)


def test_calibration_in_the_large_is_kaplan_meier_over_the_mean_risk(fitted):
    model, X, y = fitted
    survival = model.predict_survival_function(X, [12.0])[:, 0]
    found = calibration(time=y["time"], event=y["event"], survival=survival, at=12.0)
    observed = 1 - kaplan_meier(time=y["time"], event=y["event"]).at([12.0]).survival[0]
    assert found.observed_expected == pytest.approx(observed / (1 - survival).mean(), rel=1e-12)
    assert found.intercept == pytest.approx(np.log(found.observed_expected), rel=1e-12)


def test_the_slope_of_a_model_on_its_own_data_is_one_and_two_where_log_risks_are_halved(fitted):
    model, X, y = fitted
    last = float(y["time"].max())
    survival = model.predict_survival_function(X, [last])[:, 0]
    found = calibration(time=y["time"], event=y["event"], survival=survival, at=last)
    assert found.slope == pytest.approx(1, abs=1e-8)
    halved = np.exp(-np.exp(0.5 * np.log(-np.log(survival))))
    assert calibration(time=y["time"], event=y["event"], survival=halved, at=last).slope == pytest.approx(
        2, abs=1e-8
    )


def test_the_smooth_curve_of_a_well_calibrated_model_is_near_the_diagonal(make_cohort):
    X, y = make_cohort(3000)
    model = make_risk_pipeline(SETTINGS).fit(X, y)
    survival = model.predict_survival_function(X, [12.0])[:, 0]
    good = calibration(time=y["time"], event=y["event"], survival=survival, at=12.0)
    bad = calibration(time=y["time"], event=y["event"], survival=survival**3, at=12.0)
    assert good.ici < 0.02
    assert bad.ici > 0.1
    assert good.e50 <= good.e90
    assert np.array_equal(good.predicted, 1 - survival)


def test_one_prediction_for_all_has_no_slope_and_says_why(cohort):
    _, y = cohort
    found = calibration(time=y["time"], event=y["event"], survival=np.full(len(y), 0.7), at=12.0)
    assert np.isnan(found.slope)
    assert "constant" in found.not_estimable


def test_net_benefit_of_four_patients_by_hand():
    curve = decision_curve(
        time=[1.0, 2, 9, 9],
        event=[True, True, False, False],
        risk=[0.9, 0.3, 0.6, 0.2],
        at=5.0,
        thresholds=[0.25, 0.5, 0.95],
    )
    # above 0.25 are three with 2 events, above 0.5 two with 1, above 0.95 none
    assert curve.model == pytest.approx([2 / 4 - 1 / 4 / 3, 1 / 4 - 1 / 4, 0.0])
    assert curve.treat_all == pytest.approx([2 / 4 - 2 / 4 / 3, 0.0, 2 / 4 - 2 / 4 * 19])
    with pytest.raises(DomainError, match="thresholds"):
        decision_curve(time=[1.0], event=[True], risk=[0.5], at=1.0, thresholds=[1.0])


def test_the_optimism_is_what_a_loop_by_hand_finds(cohort):
    X, y = cohort
    estimator = make_risk_pipeline(SETTINGS)
    found = bootstrap_validation(estimator, X, y, at=[12.0], n_resamples=4, seed=7)
    gaps = []
    for b in range(4):
        rows = resampled_rows(len(X), 7, b)
        model = clone(estimator).fit(X.iloc[rows], y[rows])
        gaps.append(model.score(X.iloc[rows], y[rows]) - model.score(X, y))
    assert found.optimism["c_harrell"] == pytest.approx(np.mean(gaps), rel=1e-12)
    apparent = clone(estimator).fit(X, y).score(X, y)
    assert found.apparent["c_harrell"] == apparent
    assert found.measures["c_harrell"].value == pytest.approx(apparent - np.mean(gaps), rel=1e-12)


@pytest.mark.parametrize("validate", [bootstrap_validation, nested_cross_validation])
def test_validation_has_the_same_bits_for_any_n_jobs(cohort, validate):
    X, y = cohort
    estimator = make_risk_pipeline(
        ModelSettings.model_validate({"predictors": PREDICTORS, "penalty": {"ridge": 0.05}})
    )
    one, two = (validate(estimator, X, y, at=[6.0, 12.0], n_resamples=6, seed=3, n_jobs=n) for n in (1, 2))
    assert one.table.to_numpy().tobytes() == two.table.to_numpy().tobytes()
    assert validate(estimator, X, y, at=[6.0, 12.0], n_resamples=6, seed=4).measures != one.measures


TUNED = ModelSettings.model_validate({"predictors": PREDICTORS, "penalty": {"ridge": "tuned"}})


def test_a_cluster_gives_the_bits_of_one_process(cohort, dask_address):
    X, y = cohort
    how = {"at": [12.0], "n_resamples": 3, "seed": 3}
    estimator = make_risk_pipeline(TUNED, folds=3)
    for validate in (bootstrap_validation, nested_cross_validation):
        here, there = (validate(estimator, X, y, **how, cluster=c) for c in (None, dask_address))
        assert here.table.to_numpy().tobytes() == there.table.to_numpy().tobytes()


def test_a_loop_tells_how_many_of_its_resamples_are_done(cohort):
    X, y = cohort
    told = []
    external_validation(
        make_risk_pipeline(SETTINGS).fit(X, y),
        X,
        y,
        at=[12.0],
        n_resamples=90,
        progress=lambda *numbers: told.append(numbers),
    )
    assert told[-1] == (90, 90)
    assert [done for done, _ in told] == sorted({done for done, _ in told})
    assert len(told) > 30


def test_a_resample_without_estimate_is_none_and_a_fault_of_ours_is_not_swallowed():
    def job(i):
        if i == 1:
            raise EstimationError
        if i == 3:
            raise ZeroDivisionError
        return i

    assert in_parallel(job, 3, Loop()) == [0, None, 2]
    with pytest.raises(ZeroDivisionError):
        in_parallel(job, 4, Loop())


def test_copies_of_a_patient_stay_in_one_fold_and_a_copy_on_both_sides_shrinks_the_penalty(make_cohort):
    X, y = make_cohort(160, effect=0.3)
    rows = resampled_rows(len(X), 1, 0)
    for train, test in EventStratifiedKFold(4).split(None, y[rows], rows):
        assert not set(rows[train]) & set(rows[test])
        assert abs(y[rows]["event"][test].mean() - y[rows]["event"].mean()) < 0.1
    drawn, outcome = X.iloc[rows], y[rows]
    chosen = {}
    for name, table in {"together": drawn, "torn apart": drawn.reset_index(drop=True)}.items():
        tuned = make_risk_pipeline(TUNED).fit(table, outcome)
        chosen[name] = tuned.best_params_["model__penalizer"]
    assert chosen["together"] > chosen["torn apart"]


def test_cross_validated_concordance_compares_patients_of_one_fold(cohort):
    X, y = cohort
    found = nested_cross_validation(make_risk_pipeline(SETTINGS), X, y, at=[12.0], n_resamples=2, seed=5)
    concordant = comparable = 0
    for train, test in EventStratifiedKFold(5, 5).split(X, y):
        model = make_risk_pipeline(SETTINGS).fit(X.iloc[train], y[train])
        risk = 1 - model.predict_survival_function(X.iloc[test], [12.0])[:, 0]
        time, event = y["time"][test], y["event"][test]
        for i in np.flatnonzero(event):
            later = (time > time[i]) | ((time == time[i]) & ~event)
            comparable += later.sum()
            concordant += (risk[i] > risk[later]).sum() + (risk[i] == risk[later]).sum() / 2
    assert found.measures["c_harrell"].value == pytest.approx(concordant / comparable, rel=1e-12)


def test_cross_validated_c_of_uno_and_auc_are_means_over_folds_by_their_pairs(cohort):
    X, y = cohort
    found = nested_cross_validation(make_risk_pipeline(SETTINGS), X, y, at=[12.0], n_resamples=2, seed=5)
    uno, auc = np.zeros(2), np.zeros(2)
    for train, test in EventStratifiedKFold(5, 5).split(X, y):
        model = make_risk_pipeline(SETTINGS).fit(X.iloc[train], y[train])
        risk = 1 - model.predict_survival_function(X.iloc[test], [12.0])[:, 0]
        time, event = y["time"][test], y["event"][test]
        curve = kaplan_meier(time=time, event=~event)
        g = np.array([curve.at([np.nextafter(t, 0)]).survival[0] for t in time])  # still followed just before
        controls = time > 12
        for i in np.flatnonzero(event & (time <= 12)):
            better = (risk[i] > risk) + (risk[i] == risk) / 2
            later = (time > time[i]) | ((time == time[i]) & ~event)
            uno += np.array([better[later].sum(), later.sum()]) / g[i] ** 2
        cases = np.flatnonzero(event & (time <= 12))
        weight = (1 / g[cases]) / (1 / g[cases]).sum()
        shares = [((risk[i] > risk[controls]) + (risk[i] == risk[controls]) / 2).mean() for i in cases]
        pairs = len(cases) * controls.sum()
        auc += np.array([weight @ shares * pairs, pairs])
    assert found.measures["c_uno"].value == pytest.approx(uno[0] / uno[1], rel=1e-12)
    assert found.measures["auc@12"].value == pytest.approx(auc[0] / auc[1], rel=1e-12)


def test_a_training_part_without_the_reference_level_is_refused_in_its_own_words(cohort):
    X, y = cohort
    rare = X.assign(subtype=["rare"] + ["luminal_a", "luminal_b"] * 149 + ["luminal_a"])
    settings = SETTINGS.model_copy(update={"reference": {"subtype": "rare"}})
    with pytest.raises(UsageError, match="rare"):
        nested_cross_validation(make_risk_pipeline(settings), rare, y, at=[12.0], n_resamples=2)


def test_corrected_calibration_has_the_spread_of_the_model_itself_and_not_that_of_refits(cohort):
    X, y = cohort
    how = {"at": [12.0], "n_resamples": 12, "seed": 2}
    estimator = make_risk_pipeline(SETTINGS)
    found = bootstrap_validation(estimator, X, y, **how)
    apparent = external_validation(estimator.fit(X, y), X, y, **how)
    for name in ("observed_expected@12", "calibration_slope@12"):
        shifted = np.array(apparent.measures[name]) - found.optimism[name]
        np.testing.assert_allclose(found.measures[name], shifted, rtol=1e-9)


def test_noise_has_an_apparent_concordance_above_one_half_and_a_corrected_one_near_it():
    apparent, corrected, crossed = [], [], []
    for seed in range(8):
        rng = np.random.default_rng(seed)
        X = pd.DataFrame(rng.normal(size=(100, 12)), columns=[f"m{i}" for i in range(12)])
        y = make_outcome(time=rng.exponential(size=100), event=rng.random(100) < 0.7)
        found = bootstrap_validation(CoxModel(), X, y, at=[1.0], n_resamples=15)
        apparent.append(found.apparent["c_harrell"])
        corrected.append(found.measures["c_harrell"].value)
        crossed.append(
            nested_cross_validation(CoxModel(), X, y, at=[1.0], n_resamples=2).measures["c_harrell"].value
        )
    assert np.mean(apparent) > 0.6
    for honest in (corrected, crossed):
        assert abs(np.mean(honest) - 0.5) < 3 * np.std(honest, ddof=1) / np.sqrt(len(honest))


def test_rows_without_a_prediction_are_counted_not_guessed(fitted):
    model, X, y = fitted
    new = X.copy()
    new.loc[[0, 1, 2], "subtype"] = "her2_enriched"
    found = external_validation(model, new, y, at=[12.0], n_resamples=5)
    rest = external_validation(model, X.iloc[3:], y[3:], at=[12.0], n_resamples=5)
    assert found.n_not_scored == 3
    assert found.measures["c_harrell"].value == rest.measures["c_harrell"].value
    with pytest.raises(EstimationError, match="0 of 300 rows"):
        external_validation(model, X.assign(subtype="x"), y, at=[12.0], n_resamples=5)


def test_what_cannot_be_measured_is_refused(fitted):
    model, X, y = fitted
    with pytest.raises(UsageError, match="horizons"):
        evaluate(model, X, y, at=[])
    with pytest.raises(UsageError, match="n_resamples"):
        external_validation(model, X, y, at=[1.0], n_resamples=1)


def test_a_marker_that_carries_the_outcome_adds_and_noise_does_not(make_cohort):
    X, y = make_cohort(600, effect=1.0)
    adds = added_value(SETTINGS, X, y, markers=["igf1r_status"], at=[12.0], n_resamples=10)
    assert adds.adds
    assert adds.test.df == 1
    assert adds.differences["c_harrell"].ci_lower > 0
    noise = added_value(SETTINGS, X, y, markers=["igf1_sds"], at=[12.0], n_resamples=10)
    assert not noise.adds
    assert abs(noise.differences["c_harrell"].value) < 0.01
    reduced = SETTINGS.model_copy(update={"predictors": PREDICTORS[1:]})
    assert noise.test == likelihood_ratio(SETTINGS, reduced, X, y)


def test_baselines_are_corrected_as_a_loop_by_hand_corrects_them(cohort):
    X, y = cohort
    found = compare_with_baselines(SETTINGS, X, y, markers=["igf1_sds", "igf1r_status"], at=[12.0], n_resamples=3, seed=7)  # fmt: skip
    assert set(found.baselines) == {"clinical_only", "marker_only", "subtype_only"}
    full = bootstrap_validation(make_risk_pipeline(SETTINGS), X, y, at=[12.0], n_resamples=3, seed=7)
    assert found.corrected.measures == full.measures
    gaps, apparent = [], GroupKaplanMeier("subtype").fit(X, y).score(X, y)
    for b in range(3):
        rows = resampled_rows(len(X), 7, b)
        curves = GroupKaplanMeier("subtype").fit(X.iloc[rows], y[rows])
        gaps.append(curves.score(X.iloc[rows], y[rows]) - curves.score(X, y))
    curves = found.baselines["subtype_only"]
    assert curves.apparent["c_harrell"] == apparent
    assert curves.measures["c_harrell"].value == pytest.approx(apparent - np.mean(gaps), rel=1e-12)
    assert curves.differences["c_harrell"].value == pytest.approx(
        full.measures["c_harrell"].value - apparent + np.mean(gaps), rel=1e-9
    )


@pytest.mark.parametrize(
    ("predictors", "markers", "expected"),
    [
        (("age_years", "subtype"), (), {"subtype_only"}),
        (("igf1_sds", "igf1r_status"), ("igf1_sds", "igf1r_status"), set()),
        (("igf1_sds", "age_years"), ("igf1_sds",), {"clinical_only", "marker_only"}),
        (("subtype",), (), set()),
    ],
)
def test_a_model_is_set_beside_what_is_simpler_than_it(cohort, predictors, markers, expected):
    X, y = cohort
    settings = ModelSettings(predictors=predictors)
    found = compare_with_baselines(settings, X, y, markers=markers, at=[12.0], n_resamples=2)
    assert set(found.baselines) == expected
    assert (found.added is not None) == ("clinical_only" in expected)


def test_baselines_are_judged_on_the_patients_that_have_every_predictor(cohort):
    X, y = cohort
    X = X.copy()
    X.loc[[3, 8], "igf1_sds"] = np.nan
    rest = np.setdiff1d(np.arange(len(X)), [3, 8])
    how = {"markers": ["igf1_sds"], "at": [12.0], "n_resamples": 2}
    assert (
        compare_with_baselines(SETTINGS, X, y, **how).baselines
        == compare_with_baselines(SETTINGS, X.iloc[rest], y[rest], **how).baselines
    )


# leaks, one of a kind: what must be learned in the fold is learned from all rows


def leaky(prepare):
    def procedure(X, y, train, test):
        Z = prepare(X, y)
        return CoxModel().fit(Z[train], y[train]).predict(Z[test])

    return procedure


def scaled(X, y):
    return StandardScaler().fit_transform(X[["igf1_sds", "age_years"]])


def filled(X, y):
    return SimpleImputer(strategy="median").fit_transform(X[["igf1_sds", "age_years"]])


def cut(X, y):
    return (X[["igf1_sds", "age_years"]] > X[["igf1_sds", "age_years"]].quantile(0.5)).to_numpy(dtype=float)


def selected(X, y):
    candidates = X.select_dtypes("number").to_numpy()
    c = [
        abs(concordance(time=y["time"], event=y["event"], risk=column).value - 0.5) for column in candidates.T
    ]
    return candidates[:, np.argsort(c)[-2:]]


def tuned_outside(X, y, train, test):
    """The penalty chosen on all rows, everything else on the training rows."""
    numbers = X.select_dtypes("number").drop(columns="igf1_sds")
    settings = {"predictors": tuple(numbers), "penalty": {"ridge": "tuned"}}
    tuned = make_risk_pipeline(ModelSettings.model_validate(settings), folds=3).fit(numbers, y)
    model = clone(tuned.best_estimator_).fit(numbers.iloc[train], y[train])
    return model.predict(numbers.iloc[test])


def noisy(make_cohort):
    X, y = make_cohort(150)
    rng = np.random.default_rng(4)
    return X.assign(**{f"gene_{i}": rng.normal(size=150) for i in range(30)}), y


@pytest.mark.parametrize(
    ("prepare", "word"),
    [(scaled, "predictors"), (filled, "predictors"), (cut, "predictors"), (selected, "outcome")],
)
def test_a_leak_is_caught(make_cohort, prepare, word):
    X, y = noisy(make_cohort)
    if prepare is filled:
        X.loc[::7, "igf1_sds"] = np.nan
    with pytest.raises(EstimationError, match=f"{word} of"):
        check_no_leak(leaky(prepare), X, y)


def test_a_penalty_tuned_outside_the_fold_is_caught(make_cohort):
    X, y = noisy(make_cohort)
    X["gene_0"] = y["time"]  # whose worth depends on the outcome of every row
    with pytest.raises(EstimationError, match="outcome of"):
        check_no_leak(tuned_outside, X, y)


class Median(TransformerMixin, BaseEstimator):
    """A cut at the training median."""

    def fit(self, X, y=None):
        self.at_ = X.median()
        return self

    def transform(self, X):
        return X.gt(self.at_).astype(float)


class Selection(TransformerMixin, BaseEstimator):
    """The two columns of the best concordance in training."""

    def fit(self, X, y):
        c = [abs(concordance(time=y["time"], event=y["event"], risk=X[name]).value - 0.5) for name in X]
        self.names_ = list(X.columns[np.argsort(c)[-2:]])
        return self

    def transform(self, X):
        return X[self.names_]


def test_the_same_steps_within_the_fold_do_not_leak(make_cohort):
    X, y = noisy(make_cohort)
    X.loc[::7, "igf1_sds"] = np.nan
    section = {
        "predictors": PREDICTORS,
        "imputation": {"numbers": "median", "words": "own_level"},
        "penalty": {"ridge": "tuned"},
    }
    check_no_leak(fit_and_predict(make_risk_pipeline(ModelSettings.model_validate(section), folds=3)), X, y)
    numbers = X.select_dtypes("number").drop(columns="igf1_sds")
    for step in (Median(), Selection()):
        check_no_leak(
            fit_and_predict(RiskPipeline([("step", step), ("model", CoxModel(penalizer=0.1))])), numbers, y
        )


def test_selecting_outside_the_fold_finds_concordance_in_noise_and_inside_it_does_not():
    rng = np.random.default_rng(8)
    X = pd.DataFrame(rng.normal(size=(80, 200)), columns=[f"gene_{i}" for i in range(200)])
    y = make_outcome(time=rng.exponential(size=80), event=np.ones(80, bool))
    inside = RiskPipeline([("step", Selection()), ("model", CoxModel())])
    honest = nested_cross_validation(inside, X, y, at=[1.0], n_resamples=2).measures["c_harrell"].value
    chosen = Selection().fit(X, y).transform(X)
    leaking = (
        nested_cross_validation(CoxModel(), chosen, y, at=[1.0], n_resamples=2).measures["c_harrell"].value
    )
    assert leaking > 0.6
    assert honest < 0.57


@pytest.mark.parametrize(
    ("given", "sizes"),
    [
        ({"r_squared": 0.051, "n_parameters": 25, "event_rate": 0.065}, (4286, 866)),
        ({"r_squared": 0.065, "n_parameters": 25, "event_rate": 0.065}, (3335, 859)),
        ({"r_squared": 0.051, "n_parameters": 50, "event_rate": 0.065}, (8572, 1731)),
        ({"r_squared": 0.051, "n_parameters": 25, "event_rate": 0.1}, (4286, 731)),
    ],
)
def test_sample_sizes_are_those_of_pmsampsize(given, sizes):
    found = riley_sample_size(**given, mean_followup=2.07, horizon=2.0)
    assert found.by_shrinkage == sizes[0]
    assert (
        abs(found.by_optimism - sizes[1]) <= 1
    )  # pmsampsize rounds the events of 10,000 patients up on the way
    assert found.n_patients == sizes[0]
    assert found.events_per_parameter == pytest.approx(
        sizes[0] * given["event_rate"] * 2.07 / given["n_parameters"]
    )
    assert expected_shrinkage(
        r_squared=given["r_squared"] / 0.9, n_parameters=given["n_parameters"], n_patients=sizes[0]
    ) == pytest.approx(0.9, abs=1e-4)


def test_sample_sizes_that_cannot_be_are_refused():
    for bad in ({"r_squared": 0.0}, {"r_squared": 0.95}, {"n_parameters": 0}, {"event_rate": -1.0}):
        with pytest.raises(DomainError):
            riley_sample_size(
                **{
                    "r_squared": 0.1,
                    "n_parameters": 5,
                    "event_rate": 0.1,
                    "mean_followup": 2.0,
                    "horizon": 2.0,
                }
                | bad
            )
