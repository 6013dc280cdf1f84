"""Survival from a later start: conditional survival and landmark analysis.

References
----------
.. [1] Anderson JR, Cain KC, Gelber RD. Analysis of survival by tumor response. J Clin Oncol
   1983;1:710-719.
.. [2] Zabor EC, Gonen M, Chapman PB, Panageas KS. Dynamic prognostication using conditional survival
   estimates. Cancer 2013;119:3589-3592.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from igfstrat.errors import EstimationError
from igfstrat.survival._inputs import read_sample
from igfstrat.survival._types import BoolArray, FloatArray
from igfstrat.survival.curves import SurvivalCurve, curve_of_sample


def conditional(
    *, time: Any, event: Any, given: float, ci: str = "log-log", level: float = 0.95, entry: Any = None
) -> SurvivalCurve:
    """Survival of those who were event-free and under observation at a time.

    It equals S(t) / S(given), with an error that counts only what happens afterwards.

    Parameters
    ----------
    time : array-like of float, shape (n,)
        Follow-up, >= 0, one unit.
    event : array-like of bool, shape (n,)
        True = event observed.
    given : float
        The time survived, same unit.
    ci : str
        Scale of the interval, see `kaplan_meier`.
    level : float
        Coverage, between 0 and 1.
    entry : array-like of float, shape (n,), optional
        Start of observation, below `time`.

    Returns
    -------
    SurvivalCurve
        Curve on the original time axis, 1 up to `given`.

    Raises
    ------
    EstimationError
        Nobody is followed beyond `given`.
    """
    sample = read_sample(time=time, event=event, entry=entry)
    keep = sample.time > given
    if not keep.any():
        msg = f"nobody is followed beyond given = {given:g}; the longest follow-up is {sample.time[-1]:g}"
        raise EstimationError(msg)
    part = read_sample(
        time=sample.time[keep],
        event=sample.event[keep],
        entry=None if sample.entry is None else sample.entry[keep],
    )
    return curve_of_sample(part, ci, level)


@dataclass(frozen=True, slots=True, kw_only=True)
class Landmark:
    """Who is still followed at a landmark, with time counted from there.

    Parameters
    ----------
    keep : ndarray of bool, shape (n,)
        Rows of the original data that are analysed.
    time : ndarray of float, shape (k,)
        Follow-up since the landmark, > 0, of the rows kept.
    event : ndarray of bool, shape (k,)
        True = event observed, of the rows kept.
    n_events_before : int
        Patients left out because their event came at or before the landmark.
    n_censored_before : int
        Patients left out because their follow-up ended at or before the landmark.
    """

    keep: BoolArray
    time: FloatArray
    event: BoolArray
    n_events_before: int
    n_censored_before: int


def landmark(*, time: Any, event: Any, at: float) -> Landmark:
    """Cut the data at a landmark, so that what happened before it can define groups fairly.

    Parameters
    ----------
    time : array-like of float, shape (n,)
        Follow-up, >= 0, one unit.
    event : array-like of bool, shape (n,)
        True = event observed.
    at : float
        The landmark, same unit.

    Returns
    -------
    Landmark
        Rows kept, their remaining time and what was left out.

    Raises
    ------
    EstimationError
        Nobody is followed beyond the landmark.
    """
    sample = read_sample(time=time, event=event)
    keep = np.zeros(sample.n, np.bool_)
    later = sample.time > at
    keep[sample.order] = later
    if not later.any():
        msg = f"nobody is followed beyond the landmark {at:g}; the longest follow-up is {sample.time[-1]:g}"
        raise EstimationError(msg)
    back = np.empty(sample.n, np.int64)
    back[sample.order] = np.arange(sample.n)
    rows = back[keep]
    return Landmark(
        keep=keep,
        time=sample.time[rows] - at,
        event=sample.event[rows],
        n_events_before=int(np.count_nonzero(sample.event & ~later)),
        n_censored_before=int(np.count_nonzero(~sample.event & ~later)),
    )
