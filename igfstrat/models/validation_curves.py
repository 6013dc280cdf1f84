"""What the figures of a validation show: calibration and net benefit at each horizon, with pointwise intervals.

References
----------
.. [1] Austin PC, Harrell FE Jr, van Klaveren D. Graphical calibration curves and the integrated calibration index (ICI)
   for survival models. Stat Med 2020;39:2714-2742.
.. [2] Vickers AJ, Cronin AM, Elkin EB, Gonen M. Extensions to decision curve analysis, a novel method for evaluating
   diagnostic tests, prediction models and molecular markers. BMC Med Inform Decis Mak 2008;8:53.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from igfstrat.models._matrix import FloatArray
from igfstrat.models._resampling import Loop, in_parallel, limits, resampled_rows
from igfstrat.models.calibrating import calibration
from igfstrat.models.metrics import predictions_of, read_horizons
from igfstrat.models.net_benefit import decision_curve
from igfstrat.models.outcome import read_outcome
from igfstrat.parallel import Progress
from igfstrat.survival import kaplan_meier

_GROUPS: Final = 5
_GRID: Final = 41
_THRESHOLDS: Final = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskGroup:
    """A fifth of the patients by predicted risk.

    Parameters
    ----------
    n, n_events : int
        Patients, and their events by the horizon.
    predicted : float
        Mean predicted risk.
    observed, ci_lower, ci_upper : float
        Kaplan–Meier risk by the horizon with its log-log interval; NaN where nobody was followed so far, and an interval
        of NaN where there was no event, since log-log limits then tell of no uncertainty.
    """

    n: int
    n_events: int
    predicted: float
    observed: float
    ci_lower: float
    ci_upper: float


@dataclass(frozen=True, slots=True, kw_only=True)
class HorizonCurves:
    """Calibration and net benefit at one horizon.

    Parameters
    ----------
    at : float
        The horizon.
    predicted : ndarray of float, shape (k,)
        Predicted risks, ascending, from the 1st to the 99th percentile of these patients.
    smooth, smooth_lower, smooth_upper : ndarray of float, shape (k,)
        Risk that a Cox model with a spline of the prediction finds, and its pointwise limits; NaN where not estimable.
    groups : tuple of RiskGroup
        Fifths by predicted risk; fewer where predictions are equal.
    threshold : ndarray of float, shape (t,)
        Risk from which one would act.
    net_benefit, net_benefit_lower, net_benefit_upper, treat_all : ndarray of float, shape (t,)
        Of acting by the model, with pointwise limits, and on all; that of acting on none is 0.
    """

    at: float
    predicted: FloatArray
    smooth: FloatArray
    smooth_lower: FloatArray
    smooth_upper: FloatArray
    groups: tuple[RiskGroup, ...]
    threshold: FloatArray
    net_benefit: FloatArray
    net_benefit_lower: FloatArray
    net_benefit_upper: FloatArray
    treat_all: FloatArray


def validation_curves(
    model: Any,
    X: Any,  # noqa: N803 - scikit-learn's name
    y: Any,
    *,
    at: Any,
    n_resamples: int = 200,
    seed: int = 0,
    n_jobs: int | None = None,
    cluster: str | None = None,
    progress: Progress | None = None,
    level: float = 0.95,
) -> list[HorizonCurves]:
    """Curves of a fitted model on patients.

    Parameters
    ----------
    model : object
        Fitted; not changed.
    X : DataFrame or array-like, shape (n, p)
        Predictors.
    y : ndarray, shape (n,)
        Outcome from `make_outcome`.
    at : array-like of float, shape (k,), or float
        Horizons, within the follow-up.
    n_resamples : int
        Bootstrap samples of the patients, for pointwise percentile intervals.
    seed : int
        Decides the samples.
    n_jobs : int, optional
        Processes; the result doesn't depend on it.
    cluster : str, optional
        Address of a dask scheduler, whose workers are used instead.
    progress : callable, optional
        Called with the resamples done, and their number, over all horizons.
    level : float
        Coverage, between 0 and 1.

    Returns
    -------
    list of HorizonCurves
        One a horizon, of the patients with a prediction.
    """
    horizons = read_horizons(at)
    time, event = read_outcome(y, len(X))
    found = predictions_of(model, X, horizons)
    rows = found.scored
    places = np.searchsorted(found.grid, horizons)
    risks = [1 - found.survival[rows, place] for place in places]
    grids = [_Grid.of(risk) for risk in risks]
    t, e = time[rows], event[rows]

    def one(b: int) -> list[tuple[FloatArray, FloatArray]]:
        drawn = resampled_rows(len(t), seed, b)
        return [
            grid.curves(t[drawn], e[drawn], risk[drawn], float(h))[:2]
            for grid, risk, h in zip(grids, risks, horizons, strict=True)
        ]

    draws = [one for one in in_parallel(one, n_resamples, Loop(n_jobs, cluster, progress)) if one is not None]
    return [
        _with_bands(grids[i], t, e, risks[i], float(horizons[i]), [draw[i] for draw in draws], level)
        for i in range(len(horizons))
    ]


@dataclass(frozen=True, slots=True)
class _Grid:
    """Where the curves of one horizon are drawn: predicted risks and thresholds."""

    predicted: FloatArray
    threshold: FloatArray

    @classmethod
    def of(cls, risk: FloatArray) -> _Grid:
        lowest, highest = (float(q) for q in np.quantile(risk, [0.01, 0.99]))
        # beyond the highest risk nobody would be treated: the model's net benefit is 0 there
        most = float(np.clip(np.quantile(risk, 0.98), 0.05, 0.9))
        return cls(np.linspace(lowest, highest, _GRID), np.linspace(0.01, most, _THRESHOLDS))

    def curves(
        self, time: FloatArray, event: NDArray[np.bool_], risk: FloatArray, at: float
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Smooth calibration, net benefit, and that of acting on everyone."""
        benefit = decision_curve(time=time, event=event, risk=risk, at=at, thresholds=self.threshold)
        return _smooth(time, event, risk, at, self.predicted), benefit.model, benefit.treat_all


def _with_bands(
    grid: _Grid, time: FloatArray, event: NDArray[np.bool_], risk: FloatArray, at: float,
    draws: list[tuple[FloatArray, FloatArray]], level: float,
) -> HorizonCurves:  # fmt: skip
    smooth, benefit = (np.array([pair[i] for pair in draws]) for i in (0, 1))
    low, high = _band(smooth, level, _GRID)
    low_benefit, high_benefit = _band(benefit, level, _THRESHOLDS)
    own_smooth, own, everyone = grid.curves(time, event, risk, at)
    return HorizonCurves(
        at=at, predicted=grid.predicted, smooth=own_smooth, smooth_lower=low, smooth_upper=high,
        groups=_groups(time, event, risk, at), threshold=grid.threshold, net_benefit=own,
        net_benefit_lower=low_benefit, net_benefit_upper=high_benefit, treat_all=everyone,
    )  # fmt: skip


def _band(draws: FloatArray, level: float, n: int) -> tuple[FloatArray, FloatArray]:
    pairs = [limits(column, level) for column in draws.reshape(-1, n).T]
    return np.array([low for low, _ in pairs]), np.array([high for _, high in pairs])


def _smooth(
    time: FloatArray, event: NDArray[np.bool_], risk: FloatArray, at: float, grid: FloatArray
) -> FloatArray:
    """The smooth curve at given predicted risks; NaN beyond the predictions of these patients."""
    try:
        found = calibration(time=time, event=event, survival=1 - risk, at=at)
    except ValueError:  # nobody of the sample was followed so far
        return np.full(len(grid), np.nan)
    order = np.argsort(found.predicted)
    return np.interp(grid, found.predicted[order], found.smooth[order], left=float("nan"), right=float("nan"))


def _groups(time: FloatArray, event: NDArray[np.bool_], risk: FloatArray, at: float) -> tuple[RiskGroup, ...]:
    edges = np.unique(np.quantile(risk, np.linspace(0, 1, _GROUPS + 1)[1:-1]))
    place = np.searchsorted(edges, risk, side="left")
    found = []
    for group in np.unique(place):
        rows = place == group
        curve = kaplan_meier(time=time[rows], event=event[rows]).at([at])
        n_events = int((event[rows] & (time[rows] <= at)).sum())
        low, high = (1 - float(curve.ci_upper[0]), 1 - float(curve.ci_lower[0]))
        found.append(
            RiskGroup(
                n=int(rows.sum()),
                n_events=n_events,
                predicted=float(risk[rows].mean()),
                observed=1 - float(curve.survival[0]),
                ci_lower=low if n_events else float("nan"),
                ci_upper=high if n_events else float("nan"),
            )
        )
    return tuple(found)


__all__ = ["HorizonCurves", "RiskGroup", "validation_curves"]
