"""Combination of stage-wise p-values by rules that are fixed before the trial.

The p-values of the stages are p-clud: whatever was decided after a stage, that of the next is under the null at least
uniform given what was seen. Their weights, and so the level, are then kept whatever happens to sample sizes.
Inverse normal [1]_, [2]_: Z_k = sum_j w_j Phi^-1(1 - p_j) / sqrt(sum_j w_j^2), w_j^2 the planned increments of
information, held against the boundaries of `boundaries`. Fisher [3]_: the product of the p-values, held against
critical values that spend the level stage by stage, worked out here exactly.

References
----------
.. [1] Lehmacher W, Wassmer G. Adaptive sample size calculations in group sequential trials. Biometrics
   1999;55:1286-1290.
.. [2] Cui L, Hung HMJ, Wang SJ. Modification of sample size in group sequential clinical trials. Biometrics
   1999;55:853-857.
.. [3] Bauer P, Köhne K. Evaluation of experiments with adaptive interim analyses. Biometrics 1994;50:1029-1041.
.. [4] Wassmer G. Multistage adaptive test procedures based on Fisher's product criterion. Biom J 1999;41:279-293.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import numpy.typing as npt
from scipy.interpolate import PPoly
from scipy.optimize import brentq
from scipy.special import ndtri

from igfstrat.errors import DomainError
from igfstrat.survival._types import BoolArray, FloatArray
from igfstrat.trials.rejection.boundaries import make_boundaries, spent_error
from igfstrat.trials.scenario.design import SpendingSettings

Method = Literal["inverse_normal", "fisher"]
_SMALLEST: Final = 1e-300
_LARGEST: Final = 1 - 1e-16
_FURTHEST: Final = 80.0  # a product below exp(-80) has no weight
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(30)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Combination:
    """A combination test of K stages.

    Parameters
    ----------
    method : {'inverse_normal', 'fisher'}
        How the stages are brought together.
    weights : ndarray of float64, shape (K,)
        Square roots of the planned increments of information; of no use to Fisher's product, which takes all
        stages alike.
    critical : ndarray of float64, shape (K,)
        The statistic rejects at or beyond: Z from below, the product from above.
    """

    method: Method
    weights: FloatArray
    critical: FloatArray

    def statistic(self, p_value: npt.ArrayLike) -> FloatArray:
        """The combined statistic after each stage.

        Parameters
        ----------
        p_value : array-like of float, shape (..., k)
            Of the first k stages; NaN where a stage has none.

        Returns
        -------
        ndarray of float64, shape (..., k)
            Z or the product; NaN from the first missing stage on.
        """
        p = np.clip(np.asarray(p_value, dtype=np.float64), _SMALLEST, _LARGEST)
        if self.method == "fisher":
            return np.asarray(np.cumprod(p, axis=-1))
        weights = self.weights[: p.shape[-1]]
        return np.asarray(np.cumsum(-ndtri(p) * weights, axis=-1) / np.sqrt(np.cumsum(weights**2)))

    def crosses(self, p_value: npt.ArrayLike) -> BoolArray:
        """Whether the statistic rejects at each stage.

        Parameters
        ----------
        p_value : array-like of float, shape (..., k)
            Of the first k stages; a missing one (NaN) rejects nothing from there on.

        Returns
        -------
        ndarray of bool, shape (..., k)
            True = rejected.
        """
        found = self.statistic(p_value)
        critical = self.critical[: found.shape[-1]]
        return np.asarray(found <= critical if self.method == "fisher" else found >= critical)

    def needed(self, p_value: npt.ArrayLike) -> FloatArray:
        """Normal statistic that the rest of the trial must yield for a rejection at its last stage.

        Parameters
        ----------
        p_value : array-like of float, shape (..., k)
            Of the first k stages, k < K.

        Returns
        -------
        ndarray of float64, shape (...)
            The stages that are left are taken as one; -inf where anything would do.
        """
        p = np.clip(np.asarray(p_value, dtype=np.float64), _SMALLEST, _LARGEST)
        k = p.shape[-1]
        if self.method == "fisher":
            left = self.critical[-1] / np.prod(p, axis=-1)
            return np.asarray(-ndtri(np.minimum(left, 1.0)))
        seen = (-ndtri(p) * self.weights[:k]).sum(axis=-1)
        wanted = self.critical[-1] * np.sqrt((self.weights**2).sum())
        return np.asarray((wanted - seen) / np.sqrt((self.weights[k:] ** 2).sum()))


def make_combination(
    *,
    method: Method,
    information: npt.ArrayLike,
    alpha: float,
    spending: SpendingSettings | None = None,
) -> Combination:
    """A combination test whose stages spend the level as planned.

    Parameters
    ----------
    method : {'inverse_normal', 'fisher'}
        How the stages are brought together.
    information : array-like of float, shape (K,)
        Planned information fractions, ascending to 1; weights and spending rest on them, and nothing that comes
        later changes them.
    alpha : float
        One-sided level.
    spending : SpendingSettings, optional
        How alpha is spent; O'Brien–Fleming-type where left out. Fisher takes spending functions only.

    Returns
    -------
    Combination
        Weights and critical values.

    Raises
    ------
    DomainError
        If levels or information can't be, or Fisher is asked for a boundary that spends nothing.

    Examples
    --------
    >>> make_combination(method="inverse_normal", information=[0.5, 1], alpha=0.025).critical.round(4).tolist()
    [2.9626, 1.9686]
    >>> make_combination(method="fisher", information=[1], alpha=0.025).critical.tolist()
    [0.025]
    """
    fractions = np.asarray(information, dtype=np.float64)
    weights = np.sqrt(np.diff(fractions, prepend=0.0))
    if method == "inverse_normal":
        critical = make_boundaries(information=fractions, alpha=alpha, spending=spending).efficacy
    else:
        spent = spent_error(
            fractions, total=alpha, spending=spending or SpendingSettings(spending="obrien_fleming")
        )
        spent[-1] = alpha
        critical = fisher_critical_values(np.diff(spent, prepend=0.0))
    return Combination(method=method, weights=weights, critical=critical)


def fisher_critical_values(levels: npt.ArrayLike) -> FloatArray:
    """Critical values of the product of p-values, stage by stage.

    With X the sum of the -log p, exp(x) times the density of X among the trials that go on is a polynomial between the
    bounds before it, so that every probability here is exact.

    Parameters
    ----------
    levels : array-like of float, shape (K,)
        Error to spend at each stage among trials that rejected at none before; their sum is the level.

    Returns
    -------
    ndarray of float64, shape (K,)
        The product up to the stage rejects at or below; 0 where a stage spends nothing.

    Raises
    ------
    DomainError
        If the levels can't be.

    Examples
    --------
    >>> fisher_critical_values([0.0, 0.025]).round(6).tolist()  # alpha = c (1 - log c), Bauer and Köhne's 0.0038
    [0.0, 0.003804]
    """
    steps = np.asarray(levels, dtype=np.float64)
    if steps.ndim != 1 or len(steps) == 0 or steps.min() < 0 or not 0 < steps.sum() < 1:
        message = f"levels are >= 0 and sum to less than 1; found {steps.tolist()}"
        raise DomainError(message)
    bound = -np.log(steps[0]) if steps[0] > 1e-14 else np.inf
    found = [bound]
    reach = min(bound, _FURTHEST)
    scaled = PPoly([[1.0]], [0.0, reach])  # exp(x) times the density of x below the bound
    for step in steps[1:]:
        bound = _bound(scaled, reach, float(step))
        found.append(bound)
        grown, reach = _next(scaled, reach, min(bound, _FURTHEST)), min(bound, _FURTHEST)
        scaled = grown
    return np.asarray(np.exp(-np.array(found)))


def _bound(scaled: PPoly, reach: float, step: float) -> float:
    """Where the next sum lies beyond with this probability, among those that go on."""
    if step <= 1e-14:
        return float(np.inf)
    area = scaled.antiderivative()

    def beyond(x: float) -> float:
        below = min(x, reach)
        return float(np.exp(-x) * (area(below) - area(0.0))) + _mass(scaled, below, reach)

    if beyond(0.0) <= step:
        return 0.0
    return float(brentq(lambda x: beyond(x) - step, 0.0, _FURTHEST, xtol=1e-13))


def _mass(scaled: PPoly, low: float, high: float) -> float:
    """Probability of a sum between two values."""
    edges = np.unique(np.clip(np.concatenate((scaled.x, np.arange(low, high, 2.0), [high])), low, high))
    middle, half = (edges[1:] + edges[:-1]) / 2, np.diff(edges) / 2
    points = middle[:, None] + half[:, None] * _NODES
    return float((scaled(points) * np.exp(-points) @ _WEIGHTS * half).sum())


def _next(scaled: PPoly, reach: float, bound: float) -> PPoly:
    """The same of the next sum: the area up to the earlier bound, from there on constant."""
    area = scaled.antiderivative()
    if bound <= reach:
        inside = np.append(area.x[area.x < bound], bound)
        return PPoly(area.c[:, : len(inside) - 1], inside)
    flat = np.zeros((len(area.c), 1))
    flat[-1] = area(reach)
    return PPoly(np.hstack((area.c, flat)), np.append(area.x, bound))
