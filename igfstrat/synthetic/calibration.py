"""The calibration: what a very large cohort gives for each claim of a configuration, and the verdict.

A claim holds when the estimate lies within three of its own standard errors of the target. The generator may be
another configuration than the one that makes the claims; that is how the tests show that a wrong number is caught.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from igfstrat.synthetic.cohort import simulate_cohort
from igfstrat.synthetic.config import CohortConfig
from igfstrat.synthetic.marginal import marginal_hazard_ratio
from igfstrat.synthetic.numbers import with_numbers
from igfstrat.synthetic.targets import Draw, Target, make_targets

_WITHIN: Final = 3.0  # standard errors
NOT_CLAIMED: Final = (
    "OS of the Shanghai study (82.7, 77.7, 76.3 and 74.8 % at 10 years, notes of E-f-03a to E-f-03d): beside its DFS it"
    " leaves no survival after relapse in triple-negative disease, so DFS is taken and OS is assumed.",
    "DFS of non-small-cell lung cancer by stage: not found, assumed below the OS of E-f-08a to E-f-08f.",
    "IGF-1R high over all lung cancers: it follows from the mix of histologies.",
    "Luminal HER2 as a subtype of its own: DFS and bone at relapse are the figures of HER2, assumed.",
    "That the subtypes of E-b-01 to E-b-05, which are surrogates of that study's own, are those of St Gallen 2013.",
)


@dataclass(frozen=True, slots=True)
class Calibrated:
    """A claim and what came.

    Parameters
    ----------
    target : Target
        The claim.
    n : int
        Patients drawn.
    estimate, std_error : float
        On the scale of the target.
    """

    target: Target
    n: int
    estimate: float
    std_error: float

    @property
    def z(self) -> float:
        """Distance from the target in standard errors."""
        return (self.estimate - self.target.value) / self.std_error

    @property
    def holds(self) -> bool:
        """Whether the estimate lies within three standard errors."""
        return abs(self.z) <= _WITHIN


def calibrate(
    config: CohortConfig,
    *,
    seed: int,
    targets: Sequence[Target] | None = None,
    generator: CohortConfig | None = None,
) -> list[Calibrated]:
    """Hold a configuration's claims against cohorts drawn from it.

    Parameters
    ----------
    config : CohortConfig
        Whose claims.
    seed : int
        Of the random streams.
    targets : sequence of Target, optional
        Claims to look at; all when left out.
    generator : CohortConfig, optional
        Configuration to draw from; `config` when left out.

    Returns
    -------
    list of Calibrated
        In the order of the targets.
    """
    chosen = make_targets(config) if targets is None else targets
    by_draw: dict[Draw, list[int]] = {}
    for i, target in enumerate(chosen):
        by_draw.setdefault(target.draw, []).append(i)
    results: dict[int, Calibrated] = {}
    for position, (draw, members) in enumerate(by_draw.items()):
        changed = with_numbers(generator or config, dict(draw.values))
        # another seed for each cohort: with one seed the same luck would show in all of them
        own = int(np.random.SeedSequence((seed, position)).generate_state(1)[0])
        table = simulate_cohort(changed, n=draw.n, seed=own, preset=draw.preset)
        for i in members:
            results[i] = Calibrated(chosen[i], draw.n, *chosen[i].estimate(table))
    return [results[i] for i in range(len(chosen))]


def marginal_ratios(config: CohortConfig) -> list[tuple[str, str, str, float]]:
    """Marginal hazard ratios of IGF-1R that each preset implies.

    Parameters
    ----------
    config : CohortConfig
        A whole configuration.

    Returns
    -------
    list of tuple
        Preset, endpoint, over which groups (``all``, or a histology), and the hazard ratio without strata.
    """
    histologies: dict[str, list[str]] = {}
    for name, group in config.groups.items():
        histologies.setdefault(group.histology or "", []).append(name)
    parts = {"all": list(config.groups)} | {name: groups for name, groups in histologies.items() if name}
    return [
        (
            preset,
            endpoint,
            part,
            marginal_hazard_ratio(config.with_preset(preset), endpoint=endpoint, groups=groups),
        )
        for preset in config.preset_names
        for endpoint in ("first", "os")
        for part, groups in parts.items()
    ]


def render_calibration(
    results: Mapping[str, Iterable[Calibrated]], configs: Mapping[str, CohortConfig]
) -> str:
    """The calibration as Markdown.

    Parameters
    ----------
    results : mapping of str to iterable of Calibrated
        By name of the configuration.
    configs : mapping of str to CohortConfig
        The configurations, for the marginal hazard ratios.

    Returns
    -------
    str
        What isn't claimed, then for each configuration its claims and the marginal hazard ratios.
    """
    sections = ["\n".join(["## Not claimed", "", *(f"- {sentence}" for sentence in NOT_CLAIMED)])]
    for name, lines in results.items():
        rows = [_row(line) for line in lines]
        head = "| number | evidence | estimand | target | found | standard errors away | |\n|---|---|---|---|---|---|---|"
        sections.append("\n".join([f"## {name}", "", head, *rows, "", *_marginal_table(configs[name])]))
    return "\n\n".join(sections) + "\n"


def _row(line: Calibrated) -> str:
    target, found, error = line.target.value, line.estimate, line.std_error
    if line.target.is_log:  # shown as a ratio; its error by the delta method
        target, found, error = float(np.exp(target)), float(np.exp(found)), float(np.exp(found)) * error
    verdict = "holds" if line.holds else "**fails**"
    values = f"{target:.4g} | {found:.4g} ± {error:.2g} | {line.z:+.1f} | {verdict}"
    return f"| `{line.target.path}` | {line.target.evidence} | {line.target.estimand}; {line.n:,} drawn | {values} |"


def _marginal_table(config: CohortConfig) -> list[str]:
    named = {"first": config.outcomes.first.upper(), "os": "OS"}
    rows = [f"| {p} | {named[e]} | {part} | {ratio:.3f} |" for p, e, part, ratio in marginal_ratios(config)]
    head = "Hazard ratio of IGF-1R high against low that a model without strata finds, at the configured follow-up:"
    return [head, "", "| preset | endpoint | patients | marginal hazard ratio |", "|---|---|---|---|", *rows]
