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

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from igfstrat.errors import EstimationError, UsageError
from igfstrat.models._cox_spread import Spread, spread_by_block
from igfstrat.models._elastic_net import fit_penalized
from igfstrat.models._inference import survival_at
from igfstrat.models._matrix import FloatArray, Matrix
from igfstrat.models.base import SurvivalModel
from igfstrat.survival import BaselineHazard, cox
from igfstrat.survival._cox_design import CoxDesign, read_design
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
    reliability : dict of str to float, optional
        Share of the variance of a covariate that is true, above 0 and at most 1, by name: `corrected_coefficients` then
        gives the coefficients without regression dilution.

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
    spread_ : dict of str to Spread
        By stratum, at the times of `baseline_`: variance of its cumulative hazard, shape (m,), and drift of the risk
        sets, shape (m, p); what limits of survival need. Empty where a model file of schema 1 didn't hold it.
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
        reliability: dict[str, float] | None = None,
    ) -> None:
        self.penalizer = penalizer
        self.l1_ratio = l1_ratio
        self.strata = strata
        self.ties = ties
        self.missing = missing
        self.reliability = reliability

    def _check_parameters(self) -> None:
        super()._check_parameters()
        if not (self.penalizer >= 0 and np.isfinite(self.penalizer) and 0 <= self.l1_ratio <= 1):
            message = (
                f"penalizer must be >= 0 and l1_ratio in [0, 1], found {self.penalizer} and {self.l1_ratio}"
            )
            raise UsageError(message)
        if self.reliability and self.penalizer > 0:
            message = "a penalty shrinks coefficients, a reliability stretches them; take one of the two"
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
            coef, covariance, design, beta = fit.coef, fit.covariance, fit.design, fit.beta
        else:
            design = read_design(**data, entry=None, weights=None)
            found = fit_penalized(design, self.penalizer, self.l1_ratio)
            coef, covariance = (
                found.beta / design.scale,
                found.covariance / np.outer(design.scale, design.scale),
            )
            beta = found.beta
        self.parameter_names_ = names
        self.coef_, self.covariance_, self.mean_ = coef, covariance, design.mean
        self._keep_baseline(baseline_hazard(design, beta), design, beta)

    def _keep_baseline(self, base: BaselineHazard, design: CoxDesign, beta: FloatArray) -> None:
        self.__dict__.pop("spread_", None)  # that of an earlier fit
        self.baseline_: dict[str, tuple[FloatArray, FloatArray]] = {}
        self.last_followup_: dict[str, float] = {}
        places: dict[str, tuple[NDArray[np.bool_], NDArray[np.bool_]]] = {}
        for code, label in enumerate(base.stratum_labels):
            rows = base.stratum == code
            time, hazard = base.time[rows], base.cumulative_hazard_at_means[rows]
            rises = np.diff(hazard, prepend=0.0) > 0
            self.baseline_[str(label)] = (time[rises], hazard[rises])
            places[str(label)] = (rows, rises)
            self.last_followup_[str(label)] = float(time[-1])
        self._fitted = (design, beta, places)

    @cached_property
    def spread_(self) -> dict[str, Spread]:
        """See the class; found when first asked for, since a refit in a loop needs none."""
        design, beta, places = self._fitted
        spread = spread_by_block(design, beta)
        found = {
            label: Spread(*(np.cumsum(part[rows], axis=0)[rises] for part in spread))
            for label, (rows, rises) in places.items()
        }
        del self._fitted  # the training data
        return found

    def _survival(self, matrix: Matrix, at: FloatArray) -> FloatArray:
        hazard = np.full((len(matrix.values), len(at)), np.nan)
        for label, rows in self._rows_by_stratum(matrix):
            hazard[rows] = self._baseline_at(label, at)
        return survival_at(hazard, self._risk(matrix.values)[:, None])

    def _log_hazard(self, matrix: Matrix, at: FloatArray) -> tuple[FloatArray, FloatArray]:
        hazard = np.full((len(matrix.values), len(at)), np.nan)
        variance = np.full_like(hazard, np.nan)
        for label, rows in self._rows_by_stratum(matrix):
            hazard[rows] = self._baseline_at(label, at)
            if label in self.spread_:
                variance[rows] = self._variance(label, at, matrix.values[rows] - self.mean_, hazard[rows])
        with np.errstate(divide="ignore", invalid="ignore"):  # 0 / 0 before the first event
            error = np.where(hazard == 0, 0.0, np.sqrt(variance) / hazard)
            return np.log(hazard) + self._risk(matrix.values)[:, None], error

    def _variance(self, label: str, at: FloatArray, centred: FloatArray, hazard: FloatArray) -> FloatArray:
        """Variance of the cumulative hazard of patients of a stratum, relative to their hazard ratio."""
        place = np.searchsorted(self.baseline_[label][0], at, side="right")
        own, drift = (np.concatenate((np.zeros_like(part[:1]), part))[place] for part in self.spread_[label])
        lean = centred[:, None, :] * hazard[:, :, None] - drift
        variance: FloatArray = own + np.einsum("ikp,pq,ikq->ik", lean, self.covariance_, lean)
        return variance

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
            with np.errstate(over="ignore"):  # an infinite median
                wanted = np.log(2) * np.exp(-risk[rows])
            place = np.searchsorted(hazard, wanted, side="left")
            median[rows] = np.concatenate((time, [np.inf]))[place]
        return np.where(np.isnan(risk), np.nan, median)

    def _rows_by_stratum(self, matrix: Matrix) -> list[tuple[str, NDArray[np.bool_]]]:
        if matrix.strata is None:
            return [(ALL, np.ones(len(matrix.values), np.bool_))]
        return [(label, matrix.strata == label) for label in self.baseline_]
