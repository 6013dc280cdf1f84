"""Does anything of the test rows reach a model? A check for one's own procedures, ours included.

Test rows are spoilt (their outcome first, then the predictors of all test rows but a few) and the procedure runs again.
A prediction that changes has seen what it must not see: a scaler, an imputer, a quantile cut or a selection of
predictors that was fitted outside the fold.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import clone

from igfstrat.errors import EstimationError
from igfstrat.models._resampling import rows_of
from igfstrat.models.outcome import make_outcome, read_outcome
from igfstrat.models.splitting import EventStratifiedKFold

Procedure = Callable[[Any, Any, NDArray[np.intp], NDArray[np.intp]], NDArray[np.float64]]
_TRIES = 3


def fit_and_predict(estimator: Any) -> Procedure:
    """The procedure of an estimator: fitted on the training rows as a whole, asked for the test rows.

    Parameters
    ----------
    estimator : object
        Not fitted.

    Returns
    -------
    callable
        Of X, y, training rows and test rows; gives the risk of the test rows.
    """

    def procedure(
        X: Any,  # noqa: N803 - scikit-learn's name
        y: Any,
        train: NDArray[np.intp],
        test: NDArray[np.intp],
    ) -> NDArray[np.float64]:
        fitted = clone(estimator).fit(rows_of(X, train), y[train])
        return np.asarray(fitted.predict(rows_of(X, test)), dtype=np.float64)

    return procedure


def check_no_leak(procedure: Procedure, X: pd.DataFrame, y: Any, *, folds: int = 3, seed: int = 0) -> None:  # noqa: N803
    """Refuse a procedure whose predictions depend on what it must not see.

    Parameters
    ----------
    procedure : callable
        Of X, y, training rows and test rows; gives the risk of the test rows.
    X : DataFrame, one row a patient
        Predictors.
    y : ndarray, shape (n,)
        Outcome from `make_outcome`.
    folds : int
        Folds that are tried.
    seed : int
        Decides folds and spoiling.

    Raises
    ------
    EstimationError
        If a prediction changes with the outcome, or with the predictors, of other test rows.
    """
    read_outcome(y, len(X))
    stream = np.random.default_rng(np.random.SeedSequence(seed))
    for train, test in EventStratifiedKFold(folds, seed).split(X, y):
        expected = procedure(X, y, train, test)
        for _ in range(_TRIES):
            if not _same(procedure(X, _spoilt_outcome(y, test, stream), train, test), expected):
                message = "a prediction changes with the outcome of the test rows: something (a selection of predictors?) was fitted outside the fold"
                raise EstimationError(message)
        kept = len(test) // 2
        if not _same(procedure(_spoilt_rows(X, test[kept:], stream), y, train, test)[:kept], expected[:kept]):
            message = "a prediction changes with the predictors of other test rows: something (a scaler, an imputer, a cut?) was fitted outside the fold"
            raise EstimationError(message)


def _same(found: NDArray[np.float64], expected: NDArray[np.float64]) -> bool:
    return bool(np.array_equal(found, expected, equal_nan=True))


def _spoilt_outcome(y: Any, rows: NDArray[np.intp], stream: np.random.Generator) -> Any:
    time, event = (column.copy() for column in read_outcome(y))
    shuffled = stream.permutation(rows)
    time[rows], event[rows] = time[shuffled][::-1] / 7, ~event[shuffled]
    return make_outcome(time=time, event=event)


def _spoilt_rows(X: pd.DataFrame, rows: NDArray[np.intp], stream: np.random.Generator) -> pd.DataFrame:  # noqa: N803
    """Numbers far away, words of other rows."""
    spoilt = X.copy()
    for place, name in enumerate(X.columns):
        column = X[name]
        if pd.api.types.is_bool_dtype(column) or not pd.api.types.is_numeric_dtype(column):
            values = column.iloc[stream.permutation(rows)].to_numpy()
        else:
            width = float(np.ptp(column.dropna().to_numpy(dtype=np.float64))) or 1.0
            spoilt[name] = column.astype(np.float64)
            values = column.iloc[rows].to_numpy(dtype=np.float64) + 10 * width * (
                1 + stream.random(len(rows))
            )
        spoilt.iloc[rows, place] = values
    return spoilt
