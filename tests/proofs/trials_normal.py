"""The family-wise error of the multiplicity procedures, on normal statistics of a population and its parts.

The statistics are exactly normal, so that only the logic of a procedure can fail. Nulls: no effect anywhere; an effect in
the negatives alone; opposite effects of average 1; in each the error is the rejection of any true null. Each cohort stands
for 5,000 draws: `make proofs` draws 10,000,000. What holds is one-sided: at most the level, and 3 standard errors.
"""

from functools import partial

import numpy as np
from scipy.special import ndtr

from igfstrat.trials.rejection.multiplicity import reject
from tests.proofs.claims import Bound

ALPHA = 0.025
DRAWS_A_COHORT = 5_000
CHUNK = 500_000
PREVALENCES = (0.2, 0.5)
HOLM = {"overall": {"positive": 1.0}, "positive": {"overall": 1.0}}
METHODS = {
    "bonferroni": {"weights": {"overall": 0.7, "positive": 0.3}},
    "hochberg": {},
    "simes": {},
    "spiessens_debois": {},
    "hierarchical": {},
    "fallback": {"weights": {"overall": 0.8, "positive": 0.2}},
    "graphical": {"transitions": HOLM},
}
EFFECTS = {  # drift of positives and negatives, by their share of the information; which nulls are true
    "no effect anywhere": lambda f: (0.0, 0.0, (True, True)),
    "an effect in the negatives alone": lambda f: (0.0, 3.0, (False, True)),
    "opposite effects of average 1": lambda f: (2.0, -2.0 * np.sqrt(f / (1 - f)), (True, False)),
}


def error_rate(method, effect, share, draws, seed):
    """Share of draws in which a true null is rejected."""
    positive, negative, null = EFFECTS[effect](share)
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(int(100 * share),)))
    wrong = 0
    for start in range(0, draws, CHUNK):
        z = rng.standard_normal((min(CHUNK, draws - start), 2)) + np.array([positive, negative])
        overall = np.sqrt(share) * z[:, 0] + np.sqrt(1 - share) * z[:, 1]
        p = ndtr(-np.column_stack((overall, z[:, 0])))
        rejected = reject(
            p,
            method=method,
            alpha=ALPHA,
            hypotheses=("overall", "positive"),
            correlation=float(np.sqrt(share)),
            **METHODS[method],
        )
        wrong += int((rejected & np.array(null)).any(axis=1).sum())
    return wrong / draws


def family_wise_error(n, *, method, seed=11_000_000):
    """The largest error of a procedure over nulls and prevalences; each is checked by the largest of them."""
    draws = n * DRAWS_A_COHORT
    found = max(
        error_rate(method, effect, share, draws, seed + i)
        for i, effect in enumerate(EFFECTS)
        for share in PREVALENCES
    )
    return Bound(
        f"family-wise error of {method} on normal statistics, largest of 6 nulls", ALPHA, found, draws
    )


def _named(method):
    proof = partial(family_wise_error, method=method)
    proof.__name__ = f"family_wise_error_of_{method}"
    return proof


ALL = tuple(_named(method) for method in METHODS)
