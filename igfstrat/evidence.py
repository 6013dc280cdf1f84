"""The registry of reported associations, and the sources of the numbers used in code.

Direction is always that of the high level of the biomarker (or of giving the drug), and is looked
up by disease, biomarker, compartment, subgroup and endpoint; no rule here or elsewhere says that
more IGF is worse. The entries live in `igfstrat/data/evidence.csv`.
"""

from __future__ import annotations

import csv
import functools
import io
import warnings
from collections.abc import Sequence
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


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceEntry:
    """One reported association or number.

    Parameters
    ----------
    id : str
        Key by which code, plans and cohort configs name it.
    disease, biomarker, compartment, subgroup, endpoint : str
        What it is about. `compartment` is one of `COMPARTMENTS`.
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
        If an entry has no source, an unknown compartment, direction or status, or an id that is taken.
    """
    entries: dict[str, EvidenceEntry] = {}
    text = resources.files("igfstrat").joinpath("data/evidence.csv").read_text(encoding="utf-8")
    for line, record in enumerate(csv.DictReader(io.StringIO(text)), start=2):
        entry = _parse_entry(record)
        fault = _fault_of(entry, entries)
        if fault:
            message = f"evidence.csv, line {line}, {entry.id}: {fault}"
            raise EvidenceError(message)
        entries[entry.id] = entry
    return entries


def _parse_entry(record: dict[str, str]) -> EvidenceEntry:
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
    if not entry.source:
        return "no source"
    for value, known in (
        (entry.compartment, COMPARTMENTS),
        (entry.direction, DIRECTIONS),
        (entry.status, STATUSES),
    ):
        if value not in known:
            return f"{value!r} is none of {', '.join(known)}"
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
) -> Sequence[EvidenceEntry]:
    """Entries that match every given key; retracted ones are left out.

    Parameters
    ----------
    disease, biomarker, compartment, subgroup, endpoint : str, optional
        Exact values; None matches all.

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
    return tuple(
        entry
        for entry in load_evidence().values()
        if entry.status != "retracted" and all(getattr(entry, key) == value for key, value in given.items())
    )
