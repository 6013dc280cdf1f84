"""The rows of a large text in pieces: records of csv become columns of text, and a row of too many or too few fields is told."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from itertools import compress, islice

import numpy as np
from numpy.typing import NDArray

from igfstrat.cohort.pieces import Cells, Piece, uncollected
from igfstrat.cohort.sheet import Sheet
from igfstrat.cohort.text_reader import check_lines_of_fields
from igfstrat.errors import CohortError, Problem, Severity


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
        If a row has fewer fields than the header, or text in more.
    csv.Error
        If a quote isn't closed.
    """
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    width = 0
    for _ in range(head.header_row - n_comments):
        width = len(next(reader))
    number, start = head.header_row, 0
    n_lines = reader.line_num
    while True:
        with uncollected():
            records = list(islice(reader, size))
            if reader.line_num - n_lines > len(records):
                check_lines_of_fields(records, head.place, first=number + 1)
            n_lines = reader.line_num
            piece = _text_piece(records, number, start, width, head)
        if not records:
            return
        number += len(records)
        if len(piece.row_numbers):
            yield piece
            start = piece.stop


def _text_piece(records: list[list[str]], number: int, start: int, width: int, head: Sheet) -> Piece:
    filled = [_is_filled(record) for record in records]
    kept, n_columns = list(compress(records, filled)), len(head.headers)
    rows = number + 1 + np.flatnonzero(filled)
    if not set(map(len, kept)) <= {width}:
        faults = [(n, len(r)) for n, r in zip(rows.tolist(), kept, strict=True) if _is_odd(r, width)]
        if faults:
            raise CohortError(head.place, [_field_problem(n, found, width) for n, found in faults])
    columns = zip(*(record[:n_columns] for record in kept), strict=True)
    return Piece(start, rows, [Cells(texts=texts_of(column)) for column in columns])


def _is_filled(record: list[str]) -> bool:
    return any(map(str.strip, record))


def _is_odd(record: list[str], width: int) -> bool:
    return len(record) < width or _is_filled(record[width:])


def _field_problem(row: int, found: int, width: int) -> Problem:
    remedy = f"has {found} fields where the header has {width}; look for a missing or an extra delimiter"
    return Problem(code="fields", severity=Severity.ERROR, row=row, remedy=remedy)
