"""What the evidence registry says about a comparison, beside what the cohort shows, by intervals.

A sign is no agreement: without any effect, half of all subgroups have the registry's sign. An entry is compared with
the cohort only if it is a hazard ratio of high against low with a 95 % interval, in the same disease, compartment and
endpoint, on the same patients. Then, with z the difference of the two log hazard ratios over the root of the sum of
their squared standard errors (each a 95 % interval's width on the log scale over 2 x 1.96):

- ``incompatible``: the two-sided p of z is below alpha;
- ``too imprecise to tell``: else, if the cohort's interval holds 1 where the report's leaves it out (the data can't
  tell the reported effect from none); or where both hold 1 and the cohort's is the wider one (log scale);
- ``compatible``: else. The data don't contradict the report; they don't prove it either.

A row is ``conflicting`` where the registry's own entries on these patients contradict each other, or where the cohort
is compatible with one and incompatible with another; ``not comparable`` where there are entries and none can be
compared; ``no evidence`` where there is none. P-values are not corrected; their number is told.

References
----------
.. [1] Altman DG, Bland JM. Interaction revisited: the difference between two estimates. BMJ 2003;326:219.
.. [2] Altman DG, Bland JM. How to obtain the P value from a confidence interval. BMJ 2011;343:d2304.
"""

from __future__ import annotations

import math
from typing import Any, Final

from scipy.special import ndtr

from igfstrat.analysis.evidence_results import EntryComparison, EvidenceComparison, Verdict
from igfstrat.analysis.results import Estimate, Grouping, HazardRatio
from igfstrat.analysis.subgroup_results import SubgroupAnalysis, SubgroupRow
from igfstrat.evidence import EvidenceEntry, find_evidence
from igfstrat.features import expected_direction
from igfstrat.features.stratum_evidence import MARKERS, OUTCOMES
from igfstrat.features.subgroups import Where, facts_of, relation_of

# endpoints that ask for the very same events; others of a family are another definition
_SAME: Final[dict[str, tuple[str, ...]]] = {"os": ("os", "all-cause mortality", "death")}
_SCALES: Final = {"HR": False, "HR of low against high": True}  # whether it is the other way round
_MEASURED: Final = (
    "serum", "tumour_protein", "tumour_phospho", "tumour_mrna", "tumour_dna", "germline", "circulating_cells",
)  # fmt: skip
_QUANTILE: Final = (
    1.959963984540054  # of the normal distribution at 0.975: what is reported are 95 % intervals
)


def compare_with_evidence(
    estimate: Estimate,
    *,
    grouping: Grouping,
    pair: tuple[str, str],
    disease: str | None,
    endpoint: str,
    within: tuple[str, str] | None = None,
    where: Where | None = None,
    alpha: float = 0.05,
) -> EvidenceComparison:
    """Compare one hazard ratio of a cohort with the registry.

    Parameters
    ----------
    estimate : Estimate
        Hazard ratio with its 95 % interval.
    grouping : Grouping
        Names the biomarker and its compartment.
    pair : tuple of str
        Reference group and the group compared with it.
    disease : str or None
        Disease.
    endpoint : str
        Endpoint of the cohort.
    within : tuple of str, optional
        Variable and level of a subgroup, such as ``("subtype", "luminal_b")``.
    where : mapping of str to str or sequence of str, optional
        What holds for every patient of the cohort.
    alpha : float
        Threshold of the difference.

    Returns
    -------
    EvidenceComparison
        ``no evidence`` where the registry has none, or isn't asked.

    Examples
    --------
    >>> by = Grouping(name="igf1r_status", title="", rule="", biomarker="igf1r", compartment="tumour_protein")
    >>> found = compare_with_evidence(Estimate(value=1.1, ci_lower=0.8, ci_upper=1.5), grouping=by,
    ...     pair=("low", "high"), disease="breast", endpoint="os")
    >>> [(e.id, e.verdict, round(e.z, 2)) for e in found.entries if e.p_value is not None]
    [('E-d-29', 'incompatible', 2.12), ('E-d-31b', 'incompatible', 2.5)]
    """
    variable, level = within or (None, None)
    if grouping.biomarker is None or disease is None:
        return EvidenceComparison(endpoint=endpoint, variable=variable, level=level, verdict="no evidence")
    base: dict[str, Any] = dict(where or {})
    patients = base | ({variable: level} if variable else {})
    compared = [
        _compare_entry(entry, estimate, grouping, pair, endpoint, patients, alpha)
        for entry in _entries(disease, grouping.biomarker, endpoint)
        if _concerns(entry, base, patients)
    ]
    dispute = _registry_conflicts(grouping, disease, endpoint, patients)
    entries = tuple(entry for entry in compared if _is_shown(entry, grouping))
    return EvidenceComparison(
        endpoint=endpoint,
        variable=variable,
        level=level,
        verdict=_verdict_of(entries, conflicting=dispute),
        entries=entries,
    )


def compare_subgroups_with_evidence(
    analysis: SubgroupAnalysis,
    *,
    grouping: Grouping,
    disease: str | None,
    where: Where | None = None,
    alpha: float = 0.05,
) -> tuple[EvidenceComparison, ...]:
    """Compare every row of a forest plot with the registry.

    Parameters
    ----------
    analysis : SubgroupAnalysis
        Hazard ratios of all patients and within subgroups.
    grouping : Grouping
        Names the biomarker and its compartment.
    disease : str or None
        Disease.
    where : mapping of str to str or sequence of str, optional
        What holds for every patient of the cohort.
    alpha : float
        Threshold of the differences.

    Returns
    -------
    tuple of EvidenceComparison
        For each endpoint, all patients and then each level of each variable. Where there are several groups, their
        high group (else the last) is the one compared.
    """
    found = []
    for result in analysis.endpoints:
        rows: list[tuple[tuple[str, str] | None, SubgroupRow]] = [(None, result.overall)]
        rows += [((v.variable.name, str(row.level)), row) for v in result.variables for row in v.rows]
        for within, row in rows:
            ratio = _ratio_to_compare(row.hazard_ratios)
            found.append(
                compare_with_evidence(
                    ratio.estimate, grouping=grouping, pair=(ratio.reference, ratio.term), disease=disease,
                    endpoint=result.endpoint, within=within, where=where, alpha=alpha,
                )
            )  # fmt: skip
    return tuple(found)


def _ratio_to_compare(ratios: tuple[HazardRatio, ...]) -> HazardRatio:
    nothing = HazardRatio(term="", reference="", estimate=Estimate(not_estimable="only one group"))
    return next((r for r in ratios if r.term == "high"), ratios[-1] if ratios else nothing)


def _question(endpoint: str) -> tuple[str, ...]:
    """Endpoints of the registry about the same question, and what a source calls outcome and no more.

    An endpoint that its source doesn't define asks for nothing.
    """
    family = next((names for names in OUTCOMES.values() if endpoint in names), None)
    return () if family is None else (*family, "outcome")


def _entries(disease: str, biomarker: str, endpoint: str) -> list[EvidenceEntry]:
    return [
        entry
        for entry in find_evidence(disease=disease, biomarker=biomarker)
        if entry.endpoint in _question(endpoint)
        and entry.direction != "not_applicable"
        and entry.compartment in _MEASURED
    ]


def _concerns(entry: EvidenceEntry, base: dict[str, Any], patients: dict[str, Any]) -> bool:
    """Whether an entry belongs beside these patients; what is reported on everybody stands beside everybody."""
    relation = relation_of(entry.subgroup, facts_of(patients))
    if relation == "excluded":
        return False
    if patients == base:
        # an outcome that nobody named, in some of these patients only, answers no question about all of them
        return entry.endpoint != "outcome" or relation != "part"
    return relation == "specific" and relation_of(entry.subgroup, facts_of(base)) != "specific"


def _is_shown(entry: EntryComparison, grouping: Grouping) -> bool:
    """Another compartment is named only where it reports on the same endpoint, so that nobody compares it unaware."""
    return entry.compartment == grouping.compartment or entry.reason == _other_compartment(entry.compartment)


def _other_compartment(compartment: str) -> str:
    words = compartment.replace("_", " ").replace("mrna", "mRNA").replace("dna", "DNA")
    return f"another compartment: {words}"


def _compare_entry(
    entry: EvidenceEntry,
    estimate: Estimate,
    grouping: Grouping,
    pair: tuple[str, str],
    endpoint: str,
    patients: dict[str, Any],
    alpha: float,
) -> EntryComparison:
    names = ("id", "subgroup", "endpoint", "compartment", "direction", "measure", "source", "status", "note", "n",
             "estimate", "ci_lower", "ci_upper")  # fmt: skip
    told: dict[str, Any] = {name: getattr(entry, name) for name in names}
    reason = _why_not_comparable(entry, grouping, pair, endpoint, patients)
    if reason is not None:
        return EntryComparison(**told, reason=reason)
    assert entry.estimate is not None
    assert entry.ci_lower is not None
    assert entry.ci_upper is not None
    ratio = (entry.estimate, entry.ci_lower, entry.ci_upper)
    if _SCALES[entry.measure]:
        ratio = (1 / entry.estimate, 1 / entry.ci_upper, 1 / entry.ci_lower)
    told |= {"hazard_ratio": ratio[0], "hazard_ratio_lower": ratio[1], "hazard_ratio_upper": ratio[2]}
    return EntryComparison(**told, **_judge(estimate, ratio, alpha))


def _why_not_comparable(
    entry: EvidenceEntry,
    grouping: Grouping,
    pair: tuple[str, str],
    endpoint: str,
    patients: dict[str, Any],
) -> str | None:
    same_endpoint = entry.endpoint in _SAME.get(endpoint, (endpoint,))
    relation = relation_of(entry.subgroup, facts_of(patients))
    reasons = {
        f"another definition of the endpoint: {entry.endpoint}": not same_endpoint,
        _other_compartment(entry.compartment): entry.compartment != grouping.compartment,
        f"other patients: {entry.subgroup}": relation == "part",
        "other patients: the disease of the source need not have spread": relation == "elsewhere",
        "the cohort's groups are not high against low": pair != ("low", "high"),
        "no number is reported": entry.estimate is None,
        f"another scale: {entry.measure}": entry.measure not in _SCALES,
        "no interval is reported": None in (entry.ci_lower, entry.ci_upper),
        "the reported interval is no interval of a ratio": min(entry.ci_lower or 0.0, entry.estimate or 0.0)
        <= 0,
        "reported as unverified": entry.status == "unverified",
    }
    return next((reason for reason, holds in reasons.items() if holds), None)


def _judge(estimate: Estimate, ratio: tuple[float, float, float], alpha: float) -> dict[str, Any]:
    """Verdict, z and p of a cohort's interval beside a reported one."""
    value, lower, upper = estimate.value, estimate.ci_lower, estimate.ci_upper
    if value is None or lower is None or upper is None or min(value, lower) <= 0:
        why = estimate.not_estimable or "the cohort's hazard ratio has no interval"
        return {"verdict": "too imprecise to tell", "reason": f"no hazard ratio in this cohort: {why}"}
    width, reported = math.log(upper / lower), math.log(ratio[2] / ratio[1])
    difference = math.log(value / ratio[0])
    spread = math.hypot(width, reported) / (2 * _QUANTILE)
    if spread == 0:
        return {"verdict": "not comparable", "reason": "an interval without width"}
    z = difference / spread
    p = float(2 * ndtr(-abs(z)))
    report_holds_1 = ratio[1] <= 1 <= ratio[2]
    imprecise = lower <= 1 <= upper and (not report_holds_1 or width > reported)
    verdict = "incompatible" if p < alpha else "too imprecise to tell" if imprecise else "compatible"
    return {"verdict": verdict, "z": z, "p_value": p}


def _registry_conflicts(grouping: Grouping, disease: str, endpoint: str, patients: dict[str, Any]) -> bool:
    """Whether the registry's entries on these patients contradict each other."""
    marker = next(
        (name for name, m in MARKERS.items() if name == grouping.name and m.biomarker == grouping.biomarker),
        next((name for name, m in MARKERS.items() if m.biomarker == grouping.biomarker), None),
    )
    if marker is None or grouping.compartment is None or endpoint not in _known_endpoints():
        return False
    told = expected_direction(
        {**patients, marker: "high"},
        disease=disease,
        endpoints=[endpoint],
        compartments={marker: grouping.compartment},
    )
    question = next(name for name, names in OUTCOMES.items() if endpoint in names)
    return any(m.verdict_on(question) == "conflicting" for m in told.markers if m.feature == marker)


def _known_endpoints() -> set[str]:
    return {name for names in OUTCOMES.values() for name in names}


def _verdict_of(entries: tuple[EntryComparison, ...], *, conflicting: bool) -> Verdict:
    if not entries:
        return "no evidence"
    verdicts = {entry.verdict for entry in entries}
    if conflicting or {"compatible", "incompatible"} <= verdicts:
        return "conflicting"
    order: tuple[Verdict, ...] = ("incompatible", "compatible", "too imprecise to tell")
    return next((verdict for verdict in order if verdict in verdicts), "not comparable")
