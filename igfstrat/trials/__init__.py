"""Trial enrichment: one scenario, all designs side by side, closed forms beside the simulation.

The rooms; each imports only from those above it, and its own docstring lists its modules in the same order::

    scenario       what a trial is about: marker, outcomes, designs; the YAML, checked and spread over its grid
    numerics       what knows no trial: bivariate normal probabilities, the recursion over looks, sums over blocks
    patients       who is treated, and with what effect: hazards by stratum, the assay
    rejection      when a hypothesis is rejected: boundaries, multiplicity, combination, closed testing
    closed_form    in large samples: expected events, drift of the log-rank test, correlation of tests, textbook formulas
    kernels        what numba compiles: the patients, looks and statistics of many trials
    simulation     from a scenario to simulated trials, block by block
    designs        what a design concludes from its looks, and the power, cost and size of those without adaptation
    adaptive       adaptive enrichment: an interim selects the population
    threshold      designs that choose the cut of a continuous marker
    results        what is counted over the trials of a design, and what is found of it
    study          the designs of a scenario side by side, and what stands beside them
    winners_curse  subgroups looked at by the dozen, and what the trial that confirms then shows
    from_cohort    a scenario whose numbers come from a cohort
    search         the cheapest design of a power, and what it becomes where the truth is another

Importing this package compiles nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from igfstrat.trials.scenario import Scenario, check_built, expand_vary, make_scenario, read_scenario

if TYPE_CHECKING:
    from igfstrat.trials.results.study import DesignResults, StudyResults
    from igfstrat.trials.study.operating import simulate_scenario

__all__ = [
    "DesignResults",
    "Scenario",
    "StudyResults",
    "check_built",
    "expand_vary",
    "make_scenario",
    "read_scenario",
    "simulate_scenario",
]

# the engine loads numba's kernels, so it waits until it is asked for
_HOME = {
    "DesignResults": "igfstrat.trials.results.study",
    "StudyResults": "igfstrat.trials.results.study",
    "simulate_scenario": "igfstrat.trials.study.operating",
}


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    message = f"module 'igfstrat.trials' has no attribute {name!r}"
    raise AttributeError(message)
