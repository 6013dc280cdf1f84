"""Designs of a study side by side: their table and figures, what their trials find, and the closed form beside the simulation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from igfstrat.errors import safe_text
from igfstrat.report.document import FigureBlock
from igfstrat.report.formatting import DASH
from igfstrat.report.study_figures import effort_figure, gap_figure, gap_of, power_figure
from igfstrat.report.study_truths import plain_table
from igfstrat.report.study_wording import label_words, money, percent, with_error
from igfstrat.report.tables import Table
from igfstrat.trials.results.study import DesignResults, StudyPoint
from igfstrat.trials.scenario import Scenario

ERRORS: Final = "In brackets: Monte-Carlo standard error."
_HOW_TO_READ: Final = (
    f"{ERRORS} Means over the trials, each as it stands when it ends. Power: at least one hypothesis is rejected. Without"
    " effect: the same, where the experimental arm does nothing."
)


def design_table(scenario: Scenario, point: StudyPoint, caption: str, *, first: bool = True) -> Table:
    """The operating characteristics of all designs at one point.

    Parameters
    ----------
    scenario : Scenario
        For its unit of time and currency.
    point : StudyPoint
        Results.
    caption : str
        Of the table.
    first : bool
        Whether to say how it is read.

    Returns
    -------
    Table
        A row a design.
    """
    unit = money(scenario, [point])
    header = ("Design", "Power, %", "Without effect, %", "Right label, %", "Events", "Randomized", "Screened",
              scenario.time_unit.capitalize(), *([f"Cost, {unit[1]}"] if unit else []))  # fmt: skip
    rows = []
    for design in point.results.designs.values():
        sizes = [getattr(design, key) for key in ("n_events", "n_randomized", "n_screened", "duration")]
        cells = [with_error(s["mean"], s["mc_standard_error"], digits=d) for s, d in zip(sizes, (0, 0, 0, 1), strict=True)]  # fmt: skip
        if unit:
            cost = (design.cost[key] / unit[0] for key in ("mean", "mc_standard_error"))
            cells.append(with_error(*cost, digits=1))
        null = percent(design.type_i_error, digits=2) if design.type_i_error else DASH
        rows.append((safe_text(design.name), percent(design.power), null, percent(design.right_label["all"]), *cells))  # fmt: skip
    return Table(
        caption=caption,
        header=header,
        rows=tuple(rows),
        footnotes=(
            *([_HOW_TO_READ] if first else []),
            f"Right label: the claims of the trial fit the truth of its patients, {_right_labels(point)}. A group by the test"
            f" benefits where its true hazard ratio is below {scenario.label.benefit_below:g}; an imperfect test leaves a few true"
            " positives among its negatives.",
        ),
        counts=tuple(tuple(None for _ in header) for _ in rows),
    )


def _right_labels(point: StudyPoint) -> str:
    """Which label is right by which design: what is true of test positives depends on who is enrolled."""
    by_label: dict[str, list[str]] = {}
    for name, design in point.results.designs.items():
        by_label.setdefault(design.right_label["right_label_is"], []).append(safe_text(name))
    if len(by_label) == 1:
        return f"which asks for {label_words(next(iter(by_label)))}"
    return "which asks for " + "; ".join(f"{label_words(k)} in {', '.join(v)}" for k, v in by_label.items())


def design_figures(scenario: Scenario, point: StudyPoint) -> tuple[FigureBlock, ...]:
    """Power, and duration with cost, of the designs at one point.

    Parameters
    ----------
    scenario : Scenario
        For its units.
    point : StudyPoint
        Results.

    Returns
    -------
    tuple of FigureBlock
        Two.
    """
    designs = tuple(point.results.designs.values())
    unit = money(scenario, [point])
    powers = tuple(
        (d.name, d.power["value"], d.power["mc_standard_error"], d.closed_form["power"] if d.closed_form else None)
        for d in designs
    )  # fmt: skip
    efforts = tuple(
        (d.name, *(v for s in (d.duration, d.cost) for v in (s["mean"], s["quantiles"]["0.05"], s["quantiles"]["0.95"])))
        for d in designs
    )  # fmt: skip
    what = "duration and cost" if unit else "duration"
    return (
        FigureBlock(
            name="power",
            caption="Power of each design: share of simulated trials that reject at least one hypothesis.",
            alternative="; ".join(f"{d.name} {100 * d.power['value']:.1f} %" for d in designs),
            draw=lambda narrow: power_figure(designs, narrow=narrow),
            data_header=("Design", "Power", "Monte-Carlo standard error", "Closed form"),
            data=powers,
        ),
        FigureBlock(
            name="effort",
            caption=f"Mean {what} of each design, and the middle 90 % of its trials.",
            alternative="; ".join(f"{d.name} {d.duration['mean']:.1f} {scenario.time_unit}" for d in designs),
            draw=lambda narrow: effort_figure(designs, unit=scenario.time_unit, money=unit, narrow=narrow),
            data_header=("Design", "Duration, mean", "5 %", "95 %", "Cost, mean", "5 %", "95 %"),
            data=efforts,
        ),
    )


def hypothesis_table(designs: Sequence[DesignResults]) -> Table | None:
    """Power of each hypothesis, of designs that test more than one.

    Parameters
    ----------
    designs : sequence of DesignResults
        Of one point.

    Returns
    -------
    Table or None
        None where every design tests one.
    """
    rows = [
        (safe_text(d.name), name, percent(found))
        for d in designs
        if len(d.hypotheses) > 1
        for name, found in (*d.hypotheses.items(), ("all of them", d.conjunctive_power))
    ]
    if not rows:
        return None
    return plain_table("Hypotheses", ("Design", "Hypothesis", "Power, %"), rows, (ERRORS,))


def ratio_table(designs: Sequence[DesignResults]) -> Table:
    """True hazard ratios, and what trials estimate.

    Parameters
    ----------
    designs : sequence of DesignResults
        Of one point.

    Returns
    -------
    Table
        A row a design and population.
    """
    rows = []
    for design in designs:
        for name, found in design.hazard_ratio["by_population"].items():
            when = found["mean_when_rejected"]
            rows.append(
                (safe_text(design.name), name, with_error(found["true"], 0, digits=3),
                 *(with_error(e["mean"], e["mc_standard_error"], digits=3) for e in (found["mean_estimate"], when)),
                 percent(found["coverage"]))
            )  # fmt: skip
    texts = dict.fromkeys(design.hazard_ratio["definition"] for design in designs)
    # one that goes on where another ends says both
    definitions = [text for text in texts if not any(t != text and t.startswith(text) for t in texts)]
    return plain_table(
        "Hazard ratio",
        ("Design", "Patients", "Truth", "Mean estimate", "Mean when rejected", "Coverage, %"),
        rows,
        (
            f"Truth: {' '.join(_sentence(text) for text in definitions)}",
            f"{ERRORS} Coverage: 95 % Wald intervals that hold the truth. Estimates of trials that end early or"
            " are looked at because they rejected are too good; no correction is made.",
        ),
    )


def _sentence(text: str) -> str:
    words = text.replace("as in after_selection", "as in the table of what was selected")
    return f"{words[0].upper()}{words[1:]}."


def closed_table(designs: Sequence[DesignResults]) -> Table:
    """Simulated power beside its closed form.

    Parameters
    ----------
    designs : sequence of DesignResults
        Those that have one.

    Returns
    -------
    Table
        A row a design.
    """
    rows = []
    for design in designs:
        assert design.closed_form is not None
        gap, error = gap_of(design)
        rows.append(
            (safe_text(design.name), percent(design.power), f"{100 * design.closed_form['power']:.1f}",
             with_error(gap, error, digits=2), f"{design.closed_form['gap_in_standard_errors']:+.1f}".replace("-", "−"))
        )  # fmt: skip
    return plain_table(
        "Power, simulated and by the log-rank drift integral",
        ("Design", "Simulated, %", "Integral, %", "Gap, points", "In standard errors"),
        rows,
        (
            f"{ERRORS} The integral takes each look at the calendar time at which its events are expected. Beyond 4"
            " standard errors the gap is reported; at very many trials a small one is the integral's own approximation.",
        ),
    )


def gap_block(designs: Sequence[DesignResults]) -> FigureBlock:
    """The gaps of `closed_table` as a figure.

    Parameters
    ----------
    designs : sequence of DesignResults
        Those that have a closed form.

    Returns
    -------
    FigureBlock
        With intervals.
    """
    return FigureBlock(
        name="closed_form_gap",
        caption="Simulated power minus closed form; an interval that holds 0 is what chance gives.",
        alternative="; ".join(f"{d.name} {gap_of(d)[0]:+.2f} points" for d in designs),
        draw=lambda narrow: gap_figure(designs, narrow=narrow),
        data_header=("Design", "Gap in points", "Monte-Carlo standard error"),
        data=tuple((d.name, *gap_of(d)) for d in designs),
    )
