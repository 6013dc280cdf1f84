"""The way between a fitted pipeline and the schema of a model file. Numbers and text only; nothing runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, fields
from typing import Any

import numpy as np

from igfstrat.errors import UsageError
from igfstrat.models._cox_spread import Spread
from igfstrat.models._document import (
    CardDocument,
    DesignDocument,
    EquationDocument,
    ModelDocument,
    NumberDocument,
)
from igfstrat.models._terms import NumberTerm, Term, WordTerm
from igfstrat.models.aft import LogLogisticAFTModel, WeibullAFTModel
from igfstrat.models.base import SurvivalModel
from igfstrat.models.card import ModelCard
from igfstrat.models.censored_normal import CensoredNormal
from igfstrat.models.cox_model import CoxModel
from igfstrat.models.design import DesignMatrix
from igfstrat.models.piecewise import PiecewiseExponentialModel
from igfstrat.models.pipeline import MODELS, RiskPipeline

_DESIGN_PARAMETERS = ("numbers", "words", "indicators", "scale", "censored_normal")


def design_document(design: DesignMatrix) -> dict[str, Any]:
    """What a design matrix learned."""
    return {
        **{name: getattr(design, name) for name in _DESIGN_PARAMETERS},
        "censored": [_censored_document(one) for one in design.censored_],
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


def _censored_document(one: CensoredNormal) -> dict[str, Any]:
    found = {f.name: getattr(one, f.name) for f in fields(one)}
    lists = {"columns": list(one.columns), "coef": one.coef.tolist(), "covariance": one.covariance.tolist()}
    return found | lists


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
    censored = _censored_of(document, terms)
    design = DesignMatrix(
        predictors=tuple(term.name for term in terms),
        interactions=tuple(tuple(pair) for pair in document.interactions),
        strata=tuple(document.strata) if document.strata else None,
        reference={term.name: term.reference for term in words} or None,
        **{name: getattr(document, name) for name in _DESIGN_PARAMETERS},
    )
    design.terms_, design.censored_ = tuple(terms), censored
    design.levels_ = {term.name: term.levels for term in words}
    design.reference_ = {term.name: term.reference for term in words}
    design.feature_names_in_ = np.array(document.headers, dtype=object)
    design.n_features_in_ = len(document.headers)
    design.names_ = tuple(document.columns)
    design.left_out_, design.constants_ = dict(document.left_out), dict(document.constants)
    return design


def _censored_of(document: DesignDocument, terms: Sequence[Term]) -> tuple[CensoredNormal, ...]:
    """Distributions of what may lie beyond a limit; each may name columns of those before it."""
    declared = document.censored_normal or {}
    known = {column for term in terms if term.name not in declared for column in term.main}
    numbers = {term.name for term in terms if isinstance(term, NumberTerm)}
    if [(one.name, one.scale) for one in document.censored] != list(declared.items()) or set(
        declared
    ) - numbers:
        message = "the distributions of values beyond a limit are not those declared"
        raise ValueError(message)
    found = []
    for one in document.censored:
        if set(one.columns) - known:
            message = f"what {one.name} is expected to be rests on columns that the model doesn't have"
            raise ValueError(message)
        arrays = {"coef": np.array(one.coef), "covariance": np.array(one.covariance)}
        found.append(CensoredNormal(**one.model_dump() | arrays | {"columns": tuple(one.columns)}))
        known.add(one.name)
    return tuple(found)


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
        "covariate_covariance": model.covariate_covariance_.tolist() if model.reliability else None,
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
                **_spread_document(model, label),
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


def _spread_document(model: CoxModel, label: str) -> dict[str, Any]:
    """Nothing where a file of schema 1 held nothing, or a lasso has no covariance."""
    if label not in model.spread_ or not np.isfinite(model.covariance_).all():
        return {}
    return {name: part.tolist() for name, part in model.spread_[label]._asdict().items()}


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
    if model.reliability:
        model.covariate_covariance_ = np.array(document.covariate_covariance, dtype=np.float64)
        model.corrected_coefficients()  # refused here if it can't be
    _restore(model, document)
    return model


def _restore(model: SurvivalModel, document: EquationDocument) -> None:
    if isinstance(model, CoxModel):
        curves = document.baseline or {}
        model.baseline_ = {
            k: (np.array(one.time), np.array(one.cumulative_hazard)) for k, one in curves.items()
        }
        model.spread_ = {
            k: Spread(np.array(one.variance), np.array(one.drift).reshape(-1, len(model.coef_)))
            for k, one in curves.items()
            if one.variance is not None
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
