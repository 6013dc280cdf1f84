"""The way of the patients as a figure: boxes from the rows of the file down to each endpoint."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from igfstrat.analysis import EndpointResult, FlowStep
from igfstrat.report._disclosure import mask_count
from igfstrat.report._fit import wrap
from igfstrat.report.document import FigureBlock
from igfstrat.report.figures import RC

_MM: Final = 1 / 25.4
_INK, _LINE = "#1C1C1C", "#7A7A7A"


def flow_block(results: Sequence[EndpointResult], *, minimum: int = 0) -> FigureBlock:
    """Patients from the file to the analyses.

    Parameters
    ----------
    results : sequence of EndpointResult
        At least one; the steps that they share are drawn once.
    minimum : int
        Smallest number of people that may be shown; 0 shows all.

    Returns
    -------
    FigureBlock
        Named ``flow``.
    """
    shared, own = _steps(results)
    steps = [*shared, *own]
    return FigureBlock(
        name="flow",
        caption="Patients from the rows of the file to each analysis, with the reasons for those left out.",
        alternative=" ".join(_words(step, minimum) for step in steps),
        draw=lambda narrow: flow_figure(shared, own, narrow=narrow, minimum=minimum),
        data_header=("Step", "n", "Left out"),
        data=tuple((_title(s), _number(s.n, minimum), _reasons(s, minimum)) for s in steps),
        masked=lambda smallest: flow_block(results, minimum=smallest),
    )


def flow_figure(
    shared: Sequence[FlowStep], own: Sequence[FlowStep], *, narrow: bool = False, minimum: int = 0
) -> Figure:
    """Draw the steps below each other, the reasons beside them.

    Parameters
    ----------
    shared : sequence of FlowStep
        Steps before any endpoint, in order.
    own : sequence of FlowStep
        One an endpoint, each from the last shared step.
    narrow : bool
        85 mm instead of 170 mm wide.
    minimum : int
        Smallest number of people that may be shown; 0 shows all.

    Returns
    -------
    Figure
        Not attached to any window.
    """
    width, size = (85, 6.4) if narrow else (170, 8.0)
    line = 1.4 * size * 25.4 / 72
    room = 0.40 * width / (size * 25.4 / 72) - 2
    steps = [*shared, *own]
    texts = [
        (wrap(_title(s), room) + f"\nn = {mask_count(s.n, minimum)}", _lost(s, room, minimum)) for s in steps
    ]
    heights = [max(line * (a.count("\n") + 1) + 3, line * (b.count("\n") + 1 if b else 0)) for a, b in texts]
    tops = [2.0 + sum(heights[:i]) + 5 * i for i in range(len(steps))]
    total = tops[-1] + heights[-1] + 2
    with rc_context(RC | {"font.size": size}):
        figure = Figure(figsize=(width * _MM, total * _MM), layout=None)
        axes: Any = figure.add_axes((0, 0, 1, 1))
        axes.set_axis_off()
        axes.set_xlim(0, width)
        axes.set_ylim(total, 0)
        for (text, lost), top, height in zip(texts, tops, heights, strict=True):
            _box(axes, text, lost, (0.06 * width, top, 0.43 * width, height))
        _join(axes, width, len(shared), tops, heights)
    return figure


def _join(axes: Any, width: float, n_shared: int, tops: list[float], heights: list[float]) -> None:
    """Arrows from step to step; from the last shared one to every endpoint."""
    x, middle = 0.06 * width, 0.275 * width
    straight = n_shared + 1 if len(tops) - n_shared == 1 else n_shared
    for i in range(1, straight):
        _arrow(axes, (middle, tops[i - 1] + heights[i - 1]), (middle, tops[i]))
    if straight > n_shared or n_shared == 0:
        return
    stem = 0.025 * width
    start = tops[n_shared - 1] + heights[n_shared - 1] / 2
    ends = [tops[i] + heights[i] / 2 for i in range(n_shared, len(tops))]
    axes.plot([x, stem, stem], [start, start, ends[-1]], color=_LINE, linewidth=0.8)
    for y in ends:
        _arrow(axes, (stem, y), (x, y))


def _box(axes: Any, text: str, lost: str, place: tuple[float, float, float, float]) -> None:
    x, y, width, height = place
    axes.add_patch(Rectangle((x, y), width, height, facecolor="#F4F7F9", edgecolor="#0B5C94", linewidth=0.8))
    axes.text(x + width / 2, y + height / 2, text, ha="center", va="center", color=_INK, linespacing=1.25)
    if lost:
        axes.plot([x + width, x + width + 0.08 * width], [y + height / 2] * 2, color=_LINE, linewidth=0.7)
        axes.text(
            x + width * 1.10, y + height / 2, lost, ha="left", va="center", color=_INK, linespacing=1.25
        )


def _arrow(axes: Any, start: tuple[float, float], end: tuple[float, float]) -> None:
    axes.annotate(
        "", xy=end, xytext=start, arrowprops={"arrowstyle": "-|>", "color": _LINE, "linewidth": 0.8, "shrinkA": 0, "shrinkB": 0}
    )  # fmt: skip


def _steps(results: Sequence[EndpointResult]) -> tuple[list[FlowStep], list[FlowStep]]:
    """The steps that all endpoints share, then each endpoint's own last one."""
    return list(results[0].flow[:-1]), [result.flow[-1] for result in results if result.flow]


def _title(step: FlowStep) -> str:
    return step.label[0].upper() + step.label[1:]


def _number(n: int, minimum: int) -> int | str:
    text = mask_count(n, minimum)
    return n if text == str(n) else text


def _reasons(step: FlowStep, minimum: int) -> str:
    return "; ".join(f"{why}: {mask_count(n, minimum)}" for why, n in step.left_out.items())


def _lost(step: FlowStep, room: float, minimum: int) -> str:
    return "\n".join(wrap(f"{why}: {mask_count(n, minimum)}", room) for why, n in step.left_out.items())


def _words(step: FlowStep, minimum: int) -> str:
    lost = f" (left out: {_reasons(step, minimum)})" if step.left_out else ""
    return f"{_title(step)}: {mask_count(step.n, minimum)}{lost}."
