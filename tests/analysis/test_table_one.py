"""Table 1: R's numbers (tests/reference/subgroup_reference.R), tables worked by hand, and what must not raise."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from igfstrat.analysis.standardized_difference import standardized_difference
from igfstrat.analysis.table_one import analyse_table_one
from igfstrat.analysis.table_one_results import BaselineVariable
from igfstrat.cohort import Endpoint

STORED = json.loads(
    (Path(__file__).parents[1] / "reference" / "subgroup_reference.json").read_text(encoding="utf-8")
)
DATA, NUMBERS = STORED["data"], STORED["numbers"]


def endpoint_of(time, event, name="dfs"):
    time = np.asarray(time, dtype=float)
    reasons = tuple("" if np.isfinite(t) else "no time" for t in time)
    return Endpoint(
        name=name,
        title=name.upper(),
        time=time,
        event=np.asarray(event, bool),
        reasons=reasons,
        source_unit="months",
    )


def table_one(table, variables, groups, *, order, evaluable=None, endpoints=()):
    groups = np.array(groups, dtype=object)
    known = np.array([g is not None for g in groups]) if evaluable is None else np.array(evaluable)
    return analyse_table_one(
        pd.DataFrame(table),
        variables=variables,
        groups=groups,
        order=order,
        evaluable=known,
        endpoints=endpoints,
    )


def veteran():
    variables = [BaselineVariable(name=n, title=n, kind="numeric") for n in ("age", "karno")]
    variables += [BaselineVariable(name=n, title=n) for n in ("celltype", "prior")]
    return table_one(DATA, variables, DATA["trt"], order=["1", "2"])


@pytest.mark.parametrize("place", range(4))
def test_standardized_differences_are_those_of_r(place):
    found = veteran().by_group.characteristics[place]
    assert found.difference.value == pytest.approx(NUMBERS[f"smd_{found.variable.name}"][0], rel=1e-12)


def test_quartiles_mean_and_spread_are_those_of_r():
    first = veteran().by_group.characteristics[0].columns[1]
    assert [first.q1, first.median, first.q3] == pytest.approx(NUMBERS["quartiles_age"])
    assert [first.mean, first.sd] == pytest.approx(NUMBERS["mean_sd_age"])


def test_missing_values_are_counted_and_leave_the_percent_alone():
    table = {"stage": ["I", None, "II", "I", None, "II"], "age": [50.0, np.nan, 60, 70, np.inf, 80]}
    variables = [
        BaselineVariable(name="stage", title="Stage"),
        BaselineVariable(name="age", title="Age", kind="numeric"),
    ]
    stage, age = table_one(table, variables, list("aaabbb"), order=["a", "b"]).by_group.characteristics
    assert [(c.n, c.n_missing) for c in stage.columns] == [(4, 2), (2, 1), (2, 1)]
    assert [(x.level, x.n, x.percent) for x in stage.columns[0].levels] == [("I", 2, 50.0), ("II", 2, 50.0)]
    assert [(c.n, c.n_missing, c.median) for c in age.columns] == [(4, 2, 65.0), (2, 1, 55.0), (2, 1, 75.0)]


def test_of_three_groups_the_largest_pair_is_told():
    table = {"x": [0.0, 1, 2, 1, 2, 3, 10, 11, 12]}
    found = table_one(
        table,
        [BaselineVariable(name="x", title="x", kind="numeric")],
        list("aaabbbccc"),
        order=["a", "b", "c"],
    )
    difference = found.by_group.characteristics[0].difference
    assert (difference.value, difference.between) == (pytest.approx(10.0), ("a", "c"))


def test_rows_in_no_group_are_in_no_column_and_in_the_second_table():
    found = table_one({"x": ["u"] * 5}, [BaselineVariable(name="x", title="x")], ["a", "b", None, "a", None], order=["a", "b"])  # fmt: skip
    assert found.by_group.columns == ("all", "a", "b")
    assert found.by_group.n == (3, 2, 1)
    assert found.by_evaluability.n == (5, 3, 2)


def test_outcomes_of_evaluable_and_not_evaluable_patients_are_worked_by_hand():
    # evaluable: events at 1, 2, 3, 4; not: all censored at 9
    endpoint = endpoint_of([1, 2, 3, 4, 9, 9, np.nan], [1, 1, 1, 1, 0, 0, 0])
    table = pd.DataFrame(index=range(7))
    known = np.array([True] * 4 + [False] * 3)
    groups = np.array(["a"] * 4 + [None] * 3, dtype=object)
    found = analyse_table_one(
        table, variables=[], groups=groups, order=["a"], evaluable=known, endpoints=[endpoint]
    ).outcomes[0]
    assert [(c.n, c.n_events) for c in found.columns] == [(4, 4), (2, 0)]
    assert found.columns[0].median.value == 2.5
    assert found.columns[1].median.not_estimable == "not reached"
    # observed minus expected in the evaluable: 4 - (4/6 + 3/5 + 2/4 + 1/3), variance the sum of p (1 - p)
    shares = np.array([4 / 6, 3 / 5, 2 / 4, 1 / 3])
    assert found.logrank.value == pytest.approx((4 - shares.sum()) ** 2 / (shares * (1 - shares)).sum())


@pytest.mark.parametrize(
    ("first", "second", "n_levels", "expected"),
    [
        ([1.0], [2.0, 3.0], None, (None, "fewer than 2 known values in a group")),
        ([1.0, 1.0], [1.0, 1.0], None, (0.0, None)),
        ([1.0, 1.0], [2.0, 2.0], None, (None, "no spread within the groups")),
        ([0, 0], [1, 1], 2, (None, "no spread within the groups")),
        ([0, 0], [0, 0], 1, (0.0, None)),
        ([-1], [0], 1, (None, "no known values in a group")),
    ],
)
def test_a_difference_that_has_no_meaning_gives_its_reason(first, second, n_levels, expected):
    assert standardized_difference(np.array(first), np.array(second), n_levels=n_levels) == expected


def test_a_level_that_neither_of_two_groups_has_doesnt_change_their_difference():
    a, b = np.array([0, 0, 1, 2]), np.array([0, 1, 1, 2, 2])
    plain, _ = standardized_difference(a, b, n_levels=3)
    padded, _ = standardized_difference(a, b, n_levels=5)
    assert padded == pytest.approx(plain)


def test_text_with_very_many_values_is_not_listed():
    table = {"note": [f"text {i}" for i in range(40)]}
    found = table_one(table, [BaselineVariable(name="note", title="Note")], ["a", "b"] * 20, order=["a", "b"])
    characteristic = found.by_group.characteristics[0]
    assert characteristic.columns == ()
    assert characteristic.not_described == "40 different values"


@pytest.mark.parametrize("groups", [["a"] * 4, [None] * 4, ["a", None, None, None]])
def test_poor_data_give_reasons_and_no_error(groups):
    endpoint = endpoint_of([1, 2, 3, 4], [0, 0, 0, 0])
    table = pd.DataFrame({"x": [1.0, np.nan, np.nan, np.nan], "c": [None] * 4})
    variables = [
        BaselineVariable(name="x", title="x", kind="numeric"),
        BaselineVariable(name="c", title="c"),
        BaselineVariable(name="not there", title="not there"),
    ]
    groups = np.array(groups, dtype=object)
    known = np.array([g is not None for g in groups])
    found = analyse_table_one(
        table, variables=variables, groups=groups, order=["a"], evaluable=known, endpoints=[endpoint]
    )
    assert all(c.difference.not_estimable for c in found.by_group.characteristics)
    assert found.outcomes[0].logrank.not_estimable
    json.dumps(found.to_dict(), allow_nan=False)
