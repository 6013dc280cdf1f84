"""Accelerated failure time models, Weibull and log-logistic, as scikit-learn estimators.

lifelines fits them; Newton's method on the closed-form derivatives then takes its estimate, which stops at about six
digits, to the maximum. The logarithm of time is location plus scale times a standard error (smallest extreme value or
logistic), the parameterisation of R's `survreg`; one scale for all patients.

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


class _AcceleratedModel(SurvivalModel):
    """Location and scale of log time."""

    fitter: str  # of lifelines
    what: str

    def __init__(self, missing: str = "refuse") -> None:
        self.missing = missing

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

        start = _by_lifelines(self.fitter, design, time, event)
        theta, here = maximize(likelihood, start, self.what)
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

    def _risk(self, values: FloatArray) -> FloatArray:
        return -super()._risk(values)  # a longer time is a lower risk

    def _location(self, values: FloatArray) -> FloatArray:
        location: FloatArray = self.intercept_ + (values * self.coef_).sum(axis=1)
        return location

    def _survival(self, matrix: Matrix, at: FloatArray) -> FloatArray:
        with np.errstate(divide="ignore"):
            logs = np.log(at)  # minus infinity at 0, where all are alive
        z = (logs[None, :] - self._location(matrix.values)[:, None]) / np.exp(self.log_scale_)
        return self._survival_of(z)

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
        return np.exp(-np.exp(z))

    def _median(self, matrix: Matrix) -> FloatArray:
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

    def _median(self, matrix: Matrix) -> FloatArray:
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


def _by_lifelines(fitter: str, design: FloatArray, time: FloatArray, event: NDArray[np.bool_]) -> FloatArray:
    """Intercept, coefficients and log scale as lifelines finds them; plain ones where it gives up."""
    import lifelines

    table = pd.DataFrame(design[:, 1:], columns=[f"x{i}" for i in range(design.shape[1] - 1)])
    table["time"], table["event"] = time, event
    plain = np.zeros(design.shape[1] + 1)
    plain[0] = np.log(time).mean()
    model: Any = getattr(lifelines, fitter)()
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")  # what it says of its own precision is mended by Newton's method
            model.fit(table, "time", "event")
    except lifelines.exceptions.ConvergenceError:
        return plain
    location, shape = model.params_.index.get_level_values(0).unique()
    found = model.params_.loc[location]
    names = ["Intercept", *table.columns[:-2]]
    start = np.append(found.loc[names].to_numpy(), -float(model.params_.loc[shape].iloc[0]))
    return start if np.isfinite(start).all() else plain
