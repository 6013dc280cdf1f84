"""Other serum analytes of the axis: logarithm to base 2, and a status where a plan gives the cut.

IGF-2, IGFBP1, 2, 4, 5 and 6, free IGF-1, VEGF-C, insulin and HbA1c. None has a packaged reference or
a published cut here: their assays differ too much, and the one cut of free IGF-1 that was published
for a drug stands in a retracted paper and is not used. HbA1c is near to symmetric and stays as it is.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from igfstrat.errors import ConfigError
from igfstrat.features.base import FeatureTransformer
from igfstrat.features.spec import FeatureSpec, RowFlags, flag_where
from igfstrat.features.status import (
    HIGH,
    INDETERMINATE,
    LOW,
    limits_of,
    quantile_of_limits,
    status_from_limits,
)
from igfstrat.schema import COLUMNS

# canonical column, and evidence on its serum level; empty where the registry has none
_LIST: Final[tuple[tuple[str, tuple[str, ...]], ...]] = (
    ("igf2", ("E-d-12h", "E-d-19e", "E-d-19f")),
    ("igfbp1", ()),
    ("igfbp2", ("E-d-12i", "E-e-04c")),
    ("igfbp4", ()),
    ("igfbp5", ()),
    ("igfbp6", ()),
    ("free_igf1", ("E-a-22",)),
    ("vegfc", ("S1-77c",)),
    ("insulin", ("S3-08",)),
    ("hba1c_percent", ()),
)
# features that stay on the scale of their column, under a name without the unit
_AS_IS: Final[dict[str, str]] = {"hba1c_percent": "hba1c"}


def _value_name(analyte: str) -> str:
    return _AS_IS.get(analyte, f"{analyte}_log2")


def _status_name(analyte: str) -> str:
    return f"{_AS_IS.get(analyte, analyte)}_status"


def _value_spec(analyte: str, evidence: tuple[str, ...]) -> FeatureSpec:
    column = COLUMNS[analyte]
    low, high = column.bounds
    if analyte in _AS_IS:
        title, unit, bounds = column.title, column.unit, (low, high)
    else:
        title, unit = f"{column.title}, log2", f"log2({column.unit})"
        bounds = (float(np.log2(low)) if low > 0 else float("-inf"), float(np.log2(high)))
    return FeatureSpec(
        name=_value_name(analyte), title=title, inputs={analyte: column.unit}, any_of={}, unit=unit,
        bounds=bounds, evidence=evidence,
    )  # fmt: skip


def _status_spec(analyte: str, evidence: tuple[str, ...]) -> FeatureSpec:
    column = COLUMNS[analyte]
    return FeatureSpec(
        name=_status_name(analyte), title=f"{column.title} status", inputs={analyte: column.unit}, any_of={},
        unit="code", words=(HIGH, LOW, INDETERMINATE), evidence=evidence,
    )  # fmt: skip


SERUM_ANALYTES: Final[tuple[str, ...]] = tuple(analyte for analyte, _ in _LIST)
SERUM_SPECS: Final[dict[str, FeatureSpec]] = {  # always computable
    spec.name: spec for spec in (_value_spec(*entry) for entry in _LIST)
}
SERUM_STATUS_SPECS: Final[dict[str, FeatureSpec]] = {  # only where a plan gives the cut
    spec.name: spec for spec in (_status_spec(*entry) for entry in _LIST)
}


def log2_concentration(value: ArrayLike) -> NDArray[np.float64]:
    """Logarithm to base 2 of concentrations.

    Parameters
    ----------
    value : array-like of float, shape (n,)
        Concentrations, >= 0, in any one unit; NaN (not measured) stays NaN.

    Returns
    -------
    ndarray of float64, shape (n,)
        One more for each doubling; NaN for 0, which has no logarithm.

    Examples
    --------
    >>> log2_concentration([8.0, 0.5, 0.0])
    array([ 3., -1., nan])
    """
    x = np.asarray(value, dtype=np.float64)
    return np.log2(np.where(x > 0, x, np.nan))


class SerumFeatures(FeatureTransformer):
    """One of the other serum analytes: its value, and its status where a cut is given.

    Parameters
    ----------
    analyte : str
        One of `SERUM_ANALYTES`.
    at_least : float or None
        High is this value or more, in the canonical unit and not its logarithm.
    quantile : float or None
        High is above this quantile of the cohort that it is fitted on.
    indeterminate : float
        Half-width of the band around the cut, in the canonical unit.

    Attributes
    ----------
    cut_ : float
        The cut; NaN where values between limits leave a quantile open, and then every status is indeterminate.
    n_fit_ : int
        Values that a quantile was taken from.
    """

    def __init__(
        self,
        analyte: str = "igf2",
        at_least: float | None = None,
        quantile: float | None = None,
        indeterminate: float = 0.0,
    ) -> None:
        self.analyte = analyte
        self.at_least = at_least
        self.quantile = quantile
        self.indeterminate = indeterminate

    @property
    def _has_status(self) -> bool:
        return self.at_least is not None or self.quantile is not None

    def _required(self) -> list[str]:
        return [self.analyte]

    def _names(self) -> list[str]:
        return [_value_name(self.analyte), *([_status_name(self.analyte)] if self._has_status else [])]

    def _describe(self) -> dict[str, str]:
        column = COLUMNS[self.analyte]
        scale = (
            f"in {column.unit}, as measured"
            if self.analyte in _AS_IS
            else f"log2 of {column.unit}; none of zero"
        )
        said = {_value_name(self.analyte): scale}
        if not self._has_status:
            return said
        sign = "≥" if self.at_least is not None else ">"
        text = f"high: {column.title} {sign} {self.cut_:.6g} {column.unit}"
        if self.quantile is not None:
            which = "median" if self.quantile == 0.5 else f"{self.quantile:g} quantile"
            text += f", the {which} of {self.n_fit_} values of this cohort"
        if self.indeterminate:
            text += f"; within {self.indeterminate:g} {column.unit} of the cut indeterminate"
        return said | {_status_name(self.analyte): text}

    def _flags(self, X: pd.DataFrame) -> list[RowFlags]:  # noqa: N803 - scikit-learn's name
        if self.analyte in _AS_IS:
            return []
        header = COLUMNS[self.analyte].header
        zero = X[header].to_numpy(dtype=np.float64) <= 0
        remedy = f"zero has no logarithm: {_value_name(self.analyte)} is missing; state the detection limit, such as <0.1"
        return flag_where(zero, "not_log_scale", header, remedy)

    def _learn(self, X: pd.DataFrame) -> None:  # noqa: N803
        self._check_parameters()
        for name in ("cut_", "n_fit_"):
            self.__dict__.pop(name, None)
        self._check_table(X)
        if self.at_least is not None:
            self.cut_ = float(self.at_least)
        elif self.quantile is not None:
            lower, upper = limits_of(X, COLUMNS[self.analyte].header)
            self.n_fit_ = int((~(np.isnan(lower) & np.isnan(upper))).sum())
            self.cut_ = quantile_of_limits(lower, upper, self.quantile)

    def _check_parameters(self) -> None:
        faults = {
            f"{self.analyte!r} is none of {', '.join(SERUM_ANALYTES)}": self.analyte not in SERUM_ANALYTES,
            "give at_least or quantile, not both": self.at_least is not None and self.quantile is not None,
            "quantile must lie between 0 and 1": self.quantile is not None and not 0 < self.quantile < 1,
            "indeterminate must be >= 0": not self.indeterminate >= 0,
        }
        found = [text for text, holds in faults.items() if holds]
        if found:
            message = f"serum features: {'; '.join(found)}"
            raise ConfigError(message)

    def _compute(self, X: pd.DataFrame) -> dict[str, Any]:  # noqa: N803
        header = COLUMNS[self.analyte].header
        value = X[header].to_numpy(dtype=np.float64)
        out: dict[str, Any] = {
            _value_name(self.analyte): value.copy() if self.analyte in _AS_IS else log2_concentration(value)
        }
        if self._has_status:
            limits = limits_of(X, header)
            above = self.quantile is not None
            out[_status_name(self.analyte)] = status_from_limits(
                *limits, cut=self.cut_, above=above, band=self.indeterminate
            )
        return out
