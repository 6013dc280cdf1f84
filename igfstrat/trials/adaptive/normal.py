"""Adaptive enrichment on the level of normal statistics: the rules of `stages` on exactly normal scores.

Positives and negatives have independent scores with the information of their events; the overall score is their sum.
Where patients cost milliseconds a draw costs a microsecond, and nothing but the logic of a design can raise its error.
Accrual, time, assays and the log-rank test's own approximation are no part of it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from igfstrat.survival._types import FloatArray, IntArray
from igfstrat.trials.adaptive.selection import NEGATIVES, POSITIVES
from igfstrat.trials.adaptive.stages import AdaptiveRules, Courses, Seen, run_stages


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class NormalTrials:
    """Adaptive trials of normal statistics.

    Parameters
    ----------
    courses : Courses
        How they went.
    events : ndarray of float64, shape (r,)
        Events when each ended.
    """

    courses: Courses
    events: FloatArray


def simulate_normal(
    rules: AdaptiveRules,
    *,
    log_hazard_ratio: tuple[float, float],
    positive_share: float,
    normals: FloatArray,
    share_of_positive_events: float | None = None,
) -> NormalTrials:
    """Simulate the stages of trials as normal statistics.

    Parameters
    ----------
    rules : AdaptiveRules
        With stages of independent increments.
    log_hazard_ratio : tuple of float
        Of positives and negatives.
    positive_share : float
        Share of the positives in the events while everybody is enrolled, between 0 and 1.
    normals : ndarray of float64, shape (K, r, 2)
        Standard normal draws of each stage, of positives and negatives: a trial each pair.
    share_of_positive_events : float, optional
        The same after the first stage, where it differs.

    Returns
    -------
    NormalTrials
        A row a trial.

    Examples
    --------
    >>> from igfstrat.trials.scenario.design import DesignSettings, SelectionSettings
    >>> from igfstrat.trials.adaptive.stages import make_adaptive_rules
    >>> settings = DesignSettings(n=500, events=(150, 300), selection=SelectionSettings(rule="best"))
    >>> rules = make_adaptive_rules(settings, hypotheses=("overall", "positive"), alpha=0.025, events=(150, 150))
    >>> found = simulate_normal(rules, log_hazard_ratio=(-0.5, 0.0), positive_share=0.4,
    ...                         normals=np.random.default_rng(1).standard_normal((2, 4000, 2)))
    >>> found.courses.rejected[:, 1].mean() > found.courses.rejected[:, 0].mean()
    np.True_
    """
    theta = -np.array(log_hazard_ratio)
    shares = (positive_share, share_of_positive_events or positive_share)
    trials = normals.shape[1]
    score, information = np.zeros((trials, 2)), np.zeros((trials, 2))  # positives, negatives

    def source(k: int, parts: IntArray, events: FloatArray) -> Seen:
        share = shares[min(k, 1)]
        split = np.column_stack(
            (
                np.where(parts[:, k] & POSITIVES, share, 0.0),
                np.where(parts[:, k] & NEGATIVES, 1 - share, 0.0),
            )
        )
        total = split.sum(axis=1, keepdims=True)
        split = np.divide(split, total, out=np.zeros_like(split), where=total > 0)
        gained = rules.per_event * events[:, k, None] * split
        gain = theta * gained + np.sqrt(gained) * normals[k]
        np.add(score, gain, out=score)
        np.add(information, gained, out=information)
        whole = gained.sum(axis=1)
        return Seen(
            stage_z=_populations(rules, gain, gained)[0],
            positive_share=np.divide(gained[:, 0], whole, out=np.full(trials, 0.5), where=whole > 0),
            z=(so_far := _populations(rules, score, information))[0],
            information=so_far[1],
            events=information.sum(axis=1) / rules.per_event,
        )

    courses = run_stages(rules, source, trials)
    held = np.arange(rules.n_stages) <= courses.last_stage[:, None]
    return NormalTrials(courses=courses, events=np.where(held, courses.events, 0.0).sum(axis=1))


def _populations(
    rules: AdaptiveRules, score: FloatArray, information: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Statistic and information of each hypothesis from those of the strata; NaN without information."""
    columns = {"overall": [0, 1], "positive": [0], "negative": [1]}
    u = np.column_stack([score[:, columns[name]].sum(axis=1) for name in rules.hypotheses])
    v = np.column_stack([information[:, columns[name]].sum(axis=1) for name in rules.hypotheses])
    return np.divide(u, np.sqrt(v), out=np.full_like(u, np.nan), where=v > 0), v
