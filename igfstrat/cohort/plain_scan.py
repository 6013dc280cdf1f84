"""The facts of a plain worksheet without an XML parser, some twenty times as fast.

Nearly every program writes worksheets in the same plain form: UTF-8, no comments or declarations,
each cell with its reference. Such a part is looked through as an array of bytes: each tag is told by
the bytes after its ``<``. At the first sign of anything else the answer is None, and the part goes
through the parser instead (`workbook_facts`): this is a short cut, never a judgement.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Final

import numpy as np
from numpy.typing import NDArray

from igfstrat.cohort.workbook_facts import SheetFacts, column_of, note_element

_PIECE: Final = 1 << 21
_MARGIN: Final = 32  # zeros after a piece, so that what follows its last tag can be looked at
_PROLOG: Final = re.compile(
    rb"\s*(?:<\?xml[^<>?]*?(?:encoding=\"(?i:utf-8)\"[^<>?]*?)?\?>)?\s*<([A-Za-z]+)[\s>/]"
)
_OTHER_ENCODING: Final = re.compile(rb"<\?xml[^<>]*encoding\s*=\s*[\"'](?!(?i:utf-8)[\"'])")
_ROW: Final = re.compile(rb'<row ((?:[^<>]*? )?)r="([0-9]{1,8})"([^<>]*)>')
_FORMULA: Final = re.compile(
    rb'<c r="([A-Z]{1,3})([0-9]{1,8})"([^<>]*)><f(?:/>|(?: [^<>]*)?(?:/>|>[^<]*</f>))(?:<v>([^<]*)</v>|<v/>)?</c>'
)
_ERROR: Final = re.compile(rb'<c r="([A-Z]{1,3})([0-9]{1,8})"(?: [^<>]*)? t="e"[ />]')
_ELEMENT: Final = re.compile(rb"<(col|mergeCell|autoFilter)( [^<>]*)>")
_ATTRIBUTE: Final = re.compile(rb'([A-Za-z0-9]+)="([^"<>]*)"')
_HIDDEN: Final = re.compile(rb' hidden="(?:1|true)"')
_NAME: Final = re.compile(rb"<([^\s<>/]*)")
# tags that a piece may hold beside those of cells, before looking at each no longer pays
_MOST_OTHERS: Final = 20_000
_WATCHED: Final = frozenset({b"c", b"row", b"f", b"v", b"si", b"t"})
_IN_NAME: Final = np.zeros(256, dtype=bool)
_IN_NAME[[*b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.:-", *range(128, 256)]] = True
_LONGEST_ROW: Final = 8
_COLUMN_BITS: Final = 15  # three letters at the most


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
    for i, piece in enumerate(_pieces(part, b"</row>")):
        if i == 0 and not _starts_plainly(piece, b"worksheet"):
            return None
        if not piece or not _add(_Tags.of(piece), facts, is_first=i == 0):
            return None
        if len(facts.formulas) + len(facts.uncached) + len(facts.errors) > max_marks:
            return None
    return facts


def is_plain_text_table(part: IO[bytes], max_depth: float) -> bool:
    """Whether a part is a table of shared texts in plain form, with nothing in it that a parser must look for.

    Parameters
    ----------
    part : binary file
        The XML of the part.
    max_depth : float
        Tags inside each other beyond which the answer is False.

    Returns
    -------
    bool
        False where it is anything else, or in any doubt.
    """
    depth = 0
    for i, piece in enumerate(_pieces(part, b"</si>")):
        if not piece or (i == 0 and not _starts_plainly(piece, b"sst")):
            return False
        tags = _Tags.of(piece)
        if not tags.are_plain(is_first=i == 0):
            return False
        # one that closes itself counts as open here: too deep only sends it to the parser
        depths = depth + np.cumsum(np.where(tags.first == ord("/"), -1, 1))
        if depths.max(initial=0) > max_depth:
            return False
        depth = int(depths[-1]) if len(depths) else depth
    return True


def _pieces(part: IO[bytes], end_tag: bytes) -> Iterator[bytes]:
    """The part in pieces that end with a tag; an empty one where it has no such tags to end with."""
    held, is_empty = b"", True
    while chunk := part.read(_PIECE):
        held, is_empty = held + chunk, False
        end = held.rfind(end_tag)
        if end < 0 and len(held) > _PIECE:
            yield b""
            return
        if end >= 0:
            yield held[: end + len(end_tag)]
            held = held[end + len(end_tag) :]
    if held or is_empty:
        yield held


def _starts_plainly(piece: bytes, root_tag: bytes) -> bool:
    start = piece.removeprefix(b"\xef\xbb\xbf")
    root = _PROLOG.match(start)
    return root is not None and root[1] == root_tag and _OTHER_ENCODING.match(start.lstrip()) is None


@dataclass(slots=True)
class _Tags:
    """A piece and its tags: the place of each ``<``, and the byte after it."""

    piece: bytes
    bytes_: NDArray[np.uint8]
    at: NDArray[np.intp]
    first: NDArray[np.uint8]

    @classmethod
    def of(cls, piece: bytes) -> _Tags:
        padded = np.frombuffer(piece + bytes(_MARGIN), dtype=np.uint8)
        at = np.flatnonzero(padded == ord("<"))
        return cls(piece, padded, at, padded[at + 1])

    def named(self, name: bytes) -> NDArray[np.bool_]:
        """Which tags open an element of this name."""
        found: NDArray[np.bool_] = self.first == name[0]
        places = self.at[found]
        same = ~_IN_NAME[self.bytes_[places + 1 + len(name)]]
        for offset, letter in enumerate(name[1:], start=2):
            same &= self.bytes_[places + offset] == letter
        found[found] = same
        return found

    def are_plain(self, *, is_first: bool, known: NDArray[np.bool_] | None = None) -> bool:
        """Whether no tag is a declaration, a comment or a watched name of another namespace."""
        # another encoding; other quotes could hide an attribute
        if b"\0" in self.piece or b"='" in self.piece:
            return False
        if known is None:
            known = self.named(b"t") | self.named(b"si")
        rest = ~(known | (self.first == ord("/")))
        if np.count_nonzero(rest) > _MOST_OTHERS:
            return False
        names = [m[1] for place in self.at[rest].tolist() if (m := _NAME.match(self.piece, place))]
        n_declarations = sum(name.startswith(b"?") for name in names)
        return n_declarations <= is_first and not any(
            name.startswith(b"!") or (b":" in name and name.rsplit(b":", 1)[-1] in _WATCHED) for name in names
        )


def _add(tags: _Tags, facts: SheetFacts, *, is_first: bool) -> bool:
    """Add what a piece says; False where it isn't plain."""
    is_cell, is_row, is_formula = (tags.named(name) for name in (b"c", b"row", b"f"))
    others = tags.named(b"v") | tags.named(b"t") | tags.named(b"is")
    if not tags.are_plain(is_first=is_first, known=is_cell | is_row | is_formula | others):
        return False
    _add_elements(tags, facts)
    return (
        _add_cells(tags, tags.at[is_cell], facts)
        and _add_rows(tags, tags.at[is_row], facts)
        and _add_formulas(tags.piece, int(is_formula.sum()), facts)
        and _add_errors(tags.piece, facts)
    )


def _add_cells(tags: _Tags, places: NDArray[np.intp], facts: SheetFacts) -> bool:
    """Extent of the cells; False where one doesn't begin with its reference."""
    text = tags.bytes_
    if not all((text[places + 2 + i] == letter).all() for i, letter in enumerate(b' r="')):
        return False
    at = places + 6
    column = np.zeros(len(at), dtype=np.int64)
    for _ in range(3):
        letter = text[at].astype(np.int64) - ord("A")
        is_letter = (letter >= 0) & (letter < 26)
        column = np.where(is_letter, column * 26 + letter + 1, column)
        at = at + is_letter
    row, n_digits = np.zeros(len(at), dtype=np.int64), np.zeros(len(at), dtype=np.int64)
    for _ in range(_LONGEST_ROW):
        digit = text[at].astype(np.int64) - ord("0")
        is_digit = (digit >= 0) & (digit < 10)
        if not is_digit.any():
            break
        row = np.where(is_digit, row * 10 + digit, row)
        at, n_digits = at + is_digit, n_digits + is_digit
    if not ((text[at] == ord('"')) & (column > 0) & (n_digits > 0)).all():
        return False
    _note_order(row, column, facts)
    facts.n_cells += len(places)
    facts.max_column = max(facts.max_column, int(column.max(initial=0)))
    facts.max_row = max(facts.max_row, int(row.max(initial=0)))
    return True


def _note_order(row: NDArray[np.int64], column: NDArray[np.int64], facts: SheetFacts) -> None:
    """Note the first cell that doesn't come after the one before it; a piece ends with its row."""
    last = (facts.max_row << _COLUMN_BITS) + (1 << _COLUMN_BITS) - 1
    place = np.concatenate([[last], (row << _COLUMN_BITS) + column])
    late = np.flatnonzero(np.diff(place) <= 0)
    if len(late) and facts.doubtful is None:
        facts.doubtful = (int(row[late[0]]), int(column[late[0]]) - 1)


def _add_rows(tags: _Tags, places: NDArray[np.intp], facts: SheetFacts) -> bool:
    """Hidden rows; False where a row has no number."""
    text = tags.bytes_
    is_numbered = all((text[places + 4 + i] == letter).all() for i, letter in enumerate(b' r="'))
    is_numbered &= bool(np.isin(text[places + 8], [*b"0123456789"]).all())
    if is_numbered and b"hidden" not in tags.piece:
        return True
    rows = _ROW.findall(tags.piece)
    facts.hidden_rows |= {
        int(number)
        for before, number, after in rows
        if (b"hidden" in after or b"hidden" in before) and _HIDDEN.search(b" " + before + after)
    }
    return len(rows) == len(places)


def _add_elements(tags: _Tags, facts: SheetFacts) -> None:
    """What stands beside the rows."""
    if not any(tags.named(name).any() for name in (b"col", b"mergeCell", b"autoFilter")):
        return
    for name, attributes in _ELEMENT.findall(tags.piece):
        said = {k.decode(): v.decode("utf-8", "replace") for k, v in _ATTRIBUTE.findall(attributes)}
        note_element(name.decode(), said, facts)


def _add_formulas(piece: bytes, n_formulas: int, facts: SheetFacts) -> bool:
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
