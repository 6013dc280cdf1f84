"""Power of a study's designs over the effect in positives and the prevalence: by closed form, or simulated points.

The designs stay as they were planned: sizes, looks and boundaries are those of the scenario, and only the truth moves.
Designs of one hypothesis have curves in closed form. Two hypotheses would take seconds a point, and adaptive designs have
no such form: these are simulated at a few points, on the first replicates of the study.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from igfstrat.trials.designs.power import closed_power
from igfstrat.trials.patients.assay import make_assay
from igfstrat.trials.results.study import StudyResults
from igfstrat.trials.scenario.marker import PrevalenceSettings
from igfstrat.trials.scenario.outcome import EffectPiece
from igfstrat.trials.scenario.scenario import Scenario
from igfstrat.trials.study.open_truths import claims_under, planned_rules, replicates_for_truths
from igfstrat.trials.study.progress import Tell, in_parts

_RATIOS: Final = 12  # hazard ratios beside the assumed one
_LOWEST: Final = 0.5
_FEWEST: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerSurface:
    """Power by design, prevalence and hazard ratio in positives.

    Parameters
    ----------
    prevalence_of : str
        ``truth`` or ``test_positive``.
    prevalences : tuple of float
        Ascending; the assumed one is among them.
    hazard_ratios : tuple of float
        Of the last piece of the effect in true positives, ascending, the assumed one among them.
    assumed : tuple of float
        Prevalence and hazard ratio of the scenario.
    power : dict of tuple of tuple of float
        By design, then a row a prevalence and a column a hazard ratio; NaN where nothing was computed: the events can't be
        expected to come, or a simulated design has no point there.
    method : dict of str
        By design ``closed_form`` or ``simulated``.
    replicates : int
        Trials at each simulated point.
    """

    prevalence_of: str
    prevalences: tuple[float, ...]
    hazard_ratios: tuple[float, ...]
    assumed: tuple[float, float]
    power: dict[str, tuple[tuple[float, ...], ...]]
    method: dict[str, str]
    replicates: int

    def to_dict(self) -> dict[str, Any]:
        """Plain values; NaN becomes None.

        Returns
        -------
        dict
            As in `results.json`.
        """
        found = {name: getattr(self, name) for name in self.__slots__}
        rows = {
            n: [[None if math.isnan(p) else p for p in row] for row in rows] for n, rows in self.power.items()
        }
        return found | {"power": rows}


def power_surface(
    scenario: Scenario, results: StudyResults, *, n_jobs: int = 1, progress: Tell | None = None
) -> PowerSurface | None:
    """Power of each design over effect and prevalence.

    Parameters
    ----------
    scenario : Scenario
        One point of the grid, with its sizes.
    results : StudyResults
        Of this point; its seed and number of trials.
    n_jobs : int
        Workers; no number depends on it.
    progress : callable, optional
        Called with the trials done and to do, where there is no closed form.

    Returns
    -------
    PowerSurface or None
        None for a response, which has no hazard ratio.

    Examples
    --------
    >>> from igfstrat.trials import make_scenario, simulate_scenario
    >>> made = make_scenario({"endpoint": "os", "marker": {"prevalence": {"value": 0.3}}, "control": {"median": 12},
    ...     "treatment": {"hazard_ratio": {"positive": 0.6, "negative": 1.0}}, "accrual": {"screened_per_month": 30},
    ...     "designs": {"all_comers": {"n": 400, "events": 250}}})
    >>> found = power_surface(made, simulate_scenario(made, replicates=20))
    >>> found.prevalences, found.assumed, found.method
    ((0.15, 0.3, 0.65), (0.3, 0.6), {'all_comers': 'closed_form'})
    """
    if scenario.response is not None:
        return None
    of, prevalences, here = _prevalences(scenario)
    *early, last = scenario.treatment.hazard_ratio.positive
    ratios = _ratios(last.hazard_ratio)
    total = max(min(_FEWEST, results.replicates), replicates_for_truths(results.replicates) // 4)
    rules = {name: planned_rules(scenario, name, results.seed) for name in scenario.designs}
    known = {
        name: results.designs[name].closed_form is not None and len(rules[name].hypotheses) == 1
        for name in rules
    }
    some = _some(ratios, last.hazard_ratio)
    simulated = list(known.values()).count(False) * len(prevalences) * len(some)
    tells = in_parts(progress, each=total, parts=simulated)

    def power_at(name: str, prevalence: float, ratio: float) -> float:
        truth = _moved(scenario, of, prevalence, (*early, EffectPiece(hazard_ratio=ratio)))
        if known[name]:
            entry = closed_power(truth, name, rules[name])
            return float(entry["power"]) if entry else math.nan
        settings = {"replicates": total, "seed": results.seed, "n_jobs": n_jobs}
        return 1 - claims_under(truth, name, rules[name], progress=next(tells), **settings)["none"]["value"]

    power = {
        name: tuple(
            tuple(power_at(name, p, ratio) if known[name] or ratio in some else math.nan for ratio in ratios)
            for p in prevalences
        )
        for name in rules
    }
    return PowerSurface(
        prevalence_of=of,
        prevalences=prevalences,
        hazard_ratios=ratios,
        assumed=(here, last.hazard_ratio),
        power=power,
        method={name: "closed_form" if is_known else "simulated" for name, is_known in known.items()},
        replicates=total,
    )


def _some(ratios: tuple[float, ...], assumed: float) -> set[float]:
    """Both ends, the assumed one, and one between it and the upper end."""
    above = [ratio for ratio in ratios if ratio > assumed]
    middle = above[(len(above) - 1) // 2] if len(above) > 1 else ratios[len(ratios) // 2]
    return {ratios[0], assumed, middle, ratios[-1]}


def _prevalences(scenario: Scenario) -> tuple[str, tuple[float, ...], float]:
    """The assumed prevalence, and those halfway from it to the least and the largest that the test allows."""
    settings = scenario.marker.prevalence
    assay = make_assay(scenario.marker, time_unit=scenario.time_unit)
    here = assay.prevalence if settings is None or settings.centre is None else settings.centre
    of = settings.of if settings is not None else "truth"
    bounds = (1 - assay.specificity, assay.sensitivity) if of == "test_positive" else (0.0, 1.0)
    around = [round((here + bound) / 2, 2) for bound in bounds]
    kept = {here, *(p for p in around if bounds[0] < p < bounds[1])}
    return of, tuple(sorted(kept)), here


def _ratios(assumed: float) -> tuple[float, ...]:
    grid = np.linspace(min(_LOWEST, 0.85 * assumed), max(1.0, assumed), _RATIOS)
    return tuple(sorted({assumed, *(round(float(ratio), 3) for ratio in grid)}))


def _moved(scenario: Scenario, of: Any, prevalence: float, positive: tuple[EffectPiece, ...]) -> Scenario:
    """The scenario at another prevalence, known, and with another effect in positives."""
    marker = scenario.marker.model_copy(update={"prevalence": PrevalenceSettings(value=prevalence, of=of)})
    if marker.continuous is not None:
        marker = marker.model_copy(update={"continuous": marker.continuous.model_copy(update={"cut": None})})
    ratios = scenario.treatment.hazard_ratio.model_copy(update={"positive": positive})
    treatment = scenario.treatment.model_copy(update={"hazard_ratio": ratios})
    return scenario.model_copy(update={"marker": marker, "treatment": treatment})
