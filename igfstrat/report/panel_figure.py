"""Small Kaplan–Meier panels, one for each level of a variable, on common axes."""

from __future__ import annotations

import string
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, Final

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure

from igfstrat.analysis.subgroup_results import PanelCurve, SubgroupEndpoint, SubgroupRow, VariableResult
from igfstrat.report._disclosure import mask_count, published_points
from igfstrat.report._fit import ems, wrap
from igfstrat.report.document import FigureBlock
from igfstrat.report.figures import COLOURS, RC
from igfstrat.report.formatting import format_label

_MM: Final = 1 / 25.4
_INK: Final = "#1C1C1C"
_STYLES: Final = ("-", (0, (5, 1.5)), (0, (2, 1.2)), (0, (6, 1.5, 1.5, 1.5)))
_LONG: Final = 13  # ems of a group's name beyond which the panels give it a letter


def panel_block(result: SubgroupEndpoint, variable: VariableResult, *, minimum: int = 0) -> FigureBlock:
    """Curves by group within each level of a variable.

    Parameters
    ----------
    result : SubgroupEndpoint
        One endpoint.
    variable : VariableResult
        One of its variables, with at least one level.
    minimum : int
        Smallest number of people that may be shown; 0 shows all.

    Returns
    -------
    FigureBlock
        Named ``panels_``, the endpoint and the variable.
    """
    title = variable.variable.title
    told = (
        f"{format_label(str(row.level))}: "
        + ", ".join(
            f"{format_label(g.label)} {mask_count(g.n_events, minimum)} events in {mask_count(g.n, minimum)} patients"
            for g in row.groups
        )
        for row in variable.rows
    )
    data = tuple(
        (row.level, curve.label, time, survival)
        for row in variable.rows
        for curve in (_published(c, minimum) for c in row.curves)
        for time, survival in zip(curve.time, curve.survival, strict=True)
    )
    return FigureBlock(
        name=f"panels_{result.endpoint}_{variable.variable.name}",
        caption=f"{result.title} by Kaplan–Meier within {title}; events/patients by group. Curves that lie apart in one panel and not in another are "
        "no evidence that the effect differs: see the interaction test.",
        alternative="; ".join(told),
        draw=lambda narrow: panel_figure(result, variable, narrow=narrow, minimum=minimum),
        data_header=("Level", "Group", "Months", "Survival"),
        data=data,
        masked=lambda smallest: panel_block(result, variable, minimum=smallest),
    )


def _published(curve: PanelCurve, minimum: int) -> PanelCurve:
    """What of a curve may be shown."""
    if minimum == 0:
        return curve
    columns: Any = SimpleNamespace(n_events=np.array(curve.n_events), n_at_risk=np.array(curve.n_at_risk))
    shown = published_points(columns, minimum)
    cut = {
        name: tuple(np.array(getattr(curve, name))[shown].tolist())
        for name in ("time", "survival", "n_at_risk", "n_events")
    }
    return PanelCurve(label=curve.label, **cut)


def panel_figure(
    result: SubgroupEndpoint, variable: VariableResult, *, narrow: bool = False, minimum: int = 0
) -> Figure:
    """Draw a panel for each level.

    Parameters
    ----------
    result : SubgroupEndpoint
        One endpoint.
    variable : VariableResult
        One of its variables.
    narrow : bool
        85 mm instead of 170 mm wide.
    minimum : int
        Smallest number of people that may be shown; 0 shows all.

    Returns
    -------
    Figure
        Not attached to any window.
    """
    width, size = (85.0, 6.4) if narrow else (170.0, 8.0)
    em = size * 25.4 / 72
    columns = min(2 if narrow else 3, max(len(variable.rows), 2))
    cell = (width - 2) / columns
    left = 9.0 if narrow else 12.0
    names, key = _names(result, (width - 4) / em)
    heads = [_head(row, names, (cell - left) / em, minimum) for row in variable.rows]
    starts = range(0, len(heads), columns)
    above = [1.35 * em * max(text.count("\n") + 1 for text, _ in heads[i : i + columns]) + 2 for i in starts]
    plot, below = (26.0 if narrow else 34.0), 8.0 if narrow else 10.0
    top_key = 1.35 * em * sum(text.count("\n") + 1 for text in key) + (2 if key else 0)
    total = top_key + sum(above) + len(above) * (plot + below) + 1
    longest = max((c.time[-1] for r in variable.rows for c in r.curves if c.time), default=12.0) or 12.0
    with rc_context(RC | {"font.size": size}):
        figure = Figure(figsize=(width * _MM, total * _MM), layout=None)
        figure.text(
            2 / width, 1 - 1 / total, "\n".join(key), ha="left", va="top", linespacing=1.2, color=_INK
        )
        top = top_key
        for i, row in enumerate(variable.rows):
            line, column = divmod(i, columns)
            base = total - top - above[line] - plot
            place = ((column * cell + left) / width, base / total, (cell - left - 2) / width, plot / total)
            axes = figure.add_axes(place)
            _draw_panel(axes, row, result.groups, longest, minimum)
            _write_head(figure, heads[i], (place[0], place[1] + place[3]), 1.35 * em / total)
            axes.set_ylabel(f"{result.endpoint.upper()} (%)" if column == 0 else "", labelpad=2)
            axes.set_xlabel("Months", labelpad=1)
            if column == columns - 1:
                top += above[line] + plot + below
    return figure


def _names(result: SubgroupEndpoint, room: float) -> tuple[list[str], list[str]]:
    """Names of the groups in the panels, and the key that explains them where they are letters."""
    names = [format_label(label) for label in result.groups]
    if all(ems(name) <= _LONG for name in names):
        return names, []
    letters = [string.ascii_uppercase[i % 26] for i in range(len(names))]
    return letters, [wrap(f"{letter}: {name}", room) for letter, name in zip(letters, names, strict=True)]


_Head = tuple[str, list[tuple[str, str, Any]]]


def _head(row: SubgroupRow, names: Sequence[str], room: float, minimum: int) -> _Head:
    """The level's name, then a line for each group: all of it as text, and the groups with their colours."""
    title = wrap(format_label(str(row.level)), 0.92 * room)
    groups = [
        (
            f"{name}: {mask_count(g.n_events, minimum)}/{mask_count(g.n, minimum)}",
            COLOURS[i % len(COLOURS)],
            _STYLES[i % len(_STYLES)],
        )
        for i, (name, g) in enumerate(zip(names, row.groups, strict=True))
    ]
    return "\n".join((title, *("" for _ in groups))), [(title, _INK, None), *groups]


def _write_head(figure: Figure, head: _Head, corner: tuple[float, float], line: float) -> None:
    x, y = corner[0], corner[1] + 0.4 * line
    (title, ink, _), *groups = head[1]
    for text, colour, style in reversed(groups):
        _sample(figure, x, y + line / 2, colour, style)
        figure.text(x + 6.0 / (figure.get_figwidth() * 25.4), y, text, ha="left", va="bottom", color=colour)
        y += line
    figure.text(x, y, title, ha="left", va="bottom", weight="bold", color=ink, linespacing=1.2)


def _sample(figure: Figure, x: float, y: float, colour: str, style: Any) -> None:
    from matplotlib.lines import Line2D

    end = x + 5.0 / (figure.get_figwidth() * 25.4)
    figure.add_artist(Line2D([x, end], [y, y], color=colour, linestyle=style, linewidth=1.2))


def _draw_panel(axes: Any, row: SubgroupRow, groups: Sequence[str], longest: float, minimum: int) -> None:
    for curve in (_published(c, minimum) for c in row.curves):
        i = groups.index(curve.label)
        axes.step(
            [0.0, *curve.time],
            [1.0, *curve.survival],
            where="post",
            color=COLOURS[i % len(COLOURS)],
            linestyle=_STYLES[i % len(_STYLES)],
            linewidth=1.2,
        )
    axes.set_ylim(0, 1.02)
    axes.set_xlim(0, longest)
    step = next((s for s in (1, 2, 3, 6, 12, 24, 36, 60, 120, 240, 600) if longest / s <= 4), 1200)
    axes.set_xticks(np.arange(0.0, longest + 1e-9, step))
    axes.set_yticks((0, 0.25, 0.5, 0.75, 1), ("0", "25", "50", "75", "100"))
    axes.tick_params(length=2, width=0.6, pad=1.5)
    axes.grid(axis="y", color="#E4E4E4", linewidth=0.5)
    axes.set_axisbelow(True)
