"""The cause of each event, for competing risks, and the definition that a file states for an endpoint.

Who had an event is decided in `outcome`; nothing here changes it. A cause belongs to an event: beside
a censored time it is flagged and not kept, and an event without one stays an event.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from igfstrat.cohort.codes import flag_spellings, whole_number
from igfstrat.cohort.cohort_map import CauseSource
from igfstrat.cohort.decode import Decoded, clean
from igfstrat.errors import safe_text
from igfstrat.schema import fold

# a convention: more distinct words than this are remarks, not a coding
_MOST_CAUSES: Final = 12
_LONGEST_DEFINITION: Final = 300


@dataclass(slots=True, kw_only=True)
class DecodedCause:
    """Causes with what was noticed.

    Parameters
    ----------
    values : ndarray of object, shape (n_rows,)
        Code of the cause; None where there is no event, or its cause isn't known.
    flags : list of tuple
        Row index, code of the flag and remedy.
    doubt : str or None
        Why the column as a whole can't be used.
    """

    values: NDArray[np.object_]
    flags: list[tuple[int, str, str]] = field(default_factory=list)
    doubt: str | None = None


def decode_cause(
    cells: pd.Series,
    source: CauseSource,
    *,
    event: NDArray[np.bool_],
    usable: NDArray[np.bool_],
    missing: frozenset[str],
) -> DecodedCause:
    """Causes of the events of one endpoint.

    Parameters
    ----------
    cells : Series of str, one row a patient row
        Text as read.
    source : CauseSource
        Which words mean which cause; without codes each word is a cause, whatever its case and spacing.
    event : ndarray of bool, shape (n_rows,)
        True = event.
    usable : ndarray of bool, shape (n_rows,)
        Rows with a time and an event; the others have been reported, and get no flag here.
    missing : frozenset of str
        Words that mean missing, in lower case.

    Returns
    -------
    DecodedCause
        Causes of the events, and flags: a cause without event, an event without cause, an unknown word.
    """
    text, is_missing = clean(cells, missing)
    folded = text.map({word: _key(word) for word in text.unique()})
    stated = ~is_missing & ~folded.isin({_key(word) for word in source.missing}).to_numpy(dtype=bool)
    meaning = {_key(code): code for code in source.codes}
    meaning |= {_key(word): code for code, words in source.codes.items() for word in words}
    cause = (folded.map(meaning) if meaning else folded).to_numpy(dtype=object)
    of_event = stated & event
    known = of_event & ~pd.isna(cause)
    values = np.full(len(cause), None, dtype=object)
    values[known] = cause[known]
    decoded = DecodedCause(values=values)
    if not stated.any():
        decoded.doubt = "no row states a cause"
        return decoded
    decoded.doubt = _doubt(decoded.values, text[of_event & ~known], int(of_event.sum()))
    if decoded.doubt:
        return decoded
    for where, code, remedy in (
        (stated & usable & ~event, "cause_without_event", "a cause, but no event: the row stays censored; check both,"
         " or declare the word under cause: {missing: …} in the map"),
        (event & ~stated, "missing_cause", "an event without its cause: the event counts, its cause is not known"),
        (of_event & ~known, "invalid_code", "not a declared cause: the event counts, its cause is not known"),
    ):  # fmt: skip
        decoded.flags += [(int(index), code, remedy) for index in np.flatnonzero(where)]
    _flag_variants(text, source, decoded)
    return decoded


def _key(word: str) -> str:
    return fold(whole_number(word))


def _doubt(values: NDArray[np.object_], unknown: pd.Series, n_stated: int) -> str | None:
    if len(unknown) > max(1, n_stated // 2):
        counts = unknown.value_counts()
        shown = ", ".join(f"{safe_text(word, limit=20)} {n}" for word, n in counts.iloc[:6].items())
        return (
            f"most causes are not declared (found {shown}); declare them under cause: {{codes: …}} in the map"
        )
    n_causes = len({value for value in values if value is not None})
    if n_causes > _MOST_CAUSES:
        return (
            f"{n_causes} different causes: these are remarks, not codes; declare in a cohort map which of them mean"
            " the same, under cause: {codes: …}"
        )
    return None


def _flag_variants(text: pd.Series, source: CauseSource, decoded: DecodedCause) -> None:
    """Several spellings of one cause, where the map doesn't name them; the words themselves aren't shown."""
    found = Decoded(decoded.values)
    flag_spellings(text, decoded.values, found)
    declared = {word for words in source.codes.values() for word in words}
    remedy = "another spelling of a cause in the same column; read as the same cause"
    decoded.flags += [
        (index, code, remedy) for index, code, _ in found.flags if text.iloc[index] not in declared
    ]


def read_definition(cells: pd.Series, missing: frozenset[str]) -> tuple[str | None, int]:
    """The definition that a column states for the whole file.

    Parameters
    ----------
    cells : Series of str, one row a patient row
        Text as read.
    missing : frozenset of str
        Words that mean missing, in lower case.

    Returns
    -------
    tuple of str or None, and int
        The text where all rows that say anything say the same, else None; and how many different texts there are.

    Examples
    --------
    >>> read_definition(pd.Series(["STEEP  DFS", "", "STEEP DFS"]), frozenset())
    ('STEEP DFS', 1)
    """
    text, is_missing = clean(cells, missing)
    texts = {re.sub(r"\s+", " ", word) for word in text[~is_missing].unique()}
    return (safe_text(texts.pop(), limit=_LONGEST_DEFINITION), 1) if len(texts) == 1 else (None, len(texts))
