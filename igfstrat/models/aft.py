"""Accelerated failure time models, Weibull and log-logistic, as scikit-learn estimators.

Newton's method on the closed-form derivatives finds the maximum, a hundred times sooner than lifelines and to the last
digits, where lifelines stops at about six. Where it doesn't get there by itself, it starts again from the estimate of
lifelines. The logarithm of time is location plus scale times a standard error (smallest extreme value or logistic), the
parameterisation of R's `survreg`; one scale for all patients.

References
----------
.. [1] Kalbfleisch JD, Prentice RL. The Statistical Analysis of Failure Time Data, 2nd edition. Wiley 2002, chapter 2.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit

from igfstrat.errors import EstimationError
from igfstrat.models._matrix import FloatArray, Matrix
from igfstrat.models._newton import Point, maximize
from igfstrat.models.base import SurvivalModel

INTERCEPT, LOG_SCALE = "(intercept)", "log(scale)"
_LOWEST = -600.0  # exp() of it is still above 0


class _AcceleratedModel(SurvivalModel):
    """Location and scale of log time."""

    fitter: str  # of lifelines
    what: str

    def __init__(self, missing: str = "refuse", reliability: dict[str, float] | None = None) -> None:
        self.missing = missing
        self.reliability = reliability

    def _estimate(
        self, values: FloatArray, time: FloatArray, event: NDArray[np.bool_], strata: NDArray[np.str_] | None
    ) -> None:
        del strata
        values, time, event = _beyond_zero(values, time, event)
        mean, scale = values.mean(axis=0), values.std(axis=0)
        if (scale <= 1e-12 * np.abs(mean)).any():
            message = f"constant covariate: {self._covariate_names()[int(np.argmin(scale))]}; leave it out"
            raise EstimationError(message)
        design = np.column_stack((np.ones(len(values)), (values - mean) / scale))
        logs = np.log(time)

        def likelihood(theta: FloatArray) -> Point:
            return self._likelihood(theta, design, logs, event)

        plain = np.zeros(design.shape[1] + 1)
        plain[0], plain[-1] = logs.mean(), np.log(logs.std() or 1.0)
        try:
            theta, here = maximize(likelihood, plain, self.what)
        except EstimationError:
            start = _by_lifelines(self.fitter, design, time, event)
            theta, here = maximize(likelihood, plain if start is None else start, self.what)
        self._keep(theta, here, mean, scale)

    def _keep(self, theta: FloatArray, here: Point, mean: FloatArray, scale: FloatArray) -> None:
        """Back to the units of the covariates; the intercept moves by the means."""
        back = np.diag(np.concatenate(([1.0], 1 / scale, [1.0])))
        back[0, 1:-1] = -mean / scale
        own = back @ theta
        self.parameter_names_ = (INTERCEPT, *self._covariate_names(), LOG_SCALE)
        self.covariance_ = back @ np.linalg.inv(here.information) @ back.T
        self.intercept_, self.coef_, self.log_scale_ = float(own[0]), own[1:-1], float(own[-1])
        self.mean_, self.log_likelihood_ = mean, float(here.value)

    def _likelihood(
        self, theta: FloatArray, design: FloatArray, logs: FloatArray, event: NDArray[np.bool_]
    ) -> Point:
        sigma = np.exp(theta[-1])
        z = (logs - design @ theta[:-1]) / sigma
        value, first, second = self._standard(z, event)
        cross = design.T @ (second * z + first) / sigma
        hessian = np.empty((len(theta), len(theta)))
        hessian[:-1, :-1] = (design.T * (second / sigma**2)) @ design
        hessian[:-1, -1] = hessian[-1, :-1] = cross
        hessian[-1, -1] = (z * first + z**2 * second).sum()
        score = np.append(-(design.T @ first) / sigma, (-z * first - event).sum())
        return Point(float((value - event * (theta[-1] + logs)).sum()), score, -hessian)

    def _standard(self, z: FloatArray, event: NDArray[np.bool_]) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Log density of events and log survival of the others at z, with two derivatives."""
        raise NotImplementedError

    def _survival_of(self, z: FloatArray) -> FloatArray:
        raise NotImplementedError

    def _log_hazard_of(self, z: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Logarithm of the cumulative hazard at z, and its derivative."""
        raise NotImplementedError

    def _risk(self, values: FloatArray) -> FloatArray:
        return -super()._risk(values)  # a longer time is a lower risk

    def _location(self, values: FloatArray) -> FloatArray:
        location: FloatArray = self.intercept_ + (values * self.coef_).sum(axis=1)
        return location

    def _survival(self, matrix: Matrix, at: FloatArray) -> FloatArray:
        return self._survival_of(self._standardized(matrix, at))

    def _standardized(self, matrix: Matrix, at: FloatArray) -> FloatArray:
        with np.errstate(divide="ignore"):
            logs = np.log(at)  # minus infinity at 0, where all are alive
        z: FloatArray = (logs[None, :] - self._location(matrix.values)[:, None]) / np.exp(self.log_scale_)
        return z

    def _log_hazard(self, matrix: Matrix, at: FloatArray) -> tuple[FloatArray, FloatArray]:
        z = self._standardized(matrix, at)
        finite = np.where(np.isneginf(z), 0.0, z)  # at time 0 all are alive, whatever the parameters
        x = np.column_stack((np.ones(len(z)), matrix.values))
        place = np.broadcast_to(x[:, None, :], (*z.shape, x.shape[1])) / np.exp(self.log_scale_)
        slope = np.concatenate(
            (place, finite[:, :, None]), axis=2
        )  # of z by the parameters, but for the sign
        error = np.sqrt(np.einsum("ikp,pq,ikq->ik", slope, self.covariance_, slope))
        log_hazard, by_z = self._log_hazard_of(finite)
        return np.where(np.isneginf(z), z, log_hazard), np.where(np.isneginf(z), 0.0, by_z * error)

    def _parameters(self) -> FloatArray:
        return np.concatenate(([self.intercept_], self.coef_, [self.log_scale_]))

    def _coef_places(self) -> NDArray[np.intp]:
        return np.arange(1, len(self.coef_) + 1)


class WeibullAFTModel(_AcceleratedModel):
    """Weibull model: accelerated failure time and proportional hazards at once.

    Parameters
    ----------
    missing : str
        What `fit` does with rows that lack a covariate: refuse or leave_out.
    reliability : dict of str to float, optional
        Share of the variance of a covariate that is true, above 0 and at most 1, by name: `corrected_coefficients` then
        gives the coefficients without regression dilution.

    Attributes
    ----------
    coef_ : ndarray of float, shape (p,)
        Log time ratio per unit of the covariate: positive = later events. (`predict` turns the sign.)
    intercept_ : float
        Location of log time at covariates 0.
    log_scale_ : float
        Logarithm of R's scale, 1 / the shape of the Weibull.
    covariance_ : ndarray of float, shape (p + 2, p + 2)
        Of intercept, coefficients and log scale.
    log_likelihood_ : float
        With the density of time, as in R.
    """

    fitter = "WeibullAFTFitter"
    what = "Weibull"

    def _standard(self, z: FloatArray, event: NDArray[np.bool_]) -> tuple[FloatArray, FloatArray, FloatArray]:
        hazard = np.exp(z)
        return event * z - hazard, event - hazard, -hazard

    def _survival_of(self, z: FloatArray) -> FloatArray:
        with np.errstate(over="ignore"):  # far outside the training range: 0
            return np.exp(-np.exp(z))

    def _log_hazard_of(self, z: FloatArray) -> tuple[FloatArray, FloatArray]:
        return z, np.ones_like(z)

    def _median(self, matrix: Matrix) -> FloatArray:
        with np.errstate(over="ignore"):
            median: FloatArray = np.exp(
                self._location(matrix.values) + np.exp(self.log_scale_) * np.log(np.log(2))
            )
        return median


class LogLogisticAFTModel(_AcceleratedModel):
    """Log-logistic model: the hazard may rise and then fall.

    Parameters
    ----------
    missing : str
        What `fit` does with rows that lack a covariate: refuse or leave_out.
    reliability : dict of str to float, optional
        Share of the variance of a covariate that is true, above 0 and at most 1, by name: `corrected_coefficients` then
        gives the coefficients without regression dilution.

    Attributes
    ----------
    coef_ : ndarray of float, shape (p,)
        Log time ratio per unit of the covariate: positive = later events. (`predict` turns the sign.)
    intercept_ : float
        Location of log time at covariates 0.
    log_scale_ : float
        Logarithm of the scale of log time.
    covariance_ : ndarray of float, shape (p + 2, p + 2)
        Of intercept, coefficients and log scale.
    log_likelihood_ : float
        With the density of time, as in R.
    """

    fitter = "LogLogisticAFTFitter"
    what = "log-logistic"

    def _standard(self, z: FloatArray, event: NDArray[np.bool_]) -> tuple[FloatArray, FloatArray, FloatArray]:
        share, count = expit(z), 1.0 + event
        return event * z - count * np.logaddexp(0, z), event - count * share, -count * share * (1 - share)

    def _survival_of(self, z: FloatArray) -> FloatArray:
        survival: FloatArray = expit(-z)
        return survival

    def _log_hazard_of(self, z: FloatArray) -> tuple[FloatArray, FloatArray]:
        hazard = np.maximum(z, 0.0) + np.log1p(np.exp(-np.abs(z)))
        low = z < _LOWEST  # the hazard is exp(z) itself there
        hazard = np.where(low, 1.0, hazard)
        return np.where(low, z, np.log(hazard)), np.where(low, 1.0, expit(z) / hazard)

    def _median(self, matrix: Matrix) -> FloatArray:
        with np.errstate(over="ignore"):
            return np.exp(self._location(matrix.values))


def _beyond_zero(
    values: FloatArray, time: FloatArray, event: NDArray[np.bool_]
) -> tuple[FloatArray, FloatArray, NDArray[np.bool_]]:
    """A patient censored at 0 adds nothing; an event at 0 has no density."""
    at_zero = time == 0
    if (at_zero & event).any():
        message = (
            f"{np.count_nonzero(at_zero & event)} events at time 0 have no density in an accelerated failure time model; "
            "use a Cox model, or leave these rows out"
        )
        raise EstimationError(message)
    return values[~at_zero], time[~at_zero], event[~at_zero]


def _by_lifelines(
    fitter: str, design: FloatArray, time: FloatArray, event: NDArray[np.bool_]
) -> FloatArray | None:
    """Intercept, coefficients and log scale as lifelines finds them; None where it gives up too."""
    import lifelines

    table = pd.DataFrame(design[:, 1:], columns=[f"x{i}" for i in range(design.shape[1] - 1)])
    table["time"], table["event"] = time, event
    model: Any = getattr(lifelines, fitter)()
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")  # what it says of its own precision is mended by Newton's method
            model.fit(table, "time", "event")
    except lifelines.exceptions.ConvergenceError:
        return None
    location, shape = model.params_.index.get_level_values(0).unique()
    found = model.params_.loc[location]
    names = ["Intercept", *table.columns[:-2]]
    start = np.append(found.loc[names].to_numpy(), -float(model.params_.loc[shape].iloc[0]))
    return start if np.isfinite(start).all() else None
