"""A scenario from a cohort: share of positives, error of the test, times on control, and how sure all of it is.

Patients are resampled with replacement; each resample gives a scenario, and the power of its designs. The prognostic
hazard ratio is shrunken toward 1 by a normal prior of its logarithm, and each resample shrinks toward a draw from that
prior: a randomised prior keeps in the spread what shrinking toward a fixed point would take out of it [1]_. No treatment
effect is estimated: that stays what the scenario says. Nothing of a single patient is in any result; boundaries of pieces are
rounded.

References
----------
.. [1] Newton MA, Polson NG, Xu J. Weighted Bayesian bootstrap for scalable posterior distributions. Can J Stat
   2021;49:421-437.
.. [2] Breslow NE. Contribution to the discussion of the paper by DR Cox. J R Stat Soc B 1972;34:216-217.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from igfstrat.evidence import load_evidence
from igfstrat.parallel import keyed_sequence
from igfstrat.trials.from_cohort.estimates import (
    BinaryCox,
    accuracy_of,
    exposure,
    heterogeneity,
    make_repeats,
    piece_starts,
    predictive_values,
    weibull_fit,
)
from igfstrat.trials.scenario.from_cohort import FromCohortSettings

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

LEAST_PATIENTS: Final = 10  # of each status, and still at risk where extrapolation begins
LEAST_EVENTS: Final = 10

_EVENTS_A_PIECE: Final = 15
_MOST_PIECES: Final = 6
_LEAST_ENTRIES: Final = 5  # of the registry behind a prior
_AXIS: Final = (
    "igf1",
    "igf1r",
    "igf2",
    "igf2r",
    "igfbp2",
    "igfbp3",
    "insr_a",
    "irs1",
    "irs2",
    "igf1_igfbp3_molar_ratio",
)
_PROGNOSTIC: Final = ("dfs", "os", "pfs", "rfs", "efs", "dss", "5-year dfs", "5-year os", "5-year distant dfs", "all-cause mortality")  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CohortSample:
    """What a scenario takes from the patients of a cohort.

    Parameters
    ----------
    time : ndarray of float64, shape (n,)
        Follow-up in the scenario's unit, >= 0; NaN where the patient is out of the endpoint.
    event : ndarray of bool, shape (n,)
        True = event.
    positive : ndarray of float64, shape (n,)
        1 positive, 0 negative by the cohort's test; NaN without a result.
    repeats : ndarray of float64, shape (n, k), or None
        Repeated measures of the marker; NaN where there is none.
    subgroup : ndarray of int64, shape (n,), or None
        Place of the patient's subgroup in `subgroups`; -1 where it is missing.
    subgroups : tuple of str
        Their names.
    """

    time: FloatArray
    event: BoolArray
    positive: FloatArray
    repeats: FloatArray | None = None
    subgroup: npt.NDArray[np.int64] | None = None
    subgroups: tuple[str, ...] = ()

    @property
    def analysed(self) -> BoolArray:
        """Patients with a result and a time, shape (n,)."""
        return np.isfinite(self.time) & np.isfinite(self.positive)

    def faults(self) -> list[str]:
        """Why no scenario can be made of it.

        Returns
        -------
        list of str
            Empty where one can.
        """
        found = [
            f"{n} patients are {word} and have a follow-up; at least {LEAST_PATIENTS} are needed"
            for word, code in (("positive", 1), ("negative", 0))
            if (n := int((self.positive[self.analysed] == code).sum())) < LEAST_PATIENTS
        ]
        events = int(self.event[self.analysed].sum())
        if events < LEAST_EVENTS:
            found.append(f"{events} events in patients with a result; at least {LEAST_EVENTS} are needed")
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class CohortFit:
    """What one sample, or one resample, says.

    Parameters
    ----------
    test_positive : float
        Share of positive results among those with one.
    sensitivity, specificity : float
        Of the test against the true status.
    within_sd, reliability : float
        Of repeated measures; NaN and 1 without any.
    log_hazard_ratio : float
        Positive over negative in truth, on the cohort's treatments, shrunken.
    information : float
        Of the data about it, on the test's own scale.
    starts, rates : ndarray of float64, shape (k,)
        Hazard of the negatives, piecewise constant; empty for a Weibull.
    weibull : tuple of float, or None
        Shape and scale instead.
    subgroup_shares, subgroup_ratios : tuple of float
        Mix, and hazard against the average patient of the same status, shrunken.
    """

    test_positive: float
    sensitivity: float
    specificity: float
    within_sd: float
    reliability: float
    log_hazard_ratio: float
    information: float
    starts: FloatArray
    rates: FloatArray
    weibull: tuple[float, float] | None
    subgroup_shares: tuple[float, ...] = ()
    subgroup_ratios: tuple[float, ...] = ()

    @property
    def hazard_ratio(self) -> float:
        """Positive over negative in truth."""
        return math.exp(self.log_hazard_ratio)

    @property
    def truly_positive(self) -> float:
        """Share of positive patients in truth, given the error of the test."""
        return (self.test_positive + self.specificity - 1) / (self.sensitivity + self.specificity - 1)

    def control(self) -> dict[str, Any]:
        """The section `control`.

        Returns
        -------
        dict
            As in the YAML.
        """
        if self.weibull is not None:
            shape, scale = self.weibull
            times: dict[str, Any] = {"weibull": {"shape": shape, "scale": scale}}
        else:
            ends = [{"until": float(until)} for until in self.starts[1:]] + [{}]
            times = {"hazard": tuple(e | {"rate": float(r)} for e, r in zip(ends, self.rates, strict=True))}
        return times | {"prognostic_hazard_ratio": self.hazard_ratio}


class CohortModel:
    """A sample prepared for any number of resamples.

    Parameters
    ----------
    sample : CohortSample
        The patients.
    settings : FromCohortSettings
        What is taken, and how.
    prior_sd : float
        Of the log prognostic hazard ratio around 0.
    accuracy : tuple of float, optional
        Sensitivity and specificity that the scenario states, where they aren't taken from repeated measures.
    step : float
        To which boundaries of pieces are rounded.
    """

    def __init__(
        self, sample: CohortSample, settings: FromCohortSettings, *, prior_sd: float,
        accuracy: tuple[float, float] | None = None, step: float = 1.0,
    ) -> None:  # fmt: skip
        self.sample, self.settings, self.prior_sd = sample, settings, prior_sd
        self._accuracy = accuracy or (1.0, 1.0)
        kept = sample.analysed
        self._kept, self._positive = kept, sample.positive[kept] == 1
        self._time, self._event = sample.time[kept], sample.event[kept]
        self._cox = BinaryCox(self._time, self._event, self._positive)
        events = self._time[self._event]
        wanted = settings.pieces or int(np.clip(len(events) // _EVENTS_A_PIECE, 1, _MOST_PIECES))
        self.starts = piece_starts(events, pieces=wanted, step=step)
        self._spent, self._seen = exposure(self._time, self._event, self.starts)
        takes_assay = "assay" in settings.take
        self._repeats = make_repeats(sample.repeats) if takes_assay and sample.repeats is not None else None

    @property
    def takes_assay(self) -> bool:
        """Whether the test's error comes from repeated measures of the cohort."""
        return self._repeats is not None and float(np.maximum(self._repeats.count - 1, 0).sum()) > 0

    def fit(self, weight: FloatArray | None = None, *, prior_mean: float = 0.0) -> CohortFit:
        """Estimate everything that a scenario needs.

        Parameters
        ----------
        weight : ndarray of float64, shape (n,), optional
            How often each patient counts; once each where left out.
        prior_mean : float
            Log hazard ratio toward which the prognostic effect is shrunken.

        Returns
        -------
        CohortFit
            Of these weights.
        """
        sample = self.sample
        weight = np.ones(len(sample.positive)) if weight is None else weight
        known = np.isfinite(sample.positive)
        total = float(weight[known].sum())
        least = 0.5 / max(total, 1.0)
        share = float(np.clip(weight[known] @ sample.positive[known] / max(total, 1.0), least, 1 - least))
        within, reliability = self._repeats.errors(weight) if self._repeats else (math.nan, 1.0)
        sensitivity, specificity = accuracy_of(share, reliability) if self.takes_assay else self._accuracy
        ppv, npv = predictive_values(share, sensitivity, specificity)
        # among test results an effect is diluted by about this factor, to first order
        dilution = max(ppv + npv - 1, 1e-6)
        w = weight[self._kept]
        diluted, information = self._cox.fit(
            w, prior_mean=dilution * prior_mean, prior_sd=dilution * self.prior_sd
        )
        log_ratio = diluted / dilution
        ratio = math.exp(log_ratio)
        multiplier = np.where(self._positive, ppv * ratio + 1 - ppv, (1 - npv) * ratio + npv)
        shares, ratios, multiplier = self._mix(weight, multiplier)
        rates, weibull = self._times(w, multiplier)
        return CohortFit(
            test_positive=share, sensitivity=sensitivity, specificity=specificity, within_sd=within,
            reliability=reliability, log_hazard_ratio=log_ratio, information=information, starts=self.starts,
            rates=rates, weibull=weibull, subgroup_shares=shares, subgroup_ratios=ratios,
        )  # fmt: skip

    def _times(self, w: FloatArray, multiplier: FloatArray) -> tuple[FloatArray, tuple[float, float] | None]:
        """Breslow's estimate by pieces, or a Weibull, given everybody's hazard ratio [2]_."""
        if self.settings.hazards == "weibull":
            positive = np.where(self._time > 0, self._time, self._time[self._time > 0].min() / 2)
            return np.zeros(0), weibull_fit(positive, self._event, w, multiplier)
        at_risk = (w * multiplier) @ self._spent
        seen = w @ self._seen
        return np.divide(seen, at_risk, out=np.zeros_like(seen), where=at_risk > 0), None

    def _mix(
        self, weight: FloatArray, multiplier: FloatArray
    ) -> tuple[tuple[float, ...], tuple[float, ...], FloatArray]:
        """Shares of subgroups, their hazard ratios (observed over expected, by a gamma prior of mean 1), and everybody's."""
        groups, count = self.sample.subgroup, len(self.sample.subgroups)
        if groups is None or count < 2:
            return (), (), multiplier
        known = groups >= 0
        size = np.bincount(groups[known], weights=weight[known], minlength=count)
        shares = np.maximum(size, 0.5) / np.maximum(size, 0.5).sum()
        w, here = weight[self._kept], groups[self._kept]
        at_risk = (w * multiplier) @ self._spent
        rates = np.divide(w @ self._seen, at_risk, out=np.zeros_like(at_risk), where=at_risk > 0)
        seen, due = w * self._event, w * multiplier * (self._spent @ rates)
        inside, prior = here >= 0, self.prior_sd**-2
        sums = [np.bincount(here[inside], weights=x[inside], minlength=count) for x in (seen, due)]
        ratios = (sums[0] + prior) / (sums[1] + prior)
        return (
            tuple(shares.tolist()),
            tuple(ratios.tolist()),
            multiplier * np.where(inside, ratios[here], 1.0),
        )

    def draw(self, seed: int, resample: int) -> CohortFit:
        """One resample of the patients, shrunken toward a draw from the prior.

        Parameters
        ----------
        seed, resample : int
            The stream depends on these alone.

        Returns
        -------
        CohortFit
            Of the resample; its share of positives is one that the test can give.
        """
        rng = np.random.default_rng(keyed_sequence(seed, "from_cohort", resample))
        size = len(self.sample.positive)
        weight = np.bincount(rng.integers(size, size=size), minlength=size).astype(np.float64)
        fit = self.fit(weight, prior_mean=self.prior_sd * float(rng.standard_normal()))
        low, high = 1 - fit.specificity + 1e-4, fit.sensitivity - 1e-4
        return replace(fit, test_positive=min(max(fit.test_positive, low), high))


def prognostic_prior(biomarker: str | None, compartment: str | None) -> tuple[float, int, bool]:
    """How far reported prognostic hazard ratios of a marker lie from 1: the sd of a normal prior of the logarithm.

    Parameters
    ----------
    biomarker, compartment : str or None
        As in the registry.

    Returns
    -------
    tuple of float, int and bool
        Standard deviation, number of entries, and whether they are of this very marker; else of the whole IGF axis.

    Examples
    --------
    >>> sd, entries, own = prognostic_prior("igf1r", "tumour_protein")
    >>> entries >= 5, own, 0.2 < sd < 0.8
    (True, True, True)
    """
    found = [
        entry for entry in load_evidence().values()
        if entry.measure == "HR" and entry.biomarker in _AXIS and entry.compartment != "drug" and entry.disease != "healthy"
        and entry.endpoint in _PROGNOSTIC and entry.status != "retracted"
        and entry.estimate and entry.ci_lower and entry.ci_upper
    ]  # fmt: skip
    own = [e for e in found if (e.biomarker, e.compartment) == (biomarker, compartment)]
    used = own if len(own) >= _LEAST_ENTRIES else found
    logs = [math.log(float(e.estimate or 1)) for e in used]
    errors = [math.log(float(e.ci_upper or 1) / float(e.ci_lower or 1)) / (2 * 1.959964) for e in used]
    return heterogeneity(logs, errors), len(used), used is own
