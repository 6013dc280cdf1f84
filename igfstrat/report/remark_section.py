"""The 20 items that a report on a tumour marker should cover, answered where the run knows.

The short names of the items are our own words.

References
----------
.. [1] McShane LM, et al. Reporting recommendations for tumor marker prognostic studies (REMARK). J Natl Cancer Inst
   2005;97:1180-1184.
.. [2] Altman DG, et al. Reporting recommendations for tumor marker prognostic studies (REMARK): explanation and
   elaboration. PLoS Med 2012;9:e1001216.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from igfstrat.analysis import SurvivalReport
from igfstrat.report._wording import rule_words
from igfstrat.report.document import Paragraph, Section
from igfstrat.report.formatting import format_label, format_number
from igfstrat.report.sentences import TEST_NAMES
from igfstrat.report.tables import Table

NOT_PROVIDED: Final = "not provided"
ITEMS: Final = (
    "Marker, aims and hypotheses",
    "Patients: source, inclusion, exclusion",
    "Treatments received",
    "Specimens: kind, control, storage",
    "Assay: method, reagents, scoring, blinding",
    "Study design: period, matching, follow-up",
    "Endpoints defined",
    "All variables examined",
    "Sample size: its reason",
    "Statistical methods, missing data",
    "Handling of the marker, cut-points",
    "Flow of patients, events",
    "Demographic and clinical characteristics",
    "Marker and standard variables related",
    "Marker and outcome, unadjusted",
    "Multivariable effect with interval",
    "Marker and standard factors in one model",
    "Further analyses: assumptions, sensitivity",
    "Interpretation and limitations",
    "Implications for research and care",
)


def remark_section(report: SurvivalReport, sections: Sequence[Section]) -> Section:
    """The REMARK table of this report.

    Parameters
    ----------
    report : SurvivalReport
        The results.
    sections : sequence of Section
        Every section that was computed: an item that one of them answers points to it.

    Returns
    -------
    Section
        One table with 20 rows; ``not provided`` where the run can't know.
    """
    known = _answers(report, sections)
    rows = tuple(
        (f"{number}. {item}", known.get(number) or NOT_PROVIDED) for number, item in enumerate(ITEMS, start=1)
    )
    unknown = sum(answer == NOT_PROVIDED for _, answer in rows)
    table = Table(
        caption="REMARK items", header=("Item", "In this report"), rows=rows,
        footnotes=("Items of McShane 2005 and Altman 2012, in short words of our own.",),
    )  # fmt: skip
    said = Paragraph(
        text=f"A run knows the data and the plan; {'what else a study reports' if unknown else 'the rest'} is for the authors to add."
    )
    return Section(key="remark", title="REMARK checklist", blocks=(said, table))


def _answers(report: SurvivalReport, sections: Sequence[Section]) -> dict[int, str | None]:
    titles = {section.key: section.title for section in sections}
    settings, grouping = report.settings, report.grouping
    columns = report.cohort.get("columns", {})
    cause = settings.get("treatment")
    return {
        1: f"{grouping.title}; planned test: {TEST_NAMES[settings['headline']]}",
        2: _source(report),
        3: f"column {cause['column']}" if cause else None,
        4: _named(columns, ("specimen_date", "specimen_site", "igf1_matrix")),
        5: _named(columns, ("igf1_assay", "igfbp3_assay", "igf1r_antibody", "igf1r_compartment")),
        6: _follow_up(report),
        7: _definitions(report),
        8: _variables(settings, grouping.title),
        10: f"Methods; missing data: {str(settings.get('missing', 'complete_case')).replace('_', ' ')}",
        11: rule_words(grouping.rule) or None,
        12: "; ".join(f"{r.name.upper()}: {r.n} patients, {r.n_events} events" for r in report.endpoints),
        13: _see(titles, "table_one", "table_1", "table1", "baseline"),
        14: _see(titles, "table_one", "table_1", "table1", "baseline"),
        15: "; ".join(f"section {r.title}" for r in report.endpoints),
        16: _see(titles, "adjusted", "covariates"),
        17: _see(titles, "adjusted", "covariates"),
        18: _further(titles),
        19: "Summary; Limitations",
    }


def _source(report: SurvivalReport) -> str:
    first = next((result.flow for result in report.endpoints), ())
    steps = ", ".join(f"{step.n} {step.label}" for step in first[:-1])
    return f"{report.cohort.get('file', '')}: {steps}" if steps else str(report.cohort.get("file", ""))


def _named(columns: dict[str, Any], names: Sequence[str]) -> str | None:
    present = [name.replace("_", " ") for name in names if name in columns]
    return f"columns: {', '.join(present)}" if present else None


def _follow_up(report: SurvivalReport) -> str | None:
    known = [r for r in report.endpoints if r.follow_up.value is not None]
    return (
        "; ".join(
            f"{r.name.upper()}: median follow-up {format_number(r.follow_up.value, 1)} months" for r in known
        )
        or None
    )


def _definitions(report: SurvivalReport) -> str | None:
    return "; ".join(f"{r.name.upper()}: {r.definition}" for r in report.endpoints if r.definition) or None


def _variables(settings: dict[str, Any], marker: str) -> str:
    names: list[str] = [marker]
    for key in ("strata", "covariates", "subgroups"):
        names += [format_label(str(name)) for name in settings.get(key) or ()]
    return ", ".join(dict.fromkeys(name.replace("_", " ") for name in names))


def _see(titles: dict[str, str], *words: str) -> str | None:
    found = [title for key, title in titles.items() if key.startswith(words)]
    return f"section {', '.join(found)}" if found else None


def _further(titles: dict[str, str]) -> str:
    more = _see(titles, "subgroup", "forest", "cutpoint", "competing", "landmark", "treatment", "imputation")
    return f"test of proportional hazards{'; ' + more if more else ''}"
