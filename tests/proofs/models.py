"""Recovery, the null and optimism of risk models on cohorts with a known truth.

Coverage is a proportion. Concordances are means over cohorts: their standard error is that of the mean found, not of a
proportion.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd

from igfstrat.models import (
    CoxModel,
    DesignMatrix,
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
NOISE, OPTIMISM_N, FRESH_N = 8, 300, 5_000
BREAKS, RATES = (3.0, 8.0), np.array([0.04, 0.15, 0.08])  # of the piecewise hazard


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


@dataclass(frozen=True)
class MeanExcess(MeanProof):
    """A mean that was to lie above a bound: a fault shown on purpose."""

    @property
    def holds(self):
        return self.found > self.expected + 3 * self.standard_error


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
    elif kind == "piecewise":
        ends = np.array([0.0, *BREAKS])
        reached = np.concatenate(([0.0], np.cumsum(RATES[:-1] * np.diff(ends))))
        hazard = rng.exponential(np.exp(-score))
        k = np.searchsorted(reached, hazard, side="right") - 1
        time = ends[k] + (hazard - reached[k]) / RATES[k]
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
    return _coverage(n, "piecewise", PiecewiseExponentialModel(BREAKS), 1, 7_000_004)


def _true_survival(kind, score, t):
    """Of a patient with this score, as `cohort` draws them."""
    if kind == "cox":
        return np.exp(-t / 10 * np.exp(score))
    if kind == "weibull":
        return np.exp(-((t / 10 * np.exp(score)) ** 1.5))
    if kind == "log_logistic":
        return 1 / (1 + (t / 5 * np.exp(score)) ** 2)
    return np.exp(-(np.diff([0.0, *BREAKS, t]) @ RATES) * np.exp(score))


def survival_interval_coverage(n):
    """One patient at one time, by each model on its own kind of cohort."""
    x, t, found = np.array([1.0, 1.0, -1.0]), 10.0, []
    models = {"cox": CoxModel(), "weibull": WeibullAFTModel(), "log_logistic": LogLogisticAFTModel()}
    for k, (kind, model) in enumerate({**models, "piecewise": PiecewiseExponentialModel(BREAKS)}.items()):
        truth = _true_survival(kind, x @ TRUE, t)
        patient = pd.DataFrame([x], columns=list("abc"))
        limits = np.array(
            [
                model.fit(*cohort(stream(7_000_009 + k, i), kind)).predict_survival_interval(patient, t)[0, 0]
                for i in range(n)
            ]
        )
        found.append(((limits[:, 0] <= truth) & (truth <= limits[:, 1])).mean())
    worst = float(found[np.argmax(np.abs(np.array(found) - 0.95))])
    claim = "95 % interval of a patient's survival covers: Cox, Weibull, log-logistic, piecewise (the farthest from 95 %)"
    return Proof(claim, 0.95, worst, n)


def permuted_concordance(n, seed=7_000_005):
    """Permuting the outcome cuts every tie with the covariates: a model of one permutation, judged on another."""
    found = []
    for i in range(n):
        rng = stream(seed, i)
        X, y = cohort(rng, "cox")
        model = CoxModel().fit(X, y[rng.permutation(len(y))])
        found.append(model.score(X, y[rng.permutation(len(y))]))
    error = float(np.std(found, ddof=1) / np.sqrt(n))
    claim = f"mean C of models of permuted outcomes (n = {PATIENTS})"
    return MeanProof(claim, 0.5, float(np.mean(found)), n, error)


@cache
def _optimism(n, seed=7_000_006):
    """Apparent and corrected C less that on fresh data, in each of up to 200 cohorts."""
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


def apparent_concordance(n):
    """The fault that is corrected, on the same cohorts: shown, so that the claim before is worth something."""
    gap = _optimism(n)[:, 0]
    error = float(gap.std(ddof=1) / np.sqrt(len(gap)))
    claim = "mean apparent C less mean C on fresh data, the same cohorts, more than 0.01 by 3 standard errors"
    return MeanExcess(claim, 0.01, float(gap.mean()), len(gap), error)


DILUTED_N, RELIABILITY, RATIO = 1_000, 0.7, 1.5


def diluted(i, model, seed=7_000_007):
    """Corrected and naive coefficient of a predictor measured with error, in one cohort; about 15 % have an event.

    A second predictor, without error, is correlated with the true values (0.5).
    """
    rng = stream(seed, i)
    true, other = rng.multivariate_normal([0, 0], [[1, 0.5], [0.5, 1]], DILUTED_N).T
    measured = true + rng.normal(0, np.sqrt(1 / RELIABILITY - 1), DILUTED_N)
    time = rng.exponential(np.exp(-np.log(RATIO) * true + 0.5 * other)) * 100
    censored = rng.uniform(5, 35, DILUTED_N)
    X = pd.DataFrame({"igf1_sds": measured, "other": other})
    y = make_outcome(time=np.minimum(time, censored), event=time <= censored)
    table = model.set_params(reliability={"igf1_sds": RELIABILITY}).fit(X, y).corrected_coefficients()
    return tuple(table.loc["igf1_sds", ["coef", "naive_coef"]])


def dilution(n):
    found = np.array([diluted(i, CoxModel())[0] for i in range(n)])
    error = float(found.std(ddof=1) / np.sqrt(n))
    claim = f"mean log hazard ratio corrected for a reliability of {RELIABILITY} (n = {DILUTED_N}); the true one is {np.log(RATIO):.4f}"
    return MeanProof(claim, float(np.log(RATIO)), float(found.mean()), n, error)


LIMITED_N, LIMIT, SLOPE = 400, 90.0, -0.01  # log hazard ratio by ng/mL


def limited(i, seed=7_000_008):
    """IGF-1 that falls with age, normal on the log scale; about a third lies below the limit and is half of it."""
    rng = stream(seed, i)
    age = rng.uniform(35, 80, LIMITED_N)
    igf1 = np.exp(rng.normal(4.75 - 0.012 * (age - 57), 0.45))
    time = rng.exponential(np.exp(-SLOPE * (igf1 - 120) - 0.02 * (age - 57))) * 30
    censored = rng.uniform(12, 60, LIMITED_N)
    below = igf1 < LIMIT
    X = pd.DataFrame({"igf1": np.where(below, LIMIT / 2, igf1), "age_years": age})
    X["igf1_lower"], X["igf1_upper"] = np.where(below, 0.0, igf1), np.where(below, LIMIT, igf1)
    return X, make_outcome(time=np.minimum(time, censored), event=time <= censored)


def censored_biases(i):
    """Estimate less truth, by expected values and by half of the limit."""
    X, y = limited(i)
    found = []
    for declared in ({"igf1": "log"}, None):
        design = DesignMatrix(["igf1", "age_years"], censored_normal=declared, scale=False)
        found.append(CoxModel().fit(design.fit_transform(X), y).coef_[0] - SLOPE)
    return found


def beyond_limits(n):
    found = np.array([censored_biases(i) for i in range(n)])
    expected, half = found.mean(axis=0)
    error = float(found[:, 0].std(ddof=1) / np.sqrt(n))
    claim = (
        f"mean bias of the log hazard ratio of {SLOPE} per ng/mL, values below {LIMIT:g} taken as expected (n = {LIMITED_N}); "
        f"with half of the limit it is {half:.4f}, a fifth of which is allowed"
    )
    return MeanProof(claim, 0.0, float(expected), n, error, allowed=abs(float(half)) / 5)


ALL = (
    cox_coverage,
    weibull_coverage,
    log_logistic_coverage,
    piecewise_coverage,
    survival_interval_coverage,
    permuted_concordance,
    corrected_concordance,
    apparent_concordance,
    dilution,
    beyond_limits,
)
QUICK = tuple(proof for proof in ALL if proof not in (corrected_concordance, apparent_concordance))
