"""Baseline hazard and residuals of a Cox model, from one more sweep each.

Tied deaths follow the tie method of the fit: under Efron a tied death lives through a part of its own
hazard only, and the risk-set mean is averaged over the tied deaths, as in R.

References
----------
.. [1] Therneau TM, Grambsch PM. Modeling Survival Data: Extending the Cox Model. Springer 2000.
.. [2] Schoenfeld D. Partial residuals for the proportional hazards regression model. Biometrika
   1982;69:239-241.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from igfstrat.errors import EstimationError
from igfstrat.survival._cox_design import CoxDesign
from igfstrat.survival._cox_likelihood import Hazards, hazards_at
from igfstrat.survival._types import FloatArray, IntArray


@dataclass(frozen=True, slots=True, kw_only=True)
class BaselineHazard:
    """Cumulative baseline hazard at each distinct time of each stratum.

    Parameters
    ----------
    time : ndarray of float, shape (m,)
        Distinct times, ascending within each stratum.
    cumulative_hazard : ndarray of float, shape (m,)
        At all covariates 0; infinite or 0 where these lie so far from the data (a year of diagnosis) that double precision
        doesn't reach.
    cumulative_hazard_at_means : ndarray of float, shape (m,)
        At the (weighted) means of the covariates. R leaves 0/1 covariates at 0 here.
    stratum : ndarray of int, shape (m,)
        Place of the stratum in `stratum_labels`.
    stratum_labels : tuple
        Labels; ("all",) without strata.
    """

    time: FloatArray
    cumulative_hazard: FloatArray
    cumulative_hazard_at_means: FloatArray
    stratum: IntArray
    stratum_labels: tuple[Any, ...]


def _swept(design: CoxDesign, beta: FloatArray) -> Hazards:
    if design.ties == "exact":
        msg = "residuals and baseline hazard are not defined for ties='exact'; fit with efron or breslow"
        raise EstimationError(msg)
    return hazards_at(design, beta)


def baseline_hazard(design: CoxDesign, beta: FloatArray) -> BaselineHazard:
    """Cumulative hazard at covariates 0 and at the means.

    Parameters
    ----------
    design : CoxDesign
        The data.
    beta : ndarray of float, shape (p,)
        Coefficients of the scaled covariates.

    Returns
    -------
    BaselineHazard
        The hazards.
    """
    swept = _swept(design, beta)
    at_means = np.empty(len(design.first))
    starts = np.flatnonzero(design.blocks.new_stratum)
    for low, high in zip(starts, np.append(starts[1:], len(at_means)), strict=True):
        at_means[low:high] = np.cumsum(swept.block[low:high])
    shift = float(beta @ (design.mean / design.scale))
    with np.errstate(divide="ignore", over="ignore"):  # by logarithms, so that 0 times infinity stays 0
        at_zero = np.exp(np.log(at_means) - shift)
    return BaselineHazard(
        time=design.time[design.first],
        cumulative_hazard=at_zero,
        cumulative_hazard_at_means=at_means,
        stratum=design.stratum,
        stratum_labels=design.stratum_labels,
    )


def martingale_of(design: CoxDesign, beta: FloatArray) -> FloatArray:
    """Events minus expected events.

    Parameters
    ----------
    design : CoxDesign
        The data.
    beta : ndarray of float, shape (p,)
        Coefficients of the scaled covariates.

    Returns
    -------
    ndarray of float, shape (n,)
        Residuals in the order of the design.
    """
    swept = _swept(design, beta)
    return design.event - swept.risk / design.weight * swept.total


def deviance_of(design: CoxDesign, beta: FloatArray) -> FloatArray:
    """Deviance residuals.

    Parameters
    ----------
    design : CoxDesign
        The data.
    beta : ndarray of float, shape (p,)
        Coefficients of the scaled covariates.

    Returns
    -------
    ndarray of float, shape (n,)
        Residuals in the order of the design.
    """
    m = martingale_of(design, beta)
    expected = design.event - m
    logs = np.where(design.event, np.log(np.where(design.event, expected, 1.0)), 0.0)
    return np.sign(m) * np.sqrt(np.maximum(-2 * (m + logs), 0.0))


def _means(design: CoxDesign, swept: Hazards) -> tuple[FloatArray, FloatArray, FloatArray]:
    from igfstrat.survival._kernels_cox import block_means

    shape = (len(design.first), design.x.shape[1])
    mean, drift, of_deaths = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    block_means(
        design.x,
        swept.risk,
        design.weight,
        design.event,
        design.blocks,
        design.ties == "efron",
        mean,
        drift,
        of_deaths,
    )
    return mean, drift, of_deaths


def schoenfeld_of(design: CoxDesign, beta: FloatArray) -> FloatArray:
    """Covariates of each event minus the mean of its risk set.

    Parameters
    ----------
    design : CoxDesign
        The data.
    beta : ndarray of float, shape (p,)
        Coefficients of the scaled covariates.

    Returns
    -------
    ndarray of float, shape (events, p)
        Residuals by stratum and time, in the caller's units.
    """
    mean = _means(design, _swept(design, beta))[0]
    rows = np.flatnonzero(design.event)
    return (design.x[rows] - mean[design.block_of_row[rows]]) * design.scale


def score_residuals_of(design: CoxDesign, beta: FloatArray) -> FloatArray:
    """What each row adds to the score.

    Parameters
    ----------
    design : CoxDesign
        The data.
    beta : ndarray of float, shape (p,)
        Coefficients of the scaled covariates.

    Returns
    -------
    ndarray of float, shape (n, p)
        Residuals in the order of the design, unweighted, in the caller's units.
    """
    swept = _swept(design, beta)
    mean, drift, of_deaths = _means(design, swept)
    running = np.cumsum(drift, axis=0)
    block = design.block_of_row
    before = design.entry_block - 1
    lived = running[block] - np.where(before[:, None] >= 0, running[before], 0.0)
    event = design.event[:, None]
    lived -= np.where(event, (drift - of_deaths)[block], 0.0)
    risk = (swept.risk / design.weight)[:, None]
    own = np.where(event, design.x - mean[block], 0.0)
    return (own - risk * (design.x * swept.total[:, None] - lived)) * design.scale


def dfbeta_of(design: CoxDesign, beta: FloatArray, inverse: FloatArray) -> FloatArray:
    """Change of each estimate when a row is left out, shape (n, p)."""
    return (score_residuals_of(design, beta) * design.weight[:, None]) @ inverse
