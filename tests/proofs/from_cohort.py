"""Scenarios from cohorts: does the interval of the power hold the power of the truth that drew the cohort?

The truth is written here and never seen by the estimates: share of positives, error of the test, prognostic effect, hazards.
The power of a design under it is the closed form's at these very numbers. Each cohort gives an interval by its resamples.
"""

from functools import cache, partial

import numpy as np
from scipy.special import ndtri

from igfstrat.parallel import open_pool
from igfstrat.trials import make_scenario
from igfstrat.trials.from_cohort.estimates import accuracy_of
from igfstrat.trials.from_cohort.facts import interval
from igfstrat.trials.from_cohort.model import CohortModel, CohortSample, prognostic_prior
from igfstrat.trials.from_cohort.power import power_of, resample_rows
from igfstrat.trials.patients.piecewise import PiecewiseHazard
from igfstrat.trials.scenario.from_cohort import FromCohortSettings
from tests.proofs.claims import Proof

COHORTS = 500
PATIENTS = 400
WITHIN_SD = 0.6  # of a core, where the true scores have 1; three cores a patient
RELIABILITY = 1 / (1 + WITHIN_SD**2 / 3)
STARTS, RATES = np.array([0.0, 24.0, 60.0]), np.array([0.02, 0.012, 0.006])
TEST_POSITIVE = 0.4
BASE = {
    "endpoint": "dfs",
    "treatment": {"hazard_ratio": {"positive": 0.65, "negative": 1.0}},
    "accrual": {"screened_per_month": 30},
    "designs": {
        "all_comers": {"n": 900, "analysis_times": 48},
        "enrichment": {"n": 450, "analysis_times": 48},
    },
}
TRUTHS = {  # prognostic hazard ratio, and whether the test has an error
    "no prognostic effect": (1.0, False),
    "hazard ratio 1.4": (1.4, False),
    "hazard ratio 0.6": (0.6, False),
    "hazard ratio 1.4, a test with error": (1.4, True),
}


def true_scenario(ratio, error):
    """The scenario that the cohorts are drawn from."""
    sensitivity, specificity = accuracy_of(TEST_POSITIVE, RELIABILITY if error else 1.0)
    pieces = [{"until": 24.0, "rate": 0.02}, {"until": 60.0, "rate": 0.012}, {"rate": 0.006}]
    marker = {
        "name": "igf1r_status",
        "prevalence": {"value": TEST_POSITIVE, "of": "test_positive"},
        "assay": {"sensitivity": sensitivity, "specificity": specificity},
    }
    return make_scenario(
        BASE | {"marker": marker, "control": {"hazard": pieces, "prognostic_hazard_ratio": ratio}}
    )


def draw_cohort(rng, ratio, error, n=PATIENTS):
    """Patients with a true score, three cores, a status by their mean, and a time by the true status."""
    score = rng.normal(size=n)
    cores = score[:, None] + rng.normal(scale=WITHIN_SD if error else 0.0, size=(n, 3))
    spread = RELIABILITY**-0.5 if error else 1.0
    cut = -float(ndtri(TEST_POSITIVE)) * spread
    baseline = PiecewiseHazard(STARTS, RATES)
    event_time = baseline.inverse(rng.exponential(size=n) / np.where(score >= cut, ratio, 1.0))
    censored = rng.uniform(36, 120, n)
    return CohortSample(
        time=np.minimum(event_time, censored),
        event=event_time <= censored,
        positive=(cores.mean(axis=1) >= cut).astype(float),
        repeats=cores if error else None,
    )


@cache
def truth(name):
    scenario = true_scenario(*TRUTHS[name])
    return {design: power_of(scenario, design, seed=1) for design in scenario.designs}


def holds_truth(cohort, name, resamples):
    """Whether the interval of each design holds its true power, of one cohort."""
    rng = np.random.default_rng(np.random.SeedSequence(2026, spawn_key=(list(TRUTHS).index(name), cohort)))
    prior, _, _ = prognostic_prior("igf1r", "tumour_protein")
    settings = FromCohortSettings(bootstrap=resamples)
    model = CohortModel(draw_cohort(rng, *TRUTHS[name]), settings, prior_sd=prior)
    data = true_scenario(*TRUTHS[name]).model_dump(exclude_unset=True)
    rows = resample_rows(0, resamples, model=model, data=data, seed=cohort)
    found = {design: interval(0.0, rows[f"power:{design}"]) for design in truth(name)}
    return {d: limits.ci_lower <= truth(name)[d] <= limits.ci_upper for d, limits in found.items()}


def coverage(_cohorts, *, name, cohorts=COHORTS, resamples=199, n_jobs=-1):
    """Share of the cohorts whose interval holds the true power, a claim a design."""
    from joblib import delayed

    with open_pool("processes", n_jobs, None) as (pool, _):
        held = list(pool(delayed(holds_truth)(i, name, resamples) for i in range(cohorts)))
    return [
        Proof(f"95 % interval of the power holds the truth: {name}, {design}", 0.95,
              float(np.mean([h[design] for h in held])), cohorts)
        for design in held[0]
    ]  # fmt: skip


ALL = tuple(partial(coverage, name=name) for name in TRUTHS)
