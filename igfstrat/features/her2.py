"""HER2 by IHC and in-situ hybridization (ISH), as the ASCO/CAP guideline draws it.

Wolff 2018 (ASCO/CAP; E-g-02) as a table written out below, one letter a cell. What the table leaves open stays unknown:
IHC 2+ without ISH is never negative, and never HER2-low. Gene copy number from arrays or sequencing isn't ISH and has no place here.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from igfstrat.errors import DomainError
from igfstrat.features.present import look_up

POSITIVE, LOW_POSITIVE, NEGATIVE = "positive", "low_positive", "negative"
RATIO_HIGH: Final = 2.0  # HER2/CEP17, Wolff 2018
COPIES_MIDDLE, COPIES_HIGH = 4.0, 6.0  # HER2 signals a cell, Wolff 2018

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
    given = np.full(row.shape, None, dtype=object) if status is None else status
    stated = look_up(given, {POSITIVE: POSITIVE, NEGATIVE: NEGATIVE})
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


def _ish_column(ratio: ArrayLike, copies: ArrayLike) -> NDArray[np.intp]:
    """What ISH saw, as the column of the tables."""
    of_cep17, signals = np.asarray(ratio, dtype=np.float64), np.asarray(copies, dtype=np.float64)
    if np.any(of_cep17 < 0) or np.any(signals < 0):
        message = "a HER2/CEP17 ratio and a number of HER2 copies must be >= 0"
        raise DomainError(message)
    dual, high = ~np.isnan(of_cep17), of_cep17 >= RATIO_HIGH
    known, many, some = ~np.isnan(signals), signals >= COPIES_HIGH, signals >= COPIES_MIDDLE
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
    table: NDArray[np.str_], meaning: dict[str, str | None], row: NDArray[np.intp], column: NDArray[np.intp]
) -> NDArray[np.object_]:
    meanings = np.array([[meaning[letter] for letter in line] for line in table], dtype=object)
    return np.asarray(meanings[row, column], dtype=object)
