"""A document as a workbook: a sheet of text, one sheet a table, one sheet of numbers a figure.

A number that stands alone in a cell is written as a number that shows the same decimals; all else is text. Nothing can
become a formula or a link.
"""

from __future__ import annotations

import datetime as dt
import io
import math
import re
from typing import Any, Final

import xlsxwriter

from igfstrat.report.document import Document, FigureBlock, Paragraph
from igfstrat.report.tables import Table

_OPTIONS: Final = {
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
    "in_memory": True,
}
_EPOCH: Final = dt.datetime(2000, 1, 1)
_PLAIN: Final = re.compile(r"[−-]?(?:0|[1-9]\d{0,11})(?:\.(\d{1,9}))?", re.ASCII)
_FORBIDDEN: Final = re.compile(r"[\[\]:*?/\\'\x00-\x1f]+")
_CELL: Final = 32_767
_NARROW, _WIDE, _TEXT = 9, 60, 110
_PRECISE: Final = 20  # of a number with all its digits


def render_xlsx(document: Document) -> bytes:
    """A document as a workbook.

    Parameters
    ----------
    document : Document
        The report.

    Returns
    -------
    bytes
        An xlsx file; the same document gives the same bytes.
    """
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, _OPTIONS) as workbook:
        workbook.set_properties(
            {"title": document.title[:255], "comments": "research use only", "created": _EPOCH}
        )
        _Writer(workbook).write(document)
    return buffer.getvalue()


def sheet_name(caption: str, taken: set[str]) -> str:
    """A name that a spreadsheet program accepts, not taken yet.

    Parameters
    ----------
    caption : str
        What the sheet holds.
    taken : set of str
        Names in use, in lower case; the new one is added.

    Returns
    -------
    str
        At most 31 characters.

    Examples
    --------
    >>> taken = set()
    >>> sheet_name("Survival: high/low", taken), sheet_name("survival high low", taken)
    ('Survival high low', 'survival high low 2')
    """
    base = " ".join(_FORBIDDEN.sub(" ", caption).split()) or "Sheet"
    name, number = base[:31].strip(), 2
    # "History" is the program's own
    while name.lower() in taken or name.lower() == "history":
        ending = f" {number}"
        name, number = base[: 31 - len(ending)].strip() + ending, number + 1
    taken.add(name.lower())
    return name


class _Writer:
    """The sheets of one workbook."""

    def __init__(self, workbook: Any) -> None:
        self.book = workbook
        self.taken: set[str] = set()
        top = {"text_wrap": True, "valign": "top"}
        self.plain = workbook.add_format(top)
        self.title = workbook.add_format(top | {"bold": True, "font_size": 14})
        self.heading = workbook.add_format(top | {"bold": True, "font_size": 12, "top": 1})
        self.bold = workbook.add_format(top | {"bold": True})
        self.header = workbook.add_format(top | {"bold": True, "bottom": 1, "bg_color": "#E4EEF5"})
        self.soft = workbook.add_format(top | {"font_color": "#5A5A5A"})
        lead = workbook.add_format(top | {"bg_color": "#F4F7F9"})
        self.looks = {"lead": lead, "caution": self.bold, "plain": self.plain, "item": self.plain}
        self.decimals: dict[int, Any] = {}

    def write(self, document: Document) -> None:
        report = self._sheet("Report")
        lines: list[tuple[str, Any]] = [(document.title, self.title)]
        lines += [(line, self.soft) for line in document.subtitle]
        for section in document.sections:
            lines.append((section.title, self.heading))
            for block in section.blocks:
                if isinstance(block, Paragraph):
                    lines.append((block.text, self.looks[block.kind]))
                else:
                    name = self._table(block) if isinstance(block, Table) else self._figure(block)
                    lines.append((f"See sheet '{name}': {block.caption}", self.soft))
        self._lines(report, [*lines, (document.footer, self.soft)])

    def _sheet(self, caption: str) -> Any:
        sheet = self.book.add_worksheet(sheet_name(caption, self.taken))
        sheet.set_landscape()
        sheet.set_paper(9)
        sheet.fit_to_pages(1, 0)
        return sheet

    def _lines(self, sheet: Any, lines: list[tuple[str, Any]]) -> None:
        sheet.set_column(0, 0, _TEXT)
        for row, (text, look) in enumerate(lines):
            self._text(sheet, row, 0, text, look)
            sheet.set_row(
                row,
                _height(
                    [text], [_TEXT * (0.8 if look is self.title else 1.0)], 18 if look is self.title else 15
                ),
            )

    def _table(self, table: Table) -> str:
        sheet = self._sheet(table.caption)
        widths = [_width(column) for column in zip(table.header, *table.rows, strict=True)]
        for column, width in enumerate(widths):
            sheet.set_column(column, column, width)
            self._text(sheet, 2, column, table.header[column], self.header)
        self._across(sheet, 0, table.caption, self.bold, widths)
        sheet.set_row(2, _height(list(table.header), widths))
        for row, cells in enumerate(table.rows, start=3):
            sheet.set_row(row, _height(list(cells), widths))
            for column, cell in enumerate(cells):
                self._cell(sheet, row, column, cell)
        for row, note in enumerate(table.footnotes, start=4 + len(table.rows)):
            self._across(sheet, row, note, self.soft, widths)
        sheet.freeze_panes(3, 1)
        sheet.repeat_rows(2)
        return str(sheet.get_name())

    def _figure(self, block: FigureBlock) -> str:
        sheet = self._sheet(f"Data {block.name}")
        widths = [max(_PRECISE, _width((heading,))) for heading in block.data_header]
        if block.data and any(isinstance(row[0], str) for row in block.data):
            widths[0] = _width([str(row[0]) for row in block.data])
        for column, width in enumerate(widths):
            sheet.set_column(column, column, width)
            self._text(sheet, 2, column, block.data_header[column], self.header)
        self._across(sheet, 0, block.caption, self.bold, widths)
        for row, cells in enumerate(block.data, start=3):
            for column, cell in enumerate(cells):
                if isinstance(cell, str):
                    self._text(sheet, row, column, cell, self.plain)
                elif cell is not None and math.isfinite(cell):
                    sheet.write_number(row, column, cell)
        sheet.freeze_panes(3, 0)
        return str(sheet.get_name())

    def _across(self, sheet: Any, row: int, text: str, look: Any, widths: list[float]) -> None:
        """A line over all columns: a single cell can't be merged, and needs none."""
        if len(widths) > 1:
            sheet.merge_range(row, 0, row, len(widths) - 1, "", look)
        self._text(sheet, row, 0, text, look)
        sheet.set_row(row, _height([text], [sum(widths)]))

    def _cell(self, sheet: Any, row: int, column: int, text: str) -> None:
        # the first column names things: a group called 1 is no number
        found = _PLAIN.fullmatch(text) if column else None
        if found is None:
            self._text(sheet, row, column, text, self.plain)
        else:
            sheet.write_number(row, column, float(text.replace("−", "-")), self._number(len(found[1] or "")))

    def _number(self, decimals: int) -> Any:
        if decimals not in self.decimals:
            shown = "0" if decimals == 0 else "0." + "0" * decimals
            self.decimals[decimals] = self.book.add_format(
                {"num_format": shown, "valign": "top", "align": "left"}
            )
        return self.decimals[decimals]

    def _text(self, sheet: Any, row: int, column: int, text: str, look: Any) -> None:
        # half a character has no place in XML
        sheet.write_string(row, column, text.encode("utf-8", "replace").decode()[:_CELL], look)


def _width(cells: Any) -> float:
    longest = max(len(line) for cell in cells for line in (str(cell).split("\n") or [""]))
    return min(max(_NARROW, longest * 1.1 + 2), _WIDE)


def _height(cells: list[str], widths: list[float], line: int = 15) -> float:
    """Points that a row needs so that no wrapped line is cut; a sheet's rows end at 409."""
    lines = max(
        -(-int(len(cell) * 1.15 + 1) // max(int(width), 1)) for cell, width in zip(cells, widths, strict=True)
    )
    return min(max(1, lines) * line, 409)
