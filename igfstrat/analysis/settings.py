"""The `analysis:` section of a plan: what is compared, and how, decided beforehand."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from igfstrat.config import StrictModel, Word


class Milestones(StrictModel):
    """Times at which survival is read off, in one unit."""

    years: tuple[float, ...] = ()
    months: tuple[float, ...] = ()

    @field_validator("years", "months")
    @classmethod
    def _positive(cls, times: tuple[float, ...]) -> tuple[float, ...]:
        if any(not time > 0 for time in times):
            message = "milestones must be > 0"
            raise ValueError(message)
        return times

    @property
    def in_months(self) -> tuple[float, ...]:
        """All milestones in months, increasing."""
        return tuple(sorted({*self.months, *(12.0 * year for year in self.years)}))


class AnalysisSettings(StrictModel):
    """How groups are compared.

    `headline` is the test that the report leads with; it is chosen here, never by looking at the data.
    """

    headline: Literal["logrank", "stratified_logrank", "rmst_difference"] = "logrank"
    strata: tuple[str, ...] = ()
    milestones: Milestones = Milestones(years=(1.0, 3.0, 5.0))
    alpha: float = Field(default=0.05, gt=0, lt=0.5)
    order: tuple[Word, ...] = ()
