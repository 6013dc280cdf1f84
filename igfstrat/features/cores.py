"""IGF-1R H-score of a patient from several cores: one value, their number, spread and repeatability.

The mean is the default. The maximum makes positivity grow with the number of cores: each further core
can only raise it, so patients with more tissue would more often be high.

Repeatability is the within-patient standard deviation, pooled over patients by a one-way analysis of variance
(Bland and Altman 1996, BMJ 313:744). Between cores it holds the tumour's own unevenness as well as the
assay's error, and so is no smaller than the assay's alone. Cores aren't weighted by their number of cells.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from statistics import NormalDist
from typing import Any, Final, Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from igfstrat.config import StrictModel
from igfstrat.errors import CohortError, DomainError, Problem, Severity, UsageError
from igfstrat.features.base import FeatureTransformer, make_settings
from igfstrat.features.spec import FeatureSpec
from igfstrat.features.status import limits_of
from igfstrat.schema import COLUMNS, MAX_CORES

Aggregate = Literal["mean", "median", "max", "min"]
AGGREGATES: Final[tuple[str, ...]] = get_args(Aggregate)
_REDUCE: Final[dict[str, Callable[..., Any]]] = {
    "mean": np.nanmean,
    "median": np.nanmedian,
    "max": np.nanmax,
    "min": np.nanmin,
}

_MEASURE: Final = "igf1r_h_score"
_CORE: Final = re.compile(rf"{_MEASURE}_([1-9]\d*)")
_BOUNDS: Final = COLUMNS[_MEASURE].bounds  # evidence E-b-21

IGF1R_H_SCORE_OF_CORES: Final = FeatureSpec(
    name="igf1r_h_score_of_cores",
    title="IGF-1R H-score, of all cores",
    inputs={},
    any_of={f"{_MEASURE}_{i}": "1" for i in range(1, MAX_CORES + 1)},
    unit="1",
    bounds=_BOUNDS,
    evidence=("E-b-21",),
)
IGF1R_H_SCORE_CORES_N: Final = FeatureSpec(
    name="igf1r_h_score_cores_n",
    title="Cores with an IGF-1R H-score",
    inputs={},
    any_of=IGF1R_H_SCORE_OF_CORES.any_of,
    unit="1",
    bounds=(0.0, float("inf")),
    missing="own_category",
)
IGF1R_H_SCORE_CORES_SD: Final = FeatureSpec(
    name="igf1r_h_score_cores_sd",
    title="IGF-1R H-score, standard deviation between cores",
    inputs={},
    any_of=IGF1R_H_SCORE_OF_CORES.any_of,
    unit="1",
    # two cores at either end of the scale
    bounds=(0.0, float(np.std(_BOUNDS, ddof=1))),
)
IGF1R_H_SCORE_CORES_RANGE: Final = FeatureSpec(
    name="igf1r_h_score_cores_range",
    title="IGF-1R H-score, range between cores",
    inputs={},
    any_of=IGF1R_H_SCORE_OF_CORES.any_of,
    unit="1",
    bounds=_BOUNDS,
)


CORE_SPECS: Final = (
    IGF1R_H_SCORE_OF_CORES,
    IGF1R_H_SCORE_CORES_N,
    IGF1R_H_SCORE_CORES_SD,
    IGF1R_H_SCORE_CORES_RANGE,
)


class CoreRule(StrictModel):
    """How the cores of a patient become one value."""

    aggregate: Aggregate = "mean"


def aggregate_cores(values: ArrayLike, *, aggregate: str = "mean") -> NDArray[np.float64]:
    """One value a patient from several cores.

    Parameters
    ----------
    values : array-like of float, shape (n_patients, n_cores)
        Scores, in any one unit; NaN: no such core, or not scored.
    aggregate : str
        ``mean``, ``median``, ``max`` or ``min``. The maximum makes positivity grow with the number of cores.

    Returns
    -------
    ndarray of float64, shape (n_patients,)
        In the unit of `values`; NaN for a patient without a scored core.

    Raises
    ------
    UsageError
        If there is no such aggregate.

    Examples
    --------
    >>> cores = [[80.0, 90.0, 130.0], [50.0, float("nan"), float("nan")]]
    >>> aggregate_cores(cores).tolist(), aggregate_cores(cores, aggregate="max").tolist()
    ([100.0, 50.0], [130.0, 50.0])
    """
    if aggregate not in AGGREGATES:
        message = f"aggregate {aggregate!r} is none of {', '.join(AGGREGATES)}"
        raise UsageError(message)
    cores = _cores(values)
    out = np.full(len(cores), np.nan)
    scored = np.isfinite(cores).any(axis=1)
    out[scored] = _REDUCE[aggregate](cores[scored], axis=1)
    return out


def core_spread(
    values: ArrayLike,
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """Number of cores and how far they differ.

    Parameters
    ----------
    values : array-like of float, shape (n_patients, n_cores)
        Scores, in any one unit; NaN: no such core, or not scored.

    Returns
    -------
    tuple of ndarray of int64, float64 and float64, each of shape (n_patients,)
        Number of scored cores; their standard deviation (with n - 1) and their range, in the unit of `values`,
        NaN for fewer than two cores, since one core says nothing about spread.

    Examples
    --------
    >>> n, sd, spread = core_spread([[80.0, 90.0, 100.0], [50.0, float("nan"), float("nan")]])
    >>> n.tolist(), sd.tolist(), spread.tolist()
    ([3, 1], [10.0, nan], [20.0, nan])
    """
    cores = _cores(values)
    n = np.isfinite(cores).sum(axis=1).astype(np.int64)
    sd, spread = np.full(len(cores), np.nan), np.full(len(cores), np.nan)
    several = cores[n > 1]
    sd[n > 1] = np.nanstd(several, axis=1, ddof=1)
    spread[n > 1] = np.nanmax(several, axis=1) - np.nanmin(several, axis=1)
    return n, sd, spread


def within_patient_sd(values: ArrayLike) -> tuple[float, int]:
    """Standard deviation between cores of one patient, pooled over patients.

    Parameters
    ----------
    values : array-like of float, shape (n_patients, n_cores)
        Scores, in any one unit; NaN: no such core, or not scored. Patients may differ in their number of cores.

    Returns
    -------
    tuple of float and int
        Square root of the residual mean square of a one-way analysis of variance with the patient as factor, in
        the unit of `values`, and its degrees of freedom; NaN and 0 where no patient has two cores.

    References
    ----------
    Bland and Altman 1996, BMJ 313:744.

    Examples
    --------
    >>> sd, df = within_patient_sd([[100.0, 120.0, float("nan")], [60.0, 90.0, 120.0], [10.0, float("nan"), float("nan")]])
    >>> round(sd, 4), df
    (25.8199, 3)
    """
    n, sd, _ = core_spread(values)
    several = n > 1
    df = int((n[several] - 1).sum())
    residual = float(((n[several] - 1) * sd[several] ** 2).sum())
    return (math.sqrt(residual / df), df) if df else (float("nan"), 0)


def repeatability_band(within_sd: float, *, n_cores: int = 1, level: float = 0.95) -> float:
    """Half-width of the band around a cut within which the mean of cores decides nothing.

    Parameters
    ----------
    within_sd : float
        Within-patient standard deviation, >= 0; NaN gives NaN.
    n_cores : int
        Cores that the mean is taken of, >= 1. The band is right for means only.
    level : float
        Share of means that lie no further than this from the patient's own level, in (0, 1).

    Returns
    -------
    float
        In the unit of `within_sd`: normal quantile times `within_sd` over the root of `n_cores`.

    Raises
    ------
    DomainError
        If an argument lies outside its range.

    Examples
    --------
    >>> round(repeatability_band(20.0), 2), round(repeatability_band(20.0, n_cores=4), 2)
    (39.2, 19.6)
    """
    if within_sd < 0 or n_cores < 1 or not 0 < level < 1:
        message = "within_sd must be >= 0, n_cores >= 1, and level between 0 and 1"
        raise DomainError(message)
    return NormalDist().inv_cdf((1 + level) / 2) * within_sd / math.sqrt(n_cores)


class CoreFeatures(FeatureTransformer):
    """H-score of each patient from the columns ``igf1r_h_score_1``, ``igf1r_h_score_2`` and so on.

    Every such column of the table is used, so a later table may hold more or fewer cores than the one that
    was fitted. A column ``igf1r_h_score`` without a number is the source's own value, and is left alone.

    Parameters
    ----------
    aggregate : str
        ``mean``, ``median``, ``max`` or ``min``; the maximum makes positivity grow with the number of cores.

    Attributes
    ----------
    within_sd_ : float
        Within-patient standard deviation of a single core, pooled over the patients of the fit (see
        `within_patient_sd`); `repeatability_band` makes an ``indeterminate`` band of it.
    within_df_ : int
        Its degrees of freedom; with 0 the standard deviation is NaN.
    """

    def __init__(self, aggregate: str = "mean") -> None:
        self.aggregate = aggregate

    def _required(self) -> list[str]:
        # which cores there are is the table's own matter; `_check_table` asks for at least one
        return []

    def _names(self) -> list[str]:
        specs = (
            IGF1R_H_SCORE_OF_CORES,
            IGF1R_H_SCORE_CORES_N,
            IGF1R_H_SCORE_CORES_SD,
            IGF1R_H_SCORE_CORES_RANGE,
        )
        return [spec.name for spec in specs]

    def _describe(self) -> dict[str, str]:
        text = f"{self.aggregate} of a patient's cores"
        if self.within_df_:
            text += f"; within-patient SD {self.within_sd_:.4g} ({self.within_df_} degrees of freedom)"
        if self.aggregate == "max":
            text += "; grows with the number of cores"
        return {"igf1r_h_score_of_cores": text}

    def _learn(self, X: pd.DataFrame) -> None:  # noqa: N803 - scikit-learn's name
        make_settings(CoreRule, "aggregate of cores", aggregate=self.aggregate)
        self._check_table(X)
        self.within_sd_, self.within_df_ = within_patient_sd(_core_values(X))

    def _check_table(self, X: pd.DataFrame) -> None:  # noqa: N803
        check_cores(X, type(self).__name__)

    def _compute(self, X: pd.DataFrame) -> dict[str, Any]:  # noqa: N803
        cores = _core_values(X)
        values = (aggregate_cores(cores, aggregate=self.aggregate), *core_spread(cores))
        return dict(zip(self._names(), values, strict=True))


def core_columns(table: pd.DataFrame) -> list[str]:
    """Columns that hold single cores.

    Parameters
    ----------
    table : DataFrame, one row a patient
        Canonical headers, in any order.

    Returns
    -------
    list of str
        ``igf1r_h_score_1`` and so on, by number.

    Examples
    --------
    >>> core_columns(pd.DataFrame(columns=["igf1r_h_score_10", "igf1r_h_score", "igf1r_h_score_2"]))
    ['igf1r_h_score_2', 'igf1r_h_score_10']
    """
    found = {name: match for name in map(str, table.columns) if (match := _CORE.fullmatch(name))}
    return sorted(found, key=lambda name: int(found[name][1]))


def check_cores(table: pd.DataFrame, owner: str) -> None:
    """Whether a table holds single cores.

    Parameters
    ----------
    table : DataFrame, one row a patient
        Canonical headers.
    owner : str
        Who needs them, for the message.

    Raises
    ------
    CohortError
        If there is no such column.

    Examples
    --------
    >>> check_cores(pd.DataFrame({"igf1r_h_score_2": [80.0]}), "CoreFeatures")
    """
    if core_columns(table):
        return
    remedy = "column missing: cores are igf1r_h_score_1, igf1r_h_score_2 and so on"
    problem = Problem(code="header", severity=Severity.ERROR, column=f"{_MEASURE}_1", remedy=remedy)
    headline = f"the table for {owner}"
    raise CohortError(headline, [problem], "No feature was computed.")


def limits_of_cores(
    table: pd.DataFrame, *, aggregate: str = "mean"
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Between which limits the value of each patient's cores lies.

    Parameters
    ----------
    table : DataFrame, one row a patient
        Canonical headers; may hold ``<core>_lower`` and ``<core>_upper`` beside a core.
    aggregate : str
        ``mean``, ``median``, ``max`` or ``min``.

    Returns
    -------
    tuple of ndarray of float64, each of shape (n,)
        Lower and upper limit, 0-300; equal where all scored cores were measured, NaN for a patient without any. A
        core known only between limits counts with them, so it isn't left out of the aggregate.

    Raises
    ------
    UsageError
        If there is no such aggregate.

    Examples
    --------
    >>> table = pd.DataFrame({"igf1r_h_score_1": [80.0], "igf1r_h_score_2": [float("nan")]})
    >>> [limits.tolist() for limits in limits_of_cores(table)]
    [[80.0], [80.0]]
    >>> table["igf1r_h_score_2_lower"], table["igf1r_h_score_2_upper"] = 0.0, 10.0
    >>> [limits.tolist() for limits in limits_of_cores(table)]
    [[40.0], [45.0]]
    """
    limits = [limits_of(table, name) for name in core_columns(table)]
    lower, upper = (np.stack([pair[end] for pair in limits], axis=1) for end in (0, 1))
    if np.array_equal(lower, upper, equal_nan=True):
        measured = aggregate_cores(lower, aggregate=aggregate)
        return measured, measured
    nothing = np.isnan(lower) & np.isnan(upper)
    # all monotone: the aggregate of the limits is the limit of the aggregate
    ends = (
        np.where(np.isnan(limit), at, limit).clip(*_BOUNDS)
        for limit, at in zip((lower, upper), _BOUNDS, strict=True)
    )
    low, high = (aggregate_cores(np.where(nothing, np.nan, end), aggregate=aggregate) for end in ends)
    return low, high


def _core_values(table: pd.DataFrame) -> NDArray[np.float64]:
    return table[core_columns(table)].to_numpy(dtype=np.float64)


def _cores(values: ArrayLike) -> NDArray[np.float64]:
    cores = np.asarray(values, dtype=np.float64)
    if cores.ndim != 2 or np.isinf(cores).any():
        message = "cores must be finite numbers or NaN, one row a patient and one column a core"
        raise DomainError(message)
    return cores
