"""A search of designs as a document: the cheapest design in plain words, the frontier, and what could upset the choice."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import numpy as np

from igfstrat.errors import safe_text
from igfstrat.report._wording import title_words
from igfstrat.report.document import Block, Document, FigureBlock, Paragraph, Section
from igfstrat.report.formatting import DASH
from igfstrat.report.search_figures import (
    frontier_figure,
    range_words,
    shown_candidates,
    swing_figure,
)
from igfstrat.report.search_words import choices_section, left_out_words, limit_words
from igfstrat.report.study_provenance import provenance_section
from igfstrat.report.study_wording import assumption_words, with_error
from igfstrat.report.tables import Table
from igfstrat.trials.search.cheapest import SearchResults
from igfstrat.trials.search.sensitivity import PrevalenceValue, Swing

_MOST_ROWS: Final = 40
_NEXT: Final = (
    "Next: write this design with its sizes and choices into a scenario; “igfstrat simulate” shows its errors, its looks and what"
    " it would conclude under other truths."
)
_LIMITS: Final = (
    "The truth is assumed: the search finds the cheapest design for it, not whether it holds.",
    "Only the designs and choices that the scenario names were compared.",
    "Candidates that were left out by closed forms are clearly worse in expected cost and time alone; a reason that isn't"
    " counted here (a regulator, a partner, a sample) may still speak for them: “prune: false” under “search” simulates all.",
    "Monte-Carlo standard errors are the error of the simulation alone.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """What the objective is divided by, and its words."""

    scale: float
    name: str

    @property
    def words(self) -> str:
        """With the unit in brackets, as on an axis."""
        noun, _, sign = self.name.partition(", ")
        return f"{noun} ({sign})" if sign else noun


def objective_unit(results: SearchResults) -> Unit:
    """Millions or thousands of the currency, or patients.

    Parameters
    ----------
    results : SearchResults
        Of a search.

    Returns
    -------
    Unit
        By the largest simulated value.
    """
    if results.objective != "cost":
        return Unit(scale=1.0, name="patients randomized")
    values = results.simulated["cost"]
    most = float(np.nanmax(values)) if np.isfinite(values).any() else 1.0
    scale, sign = next(((s, t) for s, t in ((1e6, "M "), (1e3, "k ")) if most >= s), (1.0, ""))
    return Unit(scale=scale, name=f"cost, {sign}{safe_text(results.scenario.costs.currency)}")


def search_document(
    results: SearchResults,
    swings: Sequence[Swing],
    value: PrevalenceValue | None,
    *,
    source: str,
    versions: Mapping[str, str],
    first: Sequence[Section] = (),
    lead: Sequence[str] = (),
) -> Document:
    """A search as a document.

    Parameters
    ----------
    results : SearchResults
        Of `search_designs`.
    swings : sequence of Swing
        Of `swing_designs`.
    value : PrevalenceValue or None
        Of `value_of_prevalence`.
    source : str
        Name of the scenario's file; empty where there is none.
    versions : mapping of str to str
        igfstrat, Python and libraries.
    first : sequence of Section
        What stands right after the summary, such as the cohort behind the scenario.
    lead : sequence of str
        Sentences that begin the summary.

    Returns
    -------
    Document
        Ready for any format.
    """
    sections = [
        Section(
            key="summary",
            title="Summary",
            blocks=(*(Paragraph(text=text, kind="lead") for text in lead), *_summary(results)),
        ),
        *first,
        Section(key="finalists", title="The cheapest designs", blocks=_finalists(results)),
        Section(key="frontier", title="Cost, power and time", blocks=_frontier(results)),
        *([_swing_section(results, swings)] if swings else []),
        _prevalence_section(results, value),
        choices_section(results),
        Section(key="methods", title="Methods", blocks=(Paragraph(text=_methods(results, versions)),)),
        Section(
            key="limitations",
            title="Limitations",
            blocks=tuple(Paragraph(text=text, kind="item") for text in _LIMITS),
        ),
        provenance_section(results.scenario, source=source, made=_made(results), versions=versions),
    ]
    lines = (
        *([source] if source else []),
        f"{len(results.space):,} candidates · {results.replicates:,} trials of each that was simulated,"
        f" {results.final_replicates:,} of each finalist · seed {results.seed}",
    )
    return Document(
        title=f"Design search: {safe_text(results.scenario.name, limit=200)}",
        subtitle=lines,
        sections=tuple(sections),
        footer="every number at full precision is in results.json · research use only",
    )


def _made(results: SearchResults) -> dict[str, object]:
    return {
        "Power asked for": f"{100 * results.power:g} %",
        "Candidates": len(results.space),
        "Trials of each simulated candidate": results.replicates,
        "Trials of each finalist": results.final_replicates,
        "Seed": results.seed,
    }


def summary_words(results: SearchResults) -> list[str]:
    """What the search found, in plain words.

    Parameters
    ----------
    results : SearchResults
        Of a search.

    Returns
    -------
    list of str
        A sentence each.
    """
    counted = ", ".join(f"{number:,} {words}" for words, number in results.counts.items())
    asked = f"{100 * results.power:g} %"
    if results.best is None:
        return [
            f"No candidate has a power of {asked} within the limits.",
            f"Of {len(results.space):,} candidates: {counted}.",
        ]
    unit, found, i = objective_unit(results), results.simulated, results.best
    worth = found[results.objective][i] / unit.scale
    sentence = (
        f"Least expected {unit.name.split(',')[0]} for a power of {asked}: {results.space.candidate(i).label}, with"
        f" {results.closed['n'][i]:,.0f} patients and {results.closed['last_events'][i]:,.0f} events at its last look."
    )
    below = f", within two standard errors of {asked}" if found["power"][i] < results.power else ""
    course = (
        f"Its power is {100 * found['power'][i]:.1f} % (Monte-Carlo standard error {100 * found['power_se'][i]:.1f}{below}); it is expected to screen"
        f" {found['screened'][i]:,.0f} patients, to randomize {found['randomized'][i]:,.0f}, to last"
        f" {found['duration'][i]:,.1f} {results.scenario.time_unit}"
        + (f" and to cost {worth:,.1f} {unit.name.split(', ')[1]}." if results.objective == "cost" else ".")
    )
    return [sentence, course, f"Of {len(results.space):,} candidates: {counted}."]


def _summary(results: SearchResults) -> list[Block]:
    first, *more = summary_words(results)
    blocks: list[Block] = [Paragraph(text=first, kind="lead"), *(Paragraph(text=text) for text in more)]
    blocks += [Paragraph(text=text) for text in (left_out_words(results), limit_words(results)) if text]
    if results.objective != "cost":
        text = "The scenario has no costs: the fewest patients decide. Give `costs` to compare money."
        blocks.append(Paragraph(text=text, kind="caution"))
    close = _close(results)
    if close:
        blocks.append(Paragraph(text=close))
    if results.best is not None:
        blocks.append(Paragraph(text=_NEXT))
    return blocks


def _close(results: SearchResults) -> str:
    """Finalists that can't be told from the best."""
    if len(results.finalists) < 2:
        return ""
    best, second = results.finalists[:2]
    worth, error = results.simulated[results.objective], results.simulated[f"{results.objective}_se"]
    gap = float(worth[second] - worth[best])
    if gap > 3 * math.hypot(error[best], error[second]):
        return ""
    label = safe_text(results.space.candidate(second).label, limit=200)
    return f"So many trials can't tell it from the next: {label}."


def _finalists(results: SearchResults) -> tuple[Block, ...]:
    if not results.finalists:
        return (Paragraph(text="None: raise the limits, the sizes or the effect."),)
    return (
        _table(
            results,
            results.finalists,
            "Cheapest designs",
            f"Their power is {100 * results.power:g} % or, within two standard errors, may be.",
        ),
    )


def _frontier(results: SearchResults) -> tuple[Block, ...]:
    found = np.flatnonzero(results.frontier)
    if not len(found):
        return (Paragraph(text="Nothing was simulated within the limits."),)
    order = found[np.argsort(results.simulated[results.objective][found], kind="stable")]
    table = _table(
        results,
        order[:_MOST_ROWS].tolist(),
        "Frontier",
        "No other candidate is as good in power, cost and time together.",
    )
    unit, shown = objective_unit(results), shown_candidates(results)
    data = tuple(
        (
            results.space.candidate(i).label,
            float(results.simulated[results.objective][i]),
            float(results.simulated["duration"][i]),
            float(results.simulated["power"][i]),
            int(results.frontier[i]),
        )
        for i in shown
    )
    figure = FigureBlock(
        name="frontier",
        caption=f"Expected time against expected {unit.words} of the candidates for a power of {100 * results.power:g} %."
        " Power isn't drawn: a dearer and slower candidate is on the frontier where its simulated power is higher, if only by"
        " chance.",
        alternative=f"{len(shown)} candidates; {int(results.frontier[shown].sum())} of them are on the frontier.",
        draw=lambda narrow: frontier_figure(results, scale=unit.scale, unit=unit.words, narrow=narrow),
        data_header=("candidate", results.objective, "duration", "power", "on_frontier"),
        data=data,
    )
    return (figure, table)


def _table(results: SearchResults, indices: Sequence[int], caption: str, what: str) -> Table:
    unit, found = objective_unit(results), results.simulated
    money = (f"Cost, {unit.name.split(', ')[1]}",) if results.objective == "cost" else ()
    header = ("Design", "Power, %", "Patients planned", "Events", "Randomized", "Screened",
              results.scenario.time_unit.capitalize(), *money)  # fmt: skip
    rows = []
    for i in indices:
        cells = [
            safe_text(results.space.candidate(i).label, limit=200),
            with_error(100 * found["power"][i], 100 * found["power_se"][i]),
            f"{results.closed['n'][i]:,.0f}",
            f"{results.closed['last_events'][i]:,.0f}",
            f"{found['randomized'][i]:,.0f}",
            f"{found['screened'][i]:,.0f}",
            f"{found['duration'][i]:,.1f}",
        ]
        if money:
            cells.append(
                with_error(found["cost"][i] / unit.scale, found["cost_se"][i] / unit.scale, digits=2)
            )
        rows.append(tuple(cells))
    note = f"{what} In brackets: Monte-Carlo standard error. Planned: at the last look; randomized, screened, time and cost are means."
    return Table(caption=caption, header=header, rows=tuple(rows), footnotes=(note,))


def _swing_section(results: SearchResults, swings: Sequence[Swing]) -> Section:
    rows = tuple(
        (
            title_words(assumption_words(swing.path)),
            range_words(swing),
            *(_ends(swing, key, 100 if key == "power" else 1) for key in ("power", "duration")),
        )
        for swing in swings
    )
    table = Table(
        caption="If an assumption is wrong",
        header=("Assumption", "Range", "Power, %", f"Time, {results.scenario.time_unit}"),
        rows=rows,
        footnotes=(
            "The chosen design with its sizes kept, at the low and the high end of the range of one assumption.",
        ),
    )
    data = tuple((s.path, str(s.low), str(s.high), *s.power) for s in swings)
    figure = FigureBlock(
        name="sensitivity",
        caption="Power of the chosen design at both ends of each range; the widest swing first.",
        alternative=f"{len(swings)} assumptions; the widest swing is that of the {assumption_words(swings[0].path)}.",
        draw=partial(_draw_swings, swings, results.power),
        data_header=("assumption", "low", "high", "power_low", "power_high"),
        data=data,
    )
    return Section(key="sensitivity", title="If an assumption is wrong", blocks=(figure, table))


def _draw_swings(swings: Sequence[Swing], power: float, narrow: bool) -> Any:
    return swing_figure(swings, power=power, narrow=narrow)


def _ends(swing: Swing, key: str, scale: float) -> str:
    low, high = (scale * v for v in getattr(swing, key))
    words = [f"{v:,.1f}" if math.isfinite(v) else DASH for v in (low, high)]
    return f"{words[0]} to {words[1]}"


def _prevalence_section(results: SearchResults, value: PrevalenceValue | None) -> Section:
    if value is None:
        text = (
            "The prevalence is taken as known. Give marker.prevalence as {mean, sd} to see what it would be worth to measure"
            " it before the design is chosen."
        )
        return Section(key="prevalence", title="Knowing the prevalence first", blocks=(Paragraph(text=text),))
    unit = objective_unit(results)
    noun, _, currency = unit.name.partition(", ")
    sign = f" {currency}" if currency else ""
    saved, spent = value.value / unit.scale, value.committed_cost / unit.scale
    over = f"from {100 * value.prevalence[0]:.0f} to {100 * value.prevalence[-1]:.0f} %"
    title = "Knowing the prevalence first"
    if set(value.best_at) == {value.committed}:
        text = (
            f"Over its prior, {over}, the cheapest choice is the same: {value.committed} (expected {noun} {spent:,.2f}{sign})."
            " Knowing the prevalence before choosing would save nothing."
        )
        return Section(key="prevalence", title=title, blocks=(Paragraph(text=text),))
    text = (
        f"Over its prior, {over}, the cheapest single choice"
        f" is {value.committed} (expected {noun} {spent:,.2f}{sign}). Who knew the prevalence before choosing would save"
        f" {saved:,.2f}{sign} on average ({100 * value.value / value.committed_cost:.1f} %): no study of the prevalence is worth more."
    )
    rows = tuple(
        (f"{100 * p:.1f} %", safe_text(label, limit=200))
        for p, label in zip(value.prevalence, value.best_at, strict=True)
    )
    table = Table(caption="Cheapest by prevalence", header=("Prevalence", "Design"), rows=rows)
    blocks = (Paragraph(text=text), table)
    return Section(key="prevalence", title=title, blocks=blocks)


def _methods(results: SearchResults, versions: Mapping[str, str]) -> str:
    made = "Made with " + ", ".join(f"{name} {version}" for name, version in versions.items()) + "."
    return (
        "Every candidate is sized by the integrated log-rank drift at its own accrual and censoring to the least number of"
        " events that has the power, its looks and patients in the proportions written; where there is no such integral, by"
        " simulation. Of two candidates of the same power the one that is worse by more than 3 % in expected"
        f" {results.objective} and in expected time is left out by closed form. The others are simulated on common random"
        f" numbers, the cheapest that have the power within two standard errors ({len(results.finalists)}) once more and longer."
        f" {made}"
    )
