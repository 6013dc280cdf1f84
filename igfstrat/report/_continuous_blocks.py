"""The effect of a marker without a cut: what a report says of it, alone or beside a cut."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Final

from igfstrat.analysis.cutpoint import ContinuousEffect
from igfstrat.report._cutpoint_figures import named, spline_figure
from igfstrat.report._wording import effect_text, marker_number, p_words, people, sentence
from igfstrat.report.document import Block, FigureBlock, Paragraph
from igfstrat.report.formatting import format_interval, format_number, format_p
from igfstrat.report.tables import Table


def key(*parts: str) -> str:
    """An anchor or a file's stem from several names."""
    return "_".join("".join(c if c.isalnum() and c.isascii() else "_" for c in part) for part in parts)


def no_counts(rows: tuple[tuple[str, ...], ...]) -> tuple[tuple[int | None, ...], ...]:
    """No cell of these rows counts people, whatever it looks like."""
    return tuple((None,) * len(row) for row in rows)


def line_row(effect: ContinuousEffect) -> tuple[str, str, str]:
    """The row of a table for one standard deviation more."""
    sd = marker_number(effect.sd, effect.sd)
    return (
        f"Without a cut, per standard deviation ({sd})",
        effect_text(effect.per_sd),
        format_p(effect.per_sd.p_value),
    )


def continuous_blocks(effect: ContinuousEffect) -> tuple[Block, ...]:
    """Words, a table and a figure of the effect without a cut."""
    lead = Paragraph(text=_without_cut(effect))
    if effect.per_unit.value is None:
        return (lead,)
    blocks: list[Block] = [lead, _effect_table(effect)]
    if effect.curve is not None:
        blocks.append(_spline_block(effect))
    return tuple(blocks)


def _without_cut(effect: ContinuousEffect) -> str:
    if effect.per_sd.value is None:
        why = effect.per_sd.not_estimable or effect.per_unit.not_estimable
        return f"The effect of {effect.title} without a cut can't be estimated: {why}."
    said = [
        f"Without any cut, the hazard ratio for one standard deviation more of {effect.title}"
        f" ({marker_number(effect.sd, effect.sd)}) is {format_interval(effect.per_sd)} in {people(effect.n, 'patient')} with"
        f" {people(effect.n_events, 'event')}."
    ]
    if effect.nonlinear.p_value is None:
        said.append(f"No curve is drawn: {effect.nonlinear.not_estimable}.")
    else:
        said.append(
            f"Likelihood-ratio tests give {p_words(effect.overall.p_value)} for a curve against no effect, and"
            f" {p_words(effect.nonlinear.p_value)} for a curve against a straight line; neither is corrected for other tests."
        )
    p = effect.proportional_hazards.p_value
    if p is not None and p < _ASSUMED:
        said.append(
            f"The hazards of the straight line are not proportional ({p_words(p)}): its hazard ratio averages over an effect that"
            " changes with time."
        )
    return " ".join(said)


_ASSUMED: Final = 0.05  # below it the text warns; it changes no estimate


def _effect_table(effect: ContinuousEffect) -> Table:
    df = effect.degrees_of_freedom
    unit = "unit" if effect.unit in {"", "1"} else effect.unit
    rows = [
        line_row(effect),
        (f"Without a cut, per {unit}", effect_text(effect.per_unit, _unit_digits(effect)), format_p(effect.per_unit.p_value)),
        *(
            (f"{name}, χ² ({df[key]} df)", effect_text(test, 2), format_p(test.p_value))
            for key, name, test in (
                ("linear", "Straight line against nothing", effect.linear),
                ("overall", "Curve against nothing", effect.overall),
                ("nonlinear", "Curve against straight line", effect.nonlinear),
            )
        ),
        ("Proportional hazards of the straight line, χ² (1 df)", effect_text(effect.proportional_hazards, 2),
         format_p(effect.proportional_hazards.p_value)),
    ]  # fmt: skip
    return Table(
        caption=f"Effect of {named(effect.title, effect.unit)} on {effect.endpoint_title.lower()}, without a cut",
        header=("", "Estimate (95 % CI)", "p"),
        rows=tuple(rows),
        footnotes=(
            "χ²: likelihood-ratio tests of the line and the curve; score test of proportional hazards.",
        ),
        counts=no_counts(tuple(rows)),
    )


def _unit_digits(effect: ContinuousEffect) -> int:
    """A step of one unit is small where the marker spreads widely, and its ratio then needs more decimals."""
    return 2 if not effect.sd else min(max(2 + math.floor(math.log10(effect.sd)) + 1, 2), 6)


def _spline_block(effect: ContinuousEffect) -> FigureBlock:
    curve, sd = effect.curve, effect.sd
    assert curve is not None
    middle = marker_number(effect.reference, sd)
    ends = [format_number(float(curve.hazard_ratio[i])) for i in (0, -1)]
    shown = " to ".join(f"{percentile:g}th" for percentile in curve.percentiles)
    low, high = (marker_number(float(curve.marker[i]), sd) for i in (0, -1))
    block = FigureBlock(
        name=key("spline", effect.endpoint, effect.marker),
        caption=f"Hazard ratio of {effect.endpoint_title.lower()} against {effect.title}, relative to its median ({middle}):"
        f" restricted cubic spline with {effect.n_knots} knots, pointwise 95 % band, {shown} percentile.",
        alternative=f"A curve from {ends[0]} at {low} through 1 at {middle} to {ends[1]} at {high}, with its band.",
        draw=lambda narrow: spline_figure(effect, narrow=narrow),
        data_header=(effect.marker, "log hazard ratio", "CI lower", "CI upper"),
        data=tuple(
            zip(
                *(a.tolist() for a in (curve.marker, curve.log_hazard_ratio, curve.ci_lower, curve.ci_upper)),
                strict=True,
            )
        ),
    )
    hidden = replace(block, draw=lambda narrow: spline_figure(effect, narrow=narrow, rug=False))
    return replace(block, masked=lambda _: hidden)


def continuous_methods(effect: ContinuousEffect) -> tuple[str, ...]:
    """How the effect without a cut was estimated."""
    if effect.per_unit.value is None:
        return ()
    line = f"{effect.title} without a cut: Cox model (Efron), linear per unit and per standard deviation"
    if not effect.knots:
        return (sentence(line),)
    knots = ", ".join(marker_number(knot, effect.sd) for knot in effect.knots)
    return (
        f"{line}, and by a restricted cubic spline with {effect.n_knots} knots at Harrell's quantiles ({knots}), compared by"
        " likelihood-ratio tests; the band is pointwise.",
    )
