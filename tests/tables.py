"""Random cohort tables within the bounds and codes of the canonical columns, for tests and benchmarks."""

import numpy as np
import pandas as pd

from igfstrat.features import FeaturePlan
from igfstrat.features.serum import SERUM_STATUS_SPECS
from igfstrat.features.status import StatusRule
from igfstrat.features.tumour import TUMOUR_SPECS
from igfstrat.schema import COLUMNS

_TEXTS = {
    "driver": ["EGFR L858R", "EGFR exon 19 deletion", "KRAS G12C", "ALK fusion", "wild type"],
    "rs2016347": ["G/G", "G/T", "T/T"],
    "rs2854744": ["A/A", "A/C", "C/C"],
}
_GENOTYPES = ["A/A", "A/G", "G/G"]


def random_table(n, seed=1, missing=0.02):
    """Every canonical column but identifiers; `missing` is the share of empty cells.

    Parameters
    ----------
    n : int
        Rows.
    seed : int
        Of the random numbers.
    missing : float
        Share of empty cells.

    Returns
    -------
    DataFrame, shape (n, n_columns)
        Canonical headers.
    """
    rng = np.random.default_rng(seed)
    columns = {"patient_id": np.char.add("P", np.arange(n).astype(str)).astype(object)}
    percent = 100 * rng.dirichlet(np.ones(4), n).T
    for name, column in COLUMNS.items():
        if column.kind == "id":
            continue
        columns[column.header] = _values(rng, name, column, n, percent)
        columns[column.header][rng.random(n) < missing] = np.nan if column.kind == "number" else None
    return pd.DataFrame(columns)


def _values(rng, name, column, n, percent):
    if column.kind == "code":
        return rng.choice(np.array(list(column.codes), dtype=object), n)
    if column.kind == "text":
        genotypes = _GENOTYPES if name.startswith("rs") else ["some text"]
        return rng.choice(np.array(_TEXTS.get(name, genotypes), dtype=object), n)
    if name == "prior_egfr_tki_lines":
        return rng.integers(0, 4, n).astype(float)
    if column.kind == "date":
        days = rng.integers(0, 3650, n).astype("timedelta64[D]")
        return (np.datetime64("2010-01-01") + days).astype("datetime64[ns]")
    if name.startswith("igf1r_pct_"):
        return percent[int(name[-1])].copy()
    low, high = column.usual or column.bounds
    if not np.isfinite(low):
        return rng.normal(size=n)
    if name.startswith("ca_repeat"):
        return rng.integers(17, 22, n).astype(float)
    return rng.uniform(low, min(high, low + 1000), n)


def full_plan():
    """A plan under which every feature of the registry can be computed.

    Returns
    -------
    FeaturePlan
        Medians for what has no published cut, and made-up alleles for variants whose alleles no source names.
    """
    serum = {n: StatusRule(quantile=0.5, of=tuple(spec.inputs)) for n, spec in SERUM_STATUS_SPECS.items()}
    tumour = {n: StatusRule(quantile=0.5, of=n.removesuffix("_status")) for n in TUMOUR_SPECS}
    unnamed = ("rs2946834", "rs28674628", "rs7965399", "rs703556")
    return FeaturePlan(
        status=serum | tumour,
        igfbp_ratio={"scale": "log2"},
        germline={"alleles": dict.fromkeys(unnamed, "A/G"), "effect_alleles": dict.fromkeys(unnamed, "G")},
    )
