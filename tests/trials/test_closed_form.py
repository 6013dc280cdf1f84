"""Closed forms. Truth: the figures of one base case (500 patients over 24 months, median 12, dropout 5 % a year), brute
force on one large drawn trial analysed by `igfstrat.survival`, and formulas in cases that can be integrated by hand.
"""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import norm

from igfstrat.errors import DomainError
from igfstrat.survival import cox, logrank
from igfstrat.trials import make_scenario
from igfstrat.trials.closed_form.logrank import (
    average_hazard_ratio,
    cox_limit,
    expected_events,
    group_sequential_power,
    logrank_moments,
    time_of_events,
    times_of_events,
)
from igfstrat.trials.closed_form.textbook import (
    enrichment_efficiency,
    lachin_foulkes_power,
    schoenfeld_events,
    schoenfeld_power,
)
from igfstrat.trials.closed_form.trial import make_trial
from igfstrat.trials.numerics.regions import find_steps, steps_probability
from igfstrat.trials.patients.assay import Assay
from igfstrat.trials.rejection.boundaries import crossing_probabilities, make_boundaries
from igfstrat.trials.rejection.multiplicity import reject


def scenario(hazard_ratio=0.75, design="all_comers", **sections):
    return make_scenario(
        {
            "endpoint": "os",
            "marker": {"prevalence": {"value": 1.0}},
            "control": {"median": 12},
            "treatment": {"hazard_ratio": hazard_ratio},
            "accrual": {"randomized_uniformly_over": 24},
            "dropout": {"probability_per_year": 0.05},
            "designs": {design: {"n": 500, "events": 300}},
        }
        | sections
    )


BASE = make_trial(scenario(), "all_comers")
IMPERFECT = {"prevalence": {"value": 0.25}, "assay": {"sensitivity": 0.9, "specificity": 0.9}}


def test_events_of_schoenfeld():
    found = [schoenfeld_events(hazard_ratio=h, power=0.9, alpha=0.025) for h in (0.6, 0.7, 0.75)]
    assert found == pytest.approx([161.0686, 330.3779, 507.8443], abs=1e-4)
    assert schoenfeld_power(hazard_ratio=0.6, events=found[0], alpha=0.025) == pytest.approx(0.9, abs=1e-12)


def test_300_events_of_the_base_case_come_at_32_688_months():
    assert time_of_events(BASE, 300) == pytest.approx(32.688, abs=5e-4)


def test_power_of_the_base_case():
    assert schoenfeld_power(hazard_ratio=0.75, events=300, alpha=0.025) == pytest.approx(0.702442, abs=1e-6)
    assert logrank_moments(BASE, time_of_events(BASE, 300)).power(0.025) == pytest.approx(0.7016, abs=1e-4)


def test_three_looks_of_the_base_case():
    looks = np.array([100.0, 200.0, 300.0])
    efficacy = make_boundaries(information=looks / 300, alpha=0.025).efficacy
    drift = -math.log(0.75) * np.sqrt(looks) / 2
    found = crossing_probabilities(upper=efficacy, drift=drift, information=looks)
    assert found.power == pytest.approx(0.696610, abs=1e-6)
    assert (found.reach * 100).sum() == pytest.approx(267.149, abs=1e-3)
    crossing, events = group_sequential_power(
        [logrank_moments(BASE, time_of_events(BASE, d)) for d in looks], efficacy=efficacy
    )
    assert crossing.power == pytest.approx(0.696610, abs=0.002)  # Schoenfeld's gap to the integral
    assert events == pytest.approx(267.149, abs=0.3)


def test_delayed_effect_of_the_base_case():
    late = [{"until": 4, "hazard_ratio": 1.0}, {"hazard_ratio": 0.6}]
    found = average_hazard_ratio(make_trial(scenario(late), "all_comers"), 36)
    assert found.hazard_ratio == pytest.approx(0.707381, abs=1e-6)
    assert found.events == pytest.approx(317.426, abs=1e-3)
    assert found.power(0.025) == pytest.approx(0.8641, abs=1e-4)


def test_imperfect_assay_of_the_base_case():
    effect = {"positive": 0.6, "negative": 0.95}
    trial = make_trial(scenario(effect, "enrichment", marker=IMPERFECT), "enrichment")
    found = logrank_moments(trial, time_of_events(trial, 200))
    assert trial.weights == pytest.approx([0.75, 0.25])
    assert found.hazard_ratio == pytest.approx(0.6795, abs=1e-4)
    assert found.power(0.025) == pytest.approx(0.7775, abs=1e-4)


def draw(trial, time, n, seed):
    """One large trial: times, events, arm and stratum of those randomized by a calendar time."""
    rng = np.random.default_rng(seed)
    entry = trial.entry.inverse(rng.random(n) * trial.n)
    kind = rng.choice(len(trial.weights), n, p=trial.weights)
    arm = (rng.random(n) < trial.experimental_share).astype(int)
    hazard = rng.exponential(size=n)
    event_time = np.empty(n)
    for a, hazards in enumerate((trial.control, trial.experimental)):
        for k, each in enumerate(hazards):
            here = (arm == a) & (kind == k)
            event_time[here] = each.inverse(hazard[here])
    with np.errstate(divide="ignore"):
        lost = rng.exponential(size=n) / np.array(trial.dropout)[arm]
    left = time - entry
    keep = left > 0
    seen = np.minimum(event_time, np.minimum(lost, left))
    return seen[keep], (event_time <= np.minimum(lost, left))[keep], arm[keep], trial.strata[kind][keep]


CASES = {
    "mixture with crossing hazards": scenario(
        {"positive": [{"until": 5, "hazard_ratio": 1.4}, {"hazard_ratio": 0.4}], "negative": 0.9},
        marker=IMPERFECT,
        control={"hazard": [{"until": 3, "rate": 0.1}, {"rate": 0.04}], "prognostic_hazard_ratio": 2.0},
    ),
    "stratified 2:1, accrual in pieces, unequal dropout": scenario(
        {"positive": 0.5, "negative": 1.0},
        marker=IMPERFECT | {"name": "m"},
        control={"weibull": {"shape": 1.3, "median": 9}, "prognostic_hazard_ratio": 3.0},
        accrual=[{"until": 6, "screened_per_month": 10}, {"screened_per_month": 30}],
        dropout={"control": {"rate_per_year": 0.2}, "experimental": {"rate_per_year": 0.05}},
        randomization={"ratio": [2, 1], "block": 6, "strata": ["m"]},
        test={"statistic": "stratified_logrank"},
    ),
    "cured patients, enriched": scenario(
        {"positive": 0.6, "negative": 1.1},
        "enrichment",
        marker=IMPERFECT,
        control={"cure": {"fraction": 0.3, "median": 6}},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_one_large_trial_agrees_with_the_integrals(name):
    design = next(iter(CASES[name].designs))
    trial, n, time = make_trial(CASES[name], design), 120_000, 30.0
    seen, event, arm, strata = draw(trial, time, n, 4)
    found = logrank_moments(trial, time)
    scale = n / trial.n
    assert abs(event.sum() - scale * found.events) < 3 * math.sqrt(n) / 2
    test = logrank(time=seen, event=event, groups=arm, strata=strata)
    score, variance = (test.observed - test.expected)[1], test.variance[1, 1]
    assert abs(score - scale * found.score) < 3 * math.sqrt(2 * scale * found.variance)
    assert variance == pytest.approx(scale * found.information, rel=0.01)
    # `cox` of the package has no strata, so that the limit is compared where there are none
    if not strata.any():
        fit = cox(time=seen, event=event, covariates=arm, names=["arm"])
        assert abs(math.log(cox_limit(trial, time)) - fit.coef[0]) < 4 / math.sqrt(variance)


def test_variance_is_that_of_the_score_over_many_trials():
    trial = make_trial(scenario(0.5), "all_comers")
    found = logrank_moments(trial, 30.0)
    scores = []
    for seed in range(1_000):
        seen, event, arm, _ = draw(trial, 30.0, 500, (11, seed))
        test = logrank(time=seen, event=event, groups=arm)
        scores.append((test.observed - test.expected)[1])
    assert abs(np.mean(scores) - found.score) < 3 * np.std(scores) / math.sqrt(1_000)
    assert np.var(scores) == pytest.approx(found.variance, rel=3 * math.sqrt(2 / 1_000))


@settings(deadline=None, max_examples=20)
@given(st.floats(0.3, 2.0), st.floats(10, 60))
def test_proportional_hazards_have_one_ratio_by_every_definition(ratio, time):
    trial = make_trial(scenario(ratio), "all_comers")
    assert cox_limit(trial, time) == pytest.approx(ratio, rel=1e-9)
    assert average_hazard_ratio(trial, time).hazard_ratio == pytest.approx(ratio, rel=1e-9)


@settings(deadline=None, max_examples=20)
@given(st.floats(5, 430))
def test_time_of_events_is_the_inverse_of_expected_events(events):
    assert expected_events(BASE, time_of_events(BASE, events)) == pytest.approx(events, rel=1e-8)


CURVES = CASES | {
    "accrual with a gap, hazards that stop and start": scenario(
        control={"hazard": [{"until": 4, "rate": 0.0}, {"until": 9, "rate": 0.3}, {"rate": 0.01}]},
        accrual=[
            {"until": 2, "screened_per_month": 40},
            {"until": 7, "screened_per_month": 0},
            {"screened_per_month": 25},
        ],
    ),
    "nobody lost, everybody at risk for ever": scenario(1.0, dropout={"rate_per_year": 0.0}),
    "scans": scenario(scans={"every": 2.0}, endpoint="pfs"),
}


@pytest.mark.parametrize("name", CURVES)
def test_times_of_events_are_those_that_bisection_of_the_integral_finds(name):
    trial = make_trial(CURVES[name], next(iter(CURVES[name].designs)))
    most = expected_events(trial, 300.0)
    wanted = [share * most for share in (0.001, 0.03, 0.3, 0.6, 0.9, 0.99)]
    for events, found in zip(wanted, times_of_events(trial, wanted), strict=True):
        low, high = 0.0, 300.0
        for _ in range(50):
            middle = (low + high) / 2
            low, high = (middle, high) if expected_events(trial, middle) < events else (low, middle)
        assert found == pytest.approx(high, abs=1e-8)
        assert time_of_events(trial, events) == pytest.approx(found, abs=1e-9)


def test_a_time_without_any_event_before_it_is_found_where_hazards_begin_late():
    late = {"hazard": [{"until": 6, "rate": 0.0}, {"rate": 0.1}]}
    trial = make_trial(scenario(1.0, control=late, dropout={"rate_per_year": 0.0}), "all_comers")
    assert expected_events(trial, 6.0) == 0
    assert time_of_events(trial, 1e-6) > 6.0


METHODS = ("bonferroni", "hochberg", "simes", "hierarchical", "fallback", "graphical", "spiessens_debois")


@settings(deadline=None, max_examples=25)
@given(
    st.sampled_from(METHODS), st.floats(0.05, 0.95), st.floats(0, 1), st.floats(0, 1), st.floats(0.05, 0.99)
)
def test_steps_hold_every_rejection_of_every_procedure(method, weight, there, back, correlation):
    takes = {"names": ("a", "b"), "weights": {"a": weight, "b": 1 - weight}}
    weighted = takes["weights"] if method not in ("hochberg", "simes", "hierarchical") else None

    def region(z):
        return reject(
            norm.sf(z),
            method=method,
            alpha=0.025,
            hypotheses=takes["names"],
            weights=weighted,
            transitions={"a": {"b": there}, "b": {"a": back}},
            correlation=correlation,
        )

    steps = find_steps(region)
    # draws around the bounds, where a step that was missed would show
    rng = np.random.default_rng(1)
    draws = rng.uniform(1.5, 4.5, (20_000, 2))
    place = np.searchsorted(steps.first, draws[:, 0]), np.searchsorted(steps.second, draws[:, 1])
    assert (steps.inside[place] == region(draws)).all()


@pytest.mark.parametrize("rho", [-0.4, 0.0, 0.6, 0.999])
def test_probability_of_steps_is_the_integral_of_the_density(rho):
    mean, sd = np.array([1.2, 2.1]), np.array([1.0, 0.9])
    covariance = np.array([[sd[0] ** 2, rho * sd[0] * sd[1]], [rho * sd[0] * sd[1], sd[1] ** 2]])

    def rejected(z):  # each alone beyond its own bound, both where both are beyond a lower one
        return (z > [2.5, 2.7]) | (z > 1.9).all(axis=1, keepdims=True)

    def given_first(x):
        begins = -np.inf if x > 2.5 else 1.9 if x > 1.9 else 2.7
        centre, spread = mean[1] + rho * sd[1] * (x - mean[0]) / sd[0], sd[1] * math.sqrt(1 - rho**2)
        return norm.sf(begins, centre, spread) * norm.pdf(x, mean[0], sd[0])

    by_hand = quad(given_first, -8, 12, points=[1.2, 1.9, 2.5], epsabs=1e-11, limit=500)[0]
    steps = find_steps(rejected)
    any_of_both = replace(steps, inside=steps.inside.any(axis=2))
    found = steps_probability(any_of_both, mean=mean, covariance=covariance)
    assert found == pytest.approx(by_hand, abs=1e-9)


def test_events_that_never_come_have_no_time():
    cured = make_trial(scenario(control={"cure": {"fraction": 0.5, "median": 6}}), "all_comers")
    assert time_of_events(cured, 300) == math.inf
    assert time_of_events(BASE, 500) == math.inf
    assert math.isfinite(time_of_events(cured, 200))


def test_expected_events_without_dropout_by_hand():
    trial = make_trial(scenario(1.0, dropout={"rate_per_year": 0.0}), "all_comers")
    rate = math.log(2) / 12
    by_hand = 500 * (1 - (math.exp(-rate * 6) - math.exp(-rate * 30)) / (24 * rate))
    assert expected_events(trial, 30.0) == pytest.approx(by_hand, rel=1e-12)


def test_lachin_and_foulkes_by_the_integral_of_events():
    found = lachin_foulkes_power(
        n=500,
        hazard_control=math.log(2) / 12,
        hazard_experimental=0.75 * math.log(2) / 12,
        accrual=24,
        duration=32.688,
        alpha=0.025,
        dropout=-math.log(0.95) / 12,
    )

    def spread(factor):  # hazard squared over the probability of an event, from the integral
        trial = make_trial(scenario(1.0, control={"median": 12 / factor}), "all_comers")
        return (factor * math.log(2) / 12) ** 2 / (expected_events(trial, 32.688) / 500)

    reach = math.sqrt(500) * 0.25 * math.log(2) / 12 - 1.959963984540054 * math.sqrt(4 * spread(0.875))
    by_integral = reach / math.sqrt(2 * spread(0.75) + 2 * spread(1.0))
    assert found == pytest.approx(0.5 * math.erfc(-by_integral / math.sqrt(2)), abs=1e-9)


def test_parts_of_a_design_make_up_the_whole():
    whole = scenario({"positive": 0.6}, marker=IMPERFECT, accrual={"screened_per_month": 30})
    parts = [make_trial(whole, "all_comers", population=p) for p in ("positive", "negative")]
    trial = make_trial(whole, "all_comers")
    assert sum(p.n for p in parts) == pytest.approx(500)
    assert sum(expected_events(p, 25.0) for p in parts) == pytest.approx(
        expected_events(trial, 25.0), rel=1e-10
    )


def test_enriched_accrual_is_as_slow_as_positives_are_rare():
    both = {"all_comers": {"n": 300, "events": 100}, "enrichment": {"n": 300, "events": 100}}
    marker = IMPERFECT | {
        "assay": IMPERFECT["assay"] | {"failure": {"rate": 0.1}, "turnaround_days": 15.21875}
    }
    both = scenario(marker=marker, accrual={"screened_per_month": 40}, designs=both)
    assert make_trial(both, "all_comers").entry_end == pytest.approx(0.5 + 300 / (40 * 0.9))
    assert make_trial(both, "enrichment").entry_end == pytest.approx(0.5 + 300 / (40 * 0.9 * 0.3))


def test_hybrid_caps_the_negatives():
    hybrid = scenario(
        marker=IMPERFECT, designs={"hybrid": {"n": 300, "events": 100, "max_negative_share": 0.4}}
    )
    assert make_trial(hybrid, "hybrid", population="positive").n == pytest.approx(180)


def test_efficiency_of_enrichment_by_hand():
    found = enrichment_efficiency(
        Assay(prevalence=0.25, sensitivity=0.9, specificity=0.9), effect_positive=1.0, effect_negative=0.5
    )
    assert found == (pytest.approx((0.875 / 0.625) ** 2), pytest.approx((0.875 / 0.625) ** 2 * 0.3))


def test_a_part_that_holds_nobody_is_refused():
    with pytest.raises(DomainError, match="nobody"):
        make_trial(scenario(), "all_comers", population="negative")
