"""Parsing in a process of its own, with limits on its time and memory: what a full parser sees may be hostile.

A parser that is made to abort, to run for ever or to take all memory ends only that process, and its
end is an ordinary refusal. Results come back as lines of JSON, never as pickles. On Windows there is
a limit of time but none of memory (the platform has no such call), and the refusals say so.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Final

from igfstrat.cohort.limits import Limits
from igfstrat.errors import CohortError, Problem, Severity, StorageError, UnsafeFileError

_SCRIPT: Final = Path(__file__).with_name("_child.py")
# address space that the libraries map before they read a byte; most of it is never touched
_MAPPED_MB: Final = {"workbook": 0, "parquet": 700, "stats": 300}
_LIBRARY: Final = {
    "workbook": ("workbooks", "python-calamine", "python-calamine"),
    "parquet": ("parquet files", "pyarrow", "igfstrat[parquet]"),
    "stats": ("files of SAS, SPSS and Stata", "pyreadstat", "igfstrat[stats]"),
}
# the clock may run longer than the computing, where other work shares the processors
_CLOCK: Final = 4
_KEPT: Final = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT", "TMPDIR", "TEMP", "TMP")
_SMALL: Final = 24


@dataclass(slots=True)
class ParsedSheet:
    """One sheet as the other process read it.

    Parameters
    ----------
    name : str or None
        Name of the sheet; None where the format has no sheets.
    hidden : bool
        Whether the workbook hides it.
    rows : list of list of str
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
    rows: list[list[str]] = field(default_factory=list)
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
    try:
        process = _start(job)
    except OSError as error:
        message = f"{source}: no process could be started to read the file; free some memory and try again"
        raise StorageError(message) from error
    with process:
        clock = threading.Timer(_CLOCK * seconds, process.kill)
        feeder = threading.Thread(target=_feed, args=(process, data), daemon=True)
        clock.start()
        feeder.start()
        try:
            reply.take(_lines(process))
        finally:
            process.kill()
            clock.cancel()
            feeder.join()
    return reply.sheets_or_raise(process.returncode)


def _start(job: dict[str, Any]) -> subprocess.Popen[bytes]:
    # alone: without the site's start-up files, the user's folders and most of the environment
    command = [sys.executable, "-I", "-S", str(_SCRIPT), json.dumps(job)]
    environment = {name: os.environ[name] for name in _KEPT if name in os.environ}
    quiet = {"ARROW_DEFAULT_MEMORY_POOL": "system", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(  # noqa: S603 - our own script under our own interpreter
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # a library's words may quote the data
        env=environment | quiet,
        close_fds=True,
    )


def _feed(process: subprocess.Popen[bytes], data: bytes) -> None:
    assert process.stdin is not None
    try:
        process.stdin.write(data)
        process.stdin.close()
    except OSError:
        return  # it died before it read everything, which its missing last line tells


def _lines(process: subprocess.Popen[bytes]) -> Iterator[bytes]:
    stream: IO[bytes] | None = process.stdout
    assert stream is not None
    yield from stream


class _Reply:
    """What the other process said, line by line."""

    def __init__(self, source: str, kind: str) -> None:
        self.source = source
        self.kind = kind
        self.sheets: list[ParsedSheet] = []
        self.refusal: str | None = None
        self.is_whole = False
        self._same: dict[str, str] = {}

    def take(self, lines: Iterator[bytes]) -> None:
        for line in lines:
            if not line.endswith(b"\n"):
                return  # cut off while it spoke
            message = json.loads(line)
            if "rows" in message:
                self.sheets[-1].rows += [self._shared(row) for row in message["rows"]]
            elif "sheet" in message:
                self.sheets.append(ParsedSheet(message["sheet"], message["hidden"]))
            elif "rounded" in message:
                self.sheets[-1].rounded += message["rounded"]
                self.sheets[-1].text_numbers += message["text_numbers"]
                self.sheets[-1].labels |= message.get("labels", {})
            elif "refused" in message:
                self.refusal = message["refused"]
            else:
                self.is_whole = True

    def _shared(self, row: list[str]) -> list[str]:
        """The row, with equal short texts held once: most cells of a cohort say the same few things."""
        same = self._same
        return [same.setdefault(text, text) if len(text) < _SMALL else text for text in row]

    def sheets_or_raise(self, code: int) -> list[ParsedSheet]:
        if self.refusal == "library":
            what, module, extra = _LIBRARY[self.kind]
            how = f"{what} are read by {module}, which is not installed: pip install '{extra}'; or save the table as .xlsx or csv"
            raise _error(self.source, "library", how)
        if self.refusal in _REFUSALS:
            raise _error(self.source, *_REFUSALS[self.refusal])
        if self.is_whole:
            return self.sheets
        raise UnsafeFileError(_epitaph(self.source, self.refusal, code))


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
