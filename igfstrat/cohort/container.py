"""What kind of file it is, by its content, and its sheets as grids of text."""

from __future__ import annotations

import codecs
import stat
from pathlib import Path
from typing import Final

from igfstrat.cohort.limits import LIMITS, Limits
from igfstrat.cohort.sheet import Grid
from igfstrat.cohort.table_reader import read_table, table_format
from igfstrat.cohort.text_reader import read_text
from igfstrat.cohort.workbook_reader import read_legacy_workbook, read_workbook
from igfstrat.errors import CohortError, Problem, Severity, StorageError, safe_text

_OLE: Final = b"\xd0\xcf\x11\xe0"
_ENCRYPTED: Final = "EncryptedPackage".encode("utf-16-le")


def read_grids(
    path: Path, *, encoding: str | None, delimiter: str | None, limits: Limits = LIMITS
) -> list[Grid]:
    """Read every sheet of a file.

    Parameters
    ----------
    path : Path
        A regular file.
    encoding, delimiter : str or None
        As declared, for text.
    limits : Limits
        What it may take.

    Returns
    -------
    list of Grid
        Sheets; a file of text or of records has one.

    Raises
    ------
    CohortError
        If it is empty, too large, damaged, or nothing that can be read.
    UnsafeFileError
        If it could do harm.
    StorageError
        If it may not be read.
    """
    data = _read_bytes(path, limits)
    name = safe_text(path.name)
    if data.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return read_workbook(data, name, limits)
    if data.startswith(_OLE) and _ENCRYPTED not in data:
        return read_legacy_workbook(data, name, limits)
    if table_format(data):
        return [read_table(data, name, limits, path)]
    why = why_not_text(data, path.suffix.lower())
    if why:
        raise _error(path, "container", why)
    return [read_text(data, name, encoding=encoding, delimiter=delimiter)]


def why_not_text(data: bytes, suffix: str) -> str | None:
    """What a file is that can't be read as text, and the way out.

    Parameters
    ----------
    data : bytes
        Its content, or the first kilobytes of it.
    suffix : str
        That of its name, in lower case.

    Returns
    -------
    str or None
        None where nothing speaks against text.
    """
    if data.startswith(b"PK\x03\x04"):
        return (
            f"a workbook or an archive that is named {suffix}; give a file its own suffix, and read it alone"
        )
    if data.startswith(_OLE):
        return "a password-protected (encrypted) workbook; open it in a spreadsheet program and save it as .xlsx without a password"
    start = data[:2048].removeprefix(codecs.BOM_UTF8).lstrip().lower()
    if start.startswith((b"<!doctype", b"<!--", b"<html", b"<table", b"<?xml", b"mime-version:")):
        return "not a table of cells but HTML or XML; save it as .xlsx or csv"
    if start.startswith((b"%pdf", b"{\\rtf")) or data.startswith(
        (b"\x1f\x8b", b"\x89PNG", b"SQLite", b"7z\xbc\xaf", b"BZh", b"\xfd7zXZ")
    ):
        return "neither csv nor xlsx; save the table as .xlsx or csv"
    if suffix in {".xlsx", ".xlsm", ".xls"}:
        return f"named {suffix} but not an Excel workbook; if it is csv, rename it to .csv"
    return None


def _read_bytes(path: Path, limits: Limits) -> bytes:
    try:
        facts = path.stat()
        if not stat.S_ISREG(facts.st_mode):
            raise _error(path, "file", "not a regular file (a folder, pipe or device)")
        if facts.st_size == 0:
            raise _error(path, "empty", "the file is empty; check that it was saved")
        if facts.st_size > limits.file_mb * 1e6:
            how = (
                f"{facts.st_size / 1e6:,.0f} MB; at most {limits.file_mb:,.0f} MB are read; keep the columns that are needed,"
                f" score csv or parquet in pieces with --chunk-rows 100000, or raise the limit with --limits file_mb={2 * facts.st_size / 1e6:.0f}"
            )
            raise _error(path, "size", how)
        with path.open("rb") as handle:
            # no more than was looked at, should the file grow meanwhile
            return handle.read(facts.st_size)
    except PermissionError as error:
        message = f"{safe_text(path.name)}: no permission to read the file"
        raise StorageError(message) from error
    except OSError as error:
        raise _error(path, "file", "the file is not there or cannot be read; check the path") from error


def _error(path: Path, code: str, remedy: str) -> CohortError:
    return CohortError(safe_text(path.name), [Problem(code=code, severity=Severity.ERROR, remedy=remedy)])
