"""Permutation p-values. Truth: all arrangements of small trials in plain Python, and the level under the null."""

from itertools import permutations

import numpy as np
import pytest

from igfstrat.errors import ConfigError
from igfstrat.survival import survival_difference
from igfstrat.trials import make_scenario
from igfstrat.trials.simulation.engine import draw_patients, simulate_trials
from igfstrat.trials.study.operating import simulate_scenario

BASE = {
    "endpoint": "pfs",
    "marker": {"name": "igf1r", "prevalence": {"value": 0.4}},
    "control": {"median": 6, "prognostic_hazard_ratio": 2.0},
    "accrual": {"screened_per_month": 25},
    "dropout": {"probability_per_year": 0.1},
    "randomization": {"ratio": [2, 1], "block": 3},
    "test": {"critical_values": "permutation"},
    "designs": {"all_comers": {"n": 60, "events": 40}},
}
SMALL = {"designs": {"all_comers": {"n": 12, "events": 8}}, "randomization": {"ratio": [1, 1], "block": 4}}
PATTERNS = sorted(set(permutations([0, 0, 1, 1])))


def followed(scenario, seed, cut):
    d = draw_patients(scenario, "all_comers", seed=seed, replicate=0)
    inside = d["entry"] <= cut
    known = d["entry"] + d["time"] <= cut
    time = np.where(known, d["time"], cut - d["entry"])
    return time, d["event"] & known, d["experimental"].astype(int), inside


def excess(time, event, arm):
    """Expected minus observed events of the experimental arm, risk set by risk set."""
    total = 0.0
    for t in np.unique(time[event]):
        at_risk = time >= t
        here = event & (time == t)
        total += here.sum() * arm[at_risk].mean() - arm[here].sum()
    return total


def all_arms():
    return (np.concatenate((a, b, c)) for a in PATTERNS for b in PATTERNS for c in PATTERNS)


def exact_p(statistic, data, arm, inside):
    """Share of all 216 arrangements of three blocks of 4 that reach the statistic."""
    seen = statistic(*data, arm[inside])
    others = [statistic(*data, np.asarray(a)[inside]) for a in all_arms()]
    return np.mean([value >= seen - 1e-9 for value in others])


def p_of(z):
    from scipy.special import ndtr

    return ndtr(-z)


def test_p_value_of_the_logrank_score_is_the_share_of_all_arrangements_of_its_blocks():
    test = {"critical_values": "permutation", "permutations": 40_000, "alpha": 0.49}
    scenario = make_scenario(BASE | SMALL | {"test": test})
    compared = 0
    for seed in range(30):
        trials = simulate_trials(scenario, "all_comers", seed=seed, replicates=1)
        time, event, arm, inside = followed(scenario, seed, trials.cut[0, 0])
        exact = exact_p(excess, (time[inside], event[inside]), arm, inside)
        if exact > 0.4:  # beyond its level a p-value is rough
            continue
        compared += 1
        found = p_of(trials.z[0, 0, trials.populations.index("overall")])
        assert found == pytest.approx(exact, abs=4 * np.sqrt(0.25 / 40_000))
    assert compared > 8


def milestone(time, event, arm):
    found = survival_difference(time=time, event=event, groups=arm == 1, at=[4.0])
    return float(np.nan_to_num(np.ravel(found.z)[0], nan=-np.inf))


def test_p_value_of_a_milestone_is_the_share_of_all_arrangements_too():
    test = {"critical_values": "permutation", "permutations": 20_000, "alpha": 0.49}
    test |= {"statistic": "milestone", "at": 4.0}
    scenario = make_scenario(BASE | SMALL | {"test": test})
    compared = 0
    for seed in range(40):
        trials = simulate_trials(scenario, "all_comers", seed=seed, replicates=1)
        z = trials.z[0, 0, trials.populations.index("overall")]
        time, event, arm, inside = followed(scenario, seed, trials.cut[0, 0])
        if np.isnan(z):
            continue
        exact = exact_p(milestone, (time[inside], event[inside]), arm, inside)
        if exact > 0.4:
            continue
        compared += 1
        assert p_of(z) == pytest.approx(exact, abs=4 * np.sqrt(0.25 / 20_000))
    assert compared > 2


def test_two_to_one_with_few_events_keeps_its_level_by_permutation():
    scenario = make_scenario(BASE)
    study = simulate_scenario(scenario, replicates=8_000, n_jobs=2)
    found = study.designs["all_comers"].type_i_error
    assert found["value"] <= 0.025 + 3 * np.sqrt(0.025 * 0.975 / 8_000)
    assert found["value"] >= 0.025 - 3 * np.sqrt(0.025 * 0.975 / 8_000) - 0.001  # score is discrete


def test_stratified_scores_are_permuted_within_the_blocks_of_their_strata():
    strata = {"randomization": {"block": 4, "strata": ["igf1r"]}}
    test = {"statistic": "stratified_logrank", "critical_values": "permutation", "permutations": 199}
    study = simulate_scenario(make_scenario(BASE | strata | {"test": test}), replicates=6_000, n_jobs=2)
    found = study.designs["all_comers"].type_i_error
    assert abs(found["value"] - 0.025) <= 3 * np.sqrt(0.025 * 0.975 / 6_000) + 0.001


def test_the_bytes_do_not_depend_on_threads_and_estimates_stay_as_they_were():
    scenario = make_scenario(BASE)
    one = simulate_trials(scenario, "all_comers", seed=5, replicates=600)
    two = simulate_trials(scenario, "all_comers", seed=5, replicates=600, threads=2)
    np.testing.assert_array_equal(one.z, two.z)
    plain = make_scenario(BASE | {"test": {"statistic": "logrank"}})
    normal = simulate_trials(plain, "all_comers", seed=5, replicates=600)
    np.testing.assert_array_equal(one.log_hazard_ratio, normal.log_hazard_ratio)
    overall = one.populations.index("overall")
    # p-values of the same trials rank as the normal ones do
    decided = normal.z[:, 0, overall] > 0
    assert np.corrcoef(one.z[decided, 0, overall], normal.z[decided, 0, overall])[0, 1] > 0.9


def test_a_warning_of_too_much_error_offers_permutation_and_early_looks_ask_for_more_of_it():
    late = {"statistic": "milestone", "at": 8.0}
    small = {
        "designs": {"all_comers": {"n": 40, "events": 20}},
        "randomization": {"ratio": [1, 3], "block": 4},
    }
    study = simulate_scenario(make_scenario(BASE | small | {"test": late}), replicates=10_000, n_jobs=2)
    assert any("critical_values: permutation" in warning for warning in study.warnings)
    held = make_scenario(BASE | small | {"test": late | {"critical_values": "permutation"}})
    study = simulate_scenario(held, replicates=2_000, n_jobs=2)
    assert not any("above the nominal" in warning for warning in study.warnings)
    looks = {"designs": {"all_comers": {"n": 60, "events": [15, 40], "spending": "obrien_fleming"}}}
    study = simulate_scenario(make_scenario(BASE | looks), replicates=50)
    assert any("needs more than 999 permutations" in warning for warning in study.warnings)


def test_a_number_of_permutations_belongs_to_permutation():
    with pytest.raises(ConfigError, match="belong to `critical_values: permutation`"):
        make_scenario(BASE | {"test": {"permutations": 99}})
