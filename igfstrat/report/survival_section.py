"""The survival part of a report: summary, patients' flow, and one section an endpoint; and the whole put in order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from igfstrat.analysis import EndpointResult, SurvivalReport
from igfstrat.report._wording import rule_words, sentence
from igfstrat.report.document import Block, Document, FigureBlock, Paragraph, Section
from igfstrat.report.figures import DATA_HEADER, drawn_numbers, survival_figure
from igfstrat.report.flow_figure import flow_block
from igfstrat.report.formatting import format_label
from igfstrat.report.methods_section import limitations_section, methods_section, references_section
from igfstrat.report.remark_section import remark_section
from igfstrat.report.sentences import detail_sentences, key_sentences
from igfstrat.report.tables import effect_table, flow_table, survival_table

# sections stand in this order, whoever brings them; a key may go on after its word (subgroups_dfs)
ORDER: Final = (
    "summary", "flow", "table_one", "table_1", "table1", "baseline", "evaluable", "survival", "pairwise", "trend",
    "landmark", "subgroup", "forest", "adjusted", "covariates", "standardized", "imputation", "treatment", "cutpoint",
    "continuous", "competing", "evidence", "methods", "remark", "limitations", "references", "register",
)  # fmt: skip
NOT_SHOWN: Final = (
    "What this does not show: that the marker causes a difference, or what is best for one patient. "
    "It describes these patients, and other cohorts may differ."
)


def survival_document(report: SurvivalReport, more: Sequence[Section] = ()) -> Document:
    """The whole report in its order.

    Parameters
    ----------
    report : SurvivalReport
        The comparison of groups.
    more : sequence of Section
        What other analyses add: each takes its place by its key (see `ORDER`), with the parts (level 3) that follow it;
        a section with the key of one of this report's own (``evidence``, ``flow``) stands in for it.

    Returns
    -------
    Document
        Ready for any format.
    """
    own = [
        summary_section(report),
        flow_section(report),
        *(survival_section(report, r) for r in report.endpoints),
    ]
    brought = {section.key for section in more}
    kept = [section for section in own if section.key not in brought]
    computed = [*kept, *more]
    own_ends = [
        methods_section(report, computed), remark_section(report, computed), limitations_section(report, computed),
        references_section(computed),
    ]  # fmt: skip
    ends = [section for section in own_ends if section.key not in brought]
    return Document(
        title=f"Survival by {report.grouping.title}",
        subtitle=_subtitle(report),
        sections=_in_order([*kept, *more, *ends]),
        footer=f"igfstrat {report.versions.get('igfstrat', '')} · every number at full precision is in report.json · research use only",
    )


def _subtitle(report: SurvivalReport) -> tuple[str, ...]:
    cohort = report.cohort
    sheet = f" › {cohort['sheet']}" if cohort.get("sheet") else ""
    rows = cohort.get("rows_read", cohort.get("rows", 0))
    first = f"{cohort.get('file', '')}{sheet} · {rows} rows · {report.settings.get('plan', '')}"
    return (first, sentence(rule_words(report.grouping.rule))) if report.grouping.rule else (first,)


def _place(section: Section) -> int:
    """Where a section stands; what is not known stands before the evidence."""
    return next(
        (i for i, word in enumerate(ORDER) if section.key.startswith(word)), ORDER.index("evidence") - 1
    )


def _in_order(sections: Sequence[Section]) -> tuple[Section, ...]:
    """Chapters by place, each with its parts behind it; a part named after an endpoint stands in that endpoint's chapter."""
    chapters: list[list[Section]] = []
    for section in sections:
        if section.level == 2 or not chapters:
            chapters.append([section])
        else:
            _home(section, chapters).append(section)
    ordered = sorted(chapters, key=lambda chapter: _place(chapter[0]))
    return tuple(s for chapter in ordered for s in (chapter[0], *sorted(chapter[1:], key=_place)))


def _home(part: Section, chapters: list[list[Section]]) -> list[Section]:
    """The chapter of a part: its endpoint's, where its key names one, else the one before it."""
    for chapter in chapters:
        word, _, endpoint = chapter[0].key.partition("_")
        if word == "survival" and f"_{endpoint}_" in f"{part.key}_":
            return chapter
    return chapters[-1]


def summary_section(report: SurvivalReport) -> Section:
    """What was found, in plain words, for every endpoint.

    Parameters
    ----------
    report : SurvivalReport
        The results.

    Returns
    -------
    Section
        Sentences only.
    """
    blocks: list[Block] = [
        Paragraph(text=" ".join(key_sentences(report, result)), kind="lead") for result in report.endpoints
    ]
    return Section(key="summary", title="Summary", blocks=(*blocks, Paragraph(text=NOT_SHOWN)))


def flow_section(report: SurvivalReport) -> Section:
    """From the rows of the file to the patients analysed.

    Parameters
    ----------
    report : SurvivalReport
        The results.

    Returns
    -------
    Section
        A figure and a table.
    """
    if not report.endpoints:
        return Section(key="flow", title="Patients", blocks=(Paragraph(text="No endpoint was analysed."),))
    blocks = (flow_block(report.endpoints), flow_table(*report.endpoints))
    return Section(key="flow", title="Patients", blocks=blocks)


def survival_section(report: SurvivalReport, result: EndpointResult) -> Section:
    """One endpoint: curves, tables and what must be said of them.

    Parameters
    ----------
    report : SurvivalReport
        For the grouping and the error rate.
    result : EndpointResult
        One endpoint.

    Returns
    -------
    Section
        Key ``survival_<endpoint>``.
    """
    first: list[Block] = []
    if result.definition:
        first.append(Paragraph(text=f"Definition: {result.definition}"))
    if result.note:
        first.append(Paragraph(text=f"{result.note[0].upper()}{result.note[1:]}.", kind="caution"))
    first += [Paragraph(text=sentence) for sentence in detail_sentences(report, result)]
    tables = (survival_table(result), effect_table(result))
    return Section(
        key=f"survival_{result.name}",
        title=result.title,
        blocks=(*first, survival_block(report, result), *tables),
    )


def survival_block(report: SurvivalReport, result: EndpointResult, *, minimum: int = 0) -> FigureBlock:
    """The Kaplan–Meier figure of one endpoint, with the numbers that it draws.

    Parameters
    ----------
    report : SurvivalReport
        For the grouping.
    result : EndpointResult
        One endpoint.
    minimum : int
        Smallest number of people that may be shown; 0 shows all.

    Returns
    -------
    FigureBlock
        Named ``km_<endpoint>``.
    """
    ticks = (
        "ticks are censored patients"
        if not minimum
        else f"shown at every {minimum}th event; small counts are hidden"
    )
    return FigureBlock(
        name=f"km_{result.name}",
        caption=f"{result.title} by {report.grouping.title}: Kaplan–Meier estimate with log-log 95 % band; {ticks}.",
        alternative=_seen(result),
        draw=lambda narrow: survival_figure(result, narrow=narrow, minimum=minimum),
        data_header=DATA_HEADER if not minimum else DATA_HEADER[:5],
        data=drawn_numbers(result, minimum=minimum),
        masked=lambda smallest: survival_block(report, result, minimum=smallest),
    )


def _seen(result: EndpointResult) -> str:
    """The curves in words; their numbers stand in the tables below."""
    names = ", ".join(format_label(group.label) for group in result.groups) or "no group"
    return f"One falling step curve for each of: {names}. The numbers stand in the tables below."
