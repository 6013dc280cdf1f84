"""Spreadsheets as people keep them, made from clean cohorts, with a list of everything that was done.

A teacher can hand them out, and a test can hold the list against what a reader noticed: each fault
knows its row, its column and the value that stood there. How often each fault occurs is a setting; the
figures here are conventions, not findings.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from igfstrat.cohort.writing import write_plain_table
from igfstrat.errors import UsageError
from igfstrat.synthetic._faults import CELL_FAULTS, PEOPLE_WRITE

Level = Literal["light", "usual", "severe"]
MESSY_LEVELS: Final[tuple[str, ...]] = get_args(Level)
MAX_MESSY_ROWS: Final = 100_000

_LIGHT: Final = ("code_misspelt", "code_respelt", "unit_in_cell", "no_break_space", "note_in_cell")
_USUAL: Final = (
    "title_rows", "blank_row", "summary_row", "sentinel", "date_format", "decimal_comma", "trailing_note",
)  # fmt: skip
_SEVERE: Final = ("header_words", "other_unit", "days_for_months", "merged_cells")
KINDS: Final = (*_LIGHT, *_USUAL, *_SEVERE)
_KINDS_OF: Final[dict[str, tuple[str, ...]]] = {
    "light": _LIGHT,
    "usual": (*_LIGHT, *_USUAL),
    "severe": KINDS,
}
_SHARE_OF: Final[dict[str, float]] = {"light": 0.01, "usual": 0.02, "severe": 0.05}
_COLUMNS_PER_KIND: Final = 2
_TITLES: Final = ("Cohort, serum IGF axis and tumour IGF-1R", "export of the clinic, please don't sort", None)
_NOTE: Final = "Source: clinic database; * measured twice"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing that was done to a sheet.

    Parameters
    ----------
    kind : str
        One of `KINDS`.
    row : int or None
        Row as the spreadsheet counts, from 1; None for a whole column.
    column : str or None
        Canonical header of the column, whatever it is headed now; None for a whole row.
    old, new : Any
        What stood there, and what stands there now; None for nothing.
    """

    kind: str
    row: int | None
    column: str | None
    old: Any
    new: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class MessySheet:
    """A sheet and the list of its faults.

    Parameters
    ----------
    headers : tuple of str
        As they stand in the sheet.
    cells : DataFrame, one row a patient
        Numbers, text and None, under the headers.
    above, below : tuple of tuple
        Rows before the header and after the patients.
    gaps : tuple of int
        Patients, from 0, in front of whom an empty row stands.
    faults : tuple of Fault
        In no order that matters.
    """

    headers: tuple[str, ...]
    cells: pd.DataFrame
    above: tuple[tuple[Any, ...], ...]
    below: tuple[tuple[Any, ...], ...]
    gaps: tuple[int, ...]
    faults: tuple[Fault, ...]

    def grid(self) -> list[list[Any]]:
        """Every row of the sheet from the first on, all of one width.

        Returns
        -------
        list of list
            Numbers, text and None.
        """
        width = len(self.headers)
        rows = [*self.above, self.headers]
        for i, row in enumerate(self.cells.itertuples(index=False, name=None)):
            rows += [(), row] if i in self.gaps else [row]
        return [[*row, *[None] * (width - len(row))] for row in (*rows, *self.below)]


@dataclass(slots=True)
class _Desk:
    """The sheet while it is being worked on: faults name patients until the rows are counted."""

    cells: pd.DataFrame
    rng: np.random.Generator
    share: float
    touched: NDArray[np.bool_]
    done: list[tuple[str, int | None, str | None, Any, Any]] = field(default_factory=list)
    titles: list[str] = field(default_factory=list)
    above: list[tuple[Any, ...]] = field(default_factory=list)
    below: list[tuple[Any, ...]] = field(default_factory=list)
    gaps: list[int] = field(default_factory=list)

    def write(self, kind: str, patient: int, column: int, new: Any) -> None:
        header = str(self.cells.columns[column])
        self.done.append((kind, patient, header, self.cells.iat[patient, column], new))
        self.cells.iat[patient, column] = new
        self.touched[patient, column] = True


def make_messy(
    table: pd.DataFrame,
    rng: np.random.Generator,
    level: Level = "usual",
    *,
    kinds: Collection[str] | None = None,
) -> MessySheet:
    """Make a sheet as people keep them from a clean cohort.

    Parameters
    ----------
    table : DataFrame, one row a patient
        Convention headers, `patient_id` first; not changed.
    rng : Generator
        Decides what is done, and where.
    level : {"light", "usual", "severe"}
        Which faults, and in which share of the cells of the columns that they befall.
    kinds : collection of str, optional
        Faults instead of those of the level; of `KINDS`.

    Returns
    -------
    MessySheet
        No cell has more than one fault.

    Raises
    ------
    UsageError
        If a level or kind is unknown, or the cohort is too large to be kept by hand.

    Examples
    --------
    >>> table = pd.DataFrame({"patient_id": ["A", "B"], "sex": ["female", "female"]})
    >>> sheet = make_messy(table, np.random.default_rng(1), kinds=["code_misspelt"])
    >>> [(fault.row, fault.column, fault.old) for fault in sheet.faults]
    [(2, 'sex', 'female')]
    """
    chosen = _KINDS_OF.get(level, ()) if kinds is None else tuple(kinds)
    unknown = [word for word in (level, *chosen) if word not in (*MESSY_LEVELS, *KINDS)]
    if unknown:
        message = f"messy: {unknown[0]!r} is not known; levels are {', '.join(MESSY_LEVELS)}, kinds {', '.join(KINDS)}"
        raise UsageError(message)
    if len(table) > MAX_MESSY_ROWS:
        message = f"{len(table):,} rows; a sheet kept by hand has at most {MAX_MESSY_ROWS:,}"
        raise UsageError(message)
    cells = table.astype(object).reset_index(drop=True)
    cells[cells.isna()] = None
    desk = _Desk(cells, rng, _SHARE_OF[level], np.zeros(cells.shape, dtype=bool), titles=list(cells.columns))
    # in the order of KINDS, whatever the order of the call
    for kind in (k for k in KINDS if k in chosen):
        _SHEET_FAULTS[kind](desk) if kind in _SHEET_FAULTS else _spoil_cells(desk, kind)
    return _finished(desk)


def _finished(desk: _Desk) -> MessySheet:
    first = len(desk.above) + 2

    def row_of(patient: int | None) -> int | None:
        return None if patient is None else first + patient + sum(gap <= patient for gap in desk.gaps)

    faults = tuple(
        Fault(kind=kind, row=row_of(patient), column=column, old=old, new=new)
        for kind, patient, column, old, new in desk.done
    )
    return MessySheet(
        headers=tuple(desk.titles),
        cells=desk.cells.set_axis(desk.titles, axis=1),
        above=tuple(desk.above),
        below=tuple(desk.below),
        gaps=tuple(desk.gaps),
        faults=faults,
    )


def _spoil_cells(desk: _Desk, kind: str) -> None:
    fault = CELL_FAULTS[kind]
    columns = [j for j, header in enumerate(desk.cells.columns) if fault.befalls(header)]
    some = desk.rng.permutation(columns)[:_COLUMNS_PER_KIND].astype(int).tolist()
    wanted = max(1, round(desk.share * len(desk.cells)))
    for column in some:
        left = wanted
        for patient in desk.rng.permutation(len(desk.cells)).tolist():
            if left == 0:
                break
            value = desk.cells.iat[patient, column]
            if value is None or desk.touched[patient, column]:
                continue
            new = fault.change(value, str(desk.cells.columns[column]), desk.rng)
            if new is not None:
                desk.write(kind, patient, column, new)
                left -= 1


def _merge_cells(desk: _Desk) -> None:
    """Cells of a run of equal words made one: only the first of them keeps the word."""
    for column in (
        j for j, header in enumerate(desk.cells.columns) if header in {"site", "stage", "disease"}
    ):
        values = desk.cells.iloc[:, column]
        same = (values == values.shift()) & values.notna() & ~desk.touched[:, column]
        runs = np.flatnonzero(same.to_numpy(dtype=bool))
        for patient in runs[: max(1, round(desk.share * len(values)))].tolist():
            desk.write("merged_cells", patient, column, None)


def _add_titles(desk: _Desk) -> None:
    desk.above = [(title,) for title in _TITLES]
    desk.done.append(("title_rows", None, None, None, _TITLES[0]))


def _add_gap(desk: _Desk) -> None:
    if len(desk.cells) > 2:
        gap = int(desk.rng.integers(1, len(desk.cells) - 1))
        desk.gaps.append(gap)
        desk.done.append(("blank_row", None, None, None, None))


def _add_summary(desk: _Desk) -> None:
    means: list[Any] = ["Mean"]
    for header in desk.cells.columns[1:]:
        figures = pd.to_numeric(desk.cells[header], errors="coerce")
        means.append(round(float(figures.mean()), 1) if figures.notna().mean() > 0.5 else None)
    desk.below.insert(0, tuple(means))
    desk.done.append(("summary_row", None, None, None, "Mean"))


def _add_note(desk: _Desk) -> None:
    desk.below += [(), (_NOTE,)]
    desk.done.append(("trailing_note", None, None, None, _NOTE))


def _rename_headers(desk: _Desk) -> None:
    """About half of the headers as people write them, and at least one."""
    known = [j for j, header in enumerate(desk.cells.columns) if header in PEOPLE_WRITE]
    some = desk.rng.permutation(known)[: (len(known) + 1) // 2].astype(int).tolist()
    for column in some:
        header = str(desk.cells.columns[column])
        desk.titles[column] = PEOPLE_WRITE[header]
        desk.done.append(("header_words", None, header, header, PEOPLE_WRITE[header]))


_SHEET_FAULTS: Final[dict[str, Callable[[_Desk], None]]] = {
    "title_rows": _add_titles,
    "blank_row": _add_gap,
    "summary_row": _add_summary,
    "trailing_note": _add_note,
    "header_words": _rename_headers,
    "merged_cells": _merge_cells,
}


def write_messy(sheet: MessySheet, path: Path) -> None:
    """Write a messy sheet as csv or as a workbook.

    Parameters
    ----------
    sheet : MessySheet
        What is written.
    path : Path
        Ends in .csv or .xlsx.
    """
    first, *rows = sheet.grid()
    # the first row of the sheet, a title or the header, takes the place of the column names
    names = ["" if text is None else str(text) for text in first]
    write_plain_table(pd.DataFrame(rows, columns=names, dtype=object), path)


def messy_stream(seed: int) -> np.random.Generator:
    """The random stream of a messy sheet, apart from those of the blocks.

    Parameters
    ----------
    seed : int
        Seed of the cohort.

    Returns
    -------
    Generator
        Always the same for the same seed.
    """
    # no block has so high a number
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(2**32 - 1, 2)))
