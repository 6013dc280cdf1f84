"""Columns from a second sheet or file, joined to the cohort's rows by a key; text cells only.

It is a left join: the cohort's rows stay as many as they are. A key that stands twice on the right
is refused, since there is no telling which row belongs to the patient.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd

from igfstrat.cohort.cohort_map import JoinSource
from igfstrat.cohort.container import read_grids
from igfstrat.cohort.identity import folded
from igfstrat.cohort.layout import choose_sheet, find_table
from igfstrat.cohort.limits import LIMITS, Limits
from igfstrat.cohort.sheet import CellMark, Grid, Sheet
from igfstrat.errors import CohortError, Problem, Severity, safe_text


def join_tables(
    sheet: Sheet, joins: Sequence[JoinSource], *, grids: Sequence[Grid], path: Path, known: frozenset[str],
    limits: Limits = LIMITS,
) -> Sheet:  # fmt: skip
    """The cohort's sheet with the columns of others at its right.

    Parameters
    ----------
    sheet : Sheet
        The cohort's own table.
    joins : sequence of JoinSource
        What the map joins, in order.
    grids : sequence of Grid
        All sheets of the cohort's file.
    path : Path
        The cohort's file; a joined file lies beside it.
    known : frozenset of str
        Source headers that the map names.
    limits : Limits
        What each joined file may take.

    Returns
    -------
    Sheet
        As many rows as before.

    Raises
    ------
    CohortError
        If a table or its key is missing, a key stands twice on the right, or no row finds its partner.
    """
    for join in joins:
        sheet = _join(sheet, join, _table_of(join, grids, path, known | {join.by}, limits))
    return sheet


def _table_of(
    join: JoinSource, grids: Sequence[Grid], path: Path, known: frozenset[str], limits: Limits
) -> Sheet:
    name = safe_text(path.name)
    if join.file is not None:
        name = safe_text(join.file)
        grids = _grids_beside(path, join.file, limits)
    grid = choose_sheet(grids, name, wanted=join.sheet, known=known)
    return find_table(grid, name, header_row=None, known=known)


def _grids_beside(cohort: Path, file: str, limits: Limits) -> list[Grid]:
    path = cohort.resolve().parent / file
    if path.resolve().parent != path.parent:
        how = "a joined file must lie beside the cohort, not behind a link to another folder"
        raise _error(safe_text(file), how)
    return read_grids(path, encoding=None, delimiter=None, limits=limits)


def read_beside(cohort: Path, file: str, limits: Limits) -> Sheet:
    """The table of a file that lies beside the cohort; its header is its first row.

    Parameters
    ----------
    cohort : Path
        The cohort's file.
    file : str
        Name of the other.
    limits : Limits
        What it may take.

    Returns
    -------
    Sheet
        As text.

    Raises
    ------
    CohortError
        If it is not there, or no table.
    """
    return find_table(
        _grids_beside(cohort, file, limits)[0], safe_text(file), header_row=1, known=frozenset()
    )


def _join(left: Sheet, join: JoinSource, right: Sheet) -> Sheet:
    left_keys, right_keys = _keys(left, join.by), _keys(right, join.by)
    doubled = right_keys.duplicated(keep=False) & (right_keys != "")
    if doubled.any():
        problems = [
            Problem(code="duplicate", severity=Severity.ERROR, column=safe_text(join.by), row=int(row),
                    remedy="the key stands twice, so it can't be told which row belongs to the patient; leave one")
            for row in right.row_numbers[doubled.to_numpy(dtype=bool)]
        ]  # fmt: skip
        raise CohortError(right.place, problems)
    taken = [j for j in range(len(right.headers)) if right.headers[j] != join.by]
    place = {key: index for index, key in enumerate(right_keys) if key}
    matched = [place.get(key) for key in left_keys]
    offset = left.cells.shape[1]
    rows = [[""] * len(taken) if i is None else [right.cells.iat[i, j] for j in taken] for i in matched]
    added = pd.DataFrame(rows, columns=range(offset, offset + len(taken)), dtype=object)
    n_missing = sum(i is None for i in matched)
    if n_missing == len(matched):
        raise _error(right.place, _no_partner(join.by, left_keys, right_keys))
    missed = left_keys[[i is None for i in matched]]
    n_alike = len(set(missed.map(folded)) & set(right_keys.map(folded)) - {""})
    n_unused = len(place) - len({i for i in matched if i is not None})
    said = (
        f"joined {len(taken)} columns of {right.place} by {safe_text(join.by)}: {len(matched) - n_missing} of {len(matched)} rows found"
        f" their partner, {n_unused} rows there belong to nobody here"
        + (f"; {n_alike} keys differ from one there only in case, spaces or hyphens" if n_alike else "")
    )
    return replace(
        left,
        headers=(*left.headers, *(right.headers[j] for j in taken)),
        cells=pd.concat([left.cells, added], axis=1),
        n_joined=left.n_joined + len(taken),
        marks=(*left.marks, *_moved_marks(left, right, matched, taken, offset)),
        problems=(
            *left.problems,
            *right.problems,
            Problem(code="joined", severity=Severity.NOTICE, remedy=said),
        ),
    )


def _no_partner(by: str, left: pd.Series, right: pd.Series) -> str:
    same = set(left.map(folded)) & set(right.map(folded)) - {""}
    why = (
        f"{len(same)} would match but for case, spaces or hyphens: write them alike"
        if same
        else "is it the same study, and the same kind of identifier?"
    )
    return f"join: by: no {safe_text(by)} here is one of the cohort's; {why}"


def _keys(sheet: Sheet, by: str) -> pd.Series:
    places = [j for j, header in enumerate(sheet.headers) if header == by]
    if len(places) != 1:
        what = "stands twice" if places else "is not in the header"
        raise _error(sheet.place, f"join: by: the column {safe_text(by)!r} {what}")
    return sheet.cells[places[0]].str.strip()


def _moved_marks(
    left: Sheet, right: Sheet, matched: list[int | None], taken: list[int], offset: int
) -> list[CellMark]:
    """What is known of cells on the right, at the place where they stand now."""
    rows: dict[int, list[int]] = {}
    for number, index in zip(left.row_numbers, matched, strict=True):
        if index is not None:
            rows.setdefault(int(right.row_numbers[index]), []).append(int(number))
    columns = {j: offset + at for at, j in enumerate(taken)}
    return [
        CellMark(mark.code, row, columns[mark.column])
        for mark in right.marks
        if mark.column in columns
        for row in rows.get(mark.row, ())
    ]


def _error(place: str, remedy: str) -> CohortError:
    return CohortError(place, [Problem(code="join", severity=Severity.ERROR, remedy=remedy)])
