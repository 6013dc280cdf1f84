"""What would be read of a cohort, how, and every problem; and a draft of the map that answers the questions."""

from __future__ import annotations

import difflib
from dataclasses import dataclass

import numpy as np
import pandas as pd

from igfstrat.cohort import Cohort
from igfstrat.cohort.binding import near_misses
from igfstrat.errors import Problem, Severity, safe_text
from igfstrat.schema import COLUMNS, ENDPOINTS, Column, fold

_ENDPOINT_WORDS = ("event", "status", "cnsr", "censor", "vital", "relapse", "recur", "death", "dead")


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedColumn:
    """One line of a check.

    Parameters
    ----------
    name : str
        Canonical column or endpoint.
    source : str
        Header that it comes from.
    unit : str
        Unit as stated; with a question mark where nobody stated it.
    content : str
        How many values, and what they look like.
    question : str
        What must be answered before it can be used; "" where it can.
    """

    name: str
    source: str
    unit: str
    content: str
    question: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """What a check found.

    Parameters
    ----------
    place : str
        File, sheet, header row, rows.
    columns : tuple of CheckedColumn
        What is read.
    unused : tuple of str
        Headers that nothing uses.
    suggestions : dict of str to str
        Source header that an unused column could be, by canonical column.
    problems : tuple of Problem
        Errors, flags and notices.
    """

    place: str
    columns: tuple[CheckedColumn, ...]
    unused: tuple[str, ...]
    suggestions: dict[str, str]
    problems: tuple[Problem, ...]

    @property
    def questions(self) -> tuple[str, ...]:
        """What must be answered before the cohort can be used."""
        asked = [f"{c.name}: {c.question}" for c in self.columns if c.question]
        asked += [f"{p.column or 'file'}: {p.remedy}" for p in self.problems if p.severity is Severity.ERROR]
        return tuple(dict.fromkeys(asked))


def check_cohort(cohort: Cohort) -> CheckResult:
    """Describe how a cohort was read.

    Parameters
    ----------
    cohort : Cohort
        As read.

    Returns
    -------
    CheckResult
        Lines, questions and problems.
    """
    sheet, bindings = cohort.sheet, cohort.bindings
    where = f" › sheet '{safe_text(sheet.name)}'" if sheet.name is not None else ""
    left_out = f", {cohort.n_filtered} left out by the map" if cohort.n_filtered else ""
    place = f"{sheet.source}{where} › header in row {sheet.header_row} › {cohort.n_rows} rows{left_out}"
    columns = [_column(cohort, name) for name in bindings.columns]
    columns += [_endpoint(cohort, name) for name in bindings.endpoints]
    unused = tuple(safe_text(sheet.headers[i]) for i in bindings.ignored)
    return CheckResult(
        place=place,
        columns=tuple(columns),
        unused=unused,
        suggestions=_suggestions(cohort),
        problems=cohort.problems,
    )


def _column(cohort: Cohort, name: str) -> CheckedColumn:
    binding = cohort.bindings.columns[name]
    header = binding.column.header
    values = cohort.table[header] if header in cohort.table else cohort.doubtful[header]
    unusable = cohort.unusable.get(name, ())
    unit = binding.unit or ("?" if binding.column.is_concentration else "–")
    return CheckedColumn(
        name=name,
        source=safe_text(binding.header),
        unit=unit,
        content=_content(values, binding.column),
        question="; ".join(problem.remedy for problem in unusable),
    )


def _content(values: pd.Series, column: Column) -> str:
    known = values.dropna()
    if column.kind == "id":
        return f"{values.nunique()} distinct"
    if column.kind == "number":
        numbers = known.to_numpy(dtype=np.float64)
        middle = f", median {np.median(numbers):.4g}" if len(numbers) else ""
        return f"{len(numbers)} values{middle}"
    if column.kind == "code":
        counts = known.value_counts()
        return ", ".join(f"{code} {n}" for code, n in counts.iloc[:5].items()) or "no value"
    if column.kind == "date" and len(known):
        return f"{len(known)} dates, {known.min():%Y-%m-%d} to {known.max():%Y-%m-%d}"
    return f"{len(known)} values"


def _endpoint(cohort: Cohort, name: str) -> CheckedColumn:
    binding, headers = cohort.bindings.endpoints[name], cohort.sheet.headers
    parts = (
        [binding.time, binding.event]
        if binding.time is not None
        else [binding.start, binding.stop, binding.event]
    )
    source = " / ".join(safe_text(headers[i]) for i in parts if i is not None)
    question = "; ".join(
        p.remedy + (f" (found {p.value})" if p.value else "")
        for p in (*cohort.unusable.get(name, ()), *cohort.unusable.get(f"{name}_cause", ()))
    )
    endpoint = cohort.endpoints.get(name)
    content = (
        f"{int(endpoint.usable.sum())} patients, {int(endpoint.event.sum())} events"
        if endpoint
        else "not usable"
    )
    return CheckedColumn(
        name=name, source=source, unit=binding.unit or "days", content=content, question=question
    )


def _suggestions(cohort: Cohort) -> dict[str, str]:
    """Unused headers that look like canonical columns."""
    free = {fold(cohort.sheet.headers[i]): cohort.sheet.headers[i] for i in cohort.bindings.ignored}
    found: dict[str, str] = {}
    for name, column in COLUMNS.items():
        if name in cohort.bindings.columns:
            continue
        exact = next((header for text, header in free.items() if text in {name, *column.aliases}), None)
        # her2_ihc is a letter from er_ihc, and ER is not HER2
        near = difflib.get_close_matches(column.header, list(free), n=1, cutoff=0.85)
        close = [text for text in near if near_misses(column.header, (free[text],))]
        if exact or close:
            found[name] = exact or free[close[0]]
    return found


def draft_map(cohort: Cohort, checked: CheckResult) -> str:
    """A cohort map with what is known filled in and what isn't marked.

    Parameters
    ----------
    cohort : Cohort
        As read.
    checked : CheckResult
        Its check.

    Returns
    -------
    str
        YAML; every line that needs an answer ends in ``# ?`` and a question.
    """
    lines = [f"# Draft for {cohort.sheet.source}: answer every line marked '# ?', then remove the mark."]
    if cohort.sheet.name is not None:
        lines.append(f"file: {{sheet: {_quoted(cohort.sheet.name)}, header_row: {cohort.sheet.header_row}}}")
    lines.append("columns:")
    mapped = {name: b.header for name, b in cohort.bindings.columns.items() if b.index is not None}
    if "patient_id" not in mapped and "patient_id" not in checked.suggestions:
        lines.append("  patient_id: {row_number: true}   # ? or the column that holds the identifier")
    for name, header in (mapped | checked.suggestions).items():
        lines.append(f"  {name}: {_source(cohort, name, header)}")
    lines += _draft_endpoints(cohort)
    if any(
        "first" in p.remedy for found in cohort.unusable.values() for p in found if p.code == "date_order"
    ):
        lines.append("dates: {order: day-first}   # ? day-first or month-first")
    return "\n".join(lines) + "\n"


def _source(cohort: Cohort, name: str, header: str) -> str:
    column = COLUMNS[name]
    binding = cohort.bindings.columns.get(name)
    if column.is_concentration:
        unit = binding.unit if binding and name not in cohort.unusable else None
        mark = "" if unit else f"   # ? unit of {name}: {column.unit}, nmol/L, …"
        return f"{{column: {_quoted(header)}, unit: {unit or column.unit}}}{mark}"
    if column.kind == "code" and name in cohort.unusable:
        codes = ", ".join(f"{code}: []" for code in column.codes)
        return f"{{column: {_quoted(header)}, codes: {{{codes}}}}}   # ? which words mean which code"
    sure = "" if binding else "   # ? is this the column"
    return f"{_quoted(header)}{sure}"


def _draft_endpoints(cohort: Cohort) -> list[str]:
    lines = ["endpoints:"]
    for name, binding in cohort.bindings.endpoints.items():
        if binding.time is None or binding.event is None:
            continue
        time, event = (_quoted(cohort.sheet.headers[i]) for i in (binding.time, binding.event))
        known = name in cohort.endpoints
        codes = "event: [1], censored: [0]" if known else "event: [], censored: []"
        mark = (
            ""
            if known
            else f"   # ? {'; '.join(p.value or '' for p in cohort.unusable.get(name, ()))}: which are events"
        )
        lines.append(
            f"  {name}: {{time: {time}, unit: {binding.unit}, event: {{column: {event}, {codes}}}}}{mark}"
        )
    lines += [_guessed_endpoint(cohort, name) for name in ENDPOINTS if name not in cohort.bindings.endpoints]
    return [line for line in lines if line] if any(lines[1:]) else []


def _guessed_endpoint(cohort: Cohort, name: str) -> str:
    """An endpoint whose name stands in two unused headers, one of them of events."""
    headers = [cohort.sheet.headers[i] for i in cohort.bindings.ignored]
    own = [h for h in headers if name in fold(h).replace(".", "_").split("_")]
    if name == "tte":
        # a bare time beside a bare event: of which endpoint only the owner knows
        own = [h for h in headers if fold(h) in {"time", "event", "status"}]
    events = [h for h in own if any(word in fold(h) for word in _ENDPOINT_WORDS)] or [
        h for h in own if fold(h) == name
    ]
    times = [h for h in own if h not in events]
    if not events or not times:
        return ""
    position = cohort.sheet.headers.index(events[0])
    words = cohort.sheet.cells[position].str.strip().value_counts().index[:4]
    found = ", ".join(safe_text(word, limit=20) for word in words if word)
    return (
        f"  {name}: {{time: {_quoted(times[0])}, unit: months, event: {{column: {_quoted(events[0])}, event: [], censored: []}}}}"
        f"   # ? unit; it holds {found}: which are events"
    )


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t")
    return f'"{escaped}"'
