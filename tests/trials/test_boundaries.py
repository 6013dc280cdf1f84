"""Group-sequential boundaries.

Truth: published figures to 1e-5 (gsDesign's and Jennison and Turnbull's, as stated in the tests), an independent integral
(the multivariate normal of scipy), brute force by normal draws with 3 Monte-Carlo standard errors, and invariants.
"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import multivariate_normal

from igfstrat.errors import DomainError
from igfstrat.trials.rejection.boundaries import crossing_probabilities, make_boundaries, spent_error
from igfstrat.trials.rejection.efficacy_table import efficacy_table
from igfstrat.trials.scenario.design import FutilitySettings, SpendingSettings


def bounds(looks, **spending):
    fractions = np.arange(1, looks + 1) / looks
    return make_boundaries(information=fractions, alpha=0.025, spending=SpendingSettings(**spending)).efficacy


@pytest.mark.parametrize(
    ("spending", "expected"),
    [
        ({"spending": "obrien_fleming"}, [3.710303, 2.511427, 1.993047]),
        ({"spending": "pocock"}, [2.279428, 2.294911, 2.295940]),
        ({"spending": "classical_obrien_fleming"}, [2.796510, 1.977431]),
        ({"spending": "classical_pocock"}, [2.289478] * 3),
        ({"spending": "hwang_shih_decani", "gamma": -4.0}, [2.749966, 1.981132]),
    ],
    ids=lambda x: x["spending"] if isinstance(x, dict) else "",
)
def test_boundary_is_the_published_one(spending, expected):
    assert bounds(len(expected), **spending) == pytest.approx(expected, abs=1e-5)


def test_one_look_is_the_fixed_test():
    assert bounds(1, spending="pocock") == pytest.approx([1.959963984540054], abs=1e-9)


def test_user_shares_of_a_function_give_its_boundary():
    spent = spent_error([0.3, 0.6, 1.0], total=0.025, spending=SpendingSettings(spending="pocock"))
    shares = (*(float(x) for x in spent[:-1] / 0.025), 1.0)
    user = make_boundaries(
        information=[0.3, 0.6, 1.0], alpha=0.025, spending=SpendingSettings(spending="user", shares=shares)
    )
    own = make_boundaries(
        information=[0.3, 0.6, 1.0], alpha=0.025, spending=SpendingSettings(spending="pocock")
    )
    assert user.efficacy == pytest.approx(own.efficacy, abs=1e-8)


def test_a_look_without_error_has_no_boundary():
    spending = SpendingSettings(spending="user", shares=(0.0, 0.5, 1.0))
    found = make_boundaries(information=[0.3, 0.6, 1.0], alpha=0.025, spending=spending).efficacy
    assert np.isinf(found[0])
    assert np.isfinite(found[1:]).all()


def test_haybittle_peto_keeps_3_until_the_last_look():
    found = bounds(4, spending="haybittle_peto")
    assert found[:3].tolist() == [3.0] * 3
    assert crossing_probabilities(upper=found, drift=0.0, information=[1, 2, 3, 4]).power == pytest.approx(
        0.025
    )


FRACTIONS = st.lists(st.floats(0.05, 0.95), min_size=1, max_size=4, unique_by=lambda x: round(x, 2)).map(
    lambda x: np.array([*sorted(x), 1.0])
)
SPENDINGS = st.sampled_from(
    [
        {"spending": "obrien_fleming"},
        {"spending": "pocock"},
        {"spending": "hwang_shih_decani", "gamma": 1.5},
        {"spending": "classical_obrien_fleming"},
        {"spending": "classical_pocock"},
    ]
)


@settings(deadline=None, max_examples=30)
@given(FRACTIONS, SPENDINGS, st.sampled_from([0.005, 0.025, 0.1]))
def test_all_of_alpha_is_spent_at_any_looks(fractions, spending, alpha):
    found = make_boundaries(information=fractions, alpha=alpha, spending=SpendingSettings(**spending))
    crossing = crossing_probabilities(upper=found.efficacy, drift=0.0, information=fractions)
    assert crossing.power == pytest.approx(alpha, abs=1e-8)
    assert found.alpha_spent[-1] == pytest.approx(alpha, abs=1e-8)


TABLED = st.sampled_from(
    [
        None,
        {"spending": "pocock"},
        {"spending": "hwang_shih_decani", "gamma": -4.0},
        {"spending": "classical_pocock"},
        {"spending": "user", "shares": (0.0, 0.6, 1.0)},
        {"spending": "user", "shares": (0.3, 0.3, 1.0)},
    ]
)


@settings(deadline=None, max_examples=20)
@given(FRACTIONS.filter(lambda x: len(x) == 3), TABLED)
def test_a_table_of_levels_holds_the_boundary_of_each(fractions, spending):
    levels = np.array([1e-7, 0.003, 0.0125, 0.025, 0.2, 0.45])
    made = SpendingSettings(**spending) if spending else None
    table = efficacy_table(information=fractions, levels=levels, spending=made)
    for level, found in zip(levels, table, strict=True):
        alone = make_boundaries(information=fractions, alpha=level, spending=made).efficacy
        assert found == pytest.approx(alone, abs=1e-9)


@pytest.mark.parametrize("levels", [[0.0, 0.025], [0.025, 0.5]])
def test_a_table_of_levels_that_are_none_is_refused(levels):
    with pytest.raises(DomainError):
        efficacy_table(information=[0.5, 1.0], levels=levels)


def test_boundaries_that_several_have_in_common_cannot_be_changed():
    found = make_boundaries(information=[0.5, 1.0], alpha=0.025)
    with pytest.raises(ValueError, match="read-only"):
        found.efficacy[0] = 0.0
    assert make_boundaries(information=[0.5, 1.0], alpha=0.025).efficacy[0] == pytest.approx(2.9626, abs=1e-4)


@settings(deadline=None, max_examples=15)
@given(FRACTIONS.filter(lambda x: len(x) <= 3), st.floats(-1, 5), st.floats(-1, 1), st.floats(1.5, 3))
def test_crossing_probabilities_are_those_of_the_multivariate_normal(fractions, drift, lower, upper):
    looks = len(fractions)
    root = np.sqrt(fractions)
    correlation = np.minimum.outer(root, root) / np.maximum.outer(root, root)
    found = crossing_probabilities(
        upper=[upper] * looks, lower=[lower] * looks, drift=drift, information=fractions
    )
    still = multivariate_normal.cdf(
        np.full(looks, upper),
        mean=drift * root,
        cov=correlation,
        lower_limit=np.full(looks, lower),
        rng=np.random.default_rng(1),
        abseps=1e-8,
        releps=1e-8,
        maxpts=1_000_000,
    )
    assert 1 - found.upper.sum() - found.lower.sum() == pytest.approx(float(still), abs=2e-6)


@pytest.mark.parametrize("binding", [True, False])
def test_futility_by_spending_against_draws(binding):
    information = np.array([0.4, 0.7, 1.0])
    design = make_boundaries(
        information=information,
        alpha=0.025,
        futility=FutilitySettings(spending="hwang_shih_decani", gamma=-2.0, beta=0.2, binding=binding),
    )
    draws = 400_000
    rng = np.random.default_rng(5)
    steps = rng.standard_normal((draws, 3)) * np.sqrt(np.diff(information, prepend=0.0))
    for drift in (0.0, design.drift):
        z = (np.cumsum(steps, axis=1) + drift * information) / np.sqrt(information)
        first = np.argmax((z >= design.efficacy) | (z < design.futility), axis=1)
        power = (z[np.arange(draws), first] >= design.efficacy[first]).mean()
        found = crossing_probabilities(
            upper=design.efficacy, lower=design.futility, drift=drift, information=information
        )
        assert abs(power - found.power) < 3 * np.sqrt(found.power * (1 - found.power) / draws)
        assert found.upper.sum() + found.lower.sum() == pytest.approx(1, abs=1e-7)  # as documented


def test_futility_spends_beta_and_leaves_power_at_its_drift():
    for binding in (True, False):
        futility = FutilitySettings(spending="obrien_fleming", beta=0.15, binding=binding)
        design = make_boundaries(information=[0.25, 0.5, 0.75, 1], alpha=0.025, futility=futility)
        under = crossing_probabilities(
            upper=design.efficacy, lower=design.futility, drift=design.drift, information=design.information
        )
        null = crossing_probabilities(
            upper=design.efficacy, lower=design.futility, drift=0.0, information=design.information
        )
        assert np.cumsum(under.lower) == pytest.approx(design.beta_spent, abs=1e-8)
        assert under.power == pytest.approx(0.85, abs=1e-8)
        if binding:
            assert null.power == pytest.approx(0.025, abs=1e-8)
        else:
            assert null.power < 0.025


def test_non_binding_futility_leaves_the_upper_boundary_alone():
    plain = make_boundaries(information=[0.5, 1], alpha=0.025)
    with_futility = make_boundaries(information=[0.5, 1], alpha=0.025, futility=FutilitySettings(z=(0.5,)))
    assert with_futility.efficacy.tolist() == plain.efficacy.tolist()
    assert with_futility.futility[0] == 0.5


def test_binding_futility_lowers_the_last_boundary():
    plain = make_boundaries(information=[0.5, 1], alpha=0.025)
    bound = make_boundaries(
        information=[0.5, 1], alpha=0.025, futility=FutilitySettings(z=(0.5,), binding=True)
    )
    assert bound.efficacy[-1] < plain.efficacy[-1]
    found = crossing_probabilities(
        upper=bound.efficacy, lower=bound.futility, drift=0.0, information=[0.5, 1]
    )
    assert found.power == pytest.approx(0.025, abs=1e-9)


@pytest.mark.parametrize(
    "arguments",
    [
        {"information": [0.5, 0.5, 1], "alpha": 0.025},
        {"information": [0, 1], "alpha": 0.025},
        {"information": [0.5, 1], "alpha": 0.5},
        {"information": [0.5, 1], "alpha": 0.025, "futility": FutilitySettings(z=(0.0, 0.0))},
        {
            "information": [0.5, 1],
            "alpha": 0.025,
            "spending": SpendingSettings(spending="classical_pocock"),
            "futility": FutilitySettings(spending="pocock"),
        },
        {
            "information": [0.2, 0.4, 0.6, 0.8, 1],
            "alpha": 0.001,
            "spending": SpendingSettings(spending="haybittle_peto"),
        },
        {
            "information": [0.5, 1],
            "alpha": 0.025,
            "spending": SpendingSettings(spending="user", shares=(0.2, 0.5, 1.0)),
        },
    ],
)
def test_what_cannot_be_is_refused(arguments):
    with pytest.raises(DomainError):
        make_boundaries(**arguments)
