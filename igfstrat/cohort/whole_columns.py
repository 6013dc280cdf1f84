"""The first pass over a large table: every column judged as a whole, its text let go.

What comes out is a `Cohort` like any other, but its sheet holds no cells, its coded columns are categorical,
and what was noticed of rows is kept by what it says, not row by row. Identifiers are compared by a hash, and
those that are odd or seem double by their text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from igfstrat.cohort.binding import Binding, bind_columns, no_identifier
from igfstrat.cohort.cell_doubts import find_other_unit
from igfstrat.cohort.cohort import Cohort
from igfstrat.cohort.cohort_map import CohortMap
from igfstrat.cohort.column_collectors import NumberCollector, WordCollector
from igfstrat.cohort.column_verdicts import (
    Flags,
    Verdict,
    grouped,
    judge_numbers,
    judge_words,
    make_levels,
)
from igfstrat.cohort.decode import describe_conversion
from igfstrat.cohort.decoding import Decoder
from igfstrat.cohort.identity import summary_rows
from igfstrat.cohort.memory import release_memory
from igfstrat.cohort.piece_checks import Carried, Identifiers, RowProblems, by_finding
from igfstrat.cohort.pieces import Cells, Piece, Source
from igfstrat.cohort.plausibility import check_age, check_unit, judge_decimal_marks, question_of_unit
from igfstrat.errors import CohortError, Problem, Severity, safe_text
from igfstrat.schema import COLUMNS

_TAIL: Final = 50
_NOT_A_PATIENT: Final = "a summary or note, not a patient"
# rows of columns that are judged at the same time: each takes some thirty bytes a row meanwhile
_ROWS_TOGETHER: Final = 12_000_000
_BLOCK: Final = 1 << 18

Places = NDArray[np.intp]


@dataclass(frozen=True, slots=True, kw_only=True)
class WholeColumns:
    """A large table after its first pass.

    Parameters
    ----------
    cohort : Cohort
        Its sheet holds no cells and its row numbers in four bytes each where they fit; its `problems` are those of the
        file, `table` is compact.
    by_row : tuple of RowProblems
        What was noticed of rows, columns in the order in which they come first.
    aside : dict of int to str
        Rows from 0 that are no patients, and why.
    """

    cohort: Cohort
    by_row: tuple[RowProblems, ...]
    aside: dict[int, str]


def plain_table(table: pd.DataFrame) -> pd.DataFrame:
    """A compact table as every other part of the package knows it.

    Parameters
    ----------
    table : DataFrame, one row a patient row
        Coded columns may be categorical.

    Returns
    -------
    DataFrame, one row a patient row
        Coded columns as objects, None where there is no value.
    """
    columns = {
        name: _words_of(values) if isinstance(values.dtype, pd.CategoricalDtype) else values.to_numpy()
        for name, values in table.items()
    }
    return pd.DataFrame(columns, index=range(len(table)), copy=False)


def _words_of(values: pd.Series) -> NDArray[np.object_]:
    levels, codes = np.array([*values.cat.categories, None], dtype=object), values.cat.codes.to_numpy()
    if len(codes) > _BLOCK and (codes == codes[0]).all():  # what is the same for all rows takes no room
        return np.broadcast_to(levels[codes[:1]], len(codes))
    words = np.empty(len(codes), dtype=object)
    for start in range(0, len(codes), _BLOCK):  # each index takes eight bytes
        words[start : start + _BLOCK] = levels[codes[start : start + _BLOCK]]
    return words


def judge_columns(
    source: Source, cohort_map: CohortMap | None, size: int, progress: Callable[[int], None] | None = None,
    *, n_threads: int = 1,
) -> WholeColumns:  # fmt: skip
    """Read a table once and decode what is used of it.

    Parameters
    ----------
    source : Source
        From `open_source`.
    cohort_map : CohortMap or None
        What its owner says about it; without joins and merges of rows.
    size : int
        Rows held as text at a time; it changes nothing.
    progress : callable, optional
        Gets the rows read.
    n_threads : int
        Columns that are looked at at the same time, and judged where memory allows it; it changes nothing.

    Returns
    -------
    WholeColumns
        Nothing is raised for a column in doubt.

    Raises
    ------
    CohortError
        If identifiers are missing or double, or no row is a patient.
    """
    return _FirstPass(source, cohort_map, progress).run(size, n_threads)


class _FirstPass:
    def __init__(
        self, source: Source, cohort_map: CohortMap | None, progress: Callable[[int], None] | None
    ) -> None:
        self.progress = progress
        self.source, self.sheet, self.map = source, source.head, cohort_map or CohortMap()
        self.bindings = bind_columns(self.sheet, cohort_map)
        used = {name: b for name, b in self.bindings.columns.items() if name != "patient_id"}
        self.numbers = {
            name: NumberCollector(self._missing(b), self.map.file.decimal)
            for name, b in used.items() if b.column.kind == "number"
        }  # fmt: skip
        self.words = {name: WordCollector() for name in used if name not in self.numbers}
        followed = sorted({at for e in self.bindings.endpoints.values() for at in e.positions})
        self.followup = {at: WordCollector() for at in followed}
        ids = self.bindings.columns.get("patient_id")
        self.ids = Identifiers(ids.index if ids else None)
        self.carried = Carried(self.sheet, self.bindings.ignored, self.ids.column)
        self.table: dict[str, Any] = {}
        self.units: dict[str, str] = {}
        self.problems: list[Problem] = [*self.sheet.problems, *self.carried.problems]
        self.unusable: dict[str, list[Problem]] = {}
        self.by_row: list[RowProblems] = []

    def run(self, size: int, n_threads: int) -> WholeColumns:
        if "patient_id" not in self.bindings.columns:
            remedy = no_identifier(self.sheet.headers)
            found = [p for p in self.bindings.problems if p.column == "patient_id"]
            raise CohortError(self.sheet.place, found or [_error("header", "patient_id", remedy)])
        for problem in self.bindings.problems:
            self._spoil(problem.column or "", problem)
        self._read(size, n_threads)
        self.aside = self._summary_rows()
        if len(self.aside) == len(self.row_numbers):
            raise CohortError(
                self.sheet.place, [_error("empty", "", "no patients: every row is a summary or a note")]
            )
        self.by_row += self.carried.finish()
        remedy = "a summary or note under the data, not scored as a patient; delete the row"
        self._add_rows([Flags("summary_row", remedy, self.aside)], None, None)
        self._judge_all(size, n_threads)
        endpoints = self._follow() if self.followup else {}
        release_memory()
        return self._result(endpoints)

    def _read(self, size: int, n_threads: int) -> None:
        numbers: list[NDArray[np.integer[Any]]] = []
        tail: list[list[str]] = []
        with ThreadPoolExecutor(n_threads) as pool:
            for piece in self.source.pieces(size):
                self._take(piece, pool.map if n_threads > 1 else map)
                numbers.append(_compact(piece.row_numbers))
                if self.progress:
                    self.progress(piece.stop)
                tail = [*tail, *_last_rows(piece)][-_TAIL:]
        self.row_numbers = np.concatenate(numbers)
        del numbers
        release_memory()
        self.tail = pd.DataFrame(tail, columns=range(len(self.sheet.headers)), dtype=object)

    def _take(self, piece: Piece, each: Callable[..., Iterable[None]]) -> None:
        """Columns know nothing of each other."""
        columns = self.bindings.columns
        jobs = [partial(self.ids.take, piece), partial(self.carried.take, piece)]
        used: dict[str, NumberCollector | WordCollector] = {**self.numbers, **self.words}
        for name, collector in used.items():
            jobs.append(partial(_collect, collector, piece, columns[name].index, columns[name].source.value))
        jobs += [partial(_collect, collector, piece, at) for at, collector in self.followup.items()]
        for _ in each(lambda job: job(), jobs):
            pass

    def _missing(self, binding: Binding | None = None) -> frozenset[str]:
        own = binding.source.missing if binding else ()
        return frozenset(word.lower() for word in (*self.map.missing, *own))

    def _summary_rows(self) -> Places:
        end = replace(self.sheet, cells=self.tail, row_numbers=self.row_numbers[-len(self.tail) :])
        at = self.ids.column
        ids = self.tail[at] if at is not None else pd.Series(end.row_numbers.astype(str), dtype=object)
        first = len(self.row_numbers) - len(self.tail)
        return np.array(summary_rows(end, ids), dtype=np.intp) + first

    def _judge_all(self, size: int, n_threads: int) -> None:
        """Identifiers and columns, which know nothing of each other; what is found is told in the order of the header."""
        together = max(1, min(n_threads, _ROWS_TOGETHER // len(self.row_numbers)))
        used = {name: b for name, b in self.bindings.columns.items() if name != "patient_id"}
        with ThreadPoolExecutor(together) as pool:
            ids = pool.submit(self.ids.check, self.source, size, self.aside)
            judged = {name: pool.submit(self._judge, name, binding) for name, binding in used.items()}
            self._note_identifiers(ids.result())
            release_memory()
            for name, binding in used.items():
                self._tell(name, binding, *judged.pop(name).result())
                release_memory()

    def _note_identifiers(self, found: list[Problem]) -> None:
        if any(p.severity is Severity.ERROR for p in found):
            headline = f"{self.sheet.place} ({len(self.row_numbers)} rows)"
            raise CohortError(headline, found)
        self.by_row += by_finding(found, self.row_numbers)

    def _judge(self, name: str, binding: Binding) -> tuple[Verdict, Callable[[int], str]]:
        if name in self.numbers:
            figures = self.numbers[name].finish(self.aside)
            verdict = judge_numbers(figures, binding, self.map, self._missing(binding))
            self._judge_number(name, binding, figures.raw, verdict)
            return verdict, figures.text_at
        words, ids = self.words[name].finish(self.aside)
        return judge_words(words, ids, binding, self.map, self._missing(binding)), _TextOfWords(words, ids)

    def _tell(
        self, name: str, binding: Binding, verdict: Verdict, text_at: Callable[[int], str]
    ) -> None:  # fmt: skip
        column = binding.column
        if verdict.fault:
            self._spoil(name, self._with_place(verdict.fault, text_at))
        elif binding.index is None and verdict.flags:
            remedy = f"the constant of the map {verdict.flags[0].remedy}"
            value = safe_text(binding.source.value)
            self._spoil(name, replace(_error("codes", name, remedy), value=value))
        elif name not in self.unusable:
            self._add_rows(verdict.flags, column.header, text_at)
            self.problems += [
                Problem(code=code, severity=Severity.NOTICE, column=column.header, remedy=remedy)
                for code, remedy in verdict.notices
            ]
        self._keep(name, binding, verdict)

    def _with_place(self, fault: Problem, text_at: Callable[[int], str]) -> Problem:
        if fault.code != "date_order":
            return fault
        first = next(i for i in range(len(self.row_numbers)) if text_at(i) != "")
        return replace(fault, remedy=f"{fault.remedy} (from row {int(self.row_numbers[first])})")

    def _judge_number(
        self, name: str, binding: Binding, raw: NDArray[np.float64], verdict: Verdict
    ) -> None:  # fmt: skip
        """Whether the column as a whole is in doubt, as in any cohort."""
        column, collector = binding.column, self.numbers[name]
        marks = judge_decimal_marks(collector.commas, collector.points, column.header, self.map.file.decimal)
        verdict.fault = marks or verdict.fault
        if verdict.fault:
            return
        if column.is_concentration and binding.unit is None:
            verdict.fault = question_of_unit(raw, column)
        elif column.is_concentration and binding.unit:
            verdict.fault = check_unit(raw, column, binding.unit)
            self._add_other_unit(binding.unit, raw, binding, verdict)
        elif column.name == "age_years":
            verdict.fault = check_age(raw)

    def _add_other_unit(
        self, unit: str, raw: NDArray[np.float64], binding: Binding, verdict: Verdict
    ) -> None:  # fmt: skip
        told = set(np.concatenate([np.array([], dtype=np.intp), *(f.places for f in verdict.flags)]).tolist())
        verdict.flags += grouped(
            (row, "unit_doubtful", f"fits {other} (then {value:.4g} {binding.column.unit}) and not {unit};"
             f" taken as {unit}: check the unit")
            for row, other, value in find_other_unit(raw, binding.column, unit) if row not in told
        )  # fmt: skip

    def _keep(self, name: str, binding: Binding, verdict: Verdict) -> None:
        column, n = binding.column, len(self.row_numbers)
        self.table[column.header] = verdict.values
        if verdict.lower is not None:
            self.table[f"{column.header}_lower"] = verdict.lower
            self.table[f"{column.header}_upper"] = verdict.upper
        if binding.unit and column.is_concentration and binding.unit != column.unit:
            self.units[column.header] = describe_conversion(column, binding.unit)
        for extra, word in (("assay", binding.source.assay), ("matrix", binding.source.matrix)):
            if word is not None and f"{name}_{extra}" not in self.bindings.columns:
                self.table[f"{name}_{extra}"] = _constant(word, n)

    def _spoil(self, name: str, problem: Problem) -> None:
        base = next((c.name for c in COLUMNS.values() if name in {c.name, c.header}), name.split("_")[0])
        if name.endswith(("_cause", "_definition")):
            base = name
        self.unusable.setdefault(base, []).append(problem)

    def _add_rows(
        self, flags: Sequence[Flags], header: str | None, text_at: Callable[[int], str] | None
    ) -> None:  # fmt: skip
        for flag in flags:
            by_text: dict[str | None, list[int]] = {}
            for place in flag.places.tolist():
                by_text.setdefault(safe_text(text_at(place)) if text_at else None, []).append(place)
            for value, places in by_text.items():
                problem = Problem(
                    code=flag.code, severity=Severity.FLAG, column=header, value=value, remedy=flag.remedy
                )
                self.by_row.append(RowProblems(problem, np.array(places, dtype=np.intp)))

    def _follow(self) -> dict[str, Any]:
        """Endpoints, by the code that decodes those of any cohort."""
        n = len(self.row_numbers)
        cells: dict[int, Any] = dict.fromkeys(range(len(self.sheet.headers)), _constant("", n))
        for at, collector in self.followup.items():
            words, ids = collector.finish(np.array([], dtype=np.intp))
            cells[at] = make_levels(ids, words)
        sheet = replace(self.sheet, cells=pd.DataFrame(cells, copy=False), row_numbers=self.row_numbers)
        decoder = Decoder(sheet, self.bindings, self.map, table=self.table, unusable=self.unusable)
        endpoints = decoder.follow(np.delete(np.arange(n), self.aside) if len(self.aside) else None)
        self.problems += [p for p in decoder.problems if p.row is None]
        self.by_row += by_finding([p for p in decoder.problems if p.row is not None], self.row_numbers)
        return endpoints

    def _result(self, endpoints: dict[str, Any]) -> WholeColumns:
        n = len(self.row_numbers)
        headers = [COLUMNS[name].header for name in self.unusable if name in COLUMNS]
        for header in [f"{h}{end}" for h in headers for end in ("", "_lower", "_upper")]:
            self.table.pop(header, None)
        # what is the same for all rows takes no room; of the follow-up only counts are asked for
        aside: NDArray[np.object_] = np.broadcast_to(np.array("", dtype=object), n)
        if len(self.aside):
            aside = aside.copy()
            aside[self.aside] = _NOT_A_PATIENT
        none = np.array([], dtype=np.float64)
        endpoints = {name: replace(e, time=none, reasons=()) for name, e in endpoints.items()}
        cohort = Cohort(
            sheet=replace(self.sheet, cells=pd.DataFrame(index=range(n)), row_numbers=self.row_numbers),
            bindings=self.bindings, table=pd.DataFrame(self.table, index=range(n), copy=False),
            doubtful=pd.DataFrame(index=range(n)), endpoints=endpoints, problems=tuple(self.problems),
            unusable={name: tuple(found) for name, found in self.unusable.items()}, set_aside=aside,
            units=self.units, notes=self.map.notes, files=self.source.files,
        )  # fmt: skip
        rank = {c: i for i, c in reversed(list(enumerate(f.problem.column for f in self.by_row)))}
        ordered = sorted(self.by_row, key=lambda f: rank[f.problem.column])
        by_row = tuple(f for f in ordered if len(f.places))
        return WholeColumns(
            cohort=cohort, by_row=by_row, aside=dict.fromkeys(self.aside.tolist(), _NOT_A_PATIENT)
        )


class _TextOfWords:
    def __init__(self, words: list[str], ids: NDArray[np.int32]) -> None:
        self.words, self.ids = words, ids

    def __call__(self, place: int) -> str:
        return self.words[int(self.ids[place])]


def _collect(
    collector: NumberCollector | WordCollector, piece: Piece, at: int | None, constant: str | None = None
) -> None:
    if at is not None:
        collector.take(piece.columns[at])
    else:
        collector.take(Cells(texts=np.full(len(piece.row_numbers), constant or "", dtype=object)))


def _last_rows(piece: Piece) -> list[list[str]]:
    last = piece.take(np.arange(max(len(piece.row_numbers) - _TAIL, 0), len(piece.row_numbers)), 0)
    return [list(row) for row in zip(*(cells.text() for cells in last.columns), strict=True)]


def _compact(row_numbers: NDArray[np.int64]) -> NDArray[np.integer[Any]]:
    """Rising numbers in four bytes each, where they fit."""
    return row_numbers.astype(np.int32 if row_numbers[-1] <= np.iinfo(np.int32).max else np.int64)


def _constant(word: str, n: int) -> pd.Categorical:
    return make_levels(np.zeros(n, dtype=np.int8), [word])


def _error(code: str, column: str, remedy: str) -> Problem:
    return Problem(code=code, severity=Severity.ERROR, column=column or None, remedy=remedy)
