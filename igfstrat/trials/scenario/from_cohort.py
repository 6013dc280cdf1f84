"""The section `from_cohort`: what a cohort spreadsheet decides of a scenario, and how it is read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, Self

from pydantic import Field, model_validator

from igfstrat.config import StrictModel, Word
from igfstrat.trials.scenario.marker import Positive

Taken = Literal["prevalence", "assay", "control"]
BESIDE: Final = "given beside the scenario"  # where the cohort comes by --cohort


class FromCohortSettings(StrictModel):
    """What a cohort decides: the share of positive patients, the error of the test, times on control.

    `file`, `map` and `plan` lie in the scenario's folder or below it, or are packaged; a cohort beside the scenario
    (`--cohort`) comes before `file`. `by` is the status that makes patients positive, the marker's name where left out.
    """

    file: Word | None = None
    map: Word | None = None
    plan: Word | None = None
    by: Word | None = None
    positive: tuple[Word, ...] = ("high", "positive")
    negative: tuple[Word, ...] | None = None  # every other word, but indeterminate, where left out
    take: Annotated[tuple[Taken, ...], Field(min_length=1)] = ("prevalence", "assay", "control")
    hazards: Literal["pieces", "weibull"] = "pieces"
    pieces: Annotated[int, Field(ge=1, le=12)] | None = None  # by the number of events where left out
    prior_sd: Positive | None = None  # of the log prognostic hazard ratio; from the registry where left out
    subgroups: Word | None = None  # a column or feature whose mix and hazards are taken too
    bootstrap: Annotated[int, Field(ge=39, le=5000)] = 199

    @model_validator(mode="after")
    def _words_of_one_side(self) -> Self:
        twice = set(self.positive) & set(self.negative or ())
        if twice or not self.positive:
            message = f"a word is positive or negative, not both and not none; found {', '.join(sorted(twice)) or 'no positive word'}"
            raise ValueError(message)
        if self.subgroups is not None and "control" not in self.take:
            message = "subgroups come with their hazards; take control too"
            raise ValueError(message)
        return self


def with_places(data: Mapping[str, Any]) -> Mapping[str, Any]:
    """Settings in which the prevalence is said to come from the cohort, where a section `from_cohort` stands for it."""
    section, marker = data.get("from_cohort"), data.get("marker")
    if not isinstance(section, Mapping) or not isinstance(marker, Mapping) or "prevalence" in marker:
        return data
    continuous = marker.get("continuous")
    if isinstance(continuous, Mapping) and continuous.get("cut") is not None:
        return data
    return {**data, "marker": {**marker, "prevalence": {"from_cohort": section.get("file") or BESIDE}}}
