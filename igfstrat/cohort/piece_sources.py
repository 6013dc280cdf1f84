"""Opening a large table: a csv or parquet file, or a folder of them, as a `Source` of pieces.

Only the head is read at first, by the code that reads any file. Parquet is always read in a process of its own, with limits
on its time and memory; text needs no library, and its lines are bounded. The files of a folder are read in the order of
their names, as if they stood under one another below one header: row numbers run on.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import IO, Any, Final, overload

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from igfstrat.cohort._child import arrow_text
from igfstrat.cohort.cohort_map import FileSettings
from igfstrat.cohort.container import why_not_text
from igfstrat.cohort.layout import find_table
from igfstrat.cohort.limits import LIMITS, Limits
from igfstrat.cohort.parsing import messages_of_pieces
from igfstrat.cohort.pieces import HEAD_ROWS, Cells, Piece, Source
from igfstrat.cohort.sheet import Grid
from igfstrat.cohort.text_pieces import read_text_pieces, texts_of
from igfstrat.cohort.text_reader import (
    encoding_of,
    misfit_of,
    nul_fault,
    parse_records,
    quote_fault,
    sniff_delimiter,
)
from igfstrat.errors import CohortError, Problem, Severity, UnsafeFileError, UsageError, safe_text

SUFFIXES: Final = frozenset({".csv", ".tsv", ".txt", ".parquet"})
# the names of the columns are row 1, as everywhere
FIRST_RECORD: Final = 2
_SAMPLE: Final = 30
_LONGEST_LINE: Final = 10_000_000
_HEAD_BYTES: Final = 10_000_000
_START: Final = 4096
_EXACT_BELOW: Final = 2**53


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


def files_of(path: Path) -> tuple[Path, ...]:
    """The files of a table.

    Parameters
    ----------
    path : Path
        A file, or a folder of files.

    Returns
    -------
    tuple of Path
        The file itself, or the files of the folder by name; names that begin with a dot or underscore aren't data.

    Raises
    ------
    CohortError
        If there is no such file, or the folder holds none, or anything else than csv, tsv and parquet files.
    """
    if path.is_file():
        return (path,)
    if not path.is_dir():
        raise _error(safe_text(path.name), "file", "not there, or not a regular file; check the path")
    found = sorted(p for p in path.iterdir() if not p.name.startswith((".", "_")))
    other = [p.name for p in found if not p.is_file() or p.suffix.lower() not in SUFFIXES]
    if other or not found:
        what = f"holds {safe_text(other[0])}," if other else "not a regular file, or a folder without any,"
        remedy = (
            f"{what} which is neither csv, tsv nor parquet; a folder is scored when it holds such files alone"
        )
        raise _error(safe_text(path.name), "file", remedy)
    return tuple(found)


def open_source(
    path: Path, settings: FileSettings, *, known: frozenset[str] = frozenset(), limits: Limits = LIMITS
) -> Source:
    """Look at the head of a table.

    Parameters
    ----------
    path : Path
        A csv or parquet file, or a folder of such files with one header.
    settings : FileSettings
        Encoding, delimiter and header row of the text, where they are declared.
    known : frozenset of str
        Source headers that a cohort map names.
    limits : Limits
        Time and memory of the process that reads a parquet file.

    Returns
    -------
    Source
        Nothing but its first rows is read yet.

    Raises
    ------
    CohortError
        If it has no header or no rows, or the headers of a folder differ.
    UsageError
        If it can't be read in pieces.
    """
    files = files_of(path)
    parts = [_open_file(file, settings, known, limits) for file in files]
    first, name = parts[0], safe_text(path.name)
    for part, file in zip(parts, files, strict=True):
        if part.head.headers != first.head.headers:
            remedy = f"{safe_text(file.name)} has other columns than {safe_text(files[0].name)}; the files of a folder need one header"
            raise _error(name, "header", remedy)
    if len(parts) == 1:
        return first if path == files[0] else replace(first, head=replace(first.head, source=name))

    def pieces(size: int) -> Iterator[Piece]:
        start, last = 0, first.head.header_row
        for part in parts:
            offset, rows = last - part.head.header_row, 0
            for piece in part.pieces(size):
                numbers = piece.row_numbers + offset
                yield Piece(start + piece.start, numbers, piece.columns, piece.source)
                rows, last = piece.stop, int(numbers[-1])
            start += rows

    n_about = sum(part.n_about for part in parts)
    return Source(head=replace(first.head, source=name), files=files, pieces=pieces, n_about=n_about)


def _open_file(path: Path, settings: FileSettings, known: frozenset[str], limits: Limits) -> Source:
    return _open_parquet(path, limits) if is_parquet(path) else _open_text(path, settings, known)


def _open_parquet(path: Path, limits: Limits) -> Source:
    import pyarrow as pa

    name = safe_text(path.name)
    n_rows, schema, first = (*_arrow_streams(path, HEAD_ROWS, limits, most=1), None)[:3]
    names = [str(header) for header in schema.names]
    if any(pa.types.is_nested(field.type) or pa.types.is_binary(field.type) for field in schema):
        message = f"{name}: columns of lists, records or bytes can't be read; keep the plain ones"
        raise UsageError(message)
    if first:  # long texts are looked at in fewer rows
        first = first.slice(0, max(1, len(first) * _HEAD_BYTES // max(first.nbytes, _HEAD_BYTES)))
    columns = [arrow_cells(column).text() for column in first.columns] if first else []
    rows = [list(row) for row in zip(*columns, strict=True)]
    head = find_table(Grid(rows=[names, *rows]), name, header_row=1, known=frozenset(names))

    def pieces(size: int) -> Iterator[Piece]:
        start = first_row = 0
        for batch in islice(_arrow_streams(path, size, limits), 2, None):
            rows = np.arange(first_row, first_row + len(batch)) + FIRST_RECORD
            columns = ArrowColumns(batch.columns)
            piece = Piece(start, rows, columns, pa.table(batch))
            first_row += len(batch)
            blank = _blank_rows(piece, columns)
            if len(blank):
                piece = piece.take(np.delete(np.arange(len(batch)), blank), start)
            if len(piece.row_numbers):
                yield piece
            start = piece.stop

    return Source(head=head, files=(path,), pieces=pieces, n_about=n_rows)


def _arrow_streams(path: Path, size: int, limits: Limits, most: int | None = None) -> Iterator[Any]:
    """Rows that a parquet file says that it has, its schema, then its rows in batches, as another process reads them."""
    import pyarrow as pa

    name, is_first = safe_text(path.name), True
    for message, data in messages_of_pieces(path, name, size=size, limits=limits, most=most):
        if "arrow" in message:
            stream = pa.ipc.open_stream(pa.py_buffer(data))
            yield stream.schema if is_first else stream.read_next_batch()
            is_first = False
        else:
            yield int(message["rows"])


def count_rows(path: Path, limits: Limits = LIMITS) -> int:
    """Rows of a parquet file, as it says itself.

    Parameters
    ----------
    path : Path
        A parquet file.
    limits : Limits
        What looking at it may take.

    Returns
    -------
    int
        0 where the file can't be read, which those who read it say.
    """
    with suppress(CohortError, UnsafeFileError):
        return int(next(_arrow_streams(path, HEAD_ROWS, limits, most=0)))
    return 0


class ArrowColumns(Sequence[Cells]):
    """Columns of a parquet file, each made when it is first asked for.

    Parameters
    ----------
    arrays : sequence of pyarrow.Array
        As read.
    """

    def __init__(self, arrays: Sequence[Any]) -> None:
        self._arrays = arrays
        self._made: dict[int, Cells] = {}

    def __len__(self) -> int:
        return len(self._arrays)

    @overload
    def __getitem__(self, index: int) -> Cells: ...
    @overload
    def __getitem__(self, index: slice) -> list[Cells]: ...
    def __getitem__(self, index: int | slice) -> Cells | list[Cells]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        cells = self._made.get(index) or arrow_cells(self._arrays[index])
        return self._made.setdefault(index, cells)

    def likely_filled(self) -> list[int]:
        """Places of the columns, those whose empty cells are quickly found first.

        Returns
        -------
        list of int
            Figures before text.
        """
        import pyarrow as pa

        return sorted(range(len(self)), key=lambda i: not pa.types.is_primitive(self._arrays[i].type))


def arrow_cells(column: Any) -> Cells:
    """A column of a parquet file.

    Parameters
    ----------
    column : pyarrow.Array
        Of plain values.

    Returns
    -------
    Cells
        Figures stay figures, text stays with arrow; anything else becomes text.
    """
    import pyarrow as pa

    kind = column.type
    if pa.types.is_float64(kind) or pa.types.is_integer(kind):
        figures = column.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
        if pa.types.is_float64(kind) or np.nanmax(np.abs(figures), initial=0) < _EXACT_BELOW:
            return Cells(figures=figures)
    if pa.types.is_float32(kind) or pa.types.is_float16(kind):
        which, figures = pd.factorize(column.to_numpy(zero_copy_only=False), use_na_sentinel=False)
        # 0.1 as a float32 is 0.1, not 0.10000000149
        return Cells(figures=np.array([float(str(v)) for v in figures], dtype=np.float64)[which])
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return Cells(arrow=column.cast(pa.string()))
    if pa.types.is_dictionary(kind) and pa.types.is_string(kind.value_type):
        return Cells(arrow=column.cast(pa.string()))
    return Cells(texts=texts_of(arrow_text(column, pa)))


def own_values(column: Any) -> Any:
    """A column of a parquet file by its values alone, as a file of scores repeats it.

    Parameters
    ----------
    column : pyarrow.Array or ChunkedArray
        As read.

    Returns
    -------
    pyarrow.Array or ChunkedArray
        A dictionary, whose order and unused words are the file's own, by its values; anything else as it is.
    """
    import pyarrow as pa

    return column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column


def _blank_rows(piece: Piece, columns: ArrowColumns) -> NDArray[np.intp]:
    """Rows that hold nothing at all; one figure in each row settles it, and text is looked at last."""
    rows = np.arange(len(piece.row_numbers))
    for i in columns.likely_filled():
        if not len(rows):
            break
        cells = columns[i]
        if cells.figures is not None:
            rows = rows[np.isnan(cells.figures[rows])]
        else:
            rows = rows[[not text.strip() for text in cells.take(rows).text()]]
    return rows


def _open_text(path: Path, settings: FileSettings, known: frozenset[str]) -> Source:
    place = safe_text(path.name)
    with path.open("rb") as handle:
        start = handle.read(_START)
    if why := why_not_text(start, path.suffix.lower()):
        raise _error(place, "container", why)
    chosen = encoding_of(start[:4], place, settings.encoding)
    if chosen.lower() in {"utf-8", "utf8"}:
        chosen = "utf-8-sig"  # a mark is no letter of the first header

    def opened() -> IO[str]:
        return path.open(encoding=chosen, newline=None)

    def misfit() -> CohortError:
        with path.open("rb") as content:
            return misfit_of(content, chosen, place)

    try:
        with opened() as text:
            lines = [line.rstrip("\n") for line in islice(_lines(text, place), HEAD_ROWS)]
    except UnicodeError as error:
        raise misfit() from error
    n_comments = next((i for i, line in enumerate(lines) if not line.lstrip('"').startswith("#")), len(lines))
    delimiter = settings.delimiter or sniff_delimiter(lines[n_comments : n_comments + _SAMPLE])
    if delimiter == "whitespace":
        message = f"{safe_text(path.name)}: columns apart by spaces aren't read in pieces; use commas or tabs"
        raise UsageError(message)
    rows: list[list[str]] = [[] for _ in range(n_comments)]
    rows += _records_of_head(lines[n_comments:], delimiter, place, n_comments, is_all=len(lines) < HEAD_ROWS)
    head = find_table(Grid(rows=rows), safe_text(path.name), header_row=settings.header_row, known=known)

    def pieces(size: int) -> Iterator[Piece]:
        try:
            with opened() as handle:
                found = islice(_lines(handle, place), n_comments, None)
                yield from read_text_pieces(found, delimiter, head, n_comments, size)
        except UnicodeError as error:
            raise misfit() from error

    n_about = path.stat().st_size * len(lines) // max(sum(len(line) + 1 for line in lines), 1)
    return Source(head=head, files=(path,), pieces=pieces, n_about=n_about)


def _records_of_head(
    lines: list[str], delimiter: str, place: str, n_comments: int, *, is_all: bool
) -> list[list[str]]:
    if is_all:
        return parse_records(lines, delimiter, place, n_comments)
    records: list[list[str]] = []
    try:
        records.extend(csv.reader(lines, delimiter=delimiter))
    except csv.Error as error:
        raise quote_fault(error, place, n_comments + len(records) + 1) from error
    return records[:-1]  # a field may run over the last of these lines


def _lines(handle: IO[str], place: str) -> Iterator[str]:
    """Lines with their ends; one without end would fill the memory."""
    for row, line in enumerate(iter(partial(handle.readline, _LONGEST_LINE), ""), 1):
        if len(line) == _LONGEST_LINE:
            remedy = f"a line of more than {_LONGEST_LINE:,} characters; this is no table of rows"
            raise _error(place, "size", remedy)
        if "\x00" in line:
            raise nul_fault(place, row)
        yield line


def _error(place: str, code: str, remedy: str) -> CohortError:
    return CohortError(place, [Problem(code=code, severity=Severity.ERROR, remedy=remedy)])
