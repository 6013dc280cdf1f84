"""Which sheet holds the cohort, which row is its header, and whether every row has its fields.

What is found is stated, never silently assumed: a header below the first row becomes a notice, two
sheets that could both be meant become a question.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from igfstrat.cohort.sheet import ColumnRows, Grid, Sheet, TextColumn, column_letters
from igfstrat.cohort.text_reader import fields_fault, looks_numeric
from igfstrat.errors import CohortError, Problem, Severity, safe_text
from igfstrat.schema import COLUMNS, find_endpoint_header, find_header, fold

_SEARCHED_ROWS: Final = 30
_ALIASES: Final = {alias for column in COLUMNS.values() for alias in column.aliases}


def choose_sheet(grids: Sequence[Grid], source: str, *, wanted: str | None, known: frozenset[str]) -> Grid:
    """The sheet that holds the cohort.

    Parameters
    ----------
    grids : sequence of Grid
        Sheets of the file.
    source : str
        Name of the file, for messages.
    wanted : str or None
        Declared sheet.
    known : frozenset of str
        Source headers that a cohort map names.

    Returns
    -------
    Grid
        The declared sheet, or the only one that can be meant.

    Raises
    ------
    CohortError
        If the declared sheet is not there, no sheet holds data, or several could be meant.
    """
    listed = ", ".join(f"{safe_text(g.name)!r}{' (hidden)' if g.hidden else ''}" for g in grids)
    if wanted is not None:
        chosen = [g for g in grids if g.name == wanted]
        if not chosen and grids and grids[0].name is not None:
            raise _error(source, "sheet", f"no sheet is named {safe_text(wanted)!r}; there are {listed}")
        return chosen[0] if chosen else grids[0]
    filled = [g for g in grids if not g.is_empty]
    if not filled:
        what = (
            "the file is empty"
            if grids and grids[0].name is None
            else f"no sheet holds data; sheets: {listed or 'none'}"
        )
        raise _error(source, "empty", f"{what}; check that the right file was saved")
    likely = [g for g in filled if _score_of_best_row(g, known) >= 2]
    candidates = likely or [g for g in filled if not g.hidden] or filled
    if len(candidates) > 1:
        names = ", ".join(f"{safe_text(g.name)!r}{' (hidden)' if g.hidden else ''}" for g in candidates)
        raise _error(source, "sheet", f"several sheets could be meant: {names}; choose one with --sheet")
    return candidates[0]


def find_table(grid: Grid, source: str, *, header_row: int | None, known: frozenset[str]) -> Sheet:
    """The table in a sheet: its header, its rows, and their numbers.

    Parameters
    ----------
    grid : Grid
        The sheet.
    source : str
        Name of the file, for messages.
    header_row : int or None
        Declared row of the header, from 1.
    known : frozenset of str
        Source headers that a cohort map names.

    Returns
    -------
    Sheet
        Rows that hold anything, with their own row numbers.

    Raises
    ------
    CohortError
        If no header or no row is found, or a row of a text file has another number of fields.
    """
    place = f"{source}, sheet '{grid.name}'" if grid.name is not None else source
    at = _header_index(grid, place, header_row, known)
    header = [text.strip() for text in grid.rows[at]]
    width = max((i + 1 for i, text in enumerate(header) if text), default=0)
    columns, numbers = _body(grid, at, place)
    unnamed = [j + 1 for j, column in enumerate(columns[width:], width) if column.filled.any()]
    columns = columns[: max([width, *unnamed])]
    n_columns = len(columns)
    cells = pd.DataFrame({j: c.text for j, c in enumerate(columns)}, columns=range(n_columns), dtype=object)
    return Sheet(
        source=source,
        name=grid.name,
        header_row=at + 1,
        headers=tuple(header[:n_columns] + [""] * (n_columns - len(header))),
        cells=cells,
        encoded=(cells, tuple(columns)),
        row_numbers=numbers,
        marks=tuple(mark for mark in grid.marks if mark.row > at + 1),
        problems=tuple(_remarks(grid, at, columns, numbers, declared=header_row is not None)),
        is_workbook=grid.name is not None,
        text_numbers=grid.text_numbers,
    )


def _body(grid: Grid, at: int, place: str) -> tuple[list[TextColumn], NDArray[np.int64]]:
    """Columns under the header without the rows that hold nothing, and the numbers of the others."""
    rows = grid.rows
    if isinstance(rows, ColumnRows):
        under = [TextColumn(column.words, column.which[at + 1 :]) for column in rows.columns]
        kept = np.flatnonzero(np.any([column.filled for column in under], axis=0))
        columns = [TextColumn(column.words, column.which[kept]) for column in under]
    else:
        texts = rows[at + 1 :]
        kept = np.flatnonzero([any(map(str.strip, row)) for row in texts])
        filled = [texts[i] for i in kept.tolist()]
        width = len(rows[at])
        _check_fields(filled, kept + at + 2, width, place)
        columns = [TextColumn.of(map(itemgetter(j), filled)) for j in range(width)]
    if not len(kept):
        raise _error(
            place, "empty", f"no patients: row {at + 1} is the header and no rows with data follow it"
        )
    return columns, (kept + at + 2).astype(np.int64)


def _remarks(
    grid: Grid, at: int, columns: list[TextColumn], numbers: NDArray[np.int64], *, declared: bool
) -> list[Problem]:
    """What is said once about the table as a whole."""
    found = list(grid.problems)
    if at > 0 and not declared and any(any(row) for row in grid.rows[:at]):
        how = f"the header was found in row {at + 1} (choose another with --header-row)"
        found.append(Problem(code="header", severity=Severity.NOTICE, remedy=how))
    hidden = grid.hidden_rows.intersection(numbers.tolist())
    if hidden:
        by = "by the filter, or by hand" if grid.has_filter else "by hand or by a filter"
        how = f"{len(hidden)} of {len(numbers)} rows are hidden ({by}) and were read like the others"
        found.append(Problem(code="hidden_rows", severity=Severity.FLAG, remedy=how))
    found += _remarks_on_header(grid, at)
    found += _remark_on_merged(grid, numbers)
    header = grid.rows[at]
    named = {j for j, text in enumerate(header) if text.strip()}
    unnamed = [
        column_letters(j) for j, column in enumerate(columns) if j not in named and column.filled.any()
    ]
    if unnamed:
        how = f"values without a header in column {', '.join(unnamed[:5])}{' …' if len(unnamed) > 5 else ''} are not used; name the column if they matter"
        found.append(Problem(code="header", severity=Severity.NOTICE, remedy=how))
    return found


def _remarks_on_header(grid: Grid, at: int) -> list[Problem]:
    """What a workbook does with its header and columns that the cells alone don't show.

    Parameters
    ----------
    grid : Grid
        The sheet.
    at : int
        Its header, a row from 0.

    Returns
    -------
    list of Problem
        Notices of hidden columns and of merged header cells.
    """
    found = []
    hidden = sorted(j for j in grid.hidden_columns if j < len(grid.rows[at]) and grid.rows[at][j].strip())
    if hidden:
        names = ", ".join(column_letters(j) for j in hidden[:5]) + (" …" if len(hidden) > 5 else "")
        how = f"{len(hidden)} columns are hidden ({names}) and were read like the others"
        found.append(Problem(code="hidden_columns", severity=Severity.NOTICE, remedy=how))
    merged = [span for span in grid.merged if _rows_of(span)[0] <= at + 1 <= _rows_of(span)[1]]
    if merged:
        names = ", ".join(safe_text(span) for span in merged[:5]) + (" …" if len(merged) > 5 else "")
        how = f"the header has merged cells ({names}); only the first of each has the name"
        found.append(Problem(code="merged_header", severity=Severity.NOTICE, remedy=how))
    return found


def _remark_on_merged(grid: Grid, numbers: NDArray[np.int64]) -> list[Problem]:
    """Cells that are merged over several rows of the table: a note under it goes over one."""
    rows = set(numbers.tolist())
    spans = [(span, *_rows_of(span)) for span in grid.merged]
    names = [safe_text(span) for span, first, last in spans if first < last and first in rows]
    if not names:
        return []
    shown = ", ".join(names[:5]) + (" …" if len(names) > 5 else "")
    how = f"cells are merged over several rows ({shown}); only the first has the value, the others read as empty: unmerge them and fill in"
    return [Problem(code="merged_cells", severity=Severity.NOTICE, remedy=how)]


def _rows_of(span: str) -> tuple[int, int]:
    rows = [int(digits) for digits in re.findall(r"[0-9]{1,7}", span)]
    return (rows[0], rows[-1]) if rows else (0, 0)


def _error(place: str, code: str, remedy: str) -> CohortError:
    return CohortError(place, [Problem(code=code, severity=Severity.ERROR, remedy=remedy)])


def _is_known(known: frozenset[str]) -> Callable[[str], bool]:
    def check(text: str) -> bool:
        if not text.strip():
            return False
        return (
            text.strip() in known
            or find_header(text) is not None
            or find_endpoint_header(text) is not None
            or fold(text) in _ALIASES
        )

    return check


def _score(row: list[str], known: frozenset[str]) -> int:
    check = _is_known(known)
    return sum(check(text) for text in row)


def _score_of_best_row(grid: Grid, known: frozenset[str]) -> int:
    return max((_score(row, known) for row in grid.rows[:_SEARCHED_ROWS]), default=0)


def _header_index(grid: Grid, place: str, declared: int | None, known: frozenset[str]) -> int:
    if declared is not None:
        if not 1 <= declared <= len(grid.rows):
            raise _error(
                place, "header", f"--header-row {declared} is outside the sheet ({len(grid.rows)} rows)"
            )
        return declared - 1
    scores = [_score(row, known) for row in grid.rows[:_SEARCHED_ROWS]]
    if max(scores, default=0) >= 2:
        return scores.index(max(scores))
    first = next((i for i, row in enumerate(grid.rows) if any(t.strip() for t in row)), None)
    if first is None:
        raise _error(place, "empty", "the file is empty; check that the right file was saved")
    cells = [text for text in grid.rows[first] if text.strip()]
    if len(cells) < 2 and max(scores, default=0) == 1:
        return scores.index(1)
    if any(looks_numeric(text) for text in cells) or len(cells) < 2:
        how = "no header row was found; name it with --header-row, or give the columns the names that the docs list"
        raise _error(place, "header", f"{how} (row {first + 1} looks like data)")
    return first


def _check_fields(rows: list[list[str]], numbers: NDArray[np.int64], width: int, place: str) -> None:
    faults = [
        (int(number), row)
        for number, row in zip(numbers, rows, strict=True)
        if len(row) != width and (len(row) < width or any(t.strip() for t in row[width:]))
    ]
    if not faults:
        return
    last = int(numbers[-1])
    raise CohortError(place, [fields_fault(row, n, width, is_last=n == last) for n, row in faults])
