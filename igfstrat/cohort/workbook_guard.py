"""What a workbook must survive before it is parsed: sizes, names, entities, extent of its cells.

A workbook is a zip of XML. Bombs, entities and twice-named members are refused as unsafe; a stray
cell far outside the table is an accident and gets a remedy, but it would end the process inside the
parser, so it must be found first. Cells that readers silently take for empty (errors, formulas
without a stored value) are found here too.
"""

from __future__ import annotations

import io
import re
import zipfile
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


@dataclass(slots=True)
class SheetFacts:
    """What the XML of one sheet says that a reader of values does not.

    Parameters
    ----------
    max_row, max_column : int
        Extent of the cells, from 1.
    n_cells : int
        Cells that are there.
    formulas : list of str
        References of formula cells.
    uncached : list of str
        References of formula cells without a stored value.
    errors : list of str
        References of cells that hold an error such as ``#DIV/0!``.
    hidden_rows : list of int
        Rows that are hidden, by hand or by a filter.
    """

    max_row: int = 0
    max_column: int = 0
    n_cells: int = 0
    formulas: list[str] = field(default_factory=list)
    uncached: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    hidden_rows: list[int] = field(default_factory=list)


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
        If it is damaged, or a stray cell lies far outside the table.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            _check_members(archive, source)
            facts = {}
            for info in archive.infolist():
                if info.filename.lower().endswith((".xml", ".rels")):
                    facts[info.filename.lstrip("/")] = _scan(archive, info, source)
    except (zipfile.BadZipFile, EOFError, zipfile.zlib.error, NotImplementedError, OSError) as error:
        raise _damaged(source) from error
    sheets = {name: fact for name, fact in facts.items() if re.search(r"worksheets/[^/]+\.xml$", name)}
    for fact in sheets.values():
        _check_extent(fact, source)
    return sheets


def _damaged(source: str) -> CohortError:
    remedy = "not a valid Excel workbook: truncated, incomplete or damaged; download or save it again"
    return CohortError(source, [Problem(code="damaged", severity=Severity.ERROR, remedy=remedy)])


def _check_members(archive: zipfile.ZipFile, source: str) -> None:
    members = archive.infolist()
    names = [info.filename for info in members]
    total = sum(info.file_size for info in members)
    packed = max(sum(info.compress_size for info in members), 1)
    why = None
    if len(members) > _MAX_MEMBERS:
        why = f"too many members ({len(members):,}; at most {_MAX_MEMBERS:,})"
    elif len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        why = f"two members are named {safe_text(twice)}: ambiguous, since readers disagree which one counts"
    elif any(name.startswith(("/", "\\")) or ".." in name.split("/") for name in names):
        why = "a member's path leads outside"
    elif total > _MAX_BYTES or (total > _RATIO_FROM and total / packed > _MAX_RATIO):
        why = f"too large: it expands to {total / 1e6:,.0f} MB, compression ratio {total / packed:,.0f}:1"
    if why:
        message = f"{source}: unsafe workbook, {why}. It was not opened; save the sheet as csv."
        raise UnsafeFileError(message)


class _Scanner:
    """Collects the facts of one part while expat streams through it."""

    def __init__(self, source: str) -> None:
        self.facts = SheetFacts()
        self._source = source
        self._cell = ""
        self._has_formula = self._has_value = False

    def doctype(self, *_: object) -> None:
        message = f"{self._source}: unsafe workbook, it declares a DTD or entity. It was not opened; save the sheet as csv."
        raise UnsafeFileError(message)

    def start(self, name: str, attributes: dict[str, str]) -> None:
        tag = name.rsplit(":", 1)[-1]
        if tag == "c":
            self._cell = attributes.get("r", "")
            self._has_formula = self._has_value = False
            self.facts.n_cells += 1
            self._extend(self._cell)
            if attributes.get("t") == "e":
                self.facts.errors.append(self._cell)
        elif tag == "f":
            self._has_formula = True
        elif tag in {"v", "is"}:
            self._has_value = True
        elif tag == "row" and attributes.get("hidden") in {"1", "true"} and attributes.get("r", "").isdigit():
            self.facts.hidden_rows.append(int(attributes["r"]))

    def end(self, name: str) -> None:
        if name.rsplit(":", 1)[-1] == "c" and self._has_formula:
            self.facts.formulas.append(self._cell)
            if not self._has_value:
                self.facts.uncached.append(self._cell)

    def _extend(self, reference: str) -> None:
        letters = reference.rstrip("0123456789")
        column = 0
        for letter in letters.upper():
            column = column * 26 + ord(letter) - 64
        self.facts.max_column = max(self.facts.max_column, column)
        digits = reference[len(letters) :]
        self.facts.max_row = max(self.facts.max_row, int(digits[:9]) if digits else 0)


def _scan(archive: zipfile.ZipFile, info: zipfile.ZipInfo, source: str) -> SheetFacts:
    scanner = _Scanner(source)
    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = scanner.doctype
    if "worksheets/" in info.filename and info.filename.endswith(".xml"):
        parser.StartElementHandler = scanner.start
        parser.EndElementHandler = scanner.end
    try:
        with archive.open(info) as part:
            while chunk := part.read(_CHUNK):
                parser.Parse(chunk, False)
            parser.Parse(b"", True)
    except expat.ExpatError as error:
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
