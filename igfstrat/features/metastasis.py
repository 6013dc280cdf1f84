"""Where metastases are: only in bone, visceral, neither.

Bone holds IGF, so that bone metastases may mark a cancer that depends on it; and the one subgroup in which an antibody against
IGF seemed to work, metastatic but not visceral, failed its confirmation. A class needs to know what it says: `no` as
soon as one place excludes it, `yes` only where all places that matter are known.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from igfstrat.features.present import PresentFeatures, look_up, words_of
from igfstrat.features.spec import FeatureSpec

_YES_NO: Final = ("yes", "no")
_BONE: Final = {"bone_metastasis": "code"}
_VISCERAL: Final = {"visceral_metastasis": "code"}
_OTHER: Final = {"other_metastasis": "code"}
PATTERNS: Final = ("none", "bone_only", "bone_and_other", "non_visceral_other", "visceral")

METASTASIS_SPECS: Final[dict[str, FeatureSpec]] = {
    "bone_only": FeatureSpec(
        name="bone_only", title="Metastases in bone only", inputs=_BONE | _VISCERAL | _OTHER, any_of={}, unit="code",
        words=_YES_NO, evidence=("E-e-14b", "E-f-06", "S0-04", "S0-07"),
    ),
    "non_visceral": FeatureSpec(
        name="non_visceral", title="Metastatic, not visceral", inputs=_VISCERAL, any_of=_BONE | _OTHER, unit="code",
        words=_YES_NO, evidence=("E-e-14a", "E-e-14b", "E-e-14c"),
    ),
    "metastatic_pattern": FeatureSpec(
        name="metastatic_pattern", title="Pattern of metastases", inputs=_BONE | _VISCERAL | _OTHER, any_of={},
        unit="code", words=PATTERNS,
        evidence=("E-e-14b", "E-e-14c", "E-f-05", "E-f-07", "S0-01", "S0-03", "S0-04", "S0-06", "S0-07"),
    ),
}  # fmt: skip


def bone_only(bone: ArrayLike, visceral: ArrayLike, other: ArrayLike) -> NDArray[np.object_]:
    """Whether metastases are in bone and nowhere else.

    Parameters
    ----------
    bone, visceral, other : array-like of str, shape (n,)
        ``yes`` or ``no``: metastases in bone, in viscera, anywhere else; anything else and None mean not known.

    Returns
    -------
    ndarray of object, shape (n,)
        ``yes`` where all three are known; ``no`` as soon as one excludes it, without metastases too; else None.

    Examples
    --------
    >>> bone_only(["yes", "yes", None, "yes"], ["no", "yes", "yes", "no"], ["no", None, None, None]).tolist()
    ['yes', 'no', 'no', None]
    """
    in_bone, not_bone = _known(bone)
    in_viscera, not_viscera = _known(visceral)
    elsewhere, not_elsewhere = _known(other)
    return _decide(in_bone & not_viscera & not_elsewhere, not_bone | in_viscera | elsewhere)


def non_visceral(visceral: ArrayLike, bone: ArrayLike, other: ArrayLike) -> NDArray[np.object_]:
    """Whether there are metastases, none of them visceral.

    Parameters
    ----------
    visceral, bone, other : array-like of str, shape (n,)
        As for `bone_only`.

    Returns
    -------
    ndarray of object, shape (n,)
        ``yes`` with metastases in bone or elsewhere and none in viscera; ``no`` with visceral ones, and without any
        metastasis; None where that isn't known. That viscera are free doesn't say that there are metastases at all.

    Examples
    --------
    >>> non_visceral(["no", "no", "no", "yes"], ["yes", "no", None, None], [None, "no", None, None]).tolist()
    ['yes', 'no', None, 'no']
    """
    in_viscera, not_viscera = _known(visceral)
    in_bone, not_bone = _known(bone)
    elsewhere, not_elsewhere = _known(other)
    return _decide(not_viscera & (in_bone | elsewhere), in_viscera | (not_bone & not_elsewhere))


def metastatic_pattern(bone: ArrayLike, visceral: ArrayLike, other: ArrayLike) -> NDArray[np.object_]:
    """Where metastases are, in five classes.

    Parameters
    ----------
    bone, visceral, other : array-like of str, shape (n,)
        As for `bone_only`.

    Returns
    -------
    ndarray of object, shape (n,)
        ``visceral`` whatever else there is; without visceral ones ``bone_only``, ``bone_and_other``, ``non_visceral_other``
        (not in bone) or ``none``; None where a place that decides isn't known.

    Examples
    --------
    >>> metastatic_pattern(["yes", "yes", "no", None], ["yes", "no", "no", "no"], [None, "yes", "no", "yes"]).tolist()
    ['visceral', 'bone_and_other', 'none', None]
    """
    in_bone, not_bone = _known(bone)
    in_viscera, not_viscera = _known(visceral)
    elsewhere, not_elsewhere = _known(other)
    pattern = np.full(in_bone.shape, None, dtype=object)
    pattern[in_viscera] = "visceral"
    pattern[not_viscera & in_bone & not_elsewhere] = "bone_only"
    pattern[not_viscera & in_bone & elsewhere] = "bone_and_other"
    pattern[not_viscera & not_bone & elsewhere] = "non_visceral_other"
    pattern[not_viscera & not_bone & not_elsewhere] = "none"
    return pattern


class MetastasisFeatures(PresentFeatures):
    """Bone only, not visceral, and the pattern; those whose columns the table holds."""

    _specs = METASTASIS_SPECS
    _together = "metastasis features"
    _said: ClassVar[Mapping[str, str]] = {
        "bone_only": "yes only where bone, visceral and other metastases are all known",
        "non_visceral": "metastases, but none visceral; without any metastasis no",
        "metastatic_pattern": "visceral whatever else; without visceral bone_only, bone_and_other, non_visceral_other, none",
    }

    def _compute(self, X: pd.DataFrame) -> dict[str, Any]:  # noqa: N803 - scikit-learn's name
        table = self._learned_columns(X)
        bone, visceral, other = (words_of(table, c) for c in (*_BONE, *_VISCERAL, *_OTHER))
        computed = {
            "bone_only": bone_only(bone, visceral, other),
            "non_visceral": non_visceral(visceral, bone, other),
            "metastatic_pattern": metastatic_pattern(bone, visceral, other),
        }
        return {name: computed[name] for name in self.features_}


def _known(values: ArrayLike) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Where it is yes, and where it is no."""
    is_yes = look_up(values, {"yes": 1.0, "no": 0.0}).astype(np.float64)
    return is_yes == 1.0, is_yes == 0.0


def _decide(yes: NDArray[np.bool_], no: NDArray[np.bool_]) -> NDArray[np.object_]:
    words = np.full(yes.shape, None, dtype=object)
    words[yes] = "yes"
    words[no] = "no"
    return words
