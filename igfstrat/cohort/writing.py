"""Writing scored tables: csv and parquet for programs, xlsx for people. No cell can become a formula."""

from __future__ import annotations

import csv
import datetime as dt
import importlib.util
import io
import textwrap
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import pandas as pd
import xlsxwriter

from igfstrat.cohort.distinct import levels_of, object_array, places_of
from igfstrat.cohort.parquet_writing import write_parquet
from igfstrat.errors import UsageError, safe_text
from igfstrat.files import neutral_csv_text, write_bytes

MAX_SHEET_ROWS: Final = 1_048_575
SUFFIXES: Final = (".csv", ".xlsx", ".parquet")
# points of a line, and of the highest row that a workbook may have
_LINE, _HIGHEST = 15, 409
_EPOCH: Final = dt.datetime(2000, 1, 1)
# in memory: otherwise XlsxWriter keeps the cells, identifiers too, in files of the machine's temporary folder
_OPTIONS: Final = {
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
    "in_memory": True,
}
_STATUS_COLOURS: Final = {"flagged": "#FFF3D6", "not_scored": "#F3D9D9"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreTables:
    """The sheets of a score file.

    Parameters
    ----------
    scores : DataFrame, one row a patient row
        Input columns as read (text), then computed columns.
    n_source_columns : int
        How many columns come from the input.
    flags, summary, dictionary, provenance : DataFrame, one row an entry
        The other sheets of a workbook; a csv file holds the scores alone.
    """

    scores: pd.DataFrame
    n_source_columns: int
    flags: pd.DataFrame
    summary: pd.DataFrame
    dictionary: pd.DataFrame
    provenance: pd.DataFrame


def write_score_tables(
    tables: ScoreTables, path: Path, *, typed: Mapping[int, Any] = MappingProxyType({})
) -> None:
    """Write scores as csv, xlsx or parquet, by suffix.

    Parameters
    ----------
    tables : ScoreTables
        What is written.
    path : Path
        Ends in .csv, .xlsx or .parquet.
    typed : mapping of int to pyarrow.Array
        Columns that parquet keeps in a type of their own, by place.

    Raises
    ------
    UsageError
        If the suffix is another, or a workbook can't hold the rows.
    """
    check_suffix(path, parquet=True)
    if path.suffix.lower() == ".csv":
        write_bytes(path, csv_bytes(tables.scores))
        return
    if path.suffix.lower() == ".parquet":
        table = arrow_table(tables.scores, as_written=False)
        for place in range(tables.n_source_columns):
            table = table.set_column(place, table.field(place).name, _written(table.column(place)))
        for place, array in typed.items():
            table = table.set_column(place, table.column_names[place], array)
        write_parquet([table], path)
        return
    check_sheet_rows(len(tables.scores), path)
    buffer = io.BytesIO()  # XlsxWriter's own errors of a full disk are no errors of the disk
    _write_workbook(tables, buffer)
    write_bytes(path, buffer.getvalue())


def write_plain_table(table: pd.DataFrame, path: Path) -> None:
    """Write one table as csv or as a workbook with one sheet.

    Parameters
    ----------
    table : DataFrame, one row a patient
        Text and numbers.
    path : Path
        Ends in .csv or .xlsx.
    """
    check_suffix(path)
    if path.suffix.lower() == ".csv":
        write_bytes(path, csv_bytes(table))
        return
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, _OPTIONS) as workbook:
        workbook.set_properties({"created": _EPOCH})
        formats = {"header": workbook.add_format({"bold": True, "bottom": 1}), "wrap": None}
        _write_sheet(workbook.add_worksheet("cohort"), formats, table)
    write_bytes(path, buffer.getvalue())


def check_suffix(path: Path, *, parquet: bool = False) -> None:
    """Make sure, before any computing, that the format is known and can be written.

    Parameters
    ----------
    path : Path
        The file to come.
    parquet : bool
        Whether parquet is among the formats.

    Raises
    ------
    UsageError
        If its suffix is another, or pyarrow is needed and not installed.
    """
    suffixes = SUFFIXES if parquet else SUFFIXES[:2]
    suffix = path.suffix.lower()
    if suffix not in suffixes:
        message = f"--out {safe_text(path.name)}: write {', '.join(suffixes[:-1])} or {suffixes[-1]}"
        raise UsageError(message)
    if suffix == ".parquet" and importlib.util.find_spec("pyarrow") is None:
        message = f"--out {safe_text(path.name)}: parquet needs pyarrow: pip install 'igfstrat[parquet]', or write .csv"
        raise UsageError(message)


def check_sheet_rows(n_rows: int, path: Path) -> None:
    """Make sure that a workbook can hold the rows.

    Parameters
    ----------
    n_rows : int
        Rows without the header.
    path : Path
        The file to come.

    Raises
    ------
    UsageError
        If it is a workbook and a sheet is too small.
    """
    if path.suffix.lower() == ".xlsx" and n_rows > MAX_SHEET_ROWS:
        message = f"{n_rows:,} rows; a sheet holds {MAX_SHEET_ROWS:,}: write --out as .csv or .parquet"
        raise UsageError(message)


def csv_bytes(table: pd.DataFrame, *, header: bool = True) -> bytes:
    """A table as csv, in UTF-8 with a byte-order mark so that spreadsheet programs read its letters.

    Parameters
    ----------
    table : DataFrame, one row an entry
        Text and numbers; missing values become empty cells.
    header : bool
        Whether the header and the byte-order mark come first; without, the rows continue an earlier piece.

    Returns
    -------
    bytes
        With text that could start a formula neutralised by an apostrophe.
    """
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\n")
    if header:
        writer.writerow([neutral_csv_text(str(name)) for name in table.columns])
    columns = [_csv_cells(table.iloc[:, i]) for i in range(table.shape[1])]
    writer.writerows(zip(*columns, strict=True))
    return buffer.getvalue().encode("utf-8-sig" if header else "utf-8", errors="backslashreplace")


def _csv_cells(values: pd.Series) -> list[str]:
    """Text of a column: words repeat, so each different one is looked at once."""
    if values.dtype.kind == "f":
        return ["" if value != value else repr(value) for value in values.tolist()]
    if values.dtype != object or not {type(value) for value in values.iloc[:1000]} <= {str, type(None)}:
        return [_csv_cell(value) for value in values]
    try:
        which, words = places_of(values)
    except TypeError:
        return [_csv_cell(value) for value in values]
    if not {type(word) for word in words} <= {
        str,
        type(None),
    }:  # 1, 1.0 and True are one level, and three texts
        return [_csv_cell(value) for value in values]
    found: list[str] = object_array(_csv_cell(word) for word in words)[which].tolist()
    return found


def _csv_cell(value: Any) -> str:
    if value is None or (isinstance(value, float) and np.isnan(value)):
        return ""
    if isinstance(value, str):
        return neutral_csv_text(value)
    return repr(float(value)) if isinstance(value, float) else str(value)


def arrow_table(table: pd.DataFrame, *, as_written: bool = True) -> Any:
    """A table as pyarrow holds it: text, numbers, and nothing else.

    Parameters
    ----------
    table : DataFrame, one row an entry
        Text and numbers.
    as_written : bool
        Whether text is held as strings; without, as a dictionary, which is smaller.

    Returns
    -------
    pyarrow.Table
        Text even where a column is empty; NaN and None as null.
    """
    import pyarrow as pa

    arrays = []
    for i in range(table.shape[1]):
        values = table.iloc[:, i]
        kind = pa.float64() if values.dtype.kind == "f" else pa.int64() if values.dtype.kind in "iu" else None
        if kind is None:
            coded = _text_array(values)
            arrays.append(coded.cast(pa.string()) if as_written else coded)
        else:
            arrays.append(pa.array(values.to_numpy(), type=kind, from_pandas=True))
    return pa.Table.from_arrays(arrays, names=[str(name) for name in table.columns])


def _written(column: Any) -> Any:
    import pyarrow as pa

    return column.cast(pa.string()) if pa.types.is_dictionary(column.type) else column


def _text_array(values: pd.Series) -> Any:
    import pyarrow as pa

    which, words = levels_of(values.to_numpy(dtype=object))
    texts = pa.array([str(word) for word in words], type=pa.string())
    return pa.DictionaryArray.from_arrays(pa.array(which, mask=which < 0), texts)


def _write_workbook(tables: ScoreTables, buffer: io.BytesIO) -> None:
    with xlsxwriter.Workbook(buffer, _OPTIONS) as workbook:
        # the same input gives the same bytes
        workbook.set_properties(
            {"title": "igfstrat scores", "comments": "research use only", "created": _EPOCH}
        )
        formats = {
            "header": workbook.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"}),
            "computed": workbook.add_format(
                {"bold": True, "bottom": 1, "text_wrap": True, "valign": "top", "bg_color": "#E4EEF5"}
            ),
            "number": workbook.add_format({"num_format": "0.000"}),
            "wrap": workbook.add_format({"text_wrap": True, "valign": "top"}),
        }
        _write_scores(workbook, formats, tables)
        for name in ("flags", "summary", "dictionary", "provenance"):
            _write_sheet(workbook.add_worksheet(name), formats, getattr(tables, name))


def _write_scores(workbook: Any, formats: dict[str, Any], tables: ScoreTables) -> None:
    sheet = workbook.add_worksheet("scores")
    table = tables.scores
    for j, name in enumerate(table.columns):
        sheet.write_string(0, j, str(name), formats["computed" if j >= tables.n_source_columns else "header"])
        values = table.iloc[:, j]
        is_source = j < tables.n_source_columns
        for i, value in enumerate(values, start=1):
            _write_cell(sheet, i, j, value, formats["number"], as_typed=is_source and j > 0)
        sheet.set_column(j, j, _width(str(name), values))
    sheet.freeze_panes(1, 1)
    _set_print(sheet)
    sheet.autofilter(0, 0, len(table), max(table.shape[1] - 1, 0))
    status = list(table.columns).index("row_status")
    letter = xlsxwriter.utility.xl_col_to_name(status, col_abs=True)
    for word, colour in _STATUS_COLOURS.items():
        rule = {
            "type": "formula",
            "criteria": f'={letter}2="{word}"',
            "format": workbook.add_format({"bg_color": colour}),
        }
        sheet.conditional_format(1, tables.n_source_columns, max(len(table), 1), table.shape[1] - 1, rule)


def _write_cell(sheet: Any, row: int, column: int, value: Any, number: Any, *, as_typed: bool) -> None:
    if value is None or (isinstance(value, float) and np.isnan(value)) or value == "":
        return
    if isinstance(value, str):
        figure = _typed_number(value) if as_typed else None
        if figure is None:
            sheet.write_string(row, column, value[:32_767])
        else:
            sheet.write_number(row, column, figure)
    elif isinstance(value, float):
        sheet.write_number(row, column, value, number)
    else:
        sheet.write_number(row, column, int(value))


def _typed_number(text: str) -> float | None:
    """Text that a workbook may hold as a number without losing a digit."""
    try:
        figure = float(text)
    except ValueError:
        return None
    exact = text == repr(figure) or (
        text == str(int(figure)) if figure.is_integer() and abs(figure) < 1e15 else False
    )
    return figure if np.isfinite(figure) and exact else None


def _write_sheet(sheet: Any, formats: dict[str, Any], table: pd.DataFrame) -> None:
    lines = [1] * len(table)
    for j, name in enumerate(table.columns):
        width = _width(str(name), table.iloc[:, j], limit=70)
        sheet.write_string(0, j, str(name), formats["header"])
        sheet.set_column(j, j, width, formats["wrap"])
        for i, value in enumerate(table.iloc[:, j]):
            lines[i] = max(lines[i], _n_lines(_shown(value), width))
            _write_cell(sheet, i + 1, j, value, None, as_typed=False)
    for i, n in enumerate(lines, start=1):  # not every program makes room for text that is broken into lines
        if n > 1:
            sheet.set_row(i, min(n * _LINE, _HIGHEST))
    sheet.freeze_panes(1, 0)
    _set_print(sheet)


@lru_cache(maxsize=1000)
def _n_lines(text: str, width: float) -> int:
    """Lines of a cell as broad as its column, which is measured in figures: letters are a little narrower."""
    n_letters = int(width * 1.1)
    if len(text) <= n_letters and "\n" not in text:
        return 1
    return sum(max(1, len(textwrap.wrap(part, n_letters))) for part in text.split("\n"))


def _set_print(sheet: Any) -> None:
    """On paper: the whole width on a page, the header on each."""
    sheet.set_landscape()
    sheet.set_paper(9)
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(0)


def _width(name: str, values: Iterable[Any], *, limit: int = 28) -> float:
    longest = max((len(_shown(value)) for value in list(values)[:200]), default=0)
    # text in wide headers wraps at the underscore-free width of a short column
    return float(min(max(longest + 2, min(len(name), 16) + 2, 8), limit))


def _shown(value: Any) -> str:
    if value is None or (isinstance(value, float) and np.isnan(value)):
        return ""
    return f"{value:.3f}" if isinstance(value, float) else str(value)
