"""A study over a grid: how far the power goes, its figures over what varies, and the designs at each point."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any, Final

from igfstrat.errors import safe_text
from igfstrat.report.document import Block, FigureBlock, Paragraph, Section
from igfstrat.report.study_designs import ERRORS, design_table
from igfstrat.report.study_figures import vary_figure
from igfstrat.report.study_truths import plain_table
from igfstrat.report.study_wording import percent, span
from igfstrat.report.tables import Table
from igfstrat.trials.results import StudyPoint
from igfstrat.trials.scenario import Scenario

_MOST_TABLES: Final = 12  # points of a grid that get their own table
_MOST_FIGURES: Final = 6


def range_words(points: Sequence[StudyPoint]) -> list[str]:
    """How far the power of each design goes over the grid, and which design has the highest one at how many points.

    Parameters
    ----------
    points : sequence of StudyPoint
        Of the grid.

    Returns
    -------
    list of str
        A sentence a design, and one more.
    """
    names = list(points[0].results.designs)
    texts = []
    for name in names:
        powers = [100 * point.results.designs[name].power["value"] for point in points]
        texts.append(f"Power of {safe_text(name)}: {span(powers, 1)} % over {len(points)} points.")
    if len(names) > 1:
        best = [max(names, key=lambda n: p.results.designs[n].power["value"]) for p in points]
        counts = [f"{safe_text(name)} at {best.count(name)}" for name in names if name in best]
        texts.insert(0, f"Highest power: {', '.join(counts)} of {len(points)} points.")
    return texts


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
        design_table(scenario, p, _point_title(p.values), first=i == 0)
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
    notes = (ERRORS, *([f"The first 60 of {len(points)} points; all are in designs.csv."] if len(points) > 60 else []))  # fmt: skip
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
