"""The single faults of `messy`: what a hand does to one cell. Each answers None where it can't be done."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from igfstrat.schema import Column, find_endpoint_header, find_header, fold
from igfstrat.units import DAYS_PER, conversion_factor


@dataclass(frozen=True, slots=True)
class CellFault:
    """Which headers a fault can befall, and what becomes of a cell."""

    befalls: Callable[[str], bool]
    change: Callable[[Any, str, np.random.Generator], Any]


def _column(header: str) -> Column | None:
    found = find_header(header)
    return found[0] if found else None


def _is_kind(kind: str) -> Callable[[str], bool]:
    def check(header: str) -> bool:
        column = _column(header)
        return column is not None and column.kind == kind

    return check


def _is_time(header: str) -> bool:
    found = find_endpoint_header(header)
    return found is not None and found[1] == "months"


def _is_figure(header: str) -> bool:
    return _is_kind("number")(header) or _is_time(header)


def _is_concentration(header: str) -> bool:
    column = _column(header)
    return column is not None and column.is_concentration


def _misspell(value: Any, header: str, rng: np.random.Generator) -> str | None:
    """Positve for positive: an inner letter is missing, and the word is no other code."""
    word, column = str(value), _column(header)
    if column is None or len(word) < 4 or not word.replace("_", "").isalpha():
        return None
    known = {fold(text) for code, aliases in column.codes.items() for text in (code, *aliases)}
    tries = [word[:i] + word[i + 1 :] for i in range(1, len(word) - 1)]
    fitting = [text for text in tries if fold(text) not in known]
    return str(rng.choice(fitting)) if fitting else None


def _respell(value: Any, header: str, rng: np.random.Generator) -> str | None:
    """Another spelling of the same code: Female, F, 1+, with a space behind it."""
    column = _column(header)
    aliases = column.codes.get(str(value), ()) if column else ()
    # what begins with a sign would get an apostrophe in a csv file
    words = [
        text for text in (*aliases, str(value).capitalize()) if text[:1].isalnum() and text != str(value)
    ]
    return f"{rng.choice(words)} " if words else None


def _with_unit(value: Any, header: str, rng: np.random.Generator) -> str | None:
    del rng
    column = _column(header)
    return f"{value} {column.unit}" if column and _is_number(value) else None


def _with_no_break_space(value: Any, header: str, rng: np.random.Generator) -> str | None:
    del header, rng
    return f"{value}\u00a0" if _is_number(value) else None


def _with_note(value: Any, header: str, rng: np.random.Generator) -> str | None:
    del header
    return f"{value}{rng.choice(['*', ' (repeat)', '?'])}" if _is_number(value) else None


def _with_comma(value: Any, header: str, rng: np.random.Generator) -> str | None:
    del header, rng
    return str(value).replace(".", ",") if _is_number(value) and "." in str(value) else None


def _in_other_unit(value: Any, header: str, rng: np.random.Generator) -> float | None:
    """IGF-1 in nmol/L, IGFBP3 in mg/L, as their laboratories report them."""
    del rng
    column = _column(header)
    other = {"igf1": "nmol/L", "igfbp3": "mg/L"}.get(column.name if column else "")
    if column is None or other is None or not _is_number(value):
        return None
    return round(float(value) * conversion_factor(column.name, column.unit, other), 2)


def _as_sentinel(value: Any, header: str, rng: np.random.Generator) -> int | None:
    """A number that says missing to whoever typed it."""
    del header
    return int(rng.choice([999, -9])) if _is_number(value) else None


def _as_other_date(value: Any, header: str, rng: np.random.Generator) -> str | None:
    del header
    try:
        day = dt.date.fromisoformat(str(value))
    except ValueError:
        return None
    # no %b: the names of the months must not follow the language of the machine
    month = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")[
        day.month - 1
    ]
    forms = (f"{day:%d.%m.%Y}", f"{day:%d/%m/%Y}", f"{day:%m/%d/%Y}", f"{day.day} {month} {day.year}")
    return forms[int(rng.integers(len(forms)))]


def _in_days(value: Any, header: str, rng: np.random.Generator) -> int | None:
    del header, rng
    return round(float(value) * DAYS_PER["months"]) if _is_number(value) else None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | np.number) and not isinstance(value, bool)


CELL_FAULTS: Final[dict[str, CellFault]] = {
    "code_misspelt": CellFault(_is_kind("code"), _misspell),
    "code_respelt": CellFault(_is_kind("code"), _respell),
    "unit_in_cell": CellFault(_is_concentration, _with_unit),
    "no_break_space": CellFault(_is_figure, _with_no_break_space),
    "note_in_cell": CellFault(_is_figure, _with_note),
    "decimal_comma": CellFault(_is_figure, _with_comma),
    "other_unit": CellFault(_is_concentration, _in_other_unit),
    "sentinel": CellFault(_is_figure, _as_sentinel),
    "date_format": CellFault(_is_kind("date"), _as_other_date),
    "days_for_months": CellFault(_is_time, _in_days),
}

# how people head the columns; none of them is read without being asked about
PEOPLE_WRITE: Final[dict[str, str]] = {
    "patient_id": "Pat. No.",
    "age_years": "Age at dx",
    "sex": "Gender",
    "bmi": "BMI (kg/m²) at dx",
    "igf1_ng_ml": "IGF-1",
    "igfbp3_ng_ml": "BP3",
    "igf1r_ihc": "IGF-1R",
    "igf1r_h_score": "H score IGF1R",
    "subtype": "Subtype (path.)",
    "stage": "AJCC stage",
    "diagnosis_date": "Dx date",
    "last_followup_date": "last seen",
    "dfs_months": "DFS (mo)",
    "dfs_event": "Relapse?",
    "pfs_months": "PFS (mo)",
    "pfs_event": "Progression?",
    "os_months": "OS (mo)",
    "os_event": "Dead?",
}
