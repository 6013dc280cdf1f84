"""The sections that decide outcomes: control, treatment, subgroups, progression and death, accrual and dropout.

Shorthands become one form when they are read: a number is one piece without an end, a list of accrual
rates is `pieces`, one hazard ratio holds in both strata.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Annotated, Any, Final, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from igfstrat.config import StrictModel, Word
from igfstrat.trials.scenario.marker import NotNegative, OpenShare, Positive, Share

UNITS_PER_YEAR: Final = {"days": 365.25, "weeks": 365.25 / 7, "months": 12.0, "years": 1.0}
TimeUnit = Literal["days", "weeks", "months", "years"]


def _ordered(pieces: tuple[Any, ...]) -> tuple[Any, ...]:
    """Pieces follow one another from 0, and the last has no end."""
    ends = [piece.until for piece in pieces]
    if not ends or ends[-1] is not None or any(end is None for end in ends[:-1]):
        message = "every piece but the last has an `until`, and the last has none"
        raise ValueError(message)
    if any(after <= before for before, after in pairwise(ends[:-1])):
        message = "the `until` of pieces must ascend"
        raise ValueError(message)
    return pieces


class HazardPiece(StrictModel):
    """A rate of events per unit of time, until a time since randomization."""

    until: Positive | None = None
    rate: NotNegative


class EffectPiece(StrictModel):
    """A hazard ratio, until a time since randomization."""

    until: Positive | None = None
    hazard_ratio: Positive


def _as_pieces(value: Any) -> Any:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return ({"hazard_ratio": value},)
    if not isinstance(value, tuple | list):
        message = "must be a number, or a list of pieces `{until: …, hazard_ratio: …}`"
        raise ValueError(message)
    return value


def _as_both(value: Any) -> Any:
    return value if isinstance(value, dict | StrictModel) else {"positive": value, "negative": value}


HazardPieces = Annotated[tuple[HazardPiece, ...], AfterValidator(_ordered)]
Effect = Annotated[
    tuple[EffectPiece, ...],
    AfterValidator(_ordered),
    BeforeValidator(_as_pieces, json_schema_input_type=float | tuple[EffectPiece, ...]),
]


class WeibullSettings(StrictModel):
    """Weibull times: a shape with the median or the scale."""

    shape: Positive
    median: Positive | None = None
    scale: Positive | None = None

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        if (self.median is None) == (self.scale is None):
            message = "give median or scale"
            raise ValueError(message)
        return self


class CureSettings(StrictModel):
    """A share that never has the event; the median is that of the others."""

    fraction: OpenShare
    median: Positive


class HazardSettings(StrictModel):
    """Times to the event in one of four forms: median of an exponential, pieces, Weibull, cure."""

    median: Positive | None = None
    hazard: HazardPieces | None = None
    weibull: WeibullSettings | None = None
    cure: CureSettings | None = None

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        if sum(x is not None for x in (self.median, self.hazard, self.weibull, self.cure)) != 1:
            message = "give one of: median, hazard, weibull, cure"
            raise ValueError(message)
        return self


class ControlSettings(HazardSettings):
    """Marker-negative patients on control, and the positive ones by a hazard ratio or by their own times."""

    prognostic_hazard_ratio: Effect = (EffectPiece(hazard_ratio=1.0),)
    positive: HazardSettings | None = None

    @model_validator(mode="after")
    def _one_prognostic_effect(self) -> Self:
        if self.positive is not None and "prognostic_hazard_ratio" in self.model_fields_set:
            message = "give prognostic_hazard_ratio, or the times of the positive patients, not both"
            raise ValueError(message)
        return self


class StratumEffects(StrictModel):
    """Hazard ratio of experimental over control in each true marker stratum; the null until said otherwise."""

    positive: Effect = (EffectPiece(hazard_ratio=1.0),)
    negative: Effect = (EffectPiece(hazard_ratio=1.0),)


class TreatmentSettings(StrictModel):
    """What the experimental arm does."""

    hazard_ratio: Annotated[
        StratumEffects, BeforeValidator(_as_both, json_schema_input_type=float | StratumEffects)
    ] = StratumEffects()


class SubgroupSettings(StrictModel):
    """A subgroup beside the marker: its share, and factors on the control hazard and on the treatment's hazard ratio."""

    name: Word
    share: OpenShare
    control_hazard_ratio: Positive = 1.0
    treatment_hazard_ratio: Positive = 1.0


class ScanSettings(StrictModel):
    """Progression is seen at the next scan only: scans every so often since randomization."""

    every: Positive


class CrossoverSettings(StrictModel):
    """Control patients who take the experimental drug after progression, and its hazard ratio for death from then on."""

    probability: Share
    hazard_ratio: Positive = 1.0


class HarmSettings(StrictModel):
    """Harm to survival, looked for at every look before efficacy: the one-sided p-value of the log-rank test that the
    experimental arm dies sooner is below a number, or the hazard ratio of death above one. A trial then stops and claims
    nothing, or goes on and is flagged.
    """

    p_below: OpenShare | None = None
    hazard_ratio_above: Positive | None = None
    deaths_at_least: Annotated[int, Field(ge=1)] = 1
    then: Literal["stop", "flag"] = "stop"

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        if (self.p_below is None) == (self.hazard_ratio_above is None):
            message = "give p_below or hazard_ratio_above"
            raise ValueError(message)
        return self


class OverallSurvivalSettings(StrictModel):
    """Death beside progression: before it as a competing risk, after it with its own times and crossover.

    The sections `control` and `treatment` are then about progression. Times after progression count from it on.
    With `endpoint: os` the designs are about death, else about the first of both, and harm to survival may end a trial.
    """

    before_progression: HazardSettings | None = None
    before_progression_hazard_ratio: Annotated[
        StratumEffects, BeforeValidator(_as_both, json_schema_input_type=float | StratumEffects)
    ] = StratumEffects()
    after_progression: HazardSettings
    after_progression_hazard_ratio: Annotated[
        StratumEffects, BeforeValidator(_as_both, json_schema_input_type=float | StratumEffects)
    ] = StratumEffects()
    crossover: CrossoverSettings | None = None
    harm: HarmSettings | None = None


class ResponseShares(StrictModel):
    """Share of responders in each true marker stratum."""

    positive: Share
    negative: Share


class ResponseSettings(StrictModel):
    """Binary response by arm and true marker stratum, read at a time since randomization."""

    control: ResponseShares
    experimental: ResponseShares
    assessed_at: NotNegative = 0.0


class AccrualPiece(StrictModel):
    """Patients screened a month, until a calendar time."""

    until: Positive | None = None
    screened_per_month: NotNegative


class AccrualSettings(StrictModel):
    """How patients come: screened at rates, or a fixed number randomized uniformly over a time."""

    screened_per_month: Positive | None = None
    randomized_uniformly_over: Positive | None = None
    pieces: Annotated[tuple[AccrualPiece, ...], AfterValidator(_ordered)] | None = None

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        forms = (self.screened_per_month, self.randomized_uniformly_over, self.pieces)
        if sum(x is not None for x in forms) != 1:
            message = "give screened_per_month, a list of pieces with it, or randomized_uniformly_over"
            raise ValueError(message)
        if self.pieces and self.pieces[-1].screened_per_month == 0:
            message = "the last piece has a rate of 0, so that the trial might never fill"
            raise ValueError(message)
        return self

    def rate_pieces(self, time_unit: TimeUnit) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Starts and patients screened per unit of time; empty for `randomized_uniformly_over`."""
        if self.randomized_uniformly_over is not None:
            return (), ()
        per_unit = 12 / UNITS_PER_YEAR[time_unit]
        if self.pieces is None:
            return (0.0,), (float(self.screened_per_month or 0) * per_unit,)
        starts = (0.0, *(float(piece.until) for piece in self.pieces if piece.until is not None))
        return starts, tuple(piece.screened_per_month * per_unit for piece in self.pieces)


def _as_accrual(value: Any) -> Any:
    return {"pieces": value} if isinstance(value, tuple | list) else value


Accrual = Annotated[
    AccrualSettings,
    BeforeValidator(_as_accrual, json_schema_input_type=AccrualSettings | tuple[AccrualPiece, ...]),
]


class DropoutRate(StrictModel):
    """Loss to follow-up at a constant rate: the probability within a year, or the rate itself."""

    probability_per_year: Annotated[float, Field(ge=0, lt=1)] | None = None
    rate_per_year: NotNegative | None = None

    def rate(self, time_unit: TimeUnit) -> float:
        """Rate per unit of time."""
        yearly = self.rate_per_year or 0.0
        if self.probability_per_year is not None:
            yearly = -math.log1p(-self.probability_per_year)
        return yearly / UNITS_PER_YEAR[time_unit]


class DropoutSettings(DropoutRate):
    """Dropout of both arms, or of each."""

    control: DropoutRate | None = None
    experimental: DropoutRate | None = None

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        both = sum(x is not None for x in (self.probability_per_year, self.rate_per_year))
        arms = sum(x is not None for x in (self.control, self.experimental))
        if (both, arms) not in {(0, 0), (1, 0), (0, 2)}:
            message = "give probability_per_year, or rate_per_year, or both arms with one of them each"
            raise ValueError(message)
        return self

    def rates(self, time_unit: TimeUnit) -> tuple[float, float]:
        """Rates per unit of time of the control and the experimental arm."""
        control, experimental = self.control or self, self.experimental or self
        return control.rate(time_unit), experimental.rate(time_unit)
