"""Competing risks in a report: how often each cause comes, and how groups differ in it."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any, Final, Literal

from igfstrat.analysis.competing import NOT_STATED, CauseComparison, CompetingResult
from igfstrat.report._competing_figure import drawn_points, incidence_figure
from igfstrat.report._wording import effect_text, p_words, people
from igfstrat.report.document import Block, FigureBlock, Paragraph, Section
from igfstrat.report.formatting import DASH, format_label, format_months, format_p
from igfstrat.report.tables import Table

COMPETING_REFERENCES: Final = (
    "Aalen OO, Johansen S. An empirical transition matrix for non-homogeneous Markov chains based on censored observations."
    " Scand J Stat 1978;5:141-150.",
    "Gray RJ. A class of k-sample tests for comparing the cumulative incidence of a competing risk. Ann Stat 1988;16:1141-1154.",
    "Fine JP, Gray RJ. A proportional hazards model for the subdistribution of a competing risk. J Am Stat Assoc 1999;94:496-509.",
)


def competing_section(result: CompetingResult, *, level: Literal[2, 3] = 3) -> Section:
    """Incidence of each cause by group.

    Parameters
    ----------
    result : CompetingResult
        Of one endpoint.
    level : int
        2 for a chapter, 3 for a part of one.

    Returns
    -------
    Section
        Words, tables and a figure.
    """
    return Section(
        key=f"competing_{result.endpoint}",
        title=f"Competing risks, {result.endpoint_title}",
        level=level,
        blocks=_blocks(result),
        methods=() if result.not_estimable else _METHODS,
        references=() if result.not_estimable else COMPETING_REFERENCES,
        limitations=_limitations(result),
    )


_METHODS: Final = (
    "The cumulative incidence of each cause was estimated by Aalen–Johansen with log-log intervals and compared by Gray's test;"
    " subdistribution hazard ratios are Fine and Gray's (Breslow, sandwich error), cause-specific ones come from Cox models"
    " (Efron) in which other causes end the follow-up.",
    "Events whose cause isn't stated were kept as a cause of their own.",
)


def _limitations(result: CompetingResult) -> tuple[str, ...]:
    if not result.n_without_cause:
        return ()
    n = people(result.n_without_cause, "event")
    return (
        f"{result.endpoint_title}: {n} without a stated cause; the incidence of each stated cause is a lower bound.",
    )


def _blocks(result: CompetingResult) -> tuple[Block, ...]:
    if result.not_estimable:
        text = f"Competing risks can't be analysed: {result.not_estimable}."
        return (Paragraph(text=text, kind="lead"),)
    blocks: list[Block] = [Paragraph(text=_found(result), kind="lead")]
    if result.n_without_cause:
        blocks.append(Paragraph(text=_not_stated(result), kind="caution"))
    if any(group.curves for group in result.groups):
        blocks.append(_figure(result))
    blocks += [_incidence_table(result), _comparison_table(result), Paragraph(text=_MEANING)]
    return tuple(blocks)


_MEANING: Final = (
    "A subdistribution hazard ratio tells how the incidence of a cause differs, which the other causes shape too. A cause-specific one"
    " tells how the rate differs among those still free of any event, and says nothing about incidence by itself."
)


def _found(result: CompetingResult) -> str:
    counted = ", ".join(
        f"{format_label(c.cause)} ({people(c.n_events, 'event')})" for c in result.comparisons
    )
    said = [
        f"{people(result.n, 'patient')} had {people(result.n_events, 'event')} that end {result.endpoint_title.lower()}: {counted}."
    ]
    tests = [
        f"{format_label(c.cause)}: {p_words(c.gray.p_value)}" for c in result.comparisons if c.gray.p_value is not None
    ]  # fmt: skip
    if tests:
        corrected = "" if len(tests) == 1 else "; no p-value is corrected for the number of causes"
        said.append(
            f"Equal incidence in the groups was tested by Gray's test ({'; '.join(tests)}){corrected}."
        )
    return " ".join(said)


def _not_stated(result: CompetingResult) -> str:
    n = result.n_without_cause
    verb = "has" if n == 1 else "have"
    return (
        f"{people(n, 'event')} {verb} no stated cause. To leave these patients out because they had an event would make every"
        " incidence too small, so they stay, under a cause of their own; the incidence of each stated cause is a lower bound."
    )


def _figure(result: CompetingResult) -> FigureBlock:
    listed = ", ".join(format_label(c.cause) for c in result.comparisons)
    rest = " Events without a stated cause are in the table only." if result.n_without_cause else ""
    block = FigureBlock(
        name=f"incidence_{result.endpoint}",
        caption=f"Cumulative incidence of each cause by group, {result.endpoint_title} (Aalen–Johansen, 95 % bands).{rest}",
        alternative=f"One panel a cause ({listed}), one rising curve a group; the table below holds the values.",
        draw=lambda narrow: incidence_figure(result, narrow=narrow),
        data_header=("group", "cause", "months", "incidence", "CI lower", "CI upper"),
        data=_points(result, 0),
    )
    return replace(
        block,
        masked=lambda minimum: replace(
            block,
            draw=lambda narrow: incidence_figure(result, narrow=narrow, minimum=minimum),
            data=_points(result, minimum),
            masked=None,
        ),
    )


def _points(result: CompetingResult, minimum: int) -> tuple[tuple[Any, ...], ...]:
    rows = []
    for group in result.groups:
        for curve in group.curves:
            if curve.cause == NOT_STATED:
                continue
            for i in drawn_points(group, curve, minimum):
                limits = (float(side[i]) for side in (curve.ci_lower, curve.ci_upper))
                numbers = (float(group.time[i]), float(curve.incidence[i]), *limits)
                rows.append((group.label, curve.cause, *(x if math.isfinite(x) else None for x in numbers)))
    return tuple(rows)


def _incidence_table(result: CompetingResult) -> Table:
    times = next((g.curves[0].milestones for g in result.groups if g.curves), ())
    header = (
        "Cause", "Group", "n", "Events", *(f"{format_months(m.months)}, % (95 % CI)" for m in times)
    )  # fmt: skip
    rows, counts = [], []
    for place, cause in enumerate(result.causes):
        for group in result.groups:
            n_events = group.curves[place].n_events if group.curves else 0
            cells = (
                [effect_text(m.incidence, 1, scale=100) for m in group.curves[place].milestones]
                if group.curves
                else [DASH if group.not_estimable is None else group.not_estimable] * len(times)
            )
            rows.append((format_label(cause), format_label(group.label), str(group.n), str(n_events), *cells))
            counts.append((None, None, group.n, n_events, *([None] * len(times))))
    return Table(
        caption=f"Cumulative incidence, {result.endpoint_title}",
        header=header,
        rows=tuple(rows),
        footnotes=("Without an interval: no event of the cause yet.",),
        counts=tuple(counts),
    )


def _comparison_table(result: CompetingResult) -> Table:
    rows = [row for comparison in result.comparisons for row in _comparison_rows(comparison)]
    return Table(
        caption=f"Groups compared cause by cause, {result.endpoint_title}",
        header=("Cause", "", "Estimate (95 % CI)", "p"),
        rows=tuple(rows),
        footnotes=(f"{format_label(NOT_STATED)[:1].upper()}{NOT_STATED[1:]}: counted, not compared.",)
        if result.n_without_cause
        else (),
        counts=tuple((None,) * 4 for _ in rows),
    )


def _comparison_rows(comparison: CauseComparison) -> list[tuple[str, str, str, str]]:
    cause = format_label(comparison.cause)
    rows = [(cause, "Gray's test, χ²", effect_text(comparison.gray, 2), format_p(comparison.gray.p_value))]
    for name, ratios in (
        ("Subdistribution hazard ratio", comparison.subdistribution),
        ("Cause-specific hazard ratio", comparison.cause_specific),
    ):
        rows += [
            (cause, f"{name}, {format_label(r.term)} to {format_label(r.reference)}", effect_text(r.estimate),
             format_p(r.estimate.p_value))
            for r in ratios
        ]  # fmt: skip
    return rows
