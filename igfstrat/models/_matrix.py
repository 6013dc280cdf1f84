"""Covariates as estimators take them: numbers by name, the labels of strata beside them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from igfstrat.errors import UsageError, safe_text

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    """Covariates, shape (n, p); names of all columns or None; label of each row's stratum, None where unknown."""

    values: FloatArray
    names: tuple[str, ...] | None
    strata: NDArray[np.object_] | None

    @property
    def complete(self) -> NDArray[np.bool_]:
        """Rows without a missing value."""
        known: NDArray[np.bool_] = np.logical_not(np.isnan(self.values).any(axis=1))
        return known if self.strata is None else known & np.array([s is not None for s in self.strata])


def read_matrix(X: Any, strata: tuple[str, ...]) -> Matrix:  # noqa: N803 - scikit-learn's name
    """Read what `fit` is given."""
    if isinstance(X, pd.DataFrame):
        return _from_table(X, strata)
    if strata:
        message = f"strata are named columns ({', '.join(strata)}): give X as a DataFrame"
        raise UsageError(message)
    array = np.asarray(X)
    if array.ndim != 2 or array.dtype.kind not in "biuf" or 0 in array.shape:
        message = (
            f"X must be numbers of shape (patients, covariates), found {array.dtype} of shape {array.shape}"
        )
        raise UsageError(message)
    return Matrix(values=_finite(array.astype(np.float64), None), names=None, strata=None)


def read_again(X: Any, names: tuple[str, ...] | None, n_columns: int, strata: tuple[str, ...]) -> Matrix:  # noqa: N803
    """Read what `predict` is given: columns by name, in any order; more of them do no harm."""
    if isinstance(X, pd.DataFrame) and names is not None:
        missing = [name for name in names if name not in X]
        if missing:
            message = f"X lacks {', '.join(map(safe_text, missing))}, on which the model was fitted"
            raise UsageError(message)
        return _from_table(X[list(names)], strata)
    found = read_matrix(X, strata)
    if found.values.shape[1] != n_columns:
        message = f"X has {found.values.shape[1]} features, but the model was fitted on {n_columns}"
        raise UsageError(message)
    return found


def _from_table(table: pd.DataFrame, strata: tuple[str, ...]) -> Matrix:
    names = [str(column) for column in table.columns]
    absent = [name for name in strata if name not in names]
    if absent or len(set(names)) < len(names):
        what = f"no column {', '.join(absent)} for the strata" if absent else "two columns of one name"
        message = f"X has {what}: {', '.join(map(safe_text, names))}"
        raise UsageError(message)
    numeric = [name for name in names if name not in strata]
    table = table.set_axis(names, axis=1)
    words = [name for name in numeric if not _is_numeric(table[name])]
    if words or not numeric:
        what = f"{', '.join(map(safe_text, words))} not numeric" if words else "no covariate"
        message = f"X has {what}; DesignMatrix makes 0/1 columns of words, with a stated reference level"
        raise UsageError(message)
    columns = [table[name].to_numpy(dtype=np.float64, na_value=np.nan) for name in numeric]
    values = _finite(np.column_stack(columns), numeric)
    return Matrix(values=values, names=tuple(names), strata=_labels(table, strata) if strata else None)


def _is_numeric(column: pd.Series[Any]) -> bool:
    return bool(pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_complex_dtype(column))


def _finite(values: FloatArray, names: list[str] | None) -> FloatArray:
    infinite = np.isinf(values)
    if infinite.any():
        row, column = (int(i[0]) for i in np.nonzero(infinite))
        name = f"column {column}" if names is None else safe_text(names[column])
        message = f"X is infinite in {name}, row {row} (from 0); correct it or make it missing"
        raise UsageError(message)
    return values


def _labels(table: pd.DataFrame, strata: tuple[str, ...]) -> NDArray[np.object_]:
    """One word a row, such as ``stage=II, grade=3``; None where a part is missing."""
    parts = [table[name] for name in strata]
    gone = np.logical_or.reduce([part.isna().to_numpy() for part in parts])
    words = [
        ", ".join(f"{name}={_word(value)}" for name, value in zip(strata, row, strict=True))
        for row in zip(*parts, strict=True)
    ]
    labels = np.array(words, dtype=object)
    labels[gone] = None
    return labels


def _word(value: Any) -> str:
    """2 and 2.0 are one stratum, since a column with a gap is read as floats."""
    return (
        str(int(value))
        if isinstance(value, float | np.floating) and float(value).is_integer()
        else str(value)
    )
