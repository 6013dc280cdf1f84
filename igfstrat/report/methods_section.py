"""How it was done, from the options actually used; limitations and references, gathered from every section."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from igfstrat.analysis import SurvivalReport
from igfstrat.report._wording import rule_words
from igfstrat.report.document import Paragraph, Section
from igfstrat.report.formatting import format_label
from igfstrat.report.sentences import TEST_NAMES

_KAPLAN = "Kaplan EL, Meier P. Nonparametric estimation from incomplete observations. J Am Stat Assoc 1958;53:457-481."
_MANTEL = "Mantel N. Evaluation of survival data and two new rank order statistics arising in its consideration. Cancer Chemother Rep 1966;50:163-170."
_COX = "Cox DR. Regression models and life-tables. J R Stat Soc B 1972;34:187-220."
_EFRON = (
    "Efron B. The efficiency of Cox's likelihood function for censored data. J Am Stat Assoc 1977;72:557-565."
)
_GRAMBSCH = "Grambsch PM, Therneau TM. Proportional hazards tests and diagnostics based on weighted residuals. Biometrika 1994;81:515-526."
_SCHEMPER = "Schemper M, Smith TL. A note on quantifying follow-up in studies of failure time. Control Clin Trials 1996;17:343-346."
_ROYSTON = (
    "Royston P, Parmar MKB. Restricted mean survival time: an alternative to the hazard ratio for the design and analysis "
    "of randomized trials with a time-to-event outcome. BMC Med Res Methodol 2013;13:152."
)
_REMARK = (
    "Altman DG, McShane LM, Sauerbrei W, Taube SE. Reporting recommendations for tumor marker prognostic studies (REMARK): "
    "explanation and elaboration. PLoS Med 2012;9:e1001216."
)
REFERENCES: Final = (_KAPLAN, _MANTEL, _COX, _EFRON, _GRAMBSCH, _ROYSTON, _SCHEMPER, _REMARK)


def methods(report: SurvivalReport) -> list[str]:
    """How the groups were compared.

    Parameters
    ----------
    report : SurvivalReport
        The results.

    Returns
    -------
    list of str
        Sentences.
    """
    reference = next((r.groups[0].label for r in report.endpoints if r.groups), "")
    first = f" {format_label(reference)} as reference," if reference else ""
    rule = f"; {rule_words(report.grouping.rule)}" if report.grouping.rule else ""
    return [
        f"Groups: {report.grouping.title}{rule}.",
        "Survival was estimated by Kaplan–Meier with log-log 95 % intervals (Greenwood variance); times are in months of 30.4375 days.",
        f"The headline test, decided in the plan, is the {TEST_NAMES[report.settings['headline']]}, two-sided at {float(report.settings['alpha']):g}.",
        f"Hazard ratios come from a Cox model with Efron's handling of ties,{first} with Wald intervals; "
        "proportional hazards were examined by the score test against Kaplan–Meier time, which changes the wording, never the headline test.",
        f"Restricted mean survival times are compared up to {_horizon(report)}, with Greenwood-type variance.",
        "Follow-up is the median by reverse Kaplan–Meier.",
    ]


def _horizon(report: SurvivalReport) -> str:
    rmst = report.settings["rmst"]
    for unit in ("years", "months"):
        if rmst[unit] is not None:
            return f"{rmst[unit]:g} {unit}"
    return "the smaller of the two largest observed times"


def methods_section(report: SurvivalReport, sections: Sequence[Section]) -> Section:
    """The methods paragraph.

    Parameters
    ----------
    report : SurvivalReport
        The results.
    sections : sequence of Section
        Every section that was computed; each adds its own sentences, once.

    Returns
    -------
    Section
        One paragraph of the comparison, one for each further analysis, and the versions.
    """
    added = [" ".join(dict.fromkeys(section.methods)) for section in sections if section.methods]
    versions = (
        "Made with " + ", ".join(f"{name} {version}" for name, version in report.versions.items()) + "."
    )
    texts = [" ".join(methods(report)), *dict.fromkeys(added), versions]
    return Section(key="methods", title="Methods", blocks=tuple(Paragraph(text=text) for text in texts))


def limitations_section(report: SurvivalReport, sections: Sequence[Section]) -> Section:
    """What these results can't show.

    Parameters
    ----------
    report : SurvivalReport
        With its own limitations and the notes of the map.
    sections : sequence of Section
        Every section that was computed.

    Returns
    -------
    Section
        A list.
    """
    said = [*report.limitations, *(text for section in sections for text in section.limitations)]
    blocks = tuple(Paragraph(text=text, kind="item") for text in dict.fromkeys(said))
    return Section(key="limitations", title="Limitations", blocks=blocks)


def references_section(sections: Sequence[Section]) -> Section:
    """The papers behind the methods in use.

    Parameters
    ----------
    sections : sequence of Section
        Every section that was computed.

    Returns
    -------
    Section
        A list in alphabetical order, each paper once.
    """
    cited = {*REFERENCES, *(paper for section in sections for paper in section.references)}
    blocks = tuple(Paragraph(text=paper, kind="item") for paper in sorted(cited, key=str.casefold))
    return Section(key="references", title="References", blocks=blocks)
