"""Reference distributions by age and sex: LMS tables and standard deviation scores.

The packaged table transcribes published figures for the IDS-iSYS assay in adults (IGF-1:
Bidlingmaier 2014; IGFBP3 and the molar ratio: Friedrich 2014; evidence E-a-01, E-a-02). L, M and S
are interpolated linearly in age between its knots; outside them there is no score.
"""

from __future__ import annotations

import functools
from importlib import resources
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from igfstrat.errors import ConfigError, DomainError, EvidenceError
from igfstrat.features.coded import coded
from igfstrat.features.reference_table import Reference, ReferenceCurve, parse_reference_table
from igfstrat.features.references import PACKAGED, make_reference

# packaged references: name to the assay it was measured with
REFERENCES: Final[dict[str, str]] = {name: settings.assay for name, settings in PACKAGED.items()}
DEFAULT_REFERENCE: Final = "ids_isys_2014"


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


@functools.cache
def _packaged(name: str) -> Reference:
    settings = PACKAGED[name]
    text = resources.files("igfstrat").joinpath(f"data/{settings.file}").read_text(encoding="utf-8")
    return make_reference(name, settings, parse_reference_table(text, source=settings.file))


def find_reference(reference: str | Reference) -> Reference:
    """A reference by its name; one that is given is passed through.

    Parameters
    ----------
    reference : str or Reference
        Key of `REFERENCES`, or a user's reference.

    Returns
    -------
    Reference
        With its assay, matrix and curves.

    Raises
    ------
    EvidenceError
        If no packaged reference has the name.

    Examples
    --------
    >>> find_reference("ids_isys_2014").ratio_igfbp3_kda
    28.5
    """
    if isinstance(reference, Reference):
        return reference
    if reference not in REFERENCES:
        message = f"no reference is named {reference!r}; there is {', '.join(REFERENCES)}"
        raise EvidenceError(message)
    return _packaged(reference)


def reference_for(analyte: str, reference: str | Reference) -> Reference:
    """A reference that has an analyte.

    Parameters
    ----------
    analyte : str
        Such as ``igfbp3``.
    reference : str or Reference
        Key of `REFERENCES`, or a user's reference.

    Returns
    -------
    Reference
        The reference.

    Raises
    ------
    ConfigError
        If it has no curve of the analyte: another reference is never put in its place without a word.
    """
    found = find_reference(reference)
    if analyte not in found.analytes:
        message = f"the reference {found.name} has no {analyte}, only {', '.join(found.analytes)}"
        raise ConfigError(message)
    return found


def load_reference(name: str) -> dict[tuple[str, str], ReferenceCurve]:
    """The curves of a packaged reference.

    Parameters
    ----------
    name : str
        Key of `REFERENCES`.

    Returns
    -------
    dict of tuple to ReferenceCurve
        By analyte and sex.
    """
    return dict(find_reference(name).curves)


def reference_parameters(
    analyte: str, *, age: ArrayLike, sex: ArrayLike, reference: str | Reference
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """L, M and S at each patient's age and sex, joined linearly in age between the knots of the table.

    Parameters
    ----------
    analyte : str
        Such as ``igf1``.
    age : array-like of float, shape (n,)
        Years; NaN stays NaN.
    sex : array-like of str, shape (n,)
        ``female`` or ``male``; anything else gives NaN.
    reference : str or Reference
        Key of `REFERENCES`, or a user's reference.

    Returns
    -------
    tuple of ndarray of float64, each of shape (n,)
        L, M and S; NaN outside the ages of the table.
    """
    years = np.asarray(age, dtype=np.float64)
    codes, words = coded(sex)
    out = tuple(np.full(years.shape, np.nan) for _ in range(3))
    for (name, which), curve in find_reference(reference).curves.items():
        if name != analyte or which not in words:
            continue
        same_sex = codes == words.index(which)
        rows = np.flatnonzero(same_sex & (years >= curve.age[0]) & (years <= curve.age[-1]))
        # the neighbouring knots are looked up once for all three curves
        left = np.minimum(np.searchsorted(curve.age, years[rows], side="right") - 1, len(curve.age) - 2)
        share = (years[rows] - curve.age[left]) / np.diff(curve.age)[left]
        for target, knots in zip(out, (curve.l, curve.m, curve.s), strict=True):
            target[rows] = knots[left] + share * np.diff(knots)[left]
    return out[0], out[1], out[2]


def reference_sds(
    value: ArrayLike,
    analyte: str,
    *,
    age: ArrayLike,
    sex: ArrayLike,
    reference: str | Reference = "ids_isys_2014",
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
    reference : str or Reference
        Key of `REFERENCES`, or a user's reference.

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


def reference_sds_limits(
    lower: ArrayLike,
    upper: ArrayLike,
    analyte: str,
    *,
    age: ArrayLike,
    sex: ArrayLike,
    reference: str | Reference,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Limits of the scores of values that are known exactly or only between limits.

    Parameters
    ----------
    lower, upper : array-like of float, shape (n,)
        Limits of each value in ng/mL, equal where it was measured; 0 and infinity where it is open.
    analyte : str
        As in `reference_sds`.
    age : array-like of float, shape (n,)
        Years.
    sex : array-like of str, shape (n,)
        ``female`` or ``male``.
    reference : str or Reference
        Key of `REFERENCES`, or a user's reference.

    Returns
    -------
    tuple of ndarray of float64, each of shape (n,)
        Limits of the scores, infinite at 0 and infinity; both NaN where there is no reference.

    Examples
    --------
    >>> [end.round(1).tolist() for end in reference_sds_limits([0.0], [60.0], "igf1", age=[50.0], sex=["female"],
    ...                                                        reference="ids_isys_2014")]
    [[-inf], [-1.8]]
    """
    l, m, s = reference_parameters(analyte, age=age, sex=sex, reference=reference)  # noqa: E741
    ends = []
    # values that were all measured have one limit, which is looked at once
    for limit in (np.asarray(a, dtype=np.float64) for a in ((lower,) if upper is lower else (lower, upper))):
        out = np.full(limit.shape, np.nan)
        known = np.isfinite(m)
        usable = known & (limit > 0) & np.isfinite(limit)
        out[usable] = lms_sds(limit[usable], l=l[usable], m=m[usable], s=s[usable])
        out[known & (limit <= 0)] = -np.inf
        out[known & np.isposinf(limit)] = np.inf
        ends.append(out)
    return ends[0], ends[-1]
