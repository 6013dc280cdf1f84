"""Single numbers that are probably not what they seem: a code for missing, a value in another unit.

Where a whole column is in doubt `plausibility` stops it; here one cell is, and its row is flagged.
The thresholds are conventions.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from igfstrat.schema import Column
from igfstrat.units import MOLAR_MASS_KDA, conversion_factor

_CODES: Final = (-9.0, -99.0, -999.0, -9999.0, -8.0, -88.0, -888.0, 999.0, 9999.0, 99999.0, 888.0, 8888.0)
# a code for missing stands apart: by this factor from all that was measured
_APART: Final = 1.5
_APART_UNBOUNDED: Final = 3.0
_OTHERS: Final = 5
# spread that a column of logarithms has at the least, so that a narrow column doesn't make everyone an outlier
_LEAST_LOG_SD: Final = 0.35
_FAR: Final = 3.0
_NEAR: Final = 2.0
_ENOUGH: Final = 10
# rows that are looked at together, so that a long column takes little memory beside its own
_BLOCK: Final = 1 << 20


def find_sentinels(raw: NDArray[np.float64], column: Column) -> NDArray[np.intp]:
    """Cells that hold a usual code for missing, such as -9 or 999, instead of a measurement.

    Parameters
    ----------
    raw : ndarray of float64, shape (n_rows,)
        Figures as written, in the unit of the column; NaN where there is none.
    column : Column
        Its bounds tell a code from a value.

    Returns
    -------
    ndarray of intp, shape (n_found,)
        Rows whose figure is such a code and is out of the bounds, or stands far apart from all others.

    Examples
    --------
    >>> from igfstrat.schema import COLUMNS
    >>> find_sentinels(np.array([110.0, 95.0, 180.0, 999.0, 140.0, 160.0]), COLUMNS["igf1"])
    array([3])
    """
    is_code = np.isin(raw, _CODES)
    if not is_code.any():
        return np.array([], dtype=np.intp)
    low, high = column.bounds
    outside = (raw < low) | (raw > high)
    others = np.abs(raw[np.isfinite(raw) & ~is_code])
    if len(others) < _OTHERS:
        return np.flatnonzero(is_code & outside)
    factor = _APART_UNBOUNDED if low == -np.inf == -high else _APART
    apart = np.abs(raw) > factor * others.max()
    if low > 0:
        apart |= np.abs(raw) < others.min() / factor
    return np.flatnonzero(is_code & (outside | apart))


def find_other_unit(raw: NDArray[np.float64], column: Column, unit: str) -> list[tuple[int, str, float]]:
    """Single concentrations that only fit another unit.

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
    list of tuple
        Row, the unit that fits and the value in the canonical unit if it holds: figures outside the usual range, or
        more than three standard deviations from the column's own median on the log scale (at least 0.35), which the
        other unit would bring back within two.

    Examples
    --------
    >>> from igfstrat.schema import COLUMNS
    >>> values = np.array([110.0, 95, 180, 20, 140, 160, 150, 130, 120, 170, 125])
    >>> find_other_unit(values, COLUMNS["igf1"], "ng/mL")
    [(3, 'nmol/L', 152.98)]
    """
    usable = np.isfinite(raw) & (raw > 0)
    if column.usual is None or not usable.any():
        return []
    factor = conversion_factor(column.name, unit, column.unit)
    others = [(other, conversion_factor(column.name, other, unit)) for other in other_units(column, unit)]
    scale = _scale(raw[usable] * factor) if usable.sum() >= _ENOUGH else None
    found: dict[int, tuple[int, str, float]] = {}
    for start in range(0, len(raw), _BLOCK):
        rows = start + np.flatnonzero(usable[start : start + _BLOCK])
        canonical = raw[rows] * factor
        for other, change in others:
            moved = canonical * change
            for i in np.flatnonzero(_fits_better(canonical, moved, column.usual, scale)):
                row = int(rows[i])
                found.setdefault(row, (row, other, round(float(moved[i]), 6)))
    return [found[row] for row in sorted(found)]


def _fits_better(
    canonical: NDArray[np.float64], moved: NDArray[np.float64], usual: tuple[float, float],
    scale: tuple[float, float] | None,
) -> NDArray[np.bool_]:  # fmt: skip
    """Where another unit brings a figure back among the others."""
    low, high = usual
    fits = (moved >= low) & (moved <= high)
    odd = (canonical < low) | (canonical > high)
    if scale is not None:
        here, there = (np.abs(np.log(values) - scale[0]) / scale[1] for values in (canonical, moved))
        fits &= there < _NEAR
        odd = (odd | (here > _FAR)) & (here > there)
    return np.asarray(fits & odd, dtype=bool)


def other_units(column: Column, unit: str) -> list[str]:
    """Units in which a concentration is often reported, without the stated one and its equals.

    Parameters
    ----------
    column : Column
        A concentration.
    unit : str
        The stated unit.

    Returns
    -------
    list of str
        Of ng/mL, mg/L and, where its mass is known, nmol/L.
    """
    candidates = ["ng/mL", "mg/L", *(["nmol/L"] if column.name in MOLAR_MASS_KDA else [])]
    return [other for other in candidates if conversion_factor(column.name, other, unit) != 1.0]


def _scale(column: NDArray[np.float64]) -> tuple[float, float]:
    """Median of a column and its robust standard deviation, on the log scale."""
    logs = np.log(column)
    center = float(np.median(logs))
    logs -= center
    return center, max(1.4826 * float(np.median(np.abs(logs, out=logs))), _LEAST_LOG_SD)
