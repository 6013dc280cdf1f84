"""What a trial is about: the YAML of `configs/scenarios/`, section by section, and the scenario as a whole.

::

    marker             who is positive in truth, who tests positive, when the result comes
    prior              the prior of a treatment's effect: entries of the registry
    design             randomization, test, costs, designs, comparison, simulation
    outcome            control, treatment, subgroups, progression and death, accrual, dropout
    from_cohort        what a cohort decides of a scenario
    history            what a preset of the past rests on, and what was observed
    search             between what a search chooses
    _adaptive_checks   what can't be true of an adaptive enrichment design
    _threshold_checks  what can't be true of a design that chooses its cut
    _checks            what can't be true together
    scenario           read_scenario(name) make_scenario(dict) expand_vary(scenario) check_built(scenario) -> Scenario
"""

from igfstrat.trials.scenario.scenario import (
    Point,
    Scenario,
    check_built,
    expand_vary,
    in_one_line,
    make_scenario,
    read_scenario,
    with_values,
)

__all__ = [
    "Point",
    "Scenario",
    "check_built",
    "expand_vary",
    "in_one_line",
    "make_scenario",
    "read_scenario",
    "with_values",
]
