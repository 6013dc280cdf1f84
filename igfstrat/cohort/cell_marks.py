"""What a workbook says of its cells beside their text: formulas and error cells matter where a column is used."""

from __future__ import annotations

from typing import Final

from igfstrat.cohort.binding import Bindings
from igfstrat.cohort.sheet import Sheet
from igfstrat.errors import Problem, Severity, safe_text

_MARKS: Final = {
    "formula": (Severity.FLAG, "a formula; its stored value was used"),
    "formula_uncached": (
        Severity.ERROR,
        "a formula without a stored value reads as empty; open the file in Excel, recalculate and save it",
    ),
    "cell_error": (Severity.FLAG, "the cell holds an Excel error and counts as missing"),
}


def problems_of_marks(sheet: Sheet, bindings: Bindings) -> list[Problem]:
    """Formulas and error cells of a sheet.

    Parameters
    ----------
    sheet : Sheet
        With what the reader noticed.
    bindings : Bindings
        Which of its columns are used, and as what.

    Returns
    -------
    list of Problem
        An error, which spoils its column, or a flag where the column is used; else a notice.
    """
    if not sheet.marks:
        return []
    users: dict[int | None, str] = {b.index: b.column.header for b in bindings.columns.values()}
    for name, e in bindings.endpoints.items():
        users |= {e.cause: f"{name}_cause", e.time: f"{name}_{e.unit}", e.event: f"{name}_event"}
    rows, problems = set(sheet.row_numbers.tolist()), []
    for mark in sheet.marks:
        if mark.row not in rows or mark.column >= len(sheet.headers) or mark.code not in _MARKS:
            continue
        severity, remedy = _MARKS[mark.code]
        column = users.get(mark.column)
        problems.append(
            Problem(
                code=mark.code,
                severity=severity if column else Severity.NOTICE,
                column=column or safe_text(sheet.headers[mark.column]),
                row=mark.row,
                cell=sheet.cell(mark.row, mark.column),
                remedy=remedy if column else f"{remedy} (the column is not used)",
            )
        )
    return problems
