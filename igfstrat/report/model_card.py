"""A model card: for whom a model is, what it takes, its equation, how good it is, and what it can't do.

Everything comes from the model file, so that the card can be made again wherever the file went.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd

from igfstrat.models import StoredModel, model_card_items
from igfstrat.models.metrics import read_horizons
from igfstrat.report._wording import p_words, people
from igfstrat.report.document import Block, Document, Paragraph, Section
from igfstrat.report.formatting import DASH, format_number
from igfstrat.report.tables import Table

Figure = Sequence[float | None]
Figures = Mapping[str, Figure]

MEASURES: Final = {
    "c_harrell": "C (Harrell)",
    "c_uno": "C (Uno)",
    "auc": "AUC",
    "brier": "Brier score",
    "ibs": "Integrated Brier score",
    "ipa": "Index of prediction accuracy",
    "observed_expected": "Observed over expected events",
    "calibration_intercept": "Calibration intercept (0 is right)",
    "calibration_slope": "Calibration slope (1 is right)",
    "ici": "Integrated calibration index (0 is right)",
}
_KINDS: Final = {
    "apparent": "Same patients (apparent)",
    "optimism_corrected": "Corrected for optimism",
    "cross_validated": "Cross-validated",
    "external": "Other patients",
}
_TYPES: Final = {
    "CoxModel": "Cox proportional hazards model",
    "WeibullAFTModel": "Weibull accelerated failure time model",
    "LogLogisticAFTModel": "log-logistic accelerated failure time model",
    "PiecewiseExponentialModel": "piecewise exponential model",
}


def measure_title(name: str, unit: str) -> str:
    """A measure in words.

    Parameters
    ----------
    name : str
        Such as ``auc@36``.
    unit : str
        Unit of the horizons.

    Returns
    -------
    str
        With its horizon, where it has one.

    Examples
    --------
    >>> measure_title("auc@36", "months"), measure_title("c_uno", "months")
    ('AUC at 36 months', 'C (Uno)')
    """
    base, _, at = name.partition("@")
    return f"{MEASURES.get(base, base)} at {at} {unit}" if at else MEASURES.get(base, base)


def figure_text(figure: Figure, digits: int = 3) -> str:
    """A measure with its interval.

    Parameters
    ----------
    figure : sequence of float or None, length 3
        Value, lower and upper limit; None where there is none.
    digits : int
        Decimals.

    Returns
    -------
    str
        ``0.712 (0.650–0.771)``; a dash where there is no value.

    Examples
    --------
    >>> figure_text((0.712, 0.65, 0.771)), figure_text((None, None, None))
    ('0.712 (0.650–0.771)', '–')
    """
    value, low, high = figure
    if value is None:
        return DASH
    if low is None or high is None:
        return format_number(value, digits)
    # a dash between negative numbers reads as one more minus
    between = " to " if low < 0 or high < 0 else "–"
    return (
        f"{format_number(value, digits)} ({format_number(low, digits)}{between}{format_number(high, digits)})"
    )


def model_card(model: StoredModel) -> Document:
    """The card of a model.

    Parameters
    ----------
    model : StoredModel
        From `load_model` or `stored_model`.

    Returns
    -------
    Document
        Tables and words, no figure.
    """
    items = model_card_items(model)
    sections = (
        Section(key="summary", title="In short", blocks=_summary(items)),
        Section(key="use", title="Intended use", blocks=(Paragraph(text=items["intended_use"]),)),
        Section(key="predictors", title="Predictors", blocks=_predictors(items)),
        Section(key="equation", title="Equation", blocks=_equation(model, items)),
        Section(key="performance", title="Performance", blocks=_performance(items)),
        Section(key="added_value", title="What the IGF markers add", blocks=_added(items)),
        Section(key="training", title="Training data", blocks=_training(items)),
        Section(key="limits", title="Limits", blocks=(Paragraph(text=items["limits"], kind="caution"),)),
        Section(key="tripod", title="Reporting by TRIPOD+AI", blocks=_tripod(items)),
    )
    return Document(
        title=items["name"],
        subtitle=(f"Model card · {items['endpoint']}", f"checksum {items['sha256']}"),
        sections=sections,
        footer="everything here stands in the model file too, at full precision · research use only",
    )


def _summary(items: Mapping[str, Any]) -> tuple[Block, ...]:
    training, corrected = items["training"], items["metrics"].get("optimism_corrected", {})
    kind = _TYPES.get(items["model"]["type"], items["model"]["type"])
    horizons = ", ".join(f"{t:g}" for t in items["horizons"])
    said = [
        f"A {kind} for {items['endpoint']}, fitted to {people(training['n_patients'], 'patient')} with"
        f" {people(training['n_events'], 'event')}. It predicts survival at {horizons} {items['time_unit']}."
    ]
    if "c_harrell" in corrected:
        said.append(f"C after correction for optimism: {figure_text(corrected['c_harrell'])}.")
    lead: list[Block] = [Paragraph(text=" ".join(said), kind="lead")]
    found = added_sentence(items["metrics"].get("added_value", {}))
    lead += [Paragraph(text=found, kind="lead")] if found else []
    size = items["metrics"].get("sample_size", {})
    needed = size.get("patients_needed", (None,))[0]
    if needed is not None and needed > training["n_patients"]:
        lead.append(Paragraph(text=size_sentence(size, training["n_patients"]), kind="caution"))
    return tuple(lead)


def added_sentence(found: Figures) -> str:
    """Whether the IGF markers add anything, in words.

    Parameters
    ----------
    found : mapping of str to sequence
        The card's figures of added value; empty where it has none.

    Returns
    -------
    str
        A sentence; "" where nothing was tested.

    Examples
    --------
    >>> added_sentence({"likelihood_ratio": (1.0, None, None), "degrees_of_freedom": (2.0, None, None),
    ...     "p_value": (0.6, None, None), "alpha": (0.05, None, None)})
    'The IGF markers were not shown to add anything to the other predictors (likelihood ratio 1.00 on 2 degrees of freedom, p = 0.60).'
    """
    if "p_value" not in found:
        return ""
    statistic, df, p, alpha = (
        found[name][0] for name in ("likelihood_ratio", "degrees_of_freedom", "p_value", "alpha")
    )
    adds = p is not None and alpha is not None and p < alpha
    what = "add to the other predictors" if adds else "were not shown to add anything to the other predictors"
    degrees = f"{df:.0f} degree{'' if df == 1 else 's'} of freedom"
    return f"The IGF markers {what} (likelihood ratio {format_number(statistic)} on {degrees}, {p_words(p)})."


def size_sentence(size: Figures, n_patients: int) -> str:
    """How many patients Riley's criteria ask for, in words.

    Parameters
    ----------
    size : mapping of str to sequence
        The card's figures of the sample size.
    n_patients : int
        Patients fitted.

    Returns
    -------
    str
        A sentence.
    """
    needed, events, parameters, r_squared = (
        float(size[name][0] or 0)
        for name in ("patients_needed", "events_needed", "candidate_parameters", "anticipated_r_squared")
    )
    return (
        f"Riley's criteria ask for {needed:.0f} patients with {events:.0f} events for {parameters:.0f} candidate parameters,"
        f" at an anticipated Cox–Snell R² of {format_number(r_squared, 3)} (15 % of the largest possible);"
        f" there are {n_patients} patients."
    )


def _predictors(items: Mapping[str, Any]) -> tuple[Block, ...]:
    rows = []
    for one in items["predictors"]:
        if one["kind"] == "number":
            low, high = one["range"]
            known = f"{low:.4g} to {high:.4g}".replace("-", "−")
        else:
            known = ", ".join(f"{v} (reference)" if v == one["reference"] else v for v in one["levels"])
        rows.append((one["name"], known, one["missing"]))
    table = Table(
        caption="What the model takes",
        header=("Predictor", "Training values", "Where it is missing"),
        rows=tuple(rows),
        footnotes=("A value outside the training range is scored and flagged; a level that training didn't have is not scored.",),
        counts=tuple((None,) * 3 for _ in rows),
    )  # fmt: skip
    left = [
        Paragraph(text=f"{name} is left out: {why}.", kind="item") for name, why in items["left_out"].items()
    ]
    return (table, *left)


def _equation(model: StoredModel, items: Mapping[str, Any]) -> tuple[Block, ...]:
    last = model.pipeline.steps[-1][1]
    scales = {p["name"]: p for p in items["predictors"] if p["kind"] == "number"}
    rows = []
    for one in items["equation"]:
        name = str(one["parameter"])
        scaled = scales.get(name)
        per = f"per {scaled['scale']:.3g}, from {scaled['mean']:.3g}".replace("-", "−") if scaled else ""
        value, low, high = (float(one[key]) for key in ("coef", "ci_lower", "ci_upper"))
        known = tuple(v if np.isfinite(v) else None for v in (value, low, high))
        rows.append((name, per, figure_text(known)))
    head = "Coefficient (95 % CI)"
    blocks: list[Block] = [
        Table(
            caption=f"Coefficients of the {_TYPES.get(items['model']['type'], items['model']['type'])}",
            header=("Column", "Unit", head),
            rows=tuple(rows),
            footnotes=_of_coefficients(items),
            counts=tuple((None,) * 3 for _ in rows),
        )
    ]
    if not items["model"].get("strata"):
        blocks.append(_baseline(last, items))
    return tuple(blocks)


def _of_coefficients(items: Mapping[str, Any]) -> tuple[str, ...]:
    parameters = items["model"]
    said = []
    if parameters["type"] == "CoxModel":
        said.append("Log hazard ratios: above 0 the hazard is higher.")
        if parameters.get("penalizer"):
            said.append(
                f"Shrunken by a penalty of {parameters['penalizer']:.3g} (share of the lasso {parameters['l1_ratio']:g});"
                " such coefficients are biased towards 0, and their intervals don't count that."
            )
    elif "AFT" in parameters["type"]:
        said.append("Log time ratios: above 0 the event comes later.")
    return tuple(said)


def _baseline(last: Any, items: Mapping[str, Any]) -> Table:
    times = read_horizons(items["horizons"])
    mean = pd.DataFrame([last.mean_], columns=[str(name) for name in last.feature_names_in_])
    survival = last.predict_survival_function(mean, times)[0]
    rows = tuple(
        (f"{t:g} {items['time_unit']}", format_number(float(s), 4))
        for t, s in zip(times, survival, strict=True)
    )
    return Table(
        caption="Survival of a patient at the training means",
        header=("Time", "Survival"),
        rows=rows,
        counts=tuple((None, None) for _ in rows),
    )


def _performance(items: Mapping[str, Any]) -> tuple[Block, ...]:
    kinds = {kind: title for kind, title in _KINDS.items() if kind in items["metrics"]}
    if not kinds:
        return (Paragraph(text="Not stated."),)
    names = list(dict.fromkeys(name for kind in kinds for name in items["metrics"][kind]))
    rows = tuple(
        (
            measure_title(name, items["time_unit"]),
            *(figure_text(items["metrics"][kind].get(name, (None, None, None))) for kind in kinds),
        )
        for name in names
    )
    table = Table(
        caption="How good the predictions are (95 % interval)",
        header=("Measure", *kinds.values()),
        rows=rows,
        footnotes=("The apparent figures flatter the model: it has seen these patients. The index of prediction accuracy compares"
                   " with the Kaplan–Meier curve of everyone: at or below 0 the model tells no more than that curve.",),
        counts=tuple((None,) * (1 + len(kinds)) for _ in rows),
    )  # fmt: skip
    return (table,)


def _added(items: Mapping[str, Any]) -> tuple[Block, ...]:
    found = items["metrics"].get("added_value", {})
    text = added_sentence(found)
    if not text:
        return (
            Paragraph(text="Not tested: the model has no IGF marker beside other predictors, or nothing else."),
        )  # fmt: skip
    differences = {n: f for n, f in found.items() if n.partition("@")[0] in MEASURES}
    rows = tuple((measure_title(n, items["time_unit"]), figure_text(f)) for n, f in differences.items())
    table = Table(
        caption="With the markers less without them, corrected for optimism",
        header=("Measure", "Difference (95 % interval)"),
        rows=rows,
        footnotes=("The likelihood-ratio test decides; these differences describe. For the Brier score less is better.",),
        counts=tuple((None, None) for _ in rows),
    )  # fmt: skip
    return (Paragraph(text=text), table)


def _training(items: Mapping[str, Any]) -> tuple[Block, ...]:
    training = items["training"]
    said = (
        f"{training['population']}.",
        f"{people(training['n_patients'], 'patient')} with {people(training['n_events'], 'event')};"
        f" {training['n_left_out']} more lacked a predictor and were left out.",
        f"Hash of the training data: {training['data_sha256']}.",
        f"Evidence behind the predictors: {', '.join(items['evidence']) or 'none named'}.",
    )
    return tuple(Paragraph(text=text, kind="item") for text in said)


def _tripod(items: Mapping[str, Any]) -> tuple[Block, ...]:
    rows = tuple((topic[:1].upper() + topic[1:], text) for topic, text in items["tripod_ai"].items())
    counts = tuple((None, None) for _ in rows)
    return (
        Table(caption="What this model says to each topic", header=("Topic", "Here"), rows=rows, counts=counts),
    )  # fmt: skip
