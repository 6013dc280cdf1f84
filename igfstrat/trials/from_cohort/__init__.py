"""A scenario whose numbers come from a cohort, and how sure they are.

::

    estimates  on arrays with a weight a patient, so that a resample is another weight
    model      CohortModel(sample, settings, prior_sd=) .fit() .draw(seed, resample) -> CohortFit; prognostic_prior
    facts      CohortFacts CohortPower interval(value, resampled): what the page shows
    power      fill_scenario(data, fit, settings) resample_rows share_beyond(scenario, design, follow_up)
"""
