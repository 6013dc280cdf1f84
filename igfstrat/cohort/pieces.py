"""A large table in pieces: the same cells as a whole reading gives, some rows at a time.

A column of a piece is held as its file holds it (figures, an arrow array, or texts), and becomes text only
where text is asked for. Blank rows are passed over and keep their number, as everywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from igfstrat.cohort._child import text_of
from igfstrat.cohort.cohort_map import RowSettings
from igfstrat.cohort.merging import no_row_left
from igfstrat.cohort.sheet import Sheet
from igfstrat.errors import CohortError, Problem, Severity

# the head shows everything that is looked at in the first rows of a file
HEAD_ROWS: Final = 5_000
# what a piece may hold at most, so that memory grows neither with the width of a table nor with the length of its texts
_MOST_CELLS: Final = 1 << 21
_MOST_BYTES: Final = 1 << 24


@dataclass(slots=True)
class Cells:
    """A column of a piece; one of the three is given.

    Parameters
    ----------
    figures : ndarray of float64, shape (n_rows,), or None
        Figures of a numeric column, NaN where empty.
    arrow : pyarrow.StringArray or None
        Text as arrow holds it; null where empty.
    texts : ndarray of object, shape (n_rows,), or None
        Text; "" where empty.
    """

    figures: NDArray[np.float64] | None = None
    arrow: Any = None
    texts: NDArray[np.object_] | None = None

    def text(self) -> NDArray[np.object_]:
        """The cells as text.

        Returns
        -------
        ndarray of object, shape (n_rows,)
            "" where empty.

        Examples
        --------
        >>> Cells(figures=np.array([2.0, np.nan, 0.5])).text().tolist()
        ['2', '', '0.5']
        """
        if self.texts is not None:
            return self.texts
        words, which = self.encoded()
        return np.array([*words, ""], dtype=object)[which]

    def encoded(self) -> tuple[list[str], NDArray[np.int64]]:
        """The different texts, and which row has which.

        Returns
        -------
        tuple of list of str, and ndarray of int64 of shape (n_rows,)
            Texts in the order in which they come first, and their places.

        Examples
        --------
        >>> words, which = Cells(figures=np.array([2.0, np.nan, 2.0])).encoded()
        >>> words, which.tolist()
        (['2', ''], [0, 1, 0])
        """
        if self.figures is not None:
            which, figures = pd.factorize(self.figures, use_na_sentinel=False)
            return [text_of(None if v != v else v) for v in figures.tolist()], which.astype(np.int64)
        if self.arrow is not None:
            coded = self.arrow.fill_null("").dictionary_encode()
            return coded.dictionary.to_pylist(), coded.indices.to_numpy().astype(np.int64)
        which, words = pd.factorize(self.text())
        return [str(word) for word in words], which.astype(np.int64)

    def strings(self) -> Any:
        """The cells as arrow holds text.

        Returns
        -------
        pyarrow.StringArray
            "" where empty, no nulls.
        """
        import pyarrow as pa

        if self.arrow is not None:
            return self.arrow.fill_null("")
        return pa.array(self.text(), type=pa.string())

    def take(self, rows: NDArray[np.intp] | slice) -> Cells:
        """Some of the rows.

        Parameters
        ----------
        rows : ndarray of intp, shape (n_chosen,), or slice
            Places of the rows in the piece.

        Returns
        -------
        Cells
            In the order asked for.
        """
        if self.figures is not None:
            return Cells(figures=self.figures[rows])
        if self.texts is not None:
            return Cells(texts=self.texts[rows])
        return Cells(arrow=self.arrow[rows] if isinstance(rows, slice) else self.arrow.take(rows))


@dataclass(slots=True)
class Piece:
    """Rows of a file.

    Parameters
    ----------
    start : int
        First of them among the patient rows, from 0.
    row_numbers : ndarray of int64, shape (n_rows,)
        As the spreadsheet counts.
    columns : sequence of Cells
        One a column of the file.
    source : pyarrow.Table or None
        The rows as a parquet file holds them.
    """

    start: int
    row_numbers: NDArray[np.int64]
    columns: Sequence[Cells]
    source: Any = None

    @property
    def stop(self) -> int:
        """One behind its last row among the patient rows."""
        return self.start + len(self.row_numbers)

    def take(self, rows: NDArray[np.intp], start: int) -> Piece:
        """Some of the rows.

        Parameters
        ----------
        rows : ndarray of intp, shape (n_chosen,)
            Places of the rows in the piece, rising.
        start : int
            First of them among the rows that are kept.

        Returns
        -------
        Piece
            Of these rows.
        """
        source = None if self.source is None else self.source.take(rows)
        return Piece(start, self.row_numbers[rows], [cells.take(rows) for cells in self.columns], source)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A table that can be read in pieces, as often as needed.

    Parameters
    ----------
    head : Sheet
        Its first rows, read as any file is.
    files : tuple of Path
        Its file, or the files of its folder in their order.
    pieces : callable
        From rows a piece to the pieces.
    left_out : list of int
        After a reading: how many rows a map has left out.
    n_about : int
        Rows that it probably has, for who waits; what parquet says of itself, or lines by their mean length.
    """

    head: Sheet
    files: tuple[Path, ...]
    pieces: Callable[[int], Iterator[Piece]] = field(repr=False)
    left_out: list[int] = field(default_factory=lambda: [0])
    n_about: int = 0

    @property
    def most_rows(self) -> int:
        """Rows that a piece may have, >= 1: of a wide table, or one of long texts, they are fewer."""
        n_bytes = sum(file.stat().st_size for file in self.files) // max(self.n_about, 1)
        return max(1, min(_MOST_CELLS // len(self.head.headers), _MOST_BYTES // max(n_bytes, 1)))


def choose_rows(source: Source, rows: RowSettings) -> Source:
    """The rows that a map keeps.

    Parameters
    ----------
    source : Source
        A table.
    rows : RowSettings
        Conditions and excluded row numbers.

    Returns
    -------
    Source
        Whose pieces hold what is left.

    Raises
    ------
    CohortError
        If a condition names a column that isn't there; as the pieces go by, if an excluded row isn't there.
    """
    if not rows.where and not rows.exclude:
        return source
    places = {header: _place_of(source.head, header) for header in rows.where}

    def pieces(size: int) -> Iterator[Piece]:
        start, n_read, absent = 0, 0, set(rows.exclude)
        unmet = {h: (w,) if isinstance(w, str) else w for h, w in rows.where.items()}
        for piece in source.pieces(size):
            n_read += len(piece.row_numbers)
            absent -= set(piece.row_numbers[np.isin(piece.row_numbers, rows.exclude)].tolist())
            keep = ~np.isin(piece.row_numbers, rows.exclude)
            for header, wanted in rows.where.items():
                words, which = piece.columns[places[header]].encoded()
                chosen = {wanted} if isinstance(wanted, str) else set(wanted)
                is_met = np.array([word.strip() in chosen for word in words], dtype=bool)[which]
                if header in unmet and is_met.any():
                    del unmet[header]
                keep &= is_met
            if keep.any():
                yield piece.take(np.flatnonzero(keep), start)
                start += int(keep.sum())
        if absent:
            remedy = f"rows: {{exclude: …}} names row {min(absent)}, which holds no patient"
            raise CohortError(source.head.place, [_fault("rows", remedy)])
        if not start:
            raise CohortError(source.head.place, [_fault("rows", no_row_left(unmet))])
        source.left_out[:] = [n_read - start]

    return replace(source, pieces=pieces)


def _place_of(head: Sheet, header: str) -> int:
    places = [i for i, found in enumerate(head.headers) if found == header]
    if len(places) != 1:
        what = "stands twice in the header" if places else "is not in the header"
        raise CohortError(head.place, [_fault("rows", f"rows: where: the column {header!r} {what}")])
    return places[0]


def _fault(code: str, remedy: str) -> Problem:
    return Problem(code=code, severity=Severity.ERROR, remedy=remedy)
