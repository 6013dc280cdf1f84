"""Excel workbooks (xlsx, xls) as grids of text, after the guard has looked through them.

Numbers keep their shortest exact text, dates their ISO form, so that the same table as csv and as
xlsx reads to the same values. The full parser runs in a process of its own (`parsing`).
"""

from __future__ import annotations

from typing import Final

from igfstrat.cohort.limits import Limits
from igfstrat.cohort.parsing import ParsedSheet, parse_apart
from igfstrat.cohort.sheet import CellMark, Grid
from igfstrat.cohort.workbook_facts import SheetFacts, WorkbookFacts
from igfstrat.cohort.workbook_guard import check_workbook
from igfstrat.errors import CohortError, Problem, Severity

# the old format is not compressed: its cells take some ten times its bytes
_LEGACY_EXPANDS: Final = 10


def read_workbook(data: bytes, source: str, limits: Limits) -> list[Grid]:
    """Read every sheet of an xlsx workbook.

    Parameters
    ----------
    data : bytes
        Content of the file.
    source : str
        Its name, for messages.
    limits : Limits
        What it may take.

    Returns
    -------
    list of Grid
        Sheets in their order, hidden ones too; chart sheets are left out.

    Raises
    ------
    UnsafeFileError
        If the guard refuses the file, or parsing it goes beyond a limit.
    CohortError
        If it is damaged, or no workbook of the kind that is read.
    """
    facts = check_workbook(data, source, limits)
    if not facts.sheets:
        how = "not a valid Excel workbook, or one of a kind whose cells can't be checked before reading (xlsb, ods); save it as .xlsx"
        raise CohortError(source, [Problem(code="damaged", severity=Severity.ERROR, remedy=how)])
    parsed = parse_apart(data, source, kind="workbook", limits=limits, n_expanded=facts.n_expanded)
    problems = _file_problems(facts, parsed)
    return [_grid(sheet, facts.of_sheet(str(sheet.name)), problems) for sheet in parsed]


def read_legacy_workbook(data: bytes, source: str, limits: Limits) -> list[Grid]:
    """Read every sheet of an xls workbook.

    Parameters
    ----------
    data : bytes
        Content of the file.
    source : str
        Its name, for messages.
    limits : Limits
        What it may take.

    Returns
    -------
    list of Grid
        Sheets in their order; what can't be seen in this format is said.

    Raises
    ------
    UnsafeFileError
        If parsing it goes beyond a limit.
    CohortError
        If it can't be read.
    """
    n_expanded = _LEGACY_EXPANDS * len(data)
    try:
        parsed = parse_apart(data, source, kind="workbook", limits=limits, n_expanded=n_expanded)
    except CohortError as error:
        how = f"a legacy .xls workbook: {error.problems[0].remedy}; open it in a spreadsheet program and save it as .xlsx"
        raise CohortError(source, [Problem(code="container", severity=Severity.ERROR, remedy=how)]) from error
    said = (
        "a legacy .xls workbook: formulas, error cells and hidden rows can't be told in it;"
        " save it as .xlsx to have them checked"
    )
    return [_grid(sheet, SheetFacts(), [_notice("legacy_workbook", said)]) for sheet in parsed]


def _notice(code: str, remedy: str) -> Problem:
    return Problem(code=code, severity=Severity.NOTICE, remedy=remedy)


def _file_problems(facts: WorkbookFacts, sheets: list[ParsedSheet]) -> list[Problem]:
    found = []
    if facts.has_macros:
        found.append(_notice("macro", "the workbook carries macros; they were neither run nor looked at"))
    if facts.has_links:
        how = "the workbook links to other files; they were not opened, and the values stored here were used"
        found.append(_notice("external_link", how))
    if facts.is_1904:
        found.append(_notice("date_system", "dates of the workbook count from 1904, and were read so"))
    n_hidden = sum(sheet.hidden for sheet in sheets)
    if n_hidden:
        found.append(_notice("hidden_sheets", f"{n_hidden} of {len(sheets)} sheets are hidden"))
    return found


def _grid(sheet: ParsedSheet, facts: SheetFacts, problems: list[Problem]) -> Grid:
    marks = [CellMark("rounded", row, column) for row, column in sheet.rounded]
    for code, places in (
        ("formula_uncached", facts.uncached),
        ("formula", facts.formulas),
        ("cell_error", facts.errors),
    ):
        marks += [CellMark(code, row, column) for row, column in places]
    return Grid(
        rows=sheet.rows,
        name=sheet.name,
        hidden=sheet.hidden,
        marks=tuple(marks),
        hidden_rows=frozenset(facts.hidden_rows),
        hidden_columns=frozenset(facts.hidden_columns),
        merged=tuple(facts.merged),
        has_filter=facts.has_filter,
        text_numbers=frozenset(sheet.text_numbers),
        problems=tuple(problems),
    )
