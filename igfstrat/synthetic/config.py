"""The configuration of a synthetic cohort: every number with its evidence, or marked as assumed."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from igfstrat.config import StrictModel
from igfstrat.evidence import get_evidence


class Number(StrictModel):
    """A number and where it comes from: an evidence id, or `assumed: true`."""

    value: float
    evidence: str | None = None
    assumed: bool = False

    @model_validator(mode="after")
    def _has_origin(self) -> Self:
        if (self.evidence is None) == (not self.assumed):
            message = "give either evidence: <id> or assumed: true"
            raise ValueError(message)
        if self.evidence is not None and get_evidence(self.evidence).estimate != self.value:
            message = (
                f"{self.value:g} is not what {self.evidence} reports ({get_evidence(self.evidence).estimate})"
            )
            raise ValueError(message)
        return self


class SubtypeModel(StrictModel):
    """One subtype: its share, IGF-1R prevalence and 10-year DFS in percent, and its hazard ratio."""

    share: Number
    igf1r_high: Number
    dfs_10_year: Number
    relapse_to_progression_months: Number
    igf1r_dfs_hazard_ratio: Number


class CohortConfig(StrictModel):
    """A synthetic cohort of one disease."""

    name: str
    disease: str
    accrual_months: Number
    follow_up_months: Number
    age_mean: Number
    age_sd: Number
    sds_correlation: Number
    missing_ihc: Number
    dropout_per_year: Number
    igf1r_high_at: int = Field(ge=1, le=3)
    subtypes: dict[str, SubtypeModel]

    @model_validator(mode="after")
    def _shares_sum_to_one(self) -> Self:
        total = sum(model.share.value for model in self.subtypes.values())
        if abs(total - 100) > 1e-9:
            message = f"the shares of the subtypes sum to {total:g} percent, not 100"
            raise ValueError(message)
        return self
