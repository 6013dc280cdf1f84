"""Adjusted comparisons (R's coxph and cox.zph, stored with script and versions; invariants; bad data; time)."""

import json
import time as clock
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from igfstrat.analysis import AnalysisSettings, Grouping, Milestones
from igfstrat.analysis.adjusted import adjust_groups
from igfstrat.cohort import Endpoint
from igfstrat.survival import cox, kaplan_meier

R = json.loads(
    (Path(__file__).parents[1] / "reference" / "adjusted_reference.json").read_text(encoding="utf-8")
)
GROUPING = Grouping(name="igf1r_status", title="IGF-1R status", rule="")


def endpoint_of(time, event):
    time = np.asarray(time, dtype=float)
    reasons = tuple("" if np.isfinite(t) else "no time" for t in time)
    return Endpoint(
        name="dfs", title="Disease-free survival", time=time, event=np.asarray(event, dtype=bool), reasons=reasons,
        source_unit="months",
    )  # fmt: skip


def adjust(time, event, groups, frame, *, order=("low", "high"), settings=None, replicates=0, **more):
    return adjust_groups(
        endpoint_of(time, event), groups=np.asarray(groups, dtype=object), order=order, covariates=frame, titles={},
        grouping=GROUPING, settings=settings or AnalysisSettings(), replicates=replicates, **more,
    )  # fmt: skip


def made(n=300, seed=1, missing=0.0):
    rng = np.random.default_rng(seed)
    age, stage = rng.normal(60, 10, n), rng.choice(["I", "II", "III"], n)
    high = rng.random(n) < 1 / (1 + np.exp(-(0.04 * (age - 60) + 0.6 * (stage == "III"))))
    time = rng.exponential(60, n) * np.exp(-0.4 * high - 0.03 * (age - 60) - 0.4 * (stage == "III"))
    follow_up = rng.uniform(70, 120, n)
    frame = pd.DataFrame({"age": age, "stage": pd.Series(stage, dtype=object)})
    if missing:
        frame.loc[rng.random(n) < missing, "age"] = np.nan
        frame.loc[rng.random(n) < missing, "stage"] = None
    groups = np.where(high, "high", "low").astype(object)
    return np.minimum(time, follow_up), time < follow_up, groups, frame


def gbsg():
    g = {name: np.array(values, dtype=float) for name, values in R["gbsg_data"].items()}
    frame = pd.DataFrame({name: g[name] for name in ("age", "meno", "size")})
    frame["grade"] = pd.Series(g["grade"].astype(int).astype(str), dtype=object)
    frame["nodes"] = g["nodes"]
    groups = np.where(g["hormon"] == 1, "yes", "no").astype(object)
    return g["rfstime"] / 30.4375, g["status"] == 1, groups, frame


def lung():
    raw = {
        name: np.array([np.nan if v is None else v for v in values], dtype=float)
        for name, values in R["lung_data"].items()
    }
    keep = ~(raw["ecog"] == 3)
    frame = pd.DataFrame({"age": raw["age"]})
    frame["ecog"] = pd.Series([None if np.isnan(v) else str(int(v)) for v in raw["ecog"]], dtype=object)
    groups = np.where(raw["sex"] == 2, "f", "m").astype(object)
    return raw["time"][keep] / 30.4375, raw["status"][keep] == 2, groups[keep], frame[keep]


@pytest.mark.parametrize(
    ("name", "data", "order"), [("gbsg", gbsg, ("no", "yes")), ("lung", lung, ("m", "f"))]
)
def test_the_multivariable_model_and_its_tests_are_those_of_r(name, data, order):
    model = adjust(*data(), order=order).model
    r = R[name]
    found = [np.log(t.estimate.value) for t in model.terms]
    np.testing.assert_allclose(found, r["coef"], rtol=1e-8)
    width = [np.log(t.estimate.ci_upper / t.estimate.ci_lower) / (2 * 1.959963984540054) for t in model.terms]
    np.testing.assert_allclose(width, r["std_error"], rtol=1e-8)
    assert model.group_test.value == pytest.approx(r["group_test"][0], rel=1e-8)
    tests = [*model.proportional_by_term, None]
    statistics = [t.test.value if t else model.proportional_hazards.value for t in tests]
    p_values = [t.test.p_value if t else model.proportional_hazards.p_value for t in tests]
    np.testing.assert_allclose(statistics, r["zph"], rtol=1e-7)
    np.testing.assert_allclose(p_values, r["zph_p"], rtol=1e-6)


def test_complete_cases_of_lung_leave_out_the_patient_without_ecog_and_say_so():
    result = adjust(*lung(), order=("m", "f"))
    assert (result.n_before, result.n, result.n_missing) == (227, 226, {"age": 0, "ecog": 1})
    assert result.missing == "complete_case"
    assert result.n_imputations is None


def test_standardized_curves_undo_what_a_covariate_did_to_the_groups():
    """Groups have no effect of their own; the crude curves differ, the standardized ones don't."""
    rng = np.random.default_rng(3)
    n = 6000
    x = rng.normal(size=n)
    high = rng.random(n) < 1 / (1 + np.exp(-x))
    time = rng.exponential(30 * np.exp(-0.9 * x))
    event = time < 80
    time = np.minimum(time, 80)
    crude = [kaplan_meier(time=time[g], event=event[g]).at([24.0]).survival[0] for g in (high, ~high)]
    assert crude[0] < crude[1] - 0.15
    frame, settings = pd.DataFrame({"x": x}), AnalysisSettings(milestones=Milestones(months=(24.0,)))
    result = adjust(time, event, np.where(high, "high", "low"), frame, settings=settings)
    error = np.sqrt(2 * 0.25 / (n / 2))
    for curves in result.standardized:
        assert abs(curves.differences[0].milestones[0].estimate.value) < 3 * error, curves.method


def test_bootstrap_intervals_cover_the_estimate_and_are_the_same_each_time():
    data = made(200)
    one, two = (adjust(*data, replicates=200) for _ in range(2))
    assert one.to_dict() == two.to_dict()
    other = adjust(*data, replicates=200, seed=1)
    for a, b in zip(one.standardized, other.standardized, strict=True):
        estimate = a.differences[0].milestones[1].estimate
        assert estimate.ci_lower < estimate.value < estimate.ci_upper
        assert estimate.ci_lower != b.differences[0].milestones[1].estimate.ci_lower
        assert estimate.value == b.differences[0].milestones[1].estimate.value


def test_bootstrap_error_of_an_unrelated_covariate_is_about_greenwoods():
    rng = np.random.default_rng(4)
    n = 400
    time, event = rng.exponential(40, n), rng.random(n) < 0.7
    groups = rng.choice(["low", "high"], n)
    settings = AnalysisSettings(milestones=Milestones(months=(20.0,)))
    result = adjust(
        time, event, groups, pd.DataFrame({"x": rng.normal(size=n)}), settings=settings, replicates=600
    )
    at = kaplan_meier(time=time[groups == "low"], event=event[groups == "low"]).at([20.0])
    for curves in result.standardized[:2]:
        found = curves.groups[0].milestones[0].estimate
        width = (found.ci_upper - found.ci_lower) / (2 * 1.96)
        assert width == pytest.approx(at.std_error[0], rel=0.12)


def test_row_order_changes_no_estimate():
    time, event, groups, frame = made(200)
    order = np.random.default_rng(9).permutation(200)
    one = adjust(time, event, groups, frame)
    two = adjust(time[order], event[order], groups[order], frame.iloc[order])
    for a, b in zip(one.standardized, two.standardized, strict=True):
        np.testing.assert_allclose(a.groups[1].survival, b.groups[1].survival, rtol=1e-8)
        assert a.groups[1].rmst.value == pytest.approx(b.groups[1].rmst.value, rel=1e-8)


def test_imputed_models_pool_the_fits_of_the_completed_tables():
    time, event, groups, frame = made(250, missing=0.25)
    result = adjust(
        time, event, groups, frame, settings=AnalysisSettings(missing="multiple_imputation"), imputations=8,
        replicates=160,
    )  # fmt: skip
    complete = adjust(time, event, groups, frame)
    assert (result.n, result.n_imputations) == (250, 8)
    assert complete.n == int(frame.notna().all(axis=1).sum()) < 160
    full = adjust(*made(250)).model.terms[0].estimate  # what it would be with nothing missing
    ours = result.model.terms[0].estimate
    assert np.log(ours.value) == pytest.approx(np.log(full.value), abs=0.1)
    width = np.log(ours.ci_upper / ours.ci_lower)
    partial = complete.model.terms[0].estimate
    assert np.log(full.ci_upper / full.ci_lower) * 0.98 < width < np.log(partial.ci_upper / partial.ci_lower)
    assert result.model.group_test_kind == "pooled_wald"
    assert result.model.group_test.p_value == pytest.approx(ours.p_value, rel=0.3)
    for curves in result.standardized:
        assert curves.replicates_asked == 160
        for group in curves.groups:
            estimate = group.milestones[1].estimate
            assert 0 < estimate.ci_lower < estimate.value < estimate.ci_upper < 1


def test_with_nothing_missing_imputation_changes_nothing():
    data = made(150)
    settings = AnalysisSettings(missing="multiple_imputation")
    assert adjust(*data, settings=settings).model == adjust(*data).model


def test_references_are_the_first_levels_and_categories_keep_their_order():
    time, event, groups, frame = made(150)
    frame["stage"] = pd.Categorical(frame["stage"], categories=["III", "II", "I", "IV"])
    result = adjust(time, event, groups, frame)
    assert result.covariates[1]["reference"] == "III"
    assert [(t.level, t.reference) for t in result.model.terms[2:]] == [("II", "III"), ("I", "III")]


def test_a_column_that_says_nothing_new_is_left_out_with_its_reason():
    time, event, groups, frame = made(150)
    frame["twice"] = 2 * frame["age"] + 1
    frame["site"] = "one"
    frame["same"] = 5.0
    frame["nothing"] = np.nan
    result = adjust(time, event, groups, frame)
    assert result.left_out_terms == {
        "nothing": "no value in any patient", "site": "the same in all patients", "same": "the same in all patients",
        "twice": "told by the group and the covariates before it",
    }  # fmt: skip
    assert result.model.n_parameters == 4
    assert result.n == 150


def test_too_few_events_give_no_model_and_say_how_few():
    time, event, groups, frame = made(120)
    event = event & (np.cumsum(event) <= 15)
    model = adjust(time, event, groups, frame).model
    assert model.not_estimable == "15 events for 4 coefficients: fewer than 5 for each"
    assert {t.estimate.not_estimable for t in model.terms} == {model.not_estimable}
    assert model.events_per_parameter == 3.75


def test_a_level_without_events_has_no_ratio_but_the_others_do():
    time, event, groups, frame = made(200)
    event = event & (frame["stage"] != "II").to_numpy()
    terms = {t.level: t.estimate for t in adjust(time, event, groups, frame).model.terms}
    assert "no finite estimate" in terms["II"].not_estimable
    assert terms["high"].value is not None
    keep = (frame["stage"] != "II").to_numpy()
    x = np.column_stack([groups == "high", frame["age"], frame["stage"] == "III"]).astype(float)[keep]
    alone = cox(time=time[keep], event=event[keep], covariates=x)
    assert terms["high"].value == pytest.approx(alone.hazard_ratio[0], rel=1e-4)


def test_groups_told_apart_by_a_covariate_have_no_weights_but_say_why():
    time, event, groups, frame = made(200)
    frame["apart"] = np.where(groups == "high", 10.0, 0.0) + np.random.default_rng(99).normal(size=200)
    result = adjust(time, event, groups, frame)
    why = {c.method: c.not_estimable for c in result.standardized}
    assert "tell the groups apart" in why["iptw"]
    assert "tell the groups apart" in why["overlap"]
    assert max(p.share_outside for p in result.positivity) == 1.0


def test_milestones_beyond_a_groups_follow_up_are_not_drawn_out():
    time, event, groups, frame = made(300)
    event = event & ~((groups == "high") & (time > 30))
    time = np.where(groups == "high", np.minimum(time, 30.0), time)
    result = adjust(time, event, groups, frame, replicates=50)
    assert result.rmst_tau == 30.0
    for curves in result.standardized:
        late = curves.groups[1].milestones[1]
        assert (late.months, late.estimate.not_estimable) == (36.0, "beyond the last follow-up")
        assert curves.differences[0].milestones[1].estimate.value is None
        assert curves.groups[0].milestones[1].estimate.value is not None
        assert curves.groups[1].time[-1] <= 30.0


def test_a_horizon_beyond_follow_up_gives_no_mean_survival_and_says_why():
    result = adjust(*made(200), settings=AnalysisSettings(rmst={"years": 50}))
    assert result.rmst_tau is None
    assert {c.differences[0].rmst.not_estimable for c in result.standardized} == {
        "a group is not followed as long as the horizon"
    }


BAD = {
    "one group": (lambda t, e, g, f: (t, e, np.full(len(t), "low"), f), "only one group"),
    "no events": (lambda t, e, g, f: (t, e & False, g, f), "no events"),
    "one patient": (lambda t, e, g, f: (t[:1], e[:1], g[:1], f.iloc[:1]), "only one group"),
    "nobody": (lambda t, e, g, f: (t, e, np.full(len(t), None), f), "no patient"),
    "no covariate": (lambda t, e, g, f: (t, e, g, f[[]]), "names no covariates"),
    "nothing known": (lambda t, e, g, f: (t, e, g, f.assign(age=np.nan, stage=None)), "no covariate varies"),
    "constant": (lambda t, e, g, f: (t, e, g, f.assign(age=1.0, stage="I")), "no covariate varies"),
    "no times": (lambda t, e, g, f: (np.full(len(t), np.nan), e, g, f), "no patient"),
}


@pytest.mark.parametrize("missing", ["complete_case", "multiple_imputation"])
@pytest.mark.parametrize("case", BAD)
def test_poor_data_give_reasons_and_no_error(case, missing):
    spoil, reason = BAD[case]
    result = adjust(*spoil(*made(80, missing=0.1)), settings=AnalysisSettings(missing=missing), replicates=20)
    assert reason in result.not_estimable
    assert all(c.not_estimable for c in result.standardized)
    json.dumps(result.to_dict(), allow_nan=False)


def test_all_events_and_three_groups_and_few_patients_give_results_that_json_can_hold():
    time, event, groups, frame = made(120)
    groups[::3] = "middle"
    for keep in (slice(None), slice(0, 12)):
        result = adjust(
            time[keep], event[keep] | True, groups[keep], frame.iloc[keep], order=("low", "middle", "high"),
            replicates=30,
        )  # fmt: skip
        json.dumps(result.to_dict(), allow_nan=False)
    assert "patients in the smallest group" in result.standardized[0].not_estimable


def test_three_hundred_patients_and_five_hundred_samples_take_under_two_seconds():
    data = made(300)
    adjust(*data, replicates=2)  # compiles what numba compiles
    began = clock.process_time()
    result = adjust(*data, replicates=500)
    assert clock.process_time() - began < 2 * 2  # two seconds on one core; slack for a busy machine
    assert [c.replicates_used for c in result.standardized] == [500, 500, 500]
