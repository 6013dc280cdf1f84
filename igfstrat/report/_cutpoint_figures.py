"""Figures of a marker's cut and of its effect without one."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FixedFormatter, FixedLocator, NullFormatter, NullLocator

from igfstrat.analysis.cutpoint import ContinuousEffect, CutpointResult
from igfstrat.report._panels import Sheet
from igfstrat.report._wording import marker_number
from igfstrat.report.figures import COLOURS

_GREY: Final = "#3E3E3E"
_RATIOS: Final = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100)
_FINE: Final = (0.25, 0.33, 0.5, 0.67, 0.8, 1, 1.25, 1.5, 2, 3, 4)


def named(title: str, unit: str) -> str:
    """A marker with its unit, as an axis or a heading says it."""
    return f"{title} ({unit})" if unit not in {"", "1"} else title


def scan_figure(result: CutpointResult, *, narrow: bool, every: int = 1) -> Figure:
    """The statistic over the cut, with both thresholds; `every` leaves out cuts where few people may not show."""
    scan, stability = result.scan, result.stability
    assert scan is not None
    assert result.cutpoint is not None
    chosen = marker_number(result.cutpoint, result.continuous.sd)
    sheet = Sheet(
        narrow,
        ["Statistic at each cut", f"Chosen cut: {chosen}", "Threshold corrected for the search",
         "Threshold without correction (not valid for a searched cut)"],
    )  # fmt: skip
    with sheet.rc():
        figure, axes = sheet.start(40 if narrow else 58)
        cuts, statistics = scan.cuts[::every], scan.statistics[::every]
        line = axes.plot(
            cuts, statistics, color=COLOURS[0], linewidth=1.1, marker=".", markersize=2.5, zorder=3
        )[0]
        dot = axes.plot(
            [result.cutpoint], [result.statistic], linestyle="none", marker="o", color=COLOURS[1],
            markersize=4 if narrow else 5, zorder=5,
        )[0]  # fmt: skip
        corrected = axes.axhline(scan.threshold_corrected, color=_GREY, linewidth=1.1, zorder=2)
        naive = axes.axhline(
            scan.threshold_naive, color=_GREY, linewidth=0.9, linestyle=(0, (2, 1.5)), zorder=2
        )
        top = max(float(statistics.max()), scan.threshold_corrected, float(result.statistic or 0))
        axes.set_ylim(0, top * 1.06)
        sheet.dress(axes, f"Cut of {named(result.title, result.unit)}", "Standardized statistic")
        sheet.write_legend(figure, [line, dot, corrected, naive])
        axes.set_xlim(*_limits(np.concatenate((scan.cuts, stability.cuts))))
    return figure


def _limits(values: Any) -> tuple[float, float]:
    low, high = float(np.min(values)), float(np.max(values))
    room = 0.03 * (high - low) or 0.5
    return low - room, high + room


def stability_figure(result: CutpointResult, *, narrow: bool) -> Figure:
    """How often each cut was chosen in bootstrap samples."""
    stability, scan = result.stability, result.scan
    assert scan is not None
    assert result.cutpoint is not None
    chosen = marker_number(result.cutpoint, result.continuous.sd)
    sheet = Sheet(
        narrow, ["Bootstrap samples that chose a cut", f"Chosen cut: {chosen}", "Middle 95 % of the samples"]
    )
    with sheet.rc():
        figure, axes = sheet.start(26 if narrow else 34)
        axes.vlines(
            stability.cuts, 0, 100 * stability.selection_frequency, color=COLOURS[0], linewidth=1.2, zorder=3
        )
        arrow = axes.plot(
            [result.cutpoint], [1.02], transform=axes.get_xaxis_transform(), linestyle="none", marker="v",
            color=COLOURS[1], markersize=4 if narrow else 5, clip_on=False, zorder=5,
        )[0]  # fmt: skip
        handles: list[Any] = [
            Line2D([], [], color=COLOURS[0], linewidth=1.4),
            arrow,
            Patch(color=COLOURS[2], alpha=0.16, linewidth=0),
        ]
        if stability.cut.ci_lower is not None and stability.cut.ci_upper is not None:
            axes.axvspan(
                stability.cut.ci_lower, stability.cut.ci_upper, color=COLOURS[2], alpha=0.16, linewidth=0
            )
        axes.set_ylim(bottom=0)
        axes.set_xlim(*_limits(np.concatenate((scan.cuts, stability.cuts))))
        sheet.dress(axes, f"Cut of {named(result.title, result.unit)}", "Samples (%)")
        sheet.write_legend(figure, handles)
    return figure


def spline_figure(effect: ContinuousEffect, *, narrow: bool, rug: bool = True) -> Figure:
    """Hazard ratio on a log scale against the marker, with its band; `rug` shows what was measured."""
    curve = effect.curve
    assert curve is not None
    texts = ["Spline", "Pointwise 95 % band", *(["Measured values"] if rug else [])]
    handles: list[Any] = [
        Line2D([], [], color=COLOURS[0], linewidth=1.6),
        Patch(color=COLOURS[0], alpha=0.16, linewidth=0),
        Line2D([], [], color=_GREY, linestyle="none", marker="|", markersize=5, markeredgewidth=0.7),
    ][: len(texts)]
    if effect.cut is not None:
        texts.append(f"Cut decided beforehand: {marker_number(effect.cut, effect.sd)}")
        handles.append(Line2D([], [], color=COLOURS[1], linewidth=1.1, linestyle=(0, (5, 1.5))))
    sheet = Sheet(narrow, texts)
    with sheet.rc():
        figure, axes = sheet.start(44 if narrow else 66)
        low, high = np.exp(np.clip(curve.ci_lower, -7, 7)), np.exp(np.clip(curve.ci_upper, -7, 7))
        axes.fill_between(curve.marker, low, high, color=COLOURS[0], alpha=0.16, linewidth=0, zorder=1)
        axes.plot(curve.marker, np.exp(curve.log_hazard_ratio), color=COLOURS[0], linewidth=1.5, zorder=3)
        axes.axhline(1.0, color=_GREY, linewidth=0.7, zorder=2)
        if effect.cut is not None:
            axes.axvline(effect.cut, color=COLOURS[1], linewidth=1.1, linestyle=(0, (5, 1.5)), zorder=2)
        if rug:
            inside = curve.rug[(curve.rug >= curve.marker[0]) & (curve.rug <= curve.marker[-1])]
            axes.plot(
                inside, np.full(len(inside), 0.02), transform=axes.get_xaxis_transform(), linestyle="none", marker="|",
                color=_GREY, markersize=5, markeredgewidth=0.5, alpha=0.6, zorder=4, clip_on=False,
            )  # fmt: skip
        axes.set_xlim(*_limits(curve.marker))
        _log_ratio_axis(axes, float(low.min()), float(high.max()))
        sheet.dress(axes, named(effect.title, effect.unit), "Hazard ratio (log scale)")
        sheet.write_legend(figure, handles)
    return figure


def _log_ratio_axis(axes: Any, low: float, high: float) -> None:
    axes.set_yscale("log")
    low, high = min(low, 0.75), max(high, 1.34)
    ticks = [t for t in (_FINE if high / low < 8 else _RATIOS) if low * 0.9 <= t <= high * 1.1]
    axes.set_ylim(low * 0.86, high * 1.1)
    axes.yaxis.set_major_locator(FixedLocator(ticks))
    axes.yaxis.set_major_formatter(FixedFormatter([f"{tick:g}" for tick in ticks]))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_minor_formatter(NullFormatter())
