"""Cox regression as a scikit-learn estimator: unpenalized, ridge, lasso, elastic net; strata.

The unpenalized fit is `igfstrat.survival.cox`, which agrees with R's `coxph`. The penalty is parameterised as in
lifelines (`penalizer`, `l1_ratio`), on covariates divided by their standard deviation.

References
----------
.. [1] Cox DR. Regression models and life-tables. J R Stat Soc B 1972;34:187-220.
.. [2] Simon N, Friedman J, Hastie T, Tibshirani R. Regularization paths for Cox's proportional hazards model via
   coordinate descent. J Stat Softw 2011;39(5):1-13.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from igfstrat.errors import EstimationError, UsageError
from igfstrat.models._elastic_net import fit_penalized
from igfstrat.models._matrix import FloatArray, Matrix
from igfstrat.models.base import SurvivalModel
from igfstrat.survival import BaselineHazard, cox
from igfstrat.survival._cox_design import read_design
from igfstrat.survival._cox_residuals import baseline_hazard

ALL = "all"  # the one stratum of a model without strata


class CoxModel(SurvivalModel):
    """Cox proportional-hazards model.

    Parameters
    ----------
    penalizer : float
        Strength of the penalty, >= 0, per patient; 0 = none.
    l1_ratio : float
        Share of the lasso in the penalty, 0 (ridge) to 1 (lasso).
    strata : tuple of str, optional
        Columns of X whose levels have a baseline hazard each.
    ties : str
        efron or breslow.
    missing : str
        What `fit` does with rows that lack a covariate: refuse or leave_out.

    Attributes
    ----------
    coef_ : ndarray of float, shape (p,)
        Log hazard ratio per unit of the covariate.
    covariance_ : ndarray of float, shape (p, p)
        Inverse of the (penalized) information; NaN with a lasso, whose selection no such error takes in.
    mean_ : ndarray of float, shape (p,)
        Training means, at which the risk is 0.
    baseline_ : dict of str to tuple of ndarray
        By stratum (``all`` without strata): times of events, shape (m,), and the cumulative hazard at the means after
        each, shape (m,).
    last_followup_ : dict of str to float
        By stratum: longest follow-up, beyond which no survival is predicted.

    Examples
    --------
    >>> import numpy as np
    >>> from igfstrat.models import make_outcome
    >>> y = make_outcome(time=[5, 3, 8, 2, 7, 6], event=[True, True, False, True, True, False])
    >>> model = CoxModel().fit(np.array([[0.0], [1.0], [0.0], [1.0], [1.0], [0.0]]), y)
    >>> model.coef_.round(3).tolist()
    [1.523]
    """

    def __init__(
        self,
        penalizer: float = 0.0,
        l1_ratio: float = 0.0,
        strata: tuple[str, ...] | None = None,
        ties: str = "efron",
        missing: str = "refuse",
    ) -> None:
        self.penalizer = penalizer
        self.l1_ratio = l1_ratio
        self.strata = strata
        self.ties = ties
        self.missing = missing

    def _check_parameters(self) -> None:
        super()._check_parameters()
        if not (self.penalizer >= 0 and np.isfinite(self.penalizer) and 0 <= self.l1_ratio <= 1):
            message = (
                f"penalizer must be >= 0 and l1_ratio in [0, 1], found {self.penalizer} and {self.l1_ratio}"
            )
            raise UsageError(message)
        if self.ties not in ("efron", "breslow"):
            message = f"ties must be efron or breslow, found {self.ties!r}"
            raise UsageError(message)

    def _estimate(
        self, values: FloatArray, time: FloatArray, event: NDArray[np.bool_], strata: NDArray[np.str_] | None
    ) -> None:
        names = self._covariate_names()
        data: dict[str, Any] = {"time": time, "event": event, "covariates": values, "names": names}
        data |= {"strata": strata, "ties": self.ties}
        if self.penalizer == 0:
            fit = cox(**data)
            if fit.not_estimable:
                message = (
                    f"{fit.not_estimable.partition('; firth')[0]}; a ridge penalty (penalizer=0.01) gives one"
                )
                raise EstimationError(message)
            coef, covariance, mean, base = (
                fit.coef,
                fit.covariance,
                fit.design.mean,
                fit.baseline_cumulative_hazard,
            )
        else:
            design = read_design(**data, entry=None, weights=None)
            found = fit_penalized(design, self.penalizer, self.l1_ratio)
            coef, covariance = (
                found.beta / design.scale,
                found.covariance / np.outer(design.scale, design.scale),
            )
            mean, base = design.mean, baseline_hazard(design, found.beta)
        self.parameter_names_ = names
        self.coef_, self.covariance_, self.mean_ = coef, covariance, mean
        self._keep_baseline(base)

    def _keep_baseline(self, base: BaselineHazard) -> None:
        self.baseline_: dict[str, tuple[FloatArray, FloatArray]] = {}
        self.last_followup_: dict[str, float] = {}
        for code, label in enumerate(base.stratum_labels):
            rows = base.stratum == code
            time, hazard = base.time[rows], base.cumulative_hazard_at_means[rows]
            rises = np.diff(hazard, prepend=0.0) > 0
            self.baseline_[str(label)] = (time[rises], hazard[rises])
            self.last_followup_[str(label)] = float(time[-1])

    def _survival(self, matrix: Matrix, at: FloatArray) -> FloatArray:
        hazard = np.full((len(matrix.values), len(at)), np.nan)
        for label, rows in self._rows_by_stratum(matrix):
            hazard[rows] = self._baseline_at(label, at)
        survival: FloatArray = np.exp(-hazard * np.exp(self._risk(matrix.values))[:, None])
        return survival

    def _baseline_at(self, label: str, at: FloatArray) -> FloatArray:
        time, hazard = self.baseline_[label]
        place = np.searchsorted(time, at, side="right")
        known = np.concatenate(([0.0], hazard))[place]
        return np.where(at <= self.last_followup_[label], known, np.nan)

    def _median(self, matrix: Matrix) -> FloatArray:
        median = np.full(len(matrix.values), np.nan)
        risk = self._risk(matrix.values)
        for label, rows in self._rows_by_stratum(matrix):
            time, hazard = self.baseline_[label]
            # the first time at which exp(-hazard x exp(risk)) <= 1/2
            place = np.searchsorted(hazard, np.log(2) * np.exp(-risk[rows]), side="left")
            median[rows] = np.concatenate((time, [np.inf]))[place]
        return np.where(np.isnan(risk), np.nan, median)

    def _rows_by_stratum(self, matrix: Matrix) -> list[tuple[str, NDArray[np.bool_]]]:
        if matrix.strata is None:
            return [(ALL, np.ones(len(matrix.values), np.bool_))]
        return [(label, matrix.strata == label) for label in self.baseline_]
