"""Sections of a study that look ahead: what designs would conclude under open truths, power surface, frontier, timeline."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Final

from matplotlib.figure import Figure

from igfstrat.errors import safe_text
from igfstrat.report.document import Block, FigureBlock, Paragraph, Section
from igfstrat.report.formatting import DASH
from igfstrat.report.study_outlook_figures import study_frontier_figure, surface_figure, timeline_figure
from igfstrat.report.study_plans import WHO
from igfstrat.report.study_truths import plain_table
from igfstrat.report.study_wording import money, percent
from igfstrat.report.tables import Table
from igfstrat.trials.results.study import DesignResults, StudyPoint
from igfstrat.trials.scenario import Scenario
from igfstrat.trials.study.open_truths import OpenTruth
from igfstrat.trials.study.outlook import StudyOutlook
from igfstrat.trials.study.power_surface import PowerSurface

_TITLES: Final = {
    "none": "No effect at all",
    "positives": "Effect in positives only",
    "all": "The same effect in all",
    "opposite": "The marker points the wrong way",
    "assumed": "As assumed here",
}


def outlook_sections(scenario: Scenario, point: StudyPoint, outlook: StudyOutlook | None) -> list[Section]:
    """What stands beside the operating characteristics of one point.

    Parameters
    ----------
    scenario : Scenario
        As read.
    point : StudyPoint
        The one point of the study.
    outlook : StudyOutlook or None
        Of this point; None gives no sections.

    Returns
    -------
    list of Section
        Open truths, power over effect and prevalence, frontier, timeline.
    """
    if outlook is None:
        return []
    designs = tuple(point.results.designs.values())
    told = (_truth_table(designs, outlook), *_go_tables(outlook))
    sections = [Section(key="open_truths", title="If the truth is another one", blocks=told)]
    if outlook.surface is not None:
        blocks = _surface_blocks(scenario, designs, outlook.surface)
        sections.append(Section(key="surface", title="Power over effect and prevalence", blocks=blocks))
    if len(designs) > 1:
        blocks = _frontier_blocks(scenario, point, outlook)
        sections.append(
            Section(
                key="frontier",
                title="Power, cost and time" if money(scenario, [point]) else "Power, patients and time",
                blocks=blocks,
            )
        )
    blocks = _timeline_blocks(scenario, designs, outlook)
    sections.append(Section(key="timeline", title="Timeline of looks", blocks=blocks))
    return sections


def open_words(outlook: StudyOutlook | None) -> list[str]:
    """What the designs would conclude, were the truth another one, in one sentence.

    Parameters
    ----------
    outlook : StudyOutlook or None
        Of the one point of a study.

    Returns
    -------
    list of str
        Empty without one.
    """
    truths = {truth.key: truth for truth in outlook.truths} if outlook else {}
    if not {"all", "opposite"} <= set(truths):
        return []
    worst, wrong = _most(truths["opposite"], ("positive", "both"))
    found = _same_words(truths["all"])
    harm = "Did the marker point the wrong way, so that positives are harmed, "
    if float(wrong) < 1:
        who = "each design" if len(truths["all"].claims) > 1 else worst
        harm += f"{who} would claim an effect for them in fewer than 1 % of its trials."
    elif len(truths["all"].claims) > 1:
        harm += f"{worst} would most often claim an effect for them: {wrong} %."
    else:
        harm += f"{worst} would claim an effect for them in {wrong} % of its trials."
    return [f"{found} {harm}"]


def _same_words(truth: OpenTruth) -> str:
    """Who claims an effect that is the same in all; for positives only, where no design claims it for all."""
    best, share = _most(truth, ("both",))
    said, whom = f"Were the effect the same in all ({truth.effect.removesuffix(' in all')}), ", "for all"
    if float(share) == 0:
        best, share = _most(truth, ("positive",))
        whom = "for positives, and none could claim it for all" if len(truth.claims) > 1 else "for positives"
    if len(truth.claims) == 1:
        return f"{said}{best} would claim it {whom} in {share} % of its trials."
    return f"{said}{best} would most often claim it {whom}: {share} % of its trials."


def _most(truth: OpenTruth, claims: Sequence[str]) -> tuple[str, str]:
    shares = {name: sum(found[c]["value"] for c in claims) for name, found in truth.claims.items()}
    name = max(shares, key=lambda n: shares[n])
    return safe_text(name), f"{100 * shares[name]:.1f}"


def _possible(hypotheses: Iterable[str]) -> set[str]:
    """Claims with which a design of these hypotheses can end."""
    named = set(hypotheses)
    found = {"none"} | ({"positive", "negative"} & named)
    return found | ({"both"} if "overall" in named or {"positive", "negative"} <= named else set())


def _go_tables(outlook: StudyOutlook) -> list[Table]:
    """With which hypotheses adaptive designs go on under each truth; empty without such a design."""
    found = [
        ((_truth_title(truth), safe_text(name), str(k)), interim)
        for truth in outlook.truths
        for name, interims in truth.goes_on.items()
        for k, interim in enumerate(interims, start=1)
    ]
    tested = [h for h in WHO if any(h in interim for _, interim in found)]
    rows = [
        (*head, *(percent(interim[h]) if h in interim else DASH for h in tested)) for head, interim in found
    ]
    header = ("Truth", "Design", "Interim", *(f"Test in {WHO[h]} goes on, %" for h in tested))
    few = min(truth.replicates for truth in outlook.truths)
    note = (
        "Share of the trials in which a hypothesis is kept after the interim; both may be. A trial that ends there keeps none;"
        " where patients count for the stage in which they were recruited, the first stage is judged only later."
        f" In brackets: Monte-Carlo standard error; {few:,} trials under every other truth."
    )
    return [plain_table("How often an interim goes on", header, rows, (note,))] if rows else []


def _truth_title(truth: OpenTruth) -> str:
    own = " (as assumed here)" if truth.is_assumed and truth.key != "assumed" else ""
    return f"{_TITLES[truth.key]}{own}"


def _truth_table(designs: Sequence[DesignResults], outlook: StudyOutlook) -> Table:
    hypotheses = {design.name: design.hypotheses for design in designs}
    rows = []
    for truth in outlook.truths:
        for name, claims in truth.claims.items():
            rows.append((
                _truth_title(truth), safe_text(name),
                *(percent(claims[c]) if c in _possible(hypotheses[name]) else DASH for c in ("none", "positive", "both", "negative")),
            ))  # fmt: skip
    if all(cells[-1] == DASH for cells in rows):
        rows = [cells[:-1] for cells in rows]
    header = (
        "Truth",
        "Design",
        "No claim, %",
        "For positives only, %",
        "For all, %",
        "For negatives only, %",
    )
    effects = "; ".join(f"{_TITLES[t.key].lower()}: {t.effect}" for t in outlook.truths)
    few = min(truth.replicates for truth in outlook.truths)
    notes = (
        f"Effects by true marker status. {effects[0].upper()}{effects[1:]}.",
        "In brackets: Monte-Carlo standard error. The designs keep the rules planned for the assumed truth;"
        f" {few:,} trials of each under every other truth, on the same patients. {DASH}: a claim that the design doesn't test.",
    )
    return plain_table("What each design would conclude", header[: len(rows[0])], rows, notes)


def _surface_blocks(
    scenario: Scenario, designs: Sequence[DesignResults], surface: PowerSurface
) -> tuple[Block, ...]:
    rows = tuple(
        (name, surface.method[name].replace("_", " "), prevalence, ratio, power)
        for name, found in surface.power.items()
        for prevalence, line in zip(surface.prevalences, found, strict=True)
        for ratio, power in zip(surface.hazard_ratios, line, strict=True)
        if math.isfinite(power)
    )
    of = "by the test" if surface.prevalence_of == "test_positive" else "in truth"
    last = " (of its last piece)" if len(scenario.treatment.hazard_ratio.positive) > 1 else ""
    points = [safe_text(name) for name, method in surface.method.items() if method == "simulated"]
    how = "Lines without marks: closed form."
    if points:
        how += f" With marks: simulated, {surface.replicates:,} trials a point ({', '.join(points)}), standard error up to {50 / surface.replicates**0.5:.1f} points."
    figure = FigureBlock(
        name="power_surface",
        caption=f"Power of each design over the hazard ratio in true positives{last}, by the share positive {of}. Sizes and"
        f" boundaries stay as planned, the effect in negatives as assumed. {how}",
        alternative="; ".join(f"{d.name} {100 * d.power['value']:.1f} % as assumed" for d in designs),
        draw=lambda narrow: surface_figure(surface, narrow=narrow),
        data_header=("Design", "Method", "Share positive", "Hazard ratio", "Power"),
        data=rows,
    )
    return (figure,)


def _frontier_blocks(scenario: Scenario, point: StudyPoint, outlook: StudyOutlook) -> tuple[Block, ...]:
    designs, unit = tuple(point.results.designs.values()), money(scenario, [point])
    names = ", ".join(map(safe_text, outlook.frontier))
    beaten = [safe_text(d.name) for d in designs if d.name not in outlook.frontier]
    what = "cost" if unit else "number of patients"
    text = f"On the frontier: {names}."
    if beaten:
        verb = "is" if len(beaten) == 1 else "are each"
        text += f" {', '.join(beaten)} {verb} matched or beaten by another in power, mean {what} and mean duration together."
    price = unit[1] if unit else "patients"
    key, scale = ("cost", unit[0]) if unit else ("n_randomized", 1.0)
    figure = FigureBlock(
        name="study_frontier",
        caption=f"Power against what the designs take. Filled: no other design is as good in power, {what} and time together.",
        alternative=text,
        draw=partial(_draw_frontier, designs, outlook.frontier, scenario.time_unit, unit),
        data_header=("Design", "Power", f"Mean {'cost' if unit else 'patients'}, {price}", f"Mean duration, {scenario.time_unit}", "On frontier"),
        data=tuple(
            (d.name, d.power["value"], getattr(d, key)["mean"] / scale, d.duration["mean"], int(d.name in outlook.frontier))
            for d in designs
        ),
    )  # fmt: skip
    return (Paragraph(text=text), figure)


def _draw_frontier(
    designs: Sequence[DesignResults],
    frontier: Sequence[str],
    unit: str,
    price: tuple[float, str] | None,
    narrow: bool,
) -> Figure:
    return study_frontier_figure(designs, frontier, unit=unit, money=price, narrow=narrow)


def _timeline_blocks(
    scenario: Scenario, designs: Sequence[DesignResults], outlook: StudyOutlook
) -> tuple[Block, ...]:
    table = looks_table(scenario, designs, outlook)
    if not outlook.timelines:
        return (table,)
    figure = FigureBlock(
        name="timeline",
        caption="Expected accrual and looks of each design, if it isn't stopped before; below each look the share of the"
        " simulated trials that end there.",
        alternative="; ".join(f"{row[0]} look {row[1]} at {row[3]}" for row in table.rows),
        draw=lambda narrow: timeline_figure(
            outlook.timelines, designs, unit=scenario.time_unit, narrow=narrow
        ),
        data_header=("Design", "Look", "Expected time", "Trials that end there", "End of accrual"),
        data=tuple(
            (d.name, k, _known(time), d.stopped_at[k - 1]["ends"]["value"], _known(found.accrual_end))
            for d in designs
            if (found := outlook.timelines.get(d.name))
            for k, time in enumerate(found.looks[: len(d.stopped_at)], start=1)
        ),
    )
    return (figure, table)


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None


def looks_table(scenario: Scenario, designs: Sequence[DesignResults], outlook: StudyOutlook) -> Table:
    """Each look with its plan, its expected time, and how many trials end there.

    Parameters
    ----------
    scenario : Scenario
        As read.
    designs : sequence of DesignResults
        In their order.
    outlook : StudyOutlook
        With their timelines.

    Returns
    -------
    Table
        A row a look.
    """
    rows = []
    for design in designs:
        found = outlook.timelines.get(design.name)
        expected = found.looks if found else ()
        events = found.events if found else ()
        for k in range(len(design.stopped_at)):
            rows.append((
                safe_text(design.name), str(k + 1), f"{events[k]:,}" if k < len(events) else DASH,
                _time(expected[k] if k < len(expected) else math.nan), *_ending(design, k),
                _time(found.accrual_end if found else math.nan),
            ))  # fmt: skip
    unit = scenario.time_unit
    header = ("Design", "Look", "Events", f"Expected at, {unit}", "Trials that end there, %", "End there for futility, %", f"Accrual ends, {unit}")  # fmt: skip
    notes = (
        "Expected at: calendar time since the first screening at which the events are expected, if nothing stops the trial or"
        " changes whom it enrols; the last look also ends an accrual that isn't done by then. In brackets: Monte-Carlo standard"
        " error.",
    )
    return plain_table("Looks", header, rows, notes)


def _ending(design: DesignResults, look: int) -> tuple[str, str]:
    """How many trials end at a look, and for futility there; nothing where it is the only one or has no such bound."""
    found = design.stopped_at[look]
    futile = percent(found["futility"]) if found["futility"]["value"] > 0 else DASH
    return (percent(found["ends"]) if len(design.stopped_at) > 1 else "100", futile)


def _time(value: float) -> str:
    return f"{value:,.1f}" if math.isfinite(value) else DASH
