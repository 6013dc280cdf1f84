"""Where the IGF-1R score of a status comes from: a column, several cores, or the percentages of cells.

What the source of the cohort scored itself comes before what is derived here, and cores (whole scores, one a core)
before percentages. Of each kind the measures are tried in the order of the rule. One source serves all rows: rows of
two sources under one cut would be two methods.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from igfstrat.features.cores import core_columns, limits_of_cores
from igfstrat.features.staining import PERCENTAGES, limits_from_percentages, read_percentages
from igfstrat.features.status import NAMED_RULES, StatusRule, limits_of
from igfstrat.schema import COLUMNS

Kind = Literal["column", "cores", "percentages"]

# column whose presence speaks for each way of deriving
FIRST_CORE: Final = "igf1r_h_score_1"
LAST_PERCENTAGE: Final = "igf1r_pct_3"

_FROM_CORES: Final = ("igf1r_h_score",)
_FROM_PERCENTAGES: Final = ("igf1r_h_score", "igf1r_allred", "igf1r_ihc")


@dataclass(frozen=True, slots=True)
class Source:
    """Where a score comes from.

    Parameters
    ----------
    measure : str
        Canonical column that it is, or stands in for.
    kind : str
        ``column``: as the cohort gives it; ``cores``; ``percentages``.
    position : int
        Place of the measure in the rule, from 0.
    """

    measure: str
    kind: Kind
    position: int


def sources_of(rule: StatusRule, headers: Iterable[str]) -> list[Source]:
    """Every source that a rule could use, best first.

    Parameters
    ----------
    rule : StatusRule
        The rule.
    headers : iterable of str
        Columns of the table.

    Returns
    -------
    list of Source
        Columns, then cores, then percentages; empty where none is there.

    Examples
    --------
    >>> rule = StatusRule(rule=("allred_at_least_7", "h_score_at_least_100"))
    >>> [(s.kind, s.measure) for s in sources_of(rule, ["igf1r_h_score_1", *PERCENTAGES])]
    [('cores', 'igf1r_h_score'), ('percentages', 'igf1r_allred'), ('percentages', 'igf1r_h_score')]
    """
    present = set(headers)
    by_kind: dict[Kind, set[str]] = {
        "column": {m for m in rule.measures if m in COLUMNS and COLUMNS[m].header in present},
        "cores": set(_FROM_CORES if core_columns(pd.DataFrame(columns=list(present))) else ()),
        "percentages": set(_from_percentages(rule) if present.issuperset(PERCENTAGES) else ()),
    }
    return [
        Source(measure, kind, position)
        for kind, measures in by_kind.items()
        for position, measure in enumerate(rule.measures)
        if measure in measures
    ]


def status_inputs(rule: StatusRule) -> tuple[str, ...]:
    """Columns of which one is enough for a status, in the order in which they are tried.

    Parameters
    ----------
    rule : StatusRule
        The rule.

    Returns
    -------
    tuple of str
        Canonical columns. ``igf1r_h_score_1`` stands for any cores, ``igf1r_pct_3`` for the three percentages, which
        are all needed: `sources_of` tells whether they are there.

    Examples
    --------
    >>> status_inputs(StatusRule(rule="h_score_at_least_100"))
    ('igf1r_h_score', 'igf1r_h_score_1', 'igf1r_pct_3')
    >>> status_inputs(StatusRule(rule="any_membrane"))
    ('igf1r_ihc',)
    """
    cores = (FIRST_CORE,) if set(rule.measures) & set(_FROM_CORES) else ()
    percentages = (LAST_PERCENTAGE,) if _from_percentages(rule) else ()
    return (*dict.fromkeys(rule.measures), *cores, *percentages)


def rows_without(table: pd.DataFrame, column: str) -> NDArray[np.bool_]:
    """Rows in which what a column of `status_inputs` stands for isn't known.

    Parameters
    ----------
    table : DataFrame, one row a patient
        Canonical headers.
    column : str
        Canonical column.

    Returns
    -------
    ndarray of bool, shape (n_rows,)
        True where there is neither a value nor a limit: in no core for a core, in one of the three for a percentage.

    Examples
    --------
    >>> table = pd.DataFrame({"igf1r_h_score_1": [None, None], "igf1r_h_score_2": [80.0, None]}, dtype=float)
    >>> rows_without(table, "igf1r_h_score_1").tolist()
    [False, True]
    """
    every: list[str] = [COLUMNS[column].header]
    if column == FIRST_CORE:
        every = core_columns(table)
    elif column == LAST_PERCENTAGE:
        every = list(PERCENTAGES)
    absent = [_absent(table, header) for header in every]
    return np.asarray(
        np.logical_or.reduce(absent) if column == LAST_PERCENTAGE else np.logical_and.reduce(absent)
    )


def limits_of_source(
    table: pd.DataFrame, source: Source, *, aggregate: str, intensity: str
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Limits of each score from one source.

    Parameters
    ----------
    table : DataFrame, one row a patient
        Canonical headers.
    source : Source
        The source.
    aggregate : str
        How cores become one value.
    intensity : str
        Intensity of an Allred score from percentages.

    Returns
    -------
    tuple of ndarray of float64, each of shape (n,)
        Lower and upper limit, equal where the score is known exactly; NaN where it isn't known.

    Examples
    --------
    >>> table = pd.DataFrame({"igf1r_h_score_1": [80.0], "igf1r_h_score_2": [120.0]})
    >>> limits_of_source(table, Source("igf1r_h_score", "cores", 0), aggregate="mean", intensity="average")[0].tolist()
    [100.0]
    """
    if source.kind == "column":
        return limits_of(table, COLUMNS[source.measure].header)
    if source.kind == "cores":
        return limits_of_cores(table, aggregate=aggregate)
    return limits_from_percentages(read_percentages(table)[0], source.measure, intensity=intensity)


def _from_percentages(rule: StatusRule) -> tuple[str, ...]:
    refused = {NAMED_RULES[n].measure for n in rule.rule_names if not NAMED_RULES[n].from_percentages}
    return tuple(m for m in rule.measures if m in _FROM_PERCENTAGES and m not in refused)


def _absent(table: pd.DataFrame, header: str) -> NDArray[np.bool_]:
    ends = [end for end in (header, f"{header}_lower", f"{header}_upper") if end in table]
    absent = [np.ones(len(table), dtype=bool), *(table[end].isna().to_numpy() for end in ends)]
    return np.asarray(np.logical_and.reduce(absent))
