"""A survival version of scikit-learn's `check_estimator`: what every survival estimator here has to keep.

scikit-learn's own list feeds class labels or numbers as y; a structured outcome is neither. The checks need no test
framework: each raises AssertionError with what is wrong. Nothing is said here about the quality of a fit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from igfstrat.models.outcome import make_outcome

_N = 120


def check_survival_estimator(
    estimator: Any,
    *,
    X: Any = None,  # noqa: N803 - scikit-learn's name
    y: Any = None,
    times: Any = None,
    inner_folds: bool = False,
) -> None:
    """Check the contract of a survival estimator.

    Parameters
    ----------
    estimator : object
        Not fitted; only cloned.
    X : DataFrame, one row a patient, optional
        Predictors that it can take; else two numbers and a 0/1 column.
    y : ndarray, shape (n,), optional
        Their outcome; needed with X.
    times : array-like of float, shape (k,), optional
        Ascending times at which survival is asked for; else some within the follow-up.
    inner_folds : bool
        Whether the estimator cuts its rows into folds, so that their order may have a say.

    Raises
    ------
    AssertionError
        The first part of the contract that is broken.
    """
    if X is None:
        X, y = _example()  # noqa: N806
    if times is None:
        times = np.quantile(y["time"], [0.1, 0.3, 0.5])
    at = np.asarray(times, dtype=np.float64)
    for check in _checks():
        if not (inner_folds and check is _does_not_depend_on_the_order_of_rows):
            check(estimator, X, y, at)


def _checks() -> Iterator[Callable[..., None]]:
    yield from (
        _keeps_its_parameters,
        _is_not_fitted_before_fit,
        _fits_without_changing_anything,
        _fits_the_same_twice,
        _matches_columns_by_name,
        _refuses_other_outcomes,
        _predicts_rows_one_by_one,
        _gives_falling_probabilities,
        _limits_hold_survival,
        _ranks_risk_as_survival,
        _scores_a_number,
        _does_not_depend_on_the_order_of_rows,
    )


def _example() -> tuple[pd.DataFrame, Any]:
    stream = np.random.default_rng(20261120)
    X = pd.DataFrame(  # noqa: N806
        {
            "age": stream.normal(60, 10, _N),
            "igf1_sds": stream.normal(size=_N),
            "high": stream.integers(0, 2, _N),
        }
    )
    hazard = np.exp((0.03 * (X["age"] - 60) + 0.5 * X["high"]).to_numpy())
    time, censored = stream.exponential(10 / hazard) + 0.01, stream.uniform(1, 30, _N)
    return X, make_outcome(time=np.minimum(time, censored), event=time <= censored)


def _keeps_its_parameters(estimator: Any, X: Any, y: Any, at: Any) -> None:  # noqa: N803
    del X, y, at
    before = estimator.get_params(deep=False)
    copy = clone(estimator)
    assert copy is not estimator, "clone gives the estimator itself"
    assert copy.get_params(deep=False).keys() == before.keys(), "clone loses parameters"
    assert copy.set_params(**copy.get_params(deep=False)) is copy, "set_params doesn't return the estimator"


def _is_not_fitted_before_fit(estimator: Any, X: Any, y: Any, at: Any) -> None:  # noqa: N803
    del y
    for method, arguments in (("predict", (X,)), ("predict_survival_function", (X, at))):
        try:
            getattr(clone(estimator), method)(*arguments)
        except (NotFittedError, AttributeError):
            continue
        message = f"{method} answers before fit"
        raise AssertionError(message)


def _fits_without_changing_anything(estimator: Any, X: Any, y: Any, at: Any) -> None:  # noqa: N803
    table, outcome = X.copy(deep=True), y.copy()
    fresh = clone(estimator)
    shown = repr(fresh)
    assert fresh.fit(table, outcome) is fresh, "fit doesn't return the estimator"
    fresh.predict(table)
    fresh.predict_survival_function(table, at)
    assert repr(fresh) == shown, "fit changes parameters"
    assert table.equals(X), "X was changed"
    assert (outcome == y).all(), "y was changed"
    assert fresh.n_features_in_ == X.shape[1], "n_features_in_ isn't the number of columns"
    assert list(fresh.feature_names_in_) == list(X.columns), "feature_names_in_ aren't the columns"


def _fits_the_same_twice(estimator: Any, X: Any, y: Any, at: Any) -> None:  # noqa: N803
    fresh = clone(estimator).fit(X, y)
    risk, survival = fresh.predict(X), fresh.predict_survival_function(X, at)
    half = slice(0, len(X) * 3 // 4)
    fresh.fit(X.iloc[half], y[half]).fit(X, y)
    assert np.array_equal(fresh.predict(X), risk), "an earlier fit has a say in the next"
    assert np.array_equal(fresh.predict_survival_function(X, at), survival), (
        "an earlier fit has a say in the next"
    )


def _matches_columns_by_name(estimator: Any, X: Any, y: Any, at: Any) -> None:  # noqa: N803
    fitted = clone(estimator).fit(X, y)
    turned = X[list(X.columns)[::-1]].assign(_further_column="words")
    assert np.array_equal(fitted.predict(turned), fitted.predict(X)), "columns are matched by position"
    survival = fitted.predict_survival_function(X, at)
    assert np.array_equal(fitted.predict_survival_function(turned, at), survival), (
        "columns are matched by position"
    )
    for name in X.columns:
        _raises(partial(fitted.predict, X.drop(columns=name)), f"a table without {name} is predicted")


def _refuses_other_outcomes(estimator: Any, X: Any, y: Any, at: Any) -> None:  # noqa: N803
    del at
    time, event = y["time"], y["event"]
    coded = {
        "words": event.astype(int).astype(str),
        "0 and 1": event.astype(int),
        "1 and 2": event.astype(int) + 1,
        "floats": event.astype(float),
    }
    for title, values in coded.items():
        other = np.empty(len(time), [("event", values.dtype), ("time", float)])
        other["event"], other["time"] = values, time
        _raises(partial(clone(estimator).fit, X, other), f"events as {title} are fitted")
    unstructured: tuple[Any, ...] = (time, event, None, list(zip(event, time, strict=True)), y[:-1])
    for outcome in unstructured:
        _raises(partial(clone(estimator).fit, X, outcome), "an outcome of another kind is fitted")
    for bad in (-1.0, np.nan, np.inf):
        spoilt = y.copy()
        spoilt["time"][0] = bad
        _raises(partial(clone(estimator).fit, X, spoilt), f"a time of {bad} is fitted")
    censored = y.copy()
    censored["event"] = False
    _raises(lambda: clone(estimator).fit(X, censored), "a model is fitted without events")


def _predicts_rows_one_by_one(estimator: Any, X: Any, y: Any, at: Any) -> None:  # noqa: N803
    fitted = clone(estimator).fit(X, y)
    risk, survival = fitted.predict(X), fitted.predict_survival_function(X, at)
    assert risk.shape == (len(X),), f"predict gives shape {risk.shape}"
    assert survival.shape == (len(X), len(at)), f"predict_survival_function gives shape {survival.shape}"
    for i in (0, len(X) // 2, len(X) - 1):
        alone = X.iloc[i : i + 1]
        assert fitted.predict(alone)[0] == risk[i], "a patient's risk depends on who else is predicted"
        assert np.array_equal(fitted.predict_survival_function(alone, at)[0], survival[i]), (
            "a patient's survival depends on who else is predicted"
        )


def _gives_falling_probabilities(estimator: Any, X: Any, y: Any, at: Any) -> None:  # noqa: N803
    fitted = clone(estimator).fit(X, y)
    survival = fitted.predict_survival_function(X, np.concatenate(([0.0], at)))
    assert np.isfinite(survival).all(), "survival is missing within the follow-up"
    assert survival.min() >= 0, "a probability is below 0"
    assert survival.max() <= 1, "a probability is above 1"
    assert (np.diff(survival, axis=1) <= 0).all(), "survival rises with time"
    if (y["time"][y["event"]] > 0).all():
        assert (survival[:, 0] == 1).all(), "not everybody is alive at time 0"
    _raises(lambda: fitted.predict_survival_function(X, [-1.0]), "a negative time is answered")
    turned = fitted.predict_survival_function(X, at[::-1])
    assert np.array_equal(turned[:, ::-1], fitted.predict_survival_function(X, at)), "times must ascend"


def _limits_hold_survival(estimator: Any, X: Any, y: Any, at: Any) -> None:  # noqa: N803
    fitted = clone(estimator).fit(X, y)
    if not hasattr(fitted, "predict_survival_interval"):
        return
    survival, limits = fitted.predict_survival_function(X, at), fitted.predict_survival_interval(X, at)
    assert limits.shape == (*survival.shape, 2), f"predict_survival_interval gives shape {limits.shape}"
    known = ~np.isnan(limits).any(axis=2)  # a lasso has none
    low, high, inside = limits[known, 0], limits[known, 1], survival[known]
    assert ((low <= inside) & (inside <= high)).all(), "a probability lies outside its limits"
    assert low.min(initial=0) >= 0, "a limit is below 0"
    assert high.max(initial=1) <= 1, "a limit is above 1"
    alone = fitted.predict_survival_interval(X.iloc[:1], at)
    assert np.array_equal(alone[0], limits[0], equal_nan=True), (
        "a patient's limits depend on who else is predicted"
    )


def _ranks_risk_as_survival(estimator: Any, X: Any, y: Any, at: Any) -> None:  # noqa: N803
    fitted = clone(estimator).fit(X, y)
    if getattr(fitted, "strata", None) or (
        "design__strata" in fitted.get_params() and fitted.get_params()["design__strata"]
    ):
        return  # across strata the two may differ
    risk, survival = fitted.predict(X), fitted.predict_survival_function(X, at)[:, -1]
    order = np.argsort(risk, kind="stable")
    assert (np.diff(survival[order]) <= 1e-12).all(), "a higher risk goes with a better survival"


def _scores_a_number(estimator: Any, X: Any, y: Any, at: Any) -> None:  # noqa: N803
    del at
    score = clone(estimator).fit(X, y).score(X, y)
    assert isinstance(score, float), f"score gives {type(score).__name__}"
    assert 0 <= score <= 1, f"score gives {score}"


def _does_not_depend_on_the_order_of_rows(estimator: Any, X: Any, y: Any, at: Any) -> None:  # noqa: N803
    order = np.random.default_rng(7).permutation(len(X))
    first = clone(estimator).fit(X, y).predict_survival_function(X, at)
    second = clone(estimator).fit(X.iloc[order], y[order]).predict_survival_function(X, at)
    assert np.allclose(first, second, rtol=0, atol=1e-8), "the order of the rows changes predictions"


def _raises(job: Callable[[], object], what: str) -> None:
    try:
        job()
    except (ValueError, TypeError):
        return
    raise AssertionError(what)
