"""Newton's method for the smooth likelihoods of the parametric models."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from igfstrat.errors import EstimationError
from igfstrat.models._matrix import FloatArray

_STEPS, _HALVINGS = 200, 60


class Point(NamedTuple):
    """Log likelihood with its first derivatives, shape (q,), and minus its second, shape (q, q)."""

    value: float
    score: FloatArray
    information: FloatArray


def maximize(
    likelihood: Callable[[FloatArray], Point], start: FloatArray, what: str
) -> tuple[FloatArray, Point]:
    """Climb until the next step is far below the standard errors."""
    theta, here = start, likelihood(start)
    for _ in range(_STEPS):
        step = _uphill(here)
        gain = float(step @ here.score)
        if gain <= 1e-20 * max(1.0, abs(here.value)):
            return theta + step, likelihood(theta + step)
        moved = _halved(likelihood, theta, here, step)
        if moved is None:  # the likelihood can rise no more within rounding
            return theta, here
        theta, here = moved
    message = f"the {what} model did not converge in {_STEPS} steps; covariates may be collinear or events separated"
    raise EstimationError(message)


def _uphill(here: Point) -> FloatArray:
    """Newton's step; where the likelihood doesn't curve down, one along the absolute curvatures."""
    values, vectors = np.linalg.eigh(here.information)
    largest = np.abs(values).max()
    if values[0] > 1e-13 * largest:
        return np.asarray(np.linalg.solve(here.information, here.score), dtype=np.float64)
    if values[0] > -1e-10 * largest:
        message = "covariates are linear combinations of each other, or constant; leave one out"
        raise EstimationError(message)
    step: FloatArray = vectors @ ((vectors.T @ here.score) / np.maximum(np.abs(values), 1e-8 * largest))
    return step


def _halved(
    likelihood: Callable[[FloatArray], Point], theta: FloatArray, here: Point, step: FloatArray
) -> tuple[FloatArray, Point] | None:
    slack = 1e-14 * (1 + abs(here.value))
    for _ in range(_HALVINGS):
        with np.errstate(all="ignore"):  # a step that is too long
            there = likelihood(theta + step)
        if np.isfinite(there.value) and there.value >= here.value - slack:
            return theta + step, there
        step = step / 2
    return None
