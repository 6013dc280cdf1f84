"""Firth's penalized Cox model: finite estimates where the events are separated.

The log likelihood gains half the log determinant of the information. Its derivative comes from
fourth-order differences of the exact information, so it serves every tie method. Intervals and p-values
are those of the profile penalized likelihood, since Wald's are useless exactly where the penalty is needed.

References
----------
.. [1] Firth D. Bias reduction of maximum likelihood estimates. Biometrika 1993;80:27-38.
.. [2] Heinze G, Schemper M. A solution to the problem of monotone likelihood in Cox regression. Biometrics
   2001;57:114-119.
.. [3] Venzon DJ, Moolgavkar SH. A method for computing profile-likelihood-based confidence intervals. Appl
   Stat 1988;37:87-94.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import chdtrc, chdtri

from igfstrat.errors import EstimationError
from igfstrat.survival._cox_design import CoxDesign
from igfstrat.survival._cox_likelihood import derivatives_at
from igfstrat.survival._cox_newton import refuse_singular
from igfstrat.survival._intervals import ratio_of
from igfstrat.survival._types import BoolArray, FloatArray
from igfstrat.survival.cox_result import CoxResult, chi_square_test

_STEP = 2e-3  # of a covariate's standard deviation: the error of the difference is about 1e-12
_MAX_STEPS = 300
_SMALL = 1e-20  # squared step in standard errors


@dataclass(frozen=True, slots=True, kw_only=True)
class _Penalized:
    value: float
    score: FloatArray
    information: FloatArray


def _half_log_determinant(design: CoxDesign, beta: FloatArray) -> float:
    here = derivatives_at(design, beta)
    sign, value = (0.0, 0.0) if here is None else np.linalg.slogdet(here.information)
    return value / 2 if sign > 0 else -np.inf


def _penalized(design: CoxDesign, beta: FloatArray, free: BoolArray) -> _Penalized | None:
    here = derivatives_at(design, beta)
    if here is None:
        return None
    sign, log_determinant = np.linalg.slogdet(here.information)
    if sign <= 0:
        return None
    score = here.score.copy()
    for j in np.flatnonzero(free):
        unit = np.zeros(len(beta))
        unit[j] = _STEP
        around = [_half_log_determinant(design, beta + k * unit) for k in (-2, -1, 1, 2)]
        if np.isinf(around).any():  # so far out that the information has no determinant
            return None
        score[j] += (around[0] - 8 * around[1] + 8 * around[2] - around[3]) / (12 * _STEP)
    return _Penalized(value=here.value + log_determinant / 2, score=score, information=here.information)


def _maximize(design: CoxDesign, start: FloatArray, free: BoolArray) -> tuple[FloatArray, _Penalized, int]:
    """Climb from `start` over the free coefficients."""
    beta = start
    here = _penalized(design, beta, free)
    if here is None:
        msg = f"the penalized Cox model is not estimable: too few events for {', '.join(design.names)}"
        raise EstimationError(msg)
    rows = np.ix_(free, free)
    for step_number in range(1, _MAX_STEPS + 1):
        step = np.zeros(len(beta))
        step[free] = np.linalg.solve(here.information[rows], here.score[free])
        gain = float(step @ here.score)
        if gain <= _SMALL:
            return beta, here, step_number
        for _ in range(30):
            there = _penalized(design, beta + step, free)
            if there is not None and there.value >= here.value - 1e-12 * (1 + abs(here.value)):
                break
            step = step / 2
        else:
            return beta, here, step_number
        if gain < 1e-16 and there.value <= here.value:  # at rounding level: no further digit to gain
            return beta, here, step_number
        beta, here = beta + step, there
    msg = f"the penalized Cox model did not converge in {_MAX_STEPS} steps: {', '.join(design.names)}"
    raise EstimationError(msg)


def _limit(design: CoxDesign, best: FloatArray, top: float, j: int, side: int, quantile: float) -> float:
    """Where the profile penalized likelihood of coefficient j has fallen by half the quantile."""
    everything = np.ones(len(best), np.bool_)
    target = top - quantile / 2
    beta = best.copy()
    for _ in range(_MAX_STEPS):
        here = _penalized(design, beta, everything)
        if here is None:
            return float("nan")
        inverse = np.linalg.inv(here.information)
        inside = 2 * (here.value - target + float(here.score @ inverse @ here.score) / 2) / inverse[j, j]
        multiplier = side * np.sqrt(max(inside, 0.0))
        step = inverse @ (here.score + multiplier * np.eye(len(beta))[j])
        size = float(np.sqrt(step @ here.information @ step))
        if size < 1e-9 and abs(here.value - target) < 1e-8:
            return float(beta[j] + step[j])
        beta = beta + step * min(1.0, 1.0 / size)  # at most one standard error at a time
    return float("nan")


def _limits(design: CoxDesign, best: FloatArray, top: float, level: float) -> tuple[FloatArray, FloatArray]:
    quantile = float(chdtri(1, 1 - level))
    sides = [[_limit(design, best, top, j, side, quantile) for j in range(len(best))] for side in (-1, 1)]
    return np.array(sides[0]), np.array(sides[1])


def _gains(design: CoxDesign, best: FloatArray, top: float, null: float) -> FloatArray:
    """Penalized likelihood-ratio statistic of each coefficient."""
    gain = np.empty(len(best))
    for j in range(len(best)):
        others = np.arange(len(best)) != j
        without = null if len(best) == 1 else _maximize(design, np.where(others, best, 0.0), others)[1].value
        gain[j] = max(2 * (top - without), 0.0)
    return gain


def fit_firth(design: CoxDesign, level: float) -> CoxResult:
    """Fit with Firth's penalty.

    Parameters
    ----------
    design : CoxDesign
        The data.
    level : float
        Coverage, between 0 and 1.

    Returns
    -------
    CoxResult
        The fit, with profile-penalized intervals and penalized likelihood-ratio tests.
    """
    p = len(design.scale)
    zero, free = np.zeros(p), np.ones(p, np.bool_)
    start = derivatives_at(design, zero)
    assert start is not None
    refuse_singular(start.information, design)
    null = _penalized(design, zero, free)
    beta, top, steps = _maximize(design, zero, free)
    assert null is not None
    lower, upper = _limits(design, beta, top.value, level)
    gain = _gains(design, beta, top.value, null.value)
    covariance = np.linalg.inv(top.information) / np.outer(design.scale, design.scale)
    coef = beta / design.scale
    lost = [name for name, a, b in zip(design.names, lower, upper, strict=True) if np.isnan(a) or np.isnan(b)]
    return CoxResult(
        names=design.names,
        coef=coef,
        std_error=np.sqrt(np.diag(covariance)),
        robust_std_error=None,
        hazard_ratio=ratio_of(coef),
        ci_lower=ratio_of(lower / design.scale),
        ci_upper=ratio_of(upper / design.scale),
        z=np.sign(coef) * np.sqrt(gain),
        p_value=chdtrc(1, gain),
        covariance=covariance,
        log_likelihood=_in_own_units(top.value, design),
        log_likelihood_null=_in_own_units(null.value, design),
        likelihood_ratio_test=chi_square_test(2 * (top.value - null.value), p),
        wald_test=chi_square_test(float(beta @ top.information @ beta), p),
        score_test=chi_square_test(float(null.score @ np.linalg.solve(null.information, null.score)), p),
        n_patients=len(design.event),
        n_events=design.n_events,
        ties=design.ties,
        level=level,
        iterations=steps,
        firth=True,
        not_estimable=f"no limit of the interval was found for {', '.join(lost)}" if lost else None,
        design=design,
        beta=beta,
    )


def _in_own_units(value: float, design: CoxDesign) -> float:
    """The determinant of the information depends on the covariates' units: take the scaling back."""
    return value + float(np.log(design.scale).sum())
