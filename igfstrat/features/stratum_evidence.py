"""What is reported about the outcome of a stratum: the direction of its IGF markers, looked up, with sources.

The direction is always that of the high level, of carrying the genotype named, and is never turned round for a low
stratum. It is looked up by disease, biomarker, compartment, subgroup and endpoint; entries about patients whom the
stratum excludes are left out, entries about only some of its patients are shown and have no vote, and so have
unverified ones. Retracted ones are never met. Risk of getting the disease is no outcome. It recommends nothing.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from igfstrat.errors import EvidenceError
from igfstrat.evidence import COMPARTMENTS, VOICES, EvidenceEntry, find_evidence, load_evidence
from igfstrat.features.status import HIGH
from igfstrat.features.subgroups import Facts, Where, facts_of, relation_of
from igfstrat.features.tumour import TUMOUR_SPECS, tumour_biomarker

NO_EVIDENCE: Final = "no evidence"

# endpoints about the same question, of the registry and of cohorts
OUTCOMES: Final[dict[str, tuple[str, ...]]] = {
    "DFS": ("dfs", "rfs", "efs", "dfi", "recurrence", "5-year dfs", "10-year dfs", "5-year distant dfs",
            "10-year distant metastasis"),
    "PFS": ("pfs", "pfi", "ttp", "progression"),
    "OS": ("os", "5-year os", "all-cause mortality", "death"),
    "DSS": ("dss",),
    "outcome": ("outcome",),  # where the source says no more
    "response": ("response", "orr", "pcr"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Marker:
    """What a feature is in the registry.

    Parameters
    ----------
    biomarker, compartment : str
        Words of the registry.
    level : str
        What a direction is the direction of: ``high``, or the genotype that the sources contrast with the others.
    """

    biomarker: str
    compartment: str
    level: str = HIGH


_SERUM: Final = ("igf1", "igf2", "free_igf1", "vegfc", *(f"igfbp{i}" for i in range(1, 7)))
MARKERS: Final[dict[str, Marker]] = {
    **{f"{name}_status": Marker(name, "serum") for name in _SERUM},
    "igf1r_status": Marker("igf1r", "tumour_protein"),
    "igf1r_phospho_status": Marker("igf1r", "tumour_phospho"),
    "igf1r_mrna_status": Marker("igf1r", "tumour_mrna"),
    **{name: Marker(*place) for name in TUMOUR_SPECS if (place := tumour_biomarker(name))},
    # S1-24 and S1-12; S1-65; S1-25, whose allele the source doesn't name
    "igf1_ca_repeat": Marker("igf1_ca_repeat", "germline", "non-19/non-19"),
    "rs2016347_genotype": Marker("rs2016347", "germline", "G/G"),
    "rs2946834_genotype": Marker("rs2946834", "germline", "carriers of the rare allele"),
    **{f"{rs}_genotype": Marker(rs, "germline", "carriers")
       for rs in ("rs2854744", "rs28674628", "rs7965399", "rs703556")},
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointVerdict:
    """What is reported on one question about outcome.

    Parameters
    ----------
    endpoint : str
        One of `OUTCOMES`.
    verdict : str
        ``favourable``, ``adverse``, ``null``, ``conflicting`` or ``no evidence``.
    basis : str
        ``subgroup`` where it rests on entries about patients such as these, ``all patients`` where there are none.
    entries : tuple of EvidenceEntry
        What it rests on.
    disputed_by : tuple of str
        Ids of entries outside `entries` that say otherwise.
    overall : str
        Verdict over all patients, where `basis` is ``subgroup`` and there is one; else empty.
    beside : tuple of EvidenceEntry
        Without a vote: about all patients where `basis` is ``subgroup``, about part of the stratum, about disease that
        may not have spread as the stratum's has, or unverified.
    """

    endpoint: str
    verdict: str
    basis: str
    entries: tuple[EvidenceEntry, ...] = ()
    disputed_by: tuple[str, ...] = ()
    overall: str = ""
    beside: tuple[EvidenceEntry, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkerEvidence:
    """What is reported on one marker of a stratum.

    Parameters
    ----------
    feature : str
        The feature that the stratum names.
    words : tuple of str
        The words that it asks for.
    marker : Marker
        What it is in the registry, and what the directions are directions of.
    verdicts : tuple of EndpointVerdict
        One for each question on which anything is reported.
    preclinical : tuple of str
        Where there is nothing on outcome: ids of what is known from the laboratory.
    """

    feature: str
    words: tuple[str, ...]
    marker: Marker
    verdicts: tuple[EndpointVerdict, ...]
    preclinical: tuple[str, ...] = ()

    def verdict_on(self, endpoint: str) -> str:
        """The verdict on one question.

        Parameters
        ----------
        endpoint : str
            One of `OUTCOMES`, such as ``OS``.

        Returns
        -------
        str
            ``no evidence`` where nothing is reported.
        """
        return next((v.verdict for v in self.verdicts if v.endpoint == endpoint), NO_EVIDENCE)


@dataclass(frozen=True, slots=True, kw_only=True)
class StratumEvidence:
    """What is reported on a stratum.

    Parameters
    ----------
    disease : str or None
        Disease that was looked up.
    where : dict of str to tuple of str
        The stratum's conditions.
    markers : tuple of MarkerEvidence
        One for each IGF marker that the stratum names; none where it names none.
    """

    disease: str | None
    where: dict[str, tuple[str, ...]]
    markers: tuple[MarkerEvidence, ...]

    def records(self) -> list[dict[str, Any]]:
        """All of it as plain values, for JSON.

        Returns
        -------
        list of dict
            One for each marker and question, each with the entries it rests on and those beside, fields as in the
            registry; a marker without any has one record, of endpoint None.
        """
        found = []
        for marker in self.markers:
            head = {"feature": marker.feature, "words": list(marker.words), **asdict(marker.marker)}
            none = EndpointVerdict(endpoint="", verdict=NO_EVIDENCE, basis="")
            for verdict in marker.verdicts or (none,):
                told = {"endpoint": verdict.endpoint or None, "verdict": verdict.verdict, "basis": verdict.basis or None,
                        "overall": verdict.overall or None, "disputed_by": list(verdict.disputed_by), "preclinical": list(marker.preclinical)}  # fmt: skip
                entries = {
                    name: [dict(_record_of(e)) for e in getattr(verdict, name)]
                    for name in ("entries", "beside")
                }
                found.append(head | told | entries)
        return found


@functools.cache
def _record_of(entry: EvidenceEntry) -> dict[str, Any]:
    return asdict(entry)


def expected_direction(
    where: Where,
    *,
    disease: str | None,
    endpoints: Sequence[str] | None = None,
    compartments: Mapping[str, str] | None = None,
) -> StratumEvidence:
    """Look up what is reported about the outcome of a stratum.

    Parameters
    ----------
    where : mapping of str to str or sequence of str
        Conditions of the stratum, feature to word or words, as in a plan.
    disease : str or None
        Word of the registry; None looks nothing up.
    endpoints : sequence of str, optional
        Endpoints of interest, as cohorts or the registry name them; all by default. What a source calls outcome and no
        more is looked up with any.
    compartments : mapping of str to str, optional
        Status feature to the compartment of the measure in use, such as ``tumour_mrna`` for an ``igf1r_status`` that is
        cut on mRNA; the feature's usual one by default.

    Returns
    -------
    StratumEvidence
        Verdicts with their sources.

    Raises
    ------
    EvidenceError
        If an endpoint is none about outcome, or a compartment is none of the registry's.

    Examples
    --------
    >>> found = expected_direction({"subtype": "luminal_b", "igf1r_status": "low"}, disease="breast")
    >>> [(v.endpoint, v.verdict, v.overall) for v in found.markers[0].verdicts][:2]
    [('DFS', 'favourable', 'conflicting'), ('PFS', 'null', '')]
    >>> expected_direction({"igf1_status": "high"}, disease="breast").markers[0].verdict_on("OS")
    'conflicting'
    """
    questions = _questions(endpoints)
    unknown = [c for c in (compartments or {}).values() if c not in COMPARTMENTS]
    if unknown:
        message = f"{unknown[0]!r} is none of {', '.join(COMPARTMENTS)}"
        raise EvidenceError(message)
    facts = facts_of(where)
    named = {name: (words,) if isinstance(words, str) else tuple(words) for name, words in where.items()}
    markers = []
    for feature in (f for f in facts if f in MARKERS):
        usual = MARKERS[feature]
        marker = Marker(usual.biomarker, (compartments or {}).get(feature, usual.compartment), usual.level)
        words = named.get(feature, tuple(sorted(facts[feature])))
        markers.append(_look_up(feature, words, marker, disease, facts, questions))
    return StratumEvidence(disease=disease, where=named, markers=tuple(markers))


def _questions(endpoints: Sequence[str] | None) -> list[str]:
    if endpoints is None:
        return list(OUTCOMES)
    known = {name for names in OUTCOMES.values() for name in names}
    unknown = [
        e for e in endpoints if e not in known and e != "tte"
    ]  # an undefined endpoint of a cohort asks for nothing
    if unknown:
        message = f"{unknown[0]!r} is no endpoint about outcome; there are {', '.join(sorted(known))}"
        raise EvidenceError(message)
    return [
        question
        for question, names in OUTCOMES.items()
        if question == "outcome" or set(names) & set(endpoints)
    ]


def _look_up(
    feature: str, words: tuple[str, ...], marker: Marker, disease: str | None, facts: Facts, questions: Sequence[str]
) -> MarkerEvidence:  # fmt: skip
    found = (
        find_evidence(disease=disease, biomarker=marker.biomarker, compartment=marker.compartment)
        if disease is not None
        else ()
    )
    verdicts = []
    for question in questions:
        about = [e for e in found if e.endpoint in OUTCOMES[question] and e.direction != "not_applicable"]
        met = [e for e in about if relation_of(e.subgroup, facts) != "excluded"]
        if met:
            verdicts.append(_judge(question, met, facts))
    nothing = all(v.verdict == NO_EVIDENCE for v in verdicts)
    laboratory = _preclinical(marker, disease, facts) if nothing and disease is not None else ()
    return MarkerEvidence(
        feature=feature, words=words, marker=marker, verdicts=tuple(verdicts), preclinical=laboratory
    )


def _preclinical(marker: Marker, disease: str, facts: Facts) -> tuple[str, ...]:
    in_bone = "yes" in facts.get("bone_metastasis", ())
    where = "bone_metastasis" if in_bone else disease
    return tuple(
        e.id for e in find_evidence(disease=where, biomarker=marker.biomarker, compartment="preclinical")
    )


def _judge(question: str, met: Sequence[EvidenceEntry], facts: Facts) -> EndpointVerdict:
    voices: dict[str, list[EvidenceEntry]] = {"specific": [], "general": []}
    beside: list[EvidenceEntry] = []
    for entry in met:
        relation = relation_of(entry.subgroup, facts)
        has_vote = relation in voices and entry.status in VOICES
        (voices[relation] if has_vote else beside).append(entry)
    overall, disputed_overall = _verdict_of(voices["general"], facts)
    if not voices["specific"]:
        return EndpointVerdict(
            endpoint=question, verdict=overall, basis="all patients" if voices["general"] else "",
            entries=tuple(voices["general"]), disputed_by=disputed_overall, beside=tuple(beside),
        )  # fmt: skip
    verdict, disputed_by = _verdict_of(voices["specific"], facts)
    return EndpointVerdict(
        endpoint=question, verdict=verdict, basis="subgroup", entries=tuple(voices["specific"]), disputed_by=disputed_by,
        overall=overall if voices["general"] else "", beside=(*voices["general"], *beside),
    )  # fmt: skip


def _verdict_of(voices: Sequence[EvidenceEntry], facts: Facts) -> tuple[str, tuple[str, ...]]:
    """What entries say together, and which others dispute it.

    A dispute counts only where the other side may speak of the same patients: IGF-1R is favourable in squamous and
    adverse in EGFR-mutant lung cancer (E-b-12a, E-b-12b), which is no contradiction within either.
    """
    if not voices:
        return NO_EVIDENCE, ()
    directions = {entry.direction for entry in voices}
    open_disputes, disputed_by = False, []
    for entry in voices:
        others = _opponents(entry)
        met = [o for o in others if relation_of(o.subgroup, facts) != "excluded"]
        open_disputes |= entry.status == "conflicting" and (bool(met) or not others)
        disputed_by += [o.id for o in met if entry.status == "conflicting" and o not in voices]
    agreed = len(directions) == 1 and not open_disputes
    return (directions.pop() if agreed else "conflicting"), tuple(dict.fromkeys(disputed_by))


def _opponents(entry: EvidenceEntry) -> list[EvidenceEntry]:
    """Entries that name this one or that it names, and that say otherwise."""
    others = (load_evidence()[key] for key in _named_together().get(entry.id, ()))
    return [
        o for o in others if o.status in VOICES and o.direction not in {entry.direction, "not_applicable"}
    ]


@functools.cache
def _named_together() -> dict[str, tuple[str, ...]]:
    together: dict[str, dict[str, None]] = {}
    for entry in load_evidence().values():
        for key in re.findall(r"\b(?:E-[a-z]-\d+[a-z]?|S\d-\d+[a-z]?)\b", entry.note):
            together.setdefault(entry.id, {})[key] = None
            together.setdefault(key, {})[entry.id] = None
    return {key: tuple(named) for key, named in together.items()}
