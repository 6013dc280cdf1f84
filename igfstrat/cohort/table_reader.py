"""Tables that other programs keep: parquet, SAS (xpt, sas7bdat), SPSS (sav) and Stata (dta), as grids of text.

Which it is, its first bytes say. The names of the columns are row 1, so that the first record is
row 2, as in a csv of the same table. Codes stay codes: their words, where the file has them, are said.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from igfstrat.cohort.limits import Limits
from igfstrat.cohort.parsing import parse_apart
from igfstrat.cohort.sheet import CellMark, Grid
from igfstrat.errors import Problem, Severity, safe_text

_SAS_MAGIC: Final = bytes.fromhex("000000000000000000000000c2ea8160b31411cfbd92080009c7318c181f1011")
_STARTS: Final = (
    (b"PAR1", "parquet"),
    (b"HEADER RECORD*******LIBRARY HEADER RECORD!!!!!!!", "xpt"),
    (b"HEADER RECORD*******LIBV8   HEADER RECORD!!!!!!!", "xpt"),
    (_SAS_MAGIC, "sas7bdat"),
    (b"$FL2", "sav"),
    (b"$FL3", "sav"),
    (b"<stata_dta>", "dta"),
)
# before its edition 117 a Stata file begins with the edition, the byte order, and 1, 0
_OLD_STATA: Final = frozenset({104, 105, 108, 110, 111, 112, 113, 114, 115})
# records compress well: what a byte of the file may become
_EXPANDS: Final = 8
_SHOWN: Final = 8


def table_format(data: bytes) -> str | None:
    """Which of these formats a file is.

    Parameters
    ----------
    data : bytes
        Content of the file.

    Returns
    -------
    str or None
        ``parquet``, ``xpt``, ``sas7bdat``, ``sav`` or ``dta``; None for anything else.

    Examples
    --------
    >>> table_format(b"PAR1...PAR1"), table_format(b"patient_id,age_years")
    ('parquet', None)
    """
    for start, name in _STARTS:
        if data.startswith(start):
            return name
    is_old_stata = len(data) > 4 and data[0] in _OLD_STATA and data[1] in {1, 2} and data[2:4] == b"\x01\x00"
    return "dta" if is_old_stata else None


def read_table(data: bytes, source: str, limits: Limits, path: Path) -> Grid:
    """Read a file of one of these formats.

    Parameters
    ----------
    data : bytes
        Content of the file.
    source : str
        Its name, for messages.
    limits : Limits
        What it may take.
    path : Path
        Where it lies; only used where the library cannot read from memory.

    Returns
    -------
    Grid
        Names of the columns, then the records.

    Raises
    ------
    CohortError
        If it is damaged, too large, or the library for it is not installed.
    UnsafeFileError
        If parsing it goes beyond a limit.
    """
    name = str(table_format(data))
    sheet = parse_apart(
        data, source, kind="parquet" if name == "parquet" else "stats", limits=limits,
        n_expanded=_EXPANDS * len(data), path=path, table_format=name,
    )[0]  # fmt: skip
    return Grid(
        rows=sheet.rows,
        marks=tuple(CellMark("rounded", row, column) for row, column in sheet.rounded),
        problems=tuple(_words(header, labels) for header, labels in sheet.labels.items()),
    )


def _words(header: str, labels: dict[str, str]) -> Problem:
    shown = ", ".join(
        f"{safe_text(code)} = {safe_text(word)}" for code, word in list(labels.items())[:_SHOWN]
    )
    more = f" and {len(labels) - _SHOWN} more" if len(labels) > _SHOWN else ""
    how = f"codes are read as they are; the file's own words for them: {shown}{more}"
    return Problem(code="labels", severity=Severity.NOTICE, column=safe_text(header), remedy=how)
