"""Estimates behind a scenario from a cohort. Truth: our Cox model, lifelines, brute force, counts by hand, and invariants."""

import math

import numpy as np
import pytest
from lifelines import WeibullFitter
from scipy.integrate import dblquad
from scipy.optimize import minimize_scalar
from scipy.stats import multivariate_normal

from igfstrat.survival import cox
from igfstrat.trials import make_scenario
from igfstrat.trials.from_cohort.estimates import (
    BinaryCox,
    accuracy_of,
    exposure,
    heterogeneity,
    make_repeats,
    piece_starts,
    weibull_fit,
)
from igfstrat.trials.from_cohort.facts import follow_up_of, interval
from igfstrat.trials.from_cohort.model import CohortModel, CohortSample
from igfstrat.trials.from_cohort.power import (
    fill_scenario,
    power_of,
    resample_rows,
    screened_for,
    share_beyond,
)
from igfstrat.trials.scenario.from_cohort import FromCohortSettings

PLAIN = {
    "endpoint": "dfs",
    "marker": {"name": "m", "prevalence": {"value": 0.4, "of": "test_positive"}},
    "control": {"median": 20},
    "treatment": {"hazard_ratio": {"positive": 0.6, "negative": 1.0}},
    "accrual": {"screened_per_month": 30},
    "designs": {
        "all_comers": {"n": 600, "analysis_times": 48},
        "enrichment": {"n": 300, "analysis_times": 48},
    },
}


def patients(seed=1, n=200, ratio=1.5, **more):
    rng = np.random.default_rng(seed)
    positive = (rng.random(n) < 0.4).astype(float)
    time = np.ceil(rng.exponential(20 / np.where(positive, ratio, 1)))  # whole months: ties
    censored = np.ceil(rng.uniform(10, 60, n))
    return CohortSample(time=np.minimum(time, censored), event=time <= censored, positive=positive, **more)


def model(sample, prior_sd=0.4, **settings):
    return CohortModel(sample, FromCohortSettings(**settings), prior_sd=prior_sd)


def test_without_a_prior_the_log_ratio_is_that_of_the_cox_model():
    sample = patients()
    found, information = BinaryCox(sample.time, sample.event, sample.positive == 1).fit(
        np.ones(200), prior_mean=0.0, prior_sd=math.inf
    )
    fit = cox(time=sample.time, event=sample.event, covariates=sample.positive, ties="breslow")
    assert found == pytest.approx(float(np.log(fit.hazard_ratio[0])), abs=1e-9)
    assert information**-0.5 == pytest.approx(float(fit.std_error[0]), rel=1e-6)


def test_a_weight_of_two_is_the_patient_twice():
    sample, weight = patients(n=80), np.random.default_rng(3).integers(0, 3, 80).astype(float)
    again = np.repeat(np.arange(80), weight.astype(int))
    twice = CohortSample(time=sample.time[again], event=sample.event[again], positive=sample.positive[again])
    weighted, repeated = model(sample, pieces=1).fit(weight), model(twice, pieces=1).fit()
    for name in ("test_positive", "log_hazard_ratio", "information"):
        assert getattr(weighted, name) == pytest.approx(getattr(repeated, name), rel=1e-9), name
    np.testing.assert_allclose(weighted.rates, repeated.rates, rtol=1e-9)


@pytest.mark.parametrize(("prior_mean", "prior_sd"), [(0.0, 0.2), (0.5, 0.4)])
def test_shrunken_ratio_maximises_likelihood_times_prior(prior_mean, prior_sd):
    sample = patients(n=60)

    def minus_log(b):
        value = 0.5 * ((b - prior_mean) / prior_sd) ** 2
        for i in np.flatnonzero(sample.event):
            at_risk = sample.time >= sample.time[i]
            value -= b * sample.positive[i] - np.log(np.exp(b * sample.positive[at_risk]).sum())
        return value

    expected = minimize_scalar(minus_log, bounds=(-3, 3), method="bounded", options={"xatol": 1e-9}).x
    found, _ = BinaryCox(sample.time, sample.event, sample.positive == 1).fit(
        np.ones(60), prior_mean=prior_mean, prior_sd=prior_sd
    )
    assert found == pytest.approx(expected, abs=1e-6)


def test_a_narrow_prior_leaves_no_prognostic_effect_and_rates_are_events_over_time():
    sample = patients()
    fit = model(sample, prior_sd=1e-6, pieces=1).fit()
    assert fit.hazard_ratio == pytest.approx(1.0, abs=1e-4)
    assert fit.rates[0] == pytest.approx(sample.event.sum() / sample.time.sum(), rel=1e-4)


def test_an_effect_seen_in_one_patient_stays_finite():
    sample = patients()
    event = sample.event & (sample.positive == 1)
    fit = model(CohortSample(time=sample.time, event=event, positive=sample.positive)).fit()
    assert 1 < fit.hazard_ratio < 10


def test_time_and_events_of_all_pieces_add_up_to_those_of_the_patients():
    sample = patients()
    spent, events = exposure(
        sample.time, sample.event, piece_starts(sample.time[sample.event], pieces=4, step=1.0)
    )
    np.testing.assert_allclose(spent.sum(axis=1), sample.time)
    np.testing.assert_array_equal(events.sum(axis=1), sample.event)


def test_weibull_times_are_those_of_lifelines():
    sample = patients()
    expected = WeibullFitter().fit(sample.time, sample.event)
    found = weibull_fit(sample.time, sample.event, np.ones(200), np.ones(200))
    assert found == pytest.approx((expected.rho_, expected.lambda_), rel=1e-4)
    fit = model(sample, hazards="weibull").fit()
    assert make_scenario(PLAIN | {"control": fit.control()}).control.weibull.shape == fit.weibull[0]


def test_accuracy_of_a_noisy_test_is_that_of_the_bivariate_normal():
    reliability, cut = 0.8, 0.5
    share = float(1 - multivariate_normal.cdf(cut))
    # true score of variance 0.8, observed = true + error of variance 0.2; both against the same cut
    joint = multivariate_normal(cov=[[reliability, reliability], [reliability, 1.0]])
    both, _ = dblquad(lambda y, x: joint.pdf((x, y)), cut, 6, cut, 6, epsabs=1e-8)
    truth = float(1 - multivariate_normal.cdf(cut / reliability**0.5))
    sensitivity, specificity = accuracy_of(share, reliability)
    assert sensitivity == pytest.approx(both / truth, abs=1e-5)
    assert specificity == pytest.approx(1 - (share - both) / (1 - truth), abs=1e-5)


def test_reliability_of_many_patients_is_that_they_were_drawn_with():
    rng = np.random.default_rng(5)
    cores = rng.normal(scale=30, size=(20_000, 1)) + rng.normal(scale=20, size=(20_000, 3))
    cores[::2, 2] = np.nan  # every other patient has two
    within, reliability = make_repeats(cores).errors(np.ones(20_000))
    assert within == pytest.approx(20, rel=0.02)
    error = 400 * (1 / 2 + 1 / 3) / 2
    assert reliability == pytest.approx(900 / (900 + error), abs=0.01)


def test_repeats_of_single_measures_say_nothing_of_error():
    within, reliability = make_repeats([[10.0, np.nan], [20.0, np.nan]]).errors(np.ones(2))
    assert math.isnan(within)
    assert reliability == 1.0


def test_reported_ratios_that_differ_by_chance_alone_give_a_prior_of_no_width():
    assert heterogeneity([0.1, -0.1], [0.3, 0.3]) == 0.0


def test_a_noisy_test_hides_part_of_the_prognostic_effect_and_the_estimate_undoes_it():
    rng = np.random.default_rng(11)
    n, ratio = 40_000, 2.0
    score = rng.normal(size=n)
    cores = score[:, None] + rng.normal(scale=0.6, size=(n, 3))
    cut = 0.25
    time = rng.exponential(20 / np.where(score >= cut, ratio, 1.0))
    sample = CohortSample(
        time=np.minimum(time, 30),
        event=time <= 30,
        positive=(cores.mean(axis=1) >= cut).astype(float),
        repeats=cores,
    )
    seen = model(sample, prior_sd=10.0, take=("prevalence", "control")).fit()
    corrected = model(sample, prior_sd=10.0).fit()
    assert seen.hazard_ratio < 1.9
    assert corrected.hazard_ratio == pytest.approx(ratio, rel=0.05)
    truth = (corrected.test_positive - 1 + corrected.specificity) / (
        corrected.sensitivity + corrected.specificity - 1
    )
    assert truth == pytest.approx(float((score >= cut).mean()), abs=0.01)


def test_mix_and_hazards_of_subgroups_come_back():
    rng = np.random.default_rng(2)
    n = 20_000
    group = (rng.random(n) < 0.3).astype(np.int64)
    time = rng.exponential(20 / np.where(group == 1, 2.0, 1.0))
    positive = (rng.random(n) < 0.5).astype(float)
    sample = CohortSample(
        time=np.minimum(time, 25), event=time <= 25, positive=positive, subgroup=group, subgroups=("a", "b")
    )
    fit = model(sample, pieces=1).fit()
    assert fit.subgroup_shares == pytest.approx((0.7, 0.3), abs=0.01)
    assert fit.subgroup_ratios[1] / fit.subgroup_ratios[0] == pytest.approx(2.0, rel=0.05)
    filled = fill_scenario(
        PLAIN, fit, FromCohortSettings(subgroups="site"), takes_assay=False, names=("a", "b")
    )
    assert [group["name"] for group in filled["subgroups"]] == ["a", "b"]


def test_too_few_patients_and_events_are_told_together():
    sample = CohortSample(time=np.arange(1.0, 13.0), event=np.zeros(12, bool), positive=np.ones(12))
    assert len(sample.faults()) == 2
    assert patients().faults() == []


def test_a_resample_depends_on_its_number_alone():
    data = make_scenario(PLAIN).model_dump(exclude_unset=True)
    whole = resample_rows(0, 4, model=model(patients()), data=data, seed=9)
    last = resample_rows(3, 4, model=model(patients()), data=data, seed=9)
    assert {key: column[3] for key, column in whole.items()} == {
        key: column[0] for key, column in last.items()
    }


def test_a_design_without_a_closed_form_is_simulated():
    # weights of 1 make it the log-rank test, which the closed form doesn't know
    scenario = make_scenario(PLAIN | {"test": {"statistic": "fleming_harrington", "rho": 0, "gamma": 0}})
    closed = power_of(make_scenario(PLAIN), "enrichment", seed=1)
    assert power_of(scenario, "enrichment", seed=1) == pytest.approx(closed, abs=0.05)


def test_an_enriched_trial_screens_patients_over_share_and_result():
    marker = PLAIN["marker"] | {"assay": {"failure": {"rate": 0.1}}}
    scenario = make_scenario(PLAIN | {"marker": marker})
    assert screened_for(scenario, "enrichment") == pytest.approx(300 / 0.4 / 0.9)
    assert screened_for(scenario, "all_comers") == pytest.approx(600 / 0.9)


def test_share_of_events_beyond_the_follow_up_is_that_of_an_exponential():
    at_once = PLAIN | {"accrual": {"randomized_uniformly_over": 1e-6}, "treatment": {"hazard_ratio": 1.0}}
    rate = math.log(2) / 20
    expected = (math.exp(-rate * 30) - math.exp(-rate * 48)) / (1 - math.exp(-rate * 48))
    assert share_beyond(make_scenario(at_once), "all_comers", 30.0) == pytest.approx(expected, abs=1e-5)
    assert share_beyond(make_scenario(at_once), "all_comers", 48.0) == pytest.approx(0.0, abs=1e-9)


def test_follow_up_shown_is_no_patients_own_time():
    rng = np.random.default_rng(4)
    time = rng.uniform(1, 100, 50)
    sample = CohortSample(time=time, event=np.zeros(50, bool), positive=np.ones(50))
    _, known = follow_up_of(sample, 1.0)
    assert known == math.floor(np.sort(time)[-10])
    assert (time >= known).sum() >= 10
    assert not np.isin(known, time)


def test_limits_are_the_fifth_and_the_fifth_last_of_199_resamples():
    values = np.random.default_rng(1).permutation(np.arange(199.0))
    found = interval(0.0, values)
    assert (found.ci_lower, found.ci_upper) == pytest.approx((4.0, 194.0))
