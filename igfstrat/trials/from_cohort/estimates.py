"""Estimates behind a scenario from a cohort, on arrays with a weight a patient, so that a resample is another weight.

Everything is deterministic. The hazard ratio is the Cox estimate with Breslow's ties, shrunken by a normal prior; rates are
piecewise exponential, or Weibull, given that ratio; a test's error is that of its repeatability under normal scores.

References
----------
.. [1] Breslow N. Covariance analysis of censored survival data. Biometrics 1974;30:89-99.
.. [2] Verweij PJM, Van Houwelingen HC. Penalized likelihood in Cox regression. Stat Med 1994;13:2427-2436.
.. [3] Bland JM, Altman DG. Measurement error. BMJ 1996;313:744.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq
from scipy.special import expit, ndtr, ndtri

from igfstrat.trials.numerics.bivariate import both_below

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

_STEPS: Final = 50
_LONGEST_STEP: Final = 2.0
_LEAST_RELIABILITY: Final = 0.05
_SHAPES: Final = (0.05, 20.0)  # of a Weibull fit


class BinaryCox:
    """The partial likelihood of one 0/1 covariate, prepared for many weights.

    Parameters
    ----------
    time : ndarray of float64, shape (n,)
        Follow-up, >= 0.
    event : ndarray of bool, shape (n,)
        True = event.
    positive : ndarray of bool, shape (n,)
        The covariate.
    """

    def __init__(self, time: FloatArray, event: BoolArray, positive: BoolArray) -> None:
        order = np.argsort(time, kind="stable")
        self._order, self._event = order, np.flatnonzero(event[order])
        self._positive = positive[order]
        # tied times share one risk set, which starts at the first of them
        self._first = np.searchsorted(time[order], time[order][self._event], side="left")

    def fit(self, weight: FloatArray, *, prior_mean: float, prior_sd: float) -> tuple[float, float]:
        """Log hazard ratio with a normal prior, and the information of the data alone about it.

        Parameters
        ----------
        weight : ndarray of float64, shape (n,)
            >= 0; whole numbers in a resample.
        prior_mean, prior_sd : float
            Of the log hazard ratio; an infinite sd leaves the plain estimate, which must exist then.

        Returns
        -------
        tuple of float
            The maximum of log partial likelihood minus (b - mean)² / (2 sd²), and the information there.

        Examples
        --------
        >>> model = BinaryCox(np.array([5.0, 3.0, 8.0, 2.0, 7.0, 6.0]), np.array([1, 1, 0, 1, 1, 0], bool),
        ...                   np.array([0, 1, 0, 1, 1, 0], bool))
        >>> log_ratio, information = model.fit(np.ones(6), prior_mean=0.0, prior_sd=np.inf)
        >>> round(float(np.exp(log_ratio)), 3)
        4.586
        """
        w = weight[self._order]
        ones, zeros = _left(np.where(self._positive, w, 0.0)), _left(np.where(self._positive, 0.0, w))
        with np.errstate(divide="ignore"):
            odds = np.log(ones[self._first]) - np.log(np.maximum(zeros[self._first], 1e-300))
        at_event, seen = w[self._event], float(w[self._event] @ self._positive[self._event])
        b, precision = prior_mean, prior_sd**-2
        for _ in range(_STEPS):
            share = expit(b + odds)
            information = float(at_event @ (share * (1 - share)))
            step = (seen - float(at_event @ share) - (b - prior_mean) * precision) / max(
                information + precision, 1e-300
            )
            b += float(np.clip(step, -_LONGEST_STEP, _LONGEST_STEP))
            if abs(step) < 1e-10:
                break
        return b, information


def _left(weight: FloatArray) -> FloatArray:
    return np.asarray(np.cumsum(weight[::-1])[::-1])


def piece_starts(event_times: FloatArray, *, pieces: int, step: float) -> FloatArray:
    """Where pieces of the hazard begin: at quantiles of the event times, rounded so that none is a patient's own time.

    Parameters
    ----------
    event_times : ndarray of float64, shape (d,)
        Times of events.
    pieces : int
        How many are wanted; fewer where quantiles fall together.
    step : float
        To which they are rounded, > 0.

    Returns
    -------
    ndarray of float64, shape (k,)
        Ascending from 0.

    Examples
    --------
    >>> piece_starts(np.array([1.2, 3.4, 5.6, 7.8, 9.9]), pieces=2, step=1.0).tolist()
    [0.0, 6.0]
    """
    inner = np.quantile(event_times, np.arange(1, pieces) / pieces) if pieces > 1 else np.zeros(0)
    rounded = np.round(inner / step) * step
    return np.unique(np.concatenate(([0.0], rounded[rounded > 0])))


def exposure(time: FloatArray, event: BoolArray, starts: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Time and events of each patient in each piece.

    Parameters
    ----------
    time : ndarray of float64, shape (n,)
        Follow-up, >= 0.
    event : ndarray of bool, shape (n,)
        True = event; it falls into the piece that ends with it, as an event at 0 into the first.
    starts : ndarray of float64, shape (k,)
        Ascending from 0.

    Returns
    -------
    tuple of ndarray of float64, each of shape (n, k)
        Time at risk, and events (0 or 1).

    Examples
    --------
    >>> [found.tolist() for found in exposure(np.array([7.0, 5.0]), np.array([True, False]), np.array([0.0, 5.0]))]
    [[[5.0, 2.0], [5.0, 0.0]], [[0.0, 1.0], [0.0, 0.0]]]
    """
    ends = np.append(starts[1:], np.inf)
    spent = np.clip(np.minimum(time[:, None], ends) - starts, 0.0, None)
    piece = np.maximum(np.searchsorted(starts, time, side="left") - 1, 0)
    events = np.zeros_like(spent)
    events[np.flatnonzero(event), piece[event]] = 1.0
    return spent, events


def weibull_fit(
    time: FloatArray, event: BoolArray, weight: FloatArray, multiplier: FloatArray
) -> tuple[float, float]:
    """Weibull times with a known hazard ratio a patient, by maximum likelihood.

    Parameters
    ----------
    time : ndarray of float64, shape (n,)
        Follow-up, > 0.
    event : ndarray of bool, shape (n,)
        True = event.
    weight, multiplier : ndarray of float64, shape (n,)
        Weight >= 0, and hazard ratio > 0 against the baseline.

    Returns
    -------
    tuple of float
        Shape and scale: the baseline's cumulative hazard is (t / scale)^shape.

    Examples
    --------
    >>> t = np.array([1.0, 2.0, 3.0, 4.0])
    >>> shape, scale = weibull_fit(t, np.ones(4, bool), np.ones(4), np.ones(4))
    >>> round(shape, 2), round(scale, 2)
    (2.45, 2.83)
    """
    kept = weight > 0
    t, w, m = time[kept] / time.max(), weight[kept], (weight * multiplier)[kept]
    seen, logs = w * event[kept], np.log(time[kept] / time.max())
    events, mean_log = float(seen.sum()), float(seen @ logs)

    def score(shape: float) -> float:
        power = m * t**shape
        return events / shape + mean_log - events * float(power @ logs) / float(power.sum())

    shape = _root_or_end(score)
    rate = events / float((m * t**shape).sum())
    return shape, float(time.max() * rate ** (-1 / shape))


def _root_or_end(score: object) -> float:
    """The score falls with the shape; where it has no root between the ends, the nearer end."""
    assert callable(score)
    low, high = _SHAPES
    if score(low) <= 0:
        return low
    return high if score(high) >= 0 else float(brentq(score, low, high, xtol=1e-10))


@dataclass(frozen=True, slots=True)
class Repeats:
    """Repeated measures of each patient, prepared for many weights.

    Parameters
    ----------
    mean : ndarray of float64, shape (n,)
        Of the patient's measures; NaN without any.
    squares : ndarray of float64, shape (n,)
        Sum of squares about that mean; 0 for one measure.
    count : ndarray of float64, shape (n,)
        Measures.
    """

    mean: FloatArray
    squares: FloatArray
    count: FloatArray

    def errors(self, weight: FloatArray) -> tuple[float, float]:
        """Standard deviation within patients [3]_, and reliability of a patient's mean.

        Parameters
        ----------
        weight : ndarray of float64, shape (n,)
            Of the patients.

        Returns
        -------
        tuple of float
            In the measure's unit; the share of the variance of patients' means that isn't error, 0.05 to 1. NaN and 1 where
            no patient was measured twice.
        """
        degrees = float(weight @ np.maximum(self.count - 1, 0))
        if degrees <= 0:
            return math.nan, 1.0
        within = float(weight @ self.squares) / degrees
        w = np.where(self.count > 0, weight, 0.0)
        mean = np.where(self.count > 0, self.mean, 0.0)
        total = float(w.sum())
        centre = float(w @ mean) / total
        spread = float(w @ (mean - centre) ** 2) / max(total - 1, 1.0)
        error = within * float(w @ (1 / np.maximum(self.count, 1))) / total
        reliability = 1 - error / spread if spread > 0 else 0.0
        return math.sqrt(within), min(max(reliability, _LEAST_RELIABILITY), 1.0)


def make_repeats(measures: npt.ArrayLike) -> Repeats:
    """Prepare repeated measures.

    Parameters
    ----------
    measures : array-like of float, shape (n, k)
        NaN: no such measure.

    Returns
    -------
    Repeats
        Of each patient.

    Examples
    --------
    >>> sd, reliability = make_repeats([[10.0, 12.0], [50.0, 48.0], [30.0, 31.0]]).errors(np.ones(3))
    >>> round(sd, 4), round(reliability, 4)
    (1.2247, 0.9979)
    """
    values = np.asarray(measures, dtype=np.float64)
    there = np.isfinite(values)
    count = there.sum(axis=1).astype(np.float64)
    mean = np.where(there, values, 0.0).sum(axis=1) / np.maximum(count, 1)
    squares = np.where(there, (values - mean[:, None]) ** 2, 0.0).sum(axis=1)
    return Repeats(np.where(count > 0, mean, np.nan), squares, count)


def accuracy_of(test_positive: float, reliability: float) -> tuple[float, float]:
    """Sensitivity and specificity of a test with error, from the share that it calls positive.

    Observed and true scores are jointly normal, and a patient is positive in truth where the true score reaches the cut.

    Parameters
    ----------
    test_positive : float
        Share of positive results, between 0 and 1.
    reliability : float
        Share of the variance of observed scores that is true, over 0 and at most 1.

    Returns
    -------
    tuple of float
        Sensitivity and specificity.

    Examples
    --------
    >>> [round(value, 3) for value in accuracy_of(0.3, 0.9)]
    [0.864, 0.931]
    >>> accuracy_of(0.3, 1.0)
    (1.0, 1.0)
    """
    if reliability >= 1:
        return 1.0, 1.0
    cut, correlation = -float(ndtri(test_positive)), math.sqrt(reliability)
    # the true score has less spread, so that the same cut lies farther out
    true_cut = cut / correlation
    truth = float(ndtr(-true_cut))
    if not 0 < truth < 1:
        return 1.0, 1.0
    both = float(both_below(-cut, -true_cut, correlation))
    return both / truth, 1 - (test_positive - both) / (1 - truth)


def predictive_values(test_positive: float, sensitivity: float, specificity: float) -> tuple[float, float]:
    """Positive and negative predictive value of a test, from the share that it calls positive.

    Parameters
    ----------
    test_positive, sensitivity, specificity : float
        Of the test.

    Returns
    -------
    tuple of float
        Positive, negative.

    Examples
    --------
    >>> [round(value, 4) for value in predictive_values(0.3, 0.9, 0.9)]
    [0.75, 0.9643]
    """
    truth = min(max((test_positive - (1 - specificity)) / (sensitivity + specificity - 1), 1e-6), 1 - 1e-6)
    return truth * sensitivity / test_positive, (1 - truth) * specificity / (1 - test_positive)


def heterogeneity(log_ratios: Sequence[float], errors: Sequence[float]) -> float:
    """How far reported log hazard ratios lie from 0 beyond their own errors: the sd of a prior around 0.

    Parameters
    ----------
    log_ratios, errors : sequence of float, length m
        Estimates and their standard errors.

    Returns
    -------
    float
        Root of the mean of estimate² - error², at least 0: moments of a normal prior with a known mean.

    Examples
    --------
    >>> round(heterogeneity([0.5, -0.5], [0.3, 0.3]), 3)
    0.4
    """
    y, s = np.asarray(log_ratios), np.asarray(errors)
    return math.sqrt(max(float(np.mean(y**2 - s**2)), 0.0))
