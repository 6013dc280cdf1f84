"""Steps 5 and 6: germline variants by Hardy-Weinberg, independent of all else, and treatment by group."""

from __future__ import annotations

import numpy as np

from igfstrat.synthetic._draw import Codes, Columns, draw_codes, words
from igfstrat.synthetic.config import CohortConfig


def draw_germline(config: CohortConfig, rng: np.random.Generator, n: int) -> Columns:
    """Two alleles each, drawn independently: that is the Hardy-Weinberg law."""
    how = config.germline
    repeats = np.array(how.ca_repeats)
    alleles = [repeats[draw_codes(rng, how.ca_frequencies.values, n)] for _ in range(2)]
    columns: Columns = {
        "ca_repeat_1": np.minimum(*alleles),
        "ca_repeat_2": np.maximum(*alleles),
    }
    for name, share, genotypes in (
        ("rs2016347", how.rs2016347_g.value, ("T/T", "G/T", "G/G")),
        ("rs2854744", how.rs2854744_c.value, ("A/A", "A/C", "C/C")),
    ):
        columns[name] = words(genotypes, (rng.random((2, n)) < share / 100).sum(axis=0))
    return columns


def draw_treatment(config: CohortConfig, group: Codes) -> Columns:
    """Treatment is that of the group: nothing here predicts a response."""
    by_group = config.treatment.by_group
    return {"treatment": words([by_group.get(name) for name in config.groups], group)}
