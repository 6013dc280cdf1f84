"""Designs that choose their cut: which cut the trials chose, whom it leaves, and the hazard ratio above it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from matplotlib.figure import Figure
from matplotlib.patches import Patch

from igfstrat.errors import safe_text
from igfstrat.report._panels import Sheet
from igfstrat.report.document import Block, FigureBlock, Paragraph, Section
from igfstrat.report.figures import COLOURS
from igfstrat.report.study_truths import plain_table
from igfstrat.report.study_wording import marker_words, percent, with_error
from igfstrat.report.tables import Table
from igfstrat.trials.results.study import DesignResults

_ERRORS: Final = "In brackets: Monte-Carlo standard error."
_WHEN: Final = (("in_all", "all trials"), ("when_claimed", "trials that claim the cut"))
_ROW: Final = 5.5  # mm of a candidate


def chosen_cut_sections(designs: Sequence[DesignResults], *, marker: str) -> list[Section]:
    """What is told of designs that choose a cut.

    Parameters
    ----------
    designs : sequence of DesignResults
        Of one point.
    marker : str
        Name of the marker.

    Returns
    -------
    list of Section
        Empty where no design chooses a cut.
    """
    chooses = [d for d in designs if "chosen_cut" in d.selected]
    if not chooses:
        return []
    lead = Paragraph(
        text="The hazard ratio above a cut that was chosen because it looked best is too good on average, unless other"
        " patients test it. The true one is that of the patients at or above the chosen cut, whatever the estimate says.",
        kind="lead",
    )
    blocks: tuple[Block, ...] = (
        lead,
        _cut_table(chooses, marker),
        _above_table(chooses),
        *map(_block, chooses),
    )
    return [Section(key="chosen_cut", title="The chosen cut", blocks=blocks)]


def _cut_table(designs: Sequence[DesignResults], marker: str) -> Table:
    rows = []
    for design in designs:
        cut = _of(design)
        for k, candidate in enumerate(cut["candidates"]):
            rows.append(
                (
                    safe_text(design.name),
                    f"{candidate['cut']:g}".replace("-", "−"),
                    f"{100 * candidate['share_at_or_above']:.1f}",
                    with_error(candidate["true_hazard_ratio"], 0, digits=3),
                    *(percent(cut[when]["chosen"][k]) for when, _ in _WHEN),
                )
            )
    header = (
        "Design",
        f"Cut of {marker_words(marker)}",
        "Patients at or above, %",
        "True hazard ratio there",
    )
    return plain_table(
        "Candidates",
        (*header, "Chosen, % of all trials", "Chosen, % of trials that claim the cut"),
        rows,
        (_ERRORS, f"True: {_of(designs[0])['definition'].split('; true: ')[1].split('; estimate')[0]}."),
    )


def _above_table(designs: Sequence[DesignResults]) -> Table:
    rows = []
    for design in designs:
        for when, words in _WHEN:
            found = _of(design)[when]
            share, truth, estimate = (
                found[k] for k in ("share_at_or_above", "true_hazard_ratio", "mean_estimate")
            )
            rows.append(
                (
                    safe_text(design.name),
                    words,
                    with_error(100 * share["mean"], 100 * share["mc_standard_error"], digits=1),
                    with_error(truth["mean"], truth["mc_standard_error"], digits=3),
                    with_error(estimate["mean"], estimate["mc_standard_error"], digits=3),
                    with_error(found["log_bias"]["value"], found["log_bias"]["mc_standard_error"], digits=3),
                    percent(found["coverage"]),
                )
            )
    return plain_table(
        "Above the chosen cut",
        ("Design", "Trials", "Patients at or above, %", "True hazard ratio", "Estimate", "Bias of its log", "Coverage, %"),
        rows,
        (f"{_ERRORS} Coverage: 95 % Wald intervals of the estimate that hold the truth above the very cut.",),
    )  # fmt: skip


def _of(design: DesignResults) -> dict[str, Any]:
    found: Any = design.selected["chosen_cut"]
    return dict(found)


def _block(design: DesignResults) -> FigureBlock:
    cut = _of(design)
    shares = [[share["value"] for share in cut[when]["chosen"]] for when, _ in _WHEN]
    cuts = [candidate["cut"] for candidate in cut["candidates"]]
    return FigureBlock(
        name=f"chosen_cut_{design.name}",
        caption=f"{safe_text(design.name)}: how often each candidate was the chosen cut.",
        alternative="; ".join(f"{c:g} {100 * s:.1f} %" for c, s in zip(cuts, shares[0], strict=True)),
        draw=lambda narrow: chosen_cut_figure(design, narrow=narrow),
        data_header=("Cut", *(words for _, words in _WHEN)),
        data=tuple(zip(cuts, *shares, strict=True)),
    )


def chosen_cut_figure(design: DesignResults, *, narrow: bool) -> Figure:
    """Share of the trials that chose each candidate, of all trials and of those that claim the cut.

    Parameters
    ----------
    design : DesignResults
        Of a design that chooses.
    narrow : bool
        85 mm instead of 170 mm wide.

    Returns
    -------
    Figure
        Not attached to any window.
    """
    cut = _of(design)
    labels = [f"{candidate['cut']:g}".replace("-", "−") for candidate in cut["candidates"]]
    sheet = Sheet(narrow, [words for _, words in _WHEN])
    with sheet.rc():
        figure, axes = sheet.start(_ROW * len(labels) + 6)
        for shift, colour, (when, _) in zip((-0.19, 0.19), COLOURS, _WHEN, strict=False):
            values = [100 * share["value"] for share in cut[when]["chosen"]]
            places = [row + shift for row in range(len(labels))]
            axes.barh(places, values, height=0.34, color=colour, alpha=0.6, linewidth=0, zorder=2)
        sheet.dress(axes, "Trials (%)", "Cut")
        axes.set_yticks(range(len(labels)), labels)
        axes.set_ylim(len(labels) - 0.4, -0.6)
        axes.set_xlim(0, 100)  # the same for every design
        handles = [Patch(color=c, alpha=0.6, linewidth=0) for c in COLOURS[:2]]
        sheet.write_legend(figure, handles)
    return figure
