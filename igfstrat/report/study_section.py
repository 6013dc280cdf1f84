"""A study of trial designs as a document: what it says in plain words, the designs side by side, and how far to trust it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any, Final

from igfstrat.errors import safe_text
from igfstrat.report.chosen_cut_section import chosen_cut_sections
from igfstrat.report.document import Block, Document, FigureBlock, Paragraph, Section
from igfstrat.report.formatting import DASH
from igfstrat.report.study_ends import end_sections, truth_section
from igfstrat.report.study_figures import (
    Z95,
    effort_figure,
    gap_figure,
    gap_of,
    power_figure,
    vary_figure,
)
from igfstrat.report.study_outlook import open_words, outlook_sections
from igfstrat.report.study_provenance import provenance_section
from igfstrat.report.study_selection import selection_tables
from igfstrat.report.study_truths import death_table, missing_forms, null_table, plain_table
from igfstrat.report.study_wording import agreement, label_words, money, percent, with_error
from igfstrat.report.tables import Table
from igfstrat.trials.outlook import StudyOutlook
from igfstrat.trials.results import DesignResults, StudyPoint
from igfstrat.trials.scenario import Scenario

_MOST_TABLES: Final = 12  # points of a grid that get their own table
_MOST_FIGURES: Final = 6
_ERRORS: Final = "In brackets: Monte-Carlo standard error."


def study_document(
    scenario: Scenario,
    points: Sequence[StudyPoint],
    *,
    source: str,
    warnings: Sequence[str],
    versions: Mapping[str, str],
    replicates: int,
    seed: int,
    history: Sequence[Section] = (),
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
    history : sequence of Section
        Of a preset of the past, see `history_section`.
    outlook : StudyOutlook, optional
        Of the one point of a study without a grid.

    Returns
    -------
    Document
        Ready for any format.
    """
    single = points[0] if not scenario.vary else None
    sections = [
        Section(key="summary", title="Summary", blocks=_summary(scenario, points, warnings, outlook)),
        *(_point_sections(scenario, single, outlook) if single else _grid_sections(scenario, points)),
        *history,
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
    grid = [f"{len(points)} points: {', '.join(safe_text(path) for path in scenario.vary)}"] if scenario.vary else []  # fmt: skip
    return Document(
        title=safe_text(scenario.name, limit=200),
        subtitle=(*([source] if source else []), simulated, *grid),
        sections=tuple(sections),
        footer="every number at full precision is in results.json · research use only",
    )


def _summary(
    scenario: Scenario, points: Sequence[StudyPoint], warnings: Sequence[str], outlook: StudyOutlook | None
) -> tuple[Block, ...]:
    first, *more = _best_words(scenario, points[0]) if not scenario.vary else _range_words(points)
    shown = [Paragraph(text=safe_text(text, limit=400), kind="caution") for text in warnings[:_MOST_TABLES]]
    if len(warnings) > _MOST_TABLES:
        over = len(warnings) - _MOST_TABLES
        shown.append(Paragraph(text=f"{over} more of this kind are in results.json.", kind="caution"))
    lead = [Paragraph(text=text, kind="lead") for text in (first, *open_words(outlook))]
    return (*lead, *(Paragraph(text=text) for text in (*more, agreement(points))), *shown)


def _best_words(scenario: Scenario, point: StudyPoint) -> list[str]:
    designs = list(point.results.designs.values())
    best = max(designs, key=lambda d: d.power["value"])
    unit = money(scenario, [point])
    texts = [_power_words(best, designs) + " " + _effort_words(best, scenario, unit)]
    cheapest = min(designs, key=lambda d: d.cost["mean"])
    if unit and len(designs) > 1 and scenario.compare_at.cost is None:
        also = "It is also the cheapest on average." if cheapest is best else (
            f"The cheapest on average is {safe_text(cheapest.name)}: {cheapest.cost['mean'] / unit[0]:,.1f} {unit[1]}, with power"
            f" {100 * cheapest.power['value']:.1f} %."
        )  # fmt: skip
        texts.append(also)
    errors = [100 * d.type_i_error["value"] for d in designs if d.type_i_error]
    if errors:
        level = 100 * scenario.test.one_sided_alpha
        texts.append(
            f"Where the experimental arm does nothing, {_span(errors, 2)} % of the trials claim an effect (planned:"
            f" {level:g} %, one-sided)."
        )
    return texts


def _power_words(best: DesignResults, designs: Sequence[DesignResults]) -> str:
    power = best.power
    error = (
        f"{100 * power['value']:.1f} % (Monte-Carlo standard error {100 * power['mc_standard_error']:.2f})"
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
    also = f"; so many trials can't tell it from {', '.join(near)}" if near else ""
    return f"Of {len(designs)} designs {safe_text(best.name)} has the highest power, {error}{also}."


def _effort_words(best: DesignResults, scenario: Scenario, unit: tuple[float, str] | None) -> str:
    cost = f", and costs {best.cost['mean'] / unit[0]:,.1f} {unit[1]}" if unit else ""
    return (
        f"On average it screens {best.n_screened['mean']:,.0f} patients, randomizes {best.n_randomized['mean']:,.0f}, lasts"
        f" {best.duration['mean']:,.1f} {scenario.time_unit}{cost}."
    )


def _span(values: Sequence[float], digits: int) -> str:
    low, high = f"{min(values):.{digits}f}", f"{max(values):.{digits}f}"
    return low if low == high else f"{low} to {high}"


def _range_words(points: Sequence[StudyPoint]) -> list[str]:
    """How far the power of each design goes over the grid, and which design has the highest one at how many points."""
    names = list(points[0].results.designs)
    texts = []
    for name in names:
        powers = [100 * point.results.designs[name].power["value"] for point in points]
        texts.append(f"Power of {safe_text(name)}: {_span(powers, 1)} % over {len(points)} points.")
    if len(names) > 1:
        best = [max(names, key=lambda n: p.results.designs[n].power["value"]) for p in points]
        counts = [f"{safe_text(name)} at {best.count(name)}" for name in names if name in best]
        texts.append(f"Highest power: {', '.join(counts)} of {len(points)} points.")
    return texts


def _point_sections(scenario: Scenario, point: StudyPoint, outlook: StudyOutlook | None) -> list[Section]:
    designs = list(point.results.designs.values())
    made = (_hypothesis_table, null_table, _ratio_table, death_table)
    tables = [*(make(designs) for make in made), *selection_tables(designs)]
    sections = [
        Section(
            key="designs",
            title="Designs side by side",
            blocks=(_design_table(scenario, point, "Designs"), *_design_figures(scenario, point)),
        ),
        *outlook_sections(scenario, point, outlook),
        Section(key="effects", title="What the trials find", blocks=tuple(t for t in tables if t)),
        *chosen_cut_sections(designs, marker=scenario.marker.name),
    ]
    closed = [d for d in designs if d.closed_form]
    shown: list[Block] = [_closed_table(closed), _gap_block(closed)] if closed else []
    if blocks := (*shown, *missing_forms(designs)):
        sections.append(Section(key="closed_form", title="Closed form beside the simulation", blocks=blocks))
    return sections


_HOW_TO_READ: Final = (
    f"{_ERRORS} Means over the trials, each as it stands when it ends. Power: at least one hypothesis is rejected. Without"
    " effect: the same, where the experimental arm does nothing."
)


def _design_table(scenario: Scenario, point: StudyPoint, caption: str, *, first: bool = True) -> Table:
    unit = money(scenario, [point])
    header = ("Design", "Power, %", "Without effect, %", "Right label, %", "Events", "Randomized", "Screened",
              scenario.time_unit.capitalize(), *([f"Cost, {unit[1]}"] if unit else []))  # fmt: skip
    rows = []
    for design in point.results.designs.values():
        sizes = [getattr(design, key) for key in ("n_events", "n_randomized", "n_screened", "duration")]
        cells = [with_error(s["mean"], s["mc_standard_error"], digits=d) for s, d in zip(sizes, (0, 0, 0, 1), strict=True)]  # fmt: skip
        if unit:
            cost = (design.cost[key] / unit[0] for key in ("mean", "mc_standard_error"))
            cells.append(with_error(*cost, digits=1))
        null = percent(design.type_i_error, digits=2) if design.type_i_error else DASH
        rows.append((safe_text(design.name), percent(design.power), null, percent(design.right_label["all"]), *cells))  # fmt: skip
    return Table(
        caption=caption,
        header=header,
        rows=tuple(rows),
        footnotes=(
            *([_HOW_TO_READ] if first else []),
            f"Right label: the claims of the trial fit the truth of its patients, {_right_labels(point)}.",
        ),
        counts=tuple(tuple(None for _ in header) for _ in rows),
    )


def _right_labels(point: StudyPoint) -> str:
    """Which label is right by which design: what is true of test positives depends on who is enrolled."""
    by_label: dict[str, list[str]] = {}
    for name, design in point.results.designs.items():
        by_label.setdefault(design.right_label["right_label_is"], []).append(safe_text(name))
    if len(by_label) == 1:
        return f"which asks for {label_words(next(iter(by_label)))}"
    return "which asks for " + "; ".join(f"{label_words(k)} in {', '.join(v)}" for k, v in by_label.items())


def _hypothesis_table(designs: Sequence[DesignResults]) -> Table | None:
    rows = [
        (safe_text(d.name), name, percent(found))
        for d in designs
        if len(d.hypotheses) > 1
        for name, found in d.hypotheses.items()
    ]
    rows += [(safe_text(d.name), "all of them", percent(d.conjunctive_power)) for d in designs if len(d.hypotheses) > 1]  # fmt: skip
    if not rows:
        return None
    return plain_table("Hypotheses", ("Design", "Hypothesis", "Power, %"), rows, (_ERRORS,))


def _ratio_table(designs: Sequence[DesignResults]) -> Table:
    rows = []
    for design in designs:
        for name, found in design.hazard_ratio["by_population"].items():
            when = found["mean_when_rejected"]
            rows.append(
                (safe_text(design.name), name, with_error(found["true"], 0, digits=3),
                 *(with_error(e["mean"], e["mc_standard_error"], digits=3) for e in (found["mean_estimate"], when)),
                 percent(found["coverage"]))
            )  # fmt: skip
    definition = designs[0].hazard_ratio["definition"]
    return plain_table(
        "Hazard ratio",
        ("Design", "Patients", "Truth", "Mean estimate", "Mean when rejected", "Coverage, %"),
        rows,
        (
            f"Truth: {definition}.",
            f"{_ERRORS} Coverage: 95 % Wald intervals that hold the truth. Estimates of trials that end early or"
            " are looked at because they rejected are too good; no correction is made.",
        ),
    )


def _closed_table(designs: Sequence[DesignResults]) -> Table:
    rows = []
    for design in designs:
        assert design.closed_form is not None
        gap, error = gap_of(design)
        rows.append(
            (safe_text(design.name), percent(design.power), f"{100 * design.closed_form['power']:.1f}",
             with_error(gap, error, digits=2), f"{design.closed_form['gap_in_standard_errors']:+.1f}".replace("-", "−"))
        )  # fmt: skip
    return plain_table(
        "Power, simulated and by the log-rank drift integral",
        ("Design", "Simulated, %", "Integral, %", "Gap, points", "In standard errors"),
        rows,
        (
            f"{_ERRORS} The integral takes each look at the calendar time at which its events are expected. Beyond 4"
            " standard errors the gap is reported; at very many trials a small one is the integral's own approximation.",
        ),
    )


def _design_figures(scenario: Scenario, point: StudyPoint) -> tuple[FigureBlock, ...]:
    designs = tuple(point.results.designs.values())
    unit = money(scenario, [point])
    powers = tuple(
        (d.name, d.power["value"], d.power["mc_standard_error"], d.closed_form["power"] if d.closed_form else None)
        for d in designs
    )  # fmt: skip
    efforts = tuple(
        (d.name, *(v for s in (d.duration, d.cost) for v in (s["mean"], s["quantiles"]["0.05"], s["quantiles"]["0.95"])))
        for d in designs
    )  # fmt: skip
    what = "duration and cost" if unit else "duration"
    return (
        FigureBlock(
            name="power",
            caption="Power of each design: share of simulated trials that reject at least one hypothesis.",
            alternative="; ".join(f"{d.name} {100 * d.power['value']:.1f} %" for d in designs),
            draw=lambda narrow: power_figure(designs, narrow=narrow),
            data_header=("Design", "Power", "Monte-Carlo standard error", "Closed form"),
            data=powers,
        ),
        FigureBlock(
            name="effort",
            caption=f"Mean {what} of each design, and the middle 90 % of its trials.",
            alternative="; ".join(f"{d.name} {d.duration['mean']:.1f} {scenario.time_unit}" for d in designs),
            draw=lambda narrow: effort_figure(designs, unit=scenario.time_unit, money=unit, narrow=narrow),
            data_header=("Design", "Duration, mean", "5 %", "95 %", "Cost, mean", "5 %", "95 %"),
            data=efforts,
        ),
    )


def _gap_block(designs: Sequence[DesignResults]) -> FigureBlock:
    return FigureBlock(
        name="closed_form_gap",
        caption="Simulated power minus closed form; an interval that holds 0 is what chance gives.",
        alternative="; ".join(f"{d.name} {gap_of(d)[0]:+.2f} points" for d in designs),
        draw=lambda narrow: gap_figure(designs, narrow=narrow),
        data_header=("Design", "Gap in points", "Monte-Carlo standard error"),
        data=tuple((d.name, *gap_of(d)) for d in designs),
    )


def _grid_sections(scenario: Scenario, points: Sequence[StudyPoint]) -> list[Section]:
    path = max(scenario.vary, key=lambda p: len(scenario.vary[p]))
    figures = _vary_figures(points, path)
    tables = [
        _design_table(scenario, p, _point_title(p.values), first=i == 0)
        for i, p in enumerate(points[:_MOST_TABLES])
    ]
    more: list[Block] = []
    if len(points) > _MOST_TABLES:
        more = [Paragraph(text=f"{len(points) - _MOST_TABLES} more points are in designs.csv.")]
    return [
        Section(key="vary", title="Power over what varies", blocks=(_power_table(points), *figures)),
        Section(key="designs", title="Designs at each point", blocks=(*tables, *more)),
    ]


def _point_title(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{path} {safe_text(value)}" for path, value in values.items())


def _power_table(points: Sequence[StudyPoint]) -> Table:
    paths, names = list(points[0].values), list(points[0].results.designs)
    shown = points[:60]
    rows = [
        (
            *(safe_text(p.values[path]) for path in paths),
            *(percent(p.results.designs[n].power) for n in names),
        )
        for p in shown
    ]
    notes = (_ERRORS, *([f"The first 60 of {len(points)} points; all are in designs.csv."] if len(points) > 60 else []))  # fmt: skip
    return plain_table("Power, %, by point", (*paths, *map(safe_text, names)), rows, notes)


def _vary_figures(points: Sequence[StudyPoint], path: str) -> list[FigureBlock]:
    """One figure for each combination of what else varies."""

    def rest(point: StudyPoint) -> str:
        return _point_title({key: value for key, value in point.values.items() if key != path})

    ordered = sorted(points, key=rest)
    groups = [(title, tuple(group)) for title, group in groupby(ordered, key=rest)][:_MOST_FIGURES]
    blocks = []
    for i, (title, group) in enumerate(groups):
        rows = tuple(
            (safe_text(p.values[path]), d.name, d.power["value"], d.power["mc_standard_error"])
            for p in group
            for d in p.results.designs.values()
        )
        blocks.append(
            FigureBlock(
                name=f"power_over_grid_{i + 1}",
                caption=f"Power against {path}{', at ' + title if title else ''}, with 95 % Monte-Carlo intervals.",
                alternative="; ".join(f"{name} at {value} {100 * power:.1f} %" for value, name, power, _ in rows),
                draw=lambda narrow, group=group: vary_figure(group, path, narrow=narrow),  # type: ignore[misc]
                data_header=(path, "Design", "Power", "Monte-Carlo standard error"),
                data=rows,
            )
        )  # fmt: skip
    return blocks
