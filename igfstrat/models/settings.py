"""The `model:` section of a plan: which risk model is fitted, from what, for which horizons."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from igfstrat.config import StrictModel


class Penalty(StrictModel):
    """Strength of the penalty on the coefficients: a number, or tuned by cross-validation."""

    ridge: Literal["tuned"] | float | None = None
    lasso: Literal["tuned"] | float | None = None


class Horizons(StrictModel):
    """Times at which risk is predicted."""

    months: tuple[float, ...] = ()
    years: tuple[float, ...] = ()


class ModelSettings(StrictModel):
    """A risk model."""

    type: Literal["cox", "weibull_aft", "log_logistic_aft", "piecewise_exponential"] = "cox"
    predictors: tuple[str, ...] = Field(min_length=1)
    interactions: tuple[tuple[str, str], ...] = ()
    penalty: Penalty = Penalty()
    horizons: Horizons = Horizons()
