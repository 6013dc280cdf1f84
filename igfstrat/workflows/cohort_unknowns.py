"""What a cohort can't say about a trial, from what it holds and lacks."""

from __future__ import annotations

from typing import Final

from igfstrat.analysis import Grouping
from igfstrat.cohort import Cohort
from igfstrat.errors import safe_text
from igfstrat.schema import COLUMNS
from igfstrat.trials.from_cohort.facts import CohortFacts

_MISSING: Final = 0.1  # share without a result that is told
_FEW_EVENTS: Final = 50
_MATURE: Final = 0.25  # share with the event
_ANALYTES: Final = {
    "tumour_phospho": "phosphorylation, the receptor's activation",
    "tumour_mrna": "mRNA",
}
_AXIS: Final = ("igf", "irs", "insr")


def unknowns_of(
    cohort: Cohort, grouping: Grouping, facts: CohortFacts, *, takes_assay: bool
) -> tuple[str, ...]:
    """What can't be known from a cohort.

    Parameters
    ----------
    cohort : Cohort
        As read.
    grouping : Grouping
        The status.
    facts : CohortFacts
        Counts and follow-up.
    takes_assay : bool
        Whether the test's error comes from repeated measures of the cohort.

    Returns
    -------
    tuple of str
        Sentences, what matters most first.
    """
    endpoint = cohort.endpoints.values()
    notes = [f"{facts.endpoint}: {e.note}." for e in endpoint if e.title == facts.endpoint and e.note]
    return (
        "The effect of a treatment, and whether the marker predicts it: nobody here was randomized to the new treatment. The"
        " hazard ratios of the treatment are assumptions of the scenario.",
        "The hazard on the control treatment of the new trial: these patients had the treatments of their time and place, and"
        " were not chosen by the trial's criteria.",
        *_marker(cohort, grouping),
        *_assay(facts, grouping, takes_assay=takes_assay),
        *_missing(facts),
        *_follow_up(facts),
        *(safe_text(note, limit=300) for note in notes),
        *(safe_text(note, limit=300) for note in cohort.notes),
    )


def _marker(cohort: Cohort, grouping: Grouping) -> list[str]:
    said = []
    named = grouping.biomarker or grouping.name
    if not named.startswith(_AXIS):
        said.append(
            f"Anything about IGF-1R or IGF-1: the groups are {safe_text(grouping.title)}, which is no marker of the IGF axis."
        )
    if grouping.compartment in _ANALYTES:
        said.append(
            f"The share positive by protein staining: this cohort measured {_ANALYTES[grouping.compartment]}, another analyte"
            " than a trial that stains the receptor would."
        )
    if "this cohort" in grouping.rule:
        said.append(
            "The share of positive patients: the cut is a quantile of this very cohort, so that the share is what the rule says,"
            " and neither it nor its interval is a finding."
        )
    column = "igf1r_antibody" if grouping.biomarker == "igf1r" else f"{grouping.biomarker}_assay"
    if grouping.biomarker and column in COLUMNS and not cohort.has(column):
        said.append(
            "Whether another laboratory would call the same patients positive: the assay isn't stated, and positivity depends on it."
        )
    return said


def _assay(facts: CohortFacts, grouping: Grouping, *, takes_assay: bool) -> list[str]:
    measure = facts.measure[0] if facts.measure else safe_text(grouping.title)
    if takes_assay:
        return [
            "The error of the test beyond its repeatability: cores of one tumour say nothing of another laboratory, antibody or"
            f" reader, and normal scores are assumed. The cores are H-scores, and the status rests on {measure}."
        ]
    return [
        "The error of the test: there are no repeated measures of the marker, so that the scenario's own sensitivity and"
        " specificity are used, or none. Without error the power of an enriched trial looks better than it is."
    ]


def _missing(facts: CohortFacts) -> list[str]:
    without = facts.n_patients - facts.n_with_result
    if without < _MISSING * facts.n_patients:
        return []
    return [
        f"The status of {without} of {facts.n_patients} patients ({100 * without / facts.n_patients:.0f} %): they are left out,"
        " and may differ from the others."
    ]


def _follow_up(facts: CohortFacts) -> list[str]:
    share = facts.n_events / facts.n_analysed
    if facts.n_events >= _FEW_EVENTS and share >= _MATURE:
        return []
    return [
        f"The times on control with any precision: {facts.n_events} of {facts.n_analysed} patients ({100 * share:.0f} %) have had the event"
        " so far, and all that is said of times rests on these."
    ]
