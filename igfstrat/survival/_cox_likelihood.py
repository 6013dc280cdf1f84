"""Log partial likelihood of a Cox model with its first two derivatives.

The second moment over a risk set, summed over events, equals one Gram product weighted by the hazard
that each row lives through: x' diag(risk * hazard) x. A sweep therefore keeps only first moments, and
BLAS does the rest.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from igfstrat.survival._cox_design import CoxDesign, weighted_gram
from igfstrat.survival._types import FloatArray

# exp() of a larger linear predictor would swamp every other risk in double precision
LARGEST_PREDICTOR = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Derivatives:
    """The log likelihood at one point, in the scaled covariates.

    Parameters
    ----------
    value : float
        Log partial likelihood.
    score : ndarray of float, shape (p,)
        First derivatives.
    information : ndarray of float, shape (p, p)
        Minus the second derivatives.
    """

    value: float
    score: FloatArray
    information: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Hazards:
    """What the blocks and the rows experience at one point.

    Parameters
    ----------
    risk : ndarray of float, shape (n,)
        Weight times exp(linear predictor).
    block, of_deaths : ndarray of float, shape (b,)
        Hazard of each block for rows that survive it and for those that do not (Efron).
    total : ndarray of float, shape (n,)
        Hazard that each row lives through.
    outer : ndarray of float, shape (p, p)
        Sum over events of products of risk-set means.
    loss : float
        Sum over events of the log denominators.
    """

    risk: FloatArray
    block: FloatArray
    of_deaths: FloatArray
    total: FloatArray
    outer: FloatArray
    loss: float


def hazards_at(
    design: CoxDesign, beta: FloatArray, factor: FloatArray | None = None, predictor: FloatArray | None = None
) -> Hazards:
    """Sweep the risk sets.

    Parameters
    ----------
    design : CoxDesign
        The data.
    beta : ndarray of float, shape (p,)
        Coefficients of the scaled covariates.
    factor : ndarray of float, shape (b,), optional
        Multiplier of what each block adds; 1 when left out.
    predictor : ndarray of float, shape (n,), optional
        Linear predictor at `beta` where it is known already.

    Returns
    -------
    Hazards
        What was met.
    """
    from igfstrat.survival._kernels_cox import accrue, sweep

    risk = np.exp(design.x @ beta if predictor is None else predictor)
    risk *= design.weight
    blocks, p = len(design.first), design.x.shape[1]
    block, of_deaths, outer = np.empty(blocks), np.empty(blocks), np.zeros((p, p))
    total = np.empty(len(risk))
    multiplier = np.ones(blocks) if factor is None else factor
    efron = design.ties == "efron"
    loss = sweep(
        design.x, risk, design.weight, design.event, design.blocks, efron, multiplier, block, of_deaths, outer
    )
    accrue(design.event, design.blocks, block, of_deaths, total)
    return Hazards(
        risk=risk,
        block=block,
        of_deaths=of_deaths,
        total=total,
        outer=outer + np.tril(outer, -1).T,
        loss=loss,
    )


def derivatives_at(design: CoxDesign, beta: FloatArray) -> Derivatives | None:
    """Log likelihood, score and information.

    Parameters
    ----------
    design : CoxDesign
        The data.
    beta : ndarray of float, shape (p,)
        Coefficients of the scaled covariates.

    Returns
    -------
    Derivatives or None
        None where the linear predictor is too large for double precision.
    """
    predictor = design.x @ beta
    if max(predictor.max(), -predictor.min()) > LARGEST_PREDICTOR:
        return None
    if design.ties == "exact":
        return _exact(design, predictor)
    swept = hazards_at(design, beta, predictor=predictor)
    observed = design.weight * design.event
    experienced = swept.risk * swept.total
    return Derivatives(
        value=float(observed @ predictor) - swept.loss,
        score=(observed - experienced) @ design.x,
        information=weighted_gram(design.x, experienced) - swept.outer,
    )


def _exact(design: CoxDesign, predictor: FloatArray) -> Derivatives:
    from igfstrat.survival._kernels_exact import discrete_terms

    p = design.x.shape[1]
    score, information = np.zeros(p), np.zeros((p, p))
    where = (design.event, design.first, design.blocks.stop, design.entry_block)
    value = discrete_terms(design.x, predictor, *where, score, information)
    return Derivatives(value=value, score=score, information=information)
