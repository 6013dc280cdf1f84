"""Strong control of the adaptive designs: on normal statistics, and patient by patient.

Normal statistics: every selection rule with every intersection test and every combination, over {overall, positive,
negative} in two stages, under no effect, an effect in the negatives alone, in the positives alone, and opposite effects of
average 1; the error is the rejection of any true null, and the largest of the four is held against alpha. A cohort
stands for 5,000 draws: `make proofs` draws 10,000,000.

Patients: the log-rank test of a stage errs by itself where events are few or arms unequal. The components of a design are
each hypothesis in each stage, alone, at alpha: what they exceed it by in the very same trials, over the stages of a hypothesis
(to first order the excess of a combination is the sum of its stages'), is allowed, and 3 standard errors.
"""

from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
from scipy.special import ndtr

from igfstrat.trials import make_scenario
from igfstrat.trials._scenario_design import DesignSettings, SelectionSettings
from igfstrat.trials.adaptive import make_adaptive_rules
from igfstrat.trials.adaptive_normal import simulate_normal
from igfstrat.trials.adaptive_patients import rules_of, simulate_adaptive
from tests.proofs.claims import AtLeast, Bound

ALPHA = 0.025
DRAWS_A_COHORT = 5_000
TRIALS_A_COHORT = 500
CHUNK = 100_000
BLOCK = 5_000
SHARE = 0.4
HYPOTHESES = ("overall", "positive", "negative")
GRAPH = {
    "overall": {"positive": 0.5, "negative": 0.5},
    "positive": {"overall": 1.0},
    "negative": {"overall": 1.0},
}
SELECTIONS = {
    "best by z": {"rule": "best"},
    "best by effect": {"rule": "best", "by": "log_hazard_ratio"},
    "threshold": {"rule": "threshold", "at_least": 0.5},
    "epsilon": {"rule": "epsilon", "epsilon": 0.5},
    "conditional power": {"rule": "conditional_power", "at_least": 0.3},
    "predictive power": {"rule": "predictive_power", "at_least": 0.3},
    "a user's function": {"rule": "best"},
}
TESTS = ("bonferroni", "simes", "spiessens_debois", "hierarchical", "graphical")
COMBINATIONS = ("inverse_normal", "fisher")
OPPOSITE = 0.45
NULLS = {  # log hazard ratios of positives and negatives; which of the hypotheses are true
    "no effect": ((0.0, 0.0), (True, True, True)),
    "an effect in the negatives alone": ((0.0, -0.4), (False, True, False)),
    "an effect in the positives alone": ((-0.4, 0.0), (False, False, True)),
    "opposite effects of average 1": ((-OPPOSITE, OPPOSITE * SHARE / (1 - SHARE)), (True, False, True)),
}


def most_tempting(interim):
    """A user's rule that looks at everything it may: whoever is nearest to a rejection, or nobody far from one."""
    hope = np.where(interim.running, interim.conditional_power(), -1.0)
    return (hope >= hope.max(axis=1, keepdims=True) - 0.1) & (hope > 0.05)


def rules_for(selection, test, combination):
    """Rules of the normal level: 150 and 150 events, events may rise to 450 with the estimate."""
    settings = DesignSettings(
        n=1_000,
        events=(150, 300),
        selection=SelectionSettings(**SELECTIONS[selection]),
        combination=combination,
        multiplicity=test,
        transitions=GRAPH if test == "graphical" else None,
        reestimation={"conditional_power": 0.9, "most_events": 450},
    )
    user = most_tempting if selection == "a user's function" else None
    return make_adaptive_rules(settings, hypotheses=HYPOTHESES, alpha=ALPHA, events=(150, 150), rule=user)


def normal_error(rules, null, draws, seed):
    """Share of draws in which a true null is rejected."""
    effects, true = NULLS[null]
    place = list(NULLS).index(null)

    def wrong(start):
        key = np.random.SeedSequence(seed, spawn_key=(place, start))
        found = simulate_normal(
            rules,
            log_hazard_ratio=effects,
            positive_share=SHARE,
            trials=min(CHUNK, draws - start),
            rng=np.random.Generator(np.random.SFC64(key)),
        )
        return int((found.courses.rejected & np.array(true)).any(axis=1).sum())

    with ThreadPoolExecutor(2) as pool:
        return sum(pool.map(wrong, range(0, draws, CHUNK))) / draws


def adaptive_error(n, *, selection, test, combination, seed=10_000_000):
    """The largest error over the four nulls."""
    draws = n * DRAWS_A_COHORT
    rules = rules_for(selection, test, combination)
    found = max(normal_error(rules, null, draws, seed) for null in NULLS)
    claim = (
        f"family-wise error of adaptive enrichment on normal statistics: {selection}, {test}, {combination}"
    )
    return Bound(claim, ALPHA, found, draws)


BASE = {
    "endpoint": "os",
    "marker": {"name": "igf1r", "prevalence": {"value": SHARE}},
    "control": {"median": 12},
    "accrual": {"screened_per_month": 40},
    "dropout": {"probability_per_year": 0.05},
}
TWO_TO_ONE = {"randomization": {"ratio": [2, 1], "block": 6}}
PROGNOSTIC = {"control": {"median": 12, "prognostic_hazard_ratio": 2.0}}
ASSAY = {"sensitivity": 0.8, "specificity": 0.85}
MISCLASSIFIED = {"marker": {"name": "igf1r", "prevalence": {"value": SHARE}, "assay": ASSAY}}
UNEQUAL = {"marker": {"name": "igf1r", "prevalence": {"value": 0.15}}}
TRUTHS = {
    "no effect": {},
    "prognostic marker": PROGNOSTIC,
    "misclassified prognostic marker": PROGNOSTIC | MISCLASSIFIED,
    "unequal information": UNEQUAL | PROGNOSTIC,
    "2:1, prognostic marker": PROGNOSTIC | TWO_TO_ONE,
    "an effect in the negatives alone": {"treatment": {"hazard_ratio": {"positive": 1.0, "negative": 0.6}}},
}
DESIGN = {
    "design": "adaptive_enrichment",
    "n": 400,
    "events": [100, 200],
    "selection": {"rule": "conditional_power", "at_least": 0.2},
}
DESIGNS = {
    "Simes, inverse normal": DESIGN,
    "Spiessens–Debois, Fisher, best": DESIGN
    | {"selection": {"rule": "best"}, "multiplicity": "spiessens_debois", "combination": "fisher"},
    "hierarchical, events re-estimated": DESIGN
    | {"multiplicity": "hierarchical", "reestimation": {"conditional_power": 0.9, "most_events": 300}},
    "Simes, stages by patients": DESIGN
    | {"n": 600, "events": [100, 300], "first_stage_events": 180, "increments": "stage_by_patient"},
}


def trial_error(scenario, design, trials, true, seed=20261121):
    """Share of trials that reject a true null, and alpha with the largest excess of a stage's own test."""
    rules = rules_of(scenario, design, seed=seed)
    wrong, crossed, held = 0, np.zeros((2, len(true))), np.zeros((2, len(true)))
    for start in range(0, trials, BLOCK):
        found = simulate_adaptive(
            scenario,
            design,
            seed=seed,
            rules=rules,
            first=start,
            replicates=min(BLOCK, trials - start),
            threads=2,
            estimate=False,
        ).courses
        wrong += int((found.rejected & true).any(axis=1).sum())
        known = np.isfinite(found.stage_z)
        # a stage of patients is not even completed where the trial stopped: the first stage is that of all trials
        held += np.stack([np.full(len(true), len(known)), known[:, 1].sum(axis=0)])
        crossed += (known & (ndtr(-np.nan_to_num(found.stage_z, nan=-9.0)) <= ALPHA)).sum(axis=0)
    excess = np.maximum(crossed / np.maximum(held, 1) - ALPHA, 0.0)
    return wrong / trials, ALPHA + float(excess[:, true].sum(axis=0).max())


def patient_error(n, *, design, truth):
    """One design under one truth."""
    trials = n * TRIALS_A_COHORT
    scenario = make_scenario(BASE | TRUTHS[truth] | {"designs": {"adaptive": DESIGNS[design]}})
    # an effect in the negatives alone leaves one true null, that of the positives
    effect = truth.startswith("an effect")
    true = np.array([not effect or name == "positive" for name in scenario.hypotheses_of("adaptive")])
    found, allowed = trial_error(scenario, "adaptive", trials, true)
    claim = f"family-wise error of adaptive enrichment, patients: {design}; {truth}"
    return Bound(claim, allowed, found, trials)


# progression tells of the deaths that follow: few deaths and many progressions at the interim
SELECTS_ON_PFS = {
    "endpoint": "os",
    "marker": {"name": "igf1r", "prevalence": {"value": 0.5}},
    "control": {"median": 6},
    "overall_survival": {"after_progression": {"median": 4}},
    "accrual": {"randomized_uniformly_over": 8},
}
PFS_DESIGN = {
    "design": "adaptive_enrichment",
    "n": 800,
    "hypotheses": ["positive", "negative"],
    "selection": {"rule": "best", "endpoint": "pfs"},
    "spending": {"spending": "user", "shares": [0.0, 1.0]},
}
PFS_DESIGNS = {
    "independent_increments": PFS_DESIGN
    | {"events": [60, 240], "increments": "independent_increments", "allow_invalid_increments": True},
    "stage_by_patient": PFS_DESIGN | {"events": [60, 600], "increments": "stage_by_patient"},
}
INFLATION = 0.001  # at the least: what came was 0.003


def pfs_selects(n, *, increments):
    """A selection on progression for a test of survival: by increments the error rises, by patients it does not."""
    trials = n * TRIALS_A_COHORT
    scenario = make_scenario(SELECTS_ON_PFS | {"designs": PFS_DESIGNS})
    found, allowed = trial_error(scenario, increments, trials, np.array([True, True]))
    claim = f"family-wise error, PFS selects for a test of OS: {increments}"
    if increments == "stage_by_patient":
        return Bound(claim, allowed, found, trials)
    return AtLeast(f"{claim} (refused by default) exceeds alpha", ALPHA + INFLATION, found, trials)


def _named(function, name, **settings):
    proof = partial(function, **settings)
    proof.__name__ = name
    return proof


NORMAL = tuple(
    _named(adaptive_error, f"{s}, {t}, {c}", selection=s, test=t, combination=c)
    for s in SELECTIONS
    for t in TESTS
    for c in COMBINATIONS
)
PATIENTS = tuple(
    _named(patient_error, f"{design}, {truth}", design=design, truth=truth)
    for design in DESIGNS
    for truth in TRUTHS
)
SURVIVAL = tuple(_named(pfs_selects, f"PFS selects, {form}", increments=form) for form in PFS_DESIGNS)
ALL = (*NORMAL, *PATIENTS, *SURVIVAL)
# for `make test`: the error is largest where nothing has an effect and all of the level is used
QUICK = (
    *(
        p
        for p in NORMAL
        if p.keywords["test"] == "spiessens_debois" and "by effect" not in p.keywords["selection"]
    ),
    *(p for p in PATIENTS if p.keywords["truth"] in {"no effect", "2:1, prognostic marker"}),
)
