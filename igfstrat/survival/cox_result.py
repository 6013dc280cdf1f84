"""What a Cox model gives back: estimates, tests, and the residuals that follow from them."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from igfstrat.survival._cox_design import CoxDesign
from igfstrat.survival._cox_residuals import (
    BaselineHazard,
    baseline_hazard,
    deviance_of,
    dfbeta_of,
    martingale_of,
    schoenfeld_of,
    score_residuals_of,
)
from igfstrat.survival._logrank import chi_square_p
from igfstrat.survival._types import FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class ChiSquareTest:
    """A chi-square test.

    Parameters
    ----------
    statistic : float
        Chi-square; NaN when not estimable.
    df : int
        Degrees of freedom.
    p_value : float
        Upper tail.
    """

    statistic: float
    df: int
    p_value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CoxResult:
    """A fitted Cox model.

    Parameters
    ----------
    names : tuple of str
        Covariates, in the order of the arrays below.
    coef : ndarray of float, shape (p,)
        Log hazard ratio per unit of the covariate; NaN where no finite estimate exists.
    std_error : ndarray of float, shape (p,)
        From the information (model-based).
    robust_std_error : ndarray of float, shape (p,), or None
        From the score residuals, summed by cluster; None when not asked for.
    hazard_ratio : ndarray of float, shape (p,)
        exp(coef).
    ci_lower, ci_upper : ndarray of float, shape (p,)
        Limits of the hazard ratio (Wald; profile-penalized with Firth).
    z, p_value : ndarray of float, shape (p,)
        Wald tests (penalized likelihood-ratio tests with Firth, z their signed root).
    covariance : ndarray of float, shape (p, p)
        Covariance of the coefficients; the robust one when there is one.
    log_likelihood, log_likelihood_null : float
        Log partial likelihood (penalized with Firth) at the estimate and at zero.
    likelihood_ratio_test, wald_test, score_test : ChiSquareTest
        Global tests. All but the Wald test stay valid when an estimate is infinite.
    n_patients, n_events : int
        Rows and events.
    ties : str
        efron, breslow or exact.
    level : float
        Coverage of the intervals.
    iterations : int
        Newton steps.
    firth : bool
        Whether Firth's penalty was used.
    not_estimable : str or None
        Which coefficients have no finite estimate and why, or None.
    """

    names: tuple[str, ...]
    coef: FloatArray
    std_error: FloatArray
    robust_std_error: FloatArray | None
    hazard_ratio: FloatArray
    ci_lower: FloatArray
    ci_upper: FloatArray
    z: FloatArray
    p_value: FloatArray
    covariance: FloatArray
    log_likelihood: float
    log_likelihood_null: float
    likelihood_ratio_test: ChiSquareTest
    wald_test: ChiSquareTest
    score_test: ChiSquareTest
    n_patients: int
    n_events: int
    ties: str
    level: float
    iterations: int
    firth: bool
    not_estimable: str | None = None
    design: CoxDesign = field(repr=False)
    beta: FloatArray = field(repr=False)

    @property
    def baseline_cumulative_hazard(self) -> BaselineHazard:
        """Cumulative hazard at covariates 0 and at their means."""
        return baseline_hazard(self.design, self.beta)

    @property
    def martingale_residuals(self) -> FloatArray:
        """Events minus expected events, shape (n,), in the caller's order."""
        return self.design.back(martingale_of(self.design, self.beta))

    @property
    def deviance_residuals(self) -> FloatArray:
        """Martingale residuals made symmetric, shape (n,), in the caller's order."""
        return self.design.back(deviance_of(self.design, self.beta))

    @property
    def schoenfeld_residuals(self) -> FloatArray:
        """Covariates minus their risk-set mean, shape (events, p), by stratum and time of event."""
        return schoenfeld_of(self.design, self.beta)

    @property
    def schoenfeld_times(self) -> FloatArray:
        """Time of each row of the Schoenfeld residuals, shape (events,)."""
        return self.design.time[self.design.event]

    @property
    def score_residuals(self) -> FloatArray:
        """What each row adds to the score, unweighted, shape (n, p), in the caller's order."""
        return self.design.back(score_residuals_of(self.design, self.beta))

    @property
    def dfbeta(self) -> FloatArray:
        """Approximate change of the coefficients by each row, weighted, shape (n, p), in the caller's order."""
        return self.design.back(dfbeta_of(self.design, self.beta, self.std_error_matrix))

    @property
    def std_error_matrix(self) -> FloatArray:
        """Inverse of the information, shape (p, p), in the caller's units."""
        from igfstrat.survival._cox_likelihood import derivatives_at

        here = derivatives_at(self.design, self.beta)
        assert here is not None
        return np.linalg.inv(here.information) / np.outer(self.design.scale, self.design.scale)


def chi_square_test(statistic: float, df: int) -> ChiSquareTest:
    """A chi-square with its p-value.

    Parameters
    ----------
    statistic : float
        Chi-square, or NaN.
    df : int
        Degrees of freedom.

    Returns
    -------
    ChiSquareTest
        The test.
    """
    return ChiSquareTest(statistic=statistic, df=df, p_value=chi_square_p(max(statistic, 0.0), df))
