"""What "no effect" means: the nulls under which the designs are simulated once more, and which claims are then errors.

None in either: the experimental arm does nothing in any stratum; every claim is an error. Average is 1: the effect in the
positives stays as the scenario has it, and the negatives are harmed so much that the log-rank test in everybody drifts
nowhere; the claims for all and for the negatives are errors then. Both are compatible with "no overall effect", and a test that keeps
its level under one may not keep it under the other.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from scipy.optimize import brentq

from igfstrat.errors import UsageError
from igfstrat.trials.closed_form.logrank import logrank_moments
from igfstrat.trials.closed_form.trial import make_trial
from igfstrat.trials.designs.power import look_times
from igfstrat.trials.scenario.outcome import EffectPiece
from igfstrat.trials.scenario.scenario import Scenario

_NONE: Final = 1e-6  # a log hazard ratio that is none, as the balance is found
_REACH: Final = 4.0  # log hazard ratio in the negatives beyond which nothing is looked for


def average_is_asked(scenario: Scenario, design: str) -> bool:
    """Whether the null of a hazard ratio that is 1 on average is simulated.

    Parameters
    ----------
    scenario : Scenario
        The scenario.
    design : str
        Name under `designs`.

    Returns
    -------
    bool
        Only where the design has a claim for all.
    """
    asked = scenario.simulation.null == "average_is_one"
    return asked and "overall" in scenario.hypotheses_of(design)


def false_on_average(hypotheses: Sequence[str], negative_ratio: float) -> tuple[str, ...]:
    """The claims that are false where the hazard ratio is 1 on average.

    Parameters
    ----------
    hypotheses : sequence of str
        Of a design.
    negative_ratio : float
        Hazard ratio in the negatives that brings the average.

    Returns
    -------
    tuple of str
        That for all, and that for the stratum that is harmed: the positives where the negatives benefit; both where
        there is no effect in either.

    Examples
    --------
    >>> false_on_average(("overall", "positive", "negative"), 1.9), false_on_average(("overall", "positive"), 0.8)
    (('overall', 'negative'), ('overall', 'positive'))
    """
    effect = math.log(negative_ratio)
    helped = {"positive": effect > _NONE, "negative": effect < -_NONE}
    return tuple(name for name in hypotheses if not helped.get(name, False))


def n_runs(scenario: Scenario, design: str) -> int:
    """How often a design is simulated: with its effect, and once under each null.

    Parameters
    ----------
    scenario : Scenario
        The scenario.
    design : str
        Name under `designs`.

    Returns
    -------
    int
        2 or 3.
    """
    return 3 if average_is_asked(scenario, design) else 2


def make_average_one(scenario: Scenario, design: str) -> tuple[Scenario, float]:
    """The scenario with such an effect in the negatives that the overall test of a design drifts nowhere.

    Parameters
    ----------
    scenario : Scenario
        One point of the grid, with sizes.
    design : str
        Name under `designs`.

    Returns
    -------
    tuple of Scenario and float
        With that effect, and its hazard ratio, constant over time.

    Raises
    ------
    UsageError
        If no hazard ratio in the negatives makes up for that in the positives, or there are no hazards.

    Examples
    --------
    >>> from igfstrat.trials import make_scenario
    >>> half = make_scenario({"endpoint": "os", "marker": {"prevalence": {"value": 0.5}}, "control": {"median": 12},
    ...     "treatment": {"hazard_ratio": {"positive": 0.5, "negative": 1.0}}, "accrual": {"randomized_uniformly_over": 24},
    ...     "designs": {"all_comers": {"n": 500, "events": 300}}})
    >>> round(make_average_one(half, "all_comers")[1], 2)
    1.9
    """

    def changed(log_ratio: float) -> Scenario:
        effect = (EffectPiece(hazard_ratio=math.exp(log_ratio)),)
        ratios = scenario.treatment.hazard_ratio.model_copy(update={"negative": effect})
        treatment = scenario.treatment.model_copy(update={"hazard_ratio": ratios})
        return scenario.model_copy(update={"treatment": treatment})

    def drift(log_ratio: float) -> float:
        there = changed(log_ratio)
        time = look_times(there, design)[-1]
        return logrank_moments(make_trial(there, design), time).score if math.isfinite(time) else math.nan

    low, high = drift(-_REACH), drift(_REACH)
    if not low <= 0 <= high:  # NaN too
        message = f"designs.{design}: no hazard ratio in the negatives makes the average 1; simulation.null: none_in_either"
        raise UsageError(message)
    found = float(brentq(drift, -_REACH, _REACH, xtol=1e-9))
    return changed(found), math.exp(found)
