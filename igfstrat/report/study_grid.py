"""A study over a grid: how far the power goes, its figures over what varies, and the designs at each point."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any, Final

from igfstrat.errors import safe_text
from igfstrat.report._wording import title_words
from igfstrat.report.document import Block, FigureBlock, Paragraph, Section
from igfstrat.report.study_designs import ERRORS, design_table
from igfstrat.report.study_figures import vary_figure
from igfstrat.report.study_truths import plain_table
from igfstrat.report.study_wording import assumption_words, percent, span, value_words
from igfstrat.report.tables import Table
from igfstrat.trials.results.study import StudyPoint
from igfstrat.trials.scenario import Scenario

_MOST_TABLES: Final = 12  # points of a grid that get their own table
_MOST_FIGURES: Final = 6


def range_words(points: Sequence[StudyPoint]) -> list[str]:
    """How far the power of each design goes over the grid, and which design has the highest one at how many points.

    Points at which the drug helps nobody have no power to speak of: they are told apart.

    Parameters
    ----------
    points : sequence of StudyPoint
        Of the grid.

    Returns
    -------
    list of str
        A sentence a design, and up to two more.
    """
    names = list(points[0].results.designs)
    helped = [point for point in points if not _helps_nobody(point)]
    texts = [
        f"Power of {safe_text(name)}: {_powers(helped, name)} % over {len(helped)} points."
        for name in names
        if helped
    ]
    if len(names) > 1 and helped:
        best = [max(names, key=lambda n: p.results.designs[n].power["value"]) for p in helped]
        counts = [f"{safe_text(name)} at {best.count(name)}" for name in names if name in best]
        texts.insert(0, f"Highest power: {', '.join(counts)} of {len(helped)} points.")
    if nulls := [point for point in points if _helps_nobody(point)]:
        claims = "; ".join(f"{safe_text(name)} {_powers(nulls, name)} %" for name in names)
        texts.append(
            f"At {len(nulls)} of {len(points)} points the drug helps nobody, so that any claim is wrong; claims there: {claims}."
        )
    return texts


def _powers(points: Sequence[StudyPoint], name: str) -> str:
    return span([100 * point.results.designs[name].power["value"] for point in points], 1)


def _helps_nobody(point: StudyPoint) -> bool:
    """Whether no design has anybody for whom a claim would be right: what stands as power is error there."""
    return all(d.right_label["right_label_is"] == "none" for d in point.results.designs.values())


def grid_sections(scenario: Scenario, points: Sequence[StudyPoint]) -> list[Section]:
    """Power over what varies, and the designs at each point.

    Parameters
    ----------
    scenario : Scenario
        With its grid.
    points : sequence of StudyPoint
        In the order of the grid.

    Returns
    -------
    list of Section
        Two.
    """
    path = max(scenario.vary, key=lambda p: len(scenario.vary[p]))
    figures = _vary_figures(points, path)
    tables = [
        design_table(scenario, p, title_words(_point_title(p.values)), first=i == 0)
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
    return ", ".join(f"{assumption_words(path)} {value_words(value)}" for path, value in values.items())


def _power_table(points: Sequence[StudyPoint]) -> Table:
    paths, names = list(points[0].values), list(points[0].results.designs)
    shown = points[:60]
    rows = [
        (
            *(value_words(p.values[path]) for path in paths),
            *(percent(p.results.designs[n].power) for n in names),
        )
        for p in shown
    ]
    notes = (ERRORS, *([f"The first 60 of {len(points)} points; all are in designs.csv."] if len(points) > 60 else []))  # fmt: skip
    header = (*(title_words(assumption_words(path)) for path in paths), *map(safe_text, names))
    return plain_table("Power, %, by point", header, rows, notes)


def _vary_figures(points: Sequence[StudyPoint], path: str) -> list[FigureBlock]:
    """One figure for each combination of what else varies."""

    def rest(point: StudyPoint) -> str:
        return _point_title({key: value for key, value in point.values.items() if key != path})

    ordered = sorted(points, key=rest)
    groups = [(title, tuple(group)) for title, group in groupby(ordered, key=rest)][:_MOST_FIGURES]
    blocks = []
    for i, (title, group) in enumerate(groups):
        rows = tuple(
            (value_words(p.values[path]), d.name, d.power["value"], d.power["mc_standard_error"])
            for p in group
            for d in p.results.designs.values()
        )
        blocks.append(
            FigureBlock(
                name=f"power_over_grid_{i + 1}",
                caption=f"Power over {assumption_words(path)}{', at ' + title if title else ''}, with 95 % Monte-Carlo intervals.",
                alternative="; ".join(f"{name} at {value} {100 * power:.1f} %" for value, name, power, _ in rows),
                draw=lambda narrow, group=group: vary_figure(group, path, narrow=narrow),  # type: ignore[misc]
                data_header=(safe_text(path), "Design", "Power", "Monte-Carlo standard error"),
                data=rows,
            )
        )  # fmt: skip
    return blocks
