"""What kind of file it is, by its content, and its sheets as grids of text."""

from __future__ import annotations

import codecs
import stat
from pathlib import Path
from typing import Final

from igfstrat.cohort.sheet import Grid
from igfstrat.cohort.text_reader import read_text
from igfstrat.cohort.workbook_reader import read_workbook
from igfstrat.errors import CohortError, Problem, Severity, StorageError, safe_text

# every cell becomes a text of its own: a file takes about sixteen times its size in memory
_MAX_BYTES: Final = 100_000_000


def read_grids(path: Path, *, encoding: str | None, delimiter: str | None) -> list[Grid]:
    """Read every sheet of a file.

    Parameters
    ----------
    path : Path
        A regular file.
    encoding, delimiter : str or None
        As declared, for text.

    Returns
    -------
    list of Grid
        Sheets; a text file has one.

    Raises
    ------
    CohortError
        If it is empty, too large, damaged, or nothing that can be read.
    UnsafeFileError
        If it could do harm.
    StorageError
        If it may not be read.
    """
    data = _read_bytes(path)
    name = safe_text(path.name)
    if data.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return read_workbook(data, name)
    why = _not_text(data, path.suffix.lower())
    if why:
        raise _error(path, "container", why)
    return [read_text(data, name, encoding=encoding, delimiter=delimiter)]


def _not_text(data: bytes, suffix: str) -> str | None:
    """What a file is that can't be read as text, and the way out."""
    if data.startswith(b"\xd0\xcf\x11\xe0"):
        protected = "EncryptedPackage".encode("utf-16-le") in data
        what = "a password-protected (encrypted) workbook" if protected else "a legacy .xls workbook"
        return f"{what}; open it in a spreadsheet program and save it as .xlsx without a password"
    start = data[:2048].removeprefix(codecs.BOM_UTF8).lstrip().lower()
    if start.startswith((b"<!doctype", b"<html", b"<table", b"<?xml")):
        return "not a table of cells but HTML or XML; save it as .xlsx or csv"
    if start.startswith(b"%pdf") or data.startswith((b"\x1f\x8b", b"PAR1")):
        return "neither csv nor xlsx; save the table as .xlsx or csv"
    if suffix in {".xlsx", ".xlsm", ".xls"}:
        return f"named {suffix} but not an Excel workbook; if it is csv, rename it to .csv"
    return None


def _read_bytes(path: Path) -> bytes:
    try:
        facts = path.stat()
        if not stat.S_ISREG(facts.st_mode):
            raise _error(path, "file", "not a regular file (a folder, pipe or device)")
        if facts.st_size == 0:
            raise _error(path, "empty", "the file is empty; check that it was saved")
        if facts.st_size > _MAX_BYTES:
            how = f"{facts.st_size / 1e6:,.0f} MB; at most {_MAX_BYTES / 1e6:,.0f} MB are read; keep the columns that are needed"
            raise _error(path, "size", how)
        return path.read_bytes()
    except PermissionError as error:
        message = f"{safe_text(path.name)}: no permission to read the file"
        raise StorageError(message) from error
    except OSError as error:
        raise _error(path, "file", "the file is not there or cannot be read; check the path") from error


def _error(path: Path, code: str, remedy: str) -> CohortError:
    return CohortError(safe_text(path.name), [Problem(code=code, severity=Severity.ERROR, remedy=remedy)])
