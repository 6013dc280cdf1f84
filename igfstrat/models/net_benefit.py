"""Decision curves: what acting on a predicted risk is worth, against acting on all and on none.

References
----------
.. [1] Vickers AJ, Elkin EB. Decision curve analysis: a novel method for evaluating prediction models. Med Decis Making
   2006;26:565-574.
.. [2] Vickers AJ, Cronin AM, Elkin EB, Gonen M. Extensions to decision curve analysis, a novel method for evaluating
   diagnostic tests, prediction models and molecular markers. BMC Med Inform Decis Mak 2008;8:53.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from igfstrat.errors import DomainError
from igfstrat.models._matrix import FloatArray
from igfstrat.survival import kaplan_meier
from igfstrat.survival._inputs import read_sample


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionCurve:
    """Net benefit at each threshold.

    Parameters
    ----------
    at : float
        Time by which the event counts.
    threshold : ndarray of float, shape (k,)
        Risk from which one would act, in (0, 1).
    model, treat_all : ndarray of float, shape (k,)
        Net benefit of acting on the prediction and on all; that of acting on none is 0. NaN where those above the
        threshold were not followed to the time.
    share : ndarray of float, shape (k,)
        Patients above the threshold.
    """

    at: float
    threshold: FloatArray
    model: FloatArray
    treat_all: FloatArray
    share: FloatArray


def decision_curve(*, time: Any, event: Any, risk: Any, at: float, thresholds: Any) -> DecisionCurve:
    """Net benefit of a predicted risk with censored follow-up.

    Parameters
    ----------
    time : array-like of float, shape (n,)
        Follow-up, >= 0, one unit.
    event : array-like of bool, shape (n,)
        True = event observed.
    risk : array-like of float, shape (n,)
        Predicted probability of the event by `at`, in [0, 1].
    at : float
        The time, > 0.
    thresholds : array-like of float, shape (k,)
        Thresholds in (0, 1).

    Returns
    -------
    DecisionCurve
        By the Kaplan–Meier risk of those above each threshold.

    Raises
    ------
    DomainError
        If a probability or a threshold lies outside its range.

    Examples
    --------
    >>> curve = decision_curve(time=[1, 2, 9, 9], event=[True, True, False, False], risk=[0.9, 0.8, 0.1, 0.2], at=5, thresholds=[0.5])
    >>> curve.model.tolist(), curve.treat_all.tolist()
    ([0.5], [0.0])
    """
    sample = read_sample(time=time, event=event)
    predicted, cut = (
        np.asarray(risk, dtype=np.float64),
        np.atleast_1d(np.asarray(thresholds, dtype=np.float64)),
    )
    if predicted.shape != (sample.n,) or not ((predicted >= 0) & (predicted <= 1)).all():
        message = f"risk must be {sample.n} probabilities in [0, 1], found shape {predicted.shape}"
        raise DomainError(message)
    if not at > 0 or not ((cut > 0) & (cut < 1)).all():
        message = f"at must be > 0 and thresholds within (0, 1), found {at} and {cut}"
        raise DomainError(message)
    predicted = predicted[sample.order]
    odds = cut / (1 - cut)

    def events_among(rows: Any) -> float:
        return 1 - float(kaplan_meier(time=sample.time[rows], event=sample.event[rows]).at([at]).survival[0])

    share = np.array([(predicted > threshold).mean() for threshold in cut])
    found = np.array([events_among(predicted > c) if s > 0 else 0.0 for c, s in zip(cut, share, strict=True)])
    overall = events_among(slice(None))
    return DecisionCurve(
        at=float(at),
        threshold=cut,
        model=share * (found - (1 - found) * odds),
        treat_all=overall - (1 - overall) * odds,
        share=share,
    )
