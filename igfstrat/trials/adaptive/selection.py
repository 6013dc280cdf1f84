"""Which populations an adaptive trial goes on with after an interim, and how many events it then waits for.

A rule sees the interim of many trials at once and says which hypotheses are kept. Who is enrolled follows: everybody where
the overall population or both parts are kept, else the one part; nobody where none is, which stops the trial for
futility. No rule is binding: the level holds whatever it says.

References
----------
.. [1] Brannath W, Zuber E, Branson M, Bretz F, Gallo P, Posch M, Racine-Poon A. Confirmatory adaptive designs with
   Bayesian decision tools for a targeted therapy in oncology. Stat Med 2009;28:1445-1463.
.. [2] Friede T, Parsons N, Stallard N. A conditional error function approach for subgroup selection in adaptive
   clinical trials. Stat Med 2012;31:4309-4320.
.. [3] Spiegelhalter DJ, Freedman LS, Blackburn PR. Monitoring clinical trials: conditional or predictive power?
   Control Clin Trials 1986;7:8-17.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from scipy.special import ndtr, ndtri

from igfstrat.errors import UsageError
from igfstrat.survival._types import BoolArray, FloatArray, IntArray
from igfstrat.trials.adaptive.priors import make_prior, posterior_probability
from igfstrat.trials.scenario.design import ReestimationSettings, SelectionSettings

EVERYBODY: Final = 3
POSITIVES: Final = 2
NEGATIVES: Final = 1
NOBODY: Final = 0
_PARTS: Final = {"overall": 3, "positive": 2, "negative": 1}


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Interim:
    """What a rule may look at, r trials and m hypotheses.

    Parameters
    ----------
    hypotheses : tuple of str
        Names of the columns.
    stage : int
        Stage that has just ended, from 1.
    z : ndarray of float64, shape (r, m)
        Statistics so far of the data that select, > 0 where the experimental arm is better; NaN without one.
    information : ndarray of float64, shape (r, m)
        Variance of the score so far, of the same data.
    running : ndarray of bool, shape (r, m)
        Hypotheses still in the trial.
    needed : ndarray of float64, shape (r, m)
        Statistic that the rest must yield for a rejection if the hypothesis goes on alone.
    remaining : ndarray of float64, shape (r, m)
        Information that the rest is then expected to bring, as planned.
    """

    hypotheses: tuple[str, ...]
    stage: int
    z: FloatArray
    information: FloatArray
    running: BoolArray
    needed: FloatArray
    remaining: FloatArray

    @property
    def log_hazard_ratio(self) -> FloatArray:
        """One-step estimate, -z / sqrt(information), shape (r, m); NaN without information."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(-self.z / np.sqrt(self.information))

    def conditional_power(self, log_hazard_ratio: FloatArray | None = None) -> FloatArray:
        """Probability of a rejection at the end, each hypothesis alone, at its estimate or a given effect.

        Parameters
        ----------
        log_hazard_ratio : ndarray of float64, shape () or (r, m), optional
            The estimates where left out.

        Returns
        -------
        ndarray of float64, shape (r, m)
            0 where there is no statistic.
        """
        theta = -(self.log_hazard_ratio if log_hazard_ratio is None else log_hazard_ratio)
        return _known(ndtr(theta * np.sqrt(self.remaining) - self.needed))

    def predictive_power(self) -> FloatArray:
        """Conditional power averaged over the effect, given the interim and nothing else (a flat prior) [3]_.

        Returns
        -------
        ndarray of float64, shape (r, m)
            0 where there is no statistic.
        """
        root = np.sqrt(self.remaining)
        with np.errstate(divide="ignore", invalid="ignore"):
            spread = np.sqrt(1 + self.remaining / self.information)
            return _known(ndtr((-self.log_hazard_ratio * root - self.needed) / spread))


Rule = Callable[[Interim], BoolArray]


def _known(value: FloatArray) -> FloatArray:
    return np.where(np.isnan(value), 0.0, value)


def make_rule(settings: SelectionSettings) -> Rule:
    """The rule of a scenario.

    Parameters
    ----------
    settings : SelectionSettings
        Section `selection` of a design.

    Returns
    -------
    callable
        `Interim` to the hypotheses kept, bool, shape (r, m).

    Examples
    --------
    >>> rule = make_rule(SelectionSettings(rule="best"))
    >>> seen = Interim(hypotheses=("overall", "positive"), stage=1, z=np.array([[1.0, 2.0], [2.0, 1.0]]),
    ...     information=np.full((2, 2), 20.0), running=np.full((2, 2), True), needed=np.ones((2, 2)),
    ...     remaining=np.full((2, 2), 20.0))
    >>> rule(seen).tolist()
    [[False, True], [True, False]]
    """

    def rule(interim: Interim) -> BoolArray:
        score = _score(settings, interim)
        score = np.where(interim.running & ~np.isnan(interim.z) & ~np.isnan(score), score, -np.inf)
        kept = score > -np.inf
        if settings.rule in {"best", "epsilon"}:
            margin = float(settings.epsilon or 0.0) if settings.rule == "epsilon" else 0.0
            kept &= score >= score.max(axis=1, keepdims=True) - margin
        if settings.at_least is not None:
            kept &= score >= _limits(settings.at_least, interim.hypotheses, -np.inf)
        if settings.at_most is not None:
            with np.errstate(invalid="ignore"):
                limits = _limits(settings.at_most, interim.hypotheses, np.inf)
                kept &= interim.log_hazard_ratio <= np.log(limits)
        return kept

    return rule


def _score(settings: SelectionSettings, interim: Interim) -> FloatArray:
    """What is compared, larger where better."""
    if settings.rule == "conditional_power":
        assumed = None if settings.assumed is None else np.log(settings.assumed)
        return interim.conditional_power(assumed)
    if settings.rule == "predictive_power":
        return interim.predictive_power()
    if settings.rule == "posterior_probability":
        return _posterior(settings, interim)
    return -interim.log_hazard_ratio if settings.by == "log_hazard_ratio" else interim.z


def _posterior(settings: SelectionSettings, interim: Interim) -> FloatArray:
    """Probability that each hazard ratio is below its limit."""
    names = interim.hypotheses
    limits = _limits(settings.hazard_ratio_below, names, np.inf)
    columns = [
        posterior_probability(
            make_prior(settings.prior_of(name)),
            interim.log_hazard_ratio[:, j],
            interim.information[:, j],
            below=float(limits[j]),
        )
        for j, name in enumerate(names)
    ]
    return np.column_stack(columns)


def _limits(given: Any, names: tuple[str, ...], free: float) -> FloatArray:
    """A limit for each hypothesis; one without any lets everything pass."""
    if isinstance(given, Mapping):
        return np.array([given.get(name, free) for name in names], dtype=np.float64)
    return np.full(len(names), float(given))


def apply_rule(rule: Rule, interim: Interim) -> BoolArray:
    """Hypotheses kept by a rule, which may be a user's function.

    Parameters
    ----------
    rule : callable
        `Interim` to bool, shape (r, m).
    interim : Interim
        Of r trials.

    Returns
    -------
    ndarray of bool, shape (r, m)
        Never one that had been dropped before.

    Raises
    ------
    UsageError
        If the rule answers with something else.
    """
    kept = np.asarray(rule(interim))
    if kept.dtype != np.bool_ or kept.shape != interim.z.shape:
        message = (
            f"a selection rule answers with booleans of shape {interim.z.shape}, a column a hypothesis;"
            f" this one gave {kept.dtype} of shape {kept.shape}"
        )
        raise UsageError(message)
    return kept & interim.running


def enrolled_parts(hypotheses: tuple[str, ...], kept: BoolArray) -> IntArray:
    """Who is enrolled after a selection.

    Parameters
    ----------
    hypotheses : tuple of str
        Names of the columns.
    kept : ndarray of bool, shape (r, m)
        Hypotheses kept.

    Returns
    -------
    ndarray of int64, shape (r,)
        `NOBODY` 0, `NEGATIVES` 1, `POSITIVES` 2, `EVERYBODY` 3.

    Examples
    --------
    >>> enrolled_parts(("overall", "positive"), np.array([[True, False], [False, True], [False, False]])).tolist()
    [3, 2, 0]
    """
    parts = np.zeros(len(kept), np.int64)
    for j, name in enumerate(hypotheses):
        parts |= np.where(kept[:, j], _PARTS[name], 0)
    return parts


def reestimated_events(
    settings: ReestimationSettings,
    interim: Interim,
    kept: BoolArray,
    *,
    planned: FloatArray,
    seen: FloatArray,
    per_event: float,
) -> FloatArray:
    """Events of the rest of the trial at which the conditional power is reached, between the planned ones and the cap.

    The weights of the stages stay as planned, so that more events cost no level.

    Parameters
    ----------
    settings : ReestimationSettings
        The conditional power wanted and the most events of the whole trial.
    interim : Interim
        Of r trials.
    kept : ndarray of bool, shape (r, m)
        Hypotheses kept; the one that needs least decides.
    planned : ndarray of float64, shape (r,)
        Events that the rest was planned with.
    seen : ndarray of float64, shape (r,)
        Events of the trial so far.
    per_event : float
        Information that an event brings.

    Returns
    -------
    ndarray of float64, shape (r,)
        Whole numbers, >= planned. Where the estimate shows no benefit no number would do, and the planned one stays.
    """
    theta = -(interim.log_hazard_ratio if settings.assumed is None else np.log(settings.assumed))
    with np.errstate(divide="ignore", invalid="ignore"):
        reach = np.maximum(interim.needed + ndtri(settings.conditional_power), 0.0) / theta
        events = np.where(kept & (theta > 0), np.ceil(reach**2 / per_event), np.inf)
    least = events.min(axis=1)
    cap = np.maximum(settings.most_events - seen, planned)
    hopeless = ~np.isfinite(least)
    return np.where(hopeless, planned, np.clip(least, planned, cap))
