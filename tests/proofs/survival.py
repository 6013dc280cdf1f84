"""Error rates and coverage of the survival report on synthetic cohorts with a known truth.

Each proof takes a number of cohorts, so that the tests run a small version of what `make proofs`
runs in full. A proportion passes when it lies within three of its own Monte-Carlo standard errors.
"""

import numpy as np

from igfstrat.survival import kaplan_meier
from tests.proofs.claims import Proof


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


ALL = (log_log_interval_coverage,)
