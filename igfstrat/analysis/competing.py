"""Competing risks: incidence of each cause by group, tests and hazard ratios, all from `igfstrat.survival`.

An event whose cause isn't stated is kept as a cause of its own: leaving it out would remove patients because
they had an event, and make every incidence too small. The incidence of a stated cause is then a lower bound.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from igfstrat.analysis._estimating import LEVEL, Fit, cox_fit, finite, ratios_to_first, to_plain
from igfstrat.analysis.results import Estimate, HazardRatio
from igfstrat.analysis.settings import AnalysisSettings
from igfstrat.cohort import Endpoint
from igfstrat.errors import DomainError, EstimationError
from igfstrat.survival import CumulativeIncidence, FineGrayResult, aalen_johansen, fine_gray, gray_test

NOT_STATED: Final = "cause not stated"


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidenceAt:
    """Cumulative incidence at one time.

    Parameters
    ----------
    months : float
        The time.
    incidence : Estimate
        Probability of the cause up to and including it.
    """

    months: float
    incidence: Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidenceCurve:
    """Aalen–Johansen estimate of one cause in one group.

    Parameters
    ----------
    cause : str
        The cause.
    n_events : int
        Its events.
    incidence, ci_lower, ci_upper : ndarray of float64, shape (m,)
        Probability at each of the group's times, with log-log limits; NaN limits before the first event.
    milestones : tuple of IncidenceAt
        At the plan's times.
    """

    cause: str
    n_events: int
    incidence: NDArray[np.float64]
    ci_lower: NDArray[np.float64]
    ci_upper: NDArray[np.float64]
    milestones: tuple[IncidenceAt, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidenceGroup:
    """One group.

    Parameters
    ----------
    label : str
        Its name.
    n : int
        Patients.
    time : ndarray of float64, shape (m,)
        Distinct times in months, ascending.
    n_at_risk : ndarray of int64, shape (m,)
        Patients at risk just before each.
    curves : tuple of IncidenceCurve
        One a cause, in the order of the result; empty where there are no events.
    not_estimable : str or None
        Why there is no curve.
    """

    label: str
    n: int
    time: NDArray[np.float64]
    n_at_risk: NDArray[np.int64]
    curves: tuple[IncidenceCurve, ...]
    not_estimable: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CauseComparison:
    """The groups compared on one cause.

    Parameters
    ----------
    cause : str
        The cause.
    n_events : int
        Its events in all groups.
    gray : Estimate
        Chi-square and p-value of Gray's test of equal incidence.
    subdistribution : tuple of HazardRatio
        Fine–Gray ratio of each group against the first: how incidence differs.
    cause_specific : tuple of HazardRatio
        Cox ratio with other causes as censored: how the rate among those still event-free differs.
    """

    cause: str
    n_events: int
    gray: Estimate
    subdistribution: tuple[HazardRatio, ...]
    cause_specific: tuple[HazardRatio, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CompetingResult:
    """Competing risks of one endpoint by group.

    Parameters
    ----------
    endpoint, endpoint_title : str
        Endpoint.
    cause_of_interest : str or None
        The cause that comes first; None where the plan names none.
    causes : tuple of str
        All causes, the one of interest first, "cause not stated" last.
    n, n_events, n_without_cause : int
        Patients, events of any cause, and events whose cause isn't stated.
    level : float
        Coverage of the intervals.
    groups : tuple of IncidenceGroup
        In their order; the first is the reference.
    comparisons : tuple of CauseComparison
        One a stated cause.
    not_estimable : str or None
        Why there is nothing to compare.
    """

    endpoint: str
    endpoint_title: str
    cause_of_interest: str | None
    causes: tuple[str, ...]
    n: int
    n_events: int
    n_without_cause: int
    level: float
    groups: tuple[IncidenceGroup, ...]
    comparisons: tuple[CauseComparison, ...]
    not_estimable: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """For `report.json`.

        Returns
        -------
        dict
            Fields by name, the whole curves too.
        """
        found: dict[str, Any] = to_plain(self)
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class _Data:
    """Rows of the comparison: causes as 0 = censored, 1, 2, … in the order of `causes`."""

    time: NDArray[np.float64]
    cause: NDArray[np.int64]
    group: NDArray[np.int64]
    causes: tuple[str, ...]
    labels: tuple[str, ...]


def analyse_competing(
    endpoint: Endpoint,
    *,
    groups: NDArray[np.object_],
    order: Sequence[str],
    settings: AnalysisSettings,
    cause_of_interest: str | None = None,
) -> CompetingResult:
    """Compare the incidence of each cause between groups.

    Parameters
    ----------
    endpoint : Endpoint
        Times in months, events and causes.
    groups : ndarray of object, shape (n_rows,)
        Group of each row; None for a row in none.
    order : sequence of str
        Groups in the order of the report; the first is the reference.
    settings : AnalysisSettings
        The plan's: its milestones.
    cause_of_interest : str, optional
        The cause that comes first; all causes are compared in any case.

    Returns
    -------
    CompetingResult
        With reasons where something can't be estimated.
    """
    data = _read(endpoint, groups, order, cause_of_interest)
    why = _why_not(endpoint, data, cause_of_interest)
    stated = [i for i, cause in enumerate(data.causes) if cause != NOT_STATED]
    return CompetingResult(
        endpoint=endpoint.name,
        endpoint_title=endpoint.title,
        cause_of_interest=cause_of_interest,
        causes=data.causes,
        n=len(data.time),
        n_events=int((data.cause > 0).sum()),
        n_without_cause=_n_of(data, NOT_STATED),
        level=LEVEL,
        groups=() if why else tuple(_group(data, i, settings) for i in range(len(data.labels))),
        comparisons=() if why else tuple(_compare(data, i) for i in stated),
        not_estimable=why,
    )


def _read(endpoint: Endpoint, groups: NDArray[np.object_], order: Sequence[str], first: str | None) -> _Data:
    keep = ~pd.isna(groups) & endpoint.usable
    event, labels = endpoint.event[keep], groups[keep].astype(str)
    found = np.full(len(event), None, dtype=object) if endpoint.cause is None else endpoint.cause[keep]
    causes = pd.Series(found[event], dtype=object).fillna(NOT_STATED).astype(str)
    stated = set(causes) - {NOT_STATED}
    named = ([first] if first in stated else []) + sorted(stated - {first or ""})
    known = tuple(named) + ((NOT_STATED,) if (causes == NOT_STATED).any() else ())
    codes = np.zeros(len(event), dtype=np.int64)
    codes[event] = pd.Categorical(causes, categories=known).codes.astype(np.int64) + 1
    there = set(labels)
    present = tuple(label for label in order if label in there)
    return _Data(
        time=endpoint.time[keep],
        cause=codes,
        group=pd.Categorical(labels, categories=present).codes.astype(np.int64),
        causes=known,
        labels=present,
    )


def _why_not(endpoint: Endpoint, data: _Data, first: str | None) -> str | None:
    if endpoint.cause is None:
        return "the cohort states no cause of its events"
    if len(data.time) == 0:
        return "no patient has both a group and the endpoint"
    if not (data.cause > 0).any():
        return "no events"
    if set(data.causes) <= {NOT_STATED}:
        return "no event among these patients has a stated cause"
    if first is not None and first not in data.causes:
        return f"no event of the cause of interest, {first}"
    return None


def _n_of(data: _Data, cause: str) -> int:
    return int((data.cause == data.causes.index(cause) + 1).sum()) if cause in data.causes else 0


def _group(data: _Data, i: int, settings: AnalysisSettings) -> IncidenceGroup:
    inside = data.group == i
    time, cause = data.time[inside], data.cause[inside]
    try:
        found = aalen_johansen(time=time, cause=cause, level=LEVEL)
    except (EstimationError, DomainError):
        nothing = np.empty(0, dtype=np.int64)
        return IncidenceGroup(
            label=data.labels[i], n=len(time), time=np.empty(0), n_at_risk=nothing, curves=(), not_estimable="no events"
        )  # fmt: skip
    times = settings.milestones.in_months
    return IncidenceGroup(
        label=data.labels[i],
        n=len(time),
        time=found.time,
        n_at_risk=found.n_at_risk,
        curves=tuple(_curve(found, code + 1, cause, times) for code, cause in enumerate(data.causes)),
    )


def _curve(found: CumulativeIncidence, code: int, cause: str, times: Sequence[float]) -> IncidenceCurve:
    if code in found.causes:
        row = found.causes.index(code)
        incidence, n_events = found.incidence[row], int(found.n_events[row].sum())
        some = incidence > 0
        lower, upper = (np.where(some, side[row], np.nan) for side in (found.ci_lower, found.ci_upper))
    else:
        incidence, n_events = np.zeros(len(found.time)), 0
        lower = upper = np.full(len(found.time), np.nan)
    milestones = tuple(_at(found, incidence, lower, upper, months) for months in times)
    return IncidenceCurve(
        cause=cause, n_events=n_events, incidence=incidence, ci_lower=lower, ci_upper=upper, milestones=milestones
    )  # fmt: skip


def _at(
    found: CumulativeIncidence,
    incidence: NDArray[np.float64],
    lower: NDArray[np.float64],
    upper: NDArray[np.float64],
    months: float,
) -> IncidenceAt:
    place = int(np.searchsorted(found.time, months, side="right")) - 1
    if months > found.time[-1] and found.survival[-1] > 0:
        return IncidenceAt(months=months, incidence=Estimate(not_estimable="beyond the last follow-up"))
    if place < 0 or incidence[place] == 0:
        none_yet = Estimate(value=0.0, not_estimable="no event of this cause yet, so no interval")
        return IncidenceAt(months=months, incidence=none_yet)
    estimate = Estimate(
        value=float(incidence[place]), ci_lower=finite(lower[place]), ci_upper=finite(upper[place])
    )
    return IncidenceAt(months=months, incidence=estimate)


def _compare(data: _Data, i: int) -> CauseComparison:
    event = data.cause == i + 1
    ratios = {
        name: ratios_to_first(fit, event=event, codes=data.group, labels=data.labels)
        for name, fit in (("subdistribution", _fine_gray(data, i + 1)), ("cause_specific", cox_fit(data.time, event)))
    }  # fmt: skip
    return CauseComparison(cause=data.causes[i], n_events=int(event.sum()), gray=_gray(data, i + 1), **ratios)


def _fine_gray(data: _Data, code: int) -> Fit:
    def fit(rows: NDArray[np.bool_], design: NDArray[np.float64], names: Sequence[str]) -> FineGrayResult:
        return fine_gray(
            time=data.time[rows], cause=data.cause[rows], covariates=design, names=names, cause_of_interest=code,
            level=LEVEL,
        )  # fmt: skip

    return fit


def _gray(data: _Data, code: int) -> Estimate:
    if len(data.labels) < 2:
        return Estimate(not_estimable="only one group")
    try:
        test = gray_test(time=data.time, cause=data.cause, groups=data.group)
    except (EstimationError, DomainError) as error:
        return Estimate(not_estimable=str(error))
    row = test.causes.index(code)
    return Estimate(
        value=finite(test.statistic[row]),
        p_value=finite(test.p_value[row]),
        not_estimable=test.not_estimable[row],
    )
