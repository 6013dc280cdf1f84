"""Hazards that are constant between knots: values, integrals, inverse, products and sums."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from igfstrat.errors import DomainError

FloatArray = npt.NDArray[np.float64]


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
        good = len(starts) == len(rates) > 0 and starts[0] == 0 and (starts[1:] > starts[:-1]).all()
        # starts that ascend to a finite one are finite, and NaN is not >= 0
        if not good or not starts[-1] < np.inf or not ((rates >= 0) & (rates < np.inf)).all():
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

    def plus(self, other: PiecewiseHazard) -> PiecewiseHazard:
        """The hazard of whichever comes first.

        Parameters
        ----------
        other : PiecewiseHazard
            A competing hazard.

        Returns
        -------
        PiecewiseHazard
            With the pieces of both.
        """
        starts = np.union1d(self.starts, other.starts)
        return PiecewiseHazard(starts, self.at(starts) + other.at(starts))

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


def through(knots: FloatArray, levels: FloatArray, *, settled: bool = False) -> PiecewiseHazard:
    """Pieces that go through given cumulative hazards.

    Parameters
    ----------
    knots, levels : ndarray of float64, shape (k,)
        Times above 0 and the cumulative hazards there, both ascending.
    settled : bool
        Whether nothing happens after the last knot; else its last hazard stays.

    Returns
    -------
    PiecewiseHazard
        Exact at the knots.

    Examples
    --------
    >>> through(np.array([1.0, 3.0]), np.array([0.2, 0.3])).rates.round(12).tolist()
    [0.2, 0.05]
    """
    starts = np.concatenate(([0.0], knots[:-1]))
    rates = np.diff(np.concatenate(([0.0], levels))) / np.diff(np.concatenate(([0.0], knots)))
    if settled:  # whoever hasn't had the event by the last knot never has it
        starts, rates = np.append(starts, knots[-1]), np.append(rates, 0.0)
    return PiecewiseHazard(starts, rates)
