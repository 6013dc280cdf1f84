"""What has to be said about a model beside its equation: for whom, from whom, how good, on what evidence.

The items follow the headings of TRIPOD+AI in words of our own. What nobody stated is said to be not stated.

References
----------
.. [1] Collins GS, Moons KGM, Dhiman P, et al. TRIPOD+AI statement: updated guidance for reporting clinical prediction
   models that use regression or machine learning methods. BMJ 2024;385:e078378.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from igfstrat.models._terms import NumberTerm, Term
from igfstrat.models.dilution import in_words

if TYPE_CHECKING:
    from igfstrat.models._resampling import Measured
    from igfstrat.models.comparing import Comparison
    from igfstrat.models.pipeline import RiskPipeline
    from igfstrat.models.validation import Validation

RESEARCH_USE: Final = "Research use only; not for the care of a patient."
NOT_STATED: Final = "not stated"
_JUDGED: Final = {
    "apparent": "on the same patients",
    "cross_validated": "by cross-validation",
    "optimism_corrected": "corrected for optimism by the bootstrap",
    "external": "on other patients",
}
Figures = Mapping[str, Mapping[str, tuple[float | None, float | None, float | None]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCard:
    """What people say about a model; `save_model` adds what the model says itself.

    Parameters
    ----------
    name : str
        Title of the model.
    endpoint : str
        Endpoint with its definition, such as ``dfs (STEEP)``.
    time_unit : str
        Unit of every time: months, days or years.
    horizons : tuple of float
        Times at which risk is predicted.
    intended_use : str
        For whom and for which decision.
    population : str
        Whom the training patients stand for: setting, years, inclusion.
    feature_plan : dict
        The plan's features with their parameters, as plain values.
    evidence : tuple of str
        Ids of the registry on which the choice of predictors rests.
    data_sha256 : str
        Hash of the training data, see `training_hash`.
    metrics : dict of str to dict
        Measures by kind of validation: (value, lower limit, upper limit), None where not estimable.
    limits : str
        Known weaknesses.
    """

    name: str
    endpoint: str
    time_unit: str
    horizons: tuple[float, ...] = ()
    intended_use: str = RESEARCH_USE
    population: str = NOT_STATED
    feature_plan: Mapping[str, Any] = field(default_factory=dict)
    evidence: tuple[str, ...] = ()
    data_sha256: str = ""
    metrics: Figures = field(default_factory=dict)
    limits: str = NOT_STATED


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredModel:
    """A model with what is said about it.

    Parameters
    ----------
    pipeline : RiskPipeline
        Fitted: design matrix and model.
    card : ModelCard
        What people said.
    sha256 : str
        Checksum of the content, 64 hexadecimal digits.
    """

    pipeline: RiskPipeline
    card: ModelCard
    sha256: str


def metrics_of(*validations: Validation) -> dict[str, dict[str, tuple[float | None, ...]]]:
    """Measures of validations, ready for a card.

    Parameters
    ----------
    *validations : Validation
        Of the model, each of another kind.

    Returns
    -------
    dict of str to dict of str to tuple of float or None
        By kind and measure: value, lower and upper limit; None for NaN.
    """
    return {one.kind: _figures(one.measures) for one in validations}


def comparison_metrics(comparison: Comparison) -> dict[str, dict[str, tuple[float | None, ...]]]:
    """What a model was set beside, ready for a card.

    Parameters
    ----------
    comparison : Comparison
        Of `compare_with_baselines`.

    Returns
    -------
    dict of str to dict of str to tuple of float or None
        `optimism_corrected`; by baseline its own measures and, after ``over:``, the model's less these; `added_value`
        where markers were tested. Value, lower and upper limit; None for NaN.
    """
    found = metrics_of(comparison.corrected)
    for name, one in comparison.baselines.items():
        found[name] = _figures(one.measures) | {f"over:{m}": f for m, f in _figures(one.differences).items()}
    if comparison.added is not None:
        added = comparison.added
        test = {
            "likelihood_ratio": added.test.statistic,
            "degrees_of_freedom": float(added.test.df),
            "p_value": added.test.p_value,
            "alpha": added.alpha,
        }
        found["added_value"] = {name: (v, None, None) for name, v in test.items()} | _figures(
            added.differences
        )
    return found


def _figures(measures: Mapping[str, Measured]) -> dict[str, tuple[float | None, ...]]:
    return {
        name: tuple(v if math.isfinite(v) else None for v in measured) for name, measured in measures.items()
    }


def model_card_items(model: StoredModel) -> dict[str, Any]:
    """Everything a model card shows, as plain values in reading order.

    Parameters
    ----------
    model : StoredModel
        From `load_model` or `stored_model`.

    Returns
    -------
    dict of str to Any
        Texts, lists and mappings; the rendering is the report's.
    """
    card, last = model.card, model.pipeline.steps[-1][1]
    return {
        "name": card.name,
        "purpose": RESEARCH_USE,
        "intended_use": card.intended_use,
        "endpoint": card.endpoint,
        "time_unit": card.time_unit,
        "horizons": list(card.horizons),
        "model": {"type": type(last).__name__, **_plain(last.get_params())},
        "equation": last.coefficients().reset_index().to_dict("records"),
        "corrected_equation": _corrected(last),
        "reliability": in_words(last.reliability),
        "beyond_limit": [_beyond(one) for one in model.pipeline["design"].censored_],
        "predictors": [_predictor(term) for term in model.pipeline["design"].terms_],
        "left_out": dict(model.pipeline["design"].left_out_),
        "training": {
            "population": card.population,
            "n_patients": last.n_patients_,
            "n_events": last.n_events_,
            "n_left_out": last.n_left_out_,
            "data_sha256": card.data_sha256 or NOT_STATED,
        },
        "metrics": {kind: dict(figures) for kind, figures in card.metrics.items()},
        "evidence": list(card.evidence),
        "limits": card.limits,
        "tripod_ai": tripod_items(model.pipeline, card),
        "sha256": model.sha256,
    }


def tripod_items(pipeline: Any, card: ModelCard) -> dict[str, str]:
    """Topics of TRIPOD+AI with what this model says to each.

    Parameters
    ----------
    pipeline : RiskPipeline
        Fitted.
    card : ModelCard
        What people said.

    Returns
    -------
    dict of str to str
        By topic.
    """
    design, last = pipeline["design"], pipeline.steps[-1][1]
    filled = [term for term in design.terms_ if term.fill is not None]
    horizons = ", ".join(f"{t:g}" for t in card.horizons) or NOT_STATED
    return {
        "title": f"{card.name}: development of a model for {card.endpoint}",
        "intended use": card.intended_use,
        "data and participants": card.population,
        "outcome": f"{card.endpoint}, time in {card.time_unit}, horizons {horizons}",
        "predictors": "; ".join(_in_words(term) for term in design.terms_),
        "sample size": f"{last.n_patients_} patients with {last.n_events_} events for {len(last.coef_)} coefficients",
        "missing data": "; ".join(
            [
                "; ".join(f"{term.name}: {term.remedy()}" for term in filled)
                or f"complete cases; {last.n_left_out_} rows were left out",
                *(_beyond(one) for one in design.censored_),
            ]
        ),
        "analysis": f"{type(last).__name__} ({_settings(last)}); not estimable and left out: {', '.join(design.left_out_) or 'nothing'}"
        + (f"; {in_words(last.reliability)}" if last.reliability else ""),
        "performance": ", ".join(_JUDGED[kind] for kind in card.metrics if kind in _JUDGED) or NOT_STATED,
        "fairness": NOT_STATED,
        "limitations": card.limits,
        "code and data": f"igfstrat, this file; training data by hash: {card.data_sha256 or NOT_STATED}",
    }


def _corrected(last: Any) -> list[dict[str, Any]]:
    """Coefficients without regression dilution, beside those of the measured values."""
    return last.corrected_coefficients().reset_index().to_dict("records") if last.reliability else []


def _beyond(one: Any) -> str:
    scale = "its logarithm is" if one.scale == "log" else "it is"
    return (
        f"{one.name} beyond a limit ({one.n_beyond} of {one.n_beyond + one.n_measured} in training): its expected value, "
        f"where {scale} normal given {', '.join(one.columns) or 'nothing else'}"
    )


def _predictor(term: Term) -> dict[str, Any]:
    common: dict[str, Any] = {"name": term.name, "missing": term.remedy(), "columns": list(term.main)}
    if isinstance(term, NumberTerm):
        return common | {
            "kind": "number",
            "range": [term.lowest, term.highest],
            "mean": term.mean,
            "scale": term.scale,
        }
    return common | {"kind": "word", "levels": list(term.levels), "reference": term.reference}


def _in_words(term: Term) -> str:
    if isinstance(term, NumberTerm):
        return f"{term.name} ({term.lowest:g} to {term.highest:g})"
    return f"{term.name} ({', '.join(term.levels)}; reference {term.reference})"


def _settings(model: Any) -> str:
    """Parameters that are set, in words; a reliability has a sentence of its own."""
    shown = {k: v for k, v in _plain(model.get_params()).items() if v is not None and k != "reliability"}
    return ", ".join(f"{k} {', '.join(map(str, v)) if isinstance(v, list) else v}" for k, v in shown.items())


def _plain(parameters: Mapping[str, Any]) -> dict[str, Any]:
    return {name: list(value) if isinstance(value, tuple) else value for name, value in parameters.items()}
