"""The figure of competing risks: a panel a cause, a curve a group."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from igfstrat.analysis.competing import NOT_STATED, CompetingResult, IncidenceCurve, IncidenceGroup
from igfstrat.report._disclosure import mask_count
from igfstrat.report._fit import wrap
from igfstrat.report._panels import Sheet, month_ticks
from igfstrat.report.figures import _STYLES, COLOURS, _thinned
from igfstrat.report.formatting import format_label


def drawn_points(group: IncidenceGroup, curve: IncidenceCurve, minimum: int) -> NDArray[np.int64]:
    """Places of a curve that are drawn: its steps; every few events where few people may not show."""
    if minimum == 0:
        return _thinned(group.time, 1 - curve.incidence)
    rises = np.flatnonzero(np.diff(curve.incidence, prepend=0.0) > 0)
    kept = rises[minimum - 1 :: minimum]
    return np.asarray(kept[group.n_at_risk[kept] > minimum], dtype=np.int64)


def incidence_figure(result: CompetingResult, *, narrow: bool, minimum: int = 0) -> Figure:
    """Cumulative incidence of every stated cause, side by side on the wide page."""
    texts = [f"{format_label(group.label)} (n = {mask_count(group.n, minimum)})" for group in result.groups]
    sheet = Sheet(narrow, texts)
    causes = [cause for cause in result.causes if cause != NOT_STATED]
    columns = 1 if narrow or len(causes) == 1 else 2
    rows = -(-len(causes) // columns)
    room = (sheet.width - 4.0) / columns - sheet.left
    # bold letters are broader
    titles = [wrap(format_label(cause), 0.8 * room / sheet.em) for cause in causes]
    above = 3.0 + 1.35 * sheet.em * max(title.count("\n") + 1 for title in titles)
    longest = max((float(g.time[-1]) for g in result.groups if len(g.time)), default=0.0) or 12.0
    ticks = month_ticks(longest, narrow or columns > 1)
    top = max((float(c.ci_upper[np.isfinite(c.ci_upper)].max(initial=0.0)) for g in result.groups for c in g.curves),
              default=1.0)  # fmt: skip
    with sheet.rc():
        figure, cells = sheet.start_grid(38 if narrow else 52, rows, columns, above)
        for axes in cells[len(causes) :]:
            axes.set_axis_off()
        for place, (axes, title) in enumerate(zip(cells, titles, strict=False)):
            axes.set_title(title, loc="left", fontsize=sheet.size, fontweight="bold", pad=4)
            for i, group in enumerate(result.groups):
                if group.curves:
                    _draw(axes, group, group.curves[place], i, minimum)
            axes.set_xlim(0, max(ticks[-1], longest))
            axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
            axes.set_ylim(0, min(1.02, max(100 * top, 5) / 100 * 1.04))
            axes.yaxis.set_major_formatter(lambda y, _: f"{100 * y:.0f}")
            sheet.dress(axes, "Months", "Incidence (%)")
        sheet.write_legend(
            figure,
            [
                Line2D([], [], color=COLOURS[i % len(COLOURS)], linestyle=_STYLES[i % len(_STYLES)], linewidth=1.6)
                for i in range(len(texts))
            ],
        )  # fmt: skip
    return figure


def _draw(axes: Any, group: IncidenceGroup, curve: IncidenceCurve, place: int, minimum: int) -> None:
    keep, colour = drawn_points(group, curve, minimum), COLOURS[place % len(COLOURS)]
    time = np.concatenate(([0.0], group.time[keep]))
    incidence = np.concatenate(([0.0], curve.incidence[keep]))
    axes.step(
        time, incidence, where="post", color=colour, linestyle=_STYLES[place % len(_STYLES)], linewidth=1.3, zorder=3
    )  # fmt: skip
    lower, upper = (np.concatenate(([0.0], side[keep])) for side in (curve.ci_lower, curve.ci_upper))
    known = np.isfinite(lower) & np.isfinite(upper)
    axes.fill_between(
        time[known], lower[known], upper[known], step="post", color=colour, alpha=0.12, linewidth=0, zorder=1
    )
