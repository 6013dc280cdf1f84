"""Columns that nothing uses are carried through as text; two kinds of harm in them are worth a word.

A column of names or addresses says who the patients are, and a spreadsheet program turns gene names
such as SEPT1 into dates. No value of these columns is shown.
"""

from __future__ import annotations

import re
from typing import Final

from igfstrat.cohort.sheet import Sheet
from igfstrat.errors import Problem, Severity, safe_text
from igfstrat.schema import fold

_IDENTIFYING: Final = re.compile(
    r"(?:full|first|last|family|given|patient|maiden)_?name|name|surname|forename|initials|e_?mail(?:_address)?|(?:home_|street_|postal_)?address"
    r"|(?:tele)?phone(?:_number)?|mobile(?:_number)?|mrn|medical_record_number|hospital_number|nhs_number|ssn|social_security_number"
    r"|passport(?:_number)?|insurance_number|dob|date_of_birth|birth_?date|post_?code|zip_?code|zip"
)
_GENE_DATE: Final = re.compile(
    r"[0-9]{1,2}-(?:mar|sep|dec|oct|apr)[a-z]*|[0-9]{4}-(?:03|09|12|10|04)-[0-9]{2}", re.IGNORECASE
)
_GENE: Final = re.compile(r"[A-Z][A-Z0-9-]{1,9}")


def check_carried(sheet: Sheet, positions: list[int]) -> list[Problem]:
    """What is to be said of columns that nothing uses.

    Parameters
    ----------
    sheet : Sheet
        The table.
    positions : list of int
        Columns from 0 that nothing uses.

    Returns
    -------
    list of Problem
        Flags of the file for columns that look identifying, and of rows whose gene name became a date.
    """
    found: list[Problem] = []
    for position in positions:
        header = safe_text(sheet.headers[position])
        if _IDENTIFYING.fullmatch(fold(sheet.headers[position])):
            remedy = "looks like a direct identifier; it is not needed, so remove the column before the file is passed on"
            found.append(
                Problem(code="direct_identifier", severity=Severity.FLAG, column=header, remedy=remedy)
            )
            continue
        text = [cell.strip() for cell in sheet.cells[position]]
        dates = [index for index, cell in enumerate(text) if _GENE_DATE.fullmatch(cell)]
        if not dates or not any(_GENE.fullmatch(cell) for cell in text):
            continue
        remedy = "a date among gene names: a spreadsheet program turned the name into a date; restore it, and format the column as text"
        found += [
            Problem(
                code="date_in_names", severity=Severity.FLAG, column=header, row=int(row), cell=sheet.cell(int(row), position),
                remedy=remedy,
            )
            for row in sheet.row_numbers[dates]
        ]  # fmt: skip
    return found
