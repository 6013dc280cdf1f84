"""What the risk models have in common: scikit-learn's face for survival.

`fit` takes covariates and a structured outcome, `predict` gives a risk (higher = worse), `score` is Harrell's
concordance. Columns are matched by name. A row with a missing covariate gets no prediction (NaN), never that of some
default patient.
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from igfstrat.errors import DomainError, EstimationError, UsageError
from igfstrat.models._inference import log_log_limits, read_at, wald_table
from igfstrat.models._matrix import FloatArray, Matrix, read_again, read_matrix
from igfstrat.models.dilution import calibration_matrix, check_reliability, covariance_within, reliabilities
from igfstrat.models.outcome import read_outcome
from igfstrat.survival import concordance
from igfstrat.survival._intervals import normal_quantile

MISSING = ("refuse", "leave_out")


class SurvivalModel(BaseEstimator):  # type: ignore[misc]
    """Base of the estimators; a subclass estimates and predicts.

    Attributes
    ----------
    coef_ : ndarray of float, shape (p,)
        Coefficients of the covariates, in their own units.
    covariance_ : ndarray of float, shape (q, q)
        Covariance of all parameters, in the order of `parameter_names_`; NaN where it isn't known.
    parameter_names_ : tuple of str
        Names of all parameters; the covariates' are those of their columns.
    feature_names_in_ : ndarray of object, shape (n_features_in_,)
        Columns that it was fitted on, when they had names.
    n_features_in_ : int
        How many, strata included.
    n_patients_, n_events_ : int
        Rows and events that the fit rests on.
    n_left_out_ : int
        Rows without a complete set of covariates, left out where `missing` says so.
    covariate_covariance_ : ndarray of float, shape (p, p)
        Of the covariates, within strata; only where a reliability is stated.
    """

    strata: tuple[str, ...] | None = None
    missing: str = "refuse"
    reliability: dict[str, float] | None = None

    def fit(self, X: Any, y: Any) -> Self:  # noqa: N803 - scikit-learn's name
        """Estimate the model.

        Parameters
        ----------
        X : DataFrame or array-like of float, shape (n, p)
            Covariates; numbers, save the columns of `strata`. NaN: see the parameter `missing`.
        y : ndarray, shape (n,)
            Outcome from `make_outcome`.

        Returns
        -------
        SurvivalModel
            Itself.

        Raises
        ------
        DomainError
            If y is no structured outcome, or a covariate is missing and `missing` is "refuse".
        EstimationError
            If there are no events, or no finite estimate.
        """
        self._check_parameters()
        matrix = read_matrix(X, self._strata())
        time, event = read_outcome(y, len(matrix.values))
        complete = matrix.complete
        if not complete.all() and self.missing == "refuse":
            message = (
                f"{np.count_nonzero(~complete)} of {len(complete)} rows have a missing covariate; declare an imputation, "
                "or leave them out with missing='leave_out'"
            )
            raise DomainError(message)
        if not event[complete].any():
            message = (
                f"no event among the {np.count_nonzero(complete)} complete rows; nothing can be estimated"
            )
            raise EstimationError(message)
        strata = None if matrix.strata is None else matrix.strata[complete].astype(str)
        if matrix.names is None:
            self.__dict__.pop("feature_names_in_", None)  # of an earlier fit
        else:
            self.feature_names_in_ = np.array(matrix.names, dtype=object)
        self.n_features_in_ = matrix.values.shape[1] + len(self._strata())
        self.n_patients_, self.n_events_ = int(complete.sum()), int(event[complete].sum())
        self.n_left_out_ = int((~complete).sum())
        values = matrix.values[complete]
        self.__dict__.pop("covariate_covariance_", None)
        if self.reliability:
            self.covariate_covariance_ = covariance_within(values, strata)
            self._calibration()  # refused before anything is estimated
        self._estimate(values, time[complete], event[complete], strata)
        return self

    def predict(self, X: Any) -> FloatArray:  # noqa: N803
        """Risk of each patient: higher = earlier event expected.

        Parameters
        ----------
        X : DataFrame or array-like of float, shape (n, p)
            Covariates; columns are matched by name, further ones ignored.

        Returns
        -------
        ndarray of float, shape (n,)
            Linear predictor on the log scale, 0 at the training means; NaN where a covariate is missing.
        """
        return self._risk(self._read(X).values)

    def predict_interval(self, X: Any, level: float = 0.95) -> FloatArray:  # noqa: N803
        """Wald limits of the risk.

        Parameters
        ----------
        X : DataFrame or array-like of float, shape (n, p)
            Covariates.
        level : float
            Coverage, between 0 and 1.

        Returns
        -------
        ndarray of float, shape (n, 2)
            Lower and upper limit of what `predict` gives; NaN where the model has no covariance (a lasso).
        """
        values = self._read(X).values
        z, risk = normal_quantile(level), self._risk(values)
        covariance = self.covariance_[self._coef_places(), :][:, self._coef_places()]
        centred = values - self.mean_
        error = np.sqrt(np.einsum("ij,jk,ik->i", centred, covariance, centred))
        return np.column_stack((risk - z * error, risk + z * error))

    def predict_survival_function(self, X: Any, times: ArrayLike) -> FloatArray:  # noqa: N803
        """Probability of being free of the event beyond each time.

        Parameters
        ----------
        X : DataFrame or array-like of float, shape (n, p)
            Covariates.
        times : array-like of float, shape (k,), or float
            Times >= 0, in the unit of the outcome.

        Returns
        -------
        ndarray of float, shape (n, k)
            In [0, 1]; NaN where a covariate is missing, the stratum was not in the training data, or nobody was followed
            that long.

        Raises
        ------
        DomainError
            If a time is negative or missing.
        """
        return self._survival(self._read(X), read_at(times))

    def predict_survival_interval(self, X: Any, times: ArrayLike, level: float = 0.95) -> FloatArray:  # noqa: N803
        """Pointwise log-log limits of each patient's survival probability.

        Parameters
        ----------
        X : DataFrame or array-like of float, shape (n, p)
            Covariates.
        times : array-like of float, shape (k,), or float
            Times >= 0, in the unit of the outcome.
        level : float
            Coverage, between 0 and 1.

        Returns
        -------
        ndarray of float, shape (n, k, 2)
            Lower and upper limit, in [0, 1], of what `predict_survival_function` gives; both 1 before the first event of a
            Cox model. NaN where survival isn't known, or the model has no covariance (a lasso, some old model files).
            They take in the error of the estimates, not the choice of predictors or of a penalty.

        Raises
        ------
        DomainError
            If a time is negative or missing.

        Notes
        -----
        The variance of the logarithm of the cumulative hazard is that of the delta method over all parameters; in a Cox
        model it is that of Tsiatis and Link, as in R's `survfit` (with `conf.type = "log-log"`).

        References
        ----------
        .. [1] Link CL. Confidence intervals for the survival function using Cox's proportional-hazard model with
           covariates. Biometrics 1984;40:601-609.
        """
        return log_log_limits(*self._log_hazard(self._read(X), read_at(times)), level)

    def predict_median(self, X: Any) -> FloatArray:  # noqa: N803
        """Median time to the event.

        Parameters
        ----------
        X : DataFrame or array-like of float, shape (n, p)
            Covariates.

        Returns
        -------
        ndarray of float, shape (n,)
            In the unit of the outcome; infinite where the curve doesn't come down to 0.5, NaN where it isn't known.
        """
        return self._median(self._read(X))

    def score(self, X: Any, y: Any) -> float:  # noqa: N803
        """Harrell's concordance, within strata where there are any.

        Parameters
        ----------
        X : DataFrame or array-like of float, shape (n, p)
            Covariates.
        y : ndarray, shape (n,)
            Outcome from `make_outcome`.

        Returns
        -------
        float
            In [0, 1], over the rows that have a prediction; NaN when no pair can be compared.
        """
        matrix = self._read(X)
        time, event = read_outcome(y, len(matrix.values))
        rows = matrix.complete
        if not rows.any():
            return float("nan")
        strata = None if matrix.strata is None else matrix.strata[rows].astype(str)
        risk = self._risk(matrix.values[rows])
        return concordance(time=time[rows], event=event[rows], risk=risk, strata=strata).value

    def coefficients(self, level: float = 0.95) -> pd.DataFrame:
        """All parameters with their errors and Wald limits.

        Parameters
        ----------
        level : float
            Coverage, between 0 and 1.

        Returns
        -------
        DataFrame, one row a parameter
            Columns coef, std_error, ci_lower, ci_upper, z, p_value, on the scale of the linear predictor; NaN where there
            is no covariance.
        """
        check_is_fitted(self, "coef_")
        names = pd.Index(self.parameter_names_, name="parameter")
        return wald_table(self._parameters(), self.covariance_, names, level)

    def corrected_coefficients(self, level: float = 0.95) -> pd.DataFrame:
        """Coefficients of the true values, where a reliability is stated, beside those of the measured values.

        Parameters
        ----------
        level : float
            Coverage, between 0 and 1.

        Returns
        -------
        DataFrame, one row a covariate
            As `coefficients`, corrected for regression dilution; further the reliability (1 = measured without error) and
            `naive_coef`, `naive_std_error`, `naive_ci_lower`, `naive_ci_upper`, which are those of `coefficients`. The error of
            the reliability itself is in no interval. Predictions use the naive ones.

        Raises
        ------
        UsageError
            If no reliability is stated.

        References
        ----------
        .. [1] Rosner B, Spiegelman D, Willett WC. Correction of logistic regression relative risk estimates and confidence
           intervals for measurement error: the case of multiple covariates measured with error. Am J Epidemiol
           1990;132:734-745.
        """
        check_is_fitted(self, "coef_")
        if not self.reliability:
            message = "no reliability is stated, so nothing is corrected; give one such as reliability={'igf1_sds': 0.8}"
            raise UsageError(message)
        names = pd.Index(self._covariate_names(), name="parameter")
        places, by = self._coef_places(), self._calibration()
        own = self.covariance_[places][:, places]
        naive = wald_table(self.coef_, own, names, level)
        found = wald_table(by @ self.coef_, by @ own @ by.T, names, level)
        found.insert(0, "reliability", reliabilities(list(names), self.reliability))
        kept = ["coef", "std_error", "ci_lower", "ci_upper"]
        return found.join(naive[kept].add_prefix("naive_"))

    # what a subclass fills in or changes

    def _estimate(
        self, values: FloatArray, time: FloatArray, event: NDArray[np.bool_], strata: NDArray[np.str_] | None
    ) -> None:
        raise NotImplementedError

    def _survival(self, matrix: Matrix, at: FloatArray) -> FloatArray:
        raise NotImplementedError

    def _log_hazard(self, matrix: Matrix, at: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Logarithm of the cumulative hazard and its standard error, shape (n, k) each."""
        raise NotImplementedError

    def _median(self, matrix: Matrix) -> FloatArray:
        raise NotImplementedError

    def _risk(self, values: FloatArray) -> FloatArray:
        # sums along the row, not a BLAS product: the same bits for a row alone and among others
        risk: FloatArray = ((values - self.mean_) * self.coef_).sum(axis=1)
        return risk

    def _parameters(self) -> FloatArray:
        coef: FloatArray = self.coef_
        return coef

    def _coef_places(self) -> NDArray[np.intp]:
        return np.arange(len(self.coef_))

    # helpers

    def _check_parameters(self) -> None:
        if self.missing not in MISSING:
            message = f"missing must be one of {', '.join(MISSING)}; found {self.missing!r}"
            raise UsageError(message)
        check_reliability(self.reliability)

    def _calibration(self) -> FloatArray:
        shares = reliabilities(self._covariate_names(), self.reliability or {})
        return calibration_matrix(self.covariate_covariance_, shares)

    def _strata(self) -> tuple[str, ...]:
        return () if self.strata is None else tuple(self.strata)

    def _read(self, X: Any) -> Matrix:  # noqa: N803
        check_is_fitted(self, "coef_")
        names = getattr(self, "feature_names_in_", None)
        known = None if names is None else tuple(names)
        return read_again(X, known, len(self.coef_), self._strata())

    def _covariate_names(self) -> tuple[str, ...]:
        names = getattr(self, "feature_names_in_", None)
        if names is None:
            return tuple(f"x{i}" for i in range(self.n_features_in_))
        return tuple(name for name in names if name not in self._strata())
