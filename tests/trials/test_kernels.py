"""Kernels of the simulation against igfstrat.survival (itself held against R), scipy, and brute force."""

import numpy as np
import pytest
from scipy import stats

from igfstrat.survival import cox, logrank, maxcombo, rmst_difference, survival_difference
from igfstrat.trials import make_scenario
from igfstrat.trials.kernels.normal import all_below
from igfstrat.trials.kernels.order import bucket_count, fill_buckets, kth_smallest, sort_keys
from igfstrat.trials.kernels.random import negative_log, stream, unit, word
from igfstrat.trials.simulation.engine import draw_patients, simulate_trials

BASE = {
    "endpoint": "pfs",
    "marker": {
        "name": "igf1r",
        "prevalence": {"value": 0.4},
        "assay": {"sensitivity": 0.9, "specificity": 0.8},
    },
    "control": {"median": 12, "prognostic_hazard_ratio": 1.5},
    "treatment": {"hazard_ratio": {"positive": 0.6, "negative": 0.95}},
    "accrual": {"screened_per_month": 12},
    "dropout": {"probability_per_year": 0.1},
    "randomization": {"block": 4, "strata": ["igf1r"]},
    "designs": {"all_comers": {"n": 200, "events": 120, "hypotheses": ["overall", "positive", "negative"]}},
}
SEEDS = range(40)
MEMBERS = {
    "overall": lambda d: slice(None),
    "positive": lambda d: d["test_positive"],
    "negative": lambda d: ~d["test_positive"],
}


def scenario_with(**changes):
    return make_scenario(BASE | changes)


def followed(scenario, seed, cut):
    """Patients of a trial as they are known at a calendar time."""
    d = draw_patients(scenario, "all_comers", seed=seed, replicate=3)
    d = {name: values[d["entry"] <= cut] for name, values in d.items()}
    known = d["entry"] + d["time"] <= cut
    d["event"] = d["event"] & known
    d["time"] = np.where(known, d["time"], cut - d["entry"])
    return d


def pairs(scenario, populations=("overall", "positive", "negative")):
    """What the engine found and the data that it found it on."""
    for seed in SEEDS:
        trials = simulate_trials(scenario, "all_comers", seed=seed, first=3, replicates=1)
        data = followed(scenario, seed, trials.cut[0, 0])
        for j, name in enumerate(populations):
            rows = MEMBERS[name](data)
            yield trials, j, {key: values[rows] for key, values in data.items()}


def signed(test):
    """Z of a two-group log-rank test, > 0 where the second group has fewer events than expected."""
    return (test.expected[1] - test.observed[1]) / np.sqrt(test.variance[1, 1])


def test_logrank_z_equals_the_survival_room_in_every_population():
    for trials, j, d in pairs(scenario_with()):
        expected = signed(logrank(time=d["time"], event=d["event"], groups=d["experimental"]))
        assert trials.z[0, 0, j] == pytest.approx(expected, abs=1e-12)
        assert trials.events[0, 0, j] == d["event"].sum()
        assert trials.patients[0, 0, j] == len(d["time"])


def test_logrank_z_with_scans_is_the_hypergeometric_one_of_tied_times():
    scenario = scenario_with(scans={"every": 2.0})
    tied = 0
    for trials, j, d in pairs(scenario):
        tied += len(d["time"]) - len(np.unique(d["time"]))
        expected = signed(logrank(time=d["time"], event=d["event"], groups=d["experimental"]))
        assert trials.z[0, 0, j] == pytest.approx(expected, abs=1e-12)
    assert tied > 1_000


def test_stratified_logrank_keeps_risk_sets_within_marker_and_subgroup():
    groups = [{"name": "bone", "share": 0.3, "control_hazard_ratio": 0.6}, {"name": "visceral", "share": 0.7}]
    scenario = scenario_with(
        test={"statistic": "stratified_logrank", "strata": ["igf1r", "subgroup"]}, subgroups=groups
    )
    for trials, j, d in pairs(scenario):
        test = logrank(time=d["time"], event=d["event"], groups=d["experimental"], strata=d["stratum"])
        assert trials.z[0, 0, j] == pytest.approx(signed(test), abs=1e-12)


@pytest.mark.parametrize(("rho", "gamma"), [(0.0, 1.0), (1.0, 0.0), (0.5, 0.5)])
def test_fleming_harrington_z_equals_the_survival_room(rho, gamma):
    scenario = scenario_with(test={"statistic": "fleming_harrington", "rho": rho, "gamma": gamma})
    for trials, j, d in pairs(scenario):
        test = logrank(
            time=d["time"],
            event=d["event"],
            groups=d["experimental"],
            weighting="fleming-harrington",
            rho=rho,
            gamma=gamma,
        )
        assert trials.z[0, 0, j] == pytest.approx(signed(test), abs=1e-11)


@pytest.mark.parametrize(
    "weights", [[[0.0, 0.0], [0.0, 1.0]], [[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]]], ids=["two", "three"]
)
def test_maxcombo_p_value_equals_the_survival_room(weights):
    scenario = scenario_with(test={"statistic": "maxcombo", "weights": weights})
    for trials, j, d in pairs(scenario, ("overall",)):
        test = maxcombo(
            time=d["time"],
            event=d["event"],
            groups=d["experimental"],
            powers=[tuple(w) for w in weights],
            alternative="less",
        )
        assert stats.norm.sf(trials.z[0, 0, j]) == pytest.approx(test.p_value, abs=2e-5)


def test_cox_estimate_equals_the_survival_room_with_and_without_ties():
    for changes in ({}, {"scans": {"every": 2.0}}):
        for trials, j, d in pairs(scenario_with(**changes)):
            fit = cox(time=d["time"], event=d["event"], covariates=d["experimental"].astype(float))
            assert trials.log_hazard_ratio[0, 0, j] == pytest.approx(fit.coef[0], abs=1e-7)
            assert trials.std_error[0, 0, j] == pytest.approx(fit.std_error[0], abs=1e-7)


def test_rmst_z_equals_the_survival_room():
    scenario = scenario_with(test={"statistic": "rmst", "tau": 10.0})
    for trials, j, d in pairs(scenario):
        found = rmst_difference(time=d["time"], event=d["event"], groups=d["experimental"], tau=10.0)
        assert trials.z[0, 0, j] == pytest.approx(found.z, abs=1e-10)


def test_milestone_z_equals_the_survival_room():
    scenario = scenario_with(test={"statistic": "milestone", "at": 8.0})
    for trials, j, d in pairs(scenario):
        found = survival_difference(time=d["time"], event=d["event"], groups=d["experimental"], at=[8.0])
        assert trials.z[0, 0, j] == pytest.approx(found.z[0], abs=1e-10)


def test_each_of_three_looks_has_the_z_of_the_data_at_its_own_cut():
    scenario = scenario_with(designs={"all_comers": {"n": 200, "events": [40, 80, 120]}})
    for seed in SEEDS:
        trials = simulate_trials(scenario, "all_comers", seed=seed, first=3, replicates=1)
        assert trials.events[0, :, 0].tolist() == [40.0, 80.0, 120.0]
        for k, cut in enumerate(trials.cut[0]):
            d = followed(scenario, seed, cut)
            expected = signed(logrank(time=d["time"], event=d["event"], groups=d["experimental"]))
            assert trials.z[0, k, 0] == pytest.approx(expected, abs=1e-12)


def buckets(n):
    return np.zeros(n, np.uint32), np.zeros(bucket_count(n), np.uint32)


def test_kth_smallest_is_that_of_a_full_sort():
    rng = np.random.default_rng(1)
    for n in (1, 2, 7, 300):
        values = np.where(rng.random(n) < 0.2, np.inf, rng.exponential(size=n) ** 3)
        place, count = buckets(n)
        fill_buckets(values, n, values[np.isfinite(values)].max(initial=0.0), place, count)
        found = [kth_smallest(values, n, k, place, count, np.zeros(n)) for k in range(1, n + 1)]
        np.testing.assert_array_equal(found, np.sort(values))
        assert kth_smallest(values, n, n + 1, place, count, np.zeros(n)) == np.inf


def test_keys_come_out_sorted_when_all_fall_into_one_bucket():
    times = np.concatenate((np.linspace(0, 1e-6, 200)[::-1], [1e9]))
    out = np.zeros(201, np.int64)
    sort_keys(times.view(np.int64), 201, 1e9, out, *buckets(201))
    np.testing.assert_array_equal(out.view(np.float64), np.sort(times))


def test_logarithm_of_the_draws_is_that_of_numpy_from_the_smallest_uniform_to_the_largest():
    near_one = 1.0 - 2.0 ** -np.arange(1.0, 54.0)
    x = np.concatenate((np.geomspace(2.0**-54, 0.999, 20_000), near_one, [0.5, np.sqrt(0.5)]))
    found = np.array([negative_log(value) for value in x])
    np.testing.assert_allclose(found, -np.log(x), rtol=1e-15, atol=0)
    assert found.min() > 0.0


@pytest.mark.parametrize("rho", [-0.5, 0.3, 0.9])
def test_probability_below_a_limit_agrees_with_scipy(rho):
    for k in (2, 3, 4):
        correlation = np.full((k, k), max(rho, 0.0) if k > 2 else rho)
        np.fill_diagonal(correlation, 1.0)
        exact = stats.multivariate_normal(cov=correlation, abseps=1e-8, releps=1e-8, maxpts=2_000_000).cdf(
            np.full(k, 2.0), rng=1
        )
        assert all_below(2.0, correlation) == pytest.approx(exact, abs=3e-6)


def uniform(seed, replicate, patient, variable):
    start, step = (np.uint64(part) for part in stream(np.uint64(seed), replicate))
    return unit(np.uint64(word(start, step, patient, variable)))


def test_words_of_neighbouring_patients_variables_and_replicates_are_uniform_and_unrelated():
    def draws(replicate, variable):
        return np.array([uniform(20261120, replicate, i, variable) for i in range(4_000)])

    first, other, later = draws(0, 0), draws(0, 1), draws(1, 0)
    across = np.array([uniform(7, r, 0, 0) for r in range(4_000)])
    for sample in (first, other, later, across):
        assert stats.kstest(sample, "uniform").pvalue > 0.001
    for a, b in ((first, other), (first, later), (first[:-1], first[1:]), (across[:-1], across[1:])):
        assert abs(np.corrcoef(a, b)[0, 1]) < 4 / np.sqrt(len(a))
