"""The levels of two correlated tests that use up the level of their family exactly.

References
----------
.. [1] Spiessens B, Debois M. Adjusted significance levels for subgroup analyses in clinical trials. Contemp Clin
   Trials 2010;31:647-656.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq
from scipy.special import ndtri

from igfstrat.survival._types import FloatArray
from igfstrat.trials.numerics.bivariate import both_below


def correlated_levels(*, alpha: float, correlation: float, weights: npt.ArrayLike = (0.5, 0.5)) -> FloatArray:
    """Levels of two hypotheses in the ratio of their weights that use up alpha exactly.

    Parameters
    ----------
    alpha : float
        Family-wise one-sided level.
    correlation : float
        Of the two statistics, between 0 and 1.
    weights : array-like of float, shape (2,)
        Ratio of the two levels.

    Returns
    -------
    ndarray of float64, shape (2,)
        Each at most alpha.

    Examples
    --------
    >>> correlated_levels(alpha=0.025, correlation=0.5**0.5).round(5).tolist()
    [0.01469, 0.01469]
    """
    first, second = (float(w) for w in np.asarray(weights, dtype=np.float64))
    return np.array(_correlated_levels(float(alpha), float(correlation), first, second))


@lru_cache(maxsize=1024)
def _correlated_levels(alpha: float, correlation: float, *weights: float) -> tuple[float, ...]:
    shares = np.array(weights) / sum(weights)

    def excess(total: float) -> float:
        first, second = -ndtri(np.minimum(total * shares, alpha))
        return float(1 - both_below(first, second, correlation) - alpha)

    if shares.min() <= 0 or excess(alpha) >= -1e-15:
        return tuple((alpha * shares).tolist())
    # at the upper end one of the two has all of alpha, which is too much unless the statistics are the same
    high = alpha / shares.max()
    total = high if excess(high) <= 0 else brentq(excess, alpha, high, xtol=1e-14)
    return tuple(np.minimum(float(total) * shares, alpha).tolist())
