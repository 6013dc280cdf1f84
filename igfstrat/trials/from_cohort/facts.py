"""What a cohort says of a scenario, in counts and estimates without any single patient; computed, then shown by the report."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from igfstrat.survival import cox, reverse_kaplan_meier
from igfstrat.trials.from_cohort.model import LEAST_PATIENTS, CohortSample
from igfstrat.trials.scenario.scenario import Scenario

FloatArray = npt.NDArray[np.float64]

LEVELS: Final = (0.025, 0.975)
_STEPS: Final = 60.0  # of the follow-up, about, to which times are rounded


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimated:
    """A number with its 95 % interval.

    Parameters
    ----------
    value, ci_lower, ci_upper : float
        Of the cohort itself; limits are quantiles over resamples where nothing else is said. NaN: not estimable.
    """

    value: float
    ci_lower: float
    ci_upper: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CohortFacts:
    """Counts, follow-up and sources behind a scenario from a cohort.

    Parameters
    ----------
    file, marker, rule, endpoint : str
        Name of the file, title of the status and its rule, title of the endpoint.
    n_patients, n_with_result, n_positive, n_indeterminate : int
        Patients, those with a status, the positive ones, and those whose status is neither.
    n_analysed, n_events : int
        Patients with a status and a follow-up, and their events.
    events : tuple of int
        Of negative and positive patients.
    follow_up : float
        Median follow-up (reverse Kaplan–Meier), rounded, in the scenario's unit; NaN where not reached.
    known_until : float
        Time up to which at least ten patients are at risk, rounded down: beyond begins extrapolation.
    measure : tuple of str and three float, or None
        Title of the measured marker, and its quartiles, rounded.
    observed_ratio : Estimated
        Cox estimate, positive over negative by the test, not shrunken, with its Wald interval.
    prior_sd : float
        Of the log hazard ratio.
    prior_origin : str
        Where it comes from.
    n_repeated : int
        Patients with two or more measures.
    mix : tuple of (str, int, int)
        Subgroup, its patients with a status, and the positive ones of these.
    unknowns : tuple of str
        What can't be known from this cohort.
    """

    file: str
    marker: str
    rule: str
    endpoint: str
    n_patients: int
    n_with_result: int
    n_positive: int
    n_indeterminate: int
    n_analysed: int
    n_events: int
    events: tuple[int, int]
    follow_up: float
    known_until: float
    measure: tuple[str, float, float, float] | None
    observed_ratio: Estimated
    prior_sd: float
    prior_origin: str
    n_repeated: int
    mix: tuple[tuple[str, int, int], ...]
    unknowns: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """For `results.json`.

        Returns
        -------
        dict
            Plain values.
        """
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class CohortPower:
    """What the cohort leaves open: intervals over its resamples.

    Parameters
    ----------
    resamples : int
        How many.
    estimates : mapping of str to Estimated
        ``test_positive``, ``hazard_ratio``, ``sensitivity``, ``specificity``.
    power, screened : mapping of str to Estimated
        By design: power, and patients to screen on average.
    best : mapping of str to float
        By design: share of the resamples in which it has the highest power.
    simulated : tuple of str
        Designs whose power was simulated, since there is no closed form.
    beyond : mapping of str to float
        By design: share of the expected events after the cohort's follow-up.
    """

    resamples: int
    estimates: Mapping[str, Estimated]
    power: Mapping[str, Estimated]
    screened: Mapping[str, Estimated]
    best: Mapping[str, float]
    simulated: tuple[str, ...]
    beyond: Mapping[str, float]

    def to_dict(self) -> dict[str, Any]:
        """For `results.json`.

        Returns
        -------
        dict
            Plain values.
        """
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class CohortPoint:
    """What the cohort leaves open at one point of a grid, or of a study without one.

    Parameters
    ----------
    values : mapping
        Value by path of what varies; empty without a grid.
    scenario : Scenario
        The point, filled from the cohort.
    left : CohortPower
        Intervals over resamples.
    """

    values: Mapping[str, Any]
    scenario: Scenario
    left: CohortPower


def interval(value: float, resampled: FloatArray) -> Estimated:
    """A number with the 95 % interval of its resamples.

    Parameters
    ----------
    value : float
        Of the cohort itself.
    resampled : ndarray of float64, shape (b,)
        Of each resample.

    Returns
    -------
    Estimated
        Limits at the ranks 0.025 (b + 1) and 0.975 (b + 1), between which a further draw falls in 95 %.

    Examples
    --------
    >>> found = interval(0.5, np.arange(1, 200) / 200)
    >>> round(found.ci_lower, 9), round(found.ci_upper, 9)
    (0.025, 0.975)
    """
    low, high = np.quantile(resampled, LEVELS, method="weibull")
    return Estimated(value=value, ci_lower=float(low), ci_upper=float(high))


def rounding_step(time: FloatArray) -> float:
    """To what times are rounded, so that none shown is a patient's own: a power of ten near a sixtieth of the follow-up.

    Parameters
    ----------
    time : ndarray of float64, shape (n,)
        Follow-up, > 0 somewhere.

    Returns
    -------
    float
        In the same unit.

    Examples
    --------
    >>> rounding_step(np.array([12.0, 120.0])), rounding_step(np.array([10.0]))
    (1.0, 0.1)
    """
    return float(10.0 ** round(math.log10(max(float(time.max()), 1e-9) / _STEPS)))


def follow_up_of(sample: CohortSample, step: float) -> tuple[float, float]:
    """Median follow-up, and until when at least ten patients are at risk.

    Parameters
    ----------
    sample : CohortSample
        The patients.
    step : float
        To which both are rounded, the second one down.

    Returns
    -------
    tuple of float
        In the sample's unit; NaN for a median that isn't reached.

    Examples
    --------
    >>> sample = CohortSample(time=np.arange(1.0, 21.0), event=np.zeros(20, bool), positive=np.ones(20))
    >>> follow_up_of(sample, 1.0)
    (10.0, 11.0)
    """
    time, event = sample.time[sample.analysed], sample.event[sample.analysed]
    median = reverse_kaplan_meier(time=time, event=event).median.value
    tenth = float(np.sort(time)[-min(LEAST_PATIENTS, len(time))])
    return round(median / step) * step if math.isfinite(median) else math.nan, math.floor(tenth / step) * step


def observed_ratio(sample: CohortSample) -> Estimated:
    """Cox hazard ratio of positive over negative patients by the test, as it stands.

    Parameters
    ----------
    sample : CohortSample
        The patients.

    Returns
    -------
    Estimated
        With its Wald interval; NaN where it isn't finite.
    """
    kept = sample.analysed
    fit = cox(time=sample.time[kept], event=sample.event[kept], covariates=sample.positive[kept])
    found = (float(limit[0]) for limit in (fit.hazard_ratio, fit.ci_lower, fit.ci_upper))
    value, low, high = found
    return Estimated(value=value, ci_lower=low, ci_upper=high)
