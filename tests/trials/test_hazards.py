"""Hazards of arms and strata. Truth: formulas of exponential, Weibull and cure models, and invariants."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from igfstrat.errors import DomainError
from igfstrat.trials import make_scenario
from igfstrat.trials.patients.hazards import make_cells, make_hazard, mixture_hazard, mixture_survival
from igfstrat.trials.patients.piecewise import PiecewiseHazard, common_pieces, constant_hazard
from igfstrat.trials.scenario.outcome import CureSettings, HazardSettings, WeibullSettings

PIECES = st.lists(st.tuples(st.floats(0.1, 20), st.floats(0.001, 2)), min_size=1, max_size=5).map(
    lambda pairs: PiecewiseHazard(
        np.concatenate(([0.0], np.cumsum([width for width, _ in pairs])[:-1])),
        np.array([rate for _, rate in pairs]),
    )
)


@given(PIECES, st.floats(0, 50))
def test_inverse_gives_the_time_back(hazard, time):
    assert hazard.inverse(hazard.cumulative(time)) == pytest.approx(time, rel=1e-9, abs=1e-9)


@given(PIECES, PIECES, st.floats(0, 50))
def test_hazard_of_a_product_is_the_product_of_hazards(first, second, time):
    assert first.times(second).at(time) == first.at(time) * second.at(time)


@given(PIECES, st.floats(0.01, 50))
def test_cumulative_hazard_is_the_integral(hazard, time):
    edges = np.unique(np.append(hazard.starts[hazard.starts < time], time))
    area = sum((b - a) * hazard.at(a) for a, b in pairwise(edges))
    assert hazard.cumulative(time) == pytest.approx(area, rel=1e-9)


def test_a_hazard_that_ends_is_never_used_up():
    ended = PiecewiseHazard(np.array([0.0, 2.0]), np.array([0.5, 0.0]))
    assert ended.inverse([0.5, 1.0, 1.0001]).tolist() == [1.0, 2.0, np.inf]


def test_a_hazard_that_starts_late_is_reached_late():
    late = PiecewiseHazard(np.array([0.0, 2.0]), np.array([0.0, 0.5]))
    assert late.inverse([0.5, 1.0]).tolist() == [3.0, 4.0]


def test_weibull_survival_is_within_1e_4_everywhere():
    hazard = make_hazard(HazardSettings(weibull=WeibullSettings(shape=1.4, median=10.0)))
    time = np.linspace(0, 60, 2_001)
    exact = np.exp(-np.log(2) * (time / 10.0) ** 1.4)
    assert np.abs(hazard.survival(time) - exact).max() < 1e-4


def test_decreasing_weibull_is_within_1e_4_everywhere():
    hazard = make_hazard(HazardSettings(weibull=WeibullSettings(shape=0.7, scale=10.0)))
    time = np.linspace(0, 200, 20_001)
    assert np.abs(hazard.survival(time) - np.exp(-((time / 10.0) ** 0.7))).max() < 1e-4


def test_cure_survival_is_within_1e_4_and_ends_at_the_cured():
    hazard = make_hazard(HazardSettings(cure=CureSettings(fraction=0.25, median=8.0)))
    time = np.linspace(0, 100, 2_001)
    exact = 0.25 + 0.75 * 0.5 ** (time / 8.0)
    assert np.abs(hazard.survival(time) - exact).max() < 1e-4
    assert hazard.survival(1e6) == pytest.approx(0.25, abs=1e-4)


def scenario(**sections):
    return make_scenario(
        {
            "endpoint": "os",
            "marker": {"prevalence": {"value": 0.4}},
            "control": {"median": 12, "prognostic_hazard_ratio": 2.0},
            "treatment": {"hazard_ratio": {"positive": [{"until": 4, "hazard_ratio": 1.0}, {"hazard_ratio": 0.5}]}},
            "accrual": {"screened_per_month": 10},
            "designs": {"all_comers": {"n": 100, "events": 50}},
        }
        | sections
    )  # fmt: skip


def test_effects_multiply_in_each_cell_by_hand():
    groups = [{"name": "a", "share": 0.3, "control_hazard_ratio": 1.5, "treatment_hazard_ratio": 0.8}, {"name": "b", "share": 0.7}]  # fmt: skip
    cells = make_cells(scenario(subgroups=groups))
    assert [(c.stratum, c.subgroup, c.share) for c in cells] == [
        ("positive", "a", 0.3),
        ("positive", "b", 0.7),
        ("negative", "a", 0.3),
        ("negative", "b", 0.7),
    ]
    base = np.log(2) / 12
    assert cells[0].control.at(5.0) == pytest.approx(base * 2 * 1.5)
    assert cells[0].experimental.at(5.0) == pytest.approx(base * 2 * 1.5 * 0.5 * 0.8)
    assert cells[0].experimental.at(3.0) == pytest.approx(base * 2 * 1.5 * 1.0 * 0.8)
    assert cells[3].experimental.at(5.0) == pytest.approx(base)


def test_positives_may_have_their_own_times():
    positive, negative = make_cells(scenario(control={"median": 12, "positive": {"median": 6}}))
    assert positive.control.survival(6.0) == pytest.approx(0.5)
    assert negative.control.survival(12.0) == pytest.approx(0.5)


@given(PIECES, PIECES, st.floats(0.05, 0.95), st.floats(0, 40))
def test_hazard_of_a_mixture_is_the_slope_of_its_survival(first, second, share, time):
    weights = [share, 1 - share]
    step = 1e-6
    rate = mixture_hazard(time, [first, second], weights)
    here, next_ = (np.log(mixture_survival(t, [first, second], weights)) for t in (time, time + step))
    starts = np.concatenate((first.starts, second.starts))
    if not np.any((starts > time) & (starts <= time + step)) and here > -15:
        assert (here - next_) / step == pytest.approx(float(rate), rel=1e-3)


def test_hazard_of_a_mixture_is_that_of_the_fitter_in_the_end():
    assert mixture_hazard(1e6, [constant_hazard(0.1), constant_hazard(0.3)], [0.01, 0.99]) == 0.1


def test_common_pieces_keep_every_hazard():
    hazards = [constant_hazard(0.1), PiecewiseHazard(np.array([0.0, 3.0]), np.array([0.2, 0.4]))]
    starts, rates = common_pieces(hazards)
    for hazard, row in zip(hazards, rates, strict=True):
        assert PiecewiseHazard(starts, row).cumulative(10.0) == pytest.approx(hazard.cumulative(10.0))


@pytest.mark.parametrize(
    ("starts", "rates"),
    [
        ([1.0], [0.1]),
        ([0.0, 0.0], [0.1, 0.1]),
        ([0.0], [-0.1]),
        ([0.0], [np.nan]),
        ([0.0, 1.0], [0.1]),
        ([], []),
    ],
)
def test_what_is_no_hazard_is_refused(starts, rates):
    with pytest.raises(DomainError):
        PiecewiseHazard(np.array(starts), np.array(rates))
