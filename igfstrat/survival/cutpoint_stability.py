"""How stable a maximally selected cut-point is, and how much of its hazard ratio is search.

The whole search is repeated in bootstrap samples. A cut found in a sample looks better there than in the
original data; the mean of that difference is the optimism, which is taken off the hazard ratio.

References
----------
.. [1] Harrell FE, Lee KL, Mark DB. Multivariable prognostic models. Stat Med 1996;15:361-387.
.. [2] Sauerbrei W, Schumacher M. Bootstrap and cross-validation to assess complexity of data-driven regression
   models. In: Biometrical Journal and Springer lecture notes, 1999.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from igfstrat.errors import DomainError, EstimationError
from igfstrat.survival._inputs import read_codes, read_level, read_numbers, read_sample
from igfstrat.survival._types import BoolArray, FloatArray, IntArray
from igfstrat.survival.cox import cox
from igfstrat.survival.cutpoint import order_scores


@dataclass(frozen=True, slots=True, kw_only=True)
class CutpointStability:
    """Bootstrap of a maximally selected cut-point.

    Parameters
    ----------
    cutpoint : float
        Cut-point of the original data (low group: <=).
    ci_lower, ci_upper : float
        Percentiles of the bootstrapped cut-points.
    cutpoints : ndarray of float, shape (b,)
        Cut-point of each bootstrap sample that had one.
    values : ndarray of float, shape (m,)
        Distinct cut-points found, ascending.
    selection_frequency : ndarray of float, shape (m,)
        Share of the bootstrap samples that chose each.
    hazard_ratio : float
        High against low group at the original cut-point, as if it had not been searched for.
    hazard_ratio_corrected : float
        The same with the optimism of the log hazard ratio taken off; it may cross 1.
    optimism : float
        Mean excess of the log hazard ratio, away from 0, due to the search.
    optimism_mc_error : float
        Its Monte-Carlo standard error.
    n_bootstrap, n_failed : int
        Samples drawn, and those without a cut-point or a finite hazard ratio.
    level : float
        Coverage of the percentiles.
    """

    cutpoint: float
    ci_lower: float
    ci_upper: float
    cutpoints: FloatArray
    values: FloatArray
    selection_frequency: FloatArray
    hazard_ratio: float
    hazard_ratio_corrected: float
    optimism: float
    optimism_mc_error: float
    n_bootstrap: int
    n_failed: int
    level: float


def cutpoint_stability(
    *,
    time: Any,
    event: Any,
    marker: Any,
    min_proportion: float = 0.1,
    strata: Any = None,
    rng: np.random.Generator | None = None,
    n_bootstrap: int = 500,
    level: float = 0.95,
) -> CutpointStability:
    """Repeat the search for a cut-point in bootstrap samples.

    Parameters
    ----------
    time : array-like of float, shape (n,)
        Follow-up, >= 0, one unit.
    event : array-like of bool, shape (n,)
        True = event observed.
    marker : array-like of float, shape (n,)
        Marker, finite.
    min_proportion : float
        Smallest share of the patients in a group, in (0, 0.5).
    strata : array-like of str, int or bool, shape (n,), optional
        Scores stay within strata, and so do the samples and hazard ratios.
    rng : numpy.random.Generator, optional
        Source of the samples; a generator with a fixed seed when left out.
    n_bootstrap : int
        Samples, at least 50.
    level : float
        Coverage, between 0 and 1.

    Returns
    -------
    CutpointStability
        Interval, selection frequency and corrected hazard ratio.

    Raises
    ------
    DomainError
        Too few samples.
    EstimationError
        The original data have no cut-point, or nearly all samples failed.
    """
    if n_bootstrap < 50:
        msg = f"n_bootstrap must be at least 50, found {n_bootstrap}; 500 is usual"
        raise DomainError(msg)
    read_level(level)
    data = _read(time, event, marker, strata)
    everyone = np.arange(len(data.time))
    cutpoint = _best_cut(data, everyone, min_proportion)
    apparent = None if cutpoint is None else _log_hazard_ratio(data, everyone, cutpoint)
    if cutpoint is None or apparent is None:
        msg = "no cut-point with a finite hazard ratio: too few events, a constant marker or separated groups"
        raise EstimationError(msg)
    cuts, excess = _bootstrap(
        data, min_proportion, np.random.default_rng(0) if rng is None else rng, n_bootstrap
    )
    if len(cuts) < n_bootstrap / 2:
        msg = f"{n_bootstrap - len(cuts)} of {n_bootstrap} bootstrap samples had no cut-point with a finite hazard ratio"
        raise EstimationError(msg)
    values, counts = np.unique(cuts, return_counts=True)
    tail = (1 - level) / 2
    lower, upper = np.quantile(cuts, [tail, 1 - tail], method="inverted_cdf")
    optimism = float(excess.mean())
    return CutpointStability(
        cutpoint=cutpoint,
        ci_lower=float(lower),
        ci_upper=float(upper),
        cutpoints=cuts,
        values=values,
        selection_frequency=counts / len(cuts),
        hazard_ratio=float(np.exp(apparent)),
        hazard_ratio_corrected=float(np.exp(apparent - np.sign(apparent) * optimism)),
        optimism=optimism,
        optimism_mc_error=float(excess.std(ddof=1) / np.sqrt(len(excess))),
        n_bootstrap=n_bootstrap,
        n_failed=n_bootstrap - len(cuts),
        level=level,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Data:
    time: FloatArray
    event: BoolArray
    marker: FloatArray
    strata: IntArray


def _read(time: Any, event: Any, marker: Any, strata: Any) -> _Data:
    sample = read_sample(time=time, event=event)
    back = np.argsort(sample.order)
    return _Data(
        time=sample.time[back],
        event=sample.event[back],
        marker=read_numbers(marker, "marker", sample.n),
        strata=np.zeros(sample.n, np.int64) if strata is None else read_codes(strata, "strata", sample.n)[0],
    )


def _best_cut(data: _Data, rows: IntArray, min_proportion: float) -> float | None:
    sample = read_sample(time=data.time[rows], event=data.event[rows])
    strata = read_codes(data.strata[rows], "strata", len(rows))[0]
    ordered = order_scores(sample, data.marker[rows], strata, min_proportion)
    if len(ordered.places) == 0 or not sample.event.any():
        return None
    size = np.abs(ordered.statistics)
    return float(ordered.marker[ordered.places[int(np.argmax(size >= size.max() * (1 - 1e-12)))] - 1])


def _log_hazard_ratio(data: _Data, rows: IntArray, cut: float) -> float | None:
    try:
        fit = cox(
            time=data.time[rows],
            event=data.event[rows],
            covariates=data.marker[rows] > cut,
            strata=data.strata[rows],
        )
    except EstimationError:
        return None
    return None if fit.not_estimable else float(fit.coef[0])


def _bootstrap(
    data: _Data, min_proportion: float, rng: np.random.Generator, n_bootstrap: int
) -> tuple[FloatArray, FloatArray]:
    everyone = np.arange(len(data.time))
    by_stratum = np.split(np.argsort(data.strata, kind="stable"), np.cumsum(np.bincount(data.strata))[:-1])
    cuts, excess = [], []
    for _ in range(n_bootstrap):
        rows = np.concatenate([rng.choice(part, len(part)) for part in by_stratum])
        cut = _best_cut(data, rows, min_proportion)
        if cut is None:
            continue
        inside, outside = _log_hazard_ratio(data, rows, cut), _log_hazard_ratio(data, everyone, cut)
        if inside is None or outside is None:
            continue
        cuts.append(cut)
        excess.append(abs(inside) - np.sign(inside) * outside)
    return np.array(cuts), np.array(excess)
