"""IGF-1R scores from the percentages of cells stained 0, 1+, 2+ and 3+: H-score, Allred, HER2-style.

The percentages are all that the three scores have in common, so all three are computed from them and none
from another. The HER2-style score is approximate: percentages don't show whether the membrane is
stained all round. Which compartment was scored (membrane, cytoplasm, nucleus) is not known here.

H-score: evidence E-b-21. Allred: proportion score by the limits 1/100, 1/10, 1/3 and 2/3 plus intensity score
(Allred 1998, Mod Pathol 11:155; Harvey 1999, J Clin Oncol 17:1474), cut at 7 by evidence E-b-01.
HER2-style: the scale of evidence E-b-06, with the 10 % limit of ASCO/CAP 2018 (Wolff 2018, J Clin Oncol 36:2105).
"""

from __future__ import annotations

from typing import Any, Final, Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from igfstrat.config import StrictModel
from igfstrat.errors import UsageError
from igfstrat.features.base import FeatureTransformer, make_settings
from igfstrat.features.igf1r import h_score
from igfstrat.features.spec import FeatureSpec, RowFlags, flag_where
from igfstrat.features.status import NAMED_RULES

Intensity = Literal["average", "predominant", "strongest"]
INTENSITIES: Final[tuple[str, ...]] = get_args(Intensity)

# whole percents written down for four classes miss 100 by 1 without any mistake (33, 33, 33, 0)
SUM_TOLERANCE: Final = 1.0
_STAINED_AT_MOST: Final = 100.5  # what `h_score` accepts
_ROUNDING: Final = 1e-9  # of sums in binary, so that 10 + 10 + 13.3… is 1/3 and not beyond it

# percent of cells at which the proportion score steps up to 2, 3, 4 and 5; no registry entry yet
_PROPORTION_LIMITS: Final = (1.0, 10.0, 100 / 3, 200 / 3)
_HER2_ABOVE: Final = 10.0  # percent of cells, ASCO/CAP 2018; scale of evidence E-b-06
_ALLRED_CUT: Final = NAMED_RULES["allred_at_least_7"].at_least  # evidence E-b-01

_INPUTS: Final = {"igf1r_pct_1": "%", "igf1r_pct_2": "%", "igf1r_pct_3": "%"}

IGF1R_H_SCORE_FROM_PCT: Final = FeatureSpec(
    name="igf1r_h_score_from_pct",
    title="IGF-1R H-score, from percentages",
    inputs=_INPUTS,
    any_of={},
    unit="1",
    bounds=(0.0, 300.0),
    evidence=("E-b-21",),
)
IGF1R_ALLRED_FROM_PCT: Final = FeatureSpec(
    name="igf1r_allred_from_pct",
    title="IGF-1R Allred, from percentages",
    inputs=_INPUTS,
    any_of={},
    unit="1",
    bounds=(0.0, 8.0),
    evidence=("E-b-01",),
)
IGF1R_HER2_STYLE_FROM_PCT: Final = FeatureSpec(
    name="igf1r_her2_style_from_pct",
    title="IGF-1R HER2-style score, approximate, from percentages",
    inputs=_INPUTS,
    any_of={},
    unit="1",
    bounds=(0.0, 3.0),
    evidence=("E-b-06",),
)


STAINING_SPECS: Final = (IGF1R_H_SCORE_FROM_PCT, IGF1R_ALLRED_FROM_PCT, IGF1R_HER2_STYLE_FROM_PCT)


class StainingRule(StrictModel):
    """Which intensity an Allred score takes."""

    intensity: Intensity = "average"


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
    beyond = (total > 100 + SUM_TOLERANCE + _ROUNDING) | (sum(stained) > _STAINED_AT_MOST)
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
    Harvey 1999, J Clin Oncol 17:1474.

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
    percent_1: ArrayLike, percent_2: ArrayLike, percent_3: ArrayLike
) -> NDArray[np.bool_]:
    """Rows that are high or low by the choice of intensity alone.

    Parameters
    ----------
    percent_1, percent_2, percent_3 : array-like of float, shape (n,)
        Percent of tumour cells stained 1+, 2+ and 3+, each 0-100 and together at most 100; NaN gives False.

    Returns
    -------
    ndarray of bool, shape (n,)
        True where the three intensities put the Allred score on both sides of the cut of 7 (evidence E-b-01).

    Examples
    --------
    >>> allred_is_ambiguous([10, 0], [20, 0], [30, 60]).tolist()
    [True, False]
    """
    scores = [allred_score(percent_1, percent_2, percent_3, intensity=way) for way in INTENSITIES]
    high = np.stack(scores) >= _ALLRED_CUT
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
    score = sum((share > _HER2_ABOVE + _ROUNDING).astype(np.float64) for share in at_least)
    return np.where(np.isnan(at_least[-1]), np.nan, score)


class StainingFeatures(FeatureTransformer):
    """H-score, Allred and HER2-style score from the percentages of cells.

    The columns end in ``_from_pct``, so that a score given by the source (``igf1r_h_score``, ``igf1r_allred``,
    ``igf1r_ihc``) is neither overwritten nor mixed with a derived one; nor do they end in a number, as the
    columns of single cores do. Rows whose percentages don't agree are flagged and have no score.

    Parameters
    ----------
    intensity : str
        Intensity of the Allred score: ``average``, ``predominant`` or ``strongest``.
    """

    def __init__(self, intensity: str = "average") -> None:
        self.intensity = intensity

    def _required(self) -> list[str]:
        return list(_INPUTS)

    def _names(self) -> list[str]:
        return [s.name for s in (IGF1R_H_SCORE_FROM_PCT, IGF1R_ALLRED_FROM_PCT, IGF1R_HER2_STYLE_FROM_PCT)]

    def _describe(self) -> dict[str, str]:
        texts = (
            "1 x % 1+ plus 2 x % 2+ plus 3 x % 3+ (evidence E-b-21)",
            f"proportion score (limits 1/100, 1/10, 1/3, 2/3) plus {self.intensity} intensity of stained cells",
            "approximate: > 10 % of cells 3+ is 3, 2+ or more 2, any staining 1; completeness of the membrane not known",
        )
        return dict(zip(self._names(), texts, strict=True))

    def _learn(self, X: pd.DataFrame) -> None:  # noqa: N803 - scikit-learn's name
        del X
        make_settings(StainingRule, "intensity of the Allred score", intensity=self.intensity)

    def _flags(self, X: pd.DataFrame) -> list[RowFlags]:  # noqa: N803
        stained, refused = _percentages(X)
        below_limit = (stained[2] > 0) & (stained[2] <= _HER2_ABOVE) & (her2_style_score(*stained) < 2)
        found = (
            (refused, "percent_sum", "igf1r_pct_0", f"each must be 0-100 and the four 100 within {SUM_TOLERANCE:g}: no score derived"),
            (allred_is_ambiguous(*stained), "allred_ambiguous", "igf1r_allred_from_pct",
             f"average, predominant and strongest intensity disagree across the cut of {_ALLRED_CUT:g}"),
            (below_limit, "approximate", "igf1r_her2_style_from_pct",
             "strong staining of 10 % of cells or fewer: 2+ by ASCO/CAP where the membrane is stained all round"),
        )  # fmt: skip
        return [flags for doubt in found for flags in flag_where(*doubt)]

    def _compute(self, X: pd.DataFrame) -> dict[str, Any]:  # noqa: N803
        stained, _ = _percentages(X)
        # percentages that add up to 100.5 by rounding must not leave the scale
        total = np.minimum(h_score(*stained), IGF1R_H_SCORE_FROM_PCT.bounds[1])
        scores = (total, allred_score(*stained, intensity=self.intensity), her2_style_score(*stained))
        return dict(zip(self._names(), scores, strict=True))


def _percentages(table: pd.DataFrame) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Percent stained 1+, 2+ and 3+, NaN in refused rows; and which rows are refused."""
    stained = np.stack([table[name].to_numpy(dtype=np.float64) for name in _INPUTS])
    zero = table.get("igf1r_pct_0", pd.Series(np.nan, index=table.index)).to_numpy(dtype=np.float64)
    refused = refused_percentages(zero, *stained)
    return np.where(refused, np.nan, stained), refused
