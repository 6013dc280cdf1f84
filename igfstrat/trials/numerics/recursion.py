"""The recursion over looks behind `boundaries`: the density of the statistic among trials that are still going.

The grid is that of Jennison and Turnbull (2000), section 19.2: dense within three standard deviations of the mean and
logarithmic beyond, cut at the boundaries, with the weights of Simpson's rule.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq
from scipy.special import ndtr, ndtri

FloatArray = npt.NDArray[np.float64]

_TIGHT: Final = 1e-10
NOTHING: Final = 1e-14  # error that is none
_R: Final = 32  # 6 r - 1 points before the cut
_INDEX = np.arange(1, 6 * _R)
OFFSETS: Final[FloatArray] = np.where(
    _INDEX < _R,
    -3 - 4 * np.log(_R / np.maximum(_INDEX, 1)),
    np.where(
        _INDEX <= 5 * _R,
        -3 + 3 * (_INDEX - _R) / (2 * _R),
        3 + 4 * np.log(_R / np.maximum(6 * _R - _INDEX, 1)),
    ),
)


def _grid(mean: float, lower: float, upper: float) -> tuple[FloatArray, FloatArray]:
    """Points between two boundaries around a mean, with the weights of Simpson's rule."""
    points = mean + OFFSETS
    low, high = max(lower, points[0]), min(upper, points[-1])
    if not low < high:  # nobody to speak of lies between
        return np.zeros(0), np.zeros(0)
    odd = np.concatenate(([low], points[(points > low) & (points < high)], [high]))
    widths = np.diff(odd)
    z = np.empty(2 * len(odd) - 1)
    z[::2], z[1::2] = odd, (odd[1:] + odd[:-1]) / 2
    weights = np.zeros(len(z))
    weights[1::2] = 4 * widths / 6
    weights[:-1:2] += widths / 6
    weights[2::2] += widths / 6
    return z, weights


class Recursion:
    """The statistic's distribution at the next look, given that no boundary was crossed before.

    Parameters
    ----------
    information : float
        Of the first look.
    mean : float
        Mean of the statistic there.
    """

    def __init__(self, information: float, mean: float) -> None:
        self._information, self.mean = information, mean
        self._before: tuple[FloatArray, FloatArray] | None = (
            None  # scores of the trials left, their probability
        )
        self._step, self._root = 0.0, 1.0

    @property
    def is_first(self) -> bool:
        """Whether no look was before, so that the statistic is normal."""
        return self._before is None

    def above(self, bound: float) -> float:
        """Probability of no crossing before this look and a statistic above a bound at it.

        Parameters
        ----------
        bound : float
            Of the statistic; infinite for none.

        Returns
        -------
        float
            Between 0 and 1.
        """
        return self._beyond(bound, 1.0)

    def below(self, bound: float) -> float:
        """Probability of no crossing before this look and a statistic below a bound at it.

        Parameters
        ----------
        bound : float
            Of the statistic; minus infinity for none.

        Returns
        -------
        float
            Between 0 and 1.
        """
        return self._beyond(bound, -1.0)

    def _beyond(self, bound: float, sign: float) -> float:
        if np.isinf(bound):
            return 0.0 if bound * sign > 0 else self.left()
        if self._before is None:
            return float(ndtr(sign * (self.mean - bound)))
        scores, probability = self._before
        reach = scores + self._step - bound * np.sqrt(self._information)
        return float(probability @ ndtr(sign * reach / self._root))

    def left(self) -> float:
        """Probability of no crossing before this look.

        Returns
        -------
        float
            Between 0 and 1.
        """
        return 1.0 if self._before is None else float(self._before[1].sum())

    def advance(self, lower: float, upper: float, information: float, mean: float) -> None:
        """Go on to the next look with the trials between the boundaries of this one.

        Parameters
        ----------
        lower, upper : float
            Boundaries of this look.
        information : float
            Of the next look, more than of this one.
        mean : float
            Mean of the statistic at the next look.
        """
        z, weights = _grid(self.mean, lower, upper)
        scores = z * np.sqrt(self._information)
        if self._before is None:
            density = np.exp(-((z - self.mean) ** 2) / 2) / np.sqrt(2 * np.pi)
        else:
            old, probability = self._before
            apart = np.subtract.outer(scores / self._root, (old + self._step) / self._root)
            apart *= apart
            apart *= -0.5
            kernel = np.exp(apart, out=apart)  # in place: looks are passed thousands of times
            density = (kernel @ probability) * np.sqrt(self._information / (2 * np.pi)) / self._root
        self._before = scores, density * weights
        self._step = mean * np.sqrt(information) - self.mean * np.sqrt(self._information)
        self._root = float(np.sqrt(information - self._information))
        self._information, self.mean = information, mean


def exit_probabilities(
    information: FloatArray, means: FloatArray, lower: FloatArray, upper: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Probability to cross the upper and the lower boundary at each look.

    Parameters
    ----------
    information : ndarray of float64, shape (looks,)
        Of each look, ascending.
    means : ndarray of float64, shape (looks,)
        Mean of the statistic at each look.
    lower, upper : ndarray of float64, shape (looks,)
        Boundaries; infinite for none.

    Returns
    -------
    tuple of two ndarray of float64, shape (looks,)
        Upper, lower: at this look and at none before.
    """
    looks = len(information)
    up, down = np.zeros(looks), np.zeros(looks)
    recursion = Recursion(float(information[0]), float(means[0]))
    for k in range(looks):
        up[k], down[k] = recursion.above(float(upper[k])), recursion.below(float(lower[k]))
        if k + 1 < looks:
            recursion.advance(
                float(lower[k]), float(upper[k]), float(information[k + 1]), float(means[k + 1])
            )
    return up, down


def upper_bound(recursion: Recursion, error: float) -> float:
    """The bound above which a given probability lies.

    Parameters
    ----------
    recursion : Recursion
        At the look in question.
    error : float
        The probability, from 0 to 1.

    Returns
    -------
    float
        Infinite where there is nothing to spend, minus infinity where all is spent.
    """
    if error < NOTHING:
        return math.inf
    if error >= recursion.left():
        return -math.inf
    if recursion.is_first:
        return float(recursion.mean - ndtri(error))
    return float(brentq(lambda z: recursion.above(z) - error, -20.0, 20.0, xtol=_TIGHT))


def lower_bound(recursion: Recursion, error: float) -> float:
    """The bound below which a given probability lies.

    Parameters
    ----------
    recursion : Recursion
        At the look in question.
    error : float
        The probability, from 0 to 1.

    Returns
    -------
    float
        Minus infinity where there is nothing to spend, infinite where all is spent.
    """
    if error < NOTHING:
        return -math.inf
    if error >= recursion.left():
        return math.inf
    if recursion.is_first:
        return float(recursion.mean + ndtri(error))
    return float(brentq(lambda z: recursion.below(z) - error, -12.0, 20.0, xtol=_TIGHT))
