"""The facts of a plain worksheet without an XML parser, some ten times as fast.

Nearly every program writes worksheets in the same plain form: UTF-8, no comments or declarations,
each cell with its reference. Such a part is looked through by patterns, row by row. At the first
sign of anything else the answer is None, and the part goes through the parser instead
(`workbook_facts`): this is a short cut, never a judgement.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import IO, Final

from igfstrat.cohort.workbook_facts import SheetFacts, column_of, note_element

_PIECE: Final = 1 << 22
# declarations and comments, another encoding, other quotes, names of another namespace
_ODD: Final = (b"<!", b"\0", b"='", b":c ", b":c>", b":row ", b":row>", b":f ", b":f>", b":f/")
_PROLOG: Final = re.compile(
    rb"\s*(?:<\?xml[^<>?]*?(?:encoding=\"(?i:utf-8)\"[^<>?]*?)?\?>)?\s*<([A-Za-z]+)[\s>/]"
)
_OTHER_ENCODING: Final = re.compile(rb"<\?xml[^<>]*encoding\s*=\s*[\"'](?!(?i:utf-8)[\"'])")
_CELL: Final = re.compile(rb'<c r="([A-Z]{1,3})[0-9]{1,8}"')
_ROW: Final = re.compile(rb'<row ((?:[^<>]*? )?)r="([0-9]{1,8})"([^<>]*)>')
_FORMULA: Final = re.compile(
    rb'<c r="([A-Z]{1,3})([0-9]{1,8})"([^<>]*)><f(?:/>|(?: [^<>]*)?(?:/>|>[^<]*</f>))(?:<v>([^<]*)</v>|<v/>)?</c>'
)
_ERROR: Final = re.compile(rb'<c r="([A-Z]{1,3})([0-9]{1,8})"(?: [^<>]*)? t="e"[ />]')
_ELEMENT: Final = re.compile(rb"<(col|mergeCell|autoFilter)( [^<>]*)>")
_ATTRIBUTE: Final = re.compile(rb'([A-Za-z0-9]+)="([^"<>]*)"')
_HIDDEN: Final = re.compile(rb' hidden="(?:1|true)"')


def scan_plain(part: IO[bytes], max_marks: float) -> SheetFacts | None:
    """Facts of a worksheet in plain form.

    Parameters
    ----------
    part : binary file
        The XML of the worksheet.
    max_marks : float
        Formulas and error cells beyond which the answer is None.

    Returns
    -------
    SheetFacts or None
        None where the part is no worksheet, or not plain.
    """
    facts = SheetFacts()
    for i, piece in enumerate(_pieces(part)):
        if i == 0 and not _starts_plainly(piece):
            return None
        if not piece or not _add(piece, facts, is_first=i == 0):
            return None
        if len(facts.formulas) + len(facts.uncached) + len(facts.errors) > max_marks:
            return None
    return facts


def _pieces(part: IO[bytes]) -> Iterator[bytes]:
    """The part in pieces that end with a row; an empty one where it has no rows to end with."""
    held = b""
    while chunk := part.read(_PIECE):
        held += chunk
        end = held.rfind(b"</row>")
        if end < 0 and len(held) > _PIECE:
            yield b""
            return
        if end >= 0:
            yield held[: end + 6]
            held = held[end + 6 :]
    if held:
        yield held


def _starts_plainly(piece: bytes) -> bool:
    start = piece.removeprefix(b"\xef\xbb\xbf")
    root = _PROLOG.match(start)
    return root is not None and root[1] == b"worksheet" and _OTHER_ENCODING.match(start.lstrip()) is None


def _add(piece: bytes, facts: SheetFacts, *, is_first: bool) -> bool:
    """Add what a piece says; False where it isn't plain."""
    is_odd = any(mark in piece for mark in _ODD) or piece.count(b"<?") > is_first
    columns, rows = _CELL.findall(piece), _ROW.findall(piece)
    n_cells, n_rows = _count(piece, b"c"), _count(piece, b"row")
    if is_odd or len(columns) != n_cells or len(rows) != n_rows:
        return False
    facts.n_cells += n_cells
    if columns:
        facts.max_column = max(facts.max_column, *(column_of(c.decode()) + 1 for c in set(columns)), 0)
    facts.max_row = max(facts.max_row, *(int(number) for _, number, _ in rows), 0)
    facts.hidden_rows |= {
        int(number)
        for before, number, after in rows
        if (b"hidden" in after or b"hidden" in before) and _HIDDEN.search(b" " + before + after)
    }
    for name, attributes in _ELEMENT.findall(piece):
        said = {k.decode(): v.decode("utf-8", "replace") for k, v in _ATTRIBUTE.findall(attributes)}
        note_element(name.decode(), said, facts)
    return _add_formulas(piece, facts) and _add_errors(piece, facts)


def _count(piece: bytes, tag: bytes) -> int:
    return sum(piece.count(b"<" + tag + end) for end in (b" ", b">", b"/", b"\n", b"\t", b"\r"))


def _add_formulas(piece: bytes, facts: SheetFacts) -> bool:
    n_formulas = _count(piece, b"f")
    if not n_formulas:
        return True
    found = _FORMULA.findall(piece)
    for letters, row, attributes, value in found:
        place = (int(row), column_of(letters.decode()))
        is_stored = bool(value.strip()) or b' t="str"' in attributes
        (facts.formulas if is_stored else facts.uncached).append(place)
    return len(found) == n_formulas


def _add_errors(piece: bytes, facts: SheetFacts) -> bool:
    n_errors = piece.count(b't="e"')
    if not n_errors:
        return True
    found = _ERROR.findall(piece)
    facts.errors += [(int(row), column_of(letters.decode())) for letters, row in found]
    return len(found) == n_errors
