"""Step 4, IGF-1R: percentages of cells by intensity whose status by the configured rule has exactly the prevalence.

Whether a tumour is high is drawn first, with the prevalence of its group; then one of a catalogue of stainings that the
rule calls high, or low. The catalogue is one of whole percents: cells have a latent intensity that is normal about
their tumour's, and tumours are normal about the middle of the scale. Statuses read back from the columns are
therefore those that were drawn, and nothing is fitted.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from igfstrat.features.igf1r_scores import allred_score, h_score, her2_style_score
from igfstrat.features.status import NAMED_RULES
from igfstrat.synthetic._draw import Codes, Columns, words
from igfstrat.synthetic.config import CohortConfig

# settings of the catalogue, in units of one class of intensity
_TUMOURS: Final = np.arange(-4.0, 6.01, 0.02)
_CELL_SPREADS: Final = (0.5, 0.9, 1.4)
_CLASS_LIMITS: Final = np.array([0.0, 1.0, 2.0])
_MIDDLE: Final = 1.0
_ELSEWHERE: Final = (0.3, 0.9)  # share of the scored H-score that other compartments show: a setting
_NUCLEUS: Final = (0.0, 0.3)


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Stainings: percent of cells 0 to 3+, scores, and the chance of each among the high and among the low."""

    percents: NDArray[np.int64]  # shape (4, m)
    h_score: NDArray[np.float64]
    allred: NDArray[np.float64]
    ihc: Codes
    limits: tuple[NDArray[np.float64], NDArray[np.float64]]  # cumulative chances, low and high
    rows: tuple[Codes, Codes]


def draw_receptor(config: CohortConfig, group: Codes, rng: np.random.Generator) -> tuple[Columns, Codes]:
    """IGF-1R columns, and the status drawn (1 = high)."""
    how, n = config.igf1r, len(group)
    catalogue = make_catalogue(how.rule, how.staining_sd.value)
    high = (rng.random(n) < prevalence_by_group(config)[group]).astype(np.intp)
    draw, row = rng.random(n), np.empty(n, dtype=np.intp)
    for status in (0, 1):
        mine = high == status
        row[mine] = catalogue.rows[status][np.searchsorted(catalogue.limits[status], draw[mine], "right")]
    score = catalogue.h_score[row]
    columns: Columns = {f"igf1r_pct_{i}": catalogue.percents[i][row] for i in range(4)}
    columns |= {"igf1r_h_score": score, "igf1r_allred": catalogue.allred[row]}
    columns["igf1r_ihc"] = words(("0", "1", "2", "3"), catalogue.ihc[row])
    columns["igf1r_compartment"] = np.full(n, how.compartment, dtype=object)
    columns |= _cores(config, score, rng) | _compartments(config, score, rng)
    columns["igf1r_mrna"] = _mrna(config, catalogue, score, rng)
    return columns, high


def prevalence_by_group(config: CohortConfig) -> NDArray[np.float64]:
    """Share of high tumours, 0 to 1, in the order of the groups."""
    of = config.igf1r.prevalence
    return np.array([of[g.staining or name].value for name, g in config.groups.items()]) / 100


@functools.lru_cache(maxsize=16)
def make_catalogue(rule: str, spread: float) -> Catalogue:
    """Stainings with their chances, when tumours differ by `spread`."""
    tumour = np.tile(_TUMOURS, len(_CELL_SPREADS))
    cells = np.repeat(_CELL_SPREADS, len(_TUMOURS))
    beyond = (100 * ndtr((tumour - _CLASS_LIMITS[:, np.newaxis]) / cells)).round().astype(np.int64)
    at_least = np.vstack([np.full(len(tumour), 100), beyond, np.zeros(len(tumour), dtype=np.int64)])
    percents = at_least[:-1] - at_least[1:]
    chance = np.exp(-0.5 * ((tumour - _MIDDLE) / spread) ** 2)
    ihc = her2_style_score(*percents[1:])
    if rule == "any_membrane":  # any staining counts, that of fewer than 10 % of cells too (E-b-08)
        ihc = np.maximum(ihc, (percents[0] < 100).astype(np.float64))
    scores = {
        "igf1r_h_score": h_score(*percents[1:]),
        "igf1r_allred": allred_score(*percents[1:]),
        "igf1r_ihc": ihc,
    }
    high = scores[NAMED_RULES[rule].measure] >= NAMED_RULES[rule].at_least
    rows = (np.flatnonzero(~high), np.flatnonzero(high))
    sums = [np.cumsum(chance[r]) / chance[r].sum() for r in rows]
    return Catalogue(
        percents=percents,
        h_score=scores["igf1r_h_score"],
        allred=scores["igf1r_allred"],
        ihc=ihc.astype(np.intp),
        # a draw below 1 must find a row, whatever the sum rounds to
        limits=(sums[0][:-1], sums[1][:-1]),
        rows=rows,
    )


def _cores(config: CohortConfig, score: NDArray[np.float64], rng: np.random.Generator) -> Columns:
    how, n = config.igf1r, len(score)
    noise = rng.normal(0, how.core_sd.value, (how.cores, n))
    # a tumour without any staining has none in its cores
    cores = np.where(score > 0, np.clip(score + noise, 0, 300).round(), 0.0)
    return {f"igf1r_h_score_{i + 1}": cores[i] for i in range(how.cores)}


def _compartments(config: CohortConfig, score: NDArray[np.float64], rng: np.random.Generator) -> Columns:
    shares = rng.uniform(*_ELSEWHERE, (2, len(score)))
    membrane = score if config.igf1r.compartment == "membrane" else score * shares[0]
    return {
        "igf1r_h_score_membrane": membrane.round(),
        "igf1r_h_score_cytoplasm": (score * shares[1]).round(),
        "igf1r_h_score_nucleus": (score * rng.uniform(*_NUCLEUS, len(score))).round(),
    }


def _mrna(
    config: CohortConfig, catalogue: Catalogue, score: NDArray[np.float64], rng: np.random.Generator
) -> NDArray[np.float64]:
    """Standardized mRNA whose correlation with the H-score over the whole cohort is the configured one."""
    shares = np.array([g.share.value for g in config.groups.values()]) / 100
    high = float(shares @ prevalence_by_group(config))
    chance = np.zeros(len(catalogue.h_score))
    for status, part in enumerate((1 - high, high)):
        chance[catalogue.rows[status]] = part * np.diff(catalogue.limits[status], prepend=0.0, append=1.0)
    mean = chance @ catalogue.h_score
    sd = np.sqrt(chance @ (catalogue.h_score - mean) ** 2)
    r = config.igf1r.mrna_correlation.value
    noise = rng.standard_normal(len(score))
    return np.asarray((r * (score - mean) / sd + np.sqrt(1 - r**2) * noise).round(3))
