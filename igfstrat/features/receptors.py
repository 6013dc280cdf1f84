"""Classes of ER, PR and HER2, as the ASCO/CAP guidelines draw them.

ER and PR by percent of stained nuclei, else by the status as written (Allison 2020, ASCO/CAP). HER2
by IHC and in-situ hybridization (ISH; Wolff 2018, ASCO/CAP), a table written out below, one letter a
cell. What they leave open stays unknown: IHC 2+ without ISH is never negative, and
never HER2-low. Gene copy number from arrays or sequencing isn't ISH and has no place here.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from igfstrat.errors import CohortError, DomainError, Problem, Severity
from igfstrat.features.base import FeatureTransformer
from igfstrat.features.spec import FeatureSpec, RowFlags, flag_where
from igfstrat.features.status import limits_of

POSITIVE, LOW_POSITIVE, NEGATIVE = "positive", "low_positive", "negative"

_HER2_ISH: Final = {"her2_ish_ratio": "1", "her2_copies": "1"}
_HER2: Final = {"her2_ihc": "code", **_HER2_ISH, "her2_status": "code"}


def _spec(name: str, title: str, inputs: dict[str, str], any_of: dict[str, str], **more: Any) -> FeatureSpec:
    return FeatureSpec(name=name, title=title, inputs=inputs, any_of=any_of, **{"unit": "code"} | more)


# Allison 2020 (ASCO/CAP, ER and PR) and Wolff 2018 (ASCO/CAP, HER2)
RECEPTOR_SPECS: Final[dict[str, FeatureSpec]] = {
    "er_class": _spec("er_class", "ER class", {}, {"er_percent": "%", "er_status": "code"}),
    "pr_class": _spec("pr_class", "PR class", {}, {"pr_percent": "%", "pr_status": "code"}),
    "her2_class": _spec("her2_class", "HER2 class", {}, _HER2),
    "her2_low": _spec("her2_low", "HER2-low", {"her2_ihc": "code"}, {}),
    "her2_ish_group": _spec("her2_ish_group", "HER2 ISH group", _HER2_ISH, {}, unit="1", bounds=(1.0, 5.0)),
}

_POSITIVE_FROM: Final = 1.0  # percent of nuclei, Allison 2020
_LOW_POSITIVE_TO: Final = 10.0  # percent of nuclei, ER only, Allison 2020
_RATIO_HIGH: Final = 2.0  # HER2/CEP17, Wolff 2018
_COPIES_MIDDLE, _COPIES_HIGH = 4.0, 6.0  # HER2 signals a cell, Wolff 2018

# What was seen by ISH, and the column of the two tables below that it is:
#   0 nothing · 1-5 the dual-probe groups · single probe: 6 high, 7 middle, 8 low
#   9, 10 a ratio of >= 2 or < 2 whose copies are not known
# Rows: IHC 0 or 1+, IHC 2+, IHC 3+, IHC not known. P positive, N negative, U unknown.
# 7 under IHC 0 or 1+ is negative by the guideline's figure on single probes; under 2+ it asks for a dual probe.
_CLASS: Final = np.array([list("NPNNNNPNNUN"), list("UPNPNNPUNUU"), list("PPPPPPPPPPP"), list("UPUUUNPUNUU")])
# d results disagree, m IHC 2+ without ISH, u ISH done but undecided
_DOUBT: Final = np.array([list(".d....d..u."), list("m......u.uu"), list(".....d..d.."), list("..uuu..u.uu")])
_ROW_OF_IHC: Final = np.array([0, 0, 1, 2])

_WORD_OF_CLASS: Final = {"P": POSITIVE, "N": NEGATIVE, "U": None}
_CODE_OF_DOUBT: Final = {"d": "receptor_discordant", "m": "her2_needs_ish", "u": "her2_undecided", ".": None}
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
    classes = _words(status, values.shape, word_of)
    classes[values < _POSITIVE_FROM] = NEGATIVE
    classes[values >= _POSITIVE_FROM] = low_word
    classes[values > _LOW_POSITIVE_TO] = POSITIVE
    return classes


def her2_ish_group(ratio: ArrayLike, copies: ArrayLike) -> NDArray[np.float64]:
    """Group of a dual-probe ISH result.

    Parameters
    ----------
    ratio : array-like of float, shape (n,)
        HER2/CEP17, >= 0; NaN where there is none, as with a single probe.
    copies : array-like of float, shape (n,)
        Mean HER2 signals a cell, >= 0; NaN where not known.

    Returns
    -------
    ndarray of float64, shape (n,)
        1 (ratio >= 2, copies >= 4), 2 (>= 2, < 4), 3 (< 2, >= 6), 4 (< 2, 4 to < 6), 5 (< 2, < 4); NaN where either is
        not known.

    Raises
    ------
    DomainError
        If a value is negative.

    Examples
    --------
    >>> her2_ish_group([2.0, 2.0, 1.9, 1.9, 1.9], [4.0, 3.9, 6.0, 5.9, 3.9])
    array([1., 2., 3., 4., 5.])
    """
    seen = _ish_column(ratio, copies)
    return np.where((seen >= 1) & (seen <= 5), seen, np.nan)


def her2_class(
    *, ihc: ArrayLike, ratio: ArrayLike, copies: ArrayLike, status: ArrayLike | None = None
) -> NDArray[np.object_]:
    """HER2 from IHC and ISH by ASCO/CAP 2018.

    Parameters
    ----------
    ihc : array-like of float, shape (n,)
        0, 1, 2 or 3; NaN where not done.
    ratio : array-like of float, shape (n,)
        HER2/CEP17; NaN where there is none, as with a single probe.
    copies : array-like of float, shape (n,)
        Mean HER2 signals a cell; NaN where not known.
    status : array-like of str, shape (n,), or None
        ``positive`` or ``negative`` as written; it stands only where neither IHC nor ISH is known.

    Returns
    -------
    ndarray of object, shape (n,)
        ``positive``, ``negative``, or None where what is known doesn't decide.

    Raises
    ------
    DomainError
        If an IHC score is none of 0 to 3, or a ratio or a number of copies is negative.

    Examples
    --------
    >>> ratio, copies = [2.0, 2.0, 1.9, 1.9, 1.9], [4.0, 3.9, 6.0, 5.9, 3.9]
    >>> her2_class(ihc=[2] * 5, ratio=ratio, copies=copies).tolist()
    ['positive', 'negative', 'positive', 'negative', 'negative']
    """
    row, column = _cells(ihc, ratio, copies)
    stated = _words(status, row.shape, {POSITIVE: POSITIVE, NEGATIVE: NEGATIVE})
    return np.where((row == 3) & (column == 0), stated, _lookup(_CLASS, _WORD_OF_CLASS, row, column))


def her2_low(*, ihc: ArrayLike, ratio: ArrayLike, copies: ArrayLike) -> NDArray[np.object_]:
    """Whether a tumour is HER2-low: IHC 1+, or IHC 2+ with a negative ISH.

    Parameters
    ----------
    ihc, ratio, copies : array-like of float, shape (n,)
        As for `her2_class`; NaN where not known.

    Returns
    -------
    ndarray of object, shape (n,)
        ``yes``; ``no``, for IHC 0 and for HER2-positive tumours too; None where it isn't known, as for IHC 2+ without ISH.

    Raises
    ------
    DomainError
        As `her2_class`.

    Examples
    --------
    >>> unknown = [float("nan")] * 4
    >>> her2_low(ihc=[0, 1, 2, 3], ratio=unknown, copies=unknown).tolist()
    ['no', 'yes', None, 'no']
    """
    score = np.asarray(ihc, dtype=np.float64)
    classes = her2_class(ihc=ihc, ratio=ratio, copies=copies)
    low = np.full(score.shape, None, dtype=object)
    low[((score == 1) | (score == 2)) & (classes == NEGATIVE)] = "yes"
    low[(score == 0) | (classes == POSITIVE)] = "no"
    return low


def her2_doubts(*, ihc: ArrayLike, ratio: ArrayLike, copies: ArrayLike) -> NDArray[np.object_]:
    """What the guideline asks to look at again.

    Parameters
    ----------
    ihc, ratio, copies : array-like of float, shape (n,)
        As for `her2_class`; NaN where not known.

    Returns
    -------
    ndarray of object, shape (n,)
        ``receptor_discordant`` (3+ with group 5, 0 or 1+ with group 1, and the like by a single probe),
        ``her2_needs_ish`` (IHC 2+ without ISH), ``her2_undecided`` (other ISH that leaves HER2 open), or None.

    Raises
    ------
    DomainError
        As `her2_class`.

    Examples
    --------
    >>> her2_doubts(ihc=[3, 1, 2], ratio=[1.2, 3.0, float("nan")], copies=[2.5, 8.0, float("nan")]).tolist()
    ['receptor_discordant', 'receptor_discordant', 'her2_needs_ish']
    """
    return _lookup(_DOUBT, _CODE_OF_DOUBT, *_cells(ihc, ratio, copies))


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


def _words(status: ArrayLike | None, shape: tuple[int, ...], word_of: dict[str, str]) -> NDArray[np.object_]:
    """The words that have a meaning, None for all else."""
    words = np.full(shape, None, dtype=object)
    given = np.full(shape, None, dtype=object) if status is None else np.asarray(status, dtype=object)
    for word, meaning in word_of.items():
        words[given == word] = meaning
    return words


def _ish_column(ratio: ArrayLike, copies: ArrayLike) -> NDArray[np.intp]:
    """What ISH saw, as the column of the tables."""
    of_cep17, signals = np.asarray(ratio, dtype=np.float64), np.asarray(copies, dtype=np.float64)
    if np.any(of_cep17 < 0) or np.any(signals < 0):
        message = "a HER2/CEP17 ratio and a number of HER2 copies must be >= 0"
        raise DomainError(message)
    dual, high = ~np.isnan(of_cep17), of_cep17 >= _RATIO_HIGH
    known, many, some = ~np.isnan(signals), signals >= _COPIES_HIGH, signals >= _COPIES_MIDDLE
    conditions = [dual & known & high & some, dual & known & high, dual & known & many, dual & known & some,
                  dual & known, known & many, known & some, known, dual & high, dual]  # fmt: skip
    return np.select(conditions, range(1, 11), default=0).astype(np.intp)


def _cells(ihc: ArrayLike, ratio: ArrayLike, copies: ArrayLike) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Row and column of the tables, for each patient."""
    score = np.asarray(ihc, dtype=np.float64)
    known = ~np.isnan(score)
    if not np.isin(score[known], (0, 1, 2, 3)).all():
        message = "HER2 by IHC is scored 0, 1, 2 or 3"
        raise DomainError(message)
    row = np.where(known, _ROW_OF_IHC[np.where(known, score, 0).astype(np.intp)], 3)
    return row, _ish_column(ratio, copies)


def _lookup(
    table: NDArray[np.str_], meaning: dict[str, Any], row: NDArray[np.intp], column: NDArray[np.intp]
) -> NDArray[np.object_]:
    meanings = np.array([[meaning[letter] for letter in line] for line in table], dtype=object)
    return np.asarray(meanings[row, column], dtype=object)


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
        "ratio": _number(table, "her2_ish_ratio", (_RATIO_HIGH,)),
        "copies": _number(table, "her2_copies", (_COPIES_MIDDLE, _COPIES_HIGH)),
    }
