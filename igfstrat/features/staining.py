"""IGF-1R scores of a table that holds the percentages of cells stained 0, 1+, 2+ and 3+.

The scores themselves, with their sources, are in `igfstrat.features.igf1r_scores`. A missing ``igf1r_pct_0`` is what
is left of 100; a percentage known only between limits (``<1``) gives no score.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from igfstrat.config import StrictModel
from igfstrat.features.base import FeatureTransformer, make_settings
from igfstrat.features.igf1r_scores import (
    ALLRED_CUT,
    HER2_STYLE_ABOVE,
    SUM_TOLERANCE,
    Intensity,
    allred_is_ambiguous,
    allred_score,
    h_score,
    her2_style_score,
    refused_percentages,
)
from igfstrat.features.spec import FeatureSpec, RowFlags, flag_where

PERCENTAGES: Final = ("igf1r_pct_1", "igf1r_pct_2", "igf1r_pct_3")
_INPUTS: Final = dict.fromkeys(PERCENTAGES, "%")

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
    evidence=("E-b-01", "E-g-01"),
)
IGF1R_HER2_STYLE_FROM_PCT: Final = FeatureSpec(
    name="igf1r_her2_style_from_pct",
    title="IGF-1R HER2-style score, approximate, from percentages",
    inputs=_INPUTS,
    any_of={},
    unit="1",
    bounds=(0.0, 3.0),
    evidence=("E-b-06", "E-g-02"),
)


STAINING_SPECS: Final = (IGF1R_H_SCORE_FROM_PCT, IGF1R_ALLRED_FROM_PCT, IGF1R_HER2_STYLE_FROM_PCT)
# the measure that each stands in for
_SCORES: Final = ("igf1r_h_score", "igf1r_allred", "igf1r_ihc")


class StainingRule(StrictModel):
    """Which intensity an Allred score takes."""

    intensity: Intensity = "average"


def read_percentages(table: pd.DataFrame) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Percentages of cells by staining intensity, those that can't be left out.

    Parameters
    ----------
    table : DataFrame, one row a patient
        Holds `PERCENTAGES`, and ``igf1r_pct_0`` where it was counted.

    Returns
    -------
    tuple of ndarray of float64, shape (3, n), and ndarray of bool, shape (n,)
        Percent stained 1+, 2+ and 3+, NaN where it isn't known or the row is refused; and which rows are refused
        (see `igfstrat.features.igf1r_scores.refused_percentages`).

    Examples
    --------
    >>> table = pd.DataFrame({"igf1r_pct_1": [10.0, 60.0], "igf1r_pct_2": [20.0, 60.0], "igf1r_pct_3": [30.0, 0.0]})
    >>> stained, refused = read_percentages(table)
    >>> stained[:, 0].tolist(), refused.tolist()
    ([10.0, 20.0, 30.0], [False, True])
    """
    stained = np.stack([table[name].to_numpy(dtype=np.float64) for name in PERCENTAGES])
    zero = table.get("igf1r_pct_0", pd.Series(np.nan, index=table.index)).to_numpy(dtype=np.float64)
    refused = refused_percentages(zero, *stained)
    return np.where(refused, np.nan, stained), refused


def limits_from_percentages(
    stained: NDArray[np.float64], measure: str, *, intensity: str = "average"
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Between which limits a score lies, by the percentages of cells.

    Parameters
    ----------
    stained : ndarray of float64, shape (3, n)
        Percent stained 1+, 2+ and 3+; NaN where it isn't known.
    measure : str
        ``igf1r_h_score``, ``igf1r_allred`` or ``igf1r_ihc``.
    intensity : str
        Intensity of the Allred score.

    Returns
    -------
    tuple of ndarray of float64, each of shape (n,)
        Lower and upper limit, NaN without percentages. They differ for ``igf1r_ihc`` alone: strong staining of 10 %
        of cells or fewer is 2 by ASCO/CAP 2018 if the membrane is stained all round, which percentages don't show.

    Examples
    --------
    >>> stained = np.array([[10.0, 0.0], [20.0, 0.0], [30.0, 8.0]])
    >>> [limits.tolist() for limits in limits_from_percentages(stained, "igf1r_ihc")]
    [[3.0, 0.0], [3.0, 2.0]]
    """
    if measure == "igf1r_h_score":
        score = h_score(*stained)
    elif measure == "igf1r_allred":
        score = allred_score(*stained, intensity=intensity)
    else:
        score = her2_style_score(*stained)
        return score, np.where(_may_be_2(stained), 2.0, score)
    return score, score


def flag_percentages(
    stained: NDArray[np.float64],
    refused: NDArray[np.bool_],
    measures: tuple[str, ...],
    *,
    cut: float = ALLRED_CUT,
    above: bool = False,
) -> list[RowFlags]:
    """Doubts about scores from percentages.

    Parameters
    ----------
    stained : ndarray of float64, shape (3, n)
        Percent stained 1+, 2+ and 3+; NaN where it isn't known or refused.
    refused : ndarray of bool, shape (n,)
        Rows whose percentages can't be.
    measures : tuple of str
        Which scores are of interest: ``igf1r_h_score``, ``igf1r_allred``, ``igf1r_ihc``.
    cut, above : float and bool
        Cut of the Allred score, and whether high is above it.

    Returns
    -------
    list of RowFlags
        ``percent_sum``, ``allred_ambiguous`` and ``approximate``.

    Examples
    --------
    >>> stained = np.array([[10.0], [20.0], [30.0]])
    >>> [f.code for f in flag_percentages(stained, np.array([False]), ("igf1r_allred", "igf1r_ihc"))]
    ['allred_ambiguous']
    """
    wrong = f"each must be 0-100 and the four 100 within {SUM_TOLERANCE:g}: no score derived"
    flags = flag_where(refused, "percent_sum", "igf1r_pct_0", wrong)
    if "igf1r_allred" in measures:
        remedy = f"average, predominant and strongest intensity disagree across the cut of {cut:g}"
        ambiguous = allred_is_ambiguous(*stained, cut=cut, above=above)
        flags += flag_where(ambiguous, "allred_ambiguous", "igf1r_allred_from_pct", remedy)
    if "igf1r_ihc" in measures:
        remedy = "strong staining of 10 % of cells or fewer: 2+ by ASCO/CAP where the membrane is stained all round"
        flags += flag_where(_may_be_2(stained), "approximate", "igf1r_her2_style_from_pct", remedy)
    return flags


def _may_be_2(stained: NDArray[np.float64]) -> NDArray[np.bool_]:
    few = (stained[2] > 0) & (stained[2] <= HER2_STYLE_ABOVE)
    return np.asarray(few & (her2_style_score(*stained) < 2))


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
        return [spec.name for spec in STAINING_SPECS]

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
        return flag_percentages(*read_percentages(X), _SCORES)

    def _compute(self, X: pd.DataFrame) -> dict[str, Any]:  # noqa: N803
        stained, _ = read_percentages(X)
        # each name is that of the spec in the same place
        scores = [limits_from_percentages(stained, score, intensity=self.intensity)[0] for score in _SCORES]
        return dict(zip(self._names(), scores, strict=True))
