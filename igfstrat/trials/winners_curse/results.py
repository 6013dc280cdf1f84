"""What `winners_curse` found, frozen. An estimate by simulation is a dict with `value` and `mc_standard_error`."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, Final

Estimate = dict[str, float]
UNLIKELY_BELOW: Final = 0.05  # the customary bound below which chance alone is not taken for the explanation
LIKELY_FROM: Final = 0.5  # more probable than not


def likelihood_word(probability: float) -> str:
    """A probability as a word, by fixed bounds.

    Parameters
    ----------
    probability : float
        Between 0 and 1.

    Returns
    -------
    str
        ``unlikely`` below 0.05, ``likely`` from 0.5 on, else ``possible``.

    Examples
    --------
    >>> [likelihood_word(p) for p in (0.02, 0.18, 0.975)]
    ['unlikely', 'possible', 'likely']
    """
    if probability < UNLIKELY_BELOW:
        return "unlikely"
    return "likely" if probability >= LIKELY_FROM else "possible"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reported:
    """What the reported interval gives.

    Parameters
    ----------
    hazard_ratio, ci_lower, ci_upper, level : float
        As reported.
    std_error, z, p_value : float
        Of the log hazard ratio; the p-value is one-sided.
    events_balanced, events_split : float
        Events behind the interval if the arms had equally many, and if they had them as the hazard ratio says.
    """

    hazard_ratio: float
    ci_lower: float
    ci_upper: float
    level: float
    std_error: float
    z: float
    p_value: float
    events_balanced: float
    events_split: float


@dataclass(frozen=True, slots=True, kw_only=True)
class BestOf:
    """The best of some subgroups where the experimental arm does nothing.

    Parameters
    ----------
    relation : str
        ``independent``: no patient in common; ``overlapping``: factors of one trial; ``nested``: cuts of one marker.
    looked_at : int
        Subgroups.
    events : int
        Of a simulated subgroup; on average where subgroups overlap or are nested.
    closed_form : float
        Probability that the best has evidence (statistic) as strong as the reported one, normal.
    as_strong : dict
        The same by patient-level simulation of the log-rank statistic.
    as_small : dict
        Probability that the best hazard ratio is as small as the reported one, infinite estimates counted.
    hazard_ratio : dict
        Median of the best hazard ratio; 0 where most of them are infinite on the log scale.
    infinite : dict
        Probability that the best has all its events in the control arm.
    """

    relation: str
    looked_at: int
    events: int
    closed_form: float
    as_strong: Estimate
    as_small: Estimate
    hazard_ratio: Estimate
    infinite: Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstTrial:
    """A trial or subgroup of the reported size at one true hazard ratio.

    Parameters
    ----------
    truth : float
        True hazard ratio.
    events : int
        Of the simulated trial.
    as_strong_closed_form : dict of int to float
        Probability that the best of so many subgroups is as strong as the reported one, related as the first of
        `subgroups`.
    power_closed_form, wrong_sign_closed_form, exaggeration_closed_form : float
        Normal: significant, two-sided; of these the share on the wrong side (type S), and the mean factor by which their
        log hazard ratio is too large (type M). The last two are NaN without an effect.
    power, wrong_sign : dict
        The same by simulation.
    exaggeration : dict
        Median factor among significant estimates, infinite ones counted.
    exaggeration_finite : dict
        Mean factor among those that are finite.
    infinite : dict
        Share of the significant ones that are infinite.
    hazard_ratio : dict
        Median of the significant estimates on the right side, infinite ones counted as 0; without an effect of those < 1.
    """

    truth: float
    events: int
    as_strong_closed_form: dict[int, float]
    power_closed_form: float
    wrong_sign_closed_form: float
    exaggeration_closed_form: float
    power: Estimate
    wrong_sign: Estimate
    exaggeration: Estimate
    exaggeration_finite: Estimate
    infinite: Estimate
    hazard_ratio: Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmation:
    """The trial that confirms, at one true hazard ratio.

    Parameters
    ----------
    truth : float
        True hazard ratio.
    events : int
        Of the confirming trial.
    power_closed_form : float
        Schoenfeld's.
    power : dict
        One-sided log-rank test, simulated.
    hazard_ratio : dict
        Geometric mean of its finite estimates.
    interval : tuple of float
        Simulated 95 % range of its estimates.
    as_bad : dict or None
        Probability of an estimate at least as large as the observed one; None where none was given.
    as_bad_closed_form : float or None
        The same, normal with the observed standard error.
    observed_inside : bool or None
        Whether the observed hazard ratio lies in the range.
    """

    truth: float
    events: int
    power_closed_form: float
    power: Estimate
    hazard_ratio: Estimate
    interval: tuple[float, float]
    as_bad: Estimate | None
    as_bad_closed_form: float | None
    observed_inside: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WinnersCurse:
    """All of it.

    Parameters
    ----------
    settings : dict
        As read.
    replicates, seed : int
        Of the simulation.
    reported : Reported
        What the interval gives.
    best_of : tuple of BestOf
        By relation, events and number of subgroups.
    first_trials : tuple of FirstTrial
        By truth and events; the reported hazard ratio itself comes last.
    confirmations : tuple of Confirmation
        By truth; empty where no confirmation was asked for.
    looks_for_likely : float
        Independent subgroups of which the best is as strong as the reported one more often than not.
    """

    settings: dict[str, Any]
    replicates: int
    seed: int
    reported: Reported
    best_of: tuple[BestOf, ...]
    first_trials: tuple[FirstTrial, ...]
    confirmations: tuple[Confirmation, ...]
    looks_for_likely: float

    def best(self, looked_at: int, relation: str | None = None, *, split: bool = False) -> BestOf:
        """One entry of `best_of`.

        Parameters
        ----------
        looked_at : int
            Subgroups.
        relation : str
            How they relate; the first that was asked for where left out.
        split : bool
            Whether with the events split as the hazard ratio says, which are more.

        Returns
        -------
        BestOf
            The entry.
        """
        wanted = (relation or self.best_of[0].relation, looked_at)
        found = [b for b in self.best_of if (b.relation, b.looked_at) == wanted]
        return max(found, key=lambda b: b.events) if split else min(found, key=lambda b: b.events)

    def sentences(self) -> tuple[str, ...]:
        """The story in plain words: what the null says of the finding and of the confirmation.

        Returns
        -------
        tuple of str
            Each with its numbers; `likelihood_word` says which words they get.
        """
        return (*_finding_sentences(self), *_confirmation_sentences(self))

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as in `results.json`.

        Returns
        -------
        dict
            Full precision; what is infinite or not a number is None.
        """
        plain = _plain(asdict(self))
        assert isinstance(plain, dict)
        return plain | {"sentences": list(self.sentences())}


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _number(probability: float) -> str:
    return "below 0.0001" if probability < 1e-4 else f"{probability:.2g}"


def _by_looks(probabilities: dict[int, float]) -> str:
    """What each number of looks gives, with its word."""
    return ", ".join(
        f"{likelihood_word(p)} ({_number(p)}) for {'one subgroup looked at' if k == 1 else f'the best of {k}'}"
        for k, p in probabilities.items()
    )


def _finding_sentences(found: WinnersCurse) -> list[str]:
    reported = found.reported
    few, many = reported.events_balanced, reported.events_split
    looks = sorted({b.looked_at for b in found.best_of})
    said = [
        f"The reported hazard ratio of {reported.hazard_ratio:g} ({100 * reported.level:g} % interval {reported.ci_lower:g} to"
        f" {reported.ci_upper:g}) rests on about {few:.0f} events"
        f" if the arms had equally many, and on about {many:.0f} if they had them as the hazard ratio says."
    ]
    null = {k: found.best(k).closed_form for k in looks}
    relation = found.best_of[0].relation
    said.append(
        f"If the drug does nothing, a finding as strong as that is {_by_looks(null)}; {relation} subgroups."
    )
    if math.isfinite(found.looks_for_likely):
        said.append(
            f"It becomes likelier than not from {math.ceil(found.looks_for_likely)} independent subgroups on."
        )
    others = {t.truth: t for t in found.first_trials if t.truth not in (1.0, reported.hazard_ratio)}
    for truth, trial in others.items():
        strong = _by_looks(trial.as_strong_closed_form)
        said.append(f"If the hazard ratio were {truth:g} in everybody, such a finding is {strong}.")
    return said


def _confirmation_sentences(found: WinnersCurse) -> list[str]:
    if not found.confirmations:
        return []
    by_truth = {c.truth: c for c in found.confirmations}
    reported = by_truth[found.reported.hazard_ratio]
    said = []
    if 1.0 in by_truth:
        fails, missed = (1 - c.power_closed_form for c in (by_truth[1.0], reported))
        said.append(
            f"If the drug does nothing, a confirmation with {reported.events} events that shows no benefit is"
            f" {likelihood_word(fails)} ({fails:.3g}); if the reported hazard ratio were true, it is"
            f" {likelihood_word(missed)} ({_number(missed)})."
        )
    observed = found.settings["confirmation"].get("observed")
    if observed is not None:
        parts = [
            f"{likelihood_word(c.as_bad_closed_form)} ({_number(c.as_bad_closed_form)}) at a true hazard ratio of {c.truth:g}"
            for c in found.confirmations
            if c.as_bad_closed_form is not None
        ]
        said.append(
            f"A confirmation at least as bad as the observed {observed['hazard_ratio']:g} is {', '.join(parts)}."
        )
    return said
