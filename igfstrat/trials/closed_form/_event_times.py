"""When events are expected: their number by a calendar time in closed form, and its inverse.

Hazards and accrual are constant between their knots, so that the share with an event by x since randomization is a sum of
exponentials, and the events by a calendar time are its integral over the entries. Scans leave no such form.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt

from igfstrat.trials.closed_form._integrals import pieces_of
from igfstrat.trials.closed_form.trial import Trial

FloatArray = npt.NDArray[np.float64]

_LONGEST: Final = 1e4  # times of the accrual: who has had no event by then never has one
_STEPS: Final = 200
_NEAR: Final = 1e-7  # of a step of Newton, whose result is near by its square
_GRID: Final = np.linspace(0.0, 1.0, 17)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class EventCurve:
    """Expected events over calendar time; c is arms by kinds of patients, k the pieces of their hazards.

    Parameters
    ----------
    starts : ndarray of float64, shape (k,)
        Where pieces begin, since randomization.
    ending, coming : ndarray of float64, shape (c, k)
        Hazard of the event and dropout together, and the share that would have the event in a piece without an end.
    seen, spent : ndarray of float64, shape (k,)
        Share with an event by the start of a piece, and the integral of this share until there.
    edges, steps : ndarray of float64, shape (e,)
        Calendar times at which the rate of entry changes, and by how much.
    most : float
        Events that come in the end.
    """

    starts: FloatArray
    ending: FloatArray
    coming: FloatArray
    seen: FloatArray
    spent: FloatArray
    edges: FloatArray
    steps: FloatArray
    most: float

    def at(self, time: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Expected events by calendar times, shape (t,), and their rate per unit of time."""
        since = np.maximum(time[:, None] - self.edges, 0.0)
        piece = np.searchsorted(self.starts, since, side="right") - 1
        within = since - self.starts[piece]
        ending, coming = self.ending[:, piece], self.coming[:, piece]
        gone = -np.expm1(-ending * within)
        share = self.seen[piece] + (coming * gone).sum(axis=0)
        whole = (
            self.spent[piece] + self.seen[piece] * within + (coming * (within - gone / ending)).sum(axis=0)
        )
        return whole @ self.steps, share @ self.steps


@lru_cache(maxsize=256)  # a trial is asked for the time of one look after another
def event_curve(trial: Trial) -> EventCurve:
    """The curve of a trial whose events are seen at once and whose accrual ends."""
    pieces = pieces_of(trial)
    lost = np.array(trial.dropout)[:, None, None]
    total = pieces.rates + lost
    alive = np.exp(-(pieces.reached + lost * pieces.starts)) * pieces.shares[..., None]
    ending = np.where(total > 0, total, 1.0)  # any: nobody goes
    coming = alive * np.where(total > 0, pieces.rates, 0.0) / ending
    ending, coming = (a.reshape(-1, len(pieces.starts)) for a in (ending, coming))
    widths = np.diff(pieces.starts)
    gone = -np.expm1(-ending[:, :-1] * widths)
    seen = _summed((coming[:, :-1] * gone).sum(axis=0))
    spent = _summed(seen[:-1] * widths + (coming[:, :-1] * (widths - gone / ending[:, :-1])).sum(axis=0))
    entering = trial.entry.starts < trial.entry_end
    rates = np.append(trial.entry.rates[entering], 0.0)
    return EventCurve(
        starts=pieces.starts,
        ending=ending,
        coming=coming,
        seen=seen,
        spent=spent,
        edges=np.append(trial.entry.starts[entering], trial.entry_end),
        steps=np.diff(rates, prepend=0.0),
        most=trial.n * float(seen[-1] + coming[:, -1].sum()),
    )


def _summed(steps: FloatArray) -> FloatArray:
    return np.concatenate(([0.0], np.cumsum(steps)))


def times_on_curve(trial: Trial, events: FloatArray) -> FloatArray:
    """Calendar times at which numbers of events are expected, by Newton's steps that stay between known bounds.

    Parameters
    ----------
    trial : Trial
        Without scans.
    events : ndarray of float64, shape (t,)
        Of both arms, > 0.

    Returns
    -------
    ndarray of float64, shape (t,)
        Infinite where they never come.
    """
    found = np.full(len(events), math.inf)
    if not math.isfinite(trial.entry_end):
        return found
    curve = event_curve(trial)
    come = np.flatnonzero(events < curve.most)
    if not len(come):
        return found
    limit, high = _LONGEST * trial.entry_end, trial.entry_end
    while high < limit and curve.at(np.array([high]))[0][0] < events[come].max():
        high *= 2
    times = _inverted(curve, events[come], high)
    found[come] = np.where(curve.at(times)[0] < events[come] * (1 - 1e-9), math.inf, times)
    return found


def _inverted(curve: EventCurve, events: FloatArray, high: float) -> FloatArray:
    low, top = np.zeros(len(events)), np.full(len(events), high)
    coarse = high * _GRID
    time = np.interp(events, curve.at(coarse)[0], coarse)
    for _ in range(_STEPS):
        value, slope = curve.at(time)
        early = value < events
        low, top = np.where(early, time, low), np.where(early, top, time)
        step = time - (value - events) / np.maximum(slope, 1e-300)
        # at the end rounding may put it a little beyond a bound
        step = np.where((step >= low - _NEAR) & (step <= top + _NEAR), step, (low + top) / 2)
        done = bool(np.all(np.abs(step - time) <= _NEAR))
        time = step
        if done:
            break
    return time
