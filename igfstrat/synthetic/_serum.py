"""Step 3, serum: a pair of standard deviation scores, shifts, then concentrations by the reference, as assays read them.

The scores are independent of the tumour (S1-29). The prognostic class of serum IGF-1 is that of the first score
before any shift: what a patient has given age, sex, body mass index and drugs.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from igfstrat.features.reference_range import lms_value, reference_parameters
from igfstrat.synthetic._draw import YES_NO, Codes, Columns, draw_codes, words
from igfstrat.synthetic.config import CohortConfig, Exposure
from igfstrat.synthetic.numbers import Number

OBESE_FROM: Final = 30.0  # kg/m2, the class of the World Health Organization
_WIDEST: Final = 3.5  # standard deviations: beyond it the tables of the elderly give next to nothing
_FLOOR: Final = {"igf1": 15.0, "igfbp3": 500.0}  # ng/mL, what assays read (E-u-03)
_ANALYTES: Final = ("igf1", "igfbp3")


def draw_serum(
    config: CohortConfig, people: Columns, group: Codes, rng: np.random.Generator
) -> tuple[Columns, NDArray[np.float64]]:
    """Serum columns, and the score of IGF-1 before any shift."""
    how, n = config.serum, len(group)
    rho = how.sds_correlation.value
    first, second = rng.standard_normal((2, n))
    scores = {"igf1": first, "igfbp3": rho * first + np.sqrt(1 - rho**2) * second}
    begun = config.treatment.tamoxifen_at_sampling
    chance = np.array([begun[name].value if name in begun else 0.0 for name in config.groups])[group]
    tamoxifen = rng.random(n) < chance / 100
    assays = list(how.assays)
    assay = draw_codes(rng, [how.assays[name].share.value for name in assays], n)
    offset = np.array([how.assays[name].offset.value for name in assays])[assay]
    states = (
        (how.obesity, people["bmi"] >= OBESE_FROM),
        (how.contraceptive, people["oral_contraceptive"] == "yes"),
        (how.tamoxifen, tamoxifen),
    )
    values = {name: _concentration(config, name, people, scores[name], states) for name in _ANALYTES}
    columns: Columns = {
        "igf1_ng_ml": (values["igf1"] * (1 + offset / 100)).round(1),
        "igf1_assay": words(assays, assay),
        "igf1_matrix": np.full(n, "serum", dtype=object),
        "igfbp3_ng_ml": values["igfbp3"].round(0),
        "igfbp3_assay": words(assays, assay),
        "on_endocrine_at_sampling": words(YES_NO, tamoxifen.astype(np.intp)),
    }
    return columns, first


def _concentration(
    config: CohortConfig,
    analyte: str,
    people: Columns,
    scores: NDArray[np.float64],
    states: tuple[tuple[Exposure, NDArray[np.bool_]], ...],
) -> NDArray[np.float64]:
    shift, factor = np.zeros(len(scores)), np.ones(len(scores))
    for exposure, exposed in states:
        shift = shift + _value(getattr(exposure, f"{analyte}_sds")) * exposed
        factor = factor * (1 + _value(getattr(exposure, f"{analyte}_percent")) / 100 * exposed)
    l, m, s = reference_parameters(  # noqa: E741
        analyte, age=people["age_years"], sex=people["sex"], reference=config.serum.reference
    )
    value = lms_value(np.clip(scores, -_WIDEST, _WIDEST) + shift, l=l, m=m, s=s) * factor
    return np.maximum(value, _FLOOR[analyte])


def _value(number: Number | None) -> float:
    return 0.0 if number is None else number.value
