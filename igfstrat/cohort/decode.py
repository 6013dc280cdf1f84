"""From the text of a cell to a number, a code, a date or an identifier, with every doubt named.

A number is taken only when the whole cell is one. What people write beside numbers (`<25`, `~140`,
`120*`, `150 ng/mL`, `110-130`, `ND`) is recognised by kind, so that each gets its own flag; nothing
unrecognised ever becomes a value. Values beyond a detection limit become an interval.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from igfstrat.errors import UnitError
from igfstrat.schema import Column, fold
from igfstrat.units import conversion_factor

MISSING_WORDS: Final = frozenset({"", "na", "n/a", "nan", "null", "none", "#n/a"})
_MISSING_SYMBOLS: Final = frozenset(
    {".", "-", "--", "?", "*", "n/d", "nd.", "unknown", "unk", "missing", "x"}
)
_BELOW_WORDS: Final = frozenset(
    {"nd", "blq", "lod", "<lod", "<lloq", "<loq", "bdl", "not detected", "undetectable"}
)
_FIGURE: Final = r"[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[-+]?\d+)?"
_PATTERNS: Final = (
    ("below_detection", re.compile(rf"(?:<|<=|≤|＜)\s*({_FIGURE})", re.I)),
    ("above_limit", re.compile(rf"(?:>|>=|≥|＞)\s*({_FIGURE})", re.I)),
    ("approximate", re.compile(rf"(?:~|≈|ca\.?|c\.|approx\.?)\s*({_FIGURE})", re.I)),
    ("text_with_number", re.compile(rf"({_FIGURE})\s*(?:\*+|†|#|\(?[HhLl]\)?)", re.I)),
    ("range_of_values", re.compile(rf"({_FIGURE})\s*(?:-|–|to)\s*({_FIGURE})", re.I)),
    ("unit_in_cell", re.compile(rf"({_FIGURE})\s*([a-zµμ%][a-zµμ/]*)", re.I)),
)
_MONTHS: Final = {
    name: i for i, name in enumerate(["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"], start=1)
}


@dataclass(slots=True)
class Decoded:
    """Values of one column with what was noticed.

    Parameters
    ----------
    values : ndarray, shape (n_rows,)
        Numbers (NaN = no value), codes (None = no value) or dates (NaT = no value).
    flags : list of tuple
        Row index, code of the flag and remedy.
    lower, upper : ndarray of float64, shape (n_rows,), or None
        Limits between which each value lies, where a value is beyond a limit; None when none is.
    """

    values: NDArray[np.generic]
    flags: list[tuple[int, str, str]] = field(default_factory=list)
    lower: NDArray[np.float64] | None = None
    upper: NDArray[np.float64] | None = None


def clean(cells: pd.Series, missing: frozenset[str]) -> tuple[pd.Series, NDArray[np.bool_]]:
    """Cells without surrounding space, and which of them hold nothing.

    Parameters
    ----------
    cells : Series of str, one row a patient row
        Text as read.
    missing : frozenset of str
        Words that the map declares as missing, in lower case.

    Returns
    -------
    tuple of Series and ndarray of bool, shape (n_rows,)
        The stripped text, and True where it means missing.
    """
    text = cells.str.replace("\u00a0", " ", regex=False).str.strip()
    return text, text.str.lower().isin(MISSING_WORDS | missing).to_numpy(dtype=bool)


def decode_numbers(
    cells: pd.Series,
    column: Column,
    *,
    unit: str | None,
    decimal: str,
    missing: frozenset[str],
    substitute: str,
) -> Decoded:
    """Numbers in the canonical unit of their column.

    Parameters
    ----------
    cells : Series of str, one row a patient row
        Text as read.
    column : Column
        Canonical column: its unit, bounds.
    unit : str or None
        Unit of the source where it differs from the canonical one.
    decimal : str
        Decimal mark of the source, ``.`` or ``,``.
    missing : frozenset of str
        Words that mean missing, in lower case.
    substitute : str
        What a value beyond a limit becomes: ``half``, ``limit`` or ``missing``.

    Returns
    -------
    Decoded
        Values in the canonical unit, and flags.
    """
    text, is_missing = clean(cells, missing)
    if decimal == ",":
        text = text.str.replace(",", ".", regex=False)
    figures = text.where(text.str.fullmatch(_FIGURE, flags=re.I).to_numpy(dtype=bool))
    values = pd.to_numeric(figures, errors="coerce").to_numpy(dtype=np.float64, copy=True)
    lower, upper = values.copy(), values.copy()
    factor = 1.0
    if column.is_concentration and unit and unit != column.unit:
        factor = conversion_factor(column.name, unit, column.unit)
    decoded = Decoded(values, lower=lower, upper=upper)
    for row in np.flatnonzero(np.isnan(values) & ~is_missing):
        _decode_odd(int(row), str(text.iloc[row]), column, unit or column.unit, substitute, decoded)
    for array in (values, lower, upper):
        array *= factor
    _apply_bounds(values, column, decoded)
    if np.array_equal(lower, upper, equal_nan=True):
        decoded.lower = decoded.upper = None
    return decoded


def _decode_odd(row: int, text: str, column: Column, unit: str, substitute: str, decoded: Decoded) -> None:
    assert decoded.lower is not None
    assert decoded.upper is not None
    lowered = text.lower()
    values = decoded.values
    if lowered in _BELOW_WORDS:
        decoded.lower[row], decoded.upper[row] = 0.0, np.nan
        decoded.flags.append(
            (row, "below_detection", "below the detection limit, which is not stated; write it as <limit")
        )
        return
    if lowered in _MISSING_SYMBOLS:
        decoded.flags.append(
            (row, "missing_symbol", "counts as missing; declare it under 'missing:' in the map")
        )
        return
    for kind, pattern in _PATTERNS:
        match = pattern.fullmatch(lowered)
        if match is None:
            continue
        if kind == "unit_in_cell" and not _same_unit(match[2], unit, column):
            break
        number = float(match[1])
        if kind == "below_detection":
            decoded.lower[row], decoded.upper[row] = 0.0, number
            values[row] = {"half": number / 2, "limit": number}.get(substitute, np.nan)
        elif kind == "above_limit":
            decoded.lower[row], decoded.upper[row] = number, np.inf
            values[row] = number if substitute == "limit" else np.nan
        elif kind != "range_of_values":
            values[row] = decoded.lower[row] = decoded.upper[row] = number
        decoded.flags.append((row, kind, _REMEDIES[kind]))
        return
    decoded.flags.append((row, "not_a_number", "counts as missing; correct the cell"))


_REMEDIES: Final = {
    "below_detection": "below the detection limit: status goes by the limit",
    "above_limit": "beyond the upper limit: status goes by the limit",
    "approximate": "taken as it stands; remove the mark if it is exact",
    "text_with_number": "taken without its mark; check what the mark means",
    "range_of_values": "a range is not a value and counts as missing; write one number",
    "unit_in_cell": "taken, the unit fits the column; write the number alone",
}


def _same_unit(found: str, unit: str, column: Column) -> bool:
    if not column.is_concentration:
        return found.rstrip("s") in {unit.lower().rstrip("s"), {"%": "%", "year": "y"}.get(unit, "")}
    try:
        return conversion_factor(column.name, found, unit) == 1.0
    except UnitError:
        return False


def _apply_bounds(values: NDArray[np.generic], column: Column, decoded: Decoded) -> None:
    low, high = column.bounds
    numbers = values.astype(np.float64, copy=False)
    with np.errstate(invalid="ignore"):
        outside = np.flatnonzero((numbers < low) | (numbers > high))
    for row in outside:
        decoded.flags.append(
            (int(row), "out_of_bounds", f"must be {low:g} to {high:g} {column.unit}".strip())
        )
        numbers[row] = np.nan
        if decoded.lower is not None and decoded.upper is not None:
            decoded.lower[row] = decoded.upper[row] = np.nan


def decode_codes(
    cells: pd.Series, column: Column, codes: dict[str, tuple[str, ...]], missing: frozenset[str]
) -> Decoded:
    """Canonical codes.

    Parameters
    ----------
    cells : Series of str, one row a patient row
        Text as read.
    column : Column
        Canonical column with its codes and their usual spellings.
    codes : dict
        Spellings that the map declares, by canonical code; they come before the usual ones.
    missing : frozenset of str
        Words that mean missing, in lower case.

    Returns
    -------
    Decoded
        Codes as text, None where there is none, and flags for unknown words and for several spellings of one code.
    """
    text, is_missing = clean(cells, missing)
    meaning = {fold(code): code for code in column.codes}
    meaning |= {fold(alias): code for code, aliases in column.codes.items() for alias in aliases}
    meaning |= {fold(word): code for code, words in codes.items() for word in words}
    levels = {word: meaning.get(fold(whole_number(word))) for word in text[~is_missing].unique()}
    values = np.array([None if m else levels[t] for t, m in zip(text, is_missing, strict=True)], dtype=object)
    decoded = Decoded(values)
    known = ", ".join(column.codes)
    for row in np.flatnonzero(np.equal(values, None) & ~is_missing):
        decoded.flags.append(
            (int(row), "invalid_code", f"must be one of {known}; or declare it under 'codes:' in the map")
        )
    _flag_spellings(text, values, decoded)
    return decoded


def whole_number(text: str) -> str:
    """A code that a program wrote as a decimal number, as a person would.

    Parameters
    ----------
    text : str
        A code.

    Returns
    -------
    str
        Without a fraction of zeros.

    Examples
    --------
    >>> whole_number("2.00"), whole_number("2.5")
    ('2', '2.5')
    """
    return re.sub(r"(?<=\d)\.0+$", "", text)


def _flag_spellings(text: pd.Series, values: NDArray[np.generic], decoded: Decoded) -> None:
    """Only a second spelling in the same column is worth a word; the commonest is the column's own."""
    spellings: dict[object, dict[str, int]] = {}
    for word, code in zip(text, values, strict=True):
        if code is not None:
            counts = spellings.setdefault(code, {})
            counts[word] = counts.get(word, 0) + 1
    main = {code: max(counts, key=lambda w: counts[w]) for code, counts in spellings.items()}
    for row, (word, code) in enumerate(zip(text, values, strict=True)):
        if code is not None and word != main[code]:
            decoded.flags.append((row, "spelling", f"read as {code}, like {main[code]!r}"))


def decode_dates(
    cells: pd.Series, order: str | None, missing: frozenset[str], today: dt.date
) -> tuple[Decoded, str | None]:
    """Calendar dates.

    Parameters
    ----------
    cells : Series of str, one row a patient row
        Text as read.
    order : str or None
        ``day-first``, ``month-first`` or ``iso`` as declared; None lets the column decide, when it can.
    missing : frozenset of str
        Words that mean missing, in lower case.
    today : date
        Later dates are flagged.

    Returns
    -------
    tuple of Decoded and str or None
        Dates as datetime64[D], and what is wrong with the column as a whole, if anything.
    """
    text, is_missing = clean(cells, missing)
    fault = None
    figures = [m for t in text[~is_missing] if (m := _FIGURE_DATE.fullmatch(t))]
    if figures and order is None:
        first, second = max(int(m[1]) for m in figures), max(int(m[2]) for m in figures)
        if first > 12 and second > 12:
            fault = "dates in several formats, day first and month first; give each date as YYYY-MM-DD"
        elif first <= 12 and second <= 12:
            fault = "day or month first? Say so in the map, dates: {order: day-first} or month-first; or write YYYY-MM-DD"
        order = "day-first" if first > 12 else "month-first"
    values = np.full(len(text), np.datetime64("NaT", "D"))
    decoded = Decoded(values)
    for row in np.flatnonzero(~is_missing):
        date = _parse_date(str(text.iloc[row]), order)
        if date is None or date.year < 1900 or (date.year == 1900 and date.month == 1):
            decoded.flags.append(
                (int(row), "invalid_date", "not a possible date, counts as missing; write YYYY-MM-DD")
            )
        elif date > today:
            decoded.flags.append(
                (int(row), "future_date", "in the future, counts as missing; correct the year")
            )
        else:
            values[row] = np.datetime64(date, "D")
    return decoded, fault


_ISO_DATE: Final = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?)?")
_FIGURE_DATE: Final = re.compile(r"(\d{1,2})[./-](\d{1,2})[./-](\d{4}|\d{2})")
_WORD_DATE: Final = re.compile(r"(\d{1,2})[ -]?([A-Za-z]{3})[a-z]*[ -,]*(\d{4}|\d{2})")


def _parse_date(text: str, order: str | None) -> dt.date | None:
    if m := _ISO_DATE.fullmatch(text):
        year, month, day = int(m[1]), int(m[2]), int(m[3])
    elif m := _WORD_DATE.fullmatch(text):
        day, month, year = int(m[1]), _MONTHS.get(m[2].lower(), 0), _full_year(m[3])
    elif (m := _FIGURE_DATE.fullmatch(text)) and order != "iso":
        first, second, year = int(m[1]), int(m[2]), _full_year(m[3])
        day, month = (first, second) if order == "day-first" else (second, first)
    else:
        return None
    try:
        return dt.date(year, month, day)
    except ValueError:
        return None


def _full_year(text: str) -> int:
    year = int(text)
    if len(text) == 4:
        return year
    return 2000 + year if year < 69 else 1900 + year
