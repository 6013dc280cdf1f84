"""Weights that make groups alike in their measured covariates, and what to look at before trusting them.

The probability of each group given the covariates (the propensity) comes from logistic or multinomial
regression by maximum likelihood, for many bootstrap samples at once. A marker is no intervention: what these
weights give is called standardized, never causal, and speaks of measured covariates only.

References
----------
.. [1] Rosenbaum PR, Rubin DB. The central role of the propensity score in observational studies for causal
   effects. Biometrika 1983;70:41-55.
.. [2] Robins JM, Hernán MA, Brumback B. Marginal structural models and causal inference in epidemiology.
   Epidemiology 2000;11:550-560.
.. [3] Li F, Morgan KL, Zaslavsky AM. Balancing covariates via propensity score weighting. J Am Stat Assoc
   2018;113:390-400.
.. [4] Li F, Li F. Propensity score weighting for causal inference with multiple treatments. Ann Appl Stat
   2019;13:2389-2415.
.. [5] Austin PC, Stuart EA. Moving towards best practice when using inverse probability of treatment weighting
   (IPTW) using the propensity score to estimate causal treatment effects in observational studies. Stat Med
   2015;34:3661-3679.
.. [6] Kish L. Survey Sampling. Wiley 1965.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

_STEPS: Final = 60
_TOLERANCE: Final = 1e-12  # Newton decrement, a patient
_LONGEST: Final = 5.0  # a step moves no log odds further
SEPARATED: Final = 20.0  # log odds beyond which groups are told apart as good as surely


@dataclass(frozen=True, slots=True, kw_only=True)
class Propensity:
    """Fitted probabilities of the groups, for each sample.

    Parameters
    ----------
    probability : ndarray of float64, shape (n_samples, n, n_groups)
        Probability of each group given the patient's covariates, in (0, 1); they sum to 1.
    usable : ndarray of bool, shape (n_samples,)
        Whether the fit is finite: every group is present and no log odds is beyond 20.
    """

    probability: FloatArray
    usable: NDArray[np.bool_]


def fit_propensity(
    codes: NDArray[np.int64], x: FloatArray, *, counts: FloatArray | None = None
) -> Propensity:
    """Probability of each group by (multinomial) logistic regression, without penalty.

    Parameters
    ----------
    codes : ndarray of int64, shape (n,)
        Group of each patient, 0 … k-1.
    x : ndarray of float64, shape (n, p)
        Covariates, complete.
    counts : ndarray of float64, shape (n_samples, n), optional
        How often each patient is in each sample; the cohort itself when left out.

    Returns
    -------
    Propensity
        Of every patient in every sample, drawn or not.

    References
    ----------
    McCullagh P, Nelder JA. Generalized Linear Models, 2nd ed. Chapman & Hall 1989.

    Examples
    --------
    >>> x = np.array([[0.0], [0.0], [0.0], [1.0], [1.0], [1.0]])
    >>> fitted = fit_propensity(np.array([0, 0, 1, 0, 1, 1]), x)
    >>> fitted.probability[0, [0, 3], 1].round(6).tolist()
    [0.333333, 0.666667]
    """
    k = int(codes.max()) + 1
    counts = np.ones((1, len(codes))) if counts is None else counts
    spread = x.std(axis=0)
    z = np.column_stack([np.ones(len(x)), (x - x.mean(axis=0)) / np.where(spread > 0, spread, 1.0)])
    own = (codes[:, None] == np.arange(1, k)).astype(np.float64)
    beta = np.zeros((len(counts), k - 1, z.shape[1]))
    moving = np.arange(len(counts))
    for _ in range(_STEPS):
        step, decrement = _newton_step(beta[moving], z, own, counts[moving])
        reach = np.abs(step @ z.T).max(axis=(1, 2))
        beta[moving] += step * np.minimum(1.0, _LONGEST / np.maximum(reach, 1e-300))[:, None, None]
        moving = moving[decrement > _TOLERANCE * len(codes)]
        if len(moving) == 0:
            break
    odds = beta @ z.T
    present = np.stack([counts[:, codes == g].sum(axis=1) > 0 for g in range(k)]).all(axis=0)
    usable = present & (np.abs(odds).max(axis=(1, 2)) < SEPARATED)
    return Propensity(probability=_probabilities(odds).transpose(0, 2, 1), usable=usable)


def _probabilities(odds: FloatArray) -> FloatArray:
    """Probabilities by group (samples, k, n) from log odds against the first (samples, k-1, n)."""
    full = np.concatenate([np.zeros((odds.shape[0], 1, odds.shape[2])), odds], axis=1)
    raised: FloatArray = np.exp(full - full.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True), dtype=np.float64)


def _newton_step(
    beta: FloatArray, z: FloatArray, own: FloatArray, counts: FloatArray
) -> tuple[FloatArray, FloatArray]:
    samples, rows, q = beta.shape
    p = _probabilities(beta @ z.T)[:, 1:]
    gradient = ((counts[:, None, :] * (own.T - p)) @ z).reshape(samples, rows * q)
    information = np.empty((samples, rows, q, rows, q))
    for a in range(rows):
        for b in range(a + 1):
            shared = counts * p[:, a] * ((a == b) - p[:, b])
            block = (z.T * shared[:, None, :]) @ z
            information[:, a, :, b] = information[:, b, :, a] = block
    flat = information.reshape(samples, rows * q, rows * q)
    # a level that no drawn patient has leaves a row of zeros: its coefficient stays where it is
    ridge = 1e-10 * counts.sum(axis=1)[:, None, None] * np.eye(rows * q)
    step = np.linalg.solve(flat + ridge, gradient[..., None])[..., 0]
    return step.reshape(samples, rows, q), (step * gradient).sum(axis=1)


def stabilized_weights(
    probability: FloatArray, codes: NDArray[np.int64], counts: FloatArray | None = None
) -> FloatArray:
    """Share of the patient's group over the fitted probability of that group.

    Parameters
    ----------
    probability : ndarray of float64, shape (n_samples, n, n_groups)
        Fitted probabilities.
    codes : ndarray of int64, shape (n,)
        Group of each patient, 0 … k-1.
    counts : ndarray of float64, shape (n_samples, n), optional
        How often each patient is in each sample; once when left out.

    Returns
    -------
    ndarray of float64, shape (n_samples, n)
        Weights > 0, near 1 on average; the counts are not in them.

    References
    ----------
    Robins JM, Hernán MA, Brumback B. Epidemiology 2000;11:550-560.

    Examples
    --------
    >>> stabilized_weights(np.array([[[0.25, 0.75], [0.5, 0.5]]]), np.array([1, 0])).round(4).tolist()
    [[0.6667, 1.0]]
    """
    k = probability.shape[2]
    counts = np.ones(probability.shape[:2]) if counts is None else counts
    share = np.stack([counts[:, codes == g].sum(axis=1) for g in range(k)], axis=1)
    share = share / counts.sum(axis=1, keepdims=True)
    return np.asarray(share[:, codes] / _of_own_group(probability, codes), dtype=np.float64)


def overlap_weights(probability: FloatArray, codes: NDArray[np.int64]) -> FloatArray:
    """Probability of not being in one's own group; with more than two groups their harmonic form.

    Parameters
    ----------
    probability : ndarray of float64, shape (n_samples, n, n_groups)
        Fitted probabilities.
    codes : ndarray of int64, shape (n,)
        Group of each patient, 0 … k-1.

    Returns
    -------
    ndarray of float64, shape (n_samples, n)
        Weights in (0, 1): largest for patients who might be in any group.

    References
    ----------
    Li F, Morgan KL, Zaslavsky AM. J Am Stat Assoc 2018;113:390-400; for more groups Li F, Li F. Ann Appl Stat
    2019;13:2389-2415.

    Examples
    --------
    >>> overlap_weights(np.array([[[0.25, 0.75], [0.9, 0.1]]]), np.array([1, 0])).round(4).tolist()
    [[0.25, 0.1]]
    """
    own = _of_own_group(probability, codes)
    return np.asarray(1.0 / (own * (1.0 / probability).sum(axis=2)), dtype=np.float64)


def _of_own_group(probability: FloatArray, codes: NDArray[np.int64]) -> FloatArray:
    return np.asarray(probability[:, np.arange(len(codes)), codes], dtype=np.float64)


def effective_sample_size(weights: FloatArray) -> float:
    """How many unweighted patients would tell as much.

    Parameters
    ----------
    weights : ndarray of float64, shape (n,)
        Weights >= 0, not all 0.

    Returns
    -------
    float
        (sum of weights)² over sum of squares: between 1 and n.

    References
    ----------
    Kish L. Survey Sampling. Wiley 1965.

    Examples
    --------
    >>> effective_sample_size(np.array([1.0, 1.0, 1.0])), effective_sample_size(np.array([3.0, 1.0]))
    (3.0, 1.6)
    """
    return float(weights.sum() ** 2 / (weights**2).sum())


def standardized_differences(
    x: FloatArray, codes: NDArray[np.int64], weights: FloatArray, *, group: int, reference: int = 0
) -> FloatArray:
    """Differences of means in units of the unweighted pooled standard deviation.

    Parameters
    ----------
    x : ndarray of float64, shape (n, p)
        Covariates, complete.
    codes : ndarray of int64, shape (n,)
        Group of each patient.
    weights : ndarray of float64, shape (n,)
        Weights > 0; all 1 for the cohort as it is.
    group, reference : int
        Codes that are compared, `group` minus `reference`.

    Returns
    -------
    ndarray of float64, shape (p,)
        Differences; NaN where a covariate varies in neither group but its means differ.

    References
    ----------
    Austin PC, Stuart EA. Stat Med 2015;34:3661-3679: the same denominator before and after.

    Examples
    --------
    >>> x = np.array([[1.0], [3.0], [3.0], [5.0]])
    >>> standardized_differences(x, np.array([0, 0, 1, 1]), np.ones(4), group=1).round(4).tolist()
    [1.4142]
    """
    one, other = codes == group, codes == reference
    difference = np.average(x[one], axis=0, weights=weights[one]) - np.average(
        x[other], axis=0, weights=weights[other]
    )
    spread = np.sqrt((_variance(x[one]) + _variance(x[other])) / 2)
    varies = spread > 0
    scaled = difference / np.where(varies, spread, 1.0)
    return np.asarray(np.where(varies, scaled, np.where(difference == 0, 0.0, np.nan)), dtype=np.float64)


def _variance(x: FloatArray) -> FloatArray:
    return np.asarray(x.var(axis=0, ddof=1), dtype=np.float64) if len(x) > 1 else np.zeros(x.shape[1])
