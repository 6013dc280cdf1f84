"""What the evidence registry says about a comparison, beside what the cohort shows."""

from __future__ import annotations

from igfstrat.analysis.results import EvidenceLine, Grouping
from igfstrat.evidence import find_evidence


def look_up(grouping: Grouping, *, disease: str | None, endpoint: str) -> EvidenceLine:
    """The registry's entries for one comparison.

    Parameters
    ----------
    grouping : Grouping
        Names the biomarker and its compartment.
    disease : str or None
        Disease.
    endpoint : str
        Endpoint.

    Returns
    -------
    EvidenceLine
        ``no evidence`` where the registry has none for this disease, biomarker, compartment and endpoint.

    Examples
    --------
    >>> by = Grouping(name="igf1r_phospho_status", title="", rule="", biomarker="igf1r", compartment="tumour_phospho")
    >>> look_up(by, disease="breast", endpoint="pfi").verdict
    'no evidence'
    """
    if grouping.biomarker is None or disease is None:
        return EvidenceLine(endpoint=endpoint, verdict="no evidence", entries=())
    entries = find_evidence(
        disease=disease, biomarker=grouping.biomarker, compartment=grouping.compartment, endpoint=endpoint
    )
    directions = {entry.direction for entry in entries}
    conflicting = {"favourable", "adverse"} <= directions or any(e.status == "conflicting" for e in entries)
    verdict = "no evidence" if not entries else "conflicting" if conflicting else "reported"
    shown = tuple(
        {
            "id": e.id, "subgroup": e.subgroup, "direction": e.direction, "measure": e.measure, "estimate": e.estimate,
            "ci_lower": e.ci_lower, "ci_upper": e.ci_upper, "n": e.n, "source": e.source, "note": e.note,
        }
        for e in entries
    )  # fmt: skip
    return EvidenceLine(endpoint=endpoint, verdict=verdict, entries=shown)
