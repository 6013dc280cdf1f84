"""Weights and propensities (worked by hand; R's glm, multinom and weighted survfit, stored with script and versions)."""

import json
from pathlib import Path

import numpy as np
import pytest

from igfstrat.analysis._standardize import Patients, draw_counts, standardize, weighted_survival
from igfstrat.analysis.weighting import (
    effective_sample_size,
    fit_propensity,
    overlap_weights,
    stabilized_weights,
    standardized_differences,
)
from igfstrat.survival import cox, kaplan_meier

R = json.loads(
    (Path(__file__).parents[1] / "reference" / "adjusted_reference.json").read_text(encoding="utf-8")
)
G = {name: np.array(values, dtype=float) for name, values in R["gbsg_data"].items()}

# eight patients: of those with x = 0 three are in group 0 and one in group 1; with x = 1 it is the other way round
CODES = np.array([0, 0, 0, 1, 0, 1, 1, 1])
X = np.array([0, 0, 0, 0, 1, 1, 1, 1], dtype=float)[:, None]


def test_propensity_of_a_binary_covariate_is_the_share_at_its_value():
    fitted = fit_propensity(CODES, X).probability[0, :, 1]
    np.testing.assert_allclose(fitted, [0.25] * 4 + [0.75] * 4, rtol=1e-9)


def test_stabilized_weights_are_the_share_of_the_group_over_its_probability():
    weights = stabilized_weights(fit_propensity(CODES, X).probability, CODES)[0]
    np.testing.assert_allclose(weights, [2 / 3] * 3 + [2, 2] + [2 / 3] * 3, rtol=1e-9)


def test_overlap_weights_are_the_probability_of_the_other_group():
    weights = overlap_weights(fit_propensity(CODES, X).probability, CODES)[0]
    np.testing.assert_allclose(weights, [0.25] * 3 + [0.75, 0.75] + [0.25] * 3, rtol=1e-9)


def test_weighted_survival_of_the_eight_patients_is_that_worked_by_hand():
    weights = stabilized_weights(fit_propensity(CODES, X).probability, CODES)
    first = CODES == 0  # weights 2/3, 2/3, 2/3, 2; times 1+, 2, 3, 4+
    times, curve = weighted_survival(
        np.array([1.0, 2.0, 3.0, 4.0]), np.array([False, True, True, False]), weights[:, first]
    )
    # 1, then 1 - (2/3) / (10/3) = 0.8, then 0.8 x (1 - (2/3) / (8/3)) = 0.6
    assert times.tolist() == [1, 2, 3, 4]
    np.testing.assert_allclose(curve[0], [1, 0.8, 0.6, 0.6], rtol=1e-9)


def test_many_weighted_curves_at_once_equal_the_weighted_kaplan_meier():
    rng = np.random.default_rng(5)
    time, event = rng.integers(1, 30, 200).astype(float), rng.random(200) < 0.6
    weights = rng.uniform(0.1, 3, (4, 200))
    times, curves = weighted_survival(time, event, weights)
    for own, curve in zip(weights, curves, strict=True):
        one = kaplan_meier(time=time, event=event, weights=own)
        np.testing.assert_array_equal(one.time, times)
        np.testing.assert_allclose(curve, one.survival, rtol=1e-12)


def test_a_patient_who_was_not_drawn_does_not_count():
    rng = np.random.default_rng(6)
    time, event = rng.integers(1, 20, 80).astype(float), rng.random(80) < 0.6
    counts = draw_counts(80, 1, rng)
    times, curves = weighted_survival(time, event, counts)
    rows = np.repeat(np.arange(80), counts[0].astype(int))
    one = kaplan_meier(time=time[rows], event=event[rows])
    at = np.searchsorted(times, one.time)
    np.testing.assert_allclose(curves[0, at], one.survival, rtol=1e-12)


def gbsg():
    grade = G["grade"]
    x = np.column_stack([G["age"], G["meno"], G["size"], grade == 2, grade == 3, G["nodes"]]).astype(float)
    return Patients(
        time=G["rfstime"] / 30.4375, event=G["status"] == 1, codes=G["hormon"].astype(np.int64), x=x, n_groups=2,
        times=np.unique(np.concatenate([np.unique(G["rfstime"][G["status"] == 1]) / 30.4375, [12, 36, 60]])), tau=60.0,
    )  # fmt: skip


@pytest.mark.parametrize("method", ["iptw", "overlap"])
def test_weighted_curves_areas_and_effective_sizes_of_gbsg_are_those_of_r(method):
    data = gbsg()
    found = standardize(data, np.ones((1, len(data.time))))[method]
    places = np.searchsorted(data.times, [12, 36, 60])
    fitted = fit_propensity(data.codes, data.x).probability
    weights = (stabilized_weights if method == "iptw" else overlap_weights)(fitted, data.codes)[0]
    np.testing.assert_allclose(
        [fitted[..., 1].min(), fitted[..., 1].max()], R["gbsg"]["propensity_range"], rtol=1e-8
    )
    for arm in (0, 1):
        np.testing.assert_allclose(
            found.survival[0, arm, places], R["gbsg"][f"{method}_survival_{arm}"], rtol=1e-8
        )
        np.testing.assert_allclose(found.area[0, arm], R["gbsg"][f"{method}_area_{arm}"][0], rtol=1e-8)
        effective = effective_sample_size(weights[data.codes == arm])
        assert effective == pytest.approx(R["gbsg"][f"{method}_effective_{arm}"][0], rel=1e-8)


def test_g_formula_of_gbsg_is_the_mean_of_r_predictions_for_every_patient():
    data = gbsg()
    found = standardize(data, np.ones((1, len(data.time))))["g_formula"]
    places = np.searchsorted(data.times, [12, 36, 60])
    for arm in (0, 1):
        np.testing.assert_allclose(
            found.survival[0, arm, places], R["gbsg"][f"g_formula_survival_{arm}"], rtol=1e-7
        )


def test_g_formula_equals_a_loop_over_patients_and_its_area_the_sum_of_steps():
    rng = np.random.default_rng(8)
    n = 60
    time, event = rng.integers(1, 25, n).astype(float), rng.random(n) < 0.7
    codes, x = rng.integers(0, 2, n), rng.normal(size=(n, 2))
    times = np.unique(np.concatenate([time[event], [9.5, 18.0]]))
    data = Patients(time=time, event=event, codes=codes, x=x, n_groups=2, times=times, tau=18.0)
    found = standardize(data, np.ones((1, n)))["g_formula"]
    fit = cox(time=time, event=event, covariates=np.column_stack([codes, x]))
    base = fit.baseline_cumulative_hazard
    for group in (0, 1):
        curve = []
        for t in times:
            hazard = base.cumulative_hazard[base.time <= t][-1] if (base.time <= t).any() else 0.0
            alone = [np.exp(-hazard * np.exp(fit.coef @ [group, *own])) for own in x]
            curve.append(np.mean(alone))
        np.testing.assert_allclose(found.survival[0, group], curve, rtol=1e-9)
        ends = np.concatenate([[0.0], times[times <= 18.0]])
        heights = [1.0, *curve][: len(ends) - 1]
        assert found.area[0, group] == pytest.approx(sum(np.diff(ends) * heights), rel=1e-9)


def test_three_groups_get_the_probabilities_of_a_multinomial_model():
    x = np.column_stack([G["age"], G["size"], G["nodes"]])
    fitted = fit_propensity(G["grade"].astype(np.int64) - 1, x).probability[0, [0, 99, 399]]
    np.testing.assert_allclose(fitted.T.ravel(), R["gbsg"]["multinomial_means"], rtol=2e-5)


def test_overlap_weights_of_three_groups_are_the_harmonic_ones():
    p = np.array([[[0.2, 0.3, 0.5]]])
    assert overlap_weights(p, np.array([1]))[0, 0] == pytest.approx((1 / 0.3) / (1 / 0.2 + 1 / 0.3 + 1 / 0.5))


def test_overlap_weights_balance_every_covariate_of_the_weight_model_exactly():
    data = gbsg()
    weights = overlap_weights(fit_propensity(data.codes, data.x).probability, data.codes)[0]
    before = standardized_differences(data.x, data.codes, np.ones(len(data.x)), group=1)
    after = standardized_differences(data.x, data.codes, weights, group=1)
    assert np.abs(before).max() > 0.3
    np.testing.assert_allclose(after, 0, atol=1e-9)


def test_refitting_by_counts_equals_fitting_the_drawn_rows():
    data, rng = gbsg(), np.random.default_rng(2)
    counts = draw_counts(len(data.codes), 3, rng)
    together = fit_propensity(data.codes, data.x, counts=counts).probability
    for drawn, fitted in zip(counts, together, strict=True):
        rows = np.repeat(np.arange(len(drawn)), drawn.astype(int))
        alone = fit_propensity(data.codes[rows], data.x[rows]).probability[0]
        np.testing.assert_allclose(fitted[rows], alone, rtol=1e-7)


def test_groups_that_a_covariate_tells_apart_are_not_usable():
    codes = np.repeat([0, 1], 20)
    assert not fit_propensity(codes, np.arange(40.0)[:, None]).usable[0]
    assert fit_propensity(codes, np.tile([0.0, 1.0], 20)[:, None]).usable[0]
