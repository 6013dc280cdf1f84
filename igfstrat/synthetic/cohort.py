"""A synthetic cohort, step by step: who, tumour, serum, receptor, germline, treatment, outcome.

Patients are drawn in blocks of `BLOCK`, each from random streams of its own, so the first k patients don't
depend on how many are asked for, nor on how the blocks are shared out. Each step has its own stream, so that a number
of one step changes nothing in the others. Serum IGF-1 and tumour IGF-1R are independent given the group (S1-29).
Nobody in it is real, and nothing in it is missing: gaps, several laboratories and typing errors come afterwards.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from igfstrat.errors import UsageError
from igfstrat.synthetic._draw import Columns
from igfstrat.synthetic._germline import draw_germline, draw_treatment
from igfstrat.synthetic._outcome import age_class, draw_outcomes
from igfstrat.synthetic._people import draw_people
from igfstrat.synthetic._receptor import draw_receptor
from igfstrat.synthetic._serum import draw_serum
from igfstrat.synthetic._tumour import draw_tumour
from igfstrat.synthetic.config import DEFAULT, CohortConfig
from igfstrat.synthetic.prognosis import Prognosis, make_prognosis

BLOCK: Final = 4096  # patients; part of what a seed means
_MOST_SOLVED: Final = 32
_SOLVED: dict[str, Prognosis] = {}


def simulate_cohort(config: CohortConfig, *, n: int, seed: int, preset: str = DEFAULT) -> pd.DataFrame:
    """Draw a cohort with convention headers.

    Parameters
    ----------
    config : CohortConfig
        Shares, prevalences, hazards.
    n : int
        Patients, >= 0.
    seed : int
        Of the random streams, >= 0; the same seed gives the same patients.
    preset : str
        Effects to use: one of ``config.preset_names``.

    Returns
    -------
    DataFrame, one row a patient
        Rounded to what a spreadsheet would hold; what doesn't apply is None or NaN.

    Raises
    ------
    UsageError
        If `n` or `seed` is negative, or there is no such preset.
    ConfigError
        If figures and effects contradict each other.
    """
    if n < 0 or seed < 0:
        message = f"n and seed must be >= 0, and {n} and {seed} were found"
        raise UsageError(message)
    chosen = config if preset == DEFAULT else config.with_preset(preset)
    blocks = [_draw_block(chosen, seed, block) for block in range(max(1, -(-n // BLOCK)))]
    # joined column by column: far cheaper than joining tables
    return pd.DataFrame({name: np.concatenate([b[name] for b in blocks])[:n] for name in blocks[0]})


def simulate_block(config: CohortConfig, *, seed: int, block: int) -> pd.DataFrame:
    """Draw one block of `BLOCK` patients.

    Parameters
    ----------
    config : CohortConfig
        Shares, prevalences, hazards.
    seed : int
        Of the random streams, >= 0.
    block : int
        Which block, >= 0: its patients are those from ``block * BLOCK + 1`` on.

    Returns
    -------
    DataFrame, one row a patient
        As `simulate_cohort`, with `BLOCK` rows.

    Raises
    ------
    UsageError
        If `seed` or `block` is negative.
    """
    if seed < 0 or block < 0:
        message = f"seed and block must be >= 0, and {seed} and {block} were found"
        raise UsageError(message)
    return pd.DataFrame(_draw_block(config, seed, block))


def _draw_block(config: CohortConfig, seed: int, block: int) -> Columns:
    streams = np.random.SeedSequence(seed, spawn_key=(block,)).spawn(6)
    who, tumour_of, serum_of, receptor_of, germline_of, outcome_of = map(np.random.default_rng, streams)
    prognosis = _prognosis(config)
    people = draw_people(config, who, BLOCK)
    tumour, group, stage = draw_tumour(config, tumour_of, BLOCK)
    serum, score = draw_serum(config, people, group, serum_of)
    receptor, high = draw_receptor(config, group, receptor_of)
    germline = draw_germline(config, germline_of, BLOCK)
    treatment = draw_treatment(config, group)
    serum_class = np.searchsorted(prognosis.serum_cuts, score, side="right")
    cells = (group, stage, high, age_class(people["age_years"]), serum_class)
    outcome, never = draw_outcomes(config, prognosis, cells, outcome_of)
    serum = _forget_unsampled(serum, never)
    first = block * BLOCK + 1
    ids = np.array([f"SYN-{i:08d}" for i in range(first, first + BLOCK)], dtype=object)
    return {"patient_id": ids, **people, **tumour, **serum, **receptor, **germline, **treatment, **outcome}


def _prognosis(config: CohortConfig) -> Prognosis:
    """Solved once for all blocks; keyed by text, since a model that holds mappings can't be a key."""
    key = config.model_dump_json()
    if key not in _SOLVED:
        if len(_SOLVED) >= _MOST_SOLVED:
            _SOLVED.clear()
        _SOLVED[key] = make_prognosis(config)
    return _SOLVED[key]


def _forget_unsampled(serum: Columns, never: NDArray[np.bool_]) -> Columns:
    """Whoever was lost or dead before the blood was due has no serum values."""
    if not never.any():
        return serum
    # an object column has None for what isn't there, a number NaN
    return {
        name: np.where(never, None if column.dtype == object else np.nan, column)
        for name, column in serum.items()
    }
