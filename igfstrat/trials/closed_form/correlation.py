"""Correlation of the tests of all patients and of a part of them, where no treatment does anything.

Usually it is taken for the root of the ratio of their events. An unstratified test of all patients is tied more
loosely to that of the positives where the marker is prognostic: by chance one arm has more of those who die sooner,
which moves the one statistic and not the other. Who splits the level by the usual value then errs too often.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from igfstrat.survival._types import FloatArray
from igfstrat.trials.closed_form.covariance import score_covariance
from igfstrat.trials.closed_form.logrank import logrank_moments, time_of_events
from igfstrat.trials.closed_form.trial import Trial, make_trial
from igfstrat.trials.scenario.design import Hypothesis
from igfstrat.trials.scenario.outcome import TreatmentSettings
from igfstrat.trials.scenario.scenario import Scenario


def correlation_without_effect(
    scenario: Scenario, design: str, hypotheses: Sequence[str], *, time: float, usual: float
) -> float:
    """Correlation of two log-rank statistics by the covariance of their scores, at most the usual one.

    Parameters
    ----------
    scenario : Scenario
        One point of the grid.
    design : str
        Name under `designs`.
    hypotheses : sequence of str
        `overall` and a part of it, in any order.
    time : float
        Calendar time of the last look.
    usual : float
        Root of the ratio of the events.

    Returns
    -------
    float
        The usual one where the scores have no such form (other statistics, death after progression).
    """
    if not _has_scores(scenario) or not math.isfinite(time):
        return usual
    other = next(name for name in hypotheses if name != "overall")
    whole, part = (_without_effect(scenario, design, name) for name in ("overall", other))  # type: ignore[arg-type]
    variance = logrank_moments(part, time).variance
    scale = math.sqrt(logrank_moments(whole, time).variance * variance)
    return min(score_covariance(whole, _kinds_of(part, other), time) / scale, usual) if scale > 0 else usual


def _has_scores(scenario: Scenario) -> bool:
    """Whether the covariance of the scores has a form here."""
    known = scenario.test.statistic in ("logrank", "stratified_logrank") and scenario.response is None
    return known and scenario.overall_survival is None


def _without_effect(scenario: Scenario, design: str, population: Hypothesis) -> Trial:
    null = scenario.model_copy(update={"treatment": TreatmentSettings()})
    return make_trial(null, design, population=population)


def _kinds_of(part: Trial, name: str) -> slice:
    """Kinds of all patients that make up a part: a trial lists those with a positive test first."""
    size = len(part.weights)
    return slice(0, size) if name == "positive" else slice(-size, None)


def stage_correlation_ratios(
    scenario: Scenario, design: str, *, stage_events: Sequence[float] | None
) -> FloatArray:
    """By what the correlation of overall with its parts in each stage falls short of the root of their share of its information.

    With U and V the score and its variance, corr(U, U_part) = cov(U, U_part) / V_part times sqrt(V_part / V); of a stage, the
    differences between its looks.

    Parameters
    ----------
    scenario : Scenario
        One point of the grid.
    design : str
        Name under `designs`, which enrols positives and negatives.
    stage_events : sequence of float, optional
        With stages by patient: events to which those of each are followed; accrual is then taken to be what it is
        in the beginning. Stages between looks where left out.

    Returns
    -------
    ndarray of float64, shape (K, 2)
        Of positives and negatives, between 0 and 1; 1 where the scores have no such form or events don't come. Of a second
        stage between looks a lower bound: that its overall score goes against the first of the positives is left out.
    """
    settings = scenario.designs[design]
    cumulative = [float(x) for x in settings.events or ()]
    ratios = np.ones((len(cumulative), 2))
    if not _has_scores(scenario):
        return ratios
    whole = _without_effect(scenario, design, "overall")
    counted = _without_effect(scenario, design, settings.events_in)
    times = [min(time_of_events(counted, x), settings.max_duration or math.inf) for x in cumulative]
    if not math.isfinite(times[-1]):
        return ratios
    for j, name in enumerate(("positive", "negative")):
        part = _without_effect(scenario, design, name)  # type: ignore[arg-type]
        share, kinds = part.n / whole.n, _kinds_of(part, name)
        if stage_events is None:
            found = [_score_moments(whole, part, kinds, time) for time in times]
            gained = np.diff(found, axis=0, prepend=0.0)
        else:
            first = float(whole.n_randomized(times[0]))
            stages = [replace(whole, n=n) for n in (first, whole.n - first)]
            at = [_reached(stage, events) for stage, events in zip(stages, stage_events, strict=True)]
            gained = np.array(
                [
                    _score_moments(stage, replace(part, n=share * stage.n), kinds, time)
                    for stage, time in zip(stages, at, strict=True)
                ]
            )
        known = gained[:, 1] > 0
        ratios[known, j] = np.clip(gained[known, 0] / gained[known, 1], 0.0, 1.0)
    return ratios


def _reached(stage: Trial, events: float) -> float:
    """Time at which its events are expected, or one at which hardly any more come."""
    return min(time_of_events(stage, events), 10 * stage.entry_end)


def _score_moments(whole: Trial, part: Trial, kinds: slice, time: float) -> tuple[float, float]:
    """Covariance of the scores, and the variance of that of the part."""
    return score_covariance(whole, kinds, time), logrank_moments(part, time).variance
