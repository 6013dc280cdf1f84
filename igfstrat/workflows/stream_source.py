"""Whether a cohort is scored in pieces or as a whole."""

from __future__ import annotations

import codecs
from itertools import chain
from pathlib import Path
from typing import Final

from igfstrat.cohort.cohort_map import CohortMap
from igfstrat.cohort.piece_sources import count_rows, files_of, is_parquet
from igfstrat.cohort.writing import check_sheet_rows
from igfstrat.errors import UsageError, safe_text
from igfstrat.workflows.score_stream import check_map, needs_whole_table

# from so many rows on a table is scored in pieces
STREAMED_FROM: Final = 500_000
_READ_BYTES: Final = 1 << 20


def count_lines(path: Path) -> int:
    """Rows of a parquet file, or lines of any other: what decides whether it is read in pieces.

    Parameters
    ----------
    path : Path
        A readable file, or a folder of them.

    Returns
    -------
    int
        An upper bound on its rows; 0 for anything that is neither parquet nor text.
    """
    return sum(_lines_of(file) for file in files_of(path))


def _lines_of(path: Path) -> int:
    if is_parquet(path):
        n_rows = count_rows(path)
        # more rows than bits were made to do harm, and are for the reader of whole files
        return n_rows if n_rows <= 8 * path.stat().st_size else 0
    with path.open("rb") as handle:
        first = handle.read(4096)
        is_marked = first.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
        if (b"\x00" in first and not is_marked) or first.startswith((b"PK", b"\xd0\xcf")):
            return 0
        blocks = chain([first], iter(lambda: handle.read(_READ_BYTES), b""))
        ends = [(block.count(b"\n"), block.count(b"\r")) for block in blocks]
        return max(map(sum, zip(*ends, strict=True)))  # lines end in one of them, or in both


def must_stream(
    path: Path, out: Path, *, asked: bool, cohort_map: CohortMap | None = None, sheet: str | None = None
) -> bool:
    """Whether a cohort is scored in pieces.

    Parameters
    ----------
    path : Path
        The cohort.
    out : Path
        The result.
    asked : bool
        Whether pieces, or a cluster, were asked for.
    cohort_map : CohortMap or None
        How it is read.
    sheet : str or None
        A sheet that was named.

    Returns
    -------
    bool
        True where asked, for a folder, and for a csv or parquet file of many rows.

    Raises
    ------
    UsageError
        If pieces were asked for, or are needed, and the file, the format of the result or the options don't allow them.
    """
    try:
        asked = asked or path.is_dir()
    except OSError:  # a name that is too long: the reader says so
        return False
    if sheet is not None:
        if asked:
            message = "--sheet names a sheet of a workbook; a table in pieces is csv, parquet or a folder of them, which have none"
            raise UsageError(message)
        return False
    if not asked and (
        not path.is_file()
        or 8 * path.stat().st_size < STREAMED_FROM
        or (cohort_map is not None and needs_whole_table(cohort_map))
    ):
        return False
    n_rows = count_lines(path)
    if asked:
        check_map(cohort_map)
        if n_rows == 0:
            message = f"--chunk-rows: {safe_text(path.name)} is neither csv nor parquet; leave it out"
            raise UsageError(message)
    if not asked and n_rows < STREAMED_FROM:
        return False
    check_sheet_rows(n_rows, out)
    if out.suffix.lower() == ".xlsx" and asked:
        message = "a file in pieces is written as .csv or .parquet; leave --chunk-rows out for .xlsx"
        raise UsageError(message)
    return out.suffix.lower() != ".xlsx"
