"""Restricted cubic spline of the serum IGF-1 score, since its relation to risk can be U-shaped.

A low and a high level both go with more deaths in the general population (evidence E-a-19, E-a-20), which a
straight line can't show. The knots are quantiles of the standard normal, since the score is standard
normal in the reference: nothing is learned, so no test fold can move a knot, and the terms mean the
same in every cohort. A model takes them beside the linear term `igf1_sds`.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import NormalDist
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from igfstrat.errors import ConfigError, DomainError
from igfstrat.features.assays import flag_reference_rows, stated_assays
from igfstrat.features.base import FeatureTransformer
from igfstrat.features.igf1 import IGF1_SDS
from igfstrat.features.reference_range import reference_for, reference_sds
from igfstrat.features.reference_table import Reference
from igfstrat.features.spec import FeatureSpec, RowFlags

# Quantiles for 3 to 7 knots: Harrell FE (2015), Regression Modeling Strategies, 2nd edition, Springer, chapter 2
# (placement of knots); the same in the function rcspline.eval of his R package Hmisc.
KNOT_QUANTILES: Final[dict[int, tuple[float, ...]]] = {
    3: (0.10, 0.50, 0.90),
    4: (0.05, 0.35, 0.65, 0.95),
    5: (0.05, 0.275, 0.50, 0.725, 0.95),
    6: (0.05, 0.23, 0.41, 0.59, 0.77, 0.95),
    7: (0.025, 0.1833, 0.3417, 0.50, 0.6583, 0.8167, 0.975),
}
DEFAULT_KNOTS: Final = 4


def standard_knots(n_knots: int = DEFAULT_KNOTS) -> NDArray[np.float64]:
    """Knots on the scale of standard deviation scores.

    Parameters
    ----------
    n_knots : int
        3 to 7.

    Returns
    -------
    ndarray of float64, shape (n_knots,)
        Quantiles of the standard normal, increasing.

    Raises
    ------
    ConfigError
        If there are fewer than 3 or more than 7.

    References
    ----------
    .. [1] Harrell FE (2015). Regression Modeling Strategies, 2nd edition. Springer, chapter 2.

    Examples
    --------
    >>> standard_knots(4).round(3)
    array([-1.645, -0.385,  0.385,  1.645])
    """
    if n_knots not in KNOT_QUANTILES:
        message = f"n_knots must be 3 to 7, not {n_knots}"
        raise ConfigError(message)
    return np.array([NormalDist().inv_cdf(p) for p in KNOT_QUANTILES[n_knots]])


def restricted_cubic_spline(
    x: ArrayLike, knots: Sequence[float] | NDArray[np.float64]
) -> NDArray[np.float64]:
    """Nonlinear terms of a restricted (natural) cubic spline.

    Parameters
    ----------
    x : array-like of float, shape (n,)
        Values in any one unit; NaN (not measured) gives a row of NaN.
    knots : sequence of float, length k
        Increasing, at least 3, in the unit of `x`.

    Returns
    -------
    ndarray of float64, shape (n, k - 2)
        In the unit of `x`; 0 up to each term's own knot, linear beyond the last knot. Together with `x` and a
        constant they span all natural cubic splines on these knots.

    Raises
    ------
    DomainError
        If there are fewer than 3 knots, or they don't increase.

    Notes
    -----
    With cubes cut off below 0, the term of knot j is
    [(x - t_j)^3 - (x - t_{k-1})^3 (t_k - t_j)/(t_k - t_{k-1}) + (x - t_k)^3 (t_{k-1} - t_j)/(t_k - t_{k-1})]
    / (t_k - t_1)^2; the divisor brings it to the scale of `x`.

    References
    ----------
    .. [1] Harrell FE (2015). Regression Modeling Strategies, 2nd edition. Springer, chapter 2.

    Examples
    --------
    >>> restricted_cubic_spline([0.0, 1.0, 3.0], [0.0, 1.0, 2.0]).round(2).ravel().tolist()
    [0.0, 0.25, 3.0]
    """
    t = np.asarray(knots, dtype=np.float64)
    if t.ndim != 1 or len(t) < 3 or not np.all(np.isfinite(t)) or not np.all(np.diff(t) > 0):
        message = "knots must be at least 3 and increase"
        raise DomainError(message)
    values = np.asarray(x, dtype=np.float64)
    width, last = (t[-1] - t[0]) ** 2, t[-1] - t[-2]
    # products, since a power of 3 costs many times more
    cubes = [(part := np.maximum(values - knot, 0.0)) * part * part for knot in t]
    terms = [
        (cubes[j] - cubes[-2] * ((t[-1] - t[j]) / last) + cubes[-1] * ((t[-2] - t[j]) / last)) / width
        for j in range(len(t) - 2)
    ]
    return np.stack(terms, axis=-1)


def _spec(j: int) -> FeatureSpec:
    knots = standard_knots()
    # every term is 0 on the left and rises, so its largest value is at the largest score
    largest = float(restricted_cubic_spline([IGF1_SDS.bounds[1]], knots)[0, j])
    return FeatureSpec(
        name=f"igf1_sds_spline_{j + 1}",
        title=f"Serum IGF-1, spline term {j + 1}",
        inputs=IGF1_SDS.inputs,
        any_of={},
        unit="1",
        bounds=(0.0, largest),
        evidence=("E-a-01", "E-a-19", "E-a-20"),
    )


SPLINE_SPECS: Final[dict[str, FeatureSpec]] = {
    spec.name: spec for spec in (_spec(j) for j in range(DEFAULT_KNOTS - 2))
}


class Igf1SplineFeatures(FeatureTransformer):
    """Nonlinear spline terms of the serum IGF-1 score.

    Parameters
    ----------
    reference : str or Reference
        Packaged name, or a user's reference that has IGF-1.
    n_knots : int
        3 to 7; the features are two fewer.
    """

    def __init__(self, reference: str | Reference = "ids_isys_2014", n_knots: int = DEFAULT_KNOTS) -> None:
        self.reference = reference
        self.n_knots = n_knots

    def _required(self) -> list[str]:
        return list(IGF1_SDS.inputs)

    def _names(self) -> list[str]:
        return [f"igf1_sds_spline_{j}" for j in range(1, self.n_knots - 1)]

    def _describe(self) -> dict[str, str]:
        knots = ", ".join(f"{knot:.3f}" for knot in standard_knots(self.n_knots))
        words = reference_for("igf1", self.reference).words
        text = f"restricted cubic spline of igf1_sds, fixed knots at {knots} (standard normal quantiles; Harrell 2015); {words}"
        return dict.fromkeys(self._names(), text)

    def _flags(self, X: pd.DataFrame) -> list[RowFlags]:  # noqa: N803 - scikit-learn's name
        assays = stated_assays(X, "igf1_assay", None)
        consequence = "the spline of the SDS is shown, but can't be compared with the reference"
        return flag_reference_rows(
            X, "igf1", assays=assays, reference=self.reference, consequence=consequence
        )

    def _learn(self, X: pd.DataFrame) -> None:  # noqa: N803
        del X
        standard_knots(self.n_knots)
        reference_for("igf1", self.reference)

    def _compute(self, X: pd.DataFrame) -> dict[str, Any]:  # noqa: N803
        value, age = (X[h].to_numpy(dtype=np.float64) for h in ("igf1_ng_ml", "age_years"))
        sex = X["sex"]
        sds = reference_sds(value, "igf1", age=age, sex=sex, reference=self.reference)
        terms = restricted_cubic_spline(sds, standard_knots(self.n_knots))
        return {name: terms[:, j] for j, name in enumerate(self._names())}
