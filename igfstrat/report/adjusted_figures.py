"""Figures of adjusted comparisons: standardized curves, balance before and after weighting, effects of a treatment."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedFormatter, FixedLocator, NullLocator

from igfstrat.analysis.adjusted import AdjustedResult, Balance, StandardizedCurves
from igfstrat.analysis.results import Estimate
from igfstrat.analysis.treatment import TreatmentEffect, TreatmentResult
from igfstrat.report._fit import ems, wrap
from igfstrat.report._panels import Sheet, month_ticks
from igfstrat.report.figures import COLOURS
from igfstrat.report.formatting import format_interval, format_label

METHOD_TITLES: Final = {
    "iptw": "Inverse probability weights",
    "overlap": "Overlap weights",
    "g_formula": "Cox model (g-formula)",
}
_MM: Final = 1 / 25.4
_STYLES: Final[Any] = ("-", (0, (5, 1.5)), (0, (2, 1.2)), (0, (6, 1.5, 1.5, 1.5)))
_GREY: Final = "#3E3E3E"
_RATIOS: Final = (0.01, 0.05, 0.1, 0.25, 0.5, 1, 2, 4, 10, 20, 100)
_MARKS: Final = (("unweighted", "Unweighted", "o"), ("iptw", METHOD_TITLES["iptw"], "s"),
                 ("overlap", METHOD_TITLES["overlap"], "^"))  # fmt: skip


def standardized_figure(result: AdjustedResult, *, narrow: bool = False, every: int = 1) -> Figure:
    """Draw standardized survival with bootstrap bands, a panel for each way of standardizing.

    Parameters
    ----------
    result : AdjustedResult
        With at least one way that is estimable.
    narrow : bool
        85 mm instead of 170 mm wide.
    every : int
        Draw only each so many-th step, where few people may not show.

    Returns
    -------
    Figure
        Not attached to any window.
    """
    shown = [curves for curves in result.standardized if curves.not_estimable is None]
    sheet = Sheet(narrow, [format_label(label) for label in result.groups])
    with sheet.rc():
        rows, columns = (len(shown), 1) if narrow else (1, len(shown))
        figure, panels = sheet.start_grid(38 if narrow else 52, rows, columns, 5.5)
        longest = max(group.time[-1] for curves in shown for group in curves.groups)
        for axes, curves in zip(panels, shown, strict=True):
            _draw_curves(axes, curves, every)
            ticks = month_ticks(longest, narrow or columns > 1)
            axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
            axes.set_xlim(0, max(longest, ticks[-1] if ticks[-1] <= longest * 1.02 else longest))
            axes.set_ylim(0, 1.02)
            axes.set_yticks(np.arange(0, 1.01, 0.25), [f"{share:.0f}" for share in (0, 25, 50, 75, 100)])
            axes.set_title(
                METHOD_TITLES[curves.method], loc="left", fontsize=sheet.size, weight="bold", pad=3
            )
            sheet.dress(axes, "Months", "Standardized survival (%)")
        sheet.write_legend(figure, _keys(len(result.groups)))
    return figure


def _draw_curves(axes: Any, curves: StandardizedCurves, every: int) -> None:
    for i, group in enumerate(curves.groups):
        colour = COLOURS[i % len(COLOURS)]
        time = np.array([0.0, *group.time[::every]])
        lines = [
            np.array([1.0, *(np.nan if v is None else v for v in part[::every])])
            for part in (group.survival, group.ci_lower, group.ci_upper)
        ]
        axes.step(
            time, lines[0], where="post", color=colour, linestyle=_STYLES[i % 4], linewidth=1.3, zorder=3
        )
        known = np.isfinite(lines[1]) & np.isfinite(lines[2])
        axes.fill_between(
            time[known], lines[1][known], lines[2][known], step="post", color=colour, alpha=0.13, linewidth=0, zorder=1
        )  # fmt: skip


def _keys(n: int) -> list[Line2D]:
    return [
        Line2D([], [], color=COLOURS[i % len(COLOURS)], linestyle=_STYLES[i % 4], linewidth=1.6) for i in range(n)
    ]  # fmt: skip


def balance_label(row: Balance, *, several: bool) -> str:
    """What a row of the balance table or figure is called.

    Parameters
    ----------
    row : Balance
        One column of the covariates, between two groups.
    several : bool
        Whether there are more than two groups, so that the pair must be named.

    Returns
    -------
    str
        Covariate, level, and the pair.
    """
    name = row.covariate if row.level is None else f"{row.covariate}: {format_label(row.level)}"
    return f"{name} ({format_label(row.term)} to {format_label(row.reference)})" if several else name


def love_figure(result: AdjustedResult, *, narrow: bool = False) -> Figure:
    """Draw how far apart the groups are in each covariate, before and after weighting.

    Parameters
    ----------
    result : AdjustedResult
        With a balance.
    narrow : bool
        85 mm instead of 170 mm wide.

    Returns
    -------
    Figure
        Not attached to any window.
    """
    several = len(result.groups) > 2
    labels = [balance_label(row, several=several) for row in result.balance]
    texts = [text for _, text, _ in _MARKS]
    sheet = Sheet(narrow, [*texts, "Usual bound of balance"])
    with sheet.rc():
        figure, axes, places = _rows(sheet, labels, right=3.0)
        handles: list[Any] = []
        largest = result.balance_bound
        for i, (field, _, mark) in enumerate(_MARKS):
            found = [(getattr(row, field), y) for y, row in zip(places, result.balance, strict=True)]
            points = [(value, y) for value, y in found if value is not None]
            largest = max([largest, *(value for value, _ in points)])
            handles += axes.plot(
                [p[0] for p in points], [p[1] for p in points], linestyle="none", marker=mark, color=COLOURS[i],
                markersize=3.6 if narrow else 4.6, markerfacecolor="white" if i == 0 else COLOURS[i], zorder=3 + i,
                clip_on=False,
            )  # fmt: skip
        handles.append(
            axes.axvline(result.balance_bound, color=_GREY, linewidth=0.9, linestyle=(0, (4, 2)), zorder=1)
        )
        axes.set_xlim(0, largest * 1.08)
        sheet.dress(axes, "Absolute standardized mean difference", "")
        axes.grid(axis="x", color="#EEEEEE", linewidth=0.5, zorder=0)
        sheet.write_legend(figure, handles)
    return figure


def _rows(
    sheet: Sheet, labels: Sequence[str], *, right: float, below: float = 11.0
) -> tuple[Figure, Any, list[float]]:
    """A plot with a row for each label, as high as its lines need, and where each row stands.

    `right` and `below` are millimetres that stay free.
    """
    room = min(sheet.width * 0.34, max(map(ems, labels), default=0.0) * sheet.em + 1.0)
    wrapped = [wrap(label, room / sheet.em) for label in labels]
    heights = np.array([(text.count("\n") + 1) * 1.3 * sheet.em + 1.6 for text in wrapped])
    plot = float(heights.sum())
    places: list[float] = (np.cumsum(heights) - heights / 2).tolist()
    total = below + plot + sheet.above
    figure = Figure(figsize=(sheet.width * _MM, total * _MM), layout=None)
    left = room + 3.0
    axes: Any = figure.add_axes(
        (left / sheet.width, below / total, (sheet.width - left - right) / sheet.width, plot / total)
    )
    axes.set_ylim(plot, 0)
    axes.set_yticks(places, wrapped)
    axes.tick_params(axis="y", length=0)
    return figure, axes, places


def effect_label(effect: TreatmentEffect) -> str:
    """What the row of one group is called.

    Parameters
    ----------
    effect : TreatmentEffect
        In one group, or in all.

    Returns
    -------
    str
        The group's label, or words for all.
    """
    return "All patients" if effect.label is None else format_label(effect.label)


def treatment_figure(result: TreatmentResult, *, narrow: bool = False) -> Figure:
    """Draw the hazard ratio of the treatment in each group and in all.

    Parameters
    ----------
    result : TreatmentResult
        With effects.
    narrow : bool
        85 mm instead of 170 mm wide.

    Returns
    -------
    Figure
        Not attached to any window.
    """
    effects = [e for e in (*result.effects, result.overall) if e is not None]
    labels = [effect_label(e) for e in effects]
    sheet = Sheet(narrow)
    free = 27.0 if narrow else 40.0
    with sheet.rc():
        figure, axes, places = _rows(sheet, labels, right=free, below=14.0)
        axes.set_xscale("log")
        low, high = _limits([e.hazard_ratio for e in effects])
        axes.set_xlim(low, high)
        for y, effect in zip(places, effects, strict=True):
            _draw_effect(axes, effect, y, (low, high))
            axes.text(
                1.03, y, _written(effect.hazard_ratio, sheet, free), transform=axes.get_yaxis_transform(),
                ha="left", va="center",
            )  # fmt: skip
        axes.axvline(1.0, color=_GREY, linewidth=0.8, zorder=1)
        ticks = [tick for tick in _RATIOS if low <= tick <= high]
        axes.xaxis.set_major_locator(FixedLocator(ticks))
        axes.xaxis.set_major_formatter(FixedFormatter([f"{tick:g}" for tick in ticks]))
        axes.xaxis.set_minor_locator(NullLocator())
        sheet.dress(axes, "Hazard ratio (log scale); below 1 favours\nthe experimental treatment", "")
        axes.grid(visible=False)
    return figure


def _written(estimate: Estimate, sheet: Sheet, free: float) -> str:
    return (
        "not estimable" if estimate.value is None else wrap(format_interval(estimate), (free - 3) / sheet.em)
    )


def _limits(estimates: Sequence[Estimate]) -> tuple[float, float]:
    ends = [v for e in estimates for v in (e.ci_lower, e.ci_upper, e.value) if v is not None and v > 0]
    low, high = min([0.5, *ends]), max([2.0, *ends])
    return max(low / 1.15, 0.02), min(high * 1.15, 50.0)  # an interval that goes on ends in an arrow


def _draw_effect(axes: Any, effect: TreatmentEffect, y: float, limits: tuple[float, float]) -> None:
    ratio = effect.hazard_ratio
    if ratio.value is None:
        return
    colour = COLOURS[5] if effect.label is None else COLOURS[0]
    low, high = ratio.ci_lower or limits[0], ratio.ci_upper or math.inf
    ends = (max(low, limits[0]), min(high, limits[1]))
    axes.plot(ends, [y, y], color=colour, linewidth=1.2, zorder=2)
    for end, beyond, mark in ((ends[0], low < limits[0], "<"), (ends[1], high > limits[1], ">")):
        if beyond:
            axes.plot([end], [y], marker=mark, color=colour, markersize=4, zorder=3)
    if limits[0] <= ratio.value <= limits[1]:
        mark = "D" if effect.label is None else "s"
        axes.plot([ratio.value], [y], marker=mark, color=colour, markersize=5, zorder=4)
