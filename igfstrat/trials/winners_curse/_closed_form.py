"""Closed forms behind `winners_curse`: normal log hazard ratios with the reported standard error.

References
----------
.. [1] Gelman A, Carlin J. Beyond power calculations: assessing type S (sign) and type M (magnitude) errors. Perspect
   Psychol Sci 2014;9:641-651.
.. [2] Lu J, Qiu Y, Deng A. A note on type S/M errors in hypothesis testing. Br J Math Stat Psychol 2019;72:1-17.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from scipy.special import ndtr, ndtri

from igfstrat.survival._types import FloatArray
from igfstrat.trials.numerics.recursion import exit_probabilities
from igfstrat.trials.winners_curse.settings import Relation

_NODES: Final = 96  # of the Gauss-Hermite rule: enough for 200 subgroups to 1e-8


def nested_fractions(looks: int, share: float) -> FloatArray:
    """Shares of the trial in nested subgroups, the smallest first, from the reported one's to everybody."""
    return np.linspace(share, 1.0, looks) if looks > 1 else np.array([share])


def best_of(bound: float, looks: int, relation: Relation, *, share: float, drift: float) -> float:
    """Probability that the best of so many subgroups has a statistic at or below a bound.

    `drift` is the mean of the statistic in the reported subgroup; in nested ones it grows with the root of their size.
    """
    if relation == "independent" or looks == 1:
        return float(-np.expm1(looks * np.log1p(-ndtr(bound - drift))))
    if relation == "overlapping":
        # factors that are independent of each other: two subgroups share `share` of either, so that their statistics
        # have this correlation, and one common normal variable explains it
        nodes, weights = np.polynomial.hermite_e.hermegauss(_NODES)
        apart = (bound - drift - math.sqrt(share) * nodes) / math.sqrt(1 - share)
        return float(1 - weights @ ndtr(-apart) ** looks / math.sqrt(2 * math.pi))
    fractions = nested_fractions(looks, share) / share
    _, below = exit_probabilities(
        fractions, drift * np.sqrt(fractions), np.full(looks, bound), np.full(looks, np.inf)
    )
    return float(below.sum())


def looks_for(probability: float, single: float) -> float:
    """How many independent subgroups make a finding that probable."""
    return math.log1p(-probability) / math.log1p(-single) if 0 < single < 1 else math.nan


def significance_errors(drift: float, significance: float) -> tuple[float, float, float]:
    """Power of a two-sided test, and its type S and type M error [1]_, [2]_; the errors are NaN without an effect."""
    c, m = float(-ndtri(significance / 2)), abs(drift)
    power = float(ndtr(m - c) + ndtr(-m - c))
    if m == 0:
        return power, math.nan, math.nan
    density = (math.exp(-((c - m) ** 2) / 2) + math.exp(-((c + m) ** 2) / 2)) / math.sqrt(2 * math.pi)
    mean = density + m * float(ndtr(m - c) - ndtr(-m - c))
    return power, float(ndtr(-m - c)) / power, mean / (power * m)
