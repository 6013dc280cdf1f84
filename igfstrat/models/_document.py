"""The schema of a model file, and the way between it and a fitted pipeline. Numbers and text only; nothing runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from itertools import pairwise
from typing import Annotated, Any, Final, Literal, Self

import numpy as np
from pydantic import Field, JsonValue, model_validator

from igfstrat.config import StrictModel
from igfstrat.errors import UsageError
from igfstrat.models._terms import NumberTerm, Term, WordTerm
from igfstrat.models.aft import LogLogisticAFTModel, WeibullAFTModel
from igfstrat.models.base import SurvivalModel
from igfstrat.models.card import ModelCard
from igfstrat.models.cox_model import CoxModel
from igfstrat.models.design import DesignMatrix
from igfstrat.models.piecewise import PiecewiseExponentialModel
from igfstrat.models.pipeline import MODELS, RiskPipeline

SCHEMA: Final = "igfstrat.model/1"
Figure = list[float | None]
Count = Annotated[int, Field(ge=0)]
_DESIGN_PARAMETERS = ("numbers", "words", "indicators", "scale")


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


class DesignDocument(StrictModel):
    """How a table becomes columns."""

    numbers: str | float | None
    words: str | None
    indicators: bool
    scale: bool
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
    """A cumulative baseline hazard at the training means: what it is after each time."""

    time: list[float]
    cumulative_hazard: list[float]
    last_followup: float


class EquationDocument(StrictModel):
    """The model itself; which further fields it has depends on its type."""

    type: Literal["cox", "weibull_aft", "log_logistic_aft", "piecewise_exponential"]
    settings: dict[str, JsonValue]
    coefficients: list[CoefficientDocument] = Field(min_length=1)
    parameter_names: list[str]
    covariance: list[list[float]] | None
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
        q = len(self.parameter_names)
        square = self.covariance is None or [len(row) for row in self.covariance] == [q] * q
        wanted = {
            "cox": self.baseline is not None,
            "weibull_aft": None not in (self.intercept, self.log_scale),
            "log_logistic_aft": None not in (self.intercept, self.log_scale),
            "piecewise_exponential": self.log_rates is not None
            and self.breakpoints is not None
            and self.last_followup is not None
            and len(self.log_rates) == len(self.breakpoints) + 1,
        }
        curves = list((self.baseline or {}).values())
        whole = all(
            _ascends(one.time, 0) and _ascends(one.cumulative_hazard, len(one.time)) for one in curves
        )
        same = all(len(one.time) == len(one.cumulative_hazard) for one in curves)
        if not (square and wanted[self.type] and whole and same and _ascends(self.breakpoints or [], 0)):
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

    format: Literal["igfstrat.model/1"] = Field(alias="schema")
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


def _ascends(values: Sequence[float], n: int) -> bool:
    return len(values) >= n and all(a < b for a, b in pairwise(values)) and min(values, default=0) >= 0


def design_document(design: DesignMatrix) -> dict[str, Any]:
    """What a design matrix learned."""
    return {
        **{name: getattr(design, name) for name in _DESIGN_PARAMETERS},
        "predictors": [_term_document(term) for term in design.terms_],
        "interactions": [list(pair) for pair in design.interactions],
        "strata": list(design.strata) if design.strata else None,
        "headers": design.feature_names_in_.tolist(),
        "columns": list(design.names_),
        "left_out": dict(design.left_out_),
        "constants": dict(design.constants_),
    }


def _term_document(term: Term) -> dict[str, Any]:
    kind = "number" if isinstance(term, NumberTerm) else "word"
    plain = {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(term).items()}
    return {"kind": kind, **plain}


def design_of(document: DesignDocument) -> DesignMatrix:
    """A fitted design matrix from its document."""
    terms: list[Term] = []
    for one in document.predictors:
        plain = one.model_dump(exclude={"kind"})
        if isinstance(one, NumberDocument):
            terms.append(NumberTerm(**plain))
        else:
            terms.append(WordTerm(**plain | {"levels": tuple(one.levels)}))
    words = [term for term in terms if isinstance(term, WordTerm)]
    design = DesignMatrix(
        predictors=tuple(term.name for term in terms),
        interactions=tuple(tuple(pair) for pair in document.interactions),
        strata=tuple(document.strata) if document.strata else None,
        reference={term.name: term.reference for term in words} or None,
        **{name: getattr(document, name) for name in _DESIGN_PARAMETERS},
    )
    design.terms_ = tuple(terms)
    design.levels_ = {term.name: term.levels for term in words}
    design.reference_ = {term.name: term.reference for term in words}
    design.feature_names_in_ = np.array(document.headers, dtype=object)
    design.n_features_in_ = len(document.headers)
    design.names_ = tuple(document.columns)
    design.left_out_, design.constants_ = dict(document.left_out), dict(document.constants)
    return design


def equation_document(model: SurvivalModel) -> dict[str, Any]:
    """What a model learned."""
    kind = next((name for name, cls in MODELS.items() if type(model) is cls), None)
    if kind is None:
        message = f"{type(model).__name__} can't be stored: a model file holds {', '.join(MODELS)} only"
        raise UsageError(message)
    names = model._covariate_names()
    known = np.isfinite(model.covariance_).all()
    columns = zip(names, model.coef_.tolist(), model.mean_.tolist(), strict=True)
    settings = {k: list(v) if isinstance(v, tuple) else v for k, v in model.get_params().items()}
    return {
        "type": kind,
        "settings": settings,
        "coefficients": [{"name": name, "coef": coef, "mean": mean} for name, coef, mean in columns],
        "parameter_names": list(model.parameter_names_),
        "covariance": model.covariance_.tolist() if known else None,
        **_own_part(model),
        "n_patients": model.n_patients_,
        "n_events": model.n_events_,
        "n_left_out": model.n_left_out_,
    }


def _own_part(model: SurvivalModel) -> dict[str, Any]:
    if isinstance(model, CoxModel):
        curves = {
            label: {
                "time": time.tolist(),
                "cumulative_hazard": hazard.tolist(),
                "last_followup": model.last_followup_[label],
            }
            for label, (time, hazard) in model.baseline_.items()
        }
        return {"baseline": curves}
    if isinstance(model, WeibullAFTModel | LogLogisticAFTModel):
        numbers = {"intercept": model.intercept_, "log_scale": model.log_scale_}
        return numbers | {"log_likelihood": model.log_likelihood_}
    assert isinstance(model, PiecewiseExponentialModel)
    return {
        "breakpoints": model.breakpoints_.tolist(),
        "log_rates": model.log_rates_.tolist(),
        "last_followup": model.last_followup_,
        "log_likelihood": model.log_likelihood_,
    }


def model_of(document: EquationDocument, strata: Sequence[str]) -> SurvivalModel:
    """A fitted model from its document; `strata` are the columns that the design matrix passes on."""
    settings = {k: tuple(v) if isinstance(v, list) else v for k, v in document.settings.items()}
    cls = MODELS[document.type]
    if set(settings) - set(cls().get_params()):
        message = f"a {document.type} model has no setting {', '.join(sorted(set(settings) - set(cls().get_params())))}"
        raise ValueError(message)
    model = cls(**settings)
    model._check_parameters()
    names = [one.name for one in document.coefficients]
    model.feature_names_in_ = np.array([*names, *strata], dtype=object)
    model.n_features_in_ = len(names) + len(strata)
    model.coef_ = np.array([one.coef for one in document.coefficients])
    model.mean_ = np.array([one.mean for one in document.coefficients])
    model.parameter_names_ = tuple(document.parameter_names)
    q = len(model.parameter_names_)
    model.covariance_ = (
        np.full((q, q), np.nan) if document.covariance is None else np.array(document.covariance)
    )
    model.n_patients_, model.n_events_ = document.n_patients, document.n_events
    model.n_left_out_ = document.n_left_out
    _restore(model, document)
    return model


def _restore(model: SurvivalModel, document: EquationDocument) -> None:
    if isinstance(model, CoxModel):
        curves = document.baseline or {}
        model.baseline_ = {
            k: (np.array(one.time), np.array(one.cumulative_hazard)) for k, one in curves.items()
        }
        model.last_followup_ = {k: one.last_followup for k, one in curves.items()}
        return
    model.log_likelihood_ = document.log_likelihood
    if isinstance(model, PiecewiseExponentialModel):
        model.breakpoints_, model.log_rates_ = np.array(document.breakpoints), np.array(document.log_rates)
        model.last_followup_ = float(document.last_followup or 0.0)
    elif isinstance(model, WeibullAFTModel | LogLogisticAFTModel):
        model.intercept_, model.log_scale_ = (
            float(document.intercept or 0.0),
            float(document.log_scale or 0.0),
        )


def card_document(card: ModelCard) -> dict[str, Any]:
    """What people said, as plain lists."""
    metrics = {kind: {name: list(v) for name, v in figures.items()} for kind, figures in card.metrics.items()}
    lists = {"horizons": list(card.horizons), "evidence": list(card.evidence), "metrics": metrics}
    return {**{name: getattr(card, name) for name in ModelCard.__slots__}, **lists}


def card_of(document: CardDocument) -> ModelCard:
    """What people said, from the file."""
    plain = document.model_dump()
    metrics = {
        kind: {name: tuple(v) for name, v in figures.items()} for kind, figures in plain["metrics"].items()
    }
    lists = {"horizons": tuple(plain["horizons"]), "evidence": tuple(plain["evidence"]), "metrics": metrics}
    return ModelCard(**plain | lists)


def pipeline_of(document: ModelDocument) -> RiskPipeline:
    """A fitted pipeline from its document."""
    design = design_of(document.design)
    model = model_of(document.model, document.design.strata or ())
    return RiskPipeline([("design", design), ("model", model)])
