"""Cox proportional-hazards regression.

Ties by Efron, Breslow or the exact discrete likelihood; left truncation, strata, case weights, robust
errors by cluster, and Firth's penalty. There is no other penalty and no time-varying coefficient here.
Conventions follow R `survival::coxph`. With a cluster, or with fractional weights, intervals and
p-values rest on the robust error.

References
----------
.. [1] Cox DR. Regression models and life-tables. J R Stat Soc B 1972;34:187-220.
.. [2] Efron B. The efficiency of Cox's likelihood function for censored data. J Am Stat Assoc
   1977;72:557-565.
.. [3] Lin DY, Wei LJ. The robust inference for the Cox proportional hazards model. J Am Stat Assoc
   1989;84:1074-1078.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.special import ndtr

from igfstrat.errors import DomainError
from igfstrat.survival._cox_design import CoxDesign, read_design
from igfstrat.survival._cox_likelihood import Derivatives
from igfstrat.survival._cox_newton import Fit, maximize
from igfstrat.survival._cox_residuals import dfbeta_of
from igfstrat.survival._inputs import read_codes
from igfstrat.survival._intervals import normal_quantile, ratio_of
from igfstrat.survival._types import FloatArray, IntArray
from igfstrat.survival.cox_result import CoxResult, chi_square_test
from igfstrat.survival.firth import fit_firth

_SINGULAR = 1e12  # condition number beyond which a statistic would be rounding


def cox(
    *,
    time: Any,
    event: Any,
    covariates: Any,
    names: Sequence[str] | None = None,
    entry: Any = None,
    strata: Any = None,
    weights: Any = None,
    cluster: Any = None,
    ties: str = "efron",
    firth: bool = False,
    level: float = 0.95,
) -> CoxResult:
    """Fit a Cox model.

    Parameters
    ----------
    time : array-like of float, shape (n,)
        Follow-up, >= 0, one unit.
    event : array-like of bool, shape (n,)
        True = event observed.
    covariates : array-like of float, shape (n, p) or (n,)
        Covariates, finite; factors as 0/1 columns.
    names : sequence of str, optional
        Names of the covariates; x1, x2, … when left out.
    entry : array-like of float, shape (n,), optional
        Start of observation, below `time`.
    strata : array-like of str, int or bool, shape (n,), optional
        Stratum of each row; each has its own baseline hazard.
    weights : array-like of float, shape (n,), optional
        Case weights, > 0; fractional ones give robust errors.
    cluster : array-like of str, int or bool, shape (n,), optional
        Rows that belong together (one patient, one centre): robust errors.
    ties : str
        efron, breslow or exact (the discrete likelihood of R's ``ties = "exact"``).
    firth : bool
        Penalize by half the log determinant of the information: finite under separation.
    level : float
        Coverage, between 0 and 1.

    Returns
    -------
    CoxResult
        The fit; `not_estimable` says which coefficients have no finite estimate.

    Raises
    ------
    DomainError
        Arguments that cannot be.

    Examples
    --------
    >>> fit = cox(time=[5, 3, 8, 2, 7, 6], event=[True, True, False, True, True, False],
    ...           covariates=[0, 1, 0, 1, 1, 0], names=["high"])
    >>> round(float(fit.hazard_ratio[0]), 3)
    4.586
    """
    z = normal_quantile(level)
    design = read_design(
        time=time,
        event=event,
        covariates=covariates,
        names=names,
        entry=entry,
        strata=strata,
        weights=weights,
        ties=ties,
    )
    clusters = None if cluster is None else read_codes(cluster, "cluster", len(design.event))[0][design.order]
    if clusters is not None and clusters.max() == 0:
        msg = "cluster holds one cluster only; a robust error needs at least two"
        raise DomainError(msg)
    if clusters is None and np.any(design.weight != np.floor(design.weight)):
        clusters = np.arange(len(design.event))
    if ties == "exact" and clusters is not None:
        msg = "ties='exact' has no robust error; use ties='efron' with a cluster"
        raise DomainError(msg)
    if firth:
        if clusters is not None:
            msg = "firth=True has no robust error; leave cluster and fractional weights out"
            raise DomainError(msg)
        return fit_firth(design, level)
    return _result(design, maximize(design), clusters, level, z)


def _result(design: CoxDesign, fit: Fit, clusters: IntArray | None, level: float, z: float) -> CoxResult:
    known = ~fit.infinite
    inverse = np.linalg.inv(fit.final.information) / np.outer(design.scale, design.scale)
    coef = np.where(known, fit.beta / design.scale, np.nan)
    std_error = np.where(known, np.sqrt(np.diag(inverse)), np.nan)
    covariance, robust = inverse, None
    if clusters is not None:
        covariance = _robust_covariance(design, fit.beta, inverse, clusters)
        robust = np.where(known, np.sqrt(np.diag(covariance)), np.nan)
    covariance = np.where(np.outer(known, known), covariance, np.nan)
    used = std_error if robust is None else np.where(robust > 0, robust, np.nan)
    value = fit.final.value + _gain(fit.final) / 2  # the last step is made but not evaluated
    return CoxResult(
        names=design.names,
        coef=coef,
        std_error=std_error,
        robust_std_error=robust,
        hazard_ratio=ratio_of(coef),
        ci_lower=ratio_of(coef - z * used),
        ci_upper=ratio_of(coef + z * used),
        z=coef / used,
        p_value=2 * ndtr(-np.abs(coef / used)),
        covariance=covariance,
        log_likelihood=value,
        log_likelihood_null=fit.null.value,
        likelihood_ratio_test=chi_square_test(2 * (value - fit.null.value), len(coef)),
        wald_test=chi_square_test(_wald(coef, covariance), len(coef)),
        score_test=chi_square_test(_gain(fit.null), len(coef)),
        n_patients=len(design.event),
        n_events=design.n_events,
        ties=design.ties,
        level=level,
        iterations=fit.steps,
        firth=False,
        not_estimable=_separation_message(design, fit) or _robust_message(design, robust),
        design=design,
        beta=fit.beta,
    )


def _gain(here: Derivatives) -> float:
    """Squared length of a Newton step in standard errors: the score test at that point."""
    return float(here.score @ np.linalg.solve(here.information, here.score))


def _wald(coef: FloatArray, covariance: FloatArray) -> float:
    if np.isnan(coef).any():
        return float("nan")
    size = np.sqrt(np.diag(covariance))
    if size.min() <= 0 or np.linalg.cond(covariance / np.outer(size, size)) > _SINGULAR:
        return float("nan")  # fewer clusters than coefficients
    return float(coef @ np.linalg.solve(covariance, coef))


def _robust_covariance(
    design: CoxDesign, beta: FloatArray, inverse: FloatArray, clusters: IntArray
) -> FloatArray:
    summed = np.zeros((int(clusters.max()) + 1, len(beta)))
    np.add.at(summed, clusters, dfbeta_of(design, beta, inverse))
    covariance: FloatArray = summed.T @ summed
    return covariance


def _separation_message(design: CoxDesign, fit: Fit) -> str | None:
    if not fit.infinite.any():
        return None
    names = ", ".join(name for name, gone in zip(design.names, fit.infinite, strict=True) if gone)
    return (
        f"no finite estimate for {names}: the events are separated (every event had the highest "
        "value of those at risk, in some direction), so the hazard ratio runs to 0 or infinity; "
        "firth=True gives a finite penalized estimate"
    )


def _robust_message(design: CoxDesign, robust: FloatArray | None) -> str | None:
    if robust is None or (robust > 0).all():
        return None
    names = ", ".join(name for name, error in zip(design.names, robust, strict=True) if error <= 0)
    return f"the robust error of {names} is 0: too few clusters; leave cluster out or make it finer"
