"""Values beyond a limit (`<25`, `>1000`): a normal distribution given the other predictors, and what it expects there.

The regression is fitted by maximum likelihood to measured values and limits together (Tobit), where declared on the
logarithm. A value beyond its limit is then taken as its expected value between its limits, the same one each time; for
multiple imputation it can be drawn instead. The outcome has no part in it: a patient who is scored has none yet. An
expected value has no scatter, so the model's errors are a little too small where many values lie beyond a limit.

References
----------
.. [1] Tobin J. Estimation of relationships for limited dependent variables. Econometrica 1958;26:24-36.
.. [2] Lubin JH, Colt JS, Camann D, et al. Epidemiologic evaluation of measurement data in the presence of detection
   limits. Environ Health Perspect 2004;112:1691-1696.
.. [3] Johnson NL, Kotz S, Balakrishnan N. Continuous Univariate Distributions, volume 1, 2nd edition. Wiley 1994,
   section 13.10.1. (Moments of the truncated normal.)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.linalg import qr
from scipy.special import log_ndtr, ndtr, ndtri

from igfstrat.errors import EstimationError, UsageError, safe_text
from igfstrat.features.status import limits_of
from igfstrat.models._matrix import FloatArray
from igfstrat.models._newton import Point, maximize
from igfstrat.models._terms import numbers_of

SCALES: Final = ("linear", "log")
_LOG_ROOT_2_PI = 0.5 * np.log(2 * np.pi)
_DEPENDENT = 1e-9  # of the largest: a column that the others make up


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Limits of each value on the scale of the normal, infinite where open, equal where measured; NaN = not known."""

    lower: FloatArray
    upper: FloatArray

    @property
    def beyond(self) -> NDArray[np.bool_]:
        """Rows whose value is known to lie between limits only."""
        return self.lower < self.upper


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CensoredNormal:
    """A predictor's distribution given the others.

    Parameters
    ----------
    name : str
        The predictor; its limits stand in ``<name>_lower`` and ``<name>_upper``.
    scale : str
        Whether the logarithm or the value itself is normal: log or linear.
    columns : tuple of str
        Columns of the design matrix on which it depends.
    coef : ndarray of float, shape (k + 1,)
        Intercept and coefficients.
    log_sigma : float
        Logarithm of the standard deviation about the regression.
    covariance : ndarray of float, shape (k + 2, k + 2)
        Of coefficients and `log_sigma`.
    n_measured, n_beyond : int
        Training rows that were measured, and beyond a limit.
    """

    name: str
    scale: str
    columns: tuple[str, ...]
    coef: FloatArray
    log_sigma: float
    covariance: FloatArray
    n_measured: int
    n_beyond: int

    def expected(self, limits: Limits, others: FloatArray) -> FloatArray:
        """Expected value between the limits.

        Parameters
        ----------
        limits : Limits
            From `read_limits`.
        others : ndarray of float, shape (n, k)
            The columns `columns`.

        Returns
        -------
        ndarray of float, shape (n,)
            In the predictor's own unit, within the limits; the value itself where it was measured; NaN where nothing is
            known or one of the others is missing.
        """
        sigma = np.exp(self.log_sigma)
        mean = self.coef[0] + (others * self.coef[1:]).sum(axis=1)
        a, b = (limits.lower - mean) / sigma, (limits.upper - mean) / sigma
        beyond = limits.beyond & ~np.isnan(mean)
        a, b = np.where(beyond, a, -1.0), np.where(beyond, b, 1.0)
        if self.scale == "log":
            found = np.exp(mean + sigma**2 / 2 + _log_between(a - sigma, b - sigma) - _log_between(a, b))
        else:
            at_a, at_b = _densities(a, b)
            found = mean + sigma * (at_a - at_b)
        low, high = self._back(limits.lower), self._back(limits.upper)
        found = np.clip(found, np.where(beyond, low, -np.inf), np.where(beyond, high, np.inf))
        return np.where(limits.beyond, found, low)

    def draw(self, limits: Limits, others: FloatArray, rng: np.random.Generator) -> FloatArray:
        """One imputation of several: parameters are drawn first, then a value between the limits.

        Parameters
        ----------
        limits : Limits
            From `read_limits`.
        others : ndarray of float, shape (n, k)
            The columns `columns`.
        rng : Generator
            Decides the draw.

        Returns
        -------
        ndarray of float, shape (n,)
            As `expected`.

        References
        ----------
        .. [1] Rubin DB. Multiple Imputation for Nonresponse in Surveys. Wiley 1987.
        """
        theta = rng.multivariate_normal(np.append(self.coef, self.log_sigma), self.covariance)
        sigma = np.exp(theta[-1])
        mean = theta[0] + others @ theta[1:-1]
        beyond = limits.beyond & ~np.isnan(mean)
        a = np.where(beyond, (limits.lower - mean) / sigma, -1.0)
        b = np.where(beyond, (limits.upper - mean) / sigma, 1.0)
        turned = a > 0  # in the lower tail a probability keeps its digits
        low, high = ndtr(np.where(turned, -b, a)), ndtr(np.where(turned, -a, b))
        z = ndtri(low + rng.random(len(low)) * (high - low))
        value = self._back(mean + sigma * np.clip(np.where(turned, -z, z), a, b))
        known = np.where(np.isnan(mean), np.nan, value)
        return np.where(limits.beyond, known, self._back(limits.lower))

    def _back(self, values: FloatArray) -> FloatArray:
        return np.exp(values) if self.scale == "log" else values


def read_limits(table: pd.DataFrame, name: str, scale: str) -> Limits:
    """Limits of a predictor.

    Parameters
    ----------
    table : DataFrame, one row a patient
        Holds the predictor, and ``<name>_lower`` and ``<name>_upper`` where a value lies beyond a limit; an open end is NaN
        or infinite.
    name : str
        The predictor.
    scale : str
        linear or log.

    Returns
    -------
    Limits
        On that scale; limits that contradict each other, and what has no logarithm, are not known.

    Raises
    ------
    UsageError
        If the predictor holds words.
    """
    if numbers_of(table[name]) is None:
        message = f"{safe_text(name)} holds words; only a number can lie beyond a limit"
        raise UsageError(message)
    lower, upper = (np.array(end, dtype=np.float64) for end in limits_of(table, name))
    nothing = np.isnan(lower) & np.isnan(upper)
    lower, upper = np.where(np.isnan(lower), -np.inf, lower), np.where(np.isnan(upper), np.inf, upper)
    if scale == "log":
        nothing |= upper <= 0
        with np.errstate(divide="ignore", invalid="ignore"):  # 0 is minus infinity there
            lower, upper = np.log(np.maximum(lower, 0.0)), np.log(np.maximum(upper, 0.0))
    nothing |= (lower > upper) | (np.isinf(lower) & np.isinf(upper))
    return Limits(lower=np.where(nothing, np.nan, lower), upper=np.where(nothing, np.nan, upper))


def learn_censored_normal(
    name: str, limits: Limits, others: FloatArray, columns: Sequence[str], scale: str
) -> CensoredNormal:
    """Fit the distribution to the training rows that have all the others.

    Parameters
    ----------
    name : str
        The predictor.
    limits : Limits
        From `read_limits`.
    others : ndarray of float, shape (n, k)
        Columns of the other predictors.
    columns : sequence of str
        Their names.
    scale : str
        linear or log.

    Returns
    -------
    CensoredNormal
        At the maximum of the likelihood; columns that others make up are left out.

    Raises
    ------
    EstimationError
        If fewer values were measured than there are parameters, or all are the same.
    """
    rows = ~np.isnan(limits.lower) & ~np.isnan(others).any(axis=1)
    lower, upper, beyond = limits.lower[rows], limits.upper[rows], limits.beyond[rows]
    kept = _independent(others[rows])
    x = np.column_stack((np.ones(int(rows.sum())), others[rows][:, kept]))
    n_measured = int((~beyond).sum())
    if n_measured <= x.shape[1] + 1:
        message = f"{safe_text(name)}: {n_measured} measured values beside {int(beyond.sum())} beyond a limit are too few for its distribution"
        raise EstimationError(message)
    finite = np.where(np.isfinite(lower), np.where(np.isfinite(upper), (lower + upper) / 2, lower), upper)
    start, *_ = np.linalg.lstsq(x, finite, rcond=None)
    spread = float((finite - x @ start).std())
    if spread <= 1e-12 * max(1.0, float(np.abs(finite).max())):
        message = f"{safe_text(name)} doesn't vary beside the other predictors, so nothing can be said of values beyond its limit"
        raise EstimationError(message)
    theta, here = maximize(
        lambda theta: _likelihood(theta, x, lower, upper, beyond),
        np.append(start, np.log(spread)),
        f"censored-normal ({safe_text(name)})",
    )
    return CensoredNormal(
        name=name, scale=scale, columns=tuple(columns[j] for j in kept), coef=theta[:-1], log_sigma=float(theta[-1]),
        covariance=np.linalg.inv(here.information).astype(np.float64), n_measured=n_measured, n_beyond=int(beyond.sum()),
    )  # fmt: skip


def _independent(others: FloatArray) -> list[int]:
    """Columns that the intercept and the columns kept don't make up."""
    if others.shape[1] == 0:
        return []
    centred = others - others.mean(axis=0)
    length = np.sqrt((centred**2).sum(axis=0))
    varies = np.flatnonzero(length > _DEPENDENT * np.maximum(1.0, np.abs(others).max(axis=0)))
    if len(varies) == 0:
        return []
    r, order = qr(centred[:, varies] / length[varies], mode="r", pivoting=True)
    size = np.abs(np.diag(r))
    return sorted(varies[order[: len(size)][size > _DEPENDENT * size[0]]].tolist())


def _likelihood(
    theta: FloatArray, x: FloatArray, lower: FloatArray, upper: FloatArray, beyond: NDArray[np.bool_]
) -> Point:
    """Normal density of measured values, normal probability between the limits of the others; two derivatives."""
    sigma, mean = np.exp(theta[-1]), x @ theta[:-1]
    a = np.where(beyond, (lower - mean) / sigma, -1.0)
    b = np.where(beyond, (upper - mean) / sigma, 1.0)
    z = np.where(beyond, 0.0, (lower - mean) / sigma)
    at_a, at_b = _densities(a, b)
    a, b = np.where(np.isinf(a), 0.0, a), np.where(np.isinf(b), 0.0, b)  # their densities are 0
    by_mean = np.where(beyond, at_a - at_b, z)  # times sigma
    by_log = np.where(beyond, a * at_a - b * at_b, z**2 - 1)
    mean_mean = np.where(beyond, a * at_a - b * at_b - by_mean**2, -1.0)  # times sigma squared
    mean_log = np.where(beyond, a**2 * at_a - b**2 * at_b - by_mean * (1 + by_log), -2 * z)  # times sigma
    log_log = np.where(beyond, (a**3 - a) * at_a - (b**3 - b) * at_b - by_log**2, -2 * z**2)
    value = np.where(
        beyond,
        _log_between(
            np.where(beyond, (lower - mean) / sigma, -1.0), np.where(beyond, (upper - mean) / sigma, 1.0)
        ),
        -(z**2) / 2 - theta[-1] - _LOG_ROOT_2_PI,
    )
    information = np.empty((len(theta), len(theta)))
    information[:-1, :-1] = -(x.T * (mean_mean / sigma**2)) @ x
    information[:-1, -1] = information[-1, :-1] = -(x.T @ (mean_log / sigma))
    information[-1, -1] = -log_log.sum()
    return Point(float(value.sum()), np.append(x.T @ (by_mean / sigma), by_log.sum()), information)


def _log_between(a: FloatArray, b: FloatArray) -> FloatArray:
    """Logarithm of the standard normal probability between a and b, a < b."""
    turned = a > 0
    low, high = np.where(turned, -b, a), np.where(turned, -a, b)
    top = log_ndtr(high)
    return np.asarray(top + np.log1p(-np.exp(log_ndtr(low) - top)), dtype=np.float64)


def _densities(a: FloatArray, b: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Standard normal densities at a and b, by the probability between them; 0 at infinity."""
    between = _log_between(a, b)
    return np.exp(-(a**2) / 2 - _LOG_ROOT_2_PI - between), np.exp(-(b**2) / 2 - _LOG_ROOT_2_PI - between)
