"""The evidence registry beside the cohort: each entry with its interval, the verdict, and the difference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from igfstrat.analysis.evidence_results import EntryComparison, EvidenceComparison
from igfstrat.analysis.results import Estimate
from igfstrat.report.document import Block, Paragraph, Section
from igfstrat.report.formatting import DASH, format_interval, format_label, format_number, format_p
from igfstrat.report.tables import Table

_METHODS: Final = (
    "The cohort's hazard ratios were compared with the evidence registry's by intervals: incompatible where the difference "
    "of the log hazard ratios has a two-sided p below the threshold; else too imprecise to tell where the cohort's interval "
    "holds 1 and the reported one doesn't, or where both hold 1 and the cohort's is wider on the log scale; "
    "else compatible. A shared sign counts as no agreement.",
)
_REFERENCES: Final = (
    "Altman DG, Bland JM. Interaction revisited: the difference between two estimates. BMJ 2003;326:219.",
    "Altman DG, Bland JM. How to obtain the P value from a confidence interval. BMJ 2011;343:d2304.",
)


def evidence_comparison_section(
    comparisons: Sequence[EvidenceComparison],
    *,
    title: str,
    variables: Mapping[str, str] | None = None,
    disease: str | None = None,
) -> Section:
    """What was reported before, beside what this cohort shows.

    Parameters
    ----------
    comparisons : sequence of EvidenceComparison
        All patients and subgroups, of all endpoints.
    title : str
        What the patients are grouped by.
    variables : mapping of str to str, optional
        Titles of the subgroups' variables.
    disease : str or None
        Disease that was looked up.

    Returns
    -------
    Section
        With key ``evidence``: a table of verdicts, and one of the entries with their sources.
    """
    if not comparisons:
        return Section(key="evidence", title="What was reported before", blocks=(Paragraph(text="Nothing was compared with the evidence registry."),))  # fmt: skip
    n = sum(comparison.n_compared for comparison in comparisons)
    where = f" in {disease} cancer" if disease else " (the cohort names no single disease)"
    blocks: list[Block] = [Paragraph(text=text) for text in _sentences(n, f"{title}{where}", comparisons)]
    named = dict(variables or {})
    blocks.append(_verdict_table(comparisons, named))
    if any(comparison.entries for comparison in comparisons):
        blocks += [_entry_table(comparisons, named), _source_table(comparisons)]
    return Section(
        key="evidence",
        title="What was reported before",
        blocks=tuple(blocks),
        methods=_METHODS,
        references=_REFERENCES,
        limitations=(
            "Reported ratios come from other assays, cuts, treatments and adjustments than this cohort's.",
        ),
    )


def _sentences(n: int, what: str, comparisons: Sequence[EvidenceComparison]) -> list[str]:
    if not any(comparison.entries for comparison in comparisons):
        return [f"The evidence registry holds no evidence on {what} for these endpoints and patients."]
    start = (
        f"Beside {what} stand the evidence registry's entries, compared by intervals. A shared sign is no agreement: without "
        "any effect, half of all comparisons share it."
    )
    return [
        start,
        f"{n} difference{'' if n == 1 else 's'} from a report {'was' if n == 1 else 'were'} tested; these p-values are not corrected.",
    ]


def _patients(comparison: EvidenceComparison, named: Mapping[str, str]) -> str:
    who = "all patients"
    if comparison.variable is not None:
        name = named.get(comparison.variable, comparison.variable)
        who = f"{name}: {format_label(str(comparison.level))}"
    return f"{comparison.endpoint.upper()}, {who}"


def _verdict_table(comparisons: Sequence[EvidenceComparison], named: Mapping[str, str]) -> Table:
    rows = tuple(
        (_patients(c, named), c.verdict, ", ".join(e.id for e in c.entries) or DASH) for c in comparisons
    )
    return Table(
        caption="The cohort beside the evidence registry",
        header=("Comparison", "Verdict", "Entries"),
        rows=rows,
        footnotes=(
            "Conflicting: the registry's entries contradict each other, or the cohort fits one and not another.",
        ),
        counts=tuple((None,) * 3 for _ in rows),
    )


def _entry_table(comparisons: Sequence[EvidenceComparison], named: Mapping[str, str]) -> Table:
    rows = tuple(_entry_row(_patients(c, named), e) for c in comparisons for e in c.entries)
    return Table(
        caption="Each entry of the evidence registry beside the cohort",
        header=("Comparison", "Entry", "Reported for the high level", "Verdict"),
        rows=rows,
        footnotes=(
            "z and p: of the difference of the log hazard ratios, cohort minus report. Ratios are high against low; one "
            "reported as low against high is turned round.",
        ),
        counts=tuple((None,) * 4 for _ in rows),
    )


def _entry_row(patients: str, e: EntryComparison) -> tuple[str, ...]:
    about = f"{e.id}: {e.subgroup}, {e.endpoint}"
    ratio = Estimate(value=e.hazard_ratio, ci_lower=e.hazard_ratio_lower, ci_upper=e.hazard_ratio_upper)
    told = f"{e.direction}, HR {format_interval(ratio)}" if e.hazard_ratio is not None else _as_reported(e)
    verdict = f"{e.verdict}: {e.reason}" if e.reason else e.verdict
    if e.p_value is not None:
        p = format_p(e.p_value)
        verdict += f" (z = {format_number(e.z)}, p {p if p.startswith('<') else f'= {p}'})"
    return (patients, about, told, verdict)


def _source_table(comparisons: Sequence[EvidenceComparison]) -> Table:
    """Every entry once."""
    entries = {e.id: e for c in comparisons for e in c.entries}
    rows = tuple((e.id, f"{e.source} ({e.status})", e.note or DASH) for e in entries.values())
    return Table(
        caption="Sources of the entries",
        header=("Entry", "Source", "What else must be known"),
        rows=rows,
        counts=tuple((None,) * 3 for _ in rows),
    )


def _as_reported(e: EntryComparison) -> str:
    if e.estimate is None:
        return e.direction
    estimate = Estimate(value=e.estimate, ci_lower=e.ci_lower, ci_upper=e.ci_upper)
    number = format_interval(estimate) if e.ci_lower is not None else format_number(e.estimate)
    return f"{e.direction}, {e.measure} {number}"
