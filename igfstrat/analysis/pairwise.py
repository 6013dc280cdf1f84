"""What a comparison of groups leaves open: which pairs differ, whether there is a trend, and when the effect happens.

Tests and hazard ratios are those of `igfstrat.survival`. The piecewise ratios describe hazards that are not
proportional; where the time was split is a choice, so that they carry no p-value.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from igfstrat.analysis._estimating import LEVEL, cox_fit, finite, ratios_to_first, to_plain
from igfstrat.analysis.results import Estimate, HazardRatio
from igfstrat.analysis.settings import AnalysisSettings
from igfstrat.cohort import Endpoint
from igfstrat.errors import DomainError, EstimationError
from igfstrat.survival import pairwise_logrank, survival_difference, trend_logrank

_ADJUST: Final = "holm"


@dataclass(frozen=True, slots=True, kw_only=True)
class PairComparison:
    """Two groups.

    Parameters
    ----------
    first, second : str
        Groups in the order of the report.
    hazard_ratio : HazardRatio
        Second against first, from a Cox model of these two groups.
    logrank : Estimate
        Chi-square with its p-value, not corrected.
    p_corrected : float or None
        The p-value corrected for the number of pairs (Holm): the one to report.
    """

    first: str
    second: str
    hazard_ratio: HazardRatio
    logrank: Estimate
    p_corrected: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SurvivalDifferenceAt:
    """Difference of survival of two groups at one time.

    Parameters
    ----------
    months : float
        The time.
    first, second : str
        Groups.
    difference : Estimate
        Second minus first, as probabilities.
    """

    months: float
    first: str
    second: str
    difference: Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class PiecewiseHazard:
    """Hazard ratios before and after a time.

    Parameters
    ----------
    months : float or None
        Where time is split; None where there is no such time.
    chosen : str
        ``first milestone`` of the plan, or ``median event time`` of the data.
    n_events_early, n_events_late : int
        Events up to and including the split, and after it.
    early, late : tuple of HazardRatio
        Each group against the first; the late ones among patients event-free and followed beyond the split.
    not_estimable : str or None
        Why there is no split.
    """

    months: float | None
    chosen: Literal["first milestone", "median event time"]
    n_events_early: int
    n_events_late: int
    early: tuple[HazardRatio, ...]
    late: tuple[HazardRatio, ...]
    not_estimable: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PairwiseResult:
    """Beyond one test of all groups.

    Parameters
    ----------
    endpoint, endpoint_title : str
        Endpoint.
    n, n_events : int
        Patients and events.
    groups : tuple of str
        In their order.
    level, alpha : float
        Coverage of the intervals, and the plan's error rate.
    adjust : str
        Correction of the pairs: ``holm``.
    n_pairs : int
        Pairs for which it corrects.
    pairs : tuple of PairComparison
        All pairs; empty with fewer than two groups.
    trend : Estimate or None
        Chi-square and p-value of the log-rank test for trend; None unless three or more ordered groups.
    differences : tuple of SurvivalDifferenceAt
        At the plan's milestones; empty unless two groups.
    piecewise : PiecewiseHazard
        Early and late hazard ratios.
    not_estimable : str or None
        Why nothing can be compared.
    """

    endpoint: str
    endpoint_title: str
    n: int
    n_events: int
    groups: tuple[str, ...]
    level: float
    alpha: float
    adjust: str
    n_pairs: int
    pairs: tuple[PairComparison, ...]
    trend: Estimate | None
    differences: tuple[SurvivalDifferenceAt, ...]
    piecewise: PiecewiseHazard
    not_estimable: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """For `report.json`.

        Returns
        -------
        dict
            Fields by name.
        """
        found: dict[str, Any] = to_plain(self)
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class _Data:
    time: NDArray[np.float64]
    event: NDArray[np.bool_]
    codes: NDArray[np.int64]
    labels: tuple[str, ...]

    def has_events(self, i: int) -> bool:
        return bool(self.event[self.codes == i].any())


def analyse_pairwise(
    endpoint: Endpoint,
    *,
    groups: NDArray[np.object_],
    order: Sequence[str],
    settings: AnalysisSettings,
    ordered: bool = False,
) -> PairwiseResult:
    """Compare all pairs of groups, test for trend, and look at early and late effects.

    Parameters
    ----------
    endpoint : Endpoint
        Times in months and events.
    groups : ndarray of object, shape (n_rows,)
        Group of each row; None for a row in none.
    order : sequence of str
        Groups in the order of the report; the first is the reference.
    settings : AnalysisSettings
        The plan's: milestones and error rate.
    ordered : bool
        Whether `order` means more and more of something, as stage does and a subtype doesn't.

    Returns
    -------
    PairwiseResult
        With reasons where something can't be estimated.

    References
    ----------
    .. [1] Holm S. A simple sequentially rejective multiple test procedure. Scand J Stat 1979;6:65-70.
    .. [2] Klein JP, Logan B, Harhoff M, Andersen PK. Analyzing survival curves at a fixed point in time. Stat
       Med 2007;26:4505-4519.
    """
    keep = ~pd.isna(groups) & endpoint.usable
    words = groups[keep].astype(str)
    found = set(words)
    labels = tuple(label for label in order if label in found)
    codes = pd.Categorical(words, categories=labels).codes.astype(np.int64)
    data = _Data(time=endpoint.time[keep], event=endpoint.event[keep], codes=codes, labels=labels)
    milestones = settings.milestones.in_months
    pairs = _pairs(data)
    return PairwiseResult(
        endpoint=endpoint.name,
        endpoint_title=endpoint.title,
        n=len(codes),
        n_events=int(data.event.sum()),
        groups=labels,
        level=LEVEL,
        alpha=settings.alpha,
        adjust=_ADJUST,
        n_pairs=sum(pair.p_corrected is not None for pair in pairs),
        pairs=pairs,
        trend=_trend(data) if ordered and len(labels) > 2 else None,
        differences=_differences(data, milestones) if len(labels) == 2 else (),
        piecewise=_piecewise(data, milestones),
        not_estimable=None if len(labels) > 1 else "only one group" if labels else "no patient",
    )


def _pairs(data: _Data) -> tuple[PairComparison, ...]:
    if len(data.labels) < 2:
        return ()
    found = pairwise_logrank(time=data.time, event=data.event, groups=data.codes, adjust=_ADJUST, level=LEVEL)
    return tuple(_pair(data, found, row, int(a), int(b)) for row, (a, b) in enumerate(found.pairs))


def _pair(data: _Data, found: Any, row: int, a: int, b: int) -> PairComparison:
    without = [data.labels[i] for i in (a, b) if not data.has_events(i)]
    why = f"no events in {' and '.join(without)}" if without else found.not_estimable[row]
    ratio = Estimate(not_estimable=why) if why else Estimate(
        value=finite(found.hazard_ratio[row]), ci_lower=finite(found.ci_lower[row]), ci_upper=finite(found.ci_upper[row])
    )  # fmt: skip
    statistic = finite(found.statistic[row])
    return PairComparison(
        first=data.labels[a],
        second=data.labels[b],
        hazard_ratio=HazardRatio(term=data.labels[b], reference=data.labels[a], estimate=ratio),
        logrank=Estimate(
            value=statistic,
            p_value=finite(found.p_value[row]),
            not_estimable=why if statistic is None else None,
        ),
        p_corrected=finite(found.p_adjusted[row]),
    )


def _trend(data: _Data) -> Estimate:
    try:
        test = trend_logrank(time=data.time, event=data.event, groups=data.codes)
    except (EstimationError, DomainError) as error:
        return Estimate(not_estimable=str(error))
    return Estimate(
        value=finite(test.statistic), p_value=finite(test.p_value), not_estimable=test.not_estimable
    )


def _differences(data: _Data, milestones: Sequence[float]) -> tuple[SurvivalDifferenceAt, ...]:
    if not milestones:
        return ()
    found = survival_difference(
        time=data.time, event=data.event, groups=data.codes, at=np.array(milestones), level=LEVEL
    )
    first, second = data.labels
    return tuple(
        SurvivalDifferenceAt(months=months, first=first, second=second, difference=_difference(found, i))
        for i, months in enumerate(milestones)
    )


def _difference(found: Any, i: int) -> Estimate:
    """A difference with its normal interval; none where a group's error is unknown (survival 0 or 1)."""
    if not np.isfinite(found.difference[i]):
        return Estimate(not_estimable=found.not_estimable[i])
    certain = ((found.survival[:, i] <= 0) | (found.survival[:, i] >= 1)).any()
    if certain:
        return Estimate(value=float(found.difference[i]), not_estimable=found.not_estimable[i])
    return Estimate(
        value=float(found.difference[i]),
        ci_lower=finite(found.ci_lower[i]),
        ci_upper=finite(found.ci_upper[i]),
        p_value=finite(found.p_value[i]),
    )


def _piecewise(data: _Data, milestones: Sequence[float]) -> PiecewiseHazard:
    months, chosen = _split(data, milestones)
    if months is None or len(data.labels) < 2:
        why = "only one group" if len(data.labels) < 2 else "no time has events both before and after it"
        return PiecewiseHazard(
            months=None, chosen=chosen, n_events_early=0, n_events_late=0, early=(), late=(), not_estimable=why
        )  # fmt: skip
    is_early = data.event & (data.time <= months)
    beyond = data.time > months
    early = ratios_to_first(
        cox_fit(np.minimum(data.time, months), is_early), event=is_early, codes=data.codes, labels=data.labels
    )
    # nobody enters later, so leaving out who did not get that far is left truncation
    late = ratios_to_first(
        cox_fit(data.time[beyond], data.event[beyond]), event=data.event[beyond], codes=data.codes[beyond],
        labels=data.labels,
    )  # fmt: skip
    return PiecewiseHazard(
        months=months,
        chosen=chosen,
        n_events_early=int(is_early.sum()),
        n_events_late=int(data.event[beyond].sum()),
        early=_without_p(early),
        late=_without_p(late),
    )


def _without_p(ratios: tuple[HazardRatio, ...]) -> tuple[HazardRatio, ...]:
    return tuple(replace(ratio, estimate=replace(ratio.estimate, p_value=None)) for ratio in ratios)


def _split(
    data: _Data, milestones: Sequence[float]
) -> tuple[float | None, Literal["first milestone", "median event time"]]:
    """The plan's first milestone where both pieces have events, else the median event time."""
    events = data.time[data.event]
    for months in milestones[:1]:
        if (events <= months).any() and (events > months).any():
            return float(months), "first milestone"
    if len(events) == 0:
        return None, "median event time"
    median = float(np.quantile(events, 0.5, method="inverted_cdf"))
    return (median if (events > median).any() else None), "median event time"
