"""Facts about the patient that change what an IGF marker means: diabetes, weight, smoking, BRCA, breast cancer of men.

Smoking turns the sign of serum IGF-1 for lung cancer; IGF-1 rises and falls again with weight. What a column
already says by a code (smoking status, menopausal status, ancestry) isn't copied: a stratum names the column itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from igfstrat.errors import DomainError
from igfstrat.features.present import PresentFeatures, look_up, words_of
from igfstrat.features.spec import FeatureSpec, RowFlags, flag_where
from igfstrat.features.status import limits_of

_YES_NO: Final = ("yes", "no")
BMI_CLASSES: Final = ("underweight", "normal", "overweight", "obese")

HOST_SPECS: Final[dict[str, FeatureSpec]] = {
    # not called diabetes_status: that ending belongs to high and low
    "has_diabetes": FeatureSpec(
        name="has_diabetes", title="Diabetes, stated or by HbA1c", inputs={},
        any_of={"diabetes": "code", "hba1c_percent": "%"}, unit="code", words=_YES_NO, evidence=("S2-04", "S3-08"),
    ),
    "bmi_class": FeatureSpec(
        name="bmi_class", title="Class of body mass index", inputs={"bmi": "kg/m2"}, any_of={}, unit="code",
        words=BMI_CLASSES, evidence=("E-a-08", "E-a-13", "E-a-14", "S1-31"),
    ),
    "ever_smoker": FeatureSpec(
        name="ever_smoker", title="Ever smoked", inputs={"smoking_status": "code"}, any_of={}, unit="code",
        words=_YES_NO, evidence=("E-d-18", "E-d-23", "E-d-28", "S2-11"),
    ),
    "brca_carrier": FeatureSpec(
        name="brca_carrier", title="BRCA1 or BRCA2 carrier", inputs={"brca_status": "code"}, any_of={}, unit="code",
        words=_YES_NO, evidence=("S1-04", "S1-64", "S1-64b", "S1-76"),
    ),
    "male_breast_cancer": FeatureSpec(
        name="male_breast_cancer", title="Breast cancer of a man", inputs={"sex": "code", "disease": "code"}, any_of={},
        unit="code", words=_YES_NO, evidence=("E-b-22", "S1-74"),
    ),
}  # fmt: skip

# percent; American Diabetes Association, Standards of medical care in diabetes 2013, Diabetes Care 36(Suppl 1):S11
HBA1C_OF_DIABETES: Final = 6.5
# kg/m2; WHO 2000, Obesity: preventing and managing the global epidemic, Technical Report Series 894
BMI_CUTS: Final = (18.5, 25.0, 30.0)
_CONTRADICTED: Final = (
    f"stated as no, but HbA1c is {HBA1C_OF_DIABETES:g} % or more: the statement was followed; check both"
)


def has_diabetes(stated: ArrayLike, hba1c: ArrayLike) -> NDArray[np.object_]:
    """Diabetes as stated, else by HbA1c.

    Parameters
    ----------
    stated : array-like of str, shape (n,)
        ``yes`` or ``no``; anything else and None mean not stated.
    hba1c : array-like of float, shape (n,)
        HbA1c in percent, >= 0; NaN where not measured.

    Returns
    -------
    ndarray of object, shape (n,)
        ``yes`` or ``no`` as stated; where nothing is, ``yes`` from 6.5 %, and None below: treated diabetes may lie
        there. The criterion asks for a second measurement to confirm the first, which a table doesn't show, so that the
        statement goes first.

    Raises
    ------
    DomainError
        If an HbA1c is negative.

    References
    ----------
    American Diabetes Association 2013, Diabetes Care 36(Suppl 1):S11. Evidence S2-04, S3-08.

    Examples
    --------
    >>> has_diabetes(["no", None, None], [5.0, 6.5, 6.4]).tolist()
    ['no', 'yes', None]
    """
    percent = np.asarray(hba1c, dtype=np.float64)
    if np.any(percent < 0):
        message = "HbA1c must be >= 0 percent"
        raise DomainError(message)
    words = look_up(stated, {"yes": "yes", "no": "no"})
    words[(words == np.array(None)) & (percent >= HBA1C_OF_DIABETES)] = "yes"
    return words


def bmi_class(bmi: ArrayLike) -> NDArray[np.object_]:
    """Class of an adult's body mass index, by the World Health Organization.

    Parameters
    ----------
    bmi : array-like of float, shape (n,)
        Body mass index in kg/m2, > 0; NaN where not known.

    Returns
    -------
    ndarray of object, shape (n,)
        ``underweight`` (below 18.5), ``normal`` (below 25), ``overweight`` (below 30), ``obese``, or None. One scheme for
        all ancestries: the lower cuts that were proposed for Asia aren't applied.

    Raises
    ------
    DomainError
        If a value isn't positive.

    References
    ----------
    WHO 2000, Technical Report Series 894. Evidence E-a-08, E-a-13, E-a-14.

    Examples
    --------
    >>> bmi_class([18.4, 18.5, 25, 30, float("nan")]).tolist()
    ['underweight', 'normal', 'overweight', 'obese', None]
    """
    values = np.asarray(bmi, dtype=np.float64)
    if np.any(values <= 0):
        message = "a body mass index must be > 0 kg/m2"
        raise DomainError(message)
    place = np.digitize(values, BMI_CUTS)
    place[np.isnan(values)] = len(BMI_CLASSES)
    return np.asarray(np.array([*BMI_CLASSES, None], dtype=object)[place], dtype=object)


def ever_smoker(smoking_status: ArrayLike) -> NDArray[np.object_]:
    """Whether a patient has ever smoked.

    Parameters
    ----------
    smoking_status : array-like of str, shape (n,)
        ``never``, ``former`` or ``current``; anything else and None mean not known.

    Returns
    -------
    ndarray of object, shape (n,)
        ``yes`` or ``no``, or None. Serum IGF-1 goes with less lung cancer in those who ever smoked and with more in the
        others (evidence E-d-18).

    Examples
    --------
    >>> ever_smoker(["never", "former", "current", None]).tolist()
    ['no', 'yes', 'yes', None]
    """
    return look_up(smoking_status, {"never": "no", "former": "yes", "current": "yes"})


def brca_carrier(brca_status: ArrayLike) -> NDArray[np.object_]:
    """Whether a patient carries a BRCA1 or BRCA2 mutation.

    Parameters
    ----------
    brca_status : array-like of str, shape (n,)
        ``none``, ``brca1`` or ``brca2``; anything else and None mean not known.

    Returns
    -------
    ndarray of object, shape (n,)
        ``yes`` or ``no``, or None.

    Examples
    --------
    >>> brca_carrier(["none", "brca1", None]).tolist()
    ['no', 'yes', None]
    """
    return look_up(brca_status, {"none": "no", "brca1": "yes", "brca2": "yes"})


def male_breast_cancer(sex: ArrayLike, disease: ArrayLike) -> NDArray[np.object_]:
    """Whether a patient is a man with breast cancer.

    Parameters
    ----------
    sex : array-like of str, shape (n,)
        ``female`` or ``male``; anything else and None mean not known.
    disease : array-like of str, shape (n,)
        Codes of the column ``disease``; None and NaN mean not known.

    Returns
    -------
    ndarray of object, shape (n,)
        ``yes``; ``no`` as soon as sex or disease excludes it; else None.

    Examples
    --------
    >>> male_breast_cancer(["male", "female", "male", None], ["breast", None, None, "nsclc"]).tolist()
    ['yes', 'no', None, 'no']
    """
    is_male = look_up(sex, {"male": 1.0, "female": 0.0}).astype(np.float64)
    diseases = pd.Series(np.asarray(disease, dtype=object))
    is_breast, known = (diseases == "breast").to_numpy(), diseases.notna().to_numpy()
    words = np.full(is_male.shape, None, dtype=object)
    words[(is_male == 1.0) & is_breast] = "yes"
    words[(is_male == 0.0) | (known & ~is_breast)] = "no"
    return words


class HostFeatures(PresentFeatures):
    """Diabetes, class of body mass index, smoking, BRCA and male breast cancer; those whose columns the table holds.

    A value that is known only between limits (`>40`) counts where both limits say the same.
    """

    _specs = HOST_SPECS
    _together = "host features"
    _said: ClassVar[Mapping[str, str]] = {
        "has_diabetes": f"as stated, else yes from HbA1c {HBA1C_OF_DIABETES:g} % (ADA); a lower HbA1c says nothing",
        "bmi_class": "WHO 2000: underweight < 18.5, normal < 25, overweight < 30 kg/m2, obese",
        "ever_smoker": "former or current",
        "brca_carrier": "BRCA1 or BRCA2",
        "male_breast_cancer": "male, and breast cancer",
    }

    def _compute(self, X: pd.DataFrame) -> dict[str, Any]:  # noqa: N803 - scikit-learn's name
        table = self._learned_columns(X)
        computed = {
            "has_diabetes": has_diabetes(words_of(table, "diabetes"), _at_least(table, "hba1c_percent")),
            "bmi_class": _bmi_class_between(*_limits(table, "bmi")),
            "ever_smoker": ever_smoker(words_of(table, "smoking_status")),
            "brca_carrier": brca_carrier(words_of(table, "brca_status")),
            "male_breast_cancer": male_breast_cancer(words_of(table, "sex"), words_of(table, "disease")),
        }
        return {name: computed[name] for name in self.features_}

    def _flags(self, X: pd.DataFrame) -> list[RowFlags]:  # noqa: N803
        table = self._learned_columns(X)
        denied = look_up(words_of(table, "diabetes"), {"no": True}) == np.array(True)
        against = denied & (_at_least(table, "hba1c_percent") >= HBA1C_OF_DIABETES)
        return flag_where(against, "status_contradicted", "diabetes", _CONTRADICTED)


def _limits(table: pd.DataFrame, header: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    if header in table:
        return limits_of(table, header)
    return np.full(len(table), np.nan), np.full(len(table), np.nan)


def _at_least(table: pd.DataFrame, header: str) -> NDArray[np.float64]:
    return _limits(table, header)[0]


def _bmi_class_between(lower: NDArray[np.float64], upper: NDArray[np.float64]) -> NDArray[np.object_]:
    """The class that both limits have in common."""
    lower = np.where(np.isnan(upper), np.nan, lower)  # an unknown end may lie anywhere
    open_ends = lower < upper  # the limits themselves were not measured: `<18.5` is not 18.5
    lowest = bmi_class(np.where(open_ends, np.nextafter(lower, np.inf), lower))
    highest = bmi_class(np.where(open_ends, np.nextafter(upper, -np.inf), upper))
    return np.where(lowest == highest, lowest, np.array(None))
