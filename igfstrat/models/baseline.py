"""What a model with IGF markers has to beat: the clinical predictors alone, the markers alone, a curve a subtype."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from igfstrat.errors import UsageError
from igfstrat.models._matrix import FloatArray
from igfstrat.models._terms import words_of
from igfstrat.models.outcome import read_outcome
from igfstrat.models.settings import ModelSettings
from igfstrat.survival import SurvivalCurve, concordance, kaplan_meier

_GRID = 200


def clinical_only(settings: ModelSettings, markers: Collection[str]) -> ModelSettings:
    """The same model without the markers.

    Parameters
    ----------
    settings : ModelSettings
        A model.
    markers : collection of str
        Predictors that are markers.

    Returns
    -------
    ModelSettings
        Without them and their interactions.

    Raises
    ------
    UsageError
        If nothing is left, or a marker is no predictor.
    """
    return _only(settings, [name for name in settings.predictors if name not in markers], markers)


def marker_only(settings: ModelSettings, markers: Collection[str]) -> ModelSettings:
    """The same model with nothing but the markers.

    Parameters
    ----------
    settings : ModelSettings
        A model.
    markers : collection of str
        Predictors that are markers.

    Returns
    -------
    ModelSettings
        With the markers and their interactions among each other.

    Raises
    ------
    UsageError
        If a marker is no predictor.
    """
    return _only(settings, [name for name in settings.predictors if name in markers], markers)


def _only(settings: ModelSettings, kept: list[str], markers: Collection[str]) -> ModelSettings:
    strange = sorted(set(markers) - set(settings.predictors))
    if strange or not kept:
        what = f"{', '.join(strange)} is no predictor" if strange else "no predictor is left"
        message = f"{what}; the model's predictors are {', '.join(settings.predictors)}"
        raise UsageError(message)
    update = {
        "predictors": tuple(kept),
        "interactions": tuple(pair for pair in settings.interactions if set(pair) <= set(kept)),
        "reference": {name: level for name, level in settings.reference.items() if name in kept},
        "reliability": {name: share for name, share in settings.reliability.items() if name in kept},
        "imputation": settings.imputation.model_copy(
            update={
                "censored_normal": {n: s for n, s in settings.imputation.censored_normal.items() if n in kept}
            }
        ),
    }
    return settings.model_copy(update=update)


class GroupKaplanMeier(BaseEstimator):  # type: ignore[misc]
    """A Kaplan–Meier curve for each level of one column, such as the subtype.

    Parameters
    ----------
    by : str
        The column.

    Attributes
    ----------
    curves_ : dict of str to SurvivalCurve
        By level.
    risk_ : dict of str to float
        By level: minus the mean time free of the event up to the longest time that every level was followed.
    """

    def __init__(self, by: str = "subtype") -> None:
        self.by = by

    def fit(self, X: pd.DataFrame, y: Any) -> Self:  # noqa: N803 - scikit-learn's name
        """Estimate the curves.

        Parameters
        ----------
        X : DataFrame, one row a patient
            Table with the column; rows where it is missing are left out.
        y : ndarray, shape (n,)
            Outcome from `make_outcome`.

        Returns
        -------
        GroupKaplanMeier
            Itself.
        """
        groups = self._groups(X)
        time, event = read_outcome(y, len(groups))
        self.feature_names_in_ = np.array([self.by], dtype=object)
        self.n_features_in_ = X.shape[1]
        self.curves_: dict[str, SurvivalCurve] = {
            level: kaplan_meier(time=time[groups == level], event=event[groups == level])
            for level in sorted({group for group in groups if group is not None})
        }
        tau = min(float(curve.time[-1]) for curve in self.curves_.values())
        grid = (np.arange(_GRID) + 0.5) * tau / _GRID
        self.risk_ = {
            name: -tau * float(curve.at(grid).survival.mean()) for name, curve in self.curves_.items()
        }
        return self

    def predict(self, X: pd.DataFrame) -> FloatArray:  # noqa: N803
        """Risk of each patient's level.

        Parameters
        ----------
        X : DataFrame, one row a patient
            Table with the column.

        Returns
        -------
        ndarray of float, shape (n,)
            Higher = worse; NaN where the level is missing or was not in the training data.
        """
        check_is_fitted(self, "curves_")
        return np.array([self.risk_.get(group, np.nan) for group in self._groups(X)], dtype=np.float64)

    def predict_survival_function(self, X: pd.DataFrame, times: ArrayLike) -> FloatArray:  # noqa: N803
        """The level's curve at each time.

        Parameters
        ----------
        X : DataFrame, one row a patient
            Table with the column.
        times : array-like of float, shape (k,), or float
            Times >= 0.

        Returns
        -------
        ndarray of float, shape (n, k)
            In [0, 1]; NaN where it isn't known.
        """
        check_is_fitted(self, "curves_")
        at = np.atleast_1d(np.asarray(times, dtype=np.float64))
        known = {name: curve.at(at).survival for name, curve in self.curves_.items()}
        unknown = np.full(len(at), np.nan)
        return np.array([known.get(group, unknown) for group in self._groups(X)])

    def score(self, X: pd.DataFrame, y: Any) -> float:  # noqa: N803
        """Harrell's concordance.

        Parameters
        ----------
        X : DataFrame, one row a patient
            Table with the column.
        y : ndarray, shape (n,)
            Outcome from `make_outcome`.

        Returns
        -------
        float
            In [0, 1], over the rows that have a risk.
        """
        risk = self.predict(X)
        time, event = read_outcome(y, len(risk))
        rows = ~np.isnan(risk)
        return concordance(time=time[rows], event=event[rows], risk=risk[rows]).value

    def _groups(self, X: pd.DataFrame) -> Any:  # noqa: N803
        if not isinstance(X, pd.DataFrame) or self.by not in X:
            message = f"the table has no column {self.by!r}"
            raise UsageError(message)
        return words_of(X[self.by])
