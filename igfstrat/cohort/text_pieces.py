"""The rows of a large text in pieces: records of csv become columns of text, and a row of too many or too few fields is told."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from itertools import compress, islice
from typing import Final

import numpy as np
from numpy.typing import NDArray

from igfstrat.cohort.memory import uncollected
from igfstrat.cohort.pieces import Cells, Piece
from igfstrat.cohort.sheet import Sheet
from igfstrat.cohort.text_reader import check_lines_of_fields, fields_fault, quote_fault
from igfstrat.errors import CohortError

# rows of too few or too many fields after which no more of them are looked for
_MOST_FAULTS: Final = 10_000


def texts_of(texts: Sequence[str]) -> NDArray[np.object_]:
    """Texts as an array, whatever they hold.

    Parameters
    ----------
    texts : sequence of str
        One a row.

    Returns
    -------
    ndarray of object, shape (n_rows,)
        The same.
    """
    return np.array([*texts, None], dtype=object)[:-1]


def read_text_pieces(
    lines: Iterator[str], delimiter: str, head: Sheet, n_comments: int, size: int
) -> Iterator[Piece]:  # fmt: skip
    """Rows of a text, some at a time.

    Parameters
    ----------
    lines : iterator of str
        With their ends, those of comments before the header left out.
    delimiter : str
        Between fields.
    head : Sheet
        The first rows.
    n_comments : int
        Lines that were left out.
    size : int
        Rows of a piece.

    Yields
    ------
    Piece
        Blank rows are passed over.

    Raises
    ------
    CohortError
        If rows have fewer fields than the header, or text in more; or a quote isn't closed.
    """
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    width = 0
    for _ in range(head.header_row - n_comments):
        width = len(next(reader))
    number, start = head.header_row, 0
    n_lines = reader.line_num
    faults: list[tuple[int, list[str]]] = []
    last = number
    while True:
        with uncollected():
            records: list[list[str]] = []
            try:
                records.extend(islice(reader, size))
            except csv.Error as error:
                raise quote_fault(error, head.place, number + len(records) + 1) from error
            if reader.line_num - n_lines > len(records):
                check_lines_of_fields(records, head.place, first=number + 1, delimiter=delimiter, width=width)
            n_lines = reader.line_num
            piece = _text_piece(records, number, start, width, head, faults)
        if faults and (not records or len(faults) > _MOST_FAULTS):
            found = [fields_fault(record, n, width, is_last=n == last) for n, record in faults]
            raise CohortError(head.place, found)
        if not records:
            return
        number += len(records)
        if len(piece.row_numbers):
            last = int(piece.row_numbers[-1])
        if len(piece.row_numbers) and not faults:
            yield piece
            start = piece.stop


def _text_piece(
    records: list[list[str]], number: int, start: int, width: int, head: Sheet, faults: list[tuple[int, list[str]]]
) -> Piece:  # fmt: skip
    """A piece; rows that don't fit the header are added to the faults, and no such piece is used."""
    filled = [_is_filled(record) for record in records]
    kept, n_columns = list(compress(records, filled)), len(head.headers)
    rows = number + 1 + np.flatnonzero(filled)
    if not set(map(len, kept)) <= {width}:
        faults += [(n, r) for n, r in zip(rows.tolist(), kept, strict=True) if _is_odd(r, width)]
    columns = zip(*(record[:n_columns] for record in kept), strict=not faults)
    return Piece(start, rows, [Cells(texts=texts_of(column)) for column in columns])


def _is_filled(record: list[str]) -> bool:
    return any(map(str.strip, record))


def _is_odd(record: list[str], width: int) -> bool:
    return len(record) < width or _is_filled(record[width:])
