"""How long each patient was followed, by the dates alone: what stated times are compared with."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from igfstrat.cohort.outcome import Endpoint
from igfstrat.units import convert_time

_STARTS: Final = ("time_zero", "randomization_date", "diagnosis_date")
_END: Final = "last_followup_date"


def months_of_followup(table: Mapping[str, object], unusable: Container[str]) -> NDArray[np.float64] | None:
    """Months from the first date of a patient to the last.

    Parameters
    ----------
    table : mapping of str to array
        Decoded columns by header; dates as datetime64, NaT where there is none.
    unusable : container of str
        Columns in doubt.

    Returns
    -------
    ndarray of float64, shape (n_rows,), or None
        Months; NaN where a date is missing. None where the cohort doesn't have both dates, or one is in doubt.

    Examples
    --------
    >>> dates = {"diagnosis_date": np.array(["2019-01-01"], "M8[D]"), "last_followup_date": np.array(["2020-01-01"], "M8[D]")}
    >>> months_of_followup(dates, ()).round(2)
    array([11.99])
    """
    start = next((table[name] for name in _STARTS if name in table), None)
    stop = table.get(_END)
    if start is None or stop is None or any(name in unusable for name in (*_STARTS, _END)):
        return None
    first, last = np.asarray(start, dtype="datetime64[D]"), np.asarray(stop, dtype="datetime64[D]")
    days = (last - first).astype("timedelta64[D]").astype(np.float64)
    days[np.isnat(first) | np.isnat(last)] = np.nan
    return convert_time(days, unit="days", to="months")


def spread_endpoint(endpoint: Endpoint, patients: NDArray[np.intp], n_rows: int) -> Endpoint:
    """An endpoint over all rows of a table, those that are no patients left out of it.

    Parameters
    ----------
    endpoint : Endpoint
        With a row a patient.
    patients : ndarray of intp, shape (n_patients,)
        Their rows in the table, from 0.
    n_rows : int
        Rows of the table.

    Returns
    -------
    Endpoint
        With a row for every row of the table.
    """
    time, event = np.full(n_rows, np.nan), np.zeros(n_rows, dtype=bool)
    reasons = np.full(n_rows, "not a patient", dtype=object)
    time[patients], event[patients], reasons[patients] = endpoint.time, endpoint.event, endpoint.reasons
    cause = None
    if endpoint.cause is not None:
        cause = np.full(n_rows, None, dtype=object)
        cause[patients] = endpoint.cause
    return replace(endpoint, time=time, event=event, reasons=tuple(reasons), cause=cause)
