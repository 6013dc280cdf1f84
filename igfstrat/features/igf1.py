"""Serum IGF-1: standard deviation score by age, sex and assay, and its status.

Values of two IGF-1 assays differ by half to more than one standard deviation, so a score against
another assay's reference is shown but decides nothing: its status is indeterminate, unless
`assume_assay` says that the assay is the reference's.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from igfstrat.features.base import FeatureTransformer
from igfstrat.features.reference_range import (
    REFERENCES,
    flag_reference_rows,
    reference_sds,
    stated_assays,
)
from igfstrat.features.spec import FeatureSpec, RowFlags
from igfstrat.features.status import INDETERMINATE, limits_of, status_from_limits

IGF1_SDS: Final = FeatureSpec(
    name="igf1_sds",
    title="Serum IGF-1, standard deviation score",
    inputs={"igf1": "ng/mL", "age_years": "year", "sex": "code"},
    any_of={},
    unit="1",
    bounds=(-15.0, 15.0),
    evidence=("E-a-01", "E-a-23"),
)
IGF1_STATUS: Final = FeatureSpec(
    name="igf1_status",
    title="Serum IGF-1 status",
    inputs=IGF1_SDS.inputs,
    any_of={},
    unit="code",
    evidence=("E-a-01", "E-a-23"),
)


class Igf1Features(FeatureTransformer):
    """Serum IGF-1 score, and status where a cut is given.

    Parameters
    ----------
    reference : str
        Key of `igfstrat.features.reference_range.REFERENCES`.
    sds_above : float or None
        Scores above it are high; None gives no status.
    assume_assay : str or None
        Assay of values whose assay isn't stated.
    """

    def __init__(
        self,
        reference: str = "ids_isys_2014",
        sds_above: float | None = None,
        assume_assay: str | None = None,
    ) -> None:
        self.reference = reference
        self.sds_above = sds_above
        self.assume_assay = assume_assay

    def _required(self) -> list[str]:
        return list(IGF1_SDS.inputs)

    def _names(self) -> list[str]:
        return ["igf1_sds"] + (["igf1_status"] if self.sds_above is not None else [])

    def _describe(self) -> dict[str, str]:
        sds = f"LMS reference {self.reference} (assay {REFERENCES[self.reference]}) by age and sex, knots joined linearly"
        cut = (
            f"high: SDS > {self.sds_above:g}; indeterminate unless the assay is the reference's"
            if self.sds_above is not None
            else ""
        )
        return {"igf1_sds": sds} | ({"igf1_status": cut} if cut else {})

    def _flags(self, X: pd.DataFrame) -> list[RowFlags]:  # noqa: N803 - scikit-learn's name
        consequence = "the SDS is shown, its status stays indeterminate"
        return flag_reference_rows(
            X, "igf1", assays=self._assays(X), reference=self.reference, consequence=consequence
        )

    def _assays(self, table: pd.DataFrame) -> NDArray[np.object_]:
        return stated_assays(table, "igf1_assay", self.assume_assay)

    def _compute(self, X: pd.DataFrame) -> dict[str, Any]:  # noqa: N803
        who = {"age": X["age_years"].to_numpy(dtype=np.float64), "sex": X["sex"].to_numpy(dtype=object)}
        sds = reference_sds(
            X["igf1_ng_ml"].to_numpy(dtype=np.float64), "igf1", reference=self.reference, **who
        )
        out: dict[str, Any] = {"igf1_sds": sds}
        if self.sds_above is not None:
            lower, upper = limits_of(X, "igf1_ng_ml")
            out["igf1_status"] = self._status(X, lower, upper, who)
        return out

    def _status(
        self, table: pd.DataFrame, lower: NDArray[np.float64], upper: NDArray[np.float64], who: dict[str, Any]
    ) -> NDArray[np.object_]:
        assert self.sds_above is not None
        # a limit of 0 or infinity lies beyond any score
        ends = []
        for limit, beyond in ((lower, (0.0, -np.inf)), (upper, (np.inf, np.inf))):
            sds = reference_sds(
                np.where(np.isfinite(limit), limit, np.nan), "igf1", reference=self.reference, **who
            )
            ends.append(np.where(limit == beyond[0], beyond[1], sds))
        status = status_from_limits(*ends, cut=self.sds_above, above=True)
        other_assay = np.array(
            [assay != REFERENCES[self.reference] for assay in self._assays(table)], dtype=bool
        )
        # measured, but no reference for this age or assay: that is doubt, not a missing value
        measured = (np.isfinite(lower) | np.isfinite(upper)) & np.isfinite(who["age"]) & pd.notna(who["sex"])
        status[measured & (other_assay | pd.isna(status))] = INDETERMINATE
        return status
