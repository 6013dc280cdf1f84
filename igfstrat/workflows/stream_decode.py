"""The first pass over a large file: every analyte decoded and judged as a whole column, its text let go.

Words are decoded once each, figures as arrays, by the functions that decode any cohort, so that a
value, a doubt and its remedy are the same. Held in memory: eight bytes a used cell, and what is
odd. Follow-up is carried through and not looked at here.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from igfstrat.cohort._child import text_of
from igfstrat.cohort.binding import Binding, bind_columns
from igfstrat.cohort.cell_doubts import find_other_unit, find_sentinels
from igfstrat.cohort.codes import decode_codes
from igfstrat.cohort.cohort import Cohort
from igfstrat.cohort.cohort_map import CohortMap
from igfstrat.cohort.dates import decode_dates
from igfstrat.cohort.decode import (
    _FIGURE,
    Decoded,
    _apply_bounds,
    _note_many_beyond,
    clean,
    decode_numbers,
)
from igfstrat.cohort.decoding import decode_sheet
from igfstrat.cohort.identity import _folded, check_identifiers, summary_rows
from igfstrat.cohort.plausibility import check_age, check_decimal_mark, check_unit
from igfstrat.errors import CohortError, Problem, Severity, safe_text
from igfstrat.units import conversion_factor
from igfstrat.workflows._stream_texts import FigureTexts, WordTexts
from igfstrat.workflows.stream_source import Cells, Source

NOT_CHECKED: Final = "endpoints"
_SIMPLE_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*", re.ASCII)
_TAIL: Final = 50
_MANY_WORDS: Final = 2_000


@dataclass(slots=True)
class _Column:
    """One bound column while its file goes by."""

    binding: Binding
    figures: list[NDArray[np.float64]] = field(default_factory=list)
    ids: list[NDArray[np.int32]] = field(default_factory=list)
    odd: dict[int, str] = field(default_factory=dict)
    words: dict[str, int] = field(default_factory=dict)

    def take(self, cells: Cells, start: int) -> None:
        if self.binding.column.kind == "number":
            self._take_figures(cells, start)
            return
        words, which = cells.words, cells.which
        if cells.figures is not None:
            which, figures = pd.factorize(cells.figures)
            words = [*(text_of(value) for value in figures.tolist()), ""]
            which = np.where(which < 0, len(figures), which)
        used = np.zeros(len(words) + 1, dtype=np.int32)
        for i in pd.unique(which):  # words in the order of the rows, whatever the pieces are
            used[i] = self.words.setdefault(words[i], len(self.words))
        self.ids.append(used[which])

    def _take_figures(self, cells: Cells, start: int) -> None:
        if cells.figures is not None:
            values = cells.figures.astype(np.float64, copy=True)
            for row in np.flatnonzero(np.isinf(values)):
                self.odd[start + int(row)] = str(values[row])
                values[row] = np.nan
            self.figures.append(values)
            return
        text, is_missing = clean(pd.Series(cells.words, dtype=object), frozenset())
        is_figure = text.str.fullmatch(_FIGURE, flags=re.IGNORECASE).to_numpy(dtype=bool) & ~is_missing
        values = np.full(len(text) + 1, np.nan)
        values[:-1][is_figure] = text[is_figure].to_numpy(dtype=object).astype(np.float64)
        is_odd = np.append(~is_figure & ~is_missing, False)
        for row in np.flatnonzero(is_odd[cells.which]):
            self.odd[start + int(row)] = cells.words[cells.which[row]]
        self.figures.append(values[cells.which])


@dataclass(frozen=True, slots=True, kw_only=True)
class Decodings:
    """A file after its first pass.

    Parameters
    ----------
    cohort : Cohort
        Its table is whole, its sheet holds no cells; problems of rows are in `by_row`.
    by_row : list of Problem
        What was noticed of single rows, in the order of columns.
    """

    cohort: Cohort
    by_row: list[Problem]


def decode_source(source: Source, size: int) -> Decodings:
    """Read a file once and decode what features may need.

    Parameters
    ----------
    source : Source
        From `open_source`.
    size : int
        Rows held as text at a time.

    Returns
    -------
    Decodings
        The same for any `size`.

    Raises
    ------
    CohortError
        If identifiers are missing or double, or the file ends in rows that are no patients.
    """
    return _FirstPass(source).run(size)


class _FirstPass:
    def __init__(self, source: Source) -> None:
        self.source, self.sheet = source, source.head
        self.bindings = bind_columns(self.sheet, None)
        self.columns = {name: _Column(b) for name, b in self.bindings.columns.items() if name != "patient_id"}
        self.table: dict[str, Any] = {}
        self.by_row: list[Problem] = []
        self.problems: list[Problem] = []
        self.unusable: dict[str, list[Problem]] = {}
        self.odd_ids: list[tuple[int, int, str]] = []

    def run(self, size: int) -> Decodings:
        head = decode_sheet(self.sheet, self.bindings, CohortMap())
        self.problems += [
            p for p in head.problems if p.row is None and p.code in {"direct_identifier", "header"}
        ]
        for problem in self.bindings.problems:
            self.unusable.setdefault(problem.column or "", []).append(problem)
        self._read(size)
        self._check_ids()
        for name, column in self.columns.items():
            self._finish(name, column)
        self._note_endpoints()
        n = len(self.row_numbers)
        doubtful = [c.binding.column.header for name, c in self.columns.items() if name in self.unusable]
        for header in [f"{h}{end}" for h in doubtful for end in ("", "_lower", "_upper")]:
            self.table.pop(header, None)
        cohort = replace(
            head, sheet=replace(self.sheet, cells=pd.DataFrame(index=range(n)), row_numbers=self.row_numbers),
            bindings=self.bindings, table=pd.DataFrame(self.table, index=range(n), copy=False),
            doubtful=pd.DataFrame(index=range(n)), problems=tuple(self.problems),
            unusable={name: tuple(found) for name, found in self.unusable.items()},
            set_aside=np.full(n, "", dtype=object), files=(self.source.path,),
        )  # fmt: skip
        return Decodings(cohort=cohort, by_row=self.by_row)

    def _read(self, size: int) -> None:
        binding = self.bindings.columns.get("patient_id")
        if binding is None or binding.index is None:
            remedy = "column missing; a file that is scored in pieces needs one of this name"
            raise CohortError(self.sheet.place, [_error("header", "patient_id", remedy)])
        numbers, hashes = [], []
        self.tail: list[list[str]] = []
        for piece in self.source.pieces(size):
            numbers.append(piece.row_numbers)
            hashes.append(self._hash_ids(piece.columns[binding.index], piece.start, piece.row_numbers))
            for column in self.columns.values():
                assert column.binding.index is not None
                column.take(piece.columns[column.binding.index], piece.start)
            self._keep_tail([_last(cells) for cells in piece.columns])
        self.row_numbers = np.concatenate(numbers)
        self.hashes = np.concatenate(hashes)

    def _keep_tail(self, columns: list[NDArray[np.object_]]) -> None:
        self.tail = [*self.tail, *(list(row) for row in zip(*columns, strict=True))][-_TAIL:]

    def _hash_ids(self, cells: Cells, start: int, rows: NDArray[np.int64]) -> NDArray[np.uint64]:
        """A number for each identifier, equal where two are one person written twice."""
        texts = cells.text()
        stripped = [str(text).strip() for text in texts]
        plain = [_SIMPLE_ID.fullmatch(text) is not None for text in stripped]
        folded = [t.casefold() if p else _folded(t) for t, p in zip(stripped, plain, strict=True)]
        odd = np.flatnonzero(~np.array(plain, dtype=bool))
        self.odd_ids += [(start + int(i), int(rows[i]), str(texts[i])) for i in odd]
        return np.asarray(pd.util.hash_array(np.array([*folded, ""], dtype=object)[:-1], categorize=False))

    def _check_ids(self) -> None:
        """Look closely at identifiers that are odd or seem double; the others are neither."""
        order = np.argsort(self.hashes, kind="stable")
        same = self.hashes[order][1:] == self.hashes[order][:-1]
        doubled = np.unique(np.concatenate([order[1:][same], order[:-1][same]]))
        ids = {place: (row, text) for place, row, text in self.odd_ids}
        if len(doubled):
            ids |= self._reread_ids(doubled)
        if ids:
            binding = self.bindings.columns["patient_id"]
            rows = [ids[place] for place in sorted(ids)]
            text = pd.Series([t for _, t in rows], dtype=object)
            sheet = replace(self.sheet, row_numbers=np.array([r for r, _ in rows], dtype=np.int64))
            found = check_identifiers(sheet, text, binding.index)
            if any(p.severity is Severity.ERROR for p in found):
                headline = f"{self.sheet.place} ({len(self.row_numbers)} rows)"
                raise CohortError(headline, found)
            self.by_row += found
        tail = pd.DataFrame(self.tail, columns=range(len(self.sheet.headers)), dtype=object)
        end = replace(self.sheet, cells=tail, row_numbers=self.row_numbers[-len(tail) :])
        last = summary_rows(end, tail[self.bindings.columns["patient_id"].index])
        if last:
            row = int(end.row_numbers[last[0]])
            remedy = f"from row {row} on there are a summary or notes under the data; delete them"
            raise CohortError(self.sheet.place, [_error("summary_row", "", remedy)])

    def _reread_ids(self, places: NDArray[np.intp]) -> dict[int, tuple[int, str]]:
        binding, found = self.bindings.columns["patient_id"], {}
        assert binding.index is not None
        wanted = set(places.tolist())
        for piece in self.source.pieces(100_000):
            here = wanted.intersection(range(piece.start, piece.start + len(piece.row_numbers)))
            texts = piece.columns[binding.index].text() if here else ()
            for place in here:
                i = place - piece.start
                found[place] = (int(piece.row_numbers[i]), str(texts[i]))
        return found

    def _finish(self, name: str, column: _Column) -> None:
        binding, kind = column.binding, column.binding.column.kind
        if kind == "number":
            decoded, texts = _finish_numbers(column)
            fault = _fault_of_numbers(binding, decoded, column)
        else:
            decoded, texts, fault = _finish_words(column)
        header = binding.column.header
        self.table[header] = decoded.values
        if decoded.lower is not None:
            self.table[f"{header}_lower"], self.table[f"{header}_upper"] = decoded.lower, decoded.upper
        column.figures, column.ids = [], []
        if fault is not None:
            self.unusable.setdefault(name, []).append(fault)
            return
        self.by_row += [
            Problem(
                code=code, severity=Severity.FLAG, column=header, row=int(self.row_numbers[place]),
                value=safe_text(texts[place]), remedy=remedy,
            )
            for place, code, remedy in decoded.flags
        ]  # fmt: skip
        self.problems += [
            Problem(code=code, severity=Severity.NOTICE, column=header, remedy=remedy)
            for code, remedy in decoded.notices
        ]

    def _note_endpoints(self) -> None:
        if self.bindings.endpoints:
            names = ", ".join(self.bindings.endpoints)
            remedy = f"a file in pieces is scored without a look at its follow-up ({names}): igfstrat check looks at it"
            self.problems.append(
                Problem(code="not_checked", severity=Severity.NOTICE, column=NOT_CHECKED, remedy=remedy)
            )


def _last(cells: Cells) -> NDArray[np.object_]:
    figures = None if cells.figures is None else cells.figures[-_TAIL:]
    return Cells(cells.words, cells.which[-_TAIL:], figures).text()


def _error(code: str, column: str, remedy: str) -> Problem:
    return Problem(code=code, severity=Severity.ERROR, column=column or None, remedy=remedy)


def _finish_numbers(column: _Column) -> tuple[Decoded, dict[int, str]]:
    """As `decode_numbers` does for a whole column of text."""
    binding, schema = column.binding, column.binding.column
    values = np.concatenate(column.figures)
    column.figures = [values.copy()]
    texts: dict[int, str] = FigureTexts(column.figures[0])
    texts |= column.odd
    sentinels = find_sentinels(values, schema)
    how = "is a usual code for missing and counts as missing; declare it under 'missing:' in the map"
    decoded = Decoded(values)
    for row in sentinels.tolist():
        decoded.flags.append((row, "possible_sentinel", f"{values[row]:g} {how}"))
    values[sentinels] = np.nan
    lower, upper = values.copy(), values.copy()
    decoded.lower, decoded.upper = lower, upper
    substitute = CohortMap().beyond_limit.substitute
    odd = sorted(column.odd)
    words = pd.Series(list(dict.fromkeys(column.odd.values())), dtype=object)
    of_words = decode_numbers(
        words, schema, unit=binding.unit, decimal=".", missing=frozenset(), substitute=substitute
    )
    at = {word: i for i, word in enumerate(words)}
    said: dict[int, list[tuple[str, str]]] = {}
    for i, code, remedy in of_words.flags:
        said.setdefault(i, []).append((code, remedy))
    from_low = of_words.values if of_words.lower is None else of_words.lower
    from_high = of_words.values if of_words.upper is None else of_words.upper
    for row in odd:
        i = at[column.odd[row]]
        values[row], lower[row], upper[row] = of_words.values[i], from_low[i], from_high[i]
        decoded.flags += [(row, code, remedy) for code, remedy in said.get(i, [])]
    _check_bounds(column, decoded)
    if np.array_equal(lower, upper, equal_nan=True):
        decoded.lower = decoded.upper = None
    else:
        _note_many_beyond(lower, upper, substitute, decoded)
    return decoded, texts


def _check_bounds(column: _Column, decoded: Decoded) -> None:
    """Bounds of plain figures; odd cells were held against them already, in the canonical unit."""
    if column.binding.unit not in {None, column.binding.column.unit}:
        factor = _factor(column.binding)
        plain = np.ones(len(decoded.values), dtype=bool)
        plain[list(column.odd)] = False
        for array in (decoded.values, decoded.lower, decoded.upper):
            assert array is not None
            array[plain] *= factor
    _apply_bounds(decoded.values, column.binding.column, decoded)


def _factor(binding: Binding) -> float:
    assert binding.unit is not None
    is_unit = binding.column.is_concentration
    return conversion_factor(binding.column.name, binding.unit, binding.column.unit) if is_unit else 1.0


def _fault_of_numbers(binding: Binding, decoded: Decoded, column: _Column) -> Problem | None:
    """Whether the column as a whole is in doubt, as in any cohort."""
    schema, raw = binding.column, column.figures[0]
    found = check_decimal_mark(pd.Series([*column.odd.values()], dtype=object), schema.header, ".")
    if found is None and schema.is_concentration:
        if binding.unit is None:
            return _error(
                "unit", schema.header, "unit not stated; write it into the header, as in igf1_ng_ml"
            )
        found = check_unit(raw, schema, binding.unit)
        told = {row for row, _, _ in decoded.flags}
        for row, other, value in find_other_unit(raw, schema, binding.unit):
            if row not in told:
                fits = f"fits {other} (then {value:.4g} {schema.unit}) and not {binding.unit}"
                text = f"{fits}; taken as {binding.unit}: check the unit"
                decoded.flags.append((row, "unit_doubtful", text))
    elif found is None and schema.name == "age_years":
        found = check_age(raw)
    return found


def _finish_words(column: _Column) -> tuple[Decoded, dict[int, str], Problem | None]:
    """Codes, dates and text: each different word is decoded once."""
    schema, words = column.binding.column, list(column.words)
    ids = np.concatenate(column.ids)
    fault: str | None = None
    if schema.kind == "code":
        counts = np.bincount(ids, minlength=len(words))
        decoded, fault = _decode_levels(column.binding, words, counts)
    elif schema.kind == "date":
        decoded, fault = decode_dates(pd.Series(words, dtype=object), None, frozenset(), dt.date.today())
    else:
        text, is_missing = clean(pd.Series(words, dtype=object), frozenset())
        decoded = Decoded(np.where(is_missing, np.full(len(text), None), text.to_numpy(dtype=object)))
    flags = []
    for i, code, remedy in decoded.flags if fault is None else ():
        flags += [(int(row), code, remedy) for row in np.flatnonzero(ids == i)]
    whole = Decoded(decoded.values[ids], flags=sorted(flags), notices=decoded.notices)
    problem = (
        _error("codes" if schema.kind == "code" else "date_order", schema.header, fault) if fault else None
    )
    return whole, WordTexts(ids, words), problem


def _decode_levels(
    binding: Binding, words: list[str], counts: NDArray[np.intp]
) -> tuple[Decoded, str | None]:
    """Codes of words. Which spelling is the usual one goes by how often each occurs, so by ranks as well."""
    schema = binding.column
    if len(words) > _MANY_WORDS:
        return Decoded(
            np.full(len(words), None)
        ), f"{len(words):,} different words are not codes of {schema.name}"
    times = np.unique(counts, return_inverse=True)[1] + 1
    series = pd.Series(np.repeat(np.array(words, dtype=object), times), dtype=object)
    first = np.concatenate([[0], np.cumsum(times)[:-1]]).astype(np.intp)
    decoded = decode_codes(series, schema, binding.source.codes, frozenset())
    place = {int(row): i for i, row in enumerate(first)}
    levels = Decoded(decoded.values[first])
    levels.flags = [(place[row], code, remedy) for row, code, remedy in decoded.flags if row in place]
    unknown = int(sum(counts[i] for i, code, _ in levels.flags if code == "invalid_code"))
    filled = unknown + int(sum(n for n, v in zip(counts, levels.values, strict=True) if v is not None))
    if unknown > max(1, filled // 2):
        return levels, f"most values are not codes of {schema.name} ({', '.join(schema.codes)})"
    return levels, None
