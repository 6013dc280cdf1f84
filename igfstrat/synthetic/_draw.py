"""What the steps of the generator share: the columns so far, words by code, dates as text."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Columns = dict[str, Any]
Codes = NDArray[np.intp]
YES_NO: Final = ("no", "yes")
_LAST_DAY: Final = 60_000  # after 1970; words of later days are made when they are asked for


def words(names: Sequence[str | None], codes: Codes) -> NDArray[np.object_]:
    """Words of codes; the same few objects, which costs far less than a text for each row."""
    return np.array(names, dtype=object)[codes]


def draw_codes(rng: np.random.Generator, shares: Sequence[float], n: int) -> Codes:
    """Codes by shares of sum 100."""
    limits = np.cumsum(np.asarray(shares, dtype=np.float64) / 100)[:-1]
    return np.searchsorted(limits, rng.random(n), side="right")


def date_words(days: NDArray[np.int64]) -> NDArray[np.object_]:
    """ISO dates of days since 1970."""
    if days.size and (days.min() < 0 or days.max() >= _LAST_DAY):
        return np.asarray(days.astype("datetime64[D]").astype(str).astype(object))
    return _words_of_days()[days]


@functools.cache
def _words_of_days() -> NDArray[np.object_]:
    return np.asarray(np.arange(_LAST_DAY).astype("datetime64[D]").astype(str).astype(object))
