"""Imperfect assays. Truth: worked by hand, and brute force on a large drawn population (3 Monte-Carlo standard errors)."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from igfstrat.errors import DomainError
from igfstrat.trials.patients.assay import (
    Assay,
    draw_prevalence,
    make_assay,
    n_screened,
    share_of_positive_results,
    truth_prevalence,
)
from igfstrat.trials.scenario.marker import (
    AssaySettings,
    ContinuousSettings,
    FailureSettings,
    MarkerSettings,
    PrevalenceSettings,
)

ACCURACY = st.tuples(st.floats(0.55, 1.0), st.floats(0.55, 1.0))


def marker(value=0.25, of="truth", **assay):
    settings = {"sensitivity": 0.9, "specificity": 0.9} | assay
    return MarkerSettings(prevalence=PrevalenceSettings(value=value, of=of), assay=AssaySettings(**settings))


@given(st.floats(0, 1), ACCURACY)
def test_prevalence_there_and_back_is_the_same(prevalence, accuracy):
    sensitivity, specificity = accuracy
    share = share_of_positive_results(prevalence, sensitivity=sensitivity, specificity=specificity)
    back = truth_prevalence(share, sensitivity=sensitivity, specificity=specificity)
    assert back == pytest.approx(prevalence, abs=1e-9)


def test_predictive_value_and_screening_of_the_base_case():
    assay = make_assay(marker(), time_unit="months")
    assert assay.positive_predictive_value == pytest.approx(0.75)
    assert assay.negative_predictive_value == pytest.approx(0.675 / 0.7)
    assert n_screened(500, share=assay.test_positive, with_result=assay.with_result) == pytest.approx(
        1666.6667, abs=1e-4
    )


def test_prevalence_of_positive_results_is_turned_into_the_truth():
    assay = make_assay(marker(0.3, of="test_positive"), time_unit="months")
    assert assay.prevalence == pytest.approx(0.25)
    assert assay.test_positive == pytest.approx(0.3)


def test_no_prevalence_gives_fewer_positive_results_than_the_false_ones():
    with pytest.raises(DomainError, match=r"0\.1 to 0\.9"):
        truth_prevalence(0.05, sensitivity=0.9, specificity=0.9)


@pytest.mark.parametrize("then", ["excluded", "negative", "positive", "retest"])
def test_failures_against_a_drawn_population(then):
    rng = np.random.default_rng(8)
    people, rate = 400_000, 0.2
    truth = rng.random(people) < 0.25
    result = np.where(truth, rng.random(people) < 0.9, rng.random(people) < 0.1)
    failed = rng.random(people) < rate
    status = np.where(failed, then == "positive", result) if then in {"positive", "negative"} else result
    known = ~failed if then == "excluded" else np.ones(people, dtype=bool)
    assay = make_assay(marker(failure=FailureSettings(rate=rate, then=then)), time_unit="months")
    for found, expected in (
        (assay.with_result, known.mean()),
        (assay.test_positive, status[known].mean()),
        (assay.positive_predictive_value, truth[known & status].mean()),
        (assay.negative_predictive_value, (~truth)[known & ~status].mean()),
    ):
        assert found == pytest.approx(expected, abs=3 * 0.5 / np.sqrt(people * 0.2))
    assert assay.tests_per_patient == pytest.approx(1.25 if then == "retest" else 1.0)


def test_error_of_measurement_against_a_drawn_population():
    rng = np.random.default_rng(9)
    people = 1_000_000
    value = rng.normal(100, 40, people)
    seen = value + rng.normal(0, 15, people)
    truth, result = value >= 120, seen >= 120
    settings = MarkerSettings(
        continuous=ContinuousSettings(mean=100.0, sd=40.0, cut=120.0),
        assay=AssaySettings(measurement_sd=15.0),
    )
    assay = make_assay(settings, time_unit="months")
    error = 3 * 0.5 / np.sqrt(people * 0.3)
    assert assay.prevalence == pytest.approx(truth.mean(), abs=error)
    assert assay.sensitivity == pytest.approx(result[truth].mean(), abs=error)
    assert assay.specificity == pytest.approx((~result)[~truth].mean(), abs=error)


def test_a_prior_of_positive_results_stays_within_what_can_be():
    settings = MarkerSettings(
        prevalence=PrevalenceSettings(mean=0.15, sd=0.05, of="test_positive"),
        assay=AssaySettings(sensitivity=0.9, specificity=0.9),
    )
    drawn = draw_prevalence(settings, np.random.default_rng(2), 50_000)
    assert drawn.min() >= 0
    assert drawn.max() <= 1
    shares = 0.1 + 0.8 * drawn
    beta = np.random.default_rng(3).beta(*np.array([0.15, 0.85]) * (0.15 * 0.85 / 0.05**2 - 1), 400_000)
    expected = beta[(beta >= 0.1) & (beta <= 0.9)]
    assert shares.mean() == pytest.approx(expected.mean(), abs=4 * 0.05 / np.sqrt(50_000))


def test_a_prior_has_its_mean_and_sd():
    prior = MarkerSettings(prevalence=PrevalenceSettings(mean=0.3, sd=0.1))
    drawn = draw_prevalence(prior, np.random.default_rng(2), 200_000)
    assert (drawn.mean(), drawn.std()) == (pytest.approx(0.3, abs=1e-3), pytest.approx(0.1, abs=1e-3))


def test_turnaround_is_in_the_unit_of_the_scenario():
    assert make_assay(marker(turnaround_days=14.0), time_unit="weeks").turnaround == 2.0


def test_nobody_eligible_means_screening_without_end():
    assert n_screened(10, share=0.0) == np.inf
    assert np.isnan(Assay(prevalence=0.0).positive_predictive_value)
