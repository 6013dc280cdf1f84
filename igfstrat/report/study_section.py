"""A study of trial designs as a document: what it says in plain words, the designs side by side, and how far to trust it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from igfstrat.errors import safe_text
from igfstrat.report._wording import title_words
from igfstrat.report.chosen_cut_section import chosen_cut_sections
from igfstrat.report.document import Block, Document, Paragraph, Section
from igfstrat.report.study_designs import (
    closed_table,
    design_figures,
    design_table,
    gap_block,
    hypothesis_table,
    ratio_table,
)
from igfstrat.report.study_ends import end_sections, truth_section
from igfstrat.report.study_figures import Z95
from igfstrat.report.study_grid import grid_sections, range_words
from igfstrat.report.study_outlook import open_words, outlook_sections
from igfstrat.report.study_plans import plan_table
from igfstrat.report.study_provenance import provenance_section
from igfstrat.report.study_selection import selection_tables
from igfstrat.report.study_truths import death_table, missing_forms, null_table
from igfstrat.report.study_wording import agreement, assumption_words, label_words, money, span
from igfstrat.trials.results.study import DesignResults, StudyPoint
from igfstrat.trials.scenario import Scenario
from igfstrat.trials.study.outlook import StudyOutlook

_MOST_WARNINGS: Final = 12
_SAME: Final = 0.005  # two shares of trials that a summary needn't tell apart


def study_document(
    scenario: Scenario,
    points: Sequence[StudyPoint],
    *,
    source: str,
    warnings: Sequence[str],
    versions: Mapping[str, str],
    replicates: int,
    seed: int,
    first: Sequence[Section] = (),
    last: Sequence[Section] = (),
    lead: Sequence[str] = (),
    outlook: StudyOutlook | None = None,
) -> Document:
    """A study as a document.

    Parameters
    ----------
    scenario : Scenario
        As read.
    points : sequence of StudyPoint
        In the order of the grid; one without a grid.
    source : str
        Name of the scenario's file; empty where there is none.
    warnings : sequence of str
        What a reader must know.
    versions : mapping of str to str
        igfstrat, Python and libraries.
    replicates, seed : int
        Trials of each design at each point, and the seed of all.
    first, last : sequence of Section
        What stands right after the summary, such as the cohort behind the scenario, and what stands after the designs, such
        as the sources of a preset of the past.
    lead : sequence of str
        Sentences that begin the summary.
    outlook : StudyOutlook, optional
        Of the one point of a study without a grid.

    Returns
    -------
    Document
        Ready for any format.
    """
    single = points[0] if not scenario.vary else None
    sections = [
        Section(key="summary", title="Summary", blocks=_summary(scenario, points, warnings, lead, outlook)),
        *first,
        *(_point_sections(scenario, single, outlook) if single else grid_sections(scenario, points)),
        *last,
        truth_section(scenario),
        *end_sections(versions, other_truths=outlook is not None),
        provenance_section(
            scenario,
            source=source,
            made={"Trials of each design": replicates, "Seed": seed},
            versions=versions,
        ),
    ]
    simulated = f"{replicates:,} trials of each design with the effect, and as many without · seed {seed}"
    grid = [f"{len(points)} points: {', '.join(map(assumption_words, scenario.vary))}"] if scenario.vary else []  # fmt: skip
    return Document(
        title=title_words(safe_text(scenario.name, limit=200)),
        subtitle=(*([source] if source else []), simulated, *grid),
        sections=tuple(sections),
        footer="every number at full precision is in results.json · research use only",
    )


def _summary(
    scenario: Scenario, points: Sequence[StudyPoint], warnings: Sequence[str], lead: Sequence[str], outlook: StudyOutlook | None
) -> tuple[Block, ...]:  # fmt: skip
    first, *more = _best_words(scenario, points[0]) if not scenario.vary else range_words(points)
    shown = [Paragraph(text=safe_text(text, limit=400), kind="caution") for text in warnings[:_MOST_WARNINGS]]
    if len(warnings) > _MOST_WARNINGS:
        over = len(warnings) - _MOST_WARNINGS
        shown.append(Paragraph(text=f"{over} more of this kind are in results.json.", kind="caution"))
    leading = [Paragraph(text=text, kind="lead") for text in (*lead, first, *open_words(outlook))]
    return (*leading, *(Paragraph(text=text) for text in (*more, agreement(points))), *shown)


def _best_words(scenario: Scenario, point: StudyPoint) -> list[str]:
    designs = list(point.results.designs.values())
    best = max(designs, key=lambda d: d.power["value"])
    unit = money(scenario, [point])
    if _assumes_nothing(scenario, designs):
        return _null_words(designs, scenario, unit)
    texts = [f"{_power_words(best, designs)} {_label_words(best)}{_effort_words('it', best, scenario, unit)}"]
    cheapest = min(designs, key=lambda d: d.cost["mean"])
    if unit and len(designs) > 1 and scenario.compare_at.cost is None:
        also = f"{safe_text(best.name)} is also the cheapest on average." if cheapest is best else (
            f"The cheapest on average is {safe_text(cheapest.name)}: {cheapest.cost['mean'] / unit[0]:,.1f} {unit[1]}, with power"
            f" {100 * cheapest.power['value']:.1f} %."
        )  # fmt: skip
        texts.append(also)
    errors = [d.type_i_error for d in designs if d.type_i_error]
    if errors:
        level = 100 * scenario.test.one_sided_alpha
        texts.append(
            f"Where the experimental arm does nothing, {span([100 * e['value'] for e in errors], 2)} % of the trials claim an effect"
            f" (at most {level:g} % planned, one-sided; Monte-Carlo standard error {_largest(errors)})."
        )
    return texts


def _assumes_nothing(scenario: Scenario, designs: Sequence[DesignResults]) -> bool:
    ratios = scenario.treatment.hazard_ratio
    plain = all(piece.hazard_ratio == 1 for side in (ratios.positive, ratios.negative) for piece in side)
    return plain and all(d.right_label["right_label_is"] == "none" for d in designs)


def _null_words(
    designs: Sequence[DesignResults], scenario: Scenario, unit: tuple[float, str] | None
) -> list[str]:
    """Where the drug does nothing, a claim is an error and no power."""
    claims = span([100 * d.power["value"] for d in designs], 1)
    error = _largest([d.power for d in designs])
    who = f"{safe_text(designs[0].name)} makes one in {claims} % of its trials" if len(designs) == 1 else f"the designs make one in {claims} % of their trials"  # fmt: skip
    first = (
        f"This scenario assumes that the drug does nothing, so that any claim is wrong: {who} (planned:"
        f" {100 * scenario.test.one_sided_alpha:g} %, one-sided; Monte-Carlo standard error {error})."
    )
    if len(designs) > 1:
        return [first]
    return [first, _effort_words(safe_text(designs[0].name), designs[0], scenario, unit)]


def _largest(found: Sequence[Mapping[str, float]]) -> str:
    """The largest Monte-Carlo standard error of several shares, in points."""
    errors = [100 * share["mc_standard_error"] for share in found]
    return f"{max(errors):.2f}" if len(errors) == 1 else f"up to {max(errors):.2f}"


def _power_words(best: DesignResults, designs: Sequence[DesignResults]) -> str:
    power = best.power
    error = (
        f"{100 * power['value']:.1f} % (the share of its trials that claim an effect; Monte-Carlo standard error"
        f" {100 * power['mc_standard_error']:.2f})"
    )
    if len(designs) == 1:
        return f"{safe_text(best.name)} has a power of {error}."
    # common random numbers make the true error of a difference smaller, so that this calls too few designs different
    near = [
        safe_text(d.name)
        for d in designs
        if d is not best
        and power["value"] - d.power["value"]
        < Z95 * (power["mc_standard_error"] ** 2 + d.power["mc_standard_error"] ** 2) ** 0.5
    ]
    also = f"; chance may be all that sets it above {', '.join(near)}" if near else ""
    return f"Of {len(designs)} designs {safe_text(best.name)} has the highest power, {error}{also}."


def _label_words(best: DesignResults) -> str:
    """How often the claims fit the truth, where that isn't what power says."""
    right, power = best.right_label["all"]["value"], best.power["value"]
    if abs(right - power) < _SAME:
        return ""
    whom = label_words(best.right_label["right_label_is"])
    return f"In {100 * right:.1f} % of its trials the claim is for whom the drug helps, {whom}, and for no others. "


def _effort_words(who: str, best: DesignResults, scenario: Scenario, unit: tuple[float, str] | None) -> str:
    last = f"{best.duration['mean']:,.1f} {scenario.time_unit}"
    ends = (
        f", lasts {last} and costs {best.cost['mean'] / unit[0]:,.1f} {unit[1]}"
        if unit
        else f" and lasts {last}"
    )
    return f"On average {who} screens {best.n_screened['mean']:,.0f} patients, randomizes {best.n_randomized['mean']:,.0f}{ends}."


def _point_sections(scenario: Scenario, point: StudyPoint, outlook: StudyOutlook | None) -> list[Section]:
    designs = list(point.results.designs.values())
    made = (hypothesis_table, null_table, ratio_table, death_table)
    tables = [*(make(designs) for make in made), *selection_tables(designs)]
    sections = [
        Section(
            key="designs",
            title="Designs side by side",
            blocks=(
                plan_table(scenario),
                design_table(scenario, point, "Designs"),
                *design_figures(scenario, point),
            ),
        ),
        *outlook_sections(scenario, point, outlook),
        Section(key="effects", title="What the trials find", blocks=tuple(t for t in tables if t)),
        *chosen_cut_sections(designs, marker=scenario.marker.name),
    ]
    closed = [d for d in designs if d.closed_form]
    shown: list[Block] = [closed_table(closed), gap_block(closed)] if closed else []
    if blocks := (*shown, *missing_forms(designs)):
        sections.append(Section(key="closed_form", title="Closed form beside the simulation", blocks=blocks))
    return sections
