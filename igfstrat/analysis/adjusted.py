"""Comparing groups while allowing for covariates: a multivariable Cox model and standardized survival curves.

A group of a marker is not an intervention, so what comes out is called adjusted or standardized, never causal;
and covariates that were not measured are not allowed for. Missing covariates: complete cases, or multiple
imputation (`igfstrat.analysis.imputation`). Medians are not pooled over completed tables: they aren't near normal
on any scale, so that Rubin's rules don't hold for them.

References
----------
.. [1] Cox DR. Regression models and life-tables. J R Stat Soc B 1972;34:187-220.
.. [2] Austin PC, Stuart EA. Moving towards best practice when using inverse probability of treatment weighting
   (IPTW) using the propensity score to estimate causal treatment effects in observational studies. Stat Med
   2015;34:3661-3679.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from igfstrat.analysis._adjusted_curves import Asked, no_curves, standardized_curves
from igfstrat.analysis._adjusted_model import (
    FEWEST_EVENTS_PER_PARAMETER,
    ModelData,
    fit_model,
    no_model,
)
from igfstrat.analysis._adjusted_results import (
    AdjustedModel,
    AdjustedResult,
    AdjustedTerm,
    Balance,
    Positivity,
    StandardizedCurves,
    StandardizedDifference,
    StandardizedGroup,
)
from igfstrat.analysis._adjusted_weights import BALANCE_BOUND, POSITIVITY_BOUNDS, check_weights
from igfstrat.analysis._covariates import (
    Column,
    Covariate,
    encode,
    read_covariates,
    tidy,
    usable_columns,
)
from igfstrat.analysis._estimating import SEED
from igfstrat.analysis._standardize import Patients, grid_of
from igfstrat.analysis.imputation import impute, outcome_predictors
from igfstrat.analysis.results import Grouping
from igfstrat.analysis.settings import AnalysisSettings
from igfstrat.cohort import Endpoint
from igfstrat.survival import kaplan_meier

__all__ = [
    "AdjustedModel",
    "AdjustedResult",
    "AdjustedTerm",
    "Balance",
    "Positivity",
    "StandardizedCurves",
    "StandardizedDifference",
    "StandardizedGroup",
    "adjust_groups",
]

FloatArray = NDArray[np.float64]

REPLICATES: Final = 500
IMPUTATIONS: Final = 20
_FEWEST_PATIENTS: Final = 10  # in a group
_PATIENTS_PER_COEFFICIENT: Final = (
    5  # in the smallest group: the rule for events, carried over to the weight model
)


def adjust_groups(
    endpoint: Endpoint, *, groups: NDArray[np.object_], order: Sequence[str], covariates: pd.DataFrame,
    titles: Mapping[str, str], grouping: Grouping, settings: AnalysisSettings, replicates: int = REPLICATES,
    imputations: int = IMPUTATIONS, seed: int = SEED,
) -> AdjustedResult:  # fmt: skip
    """Compare groups of patients on one endpoint, allowing for covariates.

    Parameters
    ----------
    endpoint : Endpoint
        Times in months and events.
    groups : ndarray of object, shape (n_rows,)
        Group of each row; None for a row in none.
    order : sequence of str
        Groups in the order of the report; the first is the reference.
    covariates : DataFrame, one row a row of the cohort
        Columns of numbers enter as they are; others (text, booleans, categories) as 0/1 columns against their first
        level, by category order or else alphabet.
    titles : mapping of str to str
        What people call each column.
    grouping : Grouping
        What the groups are.
    settings : AnalysisSettings
        Milestones, horizon of mean survival, handling of missing covariates.
    replicates : int
        Bootstrap samples; 0 gives no intervals of standardized curves.
    imputations : int
        Completed tables, where the plan asks for multiple imputation and something is missing.
    seed : int
        Of all random numbers.

    Returns
    -------
    AdjustedResult
        With reasons where something can't be estimated.
    """
    study = _read(endpoint, groups, order, covariates, titles)
    tables = _complete(study, settings.missing, imputations, seed)
    data, left_out = _model_data(tables)
    tau, no_area = _horizon(data, settings.rmst.in_months)
    why = _why_nothing(study, data)
    model = fit_model(data) if why is None else no_model(data, why)
    reason = why or _why_no_weights(data)
    standardized = no_curves(reason)
    balance: tuple[Balance, ...] = ()
    positivity: tuple[Positivity, ...] = ()
    if reason is None:
        effective, balance, positivity = check_weights(data, tables.frames, tables.covariates)
        asked = Asked(
            labels=data.labels,
            milestones=settings.milestones.in_months,
            replicates=replicates,
            no_area=no_area,
        )
        rng = np.random.default_rng(np.random.SeedSequence((seed, 2)))
        standardized = standardized_curves(_patients(data, asked, tau), asked, effective, rng)
    return AdjustedResult(
        endpoint=endpoint.name, title=endpoint.title, grouping=grouping, groups=data.labels,
        covariates=tuple(_described(c) for c in study.covariates), left_out_terms=left_out,
        missing=settings.missing, n_before=len(study.time), n=len(data.time), n_events=int(data.event.sum()),
        n_missing=study.n_missing, n_imputations=len(tables.frames) if tables.imputed else None, model=model,
        rmst_tau=tau, standardized=standardized, balance=balance, positivity=positivity,
        positivity_bounds=POSITIVITY_BOUNDS, balance_bound=BALANCE_BOUND,
        fewest_events_per_parameter=FEWEST_EVENTS_PER_PARAMETER, seed=seed, alpha=settings.alpha, not_estimable=why,
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class _Study:
    """Patients in a group who have the endpoint, their covariates not yet complete."""

    time: FloatArray
    event: NDArray[np.bool_]
    labels: NDArray[np.str_]
    order: tuple[str, ...]
    frame: pd.DataFrame
    covariates: tuple[Covariate, ...]
    empty: tuple[str, ...]

    @property
    def n_missing(self) -> dict[str, int]:
        """Patients without each covariate, by its title."""
        return {c.title: int(self.frame[c.column].isna().sum()) for c in self.covariates}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tables:
    """The study with complete covariates: of complete cases, or of everybody several times."""

    study: _Study
    keep: NDArray[np.bool_]
    frames: list[pd.DataFrame]
    covariates: tuple[Covariate, ...]
    complete: NDArray[np.bool_]
    imputed: bool


def _read(
    endpoint: Endpoint,
    groups: NDArray[np.object_],
    order: Sequence[str],
    covariates: pd.DataFrame,
    titles: Mapping[str, str],
) -> _Study:
    keep = ~pd.isna(groups) & endpoint.usable
    kept = covariates.loc[keep].reset_index(drop=True)
    found = read_covariates(kept, titles)
    labels = groups[keep].astype(str)
    frame = tidy(kept, found)
    return _Study(
        time=_tied(endpoint.time[keep], endpoint.event[keep]),
        event=endpoint.event[keep],
        labels=labels,
        order=tuple(dict.fromkeys(label for label in order if (labels == label).any())),
        frame=frame,
        covariates=found,
        empty=tuple(c.title for c in found if frame[c.column].isna().all()),
    )


def _tied(time: FloatArray, event: NDArray[np.bool_]) -> FloatArray:
    """Times equal within rounding made equal, as every estimator does."""
    if len(time) == 0:
        return time
    distinct = kaplan_meier(time=time, event=event).time
    return np.asarray(distinct[np.searchsorted((distinct[1:] + distinct[:-1]) / 2, time)], dtype=np.float64)


def _complete(study: _Study, missing: str, imputations: int, seed: int) -> _Tables:
    columns = [c.column for c in study.covariates if c.title not in study.empty]
    frame = study.frame[columns]
    complete = ~frame.isna().any(axis=1).to_numpy()
    keep = np.isin(study.labels, study.order)
    imputed = missing == "multiple_imputation" and not complete[keep].all()
    covariates = tuple(c for c in study.covariates if c.column in columns)
    if not imputed:
        keep = keep & complete
        found = frame.loc[keep].reset_index(drop=True)
        # levels that only incomplete patients have are gone
        titles = {c.column: c.title for c in covariates}
        return _Tables(
            study=study, keep=keep, frames=[found], covariates=_present(found, covariates, titles),
            complete=np.ones(int(keep.sum()), np.bool_), imputed=False,
        )  # fmt: skip
    own = (study.labels[keep][:, None] == np.array(study.order[1:])).astype(np.float64)
    predictors = np.column_stack([own, outcome_predictors(study.time[keep], study.event[keep])])
    rng = np.random.default_rng(np.random.SeedSequence((seed, 1)))
    frames = impute(frame.loc[keep].reset_index(drop=True), predictors, m=imputations, rng=rng)
    return _Tables(
        study=study, keep=keep, frames=frames, covariates=covariates, complete=complete[keep], imputed=True
    )


def _present(
    frame: pd.DataFrame, covariates: tuple[Covariate, ...], titles: Mapping[str, str]
) -> tuple[Covariate, ...]:
    return tuple(
        Covariate(
            column=c.column,
            title=titles[c.column],
            levels=tuple(level for level in c.levels if (frame[c.column] == level).any()),
        )
        for c in covariates
    )


def _model_data(tables: _Tables) -> tuple[ModelData, dict[str, str]]:
    study, keep = tables.study, tables.keep
    labels = study.labels[keep]
    order = tuple(label for label in study.order if (labels == label).any())
    codes = np.zeros(len(labels), dtype=np.int64)
    for code, label in enumerate(order):
        codes[labels == label] = code
    columns: tuple[Column, ...] = ()
    left_out = dict.fromkeys(study.empty, "no value in any patient")
    if len(labels):
        own = (codes[:, None] == np.arange(1, len(order))).astype(np.float64)
        columns, more = usable_columns(tables.frames[0], tables.covariates, own)
        left_out |= more
    data = ModelData(
        time=study.time[keep], event=study.event[keep], labels=order, codes=codes, columns=columns,
        tables=tuple(encode(frame, columns) for frame in tables.frames), complete=tables.complete,
    )  # fmt: skip
    return data, left_out


def _why_nothing(study: _Study, data: ModelData) -> str | None:
    if not study.covariates:
        return "the plan names no covariates"
    if len(data.time) == 0:
        return "no patient has a group, the endpoint and all covariates"
    if len(data.labels) < 2:
        return "only one group"
    if not data.event.any():
        return "no events"
    return None if data.columns else "no covariate varies"


def _why_no_weights(data: ModelData) -> str | None:
    smallest = int(np.bincount(data.codes).min())
    least = max(_FEWEST_PATIENTS, _PATIENTS_PER_COEFFICIENT * (len(data.columns) + 1))
    if smallest < least:
        return (
            f"{smallest} patients in the smallest group; {len(data.columns)} covariate columns need {least}"
        )
    return None


def _horizon(data: ModelData, asked: float | None) -> tuple[float | None, str | None]:
    """Horizon of mean survival times, in months, or why there is none."""
    if len(data.labels) < 2:
        return None, "only one group"
    common = min(float(data.time[data.codes == g].max()) for g in range(len(data.labels)))
    if asked is not None and asked > common:
        return None, "a group is not followed as long as the horizon"
    tau = common if asked is None else asked
    return (tau, None) if tau > 0 else (None, "no follow-up after time 0")


def _patients(data: ModelData, asked: Asked, tau: float | None) -> list[Patients]:
    more = np.array([*asked.milestones, *([] if tau is None else [tau])])
    times = grid_of(data.time, data.event, more)
    return [
        Patients(
            time=data.time,
            event=data.event,
            codes=data.codes,
            x=x,
            n_groups=len(data.labels),
            times=times,
            tau=tau,
        )
        for x in data.tables
    ]


def _described(covariate: Covariate) -> dict[str, object]:
    return {
        "column": covariate.column,
        "title": covariate.title,
        "kind": "coded" if covariate.levels else "numeric",
        "reference": covariate.levels[0] if covariate.levels else None,
        "levels": list(covariate.levels),
    }
