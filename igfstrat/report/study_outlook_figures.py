"""Figures of what a study looks ahead to: power over effect and prevalence, the frontier, and the timeline of looks."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from igfstrat.report._panels import Sheet
from igfstrat.report.figures import COLOURS
from igfstrat.report.study_figures import finish_rows, fitted
from igfstrat.trials.results.study import DesignResults
from igfstrat.trials.study.outlook import Timeline
from igfstrat.trials.study.power_surface import PowerSurface

_GREY: Final = "#3E3E3E"
_MARKERS: Final = "osD^vP*X"
_STYLES: Final = ("-", (0, (5, 1.5)), (0, (2, 1.2)), (0, (6, 1.5, 1.5, 1.5)))
_ROW: Final = 10.5  # mm of a design with a line of text above its bar
_ASSUMED: Final[dict[str, Any]] = {"color": "#999999", "linewidth": 0.8, "linestyle": (0, (1, 1.5))}
_NO_MONEY: Final = "Randomized patients"


def _marker(place: int) -> str:
    """Colours come again with the ninth design, then with another marker."""
    return _MARKERS[(place + place // len(COLOURS)) % len(_MARKERS)]


def surface_figure(surface: PowerSurface, *, narrow: bool) -> Figure:
    """Power over the hazard ratio in positives, a panel a prevalence and a curve a design; marks where it is simulated.

    Parameters
    ----------
    surface : PowerSurface
        Of all designs, in the order of the scenario.
    narrow : bool
        85 mm instead of 170 mm wide, panels below each other.

    Returns
    -------
    Figure
        Not attached to any window.
    """
    names = list(surface.power)
    sheet = Sheet(narrow, [*names, "Assumed hazard ratio"])
    shape = (len(surface.prevalences), 1) if narrow else (1, len(surface.prevalences))
    with sheet.rc():
        figure, grid = sheet.start_grid(36 if narrow else 52, *shape, 5.0)
        for row, (axes, prevalence) in enumerate(zip(grid, surface.prevalences, strict=True)):
            for place, name in enumerate(names):
                known = [(r, 100 * p) for r, p in zip(surface.hazard_ratios, surface.power[name][row], strict=True) if math.isfinite(p)]  # fmt: skip
                # a broken line stays in sight above a whole one
                axes.plot(
                    *zip(*known, strict=True),
                    zorder=3 + place % len(_STYLES) / 10,
                    **_curve(surface, place, name),
                )
            axes.axvline(surface.assumed[1], zorder=1, **_ASSUMED)
            axes.set_ylim(0, 102)
            words = f"{100 * prevalence:.3g} % positive" + (
                " (assumed)" if prevalence == surface.assumed[0] else ""
            )
            axes.set_title(words, fontsize=sheet.size, loc="left", pad=3)
            sheet.dress(axes, "Hazard ratio in positives", "Power (%)" if narrow or row == 0 else "")
        keys = [Line2D([], [], **_curve(surface, place, name)) for place, name in enumerate(names)]
        sheet.write_legend(figure, [*keys, Line2D([], [], **_ASSUMED)])
    return figure


def _curve(surface: PowerSurface, place: int, name: str) -> dict[str, Any]:
    marked = surface.method[name] == "simulated"
    return {
        "color": COLOURS[place % len(COLOURS)],
        "linestyle": _STYLES[place % len(_STYLES)],
        "linewidth": 1.3,
        "marker": _marker(place) if marked else None,
        "markersize": 4,
    }


def study_frontier_figure(
    designs: Sequence[DesignResults],
    frontier: Sequence[str],
    *,
    unit: str,
    money: tuple[float, str] | None,
    narrow: bool,
) -> Figure:
    """Power against mean cost and against mean duration; filled where no other design is as good in all three.

    Parameters
    ----------
    designs : sequence of DesignResults
        In the order of the scenario.
    frontier : sequence of str
        Names of the designs on it.
    unit : str
        Of the duration.
    money : tuple of float and str, or None
        What costs are divided by, and the unit that this gives; None where nothing costs: patients stand instead.
    narrow : bool
        85 mm instead of 170 mm wide, panels below each other.

    Returns
    -------
    Figure
        Not attached to any window.
    """
    panels = [
        ("cost", money[0], f"Mean cost ({money[1]})") if money else ("n_randomized", 1.0, _NO_MONEY),
        ("duration", 1.0, f"Mean duration ({unit})"),
    ]
    sheet = Sheet(narrow, [*(d.name for d in designs), "filled: on the frontier"])
    with sheet.rc():
        figure, grid = sheet.start_grid(40 if narrow else 46, *((2, 1) if narrow else (1, 2)), 2.0)
        for axes, (key, scale, label) in zip(grid, panels, strict=True):
            for place, design in enumerate(designs):
                axes.plot(
                    getattr(design, key)["mean"] / scale, 100 * design.power["value"],
                    zorder=4 if design.name in frontier else 3, **_point(place, filled=design.name in frontier),
                )  # fmt: skip
            axes.set_ylim(-3, 103)
            axes.margins(x=0.12)
            sheet.dress(axes, label, "Power (%)")
        keys = [Line2D([], [], **_point(i, filled=d.name in frontier)) for i, d in enumerate(designs)]
        grey = Line2D([], [], color=_GREY, marker="o", linestyle="none", markersize=5)
        sheet.write_legend(figure, [*keys, grey])
    return figure


def _point(place: int, *, filled: bool) -> dict[str, Any]:
    colour = COLOURS[place % len(COLOURS)]
    return {
        "color": colour,
        "marker": _marker(place),
        "linestyle": "none",
        "markersize": 6,
        "markerfacecolor": colour if filled else "white",
    }


def timeline_figure(
    timelines: Mapping[str, Timeline], designs: Sequence[DesignResults], *, unit: str, narrow: bool
) -> Figure:
    """Accrual as a bar and each look as a mark, with the share of the trials that end there.

    Parameters
    ----------
    timelines : mapping of str to Timeline
        By design.
    designs : sequence of DesignResults
        In the order in which they are drawn, from above; those without a timeline are left out.
    unit : str
        Of the times.
    narrow : bool
        85 mm instead of 170 mm wide.

    Returns
    -------
    Figure
        Not attached to any window.
    """
    shown = [d for d in designs if d.name in timelines]
    sheet = Sheet(narrow, ["Accrual", "Look, with the trials that end there (%)"])
    with sheet.rc():
        figure, axes = sheet.start(_ROW * len(shown) + 2)
        for row, design in enumerate(shown):
            _draw_timeline(axes, row, timelines[design.name], design, fitted(design.name, sheet.room))
        axes.set_xlim(0, 1.06 * max((_latest(timelines[d.name]) for d in shown), default=1.0))
        finish_rows(sheet, axes, len(shown), f"Calendar time since the first screening ({unit})")
        axes.set_ylim(len(shown) - 0.48, -0.75)  # room for the shares below the last bar
        mark = Line2D([], [], color=COLOURS[1], linestyle="none", marker="D", markersize=4.5)
        sheet.write_legend(figure, [Patch(color=COLOURS[0], alpha=0.35, linewidth=0), mark])
    return figure


def _latest(timeline: Timeline) -> float:
    return max((t for t in (timeline.accrual_end, *timeline.looks) if math.isfinite(t)), default=1.0)


def _draw_timeline(axes: Any, row: int, timeline: Timeline, design: DesignResults, name: str) -> None:
    latest = _latest(timeline)
    end = min(
        timeline.accrual_end, latest, *timeline.looks[-1:]
    )  # the last look ends the trial, filled or not
    axes.barh(row, end, height=0.22, color=COLOURS[0], alpha=0.35, linewidth=0, zorder=2)
    axes.plot([0, latest], [row, row], color="#BBBBBB", linewidth=0.8, zorder=1)
    # the name above, the shares below: neither can meet the other
    axes.text(0.008, row - 0.17, name, transform=axes.get_yaxis_transform(), ha="left", va="bottom", color="#222222", zorder=6)  # fmt: skip
    for time, look in zip(timeline.looks, design.stopped_at, strict=False):
        if not math.isfinite(time):
            continue
        axes.plot(time, row, "D", color=COLOURS[1], markersize=4.5, zorder=5)
        axes.text(time, row + 0.16, f"{100 * look['ends']['value']:.0f}", ha="center", va="top", color=_GREY, zorder=6)  # fmt: skip
