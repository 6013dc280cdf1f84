"""One predictor's columns in a design matrix: what is learned of it, and how a new table is read by it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.impute import SimpleImputer

from igfstrat.errors import EstimationError, UsageError, safe_text

FloatArray = NDArray[np.float64]
OWN_LEVEL = "missing"  # name of the level of those without a value
_USUAL_REFERENCE = ("low", "negative", "no")
_SHOWN = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """Main columns, shape (n, k); whether each row was missing, and whether its level is unknown to the model."""

    columns: FloatArray
    missing: NDArray[np.bool_]
    unseen: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberTerm:
    """A number: filled where missing (None: not), centred and divided."""

    name: str
    fill: float | None
    mean: float
    scale: float
    lowest: float
    highest: float
    indicator: bool

    @property
    def main(self) -> tuple[str, ...]:
        """Names of the main columns."""
        return (self.name,)

    def read(self, column: pd.Series[Any]) -> Read:
        """Columns of a table."""
        values = numbers_of(column)
        if values is None:
            message = f"{safe_text(self.name)} holds words, but the model takes it as a number"
            raise UsageError(message)
        missing = np.isnan(values)
        filled = values if self.fill is None else np.where(missing, self.fill, values)
        scaled = (filled - self.mean) / self.scale
        return Read(columns=scaled[:, None], missing=missing, unseen=np.zeros(len(values), np.bool_))

    def outside(self, column: pd.Series[Any]) -> NDArray[np.bool_]:
        """Rows beyond what the model was trained on."""
        values = numbers_of(column)
        assert values is not None
        return (values < self.lowest) | (values > self.highest)

    def remedy(self) -> str:
        """What became of a missing value."""
        return "not scored" if self.fill is None else f"taken as {self.fill:g}, as the model declares"


@dataclass(frozen=True, slots=True, kw_only=True)
class WordTerm:
    """A word: one 0/1 column a level but the reference."""

    name: str
    levels: tuple[str, ...]
    reference: str
    fill: str | None
    indicator: bool

    @property
    def main(self) -> tuple[str, ...]:
        """Names of the main columns."""
        return tuple(f"{self.name}={level}" for level in self.levels if level != self.reference)

    def read(self, column: pd.Series[Any]) -> Read:
        """Columns of a table; NaN for a level that was not there in training."""
        words = words_of(column)
        missing = np.array([word is None for word in words])
        filled = np.where(missing, self.fill, words)  # type: ignore[arg-type]  # None stays None
        known = np.isin(filled.astype(str), self.levels) & (filled != None)  # noqa: E711 - elementwise
        shown = [level for level in self.levels if level != self.reference]
        columns = np.column_stack(
            [(filled == level).astype(np.float64) for level in shown] or [np.zeros((len(words), 0))]
        )
        columns[~known] = np.nan
        return Read(columns=columns, missing=missing, unseen=~known & ~missing)

    def remedy(self) -> str:
        """What became of a missing value."""
        return "not scored" if self.fill is None else f"taken as {self.fill!r}, as the model declares"

    def known(self) -> str:
        """The levels, for a message."""
        return ", ".join(map(safe_text, self.levels[:_SHOWN])) + (", …" if len(self.levels) > _SHOWN else "")


Term = NumberTerm | WordTerm


def learn_number(
    column: pd.Series[Any], fill: str | float | None, *, scale: bool, indicators: bool
) -> NumberTerm:
    """What a training table says of a number."""
    name, values = str(column.name), numbers_of(column)
    assert values is not None
    missing = np.isnan(values)
    if missing.all():
        message = f"{safe_text(name)} has no value in any row; leave the predictor out"
        raise EstimationError(message)
    known = values[~missing]
    filler: float | None = None
    if fill == "median":
        filler = float(SimpleImputer(strategy="median").fit(values[:, None]).statistics_[0])
    elif fill is not None:
        filler = float(fill)
    filled = known if filler is None else np.where(missing, filler, values)
    spread = float(filled.std())
    return NumberTerm(
        name=name,
        fill=filler,
        mean=float(filled.mean()) if scale else 0.0,
        scale=spread if scale and spread > 0 else 1.0,
        lowest=float(known.min()),
        highest=float(known.max()),
        indicator=bool(indicators and filler is not None and missing.any()),
    )


def learn_word(
    column: pd.Series[Any], fill: str | None, reference: str | None, *, indicators: bool
) -> WordTerm:
    """What a training table says of a word."""
    name, words = str(column.name), words_of(column)
    missing = np.array([word is None for word in words])
    found, counts = np.unique([word for word in words if word is not None], return_counts=True)
    levels = [str(level) for level in found]
    if not levels:
        message = f"{safe_text(name)} has no value in any row; leave the predictor out"
        raise EstimationError(message)
    if reference is not None and reference not in levels:
        message = f"{safe_text(name)}: the reference {safe_text(reference)!r} is not among its levels {', '.join(map(safe_text, levels[:_SHOWN]))}"
        raise UsageError(message)
    usual = [word for word in _USUAL_REFERENCE if word in levels]
    filler: str | None = None
    if fill == "most_frequent":
        filler = levels[int(np.argmax(counts))]
    elif fill == "own_level" and missing.any():
        filler = OWN_LEVEL
        levels = sorted({*levels, OWN_LEVEL})
    return WordTerm(
        name=name,
        levels=tuple(levels),
        reference=reference or (usual[0] if usual else levels[0]),
        fill=filler,
        indicator=bool(indicators and fill == "most_frequent" and missing.any()),
    )


def numbers_of(column: pd.Series[Any]) -> FloatArray | None:
    """Numbers with NaN for missing; None where the column holds words."""
    if pd.api.types.is_numeric_dtype(column):
        values = column.to_numpy(dtype=np.float64, na_value=np.nan)
    else:
        listed = column.tolist()
        if not all(_gone(value) or isinstance(value, int | float | np.number | np.bool_) for value in listed):
            return None
        if all(_gone(value) for value in listed):
            return None if len(listed) and column.dtype == object else np.full(len(listed), np.nan)
        values = np.array([np.nan if _gone(value) else float(value) for value in listed])
    if np.isinf(values).any():
        message = (
            f"{safe_text(column.name)} is infinite in {np.count_nonzero(np.isinf(values))} rows; correct them"
        )
        raise UsageError(message)
    return values


def words_of(column: pd.Series[Any]) -> NDArray[np.object_]:
    """Words with None for missing; a number in place of a word is its text."""
    words = [
        v if type(v) is str and v and not v.isspace() else _word(v) for v in column.tolist()
    ]  # mostly text already
    out = np.empty(len(words), dtype=object)
    out[:] = words
    return out


def _word(value: Any) -> str | None:
    return None if _gone(value) or not str(value).strip() else _text(value)


def _text(value: Any) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _gone(value: Any) -> bool:
    return (
        value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and math.isnan(value))
    )
