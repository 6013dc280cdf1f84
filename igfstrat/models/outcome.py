"""The outcome as scikit-learn passes it about: one structured array with fields event and time.

Nothing is decoded here. An event that is not boolean already is refused, whatever it looks like: the words "0" and "1",
the codes 1/2 and CDISC's inverted CNSR have all been fitted silently as something else.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from igfstrat.errors import DomainError
from igfstrat.survival._inputs import read_event, read_times

OUTCOME_DTYPE: Final = np.dtype([("event", np.bool_), ("time", np.float64)])


def make_outcome(*, time: Any, event: Any) -> NDArray[np.void]:
    """Follow-up and events as one structured array, the `y` of every estimator here.

    Parameters
    ----------
    time : array-like of float, shape (n,)
        Follow-up, >= 0, one unit; no NaN.
    event : array-like of bool, shape (n,)
        True = event observed.

    Returns
    -------
    ndarray, shape (n,)
        Fields `event` (bool) and `time` (float64).

    Raises
    ------
    DomainError
        If the event is not boolean, or a time is negative, missing or infinite.

    Examples
    --------
    >>> make_outcome(time=[5.0, 3.0], event=[True, False])["event"].tolist()
    [True, False]
    """
    followed = read_times(time, "time")
    outcome = np.empty(len(followed), OUTCOME_DTYPE)
    outcome["event"], outcome["time"] = read_event(event, len(followed)), followed
    return outcome


def read_outcome(y: Any, n: int | None = None) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Time and event of a structured outcome.

    Parameters
    ----------
    y : ndarray, shape (n,)
        Fields `event` (bool) and `time` (number), as `make_outcome` makes it; further fields are refused.
    n : int, optional
        Required length.

    Returns
    -------
    time : ndarray of float, shape (n,)
        Follow-up, >= 0.
    event : ndarray of bool, shape (n,)
        True = event observed.

    Raises
    ------
    DomainError
        If it is anything else: a list, a table, one column, codes or words instead of booleans.
    """
    names = getattr(getattr(y, "dtype", None), "names", None)
    if not isinstance(y, np.ndarray) or names is None or set(names) != {"event", "time"}:
        found = getattr(y, "dtype", type(y).__name__)
        message = (
            f"y must be a structured array with the fields event and time, found {found}; "
            "make it with make_outcome(time=…, event=…), the event boolean"
        )
        raise DomainError(message)
    if n is not None and y.shape != (n,):
        message = f"y has shape {y.shape} and X has {n} rows; one outcome a patient is needed"
        raise DomainError(message)
    time = read_times(y["time"], "time")
    return time, read_event(y["event"], len(time))
