"""1,000 bootstrap refits of a Cox model with 10 features at n = 3,000, against the same loop on lifelines in one run.

    python -m benchmarks

lifelines' loop is timed on fewer refits and brought to the same number. Two processes for ours, and one.
"""

# ruff: noqa: N806 - X is scikit-learn's name

import time

import numpy as np
import pandas as pd

N, P, REFITS, PEER_REFITS = 3_000, 10, 1_000, 20


def cohort():
    rng = np.random.default_rng(1)
    X = pd.DataFrame(rng.normal(size=(N, P)), columns=[f"x{i}" for i in range(P)])
    time_to_event = rng.exponential(np.exp(-0.3 * X.to_numpy() @ np.ones(P) / np.sqrt(P)))
    censored = rng.uniform(0, 3, N)
    return X, np.minimum(time_to_event, censored), time_to_event <= censored


def main():
    from lifelines import CoxPHFitter

    from igfstrat.models import CoxModel, make_outcome
    from igfstrat.models._resampling import in_parallel, resampled_rows

    X, followed, event = cohort()
    y = make_outcome(time=followed, event=event)

    def ours(b):
        rows = resampled_rows(N, 1, b)
        return CoxModel().fit(X.iloc[rows], y[rows]).coef_

    def theirs(b):
        rows = resampled_rows(N, 1, b)
        table = X.iloc[rows].assign(T=followed[rows], E=event[rows])
        return CoxPHFitter().fit(table, "T", "E").params_.to_numpy()

    assert np.allclose(ours(0), theirs(0), rtol=1e-6)
    took = {}
    for n_jobs in (1, 2):
        in_parallel(ours, n_jobs, n_jobs)  # processes started, kernels compiled
        start = time.perf_counter()
        in_parallel(ours, REFITS, n_jobs)
        took[n_jobs] = time.perf_counter() - start
    start = time.perf_counter()
    for b in range(PEER_REFITS):
        theirs(b)
    peer = (time.perf_counter() - start) * REFITS / PEER_REFITS
    print(f"{REFITS:,} refits, {P} features, n = {N:,}: {took[1]:.1f} s on one core, {took[2]:.1f} s on two")
    print(f"the same loop on lifelines, one core: {peer:.0f} s = {peer / took[1]:.0f}x ours on one")


if __name__ == "__main__":
    main()
