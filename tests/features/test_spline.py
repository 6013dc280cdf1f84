"""The restricted cubic spline of the IGF-1 score.

Worked by hand from the truncated powers; scipy's natural spline as another library; invariants by hypothesis.
"""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.interpolate import CubicSpline
from scipy.stats import norm

from igfstrat.errors import ConfigError, DomainError
from igfstrat.features.igf1 import Igf1Features
from igfstrat.features.spline import (
    KNOT_QUANTILES,
    SPLINE_SPECS,
    Igf1SplineFeatures,
    restricted_cubic_spline,
    standard_knots,
)

KNOTS = [-1.5, -0.4, 0.5, 2.0]


def truncated(x, t, j):
    """The formula, written out for one value."""
    k = len(t)
    plus = [max(x - knot, 0) ** 3 for knot in t]
    last = t[k - 1] - t[k - 2]
    term = plus[j] - plus[k - 2] * (t[k - 1] - t[j]) / last + plus[k - 1] * (t[k - 2] - t[j]) / last
    return term / (t[k - 1] - t[0]) ** 2


@given(st.floats(-12, 12))
def test_the_terms_are_the_truncated_powers(x):
    expected = [truncated(x, KNOTS, j) for j in range(2)]
    assert np.allclose(restricted_cubic_spline([x], KNOTS)[0], expected, rtol=1e-9, atol=1e-12)


def test_the_term_worked_by_hand():
    # knots 0, 1, 3 at 2: (8 - 1 x 3/2 + 0) / 9
    assert math.isclose(restricted_cubic_spline([2.0], [0.0, 1.0, 3.0])[0, 0], 6.5 / 9)


@given(st.floats(0.01, 20), st.floats(0.01, 3))
def test_the_terms_are_linear_beyond_the_outer_knots(distance, step):
    right = restricted_cubic_spline(KNOTS[-1] + distance + step * np.arange(3), KNOTS)
    assert np.allclose(np.diff(right, 2, axis=0), 0, atol=1e-9)
    assert (np.diff(right, axis=0) > 0).all()
    assert (restricted_cubic_spline([KNOTS[0] - distance], KNOTS) == 0).all()


def test_they_bend_between_the_outer_knots():
    inside = restricted_cubic_spline([-0.2, 0.0, 0.2], KNOTS)
    assert (np.abs(np.diff(inside, 2, axis=0)) > 1e-4).all()


@pytest.mark.parametrize("k", sorted(KNOT_QUANTILES))
def test_with_the_line_they_span_the_natural_splines_of_another_library(k):
    knots = standard_knots(k)
    x = np.linspace(knots[0], knots[-1], 201)
    basis = np.column_stack([np.ones_like(x), x, restricted_cubic_spline(x, knots)])
    assert np.linalg.matrix_rank(basis) == k
    for i in range(k):
        natural = CubicSpline(knots, np.eye(k)[i], bc_type="natural")(x)
        residual = natural - basis @ np.linalg.lstsq(basis, natural, rcond=None)[0]
        assert np.abs(residual).max() < 1e-10


@pytest.mark.parametrize("k", sorted(KNOT_QUANTILES))
def test_knots_are_symmetric_quantiles_of_the_standard_normal(k):
    knots = standard_knots(k)
    assert len(knots) == k
    assert norm.cdf(knots) == pytest.approx(KNOT_QUANTILES[k], abs=1e-12)
    assert knots == pytest.approx(-knots[::-1], abs=1e-3)


@pytest.mark.parametrize("knots", [[0.0, 1.0], [0.0, 0.0, 1.0], [1.0, 0.0, 2.0], [0.0, 1.0, math.nan]])
def test_knots_that_cannot_be_are_refused(knots):
    with pytest.raises(DomainError, match="at least 3 and increase"):
        restricted_cubic_spline([1.0], knots)


@pytest.mark.parametrize("n", [2, 8])
def test_a_number_of_knots_without_a_placement_is_refused(make_patients, n):
    with pytest.raises(ConfigError, match="3 to 7"):
        Igf1SplineFeatures(n_knots=n).fit(make_patients())


@pytest.mark.parametrize("n", [3, 4, 7])
def test_the_transformer_keeps_the_contract_and_is_the_function_of_the_score(
    check_feature_transformer, make_patients, n
):
    table, transformer = make_patients(), Igf1SplineFeatures(n_knots=n)
    check_feature_transformer(transformer, table)
    sds = Igf1Features().fit_transform(table)["igf1_sds"]
    found = transformer.fit_transform(table)
    assert list(found) == [f"igf1_sds_spline_{j}" for j in range(1, n - 1)]
    assert np.array_equal(found.to_numpy(), restricted_cubic_spline(sds, standard_knots(n)), equal_nan=True)
    assert "Harrell" in transformer.describe()["igf1_sds_spline_1"]


def test_nothing_is_learned_from_the_cohort(make_patients):
    table, other = make_patients(seed=1), make_patients(seed=2)
    other["igf1_ng_ml"] *= 3
    a, b = (Igf1SplineFeatures().fit(t).transform(table) for t in (table, other))
    assert a.equals(b)


def test_a_missing_score_has_no_spline_and_a_u_shape_can_be_fitted(make_patients):
    table = make_patients(400)
    table.loc[0, "igf1_ng_ml"] = np.nan
    terms = Igf1SplineFeatures().fit_transform(table)
    assert terms.loc[0].isna().all()
    sds = Igf1Features().fit_transform(table)["igf1_sds"].to_numpy()
    seen = np.isfinite(sds)
    line = np.column_stack([np.ones(seen.sum()), sds[seen]])
    curved = np.column_stack([line, terms.to_numpy()[seen]])
    u = np.abs(sds[seen] - np.median(sds[seen]))
    left = [np.sum((u - x @ np.linalg.lstsq(x, u, rcond=None)[0]) ** 2) for x in (line, curved)]
    assert left[1] < 0.5 * left[0]


def test_terms_stay_within_their_bounds_at_any_possible_score():
    scores = np.linspace(-15, 15, 1001)
    terms = restricted_cubic_spline(scores, standard_knots())
    assert len(SPLINE_SPECS) == terms.shape[1]
    for spec, term in zip(SPLINE_SPECS.values(), terms.T, strict=True):
        assert term.min() == spec.bounds[0]
        assert term.max() == pytest.approx(spec.bounds[1], rel=1e-12)


def test_another_assay_is_flagged(make_patients):
    table = make_patients(3)
    table["igf1_assay"] = ["ria", None, "ids_isys"]
    flags = Igf1SplineFeatures().fit(table).flag_rows(table)
    assert [(f.rows.tolist(), f.code) for f in flags] == [([0], "assay_not_reference")]
