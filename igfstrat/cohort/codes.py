"""From the word in a cell to its canonical code.

A word counts only when it is a code, a usual spelling of one, or declared by the map. What merely
looks like a code is asked about, never taken.
"""

from __future__ import annotations

import difflib
import functools
import re
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from igfstrat.cohort.decode import EXCEL_DATE, Decoded, clean, looks_like_excel_date
from igfstrat.errors import safe_text
from igfstrat.schema import Column, fold

# how close a word must be to a code to be asked about
_CLOSE: Final = 0.85


def decode_codes(
    cells: pd.Series, column: Column, codes: dict[str, tuple[str, ...]], missing: frozenset[str]
) -> Decoded:
    """Canonical codes.

    Parameters
    ----------
    cells : Series of str, one row a patient row
        Text as read.
    column : Column
        Canonical column with its codes and their usual spellings.
    codes : dict
        Spellings that the map declares, by canonical code; they come before the usual ones.
    missing : frozenset of str
        Words that mean missing, in lower case.

    Returns
    -------
    Decoded
        Codes as text, None where there is none, and flags for unknown words and for several spellings of one code.
    """
    meaning = {fold(code): code for code in column.codes}
    meaning |= {fold(alias): code for code, aliases in column.codes.items() for alias in aliases}
    meaning |= {fold(word): code for code, words in codes.items() for word in words}
    text, is_missing = clean(cells, missing)
    levels = {word: meaning.get(fold(whole_number(word))) for word in text.unique()}
    # 'none' can be a code (no BRCA mutation); it is missing where the map says so
    is_missing &= text.map(lambda word: levels[word] is None or word.lower() in missing).to_numpy(dtype=bool)
    values = np.array([None if m else levels[t] for t, m in zip(text, is_missing, strict=True)], dtype=object)
    decoded = Decoded(values)
    known = ", ".join(column.codes)
    for row in np.flatnonzero(pd.isna(values) & ~is_missing):
        close = closest_code(text.iloc[row], column.codes)
        hint = f"did you mean '{close}'? It " if close else ""
        if looks_like_excel_date(text.iloc[row]):
            hint = f"{EXCEL_DATE}. It "
        remedy = f"{hint}must be one of {known}; or declare it under 'codes:' in the map"
        decoded.flags.append((int(row), "invalid_code", remedy))
    flag_spellings(text, values, decoded)
    _note_misspellings(text, column, codes, decoded)
    return decoded


def closest_code(text: str, codes: dict[str, tuple[str, ...]]) -> str | None:
    """The code that an unknown word is probably a misspelling of: for a question, never for a value.

    Parameters
    ----------
    text : str
        The word as found.
    codes : dict
        Canonical code to its usual spellings.

    Returns
    -------
    str or None
        None where no code is close, where several are, and for anything with a figure or a sign in it, which one
        stroke turns into another result (``HER2-`` for ``HER2+``).

    Examples
    --------
    >>> closest_code("Positve", {"positive": ("pos", "+"), "negative": ("neg",)})
    'positive'
    >>> closest_code("HER2-", {"her2_enriched": ("her2+",)}) is None
    True
    """
    word = fold(text)
    if not re.fullmatch(r"[a-z_]+", word):
        return None
    known = {fold(alias): code for code, aliases in codes.items() for alias in (code, *aliases)}
    return None if word in known else _closest(word, tuple(known.items()))


@functools.lru_cache(maxsize=1 << 12)
def _closest(word: str, known: tuple[tuple[str, str], ...]) -> str | None:
    meaning = dict(known)
    close = difflib.get_close_matches(word, list(meaning), n=5, cutoff=_CLOSE)
    codes = {meaning[match] for match in close}
    return codes.pop() if len(codes) == 1 else None


def _note_misspellings(
    text: pd.Series, column: Column, codes: dict[str, tuple[str, ...]], decoded: Decoded
) -> None:
    """A misspelling that the map declares is read without a flag on each row, but not in silence."""
    counts = text.value_counts()
    for code, words in codes.items():
        for word in words:
            n = sum(int(count) for found, count in counts.items() if fold(str(found)) == fold(word))
            if n and closest_code(word, column.codes) == code:
                remedy = f"'{safe_text(word)}' in {n} rows is read as {code}, as the map declares; check the source's spelling"
                decoded.notices.append(("spelling", remedy))


def whole_number(text: str) -> str:
    """A code that a program wrote as a decimal number, as a person would.

    Parameters
    ----------
    text : str
        A code.

    Returns
    -------
    str
        Without a fraction of zeros.

    Examples
    --------
    >>> whole_number("2.00"), whole_number("2.5")
    ('2', '2.5')
    """
    return re.sub(r"(?<=\d)\.0+$", "", text)


def flag_spellings(text: pd.Series, values: NDArray[np.object_], decoded: Decoded) -> None:
    """Flag what is written otherwise than the commonest spelling of its code in the same column.

    Parameters
    ----------
    text : Series of str, one row a patient row
        Cells without surrounding space.
    values : ndarray of object, shape (n_rows,)
        Their codes; None where there is none.
    decoded : Decoded
        Gets the flags.
    """
    words, known = text.to_numpy(dtype=object), pd.notna(values)
    counts = text.value_counts(sort=False)
    main: dict[str, str] = {}
    for row in np.flatnonzero(known & ~text.duplicated().to_numpy()):  # each word once, the first first
        best = main.setdefault(values[row], words[row])
        if counts[words[row]] > counts[best]:
            main[values[row]] = words[row]
    for row in np.flatnonzero(known & ~text.isin(set(main.values())).to_numpy()):
        remedy = f"read as {values[row]}, like {main[values[row]]!r}"
        decoded.flags.append((int(row), "spelling", remedy))
