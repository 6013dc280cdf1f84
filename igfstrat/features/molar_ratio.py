"""IGF-1 to IGFBP3 molar ratio, with the mass of IGFBP3 that was used.

The mass of IGFBP3 is a convention (28.5 to 30.5 kDa; evidence E-u-02), so it is a setting and is
printed with the ratio: at 30.5 kDa the molar ratio is the mass ratio times 3.987. The score against a
reference always uses the mass of that reference, whatever the ratio that is shown is computed with.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from igfstrat.errors import DomainError
from igfstrat.features.assays import differs_from, flag_reference_ages, stated_assays
from igfstrat.features.base import FeatureTransformer
from igfstrat.features.reference_range import reference_for, reference_sds
from igfstrat.features.reference_table import RATIO, Reference
from igfstrat.features.spec import FeatureSpec, RowFlags, flag_where
from igfstrat.schema import COLUMNS
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
MOLAR_RATIO_SDS: Final = FeatureSpec(
    name="igf1_igfbp3_molar_ratio_sds",
    title="IGF-1/IGFBP3 molar ratio, standard deviation score",
    inputs={**MOLAR_RATIO.inputs, "age_years": "year", "sex": "code"},
    any_of={},
    unit="1",
    bounds=(-60.0, 60.0),
    evidence=("E-a-02", "E-u-01", "E-u-02"),
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


def molar_ratio_sds(
    igf1: ArrayLike,
    igfbp3: ArrayLike,
    *,
    age: ArrayLike,
    sex: ArrayLike,
    reference: str | Reference = "ids_isys_2014",
) -> NDArray[np.float64]:
    """Standard deviation score of the molar ratio, at the mass of IGFBP3 of the reference itself.

    Parameters
    ----------
    igf1, igfbp3 : array-like of float, shape (n,)
        Serum concentrations in ng/mL; NaN (not measured) gives NaN.
    age : array-like of float, shape (n,)
        Years.
    sex : array-like of str, shape (n,)
        ``female`` or ``male``.
    reference : str or Reference
        Packaged name, or a user's reference that has the ratio.

    Returns
    -------
    ndarray of float64, shape (n,)
        Scores; NaN outside the ages of the table or without value, age or sex.

    Raises
    ------
    ConfigError
        If the reference has no ratio.

    Notes
    -----
    A mass other than the reference's would shift all scores: 30.5 instead of 28.5 kDa multiplies the ratio by 1.07,
    about 0.23 standard deviations.

    Examples
    --------
    >>> molar_ratio_sds([150.0], [4000.0], age=[50.0], sex=["female"]).round(2)
    array([0.9])
    """
    own = reference_for(RATIO, reference)
    # a reference with a ratio has the mass: none is made without
    percent = 100 * molar_ratio(igf1, igfbp3, igfbp3_kda=own.ratio_igfbp3_kda or float("nan"))
    return reference_sds(percent, RATIO, age=age, sex=sex, reference=own)


class MolarRatioFeatures(FeatureTransformer):
    """IGF-1 to IGFBP3 molar ratio, and its score where a reference is given.

    Parameters
    ----------
    igfbp3_kda : float
        Mass of IGFBP3 in kDa, of the ratio that is shown; the score keeps to the reference's own.
    reference : str, Reference or None
        Packaged name, or a user's reference that has the ratio; None gives no score.

    Attributes
    ----------
    sds_igfbp3_kda_ : float or None
        Mass of IGFBP3 in kDa that the score is computed with.
    """

    def __init__(self, igfbp3_kda: float = 28.5, reference: str | Reference | None = None) -> None:
        self.igfbp3_kda = igfbp3_kda
        self.reference = reference

    def _required(self) -> list[str]:
        return list(MOLAR_RATIO.inputs if self.reference is None else MOLAR_RATIO_SDS.inputs)

    def _names(self) -> list[str]:
        return [MOLAR_RATIO.name] + ([] if self.reference is None else [MOLAR_RATIO_SDS.name])

    def _describe(self) -> dict[str, str]:
        igf1 = f"IGF-1 at {MOLAR_MASS_KDA['igf1']:g} kDa over IGFBP3"
        said = {MOLAR_RATIO.name: f"{igf1} at {self.igfbp3_kda:g} kDa"}
        if self.reference is not None:
            own = reference_for(RATIO, self.reference)
            said[MOLAR_RATIO_SDS.name] = (
                f"{own.words}; {igf1} at {own.ratio_igfbp3_kda:g} kDa, the reference's own mass"
            )
        return said

    def _flags(self, X: pd.DataFrame) -> list[RowFlags]:  # noqa: N803 - scikit-learn's name
        if self.reference is None:
            return []
        own = reference_for(RATIO, self.reference)
        values = {name: X[COLUMNS[name].header] for name in MOLAR_RATIO.inputs}
        measured = np.logical_and.reduce([column.notna().to_numpy() for column in values.values()])
        flags = flag_reference_ages(measured, X, RATIO, own)
        text = f"another {{}} than the reference's: the {MOLAR_RATIO_SDS.title} is shown, but can't be compared with the reference"
        for name, column in values.items():
            for what, code in (("assay", own.assay), ("matrix", own.matrix)):
                other = measured & differs_from(stated_assays(X, f"{name}_{what}", None), code)
                flags += flag_where(other, f"{what}_not_reference", str(column.name), text.format(what))
        return flags

    def _learn(self, X: pd.DataFrame) -> None:  # noqa: N803
        del X
        own = None if self.reference is None else reference_for(RATIO, self.reference)
        self.sds_igfbp3_kda_ = None if own is None else own.ratio_igfbp3_kda

    def _compute(self, X: pd.DataFrame) -> dict[str, Any]:  # noqa: N803
        igf1, igfbp3 = (X[h].to_numpy(dtype=np.float64) for h in ("igf1_ng_ml", "igfbp3_ng_ml"))
        out = {MOLAR_RATIO.name: molar_ratio(igf1, igfbp3, igfbp3_kda=self.igfbp3_kda)}
        if self.reference is not None:
            age, sex = X["age_years"].to_numpy(dtype=np.float64), X["sex"]
            out[MOLAR_RATIO_SDS.name] = molar_ratio_sds(
                igf1, igfbp3, age=age, sex=sex, reference=self.reference
            )
        return out
