"""What a feature is: its name, inputs, unit, bounds, and the evidence behind it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal


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
    missing: Literal["propagate", "own_category"] = "propagate"
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RowFlag:
    """A doubt about one row that a feature noticed.

    Parameters
    ----------
    index : int
        Row of the table, from 0.
    code : str
        Key of `igfstrat.schema.FLAG_CODES`.
    column : str
        Column that the doubt is about.
    remedy : str
        What it means and what to do.
    """

    index: int
    code: str
    column: str
    remedy: str
