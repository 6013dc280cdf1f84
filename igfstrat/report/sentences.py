"""What the results say, in plain words, from the numbers themselves."""

from __future__ import annotations

from typing import Final

from igfstrat.analysis import FEW_EVENTS, EndpointResult, Estimate, HazardRatio, SurvivalReport
from igfstrat.report.formatting import format_interval, format_label, format_number, format_p

TEST_NAMES: Final = {
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
        Sentences: those of `key_sentences`, then those of `detail_sentences`.
    """
    return key_sentences(report, result) + detail_sentences(report, result)


def key_sentences(report: SurvivalReport, result: EndpointResult) -> list[str]:
    """What was compared, in how many, and what was found.

    Under hazards that are not proportional the difference in mean survival time stands for the effect, and no hazard
    ratio is stated.

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
    alpha = float(report.settings["alpha"])
    said = [_compared(report, result), _tested(report, result, alpha)]
    if is_not_proportional(result, alpha):
        return [*said, *_changing_effect(result)]
    return [*said, *_hazard_ratio(result), *_mean_time(result)]


def detail_sentences(report: SurvivalReport, result: EndpointResult) -> list[str]:
    """What else must be known of one endpoint: estimates without a cut, and times of 0.

    Parameters
    ----------
    report : SurvivalReport
        For the error rate.
    result : EndpointResult
        One endpoint.

    Returns
    -------
    list of str
        Sentences.
    """
    said = []
    if is_not_proportional(result, float(report.settings["alpha"])):
        said.append(
            "The hazard ratios in the table below average over an effect that changes with time; "
            "their size depends on how long the patients were followed."
        )
    if result.continuous and result.continuous.estimate.value is not None:
        said.append(
            f"Without any cut, the hazard ratio per unit of {result.continuous.term} is {format_interval(result.continuous.estimate)}."
        )
    return said + _zero_times(result)


def is_not_proportional(result: EndpointResult, alpha: float) -> bool:
    """Whether the test of proportional hazards rejects.

    Parameters
    ----------
    result : EndpointResult
        One endpoint.
    alpha : float
        Threshold.

    Returns
    -------
    bool
        False also where the test can't be made.
    """
    p = result.proportional_hazards.p_value
    return p is not None and p < alpha


def _compared(report: SurvivalReport, result: EndpointResult) -> str:
    groups = ", ".join(f"{format_label(g.label)} (n = {g.n}, {g.n_events} events)" for g in result.groups)
    return (
        f"{result.title} was compared by {report.grouping.title} in {result.n} patients with {result.n_events} events"
        f"{': ' + groups if groups else ''}."
    )


def _tested(report: SurvivalReport, result: EndpointResult, alpha: float) -> str:
    test = headline_estimate(result)
    name = TEST_NAMES[result.headline]
    if test.not_estimable or test.p_value is None:
        return f"The planned comparison ({name}) can't be made: {test.not_estimable}."
    n = len(report.endpoints)
    uncorrected = f", not corrected for the {n} endpoints compared" if n > 1 else ""
    by_these_data = ", at a cut that these data chose" if "this cohort" in report.grouping.rule else ""
    numbers = f"(p {_with_relation(test.p_value)}, threshold {alpha:g}{uncorrected}{by_these_data})"
    if test.p_value < alpha:
        return f"The groups differ by the planned {name} {numbers}."
    return f"The planned {name} shows no difference {numbers}; that is no proof that there is none."


def _with_relation(p: float) -> str:
    text = format_p(p)
    return text if text.startswith("<") else f"= {text}"


def _hazard_ratio(result: EndpointResult) -> list[str]:
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
    return said + _unsure([ratio for ratio in result.hazard_ratios if ratio not in sure])


def _unsure(ratios: list[HazardRatio]) -> list[str]:
    """No hazard ratio as a headline: why, and what the data exclude all the same."""
    said = [
        f"No hazard ratio of {format_label(r.term)} can be given: {r.estimate.not_estimable}."
        for r in ratios
        if r.estimate.value is None
    ]
    few = [r for r in ratios if r.estimate.value is not None]
    if few:
        excluded = ", ".join(
            f"below {format_number(r.estimate.ci_lower)} and above {format_number(r.estimate.ci_upper)} for {format_label(r.term)}"
            for r in few
        )
        said.append(
            f"With fewer than {FEW_EVENTS} events in a group no hazard ratio against {format_label(few[0].reference)} is stated; "
            f"the data exclude values {excluded}."
        )
    return said


def _mean_time(result: EndpointResult) -> list[str]:
    difference = result.rmst_difference
    if difference is None or difference.value is None or len(result.groups) != 2:
        return []
    reference, other = (format_label(group.label) for group in result.groups)
    return [
        f"Over the first {format_number(result.rmst_tau, 1)} months the mean survival time of {other} differs from that of "
        f"{reference} by {format_interval(difference, 1)} months."
    ]


def _changing_effect(result: EndpointResult) -> list[str]:
    p = _with_relation(result.proportional_hazards.p_value or 0.0)
    instead = _mean_time(result)
    also = (
        ""
        if result.headline == "rmst_difference"
        else (" The log-rank test compares whole curves and can miss, or misstate, such a difference.")
    )
    return [
        *instead,
        f"The effect changes with time (hazards are not proportional, p {p}), so that no single hazard ratio describes it.{also}",
    ]


def _zero_times(result: EndpointResult) -> list[str]:
    if not result.n_zero_time:
        return []
    n, events = result.n_zero_time, result.n_zero_time_events
    return [
        f"{n} patient{'s have' if n != 1 else ' has'} time 0 ({events} with an event, which counts at 0; a patient censored at 0 adds nothing)."
    ]
