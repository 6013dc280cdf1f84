"""Family-wise error of every design and multiplicity procedure, patient by patient, against its component fixed tests.

A test of few events errs more often than its nominal level by itself: the log-rank test at 2:1 does, and by a larger share
at the small levels that a look or a part of alpha has. What the logic of looks and hypotheses may not do is to add to
it. The component tests of a design are each hypothesis at each look, alone, at the level that the procedure gives it
first; all are measured in the same trials. The family-wise error is held against alpha and what the components
exceed their own levels by, and 3 standard errors. Trials of designs that differ in their procedure alone are the same
trials, judged by each.
"""

from functools import partial

import numpy as np
from scipy.special import ndtr

from igfstrat.trials import make_scenario
from igfstrat.trials.designs.nulls import make_average_one
from igfstrat.trials.designs.rules import decide, make_rules
from igfstrat.trials.rejection.boundaries import make_boundaries
from igfstrat.trials.rejection.correlated_levels import correlated_levels
from igfstrat.trials.simulation.engine import simulate_trials
from tests.proofs.claims import Bound
from tests.proofs.trials_normal import METHODS

TRIALS = 1_000_000
CHUNK = 20_000
ALPHA = 0.025
BASE = {
    "endpoint": "os",
    "marker": {"name": "igf1r", "prevalence": {"value": 0.4}},
    "control": {"median": 12},
    "accrual": {"screened_per_month": 30},
    "dropout": {"probability_per_year": 0.05},
}
PROGNOSTIC = {"control": {"median": 12, "prognostic_hazard_ratio": 2.0}}
MISCLASSIFIED = {
    "marker": {
        "name": "igf1r",
        "prevalence": {"value": 0.4},
        "assay": {"sensitivity": 0.8, "specificity": 0.85},
    }
}
TWO_TO_ONE = {"randomization": {"ratio": [2, 1], "block": 6}}
AVERAGE = "opposite effects of average 1"
TRUTHS = {
    "no effect": {},
    "no effect, prognostic marker": PROGNOSTIC,
    "no effect, prognostic marker, 2:1": PROGNOSTIC | TWO_TO_ONE,
    "no effect, misclassified prognostic marker": PROGNOSTIC | MISCLASSIFIED,
    "no effect, misclassified marker, 2:1": MISCLASSIFIED | TWO_TO_ONE,
    AVERAGE: {"treatment": {"hazard_ratio": {"positive": 0.7, "negative": 1.0}}},
    "an effect in the negatives alone": {"treatment": {"hazard_ratio": {"positive": 1.0, "negative": 0.6}}},
}
TRUE_NULLS = {AVERAGE: ["overall"], "an effect in the negatives alone": ["positive"]}  # elsewhere all
LOOKS = {"events": [100, 200], "spending": "obrien_fleming"}
POCOCK = {"events": [100, 200], "spending": "pocock", "futility": {"z": [0.0], "binding": False}}
GROUPS = {
    "all-comers": {"design": "all_comers", "events": 200},
    "all-comers, two looks": {"design": "all_comers"} | LOOKS,
    "all-comers, two looks, Pocock type, futility": {"design": "all_comers"} | POCOCK,
    "enrichment": {"design": "enrichment", "events": 200},
    "enrichment, two looks": {"design": "enrichment"} | LOOKS,
    "stratified": {"design": "biomarker_stratified", "events": 200},
    "stratified, two looks": {"design": "biomarker_stratified"} | LOOKS,
    "hybrid": {"design": "hybrid", "max_negative_share": 0.4, "events": 200},
    "overall, then subgroup": {"design": "sequential", "hypotheses": ["overall", "positive"], "events": 200},
    "subgroup, then overall": {"design": "sequential", "hypotheses": ["positive", "overall"], "events": 200},
}
SEVERAL = ("stratified", "stratified, two looks", "hybrid")
SEQUENTIAL = ("hierarchical", "fallback")


def designs_of(group):
    """The designs of a group: one for each procedure where several hypotheses are tested."""
    settings = {"n": 300} | GROUPS[group]
    if group in SEVERAL:
        return {m: settings | {"multiplicity": m} | METHODS[m] for m in METHODS}
    if settings["design"] == "sequential":
        return {m: settings | {"multiplicity": m} | METHODS[m] for m in SEQUENTIAL}
    return {"one hypothesis": settings}


def components(rules, settings):
    """Critical values of the component tests, shape (looks, hypotheses), at the levels that the procedure gives first."""
    m = len(rules.hypotheses)
    weights = settings.weights or {}
    shares = np.array([weights.get(h, 1 / m) for h in rules.hypotheses])
    if rules.method in ("bonferroni", "fallback", "graphical"):
        levels = ALPHA * shares
    elif rules.method == "spiessens_debois":
        levels = correlated_levels(alpha=ALPHA, correlation=rules.correlation, weights=shares)
    else:
        levels = np.full(m, ALPHA)
    return np.column_stack(
        [
            make_boundaries(
                information=rules.information[:, j], alpha=level, spending=settings.spending
            ).efficacy
            for j, level in enumerate(levels)
        ]
    )


def errors(group, truth, trials, seed=20261121):
    """Of each procedure the share of trials that reject a true null, and alpha with the excess of its components."""
    designs = designs_of(group)
    scenario = make_scenario(BASE | TRUTHS[truth] | {"designs": designs})
    if truth == AVERAGE:
        scenario, _ = make_average_one(scenario, next(iter(designs)))
    rules = {m: make_rules(scenario, m, seed=seed) for m in designs}
    critical = {m: components(rules[m], scenario.designs[m]) for m in designs}
    first = next(iter(designs))
    names = rules[first].hypotheses
    null = np.isin(names, TRUE_NULLS.get(truth, names))
    wrong, crossed = dict.fromkeys(designs, 0), dict.fromkeys(designs, 0)
    for start in range(0, trials, CHUNK):
        found = simulate_trials(
            scenario,
            first,
            seed=seed,
            first=start,
            replicates=min(CHUNK, trials - start),
            threads=2,
            populations=names,
            estimate=False,
        )
        for method in designs:
            settings = scenario.designs[method]
            ends = decide(rules[method], found, weights=settings.weights, transitions=settings.transitions)
            wrong[method] += int((ends.rejected & null).any(axis=1).sum())
            crossed[method] += ((found.z >= critical[method]) & null).sum(axis=0)
    excess = {m: np.maximum(crossed[m] / trials - ndtr(-critical[m]) * null, 0).sum() for m in designs}
    return {m: (n / trials, ALPHA + float(excess[m])) for m, n in wrong.items()}


def claims(_cohorts, *, group, truth, trials):
    """A claim for each procedure."""
    return [
        Bound(f"family-wise error: {group}, {method}; {truth}", limit, found, trials)
        for method, (found, limit) in errors(group, truth, trials).items()
    ]


def applies(group, truth):
    """Whether any null that is tested is true there."""
    tested = {"all_comers": ("overall",), "enrichment": ("positive",)}
    names = tested.get(GROUPS[group]["design"], ("overall", "positive"))
    return any(name in names for name in TRUE_NULLS.get(truth, names))


ALL = tuple(
    partial(claims, group=group, truth=truth) for group in GROUPS for truth in TRUTHS if applies(group, truth)
)
