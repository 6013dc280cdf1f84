"""Decisions from given statistics: worked by hand, and family-wise error on correlated normal draws."""

from dataclasses import replace

import numpy as np
import pytest

from igfstrat.trials import make_scenario
from igfstrat.trials.designs.rules import decide, make_rules
from igfstrat.trials.simulation.engine import Trials, simulate_trials

BASE = {
    "endpoint": "pfs",
    "marker": {"prevalence": {"value": 0.5}},
    "control": {"median": 12},
    "accrual": {"screened_per_month": 40},
    "designs": {"all_comers": {"n": 200, "events": 120}},
}


def rules_of(seed=1, **design):
    scenario = make_scenario(BASE | {"designs": {"all_comers": {"n": 200, "events": 120} | design}})
    return make_rules(scenario, "all_comers", seed=seed)


def trials_of(z, reached=None):
    """Trials with given statistics, shape (trials, looks, hypotheses)."""
    z = np.asarray(z, dtype=float)
    flat = np.zeros(z.shape[:2])
    names = ("cut", "randomized", "screened")
    wide = ("events", "events_experimental", "patients", "information", "log_hazard_ratio", "std_error")
    reached = np.ones(z.shape[:2], bool) if reached is None else np.asarray(reached)
    return Trials(
        populations=("overall", "positive")[: z.shape[2]],
        reached=reached,
        z=z,
        **dict.fromkeys(names, flat),
        **dict.fromkeys(wide, np.zeros(z.shape)),
    )


def test_a_fixed_design_rejects_at_1_96():
    found = decide(rules_of(), trials_of([[[1.9599]], [[1.9600]], [[np.nan]]]))
    assert found.rejected[:, 0].tolist() == [False, True, False]


def test_three_looks_stop_at_the_first_boundary_that_is_crossed():
    rules = rules_of(events=[40, 80, 120], spending="obrien_fleming")
    z = [[3.72, 0.0, 0.0], [3.70, 2.52, 0.0], [3.70, 2.50, 2.00], [3.70, 2.50, 1.99]]
    found = decide(rules, trials_of(np.array(z)[:, :, None]))
    assert found.last_look.tolist() == [0, 1, 2, 2]
    assert found.rejected[:, 0].tolist() == [True, True, True, False]


def test_a_trial_below_the_futility_bound_ends_without_rejecting():
    rules = rules_of(events=[60, 120], futility={"z": [0.0]})
    found = decide(rules, trials_of([[[-0.1], [5.0]], [[0.1], [5.0]]]))
    assert found.last_look.tolist() == [0, 1]
    assert found.rejected[:, 0].tolist() == [False, True]
    assert found.futile.tolist() == [True, False]


def test_a_look_that_never_came_leaves_the_last_boundary():
    rules = rules_of(events=[60, 120])
    found = decide(rules, trials_of([[[np.nan], [2.5]]], reached=[[False, False]]))
    assert found.rejected.all()
    assert found.infeasible.tolist() == [True]


@pytest.mark.parametrize(
    ("method", "z", "expected"),
    [
        ("bonferroni", [2.2, 2.3], [False, True]),  # 0.0125 is z = 2.2414
        ("hochberg", [1.97, 1.97], [True, True]),
        ("hierarchical", [1.9, 5.0], [False, False]),
        ("hierarchical", [2.0, 1.97], [True, True]),
        ("fallback", [2.3, 1.97], [True, True]),  # the first hands its half on
        ("fallback", [1.97, 2.2], [False, False]),
    ],
)
def test_two_hypotheses_at_one_look_by_hand(method, z, expected):
    rules = rules_of(hypotheses=["overall", "positive"], multiplicity=method)
    assert decide(rules, trials_of([[z]])).rejected.tolist() == [expected]


def test_a_sequential_p_value_of_two_looks_rejects_exactly_at_the_boundary_of_its_level():
    rules = rules_of(hypotheses=["overall", "positive"], multiplicity="bonferroni", events=[60, 120])
    level = np.searchsorted(rules.levels, 0.0125)
    assert rules.levels[level] == 0.0125
    for j in range(2):
        bound = rules.table[j, :, level]
        z = np.full((2, 2, 2), -3.0)
        z[0, 1, j], z[1, 1, j] = bound[1] + 1e-6, bound[1] - 1e-6
        assert decide(rules, trials_of(z)).rejected[:, j].tolist() == [True, False]


@pytest.mark.parametrize(
    "method", ["bonferroni", "hochberg", "simes", "spiessens_debois", "hierarchical", "fallback"]
)
@pytest.mark.parametrize("looks", [[120], [60, 120]], ids=["fixed", "two looks"])
def test_family_wise_error_of_200_000_correlated_pairs_stays_nominal(method, looks):
    rules = rules_of(hypotheses=["overall", "positive"], multiplicity=method, events=looks)
    rules = replace(rules, correlation=np.sqrt(0.5))
    rng = np.random.default_rng(1)
    steps = np.diff(rules.information[:, 0], prepend=0.0)
    inside, outside = (rng.normal(size=(200_000, len(steps))) * np.sqrt(steps / 2) for _ in range(2))
    positive, overall = np.cumsum(inside, axis=1), np.cumsum(inside + outside, axis=1)
    time = np.cumsum(steps)
    z = np.stack((overall / np.sqrt(time), positive / np.sqrt(time / 2)), axis=2)
    # both populations on one clock here, so that the draws have the information that the rules count on
    rules = replace(
        rules,
        table=np.stack((rules.table[0], rules.table[0])),
        efficacy=np.repeat(rules.efficacy[:, :1], 2, axis=1),
    )
    error = decide(rules, trials_of(z)).rejected.any(axis=1).mean()
    assert error <= 0.025 + 3 * np.sqrt(0.025 * 0.975 / 200_000)


def test_information_fractions_of_positives_come_from_trials_without_effect():
    changed = BASE | {"treatment": {"hazard_ratio": {"positive": 0.3, "negative": 1.0}}}
    design = {
        "n": 200,
        "events": [60, 120],
        "hypotheses": ["overall", "positive"],
        "multiplicity": "bonferroni",
    }
    found = [
        make_rules(make_scenario(base | {"designs": {"all_comers": design}}), "all_comers", seed=1)
        for base in (BASE, changed)
    ]
    np.testing.assert_array_equal(found[0].information, found[1].information)
    assert found[0].information[0] == pytest.approx([0.5, 0.5], abs=0.01)
    assert found[0].correlation == pytest.approx(np.sqrt(0.5), abs=0.01)


@pytest.mark.parametrize(
    ("looks", "shares"), [({"events": [120, 190]}, 120 / 190), ({"analysis_times": [20.0, 30.0]}, 20 / 30)]
)
def test_looks_that_no_planning_trial_reaches_take_the_planned_share_of_the_events_at_the_end(looks, shares):
    """A median of 12 months leaves far fewer than 120 events of 200 patients by month 8."""
    design = {
        "n": 200,
        "max_duration": 8,
        "hypotheses": ["overall", "positive"],
        "multiplicity": "bonferroni",
    }
    scenario = make_scenario(BASE | {"designs": {"all_comers": design | looks}})
    assert not simulate_trials(scenario, "all_comers", seed=1, replicates=50, null=True).reached.any()
    rules = make_rules(scenario, "all_comers", seed=1)
    assert rules.information[0] == pytest.approx([shares, shares], abs=1e-6)
    assert rules.correlation == pytest.approx(np.sqrt(0.5), abs=0.02)  # as of the events at the end
    assert np.isfinite(rules.efficacy).all()


def test_a_share_of_positives_that_differs_by_look_is_counted_where_trials_reach_the_first_look_alone():
    design = {
        "n": 200,
        "max_duration": 9,
        "hypotheses": ["overall", "positive"],
        "multiplicity": "bonferroni",
    }
    scenario = make_scenario(BASE | {"designs": {"all_comers": design | {"events": [25, 190]}}})
    trials = simulate_trials(scenario, "all_comers", seed=1, replicates=100, null=True)
    assert trials.reached[:, 0].all()
    assert not trials.reached[:, 1].any()
    counted = trials.events.mean(axis=0)
    # by the events that trials end with: 25 of 190 would leave the positives nearly everything at the end
    found = make_rules(scenario, "all_comers", seed=1).information[0]
    assert found[0] == 25 / 190  # as planned, for who is counted
    assert found[1] == pytest.approx(counted[0, 1] / counted[1, 1], rel=0.05)
