"""Limits of predictors whose values may lie beyond a limit, for the models that declare it."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import pandas as pd

from igfstrat.cohort import Cohort
from igfstrat.features.requirements import inputs_of
from igfstrat.features.status import limits_of
from igfstrat.schema import COLUMNS
from igfstrat.workflows.plan import ChosenPlan

ENDS = ("_lower", "_upper")


def add_limits(
    predictors: pd.DataFrame, cohort: Cohort, chosen: ChosenPlan, declared: Collection[str]
) -> pd.DataFrame:
    """Predictors with the limits of those declared beside them.

    Parameters
    ----------
    predictors : DataFrame, one row a patient row
        Numbers and words.
    cohort : Cohort
        As read.
    chosen : ChosenPlan
        Rules of the features.
    declared : collection of str
        Predictors that may lie beyond a limit.

    Returns
    -------
    DataFrame, one row a patient row
        With ``<name>_lower`` and ``<name>_upper``, equal where the value was measured, NaN where an end is open. A feature's
        limits are its values at the limits of its input; where two of its inputs lie beyond a limit nothing is known.
    """
    found = predictors
    for name in declared:
        if name in COLUMNS and COLUMNS[name].header in cohort.table:
            ends = limits_of(cohort.table, COLUMNS[name].header)
        else:
            ends = _of_feature(cohort, chosen, name, predictors[name].to_numpy(dtype=np.float64))
        found = found.assign(**{f"{name}{end}": values for end, values in zip(ENDS, ends, strict=True)})
    return found


def _of_feature(
    cohort: Cohort, chosen: ChosenPlan, name: str, values: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    table, low, high = cohort.table, values.copy(), values.copy()
    headers = [COLUMNS[c].header for group in inputs_of(chosen.plan, name) for c in group]
    limited = [h for h in dict.fromkeys(headers) if f"{h}_lower" in table or f"{h}_upper" in table]
    plain = table.drop(columns=[f"{h}{end}" for h in limited for end in ENDS], errors="ignore")
    builder = chosen.make_builder((name,)).fit(table)
    touched = np.zeros(len(table), np.int64)
    for header in limited:
        lower, upper = limits_of(table, header)
        rows = ~(np.isnan(lower) & np.isnan(upper)) & ~(lower == upper)
        at = [
            builder.transform(plain.assign(**{header: end}))[name].to_numpy(dtype=np.float64)
            for end in (lower, upper)
        ]
        turned = at[0] > at[1]  # a feature that falls with its input
        low[rows] = np.where(turned, at[1], at[0])[rows]
        high[rows] = np.where(turned, at[0], at[1])[rows]
        touched += rows
    low[touched > 1], high[touched > 1] = np.nan, np.nan
    return low, high
