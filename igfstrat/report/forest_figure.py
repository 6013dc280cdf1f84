"""The forest plot: hazard ratios within subgroups on a log scale, each variable with its interaction test above it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.patches import Polygon, Rectangle

from igfstrat.analysis.results import Estimate
from igfstrat.analysis.subgroup_results import Interaction, SubgroupEndpoint, SubgroupRow
from igfstrat.report._disclosure import mask_count, mask_text
from igfstrat.report._fit import wrap
from igfstrat.report.document import FigureBlock
from igfstrat.report.figures import COLOURS, RC
from igfstrat.report.formatting import format_interval, format_label, format_p

_MM: Final = 1 / 25.4
_INK, _RULE, _GRID = "#1C1C1C", "#8A8A8A", "#E4E4E4"
_TICKS: Final = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0)
_WIDEST: Final = (0.1, 10.0)  # intervals that go further end in an arrow
_HEADER: Final = ("Variable", "Level", "Group", "Reference", "n", "Events", "Hazard ratio", "CI lower", "CI upper")  # fmt: skip


def forest_block(result: SubgroupEndpoint, *, minimum: int = 0) -> FigureBlock:
    """All subgroups of one endpoint as a forest plot.

    Parameters
    ----------
    result : SubgroupEndpoint
        The results.
    minimum : int
        Smallest number of people that may be shown; 0 shows all.

    Returns
    -------
    FigureBlock
        Named ``forest_`` and the endpoint.
    """
    reference = format_label(result.groups[0]) if result.groups else ""
    told = [" ".join(part for part in (line.label, line.text) if part) for line in _lines(result, minimum)]
    return FigureBlock(
        name=f"forest_{result.endpoint}",
        caption=f"{result.title}: hazard ratios (95 % CI) against {reference}, in all patients and within subgroups. "
        "Squares grow with the number of events; an arrow marks an interval that goes on. "
        "Rows don't show by themselves whether effects differ: that is the interaction test.",
        alternative="; ".join(told),
        draw=lambda narrow: forest_figure(result, narrow=narrow, minimum=minimum),
        data_header=_HEADER,
        data=tuple(_data(result, minimum)),
        masked=lambda smallest: forest_block(result, minimum=smallest),
    )


def _data(result: SubgroupEndpoint, minimum: int) -> list[tuple[float | int | str | None, ...]]:
    rows: list[tuple[str, SubgroupRow]] = [("all patients", result.overall)]
    rows += [(v.variable.name, row) for v in result.variables for row in v.rows]

    def count(n: int) -> int | str:
        return n if mask_count(n, minimum) == str(n) else mask_count(n, minimum)

    return [
        (
            name, row.level, ratio.term, ratio.reference, count(row.n), count(row.n_events),
            ratio.estimate.value, ratio.estimate.ci_lower, ratio.estimate.ci_upper,
        )
        for name, row in rows
        for ratio in row.hazard_ratios
    ]  # fmt: skip


@dataclass(frozen=True)
class _Line:
    """One line of the plot: a heading, or a hazard ratio."""

    label: str
    counts: tuple[str, ...] = ()
    text: str = ""
    estimate: Estimate | None = None
    n_events: int = 0
    colour: str = COLOURS[0]
    kind: str = "row"  # overall, heading, row


def _lines(result: SubgroupEndpoint, minimum: int) -> list[_Line]:
    lines = _row_lines(result.overall, "All patients", "overall", minimum)
    for v in result.variables:
        lines.append(_Line(label=f"{v.variable.title} ({_interaction(v.interaction)})", kind="heading"))
        for row in v.rows:
            lines += _row_lines(row, format_label(str(row.level)), "row", minimum)
    return lines


def _interaction(test: Interaction) -> str:
    if test.p_value is None:
        return "no interaction test"
    p, adjusted = (
        text if text.startswith("<") else f"= {text}"
        for text in map(format_p, (test.p_value, test.p_adjusted))
    )
    return f"interaction p {p}, corrected {adjusted}"


def _row_lines(row: SubgroupRow, label: str, kind: str, minimum: int) -> list[_Line]:
    counts = tuple(f"{mask_count(g.n_events, minimum)}/{mask_count(g.n, minimum)}" for g in row.groups)
    if not row.hazard_ratios:
        return [_Line(label=label, counts=counts, text="not estimated: only one group", kind=kind)]
    several = len(row.hazard_ratios) > 1
    lines = []
    for i, ratio in enumerate(row.hazard_ratios):
        estimate = ratio.estimate
        text = (
            format_interval(estimate)
            if estimate.value is not None
            else f"not estimated: {estimate.not_estimable}"
        )
        lines.append(
            _Line(
                label=f"{label}: {format_label(ratio.term)}" if several else label,
                counts=counts,
                text=mask_text(text, minimum) if estimate.value is None else text,
                estimate=estimate if estimate.value is not None else None,
                n_events=row.n_events,
                colour=COLOURS[(i + 1) % len(COLOURS) if several else 0],
                kind=kind,
            )
        )
    return lines


class _Layout:
    """Where the columns stand, in millimetres, and how text is broken."""

    def __init__(self, result: SubgroupEndpoint, narrow: bool) -> None:
        self.width, self.size = (85.0, 6.4) if narrow else (170.0, 8.0)
        self.em = self.size * 25.4 / 72
        n_counts = 0 if narrow or len(result.groups) > 3 else len(result.groups)
        self.label_room = 27.0 if narrow else 60.0 - 5.0 * n_counts
        self.counts = [self.label_room + 9.0 + 19.0 * i for i in range(n_counts)]
        self.plot_left = self.label_room + 19.0 * n_counts + (2.5 if narrow else 3.0)
        self.text_left = self.width - (27.0 if narrow else 37.0)
        self.plot_right = self.text_left - 2.5
        self.line = 1.35 * self.em

    def label(self, line: _Line) -> str:
        room = (
            self.width - 3 if line.kind == "heading" else self.label_room - (2.5 if line.kind == "row" else 0)
        )
        return wrap(line.label, (room - 1) / self.em * (0.92 if line.kind != "row" else 1.0))

    def text(self, text: str) -> str:
        return wrap(text, (self.width - self.text_left - 1) / self.em)

    def height(self, line: _Line) -> float:
        lines = max(self.label(line).count("\n"), self.text(line.text).count("\n")) + 1
        return self.line * lines + (1.6 if line.kind != "heading" else 2.6)


class _Scale:
    """From hazard ratios to millimetres."""

    def __init__(self, lines: Sequence[_Line], left: float, right: float) -> None:
        found = [line.estimate for line in lines if line.estimate is not None]
        values = [e.value for e in found if e.value is not None and e.value > 0]
        ends = [end for e in found for end in (e.ci_lower, e.ci_upper) if end is not None and end > 0]
        self.low = min([0.5, *values, *(max(end, _WIDEST[0]) for end in ends)]) / 1.15
        self.high = max([2.0, *values, *(min(end, _WIDEST[1]) for end in ends)]) * 1.15
        self.left, self.right = left, right

    def place(self, ratio: float) -> float:
        share = math.log(ratio / self.low) / math.log(self.high / self.low)
        return self.left + share * (self.right - self.left)

    @property
    def ticks(self) -> list[float]:
        return [tick for tick in _TICKS if self.low <= tick <= self.high]


def forest_figure(result: SubgroupEndpoint, *, narrow: bool = False, minimum: int = 0) -> Figure:
    """Draw all subgroups of one endpoint.

    Parameters
    ----------
    result : SubgroupEndpoint
        The results.
    narrow : bool
        85 mm instead of 170 mm wide; the counts by group are then left to the table.
    minimum : int
        Smallest number of people that may be shown; 0 shows all.

    Returns
    -------
    Figure
        Not attached to any window.
    """
    lines, layout = _lines(result, minimum), _Layout(result, narrow)
    scale = _Scale(lines, layout.plot_left + 2, layout.plot_right - 2)
    heads = [
        wrap(f"{format_label(g)} events/n", 17.0 / layout.em * 0.92)
        for g in result.groups[: len(layout.counts)]
    ]
    ratio = "Hazard ratio\n(95 % CI)"
    above = layout.line * (max(text.count("\n") for text in (*heads, ratio)) + 1) + 3
    body = sum(layout.height(line) for line in lines)
    total = above + body + 3.4 * layout.line + 2
    with rc_context(RC | {"font.size": layout.size}):
        figure = Figure(figsize=(layout.width * _MM, total * _MM), layout=None)
        axes: Any = figure.add_axes((0, 0, 1, 1))
        axes.set_axis_off()
        axes.set_xlim(0, layout.width)
        axes.set_ylim(total, 0)
        _draw_scale(axes, scale, layout, above, above + body)
        for x, text in zip((*layout.counts, layout.text_left), (*heads, ratio), strict=True):
            where = "left" if x == layout.text_left else "center"
            axes.text(x, above - 2, text, ha=where, va="bottom", weight="bold", color=_INK, linespacing=1.2)
        top, most = above, max((line.n_events for line in lines), default=1) or 1
        for line in lines:
            _draw_line(axes, line, layout, scale, top + layout.height(line) / 2, most)
            top += layout.height(line)
    return figure


def _draw_scale(axes: Any, scale: _Scale, layout: _Layout, top: float, bottom: float) -> None:
    axes.plot([1, layout.width - 1], [top - 1] * 2, color=_RULE, linewidth=0.6)
    for tick in scale.ticks:
        x = scale.place(tick)
        axes.plot(
            [x, x], [top - 1, bottom + 0.6], color=_RULE if tick == 1 else _GRID, linewidth=0.8, zorder=0
        )
        axes.plot([x, x], [bottom + 0.6, bottom + 1.4], color=_INK, linewidth=0.6)
    shown = (
        scale.ticks
        if len(scale.ticks) <= 5
        else [tick for tick in scale.ticks if tick in {0.1, 0.2, 0.5, 1, 2, 5, 10}]
    )
    last = -math.inf
    for tick in shown:
        if (x := scale.place(tick)) - last > 1.6 * layout.em:
            axes.text(x, bottom + 2, f"{tick:g}", ha="center", va="top", color=_INK)
            last = x
    axes.plot([scale.left, scale.right], [bottom + 0.6] * 2, color=_INK, linewidth=0.6)
    y, middle = bottom + 2 + layout.line, scale.place(1.0)
    axes.text(middle - 1, y, "lower\nhazard", ha="right", va="top", color="#444444", linespacing=1.1)
    axes.text(middle + 1, y, "higher\nhazard", ha="left", va="top", color="#444444", linespacing=1.1)


def _draw_line(axes: Any, line: _Line, layout: _Layout, scale: _Scale, y: float, most: int) -> None:
    bold = "normal" if line.kind == "row" else "bold"
    x = 3.5 if line.kind == "row" else 1.0
    axes.text(x, y, layout.label(line), ha="left", va="center", weight=bold, color=_INK, linespacing=1.2)
    for place, count in zip(layout.counts, line.counts, strict=False):
        axes.text(place, y, count, ha="center", va="center", color=_INK)
    axes.text(
        layout.text_left, y, layout.text(line.text), ha="left", va="center", color=_INK, linespacing=1.2
    )
    if line.estimate is None or not line.estimate.value:
        return
    _draw_interval(axes, line, scale, y)
    half = 0.7 + 1.0 * math.sqrt(line.n_events / most)
    middle = scale.place(line.estimate.value)
    corners = ((-half * 1.5, 0), (0, -half), (half * 1.5, 0), (0, half))
    mark = (
        Polygon([(middle + a, y + b) for a, b in corners], closed=True, color=line.colour, linewidth=0)
        if line.kind == "overall"
        else Rectangle((middle - half, y - half), 2 * half, 2 * half, color=line.colour, linewidth=0)
    )
    axes.add_patch(mark)


def _draw_interval(axes: Any, line: _Line, scale: _Scale, y: float) -> None:
    assert line.estimate is not None
    low, high = line.estimate.ci_lower or 0.0, line.estimate.ci_upper or math.inf
    ends = [max(low, scale.low), min(high, scale.high)]
    axes.plot(
        [scale.place(end) for end in ends], [y, y], color=line.colour, linewidth=1.1, solid_capstyle="butt"
    )
    for end, is_cut, marker in ((ends[0], low < scale.low, "<"), (ends[1], high > scale.high, ">")):
        if is_cut:
            axes.plot(
                [scale.place(end)], [y], marker=marker, markersize=3.5, color=line.colour, linestyle="none"
            )
