"""Columns whose meaning as a whole is in doubt: unit, decimal mark, months for years.

Scoring sixty patients wrongly is worse than scoring none, so these stop the column. Nothing is
converted here: the check only says what the figures would fit.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from igfstrat.errors import Problem, Severity
from igfstrat.schema import Column
from igfstrat.units import MOLAR_MASS_KDA, conversion_factor

# from this share on it is no longer a few odd patients
_SHARE: Final = 0.05
# log-SD of IGF-1 in adults of all ages is about 0.45; a mixture of two units goes far beyond
_LOG_SD_OF_A_MIXTURE: Final = 0.7
_FEW: Final = 3


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
    better = _better_unit(values, column, unit, low, high)
    if better is None:
        return None
    other, n = better
    median = float(np.median(values))
    share = f"{n} of {len(values)} values fit {other}, not {unit} (median {median:.4g})"
    remedy = f"the unit is in doubt: {share}; state the unit in a cohort map, or correct the values that are in another unit"
    return Problem(code="unit", severity=Severity.ERROR, column=column.header, remedy=remedy)


def _better_unit(
    values: NDArray[np.float64], column: Column, unit: str, low: float, high: float
) -> tuple[str, int] | None:
    odd = (values < low) | (values > high)
    candidates = ["ng/mL", "mg/L", *(["nmol/L"] if column.name in MOLAR_MASS_KDA else [])]
    for other in candidates:
        factor = conversion_factor(column.name, other, unit)
        fits = odd & (values * factor >= low) & (values * factor <= high)
        n = int(fits.sum())
        whole = n > 0.5 * len(values)
        mixed = n >= max(_FEW, _SHARE * len(values)) and float(np.std(np.log(values))) > _LOG_SD_OF_A_MIXTURE
        if factor != 1.0 and (whole or mixed):
            return other, n
    return None


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
    candidates = ["ng/mL", "mg/L", *(["nmol/L"] if column.name in MOLAR_MASS_KDA else [])]
    fits = [u for u in candidates if low <= median * conversion_factor(column.name, u, column.unit) <= high]
    return fits[0] if len(fits) == 1 else None


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


def check_decimal_mark(text: pd.Series, header: str, decimal: str) -> Problem | None:
    """Whether a numeric column keeps to one decimal mark, the declared one.

    Parameters
    ----------
    text : Series of str, one row a patient row
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
    stripped = text.str.strip()
    commas = int(stripped.str.fullmatch(r"[-+<>~]?\s*\d+,\d+").sum())
    points = int(stripped.str.fullmatch(r"[-+<>~]?\s*\d+\.\d+").sum())
    wrong = commas if decimal == "." else 0
    if not wrong and not (decimal == "," and points and commas):
        return None
    both = (
        f"decimal commas in {commas} cells and decimal points in {points}"
        if points
        else f"decimal commas in {commas} cells"
    )
    remedy = f'{both}; write one decimal mark, or declare it in a cohort map, file: {{decimal: ","}}'
    return Problem(code="decimal", severity=Severity.ERROR, column=header, remedy=remedy)
