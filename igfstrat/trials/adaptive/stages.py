"""Adaptive enrichment: the course of trials from stage to stage, whatever their statistics come from.

A design is a closed test whose stages are combined by rules fixed beforehand, and a rule that chooses who goes on after an
interim. This module decides by the statistics of a `Source`, `patients` or `normal` draws: the same lines judge both.

Two forms of the stages for survival times [1]_, [2]_:

independent_increments
    A stage is what the log-rank test gained between two looks, (U_k - U_{k-1}) / sqrt(V_k - V_{k-1}), for everybody who has
    entered. Valid only while nothing but the log-rank statistics of the tested endpoint decides at the interim: whatever else
    is known of the patients at the interim tells of their later events [3]_: also who dies sooner, where the marker is
    prognostic and the overall test is not stratified by it.
stage_by_patient
    A stage is the patients recruited in it. Those of the first are followed to a number of their events that is fixed
    beforehand, so that their p-value does not depend on what was selected. Valid whatever decided.

After each stage closed tests are held first; a hypothesis that was dropped is claimed by no later stage. The trial ends with success when every hypothesis that would go on is
rejected, and for futility when none goes on.

References
----------
.. [1] Jenkins M, Stone A, Jennison C. An adaptive seamless phase II/III design for oncology trials with subpopulation
   selection using correlated survival endpoints. Pharm Stat 2011;10:347-356.
.. [2] Wassmer G. Planning and analyzing adaptive group sequential survival trials. Biom J 2006;48:714-729.
.. [3] Bauer P, Posch M. Modification of the sample size and the schedule of interim analyses in survival trials based
   on data inspections. Stat Med 2004;23:1333-1335.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from igfstrat.errors import UsageError
from igfstrat.survival._types import BoolArray, FloatArray, IntArray
from igfstrat.trials.adaptive.selection import (
    EVERYBODY,
    NOBODY,
    Interim,
    Rule,
    apply_rule,
    enrolled_parts,
    make_rule,
    reestimated_events,
)
from igfstrat.trials.rejection.boundaries import make_boundaries
from igfstrat.trials.rejection.closed_testing import (
    Closure,
    intersection_p_values,
    needed_alone,
    reject_closed,
)
from igfstrat.trials.rejection.combination import Combination, make_combination
from igfstrat.trials.scenario.design import DesignSettings, ReestimationSettings, SelectionSettings

INDEPENDENT: Final = "independent_increments"
BY_PATIENT: Final = "stage_by_patient"


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class AdaptiveRules:
    """The rules of an adaptive design, made before any of its trials is looked at.

    Parameters
    ----------
    hypotheses : tuple of str
        In the order of testing.
    alpha : float
        One-sided family-wise level.
    closure : Closure
        Intersections and their test.
    combination : Combination
        Of the stages, with weights and critical values.
    events : ndarray of float64, shape (K,)
        Planned events of each stage (not cumulative).
    increments : str
        ``independent_increments`` or ``stage_by_patient``.
    selection : SelectionSettings
        The rule of the scenario.
    rule : callable, optional
        A user's rule, taken instead.
    reestimation : ReestimationSettings, optional
        Whether events may rise.
    futility : ndarray of float64, shape (K - 1,)
        A hypothesis whose statistic so far is at or below is dropped; ``-inf`` for none.
    per_event : float
        Information that an event brings, r / (1 + r)^2 at the ratio r of the arms.
    correlation_ratio : ndarray of float64, shape (K, 2)
        By what the correlation of overall with positives and with negatives in each stage differs from the root of their
        share of its information, see `correlation.stage_correlation_ratios`; between 0 and 1.
    """

    hypotheses: tuple[str, ...]
    alpha: float
    closure: Closure
    combination: Combination
    events: FloatArray
    increments: str
    selection: SelectionSettings
    rule: Rule | None = None
    reestimation: ReestimationSettings | None = None
    futility: FloatArray
    per_event: float
    correlation_ratio: FloatArray

    @property
    def n_stages(self) -> int:
        """Number of stages."""
        return len(self.events)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Seen:
    """What an interim shows, r trials and m hypotheses.

    Parameters
    ----------
    stage_z : ndarray of float64, shape (r, m)
        Statistic of the stage alone, of the tested endpoint; NaN without one.
    positive_share : ndarray of float64, shape (r,)
        Share of the positives in the information of the stage.
    z, information : ndarray of float64, shape (r, m)
        Statistic and information so far, of the data that select.
    events : ndarray of float64, shape (r,)
        Events of these data so far.
    """

    stage_z: FloatArray
    positive_share: FloatArray
    z: FloatArray
    information: FloatArray
    events: FloatArray


# stage (from 0), parts enrolled in each stage (r, K), events that each stage waits for (r, K) -> what was seen
Source = Callable[[int, IntArray, FloatArray], Seen]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Courses:
    """How trials went, r of them, K stages and m hypotheses.

    Parameters
    ----------
    kept : ndarray of bool, shape (r, K, m)
        Hypotheses with which each stage begins; all with the first.
    parts : ndarray of int64, shape (r, K)
        Who is enrolled in each stage, see `selection.enrolled_parts`.
    events : ndarray of float64, shape (r, K)
        Events that each stage waits for.
    stage_z : ndarray of float64, shape (r, K, m)
        Statistic of each stage; NaN where the hypothesis is not tested.
    rejected : ndarray of bool, shape (r, m)
        Hypotheses rejected by the end.
    last_stage : ndarray of int64, shape (r,)
        Index of the stage after which the trial ended.
    futile : ndarray of bool, shape (r,)
        Whether it ended before its last stage because nothing was worth going on with.
    """

    kept: BoolArray
    parts: IntArray
    events: FloatArray
    stage_z: FloatArray
    rejected: BoolArray
    last_stage: IntArray
    futile: BoolArray


def make_adaptive_rules(
    settings: DesignSettings,
    *,
    hypotheses: tuple[str, ...],
    alpha: float,
    events: tuple[float, ...],
    experimental_share: float = 0.5,
    increments: str | None = None,
    rule: Rule | None = None,
    correlation_ratio: npt.ArrayLike = 1.0,
) -> AdaptiveRules:
    """The rules of a design.

    Parameters
    ----------
    settings : DesignSettings
        The design.
    hypotheses : tuple of str
        In the order of testing.
    alpha : float
        One-sided family-wise level.
    events : tuple of float, length K
        Planned events of each stage (not cumulative); the weights and the spending rest on them.
    experimental_share : float
        Share of the patients on the experimental arm.
    increments : str, optional
        Form of the stages; that of the design, else `independent_increments`, where left out.
    rule : callable, optional
        A rule in Python instead of that of `selection`.
    correlation_ratio : array-like of float, shape () or (K, 2)
        See `AdaptiveRules`.

    Returns
    -------
    AdaptiveRules
        Fixed.

    Raises
    ------
    UsageError
        If no rule selects, or there is no interim.

    Examples
    --------
    >>> settings = DesignSettings(n=500, events=(150, 300), selection=SelectionSettings(rule="best"))
    >>> rules = make_adaptive_rules(settings, hypotheses=("overall", "positive"), alpha=0.025, events=(150, 150))
    >>> rules.closure.method, rules.combination.critical.round(3).tolist()
    ('simes', [2.963, 1.969])
    """
    if len(events) < 2 or (settings.selection is None and rule is None):
        message = "an adaptive design needs an interim (two or more numbers of events) and a selection"
        raise UsageError(message)
    planned = np.array(events, dtype=np.float64)
    fractions = np.cumsum(planned) / planned.sum()
    bounds = make_boundaries(
        information=fractions, alpha=alpha, spending=settings.spending, futility=settings.futility
    )
    return AdaptiveRules(
        hypotheses=hypotheses,
        alpha=alpha,
        closure=Closure(
            hypotheses=hypotheses,
            method=settings.multiplicity or "simes",
            weights=settings.weights,  # type: ignore[arg-type]
            transitions=settings.transitions,  # type: ignore[arg-type]
        ),
        combination=make_combination(
            method=settings.combination or "inverse_normal",
            information=fractions,
            alpha=alpha,
            spending=settings.spending,
        ),
        events=planned,
        increments=increments or settings.increments or INDEPENDENT,
        selection=settings.selection or SelectionSettings(rule="best"),
        rule=rule,
        reestimation=settings.reestimation,
        futility=bounds.futility[:-1],
        per_event=experimental_share * (1 - experimental_share),
        correlation_ratio=np.broadcast_to(np.asarray(correlation_ratio, dtype=np.float64), (len(planned), 2)),
    )


def run_stages(rules: AdaptiveRules, source: Source, trials: int) -> Courses:
    """Take trials from stage to stage.

    Parameters
    ----------
    rules : AdaptiveRules
        Of the design.
    source : callable
        Yields what each stage shows. With `stage_by_patient` the first call shows what selects; the statistic of
        the first stage then comes with the last call, as `stage_z` of shape (r, 2, m) and shares of shape (r, 2).
    trials : int
        How many.

    Returns
    -------
    Courses
        A row a trial.
    """
    courses = _start(rules, trials)
    p = np.full((trials, rules.n_stages, len(rules.closure.intersections)), np.nan)
    running = np.ones(trials, bool)
    for k in range(rules.n_stages):
        seen = source(k, courses.parts, courses.events)
        last = k == rules.n_stages - 1
        if rules.increments == BY_PATIENT and last:
            for stage in range(2):
                z, share = seen.stage_z[:, stage], seen.positive_share[:, stage]
                _test(rules, courses, p, stage, z, share, running | (stage == 0))
        else:
            _test(rules, courses, p, k, seen.stage_z, seen.positive_share, running)
        if not last:
            running = _interim(rules, courses, p, k, seen, running)
    return _end(rules, courses, p)


def _start(rules: AdaptiveRules, trials: int) -> Courses:
    shape = (trials, rules.n_stages)
    kept = np.ones((*shape, len(rules.hypotheses)), bool)
    return Courses(
        kept=kept,
        parts=np.full(shape, EVERYBODY),
        events=np.tile(rules.events, (trials, 1)),
        stage_z=np.full(kept.shape, np.nan),
        rejected=np.zeros((trials, len(rules.hypotheses)), bool),
        last_stage=np.full(trials, rules.n_stages - 1),
        futile=np.zeros(trials, bool),
    )


def _test(
    rules: AdaptiveRules,
    courses: Courses,
    p: FloatArray,
    k: int,
    z: FloatArray,
    share: FloatArray,
    running: BoolArray,
) -> None:
    """P-values of a stage, of the trials that hold it."""
    tested = courses.kept[:, k] & running[:, None]
    courses.stage_z[:, k] = np.where(tested, z, np.nan)
    p[:, k] = intersection_p_values(
        rules.closure, z, tested=tested, correlation=_correlation(rules, k, share)
    )


def _correlation(rules: AdaptiveRules, k: int, positive_share: FloatArray) -> FloatArray:
    """Correlation of overall with positives and with negatives in a stage."""
    usual = np.sqrt(np.column_stack((positive_share, 1 - positive_share)))
    return np.asarray(rules.correlation_ratio[k] * usual)


def _interim(
    rules: AdaptiveRules, courses: Courses, p: FloatArray, k: int, seen: Seen, running: BoolArray
) -> BoolArray:
    """Select after stage k and write down with whom the next begins; returns the trials that go on."""
    rest = _rest(rules, courses, k, seen)
    interim = Interim(
        hypotheses=rules.hypotheses,
        stage=k + 1,
        z=seen.z,
        information=seen.information,
        running=courses.kept[:, k] & running[:, None],
        needed=needed_alone(rules.closure, rules.combination, _interim_p(rules, p, k, seen)),
        # a population that goes on alone has all the events that are still to come
        remaining=np.broadcast_to(rules.per_event * rest[:, None], seen.z.shape),
    )
    kept = apply_rule(rules.rule or make_rule(rules.selection), interim)
    kept &= ~(seen.z <= rules.futility[k])
    rejected = np.zeros_like(kept)
    if rules.increments != BY_PATIENT:
        rejected = _claimed(rules, courses, p[:, : k + 1])[:, -1]
    ends = running & ~(kept & ~rejected).any(axis=1)  # nothing is left to be shown
    courses.last_stage[ends] = k
    courses.futile[ends] = ~rejected[ends].any(axis=1)
    going = running & ~ends
    courses.kept[:, k + 1 :] = (kept & going[:, None])[:, None]
    courses.parts[:, k + 1 :] = np.where(going, enrolled_parts(rules.hypotheses, kept), NOBODY)[:, None]
    if rules.reestimation is not None:
        wanted = reestimated_events(
            rules.reestimation, interim, kept, planned=rest, seen=seen.events, per_event=rules.per_event
        )
        # the stages that are left grow in proportion to their plan
        later = courses.events[:, k + 1 :]
        later *= 1 + ((wanted - rest) / later.sum(axis=1))[:, None]
    return going


def _rest(rules: AdaptiveRules, courses: Courses, k: int, seen: Seen) -> FloatArray:
    """Events planned after an interim; with `stage_by_patient` first-stage patients still have some of them."""
    later = courses.events[:, k + 1 :].sum(axis=1)
    if rules.increments == BY_PATIENT:
        return np.asarray(np.maximum(courses.events.sum(axis=1) - seen.events, later))
    return np.asarray(later)


def _interim_p(rules: AdaptiveRules, p: FloatArray, k: int, seen: Seen) -> FloatArray:
    """P-values of the stages so far; with `stage_by_patient` the first stage as it stands at the interim."""
    if rules.increments != BY_PATIENT:
        return p[:, : k + 1]
    tie = _correlation(rules, k, seen.positive_share)
    return intersection_p_values(rules.closure, seen.z, correlation=tie)[:, None]


def _end(rules: AdaptiveRules, courses: Courses, p: FloatArray) -> Courses:
    """Rejections by the stage at which each trial ended."""
    found = _claimed(rules, courses, p)
    at = np.arange(len(p)), courses.last_stage
    if rules.increments == BY_PATIENT:
        # the first stage is complete only after the interim: success then ends the trial while the second is on
        going = courses.last_stage == rules.n_stages - 1
        kept = courses.kept[:, -1]
        won = going & kept.any(axis=1) & ~(kept & ~found[:, 0]).any(axis=1)
        courses.last_stage[won] = 0
        found[courses.futile] = False
        at = np.arange(len(p)), courses.last_stage
    courses.rejected[:] = found[at]
    return courses


def _claimed(rules: AdaptiveRules, courses: Courses, p: FloatArray) -> BoolArray:
    """Hypotheses rejected by the end of each stage, by stages that still tested them."""
    found = reject_closed(rules.closure, rules.combination, p)
    return np.logical_or.accumulate(found & courses.kept[:, : found.shape[1]], axis=1)
