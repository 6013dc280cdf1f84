"""Classes of histology: those of lung cancer in which IGF-1R points different ways, those of breast as written.

Squamous cancers carry more IGF-1R than the others, and high IGF-1R does well in them and badly in EGFR-mutant
adenocarcinoma. Large-cell, adenosquamous and unspecified non-small-cell cancers are one class, since no source reports them
apart. Small-cell cancer is a class of its own beside the other neuroendocrine ones (Travis 2015, J Thorac Oncol
10:1243, WHO classification).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from igfstrat.features.present import PresentFeatures, look_up, words_of
from igfstrat.features.spec import FeatureSpec

CLASS_OF_HISTOLOGY: Final[Mapping[str, str]] = {
    "adenocarcinoma": "adenocarcinoma",
    "squamous": "squamous",
    "large_cell": "other_nsclc",
    "adenosquamous": "other_nsclc",
    "nsclc_nos": "other_nsclc",
    "sclc": "sclc",
    "lcnec": "neuroendocrine",
    "carcinoid": "neuroendocrine",
    "ductal": "ductal",
    "lobular": "lobular",
    "mixed": "mixed",
    "other": "other",
}

HISTOLOGY_SPECS: Final[dict[str, FeatureSpec]] = {
    "histology_class": FeatureSpec(
        name="histology_class",
        title="Histology class",
        inputs={"histology": "code"},
        any_of={},
        unit="code",
        words=tuple(dict.fromkeys(CLASS_OF_HISTOLOGY.values())),
        evidence=("E-b-12a", "E-b-12b", "E-b-13", "E-b-15", "E-b-17", "E-d-27", "E-d-28", "S2-08", "S2-09", "S2-10"),
    )
}  # fmt: skip


def histology_class(histology: ArrayLike) -> NDArray[np.object_]:
    """Class of a histology.

    Parameters
    ----------
    histology : array-like of str, shape (n,)
        Codes of the column ``histology``; None and NaN mean not known.

    Returns
    -------
    ndarray of object, shape (n,)
        ``adenocarcinoma``, ``squamous``, ``other_nsclc``, ``sclc``, ``neuroendocrine`` (carcinoid and large-cell), of breast
        ``ductal``, ``lobular``, ``mixed``, and ``other``; None where it isn't known.

    Examples
    --------
    >>> histology_class(["squamous", "adenosquamous", "lcnec", "lobular", None]).tolist()
    ['squamous', 'other_nsclc', 'neuroendocrine', 'lobular', None]
    """
    return look_up(histology, CLASS_OF_HISTOLOGY)


class HistologyFeatures(PresentFeatures):
    """Class of the histology."""

    _specs = HISTOLOGY_SPECS
    _together = "histology features"
    _said: ClassVar[Mapping[str, str]] = {
        "histology_class": "large-cell, adenosquamous and unspecified are other_nsclc; carcinoid and large-cell "
        "neuroendocrine are neuroendocrine; sclc apart"
    }

    def _compute(self, X: pd.DataFrame) -> dict[str, Any]:  # noqa: N803
        return {"histology_class": histology_class(words_of(X, "histology"))}
