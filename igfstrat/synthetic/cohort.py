"""A synthetic breast cohort: who, tumour, serum, receptor, outcome, in that order.

Patients are drawn in blocks, each from a random stream of its own, so the first k patients don't
depend on how many are asked for. Serum IGF-1 and IGFBP3 are drawn as correlated standard deviation
scores and turned into concentrations by the reference; tumour IGF-1R is independent of them given
the subtype. Nobody in it is real.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import brentq

from igfstrat.features.reference_range import lms_value, reference_parameters
from igfstrat.synthetic.config import CohortConfig, SubtypeModel

_BLOCK: Final = 512
_REFERENCE: Final = "ids_isys_2014"
_START: Final = np.datetime64("2008-01-01")
_DAYS_PER_MONTH: Final = 365.25 / 12
_TEN_YEARS: Final = 120.0


def simulate_cohort(config: CohortConfig, *, n: int, seed: int) -> pd.DataFrame:
    """Draw a cohort with convention headers.

    Parameters
    ----------
    config : CohortConfig
        Shares, prevalences, hazards.
    n : int
        Patients, >= 0.
    seed : int
        Of the random streams; the same seed gives the same patients.

    Returns
    -------
    DataFrame, one row a patient
        Rounded to what a spreadsheet would hold; missing values are None.
    """
    blocks = [
        _simulate_block(config, np.random.SeedSequence(seed, spawn_key=(b,))) for b in range(-(-n // _BLOCK))
    ]
    if not blocks:
        blocks = [_simulate_block(config, np.random.SeedSequence(seed, spawn_key=(0,)))]
    table = pd.concat(blocks, ignore_index=True).iloc[:n].reset_index(drop=True)
    table.insert(0, "patient_id", [f"SYN-{i:05d}" for i in range(1, n + 1)])
    return table


def _simulate_block(config: CohortConfig, stream: np.random.SeedSequence) -> pd.DataFrame:
    rng = np.random.default_rng(stream)
    age = np.clip(rng.normal(config.age_mean.value, config.age_sd.value, _BLOCK), 25, 87).round(1)
    names = list(config.subtypes)
    shares = np.array([config.subtypes[name].share.value for name in names]) / 100
    which = np.searchsorted(np.cumsum(shares)[:-1], rng.random(_BLOCK), side="right")
    subtype = np.array(names, dtype=object)[which]
    igf1, igfbp3 = _serum(config, age, rng)
    ihc, is_high = _receptor(config, which, rng)
    outcome = _outcomes(config, which, is_high, rng)
    missing = rng.random(_BLOCK) < config.missing_ihc.value / 100
    return pd.DataFrame(
        {
            "age_years": age,
            "sex": "female",
            "disease": config.disease,
            "subtype": subtype,
            "stage": np.array(["1", "2", "3"])[rng.choice(3, _BLOCK, p=[0.45, 0.4, 0.15])],
            "igf1_ng_ml": igf1,
            "igf1_assay": "ids_isys",
            "igfbp3_ng_ml": igfbp3.astype(int),
            "igf1r_ihc": pd.Series(ihc, dtype=object).mask(missing, None),
            **outcome,
        }
    )


def _serum(
    config: CohortConfig, age: NDArray[np.float64], rng: np.random.Generator
) -> tuple[NDArray[np.float64], ...]:
    rho = config.sds_correlation.value
    first, second = rng.standard_normal((2, len(age)))
    scores = (first, rho * first + np.sqrt(1 - rho**2) * second)
    sex = np.full(len(age), "female", dtype=object)
    values = []
    for analyte, sds in zip(("igf1", "igfbp3"), scores, strict=True):
        l, m, s = reference_parameters(analyte, age=age, sex=sex, reference=_REFERENCE)  # noqa: E741
        # IGFBP3 is tabulated from 20 years; nobody here is younger
        values.append(lms_value(np.clip(sds, -3, 3), l=l, m=m, s=s))
    return values[0].round(1), values[1].round(0)


def _receptor(
    config: CohortConfig, which: NDArray[np.intp], rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    prevalence = np.array([model.igf1r_high.value for model in config.subtypes.values()])[which] / 100
    is_high = rng.random(len(which)) < prevalence
    cut = config.igf1r_high_at
    high = rng.integers(cut, 4, len(which))
    low = rng.integers(0, cut, len(which))
    return np.where(is_high, high, low), is_high


def baseline_rate(model: SubtypeModel) -> float:
    """Hazard of the IGF-1R-low patients that gives the subtype its 10-year survival.

    Parameters
    ----------
    model : SubtypeModel
        Prevalence p, hazard ratio h and 10-year survival S of one subtype.

    Returns
    -------
    float
        The rate a month that solves p exp(-120 h r) + (1 - p) exp(-120 r) = S.
    """
    p, target = model.igf1r_high.value / 100, model.dfs_10_year.value / 100
    ratio = model.igf1r_dfs_hazard_ratio.value

    def excess(rate: float) -> float:
        high, low = np.exp(-_TEN_YEARS * ratio * rate), np.exp(-_TEN_YEARS * rate)
        return float(p * high + (1 - p) * low - target)

    return float(brentq(excess, 1e-9, 1.0))


def _outcomes(
    config: CohortConfig, which: NDArray[np.intp], is_high: NDArray[np.bool_], rng: np.random.Generator
) -> dict[str, Any]:
    models = list(config.subtypes.values())
    n = len(which)
    ratio = np.array([m.igf1r_dfs_hazard_ratio.value for m in models])[which]
    rate = np.array([baseline_rate(m) for m in models])[which] * np.where(is_high, ratio, 1.0)
    dfs = rng.exponential(1 / rate)
    # progression comes after relapse, at an assumed pace
    pace = np.array([m.relapse_to_progression_months.value for m in models])[which]
    pfs = dfs + rng.exponential(pace / np.log(2))
    entered = rng.random(n) * config.accrual_months.value
    followed = config.accrual_months.value - entered + config.follow_up_months.value
    followed = np.minimum(followed, rng.exponential(12 / (config.dropout_per_year.value / 100), n))
    diagnosed = _START + (entered * _DAYS_PER_MONTH).astype("timedelta64[D]")
    columns: dict[str, Any] = {"diagnosis_date": diagnosed.astype(str)}
    last = diagnosed + np.ceil(followed * _DAYS_PER_MONTH).astype("timedelta64[D]")
    columns["last_followup_date"] = last.astype(str)
    for name, time in (("dfs", dfs), ("pfs", pfs)):
        columns[f"{name}_months"] = np.maximum(np.minimum(time, followed), 0.1).round(1)
        columns[f"{name}_event"] = (time <= followed).astype(int)
    return columns
