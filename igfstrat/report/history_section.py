"""What a preset of the past rests on, and where its observed numbers lie among simulated ones, as sections of a report."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from igfstrat.errors import safe_text
from igfstrat.evidence import load_evidence
from igfstrat.report._wording import sentence
from igfstrat.report.document import Block, Paragraph, Section
from igfstrat.report.formatting import DASH
from igfstrat.report.study_plans import WHO
from igfstrat.report.study_wording import percent
from igfstrat.report.tables import Table
from igfstrat.trials.scenario.history import StoryKeys
from igfstrat.trials.study.replay import NULL, Replay, ReplayedNumber

_DECIMALS: Final = {"hazard_ratio": 2, "median": 1, "event_free": 3}
_NAMES: Final = {"hazard_ratio": "Hazard ratio", "median": "Median", "event_free": "Free of the event"}


def replay_sections(replays: Sequence[Replay], *, time_unit: str) -> tuple[Section, ...]:
    """What was observed beside what the truths give.

    Parameters
    ----------
    replays : sequence of Replay
        By truth, the null first; empty where nothing was observed.
    time_unit : str
        Of medians.

    Returns
    -------
    tuple of Section
        One, or none without observed numbers.
    """
    if not replays:
        return ()
    tables = tuple(_replay_table(replay, time_unit) for replay in replays)
    return (Section(key="replay", title="What was observed, and what each truth gives", blocks=tables),)


def replay_sentences(replays: Sequence[Replay]) -> tuple[str, ...]:
    """Under which truths the observed numbers lie inside the simulated 95 % ranges.

    Parameters
    ----------
    replays : sequence of Replay
        By truth.

    Returns
    -------
    tuple of str
        A sentence a truth.
    """
    said = []
    for replay in replays:
        outside = [_name(number) for number in replay.numbers if not number.inside]
        truth = _truth_words(replay)
        if not outside:
            said.append(f"Under {truth} every observed number lies inside the simulated 95 % range.")
        else:
            verb = "lies" if len(outside) == 1 else "lie"
            said.append(f"Under {truth} {' and '.join(outside)} {verb} outside the simulated 95 % range.")
    return tuple(said)


def _truth_words(replay: Replay) -> str:
    ratio = replay.hazard_ratio
    if replay.truth == NULL:
        return "the null (the drug does nothing)"
    name = f"the truth “{safe_text(replay.truth.replace('_', ' '))}”"
    if ratio["positive"] == ratio["negative"]:
        return f"{name} (hazard ratio {ratio['positive']:g})"
    return f"{name} (hazard ratio {ratio['positive']:g} in positives, {ratio['negative']:g} in negatives)"


def _name(number: ReplayedNumber) -> str:
    arm = f" on {number.arm}" if number.arm else ""
    return f"the observed {_NAMES[number.quantity].lower()} in {WHO[number.population]}{arm}"


def _replay_table(replay: Replay, time_unit: str) -> Table:
    rows = tuple(
        (
            _NAMES[n.quantity] + (f", {time_unit}" if n.quantity == "median" else ""),
            WHO[n.population],
            n.arm or DASH,
            _figure(n, n.observed),
            f"{_figure(n, n.median)} ({_figure(n, n.lower)} to {_figure(n, n.upper)})",
            "yes" if n.inside else "no",
            percent(n.at_most),
        )
        for n in replay.numbers
    )
    header = (
        "Number",
        "Patients",
        "Arm",
        "Observed",
        "Simulated median (95 % range)",
        "Inside",
        "At most observed, %",
    )
    return Table(
        caption=f"Under {_truth_words(replay)}: {replay.replicates:,} trials of {safe_text(replay.design)}",
        header=header,
        rows=rows,
        footnotes=(
            "Inside: the observed number lies in the simulated range. At most observed: share of the simulated trials with a number"
            " as low or lower; in brackets its Monte-Carlo standard error. Infinite: not reached, or all events in one arm.",
        ),
        counts=tuple(tuple(None for _ in header) for _ in rows),
    )


def _figure(number: ReplayedNumber, value: float) -> str:
    return "infinite" if math.isinf(value) else f"{value:.{_DECIMALS[number.quantity]}f}"


def sources_section(keys: StoryKeys) -> Section:
    """Registry entries behind the numbers, and what is derived, assumed or was not found.

    Parameters
    ----------
    keys : StoryKeys
        Of a preset.

    Returns
    -------
    Section
        Lists; retracted sources as a caution.
    """
    blocks: list[Block] = []
    if keys.retracted:
        text = f"From a retracted source, and not to be used as evidence: {', '.join(keys.retracted)}."
        blocks.append(Paragraph(text=text, kind="caution"))
    for key in keys.evidence:
        entry = load_evidence()[key]
        said = f" {sentence(entry.note)}" if entry.note else ""
        blocks.append(Paragraph(text=f"{key} ({entry.status}): {entry.source}.{said}", kind="item"))
    for word, texts in (("Derived", keys.derived), ("Assumed", keys.assumed), ("Not found", keys.not_found)):
        if texts:
            blocks.append(
                Paragraph(text=f"{word}: {'; '.join(safe_text(t, limit=300) for t in texts)}.", kind="item")
            )
    if keys.note:
        blocks.append(Paragraph(text=f"Note: {safe_text(keys.note, limit=400)}.", kind="item"))
    return Section(key="sources", title="Where the numbers come from", blocks=tuple(blocks))
