"""Integrals over time since randomization, at one calendar time, with the design's own censoring.

With scans the integrals are sums over these, at which the events since the last one are seen together.
Patients at risk at time s since randomization: n w F(T - s) S(s) G(s), of each kind and arm, with F the share
entered by then, S the survival and G the dropout. Between the points where a hazard or the accrual changes, everything
is smooth and Gauss's rule is exact to rounding.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from igfstrat.trials._trial import Trial

FloatArray = npt.NDArray[np.float64]

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


def flow_at(trial: Trial, time: float) -> Flow:
    """The flow of a trial that is looked at at a calendar time."""
    arms = (trial.control, trial.experimental)
    if trial.scan > 0:
        nodes: FloatArray = trial.scan * np.arange(1.0, int(time / trial.scan) + 1)
        weight = np.ones(len(nodes))
        survival = np.array([[h.survival(nodes - trial.scan) for h in arm] for arm in arms])
        left = np.array([[h.survival(nodes) for h in arm] for arm in arms])
        hazard = 1 - np.divide(left, survival, out=np.ones_like(left), where=survival > 0)
    else:
        nodes, weight = _nodes(trial, time)
        survival = np.array([[h.survival(nodes) for h in arm] for arm in arms])
        hazard = np.array([[h.at(nodes) for h in arm] for arm in arms])
    entered = trial.n_randomized(time - nodes)
    shares = np.array([1 - trial.experimental_share, trial.experimental_share])
    lost = np.exp(-np.multiply.outer(np.array(trial.dropout), nodes))
    at_risk = entered * lost[:, None] * shares[:, None, None] * trial.weights[:, None] * survival
    return Flow(nodes, weight, at_risk, hazard, tied=trial.scan > 0)


def change_points(trial: Trial) -> FloatArray:
    """Times since randomization at which a hazard changes, from 0."""
    return np.unique(np.concatenate([h.starts for h in (*trial.control, *trial.experimental)]))


def _nodes(trial: Trial, time: float) -> tuple[FloatArray, FloatArray]:
    kinks = np.concatenate((change_points(trial), time - trial.entry.starts, [time - trial.entry_end]))
    edges = np.unique(np.concatenate(([0.0, time], kinks[(kinks > 0) & (kinks < time)])))
    fastest = max(float(h.rates.max()) for h in (*trial.control, *trial.experimental)) + max(trial.dropout)
    longest = max(_MEAN_EVENTS_A_PIECE / fastest if fastest > 0 else time, time / _MAX_PIECES)
    counts = np.maximum(np.ceil(np.diff(edges) / longest).astype(int), 1)
    fine = np.concatenate(
        [np.linspace(a, b, c, endpoint=False) for a, b, c in zip(edges, edges[1:], counts, strict=False)]
    )
    fine = np.append(fine, edges[-1])
    middle, half = (fine[1:] + fine[:-1]) / 2, np.diff(fine) / 2
    return (middle[:, None] + half[:, None] * _NODES).ravel(), (half[:, None] * _WEIGHTS).ravel()


def divided(part: FloatArray, whole: FloatArray) -> FloatArray:
    """Zero where nobody is left."""
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)
