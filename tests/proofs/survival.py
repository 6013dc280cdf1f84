"""Error rates and coverage of the survival report on synthetic cohorts with a known truth.

Each proof takes a number of cohorts, so that the tests run a small version of what `make proofs`
runs in full. A proportion passes when it lies within three of its own Monte-Carlo standard errors.
"""

from dataclasses import dataclass

import numpy as np

from igfstrat.config import config_path, make_config, parse_yaml
from igfstrat.survival import kaplan_meier, logrank
from igfstrat.synthetic import CohortConfig, simulate_cohort

PATIENTS = 300


@dataclass(frozen=True)
class Proof:
    """A proportion that was to be expected, and what came."""

    claim: str
    expected: float
    found: float
    cohorts: int

    @property
    def standard_error(self):
        return float(np.sqrt(self.expected * (1 - self.expected) / self.cohorts))

    @property
    def holds(self):
        return abs(self.found - self.expected) <= 3 * self.standard_error


def null_config():
    """The packaged early breast cancers with every IGF-1R hazard ratio at 1."""
    text = config_path("breast_early", "cohorts").read_text(encoding="utf-8")
    text = text.replace("{value: 0.61, evidence: E-d-32}", "{value: 1.0, assumed: true}")
    return make_config(CohortConfig, parse_yaml(text, source="null"))


def cohorts(config, n, seed):
    for i in range(n):
        table = simulate_cohort(config, n=PATIENTS, seed=seed + i)
        known = table["igf1r_ihc"].notna()
        yield table[known]


def stratified_logrank_error(n, seed=1_000_000):
    """Two-sided 5 % log-rank test by IGF-1R status within subtype, no effect."""
    rejected = 0
    for table in cohorts(null_config(), n, seed):
        test = logrank(
            time=table["dfs_months"].to_numpy(), event=table["dfs_event"].to_numpy() == 1,
            groups=(table["igf1r_ihc"].astype(int) >= 2).to_numpy(), strata=table["subtype"].to_numpy(dtype=str),
        )  # fmt: skip
        rejected += test.p_value < 0.05
    return Proof("log-rank test within subtypes rejects under the null, two-sided 5 %", 0.05, rejected / n, n)


def log_log_interval_coverage(n, seed=2_000_000):
    """95 % log-log interval of 5-year survival in exponential times with uniform censoring, 200 patients."""
    covered, truth = 0, np.exp(-0.5)
    for i in range(n):
        rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(i,)))
        time, censor = rng.exponential(120.0, 200), rng.uniform(40, 120, 200)
        curve = kaplan_meier(time=np.minimum(time, censor), event=time <= censor)
        at = curve.at([60.0])
        covered += at.ci_lower[0] <= truth <= at.ci_upper[0]
    return Proof("log-log 95 % interval of survival at 60 months covers the truth", 0.95, covered / n, n)


ALL = (stratified_logrank_error, log_log_interval_coverage)
