"""Landmark analysis, and the refusal of comparisons whose groups were made by living long enough.

A patient whose marker was measured, or whose treatment began, after time zero had to live until then: beside the
others that time is free of events by construction (immortal time). A landmark takes everybody who is event-free
and under observation at one time, and counts from there.

References
----------
.. [1] Anderson JR, Cain KC, Gelber RD. Analysis of survival by tumor response. J Clin Oncol 1983;1:710-719.
.. [2] Suissa S. Immortal time bias in pharmaco-epidemiology. Am J Epidemiol 2008;167:492-499.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from igfstrat.analysis._estimating import to_plain
from igfstrat.cohort import Endpoint
from igfstrat.errors import DomainError, EstimationError, Problem, Severity
from igfstrat.features import REGISTRY
from igfstrat.features.exposure import TIME_ZEROS
from igfstrat.features.igf1r import COMPARTMENT_OF_MEASURE
from igfstrat.schema import COLUMNS, EXPOSURES
from igfstrat.survival import landmark
from igfstrat.units import DAYS_PER

EVENT_BEFORE: Final = "event at or before the landmark"
CENSORED_BEFORE: Final = "follow-up ended at or before the landmark"
_DAY: Final = np.timedelta64(1, "D")


@dataclass(frozen=True, slots=True, kw_only=True)
class LandmarkResult:
    """Who is analysed from a landmark on.

    Parameters
    ----------
    endpoint, endpoint_title : str
        Endpoint.
    months : float
        The landmark, after time zero.
    n_before : int
        Patients with the endpoint.
    n : int
        Those of them event-free and under observation at the landmark.
    n_events_before, n_censored_before : int
        Those left out: with an event, or whose follow-up ended, at or before it.
    not_estimable : str or None
        Why nothing can be analysed.
    """

    endpoint: str
    endpoint_title: str
    months: float
    n_before: int
    n: int
    n_events_before: int
    n_censored_before: int
    not_estimable: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """For `report.json`.

        Returns
        -------
        dict
            Fields by name.
        """
        found: dict[str, Any] = to_plain(self)
        return found


def apply_landmark(
    endpoint: Endpoint, *, months: float, included: NDArray[np.bool_] | None = None
) -> tuple[Endpoint, LandmarkResult]:
    """Restart the clock of an endpoint at a landmark.

    Parameters
    ----------
    endpoint : Endpoint
        Times in months from time zero.
    months : float
        The landmark, > 0. An event exactly at it is before it.
    included : ndarray of bool, shape (n_rows,), optional
        Rows that are counted; all by default.

    Returns
    -------
    tuple of Endpoint and LandmarkResult
        The endpoint with times from the landmark on, in which the rows left out carry their reason; and the counts.

    Notes
    -----
    Rows stay where they are, so that groups, strata and covariates still fit. Groups are what was known by the landmark,
    which `check_immortal_time` sees to.

    References
    ----------
    .. [1] Anderson JR, Cain KC, Gelber RD. Analysis of survival by tumor response. J Clin Oncol 1983;1:710-719.
    """
    inside = endpoint.usable
    early = inside & ~_followed(endpoint, months)
    counted = inside if included is None else inside & included
    reasons = np.array(endpoint.reasons, dtype=object)
    reasons[early & endpoint.event] = EVENT_BEFORE
    reasons[early & ~endpoint.event] = CENSORED_BEFORE
    cause = None if endpoint.cause is None else endpoint.cause.copy()
    if cause is not None:
        cause[early] = None
    restarted = replace(
        endpoint,
        time=np.where(early, np.nan, endpoint.time - months),
        event=endpoint.event & ~early,
        reasons=tuple(str(reason) for reason in reasons),
        cause=cause,
    )
    left = int((counted & ~early).sum())
    return restarted, LandmarkResult(
        endpoint=endpoint.name,
        endpoint_title=endpoint.title,
        months=months,
        n_before=int(counted.sum()),
        n=left,
        n_events_before=int((counted & early & endpoint.event).sum()),
        n_censored_before=int((counted & early & ~endpoint.event).sum()),
        not_estimable=None if left else "nobody is followed beyond the landmark",
    )


def _followed(endpoint: Endpoint, months: float) -> NDArray[np.bool_]:
    """Rows event-free and under observation beyond the landmark."""
    beyond = np.zeros(len(endpoint.time), dtype=np.bool_)
    inside = np.flatnonzero(endpoint.usable)
    try:
        found = landmark(time=endpoint.time[inside], event=endpoint.event[inside], at=months)
    except (EstimationError, DomainError):  # nobody is
        return beyond
    beyond[inside[found.keep]] = True
    return beyond


def check_immortal_time(
    table: pd.DataFrame,
    *,
    measure: str,
    landmark_months: float | None = None,
    row_numbers: Sequence[int] | NDArray[np.int64] | None = None,
    included: NDArray[np.bool_] | None = None,
) -> list[Problem]:
    """Rows whose marker or exposure is dated after time zero, and after the landmark where there is one.

    Parameters
    ----------
    table : DataFrame, one row a patient row
        Canonical columns; dates as datetimes.
    measure : str
        Canonical column or feature that makes the groups, such as ``igf1``, ``igf1r_status`` or ``egfr_tki_exposure``.
    landmark_months : float, optional
        The plan's landmark; without one nothing may be dated after time zero.
    row_numbers : sequence of int, shape (n_rows,), optional
        Row of each patient as the spreadsheet counts; by default the table begins in row 2.
    included : ndarray of bool, shape (n_rows,), optional
        Rows that are patients; all by default.

    Returns
    -------
    list of Problem
        An error for each row (no tolerance: 0 days; a date on the landmark itself is early enough), which says how many
        days after time zero it is dated, never the date; a notice where dates are there but can't be checked. Empty where
        all is well and where the table dates nothing.

    Examples
    --------
    >>> late = pd.DataFrame({"diagnosis_date": ["2020-01-01"] * 2, "specimen_date": ["2019-12-24", "2020-03-01"]})
    >>> [(p.row, p.value) for p in check_immortal_time(late.astype("datetime64[ns]"), measure="igf1r_h_score")]
    [(3, '60 days after time zero')]
    >>> check_immortal_time(late.astype("datetime64[ns]"), measure="igf1r_h_score", landmark_months=3)
    []
    """
    patients = np.ones(len(table), dtype=np.bool_) if included is None else included
    rows = np.arange(len(table)) + 2 if row_numbers is None else np.asarray(row_numbers)
    dated = [name for name in dates_of(measure) if name in table and (table[name].notna() & patients).any()]
    start = next((name for name in TIME_ZEROS if name in table), None)
    problems = []
    for name in dated:
        if start is None:
            problems.append(_unchecked(name, "no column says when time zero is"))
            continue
        problems += _late(table, name, start, landmark_months, rows, patients)
    return problems


def dates_of(measure: str) -> tuple[str, ...]:
    """Columns that say when a marker was measured or an exposure began.

    Parameters
    ----------
    measure : str
        Canonical column or feature.

    Returns
    -------
    tuple of str
        Canonical date columns; empty where nothing dates it, as for age or a germline variant.

    Examples
    --------
    >>> dates_of("igf1"), dates_of("igf1r_status"), dates_of("egfr_tki_exposure"), dates_of("age_years")
    (('igf1_sampling_date',), ('specimen_date',), ('egfr_tki_start_date',), ())
    """
    found = {date for column in _columns_of(measure) if (date := _date_of(column))}
    return tuple(name for name in COLUMNS if name in found)


def _columns_of(measure: str) -> set[str]:
    """Canonical columns behind a measure: itself, or the inputs of a feature."""
    if measure in REGISTRY:
        spec = REGISTRY[measure]
        return {measure, *(_name(column) for column in (*spec.inputs, *spec.any_of))}
    return {_name(measure)}


def _name(header: str) -> str:
    return next((name for name, column in COLUMNS.items() if column.header == header), header)


def _date_of(column: str) -> str | None:
    for drug in EXPOSURES:
        if column in {f"{drug}_start_date", f"{drug}_at_baseline", f"{drug}_exposure"}:
            return f"{drug}_start_date"
    if column.startswith("igf1r_") or column in COMPARTMENT_OF_MEASURE or column == "pdl1_percent":
        return "specimen_date"
    known = COLUMNS.get(column)
    # the schema's only concentrations are those of blood
    return "igf1_sampling_date" if known and known.is_concentration else None


def _late(
    table: pd.DataFrame,
    name: str,
    start: str,
    at: float | None,
    rows: NDArray[Any],
    patients: NDArray[np.bool_],
) -> list[Problem]:
    date, zero = (_days(table[column]) for column in (name, start))
    after = (date - zero) / _DAY  # NaT gives NaN, which no comparison holds for
    limit = 0.0 if at is None else at * DAYS_PER["months"]
    late, unknown = patients & (after > limit), patients & ~np.isnat(date) & np.isnat(zero)
    remedy = _REMEDY if at is None else _LATER
    problems = [
        Problem(
            code="immortal_time",
            severity=Severity.ERROR,
            column=name,
            row=int(rows[i]),
            value=f"{after[i]:.0f} days after time zero",
            remedy=remedy,
        )
        for i in np.flatnonzero(late)
    ]
    if unknown.any():
        problems.append(_unchecked(name, f"{int(unknown.sum())} rows have no {start}"))
    return problems


_REMEDY: Final = (
    "dated after time zero, so that its patient had to live until then (immortal time): set analysis: landmark in the plan"
    " at or after the latest such date, or leave these rows out"
)
_LATER: Final = (
    "dated after the plan's landmark (immortal time): set a later landmark, or leave these rows out"
)


def _unchecked(name: str, why: str) -> Problem:
    return Problem(
        code="immortal_time_unchecked",
        severity=Severity.NOTICE,
        column=name,
        remedy=f"{why}: whether it is dated after time zero was not checked",
    )


def _days(column: pd.Series) -> NDArray[np.datetime64]:
    """Dates by day, whatever the time of day; what is no date is not known."""
    return pd.to_datetime(column, errors="coerce").to_numpy(dtype="datetime64[ns]").astype("datetime64[D]")
