"""What the results say, in plain words, from the numbers themselves."""

from __future__ import annotations

from typing import Final

from igfstrat.analysis import FEW_EVENTS, EndpointResult, Estimate, EvidenceLine, SurvivalReport
from igfstrat.report.formatting import format_interval, format_label, format_number, format_p

_TEST_NAMES: Final = {
    "logrank": "log-rank test",
    "stratified_logrank": "log-rank test within strata",
    "rmst_difference": "difference in restricted mean survival time",
}


def headline_estimate(result: EndpointResult) -> Estimate:
    """The plan's test.

    Parameters
    ----------
    result : EndpointResult
        One endpoint.

    Returns
    -------
    Estimate
        Its value and p, or why there is none.
    """
    found = {
        "logrank": result.logrank,
        "stratified_logrank": result.stratified_logrank,
        "rmst_difference": result.rmst_difference,
    }[result.headline]
    return found or Estimate(not_estimable="it compares two groups")


def summary(report: SurvivalReport, result: EndpointResult) -> list[str]:
    """What one endpoint shows, and what it doesn't.

    Parameters
    ----------
    report : SurvivalReport
        For the grouping and the error rate.
    result : EndpointResult
        One endpoint.

    Returns
    -------
    list of str
        Sentences.
    """
    groups = ", ".join(f"{format_label(g.label)} (n = {g.n}, {g.n_events} events)" for g in result.groups)
    said = [
        f"{result.title} was compared by {report.grouping.title} in {result.n} patients with {result.n_events} events: {groups}."
    ]
    test = headline_estimate(result)
    alpha = float(report.settings["alpha"])
    if test.not_estimable or test.p_value is None:
        said.append(
            f"The planned comparison ({_TEST_NAMES[result.headline]}) can't be made: {test.not_estimable}."
        )
    elif test.p_value < alpha:
        said.append(
            f"The groups differ by the planned {_TEST_NAMES[result.headline]} (p {_with_relation(test.p_value)}, threshold {alpha:g})."
        )
    else:
        said.append(
            f"The planned {_TEST_NAMES[result.headline]} shows no difference (p {_with_relation(test.p_value)}, threshold {alpha:g}); "
            "that is no proof that there is none."
        )
    said += _effect(result) + _assumption(result, alpha) + _zero_times(result)
    return said


def _with_relation(p: float) -> str:
    text = format_p(p)
    return text if text.startswith("<") else f"= {text}"


def _effect(result: EndpointResult) -> list[str]:
    said = []
    few = {g.label for g in result.groups if g.n_events < FEW_EVENTS}
    sure = [
        r for r in result.hazard_ratios if r.estimate.value is not None and not {r.term, r.reference} & few
    ]
    if sure:
        listed = ", ".join(f"{format_interval(r.estimate)} for {format_label(r.term)}" for r in sure)
        said.append(
            f"Against {format_label(sure[0].reference)}, the hazard ratio is {listed} (95 % interval in brackets)."
        )
    for ratio in result.hazard_ratios:
        if ratio.estimate.value is None:
            said.append(
                f"No hazard ratio of {format_label(ratio.term)} can be given: {ratio.estimate.not_estimable}."
            )
        elif ratio not in sure:
            low, high = format_number(ratio.estimate.ci_lower), format_number(ratio.estimate.ci_upper)
            said.append(
                f"With fewer than {FEW_EVENTS} events in a group no hazard ratio is stated for {format_label(ratio.term)} against "
                f"{format_label(ratio.reference)}; the data exclude values below {low} and above {high}."
            )
    if result.continuous and result.continuous.estimate.value is not None:
        said.append(
            f"Without any cut, the hazard ratio per unit of {result.continuous.term} is {format_interval(result.continuous.estimate)}."
        )
    return said


def _assumption(result: EndpointResult, alpha: float) -> list[str]:
    p = result.proportional_hazards.p_value
    if p is None or p >= alpha:
        return []
    more = ""
    if result.rmst_difference and result.rmst_difference.value is not None:
        more = (
            f" The difference in mean survival time up to {format_number(result.rmst_tau, 1)} months, "
            f"{format_interval(result.rmst_difference, 1)} months, doesn't rest on it."
        )
    return [
        f"Hazards are not proportional (p {_with_relation(p)}): a hazard ratio averages over an effect that changes with time.{more}"
    ]


def _zero_times(result: EndpointResult) -> list[str]:
    if not result.n_zero_time:
        return []
    n, events = result.n_zero_time, result.n_zero_time_events
    return [
        f"{n} patient{'s have' if n != 1 else ' has'} time 0 ({events} with an event, which counts at 0; a patient censored at 0 adds nothing)."
    ]


def evidence_sentences(report: SurvivalReport, line: EvidenceLine) -> list[str]:
    """What was reported before, beside this comparison.

    Parameters
    ----------
    report : SurvivalReport
        For the grouping and the disease.
    line : EvidenceLine
        The registry's answer.

    Returns
    -------
    list of str
        Sentences; one that says so where the registry has nothing.
    """
    what = f"{report.grouping.title} and {line.endpoint.upper()}"
    if report.grouping.biomarker is None:
        return [f"The evidence registry is not asked about {report.grouping.title}."]
    if not line.entries:
        where = f" in {report.disease} cancer" if report.disease else " (the cohort names no single disease)"
        return [f"The evidence registry holds no evidence on {what}{where}."]
    start = "The reports conflict." if line.verdict == "conflicting" else ""
    said = [start] if start else []
    for e in line.entries:
        number = ""
        if e["estimate"] is not None:
            estimate = Estimate(value=e["estimate"], ci_lower=e["ci_lower"], ci_upper=e["ci_upper"])
            number = f", {e['measure']} {format_interval(estimate) if e['ci_lower'] is not None else format_number(e['estimate'], 3)}"
        said.append(
            f"Reported ({e['subgroup']}): {e['direction']} for the high level{number}; {e['note']}. {e['source']} [{e['id']}]."
        )
    return said


def methods(report: SurvivalReport) -> list[str]:
    """How it was done, from the options actually used.

    Parameters
    ----------
    report : SurvivalReport
        The results.

    Returns
    -------
    list of str
        Sentences.
    """
    reference = report.endpoints[0].groups[0].label if report.endpoints and report.endpoints[0].groups else ""
    return [
        f"Groups: {report.grouping.title}; {report.grouping.rule}."
        if report.grouping.rule
        else f"Groups: {report.grouping.title}.",
        "Survival was estimated by Kaplan–Meier with log-log 95 % intervals (Greenwood variance); times are in months of 30.4375 days.",
        f"The headline test, decided in the plan, is the {_TEST_NAMES[report.settings['headline']]}, two-sided at {float(report.settings['alpha']):g}.",
        f"Hazard ratios come from a Cox model with Efron's handling of ties, {format_label(reference)} as reference, with Wald intervals; "
        "proportional hazards were examined by the score test against Kaplan–Meier time.",
        f"Restricted mean survival times are compared up to {_horizon(report)}, with Greenwood-type variance.",
        "Follow-up is the median by reverse Kaplan–Meier.",
        "Made with " + ", ".join(f"{name} {version}" for name, version in report.versions.items()) + ".",
    ]


def _horizon(report: SurvivalReport) -> str:
    rmst = report.settings["rmst"]
    for unit in ("years", "months"):
        if rmst[unit] is not None:
            return f"{rmst[unit]:g} {unit}"
    return "the smaller of the two largest observed times"
