"""What a design concludes from its looks, and the power, cost and size of those without adaptation.

::

    rules         make_rules(scenario, design, *, seed) -> Rules; decide(rules, trials) -> Decisions
    costs         spent(scenario, ...): screenings, patients, months
    power         closed_power(scenario, design, rules), and why a design has none
    expected      expected_course(scenario, design): patients, screenings, time and cost
    nulls         make_average_one(scenario, design): what "no effect" means
    least_events  the least number of events that gives a power
    sizing        solve_sizes(scenario) -> Scenario with each design at the power or the cost of `compare_at`
"""
