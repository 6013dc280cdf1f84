"""What each design would conclude under the truths that a scenario leaves open: none, positives only, all, the opposite.

A design keeps the rules that were planned for the scenario's own truth; only what the treatment does is another. All
designs and truths see the same patients (common random numbers), the first replicates of the study.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Final

import numpy as np

from igfstrat.parallel import map_replicates
from igfstrat.trials.designs.rules import Rules
from igfstrat.trials.numerics.sums import Share
from igfstrat.trials.results.counts import CLAIMS
from igfstrat.trials.results.study import DesignResults, StudyResults
from igfstrat.trials.scenario.outcome import EffectPiece, ResponseShares
from igfstrat.trials.scenario.scenario import Scenario
from igfstrat.trials.study.operating import BLOCK, design_rules, trial_rows
from igfstrat.trials.study.progress import Tell, in_parts

EXAMPLE_RATIO: Final = 0.7  # where the scenario itself has no benefit; an example, not a finding
_EXAMPLE_GAIN: Final = 0.15  # the same for response
MOST_REPLICATES: Final = 2_000
_FEWEST: Final = 100
CLAIMED: Final = ("none", "positive", "negative", "both")


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenTruth:
    """What might be true of the treatment, and how each design then ends.

    Parameters
    ----------
    key : str
        ``none``, ``positives``, ``all``, ``opposite``, or ``assumed``: the scenario's own.
    is_assumed : bool
        Whether it is what the scenario assumes.
    effect : str
        The effect in true positives and true negatives, in numbers.
    replicates : int
        Trials of each design.
    claims : dict of dict
        By design and claim (``none``, ``positive``, ``negative``, ``both``): probability with its Monte-Carlo standard error.
    goes_on : dict of list of dict
        By adaptive design, interim and hypothesis: probability that trials go on with it.
    """

    key: str
    is_assumed: bool
    effect: str
    replicates: int
    claims: dict[str, dict[str, dict[str, float]]]
    goes_on: dict[str, list[dict[str, dict[str, float]]]] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Plain values.

        Returns
        -------
        dict
            As in `results.json`.
        """
        return {name: getattr(self, name) for name in self.__slots__}


def replicates_for_truths(replicates: int) -> int:
    """Trials of each design under each open truth: a fifth of the study's, from 100 to 2,000, and never more than it.

    Parameters
    ----------
    replicates : int
        Of the study, >= 1.

    Returns
    -------
    int
        Enough for a standard error of about 1 point at 10,000.

    Examples
    --------
    >>> [replicates_for_truths(n) for n in (20, 400, 1_000, 10_000, 1_000_000)]
    [20, 100, 200, 2000, 2000]
    """
    return min(replicates, MOST_REPLICATES, max(_FEWEST, replicates // 5))


def conclude_under_truths(
    scenario: Scenario, results: StudyResults, *, n_jobs: int = 1, progress: Tell | None = None
) -> tuple[OpenTruth, ...]:
    """Simulate every design under each truth that the scenario leaves open.

    Parameters
    ----------
    scenario : Scenario
        One point of the grid, with its sizes.
    results : StudyResults
        Of this point: its seed, and what the designs conclude under its own truth.
    n_jobs : int
        Workers; no number depends on it.
    progress : callable, optional
        Called with the trials done and to do.

    Returns
    -------
    tuple of OpenTruth
        None, positives only, all, the opposite; where none of these is the scenario's own truth, that one last.
    """
    own = _effect_words(scenario)
    assumed = _assumed(own, results)
    total = replicates_for_truths(results.replicates)
    rules = {name: planned_rules(scenario, name, results.seed) for name in scenario.designs}
    found = []
    truths = {key: (changed, _effect_words(changed)) for key, changed in _candidates(scenario).items()}
    runs = sum(words != own for _, words in truths.values()) * len(scenario.designs)
    tells = in_parts(progress, each=total, parts=runs)
    for key, (changed, words) in truths.items():
        if words == own:
            found.append(replace(assumed, key=key))
            continue
        ends = {
            name: _ends_under(
                changed,
                name,
                rules[name],
                replicates=total,
                seed=results.seed,
                n_jobs=n_jobs,
                progress=next(tells),
            )
            for name in scenario.designs
        }
        found.append(
            OpenTruth(
                key=key,
                is_assumed=False,
                effect=words,
                replicates=total,
                claims={name: claims for name, (claims, _) in ends.items()},
                goes_on={name: gone for name, (_, gone) in ends.items() if gone},
            )
        )
    named = any(truth.is_assumed for truth in found)
    return tuple(found) if named else (*found, assumed)


def _assumed(effect: str, results: StudyResults) -> OpenTruth:
    """The scenario's own truth, under which the study was simulated."""
    return OpenTruth(
        key="assumed",
        is_assumed=True,
        effect=effect,
        replicates=results.replicates,
        claims={name: {c: dict(d.selected[c]) for c in CLAIMED} for name, d in results.designs.items()},
        goes_on={name: gone for name, d in results.designs.items() if (gone := _gone(d))},
    )


def _gone(found: DesignResults) -> list[dict[str, dict[str, float]]]:
    interims: Any = found.selected.get("interims", ())
    return [interim["hypotheses"] for interim in interims]


def planned_rules(scenario: Scenario, design: str, seed: int) -> Rules:
    """The rules of a design of any kind, as planned for the scenario's own truth.

    Parameters
    ----------
    scenario : Scenario
        One point of the grid, with its sizes.
    design : str
        Name under `designs`.
    seed : int
        Of the study.

    Returns
    -------
    Rules
        As in the study itself.
    """
    return design_rules(scenario, design, seed, None)


def claims_under(
    truth: Scenario,
    design: str,
    rules: Rules,
    *,
    replicates: int,
    seed: int,
    n_jobs: int = 1,
    progress: Tell | None = None,
) -> dict[str, dict[str, float]]:
    """How often a design ends with each claim under some truth, by rules that were planned for another.

    Parameters
    ----------
    truth : Scenario
        What holds.
    design : str
        Name under `designs`.
    rules : Rules
        Of the plan.
    replicates, seed : int
        Trials and seed.
    n_jobs : int
        Workers; no number depends on it.
    progress : callable, optional
        Called with the trials done and to do.

    Returns
    -------
    dict of dict
        By claim (``none``, ``positive``, ``negative``, ``both``): probability with its Monte-Carlo standard error.
    """
    return _ends_under(
        truth, design, rules, replicates=replicates, seed=seed, n_jobs=n_jobs, progress=progress
    )[0]


def _ends_under(
    truth: Scenario,
    design: str,
    rules: Rules,
    *,
    replicates: int,
    seed: int,
    n_jobs: int,
    progress: Tell | None,
) -> tuple[dict[str, dict[str, float]], list[dict[str, dict[str, float]]]]:
    """Claims, and with which hypotheses trials go on after each interim; none for a design without selection."""
    work = partial(trial_rows, scenario=truth, design=design, rules=rules, seed=seed, null=False)
    shares = {claim: Share() for claim in CLAIMED}
    gone: dict[tuple[int, str], Share] = {}
    blocks = map_replicates(
        work, replicates, block=BLOCK, n_jobs=n_jobs, backend="threads", progress=progress
    )
    for block in blocks:
        rejected = block.rows["rejected"]
        claimed = {stratum: np.zeros(len(rejected), dtype=bool) for stratum in ("negative", "positive")}
        for hypothesis, hits in zip(rules.hypotheses, rejected.T, strict=True):
            for stratum in CLAIMS[hypothesis]:
                claimed[stratum] |= hits
        positive, negative = claimed["positive"], claimed["negative"]
        shares["none"].add(~positive & ~negative)
        shares["positive"].add(positive & ~negative)
        shares["negative"].add(negative & ~positive)
        shares["both"].add(positive & negative)
        kept = block.rows.get("kept", np.empty((len(rejected), 0)))
        for place, hits in enumerate(kept.T):
            key = (place // len(rules.hypotheses), rules.hypotheses[place % len(rules.hypotheses)])
            gone.setdefault(key, Share()).add(hits)
    interims = [
        {name: gone[k, name].estimate() for name in rules.hypotheses}
        for k in range(len(gone) // len(rules.hypotheses))
    ]
    return {claim: share.estimate() for claim, share in shares.items()}, interims


def _candidates(scenario: Scenario) -> dict[str, Scenario]:
    """The scenario under each truth."""
    if scenario.response is not None:
        return _response_truths(scenario)
    none = (EffectPiece(hazard_ratio=1.0),)
    benefit = _benefit(scenario)
    harm = tuple(p.model_copy(update={"hazard_ratio": 1 / p.hazard_ratio}) for p in benefit)
    effects = {"none": (none, none), "positives": (benefit, none), "all": (benefit, benefit), "opposite": (harm, benefit)}  # fmt: skip
    return {key: _with_effects(scenario, *pair) for key, pair in effects.items()}


def _with_effects(
    scenario: Scenario, positive: tuple[EffectPiece, ...], negative: tuple[EffectPiece, ...]
) -> Scenario:
    ratios = scenario.treatment.hazard_ratio.model_copy(update={"positive": positive, "negative": negative})
    treatment = scenario.treatment.model_copy(update={"hazard_ratio": ratios})
    return scenario.model_copy(update={"treatment": treatment})


def _benefit(scenario: Scenario) -> tuple[EffectPiece, ...]:
    """The larger effect of the scenario; an example where it has none."""
    ratio = scenario.treatment.hazard_ratio
    best = min(ratio.positive, ratio.negative, key=lambda pieces: min(p.hazard_ratio for p in pieces))
    if min(p.hazard_ratio for p in best) < 1:
        return tuple(best)
    return (EffectPiece(hazard_ratio=EXAMPLE_RATIO),)


def _response_truths(scenario: Scenario) -> dict[str, Scenario]:
    response = scenario.response
    assert response is not None
    control, treated = response.control, response.experimental
    gain = max(treated.positive - control.positive, treated.negative - control.negative)
    gain = gain if gain > 0 else _EXAMPLE_GAIN
    gains = {"none": (0.0, 0.0), "positives": (gain, 0.0), "all": (gain, gain), "opposite": (-gain, gain)}

    def changed(positive: float, negative: float) -> Scenario:
        shares = ResponseShares(
            positive=_share(control.positive, positive), negative=_share(control.negative, negative)
        )
        return scenario.model_copy(update={"response": response.model_copy(update={"experimental": shares})})

    return {key: changed(*pair) for key, pair in gains.items()}


def _share(control: float, gain: float) -> float:
    return round(min(max(control + gain, 0.0), 1.0), 12)


def _effect_words(scenario: Scenario) -> str:
    """The effect in numbers; two truths with the same words are the same."""
    if scenario.response is not None:
        shares = [(getattr(scenario.response.experimental, s), getattr(scenario.response.control, s)) for s in ("positive", "negative")]  # fmt: skip
        texts = [f"response {100 * a:g} % against {100 * b:g} %" for a, b in shares]
    else:
        ratio = scenario.treatment.hazard_ratio
        texts = [f"hazard ratio {_pieces(p, scenario.time_unit)}" for p in (ratio.positive, ratio.negative)]
    same = texts[0] == texts[1]
    return f"{texts[0]} in all" if same else f"{texts[0]} in positives, {texts[1].split(' ', 2 if scenario.response is None else 1)[-1]} in negatives"  # fmt: skip


def _pieces(pieces: tuple[EffectPiece, ...], unit: str) -> str:
    ratios = {piece.hazard_ratio for piece in pieces}
    if len(ratios) == 1 and math.isclose(pieces[0].hazard_ratio, 1.0):
        return "1"
    return ", then ".join(
        f"{p.hazard_ratio:.3g}" + (f" until {p.until:g} {unit}" if p.until else "") for p in pieces
    )
