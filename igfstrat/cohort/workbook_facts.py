"""What the XML of a workbook says that a reader of values does not, gathered while it streams by.

Formulas with and without a stored value, error cells, hidden rows and columns, merged cells,
filters, macros, links to other files, the date system, the part of each sheet.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final
from xml.parsers import expat

_MAX_LETTERS: Final = 4  # Excel has three
_MAX_ROW: Final = 1_048_576
_MAX_COLUMN: Final = 16_384
_MAX_MERGED: Final = 10_000
_WORKBOOK_PARTS: Final = {"xl/workbook.xml", "xl/_rels/workbook.xml.rels"}

Place = tuple[int, int]  # row from 1, column from 0


@dataclass(slots=True)
class SheetFacts:
    """What the XML of one sheet says that a reader of values does not.

    Parameters
    ----------
    max_row, max_column : int
        Extent of the cells, from 1.
    n_cells : int
        Cells that are there.
    formulas, uncached, errors : list of tuple of int
        Row (from 1) and column (from 0) of cells that hold a formula, a formula without a stored value, an error such
        as ``#DIV/0!``.
    hidden_rows : set of int
        Rows that are hidden, by hand or by a filter.
    hidden_columns : set of int
        Columns from 0 that are hidden.
    merged : list of str
        Ranges of merged cells, such as ``B3:D3``.
    has_filter : bool
        Whether a filter stands on the header.
    doubtful : tuple of int or None
        Row and column of the first cell that doesn't come after the one before it: the place may be there twice.
    """

    max_row: int = 0
    max_column: int = 0
    n_cells: int = 0
    formulas: list[Place] = field(default_factory=list)
    uncached: list[Place] = field(default_factory=list)
    errors: list[Place] = field(default_factory=list)
    hidden_rows: set[int] = field(default_factory=set)
    hidden_columns: set[int] = field(default_factory=set)
    merged: list[str] = field(default_factory=list)
    has_filter: bool = False
    doubtful: Place | None = None


@dataclass(slots=True)
class WorkbookFacts:
    """What is known of a workbook beside its values.

    Parameters
    ----------
    sheets : dict of str to SheetFacts
        By path of the sheet inside the zip.
    n_expanded : int
        Bytes that its members expand to.
    has_macros, has_links, is_1904 : bool
        Whether it carries macros, links to other workbooks, dates that count from 1904.
    """

    sheets: dict[str, SheetFacts] = field(default_factory=dict)
    n_expanded: int = 0
    has_macros: bool = False
    has_links: bool = False
    is_1904: bool = False
    _targets: dict[str, str] = field(default_factory=dict)
    _names: dict[str, str] = field(default_factory=dict)

    def note_member(self, name: str) -> None:
        """What the name of a part says.

        Parameters
        ----------
        name : str
            Path inside the zip.
        """
        name = name.replace("\\", "/").lower()
        self.has_macros |= name.endswith("vbaproject.bin") or name.startswith("xl/macrosheets/")
        self.has_links |= name.startswith("xl/externallinks/")

    def add(self, name: str, scanner: Scanner) -> None:
        """What the XML of a part said.

        Parameters
        ----------
        name : str
            Path inside the zip.
        scanner : Scanner
            After the part streamed through it.
        """
        if scanner.facts is not None:
            self.sheets[name] = scanner.facts
        self.is_1904 |= scanner.is_1904
        self._targets |= scanner.targets
        self._names |= scanner.names

    def of_sheet(self, name: str) -> SheetFacts:
        """Facts of a sheet by its name.

        Parameters
        ----------
        name : str
            As the workbook shows it.

        Returns
        -------
        SheetFacts
            Empty where the workbook doesn't say which part it is.
        """
        target = self._targets.get(self._names.get(name, ""), "")
        part = target.lstrip("/") if target.startswith(("/xl", "xl/")) else f"xl/{target}"
        return self.sheets.get(part, SheetFacts())


class Scanner:
    """Collects the facts of one part while expat streams through it; only a worksheet is looked at closely."""

    def __init__(self, name: str, on_doctype: Callable[[], None]) -> None:
        self.facts: SheetFacts | None = None
        self.is_1904 = False
        self.targets: dict[str, str] = {}
        self.names: dict[str, str] = {}
        self.deepest = 0
        self.parser = expat.ParserCreate()
        self.parser.StartDoctypeDeclHandler = lambda *_: on_doctype()
        self.parser.StartElementHandler = self._root
        self.parser.EndElementHandler = self._rise
        self._is_workbook = name in _WORKBOOK_PARTS
        self._depth = 0
        self._row = self._column = 0
        self._last: Place = (0, -1)
        self._is_formula = self._is_text = self._in_value = self._has_value = False

    @property
    def n_marks(self) -> int:
        """Formulas and error cells so far."""
        facts = self.facts
        return len(facts.formulas) + len(facts.uncached) + len(facts.errors) if facts else 0

    def _sink(self, *_: object) -> None:
        self._depth += 1
        if self._depth > self.deepest:
            self.deepest = self._depth

    def _rise(self, _: str) -> None:
        self._depth -= 1

    def _root(self, name: str, _: dict[str, str]) -> None:
        self._sink()
        self.parser.StartElementHandler = self._of_workbook if self._is_workbook else self._sink
        if _local(name) == "worksheet":
            self.facts = SheetFacts()
            self.parser.StartElementHandler = self._start
            self.parser.EndElementHandler = self._end
            self.parser.CharacterDataHandler = self._text

    def _of_workbook(self, name: str, attributes: dict[str, str]) -> None:
        self._sink()
        tag = _local(name)
        if tag == "Relationship":
            self.targets[attributes.get("Id", "")] = attributes.get("Target", "")
        elif tag == "sheet":
            key = next((v for k, v in attributes.items() if _local(k) == "id" and k != "id"), "")
            self.names[attributes.get("name", "")] = key
        elif tag == "workbookPr":
            self.is_1904 = attributes.get("date1904") in {"1", "true"}

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        assert self.facts is not None
        self._depth += 1
        if self._depth > self.deepest:
            self.deepest = self._depth
        tag = _local(name)
        if tag == "c":
            self._start_cell(attributes, self.facts)
        elif tag == "f":
            self._is_formula = True
        elif tag in {"v", "t"}:
            self._in_value = True
        elif tag == "row":
            self._start_row(attributes, self.facts)
        else:
            note_element(tag, attributes, self.facts)

    def _start_row(self, attributes: dict[str, str], facts: SheetFacts) -> None:
        number = attributes.get("r", "")[:9]
        self._row = int(number) if _is_digits(number) else self._row + 1
        self._column = -1
        if attributes.get("hidden") in {"1", "true"} and self._row <= _MAX_ROW:
            facts.hidden_rows.add(self._row)

    def _start_cell(self, attributes: dict[str, str], facts: SheetFacts) -> None:
        reference = attributes.get("r", "")
        letters = reference.rstrip("0123456789")
        # a cell without a reference follows the one before it
        self._column = column_of(letters) if letters else self._column + 1
        digits = reference[len(letters) :][:9]
        row = int(digits) if digits else self._row
        facts.n_cells += 1
        if (row, self._column) <= self._last and facts.doubtful is None:
            facts.doubtful = (row, self._column)
        self._last = (row, self._column)
        if row > facts.max_row:
            facts.max_row = row
        if self._column >= facts.max_column:
            facts.max_column = self._column + 1
        if attributes.get("t") == "e":
            facts.errors.append((row, self._column))
        self._is_text = attributes.get("t") == "str"  # a formula may well give an empty text
        self._is_formula = self._has_value = False

    def _text(self, text: str) -> None:
        self._has_value = self._has_value or (self._in_value and bool(text.strip()))

    def _end(self, name: str) -> None:
        assert self.facts is not None
        self._depth -= 1
        tag = _local(name)
        if tag in {"v", "t"}:
            self._in_value = False
        elif tag == "c" and self._is_formula:
            place = (self._row, self._column)
            (self.facts.formulas if self._has_value or self._is_text else self.facts.uncached).append(place)


def _local(name: str) -> str:
    return name.rsplit(":", 1)[-1]


def _is_digits(text: str) -> bool:
    return text.isascii() and text.isdigit()


def note_element(tag: str, attributes: dict[str, str], facts: SheetFacts) -> None:
    """Note what an element of a worksheet other than its cells says.

    Parameters
    ----------
    tag : str
        Its name.
    attributes : dict of str to str
        As found.
    facts : SheetFacts
        Gets hidden columns, merged cells and filters.
    """
    if tag == "mergeCell" and len(facts.merged) < _MAX_MERGED:
        facts.merged.append(attributes.get("ref", "")[:40])
    elif tag == "autoFilter":
        facts.has_filter = True
    elif tag == "col" and attributes.get("hidden") in {"1", "true"}:
        first, last = attributes.get("min", "")[:9], attributes.get("max", "")[:9]
        if _is_digits(first) and _is_digits(last):
            facts.hidden_columns |= set(range(int(first) - 1, min(int(last), _MAX_COLUMN)))


def column_of(letters: str) -> int:
    """Number of a spreadsheet column.

    Parameters
    ----------
    letters : str
        Such as ``AB``.

    Returns
    -------
    int
        From 0; -1 for no letters.

    Examples
    --------
    >>> column_of("A"), column_of("XFD")
    (0, 16383)
    """
    column = 0
    for letter in letters[:_MAX_LETTERS].upper():
        column = column * 26 + max(ord(letter) - 64, 0)
    return column - 1
