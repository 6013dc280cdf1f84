"""The measured marker in intervals between candidate cuts: their shares, the patients of a trial by them, the truth above.

The marker is normal in the population and the measurement adds a normal error; a patient is positive in truth by the true
marker, and stands at or above a cut by the measured one. What decides are the intervals between the candidates, so that a
category of the engine is a true cell with an interval. Intervals divide the engine's own categories, so that a replicate
screens the same patients as any other design. A sample that fails and counts as positive or negative has the highest
or the lowest interval.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.special import ndtri

from igfstrat.survival._types import FloatArray, IntArray
from igfstrat.trials.closed_form.logrank import cox_limit
from igfstrat.trials.closed_form.trial import make_trial
from igfstrat.trials.numerics.bivariate import both_below
from igfstrat.trials.patients.assay import Assay, make_assay
from igfstrat.trials.scenario.marker import ContinuousSettings
from igfstrat.trials.scenario.scenario import Scenario
from igfstrat.trials.simulation.population import Population, make_population


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class MarkerIntervals:
    """Intervals of the measured marker, k candidates and i intervals.

    Parameters
    ----------
    candidates : ndarray of float64, shape (k,)
        Ascending.
    first : ndarray of int64, shape (k,)
        Lowest interval at or above each candidate.
    own_cut : int
        Lowest interval that is positive by the marker's own cut.
    shares : ndarray of float64, shape (2, i)
        Shares of all patients with a result who are positive, or negative, in truth, by interval; of sum 1.
    with_result : float
        Share of the screened with a result.
    """

    candidates: FloatArray
    first: IntArray
    own_cut: int
    shares: FloatArray
    with_result: float

    @property
    def share_above(self) -> FloatArray:
        """Share of the patients at or above each candidate, shape (k,)."""
        return np.array([self.shares[:, first:].sum() for first in self.first])

    def assay_at(self, assay: Assay, candidate: int) -> Assay:
        """The test that calls a patient positive at or above a candidate.

        Parameters
        ----------
        assay : Assay
            Of the scenario.
        candidate : int
            Index.

        Returns
        -------
        Assay
            With sensitivity and specificity of that cut for the true status.
        """
        above = self.shares[:, self.first[candidate] :].sum(axis=1)
        share = self.shares.sum(axis=1)
        return replace(
            assay,
            sensitivity=float(above[0] / share[0]) if share[0] > 0 else 1.0,
            specificity=float(1 - above[1] / share[1]) if share[1] > 0 else 1.0,
        )


def make_intervals(scenario: Scenario, design: str) -> MarkerIntervals:
    """The intervals that the candidates of a design and the marker's own cut make.

    Parameters
    ----------
    scenario : Scenario
        With a continuous marker.
    design : str
        Name under `designs`.

    Returns
    -------
    MarkerIntervals
        With their shares.
    """
    marker = scenario.marker
    settings = marker.continuous or ContinuousSettings()
    assay = make_assay(marker, time_unit=scenario.time_unit)
    own = settings.cut if settings.cut is not None else settings.mean - settings.sd * float(ndtri(assay.prevalence))  # fmt: skip
    candidates = np.array(scenario.designs[design].candidates or (), dtype=np.float64)
    edges = np.unique(np.append(candidates, own))
    spread = float(np.hypot(settings.sd, marker.assay.measurement_sd or 0.0))
    measured = np.concatenate(([np.inf], (settings.mean - edges) / spread, [-np.inf]))
    truth = (settings.mean - own) / settings.sd
    # patients at or above an edge: of all, and of those who are positive in truth
    above = both_below(measured, np.inf, 0.0)
    positive = both_below(measured, truth, settings.sd / spread)
    shares = np.vstack([positive[1:] - positive[:-1], (above - positive)[1:] - (above - positive)[:-1]])
    shares = np.maximum(-shares if shares.sum() < 0 else shares, 0.0)
    return MarkerIntervals(
        candidates=candidates,
        first=np.searchsorted(edges, candidates) + 1,
        own_cut=int(np.searchsorted(edges, own)) + 1,
        shares=_with_failures(scenario, shares),
        with_result=assay.with_result,
    )


def _with_failures(scenario: Scenario, shares: FloatArray) -> FloatArray:
    """Failed samples that count as positive or negative, in the highest or the lowest interval."""
    failure = scenario.marker.assay.failure
    if failure.then not in ("positive", "negative"):
        return shares
    found = shares * (1 - failure.rate)
    found[:, -1 if failure.then == "positive" else 0] += failure.rate * shares.sum(axis=1)
    return found


def divided_population(
    scenario: Scenario, design: str, intervals: MarkerIntervals
) -> tuple[Population, FloatArray]:
    """The patients of a scenario with their intervals.

    Parameters
    ----------
    scenario : Scenario
        The scenario.
    design : str
        Name under `designs`.
    intervals : MarkerIntervals
        Of the design.

    Returns
    -------
    tuple of Population and ndarray of float64, shape (1, c)
        The test code of a category holds its interval where other designs have the stratum of the test; and the cumulative
        shares of the categories.
    """
    base = make_population(scenario, design)
    groups = [group.share for group in scenario.subgroups] or [1.0]
    places = [(cell, r) for cell in range(2 * len(groups)) for r in (1, 0)]
    rows = []
    for place, (cell, result) in enumerate(places):
        row = intervals.shares[cell // len(groups)] * groups[cell % len(groups)] * intervals.with_result
        inside = range(intervals.own_cut, len(row)) if result else range(intervals.own_cut)
        rows += [(place, interval, row[interval]) for interval in inside]
    rows.append((len(places), 0, 1 - intervals.with_result))
    origin, interval = (np.array([row[k] for row in rows], dtype=np.int64) for k in (0, 1))
    population = replace(
        base,
        cells=base.cells[origin],
        results=base.results[origin],
        randomization_strata=base.randomization_strata[origin],
        test_codes=(base.test_codes[origin] & 4) | (interval << 3),
    )
    cumulative = np.cumsum([share for _, _, share in rows])
    cumulative[-1] = max(cumulative[-1], 1.0)
    return population, cumulative[None, :]


def true_ratios(scenario: Scenario, design: str, intervals: MarkerIntervals, time: float) -> FloatArray:
    """Large-sample Cox hazard ratio of the patients at or above each candidate.

    Parameters
    ----------
    scenario : Scenario
        The scenario.
    design : str
        Name under `designs`.
    intervals : MarkerIntervals
        Of the design.
    time : float
        Calendar time of the look.

    Returns
    -------
    ndarray of float64, shape (k,)
        NaN where the look never comes.
    """
    if not np.isfinite(time):
        return np.full(len(intervals.candidates), np.nan)
    assay = make_assay(scenario.marker, time_unit=scenario.time_unit)
    trials = (
        make_trial(scenario, design, intervals.assay_at(assay, k), population="positive")
        for k in range(len(intervals.candidates))
    )
    return np.array([cox_limit(trial, time) for trial in trials])
