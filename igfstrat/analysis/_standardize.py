"""Standardized survival of groups in many bootstrap samples at once: weighted Kaplan–Meier and g-formula.

A sample is a row of counts: how often each patient was drawn. The cohort itself is a row of ones, so that the
estimate and its bootstrap go one way. Weighted curves equal `igfstrat.survival.kaplan_meier(weights=)`; they are
made again here because five hundred samples share one sort.

References
----------
.. [1] Xie J, Liu C. Adjusted Kaplan-Meier estimator and log-rank test with inverse probability of treatment
   weighting for survival data. Stat Med 2005;24:3089-3110.
.. [2] Makuch RW. Adjusted survival curve estimation using covariates. J Chronic Dis 1982;35:437-443.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from igfstrat.analysis.weighting import fit_propensity, overlap_weights, stabilized_weights
from igfstrat.errors import DomainError, EstimationError
from igfstrat.survival import cox

FloatArray = NDArray[np.float64]

METHODS: Final = ("iptw", "overlap", "g_formula")
MOST_POINTS: Final = 200  # of a standardized curve
_CHUNK: Final = 4_000_000  # numbers of one array at a time


@dataclass(frozen=True, slots=True, kw_only=True)
class Patients:
    """Complete data of the groups that are standardized.

    Times that are equal within rounding are equal here. `tau` is None where areas aren't estimable; `times` are
    ascending and hold the grid, milestones and tau.
    """

    time: FloatArray
    event: NDArray[np.bool_]
    codes: NDArray[np.int64]
    x: FloatArray
    n_groups: int
    times: FloatArray
    tau: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Standardized:
    """Survival (samples, groups, times) and area below it up to tau (samples, groups), where `usable`."""

    survival: FloatArray
    area: FloatArray
    usable: NDArray[np.bool_]


def grid_of(time: FloatArray, event: NDArray[np.bool_], more: FloatArray) -> FloatArray:
    """Event times, an even choice where there are very many, together with the times asked for."""
    steps = np.unique(time[event])
    if len(steps) > MOST_POINTS:
        steps = steps[np.unique(np.linspace(0, len(steps) - 1, MOST_POINTS).astype(np.int64))]
    return np.unique(np.concatenate([steps, more]))


def draw_counts(n: int, replicates: int, rng: np.random.Generator) -> FloatArray:
    """Bootstrap samples as counts, shape (replicates, n)."""
    return rng.multinomial(n, np.full(n, 1.0 / n), size=replicates).astype(np.float64)


def standardize(patients: Patients, counts: FloatArray) -> dict[str, Standardized]:
    """Every method on every sample."""
    parts = [_weighted(patients, part) for part in _chunks(patients, counts)]
    found = {
        method: Standardized(
            survival=np.concatenate([part[method].survival for part in parts]),
            area=np.concatenate([part[method].area for part in parts]),
            usable=np.concatenate([part[method].usable for part in parts]),
        )
        for method in ("iptw", "overlap")
    }
    return found | {"g_formula": _g_formula(patients, counts)}


def _chunks(patients: Patients, counts: FloatArray) -> Iterator[FloatArray]:
    width = len(patients.time) * (patients.x.shape[1] + patients.n_groups + 1)
    size = max(1, _CHUNK // width)
    for start in range(0, len(counts), size):
        yield counts[start : start + size]


def _weighted(patients: Patients, counts: FloatArray) -> dict[str, Standardized]:
    fitted = fit_propensity(patients.codes, patients.x, counts=counts)
    weights = {
        "iptw": stabilized_weights(fitted.probability, patients.codes, counts),
        "overlap": overlap_weights(fitted.probability, patients.codes),
    }
    return {
        name: Standardized(**_curves(patients, counts * own), usable=fitted.usable)
        for name, own in weights.items()
    }


def _curves(patients: Patients, weights: FloatArray) -> dict[str, FloatArray]:
    survival = np.empty((len(weights), patients.n_groups, len(patients.times)))
    area = np.full((len(weights), patients.n_groups), np.nan)
    for group in range(patients.n_groups):
        inside = patients.codes == group
        times, curve = weighted_survival(patients.time[inside], patients.event[inside], weights[:, inside])
        survival[:, group] = _read(times, curve, patients.times)
        if patients.tau is not None:
            area[:, group] = _area(times, curve, patients.tau)
    return {"survival": survival, "area": area}


def weighted_survival(
    time: FloatArray, event: NDArray[np.bool_], weights: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Kaplan–Meier for many sets of weights (samples, n), 0 allowed: distinct times and curves (samples, m)."""
    times, block = np.unique(time, return_inverse=True)
    order = np.argsort(block, kind="stable")
    starts = np.searchsorted(block[order], np.arange(len(times)))
    sorted_weights = weights[:, order]
    leaving = np.add.reduceat(sorted_weights, starts, axis=1)
    dying = np.add.reduceat(sorted_weights * event[order], starts, axis=1)
    at_risk = np.cumsum(leaving[:, ::-1], axis=1)[:, ::-1]
    hazard = dying / np.where(at_risk > 0, at_risk, 1.0)
    return times, np.asarray(np.cumprod(1.0 - np.minimum(hazard, 1.0), axis=1), dtype=np.float64)


def _read(times: FloatArray, curve: FloatArray, at: FloatArray) -> FloatArray:
    """Step functions that start at 1, read at chosen times; flat after their last step."""
    started = np.column_stack([np.ones(len(curve)), curve])
    return np.asarray(started[:, np.searchsorted(times, at, side="right")], dtype=np.float64)


def _area(times: FloatArray, curve: FloatArray, tau: float) -> FloatArray:
    widths = np.diff(np.minimum(np.concatenate([[0.0], times, [np.inf]]), tau))
    return np.asarray(np.column_stack([np.ones(len(curve)), curve]) @ widths, dtype=np.float64)


def _g_formula(patients: Patients, counts: FloatArray) -> Standardized:
    """Mean over the covariates of the sample of the survival that one Cox model gives each group.

    The area is that of the trapezes between thinned times, exact steps where the grid holds every event time.
    """
    k, times = patients.n_groups, patients.times
    survival = np.full((len(counts), k, len(times)), np.nan)
    usable = np.zeros(len(counts), np.bool_)
    design = np.column_stack([patients.codes[:, None] == np.arange(1, k), patients.x]).astype(np.float64)
    for place, drawn in enumerate(counts):
        try:
            survival[place] = _from_cox(patients, design, drawn)
            usable[place] = True
        except (EstimationError, DomainError):
            continue  # this sample has no Cox model; how many have none is told
    area = np.full(survival.shape[:2], np.nan)
    if patients.tau is not None:
        n_steps = len(np.unique(patients.time[patients.event]))
        area = _area_on_grid(times, survival, patients.tau, thinned=n_steps > MOST_POINTS)
    return Standardized(survival=survival, area=area, usable=usable)


def _from_cox(patients: Patients, design: FloatArray, drawn: FloatArray) -> FloatArray:
    rows = np.repeat(np.arange(len(drawn)), drawn.astype(np.int64))
    sample = design[rows]
    varies = np.ptp(sample, axis=0) > 0
    if not varies[: patients.n_groups - 1].all():
        message = "a group is missing from the sample"
        raise EstimationError(message)
    fit = cox(time=patients.time[rows], event=patients.event[rows], covariates=sample[:, varies])
    # where an estimate runs away, the survival that it gives has a limit: that of the last step
    beta = np.zeros(design.shape[1])
    beta[varies] = fit.beta / fit.design.scale
    mean = np.zeros(design.shape[1])
    mean[varies] = fit.design.mean
    baseline = fit.baseline_cumulative_hazard
    hazard = np.concatenate([[0.0], baseline.cumulative_hazard_at_means])
    hazard = hazard[np.searchsorted(baseline.time, patients.times, side="right")]
    present = drawn > 0
    share = drawn[present] / drawn.sum()
    own = (design[present] - mean) @ beta
    own -= (design[present, : patients.n_groups - 1]) @ beta[: patients.n_groups - 1]
    shift = np.concatenate([[0.0], beta[: patients.n_groups - 1]])
    return np.stack([_mean_survival(hazard, np.exp(own + s), share) for s in shift])


def _mean_survival(hazard: FloatArray, risk: FloatArray, share: FloatArray) -> FloatArray:
    if len(hazard) * len(risk) <= _CHUNK:
        return np.asarray(np.exp(-np.outer(hazard, risk)) @ share, dtype=np.float64)
    # many patients of coded covariates share a few risks
    risks, which = np.unique(risk, return_inverse=True)
    shares = np.bincount(which, weights=share)
    return np.array([float(np.exp(-h * risks) @ shares) for h in hazard])


def _area_on_grid(times: FloatArray, survival: FloatArray, tau: float, *, thinned: bool) -> FloatArray:
    within = times[times <= tau]
    before = np.concatenate([np.ones((*survival.shape[:2], 1)), survival[..., : len(within)]], axis=2)
    heights = (before[..., 1:] + before[..., :-1]) / 2 if thinned else before[..., :-1]
    return np.asarray(heights @ np.diff(np.concatenate([[0.0], within])), dtype=np.float64)
