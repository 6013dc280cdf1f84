"""Do the markers add anything to what is known without them? "No" is a normal answer.

The likelihood-ratio test decides; differences in concordance, integrated Brier score and index of prediction accuracy,
corrected for optimism, describe.

References
----------
.. [1] Pepe MS, Kerr KF, Longton G, Wang Z. Testing for improvement in prediction model performance. Stat Med
   2013;32:1467-1482. (Why the test of the coefficients decides, not that of a difference in performance.)
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import clone

from igfstrat.errors import DomainError
from igfstrat.models._resampling import Measures, rows_of
from igfstrat.models.baseline import clinical_only, marker_only
from igfstrat.models.design import DesignMatrix
from igfstrat.models.metrics import evaluate, read_horizons
from igfstrat.models.outcome import read_outcome
from igfstrat.models.pipeline import make_risk_pipeline
from igfstrat.models.settings import ModelSettings
from igfstrat.models.validation import Measured, check_resamples, corrected
from igfstrat.survival import ChiSquareTest, cox
from igfstrat.survival._inputs import read_level
from igfstrat.survival.cox_result import chi_square_test

_DESCRIBED = ("c_harrell", "c_uno", "ibs", "ipa")


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


def added_value(
    settings: ModelSettings,
    X: pd.DataFrame,  # noqa: N803 - scikit-learn's name
    y: Any,
    *,
    markers: Collection[str],
    at: Any,
    n_resamples: int = 200,
    seed: int = 0,
    n_jobs: int | None = None,
    alpha: float = 0.05,
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
        Predictors that are markers.
    at : array-like of float, shape (k,), or float
        Horizons, within the follow-up.
    n_resamples : int
        Bootstrap samples; both models are fitted anew in each.
    seed : int
        Decides the samples.
    n_jobs : int, optional
        Processes; the result doesn't depend on it.
    alpha : float
        Level of the test, in (0, 1); intervals have 1 - alpha.

    Returns
    -------
    AddedValue
        On the patients that have every predictor, so that the two models see the same ones.

    Raises
    ------
    DomainError
        If no patient has every predictor.
    """
    check_resamples(n_resamples)
    horizons, level = read_horizons(at), read_level(1 - alpha)
    table, outcome = _complete(settings, X, y)
    parts = {
        "clinical": clinical_only(settings, markers),
        "markers": marker_only(settings, markers),
        "full": settings,
    }
    pipelines = {name: make_risk_pipeline(part, seed=seed) for name, part in parts.items()}
    apparent = {
        name: evaluate(clone(pipe).fit(table, outcome), table, outcome, at=horizons)
        for name, pipe in pipelines.items()
    }

    def measure(rows: Any) -> tuple[Measures, Measures]:
        own, its_outcome = rows_of(table, rows), outcome[rows]
        fits = [clone(pipelines[name]).fit(own, its_outcome) for name in ("full", "clinical")]
        on_own = _difference(*(evaluate(fit, own, its_outcome, at=horizons) for fit in fits))
        return on_own, _difference(*(evaluate(fit, table, outcome, at=horizons) for fit in fits))

    shown = _difference(apparent["full"], apparent["clinical"])
    differences, _, failed = corrected(measure, shown, len(table), n_resamples, seed, n_jobs, level)
    test = likelihood_ratio(settings, clinical_only(settings, markers), table, outcome)
    return AddedValue(
        test=test,
        adds=bool(test.p_value < alpha),
        alpha=alpha,
        differences=differences,
        **apparent,
        n_patients=len(table),
        n_events=int(outcome["event"].sum()),
        n_resamples=n_resamples,
        n_failed=failed,
    )


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


def _difference(full: Measures, reduced: Measures) -> Measures:
    return {name: full[name] - reduced[name] for name in full if name.partition("@")[0] in _DESCRIBED}
