"""How good a model is: on its own data, corrected for optimism, by cross-validation, on other patients.

What is resampled is the whole estimator: whatever it learns from data (levels, scales, fillers, cuts, selections, the
penalty) is learned anew in each resample.

References
----------
.. [1] Harrell FE, Lee KL, Mark DB. Multivariable prognostic models. Stat Med 1996;15:361-387. (Optimism.)
.. [2] Noma H, Shinozaki T, Iba K, Teramukai S, Furukawa TA. Confidence intervals of prediction accuracy measures for
   multivariable prediction models based on the bootstrap-based optimism correction methods. Stat Med
   2021;40:5691-5701. (The location-shifted interval.)
.. [3] Parker BJ, Günter S, Bedo J. Stratification bias in low signal microarray studies. BMC Bioinformatics 2007;8:326.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import clone

from igfstrat.models._matrix import FloatArray
from igfstrat.models._resampling import (
    Loop,
    Measured,
    Measures,
    check_resamples,
    corrected,
    in_parallel,
    limits,
    resampled_rows,
    rows_of,
    spread_of,
    stacked,
)
from igfstrat.models.metrics import Predictions, evaluate, evaluate_predictions, predictions_of, read_horizons
from igfstrat.models.outcome import read_outcome
from igfstrat.models.splitting import EventStratifiedKFold
from igfstrat.parallel import Progress
from igfstrat.survival._inputs import read_level


@dataclass(frozen=True, slots=True, kw_only=True)
class Validation:
    """Measures of a model, by name (see `igfstrat.models.metrics`).

    Parameters
    ----------
    kind : str
        apparent, optimism_corrected, cross_validated or external.
    measures : dict of str to Measured
        Value and interval.
    apparent, optimism : dict of str to float
        On the training data, and what of it is optimism; empty for the other kinds.
    at : tuple of float
        Horizons, in the unit of the outcome.
    n_patients, n_events : int
        Rows and events given.
    n_not_scored : int
        Rows without a prediction, which no measure takes in.
    n_resamples, n_failed : int
        Resamples, and those among them that gave no model or no measure.
    level : float
        Coverage of the intervals.
    """

    kind: str
    measures: dict[str, Measured]
    apparent: dict[str, float]
    optimism: dict[str, float]
    at: tuple[float, ...]
    n_patients: int
    n_events: int
    n_not_scored: int
    n_resamples: int
    n_failed: int
    level: float

    @property
    def table(self) -> pd.DataFrame:
        """One row a measure: value, ci_lower, ci_upper."""
        return pd.DataFrame.from_dict(self.measures, orient="index", columns=list(Measured._fields))


def external_validation(
    model: Any,
    X: Any,  # noqa: N803 - scikit-learn's name
    y: Any,
    *,
    at: Any,
    n_resamples: int = 200,
    seed: int = 0,
    n_jobs: int | None = None,
    cluster: str | None = None,
    progress: Progress | None = None,
    level: float = 0.95,
    kind: str = "external",
) -> Validation:
    """Measures of a fitted model on patients; on its own training data they are the apparent ones.

    Parameters
    ----------
    model : object
        Fitted; not changed.
    X : DataFrame or array-like, shape (n, p)
        Predictors.
    y : ndarray, shape (n,)
        Outcome from `make_outcome`.
    at : array-like of float, shape (k,), or float
        Horizons, within the follow-up.
    n_resamples : int
        Bootstrap samples of the patients, for percentile intervals.
    seed : int
        Decides the samples.
    n_jobs : int, optional
        Processes; the result doesn't depend on it.
    cluster : str, optional
        Address of a dask scheduler, whose workers are used instead.
    progress : callable, optional
        Called with the resamples done, and their number.
    level : float
        Coverage, between 0 and 1.
    kind : str
        external or apparent: only a label.

    Returns
    -------
    Validation
        The intervals take in the choice of these patients, not that of the training data.
    """
    horizons = read_horizons(at)
    read_outcome(y, len(X))
    loop = Loop(n_jobs, cluster, progress)
    return _of_predictions(
        predictions_of(model, X, horizons), y, horizons, kind, n_resamples, seed, loop, level
    )


def nested_cross_validation(
    estimator: Any,
    X: Any,  # noqa: N803
    y: Any,
    *,
    at: Any,
    folds: int = 5,
    n_resamples: int = 200,
    seed: int = 0,
    n_jobs: int | None = None,
    cluster: str | None = None,
    progress: Progress | None = None,
    level: float = 0.95,
) -> Validation:
    """Measures of predictions for patients outside the fold on which the model was fitted.

    Parameters
    ----------
    estimator : object
        Not fitted; a `TunedPipeline` tunes within each training part, which makes the validation nested.
    X : DataFrame or array-like, shape (n, p)
        Predictors.
    y : ndarray, shape (n,)
        Outcome from `make_outcome`.
    at : array-like of float, shape (k,), or float
        Horizons, within the follow-up.
    folds : int
        Outer folds, stratified by event.
    n_resamples : int
        Bootstrap samples of the patients, for percentile intervals.
    seed : int
        Decides folds and samples.
    n_jobs : int, optional
        Processes; the result doesn't depend on it.
    cluster : str, optional
        Address of a dask scheduler, whose workers are used instead.
    progress : callable, optional
        Called with the resamples done, and their number.
    level : float
        Coverage, between 0 and 1.

    Returns
    -------
    Validation
        Of the pooled predictions. The risk is that of an event by the last horizon, since linear predictors of
        different fits have no common zero. C and AUC compare patients of one fold, since pooled over fits they are biased,
        below 0.5 where there is no signal [3]_; they are means over the folds, weighted by their pairs.

    Raises
    ------
    EstimationError
        If a training part gives no model.
    """
    horizons = read_horizons(at)
    read_outcome(y, len(X))
    splits = list(EventStratifiedKFold(folds, seed).split(X, y))

    def one(i: int) -> Predictions:
        train, test = splits[i]
        fitted = clone(estimator).fit(rows_of(X, train), y[train])
        return predictions_of(fitted, rows_of(X, test), horizons)

    loop = Loop(n_jobs, cluster)
    found = in_parallel(one, folds, loop, spared=())
    order = np.argsort(np.concatenate([test for _, test in splits]))
    survival = np.concatenate([one.survival for one in found])[order]
    last = survival[:, int(np.searchsorted(found[0].grid, horizons[-1]))]
    fold = np.repeat(np.arange(folds), [len(test) for _, test in splits])[order]
    pooled = Predictions(risk=1 - last, grid=found[0].grid, survival=survival, fold=fold)
    loop = replace(loop, progress=progress)
    return _of_predictions(pooled, y, horizons, "cross_validated", n_resamples, seed, loop, level)


def _of_predictions(
    predictions: Predictions,
    y: Any,
    at: FloatArray,
    kind: str,
    n_resamples: int,
    seed: int,
    loop: Loop,
    level: float,
) -> Validation:
    check_resamples(n_resamples)
    level, (time, event) = read_level(level), read_outcome(y)
    value = evaluate_predictions(predictions, time, event, at)

    def one(b: int) -> Measures:
        rows = resampled_rows(len(time), seed, b)
        return evaluate_predictions(predictions.of(rows), time[rows], event[rows], at)

    found = in_parallel(one, n_resamples, loop)
    draws = stacked(found, list(value))
    measures = {
        name: Measured(value[name], *limits(column, level))
        for name, column in zip(value, draws.T, strict=True)
    }
    return Validation(
        kind=kind,
        measures=measures,
        apparent={},
        optimism={},
        at=tuple(at.tolist()),
        n_patients=len(time),
        n_events=int(event.sum()),
        n_not_scored=int((~predictions.scored).sum()),
        n_resamples=n_resamples,
        n_failed=n_resamples - len(draws),
        level=level,
    )


def bootstrap_validation(
    estimator: Any,
    X: Any,  # noqa: N803
    y: Any,
    *,
    at: Any,
    n_resamples: int = 200,
    seed: int = 0,
    n_jobs: int | None = None,
    cluster: str | None = None,
    progress: Progress | None = None,
    level: float = 0.95,
) -> Validation:
    """Apparent measures less their optimism.

    Parameters
    ----------
    estimator : object
        Not fitted; fitted anew, as a whole, in each resample.
    X : DataFrame or array-like, shape (n, p)
        Predictors.
    y : ndarray, shape (n,)
        Outcome from `make_outcome`.
    at : array-like of float, shape (k,), or float
        Horizons, within the follow-up.
    n_resamples : int
        Bootstrap samples; 200 or more for a report.
    seed : int
        Decides the samples.
    n_jobs : int, optional
        Processes; the result doesn't depend on it.
    cluster : str, optional
        Address of a dask scheduler, whose workers are used instead.
    progress : callable, optional
        Called with the resamples done, and their number.
    level : float
        Coverage, between 0 and 1.

    Returns
    -------
    Validation
        The optimism is the mean, over resamples, of a model's measure on its own resample less that on the original
        patients. The interval is that of the resamples' own measures (for calibration, of the model itself on the
        resamples), shifted by the optimism.

    Raises
    ------
    EstimationError
        If no resample gives a model.
    """
    check_resamples(n_resamples)
    horizons, level = read_horizons(at), read_level(level)
    time, event = read_outcome(y, len(X))

    predictions = predictions_of(clone(estimator).fit(X, y), X, horizons)

    def measure(rows: Any) -> tuple[Measures, Measures, Measures]:
        fitted = clone(estimator).fit(rows_of(X, rows), y[rows])
        own = evaluate(fitted, rows_of(X, rows), y[rows], at=horizons)
        unchanged = evaluate_predictions(predictions.of(rows), time[rows], event[rows], horizons)
        return own, evaluate(fitted, X, y, at=horizons), spread_of(own, unchanged)

    apparent = evaluate_predictions(predictions, time, event, horizons)
    loop = Loop(n_jobs, cluster, progress)
    measures, optimism, failed = corrected(measure, apparent, len(X), n_resamples, seed, loop, level)
    return Validation(
        kind="optimism_corrected",
        measures=measures,
        apparent=apparent,
        optimism=optimism,
        at=tuple(horizons.tolist()),
        n_patients=len(time),
        n_events=int(event.sum()),
        n_not_scored=int((~predictions.scored).sum()),
        n_resamples=n_resamples,
        n_failed=failed,
        level=level,
    )


__all__: Sequence[str] = (
    "Measured",
    "Validation",
    "bootstrap_validation",
    "external_validation",
    "nested_cross_validation",
)
