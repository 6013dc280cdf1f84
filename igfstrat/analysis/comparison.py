"""Comparing groups on one endpoint: curves, tests, hazard ratios, all from `igfstrat.survival`.

The estimators say themselves what these data can't give; here their answers are put side by side,
so that a report always comes and each gap carries its reason.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from igfstrat.analysis.results import (
    EndpointResult,
    Estimate,
    FlowStep,
    GroupResult,
    HazardRatio,
    Milestone,
)
from igfstrat.analysis.settings import AnalysisSettings
from igfstrat.cohort import Endpoint
from igfstrat.errors import DomainError, EstimationError
from igfstrat.survival import (
    SurvivalCurve,
    cox,
    kaplan_meier,
    logrank,
    proportional_hazards_test,
    reverse_kaplan_meier,
    rmst_difference,
)

FEW_EVENTS: Final = 10


def compare_groups(
    endpoint: Endpoint,
    *,
    groups: NDArray[np.object_],
    order: Sequence[str],
    settings: AnalysisSettings,
    flow: Sequence[FlowStep],
    strata: NDArray[np.object_] | None = None,
    measure: tuple[str, NDArray[np.float64]] | None = None,
) -> EndpointResult:
    """Compare groups of patients on one endpoint.

    Parameters
    ----------
    endpoint : Endpoint
        Times in months and events.
    groups : ndarray of object, shape (n_rows,)
        Group of each row; None for a row in none.
    order : sequence of str
        Groups in the order of the report; the first is the reference.
    settings : AnalysisSettings
        The plan's.
    flow : sequence of FlowStep
        Steps up to and including the grouping.
    strata : ndarray of object, shape (n_rows,), optional
        Stratum of each row; rows without one are left out of the stratified test only.
    measure : tuple of str and ndarray of float64, shape (n_rows,), optional
        Title and values of the measure behind a status.

    Returns
    -------
    EndpointResult
        With reasons where something can't be estimated.
    """
    grouped = ~pd.isna(groups)
    keep = grouped & endpoint.usable
    time, event = endpoint.time[keep], endpoint.event[keep]
    labels = groups[keep].astype(str)
    present = [label for label in order if (labels == label).any()]
    data = {"time": time, "event": event}
    ratios, proportional = _hazard_ratios(data, labels, present)
    difference, tau = _rmst(data, labels, present, settings.rmst.in_months)
    return EndpointResult(
        name=endpoint.name,
        title=endpoint.title,
        definition=endpoint.definition,
        note=endpoint.note,
        flow=(*flow, _last_step(endpoint, grouped)),
        n=int(keep.sum()),
        n_events=int(event.sum()),
        n_zero_time=int((time == 0).sum()),
        n_zero_time_events=int(event[time == 0].sum()),
        groups=tuple(_group(data, labels == label, label, settings) for label in present),
        headline=settings.headline,
        logrank=_logrank(data, labels, present),
        stratified_logrank=None if strata is None else _stratified(data, labels, present, strata[keep]),
        hazard_ratios=ratios,
        proportional_hazards=proportional,
        rmst_difference=difference,
        rmst_tau=tau,
        continuous=None if measure is None else _continuous(data, measure[0], measure[1][keep]),
        follow_up=_follow_up(data),
    )


def _last_step(endpoint: Endpoint, grouped: NDArray[np.bool_]) -> FlowStep:
    out = grouped & ~endpoint.usable
    reasons = np.array(endpoint.reasons, dtype=object)[out]
    counts = {str(reason): int((reasons == reason).sum()) for reason in dict.fromkeys(reasons)}
    return FlowStep(
        label=f"analysed for {endpoint.name.upper()}",
        n=int((grouped & endpoint.usable).sum()),
        left_out=counts,
    )


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _attempt(estimate: Callable[[], Estimate]) -> Estimate:
    """An estimate, or the reason why these data give none."""
    try:
        return estimate()
    except (EstimationError, DomainError) as error:
        return Estimate(not_estimable=str(error))


def _group(
    data: dict[str, Any], inside: NDArray[np.bool_], label: str, settings: AnalysisSettings
) -> GroupResult:
    time, event = data["time"][inside], data["event"][inside]
    curve = kaplan_meier(time=time, event=event)
    return GroupResult(
        label=label,
        n=len(time),
        n_events=int(event.sum()),
        curve=curve,
        median=_median(curve),
        milestones=tuple(_milestone(curve, months) for months in settings.milestones.in_months),
    )


def _median(curve: SurvivalCurve) -> Estimate:
    median = curve.median
    reason = None if math.isfinite(median.value) else "not reached"
    return Estimate(
        value=_finite(median.value),
        ci_lower=_finite(median.ci_lower),
        ci_upper=_finite(median.ci_upper),
        not_estimable=reason,
    )


def _milestone(curve: SurvivalCurve, months: float) -> Milestone:
    at = curve.at([months])
    survival = _finite(at.survival[0])
    return Milestone(
        months=months,
        n_at_risk=int(at.n_at_risk[0]),
        survival=Estimate(
            value=survival,
            ci_lower=_finite(at.ci_lower[0]),
            ci_upper=_finite(at.ci_upper[0]),
            not_estimable="beyond the last follow-up" if survival is None else None,
        ),
    )


def _logrank(data: dict[str, Any], labels: NDArray[np.str_], present: list[str]) -> Estimate:
    if len(present) < 2:
        return Estimate(not_estimable="only one group")

    def estimate() -> Estimate:
        result = logrank(**data, groups=labels)
        return Estimate(
            value=_finite(result.statistic),
            p_value=_finite(result.p_value),
            not_estimable=result.not_estimable,
        )

    return _attempt(estimate)


def _stratified(
    data: dict[str, Any], labels: NDArray[np.str_], present: list[str], strata: NDArray[np.object_]
) -> Estimate:
    known = ~pd.isna(strata)
    if len(present) < 2 or not known.any():
        return Estimate(not_estimable="only one group" if len(present) < 2 else "no patient has all strata")

    def estimate() -> Estimate:
        result = logrank(
            time=data["time"][known],
            event=data["event"][known],
            groups=labels[known],
            strata=strata[known].astype(str),
        )
        return Estimate(
            value=_finite(result.statistic),
            p_value=_finite(result.p_value),
            not_estimable=result.not_estimable,
        )

    return _attempt(estimate)


def _hazard_ratios(
    data: dict[str, Any], labels: NDArray[np.str_], present: list[str]
) -> tuple[tuple[HazardRatio, ...], Estimate]:
    """Each group against the first, from one Cox model, and the test of its assumption.

    A group without events has a hazard ratio of 0; the others' estimates are what they would be without it, since its
    patients drop out of every risk set in that limit.
    """
    if len(present) < 2:
        return (), Estimate(not_estimable="only one group")
    reference = present[0]
    without = [label for label in present if not data["event"][labels == label].any()]
    terms = [label for label in present[1:] if label not in without]
    reasons = {label: f"no events in {label}" for label in without}
    if reference in without or not terms:
        why = Estimate(not_estimable=reasons.get(reference, "no other group has events"))
        return tuple(HazardRatio(term=t, reference=reference, estimate=why) for t in present[1:]), why
    fitted = ~np.isin(labels, without)
    design = np.column_stack([(labels[fitted] == term).astype(np.float64) for term in terms])
    try:
        result = cox(time=data["time"][fitted], event=data["event"][fitted], covariates=design, names=terms)
        estimates = {term: _cox_estimate(result, i) for i, term in enumerate(terms)}
        proportional = _attempt(lambda: _proportional(result))
    except (EstimationError, DomainError) as error:
        proportional = Estimate(not_estimable=str(error))
        estimates = dict.fromkeys(terms, proportional)
    estimates |= {label: Estimate(not_estimable=why) for label, why in reasons.items()}
    ratios = tuple(HazardRatio(term=t, reference=reference, estimate=estimates[t]) for t in present[1:])
    return ratios, proportional


def _cox_estimate(result: Any, term: int) -> Estimate:
    if result.not_estimable:
        return Estimate(not_estimable=result.not_estimable)
    return Estimate(
        value=_finite(result.hazard_ratio[term]),
        ci_lower=_finite(result.ci_lower[term]),
        ci_upper=_finite(result.ci_upper[term]),
        p_value=_finite(result.p_value[term]),
    )


def _proportional(result: Any) -> Estimate:
    if result.not_estimable:
        return Estimate(not_estimable=result.not_estimable)
    test = proportional_hazards_test(result)
    return Estimate(value=_finite(test.global_statistic), p_value=_finite(test.global_p_value))


def _rmst(
    data: dict[str, Any], labels: NDArray[np.str_], present: list[str], tau: float | None
) -> tuple[Estimate | None, float | None]:
    if len(present) != 2:
        return None, None
    # second group minus first in the order of the report, whatever the alphabet says
    ranks = np.where(labels == present[1], 1, 0)
    try:
        result = rmst_difference(**data, groups=ranks, tau=tau)
    except (EstimationError, DomainError) as error:
        return Estimate(not_estimable=str(error)), None
    estimate = Estimate(
        value=_finite(result.value),
        ci_lower=_finite(result.ci_lower),
        ci_upper=_finite(result.ci_upper),
        p_value=_finite(result.p_value),
        not_estimable=result.not_estimable,
    )
    return estimate, _finite(result.tau)


def _continuous(data: dict[str, Any], title: str, values: NDArray[np.float64]) -> HazardRatio:
    known = np.isfinite(values)

    def estimate() -> Estimate:
        result = cox(
            time=data["time"][known],
            event=data["event"][known],
            covariates=values[known][:, None],
            names=[title],
        )
        return _cox_estimate(result, 0)

    return HazardRatio(term=title, reference="per unit", estimate=_attempt(estimate))


def _follow_up(data: dict[str, Any]) -> Estimate:
    if len(data["time"]) == 0:
        return Estimate(not_estimable="no patient")
    return _attempt(lambda: _median(reverse_kaplan_meier(**data)))
