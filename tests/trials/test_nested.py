"""The largest of nested statistics. Truth: scipy's multivariate normal (within its own error of some 1e-6), one integral
for three of them, published boundaries, and worked by hand.
"""

from itertools import pairwise

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import ndtr
from scipy.stats import multivariate_normal

from igfstrat.errors import DomainError
from igfstrat.trials.threshold.nested import nested_critical_value, nested_exceedance, nested_p_values

INFORMATION = {
    "even": [1.0, 2.0, 3.0, 4.0, 5.0],
    "uneven": [0.1, 0.3, 0.31, 0.8, 1.0],
    "two": [0.36, 1.0],
}
THREE = ([1.0, 2.0, 3.0], [0.5, 0.505, 1.0], [0.2, 0.99, 1.0], [0.01, 0.1, 1.0])


def by_scipy(limits, information):
    i = np.asarray(information)
    correlation = np.sqrt(np.minimum.outer(i, i) / np.maximum.outer(i, i))
    found = multivariate_normal(cov=correlation, abseps=1e-7, releps=1e-7, maxpts=2_000_000)
    return 1 - found.cdf(np.broadcast_to(limits, i.shape))


@pytest.mark.parametrize("information", INFORMATION.values(), ids=INFORMATION)
@pytest.mark.parametrize("limit", [0.5, 1.96, 2.8])
def test_probability_that_any_reaches_its_limit_is_that_of_the_multivariate_normal(information, limit):
    assert nested_exceedance(limit, information) == pytest.approx(by_scipy(limit, information), abs=1e-5)


@pytest.mark.parametrize("information", THREE)
@pytest.mark.parametrize("limit", [0.5, 1.96, 2.8])
def test_probability_for_three_is_the_integral_over_the_middle_one(information, limit):
    """Given the middle one the others are independent."""
    first, second = (np.sqrt(a / b) for a, b in pairwise(information))

    def both_below(z):
        one = ndtr((limit - first * z) / np.sqrt(1 - first**2))
        other = ndtr((limit - second * z) / np.sqrt(1 - second**2))
        return one * other * np.exp(-z * z / 2) / np.sqrt(2 * np.pi)

    inner = quad(both_below, -12, limit, epsabs=1e-13, limit=500, points=[limit - 1.0, limit - 0.1])[0]
    assert nested_exceedance(limit, information) == pytest.approx(1 - inner, abs=1e-10)


def test_limits_may_differ():
    limits = [2.6, 2.4, 2.1]
    found = nested_exceedance(limits, [0.3, 0.6, 1.0])
    assert found == pytest.approx(by_scipy(limits, [0.3, 0.6, 1.0]), abs=1e-5)


def test_critical_value_of_even_steps_is_that_of_pocock():
    """Jennison and Turnbull, table 2.1: three and five looks at a two-sided 5 %, less the other side's share."""
    assert nested_critical_value([1, 2, 3], alpha=0.025) == pytest.approx(2.289478, abs=1e-5)
    assert nested_critical_value([1], alpha=0.025) == pytest.approx(1.959964, abs=1e-6)


def test_the_critical_value_uses_up_the_level_beside_an_overall_test():
    z = nested_critical_value([0.2, 0.5, 0.8, 1.0], alpha=0.025, overall=2.053749)
    assert nested_exceedance([z, z, z, 2.053749], [0.2, 0.5, 0.8, 1.0]) == pytest.approx(0.025, abs=1e-8)


def test_statistics_of_equal_information_are_one():
    assert nested_exceedance([2.0, 2.0, 2.0], [1.0, 1.0, 1.0]) == pytest.approx(ndtr(-2.0), abs=1e-9)
    assert nested_exceedance([2.0, 1.0], [1.0, 1.0]) == pytest.approx(ndtr(-1.0), abs=1e-9)


def test_bounds_decide_as_the_exact_p_value_does():
    rng = np.random.default_rng(1)
    z = rng.standard_normal((300, 4)) + 1.5
    information = np.sort(rng.uniform(5, 60, (300, 4)), axis=1)[:, ::-1].copy()
    exact = nested_p_values(z, information)
    quick = nested_p_values(z, information, alpha=0.025)
    assert np.array_equal(exact <= 0.025, quick <= 0.025)
    assert 20 < (exact <= 0.025).sum() < 280
    each = [nested_exceedance(row.max(), i[::-1]) for row, i in zip(z, information, strict=True)]
    assert exact == pytest.approx(np.array(each), abs=1e-9)


def test_a_candidate_without_a_statistic_is_left_out():
    some = nested_p_values(np.array([[2.0, np.nan, 1.0]]), np.array([[3.0, 0.0, 1.0]]))
    assert some[0] == pytest.approx(nested_exceedance(2.0, [1.0, 3.0]), abs=1e-12)
    assert np.isnan(nested_p_values(np.array([[np.nan]]), np.array([[0.0]])))[0]


def test_far_out_a_p_value_stays_between_its_bounds():
    found = nested_p_values(np.array([[9.0, 8.0]]), np.array([[2.0, 1.0]]))[0]
    assert ndtr(-9.0) * 0.999 <= found <= 2 * ndtr(-9.0)


def test_information_that_does_not_ascend_is_refused():
    with pytest.raises(DomainError, match="ascends"):
        nested_exceedance([1.0, 1.0], [2.0, 1.0])
    with pytest.raises(DomainError, match="leaves nothing"):
        nested_critical_value([1, 2], alpha=0.02, overall=2.0)
