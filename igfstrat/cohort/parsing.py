"""Parsing in a process of its own, with limits on its time and memory: what a full parser sees may be hostile.

A parser that is made to abort, to run for ever or to take all memory ends only that process, and its
end is an ordinary refusal. Results come back as lines of JSON, and as figures and places of words in
plain bytes, never as pickles. On Windows there is a limit of time but none of memory (the platform has
no such call), and the refusals say so.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Final, NoReturn

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from igfstrat.cohort._child import EXACT_BELOW, text_of
from igfstrat.cohort.distinct import object_array
from igfstrat.cohort.limits import Limits
from igfstrat.cohort.memory import MALLOC_SETTINGS
from igfstrat.cohort.sheet import ColumnRows, TextColumn
from igfstrat.errors import CohortError, Problem, Severity, StorageError, UnsafeFileError

_SCRIPT: Final = Path(__file__).with_name("_child.py")
# address space that the libraries map before they read a byte; most of it is never touched
_MAPPED_MB: Final = {"workbook": 0, "parquet": 700, "stats": 300, "pieces": 700}
_LIBRARY: Final = {
    "workbook": ("workbooks", "python-calamine", "python-calamine"),
    "parquet": ("parquet files", "pyarrow", "igfstrat[parquet]"),
    "pieces": ("parquet files", "pyarrow", "igfstrat[parquet]"),
    "stats": ("files of SAS, SPSS and Stata", "pyreadstat", "igfstrat[stats]"),
}
# of a file that is read in pieces no more than a group of rows is held
_HELD_BYTES: Final = 250_000_000
# the clock may run longer than the computing, where other work shares the processors
_CLOCK: Final = 4
_PIPE_BYTES: Final = 1 << 20
_KEPT: Final = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT", "TMPDIR", "TEMP", "TMP")


@dataclass(slots=True)
class ParsedSheet:
    """One sheet as the other process read it.

    Parameters
    ----------
    name : str or None
        Name of the sheet; None where the format has no sheets.
    hidden : bool
        Whether the workbook hides it.
    rows : ColumnRows
        Cells as text.
    rounded : list of list of int
        Row (from 1) and column (from 0) of numbers of more digits than are kept.
    text_numbers : list of int
        Columns from 0 whose numbers are stored as text.
    labels : dict of str to dict
        Words for the codes of a column, by header, where the file has them.
    """

    name: str | None
    hidden: bool
    rows: ColumnRows = field(default_factory=lambda: ColumnRows(()))
    rounded: list[list[int]] = field(default_factory=list)
    text_numbers: list[int] = field(default_factory=list)
    labels: dict[str, dict[str, str]] = field(default_factory=dict)


def parse_apart(
    data: bytes, source: str, *, kind: str, limits: Limits, n_expanded: int, path: Path | None = None,
    table_format: str = "",
) -> list[ParsedSheet]:  # fmt: skip
    """Parse a file in a process of its own.

    Parameters
    ----------
    data : bytes
        Content of the file.
    source : str
        Its name, for messages.
    kind : str
        ``workbook``, ``parquet`` or ``stats``.
    limits : Limits
        Time, memory and cells.
    n_expanded : int
        Its size in bytes when expanded.
    path : Path, optional
        Where it lies; only used where a library cannot read from memory.
    table_format : str
        ``xpt``, ``sas7bdat``, ``sav`` or ``dta``, for ``stats``.

    Returns
    -------
    list of ParsedSheet
        In their order.

    Raises
    ------
    CohortError
        If the file is damaged or protected, or has more cells than the limit.
    UnsafeFileError
        If parsing it took more time or memory than the limits, or ended the process.
    StorageError
        If no process could be started.
    """
    seconds = limits.time_for(len(data))
    job = {
        "kind": kind,
        "format": table_format,
        "path": str(path or ""),
        "sys_path": [entry for entry in sys.path if entry],
        "memory": limits.memory_for(n_expanded) + _MAPPED_MB[kind] * 1_000_000,
        "seconds": seconds,
        "file_size": len(data) if kind == "stats" else 0,
        "cells": int(limits.cells),
    }
    reply = _Reply(source, kind)
    with _start(job, source) as process:
        clock = threading.Timer(_CLOCK * seconds, process.kill)
        feeder = threading.Thread(target=_feed, args=(process, data), daemon=True)
        clock.start()
        feeder.start()
        try:
            assert process.stdout is not None
            reply.take(process.stdout)
        finally:
            process.kill()
            clock.cancel()
            feeder.join()
    return reply.sheets_or_raise(process.returncode)


def messages_of_pieces(
    path: Path, source: str, *, size: int, limits: Limits, most: int | None = None
) -> Iterator[tuple[dict[str, Any], bytes]]:
    """Read a large parquet file in a process of its own, while its rows are used here.

    Parameters
    ----------
    path : Path
        A regular file.
    source : str
        Its name, for messages.
    size : int
        Rows of a piece.
    limits : Limits
        Time and memory.
    most : int, optional
        Pieces that are read at the most; by default all.

    Yields
    ------
    tuple of dict and bytes
        First ``rows`` of the file, as it says itself; then ``arrow``, with a stream of arrow: the schema, then a piece each.

    Raises
    ------
    CohortError
        If the file is damaged.
    UnsafeFileError
        If reading it took more time or memory than the limits, or ended the process.
    StorageError
        If it may not be read, or no process could be started.
    """
    n_bytes = path.stat().st_size
    seconds = limits.time_for(n_bytes)
    job = {
        "kind": "pieces", "size": size, "most": most, "sys_path": [entry for entry in sys.path if entry],
        "memory": limits.memory_for(min(n_bytes, _HELD_BYTES)) + _MAPPED_MB["pieces"] * 1_000_000,
        "seconds": seconds, "file_size": 0,
    }  # fmt: skip
    refusal, is_whole = None, False
    with path.open("rb") as handle, _start(job, source, handle) as process:
        try:
            while not (refusal or is_whole) and (found := _next_message(process, _CLOCK * seconds)):
                refusal, is_whole = found[0].get("refused"), "end" in found[0]
                if not (refusal or is_whole):
                    yield found
        finally:
            process.kill()
    if not is_whole:
        _raise(source, "pieces", refusal, process.returncode)


def _next_message(process: subprocess.Popen[bytes], seconds: float) -> tuple[dict[str, Any], bytes] | None:
    """What is said next; None at a death. The clock runs only while it is waited for."""
    clock = threading.Timer(seconds, process.kill)
    clock.start()
    try:
        assert process.stdout is not None
        message = json.loads(process.stdout.readline())
        data = process.stdout.read(message.get("arrow", 0))
        return (message, data) if len(data) == message.get("arrow", 0) else None
    except (ValueError, TypeError, AttributeError):
        return None  # cut off while it spoke
    finally:
        clock.cancel()


def _start(job: dict[str, Any], source: str, stdin: Any = subprocess.PIPE) -> subprocess.Popen[bytes]:
    # alone: without the site's start-up files, the user's folders and most of the environment
    command = [sys.executable, "-I", "-S", str(_SCRIPT), json.dumps(job)]
    environment = {name: os.environ[name] for name in _KEPT if name in os.environ}
    quiet = {"ARROW_DEFAULT_MEMORY_POOL": "system", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    try:
        process = subprocess.Popen(  # noqa: S603 - our own script under our own interpreter
            command, stdin=stdin, stdout=subprocess.PIPE, env=environment | quiet | MALLOC_SETTINGS, close_fds=True,
            stderr=subprocess.DEVNULL,  # a library's words may quote the data
        )  # fmt: skip
    except OSError as error:
        message = f"{source}: no process could be started to read the file; free some memory and try again"
        raise StorageError(message) from error
    # a wider pipe takes turns less often; Linux alone has it
    with suppress(ImportError, AttributeError, OSError):
        import fcntl

        fcntl.fcntl(process.stdout, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)  # type: ignore[arg-type]
    return process


def _feed(process: subprocess.Popen[bytes], data: bytes) -> None:
    assert process.stdin is not None
    try:
        process.stdin.write(data)
        process.stdin.close()
    except OSError:
        return  # it died before it read everything, which its missing last line tells


class _Reply:
    """What the other process said: lines of JSON, some of them followed by the bytes of columns."""

    def __init__(self, source: str, kind: str) -> None:
        self.source = source
        self.kind = kind
        self.sheets: list[ParsedSheet] = []
        self.refusal: str | None = None
        self.is_whole = False
        self._table = _Table()

    def take(self, stream: IO[bytes]) -> None:
        try:
            self._take(stream)
        except (ValueError, KeyError, TypeError, IndexError):
            self.is_whole = False  # cut off while it spoke, or it didn't speak as it should

    def _take(self, stream: IO[bytes]) -> None:
        for line in iter(stream.readline, b""):
            message = json.loads(line)
            if "columns" in message:
                self._table.add(int(message["n"]), message["columns"], stream)
            elif "sheet" in message:
                self.sheets.append(ParsedSheet(message["sheet"], message["hidden"]))
                self._table = _Table(message.get("above", 0), message.get("left", 0))
            elif "rounded" in message:
                self.sheets[-1].rows = self._table.rows()
                self.sheets[-1].rounded += message["rounded"]
                if self.kind != "parquet":  # which keeps every digit of an integer
                    self.sheets[-1].rounded += self._table.rounded
                self.sheets[-1].text_numbers += message["text_numbers"]
                self.sheets[-1].labels |= message.get("labels", {})
            elif "refused" in message:
                self.refusal = message["refused"]
            else:
                self.is_whole = True

    def sheets_or_raise(self, code: int) -> list[ParsedSheet]:
        if self.refusal or not self.is_whole:
            _raise(self.source, self.kind, self.refusal, code)
        return self.sheets


def _raise(source: str, kind: str, refusal: str | None, code: int) -> NoReturn:
    if refusal == "library":
        what, module, extra = _LIBRARY[kind]
        how = f"{what} are read by {module}, which is not installed: pip install '{extra}'; or save the table as .xlsx or csv"
        raise _error(source, "library", how)
    if refusal in _REFUSALS:
        raise _error(source, *_REFUSALS[refusal])
    raise UnsafeFileError(_epitaph(source, refusal, code))


class _Table:
    """The columns of a sheet, block by block, after the empty rows and columns that stand before its cells."""

    def __init__(self, above: int = 0, left: int = 0) -> None:
        self.above = above
        self.left = left
        self.columns: list[_Blocks] = []
        self.rounded: list[list[int]] = []
        self._n_rows = above

    def add(self, n_rows: int, columns: list[list[str] | None], stream: IO[bytes]) -> None:
        self.columns = self.columns or [_Blocks() for _ in columns]
        for j, (blocks, words) in enumerate(zip(self.columns, columns, strict=True), self.left):
            kind = np.dtype(np.float64 if words is None else np.int32)
            # fewer bytes than that are a ValueError
            values = np.frombuffer(stream.read(n_rows * kind.itemsize), dtype=kind, count=n_rows)
            blocks.add(words, values)
            if words is None:
                large = np.flatnonzero(np.abs(values) >= EXACT_BELOW) + self._n_rows + 1
                self.rounded += [[row, j] for row in large.tolist()]
        self._n_rows += n_rows

    def rows(self) -> ColumnRows:
        columns = [_padded(blocks.column(), self.above) for blocks in self.columns]
        n_rows = len(columns[0].which) if columns else 0
        empty = TextColumn(object_array([""]), np.zeros(n_rows, dtype=np.int32))
        return ColumnRows([empty] * self.left + columns)


def _padded(column: TextColumn, above: int) -> TextColumn:
    if not above:
        return column
    places = np.full(above, len(column.words), dtype=np.int32)
    return TextColumn(object_array([*column.words, ""]), np.concatenate([places, column.which]))


class _Blocks:
    """A column as it arrives: figures, or words and the place of each row's among them."""

    def __init__(self) -> None:
        self._place: dict[str, int] = {}
        self._blocks: list[tuple[bool, NDArray[Any]]] = []

    def add(self, words: list[str] | None, values: NDArray[Any]) -> None:
        if words is not None:
            values = self._places(list(map(str, words)))[values]
        self._blocks.append((words is None, values))

    def _places(self, words: list[str]) -> NDArray[np.int32]:
        n = len(self._place)
        fresh = dict(zip(words, range(n, n + len(words)), strict=True))
        if len(fresh) == len(words) and self._place.keys().isdisjoint(words):
            self._place |= fresh  # as of identifiers, of which a block knows none of another
            return np.arange(n, len(self._place), dtype=np.int32)
        return np.array([self._place.setdefault(word, len(self._place)) for word in words], np.int32)

    def column(self) -> TextColumn:
        figures = [values for is_figure, values in self._blocks if is_figure]
        # each different figure becomes text once
        codes, known = pd.factorize(np.concatenate([*figures, np.empty(0)]))
        texts = [*(text_of(figure) for figure in known.tolist()), ""] if figures else []
        which, done = self._places(texts)[codes], 0  # NaN has the code -1, which is the last: nothing
        parts = []
        for is_figure, values in self._blocks:
            parts.append(which[done : done + len(values)] if is_figure else values)
            done += len(values) if is_figure else 0
        return TextColumn(object_array(self._place), np.concatenate([np.empty(0, np.int32), *parts]))


_REFUSALS: Final = {
    "damaged": (
        "damaged",
        "not a valid file of its kind (damaged, incomplete, or in an edition that is not supported); save it again as .xlsx or csv",
    ),
    "password": (
        "container",
        "a password-protected (encrypted) workbook; save it as .xlsx without a password",
    ),
    "nested": (
        "container",
        "columns that hold lists, records or bytes instead of single values; keep the plain columns and save it again",
    ),
    "cells": (
        "size",
        "more cells than are read at once; keep the columns that are needed, or raise the limit with --limits cells=…",
    ),
}
_SIGNALS: Final = {-24: "time", -9: "time", -6: "memory"}


def _epitaph(source: str, refusal: str | None, code: int) -> str:
    what = refusal or _SIGNALS.get(code, "")
    why = {
        "time": "reading it takes far longer than a file of its size needs",
        "memory": "reading it takes far more memory than a file of its size needs",
    }.get(what, "it ended the process that reads files")
    remedy = (
        "Nothing of it was used; open it in the program that made it and save the table as csv,"
        " or raise the limit if you trust the file: --limits memory_mb=2000,seconds=120."
    )
    unlimited = " (There is no limit of memory on this platform.)" if sys.platform == "win32" else ""
    return f"{source}: unsafe file, {why}. {remedy}{unlimited}"


def _error(source: str, code: str, remedy: str) -> CohortError:
    return CohortError(source, [Problem(code=code, severity=Severity.ERROR, remedy=remedy)])
