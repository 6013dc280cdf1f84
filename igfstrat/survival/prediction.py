"""How well predicted survival fits what happened: Brier score and time-dependent AUC.

Patients censored before a time are made up for by weighting the others by the inverse probability of
being uncensored: 1 / G(t-) just before an event, 1 / G(t) for those followed beyond t. At one time events
come before censorings. (scikit-survival takes G(t) at events too, which differs where a censoring ties
with an event.)

References
----------
.. [1] Graf E, Schmoor C, Sauerbrei W, Schumacher M. Assessment and comparison of prognostic classification
   schemes for survival data. Stat Med 1999;18:2529-2545.
.. [2] Uno H, Cai T, Tian L, Wei LJ. Evaluating prediction rules for t-year survivors with censored
   regression models. J Am Stat Assoc 2007;102:527-537.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from igfstrat.errors import DomainError, EstimationError
from igfstrat.survival._inputs import Sample, read_numbers, read_sample
from igfstrat.survival._risk import risk_table
from igfstrat.survival._types import FloatArray, IntArray
from igfstrat.survival.curves import curve_of_sample


@dataclass(frozen=True, slots=True, kw_only=True)
class BrierScore:
    """Brier scores at fixed times.

    Parameters
    ----------
    at : ndarray of float, shape (k,)
        Times, in the caller's unit.
    value : ndarray of float, shape (k,)
        Weighted mean squared error of the predicted survival.
    """

    at: FloatArray
    value: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class DynamicAuc:
    """Cumulative/dynamic AUC at fixed times.

    Parameters
    ----------
    at : ndarray of float, shape (k,)
        Times, in the caller's unit.
    value : ndarray of float, shape (k,)
        Probability that a patient with an event by that time has the higher risk than one without; NaN
        where there is no such pair.
    mean : float
        Mean over the times, weighted by the fall of the Kaplan–Meier curve before each; NaN when it
        does not fall or a value is missing.
    n_cases, n_controls : ndarray of int, shape (k,)
        Patients with an event by, and followed beyond, each time.
    not_estimable : str or None
        Why a value is missing, or None.
    """

    at: FloatArray
    value: FloatArray
    mean: float
    n_cases: IntArray
    n_controls: IntArray
    not_estimable: str | None = None


def brier_score(
    *, time: Any, event: Any, survival: Any, at: Any, train_time: Any = None, train_event: Any = None
) -> BrierScore:
    """Brier score of predicted survival probabilities.

    Parameters
    ----------
    time : array-like of float, shape (n,)
        Follow-up, >= 0, one unit.
    event : array-like of bool, shape (n,)
        True = event observed.
    survival : array-like of float, shape (n, k) or (n,)
        Predicted probability of surviving beyond each time of `at`, in [0, 1].
    at : array-like of float, shape (k,), or float
        Times, same unit, below the longest follow-up.
    train_time : array-like of float, shape (m,), optional
        Follow-up of the patients from whom the censoring distribution is estimated; these here when
        left out.
    train_event : array-like of bool, shape (m,), optional
        Their events.

    Returns
    -------
    BrierScore
        The scores.

    Raises
    ------
    DomainError
        Probabilities outside [0, 1] or of another shape.
    """
    sample = read_sample(time=time, event=event)
    times = _read_at(at, sample)
    predicted = _read_columns(survival, "survival", sample.n, len(times))[sample.order]
    if predicted.min() < 0 or predicted.max() > 1:
        msg = f"survival must lie in [0, 1], found {predicted.min():g} to {predicted.max():g}; give probabilities, not risks"
        raise DomainError(msg)
    censoring = _Censoring(sample, train_time, train_event)
    at_event = censoring.weights_of_events(sample, float(times.max()))
    score = np.empty(len(times))
    for k, t in enumerate(times):
        dead = sample.event & (sample.time <= t)
        alive = sample.time > t
        loss = np.where(dead, predicted[:, k] ** 2 * at_event, 0.0)
        if alive.any():
            loss = loss + np.where(alive, (1 - predicted[:, k]) ** 2 * censoring.weight_beyond(t), 0.0)
        score[k] = loss.mean()
    return BrierScore(at=times, value=score)


def integrated_brier_score(
    *, time: Any, event: Any, survival: Any, at: Any, train_time: Any = None, train_event: Any = None
) -> float:
    """Mean Brier score between the first and the last time, by the trapezoid rule.

    Parameters
    ----------
    time : array-like of float, shape (n,)
        Follow-up, >= 0, one unit.
    event : array-like of bool, shape (n,)
        True = event observed.
    survival : array-like of float, shape (n, k)
        Predicted probability of surviving beyond each time of `at`, in [0, 1].
    at : array-like of float, shape (k,)
        At least two ascending times, same unit.
    train_time : array-like of float, shape (m,), optional
        See `brier_score`.
    train_event : array-like of bool, shape (m,), optional
        See `brier_score`.

    Returns
    -------
    float
        The integrated score, >= 0.

    Raises
    ------
    DomainError
        Fewer than two times, or times that do not ascend.
    """
    score = brier_score(
        time=time, event=event, survival=survival, at=at, train_time=train_time, train_event=train_event
    )
    if len(score.at) < 2 or np.any(np.diff(score.at) <= 0):
        msg = f"at must hold at least two ascending times, found {at}"
        raise DomainError(msg)
    return float(np.trapezoid(score.value, score.at) / (score.at[-1] - score.at[0]))


def cumulative_dynamic_auc(
    *, time: Any, event: Any, risk: Any, at: Any, train_time: Any = None, train_event: Any = None
) -> DynamicAuc:
    """AUC of a risk score for having had the event by each time.

    Parameters
    ----------
    time : array-like of float, shape (n,)
        Follow-up, >= 0, one unit.
    event : array-like of bool, shape (n,)
        True = event observed.
    risk : array-like of float, shape (n,) or (n, k)
        Score, the same for all times or one for each; higher = earlier event expected.
    at : array-like of float, shape (k,), or float
        Ascending times, same unit, below the longest follow-up.
    train_time : array-like of float, shape (m,), optional
        See `brier_score`.
    train_event : array-like of bool, shape (m,), optional
        See `brier_score`.

    Returns
    -------
    DynamicAuc
        The AUC at each time and their mean.
    """
    sample = read_sample(time=time, event=event)
    times = _read_at(at, sample)
    scores = np.asarray(risk)
    if scores.ndim == 1:
        scores = np.repeat(read_numbers(scores, "risk", sample.n)[:, None], len(times), axis=1)
    scores = _read_columns(scores, "risk", sample.n, len(times))[sample.order]
    weights = _Censoring(sample, train_time, train_event).weights_of_events(sample, float(times.max()))
    value = np.full(len(times), np.nan)
    cases, controls = np.zeros(len(times), np.int64), np.zeros(len(times), np.int64)
    for k, t in enumerate(times):
        case, control = sample.event & (sample.time <= t), sample.time > t
        cases[k], controls[k] = np.count_nonzero(case), np.count_nonzero(control)
        if cases[k] and controls[k]:
            value[k] = _auc(scores[case, k], weights[case], np.sort(scores[control, k]))
    fall = -np.diff(curve_of_sample(sample).at(times).survival, prepend=1.0)
    usable = not np.isnan(value).any() and fall.sum() > 0
    return DynamicAuc(
        at=times,
        value=value,
        mean=float(value @ fall / fall.sum()) if usable else float("nan"),
        n_cases=cases,
        n_controls=controls,
        not_estimable=None
        if usable
        else "at some time there is no event before it or nobody followed beyond it",
    )


def _auc(case: FloatArray, weight: FloatArray, control: FloatArray) -> float:
    below = np.searchsorted(control, case, side="left")
    tied = np.searchsorted(control, case, side="right") - below
    return float(weight @ (below + tied / 2) / (weight.sum() * len(control)))


class _Censoring:
    """The distribution of censoring, from the training patients or from those judged."""

    def __init__(self, sample: Sample, train_time: Any, train_event: Any) -> None:
        if (train_time is None) != (train_event is None):
            msg = "train_time and train_event go together; give both or neither"
            raise DomainError(msg)
        train = sample if train_time is None else read_sample(time=train_time, event=train_event)
        table = risk_table(train)
        exposed = np.maximum(table.n_at_risk - table.n_events, 1)
        self.time = table.time
        self.after = np.concatenate(([1.0], np.cumprod(1 - table.n_censored / exposed)))

    def weights_of_events(self, sample: Sample, horizon: float) -> FloatArray:
        """1 / G(T-) of each row with an event up to the horizon, else 0."""
        used = sample.event & (sample.time <= horizon)
        before = self.after[np.searchsorted(self.time, sample.time, side="left")]
        _refuse_zero(before[used], "at an event")
        return np.where(used, 1 / np.where(used, before, 1.0), 0.0)

    def weight_beyond(self, t: float) -> float:
        """1 / G(t) of those followed beyond t."""
        g = self.after[np.searchsorted(self.time, t, side="right")]
        _refuse_zero(np.array([g]), f"at {t:g}")
        return float(1 / g)


def _refuse_zero(g: FloatArray, place: str) -> None:
    if (g <= 0).any():
        msg = f"the probability of being uncensored is 0 {place}: all training patients are censored by then; use earlier times"
        raise EstimationError(msg)


def _read_at(at: Any, sample: Sample) -> FloatArray:
    times = read_numbers(np.atleast_1d(np.asarray(at)), "at")
    if len(times) == 0 or times.min() < 0 or times.max() >= sample.time[-1]:
        msg = f"at must hold times >= 0 and below the longest follow-up ({sample.time[-1]:g}), found {at}"
        raise DomainError(msg)
    return times


def _read_columns(values: Any, name: str, n: int, k: int) -> FloatArray:
    array = np.asarray(values)
    if array.ndim == 1 and k == 1:
        array = array[:, None]
    if array.dtype.kind not in "iuf" or array.shape != (n, k) or not np.isfinite(array).all():
        msg = f"{name} must be finite numbers of shape ({n}, {k}), one column a time; found {array.dtype} of shape {array.shape}"
        raise DomainError(msg)
    return array.astype(np.float64)
