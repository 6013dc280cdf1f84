"""`igfstrat evidence`: what was reported about a biomarker, with its sources, and where they disagree.

It shows the registry and judges nothing: no entry here is a recommendation.
"""

from __future__ import annotations

import difflib
import shutil
import textwrap
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Final

import typer

from igfstrat.cli.common import DebugOption, refuse, run, say
from igfstrat.errors import ExitCode, safe_text

if TYPE_CHECKING:
    from igfstrat.evidence import EvidenceEntry, EvidenceGroup

_TABLE_FROM: Final = 120  # columns; a narrower terminal gets one entry below the other
_NARROWEST: Final = 40
_HEADS: Final = ("subgroup", "endpoint", "direction", "estimate", "n", "source", "id")
_SHARES: Final = (22, 16, 13, 20, 6, 0, 7)  # the source takes what is left
# parts of an organ: an entry stands under one name only, and is not found under the other
_PARTS: Final = {"lung": ("nsclc", "sclc")}


@run
def evidence(
    disease: Annotated[str | None, typer.Option("--disease", help="Such as breast, nsclc, prostate.")] = None,
    biomarker: Annotated[
        str | None, typer.Option("--biomarker", help="Such as igf1, igf1r, igfbp3, ganitumab.")
    ] = None,
    endpoint: Annotated[
        str | None, typer.Option("--endpoint", help="Such as dfs, os, incidence, prevalence.")
    ] = None,
    retracted: Annotated[
        bool, typer.Option("--retracted", help="Show entries from retracted sources too, with a warning.")
    ] = False,
    debug: DebugOption = False,
) -> int:
    """Show what was reported, by whom, and where sources disagree.

    Parameters
    ----------
    disease, biomarker, endpoint, retracted, debug : as on the command line
        The help of each option says what it does.

    Returns
    -------
    int
        Exit code: 0, where nothing is known too.
    """
    from igfstrat.evidence import find_evidence

    del debug
    disease, biomarker, endpoint = _known_filters(disease, biomarker, endpoint)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = find_evidence(disease=disease, biomarker=biomarker, endpoint=endpoint, retracted=retracted)
    width = max(shutil.get_terminal_size((100, 24)).columns, _NARROWEST)
    for warning in caught:
        _wrapped(f"Warning: {warning.message}", width, err=True)
    asked = {"disease": disease, "biomarker": biomarker, "endpoint": endpoint}
    given = {name: value for name, value in asked.items() if value is not None}
    if found:
        _show(found, width)
    else:
        what = ", ".join(f"{name} {value}" for name, value in given.items())
        _wrapped(f"No evidence: the registry holds no entry on {what}.", width)
    _show_what_else_there_is(given, width, retracted)
    return ExitCode.OK


def _show_what_else_there_is(given: dict[str, str], width: int, retracted: bool) -> None:
    from igfstrat.evidence import find_evidence, load_evidence

    hidden = [
        entry
        for entry in load_evidence().values()
        if entry.status == "retracted" and all(getattr(entry, k) == v for k, v in given.items())
    ]
    if hidden and not retracted:
        n = _counted(len(hidden), "entry", "entries")
        _wrapped(f"Left out: {n} from retracted sources; --retracted shows them.", width)
    for part in _PARTS.get(given.get("disease", ""), ()):
        more = len(
            find_evidence(disease=part, biomarker=given.get("biomarker"), endpoint=given.get("endpoint"))
        )
        if more:
            _wrapped(f"See also --disease {part}: {_counted(more, 'entry', 'entries')}.", width)


def _known_filters(
    disease: str | None, biomarker: str | None, endpoint: str | None
) -> tuple[str | None, str | None, str | None]:
    from igfstrat.evidence import BIOMARKERS, DISEASES, ENDPOINTS
    from igfstrat.schema import ENDPOINTS as COHORT_ENDPOINTS

    # an endpoint that cohorts have, such as pfi, is a fair question even where nothing is reported
    endpoints = (*ENDPOINTS, *(name for name in COHORT_ENDPOINTS if name not in ENDPOINTS))
    return (
        _known("disease", disease, DISEASES),
        _known("biomarker", biomarker, BIOMARKERS),
        _known("endpoint", endpoint, endpoints),
    )


def _known(name: str, value: str | None, known: Sequence[str]) -> str | None:
    """The registry's word for what was typed: IGF-1R is igf1r."""
    if value is None:
        return None
    plain = {_plain(word): word for word in known}
    word = plain.get(_plain(value))
    if word is None:
        close = difflib.get_close_matches(_plain(value), list(plain), n=1, cutoff=0.6)
        hint = f"did you mean '{plain[close[0]]}'?" if close else f"there are {', '.join(known)}"
        refuse(f"--{name}: the registry has no {name} {safe_text(value)!r}; {hint}")
    return word


def _plain(word: str) -> str:
    return "".join(char for char in word.casefold() if char.isalnum())


def _counted(n: int, one: str, many: str) -> str:
    return f"{n} {one if n == 1 else many}"


def _wrapped(text: str, width: int, *, indent: str = "", err: bool = False) -> None:
    for line in textwrap.wrap(text, width, subsequent_indent=indent, break_on_hyphens=False) or [""]:
        typer.echo(line, err=err)


def _show(found: Sequence[EvidenceEntry], width: int) -> None:
    from igfstrat.evidence import group_evidence

    for group in group_evidence(found, by=("disease", "biomarker", "compartment")):
        _wrapped(" · ".join(group.key), width)
        _show_table(group, width) if width >= _TABLE_FROM else _show_blocks(group, width)
        for topic in group_evidence(group.entries, by=("endpoint",)):
            if topic.disagreement:
                _wrapped(f"! {topic.key[0]}: {topic.disagreement}", width, indent="  ")
        say()
    _wrapped(
        f"{_counted(len(found), 'entry', 'entries')}. Direction is that of the high level, or of giving the drug. "
        "Research use only.",
        width,
    )


def _show_table(group: EvidenceGroup, width: int) -> None:
    rest = width - sum(_SHARES) - 2 * len(_SHARES)
    widths = [share or rest for share in _SHARES]
    rows = [_HEADS, *(_cells(entry) for entry in group.entries)]
    for row in rows:
        wrapped = [
            textwrap.wrap(cell, size, break_on_hyphens=False) for cell, size in zip(row, widths, strict=True)
        ]
        for i in range(max(len(lines) for lines in wrapped)):
            line = "  ".join(
                (lines[i] if i < len(lines) else "").ljust(size)
                for lines, size in zip(wrapped, widths, strict=True)
            )
            say(f"  {line}".rstrip())


def _show_blocks(group: EvidenceGroup, width: int) -> None:
    for entry in group.entries:
        subgroup, endpoint, direction, estimate, n, source, key = _cells(entry)
        _wrapped(f"  {key} · {endpoint} · {direction}", width, indent="    ")
        for text in (subgroup, ", ".join(part for part in (estimate, f"n {n}" if n else "") if part), source):
            if text:
                _wrapped(f"    {text}", width, indent="    ")


def _cells(entry: EvidenceEntry) -> tuple[str, ...]:
    direction = "–" if entry.direction == "not_applicable" else entry.direction
    if entry.status != "reported":
        direction = f"{direction} [{'disputed' if entry.status == 'conflicting' else entry.status}]"
    n = "" if entry.n is None else str(entry.n)
    return entry.subgroup, entry.endpoint, direction, _estimate_text(entry), n, entry.source, entry.id


def _estimate_text(entry: EvidenceEntry) -> str:
    """As reported, with as many decimals as the longest of the three."""
    numbers = [x for x in (entry.estimate, entry.ci_lower, entry.ci_upper) if x is not None]
    if not numbers:
        return ""
    decimals = max(len(f"{x:.6f}".rstrip("0").partition(".")[2]) for x in numbers)
    if entry.measure.startswith(("HR", "OR", "RR")):
        decimals = max(decimals, 2)  # 1.80 is read from a file as 1.8
    shown = "" if entry.estimate is None else f"{entry.estimate:.{decimals}f}"
    if entry.ci_lower is not None and entry.ci_upper is not None:
        interval = f"{entry.ci_lower:.{decimals}f}–{entry.ci_upper:.{decimals}f}"
        shown = f"{shown} ({interval})" if shown else interval
    return f"{entry.measure} {shown}"
