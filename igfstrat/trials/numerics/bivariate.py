"""The bivariate normal distribution by Owen's T function, vectorised and without random numbers.

References
----------
.. [1] Owen DB. Tables for computing bivariate normal probabilities. Ann Math Stat 1956;27:1075-1090.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr, owens_t

_TINY = 1e-300  # stands for 0, so that ratios keep their sign


def both_below(
    first: npt.ArrayLike, second: npt.ArrayLike, correlation: npt.ArrayLike
) -> npt.NDArray[np.float64]:
    """P(Z1 <= first, Z2 <= second) of standard normals.

    Parameters
    ----------
    first, second : array-like of float64, any shape
        Bounds, infinite ones too; broadcast against each other.
    correlation : array-like of float64, any shape
        Between -1 and 1, the ends included; broadcast too.

    Returns
    -------
    ndarray of float64, of the broadcast shape
        Probability, between 0 and 1.

    Examples
    --------
    >>> round(float(both_below(0.0, 0.0, 0.5)), 4)
    0.3333
    """
    h, k, rho = np.broadcast_arrays(*(np.asarray(x, dtype=np.float64) for x in (first, second, correlation)))
    h, k = np.where(h == 0, _TINY, h), np.where(k == 0, _TINY, k)
    root = np.sqrt((1 - rho) * (1 + rho))
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        of_h = owens_t(h, (k - rho * h) / (h * root))
        of_k = owens_t(k, (h - rho * k) / (k * root))
    apart = np.where(h * k < 0, 0.5, 0.0) + np.where(
        (np.abs(h * k) == 0) & (np.sign(h) != np.sign(k)), 0.5, 0.0
    )
    value = (ndtr(h) + ndtr(k)) / 2 - of_h - of_k - apart
    value = np.where(rho >= 1, ndtr(np.minimum(h, k)), value)
    value = np.where(rho <= -1, np.maximum(ndtr(h) + ndtr(k) - 1, 0.0), value)
    for x, y in ((h, k), (k, h)):  # an infinite bound leaves the other
        value = np.where(np.isposinf(x), ndtr(y), np.where(np.isneginf(x), 0.0, value))
    return np.asarray(np.clip(value, 0.0, 1.0))
