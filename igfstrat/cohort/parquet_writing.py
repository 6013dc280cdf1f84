"""Writing a table as parquet from its pieces: equal rows are equal bytes, however they are cut."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any, Final

from igfstrat.files import atomic_path

ROW_GROUP: Final = 131_072
# a group of a wide table has fewer rows, so that memory doesn't grow with the width
_MOST_CELLS: Final = 6_000_000
# a column is written with its different values apart where in the first row group each comes twice on the average
_OFTEN: Final = 0.5


def write_parquet(pieces: Iterable[Any], path: Path) -> None:
    """Write pieces of one table as parquet, in row groups of a size that its width decides.

    Parameters
    ----------
    pieces : iterable of pyarrow.Table
        In their order, of one schema; only a row group of them is held at a time. A dictionary holds its words in the
        order in which they come first; it is written as it stands where a piece is a row group.
    path : Path
        Ends in .parquet. Equal rows give equal bytes, however they are cut into pieces.
    """
    import pyarrow.parquet as pq

    coming = iter(pieces)
    first = next(coming)
    keeps_codes = _says_its_types(first.schema)
    schema = first.schema if keeps_codes else _text_schema(first.schema)
    with atomic_path(path) as temporary:
        size = max(1, min(ROW_GROUP, _MOST_CELLS // max(len(schema), 1)))
        groups = _groups(chain([first], coming), size, keeps_codes=keeps_codes)
        group = next(groups, first)
        with pq.ParquetWriter(
            temporary, schema.remove_metadata(), compression="snappy", store_schema=not keeps_codes,
            use_dictionary=_worth_coding(group),
        ) as writer:  # fmt: skip
            for rows in chain([group], groups):
                _write_group(writer, rows)


def _groups(pieces: Iterable[Any], size: int, *, keeps_codes: bool) -> Iterator[Any]:
    """Row groups; a piece that is one goes through as it stands."""
    import pyarrow as pa

    waiting, n = [], 0
    for piece in pieces:
        if keeps_codes and not n and len(piece) == size:
            yield piece
            continue
        waiting.append(piece.cast(_text_schema(piece.schema)))
        n += len(piece)
        while n >= size:
            joined = pa.concat_tables(waiting)
            yield joined.slice(0, size)
            waiting = [joined.slice(size)]
            n -= size
    if n:
        yield pa.concat_tables(waiting)


def _worth_coding(group: Any) -> list[str]:
    """Columns whose values come back: among the others parquet looks for some in vain, which takes a third of the time."""
    import pyarrow as pa
    import pyarrow.compute as pc

    found = []
    for name, column in zip(group.column_names, group.columns, strict=True):
        if pa.types.is_dictionary(column.type):
            column = column.combine_chunks().indices
        try:
            n_different = pc.count_distinct(column).as_py()
        except pa.ArrowNotImplementedError:
            n_different = 0
        if n_different <= _OFTEN * len(group):
            found.append(name)
    return found


def _write_group(writer: Any, table: Any) -> None:
    """Rows of a group, their words coded in the order in which they come first, as those of a whole piece are."""
    import pyarrow as pa

    table = table.combine_chunks()
    for i, field in enumerate(writer.schema):
        if pa.types.is_dictionary(field.type) and not pa.types.is_dictionary(table.schema.field(i).type):
            table = table.set_column(i, field, table.column(i).combine_chunks().dictionary_encode())
    writer.write_table(table, row_group_size=ROW_GROUP)


def _says_its_types(schema: Any) -> bool:
    """Whether parquet alone tells the types, without arrow's schema beside it, which would tell of dictionaries too."""
    import pyarrow as pa

    known = {
        pa.string(),
        pa.float64(),
        pa.float32(),
        pa.int64(),
        pa.int32(),
        pa.int16(),
        pa.int8(),
        pa.bool_(),
        pa.date32(),
    }
    return all(f.type in known or pa.types.is_dictionary(f.type) for f in schema)


def _text_schema(schema: Any) -> Any:
    """Text as strings, and nothing beside the columns: equal rows are equal bytes."""
    import pyarrow as pa

    return pa.schema(
        [pa.field(f.name, f.type.value_type if pa.types.is_dictionary(f.type) else f.type) for f in schema]
    )
