"""Hazard ratios after a selection: naive, conditional and shrunken, and how far each is off.

naive
    The Cox estimate of all patients of the population at the end. What was selected because it looked good is
    overestimated on average.
conditional
    What came after the interim alone. Given that the population was selected its error has mean 0, at the price of
    the first stage's information. With stages by patient it is the Cox estimate of the second; else the difference of
    the two estimates weighted by their information, which is independent of the first in large samples.
shrunken
    The first stage's estimate of a stratum is drawn towards both strata's mean by what their spread exceeds its
    sampling error, as in a random-effects model [1]_, and then put together with the second stage [2]_. The
    overall estimate has nothing to be drawn to: there it is the two stages put together.

References
----------
.. [1] DerSimonian R, Laird N. Meta-analysis in clinical trials. Control Clin Trials 1986;7:177-188.
.. [2] Carreras M, Brannath W. Shrinkage estimation in two-stage adaptive designs with midtrial treatment selection.
   Stat Med 2013;32:1677-1690.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from igfstrat.survival._types import FloatArray
from igfstrat.trials.adaptive.patients import AdaptiveTrials
from igfstrat.trials.adaptive.priors import between_variance
from igfstrat.trials.adaptive.stages import BY_PATIENT, AdaptiveRules
from igfstrat.trials.numerics.sums import Mean, Share

ESTIMATORS: Final = ("naive", "conditional", "shrunken")
_LOG_RATIO, _STD_ERROR = 5, 6  # columns of a population, see `kernels.look`
_Z95: Final = 1.959963984540054


def estimates_after_selection(rules: AdaptiveRules, trials: AdaptiveTrials) -> FloatArray:
    """Log hazard ratios of the hypotheses with which trials went into their last stage.

    Parameters
    ----------
    rules : AdaptiveRules
        Of the design.
    trials : AdaptiveTrials
        Simulated with estimates.

    Returns
    -------
    ndarray of float64, shape (r, m, 3, 2)
        Estimate and standard error by hypothesis and `ESTIMATORS`; NaN where the hypothesis was not selected, or the trial
        ended before its last stage.
    """
    m = len(rules.hypotheses)
    first = _pairs(trials.stages[:, 0])
    last = _pairs(trials.pooled)
    second = _pairs(trials.stages[:, -1]) if rules.increments == BY_PATIENT else _difference(last, first)
    shrunken = _joined(_shrunken(trials.populations, first), second)
    found = np.stack([last[:, :m], second[:, :m], shrunken[:, :m]], axis=2)
    went_on = trials.courses.last_stage == rules.n_stages - 1
    if rules.increments == BY_PATIENT:
        went_on = ~trials.courses.futile  # both stages are followed to their end, success or not
    chosen = trials.courses.kept[:, -1] & went_on[:, None]
    return np.where(chosen[:, :, None, None], found, np.nan)


def _pairs(found: FloatArray) -> FloatArray:
    """Estimate and standard error of each population, shape (r, p, 2)."""
    return np.stack([found[..., _LOG_RATIO], found[..., _STD_ERROR]], axis=-1)


def _difference(both: FloatArray, first: FloatArray) -> FloatArray:
    """What was gained between two looks."""
    with np.errstate(invalid="ignore", divide="ignore"):
        information, before = both[..., 1] ** -2, first[..., 1] ** -2
        gained = np.where(information > before, information - before, np.nan)
        value = (information * both[..., 0] - before * first[..., 0]) / gained
        return np.stack([value, gained**-0.5], axis=-1)


def _shrunken(populations: tuple[str, ...], first: FloatArray) -> FloatArray:
    """First-stage estimates, those of the strata drawn towards their mean; the standard error is that of what is left."""
    found = first.copy()
    places = [populations.index(name) for name in ("positive", "negative") if name in populations]
    if len(places) < 2:
        return found
    theta, variance = first[:, places, 0], first[:, places, 1] ** 2
    with np.errstate(invalid="ignore", divide="ignore"):
        weight = 1 / variance
        total = weight.sum(axis=1, keepdims=True)
        mean = (weight * theta).sum(axis=1, keepdims=True) / total
        between = between_variance(theta, variance)[:, None]
        own = between / (between + variance)
        drawn = mean + own * (theta - mean)
        spread = own * variance + (1 - own) ** 2 / total
    known = np.isfinite(drawn)
    found[:, places, 0] = np.where(known, drawn, theta)
    found[:, places, 1] = np.sqrt(np.where(known, spread, variance))
    return found


def _joined(first: FloatArray, second: FloatArray) -> FloatArray:
    """Two stages put together by the information of the unshrunken ones; the second alone where there is no first."""
    with np.errstate(invalid="ignore", divide="ignore"):
        a, b = np.nan_to_num(first[..., 1] ** -2), second[..., 1] ** -2
        value = (a * np.nan_to_num(first[..., 0]) + b * second[..., 0]) / (a + b)
        return np.stack([value, (a + b) ** -0.5], axis=-1)


class EstimatorCounts:
    """Bias, mean squared error and coverage of the estimators, block by block.

    Parameters
    ----------
    hypotheses : tuple of str
        Names of the populations.
    truth : ndarray of float64, shape (m,)
        Hazard ratio of each; NaN where there is none.
    """

    def __init__(self, hypotheses: tuple[str, ...], truth: FloatArray) -> None:
        self.hypotheses, self.truth = hypotheses, np.log(truth)
        shape = [(name, kind) for name in hypotheses for kind in ESTIMATORS]
        self.error = {key: Mean(whole=False) for key in shape}
        self.square = {key: Mean(whole=False) for key in shape}
        self.ratio = {key: Mean(whole=False) for key in shape}
        self.covered = {key: Share() for key in shape}

    def add(self, estimates: FloatArray) -> None:
        """Count a block.

        Parameters
        ----------
        estimates : ndarray of float64, shape (r, m, 3, 2)
            Of `estimates_after_selection`; NaN is left out.
        """
        for i, name in enumerate(self.hypotheses):
            for j, kind in enumerate(ESTIMATORS):
                value, error = estimates[:, i, j].T
                known = np.isfinite(value) & np.isfinite(error)
                gap, error = value[known] - self.truth[i], error[known]
                self.ratio[name, kind].add(np.exp(value[known]))
                self.error[name, kind].add(gap)
                self.square[name, kind].add(gap**2)
                if np.isfinite(self.truth[i]):
                    self.covered[name, kind].add(np.abs(gap) <= _Z95 * error)

    def summary(self) -> dict[str, Any]:
        """By hypothesis and estimator: mean hazard ratio, bias and mean squared error of its logarithm, coverage.

        Returns
        -------
        dict
            With the truth and the number of trials in which the hypothesis was selected and went on.
        """
        return {
            name: {
                "true": float(np.exp(self.truth[i])),
                "trials": self.ratio[name, ESTIMATORS[0]].n,
                **{kind: self._of(name, kind) for kind in ESTIMATORS},
            }
            for i, name in enumerate(self.hypotheses)
        }

    def _of(self, name: str, kind: str) -> dict[str, Any]:
        value = {"mean_hazard_ratio": self.ratio[name, kind].summary()}
        named = {"log_bias": self.error, "log_mean_squared_error": self.square}
        for label, kept in named.items():
            summary = kept[name, kind].summary()
            value[label] = {"value": summary["mean"], "mc_standard_error": summary["mc_standard_error"]}
        return value | {"coverage": self.covered[name, kind].estimate()}
