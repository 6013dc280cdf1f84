"""A REDCap export with its data dictionary: codes become their words, numbers their decimal points.

The dictionary is the project's own declaration, so nothing is guessed: a code that it doesn't list
stays as it is. After it the cohort map speaks the dictionary's words (`event: [Deceased]`).
Checkbox columns (`race___1`) stay 0 and 1. Field types and choices follow REDCap's data-dictionary
format, as its exports carry it.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Final

from igfstrat.cohort.codes import whole_number
from igfstrat.cohort.sheet import Sheet
from igfstrat.errors import CohortError, Problem, Severity, safe_text
from igfstrat.schema import fold

_NAME: Final = ("variable_field_name", "field_name")
_TYPE: Final = "field_type"
_LABEL: Final = "field_label"
# as its designer's file calls them, and as its API does
_CHOICES: Final = ("choices", "select_choices")
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
    label : str
        What an export with labels has as its header.
    """

    name: str
    choices: dict[str, str] = field(default_factory=dict)
    has_comma: bool = False
    is_identifier: bool = False
    label: str = ""


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
        If it is no data dictionary, or it says two things of one field or code.
    """
    headers = [fold(header) for header in sheet.headers]

    def column(*starts: str) -> int | None:
        return next((i for i, header in enumerate(headers) if header.startswith(starts)), None)

    name, kind = column(*_NAME), column(_TYPE)
    if name is None or kind is None:
        remedy = "not a REDCap data dictionary: it needs the columns 'Variable / Field Name' and 'Field Type'"
        raise CohortError(sheet.place, [Problem(code="dictionary", severity=Severity.ERROR, remedy=remedy)])
    others = (column(*_CHOICES), column(_VALIDATION), column(_IDENTIFIER), column(_LABEL))
    found: dict[str, DictionaryField] = {}
    faults: list[tuple[int, str]] = []
    rows = sheet.cells.itertuples(index=False, name=None)
    for number, row in zip(sheet.row_numbers.tolist(), rows, strict=True):
        known, doubled = _field_of(*("" if i is None else row[i].strip() for i in (name, kind, *others)))
        if doubled:
            faults.append((number, f"has two words for code {', '.join(doubled)}; keep one"))
        if known.name in found:
            faults.append((number, "stands twice in the dictionary; keep one of the rows"))
        found[known.name] = known
    if faults:
        names = dict(zip(sheet.row_numbers.tolist(), sheet.cells[name].str.strip(), strict=True))
        problems = [
            Problem(code="dictionary", severity=Severity.ERROR, row=row, remedy=f"the field {safe_text(names[row])} {how}")
            for row, how in faults
        ]  # fmt: skip
        raise CohortError(sheet.place, problems)
    return found


def _field_of(
    name: str, kind: str, choices: str, validation: str, identifier: str, label: str
) -> tuple[DictionaryField, list[str]]:
    """A field, and the codes that have two words."""
    kind = kind.lower()
    words, doubled = _parse_choices(choices) if kind in _CODED else ({}, [])
    known = DictionaryField(
        name=name,
        choices=_FIXED.get(kind) or words,
        has_comma=_COMMA.fullmatch(validation) is not None,
        is_identifier=identifier.lower() in {"y", "yes", "1"},
        label=label,
    )
    return known, doubled


def _parse_choices(text: str) -> tuple[dict[str, str], list[str]]:
    """Words by code, of ``1, Male | 2, Female``, and codes that have two."""
    pairs = (part.partition(",") for part in text.split("|"))
    words: dict[str, str] = {}
    doubled: list[str] = []
    for code, word in ((code.strip(), word.strip()) for code, comma, word in pairs if comma):
        if not word:
            continue
        if words.setdefault(code, word) != word:
            doubled.append(safe_text(code))
    return words, doubled


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

    Raises
    ------
    CohortError
        If no column is one of its fields.
    """
    cells, changed, identifying = sheet.cells.copy(), [], set()
    named = _named(sheet, fields)
    for position, header in enumerate(sheet.headers):
        known = named.get(header)
        if known is None:
            continue
        column = cells[position].str.strip()
        if known.choices:
            # programs that know numbers alone write a code 1 as 1.0
            cells[position] = [known.choices.get(whole_number(text), text) for text in column]
            changed.append(safe_text(header))
        elif known.has_comma:
            cells[position] = column.str.replace(r"^(-?[0-9]*),([0-9]+)$", r"\1.\2", regex=True)
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


def _named(sheet: Sheet, fields: dict[str, DictionaryField]) -> dict[str, DictionaryField]:
    """Fields by the header of the export: their names, or their labels where it was exported with those."""
    times = Counter(known.label for known in fields.values())
    named = {known.label: known for known in fields.values() if times[known.label] == 1} | fields
    if named.keys().isdisjoint(sheet.headers):
        remedy = (
            "no column is a field of the data dictionary: is it that of another project? Name the right one under 'dictionary:'"
            " in the map, or leave it out"
        )
        raise CohortError(sheet.place, [Problem(code="dictionary", severity=Severity.ERROR, remedy=remedy)])
    return named
