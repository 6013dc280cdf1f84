"""Excel workbooks (xlsx) as grids of text, after the guard has looked through them.

Numbers keep their shortest exact text, dates their ISO form, so that the same table as csv and as
xlsx reads to the same values.
"""

from __future__ import annotations

import datetime as dt
import io
import re
import zipfile
from typing import Final
from xml.parsers import expat

import python_calamine as calamine

from igfstrat.cohort.sheet import Grid
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
    parts = _sheet_parts(data)
    try:
        workbook = calamine.CalamineWorkbook.from_filelike(io.BytesIO(data))
        metadata = list(workbook.sheets_metadata)
    except (calamine.CalamineError, OSError, ValueError) as error:
        remedy = "not a valid Excel workbook (damaged, or Strict Open XML, which is not supported); save it again as .xlsx"
        raise CohortError(
            source, [Problem(code="damaged", severity=Severity.ERROR, remedy=remedy)]
        ) from error
    grids = []
    for sheet in metadata:
        if str(sheet.typ).rsplit(".", 1)[-1] != "WorkSheet":
            continue
        values = workbook.get_sheet_by_name(sheet.name).to_python(skip_empty_area=False)
        hidden = str(sheet.visible).rsplit(".", 1)[-1] != "Visible"
        grids.append(_grid(values, sheet.name, hidden, facts.get(parts.get(sheet.name, ""), SheetFacts())))
    return grids


def _grid(values: list[list[object]], name: str, hidden: bool, facts: SheetFacts) -> Grid:
    rows = [[_text(value) for value in row] for row in values]
    rounded = frozenset(
        (i, j)
        for i, row in enumerate(values)
        for j, value in enumerate(row)
        if isinstance(value, float | int) and not isinstance(value, bool) and abs(value) >= _EXACT_BELOW
    )
    return Grid(rows=rows, name=name, hidden=hidden, stored_numbers=rounded, problems=tuple(_problems(facts)))


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


def _problems(facts: SheetFacts) -> list[Problem]:
    found = [
        _cell_problem("formula_uncached", cell, Severity.ERROR,
                      "a formula without a stored value reads as empty; open the file in Excel, recalculate and save it")
        for cell in facts.uncached
    ]  # fmt: skip
    found += [
        _cell_problem("formula", cell, Severity.FLAG, "a formula; its stored value was used")
        for cell in facts.formulas
        if cell not in set(facts.uncached)
    ]
    found += [
        _cell_problem(
            "cell_error", cell, Severity.FLAG, "the cell holds an Excel error and counts as missing"
        )
        for cell in facts.errors
    ]
    if facts.hidden_rows:
        n = len(facts.hidden_rows)
        how = f"{n} rows are hidden (by hand or by a filter) and were read like the others"
        found.append(Problem(code="hidden_rows", severity=Severity.FLAG, remedy=how))
    return found


def _cell_problem(code: str, cell: str, severity: Severity, remedy: str) -> Problem:
    row = int(re.sub(r"\D", "", cell) or 0)
    return Problem(code=code, severity=severity, remedy=remedy, row=row, cell=cell, column=f"cell {cell}")


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
