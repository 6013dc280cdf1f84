"""IGFBP5 over IGFBP4 in the tumour, as a binary logarithm.

Both proteins or both mRNAs of the tumour, never one of each, and never IGFBPs of the serum: the association that is
reported (evidence S1-43b) is one of the tumour's own expression. A quotient of two scales without a
common zero has no meaning of its own; what a patient's value means is its place among others measured alike.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from igfstrat.config import StrictModel
from igfstrat.errors import CohortError, Problem, Severity, UsageError
from igfstrat.features.base import FeatureTransformer, make_settings
from igfstrat.features.spec import FeatureSpec, RowFlags, flag_where

Scale = Literal["linear", "log2"]
SCALES: Final[tuple[str, ...]] = get_args(Scale)

# numerator and denominator; the protein, on which the association was reported (evidence S1-43), comes first
PAIRS: Final = {
    "protein": ("igfbp5_tumour", "igfbp4_tumour"),
    "mRNA": ("igfbp5_mrna", "igfbp4_mrna"),
}

IGFBP5_IGFBP4_RATIO: Final = FeatureSpec(
    name="igfbp5_igfbp4_ratio_log2",
    title="Tumour IGFBP5/IGFBP4 ratio, log2",
    inputs={},
    any_of={column: "1" for pair in PAIRS.values() for column in pair},
    unit="1",
    evidence=("S1-43", "S1-43b"),
)


class IgfbpRatioRule(StrictModel):
    """On which scale the two IGFBPs of the tumour are given."""

    scale: Scale = "linear"


def usable_pair(columns: Iterable[str]) -> tuple[str, str] | None:
    """The two columns of a ratio: both proteins, else both mRNAs.

    Parameters
    ----------
    columns : iterable of str
        Columns that are there.

    Returns
    -------
    tuple of str, or None
        Numerator and denominator; None where no pair is whole.

    Examples
    --------
    >>> usable_pair(["igfbp5_tumour", "igfbp4_mrna"]) is None
    True
    """
    present = set(columns)
    return next((pair for pair in PAIRS.values() if present.issuperset(pair)), None)


def ratio_log2(numerator: ArrayLike, denominator: ArrayLike, *, scale: str = "linear") -> NDArray[np.float64]:
    """Binary logarithm of a quotient.

    Parameters
    ----------
    numerator, denominator : array-like of float, shape (n,)
        Two analytes of one tumour, both on `scale`; NaN gives NaN.
    scale : str
        ``linear``: log2 of the quotient; a value of 0 or less has no logarithm and gives NaN.
        ``log2``: the values are logarithms already, and the result is their difference.

    Returns
    -------
    ndarray of float64, shape (n,)
        Without dimension; 1 is twice as much in the numerator.

    Raises
    ------
    UsageError
        If there is no such scale.

    Examples
    --------
    >>> ratio_log2([8.0, 0.0], [2.0, 2.0]).tolist(), ratio_log2([8.0], [2.0], scale="log2").tolist()
    ([2.0, nan], [6.0])
    """
    if scale not in SCALES:
        message = f"scale {scale!r} is none of {', '.join(SCALES)}"
        raise UsageError(message)
    above, below = np.asarray(numerator, dtype=np.float64), np.asarray(denominator, dtype=np.float64)
    if scale == "linear":
        above, below = (np.log2(np.where(values > 0, values, np.nan)) for values in (above, below))
    return np.asarray(above - below, dtype=np.float64)


class IgfbpRatioFeatures(FeatureTransformer):
    """Tumour IGFBP5/IGFBP4 ratio.

    A negative value in `fit` shows that the columns aren't on a linear scale. Then no row has a ratio under
    ``linear``: quotients of the rows that happen to be positive would be wrong as well.

    Parameters
    ----------
    scale : str
        ``linear`` or ``log2``: the scale of both columns. It can't be told from the values, and is printed.

    Attributes
    ----------
    columns_ : tuple of str
        Numerator and denominator in use.
    n_negative_ : int
        Rows of `fit` with a negative value.
    """

    def __init__(self, scale: str = "linear") -> None:
        self.scale = scale

    def _required(self) -> list[str]:
        return list(getattr(self, "columns_", ()))

    def _names(self) -> list[str]:
        return [IGFBP5_IGFBP4_RATIO.name]

    def _describe(self) -> dict[str, str]:
        molecule = next(name for name, pair in PAIRS.items() if pair == self.columns_)
        way = "difference of values" if self.scale == "log2" else "log2 of the quotient of values"
        text = f"tumour IGFBP5 over IGFBP4 {molecule}: {way} taken to be on a {self.scale} scale"
        if self._refuted():
            text += f"; {self.n_negative_} rows are negative, so the scale isn't linear and no ratio is given"
        return {IGFBP5_IGFBP4_RATIO.name: text}

    def _learn(self, X: pd.DataFrame) -> None:  # noqa: N803 - scikit-learn's name
        make_settings(IgfbpRatioRule, "scale of the tumour IGFBPs", scale=self.scale)
        pair = usable_pair(X.columns)
        if pair is None:
            wanted = " or ".join(" and ".join(columns) for columns in PAIRS.values())
            problem = Problem(
                code="header", severity=Severity.ERROR, column=PAIRS["protein"][0],
                remedy=f"column missing: the ratio needs {wanted}",
            )  # fmt: skip
            headline = "the table for the tumour IGFBP5/IGFBP4 ratio"
            raise CohortError(headline, [problem], "No ratio was computed.")
        self.columns_ = pair
        self.n_negative_ = int((self._values(X) < 0).any(axis=0).sum())

    def _flags(self, X: pd.DataFrame) -> list[RowFlags]:  # noqa: N803
        if self.scale != "linear":
            return []
        values = self._values(X)
        if self._refuted():
            remedy = "the column holds negative values, so it isn't linear: no ratio; set scale: log2 if it is that"
            both = np.asarray(~np.isnan(values).any(axis=0))
            return flag_where(both, "not_log_scale", self.columns_[0], remedy)
        remedy = "0 or less has no logarithm: no ratio; set scale: log2 if the values are logarithms"
        numerator, denominator = self.columns_
        return [
            *flag_where(values[0] <= 0, "not_log_scale", numerator, remedy),
            *flag_where(values[1] <= 0, "not_log_scale", denominator, remedy),
        ]

    def _compute(self, X: pd.DataFrame) -> dict[str, Any]:  # noqa: N803
        ratio = ratio_log2(*self._values(X), scale=self.scale)
        return {IGFBP5_IGFBP4_RATIO.name: np.full(len(X), np.nan) if self._refuted() else ratio}

    def _values(self, table: pd.DataFrame) -> NDArray[np.float64]:
        return np.stack([table[column].to_numpy(dtype=np.float64) for column in self.columns_])

    def _refuted(self) -> bool:
        return self.scale == "linear" and self.n_negative_ > 0
