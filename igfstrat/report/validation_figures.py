"""Figures of a validation: predicted against observed risk, and net benefit over the threshold."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from igfstrat.models.validation_curves import HorizonCurves
from igfstrat.report._panels import Sheet
from igfstrat.report.figures import COLOURS

_GREY: Final = "#3E3E3E"


def calibration_figure(curves: HorizonCurves, *, narrow: bool) -> Figure:
    """Observed against predicted risk at one horizon.

    Parameters
    ----------
    curves : HorizonCurves
        Of one horizon.
    narrow : bool
        85 mm instead of 170 mm wide.

    Returns
    -------
    Figure
        Not attached to any window.
    """
    texts = [
        "Perfect calibration",
        "Smooth curve",
        "Pointwise 95 % band",
        "Fifths by predicted risk, 95 % interval",
    ]
    handles: list[Any] = [
        Line2D([], [], color=_GREY, linewidth=0.9, linestyle=(0, (2, 1.5))),
        Line2D([], [], color=COLOURS[0], linewidth=1.6),
        Patch(color=COLOURS[0], alpha=0.16, linewidth=0),
        Line2D([], [], color=COLOURS[1], marker="o", markersize=4, linewidth=0.9),
    ]
    sheet = Sheet(narrow, texts)
    with sheet.rc():
        figure, axes = sheet.start(52 if narrow else 78)
        top = _top(curves)
        axes.plot([0, top], [0, top], color=_GREY, linewidth=0.9, linestyle=(0, (2, 1.5)), zorder=2)
        x = 100 * curves.predicted
        axes.fill_between(
            x, 100 * curves.smooth_lower, np.minimum(100 * curves.smooth_upper, top), color=COLOURS[0], alpha=0.16,
            linewidth=0, zorder=1,
        )  # fmt: skip
        axes.plot(x, 100 * curves.smooth, color=COLOURS[0], linewidth=1.6, zorder=3)
        _draw_groups(axes, curves)
        axes.set_xlim(0, top)
        axes.set_ylim(0, top)
        sheet.dress(axes, f"Predicted risk by {curves.at:g} months (%)", "Observed risk (%)")
        sheet.write_legend(figure, handles)
    return figure  # fmt: skip


def _draw_groups(axes: Any, curves: HorizonCurves) -> None:
    for group in curves.groups:
        at, style = 100 * group.predicted, {"color": COLOURS[1], "zorder": 5}
        axes.vlines(at, 100 * group.ci_lower, 100 * group.ci_upper, linewidth=0.9, **style)
        axes.plot([at], [100 * group.observed], marker="o", markersize=4, clip_on=False, **style)


def _top(curves: HorizonCurves) -> float:
    """The same end for both axes: what was predicted and observed; a wide band may be cut."""
    known = [
        *curves.predicted,
        *curves.smooth,
        *(v for g in curves.groups for v in (g.predicted, g.observed, g.ci_upper)),
    ]
    highest = float(np.nanmax([v for v in known if np.isfinite(v)], initial=0.1))
    return min(100.0, float(np.ceil(10.5 * highest) * 10))


def decision_figure(curves: HorizonCurves, *, narrow: bool) -> Figure:
    """Net benefit over the threshold at one horizon.

    Parameters
    ----------
    curves : HorizonCurves
        Of one horizon.
    narrow : bool
        85 mm instead of 170 mm wide.

    Returns
    -------
    Figure
        Not attached to any window.
    """
    texts = ["Acting by the model", "Pointwise 95 % band", "Acting on everyone", "Acting on no one"]
    handles: list[Any] = [
        Line2D([], [], color=COLOURS[0], linewidth=1.6),
        Patch(color=COLOURS[0], alpha=0.16, linewidth=0),
        Line2D([], [], color=COLOURS[1], linewidth=1.1, linestyle=(0, (5, 1.5))),
        Line2D([], [], color=_GREY, linewidth=0.9),
    ]
    sheet = Sheet(narrow, texts)
    with sheet.rc():
        figure, axes = sheet.start(40 if narrow else 58)
        x = 100 * curves.threshold
        axes.fill_between(
            x,
            curves.net_benefit_lower,
            curves.net_benefit_upper,
            color=COLOURS[0],
            alpha=0.16,
            linewidth=0,
            zorder=1,
        )
        axes.plot(x, curves.net_benefit, color=COLOURS[0], linewidth=1.6, zorder=4)
        axes.plot(x, curves.treat_all, color=COLOURS[1], linewidth=1.1, linestyle=(0, (5, 1.5)), zorder=3)
        axes.axhline(0.0, color=_GREY, linewidth=0.9, zorder=2)
        shown = [
            v for v in (*curves.net_benefit, *curves.net_benefit_upper, curves.treat_all[0]) if np.isfinite(v)
        ]
        highest = max([*shown, 0.02])
        # acting on everyone falls without end: only where it competes is of interest
        axes.set_ylim(-0.35 * highest, 1.08 * highest)
        axes.set_xlim(0, float(x[-1]))
        sheet.dress(axes, f"Risk by {curves.at:g} months from which one would act (%)", "Net benefit")
        sheet.write_legend(figure, handles)
    return figure  # fmt: skip
