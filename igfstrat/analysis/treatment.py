"""The effect of a treatment by marker: within each group, and whether it differs between them.

That treated patients with one marker level live longer than treated patients with another is prognosis. It becomes
prediction only where the *effect* of the treatment differs by marker, which the interaction tests ask, on the hazard
scale and on that of mean survival time. Nothing is adjusted here; whether the treatment was allocated at random
the data don't say.

References
----------
.. [1] Clark GM. Prognostic factors versus predictive factors: examples from a clinical trial of erlotinib. Mol Oncol
   2008;1:406-412.
.. [2] Royston P, Parmar MKB. Restricted mean survival time: an alternative to the hazard ratio for the design and
   analysis of randomized trials with a time-to-event outcome. BMC Med Res Methodol 2013;13:152.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import chi2

from igfstrat.analysis._adjusted_model import FEWEST_EVENTS_PER_PARAMETER, likelihood_ratio
from igfstrat.analysis._estimating import attempt, finite, ratio_estimate
from igfstrat.analysis._treatment_results import (
    Interaction,
    TreatmentEffect,
    TreatmentMilestone,
    TreatmentResult,
)
from igfstrat.analysis.results import Estimate, Grouping
from igfstrat.analysis.settings import AnalysisSettings
from igfstrat.cohort import Endpoint
from igfstrat.errors import EstimationError
from igfstrat.survival import cox, rmst_difference, survival_difference

__all__ = ["Interaction", "TreatmentEffect", "TreatmentMilestone", "TreatmentResult", "analyse_treatment"]

FloatArray = NDArray[np.float64]
_ONE_ARM = "only one treatment in this group"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Arms:
    """Patients with group, treatment and endpoint; `treated` marks the experimental arm."""

    time: FloatArray
    event: NDArray[np.bool_]
    codes: NDArray[np.int64]
    labels: tuple[str, ...]
    treated: NDArray[np.bool_]
    tau: float | None


def analyse_treatment(
    endpoint: Endpoint, *, groups: NDArray[np.object_], order: Sequence[str], treatment: NDArray[np.object_],
    experimental: str, title: str, grouping: Grouping, settings: AnalysisSettings,
    measure: tuple[str, NDArray[np.float64]] | None = None,
) -> TreatmentResult:  # fmt: skip
    """Estimate a treatment's effect within groups of a marker, and test whether it differs.

    Parameters
    ----------
    endpoint : Endpoint
        Times in months and events.
    groups : ndarray of object, shape (n_rows,)
        Group of each row; None for a row in none.
    order : sequence of str
        Groups in the order of the report; the first is the reference.
    treatment : ndarray of object, shape (n_rows,)
        Treatment of each row; None where it isn't known.
    experimental : str
        Its value that is compared with all others.
    title : str
        What the treatment's column is called.
    grouping : Grouping
        The marker.
    settings : AnalysisSettings
        Milestones and horizon of mean survival.
    measure : tuple of str and ndarray of float64, shape (n_rows,), optional
        Title and values of the measure behind the groups; NaN where missing.

    Returns
    -------
    TreatmentResult
        With reasons where something can't be estimated.

    References
    ----------
    Clark GM. Mol Oncol 2008;1:406-412.
    """
    known = ~pd.isna(treatment)
    inside = ~pd.isna(groups) & endpoint.usable
    keep = inside & known
    arm = treatment[keep].astype(str)
    labels = groups[keep].astype(str)
    present = tuple(dict.fromkeys(label for label in order if (labels == label).any()))
    time, event = endpoint.time[keep], endpoint.event[keep]
    codes = np.array([present.index(label) for label in labels], dtype=np.int64)
    treated = arm == experimental
    tau = _horizon(time, codes * 2 + treated, settings.rmst.in_months)
    arms = _Arms(time=time, event=event, codes=codes, labels=present, treated=treated, tau=tau)
    why = _why_nothing(arms)
    times = settings.milestones.in_months
    everybody = np.ones(len(time), np.bool_)
    return TreatmentResult(
        endpoint=endpoint.name, title=endpoint.title, grouping=grouping, treatment=title, experimental=experimental,
        control=tuple(sorted(set(arm[~treated].tolist()))), n=len(time), n_events=int(event.sum()),
        n_no_treatment=int((inside & ~known).sum()), rmst_tau=tau,
        overall=None if why else _effect(arms, None, everybody, times),
        effects=() if why else tuple(_effect(arms, g, codes == g, times) for g in range(len(present))),
        interactions=() if why else _interactions(arms, measure, keep), alpha=settings.alpha, not_estimable=why,
    )  # fmt: skip


def _why_nothing(arms: _Arms) -> str | None:
    if len(arms.time) == 0:
        return "no patient has a group, a treatment and the endpoint"
    if not arms.treated.any():
        return "no patient had the experimental treatment"
    if arms.treated.all():
        return "every patient had the experimental treatment"
    return None if arms.event.any() else "no events"


def _horizon(time: FloatArray, cells: NDArray[np.int64], asked: float | None) -> float | None:
    """One horizon for all groups, so that their differences can be compared: None where a cell isn't followed so far."""
    if len(time) == 0:
        return None
    common = min(float(time[cells == cell].max()) for cell in np.unique(cells))
    tau = common if asked is None else asked
    return tau if 0 < tau <= common else None


def _effect(
    arms: _Arms, group: int | None, rows: NDArray[np.bool_], times: tuple[float, ...]
) -> TreatmentEffect:
    treated, event = arms.treated[rows], arms.event[rows]
    return TreatmentEffect(
        label=None if group is None else arms.labels[group],
        n_control=int((~treated).sum()),
        n_experimental=int(treated.sum()),
        events_control=int(event[~treated].sum()),
        events_experimental=int(event[treated].sum()),
        hazard_ratio=_ratio(arms, rows),
        rmst_difference=_rmst(arms, rows)[0],
        milestones=_milestones(arms, rows, times),
    )


def _why_no_ratio(arms: _Arms, rows: NDArray[np.bool_]) -> str | None:
    treated, event = arms.treated[rows], arms.event[rows]
    if treated.all() or not treated.any():
        return _ONE_ARM
    for inside, name in ((treated, "experimental"), (~treated, "control")):
        if not event[inside].any():
            return f"no events in the {name} arm"
    return None


def _ratio(arms: _Arms, rows: NDArray[np.bool_]) -> Estimate:
    why = _why_no_ratio(arms, rows)
    if why:
        return Estimate(not_estimable=why)

    def estimate() -> Estimate:
        strata = arms.codes[rows]
        fit = cox(
            time=arms.time[rows], event=arms.event[rows], covariates=arms.treated[rows].astype(np.float64),
            names=["treatment"], strata=strata if len(np.unique(strata)) > 1 else None,
        )  # fmt: skip
        return ratio_estimate(fit)

    return attempt(estimate)


def _rmst(arms: _Arms, rows: NDArray[np.bool_]) -> tuple[Estimate, float | None]:
    """Difference in mean survival time and its standard error."""
    treated = arms.treated[rows]
    if treated.all() or not treated.any():
        return Estimate(not_estimable=_ONE_ARM), None
    if arms.tau is None:
        return Estimate(not_estimable="an arm of a group is not followed as long as the horizon"), None
    errors: list[float | None] = []

    def estimate() -> Estimate:
        found = rmst_difference(
            time=arms.time[rows], event=arms.event[rows], groups=treated.astype(np.int64), tau=arms.tau
        )
        errors.append(finite(found.std_error))
        return Estimate(
            value=finite(found.value), ci_lower=finite(found.ci_lower), ci_upper=finite(found.ci_upper),
            p_value=finite(found.p_value), not_estimable=found.not_estimable,
        )  # fmt: skip

    result = attempt(estimate)
    return result, errors[0] if errors else None


def _milestones(
    arms: _Arms, rows: NDArray[np.bool_], times: tuple[float, ...]
) -> tuple[TreatmentMilestone, ...]:
    treated = arms.treated[rows]
    if treated.all() or not treated.any():
        why = Estimate(not_estimable=_ONE_ARM)
        return tuple(
            TreatmentMilestone(months=t, control=None, experimental=None, difference=why) for t in times
        )
    if not times:
        return ()
    found = survival_difference(
        time=arms.time[rows], event=arms.event[rows], groups=treated.astype(np.int64), at=list(times)
    )
    milestones = []
    for i, months in enumerate(times):
        value, error = finite(found.difference[i]), finite(found.std_error[i])
        bounded = error is not None and error > 0
        reason = found.not_estimable[i] if value is None else None
        difference = Estimate(
            value=value, ci_lower=finite(found.ci_lower[i]) if bounded else None,
            ci_upper=finite(found.ci_upper[i]) if bounded else None, p_value=finite(found.p_value[i]),
            not_estimable=reason,
        )  # fmt: skip
        control, experimental = (finite(s) for s in found.survival[:, i])
        milestones.append(
            TreatmentMilestone(
                months=months, control=control, experimental=experimental, difference=difference
            )
        )
    return tuple(milestones)


def _interactions(
    arms: _Arms, measure: tuple[str, FloatArray] | None, keep: NDArray[np.bool_]
) -> tuple[Interaction, ...]:
    found = [_by_level(arms), _by_rmst(arms)]
    if measure is not None:
        found.append(_by_measure(arms, measure[0], measure[1][keep]))
    return tuple(found)


def _by_level(arms: _Arms) -> Interaction:
    """Likelihood-ratio test of treatment x group, of the groups in which both arms have events."""
    usable = [g for g in range(len(arms.labels)) if _why_no_ratio(arms, arms.codes == g) is None]
    if len(usable) < 2:
        why = "fewer than two groups have events in both arms"
        return Interaction(
            kind="levels", measure=None, test=Estimate(not_estimable=why), df=len(arms.labels) - 1
        )
    rows = np.isin(arms.codes, usable)
    own = (arms.codes[rows][:, None] == np.array(usable[1:])).astype(np.float64)
    treated = arms.treated[rows].astype(np.float64)[:, None]
    test, ratio = _nested(arms, rows, np.column_stack([treated, own]), treated * own)
    return Interaction(
        kind="levels", measure=None, test=test, df=len(usable) - 1, ratio=ratio if len(usable) == 2 else None
    )


def _nested(
    arms: _Arms, rows: NDArray[np.bool_], main: FloatArray, product: FloatArray
) -> tuple[Estimate, Estimate]:
    """Test of the product terms, and the ratio of hazard ratios of the last."""
    data: dict[str, Any] = {"time": arms.time[rows], "event": arms.event[rows]}
    n_parameters = main.shape[1] + product.shape[1]

    def fit_both(read: Callable[[Any, Any], Estimate]) -> Estimate:
        def estimate() -> Estimate:
            n_events = int(data["event"].sum())
            if n_events < FEWEST_EVENTS_PER_PARAMETER * n_parameters:
                message = (
                    f"{n_events} events for {n_parameters} coefficients: fewer than "
                    f"{FEWEST_EVENTS_PER_PARAMETER} for each"
                )
                raise EstimationError(message)
            smaller = cox(**data, covariates=main)
            return read(cox(**data, covariates=np.column_stack([main, product])), smaller)

        return attempt(estimate)

    test = fit_both(
        lambda full, smaller: likelihood_ratio(full.log_likelihood, smaller.log_likelihood, product.shape[1])
    )
    return test, fit_both(lambda full, _: ratio_estimate(full, n_parameters - 1))


def _by_rmst(arms: _Arms) -> Interaction:
    """Whether the differences in mean survival time are the same: Cochran's Q over the groups."""
    pairs = [_rmst(arms, arms.codes == g) for g in range(len(arms.labels))]
    known = [(e.value, error) for e, error in pairs if e.value is not None and error]
    df = max(len(known) - 1, 0)
    if df == 0:
        why = "fewer than two groups have a difference in mean survival time"
        return Interaction(kind="rmst", measure=None, test=Estimate(not_estimable=why), df=df)
    values, errors = np.array(known, dtype=np.float64).T
    weights = 1 / errors**2
    statistic = float((weights * (values - np.average(values, weights=weights)) ** 2).sum())
    test = Estimate(value=statistic, p_value=float(chi2.sf(statistic, df)))
    return Interaction(kind="rmst", measure=None, test=test, df=df)


def _by_measure(arms: _Arms, title: str, values: FloatArray) -> Interaction:
    rows = np.isfinite(values)
    why = "no values of the marker" if not rows.any() else _why_no_ratio(arms, rows)
    if why:
        return Interaction(kind="continuous", measure=title, test=Estimate(not_estimable=why), df=1)
    treated = arms.treated[rows].astype(np.float64)[:, None]
    centred = (values[rows] - values[rows].mean())[:, None]  # the product term is the same, the fit steadier
    test, ratio = _nested(arms, rows, np.column_stack([treated, centred]), treated * centred)
    return Interaction(kind="continuous", measure=title, test=test, df=1, ratio=ratio)
