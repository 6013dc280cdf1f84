"""What is checked across the pieces of a large table beside its values: identifiers, and columns that nothing uses."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from igfstrat.cohort.carried import GENE, GENE_DATE, check_carried, date_in_names
from igfstrat.cohort.decode import MISSING_WORDS
from igfstrat.cohort.identity import check_identifiers, folded
from igfstrat.cohort.pieces import Piece, Source
from igfstrat.cohort.sheet import Sheet
from igfstrat.errors import Problem, safe_text

# nothing in such an identifier can be read in two ways but its case
_SIMPLE_ID: Final = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,199}$"
_LONG: Final = 256  # bytes from which on a text is hashed by itself, as hardly any identifier is
# of a little-endian word of eight bytes, the first n
_FIRST_BYTES: Final = np.array([(1 << 8 * n) - 1 for n in range(9)], dtype=np.uint64)

Places = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class RowProblems:
    """One finding about rows.

    Parameters
    ----------
    problem : Problem
        What was found, without its row.
    places : ndarray of intp, shape (n_found,)
        Rows from 0, rising.
    """

    problem: Problem
    places: Places


class FoundByPlace:
    """Findings by their rows, so that those of a piece are found without looking at all.

    Parameters
    ----------
    found : sequence of RowProblems
        In their order.
    """

    def __init__(self, found: Sequence[RowProblems]) -> None:
        self._problems = [about.problem for about in found]
        places = np.concatenate([np.array([], dtype=np.intp), *(about.places for about in found)])
        which = np.repeat(np.arange(len(found)), [len(about.places) for about in found])
        order = np.argsort(places, kind="stable")
        self._places, self._which = places[order], which[order]

    def between(self, start: int, stop: int) -> tuple[RowProblems, ...]:
        """What was found about some rows.

        Parameters
        ----------
        start, stop : int
            Rows from 0, `stop` not included.

        Returns
        -------
        tuple of RowProblems
            In their order, rows counted from `start` on; only those that concern one of the rows.

        Examples
        --------
        >>> from igfstrat.errors import Severity
        >>> about = RowProblems(Problem(code="spelling", severity=Severity.FLAG, remedy=""), np.array([1, 7, 9]))
        >>> [found.places.tolist() for found in FoundByPlace([about]).between(5, 9)]
        [[2]]
        """
        first, last = np.searchsorted(self._places, [start, stop])
        places, which = self._places[first:last] - start, self._which[first:last]
        return tuple(RowProblems(self._problems[i], places[which == i]) for i in np.unique(which).tolist())


def by_finding(problems: Iterable[Problem], row_numbers: NDArray[Any]) -> list[RowProblems]:
    """Problems of rows, brought together by what they say.

    Parameters
    ----------
    problems : iterable of Problem
        Each with its row.
    row_numbers : ndarray of integers, shape (n_rows,)
        As the spreadsheet counts, rising.

    Returns
    -------
    list of RowProblems
        In the order in which they come first.
    """
    rows: dict[Problem, list[int]] = {}
    for problem in problems:
        assert problem.row is not None
        rows.setdefault(replace(problem, row=None), []).append(problem.row)
    return [
        # of the same type, or all numbers would be converted for each
        RowProblems(problem, np.searchsorted(row_numbers, np.sort(np.array(found, dtype=row_numbers.dtype))))
        for problem, found in rows.items()
    ]


class Identifiers:
    """The patients' identifiers while their pieces go by: a hash of each, and the text of the odd ones.

    Parameters
    ----------
    column : int or None
        Their source column from 0; None when row numbers stand in.
    """

    def __init__(self, column: int | None) -> None:
        self.column = column
        self._hashes: list[NDArray[np.uint64]] = []
        self._odd: dict[int, tuple[int, str]] = {}

    def take(self, piece: Piece) -> None:
        """Add the rows of a piece.

        Parameters
        ----------
        piece : Piece
            The next one.
        """
        if self.column is None:
            return
        import pyarrow as pa
        import pyarrow.compute as pc

        text = piece.columns[self.column].strings()
        stripped = pc.utf8_trim_whitespace(text)
        is_plain = pc.match_substring_regex(stripped, _SIMPLE_ID)
        lowered = pc.ascii_lower(stripped)
        missing = pc.is_in(lowered, value_set=_missing_words())
        hashes = hash_texts(lowered)
        odd = np.flatnonzero(~pc.and_not(is_plain, missing).to_numpy(zero_copy_only=False))
        if len(odd):
            words = text.take(odd).to_pylist()
            hashes[odd] = hash_texts(pa.array([folded(word) for word in words], pa.string()))
            for place, word in zip(odd.tolist(), words, strict=True):
                self._odd[piece.start + place] = (int(piece.row_numbers[place]), word)
        self._hashes.append(hashes)

    def check(self, source: Source, size: int, aside: Places) -> list[Problem]:
        """Look closely at identifiers that are odd or seem double; the others are neither.

        Parameters
        ----------
        source : Source
            The table, to read some of them again.
        size : int
            Rows of a piece.
        aside : ndarray of intp, shape (n_aside,)
            Rows that are no patients.

        Returns
        -------
        list of Problem
            As `check_identifiers` gives them for all.
        """
        if self.column is None:
            return []
        doubled = np.setdiff1d(self._doubled(), aside)
        ids = {place: found for place, found in self._odd.items() if place not in set(aside.tolist())}
        if len(doubled):
            ids |= self._read_again(source, size, doubled)
        if not ids:
            return []
        rows = [ids[place] for place in sorted(ids)]
        sheet = replace(source.head, row_numbers=np.array([row for row, _ in rows], dtype=np.int64))
        return check_identifiers(sheet, pd.Series([text for _, text in rows], dtype=object), self.column)

    def _doubled(self) -> Places:
        """Rows whose hash another row has as well; a sort tells whether there are any, and takes the place of no row."""
        ordered = np.concatenate(self._hashes)
        ordered.sort()
        same = np.unique(ordered[1:][ordered[1:] == ordered[:-1]])
        del ordered
        hashes, self._hashes = self._hashes, []
        if not len(same):
            return np.array([], dtype=np.intp)
        return np.flatnonzero(np.concatenate([np.isin(part, same) for part in hashes]))

    def _read_again(self, source: Source, size: int, places: Places) -> dict[int, tuple[int, str]]:
        found = {}
        assert self.column is not None
        for piece in source.pieces(size):
            first, last = np.searchsorted(places, [piece.start, piece.stop])
            here = places[first:last] - piece.start
            texts = piece.columns[self.column].take(here).text()
            for place, row, text in zip(here.tolist(), piece.row_numbers[here].tolist(), texts, strict=True):
                found[piece.start + place] = (row, str(text))
        return found


def hash_texts(texts: Any) -> NDArray[np.uint64]:
    """A number for each text: equal ones for equal texts, and hardly ever for others.

    Parameters
    ----------
    texts : pyarrow.StringArray
        No nulls.

    Returns
    -------
    ndarray of uint64, shape (n_texts,)
        The same on every machine and in every run.

    Examples
    --------
    >>> import pyarrow as pa
    >>> a, b, again = hash_texts(pa.array(["p1", "p2", "p1"])).tolist()
    >>> a == again, a == b
    (True, False)
    """
    _, offsets, data = texts.buffers()
    ends = np.frombuffer(offsets, dtype=np.int32)[texts.offset : texts.offset + len(texts) + 1].astype(
        np.intp
    )
    # eight bytes at a time: what stands behind the end of a text is masked away
    padded = np.zeros(int(ends[-1] - ends[0]) + 8, dtype=np.uint8)
    padded[:-8] = np.frombuffer(data, dtype=np.uint8)[ends[0] : ends[-1]] if len(padded) > 8 else 0
    words = np.lib.stride_tricks.sliding_window_view(padded, 8)
    starts, lengths = ends[:-1] - ends[0], np.diff(ends)
    hashes = _mixed(lengths.astype(np.uint64))
    rows = np.flatnonzero(lengths <= _LONG)
    for at in range(0, int(lengths[rows].max(initial=0)), 8):
        rows = rows[lengths[rows] > at]
        left = np.minimum(lengths[rows] - at, 8)
        word = words[starts[rows] + at].copy().view("<u8")[:, 0].astype(np.uint64)
        word &= _FIRST_BYTES[left]
        hashes[rows] = _mixed(hashes[rows] ^ word)
    for row in np.flatnonzero(lengths > _LONG).tolist():
        text = padded[starts[row] : starts[row] + lengths[row]].tobytes()
        hashes[row] = int.from_bytes(blake2b(text, digest_size=8).digest(), "little")
    return hashes


def _mixed(bits: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Each bit of the result depends on every bit given (the finalizer of SplitMix64, and as it one to one)."""
    bits = bits + np.uint64(0x9E3779B97F4A7C15)
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return bits ^ (bits >> np.uint64(31))


def _missing_words() -> Any:
    import pyarrow as pa

    return pa.array(sorted(MISSING_WORDS))


class Carried:
    """Columns that nothing uses while their pieces go by: gene names that became dates.

    Parameters
    ----------
    head : Sheet
        The first rows, which show whether a column says who the patients are.
    positions : list of int
        Columns from 0 that nothing uses.
    ids : int or None
        Column from 0 of the patient identifiers.
    """

    def __init__(self, head: Sheet, positions: list[int], ids: int | None) -> None:
        found = check_carried(head, positions, ids)
        self.problems = [problem for problem in found if problem.row is None]
        told = {problem.column for problem in self.problems}
        self._headers = {at: safe_text(head.headers[at]) for at in positions}
        self._dates: dict[int, list[Places]] = {
            at: [] for at, header in self._headers.items() if header not in told
        }
        self._has_gene: set[int] = set()

    def take(self, piece: Piece) -> None:
        """Add the rows of a piece.

        Parameters
        ----------
        piece : Piece
            The next one.
        """
        import pyarrow.compute as pc

        for at, dates in self._dates.items():
            if piece.columns[at].figures is not None:
                continue
            text = pc.utf8_trim_whitespace(piece.columns[at].strings())
            is_date = pc.match_substring_regex(text, f"^(?:{GENE_DATE.pattern})$", ignore_case=True)
            dates.append(piece.start + np.flatnonzero(is_date.to_numpy(zero_copy_only=False)))
            if (
                at not in self._has_gene
                and pc.any(pc.match_substring_regex(text, f"^{GENE.pattern}$")).as_py()
            ):
                self._has_gene.add(at)

    def finish(self) -> list[RowProblems]:
        """What was found of rows.

        Returns
        -------
        list of RowProblems
            One a column with such dates.
        """
        return [
            RowProblems(date_in_names(self._headers[at]), np.concatenate(dates))
            for at, dates in self._dates.items()
            if at in self._has_gene
        ]
