"""1,000 bootstrap refits of a Cox model with 10 features at n = 3,000, against the same loop on lifelines in one run; and
what `igfstrat fit` does by default: a tuned ridge of 300 patients, judged by cross-validation and 200 bootstrap samples,
beside what it has to beat.

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


def default_fit():
    from igfstrat.models import (
        ModelSettings,
        compare_with_baselines,
        make_outcome,
        make_risk_pipeline,
        nested_cross_validation,
    )

    rng, n = np.random.default_rng(2), 300
    X = pd.DataFrame(
        {
            "igf1_sds": rng.normal(size=n),
            "igf1r_status": rng.choice(["high", "low"], n),
            "subtype": rng.choice(["luminal_a", "luminal_b", "luminal_her2", "triple_negative"], n),
            "age_years": rng.uniform(35, 80, n),
            "stage": rng.choice(["I", "II", "III"], n),
        }
    )
    followed = rng.exponential(60 * np.exp(-0.03 * (X["age_years"].to_numpy() - 55)))
    y = make_outcome(time=np.minimum(followed, 80.0), event=followed < 80)
    settings = ModelSettings.model_validate({"predictors": tuple(X), "penalty": {"ridge": "tuned"}})
    how = {"at": [12.0, 36.0, 60.0], "n_jobs": 2}
    compare_with_baselines(settings, X, y, markers=["igf1_sds", "igf1r_status"], n_resamples=2, **how)
    start = time.perf_counter()
    nested_cross_validation(make_risk_pipeline(settings), X, y, **how)
    compare_with_baselines(settings, X, y, markers=["igf1_sds", "igf1r_status"], **how)
    took = time.perf_counter() - start
    print(
        f"a default fit (300 patients, ridge tuned, 200 samples x 4 models, 5 folds), two cores: {took:.1f} s"
    )


def main():
    default_fit()
    from lifelines import CoxPHFitter

    from igfstrat.models import CoxModel, make_outcome
    from igfstrat.models._resampling import Loop, in_parallel, resampled_rows

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
        in_parallel(ours, n_jobs, Loop(n_jobs))  # processes started, kernels compiled
        start = time.perf_counter()
        in_parallel(ours, REFITS, Loop(n_jobs))
        took[n_jobs] = time.perf_counter() - start
    start = time.perf_counter()
    for b in range(PEER_REFITS):
        theirs(b)
    peer = (time.perf_counter() - start) * REFITS / PEER_REFITS
    print(f"{REFITS:,} refits, {P} features, n = {N:,}: {took[1]:.1f} s on one core, {took[2]:.1f} s on two")
    print(f"the same loop on lifelines, one core: {peer:.0f} s = {peer / took[1]:.0f}x ours on one")


if __name__ == "__main__":
    main()
