"""Limits and tables that all risk models share."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.special import ndtr

from igfstrat.errors import DomainError
from igfstrat.models._matrix import FloatArray
from igfstrat.survival._intervals import normal_quantile


def log_log_limits(log_hazard: FloatArray, error: FloatArray, level: float) -> FloatArray:
    """Limits of survival, on the last axis, by the logarithm of the cumulative hazard and its standard error."""
    half = normal_quantile(level) * error
    with np.errstate(over="ignore"):  # a limit of 0
        return np.exp(-np.exp(np.stack((log_hazard + half, log_hazard - half), axis=-1)))


def wald_table(coef: FloatArray, covariance: FloatArray, names: pd.Index[Any], level: float) -> pd.DataFrame:
    """Estimates with their errors and Wald limits, tests of 0."""
    error = np.sqrt(np.diag(covariance))
    half = normal_quantile(level) * error
    return pd.DataFrame(
        {
            "coef": coef,
            "std_error": error,
            "ci_lower": coef - half,
            "ci_upper": coef + half,
            "z": coef / error,
            "p_value": 2 * ndtr(-np.abs(coef / error)),
        },
        index=names,
    )


def read_at(times: ArrayLike) -> FloatArray:
    """Times at which survival is asked for, refused where there is none such."""
    at = np.atleast_1d(np.asarray(times, dtype=np.float64))
    if at.ndim != 1 or not np.isfinite(at).all() or (at < 0).any():
        message = f"times must be >= 0 and finite, found {np.asarray(times)}"
        raise DomainError(message)
    return at


def survival_at(hazard: FloatArray, risk: FloatArray) -> FloatArray:
    """Survival by cumulative baseline hazard and linear predictor; 1 where the one is 0, whatever the other.

    Parameters
    ----------
    hazard : ndarray of float, shape (n, k) or (1, k)
        Cumulative hazard at the training means, >= 0; NaN where it isn't known.
    risk : ndarray of float, shape (n, 1)
        Linear predictor, of any size.

    Returns
    -------
    ndarray of float, shape (n, k)
        In [0, 1]; NaN where an input is.
    """
    with np.errstate(over="ignore", invalid="ignore"):  # far outside the training range
        own = np.where((hazard == 0) & ~np.isnan(risk), 0.0, hazard * np.exp(risk))
    survival: FloatArray = np.exp(-own)
    return survival
