"""The outcome gate: the only place where events are decoded.

After it an event is a real boolean, True = event, and a time a float in months. Codes other than
0/1 and true/false pass only when a map declares them (CDISC's CNSR is 1 for *censored*; R's `lung`
has 1 and 2; cBioPortal writes `1:DECEASED`). Time 0 is kept, as in R `survival`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from igfstrat.cohort.binding import EndpointBinding, near_misses
from igfstrat.cohort.cause import decode_cause, read_definition
from igfstrat.cohort.codes import whole_number
from igfstrat.cohort.decode import clean_words
from igfstrat.cohort.plausibility import check_decimal_mark, check_times
from igfstrat.cohort.reasons import NEGATIVE, NO_CODE, NO_DATE, NO_EVENT, NO_TIME, NONE, Reasons
from igfstrat.cohort.sheet import Sheet, TextColumn
from igfstrat.cohort.times import decode_times
from igfstrat.errors import Problem, Severity, safe_text
from igfstrat.schema import ENDPOINTS, TIME_UNIT
from igfstrat.units import convert_time

# a cell or two may be mistyped; more than this share and the coding itself is in doubt
_TYPING_ERRORS: Final = 0.05
_MOST: Final = 0.5


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
    reasons : sequence of str, one a row
        Why each row is out of the endpoint; "" where it is in.
    source_unit : str
        Unit of the source's times.
    definition, note : str or None
        What the map, or the file's own column, says about the endpoint.
    cause : ndarray of object, shape (n_rows,), or None
        Cause of each event, as a code; None where there is no event, where it isn't stated and where the row is out.
        None as a whole where the source has no causes.
    """

    name: str
    title: str
    time: NDArray[np.float64]
    event: NDArray[np.bool_]
    reasons: Sequence[str]
    source_unit: str
    definition: str | None = None
    note: str | None = None
    cause: NDArray[np.object_] | None = None

    @property
    def cause_counts(self) -> dict[str, int] | None:
        """Events by cause, the code of the cause in alphabetical order; None where the source has no causes."""
        if self.cause is None:
            return None
        codes, counts = np.unique([str(c) for c in self.cause if c is not None], return_counts=True)
        return dict(zip(codes.tolist(), counts.tolist(), strict=True))

    @property
    def n_events_without_cause(self) -> int | None:
        """Events whose cause isn't stated; None where the source has no causes."""
        return None if self.cause is None else int((self.event & pd.isna(self.cause)).sum())

    @property
    def usable(self) -> NDArray[np.bool_]:
        """Rows that have a time and an event, shape (n_rows,)."""
        return ~np.isnan(self.time)


DateReader = Callable[[int], tuple[NDArray[np.datetime64], str | None]]


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
    sheet: Sheet, binding: EndpointBinding, *, dates: DateReader, decimal: str, missing: frozenset[str]
) -> GateResult:
    """Decode one endpoint.

    Parameters
    ----------
    sheet : Sheet
        The table.
    binding : EndpointBinding
        Where its time and event come from.
    dates : callable
        Decodes a source column of dates, and says what is wrong with it as a whole.
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
    reasons = np.where(time_reasons == NONE, event_reasons, time_reasons)
    out = reasons != NONE
    time[out], event[out] = np.nan, False
    result.endpoint = Endpoint(
        name=binding.name,
        title=ENDPOINTS[binding.name],
        time=time,
        event=event,
        reasons=Reasons(reasons),
        source_unit=binding.unit or "days",
        definition=_definition(sheet, binding, missing, result),
        note=binding.note,
    )
    _flag_zero_times(sheet, binding, result.endpoint, result)
    result.endpoint = _with_cause(sheet, binding, result.endpoint, missing, result)
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
    sheet: Sheet, result: GateResult, position: int, column: str, found: Sequence[tuple[int, str, str]]
) -> None:
    """Rows from 0 with the code and the remedy of each."""
    rows = np.array([index for index, _, _ in found], dtype=np.intp)
    texts = sheet.cells[position].iloc[rows].tolist()
    for (_, code, remedy), row, text in zip(found, sheet.row_numbers[rows].tolist(), texts, strict=True):
        cell, value = sheet.cell(row, position), safe_text(text) or None
        _add(result, code, Severity.FLAG, column, remedy, row=row, value=value, cell=cell)


def _decode_event(
    sheet: Sheet, binding: EndpointBinding, missing: frozenset[str], result: GateResult
) -> tuple[NDArray[np.bool_], NDArray[np.uint8]]:
    column = f"{binding.name}_event"
    position = binding.event
    assert position is not None
    cells, is_gap = clean_words(sheet.column(position), missing)
    is_event, is_censored = (
        _among(cells.words, codes, binding) for codes in (binding.codes.event, binding.codes.censored)
    )
    is_gap &= ~(is_event | is_censored)
    is_unknown = ~(is_event | is_censored | is_gap)
    event, is_missing, unknown = is_event[cells.which], is_gap[cells.which], is_unknown[cells.which]
    text = pd.Series(cells.words[cells.which[unknown]], dtype=object)
    if _coding_in_doubt(text, int((~is_missing).sum())):
        remedy = (
            "which codes are events? Declare them in a cohort map: "
            f"endpoints: {{{binding.name}: {{event: {{column: …, event: […], censored: […]}}}}}}"
        )
        filled = pd.Series(cells.words[cells.which[~is_missing]], dtype=object)
        _add(result, "event_code", Severity.ERROR, column, remedy, value=_value_counts(filled))
    # a row without time and event is reported once, for its time
    told = np.zeros(len(event), dtype=bool)
    if binding.time is not None:
        times, is_no_time = clean_words(sheet.column(binding.time), missing)
        told = is_no_time[times.which]
    n_open = int((is_missing & ~told).sum())
    if not (is_censored & (cells.counts > 0)).any() and n_open > max(1, _TYPING_ERRORS * int((~told).sum())):
        _ask_of_empty(binding, cells, is_event, n_open, result)
    for code, where, why in (
        ("event_code", unknown, "not a declared code"),
        ("missing_event", is_missing & ~told, "missing"),
    ):
        rows = np.flatnonzero(where).tolist()
        _flag(sheet, result, position, column, [(index, code, f"{why}; {_OUT}") for index in rows])
    reasons = np.select([is_unknown, is_gap], [NO_CODE, NO_EVENT], NONE).astype(np.uint8)
    return event, reasons[cells.which]


_OUT: Final = "the row is out of this endpoint"


def _ask_of_empty(
    binding: EndpointBinding, cells: TextColumn, is_event: NDArray[np.bool_], n_open: int, result: GateResult
) -> None:
    """Where only events are written, an empty cell may well mean that there was none: left out, everyone has the event."""
    remedy = (
        f"the only code says event, and {n_open} other rows with a time are empty: does empty mean censored? Then declare"
        f' it in a cohort map: endpoints: {{{binding.name}: {{event: {{column: …, event: […], censored: [""]}}}}}}'
    )
    if n_events := int(cells.counts[is_event].sum()):
        found = f"{n_events} events, {n_open} empty"
        _add(result, "event_code", Severity.ERROR, f"{binding.name}_event", remedy, value=found)


def _among(words: NDArray[np.object_], codes: tuple[str, ...], binding: EndpointBinding) -> NDArray[np.bool_]:
    """Words that are one of the codes, or the same number with a fraction of zeros."""
    wanted = {whole_number(code) for code in codes}
    spelled = (word if binding.declared else word.lower() for word in words)
    return np.array([whole_number(word) in wanted for word in spelled], dtype=bool)


def _coding_in_doubt(unknown: pd.Series, n_filled: int) -> bool:
    """Another number is another coding; a few odd words are typing errors."""
    if unknown.empty:
        return False
    numeric = unknown.str.fullmatch(r"[-+]?\d+(\.\d+)?").any()
    return bool(numeric) or len(unknown) > max(1, _TYPING_ERRORS * n_filled)


def _value_counts(text: pd.Series) -> str:
    counts = text.value_counts()
    shown = ", ".join(f"{safe_text(value, limit=40)} {n}" for value, n in counts.iloc[:6].items())
    return shown + (f" and {len(counts) - 6} more codes" if len(counts) > 6 else "")


def _decode_time(
    sheet: Sheet, binding: EndpointBinding, decimal: str, missing: frozenset[str], result: GateResult
) -> tuple[NDArray[np.float64], NDArray[np.uint8]]:
    position, unit = binding.time, binding.unit or TIME_UNIT
    assert position is not None
    column, cells = f"{binding.name}_{unit}", sheet.column(position)
    text, is_missing = clean_words(cells, missing)
    counts = text.counts
    time, found = decode_times(text, counts, unit, decimal=decimal, missing=missing)
    n_faults = int(counts[list(found)].sum())
    found |= {int(i): ("negative_time", "must be >= 0", NEGATIVE) for i in np.flatnonzero(time < 0)}
    found |= {int(i): ("missing_time", "missing", NO_TIME) for i in np.flatnonzero(is_missing)}
    reasons = np.zeros(len(time), dtype=np.uint8)
    for word, (_, _, reason) in found.items():
        reasons[word] = reason
    doubtful = np.flatnonzero((reasons != NONE)[text.which])
    told = [found[word] for word in text.which[doubtful].tolist()]
    places = zip(doubtful.tolist(), told, strict=True)
    _flag(sheet, result, position, column, [(i, code, f"{why}; {_OUT}") for i, (code, why, _) in places])
    mark = check_decimal_mark(cells, column, decimal)
    if mark:
        result.problems.append(mark)
    elif n_faults > max(1, _MOST * int(counts[~is_missing].sum())):
        remedy = f"most cells are no times in {unit}; is this the column of times, and the unit?"
        _add(result, "time_text", Severity.ERROR, column, remedy)
    months = convert_time(time, unit=unit, to=TIME_UNIT)[text.which]
    doubt = check_times(months, unit)
    if doubt:
        _add(result, "unit", Severity.ERROR, column, f"{doubt} Say the unit in a cohort map under endpoints:")
    return months, reasons[text.which]


def _time_between(
    sheet: Sheet, binding: EndpointBinding, dates: DateReader, result: GateResult
) -> tuple[NDArray[np.float64], NDArray[np.uint8]]:
    assert binding.start is not None
    assert binding.stop is not None
    column = f"{binding.name}_days"
    (start, start_fault), (stop, stop_fault) = dates(binding.start), dates(binding.stop)
    for position, fault in ((binding.start, start_fault), (binding.stop, stop_fault)):
        if fault:
            _add(result, "date_order", Severity.ERROR, safe_text(sheet.headers[position]), fault)
    days = (stop - start).astype("timedelta64[D]").astype(np.float64)
    days[np.isnat(start) | np.isnat(stop)] = np.nan
    reasons = np.zeros(len(days), dtype=np.uint8)
    for where, code, reason, why in (
        (np.isnan(days), "missing_time", NO_DATE, "a date is missing, or is not a possible one"),
        (days < 0, "negative_time", NEGATIVE, "the later date comes first"),
    ):
        rows = np.flatnonzero(where).tolist()
        _flag(sheet, result, binding.stop, column, [(index, code, f"{why}; {_OUT}") for index in rows])
        reasons[where] = reason
    return convert_time(days, unit="days", to=TIME_UNIT), reasons


def _flag_zero_times(sheet: Sheet, binding: EndpointBinding, endpoint: Endpoint, result: GateResult) -> None:
    position = binding.time if binding.time is not None else binding.stop
    assert position is not None
    words = ("censored at time 0: adds nothing to the estimates", "an event at time 0 counts at 0")
    at_zero = np.flatnonzero(endpoint.time == 0)
    events = zip(at_zero.tolist(), endpoint.event[at_zero].tolist(), strict=True)
    column = f"{endpoint.name}_{endpoint.source_unit}"
    _flag(sheet, result, position, column, [(i, "zero_time", words[is_event]) for i, is_event in events])


def _definition(
    sheet: Sheet, binding: EndpointBinding, missing: frozenset[str], result: GateResult
) -> str | None:
    if binding.definition_column is None:
        return binding.definition
    definition, n_different = read_definition(sheet.cells[binding.definition_column], missing)
    if n_different > 1:
        remedy = (
            f"{n_different} different definitions in one file, so none is taken; state the one that holds in a cohort map:"
            f" endpoints: {{{binding.name}: {{definition: …}}}}"
        )
        _add(result, "several_definitions", Severity.NOTICE, f"{binding.name}_definition", remedy)
    return definition


def _with_cause(
    sheet: Sheet, binding: EndpointBinding, endpoint: Endpoint, missing: frozenset[str], result: GateResult
) -> Endpoint:
    position, column = binding.cause, f"{binding.name}_cause"
    if position is None:
        return endpoint
    decoded = decode_cause(
        sheet.cells[position], binding.causes, event=endpoint.event, usable=endpoint.usable, missing=missing
    )
    if decoded.doubt:
        _add(result, "codes", Severity.ERROR, column, decoded.doubt)
        return endpoint
    for index, code, remedy in decoded.flags:
        row = int(sheet.row_numbers[index])
        # without a code list the column may hold anything that people write
        value = safe_text(sheet.cells.iat[index, position]) if binding.causes.codes else None
        _add(result, code, Severity.FLAG, column, remedy, row, value or None, sheet.cell(row, position))
    return replace(endpoint, cause=decoded.values)
