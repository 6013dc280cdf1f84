"""PD-L1 on tumour cells in three classes: below 1 %, 1 to 49 %, 50 % and over.

The percent is the tumour proportion score, the share of tumour cells with a stained membrane. A combined positive
score, which counts immune cells too, is another measure and doesn't belong into the column. Antibodies differ, and
which one was used is not known here.

The two limits are those of the pembrolizumab trials in lung cancer (Garon 2015, N Engl J Med 372:2018), and classes of
routine reports since (Verocq 2020, Oncol Lett, doi 10.3892/ol.2020.11458). Other tumours and drugs have other limits.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from igfstrat.errors import DomainError
from igfstrat.features.base import FeatureTransformer
from igfstrat.features.spec import FeatureSpec, RowFlags, flag_where
from igfstrat.features.status import limits_of

BELOW_1, FROM_1_TO_49, FROM_50 = "below_1", "1_to_49", "50_and_over"
_LIMITS: Final = (1.0, 50.0)  # percent; Garon 2015
_WORDS: Final = np.array([BELOW_1, FROM_1_TO_49, FROM_50], dtype=object)

PDL1_CLASS: Final = FeatureSpec(
    name="pdl1_class",
    title="PD-L1 class",
    inputs={"pdl1_percent": "%"},
    any_of={},
    unit="code",
    words=tuple(_WORDS),
)


def pdl1_class(lower: ArrayLike, upper: ArrayLike) -> NDArray[np.object_]:
    """Class of the tumour proportion score.

    Parameters
    ----------
    lower, upper : array-like of float, shape (n,)
        Limits of each percent of tumour cells, 0-100, equal where it was measured; NaN where there is none. Limits
        that differ were not measured themselves: ``<1`` is not 1.

    Returns
    -------
    ndarray of object, shape (n,)
        ``below_1``, ``1_to_49`` (up to but not 50), ``50_and_over``; None where nothing is known, or the limits lie in
        two classes.

    Raises
    ------
    DomainError
        If a finite limit lies outside 0-100.

    References
    ----------
    Garon 2015, N Engl J Med 372:2018; Verocq 2020, doi 10.3892/ol.2020.11458.

    Examples
    --------
    >>> pdl1_class([0.9, 1, 49.9, 50, 0, 1], [0.9, 1, 49.9, 50, 1, float("inf")]).tolist()
    ['below_1', '1_to_49', '1_to_49', '50_and_over', 'below_1', None]
    """
    low, high = np.asarray(lower, dtype=np.float64), np.asarray(upper, dtype=np.float64)
    for limit in (low, high):
        if np.any(np.isfinite(limit) & ((limit < 0) | (limit > 100))):
            message = "a tumour proportion score lies between 0 and 100"
            raise DomainError(message)
    known = ~(np.isnan(low) & np.isnan(high))
    low, high = np.where(np.isnan(low), 0.0, low), np.where(np.isnan(high), 100.0, high)
    between = low < high
    low = np.where(between, np.nextafter(low, np.inf), low)
    high = np.where(between, np.nextafter(high, -np.inf), high)
    first, last = np.digitize(low, _LIMITS), np.digitize(high, _LIMITS)
    words = np.full(low.shape, None, dtype=object)
    one = known & (first == last)
    words[one] = _WORDS[first[one]]
    return words


class Pdl1Features(FeatureTransformer):
    """PD-L1 class."""

    def _required(self) -> list[str]:
        return list(PDL1_CLASS.inputs)

    def _names(self) -> list[str]:
        return [PDL1_CLASS.name]

    def _describe(self) -> dict[str, str]:
        text = "tumour proportion score: below 1 %, 1 to 49 %, 50 % and over (Garon 2015); antibody as used, not known here"
        return {PDL1_CLASS.name: text}

    def _flags(self, X: pd.DataFrame) -> list[RowFlags]:  # noqa: N803 - scikit-learn's name
        lower, upper = limits_of(X, "pdl1_percent")
        known = ~(np.isnan(lower) & np.isnan(upper))
        remedy = "known only between limits that lie in two classes: PD-L1 class unknown"
        return flag_where(
            known & pd.isna(pdl1_class(lower, upper)), "status_indeterminate", "pdl1_percent", remedy
        )

    def _compute(self, X: pd.DataFrame) -> dict[str, Any]:  # noqa: N803
        return {PDL1_CLASS.name: pdl1_class(*limits_of(X, "pdl1_percent"))}
