"""The section `history`: what a preset of the past rests on, what was observed, and what was not found."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from igfstrat.config import StrictModel, Word
from igfstrat.evidence import load_evidence
from igfstrat.trials.scenario.marker import OpenShare, Positive
from igfstrat.trials.scenario.outcome import TreatmentSettings


def _known(ids: tuple[str, ...]) -> tuple[str, ...]:
    unknown = [key for key in ids if key not in load_evidence()]
    if unknown:
        message = f"no evidence entry is named {', '.join(unknown)}; see `igfstrat evidence`"
        raise ValueError(message)
    return ids


class StoryKeys(StrictModel):
    """Where numbers come from: registry ids, and in plain words what is derived, assumed or was not found."""

    evidence: Annotated[tuple[Word, ...], AfterValidator(_known)] = ()
    derived: tuple[str, ...] = ()
    assumed: tuple[str, ...] = ()
    not_found: tuple[str, ...] = ()
    note: str = ""

    @property
    def retracted(self) -> tuple[str, ...]:
        """Ids of entries from retracted sources."""
        return tuple(key for key in self.evidence if load_evidence()[key].status == "retracted")


class ObservedRatio(StrictModel):
    """A hazard ratio that was observed, with its interval where one was reported."""

    value: Positive
    ci: tuple[Positive, Positive] | None = None
    level: OpenShare = 0.95


class ObservedArms(StrictModel):
    """A number of each arm that was observed: a median, or a share free of the event."""

    control: Positive | None = None
    experimental: Positive | None = None


class ObservedShares(ObservedArms):
    """Shares still free of the event at a time since randomization."""

    at: Positive


Who = Literal["overall", "positive", "negative"]


class ObservedSettings(StrictModel):
    """What the trial reported, by who was analysed (by the test)."""

    hazard_ratio: dict[Who, ObservedRatio] = Field(default_factory=dict)
    median: dict[Who, ObservedArms] = Field(default_factory=dict)
    event_free: dict[Who, ObservedShares] = Field(default_factory=dict)


class HistorySettings(StoryKeys):
    """A trial of the past. The truth of the scenario stays the null; `truths` are others to replay it under."""

    design: Word | None = None  # that was held; the first where left out
    observed: ObservedSettings = ObservedSettings()
    truths: dict[Word, TreatmentSettings] = Field(default_factory=dict)
