"""The section `winners_curse`: what was reported, how often it was looked, the truths to try, and the trial that confirms."""

from __future__ import annotations

import math
from typing import Annotated, Any, Final, Literal, Self

from pydantic import AfterValidator, Field, model_validator
from scipy.special import ndtri

from igfstrat.config import StrictModel
from igfstrat.trials.scenario.design import SimulationSettings
from igfstrat.trials.scenario.history import StoryKeys
from igfstrat.trials.scenario.marker import OpenShare, Positive

Relation = Literal["independent", "overlapping", "nested"]
_MOST_CELLS: Final = 200_000  # of a simulated trial: bounds the memory
RELATIONS: Final[tuple[Relation, ...]] = ("independent", "overlapping", "nested")
Looks = Annotated[int, Field(ge=1, le=200)]


def _distinct(values: tuple[Any, ...]) -> tuple[Any, ...]:
    if not values or len(set(values)) < len(values):
        message = "name one or more, each once"
        raise ValueError(message)
    return values


class RatioSettings(StrictModel):
    """A reported hazard ratio with its interval."""

    hazard_ratio: Positive
    ci: tuple[Positive, Positive]
    level: OpenShare = 0.95

    @model_validator(mode="after")
    def _inside(self) -> Self:
        if not self.ci[0] < self.hazard_ratio < self.ci[1]:
            message = f"the interval {self.ci[0]:g} to {self.ci[1]:g} does not hold {self.hazard_ratio:g}"
            raise ValueError(message)
        return self

    @property
    def std_error(self) -> float:
        """Of the log hazard ratio, from the width of the interval."""
        return math.log(self.ci[1] / self.ci[0]) / (2 * float(ndtri((1 + self.level) / 2)))

    @property
    def z(self) -> float:
        """Log hazard ratio in standard errors; below 0 where the experimental arm did better."""
        return math.log(self.hazard_ratio) / self.std_error

    def events(self, *, split: bool) -> float:
        """Events behind the interval.

        Parameters
        ----------
        split : bool
            Between the arms as the hazard ratio says, instead of halved.

        Returns
        -------
        float
            Their number, above 0.
        """
        halves = 4 / self.std_error**2
        return halves * (1 + self.hazard_ratio) ** 2 / (4 * self.hazard_ratio) if split else halves


class ConfirmationSettings(StrictModel):
    """The trial that shall confirm: its events, and what it showed where it was held."""

    events: Annotated[int, Field(ge=2, le=10_000)]
    alpha: Annotated[float, Field(gt=0, lt=0.5)] = 0.025  # one-sided
    observed: RatioSettings | None = None


class WinnersCurseSettings(StoryKeys):
    """A finding in a subgroup, and how it may have come about."""

    name: str = "winner's curse"
    reported: RatioSettings
    patients: Annotated[int, Field(ge=4, le=5_000)]  # in the subgroup
    share: OpenShare  # of the trial's patients in the subgroup
    looked_at: Annotated[tuple[Looks, ...], AfterValidator(_distinct)] = (1, 5, 10, 20)
    subgroups: Annotated[tuple[Relation, ...], AfterValidator(_distinct)] = RELATIONS
    truths: Annotated[tuple[Positive, ...], AfterValidator(_distinct)] = (1.0,)
    significance: Annotated[float, Field(gt=0, lt=0.5)] = 0.05  # two-sided, of a first trial
    confirmation: ConfirmationSettings | None = None
    simulation: SimulationSettings = SimulationSettings()

    @model_validator(mode="after")
    def _enough_patients(self) -> Self:
        most = max(round(self.reported.events(split=s)) for s in (False, True))
        if self.patients < most:
            message = f"{self.patients} patients can't have the {most} events behind the interval"
            raise ValueError(message)
        cells = self.patients / self.share * sum(self.looked_at)
        if cells > _MOST_CELLS:
            message = (
                f"{self.patients / self.share:,.0f} patients times {sum(self.looked_at)} subgroups are {cells:,.0f} cells a trial,"
                f" at the most {_MOST_CELLS:,}; take fewer subgroups, patients, or a larger share"
            )
            raise ValueError(message)
        if round(self.reported.events(split=False)) < 2:
            message = "the interval is so wide that fewer than 2 events lie behind it"
            raise ValueError(message)
        return self


class WinnersCurseFile(StrictModel):
    """A file that holds the section alone."""

    winners_curse: WinnersCurseSettings


__all__ = [
    "RELATIONS",
    "ConfirmationSettings",
    "RatioSettings",
    "Relation",
    "WinnersCurseFile",
    "WinnersCurseSettings",
]
