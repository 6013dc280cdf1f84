"""Regression dilution (source of truth: worked by hand; the attenuation matrix written out; recovery by simulation)."""

# ruff: noqa: N806 - X is scikit-learn's name

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from igfstrat.errors import EstimationError, UsageError
from igfstrat.models import (
    CoxModel,
    LogLogisticAFTModel,
    PiecewiseExponentialModel,
    WeibullAFTModel,
    make_outcome,
)
from igfstrat.models.dilution import calibration_matrix, covariance_within, in_words
from tests.models.test_estimators import numbers
from tests.proofs.models import diluted

MODELS = [CoxModel(), WeibullAFTModel(), LogLogisticAFTModel(), PiecewiseExponentialModel()]


@pytest.mark.parametrize("model", MODELS, ids=repr)
def test_one_predictor_of_reliability_0_8_has_its_coefficient_and_error_divided_by_0_8(model):
    X, y = numbers()
    plain = clone(model).fit(X[["a"]], y)
    found = clone(model).set_params(reliability={"a": 0.8}).fit(X[["a"]], y)
    row, naive = found.corrected_coefficients().loc["a"], plain.coefficients().loc["a"]
    for name in ("coef", "std_error", "ci_lower", "ci_upper"):
        np.testing.assert_allclose(row[name], naive[name] / 0.8, rtol=1e-12)
        assert row[f"naive_{name}"] == naive[name]
    np.testing.assert_allclose(row["z"], naive["z"], rtol=1e-12)
    assert row["reliability"] == 0.8


def test_several_predictors_are_corrected_by_the_covariance_among_them():
    # variances 1, correlation 0.5, reliability 0.75 of the first: true variance 0.75, covariance 0.5 all the same.
    # Expected true first value, given both: attenuation [[2/3, 1/6], [0, 1]]; its transpose, inverted, is M.
    by_hand = np.linalg.inv(np.array([[2 / 3, 0.0], [1 / 6, 1.0]]))
    found = calibration_matrix([[1.0, 0.5], [0.5, 1.0]], [0.75, 1.0])
    np.testing.assert_allclose(found, by_hand, rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(found @ [2 / 3, 1 / 6], [1.0, 0.0], atol=1e-12)


def test_a_reliability_of_1_changes_nothing_and_predictions_never_change():
    X, y = numbers()
    plain = CoxModel().fit(X, y)
    exact = CoxModel(reliability={"a": 1.0}).fit(X, y)
    rough = CoxModel(reliability={"a": 0.6, "b": 0.9}).fit(X, y)
    np.testing.assert_allclose(exact.corrected_coefficients()["coef"], plain.coef_, rtol=1e-12)
    assert np.array_equal(rough.predict(X), plain.predict(X))
    assert np.array_equal(
        rough.predict_survival_interval(X, [0.5]), plain.predict_survival_interval(X, [0.5])
    )
    assert abs(rough.corrected_coefficients().loc["a", "coef"]) > abs(plain.coef_[0])


def test_the_correction_does_not_depend_on_the_units():
    X, y = numbers()
    first = CoxModel(reliability={"a": 0.7}).fit(X, y).corrected_coefficients()["coef"]
    other = (
        CoxModel(reliability={"a": 0.7}).fit(X.assign(a=X["a"] * 50 + 3), y).corrected_coefficients()["coef"]
    )
    np.testing.assert_allclose(other, first / [50, 1, 1, 1, 1], rtol=1e-8)


def test_the_covariance_is_that_within_strata():
    values = np.array([[0.0], [2.0], [10.0], [14.0]])
    assert covariance_within(values, np.array(["s", "s", "t", "t"])).tolist() == [[5.0]]  # (1+1+4+4) / (4-2)
    np.testing.assert_allclose(covariance_within(values, None), np.var(values, ddof=1))


def test_a_reliability_below_what_the_other_predictors_explain_is_refused():
    X, y = numbers()
    X["b"] = X["a"] + 0.3 * X["b"]
    with pytest.raises(EstimationError, match=r"other covariates explain 0\.9"):
        CoxModel(reliability={"a": 0.8}).fit(X, y)


@pytest.mark.parametrize(
    ("model", "word"),
    [
        (CoxModel(reliability={"a": 0.0}), "above 0"),
        (CoxModel(reliability={"a": 1.2}), "above 0"),
        (CoxModel(reliability={"a": "0.8"}), "above 0"),
        (CoxModel(reliability=["a"]), "above 0"),
        (CoxModel(reliability={"z": 0.8}), "no covariate"),
        (CoxModel(reliability={"a": 0.8}, penalizer=0.1), "penalty"),
        (WeibullAFTModel(reliability={"a": np.nan}), "above 0"),
    ],
    ids=repr,
)
def test_a_reliability_that_cannot_be_is_refused(model, word):
    with pytest.raises(UsageError, match=word):
        model.fit(*numbers())


def test_products_and_splines_of_an_unreliable_predictor_are_refused():
    X, y = numbers()
    for name in ("a:b", "a_spline_1"):
        with pytest.raises(UsageError, match="interaction or spline"):
            CoxModel(reliability={"a": 0.8}).fit(X.rename(columns={"c": name}), y)
    with pytest.raises(UsageError, match="no reliability is stated"):
        CoxModel().fit(X, y).corrected_coefficients()


def test_what_is_said_names_the_reliability_and_what_predictions_use():
    said = in_words({"igf1_sds": 0.8, "igfbp3_sds": 0.85})
    assert "igf1_sds 0.8, igfbp3_sds 0.85" in said
    assert "predictions use the coefficients of the measured values" in said
    assert in_words(None) == in_words({}) == ""


@pytest.mark.parametrize("model", MODELS[:2], ids=repr)
def test_the_corrected_coefficient_recovers_the_truth_and_the_naive_one_does_not(model):
    """300 cohorts of 1,000 with a hazard ratio of 1.5 an SD, reliability 0.7; 3 Monte-Carlo standard errors."""
    sign = 1 if isinstance(model, CoxModel) else -1
    found = np.array([diluted(i, clone(model)) for i in range(300)]) * sign
    truth, error = np.log(1.5), found.std(axis=0, ddof=1) / np.sqrt(len(found))
    corrected, naive = found.mean(axis=0)
    assert abs(corrected - truth) < 3 * error[0]
    assert naive < truth - 20 * error[1]


def test_the_table_of_a_fitted_model_is_one_row_a_covariate():
    X = pd.DataFrame({"a": [1.0, 2, 3, 4, 5, 3], "b": [1.0, 0, 1, 0, 0, 1]})
    y = make_outcome(time=[5.0, 3, 4, 2, 1, 6], event=[True] * 6)
    table = WeibullAFTModel(reliability={"a": 0.9}).fit(X, y).corrected_coefficients()
    assert table.index.tolist() == ["a", "b"]
    assert table["reliability"].tolist() == [0.9, 1.0]
