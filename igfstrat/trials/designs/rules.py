"""What a design concludes from its looks: boundaries, multiplicity, and where each trial ends.

One hypothesis is held against its efficacy boundary. Several get sequential p-values, the smallest level at which
the boundary of that level would have been crossed [1]_, and the procedure of the design judges these at every look;
the boundaries of a level rest on the population's own information fractions. A trial goes on until each
hypothesis is rejected or given up for futility, or until the last look. A hypothesis that crosses the futility
bound of a look is given up there, whether or not the bound is binding. A trial that never reaches a look
is analysed once more at its end, at the boundary of the last look. Where the scenario looks for harm to survival,
a trial that shows it stops before its efficacy is judged; the efficacy boundaries don't count on that.

References
----------
.. [1] Liu Q, Anderson KM. On adaptive extensions of group sequential trials for clinical investigations.
   J Am Stat Assoc 2008;103:1621-1630.
.. [2] Maurer W, Bretz F. Multiple testing in group sequential trials using graphical approaches. Stat Biopharm Res
   2013;5:311-320.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from scipy.special import ndtr

from igfstrat.survival._types import BoolArray, FloatArray, IntArray
from igfstrat.trials.closed_form.correlation import correlation_without_effect
from igfstrat.trials.rejection.boundaries import make_boundaries
from igfstrat.trials.rejection.efficacy_table import efficacy_table
from igfstrat.trials.rejection.multiplicity import reject
from igfstrat.trials.scenario.outcome import HarmSettings
from igfstrat.trials.scenario.scenario import Scenario
from igfstrat.trials.simulation.engine import Deaths, Trials, simulate_trials

_PLANNING_TRIALS = 200
_PLANNING_FIRST = 1 << 40  # replicates of the plan, which no study reaches
_LEVELS = np.concatenate((np.geomspace(1e-8, 0.01, 40), np.linspace(0.0125, 0.475, 60)))


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Rules:
    """The rules of one design, made before any of its trials is looked at.

    Parameters
    ----------
    hypotheses : tuple of str
        In the order of testing.
    alpha : float
        One-sided family-wise level.
    method : str
        Procedure of `multiplicity`; ``none`` for one hypothesis.
    information : ndarray of float64, shape (k, h)
        Information fractions of each hypothesis' population.
    efficacy : ndarray of float64, shape (k, h)
        Boundaries at the full level.
    futility : ndarray of float64, shape (k, h)
        Lower bounds; ``-inf`` where there are none.
    correlation : float
        Of the statistics of the first two hypotheses; NaN for one.
    levels : ndarray of float64, shape (m,)
        Levels of the table, ascending.
    table : ndarray of float64, shape (h, k, m)
        Boundary of each hypothesis at each look for each level.
    harm : HarmSettings, optional
        When survival is harmed.
    """

    hypotheses: tuple[str, ...]
    alpha: float
    method: str
    information: FloatArray
    efficacy: FloatArray
    futility: FloatArray
    correlation: float
    levels: FloatArray
    table: FloatArray
    harm: HarmSettings | None = None


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Decisions:
    """How r trials of a design ended.

    Parameters
    ----------
    rejected : ndarray of bool, shape (r, h)
        Hypotheses rejected by the end.
    last_look : ndarray of int64, shape (r,)
        Index of the look at which the trial ended.
    futile : ndarray of bool, shape (r,)
        Whether it ended before its last look with a hypothesis given up.
    infeasible : ndarray of bool, shape (r,)
        Whether it ended without the events (or time) of a look that it still needed.
    harmed : ndarray of bool, shape (r,), optional
        Whether survival was found harmed by the end; with `then: stop` the trial ended with it.
    """

    rejected: BoolArray
    last_look: IntArray
    futile: BoolArray
    infeasible: BoolArray
    harmed: BoolArray | None = None


def make_rules(scenario: Scenario, design: str, *, seed: int) -> Rules:
    """The rules of a design.

    Parameters
    ----------
    scenario : Scenario
        One point of the grid.
    design : str
        Name under `designs`.
    seed : int
        Of the study.

    Returns
    -------
    Rules
        Boundaries and what multiplicity needs.
    """
    settings = scenario.designs[design]
    hypotheses = scenario.hypotheses_of(design)
    default = {"sequential": "fallback"}.get(scenario.kind_of(design), "bonferroni")
    method = "none" if len(hypotheses) == 1 else settings.multiplicity or default
    alpha = scenario.test.one_sided_alpha
    information, correlation = plan_information(scenario, design, seed=seed)
    bounds = [
        make_boundaries(information=t, alpha=alpha, spending=settings.spending, futility=settings.futility)
        for t in information.T
    ]
    levels = (
        _levels(alpha, settings.weights or {}, len(hypotheses)) if method != "none" else np.array([alpha])
    )
    table = np.array(
        [efficacy_table(information=t, levels=levels, spending=settings.spending) for t in information.T]
    )
    return Rules(
        hypotheses=hypotheses,
        alpha=alpha,
        method=method,
        information=information,
        efficacy=np.column_stack([b.efficacy for b in bounds]),
        futility=np.column_stack([np.append(b.futility[:-1], -np.inf) for b in bounds]),
        correlation=correlation,
        levels=levels,
        table=table.transpose(0, 2, 1),
        harm=scenario.overall_survival.harm if scenario.overall_survival else None,
    )


def _levels(alpha: float, weights: Mapping[Any, float], m: int) -> FloatArray:
    """A grid of levels that holds those at which procedures decide, so that there interpolation is exact."""
    shares = list(weights.values()) or [1 / m] * m
    sums = [sum(part) for size in range(1, m + 1) for part in combinations(shares, size)]
    return np.unique(
        np.concatenate((_LEVELS, [alpha * s for s in sums if s > 0], alpha / np.arange(1, m + 1)))
    )


def plan_information(scenario: Scenario, design: str, *, seed: int) -> tuple[FloatArray, float]:
    """Information fractions of the hypotheses, and the correlation of the first two statistics, without any effect.

    Parameters
    ----------
    scenario : Scenario
        One point of the grid.
    design : str
        Name under `designs`.
    seed : int
        Of the study.

    Returns
    -------
    tuple
        Fractions, shape (k, h), and the correlation. Where looks come by a population's events, its fractions are
        those of the events; the others' come from the mean events of planning trials in which the experimental
        arm does nothing. Where none of these reaches a look, the last counts what they end with, and an earlier one
        its planned share of that.
    """
    settings, hypotheses = scenario.designs[design], scenario.hypotheses_of(design)
    counted = "positive" if scenario.kind_of(design) == "enrichment" else settings.events_in
    events = np.array(settings.events or (1,), dtype=np.float64)
    fractions = np.repeat((events / events[-1])[:, None], len(hypotheses), axis=1)
    if len(events) == len(fractions) == settings.n_looks and set(hypotheses) == {counted}:
        return fractions, float("nan")
    trials = simulate_trials(
        scenario,
        design,
        seed=seed,
        first=_PLANNING_FIRST,
        replicates=_PLANNING_TRIALS,
        null=True,
        populations=tuple(dict.fromkeys((*hypotheses, counted))),
        estimate=False,
    )
    mean = _mean_events(trials, settings.events or settings.analysis_times or ())[:, : len(hypotheses)]
    found = np.maximum.accumulate(mean, axis=0)
    # a population without events can't decide anything; any ascending fractions will do
    found = found + 1e-9 * np.arange(1, len(found) + 1)[:, None]
    found = found / found[-1]
    for j, name in enumerate(hypotheses):
        if name == counted and settings.events:
            found[:, j] = fractions[:, 0]
    pair = sorted(mean[-1, :2]) if len(hypotheses) > 1 else [0.0, 0.0]
    if "overall" not in hypotheses[:2] or not pair[1] > 0:
        return found, 0.0
    usual = float(np.sqrt(pair[0] / pair[1]))
    time = float(np.mean(trials.cut[:, -1]))
    return found, correlation_without_effect(scenario, design, hypotheses[:2], time=time, usual=usual)


def _mean_events(trials: Trials, planned: Sequence[float]) -> FloatArray:
    """Mean events of each population at the looks that trials reach, shape (k, p)."""
    reached = trials.reached[..., None]
    number = reached.sum(axis=0)
    total = np.where(reached, trials.events, 0.0).sum(axis=0)
    mean: FloatArray = np.divide(total, number, out=np.zeros_like(total), where=number > 0)
    if number[-1, 0] == 0:
        mean[-1] = trials.events[:, -1].mean(axis=0)  # the last look is held at the end in any case
        number[-1] = 1
    # nobody looks there, but the boundaries of later looks count what it would have spent
    shares = np.array(planned or [1.0], dtype=np.float64)[:, None]
    mean[:] = np.where(number > 0, mean, shares / shares[-1] * mean[-1])
    return mean


def decide(rules: Rules, trials: Trials, *, weights: object = None, transitions: object = None) -> Decisions:
    """Judge trials.

    Parameters
    ----------
    rules : Rules
        Of their design.
    trials : Trials
        What the looks yielded; the hypotheses' populations come first, in the same order.
    weights, transitions : mapping, optional
        Of the procedure, as in the scenario.

    Returns
    -------
    Decisions
        A row a trial.
    """
    z = trials.z[:, :, : len(rules.hypotheses)]
    r, looks, h = z.shape
    rejected, dropped = np.zeros((r, h), bool), np.zeros((r, h), bool)
    running, futile, harmed = np.ones(r, bool), np.zeros(r, bool), np.zeros(r, bool)
    stops = rules.harm is not None and rules.harm.then == "stop"
    last_look = np.full(r, looks - 1)
    p_least = np.ones((r, h))
    for k in range(looks):
        # harm comes first: a trial that stops for it claims nothing at this look
        harmed |= running & harm_found(rules.harm, trials.deaths, k)
        if stops:
            last_look[running & harmed] = k
            running &= ~harmed
        p_least = np.where(
            dropped | ~running[:, None], p_least, np.fmin(p_least, _p_values(rules, z[:, k], k))
        )
        found = reject_by(rules, p_least, weights=weights, transitions=transitions)
        rejected = np.where(running[:, None], rejected | found, rejected)
        if k == looks - 1:
            break
        dropped |= running[:, None] & ~rejected & (z[:, k] <= rules.futility[k])
        ends = running & (rejected | dropped).all(axis=1)
        last_look[ends], futile[ends] = k, (dropped & ~rejected)[ends].any(axis=1)
        running &= ~ends
    missed = ~trials.reached[np.arange(r), last_look]
    missed &= ~(harmed & stops)  # what it didn't wait for isn't missing
    return Decisions(rejected=rejected, last_look=last_look, futile=futile, infeasible=missed, harmed=harmed)


def harm_found(harm: HarmSettings | None, deaths: Deaths | None, look: int) -> BoolArray:
    """Whether survival is worse on the experimental arm by the rule of the scenario.

    Parameters
    ----------
    harm : HarmSettings or None
        The rule.
    deaths : Deaths or None
        Survival at the looks of r trials.
    look : int
        Index of the look.

    Returns
    -------
    ndarray of bool, shape (r,) or ()
        False without a rule, without deaths enough, or without a statistic.
    """
    if harm is None or deaths is None:
        return np.asarray(False)
    if harm.p_below is not None:
        found = ndtr(deaths.z[:, look]) < harm.p_below  # NaN is below nothing
    else:
        found = deaths.log_hazard_ratio[:, look] > np.log(harm.hazard_ratio_above or np.inf)
    return np.asarray(found & (deaths.events[:, look] >= harm.deaths_at_least))


def _p_values(rules: Rules, z: FloatArray, k: int) -> FloatArray:
    """For one hypothesis 0 or 1, by its boundary; else the level whose boundary the statistic just crosses."""
    if rules.method == "none":
        return np.where(z >= rules.efficacy[k], 0.0, 1.0)
    if len(rules.information) == 1:
        return np.where(np.isnan(z), 1.0, ndtr(-z))
    p = np.ones_like(z)
    for j in range(z.shape[1]):
        bounds = rules.table[j, k]
        use = np.isfinite(bounds)
        if use.any():
            # boundaries fall as the level rises; beyond the table nothing is claimed
            level = np.exp(np.interp(-z[:, j], -bounds[use], np.log(rules.levels[use]), right=0.0))
            p[:, j] = np.where(np.isnan(z[:, j]), 1.0, level)
    return p


def reject_by(
    rules: Rules, p: FloatArray, *, weights: object = None, transitions: object = None
) -> BoolArray:
    """Rejections by the procedure of a design.

    Parameters
    ----------
    rules : Rules
        Of the design.
    p : ndarray of float64, shape (n, h)
        One-sided p-values, a row a trial.
    weights, transitions : mapping, optional
        Of the procedure, as in the scenario.

    Returns
    -------
    ndarray of bool, shape (n, h)
        True = rejected.
    """
    return reject(
        p,
        method=rules.method,
        alpha=rules.alpha,
        hypotheses=rules.hypotheses,
        weights=weights if rules.method in _WEIGHTED else None,  # type: ignore[arg-type]
        transitions=transitions,  # type: ignore[arg-type]
        correlation=rules.correlation,
    )


_WEIGHTED = ("bonferroni", "fallback", "graphical", "spiessens_debois")
