"""The tables of a report: headings, rows of text, a caption. Every format renders these."""

from __future__ import annotations

from dataclasses import dataclass

from igfstrat.analysis import EndpointResult, Estimate
from igfstrat.report.formatting import (
    DASH,
    format_interval,
    format_label,
    format_months,
    format_number,
    format_p,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table of text.

    Parameters
    ----------
    caption : str
        What it shows.
    header : tuple of str
        Heading of each column.
    rows : tuple of tuple of str
        Cells.
    footnotes : tuple of str
        What must be known to read it.
    counts : tuple of tuple of int or None
        Parallel to `rows`: the number of people that a cell shows; None where it shows something else. Empty: cells
        that look like a count are taken for one, where small counts must not be shown.
    adds_up : bool
        Whether counts below each other belong to one total.
    """

    caption: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    footnotes: tuple[str, ...] = ()
    counts: tuple[tuple[int | None, ...], ...] = ()
    adds_up: bool = True


def flow_table(*results: EndpointResult) -> Table:
    """From the rows of the file to the patients analysed.

    Parameters
    ----------
    *results : EndpointResult
        Endpoints; the steps that they share stand once.

    Returns
    -------
    Table
        A row a step, with the reasons for what was left out.
    """
    steps = [step for result in results[:1] for step in result.flow[:-1]]
    steps += [result.flow[-1] for result in results if result.flow]
    rows = tuple(
        (
            step.label[0].upper() + step.label[1:],
            str(step.n),
            "; ".join(f"{reason}: {n}" for reason, n in step.left_out.items()) or DASH,
        )
        for step in steps
    )
    footnotes = tuple(
        f"Analysed for {r.name.upper()}, of these at time 0: {r.n_zero_time} patients, {r.n_zero_time_events} with an event"
        for r in results
        if r.n_zero_time
    )
    counts = tuple((None, step.n, None) for step in steps)
    return Table(
        caption="Patients",
        header=("Step", "n", "Left out"),
        rows=rows,
        footnotes=footnotes,
        counts=counts,
        adds_up=False,
    )


def survival_table(result: EndpointResult) -> Table:
    """Patients, events, median and survival at milestones, by group.

    Parameters
    ----------
    result : EndpointResult
        One endpoint.

    Returns
    -------
    Table
        A row a group.
    """
    milestones = result.groups[0].milestones if result.groups else ()
    header = (
        "Group",
        "n",
        "Events",
        "Median, months (95 % CI)",
        *(f"{format_months(m.months)}, % (95 % CI)" for m in milestones),
    )
    rows = tuple(
        (
            format_label(group.label),
            str(group.n),
            str(group.n_events),
            _median(group.median),
            *(format_interval(m.survival, 1, scale=100) for m in group.milestones),
        )
        for group in result.groups
    )
    follow_up = f"median follow-up {_median(result.follow_up)} months (reverse Kaplan–Meier)"
    cells = [cell for row in rows for cell in row]
    signs = ["n.r.: not reached"] if any("n.r." in text for text in (*cells, follow_up)) else []
    signs += [f"{DASH}: beyond the last follow-up"] if DASH in cells else []
    footnotes = ("; ".join(("CI: log-log interval", *signs, follow_up)),)
    counts = tuple((None, g.n, g.n_events, *(None for _ in header[3:])) for g in result.groups)
    return Table(
        caption=f"{result.title} by group", header=header, rows=rows, footnotes=footnotes, counts=counts
    )


def _median(median: Estimate) -> str:
    if median.value is None and median.ci_lower is None:
        return "not reached" if median.not_estimable == "not reached" else DASH
    return format_interval(median, 1)


def effect_table(result: EndpointResult) -> Table:
    """Tests, hazard ratios and the difference in mean survival time.

    Parameters
    ----------
    result : EndpointResult
        One endpoint.

    Returns
    -------
    Table
        The plan's headline first.
    """
    tests = {
        "logrank": _row("Log-rank test, χ²", result.logrank, 2, interval=False),
        "stratified_logrank": _row(
            "Stratified log-rank test, χ²", result.stratified_logrank, 2, interval=False
        ),
        "rmst_difference": _row(
            f"Difference in mean survival time to {format_number(result.rmst_tau, 1)} months, months",
            result.rmst_difference,
            1,
        ),
    }
    rows = [tests.pop(result.headline), *tests.values()]
    for ratio in result.hazard_ratios:
        rows += [
            _row(
                f"Hazard ratio, {format_label(ratio.term)} to {format_label(ratio.reference)}",
                ratio.estimate,
                2,
            )
        ]
    if result.continuous:
        rows += [
            _row(f"Hazard ratio per unit of {result.continuous.term}, no cut", result.continuous.estimate, 2)
        ]
    rows += [_row("Test of proportional hazards, χ²", result.proportional_hazards, 2, interval=False)]
    return Table(
        caption="Comparison",
        header=("", "Estimate (95 % CI)", "p"),
        rows=tuple(row for row in rows if row),
        footnotes=("The first line is the headline that the plan decided beforehand.",),
    )


def _row(
    name: str, estimate: Estimate | None, digits: int, *, interval: bool = True
) -> tuple[str, str, str] | None:
    if estimate is None:
        return None
    if estimate.not_estimable and estimate.value is None:
        return (name, f"not estimable: {estimate.not_estimable}", DASH)
    text = format_interval(estimate, digits) if interval else format_number(estimate.value, digits)
    return (name, text, format_p(estimate.p_value))
