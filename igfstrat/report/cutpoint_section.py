"""A data-driven cut in a report: never its uncorrected p-value alone, always the effect without any cut beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final, Literal

from igfstrat.analysis import FEW_EVENTS
from igfstrat.analysis.cutpoint import ContinuousEffect, CutpointResult
from igfstrat.analysis.landmark import LandmarkResult
from igfstrat.report._continuous_blocks import continuous_blocks, continuous_methods, key, line_row, no_counts
from igfstrat.report._cutpoint_figures import scan_figure, stability_figure
from igfstrat.report._wording import effect_text, marker_number, p_words, people
from igfstrat.report.document import Block, Document, FigureBlock, Paragraph, Section
from igfstrat.report.formatting import DASH, format_number, format_p
from igfstrat.report.pairwise_section import landmark_section
from igfstrat.report.tables import Table

CUTPOINT_REFERENCES: Final = (
    "Hothorn T, Lausen B. On the exact distribution of maximally selected rank statistics. Comput Stat Data Anal 2003;43:121-137.",
    "Lausen B, Schumacher M. Maximally selected rank statistics. Biometrics 1992;48:73-85.",
    "Lausen B, Sauerbrei W, Schumacher M. Classification and regression trees (CART) used for the exploration of prognostic "
    "factors measured on different scales. In: Computational Statistics. Physica 1994.",
    "Harrell FE, Lee KL, Mark DB. Multivariable prognostic models. Stat Med 1996;15:361-387.",
)
SPLINE_REFERENCES: Final = (
    "Harrell FE. Regression Modeling Strategies, 2nd edition. Springer 2015, chapter 2.",
)


def cutpoint_section(result: CutpointResult, *, level: Literal[2, 3] = 2) -> Section:
    """What the search for a cut found, and what it cost.

    Parameters
    ----------
    result : CutpointResult
        Of one marker and endpoint.
    level : int
        2 for a chapter, 3 for a part of one.

    Returns
    -------
    Section
        Words, tables, figures; the effect without any cut too.
    """
    effect = result.continuous
    return Section(
        key=key("cutpoint", result.endpoint, result.marker),
        title=f"Cut-point of {result.title} for {result.endpoint_title}",
        level=level,
        blocks=(*_cut_blocks(result), *continuous_blocks(effect)),
        methods=(*_cut_methods(result), *continuous_methods(effect)),
        references=CUTPOINT_REFERENCES + SPLINE_REFERENCES,
        limitations=(_CHOSEN_HERE,),
    )


_CHOSEN_HERE: Final = (
    "The cut was chosen by these very patients, so that it fits them better than any others. It is a hypothesis until the same"
    " cut, measured by the same method, holds in other patients."
)


def continuous_section(effect: ContinuousEffect, *, level: Literal[2, 3] = 3) -> Section:
    """The effect of a marker without any cut, for beside a cut that was decided beforehand.

    Parameters
    ----------
    effect : ContinuousEffect
        Of one marker and endpoint.
    level : int
        2 for a chapter, 3 for a part of one.

    Returns
    -------
    Section
        Words, a table and a figure.
    """
    return Section(
        key=key("continuous", effect.endpoint, effect.marker),
        title=f"{effect.title} without a cut, {effect.endpoint_title}",
        level=level,
        blocks=continuous_blocks(effect),
        methods=continuous_methods(effect),
        references=SPLINE_REFERENCES,
    )


def _cut_blocks(result: CutpointResult) -> tuple[Block, ...]:
    if result.not_estimable or result.scan is None:
        text = f"No cut of {result.title} can be searched for: {result.not_estimable}."
        return (Paragraph(text=text, kind="lead"),)
    return (
        Paragraph(text=_found(result), kind="lead"),
        Paragraph(text=_CHOSEN_HERE, kind="caution"),
        _test_table(result),
        _ratio_table(result),
        _scan_block(result),
        *_stability_blocks(result),
    )


def _found(result: CutpointResult) -> str:
    cut = marker_number(result.cutpoint, result.continuous.sd)
    low, high = result.groups
    worse = "more" if result.high_is_worse else "fewer"
    missing = (
        f" ({people(result.n_missing, 'patient')} without the marker left out)" if result.n_missing else ""
    )
    said = [
        f"Among {people(result.n, 'patient')} with {people(result.n_events, 'event')}{missing}, {result.title} separates"
        f" {result.endpoint_title.lower()} most at {cut}: {people(low.n, 'patient')} at or below it with"
        f" {people(low.n_events, 'event')}, {people(high.n, 'patient')} above it with {people(high.n_events, 'event')},"
        f" {worse} than expected above it."
    ]
    if result.p_permutation is not None and result.p_permutation < result.alpha:
        said.append(
            f"Corrected for the search over all cuts, the separation is more than chance gives ({p_words(result.p_permutation)} by"
            f" permutation, threshold {result.alpha:g})."
        )
    else:
        said.append(
            f"A search over all cuts finds as much by chance ({p_words(result.p_permutation)} by permutation, threshold"
            f" {result.alpha:g}): no cut is shown to separate these patients, which is no proof that none does."
        )
    return " ".join(said)


def _test_table(result: CutpointResult) -> Table:
    rows = (
        ("By permutation (the one to report)", format_p(result.p_permutation)),
        ("By approximation over the cuts that exist (Lausen, Sauerbrei and Schumacher)", format_p(result.p_lausen_1994)),
        ("By approximation over shares of patients (Lausen and Schumacher)", format_p(result.p_lausen_1992)),
        ("Not corrected: as if the cut had been decided beforehand (not valid here)", format_p(result.p_naive)),
    )  # fmt: skip
    error = format_number(result.p_permutation_mc_error, 4)
    note = (
        f"Largest standardized statistic {format_number(result.statistic, 2)}; {people(result.n_permutations, 'permutation')},"
        f" Monte-Carlo standard error of the p-value {error}."
        " The approximations are meant for small p-values."
    )
    return Table(
        caption=f"Test of the cut of {result.title}",
        header=("Correction for the search", "p"),
        rows=rows,
        footnotes=(note,),
        counts=no_counts(rows),
    )


def _ratio_table(result: CutpointResult) -> Table:
    effect, cut = result.continuous, marker_number(result.cutpoint, result.continuous.sd)
    rows = (
        (f"High (above {cut}) to low, optimism of the search taken off",
         effect_text(result.stability.hazard_ratio_corrected), DASH),
        (f"High (above {cut}) to low, not corrected (too far from 1)", effect_text(result.hazard_ratio_naive),
         "not valid"),
        line_row(effect),
    )  # fmt: skip
    note = (
        "The corrected hazard ratio has no interval: none that counts the search is computed. The interval of the uncorrected"
        " one doesn't count the search, so that it is too narrow."
    )
    return Table(
        caption=f"Hazard ratios of {result.title}",
        header=("", "Hazard ratio (95 % CI)", "p"),
        rows=rows,
        footnotes=(note,),
        counts=no_counts(rows),
    )


def _scan_block(result: CutpointResult) -> FigureBlock:
    scan = result.scan
    assert scan is not None
    cut = marker_number(result.cutpoint, result.continuous.sd)
    corrected, naive = format_number(scan.threshold_corrected), format_number(scan.threshold_naive)
    block = FigureBlock(
        name=key("cut_scan", result.endpoint, result.marker),
        caption=f"Standardized log-rank statistic at every cut of {result.title} that leaves"
        f" {format_number(100 * result.min_proportion, 0)} % of the patients on each side ({result.endpoint_title}). The largest"
        f" has to exceed {corrected}, not {naive}, at {result.alpha:g}.",
        alternative=f"A line of the statistic over the cuts, highest at {cut} with {format_number(result.statistic)};"
        f" the corrected threshold lies at {corrected}, the uncorrected one at {naive}.",
        draw=lambda narrow: scan_figure(result, narrow=narrow),
        data_header=("cut", "statistic", "threshold corrected", "threshold not corrected"),
        data=tuple(
            (float(c), float(s), scan.threshold_corrected, scan.threshold_naive)
            for c, s in zip(scan.cuts, scan.statistics, strict=True)
        ),
    )
    return replace(block, masked=lambda minimum: _coarser(block, result, minimum))


def _coarser(block: FigureBlock, result: CutpointResult, minimum: int) -> FigureBlock:
    """The scan at every few cuts: from one cut to the next the statistic tells of single patients."""
    every = max(minimum, 1)
    return replace(
        block,
        draw=lambda narrow: scan_figure(result, narrow=narrow, every=every),
        data=block.data[::every],
        masked=None,
    )


def _stability_blocks(result: CutpointResult) -> tuple[Block, ...]:
    stability, sd = result.stability, result.continuous.sd
    if stability.not_estimable or stability.share_near is None:
        return (
            Paragraph(text=f"How stable the cut is can't be estimated: {stability.not_estimable}.", kind="caution"),
        )  # fmt: skip
    low, high = (marker_number(v, sd) for v in (stability.cut.ci_lower, stability.cut.ci_upper))
    failed = (
        f" {people(stability.n_failed, 'sample')} gave no cut with a finite hazard ratio."
        if stability.n_failed
        else ""
    )
    text = (
        f"The whole search was repeated in {people(stability.n_bootstrap, 'bootstrap sample')}.{failed} The middle 95 % of their cuts"
        f" lie between {low} and {high}; {format_number(100 * stability.share_near, 0)} % are near the chosen one (they divide the"
        f" patients alike to within {format_number(100 * stability.near, 0)} of 100)."
        f" {_optimism(result)}"
    )
    figure = FigureBlock(
        name=key("cut_stability", result.endpoint, result.marker),
        caption=f"Cuts of {result.title} that {people(stability.n_bootstrap, 'bootstrap sample')} chose ({result.endpoint_title}).",
        alternative=f"Bars of how often each cut was chosen; the middle 95 % reach from {low} to {high}.",
        draw=lambda narrow: stability_figure(result, narrow=narrow),
        data_header=("cut", "share of samples"),
        data=tuple(
            (float(c), float(f)) for c, f in zip(stability.cuts, stability.selection_frequency, strict=True)
        ),
    )
    return (Paragraph(text=text), figure)


def _optimism(result: CutpointResult) -> str:
    naive, corrected = result.hazard_ratio_naive.value, result.stability.hazard_ratio_corrected.value
    if naive is None or corrected is None:
        return ""
    if min(group.n_events for group in result.groups) < FEW_EVENTS:
        return f"With fewer than {FEW_EVENTS} events on one side no hazard ratio is stated here; those of the table are unreliable."
    text = (
        f"Taking off the optimism of the search brings the hazard ratio from {format_number(naive)} to {format_number(corrected)}."
    )  # fmt: skip
    crossed = (naive - 1) * (corrected - 1) <= 0
    return f"{text} That is to the other side of 1: nothing of it is left." if crossed else text


def _cut_methods(result: CutpointResult) -> tuple[str, ...]:
    if result.not_estimable:
        return ()
    share = format_number(100 * result.min_proportion, 0)
    said = (
        f"The cut of {result.title} maximizes the standardized log-rank score statistic over all cuts that leave at least {share} %"
        f" of the patients on each side; its p-value is corrected for the search by {people(result.n_permutations, 'permutation')},"
        f" beside two approximations (seed {result.seed}).",
        "Stability and optimism come from repeating the whole search in"
        f" {people(result.stability.n_bootstrap, 'bootstrap sample')}: the mean excess of the log hazard ratio in a sample over"
        " that of the same cut in the original patients is taken off (Harrell's optimism).",
    )
    return said if not result.stability.not_estimable else said[:1]


def cutpoint_document(
    result: CutpointResult,
    *,
    source: str,
    plan: str,
    versions: Mapping[str, str],
    landmark: LandmarkResult | None = None,
    limitations: Sequence[str] = (),
) -> Document:
    """The search for a cut as a document of its own.

    Parameters
    ----------
    result : CutpointResult
        Of one marker and endpoint.
    source, plan : str
        Name of the cohort's file, and where the plan comes from.
    versions : mapping of str to str
        igfstrat, Python and libraries.
    landmark : LandmarkResult, optional
        Where time was restarted.
    limitations : sequence of str
        What the source of the cohort can't show.

    Returns
    -------
    Document
        Ready for any format.
    """
    sections = [cutpoint_section(result)]
    if landmark is not None:
        sections.append(landmark_section(landmark, level=2))
    made = "Made with " + ", ".join(f"{name} {version}" for name, version in versions.items()) + "."
    methods = [text for section in sections for text in section.methods]
    limits = [_UNADJUSTED, *(text for section in sections for text in section.limitations), *limitations]
    ends = [
        Section(key="methods", title="Methods", blocks=(Paragraph(text=" ".join([*methods, made])),)),
        Section(
            key="limitations",
            title="Limitations",
            blocks=tuple(Paragraph(text=text, kind="item") for text in limits),
        ),
        Section(
            key="references",
            title="References",
            blocks=tuple(
                Paragraph(text=text, kind="item")
                for text in sorted({text for section in sections for text in section.references})
            ),
        ),
    ]
    return Document(
        title=f"Cut-point of {result.title}",
        subtitle=(source, plan, result.endpoint_title),
        sections=(*sections, *ends),
        footer=f"igfstrat {versions.get('igfstrat', '')} · every number at full precision is in report.json · research use only",
    )


_UNADJUSTED: Final = (
    "Unadjusted analysis of an observational cohort: differences between groups may come from other causes."
)
