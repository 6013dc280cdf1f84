"""Delimited text: encoding, comment rows, delimiter, quotes.

Nothing is guessed that could change a value: bytes that are not UTF-8 and carry no byte-order mark
are only decoded by a declared encoding, and a quote that never closes stops the reading.
"""

from __future__ import annotations

import codecs
import contextlib
import csv
import gc
import io
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final

from igfstrat.cohort.sheet import Grid
from igfstrat.errors import CohortError, Problem, Severity, safe_text

_BOMS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# codecs of Python's own that are no alphabets: an escape in the text would become a line end or a quote
_NO_ALPHABETS: Final = frozenset(
    {"unicode-escape", "raw-unicode-escape", "idna", "punycode", "undefined", "mbcs", "oem"}
)
_DELIMITERS: Final = (",", "\t", ";", "|")
_SAMPLE: Final = 30
_LINE_END: Final = re.compile(rb"\r\n|\r|\n")
# lines that one quoted field may run over before its quote is taken for one that was not closed
_MAX_FIELD_LINES: Final = 5


def read_text(data: bytes, source: str, *, encoding: str | None = None, delimiter: str | None = None) -> Grid:
    """Read a delimited text file.

    Parameters
    ----------
    data : bytes
        Content of the file.
    source : str
        Its name, for messages.
    encoding : str, optional
        Declared encoding; by default a byte-order mark or UTF-8 decides.
    delimiter : str, optional
        Declared delimiter, or ``whitespace``; by default the one that splits the first rows evenly.

    Returns
    -------
    Grid
        The file's only sheet; leading rows that begin with ``#`` are kept as empty rows, so that row numbers
        stay those of the file.

    Raises
    ------
    CohortError
        If the bytes do not fit the encoding, or a quote is not closed.
    """
    text = _decode(data, source, encoding)
    lines, n_comments = _split_comments(text)
    chosen = delimiter or sniff_delimiter(lines[:_SAMPLE])
    records = (
        [line.split() for line in lines]
        if chosen == "whitespace"
        else _parse(lines, chosen, source, n_comments)
    )
    comments: list[list[str]] = [[]] * n_comments
    return Grid(rows=comments + records)


def _decode(data: bytes, source: str, encoding: str | None) -> str:
    chosen = encoding or next((name for bom, name in _BOMS if data.startswith(bom)), "utf-8")
    try:
        if codecs.lookup(chosen).name in _NO_ALPHABETS:
            raise LookupError(chosen)
        text = data.decode(chosen)
    except UnicodeDecodeError as error:
        row = len(_LINE_END.findall(data[: error.start])) + 1
        how = f"byte {error.start} is not {chosen.upper()}; name the encoding with --encoding (cp1252, mac_roman, utf-16 …)"
        raise CohortError(source, [_problem("encoding", how, row=row)]) from error
    except (LookupError, ValueError) as error:  # a NUL in the name, a codec that knows no text
        message = f"encoding {safe_text(chosen)!r} is not known; write utf-8, cp1252, mac_roman, utf-16 …"
        raise CohortError(source, [_problem("encoding", message)]) from error
    if "\x00" in text:
        how = "holds NUL bytes, so it is not UTF-8 text; if it is UTF-16, say so with --encoding utf-16"
        raise CohortError(source, [_problem("encoding", how)])
    return text.removeprefix("\ufeff")


def _problem(code: str, remedy: str, *, row: int | None = None) -> Problem:
    return Problem(code=code, severity=Severity.ERROR, remedy=remedy, row=row)


def _split_comments(text: str) -> tuple[list[str], int]:
    """Lines with their ends made equal, and how many leading comment rows were taken off."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    n_comments = 0
    while n_comments < len(lines) and lines[n_comments].lstrip('"').startswith("#"):
        n_comments += 1
    return lines[n_comments:], n_comments


def sniff_delimiter(lines: list[str]) -> str:
    """The delimiter that splits most lines evenly, and of equals the one that splits them most.

    Parameters
    ----------
    lines : list of str
        The first lines of a file.

    Returns
    -------
    str
        A character, or ``whitespace``.

    Examples
    --------
    >>> sniff_delimiter(["patient_id;age_years", "P1;61,5"])
    ';'
    """
    filled = [line for line in lines if line.strip()]

    def evenness(delimiter: str) -> tuple[int, int]:
        counts = Counter(line.count(delimiter) for line in filled if delimiter in line)
        return max(((n, fields) for fields, n in counts.items()), default=(0, 0))

    best = max(_DELIMITERS, key=evenness)
    if evenness(best) > (0, 0):
        return best
    widths = {len(line.split()) for line in filled}
    return "whitespace" if len(widths) == 1 and widths != {1} else ","


def _parse(lines: list[str], delimiter: str, source: str, n_comments: int) -> list[list[str]]:
    # a quote inside an unquoted field is text; strict mode is only for quotes that never close
    reader = csv.reader(io.StringIO("\n".join(lines), newline=""), delimiter=delimiter, strict=True)
    records: list[list[str]] = []
    try:
        with _collector_paused():
            records.extend(reader)
    except csv.Error as error:
        row = len(records) + 1 + n_comments
        what = "a quote is opened and never closed" if "end of data" in str(error) else str(error)
        how = f"{what}; close or remove the quote in this row"
        raise CohortError(source, [_problem("quote", how, row=row)]) from error
    has_fields_of_lines = reader.line_num > len(records)
    while records and not any(records[-1]):
        records.pop()
    if has_fields_of_lines:
        check_lines_of_fields(records, source, first=1 + n_comments)
    return records


def check_lines_of_fields(records: Iterable[list[str]], source: str, *, first: int) -> None:
    """Make sure that no field runs over so many lines that its quote was probably not closed.

    Parameters
    ----------
    records : iterable of list of str
        Rows.
    source : str
        Name of the file, for messages.
    first : int
        Number of the first row.

    Raises
    ------
    CohortError
        If one does.
    """
    for number, record in enumerate(records, start=first):
        if sum(field.count("\n") for field in record) >= _MAX_FIELD_LINES:
            how = "one field runs over many lines: a quote is probably not closed in this row"
            raise CohortError(source, [_problem("quote", how, row=number)])


@contextlib.contextmanager
def _collector_paused() -> Iterator[None]:
    # a million rows are a million lists: looking through them for cycles, over and over, takes half of the time
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


_NUMBER: Final = re.compile(r"[-+]?\d+(?:[.,]\d+)?(?:[eE][-+]?\d+)?")


def looks_numeric(text: str) -> bool:
    """Whether a cell is a plain number, with point or comma.

    Parameters
    ----------
    text : str
        A cell.

    Returns
    -------
    bool
        True for ``12``, ``-0.5``, ``3,5``; False for words, dates and empty cells.
    """
    return _NUMBER.fullmatch(text.strip()) is not None
