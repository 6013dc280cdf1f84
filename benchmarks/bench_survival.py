"""Times of the survival room beside R, lifelines, scikit-survival and SurPyval, in one table.

    python benchmarks/bench_survival.py [--sizes 10000 100000 1000000] [--jobs …] [--repeats 5]

Medians of `repeats` warm runs on one core, and the first call of a fresh process ("cold", kernels from the
machine's cache). Peers that are not installed here are run by the interpreter named in PEERS_PYTHON; R is run
where `Rscript` with `survival` and `maxstat` is found. A dash means not available, or too slow at that size.
"argsorts" gives our time as a multiple of one np.argsort of the same times, "growth" the exponent of n since
the size before. SurPyval has curves but no log-rank test, so it doesn't count as the fastest peer.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import numpy as np  # noqa: E402 - reads the number of threads when it loads

JOBS = ("curves + log-rank", "Cox, 10 covariates", "concordance")
PEER_LIMITS = {  # rows beyond which a peer takes minutes or all memory
    ("lifelines", "Cox, 10 covariates"): 100_000,
    ("scikit-survival", "Cox, 10 covariates"): 1_000_000,
    ("scikit-survival", "concordance"): 10_000,
}

R_CODE = """
suppressMessages({library(survival); library(maxstat)})
a <- commandArgs(TRUE); n <- as.integer(a[2]); k <- as.integer(a[3]); job <- a[4]
get <- function(f, m) readBin(file.path(a[1], f), "double", m)
time <- get("time", n); event <- get("event", n); group <- get("group", n); x <- matrix(get("x", n * 10), n)
run <- switch(job,
  "curves + log-rank" = function() {survfit(Surv(time, event) ~ group); survdiff(Surv(time, event) ~ group)},
  "Cox, 10 covariates" = function() coxph(Surv(time, event) ~ x),
  "concordance" = function() concordance(Surv(time, event) ~ x[, 1], reverse = TRUE),
  "cut-point" = function() maxstat.test(Surv(time, event) ~ m, data.frame(time = time, event = event, m = x[, 1]),
                                        smethod = "LogRank", pmethod = "condMC", B = 10000))
cat(median(sapply(seq_len(k), function(i) system.time(run())[[3]])))
"""


def make_data(n, tied, seed=1):
    """Exponential survival with uniform censoring; tied times have about a thousand values."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 10))
    group = rng.integers(0, 2, n)
    survival = rng.exponential(size=n) * np.exp(-0.3 * x[:, 0] - 0.2 * group)
    censoring = rng.uniform(0, 3, n)
    observed = np.minimum(survival, censoring)
    return {
        "time": np.ceil(observed * 365) if tied else observed,
        "event": survival <= censoring,
        "group": group,
        "x": x,
    }


def ours(job, d):
    from igfstrat import survival as sv

    y = {"time": d["time"], "event": d["event"]}
    return {
        "curves + log-rank": lambda: sv.compare_survival(**y, groups=d["group"]),
        "Cox, 10 covariates": lambda: sv.cox(**y, covariates=d["x"]),
        "concordance": lambda: sv.concordance(**y, risk=d["x"][:, 0]),
        "cut-point": lambda: sv.maximally_selected_logrank(**y, marker=d["x"][:, 0], n_permutations=10_000),
    }[job]


def lifelines_of(job, d):
    import pandas as pd
    from lifelines import CoxPHFitter, KaplanMeierFitter
    from lifelines.statistics import logrank_test
    from lifelines.utils import concordance_index

    t, e, second = d["time"], d["event"], d["group"] == 1

    def curves():
        for rows in (second, ~second):
            KaplanMeierFitter().fit(t[rows], e[rows])
        logrank_test(t[second], t[~second], e[second], e[~second])

    table = pd.DataFrame(d["x"], columns=[f"x{i}" for i in range(10)]).assign(t=t, e=e)
    return {
        "curves + log-rank": curves,
        "Cox, 10 covariates": lambda: CoxPHFitter().fit(table, "t", "e"),
        "concordance": lambda: concordance_index(t, -d["x"][:, 0], e),
    }[job]


def sksurv_of(job, d):
    from sksurv.compare import compare_survival
    from sksurv.linear_model import CoxPHSurvivalAnalysis
    from sksurv.metrics import concordance_index_censored
    from sksurv.nonparametric import kaplan_meier_estimator
    from sksurv.util import Surv

    t, e, second = d["time"], d["event"], d["group"] == 1
    y = Surv.from_arrays(event=e, time=t)

    def curves():
        for rows in (second, ~second):
            kaplan_meier_estimator(e[rows], t[rows], conf_type="log-log")
        compare_survival(y, d["group"])

    return {
        "curves + log-rank": curves,
        "Cox, 10 covariates": lambda: CoxPHSurvivalAnalysis(ties="efron").fit(d["x"], y),
        "concordance": lambda: concordance_index_censored(e, t, d["x"][:, 0]),
    }[job]


def surpyval_of(job, d):
    if job != "curves + log-rank":
        raise NotImplementedError(job)
    import surpyval

    def curves():  # it has no log-rank test: curves only
        for value in (0, 1):
            rows = d["group"] == value
            surpyval.KaplanMeier.fit(d["time"][rows], c=(~d["event"][rows]).astype(int))

    return curves


PEERS = {"lifelines": lifelines_of, "scikit-survival": sksurv_of, "SurPyval": surpyval_of}


def median_time(run, repeats):
    """Median after one run to warm up, or that first run alone where it takes over ten seconds."""
    start = time.perf_counter()
    run()
    first = time.perf_counter() - start
    if first > 10:
        return first
    spent = []
    for _ in range(repeats):
        start = time.perf_counter()
        run()
        spent.append(time.perf_counter() - start)
    return float(np.median(spent))


def peer_time(name, job, n, tied, repeats):
    """Median time of a peer in the interpreter that has it; None when it has not."""
    if n > PEER_LIMITS.get((name, job), 10**9):
        return None
    command = [os.environ.get("PEERS_PYTHON", sys.executable), "-W", "ignore", __file__]
    asked = [name, job, n, tied, repeats]
    done = subprocess.run(
        [*command, "--peer", json.dumps(asked)], capture_output=True, text=True, check=False, timeout=3600
    )
    return float(done.stdout.split()[-1]) if done.returncode == 0 else None


def r_time(job, d, repeats):
    if shutil.which("Rscript") is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        for name in ("time", "event", "group"):
            np.asarray(d[name], dtype=float).tofile(Path(folder) / name)
        np.asfortranarray(d["x"]).T.tofile(Path(folder) / "x")
        script = Path(folder) / "run.R"
        script.write_text(R_CODE, encoding="utf-8")
        command = ["Rscript", str(script), folder, str(len(d["time"])), str(repeats), job]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    return float(done.stdout.split()[-1]) if done.returncode == 0 else None


def cold_time(job, n, tied):
    command = [sys.executable, __file__, "--peer", json.dumps(["cold", job, n, tied, 1])]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()[-1])


def run_peer(name, job, n, tied, repeats):
    d = make_data(n, tied)
    if name == "cold":
        start = time.perf_counter()
        ours(job, d)()
        print(time.perf_counter() - start)
    else:
        print(median_time(PEERS[name](job, d), repeats))


def line(job, n, kind, own, cold, others, sort, growth):
    def cell(value):
        return f"{value:10.4f}" if value is not None else "         –"

    def against(value):
        return f"{value / own:7.1f}x" if value is not None else "      –"

    peers = [others[name] for name in PEERS if others[name] is not None and name != "SurPyval"]  # curves only
    text = f"{job:20s} {n:>9,d} {kind:10s} {own:10.4f} {cold:8.2f} {cell(others['R'])}"
    text += "".join(cell(others[name]) for name in PEERS)
    text += f" {against(others['R'])} {against(min(peers, default=None))} {own / sort:8.1f}"
    return text + (f" {growth:7.2f}" if growth is not None else "       –")


def main():
    parser = argparse.ArgumentParser(description="times of the survival room beside its peers")
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--jobs", nargs="+", default=[*JOBS, "cut-point"], choices=[*JOBS, "cut-point"])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--peer", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.peer:
        run_peer(*json.loads(options.peer))
        return
    print(
        f"{'seconds':20s} {'n':>9s} {'times':10s} {'igfstrat':>10s} {'cold':>8s} {'R':>10s}"
        f"{'lifelines':>10s}{'sksurv':>10s}{'SurPyval':>10s} {'R/own':>8s} {'peer/own':>8s} {'argsorts':>8s} {'growth':>7s}"
    )
    sizes = sorted(options.sizes)
    jobs = [(job, n, tied) for job in JOBS if job in options.jobs for tied in (False, True) for n in sizes]
    if "cut-point" in options.jobs:
        jobs.append(("cut-point", 686, False))
    before = {}
    for job, n, tied in jobs:
        d = make_data(n, tied)
        sort = median_time(lambda d=d: np.argsort(d["time"]), options.repeats)
        own = median_time(ours(job, d), options.repeats)
        others = {"R": r_time(job, d, options.repeats)}
        for name in PEERS:
            others[name] = None if job == "cut-point" else peer_time(name, job, n, tied, options.repeats)
        last = before.get((job, tied))
        growth = None if last is None else float(np.log(own / last[1]) / np.log(n / last[0]))
        before[job, tied] = (n, own)
        kind = "tied" if tied else "continuous"
        print(line(job, n, kind, own, cold_time(job, n, tied), others, sort, growth), flush=True)


if __name__ == "__main__":
    main()
