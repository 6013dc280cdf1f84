"""Putting patients into groups for a comparison: by a feature, a stratum or a column as given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from igfstrat.analysis import Grouping
from igfstrat.cohort import Cohort
from igfstrat.cohort.cohort import suggest
from igfstrat.errors import UsageError, safe_text
from igfstrat.features import (
    COMPARTMENT_OF_MEASURE,
    REGISTRY,
    ExpressionStatus,
    FeatureBuilder,
    assign_strata,
    possible_features,
    required_inputs,
    stratum_inputs,
)
from igfstrat.features.tumour import tumour_biomarker
from igfstrat.schema import COLUMNS
from igfstrat.workflows.plan import ChosenPlan

_BIOMARKERS: Final = {
    "igf1_status": ("igf1", "serum"),
    "igf1r_status": ("igf1r", "tumour_protein"),
    "igf1r_phospho_status": ("igf1r", "tumour_phospho"),
    "igf1r_mrna_status": ("igf1r", "tumour_mrna"),
}
_STATUS_ORDER: Final = ("low", "high", "negative", "positive", "indeterminate")
_MAX_GROUPS: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Grouped:
    """Patients in groups.

    Parameters
    ----------
    values : ndarray of object, shape (n_rows,)
        Group of each row; None where it has none.
    grouping : Grouping
        What the groups are.
    measure : tuple of str and ndarray of float64, shape (n_rows,), or None
        Title and values of the measure behind a status.
    """

    values: NDArray[np.object_]
    grouping: Grouping
    measure: tuple[str, NDArray[np.float64]] | None = None


def group_patients(cohort: Cohort, chosen: ChosenPlan, *, by: str, endpoints: Sequence[str]) -> Grouped:
    """Group the patients of a cohort.

    Parameters
    ----------
    cohort : Cohort
        As read.
    chosen : ChosenPlan
        Rules of the features and strata.
    by : str
        A feature, ``stratum``, or a coded or text column of the cohort.
    endpoints : sequence of str
        Endpoints that the comparison needs, so that everything missing is said at once.

    Returns
    -------
    Grouped
        The groups.

    Raises
    ------
    CohortError
        If an input of the grouping, or an endpoint, is missing or in doubt.
    UsageError
        If `by` is not known or not a grouping.
    """
    plan = chosen.plan
    if by == "stratum" and plan.strata:
        names = tuple(name for name in REGISTRY if any(name in rule.where for rule in plan.strata))
        if isinstance(plan.features, str):
            possible = possible_features(plan, cohort.table.columns)
            names, columns = tuple(name for name in names if name in possible), []
        else:
            columns = plan.stratum_columns
        _, features = _compute(cohort, chosen, names, endpoints, columns)
        rule = f"strata of {chosen.origin}"
        return Grouped(
            values=assign_strata(stratum_inputs(features, cohort.table, plan), plan.strata),
            grouping=Grouping(name=by, title="Stratum", rule=rule),
        )
    if by in REGISTRY:
        return _by_feature(cohort, chosen, by, endpoints)
    if by in COLUMNS and COLUMNS[by].kind in {"code", "text"}:
        cohort.require([(by,)], endpoints, outcome="No report was written.")
        grouping = Grouping(name=by, title=COLUMNS[by].title, rule="as given in the cohort")
        return Grouped(values=_none_for_missing(cohort.table[by]), grouping=grouping)
    coded = [name for name, column in COLUMNS.items() if column.kind == "code" and cohort.has(name)]
    message = f"--by {safe_text(by)} is not known{suggest(by, [*REGISTRY, 'stratum', *coded])}"
    raise UsageError(message)


def _compute(
    cohort: Cohort,
    chosen: ChosenPlan,
    names: tuple[str, ...],
    endpoints: Sequence[str],
    columns: Sequence[str] = (),
) -> tuple[FeatureBuilder, pd.DataFrame]:
    groups = [*required_inputs(chosen.plan, names), *((column,) for column in columns)]
    cohort.require(groups, endpoints, outcome="No report was written.")
    builder = chosen.make_builder(names).fit(cohort.table)
    return builder, builder.transform(cohort.table)


def _by_feature(cohort: Cohort, chosen: ChosenPlan, by: str, endpoints: Sequence[str]) -> Grouped:
    if not (by.endswith("_status") or by == "subtype"):
        message = f"--by {by} is a number; group by a status, the subtype or the stratum"
        raise UsageError(message)
    builder, features = _compute(cohort, chosen, (by,), endpoints)
    measured = next((t for t in builder.transformers_ if isinstance(t, ExpressionStatus)), None)
    measure = "igf1" if by == "igf1_status" else measured.measure_ if measured else None
    biomarker, compartment = _BIOMARKERS.get(by) or tumour_biomarker(by) or (None, None)
    grouping = Grouping(
        name=by,
        title=REGISTRY[by].title,
        rule=builder.describe().get(by, ""),
        measure=measure,
        biomarker=biomarker,
        compartment=COMPARTMENT_OF_MEASURE.get(measure or "", compartment),
    )
    values = _none_for_missing(features[by])
    if measure is None:
        return Grouped(values=values, grouping=grouping)
    if measured:
        numbers = measured.values_of(cohort.table)
    else:
        numbers = pd.to_numeric(cohort.table[COLUMNS[measure].header], errors="coerce").to_numpy(
            dtype=np.float64
        )
    return Grouped(values=values, grouping=grouping, measure=(COLUMNS[measure].title, numbers))


def order_of_groups(values: NDArray[np.object_], *, by: str, chosen: ChosenPlan) -> list[str]:
    """Groups in the order of a report; the first is the reference.

    Parameters
    ----------
    values : ndarray of object, shape (n_rows,)
        Group of each row; None where it has none.
    by : str
        What the groups are.
    chosen : ChosenPlan
        Its `analysis: order` comes first, then low before high, then codes and strata in their own order.

    Returns
    -------
    list of str
        Every group once.

    Raises
    ------
    UsageError
        If there are more groups than a figure can tell apart.
    """
    found = {str(value) for value in values if value is not None}
    if len(found) > _MAX_GROUPS:
        message = f"--by {by} has {len(found)} groups; at most {_MAX_GROUPS} can be compared: choose a coarser column"
        raise UsageError(message)
    codes = tuple(COLUMNS[by].codes) if by in COLUMNS else ()
    strata = tuple(rule.name for rule in chosen.plan.strata)
    preferred = (*chosen.plan.analysis.order, *_STATUS_ORDER, *codes, *strata)
    return [group for group in dict.fromkeys(preferred) if group in found] + sorted(found - set(preferred))


def _none_for_missing(column: pd.Series) -> NDArray[np.object_]:
    values = column.to_numpy(dtype=object, copy=True)
    values[pd.isna(values)] = None
    return values
