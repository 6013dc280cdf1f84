"""Crossed features: groups by two or three features at once, where the evidence says that one changes the other.

ER and IGF-1R signal through each other (S1-75), IGF-1R in lung cancer points different ways by histology and driver
(E-b-12a, E-b-12b), and serum IGF-1 by smoking (E-d-18). A cross is only words; how a model uses it is the
model's own section of the plan.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from igfstrat.features.spec import FeatureSpec
from igfstrat.features.status import INDETERMINATE

SEPARATOR: Final = " & "


def _spec(name: str, title: str, evidence: tuple[str, ...]) -> FeatureSpec:
    return FeatureSpec(name=name, title=title, inputs={}, any_of={}, unit="code", evidence=evidence)


INTERACTION_SPECS: Final[dict[str, FeatureSpec]] = {
    "er_by_igf1r": _spec("er_by_igf1r", "ER and IGF-1R", ("S1-75",)),
    "histology_by_driver_by_igf1r": _spec(
        "histology_by_driver_by_igf1r", "Histology, driver and IGF-1R", ("E-b-12a", "E-b-12b")
    ),
    "smoking_by_igf1": _spec("smoking_by_igf1", "Smoking and serum IGF-1", ("E-d-18",)),
}
PARTS: Final[Mapping[str, tuple[str, ...]]] = {
    "er_by_igf1r": ("er_class", "igf1r_status"),
    "histology_by_driver_by_igf1r": ("histology_class", "driver_class", "igf1r_status"),
    "smoking_by_igf1": ("ever_smoker", "igf1_status"),
}


def cross_words(*parts: ArrayLike) -> NDArray[np.object_]:
    """Words of several features joined, row by row.

    Parameters
    ----------
    *parts : array-like of str, each of shape (n,)
        Features of words; None and NaN mean not known.

    Returns
    -------
    ndarray of object, shape (n,)
        The words joined by `` & ``; ``indeterminate`` where one is, and None where one isn't known.

    Examples
    --------
    >>> cross_words(["positive", "negative", None], ["high", "indeterminate", "high"]).tolist()
    ['positive & high', 'indeterminate', None]
    """
    codes, words = zip(*(pd.factorize(np.asarray(part, dtype=object)) for part in parts), strict=True)
    # each combination of words is joined once: the last place of each axis is that of nothing, code -1
    joined = np.full([len(known) + 1 for known in words], None, dtype=object)
    for place in np.ndindex(*(len(known) for known in words)):
        told = [known[i] for known, i in zip(words, place, strict=True)]
        joined[place] = INDETERMINATE if INDETERMINATE in told else SEPARATOR.join(told)
    return np.asarray(joined[codes], dtype=object)
