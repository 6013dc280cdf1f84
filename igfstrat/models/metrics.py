"""All measures of a survival prediction at once, under one name each.

`c_harrell`, `c_uno` (up to the last horizon), `ibs` (integrated Brier score up to it), and by horizon, after an @:
`auc`, `brier`, `ipa` (1 - Brier score over that of the Kaplan–Meier curve of the same patients),
`observed_expected`, `calibration_intercept`, `calibration_slope`, `ici`. What these patients can't give is NaN.

References
----------
.. [1] Kattan MW, Gerds TA. The index of prediction accuracy: an intuitive measure useful for evaluating risk prediction
   models. Diagn Progn Res 2018;2:7.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from igfstrat.errors import EstimationError, UsageError
from igfstrat.models._matrix import FloatArray
from igfstrat.models.calibrating import calibration
from igfstrat.models.outcome import read_outcome
from igfstrat.models.pipeline import RiskPipeline, TunedPipeline, survival_of
from igfstrat.survival import brier_score, concordance, concordance_uno, cumulative_dynamic_auc, kaplan_meier

_GRID = 20  # times of the integrated Brier score


@dataclass(frozen=True, slots=True, kw_only=True)
class Predictions:
    """What a model says of some patients.

    Parameters
    ----------
    risk : ndarray of float, shape (n,)
        Higher = worse; NaN where not scored.
    grid : ndarray of float, shape (g,)
        Times, ascending, the horizons among them.
    survival : ndarray of float, shape (n, g)
        Probability of being free of the event beyond each.
    fold : ndarray of int, shape (n,), optional
        Which of several models a row's prediction comes from; C and AUC then compare the rows of one model.
    """

    risk: FloatArray
    grid: FloatArray
    survival: FloatArray
    fold: NDArray[np.intp] | None = None

    @property
    def scored(self) -> NDArray[np.bool_]:
        """Rows with a risk and a survival at every time."""
        return ~(np.isnan(self.risk) | np.isnan(self.survival).any(axis=1))

    def of(self, rows: NDArray[Any]) -> Predictions:
        """Those of some rows.

        Parameters
        ----------
        rows : ndarray of int or bool, shape (k,)
            Which, once or several times.

        Returns
        -------
        Predictions
            In their order.
        """
        fold = None if self.fold is None else self.fold[rows]
        return Predictions(risk=self.risk[rows], grid=self.grid, survival=self.survival[rows], fold=fold)


def predictions_of(model: Any, X: Any, at: FloatArray) -> Predictions:  # noqa: N803 - scikit-learn's name
    """Risk, and survival on a grid that holds the horizons.

    Parameters
    ----------
    model : object
        Fitted: predict and predict_survival_function.
    X : DataFrame or array-like, shape (n, p)
        Predictors.
    at : ndarray of float, shape (k,)
        Horizons, > 0.

    Returns
    -------
    Predictions
        For `evaluate_predictions`.
    """
    grid = np.union1d(np.linspace(0, at.max(), _GRID + 1)[1:], at)
    if isinstance(model, RiskPipeline | TunedPipeline):
        survival = model.predict_survival_function(X, grid)
    else:
        survival = survival_of(model, X, grid)
    return Predictions(risk=np.asarray(model.predict(X), dtype=np.float64), grid=grid, survival=survival)


def read_horizons(at: Any) -> FloatArray:
    """Times at which predictions are judged.

    Parameters
    ----------
    at : array-like of float, shape (k,), or float
        Times > 0, in the unit of the outcome.

    Returns
    -------
    ndarray of float, shape (k,)
        Ascending.

    Raises
    ------
    UsageError
        If there is none, or one is not > 0.
    """
    times = np.unique(np.atleast_1d(np.asarray(at, dtype=np.float64)))
    if len(times) == 0 or not np.isfinite(times).all() or times[0] <= 0:
        message = f"horizons must be times > 0, found {at}"
        raise UsageError(message)
    return times


def evaluate(model: Any, X: Any, y: Any, *, at: Any) -> dict[str, float]:  # noqa: N803
    """Every measure of a fitted model on some patients.

    Parameters
    ----------
    model : object
        Fitted: predict and predict_survival_function.
    X : DataFrame or array-like, shape (n, p)
        Predictors.
    y : ndarray, shape (n,)
        Outcome from `make_outcome`.
    at : array-like of float, shape (k,), or float
        Horizons, within the follow-up.

    Returns
    -------
    dict of str to float
        By name, over the rows that are scored; NaN where it isn't estimable.
    """
    horizons = read_horizons(at)
    time, event = read_outcome(y)
    return evaluate_predictions(predictions_of(model, X, horizons), time, event, horizons)


def evaluate_predictions(
    predictions: Predictions,
    time: FloatArray,
    event: NDArray[np.bool_],
    at: FloatArray,
    *,
    brief: bool = False,
) -> dict[str, float]:
    """Every measure of predictions that were made before.

    Parameters
    ----------
    predictions : Predictions
        What was predicted.
    time : ndarray of float, shape (n,)
        Follow-up.
    event : ndarray of bool, shape (n,)
        True = event observed.
    at : ndarray of float, shape (k,)
        Horizons, columns of the predictions' grid among them.
    brief : bool
        Only c_harrell, c_uno, ibs and ipa, in a third of the time: what models are compared by.

    Returns
    -------
    dict of str to float
        By name; NaN where it isn't estimable.

    Raises
    ------
    EstimationError
        If no row is scored, or none of the scored has an event.
    """
    rows = predictions.scored
    if not event[rows].any():
        message = f"{np.count_nonzero(rows)} of {len(rows)} rows are scored, none with an event; nothing can be measured"
        raise EstimationError(message)
    scored = predictions.of(rows)
    time, event, risk, survival = time[rows], event[rows], scored.risk, scored.survival
    found = {
        "c_harrell": concordance(time=time, event=event, risk=risk, strata=scored.fold).value,
        "c_uno": _by_fold(scored.fold, lambda of: _uno(time[of], event[of], risk[of], float(at[-1]))),
        "ibs": _or_nan(
            lambda: _integrated(predictions.grid, _brier(time, event, survival, predictions.grid))
        ),
    }
    for t in at:
        at_t = survival[:, int(np.searchsorted(predictions.grid, t))]
        found |= {
            f"{name}@{t:g}": value
            for name, value in _at_one_time(time, event, scored, at_t, float(t), brief).items()
        }
    return found


def _at_one_time(
    time: FloatArray,
    event: NDArray[np.bool_],
    scored: Predictions,
    survival: FloatArray,
    t: float,
    brief: bool,
) -> dict[str, float]:
    brier = _or_nan(lambda: float(_brier(time, event, survival[:, None], np.array([t]))[0]))
    alone = np.full((len(time), 1), kaplan_meier(time=time, event=event).at([t]).survival[0])
    null = _or_nan(lambda: float(_brier(time, event, alone, np.array([t]))[0]))
    ipa = 1 - brier / null if null > 0 else float("nan")
    if brief:
        return {"ipa": ipa}
    auc = _by_fold(scored.fold, lambda of: _auc(time[of], event[of], scored.risk[of], t))
    found = {"auc": auc, "brier": brier, "ipa": ipa}
    names = ("observed_expected", "calibration_intercept", "calibration_slope", "ici")
    try:
        c = calibration(time=time, event=event, survival=survival, at=t)
    except ValueError:  # nobody was followed so far
        return found | dict.fromkeys(names, float("nan"))
    return found | dict(zip(names, (c.observed_expected, c.intercept, c.slope, c.ici), strict=True))


def _by_fold(fold: NDArray[np.intp] | None, measure: Callable[[Any], tuple[float, float]]) -> float:
    """A measure of the order of risks, which those of one model alone have in common: by fold, weighted by its pairs."""
    parts: list[Any] = [slice(None)] if fold is None else [fold == one for one in np.unique(fold)]
    known = []
    for rows in parts:
        try:
            known.append(measure(rows))
        except ValueError:  # no pair, or no follow-up so far
            continue
    total = sum(pairs for _, pairs in known)
    if len(known) == 1:
        return known[0][0]
    return sum(value * pairs for value, pairs in known if pairs > 0) / total if total > 0 else float("nan")


def _uno(time: FloatArray, event: NDArray[np.bool_], risk: FloatArray, tau: float) -> tuple[float, float]:
    """Uno's C, and the weight of its pairs."""
    found = concordance_uno(time=time, event=event, risk=risk, tau=tau)
    return found.value, found.concordant + found.discordant + found.tied_risk


def _auc(time: FloatArray, event: NDArray[np.bool_], risk: FloatArray, t: float) -> tuple[float, float]:
    """AUC at a time, and its pairs of a case and a control."""
    found = cumulative_dynamic_auc(time=time, event=event, risk=risk, at=[t])
    return float(found.value[0]), float(found.n_cases[0] * found.n_controls[0])


def _brier(time: FloatArray, event: NDArray[np.bool_], survival: FloatArray, at: FloatArray) -> FloatArray:
    return brier_score(time=time, event=event, survival=survival, at=at).value


def _integrated(grid: FloatArray, score: FloatArray) -> float:
    """Mean from 0, where every prediction is right, to the last time."""
    return float(np.trapezoid(np.append(0.0, score), np.append(0.0, grid)) / grid[-1])


def _or_nan(measure: Any) -> float:
    try:
        return float(measure())
    except ValueError:  # our own errors: no pair, no follow-up so far, all censored
        return float("nan")
