"""The effect of a marker without any cut: a straight line, and a curve, on the log hazard."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from igfstrat.analysis._estimating import LEVEL, attempt, finite, ratio_estimate, to_plain
from igfstrat.analysis.results import Estimate
from igfstrat.cohort import Endpoint
from igfstrat.errors import DomainError, EstimationError
from igfstrat.features.spline import KNOT_QUANTILES, restricted_cubic_spline
from igfstrat.survival import ChiSquareTest, CoxResult, cox, proportional_hazards_test
from igfstrat.survival._intervals import normal_quantile
from igfstrat.survival.cox_result import chi_square_test

_KNOTS: Final = (4, 3)
_GRID: Final = 101
_SHOWN: Final = (0.025, 0.975)
_RUG: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class SplineCurve:
    """Log hazard ratio against the marker, from a restricted cubic spline.

    Parameters
    ----------
    marker : ndarray of float64, shape (k,)
        Values at which it is drawn, ascending, from the 2.5th to the 97.5th percentile, in the unit of the marker.
    log_hazard_ratio, ci_lower, ci_upper : ndarray of float64, shape (k,)
        Against the reference, with pointwise 95 % limits; 0 at the reference.
    hazard_ratio : ndarray of float64, shape (k,)
        exp of the first.
    percentiles : tuple of float
        Of the marker, between which it is drawn, in percent.
    rug : ndarray of float64, shape (r,)
        Measured values, at most 200, evenly chosen by rank.
    """

    marker: NDArray[np.float64]
    log_hazard_ratio: NDArray[np.float64]
    ci_lower: NDArray[np.float64]
    ci_upper: NDArray[np.float64]
    hazard_ratio: NDArray[np.float64]
    percentiles: tuple[float, float]
    rug: NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class ContinuousEffect:
    """The effect of a marker on one endpoint, without any cut.

    Parameters
    ----------
    marker, title, unit : str
        Canonical name, what people call it, and its unit; "" where it has none.
    endpoint, endpoint_title : str
        Endpoint.
    n, n_events, n_missing : int
        Patients analysed, their events, and patients with the endpoint whose marker is not measured.
    level : float
        Coverage of the intervals.
    cut : float or None
        A cut decided beforehand, for the figure only.
    mean, sd, reference : float or None
        Mean, standard deviation and median of the marker; the curve is relative to the median.
    per_unit, per_sd : Estimate
        Hazard ratio for one unit and for one standard deviation, of the straight line.
    proportional_hazards : Estimate
        Chi-square and p-value of the score test of proportional hazards of the straight line.
    linear : Estimate
        Likelihood-ratio chi-square of the line against nothing.
    overall, nonlinear : Estimate
        The same of the spline against nothing, and of the spline against the line.
    degrees_of_freedom : dict of str to int
        Of ``linear``, ``overall`` and ``nonlinear``.
    knots : tuple of float
        Knots of the spline; empty where there is no spline.
    n_knots : int
        Their number.
    curve : SplineCurve or None
        None where it can't be estimated; `overall` says why.
    """

    marker: str
    title: str
    unit: str
    endpoint: str
    endpoint_title: str
    n: int
    n_events: int
    n_missing: int
    level: float
    cut: float | None
    mean: float | None
    sd: float | None
    reference: float | None
    per_unit: Estimate
    per_sd: Estimate
    proportional_hazards: Estimate
    linear: Estimate
    overall: Estimate
    nonlinear: Estimate
    degrees_of_freedom: dict[str, int]
    knots: tuple[float, ...]
    n_knots: int
    curve: SplineCurve | None

    def to_dict(self) -> dict[str, Any]:
        """For `report.json`.

        Returns
        -------
        dict
            Fields by name, the whole curve too.
        """
        found: dict[str, Any] = to_plain(self)
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Patients of an endpoint whose marker is measured.

    Parameters
    ----------
    time : ndarray of float64, shape (n,)
        Months.
    event : ndarray of bool, shape (n,)
        True = event.
    marker : ndarray of float64, shape (n,)
        Finite values.
    n_missing : int
        Patients with the endpoint, but no marker.
    """

    time: NDArray[np.float64]
    event: NDArray[np.bool_]
    marker: NDArray[np.float64]
    n_missing: int

    @property
    def why_not(self) -> str | None:
        """Why no effect of the marker can be estimated at all, or None."""
        if len(self.time) == 0:
            return "no patient has both the marker and the endpoint"
        if not self.event.any():
            return "no events"
        if np.ptp(self.marker) == 0:
            return "the marker is the same in all patients"
        return None


def measured_patients(
    endpoint: Endpoint, values: NDArray[np.float64], included: NDArray[np.bool_] | None
) -> Measured:
    """Patients who have both the endpoint and the marker; not finite is not measured."""
    values = np.asarray(values, dtype=np.float64)
    patients = endpoint.usable if included is None else endpoint.usable & included
    keep = patients & np.isfinite(values)
    return Measured(
        time=endpoint.time[keep],
        event=endpoint.event[keep],
        marker=values[keep],
        n_missing=int((patients & ~keep).sum()),
    )


def analyse_continuous(
    endpoint: Endpoint,
    *,
    marker: str,
    title: str,
    values: NDArray[np.float64],
    unit: str = "",
    included: NDArray[np.bool_] | None = None,
    cut: float | None = None,
) -> ContinuousEffect:
    """The effect of a marker without any cut, beside every dichotomy of it.

    Parameters
    ----------
    endpoint : Endpoint
        Times in months and events.
    marker, title : str
        Canonical name and what people call it.
    values : ndarray of float64, shape (n_rows,)
        The marker, in `unit`; NaN where it is not measured.
    unit : str
        Unit of the marker; "" where it has none.
    included : ndarray of bool, shape (n_rows,), optional
        Rows that are patients; all by default.
    cut : float, optional
        A cut decided beforehand, for the figure only.

    Returns
    -------
    ContinuousEffect
        With reasons where something can't be estimated.

    Notes
    -----
    The spline is restricted cubic (linear beyond the outer knots) with 4 knots at the 5th, 35th, 65th and 95th
    percentile, or 3 at the 10th, 50th and 90th where ties make two of the 4 equal [1]_. Tests are likelihood-ratio
    tests of Cox models (Efron). The band is pointwise and is 0 wide at the median, its reference.

    References
    ----------
    .. [1] Harrell FE (2015). Regression Modeling Strategies, 2nd edition. Springer, chapter 2.
    """
    data = measured_patients(endpoint, values, included)
    line, why = _fit(data, data.marker[:, None])
    sd = float(np.std(data.marker, ddof=1)) if len(data.marker) > 1 else None
    knots = _knots(data.marker) if line is not None else ()
    spline, why_spline = _spline(data, knots, why)
    tests = _tests(line, spline, why, why_spline)
    return ContinuousEffect(
        marker=marker,
        title=title,
        unit=unit,
        endpoint=endpoint.name,
        endpoint_title=endpoint.title,
        n=len(data.time),
        n_events=int(data.event.sum()),
        n_missing=data.n_missing,
        level=LEVEL,
        cut=cut,
        mean=float(data.marker.mean()) if len(data.marker) else None,
        sd=sd,
        reference=float(np.median(data.marker)) if len(data.marker) else None,
        per_unit=ratio_estimate(line) if line else Estimate(not_estimable=why),
        per_sd=ratio_estimate(line, step=sd) if line and sd else Estimate(not_estimable=why),
        proportional_hazards=attempt(lambda: _proportional(line)) if line else Estimate(not_estimable=why),
        **tests,
        degrees_of_freedom={
            "linear": 1,
            "overall": max(len(knots) - 1, 0),
            "nonlinear": max(len(knots) - 2, 0),
        },
        knots=knots,
        n_knots=len(knots),
        curve=_curve(data.marker, knots, spline) if spline else None,
    )


def _fit(data: Measured, design: NDArray[np.float64]) -> tuple[CoxResult | None, str | None]:
    if data.why_not:
        return None, data.why_not
    try:
        result = cox(time=data.time, event=data.event, covariates=design, level=LEVEL)
    except (EstimationError, DomainError) as error:
        return None, str(error)
    if result.not_estimable:
        return None, "no finite hazard ratio: the events are separated by the marker"
    return result, None


def _knots(marker: NDArray[np.float64]) -> tuple[float, ...]:
    """Harrell's quantiles; fewer knots where ties make two of them equal, none where even three are."""
    for k in _KNOTS:
        knots = np.quantile(marker, KNOT_QUANTILES[k])
        if np.all(np.diff(knots) > 0):
            return tuple(float(knot) for knot in knots)
    return ()


def _spline(data: Measured, knots: tuple[float, ...], why: str | None) -> tuple[CoxResult | None, str | None]:
    if why is not None:
        return None, why
    if not knots:
        return None, "the marker has too few different values for a curve"
    return _fit(data, _basis(data.marker, knots))


def _basis(x: NDArray[np.float64], knots: tuple[float, ...]) -> NDArray[np.float64]:
    return np.column_stack((x, restricted_cubic_spline(x, knots)))


def _tests(
    line: CoxResult | None, spline: CoxResult | None, why: str | None, why_spline: str | None
) -> dict[str, Estimate]:
    linear = _chi_square(line.likelihood_ratio_test) if line else Estimate(not_estimable=why)
    if spline is None or line is None:
        reason = Estimate(not_estimable=why_spline)
        return {"linear": linear, "overall": reason, "nonlinear": reason}
    gain = 2 * (spline.log_likelihood - line.log_likelihood)
    nonlinear = chi_square_test(max(gain, 0.0), len(spline.coef) - 1)
    return {
        "linear": linear,
        "overall": _chi_square(spline.likelihood_ratio_test),
        "nonlinear": _chi_square(nonlinear),
    }


def _chi_square(test: ChiSquareTest) -> Estimate:
    return Estimate(value=finite(test.statistic), p_value=finite(test.p_value))


def _proportional(line: CoxResult) -> Estimate:
    test = proportional_hazards_test(line)
    return Estimate(value=finite(test.global_statistic), p_value=finite(test.global_p_value))


def _curve(marker: NDArray[np.float64], knots: tuple[float, ...], fit: CoxResult) -> SplineCurve:
    low, high = np.quantile(marker, _SHOWN)
    grid = np.linspace(low, high, _GRID)
    contrast = _basis(grid, knots) - _basis(np.array([np.median(marker)]), knots)
    log_ratio = contrast @ fit.coef
    error = np.sqrt(np.maximum(np.einsum("ij,jk,ik->i", contrast, fit.covariance, contrast), 0.0))
    half = normal_quantile(LEVEL) * error
    ranked = np.sort(marker)
    rug = ranked[np.unique(np.linspace(0, len(ranked) - 1, min(_RUG, len(ranked))).astype(np.int64))]
    return SplineCurve(
        marker=grid,
        log_hazard_ratio=log_ratio,
        ci_lower=log_ratio - half,
        ci_upper=log_ratio + half,
        hazard_ratio=np.exp(np.clip(log_ratio, -700, 700)),
        percentiles=(100 * _SHOWN[0], 100 * _SHOWN[1]),
        rug=rug,
    )
