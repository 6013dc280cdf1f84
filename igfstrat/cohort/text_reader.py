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
from typing import IO, Final

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
# UTF-16 and UTF-32 without a mark: their bytes come in the order of nearly every machine
_UNMARKED: Final = {"utf-16": "utf-16-le", "utf-32": "utf-32-le"}
_LINE_END: Final = re.compile(r"\r\n|\r|\n")
_BLOCK: Final = 1 << 20
# lines with the delimiters of a row that one quoted field may hold before its quote is taken for one that was not closed
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
        else parse_records(lines, chosen, source, n_comments)
    )
    comments: list[list[str]] = [[]] * n_comments
    return Grid(rows=comments + records)


def _decode(data: bytes, source: str, encoding: str | None) -> str:
    chosen = encoding_of(data[:4], source, encoding)
    try:
        text = data.decode(chosen)
    except UnicodeError as error:
        raise misfit_of(io.BytesIO(data), chosen, source) from error
    if "\x00" in text:
        raise nul_fault(source, len(_LINE_END.findall(text[: text.index("\x00")])) + 1)
    return text.removeprefix("\ufeff")


def encoding_of(start: bytes, source: str, declared: str | None) -> str:
    """The encoding of a text.

    Parameters
    ----------
    start : bytes
        Its first four bytes.
    source : str
        Name of the file, for messages.
    declared : str or None
        As its owner says.

    Returns
    -------
    str
        The declared one, that of the byte-order mark, or UTF-8.

    Raises
    ------
    CohortError
        If there is no such encoding.
    """
    marked = next((name for bom, name in _BOMS if start.startswith(bom)), None)
    chosen = declared or marked or "utf-8"
    try:
        " ".encode(chosen)
        name = codecs.lookup(chosen).name
        if name in _NO_ALPHABETS:
            raise LookupError(chosen)
    except (LookupError, ValueError) as error:  # a NUL in the name, a codec that knows no text
        message = f"encoding {safe_text(chosen)!r} is not known; write utf-8, cp1252, mac_roman, utf-16 …"
        raise CohortError(source, [_problem("encoding", message)]) from error
    return chosen if marked else _UNMARKED.get(name, chosen)


def misfit_of(content: IO[bytes], encoding: str, source: str) -> CohortError:
    r"""What is told of bytes that do not fit their encoding.

    Parameters
    ----------
    content : binary file
        The whole text, from its first byte.
    encoding : str
        What it was taken for.
    source : str
        Name of the file, for messages.

    Returns
    -------
    CohortError
        With the first such byte, from 0, and its row.

    Examples
    --------
    >>> print(misfit_of(io.BytesIO(b"a,b\r\n1,\xff\r\n"), "utf-8", "c.csv").problems[0].row)
    2
    """
    at, name = _first_misfit(content, encoding), encoding.upper().removesuffix("-SIG")
    remedy = "name the encoding with --encoding (cp1252, mac_roman, utf-16 …)"
    if at is None:  # the file has changed meanwhile
        return CohortError(source, [_problem("encoding", f"not {name} text; {remedy}")])
    content.seek(0)
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    lines, row = io.IncrementalNewlineDecoder(decoder, translate=True), 1
    for start in range(0, at, _BLOCK):
        block = content.read(min(_BLOCK, at - start))
        row += lines.decode(block, final=start + _BLOCK >= at).count("\n")
    return CohortError(source, [_problem("encoding", f"byte {at} is not {name}; {remedy}", row=row)])


def _first_misfit(content: IO[bytes], encoding: str) -> int | None:
    decoder, end, block = codecs.getincrementaldecoder(encoding)(), 0, b" "
    try:
        while block:
            block = content.read(_BLOCK)
            end += len(block)
            decoder.decode(block, final=not block)
    except UnicodeDecodeError as error:
        return end - len(error.object) + error.start  # what it was given ends where the block ends
    except UnicodeError:
        return 0
    return None


def nul_fault(source: str, row: int) -> CohortError:
    """What is told of a text with NULs.

    Parameters
    ----------
    source : str
        Name of the file.
    row : int
        Where the first is.

    Returns
    -------
    CohortError
        With the way out.
    """
    how = "holds NUL bytes, so it is not UTF-8 text; if it is UTF-16, say so with --encoding utf-16"
    return CohortError(source, [_problem("encoding", how, row=row)])


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


def parse_records(lines: list[str], delimiter: str, source: str, n_comments: int) -> list[list[str]]:
    """Records of the lines of a text.

    Parameters
    ----------
    lines : list of str
        Without their ends.
    delimiter : str
        Between fields.
    source : str
        Name of the file, for messages.
    n_comments : int
        Lines above that were left out.

    Returns
    -------
    list of list of str
        Without empty ones at the end.

    Raises
    ------
    CohortError
        If a quote is not closed.
    """
    # a quote inside an unquoted field is text; strict mode is only for quotes that never close
    reader = csv.reader(io.StringIO("\n".join(lines), newline=""), delimiter=delimiter, strict=True)
    records: list[list[str]] = []
    try:
        with _collector_paused():
            records.extend(reader)
    except csv.Error as error:
        raise quote_fault(error, source, len(records) + 1 + n_comments) from error
    has_fields_of_lines = reader.line_num > len(records)
    while records and not any(records[-1]):
        records.pop()
    if has_fields_of_lines:
        width = len(records[0]) if records else 0
        check_lines_of_fields(records, source, first=1 + n_comments, delimiter=delimiter, width=width)
    return records


def quote_fault(error: csv.Error, source: str, row: int) -> CohortError:
    """What is told of a row that the csv reader can't end.

    Parameters
    ----------
    error : csv.Error
        Its words.
    source : str
        Name of the file.
    row : int
        Number of the row.

    Returns
    -------
    CohortError
        With the way out.
    """
    words = {
        "end of data": "a quote is opened and never closed",
        "field limit": f"one field has more than {csv.field_size_limit():,} characters: a quote is probably not closed",
    }
    what = next((said for part, said in words.items() if part in str(error)), str(error))
    how = f"{what}; close or remove the quote in this row"
    return CohortError(source, [_problem("quote", how, row=row)])


def fields_fault(record: list[str], row: int, width: int, *, is_last: bool) -> Problem:
    """What is told of a row of too few or too many fields.

    Parameters
    ----------
    record : list of str
        The row.
    row : int
        Its number.
    width : int
        Fields of the header.
    is_last : bool
        Whether no row follows it.

    Returns
    -------
    Problem
        With what to look for.
    """
    n = len(record)
    if record and record[0].lstrip().startswith("#"):
        why = "it begins with #, but comments may only stand above the header: delete the line"
    elif is_last and n < width:
        why = "the file may be incomplete (truncated)"
    else:
        why = "look for a missing or an extra delimiter"
    how = f"has {n} field{'' if n == 1 else 's'} where the header has {width}; {why}"
    return _problem("fields", how, row=row)


def check_lines_of_fields(
    records: Iterable[list[str]], source: str, *, first: int, delimiter: str, width: int
) -> None:
    """Make sure that no field runs over so many lines that its quote was probably not closed.

    Parameters
    ----------
    records : iterable of list of str
        Rows.
    source : str
        Name of the file, for messages.
    first : int
        Number of the first row.
    delimiter : str
        Between fields.
    width : int
        Fields of the header: the lines of a long remark hold fewer delimiters than rows do.

    Raises
    ------
    CohortError
        If one does.
    """
    least = max(1, (width - 1) // 2)
    for number, record in enumerate(records, start=first):
        long = [field for field in record if field.count("\n") >= _MAX_FIELD_LINES]
        like_rows = [sum(ln.count(delimiter) >= least for ln in field.split("\n")) for field in long]
        if max(like_rows, default=0) >= _MAX_FIELD_LINES:
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
