"""The data of a Cox model, checked, sorted and scaled once for every pass that follows.

Covariates are centred and divided by their standard deviation: products of nearly equal sums would
otherwise lose digits. Estimates are scaled back by the caller.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from igfstrat.errors import DomainError, EstimationError
from igfstrat.survival._blocks import Blocks, make_blocks
from igfstrat.survival._inputs import Sample, read_choice, read_codes, read_sample, refuse_rows
from igfstrat.survival._risk import rows_of
from igfstrat.survival._types import BoolArray, FloatArray, IntArray

TIES = ("efron", "breslow", "exact")
_CHUNK = 8192  # rows of a Gram product that stay in the processor's cache


@dataclass(frozen=True, slots=True, kw_only=True)
class CoxDesign:
    """Rows sorted by stratum and time, in blocks of equal time.

    Parameters
    ----------
    x : ndarray of float, shape (n, p)
        Centred and scaled covariates.
    mean, scale : ndarray of float, shape (p,)
        What was subtracted and divided by.
    names : tuple of str
        Names of the covariates.
    time : ndarray of float, shape (n,)
        Follow-up, the caller's unit.
    event : ndarray of bool, shape (n,)
        True = event observed.
    weight : ndarray of float, shape (n,)
        Case weights; 1 when there are none.
    order : ndarray of int, shape (n,)
        Row of the caller's arrays that stands at each place here.
    blocks : Blocks
        Runs of equal time, and who leaves at each.
    stratum : ndarray of int, shape (b,)
        Code of the stratum of each block.
    stratum_labels : tuple
        Label of each code.
    ties : str
        efron, breslow or exact.
    """

    x: FloatArray
    mean: FloatArray
    scale: FloatArray
    names: tuple[str, ...]
    time: FloatArray
    event: BoolArray
    weight: FloatArray
    order: IntArray
    blocks: Blocks
    stratum: IntArray
    stratum_labels: tuple[Any, ...]
    ties: str

    @property
    def n_events(self) -> int:
        """Number of rows with an event."""
        return int(np.count_nonzero(self.event))

    @property
    def first(self) -> IntArray:
        """Where each block begins, shape (b,)."""
        return self.blocks.first

    @property
    def truncated(self) -> bool:
        """Whether some rows enter late."""
        return len(self.blocks.leave_rows) > 0

    @property
    def block_of_row(self) -> IntArray:
        """Block of each row, shape (n,)."""
        return np.repeat(np.arange(len(self.first)), np.diff(self.first, append=len(self.event)))

    @property
    def entry_block(self) -> IntArray:
        """First block of the stratum, or after entry, at which each row is at risk, shape (n,)."""
        if self.truncated:
            return self.blocks.entry_block
        starts = np.flatnonzero(self.blocks.new_stratum)
        found: IntArray = starts[np.searchsorted(starts, self.block_of_row, side="right") - 1]
        return found

    def back(self, values: FloatArray) -> FloatArray:
        """Bring one value per sorted row into the caller's order.

        Parameters
        ----------
        values : ndarray of float, shape (n,) or (n, p)
            Values in the order of the design.

        Returns
        -------
        ndarray of float, shape (n,) or (n, p)
            The values in the caller's order.
        """
        out = np.empty_like(values)
        out[self.order] = values
        return out


def read_design(
    *,
    time: Any,
    event: Any,
    covariates: Any,
    names: Sequence[str] | None,
    entry: Any,
    strata: Any,
    weights: Any,
    ties: str,
) -> CoxDesign:
    """Check, sort and scale the data of a Cox model.

    Parameters
    ----------
    time : array-like of float, shape (n,)
        Follow-up, >= 0, one unit.
    event : array-like of bool, shape (n,)
        True = event observed.
    covariates : array-like of float, shape (n, p) or (n,)
        Covariates, finite.
    names : sequence of str, or None
        Their names; x1, x2, … when None.
    entry : array-like of float, shape (n,), or None
        Start of observation.
    strata : array-like of str, int or bool, shape (n,), or None
        Stratum of each row.
    weights : array-like of float, shape (n,), or None
        Case weights.
    ties : str
        efron, breslow or exact.

    Returns
    -------
    CoxDesign
        The design.

    Raises
    ------
    DomainError
        Arguments that cannot be.
    EstimationError
        No events, or a constant covariate.
    """
    read_choice(ties, "ties", TIES)
    sample = read_sample(time=time, event=event, entry=entry, weights=weights)
    if not sample.event.any():
        msg = "a Cox model is not estimable without events: all patients are censored"
        raise EstimationError(msg)
    if ties == "exact" and sample.weights is not None:
        msg = "ties='exact' takes no weights: the discrete likelihood is not defined for them; use efron or breslow"
        raise DomainError(msg)
    array = _read_covariates(covariates, sample.n)
    labels = _read_names(names, array.shape[1])
    sample, codes, stratum_labels = _by_stratum(sample, strata)
    weight = np.ones(sample.n) if sample.weights is None else sample.weights
    x, mean, scale = _scaled(array, sample.order, weight, labels)
    stratum = codes[sample.first]
    return CoxDesign(
        x=x,
        mean=mean,
        scale=scale,
        names=labels,
        time=sample.time,
        event=sample.event,
        weight=weight,
        order=sample.order,
        blocks=make_blocks(sample.first, stratum, codes, sample.time[sample.first], sample.entry),
        stratum=stratum,
        stratum_labels=stratum_labels,
        ties=ties,
    )


def _by_stratum(sample: Sample, strata: Any) -> tuple[Sample, IntArray, tuple[Any, ...]]:
    """The sample sorted by stratum, then time; the stratum of each row; the labels."""
    if strata is None:
        return sample, np.zeros(sample.n, np.int64), ("all",)
    codes, labels = read_codes(strata, "strata", sample.n)
    codes = codes[sample.order]
    rows = np.argsort(codes, kind="stable")
    sample, codes = rows_of(sample, rows), codes[rows]
    changed = (sample.time[1:] != sample.time[:-1]) | (codes[1:] != codes[:-1])
    first = np.flatnonzero(np.concatenate(([True], changed)))
    return replace(sample, first=first), codes, labels


def _read_covariates(values: Any, n: int) -> FloatArray:
    raw = np.asarray(values)
    if raw.dtype.kind not in "biuf":
        msg = f"covariates must be numeric, found {raw.dtype}; code factors as 0/1 columns first"
        raise DomainError(msg)
    array = raw.astype(np.float64, copy=False)
    if array.ndim == 1:
        array = array[:, None]
    if array.ndim != 2 or array.shape[0] != n or array.shape[1] == 0:
        msg = f"covariates have shape {raw.shape}; one row for each of the {n} patients and at least one column is needed"
        raise DomainError(msg)
    if not np.isfinite(array).all():
        bad: BoolArray = np.count_nonzero(~np.isfinite(array), axis=1) > 0
        refuse_rows(bad, array, "covariates", "must be finite: leave the rows out or fill them in")
    return array


def _read_names(names: Sequence[str] | None, p: int) -> tuple[str, ...]:
    found = tuple(f"x{i + 1}" for i in range(p)) if names is None else tuple(names)
    if len(found) != p or len(set(found)) != p:
        msg = f"names must hold {p} different names, one for each covariate; found {found}"
        raise DomainError(msg)
    return found


def _scaled(
    array: FloatArray, order: IntArray, weight: FloatArray, names: tuple[str, ...]
) -> tuple[FloatArray, FloatArray, FloatArray]:
    x = array[order]  # a copy, so that it can be scaled in place
    mean = weight @ x / weight.sum()
    x -= mean
    scale = np.sqrt(np.array([column @ column for column in x.T]) / len(x))
    suspect = np.flatnonzero(scale <= 1e-12 * np.abs(mean))
    level = [names[j] for j in suspect if np.ptp(array[:, j]) == 0]
    if level:
        msg = f"constant covariate: {', '.join(level)}; nothing can be estimated for it, leave it out"
        raise EstimationError(msg)
    x /= scale
    return x, mean, scale


def weighted_gram(x: FloatArray, weight: FloatArray) -> FloatArray:
    """Product x' diag(weight) x by BLAS, a slice of rows at a time.

    Parameters
    ----------
    x : ndarray of float, shape (n, p)
        Rows.
    weight : ndarray of float, shape (n,)
        Weights of any sign.

    Returns
    -------
    ndarray of float, shape (p, p)
        The product.
    """
    total = np.zeros((x.shape[1], x.shape[1]))
    for start in range(0, len(x), _CHUNK):
        part = x[start : start + _CHUNK]
        total += (part * weight[start : start + _CHUNK, None]).T @ part
    return total
