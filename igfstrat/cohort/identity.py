"""Patient identifiers: present, distinct, exact. Their values are never shown.

Two identifiers that differ only in case, spaces, kind of hyphen or look-alike letters are taken
for one person written twice, because joining tables on them would go wrong.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

import numpy as np
import pandas as pd

from igfstrat.cohort.sheet import Sheet
from igfstrat.errors import Problem, Severity

# Cyrillic and Greek letters that look like Latin ones
_LOOK_ALIKES: Final = str.maketrans(
    "АВЕКМНОРСТХаеорсухіΑΒΕΖΗΙΚΜΝΟΡΤΥΧο",
    "ABEKMHOPCTXaeopcyxiABEZHIKMNOPTYXo",
)
_HYPHENS: Final = re.compile(r"[\u00ad\u2010-\u2015\u2212\ufe58\ufe63\uff0d]")
_SUMMARY: Final = re.compile(
    r"(mean|median|average|total|sum|sd|std|min|max|count|n)\b\s*[:=]?\s*[\d.,]*|(?:note|source)\b.*|\*.*",
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
    problems = []
    stripped = ids.str.strip()

    def add(code: str, index: int, severity: Severity, remedy: str) -> None:
        row = int(sheet.row_numbers[index])
        cell = sheet.cell(row, column) if column is not None else None
        problems.append(
            Problem(code=code, severity=severity, column="patient_id", row=row, cell=cell, remedy=remedy)
        )

    for index in np.flatnonzero(stripped == ""):
        add(
            "missing_id",
            int(index),
            Severity.ERROR,
            "blank; every row needs a patient_id, or map it to {row_number: true}",
        )
    folded = stripped.map(_folded)
    first_row: dict[str, int] = {}
    for index, key in enumerate(folded):
        if key and key in first_row:
            remedy = f"duplicate of row {first_row[key]}; one row a patient, and no spelling variants"
            add("duplicate", index, Severity.ERROR, remedy)
        elif key:
            first_row[key] = int(sheet.row_numbers[index])
    for index, row in enumerate(sheet.row_numbers):
        if (int(row), column) in sheet.rounded:
            add(
                "rounded",
                index,
                Severity.ERROR,
                "a number of more than 15 digits: Excel has lost its last digits (precision); store it as text",
            )
        if any(unicodedata.category(char) == "Cc" for char in stripped.iloc[index]):
            add(
                "control_characters",
                index,
                Severity.FLAG,
                "holds control characters, shown escaped; remove them",
            )
        elif len(stripped.iloc[index]) > 200:
            add(
                "long_id",
                index,
                Severity.FLAG,
                f"is {len(stripped.iloc[index]):,} characters long; probably not an identifier",
            )
    return problems


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
    found = []
    filled = (sheet.cells != "").sum(axis=1).to_numpy()
    for index in range(len(ids) - 1, -1, -1):
        is_word = _SUMMARY.fullmatch(ids.iloc[index].strip()) is not None
        gap = index > 0 and sheet.row_numbers[index] - sheet.row_numbers[index - 1] > 1
        after_gap = bool(found) or gap
        if is_word or (after_gap and filled[index] <= 2 < sheet.cells.shape[1]):
            found.append(index)
        else:
            break
    return sorted(found)


def _folded(text: str) -> str:
    folded = unicodedata.normalize("NFKC", text).translate(_LOOK_ALIKES)
    return re.sub(r"\s+", " ", _HYPHENS.sub("-", folded)).strip().casefold()
