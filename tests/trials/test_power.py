"""Closed forms of the power beyond one hypothesis seen at once. Truth: simulation, normal draws, and cases by hand."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal, norm

from igfstrat.trials import make_scenario
from igfstrat.trials.closed_form.covariance import score_covariance
from igfstrat.trials.closed_form.logrank import expected_events, logrank_moments
from igfstrat.trials.closed_form.trial import make_trial
from igfstrat.trials.designs.power import closed_power, look_times, no_closed_power
from igfstrat.trials.designs.rules import make_rules
from igfstrat.trials.numerics.regions import find_steps, steps_probability
from igfstrat.trials.simulation.engine import simulate_trials
from igfstrat.trials.study.operating import simulate_scenario

BASE = {
    "endpoint": "pfs",
    "marker": {
        "name": "igf1r",
        "prevalence": {"value": 0.4},
        "assay": {"sensitivity": 0.9, "specificity": 0.85},
    },
    "control": {"median": 6, "prognostic_hazard_ratio": 1.5},
    "treatment": {"hazard_ratio": {"positive": 0.65, "negative": 0.95}},
    "accrual": {"screened_per_month": 30},
    "dropout": {"probability_per_year": 0.05},
    "designs": {"all_comers": {"n": 400, "events": 250}},
}
TWO = {"biomarker_stratified": {"n": 400, "events": 250}}


def agrees(replicates=10_000, **changes):
    scenario = make_scenario(BASE | changes)
    study = simulate_scenario(scenario, replicates=replicates, n_jobs=2, type_i_error=False)
    (found,) = study.designs.values()
    allowed = 3 * found.power["mc_standard_error"] + 0.003
    assert abs(found.closed_form["gap"]) <= allowed
    return found, allowed


@pytest.mark.parametrize("every", [2.0, 6.0])
def test_power_with_scans_agrees_with_the_simulated_one(every):
    found, _ = agrees(scans={"every": every})
    assert found.duration["mean"] == pytest.approx(found.closed_form["look_times"][0], rel=0.01)


def test_information_with_scans_is_that_of_simulated_tied_tests():
    scenario = make_scenario(BASE | {"scans": {"every": 6.0}, "treatment": {"hazard_ratio": 0.8}})
    time = look_times(scenario, "all_comers")[0]
    moments = logrank_moments(make_trial(scenario, "all_comers"), time)
    trials = simulate_trials(scenario, "all_comers", seed=1, replicates=2_000, threads=2)
    overall = trials.populations.index("overall")
    assert moments.information == pytest.approx(trials.information[:, 0, overall].mean(), rel=0.01)
    assert moments.z == pytest.approx(trials.z[:, 0, overall].mean(), abs=4 / np.sqrt(2_000))


def test_scans_so_frequent_that_they_do_not_matter_give_the_power_without_them():
    fine, none = (make_scenario(BASE | changes) for changes in ({"scans": {"every": 0.005}}, {}))
    a, b = (logrank_moments(make_trial(s, "all_comers"), 20.0) for s in (fine, none))
    assert a.z == pytest.approx(b.z, rel=1e-3)
    assert expected_events(make_trial(fine, "all_comers"), 20.0) == pytest.approx(b.events, rel=1e-3)


def test_power_over_a_prior_of_the_prevalence_is_the_mean_of_the_powers():
    marker = {"name": "igf1r", "prevalence": {"mean": 0.4, "sd": 0.15}, "assay": BASE["marker"]["assay"]}
    found, _ = agrees(marker=marker)
    assert "prior" in found.closed_form["method"]
    # by hand: powers at draws of the prior
    rng, total = np.random.default_rng(1), 0.4 * 0.6 / 0.15**2 - 1
    powers = []
    for value in rng.beta(0.4 * total, 0.6 * total, 150):
        scenario = make_scenario(BASE | {"marker": marker | {"prevalence": {"value": float(value)}}})
        powers.append(
            closed_power(scenario, "all_comers", make_rules(scenario, "all_comers", seed=0))["power"]
        )
    assert found.closed_form["power"] == pytest.approx(np.mean(powers), abs=4 * np.std(powers) / np.sqrt(150))


@pytest.mark.parametrize("method", ["hochberg", "spiessens_debois", "hierarchical", "bonferroni"])
def test_power_of_two_hypotheses_agrees_with_the_simulated_ones_for_each(method):
    design = TWO["biomarker_stratified"] | {"multiplicity": method}
    found, allowed = agrees(designs={"biomarker_stratified": design})
    for name, power in found.closed_form["hypotheses"].items():
        assert abs(found.hypotheses[name]["value"] - power) <= allowed + 0.003, name
    assert found.closed_form["conjunctive_power"] == pytest.approx(
        found.conjunctive_power["value"], abs=allowed + 0.003
    )


@pytest.mark.parametrize("prognostic", [1.0, 1.5, 2.5])
def test_correlation_of_overall_and_positive_statistics_is_the_simulated_one(prognostic):
    scenario = make_scenario(
        BASE | {"designs": TWO, "control": {"median": 6, "prognostic_hazard_ratio": prognostic}}
    )
    trials = simulate_trials(
        scenario, "biomarker_stratified", seed=3, replicates=10_000, threads=2, estimate=False
    )
    simulated = np.corrcoef(trials.z[:, 0, 0], trials.z[:, 0, 1])[0, 1]
    time = look_times(scenario, "biomarker_stratified")[0]
    whole, part = (
        make_trial(scenario, "biomarker_stratified", population=p) for p in ("overall", "positive")
    )
    spread = np.sqrt(logrank_moments(whole, time).variance * logrank_moments(part, time).variance)
    found = score_covariance(whole, slice(0, len(part.weights)), time) / spread
    assert found == pytest.approx(simulated, abs=0.03)


def test_covariance_of_the_score_with_itself_is_its_variance_without_an_effect():
    trial = make_trial(make_scenario(BASE | {"treatment": {"hazard_ratio": 1.0}}), "all_comers")
    assert score_covariance(trial, slice(None), 20.0) == pytest.approx(
        logrank_moments(trial, 20.0).variance, rel=1e-6
    )
    assert score_covariance(trial, slice(0, 0), 20.0) == 0.0


def test_probability_of_a_corner_and_of_a_step_is_that_of_scipy():
    mean, covariance = np.array([0.4, 1.0]), np.array([[1.1, 0.6], [0.6, 0.9]])
    normal = multivariate_normal(mean, covariance, abseps=1e-9, releps=1e-9)
    corner = steps_probability(find_steps(lambda z: z.min(axis=1) > 1.3), mean=mean, covariance=covariance)
    sd = np.sqrt(np.diag(covariance))
    single = norm.cdf((1.3 - mean) / sd)
    assert corner == pytest.approx(1 - single.sum() + normal.cdf([1.3, 1.3]), abs=1e-6)
    # one step more: x alone above 2, or x above 1 with y above 0.5
    steps = find_steps(lambda z: (z[:, 0] > 2) | ((z[:, 0] > 1) & (z[:, 1] > 0.5)))
    found = steps_probability(steps, mean=mean, covariance=covariance)
    part = (norm.cdf((2 - 0.4) / sd[0]) - norm.cdf((1 - 0.4) / sd[0])) - (
        normal.cdf([2, 0.5]) - normal.cdf([1, 0.5])
    )
    assert found == pytest.approx(1 - norm.cdf((2 - 0.4) / sd[0]) + part, abs=1e-6)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"test": {"statistic": "rmst", "tau": 12.0}}, "the rmst test has none"),
        ({"designs": {"biomarker_stratified": {"n": 400, "events": [100, 250]}}}, "2 hypotheses at 2 looks"),
        ({"control": {"cure": {"fraction": 0.7, "median": 6}}}, "can't be expected to come"),
    ],
)
def test_where_there_is_no_closed_form_the_reason_is_said(changes, said):
    scenario = make_scenario(BASE | changes)
    (design,) = scenario.designs
    rules = make_rules(scenario, design, seed=0)
    assert said in no_closed_power(scenario, design, rules)
    assert closed_power(scenario, design, rules) is None
