"""Serum IGFBP3: standard deviation score by age and sex (Friedrich 2014; evidence E-a-02)."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd

from igfstrat.features.assays import flag_reference_rows, stated_assays
from igfstrat.features.base import FeatureTransformer
from igfstrat.features.reference_range import reference_for, reference_sds
from igfstrat.features.reference_table import Reference
from igfstrat.features.spec import FeatureSpec, RowFlags

IGFBP3_SDS: Final = FeatureSpec(
    name="igfbp3_sds",
    title="Serum IGFBP3, standard deviation score",
    inputs={"igfbp3": "ng/mL", "age_years": "year", "sex": "code"},
    any_of={},
    unit="1",
    bounds=(-15.0, 15.0),
    evidence=("E-a-02",),
)


class Igfbp3Features(FeatureTransformer):
    """Serum IGFBP3 score.

    Parameters
    ----------
    reference : str or Reference
        Key of `igfstrat.features.reference_range.REFERENCES`, or a user's reference that has IGFBP3.

    Examples
    --------
    >>> table = pd.DataFrame({"igfbp3_ng_ml": [5000.0], "age_years": [50.0], "sex": ["female"]})
    >>> Igfbp3Features().fit_transform(table).round(2).to_dict("records")
    [{'igfbp3_sds': 1.21}]
    """

    def __init__(self, reference: str | Reference = "ids_isys_2014") -> None:
        self.reference = reference

    def _required(self) -> list[str]:
        return list(IGFBP3_SDS.inputs)

    def _names(self) -> list[str]:
        return ["igfbp3_sds"]

    def _describe(self) -> dict[str, str]:
        return {"igfbp3_sds": reference_for("igfbp3", self.reference).words}

    def _flags(self, X: pd.DataFrame) -> list[RowFlags]:  # noqa: N803 - scikit-learn's name
        assays = stated_assays(X, "igfbp3_assay", None)
        consequence = "the SDS is shown, but can't be compared with the reference"
        return flag_reference_rows(
            X, "igfbp3", assays=assays, reference=self.reference, consequence=consequence
        )

    def _learn(self, X: pd.DataFrame) -> None:  # noqa: N803
        del X
        reference_for("igfbp3", self.reference)

    def _compute(self, X: pd.DataFrame) -> dict[str, Any]:  # noqa: N803
        value = X["igfbp3_ng_ml"].to_numpy(dtype=np.float64)
        age, sex = X["age_years"].to_numpy(dtype=np.float64), X["sex"]
        return {"igfbp3_sds": reference_sds(value, "igfbp3", age=age, sex=sex, reference=self.reference)}
