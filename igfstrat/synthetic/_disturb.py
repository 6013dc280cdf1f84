"""The steps of `realism`, each on a dictionary of columns that it changes in place.

Shifts are made on the scale of the standard deviation score for age and sex, so that half a standard
deviation means the same for a woman of 40 and one of 70.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit, logit

from igfstrat.features.reference_range import lms_sds, lms_value, reference_parameters
from igfstrat.schema import COLUMNS
from igfstrat.synthetic.realism_settings import (
    CoreSettings,
    DriftSettings,
    LabSettings,
    LimitSettings,
    MissingRule,
)
from igfstrat.units import DAYS_PER

Columns = dict[str, NDArray[Any]]

_REFERENCE: Final = "ids_isys_2014"
# limits of quantification and of the range, ng/mL: Sabbah 2021 (VARIETE), PMC8428081; of others none was found
ASSAY_LIMITS: Final[dict[str, dict[str, tuple[float, float | None]]]] = {
    "igf1": {
        "elecsys_cobas": (15.0, 1600.0),
        "immulite2000_87518": (24.9, None),
        "immulite2000_02254": (24.9, None),
    }
}


def assign_labs(
    columns: Columns, labs: Sequence[LabSettings], rng: np.random.Generator
) -> NDArray[np.object_] | None:
    """Sites, assays and offsets; returns the true assay of each patient, also where it isn't stated."""
    n = _length(columns)
    if not labs:
        stated = columns.get("igf1_assay")
        return None if stated is None else stated.astype(object)
    if labs[0].percent is not None:
        # the last bound may fall short of 1 by a rounding
        bounds = np.cumsum([lab.percent or 0.0 for lab in labs])[:-1] / 100
        which = np.searchsorted(bounds, rng.random(n), side="right")
        columns["site"] = np.array([lab.site for lab in labs], dtype=object)[which]
    else:
        which = pd.Index([lab.site for lab in labs]).get_indexer(pd.Index(columns["site"]))
    known = which >= 0
    for analyte in ("igf1", "igfbp3"):
        offset = np.where(known, np.array([lab.sd_offset.get(analyte, 0.0) for lab in labs])[which], 0.0)
        if COLUMNS[analyte].header in columns:
            _shift(columns, analyte, offset)
    assays = np.array([lab.assay for lab in labs], dtype=object)
    told = np.array([lab.assay if lab.states_assay else None for lab in labs], dtype=object)
    old = columns.get("igf1_assay", np.full(n, None, dtype=object))
    for analyte in ("igf1", "igfbp3"):
        header = f"{analyte}_assay"
        if header in columns or analyte == "igf1":
            before = columns.get(header, np.full(n, None, dtype=object))
            columns[header] = np.where(known, told[which], before)
    return np.where(known, assays[which], old)


def add_drift(columns: Columns, drift: DriftSettings) -> None:
    """Move an analyte by the lot that measured it."""
    days = pd.to_datetime(pd.Series(columns[drift.date]), errors="coerce", format="ISO8601")
    months = (days - pd.Timestamp(drift.since)).dt.days.to_numpy(dtype=float) / DAYS_PER["months"]
    lots = np.floor(months / drift.lot_months)
    # whoever has no date was measured at no known time: not moved
    _shift(columns, drift.analyte, np.nan_to_num(drift.sd_per_year * lots * drift.lot_months / 12))


def _shift(columns: Columns, analyte: str, by: NDArray[np.float64]) -> None:
    """Add standard deviations to a concentration; where the reference has no value for the patient it stays."""
    header = COLUMNS[analyte].header
    old = columns[header]
    x = np.asarray(pd.to_numeric(pd.Series(old), errors="coerce"), dtype=np.float64)
    age = np.asarray(columns["age_years"], dtype=np.float64)
    l, m, s = reference_parameters(analyte, age=age, sex=columns["sex"], reference=_REFERENCE)  # noqa: E741
    rows = np.flatnonzero((by != 0) & (x > 0) & np.isfinite(m))
    scores = lms_sds(x[rows], l=l[rows], m=m[rows], s=s[rows]) + by[rows]
    moved = lms_value(scores, l=l[rows], m=m[rows], s=s[rows])
    rows, moved = rows[np.isfinite(moved)], moved[np.isfinite(moved)]
    new = old.copy()
    is_whole = np.issubdtype(old.dtype, np.integer)
    new[rows] = moved.round(0 if is_whole else 1).astype(old.dtype if old.dtype != object else float)
    columns[header] = new


def take_cores(columns: Columns, cores: CoreSettings, rng: np.random.Generator) -> None:
    """Write each core, and the mean of those that are left as the score of the tumour."""
    true = np.asarray(pd.to_numeric(pd.Series(columns["igf1r_h_score"]), errors="coerce"), dtype=np.float64)
    low, high = COLUMNS["igf1r_h_score"].bounds
    noise = rng.standard_normal((len(true), cores.n)) * cores.sd
    values = np.clip(true[:, None] + noise, low, high).round(0)
    values[rng.random(values.shape) < cores.lost_percent / 100] = np.nan
    left = np.isfinite(values)
    with np.errstate(invalid="ignore"):
        mean = np.nansum(values, axis=1) / left.sum(axis=1)
    columns["igf1r_h_score"] = mean.round(1)
    for i in range(cores.n):
        columns[f"igf1r_h_score_{i + 1}"] = _whole(values[:, i])


def _whole(values: NDArray[np.float64]) -> NDArray[np.object_]:
    """Whole numbers, None where there is none: a spreadsheet shows 140, not 140.0."""
    out = np.full(len(values), None, dtype=object)
    known = np.isfinite(values)
    out[known] = values[known].astype(int)
    return out


def draw_lost(
    columns: Columns, rules: Sequence[MissingRule], rng: np.random.Generator
) -> dict[str, NDArray[np.bool_]]:
    """Which patients lose which column; nothing is taken away yet, so that no rule sees another's gaps."""
    n = _length(columns)
    lost: dict[str, NDArray[np.bool_]] = {}
    for rule in rules:
        gone = rng.random(n) < loss_probability(columns, rule)
        for header in rule.columns:
            lost[header] = lost.get(header, np.zeros(n, dtype=bool)) | gone
    return lost


def loss_probability(columns: Columns, rule: MissingRule) -> NDArray[np.float64]:
    """Probability of loss of each patient."""
    share = rule.percent / 100
    if rule.on is None:
        return np.full(_length(columns), share)
    on = pd.Series(columns[rule.on])
    if rule.log_odds_of:
        words = on.astype(object).where(on.notna(), "").astype(str)
        log_odds = words.map(rule.log_odds_of).fillna(0.0).to_numpy(dtype=np.float64)
    else:
        figures = pd.to_numeric(on, errors="coerce").to_numpy(dtype=np.float64)
        log_odds = np.nan_to_num(rule.log_odds * (figures - rule.centre) / rule.per)
    return np.asarray(expit(logit(share) + log_odds), dtype=np.float64)


def drop_lost(columns: Columns, lost: dict[str, NDArray[np.bool_]]) -> None:
    """Take the lost values away."""
    for header, gone in lost.items():
        old = columns[header]
        if np.issubdtype(old.dtype, np.floating):
            columns[header] = np.where(gone, np.nan, old)
        else:
            new = old.astype(object)
            new[gone] = None
            columns[header] = new


def report_limits(columns: Columns, limit: LimitSettings, assay: NDArray[np.object_] | None) -> None:
    """Write `<limit` and `>limit` in place of what lies beyond."""
    header = COLUMNS[limit.analyte].header
    old = columns[header]
    values = np.asarray(pd.to_numeric(pd.Series(old), errors="coerce"), dtype=np.float64)
    lower = np.full(len(values), -np.inf if limit.lower is None else limit.lower)
    upper = np.full(len(values), np.inf if limit.upper is None else limit.upper)
    if limit.by_assay and assay is not None:
        for name, (least, most) in ASSAY_LIMITS.get(limit.analyte, {}).items():
            own = assay == name
            lower[own] = least
            upper[own] = upper[own] if most is None else most
    new = old.astype(object)
    new[pd.isna(old)] = None
    for beyond, mark, bound in ((values < lower, "<", lower), (values > upper, ">", upper)):
        new[beyond] = [f"{mark}{figure:g}" for figure in bound[beyond]]
    columns[header] = new


def repeat_patients(table: pd.DataFrame, percent: float, rng: np.random.Generator) -> pd.DataFrame:
    """Put a patient of an earlier row in the place of some rows, under the same identifier."""
    n = len(table)
    again = rng.random(n) < percent / 100
    again[:1] = False
    rows, originals = np.flatnonzero(again), np.flatnonzero(~again)
    if not len(rows):
        return table
    # only originals are repeated, and only earlier ones: the rows before a cut keep their pairs
    earlier = np.searchsorted(originals, rows)
    source = np.arange(n)
    source[rows] = originals[(rng.random(len(rows)) * earlier).astype(int)]
    return table.iloc[source].set_axis(table.index)


def _length(columns: Columns) -> int:
    return len(next(iter(columns.values())))
