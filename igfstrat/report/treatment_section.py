"""The effect of a treatment by marker as a section: within groups, and the tests of whether it differs."""

from __future__ import annotations

from typing import Final

from igfstrat.analysis.treatment import Interaction, TreatmentEffect, TreatmentResult
from igfstrat.report._wording import effect_text, p_words, people
from igfstrat.report.adjusted_figures import effect_label, treatment_figure
from igfstrat.report.document import Block, FigureBlock, Paragraph, Section
from igfstrat.report.formatting import (
    DASH,
    format_interval,
    format_label,
    format_months,
    format_number,
    format_p,
)
from igfstrat.report.tables import Table

_REFERENCES: Final = (
    "Clark GM. Prognostic factors versus predictive factors: examples from a clinical trial of erlotinib. Mol Oncol"
    " 2008;1:406-412.",
)
_PROGNOSIS: Final = (
    "That treated patients with one level of a marker live longer than treated patients with another is prognosis, not"
    " prediction: only a difference between the effects of the treatment would be predictive."
)
_ALLOCATION: Final = (
    "The effects of treatment are not adjusted. Unless treatment was allocated at random, they may come from how patients"
    " were chosen for it."
)


def treatment_section(result: TreatmentResult) -> Section:
    """Whether the treatment's effect differs by marker.

    Parameters
    ----------
    result : TreatmentResult
        One endpoint.

    Returns
    -------
    Section
        Part of an endpoint's chapter, level 3; the interaction is said before any group's effect.
    """
    key, title = f"treatment_{result.endpoint}", f"{result.title}: effect of {result.treatment} by marker"
    if result.not_estimable:
        text = f"The effect of {result.treatment} can't be estimated: {result.not_estimable}."
        return Section(key=key, title=title, level=3, blocks=(Paragraph(text=text, kind="caution"),))
    blocks: list[Block] = [
        Paragraph(text=_lead(result)),
        *(Paragraph(text=_interaction_sentence(result, i)) for i in result.interactions),
        Paragraph(text=_PROGNOSIS, kind="caution"),
        Paragraph(text=_ALLOCATION),
        *_figure(result),
        _effect_table(result),
        *_milestone_table(result),
        _interaction_table(result),
    ]
    methods = (
        f"The effect of {result.treatment} ({format_label(result.experimental)} against all others) was estimated within"
        " each group by Cox hazard ratio, difference in restricted mean survival time and differences of Kaplan–Meier"
        " survival, and in all patients by a Cox model stratified by group. It was compared between groups by the"
        " likelihood-ratio test of treatment by group, by the heterogeneity of the differences in mean survival time, and,"
        " where there is a measured marker, by the product of treatment and marker.",
    )
    return Section(
        key=key, title=title, level=3, blocks=tuple(blocks), methods=methods, references=_REFERENCES,
        limitations=(_ALLOCATION,),
    )  # fmt: skip


def _lead(result: TreatmentResult) -> str:
    others = ", ".join(format_label(c) for c in result.control)
    unknown = (
        f" Left out because their treatment isn't known: {people(result.n_no_treatment, 'patient')}."
        if result.n_no_treatment
        else ""
    )
    return (
        f"{result.treatment}: {format_label(result.experimental)} (experimental) is compared with {others} in"
        f" {people(result.n, 'patient')} with {people(result.n_events, 'event')}, within groups by"
        f" {result.grouping.title}.{unknown}"
    )


def _scale(interaction: Interaction) -> str:
    return {
        "levels": "between groups, by hazard ratio",
        "rmst": "between groups, by mean survival time",
        "continuous": f"along {interaction.measure}, by hazard ratio",
    }[interaction.kind]


def _interaction_sentence(result: TreatmentResult, interaction: Interaction) -> str:
    what = _scale(interaction)
    p = interaction.test.p_value
    if p is None:
        return f"Whether the effect differs {what} can't be tested: {interaction.test.not_estimable}."
    said = (
        f"The effect of treatment differs {what} ({p_words(p)}, threshold {result.alpha:g}, not corrected)."
        if p < result.alpha
        else f"No difference of the effect is shown {what} ({p_words(p)}); that is no proof that there is none."
    )
    if interaction.ratio is None or interaction.ratio.value is None:
        return said
    step = (
        f"for one unit more of {interaction.measure}"
        if interaction.measure
        else "of the second group to the first"
    )
    digits = 3 if interaction.measure else 2
    return f"{said} Ratio of hazard ratios {step}: {format_interval(interaction.ratio, digits)}."


def _all(result: TreatmentResult) -> list[TreatmentEffect]:
    return [e for e in (*result.effects, result.overall) if e is not None]


def _figure(result: TreatmentResult) -> list[Block]:
    effects = _all(result)
    if all(e.hazard_ratio.value is None for e in effects):
        return []
    data = tuple(
        (effect_label(e), e.hazard_ratio.value, e.hazard_ratio.ci_lower, e.hazard_ratio.ci_upper) for e in effects
    )  # fmt: skip
    return [
        FigureBlock(
            name=f"treatment_{result.endpoint}",
            caption=f"{result.title}: hazard ratio of {format_label(result.experimental)} to the other treatments, with 95 %"
            " intervals. Whether the groups differ is asked by the interaction test, not by whose interval crosses 1.",
            alternative="; ".join(f"{effect_label(e)}: {effect_text(e.hazard_ratio)}" for e in effects),
            draw=lambda narrow: treatment_figure(result, narrow=narrow),
            data_header=("Group", "Hazard ratio", "Lower limit", "Upper limit"),
            data=data,
        )
    ]


def _effect_table(result: TreatmentResult) -> Table:
    effects = _all(result)
    tau = "" if result.rmst_tau is None else f" to {format_number(result.rmst_tau, 1)} months"
    return Table(
        caption=f"{result.title}: effect of treatment within groups",
        header=("Group", "Experimental, n", "Events", "Control, n", "Events", "Hazard ratio (95 % CI)", "p",
                f"Difference in mean survival time{tau}, months (95 % CI)", "p"),
        rows=tuple(
            (
                effect_label(e), f"{e.n_experimental}", f"{e.events_experimental}", f"{e.n_control}",
                f"{e.events_control}", effect_text(e.hazard_ratio), format_p(e.hazard_ratio.p_value),
                effect_text(e.rmst_difference, 1), format_p(e.rmst_difference.p_value),
            )
            for e in effects
        ),
        footnotes=("All patients: hazard ratio stratified by group. No p-value is corrected for the number of groups.",),
        counts=tuple(
            (None, e.n_experimental, e.events_experimental, e.n_control, e.events_control, *(None,) * 4) for e in effects
        ),
    )  # fmt: skip


def _milestone_table(result: TreatmentResult) -> list[Block]:
    rows = []
    for effect in _all(result):
        for m in effect.milestones:
            control, experimental = (
                DASH if s is None else format_number(100 * s, 1) for s in (m.control, m.experimental)
            )
            rows.append(
                (effect_label(effect), format_months(m.months), experimental, control,
                 effect_text(m.difference, 1, scale=100))
            )  # fmt: skip
    if not rows:
        return []
    return [
        Table(
            caption=f"{result.title}: survival by treatment within groups",
            header=(
                "Group",
                "Time",
                "Experimental, %",
                "Control, %",
                "Difference, percentage points (95 % CI)",
            ),
            rows=tuple(rows),
            counts=((None,) * 5,) * len(rows),
        )
    ]


def _interaction_table(result: TreatmentResult) -> Table:
    rows = []
    for i in result.interactions:
        digits = 3 if i.measure else 2
        ratio = DASH if i.ratio is None else effect_text(i.ratio, digits)
        name = f"Effect differs {_scale(i)} (χ², {i.df} df)"
        rows.append((name, effect_text(i.test), format_p(i.test.p_value), ratio))
    return Table(
        caption=f"{result.title}: tests of whether the effect of treatment differs by marker",
        header=("Test", "Statistic", "p", "Ratio of hazard ratios (95 % CI)"),
        rows=tuple(rows),
        counts=((None,) * 4,) * len(rows),
    )
