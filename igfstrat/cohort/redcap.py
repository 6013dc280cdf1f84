"""A REDCap export with its data dictionary: codes become their words, numbers their decimal points.

The dictionary is the project's own declaration, so nothing is guessed: a code that it doesn't list
stays as it is. After it the cohort map speaks the dictionary's words (`event: [Deceased]`).
Checkbox columns (`race___1`) stay 0 and 1. Field types and choices follow REDCap's data-dictionary
format, as its exports carry it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import Final

from igfstrat.cohort.sheet import Sheet
from igfstrat.errors import CohortError, Problem, Severity, safe_text
from igfstrat.schema import fold

_NAME: Final = ("variable_field_name", "field_name")
_TYPE: Final = "field_type"
_CHOICES: Final = "choices"
_VALIDATION: Final = "text_validation_type"
_IDENTIFIER: Final = "identifier"
_CODED: Final = {"radio", "dropdown"}
_FIXED: Final = {"yesno": {"1": "Yes", "0": "No"}, "truefalse": {"1": "True", "0": "False"}}
_COMMA: Final = re.compile(r"number.*comma_decimal")
_SHOWN: Final = 5


@dataclass(frozen=True, slots=True)
class DictionaryField:
    """What the dictionary says of a column.

    Parameters
    ----------
    name : str
        Header of the column.
    choices : dict of str to str
        Words by code.
    has_comma : bool
        Whether its numbers are written with a decimal comma.
    is_identifier : bool
        Whether the project marked it as identifying.
    """

    name: str
    choices: dict[str, str] = field(default_factory=dict)
    has_comma: bool = False
    is_identifier: bool = False


def parse_dictionary(sheet: Sheet) -> dict[str, DictionaryField]:
    """The fields of a data dictionary.

    Parameters
    ----------
    sheet : Sheet
        The dictionary as a table.

    Returns
    -------
    dict of str to DictionaryField
        By name, which is the header of the export.

    Raises
    ------
    CohortError
        If it is no data dictionary.
    """
    headers = [fold(header) for header in sheet.headers]

    def column(*starts: str) -> int | None:
        return next((i for i, header in enumerate(headers) if header.startswith(starts)), None)

    name, kind = column(*_NAME), column(_TYPE)
    if name is None or kind is None:
        remedy = "not a REDCap data dictionary: it needs the columns 'Variable / Field Name' and 'Field Type'"
        raise CohortError(sheet.place, [Problem(code="dictionary", severity=Severity.ERROR, remedy=remedy)])
    others = (column(_CHOICES), column(_VALIDATION), column(_IDENTIFIER))
    found = {}
    for row in sheet.cells.itertuples(index=False, name=None):
        choices, validation, identifier = ("" if i is None else row[i].strip() for i in others)
        field_type = row[kind].strip().lower()
        found[row[name].strip()] = DictionaryField(
            name=row[name].strip(),
            choices=_FIXED.get(field_type) or (_parse_choices(choices) if field_type in _CODED else {}),
            has_comma=_COMMA.fullmatch(validation) is not None,
            is_identifier=identifier.lower() in {"y", "yes", "1"},
        )
    return found


def _parse_choices(text: str) -> dict[str, str]:
    """Words by code, of ``1, Male | 2, Female``."""
    pairs = (part.partition(",") for part in text.split("|"))
    return {code.strip(): word.strip() for code, comma, word in pairs if comma and word.strip()}


def apply_dictionary(sheet: Sheet, fields: dict[str, DictionaryField]) -> Sheet:
    """The export with words for its codes and points for its commas.

    Parameters
    ----------
    sheet : Sheet
        The export.
    fields : dict of str to DictionaryField
        What the dictionary says.

    Returns
    -------
    Sheet
        The same rows and columns; a notice says what was changed, and columns that the project marked as
        identifying are known as such.
    """
    cells, changed, identifying = sheet.cells.copy(), [], set()
    for position, header in enumerate(sheet.headers):
        known = fields.get(header)
        if known is None:
            continue
        column = cells[position].str.strip()
        if known.choices:
            cells[position] = [known.choices.get(text, text) for text in column]
            changed.append(safe_text(header))
        elif known.has_comma:
            cells[position] = column.str.replace(r"^(-?[0-9]+),([0-9]+)$", r"\1.\2", regex=True)
            changed.append(safe_text(header))
        if known.is_identifier:
            identifying.add(position)
    names = ", ".join(changed[:_SHOWN]) + (" …" if len(changed) > _SHOWN else "")
    how = f"{len(changed)} columns were read by the data dictionary ({names}): codes as its words, decimal commas as points"
    said = Problem(code="dictionary", severity=Severity.NOTICE, remedy=how)
    return replace(
        sheet,
        cells=cells,
        problems=(*sheet.problems, said) if changed else sheet.problems,
        identifying=frozenset(identifying),
    )
