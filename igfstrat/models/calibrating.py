"""Calibration of predicted survival at one time: whether what was predicted happens.

References
----------
.. [1] Austin PC, Harrell FE Jr, van Klaveren D. Graphical calibration curves and the integrated calibration index (ICI)
   for survival models. Stat Med 2020;39:2714-2742.
.. [2] McLernon DJ, Giardiello D, Van Calster B, et al. Assessing performance and clinical usefulness in prediction
   models with survival outcomes: practical guidance for Cox proportional hazards models. Ann Intern Med
   2023;176:105-114.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from igfstrat.errors import DomainError, EstimationError
from igfstrat.features.spline import restricted_cubic_spline
from igfstrat.models._matrix import FloatArray
from igfstrat.survival import cox, kaplan_meier
from igfstrat.survival._inputs import read_sample

_EDGE = 1e-12  # predictions of exactly 0 or 1 have no complementary log-log
_KNOTS = (
    0.1,
    0.5,
    0.9,
)  # three knots: Harrell FE (2015), Regression Modeling Strategies, 2nd edition, chapter 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """Calibration at one time.

    Parameters
    ----------
    at : float
        The time, in the caller's unit.
    observed : float
        Kaplan–Meier risk by then.
    expected : float
        Mean predicted risk.
    observed_expected : float
        Their ratio; 1 = calibrated in the large.
    intercept : float
        Its logarithm; 0 = calibrated in the large.
    slope : float
        Coefficient of the complementary log-log of the predicted survival in a Cox model of the patients here,
        followed up to the time: 1 = right, below 1 = predictions too extreme; NaN when not estimable.
    slope_std_error : float
        Its standard error.
    predicted, smooth : ndarray of float, shape (n,)
        Predicted risk, and the risk that a Cox model with a restricted cubic spline (3 knots) of the prediction finds;
        NaN when not estimable.
    ici, e50, e90 : float
        Mean, median and 90th percentile of the distance between the two.
    not_estimable : str or None
        Why slope or curve is missing, or None.
    """

    at: float
    observed: float
    expected: float
    observed_expected: float
    intercept: float
    slope: float
    slope_std_error: float
    predicted: FloatArray
    smooth: FloatArray
    ici: float
    e50: float
    e90: float
    not_estimable: str | None = None


def calibration(*, time: Any, event: Any, survival: Any, at: float) -> Calibration:
    """Calibration of predicted survival at one time.

    Parameters
    ----------
    time : array-like of float, shape (n,)
        Follow-up, >= 0, one unit.
    event : array-like of bool, shape (n,)
        True = event observed.
    survival : array-like of float, shape (n,)
        Predicted probability of being free of the event beyond `at`, in [0, 1].
    at : float
        The time, > 0, within the follow-up.

    Returns
    -------
    Calibration
        Calibration in the large, slope, smooth curve and its distances.

    Raises
    ------
    DomainError
        If a probability lies outside [0, 1], or nobody was followed to the time.

    Examples
    --------
    >>> found = calibration(time=[1.0, 2.0, 3.0, 4.0], event=[True, True, False, False], survival=[0.4, 0.6, 0.4, 0.6], at=2.5)
    >>> round(found.observed_expected, 6)
    1.0
    """
    sample = read_sample(time=time, event=event)
    predicted = np.asarray(survival, dtype=np.float64)
    if predicted.shape != (sample.n,) or not ((predicted >= 0) & (predicted <= 1)).all():
        message = f"survival must be {sample.n} probabilities in [0, 1], found shape {predicted.shape}"
        raise DomainError(message)
    order, t = sample.order, sample.time
    predicted = predicted[order]
    alive = float(kaplan_meier(time=t, event=sample.event).at([at]).survival[0])
    if not at > 0 or np.isnan(alive):
        message = f"at must be > 0 and within the follow-up, which ends at {t[-1]:g}; found {at}"
        raise DomainError(message)
    observed, expected = 1 - alive, float((1 - predicted).mean())
    ratio = observed / expected if expected > 0 else float("nan")
    slope, error, smooth, why = _by_cox(np.minimum(t, at), sample.event & (t <= at), predicted, at)
    distance = np.abs(smooth - (1 - predicted))
    half, nine_tenths = np.quantile(distance, [0.5, 0.9])
    back_predicted, back_smooth = np.empty(sample.n), np.empty(sample.n)
    back_predicted[order], back_smooth[order] = 1 - predicted, smooth
    return Calibration(
        at=float(at),
        observed=observed,
        expected=expected,
        observed_expected=ratio,
        intercept=float(np.log(ratio)) if ratio > 0 else float("nan"),
        slope=slope,
        slope_std_error=error,
        predicted=back_predicted,
        smooth=back_smooth,
        ici=float(distance.mean()),
        e50=float(half),
        e90=float(nine_tenths),
        not_estimable=why,
    )


def _by_cox(
    time: FloatArray, event: NDArray[np.bool_], survival: FloatArray, at: float
) -> tuple[float, float, FloatArray, str | None]:
    """Slope, its error and the smooth risks."""
    nan, missing = float("nan"), np.full(len(time), np.nan)
    inside = np.clip(survival, _EDGE, 1 - _EDGE)
    score = np.log(-np.log(inside))
    try:
        line = cox(time=time, event=event, covariates=score)
        curved = cox(time=time, event=event, covariates=_spline(score))
    except EstimationError as error:
        return nan, nan, missing, str(error)
    if line.not_estimable or curved.not_estimable:
        return nan, nan, missing, line.not_estimable or curved.not_estimable
    base = curved.baseline_cumulative_hazard
    hazard = float(base.cumulative_hazard_at_means[np.searchsorted(base.time, at, side="right") - 1])
    columns = _spline(score)
    relative = np.exp((columns - columns.mean(axis=0)) @ curved.coef)
    return float(line.coef[0]), float(line.std_error[0]), 1 - np.exp(-hazard * relative), None


def _spline(score: FloatArray) -> FloatArray:
    """The score and its spline term; the score alone where its quantiles don't differ."""
    knots = np.quantile(score, _KNOTS)
    if np.any(np.diff(knots) <= 0):
        return score[:, None]
    return np.column_stack((score, restricted_cubic_spline(score, knots)))
