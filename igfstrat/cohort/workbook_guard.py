"""What a workbook must survive before it is parsed: sizes, names, entities, extent of its cells.

A workbook is a zip of XML. Bombs, entities and twice-named members are refused as unsafe; a stray
cell far outside the table is an accident and gets a remedy, but it would end the process inside the
parser, so it must be found first. What a reader of values cannot tell (formulas, formulas without a
stored value, error cells, hidden rows) is collected here too.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from dataclasses import dataclass, field
from typing import Final
from xml.parsers import expat

from igfstrat.errors import CohortError, Problem, Severity, UnsafeFileError, safe_text

_MAX_MEMBERS: Final = 5_000
_MAX_BYTES: Final = 1_500_000_000
_MAX_RATIO: Final = 60
_RATIO_FROM: Final = 20_000_000
_MAX_SPARSE: Final = 20_000_000
_CHUNK: Final = 1 << 16
_MAX_LETTERS: Final = 4  # Excel has three

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
    """

    max_row: int = 0
    max_column: int = 0
    n_cells: int = 0
    formulas: list[Place] = field(default_factory=list)
    uncached: list[Place] = field(default_factory=list)
    errors: list[Place] = field(default_factory=list)
    hidden_rows: set[int] = field(default_factory=set)


def check_workbook(data: bytes, source: str) -> dict[str, SheetFacts]:
    """Look through a workbook without parsing its values.

    Parameters
    ----------
    data : bytes
        Content of the file.
    source : str
        Its name, for messages.

    Returns
    -------
    dict of str to SheetFacts
        By path of the sheet inside the zip.

    Raises
    ------
    UnsafeFileError
        If it is a bomb, or has entities, doubled or escaping member names.
    CohortError
        If it is damaged or encrypted, or a stray cell lies far outside the table.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            _check_members(archive, source)
            scanned = {info.filename: _scan(archive, info, source) for info in archive.infolist()}
    # RuntimeError is zipfile's word for an encrypted member
    except (zipfile.BadZipFile, EOFError, zlib.error, NotImplementedError, OSError, RuntimeError) as error:
        raise _damaged(source) from error
    sheets = {name: facts for name, facts in scanned.items() if facts is not None}
    for facts in sheets.values():
        _check_extent(facts, source)
    return sheets


def _damaged(source: str) -> CohortError:
    remedy = (
        "not a valid Excel workbook: truncated, incomplete, damaged or encrypted; download or save it again"
    )
    return CohortError(source, [Problem(code="damaged", severity=Severity.ERROR, remedy=remedy)])


def _check_members(archive: zipfile.ZipFile, source: str) -> None:
    members = archive.infolist()
    names = [info.filename.replace("\\", "/").lower() for info in members]
    total = sum(info.file_size for info in members)
    packed = max(sum(info.compress_size for info in members), 1)
    why = None
    if len(members) > _MAX_MEMBERS:
        why = f"too many members ({len(members):,}; at most {_MAX_MEMBERS:,})"
    elif len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        why = f"two members are named {safe_text(twice)}: ambiguous, since readers disagree which one counts"
    elif any(name.startswith("/") or ".." in name.split("/") for name in names):
        why = "a member's path leads outside"
    elif total > _MAX_BYTES or (total > _RATIO_FROM and total / packed > _MAX_RATIO):
        why = f"too large: it expands to {total / 1e6:,.0f} MB, compression ratio {total / packed:,.0f}:1"
    if why:
        message = f"{source}: unsafe workbook, {why}. It was not opened; save the sheet as csv."
        raise UnsafeFileError(message)


class _Scanner:
    """Collects the facts of one part while expat streams through it; only a worksheet is looked at closely."""

    def __init__(self, source: str) -> None:
        self.facts: SheetFacts | None = None
        self.parser = expat.ParserCreate()
        self.parser.StartDoctypeDeclHandler = self._doctype
        self.parser.StartElementHandler = self._root
        self._source = source
        self._row = self._column = 0
        self._is_formula = self._is_text = self._in_value = self._has_value = False

    def _doctype(self, *_: object) -> None:
        message = f"{self._source}: unsafe workbook, it declares a DTD or entity. It was not opened; save the sheet as csv."
        raise UnsafeFileError(message)

    def _root(self, name: str, _: dict[str, str]) -> None:
        self.parser.StartElementHandler = None
        if _local(name) == "worksheet":
            self.facts = SheetFacts()
            self.parser.StartElementHandler = self._start
            self.parser.EndElementHandler = self._end
            self.parser.CharacterDataHandler = self._text

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        assert self.facts is not None
        tag = _local(name)
        if tag == "c":
            self._start_cell(attributes, self.facts)
        elif tag == "row":
            number = attributes.get("r", "")[:9]
            self._row = int(number) if _is_digits(number) else self._row + 1
            self._column = -1
            if attributes.get("hidden") in {"1", "true"}:
                self.facts.hidden_rows.add(self._row)
        elif tag == "f":
            self._is_formula = True
        elif tag in {"v", "t"}:
            self._in_value = True

    def _start_cell(self, attributes: dict[str, str], facts: SheetFacts) -> None:
        reference = attributes.get("r", "")
        letters = reference.rstrip("0123456789")
        # a cell without a reference follows the one before it
        self._column = _column_of(letters) if letters else self._column + 1
        digits = reference[len(letters) :][:9]
        row = int(digits) if digits else self._row
        facts.n_cells += 1
        facts.max_row, facts.max_column = max(facts.max_row, row), max(facts.max_column, self._column + 1)
        if attributes.get("t") == "e":
            facts.errors.append((row, self._column))
        self._is_text = attributes.get("t") == "str"  # a formula may well give an empty text
        self._is_formula = self._has_value = False

    def _text(self, text: str) -> None:
        self._has_value = self._has_value or (self._in_value and bool(text.strip()))

    def _end(self, name: str) -> None:
        assert self.facts is not None
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


def _column_of(letters: str) -> int:
    column = 0
    for letter in letters[:_MAX_LETTERS].upper():
        column = column * 26 + max(ord(letter) - 64, 0)
    return column - 1


def _scan(archive: zipfile.ZipFile, info: zipfile.ZipInfo, source: str) -> SheetFacts | None:
    """Facts of a worksheet; None for any other part. Every part that is XML is looked at, whatever its name."""
    scanner = _Scanner(source)
    try:
        with archive.open(info) as part:
            chunk = part.read(_CHUNK)
            if not chunk.lstrip(b"\xef\xbb\xbf\xff\xfe\x00 \t\r\n").startswith(b"<"):
                return None
            while chunk:
                scanner.parser.Parse(chunk, False)
                chunk = part.read(_CHUNK)
            scanner.parser.Parse(b"", True)
    except UnsafeFileError:
        raise
    except (expat.ExpatError, LookupError, ValueError) as error:  # the last two: an encoding that expat lacks
        raise _damaged(source) from error
    return scanner.facts


def _check_extent(facts: SheetFacts, source: str) -> None:
    area = facts.max_row * facts.max_column
    outside = facts.max_row > 1_048_576 or facts.max_column > 16_384
    if outside or area > _MAX_SPARSE + 50 * facts.n_cells:
        remedy = (
            f"a stray cell far outside the table: the cells reach to row {facts.max_row:,}, column {facts.max_column:,}, "
            f"but only {facts.n_cells:,} are filled; delete the empty rows and columns around the table, or save it as csv"
        )
        raise CohortError(source, [Problem(code="extent", severity=Severity.ERROR, remedy=remedy)])
