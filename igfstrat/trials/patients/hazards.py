"""Piecewise constant hazards of the arms in each true marker stratum, their mixtures and their inverse.

Weibull and cure times become pieces between quantiles of their survival, with the cumulative hazard exact at
every knot; between knots the survival is within 1e-4 (shapes 0.5 to 3). Nothing here knows of an assay or draws.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from igfstrat.errors import DomainError
from igfstrat.trials.patients._overall_survival import Course, death_hazard
from igfstrat.trials.patients.piecewise import PiecewiseHazard, constant_hazard, through
from igfstrat.trials.scenario.outcome import (
    ControlSettings,
    EffectPiece,
    HazardSettings,
    OverallSurvivalSettings,
    StratumEffects,
    SubgroupSettings,
    TreatmentSettings,
)
from igfstrat.trials.scenario.scenario import Scenario

FloatArray = npt.NDArray[np.float64]
Stratum = Literal["positive", "negative"]

_KNOTS: Final = 128  # of a curved hazard
_LAST_SURVIVAL: Final = 1e-5  # survival at the last knot; the hazard stays constant from there


def make_hazard(settings: HazardSettings) -> PiecewiseHazard:
    """The hazard that a scenario describes by a median, pieces, a Weibull or a cure model.

    Parameters
    ----------
    settings : HazardSettings
        One of the four forms.

    Returns
    -------
    PiecewiseHazard
        Per unit of the scenario's time.

    Examples
    --------
    >>> from igfstrat.trials.scenario.outcome import CureSettings
    >>> cure = make_hazard(HazardSettings(cure=CureSettings(fraction=0.2, median=6.0)))
    >>> [round(float(s), 4) for s in cure.survival([6.0, 1000.0])]
    [0.6, 0.2]
    """
    if settings.hazard is not None:
        return _from_pieces([(piece.until, piece.rate) for piece in settings.hazard])
    if settings.weibull is not None:
        shape = settings.weibull.shape
        scale = settings.weibull.scale or float(settings.weibull.median or 0) / math.log(2) ** (1 / shape)
        levels = _levels(0.0)
        return through(scale * levels ** (1 / shape), levels)
    if settings.cure is not None:
        cured, rate = settings.cure.fraction, math.log(2) / settings.cure.median
        levels = _levels(cured)
        knots = -np.log((np.exp(-levels) - cured) / (1 - cured)) / rate
        return through(knots, levels, settled=True)
    return constant_hazard(math.log(2) / float(settings.median or 0))


def _from_pieces(pieces: Sequence[tuple[float | None, float]]) -> PiecewiseHazard:
    starts = np.array([0.0, *(until for until, _ in pieces if until is not None)])
    return PiecewiseHazard(starts, np.array([rate for _, rate in pieces], dtype=np.float64))


def _levels(cured: float) -> FloatArray:
    """Cumulative hazards at the knots; even steps of the arcsine make the error of the survival even over it."""
    angle = np.linspace(0, math.acos(math.sqrt(_LAST_SURVIVAL)), _KNOTS + 1)[1:]
    return np.asarray(-np.log(cured + (1 - cured) * np.cos(angle) ** 2))


def make_effect(pieces: Sequence[EffectPiece]) -> PiecewiseHazard:
    """A hazard ratio over time.

    Parameters
    ----------
    pieces : sequence of EffectPiece
        As in a scenario.

    Returns
    -------
    PiecewiseHazard
        Its rates are ratios.

    Examples
    --------
    >>> make_effect([EffectPiece(until=4.0, hazard_ratio=1.0), EffectPiece(hazard_ratio=0.6)]).at([3.9, 4.0]).tolist()
    [1.0, 0.6]
    """
    return _from_pieces([(piece.until, piece.hazard_ratio) for piece in pieces])


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Cell:
    """Patients who share their true hazards.

    Parameters
    ----------
    stratum : str
        ``positive`` or ``negative``, in truth.
    subgroup : str or None
        Name of the subgroup, where the scenario has some.
    share : float
        Share within the true stratum; the shares of a stratum sum to 1.
    control, experimental : PiecewiseHazard
        Hazard of the endpoint on each arm.
    courses : tuple of Course, optional
        Progression and death on control and experimental, where the scenario has both.
    """

    stratum: Stratum
    subgroup: str | None
    share: float
    control: PiecewiseHazard
    experimental: PiecewiseHazard
    courses: tuple[Course, Course] | None = None


def make_cells(scenario: Scenario) -> tuple[Cell, ...]:
    """The kinds of patients of a scenario: true marker stratum by subgroup.

    Parameters
    ----------
    scenario : Scenario
        With a section `control`.

    Returns
    -------
    tuple of Cell
        The subgroups of the positives in their order, then those of the negatives. With a section `overall_survival`
        the hazards are those of the first event, or, where the endpoint is `os`, of death.

    Raises
    ------
    DomainError
        If the scenario's endpoint is a binary response.
    """
    control = scenario.control
    if control is None:
        message = "a binary response has no hazards"
        raise DomainError(message)
    cells = _cells(control, scenario.treatment, scenario.subgroups)
    survival = scenario.overall_survival
    if survival is None:
        return cells
    return tuple(_with_death(cell, survival, scenario.endpoint == "os") for cell in cells)


@lru_cache(maxsize=256)  # sizes and looks change far more often than what these depend on
def _cells(
    control: ControlSettings, treatment: TreatmentSettings, subgroups: tuple[SubgroupSettings, ...]
) -> tuple[Cell, ...]:
    negative = make_hazard(control)
    positive = make_hazard(control.positive) if control.positive else negative
    positive = positive.times(make_effect(control.prognostic_hazard_ratio))
    groups: list[SubgroupSettings | None] = list(subgroups) or [None]
    effects = treatment.hazard_ratio
    arms: tuple[tuple[Stratum, PiecewiseHazard, PiecewiseHazard], ...] = (
        ("positive", positive, make_effect(effects.positive)),
        ("negative", negative, make_effect(effects.negative)),
    )
    return tuple(_cell(stratum, group, base, effect) for stratum, base, effect in arms for group in groups)


def _cell(
    stratum: Stratum, group: SubgroupSettings | None, base: PiecewiseHazard, effect: PiecewiseHazard
) -> Cell:
    if group is None:
        return Cell(stratum=stratum, subgroup=None, share=1.0, control=base, experimental=base.times(effect))
    control = base.times(group.control_hazard_ratio)
    return Cell(
        stratum=stratum,
        subgroup=group.name,
        share=group.share,
        control=control,
        experimental=control.times(effect).times(group.treatment_hazard_ratio),
    )


def _with_death(cell: Cell, settings: OverallSurvivalSettings, alone: bool) -> Cell:
    """A cell whose hazards so far are those of progression: with death, which is alone the endpoint or among it."""
    before = settings.before_progression
    death = make_hazard(before) if before else constant_hazard(0.0)
    after, crossover = make_hazard(settings.after_progression), settings.crossover
    control = Course(
        progression=cell.control,
        death=death,
        after=after,
        crossed=after.times(crossover.hazard_ratio if crossover else 1.0),
        crossover=crossover.probability if crossover else 0.0,
    )
    changed = after.times(_effect_in(settings.after_progression_hazard_ratio, cell.stratum))
    experimental = Course(
        progression=cell.experimental,
        death=death.times(_effect_in(settings.before_progression_hazard_ratio, cell.stratum)),
        after=changed,
        crossed=changed,
    )
    hazard = death_hazard if alone else Course.first_hazard
    courses = (control, experimental)
    return replace(cell, control=hazard(control), experimental=hazard(experimental), courses=courses)


def _effect_in(effects: StratumEffects, stratum: Stratum) -> PiecewiseHazard:
    return make_effect(effects.positive if stratum == "positive" else effects.negative)


def mixture_survival(
    time: npt.ArrayLike, hazards: Sequence[PiecewiseHazard], weights: npt.ArrayLike
) -> FloatArray:
    """Survival of a mixture of patients.

    Parameters
    ----------
    time : array-like of float, any shape
        >= 0.
    hazards : sequence of PiecewiseHazard
        m kinds of patients.
    weights : array-like of float, shape (m,)
        Shares at the start, of sum 1.

    Returns
    -------
    ndarray of float64, the shape of `time`
        Between 0 and 1.

    Examples
    --------
    >>> float(mixture_survival(10.0, [constant_hazard(0.0), constant_hazard(0.1)], [0.5, 0.5]).round(4))
    0.6839
    """
    pairs = zip(hazards, np.asarray(weights, dtype=np.float64), strict=True)
    return np.asarray(sum(weight * hazard.survival(time) for hazard, weight in pairs))


def mixture_hazard(
    time: npt.ArrayLike, hazards: Sequence[PiecewiseHazard], weights: npt.ArrayLike
) -> FloatArray:
    """Hazard of a mixture of patients: the mean over those who are still without an event.

    Parameters
    ----------
    time : array-like of float, any shape
        >= 0.
    hazards : sequence of PiecewiseHazard
        m kinds of patients.
    weights : array-like of float, shape (m,)
        Shares at the start, of sum 1.

    Returns
    -------
    ndarray of float64, the shape of `time`
        Per unit of time; NaN where nobody is left.

    Examples
    --------
    >>> mixture_hazard([0.0, 1e3], [constant_hazard(0.1), constant_hazard(0.3)], [0.5, 0.5]).round(6).tolist()
    [0.2, 0.1]
    """
    # relative to the lowest cumulative hazard, so that late times don't underflow
    spent = np.array([hazard.cumulative(time) for hazard in hazards])
    with np.errstate(invalid="ignore", divide="ignore"):
        left = np.exp(spent.min(axis=0) - spent) * np.reshape(weights, (-1, *[1] * np.ndim(time)))
        rates = np.array([hazard.at(time) for hazard in hazards])
        return np.asarray((left * rates).sum(axis=0) / left.sum(axis=0))
