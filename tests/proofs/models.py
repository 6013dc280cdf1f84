"""Recovery, the null and optimism of risk models on cohorts with a known truth.

Coverage is a proportion. Concordances are means over cohorts: their standard error is that of the mean found, not of a
proportion.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from igfstrat.models import (
    CoxModel,
    LogLogisticAFTModel,
    PiecewiseExponentialModel,
    WeibullAFTModel,
    bootstrap_validation,
    make_outcome,
)
from tests.proofs.claims import Proof

# ruff: noqa: N806 - X is scikit-learn's name
TRUE = np.array([0.5, -0.3, 0.0])
PATIENTS = 300
NOISE, OPTIMISM_N, FRESH_N = 8, 150, 5_000


@dataclass(frozen=True)
class MeanProof:
    """A mean that was to be expected, and what came."""

    claim: str
    expected: float
    found: float
    cohorts: int
    standard_error: float
    allowed: float | None = None  # instead of three standard errors

    @property
    def holds(self):
        return abs(self.found - self.expected) <= (self.allowed or 3 * self.standard_error)


def stream(seed, i):
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(i,)))


def cohort(rng, kind, n=PATIENTS):
    """Covariates and an outcome of one kind of model; about a third is censored."""
    X = pd.DataFrame(rng.normal(size=(n, 3)), columns=list("abc"))
    X["b"] = (X["b"] > 0).astype(float)
    score = X.to_numpy() @ TRUE
    if kind == "cox":
        time = rng.exponential(np.exp(-score)) * 10
    elif kind == "log_logistic":
        u = rng.random(n)
        time = 5 * np.exp(-score) * np.sqrt(u / (1 - u))
    else:
        time = 10 * np.exp(-score) * rng.weibull(1.5, n)
    censored = rng.uniform(2, 30, n)
    return X, make_outcome(time=np.minimum(time, censored) + 1e-9, event=time <= censored)


def _coverage(n, kind, model, sign, seed):
    """Smallest and largest coverage would hide in a mean, so the coefficient farthest from 95 % is told."""
    covered, truth = np.zeros(3), sign * TRUE
    for i in range(n):
        fit = model.fit(*cohort(stream(seed, i), kind)).coefficients().loc[list("abc")]
        covered += ((fit["ci_lower"] <= truth) & (truth <= fit["ci_upper"])).to_numpy()
    found = covered / n
    worst = found[np.argmax(np.abs(found - 0.95))]
    claim = f"{type(model).__name__}: 95 % interval of each of 3 true coefficients covers (the farthest from 95 %)"
    return Proof(claim, 0.95, float(worst), n)


def cox_coverage(n):
    return _coverage(n, "cox", CoxModel(), 1, 7_000_001)


def weibull_coverage(n):
    return _coverage(n, "weibull", WeibullAFTModel(), -1, 7_000_002)


def log_logistic_coverage(n):
    return _coverage(n, "log_logistic", LogLogisticAFTModel(), -1, 7_000_003)


def piecewise_coverage(n):
    return _coverage(n, "cox", PiecewiseExponentialModel(3), 1, 7_000_004)


def permuted_concordance(n, seed=7_000_005):
    """Permuting the outcome cuts every tie with the covariates: a model of one permutation, judged on another."""
    found = []
    for i in range(n):
        rng = stream(seed, i)
        X, y = cohort(rng, "cox")
        model = CoxModel().fit(X, y[rng.permutation(len(y))])
        found.append(model.score(X, y[rng.permutation(len(y))]))
    error = float(np.std(found, ddof=1) / np.sqrt(n))
    return MeanProof("mean C of models of permuted outcomes", 0.5, float(np.mean(found)), n, error)


def _optimism(n, seed=7_000_006):
    rows = []
    for i in range(min(n, 200)):
        rng = stream(seed, i)

        def drawn(size, rng=rng):
            X = pd.DataFrame(rng.normal(size=(size, NOISE + 2)))
            time = rng.exponential(np.exp(-0.4 * X[0] + 0.3 * X[1]).to_numpy())
            censored = rng.uniform(0.2, 3, size)
            return X.to_numpy(), make_outcome(time=np.minimum(time, censored), event=time <= censored)

        X, y = drawn(OPTIMISM_N)
        found = bootstrap_validation(CoxModel(), X, y, at=[0.5], n_resamples=40, seed=i)
        fresh = CoxModel().fit(X, y).score(*drawn(FRESH_N))
        rows.append((found.apparent["c_harrell"] - fresh, found.measures["c_harrell"].value - fresh))
    return np.array(rows)


def corrected_concordance(n):
    gap = _optimism(n)[:, 1]
    error = float(gap.std(ddof=1) / np.sqrt(len(gap)))
    claim = (
        f"mean optimism-corrected C less mean C on fresh data (n = {OPTIMISM_N}, 10 predictors), within 0.01"
    )
    return MeanProof(claim, 0.0, float(gap.mean()), len(gap), error, allowed=0.01)


ALL = (
    cox_coverage,
    weibull_coverage,
    log_logistic_coverage,
    piecewise_coverage,
    permuted_concordance,
    corrected_concordance,
)
QUICK = (cox_coverage, piecewise_coverage, permuted_concordance)  # without lifelines' start and the bootstrap
