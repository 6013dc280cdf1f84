"""Closed testing of populations. Truth: worked by hand, the one-stage procedures of `multiplicity`, and draws of normal statistics."""

import numpy as np
import pytest
from scipy.special import ndtr, ndtri
from scipy.stats import multivariate_normal

from igfstrat.errors import DomainError, UsageError
from igfstrat.trials import make_scenario
from igfstrat.trials.adaptive.patients import rules_of, simulate_adaptive
from igfstrat.trials.rejection.closed_testing import (
    Closure,
    intersection_p_values,
    intersection_weights,
    needed_alone,
    reject_closed,
)
from igfstrat.trials.rejection.combination import make_combination
from igfstrat.trials.rejection.multiplicity import reject

NAMES = ("overall", "positive", "negative")
GRAPH = {
    "overall": {"positive": 0.5, "negative": 0.5},
    "positive": {"overall": 1.0},
    "negative": {"overall": 1.0},
}
DESIGN = {
    "n": 400,
    "events": [100, 200],
    "selection": {"rule": "best"},
    "multiplicity": "spiessens_debois",
}
BY_PATIENT = {"n": 600, "events": [100, 300], "first_stage_events": 180, "increments": "stage_by_patient"}
ONE_STAGE = make_combination(method="inverse_normal", information=[1.0], alpha=0.025)
TWO_STAGES = make_combination(method="inverse_normal", information=[0.5, 1.0], alpha=0.025)


def closure(method, names=NAMES):
    return Closure(hypotheses=names, method=method, transitions=GRAPH if method == "graphical" else None)


@pytest.mark.parametrize("method", ["simes", "hierarchical", "graphical"])
def test_one_stage_rejects_what_the_procedure_on_p_values_rejects(method):
    z = np.random.default_rng(3).normal(1.8, 1.0, (20_000, 3))
    found = reject_closed(closure(method), ONE_STAGE, intersection_p_values(closure(method), z)[:, None])
    more = {"transitions": GRAPH, "hypotheses": NAMES} if method == "graphical" else {}
    assert np.array_equal(found[:, 0], reject(ndtr(-z), method=method, alpha=0.025, **more))


def test_after_a_selection_an_intersection_has_the_p_value_of_the_selected():
    z = -ndtri(np.array([[0.04, 0.01, 0.3]]))
    p = intersection_p_values(closure("bonferroni"), z, tested=[[False, True, False]])[0]
    #     overall  positive  negative   o&p   o&n     p&n   all
    assert p[[1, 3, 5, 6]] == pytest.approx([0.01] * 4)
    assert np.isnan(p[[0, 2, 4]]).all()


def test_p_values_of_intersections_by_hand():
    z = -ndtri(np.array([[0.04, 0.01, 0.3]]))
    assert intersection_p_values(closure("bonferroni"), z)[0, 3:] == pytest.approx([0.02, 0.08, 0.02, 0.03])
    assert intersection_p_values(closure("simes"), z)[0, 3:] == pytest.approx([0.02, 0.08, 0.02, 0.03])
    assert intersection_p_values(closure("hierarchical"), z)[0, 3:] == pytest.approx([0.04, 0.04, 0.01, 0.04])


def test_a_population_without_a_statistic_rejects_nothing():
    p = intersection_p_values(closure("simes"), [[np.nan, 3.0, np.nan]])[0]
    assert p[0] == p[2] == 1.0
    assert p[1] < 0.01


@pytest.mark.parametrize("share", [0.15, 0.4, 0.8])
def test_largest_statistic_has_the_level_of_its_joint_distribution(share):
    rng = np.random.default_rng(11)
    part = rng.standard_normal((400_000, 2))
    whole = np.sqrt(share) * part[:, 0] + np.sqrt(1 - share) * part[:, 1]
    p = intersection_p_values(
        closure("spiessens_debois"), np.column_stack((whole, part)), correlation=np.sqrt([share, 1 - share])
    )
    for level in (0.025, 0.3):
        error = np.sqrt(level * (1 - level) / len(p))
        assert np.all(np.abs((p <= level).mean(axis=0) - level) <= 3.5 * error)


@pytest.mark.parametrize("tie", [(0.6, 0.7), (0.3, 0.1), (0.9, 0.4)])
def test_largest_statistic_has_its_level_where_overall_is_more_than_the_sum_of_its_parts(tie):
    rng = np.random.default_rng(12)
    draws = rng.standard_normal((40_000, 3))
    whole = draws @ [*tie, np.sqrt(1 - np.square(tie).sum())]
    z = np.column_stack((whole, draws[:, :2]))
    p = intersection_p_values(closure("spiessens_debois"), z, correlation=tie)
    for level in (0.025, 0.3):
        error = np.sqrt(level * (1 - level) / len(p))
        assert np.all(np.abs((p <= level).mean(axis=0) - level) <= 3.5 * error)


def test_three_statistics_stay_below_a_limit_as_often_as_the_normal_distribution_of_scipy_says():
    for tie in ((0.6, 0.7), (0.9, 0.1)):
        covariance = [[1, *tie], [tie[0], 1, 0], [tie[1], 0, 1]]
        expected = 1 - multivariate_normal.cdf([2.3] * 3, cov=covariance, abseps=1e-8, rng=1)
        p = intersection_p_values(closure("spiessens_debois"), [[2.3, 0.0, 1.0]], correlation=tie)
        assert p[0, -1] == pytest.approx(expected, abs=2e-6)


def prognostic(**design):
    """Trials in which positives die three times as soon."""
    return make_scenario(
        {
            "endpoint": "os",
            "marker": {"name": "igf1r", "prevalence": {"value": 0.4}},
            "control": {"median": 12, "prognostic_hazard_ratio": 3.0},
            "randomization": {"ratio": [2, 1], "block": 6},
            "accrual": {"screened_per_month": 40},
            "designs": {"adaptive_enrichment": DESIGN | design},
        }
    )


@pytest.mark.parametrize("form", [{}, BY_PATIENT])
def test_correlation_with_positives_is_that_of_patients_or_below(form):
    scenario = prognostic(**form)
    rules = rules_of(scenario, "adaptive_enrichment", seed=1, rule=lambda interim: interim.running)
    found = simulate_adaptive(
        scenario, "adaptive_enrichment", seed=3, rules=rules, replicates=12_000, estimate=False
    )
    z = found.courses.stage_z
    z = z[np.isfinite(z).all(axis=(1, 2))]
    information = np.nanmedian(found.stages[:, :, :2, 4], axis=0)
    if not form:
        information = np.diff(information, axis=0, prepend=0.0)
    usual = np.sqrt(information[:, 1] / information[:, 0])
    seen = np.array([np.corrcoef(z[:, k].T)[0, 1] for k in range(2)])
    assert np.all(seen < 0.95 * usual)
    taken = rules.correlation_ratio[:, 0] * usual
    assert taken[0] == pytest.approx(seen[0], abs=0.03)
    # of a second stage between looks it is a lower bound, by which the p-value errs on the safe side
    assert taken[1] < seen[1] + 0.03


def test_correlation_is_the_usual_one_without_prognosis_or_with_a_stratified_test():
    plain = prognostic().model_dump(mode="json", exclude_unset=True)
    for change in (
        {"control": {"median": 12}},
        {"test": {"statistic": "stratified_logrank", "strata": ["igf1r"]}},
    ):
        rules = rules_of(make_scenario(plain | change), "adaptive_enrichment", seed=1)
        assert rules.correlation_ratio == pytest.approx(np.ones((2, 2)), abs=1e-3)


def test_weights_of_a_graph_follow_the_hypotheses_that_are_out():
    graph = closure("graphical")
    assert intersection_weights(graph, (0, 1, 2)).tolist() == pytest.approx([1 / 3] * 3)
    assert intersection_weights(graph, (0,)).tolist() == pytest.approx([1.0])
    # without overall its third goes half to each
    assert intersection_weights(graph, (1, 2)).tolist() == pytest.approx([0.5, 0.5])


def test_a_hypothesis_alone_is_rejected_from_just_what_it_needs_on():
    pair = closure("simes", ("overall", "positive"))
    first = intersection_p_values(pair, [[0.5, 1.5]])
    needed = needed_alone(pair, TWO_STAGES, first[:, None])[0, 1]
    for step, expected in ((-1e-6, False), (1e-6, True)):
        second = intersection_p_values(pair, [[0.0, needed + step]], tested=[[False, True]])
        assert reject_closed(pair, TWO_STAGES, np.stack([first, second], axis=1))[0, 1, 1] == expected


def test_unknown_tests_are_refused_with_the_known_ones():
    with pytest.raises(UsageError, match="simes, spiessens_debois"):
        Closure(hypotheses=NAMES, method="hochberg")
    with pytest.raises(DomainError, match="transitions"):
        Closure(hypotheses=NAMES, method="graphical")
