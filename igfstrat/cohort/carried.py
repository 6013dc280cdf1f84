"""Columns that nothing uses are carried through as text; two kinds of harm in them are worth a word.

A column of names or addresses says who the patients are, and a spreadsheet program turns gene names
such as SEPT1 into dates. No value of these columns is shown.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

import numpy as np

from igfstrat.cohort.direct_identifiers import looks_like_people, names_a_person, why_identifying
from igfstrat.cohort.sheet import Sheet, TextColumn
from igfstrat.errors import Problem, Severity, safe_text
from igfstrat.schema import fold

GENE_DATE: Final = re.compile(
    r"[0-9]{1,2}-(?:mar|sep|dec|oct|apr)[a-z]*|[0-9]{4}-(?:03|09|12|10|04)-[0-9]{2}", re.IGNORECASE
)
_STUDY_NUMBERS: Final = frozenset({"patient_number", "subject_number"})
GENE: Final = re.compile(r"[A-Z][A-Z0-9-]{1,9}")


def check_carried(sheet: Sheet, positions: list[int], ids: int | None) -> list[Problem]:
    """What is to be said of columns that nothing uses.

    Parameters
    ----------
    sheet : Sheet
        The table.
    positions : list of int
        Columns from 0 that nothing uses.
    ids : int or None
        Column from 0 of the patient identifiers; e-mail addresses or names may serve as such, and are worth a word.

    Returns
    -------
    list of Problem
        Flags of the file for columns that look identifying, and of rows whose gene name became a date.
    """
    found: list[Problem] = []
    what = _not_a_pseudonym(sheet, ids) if ids is not None else None
    if what:
        remedy = f"{what}, not like a pseudonym; replace it before the file is passed on"
        found.append(
            Problem(code="direct_identifier", severity=Severity.FLAG, column="patient_id", remedy=remedy)
        )
    for position in positions:
        header = safe_text(sheet.headers[position])
        declared = "by its data dictionary" if position in sheet.identifying else None
        why = declared or why_identifying(sheet.headers[position], sheet.cells[position])
        if why:
            remedy = f"looks like a direct identifier ({why}); it is not needed, so remove the column before the file is passed on"
            found.append(
                Problem(code="direct_identifier", severity=Severity.FLAG, column=header, remedy=remedy)
            )
            continue
        column = TextColumn.of(sheet.cells[position])
        words = [word.strip() for word in column.words]
        is_date = np.array([GENE_DATE.fullmatch(word) is not None for word in words], dtype=bool)
        if not is_date.any() or not any(GENE.fullmatch(word) for word in words):
            continue
        dates = np.flatnonzero(is_date[column.which])
        found += [
            replace(date_in_names(header), row=int(row), cell=sheet.cell(int(row), position))
            for row in sheet.row_numbers[dates]
        ]
    return found


def _not_a_pseudonym(sheet: Sheet, ids: int) -> str | None:
    """What identifiers look like that aren't pseudonyms; patients may well be numbered for a study."""
    kind = looks_like_people(sheet.cells[ids])
    if kind:
        return f"looks like {kind}"
    header = sheet.headers[ids]
    if ids in sheet.identifying:
        return "is a direct identifier by its data dictionary"
    if names_a_person(header) and fold(header) not in _STUDY_NUMBERS:
        return f"looks like a direct identifier by its name ({safe_text(header)})"
    return None


def date_in_names(header: str) -> Problem:
    """What is said of a date among gene names.

    Parameters
    ----------
    header : str
        Header of the column, safe to show.

    Returns
    -------
    Problem
        A flag, without its row.
    """
    remedy = "a date among gene names: a spreadsheet program turned the name into a date; restore it, and format the column as text"
    return Problem(code="date_in_names", severity=Severity.FLAG, column=header, remedy=remedy)
