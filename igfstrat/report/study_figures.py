"""Figures of a study of trial designs: power with its closed form, patients' time and money, and power over what varies.

A design's name stands above its bar, so that a long one fits on a telephone too.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from igfstrat.report._fit import ems, wrap
from igfstrat.report._panels import Sheet
from igfstrat.report._wording import title_words
from igfstrat.report.figures import COLOURS
from igfstrat.report.study_wording import assumption_words, value_words
from igfstrat.trials.results.study import DesignResults, StudyPoint

Z95: Final = 1.959963984540054
_GREY: Final = "#3E3E3E"
_ROW: Final = 8.5  # mm of a design
_MARKERS: Final = "osD^vP*X"


def power_figure(designs: Sequence[DesignResults], *, narrow: bool) -> Figure:
    """Power of each design as a bar with its 95 % Monte-Carlo interval, and its closed form.

    Parameters
    ----------
    designs : sequence of DesignResults
        In the order in which they are drawn, from above.
    narrow : bool
        85 mm instead of 170 mm wide.

    Returns
    -------
    Figure
        Not attached to any window.
    """
    known = any(d.closed_form for d in designs)
    texts = [
        "Simulated power",
        "95 % Monte-Carlo interval",
        *(["Closed form of the same design"] if known else []),
    ]
    sheet = Sheet(narrow, texts)
    with sheet.rc():
        figure, axes = sheet.start(_ROW * len(designs) + 2)
        for row, design in enumerate(designs):
            value, error = 100 * design.power["value"], 100 * Z95 * design.power["mc_standard_error"]
            _bar(axes, row, fitted(design.name, sheet.room), value)
            axes.errorbar(value, row, xerr=error, color=_GREY, elinewidth=1.1, capsize=2.5, zorder=4)
            if design.closed_form:
                axes.plot(
                    [100 * design.closed_form["power"]],
                    [row],
                    "D",
                    color=COLOURS[1],
                    markersize=4,
                    markerfacecolor="white",
                    zorder=5,
                )
        axes.set_xlim(0, 100)
        finish_rows(sheet, axes, len(designs), "Power (%)")
        sheet.write_legend(figure, _handles()[: len(texts)])
    return figure


def _handles() -> list[Any]:
    return [
        Patch(color=COLOURS[0], alpha=0.55, linewidth=0),
        Line2D([], [], color=_GREY, linewidth=1.1),
        Line2D([], [], color=COLOURS[1], linestyle="none", marker="D", markersize=4, markerfacecolor="white"),
    ]


def _bar(axes: Any, row: int, name: str, value: float) -> None:
    axes.barh(row, value, height=0.34, color=COLOURS[0], alpha=0.55, linewidth=0, zorder=2)
    axes.text(
        0.008,
        row - 0.25,
        name,
        transform=axes.get_yaxis_transform(),
        ha="left",
        va="bottom",
        color="#222222",
        zorder=6,
    )


def fitted(name: str, width: float) -> str:
    """A design's name that fits above its bar.

    Parameters
    ----------
    name : str
        As in the scenario.
    width : float
        Room in ems.

    Returns
    -------
    str
        Whole, or cut with three dots: the tables have it whole.

    Examples
    --------
    >>> fitted("all_comers", 20.0), fitted("all_comers_with_three_looks", 10.0)
    ('all_comers', 'all_comers_wi…')
    """
    if ems(name) <= width:
        return name
    kept = name
    while kept and ems(kept) + 1 > width:
        kept = kept[:-1]
    return f"{kept}…"


def finish_rows(sheet: Sheet, axes: Any, rows: int, label: str) -> None:
    """Axes of a plot whose rows are designs: names stand above their bars, not beside the axis.

    Parameters
    ----------
    sheet : Sheet
        The figure under way.
    axes : Axes
        To be dressed.
    rows : int
        Designs.
    label : str
        Of the horizontal axis.
    """
    sheet.dress(axes, label, "")
    axes.grid(visible=False, axis="y")
    axes.grid(axis="x", color="#E4E4E4", linewidth=0.5, zorder=0)
    axes.set_ylim(rows - 0.6, -0.75)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)


def effort_figure(
    designs: Sequence[DesignResults], *, unit: str, money: tuple[float, str] | None, narrow: bool
) -> Figure:
    """Mean duration and cost of each design, with the span of the middle 90 % of its trials.

    Parameters
    ----------
    designs : sequence of DesignResults
        From above.
    unit : str
        Of the duration.
    money : tuple of float and str, or None
        What costs are divided by, and the unit that this gives; None where nothing costs.
    narrow : bool
        85 mm instead of 170 mm wide, panels below each other.

    Returns
    -------
    Figure
        Not attached to any window.
    """
    panels = [("duration", 1.0, f"Duration ({unit})"), *([("cost", money[0], f"Cost ({money[1]})")] if money else [])]  # fmt: skip
    sheet = Sheet(narrow, ["Mean", "Middle 90 % of the trials"])
    with sheet.rc():
        height = _ROW * len(designs) + 2
        shape = (len(panels), 1) if narrow else (1, len(panels))
        figure, grid = sheet.start_grid(height, *shape, 3.0)
        for axes, (key, scale, label) in zip(grid, panels, strict=True):
            for row, design in enumerate(designs):
                found = getattr(design, key)
                _bar(
                    axes,
                    row,
                    fitted(design.name, sheet.room / shape[1] - (2 if shape[1] > 1 else 0)),
                    found["mean"] / scale,
                )
                low, high = (found["quantiles"][q] / scale for q in ("0.05", "0.95"))
                axes.plot([low, high], [row, row], color=_GREY, linewidth=1.1, marker="|", markersize=5)
            axes.set_xlim(left=0)
            finish_rows(sheet, axes, len(designs), label)
        sheet.write_legend(figure, _handles()[:2])
    return figure


def gap_figure(designs: Sequence[DesignResults], *, narrow: bool) -> Figure:
    """Simulated minus closed-form power of each design that has such a form, with its 95 % Monte-Carlo interval.

    Parameters
    ----------
    designs : sequence of DesignResults
        With a closed form each.
    narrow : bool
        85 mm instead of 170 mm wide.

    Returns
    -------
    Figure
        Not attached to any window.
    """
    sheet = Sheet(narrow, ["Simulated minus closed form, 95 % Monte-Carlo interval"])
    with sheet.rc():
        figure, axes = sheet.start(_ROW * len(designs) + 2)
        reach = 1.0
        for row, design in enumerate(designs):
            gap, error = gap_of(design)
            axes.errorbar(
                gap,
                row,
                xerr=Z95 * error,
                fmt="o",
                color=COLOURS[0],
                markersize=4,
                elinewidth=1.2,
                capsize=2.5,
                zorder=4,
            )
            axes.text(
                0.008,
                row - 0.25,
                fitted(design.name, sheet.room),
                transform=axes.get_yaxis_transform(),
                ha="left",
                va="bottom",
            )
            reach = max(reach, abs(gap) + 2.4 * error)
        axes.axvline(0, color=_GREY, linewidth=0.8, zorder=1)
        axes.set_xlim(-1.1 * reach, 1.1 * reach)
        finish_rows(sheet, axes, len(designs), "Gap in power (percentage points)")
        handle = Line2D([], [], color=COLOURS[0], linewidth=1.2, marker="o", markersize=4)
        sheet.write_legend(figure, [handle])
    return figure


def gap_of(design: DesignResults) -> tuple[float, float]:
    """Simulated minus closed-form power.

    Parameters
    ----------
    design : DesignResults
        With a closed form.

    Returns
    -------
    tuple of float
        The gap and its Monte-Carlo standard error, in percentage points.
    """
    assert design.closed_form is not None
    return 100 * design.closed_form["gap"], 100 * design.power["mc_standard_error"]


def vary_figure(points: Sequence[StudyPoint], path: str, *, narrow: bool) -> Figure:
    """Power of each design against a varied value.

    Parameters
    ----------
    points : sequence of StudyPoint
        That differ in this path alone.
    path : str
        Dotted path of what varies.
    narrow : bool
        85 mm instead of 170 mm wide.

    Returns
    -------
    Figure
        Not attached to any window; numbers stand to scale, anything else in its order.
    """
    names = list(points[0].results.designs)
    sheet = Sheet(narrow, names)
    values = [point.values[path] for point in points]
    numeric = all(isinstance(v, int | float) and not isinstance(v, bool) for v in values)
    with sheet.rc():
        figure, axes = sheet.start(46 if narrow else 66)
        places = [float(v) if numeric else float(i) for i, v in enumerate(values)]
        order = sorted(range(len(places)), key=places.__getitem__)
        handles = []
        for i, name in enumerate(names):
            found = [points[j].results.designs[name].power for j in order]
            style: dict[str, Any] = {
                "color": COLOURS[i % len(COLOURS)],
                "marker": _MARKERS[i % len(_MARKERS)],
            }
            axes.errorbar(
                [places[j] for j in order], [100 * f["value"] for f in found],
                yerr=[100 * Z95 * f["mc_standard_error"] for f in found],
                markersize=4, linewidth=1.3, elinewidth=1.0, capsize=2, zorder=3, **style,
            )  # fmt: skip
            handles.append(Line2D([], [], markersize=4, linewidth=1.3, **style))
        _value_axis(axes, places, values, numeric, narrow)
        axes.set_ylim(0, 102)
        sheet.dress(axes, title_words(assumption_words(path)), "Power (%)")
        sheet.write_legend(figure, handles)
    return figure


def _value_axis(axes: Any, places: list[float], values: list[Any], numeric: bool, narrow: bool) -> None:
    room = 0.05 * (max(places) - min(places)) or 0.5
    axes.set_xlim(min(places) - room, max(places) + room)
    every = math.ceil(len(places) / (5 if narrow else 9))
    shown = sorted(zip(places, values, strict=True), key=lambda pair: pair[0])[::every]
    axes.set_xticks([place for place, _ in shown])
    axes.set_xticklabels([f"{v:g}" if numeric else wrap(value_words(v)[:40], 10) for _, v in shown])
