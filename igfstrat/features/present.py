"""Transformers that compute those of their features whose columns a table holds, and what they read words with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from igfstrat.errors import CohortError, Problem, Severity
from igfstrat.features.base import FeatureTransformer
from igfstrat.features.coded import by_word
from igfstrat.features.spec import FeatureSpec


class PresentFeatures(FeatureTransformer):
    """Base of transformers that compute those of their features whose columns the table holds.

    Attributes
    ----------
    features_ : list of str
        Features that are computed.
    columns_ : list of str
        Columns that they are computed from; a table to transform must have them too.
    """

    # what a subclass fills in: its features, how each is made, and what they are called together
    _specs: ClassVar[Mapping[str, FeatureSpec]] = {}
    _said: ClassVar[Mapping[str, str]] = {}
    _together: ClassVar[str] = "features"

    def _required(self) -> list[str]:
        return list(getattr(self, "columns_", []))

    def _names(self) -> list[str]:
        return list(self.features_)

    def _describe(self) -> dict[str, str]:
        return {name: self._said[name] for name in self.features_}

    def _learn(self, X: pd.DataFrame) -> None:  # noqa: N803 - scikit-learn's name
        self.features_ = [
            name
            for name, spec in self._specs.items()
            if all(c in X for c in spec.inputs) and (not spec.any_of or any(c in X for c in spec.any_of))
        ]
        used = [self._specs[name] for name in self.features_]
        self.columns_ = list(dict.fromkeys(c for s in used for c in (*s.inputs, *s.any_of) if c in X))
        if not self.features_:
            wanted = list(dict.fromkeys(c for s in self._specs.values() for c in (*s.inputs, *s.any_of)))
            remedy = f"column missing: the {self._together} need {', '.join(wanted)}, or some of them"
            problem = Problem(code="header", severity=Severity.ERROR, column=wanted[0], remedy=remedy)
            headline = f"the table for the {self._together}"
            raise CohortError(headline, [problem], "No feature was computed.")

    def _learned_columns(self, X: pd.DataFrame) -> pd.DataFrame:  # noqa: N803
        """What was seen in `fit`, so that a column that came later doesn't count; limits come and go with their values."""
        headers = [f"{c}{end}" for c in self.columns_ for end in ("", "_lower", "_upper")]
        return X[[header for header in headers if header in X]]


def look_up(values: ArrayLike, meaning: Mapping[str, Any]) -> NDArray[np.object_]:
    """What the words of a column mean.

    Parameters
    ----------
    values : array-like of str, shape (n,)
        Words; None and NaN mean not known.
    meaning : mapping of str to object
        Meaning of each word.

    Returns
    -------
    ndarray of object, shape (n,)
        None where a word has no meaning or isn't known.

    Examples
    --------
    >>> look_up(["yes", "no", "perhaps", None], {"yes": True, "no": False}).tolist()
    [True, False, None, None]
    """
    return by_word(values, meaning.get, object)


def words_of(table: pd.DataFrame, header: str) -> NDArray[np.object_]:
    """A column of words, or nothing known where the table has no such column.

    Parameters
    ----------
    table : DataFrame, one row a patient
        Canonical headers.
    header : str
        The column.

    Returns
    -------
    ndarray of object, shape (n_rows,)
        Words; None and NaN mean not known.
    """
    return np.array(table[header] if header in table else [None] * len(table), dtype=object)
