"""Error rates of the Kaplan-Meier report on synthetic cohorts without any effect of IGF-1R, two-sided 5 %.

Cohorts of 300 resected lung cancers (preset `null`): IGF-1R follows histology and the hazard follows stage, so nothing
confounds the crude comparison. Cohorts are consecutive patients of one stream, which are independent.
"""

import functools

import numpy as np

from igfstrat.analysis import AnalysisSettings, compare_groups
from igfstrat.analysis.cutpoint import analyse_cutpoint
from igfstrat.analysis.settings import CutpointSettings
from igfstrat.analysis.subgroup_results import SubgroupVariable
from igfstrat.analysis.subgroups import analyse_subgroups
from igfstrat.cohort import Endpoint
from igfstrat.config import config_path, make_config, read_yaml
from igfstrat.report.sentences import headline_estimate
from igfstrat.synthetic import CohortConfig, simulate_cohort
from tests.proofs.claims import AtLeast, Bound, Proof

PATIENTS = 300
SETTINGS = AnalysisSettings()
PERMUTATIONS = 999


@functools.cache
def null_cohorts(n, seed):
    config = make_config(CohortConfig, read_yaml(config_path("lung_nsclc", "cohorts")))
    table = simulate_cohort(config, n=n * PATIENTS, seed=seed, preset="null")
    return [table.iloc[i * PATIENTS : (i + 1) * PATIENTS] for i in range(n)]


def endpoint_of(table):
    time, event = table["dfs_months"].to_numpy(), table["dfs_event"].to_numpy() == 1
    reasons = ("",) * len(table)
    return Endpoint(
        name="dfs",
        title="Disease-free survival",
        time=time,
        event=event,
        reasons=reasons,
        source_unit="months",
    )


def status_of(table):
    return np.where(table["igf1r_ihc"].astype(float) >= 1, "high", "low").astype(object)


def headline_error(n, seed=5_000_000):
    """The plan's log-rank test by a cut decided beforehand."""
    rejected = 0
    for table in null_cohorts(n, seed):
        result = compare_groups(
            endpoint_of(table), groups=status_of(table), order=("low", "high"), settings=SETTINGS, flow=()
        )
        rejected += headline_estimate(result).p_value < 0.05
    return Proof(
        "report: headline p of a cut decided beforehand is below 0.05 under the null", 0.05, rejected / n, n
    )


@functools.cache
def searched(n, seed=6_000_000):
    """Naive, permutation and both Lausen-Schumacher p-values of the searched cut, one row a cohort."""
    rows = []
    for table in null_cohorts(n, seed):
        result = analyse_cutpoint(
            endpoint_of(table), title="IGF-1R H-score", values=table["igf1r_h_score"].to_numpy(), n_bootstrap=0,
            settings=CutpointSettings(marker="igf1r_h_score", permutations=PERMUTATIONS),
        )  # fmt: skip
        rows.append([result.p_naive, result.p_permutation, result.p_lausen_1992])
    return np.array(rows, dtype=float)


def searched_cut_error(n):
    found = float((searched(n)[:, 1] < 0.05).mean())
    return Proof("report: permutation p of the searched cut is below 0.05 under the null", 0.05, found, n)


def lausen_error(n):
    found = float((searched(n)[:, 2] < 0.05).mean())
    return Bound(
        "report: Lausen-Schumacher p of the searched cut is below 0.05 under the null, at most",
        0.05,
        found,
        n,
    )


def naive_error(n):
    found = float((searched(n)[:, 0] < 0.05).mean())
    return AtLeast("the naive p of the searched cut is below 0.05 under the null, more than", 0.25, found, n)


def interaction_error(n, seed=7_000_000):
    """A subgroup effect is claimed only below alpha after Holm's correction."""
    claimed = 0
    variable = SubgroupVariable(name="histology", title="Histology")
    for table in null_cohorts(n, seed):
        found = analyse_subgroups(
            [endpoint_of(table)], groups=status_of(table), order=("low", "high"), alpha=0.05,
            variables=[(variable, table["histology"].to_numpy(dtype=object))],
        )  # fmt: skip
        p = found.endpoints[0].variables[0].interaction.p_adjusted
        claimed += p is not None and p < 0.05
    return Bound(
        "report: an interaction with histology is claimed under the null, at most", 0.05, claimed / n, n
    )


ALL = (headline_error, searched_cut_error, lausen_error, naive_error, interaction_error)
