"""Strong control of the adaptive designs: on normal statistics, and patient by patient.

Normal statistics: every selection rule with every intersection test and every combination, over {overall, positive,
negative} in two stages, under no effect, an effect in the negatives alone, in the positives alone, and opposite effects of
average 1; the error is the rejection of any true null, and the largest of the four is held against alpha. A cohort
stands for 5,000 draws: `make proofs` draws 10,000,000.

Patients: the log-rank test of a stage errs by itself where events are few or arms unequal. The components of a design are
each hypothesis in each stage, alone, at alpha, in the very same trials without a selection: what they exceed it by, over the
stages of a hypothesis (to first order the excess of a combination is the sum of its stages'), is allowed, and 3 standard errors.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial

import numpy as np
from scipy.special import ndtr

from igfstrat.trials import make_scenario
from igfstrat.trials.adaptive.normal import simulate_normal
from igfstrat.trials.adaptive.patients import rules_of, simulate_adaptive
from igfstrat.trials.adaptive.stages import make_adaptive_rules
from igfstrat.trials.designs.nulls import make_average_one
from igfstrat.trials.scenario.design import DesignSettings, SelectionSettings
from tests.proofs.claims import AtLeast, Bound

ALPHA = 0.025
DRAWS_A_COHORT = 5_000
TRIALS_A_COHORT = 500
CHUNK = 100_000
CHECKED = 5_000
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
    "posterior probability": {  # with a hopeful prior
        "rule": "posterior_probability",
        "hazard_ratio_below": 0.9,
        "at_least": 0.5,
        "prior": {"kind": "power", "evidence": "E-e-14b", "weight": 0.5},
    },
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


def tempted(rules, true, z):
    """Draws in which any of the rules could reject a true null: closed testing rejects it only where its own test does."""
    found = np.zeros(z.shape[1], bool)
    for combination in {rule.combination.method: rule.combination for rule in rules}.values():
        # a little beyond the last digits, in which the sums here differ from those of the rules
        p = ndtr(-(z[:, :, true] + 1e-6))
        found |= combination.crosses(np.moveaxis(p, 0, 2)).any(axis=(1, 2))
    return found


def own_statistics(normals):
    """Statistics of overall, positives and negatives in each stage where everybody is enrolled and nothing has an effect."""
    overall = normals @ np.sqrt([SHARE, 1 - SHARE])
    return np.concatenate((overall[:, :, None], normals), axis=2)


def false_claims(rules, null, normals):
    """Whether each draw rejects a true null."""
    effects, true = NULLS[null]
    found = simulate_normal(rules, log_hazard_ratio=effects, positive_share=SHARE, normals=normals)
    return (found.courses.rejected & np.array(true)).any(axis=1)


def normal_errors(rules, null, draws, seed):
    """Share of draws in which a true null is rejected, of several designs that share the draws.

    Only draws in which the own test of a true null rejects are taken through the stages; the first of a hundred all are, and
    must say the same. An own test has no drift: the statistics of a true null are those without any effect.
    """
    place, true = list(NULLS).index(null), np.array(NULLS[null][1])
    checked = max(draws // 100, CHECKED)

    def wrong(start):
        count = min(CHUNK, draws - start)
        key = np.random.SeedSequence(seed, spawn_key=(place, start))
        normals = np.random.Generator(np.random.SFC64(key)).standard_normal((2, count, 2))
        matters = tempted(rules, true, own_statistics(normals))
        for rule in rules:
            whole = false_claims(rule, null, normals[:, : max(checked - start, 0)])
            assert not (whole & ~matters[: len(whole)]).any(), (
                "a true null was claimed that its own test keeps"
            )
        kept = normals[:, matters]
        return np.array([false_claims(rule, null, kept).sum() for rule in rules])

    with ThreadPoolExecutor(2) as pool:
        return sum(pool.map(wrong, range(0, draws, CHUNK))) / draws


def adaptive_errors(n, *, selection, seed=10_000_000):
    """The largest error over the four nulls, of a selection rule with every test and combination."""
    draws = n * DRAWS_A_COHORT
    kinds = [(test, combination) for test in TESTS for combination in COMBINATIONS]
    rules = [rules_for(selection, *kind) for kind in kinds]
    found = np.max([normal_errors(rules, null, draws, seed) for null in NULLS], axis=0)
    claim = "family-wise error of adaptive enrichment on normal statistics"
    return [
        Bound(f"{claim}: {selection}, {test}, {combination}", ALPHA, float(error), draws)
        for (test, combination), error in zip(kinds, found, strict=True)
    ]


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
AVERAGE = "opposite effects of average 1"
TRUTHS = {
    "no effect": {},
    "prognostic marker": PROGNOSTIC,
    "misclassified prognostic marker": PROGNOSTIC | MISCLASSIFIED,
    "unequal information": UNEQUAL | PROGNOSTIC,
    "2:1, prognostic marker": PROGNOSTIC | TWO_TO_ONE,
    "an effect in the negatives alone": {"treatment": {"hazard_ratio": {"positive": 1.0, "negative": 0.6}}},
    # the negatives are harmed so much that the overall test drifts nowhere, with everybody enrolled as screened
    AVERAGE: {"treatment": {"hazard_ratio": {"positive": 0.7, "negative": 1.0}}},
}
TRUE_NULLS = {AVERAGE: ["overall"], "an effect in the negatives alone": ["positive"]}  # elsewhere all
DESIGN = {
    "design": "adaptive_enrichment",
    "n": 400,
    "events": [100, 200],
    "selection": {"rule": "conditional_power", "at_least": 0.2},
}
USES_ALL = DESIGN | {
    "selection": {"rule": "best"},
    "multiplicity": "spiessens_debois",
    "combination": "fisher",
}
STRATIFIED = {"test": {"statistic": "stratified_logrank", "strata": ["igf1r"]}}
DESIGNS = {
    "Simes, inverse normal": DESIGN,
    "Spiessens–Debois, Fisher, best, stratified test": USES_ALL,
    "hierarchical, events re-estimated": DESIGN
    | {"multiplicity": "hierarchical", "reestimation": {"conditional_power": 0.9, "most_events": 300}},
    "Simes, stages by patients": DESIGN
    | {"n": 600, "events": [100, 300], "first_stage_events": 180, "increments": "stage_by_patient"},
}


def everybody(interim):
    """No selection."""
    return interim.running


def trial_error(scenario, design, trials, true, seed=20261121):
    """Share of trials that reject a true null, and alpha with the largest excess of the tests of its stages by themselves.

    The latter are of the same trials without a selection: what a selection does to a later stage is no fault of its test.
    """
    rules = rules_of(scenario, design, seed=seed)
    fixed = replace(rules, rule=everybody, reestimation=None)
    wrong, crossed, held = 0, np.zeros((2, len(true))), np.zeros((2, len(true)))
    for start in range(0, trials, BLOCK):
        count = min(BLOCK, trials - start)
        block = partial(
            simulate_adaptive,
            scenario,
            design,
            seed=seed,
            first=start,
            replicates=count,
            threads=2,
            estimate=False,
        )
        wrong += int((block(rules=rules).courses.rejected & true).any(axis=1).sum())
        alone = block(rules=fixed).courses.stage_z
        known = np.isfinite(alone)
        held += known.sum(axis=0)
        crossed += (known & (ndtr(-np.nan_to_num(alone, nan=-9.0)) <= ALPHA)).sum(axis=0)
    excess = np.maximum(crossed / np.maximum(held, 1) - ALPHA, 0.0)
    return wrong / trials, ALPHA + float(excess[:, true].sum(axis=0).max())


def patient_error(n, *, design, truth):
    """One design under one truth."""
    trials = n * TRIALS_A_COHORT
    test = STRATIFIED if "stratified" in design else {}
    scenario = make_scenario(BASE | TRUTHS[truth] | test | {"designs": {"adaptive": DESIGNS[design]}})
    if truth == AVERAGE:
        scenario, _ = make_average_one(scenario, "adaptive")
    names = scenario.hypotheses_of("adaptive")
    true = np.isin(names, TRUE_NULLS.get(truth, names))
    found, allowed = trial_error(scenario, "adaptive", trials, true)
    claim = f"family-wise error of adaptive enrichment, patients: {design}; {truth}"
    return Bound(claim, allowed, found, trials)


def unstratified(n):
    """Who looks at the positives knows of the later events of all where these die sooner and the test is not stratified."""
    trials = n * TRIALS_A_COHORT
    scenario = make_scenario(BASE | PROGNOSTIC | {"designs": {"adaptive": USES_ALL}})
    found, _ = trial_error(scenario, "adaptive", trials, np.array([True, True]))
    claim = "family-wise error of Spiessens–Debois, Fisher, best, with a prognostic marker and an unstratified test exceeds alpha"
    return AtLeast(claim, ALPHA + INFLATION, found, trials)


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


NORMAL = tuple(_named(adaptive_errors, s, selection=s) for s in SELECTIONS)
PATIENTS = tuple(
    _named(patient_error, f"{design}, {truth}", design=design, truth=truth)
    for design in DESIGNS
    for truth in TRUTHS
)
SURVIVAL = (
    *(_named(pfs_selects, f"PFS selects, {form}", increments=form) for form in PFS_DESIGNS),
    unstratified,
)
ALL = (*NORMAL, *PATIENTS, *SURVIVAL)
# for `make test`: the error is largest where nothing has an effect and all of the level is used
QUICK = (
    *NORMAL,
    *(p for p in PATIENTS if p.keywords["truth"] in {"no effect", "2:1, prognostic marker"}),
)
