"""Synthetic cohorts in full: the null is null within strata, and the crude test shows what confounding does.

Two-sided 5 % log-rank tests by IGF-1R status, cohorts of 300, no effect of anything on anybody's hazard but subtype,
stage and age. The cohorts are consecutive patients of one stream, which are independent.
"""

import numpy as np

from igfstrat.config import config_path, make_config, read_yaml
from igfstrat.survival import logrank
from igfstrat.synthetic import CohortConfig, simulate_cohort
from igfstrat.synthetic.estimators import high_by_rule
from tests.proofs.claims import Proof

PATIENTS = 300
CONFOUNDED = 3_000  # patients: enough to see what a crude test does


def null_columns(n, patients, seed):
    """Status, subtype, time and event, one row a cohort."""
    config = make_config(CohortConfig, read_yaml(config_path("breast_early", "cohorts")))
    parts = []
    per_table = max(1, 300_000 // patients)
    for i, start in enumerate(range(0, n, per_table)):
        size = min(per_table, n - start) * patients
        table = simulate_cohort(config, n=size, seed=seed + i, preset="null")
        status = high_by_rule(table, config.igf1r.rule)
        subtype = table["subtype"].to_numpy(dtype=str)
        columns = (status, subtype, table["dfs_months"].to_numpy(), table["dfs_event"].to_numpy() == 1)
        parts.append([column.reshape(-1, patients) for column in columns])
    return [np.concatenate(column) for column in zip(*parts, strict=True)]


def rejections(n, patients, seed, *, stratified):
    rejected = 0
    for status, subtype, time, event in zip(*null_columns(n, patients, seed), strict=True):
        strata = subtype if stratified else None
        rejected += logrank(time=time, event=event, groups=status, strata=strata).p_value < 0.05
    return rejected / n


def null_is_null_within_subtypes(n, seed=3_000_000):
    found = rejections(n, PATIENTS, seed, stratified=True)
    return Proof("synthetic null: log-rank within subtypes rejects, two-sided 5 %", 0.05, found, n)


def confounding_of_the_crude_test(n, seed=4_000_000):
    """Share of null cohorts of 3,000 in which the crude log-rank test rejects: no proof, a demonstration.

    Status follows subtype and subtype carries its baseline, so this is more than 5 %, and more the larger the cohort.
    """
    return rejections(n, CONFOUNDED, seed, stratified=False)


ALL = (null_is_null_within_subtypes,)
