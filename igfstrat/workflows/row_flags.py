"""Flags of rows as text, by arrays: a million flagged rows are a handful of different texts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from igfstrat.errors import Problem, Severity
from igfstrat.features.coded import coded
from igfstrat.features.spec import RowFlags
from igfstrat.schema import FLAG_CODES

_PLACE = {code: i for i, code in enumerate(FLAG_CODES)}


def flag_texts(
    row_numbers: NDArray[np.int64], problems: Iterable[Problem], doubts: Sequence[RowFlags]
) -> NDArray[np.object_]:
    """The flags of each row.

    Parameters
    ----------
    row_numbers : ndarray of int64, shape (n_rows,)
        Row of each patient row as the spreadsheet counts.
    problems : iterable of Problem
        What the reading noticed; those of a row that are flags count.
    doubts : sequence of RowFlags
        What the features noticed.

    Returns
    -------
    ndarray of object, shape (n_rows,)
        ``code:column`` joined by ``;``, each once: first what the reading noticed, column by column, then the features.

    Examples
    --------
    >>> doubt = RowFlags(np.array([1]), "approximate", "igf1_ng_ml", "as written")
    >>> flag_texts(np.array([2, 3]), [], [doubt]).tolist()
    ['', 'approximate:igf1_ng_ml']
    """
    texts, kinds = [""], np.zeros(len(row_numbers), dtype=np.int64)
    for name, rows in [
        *_read_flags(row_numbers, problems),
        *((f"{d.code}:{d.column}", d.rows) for d in doubts),
    ]:
        before, which = np.unique(kinds[rows], return_inverse=True)
        after = []
        for kind in before.tolist():
            old = texts[kind]
            new = old if name in old.split(";") else f"{old};{name}" if old else name
            if new not in texts:
                texts.append(new)
            after.append(texts.index(new))
        kinds[rows] = np.array(after, dtype=np.int64)[which]
    return np.array(texts, dtype=object)[kinds]


def _read_flags(
    row_numbers: NDArray[np.int64], problems: Iterable[Problem]
) -> list[tuple[str, NDArray[np.intp]]]:
    """Rows by flag, in an order that doesn't depend on which rows are looked at together."""
    found: dict[str, dict[str, list[int]]] = {}
    for problem in problems:
        if problem.row is not None and problem.severity is Severity.FLAG:
            by_code = found.setdefault(problem.column or "", {})
            by_code.setdefault(problem.code, []).append(problem.row)
    if not found:
        return []
    places = pd.Index(row_numbers)
    named = [
        (f"{code}:{column}", places.get_indexer_for(pd.Index(rows)))
        for column, by_code in found.items()
        for code, rows in sorted(by_code.items(), key=lambda item: _PLACE.get(item[0], len(_PLACE)))
    ]
    return [(name, at[at >= 0]) for name, at in named]


def in_row_order(noticed: Iterable[Problem], doubts: Iterable[Problem]) -> list[Problem]:
    """Problems as a file lists them: those of the file, then row by row, each once.

    Parameters
    ----------
    noticed : iterable of Problem
        What the reading noticed, and what holds for the file.
    doubts : iterable of Problem
        What the features noticed of rows.

    Returns
    -------
    list of Problem
        Within a row first what the reading noticed, column by column in the order in which columns come first.
    """
    known = list(noticed)
    rank: dict[str | None, int] = {}
    for problem in known:
        if problem.row is not None:
            rank.setdefault(problem.column, len(rank))
    by_column = sorted((p for p in known if p.row is not None), key=lambda p: rank[p.column])
    by_row = sorted([*by_column, *doubts], key=lambda p: p.row or 0)
    return [*(p for p in known if p.row is None), *dict.fromkeys(by_row)]


def count_parts(flags: NDArray[np.object_]) -> dict[str, int]:
    """Rows by flag.

    Parameters
    ----------
    flags : ndarray of object, shape (n_rows,)
        From `flag_texts`.

    Returns
    -------
    dict of str to int
        By ``code:column``, the commonest first.

    Examples
    --------
    >>> count_parts(np.array(["a:x;b:y", "", "b:y"], dtype=object))
    {'b:y': 2, 'a:x': 1}
    """
    counts: dict[str, int] = {}
    which, texts = coded(flags)
    for text, n in zip(texts, np.bincount(which, minlength=len(texts)).tolist(), strict=True):
        for part in text.split(";") if text else ():
            counts[part] = counts.get(part, 0) + n
    return dict(sorted(counts.items(), key=lambda item: -item[1]))


def word_flags(counts: dict[str, int]) -> dict[str, int]:
    """Counts of flags in words for people.

    Parameters
    ----------
    counts : dict of str to int
        By ``code:column``.

    Returns
    -------
    dict of str to int
        By the words of the flag and its column, in the same order.

    Examples
    --------
    >>> word_flags({"approximate:igf1_ng_ml": 3})
    {'igf1_ng_ml marked approximate': 3}
    """
    said = {}
    for flag, n in counts.items():
        code, _, column = flag.partition(":")
        words = FLAG_CODES.get(code, code)
        said[words if words.startswith(column) else f"{column} {words}"] = n
    return said


def file_flags(n_rows: int, subtypes: Sequence[str]) -> list[Problem]:
    """What the size and the groups of a file say.

    Parameters
    ----------
    n_rows : int
        Rows of the cohort.
    subtypes : sequence of str
        Subtypes that occur.

    Returns
    -------
    list of Problem
        Empty for most cohorts.
    """
    if n_rows == 1:
        remedy = "1 patient: scores are given, but too few for any survival statistic"
        return [Problem(code="few_patients", severity=Severity.FLAG, column="patient_id", remedy=remedy)]
    if len(subtypes) == 1:
        remedy = f"only one group ({subtypes[0]}): no comparison by subtype is possible"
        return [Problem(code="one_group", severity=Severity.FLAG, column="subtype", remedy=remedy)]
    return []
