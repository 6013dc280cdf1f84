"""What an imperfect assay does: prevalence in truth and by the test, predictive values, and numbers to screen.

Sensitivity and specificity are of results; a sample without a result is handled as the scenario says: left out, taken
as negative or positive, or tested again. The dilution of a hazard ratio among test positives is in `closed_form`.

References
----------
.. [1] Rogan WJ, Gladen B. Estimating prevalence from the results of a screening test. Am J Epidemiol
   1978;107:71-76.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.special import betainc, betaincinv, ndtr, ndtri

from igfstrat.errors import DomainError
from igfstrat.trials.numerics.bivariate import both_below
from igfstrat.trials.scenario.marker import ContinuousSettings, FailureSettings, MarkerSettings

FloatArray = npt.NDArray[np.float64]


def truth_prevalence(test_positive: float, *, sensitivity: float, specificity: float) -> float:
    """Share of patients who are positive in truth, from the share who test positive.

    Parameters
    ----------
    test_positive : float
        Share of positive results.
    sensitivity, specificity : float
        Of the test, of sum > 1.

    Returns
    -------
    float
        Between 0 and 1; Rogan and Gladen [1]_.

    Raises
    ------
    DomainError
        If no prevalence gives such a share.

    Examples
    --------
    >>> round(truth_prevalence(0.626, sensitivity=0.9, specificity=0.85), 6)
    0.634667
    """
    low, high = 1 - specificity, sensitivity
    if not low < high or not low - 1e-12 <= test_positive <= high + 1e-12:
        message = (
            f"sensitivity {sensitivity:g} and specificity {specificity:g} leave {low:.4g} to {high:.4g} of the patients"
            f" positive by the test, and {test_positive:g} was found"
        )
        raise DomainError(message)
    return min(max((test_positive - low) / (high - low), 0.0), 1.0)


def share_of_positive_results(prevalence: float, *, sensitivity: float, specificity: float) -> float:
    """Share of positive results.

    Parameters
    ----------
    prevalence : float
        Share of patients who are positive in truth.
    sensitivity, specificity : float
        Of the test.

    Returns
    -------
    float
        Between 0 and 1.

    Examples
    --------
    >>> round(share_of_positive_results(0.25, sensitivity=0.9, specificity=0.9), 6)
    0.3
    """
    return prevalence * sensitivity + (1 - prevalence) * (1 - specificity)


@dataclass(frozen=True, slots=True, kw_only=True)
class Assay:
    """A test in a population, at one prevalence.

    Parameters
    ----------
    prevalence : float
        Share positive in truth.
    sensitivity, specificity : float
        Of the status that a screened patient gets in the end, failures counted in.
    with_result : float
        Share of the screened who get a status.
    tests_per_patient : float
        Samples tested for each screened patient.
    turnaround : float
        Time until the result, in the scenario's unit.

    Examples
    --------
    >>> assay = Assay(prevalence=0.25, sensitivity=0.9, specificity=0.9)
    >>> round(assay.test_positive, 9), round(assay.positive_predictive_value, 9)
    (0.3, 0.75)
    """

    prevalence: float
    sensitivity: float = 1.0
    specificity: float = 1.0
    with_result: float = 1.0
    tests_per_patient: float = 1.0
    turnaround: float = 0.0

    @property
    def test_positive(self) -> float:
        """Share positive by the test among those with a result."""
        return share_of_positive_results(
            self.prevalence, sensitivity=self.sensitivity, specificity=self.specificity
        )

    @property
    def positive_predictive_value(self) -> float:
        """Share positive in truth among the test positives; NaN where there are none."""
        return _ratio(self.prevalence * self.sensitivity, self.test_positive)

    @property
    def negative_predictive_value(self) -> float:
        """Share negative in truth among the test negatives; NaN where there are none."""
        return _ratio((1 - self.prevalence) * self.specificity, 1 - self.test_positive)


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole > 0 else math.nan


def make_assay(marker: MarkerSettings, *, time_unit: str, prevalence: float | None = None) -> Assay:
    """The test of a scenario.

    Parameters
    ----------
    marker : MarkerSettings
        The section `marker`.
    time_unit : str
        ``days``, ``weeks``, ``months`` or ``years``.
    prevalence : float, optional
        Share positive in truth, for a draw from the prior; else the value, the mean of the prior, or what the cut
        of a continuous marker leaves.

    Returns
    -------
    Assay
        With failures handled.

    Raises
    ------
    DomainError
        If the prevalence is to come from a cohort.

    Examples
    --------
    >>> from igfstrat.trials.scenario.marker import AssaySettings, PrevalenceSettings
    >>> marker = MarkerSettings(prevalence=PrevalenceSettings(value=0.626, of="test_positive"),
    ...                         assay=AssaySettings(sensitivity=0.9, specificity=0.85))
    >>> round(make_assay(marker, time_unit="months").prevalence, 4)
    0.6347
    """
    truth = _prevalence(marker) if prevalence is None else prevalence
    sensitivity, specificity = _accuracy(marker, truth)
    return _with_failures(
        Assay(
            prevalence=truth,
            sensitivity=sensitivity,
            specificity=specificity,
            turnaround=marker.turnaround(time_unit),
        ),
        marker.assay.failure,
    )


def _prevalence(marker: MarkerSettings) -> float:
    settings = marker.prevalence
    if settings is None:
        continuous = marker.continuous or ContinuousSettings(cut=0.0)
        return float(ndtr((continuous.mean - float(continuous.cut or 0.0)) / continuous.sd))
    if settings.centre is None:
        message = "the prevalence of this scenario comes from a cohort; give it as a number"
        raise DomainError(message)
    return _as_truth(settings.centre, marker)


def _as_truth(share: float, marker: MarkerSettings) -> float:
    settings, assay = marker.prevalence, marker.assay
    if settings is None or settings.of == "truth" or assay.sensitivity is None or assay.specificity is None:
        return share
    return truth_prevalence(share, sensitivity=assay.sensitivity, specificity=assay.specificity)


def _accuracy(marker: MarkerSettings, prevalence: float) -> tuple[float, float]:
    """Sensitivity and specificity; of a continuous marker from its error of measurement around the cut."""
    assay = marker.assay
    if assay.sensitivity is not None and assay.specificity is not None:
        return assay.sensitivity, assay.specificity
    if not assay.measurement_sd or marker.continuous is None or not 0 < prevalence < 1:
        return 1.0, 1.0
    reliability = 1 / math.hypot(1.0, assay.measurement_sd / marker.continuous.sd)
    cut = -float(ndtri(prevalence))
    both = float(both_below(-cut, -cut * reliability, reliability))
    found = float(ndtr(-cut * reliability))
    return both / prevalence, 1 - (found - both) / (1 - prevalence)


def _with_failures(assay: Assay, failure: FailureSettings) -> Assay:
    """The status that a screened patient gets when a sample may fail."""
    left = 1 - failure.rate
    if failure.then == "excluded":
        return replace(assay, with_result=left)
    if failure.then == "retest":
        return replace(assay, tests_per_patient=1 / left)
    as_positive = failure.rate if failure.then == "positive" else 0.0
    as_negative = failure.rate if failure.then == "negative" else 0.0
    return replace(
        assay,
        sensitivity=assay.sensitivity * left + as_positive,
        specificity=assay.specificity * left + as_negative,
    )


def draw_prevalence(marker: MarkerSettings, rng: np.random.Generator, size: int) -> FloatArray:
    """Prevalences in truth, from the beta prior where there is one.

    Parameters
    ----------
    marker : MarkerSettings
        The section `marker`.
    rng : numpy.random.Generator
        Where the draws come from.
    size : int
        Number of draws.

    Returns
    -------
    ndarray of float64, shape (size,)
        Between 0 and 1. A prior of positive results is cut at what sensitivity and specificity allow.

    Examples
    --------
    >>> from igfstrat.trials.scenario.marker import PrevalenceSettings
    >>> prior = MarkerSettings(prevalence=PrevalenceSettings(mean=0.3, sd=0.05))
    >>> round(float(draw_prevalence(prior, np.random.default_rng(1), 100_000).mean()), 2)
    0.3
    """
    return prevalence_at(marker, rng.random(size))


def prevalence_at(marker: MarkerSettings, level: FloatArray) -> FloatArray:
    """Quantiles of the prevalence in truth.

    Parameters
    ----------
    marker : MarkerSettings
        The section `marker`.
    level : ndarray of float64, shape (k,)
        Between 0 and 1.

    Returns
    -------
    ndarray of float64, shape (k,)
        Of the beta prior where there is one, cut as in `draw_prevalence`; else the one prevalence.

    Examples
    --------
    >>> from igfstrat.trials.scenario.marker import PrevalenceSettings
    >>> prior = MarkerSettings(prevalence=PrevalenceSettings(mean=0.3, sd=0.05))
    >>> prevalence_at(prior, np.array([0.05, 0.5, 0.95])).round(3).tolist()
    [0.221, 0.298, 0.385]
    """
    settings, assay = marker.prevalence, marker.assay
    if settings is None or settings.mean is None or settings.sd is None:
        return np.full(len(level), _prevalence(marker))
    total = settings.mean * (1 - settings.mean) / settings.sd**2 - 1
    a, b = settings.mean * total, (1 - settings.mean) * total
    low, high = 0.0, 1.0
    if settings.of == "test_positive" and assay.sensitivity is not None and assay.specificity is not None:
        low, high = 1 - assay.specificity, assay.sensitivity
    # by the inverse, so that a draw costs one number whatever is cut off
    within = betainc(a, b, low) + level * (betainc(a, b, high) - betainc(a, b, low))
    share: FloatArray = np.asarray(betaincinv(a, b, within), dtype=np.float64)
    return np.clip((share - low) / (high - low), 0.0, 1.0)


def n_screened(n_randomized: float, *, share: float, with_result: float = 1.0) -> float:
    """Patients to screen, on average, for a number of randomized ones.

    Parameters
    ----------
    n_randomized : float
        Patients randomized.
    share : float
        Share that is eligible among those with a result: the positive results in an enriched trial, else 1.
    with_result : float
        Share of the screened who get a result.

    Returns
    -------
    float
        Infinite where nobody is eligible.

    Examples
    --------
    >>> round(n_screened(500, share=0.3), 1), round(n_screened(500, share=1.0, with_result=0.95), 1)
    (1666.7, 526.3)
    """
    eligible = share * with_result
    return n_randomized / eligible if eligible > 0 else math.inf
