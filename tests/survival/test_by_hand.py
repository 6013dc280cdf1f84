"""Small cases worked by hand (source of truth: pencil and paper)."""

import numpy as np
import pytest

from igfstrat import survival as sv
from igfstrat.errors import DomainError, EstimationError

T, F = True, False


def test_median_of_times_1_to_4_all_events_is_2_and_a_half():
    median = sv.kaplan_meier(time=[1, 2, 3, 4], event=[T] * 4).median
    assert (median.value, median.reached, median.not_observed_below) == (2.5, True, False)


def test_plateau_up_to_the_last_censored_time_gives_its_left_end_and_a_flag():
    median = sv.kaplan_meier(time=[1, 2, 3, 4], event=[T, T, F, F]).median
    assert (median.value, median.not_observed_below) == (2.0, True)  # R prints 2, its quantile() says 3


def test_median_is_not_reached_when_the_curve_stays_above_one_half():
    median = sv.kaplan_meier(time=[1, 2, 3, 4], event=[T, F, F, F]).median
    assert np.isnan(median.value)
    assert not median.reached


def test_a_censoring_at_an_event_time_is_still_at_risk():
    curve = sv.kaplan_meier(time=[2, 2, 3], event=[T, F, T])
    assert curve.survival.tolist() == pytest.approx([2 / 3, 0])
    assert curve.n_at_risk.tolist() == [3, 1]
    assert curve.n_censored.tolist() == [1, 0]


def test_greenwood_error_of_two_events_among_four():
    curve = sv.kaplan_meier(time=[1, 2, 3, 4], event=[T, T, F, F])
    assert curve.std_error[1] == pytest.approx(0.5 * np.sqrt(1 / 12 + 1 / 6))


def test_an_event_at_time_0_counts_and_a_censoring_there_adds_nothing_later():
    curve = sv.kaplan_meier(time=[0, 0, 5, 6], event=[T, F, T, F])
    assert curve.survival.tolist() == pytest.approx([0.75, 0.375, 0.375])


def test_months_made_of_days_do_not_split_ties():
    time = np.array([100 / 30.4375, 100 / 30.4375 + 4e-16, 7.0])
    assert time[0] != time[1]
    assert sv.kaplan_meier(time=time, event=[T, T, F]).n_events.tolist() == [2, 0]


def test_times_further_apart_than_the_tolerance_stay_apart():
    assert len(sv.kaplan_meier(time=[1.0, 1.0 + 1e-6, 2.0], event=[T, T, F]).time) == 3


def test_left_truncated_risk_sets_hold_only_those_who_entered():
    curve = sv.kaplan_meier(time=[2, 3, 5], event=[T, T, T], entry=[0, 2, 1])
    assert curve.n_at_risk.tolist() == [2, 2, 1]  # the second patient enters after the event at 2
    assert curve.survival.tolist() == pytest.approx([0.5, 0.25, 0.0])


def test_a_risk_set_emptied_before_others_enter_is_said():
    curve = sv.kaplan_meier(time=[2, 5, 6], event=[T, T, F], entry=[0, 3, 3])
    assert curve.survival.tolist() == [0, 0, 0]
    assert "others entered later" in curve.not_estimable


def test_curve_without_events_is_1_and_says_so():
    curve = sv.kaplan_meier(time=[1, 2], event=[F, F])
    assert curve.survival.tolist() == [1, 1]
    assert curve.not_estimable.startswith("no events")


def test_curve_is_unknown_after_the_last_censored_time_and_0_after_the_last_event():
    assert np.isnan(sv.kaplan_meier(time=[1, 2], event=[T, F]).at(3).survival[0])
    assert sv.kaplan_meier(time=[1, 2], event=[T, T]).at(3).survival[0] == 0


def test_curve_read_at_times_gives_the_step_and_the_patients_at_risk():
    found = sv.kaplan_meier(time=[1, 2, 3, 4], event=[T, T, F, F]).at([0, 1, 1.5, 4])
    assert found.survival.tolist() == pytest.approx([1, 0.75, 0.75, 0.5])
    assert found.n_at_risk.tolist() == [4, 4, 3, 1]


def test_median_follow_up_is_the_median_of_censoring():
    assert sv.reverse_kaplan_meier(time=[1, 2, 3, 4], event=[F, F, F, F]).median.value == 2.5


def test_conditional_survival_is_the_ratio_of_two_survivals():
    y = {"time": [1, 2, 3, 4, 5], "event": [T, T, F, T, F]}
    whole, later = sv.kaplan_meier(**y), sv.conditional(**y, given=2)
    assert later.at(4).survival[0] == pytest.approx(whole.at(4).survival[0] / whole.at(2).survival[0])


def test_landmark_counts_from_itself_and_says_whom_it_leaves_out():
    cut = sv.landmark(time=[1, 5, 2, 7], event=[T, F, F, T], at=2)
    assert cut.keep.tolist() == [False, True, False, True]
    assert cut.time.tolist() == [3, 5]
    assert cut.event.tolist() == [False, True]
    assert (cut.n_events_before, cut.n_censored_before) == (1, 1)


def test_logrank_of_two_and_two_by_hand():
    test = sv.logrank(time=[1, 2, 3, 4], event=[T] * 4, groups=["a", "a", "b", "b"])
    # expected in a: 2/4 + 1/3; variance: 1/4 + 2/9
    assert test.expected[0] == pytest.approx(5 / 6)
    assert test.statistic == pytest.approx((2 - 5 / 6) ** 2 / (1 / 4 + 2 / 9))


@pytest.mark.parametrize(
    ("weighting", "w"),
    [("gehan", [4, 3, 2]), ("tarone-ware", [2, 3**0.5, 2**0.5]), ("peto", [1, 0.75, 0.5])],
)
def test_weighted_logrank_by_hand(weighting, w):
    test = sv.logrank(time=[1, 2, 3, 4], event=[T] * 4, groups=["a", "b", "a", "b"], weighting=weighting)
    difference = w[0] * (1 - 2 / 4) + w[1] * (0 - 1 / 3) + w[2] * (1 - 1 / 2)
    variance = w[0] ** 2 / 4 + w[1] ** 2 * 2 / 9 + w[2] ** 2 / 4
    assert test.statistic == pytest.approx(difference**2 / variance)


def test_logrank_with_an_arm_without_events_is_estimable():
    test = sv.logrank(time=[1, 2, 3, 4], event=[T, T, F, F], groups=[0, 0, 1, 1])
    assert test.observed.tolist() == [2, 0]
    assert test.not_estimable is None


def test_logrank_without_events_says_so():
    test = sv.logrank(time=[1, 2, 3, 4], event=[F] * 4, groups=[0, 0, 1, 1])
    assert np.isnan(test.statistic)
    assert test.not_estimable.startswith("no events")


def test_cox_of_three_patients_by_hand():
    # likelihood e^b / (2 e^b + 1) * 1 / (e^b + 1): stationary where e^b = sqrt(1/2)
    fit = sv.cox(time=[1, 2, 3], event=[T, T, F], covariates=[1, 0, 1])
    assert fit.hazard_ratio[0] == pytest.approx(np.sqrt(0.5), rel=1e-12)


def test_separated_events_are_said_and_no_hazard_ratio_is_given():
    fit = sv.cox(
        time=[1, 2, 3, 4, 5, 6], event=[T, T, T, F, F, F], covariates=[1, 1, 1, 0, 0, 0], names=["high"]
    )
    assert "no finite estimate for high" in fit.not_estimable
    assert "firth=True" in fit.not_estimable
    assert np.isnan(fit.hazard_ratio[0])
    assert fit.log_likelihood == pytest.approx(-np.log(6), abs=1e-8)  # 3! orders of the three with x = 1


def test_other_coefficients_stay_finite_when_one_is_separated():
    rng = np.random.default_rng(1)
    age, marker = rng.normal(size=60), np.arange(60) % 3 == 0
    time, event = rng.exponential(size=60), ~marker
    fit = sv.cox(time=time, event=event, covariates=np.column_stack((age, marker)), names=["age", "marker"])
    assert np.isnan(fit.coef[1])
    # marker patients never die: in the limit they leave every risk set
    without = sv.cox(time=time[~marker], event=event[~marker], covariates=age[~marker])
    assert fit.coef[0] == pytest.approx(without.coef[0], rel=1e-6)


def test_an_arm_without_events_gets_a_finite_firth_estimate():
    y = {"time": [1, 2, 3, 4, 5, 6], "event": [T, T, T, F, F, F], "covariates": [1, 1, 1, 0, 0, 0]}
    fit = sv.cox(**y, firth=True)
    assert np.isfinite(fit.hazard_ratio[0])
    assert fit.ci_lower[0] < fit.hazard_ratio[0] < fit.ci_upper[0]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"event": [F] * 4}, "not estimable without events"),
        ({"covariates": [2, 2, 2, 2]}, "constant covariate: x1"),
        ({"covariates": [[1, 2], [2, 4], [3, 6], [5, 10]]}, "linear combinations"),
    ],
)
def test_cox_says_why_it_is_not_estimable(change, message):
    y = {"time": [1, 2, 3, 4], "event": [T, T, F, T], "covariates": [1, 0, 1, 0]} | change
    with pytest.raises(EstimationError, match=message):
        sv.cox(**y)


def test_one_patient_has_no_cox_model_but_a_curve():
    assert sv.kaplan_meier(time=[3], event=[T]).survival.tolist() == [0]
    with pytest.raises(EstimationError, match="constant covariate"):
        sv.cox(time=[3], event=[T], covariates=[1])


def test_rmst_of_times_1_to_4_is_their_mean():
    found = sv.rmst(time=[1, 2, 3, 4], event=[T] * 4, tau=4)
    assert found.value == 2.5
    # Greenwood: areas behind 1.5, 0.75, 0.25, 0 and d/(n(n-d)) 1/12, 1/6, 1/2
    assert found.std_error**2 == pytest.approx(1.5**2 / 12 + 0.75**2 / 6 + 0.25**2 / 2)


def test_rmst_difference_is_second_minus_first_and_tells_its_tau():
    y = {"time": [1, 2, 3, 4], "event": [T] * 4, "groups": ["b", "b", "a", "a"]}
    found = sv.rmst_difference(**y)
    assert found.groups == ("a", "b")
    assert (found.tau, found.tau_rule) == (2.0, "the smallest of the groups' largest times")
    assert found.value == pytest.approx(1.5 - 2.0)
    assert sv.rmst_ratio(**y).value == pytest.approx(0.75)


def test_tau_beyond_a_censored_end_is_refused_with_the_largest_possible():
    with pytest.raises(DomainError, match=r"tau = 9 lies beyond the follow-up .* largest tau possible is 2"):
        sv.rmst(time=[1, 2], event=[T, F], tau=9)


def test_survival_difference_plain_and_cloglog_by_hand():
    found = sv.survival_difference(
        time=[1, 2, 3, 4] * 2, event=[T, T, F, F, T, F, F, F], groups=[0] * 4 + [1] * 4, at=2.5
    )
    v0, v1 = 1 / 12 + 1 / 6, 1 / 12
    assert found.difference[0] == pytest.approx(0.75 - 0.5)
    assert found.std_error[0] == pytest.approx(np.sqrt(0.25 * v0 + 0.75**2 * v1))
    z = (np.log(-np.log(0.75)) - np.log(-np.log(0.5))) / np.sqrt(
        v0 / np.log(0.5) ** 2 + v1 / np.log(0.75) ** 2
    )
    assert found.cloglog_z[0] == pytest.approx(z)


def test_survival_difference_says_why_a_time_has_no_test():
    found = sv.survival_difference(time=[1, 2, 3, 4], event=[T, F, T, F], groups=[0, 0, 1, 1], at=[0.5, 2.5])
    assert found.not_estimable == ("no event yet in either group", "a group is not followed that far")


def test_cumulative_incidences_of_tied_causes_share_the_risk_set():
    found = sv.aalen_johansen(time=[1, 1, 2, 3], cause=[1, 2, 0, 1])
    assert found.incidence[:, -1].tolist() == pytest.approx([0.25 + 0.5, 0.25])
    assert found.survival[-1] == 0


def test_concordance_of_three_patients():
    found = sv.concordance(time=[1, 2, 3], event=[T, T, F], risk=[3, 1, 2])
    assert (found.concordant, found.discordant, found.value) == (2, 1, pytest.approx(2 / 3))


def test_concordance_without_comparable_pairs_says_so():
    found = sv.concordance(time=[1, 2], event=[F, F], risk=[1, 2])
    assert np.isnan(found.value)
    assert found.not_estimable.startswith("no comparable pair")


def test_adjusted_p_values_by_hand():
    assert sv.adjust_p_values([0.01, 0.04, 0.03], "holm").tolist() == pytest.approx([0.03, 0.06, 0.06])
    assert sv.adjust_p_values([0.01, 0.04, 0.03], "bonferroni").tolist() == pytest.approx([0.03, 0.12, 0.09])
    assert sv.adjust_p_values([0.01, 0.04, 0.03], "bh").tolist() == pytest.approx([0.03, 0.04, 0.04])
    assert sv.adjust_p_values([0.01, 0.04, 0.03], "hommel").tolist() == pytest.approx([0.03, 0.04, 0.04])


def test_perfect_prediction_has_brier_score_0_and_auc_1():
    y = {"time": [1, 2, 3, 4], "event": [T, T, T, T]}
    assert sv.brier_score(**y, survival=[0, 0, 1, 1], at=2.5).value.tolist() == [0]
    assert sv.cumulative_dynamic_auc(**y, risk=[4, 3, 2, 1], at=[1.5, 2.5]).value.tolist() == [1, 1]


def test_integrated_brier_score_is_the_mean_over_time():
    y = {"time": [1, 2, 3, 4], "event": [T, T, T, T]}
    survival = np.full((4, 3), 0.5)
    assert sv.integrated_brier_score(**y, survival=survival, at=[1, 2, 3]) == pytest.approx(0.25)


def test_cut_between_low_and_high_is_found_with_a_corrected_p():
    marker = np.arange(20.0)
    event = marker <= 9  # the low half dies early, the high half lives
    time = np.where(event, 1.0, 10.0) + marker / 100
    found = sv.maximally_selected_logrank(time=time, event=event, marker=marker, n_permutations=500)
    assert found.cutpoint == 9
    assert not found.high_is_worse
    assert found.p_value_naive < found.p_value
    assert found.p_value == pytest.approx(1 / 501)


@pytest.mark.parametrize(
    ("change", "why"),
    [({"event": [F] * 6}, "no events"), ({"marker": [1] * 6}, "the marker is constant")],
)
def test_cutpoint_says_why_there_is_none(change, why):
    y = {"time": [1, 2, 3, 4, 5, 6], "event": [T] * 6, "marker": [1, 2, 3, 4, 5, 6]} | change
    found = sv.maximally_selected_logrank(**y)
    assert np.isnan(found.cutpoint)
    assert found.not_estimable.startswith(why)
