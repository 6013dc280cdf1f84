"""The outcome gate: the only place where events are decoded.

After it an event is a real boolean, True = event, and a time a float in months. Codes other than
0/1 and true/false pass only when a map declares them (CDISC's CNSR is 1 for *censored*; R's `lung`
has 1 and 2; cBioPortal writes `1:DECEASED`). Time 0 is kept, as in R `survival`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from igfstrat.cohort.binding import EndpointBinding, near_misses
from igfstrat.cohort.decode import clean, decode_numbers, whole_number
from igfstrat.cohort.sheet import Sheet
from igfstrat.errors import Problem, Severity, safe_text
from igfstrat.schema import ENDPOINTS, TIME_UNIT, Column
from igfstrat.units import convert_time

_TIME: Final = Column(name="time", title="time", kind="number")
# a cell or two may be mistyped; more than this share and the coding itself is in doubt
_TYPING_ERRORS: Final = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One endpoint, decoded.

    Parameters
    ----------
    name, title : str
        Key and words, such as ``dfs`` and ``Disease-free survival``.
    time : ndarray of float64, shape (n_rows,)
        Months (a twelfth of 365.25 days); NaN where the row is out of this endpoint.
    event : ndarray of bool, shape (n_rows,)
        True = event; False where the row is out.
    reasons : tuple of str
        Why each row is out of the endpoint; "" where it is in.
    source_unit : str
        Unit of the source's times.
    definition, note : str or None
        What the map says about the endpoint.
    """

    name: str
    title: str
    time: NDArray[np.float64]
    event: NDArray[np.bool_]
    reasons: tuple[str, ...]
    source_unit: str
    definition: str | None = None
    note: str | None = None

    @property
    def usable(self) -> NDArray[np.bool_]:
        """Rows that have a time and an event, shape (n_rows,)."""
        return ~np.isnan(self.time)


@dataclass(slots=True)
class GateResult:
    """What the gate lets through.

    Parameters
    ----------
    endpoint : Endpoint or None
        None when the endpoint as a whole cannot be used.
    problems : list of Problem
        Row by row, or an error for the whole.
    """

    endpoint: Endpoint | None
    problems: list[Problem] = field(default_factory=list)


def decode_endpoint(
    sheet: Sheet, binding: EndpointBinding, *, dates: Callable[[int], NDArray[np.datetime64]], decimal: str,
    missing: frozenset[str],
) -> GateResult:  # fmt: skip
    """Decode one endpoint.

    Parameters
    ----------
    sheet : Sheet
        The table.
    binding : EndpointBinding
        Where its time and event come from.
    dates : callable
        Decodes a source column of dates.
    decimal : str
        Decimal mark of the source.
    missing : frozenset of str
        Words that mean missing, in lower case.

    Returns
    -------
    GateResult
        The endpoint, or why there is none.
    """
    result = GateResult(None)
    if not _is_complete(sheet, binding, result):
        return result
    assert binding.event is not None
    event, event_reasons = _decode_event(sheet, binding, missing, result)
    if binding.time is not None:
        time, time_reasons = _decode_time(sheet, binding, decimal, missing, result)
    else:
        assert binding.start is not None
        assert binding.stop is not None
        time, time_reasons = _time_between(sheet, binding, dates, result)
    if any(problem.severity is Severity.ERROR for problem in result.problems):
        return result
    reasons = [t or e for t, e in zip(time_reasons, event_reasons, strict=True)]
    out = np.array([bool(r) for r in reasons])
    result.endpoint = Endpoint(
        name=binding.name,
        title=ENDPOINTS[binding.name],
        time=np.where(out, np.nan, time),
        event=event & ~out,
        reasons=tuple(reasons),
        source_unit=binding.unit or "days",
        definition=binding.definition,
        note=binding.note,
    )
    _flag_zero_times(sheet, binding, result.endpoint, result)
    return result


def _is_complete(sheet: Sheet, binding: EndpointBinding, result: GateResult) -> bool:
    has_time = binding.time is not None or (binding.start is not None and binding.stop is not None)
    if not has_time and not binding.declared:
        name = f"{binding.name}_months"
        _add(
            result,
            "header",
            Severity.ERROR,
            name,
            f"column missing: {binding.name} needs a time ({name}, _days or _years)",
        )
    if binding.event is None and not binding.declared:
        name = f"{binding.name}_event"
        close = [
            h
            for h in near_misses(name, sheet.headers)
            if h not in {f"{binding.name}_{u}" for u in ("months", "days", "years")}
        ]
        hint = (
            f"; found {', '.join(safe_text(h) for h in close)}: say in a cohort map which codes are events"
            if close
            else ""
        )
        _add(
            result,
            "header",
            Severity.ERROR,
            name,
            f"column missing{hint or '; name it so, or map it under endpoints:'}",
        )
    return not result.problems and has_time and binding.event is not None


def _add(result: GateResult, code: str, severity: Severity, column: str, remedy: str,
         row: int | None = None, value: str | None = None, cell: str | None = None) -> None:  # fmt: skip
    result.problems.append(
        Problem(code=code, severity=severity, column=column, remedy=remedy, row=row, value=value, cell=cell)
    )


def _flag(
    sheet: Sheet, result: GateResult, code: str, index: int, position: int, column: str, remedy: str
) -> None:
    row = int(sheet.row_numbers[index])
    value = safe_text(sheet.cells.iat[index, position]) or None
    _add(result, code, Severity.FLAG, column, remedy, row=row, value=value, cell=sheet.cell(row, position))


def _decode_event(
    sheet: Sheet, binding: EndpointBinding, missing: frozenset[str], result: GateResult
) -> tuple[NDArray[np.bool_], list[str]]:
    column = f"{binding.name}_event"
    position = binding.event
    assert position is not None
    declared = set(binding.codes.event) | set(binding.codes.censored)
    text, is_missing = clean(sheet.cells[position], frozenset(missing - {word.lower() for word in declared}))
    is_missing &= ~text.isin(declared).to_numpy(dtype=bool)
    # a row without time and event is reported once, for its time
    has_time = True if binding.time is None else ~clean(sheet.cells[binding.time], missing)[1]
    spelled = text.map(whole_number)
    if not binding.declared:
        spelled = spelled.str.lower()
    event = spelled.isin(binding.codes.event).to_numpy(dtype=bool)
    censored = spelled.isin(binding.codes.censored).to_numpy(dtype=bool)
    unknown = ~event & ~censored & ~is_missing
    reasons = np.where(is_missing, "event missing", "").astype(object)
    if _coding_in_doubt(text[unknown], len(text)):
        found = _value_counts(text[~is_missing])
        remedy = (
            "which codes are events? Declare them in a cohort map: "
            f"endpoints: {{{binding.name}: {{event: {{column: …, event: […], censored: […]}}}}}}"
        )
        _add(result, "event_code", Severity.ERROR, column, remedy, value=found)
        return event, list(reasons)
    for index in np.flatnonzero(unknown):
        _flag(
            sheet,
            result,
            "event_code",
            int(index),
            position,
            column,
            "not a declared code; the row is out of this endpoint",
        )
    reasons[unknown] = "event code not declared"
    for index in np.flatnonzero(is_missing & has_time):
        _flag(
            sheet,
            result,
            "missing_event",
            int(index),
            position,
            column,
            "missing; the row is out of this endpoint",
        )
    return event, list(reasons)


def _coding_in_doubt(unknown: pd.Series, n_rows: int) -> bool:
    """Another number is another coding; a few odd words are typing errors."""
    if unknown.empty:
        return False
    numeric = unknown.str.fullmatch(r"[-+]?\d+(\.\d+)?").any()
    return bool(numeric) or len(unknown) > max(1, _TYPING_ERRORS * n_rows)


def _value_counts(text: pd.Series) -> str:
    counts = text.value_counts()
    shown = ", ".join(f"{safe_text(value, limit=20)} {n}" for value, n in counts.iloc[:6].items())
    return shown + (f" and {len(counts) - 6} more codes" if len(counts) > 6 else "")


def _decode_time(
    sheet: Sheet, binding: EndpointBinding, decimal: str, missing: frozenset[str], result: GateResult
) -> tuple[NDArray[np.float64], list[str]]:
    position, unit = binding.time, binding.unit or TIME_UNIT
    assert position is not None
    column = f"{binding.name}_{unit}"
    cells = sheet.cells[position]
    decoded = decode_numbers(cells, _TIME, unit=None, decimal=decimal, missing=missing, substitute="missing")
    _, is_missing = clean(cells, missing)
    time = decoded.values.astype(np.float64)
    reasons = np.where(is_missing, "time missing", "").astype(object)
    for index, _, _ in decoded.flags:
        time[index] = np.nan
        reasons[index] = "time not a number"
        _flag(
            sheet,
            result,
            "time_text",
            index,
            position,
            column,
            f"not a plain number of {unit}; the row is out of this endpoint",
        )
    for index in np.flatnonzero(time < 0):
        reasons[index] = "negative time"
        _flag(
            sheet,
            result,
            "negative_time",
            int(index),
            position,
            column,
            "must be >= 0; the row is out of this endpoint",
        )
    for index in np.flatnonzero(is_missing):
        _flag(
            sheet,
            result,
            "missing_time",
            int(index),
            position,
            column,
            "missing; the row is out of this endpoint",
        )
    if len(decoded.flags) > max(1, 0.5 * len(time)):
        _add(
            result,
            "time_text",
            Severity.ERROR,
            column,
            "most cells are not numbers; is this the column of times?",
        )
    return convert_time(time, unit=unit, to=TIME_UNIT), list(reasons)


def _time_between(
    sheet: Sheet, binding: EndpointBinding, dates: Callable[[int], NDArray[np.datetime64]], result: GateResult
) -> tuple[NDArray[np.float64], list[str]]:
    assert binding.start is not None
    assert binding.stop is not None
    start, stop = dates(binding.start), dates(binding.stop)
    days = (stop - start).astype("timedelta64[D]").astype(np.float64)
    days[np.isnat(start) | np.isnat(stop)] = np.nan
    reasons = np.where(np.isnan(days), "date missing", np.where(days < 0, "negative time", "")).astype(object)
    for index in np.flatnonzero(reasons.astype(bool)):
        code = "missing_time" if np.isnan(days[index]) else "negative_time"
        why = "a date is missing" if np.isnan(days[index]) else "the later date comes first"
        _flag(
            sheet,
            result,
            code,
            int(index),
            binding.stop,
            f"{binding.name}_days",
            f"{why}; the row is out of this endpoint",
        )
    return convert_time(days, unit="days", to=TIME_UNIT), list(reasons)


def _flag_zero_times(sheet: Sheet, binding: EndpointBinding, endpoint: Endpoint, result: GateResult) -> None:
    position = binding.time if binding.time is not None else binding.stop
    assert position is not None
    for index in np.flatnonzero(endpoint.time == 0):
        what = (
            "an event at time 0 counts at 0"
            if endpoint.event[index]
            else "censored at time 0: adds nothing to the estimates"
        )
        _flag(
            sheet, result, "zero_time", int(index), position, f"{endpoint.name}_{endpoint.source_unit}", what
        )
