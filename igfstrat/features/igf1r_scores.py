"""IGF-1R scores from the percentages of cells stained 0, 1+, 2+ and 3+: H-score, Allred, HER2-style.

The percentages are all that the three scores have in common, so all three are computed from them and none
from another. The HER2-style score is approximate: percentages don't show whether the membrane is
stained all round. Which compartment was scored (membrane, cytoplasm, nucleus) is not known here.

H-score: evidence E-b-21. Allred: proportion score by the limits 1/100, 1/10, 1/3 and 2/3 plus intensity score
(Allred 1998, Mod Pathol 11:155; Harvey 1999, J Clin Oncol 17:1474), cut at 7 by evidence E-b-01.
HER2-style: the scale of evidence E-b-06, with the 10 % limit of ASCO/CAP 2018 (Wolff 2018, J Clin Oncol 36:2105).
"""

from __future__ import annotations

from typing import Final, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from igfstrat.errors import DomainError, UsageError
from igfstrat.features.status import NAMED_RULES

Intensity = Literal["average", "predominant", "strongest"]
INTENSITIES: Final[tuple[str, ...]] = get_args(Intensity)

# whole percents written down for four classes miss 100 by 1 without any mistake (33, 33, 33, 0)
SUM_TOLERANCE: Final = 1.0
_ROUNDING: Final = 1e-9  # of sums in binary, so that 10 + 10 + 13.3… is 1/3 and not beyond it

# percent of cells at which the proportion score steps up to 2, 3, 4 and 5; no registry entry yet
_PROPORTION_LIMITS: Final = (1.0, 10.0, 100 / 3, 200 / 3)
HER2_STYLE_ABOVE: Final = 10.0  # percent of cells, ASCO/CAP 2018 (E-g-02); scale of evidence E-b-06
ALLRED_CUT: Final = NAMED_RULES["allred_at_least_7"].at_least  # evidence E-b-01


def h_score(percent_1: ArrayLike, percent_2: ArrayLike, percent_3: ArrayLike) -> NDArray[np.float64]:
    """H-score from the percentages of cells by staining intensity.

    Parameters
    ----------
    percent_1, percent_2, percent_3 : array-like of float, shape (n,)
        Percent of tumour cells stained 1+, 2+ and 3+, each 0-100 and together at most 100 but for rounding
        (`SUM_TOLERANCE`); NaN gives NaN.

    Returns
    -------
    ndarray of float64, shape (n,)
        1 x % 1+ plus 2 x % 2+ plus 3 x % 3+, 0-300 (evidence E-b-21).

    Raises
    ------
    DomainError
        If a percentage lies outside 0-100, or the three exceed 101.

    Examples
    --------
    >>> h_score([10.0], [20.0], [30.0])
    array([140.])
    """
    one, two, three = (np.asarray(p, dtype=np.float64) for p in (percent_1, percent_2, percent_3))
    outside = any(bool(np.any((percent < 0) | (percent > 100))) for percent in (one, two, three))
    # percentages are rounded when they are written down
    if outside or np.any(one + two + three > 100 + SUM_TOLERANCE + _ROUNDING):
        message = "percentages must be 0-100 and together at most 100"
        raise DomainError(message)
    # what rounding adds must not leave the scale
    return np.minimum(one + 2 * two + 3 * three, 300.0)


def refused_percentages(
    percent_0: ArrayLike, percent_1: ArrayLike, percent_2: ArrayLike, percent_3: ArrayLike
) -> NDArray[np.bool_]:
    """Rows whose percentages can't be those of one specimen.

    Parameters
    ----------
    percent_0, percent_1, percent_2, percent_3 : array-like of float, shape (n,)
        Percent of tumour cells stained 0, 1+, 2+ and 3+. A NaN is not held against a row: with `percent_0`
        missing it is derived as what is left of 100, and the others are only checked not to exceed it.

    Returns
    -------
    ndarray of bool, shape (n,)
        True where a percentage lies outside 0-100, the four miss 100 by more than 1 (`SUM_TOLERANCE`; whole
        percents miss it by 1 by rounding), or the known ones exceed 100 beyond rounding.

    Examples
    --------
    >>> refused_percentages([40, 40, 34, float("nan")], [10, 10, 33, 10], [20, 20, 33, 20], [30, 20, 0, 30]).tolist()
    [False, True, False, False]
    """
    zero, *stained = (np.asarray(p, dtype=np.float64) for p in (percent_0, percent_1, percent_2, percent_3))
    every = np.stack([zero, *stained])
    outside = np.any((every < 0) | (every > 100), axis=0)
    total = np.where(np.isnan(every), 0.0, every).sum(axis=0)
    short = (total < 100 - SUM_TOLERANCE - _ROUNDING) & ~np.isnan(every).any(axis=0)
    beyond = total > 100 + SUM_TOLERANCE + _ROUNDING
    return np.asarray(outside | short | beyond)


def proportion_score(stained_percent: ArrayLike) -> NDArray[np.float64]:
    """Proportion part of an Allred score.

    Parameters
    ----------
    stained_percent : array-like of float, shape (n,)
        Percent of tumour cells with any staining, 0-100; NaN gives NaN.

    Returns
    -------
    ndarray of float64, shape (n,)
        0 without staining, 1 below 1/100, 2 from there to 1/10, 3 to 1/3, 4 to 2/3 and 5 above. A value on 1/100
        is 2; one on 1/10, 1/3 or 2/3 still has the lower score. No allowance is made for rounded thirds: 66.7 is 5.

    References
    ----------
    Harvey 1999, J Clin Oncol 17:1474; that 1 % is 2 as in the tables of the cancer registries (SEER, ER Allred score).

    Examples
    --------
    >>> proportion_score([0, 0.5, 1, 10, 100 / 3, 200 / 3, 67]).tolist()
    [0.0, 1.0, 2.0, 2.0, 3.0, 4.0, 5.0]
    """
    stained = np.asarray(stained_percent, dtype=np.float64)
    first, *others = _PROPORTION_LIMITS
    score = (stained > 0).astype(np.float64) + (stained >= first - _ROUNDING)
    for limit in others:
        score += stained > limit + _ROUNDING
    return np.where(np.isnan(stained), np.nan, score)


def intensity_score(
    percent_1: ArrayLike, percent_2: ArrayLike, percent_3: ArrayLike, *, intensity: str = "average"
) -> NDArray[np.float64]:
    """Intensity part of an Allred score.

    Parameters
    ----------
    percent_1, percent_2, percent_3 : array-like of float, shape (n,)
        Percent of tumour cells stained 1+, 2+ and 3+, each 0-100 and together at most 100; NaN gives NaN.
    intensity : str
        ``average`` of the stained cells, rounded to the nearest whole score and halves up (1.5 is 2, 2.5 is 3);
        ``predominant``: the class with most cells, of equals the stronger; ``strongest`` class with any cells.

    Returns
    -------
    ndarray of float64, shape (n,)
        0 without staining, else 1, 2 or 3.

    Raises
    ------
    DomainError
        If a percentage is negative, or the three exceed 100.
    UsageError
        If there is no such intensity.

    Examples
    --------
    >>> [intensity_score(10, 20, 30, intensity=way).item() for way in ("average", "predominant", "strongest")]
    [2.0, 3.0, 3.0]
    """
    if intensity not in INTENSITIES:
        message = f"intensity {intensity!r} is none of {', '.join(INTENSITIES)}"
        raise UsageError(message)
    total = h_score(percent_1, percent_2, percent_3)
    one, two, three = (np.asarray(p, dtype=np.float64) for p in (percent_1, percent_2, percent_3))
    stained = one + two + three
    if intensity == "average":
        # compared without dividing: no cell may be stained, and halves must go up
        nearly = stained * (1 - _ROUNDING)
        score = 1.0 + (total >= 1.5 * nearly) + (total >= 2.5 * nearly)
    elif intensity == "predominant":
        weaker = np.where(two >= one, 2.0, 1.0)
        score = np.where((three >= one) & (three >= two), 3.0, weaker)
    else:
        score = np.where(three > 0, 3.0, np.where(two > 0, 2.0, 1.0))
    return np.where(np.isnan(stained), np.nan, np.where(stained > 0, score, 0.0))


def allred_score(
    percent_1: ArrayLike, percent_2: ArrayLike, percent_3: ArrayLike, *, intensity: str = "average"
) -> NDArray[np.float64]:
    """Allred score from the percentages of cells by staining intensity.

    Weakly stained cells added to strongly stained ones lower the average (and may change the predominant)
    intensity, so only with ``strongest`` can more staining never lower the score.

    Parameters
    ----------
    percent_1, percent_2, percent_3 : array-like of float, shape (n,)
        Percent of tumour cells stained 1+, 2+ and 3+, each 0-100 and together at most 100; NaN gives NaN.
    intensity : str
        ``average``, ``predominant`` or ``strongest``; see `intensity_score`.

    Returns
    -------
    ndarray of float64, shape (n,)
        Proportion score plus intensity score: 0, or 2-8.

    References
    ----------
    Allred 1998, Mod Pathol 11:155; Harvey 1999, J Clin Oncol 17:1474.

    Examples
    --------
    >>> allred_score(10, 20, 30).item(), allred_score(10, 20, 30, intensity="strongest").item()
    (6.0, 7.0)
    """
    part = intensity_score(percent_1, percent_2, percent_3, intensity=intensity)
    stained = sum(np.asarray(p, dtype=np.float64) for p in (percent_1, percent_2, percent_3))
    return proportion_score(stained) + part


def allred_is_ambiguous(
    percent_1: ArrayLike,
    percent_2: ArrayLike,
    percent_3: ArrayLike,
    *,
    cut: float = ALLRED_CUT,
    above: bool = False,
) -> NDArray[np.bool_]:
    """Rows that are high or low by the choice of intensity alone.

    Parameters
    ----------
    percent_1, percent_2, percent_3 : array-like of float, shape (n,)
        Percent of tumour cells stained 1+, 2+ and 3+, each 0-100 and together at most 100; NaN gives False.
    cut : float
        The cut-point, by default that of evidence E-b-01; NaN gives False.
    above : bool
        True: high is > cut. False: high is >= cut.

    Returns
    -------
    ndarray of bool, shape (n,)
        True where the three intensities put the Allred score on both sides of the cut.

    Examples
    --------
    >>> allred_is_ambiguous([10, 0], [20, 0], [30, 60]).tolist()
    [True, False]
    """
    scores = np.stack([allred_score(percent_1, percent_2, percent_3, intensity=way) for way in INTENSITIES])
    high = scores > cut if above else scores >= cut
    return np.asarray(high.any(axis=0) & ~high.all(axis=0))


def her2_style_score(percent_1: ArrayLike, percent_2: ArrayLike, percent_3: ArrayLike) -> NDArray[np.float64]:
    """A 0-3 score on the HER2 scale, approximate.

    The rule is ours: the 10 % limit is that of ASCO/CAP 2018, but the guideline also asks whether the
    membrane is stained all round, which percentages don't show. Strong staining of 10 % of cells or fewer,
    2+ by the guideline where it is complete, therefore isn't raised to 2 here.

    Parameters
    ----------
    percent_1, percent_2, percent_3 : array-like of float, shape (n,)
        Percent of tumour cells stained 1+, 2+ and 3+, each 0-100 and together at most 100; NaN gives NaN.

    Returns
    -------
    ndarray of float64, shape (n,)
        3 where more than 10 % of cells are 3+, else 2 where more than 10 % are 2+ or 3+, else 1 where more
        than 10 % are stained, else 0.

    References
    ----------
    Wolff 2018, J Clin Oncol 36:2105.

    Examples
    --------
    >>> her2_style_score([0, 20, 0, 5, 10], [0, 0, 11, 6, 0], [11, 0, 0, 5, 0]).tolist()
    [3.0, 1.0, 2.0, 2.0, 0.0]
    """
    h_score(percent_1, percent_2, percent_3)  # refuses what can't be
    one, two, three = (np.asarray(p, dtype=np.float64) for p in (percent_1, percent_2, percent_3))
    at_least = (three, three + two, three + two + one)
    score = sum((share > HER2_STYLE_ABOVE + _ROUNDING).astype(np.float64) for share in at_least)
    return np.where(np.isnan(at_least[-1]), np.nan, score)
