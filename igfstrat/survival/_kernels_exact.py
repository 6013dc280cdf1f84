"""The discrete (exact) partial likelihood of tied deaths, by recursion over the risk set.

Given that d of a risk set die, the probability of which d is that of independent Bernoulli draws with
odds theta * risk conditioned on their number. With theta such that d deaths are expected, every
intermediate number is a probability, so nothing overflows whatever d and the risk set are. Gradient and
information are the mean and covariance of the sum of the covariates of the dead.

References
----------
.. [1] Gail MH, Lubin JH, Rubinstein LV. Likelihood calculations for matched case-control studies and
   survival studies with tied death times. Biometrika 1981;68:703-707.
"""

from __future__ import annotations

import numpy as np

from igfstrat.survival._jit import compiled
from igfstrat.survival._types import BoolArray, FloatArray, IntArray


@compiled
def _expected_odds(risk: FloatArray, dead: int) -> float:
    """Theta with sum(theta r / (1 + theta r)) = dead, by Newton steps on its logarithm."""
    log_theta = np.log(dead / risk.sum())
    for _ in range(60):
        excess, slope = -float(dead), 0.0
        for r in risk:
            q = 1.0 / (1.0 + r * np.exp(log_theta))
            excess += 1.0 - q
            slope += q * (1.0 - q)
        if abs(excess) < 1e-6 * dead or slope <= 0.0:
            break
        log_theta -= max(-5.0, min(5.0, excess / slope))
    return float(np.exp(log_theta))


@compiled
def _draw(x: FloatArray, hit: float, k: int, prob: FloatArray, first: FloatArray, second: FloatArray) -> None:
    """Moments of the sum of x over k successes, after one more draw with covariates x."""
    miss = 1.0 - hit
    p = len(x)
    if k == 0:
        prob[0] *= miss
        first[0] *= miss
        second[0] *= miss
        return
    for a in range(p):
        for b in range(a + 1):
            joined = (
                second[k - 1, a, b]
                + x[a] * first[k - 1, b]
                + x[b] * first[k - 1, a]
                + x[a] * x[b] * prob[k - 1]
            )
            second[k, a, b] = miss * second[k, a, b] + hit * joined
    for a in range(p):
        first[k, a] = miss * first[k, a] + hit * (first[k - 1, a] + x[a] * prob[k - 1])
    prob[k] = miss * prob[k] + hit * prob[k - 1]


@compiled
def _conditional_moments(
    x: FloatArray, odds: FloatArray, dead: int, mean: FloatArray, square: FloatArray
) -> float:
    """Probability of `dead` successes; `mean` (p,), `square` (p, p) become the moments of their sum of x."""
    n, p = x.shape
    prob, first, second = np.zeros(dead + 1), np.zeros((dead + 1, p)), np.zeros((dead + 1, p, p))
    prob[0] = 1.0
    for i in range(n):
        low = max(0, dead - (n - 1 - i))  # smaller counts can no longer reach `dead`
        for k in range(min(dead, i + 1), low - 1, -1):
            _draw(x[i], odds[i] / (1.0 + odds[i]), k, prob, first, second)
    mean[:] = first[dead] / prob[dead]
    square[:] = second[dead] / prob[dead]
    return float(prob[dead])


@compiled
def _risk_set(entry_block: IntArray, block: int, start: int, stop: int) -> IntArray:
    """Rows start to stop that have entered at a block."""
    return start + np.flatnonzero(entry_block[start:stop] <= block)


@compiled
def _one_block(
    x: FloatArray,
    predictor: FloatArray,
    rows: IntArray,
    dead_rows: IntArray,
    score: FloatArray,
    information: FloatArray,
) -> float:
    """Log likelihood of one block; adds to `score` and `information`."""
    size, dead, p = len(rows), len(dead_rows), x.shape[1]
    centre = np.zeros(p)
    for i in rows:
        centre += x[i] / size
    here = x[rows] - centre
    highest = predictor[rows].max()
    risk = np.exp(predictor[rows] - highest)
    theta = _expected_odds(risk, dead)
    odds = theta * risk
    mean, square = np.zeros(p), np.zeros((p, p))
    chance = _conditional_moments(here, odds, dead, mean, square)
    value = dead * np.log(theta) - np.log(chance) - np.log(1.0 + odds).sum()
    for i in dead_rows:
        value += predictor[i] - highest
        score += x[i] - centre
    score -= mean
    for a in range(p):
        for c in range(a + 1):
            covariance = square[a, c] - mean[a] * mean[c]
            information[a, c] += covariance
            if c < a:
                information[c, a] += covariance
    return float(value)


@compiled
def discrete_terms(
    x: FloatArray,
    predictor: FloatArray,
    event: BoolArray,
    first: IntArray,
    block_stop: IntArray,
    entry_block: IntArray,
    score: FloatArray,
    information: FloatArray,
) -> float:
    """Log likelihood over all blocks.

    Parameters
    ----------
    x : ndarray of float, shape (n, p)
        Covariates.
    predictor : ndarray of float, shape (n,)
        Linear predictor.
    event : ndarray of bool, shape (n,)
        True = event.
    first, block_stop : ndarray of int, shape (b,)
        Where each block begins, and the row behind its stratum.
    entry_block : ndarray of int, shape (n,)
        First block at which each row is at risk.
    score : ndarray of float, shape (p,)
        Gains the first derivatives.
    information : ndarray of float, shape (p, p)
        Gains minus the second derivatives.

    Returns
    -------
    float
        The log likelihood.
    """
    total = 0.0
    for b in range(len(first)):
        stop = first[b + 1] if b + 1 < len(first) else len(event)
        dead_rows = first[b] + np.flatnonzero(event[first[b] : stop])
        if len(dead_rows) == 0:
            continue
        rows = _risk_set(entry_block, b, first[b], block_stop[b])
        if len(rows) > len(dead_rows):  # else everybody died: certain, whatever the coefficients
            total += _one_block(x, predictor, rows, dead_rows, score, information)
    return total
