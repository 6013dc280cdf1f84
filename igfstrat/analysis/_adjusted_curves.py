"""Standardized curves as results: estimates from the cohort, intervals from bootstrap samples of it.

One table: percentile intervals. Several completed tables: the bootstrap gives the variance within each, and
Rubin's rules join them (survival on the complementary log-log scale, differences as they are).

References
----------
.. [1] Efron B, Tibshirani RJ. An Introduction to the Bootstrap. Chapman & Hall 1993.
.. [2] Schomaker M, Heumann C. Bootstrap inference when using multiple imputation. Stat Med 2018;37:2252-2266.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from igfstrat.analysis._adjusted_results import (
    StandardizedCurves,
    StandardizedDifference,
    StandardizedGroup,
    StandardizedMilestone,
)
from igfstrat.analysis._standardize import METHODS, Patients, Standardized, draw_counts, standardize
from igfstrat.analysis.imputation import pool_rubin, pool_survival
from igfstrat.analysis.results import Estimate

FloatArray = NDArray[np.float64]

_SHARE_NEEDED: Final = 0.9  # of the replicates
_FEWEST: Final = 200  # replicates, for percentiles at 2.5 and 97.5 %
_WORK: Final = 1_000_000_000  # exponentials of all replicates together
_BEYOND: Final = "beyond the last follow-up"
_WHY_NOT: Final = {
    "iptw": "the covariates tell the groups apart, so that weights mean nothing",
    "overlap": "the covariates tell the groups apart, so that weights mean nothing",
    "g_formula": "the Cox model has no estimate",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is read off the curves, and how often they are bootstrapped."""

    labels: tuple[str, ...]
    milestones: tuple[float, ...]
    replicates: int
    no_area: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Range:
    """Values with limits, NaN where there is none; any shape."""

    value: FloatArray
    lower: FloatArray
    upper: FloatArray

    def estimate(self, place: tuple[int, ...], reason: str | None = None) -> Estimate:
        if reason:
            return Estimate(not_estimable=reason)
        value, low, high = (float(part[place]) for part in (self.value, self.lower, self.upper))
        bounded = bool(np.isfinite(low) and np.isfinite(high))
        return Estimate(value=value, ci_lower=low if bounded else None, ci_upper=high if bounded else None)


def no_curves(reason: str | None) -> tuple[StandardizedCurves, ...]:
    """The three ways, each with the reason why it gives nothing."""
    return tuple(
        StandardizedCurves(
            method=method,
            groups=(),
            differences=(),
            replicates_asked=0,
            replicates_used=0,
            not_estimable=reason,
        )
        for method in METHODS
    )


def replicates_possible(asked: int, patients: Patients) -> int:
    """Bootstrap samples that are drawn: fewer for very many patients, none where too few would be left."""
    work = len(patients.time) * len(patients.times) * patients.n_groups
    possible = min(asked, _WORK // max(work, 1))
    return possible if possible >= min(asked, _FEWEST) else 0


def standardized_curves(
    tables: Sequence[Patients], asked: Asked, effective: dict[str, list[float]], rng: np.random.Generator
) -> tuple[StandardizedCurves, ...]:
    """Every way of standardizing, from one table or several completed ones."""
    possible = replicates_possible(asked.replicates, tables[0])
    each = -(-possible // len(tables))
    points = [standardize(table, np.ones((1, len(table.time)))) for table in tables]
    samples = [
        standardize(table, draw_counts(len(table.time), each, rng)) if each else points[0] for table in tables
    ]
    return tuple(
        _method(
            method, tables, asked, [p[method] for p in points], [s[method] for s in samples] if each else [],
            effective.get(method),
        )
        for method in METHODS
    )  # fmt: skip


def _method(
    method: str,
    tables: Sequence[Patients],
    asked: Asked,
    points: list[Standardized],
    samples: list[Standardized],
    effective: list[float] | None,
) -> StandardizedCurves:
    drawn = sum(len(s.usable) for s in samples)
    used = sum(int(s.usable.sum()) for s in samples)
    if not all(p.usable.all() for p in points):
        return StandardizedCurves(
            method=method, groups=(), differences=(), replicates_asked=drawn, replicates_used=used,
            not_estimable=_WHY_NOT[method],
        )  # fmt: skip
    why = _no_interval(asked, samples, drawn, used)
    samples = [] if why else samples
    survival = _pool([p.survival[0] for p in points], [s.survival[s.usable] for s in samples], survival=True)
    areas = _pool([p.area[0] for p in points], [s.area[s.usable] for s in samples])
    return StandardizedCurves(
        method=method,
        groups=_groups(tables[0], asked, survival, areas, effective),
        differences=_differences(tables[0], asked, points, samples),
        replicates_asked=drawn,
        replicates_used=used,
        no_interval=why,
    )


def _no_interval(asked: Asked, samples: list[Standardized], drawn: int, used: int) -> str | None:
    if not asked.replicates:
        return "no bootstrap was asked for"
    if not drawn:
        return "too many patients to draw enough bootstrap samples of them"
    # a variance within each completed table needs two samples of it
    if used < _SHARE_NEEDED * drawn or min(int(s.usable.sum()) for s in samples) < 2:
        return "too many bootstrap samples have no estimate"
    return None


def _pool(points: list[FloatArray], samples: list[FloatArray], *, survival: bool = False) -> _Range:
    value = np.mean(points, axis=0)
    if len(points) == 1:
        if not samples:
            return _Range(value=value, lower=np.full_like(value, np.nan), upper=np.full_like(value, np.nan))
        low, high = np.quantile(samples[0], [0.025, 0.975], axis=0)
        return _Range(value=value, lower=low, upper=high)
    shape = value.shape
    flat = np.array([p.ravel() for p in points])
    variances = np.full_like(flat, np.nan)
    if samples:
        variances = np.array([_variance(s, survival=survival).ravel() for s in samples])
    pooled = [_one(flat[:, i], variances[:, i], survival=survival) for i in range(flat.shape[1])]
    middle, low, high = (np.reshape(part, shape) for part in np.array(pooled).T)
    return _Range(value=middle, lower=low, upper=high)


def _variance(sample: FloatArray, *, survival: bool) -> FloatArray:
    if survival:
        edge = 1e-3  # a sample without an event, or without a survivor, has no finite logarithm
        sample = np.log(-np.log(np.clip(sample, edge, 1 - edge)))
    return np.asarray(sample.var(axis=0, ddof=1), dtype=np.float64)


def _one(points: FloatArray, variances: FloatArray, *, survival: bool) -> tuple[float, float, float]:
    if survival:
        return pool_survival(points, variances)
    if not (np.isfinite(points).all() and np.isfinite(variances).all() and (variances > 0).all()):
        return float(points.mean()), float("nan"), float("nan")
    pooled = pool_rubin(points, variances)
    return pooled.value, *pooled.limits()


def _known(table: Patients, group: int) -> NDArray[np.bool_]:
    """Times of the table up to which a group is followed: no curve is drawn out beyond."""
    return np.asarray(table.times <= table.time[table.codes == group].max(), dtype=np.bool_)


def _groups(
    table: Patients, asked: Asked, survival: _Range, areas: _Range, effective: list[float] | None
) -> tuple[StandardizedGroup, ...]:
    found = []
    for g, label in enumerate(asked.labels):
        known = _known(table, g)
        curve = [_listed(part[g, known]) for part in (survival.value, survival.lower, survival.upper)]
        found.append(
            StandardizedGroup(
                label=label, n=int((table.codes == g).sum()), effective_n=effective[g] if effective else None,
                milestones=tuple(
                    StandardizedMilestone(months=t, estimate=_at(survival, g, table, t, known))
                    for t in asked.milestones
                ),
                rmst=areas.estimate((g,), asked.no_area),
                time=tuple(float(t) for t in table.times[known]),
                survival=curve[0], ci_lower=curve[1], ci_upper=curve[2],
            )
        )  # fmt: skip
    return tuple(found)


def _listed(values: FloatArray) -> tuple[float | None, ...]:
    return tuple(float(v) if np.isfinite(v) else None for v in values)


def _at(range_: _Range, g: int, table: Patients, months: float, known: NDArray[np.bool_]) -> Estimate:
    place = int(np.searchsorted(table.times, months))
    return range_.estimate((g, place), None if known[place] else _BEYOND)


def _differences(
    table: Patients, asked: Asked, points: list[Standardized], samples: list[Standardized]
) -> tuple[StandardizedDifference, ...]:
    def against_first(values: FloatArray) -> FloatArray:
        return np.asarray(values[..., 1:, :] - values[..., :1, :], dtype=np.float64)

    survival = _pool(
        [against_first(p.survival[0]) for p in points],
        [against_first(s.survival[s.usable]) for s in samples],
    )
    areas = _pool(
        [p.area[0, 1:] - p.area[0, :1] for p in points],
        [s.area[s.usable][:, 1:] - s.area[s.usable][:, :1] for s in samples],
    )
    return tuple(
        StandardizedDifference(
            term=label,
            reference=asked.labels[0],
            milestones=tuple(
                StandardizedMilestone(
                    months=t, estimate=_at(survival, g, table, t, _known(table, 0) & _known(table, g + 1))
                )
                for t in asked.milestones
            ),
            rmst=areas.estimate((g,), asked.no_area),
        )
        for g, label in enumerate(asked.labels[1:])
    )
