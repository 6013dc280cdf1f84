"""Adaptive enrichment: an interim selects the population, and the final test keeps the level.

::

    priors           priors of an effect from the registry, and its posterior at an interim
    selection        Interim make_rule(settings) apply_rule(rule, interim) reestimated_events
    stages           make_adaptive_rules(settings, ...) run_stages(rules, source, trials) -> Courses
    normal           simulate_normal(rules, ...) -> NormalTrials: stages on normal statistics
    go_no_go         limits, priors and doubts of a Bayesian interim, told beforehand
    patients         rules_of(scenario, design, seed) simulate_adaptive(scenario, design, ...) -> AdaptiveTrials
    after_selection  estimates after a selection: naive, conditional, shrunken
"""
