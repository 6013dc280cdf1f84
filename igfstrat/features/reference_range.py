"""Reference distributions by age and sex: LMS tables and standard deviation scores.

The packaged table transcribes published figures for the IDS-iSYS assay in adults (IGF-1:
Bidlingmaier 2014; IGFBP3 and the molar ratio: Friedrich 2014; evidence E-a-01, E-a-02). L, M and S
are interpolated linearly in age between its knots; outside them there is no score.
"""

from __future__ import annotations

import csv
import functools
from dataclasses import dataclass
from importlib import resources
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from igfstrat.errors import DomainError, EvidenceError
from igfstrat.features.spec import RowFlags, flag_where
from igfstrat.schema import COLUMNS

REFERENCES: Final[dict[str, str]] = {"ids_isys_2014": "ids_isys"}  # name to the assay it was measured with


def lms_sds(value: ArrayLike, *, l: ArrayLike, m: ArrayLike, s: ArrayLike) -> NDArray[np.float64]:  # noqa: E741 - the method's own letters
    """Standard deviation score of a concentration under an LMS reference.

    Parameters
    ----------
    value : array-like of float, shape (n,)
        Concentrations, > 0, in the unit of `m`; NaN (not measured) stays NaN.
    l, m, s : array-like of float, shape (n,) or ()
        Skewness, median and coefficient of variation of the reference at each patient's age and sex.

    Returns
    -------
    ndarray of float64, shape (n,)
        Without dimension; 0 at the reference median.

    Raises
    ------
    DomainError
        If a value, a median or a variation is not positive.

    Notes
    -----
    z = ((x / M)^L - 1) / (L S), and ln(x / M) / S where L is 0.

    References
    ----------
    .. [1] Cole TJ, Green PJ (1992). Smoothing reference centile curves: the LMS method and penalized
       likelihood. Statistics in Medicine 11:1305-1319.

    Examples
    --------
    >>> lms_sds([160.0, 250.0, float("nan")], l=0.5, m=160.0, s=0.3)
    array([0.        , 1.66666667,        nan])
    """
    x, skewness, median, variation = np.broadcast_arrays(
        *(np.asarray(a, dtype=np.float64) for a in (value, l, m, s))
    )
    for name, array in (("value", x), ("m", median), ("s", variation)):
        if np.any(array <= 0):
            message = f"{name} must be > 0, but {np.nanmin(array):g} was found"
            raise DomainError(message)
    logs = np.log(x / median)
    curved = skewness != 0
    power = np.where(curved, skewness, 1.0)
    # expm1 keeps its precision as L goes to 0, where the formula becomes the logarithm
    scores = np.where(curved, np.expm1(power * logs) / power, logs) / variation
    return np.asarray(scores, dtype=np.float64)


def lms_value(sds: ArrayLike, *, l: ArrayLike, m: ArrayLike, s: ArrayLike) -> NDArray[np.float64]:  # noqa: E741 - the method's own letters
    """Concentration at a standard deviation score: the inverse of `lms_sds`.

    Parameters
    ----------
    sds : array-like of float, shape (n,)
        Scores; NaN stays NaN.
    l, m, s : array-like of float, shape (n,) or ()
        Skewness, median and coefficient of variation of the reference.

    Returns
    -------
    ndarray of float64, shape (n,)
        Concentrations in the unit of `m`; NaN where the distribution has no such score.

    Examples
    --------
    >>> lms_value([0.0, 1.0], l=0.5, m=160.0, s=0.3)
    array([160. , 211.6])
    """
    z, skewness, median, variation = np.broadcast_arrays(
        *(np.asarray(a, dtype=np.float64) for a in (sds, l, m, s))
    )
    inner = 1.0 + skewness * variation * z
    power = np.where(skewness != 0, skewness, 1.0)
    with np.errstate(invalid="ignore"):
        curved = np.where(inner > 0, inner, np.nan) ** (1.0 / power)
    return median * np.where(skewness != 0, curved, np.exp(variation * z))


@dataclass(frozen=True, slots=True)
class ReferenceCurve:
    """L, M and S of one analyte in one sex over age.

    Parameters
    ----------
    age : ndarray of float64, shape (n_knots,)
        Years, increasing.
    l, m, s : ndarray of float64, shape (n_knots,)
        Skewness, median and coefficient of variation at each knot.
    unit : str
        Unit of `m`.
    """

    age: NDArray[np.float64]
    l: NDArray[np.float64]  # noqa: E741
    m: NDArray[np.float64]
    s: NDArray[np.float64]
    unit: str


@functools.cache
def load_reference(name: str) -> dict[tuple[str, str], ReferenceCurve]:
    """A packaged reference.

    Parameters
    ----------
    name : str
        Key of `REFERENCES`.

    Returns
    -------
    dict of tuple to ReferenceCurve
        By analyte and sex.

    Raises
    ------
    EvidenceError
        If there is no such reference.
    """
    if name not in REFERENCES:
        message = f"no reference is named {name!r}; there is {', '.join(REFERENCES)}"
        raise EvidenceError(message)
    text = resources.files("igfstrat").joinpath(f"data/reference_{name}.csv").read_text(encoding="utf-8")
    rows: dict[tuple[str, str], list[dict[str, str]]] = {}
    for record in csv.DictReader(text.splitlines()):
        rows.setdefault((record["analyte"], record["sex"]), []).append(record)
    return {
        key: ReferenceCurve(
            age=np.array([float(record["age_years"]) for record in records]),
            l=np.array([float(record["l"]) for record in records]),
            m=np.array([float(record["m"]) for record in records]),
            s=np.array([float(record["s"]) for record in records]),
            unit=records[0]["unit"],
        )
        for key, records in rows.items()
    }


def reference_parameters(
    analyte: str, *, age: ArrayLike, sex: ArrayLike, reference: str
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """L, M and S at each patient's age and sex.

    Parameters
    ----------
    analyte : str
        Such as ``igf1``.
    age : array-like of float, shape (n,)
        Years; NaN stays NaN.
    sex : array-like of str, shape (n,)
        ``female`` or ``male``; anything else gives NaN.
    reference : str
        Key of `REFERENCES`.

    Returns
    -------
    tuple of ndarray of float64, each of shape (n,)
        L, M and S; NaN outside the ages of the table.
    """
    years = np.asarray(age, dtype=np.float64)
    who = np.asarray(sex, dtype=object)
    out = tuple(np.full(years.shape, np.nan) for _ in range(3))
    for (name, which), curve in load_reference(reference).items():
        if name != analyte:
            continue
        inside = (who == which) & (years >= curve.age[0]) & (years <= curve.age[-1])
        for target, knots in zip(out, (curve.l, curve.m, curve.s), strict=True):
            target[inside] = np.interp(years[inside], curve.age, knots)
    return out[0], out[1], out[2]


def reference_sds(
    value: ArrayLike, analyte: str, *, age: ArrayLike, sex: ArrayLike, reference: str = "ids_isys_2014"
) -> NDArray[np.float64]:
    """Standard deviation score by age and sex.

    Parameters
    ----------
    value : array-like of float, shape (n,)
        Concentrations in ng/mL (the molar ratio in percent); NaN and values <= 0 give NaN.
    analyte : str
        ``igf1``, ``igfbp3`` or ``igf1_igfbp3_molar_ratio``.
    age : array-like of float, shape (n,)
        Years.
    sex : array-like of str, shape (n,)
        ``female`` or ``male``.
    reference : str
        Key of `REFERENCES`.

    Returns
    -------
    ndarray of float64, shape (n,)
        Scores; NaN outside the ages of the table or without value, age or sex.

    Examples
    --------
    >>> float(reference_sds([200.0], "igf1", age=[50.0], sex=["female"]).round(2)[0])
    2.12
    """
    l, m, s = reference_parameters(analyte, age=age, sex=sex, reference=reference)  # noqa: E741
    x = np.asarray(value, dtype=np.float64)
    usable = (x > 0) & np.isfinite(m)
    out = np.full(x.shape, np.nan)
    out[usable] = lms_sds(x[usable], l=l[usable], m=m[usable], s=s[usable])
    return out


def flag_reference_rows(
    table: pd.DataFrame, analyte: str, *, assays: NDArray[np.object_], reference: str, consequence: str
) -> list[RowFlags]:
    """Rows that a reference was not made for: another assay, an age outside its table.

    Parameters
    ----------
    table : DataFrame, one row a patient
        Canonical headers, with the analyte and age_years.
    analyte : str
        ``igf1`` or ``igfbp3``.
    assays : ndarray of object, shape (n_rows,)
        Assay of each value; None where it isn't stated.
    reference : str
        Key of `REFERENCES`.
    consequence : str
        What another assay means for the features.

    Returns
    -------
    list of RowFlags
        Empty where there is none.
    """
    header = COLUMNS[analyte].header
    measured = table[header].notna().to_numpy()
    age = table["age_years"].to_numpy(dtype=np.float64)
    curve = load_reference(reference)[analyte, "female"]
    low, high = curve.age[0], curve.age[-1]
    own = REFERENCES[reference]
    other = np.array([assay is not None and assay != own for assay in assays], dtype=bool)
    outside = (
        f"outside the reference table of {analyte} ({low:g}–{high:g} years): no SDS, none is extrapolated"
    )
    other_assay = f"another assay than the reference's ({own}): {consequence}"
    return [
        *flag_where(measured & ((age < low) | (age > high)), "age_outside_reference", "age_years", outside),
        *flag_where(measured & other, "assay_not_reference", header, other_assay),
    ]


def stated_assays(table: pd.DataFrame, header: str, assumed: str | None) -> NDArray[np.object_]:
    """Assay of each value.

    Parameters
    ----------
    table : DataFrame, one row a patient
        Canonical headers.
    header : str
        Column of assays, such as ``igf1_assay``; it may be absent.
    assumed : str or None
        Assay of values whose assay isn't stated.

    Returns
    -------
    ndarray of object, shape (n_rows,)
        None where nothing is known.
    """
    stated = table[header] if header in table else [None] * len(table)
    return np.array([assumed if pd.isna(assay) else assay for assay in stated], dtype=object)
