"""Efficacy boundaries at many levels at once, as sequential p-values need them.

The same recursion as in `numerics.recursion` under no effect and without futility. The levels share its grid: they differ only
behind the last point below their bound, so that the kernel between the looks is made once, and the bounds of all levels
are found together.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr, ndtri

from igfstrat.errors import DomainError
from igfstrat.trials.numerics.recursion import NOTHING, OFFSETS
from igfstrat.trials.rejection.boundaries import CLASSICAL, make_boundaries, spent_error
from igfstrat.trials.scenario.design import SpendingSettings

FloatArray = npt.NDArray[np.float64]

_NODES: Final = np.empty(2 * len(OFFSETS) - 1)
_NODES[::2], _NODES[1::2] = OFFSETS, (OFFSETS[1:] + OFFSETS[:-1]) / 2
_WIDTHS: Final = np.diff(OFFSETS)
_FAR: Final = 20.0
_STEPS: Final = 200
_NEAR: Final = 1e-7  # of a step of Newton, whose result is near by its square


def efficacy_table(
    *, information: npt.ArrayLike, levels: npt.ArrayLike, spending: SpendingSettings | None = None
) -> FloatArray:
    """Efficacy boundaries of one design at several levels.

    Parameters
    ----------
    information : array-like of float, shape (k,)
        Information fractions, ascending.
    levels : array-like of float, shape (m,)
        One-sided levels, between 0 and 0.5.
    spending : SpendingSettings, optional
        As in `boundaries.make_boundaries`.

    Returns
    -------
    ndarray of float64, shape (m, k)
        The `efficacy` of `make_boundaries` at each level, within 1e-9; ``inf`` where a look has nothing to spend.

    Raises
    ------
    DomainError
        If the levels or the information can't be.

    Examples
    --------
    >>> efficacy_table(information=[0.5, 1.0], levels=[0.0125, 0.025]).round(4).tolist()
    [[3.3446, 2.2457], [2.9626, 1.9686]]
    """
    fractions, alphas = (np.asarray(a, dtype=np.float64) for a in (information, levels))
    spending = spending or SpendingSettings(spending="obrien_fleming")
    if spending.spending in CLASSICAL or len(fractions) == 1:
        each = [make_boundaries(information=fractions, alpha=float(a), spending=spending) for a in alphas]
        return np.array([bounds.efficacy for bounds in each])
    if np.any(alphas <= 0) or np.any(alphas >= 0.5) or fractions[0] <= 0 or np.any(np.diff(fractions) <= 0):
        message = f"levels lie between 0 and 0.5, information ascends from above 0; found {alphas.tolist()} and {fractions.tolist()}"
        raise DomainError(message)
    spent = np.array([spent_error(fractions, total=float(a), spending=spending) for a in alphas])
    spent[:, -1] = alphas
    steps = np.diff(spent, axis=1, prepend=0.0)
    found = np.empty_like(steps)
    found[:, 0] = np.where(steps[:, 0] < NOTHING, np.inf, -ndtri(np.maximum(steps[:, 0], NOTHING)))
    left = _first(found[:, 0])
    for k in range(1, len(fractions)):
        root = float(np.sqrt(fractions[k] - fractions[k - 1]))
        before, here = np.sqrt(fractions[k - 1]) / root, np.sqrt(fractions[k]) / root
        found[:, k] = _bounds(left, steps[:, k], before, here)
        if k + 1 < len(fractions):
            left = _carried(left, found[:, k], before, here)
    return found


@dataclass(frozen=True, slots=True, eq=False)
class _Left:
    """Trials still going, m levels: their probability at the common nodes, and at two more before the bound."""

    common: FloatArray  # (m, n)
    places: FloatArray  # (m, 2)
    own: FloatArray  # (m, 2)


def _cut(upper: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Weights of Simpson's rule up to a bound: of the common nodes, and two nodes more with theirs."""
    last = np.searchsorted(OFFSETS[:-1], upper, side="left") - 1  # index of the last point below
    some = last >= 0
    last = np.maximum(last, 0)
    width = np.where(some, np.minimum(upper, OFFSETS[-1]) - OFFSETS[last], 0.0)
    whole = np.where(np.arange(len(_WIDTHS)) < last[:, None], _WIDTHS, 0.0) / 6 * some[:, None]
    weights = np.zeros((len(upper), len(_NODES)))
    weights[:, 1::2] = 4 * whole
    weights[:, :-1:2] += whole
    weights[:, 2::2] += whole
    weights[np.arange(len(upper)), 2 * last] += width / 6
    places = OFFSETS[last][:, None] + width[:, None] * np.array([0.5, 1.0])
    return weights, places, width[:, None] * np.array([4.0, 1.0]) / 6


def _density(z: FloatArray) -> FloatArray:
    return np.asarray(np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi))


def _first(upper: FloatArray) -> _Left:
    weights, places, own = _cut(upper)
    return _Left(_density(_NODES) * weights, places, _density(places) * own)


def _carried(left: _Left, upper: FloatArray, before: float, here: float) -> _Left:
    """The trials between the looks: scores have independent normal increments."""
    weights, places, own = _cut(upper)
    common = left.common @ _density(here * _NODES[:, None] - before * _NODES).T
    common += _from(left.places, left.own, _NODES, before, here)
    new = np.einsum("mn,mjn->mj", left.common, _density(here * places[..., None] - before * _NODES))
    new += np.einsum(
        "mi,mji->mj", left.own, _density(here * places[..., None] - before * left.places[:, None])
    )
    return _Left(here * common * weights, places, here * new * own)


def _from(places: FloatArray, own: FloatArray, to: FloatArray, before: float, here: float) -> FloatArray:
    return np.asarray(np.einsum("mi,min->mn", own, _density(here * to - before * places[..., None])))


def _bounds(left: _Left, error: FloatArray, before: float, here: float) -> FloatArray:
    """Bounds above which the error lies, by Newton's steps on the normal scale that stay between known bounds."""
    whole = left.common.sum(axis=1) + left.own.sum(axis=1)
    found = np.where(error < NOTHING, np.inf, -np.inf)
    open_ = np.flatnonzero((error >= NOTHING) & (error < whole))
    if not len(open_):
        return found
    probability = np.concatenate((left.common, left.own), axis=1)[open_]
    score = before * np.concatenate((np.tile(_NODES, (len(open_), 1)), left.places[open_]), axis=1)
    aim = error[open_]
    low, high = np.full(len(open_), -_FAR), np.full(len(open_), _FAR)
    z = -ndtri(aim)
    for _ in range(_STEPS):
        reach = score - here * z[:, None]
        above = (probability * ndtr(reach)).sum(axis=1)
        low, high = np.where(above > aim, z, low), np.where(above > aim, high, z)
        slope = here * (probability * _density(reach)).sum(axis=1)
        with np.errstate(all="ignore"):
            quantile = ndtri(above)
            step = z + (quantile - ndtri(aim)) * _density(quantile) / slope
        # at the end rounding may put it a little beyond a bound
        step = np.where((step >= low - _NEAR) & (step <= high + _NEAR), step, (low + high) / 2)
        done = bool(np.all(np.abs(step - z) <= _NEAR))
        z = step
        if done:
            break
    found[open_] = z
    return found
