"""What the figures of several slices share: a plot of fixed size in millimetres, its legend above, its axes' dress."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any, Final

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure
from numpy.typing import NDArray

from igfstrat.report._fit import ems, wrap
from igfstrat.report.figures import _MM, _RC

_KEY: Final = 4.5  # ems that a line's sample and its gaps take
_LEFT, _BELOW, _RIGHT = 17.0, 11.0, 4.0  # mm


class Sheet:
    """A figure under way: its size, and where its plots stand.

    Parameters
    ----------
    narrow : bool
        85 mm instead of 170 mm wide.
    texts : sequence of str
        Legend, whole; lines are broken where they don't fit.
    """

    def __init__(self, narrow: bool, texts: Sequence[str] = ()) -> None:
        self.narrow = narrow
        self.size = 6.4 if narrow else 8.0
        self.width = 85.0 if narrow else 170.0
        self.left = _LEFT * (0.72 if narrow else 1.0)
        self.room = (self.width - self.left - _RIGHT) / self.em
        longest = max(map(ems, texts), default=0.0) + _KEY
        self.columns = max(1, min(len(texts), 3, int(self.room // longest)))
        self.texts = [wrap(text, self.room / self.columns - _KEY) for text in texts]

    @property
    def em(self) -> float:
        """Millimetres of one em."""
        return self.size * 25.4 / 72

    @property
    def above(self) -> float:
        """Millimetres that the legend takes."""
        lines = [text.count("\n") + 1 for text in self.texts]
        rows = [max(lines[i : i + self.columns]) for i in range(0, len(lines), self.columns)]
        return 2.5 + 1.42 * self.em * sum(rows)

    def rc(self) -> AbstractContextManager[None]:
        """The style under which everything is drawn."""
        return rc_context(_RC | {"font.size": self.size})

    def start(self, plot: float) -> tuple[Figure, Any]:
        """A figure with one plot of so many millimetres."""
        figure, grid = self.start_grid(plot, 1, 1, 0.0)
        return figure, grid[0]

    def start_grid(self, plot: float, rows: int, columns: int, title: float) -> tuple[Figure, list[Any]]:
        """A figure with plots in rows and columns, each below so many millimetres of title."""
        cell = _BELOW + plot + title
        height = cell * rows + self.above
        figure = Figure(figsize=(self.width * _MM, height * _MM), layout=None)
        wide = (self.width - _RIGHT) / columns
        found = []
        for i in range(rows * columns):
            bottom = height - self.above - cell * (i // columns + 1) + _BELOW
            box = (wide * (i % columns) + self.left, bottom, wide - self.left, plot)
            found.append(
                figure.add_axes((box[0] / self.width, box[1] / height, box[2] / self.width, box[3] / height))
            )
        return figure, found

    def write_legend(self, figure: Figure, handles: Sequence[Any]) -> None:
        """The legend at the top left of the plots, where no curve can cross it."""
        if handles:
            height = figure.get_size_inches()[1] / _MM
            figure.legend(
                list(handles), self.texts, loc="upper left",
                bbox_to_anchor=(self.left / self.width, 1 - 1.0 / height), ncols=self.columns, frameon=False,
                borderaxespad=0.0, handlelength=2.0, columnspacing=1.6, labelspacing=0.3, borderpad=0.1,
            )  # fmt: skip

    def dress(self, axes: Any, xlabel: str, ylabel: str) -> None:
        """Labels, ticks and a quiet grid."""
        axes.set_xlabel(xlabel, labelpad=2)
        axes.set_ylabel(ylabel, labelpad=3)
        axes.tick_params(length=2.5, width=0.7, pad=2)
        axes.grid(axis="y", color="#E4E4E4", linewidth=0.5, zorder=0)
        axes.set_axisbelow(True)


def month_ticks(longest: float, narrow: bool) -> NDArray[np.float64]:
    """Times in months that read well, from 0 to the first beyond the longest or near it."""
    wanted = 5 if narrow else 7
    step = next((s for s in (1, 2, 3, 6, 12, 24, 36, 60, 120, 240, 600) if longest / s <= wanted), 1200)
    return np.arange(0.0, longest + 0.35 * step, step)
