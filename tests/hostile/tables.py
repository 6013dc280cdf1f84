"""Makers of cohort files: the good cohort, one thing done to its cells, its header or its bytes. As csv and as xlsx."""

import csv
import io
import re
from dataclasses import dataclass, field

import xlsxwriter

from tests.conftest import HEADER, table_of

_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")


@dataclass(frozen=True)
class Variant:
    """One file (or command) of a kind.

    `make(folder)` leaves what is needed there and returns the arguments after `igfstrat`, without `--out`.
    """

    name: str
    make: object
    ends: tuple | None = None  # where it differs from that of its row
    words: str | None = None
    out: str = "out.csv"


@dataclass(frozen=True)
class Row:
    """One row of the contract: a kind of input, its class, and the words of its message.

    `words` reads as the contract does: a comma joins what must all be said, "or" what may stand for each other.
    """

    kind: str
    name: str
    ends: tuple
    words: str
    variants: tuple = field(repr=False)
    then: object = None  # looks at what came of it


def said(words, text):
    """The parts of `words` that a message lacks."""
    text = text.casefold()
    groups = [group.split(" or ") for group in words.split(", ")] if words else []
    return [group for group in groups if not any(word.casefold().strip() in text for word in group)]


# ---- tables


def rows_with(changes, n=60):
    """The good table with cells changed: {column: {spreadsheet row: text} or function of row and text}."""
    rows = table_of(n)
    for column, change in changes.items():
        at = rows[0].index(column)
        for number, row in enumerate(rows[1:], start=2):
            row[at] = change(number, row[at]) if callable(change) else change.get(number, row[at])
    return rows


def renamed(names, n=60):
    rows = table_of(n)
    rows[0] = [names.get(header, header) for header in rows[0]]
    return rows


def without(*columns, n=60):
    rows = table_of(n)
    keep = [i for i, header in enumerate(rows[0]) if header not in columns]
    return [[row[i] for i in keep] for row in rows]


def with_columns(columns, n=60):
    """The good table with columns added: {header: function of the row's number from 0}."""
    rows = table_of(n)
    for header, cell in columns.items():
        rows[0].append(header)
        for i, row in enumerate(rows[1:]):
            row.append(cell(i))
    return rows


def csv_of(rows, *, encoding="utf-8", end="\n", **dialect):
    buffer = io.StringIO(newline="")
    csv.writer(buffer, lineterminator=end, **dialect).writerows(rows)
    return buffer.getvalue().encode(encoding)


def xlsx_of(rows, *, edit=None, typed=True, name="Cohort", above=(), first_typed=1, **options):
    """A workbook; `edit(book, sheet)` does what cells can't show, before it is closed."""
    buffer = io.BytesIO()
    fixed = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(buffer, fixed | options) as book:
        sheet = book.add_worksheet(name)
        for i, row in enumerate([*above, *rows]):
            for j, text in enumerate(row):
                if typed and j >= first_typed and _NUMBER.fullmatch(text):
                    sheet.write_number(i, j, float(text))
                elif text != "":
                    sheet.write_string(i, j, text)
        if edit:
            edit(book, sheet)
    return buffer.getvalue()


def column_of(header):
    return HEADER.index(header)


# ---- variants


def bytes_as(name, content, *more):
    """A maker of a file of such bytes (or a function of none that gives them)."""

    def make(folder):
        path = folder / name
        path.write_bytes(content() if callable(content) else content)
        return ["score", path.name, "--plan", "breast", *more]

    return make


def file(name, file_name, content, ends=None, words=None, more=()):
    return Variant(name, bytes_as(file_name, content, *more), ends, words)


def both(name, rows, ends=None, words=None):
    """The same table as csv and as xlsx."""
    return (
        Variant(f"{name}, csv", bytes_as("c.csv", lambda: csv_of(rows())), ends, words),
        Variant(f"{name}, xlsx", bytes_as("c.xlsx", lambda: xlsx_of(rows())), ends, words, out="out.xlsx"),
    )


def cells(column, change, ends=None, words=None):
    name = f"{column} {change if isinstance(change, dict) else 'changed'}"
    return both(name[:60], lambda: rows_with({column: change}), ends, words)


def only_csv(name, rows, ends=None, words=None):
    return both(name, rows, ends, words)[:1]


def only_xlsx(name, rows, ends=None, words=None):
    return both(name, rows, ends, words)[1:]
