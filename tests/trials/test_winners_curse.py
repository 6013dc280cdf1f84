"""The winner's curse: closed forms against published numbers and brute force, the simulation against both.

Sources of truth: 7 events and 0.02 of the xentuzumab interval by hand; Gelman and Carlin 2014 (effect 0.1, standard error
3.28: power 0.05, type S 0.46, factor 77); all ways in which few events can fall, counted; `igfstrat.survival` for the
statistic and the estimate; normal draws of scipy for overlapping and nested subgroups.
"""

import itertools
import math
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import binom, multivariate_normal, norm

from igfstrat.errors import ConfigError, UsageError
from igfstrat.survival import cox, logrank
from igfstrat.trials.winners_curse._closed_form import (
    best_of,
    looks_for,
    nested_fractions,
    significance_errors,
)
from igfstrat.trials.winners_curse._patients import (
    compare_arms,
    simulate_arms,
    simulate_best,
    simulate_single,
)
from igfstrat.trials.winners_curse.results import likelihood_word
from igfstrat.trials.winners_curse.simulation import (
    make_winners_curse,
    read_winners_curse,
    simulate_winners_curse,
)

XENTUZUMAB = {
    "reported": {"hazard_ratio": 0.21, "ci": [0.05, 0.98]},
    "patients": 33,
    "share": 0.24,
    "truths": [1.0, 0.8],
    "confirmation": {"events": 26, "observed": {"hazard_ratio": 1.19, "ci": [0.55, 2.59]}},
}


@pytest.fixture(scope="module")
def found():
    return simulate_winners_curse(make_winners_curse(XENTUZUMAB), replicates=1000, seed=5)


def close(estimate, truth, errors=3.0, slack=0.0):
    return abs(estimate["value"] - truth) <= errors * estimate["mc_standard_error"] + slack


def test_the_xentuzumab_interval_rests_on_7_events_or_on_12_if_split_as_the_ratio(found):
    assert found.reported.events_balanced == pytest.approx(6.94, abs=0.005)
    # 1/a + 1/b with a/b = 0.21 is the same variance
    ours, control = (found.reported.events_split * part / 1.21 for part in (0.21, 1.0))
    assert 1 / ours + 1 / control == pytest.approx(found.reported.std_error**2)
    assert found.reported.events_split == pytest.approx(12.1, abs=0.05)


def test_null_tail_is_0_02_for_one_subgroup_and_0_18_for_the_best_of_10(found):
    assert found.best(1).closed_form == pytest.approx(0.0199, abs=1e-4)
    assert found.best(10).closed_form == pytest.approx(0.182, abs=5e-4)


@pytest.mark.parametrize("looks", [1, 5, 10, 20])
@pytest.mark.parametrize("relation", ["independent", "overlapping", "nested"])
def test_patients_one_by_one_agree_with_the_closed_form(found, relation, looks):
    # the log-rank statistic of so few events is not quite normal: at 7 and 12 events the exact tail is 0.016 to 0.018
    best = found.best(looks, relation, split=True)
    assert close(best.as_strong, best.closed_form, slack=0.15 * best.closed_form)


def test_best_of_independent_subgroups_is_one_minus_none(found):
    p = found.best(1).closed_form
    assert found.best(20).closed_form == pytest.approx(1 - (1 - p) ** 20)
    assert looks_for(1 - (1 - p) ** 20, p) == pytest.approx(20)


def test_overlapping_subgroups_are_the_multivariate_normal_with_their_share_as_correlation():
    correlation = np.full((3, 3), 0.24) + 0.76 * np.eye(3)
    none = multivariate_normal(cov=correlation, allow_singular=False).cdf([1.5, 1.5, 1.5], rng=1)
    assert best_of(-1.5, 3, "overlapping", share=0.24, drift=0.0) == pytest.approx(1 - none, abs=1e-4)


def test_nested_subgroups_are_the_multivariate_normal_of_their_sizes():
    sizes = nested_fractions(3, 0.24)
    assert sizes.tolist() == pytest.approx([0.24, 0.62, 1.0])
    correlation = np.sqrt(np.minimum.outer(sizes, sizes) / np.maximum.outer(sizes, sizes))
    none = multivariate_normal(cov=correlation).cdf([1.5, 1.5, 1.5], rng=1)
    assert best_of(-1.5, 3, "nested", share=0.24, drift=0.0) == pytest.approx(1 - none, abs=1e-4)


@pytest.mark.parametrize("relation", ["independent", "overlapping", "nested"])
def test_more_looks_and_a_true_effect_make_a_striking_subgroup_likelier(relation):
    by_looks = [best_of(-2.0, k, relation, share=0.3, drift=0.0) for k in (1, 2, 5, 20)]
    assert by_looks == sorted(by_looks)
    assert by_looks[0] == pytest.approx(norm.cdf(-2.0))
    assert best_of(-2.0, 5, relation, share=0.3, drift=-0.5) > by_looks[2]


def test_type_s_and_type_m_are_those_of_gelman_and_carlin():
    power, wrong, factor = significance_errors(0.1 / 3.28, 0.05)
    assert round(power, 2) == 0.05
    assert round(wrong, 2) == 0.46
    assert round(factor) == 77


def test_without_an_effect_there_is_no_right_sign_and_no_factor():
    power, wrong, factor = significance_errors(0.0, 0.05)
    assert power == pytest.approx(0.05)
    assert math.isnan(wrong)
    assert math.isnan(factor)


@pytest.mark.parametrize("ratio", [0.4, 1.0])
def test_statistic_and_estimate_are_those_of_the_survival_room(ratio):
    rng = np.random.default_rng(4)
    arm, event = simulate_arms(rng, 6, 33, ratio, 12)
    z, estimate = compare_arms(arm, event, np.ones_like(arm))
    time = np.arange(1.0, 34.0)
    for row in range(6):
        groups = np.where(arm[row], "experimental", "control")
        test = logrank(time=time, event=np.asarray(event[row]), groups=groups)
        model = cox(time=time, event=np.asarray(event[row]), covariates=arm[row][:, None].astype(float))
        assert z[row] ** 2 == pytest.approx(test.statistic)
        assert estimate[row] == pytest.approx(float(model.coef[0]), abs=1e-6)


def test_events_in_one_arm_alone_give_an_infinite_estimate_and_no_informative_event_none():
    arm = np.array([[False, False, True, True], [True, True, False, False], [True, True, True, True]])
    event = np.array([[True, True, False, False]] * 3)
    z, estimate = compare_arms(arm, event, np.ones_like(arm))
    assert estimate[0] == -np.inf
    assert estimate[1] == np.inf
    assert np.isnan(estimate[2])
    assert z[0] < 0 < z[1]


def test_infinite_estimates_are_as_frequent_as_all_orders_of_the_patients_say():
    # 6 patients, 3 an arm, 3 events: of the 20 orders of the arms one has the three of control first
    orders = [o for o in itertools.product([False, True], repeat=6) if sum(o) == 3]
    all_control = sum(not any(o[:3]) for o in orders) / len(orders)
    rows = simulate_single(0, 4000, seed=1, ratio=1.0, patients=6, events=3)
    share = float(np.isneginf(rows["estimate"]).mean())
    assert abs(share - all_control) < 3 * math.sqrt(all_control * (1 - all_control) / 4000)


def test_with_many_patients_to_few_events_an_event_falls_into_either_arm_like_a_coin():
    rows = simulate_single(0, 4000, seed=2, ratio=1.0, patients=2000, events=7)
    p = float(binom.pmf(0, 7, 0.5))
    share = float(np.isneginf(rows["estimate"]).mean())
    assert abs(share - p) < 3 * math.sqrt(p * (1 - p) / 4000)


def test_7_events_reach_the_reported_ratio_more_often_than_the_normal_distribution_says(found):
    # 0 or 1 of 7 events in the experimental arm: 8 of 128, less for the arms at risk not staying equal
    few, more = found.best(1), found.best(1, split=True)
    assert few.as_small["value"] > 0.035 > 0.0199
    assert more.as_small["value"] < 0.0199


def test_significant_estimates_exaggerate_and_infinite_ones_are_counted(found):
    by_events = {t.events: t for t in found.first_trials if t.truth == 0.8}
    assert by_events[7].infinite["value"] > 0.03
    assert by_events[7].exaggeration["value"] > 5
    assert by_events[12].exaggeration["value"] > 4
    assert by_events[12].exaggeration_closed_form == pytest.approx(8.03, abs=0.01)
    assert 0.05 < by_events[12].wrong_sign["value"] < 0.3


def test_confirmation_has_schoenfelds_power_and_the_true_ratio(found):
    null, _, reported = found.confirmations
    assert (null.truth, reported.truth) == (1.0, 0.21)
    assert close(null.power, 0.025, slack=0.005)
    assert close(null.hazard_ratio, 1.0, slack=0.02)
    assert null.observed_inside
    assert not reported.observed_inside
    assert reported.power_closed_form == pytest.approx(0.978, abs=5e-4)
    assert close(null.as_bad, null.as_bad_closed_form, slack=0.01)


def test_sentences_say_unlikely_for_one_and_possible_for_the_best_of_10(found):
    text = " ".join(found.sentences())
    assert "unlikely (0.02) for one subgroup looked at" in text
    assert "possible (0.18) for the best of 10" in text
    assert "shows no benefit is likely (0.975)" in text
    assert [likelihood_word(p) for p in (0.0499, 0.05, 0.499, 0.5)] == [
        "unlikely",
        "possible",
        "possible",
        "likely",
    ]


def test_numbers_do_not_depend_on_blocks_or_workers():
    asked = {"seed": 3, "relation": "nested", "looks": (1, 4), "patients": 12, "events": 5, "share": 0.5}
    whole = simulate_best(0, 120, **asked)
    parts = [simulate_best(a, b, **asked) for a, b in ((0, 7), (7, 80), (80, 120))]
    for name, values in whole.items():
        assert np.array_equal(values, np.concatenate([part[name] for part in parts]))


def test_every_simulated_number_has_its_error(found):
    def estimates(node):
        if isinstance(node, dict) and set(node) == {"value", "mc_standard_error"}:
            yield node
        elif isinstance(node, dict | list):
            for child in node.values() if isinstance(node, dict) else node:
                yield from estimates(child)

    all_of_them = list(estimates(found.to_dict()))
    assert len(all_of_them) > 100
    assert all(
        (e["mc_standard_error"] is None) <= (e["value"] is None or e["value"] == 0) for e in all_of_them
    )


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"reported": {"hazard_ratio": 0.04, "ci": [0.05, 0.98]}}, "does not hold 0.04"),
        ({"patients": 10}, "can't have the 12 events"),
        ({"looked_at": []}, "each once"),
        ({"patients": 5000, "looked_at": [200]}, "cells a trial"),
        ({"evidence": ["E-x-99"]}, "no evidence entry is named E-x-99"),
        ({"share": 1.0}, "less than 1"),
        ({"subgrops": ["nested"]}, "subgroups"),
    ],
)
def test_settings_that_cannot_be_are_refused_with_what_is_wrong(change, said):
    with pytest.raises(ConfigError, match=said):
        make_winners_curse(XENTUZUMAB | change)


@pytest.mark.parametrize("replicates", [0, 10**12])
def test_so_many_replicates_are_refused_before_any_is_drawn(replicates):
    with pytest.raises(UsageError, match="from 1 to 1,000,000"):
        simulate_winners_curse(make_winners_curse(XENTUZUMAB), replicates=replicates)


def test_packaged_settings_are_read():
    folder = Path(__file__).parents[2] / "configs" / "scenarios"
    assert read_winners_curse(folder / "winners_curse.yaml").reported.hazard_ratio == 0.21
    assert read_winners_curse(folder / "history" / "ganitumab_to_gamma.yaml").confirmation.events == 406
