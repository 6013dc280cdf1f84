"""Pairs of groups, trend, differences at milestones, and early against late effects in a report."""

from __future__ import annotations

from typing import Final, Literal

from igfstrat.analysis.landmark import LandmarkResult
from igfstrat.analysis.pairwise import PairwiseResult, PiecewiseHazard
from igfstrat.report._wording import effect_text, p_words, people
from igfstrat.report.document import Block, Paragraph, Section
from igfstrat.report.formatting import DASH, format_label, format_months, format_number, format_p
from igfstrat.report.tables import Table

_HOLM: Final = "Holm S. A simple sequentially rejective multiple test procedure. Scand J Stat 1979;6:65-70."
_KLEIN: Final = "Klein JP, Logan B, Harhoff M, Andersen PK. Analyzing survival curves at a fixed point in time. Stat Med 2007;26:4505-4519."
_ANDERSON: Final = (
    "Anderson JR, Cain KC, Gelber RD. Analysis of survival by tumor response. J Clin Oncol 1983;1:710-719."
)


def pairwise_section(result: PairwiseResult, *, level: Literal[2, 3] = 3) -> Section:
    """What one test of all groups leaves open.

    Parameters
    ----------
    result : PairwiseResult
        Of one endpoint.
    level : int
        2 for a chapter, 3 for a part of one.

    Returns
    -------
    Section
        Pairs and trend where there are more than two groups, differences where there are two, and piecewise hazard ratios.
    """
    many, two = len(result.groups) > 2, len(result.groups) == 2
    return Section(
        key=f"pairwise_{result.endpoint}",
        title=f"{'Pairs of groups and' if many else 'Differences at milestones and'} early and late effects,"
        f" {result.endpoint_title}",
        level=level,
        blocks=_blocks(result, many),
        methods=_methods(result, many),
        references=(*((_HOLM,) if many else ()), *((_KLEIN,) if two and result.differences else ())),
        limitations=(_SELECTED,) if result.piecewise.months is not None else (),
    )


_SELECTED: Final = (
    "The time at which early and late hazard ratios are split is a choice, and another time gives other ratios; they describe, and"
    " test nothing."
)


def _blocks(result: PairwiseResult, many: bool) -> tuple[Block, ...]:
    if result.not_estimable:
        return (Paragraph(text=f"Groups can't be compared in pairs: {result.not_estimable}.", kind="lead"),)
    blocks: list[Block] = [Paragraph(text=_pairs_found(result)), _pair_table(result)] if many else []
    if result.differences:
        blocks.append(_difference_table(result))
    return (*blocks, *_piecewise_blocks(result))


def _pairs_found(result: PairwiseResult) -> str:
    below = [p for p in result.pairs if p.p_corrected is not None and p.p_corrected < result.alpha]
    listed = "; ".join(
        f"{format_label(p.second)} and {format_label(p.first)} ({p_words(p.p_corrected)})" for p in below
    )
    said = [
        f"Of {people(result.n_pairs, 'pair')} that could be tested, these differ after correction for their number"
        f" (Holm, threshold {result.alpha:g}): {listed}."
        if below
        else f"Of {people(result.n_pairs, 'pair')} that could be tested, none differs after correction for their number (Holm,"
        f" threshold {result.alpha:g}); that is no proof that they are alike."
    ]
    if result.trend is not None:
        said.append(
            f"The log-rank test for trend over the ordered groups gives {p_words(result.trend.p_value)}."
            if result.trend.p_value is not None
            else f"A trend can't be tested: {result.trend.not_estimable}."
        )
    return " ".join(said)


def _pair_table(result: PairwiseResult) -> Table:
    rows = [
        (
            f"{format_label(pair.second)} to {format_label(pair.first)}",
            effect_text(pair.hazard_ratio.estimate),
            format_number(pair.logrank.value),
            format_p(pair.logrank.p_value),
            format_p(pair.p_corrected),
        )
        for pair in result.pairs
    ]
    if result.trend is not None:
        rows.append(
            ("Trend over the ordered groups", DASH, format_number(result.trend.value), format_p(result.trend.p_value), DASH)
        )  # fmt: skip
    return Table(
        caption=f"Pairs of groups, {result.endpoint_title}",
        header=("", "Hazard ratio (95 % CI)", "Log-rank χ²", "p, not corrected", "p, corrected (Holm)"),
        rows=tuple(rows),
        footnotes=("Intervals are not corrected for the number of pairs.",),
        counts=tuple((None,) * 5 for _ in rows),
    )


def _difference_table(result: PairwiseResult) -> Table:
    first = result.differences[0]
    rows = [
        (
            format_months(d.months),
            effect_text(d.difference, 1, scale=100),
            format_p(d.difference.p_value),
        )
        for d in result.differences
    ]
    return Table(
        caption=f"Difference of {result.endpoint_title.lower()}, {format_label(first.second)} minus {format_label(first.first)}",
        header=("At", "Percentage points (95 % CI)", "p, not corrected"),
        rows=tuple(rows),
        footnotes=("Normal interval with Greenwood's variance; without an interval where survival is 100 % or 0 % in a group.",),
        counts=tuple((None,) * 3 for _ in rows),
    )  # fmt: skip


def _piecewise_blocks(result: PairwiseResult) -> tuple[Block, ...]:
    piece = result.piecewise
    if piece.months is None:
        return (Paragraph(text=f"Early and late hazard ratios can't be given: {piece.not_estimable}."),)
    origin = (
        "the first milestone of the plan" if piece.chosen == "first milestone" else "the median event time of these data"
    )  # fmt: skip
    caution = f"Time is split at {_time(piece.months)}, {origin}. {_SELECTED}"
    return (_piecewise_table(result, piece), Paragraph(text=caution, kind="caution"))


def _time(months: float) -> str:
    whole = float(months).is_integer()
    return format_months(months) if whole else f"{format_number(months, 1)} months"


def _piecewise_table(result: PairwiseResult, piece: PiecewiseHazard) -> Table:
    rows = [
        (
            f"{format_label(early.term)} to {format_label(early.reference)}",
            effect_text(early.estimate),
            effect_text(late.estimate),
        )
        for early, late in zip(piece.early, piece.late, strict=True)
    ]
    at = _time(piece.months or 0.0)
    return Table(
        caption=f"Early and late hazard ratios, {result.endpoint_title}",
        header=(
            "",
            f"Up to {at} ({people(piece.n_events_early, 'event')}), hazard ratio (95 % CI)",
            f"After {at} ({people(piece.n_events_late, 'event')}), hazard ratio (95 % CI)",
        ),
        rows=tuple(rows),
        footnotes=("The late ratio is among patients event-free and followed beyond the split.",),
        counts=tuple((None,) * 3 for _ in rows),
    )


def _methods(result: PairwiseResult, many: bool) -> tuple[str, ...]:
    if result.not_estimable:
        return ()
    said = []
    if many:
        said.append(
            "Pairs of groups were compared by log-rank tests with Holm's correction and by Cox models of the two groups each."
        )
    if result.differences:
        said.append("Survival at milestones was compared by the difference of Kaplan–Meier estimates.")
    if result.piecewise.months is not None:
        said.append(
            f"Early and late hazard ratios come from Cox models of the follow-up up to {_time(result.piecewise.months)} and beyond it."
        )
    return tuple(said)


def landmark_section(result: LandmarkResult, *, level: Literal[2, 3] = 3) -> Section:
    """Who is analysed from the landmark on.

    Parameters
    ----------
    result : LandmarkResult
        Of one endpoint.
    level : int
        2 for a chapter, 3 for a part of one.

    Returns
    -------
    Section
        One paragraph; the numbers of the endpoint's other sections count from the landmark on.
    """
    at = _time(result.months)
    lost = (
        f"{people(result.n_events_before, 'patient')} with an event and {people(result.n_censored_before, 'patient')} whose follow-up"
        f" ended by then are left out, of {people(result.n_before, 'patient')}"
    )
    kept = (
        f"{people(result.n, 'patient')} event-free and under observation at {at} after time zero are analysed, and their time counts from"
        f" there; {lost}. The results hold for patients who come that far."
    )
    gone = f"A landmark at {at} leaves nothing to analyse: {result.not_estimable}; {lost}."
    text = gone if result.not_estimable else kept
    return Section(
        key=f"landmark_{result.endpoint}",
        title=f"Landmark, {result.endpoint_title}",
        level=level,
        blocks=(Paragraph(text=text, kind="caution"),),
        methods=(
            f"Landmark analysis at {at}: groups are formed by what was known by then, and time is counted from it.",
        ),
        references=(_ANDERSON,),
        limitations=(f"{result.endpoint_title}: patients with an event before {at} are not represented.",),
    )
