"""Small steps that every slice shares: numbers that may be missing, reasons instead of errors, results as plain data."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from igfstrat.analysis.results import Estimate, HazardRatio
from igfstrat.errors import DomainError, EstimationError
from igfstrat.survival import CoxResult, FineGrayResult, cox

SEED: Final = 20261120
LEVEL: Final = 0.95

Fit = Callable[[NDArray[np.bool_], NDArray[np.float64], Sequence[str]], CoxResult | FineGrayResult]


def finite(value: float) -> float | None:
    """A number, or None where there is none."""
    return float(value) if math.isfinite(value) else None


def attempt(estimate: Callable[[], Estimate]) -> Estimate:
    """An estimate, or the reason why these data give none."""
    try:
        return estimate()
    except (EstimationError, DomainError) as error:
        return Estimate(not_estimable=str(error))


def ratio_estimate(result: CoxResult | FineGrayResult, term: int = 0, step: float = 1.0) -> Estimate:
    """The hazard ratio of one term for a step of the covariate, with its interval."""
    if not math.isfinite(result.coef[term]):
        return Estimate(
            not_estimable="no finite hazard ratio: the events are separated by the groups or the marker"
        )
    return Estimate(
        value=_power(result.hazard_ratio[term], step),
        ci_lower=_power(result.ci_lower[term], step),
        ci_upper=_power(result.ci_upper[term], step),
        p_value=finite(result.p_value[term]),
    )


def _power(ratio: float, step: float) -> float | None:
    with np.errstate(over="ignore"):
        return finite(float(np.float64(ratio) ** step))


def cox_fit(time: NDArray[np.float64], event: NDArray[np.bool_]) -> Fit:
    """A Cox model of some rows, to be given their covariates."""

    def fit(rows: NDArray[np.bool_], design: NDArray[np.float64], names: Sequence[str]) -> CoxResult:
        return cox(time=time[rows], event=event[rows], covariates=design, names=names, level=LEVEL)

    return fit


def ratios_to_first(
    fit: Fit, *, event: NDArray[np.bool_], codes: NDArray[np.int64], labels: Sequence[str]
) -> tuple[HazardRatio, ...]:
    """Hazard ratio of each group against the first, from one model; a reason for each that has none.

    A group without events has a ratio of 0 and drops out of every risk set in that limit, so that the others are
    estimated without it.
    """
    with_events = [i for i in range(len(labels)) if event[codes == i].any()]
    terms = [i for i in with_events if i > 0]
    if len(labels) < 2:
        return ()
    reasons = {i: f"no events in {labels[i]}" for i in range(len(labels)) if i not in with_events}
    if 0 in reasons or not terms:
        why = reasons.get(0, "no other group has events")
        estimates = [Estimate(not_estimable=reasons.get(i, why)) for i in range(1, len(labels))]
    else:
        found = _fit_terms(fit, codes, with_events, [labels[i] for i in terms])
        estimates = [
            Estimate(not_estimable=reasons[i]) if i in reasons else found[terms.index(i)]
            for i in range(1, len(labels))
        ]
    return tuple(
        HazardRatio(term=label, reference=labels[0], estimate=estimate)
        for label, estimate in zip(labels[1:], estimates, strict=True)
    )


def _fit_terms(
    fit: Fit, codes: NDArray[np.int64], fitted: Sequence[int], names: Sequence[str]
) -> list[Estimate]:
    rows = np.isin(codes, fitted)
    design = np.column_stack([(codes[rows] == i).astype(np.float64) for i in fitted if i > 0])
    try:
        # terms are named by place, since labels of data may repeat or be empty
        result = fit(rows, design, [f"group {i + 2}" for i in range(len(names))])
    except (EstimationError, DomainError) as error:
        return [Estimate(not_estimable=str(error))] * len(names)
    return [ratio_estimate(result, i) for i in range(len(names))]


def to_plain(value: Any) -> Any:
    """A result as dicts, lists, numbers and text, every number at full precision; None for what is not finite."""
    if isinstance(value, HazardRatio):  # flat, as everywhere in report.json
        return value.to_dict()
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: to_plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, np.ndarray | np.generic):
        return to_plain(value.tolist())
    if isinstance(value, dict):
        return {str(key): to_plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [to_plain(item) for item in value]
    return finite(value) if isinstance(value, float) else value
