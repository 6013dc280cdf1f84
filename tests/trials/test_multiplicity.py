"""Rejections of several hypotheses.

Truth: worked by hand, closure by brute force (every intersection tested), and invariants of procedures that are the same
by theory. The family-wise error on normal draws is a proof of tests/proofs/trials_normal.py, run here with few.
"""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import ndtr
from scipy.stats import multivariate_normal

from igfstrat.errors import DomainError, UsageError
from igfstrat.trials.numerics.bivariate import both_below
from igfstrat.trials.rejection.correlated_levels import correlated_levels
from igfstrat.trials.rejection.multiplicity import (
    reject,
    reject_fallback,
    reject_graphical,
    reject_simes,
)
from tests.proofs.trials_normal import ALL, Bound, error_rate

P_VALUES = st.lists(st.lists(st.floats(0, 0.06), min_size=3, max_size=3), min_size=1, max_size=8).map(
    np.array
)
NAMES = ("overall", "positive", "negative")


def holm(p, alpha):
    """Step down, one trial at a time."""
    found = np.zeros(p.shape, dtype=bool)
    for i, row in enumerate(p):
        for step, j in enumerate(np.argsort(row, kind="stable")):
            if row[j] > alpha / (len(row) - step):
                break
            found[i, j] = True
    return found


def closed(p, alpha, local):
    """Closed testing: a hypothesis falls where every intersection that holds it does."""
    found = np.ones(p.shape, dtype=bool)
    m = p.shape[1]
    for i, row in enumerate(p):
        for size in range(1, m + 1):
            for members in combinations(range(m), size):
                if not local(row, members, alpha):
                    found[i, list(members)] = False
    return found


@given(P_VALUES)
def test_graph_with_equal_edges_is_holm(p):
    graph = (np.ones((3, 3)) - np.eye(3)) / 2
    found = reject_graphical(p, alpha=0.025, weights=[1 / 3] * 3, transitions=graph)
    near = np.isclose(p[:, :, None], 0.025 / np.arange(1, 4)).any(
        axis=(1, 2)
    )  # a tie with a level may fall either way
    assert (found == holm(p, 0.025))[~near].all()


@given(P_VALUES)
def test_graph_of_a_chain_is_the_hierarchical_order(p):
    chain = [[0, 1, 0], [0, 0, 1], [0, 0, 0]]
    found = reject_graphical(p, alpha=0.025, weights=[1, 0, 0], transitions=chain)
    assert (found == reject(p, method="hierarchical", alpha=0.025)).all()


@given(P_VALUES)
def test_fallback_is_a_graph_that_hands_on_to_the_next(p):
    graph = [[0, 1, 0], [0, 0, 1], [0, 0, 0]]
    weights = [0.5, 0.25, 0.25]  # exact in binary, so that no tie hangs on rounding
    found = reject_fallback(p, alpha=0.025, weights=weights)
    assert (found == reject_graphical(p, alpha=0.025, weights=weights, transitions=graph)).all()


@given(P_VALUES)
def test_simes_rejects_what_every_intersection_rejects(p):
    def local(row, members, alpha):
        ordered = sorted(row[list(members)])
        return any(x <= alpha * (k + 1) / len(ordered) for k, x in enumerate(ordered))

    assert (reject_simes(p, alpha=0.025) == closed(p, 0.025, local)).all()


@given(P_VALUES)
def test_procedures_are_ordered_by_power(p):
    by = {name: reject(p, method=name, alpha=0.025) for name in ("bonferroni", "hochberg", "simes", "none")}
    assert (by["bonferroni"] <= by["hochberg"]).all()
    assert (by["hochberg"] <= by["simes"]).all()
    assert (by["simes"] <= by["none"]).all()


def test_for_two_hypotheses_hochberg_and_simes_are_the_same():
    p = np.random.default_rng(1).uniform(0, 0.05, (5_000, 2))
    same = reject(p, method="hochberg", alpha=0.025) == reject(p, method="simes", alpha=0.025)
    assert same.all()


def test_graph_after_two_rejections_by_hand():
    # two primary with secondary ones behind them: after both primaries the secondaries have 0.0125 each
    graph = [[0, 0.5, 0.5, 0], [0.5, 0, 0, 0.5], [0, 1, 0, 0], [1, 0, 0, 0]]
    p = [[0.010, 0.012, 0.013, 0.0124], [0.010, 0.020, 0.0062, 0.001]]
    found = reject_graphical(p, alpha=0.025, weights=[0.5, 0.5, 0, 0], transitions=graph)
    # first row: both primaries, then the fourth at 0.0125, whose share then lets the third pass at 0.025
    # second row: H1, then H3 at 0.00625, whose share makes the level of H2 0.025, then H4
    assert found.tolist() == [[True, True, True, True], [True, True, True, True]]


@pytest.mark.parametrize("correlation", [0.0, 0.3, 0.5**0.5, 0.95])
@pytest.mark.parametrize("weights", [(0.5, 0.5), (0.8, 0.2)])
def test_correlated_levels_use_up_alpha_exactly(correlation, weights):
    levels = correlated_levels(alpha=0.025, correlation=correlation, weights=weights)
    from scipy.special import ndtri

    inside = multivariate_normal.cdf(-ndtri(levels), cov=[[1, correlation], [correlation, 1]])
    assert 1 - inside == pytest.approx(0.025, abs=1e-10)
    assert levels[0] / levels[1] == pytest.approx(weights[0] / weights[1])


def test_correlated_levels_end_at_bonferroni_and_at_one_test():
    assert correlated_levels(alpha=0.025, correlation=0.0).sum() == pytest.approx(0.025, abs=2e-4)
    assert correlated_levels(alpha=0.025, correlation=1.0).tolist() == [0.025, 0.025]


@pytest.mark.parametrize("h", [-np.inf, -2.0, -1e-9, 0.0, 0.7, np.inf])
@pytest.mark.parametrize("k", [-1.5, 0.0, 3.0])
@pytest.mark.parametrize("rho", [-0.9, 0.0, 0.5, 0.999])
def test_bivariate_normal_agrees_with_scipy(h, k, rho):
    expected = (
        multivariate_normal.cdf([h, k], cov=[[1, rho], [rho, 1]]) if np.isfinite(h) else ndtr(k) * (h > 0)
    )
    assert both_below(h, k, rho) == pytest.approx(expected, abs=1e-12)


def test_a_missing_p_value_is_never_rejected_and_ends_a_hierarchy():
    p = [[np.nan, 0.001]]
    assert reject(p, method="hierarchical", alpha=0.025).tolist() == [[False, False]]
    assert reject(p, method="hochberg", alpha=0.025).tolist() == [[False, True]]


def test_one_trial_may_come_as_a_row():
    assert reject([0.01, 0.5], method="bonferroni", alpha=0.025).tolist() == [True, False]


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"method": "bonferoni"}, UsageError),
        ({"method": "bonferroni", "hypotheses": NAMES[:2], "weights": {"overall": 1.0}}, DomainError),
        (
            {"method": "fallback", "hypotheses": NAMES[:2], "weights": {"overall": 0.9, "positive": 0.2}},
            DomainError,
        ),
        ({"method": "graphical"}, DomainError),
        (
            {"method": "graphical", "hypotheses": NAMES[:2], "transitions": {"overall": {"overall": 1.0}}},
            DomainError,
        ),
        ({"method": "spiessens_debois"}, DomainError),
    ],
)
def test_what_does_not_fit_is_refused(arguments, error):
    with pytest.raises(error):
        reject([[0.01, 0.02]], alpha=0.025, **arguments)


@pytest.mark.parametrize("proof", ALL, ids=lambda proof: proof.__name__)
def test_family_wise_error_is_at_most_the_level_in_few_draws(proof):
    result = proof(20)
    assert result.holds, f"{result.claim}: {result.found}"


def test_testing_without_a_procedure_inflates_and_the_proof_sees_it():
    from tests.proofs import trials_normal

    trials_normal.METHODS["none"] = {}
    try:
        found = error_rate("none", "no effect anywhere", 0.2, 100_000, 1)
    finally:
        del trials_normal.METHODS["none"]
    assert not Bound("", 0.025, found, 100_000).holds
