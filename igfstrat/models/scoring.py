"""Partial likelihood of a risk score: what tunes a penalty."""

from __future__ import annotations

from typing import Any

import numpy as np

from igfstrat.models._matrix import FloatArray
from igfstrat.models.outcome import read_outcome
from igfstrat.survival._inputs import read_numbers, read_sample


def partial_log_likelihood(*, time: Any, event: Any, risk: Any) -> float:
    """Log partial likelihood of a risk score taken as it is, ties by Efron.

    Parameters
    ----------
    time : array-like of float, shape (n,)
        Follow-up, >= 0, one unit.
    event : array-like of bool, shape (n,)
        True = event observed.
    risk : array-like of float, shape (n,)
        Log hazard ratio; higher = earlier event expected.

    Returns
    -------
    float
        Log likelihood, <= 0; 0 without events.

    References
    ----------
    .. [1] Efron B. The efficiency of Cox's likelihood function for censored data. J Am Stat Assoc 1977;72:557-565.

    Examples
    --------
    >>> round(partial_log_likelihood(time=[1, 2], event=[True, True], risk=[0.0, 0.0]), 4)
    -0.6931
    """
    sample = PartialLikelihood(time=time, event=event)
    return sample.of(read_numbers(risk, "risk", sample.n))


class PartialLikelihood:
    """Patients sorted once, for the likelihood of any number of scores.

    Parameters
    ----------
    time : array-like of float, shape (n,)
        Follow-up, >= 0, one unit.
    event : array-like of bool, shape (n,)
        True = event observed.
    """

    def __init__(self, *, time: Any, event: Any) -> None:
        sample = read_sample(time=time, event=event)
        self.n = sample.n
        self._order, self._first, self._event = sample.order, sample.first, sample.event
        deaths = np.add.reduceat(sample.event.astype(np.int64), sample.first)
        self._spread = np.repeat(np.arange(len(deaths)), deaths)  # the time of each death
        place = np.arange(len(self._spread)) - np.repeat(np.cumsum(deaths) - deaths, deaths)
        self._share = place / deaths[self._spread]

    def of(self, risk: FloatArray) -> float:
        """Log partial likelihood of a score, ties by Efron.

        Parameters
        ----------
        risk : ndarray of float, shape (n,)
            Log hazard ratio; higher = earlier event expected.

        Returns
        -------
        float
            Log likelihood, <= 0; 0 without events.
        """
        score = risk[self._order]
        score = score - score.max()  # the largest cancels out
        relative = np.exp(score)
        at_risk = np.cumsum(relative[::-1])[::-1][self._first]
        of_dead = np.add.reduceat(np.where(self._event, relative, 0.0), self._first)
        lost = np.log(at_risk[self._spread] - self._share * of_dead[self._spread]).sum()
        return float(score[self._event].sum() - lost)


def partial_likelihood_score(estimator: Any, X: Any, y: Any) -> float:  # noqa: N803 - scikit-learn's name
    """Scorer for scikit-learn: partial log-likelihood per event of new patients.

    Parameters
    ----------
    estimator : object
        Fitted; its `predict` gives a log hazard ratio.
    X : DataFrame or array-like, shape (n, p)
        Predictors.
    y : ndarray, shape (n,)
        Outcome from `make_outcome`.

    Returns
    -------
    float
        Higher = better; over the rows that have a prediction; NaN without events among them.
    """
    time, event = read_outcome(y)
    risk: FloatArray = np.asarray(estimator.predict(X), dtype=np.float64)
    rows = ~np.isnan(risk)
    n_events = int(np.count_nonzero(event[rows]))
    if n_events == 0:
        return float("nan")
    return partial_log_likelihood(time=time[rows], event=event[rows], risk=risk[rows]) / n_events
