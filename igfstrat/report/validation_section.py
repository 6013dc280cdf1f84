"""A model judged on other patients: discrimination, calibration, net benefit, each with its interval."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from igfstrat.models import StoredModel, Validation
from igfstrat.models.validation_curves import HorizonCurves, RiskGroup
from igfstrat.report._wording import people
from igfstrat.report.document import Block, Document, FigureBlock, Paragraph, Section
from igfstrat.report.formatting import DASH, format_number
from igfstrat.report.model_wording import figure_text, measure_title
from igfstrat.report.tables import Table
from igfstrat.report.validation_figures import calibration_figure, decision_figure

VALIDATION_REFERENCES: Final = (
    "Austin PC, Harrell FE Jr, van Klaveren D. Graphical calibration curves and the integrated calibration index (ICI) for"
    " survival models. Stat Med 2020;39:2714-2742.",
    "McLernon DJ, Giardiello D, Van Calster B, et al. Assessing performance and clinical usefulness in prediction models with"
    " survival outcomes. Ann Intern Med 2023;176:105-114.",
    "Vickers AJ, Cronin AM, Elkin EB, Gonen M. Extensions to decision curve analysis. BMC Med Inform Decis Mak 2008;8:53.",
    "Kattan MW, Gerds TA. The index of prediction accuracy. Diagn Progn Res 2018;2:7.",
)
Figure = tuple[float | None, float | None, float | None]
FloatArray = NDArray[np.float64]


def validation_document(
    model: StoredModel,
    found: Validation,
    curves: Sequence[HorizonCurves],
    *,
    source: str,
    endpoint: str,
    left_out: Mapping[str, int],
    versions: Mapping[str, str],
    cautions: Sequence[str] = (),
) -> Document:
    """The validation of a model as a document.

    Parameters
    ----------
    model : StoredModel
        The model.
    found : Validation
        Of `external_validation`.
    curves : sequence of HorizonCurves
        One a horizon.
    source : str
        Name of the cohort's file.
    endpoint : str
        Endpoint in these patients, in words.
    left_out : mapping of str to int
        Rows that could not be judged, by reason.
    versions : mapping of str to str
        igfstrat, Python and libraries.
    cautions : sequence of str
        What must not be missed.

    Returns
    -------
    Document
        Ready for any format.
    """
    unit = model.card.time_unit
    made = "Made with " + ", ".join(f"{name} {version}" for name, version in versions.items()) + "."
    sections = [
        Section(key="summary", title="In short", blocks=_summary(found, endpoint, left_out, cautions)),
        Section(key="measures", title="Measures", blocks=(_measures(model, found, unit),)),
        *(_horizon(one) for one in curves),
        Section(key="methods", title="Methods", blocks=(Paragraph(text=f"{_methods(found)} {made}"),)),
        Section(key="limits", title="Limitations", blocks=_limits(model)),
        Section(
            key="references",
            title="References",
            blocks=tuple(Paragraph(text=text, kind="item") for text in sorted(VALIDATION_REFERENCES)),
        ),
    ]
    return Document(
        title=f"Validation: {model.card.name}",
        subtitle=(source, endpoint, f"model checksum {model.sha256}"),
        sections=tuple(sections),
        footer=f"igfstrat {versions.get('igfstrat', '')} · every number at full precision is in report.json · research use only",
    )


def validation_sentences(found: Validation) -> tuple[str, ...]:
    """What a validation found, in a few sentences.

    Parameters
    ----------
    found : Validation
        Of `external_validation`.

    Returns
    -------
    tuple of str
        Discrimination, then calibration and accuracy at the last horizon.
    """
    at, measures = found.at[-1], {name: _figure(found, name) for name in found.measures}
    slope, ratio = measures[f"calibration_slope@{at:g}"], measures[f"observed_expected@{at:g}"]
    said = [
        f"C (Harrell) {figure_text(measures['c_harrell'])}, C (Uno) {figure_text(measures['c_uno'])};"
        f" 0.5 is chance, 1 is perfect order."
    ]
    if ratio[0] is not None:
        between = (
            "" if ratio[1] is None else f" (interval {format_number(ratio[1])}–{format_number(ratio[2])})"
        )
        said.append(
            f"By {at:g} months {format_number(ratio[0])} times as many events were observed as predicted{between}"
            f"{_slope_words(slope)}."
        )
    ipa = measures[f"ipa@{at:g}"]
    if ipa[0] is not None:
        said.append(f"Index of prediction accuracy {figure_text(ipa)}.{_accuracy_words(ipa)}")
    return tuple(said)


def _accuracy_words(ipa: Figure) -> str:
    value, low, _ = ipa
    if value is not None and value <= 0:
        return " The model predicts no better than the average of these patients."
    if low is not None and low <= 0:
        return " It was not shown to predict better than the average of these patients."
    return ""


def _slope_words(slope: Figure) -> str:
    value, low, high = slope
    if value is None or low is None or high is None:
        return ""
    words = (
        "predictions are too extreme"
        if high < 1
        else "predictions are not extreme enough"
        if low > 1
        else "no departure from 1 is shown"
    )
    return f"; calibration slope {figure_text(slope, 2)}: {words}"


def _figure(found: Validation, name: str) -> Figure:
    value, low, high = (float(v) if np.isfinite(v) else None for v in found.measures[name])
    return value, low, high


def _summary(
    found: Validation, endpoint: str, left_out: Mapping[str, int], cautions: Sequence[str]
) -> tuple[Block, ...]:
    n = found.n_patients - found.n_not_scored
    missing = (
        f" {people(found.n_not_scored, 'more patient')} got no prediction: a predictor was missing or unknown to the model."
        if found.n_not_scored
        else ""
    )
    out = "; ".join(f"{reason}: {count}" for reason, count in left_out.items())
    said = (
        f"{people(n, 'patient')}; {people(found.n_events, 'event')} of {endpoint.lower()}"
        f"{' among all patients' if found.n_not_scored else ''}.{missing}",
        *validation_sentences(found),
    )
    rest = [Paragraph(text=f"Rows without an outcome: {out}.")] if out else []
    return (
        *(Paragraph(text=text, kind="lead") for text in said),
        *(Paragraph(text=text, kind="caution") for text in cautions),
        *rest,
    )


def _measures(model: StoredModel, found: Validation, unit: str) -> Table:
    corrected = model.card.metrics.get("optimism_corrected", {})
    nothing = (None, None, None)
    rows = tuple(
        (
            measure_title(name, unit),
            figure_text(_figure(found, name)),
            figure_text(corrected.get(name, nothing)),
        )
        for name in found.measures
    )
    level = f"{100 * found.level:g} %"
    return Table(
        caption="Here and where the model comes from",
        header=("Measure", f"These patients ({level} interval)", "Training, corrected for optimism"),
        rows=rows,
        footnotes=("The index of prediction accuracy compares with the Kaplan–Meier curve of these patients: at or below 0 the model"
                   " tells no more than that curve. A dash: these patients can't give it.",),
        counts=tuple((None,) * 3 for _ in rows),
    )  # fmt: skip


def _horizon(curves: HorizonCurves) -> Section:
    key = f"{curves.at:g}".replace(".", "_")
    return Section(
        key=f"horizon_{key}",
        title=f"At {curves.at:g} months",
        blocks=(_calibration_block(curves, key), _groups_table(curves), _decision_block(curves, key)),
    )


def _calibration_block(curves: HorizonCurves, key: str) -> FigureBlock:
    told = "; ".join(
        f"predicted {_percent(g.predicted)}, observed {_percent(g.observed)}" for g in curves.groups
    )
    return FigureBlock(
        name=f"calibration_{key}",
        caption=f"Predicted against observed risk by {curves.at:g} months; on the dotted line what was predicted happened.",
        alternative=f"Fifths by predicted risk: {told}.",
        draw=lambda narrow: calibration_figure(curves, narrow=narrow),
        data_header=("predicted", "observed (smooth)", "lower", "upper"),
        data=_columns(curves.predicted, curves.smooth, curves.smooth_lower, curves.smooth_upper),
    )


def _decision_block(curves: HorizonCurves, key: str) -> FigureBlock:
    known = curves.net_benefit[np.isfinite(curves.net_benefit)]
    better = curves.net_benefit > np.maximum(curves.treat_all, 0.0)
    share = format_number(100 * float(better.mean()), 0)
    return FigureBlock(
        name=f"decision_curve_{key}",
        caption=f"Net benefit of acting on predicted risks by {curves.at:g} months, against acting on everyone and on no one.",
        alternative=f"The model lies above both others at {share} % of the thresholds; its net benefit reaches"
        f" {format_number(float(known.max()) if len(known) else None, 3)}.",
        draw=lambda narrow: decision_figure(curves, narrow=narrow),
        data_header=("threshold", "net benefit", "lower", "upper", "acting on everyone"),
        data=_columns(curves.threshold, curves.net_benefit, curves.net_benefit_lower, curves.net_benefit_upper, curves.treat_all),
    )  # fmt: skip


def _columns(*columns: FloatArray) -> tuple[tuple[float | None, ...], ...]:
    return tuple(
        tuple(float(v) if np.isfinite(v) else None for v in row) for row in zip(*columns, strict=True)
    )


def _groups_table(curves: HorizonCurves) -> Table:
    rows = tuple(
        (str(i), str(g.n), str(g.n_events), _percent(g.predicted), _observed(g))
        for i, g in enumerate(curves.groups, start=1)
    )
    return Table(
        caption=f"Fifths by predicted risk, {curves.at:g} months",
        header=("Fifth", "Patients", "Events", "Predicted risk (%)", "Observed risk (%; 95 % CI)"),
        rows=rows,
        footnotes=("Observed risk by Kaplan–Meier with log-log limits, which don't exist without events; fewer groups where predictions are equal.",),
        counts=tuple((None, g.n, g.n_events, None, None) for g in curves.groups),
    )  # fmt: skip


def _observed(group: RiskGroup) -> str:
    if not np.isfinite(group.ci_lower):
        return _percent(group.observed)
    return f"{_percent(group.observed)} ({_percent(group.ci_lower)}–{_percent(group.ci_upper)})"


def _percent(value: float) -> str:
    return format_number(100 * value, 1) if np.isfinite(value) else DASH


def _methods(found: Validation) -> str:
    failed = f" ({found.n_failed} gave no measure)" if found.n_failed else ""
    return (
        "The model was applied as it is stored; nothing was fitted anew. Intervals are percentiles of"
        f" {people(found.n_resamples, 'bootstrap sample')} of these patients{failed}: they take in the choice of these patients, not that of"
        " the training data. Brier score, AUC and Uno's C are weighted by the inverse probability of censoring. Calibration in the"
        " large compares the Kaplan–Meier risk with the mean prediction; slope and smooth curve come from Cox models of the"
        " complementary log-log of the prediction (restricted cubic spline, 3 knots)."
    )


def _limits(model: StoredModel) -> tuple[Block, ...]:
    said = (
        "Patients without a prediction are in no measure: if they differ, the figures don't hold for everyone.",
        "Net benefit takes for granted that acting on a predicted risk is decided by that risk alone.",
        f"Of the model itself: {model.card.limits}",
    )
    return tuple(Paragraph(text=text, kind="item") for text in said)
