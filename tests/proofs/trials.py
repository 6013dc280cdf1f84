"""Simulated power of the trial engine against the drift integral, over designs, effects and assays.

The closed form knows nothing of the kernels: it integrates the log-rank drift at the design's own censoring. A
scenario passes when the gap is within three Monte-Carlo standard errors and 0.003, which the normal approximation
of the integral may cost.
"""

from igfstrat.trials import make_scenario
from igfstrat.trials.study.operating import simulate_scenario

REPLICATES = 100_000
APPROXIMATION = 0.003
BASE = {
    "endpoint": "os",
    "marker": {"name": "igf1r", "prevalence": {"value": 0.25}},
    "control": {"median": 12},
    "treatment": {"hazard_ratio": 0.75},
    "accrual": {"randomized_uniformly_over": 24},
    "dropout": {"probability_per_year": 0.05},
    "designs": {"all_comers": {"n": 500, "events": 300}},
}
ASSAY = {"name": "igf1r", "prevalence": {"value": 0.25}, "assay": {"sensitivity": 0.9, "specificity": 0.9}}
SPLIT = {"treatment": {"hazard_ratio": {"positive": 0.6, "negative": 0.95}}}
DELAYED = {"treatment": {"hazard_ratio": [{"until": 4.0, "hazard_ratio": 1.0}, {"hazard_ratio": 0.6}]}}
WANING = {"treatment": {"hazard_ratio": [{"until": 10.0, "hazard_ratio": 0.6}, {"hazard_ratio": 1.0}]}}
CROSSING = {"treatment": {"hazard_ratio": [{"until": 4.0, "hazard_ratio": 1.3}, {"hazard_ratio": 0.55}]}}
PROGNOSTIC = {"control": {"median": 12, "prognostic_hazard_ratio": 2.0}}
STRATIFIED = {
    "test": {"statistic": "stratified_logrank", "strata": ["igf1r"]},
    "randomization": {"block": 4, "strata": ["igf1r"]},
}


def fixed(n=500, events=300, **more):
    return {"designs": {"all_comers": {"n": n, "events": events} | more}}


def enriched(n=300, events=200, **more):
    return {"designs": {"enrichment": {"n": n, "events": events} | more}}


def both(multiplicity):
    return {"designs": {"biomarker_stratified": {"n": 500, "events": 300, "multiplicity": multiplicity}}}


PFS = {"endpoint": "pfs"}
CROSSOVER = {
    "before_progression": {"median": 40},
    "after_progression": {"median": 9},
    "crossover": {"probability": 0.4, "hazard_ratio": 0.6},
}
LOOKS = fixed(events=[100, 200, 300], spending="obrien_fleming")
POCOCK = fixed(events=[150, 300], spending="pocock")
FUTILE = fixed(events=[100, 200, 300], futility={"z": [0.0, 0.5]})
SCENARIOS = {
    "proportional, hazard ratio 0.75": {},
    "no effect": {"treatment": {"hazard_ratio": 1.0}},
    "hazard ratio 0.65, 150 events": {"treatment": {"hazard_ratio": 0.65}} | fixed(n=300, events=150),
    "hazard ratio 0.8, 500 events": {"treatment": {"hazard_ratio": 0.8}} | fixed(n=800, events=500),
    "allocation 2:1": {"randomization": {"ratio": [2, 1], "block": 6}},
    "blocks of 4": {"randomization": {"block": 4}},
    "no dropout": {"dropout": {"rate_per_year": 0.0}},
    "heavy dropout": {"dropout": {"probability_per_year": 0.3}} | fixed(events=250),
    "three looks, O'Brien–Fleming type": LOOKS,
    "two looks, Pocock type": POCOCK,
    "three looks with futility": FUTILE,
    "three looks, delayed effect": LOOKS | DELAYED,
    "delayed effect": DELAYED,
    "delayed effect at month 36": DELAYED | {"designs": {"all_comers": {"n": 500, "analysis_times": 36.0}}},
    "waning effect": WANING,
    "crossing hazards": CROSSING,
    "two looks, waning effect": POCOCK | WANING,
    "mixture of strata": SPLIT,
    "mixture, half positive": SPLIT | {"marker": {"prevalence": {"value": 0.5}}},
    "mixture, prognostic marker": SPLIT | PROGNOSTIC,
    "mixture, stratified test": SPLIT | STRATIFIED,
    "prognostic marker, stratified test": PROGNOSTIC | STRATIFIED,
    "stratified test, three looks": STRATIFIED | LOOKS | PROGNOSTIC,
    "enrichment, perfect assay": SPLIT | enriched(),
    "enrichment, imperfect assay": SPLIT | enriched() | {"marker": ASSAY},
    "enrichment, imperfect assay, two looks": SPLIT | enriched(events=[100, 200]) | {"marker": ASSAY},
    "enrichment, screened at a rate": SPLIT
    | enriched()
    | {"marker": ASSAY, "accrual": {"screened_per_month": 60}},
    "screened at a rate": {"accrual": {"screened_per_month": 20}},
    "accrual in two pieces": {
        "accrual": [{"until": 6.0, "screened_per_month": 10}, {"screened_per_month": 30}]
    },
    "Weibull, shape 1.5": {"control": {"weibull": {"shape": 1.5, "median": 12}}},
    "cure in 30 %": {"control": {"cure": {"fraction": 0.3, "median": 9}}} | fixed(events=200),
    "piecewise control": {"control": {"hazard": [{"until": 6.0, "rate": 0.1}, {"rate": 0.03}]}},
    "imperfect assay, stratified test": SPLIT | STRATIFIED | {"marker": ASSAY},
    "scans every 2 months": {"scans": {"every": 2.0}} | PFS,
    "scans every 6 months, mixture": {"scans": {"every": 6.0}} | PFS | SPLIT,
    "a prior of the prevalence": SPLIT
    | {"marker": {"name": "igf1r", "prevalence": {"mean": 0.4, "sd": 0.15}}},
    "overall and positives, Hochberg": SPLIT | both("hochberg"),
    "overall and positives, Spiessens–Debois": SPLIT | both("spiessens_debois"),
    "death after progression, crossover": {"overall_survival": CROSSOVER} | SPLIT,
    "death after progression, three looks": {"overall_survival": CROSSOVER} | SPLIT | LOOKS,
}


def gap_of(name, replicates, n_jobs=2):
    """Simulated minus integrated power, and the gap that is allowed."""
    scenario = make_scenario(BASE | SCENARIOS[name])
    study = simulate_scenario(
        scenario, replicates=replicates, seed=20261120, n_jobs=n_jobs, type_i_error=False
    )
    (found,) = study.designs.values()
    return found.closed_form["gap"], 3 * found.power["mc_standard_error"] + APPROXIMATION


def main():
    good = True
    for name in SCENARIOS:
        gap, allowed = gap_of(name, REPLICATES)
        good &= abs(gap) <= allowed
        print(
            f"{name}: gap {gap:+.4f}, allowed {allowed:.4f} {'holds' if abs(gap) <= allowed else 'FAILS'}",
            flush=True,
        )
    return 0 if good else 1


if __name__ == "__main__":
    raise SystemExit(main())
