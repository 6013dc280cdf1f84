"""Textbook formulas for the power of a survival trial, to be shown beside the integrals with their gap.

Each leaves something out that `closed_form` counts: Schoenfeld the change of the allocation among those at risk, Lachin and
Foulkes everything that is not exponential and uniform, Simon and Maitournam time altogether.

References
----------
.. [1] Schoenfeld D. The asymptotic properties of nonparametric tests for comparing survival distributions.
   Biometrika 1981;68:316-319.
.. [2] Lachin JM, Foulkes MA. Evaluation of sample size and power for analyses of survival with allowance for
   nonuniform patient entry, losses to follow-up, noncompliance, and stratification. Biometrics 1986;42:507-519.
.. [3] Simon R, Maitournam A. Evaluating the efficiency of targeted designs for randomized clinical trials. Clin
   Cancer Res 2004;10:6759-6763.
"""

from __future__ import annotations

import math

from scipy.special import ndtr, ndtri

from igfstrat.errors import DomainError
from igfstrat.trials.patients.assay import Assay


def _allocation(experimental_share: float) -> float:
    return experimental_share * (1 - experimental_share)


def schoenfeld_events(
    *, hazard_ratio: float, power: float, alpha: float, experimental_share: float = 0.5
) -> float:
    """Events that a log-rank test needs [1]_.

    Parameters
    ----------
    hazard_ratio : float
        Experimental over control, proportional.
    power : float
        Wanted power.
    alpha : float
        One-sided level.
    experimental_share : float
        Share allocated to the experimental arm.

    Returns
    -------
    float
        Not rounded; infinite for a hazard ratio of 1.

    Examples
    --------
    >>> [round(schoenfeld_events(hazard_ratio=h, power=0.9, alpha=0.025), 4) for h in (0.6, 0.7, 0.75)]
    [161.0686, 330.3779, 507.8443]
    """
    effect = math.log(hazard_ratio) ** 2 * _allocation(experimental_share)
    return float(ndtri(power) - ndtri(alpha)) ** 2 / effect if effect > 0 else math.inf


def schoenfeld_power(
    *, hazard_ratio: float, events: float, alpha: float, experimental_share: float = 0.5
) -> float:
    """Power of a log-rank test with a number of events [1]_.

    Parameters
    ----------
    hazard_ratio : float
        Experimental over control, proportional.
    events : float
        Of both arms.
    alpha : float
        One-sided level.
    experimental_share : float
        Share allocated to the experimental arm.

    Returns
    -------
    float
        Between 0 and 1.

    Examples
    --------
    >>> round(schoenfeld_power(hazard_ratio=0.75, events=300, alpha=0.025), 6)
    0.702442
    """
    drift = -math.log(hazard_ratio) * math.sqrt(events * _allocation(experimental_share))
    return float(ndtr(drift + ndtri(alpha)))


def lachin_foulkes_power(
    *,
    n: float,
    hazard_control: float,
    hazard_experimental: float,
    accrual: float,
    duration: float,
    alpha: float,
    dropout: float = 0.0,
    experimental_share: float = 0.5,
) -> float:
    """Power of the comparison of two exponential hazards with uniform accrual and exponential dropout [2]_.

    Parameters
    ----------
    n : float
        Patients randomized.
    hazard_control, hazard_experimental : float
        Events per unit of time, > 0.
    accrual : float
        Time over which patients enter, > 0.
    duration : float
        Calendar time of the analysis, at least `accrual`.
    alpha : float
        One-sided level.
    dropout : float
        Rate of loss per unit of time.
    experimental_share : float
        Share allocated to the experimental arm.

    Returns
    -------
    float
        Between 0 and 1.

    Raises
    ------
    DomainError
        If the analysis comes before the end of accrual, or a hazard is not positive.

    Examples
    --------
    >>> round(lachin_foulkes_power(n=500, hazard_control=math.log(2) / 12, hazard_experimental=0.75 * math.log(2) / 12,
    ...                            accrual=24, duration=32.688, alpha=0.025, dropout=-math.log(0.95) / 12), 4)
    0.6982
    """
    if not 0 < accrual <= duration or min(hazard_control, hazard_experimental) <= 0:
        message = f"accrual {accrual:g} ends by the analysis at {duration:g}, and hazards are > 0"
        raise DomainError(message)

    def spread(hazard: float) -> float:
        """Variance of the estimated hazard, times the patients."""
        leaving = hazard + dropout
        still = (math.exp(-leaving * (duration - accrual)) - math.exp(-leaving * duration)) / (
            accrual * leaving
        )
        return hazard**2 / (hazard / leaving * (1 - still))

    share = experimental_share
    mean = share * hazard_experimental + (1 - share) * hazard_control
    null = math.sqrt(spread(mean) * (1 / share + 1 / (1 - share)))
    true = math.sqrt(spread(hazard_experimental) / share + spread(hazard_control) / (1 - share))
    reach = math.sqrt(n) * (hazard_control - hazard_experimental) + float(ndtri(alpha)) * null
    return float(ndtr(reach / true))


def enrichment_efficiency(
    assay: Assay, *, effect_positive: float, effect_negative: float = 0.0
) -> tuple[float, float]:
    """Patients of an all-comers trial for each patient of an enriched one of the same power [3]_.

    Parameters
    ----------
    assay : Assay
        The test and the prevalence.
    effect_positive, effect_negative : float
        Effect among true positives and negatives on a scale on which effects mix by shares: a difference of
        means or risks, approximately a log hazard ratio.

    Returns
    -------
    tuple of float
        Ratio of patients randomized, and of patients screened; below 1 the enriched trial needs more. Without an effect
        in test positives 0.

    Examples
    --------
    >>> ratios = enrichment_efficiency(Assay(prevalence=0.25), effect_positive=1.0)
    >>> [round(ratio, 6) for ratio in ratios]
    [16.0, 4.0]
    """
    truly = assay.positive_predictive_value
    enriched = truly * effect_positive + (1 - truly) * effect_negative
    everyone = assay.prevalence * effect_positive + (1 - assay.prevalence) * effect_negative
    if everyone == 0:
        return (math.inf, math.inf) if enriched != 0 else (math.nan, math.nan)
    randomized = (enriched / everyone) ** 2
    return randomized, randomized * assay.test_positive
