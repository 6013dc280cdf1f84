"""Cox likelihood with an elastic-net penalty, to the precision of the unpenalized fit.

The objective is that of lifelines: log partial likelihood minus n times
penalizer x (l1_ratio x |b| + (1 - l1_ratio) / 2 x b²), b the coefficients of covariates divided by their standard
deviation (n - 1). lifelines rounds off |b|; here it is exact, so that coefficients become exactly 0.
Newton's quadratic model is minimised by coordinate descent, and steps are halved until the objective falls
(proximal Newton: Lee JD, Sun Y, Saunders MA. SIAM J Optim 2014;24:1420-1443).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from igfstrat.errors import EstimationError
from igfstrat.models._matrix import FloatArray
from igfstrat.survival._cox_design import CoxDesign
from igfstrat.survival._cox_likelihood import Derivatives, derivatives_at

_STEPS, _SWEEPS, _HALVINGS = 100, 10_000, 40
_ENOUGH = 1e-10  # a step, in units of the curvature, below which nothing moves
_SMALL = 1e-15


@dataclass(frozen=True, slots=True, kw_only=True)
class PenalizedFit:
    """Coefficients of the scaled covariates, shape (p,), and their covariance, shape (p, p); NaN with a lasso."""

    beta: FloatArray
    covariance: FloatArray


def fit_penalized(
    design: CoxDesign,
    penalizer: float,
    l1_ratio: float,
    start: FloatArray | None = None,
    enough: float = _ENOUGH,
) -> PenalizedFit:
    """Maximize the penalized likelihood, from `start` (zeros when left out) until a step is below `enough`."""
    n, p = design.x.shape
    # lifelines divides by the n - 1 deviation, the design by the n one
    stretch = n / (n - 1)
    ridge = n * penalizer * (1 - l1_ratio) * stretch
    lasso = n * penalizer * l1_ratio * np.sqrt(stretch)
    beta = np.zeros(p) if start is None else start
    here = derivatives_at(design, beta)
    assert here is not None
    for _ in range(_STEPS):
        target = _minimum(here.information, here.score + here.information @ beta, ridge, lasso)
        step = target - beta
        size = np.abs(step) * np.sqrt(np.diag(here.information) + ridge)
        if size.max(initial=0.0) < enough:
            return _done(target, here, ridge, lasso)
        moved = _halved(design, beta, here, step, ridge, lasso)
        if moved is None:  # no improvement within rounding
            return _done(beta, here, ridge, lasso)
        beta, here = moved
    message = f"the penalized Cox model did not converge in {_STEPS} steps; use a larger penalty"
    raise EstimationError(message)


def _minimum(curvature: FloatArray, pull: FloatArray, ridge: float, lasso: float) -> FloatArray:
    """Where b'Cb/2 - pull'b + ridge b'b/2 + lasso |b| is least."""
    curved = curvature + ridge * np.eye(len(pull))
    if lasso == 0:
        return np.asarray(np.linalg.solve(curved, pull), dtype=np.float64)
    b, diagonal = np.zeros(len(pull)), np.diag(curved).copy()
    for _ in range(_SWEEPS):
        largest = 0.0
        for j in range(len(b)):
            rest = pull[j] - curved[j] @ b + diagonal[j] * b[j]
            new = np.sign(rest) * max(abs(rest) - lasso, 0.0) / diagonal[j]
            largest = max(largest, abs(new - b[j]) * np.sqrt(diagonal[j]))
            b[j] = new
        if largest < _SMALL * np.sqrt(diagonal.max()):
            break
    return b


def _penalty(beta: FloatArray, ridge: float, lasso: float) -> float:
    return float(ridge / 2 * (beta @ beta) + lasso * np.abs(beta).sum())


def _halved(
    design: CoxDesign, beta: FloatArray, here: Derivatives, step: FloatArray, ridge: float, lasso: float
) -> tuple[FloatArray, Derivatives] | None:
    before = here.value - _penalty(beta, ridge, lasso)
    slack = 1e-13 * (1 + abs(before))
    for _ in range(_HALVINGS):
        there = derivatives_at(design, beta + step)
        if there is not None and there.value - _penalty(beta + step, ridge, lasso) >= before - slack:
            return beta + step, there
        step = step / 2
    return None


def _done(beta: FloatArray, here: Derivatives, ridge: float, lasso: float) -> PenalizedFit:
    p = len(beta)
    unknown = np.full((p, p), np.nan)  # no standard error is valid after selection by a lasso
    if lasso > 0:
        return PenalizedFit(beta=beta, covariance=unknown)
    inverse = np.linalg.inv(here.information + ridge * np.eye(p))
    return PenalizedFit(beta=beta, covariance=np.asarray(inverse, dtype=np.float64))
