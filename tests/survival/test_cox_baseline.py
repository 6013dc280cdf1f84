"""The baseline hazard far from the data (source of truth: a covariate moved to its mean, which changes no model)."""

import numpy as np

from igfstrat.survival import cox

YEARS = np.array([2011.0, 2012, 2011, 2013, 2015, 2014, 2016, 2015])  # the later, the longer
TIME = np.array([1.0, 2, 3, 4, 5, 6, 7, 8])
EVENT = np.array([False, True, True, False, True, False, True, True])


def fitted(years):
    return cox(time=TIME, event=EVENT, covariates=years[:, None])


def test_a_baseline_at_year_0_beyond_double_precision_is_infinite_and_0_before_the_first_event():
    steep = fitted(YEARS)
    assert steep.coef[0] * YEARS.mean() < -800  # exp() of its opposite overflows
    base = steep.baseline_cumulative_hazard
    assert base.cumulative_hazard[0] == 0
    assert np.isinf(base.cumulative_hazard[1:]).all()
    moved = fitted(YEARS - YEARS.mean()).baseline_cumulative_hazard
    np.testing.assert_allclose(base.cumulative_hazard_at_means, moved.cumulative_hazard, rtol=1e-9)


def test_a_baseline_within_reach_is_that_at_the_means_moved_by_the_linear_predictor():
    near = YEARS - 2010
    fit = fitted(near)
    base = fit.baseline_cumulative_hazard
    expected = base.cumulative_hazard_at_means * np.exp(-fit.coef[0] * near.mean())
    np.testing.assert_allclose(base.cumulative_hazard, expected, rtol=1e-13)
