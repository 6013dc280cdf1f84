"""Subgroups as a section: the interaction tests in words, the forest plot, its table, and small panels of curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from igfstrat.analysis.evidence_results import EvidenceComparison
from igfstrat.analysis.subgroup_results import (
    Interaction,
    SubgroupAnalysis,
    SubgroupEndpoint,
    SubgroupRow,
    VariableResult,
)
from igfstrat.report.document import Block, Paragraph, Section
from igfstrat.report.forest_figure import forest_block
from igfstrat.report.formatting import DASH, format_interval, format_label, format_number, format_p
from igfstrat.report.panel_figure import panel_block
from igfstrat.report.tables import Table

_REFERENCES: Final = (
    "Wang R, Lagakos SW, Ware JH, Hunter DJ, Drazen JM. Statistics in medicine: reporting of subgroup analyses in "
    "clinical trials. N Engl J Med 2007;357:2189-2194.",
    "Holm S. A simple sequentially rejective multiple test procedure. Scand J Stat 1979;6:65-70.",
)
_METHODS: Final = (
    "Within subgroups, hazard ratios come from a Cox model in the patients of that level, and are given where both groups "
    "have at least {fewest} events.",
    "Whether the effect differs between levels was tested for each variable by the likelihood ratio of Cox models with and "
    "without products of group and level, stratified by level, in levels with at least {fewest} events; {tests}.",
)


def subgroup_section(
    analysis: SubgroupAnalysis, *, endpoint: str, title: str, evidence: Sequence[EvidenceComparison] = ()
) -> Section:
    """The subgroups of one endpoint.

    Parameters
    ----------
    analysis : SubgroupAnalysis
        All subgroups of the run.
    endpoint : str
        Which endpoint to show.
    title : str
        What the patients are grouped by.
    evidence : sequence of EvidenceComparison
        The registry beside each row; those of other endpoints are left out.

    Returns
    -------
    Section
        With key ``subgroup_`` and the endpoint; sentences alone where no subgroup was asked for.
    """
    result = next(found for found in analysis.endpoints if found.endpoint == endpoint)
    heading = f"{result.title}: effect of {title} within subgroups"
    if not result.variables:
        text = "The plan names no subgroups: none was looked at, and nothing is said about any."
        return Section(key=f"subgroup_{endpoint}", title=heading, blocks=(Paragraph(text=text),))
    sentences = [_count_sentence(analysis), *(_sentence(v, analysis.alpha, title) for v in result.variables)]
    verdicts = {(e.variable, e.level): e.verdict for e in evidence if e.endpoint == endpoint}
    blocks: list[Block] = [Paragraph(text=sentences[0], kind="caution")]
    blocks += [Paragraph(text=text, kind="item") for text in sentences[1:]]
    blocks += [forest_block(result), subgroup_table(result, verdicts=verdicts)]
    blocks += [panel_block(result, v) for v in result.variables if v.rows]
    tests = f"{_interactions(analysis.n_interactions)} in all, p-values corrected by Holm's method"
    return Section(
        key=f"subgroup_{endpoint}",
        title=heading,
        blocks=tuple(blocks),
        methods=tuple(text.format(fewest=analysis.fewest_events, tests=tests) for text in _METHODS),
        references=_REFERENCES,
        limitations=(
            "Subgroups are small: an interaction that is not found may still be there, and an interval within a subgroup "
            "says little.",
        ),
    )


def _interactions(n: int) -> str:
    return f"{n} interaction{'' if n == 1 else 's'}"


def _count_sentence(analysis: SubgroupAnalysis) -> str:
    n, tested = analysis.n_interactions, analysis.n_tested
    rest = "" if tested == n else f", of which {tested} could be tested"
    return (
        f"{_interactions(n)} {'was' if n == 1 else 'were'} looked at in this run{rest}; p-values are corrected by Holm's "
        f"method for all that could be tested. Whether an effect differs between subgroups is told by these tests, threshold {analysis.alpha:g}, and "
        "not by comparing single rows."
    )


def _sentence(result: VariableResult, alpha: float, title: str) -> str:
    test, name = result.interaction, result.variable.title
    if test.p_value is None:
        said = f"{name}: whether the effect differs can't be tested ({test.not_estimable}); nothing is claimed about its levels."
    elif test.p_adjusted is not None and test.p_adjusted < alpha:
        said = f"{name}: the effect of {title} differs between levels ({_test(test)})."
    elif test.p_value < alpha:
        said = (
            f"{name}: the interaction test is below the threshold only before the correction ({_test(test)}); the data do "
            "not show that the effect differs, whatever single rows say."
        )
    else:
        said = f"{name}: the data do not show that the effect differs between levels ({_test(test)}), whatever single rows say."
    if test.left_out and test.p_value is not None:
        said += f" Too few events or one group only, and not in the test: {', '.join(map(format_label, test.left_out))}."
    if result.n_missing:
        said += f" Not known in {result.n_missing} patient{'' if result.n_missing == 1 else 's'}."
    return said


def _test(test: Interaction) -> str:
    p, adjusted = (
        text if text.startswith("<") else f"= {text}"
        for text in map(format_p, (test.p_value, test.p_adjusted))
    )
    degrees = f"{test.df} degree{'' if test.df == 1 else 's'} of freedom"
    return f"interaction χ² {format_number(test.statistic)} on {degrees}, p {p}, corrected p {adjusted}"


def subgroup_table(
    result: SubgroupEndpoint, *, verdicts: Mapping[tuple[str | None, str | None], str] | None = None
) -> Table:
    """The rows of a forest plot as a table.

    Parameters
    ----------
    result : SubgroupEndpoint
        One endpoint.
    verdicts : mapping of tuple to str, optional
        What the registry says, by variable and level.

    Returns
    -------
    Table
        All patients first; a line for each level and compared group, and one for each interaction test.
    """
    groups = [f"{format_label(group)}: {what}" for group in result.groups for what in ("n", "events")]
    last = ("Registry",) if verdicts else ()
    rows: list[tuple[tuple[str, ...], tuple[int | None, ...]]] = []
    rows += _rows(result.overall, "All patients", (verdicts or {}).get((None, None)), last)
    for v in result.variables:
        for row in v.rows:
            label = f"{v.variable.title}: {format_label(str(row.level))}"
            rows += _rows(row, label, (verdicts or {}).get((v.variable.name, row.level)), last)
        told = (
            _test(v.interaction)
            if v.interaction.p_value is not None
            else f"no test: {v.interaction.not_estimable}"
        )
        cells = (f"{v.variable.title}: interaction", *([""] * len(groups)), told, *([""] * len(last)))
        rows.append((cells, (None,) * len(cells)))
    return Table(
        caption=f"{result.title}: hazard ratios within subgroups",
        header=("Patients", *groups, "Hazard ratio (95 % CI)", *last),
        rows=tuple(cells for cells, _ in rows),
        footnotes=(_footnote(result),),
        counts=tuple(counts for _, counts in rows),
    )


def _footnote(result: SubgroupEndpoint) -> str:
    reference = format_label(result.groups[0]) if result.groups else DASH
    return (
        f"Against {reference}; {DASH}: not estimated. Only an interaction test tells whether effects differ."
    )


def _rows(
    row: SubgroupRow, label: str, verdict: str | None, last: tuple[str, ...]
) -> list[tuple[tuple[str, ...], tuple[int | None, ...]]]:
    numbers = [number for group in row.groups for number in (group.n, group.n_events)]
    several = len(row.hazard_ratios) > 1
    lines = [
        (
            f"{label}, {format_label(r.term)}" if several else label,
            _ratio(r.estimate.not_estimable) or format_interval(r.estimate),
        )
        for r in row.hazard_ratios
    ] or [(label, f"{DASH} (only one group)")]
    return [
        (
            (name, *map(str, numbers), text, *((verdict or DASH,) if last else ())),
            (None, *numbers, *((None,) * (1 + len(last)))),
        )
        for name, text in lines
    ]


def _ratio(reason: str | None) -> str | None:
    return f"{DASH} ({reason})" if reason else None
