"""Combination tests. Truth: Bauer and Köhne's closed form, the group-sequential boundaries, and brute force by uniform draws."""

import numpy as np
import pytest
from scipy.special import ndtr
from scipy.stats import chi2

from igfstrat.errors import DomainError
from igfstrat.trials.rejection.boundaries import make_boundaries
from igfstrat.trials.rejection.combination import fisher_critical_values, make_combination
from igfstrat.trials.scenario.design import SpendingSettings

DRAWS = 400_000
POCOCK = SpendingSettings(spending="pocock")


def test_product_of_two_p_values_has_the_critical_value_of_chi_square():
    assert fisher_critical_values([0.0, 0.025])[1] == pytest.approx(np.exp(-chi2.ppf(0.975, 4) / 2), rel=1e-9)
    assert fisher_critical_values([0.0, 0.0, 0.05])[2] == pytest.approx(
        np.exp(-chi2.ppf(0.95, 6) / 2), rel=1e-9
    )


def test_two_stages_solve_the_equation_of_bauer_and_koehne():
    first, total = 0.01, 0.025
    c = fisher_critical_values([first, total - first])[1]
    # alpha_1 + c (log 1 - log alpha_1) = alpha, for c <= alpha_1
    assert first - c * np.log(first) == pytest.approx(total, rel=1e-9)
    assert c <= first


@pytest.mark.parametrize("method", ["inverse_normal", "fisher"])
@pytest.mark.parametrize("information", [(0.5, 1.0), (0.3, 0.6, 1.0), (0.2, 0.5, 0.8, 1.0)])
def test_level_is_spent_stage_by_stage_by_uniform_p_values(method, information):
    rule = make_combination(method=method, information=information, alpha=0.1, spending=POCOCK)
    p = np.random.default_rng(7).random((DRAWS, len(information)))
    first = np.logical_or.accumulate(rule.crosses(p), axis=1).mean(axis=0)
    planned = make_boundaries(information=information, alpha=0.1, spending=POCOCK).alpha_spent
    assert np.all(np.abs(first - planned) <= 3 * np.sqrt(planned * (1 - planned) / DRAWS))


def test_weights_stay_when_a_stage_grows():
    rule = make_combination(method="inverse_normal", information=(0.25, 1.0), alpha=0.025)
    assert rule.weights.tolist() == pytest.approx([0.5, np.sqrt(0.75)])
    z = np.array([1.0, 2.0])
    assert rule.statistic(ndtr(-z))[1] == pytest.approx(0.5 * 1 + np.sqrt(0.75) * 2)


@pytest.mark.parametrize("method", ["inverse_normal", "fisher"])
def test_what_is_needed_is_just_enough(method):
    rule = make_combination(method=method, information=(0.5, 1.0), alpha=0.025)
    for p1 in (0.02, 0.1, 0.4):
        needed = rule.needed([p1])
        assert rule.crosses([p1, ndtr(-(needed + 1e-6))])[1]
        assert not rule.crosses([p1, ndtr(-(needed - 1e-6))])[1]


def test_a_missing_stage_rejects_nothing_from_there_on():
    rule = make_combination(method="fisher", information=(0.5, 1.0), alpha=0.025)
    assert rule.crosses([[1e-9, np.nan], [0.5, np.nan]]).tolist() == [[True, False], [False, False]]


def test_levels_that_cannot_be_are_refused():
    with pytest.raises(DomainError, match="sum to less than 1"):
        fisher_critical_values([0.6, 0.6])
