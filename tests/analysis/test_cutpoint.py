"""Cut-points and the effect without a cut: R's coxph with a spline written by hand (stored), worked by hand, invariants.

R's numbers stand with their versions and data in tests/reference/spline_reference.json, made by the script beside it. The
search itself is compared with R's maxstat in tests/survival; here its numbers must arrive unchanged.
"""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from igfstrat.analysis.cutpoint import analyse_continuous, analyse_cutpoint
from igfstrat.analysis.settings import CutpointSettings
from igfstrat.cohort import Endpoint
from igfstrat.survival import cox, cutpoint_stability, maximally_selected_logrank

STORED = json.loads((Path(__file__).parents[1] / "reference" / "spline_reference.json").read_text("utf-8"))
SETTINGS = CutpointSettings(marker="igf1r_h_score", permutations=400)


def endpoint_of(time, event, cause=None):
    time = np.asarray(time, dtype=float)
    return Endpoint(
        name="dfs", title="Disease-free survival", time=time, event=np.asarray(event, dtype=bool),
        reasons=("",) * len(time), source_unit="months", cause=cause,
    )  # fmt: skip


def made(n=200, seed=4, effect=0.9):
    """Exponential times whose hazard steps up by exp(effect) above a marker of 150."""
    rng = np.random.default_rng(seed)
    marker = rng.uniform(0, 300, n).round()
    time = rng.exponential(40 * np.exp(np.where(marker > 150, -effect, 0.0)))
    censored = rng.uniform(10, 90, n)
    return endpoint_of(np.minimum(time, censored), time <= censored), marker


def search(endpoint, marker, **options):
    return analyse_cutpoint(
        endpoint, title="IGF-1R H-score", values=marker, settings=SETTINGS, **({"n_bootstrap": 60} | options)
    )


@pytest.fixture(scope="module")
def found():
    return search(*made())


@pytest.fixture(params=sorted(STORED["values"]))
def reference(request):
    r = {key: np.array(value, dtype=float) for key, value in STORED["values"][request.param].items()}
    effect = analyse_continuous(
        endpoint_of(r["time"], r["event"] == 1), marker="x", title="Marker", values=r["marker"]
    )
    return effect, r


def test_knots_are_those_of_r(reference):
    effect, r = reference
    np.testing.assert_allclose(effect.knots, r["knots"], rtol=1e-12)
    assert effect.n_knots == len(r["knots"])


@pytest.mark.parametrize("test", ["linear", "overall", "nonlinear"])
def test_likelihood_ratio_tests_match_r(reference, test):
    effect, r = reference
    estimate = getattr(effect, test)
    np.testing.assert_allclose([estimate.value, estimate.p_value], r[test], rtol=1e-6)


def test_hazard_ratios_per_unit_and_per_sd_match_r(reference):
    effect, r = reference
    for name in ("per_unit", "per_sd"):
        estimate = getattr(effect, name)
        np.testing.assert_allclose([estimate.value, estimate.ci_lower, estimate.ci_upper], r[name], rtol=1e-8)


def test_curve_and_band_match_r(reference):
    effect, r = reference
    curve, half = effect.curve, 1.959963984540054 * r["std_error"]
    # the curve begins and ends exactly where R's first and last points lie
    for place, at in ((0, 0), (-1, 3)):
        assert curve.marker[place] == pytest.approx(r["at"][at], rel=1e-12)
        assert curve.log_hazard_ratio[place] == pytest.approx(r["log_hazard_ratio"][at], rel=1e-6)
        assert curve.ci_lower[place] == pytest.approx(r["log_hazard_ratio"][at] - half[at], rel=1e-6)
        assert curve.ci_upper[place] == pytest.approx(r["log_hazard_ratio"][at] + half[at], rel=1e-6)
    inner = np.interp(r["at"][1:3], curve.marker, curve.log_hazard_ratio)
    np.testing.assert_allclose(inner, r["log_hazard_ratio"][1:3], atol=0.02)


@pytest.mark.parametrize(("name", "n_knots"), [("gbsg_pgr", 4), ("gbsg_pgr_tied", 3)])
def test_tied_marker_takes_three_knots_and_says_so(name, n_knots):
    time, event, marker = (
        np.array(STORED["values"][name][k], dtype=float) for k in ("time", "event", "marker")
    )
    effect = analyse_continuous(endpoint_of(time, event == 1), marker="x", title="Marker", values=marker)
    assert effect.n_knots == n_knots
    assert effect.degrees_of_freedom == {"linear": 1, "overall": n_knots - 1, "nonlinear": n_knots - 2}


def test_marker_of_two_values_has_a_line_but_no_curve_with_its_reason():
    endpoint, marker = made()
    effect = analyse_continuous(endpoint, marker="x", title="Marker", values=(marker > 150) * 1.0)
    assert effect.per_unit.value > 1.5
    assert effect.curve is None
    assert "too few different values" in effect.nonlinear.not_estimable


def test_the_search_is_that_of_the_survival_room(found):
    endpoint, marker = made()
    permuted, drawn = np.random.SeedSequence(20261120).spawn(2)
    data = {"time": endpoint.time, "event": endpoint.event, "marker": marker}
    peer = maximally_selected_logrank(**data, rng=np.random.default_rng(permuted), n_permutations=400)
    assert (found.cutpoint, found.statistic, found.p_permutation) == (
        peer.cutpoint, peer.statistic, peer.p_value,
    )  # fmt: skip
    assert (found.p_lausen_1992, found.p_lausen_1994, found.p_naive) == (
        peer.p_value_1992, peer.p_value_1994, peer.p_value_naive,
    )  # fmt: skip
    stable = cutpoint_stability(**data, rng=np.random.default_rng(drawn), n_bootstrap=60)
    assert found.stability.hazard_ratio_corrected.value == stable.hazard_ratio_corrected
    assert (found.stability.cut.ci_lower, found.stability.cut.ci_upper) == (stable.ci_lower, stable.ci_upper)


def test_naive_hazard_ratio_is_that_of_cox_at_the_cut(found):
    endpoint, marker = made()
    fit = cox(time=endpoint.time, event=endpoint.event, covariates=marker > found.cutpoint)
    assert found.hazard_ratio_naive.value == pytest.approx(float(fit.hazard_ratio[0]), rel=1e-12)


@pytest.mark.parametrize("seed", range(12))
def test_statistic_beyond_the_corrected_line_means_p_at_most_alpha(seed):
    result = search(*made(n=80, seed=seed, effect=0.6), alpha=0.2, n_bootstrap=0)
    assert (result.statistic > result.scan.threshold_corrected) == (result.p_permutation <= 0.2)


def test_corrected_line_lies_above_the_naive_one_and_corrected_p_above_the_naive_p(found):
    assert found.scan.threshold_corrected > found.scan.threshold_naive + 0.3
    assert found.p_permutation > found.p_naive


def test_near_share_of_a_bootstrap_worked_by_hand():
    # three values of the marker, 20 patients each, a huge step above the lowest: every sample finds the cut at 1
    marker = np.repeat([1.0, 2.0, 3.0], 20)
    time = np.concatenate((np.arange(41.0, 61), np.arange(1.0, 41)))
    event = np.ones(60, dtype=bool)
    event[[0, 1, 2]] = False
    time[3] = 0.5  # one early event in the low group keeps the hazard ratio finite
    stability = search(endpoint_of(time, event), marker).stability
    assert stability.cuts.tolist() == [1.0]
    assert (stability.share_near, stability.selection_frequency.tolist()) == (1.0, [1.0])


def test_optimism_is_taken_off_towards_no_effect_on_null_data():
    result = search(*made(effect=0.0, seed=11))
    naive, corrected = result.hazard_ratio_naive.value, result.stability.hazard_ratio_corrected.value
    assert result.stability.optimism > 0
    assert np.log(corrected) * np.sign(np.log(naive)) < abs(np.log(naive))


def test_same_seed_gives_the_same_numbers_and_row_order_changes_no_cut(found):
    endpoint, marker = made()
    assert search(endpoint, marker).to_dict() == found.to_dict()
    turned = replace(endpoint, time=endpoint.time[::-1].copy(), event=endpoint.event[::-1].copy())
    again = search(turned, marker[::-1])
    assert (again.cutpoint, again.statistic) == (found.cutpoint, pytest.approx(found.statistic))


def test_rows_that_are_no_patients_and_rows_without_marker_are_left_out_and_counted():
    endpoint, marker = made()
    marker[:7] = np.nan
    included = np.ones(len(marker), dtype=bool)
    included[[0, 1, 50]] = False
    result = search(endpoint, marker, included=included, n_bootstrap=0)
    assert (result.n, result.n_missing) == (200 - 7 - 1, 5)


@pytest.mark.parametrize(
    ("time", "event", "marker", "why"),
    [
        ([1, 2, 3, 4], [0, 0, 0, 0], [1, 2, 3, 4], "no events"),
        ([1, 2, 3, 4], [1, 1, 0, 1], [5, 5, 5, 5], "the same in all patients"),
        ([3], [1], [5], "the same in all patients"),
        ([np.nan] * 3, [0] * 3, [1, 2, 3], "no patient"),
        ([1, 2, 3], [1, 1, 1], [np.nan] * 3, "no patient"),
        ([], [], [], "no patient"),
    ],
)
def test_poor_data_give_a_reason_everywhere_and_no_number(time, event, marker, why):
    result = search(endpoint_of(time, event), np.array(marker, dtype=float))
    reasons = [
        result.not_estimable, result.hazard_ratio_naive.not_estimable, result.stability.not_estimable,
        result.continuous.per_unit.not_estimable, result.continuous.overall.not_estimable,
    ]  # fmt: skip
    assert all(why in reason for reason in reasons), reasons
    assert result.cutpoint is None
    assert result.p_permutation is None


def test_separated_events_give_no_hazard_ratio_and_no_infinity():
    time, event = np.arange(1.0, 41), np.arange(40) < 20
    marker = np.where(event, 200.0, 100.0) + np.arange(40) / 100
    result = search(endpoint_of(time, event), marker)
    assert "separated" in result.hazard_ratio_naive.not_estimable
    json.dumps(result.to_dict(), allow_nan=False)
