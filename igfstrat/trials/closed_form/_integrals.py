"""Integrals over time since randomization, at one calendar time, with the design's own censoring.

With scans the integrals are sums over these, at which the events since the last one are seen together.
Patients at risk at time s since randomization: n w F(T - s) S(s) G(s), of each kind and arm, with F the share
entered by then, S the survival and G the dropout. Between the points where a hazard or the accrual changes, everything
is smooth and Gauss's rule is exact to rounding.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt

from igfstrat.trials.closed_form.trial import Trial
from igfstrat.trials.patients.piecewise import common_pieces

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(16)
_MEAN_EVENTS_A_PIECE: Final = 2.0
_MAX_PIECES: Final = 4096


@dataclass(frozen=True, slots=True, eq=False)
class Flow:
    """Patients at risk and their hazards at the nodes of the integral.

    Parameters
    ----------
    time, weight : ndarray of float64, shape (p,)
        Nodes since randomization and their weights.
    at_risk : ndarray of float64, shape (2, m, p)
        By arm (control, experimental) and kind.
    hazard : ndarray of float64, shape (2, m, p)
        Of the event.
    tied : bool
        Whether events fall together at the nodes, which are then scans, and a hazard is the share that has it there.
    """

    time: FloatArray
    weight: FloatArray
    at_risk: FloatArray
    hazard: FloatArray
    tied: bool = False

    @property
    def events(self) -> FloatArray:
        """Expected events by arm and kind, shape (2, m)."""
        return np.asarray((self.at_risk * self.hazard) @ self.weight)


@dataclass(frozen=True, slots=True, eq=False)
class Pieces:
    """The hazards of a trial on common pieces.

    Parameters
    ----------
    starts : ndarray of float64, shape (k,)
        Times since randomization at which a hazard changes, from 0.
    rates, reached : ndarray of float64, shape (2, m, k)
        Hazard in each piece and its integral until there, by arm and kind.
    shares : ndarray of float64, shape (2, m)
        Of each arm and kind among the randomized.
    """

    starts: FloatArray
    rates: FloatArray
    reached: FloatArray
    shares: FloatArray

    def place(self, time: FloatArray) -> IntArray:
        """Index of the piece in which each time lies."""
        return np.asarray(np.searchsorted(self.starts, time, side="right") - 1)

    def cumulative(self, time: FloatArray) -> FloatArray:
        """Cumulative hazards at times, shape (2, m, p)."""
        piece = self.place(time)
        return np.asarray(self.reached[..., piece] + self.rates[..., piece] * (time - self.starts[piece]))


@lru_cache(maxsize=256)  # of a trial, not of its content: it is asked again at each look
def pieces_of(trial: Trial) -> Pieces:
    """Hazards of both arms on common pieces."""
    starts, rates = common_pieces((*trial.control, *trial.experimental))
    rates = rates.reshape(2, len(trial.weights), len(starts))
    steps = np.cumsum(rates[..., :-1] * np.diff(starts), axis=-1)
    allocated = np.array([1 - trial.experimental_share, trial.experimental_share])
    return Pieces(
        starts,
        rates,
        np.concatenate((np.zeros((*rates.shape[:2], 1)), steps), axis=-1),
        allocated[:, None] * trial.weights,
    )


def flow_at(trial: Trial, time: float) -> Flow:
    """The flow of a trial that is looked at at a calendar time."""
    pieces = pieces_of(trial)
    if trial.scan > 0:
        nodes: FloatArray = trial.scan * np.arange(1.0, int(time / trial.scan) + 1)
        weight = np.ones(len(nodes))
        alive = np.exp(-pieces.cumulative(nodes - trial.scan))
        left = np.exp(-pieces.cumulative(nodes))
        hazard = 1 - np.divide(left, alive, out=np.ones_like(left), where=alive > 0)
    else:
        nodes, weight = _nodes(trial, time)
        alive = np.exp(-pieces.cumulative(nodes))
        hazard = pieces.rates[..., pieces.place(nodes)]
    lost = np.exp(-np.multiply.outer(np.array(trial.dropout), nodes))
    present = trial.n_randomized(time - nodes) * lost
    return Flow(
        nodes, weight, present[:, None] * pieces.shares[..., None] * alive, hazard, tied=trial.scan > 0
    )


def change_points(trial: Trial) -> FloatArray:
    """Times since randomization at which a hazard changes, from 0."""
    return pieces_of(trial).starts


def _nodes(trial: Trial, time: float) -> tuple[FloatArray, FloatArray]:
    pieces = pieces_of(trial)
    kinks = np.concatenate((pieces.starts, time - trial.entry.starts, [time - trial.entry_end]))
    edges = np.unique(np.concatenate(([0.0, time], kinks[(kinks > 0) & (kinks < time)])))
    fastest = float(pieces.rates.max()) + max(trial.dropout)
    longest = max(_MEAN_EVENTS_A_PIECE / fastest if fastest > 0 else time, time / _MAX_PIECES)
    widths = edges[1:] - edges[:-1]
    counts = np.maximum(np.ceil(widths / longest).astype(int), 1)
    # each piece in so many equal parts
    part = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    half = np.repeat(widths / counts / 2, counts)
    middle = np.repeat(edges[:-1], counts) + (2 * part + 1) * half
    return (middle[:, None] + half[:, None] * _NODES).ravel(), (half[:, None] * _WEIGHTS).ravel()


def divided(part: FloatArray, whole: FloatArray) -> FloatArray:
    """Zero where nobody is left."""
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)
