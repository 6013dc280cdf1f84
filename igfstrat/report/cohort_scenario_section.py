"""What a cohort says of the trial: how many of its patients qualify, how many to screen, what power is left, what it can't know."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from igfstrat.errors import safe_text
from igfstrat.report._wording import rule_words, title_words
from igfstrat.report.document import Block, Paragraph, Section
from igfstrat.report.formatting import DASH
from igfstrat.report.study_truths import plain_table
from igfstrat.report.study_wording import assumption_words, value_words
from igfstrat.report.tables import Table
from igfstrat.trials.from_cohort.facts import CohortFacts, CohortPoint, CohortPower, Estimated
from igfstrat.trials.scenario import Scenario
from igfstrat.trials.scenario.from_cohort import FromCohortSettings

_REFERENCES: Final = (
    "Breslow NE. Discussion of: Cox DR, Regression models and life-tables. J R Stat Soc B 1972;34:216-217.",
    "Newton MA, Polson NG, Xu J. Weighted Bayesian bootstrap for scalable posterior distributions. Can J Stat 2021;49:421-437.",
)


def cohort_section(
    facts: CohortFacts, points: Sequence[CohortPoint], *, settings: FromCohortSettings
) -> Section:
    """The part of a study page that is about the cohort behind the scenario.

    Parameters
    ----------
    facts : CohortFacts
        Counts and follow-up.
    points : sequence of CohortPoint
        What it leaves open, at each point of a grid; one without a grid.
    settings : FromCohortSettings
        What was taken, and how.

    Returns
    -------
    Section
        Answers first, then tables, then what can't be known, then how it was done.
    """
    left, scenario = points[0].left, points[0].scenario
    # who qualifies stands in the summary
    lead = [Paragraph(text=text, kind="lead") for text in _power_words(points)]
    follow_up = [Paragraph(text=text) for text in follow_up_words(facts, points[0])]
    powers = _power_table(left, scenario) if len(points) == 1 else _grid_table(points)
    tables: list[Block] = [powers, _estimate_table(facts, left, settings)]
    if facts.mix:
        tables.append(_mix_table(facts))
    unknowns = [Paragraph(text=text, kind="item") for text in facts.unknowns]
    return Section(
        key="cohort",
        title="Your own cohort",
        blocks=(
            *lead, *follow_up, *tables,
            Paragraph(text="What can't be known from this cohort:", kind="caution"), *unknowns,
            Paragraph(text=_methods(facts, left, settings)),
            *(Paragraph(text=text, kind="item") for text in _REFERENCES),
        ),
    )  # fmt: skip


def answers(facts: CohortFacts, points: Sequence[CohortPoint]) -> tuple[str, ...]:
    """How many qualify, how many to screen, what power is left: a sentence each.

    Parameters
    ----------
    facts : CohortFacts
        Counts and follow-up.
    points : sequence of CohortPoint
        What it leaves open, at each point.

    Returns
    -------
    tuple of str
        For the page and the terminal.
    """
    return (*qualify_words(facts, points), *_power_words(points))


def _power_words(points: Sequence[CohortPoint]) -> list[str]:
    return _answers_at(points[0]) if len(points) == 1 else _answers_over(points)


def qualify_words(facts: CohortFacts, points: Sequence[CohortPoint]) -> tuple[str, ...]:
    """How many of the patients qualify.

    Parameters
    ----------
    facts : CohortFacts
        Counts and follow-up.
    points : sequence of CohortPoint
        What it leaves open, at each point.

    Returns
    -------
    tuple of str
        A sentence.
    """
    without = facts.n_patients - facts.n_with_result
    more = f"; {without:,} more have no result" if without else ""
    return (
        f"Of {facts.n_with_result:,} patients of {facts.file} with a result {facts.n_positive:,} qualify as positive by"
        f" {safe_text(facts.marker)} ({_percent(points[0].left.estimates['test_positive'])}){more}.",
    )


def summary_words(facts: CohortFacts, points: Sequence[CohortPoint]) -> tuple[str, ...]:
    """What a summary says of the cohort: who qualifies, what it leaves open, and that it can't tell everything.

    Parameters
    ----------
    facts : CohortFacts
        Counts and follow-up.
    points : sequence of CohortPoint
        What it leaves open, at each point; with a grid no single power is told.

    Returns
    -------
    tuple of str
        Sentences.
    """
    said = list(qualify_words(facts, points))
    if len(points) == 1:
        power = points[0].left.power
        name = max(power, key=lambda d: power[d].value)
        low, high = (f"{100 * limit:.1f}" for limit in (power[name].ci_lower, power[name].ci_upper))
        said.append(
            f"What the cohort leaves open of its share, prognosis and times puts the power of {safe_text(name)} between {low} and"
            f" {high} % (95 % interval)."
        )
    said.append(
        f"The treatment effect is assumed, not found in this cohort; {len(facts.unknowns)} things that the cohort can't tell are"
        " listed under “Your own cohort”."
    )
    return tuple(said)


def _answers_at(point: CohortPoint) -> list[str]:
    left = point.left
    said = [
        f"{safe_text(name)}: about {_count(left.screened[name])} patients are screened for {point.scenario.designs[name].n:,};"
        f" the power is {_percent(left.power[name])}."
        for name in left.power
    ]
    if len(left.best) > 1:
        name = max(left.best, key=lambda d: left.best[d])
        said.append(
            f"{safe_text(name)} has the highest power in {100 * left.best[name]:.0f} % of {left.resamples} resamples of the patients, at the"
            " treatment effect that is assumed."
        )
    return said


def _answers_over(points: Sequence[CohortPoint]) -> list[str]:
    """From the point of the least power to that of the most, of each design."""
    said = []
    for name in points[0].left.power:
        ordered = sorted(points, key=lambda p: p.left.power[name].value)
        ends = [f"{_percent(p.left.power[name])}, at {_where(p)}" for p in (ordered[0], ordered[-1])]
        said.append(f"{safe_text(name)}: the power goes from {ends[0]}; to {ends[1]}.")
    return said


def _where(point: CohortPoint) -> str:
    return ", ".join(f"{assumption_words(path)} {value_words(value)}" for path, value in point.values.items())


def follow_up_words(facts: CohortFacts, point: CohortPoint) -> tuple[str, ...]:
    """Where the cohort's follow-up ends, and what of the trials rests on what comes after it.

    Parameters
    ----------
    facts : CohortFacts
        Counts and follow-up.
    point : CohortPoint
        With the shares of events beyond; the first one of a grid.

    Returns
    -------
    tuple of str
        Two sentences.
    """
    unit, left = point.scenario.time_unit, point.left
    median = "not reached" if math.isnan(facts.follow_up) else f"{facts.follow_up:g} {unit}"
    ends = (
        f"{facts.endpoint}: {facts.n_events:,} events in {facts.n_analysed:,} patients. Median follow-up {median}. After {facts.known_until:g}"
        f" {unit} fewer than ten patients are at risk: from there on, times are extrapolated."
    )
    beyond = {name: share for name, share in left.beyond.items() if share >= 0.005}
    if not beyond:
        return ends, "No design expects more than 0.5 % of its events after that time."
    said = ", ".join(f"{safe_text(name)} {100 * share:.0f} %" for name, share in beyond.items())
    return ends, f"Expected events that rest on extrapolation: {said}."


def _percent(found: Estimated) -> str:
    return (
        f"{100 * found.value:.1f} %, 95 % interval {100 * found.ci_lower:.1f} to {100 * found.ci_upper:.1f}"
    )


def _count(found: Estimated) -> str:
    if not math.isfinite(found.value):
        return "endlessly many"
    spread = (
        f" ({found.ci_lower:,.0f} to {found.ci_upper:,.0f})" if found.ci_upper - found.ci_lower > 0.5 else ""
    )
    return f"{found.value:,.0f}{spread}"


def _power_table(left: CohortPower, scenario: Scenario) -> Table:
    rows = [
        (safe_text(name), f"{scenario.designs[name].n:,}", _count(left.screened[name]), *_row(p, 100, 1),
         DASH if math.isnan(left.beyond[name]) else f"{100 * left.beyond[name]:.1f}")
        for name, p in left.power.items()
    ]  # fmt: skip
    header = ("Design", "Patients", "Screened", "Power, %", "95 % interval", "Events beyond the follow-up, %")
    return plain_table("Power that is left, from this cohort", header, rows, _interval_notes(left))


def _interval_notes(left: CohortPower) -> tuple[str, ...]:
    notes = [
        "Power: the closed form at the cohort's own numbers; the simulated power elsewhere differs by chance.",
        f"Intervals: 95 % over {left.resamples} resamples of the patients. They hold what the cohort leaves open of prevalence, error"
        " of the test, prognosis and times on control; not the treatment effect, which is assumed.",
    ]
    if left.simulated:
        notes.append(
            f"Simulated here too, in each resample, since there is no closed form: {', '.join(map(safe_text, left.simulated))}; chance of"
            " few trials makes these intervals somewhat too wide."
        )
    return tuple(notes)


def _grid_table(points: Sequence[CohortPoint]) -> Table:
    paths, names = list(points[0].values), list(points[0].left.power)
    rows = [
        (
            *(value_words(point.values[path]) for path in paths),
            *(
                f"{value} ({limits})"
                for value, limits in (_row(point.left.power[name], 100, 1) for name in names)
            ),
        )
        for point in points
    ]
    header = (*(title_words(assumption_words(path)) for path in paths), *map(safe_text, names))
    return plain_table(
        "Power that is left at each point, %, with its 95 % interval",
        header,
        rows,
        _interval_notes(points[0].left),
    )


def _estimate_table(facts: CohortFacts, left: CohortPower, settings: FromCohortSettings) -> Table:
    share, ratio = left.estimates["test_positive"], left.estimates["hazard_ratio"]
    rows = [(f"{facts.marker}: positive by the test, %", *_row(share, 100, 1))]
    if "control" in settings.take:
        rows += [
            ("Hazard ratio, positive to negative, as observed (Wald)", *_row(facts.observed_ratio, 1, 2)),
            ("The same, in truth, shrunken toward 1", *_row(ratio, 1, 2)),
        ]
    if facts.n_repeated and "assay" in settings.take:
        rows += [(f"{word.capitalize()} of the test, %", *_row(left.estimates[word], 100, 1)) for word in ("sensitivity", "specificity")]  # fmt: skip
    notes = [f"Rule: {safe_text(rule_words(facts.rule), limit=300)}."]
    if facts.measure:
        title, low, middle, high = facts.measure
        notes.append(f"{title}: median {middle:g}, quartiles {low:g} and {high:g}.")
    notes.append(f"Events: {facts.events[0]} in negative, {facts.events[1]} in positive patients.")
    return plain_table("What was taken from it", ("", "Estimate", "95 % interval"), rows, tuple(notes))


def _row(found: Estimated, scale: float, digits: int) -> tuple[str, str]:
    if not math.isfinite(found.value):
        return DASH, DASH
    low, high = (f"{scale * limit:.{digits}f}" for limit in (found.ci_lower, found.ci_upper))
    return f"{scale * found.value:.{digits}f}", f"{low} to {high}"


def _mix_table(facts: CohortFacts) -> Table:
    rows = tuple(
        (safe_text(name), str(n), str(positive), f"{100 * positive / n:.0f}" if n else DASH)
        for name, n, positive in facts.mix
    )
    return Table(
        caption="Who qualifies, by subgroup",
        header=("Subgroup", "With a result", "Positive", "%"),
        rows=rows,
        footnotes=(
            "In the scenario the mix is the same in positive and negative patients, and the factors on the hazard multiply.",
        ),
        counts=tuple((None, n, positive, None) for _, n, positive in facts.mix),
        adds_up=False,
    )


def _methods(facts: CohortFacts, left: CohortPower, settings: FromCohortSettings) -> str:
    times = (
        "A Weibull hazard was fitted by maximum likelihood given that ratio"
        if settings.hazards == "weibull"
        else "The hazard is constant in pieces between rounded quantiles of the event times: events over time at risk, each patient"
        " weighted by the ratio (Breslow)"
    )
    return (
        "How: the prognostic log hazard ratio b maximises the Cox partial log likelihood minus b² / (2 s²), about the plain estimate"
        f" times s² / (s² + its variance); s is {facts.prior_sd:.2f}, {facts.prior_origin}. {times}. Repeated measures give the error of the"
        " test under normal scores; an observed ratio is taken as diluted by the predictive values, log ratio times (positive +"
        f" negative predictive value - 1). {left.resamples} times the patients were resampled with replacement, shrunken toward a draw"
        " from the prior instead of 1, so that shrinking doesn't narrow the intervals; each resample is a scenario of its own."
    )
