"""Concentrations of the IGF axis and the time units of follow-up, converted by analyte.

A molar concentration needs the mass of its molecule, so every conversion names the analyte. No
conversion between assays lives here or anywhere else: values of two assays are not the same
quantity (evidence E-a-01, E-a-23).
"""

from __future__ import annotations

import re
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from igfstrat.errors import DomainError, UnitError

# kDa. IGF-1: 70 amino acids, 7.649 kDa. IGFBP3: the core protein; published conventions run from
# 28.5 to 30.5 kDa, and 45 kDa glycosylated (evidence E-u-01, E-u-02), so it can be set.
MOLAR_MASS_KDA: Final[dict[str, float]] = {"igf1": 7.649, "igfbp3": 28.5}

# factor to ng/mL
_MASS_UNITS: Final[dict[str, float]] = {
    "pg/mL": 1e-3,
    "ng/mL": 1.0,
    "ug/L": 1.0,
    "ug/mL": 1e3,
    "mg/L": 1e3,
}
# factor to nmol/L
_MOLAR_UNITS: Final[dict[str, float]] = {"pmol/L": 1e-3, "nmol/L": 1.0}

UNIT_OF_SUFFIX: Final[dict[str, str]] = {
    unit.replace("/", "_").lower(): unit for unit in (*_MASS_UNITS, *_MOLAR_UNITS)
}

# One year is 365.25 days and one month a twelfth of it, so that 12 months are 1 year exactly.
DAYS_PER: Final[dict[str, float]] = {"days": 1.0, "months": 365.25 / 12, "years": 365.25}


def parse_unit(text: str) -> str:
    """Spell a concentration unit in the one form used here.

    Parameters
    ----------
    text : str
        A unit as people write it: ``ng/ml``, ``µg/L``, ``mcg/l``, ``nM``.

    Returns
    -------
    str
        One of ``pg/mL ng/mL ug/L ug/mL mg/L pmol/L nmol/L``.

    Raises
    ------
    UnitError
        If the unit is none of these.

    Examples
    --------
    >>> parse_unit("µg/ml"), parse_unit("nmol/l")
    ('ug/mL', 'nmol/L')
    """
    folded = re.sub(r"\s+", "", text).replace("µ", "u").replace("μ", "u").lower()
    folded = folded.replace("mcg", "ug")
    folded = {"nm": "nmol/l", "pm": "pmol/l"}.get(folded, folded)
    for unit in (*_MASS_UNITS, *_MOLAR_UNITS):
        if unit.lower() == folded:
            return unit
    known = ", ".join((*_MASS_UNITS, *_MOLAR_UNITS))
    message = f"unit {text!r} is not known here; write one of {known}"
    raise UnitError(message)


def conversion_factor(analyte: str, unit: str, to: str, *, molar_mass_kda: float | None = None) -> float:
    """The number by which a concentration is multiplied to change its unit.

    Parameters
    ----------
    analyte : str
        Canonical name, such as ``"igf1"``. Only needed for its mass.
    unit, to : str
        Units as `parse_unit` accepts them.
    molar_mass_kda : float, optional
        Mass in kDa, > 0; by default that of `MOLAR_MASS_KDA`.

    Returns
    -------
    float
        ``value [to] = factor * value [unit]``.

    Raises
    ------
    UnitError
        If a unit is unknown, or a molar unit is asked of an analyte whose mass is not known.
    DomainError
        If the mass is not positive and finite.

    Examples
    --------
    >>> round(conversion_factor("igf1", "nmol/L", "ng/mL"), 3)
    7.649
    """
    source, target = parse_unit(unit), parse_unit(to)
    if molar_mass_kda is not None and not 0 < molar_mass_kda < float("inf"):
        message = f"molar_mass_kda must be > 0 and finite, but was {molar_mass_kda}"
        raise DomainError(message)
    if (source in _MASS_UNITS) == (target in _MASS_UNITS):
        table = _MASS_UNITS if source in _MASS_UNITS else _MOLAR_UNITS
        return table[source] / table[target]
    mass = molar_mass_kda if molar_mass_kda is not None else MOLAR_MASS_KDA.get(analyte)
    if mass is None:
        known = ", ".join(MOLAR_MASS_KDA)
        message = f"{analyte} from {source} to {target} needs its molar mass, which is known for {known} only"
        raise UnitError(message)
    if source in _MOLAR_UNITS:
        return _MOLAR_UNITS[source] * mass / _MASS_UNITS[target]
    return _MASS_UNITS[source] / mass / _MOLAR_UNITS[target]


def convert_concentration(
    value: ArrayLike, *, analyte: str, unit: str, to: str, molar_mass_kda: float | None = None
) -> NDArray[np.float64]:
    """Concentrations in another unit.

    Parameters
    ----------
    value : array-like of float, shape (n,) or ()
        Concentrations in `unit`; NaN means not measured and stays NaN.
    analyte : str
        Canonical name, such as ``"igf1"``.
    unit, to : str
        Units as `parse_unit` accepts them.
    molar_mass_kda : float, optional
        Mass in kDa, > 0; by default that of `MOLAR_MASS_KDA`.

    Returns
    -------
    ndarray of float64, shape (n,) or ()
        Concentrations in `to`.

    Examples
    --------
    >>> convert_concentration([20.0], analyte="igf1", unit="nmol/L", to="ng/mL")
    array([152.98])
    """
    factor = conversion_factor(analyte, unit, to, molar_mass_kda=molar_mass_kda)
    return np.asarray(value, dtype=np.float64) * factor


def convert_time(value: ArrayLike, *, unit: str, to: str) -> NDArray[np.float64]:
    """Follow-up times in another unit.

    Parameters
    ----------
    value : array-like of float, shape (n,) or ()
        Times in `unit`; NaN stays NaN.
    unit, to : str
        ``days``, ``months`` (30.4375 days) or ``years`` (365.25 days).

    Returns
    -------
    ndarray of float64, shape (n,) or ()
        Times in `to`.

    Raises
    ------
    UnitError
        If a unit is none of the three.

    Examples
    --------
    >>> float(convert_time(12.0, unit="months", to="years"))
    1.0
    """
    for name in (unit, to):
        if name not in DAYS_PER:
            message = f"time unit {name!r} is not known here; write one of {', '.join(DAYS_PER)}"
            raise UnitError(message)
    values = np.asarray(value, dtype=np.float64)
    if unit == to:
        return values.copy()
    return values * DAYS_PER[unit] / DAYS_PER[to]
