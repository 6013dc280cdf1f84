"""Piecewise exponential model with proportional hazards: a Poisson regression on time at risk.

The hazard is constant within each interval and the coefficients are the same in all of them. lifelines' model of the
name has coefficients by interval, which few cohorts can bear; with one interval the two agree.

References
----------
.. [1] Friedman M. Piecewise exponential models for survival data with covariates. Ann Stat 1982;10:101-113.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from igfstrat.errors import EstimationError, UsageError
from igfstrat.models._inference import survival_at
from igfstrat.models._matrix import FloatArray, Matrix
from igfstrat.models._newton import Point, maximize
from igfstrat.models.base import SurvivalModel


class PiecewiseExponentialModel(SurvivalModel):
    """Hazard constant within intervals, multiplied by the covariates.

    Parameters
    ----------
    breakpoints : int or tuple of float
        Ends of the intervals but the last, ascending, in the unit of the outcome; or the number of intervals, with ends at
        quantiles of the event times.
    missing : str
        What `fit` does with rows that lack a covariate: refuse or leave_out.
    reliability : dict of str to float, optional
        Share of the variance of a covariate that is true, above 0 and at most 1, by name: `corrected_coefficients` then
        gives the coefficients without regression dilution.

    Attributes
    ----------
    coef_ : ndarray of float, shape (p,)
        Log hazard ratio per unit of the covariate.
    breakpoints_ : ndarray of float, shape (k - 1,)
        Ends of the intervals; an event at an end belongs to the interval that it closes.
    log_rates_ : ndarray of float, shape (k,)
        Logarithm of the hazard per unit of time at the training means.
    covariance_ : ndarray of float, shape (k + p, k + p)
        Of log rates and coefficients.
    mean_ : ndarray of float, shape (p,)
        Training means.
    last_followup_ : float
        Longest follow-up, beyond which no survival is predicted.
    """

    def __init__(
        self,
        breakpoints: int | tuple[float, ...] = 4,
        missing: str = "refuse",
        reliability: dict[str, float] | None = None,
    ) -> None:
        self.breakpoints = breakpoints
        self.missing = missing
        self.reliability = reliability

    def _check_parameters(self) -> None:
        super()._check_parameters()
        if isinstance(self.breakpoints, int):
            good = self.breakpoints >= 1
        else:
            ends = np.asarray(self.breakpoints, dtype=np.float64)
            good = bool(np.isfinite(ends).all() and (np.diff(ends, prepend=0.0) > 0).all())
        if not good:
            message = f"breakpoints must be a count >= 1 or ascending times > 0, found {self.breakpoints}"
            raise UsageError(message)

    def _estimate(
        self, values: FloatArray, time: FloatArray, event: NDArray[np.bool_], strata: NDArray[np.str_] | None
    ) -> None:
        del strata
        self.breakpoints_ = self._ends(time[event])
        exposure = _exposure(time, self.breakpoints_)
        # an event at 0 has no time at risk, but belongs to the first interval
        interval = np.searchsorted(self.breakpoints_, time[event], side="left")
        events = np.bincount(interval, minlength=exposure.shape[1]).astype(np.float64)
        if (events == 0).any() or (exposure.sum(axis=0) == 0).any():
            message = f"an interval has no event (ends {self.breakpoints_.tolist()}); take fewer or longer intervals"
            raise EstimationError(message)
        mean, scale = values.mean(axis=0), values.std(axis=0)
        if (scale <= 1e-12 * np.abs(mean)).any():
            message = f"constant covariate: {self._covariate_names()[int(np.argmin(scale))]}; leave it out"
            raise EstimationError(message)
        x = (values - mean) / scale
        of_events = x[event].sum(axis=0)
        k = len(events)

        def likelihood(theta: FloatArray) -> Point:
            return _likelihood(theta, x, exposure, events, of_events)

        start = np.concatenate((np.log(events / exposure.sum(axis=0)), np.zeros(x.shape[1])))
        theta, here = maximize(likelihood, start, "piecewise exponential")
        back = np.concatenate((np.ones(k), 1 / scale))
        self.parameter_names_ = (*(f"log(rate {i + 1})" for i in range(k)), *self._covariate_names())
        self.covariance_ = np.linalg.inv(here.information) * np.outer(back, back)
        self.log_rates_, self.coef_ = theta[:k], theta[k:] / scale
        self.mean_, self.log_likelihood_ = mean, float(here.value)
        self.last_followup_ = float(time.max())

    def _ends(self, event_times: FloatArray) -> FloatArray:
        if not isinstance(self.breakpoints, int):
            return np.asarray(self.breakpoints, dtype=np.float64)
        shares = np.arange(1, self.breakpoints) / self.breakpoints
        ends: FloatArray = np.unique(np.quantile(event_times, shares, method="inverted_cdf"))
        inside: FloatArray = ends[(ends > 0) & (ends < event_times.max())]
        return inside

    def _log_hazard(self, matrix: Matrix, at: FloatArray) -> tuple[FloatArray, FloatArray]:
        parts = _exposure(at, self.breakpoints_) * np.exp(self.log_rates_)
        total = np.where(at <= self.last_followup_, parts.sum(axis=1), np.nan)
        shares = parts / np.where(total == 0, 1.0, total)[:, None]  # slope of the log hazard by the log rates
        centred = matrix.values - self.mean_
        shape = (len(centred), len(at))
        slope = np.concatenate(
            (
                np.broadcast_to(shares, (*shape, shares.shape[1])),
                np.broadcast_to(centred[:, None, :], (*shape, centred.shape[1])),
            ),
            axis=2,
        )
        error = np.sqrt(np.einsum("ikp,pq,ikq->ik", slope, self.covariance_, slope))
        with np.errstate(divide="ignore"):  # minus infinity at time 0
            return np.log(total) + self._risk(matrix.values)[:, None], error

    def _survival(self, matrix: Matrix, at: FloatArray) -> FloatArray:
        baseline = (_exposure(at, self.breakpoints_) * np.exp(self.log_rates_)).sum(axis=1)
        baseline = np.where(at <= self.last_followup_, baseline, np.nan)
        return survival_at(baseline[None, :], self._risk(matrix.values)[:, None])

    def _median(self, matrix: Matrix) -> FloatArray:
        rates, starts = np.exp(self.log_rates_), np.concatenate(([0.0], self.breakpoints_))
        reached = np.concatenate(([0.0], np.cumsum(rates[:-1] * np.diff(starts))))
        risk = self._risk(matrix.values)
        with np.errstate(over="ignore"):  # an infinite median
            wanted = np.log(2) * np.exp(-risk)
        k = np.clip(np.searchsorted(reached, wanted, side="right") - 1, 0, len(rates) - 1)
        median = starts[k] + (wanted - reached[k]) / rates[k]
        return np.where(median > self.last_followup_, np.inf, median)

    def _parameters(self) -> FloatArray:
        return np.concatenate((self.log_rates_, self.coef_))

    def _coef_places(self) -> NDArray[np.intp]:
        return np.arange(len(self.log_rates_), len(self.log_rates_) + len(self.coef_))


def _exposure(time: FloatArray, ends: FloatArray) -> FloatArray:
    """Time spent in each interval, shape (n, k)."""
    starts = np.concatenate(([0.0], ends))
    width = np.concatenate((np.diff(starts), [np.inf]))
    return np.clip(time[:, None] - starts[None, :], 0.0, width[None, :])


def _likelihood(
    theta: FloatArray, x: FloatArray, exposure: FloatArray, events: FloatArray, of_events: FloatArray
) -> Point:
    k = len(events)
    rates, beta = np.exp(theta[:k]), theta[k:]
    risk = np.exp(x @ beta)
    expected = exposure * rates * risk[:, None]  # by patient and interval
    of_patient = expected.sum(axis=1)
    information = np.empty((len(theta), len(theta)))
    information[:k, :k] = np.diag(expected.sum(axis=0))
    information[:k, k:] = expected.T @ x
    information[k:, :k] = information[:k, k:].T
    information[k:, k:] = (x.T * of_patient) @ x
    score = np.concatenate((events - expected.sum(axis=0), of_events - x.T @ of_patient))
    value = float(events @ theta[:k] + of_events @ beta - of_patient.sum())
    return Point(value, score, information)
