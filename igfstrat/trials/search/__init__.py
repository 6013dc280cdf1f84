"""The cheapest design of a power, and what it becomes where the truth is not as assumed.

::

    space        make_space(scenario, *, power) -> SearchSpace of candidates
    rows         what is computed of each candidate: its size, estimates in closed form, a simulation
    cheapest     search_designs(scenario, *, power, replicates) -> SearchResults
    sensitivity  swing_designs(results) value_of_prevalence(results)
"""
