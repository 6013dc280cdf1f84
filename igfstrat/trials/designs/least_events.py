"""The least number of events that gives a power, where the power is known for any number of events."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

from scipy.special import ndtri

from igfstrat.errors import UsageError

MOST_EVENTS: Final = 1_000_000
_STEPS: Final = 60


def guess_events(events: int, power: float, *, wanted: float, alpha: float) -> int:
    """Events at which a power would be had if the drift grew as the root of the events.

    Parameters
    ----------
    events : int
        Events at which the power is known.
    power, wanted : float
        The power there, and that wanted, in (0, 1).
    alpha : float
        One-sided level.

    Returns
    -------
    int
        At least 2; twice or half the events where the power says nothing about the drift.

    Examples
    --------
    >>> guess_events(300, 0.702442, wanted=0.9, alpha=0.025)
    508
    """
    drift = float(ndtri(min(max(power, 1e-300), 1 - 1e-16)) - ndtri(alpha))
    aim = float(ndtri(wanted) - ndtri(alpha))
    factor = (aim / drift) ** 2 if drift > 0.1 else 4.0
    return max(2, math.ceil(events * min(max(factor, 0.25), 4.0)))


def least_events(
    power_of: Callable[[int], float], *, start: int, wanted: float, alpha: float, least: int
) -> int:
    """The least number of events with a power of at least `wanted`.

    Parameters
    ----------
    power_of : callable
        Power by number of events, not falling.
    start : int
        Where to begin.
    wanted, alpha : float
        The power wanted, and the one-sided level.
    least : int
        The smallest number of events that can be.

    Returns
    -------
    int
        With less events by one the power is below `wanted`, or can't be.

    Raises
    ------
    UsageError
        If a million events don't give it.

    Examples
    --------
    >>> least_events(lambda e: e / 1000, start=10, wanted=0.8, alpha=0.025, least=2)
    800
    """
    low, high = least - 1, None  # the power is too low at low, enough at high
    at = max(start, least)
    for _ in range(_STEPS):
        power = power_of(at)
        if power >= wanted:
            high = at
        else:
            low = at
        if high is not None and high - low <= 1:
            return high
        if high is None and at >= MOST_EVENTS:
            break
        at = _next(at, power, low, high, wanted, alpha)
    message = f"even {MOST_EVENTS:,} events don't give it; is there an effect in its patients?"
    raise UsageError(message)


def _next(at: int, power: float, low: int, high: int | None, wanted: float, alpha: float) -> int:
    """The guess, pulled inside what is known; the middle where the guess says nothing new."""
    guess = guess_events(at, power, wanted=wanted, alpha=alpha)
    if high is None:
        return min(max(guess, low + 1), MOST_EVENTS)
    if low < guess < high:
        return guess
    return high - 1 if guess >= high and high - low > 2 and at != high - 1 else (low + high) // 2
