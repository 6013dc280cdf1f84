"""A csv or parquet file in pieces: the same cells as a whole reading gives, a few rows at a time.

Text is told apart once a piece (a cohort says the same few things), figures of a parquet file stay
figures. Blank rows are passed over and keep their number, as everywhere.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO, Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from igfstrat.cohort._child import _arrow_text, text_of
from igfstrat.cohort.layout import find_table
from igfstrat.cohort.sheet import Grid, Sheet
from igfstrat.cohort.text_reader import _sniff
from igfstrat.cohort.writing import check_sheet_rows
from igfstrat.errors import CohortError, Problem, Severity, UsageError, safe_text

# from so many rows on a file is scored in pieces
STREAMED_FROM: Final = 500_000
HEAD_ROWS: Final = 1_000
_READ_BYTES: Final = 1 << 20
_SAMPLE: Final = 30


@dataclass(slots=True)
class Cells:
    """A column of a piece: words and which row has which, or figures.

    Parameters
    ----------
    words : list of str
        Different texts; empty for figures.
    which : ndarray of int64, shape (n_rows,)
        Place of each row's text in `words`.
    figures : ndarray of float64, shape (n_rows,), or None
        Figures of a numeric column, NaN where empty.
    """

    words: list[str]
    which: NDArray[np.int64]
    figures: NDArray[np.float64] | None = None

    def text(self) -> NDArray[np.object_]:
        """The cells as text.

        Returns
        -------
        ndarray of object, shape (n_rows,)
            "" where empty.
        """
        if self.figures is None:
            return np.array([*self.words, ""], dtype=object)[self.which]
        texts = [text_of(None if v != v else v) for v in self.figures.tolist()]
        return np.array([*texts, ""], dtype=object)[:-1]


@dataclass(slots=True)
class Piece:
    """Rows of a file.

    Parameters
    ----------
    start : int
        First of them among the patient rows, from 0.
    row_numbers : ndarray of int64, shape (n_rows,)
        As the spreadsheet counts.
    columns : list of Cells
        One a column of the file.
    source : pyarrow.Table or None
        The rows as a parquet file holds them.
    """

    start: int
    row_numbers: NDArray[np.int64]
    columns: list[Cells]
    source: Any = None


@dataclass(slots=True, kw_only=True)
class Source:
    """A file that can be read in pieces, as often as needed.

    Parameters
    ----------
    path : Path
        The file.
    head : Sheet
        Its first rows, read as any file is.
    n_bytes : int
        Its size.
    pieces : callable
        From rows a piece to the pieces.
    """

    path: Path
    head: Sheet
    n_bytes: int
    pieces: Callable[[int], Iterator[Piece]]


def is_parquet(path: Path) -> bool:
    """Whether a file is parquet, by its first bytes.

    Parameters
    ----------
    path : Path
        A readable file.

    Returns
    -------
    bool
        False for text.
    """
    with path.open("rb") as handle:
        return handle.read(4) == b"PAR1"


def count_lines(path: Path) -> int:
    """Rows of a parquet file, or lines of any other: what decides whether it is read in pieces.

    Parameters
    ----------
    path : Path
        A readable file.

    Returns
    -------
    int
        An upper bound on its rows; 0 for anything that is neither parquet nor text.
    """
    if is_parquet(path):
        import pyarrow.parquet as pq

        return int(pq.ParquetFile(path).metadata.num_rows)
    with path.open("rb") as handle:
        first = handle.read(4096)
        if b"\x00" in first or first.startswith((b"PK", b"\xd0\xcf")):
            return 0
        return first.count(b"\n") + sum(
            block.count(b"\n") for block in iter(lambda: handle.read(_READ_BYTES), b"")
        )


def open_source(path: Path, *, encoding: str | None, header_row: int | None) -> Source:
    """Look at the head of a file.

    Parameters
    ----------
    path : Path
        A csv or parquet file.
    encoding : str or None
        Of the text; by default UTF-8.
    header_row : int or None
        Of the text, from 1.

    Returns
    -------
    Source
        Nothing but its first rows is read yet.

    Raises
    ------
    CohortError
        If it has no header or no rows.
    UsageError
        If it can't be read in pieces.
    """
    return _open_parquet(path) if is_parquet(path) else _open_text(path, encoding, header_row)


def _open_parquet(path: Path) -> Source:
    import pyarrow as pa
    import pyarrow.parquet as pq

    file = pq.ParquetFile(path)
    names = [str(name) for name in file.schema_arrow.names]
    if any(pa.types.is_nested(field.type) or pa.types.is_binary(field.type) for field in file.schema_arrow):
        message = (
            f"{safe_text(path.name)}: columns of lists, records or bytes can't be read; keep the plain ones"
        )
        raise UsageError(message)
    first = next(file.iter_batches(batch_size=HEAD_ROWS), None)
    rows = (
        [list(row) for row in zip(*(_arrow_text(c, pa) for c in first.columns), strict=True)] if first else []
    )
    head = find_table(Grid(rows=[names, *rows]), safe_text(path.name), header_row=1, known=frozenset(names))

    def pieces(size: int) -> Iterator[Piece]:
        start = 0
        for batch in pq.ParquetFile(path).iter_batches(batch_size=size):
            rows = np.arange(start, start + len(batch))
            yield Piece(start, rows + 2, [_arrow_cells(c, pa) for c in batch.columns], pa.table(batch))
            start += len(batch)

    return Source(path=path, head=head, n_bytes=path.stat().st_size, pieces=pieces)


def _arrow_cells(column: Any, pa: Any) -> Cells:
    kind = column.type
    if pa.types.is_float64(kind) or pa.types.is_integer(kind):
        figures = column.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
        if pa.types.is_float64(kind) or np.abs(figures[~np.isnan(figures)]).max(initial=0) < 2**53:
            return Cells([], np.empty(0, dtype=np.int64), figures)
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        encoded = column.dictionary_encode()
        which = encoded.indices.fill_null(len(encoded.dictionary)).to_numpy(zero_copy_only=False)
        return Cells([*encoded.dictionary.to_pylist(), ""], which.astype(np.int64))
    return text_cells(_arrow_text(column, pa))


def text_cells(texts: list[str]) -> Cells:
    """A column of text, its words told apart.

    Parameters
    ----------
    texts : list of str
        One a row.

    Returns
    -------
    Cells
        Words in the order in which they come first.
    """
    which, words = pd.factorize(np.array([*texts, None], dtype=object)[:-1])
    return Cells([str(word) for word in words], which.astype(np.int64))


def _open_text(path: Path, encoding: str | None, header_row: int | None) -> Source:
    with path.open("rb") as handle:
        start = handle.read(4)
    utf16 = start.startswith((b"\xff\xfe", b"\xfe\xff"))
    chosen = encoding or ("utf-16" if utf16 else "utf-8-sig")

    def opened() -> IO[str]:
        return path.open(encoding=chosen, newline=None)

    try:
        with opened() as text:
            lines = [line.rstrip("\n") for line in islice(text, HEAD_ROWS)]
    except (UnicodeDecodeError, LookupError) as error:
        raise _not_encoded(path, chosen) from error
    n_comments = next((i for i, line in enumerate(lines) if not line.lstrip('"').startswith("#")), len(lines))
    delimiter = _sniff(lines[n_comments : n_comments + _SAMPLE])
    if delimiter == "whitespace":
        message = f"{safe_text(path.name)}: columns apart by spaces aren't read in pieces; use commas or tabs"
        raise UsageError(message)
    rows: list[list[str]] = [[] for _ in range(n_comments)]
    # a field may run over the last of these lines, whose row is then left out of the head
    rows += list(csv.reader(lines[n_comments:], delimiter=delimiter))
    if len(lines) == HEAD_ROWS:
        rows.pop()
    head = find_table(Grid(rows=rows), safe_text(path.name), header_row=header_row, known=frozenset())

    def pieces(size: int) -> Iterator[Piece]:
        try:
            with opened() as handle:
                for _ in range(n_comments):
                    next(handle)
                yield from _text_pieces(handle, delimiter, head, n_comments, size)
        except UnicodeDecodeError as error:
            raise _not_encoded(path, chosen) from error
        except csv.Error as error:
            raise _fault(head.place, "quote", f"{error}; close or remove the quote") from error

    return Source(path=path, head=head, n_bytes=path.stat().st_size, pieces=pieces)


def _text_pieces(handle: IO[str], delimiter: str, head: Sheet, n_comments: int, size: int) -> Iterator[Piece]:
    reader = csv.reader(handle, delimiter=delimiter, strict=True)
    for _ in range(head.header_row - n_comments):
        width = len(next(reader))
    number, start = head.header_row, 0
    n_columns = len(head.headers)
    while records := list(islice(reader, size)):
        numbers = [number + 1 + i for i, record in enumerate(records) if _is_filled(record)]
        filled = [record for record in records if _is_filled(record)]
        number += len(records)
        faults = [
            (n, len(r)) for n, r in zip(numbers, filled, strict=True) if len(r) != width and _is_odd(r, width)
        ]
        if faults:
            raise CohortError(head.place, [_field_problem(n, found, width) for n, found in faults])
        if not filled:
            continue
        columns = list(zip(*(record[:n_columns] for record in filled), strict=True))
        yield Piece(
            start, np.array(numbers, dtype=np.int64), [text_cells(list(column)) for column in columns]
        )
        start += len(filled)


_ANYTHING: Final = re.compile(r"\S")


def _is_filled(record: list[str]) -> bool:
    return any(_ANYTHING.search(text) for text in record)


def _is_odd(record: list[str], width: int) -> bool:
    return len(record) < width or _is_filled(record[width:])


def _field_problem(row: int, found: int, width: int) -> Problem:
    remedy = f"has {found} fields where the header has {width}; look for a missing or an extra delimiter"
    return Problem(code="fields", severity=Severity.ERROR, row=row, remedy=remedy)


def _fault(place: str, code: str, remedy: str) -> CohortError:
    return CohortError(place, [Problem(code=code, severity=Severity.ERROR, remedy=remedy)])


def _not_encoded(path: Path, encoding: str) -> CohortError:
    how = f"not {encoding} text; name the encoding with --encoding (cp1252, mac_roman, utf-16 …)"
    return _fault(safe_text(path.name), "encoding", how)


def must_stream(path: Path, out: Path, *, asked: bool, mapped: bool) -> bool:
    """Whether a file is scored in pieces.

    Parameters
    ----------
    path : Path
        The cohort.
    out : Path
        The result.
    asked : bool
        Whether pieces were asked for.
    mapped : bool
        Whether a map, a sheet or a model was named, which only a whole file can be held against.

    Returns
    -------
    bool
        True where asked, and for a csv or parquet file of many rows.

    Raises
    ------
    UsageError
        If pieces were asked for and the file, the format of the result or the options don't allow them.
    """
    if asked and mapped:
        message = "--chunk-rows scores files whose headers follow the convention; leave it out with --map, --sheet or --model"
        raise UsageError(message)
    if mapped or not path.is_file():
        return False
    n_rows = count_lines(path)
    if asked and n_rows == 0:
        message = f"--chunk-rows: {safe_text(path.name)} is neither csv nor parquet; leave it out"
        raise UsageError(message)
    if asked or n_rows >= STREAMED_FROM:
        check_sheet_rows(n_rows, out)
        if out.suffix.lower() == ".xlsx" and asked:
            message = "a file in pieces is written as .csv or .parquet; leave --chunk-rows out for .xlsx"
            raise UsageError(message)
        return out.suffix.lower() != ".xlsx"
    return False
