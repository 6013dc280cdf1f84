"""The section `marker`: who is positive in truth, who tests positive, and what happens between sample and result."""

from __future__ import annotations

from typing import Annotated, Final, Literal, Self

from pydantic import Field, model_validator

from igfstrat.config import StrictModel, Word

Share = Annotated[float, Field(ge=0, le=1)]
OpenShare = Annotated[float, Field(gt=0, lt=1)]
Positive = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]

_DAYS: Final = {"days": 1.0, "weeks": 7.0, "months": 365.25 / 12, "years": 365.25}


class PrevalenceSettings(StrictModel):
    """Share of positive patients, in truth or by the test: a number, a beta prior, or a cohort's own share."""

    value: Share | None = None
    mean: OpenShare | None = None
    sd: Positive | None = None
    of: Literal["truth", "test_positive"] = "truth"
    from_cohort: Word | None = None
    map: Word | None = None

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        if sum(x is not None for x in (self.value, self.mean, self.from_cohort)) != 1:
            message = "give one of: value, mean with sd, from_cohort"
            raise ValueError(message)
        if (self.mean is None) != (self.sd is None):
            message = "a prior has both mean and sd"
            raise ValueError(message)
        if self.map is not None and self.from_cohort is None:
            message = "map belongs to from_cohort"
            raise ValueError(message)
        if self.mean is not None and self.sd is not None and self.sd**2 >= self.mean * (1 - self.mean):
            limit = (self.mean * (1 - self.mean)) ** 0.5
            message = f"no distribution of shares with mean {self.mean:g} has sd {self.sd:g}; it is below {limit:.3g}"
            raise ValueError(message)
        return self

    @property
    def centre(self) -> float | None:
        """The value, or the mean of the prior; None where a cohort decides."""
        return self.value if self.value is not None else self.mean


class FailureSettings(StrictModel):
    """Samples without a result, and what follows: the patient is left out, or counted as negative or positive,
    or the sample is drawn again and the test done once more.
    """

    rate: Annotated[float, Field(ge=0, lt=1)]
    then: Literal["excluded", "negative", "positive", "retest"] = "excluded"


class AssaySettings(StrictModel):
    """How well the test finds the true status, how often it fails, and how long it takes."""

    sensitivity: Share | None = None
    specificity: Share | None = None
    measurement_sd: NotNegative | None = None
    against: str | None = None
    failure: FailureSettings = FailureSettings(rate=0.0)
    turnaround_days: NotNegative = 0.0

    @model_validator(mode="after")
    def _better_than_chance(self) -> Self:
        if (self.sensitivity is None) != (self.specificity is None):
            message = "give both sensitivity and specificity"
            raise ValueError(message)
        if self.sensitivity is not None and self.measurement_sd is not None:
            message = "give sensitivity and specificity, or measurement_sd, not both"
            raise ValueError(message)
        if self.sensitivity is None or self.specificity is None:
            return self
        if self.sensitivity + self.specificity <= 1:
            message = f"sensitivity + specificity is {self.sensitivity + self.specificity:g}: no better than a coin; it must be > 1"
            raise ValueError(message)
        return self


class ContinuousSettings(StrictModel):
    """A continuous marker: normal in the population, positive at or above the cut; the cut decides the prevalence
    or the prevalence the cut.
    """

    mean: float = 0.0
    sd: Positive = 1.0
    cut: float | None = None


class MarkerSettings(StrictModel):
    """The marker of a scenario."""

    name: Word = "marker"
    prevalence: PrevalenceSettings | None = None
    continuous: ContinuousSettings | None = None
    assay: AssaySettings = AssaySettings()

    @model_validator(mode="after")
    def _one_origin_of_the_prevalence(self) -> Self:
        cut = self.continuous is not None and self.continuous.cut is not None
        if (self.prevalence is not None) == cut:
            message = "give prevalence, or continuous with a cut, which decides it; not both and not neither"
            raise ValueError(message)
        if self.assay.measurement_sd is not None and self.continuous is None:
            message = "assay.measurement_sd is the error of a continuous marker; give continuous, or sensitivity and specificity"
            raise ValueError(message)
        return self

    def turnaround(self, time_unit: str) -> float:
        """Days until the result, in the scenario's unit."""
        return self.assay.turnaround_days / _DAYS[time_unit]
