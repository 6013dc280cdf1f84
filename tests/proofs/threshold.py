"""Strong control of the designs that choose their cut: on normal statistics, and patient by patient.

Normal statistics: five candidates divide everybody into six parts whose scores are independent; a claim for the cut is an
error where those at or above the chosen cut have no effect on average, the overall claim where everybody has none. The
largest error of four truths is held against alpha. A cohort stands for 5,000 draws: `make proofs` draws 10,000,000.

Patients: the components are the overall test at its level and each candidate's own test at the critical value of the largest
one (with an interim: in the first stage, and that of the second stage at alpha). What they exceed their levels by, in the very
same trials, is allowed, and 3 standard errors; a cohort stands for 500 trials. On purpose without control: the largest of
five statistics tested as if it were the only one.
"""

from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
from scipy.special import ndtr, ndtri

from igfstrat.trials import make_scenario
from igfstrat.trials.scenario.design import DesignSettings
from igfstrat.trials.threshold.intervals import make_intervals
from igfstrat.trials.threshold.nested import nested_critical_value, nested_exceedance
from igfstrat.trials.threshold.patients import cut_rules, simulate_threshold
from igfstrat.trials.threshold.rules import CutStatistics, choose_cuts, decide_cuts, make_cut_rules
from tests.proofs.claims import AtLeast, Bound

ALPHA = 0.025
DRAWS_A_COHORT = 5_000
TRIALS_A_COHORT = 500
CHUNK = 100_000
BLOCK = 10_000
CUTS = [-1.0, -0.5, 0.0, 0.5, 1.0]
SHARES = np.array([0.16, 0.15, 0.19, 0.19, 0.15, 0.16])  # of the information, from the lowest part on
DRIFTS = {  # of each part, at the information of the whole trial
    "no effect": np.zeros(6),
    "an effect below every cut": np.array([6.0, 0.0, 0.0, 0.0, 0.0, 0.0]),
    "an effect below the middle cut": np.array([3.0, 3.0, 3.0, 0.0, 0.0, 0.0]),
    "opposite effects above the second cut, of average 1": np.array([0, 0, -3, -3, -3, 3 * 0.53 / 0.16]),
}
KINDS = {
    "level split": {},
    "joint level": {"multiplicity": "spiessens_debois"},
    "threshold alone": {"hypotheses": ("positive",)},
    "learning half, testing half": {"learning_share": 0.5},
    "cut chosen at an interim": {"hypotheses": ("positive",), "events": (150, 300)},
}


def rules_of(kind):
    """Rules of the normal level."""
    settings = dict(KINDS[kind])
    names = settings.pop("hypotheses", ("overall", "positive"))
    design = DesignSettings(**({"n": 500, "events": (300,), "candidates": tuple(CUTS)} | settings))
    return make_cut_rules(design, hypotheses=names, alpha=ALPHA, split="learning_share" in settings)


def draw(rng, draws, drift, fraction):
    """Statistics of everybody and of those at or above each cut, in a part of the trial's information."""
    information = fraction * SHARES
    score = rng.standard_normal((draws, 6)) * np.sqrt(information) + information * drift
    total = np.cumsum(score[:, ::-1], axis=1)[:, ::-1]
    inside = np.cumsum(information[::-1])[::-1]
    return total, np.broadcast_to(inside, total.shape)


def decide_normal(kind, rules, rng, draws, drift):
    """Chosen cut and rejections of draws."""
    score, information = draw(rng, draws, drift, 0.5)
    more, also = draw(rng, draws, drift, 0.5)
    if rules.combination is not None:
        z = score / np.sqrt(information)
        chosen = choose_cuts(rules, z, information)
        at = np.arange(draws), chosen + 1
        grid = np.linspace(-4.0, 8.0, 1_201)
        inside = information[0, :0:-1]
        first = np.array([-ndtri(max(nested_exceedance(x, inside), ndtr(-x))) for x in grid])
        p = ndtr(-np.interp(z[at], grid, first))
        stages = np.column_stack((p, ndtr(-more[at] / np.sqrt(also[at]))))
        return chosen, rules.combination.crosses(stages).any(axis=1)[:, None]
    both, whole = score + more, information + also
    parts = {}
    if rules.split:
        parts = {
            "learning_z": score / np.sqrt(information),
            "learning_information": information,
            "testing_z": more / np.sqrt(also),
        }
    found = decide_cuts(rules, CutStatistics(z=both / np.sqrt(whole), information=whole, **parts))
    return found.chosen, found.rejected


def normal_error(kind, truth, draws, seed=10_000_001):
    """Share of draws with a false claim."""
    rules, drift = rules_of(kind), DRIFTS[truth]
    average = np.cumsum((SHARES * drift)[::-1])[::-1]
    null = average <= 1e-9
    place = list(DRIFTS).index(truth)

    def wrong(start):
        rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(place, start)))
        chosen, rejected = decide_normal(kind, rules, rng, min(CHUNK, draws - start), drift)
        false = rejected[:, -1] & null[chosen + 1]
        if len(rules.hypotheses) == 2:
            false |= rejected[:, 0] & null[0]
        return int(false.sum())

    with ThreadPoolExecutor(2) as pool:
        return sum(pool.map(wrong, range(0, draws, CHUNK))) / draws


def cut_error(n, *, kind):
    """The largest error of a design over the truths."""
    draws = n * DRAWS_A_COHORT
    found = max(normal_error(kind, truth, draws) for truth in DRIFTS)
    return Bound(f"family-wise error of a chosen cut on normal statistics: {kind}", ALPHA, found, draws)


BASE = {
    "endpoint": "os",
    "marker": {"name": "igf1r", "continuous": {"cut": 0.0}},
    "control": {"median": 12},
    "accrual": {"screened_per_month": 30},
    "dropout": {"probability_per_year": 0.05},
}
PROGNOSTIC = {"control": {"median": 12, "prognostic_hazard_ratio": 2.0}}
MEASURED = {"marker": {"name": "igf1r", "continuous": {"cut": 0.0}, "assay": {"measurement_sd": 0.7}}}
TWO_TO_ONE = {"randomization": {"ratio": [2, 1], "block": 6}}
TRUTHS = {
    "no effect": {},
    "prognostic marker": PROGNOSTIC,
    "prognostic marker, measured with error": PROGNOSTIC | MEASURED,
    "2:1, prognostic marker": PROGNOSTIC | TWO_TO_ONE,
    "an effect below the middle cut alone": {
        "treatment": {"hazard_ratio": {"positive": 1.0, "negative": 0.6}}
    },
}
SIZE = {"design": "adaptive_threshold", "n": 400, "events": 250, "candidates": CUTS}
DESIGNS = {
    "level split": SIZE,
    "threshold alone": SIZE | {"hypotheses": ["positive"]},
    "joint level": SIZE | {"multiplicity": "spiessens_debois"},
    "learning half, testing half": SIZE | {"design": "adaptive_signature", "learning_share": 0.5},
    "cut chosen at an interim": SIZE | {"events": [120, 220], "hypotheses": ["positive"]},
}
UNADJUSTED = SIZE | {"hypotheses": ["positive"], "allow_unadjusted_maximum": True}


def gained_after_interim(trials):
    """Statistic of the second stage alone; NaN of trials without one."""
    before = trials.found[np.arange(len(trials.looks)), 0, np.maximum(trials.decisions.chosen, 0) + 1]
    score = [x[:, 0] * np.sqrt(x[:, 4]) for x in (trials.above, before)]
    information = trials.above[:, 4] - before[:, 4]
    known = (trials.decisions.last_look == 1) & (information > 1e-9)
    return np.where(known, (score[0] - score[1]) / np.sqrt(np.where(known, information, 1.0)), np.nan)


def components(trials, rules, intervals):
    """Whether each component test crosses, shape (r, c), its critical values, and which of them hold a true cut."""
    z = trials.found[:, 0, :, 0]
    inside = intervals.share_above[::-1]
    k = np.arange(len(CUTS))
    if rules.split:
        chosen = trials.decisions.chosen
        level = np.array([ndtri(1 - level) for level in rules.levels])
        return np.column_stack((z[:, 0], trials.above[:, 0])), level, [np.full(len(z), -1), chosen]
    if rules.combination is not None:
        critical = nested_critical_value(inside, alpha=ALPHA)
        gained = gained_after_interim(trials)
        columns = [*(np.full(len(z), j) for j in k), trials.decisions.chosen]
        return np.column_stack((z[:, 1:], gained)), np.append(np.full(5, critical), ndtri(1 - ALPHA)), columns
    overall = float(ndtri(1 - rules.levels[0])) if rules.joint else None
    parts = np.append(inside, 1.0) if rules.joint else inside
    critical = nested_critical_value(parts, alpha=rules.levels[-1], overall=overall)
    first = [] if len(rules.hypotheses) == 1 else [ndtri(1 - rules.levels[0])]
    columns = [*([np.full(len(z), -1)] if first else []), *(np.full(len(z), j) for j in k)]
    return (z if first else z[:, 1:]), np.array([*first, *np.full(5, critical)]), columns


def patient_errors(settings, sections, trials, *, effect=False, seed=20261122):
    """Share of trials with a false claim, and alpha with the excess of the component tests."""
    scenario = make_scenario(BASE | sections | {"designs": {"cut": settings}})
    rules, intervals = cut_rules(scenario, "cut"), make_intervals(scenario, "cut")
    null = np.append(np.array(CUTS) >= 0.0 if effect else np.full(5, True), not effect)  # the last: everybody
    wrong, crossed, held, nominal = 0, 0.0, 0.0, 0.0
    for start in range(0, trials, BLOCK):
        count = min(BLOCK, trials - start)
        found = simulate_threshold(
            scenario, "cut", seed=seed, first=start, replicates=count, threads=2, estimate=False
        )
        rejected, chosen = found.decisions.rejected, found.decisions.chosen
        false = rejected[:, -1] & null[chosen] & (chosen >= 0)
        if len(rules.hypotheses) == 2:
            false |= rejected[:, 0] & null[-1]
        wrong += int(false.sum())
        z, critical, columns = components(found, rules, intervals)
        true = np.column_stack([null[column] for column in columns]) & np.isfinite(z)
        crossed = crossed + ((z >= critical) & true).sum(axis=0)
        held, nominal = held + true.sum(axis=0), ndtr(-critical)
    excess = np.maximum(crossed / np.maximum(held, 1) - nominal, 0.0)
    return wrong / trials, ALPHA + float(excess.sum())


def patient_error(n, *, design, truth):
    """One design under one truth."""
    trials = n * TRIALS_A_COHORT
    effect = truth.startswith("an effect")
    found, allowed = patient_errors(DESIGNS[design], TRUTHS[truth], trials, effect=effect)
    return Bound(f"family-wise error of a chosen cut, patients: {design}; {truth}", allowed, found, trials)


def inflation(n):
    """The largest of five tested as if it were the only one."""
    trials = n * TRIALS_A_COHORT
    found, _ = patient_errors(UNADJUSTED, TRUTHS["no effect"], trials)
    claim = "error of the largest of five statistics tested as the only one (refused by default) exceeds twice alpha"
    return AtLeast(claim, 2 * ALPHA, found, trials)


def _named(function, name, **settings):
    proof = partial(function, **settings)
    proof.__name__ = name
    return proof


NORMAL = tuple(_named(cut_error, kind, kind=kind) for kind in KINDS)
PATIENTS = (
    *(_named(patient_error, f"{d}, {t}", design=d, truth=t) for d in DESIGNS for t in TRUTHS),
    inflation,
)
ALL = (*NORMAL, *PATIENTS)
# for `make test`: no effect, and the truths in which most goes wrong
QUICK = (
    *NORMAL,
    *(p for p in PATIENTS[:-1] if p.keywords["truth"] in {"no effect", "2:1, prognostic marker"}),
    inflation,
)
