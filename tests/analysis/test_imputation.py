"""Pooling (worked by hand) and imputation (invariants, scikit-learn's imputer, and a simulation of its bias)."""

import warnings

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from igfstrat.analysis.imputation import (
    impute,
    outcome_predictors,
    pool_rubin,
    pool_survival,
    pool_wald,
)
from igfstrat.survival import cox


def test_rubins_rules_by_hand():
    # mean 0.5; within 0.05; between 0.01; total 0.05 + 4/3 x 0.01 = 0.063333; share 0.210526
    pooled = pool_rubin(np.array([0.4, 0.5, 0.6]), np.array([0.04, 0.05, 0.06]))
    assert pooled.value == pytest.approx(0.5)
    assert pooled.std_error**2 == pytest.approx(0.06333333333)
    assert pooled.missing_information == pytest.approx(0.2105263158)
    assert pooled.df == pytest.approx(2 / 0.2105263158**2)  # 45.125
    low, high = pooled.limits()
    assert (high - low) / 2 == pytest.approx(stats.t.ppf(0.975, 45.125) * np.sqrt(0.06333333333))


def test_barnard_and_rubins_degrees_of_freedom_by_hand():
    # old 45.125; observed 21/23 x 20 x (1 - 0.210526) = 14.416476; together 1 / (1/45.125 + 1/14.416476)
    pooled = pool_rubin(np.array([0.4, 0.5, 0.6]), np.array([0.04, 0.05, 0.06]), df_complete=20)
    assert pooled.df == pytest.approx(1 / (1 / 45.125 + 1 / 14.41647597), rel=1e-8)


def test_tables_that_agree_pool_to_the_estimate_itself():
    pooled = pool_rubin(np.array([1.0, 1.0]), np.array([0.25, 0.25]))
    assert (pooled.value, pooled.std_error, pooled.df) == (1.0, 0.5, np.inf)


def test_survival_is_pooled_on_the_complementary_log_log_scale():
    value, low, high = pool_survival(np.array([0.5, 0.9] * 5), np.full(10, 0.01))
    scale = (np.log(-np.log(0.5)) + np.log(-np.log(0.9))) / 2
    assert value == pytest.approx(np.exp(-np.exp(scale)))
    assert 0 < low < value < high < 1
    assert value != pytest.approx(0.7, abs=0.01)  # not the mean of the probabilities


def test_survival_of_1_in_a_table_has_no_interval():
    value, low, high = pool_survival(np.array([1.0, 0.9]), np.array([np.nan, 0.01]))
    assert value == pytest.approx(0.95)
    assert np.isnan([low, high]).all()


def test_the_pooled_wald_test_of_one_coefficient_is_rubins():
    estimates, variances = np.array([0.4, 0.5, 0.6, 0.9, 0.2, 0.3]), np.full(6, 0.05)
    f, p = pool_wald(estimates[:, None], variances[:, None, None])
    pooled = pool_rubin(estimates, variances)
    assert f == pytest.approx((pooled.value / pooled.std_error) ** 2)
    r = (1 + 1 / 6) * np.var(estimates, ddof=1) / 0.05
    df = 4 + (5 - 4) * (1 + (1 - 2 / 5) / r) ** 2  # of Li, Raghunathan and Rubin, t = 5
    assert p == pytest.approx(stats.f.sf(f, 1, df))


def _cohort(n, rng):
    frame = pd.DataFrame(
        {"age": rng.normal(60, 10, n), "stage": pd.Series(rng.choice(["I", "II", "III"], n), dtype=object)}
    )
    frame["size"] = 0.5 * frame["age"] + rng.normal(0, 3, n)
    return frame


def test_observed_values_stay_and_missing_ones_are_filled_with_what_occurs():
    rng = np.random.default_rng(1)
    frame = _cohort(150, rng)
    frame.loc[::5, "age"] = np.nan
    frame.loc[::4, "stage"] = None
    tables = impute(frame, rng.normal(size=(150, 2)), m=3, rng=rng)
    for table in tables:
        assert not table.isna().any(axis=None)
        for column in frame.columns:
            known = frame[column].notna()
            assert (table.loc[known, column] == frame.loc[known, column]).all()
        assert set(table["stage"]) == {"I", "II", "III"}
    assert not tables[0].equals(tables[1])


def test_the_same_seed_gives_the_same_tables():
    frame = _cohort(60, np.random.default_rng(1))
    frame.loc[::3, "age"] = np.nan
    once, again = (impute(frame, np.zeros((60, 0)), m=2, rng=np.random.default_rng(7)) for _ in range(2))
    assert all(a.equals(b) for a, b in zip(once, again, strict=True))


def test_imputed_numbers_follow_the_other_columns_as_with_scikit_learns_imputer():
    from sklearn.experimental import enable_iterative_imputer  # noqa: F401
    from sklearn.impute import IterativeImputer

    rng = np.random.default_rng(3)
    n = 800
    x = rng.normal(size=n)
    y = 2 + 1.5 * x + rng.normal(size=n)
    gone = rng.random(n) < 1 / (1 + np.exp(-2 * x))  # mostly large values are missing
    frame = pd.DataFrame({"x": x, "y": np.where(gone, np.nan, y)})
    ours = [t["y"] for t in impute(frame, np.zeros((n, 0)), m=20, rng=rng)]
    theirs = []
    for seed in range(20):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # one column: nothing to converge
            filled = IterativeImputer(sample_posterior=True, random_state=seed).fit_transform(frame)
        theirs.append(pd.Series(filled[:, 1]))
    error = 3 * y.std() / np.sqrt(n)
    assert np.mean([v.mean() for v in ours]) == pytest.approx(
        np.mean([v.mean() for v in theirs]), abs=error / 2
    )
    assert np.mean([v.mean() for v in ours]) == pytest.approx(y.mean(), abs=error)
    assert y[~gone].mean() < y.mean() - error  # complete cases alone would miss it
    assert np.mean([v.std() for v in ours]) == pytest.approx(np.mean([v.std() for v in theirs]), rel=0.05)


def test_imputed_codes_follow_what_predicts_them():
    rng = np.random.default_rng(4)
    n = 1500
    x = rng.normal(size=n)
    code = np.where(rng.random(n) < 1 / (1 + np.exp(-2 * x)), "b", "a").astype(object)
    gone = rng.random(n) < 1 / (1 + np.exp(-1.5 * x))
    frame = pd.DataFrame({"x": x, "code": pd.Series(np.where(gone, None, code), dtype=object)})
    shares = [(t["code"] == "b").mean() for t in impute(frame, np.zeros((n, 0)), m=20, rng=rng)]
    error = 3 * np.sqrt(0.25 / n)
    assert np.mean(shares) == pytest.approx((code == "b").mean(), abs=error)
    assert (code[~gone] == "b").mean() < (code == "b").mean() - 2 * error


def test_a_code_that_another_column_tells_perfectly_is_still_imputed():
    frame = pd.DataFrame({"x": np.repeat([0.0, 1.0], 30), "code": ["a"] * 30 + ["b"] * 30}).astype(
        {"code": object}
    )
    frame.loc[[0, 1, 58, 59], "code"] = None
    tables = impute(frame, np.zeros((60, 0)), m=10, rng=np.random.default_rng(1))
    drawn = [(t.loc[[0, 1], "code"] == "a").mean() + (t.loc[[58, 59], "code"] == "b").mean() for t in tables]
    assert np.mean(drawn) > 1.6


def test_nelson_aalen_and_event_are_each_patients_own():
    found = outcome_predictors(np.array([3.0, 1.0, 2.0]), np.array([True, True, False]))
    np.testing.assert_allclose(found, [[1, 1 / 3 + 1], [1, 1 / 3], [0, 1 / 3]])


def test_where_complete_cases_are_biased_imputation_is_not():
    """Missing at random given event and a second covariate: 60 cohorts of 400, true log hazard ratio 0.7."""
    true, complete, imputed, n = 0.7, [], [], 400
    for seed in range(60):
        rng = np.random.default_rng([11, seed])
        z = rng.normal(size=n)
        x = 0.5 * z + rng.normal(size=n)
        time = rng.exponential(1 / np.exp(true * x + 0.3 * z))
        follow_up = rng.uniform(0.2, 2, n)
        event = time < follow_up
        time = np.minimum(time, follow_up)
        # values are missing mostly in patients with an early event
        gone = rng.random(n) < np.where(event, 0.75 * np.exp(-1.5 * time), 0.05)
        frame = pd.DataFrame({"x": np.where(gone, np.nan, x), "z": z})
        data = {"time": time, "event": event}
        keep = ~gone
        complete.append(cox(time=time[keep], event=event[keep], covariates=frame.to_numpy()[keep]).coef[0])
        tables = impute(frame, outcome_predictors(time, event), m=5, rng=rng)
        imputed.append(np.mean([cox(**data, covariates=t.to_numpy()).coef[0] for t in tables]))
    error = np.std(imputed, ddof=1) / np.sqrt(60)
    assert abs(np.mean(complete) - true) > 0.1
    # the White–Royston model is approximate: it may pull a strong effect a little towards 0
    assert abs(np.mean(imputed) - true) < 3 * error + 0.03
    assert abs(np.mean(imputed) - true) < abs(np.mean(complete) - true) / 3
