"""Classes of ER, PR and HER2, as the ASCO/CAP guidelines draw them.

ER and PR by percent of stained nuclei, else by the status as written (Allison 2020, ASCO/CAP; E-g-03, E-g-04); HER2 by
`igfstrat.features.her2`. What the guidelines leave open stays unknown.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from igfstrat.errors import CohortError, DomainError, Problem, Severity
from igfstrat.features.base import FeatureTransformer
from igfstrat.features.her2 import (
    COPIES_HIGH,
    COPIES_MIDDLE,
    LOW_POSITIVE,
    NEGATIVE,
    POSITIVE,
    RATIO_HIGH,
    her2_class,
    her2_doubts,
    her2_ish_group,
    her2_low,
)
from igfstrat.features.present import look_up
from igfstrat.features.spec import FeatureSpec, RowFlags, flag_where
from igfstrat.features.status import limits_of

_CLASSES: Final = (POSITIVE, LOW_POSITIVE, NEGATIVE)

_HER2_ISH: Final = {"her2_ish_ratio": "1", "her2_copies": "1"}
_HER2: Final = {"her2_ihc": "code", **_HER2_ISH, "her2_status": "code"}


def _spec(name: str, title: str, inputs: dict[str, str], any_of: dict[str, str], **more: Any) -> FeatureSpec:
    return FeatureSpec(name=name, title=title, inputs=inputs, any_of=any_of, **{"unit": "code"} | more)


# Allison 2020 (ASCO/CAP, ER and PR) and Wolff 2018 (ASCO/CAP, HER2)
RECEPTOR_SPECS: Final[dict[str, FeatureSpec]] = {
    "er_class": _spec(
        "er_class",
        "ER class",
        {},
        {"er_percent": "%", "er_status": "code"},
        words=_CLASSES,
        evidence=("E-g-03",),
    ),
    "pr_class": _spec(
        "pr_class",
        "PR class",
        {},
        {"pr_percent": "%", "pr_status": "code"},
        words=(POSITIVE, NEGATIVE),
        evidence=("E-g-04",),
    ),
    "her2_class": _spec(
        "her2_class", "HER2 class", {}, _HER2, words=(POSITIVE, NEGATIVE), evidence=("E-g-02",)
    ),
    "her2_low": _spec(
        "her2_low", "HER2-low", {"her2_ihc": "code"}, _HER2, words=("yes", "no"), evidence=("E-g-05",)
    ),
    "her2_ish_group": _spec(
        "her2_ish_group", "HER2 ISH group", _HER2_ISH, {}, unit="1", bounds=(1.0, 5.0), evidence=("E-g-02",)
    ),
}

_POSITIVE_FROM: Final = 1.0  # percent of nuclei, Allison 2020
_LOW_POSITIVE_TO: Final = 10.0  # percent of nuclei, ER only, Allison 2020
_REMEDIES: Final = {
    "receptor_discordant": "HER2 by IHC and by ISH disagree: the guideline asks for a review of both",
    "her2_needs_ish": "IHC 2+ without ISH: HER2 is unknown, not negative; give the ISH result",
    "her2_undecided": "the ISH result decides only with IHC, with the copies, or by a dual probe: HER2 is unknown",
}
_CONTRADICTED: Final = "the status as written contradicts the measurement, which was followed: check both"


def receptor_class(
    percent: ArrayLike, status: ArrayLike | None = None, *, low_positive: bool
) -> NDArray[np.object_]:
    """Class of ER or PR from the percent of stained nuclei, else from the status.

    Parameters
    ----------
    percent : array-like of float, shape (n,)
        Percent of stained tumour nuclei, 0-100; NaN where it isn't known.
    status : array-like of str, shape (n,), or None
        ``positive``, ``low_positive``, ``negative``; anything else and None mean not known. Used only where the percent
        isn't known; a plain ``positive`` doesn't say whether it is low.
    low_positive : bool
        Whether 1 to 10 % is a class of its own (ER), or positive (PR).

    Returns
    -------
    ndarray of object, shape (n,)
        ``negative`` (below 1 %), ``low_positive`` (1 to 10 %), ``positive``, or None where nothing is known.

    Raises
    ------
    DomainError
        If a percent lies outside 0-100.

    Examples
    --------
    >>> receptor_class([0.5, 1, 10, 11, float("nan")], [None] * 4 + ["negative"], low_positive=True).tolist()
    ['negative', 'low_positive', 'low_positive', 'positive', 'negative']
    """
    values = np.asarray(percent, dtype=np.float64)
    if np.any((values < 0) | (values > 100)):
        message = "a percent of stained nuclei lies between 0 and 100"
        raise DomainError(message)
    low_word = LOW_POSITIVE if low_positive else POSITIVE
    word_of = {POSITIVE: POSITIVE, LOW_POSITIVE: low_word, NEGATIVE: NEGATIVE}
    given = np.full(values.shape, None, dtype=object) if status is None else status
    classes = look_up(given, word_of)
    classes[values < _POSITIVE_FROM] = NEGATIVE
    classes[values >= _POSITIVE_FROM] = low_word
    classes[values > _LOW_POSITIVE_TO] = POSITIVE
    return classes


class ReceptorFeatures(FeatureTransformer):
    """Classes of ER, PR and HER2; those whose columns the table holds.

    A percent, ratio or number of copies that is known only between limits (`<1`, `>10`) counts where both limits fall
    into the same class.

    Attributes
    ----------
    features_ : list of str
        Features that are computed.
    columns_ : list of str
        Columns that they are computed from; a table to transform must have them too.
    """

    def _required(self) -> list[str]:
        return list(getattr(self, "columns_", []))

    def _names(self) -> list[str]:
        return list(self.features_)

    def _describe(self) -> dict[str, str]:
        said = {
            "er_class": "ASCO/CAP 2020: negative < 1 %, low_positive 1 to 10 %, positive > 10 %; else as written",
            "pr_class": "ASCO/CAP 2020: negative < 1 %, positive from 1 %; else as written",
            "her2_class": "ASCO/CAP 2018 by IHC and ISH, the status as written only where neither is known; "
            "whether groups 2 to 4 with IHC 2+ were recounted blind isn't known here",
            "her2_low": "IHC 1+, or IHC 2+ with a negative ISH; unknown for IHC 2+ without ISH",
            "her2_ish_group": "dual-probe groups 1 to 5 of ASCO/CAP 2018",
        }  # fmt: skip
        return {name: said[name] for name in self.features_}

    def _learn(self, X: pd.DataFrame) -> None:  # noqa: N803 - scikit-learn's name
        self.features_ = [
            name
            for name, spec in RECEPTOR_SPECS.items()
            if all(c in X for c in spec.inputs) and (not spec.any_of or any(c in X for c in spec.any_of))
        ]
        wanted = [c for s in RECEPTOR_SPECS.values() for c in (*s.inputs, *s.any_of)]
        self.columns_ = [c for c in dict.fromkeys(wanted) if c in X]
        if not self.features_:
            remedy = f"column missing: the receptors need one of {', '.join(dict.fromkeys(wanted))}"
            problem = Problem(code="header", severity=Severity.ERROR, column="er_percent", remedy=remedy)
            headline = "the table for the receptors"
            raise CohortError(headline, [problem], "No receptor was classed.")

    def _compute(self, X: pd.DataFrame) -> dict[str, Any]:  # noqa: N803
        table = self._learned_columns(X)
        her2 = _her2_inputs(table)
        computed = {
            "er_class": receptor_class(_percent(table, "er"), _given(table, "er_status"), low_positive=True),
            "pr_class": receptor_class(_percent(table, "pr"), _given(table, "pr_status"), low_positive=False),
            "her2_class": her2_class(**her2, status=_given(table, "her2_status")),
            "her2_low": her2_low(**her2),
            "her2_ish_group": her2_ish_group(her2["ratio"], her2["copies"]),
        }
        return {name: computed[name] for name in self.features_}

    def _flags(self, X: pd.DataFrame) -> list[RowFlags]:  # noqa: N803
        table = self._learned_columns(X)
        her2 = _her2_inputs(table)
        doubts = her2_doubts(**her2)
        about = next((c for c in _HER2 if c in table), "her2_ihc")
        flags = [
            f for code, remedy in _REMEDIES.items() for f in flag_where(doubts == code, code, about, remedy)
        ]
        measured = {
            "er_status": receptor_class(_percent(table, "er"), low_positive=True),
            "pr_status": receptor_class(_percent(table, "pr"), low_positive=False),
            "her2_status": her2_class(**her2),
        }
        for header, classes in measured.items():
            against = _contradicted(classes, _given(table, header))
            flags += flag_where(against, "status_contradicted", header, _CONTRADICTED)
        return flags

    def _learned_columns(self, X: pd.DataFrame) -> pd.DataFrame:  # noqa: N803
        headers = [f"{c}{end}" for c in self.columns_ for end in ("", "_lower", "_upper")]
        return X[[header for header in headers if header in X]]


def _contradicted(classes: NDArray[np.object_], given: NDArray[np.object_]) -> NDArray[np.bool_]:
    """Negative against positive; how strongly positive is no contradiction."""
    is_positive = (classes == POSITIVE) | (classes == LOW_POSITIVE)
    said_positive = (given == POSITIVE) | (given == LOW_POSITIVE)
    return np.asarray(
        (is_positive & (given == NEGATIVE)) | ((classes == NEGATIVE) & said_positive), dtype=bool
    )


def _given(table: pd.DataFrame, header: str) -> NDArray[np.object_]:
    if header not in table:
        return np.full(len(table), None, dtype=object)
    values = np.array(table[header], dtype=object)  # a copy
    values[table[header].isna().to_numpy()] = None
    return values


def _number(table: pd.DataFrame, header: str, cuts: tuple[float, ...]) -> NDArray[np.float64]:
    """The value; between limits, one that stands for all of them where no cut lies between, else NaN."""
    if header not in table:
        return np.full(len(table), np.nan)
    lower, upper = limits_of(table, header)
    beyond = ~np.isnan(lower) & np.isnan(upper)
    upper = np.where(beyond, np.inf, upper)
    lower = np.where(np.isnan(lower) & ~np.isnan(upper), 0.0, lower)
    open_ends = lower < upper  # the limits themselves were not measured: `<1` is not 1
    lower = np.where(open_ends, np.nextafter(lower, np.inf), lower)
    upper = np.where(open_ends, np.nextafter(upper, -np.inf), upper)
    settled = (lower == upper) | (np.digitize(lower, cuts) == np.digitize(upper, cuts))
    return np.where(settled, lower, np.nan)


def _percent(table: pd.DataFrame, receptor: str) -> NDArray[np.float64]:
    above_low = float(np.nextafter(_LOW_POSITIVE_TO, np.inf))  # of PR only whether it is there
    cuts = (_POSITIVE_FROM, above_low) if receptor == "er" else (_POSITIVE_FROM,)
    return _number(table, f"{receptor}_percent", cuts)


def _her2_inputs(table: pd.DataFrame) -> dict[str, NDArray[np.float64]]:
    return {
        "ihc": _given(table, "her2_ihc").astype(np.float64),
        "ratio": _number(table, "her2_ish_ratio", (RATIO_HIGH,)),
        "copies": _number(table, "her2_copies", (COPIES_MIDDLE, COPIES_HIGH)),
    }
