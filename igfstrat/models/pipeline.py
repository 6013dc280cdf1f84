"""Design matrix and model in one: from a table of features to a risk, tuned inside where the plan says so.

Features are computed before, by `igfstrat.features`. Everything that is learned from data, the tuning of the penalty
too, happens in `fit`, so that a resampling around the whole pipeline sees no test row.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any, Final, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, ParameterGrid
from sklearn.pipeline import Pipeline

from igfstrat.errors import EstimationError, IgfstratWarning
from igfstrat.features.spec import RowFlags
from igfstrat.models._matrix import FloatArray
from igfstrat.models._tuning import score_candidates
from igfstrat.models.aft import LogLogisticAFTModel, WeibullAFTModel
from igfstrat.models.base import SurvivalModel
from igfstrat.models.cox_model import CoxModel
from igfstrat.models.design import DesignMatrix
from igfstrat.models.piecewise import PiecewiseExponentialModel
from igfstrat.models.scoring import partial_likelihood_score
from igfstrat.models.settings import ModelSettings, Penalty
from igfstrat.models.splitting import EventStratifiedKFold

PENALIZERS: Final = tuple(np.geomspace(1e-4, 1.0, 9).tolist())
L1_RATIOS: Final = (0.1, 0.5, 0.9)
MODELS: Final[Mapping[str, type[SurvivalModel]]] = {
    "cox": CoxModel,
    "weibull_aft": WeibullAFTModel,
    "log_logistic_aft": LogLogisticAFTModel,
    "piecewise_exponential": PiecewiseExponentialModel,
}


class RiskPipeline(Pipeline):  # type: ignore[misc]
    """A scikit-learn pipeline whose last step is a survival model."""

    def fit(self, X: Any, y: Any = None, **params: Any) -> Self:  # noqa: N803 - scikit-learn's name
        """Fit every step.

        Parameters
        ----------
        X : DataFrame, one row a patient
            Table that has the predictors.
        y : ndarray, shape (n,)
            Outcome from `make_outcome`.
        **params : object
            As scikit-learn's.

        Returns
        -------
        RiskPipeline
            Itself.
        """
        if not isinstance(self.steps[-1][1], SurvivalModel):
            name = type(self.steps[-1][1]).__name__
            message = (
                f"{name} is not one of igfstrat's models: it is fitted and validated, but can't be stored"
            )
            warnings.warn(message, IgfstratWarning, stacklevel=2)
        super().fit(X, y, **params)
        return self

    def predict_survival_function(self, X: Any, times: ArrayLike) -> FloatArray:  # noqa: N803
        """Probability of being free of the event beyond each time.

        Parameters
        ----------
        X : DataFrame, one row a patient
            Table that has the predictors.
        times : array-like of float, shape (k,), or float
            Times >= 0.

        Returns
        -------
        ndarray of float, shape (n, k)
            In [0, 1]; NaN where it isn't known.
        """
        return survival_of(self.steps[-1][1], self.matrix(X), times)

    def predict_median(self, X: Any) -> FloatArray:  # noqa: N803
        """Median time to the event.

        Parameters
        ----------
        X : DataFrame, one row a patient
            Table that has the predictors.

        Returns
        -------
        ndarray of float, shape (n,)
            Infinite where the curve doesn't come down to 0.5, NaN where it isn't known.
        """
        median: FloatArray = self.steps[-1][1].predict_median(self.matrix(X))
        return median

    def predict_interval(self, X: Any, level: float = 0.95) -> FloatArray:  # noqa: N803
        """Wald limits of the risk.

        Parameters
        ----------
        X : DataFrame, one row a patient
            Table that has the predictors.
        level : float
            Coverage, between 0 and 1.

        Returns
        -------
        ndarray of float, shape (n, 2)
            Limits of what `predict` gives.
        """
        interval: FloatArray = self.steps[-1][1].predict_interval(self.matrix(X), level)
        return interval

    def predict_survival_interval(self, X: Any, times: ArrayLike, level: float = 0.95) -> FloatArray:  # noqa: N803
        """Pointwise log-log limits of each patient's survival probability.

        Parameters
        ----------
        X : DataFrame, one row a patient
            Table that has the predictors.
        times : array-like of float, shape (k,), or float
            Times >= 0.
        level : float
            Coverage, between 0 and 1.

        Returns
        -------
        ndarray of float, shape (n, k, 2)
            Limits of what `predict_survival_function` gives; NaN where they aren't known.
        """
        limits: FloatArray = self.steps[-1][1].predict_survival_interval(self.matrix(X), times, level)
        return limits

    def matrix(self, X: Any) -> Any:  # noqa: N803
        """What the model itself is given.

        Parameters
        ----------
        X : DataFrame, one row a patient
            Table that has the predictors.

        Returns
        -------
        DataFrame, one row a patient
            Output of the steps before the model.
        """
        return self[:-1].transform(X) if len(self.steps) > 1 else X

    def flag_rows(self, X: pd.DataFrame) -> list[RowFlags]:  # noqa: N803
        """What is doubtful in a table that is to be scored.

        Parameters
        ----------
        X : DataFrame, one row a patient
            Table that has the predictors.

        Returns
        -------
        list of RowFlags
            From the design matrix.
        """
        found: list[RowFlags] = self["design"].flag_rows(X)
        return found


class TunedPipeline(GridSearchCV):  # type: ignore[misc]
    """A risk pipeline whose penalty is chosen by cross-validation within the rows it is fitted on.

    The scores are those of scikit-learn's grid search, found with one design matrix a fold and warm starts. Rows of a table
    that share an index label are copies of one patient, as in a bootstrap sample, and stay in one fold.
    """

    def fit(self, X: Any, y: Any = None) -> Self:  # noqa: N803 - scikit-learn's name
        """Choose the penalty, then fit the pipeline with it.

        Parameters
        ----------
        X : DataFrame, one row a patient
            Table that has the predictors.
        y : ndarray, shape (n,)
            Outcome from `make_outcome`.

        Returns
        -------
        TunedPipeline
            Itself.

        Raises
        ------
        EstimationError
            If there are too few events for the folds, or none of them can judge a penalty.
        """
        candidates = list(ParameterGrid(self.param_grid))
        copies = isinstance(X, pd.DataFrame) and not X.index.is_unique
        folds = list(self.cv.split(X, y, X.index.to_numpy() if copies else None))
        scores = score_candidates(self.estimator, X, y, candidates, folds)
        judged = scores[
            :, ~np.isnan(scores).any(axis=0)
        ]  # a fold whose events all lack a predictor judges nothing
        if judged.shape[1] == 0:
            message = (
                "no inner fold has an event with every predictor; declare an imputation, or state the penalty"
            )
            raise EstimationError(message)
        mean = judged.mean(axis=1)
        self.best_index_ = int(np.argmax(mean))
        self.best_params_, self.best_score_ = candidates[self.best_index_], float(mean[self.best_index_])
        self.cv_results_ = {"params": candidates, "mean_test_score": mean} | {
            f"split{i}_test_score": column for i, column in enumerate(scores.T)
        }
        self.n_splits_, self.multimetric_, self.scorer_ = len(folds), False, self.scoring
        self.best_estimator_ = clone(self.estimator).set_params(**self.best_params_).fit(X, y)
        if isinstance(X, pd.DataFrame):
            self.feature_names_in_ = np.array([str(name) for name in X.columns], dtype=object)
        return self

    def predict_survival_function(self, X: Any, times: ArrayLike) -> FloatArray:  # noqa: N803
        """As that of the pipeline with the chosen penalty.

        Parameters
        ----------
        X : DataFrame, one row a patient
            Table that has the predictors.
        times : array-like of float, shape (k,), or float
            Times >= 0.

        Returns
        -------
        ndarray of float, shape (n, k)
            In [0, 1]; NaN where it isn't known.
        """
        survival: FloatArray = self.best_estimator_.predict_survival_function(X, times)
        return survival

    def predict_median(self, X: Any) -> FloatArray:  # noqa: N803
        """As that of the pipeline with the chosen penalty.

        Parameters
        ----------
        X : DataFrame, one row a patient
            Table that has the predictors.

        Returns
        -------
        ndarray of float, shape (n,)
            Infinite where the curve doesn't come down to 0.5, NaN where it isn't known.
        """
        median: FloatArray = self.best_estimator_.predict_median(X)
        return median

    def score(self, X: Any, y: Any = None, **params: Any) -> float:  # noqa: N803
        """Harrell's concordance (the penalty is chosen by the partial likelihood).

        Parameters
        ----------
        X : DataFrame, one row a patient
            Table that has the predictors.
        y : ndarray, shape (n,)
            Outcome from `make_outcome`.
        **params : object
            As scikit-learn's.

        Returns
        -------
        float
            In [0, 1].
        """
        return float(self.best_estimator_.score(X, y, **params))


def make_risk_pipeline(
    settings: ModelSettings, *, model: Any = None, folds: int = 5, seed: int = 0
) -> RiskPipeline | TunedPipeline:
    """The pipeline that a plan's `model:` section describes.

    Parameters
    ----------
    settings : ModelSettings
        The section.
    model : object, optional
        Another survival estimator in place of the section's, such as one of scikit-survival: fit, predict,
        predict_survival_function.
    folds : int
        Inner folds that tune a penalty, stratified by event.
    seed : int
        Decides the inner folds.

    Returns
    -------
    RiskPipeline or TunedPipeline
        Not fitted. Without a declared imputation rows that lack a predictor are left out of the fit, and counted in
        the model's `n_left_out_`.
    """
    imputation = settings.imputation
    design = DesignMatrix(
        predictors=settings.predictors,
        interactions=settings.interactions,
        strata=settings.strata or None,
        reference=dict(settings.reference) or None,
        numbers=imputation.numbers,
        words=imputation.words,
        indicators=imputation.indicators,
        scale=settings.scale,
        censored_normal=dict(imputation.censored_normal) or None,
    )
    pipeline = RiskPipeline([("design", design), ("model", _model(settings) if model is None else model)])
    if not settings.penalty.tuned or model is not None:
        return pipeline
    return TunedPipeline(
        pipeline,
        _grid(settings.penalty),
        scoring=partial_likelihood_score,
        cv=EventStratifiedKFold(folds, seed),
    )


def survival_of(model: Any, X: Any, times: ArrayLike) -> FloatArray:  # noqa: N803
    """Survival at given times from any estimator with `predict_survival_function`.

    Parameters
    ----------
    model : object
        Ours takes times; scikit-survival's gives a step function a patient.
    X : DataFrame or array-like, shape (n, p)
        What the model takes.
    times : array-like of float, shape (k,), or float
        Times >= 0.

    Returns
    -------
    ndarray of float, shape (n, k)
        In [0, 1]; NaN where it isn't known.
    """
    at = np.atleast_1d(np.asarray(times, dtype=np.float64))
    if isinstance(model, SurvivalModel) or _takes_times(model):
        return np.asarray(model.predict_survival_function(X, at), dtype=np.float64)
    return np.array([_values(function, at) for function in model.predict_survival_function(X)])


def _values(function: Any, at: FloatArray) -> FloatArray:
    """A step function at each time; NaN outside its domain, where scikit-survival's raises."""
    low, high = getattr(function, "domain", (0.0, np.inf))
    inside = (at >= low) & (at <= high)
    values = np.full(len(at), np.nan)
    values[inside] = function(at[inside])
    return values


def _takes_times(model: Any) -> bool:
    import inspect

    return "times" in inspect.signature(model.predict_survival_function).parameters


def _model(settings: ModelSettings) -> SurvivalModel:
    given = settings.imputation
    missing = "leave_out" if given.numbers is None or given.words is None else "refuse"
    reliability = dict(settings.reliability) or None
    if settings.type == "piecewise_exponential":
        return PiecewiseExponentialModel(settings.intervals, missing, reliability)
    if settings.type != "cox":
        return MODELS[settings.type](missing=missing, reliability=reliability)
    penalizer, l1_ratio = _fixed(settings.penalty)
    strata = settings.strata or None
    return CoxModel(penalizer, l1_ratio, strata=strata, missing=missing, reliability=reliability)


def _fixed(penalty: Penalty) -> tuple[float, float]:
    if penalty.tuned:
        return PENALIZERS[len(PENALIZERS) // 2], 0.0
    ridge, lasso = (float(strength or 0.0) for strength in (penalty.ridge, penalty.lasso))
    total = ridge + lasso
    return total, lasso / total if total > 0 else 0.0


def _grid(penalty: Penalty) -> dict[str, list[float]]:
    both = penalty.ridge == penalty.lasso == "tuned"
    ratios = list(L1_RATIOS) if both else [1.0 if penalty.lasso == "tuned" else 0.0]
    return {"model__penalizer": list(PENALIZERS), "model__l1_ratio": ratios}
