"""Designs that choose the cut of a continuous marker, at the end or at an interim.

::

    nested              nested_critical_value(information, *, alpha): of the largest of nested statistics
    rules               make_cut_rules(settings, ...) -> CutRules; decide_cuts(rules, statistics) -> CutDecisions
    intervals           make_intervals(scenario, design): the marker between the cuts, and what is true there
    interim             an interim at which the cut is chosen and enrolment restricted to it
    patients            simulate_threshold(scenario, design, *, seed, replicates) -> CutTrials
    switched_enrolment  hazard ratios in large samples where an interim restricts who is enrolled
"""
