"""Agreement with R survival on gbsg, rotterdam and lung (source of truth: R, stored with script and versions), and with
lifelines on data that it ships. Tolerances: 1e-8 for estimates and errors, 1e-8 for predictions.
"""

# ruff: noqa: N806 - X is scikit-learn's name

import json
from pathlib import Path

import lifelines
import numpy as np
import pandas as pd
import pytest
from lifelines import datasets

from igfstrat.models import (
    CoxModel,
    LogLogisticAFTModel,
    PiecewiseExponentialModel,
    WeibullAFTModel,
    make_outcome,
)

STORED = json.loads(
    (Path(__file__).parents[1] / "reference" / "models_reference.json").read_text(encoding="utf-8")
)
INTERVALS = json.loads(
    (Path(__file__).parents[1] / "reference" / "model_intervals_reference.json").read_text(encoding="utf-8")
)
COVARIATES = {
    "gbsg": ["age", "size", "nodes", "pgr", "er", "hormon"],
    "rotterdam": ["age", "meno", "grade", "nodes", "pgr", "er", "hormon", "chemo"],
    "lung": ["age", "sex", "ph.ecog", "ph.karno"],
}
STRATUM = {"gbsg": "grade", "rotterdam": "size", "lung": "sex"}
CLOSE = {"rtol": 1e-8, "atol": 1e-10}


def load(folder, name):
    table = pd.read_csv(folder / "standard_survival" / ("cancer.csv" if name == "lung" else f"{name}.csv"))
    if name == "lung":
        table = table.dropna(subset=COVARIATES[name]).reset_index(drop=True)
        time, event = table["time"], table["status"] == 2
    elif name == "gbsg":
        time, event = table["rfstime"], table["status"] == 1
    else:
        time, event = table["rtime"], (table["recur"] == 1) | (table["death"] == 1)
    return table, make_outcome(time=time, event=event.to_numpy())


@pytest.fixture(params=sorted(COVARIATES))
def case(request, data_folder):
    table, y = load(data_folder, request.param)
    r = {key: np.array(value, dtype=float) for key, value in STORED["values"][request.param].items()}
    return request.param, table, table[COVARIATES[request.param]].astype(float), y, r


def with_errors(model):
    return np.concatenate((model.coef_, np.sqrt(np.diag(model.covariance_))))


@pytest.mark.realdata
@pytest.mark.parametrize(("ties", "key"), [("efron", "cox"), ("breslow", "breslow")])
def test_cox_coefficients_errors_and_predictions_are_those_of_coxph(case, ties, key):
    _, _, X, y, r = case
    model = CoxModel(ties=ties).fit(X, y)
    np.testing.assert_allclose(with_errors(model), r[key], **CLOSE)
    first = X.iloc[:5]
    zero = float(model.mean_ @ model.coef_)
    np.testing.assert_allclose(model.predict(first) + zero, r[f"{key}_lp"], **CLOSE)
    survival = model.predict_survival_function(first, r["at"])
    np.testing.assert_allclose(survival.ravel(), r[f"{key}_survival"], **CLOSE)
    known = np.isfinite(r[f"{key}_median"])
    np.testing.assert_allclose(model.predict_median(first)[known], r[f"{key}_median"][known], **CLOSE)
    assert np.isinf(model.predict_median(first)[~known]).all()
    np.testing.assert_allclose(model.score(X, y), r[f"{key}_concordance"], **CLOSE)


@pytest.mark.realdata
def test_the_baseline_is_that_of_basehaz(case):
    _, _, X, y, r = case
    model = CoxModel().fit(X, y)
    nobody = pd.DataFrame(np.zeros((1, X.shape[1])), columns=X.columns)
    hazard = -np.log(model.predict_survival_function(nobody, r["baseline_time"]))[0]
    np.testing.assert_allclose(hazard, r["baseline"], **CLOSE)


@pytest.mark.realdata
def test_strata_are_those_of_coxph(case):
    name, table, X, y, r = case
    stratum = STRATUM[name]
    if stratum in X:  # R keeps the coefficient of sex within strata of sex as not estimable
        X = X.drop(columns=stratum)
        kept = ~np.isnan(r["strata"]) & (r["strata"] != 0)
    else:
        kept = np.ones(len(r["strata"]), bool)
    model = CoxModel(strata=("stratum",)).fit(X.assign(stratum=table[stratum]), y)
    np.testing.assert_allclose(with_errors(model), r["strata"][kept], **CLOSE)


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("family", "cls"), [("weibull", WeibullAFTModel), ("loglogistic", LogLogisticAFTModel)]
)
def test_accelerated_models_are_those_of_survreg(case, family, cls):
    _, _, X, y, r = case
    model = cls().fit(X, y)
    found = np.concatenate(
        (
            [model.intercept_],
            model.coef_,
            [model.log_scale_],
            np.sqrt(np.diag(model.covariance_)),
            [model.log_likelihood_],
        )
    )
    np.testing.assert_allclose(found, r[family], **CLOSE)
    np.testing.assert_allclose(model.predict_median(X.iloc[:5]), r[f"{family}_median"], **CLOSE)


@pytest.mark.realdata
def test_the_piecewise_model_is_the_poisson_regression_of_time_at_risk(case):
    _, _, X, y, r = case
    model = PiecewiseExponentialModel(breakpoints=tuple(r["cuts"])).fit(X, y)
    k = len(model.log_rates_)
    # R's rates are at covariates 0, ours at the means
    at_zero = model.log_rates_ - float(model.mean_ @ model.coef_)
    estimates = np.concatenate((at_zero, model.coef_))
    np.testing.assert_allclose(estimates, r["piecewise"][: len(estimates)], **CLOSE)
    errors = np.sqrt(np.diag(model.covariance_))[k:]
    np.testing.assert_allclose(errors, r["piecewise"][len(estimates) + k :], **CLOSE)


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("key", "make", "digits"),
    [
        ("cox", lambda _: CoxModel(), 1e-8),
        ("breslow", lambda _: CoxModel(ties="breslow"), 1e-8),
        ("strata", lambda _: CoxModel(strata=("stratum",)), 1e-8),
        ("weibull", lambda _: WeibullAFTModel(), 1e-8),
        ("loglogistic", lambda _: LogLogisticAFTModel(), 1e-8),
        ("piecewise", lambda cuts: PiecewiseExponentialModel(tuple(cuts)), 1e-7),  # R's by differences
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_limits_of_predicted_survival_are_those_of_r(case, key, make, digits):
    name, table, X, y, _ = case
    r = INTERVALS["values"][name]
    X = X.drop(columns="sex", errors="ignore")
    if key == "strata":
        X = X.assign(stratum=table[STRATUM[name]])
    model = make(r["cuts"]).fit(X, y)
    found = model.predict_survival_interval(X.iloc[:5], r["at"])
    np.testing.assert_allclose(found.ravel(), r[key], rtol=digits, atol=1e-10)


def gbsg2():
    table = datasets.load_gbsg2()
    X = pd.DataFrame({n: table[n].astype(float) for n in ("age", "tsize", "pnodes", "progrec")})
    X["hormone"] = (table["horTh"] == "yes").astype(float)
    # without ties, since lifelines puts Breslow's baseline beside Efron's coefficients
    table = table.assign(time=table["time"] + np.arange(len(table)) / 1024)
    return X, make_outcome(time=table["time"], event=table["cens"] == 1), table


@pytest.mark.parametrize("penalizer", [0.0, 0.01, 0.3])
def test_ridge_is_that_of_lifelines(penalizer):
    X, y, table = gbsg2()
    theirs = lifelines.CoxPHFitter(penalizer=penalizer)
    precisely = {"precision": 1e-13, "r_precision": 1e-16}
    theirs.fit(X.assign(T=table["time"], E=table["cens"]), "T", "E", fit_options=precisely)
    ours = CoxModel(penalizer=penalizer).fit(X, y)
    np.testing.assert_allclose(ours.coef_, theirs.params_, rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(np.sqrt(np.diag(ours.covariance_)), theirs.standard_errors_, rtol=1e-8)
    at = np.sort(y["time"][y["event"]])[[50, 200]]  # lifelines draws straight lines between events
    expected = theirs.predict_survival_function(X.iloc[:4], times=at).to_numpy().T
    np.testing.assert_allclose(ours.predict_survival_function(X.iloc[:4], at), expected, rtol=1e-8)


def test_the_elastic_net_is_that_of_lifelines_up_to_its_rounded_corner():
    X, y, table = gbsg2()
    theirs = lifelines.CoxPHFitter(penalizer=0.05, l1_ratio=0.5).fit(
        X.assign(T=table["time"], E=table["cens"]), "T", "E"
    )
    ours = CoxModel(penalizer=0.05, l1_ratio=0.5).fit(X, y)
    scale = X.std().to_numpy()
    np.testing.assert_allclose(ours.coef_ * scale, theirs.params_ * scale, atol=1e-5)


@pytest.mark.parametrize(
    ("ours", "theirs", "digits"),
    [
        (WeibullAFTModel(), lifelines.WeibullAFTFitter(), 1e-5),
        # lifelines stops early here: R agrees with us to 1e-8, and our likelihood is the higher
        (LogLogisticAFTModel(), lifelines.LogLogisticAFTFitter(), 1e-3),
    ],
    ids=["weibull", "log-logistic"],
)
def test_accelerated_models_are_those_of_lifelines(ours, theirs, digits):
    X, y, table = gbsg2()
    theirs.fit(X.assign(T=table["time"].astype(float), E=table["cens"]), "T", "E")
    ours.fit(X, y)
    at = [300.0, 1000.0]
    expected = theirs.predict_survival_function(X.iloc[:4], times=at).to_numpy().T
    np.testing.assert_allclose(ours.predict_survival_function(X.iloc[:4], at), expected, rtol=digits)
    assert ours.log_likelihood_ >= theirs.log_likelihood_ - 1e-9


def test_one_interval_is_the_exponential_model_of_lifelines():
    X, y, table = gbsg2()
    ours = PiecewiseExponentialModel(breakpoints=1).fit(X[["hormone"]], y)
    by_group = table.groupby(X["hormone"])
    rates = by_group["cens"].sum() / by_group["time"].sum()
    np.testing.assert_allclose(ours.coef_[0], np.log(rates[1.0] / rates[0.0]), rtol=1e-10)
