"""How many patients a survival prediction model needs, by the criteria of Riley and colleagues.

References
----------
.. [1] Riley RD, Snell KIE, Ensor J, et al. Minimum sample size for developing a multivariable prediction model: PART II -
   binary and time-to-event outcomes. Stat Med 2019;38:1276-1296.
.. [2] Riley RD, Ensor J, Snell KIE, et al. Calculating the sample size required for developing a clinical prediction
   model. BMJ 2020;368:m441.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from igfstrat.errors import DomainError


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleSize:
    """What a model needs.

    Parameters
    ----------
    n_patients : int
        The largest of the criteria.
    n_events : float
        Events expected among them.
    events_per_parameter : float
        n_events over the number of candidate parameters.
    by_shrinkage : int
        Patients for an expected shrinkage no stronger than asked for (criterion 1).
    by_optimism : int
        Patients for a small difference between apparent and adjusted Nagelkerke R² (criterion 2).
    risk_margin : float
        Upper limit (95 %) of the overall risk at the time of interest less the risk itself, at `n_patients`; criterion 3
        asks for 0.05 or less.
    largest_r_squared : float
        Largest Cox–Snell R² that the event rate allows.
    """

    n_patients: int
    n_events: float
    events_per_parameter: float
    by_shrinkage: int
    by_optimism: int
    risk_margin: float
    largest_r_squared: float


def riley_sample_size(
    *,
    r_squared: float,
    n_parameters: int,
    event_rate: float,
    mean_followup: float,
    horizon: float,
    shrinkage: float = 0.9,
    optimism: float = 0.05,
) -> SampleSize:
    """Patients needed to develop a survival prediction model.

    Parameters
    ----------
    r_squared : float
        Anticipated Cox–Snell R², in (0, 1); from an earlier model, else 15 % of the largest possible is usual.
    n_parameters : int
        Candidate parameters, > 0: each indicator, spline term and interaction counts.
    event_rate : float
        Events per unit of time, > 0.
    mean_followup : float
        Mean follow-up, same unit, > 0.
    horizon : float
        Time at which the overall risk is to be known, same unit, > 0.
    shrinkage : float
        Expected uniform shrinkage, in (0, 1).
    optimism : float
        Difference of apparent and adjusted Nagelkerke R², in (0, 1).

    Returns
    -------
    SampleSize
        Patients, events and events per parameter. The overall risk has its precision at that size; where it exceeds 0.05
        take more patients.

    Raises
    ------
    DomainError
        Arguments out of range, or an R² that this event rate can't give.

    References
    ----------
    .. [1] Riley RD, et al. Stat Med 2019;38:1276-1296.

    Examples
    --------
    >>> riley_sample_size(r_squared=0.051, n_parameters=25, event_rate=0.065, mean_followup=2.07, horizon=2).n_patients
    4286
    """
    _check(r_squared, shrinkage, optimism, n_parameters, event_rate, mean_followup, horizon)
    largest = largest_r_squared(event_rate=event_rate, mean_followup=mean_followup)
    if r_squared >= min(largest, shrinkage):
        message = f"r_squared must be below the shrinkage ({shrinkage:g}) and the largest possible ({largest:.3f}), found {r_squared}"
        raise DomainError(message)
    first = math.ceil(_patients(n_parameters, r_squared, shrinkage))
    second = math.ceil(_patients(n_parameters, r_squared, r_squared / (r_squared + optimism * largest)))
    n = max(first, second)
    events = n * event_rate * mean_followup
    return SampleSize(
        n_patients=n,
        n_events=events,
        events_per_parameter=events / n_parameters,
        by_shrinkage=first,
        by_optimism=second,
        risk_margin=_margin(n, event_rate, mean_followup, horizon),
        largest_r_squared=largest,
    )


def largest_r_squared(*, event_rate: float, mean_followup: float) -> float:
    """Largest Cox–Snell R² with exponential survival.

    Parameters
    ----------
    event_rate : float
        Events per unit of time, > 0.
    mean_followup : float
        Mean follow-up, same unit, > 0.

    Returns
    -------
    float
        1 - exp(2 (E log E - E) / n), with E / n events a patient.

    References
    ----------
    .. [1] Riley RD, et al. Stat Med 2019;38:1276-1296, equation 23.

    Examples
    --------
    >>> round(largest_r_squared(event_rate=0.065, mean_followup=2.07), 2)
    0.55
    """
    events = event_rate * mean_followup
    return 1 - math.exp(2 * (events * math.log(events) - events))


def expected_shrinkage(*, r_squared: float, n_parameters: int, n_patients: int) -> float:
    """Shrinkage to expect of a model that is fitted without a penalty.

    Parameters
    ----------
    r_squared : float
        Apparent Cox–Snell R², in (0, 1).
    n_parameters : int
        Candidate parameters, > 0.
    n_patients : int
        Patients, > 0.

    Returns
    -------
    float
        1 + p / (n log(1 - R²)): at most 1; 0 or less where there is nothing but noise.

    Raises
    ------
    DomainError
        Arguments out of range.

    References
    ----------
    .. [1] Van Houwelingen JC, Le Cessie S. Predictive value of statistical models. Stat Med 1990;9:1303-1325.

    Examples
    --------
    >>> round(expected_shrinkage(r_squared=0.1, n_parameters=10, n_patients=1000), 3)
    0.905
    """
    if not (0 < r_squared < 1 and n_parameters > 0 and n_patients > 0):
        message = (
            f"r_squared must lie in (0, 1) and counts be > 0, found {r_squared}, {n_parameters}, {n_patients}"
        )
        raise DomainError(message)
    return 1 + n_parameters / (n_patients * math.log(1 - r_squared))


def _check(r_squared: float, shrinkage: float, optimism: float, *positive: float) -> None:
    shares = (r_squared, shrinkage, optimism)
    if not all(0 < share < 1 for share in shares) or not all(0 < value < math.inf for value in positive):
        message = f"R², shrinkage and optimism must lie in (0, 1) and the rest be > 0, found {shares} and {positive}"
        raise DomainError(message)


def _patients(n_parameters: int, r_squared: float, shrinkage: float) -> float:
    return n_parameters / ((shrinkage - 1) * math.log(1 - r_squared / shrinkage))


def _margin(n: int, rate: float, followup: float, horizon: float) -> float:
    """Of the risk by the horizon with a constant hazard."""
    upper = rate + 1.96 * math.sqrt(rate / (n * followup))
    return math.exp(-rate * horizon) - math.exp(-upper * horizon)
