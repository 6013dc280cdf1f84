"""Pairs, trend, differences and piecewise ratios: worked by hand, and equality with the estimators that R was compared with."""

import json

import numpy as np
import pytest

from igfstrat.analysis import AnalysisSettings, Milestones
from igfstrat.analysis.pairwise import analyse_pairwise
from igfstrat.survival import cox, kaplan_meier, logrank, trend_logrank
from tests.analysis.test_cutpoint import endpoint_of

ORDER = ["none", "some", "much"]


def made(n=240, seed=6, effect=0.5):
    rng = np.random.default_rng(seed)
    level = rng.integers(0, 3, n)
    time = rng.exponential(30 * np.exp(-effect * level))
    censored = rng.uniform(5, 80, n)
    groups = np.array(ORDER, dtype=object)[level]
    return endpoint_of(np.minimum(time, censored), time <= censored), groups


def compare(endpoint, groups, *, milestones=(12.0, 36.0), order=ORDER, ordered=False):
    settings = AnalysisSettings(milestones=Milestones(months=milestones))
    return analyse_pairwise(endpoint, groups=groups, order=order, settings=settings, ordered=ordered)


def two(endpoint, groups):
    return np.where(groups == "some", None, groups)


def test_pairs_follow_the_order_of_the_report_not_the_alphabet():
    result = compare(*made())
    assert [(p.first, p.second) for p in result.pairs] == [
        ("none", "some"),
        ("none", "much"),
        ("some", "much"),
    ]


def test_p_values_are_holms_of_the_three_logrank_tests():
    endpoint, groups = made()
    result = compare(endpoint, groups)
    plain = []
    for pair in result.pairs:
        keep = np.isin(groups, [pair.first, pair.second])
        test = logrank(time=endpoint.time[keep], event=endpoint.event[keep], groups=groups[keep].astype(str))
        assert pair.logrank.p_value == pytest.approx(test.p_value, rel=1e-10)
        plain.append(test.p_value)
    rank = np.argsort(np.argsort(plain))
    by_hand = np.maximum.accumulate(np.sort(plain) * [3, 2, 1])[rank]
    np.testing.assert_allclose([p.p_corrected for p in result.pairs], np.minimum(by_hand, 1), rtol=1e-10)
    assert result.n_pairs == 3


def test_hazard_ratio_of_a_pair_is_the_later_group_against_the_earlier():
    endpoint, groups = made(effect=1.0)
    pair = compare(endpoint, groups).pairs[1]
    keep = groups != "some"
    fit = cox(time=endpoint.time[keep], event=endpoint.event[keep], covariates=groups[keep] == "much")
    assert pair.hazard_ratio.estimate.value == pytest.approx(float(fit.hazard_ratio[0]), rel=1e-10)
    assert pair.hazard_ratio.estimate.value > 2
    assert (pair.hazard_ratio.term, pair.hazard_ratio.reference) == ("much", "none")


def test_trend_is_tested_only_over_three_or_more_groups_that_are_ordered():
    endpoint, groups = made()
    scores = np.array([ORDER.index(g) for g in groups])
    test = trend_logrank(time=endpoint.time, event=endpoint.event, groups=scores)
    assert compare(endpoint, groups, ordered=True).trend.value == pytest.approx(test.statistic, rel=1e-12)
    assert compare(endpoint, groups).trend is None
    assert compare(endpoint, two(endpoint, groups), ordered=True).trend is None


def test_difference_at_a_milestone_is_second_minus_first():
    endpoint, groups = made(effect=1.0)
    pair = two(endpoint, groups)
    result = compare(endpoint, pair)
    survival = [
        kaplan_meier(time=endpoint.time[pair == g], event=endpoint.event[pair == g]).at([12.0]) for g in ("none", "much")
    ]  # fmt: skip
    difference = result.differences[0].difference
    assert difference.value == pytest.approx(
        float(survival[1].survival[0] - survival[0].survival[0]), rel=1e-12
    )
    error = np.hypot(float(survival[0].std_error[0]), float(survival[1].std_error[0]))
    assert difference.ci_upper - difference.value == pytest.approx(1.959963984540054 * error, rel=1e-9)
    assert difference.value < 0
    assert compare(endpoint, groups).differences == ()


def test_difference_without_event_in_a_group_has_no_interval_and_says_why():
    result = compare(
        endpoint_of([1, 2, 3, 30, 31, 32], [1, 1, 0, 1, 0, 0]), np.array(["none"] * 3 + ["much"] * 3, dtype=object),
        milestones=(2.5,),
    )  # fmt: skip
    difference = result.differences[0].difference
    assert difference.value == pytest.approx(2 / 3)
    assert (difference.ci_lower, difference.p_value) == (None, None)
    assert "no event yet" in difference.not_estimable


def test_piecewise_ratios_are_cox_of_each_piece():
    endpoint, groups = made()
    result = compare(endpoint, two(endpoint, groups)).piecewise
    keep = groups != "some"
    time, event, much = endpoint.time[keep], endpoint.event[keep], groups[keep] == "much"
    early = cox(time=np.minimum(time, 12.0), event=event & (time <= 12.0), covariates=much)
    beyond = time > 12.0
    late = cox(
        time=time[beyond], event=event[beyond], covariates=much[beyond], entry=np.full(beyond.sum(), 12.0)
    )
    assert result.early[0].estimate.value == pytest.approx(float(early.hazard_ratio[0]), rel=1e-9)
    assert result.late[0].estimate.value == pytest.approx(float(late.hazard_ratio[0]), rel=1e-9)
    assert (result.months, result.chosen) == (12.0, "first milestone")
    assert result.n_events_early + result.n_events_late == int(event.sum())
    assert result.early[0].estimate.p_value is None


def test_crossing_hazards_show_as_opposite_early_and_late_ratios():
    rng = np.random.default_rng(1)
    n = 2_000
    much = np.arange(n) % 2 == 1
    early, late = np.where(much, 0.06, 0.02), np.where(much, 0.02, 0.06)
    load = rng.exponential(1, n)
    time = np.where(load < 12 * early, load / early, 12 + (load - 12 * early) / late)
    groups = np.where(much, "much", "none").astype(object)
    piece = compare(endpoint_of(time, np.ones(n)), groups).piecewise
    assert piece.early[0].estimate.ci_lower > 2
    assert piece.late[0].estimate.ci_upper < 0.5


def test_without_events_on_both_sides_of_the_milestone_the_median_event_time_splits():
    times = [20.0, 30, 40, 50, 60, 70]
    result = compare(endpoint_of(times, [1, 1, 1, 1, 1, 0]), np.array(["none", "much"] * 3, dtype=object))
    assert (result.piecewise.months, result.piecewise.chosen) == (40.0, "median event time")
    assert (result.piecewise.n_events_early, result.piecewise.n_events_late) == (3, 2)


def test_pair_with_a_group_without_events_has_a_test_but_no_ratio():
    endpoint, groups = made()
    event = endpoint.event & (groups != "much")
    result = compare(endpoint_of(endpoint.time, event), groups)
    assert result.pairs[1].hazard_ratio.estimate.not_estimable == "no events in much"
    assert result.pairs[1].p_corrected is not None


@pytest.mark.parametrize(
    ("time", "event", "groups", "why"),
    [
        ([1, 2, 3], [1, 1, 0], ["none"] * 3, "only one group"),
        ([1, 2, 3], [1, 1, 0], [None] * 3, "no patient"),
        ([np.nan] * 3, [0] * 3, ["none", "much", "much"], "no patient"),
        ([], [], [], "no patient"),
    ],
)
def test_poor_data_give_a_reason(time, event, groups, why):
    result = compare(endpoint_of(time, event), np.array(groups, dtype=object))
    assert result.not_estimable == why
    assert result.piecewise.months is None


def test_no_events_at_all_leave_reasons_everywhere():
    result = compare(endpoint_of([1, 2, 3, 4], [0] * 4), np.array(["none", "much"] * 2, dtype=object))
    assert result.pairs[0].logrank.not_estimable == "no events in none and much"
    assert result.pairs[0].p_corrected is None
    assert result.piecewise.not_estimable == "no time has events both before and after it"
    json.dumps(result.to_dict(), allow_nan=False)
