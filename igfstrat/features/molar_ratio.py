"""IGF-1 to IGFBP3 molar ratio, with the mass of IGFBP3 that was used.

The mass of IGFBP3 is a convention (28.5 to 30.5 kDa; evidence E-u-02), so it is a setting and is
printed with the ratio: at 30.5 kDa the molar ratio is the mass ratio times 3.987.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from igfstrat.errors import DomainError
from igfstrat.features.base import FeatureTransformer
from igfstrat.features.spec import FeatureSpec
from igfstrat.units import MOLAR_MASS_KDA

MOLAR_RATIO: Final = FeatureSpec(
    name="igf1_igfbp3_molar_ratio",
    title="IGF-1/IGFBP3 molar ratio",
    inputs={"igf1": "ng/mL", "igfbp3": "ng/mL"},
    any_of={},
    unit="1",
    bounds=(0.0, 10.0),
    evidence=("E-u-01", "E-u-02"),
)


def molar_ratio(igf1: ArrayLike, igfbp3: ArrayLike, *, igfbp3_kda: float = 28.5) -> NDArray[np.float64]:
    """Molecules of IGF-1 for each of IGFBP3.

    Parameters
    ----------
    igf1, igfbp3 : array-like of float, shape (n,)
        Serum concentrations in ng/mL, > 0; NaN (not measured) gives NaN.
    igfbp3_kda : float
        Mass of IGFBP3 in kDa, > 0.

    Returns
    -------
    ndarray of float64, shape (n,)
        Without dimension, > 0.

    Raises
    ------
    DomainError
        If the mass or an IGFBP3 value is not positive.

    Examples
    --------
    >>> molar_ratio([150.0], [4000.0], igfbp3_kda=30.5).round(4)
    array([0.1495])
    """
    numerator, denominator = np.asarray(igf1, dtype=np.float64), np.asarray(igfbp3, dtype=np.float64)
    if not igfbp3_kda > 0 or np.any(denominator <= 0):
        message = "igfbp3 and igfbp3_kda must be > 0"
        raise DomainError(message)
    return (numerator / MOLAR_MASS_KDA["igf1"]) / (denominator / igfbp3_kda)


class MolarRatioFeatures(FeatureTransformer):
    """IGF-1 to IGFBP3 molar ratio.

    Parameters
    ----------
    igfbp3_kda : float
        Mass of IGFBP3 in kDa.
    """

    def __init__(self, igfbp3_kda: float = 28.5) -> None:
        self.igfbp3_kda = igfbp3_kda

    def _required(self) -> list[str]:
        return list(MOLAR_RATIO.inputs)

    def _names(self) -> list[str]:
        return ["igf1_igfbp3_molar_ratio"]

    def _describe(self) -> dict[str, str]:
        text = f"IGF-1 at {MOLAR_MASS_KDA['igf1']:g} kDa over IGFBP3 at {self.igfbp3_kda:g} kDa"
        return {"igf1_igfbp3_molar_ratio": text}

    def _compute(self, X: pd.DataFrame) -> dict[str, Any]:  # noqa: N803
        igf1, igfbp3 = (X[h].to_numpy(dtype=np.float64) for h in ("igf1_ng_ml", "igfbp3_ng_ml"))
        return {"igf1_igfbp3_molar_ratio": molar_ratio(igf1, igfbp3, igfbp3_kda=self.igfbp3_kda)}
