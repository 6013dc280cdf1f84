"""Hazards of every kind of patient of a cohort: baselines solved, hazard ratios of the effects applied.

A kind of patient is a cell of group x stage x IGF-1R status x age class x class of serum IGF-1. Within a group the
others are independent of each other, which is assumed, and so the share of each cell is a product.
All hazards are proportional: the hazard ratio of a marker is conditional on the other four.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.special import ndtr, ndtri

from igfstrat.errors import ConfigError
from igfstrat.synthetic.config import CohortConfig, Figure
from igfstrat.synthetic.hazards import Floats, cumulative_hazard, solve_baseline
from igfstrat.synthetic.numbers import Number

OLD_FROM: Final = 70.0  # years; the age class is a setting of the generator
_HALF_OF_ROUNDING: Final = 0.05  # ages are drawn to a tenth of a year
# upper limits of the classes of serum IGF-1, as shares; the highest class has the effect, the others are at 1
_CONTRASTS: Final = {"highest_fifth": (0.2, 0.8), "above_median": (0.5,)}
FIRST, OS = "first", "os"


@dataclass(frozen=True, slots=True)
class Prognosis:
    """Hazards by cell.

    Parameters
    ----------
    by_stage : bool
        Whether baselines belong to stages; else to groups.
    starts : ndarray of float64, shape (k,)
        Months at which the pieces of all hazards begin.
    first, os : ndarray of float64, shape (n_groups or n_stages, k)
        Baseline hazard a month of the first endpoint and of death.
    ratio_first, ratio_os : ndarray of float64, shape (groups, stages, 2, 2, serum classes)
        Hazard ratio of each cell: status low and high, age below and from `OLD_FROM`.
    weights : ndarray of float64, the same shape
        Share of each cell.
    other_deaths : ndarray of float64, shape (2,)
        Share of the hazard of death that isn't the cancer's, by age class.
    serum_cuts : ndarray of float64, shape (serum classes - 1,)
        Upper limits of the serum classes, in standard deviations.
    """

    by_stage: bool
    starts: Floats
    first: Floats
    os: Floats
    ratio_first: Floats
    ratio_os: Floats
    weights: Floats
    other_deaths: Floats
    serum_cuts: Floats


def make_prognosis(config: CohortConfig, *, check_order: bool = True) -> Prognosis:
    """Solve the baselines of a configuration.

    Parameters
    ----------
    config : CohortConfig
        Figures, shapes, shares and effects.
    check_order : bool
        Whether figures that let patients die before the first endpoint are refused; one endpoint alone doesn't ask.

    Returns
    -------
    Prognosis
        Hazards by cell.

    Raises
    ------
    ConfigError
        If some kind of patient would die before the first endpoint, or die of other causes more often than have
        any event: the figures and the effects contradict each other.
    """
    shares = _shares(config)
    ratios = {name: _ratios(config, name, len(shares[4])) for name in (FIRST, OS)}
    starts = np.unique([s for shape in config.outcomes.shapes.values() for s in shape.starts.values])
    by_stage = config.outcomes.by == "stage"
    keys = list(config.stages if by_stage else config.groups)
    rates = {name: _baselines(config, name, keys, starts, ratios[name], shares) for name in (FIRST, OS)}
    outcomes, serum = config.outcomes, config.effects.serum_igf1
    made = Prognosis(
        by_stage=by_stage,
        starts=starts,
        first=rates[FIRST],
        os=rates[OS],
        ratio_first=ratios[FIRST],
        ratio_os=ratios[OS],
        weights=_product(shares),
        other_deaths=np.array([outcomes.other_deaths_under_70.value, outcomes.other_deaths_from_70.value])
        / 100,
        serum_cuts=ndtri(_CONTRASTS[serum.contrast]) if serum else np.empty(0),
    )
    if check_order:
        _check_order(made, config)
    return made


def cell_hazards(prognosis: Prognosis, cells: tuple[np.ndarray, ...]) -> tuple[Floats, Floats]:
    """Hazards of the first endpoint and of death.

    Parameters
    ----------
    prognosis : Prognosis
        Baselines and ratios.
    cells : tuple of ndarray of int, each of shape (n,)
        Indices of group, stage, status, age class and serum class.

    Returns
    -------
    tuple of ndarray of float64, each of shape (n, k)
        A month, by piece.
    """
    key = cells[1] if prognosis.by_stage else cells[0]
    first = prognosis.first[key] * prognosis.ratio_first[cells][:, np.newaxis]
    return first, prognosis.os[key] * prognosis.ratio_os[cells][:, np.newaxis]


def _shares(config: CohortConfig) -> list[Floats]:
    """Shares of groups, stages, status by group, age classes and serum classes; status has two axes."""
    groups = np.array([g.share.value for g in config.groups.values()]) / 100
    stages = np.array([s.share.value for s in config.stages.values()]) / 100
    high = np.array(
        [config.igf1r.prevalence[g.staining or n].value for n, g in config.groups.items()], dtype=np.float64
    )
    status = np.stack([1 - high / 100, high / 100], axis=1)
    mean, sd = config.people.age_mean.value, config.people.age_sd.value
    old = float(ndtr((mean - OLD_FROM + _HALF_OF_ROUNDING) / sd))
    serum = config.effects.serum_igf1
    limits = (0.0, *(_CONTRASTS[serum.contrast] if serum else ()), 1.0)
    return [groups, stages, status, np.array([1 - old, old]), np.diff(limits)]


def _product(shares: list[Floats], *, given: int | None = None) -> Floats:
    """Shares of the cells; `given` is the axis (group or stage) on which they are conditional."""
    groups, stages, status, ages, serum = shares
    groups = np.ones_like(groups) if given == 0 else groups
    stages = np.ones_like(stages) if given == 1 else stages
    return np.asarray(np.einsum("g,s,gh,a,c->gshac", groups, stages, status, ages, serum))


def _ratios(config: CohortConfig, endpoint: str, n_classes: int) -> Floats:
    stages = [_value(stage.hazard_ratio) for stage in config.stages.values()]
    status = np.ones((len(config.groups), 2))
    for i, name in enumerate(config.groups):
        if name in config.effects.igf1r:
            status[i, 1] = _value(getattr(config.effects.igf1r[name], endpoint))
    serum, effect = np.ones(n_classes), config.effects.serum_igf1
    if effect is not None:
        serum[-1] = _value(getattr(effect.ratio, endpoint))
    ages = np.array([1.0, config.outcomes.from_70_hazard_ratio.value])
    return np.asarray(np.einsum("g,s,gh,a,c->gshac", np.ones(len(status)), stages, status, ages, serum))


def _value(number: Number | None) -> float:
    return 1.0 if number is None else number.value


def _baselines(
    config: CohortConfig, endpoint: str, keys: list[str], starts: Floats, ratios: Floats, shares: list[Floats]
) -> Floats:
    axis = 1 if config.outcomes.by == "stage" else 0
    weights = np.moveaxis(_product(shares, given=axis), axis, 0).reshape(len(keys), -1)
    of_key = np.moveaxis(ratios, axis, 0).reshape(len(keys), -1)
    rates = []
    for i, key in enumerate(keys):
        figure: Figure = getattr(config.outcomes.baselines[key], endpoint)
        shape = config.outcomes.shapes[figure.shape]
        at = np.searchsorted(shape.starts.values, starts, side="right") - 1
        relative = np.asarray(shape.relative.values)[at]
        months, survival = figure.point
        unit = cumulative_hazard([months], starts=starts, rates=relative)[0]
        solved = solve_baseline(survival=survival, ratios=of_key[i], weights=weights[i])
        rates.append(relative * solved / unit)
    return np.array(rates)


def _check_order(prognosis: Prognosis, config: CohortConfig) -> None:
    shape = prognosis.weights.shape
    cells = tuple(axis.ravel() for axis in np.indices(shape))
    first, death = cell_hazards(prognosis, cells)
    other = prognosis.other_deaths[cells[3]][:, np.newaxis] * death
    widths = np.append(np.diff(prognosis.starts), 0.0)
    # cumulative hazards are straight between knots: the knots and the last slope decide
    late = np.any(np.cumsum((death - first) * widths, axis=1) > 1e-12, axis=1) | (death[:, -1] > first[:, -1])
    wrong = np.flatnonzero(late | np.any(other > first, axis=1))
    if len(wrong):
        names = list(config.groups)[cells[0][wrong[0]]], list(config.stages)[cells[1][wrong[0]]]
        message = (
            f"{config.name}: {len(wrong)} of {len(late)} kinds of patients would die before the first endpoint,"
            f" such as {names[0]}, {names[1]}: lower the hazard of death or its hazard ratios, or raise those of"
            f" {config.outcomes.first}"
        )
        raise ConfigError(message)
