"""What a workbook must survive before it is parsed: sizes, names, entities, extent of its cells.

A workbook is a zip of XML. Bombs, entities and twice-named members are refused as unsafe; a stray
cell far outside the table is an accident and gets a remedy, but it would end the process inside the
parser, so it must be found first. What a reader of values cannot tell (`workbook_facts`) is
collected on the way.
"""

from __future__ import annotations

import io
import itertools
import re
import time
import zipfile
import zlib
from collections import Counter
from typing import Final
from xml.parsers import expat

from igfstrat.cohort.limits import Limits
from igfstrat.cohort.plain_scan import is_plain_text_table, scan_plain
from igfstrat.cohort.sheet import column_letters
from igfstrat.cohort.workbook_facts import Scanner, SheetFacts, WorkbookFacts
from igfstrat.errors import CohortError, Problem, Severity, UnsafeFileError, safe_text

_CHUNK: Final = 1 << 16
_MB: Final = 1_000_000
_PLAIN: Final = re.compile(r"/sheet[0-9]*\.xml$")
_TEXTS: Final = "xl/sharedStrings.xml"
# the parser takes every part for UTF-8; these are those that it reads
_READ: Final = re.compile(r"xl/(?:worksheets/[^/]+|sharedStrings|workbook)\.xml$", re.IGNORECASE)
_OTHER_ALPHABET: Final = re.compile(
    rb"\xff\xfe|\xfe\xff|\x00<|<\x00|\s*<\?xml[^<>]*encoding\s*=\s*[\"'](?!(?i:utf-?8|us-ascii)[\"'])"
)
_LOCAL_HEADER: Final = 30
_DIRECTORY_ENTRY: Final = b"PK\x01\x02"
# a cell for each so many that are empty is a sparse table, not a stray cell
_SPARSE: Final = 10


def check_workbook(data: bytes, source: str, limits: Limits) -> WorkbookFacts:
    """Look through a workbook without parsing its values.

    Parameters
    ----------
    data : bytes
        Content of the file.
    source : str
        Its name, for messages.
    limits : Limits
        What it may take.

    Returns
    -------
    WorkbookFacts
        What its XML says that a reader of values does not.

    Raises
    ------
    UnsafeFileError
        If it is a bomb, or has entities, doubled, overlapping or escaping members.
    CohortError
        If it is damaged or encrypted, or a stray cell lies far outside the table.
    """
    # zipfile would make an object of each entry before any can be counted
    n_entries = data.count(_DIRECTORY_ENTRY)
    if n_entries > limits.members:
        raise _unsafe(source, f"too many members ({n_entries:,}; at most {limits.members:,.0f})")
    facts = WorkbookFacts()
    watch = _Watch(source, limits, time.thread_time() + limits.time_for(len(data)))
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            facts.n_expanded = _check_members(archive, source, limits)
            for info in archive.infolist():
                _scan(archive, info, facts, watch)
    # RuntimeError is zipfile's word for an encrypted member
    except (zipfile.BadZipFile, EOFError, zlib.error, NotImplementedError, OSError, RuntimeError) as error:
        raise _damaged(source) from error
    for sheet in facts.sheets.values():
        _check_extent(sheet, source, limits)
    return facts


def _unsafe(source: str, why: str) -> UnsafeFileError:
    return UnsafeFileError(f"{source}: unsafe workbook, {why}. It was not opened; save the sheet as csv.")


def _damaged(source: str) -> CohortError:
    remedy = (
        "not a valid Excel workbook: truncated, incomplete, damaged or encrypted; download or save it again"
    )
    return CohortError(source, [Problem(code="damaged", severity=Severity.ERROR, remedy=remedy)])


def _check_members(archive: zipfile.ZipFile, source: str, limits: Limits) -> int:
    """Bytes that the members expand to, if nothing is wrong with them."""
    members = archive.infolist()
    names = Counter(info.filename.replace("\\", "/").lower() for info in members)
    total = sum(info.file_size for info in members)
    ratio = total / max(sum(info.compress_size for info in members), 1)
    twice = next((name for name, n in names.items() if n > 1), None)
    why = None
    if twice is not None:
        why = f"two members are named {safe_text(twice)}: ambiguous, since readers disagree which one counts"
    elif any(_leads_outside(name) for name in names):
        why = "a member's path leads outside"
    elif _overlap(members):
        why = "its members overlap, so that a small file expands to a large one"
    elif any(info.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED} for info in members):
        why = "a member is compressed in a way that no spreadsheet program uses"
    elif total > limits.expanded_mb * _MB or (total > limits.ratio_from_mb * _MB and ratio > limits.ratio):
        why = f"too large: it expands to {total / 1e6:,.0f} MB, compression ratio {ratio:,.0f}:1"
    if why:
        raise _unsafe(source, why)
    return total


def _leads_outside(name: str) -> bool:
    return name.startswith("/") or ".." in name.split("/") or name[1:2] == ":" or "\x00" in name


def _overlap(members: list[zipfile.ZipInfo]) -> bool:
    places = sorted((info.header_offset, info.compress_size + _LOCAL_HEADER) for info in members)
    return any(start + size > after for (start, size), (after, _) in itertools.pairwise(places))


class _Watch:
    """Stops a scan that takes too long, or XML that is made to be costly."""

    def __init__(self, source: str, limits: Limits, end: float) -> None:
        self.source = source
        self.limits = limits
        self._end = end

    def look(self, n_waiting: int, depth: int, n_marks: int) -> None:
        """Refuse what goes beyond a limit.

        Parameters
        ----------
        n_waiting : int
            Bytes of a tag that has not ended yet.
        depth, n_marks : int
            Tags inside each other, and formulas so far.
        """
        if n_waiting > self.limits.token_mb * _MB:
            raise _unsafe(self.source, f"a single tag in it is larger than {self.limits.token_mb:g} MB")
        if depth > self.limits.depth:
            raise _unsafe(self.source, f"its tags are nested more than {self.limits.depth:,.0f} deep")
        if n_marks > self.limits.marks:
            remedy = f"more than {self.limits.marks:,.0f} formulas or error cells; paste the table as values and save it again"
            raise CohortError(self.source, [Problem(code="formula", severity=Severity.ERROR, remedy=remedy)])
        if time.thread_time() > self._end:
            raise _unsafe(self.source, "looking through it takes far longer than a file of its size needs")


def _scan(archive: zipfile.ZipFile, info: zipfile.ZipInfo, facts: WorkbookFacts, watch: _Watch) -> None:
    """Look through a part. Every part that is XML is looked at, whatever its name."""
    facts.note_member(info.filename)
    if _is_plain(archive, info, facts, watch):
        return
    scanner = Scanner(info.filename, lambda: _refuse_doctype(watch.source))
    try:
        with archive.open(info) as part:
            chunk = part.read(_CHUNK)
            if _READ.match(info.filename) and _OTHER_ALPHABET.match(chunk):
                how = "not written in UTF-8, as other programs do; open it in a spreadsheet program and save it as .xlsx"
                raise CohortError(
                    watch.source, [Problem(code="encoding", severity=Severity.ERROR, remedy=how)]
                )
            is_xml = chunk.lstrip(b"\xef\xbb\xbf\xff\xfe\x00 \t\r\n").startswith(b"<")
            n_read = 0
            while chunk:
                n_read += len(chunk)
                if is_xml:
                    scanner.parser.Parse(chunk, False)
                    waiting = n_read - max(scanner.parser.CurrentByteIndex, 0)
                    watch.look(waiting, scanner.deepest, scanner.n_marks)
                chunk = part.read(_CHUNK)
            if is_xml:
                scanner.parser.Parse(b"", True)
    except (UnsafeFileError, CohortError):
        raise
    except (expat.ExpatError, LookupError, ValueError) as error:  # the last two: an encoding that expat lacks
        raise _damaged(watch.source) from error
    if is_xml:
        facts.add(info.filename, scanner)


def _is_plain(archive: zipfile.ZipFile, info: zipfile.ZipInfo, facts: WorkbookFacts, watch: _Watch) -> bool:
    """Look through a large part by the short cut; False where it has to go through the parser."""
    if info.filename != _TEXTS and not _PLAIN.search(info.filename):
        return False
    with archive.open(info) as part:
        if info.filename == _TEXTS:
            is_plain = is_plain_text_table(part, watch.limits.depth)
        elif (sheet := scan_plain(part, watch.limits.marks)) is None:
            is_plain = False
        else:
            is_plain, facts.sheets[info.filename] = True, sheet
    watch.look(0, 0, 0)
    return is_plain


def _refuse_doctype(source: str) -> None:
    raise _unsafe(source, "it declares a DTD or entity")


def _check_extent(facts: SheetFacts, source: str, limits: Limits) -> None:
    area = facts.max_row * facts.max_column
    outside = facts.max_row > 1_048_576 or facts.max_column > 16_384
    if outside or area > limits.sparse_cells + _SPARSE * facts.n_cells:
        remedy = (
            f"a stray cell far outside the table: the cells reach to row {facts.max_row:,}, column {facts.max_column:,}, "
            f"but only {facts.n_cells:,} are filled; delete the empty rows and columns around the table, or save it as csv"
        )
        raise CohortError(source, [Problem(code="extent", severity=Severity.ERROR, remedy=remedy)])
    if facts.doubtful is not None:
        row, column = facts.doubtful
        remedy = (
            f"cell {column_letters(max(column, 0))}{row} stands twice, or not after the one before it, so that it is ambiguous"
            " which counts; open the file in a spreadsheet program and save it again"
        )
        raise CohortError(source, [Problem(code="damaged", severity=Severity.ERROR, remedy=remedy)])
