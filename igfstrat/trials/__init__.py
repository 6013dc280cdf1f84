"""Trial enrichment: one scenario, all designs side by side, closed forms beside the simulation.

What stands where, lowest first; each module imports only from those above it, and from `_helpers` (at the end)::

  who is treated, and with what effect
    scenario       read_scenario(name) make_scenario(dict) expand_vary(scenario) check_built(scenario) -> Scenario
    hazards        PiecewiseHazard(starts, rates): .at .cumulative .survival .inverse .times
                   make_hazard(settings) make_effect(pieces) make_cells(scenario) -> tuple[Cell, ...]
                   Cell(stratum, subgroup, share, control, experimental): share within its true stratum
                   common_pieces(hazards) -> starts (k,), rates (m, k)
                   mixture_survival(time, hazards, weights) mixture_hazard(time, hazards, weights)
    assay          make_assay(marker, *, time_unit, prevalence=None) -> Assay: .prevalence (truth) .sensitivity .specificity
                   (failures counted in) .with_result .tests_per_patient .turnaround .test_positive
                   .positive_predictive_value .negative_predictive_value
                   draw_prevalence(marker, rng, size) -> truth; n_screened(n, *, share, with_result)
    population     make_population make_screening make_outcomes(…): a scenario as the arrays that the kernels take
  when a hypothesis is rejected
    boundaries     make_boundaries(*, information, alpha, spending=None, futility=None) -> Boundaries: .efficacy .futility
                   crossing_probabilities(*, upper, lower=None, drift, information) -> Crossing: .upper .lower .reach .power
    correlated_levels  the levels of two correlated tests that use up their family's (Spiessens-Debois)
    multiplicity   reject(p_value (n, m), *, method, alpha, hypotheses, weights, transitions, correlation) -> bool (n, m)
    textbook       schoenfeld_events schoenfeld_power lachin_foulkes_power enrichment_efficiency
  in large samples
    closed_form    make_trial(scenario, design, assay=None, *, population="overall", n=None) -> Trial
                   expected_events(trial, time) time_of_events(trial, events) cox_limit(trial, time)
                   logrank_moments(trial, time) -> Moments: .z .information .variance .hazard_ratio .power(alpha)
                   average_hazard_ratio(trial, time) -> Average; group_sequential_power(moments, *, efficacy, futility=None)
  designs without adaptation
    engine         simulate_trials(scenario, design, *, seed, first, replicates) -> Trials; draw_patients(…)
    designs        make_rules(scenario, design, *, seed) -> Rules; decide(rules, trials) -> Decisions
    sizing         solve_sizes(scenario) -> Scenario with each design at the power or the cost of `compare_at`
    nulls          make_average_one(scenario, design) -> Scenario whose overall effect is none on average, and its ratio
    results        DesignResults StudyResults StudyPoint: what is found, frozen
  adaptive enrichment
    combination    make_combination(method, information, alpha, spending) -> Combination: .statistic .crosses .needed
    closed_testing Closure(hypotheses, method, weights, transitions) intersection_p_values(closure, z, tested) reject_closed
    priors         priors of an effect from the registry, and its posterior at an interim
    selection      Interim make_rule(settings) apply_rule(rule, interim) reestimated_events
    go_no_go       limits, priors and doubts of a Bayesian interim, told beforehand
    feasibility    feasibility_concerns(scenario) -> sentences, of designs of every kind
    adaptive       make_adaptive_rules(settings, ...) run_stages(rules, source, trials) -> Courses
    adaptive_normal    simulate_normal(rules, log_hazard_ratio, positive_share, normals) -> NormalTrials
    adaptive_patients  rules_of(scenario, design, seed) simulate_adaptive(scenario, design, ...) -> AdaptiveTrials
    after_selection    estimates_after_selection(rules, trials): naive, conditional, shrunken
    adaptive_results   what is counted over the trials of an adaptive design
  designs that choose a cut
    nested         nested_critical_value(information, *, alpha)
    threshold      make_cut_rules(settings, *, hypotheses, alpha, split) -> CutRules; decide_cuts(rules, statistics)
    threshold_intervals  make_intervals(scenario, design): the marker between the cuts, and what is true there
    threshold_interim    an interim at which the cut is chosen and enrolment restricted to it
    threshold_patients   simulate_threshold(scenario, design, *, seed, replicates) -> CutTrials
    threshold_results    what is counted over their trials
  a study of designs, and what stands beside it
    operating      simulate_scenario(scenario, *, replicates, seed, n_jobs) -> StudyResults of DesignResults
    open_truths    conclude_under_truths(scenario, results) -> OpenTruths: none, positives only, all, the opposite
    power_surface  power_surface(scenario, results): over effect and prevalence
    outlook        study_outlook(scenario, results) -> StudyOutlook: timeline, frontier, surface, truths
    replay         replay_history(scenario): a trial of the past held again
    winners_curse  subgroups looked at by the dozen, and what the trial that confirms then shows
  from a cohort
    from_cohort    CohortModel(sample, settings, prior_sd=) .fit() .draw(seed, resample) -> CohortFit; prognostic_prior(…)
    cohort_power   fill_scenario(data, fit, settings) resample_rows(…) share_beyond(scenario, design, follow_up)
    cohort_facts   CohortFacts, CohortPower, interval(value, resampled): what the page shows
  the cheapest design
    search_space   make_space(scenario, *, power) -> SearchSpace of candidates
    search         search_designs(scenario, *, power, replicates) -> SearchResults
    sensitivity    swing_designs(results) value_of_prevalence(results)

Of the helpers, `_scenario_…` are the sections of the YAML, `_kernels_…` what numba compiles (with `_jit _kernel_settings
_threads`), and `_winners_…` belong to `winners_curse`. Under hazards lie `_piecewise _overall_survival`, under closed forms
`_trial _integrals _event_times`, with `_covariance _regions _power` for several hypotheses and `_switched_enrolment` for an interim
that restricts it; under the rules of designs `_recursion _efficacy_table _correlation _bivariate`; under sizes `_least_events
_expected _costs _search_rows`. `_accumulate _counts _design_results` add up, `_progress` tells how far it is.

Importing this package compiles nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from igfstrat.trials.scenario import Scenario, check_built, expand_vary, make_scenario, read_scenario

if TYPE_CHECKING:
    from igfstrat.trials.operating import simulate_scenario
    from igfstrat.trials.results import DesignResults, StudyResults

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
    "DesignResults": "igfstrat.trials.results",
    "StudyResults": "igfstrat.trials.results",
    "simulate_scenario": "igfstrat.trials.operating",
}


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    message = f"module 'igfstrat.trials' has no attribute {name!r}"
    raise AttributeError(message)
