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
from igfstrat.models._newton import maximize
from igfstrat.models.scoring import partial_likelihood_score, partial_log_likelihood
from igfstrat.survival import concordance, cox, kaplan_meier, nelson_aalen
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


class Narrow(CoxModel):
    def predict_survival_interval(self, X, times, level=0.95):
        return super().predict_survival_interval(X, times, level)[..., ::-1]


@pytest.mark.parametrize(
    "cls", [Turned, Mutating, Remembering, Positional, Credulous, Crowded, Rising, Narrow]
)
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


@pytest.mark.parametrize("estimator", ESTIMATORS[:1] + ESTIMATORS[2:4] + ESTIMATORS[6:9], ids=repr)
def test_limits_of_survival_hold_it_and_narrow_at_the_level(estimator):
    X, y = numbers()
    X = X.assign(high=np.arange(len(X)) % 2) if "strata" in estimator.get_params() else X
    model = clone(estimator).fit(X, y)
    at = np.concatenate(([0.0], np.quantile(y["time"], [0.2, 0.6])))
    survival, limits = model.predict_survival_function(X, at), model.predict_survival_interval(X, at)
    assert (limits[:, 0] == 1).all()
    assert (limits[:, 1:, 0] < survival[:, 1:]).all()
    assert (limits[:, 1:, 1] > survival[:, 1:]).all()
    narrow = model.predict_survival_interval(X, at, level=0.5)
    assert (narrow[:, 1:, 0] > limits[:, 1:, 0]).all()
    assert np.array_equal(model.predict_survival_interval(X.iloc[[7]], at)[0], limits[7])
    with pytest.raises(DomainError, match=">= 0"):
        model.predict_survival_interval(X, [-1.0])


def test_a_lasso_and_a_row_without_a_covariate_have_no_limits_of_survival():
    X, y = numbers()
    holey = X.copy()
    holey.iloc[3, 0] = np.nan
    lasso = CoxModel(penalizer=0.05, l1_ratio=1.0).fit(X, y)
    assert np.isnan(lasso.predict_survival_interval(X, [0.5])).all()
    for model in (CoxModel(), WeibullAFTModel(), LogLogisticAFTModel(), PiecewiseExponentialModel()):
        found = model.fit(X, y).predict_survival_interval(holey, [0.5])
        assert np.flatnonzero(np.isnan(found).any(axis=(1, 2))).tolist() == [3]


def test_a_refit_forgets_the_spread_of_the_fit_before_and_no_training_data_stay_behind():
    (X, y), (other, z) = numbers(seed=3), numbers(seed=4)
    model = CoxModel().fit(other, z)
    model.predict_survival_interval(X, [0.5])
    again = model.fit(X, y).predict_survival_interval(X, [0.5])
    assert np.array_equal(again, CoxModel().fit(X, y).predict_survival_interval(X, [0.5]))
    assert "_fitted" not in vars(model)


def test_weibull_limits_of_survival_are_those_of_a_delta_method_by_differences():
    X, y = numbers()
    t, row = 0.7, X.iloc[[4]]
    for model, curve in (
        (WeibullAFTModel(), lambda z: np.exp(-np.exp(z))),
        (LogLogisticAFTModel(), lambda z: 1 / (1 + np.exp(z))),
    ):
        model.fit(X, y)
        theta = np.concatenate(([model.intercept_], model.coef_, [model.log_scale_]))

        def hazard(theta, curve=curve):
            z = (np.log(t) - theta[0] - row.to_numpy()[0] @ theta[1:-1]) / np.exp(theta[-1])
            return np.log(-np.log(curve(z)))

        steps = 1e-5 * np.eye(len(theta))
        slope = np.array([(hazard(theta + e) - hazard(theta - e)) / 2e-5 for e in steps])
        error = np.sqrt(slope @ model.covariance_ @ slope)
        expected = np.exp(-np.exp(hazard(theta) + np.array([1, -1]) * 1.959963984540054 * error))
        np.testing.assert_allclose(model.predict_survival_interval(row, [t])[0, 0], expected, rtol=1e-8)


@pytest.mark.parametrize(
    "model", [CoxModel(), WeibullAFTModel(), LogLogisticAFTModel(), PiecewiseExponentialModel()], ids=repr
)
def test_a_patient_beyond_every_range_has_a_probability_of_0_or_1_and_no_warning(model):
    X, y = numbers()
    model.fit(X, y)
    far = X.iloc[:2].assign(a=[1e5, -1e5])
    worse = int(np.argmax(model.predict(far)))
    at = [0.0, y["time"][y["event"]].min() / 2, 0.5]
    survival = model.predict_survival_function(far, at)
    assert survival[worse, 0] == 1
    assert survival[worse, 2] == 0
    assert (survival[1 - worse] == 1).all()
    assert np.isinf(model.predict_median(far)[1 - worse])
    assert np.isfinite(model.predict_survival_interval(far, at)).all()


@pytest.mark.parametrize("cls", [WeibullAFTModel, LogLogisticAFTModel])
def test_where_newton_fails_the_estimate_of_lifelines_leads_to_the_same_maximum(monkeypatch, cls):
    X, y = numbers()
    plain, starts = cls().fit(X, y), []

    def once_in_vain(likelihood, start, what):
        starts.append(start)
        if len(starts) == 1:
            raise EstimationError("in vain")
        return maximize(likelihood, start, what)

    monkeypatch.setattr("igfstrat.models.aft.maximize", once_in_vain)
    found = cls().fit(X, y)
    assert len(starts) == 2
    assert (starts[0][1:-1] == 0).all()
    assert (starts[1][1:-1] != 0).all()
    np.testing.assert_allclose(found.coef_, plain.coef_, rtol=1e-9, atol=1e-12)


def test_a_start_far_away_finds_the_maximum_that_lifelines_finds():
    X, y = numbers()
    days = make_outcome(time=y["time"] * 1e6, event=y["event"])
    for cls in (WeibullAFTModel, LogLogisticAFTModel):
        near, far = cls().fit(X, y), cls().fit(X, days)
        np.testing.assert_allclose(far.coef_, near.coef_, rtol=1e-9)
        np.testing.assert_allclose(far.intercept_ - near.intercept_, np.log(1e6), rtol=1e-9)


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
    """A curve as scikit-survival 0.28 gives it: a value at each of its times, an error outside its domain."""

    def __init__(self, x, y):
        self.x, self.y, self.domain = x, y, (0.0, float(x[-1]))

    def __call__(self, at):
        at = np.atleast_1d(at)
        low, high = self.domain
        if (at < low).any() or (at > high).any():
            message = f"x must be within [{low:f}; {high:f}]"
            raise ValueError(message)
        return np.concatenate(([1.0], self.y))[np.searchsorted(self.x, at, side="right")]


class Duck(BaseEstimator):
    """An estimator with scikit-survival's face: Kaplan–Meier for all, one column as risk."""

    def fit(self, X, y):
        self._checked(X)
        event, time = y.dtype.names  # the event first, as scikit-survival wants it
        if y.dtype[event].kind != "b" or y.dtype[time].kind != "f":
            message = "y must have a boolean field first and a floating one second"
            raise ValueError(message)
        curve = kaplan_meier(time=y[time], event=y[event])
        self.function_ = StepFunction(curve.time, curve.survival)
        return self

    def predict(self, X):
        return self._checked(X)[:, 0]

    def predict_survival_function(self, X, return_array=False):
        functions = [self.function_] * len(self._checked(X))
        return np.array([f.y for f in functions]) if return_array else np.array(functions, dtype=object)

    def score(self, X, y):
        return concordance(time=y["time"], event=y["event"], risk=self.predict(X)).value

    def _checked(self, X):
        values = np.asarray(X, dtype=float)
        if not np.isfinite(values).all():
            message = "Input X contains NaN."
            raise ValueError(message)
        return values
