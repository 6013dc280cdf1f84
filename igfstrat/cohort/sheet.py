"""Cells as text: the one form in which every reader hands over a file.

A `Grid` is one sheet as it stands in the file; a `Sheet` is a grid whose header row is known. Text
loses nothing: a number that a workbook stores keeps its shortest exact form, a date its ISO form.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import overload

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from igfstrat.cohort.distinct import object_array, places_of
from igfstrat.errors import Problem


@dataclass(frozen=True, slots=True)
class CellMark:
    """What a reader knows of a cell beside its text.

    Parameters
    ----------
    code : str
        ``rounded`` (a number of more digits than Excel keeps), ``formula``, ``formula_uncached`` or ``cell_error``.
    row : int
        Row as the spreadsheet counts.
    column : int
        Column from 0.
    """

    code: str
    row: int
    column: int


@dataclass(frozen=True, slots=True)
class TextColumn:
    """A column of cells: each different text once, and which row has which.

    Parameters
    ----------
    words : ndarray of object, shape (n_words,)
        Text, "" where empty.
    which : ndarray of int32, shape (n_rows,)
        Place of each row's text in `words`, from 0.
    """

    words: NDArray[np.object_]
    which: NDArray[np.int32]

    @classmethod
    def of(cls, texts: TextColumn | Iterable[str]) -> TextColumn:
        """A column from the text of each row.

        Parameters
        ----------
        texts : TextColumn or iterable of str
            One a row; a column is taken as it is, and of a categorical Series the levels.

        Returns
        -------
        TextColumn
            Words in the order in which they come first.

        Examples
        --------
        >>> TextColumn.of(["a", "", "a"]).which.tolist()
        [0, 1, 0]
        """
        if isinstance(texts, TextColumn):
            return texts
        if isinstance(texts, pd.Series) and isinstance(texts.dtype, pd.CategoricalDtype):
            return cls(object_array(texts.cat.categories), texts.cat.codes.to_numpy().astype(np.int32))
        which, words = places_of(texts)
        return cls(object_array(words), which)

    def with_words(self, words: Sequence[str]) -> TextColumn:
        """The same rows with other words for the same texts, each different one once.

        Parameters
        ----------
        words : sequence of str
            What stands for each of `words`, such as the same without the space around it; several may become one.

        Returns
        -------
        TextColumn
            Its words in the order of the first of those that they stand for.
        """
        own = TextColumn.of(words)
        is_same = len(own.words) == len(words)
        return TextColumn(own.words, self.which if is_same else own.which[self.which])

    @property
    def counts(self) -> NDArray[np.intp]:
        """How many rows have each of `words`, shape (n_words,)."""
        return np.bincount(self.which, minlength=len(self.words))

    @property
    def text(self) -> NDArray[np.object_]:
        """Text of each row, shape (n_rows,)."""
        return self.words[self.which]

    @property
    def filled(self) -> NDArray[np.bool_]:
        """Rows that hold more than space, shape (n_rows,)."""
        words = self.words.tolist()
        return np.fromiter(map(bool, map(str.strip, words)), dtype=bool, count=len(words))[self.which]


class ColumnRows(Sequence[list[str]]):
    """Rows of a grid that are held by column.

    Parameters
    ----------
    columns : sequence of TextColumn
        Of equal length.
    """

    def __init__(self, columns: Sequence[TextColumn]) -> None:
        self.columns = tuple(columns)

    def __len__(self) -> int:
        return len(self.columns[0].which) if self.columns else 0

    @overload
    def __getitem__(self, index: int) -> list[str]: ...
    @overload
    def __getitem__(self, index: slice) -> list[list[str]]: ...
    def __getitem__(self, index: int | slice) -> list[str] | list[list[str]]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        if not -len(self) <= index < len(self):
            raise IndexError(index)
        return [column.words[column.which[index]] for column in self.columns]


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """One sheet of a file, from its first row on.

    Parameters
    ----------
    rows : sequence of list of str
        Cells as text, "" where empty; rows of a text file may differ in length, those of other files are held by column.
    name : str or None
        Name of the sheet; None for a text file.
    hidden : bool
        Whether the workbook hides the sheet.
    marks : tuple of CellMark
        What the reader noticed of single cells.
    hidden_rows : set of int
        Rows, from 1, that are hidden by hand or by a filter.
    hidden_columns : set of int
        Columns from 0 that are hidden.
    merged : tuple of str
        Ranges of merged cells, such as ``B3:D3``.
    has_filter : bool
        Whether a filter stands on the header.
    text_numbers : set of int
        Columns from 0 whose numbers are stored as text, where the format tells numbers from text.
    problems : tuple of Problem
        What was noticed of the file.
    """

    rows: Sequence[list[str]]
    name: str | None = None
    hidden: bool = False
    marks: tuple[CellMark, ...] = ()
    hidden_rows: frozenset[int] = frozenset()
    hidden_columns: frozenset[int] = frozenset()
    merged: tuple[str, ...] = ()
    has_filter: bool = False
    text_numbers: frozenset[int] = frozenset()
    problems: tuple[Problem, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether no cell holds anything."""
        if isinstance(self.rows, ColumnRows):
            return not any(column.filled.any() for column in self.rows.columns)
        return not any(text.strip() for row in self.rows for text in row)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """A table of text with a header.

    Parameters
    ----------
    source : str
        Name of the file.
    name : str or None
        Name of the sheet; None for a text file.
    header_row : int
        Row of the header as the spreadsheet counts.
    headers : tuple of str
        Header of each column, as found.
    cells : DataFrame, one row a patient row
        Text; columns are numbered from 0.
    row_numbers : ndarray of int64, shape (n_rows,)
        Row of each patient row as the spreadsheet counts.
    marks : tuple of CellMark
        What the reader noticed of cells under the header.
    problems : tuple of Problem
        What was noticed so far.
    is_workbook : bool
        Whether cells have references such as E17.
    n_joined : int
        Columns at the right that come from another table, and have no reference here.
    text_numbers : set of int
        Columns from 0 whose numbers are stored as text, where the format tells numbers from text.
    identifying : set of int
        Columns from 0 that the file's own dictionary marks as telling who a patient is.
    encoded : tuple of DataFrame and of TextColumn
        A table, and its columns with each different text once. They count only where that table is `cells`: who
        replaces the cells need not think of them.
    """

    source: str
    name: str | None
    header_row: int
    headers: tuple[str, ...]
    cells: pd.DataFrame
    row_numbers: NDArray[np.int64]
    marks: tuple[CellMark, ...] = ()
    problems: tuple[Problem, ...] = field(default=())
    is_workbook: bool = False
    n_joined: int = 0
    text_numbers: frozenset[int] = frozenset()
    identifying: frozenset[int] = frozenset()
    encoded: tuple[pd.DataFrame | None, tuple[TextColumn, ...]] = field(default=(None, ()), repr=False)

    def column(self, position: int) -> TextColumn:
        """Text of a column, each different one once.

        Parameters
        ----------
        position : int
            Column from 0.

        Returns
        -------
        TextColumn
            With a place for each row.
        """
        table, columns = self.encoded
        return columns[position] if table is self.cells else TextColumn.of(self.cells[position])

    def take(self, rows: NDArray[np.intp]) -> Sheet:
        """Some rows of the sheet.

        Parameters
        ----------
        rows : ndarray of intp, shape (n_taken,)
            Rows from 0, rising.

        Returns
        -------
        Sheet
            The same where these are all.
        """
        if len(rows) == len(self.row_numbers):
            return self
        table, columns = self.encoded
        cells = self.cells.iloc[rows].reset_index(drop=True)
        taken = [TextColumn(column.words, column.which[rows]) for column in columns]
        encoded = (cells, tuple(taken)) if table is self.cells else (None, ())
        return replace(self, cells=cells, row_numbers=self.row_numbers[rows], encoded=encoded)

    @property
    def place(self) -> str:
        """File and sheet, for messages."""
        return f"{self.source}, sheet '{self.name}'" if self.name is not None else self.source

    def cell(self, row_number: int, column: int) -> str | None:
        """Reference of a cell in a workbook.

        Parameters
        ----------
        row_number : int
            Row as the spreadsheet counts.
        column : int
            Column from 0.

        Returns
        -------
        str or None
            Such as ``"E17"``; None for a text file, or a column that comes from another table.
        """
        is_own = self.is_workbook and column < len(self.headers) - self.n_joined
        return f"{column_letters(column)}{row_number}" if is_own else None


def column_letters(column: int) -> str:
    """Letters of a spreadsheet column.

    Parameters
    ----------
    column : int
        Column from 0.

    Returns
    -------
    str
        Letters.

    Examples
    --------
    >>> column_letters(0), column_letters(26), column_letters(16383)
    ('A', 'AA', 'XFD')
    """
    letters = ""
    number = column + 1
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(65 + rest) + letters
    return letters
