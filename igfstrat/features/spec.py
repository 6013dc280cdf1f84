"""What a feature is: its name, inputs, unit, bounds, and the evidence behind it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureSpec:
    """One feature, described.

    Parameters
    ----------
    name : str
        Name of its column, everywhere.
    title : str
        What people call it.
    inputs : mapping of str to str
        Canonical columns that it needs, with their units.
    any_of : mapping of str to str
        Canonical columns of which one is enough, with their units; empty where none is a choice.
    unit : str
        Unit of the feature; ``"1"`` without dimension, ``"code"`` for words.
    bounds : tuple of float
        Smallest and largest value; for words without meaning.
    words : tuple of str
        Every value of a feature of words, where they are a closed list.
    missing : str
        ``propagate``: a missing input gives a missing feature; ``own_category``: it gives a category.
    evidence : tuple of str
        Ids in the evidence registry.
    """

    name: str
    title: str
    inputs: Mapping[str, str]
    unit: str
    any_of: Mapping[str, str]
    bounds: tuple[float, float] = (float("-inf"), float("inf"))
    words: tuple[str, ...] = ()
    missing: Literal["propagate", "own_category"] = "propagate"
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RowFlags:
    """A doubt that a feature noticed in one or more rows.

    Parameters
    ----------
    rows : ndarray of int, shape (n,)
        Rows of the table, from 0; never empty.
    code : str
        Key of `igfstrat.schema.FLAG_CODES`.
    column : str
        Column that the doubt is about.
    remedy : str
        What it means and what to do.
    """

    rows: NDArray[np.intp]
    code: str
    column: str
    remedy: str


def flag_where(rows: NDArray[np.bool_], code: str, column: str, remedy: str) -> list[RowFlags]:
    """The flag of some rows.

    Parameters
    ----------
    rows : ndarray of bool, shape (n_rows,)
        True where the doubt holds.
    code, column, remedy : str
        As in `RowFlags`.

    Returns
    -------
    list of RowFlags
        One, or none where no row is concerned.

    Examples
    --------
    >>> [f.rows.tolist() for f in flag_where(np.array([False, True]), "approximate", "igf1_ng_ml", "as written")]
    [[1]]
    """
    found = np.flatnonzero(rows)
    return [RowFlags(found, code, column, remedy)] if len(found) else []
