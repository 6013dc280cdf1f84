"""Cells as text: the one form in which every reader hands over a file.

A `Grid` is one sheet as it stands in the file; a `Sheet` is a grid whose header row is known. Text
loses nothing: a number that a workbook stores keeps its shortest exact form, a date its ISO form.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from igfstrat.errors import Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """One sheet of a file, from its first row on.

    Parameters
    ----------
    rows : list of list of str
        Cells as text, "" where empty; rows may differ in length.
    name : str or None
        Name of the sheet; None for a text file.
    hidden : bool
        Whether the workbook hides the sheet.
    stored_numbers : set of tuple of int
        Row and column (from 0) of cells that a workbook stores as a number of 15 digits or more,
        whose last digits are therefore lost.
    problems : tuple of Problem
        What the reader noticed.
    """

    rows: list[list[str]]
    name: str | None = None
    hidden: bool = False
    stored_numbers: frozenset[tuple[int, int]] = frozenset()
    problems: tuple[Problem, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether no cell holds anything."""
        return not any(any(row) for row in self.rows)


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
    rounded : frozenset of tuple of int
        Row number and column (from 0) of stored numbers whose last digits are lost.
    problems : tuple of Problem
        What was noticed so far.
    is_workbook : bool
        Whether cells have references such as E17.
    """

    source: str
    name: str | None
    header_row: int
    headers: tuple[str, ...]
    cells: pd.DataFrame
    row_numbers: NDArray[np.int64]
    rounded: frozenset[tuple[int, int]] = frozenset()
    problems: tuple[Problem, ...] = field(default=())
    is_workbook: bool = False

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
            Such as ``"E17"``; None for a text file.
        """
        return f"{column_letters(column)}{row_number}" if self.is_workbook else None


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
