"""Priors of a treatment's log hazard ratio from the registry, and the posterior by which an adaptive trial goes on or not.

All of it is normal: a reported hazard ratio is its logarithm with the standard error that its 95 % interval shows, and an
interim is a one-step estimate with its information. A posterior decides with whom a trial goes on, and nothing else:
what is claimed is decided by the closed test, which keeps its level whatever the prior.

power
    The likelihoods of the reported hazard ratios to the power a [1]_: precision a * sum(1 / s_i^2), mean weighted by
    1 / s_i^2.
heterogeneity
    The true log hazard ratios of the reported trials and of this one are draws of one normal distribution with standard
    deviation tau: the prior is the predictive distribution, whose mean is that of a random-effects meta-analysis and whose
    variance is tau^2 + 1 / sum(1 / (s_i^2 + tau^2)) (the meta-analytic-predictive prior at a given tau [2]_). Where tau is
    left out it is the moment estimate of the reported trials [3]_, whose own uncertainty is left out then: few trials
    show little heterogeneity.

References
----------
.. [1] Ibrahim JG, Chen MH. Power prior distributions for regression models. Stat Sci 2000;15:46-60.
.. [2] Neuenschwander B, Capkun-Niggli G, Branson M, Spiegelhalter DJ. Summarizing historical information on controls in
   clinical trials. Clin Trials 2010;7:5-18.
.. [3] DerSimonian R, Laird N. Meta-analysis in clinical trials. Control Clin Trials 1986;7:177-188.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from scipy.special import ndtr

from igfstrat.evidence import get_evidence
from igfstrat.survival._types import FloatArray
from igfstrat.trials.scenario.prior import PriorSettings

_Z95: Final = 1.959963984540054


@dataclass(frozen=True, slots=True, kw_only=True)
class Prior:
    """A normal prior of the log hazard ratio of experimental over control.

    Parameters
    ----------
    kind : str
        ``vague``, ``power`` or ``heterogeneity``.
    mean : float
        Of the log hazard ratio; 0 without any.
    precision : float
        Inverse variance, >= 0; 0 for a prior that knows nothing.
    evidence : tuple of str
        Ids of the registry.
    weight : float or None
        Power of the likelihoods.
    tau : float or None
        Standard deviation between the trials.
    """

    kind: str = "vague"
    mean: float = 0.0
    precision: float = 0.0
    evidence: tuple[str, ...] = ()
    weight: float | None = None
    tau: float | None = None

    @property
    def sd(self) -> float:
        """Standard deviation of the log hazard ratio; infinite without any precision."""
        return self.precision**-0.5 if self.precision > 0 else math.inf

    def to_dict(self, *, per_event: float) -> dict[str, Any]:
        """Plain values.

        Parameters
        ----------
        per_event : float
            Information that an event of the trial brings, r / (1 + r)^2 at the ratio r of the arms.

        Returns
        -------
        dict
            With the hazard ratio in the middle, its 95 % interval, and the events of the trial that the prior is worth;
            None where the prior knows nothing.
        """
        known = self.precision > 0
        ends = [math.exp(self.mean + side * _Z95 * self.sd) for side in (-1, 1)] if known else None
        return {
            "kind": self.kind,
            "evidence": list(self.evidence),
            "weight": self.weight,
            "tau": self.tau,
            "mean": self.mean if known else None,
            "sd": self.sd if known else None,
            "hazard_ratio": math.exp(self.mean) if known else None,
            "interval": ends,
            "events": self.precision / per_event,
        }


def make_prior(settings: PriorSettings | None) -> Prior:
    """The prior of a scenario.

    Parameters
    ----------
    settings : PriorSettings or None
        Of one hypothesis; None knows nothing.

    Returns
    -------
    Prior
        Normal.

    Examples
    --------
    The 95 % interval of E-e-17b, 0.98 to 1.12 about 1.05, has a standard error of 0.0341; at the power 0.1 it is 0.108.

    >>> found = make_prior(PriorSettings(kind="power", evidence="E-e-17b", weight=0.1))
    >>> round(found.mean, 4), round(found.sd, 3)
    (0.0488, 0.108)
    """
    if settings is None or settings.kind == "vague":
        return Prior()
    effect, error = reported_effects(settings.evidence)
    if settings.kind == "power":
        weight = float(settings.weight or 0.0)
        total = weight * float((error**-2).sum())
        mean = weight * float((effect * error**-2).sum()) / total
        return Prior(
            kind="power", mean=mean, precision=total, evidence=settings.evidence, weight=settings.weight
        )
    tau = settings.tau
    if tau is None:
        tau = math.sqrt(float(between_variance(effect, error**2)))
    share = 1 / (error**2 + tau**2)
    variance = tau**2 + 1 / float(share.sum())
    mean = float((share * effect).sum() / share.sum())
    return Prior(kind="heterogeneity", mean=mean, precision=1 / variance, evidence=settings.evidence, tau=tau)


def reported_effects(evidence: tuple[str, ...]) -> tuple[FloatArray, FloatArray]:
    """Log hazard ratios of entries of the registry with their standard errors.

    Parameters
    ----------
    evidence : tuple of str
        Ids of entries with a hazard ratio and its 95 % interval, length m.

    Returns
    -------
    tuple of ndarray of float64, shape (m,)
        Logarithm of the estimate, and the length of the interval on the log scale over 2 * 1.96.

    Raises
    ------
    EvidenceError
        If there is no such entry, or its source was retracted.

    Examples
    --------
    >>> effect, error = reported_effects(("E-e-16a",))
    >>> effect.round(4).tolist(), error.round(4).tolist()
    ([-0.0834], [0.1788])
    """
    entries = [get_evidence(key) for key in evidence]
    found = np.array([(e.estimate, e.ci_lower, e.ci_upper) for e in entries], dtype=np.float64)
    middle, low, high = np.log(found).T
    return middle, (high - low) / (2 * _Z95)


def between_variance(effect: FloatArray, variance: FloatArray) -> FloatArray:
    """Variance of true effects by the method of moments of DerSimonian and Laird [3]_.

    Parameters
    ----------
    effect, variance : ndarray of float64, shape (..., m)
        Estimates and the squares of their standard errors, > 0.

    Returns
    -------
    ndarray of float64, shape (...)
        0 where the estimates differ by no more than their errors let expect; NaN of a single one, which shows nothing.

    Examples
    --------
    Of two it is half of what the square of their difference exceeds the sum of their variances by.

    >>> float(between_variance(np.array([0.0, 1.0]), np.array([0.1, 0.3])).round(12))
    0.3
    """
    weight = 1 / variance
    total = weight.sum(axis=-1, keepdims=True)
    mean = (weight * effect).sum(axis=-1, keepdims=True) / total
    spread = (weight * (effect - mean) ** 2).sum(axis=-1)
    scale = total[..., 0] - (weight**2).sum(axis=-1) / total[..., 0]
    return np.asarray(np.maximum((spread - (effect.shape[-1] - 1)) / scale, 0.0))


def posterior_probability(
    prior: Prior, log_hazard_ratio: FloatArray, information: FloatArray, *, below: float
) -> FloatArray:
    """Probability that a hazard ratio is below a limit, given an interim and the prior.

    Parameters
    ----------
    prior : Prior
        Normal.
    log_hazard_ratio : ndarray of float64, shape (r,)
        Estimates of the interim; NaN without one.
    information : ndarray of float64, shape (r,)
        Their information, >= 0.
    below : float
        Hazard ratio > 0; infinite lets everything pass.

    Returns
    -------
    ndarray of float64, shape (r,)
        0 where there is no estimate.

    Examples
    --------
    Without a prior it is one half at the limit itself.

    >>> posterior_probability(Prior(), np.log([0.8, 0.5]), np.array([40.0, 40.0]), below=0.8).round(3).tolist()
    [0.5, 0.999]
    """
    total = information + prior.precision
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = (information * log_hazard_ratio + prior.precision * prior.mean) / total
        found = ndtr((np.log(below) - mean) * np.sqrt(total))
    return np.where(np.isnan(found), 0.0, found)
