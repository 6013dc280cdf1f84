"""Selection rules. Worked by hand; conditional and predictive power against draws of the rest of the trial."""

import numpy as np
import pytest
from pydantic import ValidationError
from scipy.special import ndtri

from igfstrat.errors import UsageError
from igfstrat.trials.adaptive.selection import (
    Interim,
    apply_rule,
    enrolled_parts,
    make_rule,
    reestimated_events,
)
from igfstrat.trials.scenario.design import ReestimationSettings, SelectionSettings

NAMES = ("overall", "positive")


def interim(z, information=(40.0, 16.0), needed=(1.5, 1.5), remaining=(40.0, 40.0), running=(True, True)):
    rows = len(z)

    def wide(row, kind=float):
        return np.tile(np.array(row, dtype=kind), (rows, 1))

    return Interim(
        hypotheses=NAMES,
        stage=1,
        z=np.array(z, dtype=float),
        information=wide(information),
        running=wide(running, bool),
        needed=wide(needed),
        remaining=wide(remaining),
    )


def kept(z, **settings):
    return apply_rule(make_rule(SelectionSettings(**settings)), interim(z)).tolist()


def test_best_keeps_the_larger_statistic_or_the_smaller_hazard_ratio():
    assert kept([[1.2, 1.0]], rule="best") == [[True, False]]
    # 1.2 / sqrt(40) = 0.19 is a smaller effect than 1.0 / sqrt(16) = 0.25
    assert kept([[1.2, 1.0]], rule="best", by="log_hazard_ratio") == [[False, True]]


def test_epsilon_keeps_all_within_reach_of_the_best():
    assert kept([[1.2, 1.0], [1.2, 0.4]], rule="epsilon", epsilon=0.5) == [[True, True], [True, False]]


def test_threshold_keeps_none_one_or_both():
    z = [[0.1, 0.2], [0.1, 1.0], [2.0, 2.0]]
    assert kept(z, rule="threshold", at_least=0.5) == [[False, False], [False, True], [True, True]]
    # exp(-1.0 / 4) = 0.779 and exp(-2.0 / sqrt(40)) = 0.729
    assert kept(z, rule="threshold", at_most={"overall": 0.75, "positive": 0.78}) == [
        [False, False],
        [False, True],
        [True, True],
    ]


def test_a_population_without_a_statistic_is_never_kept():
    assert kept([[np.nan, -1.0]], rule="best") == [[False, True]]
    assert kept([[np.nan, np.nan]], rule="best") == [[False, False]]
    assert kept([[np.nan, 9.0]], rule="conditional_power", at_least=0.0) == [[False, True]]


def test_a_hypothesis_once_dropped_stays_out():
    seen = interim([[3.0, 1.0]], running=(False, True))
    assert apply_rule(make_rule(SelectionSettings(rule="best")), seen).tolist() == [[False, True]]


def test_conditional_and_predictive_power_are_the_share_of_rests_that_reject():
    seen = interim([[1.0, 1.5]])
    rng = np.random.default_rng(5)
    noise, prior = rng.standard_normal((2, 400_000, 1))
    theta = np.array([1.0, 1.5]) / np.sqrt([40.0, 16.0])
    rest = theta * np.sqrt(40.0) + noise
    assert seen.conditional_power()[0] == pytest.approx((rest > 1.5).mean(axis=0), abs=0.0025)
    uncertain = (theta + prior / np.sqrt([40.0, 16.0])) * np.sqrt(40.0) + noise
    assert seen.predictive_power()[0] == pytest.approx((uncertain > 1.5).mean(axis=0), abs=0.0025)


def test_conditional_power_at_an_assumed_effect_needs_no_estimate():
    high = kept([[0.0, 0.0]], rule="conditional_power", at_least=0.5, assumed=0.6)
    assert high == [[True, True]]
    assert kept([[0.0, 0.0]], rule="conditional_power", at_least=0.5) == [[False, False]]


def test_who_is_enrolled_follows_from_what_is_kept():
    three = ("overall", "positive", "negative")
    every = np.array([[0, 0, 0], [0, 0, 1], [0, 1, 0], [0, 1, 1], [1, 0, 0]], dtype=bool)
    assert enrolled_parts(three, every).tolist() == [0, 1, 2, 3, 3]


def test_a_rule_that_answers_with_numbers_is_refused():
    with pytest.raises(UsageError, match="booleans of shape"):
        apply_rule(lambda seen: seen.z, interim([[1.0, 1.0]]))


def test_events_rise_to_just_the_conditional_power_and_no_further_than_the_cap():
    settings = ReestimationSettings(conditional_power=0.9, most_events=500)
    seen = interim([[2.0, 0.1], [1.2, 0.1], [-1.0, -1.0]])
    only = np.array([[True, False]] * 3)
    events = reestimated_events(
        settings, seen, only, planned=np.full(3, 150.0), seen=np.full(3, 160.0), per_event=0.25
    )
    theta = 2.0 / np.sqrt(40.0)
    wanted = np.ceil(((1.5 + ndtri(0.9)) / theta) ** 2 / 0.25)
    # the second would need 859; the third shows no benefit
    assert events.tolist() == [wanted, 340.0, 150.0]


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        ({"rule": "epsilon"}, "epsilon"),
        ({"rule": "best", "epsilon": 1.0}, "epsilon"),
        ({"rule": "threshold"}, "at_least or at_most"),
        ({"rule": "predictive_power"}, "at_least"),
        ({"rule": "conditional_power", "at_least": 30.0}, "from 0 to 1"),
        ({"rule": "conditional_power", "at_least": 0.3, "by": "z"}, "leave it out"),
        ({"rule": "best", "assumed": 0.7}, "conditional_power"),
    ],
)
def test_a_rule_without_its_limits_is_refused(settings, word):
    with pytest.raises(ValidationError, match=word):
        SelectionSettings(**settings)
