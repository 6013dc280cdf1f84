"""One column of a large table while its pieces go by: eight bytes a figure, a byte or four a word, and what is odd."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from igfstrat.cohort._child import text_of
from igfstrat.cohort.decode import FIGURE, clean
from igfstrat.cohort.pieces import Cells
from igfstrat.cohort.plausibility import DECIMAL_COMMA, DECIMAL_POINT

Places = NDArray[np.intp]


class WordCollector:
    """Which row has which word."""

    def __init__(self) -> None:
        self.words: dict[str, int] = {}
        self._figures: dict[float, int] = {}
        self._ids: list[NDArray[Any]] = []

    def take(self, cells: Cells) -> None:
        """Add the rows of a piece.

        Parameters
        ----------
        cells : Cells
            The column in the next piece.
        """
        if cells.figures is not None:
            which, figures = pd.factorize(cells.figures, use_na_sentinel=False)
            found = [self._place_of(figure) for figure in figures.tolist()]
        else:
            words, which = cells.encoded()
            found = [self.words.setdefault(word, len(self.words)) for word in words]
        ids = np.array(found, dtype=np.int32)
        # few different words need a byte or two
        self._ids.append(ids.astype(np.min_scalar_type(len(self.words)))[which])

    def _place_of(self, figure: float) -> int:
        """Of its word; a figure becomes text once for all pieces."""
        place = self._figures.get(figure)
        if place is None:
            place = self.words.setdefault(text_of(None if figure != figure else figure), len(self.words))
            if figure == figure:  # no NaN is equal to another
                self._figures[figure] = place
        return place

    def finish(self, aside: Places) -> tuple[list[str], NDArray[np.int32]]:
        """All rows.

        Parameters
        ----------
        aside : ndarray of intp, shape (n_aside,)
            Rows that are no patients: they are taken as empty.

        Returns
        -------
        tuple of list of str, and ndarray of int32 of shape (n_rows,)
            Words in the order in which they come first, and the place of each row's word.
        """
        ids = np.concatenate(self._ids).astype(np.int32)
        self._ids = []
        if len(aside):
            ids[aside] = self.words.setdefault("", len(self.words))
        return list(self.words), ids


class NumberCollector:
    """Figures of a column as written, and the cells that hold anything else."""

    def __init__(self, missing: frozenset[str], decimal: str) -> None:
        self.missing, self.decimal = missing, decimal
        self.missing_figures = [float(word) for word in missing if _is_figure(word)]
        self.odd_words: dict[str, int] = {}
        self._figures: list[NDArray[np.float64]] = []
        self._odd: list[tuple[Places, NDArray[np.intp]]] = []
        self._beside: list[tuple[Places, NDArray[np.float64]]] = []
        self.n = self.commas = self.points = 0

    def take(self, cells: Cells) -> None:
        """Add the rows of a piece.

        Parameters
        ----------
        cells : Cells
            The column in the next piece.
        """
        if cells.figures is not None:
            values = self._take_figures(cells.figures.astype(np.float64, copy=True))
        else:
            values = self._take_words(*cells.encoded())
        self._figures.append(values)
        self.n += len(values)

    def _take_figures(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        infinite = np.flatnonzero(np.isinf(values))
        if len(infinite):
            self._keep_odd(infinite, [text_of(v) for v in values[infinite].tolist()])
            values[infinite] = np.nan
        gone = np.flatnonzero(np.isin(values, self.missing_figures)) if self.missing_figures else infinite[:0]
        if len(gone):
            self._beside.append((self.n + gone, values[gone]))
            values[gone] = np.nan
        return values

    def _take_words(self, words: list[str], which: NDArray[np.int64]) -> NDArray[np.float64]:
        text, is_missing = clean(pd.Series(words, dtype=object), self.missing)
        times = np.bincount(which, minlength=len(words))
        self.commas += int(times[text.str.fullmatch(DECIMAL_COMMA).to_numpy(dtype=bool)].sum())
        self.points += int(times[text.str.fullmatch(DECIMAL_POINT).to_numpy(dtype=bool)].sum())
        if self.decimal == ",":
            text = text.str.replace(",", ".", regex=False)
        is_figure = text.str.fullmatch(FIGURE, flags=re.IGNORECASE).to_numpy(dtype=bool) & ~is_missing
        values = np.full(len(text), np.nan)
        values[is_figure] = text[is_figure].to_numpy(dtype=object).astype(np.float64)
        is_odd = ~is_figure & ~is_missing
        rows = np.flatnonzero(is_odd[which])
        if len(rows):
            self._keep_odd(rows, [words[i] for i in which[rows].tolist()])
        gone = np.flatnonzero(is_missing & text.str.fullmatch(FIGURE).to_numpy(dtype=bool))
        rows = np.flatnonzero(np.isin(which, gone)) if len(gone) else gone
        if len(rows):
            self._beside.append((self.n + rows, text.to_numpy(dtype=object)[which[rows]].astype(np.float64)))
        return values[which]

    def _keep_odd(self, rows: Places, words: list[str]) -> None:
        ids = [self.odd_words.setdefault(word, len(self.odd_words)) for word in words]
        self._odd.append((self.n + rows, np.array(ids, dtype=np.intp)))

    def finish(self, aside: Places) -> Figures:
        """All rows.

        Parameters
        ----------
        aside : ndarray of intp, shape (n_aside,)
            Rows that are no patients: they are taken as empty.

        Returns
        -------
        Figures
            The column.
        """
        values = np.concatenate(self._figures)
        self._figures = []
        values[aside] = np.nan
        raw = values.copy()
        for places, figures in self._beside:
            raw[places] = figures
        raw[aside] = np.nan
        none = np.array([], dtype=np.intp)
        places = np.concatenate([none, *(p for p, _ in self._odd)])
        ids = np.concatenate([none, *(i for _, i in self._odd)])
        kept = ~np.isin(places, aside)
        return Figures(values, raw, places[kept], ids[kept], list(self.odd_words))


def _is_figure(word: str) -> bool:
    return re.fullmatch(FIGURE, word, re.IGNORECASE) is not None and text_of(float(word)) == word


@dataclass(slots=True)
class Figures:
    """A column of numbers as written.

    Parameters
    ----------
    values : ndarray of float64, shape (n_rows,)
        Plain figures that don't mean missing; NaN elsewhere.
    raw : ndarray of float64, shape (n_rows,)
        All plain figures.
    odd_places : ndarray of intp, shape (n_odd,)
        Rows from 0 of cells that hold anything else, rising.
    odd_ids : ndarray of intp, shape (n_odd,)
        Place of each one's word.
    odd_words : list of str
        Different words.
    """

    values: NDArray[np.float64]
    raw: NDArray[np.float64]
    odd_places: Places
    odd_ids: NDArray[np.intp]
    odd_words: list[str]

    def text_at(self, place: int) -> str:
        """Text of a cell, for a message.

        Parameters
        ----------
        place : int
            Row from 0.

        Returns
        -------
        str
            As read.
        """
        at = np.searchsorted(self.odd_places, place)
        if at < len(self.odd_places) and self.odd_places[at] == place:
            return self.odd_words[int(self.odd_ids[at])]
        return str(text_of(float(self.raw[place])))
