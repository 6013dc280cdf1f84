"""Standardized mean differences between two groups, for numbers and for codes.

References
----------
.. [1] Austin PC. Balance diagnostics for comparing the distribution of baseline covariates between treatment groups in
   propensity-score matched samples. Stat Med 2009;28:3083-3107.
.. [2] Yang D, Dalton JE. A unified approach to measuring the effect size between two groups using SAS. SAS Global
   Forum 2012, paper 335: several categories as a Mahalanobis distance.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def standardized_difference(
    first: NDArray[Any], second: NDArray[Any], *, n_levels: int | None = None
) -> tuple[float | None, str | None]:
    """Absolute standardized mean difference of two groups.

    For numbers, the difference of means over the root of the mean of the two variances; for codes, the Mahalanobis
    distance of the shares with the mean of the two multinomial covariances, which for two codes is the difference of
    shares over the root of the mean of the two binomial variances.

    Parameters
    ----------
    first, second : ndarray of float or int, shapes (n1,) and (n2,)
        Numbers (not finite: missing), or places of codes from 0 (below 0: missing).
    n_levels : int, optional
        How many codes there are; None for numbers.

    Returns
    -------
    tuple of float or None, and str or None
        The difference, or why there is none.

    Examples
    --------
    >>> standardized_difference(np.array([1.0, 2.0, 3.0]), np.array([2.0, 3.0, 4.0]))
    (1.0, None)
    >>> value, _ = standardized_difference(np.array([0, 0, 1, 1]), np.array([0, 1, 1, 1]), n_levels=2)
    >>> round(value, 4)
    0.5345
    """
    if n_levels is not None:
        return _coded_difference(first[first >= 0], second[second >= 0], n_levels)
    x, y = first[np.isfinite(first)], second[np.isfinite(second)]
    if min(len(x), len(y)) < 2:
        return None, "fewer than 2 known values in a group"
    difference, variance = abs(float(x.mean() - y.mean())), float(x.var(ddof=1) + y.var(ddof=1)) / 2
    if variance > 0:
        return difference / variance**0.5, None
    return (0.0, None) if difference == 0 else (None, "no spread within the groups")


def _coded_difference(
    x: NDArray[np.int_], y: NDArray[np.int_], n_levels: int
) -> tuple[float | None, str | None]:
    if not len(x) or not len(y):
        return None, "no known values in a group"
    p, q = (np.bincount(part, minlength=n_levels) / len(part) for part in (x, y))
    difference = (p - q)[1:]
    covariance = sum(np.diag(s[1:]) - np.outer(s[1:], s[1:]) for s in (p, q)) / 2
    inverse = np.linalg.pinv(covariance, hermitian=True)
    # shares that differ where neither group varies (one code each) have no distance in standard deviations
    if not np.allclose(covariance @ inverse @ difference, difference, atol=1e-9):
        return None, "no spread within the groups"
    return max(float(difference @ inverse @ difference), 0.0) ** 0.5, None
