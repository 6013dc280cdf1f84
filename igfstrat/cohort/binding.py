"""From headers to canonical columns: by the convention, or by a cohort map."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field, replace
from typing import Final

from igfstrat.cohort.cohort_map import CauseSource, CohortMap, ColumnSource, EndpointSource, EventSource
from igfstrat.cohort.sheet import Sheet
from igfstrat.errors import Problem, Severity, safe_text
from igfstrat.schema import COLUMNS, ENDPOINTS, Column, find_endpoint_header, find_header, fold

# without a declared code list only these are events or censored beyond doubt
_PLAIN_EVENT: Final = EventSource(column="", event=("1", "true"), censored=("0", "false"))
# causes are often numbered 1, 2, … with 0 for censored; what else a word means nobody has said
_PLAIN_CAUSE: Final = CauseSource(column="", missing=("0",))
_ABOUT: Final[tuple[str, ...]] = ("cause", "definition")
_OWNER: Final = {text: c.name for c in COLUMNS.values() for text in (c.name, c.header, *c.aliases)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """A canonical column and where it comes from.

    Parameters
    ----------
    column : Column
        The canonical column.
    index : int or None
        Source column from 0; None for a constant or the row number.
    header : str
        Header of the source column, or what stands for it.
    unit : str or None
        Unit of the source; None when nobody stated it.
    source : ColumnSource
        What else the map says.
    """

    column: Column
    index: int | None
    header: str
    unit: str | None
    source: ColumnSource


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointBinding:
    """An endpoint and where its time and event come from.

    Parameters
    ----------
    name : str
        Key of `igfstrat.schema.ENDPOINTS`.
    time, event, start, stop : int or None
        Source columns from 0: of the time and the event, or of two dates instead of the time.
    unit : str or None
        Unit of the source's time.
    codes : EventSource
        Which codes are events.
    declared : bool
        Whether a map declared the codes.
    definition, note : str or None
        What the map says about the endpoint.
    cause : int or None
        Source column from 0 of the cause of each event.
    causes : CauseSource
        Which words of it mean which cause.
    definition_column : int or None
        Source column from 0 that states the definition, where the map doesn't.
    """

    name: str
    time: int | None = None
    event: int | None = None
    start: int | None = None
    stop: int | None = None
    unit: str | None = None
    codes: EventSource = _PLAIN_EVENT
    declared: bool = False
    definition: str | None = None
    note: str | None = None
    cause: int | None = None
    causes: CauseSource = _PLAIN_CAUSE
    definition_column: int | None = None

    @property
    def positions(self) -> frozenset[int]:
        """Every source column from 0 that the endpoint uses."""
        parts = (self.time, self.event, self.start, self.stop, self.cause, self.definition_column)
        return frozenset(part for part in parts if part is not None)


@dataclass(slots=True)
class Bindings:
    """What of a sheet is used, and as what.

    Parameters
    ----------
    columns : dict of str to Binding
        By canonical name.
    endpoints : dict of str to EndpointBinding
        By endpoint.
    ignored : list of int
        Source columns that nothing uses.
    problems : list of Problem
        Doubled, missing and near-miss headers.
    """

    columns: dict[str, Binding] = field(default_factory=dict)
    endpoints: dict[str, EndpointBinding] = field(default_factory=dict)
    ignored: list[int] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def bind_columns(sheet: Sheet, cohort_map: CohortMap | None) -> Bindings:
    """Find the canonical columns of a sheet.

    Parameters
    ----------
    sheet : Sheet
        The table as read.
    cohort_map : CohortMap or None
        What its owner says about it. Convention headers that the map doesn't mention are used as they are.

    Returns
    -------
    Bindings
        With every problem; nothing is raised here.
    """
    bindings = Bindings()
    by_map = cohort_map or CohortMap()
    _bind_mapped(sheet, by_map, bindings)
    _bind_mapped_endpoints(sheet, by_map, bindings)
    _bind_convention(sheet, bindings, exact=cohort_map is not None)
    used = {b.index for b in bindings.columns.values()}
    for endpoint in bindings.endpoints.values():
        used |= endpoint.positions
    bindings.ignored = [i for i, header in enumerate(sheet.headers) if i not in used and header]
    return bindings


def near_misses(name: str, headers: tuple[str, ...]) -> list[str]:
    """Source headers that could have been meant.

    Parameters
    ----------
    name : str
        A canonical header.
    headers : tuple of str
        Headers as found.

    Returns
    -------
    list of str
        At most three, the closest first.

    Examples
    --------
    >>> near_misses("igf1_ng_ml", ("igf1_ngml", "comment"))
    ['igf1_ngml']
    """
    folded = {fold(header): header for header in headers if header}
    base = COLUMNS.get(name) or next((c for c in COLUMNS.values() if c.header == name), None)
    wanted = {name, *((base.name, *base.aliases) if base else ())}
    hits = [header for text, header in folded.items() if text in wanted]
    # what another column is called is no misspelling of this one: ER_IHC isn't her2_ihc
    free = [text for text in folded if _OWNER.get(text) in {None, base.name if base else None}]
    hits += [folded[m] for m in difflib.get_close_matches(name, free, n=3, cutoff=0.75)]
    if "_event" in name:
        hits += [header for text, header in folded.items() if text.startswith(name.split("_")[0] + "_")]
    return list(dict.fromkeys(hits))[:3]


def no_identifier(headers: tuple[str, ...]) -> str:
    """What is told where no column is the patient's identifier.

    Parameters
    ----------
    headers : tuple of str
        Headers as found.

    Returns
    -------
    str
        With at most three that could be it.

    Examples
    --------
    >>> no_identifier(("record_id", "age")).partition(";")[0]
    'column missing (found record_id: is it the one?)'
    """
    close = [*near_misses("patient_id", headers), *(h for h in headers if fold(h).endswith("_id"))]
    named = ", ".join(safe_text(h) for h in dict.fromkeys(close[:3]))
    found = f" (found {named}: is it the one?)" if named else ""
    return f"column missing{found}; name it so, or map it: patient_id: <column>, or patient_id: {{row_number: true}}"


def _position(sheet: Sheet, header: str, bindings: Bindings, what: str) -> int | None:
    places = [i for i, found in enumerate(sheet.headers) if found == header]
    if len(places) == 1:
        return places[0]
    if places:
        remedy = f"the header {safe_text(header)!r} stands twice; rename one of the two columns"
    else:
        # another endpoint's column is no misspelling of this one's
        others = ENDPOINTS.keys() - {what.split("_")[0]} if what.split("_")[0] in ENDPOINTS else set()
        spelled = {fold(h): h for h in sheet.headers if h and fold(h).split("_")[0] not in others}
        close = difflib.get_close_matches(fold(header), list(spelled), n=1, cutoff=0.6)
        hint = f"; did you mean {safe_text(spelled[close[0]])!r}?" if close else ""
        remedy = f"the map names the column {safe_text(header)!r}, which is not in the file{hint}"
    bindings.problems.append(Problem(code="header", severity=Severity.ERROR, column=what, remedy=remedy))
    return None


def _bind_mapped(sheet: Sheet, by_map: CohortMap, bindings: Bindings) -> None:
    for name, source in by_map.columns.items():
        column = COLUMNS[name]
        unit = source.unit or (None if column.is_concentration else column.unit)
        if source.column is None:
            header = "row number" if source.row_number else f"= {source.value}"
            bindings.columns[name] = Binding(
                column=column, index=None, header=header, unit=unit, source=source
            )
            continue
        index = _position(sheet, source.column, bindings, name)
        if index is not None:
            stated = find_header(source.column)
            if unit is None and stated and stated[0].name == name:
                unit = stated[1]
            bindings.columns[name] = Binding(
                column=column, index=index, header=source.column, unit=unit, source=source
            )


def _bind_mapped_endpoints(sheet: Sheet, by_map: CohortMap, bindings: Bindings) -> None:
    for name, source in by_map.endpoints.items():
        found: dict[str, int | None] = {
            "event": _position(sheet, source.event.column, bindings, f"{name}_event")
        }
        if source.time is not None:
            found["time"] = _position(sheet, source.time, bindings, f"{name}_{source.unit}")
        else:
            for part, date in (("start", source.from_), ("stop", source.to)):
                found[part] = _date_position(sheet, str(date), by_map, bindings, name)
        if source.cause is not None:
            found["cause"] = _position(sheet, source.cause.column, bindings, f"{name}_cause")
        bindings.endpoints[name] = _endpoint(name, source, found)


def _endpoint(name: str, source: EndpointSource, found: dict[str, int | None]) -> EndpointBinding:
    return EndpointBinding(
        name=name,
        time=found.get("time"),
        event=found.get("event"),
        start=found.get("start"),
        stop=found.get("stop"),
        unit=source.unit,
        codes=source.event,
        declared=True,
        definition=source.definition,
        note=source.note,
        cause=found.get("cause"),
        causes=source.cause or _PLAIN_CAUSE,
    )


def _date_position(sheet: Sheet, date: str, by_map: CohortMap, bindings: Bindings, name: str) -> int | None:
    """A date of an endpoint: a canonical date that the map reads, or a source header."""
    mapped = by_map.columns.get(date)
    header = mapped.column if mapped and mapped.column else date
    return _position(sheet, header, bindings, name)


def _bind_convention(sheet: Sheet, bindings: Bindings, *, exact: bool) -> None:
    taken = {b.index for b in bindings.columns.values()}
    places: dict[str, list[tuple[int, str]]] = {}
    for index, header in enumerate(sheet.headers):
        found = find_header(header)
        if found and index not in taken and (header == fold(header) or not exact):
            places.setdefault(found[0].name, []).append((index, found[1]))
    for name, hits in places.items():
        if name in bindings.columns:
            continue
        if len(hits) > 1:
            headers = " and ".join(safe_text(sheet.headers[i]) for i, _ in hits)
            remedy = f"twice in the header ({headers}); keep one, or choose it in a cohort map"
            column = COLUMNS[name].header
            bindings.problems.append(
                Problem(code="header", severity=Severity.ERROR, column=column, remedy=remedy)
            )
            continue
        index, unit = hits[0]
        source = ColumnSource(column=sheet.headers[index] or "-")
        bindings.columns[name] = Binding(
            column=COLUMNS[name], index=index, header=sheet.headers[index], unit=unit, source=source
        )
    _bind_convention_endpoints(sheet, bindings)


def _bind_convention_endpoints(sheet: Sheet, bindings: Bindings) -> None:
    mapped = frozenset(bindings.endpoints)
    parts: dict[str, dict[str, list[int]]] = {}
    for index, header in enumerate(sheet.headers):
        found = find_endpoint_header(header)
        # of an endpoint of the map only its cause and definition may still be missing
        if found and (found[0] not in mapped or (found[1] in _ABOUT and header == fold(header))):
            parts.setdefault(found[0], {}).setdefault(found[1], []).append(index)
    for name, hits in parts.items():
        about = {part: hits.pop(part) for part in _ABOUT if part in hits}
        if hits:
            _bind_times_and_events(name, hits, bindings)
        if name in bindings.endpoints:
            _bind_about(name, about, bindings)


def _bind_times_and_events(name: str, hits: dict[str, list[int]], bindings: Bindings) -> None:
    doubled = [part for part, places in hits.items() if len(places) > 1]
    times = [unit for unit in ("months", "days", "years") if unit in hits]
    if doubled or len(times) > 1:
        which = f"{name}_{doubled[0]}" if doubled else f"{name}_{times[0]} and {name}_{times[1]}"
        _add_doubled(which, bindings)
        return
    bindings.endpoints[name] = EndpointBinding(
        name=name,
        time=hits[times[0]][0] if times else None,
        event=hits["event"][0] if "event" in hits else None,
        unit=times[0] if times else None,
    )


def _bind_about(name: str, about: dict[str, list[int]], bindings: Bindings) -> None:
    """Cause and definition by the convention, where the map says nothing of them."""
    endpoint = bindings.endpoints[name]
    said = {"cause": endpoint.causes is not _PLAIN_CAUSE, "definition": endpoint.definition is not None}
    for part, places in about.items():
        if said[part]:
            continue
        if len(places) > 1:
            _add_doubled(f"{name}_{part}", bindings)
        elif part == "cause":
            endpoint = replace(endpoint, cause=places[0])
        else:
            endpoint = replace(endpoint, definition_column=places[0])
    bindings.endpoints[name] = endpoint


def _add_doubled(which: str, bindings: Bindings) -> None:
    remedy = "twice in the header; keep one, or choose it in a cohort map"
    bindings.problems.append(Problem(code="header", severity=Severity.ERROR, column=which, remedy=remedy))
