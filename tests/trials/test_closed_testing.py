"""Closed testing of populations. Truth: worked by hand, the one-stage procedures of `multiplicity`, and draws of normal statistics."""

import numpy as np
import pytest
from scipy.special import ndtr, ndtri

from igfstrat.errors import DomainError, UsageError
from igfstrat.trials.closed_testing import (
    Closure,
    intersection_p_values,
    intersection_weights,
    needed_alone,
    reject_closed,
)
from igfstrat.trials.combination import make_combination
from igfstrat.trials.multiplicity import reject

NAMES = ("overall", "positive", "negative")
GRAPH = {
    "overall": {"positive": 0.5, "negative": 0.5},
    "positive": {"overall": 1.0},
    "negative": {"overall": 1.0},
}
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
        closure("spiessens_debois"), np.column_stack((whole, part)), positive_share=share
    )
    for level in (0.025, 0.3):
        error = np.sqrt(level * (1 - level) / len(p))
        assert np.all(np.abs((p <= level).mean(axis=0) - level) <= 3.5 * error)


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
