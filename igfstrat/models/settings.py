"""The `model:` section of a plan: which risk model is fitted, from what, for which horizons."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from igfstrat.config import StrictModel, Word

Strength = Literal["tuned"] | Annotated[float, Field(ge=0)] | None


class Penalty(StrictModel):
    """Strength of the penalty on the coefficients: a number, or tuned by cross-validation.

    Both together are an elastic net: the strengths add up, and their ratio is the share of the lasso.
    """

    ridge: Strength = None
    lasso: Strength = None

    @property
    def tuned(self) -> bool:
        """Whether a strength is to be found by cross-validation."""
        return "tuned" in (self.ridge, self.lasso)

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.tuned and len({self.ridge, self.lasso} - {None}) > 1:
            message = "ridge and lasso must both be tuned or both be numbers; leave one out, or tune both"
            raise ValueError(message)
        return self


class Horizons(StrictModel):
    """Times at which risk is predicted."""

    months: tuple[float, ...] = ()
    years: tuple[float, ...] = ()


class Imputation(StrictModel):
    """What stands for a missing predictor. Nothing declared: such a row is neither fitted nor scored.

    `censored_normal` names numbers that may lie beyond a limit, with the scale on which they are normal given the others.
    """

    numbers: Literal["median"] | float | None = None
    words: Literal["most_frequent", "own_level"] | None = None
    indicators: bool = True
    censored_normal: dict[str, Literal["linear", "log"]] = Field(default_factory=dict)


class ModelSettings(StrictModel):
    """A risk model."""

    type: Literal["cox", "weibull_aft", "log_logistic_aft", "piecewise_exponential"] = "cox"
    predictors: tuple[str, ...] = Field(min_length=1)
    interactions: tuple[tuple[str, str], ...] = ()
    strata: tuple[str, ...] = ()
    reference: dict[str, Word] = Field(default_factory=dict)
    penalty: Penalty = Penalty()
    imputation: Imputation = Imputation()
    reliability: dict[str, Annotated[float, Field(gt=0, le=1)]] = Field(default_factory=dict)
    scale: bool = True
    intervals: int = Field(default=4, ge=1, le=50)
    horizons: Horizons = Horizons()

    @model_validator(mode="after")
    def _check(self) -> Self:
        unknown = {name for pair in self.interactions for name in pair} - set(self.predictors)
        strange = set(self.reference) - set(self.predictors)
        unreliable = set(self.reliability) - set(self.predictors)
        unlimited = set(self.imputation.censored_normal) - set(self.predictors)
        crossed = {name for pair in self.interactions for name in pair} & set(self.reliability)
        faults = [
            (len(set(self.predictors)) < len(self.predictors), "a predictor stands twice"),
            (bool(unknown), f"interactions of what is no predictor: {', '.join(sorted(unknown))}"),
            (any(a == b for a, b in self.interactions), "an interaction of a predictor with itself"),
            (bool(strange), f"a reference level for what is no predictor: {', '.join(sorted(strange))}"),
            (bool(unreliable), f"a reliability of what is no predictor: {', '.join(sorted(unreliable))}"),
            (bool(unlimited), f"censored_normal of what is no predictor: {', '.join(sorted(unlimited))}"),
            (bool(crossed), f"a reliability of what is in an interaction: {', '.join(sorted(crossed))}"),
            (bool(self.reliability) and self.penalty != Penalty(), "a reliability beside a penalty"),
            (bool(set(self.strata) & set(self.predictors)), "a stratum can't be a predictor too"),
            (self.type != "cox" and bool(self.strata), "only a Cox model has strata"),
            (self.type != "cox" and self.penalty != Penalty(), "only a Cox model has a penalty"),
        ]
        found = [words for wrong, words in faults if wrong]
        if found:
            raise ValueError("; ".join(found))
        return self
