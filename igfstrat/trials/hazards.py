"""Piecewise constant hazards of the arms in each true marker stratum, their mixtures and their inverse.

Weibull and cure times become pieces between quantiles of their survival, with the cumulative hazard exact at
every knot; between knots the survival is within 1e-4 (shapes 0.5 to 3). Nothing here knows of an assay or draws.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt

from igfstrat.errors import DomainError
from igfstrat.trials._scenario_outcome import EffectPiece, HazardSettings
from igfstrat.trials.scenario import Scenario

FloatArray = npt.NDArray[np.float64]
Stratum = Literal["positive", "negative"]

_KNOTS: Final = 128  # of a curved hazard
_LAST_SURVIVAL: Final = 1e-5  # survival at the last knot; the hazard stays constant from there


@dataclass(frozen=True, slots=True, eq=False)
class PiecewiseHazard:
    """A hazard, or a ratio of hazards, that is constant between its starts.

    Parameters
    ----------
    starts : ndarray of float64, shape (k,)
        Where the pieces begin, ascending from 0; the last has no end.
    rates : ndarray of float64, shape (k,)
        Value in each piece, >= 0.

    Examples
    --------
    >>> early = PiecewiseHazard(np.array([0.0, 2.0]), np.array([0.1, 0.5]))
    >>> early.cumulative([1.0, 3.0]).tolist(), early.inverse([0.1, 0.7]).round(9).tolist()
    ([0.1, 0.7], [1.0, 3.0])
    """

    starts: FloatArray
    rates: FloatArray

    def __post_init__(self) -> None:
        starts, rates = self.starts, self.rates
        good = len(starts) == len(rates) > 0 and starts[0] == 0 and np.all(np.diff(starts) > 0)
        if (
            not good
            or not np.all(rates >= 0)
            or not np.all(np.isfinite(starts))
            or not np.all(np.isfinite(rates))
        ):
            message = (
                f"pieces start at 0 and ascend, rates are >= 0; found {starts.tolist()} and {rates.tolist()}"
            )
            raise DomainError(message)

    def at(self, time: npt.ArrayLike) -> FloatArray:
        """Value at times, from the start of a piece on.

        Parameters
        ----------
        time : array-like of float, any shape
            >= 0.

        Returns
        -------
        ndarray of float64, the shape of `time`
            Rate per unit of time, or ratio.
        """
        return np.asarray(self.rates[np.searchsorted(self.starts, time, side="right") - 1])

    def cumulative(self, time: npt.ArrayLike) -> FloatArray:
        """Cumulative hazard at times.

        Parameters
        ----------
        time : array-like of float, any shape
            >= 0.

        Returns
        -------
        ndarray of float64, the shape of `time`
            Without dimension.
        """
        times = np.asarray(time, dtype=np.float64)
        piece = np.searchsorted(self.starts, times, side="right") - 1
        return np.asarray(self._at_starts()[piece] + self.rates[piece] * (times - self.starts[piece]))

    def survival(self, time: npt.ArrayLike) -> FloatArray:
        """Survival at times.

        Parameters
        ----------
        time : array-like of float, any shape
            >= 0.

        Returns
        -------
        ndarray of float64, the shape of `time`
            Between 0 and 1.
        """
        return np.asarray(np.exp(-self.cumulative(time)))

    def inverse(self, hazard: npt.ArrayLike) -> FloatArray:
        """Times at which cumulative hazards are reached; standard exponential ones give event times.

        Parameters
        ----------
        hazard : array-like of float, any shape
            Cumulative hazards, >= 0.

        Returns
        -------
        ndarray of float64, the shape of `hazard`
            The first such time; infinite where it is never reached.
        """
        wanted = np.asarray(hazard, dtype=np.float64)
        reached = self._at_starts()
        piece = np.maximum(np.searchsorted(reached, wanted, side="left") - 1, 0)
        with np.errstate(divide="ignore", invalid="ignore"):
            more = (wanted - reached[piece]) / self.rates[piece]
        return np.asarray(self.starts[piece] + np.where(wanted <= reached[piece], 0.0, more))

    def times(self, other: PiecewiseHazard | float) -> PiecewiseHazard:
        """The product with a ratio.

        Parameters
        ----------
        other : PiecewiseHazard or float
            A hazard ratio, constant or in pieces.

        Returns
        -------
        PiecewiseHazard
            With the pieces of both.
        """
        if not isinstance(other, PiecewiseHazard):
            return PiecewiseHazard(self.starts, self.rates * other)
        starts = np.union1d(self.starts, other.starts)
        return PiecewiseHazard(starts, self.at(starts) * other.at(starts))

    def _at_starts(self) -> FloatArray:
        return np.concatenate(([0.0], np.cumsum(self.rates[:-1] * np.diff(self.starts))))


def constant_hazard(rate: float) -> PiecewiseHazard:
    """The hazard of exponential times.

    Parameters
    ----------
    rate : float
        Events per unit of time, >= 0.

    Returns
    -------
    PiecewiseHazard
        One piece.

    Examples
    --------
    >>> float(constant_hazard(np.log(2) / 12).survival(12).round(12))
    0.5
    """
    return PiecewiseHazard(np.zeros(1), np.array([float(rate)]))


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
    >>> from igfstrat.trials._scenario_outcome import CureSettings
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
        return _through(scale * levels ** (1 / shape), levels)
    if settings.cure is not None:
        cured, rate = settings.cure.fraction, math.log(2) / settings.cure.median
        levels = _levels(cured)
        knots = -np.log((np.exp(-levels) - cured) / (1 - cured)) / rate
        return _through(knots, levels, settled=True)
    return constant_hazard(math.log(2) / float(settings.median or 0))


def _from_pieces(pieces: Sequence[tuple[float | None, float]]) -> PiecewiseHazard:
    starts = np.array([0.0, *(until for until, _ in pieces if until is not None)])
    return PiecewiseHazard(starts, np.array([rate for _, rate in pieces], dtype=np.float64))


def _levels(cured: float) -> FloatArray:
    """Cumulative hazards at the knots; even steps of the arcsine make the error of the survival even over it."""
    angle = np.linspace(0, math.acos(math.sqrt(_LAST_SURVIVAL)), _KNOTS + 1)[1:]
    return np.asarray(-np.log(cured + (1 - cured) * np.cos(angle) ** 2))


def _through(knots: FloatArray, levels: FloatArray, *, settled: bool = False) -> PiecewiseHazard:
    """Pieces whose cumulative hazard is `levels` at `knots`."""
    starts = np.concatenate(([0.0], knots[:-1]))
    rates = np.diff(np.concatenate(([0.0], levels))) / np.diff(np.concatenate(([0.0], knots)))
    if settled:  # whoever hasn't had the event by the last knot never has it
        starts, rates = np.append(starts, knots[-1]), np.append(rates, 0.0)
    return PiecewiseHazard(starts, rates)


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
        Hazard on each arm.
    """

    stratum: Stratum
    subgroup: str | None
    share: float
    control: PiecewiseHazard
    experimental: PiecewiseHazard


def make_cells(scenario: Scenario) -> tuple[Cell, ...]:
    """The kinds of patients of a scenario: true marker stratum by subgroup.

    Parameters
    ----------
    scenario : Scenario
        With a section `control`.

    Returns
    -------
    tuple of Cell
        The subgroups of the positives in their order, then those of the negatives.

    Raises
    ------
    DomainError
        If the scenario's endpoint is a binary response.
    """
    control = scenario.control
    if control is None:
        message = "a binary response has no hazards"
        raise DomainError(message)
    negative = make_hazard(control)
    positive = make_hazard(control.positive) if control.positive else negative
    positive = positive.times(make_effect(control.prognostic_hazard_ratio))
    groups: list[Any] = list(scenario.subgroups) or [None]
    effects = scenario.treatment.hazard_ratio
    arms: tuple[tuple[Stratum, PiecewiseHazard, PiecewiseHazard], ...] = (
        ("positive", positive, make_effect(effects.positive)),
        ("negative", negative, make_effect(effects.negative)),
    )
    return tuple(_cell(stratum, group, base, effect) for stratum, base, effect in arms for group in groups)


def _cell(stratum: Stratum, group: Any, base: PiecewiseHazard, effect: PiecewiseHazard) -> Cell:
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


def common_pieces(hazards: Sequence[PiecewiseHazard]) -> tuple[FloatArray, FloatArray]:
    """Several hazards on the same pieces.

    Parameters
    ----------
    hazards : sequence of PiecewiseHazard
        m of them.

    Returns
    -------
    tuple of ndarray of float64, shapes (k,) and (m, k)
        Starts from 0, and the rates of each hazard.

    Examples
    --------
    >>> starts, rates = common_pieces([constant_hazard(0.1), PiecewiseHazard(np.array([0.0, 4.0]), np.array([0.1, 0.06]))])
    >>> starts.tolist(), rates.tolist()
    ([0.0, 4.0], [[0.1, 0.1], [0.1, 0.06]])
    """
    starts = np.unique(np.concatenate([hazard.starts for hazard in hazards]))
    return starts, np.array([hazard.at(starts) for hazard in hazards])


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
