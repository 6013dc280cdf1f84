"""Death beside progression. Truth: survival by hand for exponential times, and trials redrawn and tested in plain Python."""

import numpy as np
import pytest

from igfstrat.errors import ConfigError
from igfstrat.survival import cox, logrank
from igfstrat.trials import make_scenario
from igfstrat.trials.designs.rules import decide, make_rules
from igfstrat.trials.patients._overall_survival import Course, death_hazard, survival_at
from igfstrat.trials.patients.hazards import make_cells
from igfstrat.trials.patients.piecewise import PiecewiseHazard, constant_hazard
from igfstrat.trials.simulation.engine import draw_patients, simulate_trials
from igfstrat.trials.study.operating import simulate_scenario

SURVIVAL = {
    "before_progression": {"median": 40},
    "before_progression_hazard_ratio": 1.5,
    "after_progression": {"median": 9},
    "after_progression_hazard_ratio": {"positive": 0.8, "negative": 1.1},
    "crossover": {"probability": 0.4, "hazard_ratio": 0.6},
}
BASE = {
    "endpoint": "pfs",
    "marker": {"name": "igf1r", "prevalence": {"value": 0.4}},
    "control": {"median": 6},
    "treatment": {"hazard_ratio": {"positive": 0.6, "negative": 0.9}},
    "accrual": {"screened_per_month": 25},
    "dropout": {"probability_per_year": 0.1},
    "randomization": {"block": 4},
    "overall_survival": SURVIVAL,
    "designs": {"all_comers": {"n": 300, "events": [100, 200]}},
}
LN2 = np.log(2)


def after_two_rates(t, progression, death, after):
    """Alive at t when all three hazards are constant: worked out by hand."""
    total = progression + death
    return np.exp(-total * t) + progression * (np.exp(-after * t) - np.exp(-total * t)) / (total - after)


def test_survival_with_constant_hazards_and_crossover_is_that_worked_by_hand():
    course = Course(
        progression=constant_hazard(0.1),
        death=constant_hazard(0.02),
        after=constant_hazard(0.06),
        crossed=constant_hazard(0.03),
        crossover=0.25,
    )
    for t in (0.5, 7.0, 40.0):
        by_hand = 0.75 * after_two_rates(t, 0.1, 0.02, 0.06) + 0.25 * after_two_rates(t, 0.1, 0.02, 0.03)
        assert survival_at(course, t) == pytest.approx(by_hand, abs=1e-12)
        assert death_hazard(course).survival(t) == pytest.approx(by_hand, abs=1e-4)


def test_who_never_progresses_and_never_dies_stays_alive():
    quiet = PiecewiseHazard(np.array([0.0, 5.0]), np.array([0.1, 0.0]))
    course = Course(
        progression=quiet,
        death=constant_hazard(0.0),
        after=constant_hazard(0.2),
        crossed=constant_hazard(0.2),
    )
    assert death_hazard(course).survival(1e5) == pytest.approx(np.exp(-0.5), abs=1e-4)


def drawn_patients(scenario, trials):
    drawn = [draw_patients(scenario, "all_comers", seed=4, replicate=r) for r in range(trials)]
    return {key: np.concatenate([d[key] for d in drawn]) for key in drawn[0]}


def test_patients_of_each_arm_and_stratum_die_as_their_hazards_say():
    scenario = make_scenario(BASE | {"dropout": {"rate_per_year": 0.0}})
    found = drawn_patients(scenario, 150)
    ratios = {True: (0.6, 0.8), False: (0.9, 1.1)}
    for positive, (treated, after_treated) in ratios.items():
        for arm in (False, True):
            here = ((found["cell"] == 0) == positive) & (found["experimental"] == arm)
            rates = (LN2 / 6 * (treated if arm else 1), LN2 / 40 * (1.5 if arm else 1))
            after = LN2 / 9 * (after_treated if arm else 1)
            death, n = found["death"][here], here.sum()
            assert found["died"][here].all()
            for t in (5.0, 15.0, 30.0):
                expected = after_two_rates(t, *rates, after)
                if not arm:
                    expected = 0.6 * expected + 0.4 * after_two_rates(t, *rates, 0.6 * after)
                assert (death > t).mean() == pytest.approx(expected, abs=4 * np.sqrt(0.25 / n))
                assert (found["time"][here] > t).mean() == pytest.approx(
                    np.exp(-sum(rates) * t), abs=4 * np.sqrt(0.25 / n)
                )


def test_nobody_dies_before_the_first_event_and_dropout_ends_both():
    found = drawn_patients(make_scenario(BASE | {"scans": {"every": 3.0}}), 20)
    assert (found["death"] >= found["time"]).all()
    left = ~found["event"]
    assert not found["died"][left].any()
    np.testing.assert_array_equal(found["death"][left], found["time"][left])
    at_scan = np.isclose(found["time"] % 3.0, 0.0) | np.isclose(found["time"] % 3.0, 3.0)
    seen_by_death = found["event"] & ~at_scan
    # between scans only a death is seen
    np.testing.assert_array_equal(found["death"][seen_by_death], found["time"][seen_by_death])
    assert seen_by_death.sum() > 100


def test_death_at_a_look_is_tested_as_the_survival_room_does():
    scenario = make_scenario(BASE)
    for seed in range(15):
        trials = simulate_trials(scenario, "all_comers", seed=seed, first=2, replicates=1)
        d = draw_patients(scenario, "all_comers", seed=seed, replicate=2)
        for k in range(2):
            cut = trials.cut[0, k]
            inside = d["entry"] <= cut
            known = d["entry"] + d["death"] <= cut
            time = np.where(known, d["death"], cut - d["entry"])[inside]
            event, arm = (d["died"] & known)[inside], d["experimental"][inside]
            test = logrank(time=time, event=event, groups=arm)
            z = (test.expected[1] - test.observed[1]) / np.sqrt(test.variance[1, 1])
            assert trials.deaths.z[0, k] == pytest.approx(z, abs=1e-12)
            assert trials.deaths.events[0, k] == event.sum()
            fit = cox(time=time, event=event, covariates=arm.astype(float))
            assert trials.deaths.log_hazard_ratio[0, k] == pytest.approx(fit.coef[0], abs=1e-7)


def test_death_beside_the_endpoint_does_not_change_the_endpoint():
    without = dict(SURVIVAL)
    del without["before_progression"], without["before_progression_hazard_ratio"]
    beside = make_scenario(BASE | {"overall_survival": without})
    alone = make_scenario({key: value for key, value in BASE.items() if key != "overall_survival"})
    a, b = (simulate_trials(s, "all_comers", seed=1, replicates=50) for s in (beside, alone))
    np.testing.assert_array_equal(a.z, b.z)
    assert b.deaths is None


def own_power_of_death(replicates, rng):
    """Power of the log-rank test of death: trials drawn in plain numpy, tested by the survival room."""
    rejected = 0
    for _ in range(replicates):
        n = 300
        arm = rng.permuted(np.tile([0, 0, 1, 1], (n // 4, 1)), axis=1).ravel() == 1
        entry = rng.uniform(0, 12, n)
        progression = rng.exponential(6 / LN2, n) / np.where(arm, 0.5, 1)
        crossed = ~arm & (rng.random(n) < 0.5)
        death = progression + rng.exponential(8 / LN2, n) / np.where(crossed, 0.5, 1)
        cut = np.sort(entry + death)[199]
        inside = entry < cut
        time = np.minimum(death, cut - entry)[inside]
        event, group = (entry + death <= cut)[inside], arm[inside]
        test = logrank(time=time, event=event, groups=group)
        z = (test.expected[1] - test.observed[1]) / np.sqrt(test.variance[1, 1])
        rejected += z >= 1.959964
    return rejected / replicates


def test_power_for_death_after_crossover_is_that_of_trials_in_plain_python_and_of_the_integral():
    scenario = make_scenario(
        BASE
        | {
            "endpoint": "os",
            "treatment": {"hazard_ratio": 0.5},
            "accrual": {"randomized_uniformly_over": 12},
            "dropout": {"rate_per_year": 0.0},
            "overall_survival": {
                "after_progression": {"median": 8},
                "crossover": {"probability": 0.5, "hazard_ratio": 0.5},
            },
            "designs": {"all_comers": {"n": 300, "events": 200}},
        }
    )
    study = simulate_scenario(scenario, replicates=20_000, n_jobs=2, type_i_error=False)
    found = study.designs["all_comers"]
    power = found.power["value"]
    plain = own_power_of_death(1_500, np.random.default_rng(3))
    assert power == pytest.approx(plain, abs=3 * np.sqrt(power * (1 - power) / 1_500))
    assert abs(found.closed_form["gap"]) <= 3 * found.power["mc_standard_error"] + 0.003


def test_without_effect_neither_treatment_nor_crossover_does_anything():
    scenario = make_scenario(BASE | {"endpoint": "os"})
    trials = simulate_trials(scenario, "all_comers", seed=1, replicates=4_000, null=True)
    assert abs(trials.z[:, 1, 0].mean()) < 4 / np.sqrt(4_000)
    beside = simulate_trials(make_scenario(BASE), "all_comers", seed=1, replicates=4_000, null=True)
    assert abs(beside.deaths.z[:, 1].mean()) < 4 / np.sqrt(4_000)


def harm(rule, **changes):
    return make_scenario(BASE | {"overall_survival": SURVIVAL | {"harm": rule}} | changes)


def test_a_trial_that_harms_stops_there_and_claims_nothing():
    scenario = harm({"p_below": 0.2})
    rules = make_rules(scenario, "all_comers", seed=1)
    trials = simulate_trials(scenario, "all_comers", seed=1, replicates=1_000)
    decisions = decide(rules, trials)
    # by hand: the first look whose statistic of death is below the 20 % point
    worse = trials.deaths.z < -0.8416212
    won = trials.z[:, 0, 0] >= rules.efficacy[0, 0]
    first = worse[:, 0]
    second = ~first & ~won & worse[:, 1]
    np.testing.assert_array_equal(decisions.harmed, first | second)
    np.testing.assert_array_equal(decisions.last_look == 0, first | won)
    assert not decisions.rejected[first | second].any()
    assert first.sum() > 50
    assert second.sum() > 10


def test_a_flag_of_harm_ends_no_trial():
    flagged, plain = harm({"p_below": 0.2, "then": "flag"}), make_scenario(BASE)
    found = [
        decide(make_rules(s, "all_comers", seed=1), simulate_trials(s, "all_comers", seed=1, replicates=500))
        for s in (flagged, plain)
    ]
    np.testing.assert_array_equal(found[0].rejected, found[1].rejected)
    np.testing.assert_array_equal(found[0].last_look, found[1].last_look)
    assert found[0].harmed.any()
    assert not found[1].harmed.any()


def test_harm_by_hazard_ratio_waits_for_its_deaths():
    scenario = harm({"hazard_ratio_above": 1.3, "deaths_at_least": 40})
    trials = simulate_trials(scenario, "all_comers", seed=1, replicates=500)
    decisions = decide(make_rules(scenario, "all_comers", seed=1), trials)
    deaths = trials.deaths
    worse = (np.exp(deaths.log_hazard_ratio) > 1.3) & (deaths.events >= 40)
    assert ((deaths.events[:, 0] < 40) & (np.exp(deaths.log_hazard_ratio[:, 0]) > 1.3)).any()
    np.testing.assert_array_equal(decisions.harmed & (decisions.last_look == 0), worse[:, 0])


def test_harm_without_effect_comes_as_often_as_its_level_says():
    design = {"designs": {"all_comers": {"n": 300, "events": 250}}}
    study = simulate_scenario(harm({"p_below": 0.05}, **design), replicates=8_000, n_jobs=2)
    found = study.designs["all_comers"].overall_survival
    share = found["harm_without_effect"]["value"]
    assert share == pytest.approx(0.05, abs=3 * np.sqrt(0.05 * 0.95 / 8_000) + 0.002)
    assert found["harm_ends_at"][0]["value"] == found["harm"]["value"]
    truth, mean = found["hazard_ratio"]["true"], found["hazard_ratio"]["mean_estimate"]["mean"]
    assert mean == pytest.approx(truth, rel=0.03)
    assert study.designs["all_comers"].no_closed_form.startswith("trials may stop for harm")


def test_the_hazards_of_the_closed_form_are_those_of_the_first_event():
    cells = make_cells(make_scenario(BASE))
    assert cells[0].experimental.rates[0] == pytest.approx(0.6 * LN2 / 6 + 1.5 * LN2 / 40)
    assert cells[0].control.rates[0] == pytest.approx(LN2 / 6 + LN2 / 40)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"endpoint": "os", "overall_survival": SURVIVAL | {"harm": {"p_below": 0.1}}}, "use futility"),
        ({"endpoint": "os", "scans": {"every": 2.0}}, "death is seen at once"),
        ({"overall_survival": SURVIVAL | {"harm": {}}}, "give p_below or hazard_ratio_above"),
        (
            {
                "overall_survival": {
                    "after_progression": {"median": 9},
                    "before_progression_hazard_ratio": 2.0,
                }
            },
            "belongs to `before_progression`",
        ),
        ({"endpoint": "dss"}, "can't stand beside"),
    ],
)
def test_impossible_settings_of_death_are_said(changes, said):
    with pytest.raises(ConfigError, match=said):
        make_scenario(BASE | changes)
