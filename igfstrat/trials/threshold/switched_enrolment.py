"""Hazard ratios that trials would find in large samples where their interim restricts who is enrolled from then on.

After such an interim "everybody" is a mixture: all comers from before it, and the chosen part from after it. The other
closed forms know of one enrolment only; here each kind of patient has its own, on a fine even grid of follow-up.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from scipy.optimize import brentq

from igfstrat.survival._types import BoolArray, FloatArray, IntArray
from igfstrat.trials.closed_form.trial import Trial, make_trial
from igfstrat.trials.designs.power import look_times
from igfstrat.trials.patients.hazards import make_cells
from igfstrat.trials.scenario.scenario import Scenario
from igfstrat.trials.threshold.intervals import MarkerIntervals

_NODES: Final = 2_048  # of the follow-up: the ratios move by less than 1e-5 at twice as many
_LONGEST: Final = 1e4  # times of the accrual: who has had no event by then never has one
_REACH: Final = 50.0  # log hazard ratio beyond which there is no finite limit


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class _Enrolment:
    """Kinds of patients, m of them, some of which are no longer enrolled from a calendar time on."""

    trial: Trial
    switch: float
    stays: BoolArray
    until: float  # patients of all kinds who would have come when the last one is randomized

    def flow(self, time: float) -> tuple[FloatArray, FloatArray]:
        """Expected events of each arm and kind at the nodes, and those at risk there, both of shape (2, m, p)."""
        step = time / _NODES
        nodes = step * (np.arange(_NODES) + 0.5)
        came = np.minimum(self.trial.entry.cumulative(time - nodes), self.until)
        before = np.minimum(came, min(float(self.trial.entry.cumulative([self.switch])[0]), self.until))
        entered = self.trial.weights[:, None] * np.where(self.stays[:, None], came, before)
        shares = np.array([1 - self.trial.experimental_share, self.trial.experimental_share])
        lost = np.exp(-np.multiply.outer(np.array(self.trial.dropout), nodes))
        arms = (self.trial.control, self.trial.experimental)
        alive = np.array([[hazard.survival(nodes) for hazard in arm] for arm in arms])
        hazard = np.array([[hazard.at(nodes) for hazard in arm] for arm in arms])
        at_risk = shares[:, None, None] * lost[:, None] * entered * alive
        return at_risk * hazard * step, at_risk


def enrolled_ratios(
    scenario: Scenario, design: str, intervals: MarkerIntervals, populations: tuple[str, ...]
) -> FloatArray:
    """Large-sample Cox hazard ratios of those whom trials enrol that choose their cut at an interim.

    Parameters
    ----------
    scenario : Scenario
        The scenario.
    design : str
        Name under `designs`, with two numbers of events.
    intervals : MarkerIntervals
        Of the design.
    populations : tuple of str, length p
        ``overall``, and ``positive`` and ``negative`` by the marker's own cut.

    Returns
    -------
    ndarray of float64, shape (k + 1, p)
        At the expected end of trials that went on at or above each candidate, and in the last row at the interim, for those
        that ended there; NaN where that is never reached or nobody is in it.
    """
    first, last = (scenario.designs[design].events or (0, 0))[:2]
    latest = scenario.designs[design].max_duration or math.inf
    everybody, interval = _kinds(scenario, design, intervals)
    switch = look_times(scenario, design)[0]
    k = len(intervals.candidates)
    found = np.full((k + 1, len(populations)), np.nan)
    if not math.isfinite(switch):
        return found
    members = _members(interval, intervals, populations)
    for row, lowest in enumerate((*intervals.first, 0)):
        enrolment = _switched(everybody, switch, interval >= lowest)
        end = min(_end(enrolment, last - first), latest) if row < k else switch
        if math.isfinite(end):
            found[row] = [_cox_limit(*enrolment.flow(end), who) for who in members]
    return found


def _kinds(scenario: Scenario, design: str, intervals: MarkerIntervals) -> tuple[Trial, IntArray]:
    """All comers with a kind for each interval of the marker and each true stratum and subgroup; and its interval."""
    shares = intervals.shares / intervals.shares.sum()
    kinds = [
        (cell, j, float(share) * cell.share)
        for cell in make_cells(scenario)
        for j, share in enumerate(shares[0 if cell.stratum == "positive" else 1])
        if share > 0
    ]
    trial = replace(
        make_trial(scenario, design),
        control=tuple(cell.control for cell, _, _ in kinds),
        experimental=tuple(cell.experimental for cell, _, _ in kinds),
        weights=np.array([weight for _, _, weight in kinds]),
        strata=np.zeros(len(kinds), dtype=np.int64),
    )
    return trial, np.array([j for _, j, _ in kinds], dtype=np.int64)


def _members(interval: IntArray, intervals: MarkerIntervals, populations: tuple[str, ...]) -> list[BoolArray]:
    above = interval >= intervals.own_cut
    by_name = {"overall": np.full(len(interval), True), "positive": above, "negative": ~above}
    return [by_name[name] for name in populations]


def _switched(trial: Trial, switch: float, stays: BoolArray) -> _Enrolment:
    before = min(float(trial.entry.cumulative([switch])[0]), trial.n)
    until = before + (trial.n - before) / float(trial.weights[stays].sum())
    return _Enrolment(trial=trial, switch=switch, stays=stays, until=until)


def _end(enrolment: _Enrolment, events: int) -> float:
    """Calendar time at which the second stage is expected to have its events among those who stay."""

    def seen(time: float) -> float:
        return float(enrolment.flow(time)[0][:, enrolment.stays].sum())

    wanted = seen(enrolment.switch) + events
    filled = float(enrolment.trial.entry.inverse(enrolment.until))
    high = max(filled, enrolment.switch)
    while math.isfinite(high) and seen(high) < wanted:
        high = 2 * high if high < _LONGEST * filled else math.inf
    return float(brentq(lambda t: seen(t) - wanted, enrolment.switch, high)) if math.isfinite(high) else high


def _cox_limit(events: FloatArray, at_risk: FloatArray, who: BoolArray) -> float:
    """Root of the expected partial-likelihood score, as `logrank.cox_limit` without strata."""
    seen, (control, experimental) = events[:, who].sum(axis=1), at_risk[:, who].sum(axis=1)

    def score(log_ratio: float) -> float:
        treated = experimental * math.exp(log_ratio)
        total = treated + control
        share = np.divide(treated, total, out=np.zeros_like(total), where=total > 0)
        return float((seen[1] - share * seen.sum(axis=0)).sum())

    if score(-_REACH) <= 0 or score(_REACH) >= 0:
        return math.nan
    return math.exp(float(brentq(score, -_REACH, _REACH, xtol=1e-12)))
