"""Values beyond a limit (sources of truth: worked by hand; R's survreg on interval data, stored; recovery by simulation)."""

# ruff: noqa: N806 - X is scikit-learn's name

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from igfstrat.errors import EstimationError, UsageError
from igfstrat.models import CoxModel, DesignMatrix, check_no_leak
from igfstrat.models.censored_normal import Limits, learn_censored_normal, read_limits
from igfstrat.models.leaks import fit_and_predict
from igfstrat.models.pipeline import RiskPipeline
from tests.models.test_design import codes
from tests.proofs.models import censored_biases, limited

STORED = json.loads(
    (Path(__file__).parents[1] / "reference" / "censored_normal_reference.json").read_text(encoding="utf-8")
)["values"]


def standard(values, lower=None, upper=None):
    low, high = (np.array(values if end is None else end, dtype=float) for end in (lower, upper))
    return Limits(lower=low, upper=high)


@pytest.mark.realdata
@pytest.mark.parametrize("scale", ["linear", "log"])
def test_estimates_errors_and_expected_values_are_those_of_survreg(data_folder, scale):
    table = pd.read_csv(data_folder / "standard_survival" / "gbsg.csv")
    value = table["pgr"] + 1.0
    table["x"] = value
    table["x_lower"] = np.where(value < 10, np.nan, value.clip(upper=300))
    table["x_upper"] = np.where(value > 300, np.nan, value.clip(lower=10))
    limits = read_limits(table, "x", scale)
    others = table[["age", "nodes", "size"]].to_numpy(dtype=float)
    model = learn_censored_normal("x", limits, others, ("age", "nodes", "size"), scale)
    r = np.array(STORED[scale])
    np.testing.assert_allclose(np.append(model.coef, model.log_sigma), r[:5], rtol=1e-8)
    np.testing.assert_allclose(np.sqrt(np.diag(model.covariance)), r[5:10], rtol=1e-8)
    found = model.expected(limits, others)
    rows = np.flatnonzero(limits.beyond)[:12]
    np.testing.assert_allclose(found[rows], STORED[f"{scale}_expected"], rtol=1e-8)
    assert np.array_equal(
        found[~limits.beyond],
        np.exp(limits.lower[~limits.beyond]) if scale == "log" else value[~limits.beyond],
    )


def test_half_of_a_standard_normal_lies_0_80_below_its_mean():
    rng = np.random.default_rng(1)
    model = learn_censored_normal("x", standard(rng.normal(size=50)), np.zeros((50, 0)), (), "linear")
    exact = type(model)(
        name="x", scale="linear", columns=(), coef=np.zeros(1), log_sigma=0.0, covariance=np.eye(2), n_measured=9, n_beyond=0
    )  # fmt: skip
    limits = standard(None, [-np.inf, 0.0, 1.0, 40.0, -1.0], [0.0, np.inf, 1.0, np.inf, 1.0])
    found = exact.expected(limits, np.zeros((5, 0)))
    root = np.sqrt(2 / np.pi)
    # far out a normal tail falls as an exponential of rate 40: mean 40 + 1/40 less 2/40^3
    np.testing.assert_allclose(found, [-root, root, 1.0, 40 + 1 / 40 - 2 / 40**3, 0.0], atol=1e-6)
    np.testing.assert_allclose(model.coef[0], np.mean(np.random.default_rng(1).normal(size=50)), rtol=1e-12)


def test_measured_values_alone_give_the_least_squares_line():
    rng = np.random.default_rng(2)
    x = rng.normal(size=(80, 2))
    y = 3 + x @ [1.0, -2.0] + rng.normal(size=80)
    model = learn_censored_normal(
        "x", standard(y), np.column_stack((x, x[:, 0] - x[:, 1], np.ones(80))), "abcd", "linear"
    )
    design = np.column_stack((np.ones(80), x))
    expected = design @ np.linalg.lstsq(design, y, rcond=None)[0]
    assert len(model.columns) == 2  # the third is the difference of two, the fourth is constant
    others = np.column_stack((x, x[:, 0] - x[:, 1]))[:, ["abc".index(name) for name in model.columns]]
    fitted = model.coef[0] + others @ model.coef[1:]
    np.testing.assert_allclose(fitted, expected, rtol=1e-9)
    np.testing.assert_allclose(np.exp(model.log_sigma), np.sqrt(np.mean((y - expected) ** 2)), rtol=1e-9)


def test_draws_stay_between_their_limits_and_scatter_about_the_expected_value():
    X, _ = limited(0)
    limits = read_limits(X, "igf1", "log")
    others = X[["age_years"]].to_numpy()
    model = learn_censored_normal("igf1", limits, others, ("age_years",), "log")
    rng = np.random.default_rng(5)
    drawn = np.array([model.draw(limits, others, rng) for _ in range(400)])
    low, high = np.exp(limits.lower), np.exp(limits.upper)
    assert ((drawn >= low * (1 - 1e-12)) & (drawn <= high * (1 + 1e-12))).all()
    measured = ~limits.beyond
    assert (np.ptp(drawn[:, measured], axis=0) == 0).all()
    error = drawn[:, ~measured].std(axis=0) / 20
    gap = drawn[:, ~measured].mean(axis=0) - model.expected(limits, others)[~measured]
    assert (np.abs(gap) < 5 * error + 0.02 * high[~measured]).all()  # the parameters are drawn too


TABLE = pd.DataFrame(
    {
        "igf1": [12.5, 60.0, 90.0, 140.0, 1000.0, 200.0, 45.0, 120.0],
        "igf1_lower": [0.0, 60.0, 90.0, 140.0, 1000.0, 200.0, 45.0, 120.0],
        "igf1_upper": [25.0, 60.0, 90.0, 140.0, np.nan, 200.0, 45.0, 120.0],
        "age_years": [70.0, 60.0, 45.0, 50.0, 30.0, 42.0, 66.0, 55.0],
    }
)  # fmt: skip
DESIGN = DesignMatrix(["igf1", "age_years"], scale=False, censored_normal={"igf1": "log"})


def test_a_value_beyond_its_limit_is_expected_between_its_limits_flagged_and_not_missing():
    design = clone(DESIGN).fit(TABLE)
    found = design.transform(TABLE)["igf1"].to_numpy()
    assert 0 < found[0] < 25
    assert found[4] > 1000
    assert found[1:4].tolist() == [60.0, 90.0, 140.0]
    assert codes(design, TABLE) == {("below_detection", "igf1"): [0], ("above_limit", "igf1"): [4]}
    # the substitute that stands in the column has no say, missing or not
    for other in (np.nan, 25.0, 0.1):
        again = TABLE.assign(igf1=TABLE["igf1"].where(TABLE["igf1_upper"] != 25, other))
        assert np.array_equal(clone(DESIGN).fit(again).transform(again)["igf1"], found)
    assert design.names_ == ("igf1", "age_years")


def test_a_table_without_limits_is_taken_as_measured():
    design = clone(DESIGN).fit(TABLE)
    new = TABLE[["age_years", "igf1"]]
    assert design.transform(new)["igf1"].tolist() == new["igf1"].tolist()


def test_two_predictors_beyond_their_limits_use_each_other_in_the_order_declared():
    rng = np.random.default_rng(3)
    table = pd.DataFrame({"a": rng.normal(size=60)})
    table["b"] = table["a"] * 2 + rng.normal(size=60)
    for name in "ab":
        table[f"{name}_lower"] = table[name].where(table[name] > -1)
        table[f"{name}_upper"] = table[name].clip(lower=-1)
    design = DesignMatrix(["b", "a"], censored_normal={"a": "linear", "b": "linear"}, scale=False).fit(table)
    assert [one.columns for one in design.censored_] == [(), ("a",)]
    assert design.names_ == ("b", "a")
    alone = design.transform(table.iloc[[5]])
    assert np.array_equal(alone, design.transform(table).iloc[[5]])


def test_a_patient_whose_other_predictor_is_missing_is_not_scored_and_only_that_one_is_missing():
    design = clone(DESIGN).fit(TABLE)
    new = TABLE.iloc[[0]].assign(age_years=np.nan)
    assert design.transform(new).isna().all(axis=None)
    assert codes(design, new) == {("below_detection", "igf1"): [0], ("missing_input", "age_years"): [0]}


def test_limits_that_contradict_each_other_are_not_known():
    found = read_limits(TABLE.assign(igf1_lower=30.0, igf1_upper=25.0), "igf1", "log")
    assert np.isnan(found.lower).all()
    nothing = read_limits(TABLE.assign(igf1=np.nan, igf1_lower=np.nan, igf1_upper=np.nan), "igf1", "linear")
    assert np.isnan(nothing.upper).all()
    assert not nothing.beyond.any()


def test_test_rows_have_no_say_in_what_is_expected():
    X, y = limited(1)
    pipeline = RiskPipeline(
        [
            ("design", DesignMatrix(["igf1", "age_years"], censored_normal={"igf1": "log"})),
            ("model", CoxModel()),
        ]
    )
    check_no_leak(fit_and_predict(pipeline), X, y)


@pytest.mark.parametrize("wrong", [{"bmi": "log"}, {"igf1": "sqrt"}])
def test_a_declaration_that_cannot_be_is_refused(wrong):
    with pytest.raises(UsageError, match="censored_normal"):
        clone(DESIGN).set_params(censored_normal=wrong).fit(TABLE)


def test_words_and_too_few_measured_values_are_refused():
    with pytest.raises(UsageError, match="holds words"):
        clone(DESIGN).fit(TABLE.assign(igf1="low"))
    low = np.array([60.0] * 2 + [0.0] * 6)
    few = TABLE.assign(igf1_lower=low, igf1_upper=np.where(low > 0, 60.0, 25.0), igf1=60.0)
    with pytest.raises(EstimationError, match="2 measured values beside 6"):
        clone(DESIGN).fit(few)
    with pytest.raises(EstimationError, match="doesn't vary"):
        clone(DESIGN).fit(TABLE.assign(igf1_lower=60.0, igf1_upper=60.0))


def test_the_expected_value_is_less_biased_than_half_of_the_limit():
    """120 cohorts of 400, a third below the limit; 3 Monte-Carlo standard errors between the two biases."""
    found = np.array([censored_biases(i) for i in range(120)])
    expected, half = np.abs(found.mean(axis=0))
    error = found.std(axis=0, ddof=1).max() / np.sqrt(len(found))
    assert expected + 3 * error < half
