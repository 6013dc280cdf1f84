"""The Kaplan–Meier figure: curves with bands, censor marks, with those at risk, with events and censored below.

Two sizes: 170 mm (a full page) and 85 mm (one column, also for a telephone). Colours keep their
distance for colour-blind readers and in grey print; every group has its own line style too.
"""

from __future__ import annotations

import io
import string
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, cast
from weakref import WeakKeyDictionary

import numpy as np
from matplotlib import rc_context
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from igfstrat.analysis import EndpointResult, GroupResult
from igfstrat.report._disclosure import mask_count, mask_counts, published_points
from igfstrat.report._fit import ems, wrap
from igfstrat.report.formatting import format_label, format_p
from igfstrat.report.sentences import headline_estimate
from igfstrat.survival import SurvivalCurve

# Okabe & Ito's palette, darkened where white paper needs it
COLOURS: Final = ("#0B5C94", "#B84A08", "#00755A", "#A0457F", "#756600", "#3E3E3E", "#4F46C8", "#8C2D04")
_STYLES: Final = ("-", (0, (5, 1.5)), (0, (2, 1.2)), (0, (6, 1.5, 1.5, 1.5)))
_MM: Final = 1 / 25.4
_MAX_POINTS: Final = 2_000
RC: Final[Any] = {
    "font.family": "DejaVu Sans",
    "svg.fonttype": "none",
    "svg.hashsalt": "igfstrat",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.7,
    "text.parse_math": False,
}
_RC: Final = RC
_COUNTS: Final = ("At risk", "Events", "Censored")
DATA_HEADER: Final = (
    "Group", "Months", "Survival", "Lower limit", "Upper limit", "At risk", "Events", "Censored",
)  # fmt: skip


def survival_figure(result: EndpointResult, *, narrow: bool = False, minimum: int = 0) -> Figure:
    """Draw one endpoint.

    Parameters
    ----------
    result : EndpointResult
        One endpoint.
    narrow : bool
        85 mm instead of 170 mm wide.
    minimum : int
        Smallest number of people that may be shown; 0 shows all.

    Returns
    -------
    Figure
        Not attached to any window.
    """
    width = (85 if narrow else 170) * _MM
    size = 6.4 if narrow else 8.0
    em = size / 72 / width  # of the figure's width
    labels = _row_labels(result, narrow)
    left = min(max(0.175 if narrow else 0.105, 0.03 + em * max(map(ems, (*labels, "Censored…")))), 0.36)
    span = (0.955 if narrow else 0.975) - left
    texts, columns = _legend_texts(result, labels, span / em, minimum)
    lines = max((text.count("\n") + 1 for text in texts), default=0) if columns > 1 else 0
    above = (2 + 1.42 * size * 25.4 / 72 * _legend_lines(texts, columns, lines)) * _MM
    below = (1.5 + (3.4 if narrow else 4.1) * _n_lines(len(labels), minimum)) * _MM
    plot = (46 if narrow else 76) * _MM
    height = below + 9 * _MM + plot + above
    with rc_context(_RC | {"font.size": size}):
        figure = Figure(figsize=(width, height), layout=None)
        axes = figure.add_axes((left, (below + 9 * _MM) / height, span, plot / height))
        risk = figure.add_axes((left, 1.0 * _MM / height, span, (below - 1.0 * _MM) / height), sharex=axes)
        ticks = _ticks(result, narrow)
        for i, group in enumerate(result.groups):
            _draw_group(axes, group, (i, len(labels)), narrow, minimum)
        _dress(axes, result, ticks, narrow)
        _risk_table(risk, result, labels, ticks, minimum)
        _legend(figure, axes, texts, columns)
        _write_test(axes, result)
    return figure


def _row_labels(result: EndpointResult, narrow: bool) -> list[str]:
    """Names beside the numbers at risk; letters that the legend explains where a name is too long."""
    labels = [format_label(group.label) for group in result.groups]
    if all(ems(label) <= (12 if narrow else 20) for label in labels):
        return labels
    return [string.ascii_uppercase[i % 26] * (i // 26 + 1) for i in range(len(labels))]


def _legend_lines(texts: list[str], columns: int, lines: int) -> int:
    if columns == 1:
        return sum(text.count("\n") + 1 for text in texts)
    return -(-len(texts) // columns) * lines


def _ticks(result: EndpointResult, narrow: bool) -> NDArray[np.float64]:
    longest = _longest(result)
    wanted = 5 if narrow else 8
    step = next((s for s in (1, 2, 3, 6, 12, 24, 36, 60, 120, 240, 600) if longest / s <= wanted), 1200)
    return np.arange(0.0, longest + 0.35 * step, step)


def _longest(result: EndpointResult) -> float:
    return (
        max((float(group.curve.time[-1]) for group in result.groups if len(group.curve.time)), default=0.0)
        or 12.0
    )


def _draw_group(axes: Any, group: GroupResult, place: tuple[int, int], narrow: bool, minimum: int) -> None:
    curve = group.curve
    keep = _thinned(curve.time, curve.survival) if minimum == 0 else published_points(curve, minimum)
    if len(keep) == 0:
        return
    number, of_groups = place
    colour = COLOURS[number % len(COLOURS)]
    time = np.concatenate(([0.0], curve.time[keep]))
    survival = np.concatenate(([1.0], curve.survival[keep]))
    axes.step(
        time, survival, where="post", color=colour, linestyle=_STYLES[number % len(_STYLES)],
        linewidth=1.1 if narrow else 1.4, zorder=3,
    )  # fmt: skip
    lower = np.concatenate(([1.0], curve.ci_lower[keep]))
    upper = np.concatenate(([1.0], curve.ci_upper[keep]))
    known = np.isfinite(lower) & np.isfinite(upper)
    axes.fill_between(
        time[known],
        lower[known],
        upper[known],
        step="post",
        color=colour,
        alpha=0.13 if of_groups <= 3 else 0.06,
        linewidth=0,
        zorder=1,
    )
    censored = np.flatnonzero(curve.n_censored > 0) if minimum == 0 else keep[:0]
    censored = censored[:: len(censored) // _MAX_POINTS + 1]
    axes.plot(
        curve.time[censored], curve.survival[censored], linestyle="none", marker="|",
        markersize=3.2 if narrow else 4.2, markeredgewidth=0.6, color=colour, zorder=4, alpha=0.85,
    )  # fmt: skip


def drawn_numbers(
    result: EndpointResult, *, minimum: int = 0
) -> tuple[tuple[float | int | str | None, ...], ...]:
    """The numbers of the curves, for a sheet beside the figure.

    Parameters
    ----------
    result : EndpointResult
        One endpoint.
    minimum : int
        Smallest number of people that may be shown; the counts at each time are then left out.

    Returns
    -------
    tuple of tuple
        Rows under `DATA_HEADER`: every distinct time, or of very many the points that are drawn.
    """
    rows: list[tuple[float | int | str | None, ...]] = []
    for group in result.groups:
        curve = group.curve
        few = len(curve.time) <= _MAX_POINTS
        every = np.arange(len(curve.time)) if few else _thinned(curve.time, curve.survival)
        keep = every if minimum == 0 else published_points(curve, minimum)
        names = ["time", "survival", "ci_lower", "ci_upper"]
        names += ["n_at_risk", "n_events", "n_censored"] if minimum == 0 else []
        columns = [getattr(curve, name)[keep].tolist() for name in names]
        rows += [(format_label(group.label), *numbers) for numbers in zip(*columns, strict=True)]
    return tuple(rows)


def _thinned(time: NDArray[np.float64], survival: NDArray[np.float64]) -> NDArray[np.int64]:
    """Points that draw the same curve: the steps, and of very many an even choice."""
    if len(time) == 0:
        return np.zeros(0, dtype=np.int64)
    steps = np.flatnonzero(np.diff(survival, prepend=1.0) != 0)
    points: NDArray[np.int64] = np.union1d(steps, [len(time) - 1])
    if len(points) <= _MAX_POINTS:
        return points
    even: NDArray[np.int64] = np.unique(np.linspace(0, len(points) - 1, _MAX_POINTS).astype(np.int64))
    return np.asarray(points[even], dtype=np.int64)


def _dress(axes: Any, result: EndpointResult, ticks: NDArray[np.float64], narrow: bool) -> None:
    axes.set_ylim(0, 1.02)
    axes.set_xlim(0, max(ticks[-1], _longest(result)))
    axes.set_xticks(ticks)
    axes.set_xticklabels([f"{tick:g}" for tick in ticks])
    axes.set_yticks(np.arange(0, 1.01, 0.25 if narrow else 0.2))
    axes.set_yticklabels([f"{100 * t:.0f}" for t in np.arange(0, 1.01, 0.25 if narrow else 0.2)])
    axes.set_ylabel(f"{result.title if len(result.title) < 40 else result.name.upper()} (%)", labelpad=3)
    axes.set_xlabel("Months", labelpad=2)
    axes.tick_params(length=2.5, width=0.7, pad=2)
    axes.grid(axis="y", color="#E4E4E4", linewidth=0.5, zorder=0)
    axes.set_axisbelow(True)


def counts_at(curve: SurvivalCurve, months: NDArray[np.float64]) -> dict[str, NDArray[np.int64]]:
    """Patients at risk, with an event and censored, as they stand below the curves; at each time they sum to all.

    Parameters
    ----------
    curve : SurvivalCurve
        One group.
    months : ndarray of float64, shape (n_times,)
        Times, increasing.

    Returns
    -------
    dict of str to ndarray of int64, each of shape (n_times,)
        ``At risk`` just before each time, ``Events`` and ``Censored`` before it.

    References
    ----------
    .. [1] Morris TP et al. (2019). Proposals on Kaplan-Meier plots in medical research and a survey of stakeholder
       views: KMunicate. BMJ Open 9:e030215.

    Examples
    --------
    >>> from igfstrat.survival import kaplan_meier
    >>> import numpy as np
    >>> curve = kaplan_meier(time=np.array([1.0, 2.0, 3.0]), event=np.array([True, False, True]))
    >>> {name: counts.tolist() for name, counts in counts_at(curve, np.array([0.0, 2.0, 4.0])).items()}
    {'At risk': [3, 2, 0], 'Events': [0, 1, 2], 'Censored': [0, 0, 1]}
    """
    before = np.searchsorted(curve.time, months, side="left")
    sums = [np.concatenate(([0], np.cumsum(n)))[before] for n in (curve.n_events, curve.n_censored)]
    at_risk = np.concatenate((curve.n_at_risk, [0]))[before]
    named = zip(_COUNTS, (at_risk, *sums), strict=True)
    return {name: np.asarray(counts, dtype=np.int64) for name, counts in named}


def _risk_table(
    axes: Any, result: EndpointResult, labels: list[str], ticks: NDArray[np.float64], minimum: int
) -> None:
    axes.set_axis_off()
    axes.set_ylim(_n_lines(len(labels), minimum), 0)
    transform = axes.get_yaxis_transform()
    counts = [counts_at(group.curve, ticks) for group in result.groups]
    line = 0.5
    for name in _shown_counts(minimum):
        axes.text(-0.022, line, name, ha="right", va="center", transform=transform, weight="bold")
        for row, label in enumerate(labels):
            line += 1
            colour = COLOURS[row % len(COLOURS)]
            axes.text(-0.022, line, label, ha="right", va="center", transform=transform, color=colour)
            for tick, number in zip(ticks, counts[row][name], strict=True):
                ha = "left" if tick == 0 else "right" if tick == ticks[-1] else "center"
                axes.text(tick, line, mask_count(int(number), minimum), ha=ha, va="center", color="#222222")
        line += 1


def _shown_counts(minimum: int) -> tuple[str, ...]:
    """Where small counts are hidden, events and censored would give them away."""
    return _COUNTS if minimum == 0 else _COUNTS[:1]


def _n_lines(n_groups: int, minimum: int) -> int:
    return len(_shown_counts(minimum)) * (n_groups + 1)


def _legend_texts(
    result: EndpointResult, labels: list[str], room: float, minimum: int
) -> tuple[list[str], int]:
    """Every group's whole name with its numbers, in lines that fit, and in how many columns they stand."""
    texts = []
    people = mask_counts([group.n for group in result.groups], minimum)
    happened = mask_counts([group.n_events for group in result.groups], minimum)
    for label, group, n, events in zip(labels, result.groups, people, happened, strict=True):
        name = format_label(group.label)
        texts.append(f"{name if name == label else f'{label}: {name}'} (n = {n}, events {events})")
    key = 4.5  # ems that a line's sample and its gaps take
    longest = max(map(ems, texts), default=0.0) + key
    columns = max(1, min(len(texts), 3, int(room // longest)))
    return [wrap(text, room / columns - key) for text in texts], columns


def _legend(figure: Figure, axes: Any, texts: list[str], columns: int) -> None:
    """Groups above the curves, where no curve can cross them."""
    handles = [
        Line2D([], [], color=COLOURS[i % len(COLOURS)], linestyle=_STYLES[i % len(_STYLES)], linewidth=1.6)
        for i in range(len(texts))
    ]
    if handles:
        box = axes.get_position()
        figure.legend(
            handles, texts, loc="lower left", bbox_to_anchor=(box.x0, box.y1 + 0.006), ncols=columns, frameon=False,
            borderaxespad=0.0, handlelength=2.0, columnspacing=1.6, labelspacing=0.3, borderpad=0.1,
        )  # fmt: skip


def _write_test(axes: Any, result: EndpointResult) -> None:
    test = headline_estimate(result)
    if test.p_value is None:
        return
    names = {
        "logrank": "Log-rank",
        "stratified_logrank": "Stratified log-rank",
        "rmst_difference": "RMST difference",
    }
    p = format_p(test.p_value)
    axes.text(
        0.015, 0.03, f"{names[result.headline]} p {p if p.startswith('<') else '= ' + p}", transform=axes.transAxes,
        ha="left", va="bottom", zorder=5, bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.75, "pad": 1.5},
    )  # fmt: skip


# page, PDF, Word and files show the same figures: each is turned into SVG and PNG once while it lives
_MADE: Final[WeakKeyDictionary[Figure, dict[Any, Any]]] = WeakKeyDictionary()


@contextmanager
def _any_letter() -> Iterator[None]:
    """A letter that the font lacks is a box in a PNG, and whole in an SVG: nothing to warn of in the middle of a run."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r"Glyph .* missing from font")
        yield


def figure_svg(figure: Figure, *, title: str) -> str:
    """A figure as SVG text, the same bytes every time.

    Parameters
    ----------
    figure : Figure
        As drawn.
    title : str
        What it shows, for screen readers.

    Returns
    -------
    str
        An ``<svg>`` element.
    """
    made = _MADE.setdefault(figure, {})
    if title not in made:
        buffer = io.BytesIO()
        with rc_context(_RC), _any_letter():
            cast("Any", FigureCanvasSVG(figure)).print_svg(
                buffer, metadata={"Date": None, "Title": title, "Creator": "igfstrat"}
            )
        text = buffer.getvalue().decode("utf-8")
        made[title] = text[text.index("<svg") :]
    return str(made[title])


def figure_png(figure: Figure, *, dpi: int = 300) -> bytes:
    """A figure as PNG.

    Parameters
    ----------
    figure : Figure
        As drawn.
    dpi : int
        Dots an inch.

    Returns
    -------
    bytes
        A PNG file.
    """
    made = _MADE.setdefault(figure, {})
    if dpi not in made:
        buffer = io.BytesIO()
        with rc_context(_RC), _any_letter():
            FigureCanvasAgg(figure)
            figure.savefig(buffer, format="png", dpi=dpi, metadata={"Software": "igfstrat"})
        made[dpi] = buffer.getvalue()
    return bytes(made[dpi])
