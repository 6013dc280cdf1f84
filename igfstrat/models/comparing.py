"""Does a model beat what is simpler than it, and do its markers add anything? "No" is a normal answer.

What it has to beat: the same model without its markers, the markers alone, a Kaplan–Meier curve a subtype. Whether the
markers add is decided by the likelihood-ratio test; differences in concordance, integrated Brier score and index of
prediction accuracy, corrected for optimism, describe.

References
----------
.. [1] Pepe MS, Kerr KF, Longton G, Wang Z. Testing for improvement in prediction model performance. Stat Med
   2013;32:1467-1482. (Why the test of the coefficients decides, not that of a difference in performance.)
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import clone

from igfstrat.errors import DomainError
from igfstrat.models._resampling import (
    Loop,
    Measured,
    Measures,
    check_resamples,
    corrected,
    rows_of,
    spread_of,
)
from igfstrat.models.baseline import GroupKaplanMeier, clinical_only, marker_only
from igfstrat.models.design import DesignMatrix
from igfstrat.models.metrics import evaluate_predictions, predictions_of, read_horizons
from igfstrat.models.outcome import read_outcome
from igfstrat.models.pipeline import make_risk_pipeline
from igfstrat.models.settings import ModelSettings
from igfstrat.models.validation import Validation
from igfstrat.parallel import Progress
from igfstrat.survival import ChiSquareTest, cox
from igfstrat.survival._inputs import read_level
from igfstrat.survival.cox_result import chi_square_test

CLINICAL, MARKERS, CURVES = "clinical_only", "marker_only", "subtype_only"
# columns that name a tumour's class, the first that a model has: our convention
CLASSES: Final = ("subtype", "histology_class", "histology")
_LESS: Final = "full less"


@dataclass(frozen=True, slots=True, kw_only=True)
class AddedValue:
    """What markers add to the other predictors.

    Parameters
    ----------
    test : ChiSquareTest
        Likelihood-ratio test of the markers and their interactions, in unpenalized Cox models on the same patients.
    adds : bool
        Whether the test rejects at `alpha`.
    alpha : float
        Its level.
    differences : dict of str to Measured
        Full less clinical model, by measure, corrected for optimism.
    clinical, markers, full : dict of str to float
        Apparent measures of the model without the markers, with nothing else, and with all.
    n_patients, n_events : int
        Patients with every predictor, and their events.
    n_resamples, n_failed : int
        Bootstrap samples, and those that gave no model.
    """

    test: ChiSquareTest
    adds: bool
    alpha: float
    differences: dict[str, Measured]
    clinical: dict[str, float]
    markers: dict[str, float]
    full: dict[str, float]
    n_patients: int
    n_events: int
    n_resamples: int
    n_failed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """Something simpler that a model has to beat, on the patients that both can judge.

    Parameters
    ----------
    apparent : dict of str to float
        Its measures on the patients it was fitted on.
    measures : dict of str to Measured
        The same, corrected for optimism.
    differences : dict of str to Measured
        The model's measures less these, corrected for optimism.
    """

    apparent: dict[str, float]
    measures: dict[str, Measured]
    differences: dict[str, Measured]


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """A model beside what it has to beat, all of them fitted anew in the same bootstrap samples.

    Parameters
    ----------
    corrected : Validation
        The model itself, corrected for optimism.
    baselines : dict of str to Baseline
        Of clinical_only, marker_only and subtype_only, those that there are.
    added : AddedValue or None
        What the markers add; None where there is no marker, or nothing else.
    """

    corrected: Validation
    baselines: dict[str, Baseline]
    added: AddedValue | None


def added_value(
    settings: ModelSettings,
    X: pd.DataFrame,  # noqa: N803 - scikit-learn's name
    y: Any,
    *,
    markers: Collection[str],
    **how: Any,
) -> AddedValue:
    """Compare a model with the same one without its markers.

    Parameters
    ----------
    settings : ModelSettings
        The full model.
    X : DataFrame, one row a patient
        Table with all predictors.
    y : ndarray, shape (n,)
        Outcome from `make_outcome`.
    markers : collection of str
        Predictors that are markers; not all of them.
    **how : object
        As of `compare_with_baselines`.

    Returns
    -------
    AddedValue
        On the patients that have every predictor, so that the two models see the same ones.

    Raises
    ------
    DomainError
        If no patient has every predictor.
    UsageError
        If a marker is no predictor, or nothing but the markers is.
    """
    clinical_only(settings, markers)  # refuses what can't be compared
    found = compare_with_baselines(settings, X, y, markers=markers, **how).added
    assert found is not None
    return found


def compare_with_baselines(
    settings: ModelSettings,
    X: pd.DataFrame,  # noqa: N803
    y: Any,
    *,
    markers: Collection[str],
    at: Any,
    n_resamples: int = 200,
    seed: int = 0,
    n_jobs: int | None = None,
    cluster: str | None = None,
    progress: Progress | None = None,
    alpha: float = 0.05,
) -> Comparison:
    """Compare a model with what is simpler than it.

    Parameters
    ----------
    settings : ModelSettings
        The model.
    X : DataFrame, one row a patient
        Table with all predictors.
    y : ndarray, shape (n,)
        Outcome from `make_outcome`.
    markers : collection of str
        Predictors that are markers; may be none, or all.
    at : array-like of float, shape (k,), or float
        Horizons, within the follow-up.
    n_resamples : int
        Bootstrap samples; every model is fitted anew in each, its penalty tuned anew.
    seed : int
        Decides the samples.
    n_jobs : int, optional
        Processes; the result doesn't depend on it.
    cluster : str, optional
        Address of a dask scheduler, whose workers are used instead.
    progress : callable, optional
        Called with the resamples done, and their number.
    alpha : float
        Level of the test, in (0, 1); intervals have 1 - alpha.

    Returns
    -------
    Comparison
        On the patients that have every predictor, so that all models see the same ones.

    Raises
    ------
    DomainError
        If no patient has every predictor.
    EstimationError
        If no resample gives the models.
    """
    check_resamples(n_resamples)
    horizons, level = read_horizons(at), read_level(1 - alpha)
    table, outcome = _complete(settings, X, y)
    models = _models(settings, markers, seed)

    def fitted_on(rows: Any) -> dict[str, Any]:
        return {name: clone(one).fit(rows_of(table, rows), outcome[rows]) for name, one in models.items()}

    fits = fitted_on(np.arange(len(table)))
    apparent = _measures(fits, table, outcome, horizons)
    predictions = predictions_of(fits["full"], table, horizons)

    def measure(rows: Any) -> tuple[Measures, Measures, Measures]:
        drawn, its_outcome, resampled = rows_of(table, rows), outcome[rows], fitted_on(rows)
        own = _measures(resampled, drawn, its_outcome, horizons)
        unchanged = evaluate_predictions(predictions.of(rows), *read_outcome(its_outcome), horizons)
        return own, _measures(resampled, table, outcome, horizons), spread_of(own, unchanged)

    loop = Loop(n_jobs, cluster, progress)
    measures, optimism, failed = corrected(measure, apparent, len(table), n_resamples, seed, loop, level)
    own = [name for name in apparent if " " not in name]
    model = Validation(
        kind="optimism_corrected", at=tuple(horizons.tolist()), level=level,
        measures={m: measures[m] for m in own}, apparent={m: apparent[m] for m in own},
        optimism={m: optimism[m] for m in own}, n_patients=len(table), n_events=int(outcome["event"].sum()),
        n_not_scored=int((~predictions.scored).sum()),
        n_resamples=n_resamples, n_failed=failed,
    )  # fmt: skip
    baselines = {name: _baseline(apparent, measures, name) for name in models if name != "full"}
    test = None
    if CLINICAL in baselines:
        test = likelihood_ratio(settings, clinical_only(settings, markers), table, outcome)
    return Comparison(corrected=model, baselines=baselines, added=_added(model, baselines, test, alpha))


def _baseline(apparent: Measures, measures: Mapping[str, Measured], name: str) -> Baseline:
    return Baseline(
        apparent=_part(apparent, name),
        measures=_part(measures, name),
        differences=_part(measures, f"{_LESS} {name}"),
    )


def _added(
    model: Validation, baselines: Mapping[str, Baseline], test: ChiSquareTest | None, alpha: float
) -> AddedValue | None:
    if test is None:
        return None
    return AddedValue(
        test=test,
        adds=bool(test.p_value < alpha),
        alpha=alpha,
        differences=baselines[CLINICAL].differences,
        clinical=baselines[CLINICAL].apparent,
        markers=baselines[MARKERS].apparent,
        full=model.apparent,
        n_patients=model.n_patients,
        n_events=model.n_events,
        n_resamples=model.n_resamples,
        n_failed=model.n_failed,
    )


def _models(settings: ModelSettings, markers: Collection[str], seed: int) -> dict[str, Any]:
    """The model and its baselines, not fitted."""
    found = {"full": make_risk_pipeline(settings, seed=seed)}
    if markers and len(set(markers)) < len(settings.predictors):
        for name, part in ((CLINICAL, clinical_only), (MARKERS, marker_only)):
            found[name] = make_risk_pipeline(part(settings, markers), seed=seed)
    known = (*settings.predictors, *settings.strata)
    classes = [name for name in CLASSES if name in known]
    if classes and len(known) > 1:
        found[CURVES] = GroupKaplanMeier(classes[0])
    return found


def _measures(fits: Mapping[str, Any], X: Any, y: Any, at: NDArray[np.float64]) -> Measures:  # noqa: N803
    """All measures of the full model; of each baseline a few, named after it; how much the full one is above it.

    Both are taken on the patients that both can judge.
    """
    time, event = read_outcome(y)
    found = {name: predictions_of(fit, X, at) for name, fit in fits.items()}
    full = found.pop("full")
    measures = evaluate_predictions(full, time, event, at)
    for name, one in found.items():
        rows = full.scored & one.scored
        beside = measures
        if not np.array_equal(rows, full.scored):
            beside = evaluate_predictions(full.of(rows), time[rows], event[rows], at, brief=True)
        own = evaluate_predictions(one.of(rows), time[rows], event[rows], at, brief=True)
        measures = measures | {f"{name} {m}": value for m, value in own.items()}
        measures |= {f"{_LESS} {name} {m}": beside[m] - value for m, value in own.items()}
    return measures


def _part(measures: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Measures that are named after something, without that name."""
    return {
        whole.removeprefix(f"{name} "): value
        for whole, value in measures.items()
        if whole.rpartition(" ")[0] == name
    }


def likelihood_ratio(full: ModelSettings, reduced: ModelSettings, X: pd.DataFrame, y: Any) -> ChiSquareTest:  # noqa: N803
    """Likelihood-ratio test of the predictors that one model has and the other hasn't.

    Parameters
    ----------
    full, reduced : ModelSettings
        The second a part of the first; fitted as Cox models without a penalty.
    X : DataFrame, one row a patient
        Table in which every predictor is known.
    y : ndarray, shape (n,)
        Outcome from `make_outcome`.

    Returns
    -------
    ChiSquareTest
        Twice the difference of the log partial likelihoods.
    """
    (high, many), (low, few) = (_likelihood(settings, X, y) for settings in (full, reduced))
    return chi_square_test(2 * (high - low), many - few)


def _likelihood(settings: ModelSettings, X: pd.DataFrame, y: Any) -> tuple[float, int]:  # noqa: N803
    matrix = _design(settings).fit_transform(X)
    columns = [name for name in matrix if name not in settings.strata]
    strata = None
    if settings.strata:
        strata = matrix[list(settings.strata)].astype(str).agg(" & ".join, axis=1).to_numpy()
    time, event = read_outcome(y, len(matrix))
    fit = cox(time=time, event=event, covariates=matrix[columns].to_numpy(), names=columns, strata=strata)
    return fit.log_likelihood, len(columns)


def _design(settings: ModelSettings) -> DesignMatrix:
    design: DesignMatrix = make_risk_pipeline(
        settings.model_copy(update={"penalty": type(settings.penalty)()})
    )["design"]
    return design


def _complete(settings: ModelSettings, X: pd.DataFrame, y: Any) -> tuple[pd.DataFrame, Any]:  # noqa: N803
    read_outcome(y, len(X))
    known = _design(settings).fit_transform(X).notna().all(axis=1).to_numpy()
    if not known.any():
        message = "no patient has every predictor; declare an imputation"
        raise DomainError(message)
    return X.loc[known] if not known.all() else X, y[np.flatnonzero(known)]
