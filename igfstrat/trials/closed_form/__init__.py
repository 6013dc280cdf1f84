"""In large samples: what the simulation has to agree with.

::

    trial         make_trial(scenario, design, assay=None, *, population="overall", n=None) -> Trial
    _integrals    over time since randomization, at one calendar time, with the design's own censoring
    _event_times  when events are expected
    logrank       expected_events time_of_events cox_limit(trial, time) logrank_moments(trial, time) -> Moments
                  average_hazard_ratio(trial, time) group_sequential_power(moments, *, efficacy, futility=None)
    covariance    of the log-rank scores of all patients and of a part of them
    correlation   of their tests, where no treatment does anything
    textbook      schoenfeld_events schoenfeld_power lachin_foulkes_power enrichment_efficiency
"""
