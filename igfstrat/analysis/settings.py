"""The `analysis:` section of a plan: what is compared, and how, decided beforehand."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

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


class Duration(StrictModel):
    """A time in one unit."""

    years: float | None = Field(default=None, gt=0)
    months: float | None = Field(default=None, gt=0)

    @model_validator(mode="after")
    def _one_unit(self) -> Self:
        if (self.years is None) == (self.months is None):
            message = "give either years or months"
            raise ValueError(message)
        return self


class RmstSettings(StrictModel):
    """Horizon of restricted mean survival times: `common` is the smaller of the groups' largest times."""

    tau: Literal["common"] | None = None
    years: float | None = Field(default=None, gt=0)
    months: float | None = Field(default=None, gt=0)

    @property
    def in_months(self) -> float | None:
        """The horizon in months; None for the common one."""
        return 12.0 * self.years if self.years is not None else self.months


class CompetingSettings(StrictModel):
    """Column that holds the cause of each event."""

    cause: str


class TreatmentSettings(StrictModel):
    """Column of the treatment, and which of its values is the experimental one."""

    column: str
    experimental: Word


class CutpointSettings(StrictModel):
    """A cut-point that the data choose."""

    marker: str
    method: Literal["maximally_selected"] = "maximally_selected"
    permutations: int = Field(default=10_000, ge=100)


class AnalysisSettings(StrictModel):
    """How groups are compared.

    `headline` is the test that the report leads with; it is chosen here, never by looking at the data.
    """

    headline: Literal["logrank", "stratified_logrank", "rmst_difference"] = "logrank"
    strata: tuple[str, ...] = ()
    covariates: tuple[str, ...] = ()
    subgroups: tuple[str, ...] = ()
    milestones: Milestones = Milestones(years=(1.0, 3.0, 5.0))
    rmst: RmstSettings = RmstSettings(tau="common")
    landmark: Duration | None = None
    competing: CompetingSettings | None = None
    missing: Literal["complete_case", "multiple_imputation"] = "complete_case"
    treatment: TreatmentSettings | None = None
    cutpoint: CutpointSettings | None = None
    alpha: float = Field(default=0.05, gt=0, lt=0.5)
    order: tuple[Word, ...] = ()
