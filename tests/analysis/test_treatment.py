"""Treatment by marker (R's coxph, stored with script and versions; our own estimators; null simulation; bad data)."""

import json
from pathlib import Path

import numpy as np
import pytest

from igfstrat.analysis import AnalysisSettings, Grouping, Milestones
from igfstrat.analysis.treatment import analyse_treatment
from igfstrat.cohort import Endpoint
from igfstrat.survival import rmst_difference, survival_difference

R = json.loads(
    (Path(__file__).parents[1] / "reference" / "adjusted_reference.json").read_text(encoding="utf-8")
)
GROUPING = Grouping(name="pgr", title="Progesterone receptor", rule="")


def analyse(time, event, groups, treatment, *, measure=None, settings=None, order=("low", "high")):
    endpoint = Endpoint(
        name="rfs", title="Recurrence-free survival", time=np.asarray(time, dtype=float),
        event=np.asarray(event, dtype=bool), reasons=("",) * len(time), source_unit="months",
    )  # fmt: skip
    return analyse_treatment(
        endpoint, groups=np.asarray(groups, dtype=object), order=order,
        treatment=np.asarray(treatment, dtype=object), experimental="yes", title="Hormone treatment",
        grouping=GROUPING, settings=settings or AnalysisSettings(), measure=measure,
    )  # fmt: skip


def gbsg():
    g = {name: np.array(values, dtype=float) for name, values in R["gbsg_data"].items()}
    groups = np.where(g["pgr"] >= 20, "high", "low").astype(object)
    treatment = np.where(g["hormon"] == 1, "yes", "no").astype(object)
    return g["rfstime"] / 30.4375, g["status"] == 1, groups, treatment, ("PgR", g["pgr"])


def test_effects_and_interactions_of_gbsg_are_those_of_r():
    *data, measure = gbsg()
    result, r = analyse(*data, measure=measure), R["treatment"]
    ratios = [np.log(e.hazard_ratio.value) for e in result.effects]
    np.testing.assert_allclose(ratios, r["within"], rtol=1e-7)
    assert np.log(result.overall.hazard_ratio.value) == pytest.approx(r["overall"][0], rel=1e-7)
    by_kind = {i.kind: i for i in result.interactions}
    levels, product = by_kind["levels"], by_kind["continuous"]
    assert np.log(levels.ratio.value) == pytest.approx(r["interaction"][0], rel=1e-7)
    assert levels.test.value == pytest.approx(r["test"][0], rel=1e-7)
    assert np.log(product.ratio.value) == pytest.approx(r["product"][0], rel=1e-6)
    assert product.test.value == pytest.approx(r["product_test"][0], rel=1e-7)


def test_differences_are_experimental_minus_control_in_each_group():
    time, event, groups, treatment, _ = gbsg()
    result = analyse(time, event, groups, treatment)
    for effect in result.effects:
        inside = groups == effect.label
        data = {
            "time": time[inside],
            "event": event[inside],
            "groups": (treatment[inside] == "yes").astype(int),
        }
        mean = rmst_difference(**data, tau=result.rmst_tau)
        assert effect.rmst_difference.value == pytest.approx(mean.value)
        at = survival_difference(**data, at=[36.0])
        milestone = effect.milestones[1]
        assert milestone.months == 36.0
        assert milestone.difference.value == pytest.approx(at.difference[0])
        assert (milestone.control, milestone.experimental) == pytest.approx(tuple(at.survival[:, 0]))
    assert sum(e.n_control + e.n_experimental for e in result.effects) == result.n == 686


def test_two_groups_interact_in_mean_survival_as_their_difference_says():
    result = analyse(*gbsg()[:4])
    one, two = (e.rmst_difference for e in result.effects)
    errors = [(e.ci_upper - e.ci_lower) / (2 * 1.959963984540054) for e in (one, two)]
    z = (two.value - one.value) / np.hypot(*errors)
    test = next(i for i in result.interactions if i.kind == "rmst").test
    assert test.value == pytest.approx(z**2, rel=1e-6)


def _trial(rng, n, interaction):
    """The log hazard is linear in a marker, which is also cut at 0."""
    marker, yes = rng.normal(size=n), rng.random(n) < 0.5
    time = rng.exponential(20 * np.exp(0.5 * marker + 0.3 * yes + interaction * marker * yes))
    event = time < 60
    groups, treatment = np.where(marker > 0, "high", "low"), np.where(yes, "yes", "no")
    return np.minimum(time, 60), event, groups, treatment, ("marker", marker)


def test_a_prognostic_marker_is_not_called_predictive_more_often_than_5_percent():
    """300 trials with an effect of marker and of treatment, but no interaction: 5 % within 3 standard errors."""
    settings = AnalysisSettings(milestones=Milestones())
    rejected = np.zeros(3)
    for seed in range(300):
        *data, measure = _trial(np.random.default_rng([5, seed]), 200, 0.0)
        found = analyse(*data, measure=measure, settings=settings).interactions
        rejected += [i.test.p_value < 0.05 for i in found]
    assert (np.abs(rejected / 300 - 0.05) < 3 * np.sqrt(0.05 * 0.95 / 300)).all(), rejected


def test_a_true_interaction_is_found():
    *data, measure = _trial(np.random.default_rng(3), 1000, 0.6)
    found = analyse(*data, measure=measure).interactions
    assert all(i.test.p_value < 0.001 for i in found)
    assert found[0].ratio.value < 0.7


def test_patients_without_a_known_treatment_are_left_out_and_counted():
    time, event, groups, treatment, _ = gbsg()
    treatment = treatment.copy()
    treatment[:40] = None
    result = analyse(time, event, groups, treatment)
    assert (result.n, result.n_no_treatment, result.control) == (646, 40, ("no",))


def test_a_group_with_one_arm_has_a_reason_and_the_others_their_effect():
    time, event, groups, treatment, _ = gbsg()
    result = analyse(time, event, groups, np.where(groups == "high", "yes", treatment))
    low, high = result.effects
    assert low.hazard_ratio.value is not None
    assert high.hazard_ratio.not_estimable == "only one treatment in this group"
    assert result.interactions[0].test.not_estimable == "fewer than two groups have events in both arms"


BAD = {
    "no experimental": (
        lambda t, e, g, a: (t, e, g, np.full(len(t), "no")),
        "no patient had the experimental",
    ),
    "all experimental": (lambda t, e, g, a: (t, e, g, np.full(len(t), "yes")), "every patient had"),
    "no events": (lambda t, e, g, a: (t, e & False, g, a), "no events"),
    "nobody": (lambda t, e, g, a: (t, e, np.full(len(t), None), a), "no patient has a group"),
    "one patient": (lambda t, e, g, a: (t[:1], e[:1], g[:1], np.array(["yes"])), "every patient had"),
}


@pytest.mark.parametrize("case", BAD)
def test_poor_data_give_a_reason_and_no_error(case):
    spoil, reason = BAD[case]
    result = analyse(*spoil(*gbsg()[:4]))
    assert reason in result.not_estimable
    json.dumps(result.to_dict(), allow_nan=False)


@pytest.mark.parametrize("keep", [slice(0, 6), slice(0, 15), slice(0, 30)])
def test_few_patients_give_results_that_json_can_hold(keep):
    *data, measure = gbsg()
    result = analyse(*(part[keep] for part in data), measure=(measure[0], measure[1][keep]))
    json.dumps(result.to_dict(), allow_nan=False)
    assert all(i.test.value is not None or i.test.not_estimable for i in result.interactions)
