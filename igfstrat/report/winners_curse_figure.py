"""The winner's curse as a figure: how often the best of so many subgroups looks as good as the one reported."""

from __future__ import annotations

from typing import Any, Final

from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from igfstrat.report._panels import Sheet
from igfstrat.report.figures import COLOURS
from igfstrat.report.study_figures import Z95
from igfstrat.trials.winners_curse.results import WinnersCurse

_MARKERS: Final = "osD"
RELATION_WORDS: Final = {
    "independent": "No patient in common",
    "overlapping": "Factors of one trial",
    "nested": "Cuts of one marker",
}


def best_of_figure(found: WinnersCurse, *, narrow: bool) -> Figure:
    """Probability against the number of subgroups: closed form as lines, simulation as points with 95 % intervals.

    Parameters
    ----------
    found : WinnersCurse
        Results; points are those at the fewer events.
    narrow : bool
        85 mm instead of 170 mm wide.

    Returns
    -------
    Figure
        Not attached to any window.
    """
    relations = list(dict.fromkeys(b.relation for b in found.best_of))
    looks = sorted({b.looked_at for b in found.best_of})
    texts = [RELATION_WORDS[r] for r in relations] + ["5 %: unlikely below it"]
    sheet = Sheet(narrow, texts)
    with sheet.rc():
        figure, axes = sheet.start(50 if narrow else 66)
        handles: list[Any] = []
        for i, relation in enumerate(relations):
            entries = [found.best(k, relation) for k in looks]
            style = {"color": COLOURS[i], "zorder": 3}
            axes.plot(looks, [100 * b.closed_form for b in entries], linewidth=1.3, **style)
            axes.errorbar(
                looks,
                [100 * b.as_strong["value"] for b in entries],
                yerr=[100 * Z95 * b.as_strong["mc_standard_error"] for b in entries],
                fmt=_MARKERS[i],
                markersize=4,
                elinewidth=1.0,
                capsize=2,
                **style,
            )
            handles.append(Line2D([], [], color=COLOURS[i], marker=_MARKERS[i], markersize=4, linewidth=1.3))
        handles.append(axes.axhline(5, color="#3E3E3E", linewidth=0.8, linestyle=(0, (4, 3)), zorder=1))
        axes.set_ylim(0, max(10.0, 112 * max(b.closed_form for b in found.best_of)))
        axes.set_xlim(0, 1.04 * max(looks))
        axes.set_xticks(looks)
        sheet.dress(axes, "Subgroups looked at", "Best as strong (%)")
        sheet.write_legend(figure, handles)
    return figure
