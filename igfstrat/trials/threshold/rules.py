"""Designs that choose the cut of a continuous marker: what they test, and how they decide. Nothing is simulated here.

adaptive_threshold
    Everybody is enrolled. The overall test is held first, at its share of the level; where it fails, the largest log-rank
    statistic of those at or above a candidate cut is held against what is left, and the claim is for the cut that has it [1]_.
    The level is kept by the joint distribution of the nested statistics (`nested`) or by permutation of the arms. The
    critical value is one for all candidates, so that no claim for a part without any effect is made more often than at the
    level, whatever the effect elsewhere (a single-step test).
adaptive_threshold with two numbers of events
    The cut is chosen at the interim, by the largest log-rank statistic, and only patients at or above it are enrolled from then
    on. The p-value of the largest statistic is that of the first stage, the gain of the log-rank test above the chosen cut that
    of the second, brought together with the weights of the plan. Nothing but these statistics decides, so the increments
    are independent. No closed test asks for more: of all intersections with the chosen candidate that of all candidates has the
    largest p-value.
adaptive_signature
    The patients enrolled first choose the cut, the rest test it, once and at an unadjusted level: none of them had a say
    in the choice. The overall test takes everybody, at its share of the level [2]_.

References
----------
.. [1] Jiang W, Freidlin B, Simon R. Biomarker-adaptive threshold design: a procedure for evaluating treatment with possible
   biomarker-defined subset effect. J Natl Cancer Inst 2007;99:1036-1043.
.. [2] Freidlin B, Simon R. Adaptive signature design: an adaptive clinical trial design for generating and prospectively
   testing a gene expression signature for sensitive patients. Clin Cancer Res 2005;11:7872-7878.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.special import ndtr, ndtri

from igfstrat.survival._types import BoolArray, FloatArray, IntArray
from igfstrat.trials.rejection.combination import Combination, make_combination
from igfstrat.trials.scenario.design import DesignSettings, Hypothesis
from igfstrat.trials.threshold.nested import nested_p_values

OVERALL_SHARE: Final = 0.8  # of the level, as in both papers


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class CutRules:
    """The rules of a design that chooses a cut, made before any of its trials is looked at.

    Parameters
    ----------
    hypotheses : tuple of str
        ``positive`` (at or above the chosen cut), and before it ``overall`` where that is tested too.
    alpha : float
        One-sided family-wise level.
    levels : ndarray of float64, shape (h,)
        Level of each hypothesis; that of the cut is what its own test may use up.
    joint : bool
        Whether the correlation of the overall statistic and the largest one is made use of.
    split : bool
        Whether other patients choose the cut than those who test it.
    cut_by : str
        ``logrank``, ``hazard_ratio`` or ``interaction``: what is largest at the chosen cut.
    combination : Combination, optional
        Of the two stages, where the cut is chosen at an interim.
    adjusted : bool
        Whether the largest statistic is held against its own distribution; without, the level is not kept.
    """

    hypotheses: tuple[Hypothesis, ...]
    alpha: float
    levels: FloatArray
    joint: bool = False
    split: bool = False
    cut_by: str = "logrank"
    combination: Combination | None = None
    adjusted: bool = True


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class CutStatistics:
    """What a trial shows, r trials and k candidates.

    Parameters
    ----------
    z, information : ndarray of float64, shape (r, k + 1)
        Log-rank statistic, > 0 where the experimental arm is better, and its variance: everybody, then those at or above each
        cut, ascending; NaN without a statistic.
    learning_z, learning_information : ndarray of float64, shape (r, k + 1), optional
        The same of the patients who choose the cut, and
    testing_z : ndarray of float64, shape (r, k + 1), optional
        of those who test it.
    nesting : ndarray of float64, shape (r, k + 1), optional
        Information whose ratios are the squared correlations of the statistics without any effect; `information` where left out.
    p_value : ndarray of float64, shape (r, 2), optional
        Permutation p-values of everybody and of the largest statistic.
    """

    z: FloatArray
    information: FloatArray
    learning_z: FloatArray | None = None
    learning_information: FloatArray | None = None
    testing_z: FloatArray | None = None
    nesting: FloatArray | None = None
    p_value: FloatArray | None = None


def make_cut_rules(
    settings: DesignSettings, *, hypotheses: tuple[Hypothesis, ...], alpha: float, split: bool
) -> CutRules:
    """The rules of a design.

    Parameters
    ----------
    settings : DesignSettings
        The design.
    hypotheses : tuple of str
        As in the scenario; the overall one is tested first, in whichever order they stand.
    alpha : float
        One-sided family-wise level.
    split : bool
        Whether some patients choose and others test.

    Returns
    -------
    CutRules
        Fixed.

    Examples
    --------
    >>> rules = make_cut_rules(DesignSettings(n=500, events=(300,), candidates=(-1.0, 0.0, 1.0)),
    ...                        hypotheses=("overall", "positive"), alpha=0.025, split=False)
    >>> rules.levels.round(4).tolist()
    [0.02, 0.005]
    """
    names: tuple[Hypothesis, ...] = ("overall", "positive") if "overall" in hypotheses else ("positive",)
    events = settings.events or (1,)
    joint = settings.multiplicity == "spiessens_debois" and len(names) == 2
    levels = alpha * _shares(names, settings.weights or {})
    if joint:
        levels[-1] = alpha  # of both tests together
    return CutRules(
        hypotheses=names,
        alpha=alpha,
        levels=levels,
        joint=joint,
        split=split,
        cut_by=settings.cut_by or ("interaction" if split else "logrank"),
        combination=_combination(settings, events, alpha) if len(events) > 1 else None,
        adjusted=not settings.allow_unadjusted_maximum,
    )


def _combination(settings: DesignSettings, events: tuple[int, ...], alpha: float) -> Combination:
    """Weights by the planned events."""
    fractions = np.array(events) / events[-1]
    return make_combination(
        method="inverse_normal", information=fractions, alpha=alpha, spending=settings.spending
    )


def _shares(names: tuple[Hypothesis, ...], weights: Mapping[Hypothesis, float]) -> FloatArray:
    if len(names) == 1:
        return np.ones(1)
    usual: dict[Hypothesis, float] = {"overall": OVERALL_SHARE, "positive": 1 - OVERALL_SHARE}
    return np.array([weights.get(name, usual[name]) for name in names])


def choose_cuts(rules: CutRules, z: FloatArray, information: FloatArray) -> IntArray:
    """The candidate that each trial chooses.

    Parameters
    ----------
    rules : CutRules
        Say by what.
    z, information : ndarray of float64, shape (r, k + 1)
        Everybody, then those at or above each cut.

    Returns
    -------
    ndarray of int64, shape (r,)
        Index of the candidate, the lower one of equals; -1 where none has a statistic. The interaction is the difference of the
        one-step log hazard ratios below and above over its standard error; what is below is the difference of the scores.

    Examples
    --------
    >>> rules = make_cut_rules(DesignSettings(n=9, events=(5,), candidates=(0.0, 1.0)), hypotheses=("positive",),
    ...                        alpha=0.025, split=False)
    >>> choose_cuts(rules, np.array([[1.0, 1.2, 2.0]]), np.array([[9.0, 6.0, 3.0]])).tolist()
    [1]
    """
    score = _score(rules.cut_by, z, information)
    score = np.where(np.isnan(score), -np.inf, score)
    best = score.argmax(axis=1)
    return np.where(score.max(axis=1) > -np.inf, best, -1)


def _score(cut_by: str, z: FloatArray, information: FloatArray) -> FloatArray:
    above, inside = z[:, 1:], information[:, 1:]
    if cut_by == "logrank":
        return above
    with np.errstate(divide="ignore", invalid="ignore"):
        effect = above / np.sqrt(inside)
        if cut_by == "hazard_ratio":
            return effect
        rest = information[:, :1] - inside
        below = (z[:, :1] * np.sqrt(information[:, :1]) - above * np.sqrt(inside)) / rest
        found = (effect - below) / np.sqrt(1 / inside + 1 / rest)
    # a cut that leaves nobody below has nothing to be compared with
    return np.where((rest > 1e-9) & np.isfinite(found), found, np.nan)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class CutDecisions:
    """How r trials ended.

    Parameters
    ----------
    chosen : ndarray of int64, shape (r,)
        Index of the candidate; -1 for none.
    rejected : ndarray of bool, shape (r, h)
        By hypothesis; the cut is claimed only where the overall claim was not made.
    last_look : ndarray of int64, shape (r,)
        Index of the look at which the trial ended.
    """

    chosen: IntArray
    rejected: BoolArray
    last_look: IntArray


def decide_cuts(rules: CutRules, found: CutStatistics) -> CutDecisions:
    """Choose a cut and test.

    Parameters
    ----------
    rules : CutRules
        Of the design.
    found : CutStatistics
        Of r trials.

    Returns
    -------
    CutDecisions
        A row a trial.

    Examples
    --------
    >>> rules = make_cut_rules(DesignSettings(n=9, events=(5,), candidates=(0.0, 1.0)),
    ...                        hypotheses=("overall", "positive"), alpha=0.025, split=False)
    >>> shown = CutStatistics(z=np.array([[2.1, 2.5, 3.0], [1.5, 2.0, 3.1], [1.5, 2.0, 2.6]]),
    ...                       information=np.tile([60.0, 40.0, 20.0], (3, 1)))
    >>> decide_cuts(rules, shown).rejected.tolist()
    [[True, False], [False, True], [False, False]]
    """
    if rules.split and found.learning_z is not None and found.learning_information is not None:
        chosen = choose_cuts(rules, found.learning_z, found.learning_information)
    else:
        chosen = choose_cuts(rules, found.z, found.information)
    p = _p_values(rules, found, chosen)
    rejected = np.nan_to_num(p, nan=1.0) <= rules.levels
    if len(rules.hypotheses) == 2:
        rejected[:, 1] &= ~rejected[:, 0]
    return CutDecisions(chosen=chosen, rejected=rejected, last_look=np.zeros(len(chosen), np.int64))


def _p_values(rules: CutRules, found: CutStatistics, chosen: IntArray) -> FloatArray:
    """P-values by hypothesis, or bounds that decide alike."""
    whole = ndtr(-found.z[:, 0]) if found.p_value is None else found.p_value[:, 0]
    if rules.split and found.testing_z is not None:
        cut = ndtr(-_at(found.testing_z, chosen))
    elif not rules.adjusted:
        cut = ndtr(-_at(found.z, chosen))
    elif found.p_value is not None:
        cut = found.p_value[:, 1]
    else:
        nested = found.information if found.nesting is None else found.nesting
        information = np.column_stack((nested[:, 1:], nested[:, 0])) if rules.joint else nested[:, 1:]
        limit = float(-ndtri(rules.levels[0])) if rules.joint else None
        cut = nested_p_values(found.z[:, 1:], information, alpha=float(rules.levels[-1]), overall=limit)
    return cut[:, None] if len(rules.hypotheses) == 1 else np.column_stack((whole, cut))


def _at(values: FloatArray, chosen: IntArray) -> FloatArray:
    """Of the chosen candidate; NaN where none was chosen."""
    taken = values[np.arange(len(values)), np.maximum(chosen, 0) + 1]
    return np.where(chosen >= 0, taken, np.nan)
