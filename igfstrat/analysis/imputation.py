"""Multiple imputation of missing covariates, and the pooling of what the completed tables give.

Chained equations: each covariate in turn is drawn from its distribution given all others, the groups, the event
indicator and the Nelson–Aalen cumulative hazard. Numbers come from Bayesian linear regression, codes from
multinomial logistic regression with drawn coefficients. Only covariates are imputed, never a group, a time or an
event; and values missing for reasons that the table doesn't hold (not at random) are beyond it.

References
----------
.. [1] Rubin DB. Multiple Imputation for Nonresponse in Surveys. Wiley 1987.
.. [2] White IR, Royston P. Imputing missing covariate values for the Cox model. Stat Med 2009;28:1982-1998.
.. [3] van Buuren S, Groothuis-Oudshoorn K. mice: multivariate imputation by chained equations in R. J Stat Softw
   2011;45(3):1-67.
.. [4] Barnard J, Rubin DB. Small-sample degrees of freedom with multiple imputation. Biometrika 1999;86:948-955.
.. [5] Li KH, Raghunathan TE, Rubin DB. Large-sample significance levels from multiply imputed data using
   moment-based statistics and an F reference distribution. J Am Stat Assoc 1991;86:1065-1073.
.. [6] Marshall A, Altman DG, Holder RL, Royston P. Combining estimates of interest in prognostic modelling studies
   after multiple imputation: current practice and guidelines. BMC Med Res Methodol 2009;9:57.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from igfstrat.survival import nelson_aalen

FloatArray = NDArray[np.float64]

CYCLES: Final = 10
# a weak normal prior (sd 2.5 on standardized predictors) keeps the coefficients of a code finite when a predictor
# tells it perfectly; a convention of ours
_PRIOR: Final = 1 / 2.5**2


def outcome_predictors(time: FloatArray, event: NDArray[np.bool_]) -> FloatArray:
    """What the outcome adds to an imputation model: the event and the Nelson–Aalen cumulative hazard.

    Parameters
    ----------
    time : ndarray of float64, shape (n,)
        Follow-up, >= 0.
    event : ndarray of bool, shape (n,)
        True = event.

    Returns
    -------
    ndarray of float64, shape (n, 2)
        Event as 0 or 1, and the cumulative hazard at each patient's own time.

    References
    ----------
    White IR, Royston P. Stat Med 2009;28:1982-1998.

    Examples
    --------
    >>> outcome_predictors(np.array([1.0, 2.0]), np.array([True, False])).tolist()
    [[1.0, 0.5], [0.0, 0.5]]
    """
    hazard = nelson_aalen(time=time, event=event)
    middle = (hazard.time[1:] + hazard.time[:-1]) / 2
    own = hazard.cumulative_hazard[np.searchsorted(middle, time)]
    return np.column_stack([event.astype(np.float64), own])


def impute(
    frame: pd.DataFrame, predictors: FloatArray, *, m: int, rng: np.random.Generator, cycles: int = CYCLES
) -> list[pd.DataFrame]:
    """Complete a table of covariates m times.

    Parameters
    ----------
    frame : DataFrame, one row a patient
        Columns of float with NaN, or of text with None, where missing. A column with no value at all stays as it is.
    predictors : ndarray of float64, shape (n, q)
        Complete columns that help: groups and outcome.
    m : int
        Completed tables.
    rng : numpy.random.Generator
        Source of all draws.
    cycles : int
        Rounds through the covariates for each table.

    Returns
    -------
    list of DataFrame, one row a patient
        Observed values untouched; drawn numbers may lie outside the observed range.

    References
    ----------
    van Buuren S, Groothuis-Oudshoorn K. J Stat Softw 2011;45(3):1-67.

    Examples
    --------
    >>> table = pd.DataFrame({"age": [50.0, np.nan, 60.0, 55.0], "stage": ["I", "II", None, "I"]})
    >>> tables = impute(table, np.zeros((4, 0)), m=2, rng=np.random.default_rng(1))
    >>> [bool(t.isna().any(axis=None)) for t in tables], tables[0].loc[0, "age"].item()
    ([False, False], 50.0)
    """
    missing = {str(c): frame[c].isna().to_numpy() for c in frame.columns}
    waiting = sorted(
        (c for c, gone in missing.items() if gone.any() and not gone.all()),
        key=lambda c: int(missing[c].sum()),
    )
    tables = []
    for _ in range(m):
        table = frame.copy()
        for column in waiting:  # first a draw from the observed values
            seen = frame[column].to_numpy()[~missing[column]]
            table.loc[missing[column], column] = rng.choice(seen, size=int(missing[column].sum()))
        for _ in range(cycles if len(waiting) > 1 else 1):
            for column in waiting:
                _redraw(table, column, missing[column], predictors, rng)
        tables.append(table)
    return tables


def _redraw(
    table: pd.DataFrame,
    column: str,
    gone: NDArray[np.bool_],
    predictors: FloatArray,
    rng: np.random.Generator,
) -> None:
    z = _standardized(table.drop(columns=column), predictors, ~gone)
    if pd.api.types.is_numeric_dtype(table[column]):
        seen = table[column].to_numpy(dtype=np.float64)[~gone]
        table.loc[gone, column] = _draw_numbers(seen, z[~gone], z[gone], rng)
    else:
        levels, codes = np.unique(
            table[column].to_numpy(dtype=object)[~gone].astype(str), return_inverse=True
        )
        drawn = _draw_codes(codes, len(levels), z[~gone], z[gone], rng)
        table.loc[gone, column] = levels[drawn].astype(object)


def _standardized(others: pd.DataFrame, predictors: FloatArray, seen: NDArray[np.bool_]) -> FloatArray:
    parts = [np.ones((len(others), 1)), predictors]
    for column in others.columns:
        values = others[column]
        if values.isna().all():
            continue
        if pd.api.types.is_numeric_dtype(values):
            parts.append(values.to_numpy(dtype=np.float64)[:, None])
        else:
            text = values.to_numpy(dtype=object).astype(str)
            parts.append((text[:, None] == np.unique(text)[1:]).astype(np.float64))
    x = np.column_stack(parts)
    spread = x[seen].std(axis=0)
    varies = spread > 1e-12 * np.maximum(np.abs(x[seen]).max(axis=0), 1e-300)
    x[:, 1:] = (x[:, 1:] - x[seen, 1:].mean(axis=0)) / np.where(varies[1:], spread[1:], 1.0)
    varies[0] = True
    return np.asarray(x[:, varies], dtype=np.float64)


def _draw_numbers(y: FloatArray, x: FloatArray, new: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Bayesian linear regression: variance, then coefficients, then values are drawn (Rubin 1987, p. 167)."""
    gram = x.T @ x + 1e-8 * len(x) * np.eye(x.shape[1])  # as good as nothing, but never singular
    inverse = np.linalg.inv(gram)
    beta = inverse @ (x.T @ y)
    df = max(len(y) - x.shape[1], 1)
    variance = float(((y - x @ beta) ** 2).sum()) / rng.chisquare(df)
    drawn = beta + np.sqrt(variance) * (np.linalg.cholesky(inverse) @ rng.standard_normal(len(beta)))
    return np.asarray(new @ drawn + np.sqrt(variance) * rng.standard_normal(len(new)), dtype=np.float64)


def _draw_codes(
    codes: NDArray[np.int64], k: int, x: FloatArray, new: FloatArray, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Multinomial logistic regression: coefficients are drawn from their normal approximation, then codes."""
    if k == 1:
        return np.zeros(len(new), dtype=np.int64)
    own = (codes[:, None] == np.arange(1, k)).astype(np.float64)
    q = x.shape[1]
    prior = np.tile(np.where(np.arange(q) > 0, _PRIOR, 1e-6), k - 1)
    beta = np.zeros(q * (k - 1))
    for _ in range(50):
        p = _softmax(x @ beta.reshape(k - 1, q).T)[:, 1:]
        information = _information(x, p) + np.diag(prior)
        step = np.linalg.solve(information, ((own - p).T @ x).ravel() - prior * beta)
        beta += step * min(1.0, 5.0 / max(float(np.abs(x @ step.reshape(k - 1, q).T).max()), 1e-300))
        if np.abs(step).max() < 1e-8:
            break
    spread = np.linalg.cholesky(np.linalg.inv(information))
    drawn = (beta + spread @ rng.standard_normal(len(beta))).reshape(k - 1, q)
    cumulative = np.cumsum(_softmax(new @ drawn.T), axis=1)
    return np.asarray((rng.random((len(new), 1)) > cumulative[:, :-1]).sum(axis=1), dtype=np.int64)


def _softmax(odds: FloatArray) -> FloatArray:
    full = np.column_stack([np.zeros(len(odds)), odds])
    raised = np.exp(full - full.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True), dtype=np.float64)


def _information(x: FloatArray, p: FloatArray) -> FloatArray:
    rows = range(p.shape[1])
    return np.block([[(x.T * (p[:, a] * ((a == b) - p[:, b]))) @ x for b in rows] for a in rows])


@dataclass(frozen=True, slots=True, kw_only=True)
class Pooled:
    """An estimate over completed tables.

    Parameters
    ----------
    value : float
        Mean of the estimates.
    std_error : float
        From the variance within and between tables.
    df : float
        Degrees of freedom of its t distribution; infinite where the tables agree.
    missing_information : float
        Share of the variance that the missing values cause, 0 to 1.
    """

    value: float
    std_error: float
    df: float
    missing_information: float

    def limits(self, level: float = 0.95) -> tuple[float, float]:
        """Interval by the t distribution.

        Parameters
        ----------
        level : float
            Coverage, between 0 and 1.

        Returns
        -------
        tuple of float
            Lower and upper limit.
        """
        half = float(stats.t.ppf(0.5 + level / 2, self.df)) * self.std_error
        return self.value - half, self.value + half

    @property
    def p_value(self) -> float:
        """Two-sided test that the estimate is 0."""
        return float(2 * stats.t.sf(abs(self.value) / self.std_error, self.df))


def pool_rubin(
    estimates: NDArray[np.float64], variances: NDArray[np.float64], *, df_complete: float = np.inf
) -> Pooled:
    """Rubin's rules, with the degrees of freedom of Barnard and Rubin.

    Parameters
    ----------
    estimates : ndarray of float64, shape (m,)
        The estimate in each completed table, on a scale where it is near normal.
    variances : ndarray of float64, shape (m,)
        Its squared standard error in each, > 0.
    df_complete : float
        Degrees of freedom if nothing were missing; infinite gives Rubin's own.

    Returns
    -------
    Pooled
        Mean, total error and degrees of freedom.

    References
    ----------
    Rubin DB. Multiple Imputation for Nonresponse in Surveys. Wiley 1987, p. 76-77; Barnard J, Rubin DB. Biometrika
    1999;86:948-955.

    Examples
    --------
    >>> pooled = pool_rubin(np.array([1.0, 2.0, 3.0]), np.array([1.0, 1.0, 1.0]))
    >>> pooled.value, round(pooled.std_error**2, 4), round(pooled.df, 3)
    (2.0, 2.3333, 6.125)
    """
    m = len(estimates)
    between = float(np.var(estimates, ddof=1)) if m > 1 else 0.0
    within = float(np.mean(variances))
    total = within + (1 + 1 / m) * between
    share = (1 + 1 / m) * between / total
    df = (m - 1) / share**2 if share > 0 else np.inf
    if np.isfinite(df_complete):
        observed = (df_complete + 1) / (df_complete + 3) * df_complete * (1 - share)
        df = observed if np.isinf(df) else df * observed / (df + observed)
    return Pooled(
        value=float(np.mean(estimates)),
        std_error=float(np.sqrt(total)),
        df=float(df),
        missing_information=share,
    )


def pool_survival(
    survival: NDArray[np.float64], log_variances: NDArray[np.float64], *, level: float = 0.95
) -> tuple[float, float, float]:
    """Survival probabilities over completed tables, on the complementary log-log scale.

    Parameters
    ----------
    survival : ndarray of float64, shape (m,)
        Probability in each table, 0 to 1.
    log_variances : ndarray of float64, shape (m,)
        Variance of log(-log S) in each; NaN where unknown.
    level : float
        Coverage, between 0 and 1.

    Returns
    -------
    tuple of float
        Probability and limits; the limits are NaN where a table gives 0 or 1, or no variance.

    References
    ----------
    Marshall A, Altman DG, Holder RL, Royston P. BMC Med Res Methodol 2009;9:57.

    Examples
    --------
    >>> value, lower, upper = pool_survival(np.array([0.8, 0.8]), np.array([0.04, 0.04]))
    >>> round(value, 3), round(lower, 3), round(upper, 3)
    (0.8, 0.719, 0.86)
    """
    inside = (survival > 0) & (survival < 1)
    if not inside.all():
        return float(survival.mean()), float("nan"), float("nan")
    scale = np.log(-np.log(survival))
    if not (np.isfinite(log_variances).all() and (log_variances > 0).all()):
        return float(np.exp(-np.exp(scale.mean()))), float("nan"), float("nan")
    pooled = pool_rubin(scale, log_variances)
    low, high = pooled.limits(level)
    value, lower, upper = np.exp(-np.exp(np.array([pooled.value, high, low])))
    return float(value), float(lower), float(upper)


def pool_wald(estimates: NDArray[np.float64], covariances: NDArray[np.float64]) -> tuple[float, float]:
    """Test that several coefficients are 0, over completed tables.

    Parameters
    ----------
    estimates : ndarray of float64, shape (m, k)
        Coefficients in each table.
    covariances : ndarray of float64, shape (m, k, k)
        Their covariance in each.

    Returns
    -------
    tuple of float
        The F statistic and its p-value.

    References
    ----------
    Li KH, Raghunathan TE, Rubin DB. J Am Stat Assoc 1991;86:1065-1073.

    Examples
    --------
    >>> f, p = pool_wald(np.array([[1.0], [2.0], [3.0]]), np.ones((3, 1, 1)))
    >>> round(f, 4)  # 2² over the total variance of 2.3333
    1.7143
    """
    m, k = estimates.shape
    mean, within = estimates.mean(axis=0), covariances.mean(axis=0)
    between = np.atleast_2d(np.cov(estimates, rowvar=False)) if m > 1 else np.zeros((k, k))
    r = (1 + 1 / m) * float(np.trace(between @ np.linalg.inv(within))) / k
    statistic = float(mean @ np.linalg.solve(within, mean)) / (k * (1 + r))
    if r <= 0:
        return statistic, float(stats.chi2.sf(statistic * k, k))
    t = k * (m - 1)
    df = 4 + (t - 4) * (1 + (1 - 2 / t) / r) ** 2 if t > 4 else t * (1 + 1 / k) * (1 + 1 / r) ** 2 / 2
    return statistic, float(stats.f.sf(statistic, k, df))
