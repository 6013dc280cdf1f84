"""The section `search`: between what to choose, within which limits, and what may be otherwise than assumed."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from igfstrat.config import StrictModel, Word
from igfstrat.trials.scenario.marker import OpenShare, Positive

_MOST_LOOKS = 10


class LimitSettings(StrictModel):
    """The most that a design may expect to take: cost, time until its end (in `time_unit`), patients."""

    cost: Positive | None = None
    duration: Positive | None = None
    randomized: Positive | None = None
    screened: Positive | None = None


class SearchSettings(StrictModel):
    """What a search of designs chooses.

    `over` holds choices by name. A name that is a path of the scenario has values of that path
    (`marker.continuous.cut: [0, 0.5, 1]`); under any other name each choice sets several paths together
    (`assay: [{marker.assay.sensitivity: 0.8, costs.screen: 300}, {marker.assay.sensitivity: 0.95, costs.screen: 900}]`).
    """

    over: dict[str, Annotated[tuple[Any, ...], Field(min_length=1)]] = Field(default_factory=dict)
    looks: Annotated[tuple[Annotated[int, Field(ge=1, le=_MOST_LOOKS)], ...], Field(min_length=1)] | None = (
        None
    )
    powers: Annotated[tuple[OpenShare, ...], Field(min_length=1)] | None = None  # beside the one asked for
    patients_per_event: Annotated[tuple[Annotated[float, Field(ge=1)], ...], Field(min_length=1)] | None = (
        None
    )
    limits: LimitSettings = LimitSettings()
    sensitivity: dict[Word, tuple[Any, Any]] | None = None  # the range of what is assumed, a path each
    prune: bool = True

    @model_validator(mode="after")
    def _values_differ(self) -> Self:
        for name in ("looks", "powers", "patients_per_event"):
            values = getattr(self, name) or ()
            if len(set(values)) < len(values):
                message = f"{name} holds a value twice"
                raise ValueError(message)
        return self
