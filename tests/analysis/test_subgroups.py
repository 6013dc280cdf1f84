"""Subgroups: R's numbers (tests/reference/subgroup_reference.R), simulation under no interaction, and what must not raise."""

import json
from pathlib import Path

import numpy as np
import pytest

from igfstrat.analysis.subgroup_results import SubgroupVariable
from igfstrat.analysis.subgroups import analyse_subgroups
from igfstrat.cohort import Endpoint
from igfstrat.survival import adjust_p_values

STORED = json.loads(
    (Path(__file__).parents[1] / "reference" / "subgroup_reference.json").read_text(encoding="utf-8")
)
DATA, NUMBERS = STORED["data"], STORED["numbers"]


def endpoint_of(time, event, name="os"):
    time = np.asarray(time, dtype=float)
    return Endpoint(
        name=name, title=name.upper(), time=time, event=np.asarray(event, bool), reasons=("",) * len(time), source_unit="days"
    )  # fmt: skip


def words(name):
    return np.array(DATA[name], dtype=object)


def variable(name, values, levels=()):
    return SubgroupVariable(name=name, title=name, levels=levels), np.asarray(values, dtype=object)


def veteran(by, *within):
    return analyse_subgroups(
        [endpoint_of(DATA["time"], DATA["event"])],
        groups=words(by),
        order=sorted(set(DATA[by])),
        variables=[variable(name, words(name)) for name in within],
    ).endpoints[0]


@pytest.mark.parametrize(("by", "within"), [("trt", "celltype"), ("trt", "prior"), ("celltype", "trt")])
def test_interaction_tests_are_those_of_r(by, within):
    test = veteran(by, within).variables[0].interaction
    stored = NUMBERS[f"interaction_{by}_{within}"]
    assert [test.statistic, test.df, test.p_value] == pytest.approx(stored, rel=1e-7)


def test_hazard_ratios_within_levels_are_those_of_r():
    adeno, *others = veteran("trt", "celltype").variables[0].rows
    estimates = [ratio.estimate for row in others for ratio in row.hazard_ratios]
    found = [(e.value, e.ci_lower, e.ci_upper) for e in estimates]
    assert np.ravel(found) == pytest.approx(NUMBERS["ratios_celltype"][3:], rel=1e-6)
    assert adeno.hazard_ratios[0].estimate.not_estimable == "fewer than 10 events in 1"


def test_p_values_are_corrected_for_all_endpoints_and_variables_of_the_run():
    time = np.array(DATA["time"])
    endpoints = [endpoint_of(time, DATA["event"]), endpoint_of(time[::-1], DATA["event"], "dfs")]
    variables = [variable(name, words(name)) for name in ("celltype", "prior")]
    found = analyse_subgroups(endpoints, groups=words("trt"), order=["1", "2"], variables=variables)
    tests = [v.interaction for result in found.endpoints for v in result.variables]
    assert (found.n_interactions, found.n_tested) == (4, 4)
    corrected = adjust_p_values([t.p_value for t in tests], "holm")
    assert [t.p_adjusted for t in tests] == pytest.approx(corrected.tolist())


def simulated(seed, n=300, ratios=(1.0, 1.0, 1.0)):
    rng = np.random.default_rng(seed)
    group = np.where(rng.random(n) < 0.5, "high", "low").astype(object)
    level = rng.choice(3, n, p=[0.5, 0.3, 0.2])
    rate = np.where(group == "high", np.array(ratios)[level], 1.0) * np.array([1.0, 2.0, 0.7])[level] / 60
    time, censored = rng.exponential(1 / rate), rng.uniform(20, 120, n)
    endpoint = endpoint_of(np.minimum(time, censored), time <= censored)
    found = analyse_subgroups(
        [endpoint], groups=group, order=["low", "high"], variables=[variable("subtype", level.astype(str))]
    )
    return found.endpoints[0].variables[0].interaction


def test_without_an_interaction_the_test_rejects_in_5_percent():
    n = 1000
    rejected = sum(simulated(seed).p_value < 0.05 for seed in range(n))
    assert abs(rejected / n - 0.05) < 3 * np.sqrt(0.05 * 0.95 / n)


def test_a_true_interaction_is_found():
    assert sum(simulated(seed, ratios=(0.5, 1.0, 2.5)).p_adjusted < 0.05 for seed in range(40)) >= 36


def test_fewer_than_10_events_in_a_group_give_no_ratio_but_the_reason():
    rng = np.random.default_rng(1)
    group = np.repeat(["low", "high"], 60).astype(object)
    event = np.r_[np.ones(40), np.zeros(20), np.ones(9), np.zeros(51)]
    found = analyse_subgroups(
        [endpoint_of(rng.exponential(10, 120), event)], groups=group, order=["low", "high"], variables=[]
    )
    estimate = found.endpoints[0].overall.hazard_ratios[0].estimate
    assert estimate.value is None
    assert estimate.not_estimable == "fewer than 10 events in high"


def test_a_level_with_few_events_is_left_out_of_the_test_and_named():
    rng = np.random.default_rng(2)
    level = np.array(["a"] * 80 + ["b"] * 80 + ["c"] * 9, dtype=object)
    group = rng.choice(["low", "high"], 169).astype(object)
    time = rng.exponential(10, 169)
    found = analyse_subgroups(
        [endpoint_of(time, np.ones(169))],
        groups=group,
        order=["low", "high"],
        variables=[variable("v", level)],
    )
    test = found.endpoints[0].variables[0].interaction
    assert (test.left_out, test.df) == (("c",), 1)
    without = analyse_subgroups(
        [endpoint_of(time[:160], np.ones(160))],
        groups=group[:160],
        order=["low", "high"],
        variables=[variable("v", level[:160])],
    )
    assert test.statistic == pytest.approx(without.endpoints[0].variables[0].interaction.statistic)


def test_patients_censored_before_the_first_event_dont_change_the_test():
    base = [endpoint_of(DATA["time"], DATA["event"])]
    more = [endpoint_of([*DATA["time"], 0.5, 0.5], [*DATA["event"], 0, 0])]
    variables = [variable("prior", words("prior"))], [variable("prior", [*words("prior"), "0", "10"])]
    found = [
        analyse_subgroups(e, groups=g, order=["1", "2", "3"], variables=v)
        .endpoints[0]
        .variables[0]
        .interaction
        for e, g, v in zip(
            (base, more),
            (words("trt"), np.array([*DATA["trt"], "3", "3"], dtype=object)),
            variables,
            strict=True,
        )
    ]
    assert found[1].p_value == pytest.approx(found[0].p_value)


def test_order_of_rows_changes_nothing():
    rng = np.random.default_rng(5)
    order = rng.permutation(len(DATA["time"]))
    shuffled = analyse_subgroups(
        [endpoint_of(np.array(DATA["time"])[order], np.array(DATA["event"])[order])],
        groups=words("trt")[order],
        order=["1", "2"],
        variables=[variable("celltype", words("celltype")[order])],
    ).endpoints[0]
    a, b = shuffled.variables[0], veteran("trt", "celltype").variables[0]
    assert a.interaction.statistic == pytest.approx(b.interaction.statistic)
    assert [row.groups for row in a.rows] == [row.groups for row in b.rows]


@pytest.mark.parametrize("n", [0, 1, 2, 30])
@pytest.mark.parametrize("event", [False, True])
@pytest.mark.parametrize("groups", [("low",), ("low", "high")])
def test_poor_data_give_reasons_and_no_error(n, event, groups):
    group = np.array([groups[i % len(groups)] for i in range(n)], dtype=object)
    level = np.array([None if i % 5 == 0 else f"l{i % 3}" for i in range(n)], dtype=object)
    found = analyse_subgroups(
        [endpoint_of(np.arange(n) + 1.0, np.full(n, event))],
        groups=group,
        order=["low", "high"],
        variables=[variable("v", level), variable("nothing", [None] * n)],
    )
    result = found.endpoints[0]
    assert all(v.interaction.not_estimable for v in result.variables)
    assert all(r.estimate.not_estimable or r.estimate.value for r in result.overall.hazard_ratios)
    json.dumps(found.to_dict(), allow_nan=False)
