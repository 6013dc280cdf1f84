"""Fine–Gray regression of the subdistribution hazard of one cause.

Patients lost to another cause stay at risk with weight G(t-) / G(T-), G the Kaplan–Meier estimate of being
uncensored. Ties by Breslow; the error is the sandwich that includes the estimation of G. The oracle is
R's `cmprsk::crr`; R's ``finegray`` splits time otherwise and differs.

References
----------
.. [1] Fine JP, Gray RJ. A proportional hazards model for the subdistribution of a competing risk. J Am Stat
   Assoc 1999;94:496-509.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import ndtr

from igfstrat.errors import EstimationError
from igfstrat.survival._cox_design import CoxDesign, read_design, weighted_gram
from igfstrat.survival._cox_newton import FIRST_CHECK, refuse_singular
from igfstrat.survival._intervals import normal_quantile, ratio_of
from igfstrat.survival._risk import block_sums
from igfstrat.survival._types import BoolArray, FloatArray, IntArray
from igfstrat.survival.competing import read_cause

_MAX_STEPS = 40
_ENOUGH = 1e-18  # squared step in standard errors
_ROUNDING = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class FineGrayResult:
    """A fitted Fine–Gray model.

    Parameters
    ----------
    names : tuple of str
        Covariates, in the order of the arrays below.
    coef : ndarray of float, shape (p,)
        Log subdistribution hazard ratio per unit of the covariate.
    std_error : ndarray of float, shape (p,)
        Sandwich error.
    hazard_ratio : ndarray of float, shape (p,)
        exp(coef): above 1 the incidence of the cause is higher.
    ci_lower, ci_upper : ndarray of float, shape (p,)
        Limits of the hazard ratio.
    z, p_value : ndarray of float, shape (p,)
        Wald tests.
    covariance : ndarray of float, shape (p, p)
        Sandwich covariance.
    log_likelihood, log_likelihood_null : float
        Log pseudo-likelihood at the estimate and at zero.
    n_patients, n_events, n_competing : int
        Rows, events of the cause and of other causes.
    level : float
        Coverage.
    """

    names: tuple[str, ...]
    coef: FloatArray
    std_error: FloatArray
    hazard_ratio: FloatArray
    ci_lower: FloatArray
    ci_upper: FloatArray
    z: FloatArray
    p_value: FloatArray
    covariance: FloatArray
    log_likelihood: float
    log_likelihood_null: float
    n_patients: int
    n_events: int
    n_competing: int
    level: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _Data:
    """The design with what the competing events add; one row or one block each."""

    design: CoxDesign
    block: IntArray
    competing: BoolArray
    uncensored: FloatArray  # G(t-) of each block
    events: FloatArray  # of the cause, in each block


@dataclass(frozen=True, slots=True, kw_only=True)
class _State:
    """The pseudo-likelihood at one point."""

    value: float
    score: FloatArray
    information: FloatArray
    risk: FloatArray
    hazard: FloatArray
    mean: FloatArray


def fine_gray(
    *,
    time: Any,
    cause: Any,
    covariates: Any,
    names: Sequence[str] | None = None,
    cause_of_interest: int = 1,
    level: float = 0.95,
) -> FineGrayResult:
    """Fit a Fine–Gray model.

    Parameters
    ----------
    time : array-like of float, shape (n,)
        Follow-up, >= 0, one unit.
    cause : array-like of int, shape (n,)
        0 = censored, 1, 2, … = cause of the event.
    covariates : array-like of float, shape (n, p) or (n,)
        Covariates, finite; factors as 0/1 columns.
    names : sequence of str, optional
        Names of the covariates; x1, x2, … when left out.
    cause_of_interest : int
        The cause.
    level : float
        Coverage, between 0 and 1.

    Returns
    -------
    FineGrayResult
        The fit.
    """
    z = normal_quantile(level)
    codes = read_cause(cause, len(np.asarray(time)))
    design = read_design(
        time=time,
        event=codes == cause_of_interest,
        covariates=covariates,
        names=names,
        entry=None,
        strata=None,
        weights=None,
        ties="breslow",
    )
    codes = codes[design.order]
    data = _prepare(design, (codes != 0) & ~design.event, codes == 0)
    null, here, beta = _climb(data)
    inverse = np.linalg.inv(here.information)
    residual = _residuals(data, here, codes == 0)
    covariance = inverse @ (residual.T @ residual) @ inverse / np.outer(design.scale, design.scale)
    coef, std_error = beta / design.scale, np.sqrt(np.diag(covariance))
    return FineGrayResult(
        names=design.names,
        coef=coef,
        std_error=std_error,
        hazard_ratio=ratio_of(coef),
        ci_lower=ratio_of(coef - z * std_error),
        ci_upper=ratio_of(coef + z * std_error),
        z=coef / std_error,
        p_value=2 * ndtr(-np.abs(coef / std_error)),
        covariance=covariance,
        log_likelihood=here.value,
        log_likelihood_null=null.value,
        n_patients=len(codes),
        n_events=design.n_events,
        n_competing=int(np.count_nonzero(data.competing)),
        level=level,
    )


def _prepare(design: CoxDesign, competing: BoolArray, censored: BoolArray) -> _Data:
    at_risk = len(design.event) - design.first
    after = np.cumprod(1 - block_sums(censored, design.first) / at_risk)
    return _Data(
        design=design,
        block=design.block_of_row,
        competing=competing,
        uncensored=np.concatenate(([1.0], after[:-1])),
        events=block_sums(design.event, design.first).astype(np.float64),
    )


def _climb(data: _Data) -> tuple[_State, _State, FloatArray]:
    design = data.design
    beta = np.zeros(len(design.scale))
    null = here = _state(data, beta)
    refuse_singular(null.information, design)
    for step_number in range(_MAX_STEPS):
        step = np.asarray(np.linalg.solve(here.information, here.score), dtype=np.float64)
        if step_number >= FIRST_CHECK and _separated(data, step):
            break
        if float(step @ here.score) <= _ENOUGH:
            return null, here, beta
        for _ in range(30):
            there = _state(data, beta + step)
            if there.value >= here.value - 1e-13 * (1 + abs(here.value)):
                break
            step = step / 2
        beta, here = beta + step, there
    msg = (
        "the Fine–Gray model has no finite estimate: the events of the cause are separated by "
        f"{', '.join(design.names)}; leave a covariate out or merge its levels"
    )
    raise EstimationError(msg)


def _separated(data: _Data, step: FloatArray) -> bool:
    """Whether every event of the cause has the highest score of those at risk, lost patients included."""
    design = data.design
    score = design.x @ step
    score = score / max(float(np.ptp(score)), 1e-300)
    highest = np.maximum.accumulate(score[::-1])[::-1][design.first]
    lost = np.maximum.accumulate(np.where(data.competing, score, -np.inf))
    before = np.concatenate(([-np.inf], lost))[design.first]
    top = np.maximum(highest, before)[data.block]
    return bool(np.all(score[design.event] >= top[design.event] - _ROUNDING))


def _from_here_on(values: FloatArray, first: IntArray) -> FloatArray:
    """Sum over this block and all later ones, at each block."""
    return np.cumsum(values[::-1], axis=0)[::-1][first]


def _state(data: _Data, beta: FloatArray) -> _State:
    design, first = data.design, data.design.first
    predictor = design.x @ beta
    risk = np.exp(np.clip(predictor, -500, 500))
    lost = np.where(data.competing, risk / data.uncensored[data.block], 0.0)
    g = data.uncensored
    s0 = _from_here_on(risk, first) + g * _lost_before(lost[:, None], first)[:, 0]
    moved = _from_here_on(risk[:, None] * design.x, first) + g[:, None] * _lost_before(
        lost[:, None] * design.x, first
    )
    mean = moved / s0[:, None]
    hazard = data.events / s0
    lived = np.cumsum(hazard)[data.block] * risk
    later = np.concatenate((np.cumsum((g * hazard)[::-1])[::-1], [0.0]))[data.block + 1]
    lived += lost * later
    observed = design.event.astype(np.float64)
    some = data.events > 0
    return _State(
        value=float(observed @ predictor - data.events[some] @ np.log(s0[some])),
        score=(observed - lived) @ design.x,
        information=weighted_gram(design.x, lived) - weighted_gram(mean, data.events),
        risk=risk,
        hazard=hazard,
        mean=mean,
    )


def _lost_before(values: FloatArray, first: IntArray) -> FloatArray:
    running = np.concatenate((np.zeros((1, values.shape[1])), np.cumsum(values, axis=0)))
    return running[first]


def _residuals(data: _Data, state: _State, censored: BoolArray) -> FloatArray:
    """What each row adds to the score, through its own events and through the estimate of G."""
    design, block, g = data.design, data.block, data.uncensored
    risk = state.risk[:, None]
    lived, drift = np.cumsum(state.hazard), np.cumsum(state.hazard[:, None] * state.mean, axis=0)
    own = np.where(design.event[:, None], design.x - state.mean[block], 0.0)
    own -= risk * (design.x * lived[block, None] - drift[block])
    later = _after((g * state.hazard)[:, None])
    later_drift = _after((g * state.hazard)[:, None] * state.mean)
    lost = np.where(data.competing, state.risk / g[block], 0.0)[:, None]
    own -= lost * (design.x * later[block + 1] - later_drift[block + 1])
    # q(u): pull on the score of all rows lost before u, from u on
    pull = (
        _lost_before(lost * design.x, design.first) * later[:-1]
        - _lost_before(lost, design.first) * later_drift[:-1]
    )
    at_risk = len(block) - design.first
    slope = pull / at_risk[:, None]
    hazard_c = block_sums(censored, design.first) / at_risk
    through = np.cumsum(slope * hazard_c[:, None], axis=0)
    return own + np.where(censored[:, None], slope[block], 0.0) - through[block]


def _after(values: FloatArray) -> FloatArray:
    """Sum over this block and all later ones, with a zero behind the last."""
    return np.concatenate((np.cumsum(values[::-1], axis=0)[::-1], np.zeros((1, values.shape[1]))))
