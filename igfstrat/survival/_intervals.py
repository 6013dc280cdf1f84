"""Confidence limits for a survival probability on five scales.

Each scale maps (0, 1) to the line, takes estimate ± z standard errors there and maps back. At a
probability of 1 (no event yet) both limits are 1; at 0 the standard error is undefined and so are
the limits (NaN), as in R.

References
----------
.. [1] Kalbfleisch JD, Prentice RL. The Statistical Analysis of Failure Time Data, 2nd ed. Wiley 2002.
.. [2] Borgan Ø, Liestøl K. A note on confidence intervals and bands for the survival function based
   on transformations. Scand J Stat 1990;17:35-41.
"""

from __future__ import annotations

import numpy as np
from scipy.special import ndtri

from igfstrat.survival._inputs import read_choice, read_level
from igfstrat.survival._types import FloatArray

_EXPONENT = 600.0  # exp() of it is still finite; every scale is at its end long before
_SLICE = 16_384  # values that stay in the processor's cache
INTERVALS = ("log-log", "log", "plain", "logit", "arcsin")


def normal_quantile(level: float) -> float:
    """Half-width of a two-sided normal interval in standard errors.

    Parameters
    ----------
    level : float
        Coverage, between 0 and 1.

    Returns
    -------
    float
        1.96 at 0.95.
    """
    return float(ndtri(0.5 + read_level(level) / 2))


def survival_interval(
    survival: FloatArray, std_error: FloatArray, ci: str, level: float
) -> tuple[FloatArray, FloatArray]:
    """Pointwise limits of a survival probability.

    Parameters
    ----------
    survival : ndarray of float, shape (m,)
        Probabilities.
    std_error : ndarray of float, shape (m,)
        Standard errors of the probabilities; NaN where the probability is 0.
    ci : str
        One of `INTERVALS`.
    level : float
        Coverage, between 0 and 1.

    Returns
    -------
    lower : ndarray of float, shape (m,)
        Lower limits in [0, 1]; NaN where the probability is 0.
    upper : ndarray of float, shape (m,)
        Upper limits in [0, 1]; NaN where the probability is 0.
    """
    read_choice(ci, "ci", INTERVALS)
    z = normal_quantile(level)
    lower, upper = np.empty_like(survival), np.empty_like(survival)
    for start in range(0, len(survival), _SLICE):
        part = slice(start, start + _SLICE)
        s = survival[part]
        inside = (s > 0) & (s < 1)
        p = np.where(inside, s, 0.5)  # any value will do where the answer is known
        low, high = _LIMITS[ci](p, z * np.where(inside, std_error[part], 0.0))
        edge = np.where(s > 0, 1.0, np.nan)
        lower[part] = np.where(inside, np.maximum(low, 0.0), edge)
        upper[part] = np.where(inside, np.minimum(high, 1.0), edge)
    return lower, upper


def _plain(s: FloatArray, half: FloatArray) -> tuple[FloatArray, FloatArray]:
    return s - half, s + half


def _log(s: FloatArray, half: FloatArray) -> tuple[FloatArray, FloatArray]:
    factor = np.exp(np.minimum(half / s, _EXPONENT))
    return s / factor, s * factor


def _log_log(s: FloatArray, half: FloatArray) -> tuple[FloatArray, FloatArray]:
    logs = np.log(s)
    factor = np.exp(np.minimum(-half / (s * logs), _EXPONENT))
    return np.exp(np.maximum(logs * factor, -_EXPONENT)), np.exp(logs / factor)


def _logit(s: FloatArray, half: FloatArray) -> tuple[FloatArray, FloatArray]:
    odds = s / (1 - s)
    factor = np.exp(np.minimum(half / (s * (1 - s)), _EXPONENT))
    return 1 - 1 / (1 + odds / factor), 1 - 1 / (1 + odds * factor)


def _arcsin(s: FloatArray, half: FloatArray) -> tuple[FloatArray, FloatArray]:
    angle, width = np.arcsin(np.sqrt(s)), half / (2 * np.sqrt(s * (1 - s)))
    return np.sin(np.maximum(0.0, angle - width)) ** 2, np.sin(np.minimum(np.pi / 2, angle + width)) ** 2


_LIMITS = {"plain": _plain, "log": _log, "log-log": _log_log, "logit": _logit, "arcsin": _arcsin}


def symmetric_limits(estimate: float, std_error: float, level: float) -> tuple[float, float]:
    """Estimate plus and minus the normal half-width.

    Parameters
    ----------
    estimate : float
        Point estimate.
    std_error : float
        Its standard error.
    level : float
        Coverage, between 0 and 1.

    Returns
    -------
    tuple of float
        Lower and upper limit.
    """
    half = normal_quantile(level) * std_error
    return estimate - half, estimate + half


def ratio_of(log_ratio: FloatArray) -> FloatArray:
    """Ratio from its logarithm; infinite where doubles end, which a covariate in tiny units can reach.

    Parameters
    ----------
    log_ratio : ndarray of float, shape (p,)
        Logarithms; NaN stays NaN.

    Returns
    -------
    ndarray of float, shape (p,)
        The ratios.
    """
    with np.errstate(over="ignore"):
        return np.exp(log_ratio)
