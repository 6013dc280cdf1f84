"""A search of 10,000 scenarios with 2,000 trials each: cut, design, size, looks, assay and effect.

    python benchmarks/bench_search.py [--scenarios 10000] [--trials 2000] [--n-jobs 2]

Nothing is left out by its closed form, so that every scenario is sized and simulated. With fewer scenarios, or fewer trials,
the seconds of all are those of an even sample of the grid, scaled up. The shares of sizing and simulation are of the
wall clock between the stages of the search; both run on all workers. Compilation is done before, on a few trials.
"""

import argparse
import itertools
import os
import time

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

ALL, TRIALS, GOAL = 10_000, 2_000, 900.0
CUTS = {0.3: (0.50, 0.97), 0.4: (0.55, 0.94), 0.5: (0.59, 0.91), 0.6: (0.62, 0.89), 0.7: (0.66, 0.87)}
ASSAYS = [(0.80, 0.80), (0.85, 0.80), (0.90, 0.85), (0.95, 0.90), (0.99, 0.99)]
EFFECTS = [0.85, 0.95, 1.0, 1.1, 1.2]  # log hazard ratios in positives, times those of the cut
BASE = {
    "endpoint": "pfs",
    "marker": {"name": "igf1r", "prevalence": {"value": 0.5}},
    "control": {"median": 5},
    "treatment": {"hazard_ratio": {"positive": 0.6, "negative": 0.95}},
    "accrual": {"screened_per_month": 40},
    "dropout": {"probability_per_year": 0.05},
    "costs": {"screen": 800, "patient": 60_000, "month": 150_000},
    "designs": {
        "all_comers": {"n": 500, "events": 380},
        "enrichment": {"n": 260, "events": 200},
        "biomarker_stratified": {
            "n": 450,
            "events": 340,
            "hypotheses": ["overall", "positive"],
            "multiplicity": "spiessens_debois",
        },
        "enrichment_pocock": {"design": "enrichment", "n": 260, "events": 200, "spending": "pocock"},
    },
}
LOOKS = [1, 2, 3, 4]
PATIENTS_PER_EVENT = [1.15, 1.25, 1.35, 1.5, 1.7]


def grid():
    """The choices: a cut sets the prevalence of positives and what the treatment does above and below it."""
    cuts = [
        {
            "name": f"{100 * share:.0f} % positive, effect x {factor:g}",
            "marker.prevalence.value": share,
            "treatment.hazard_ratio.positive": round(above**factor, 6),
            "treatment.hazard_ratio.negative": below,
        }
        for (share, (above, below)), factor in itertools.product(CUTS.items(), EFFECTS)
    ]
    assays = [{"marker.assay.sensitivity": a, "marker.assay.specificity": b} for a, b in ASSAYS]
    return {"cut and effect": cuts, "assay": assays}


def make_search(scenarios):
    """The scenario of the search, with so many of the cuts and effects as give the number asked for."""
    from igfstrat.trials import make_scenario

    over = grid()
    each = len(BASE["designs"]) * len(over["assay"]) * len(LOOKS) * len(PATIENTS_PER_EVENT)
    wanted = max(1, min(len(over["cut and effect"]), round(scenarios / each)))
    step = len(over["cut and effect"]) / wanted
    over["cut and effect"] = [over["cut and effect"][int((k + 0.5) * step)] for k in range(wanted)]
    search = {
        "looks": LOOKS,
        "patients_per_event": PATIENTS_PER_EVENT,
        "over": over,
        "prune": False,
    }
    return make_scenario(BASE | {"search": search, "simulation": {"replicates": 2_000, "seed": 11}})


def timed(scenario, trials, n_jobs):
    """Results, wall seconds by stage, and all of them."""
    from igfstrat.trials.search.cheapest import search_designs

    ends = {}
    start = time.perf_counter()

    def told(stage, done, number):
        ends[stage] = time.perf_counter() - start

    found = search_designs(scenario, power=0.9, replicates=trials, n_jobs=n_jobs, progress=told)
    whole = time.perf_counter() - start
    stages, before = {}, 0.0
    for stage, end in ends.items():
        stages[stage], before = end - before, end
    return found, stages, whole


def main(argv=()):
    from igfstrat.trials import make_scenario

    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--scenarios", type=int, default=400)
    parser.add_argument("--trials", type=int, default=TRIALS)
    parser.add_argument("--n-jobs", type=int, default=2)
    options = parser.parse_args(argv)
    scenario = make_search(options.scenarios)
    timed(make_scenario(BASE | {"search": {"looks": [2], "prune": False}}), 100, 1)  # compiles
    found, stages, whole = timed(scenario, options.trials, options.n_jobs)
    number = len(found.space)
    per = ALL / number
    print(f"{number:,} scenarios x {options.trials:,} trials, {options.n_jobs} workers: {found.counts}")
    patients = found.closed["n"]
    print(f"patients of a trial: mean {patients[patients > 0].mean():.0f}")
    print("| stage | s | ms a scenario | share |\n|---|---|---|---|")
    for stage, seconds in stages.items():
        print(f"| {stage} | {seconds:.1f} | {1e3 * seconds / number:.1f} | {100 * seconds / whole:.0f} % |")
    print(f"| all | {whole:.1f} | {1e3 * whole / number:.1f} | 100 % |")
    words = "measured" if number == ALL and options.trials == TRIALS else "scaled up"
    print(f"{ALL:,} scenarios: {whole * per:.0f} s {words}; the goal is {GOAL:.0f} s")


if __name__ == "__main__":
    import sys

    main(sys.argv[1:])
