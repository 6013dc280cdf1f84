"""Regression dilution: what a coefficient would be had its predictor been measured without error.

A measurement repeated in the same patient scatters; its reliability is the share of its variance that is true. The
coefficient of the measured value is too close to 0 for it, and those of correlated predictors take some of its part over.
Regression calibration replaces the measured values by what is to be expected of the true ones, given all predictors; as
that is linear, the corrected coefficients are a linear function of the fitted ones. It takes the error to be independent of
the true value, the other predictors and the outcome, the reliability to be known, and holds approximately where effects
are moderate or events rare. Predictions need no correction: the next patient's value is measured with the same error.

References
----------
.. [1] Prentice RL. Covariate measurement errors and parameter estimation in a failure time regression model. Biometrika
   1982;69:331-342.
.. [2] Rosner B, Spiegelman D, Willett WC. Correction of logistic regression relative risk estimates and confidence intervals
   for measurement error: the case of multiple covariates measured with error. Am J Epidemiol 1990;132:734-745.
.. [3] Carroll RJ, Ruppert D, Stefanski LA, Crainiceanu CM. Measurement Error in Nonlinear Models, 2nd edition. Chapman &
   Hall/CRC 2006, chapter 4.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from igfstrat.errors import EstimationError, UsageError, safe_text
from igfstrat.models._matrix import FloatArray


def calibration_matrix(covariance: ArrayLike, reliability: ArrayLike) -> FloatArray:
    """What turns the coefficients of measured values into those of the true ones.

    Parameters
    ----------
    covariance : array-like of float, shape (p, p)
        Of the measured covariates.
    reliability : array-like of float, shape (p,)
        Share of the variance of each that is true, above 0 and at most 1; 1 = no error.

    Returns
    -------
    ndarray of float, shape (p, p)
        M, with corrected coefficients M b and their covariance M V M': the inverse of the covariance of the true values
        times that of the measured ones.

    Raises
    ------
    EstimationError
        If the reliability is not above the share of the variance that the other covariates explain: so small it can't be.

    References
    ----------
    .. [1] Rosner B, Spiegelman D, Willett WC. Am J Epidemiol 1990;132:734-745.

    Examples
    --------
    >>> calibration_matrix([[4.0]], [0.8]).tolist()
    [[1.25]]
    """
    measured, share = np.asarray(covariance, dtype=np.float64), np.asarray(reliability, dtype=np.float64)
    true = measured - np.diag((1 - share) * np.diag(measured))
    spread = np.sqrt(np.diag(measured))
    if np.linalg.eigvalsh(true / np.outer(spread, spread))[0] <= 1e-10:
        explained = 1 - 1 / (np.diag(np.linalg.inv(measured)) * np.diag(measured))
        said = ", ".join(
            f"{share[j]:g} where the other covariates explain {explained[j]:.2f}"
            for j in np.flatnonzero(share < 1)
        )
        message = f"a reliability can't be as small as the variance that the other covariates explain: {said}"
        raise EstimationError(message)
    return np.asarray(np.linalg.solve(true, measured), dtype=np.float64)


def check_reliability(reliability: Any) -> None:
    """Refuse what is no reliability.

    Parameters
    ----------
    reliability : dict of str to float, or None
        By covariate; None = none is stated.

    Raises
    ------
    UsageError
        If a value isn't above 0 and at most 1.
    """
    if reliability is None:
        return
    shares = list(reliability.values()) if isinstance(reliability, Mapping) else [None]
    good = [isinstance(v, int | float) and not isinstance(v, bool) and 0 < v <= 1 for v in shares]
    if not all(good):
        message = (
            f"reliability must be a share above 0 and at most 1 by covariate, found {safe_text(reliability)}"
        )
        raise UsageError(message)


def reliabilities(names: Sequence[str], reliability: Mapping[str, float]) -> FloatArray:
    """Reliability of each covariate, 1 where none is stated.

    Parameters
    ----------
    names : sequence of str
        Covariates.
    reliability : dict of str to float
        Those measured with error.

    Returns
    -------
    ndarray of float, shape (p,)
        In the order of the names.

    Raises
    ------
    UsageError
        If one is no covariate, or has products or spline terms, whose error no single share describes.
    """
    strange = [name for name in reliability if name not in names]
    if strange:
        message = f"a reliability is stated for {', '.join(map(safe_text, strange))}, no covariate of the model: {', '.join(map(safe_text, names))}"
        raise UsageError(message)
    for name in reliability:
        bent = [
            one
            for one in names
            if one != name and (name in one.split(":") or one.startswith(f"{name}_spline"))
        ]
        if bent:
            message = f"the reliability of {safe_text(name)} corrects no interaction or spline of it ({', '.join(map(safe_text, bent))}); leave one of the two out"
            raise UsageError(message)
    return np.array([float(reliability.get(name, 1.0)) for name in names])


def covariance_within(values: FloatArray, strata: NDArray[np.str_] | None) -> FloatArray:
    """Covariance of covariates, about the mean of each stratum.

    Parameters
    ----------
    values : ndarray of float, shape (n, p)
        Covariates.
    strata : ndarray of str, shape (n,), or None
        Label of each row.

    Returns
    -------
    ndarray of float, shape (p, p)
        Sums of products by n less the number of strata.
    """
    codes = np.zeros(len(values), np.intp) if strata is None else np.unique(strata, return_inverse=True)[1]
    counts = np.bincount(codes)
    means = np.array([np.bincount(codes, column) for column in values.T]).T / counts[:, None]
    centred = values - means[codes]
    return np.asarray(centred.T @ centred / max(len(values) - len(counts), 1), dtype=np.float64)


def in_words(reliability: Mapping[str, float] | None) -> str:
    """What a model card and a score file say of it.

    Parameters
    ----------
    reliability : dict of str to float, or None
        As stated in the plan.

    Returns
    -------
    str
        "" where none is stated.

    Examples
    --------
    >>> in_words({"igf1_sds": 0.8})[:53]
    'reliability stated, not estimated: igf1_sds 0.8. The '
    """
    if not reliability:
        return ""
    stated = ", ".join(f"{name} {share:g}" for name, share in reliability.items())
    return (
        f"reliability stated, not estimated: {stated}. The corrected coefficients are those of the true values; "
        "predictions use the coefficients of the measured values, since the next patient's are measured with the same error"
    )
