"""The multivariable Cox model of an adjusted comparison, on one table or pooled over completed ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from igfstrat.analysis._adjusted_results import AdjustedModel, AdjustedTerm, TermTest
from igfstrat.analysis._covariates import Column
from igfstrat.analysis.imputation import pool_rubin, pool_wald
from igfstrat.analysis.results import Estimate
from igfstrat.errors import DomainError, EstimationError
from igfstrat.survival import CoxResult, cox, proportional_hazards_test

FloatArray = NDArray[np.float64]

# Vittinghoff E, McCulloch CE. Relaxing the rule of ten events per variable in logistic and Cox regression. Am J
# Epidemiol 2007;165:710-718: below 5 the estimates are often poor
FEWEST_EVENTS_PER_PARAMETER: Final = 5
_NO_LIMIT: Final = "no finite estimate: the events are separated by it"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelData:
    """Completed tables of the same patients, and a table of those who were complete to begin with."""

    time: FloatArray
    event: NDArray[np.bool_]
    labels: tuple[str, ...]
    codes: NDArray[np.int64]
    columns: tuple[Column, ...]
    tables: tuple[FloatArray, ...]
    complete: NDArray[np.bool_]

    @property
    def groups(self) -> FloatArray:
        """A 0/1 column for each group but the first."""
        return np.asarray(self.codes[:, None] == np.arange(1, len(self.labels)), dtype=np.float64)

    @property
    def names(self) -> list[str]:
        """Columns of the design, groups first."""
        return [f"group: {label}" for label in self.labels[1:]] + [c.name for c in self.columns]


def fit_model(data: ModelData) -> AdjustedModel:
    """Fit, test the group, and test proportional hazards."""
    n_parameters = len(data.names)
    n_events = int(data.event.sum())
    try:
        _refuse_few_events(n_events, n_parameters)
        fits = [_cox(data, x) for x in data.tables]
    except (EstimationError, DomainError) as error:
        return no_model(data, str(error))
    overall, by_term = _proportional(data, fits)
    return AdjustedModel(
        n=len(data.time),
        n_events=n_events,
        n_parameters=n_parameters,
        events_per_parameter=n_events / n_parameters,
        terms=_terms(data, [_pooled_ratio(fits, i) for i in range(n_parameters)]),
        group_test=_group_test(data, fits),
        group_test_kind="likelihood_ratio" if len(fits) == 1 else "pooled_wald",
        group_test_df=len(data.labels) - 1,
        proportional_hazards=overall,
        proportional_by_term=by_term,
    )


def _refuse_few_events(n_events: int, n_parameters: int) -> None:
    if n_events < FEWEST_EVENTS_PER_PARAMETER * n_parameters:
        message = f"{n_events} events for {n_parameters} coefficients: fewer than {FEWEST_EVENTS_PER_PARAMETER} for each"
        raise EstimationError(message)


def _cox(data: ModelData, x: FloatArray) -> CoxResult:
    return cox(
        time=data.time, event=data.event, covariates=np.column_stack([data.groups, x]), names=data.names
    )


def no_model(data: ModelData, reason: str) -> AdjustedModel:
    """A model that isn't estimable, with its terms all the same."""
    why = Estimate(not_estimable=reason)
    n_events, n_parameters = int(data.event.sum()), len(data.names)
    return AdjustedModel(
        n=len(data.time), n_events=n_events, n_parameters=n_parameters,
        events_per_parameter=n_events / n_parameters if n_parameters else None,
        terms=_terms(data, [why] * n_parameters), group_test=why, group_test_kind="likelihood_ratio",
        group_test_df=len(data.labels) - 1, proportional_hazards=why, proportional_by_term=(), not_estimable=reason,
    )  # fmt: skip


def _terms(data: ModelData, estimates: Sequence[Estimate]) -> tuple[AdjustedTerm, ...]:
    n_groups = len(data.labels) - 1
    groups = [
        AdjustedTerm(covariate="", level=label, reference=data.labels[0], is_group=True, estimate=estimate)
        for label, estimate in zip(data.labels[1:], estimates[:n_groups], strict=True)
    ]
    others = [
        AdjustedTerm(
            covariate=column.covariate.title,
            level=column.level,
            reference=column.covariate.levels[0] if column.covariate.levels else None,
            is_group=False,
            estimate=estimate,
        )
        for column, estimate in zip(data.columns, estimates[n_groups:], strict=True)
    ]
    return (*groups, *others)


def _pooled_ratio(fits: Sequence[CoxResult], i: int) -> Estimate:
    """Hazard ratio by Rubin's rules on its logarithm; of one fit its own, with normal limits."""
    if not all(np.isfinite(fit.coef[i]) for fit in fits):
        return Estimate(not_estimable=_NO_LIMIT)
    if len(fits) == 1:
        fit = fits[0]
        return Estimate(
            value=float(fit.hazard_ratio[i]), ci_lower=float(fit.ci_lower[i]), ci_upper=float(fit.ci_upper[i]),
            p_value=float(fit.p_value[i]),
        )  # fmt: skip
    # complete-data degrees of freedom: events less coefficients, as a convention
    pooled = pool_rubin(
        np.array([fit.coef[i] for fit in fits]),
        np.array([fit.std_error[i] ** 2 for fit in fits]),
        df_complete=max(fits[0].n_events - len(fits[0].names), 1),
    )
    with np.errstate(over="ignore"):
        value, low, high = np.exp([pooled.value, *pooled.limits()])
    if not np.isfinite(high):
        return Estimate(not_estimable=_NO_LIMIT)
    return Estimate(value=float(value), ci_lower=float(low), ci_upper=float(high), p_value=pooled.p_value)


def _group_test(data: ModelData, fits: Sequence[CoxResult]) -> Estimate:
    k = len(data.labels) - 1
    if len(fits) > 1:
        if not all(np.isfinite(fit.coef[:k]).all() for fit in fits):
            return Estimate(not_estimable=_NO_LIMIT)
        value, p = pool_wald(
            np.array([fit.coef[:k] for fit in fits]), np.array([fit.covariance[:k, :k] for fit in fits])
        )
        return Estimate(value=value, p_value=p)
    null = fits[0].log_likelihood_null
    if data.columns:
        try:
            null = cox(time=data.time, event=data.event, covariates=data.tables[0]).log_likelihood
        except (EstimationError, DomainError) as error:
            return Estimate(not_estimable=str(error))
    return likelihood_ratio(fits[0].log_likelihood, null, k)


def likelihood_ratio(full: float, smaller: float, df: int) -> Estimate:
    """Chi-square of two nested fits, with its p-value."""
    from scipy.stats import chi2

    statistic = max(2 * (full - smaller), 0.0)  # below 0 only by rounding
    return Estimate(value=statistic, p_value=float(chi2.sf(statistic, df)))


def _proportional(data: ModelData, fits: Sequence[CoxResult]) -> tuple[Estimate, tuple[TermTest, ...]]:
    """Tests of proportional hazards; over completed tables, from the complete cases alone."""
    try:
        fit = fits[0] if len(fits) == 1 else _complete_fit(data)
        members: dict[str, list[str]] = {"group": data.names[: len(data.labels) - 1]}
        for column in data.columns:
            members.setdefault(f"c {column.covariate.title}", []).append(column.name)
        test = proportional_hazards_test(fit, terms=members)
    except (EstimationError, DomainError) as error:
        return Estimate(not_estimable=str(error)), ()
    by_term = tuple(
        TermTest(
            covariate="" if name == "group" else name[2:],
            test=Estimate(value=float(statistic), p_value=float(p)),
        )
        for name, statistic, p in zip(test.names, test.statistic, test.p_value, strict=True)
    )
    overall = Estimate(value=float(test.global_statistic), p_value=float(test.global_p_value))
    return overall, by_term


def _complete_fit(data: ModelData) -> CoxResult:
    rows = data.complete
    if not rows.any():
        message = "no patient has all covariates"
        raise EstimationError(message)
    _refuse_few_events(int(data.event[rows].sum()), len(data.names))
    return cox(
        time=data.time[rows],
        event=data.event[rows],
        covariates=np.column_stack([data.groups, data.tables[0]])[rows],
        names=data.names,
    )
