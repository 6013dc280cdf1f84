"""What a report takes from a cohort besides its groups: columns by name, the landmark, the marker behind a cut."""

from __future__ import annotations

import importlib.metadata
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from igfstrat._version import __version__
from igfstrat.analysis.landmark import LandmarkResult, apply_landmark, check_immortal_time
from igfstrat.cohort import Cohort, Endpoint
from igfstrat.cohort.cohort import suggest
from igfstrat.errors import CohortError, Problem, Severity, UsageError, safe_text
from igfstrat.features import REGISTRY, possible_features, required_inputs
from igfstrat.schema import COLUMNS
from igfstrat.workflows.plan import ChosenPlan

NOTHING_WRITTEN: Final = "No report was written."


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A column of the cohort or a feature.

    Parameters
    ----------
    name, title, unit : str
        Its name, what people call it, and its unit where it has one.
    levels : tuple of str
        Its words in their order; empty for a number and for free text.
    is_number : bool
        Whether it is a number.
    values : Series, one row a patient row
        Numbers (NaN where missing) or words (None where missing).
    """

    name: str
    title: str
    unit: str
    levels: tuple[str, ...]
    is_number: bool
    values: pd.Series


def read_named(cohort: Cohort, chosen: ChosenPlan, names: Sequence[str]) -> list[Named]:
    """Features and columns that a plan names.

    Parameters
    ----------
    cohort : Cohort
        As read.
    chosen : ChosenPlan
        Rules of the features.
    names : sequence of str
        Features, or columns of the cohort.

    Returns
    -------
    list of Named
        In the order of `names`.

    Raises
    ------
    CohortError
        If what they need is missing or in doubt: all at once.
    UsageError
        If a name is neither a feature nor a column.
    """
    unknown = [name for name in names if name not in REGISTRY and name not in COLUMNS]
    if unknown:
        message = f"the plan names {safe_text(unknown[0])}, which is neither a feature nor a column{suggest(unknown[0], [*REGISTRY, *COLUMNS])}"
        raise UsageError(message)
    # subtype is both: the feature, where it can be computed, knows more spellings and rules
    possible = set(possible_features(chosen.plan, cohort.table.columns))
    features = tuple(n for n in names if n in REGISTRY and (n in possible or n not in COLUMNS))
    groups = [*required_inputs(chosen.plan, features), *((n,) for n in names if n not in features)]
    cohort.require(groups, outcome=NOTHING_WRITTEN)
    computed = chosen.make_builder(features).fit_transform(cohort.table) if features else pd.DataFrame()
    return [
        _feature(name, computed[name]) if name in features else _column(name, cohort.table[COLUMNS[name].header])
        for name in names
    ]  # fmt: skip


def _feature(name: str, values: pd.Series) -> Named:
    spec = REGISTRY[name]
    is_number = spec.unit != "code"
    unit = "" if spec.unit in {"1", "code"} else spec.unit
    return Named(
        name=name, title=spec.title, unit=unit, levels=spec.words, is_number=is_number, values=values
    )


def _column(name: str, values: pd.Series) -> Named:
    column = COLUMNS[name]
    is_number = column.kind == "number"
    return Named(
        name=name, title=column.title, unit=column.unit if is_number else "", levels=tuple(column.codes),
        is_number=is_number, values=values.astype(np.float64) if is_number else values.astype(object),
    )  # fmt: skip


def as_frame(named: Sequence[Named]) -> pd.DataFrame:
    """Columns side by side, words as categories in their own order.

    Parameters
    ----------
    named : sequence of Named
        Columns and features.

    Returns
    -------
    DataFrame, one row a patient row
        Numbers as they are, words as categories.
    """
    return pd.DataFrame({n.name: n.values if n.is_number else _categories(n) for n in named})


def _categories(named: Named) -> pd.Series:
    found = set(named.values.dropna().astype(str))
    ordered = [level for level in named.levels if level in found]
    return pd.Series(
        pd.Categorical(named.values, categories=[*ordered, *sorted(found - set(ordered))]),
        index=named.values.index,
    )


def join_words(named: Sequence[Named]) -> NDArray[np.object_]:
    """Strata by all columns at once.

    Parameters
    ----------
    named : sequence of Named
        Columns and features.

    Returns
    -------
    ndarray of object, shape (n_rows,)
        Their words joined; None in a row that lacks one.
    """
    frame = pd.DataFrame({n.name: n.values for n in named})
    joined = frame.astype(str).agg(" / ".join, axis=1).to_numpy(dtype=object)
    joined[frame.isna().any(axis=1).to_numpy()] = None
    return joined


def start_endpoints(
    cohort: Cohort, chosen: ChosenPlan, *, measure: str, names: Sequence[str]
) -> tuple[dict[str, Endpoint], dict[str, LandmarkResult], list[Problem]]:
    """Endpoints from time zero, or from the plan's landmark.

    Parameters
    ----------
    cohort : Cohort
        As read.
    chosen : ChosenPlan
        May name a landmark.
    measure : str
        The marker, whose date must not lie after the start.
    names : sequence of str
        Endpoints.

    Returns
    -------
    tuple of dict, dict and list of Problem
        Endpoints, what each landmark left out (empty without one), and what could not be checked.

    Raises
    ------
    CohortError
        If the marker is dated after the start: only who lived long enough has a value (immortal time).
    """
    setting, patients = chosen.plan.analysis.landmark, cohort.set_aside == ""
    months = None if setting is None else (setting.months or 12.0 * (setting.years or 0.0))
    problems = check_immortal_time(
        cohort.table,
        measure=measure,
        landmark_months=months,
        row_numbers=cohort.row_numbers,
        included=patients,
    )
    if any(p.severity is Severity.ERROR for p in problems):
        headline = f"{cohort.sheet.place} ({cohort.n_rows} rows)"
        raise CohortError(headline, problems, NOTHING_WRITTEN)
    endpoints = {name: cohort.endpoints[name] for name in names}
    if months is None:
        return endpoints, {}, problems
    restarted = {n: apply_landmark(e, months=months, included=patients) for n, e in endpoints.items()}
    return {n: e for n, (e, _) in restarted.items()}, {n: r for n, (_, r) in restarted.items()}, problems


def marker_values(
    cohort: Cohort, chosen: ChosenPlan, marker: str, endpoints: Sequence[str]
) -> tuple[str, str, NDArray[np.float64]]:
    """Title, unit and values of a marker that may be cut.

    Parameters
    ----------
    cohort : Cohort
        As read.
    chosen : ChosenPlan
        Rules of the features.
    marker : str
        A column or feature that is a number, or a column of levels such as 0 to 3+.
    endpoints : sequence of str
        Endpoints that are needed too, so that everything missing is said at once.

    Returns
    -------
    tuple of str, str and ndarray of float64, shape (n_rows,)
        NaN where missing.

    Raises
    ------
    CohortError
        If the marker or an endpoint is missing or in doubt.
    UsageError
        If the marker is not known, or is no number.
    """
    if marker in COLUMNS and _is_number(marker):
        column = COLUMNS[marker]
        cohort.require([(marker,)], endpoints, outcome=NOTHING_WRITTEN)
        values = pd.to_numeric(cohort.table[column.header], errors="coerce")
        return column.title, column.unit, values.to_numpy(dtype=np.float64)
    if marker in REGISTRY and REGISTRY[marker].unit != "code":
        cohort.require(required_inputs(chosen.plan, (marker,)), endpoints, outcome=NOTHING_WRITTEN)
        named = read_named(cohort, chosen, [marker])[0]
        return named.title, named.unit, named.values.to_numpy(dtype=np.float64)
    if marker in COLUMNS or marker in REGISTRY:
        message = (
            f"marker {safe_text(marker)} is no number, so it has no cut; choose a measured column or a score"
        )
        raise UsageError(message)
    numbers = [name for name in COLUMNS if _is_number(name)]
    numbers += [name for name, spec in REGISTRY.items() if spec.unit != "code"]
    message = f"marker {safe_text(marker)} is not known{suggest(marker, numbers)}"
    raise UsageError(message)


def _is_number(name: str) -> bool:
    """A number, or levels that are numbers such as 0 to 3+ of a stain."""
    column = COLUMNS[name]
    return column.kind == "number" or (column.kind == "code" and all(c.isdigit() for c in column.codes))


def versions() -> dict[str, str]:
    """Versions behind the numbers of a report.

    Returns
    -------
    dict of str to str
        igfstrat, Python and the libraries that compute.
    """
    names = ("numpy", "scipy", "pandas", "numba", "matplotlib")
    return {"igfstrat": __version__, "python": platform.python_version()} | {
        name: importlib.metadata.version(name) for name in names
    }
