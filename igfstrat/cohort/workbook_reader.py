"""Excel workbooks (xlsx) as grids of text, after the guard has looked through them.

Numbers keep their shortest exact text, dates their ISO form, so that the same table as csv and as
xlsx reads to the same values.
"""

from __future__ import annotations

import datetime as dt
import io
import zipfile
from typing import Final
from xml.parsers import expat

import python_calamine as calamine

from igfstrat.cohort.sheet import CellMark, Grid
from igfstrat.cohort.workbook_guard import SheetFacts, check_workbook
from igfstrat.errors import CohortError, Problem, Severity

# Excel keeps 15 digits of a number; a longer identifier typed as a number has already lost its end.
_EXACT_BELOW: Final = 1e15


def read_workbook(data: bytes, source: str) -> list[Grid]:
    """Read every sheet of a workbook.

    Parameters
    ----------
    data : bytes
        Content of the file.
    source : str
        Its name, for messages.

    Returns
    -------
    list of Grid
        Sheets in their order, hidden ones too; chart sheets are left out.

    Raises
    ------
    UnsafeFileError
        If the guard refuses the file.
    CohortError
        If it is damaged.
    """
    facts = check_workbook(data, source)
    try:
        parts = _sheet_parts(data)
        workbook = calamine.CalamineWorkbook.from_filelike(io.BytesIO(data))
        return [
            _grid(
                workbook.get_sheet_by_name(sheet.name).to_python(skip_empty_area=False),
                sheet.name,
                _word(sheet.visible) != "Visible",
                facts.get(parts.get(sheet.name, ""), SheetFacts()),
            )
            for sheet in workbook.sheets_metadata
            if _word(sheet.typ) == "WorkSheet"
        ]
    except BaseException as error:
        # the parser's own panics do not descend from Exception
        if isinstance(error, Exception) or type(error).__name__ == "PanicException":
            remedy = "not a valid Excel workbook (damaged, or Strict Open XML, which is not supported); save it again as .xlsx"
            problem = Problem(code="damaged", severity=Severity.ERROR, remedy=remedy)
            raise CohortError(source, [problem]) from error
        raise


def _word(value: object) -> str:
    return str(value).rsplit(".", 1)[-1]


def _grid(values: list[list[object]], name: str, hidden: bool, facts: SheetFacts) -> Grid:
    rows = [[_text(value) for value in row] for row in values]
    marks = [
        CellMark("rounded", i, j)
        for i, row in enumerate(values, 1)
        for j, value in enumerate(row)
        if _is_rounded(value)
    ]
    for code, places in (
        ("formula_uncached", facts.uncached),
        ("formula", facts.formulas),
        ("cell_error", facts.errors),
    ):
        marks += [CellMark(code, row, column) for row, column in places]
    return Grid(
        rows=rows, name=name, hidden=hidden, marks=tuple(marks), hidden_rows=frozenset(facts.hidden_rows)
    )


def _is_rounded(value: object) -> bool:
    return isinstance(value, float | int) and not isinstance(value, bool) and abs(value) >= _EXACT_BELOW


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e22 else repr(value)
    if isinstance(value, dt.datetime):
        return value.date().isoformat() if value.time() == dt.time() else value.isoformat(sep=" ")
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    return str(value)


def _sheet_parts(data: bytes) -> dict[str, str]:
    """Name of each sheet to its part inside the zip."""
    targets: dict[str, str] = {}
    names: dict[str, str] = {}

    def relationship(name: str, attributes: dict[str, str]) -> None:
        if name.rsplit(":", 1)[-1] == "Relationship":
            targets[attributes.get("Id", "")] = attributes.get("Target", "")

    def sheet(name: str, attributes: dict[str, str]) -> None:
        if name.rsplit(":", 1)[-1] == "sheet":
            key = next((v for k, v in attributes.items() if k.rsplit(":", 1)[-1] == "id" and k != "id"), "")
            names[attributes.get("name", "")] = key

    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        present = set(archive.namelist())
        for part, handler in (("xl/_rels/workbook.xml.rels", relationship), ("xl/workbook.xml", sheet)):
            if part in present:
                parser = expat.ParserCreate()
                parser.StartElementHandler = handler
                parser.Parse(archive.read(part), True)
    return {
        name: target.lstrip("/") if target.startswith(("/xl", "xl/")) else f"xl/{target}"
        for name, key in names.items()
        if (target := targets.get(key))
    }
