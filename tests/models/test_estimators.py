"""The contract of the estimators, the penalty, and what happens at the edges.

Sources of truth: our own survival version of scikit-learn's `check_estimator`, itself tested on estimators that break it;
the optimality conditions of the lasso; cases worked by hand.
"""

# ruff: noqa: N803, N806 - X is scikit-learn's name

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, clone
from sklearn.model_selection import GridSearchCV, cross_val_score

from igfstrat.errors import DomainError, EstimationError, UsageError
from igfstrat.models import (
    CoxModel,
    EventStratifiedKFold,
    LogLogisticAFTModel,
    PiecewiseExponentialModel,
    WeibullAFTModel,
    check_survival_estimator,
    make_outcome,
)
from igfstrat.models.scoring import partial_likelihood_score, partial_log_likelihood
from igfstrat.survival import cox, kaplan_meier, nelson_aalen
from igfstrat.survival._cox_design import read_design
from igfstrat.survival._cox_likelihood import derivatives_at

ESTIMATORS = [
    CoxModel(),
    CoxModel(ties="breslow"),
    CoxModel(strata=("high",)),
    CoxModel(penalizer=0.1),
    CoxModel(penalizer=0.05, l1_ratio=1.0),
    CoxModel(penalizer=0.05, l1_ratio=0.5, missing="leave_out"),
    WeibullAFTModel(),
    LogLogisticAFTModel(),
    PiecewiseExponentialModel(),
    PiecewiseExponentialModel(breakpoints=(2.0, 5.0)),
]


def numbers(n=200, seed=3):
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(rng.normal(size=(n, 5)), columns=list("abcde"))
    time, censored = rng.exponential(np.exp(-(X["a"] - 0.5 * X["b"]))) + 1e-6, rng.exponential(2, n)
    return X, make_outcome(time=np.minimum(time, censored), event=time <= censored)


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=repr)
def test_every_estimator_keeps_the_contract(estimator):
    check_survival_estimator(estimator)


class Turned(CoxModel):
    def predict(self, X):
        return -super().predict(X)


class Mutating(CoxModel):
    def fit(self, X, y):
        super().fit(X, y)
        X.iloc[0, 0] = 0.0
        return self


class Remembering(CoxModel):
    def fit(self, X, y):
        super().fit(X, y)
        self.mean_ = self.mean_ + getattr(self, "n_fits_", 0)
        self.n_fits_ = getattr(self, "n_fits_", 0) + 1
        return self


class Positional(CoxModel):
    def predict(self, X):
        return (np.asarray(X)[:, : len(self.coef_)].astype(float) - self.mean_) @ self.coef_


class Credulous(CoxModel):
    def fit(self, X, y):
        return super().fit(X, make_outcome(time=y["time"], event=y["event"].astype(str) != "0"))


class Crowded(CoxModel):
    def predict(self, X):
        risk = super().predict(X)
        return risk - risk.mean()


class Rising(CoxModel):
    def predict_survival_function(self, X, times):
        return super().predict_survival_function(X, times)[:, ::-1]


@pytest.mark.parametrize("cls", [Turned, Mutating, Remembering, Positional, Credulous, Crowded, Rising])
def test_the_checks_see_an_estimator_that_breaks_the_contract(cls):
    with pytest.raises((AssertionError, ValueError)):
        check_survival_estimator(cls())


@pytest.mark.parametrize("l1_ratio", [1.0, 0.4])
def test_the_lasso_meets_its_optimality_conditions(l1_ratio):
    X, y = numbers()
    penalizer, n = 0.08, len(X)
    model = CoxModel(penalizer=penalizer, l1_ratio=l1_ratio).fit(X, y)
    b = model.coef_ * X.std().to_numpy()
    design = read_design(
        time=y["time"], event=y["event"], covariates=X.to_numpy(), names=None, entry=None, strata=None,
        weights=None, ties="efron",
    )  # fmt: skip
    score = derivatives_at(design, model.coef_ * design.scale).score * design.scale / X.std().to_numpy()
    pull = score - n * penalizer * (1 - l1_ratio) * b
    limit = n * penalizer * l1_ratio
    assert (b == 0).any()
    assert (b != 0).any()
    np.testing.assert_allclose(pull[b != 0], limit * np.sign(b[b != 0]), rtol=1e-9)
    assert (np.abs(pull[b == 0]) <= limit).all()
    assert np.isnan(model.covariance_).all()


def test_a_penalty_near_zero_is_no_penalty():
    X, y = numbers()
    free, slight = CoxModel().fit(X, y), CoxModel(penalizer=1e-13).fit(X, y)
    np.testing.assert_allclose(slight.coef_, free.coef_, rtol=1e-9)
    np.testing.assert_allclose(slight.covariance_, free.covariance_, rtol=1e-9, atol=1e-15)


def test_a_lasso_beyond_the_largest_score_leaves_the_curve_of_all():
    X, y = numbers()
    model = CoxModel(penalizer=10.0, l1_ratio=1.0).fit(X, y)
    assert (model.coef_ == 0).all()
    hazard = nelson_aalen(time=y["time"], event=y["event"])
    at = np.quantile(y["time"], [0.2, 0.6])
    place = np.searchsorted(hazard.time, at, side="right") - 1
    expected = np.exp(-hazard.cumulative_hazard[place])
    np.testing.assert_allclose(model.predict_survival_function(X.iloc[:1], at)[0], expected, rtol=1e-12)


def test_predictions_at_the_mean_of_one_covariate_of_no_effect_follow_kaplan_meier():
    X, y = numbers(2000)
    model = CoxModel().fit(X[["e"]], y)
    at = np.quantile(y["time"], [0.3, 0.7])
    alone = pd.DataFrame({"e": [X["e"].mean()]})
    km = kaplan_meier(time=y["time"], event=y["event"]).at(at).survival
    np.testing.assert_allclose(model.predict_survival_function(alone, at)[0], km, atol=0.005)


def test_separated_events_are_refused_with_the_way_out():
    X = np.array([0.0, 0.0, 0.0, 1.0, 1.0, 1.0])[:, None]
    y = make_outcome(time=[4.0, 5, 6, 1, 2, 3], event=[False, False, False, True, True, True])
    with pytest.raises(EstimationError, match="ridge penalty"):
        CoxModel().fit(X, y)
    assert np.isfinite(CoxModel(penalizer=0.01).fit(X, y).coef_).all()


def test_a_missing_covariate_is_refused_in_fit_and_not_scored_in_predict():
    X, y = numbers()
    holey = X.copy()
    holey.iloc[[2, 5], 1] = np.nan
    with pytest.raises(DomainError, match="2 of 200 rows"):
        CoxModel().fit(holey, y)
    model = CoxModel(missing="leave_out").fit(holey, y)
    rows = ~holey["b"].isna().to_numpy()
    assert model.n_left_out_ == 2
    assert np.array_equal(model.coef_, CoxModel().fit(X[rows], y[rows]).coef_)
    for given in (
        model.predict(holey),
        model.predict_median(holey),
        model.predict_survival_function(holey, [1.0])[:, 0],
    ):
        assert np.flatnonzero(np.isnan(given)).tolist() == [2, 5]


def test_words_are_refused_by_the_model_itself():
    X, y = numbers()
    with pytest.raises(UsageError, match="DesignMatrix"):
        CoxModel().fit(X.assign(subtype="luminal_a"), y)


def test_an_unknown_stratum_has_a_risk_but_no_survival():
    X, y = numbers()
    X["site"] = np.where(np.arange(len(X)) % 2, "north", "south")
    model = CoxModel(strata=("site",)).fit(X, y)
    new = X.iloc[:2].assign(site=["west", "north"])
    assert np.isfinite(model.predict(new)).all()
    assert np.isnan(model.predict_survival_function(new, [0.5])[0, 0])
    assert np.isfinite(model.predict_survival_function(new, [0.5])[1, 0])


@pytest.mark.parametrize("model", [CoxModel(), PiecewiseExponentialModel()], ids=repr)
def test_nothing_is_predicted_beyond_the_longest_followup(model):
    X, y = numbers()
    model.fit(X, y)
    assert np.isnan(model.predict_survival_function(X, [y["time"].max() * 1.01])).all()


def test_an_event_at_time_zero_is_refused_by_models_of_log_time_and_kept_by_cox():
    X, y = numbers()
    y["time"][0], y["event"][0] = 0.0, True
    with pytest.raises(EstimationError, match="time 0"):
        WeibullAFTModel().fit(X, y)
    assert CoxModel().fit(X, y).n_events_ == y["event"].sum()
    censored = y.copy()
    censored["event"][0] = False
    at_zero = WeibullAFTModel().fit(X, censored)
    assert np.array_equal(at_zero.coef_, WeibullAFTModel().fit(X.iloc[1:], censored[1:]).coef_)


def test_the_weibull_median_is_where_its_survival_is_one_half():
    X, y = numbers()
    for model in (WeibullAFTModel(), LogLogisticAFTModel(), PiecewiseExponentialModel()):
        median = model.fit(X, y).predict_median(X.iloc[:6])
        for i, t in enumerate(median):
            if np.isfinite(t):
                np.testing.assert_allclose(
                    model.predict_survival_function(X.iloc[[i]], [t])[0, 0], 0.5, rtol=1e-12
                )


def test_the_limits_of_the_risk_are_those_of_the_covariance():
    X, y = numbers()
    model = CoxModel().fit(X, y)
    centred = X.to_numpy() - X.mean().to_numpy()
    error = np.sqrt(np.diag(centred @ model.covariance_ @ centred.T))
    limits = model.predict_interval(X)
    np.testing.assert_allclose(limits[:, 1] - limits[:, 0], 2 * 1.959963984540054 * error, rtol=1e-10)


@pytest.mark.parametrize(
    "estimator",
    [CoxModel(penalizer=-1), CoxModel(l1_ratio=2), CoxModel(penalizer=np.inf), CoxModel(ties="exact"), CoxModel(missing="guess"),
     PiecewiseExponentialModel(0), PiecewiseExponentialModel((3.0, 2.0)), PiecewiseExponentialModel((0.0, 2.0))],
)  # fmt: skip
def test_parameters_that_cannot_be_are_refused(estimator):
    X, y = numbers()
    with pytest.raises(UsageError):
        estimator.fit(X, y)


def test_collinear_covariates_are_refused_by_every_model():
    X, y = numbers()
    X["f"] = X["a"] + X["b"]
    for estimator in (CoxModel(), WeibullAFTModel(), LogLogisticAFTModel(), PiecewiseExponentialModel()):
        with pytest.raises(EstimationError, match=r"combinations|collinear"):
            clone(estimator).fit(X, y)


def test_partial_likelihood_of_the_linear_predictor_is_that_of_the_fit():
    X, y = numbers()
    y["time"] = np.ceil(y["time"] * 10)  # ties
    fit = cox(time=y["time"], event=y["event"], covariates=X.to_numpy())
    found = partial_log_likelihood(time=y["time"], event=y["event"], risk=X.to_numpy() @ fit.coef)
    np.testing.assert_allclose(found, fit.log_likelihood, rtol=1e-10)


def test_scikit_learn_composes_with_the_models():
    X, y = numbers()
    folds = EventStratifiedKFold(4, seed=2)
    scores = cross_val_score(CoxModel(), X, y, cv=folds)
    assert ((scores > 0.6) & (scores < 1)).all()
    search = GridSearchCV(
        CoxModel(), {"penalizer": [0.001, 10.0]}, cv=folds, scoring=partial_likelihood_score
    ).fit(X, y)
    assert search.best_params_ == {"penalizer": 0.001}


def test_folds_hold_the_same_share_of_events_and_every_row_once():
    _, y = numbers(203)
    parts = list(EventStratifiedKFold(5, seed=9).split(None, y))
    assert sorted(np.concatenate([test for _, test in parts])) == list(range(203))
    counts = [y["event"][test].sum() for _, test in parts]
    assert max(counts) - min(counts) <= 1
    again = list(EventStratifiedKFold(5, seed=9).split(None, y))
    assert all(np.array_equal(a[1], b[1]) for a, b in zip(parts, again, strict=True))
    with pytest.raises(EstimationError, match="folds need"):
        list(EventStratifiedKFold(150).split(None, y))


class StepFunction:
    """A curve as scikit-survival gives it."""

    def __init__(self, curve):
        self.curve = curve

    def __call__(self, at):
        return self.curve.at(at).survival


class Duck(BaseEstimator):
    """An estimator with scikit-survival's face: Kaplan–Meier for all, one column as risk."""

    def fit(self, X, y):
        self.curve_ = kaplan_meier(time=y["time"], event=y["event"])
        return self

    def predict(self, X):
        return np.asarray(X)[:, 0]

    def predict_survival_function(self, X):
        return [StepFunction(self.curve_) for _ in range(len(X))]
