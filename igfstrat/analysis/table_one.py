"""Table 1: what kind of patients are in each group, and whether those without the marker are like those with it.

Missing values are counted and never filled in; shares are of the known ones. Differences between groups are told by
standardized mean differences, which don't grow with the number of patients as p-values do. The second table, evaluable
against not evaluable for the marker, comes with their outcomes: a missing measurement is rarely random.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from igfstrat.analysis._estimating import attempt, finite
from igfstrat.analysis.results import Estimate
from igfstrat.analysis.standardized_difference import standardized_difference
from igfstrat.analysis.table_one_results import (
    BaselineTable,
    BaselineVariable,
    Characteristic,
    CodedSummary,
    LevelCount,
    NumericSummary,
    OutcomeByEvaluability,
    OutcomeColumn,
    StandardizedDifference,
    TableOne,
)
from igfstrat.cohort import Endpoint
from igfstrat.survival import kaplan_meier, logrank

EVALUABLE: Final = "evaluable"
NOT_EVALUABLE: Final = "not evaluable"
OVERALL: Final = "all"
_MOST_LEVELS: Final = 20  # more is free text, which no table can show and which may name a patient


def analyse_table_one(
    table: pd.DataFrame,
    *,
    variables: Sequence[BaselineVariable],
    groups: NDArray[np.object_],
    order: Sequence[str],
    evaluable: NDArray[np.bool_],
    endpoints: Sequence[Endpoint],
    patients: NDArray[np.bool_] | None = None,
) -> TableOne:
    """Describe patients by group, and evaluable against not evaluable for the marker.

    Parameters
    ----------
    table : DataFrame, one row a patient row
        Holds a column for each variable; a variable without one is described as missing.
    variables : sequence of BaselineVariable
        What to describe, in order.
    groups : ndarray of object, shape (n_rows,)
        Group of each row; None for a row in none.
    order : sequence of str
        Groups in the order of the report.
    evaluable : ndarray of bool, shape (n_rows,)
        Whether the marker is known.
    endpoints : sequence of Endpoint
        Whose outcomes to compare.
    patients : ndarray of bool, shape (n_rows,), optional
        Rows that are patients; all by default.

    Returns
    -------
    TableOne
        With reasons where something can't be told.
    """
    people = np.ones(len(table), dtype=bool) if patients is None else np.asarray(patients, dtype=bool)
    known = np.asarray(evaluable, dtype=bool)
    in_group = [(label, people & (groups == label)) for label in order]
    by_evaluability = [(EVALUABLE, people & known), (NOT_EVALUABLE, people & ~known)]
    return TableOne(
        by_group=_baseline(table, variables, [(k, m) for k, m in in_group if m.any()]),
        by_evaluability=_baseline(table, variables, by_evaluability),
        outcomes=tuple(_outcome(endpoint, by_evaluability) for endpoint in endpoints),
    )


_Masks = Sequence[tuple[str, NDArray[np.bool_]]]


def _baseline(table: pd.DataFrame, variables: Sequence[BaselineVariable], groups: _Masks) -> BaselineTable:
    everybody = np.zeros(len(table), dtype=bool)
    for _, inside in groups:
        everybody |= inside
    columns = [(OVERALL, everybody), *groups]
    return BaselineTable(
        columns=tuple(label for label, _ in columns),
        n=tuple(int(inside.sum()) for _, inside in columns),
        characteristics=tuple(_characteristic(table, variable, columns) for variable in variables),
    )


def _characteristic(table: pd.DataFrame, variable: BaselineVariable, columns: _Masks) -> Characteristic:
    if variable.name not in table:
        nothing = StandardizedDifference(not_estimable="not in the cohort")
        return Characteristic(
            variable=variable, columns=(), difference=nothing, not_described="not in the cohort"
        )
    if variable.kind == "numeric":
        numbers = pd.to_numeric(table[variable.name], errors="coerce").to_numpy(dtype=np.float64)
        parts = [(label, numbers[inside]) for label, inside in columns]
        summaries: tuple[NumericSummary | CodedSummary, ...] = tuple(_numeric(part) for _, part in parts)
        return Characteristic(variable=variable, columns=summaries, difference=_largest(parts[1:]))
    places, levels = _places(table[variable.name], columns[0][1], variable.levels)
    if len(levels) > _MOST_LEVELS:
        why = f"{len(levels)} different values"
        gone = StandardizedDifference(not_estimable=why)
        return Characteristic(variable=variable, columns=(), difference=gone, not_described=why)
    parts = [(label, places[inside]) for label, inside in columns]
    summaries = tuple(_coded(part, levels) for _, part in parts)
    return Characteristic(variable=variable, columns=summaries, difference=_largest(parts[1:], len(levels)))


def _numeric(values: NDArray[np.float64]) -> NumericSummary:
    known = values[np.isfinite(values)]
    quartiles = np.quantile(known, (0.25, 0.5, 0.75)).tolist() if len(known) else [None] * 3
    return NumericSummary(
        n=len(known),
        n_missing=len(values) - len(known),
        median=quartiles[1],
        q1=quartiles[0],
        q3=quartiles[2],
        mean=float(known.mean()) if len(known) else None,
        sd=float(known.std(ddof=1)) if len(known) > 1 else None,
    )


def _places(
    column: pd.Series, inside: NDArray[np.bool_], preferred: Sequence[str]
) -> tuple[NDArray[np.int64], list[str]]:
    """Place of each row's code among the levels that anybody has (-1: missing), and these levels."""
    codes, distinct = pd.factorize(column)
    words = ["yes" if v is True else "no" if v is False else str(v) for v in distinct.tolist()]
    found = {words[i] for i in np.unique(codes[inside]) if i >= 0}
    levels = [level for level in preferred if level in found] + sorted(found - set(preferred))
    rank = np.array([levels.index(word) if word in found else -1 for word in words] + [-1], dtype=np.int64)
    return rank[codes], levels


def _coded(places: NDArray[np.int64], levels: Sequence[str]) -> CodedSummary:
    n = int((places >= 0).sum())
    counts = [int((places == i).sum()) for i in range(len(levels))]
    return CodedSummary(
        n=n,
        n_missing=len(places) - n,
        levels=tuple(
            LevelCount(level=level, n=count, percent=100 * count / n if n else None)
            for level, count in zip(levels, counts, strict=True)
        ),
    )


def _largest(
    parts: Sequence[tuple[str, NDArray[Any]]], n_levels: int | None = None
) -> StandardizedDifference:
    """The largest difference of any pair of groups."""
    pairs = [
        ((a, b), standardized_difference(x, y, n_levels=n_levels))
        for (a, x), (b, y) in combinations(parts, 2)
    ]
    found = [(value, pair) for pair, (value, _) in pairs if value is not None]
    if not found:
        why = next((reason for _, (_, reason) in pairs if reason), "only one group")
        return StandardizedDifference(not_estimable=why)
    value, between = max(found, key=lambda item: item[0])
    return StandardizedDifference(value=value, between=between)


def _outcome(endpoint: Endpoint, groups: _Masks) -> OutcomeByEvaluability:
    used = [(label, inside & endpoint.usable) for label, inside in groups]
    return OutcomeByEvaluability(
        endpoint=endpoint.name,
        title=endpoint.title,
        columns=tuple(_outcome_column(endpoint, label, inside) for label, inside in used),
        logrank=_descriptive_test(endpoint, used[0][1], used[1][1]),
    )


def _outcome_column(endpoint: Endpoint, label: str, inside: NDArray[np.bool_]) -> OutcomeColumn:
    time, event = endpoint.time[inside], endpoint.event[inside]
    median = Estimate(not_estimable="no patient")
    if len(time):
        found = kaplan_meier(time=time, event=event).median
        median = Estimate(
            value=finite(found.value),
            ci_lower=finite(found.ci_lower),
            ci_upper=finite(found.ci_upper),
            not_estimable=None if np.isfinite(found.value) else "not reached",
        )
    return OutcomeColumn(label=label, n=len(time), n_events=int(event.sum()), median=median)


def _descriptive_test(endpoint: Endpoint, evaluable: NDArray[np.bool_], other: NDArray[np.bool_]) -> Estimate:
    if not evaluable.any() or not other.any():
        return Estimate(not_estimable=f"nobody is {NOT_EVALUABLE if evaluable.any() else EVALUABLE}")
    used = evaluable | other

    def test() -> Estimate:
        found = logrank(time=endpoint.time[used], event=endpoint.event[used], groups=evaluable[used])
        return Estimate(
            value=finite(found.statistic),
            p_value=finite(found.p_value),
            not_estimable=found.not_estimable,
        )

    return attempt(test)
