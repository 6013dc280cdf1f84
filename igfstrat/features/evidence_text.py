"""A stratum's evidence in one line, short enough for a cell of a spreadsheet.

It says the direction of the high level in words, and never that of a low one, which nobody reported. Where the line
would be too long it says less of each source, and last gives the verdicts alone; `StratumEvidence.records` holds all.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final

from igfstrat.evidence import EvidenceEntry
from igfstrat.features.status import HIGH
from igfstrat.features.stratum_evidence import (
    NO_EVIDENCE,
    EndpointVerdict,
    Marker,
    MarkerEvidence,
    StratumEvidence,
)

LIMIT: Final = 499  # characters; a spreadsheet cell holds far more, but nobody reads it there

_NAMES: Final = {
    "igf1": "IGF-1", "igf2": "IGF-2", "free_igf1": "free IGF-1", "vegfc": "VEGF-C", "igf1r": "IGF-1R", "igf2r": "IGF-2R",
    "irs1": "IRS-1", "irs2": "IRS-2", "insr_a": "IR-A", "igf1_ca_repeat": "IGF1 CA repeat",
    **{f"igfbp{i}": f"IGFBP{i}" for i in range(1, 7)},
}  # fmt: skip
_IN: Final = {"serum": "serum {}", "tumour_protein": "{} protein", "tumour_mrna": "{} mRNA", "tumour_phospho": "phospho-{}"}  # fmt: skip
Tell = Callable[[EvidenceEntry], str]
_ORDER: Final = ("favourable", "adverse", "null", "conflicting")
_SOURCE: Final = 40  # characters of a source
_YEAR: Final = r"(?:19|20)\d\d"


def short_source(source: str) -> str:
    """The name by which a source is known: first author or trial, and year.

    Parameters
    ----------
    source : str
        As the registry has it.

    Returns
    -------
    str
        At most 40 characters.

    Examples
    --------
    >>> short_source("Duggan 2013, Int J Cancer 132:1191, PMC3764990")
    'Duggan 2013'
    >>> short_source("N9831, Clin Cancer Res 2017;23:4203, PMID 28533226")
    'N9831 2017'
    """
    author = re.search(rf"^(?:[^,(]+, )?([^\W\d_][\w'’ -]* {_YEAR})(?=,|$| \()", source)
    if author and len(author[1]) <= _SOURCE:
        return author[1]
    first, *rest = (piece.split(";")[0].strip() for piece in re.split(r", |[()]", source))
    if len(first) <= _SOURCE:
        year = re.search(_YEAR, source.split("(")[0])  # what stands in brackets is the review that reports it
        return f"{first} {year[0]}" if year and year[0] not in first else first
    # a title without its authors: the journal and year, a number, or what else follows it is shorter
    dated = [piece for piece in rest if re.search(rf"\b{_YEAR}\b", piece)]
    numbered = [piece for piece in rest if piece.startswith(("PMID", "PMC"))]
    short = [piece for piece in (*dated, *numbered, *rest) if 0 < len(piece) <= _SOURCE]
    return short[0] if short else f"{first[: _SOURCE - 1]}…"


def evidence_text(found: StratumEvidence, *, limit: int = LIMIT) -> str:
    """What is reported on a stratum, in one line.

    Parameters
    ----------
    found : StratumEvidence
        From `expected_direction`.
    limit : int
        Largest number of characters.

    Returns
    -------
    str
        Verdict by endpoint with ids and sources, one part for each marker, joined by `` | ``.

    Examples
    --------
    >>> from igfstrat.features.stratum_evidence import expected_direction
    >>> squamous = {"histology_class": "squamous", "igf1r_status": "low"}
    >>> print(evidence_text(expected_direction(squamous, disease="nsclc", endpoints=["pfs"])))
    IGF-1R protein, low; high IGF-1R protein: favourable for PFS (E-b-12a Park 2015 [squamous, resected])
    """
    if not found.markers:
        return "no IGF marker in this stratum"
    if found.disease is None:
        return "no disease stated, so no evidence was looked up"
    text = ""
    for tell in (_with_subgroup, _with_source, _with_id):
        for most in (9, 2, 1):
            text = _line(found, tell, most)
            if len(text) <= limit:
                return text
    text = _line(found, _with_id, 0)
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def _with_subgroup(entry: EvidenceEntry) -> str:
    about = "" if entry.subgroup == "all" else f" [{entry.subgroup}]"
    return f"{_with_source(entry)}{about}"


def _with_source(entry: EvidenceEntry) -> str:
    return f"{entry.id} {short_source(entry.source)}"


def _with_id(entry: EvidenceEntry) -> str:
    return entry.id


def _line(found: StratumEvidence, tell: Tell, most: int) -> str:
    names = {marker.feature for marker in found.markers}
    is_all = set(found.where) == names  # the stratum has no other conditions
    return " | ".join(_marker_text(marker, tell, most, is_all) for marker in found.markers)


def _marker_text(marker: MarkerEvidence, tell: Tell, most: int, is_all: bool) -> str:
    title = _title(marker.marker)
    lead = f"{title}, {' or '.join(marker.words)}"
    if marker.words != (marker.marker.level,):
        level = marker.marker.level
        lead += f"; {level} {title}" if level == HIGH else f"; {level}"
    told = [v for v in marker.verdicts if v.verdict != NO_EVIDENCE]
    told.sort(key=lambda verdict: verdict.basis != "subgroup")  # first what is about patients such as these
    return f"{lead}: " + (
        "; ".join(_verdict_text(v, tell, most, is_all) for v in told) or _nothing(marker, most)
    )


def _nothing(marker: MarkerEvidence, most: int) -> str:
    told, others = [f"{NO_EVIDENCE} on outcome"], [e.id for v in marker.verdicts for e in v.beside]
    if most:
        told += [f"on other patients, or only some of these: {_some(others)}"] if others else []
        told += [f"preclinical: {_some(marker.preclinical)}"] if marker.preclinical else []
    return "; ".join(told)


def _some(ids: Sequence[str], most: int = 3) -> str:
    return ", ".join(ids[:most]) + (f" +{len(ids) - most}" if len(ids) > most else "")


def _title(marker: Marker) -> str:
    name = _NAMES.get(marker.biomarker, marker.biomarker)
    return _IN.get(marker.compartment, "{}").format(name)


def _verdict_text(verdict: EndpointVerdict, tell: Tell, most: int, is_all: bool) -> str:
    question = "outcome unspecified" if verdict.endpoint == "outcome" else verdict.endpoint
    whom = "" if verdict.basis == "subgroup" or is_all else "all patients"
    if not most:
        return f"{verdict.verdict} for {question}{f' ({whom})' * bool(whom)}"
    parts = "; ".join(_parts(verdict, tell, most))
    return f"{verdict.verdict} for {question} ({whom}{': ' * bool(whom)}{parts})"


def _parts(verdict: EndpointVerdict, tell: Tell, most: int) -> list[str]:
    sides = [(side, [e for e in verdict.entries if e.direction == side]) for side in _ORDER]
    present = [(side, entries) for side, entries in sides if entries]
    is_conflict = verdict.verdict == "conflicting"
    parts = [f"{side} " * is_conflict + _listed(entries, tell, most) for side, entries in present]
    if verdict.disputed_by:
        parts.append(f"disputed by {_some(verdict.disputed_by)}")
    elif is_conflict and len(present) == 1 and present[0][0] != "conflicting":
        parts.append("disputed")
    return parts + [f"all patients: {verdict.overall}"] * (verdict.overall not in {"", verdict.verdict})


def _listed(entries: Sequence[EvidenceEntry], tell: Tell, most: int) -> str:
    more = f" +{len(entries) - most}" if len(entries) > most else ""
    return ", ".join(tell(entry) for entry in entries[:most]) + more
