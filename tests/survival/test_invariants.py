"""Properties that hold for all data, each stated only where it holds (source of truth: mathematics)."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from igfstrat import survival as sv
from igfstrat.errors import EstimationError

quick = settings(max_examples=40, deadline=None)


@st.composite
def patients(draw, low=8, high=40):
    n = draw(st.integers(low, high))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    tied = draw(st.booleans())
    time = rng.integers(1, 10, n).astype(float) if tied else rng.exponential(size=n) + 0.01
    event = rng.random(n) < draw(st.floats(0.3, 1.0))
    assume(event.sum() >= 3)
    return {"time": time, "event": event}, rng, n


def fitted(**arguments):
    try:
        fit = sv.cox(**arguments)
    except EstimationError:
        assume(False)
    assume(fit.not_estimable is None and np.abs(fit.coef).max() < 20)
    return fit


def two_groups(rng, n):
    groups = rng.integers(0, 2, n)
    groups[:2] = [0, 1]
    return groups


@quick
@given(patients())
def test_survival_never_increases_and_lies_within_its_limits(drawn):
    y, _, _ = drawn
    for ci in ("plain", "log", "log-log", "logit", "arcsin"):
        curve = sv.kaplan_meier(**y, ci=ci)
        assert (np.diff(curve.survival) <= 0).all()
        known = ~np.isnan(curve.ci_lower)
        assert (curve.ci_lower[known] <= curve.survival[known] + 1e-15).all()
        assert (curve.ci_upper[known] >= curve.survival[known] - 1e-15).all()


@quick
@given(patients())
def test_row_order_changes_nothing(drawn):
    y, rng, n = drawn
    order = rng.permutation(n)
    groups = two_groups(rng, n)
    shuffled = {name: values[order] for name, values in y.items()}
    assert sv.kaplan_meier(**y).survival.tolist() == sv.kaplan_meier(**shuffled).survival.tolist()
    assert (
        sv.logrank(**y, groups=groups).expected.tolist()
        == sv.logrank(**shuffled, groups=groups[order]).expected.tolist()
    )
    one, two = sv.concordance(**y, risk=groups), sv.concordance(**shuffled, risk=groups[order])
    assert (one.concordant, one.discordant, one.tied_risk) == (two.concordant, two.discordant, two.tied_risk)


@quick
@given(patients())
def test_names_of_the_groups_do_not_change_the_test(drawn):
    y, rng, n = drawn
    groups = rng.integers(0, 3, n)
    groups[:3] = [0, 1, 2]
    one = sv.logrank(**y, groups=groups)
    other = sv.logrank(**y, groups=np.array(["c", "a", "b"])[groups])
    assume(one.not_estimable is None)
    assert one.statistic == pytest.approx(other.statistic, rel=1e-9, abs=1e-9)


@quick
@given(patients(), st.sampled_from([0.125, 365.25, 1e4]))
def test_rank_statistics_do_not_depend_on_the_unit_of_time(drawn, unit):
    y, rng, n = drawn
    groups = two_groups(rng, n)
    scaled = y | {"time": y["time"] * unit}
    one, other = sv.logrank(**y, groups=groups), sv.logrank(**scaled, groups=groups)
    assume(one.not_estimable is None)
    assert one.statistic == pytest.approx(other.statistic, rel=1e-12)
    assert sv.concordance(**y, risk=groups).concordant == sv.concordance(**scaled, risk=groups).concordant
    x = rng.normal(size=n)
    fit, again = fitted(**y, covariates=x), fitted(**scaled, covariates=x)
    assert fit.coef[0] == pytest.approx(again.coef[0], rel=1e-8, abs=1e-10)
    for transform in ("km", "rank"):  # not identity and log, whose times change
        try:
            test = sv.proportional_hazards_test(fit, transform)
        except EstimationError:
            continue
        again_test = sv.proportional_hazards_test(again, transform)
        assert test.statistic[0] == pytest.approx(again_test.statistic[0], rel=1e-6, abs=1e-8)
    assert sv.rmst(**scaled).value == pytest.approx(sv.rmst(**y).value * unit)


@quick
@given(patients(), st.floats(-50, 50), st.sampled_from([0.01, 3.0, 1000.0]))
def test_cox_follows_shift_and_scale_of_a_covariate(drawn, shift, scale):
    y, rng, n = drawn
    x = rng.normal(size=(n, 2))
    one = fitted(**y, covariates=x)
    moved = fitted(**y, covariates=np.column_stack((x[:, 0] * scale + shift, x[:, 1])))
    assert moved.coef[0] * scale == pytest.approx(one.coef[0], rel=1e-7, abs=1e-8)
    assert moved.std_error[1] == pytest.approx(one.std_error[1], rel=1e-7)
    assert moved.log_likelihood == pytest.approx(one.log_likelihood, rel=1e-10)


@quick
@given(patients(), st.booleans())
def test_weight_2_is_the_row_twice(drawn, truncated):
    y, rng, n = drawn
    weights = rng.integers(1, 3, n)
    rows = np.repeat(np.arange(n), weights)
    groups, x = two_groups(rng, n), rng.normal(size=n)
    entry = {"entry": y["time"] * rng.random(n) - 0.01} if truncated else {}
    twice = {name: values[rows] for name, values in (y | entry).items()}
    weighted = y | entry | {"weights": weights}
    np.testing.assert_allclose(
        sv.kaplan_meier(**weighted).survival, sv.kaplan_meier(**twice).survival, rtol=1e-9, atol=1e-12
    )
    np.testing.assert_allclose(
        sv.kaplan_meier(**weighted).std_error, sv.kaplan_meier(**twice).std_error, rtol=1e-7, atol=1e-9
    )
    one, other = sv.logrank(**weighted, groups=groups), sv.logrank(**twice, groups=groups[rows])
    np.testing.assert_allclose(one.expected, other.expected, rtol=1e-10)
    np.testing.assert_allclose(one.variance, other.variance, rtol=1e-9, atol=1e-10)
    fit = fitted(**weighted, covariates=x, ties="breslow")  # not efron and exact, which see the ties
    again = fitted(**twice, covariates=x[rows], ties="breslow")
    assert fit.coef[0] == pytest.approx(again.coef[0], rel=1e-7, abs=1e-9)
    assert fit.std_error[0] == pytest.approx(again.std_error[0], rel=1e-7)


@quick
@given(patients())
def test_concordance_of_a_risk_and_of_its_negative_add_up_to_1(drawn):
    y, rng, n = drawn
    risk = rng.integers(0, 5, n).astype(float)
    one, other = sv.concordance(**y, risk=risk), sv.concordance(**y, risk=-risk)
    assume(one.not_estimable is None)
    assert one.value + other.value == pytest.approx(1, abs=1e-12)
    assert one.std_error == pytest.approx(other.std_error, abs=1e-12)


@quick
@given(patients())
def test_incidences_and_survival_add_up_to_1(drawn):
    y, rng, n = drawn
    cause = np.where(y["event"], rng.integers(1, 4, n), 0)
    curve = sv.aalen_johansen(time=y["time"], cause=cause)
    np.testing.assert_allclose(curve.incidence.sum(axis=0) + curve.survival, 1, atol=1e-12)
    assert (np.diff(curve.incidence, axis=1) >= 0).all()


@quick
@given(patients())
def test_one_cause_gives_kaplan_meier_and_its_error(drawn):
    y, _, _ = drawn
    one = sv.aalen_johansen(time=y["time"], cause=y["event"].astype(int))
    curve = sv.kaplan_meier(**y)
    alive = curve.survival > 0
    np.testing.assert_allclose(one.incidence[0], 1 - curve.survival, atol=1e-12)
    np.testing.assert_allclose(one.std_error[0, alive], curve.std_error[alive], rtol=1e-7, atol=1e-10)


@quick
@given(patients())
def test_martingale_and_score_residuals_add_up_to_0(drawn):
    y, rng, n = drawn
    fit = fitted(**y, covariates=rng.normal(size=(n, 2)))
    assert fit.martingale_residuals.sum() == pytest.approx(0, abs=1e-8)
    np.testing.assert_allclose(fit.score_residuals.sum(axis=0), 0, atol=1e-7)
    np.testing.assert_allclose(fit.schoenfeld_residuals.sum(axis=0), 0, atol=1e-7)


@quick
@given(patients())
def test_score_test_of_a_binary_covariate_with_exact_ties_is_the_logrank_test(drawn):
    y, rng, n = drawn
    groups = two_groups(rng, n)
    test = sv.logrank(**y, groups=groups)
    fit = fitted(**y, covariates=groups, ties="exact")
    assert fit.score_test.statistic == pytest.approx(test.statistic, rel=1e-9, abs=1e-10)


@quick
@given(patients())
def test_fine_gray_without_other_causes_is_breslow_cox(drawn):
    y, rng, n = drawn
    x = rng.normal(size=n)
    fit = fitted(**y, covariates=x, ties="breslow")
    other = sv.fine_gray(time=y["time"], cause=y["event"].astype(int), covariates=x)
    assert other.coef[0] == pytest.approx(fit.coef[0], rel=1e-7, abs=1e-9)
    assert other.log_likelihood == pytest.approx(fit.log_likelihood, rel=1e-10)


@quick
@given(patients())
def test_corrected_p_value_of_a_cut_is_never_below_the_naive_one(drawn):
    y, rng, n = drawn
    found = sv.maximally_selected_logrank(**y, marker=rng.normal(size=n), rng=rng, n_permutations=199)
    assume(found.not_estimable is None)
    assert found.p_value_1994 >= found.p_value_naive
    assert found.p_value >= 1 / 200


@quick
@given(patients(), st.booleans())
def test_curves_and_test_from_one_sort_are_the_single_ones(drawn, truncated):
    y, rng, n = drawn
    groups = two_groups(rng, n)
    entry = y["time"] * rng.random(n) - 0.01 if truncated else None
    both = sv.compare_survival(**y, groups=groups, entry=entry)
    assert both.logrank.variance.tolist() == sv.logrank(**y, groups=groups, entry=entry).variance.tolist()
    for label, curve in both.curves.items():
        rows = groups == label
        alone = sv.kaplan_meier(
            time=y["time"][rows], event=y["event"][rows], entry=None if entry is None else entry[rows]
        )
        assert curve.survival.tolist() == alone.survival.tolist()


@pytest.mark.parametrize("shape", ["spread", "tied", "outlier", "negative"])
def test_many_rows_are_sorted_as_few_rows_are(shape):
    from igfstrat.survival._ties import sort_floats

    rng = np.random.default_rng(0)
    values = rng.exponential(size=250_000)
    if shape == "tied":
        values = np.round(values, 2)
    if shape == "outlier":  # all but one value in one bucket: the buckets give up
        values[7] = 1e12
    if shape == "negative":
        values = rng.normal(size=250_000)
    order, ordered = sort_floats(values)
    wanted = np.argsort(values, kind="stable")
    assert (order == wanted).all()
    assert (ordered == values[wanted]).all()


def test_pairs_are_the_single_tests_and_models_of_each_pair():
    rng = np.random.default_rng(5)
    y = {"time": rng.exponential(size=90), "event": rng.random(90) < 0.8}
    groups, strata = np.array(["a", "b", "c"])[np.arange(90) % 3], np.arange(90) % 2
    found = sv.pairwise_logrank(**y, groups=groups, strata=strata, adjust="hommel")
    assert found.pairs == (("a", "b"), ("a", "c"), ("b", "c"))
    for i, (first, second) in enumerate(found.pairs):
        rows = (groups == first) | (groups == second)
        part = {name: values[rows] for name, values in y.items()} | {"strata": strata[rows]}
        assert found.statistic[i] == sv.logrank(**part, groups=groups[rows]).statistic
        fit = sv.cox(**part, covariates=groups[rows] == second)
        assert found.hazard_ratio[i] == pytest.approx(fit.hazard_ratio[0], rel=1e-12)
    assert found.p_adjusted.tolist() == sv.adjust_p_values(found.p_value, "hommel").tolist()
    assert found.not_estimable == (None, None, None)


def test_pairs_without_events_are_left_out_of_the_adjustment():
    found = sv.pairwise_logrank(
        time=[1, 2, 3, 4, 5, 6], event=[True, True, True, False, False, False], groups=list("aabcdd")
    )
    silent = found.pairs.index(("c", "d"))
    assert np.isnan(found.p_value[silent])
    assert found.not_estimable[silent].startswith("no events")
    assert np.nanmax(found.p_adjusted / found.p_value) <= len(found.pairs) - 1


def test_cause_specific_cox_is_cox_with_other_causes_censored():
    rng = np.random.default_rng(7)
    time, cause, x = rng.exponential(size=80), rng.integers(0, 3, 80), rng.normal(size=80)
    one = sv.cause_specific_cox(time=time, cause=cause, covariates=x, cause_of_interest=2)
    assert one.coef.tolist() == sv.cox(time=time, event=cause == 2, covariates=x).coef.tolist()


def test_factor_columns_are_tested_together_for_proportional_hazards():
    rng = np.random.default_rng(9)
    x = np.column_stack([rng.normal(size=100), np.arange(100) % 3 == 1, np.arange(100) % 3 == 2])
    fit = sv.cox(
        time=rng.exponential(size=100), event=rng.random(100) < 0.8, covariates=x, names=["age", "b", "c"]
    )
    test = sv.proportional_hazards_test(fit, terms={"group": ["b", "c"]})
    assert test.names == ("age", "group")
    assert test.df.tolist() == [1, 2]
    everything = sv.proportional_hazards_test(fit, terms={"all": ["age", "b", "c"]})
    assert everything.statistic[0] == test.global_statistic


def test_curves_by_group_are_the_single_curves():
    rng = np.random.default_rng(3)
    y = {"time": rng.exponential(size=50), "event": rng.random(50) < 0.7}
    groups = np.array(["x", "y"])[rng.integers(0, 2, 50)]
    for label, curve in sv.kaplan_meier_by_group(**y, groups=groups).items():
        rows = groups == label
        alone = sv.kaplan_meier(time=y["time"][rows], event=y["event"][rows])
        assert curve.ci_lower.tolist() == pytest.approx(alone.ci_lower.tolist(), nan_ok=True)


def test_baseline_at_means_is_that_at_zero_times_the_mean_risk():
    rng = np.random.default_rng(4)
    x = rng.normal(3, 1, size=(60, 2))
    fit = sv.cox(time=rng.exponential(size=60), event=rng.random(60) < 0.7, covariates=x)
    baseline = fit.baseline_cumulative_hazard
    ratio = np.exp(x.mean(axis=0) @ fit.coef)
    np.testing.assert_allclose(
        baseline.cumulative_hazard_at_means, baseline.cumulative_hazard * ratio, rtol=1e-12
    )


def test_dfbeta_is_the_change_on_leaving_a_row_out():
    rng = np.random.default_rng(11)
    time, event, x = rng.exponential(size=400), rng.random(400) < 0.8, rng.normal(size=400)
    fit = sv.cox(time=time, event=event, covariates=x)
    rows = rng.choice(400, 30, replace=False)
    left_out = [
        fit.coef[0]
        - sv.cox(time=np.delete(time, i), event=np.delete(event, i), covariates=np.delete(x, i)).coef[0]
        for i in rows
    ]
    assert np.corrcoef(left_out, fit.dfbeta[rows, 0])[0, 1] > 0.99
