"""Expected events, log-rank drift and power in closed form: what the simulation has to agree with.

The integrals use the accrual, dropout and hazards of the design itself, stratum by stratum. Z is positive where
the experimental arm is better. Looks at numbers of events are taken at the calendar time at which as many are expected,
whose variation over trials the integrals leave out.

References
----------
.. [1] Schoenfeld D. The asymptotic properties of nonparametric tests for comparing survival distributions.
   Biometrika 1981;68:316-319.
.. [2] Kalbfleisch JD, Prentice RL. Estimation of the average hazard ratio. Biometrika 1981;68:105-112.
.. [3] Mukhopadhyay P, Huang W, Metcalfe P, et al. Statistical and practical considerations in designing of
   immuno-oncology trials. J Biopharm Stat 2020;30:1130-1146.
.. [4] Struthers CA, Kalbfleisch JD. Misspecified proportional hazard models. Biometrika 1986;73:363-369.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq
from scipy.special import ndtr, ndtri

from igfstrat.errors import DomainError
from igfstrat.trials.closed_form._event_times import times_on_curve
from igfstrat.trials.closed_form._integrals import Flow, change_points, divided, flow_at
from igfstrat.trials.closed_form.trial import Trial
from igfstrat.trials.rejection.boundaries import Crossing, crossing_probabilities

FloatArray = npt.NDArray[np.float64]

_LONGEST: Final = 1e4  # times of the accrual: who has had no event by then never has one
_REACH: Final = 50.0  # log hazard ratio beyond which there is no finite limit


def expected_events(trial: Trial, time: float) -> float:
    """Events expected by a calendar time.

    Parameters
    ----------
    trial : Trial
        Who enters, and their hazards.
    time : float
        Since the first patient could enter, >= 0.

    Returns
    -------
    float
        Of both arms.

    Examples
    --------
    >>> from igfstrat.trials.patients.piecewise import constant_hazard
    >>> control = constant_hazard(math.log(2) / 12)
    >>> trial = Trial(n=500, control=(control,), experimental=(control.times(0.75),), weights=np.ones(1),
    ...               strata=np.zeros(1, dtype=np.int64), entry=constant_hazard(500 / 24),
    ...               dropout=(-math.log(0.95) / 12,) * 2)
    >>> round(expected_events(trial, 32.688), 2)
    300.0
    """
    return float(flow_at(trial, time).events.sum()) if time > 0 else 0.0


def time_of_events(trial: Trial, events: float) -> float:
    """Calendar time at which a number of events is expected.

    Parameters
    ----------
    trial : Trial
        Who enters, and their hazards.
    events : float
        Of both arms, > 0.

    Returns
    -------
    float
        Infinite where they never come: too few patients, cured ones, dropout.
    """
    return times_of_events(trial, [events])[0]


def times_of_events(trial: Trial, events: Sequence[float]) -> list[float]:
    """Calendar times at which several numbers of events are expected.

    Parameters
    ----------
    trial : Trial
        Who enters, and their hazards.
    events : sequence of float
        Of both arms, > 0.

    Returns
    -------
    list of float
        Infinite where they never come.
    """
    if trial.scan == 0:
        return [float(t) for t in times_on_curve(trial, np.array(events, dtype=np.float64))]
    return [_time_by_scans(trial, number) for number in events]


def _time_by_scans(trial: Trial, events: float) -> float:
    high = trial.entry_end
    if events >= trial.n or not math.isfinite(high):
        return math.inf
    limit = high * _LONGEST
    found = expected_events(trial, high)
    while found < events:
        high *= 2
        before, found = found, expected_events(trial, high)
        if high > limit or (found < events and found - before < 1e-9 * events):
            return math.inf
    return float(brentq(lambda t: expected_events(trial, t) - events, 0.0, high, xtol=1e-10))


@dataclass(frozen=True, slots=True, kw_only=True)
class Moments:
    """The (stratified) log-rank test at a calendar time, in expectation.

    Parameters
    ----------
    time : float
        Calendar time.
    events, events_control, events_experimental : float
        Expected events.
    score : float
        Mean of observed minus expected events of the experimental arm: the drift integral.
    information : float
        Mean of the hypergeometric variance by which the test divides.
    variance : float
        Of observed minus expected under these hazards, by the martingale integral; equals the information
        where the arms are alike.
    """

    time: float
    events: float
    events_control: float
    events_experimental: float
    score: float
    information: float
    variance: float

    @property
    def z(self) -> float:
        """Mean of the standardised statistic, > 0 where the experimental arm is better."""
        return -self.score / math.sqrt(self.information)

    @property
    def hazard_ratio(self) -> float:
        """exp(score / information): the hazard ratio that the log-rank test sees, diluted by who doesn't benefit."""
        return math.exp(self.score / self.information)

    def power(self, alpha: float) -> float:
        """Power of a fixed test with variance 1 of Z.

        Parameters
        ----------
        alpha : float
            One-sided level.

        Returns
        -------
        float
            Between 0 and 1.
        """
        return float(ndtr(self.z + ndtri(alpha)))


def logrank_moments(trial: Trial, time: float) -> Moments:
    """Drift, information and variance of the log-rank test with the design's own censoring.

    Parameters
    ----------
    trial : Trial
        Who enters, and their hazards; risk sets stay within its strata.
    time : float
        Calendar time of the look.

    Returns
    -------
    Moments
        Schoenfeld [1]_, without assuming proportional hazards.
    """
    flow = flow_at(trial, time)
    score = information = variance = 0.0
    for control, experimental, seen_control, seen in _by_stratum(trial, flow):
        total = control + experimental
        score += float(flow.weight @ divided(control * seen - experimental * seen_control, total))
        tied = _not_seen(flow, seen + seen_control, total)
        information += float(
            flow.weight @ (tied * divided(control * experimental * (seen + seen_control), total**2))
        )
        spread = _spread(flow, control, experimental, seen_control, seen)
        variance += float(
            flow.weight @ divided(control**2 * spread[1] + experimental**2 * spread[0], total**2)
        )
    events = flow.events.sum(axis=1)
    return Moments(
        time=time,
        events=float(events.sum()),
        events_control=float(events[0]),
        events_experimental=float(events[1]),
        score=float(score),
        information=float(information),
        variance=float(variance),
    )


def _by_stratum(trial: Trial, flow: Flow) -> list[tuple[FloatArray, FloatArray, FloatArray, FloatArray]]:
    """Of each stratum: at risk on control and experimental, rate of events on control and experimental."""
    found = []
    for stratum in np.unique(trial.strata):
        here = trial.strata == stratum
        at_risk = flow.at_risk[:, here].sum(axis=1)
        events = (flow.at_risk * flow.hazard)[:, here].sum(axis=1)
        found.append((at_risk[0], at_risk[1], events[0], events[1]))
    return found


def _not_seen(flow: Flow, seen: FloatArray, at_risk: FloatArray) -> FloatArray:
    """Share without the event where events fall together; 1 where each comes alone."""
    return 1 - divided(seen, at_risk) if flow.tied else np.ones_like(seen)


def _spread(
    flow: Flow, control: FloatArray, experimental: FloatArray, seen_control: FloatArray, seen: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Variance of the events on control and experimental: Poisson, or binomial where events fall together."""
    return (
        seen_control * _not_seen(flow, seen_control, control),
        seen * _not_seen(flow, seen, experimental),
    )


def cox_limit(trial: Trial, time: float) -> float:
    """Hazard ratio to which the Cox estimate of a large trial tends, whether hazards are proportional or not.

    Parameters
    ----------
    trial : Trial
        Who enters, and their hazards; stratified as its test.
    time : float
        Calendar time of the analysis.

    Returns
    -------
    float
        Struthers and Kalbfleisch [4]_; 0 or infinite where one arm has no events. Scans are left out: events at once.
    """
    flow = flow_at(replace(trial, scan=0.0), time)
    strata = _by_stratum(trial, flow)

    def score(log_ratio: float) -> float:
        ratio, value = math.exp(log_ratio), 0.0
        for control, experimental, seen_control, seen in strata:
            share = divided(experimental * ratio, experimental * ratio + control)
            value += float(flow.weight @ (seen - share * (seen + seen_control)))
        return value

    if score(-_REACH) <= 0:
        return 0.0
    return math.inf if score(_REACH) >= 0 else math.exp(float(brentq(score, -_REACH, _REACH, xtol=1e-13)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Average:
    """An average hazard ratio and the information about it.

    Parameters
    ----------
    hazard_ratio : float
        Geometric mean over the expected events.
    events : float
        Expected events.
    information : float
        Sum over pieces of time and kinds of patients of 1 / (1 / control + 1 / experimental events).
    """

    hazard_ratio: float
    events: float
    information: float

    def power(self, alpha: float) -> float:
        """Power by this average and the information under the alternative.

        Parameters
        ----------
        alpha : float
            One-sided level.

        Returns
        -------
        float
            Between 0 and 1.
        """
        return float(ndtr(-math.log(self.hazard_ratio) * math.sqrt(self.information) + ndtri(alpha)))


def average_hazard_ratio(trial: Trial, time: float) -> Average:
    """Average hazard ratio, weighted by expected events, as designs with a delayed effect are planned [2]_ [3]_.

    Parameters
    ----------
    trial : Trial
        Who enters, and their hazards.
    time : float
        Calendar time of the analysis.

    Returns
    -------
    Average
        Over the pieces between which no hazard changes.

    Raises
    ------
    DomainError
        If a hazard is 0 on one arm only, so that its ratio has no logarithm.
    """
    flow = flow_at(replace(trial, scan=0.0), time)
    rate = flow.at_risk * flow.hazard * flow.weight
    with np.errstate(divide="ignore", invalid="ignore"):
        log_ratio = np.log(flow.hazard[1] / flow.hazard[0])
    log_ratio = np.where(rate.sum(axis=0) > 0, log_ratio, 0.0)
    if not np.all(np.isfinite(log_ratio)):
        message = "a hazard is 0 on one arm only: there is no average hazard ratio"
        raise DomainError(message)
    piece = np.searchsorted(change_points(trial), flow.time, side="right") - 1
    control, experimental = (np.array([np.bincount(piece, weights=kind) for kind in arm]) for arm in rate)
    events = float(rate.sum())
    return Average(
        hazard_ratio=math.exp(float((rate.sum(axis=0) * log_ratio).sum()) / events),
        events=events,
        information=float(divided(control * experimental, control + experimental).sum()),
    )


def group_sequential_power(
    moments: Sequence[Moments], *, efficacy: npt.ArrayLike, futility: npt.ArrayLike | None = None
) -> tuple[Crossing, float]:
    """Crossing probabilities of a group-sequential log-rank test, and its expected events.

    Parameters
    ----------
    moments : sequence of Moments
        At each look.
    efficacy : array-like of float, shape (K,)
        Upper boundary of Z.
    futility : array-like of float, shape (K,), optional
        Lower boundary of Z.

    Returns
    -------
    tuple of Crossing and float
        By look; expected events when the trial ends.
    """
    found = crossing_probabilities(
        upper=efficacy,
        lower=futility,
        drift=[m.z for m in moments],
        information=[m.information for m in moments],
    )
    # the first look is always held, each further one adds its events where it is reached
    added = np.diff([m.events for m in moments], prepend=0.0)
    return found, float(found.reach @ added)
