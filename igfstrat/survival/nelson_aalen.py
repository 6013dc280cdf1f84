"""Nelson–Aalen estimate of the cumulative hazard.

Ties count as d / n, with the variance sum d / n², as in R's ``survfit(ctype = 1)``.

References
----------
.. [1] Nelson W. Theory and applications of hazard plotting for censored failure data. Technometrics
   1972;14:945-966.
.. [2] Aalen O. Nonparametric inference for a family of counting processes. Ann Stat 1978;6:701-726.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from igfstrat.errors import DomainError
from igfstrat.survival._inputs import read_choice, read_sample
from igfstrat.survival._intervals import normal_quantile
from igfstrat.survival._risk import risk_table
from igfstrat.survival._types import FloatArray, IntArray


@dataclass(frozen=True, slots=True, kw_only=True)
class CumulativeHazard:
    """A cumulative hazard: one row for each distinct time.

    Parameters
    ----------
    time : ndarray of float, shape (m,)
        Distinct times, ascending, in the caller's unit.
    cumulative_hazard : ndarray of float, shape (m,)
        Hazard accumulated up to and including each time.
    std_error : ndarray of float, shape (m,)
        Standard error of the cumulative hazard.
    ci_lower, ci_upper : ndarray of float, shape (m,)
        Limits; both 0 before the first event.
    n_at_risk, n_events, n_censored : ndarray of int, shape (m,)
        Patients, unweighted; at risk = just before each time.
    ci : str
        Scale of the interval: log or plain.
    level : float
        Coverage.
    not_estimable : str or None
        Why the estimate says less than it seems, or None.
    """

    time: FloatArray
    cumulative_hazard: FloatArray
    std_error: FloatArray
    ci_lower: FloatArray
    ci_upper: FloatArray
    n_at_risk: IntArray
    n_events: IntArray
    n_censored: IntArray
    ci: str
    level: float
    not_estimable: str | None = None


def nelson_aalen(
    *, time: Any, event: Any, entry: Any = None, weights: Any = None, ci: str = "log", level: float = 0.95
) -> CumulativeHazard:
    """Nelson–Aalen estimate of the cumulative hazard.

    Parameters
    ----------
    time : array-like of float, shape (n,)
        Follow-up, >= 0, one unit.
    event : array-like of bool, shape (n,)
        True = event observed.
    entry : array-like of float, shape (n,), optional
        Start of observation, below `time`.
    weights : array-like of int, shape (n,), optional
        Whole case weights: how often each row stands for a patient.
    ci : str
        Scale of the interval: log or plain.
    level : float
        Coverage, between 0 and 1.

    Returns
    -------
    CumulativeHazard
        The estimate.

    Raises
    ------
    DomainError
        Fractional weights.

    Examples
    --------
    >>> nelson_aalen(time=[1, 2], event=[True, True]).cumulative_hazard.tolist()
    [0.5, 1.5]
    """
    read_choice(ci, "ci", ("log", "plain"))
    sample = read_sample(time=time, event=event, entry=entry, weights=weights)
    if sample.weights is not None and np.any(sample.weights != np.floor(sample.weights)):
        msg = "weights must be whole numbers here: the error counts patients"
        raise DomainError(msg)
    table = risk_table(sample)
    exposed = np.where(table.at_risk > 0, table.at_risk, 1.0)
    hazard = np.cumsum(table.events / exposed)
    std_error = np.sqrt(np.cumsum(table.events / exposed**2))
    half = normal_quantile(level) * std_error
    if ci == "plain":
        lower, upper = np.maximum(hazard - half, 0.0), hazard + half
    else:
        ratio = half / np.where(hazard > 0, hazard, 1.0)
        lower, upper = hazard * np.exp(-ratio), hazard * np.exp(ratio)
    return CumulativeHazard(
        time=table.time,
        cumulative_hazard=hazard,
        std_error=std_error,
        ci_lower=lower,
        ci_upper=upper,
        n_at_risk=table.n_at_risk,
        n_events=table.n_events,
        n_censored=table.n_censored,
        ci=ci,
        level=level,
        not_estimable=None
        if sample.event.any()
        else "no events: the hazard is 0 throughout and its error unknown",
    )
