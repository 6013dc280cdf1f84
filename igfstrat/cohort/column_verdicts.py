"""The verdict on a column of a large table, when all its pieces are seen.

Each different word is decoded once, figures as arrays, by the functions that decode any cohort, so that a
value, a doubt and its remedy are the same.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from igfstrat.cohort.binding import Binding
from igfstrat.cohort.cell_doubts import find_sentinels
from igfstrat.cohort.codes import closest_code, decode_codes, note_misspellings
from igfstrat.cohort.cohort_map import CohortMap
from igfstrat.cohort.column_collectors import Figures, Places
from igfstrat.cohort.dates import decode_dates
from igfstrat.cohort.decode import (
    Decoded,
    apply_bounds,
    clean,
    decode_numbers,
    note_many_beyond,
)
from igfstrat.cohort.distinct import levels_of, places_of
from igfstrat.cohort.plausibility import check_text
from igfstrat.errors import Problem, Severity, safe_text
from igfstrat.units import conversion_factor

_MANY_WORDS: Final = 2_000
_SHOWN: Final = 6


@dataclass(slots=True)
class Flags:
    """One doubt about rows of a column.

    Parameters
    ----------
    code, remedy : str
        As in `Problem`.
    places : ndarray of intp, shape (n_flagged,)
        Rows from 0, rising.
    """

    code: str
    remedy: str
    places: Places


@dataclass(slots=True)
class Verdict:
    """A column as a whole.

    Parameters
    ----------
    values : ndarray or Categorical, shape (n_rows,)
        Figures, dates, or levels of words.
    lower, upper : ndarray of float64, shape (n_rows,), or None
        As in `Decoded`.
    flags : list of Flags
        Doubts about cells, in the order in which they are told.
    notices : list of tuple of str
        Code and remedy of what holds for the column.
    fault : Problem or None
        Why the column can't be used.
    """

    values: Any
    lower: NDArray[np.float64] | None = None
    upper: NDArray[np.float64] | None = None
    flags: list[Flags] = field(default_factory=list)
    notices: list[tuple[str, str]] = field(default_factory=list)
    fault: Problem | None = None


def judge_numbers(
    figures: Figures, binding: Binding, cohort_map: CohortMap, missing: frozenset[str]
) -> Verdict:  # fmt: skip
    """Values of a column of numbers, as `decode_numbers` gives them for a whole column of text.

    Parameters
    ----------
    figures : Figures
        From `NumberCollector.finish`.
    binding : Binding
        The column.
    cohort_map : CohortMap
        What its owner says about the file.
    missing : frozenset of str
        Words that mean missing, in lower case.

    Returns
    -------
    Verdict
        In the canonical unit. Of the column as a whole only that it holds numbers is judged here.
    """
    schema, values = binding.column, figures.values
    sentinels = find_sentinels(values, schema)
    decoded = Decoded(values)
    flags = [
        Flags("possible_sentinel", f"{value:g} is a usual code for missing and counts as missing; declare it under"
              " 'missing:' in the map", sentinels[values[sentinels] == value])
        for value in pd.unique(values[sentinels]).tolist()
    ]  # fmt: skip
    values[sentinels] = np.nan
    substitute = cohort_map.beyond_limit.substitute
    words = decode_numbers(
        pd.Series(figures.odd_words, dtype=object), schema, unit=binding.unit, decimal=cohort_map.file.decimal,
        missing=missing, substitute=substitute,
    )  # fmt: skip
    factor = 1.0
    if schema.is_concentration and binding.unit:
        factor = conversion_factor(schema.name, binding.unit, schema.unit)
    if factor != 1.0:
        values *= factor
    places, ids = figures.odd_places, figures.odd_ids
    values[places] = words.values[ids]
    decoded.lower = decoded.upper = values
    if words.lower is not None and words.upper is not None and len(places):
        decoded.lower, decoded.upper = values.copy(), values.copy()
        decoded.lower[places], decoded.upper[places] = words.lower[ids], words.upper[ids]
    flags += [Flags(code, remedy, places[ids == i]) for i, code, remedy in words.flags]
    apply_bounds(values, schema, decoded)
    flags += grouped(decoded.flags)
    verdict = Verdict(values, flags=flags)
    if decoded.lower is not values:
        assert decoded.lower is not None
        assert decoded.upper is not None
        verdict.lower, verdict.upper = decoded.lower, decoded.upper
        note_many_beyond(decoded.lower, decoded.upper, substitute, decoded)
    verdict.notices = decoded.notices
    if binding.index is not None:
        said = ((flag.code, flag.remedy, len(flag.places)) for flag in flags)
        verdict.fault = check_text(said, figures.raw, schema.header)
    return verdict


def grouped(flags: Iterable[tuple[int, str, str]]) -> list[Flags]:
    """Flags of single rows, by what they say.

    Parameters
    ----------
    flags : iterable of tuple
        Row, code and remedy; the rows of one code and remedy rise.

    Returns
    -------
    list of Flags
        In the order in which they come first.
    """
    found: dict[tuple[str, str], list[int]] = {}
    for row, code, remedy in flags:
        found.setdefault((code, remedy), []).append(row)
    return [Flags(code, remedy, np.array(rows, dtype=np.intp)) for (code, remedy), rows in found.items()]


def judge_words(
    words: list[str], ids: NDArray[np.int32], binding: Binding, cohort_map: CohortMap, missing: frozenset[str]
) -> Verdict:  # fmt: skip
    """Codes, dates and text of a column.

    Parameters
    ----------
    words : list of str
        From `WordCollector.finish`.
    ids : ndarray of int32, shape (n_rows,)
        Place of each row's word.
    binding : Binding
        The column.
    cohort_map : CohortMap
        What its owner says about the file.
    missing : frozenset of str
        Words that mean missing, in lower case.

    Returns
    -------
    Verdict
        Dates, or levels of words; a fault where the column as a whole is in doubt.
    """
    schema = binding.column
    # what differs in space alone is one word
    stripped = clean(pd.Series(words, dtype=object), missing)[0].to_numpy(dtype=object)
    which, texts = places_of(stripped)
    ids = which[ids]
    counts, series = np.bincount(ids, minlength=len(texts)), pd.Series(texts, dtype=object)
    fault = None
    if schema.kind == "code":
        decoded, fault = _decode_levels(binding, series, counts, missing)
    elif schema.kind == "date":
        decoded, doubt = decode_dates(series, cohort_map.date_order, missing, dt.date.today(), counts=counts)
        fault = _error("date_order", schema.name, doubt) if doubt else None
    else:
        text, is_missing = clean(series, missing)
        decoded = Decoded(np.where(is_missing, np.full(len(text), None), text.to_numpy(dtype=object)))
    flags = [] if fault else [Flags(c, r, np.flatnonzero(ids == i)) for i, c, r in decoded.flags if counts[i]]
    values = decoded.values[ids] if schema.kind == "date" else _levels(decoded.values, ids)
    return Verdict(values, flags=flags, notices=decoded.notices, fault=fault)


def _levels(values: NDArray[np.object_], ids: NDArray[np.int32]) -> pd.Categorical:
    codes, levels = levels_of(values)
    return make_levels(codes.astype(np.int8 if len(levels) < 128 else np.int32)[ids], levels)


def make_levels(codes: NDArray[Any], levels: Any) -> pd.Categorical:
    """A column of words that takes a byte or four a row.

    Parameters
    ----------
    codes : ndarray of integers, shape (n_rows,)
        Place of each row's word; -1 where there is none.
    levels : sequence of str
        Words.

    Returns
    -------
    Categorical, shape (n_rows,)
        Their order means nothing.
    """
    kind = pd.CategoricalDtype(pd.Index(levels, dtype=object))
    return pd.Categorical.from_codes(codes, dtype=kind)  # type: ignore[arg-type]


def _decode_levels(
    binding: Binding, texts: pd.Series, counts: NDArray[np.intp], missing: frozenset[str]
) -> tuple[Decoded, Problem | None]:
    """Codes of texts; which spelling is the usual one goes by how often each occurs, so by ranks as well."""
    schema, codes = binding.column, binding.source.codes
    if len(texts) > _MANY_WORDS:
        fault = f"{len(texts):,} different words are not codes of {schema.name}"
        return Decoded(np.full(len(texts), None)), _error("codes", schema.name, fault)
    times = np.unique(counts, return_inverse=True)[1] + 1
    first = np.concatenate([[0], np.cumsum(times)[:-1]]).astype(np.intp)
    decoded = decode_codes(texts.repeat(times.tolist()).reset_index(drop=True), schema, codes, missing)
    place = {int(row): i for i, row in enumerate(first)}
    levels = Decoded(decoded.values[first])
    levels.flags = [(place[row], code, remedy) for row, code, remedy in decoded.flags if row in place]
    note_misspellings(pd.Series(counts, index=texts), schema, codes, levels)
    unknown = [i for i, code, _ in levels.flags if code == "invalid_code"]
    n_unknown = int(counts[unknown].sum())
    filled = n_unknown + int(counts[pd.notna(levels.values)].sum())
    if binding.index is not None and n_unknown > max(1, filled // 2):
        commonest = np.array(sorted(unknown, key=lambda i: -counts[i]))
        return levels, _unknown_codes(binding, texts.iloc[commonest].tolist(), counts[commonest].tolist())
    return levels, None


def _unknown_codes(binding: Binding, words: list[str], counts: list[int]) -> Problem:
    schema = binding.column
    shown = ", ".join(
        f"{safe_text(word, limit=40)} {n}" for word, n in zip(words[:_SHOWN], counts[:_SHOWN], strict=True)
    )
    close = closest_code(words[0], schema.codes)
    hint = f"; did you mean '{close}'?" if close else ""
    remedy = f"most values are not codes of {schema.name} ({', '.join(schema.codes)}){hint}; declare them under 'codes:' in a map"
    return _error("codes", schema.name, remedy, shown)


def _error(code: str, column: str, remedy: str, value: str | None = None) -> Problem:
    return Problem(code=code, severity=Severity.ERROR, column=column, remedy=remedy, value=value)
