"""From the text of a cell to a number, with every doubt named.

A number is taken only when the whole cell is one. What people write beside numbers (`<25`, `~140`,
`120*`, `150 ng/mL`, `110-130`, `ND`) is recognised by kind, so that each gets its own flag; nothing
unrecognised ever becomes a value. Values beyond a detection limit become an interval.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from igfstrat.cohort.cell_doubts import find_sentinels
from igfstrat.cohort.sheet import TextColumn
from igfstrat.errors import UnitError
from igfstrat.schema import Column
from igfstrat.units import MOLAR_MASS_KDA, conversion_factor

MISSING_WORDS: Final = frozenset({"", "na", "n/a", "nan", "null", "none", "#n/a"})
_MISSING_SYMBOLS: Final = frozenset(
    {".", "-", "--", "?", "*", "n/d", "nd.", "unknown", "unk", "missing", "x"}
)
_BELOW_WORDS: Final = frozenset(
    {"nd", "blq", "lod", "<lod", "<lloq", "<loq", "bdl", "not detected", "undetectable"}
)
FIGURE: Final = r"[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:e[-+]?[0-9]+)?"
_WHOLE_FIGURE: Final = re.compile(FIGURE, re.IGNORECASE)
_UNIT: Final = r"(?P<unit>[a-zµμ%][a-zµμ/]*)"
_PATTERNS: Final = tuple(
    (kind, re.compile(pattern.replace("FIGURE", f"(?P<number>{FIGURE})")))
    for kind, pattern in (
        ("below_detection", rf"(?:<=|<|≤|＜)\s*FIGURE\s*{_UNIT}?"),
        ("above_limit", rf"(?:>=|>|≥|＞)\s*FIGURE\s*{_UNIT}?"),
        ("approximate", r"(?:~|≈|ca\.?|c\.|approx\.?)\s*FIGURE"),
        ("text_with_number", r"FIGURE\s*(?:\*+|†|#|\(?[hl]\)?)"),
        ("range_of_values", rf"FIGURE\s*(?:-|–|to)\s*{FIGURE}"),
        ("unit_in_cell", rf"FIGURE\s*{_UNIT}"),
    )
)

_EXCEL_DATE: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?: [0-9:]+)?|[0-9]{1,2}[- ](?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*"
    r"|(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*[- ][0-9]{1,4}",
    re.IGNORECASE,
)
EXCEL_DATE: Final = "a date, as spreadsheet programs make one of 2-3 or 1/2"

# thousands apart by a space of any width, an apostrophe or a comma: 3 200, 3'200, 3,200
_GROUPED: Final = re.compile(r"[-+]?[0-9]{1,3}(?:[\s\u2019',][0-9]{3})+(?:\.[0-9]+)?")

# a convention: from this share on, means and models rest more on what was put in than on what was measured
_MANY_BEYOND: Final = 0.15
_SUBSTITUTED: Final = {
    "half": "holds half the limit below it and nothing above it, and means and models rest on that choice",
    "limit": "holds the limit itself, and means and models rest on that choice",
    "missing": "leaves them out, and means and models know only what lies between the limits",
}
# a model that declares it takes the limits themselves, whatever the column of numbers holds (models/censored_normal)
_UNLESS: Final = ", but for a model whose plan names the predictor under imputation: {censored_normal: …}"


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
    notices : list of tuple
        Code and text of what holds for the column as a whole.
    """

    values: NDArray[Any]
    flags: list[tuple[int, str, str]] = field(default_factory=list)
    lower: NDArray[np.float64] | None = None
    upper: NDArray[np.float64] | None = None
    notices: list[tuple[str, str]] = field(default_factory=list)


def clean(cells: TextColumn | pd.Series, missing: frozenset[str]) -> tuple[pd.Series, NDArray[np.bool_]]:
    """Cells without surrounding space, and which of them hold nothing.

    Parameters
    ----------
    cells : TextColumn, or Series of str, one row a patient row
        Text as read.
    missing : frozenset of str
        Words that the map declares as missing, in lower case.

    Returns
    -------
    tuple of Series and ndarray of bool, shape (n_rows,)
        The stripped text, and True where it means missing.
    """
    text, is_missing = clean_words(cells, missing)
    index = cells.index if isinstance(cells, pd.Series) else None
    return pd.Series(text.text, index=index, dtype=object), is_missing[text.which]


def clean_words(
    cells: TextColumn | pd.Series, missing: frozenset[str]
) -> tuple[TextColumn, NDArray[np.bool_]]:
    """Cells without surrounding space, each different one once, and which of these hold nothing.

    Parameters
    ----------
    cells : TextColumn, or Series of str, one row a patient row
        Text as read.
    missing : frozenset of str
        Words that the map declares as missing, in lower case.

    Returns
    -------
    tuple of TextColumn and ndarray of bool, shape (n_words,)
        The stripped text, and True where a word of it means missing.
    """
    source = TextColumn.of(cells)
    text = source.with_words([word.replace("\u00a0", " ").strip() for word in source.words])
    known = MISSING_WORDS | missing
    return text, np.array([word.lower() in known for word in text.words], dtype=bool)


def decode_numbers(
    cells: TextColumn | pd.Series,
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
    cells : TextColumn, or Series of str, one row a patient row
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
    # a cohort says the same few things: each is decoded once
    text, is_missing = clean_words(cells, missing)
    which = text.which
    words = [word.replace(",", ".") if decimal == "," else word for word in text.words]
    is_figure = np.array([_is_figure(word) for word in words], dtype=bool) & ~is_missing
    values = np.array([float(w) if f else np.nan for w, f in zip(words, is_figure, strict=True)])[which]
    sentinels = find_sentinels(values, column)
    found = {int(row): f"{values[row]:g}" for row in sentinels}
    values[sentinels] = np.nan
    lower, upper = values.copy(), values.copy()
    decoded = Decoded(values, lower=lower, upper=upper)
    for index, code in found.items():
        how = f"{code} is a usual code for missing and counts as missing; declare it under 'missing:' in the map"
        decoded.flags.append((index, "possible_sentinel", how))
    is_odd = ~is_figure & ~is_missing
    meanings = {
        int(i): _decode_odd(words[i].lower(), column, unit or column.unit, substitute)
        for i in np.flatnonzero(is_odd)
    }
    for row in np.flatnonzero(is_odd[which]):
        odd = meanings[int(which[row])]
        values[row], lower[row], upper[row] = odd.value, odd.lower, odd.upper
        decoded.flags.append((int(row), odd.code, odd.remedy))
    factor = conversion_factor(column.name, unit, column.unit) if column.is_concentration and unit else 1.0
    for array in (values, lower, upper):
        array *= factor
    apply_bounds(values, column, decoded)
    if np.array_equal(lower, upper, equal_nan=True):
        decoded.lower = decoded.upper = None
    else:
        note_many_beyond(lower, upper, substitute, decoded)
    return decoded


def _is_figure(text: str) -> bool:
    # the first of these says of most figures, and only of figures, what the pattern would
    is_plain = text.isascii() and text.replace(".", "", 1).isdigit()
    return is_plain or _WHOLE_FIGURE.fullmatch(text) is not None


def looks_like_excel_date(text: str) -> bool:
    """Whether a cell that should hold a number or a code holds what a spreadsheet program makes of ``2-3``.

    Parameters
    ----------
    text : str
        A cell.

    Returns
    -------
    bool
        True for ``2024-03-02``, ``2-Mar``, ``Mar-02``.

    Examples
    --------
    >>> looks_like_excel_date("2-Mar"), looks_like_excel_date("2024-03-02"), looks_like_excel_date("2-3")
    (True, True, False)
    """
    return _EXCEL_DATE.fullmatch(text.strip()) is not None


def describe_conversion(column: Column, unit: str) -> str:
    """How a unit of a source becomes the canonical one, in words for a manifest.

    Parameters
    ----------
    column : Column
        A concentration.
    unit : str
        Unit of the source.

    Returns
    -------
    str
        With the factor, and the molar mass behind it where there is one.

    Examples
    --------
    >>> from igfstrat.schema import COLUMNS
    >>> describe_conversion(COLUMNS["igf1"], "nmol/L")
    'nmol/L × 7.649 = ng/mL (7.649 kDa)'
    """
    factor = conversion_factor(column.name, unit, column.unit)
    mass = f" ({MOLAR_MASS_KDA[column.name]} kDa)" if "mol" in unit and column.name in MOLAR_MASS_KDA else ""
    return f"{unit} × {factor:g} = {column.unit}{mass}"


def note_many_beyond(
    lower: NDArray[np.float64], upper: NDArray[np.float64], substitute: str, decoded: Decoded
) -> None:
    """Say of a column that many of its values are only known to lie beyond a limit.

    Parameters
    ----------
    lower, upper : ndarray of float64, shape (n_rows,)
        Limits of each value, NaN where there is none.
    substitute : str
        What a value beyond a limit becomes: ``half``, ``limit`` or ``missing``.
    decoded : Decoded
        Gets the notice.
    """
    known = ~np.isnan(lower)
    n_known, n_beyond = int(known.sum()), int((known & (lower != upper)).sum())
    if n_beyond <= _MANY_BEYOND * n_known:
        return
    remedy = (
        f"{n_beyond} of {n_known} values ({n_beyond / n_known:.0%}) are known only to lie beyond a limit of the assay:"
        f" their status goes by the limit, or stays indeterminate; the column of numbers {_SUBSTITUTED[substitute]}{_UNLESS}"
    )
    decoded.notices.append(("many_beyond_limit", remedy))


@dataclass(frozen=True, slots=True)
class _Odd:
    """A cell that is no plain number: what it is worth, and between which limits it lies."""

    code: str
    remedy: str
    value: float = np.nan
    lower: float = np.nan
    upper: float = np.nan


def _decode_odd(text: str, column: Column, unit: str, substitute: str) -> _Odd:
    least = 0.0 if column.bounds[0] >= 0 else -np.inf
    if text in _BELOW_WORDS:
        remedy = "below the detection limit, which is not stated; write it as <limit"
        return _Odd("below_detection", remedy, lower=least)
    if text in _MISSING_SYMBOLS:
        return _Odd("missing_symbol", "counts as missing; declare it under 'missing:' in the map")
    for kind, pattern in _PATTERNS:
        match = pattern.fullmatch(text)
        if match is None:
            continue
        found = match.groupdict().get("unit")
        number = float(match["number"])
        if (found and not _same_unit(found, unit, column)) or not np.isfinite(number):
            break
        remedy = _REMEDIES[kind]
        if kind == "below_detection" and number > least:
            value = {"half": number / 2, "limit": number}.get(substitute, np.nan)
            return _Odd(kind, remedy, value, least, number)
        if kind == "above_limit":
            return _Odd(kind, remedy, number if substitute == "limit" else np.nan, number, np.inf)
        if kind == "range_of_values":
            return _Odd(kind, remedy)
        if kind != "below_detection":
            return _Odd(kind, remedy, number, number, number)
    return _Odd("not_a_number", _why_no_number(text))


def _why_no_number(text: str) -> str:
    if looks_like_excel_date(text):
        return f"{EXCEL_DATE}, and counts as missing; type it again in a cell of text"
    if _GROUPED.fullmatch(text):
        return "counts as missing; write the number without a mark or space between its thousands"
    return "counts as missing; correct the cell, or declare a word that means missing under 'missing:' in the map"


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
        return found in {unit, f"{unit}s", unit[:1]} if unit else False
    try:
        return conversion_factor(column.name, found, unit) == 1.0
    except UnitError:
        return False


def apply_bounds(values: NDArray[np.float64], column: Column, decoded: Decoded) -> None:
    """Take out what can't be; a substitute for a value beyond a limit may lie outside the bounds.

    Parameters
    ----------
    values : ndarray of float64, shape (n_rows,)
        In the unit of the column; those out of bounds become NaN.
    column : Column
        With its bounds.
    decoded : Decoded
        With its limits; it gets the flags.
    """
    assert decoded.lower is not None
    assert decoded.upper is not None
    low, high = column.bounds
    measured = decoded.lower == decoded.upper
    must = (
        f"must be {low:g} to {high:g} {column.unit}".strip()
        if np.isfinite(high)
        else "is too large to be a number"
    )
    for row in np.flatnonzero(measured & ((values < low) | (values > high) | np.isinf(values))):
        decoded.flags.append((int(row), "out_of_bounds", must))
        values[row] = decoded.lower[row] = decoded.upper[row] = np.nan
