"""Patient identifiers: present, distinct, exact. Their values are never shown.

Two identifiers that differ only in case, spaces, kind of hyphen or look-alike letters are taken
for one person written twice, because joining tables on them would go wrong.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import Final

import pandas as pd

from igfstrat.cohort.decode import MISSING_WORDS
from igfstrat.cohort.sheet import Sheet
from igfstrat.errors import Problem, Severity

# Cyrillic and Greek letters that look like Latin ones
_LOOK_ALIKES: Final = str.maketrans(
    "АВЕКМНОРСТХаеорсухіΑΒΕΖΗΙΚΜΝΟΡΤΥΧο",
    "ABEKMHOPCTXaeopcyxiABEZHIKMNOPTYXo",
)
_HYPHENS: Final = re.compile(r"[\u00ad\u2010-\u2015\u2212\ufe58\ufe63\uff0d]")
# an error of Excel's is no identifier either
_NOBODY: Final = MISSING_WORDS | {"#ref!", "#name?", "#value!", "#null!", "#num!", "#div/0!"}
# what a spreadsheet makes of many digits when it saves a csv
_SCIENTIFIC: Final = re.compile(r"[0-9](?:[.,][0-9]+)?[eE]\+[0-9]{2}")
_LONGEST: Final = 200
# duplicates that each get a line with the row that they repeat; the others share one
_TOLD: Final = 50
_SUMMARY: Final = re.compile(
    r"(?:mean|median|average|total|sum|sd|std|min|max|count)\b\s*[:=]?\s*[\d.,]*|n\s*[:=]\s*[\d.,]+|(?:note|source)\b.*|\*.*",
    re.I,
)


def check_identifiers(sheet: Sheet, ids: pd.Series, column: int | None) -> list[Problem]:
    """Everything that is wrong with the identifiers of a sheet.

    Parameters
    ----------
    sheet : Sheet
        The table, for places.
    ids : Series of str, one row a patient row
        Identifiers as read.
    column : int or None
        Their source column from 0; None when row numbers stand in.

    Returns
    -------
    list of Problem
        Blank, duplicate and rounded identifiers as errors; control characters as flags. No value is shown.
    """
    stripped = [text.strip() for text in ids.tolist()]
    is_rounded = any(mark.code == "rounded" and mark.column == column for mark in sheet.marks)
    if not is_rounded and are_simple(stripped):
        return []
    faults = _blank(stripped) + _doubled(stripped, sheet) + _rounded(stripped, sheet, column) + _odd(stripped)
    problems = []
    for index, code, severity, remedy in sorted(faults, key=lambda fault: fault[0]):
        row = int(sheet.row_numbers[index])
        cell = sheet.cell(row, column) if column is not None else None
        problems.append(
            Problem(code=code, severity=severity, column="patient_id", row=row, cell=cell, remedy=remedy)
        )
    return problems


def are_simple(ids: Iterable[str]) -> bool:
    """Whether there is nothing to say of identifiers, told by looking at all of them together: so they are in most cohorts.

    Parameters
    ----------
    ids : iterable of str, one a patient row
        Identifiers without space around them.

    Returns
    -------
    bool
        True where all are of plain characters, none is a word for missing, too long or a rounded number, and no two are
        equal when folded: without spaces and other alphabets, case is all that folding takes away.

    Examples
    --------
    >>> are_simple(pd.Series(["P1", "P2"])), are_simple(pd.Series(["P1", "p1"])), are_simple(pd.Series(["P1", "P 2"]))
    (True, False, False)
    """
    ids = list(ids)
    joined = "".join(ids)
    if not (joined.isascii() and joined.isprintable()) or " " in joined or "+" in joined:
        return False
    keys = set(map(str.lower, ids))  # of plain characters that is all that folding does
    return len(keys) == len(ids) and not keys & _NOBODY and max(map(len, keys), default=0) <= _LONGEST


Fault = tuple[int, str, Severity, str]


def _blank(ids: list[str]) -> list[Fault]:
    remedy = "blank; every row needs a patient_id, or map it to {row_number: true}"
    return [(i, "missing_id", Severity.ERROR, remedy) for i, text in enumerate(ids) if _is_blank(text)]


def _is_blank(text: str) -> bool:
    """Whether nothing can be seen of an identifier, or it is a word for missing."""
    if text.isascii():
        return text.strip().lower() in _NOBODY
    seen = "".join(char for char in text if unicodedata.category(char) != "Cf")
    return seen.strip().lower() in _NOBODY


def _doubled(ids: list[str], sheet: Sheet) -> list[Fault]:
    keys = [folded(text) for text in ids]
    if len(set(keys)) == len(keys):
        return []
    faults: list[Fault] = []
    first_row: dict[str, int] = {}
    for index, (text, key) in enumerate(zip(ids, keys, strict=True)):
        if _is_blank(text):
            continue
        if key in first_row:
            of = f"row {first_row[key]}" if len(faults) < _TOLD else "a row above it"
            remedy = f"duplicate of {of}; one row a patient ('rows:' in a map chooses or merges them), and no spelling variants"
            faults.append((index, "duplicate", Severity.ERROR, remedy))
        else:
            first_row[key] = int(sheet.row_numbers[index])
    return faults


def _rounded(ids: list[str], sheet: Sheet, column: int | None) -> list[Fault]:
    remedy = "a number of more than 15 digits: Excel has lost its last digits (precision); store it as text"
    rows = {mark.row for mark in sheet.marks if mark.code == "rounded" and mark.column == column}
    return [
        (index, "rounded", Severity.ERROR, remedy)
        for index, (text, row) in enumerate(zip(ids, sheet.row_numbers.tolist(), strict=True))
        if row in rows or ("+" in text and _SCIENTIFIC.fullmatch(text))
    ]


def _odd(ids: list[str]) -> list[Fault]:
    faults: list[Fault] = []
    for index, text in enumerate(ids):
        is_plain = text.isascii() and text.isprintable()
        if not is_plain and any(unicodedata.category(char) in {"Cc", "Cf"} for char in text):
            remedy = "holds control characters, shown escaped; remove them"
            faults.append((index, "control_characters", Severity.FLAG, remedy))
        elif len(text) > _LONGEST:
            remedy = f"is {len(text):,} characters long; probably not an identifier"
            faults.append((index, "long_id", Severity.FLAG, remedy))
    return faults


def summary_rows(sheet: Sheet, ids: pd.Series) -> list[int]:
    """Rows under the data that sum it up, and are no patients.

    Parameters
    ----------
    sheet : Sheet
        The table.
    ids : Series of str, one row a patient row
        Identifiers as read.

    Returns
    -------
    list of int
        Row indices from 0, only at the end of the table: their identifier is a word such as ``Mean`` or ``n = 60``, or
        they follow an empty row and fill at most two cells.
    """
    found: list[int] = []
    pending: list[int] = []
    for index in range(len(ids) - 1, -1, -1):
        is_word = _SUMMARY.fullmatch(ids.iloc[index].strip()) is not None
        gap = index > 0 and sheet.row_numbers[index] - sheet.row_numbers[index - 1] > 1
        n_filled = int((sheet.cells.iloc[index] != "").sum())
        if not is_word and not n_filled <= 2 < sheet.cells.shape[1]:
            break
        pending.append(index)  # a note of several lines is one only when an empty row stands above it
        if is_word or gap or found:
            found += pending
            pending = []
    return sorted(found)


def folded(text: str) -> str:
    """An identifier as it is compared with others.

    Parameters
    ----------
    text : str
        As read.

    Returns
    -------
    str
        The same for spellings that differ in case, spaces, kind of hyphen or look-alike letters alone.

    Examples
    --------
    >>> folded(" Pat\u201007 ") == folded("pat-07")
    True
    """
    if text.isascii():
        return " ".join(text.split()).casefold()
    visible = "".join(char for char in text if char == "\u00ad" or unicodedata.category(char) != "Cf")
    plain = unicodedata.normalize("NFKC", visible).translate(_LOOK_ALIKES)
    return re.sub(r"\s+", " ", _HYPHENS.sub("-", plain)).strip().casefold()
