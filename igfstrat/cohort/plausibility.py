"""Columns whose meaning as a whole is in doubt: unit, decimal mark, months for years.

Scoring sixty patients wrongly is worse than scoring none, so these stop the column. Nothing is
converted here: the check only says what the figures would fit.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from igfstrat.cohort.cell_doubts import other_units
from igfstrat.cohort.sheet import TextColumn
from igfstrat.errors import Problem, Severity
from igfstrat.schema import Column
from igfstrat.units import DAYS_PER, conversion_factor

# from this share on it is no longer a few odd patients
_SHARE: Final = 0.05
# log-SD of IGF-1 in adults of all ages is about 0.45; a mixture of two units goes far beyond
_LOG_SD_OF_A_MIXTURE: Final = 0.7
_FEW: Final = 3
# cells of text that hold a number nevertheless
_WITH_NUMBER: Final = frozenset(
    {"below_detection", "above_limit", "approximate", "text_with_number", "unit_in_cell"}
)
# two groups this much tighter than the whole, as far apart as two units, are two units
_TIGHTER: Final = 0.25
_AS_FAR: Final = 0.35
# nobody's cohort is followed for thirty years at the median
_LONGEST_MEDIAN_MONTHS: Final = 360
_ENOUGH: Final = 5
_SAME_RATIO: Final = 1.2
# values that are looked at together, so that a long column takes little memory beside its own
_BLOCK: Final = 1 << 18
DECIMAL_COMMA: Final = r"[-+<>~]?\s*\d+,\d+"
DECIMAL_POINT: Final = r"[-+<>~]?\s*\d+\.\d+"


def check_unit(raw: NDArray[np.float64], column: Column, unit: str) -> Problem | None:
    """Whether the figures of a concentration fit the unit that was stated.

    Parameters
    ----------
    raw : ndarray of float64, shape (n_rows,)
        Figures as written; NaN where there is none.
    column : Column
        A concentration with a usual range.
    unit : str
        The stated unit.

    Returns
    -------
    Problem or None
        An error when the column as a whole, or a sizeable part of it, fits another unit better.
    """
    values = raw[np.isfinite(raw) & (raw > 0)]
    if column.usual is None or len(values) == 0:
        return None
    low, high = (bound * conversion_factor(column.name, column.unit, unit) for bound in column.usual)
    factors = {other: conversion_factor(column.name, other, unit) for other in other_units(column, unit)}
    fitting = {other: _n_fitting(values, factor, low, high) for other, factor in factors.items()}
    # the array of a long column is used again for what is looked at next
    values.sort()
    middle = len(values) // 2
    median = float(values[middle - 1 + len(values) % 2 : middle + 1].mean())
    better = _better_unit(np.log(values, out=values), factors, fitting)
    if better is None:
        return None
    other, n = better
    share = f"{n} of {len(values)} values fit {other}, not {unit} (median {median:.4g})"
    remedy = f"the unit is in doubt: {share}; state the unit in a cohort map, or correct the values that are in another unit"
    return Problem(code="unit", severity=Severity.ERROR, column=column.header, remedy=remedy)


def _n_fitting(values: NDArray[np.float64], factor: float, low: float, high: float) -> int:
    """How many values lie outside a range, and within it in the other unit."""
    n = 0
    for start in range(0, len(values), _BLOCK):
        here = values[start : start + _BLOCK]
        moved = here * factor
        n += int((((here < low) | (here > high)) & (moved >= low) & (moved <= high)).sum())
    return n


def _better_unit(
    logs: NDArray[np.float64], factors: dict[str, float], fitting: dict[str, int]
) -> tuple[str, int] | None:
    """By logarithms in rising order."""
    split, spread = _two_groups(logs), float(np.std(logs))
    for other, factor in factors.items():
        n = fitting[other]
        whole = n > 0.5 * len(logs)
        mixed = n >= max(_FEW, _SHARE * len(logs)) and spread > _LOG_SD_OF_A_MIXTURE
        if whole or mixed:
            return other, n
        n = _n_in_other_group(split, len(logs), float(np.log(factor)))
        if n:
            return other, n
    return None


def _two_groups(ordered: NDArray[np.float64]) -> tuple[int, float] | None:
    """Size of the lower of two tight groups, and how far they lie apart; None where there are no two."""
    n = len(ordered)
    if n < 2 * _FEW or ordered[0] == ordered[-1]:
        return None
    # the split that explains most of the variance, as k-means with two groups would find it; by the mean of the lower
    # group, its distance b from the whole: that is n b² k / (n - k) for k values below
    whole, total = float(ordered.mean()), 0.0
    n_below, distance, most = 0, 0.0, -1.0
    for start in range(0, n - 1, _BLOCK):
        sums = ordered[start : min(start + _BLOCK, n - 1)].copy()
        sums[0] += total
        np.cumsum(sums, out=sums)
        total = float(sums[-1])
        sizes = np.arange(start + 1, start + len(sums) + 1, dtype=np.float64)
        below = sums / sizes - whole
        explained = below * below * sizes / (n - sizes)
        at = int(explained.argmax())
        if explained[at] > most:
            n_below, distance, most = start + at + 1, float(below[at]), float(explained[at])
    left = 1 - n * most / (n * float(np.var(ordered)))
    return (n_below, -distance * n / (n - n_below)) if left < _TIGHTER else None


def _n_in_other_group(split: tuple[int, float] | None, n: int, shift: float) -> int:
    """How many values form a second group that lies from the first as one unit from another; else 0."""
    if split is None or abs(split[1] - abs(shift)) >= _AS_FAR:
        return 0
    n_other = split[0] if shift > 0 else n - split[0]
    return n_other if n_other >= max(_FEW, _SHARE * n) else 0


def guess_unit(raw: NDArray[np.float64], column: Column) -> str | None:
    """The unit that the median of a concentration fits, for a question to the user.

    Parameters
    ----------
    raw : ndarray of float64, shape (n_rows,)
        Figures as written; NaN where there is none.
    column : Column
        A concentration with a usual range.

    Returns
    -------
    str or None
        A unit that would put the median into the usual range; None if none or several would.
    """
    values = raw[np.isfinite(raw) & (raw > 0)]
    if column.usual is None or len(values) == 0:
        return None
    median = float(np.median(values))
    low, high = column.usual
    candidates = [column.unit, *other_units(column, column.unit)]
    fits = [u for u in candidates if low <= median * conversion_factor(column.name, u, column.unit) <= high]
    return fits[0] if len(fits) == 1 else None


def question_of_unit(raw: NDArray[np.float64], column: Column) -> Problem:
    """What is asked of a concentration without a unit.

    Parameters
    ----------
    raw : ndarray of float64, shape (n_rows,)
        Figures as written; NaN where there is none.
    column : Column
        A concentration.

    Returns
    -------
    Problem
        With the unit that would fit, where one does.
    """
    guess = guess_unit(raw, column)
    fits = f"; the median fits {guess}" if guess else ""
    how = f"{column.name}: {{column: …, unit: {guess or 'ng/mL'}}}"
    remedy = f"unit not stated{fits}; say it in the map: {how}"
    return Problem(code="unit", severity=Severity.ERROR, column=column.header, remedy=remedy)


def check_text(
    flags: Iterable[tuple[str, str, int]], numbers: NDArray[np.float64], header: str
) -> Problem | None:
    """Whether a column that should hold numbers holds mostly text.

    Parameters
    ----------
    flags : iterable of tuple of str, str and int
        Code and remedy of what was noticed of cells, and of how many.
    numbers : ndarray of float64, shape (n_rows,)
        Plain numbers as written; NaN where there is none.
    header : str
        Canonical header, for the message.

    Returns
    -------
    Problem or None
        An error where most filled cells hold no number of any kind.

    Examples
    --------
    >>> text = [("not_a_number", "counts as missing; correct the cell", 30)]
    >>> check_text(text, np.ones(12), "igf1_ng_ml").remedy
    '30 cells hold no number and 12 do: is this the right column? If it is, correct the cell'
    >>> check_text(text, np.ones(31), "igf1_ng_ml") is None
    True
    """
    ways_out: Counter[str] = Counter()
    n_numbers = int(np.isfinite(numbers).sum())
    for code, remedy, n in flags:
        if code == "not_a_number":
            ways_out[remedy.partition("; ")[2]] += n
        elif code in _WITH_NUMBER:
            n_numbers += n
    n_texts = ways_out.total()
    if n_texts <= max(_FEW, n_numbers):
        return None
    way_out = max(sorted(ways_out), key=ways_out.__getitem__)
    remedy = (
        f"{n_texts} cells hold no number and {n_numbers} do: is this the right column? If it is, {way_out}"
    )
    return Problem(code="not_a_number", severity=Severity.ERROR, column=header, remedy=remedy)


def check_age(years: NDArray[np.float64]) -> Problem | None:
    """Whether an age column can be in years.

    Parameters
    ----------
    years : ndarray of float64, shape (n_rows,)
        Ages as written; NaN where there is none.

    Returns
    -------
    Problem or None
        An error when a sizeable part lies above 120.
    """
    values = years[np.isfinite(years)]
    n = int((values > 120).sum())
    if n < max(2, _SHARE * len(values)):
        return None
    fits = "months" if np.median(values) < 1500 else "days"
    remedy = f"{n} of {len(values)} ages are outside the range 0–120 years; they look like {fits}: give ages in years"
    return Problem(code="unit", severity=Severity.ERROR, column="age_years", remedy=remedy)


def check_times(months: NDArray[np.float64], unit: str) -> str | None:
    """Whether a column of times can be in its unit.

    Parameters
    ----------
    months : ndarray of float64, shape (n_rows,)
        Times as months; NaN where there is none.
    unit : str
        The stated unit: ``days``, ``months`` or ``years``.

    Returns
    -------
    str or None
        What is wrong when the median lies beyond thirty years.

    Examples
    --------
    >>> check_times(np.array([400.0, 900, 1100, 380, 500]), "months")
    'half of the times are beyond 500 months (42 years); do they count days?'
    """
    known = months[np.isfinite(months)]
    if len(known) < _ENOUGH or unit == "days":
        return None
    median = float(np.median(known, overwrite_input=True))
    if median <= _LONGEST_MEDIAN_MONTHS:
        return None
    shown = median * DAYS_PER["months"] / DAYS_PER[unit]
    other = "days" if unit == "months" else "months"
    return (
        f"half of the times are beyond {shown:.0f} {unit} ({median / 12:.0f} years); do they count {other}?"
    )


def check_times_by_dates(months: NDArray[np.float64], by_dates: NDArray[np.float64], unit: str) -> str | None:
    """Whether times agree in their unit with the dates of the same, censored patients.

    Parameters
    ----------
    months : ndarray of float64, shape (n_censored,)
        Times as months.
    by_dates : ndarray of float64, shape (n_censored,)
        Months between the first and the last date; NaN where one is missing.
    unit : str
        The stated unit.

    Returns
    -------
    str or None
        What is wrong when the typical ratio of the two is that of two units.
    """
    known = np.isfinite(months) & np.isfinite(by_dates) & (months > 0) & (by_dates > 0)
    if known.sum() < _ENOUGH:
        return None
    ratio = float(np.median(by_dates[known] / months[known]))
    for other, days in DAYS_PER.items():
        expected = days / DAYS_PER[unit]
        if other != unit and 1 / _SAME_RATIO < ratio / expected < _SAME_RATIO:
            return f"by the dates of the same patients these times count {other}, not {unit}"
    return None


def check_decimal_mark(text: TextColumn | pd.Series, header: str, decimal: str) -> Problem | None:
    """Whether a numeric column keeps to one decimal mark, the declared one.

    Parameters
    ----------
    text : TextColumn, or Series of str, one row a patient row
        Cells as read.
    header : str
        Canonical header, for the message.
    decimal : str
        Declared decimal mark.

    Returns
    -------
    Problem or None
        An error when the other mark occurs.
    """
    column = TextColumn.of(text)
    counts = np.bincount(column.which, minlength=len(column.words))
    commas, points = (
        sum(
            int(n)
            for word, n in zip(column.words, counts, strict=True)
            if mark in word and re.fullmatch(pattern, word.strip())
        )
        for mark, pattern in ((",", DECIMAL_COMMA), (".", DECIMAL_POINT))
    )
    return judge_decimal_marks(commas, points, header, decimal)


def judge_decimal_marks(commas: int, points: int, header: str, decimal: str) -> Problem | None:
    """Whether the decimal marks of a column are the declared one.

    Parameters
    ----------
    commas, points : int
        Cells with a decimal comma, and with a decimal point.
    header : str
        Canonical header, for the message.
    decimal : str
        Declared decimal mark.

    Returns
    -------
    Problem or None
        An error when the other mark occurs.

    Examples
    --------
    >>> judge_decimal_marks(0, 7, "age_years", ".") is None, judge_decimal_marks(1, 7, "age_years", ".") is None
    (True, False)
    """
    wrong = commas if decimal == "." else 0
    if not wrong and not (decimal == "," and points and commas):
        return None
    both = (
        f"decimal commas in {commas} cells and decimal points in {points}"
        if points
        else f"decimal commas in {commas} cells"
    )
    remedy = f'{both}; write one decimal mark and none between thousands, or declare it in a cohort map, file: {{decimal: ","}}'
    return Problem(code="decimal", severity=Severity.ERROR, column=header, remedy=remedy)
