"""Which rows belong to the cohort, and several rows of one patient brought together as the map says.

Nothing is brought together that the map doesn't name, and what was done is said with its counts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from igfstrat.cohort.binding import Bindings
from igfstrat.cohort.cohort_map import CohortMap, RowSettings
from igfstrat.cohort.decode import MISSING_WORDS
from igfstrat.cohort.sheet import Sheet
from igfstrat.errors import CohortError, Problem, Severity, safe_text


def filter_rows(sheet: Sheet, rows: RowSettings) -> tuple[Sheet, int]:
    """Rows that the map keeps, and how many it leaves out.

    Parameters
    ----------
    sheet : Sheet
        The table.
    rows : RowSettings
        Conditions and excluded row numbers.

    Returns
    -------
    tuple of Sheet and int
        The table of what is left, and the number of rows left out.

    Raises
    ------
    CohortError
        If a column or row that the map names is not there, or nothing is left.
    """
    absent = sorted(set(rows.exclude) - set(sheet.row_numbers.tolist()))
    if absent:
        raise _error(sheet, f"rows: {{exclude: …}} names row {absent[0]}, which holds no patient")
    keep = ~np.isin(sheet.row_numbers, rows.exclude)
    unmet: dict[str, Sequence[str]] = {}
    for header, wanted in rows.where.items():
        words = (wanted,) if isinstance(wanted, str) else wanted
        is_met = sheet.cells[_position(sheet, header, "where")].str.strip().isin(words).to_numpy(dtype=bool)
        unmet |= {} if is_met.any() else {header: words}
        keep &= is_met
    if not keep.any():
        raise _error(sheet, no_row_left(unmet))
    return sheet.take(np.flatnonzero(keep)), int((~keep).sum())


def no_row_left(unmet: Mapping[str, Sequence[str]]) -> str:
    """What is told where a map keeps no row.

    Parameters
    ----------
    unmet : mapping of str to sequence of str
        Words that no row holds, by the header of their condition; empty where only all conditions together are not met.

    Returns
    -------
    str
        The words of the map; what the file holds instead may be anything.
    """
    none = [
        f"{safe_text(h)} holds {' or '.join(map(safe_text, words))} in no row" for h, words in unmet.items()
    ]
    return (
        f"no row is left after rows: {{where: …, exclude: …}}{': ' if none else ''}{'; '.join(none)}; check the words in the"
        " map against the cells"
    )


def merge_patients(sheet: Sheet, cohort_map: CohortMap, bindings: Bindings) -> tuple[Sheet, int]:
    """One row for each patient, where the map says how.

    Parameters
    ----------
    sheet : Sheet
        The table; a patient may have several rows.
    cohort_map : CohortMap
        Its `rows:` name the columns that tell patients apart, and how a column is brought together.
    bindings : Bindings
        Which columns are used, and as what.

    Returns
    -------
    tuple of Sheet and int
        The table, with each patient in the place of the first row, and how many rows are less.

    Raises
    ------
    CohortError
        If a column that the map names is not there.
    """
    rows = cohort_map.rows
    if not rows.one_patient_per:
        return sheet, 0
    merger = _Merger(sheet, cohort_map, bindings)
    keys = [_position(sheet, header, "one_patient_per") for header in rows.one_patient_per]
    groups: dict[tuple[object, ...], list[int]] = {}
    for index, values in enumerate(sheet.cells[keys].itertuples(index=False, name=None)):
        key = tuple(text.strip() for text in values)
        # a row without a key is nobody's second row
        groups.setdefault(key if any(key) else (index,), []).append(index)
    n_less = len(sheet.cells) - len(groups)
    if not n_less:
        return sheet, 0
    cells = pd.DataFrame(
        [merger.merge(group) for group in groups.values()], columns=sheet.cells.columns, dtype=object
    )
    firsts = {
        int(sheet.row_numbers[i]): int(sheet.row_numbers[group[0]])
        for group in groups.values()
        for i in group
    }
    return replace(
        sheet,
        cells=cells,
        row_numbers=sheet.row_numbers[[group[0] for group in groups.values()]],
        marks=tuple(replace(mark, row=firsts[mark.row]) for mark in sheet.marks if mark.row in firsts),
        problems=(*sheet.problems, merger.notice(len(groups)), *merger.problems),
    ), n_less


class _Merger:
    """Brings the cells of a patient together, column by column."""

    def __init__(self, sheet: Sheet, cohort_map: CohortMap, bindings: Bindings) -> None:
        self.sheet = sheet
        self.map = cohort_map
        self.rows: list[list[str]] = sheet.cells.to_numpy(dtype=object).tolist()
        self.bound = {b.index: b for b in bindings.columns.values()}
        self.timed = {p for e in bindings.endpoints.values() for p in e.positions}
        self.problems: list[Problem] = []

    def notice(self, n_patients: int) -> Problem:
        how = "".join(f", {name} by its {way}" for name, way in self.map.rows.aggregate.items())
        per = ", ".join(map(safe_text, self.map.rows.one_patient_per))
        remedy = f"{len(self.rows)} rows of {n_patients} patients were brought together by {per}{how}"
        return Problem(code="merged_rows", severity=Severity.NOTICE, remedy=remedy)

    def merge(self, group: list[int]) -> list[str]:
        if len(group) == 1:
            return self.rows[group[0]]
        return [self._cell(position, group) for position in range(len(self.rows[0]))]

    def _cell(self, position: int, group: list[int]) -> str:
        binding = self.bound.get(position)
        own = binding.source.missing if binding else ()
        missing = MISSING_WORDS | {word.lower() for word in (*self.map.missing, *own)}
        filled = [text for i in group if (text := self.rows[i][position].strip()).lower() not in missing]
        if len(set(filled)) <= 1:
            return filled[0] if filled else ""
        way = self.map.rows.aggregate.get(binding.column.name) if binding else None
        numbers = _numbers(filled, self.map.file.decimal) if way in {"mean", "max", "min"} else None
        if numbers:
            value = {"mean": float(np.mean(numbers)), "max": max(numbers), "min": min(numbers)}[str(way)]
            return repr(value).replace(".", self.map.file.decimal)
        if way != "first" and (binding or position in self.timed):  # the rest is only carried through
            column = binding.column.header if binding else safe_text(self.sheet.headers[position])
            self._say(column, group, "not all are numbers" if way else "they differ")
        return filled[0]

    def _say(self, column: str, group: list[int], why: str) -> None:
        row = int(self.sheet.row_numbers[group[0]])
        remedy = f"{why} in the {len(group)} rows of this patient; the first was kept: say under rows: {{aggregate: …}} what counts"
        self.problems.append(
            Problem(code="merged_rows_differ", severity=Severity.FLAG, column=column, row=row, remedy=remedy)
        )


def _numbers(texts: Sequence[str], decimal: str) -> list[float] | None:
    try:
        numbers = [float(text.replace(decimal, ".")) for text in texts]
    except ValueError:
        return None
    return numbers if np.isfinite(numbers).all() else None


def _position(sheet: Sheet, header: str, key: str) -> int:
    places = [j for j, found in enumerate(sheet.headers) if found == header]
    if len(places) != 1:
        what = "stands twice in" if places else "is not in"
        raise _error(
            sheet, f"rows: {{{key}: …}} names the column {safe_text(header)!r}, which {what} the file"
        )
    return places[0]


def _error(sheet: Sheet, remedy: str) -> CohortError:
    return CohortError(sheet.place, [Problem(code="rows", severity=Severity.ERROR, remedy=remedy)])
