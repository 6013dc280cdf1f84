"""The designs of a scenario side by side, and what stands beside their operating characteristics.

::

    progress       who is told how far a job is
    feasibility    feasibility_concerns(scenario) -> sentences, before anything is simulated
    operating      simulate_scenario(scenario, *, replicates, seed, n_jobs) -> StudyResults
    open_truths    conclude_under_truths(scenario, results): none, positives only, all, the opposite
    power_surface  power_surface(scenario, results): over effect and prevalence
    outlook        study_outlook(scenario, results) -> StudyOutlook: timeline, frontier, surface, truths
    replay         replay_history(scenario): a trial of the past held again
"""
