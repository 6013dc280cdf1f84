"""Figures of a search of designs: cost against time with its frontier, and what each assumption does to the power."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from igfstrat.report._fit import wrap
from igfstrat.report._panels import Sheet
from igfstrat.report._wording import title_words
from igfstrat.report.figures import COLOURS
from igfstrat.report.study_wording import assumption_words, value_words
from igfstrat.trials.search.cheapest import SearchResults
from igfstrat.trials.search.rows import SIZED
from igfstrat.trials.search.sensitivity import Swing

_GREY: Final = "#3E3E3E"
_MARKERS: Final = "osD^vP*X"
_LOW: Final[dict[str, Any]] = {"color": COLOURS[0], "markerfacecolor": "none", "markeredgewidth": 1.3}
_ROW: Final = 8.5  # mm of an assumption
_NAME_EMS: Final = 40


def frontier_figure(results: SearchResults, *, scale: float, unit: str, narrow: bool) -> Figure:
    """Time against cost of every simulated candidate of the power asked for; filled where none within the limits beats it.

    Parameters
    ----------
    results : SearchResults
        Of a search.
    scale : float
        What the objective is divided by.
    unit : str
        Of the objective then.
    narrow : bool
        85 mm instead of 170 mm wide.

    Returns
    -------
    Figure
        Not attached to any window.
    """
    designs = list(results.space.designs)
    drawn = {results.space.candidate(index).design for index in shown_candidates(results)}
    handles = [(h, name) for h, name in zip(_design_handles(designs), designs, strict=True) if name in drawn]
    limited = any(most is not None for most in limits_of(results).values())
    hollow = "hollow: beaten, or outside the limits" if limited else "hollow: beaten"
    texts = [*(name for _, name in handles), "filled: on the frontier", hollow, "the cheapest"]
    sheet = Sheet(narrow, texts)
    with sheet.rc():
        figure, axes = sheet.start(50 if narrow else 70)
        for index in shown_candidates(results):
            place = designs.index(results.space.candidate(index).design)
            filled = bool(results.frontier[index])
            axes.plot(
                results.simulated[results.objective][index] / scale,
                results.simulated["duration"][index],
                _MARKERS[place % len(_MARKERS)],
                color=COLOURS[place % len(COLOURS)],
                markerfacecolor=COLOURS[place % len(COLOURS)] if filled else "white",
                markersize=4.5,
                alpha=1.0 if filled else 0.45,
                zorder=4 if filled else 3,
            )
        if results.best is not None:
            axes.plot(
                results.simulated[results.objective][results.best] / scale,
                results.simulated["duration"][results.best],
                "o",
                color=_GREY,
                markerfacecolor="none",
                markersize=11,
                zorder=5,
            )
        sheet.dress(axes, f"Expected {unit}", f"Expected time ({results.scenario.time_unit})")
        sheet.write_legend(figure, [*(handle for handle, _ in handles), *_kind_handles()])
    return figure


def limits_of(results: SearchResults) -> dict[str, float | None]:
    """The most that a design may take.

    Parameters
    ----------
    results : SearchResults
        Of a search.

    Returns
    -------
    dict of str to float or None
        By what is limited; None without a limit.
    """
    search = results.scenario.search
    return {} if search is None else search.limits.model_dump()


def shown_candidates(results: SearchResults) -> list[int]:
    """The simulated candidates that were sized for the power asked for.

    Parameters
    ----------
    results : SearchResults
        Of a search.

    Returns
    -------
    list of int
        Ascending.
    """
    powers = results.space.powers
    place = np.arange(len(results.state)) % len(powers) == powers.index(results.power)
    return [int(i) for i in np.flatnonzero(place & (results.state == SIZED))]


def _design_handles(designs: Sequence[str]) -> list[Any]:
    return [
        Line2D([], [], color=COLOURS[i % len(COLOURS)], marker=_MARKERS[i % len(_MARKERS)], linestyle="none")
        for i in range(len(designs))
    ]


def _kind_handles() -> list[Any]:
    return [
        Line2D([], [], color=_GREY, marker="o", linestyle="none", markersize=4.5),
        Line2D(
            [],
            [],
            color=_GREY,
            marker="o",
            linestyle="none",
            markersize=4.5,
            markerfacecolor="white",
            alpha=0.45,
        ),
        Line2D([], [], color=_GREY, marker="o", linestyle="none", markerfacecolor="none", markersize=9),
    ]


def swing_figure(swings: Sequence[Swing], *, power: float, narrow: bool) -> Figure:
    """Power of the chosen design at both ends of the range of each assumption.

    Parameters
    ----------
    swings : sequence of Swing
        From above.
    power : float
        The power asked for.
    narrow : bool
        85 mm instead of 170 mm wide.

    Returns
    -------
    Figure
        Not attached to any window.
    """
    sheet = Sheet(narrow, ["Low end of the range", "High end", "Power asked for"])
    with sheet.rc():
        figure, axes = sheet.start(_ROW * len(swings) + 2)
        for row, swing in enumerate(swings):
            low, high = (100 * p for p in swing.power)
            axes.axhline(row, color="#EEEEEE", linewidth=0.8, zorder=0)
            axes.plot([low, high], [row, row], color="#BBBBBB", linewidth=3, zorder=2, solid_capstyle="butt")
            axes.plot(high, row, "s", color=COLOURS[1], markersize=3.6, zorder=4)
            # a ring: where both ends lie together, the square is seen inside it
            axes.plot(low, row, "o", markersize=6.4, zorder=5, **_LOW)
            axes.text(
                0.008,
                row - 0.25,
                wrap(f"{title_words(assumption_words(swing.path))}: {range_words(swing)}", _NAME_EMS),
                transform=axes.get_yaxis_transform(),
                ha="left",
                va="bottom",
                color="#222222",
                zorder=6,
                bbox={"facecolor": "white", "linewidth": 0, "pad": 0.6},
            )
        axes.axvline(100 * power, color=_GREY, linewidth=0.9, linestyle=(0, (4, 2)), zorder=1)
        axes.set_xlim(0, 100)
        sheet.dress(axes, "Power (%)", "")
        axes.grid(visible=False, axis="y")
        axes.set_ylim(len(swings) - 0.6, -0.85)
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
        sheet.write_legend(
            figure,
            [
                Line2D([], [], marker="o", linestyle="none", markersize=6.4, **_LOW),
                Line2D([], [], color=COLOURS[1], marker="s", linestyle="none", markersize=3.6),
                Line2D([], [], color=_GREY, linewidth=0.9, linestyle=(0, (4, 2))),
            ],
        )
    return figure


def range_words(swing: Swing) -> str:
    """The range of an assumption.

    Parameters
    ----------
    swing : Swing
        With numbers or anything else at its ends.

    Returns
    -------
    str
        Such as ``0.8 to 1 (assumed 0.9)``.
    """
    words = [value_words(v) for v in (swing.low, swing.high, swing.assumed)]
    return f"{words[0]} to {words[1]} (assumed {words[2]})"
