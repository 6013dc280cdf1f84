"""The registry of reported associations, and the sources of the numbers used in code.

Direction is always that of the high level of the biomarker (or of giving the drug), and is looked
up by disease, biomarker, compartment, subgroup and endpoint; no rule here or elsewhere says that
more IGF is worse. The entries live in `igfstrat/data/evidence.csv`; `docs/evidence.md` explains them.
It judges no source: where sources disagree, all of them are kept, and `group_evidence` says so.
"""

from __future__ import annotations

import csv
import functools
import io
import math
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Final

from igfstrat.errors import EvidenceError, IgfstratWarning

COMPARTMENTS: Final = (
    "serum", "tumour_protein", "tumour_phospho", "tumour_mrna", "tumour_dna", "germline", "circulating_cells",
    "drug", "clinical", "preclinical", "other",
)  # fmt: skip
DIRECTIONS: Final = ("favourable", "adverse", "null", "conflicting", "not_applicable")
STATUSES: Final = ("reported", "conflicting", "retracted", "unverified")
# the vocabulary: an entry that uses another word is refused, so that a search can't miss it by a spelling
DISEASES: Final = (
    "breast", "nsclc", "sclc", "lung", "prostate", "colorectal", "pancreatic", "bone_metastasis", "solid",
    "healthy", "any",
)  # fmt: skip
BIOMARKERS: Final = (
    "ag_1024", "aromatase_inhibitor", "bmi", "bms_754807", "bone_metastases", "bone_only_metastases",
    "breviscapine", "chemotherapy", "circ_ppapdc1a", "cixutumumab", "dalotuzumab", "egfr_mutation", "er",
    "figitumumab", "free_igf1", "fulvestrant", "ganitumab", "hba1c", "her2", "igf1", "igf1_ca_repeat",
    "igf1_genetic", "igf1_haplotype", "igf1_igfbp3_molar_ratio", "igf1_igfbp_vitronectin", "igf1_lowering",
    "igf1_x_oestradiol", "igf1r", "igf1r_antibody", "igf1r_copy_number", "igf1r_inhibitor", "igf1r_insr_hybrid",
    "igf1r_snps", "igf2", "igf2r", "igf_axis", "igf_pathway_snps", "igf_targeted_drug", "igfbp2", "igfbp3",
    "igfbp4", "igfbp5", "igfbp5_igfbp4_ratio", "igfbp_from_fibroblasts", "igfbp_snps", "igfbp_x_erbb2", "insr_a",
    "irs1", "irs2", "kras_mutation", "linsitinib", "ll6", "muc1", "myb", "none", "nvp_adw742", "octreotide", "pr",
    "r1507", "robatumumab", "rs2016347", "rs2854744", "rs28674628", "rs2946834", "rs703556", "rs7965399",
    "src_axl", "subtype", "tnm8_stage", "vegfc", "w0101", "xentuzumab",
)  # fmt: skip
ENDPOINTS: Final = (
    "10-year dfs", "10-year distant metastasis", "5-year dfs", "5-year distant dfs", "5-year os",
    "activation", "activity", "adverse events", "age at diagnosis", "all-cause mortality",
    "alternative signalling", "angiogenesis", "autoregulation", "biology", "bone among relapses",
    "bone colonisation", "bone metastasis growth", "bone tropism", "change per decade of age",
    "chemosensitisation", "co-expression with vegfr2", "correlation with age", "correlation with igfbp3",
    "correlation with tumour igf1", "death", "deaths", "definition", "dfs", "disease development", "dss",
    "early-onset incidence", "efficacy", "efs", "emt", "er activation", "h_score definition", "igf1r level",
    "incidence", "incidence rate", "invasion", "level", "lymph-node metastasis", "mammographic density",
    "metastasis", "migration", "molar mass", "oestrogen synthesis", "ongoing trial", "orr", "os", "outcome",
    "pcr", "pfs", "pfs interaction", "plasma igf1", "plasma igfbp3", "plausible range", "predictive",
    "prevalence", "prognostic variables", "progression", "proliferation signature", "promoter binding",
    "radiosensitisation", "re-sensitisation", "recurrence", "reference", "response", "rfs",
    "risk, screening, prognosis", "safety", "sensitivity to igf1r inhibition", "sensitivity to osimertinib",
    "share", "share of total igf1", "shift of level", "stage", "stemness", "suitable for imaging",
    "tolerability", "transformation", "trastuzumab resistance", "treatment effect on dfs",
    "treatment effect on os", "treatment effect on pfs", "treatment resistance", "ttp", "tumour growth",
    "tumour suppression", "tumourigenesis",
)  # fmt: skip
VOICES: Final = ("reported", "conflicting")  # what counts when sources are compared
GROUP_KEYS: Final = ("disease", "biomarker", "compartment", "subgroup", "endpoint")


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceEntry:
    """One reported association or number.

    Parameters
    ----------
    id : str
        Key by which code, plans and cohort configs name it.
    disease, biomarker, compartment, subgroup, endpoint : str
        What it is about; all but `subgroup` are words of `DISEASES`, `BIOMARKERS`, `COMPARTMENTS` and
        `ENDPOINTS`. Membranous, cytoplasmic or nuclear protein is told by `subgroup` or `note`.
    direction : str
        For the high level: one of `DIRECTIONS`.
    measure : str
        Scale of `estimate`: HR, OR, percent, kDa and so on; empty where no number was given.
    estimate, ci_lower, ci_upper : float or None
        The number and its 95 % interval.
    n : int or None
        Patients behind it.
    source : str
        The primary paper where known, else the review and its reference number.
    status : str
        One of `STATUSES`.
    note : str
        What else must be known to use it.
    """

    id: str
    disease: str
    biomarker: str
    compartment: str
    subgroup: str
    endpoint: str
    direction: str
    measure: str
    estimate: float | None
    ci_lower: float | None
    ci_upper: float | None
    n: int | None
    source: str
    status: str
    note: str


@functools.cache
def load_evidence() -> dict[str, EvidenceEntry]:
    """Read the registry, every entry checked.

    Returns
    -------
    dict of str to EvidenceEntry
        All entries by id, retracted ones too.

    Raises
    ------
    EvidenceError
        With the line, if an entry has no source, a word outside the vocabulary, a number that is none, an
        interval without its estimate, no patients, or an id that is taken.
    """
    entries: dict[str, EvidenceEntry] = {}
    text = resources.files("igfstrat").joinpath("data/evidence.csv").read_text(encoding="utf-8")
    for line, record in enumerate(csv.DictReader(io.StringIO(text)), start=2):
        try:
            entry = _parse_entry(record)
        except (ValueError, KeyError, TypeError) as error:
            message = f"evidence.csv, line {line}, {record.get('id')}: {error}"
            raise EvidenceError(message) from None
        fault = _fault_of(entry, entries)
        if fault:
            message = f"evidence.csv, line {line}, {entry.id}: {fault}"
            raise EvidenceError(message)
        entries[entry.id] = entry
    return entries


def _parse_entry(record: dict[str, str]) -> EvidenceEntry:
    if None in record or None in record.values():
        message = "the number of fields is not that of the header"
        raise ValueError(message)

    def number(key: str) -> float | None:
        return float(record[key]) if record[key] else None

    return EvidenceEntry(
        id=record["id"],
        disease=record["disease"],
        biomarker=record["biomarker"],
        compartment=record["compartment"],
        subgroup=record["subgroup"],
        endpoint=record["endpoint"],
        direction=record["direction"],
        measure=record["measure"],
        estimate=number("estimate"),
        ci_lower=number("ci_lower"),
        ci_upper=number("ci_upper"),
        n=int(record["n"]) if record["n"] else None,
        source=record["source"],
        status=record["status"],
        note=record["note"],
    )


def _fault_of(entry: EvidenceEntry, taken: dict[str, EvidenceEntry]) -> str | None:
    if entry.id in taken:
        return "the id is taken"
    if not entry.source.strip():
        return "no source"
    for value, known in (
        (entry.compartment, COMPARTMENTS),
        (entry.direction, DIRECTIONS),
        (entry.status, STATUSES),
        (entry.disease, DISEASES),
        (entry.biomarker, BIOMARKERS),
        (entry.endpoint, ENDPOINTS),
    ):
        if value not in known:
            return f"{value!r} is none of {', '.join(known)}"
    return _numeric_fault_of(entry)


def _numeric_fault_of(entry: EvidenceEntry) -> str | None:
    lower, upper = entry.ci_lower, entry.ci_upper
    numbers = [x for x in (entry.estimate, lower, upper) if x is not None]
    if not all(math.isfinite(x) for x in numbers):
        return "a number is not finite"
    if (lower is None) != (upper is None):
        return "an interval has two ends"
    # a plausible range (E-u-03) is an interval without an estimate
    if lower is not None and upper is not None:
        middle = lower if entry.estimate is None else entry.estimate
        if not lower <= middle <= upper:
            return f"the interval {lower:g} to {upper:g} does not contain {middle:g}"
    if entry.estimate is not None and not entry.measure:
        return "an estimate without its measure"
    if entry.n is not None and entry.n <= 0:
        return f"n is {entry.n}, and must be > 0"
    return None


def get_evidence(key: str, *, retracted: bool = False) -> EvidenceEntry:
    """One entry by its id.

    Parameters
    ----------
    key : str
        Id of the entry.
    retracted : bool
        Whether an entry from a retracted source may be returned; it then comes with a warning.

    Returns
    -------
    EvidenceEntry
        The entry.

    Raises
    ------
    EvidenceError
        If there is no such entry, or its source was retracted and `retracted` is off.

    Examples
    --------
    >>> get_evidence("E-u-01").estimate
    7.649
    """
    entry = load_evidence().get(key)
    if entry is None:
        message = f"no evidence entry is named {key!r}"
        raise EvidenceError(message)
    if entry.status == "retracted":
        if not retracted:
            message = (
                f"{key} rests on a retracted source ({entry.source}); it is only given on explicit request"
            )
            raise EvidenceError(message)
        warnings.warn(f"{key} rests on a retracted source: {entry.source}", IgfstratWarning, stacklevel=2)
    return entry


def find_evidence(
    *,
    disease: str | None = None,
    biomarker: str | None = None,
    compartment: str | None = None,
    subgroup: str | None = None,
    endpoint: str | None = None,
    retracted: bool = False,
) -> Sequence[EvidenceEntry]:
    """Entries that match every given key; retracted ones only on request.

    Parameters
    ----------
    disease, biomarker, compartment, subgroup, endpoint : str, optional
        Exact values; None matches all.
    retracted : bool
        Whether entries from retracted sources are found too; they then come with a warning.

    Returns
    -------
    sequence of EvidenceEntry
        In the order of the registry; empty where nothing is reported.

    Examples
    --------
    >>> [e.estimate for e in find_evidence(biomarker="igf1r", subgroup="HR+", endpoint="dfs")]
    [0.61]
    >>> find_evidence(biomarker="igf1r", compartment="tumour_phospho", endpoint="pfi")
    ()
    """
    wanted = {"disease": disease, "biomarker": biomarker, "compartment": compartment, "subgroup": subgroup,
              "endpoint": endpoint}  # fmt: skip
    given = {key: value for key, value in wanted.items() if value is not None}
    found = tuple(
        entry
        for entry in load_evidence().values()
        if (retracted or entry.status != "retracted")
        and all(getattr(entry, key) == value for key, value in given.items())
    )
    withdrawn = [entry.id for entry in found if entry.status == "retracted"]
    if withdrawn:
        warnings.warn(
            f"from retracted sources, and not to be used as evidence: {', '.join(withdrawn)}",
            IgfstratWarning,
            stacklevel=2,
        )
    return found


@dataclass(frozen=True, slots=True)
class EvidenceGroup:
    """Entries about the same question.

    Parameters
    ----------
    key : tuple of str
        What they share: values of the keys they were grouped by.
    entries : tuple of EvidenceEntry
        In the order of the registry.
    """

    key: tuple[str, ...]
    entries: tuple[EvidenceEntry, ...]

    @property
    def directions(self) -> dict[str, tuple[str, ...]]:
        """Ids by direction; what has none (prevalences, levels), or is unverified or retracted, is left out."""
        told = [e for e in self.entries if e.status in VOICES]
        return {
            direction: ids
            for direction in DIRECTIONS
            if direction != "not_applicable"
            and (ids := tuple(e.id for e in told if e.direction == direction))
        }

    @property
    def direction(self) -> str:
        """What the sources say together: `conflicting` where any disagreement is known."""
        return "conflicting" if self.disagreement else next(iter(self.directions), "not_applicable")

    @property
    def disagreement(self) -> str:
        """Where the sources disagree, in a sentence; empty where they don't."""
        told = "; ".join(f"{direction} ({', '.join(ids)})" for direction, ids in self.directions.items())
        disputed = [e.id for e in self.entries if e.status == "conflicting"]
        if set(self.directions) == {"conflicting"}:
            return f"studies disagree: {told}"
        if len(self.directions) < 2:
            return f"disputed by other entries: {', '.join(disputed)}" if disputed else ""
        if disputed or _contradict_in_a_subgroup(self.entries):
            return f"sources disagree: {told}"
        return f"direction depends on subgroup: {told}"


def _contradict_in_a_subgroup(entries: Sequence[EvidenceEntry]) -> bool:
    said: dict[str, set[str]] = {}
    for entry in entries:
        if entry.direction != "not_applicable" and entry.status in VOICES:
            said.setdefault(entry.subgroup, set()).add(entry.direction)
    return any(len(directions) > 1 for directions in said.values())


def group_evidence(
    entries: Iterable[EvidenceEntry], *, by: Sequence[str] = GROUP_KEYS
) -> tuple[EvidenceGroup, ...]:
    """Entries brought together by what they are about.

    Parameters
    ----------
    entries : iterable of EvidenceEntry
        For instance what `find_evidence` returns.
    by : sequence of str
        Fields that entries of a group share. Without `subgroup`, a group's `disagreement` tells
        sources that contradict each other from directions that differ between subgroups.

    Returns
    -------
    tuple of EvidenceGroup
        In the order in which each was first met.

    Examples
    --------
    >>> found = find_evidence(disease="nsclc", biomarker="dalotuzumab", endpoint="pfs")
    >>> [group.disagreement for group in group_evidence(found)]
    ['sources disagree: favourable (S2-26); null (E-e-08)']
    """
    groups: dict[tuple[str, ...], list[EvidenceEntry]] = {}
    for entry in entries:
        groups.setdefault(tuple(getattr(entry, name) for name in by), []).append(entry)
    return tuple(EvidenceGroup(key, tuple(members)) for key, members in groups.items())
