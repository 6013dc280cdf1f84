"""How uncertain a Cox model's baseline is, and in which direction it leans with the coefficients.

The variance of a patient's cumulative hazard has two parts: the scatter of the baseline's own jumps, and what the
coefficients' error does to it, through the distance between the patient and the mean of each risk set.

References
----------
.. [1] Tsiatis AA. A large sample study of Cox's regression model. Ann Stat 1981;9:93-108.
.. [2] Link CL. Confidence intervals for the survival function using Cox's proportional-hazard model with covariates.
   Biometrics 1984;40:601-609.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from igfstrat.models._matrix import FloatArray
from igfstrat.survival._cox_design import CoxDesign


class Spread(NamedTuple):
    """By time of event: variance of the cumulative hazard at the means, and the cumulative drift of the risk sets.

    The drift, shape (m, p), is the sum of hazard times (mean of the risk set less mean of all), in the units of the
    covariates.
    """

    variance: FloatArray
    drift: FloatArray


def spread_by_block(design: CoxDesign, beta: FloatArray) -> Spread:
    """What each distinct time adds, not yet summed over time; ties as in the fit, Efron or Breslow.

    Parameters
    ----------
    design : CoxDesign
        Data without entry times and weights.
    beta : ndarray of float, shape (p,)
        Coefficients of the scaled covariates.

    Returns
    -------
    Spread
        Variance, shape (b,), and drift, shape (b, p).
    """
    risk, event = np.exp(design.x @ beta), design.event.astype(np.float64)
    terms = np.column_stack((risk, risk[:, None] * design.x))  # sums of these over risk sets
    of_block = np.add.reduceat(terms, design.first)
    of_dead = np.add.reduceat(terms * event[:, None], design.first)
    deaths = np.add.reduceat(event, design.first).astype(np.int64)
    at_risk = np.empty_like(of_block)
    starts = np.flatnonzero(design.blocks.new_stratum)
    for low, high in zip(starts, np.append(starts[1:], len(of_block)), strict=True):
        at_risk[low:high] = np.cumsum(of_block[low:high][::-1], axis=0)[::-1]
    block = np.repeat(np.arange(len(deaths)), deaths)
    place = np.arange(len(block)) - np.repeat(np.cumsum(deaths) - deaths, deaths)
    lived = (place / deaths[block] if design.ties == "efron" else np.zeros(len(block)))[:, None]
    sums = at_risk[block] - lived * of_dead[block]
    jumps = sums / sums[:, :1] ** 2  # 1 / s0, then s1 / s0 / s0
    jumps[:, 0] **= 2
    added = np.zeros_like(of_block)
    added[deaths > 0] = np.add.reduceat(jumps, (np.cumsum(deaths) - deaths)[deaths > 0])
    return Spread(added[:, 0], added[:, 1:] * design.scale)
