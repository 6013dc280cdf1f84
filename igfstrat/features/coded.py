"""A column of words as its different words and a place for each row: a million rows have a handful."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from igfstrat.cohort.distinct import levels_of


def coded(values: Any) -> tuple[NDArray[np.integer[Any]], list[Any]]:
    """The different words of a column, and which row has which.

    Parameters
    ----------
    values : Series, Categorical or array-like of str, shape (n,)
        Words; None and NaN where there is none.

    Returns
    -------
    tuple of ndarray of integers, shape (n,), and list of str
        Place of each row's word, -1 where there is none, and the words; of a categorical column its categories.

    Examples
    --------
    >>> which, words = coded(["b", None, "a", "b"])
    >>> which.tolist(), words
    ([0, -1, 1, 0], ['b', 'a'])
    """
    own = values.array if isinstance(values, pd.Series) else values
    if isinstance(own, pd.Categorical):
        return own.codes, own.categories.tolist()
    return levels_of(np.asarray(own, dtype=object))


def by_word(values: Any, meaning: Any, kind: Any) -> NDArray[Any]:
    """What each row's word means.

    Parameters
    ----------
    values : Series, Categorical or array-like of str, shape (n,)
        Words; None and NaN where there is none.
    meaning : callable
        From a word, or None where there is none, to what it means; asked once a word.
    kind : dtype
        Of what it gives.

    Returns
    -------
    ndarray of `kind`, shape (n,)
        A row each.

    Examples
    --------
    >>> by_word(["10", None, "2"], lambda word: float(word or "nan"), float).tolist()
    [10.0, nan, 2.0]
    """
    which, words = coded(values)
    meanings = np.empty(len(words) + 1, dtype=kind)
    meanings[:] = [meaning(word) for word in [*words, None]]  # the last place is that of nothing, code -1
    return np.asarray(meanings[which])


def count_words(values: Any, rows: NDArray[np.bool_] | None = None) -> dict[str, int]:
    """How many rows have each word.

    Parameters
    ----------
    values : Series, Categorical or array-like of str, shape (n,)
        Words; None and NaN where there is none.
    rows : ndarray of bool, shape (n,), optional
        True where a row counts; by default each does.

    Returns
    -------
    dict of str to int
        The commonest first, equal ones by name, so that the order of the rows doesn't matter.

    Examples
    --------
    >>> count_words(["ria", None, "lcms", "lcms"])
    {'lcms': 2, 'ria': 1}
    """
    which, words = coded(values)
    is_counted = which >= 0 if rows is None else rows & (which >= 0)
    counts = np.bincount(which[is_counted], minlength=len(words)).tolist()
    found = [(str(word), n) for word, n in zip(words, counts, strict=True) if n]
    return dict(sorted(found, key=lambda item: (-item[1], item[0])))
