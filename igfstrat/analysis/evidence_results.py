"""Frozen results of comparing a cohort's effect with what the evidence registry reports."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

Verdict = Literal[
    "compatible",
    "incompatible",
    "too imprecise to tell",
    "not comparable",
    "conflicting",
    "no evidence",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryComparison:
    """One entry of the registry beside a cohort's hazard ratio.

    Parameters
    ----------
    id, subgroup, endpoint, compartment, direction, measure, source, status, note : str
        As in the registry.
    n : int or None
        Patients behind the entry.
    estimate, ci_lower, ci_upper : float or None
        The number as reported, with its 95 % interval.
    hazard_ratio, hazard_ratio_lower, hazard_ratio_upper : float or None
        The same as the ratio of the high level to the low one; None where the entry isn't comparable.
    verdict : str
        ``compatible``, ``incompatible``, ``too imprecise to tell`` or ``not comparable``.
    reason : str or None
        Why it isn't comparable, or why nothing can be told.
    z, p_value : float or None
        Of the difference of the two log hazard ratios, cohort minus report.
    """

    id: str
    subgroup: str
    endpoint: str
    compartment: str
    direction: str
    measure: str
    source: str
    status: str
    note: str
    n: int | None
    estimate: float | None
    ci_lower: float | None
    ci_upper: float | None
    hazard_ratio: float | None = None
    hazard_ratio_lower: float | None = None
    hazard_ratio_upper: float | None = None
    verdict: Verdict = "not comparable"
    reason: str | None = None
    z: float | None = None
    p_value: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceComparison:
    """One comparison of a cohort beside what the registry holds on it.

    Parameters
    ----------
    endpoint : str
        Endpoint of the comparison.
    variable, level : str or None
        Subgroup; None for all patients.
    verdict : str
        Of the row as a whole: see `igfstrat.analysis.evidence_lines`.
    entries : tuple of EntryComparison
        In the order of the registry.
    """

    endpoint: str
    variable: str | None
    level: str | None
    verdict: Verdict
    entries: tuple[EntryComparison, ...] = ()

    @property
    def n_compared(self) -> int:
        """Entries whose difference from the cohort was tested."""
        return sum(entry.p_value is not None for entry in self.entries)

    def to_dict(self) -> dict[str, Any]:
        """For `report.json`.

        Returns
        -------
        dict
            Fields by name, every number at full precision.
        """
        return asdict(self)
