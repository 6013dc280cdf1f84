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
from igfstrat.report._wording import people
from igfstrat.report.document import Block, Document, Paragraph, Section
from igfstrat.report.formatting import DASH, format_number
from igfstrat.report.model_wording import (
    BASELINES,
    MEASURES,
    added_sentence,
    baseline_sentences,
    figure_text,
    measure_title,
    size_sentence,
)
from igfstrat.report.tables import Table

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
        Section(key="baselines", title="What it has to beat", blocks=_baselines(items)),
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
        lead.append(
            Paragraph(text=size_sentence(size, training["n_patients"], training["n_events"]), kind="caution")
        )
    return tuple(lead)


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
    is_cox, rows = items["model"]["type"] == "CoxModel", []
    for one in items["equation"]:
        name = str(one["parameter"])
        value, low, high = (float(one[key]) for key in ("coef", "ci_lower", "ci_upper"))
        known = tuple(v if np.isfinite(v) else None for v in (value, low, high))
        ratio = (figure_text(tuple(v if v is None else float(np.exp(v)) for v in known), 2),) * is_cox
        rows.append((name, _unit(name, items["predictors"]), figure_text(known), *ratio))
    head = ("Column", "Unit", "Coefficient (95 % CI)", *("Hazard ratio (95 % CI)",) * is_cox)
    blocks: list[Block] = [
        Table(
            caption=f"Coefficients of the {_TYPES.get(items['model']['type'], items['model']['type'])}",
            header=head,
            rows=tuple(rows),
            footnotes=_of_coefficients(items),
            counts=tuple((None,) * len(head) for _ in rows),
        )
    ]
    if items["corrected_equation"]:
        blocks.append(_corrected(items))
    blocks += [Paragraph(text=f"{text}.", kind="item") for text in items["beyond_limit"]]
    if not items["model"].get("strata"):
        blocks.append(_baseline(last, items))
    return tuple(blocks)


def _unit(name: str, predictors: Sequence[Mapping[str, Any]]) -> str:
    for one in predictors:
        if one["kind"] == "number" and one["name"] == name:
            if (one["mean"], one["scale"]) == (0.0, 1.0):
                return "per unit"
            return f"per SD of {one['scale']:.3g}, from the mean {one['mean']:.3g}".replace(" -", " −")
        if name == f"{one['name']}_missing" or (one["kind"] == "word" and name in one["columns"]):
            return "0 or 1"
    return "product" if ":" in name else DASH


def _corrected(items: Mapping[str, Any]) -> Table:
    def interval(one: Mapping[str, Any], kind: str) -> str:
        values = [float(one[f"{kind}{key}"]) for key in ("coef", "ci_lower", "ci_upper")]
        return figure_text(tuple(v if np.isfinite(v) else None for v in values))

    rows = tuple(
        (
            str(one["parameter"]),
            f"{one['reliability']:g}",
            interval(one, "naive_"),
            interval(one, ""),
        )
        for one in items["corrected_equation"]
    )
    return Table(
        caption="Corrected for regression dilution (95 % CI)",
        header=("Column", "Reliability", "Of the measured value", "Of the true value"),
        rows=rows,
        footnotes=(
            f"{items['reliability'][:1].upper()}{items['reliability'][1:]}. A reliability of 1: taken as free of error.",
        ),
        counts=tuple((None,) * 4 for _ in rows),
    )


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
        footnotes=("The apparent figures flatter the model: it has seen these patients. A penalty that is tuned is tuned anew"
                   " in each resample and in each training part. The index of prediction accuracy compares"
                   " with the Kaplan–Meier curve of everyone: at or below 0 the model tells no more than that curve.",),
        counts=tuple((None,) * (1 + len(kinds)) for _ in rows),
    )  # fmt: skip
    return (table,)


def _baselines(items: Mapping[str, Any]) -> tuple[Block, ...]:
    metrics = items["metrics"]
    kinds = {kind: title for kind, title in BASELINES.items() if kind in metrics}
    if not kinds:
        return (Paragraph(text="Not compared: there is nothing simpler among the predictors."),)
    nothing = (None, None, None)
    last = f"ipa@{items['horizons'][-1]:g}"
    short = {"c_harrell": "C", last: f"IPA at {items['horizons'][-1]:g} {items['time_unit']}"}
    rows = tuple(
        (f"{title[:1].upper()}{title[1:]}: {words}", *(figure_text(metrics[kind].get(key, nothing))
            for key in (name, f"over:{name}")))
        for kind, title in kinds.items()
        for name, words in short.items()
    )  # fmt: skip
    table = Table(
        caption="The model beside what is simpler (95 % interval)",
        header=("Instead of the model", "Its own figure", "The model less it"),
        rows=rows,
        footnotes=("IPA: index of prediction accuracy. All are corrected for optimism in the same bootstrap samples, on the patients"
                   " that both can judge.",),
        counts=tuple((None,) * 3 for _ in rows),
    )  # fmt: skip
    return (*(Paragraph(text=text) for text in baseline_sentences(metrics)), table)


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
