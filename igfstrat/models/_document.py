"""The schema of a model file. Numbers and text only; nothing runs."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Annotated, Final, Literal, Self

from pydantic import Field, JsonValue, model_validator

from igfstrat.config import StrictModel

SCHEMA: Final = "igfstrat.model/2"
# 2 adds what limits of survival need, stated reliabilities, and values beyond a limit; 1 is still read
SCHEMAS: Final = ("igfstrat.model/1", SCHEMA)
Figure = list[float | None]
Count = Annotated[int, Field(ge=0)]


class NumberDocument(StrictModel):
    """A number among the predictors."""

    kind: Literal["number"] = "number"
    name: str
    fill: float | None
    mean: float
    scale: Annotated[float, Field(gt=0)]
    lowest: float
    highest: float
    indicator: bool


class WordDocument(StrictModel):
    """A word among the predictors."""

    kind: Literal["word"] = "word"
    name: str
    levels: list[str] = Field(min_length=1)
    reference: str
    fill: str | None
    indicator: bool


class CensoredDocument(StrictModel):
    """What a number that may lie beyond a limit is expected to be, given the others."""

    name: str
    scale: Literal["linear", "log"]
    columns: list[str]
    coef: list[float]
    log_sigma: float
    covariance: list[list[float]]
    n_measured: Count
    n_beyond: Count

    @model_validator(mode="after")
    def _check(self) -> Self:
        k = len(self.columns)
        if len(self.coef) != k + 1 or not _is_square(self.covariance, k + 2):
            message = f"{self.name}: coefficients beside columns of another number"
            raise ValueError(message)
        return self


class DesignDocument(StrictModel):
    """How a table becomes columns."""

    numbers: str | float | None
    words: str | None
    indicators: bool
    scale: bool
    censored_normal: dict[str, Literal["linear", "log"]] | None = None
    censored: list[CensoredDocument] = Field(default_factory=list)
    predictors: list[NumberDocument | WordDocument] = Field(min_length=1)
    interactions: list[list[str]]
    strata: list[str] | None
    headers: list[str]
    columns: list[str] = Field(min_length=1)
    left_out: dict[str, str]
    constants: dict[str, float]


class CoefficientDocument(StrictModel):
    """A coefficient and the training mean of its column."""

    name: str
    coef: float
    mean: float


class BaselineDocument(StrictModel):
    """A cumulative baseline hazard at the training means: what it is after each time, and how sure."""

    time: list[float]
    cumulative_hazard: list[float]
    variance: list[Annotated[float, Field(ge=0)]] | None = None
    drift: list[list[float]] | None = None
    last_followup: float

    def fits(self, p: int) -> bool:
        """Whether the lengths are those of one curve with p covariates."""
        m = len(self.time)
        spread = (self.variance is None) == (self.drift is None)
        if self.variance is not None and self.drift is not None:
            spread = len(self.variance) == len(self.drift) == m and {len(row) for row in self.drift} <= {p}
        ascends = _ascends(self.time) and _ascends(self.cumulative_hazard)
        return spread and ascends and len(self.cumulative_hazard) == m


class EquationDocument(StrictModel):
    """The model itself; which further fields it has depends on its type."""

    type: Literal["cox", "weibull_aft", "log_logistic_aft", "piecewise_exponential"]
    settings: dict[str, JsonValue]
    coefficients: list[CoefficientDocument] = Field(min_length=1)
    parameter_names: list[str]
    covariance: list[list[float]] | None
    covariate_covariance: list[list[float]] | None = None
    baseline: dict[str, BaselineDocument] | None = None
    intercept: float | None = None
    log_scale: float | None = None
    log_likelihood: float | None = None
    breakpoints: list[float] | None = None
    log_rates: list[float] | None = None
    last_followup: float | None = None
    n_patients: Count
    n_events: Count
    n_left_out: Count

    @model_validator(mode="after")
    def _check(self) -> Self:
        p, q = len(self.coefficients), len(self.parameter_names)
        square = self.covariance is None or _is_square(self.covariance, q)
        square &= self.covariate_covariance is None or _is_square(self.covariate_covariance, p)
        wanted = {
            "cox": self.baseline is not None,
            "weibull_aft": None not in (self.intercept, self.log_scale),
            "log_logistic_aft": None not in (self.intercept, self.log_scale),
            "piecewise_exponential": self.log_rates is not None
            and self.breakpoints is not None
            and self.last_followup is not None
            and len(self.log_rates) == len(self.breakpoints) + 1,
        }
        whole = all(one.fits(p) for one in (self.baseline or {}).values())
        if not (square and wanted[self.type] and whole and _ascends(self.breakpoints or [])):
            message = "the equation of the model doesn't hold together: lengths or orders don't fit"
            raise ValueError(message)
        return self


class CardDocument(StrictModel):
    """What people said about the model."""

    name: str
    endpoint: str
    time_unit: str
    horizons: list[float]
    intended_use: str
    population: str
    feature_plan: dict[str, JsonValue]
    evidence: list[str]
    data_sha256: str
    metrics: dict[str, dict[str, Figure]]
    limits: str


class ModelDocument(StrictModel):
    """A whole model file."""

    format: Literal["igfstrat.model/1", "igfstrat.model/2"] = Field(alias="schema")
    igfstrat: str
    purpose: str
    card: CardDocument
    design: DesignDocument
    model: EquationDocument
    tripod_ai: dict[str, str]
    checksum: str

    @model_validator(mode="after")
    def _check(self) -> Self:
        if [one.name for one in self.model.coefficients] != self.design.columns:
            message = "the coefficients of the model are not those of its columns"
            raise ValueError(message)
        return self


def _ascends(values: Sequence[float]) -> bool:
    return all(a < b for a, b in pairwise(values)) and min(values, default=0) >= 0


def _is_square(values: Sequence[Sequence[float]], n: int) -> bool:
    return [len(row) for row in values] == [n] * n
