"""Times of the trial engine, in one run on one core: per 1,000 trials of N = 500 with 300 events.

    python benchmarks/bench_trials.py [--trials 1000] [--repeats 5]

Medians of warm runs, in seconds of processor time so that other work on the machine counts less; the two threads
by the wall clock. The peers draw the same kind of trial with numpy and test it with scipy.stats.logrank,
lifelines' logrank_test or rpact (in R, where it is installed); they run fewer trials and are scaled up. The last
lines say where our time goes: each step is timed as what it adds to those before it.
"""

import argparse
import functools
import os
import shutil
import subprocess
import time

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import numpy as np  # noqa: E402 - reads the number of threads when it loads

BASE = {
    "endpoint": "os",
    "marker": {"name": "igf1r", "prevalence": {"value": 0.3}},
    "control": {"median": 12},
    "treatment": {"hazard_ratio": 0.75},
    "accrual": {"randomized_uniformly_over": 24},
    "dropout": {"probability_per_year": 0.05},
    "randomization": {"block": 4},
    "designs": {"all_comers": {"n": 500, "events": 300}},
}
THREE_LOOKS = {"designs": {"all_comers": {"n": 500, "events": [100, 200, 300]}}}
CASES = {
    "fixed log-rank": {},
    "three looks": THREE_LOOKS,
    "stratified log-rank": {"test": {"statistic": "stratified_logrank", "strata": ["igf1r"]}},
    "MaxCombo, two weights": {"test": {"statistic": "maxcombo", "weights": [[0.0, 0.0], [0.0, 1.0]]}},
    "RMST": {"test": {"statistic": "rmst", "tau": 18.0}},
}
ADAPTIVE = {
    "designs": {
        "adaptive": {
            "design": "adaptive_enrichment",
            "n": 1_000,
            "events": [200, 500],
            "selection": {"rule": "conditional_power", "at_least": 0.3},
        }
    }
}
ADAPTIVE_CASES = {
    "two stages by increments": {},
    "two stages by patients": {"increments": "stage_by_patient"},
}
CUTS = {"n": 500, "events": 300, "candidates": [-1.0, -0.5, 0.0, 0.5, 1.0]}
CUT_CASES = {
    "adaptive threshold": {"design": "adaptive_threshold"},
    "adaptive threshold, level joint": {"design": "adaptive_threshold", "multiplicity": "spiessens_debois"},
    "adaptive threshold, cut at an interim": {
        "design": "adaptive_threshold",
        "events": [150, 300],
        "hypotheses": ["positive"],
    },
    "adaptive signature": {"design": "adaptive_signature", "learning_share": 0.5},
}
R_CODE = """
suppressMessages(library(rpact))
design <- getDesignGroupSequential(kMax = 1, alpha = 0.025)
run <- function() getSimulationSurvival(design, lambda2 = log(2) / 12, hazardRatio = 0.75, directionUpper = FALSE,
  accrualTime = c(0, 24), maxNumberOfSubjects = 500, plannedEvents = 300, dropoutRate1 = 0.05, dropoutRate2 = 0.05,
  dropoutTime = 12, maxNumberOfIterations = %d, seed = 1)
invisible(run())
cat(median(sapply(1:3, function(i) sum(system.time(run())[1:2]))))
"""


def median_time(run, repeats, clock=time.process_time):
    run()
    times = []
    for _ in range(repeats):
        start = clock()
        run()
        times.append(clock() - start)
    return float(np.median(times))


def ours(changes, trials, threads=1, estimate=False):
    from igfstrat.trials import make_scenario
    from igfstrat.trials.simulation.engine import simulate_trials

    scenario = make_scenario(BASE | changes)
    return lambda: simulate_trials(
        scenario,
        "all_comers",
        seed=1,
        replicates=trials,
        threads=threads,
        populations=("overall",),
        estimate=estimate,
    )


def adaptive(changes, trials, estimate=False):
    from igfstrat.trials import make_scenario
    from igfstrat.trials.adaptive.patients import rules_of, simulate_adaptive

    designs = {"adaptive": ADAPTIVE["designs"]["adaptive"] | changes}
    scenario = make_scenario(BASE | {"designs": designs})
    rules = rules_of(scenario, "adaptive", seed=1)
    return lambda: simulate_adaptive(
        scenario, "adaptive", seed=1, rules=rules, replicates=trials, estimate=estimate
    )


def chosen_cut(changes, trials, estimate=False):
    from igfstrat.trials import make_scenario
    from igfstrat.trials.threshold.patients import simulate_threshold

    marker = {"name": "igf1r", "continuous": {"cut": 0.5}, "assay": {"measurement_sd": 0.3}}
    scenario = make_scenario(BASE | {"marker": marker, "designs": {"cut": CUTS | changes}})
    return lambda: simulate_threshold(scenario, "cut", seed=1, replicates=trials, estimate=estimate)


def drawn(rng, n=500, events=300):
    """One trial in numpy: time, event and arm at the calendar time of the last event."""
    arm = rng.permuted(np.tile([0, 0, 1, 1], (n // 4, 1)), axis=1).ravel()
    entry = rng.uniform(0, 24, n)
    survival = rng.exponential(12 / np.log(2), n) / np.where(arm, 0.75, 1.0)
    dropout = rng.exponential(-12 / np.log(0.95), n)
    first = np.minimum(survival, dropout)
    calendar = np.where(survival <= dropout, entry + survival, np.inf)
    cut = np.partition(calendar, events - 1)[events - 1]
    inside = entry <= cut
    time_ = np.minimum(first, cut - entry)[inside]
    return time_, (calendar <= cut)[inside], arm[inside] == 1


def scipy_loop(trials):
    from scipy.stats import CensoredData, logrank

    rng = np.random.default_rng(1)
    for _ in range(trials):
        t, event, arm = drawn(rng)
        halves = [CensoredData(uncensored=t[g & event], right=t[g & ~event]) for g in (~arm, arm)]
        logrank(*halves)


def lifelines_loop(trials):
    from lifelines.statistics import logrank_test

    rng = np.random.default_rng(1)
    for _ in range(trials):
        t, event, arm = drawn(rng)
        logrank_test(t[~arm], t[arm], event[~arm], event[arm])


def rpact_seconds(trials):
    if not shutil.which("Rscript"):
        return None
    done = subprocess.run(["Rscript", "-e", R_CODE % trials], capture_output=True, text=True, check=False)
    try:
        return float(done.stdout)
    except ValueError:  # not installed
        return None


def step_kernels():
    """Random numbers alone, and a trial up to a level, as kernels."""
    import numba

    from igfstrat.trials.kernels.look import evaluate
    from igfstrat.trials.kernels.order import fill_buckets, kth_smallest, sort_keys
    from igfstrat.trials.kernels.patients import enrol, fill_outcomes
    from igfstrat.trials.kernels.random import fill_exponentials, fill_words, stream
    from igfstrat.trials.kernels.trial import fill_calendar, make_work, pack

    @numba.njit(error_model="numpy")
    def draw(trials, work):
        for r in range(trials):
            start, step = stream(np.uint64(1), r)
            fill_words(start, step, 0, 500, 1, work.about)
            fill_words(start, step, 0, 500, 2, work.bits)
            fill_exponentials(start, step, work.patient, 500, 0, work.exposure)

    @numba.njit(error_model="numpy")
    def upto(trials, level, screening, outcomes, looks, test, out, work):
        for r in range(trials):
            m, _ = enrol(np.uint64(1), r, screening, screening.cumulative[0], work)
            if level < 1:
                continue
            fill_outcomes(np.uint64(1), r, m, outcomes, work)
            if level < 2:
                continue
            end = fill_calendar(m, looks, work)
            fill_buckets(work.calendar, m, end, work.seen_place, work.seen_count)
            cut = kth_smallest(work.calendar, m, 300, work.seen_place, work.seen_count, work.few)
            if level < 3:
                continue
            n, longest, _ = pack(cut, m, work)
            if level < 4:
                continue
            sort_keys(work.keys, n, longest, work.ordered, work.place, work.count)
            if level < 5:
                continue
            evaluate(work.ordered, n, 1e-7, 0, 0, test, work, out)

    work = make_work(500, 500, 1, 1)
    work.patient[:] = np.arange(500)
    return draw, upto, work


def steps(trials, repeats):
    """Milliseconds that each step adds: kernels called one after another on the same trials."""
    from igfstrat.trials import make_scenario
    from igfstrat.trials.simulation import population as pop
    from igfstrat.trials.simulation.looks import make_looks, make_test

    scenario = make_scenario(BASE)
    people = pop.make_population(scenario, "all_comers")
    shares = pop.category_shares(scenario, seed=1, first=0, replicates=1)
    screening = pop.make_screening(scenario, "all_comers", people, shares, 500)
    outcomes, test = pop.make_outcomes(people), make_test(scenario, ("overall",), people, False)

    looks = make_looks(scenario, "all_comers")
    draw, upto, work = step_kernels()
    out = np.empty(8)
    times = [median_time(lambda: draw(trials, work), repeats)]
    for level in range(6):
        run = functools.partial(upto, trials, level, screening, outcomes, looks, test, out, work)
        times.append(median_time(run, repeats))
    added = [times[1], *np.diff(times[1:])]
    names = (
        "screening and randomization",
        "times to event and dropout",
        "time of the cut",
        "follow-up at the cut",
        "sort",
        "sweep and test",
    )
    return times[0], dict(zip(names, added, strict=True)), times[-1]


def main(argv=()):
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--trials", type=int, default=1_000)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args(argv)
    per = 1_000 / options.trials
    base = median_time(ours({}, options.trials), options.repeats) * per
    print("| per 1,000 trials | ms | times fixed log-rank |\n|---|---|---|")
    for name, changes in CASES.items():
        found = median_time(ours(changes, options.trials), options.repeats) * per
        print(f"| {name} | {1e3 * found:.1f} | {found / base:.2f} |")
    found = median_time(ours({}, options.trials, estimate=True), options.repeats) * per
    print(f"| fixed log-rank with hazard ratio | {1e3 * found:.1f} | {found / base:.2f} |")
    for name, changes in ADAPTIVE_CASES.items():
        for estimate in (False, True):
            found = median_time(adaptive(changes, options.trials, estimate), options.repeats) * per
            also = ", with hazard ratios" if estimate else ""
            print(f"| adaptive, N = 1,000, {name}{also} | {1e3 * found:.1f} | {found / base:.2f} |")
    for name, changes in CUT_CASES.items():
        for estimate in (False, True):
            found = median_time(chosen_cut(changes, options.trials, estimate), options.repeats) * per
            also = ", with hazard ratios" if estimate else ""
            print(f"| {name}, 5 candidates{also} | {1e3 * found:.1f} | {found / base:.2f} |")
    one, two = (median_time(ours({}, 20 * options.trials, threads=k), 5, time.perf_counter) for k in (1, 2))
    print(f"| two threads against one, speed-up | | {one / two:.2f} |")
    for name, loop, trials in (
        ("numpy + scipy.stats.logrank", scipy_loop, 50),
        ("numpy + lifelines", lifelines_loop, 50),
    ):
        found = median_time(lambda f=loop, k=trials: f(k), 3) * 1_000 / trials
        print(f"| {name} | {1e3 * found:.0f} | {found / base:.0f} |")
    rpact = rpact_seconds(1_000)
    print(f"| rpact | {1e3 * rpact:.0f} | {rpact / base:.1f} |" if rpact else "| rpact | – | – |")
    alone, parts, total = steps(options.trials, options.repeats)
    for name, seconds in parts.items():
        print(f"| of which {name} | {1e3 * seconds * per:.1f} | {100 * seconds / total:.0f} % |")
    print(f"| random numbers alone | {1e3 * alone * per:.1f} | {100 * alone / total:.0f} % |")
    print(f"| all beside them, of them | | {total / alone - 1:.1f} |")


if __name__ == "__main__":
    import sys

    main(sys.argv[1:])
