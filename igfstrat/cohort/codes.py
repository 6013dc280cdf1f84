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

from igfstrat.cohort.decode import EXCEL_DATE, Decoded, clean_words, looks_like_excel_date
from igfstrat.cohort.distinct import object_array
from igfstrat.cohort.sheet import TextColumn
from igfstrat.errors import safe_text
from igfstrat.schema import Column, fold

# how close a word must be to a code to be asked about
_CLOSE: Final = 0.85


def decode_codes(
    cells: TextColumn | pd.Series,
    column: Column,
    codes: dict[str, tuple[str, ...]],
    missing: frozenset[str],
) -> Decoded:
    """Canonical codes.

    Parameters
    ----------
    cells : TextColumn, or Series of str, one row a patient row
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
    text, says_nothing = clean_words(cells, missing)
    levels = [meaning.get(fold(whole_number(word))) for word in text.words]
    # 'none' can be a code (no BRCA mutation); it is missing where the map says so
    says_nothing &= [c is None or w.lower() in missing for w, c in zip(text.words, levels, strict=True)]
    codes_of = [None if no else code for no, code in zip(says_nothing, levels, strict=True)]
    decoded = Decoded(object_array(codes_of)[text.which])
    is_unknown = np.array([code is None for code in levels], dtype=bool) & ~says_nothing
    remedies = {i: _why_no_code(text.words[i], column) for i in np.flatnonzero(is_unknown).tolist()}
    for row in np.flatnonzero(is_unknown[text.which]).tolist():
        decoded.flags.append((row, "invalid_code", remedies[int(text.which[row])]))
    flag_spellings(text, decoded.values, decoded)
    note_misspellings(pd.Series(text.counts, index=text.words), column, codes, decoded)
    return decoded


def _why_no_code(word: str, column: Column) -> str:
    close = closest_code(word, column.codes)
    hint = f"did you mean '{close}'? It " if close else ""
    if looks_like_excel_date(word):
        hint = f"{EXCEL_DATE}. It "
    return f"{hint}must be one of {', '.join(column.codes)}; or declare it under 'codes:' in the map"


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


def note_misspellings(
    counts: pd.Series, column: Column, codes: dict[str, tuple[str, ...]], decoded: Decoded
) -> None:
    """Note a misspelling that the map declares: it is read without a flag on each row, but not in silence.

    Parameters
    ----------
    counts : Series of int, one row a text
        How often each occurs.
    column : Column
        Canonical column.
    codes : dict
        Spellings that the map declares, by canonical code.
    decoded : Decoded
        Gets the notices.
    """
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


def flag_spellings(cells: TextColumn | pd.Series, values: NDArray[np.object_], decoded: Decoded) -> None:
    """Flag what is written otherwise than the commonest spelling of its code in the same column.

    Parameters
    ----------
    cells : TextColumn, or Series of str, one row a patient row
        Text without surrounding space.
    values : ndarray of object, shape (n_rows,)
        Their codes; None where there is none.
    decoded : Decoded
        Gets the flags.
    """
    text = TextColumn.of(cells)
    counts, known = text.counts, np.flatnonzero(pd.notna(values))
    main: dict[str, int] = {}
    # a word may have its code in some rows only: a cause counts where there is an event
    for row in known[np.sort(np.unique(text.which[known], return_index=True)[1])].tolist():
        word = int(text.which[row])  # each word once, the first first
        best = main.setdefault(values[row], word)
        if counts[word] > counts[best]:
            main[values[row]] = word
    is_main = np.zeros(len(text.words), dtype=bool)
    is_main[list(main.values())] = True
    for row in known[~is_main[text.which[known]]].tolist():
        remedy = f"read as {values[row]}, like {text.words[main[values[row]]]!r}"
        decoded.flags.append((row, "spelling", remedy))
