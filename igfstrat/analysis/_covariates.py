"""Declared covariates as columns of a model: numbers as they are, codes as 0/1 columns against a stated level."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

_COLLINEAR = 1e-9  # share of a column's variance that the columns before it must leave


@dataclass(frozen=True, slots=True, kw_only=True)
class Covariate:
    """One covariate; `levels` is empty for a number, and its first level is the reference."""

    column: str
    title: str
    levels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of a model."""

    covariate: Covariate
    level: str | None = None

    @property
    def name(self) -> str:
        """What messages call it."""
        return self.covariate.title if self.level is None else f"{self.covariate.title}: {self.level}"


def read_covariates(frame: pd.DataFrame, titles: Mapping[str, str]) -> tuple[Covariate, ...]:
    """The covariates of a table, with the levels that occur in it."""
    used: dict[str, int] = {}
    found = []
    for column in frame.columns:
        title = titles.get(str(column), str(column))
        used[title] = used.get(title, 0) + 1
        shown = title if used[title] == 1 else f"{title} ({column})"  # a model needs different names
        levels = () if is_number(frame[column]) else _levels(frame[column])
        found.append(Covariate(column=str(column), title=shown, levels=levels))
    return tuple(found)


def is_number(values: pd.Series) -> bool:
    """Whether a covariate enters as it is."""
    return pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)


def _levels(values: pd.Series) -> tuple[str, ...]:
    present = {str(value) for value in values[~pd.isna(values)].unique()}
    if isinstance(values.dtype, pd.CategoricalDtype):
        return tuple(str(c) for c in values.cat.categories if str(c) in present)
    return tuple(sorted(present))


def tidy(frame: pd.DataFrame, covariates: tuple[Covariate, ...]) -> pd.DataFrame:
    """Numbers as float with NaN for missing and infinite; codes as text with None for missing."""
    columns = {}
    for covariate in covariates:
        values = frame[covariate.column]
        if covariate.levels:
            codes, words = pd.factorize(values.astype(object))
            named = np.array([*(str(word) for word in words), None], dtype=object)  # code -1 is nothing
            columns[covariate.column] = pd.Series(named[codes], index=frame.index, dtype=object)
        else:
            numbers = pd.to_numeric(values, errors="coerce").astype(float)
            columns[covariate.column] = numbers.where(np.isfinite(numbers))
    return pd.DataFrame(columns, index=frame.index)


def encode(frame: pd.DataFrame, columns: tuple[Column, ...]) -> NDArray[np.float64]:
    """A complete table as the columns of a model, shape (n, p)."""
    parts = [
        frame[c.covariate.column].to_numpy(dtype=np.float64)
        if c.level is None
        else (frame[c.covariate.column] == c.level).to_numpy(dtype=np.float64)
        for c in columns
    ]
    return np.column_stack(parts) if parts else np.empty((len(frame), 0))


def model_columns(covariates: tuple[Covariate, ...], *, reference: bool = False) -> tuple[Column, ...]:
    """A column for each number and for each level, the reference's only when asked for."""
    return tuple(
        Column(covariate=c, level=level)
        for c in covariates
        for level in ((c.levels if reference else c.levels[1:]) if c.levels else (None,))
    )


def usable_columns(
    frame: pd.DataFrame, covariates: tuple[Covariate, ...], groups: NDArray[np.float64]
) -> tuple[tuple[Column, ...], dict[str, str]]:
    """Columns that add something to the groups and to the columns before them, and why others don't."""
    columns = model_columns(covariates)
    reasons = {c.title: "the same in all patients" for c in covariates if c.levels and len(c.levels) < 2}
    x = np.column_stack([groups, encode(frame, columns)])
    centred = x - x.mean(axis=0)
    size = np.sqrt((centred**2).sum(axis=0))
    # a constant leaves only the rounding of its mean
    level = size <= 1e-12 * np.sqrt(len(x)) * np.maximum(np.abs(x).max(axis=0), 1e-300)
    kept = _independent(centred / np.where(level, 1.0, size), ~level)
    for place, column in enumerate(columns, start=groups.shape[1]):
        if not kept[place]:
            reasons[column.name] = (
                "the same in all patients"
                if level[place]
                else "told by the group and the covariates before it"
            )
    return tuple(c for i, c in enumerate(columns, start=groups.shape[1]) if kept[i]), reasons


def _independent(x: NDArray[np.float64], candidates: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Columns, of length 1, that aren't linear combinations of those before them: a Cholesky factor row by row."""
    gram = x.T @ x
    kept: list[int] = []
    for j in np.flatnonzero(candidates):
        explained = 0.0
        if kept:
            with_kept = gram[kept, j]
            explained = float(with_kept @ np.linalg.solve(gram[np.ix_(kept, kept)], with_kept))
        if 1.0 - explained > _COLLINEAR:
            kept.append(int(j))
    return np.isin(np.arange(x.shape[1]), kept)
