"""The process that parses what may be hostile: bytes on its input, lines of JSON on its output.

It is started by path, alone: it imports nothing of igfstrat, limits itself before it reads, may
write no file, and says only text. Its end without a last line is its death, which its parent tells.
"""

import contextlib
import datetime as dt
import decimal
import gc
import io
import json
import math
import os
import sys
from array import array
from collections import Counter
from itertools import islice
from typing import Any, NoReturn

resource: Any = None
with contextlib.suppress(ImportError):  # Windows has no such limits
    import resource

# rows that are said at once; the first are few, so that a header doesn't make its column of figures one of text
_HEAD_ROWS = 40
_BLOCK_ROWS = 5_000
_BLOCK_CELLS = 1_000_000
# Excel keeps 15 digits of a number; a longer identifier typed as a number has already lost its end.
EXACT_BELOW = 1e15


class RefusalError(Exception):
    """What is wrong with a file, as a word that the parent knows."""


def main() -> None:
    """Read the job and the file, and say what is in it."""
    gc.disable()  # it ends before anything could pile up, and millions of cells are no cycles
    job = json.loads(sys.argv[1])
    sys.path[:] = job["sys_path"]
    _limit(job)
    data = b"" if job["kind"] == "pieces" else sys.stdin.buffer.read()
    try:
        READERS[job["kind"]](data, job)
    except RefusalError as refusal:
        _say({"refused": str(refusal)})
    except MemoryError:
        _say({"refused": "memory"})
    except ImportError as error:
        no_room = any(words in str(error) for words in ("allocate", "map segment", "memory"))
        _say({"refused": "memory" if no_room else "library"})
    except BaseException as error:
        # the parser's own panics do not descend from Exception; what an error says may quote the data
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        _say({"refused": "password" if type(error).__name__ == "PasswordError" else "damaged"})
    else:
        _say({"end": True})
    sys.stdout.buffer.flush()
    os._exit(0)  # libraries that die of a limit while they clean up have nothing to add


def _limit(job: dict[str, Any]) -> None:
    if resource is None:
        return
    for name, most in (
        ("RLIMIT_AS", job["memory"]),
        ("RLIMIT_CPU", math.ceil(job["seconds"])),
        ("RLIMIT_FSIZE", job["file_size"]),
        ("RLIMIT_CORE", 0),
    ):
        try:
            hard = resource.getrlimit(getattr(resource, name))[1]
            most = most if hard == resource.RLIM_INFINITY else min(most, hard)
            resource.setrlimit(getattr(resource, name), (most, most))
        except (ValueError, OSError):
            continue  # macOS refuses some of them; the parent's clock still holds


def _refuse(why: str) -> NoReturn:
    raise RefusalError(why)


def _say(message: dict[str, Any]) -> None:
    sys.stdout.buffer.write(json.dumps(message).encode("ascii") + b"\n")


class Speaker:
    """Says blocks of rows, column by column: a line of JSON with the words, then the bytes of all columns."""

    def __init__(self, job: dict[str, Any]) -> None:
        self.n_left = job["cells"]

    def say(self, n_rows: int, columns: list[tuple[list[str] | None, bytes]]) -> None:
        """One block; of each column its words and the place of each row's among them, or no words and its figures."""
        self.n_left -= n_rows * len(columns)
        if self.n_left < 0:
            _refuse("cells")
        _say({"n": n_rows, "columns": [words for words, _ in columns]})
        for _, data in columns:
            sys.stdout.buffer.write(data)


def _pack(column: Any) -> tuple[list[str] | None, bytes]:
    """Values of a column as figures (float64, NaN where empty) if all are such, else as words and their places (int32)."""
    kinds = set(map(type, column))
    if kinds == {float}:
        return None, array("d", column).tobytes()
    if float in kinds and kinds <= _OF_FIGURES and not any(v for v in column if type(v) is str):
        return None, array("d", [v if type(v) is float else math.nan for v in column]).tobytes()
    texts = column if kinds == {str} else [text_of(value) for value in column]
    place = dict(zip(dict.fromkeys(texts), range(len(texts)), strict=False))
    return list(place), array("i", map(place.__getitem__, texts)).tobytes()


# a column of which holds figures, and nothing beside them
_OF_FIGURES = frozenset({float, str, type(None)})


def read_workbook(data: bytes, job: dict[str, Any]) -> None:
    """Sheets of an xlsx or xls."""
    import python_calamine as calamine

    workbook = calamine.CalamineWorkbook.from_filelike(io.BytesIO(data))
    speaker = Speaker(job)
    for sheet in workbook.sheets_metadata:
        if _word(sheet.typ) != "WorkSheet":
            continue
        found = workbook.get_sheet_by_name(sheet.name)
        above, left = found.start or (0, 0)
        _say({"sheet": sheet.name, "hidden": _word(sheet.visible) != "Visible", "above": above, "left": left})
        if found.start is None:
            continue
        if (found.height + above) * (found.width + left) > job["cells"]:
            _refuse("cells")
        marks, rows, size = Marks(above, left), iter(found.iter_rows()), _HEAD_ROWS
        while block := list(islice(rows, size)):
            columns = list(zip(*block, strict=True))
            packed = [_pack(column) for column in columns]
            marks.look(columns, [words for words, _ in packed])
            speaker.say(len(block), packed)
            size = _BLOCK_ROWS
        marks.say()


class Marks:
    """What the types of cells say beside their text."""

    def __init__(self, above: int, left: int) -> None:
        self.left = left
        self.n = above
        self.rounded: list[Any] = []
        self.text_numbers: Counter[int] = Counter()
        self.numbers: Counter[int] = Counter()

    def look(self, columns: list[tuple[Any, ...]], words: list[list[str] | None]) -> None:
        """The next rows, by column; figures that are said as such are looked at by who gets them."""
        for j, (column, own) in enumerate(zip(columns, words, strict=True), self.left):
            if own is None:
                self.numbers[j] += len(column) - column.count("")
                continue
            n_numbers = sum(type(v) in _NUMBERS for v in column) if set(map(type, column)) & _NUMBERS else 0
            self.numbers[j] += n_numbers
            if n_numbers:
                self.rounded += [(i, j) for i, v in enumerate(column, self.n + 1) if _is_rounded(v)]
            numeric = {word for word in own if word[:1] in _STARTS and _is_number(word)}
            if numeric:
                self.text_numbers[j] += sum(type(v) is str and v in numeric for v in column)
        self.n += len(columns[0])

    def say(self) -> None:
        """What was noticed."""
        mostly = [j for j, n in self.text_numbers.items() if n > self.numbers[j]]
        _say({"rounded": self.rounded, "text_numbers": mostly})


_NUMBERS = frozenset({int, float})


def _is_rounded(value: object) -> bool:
    return isinstance(value, (int, float)) and abs(value) >= EXACT_BELOW


def _word(value: object) -> str:
    return str(value).rsplit(".", 1)[-1]


# of a number; most words are told by it
_STARTS = frozenset("0123456789-+.")


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return len(text) < 40


def text_of(value: object) -> str:
    """A value as text that loses nothing: a number in its shortest exact form, a date in its ISO form."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float):
        if math.isnan(value):
            return ""
        return str(int(value)) if value.is_integer() and abs(value) < 1e22 else repr(value)
    if isinstance(value, dt.datetime):
        return value.date().isoformat() if value.time() == dt.time() else value.isoformat(sep=" ")
    if isinstance(value, (dt.date, dt.time)):
        return value.isoformat()
    if isinstance(value, decimal.Decimal):
        return format(value, "f")
    if isinstance(value, (bytes, bytearray, list, dict, tuple)):
        _refuse("nested")
    return str(value)


def read_parquet(data: bytes, job: dict[str, Any]) -> None:
    """Columns of a parquet file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    pa.set_cpu_count(1)
    file = pq.ParquetFile(io.BytesIO(data))
    n_columns = len(file.schema_arrow.names)
    if file.metadata.num_rows * max(n_columns, 1) > job["cells"]:
        _refuse("cells")
    _say({"sheet": None, "hidden": False})
    speaker = Speaker(job)
    speaker.say(1, [_pack([str(name)]) for name in file.schema_arrow.names])
    size = min(max(_BLOCK_CELLS // max(n_columns, 1), 1_000), 10 * _BLOCK_ROWS)
    for batch in file.iter_batches(batch_size=size, use_threads=False):
        speaker.say(len(batch), [_pack_arrow(column, pa) for column in batch.columns])
    _say({"rounded": [], "text_numbers": []})


def _pack_arrow(column: Any, pa: Any) -> tuple[list[str] | None, bytes]:
    """As `_pack` does, without an object for each value."""
    kind = column.type
    if pa.types.is_nested(kind):
        _refuse("nested")
    if pa.types.is_float64(kind) or pa.types.is_integer(kind):
        with contextlib.suppress(pa.ArrowInvalid):  # an integer of more digits than a float64 holds
            return None, column.cast(pa.float64()).to_numpy(zero_copy_only=False).tobytes()
    try:
        encoded = column if pa.types.is_dictionary(kind) else column.dictionary_encode()
    except pa.ArrowNotImplementedError:
        return _pack(arrow_text(column, pa))
    places = (
        encoded.indices.cast(pa.int32()).fill_null(len(encoded.dictionary)).to_numpy(zero_copy_only=False)
    )
    return [*arrow_text(encoded.dictionary, pa), ""], places.tobytes()


def arrow_text(column: Any, pa: Any) -> list[str]:
    """Values of an arrow array as text that loses nothing."""
    kind = column.type
    if pa.types.is_timestamp(kind):
        # nanoseconds would need pandas; nobody's follow-up is measured in them
        column = column.cast(pa.timestamp("us", tz=kind.tz), safe=False)
        return [text_of(value.replace(tzinfo=None) if value else None) for value in column.to_pylist()]
    if pa.types.is_float32(kind) or pa.types.is_float16(kind):
        # 0.1 as a float32 is 0.1, not 0.10000000149
        return [text_of(None if v is None else float(str(v))) for v in column.to_numpy(zero_copy_only=False)]
    return [text_of(value) for value in column.to_pylist()]


def read_stats(data: bytes, job: dict[str, Any]) -> None:
    """Variables of a file of SAS, SPSS or Stata."""
    import pyreadstat  # type: ignore[import-not-found,unused-ignore]

    readers = {
        "xpt": pyreadstat.read_xport,
        "sas7bdat": pyreadstat.read_sas7bdat,
        "sav": pyreadstat.read_sav,
        "dta": pyreadstat.read_dta,
    }
    read = readers[job["format"]]
    path = _path_of(data, job)
    columns, meta = read(path, output_format="dict", row_limit=1)
    n_columns = len(meta.column_names)
    if (meta.number_rows or 0) * n_columns > job["cells"]:
        _refuse("cells")
    columns, meta = read(path, output_format="dict")
    _say({"sheet": None, "hidden": False})
    speaker = Speaker(job)
    speaker.say(1, [_pack([name]) for name in meta.column_names])
    packed = [_pack(columns[name]) for name in meta.column_names]
    speaker.say(max((len(values) for values in columns.values()), default=0), packed)
    labels = {
        str(name): {text_of(code): str(label) for code, label in words.items()}
        for name, words in (meta.variable_value_labels or {}).items()
    }
    _say({"rounded": [], "text_numbers": [], "labels": labels})


def read_pieces(_: bytes, job: dict[str, Any]) -> None:
    """Rows of a parquet file that is the standard input itself, each piece as an arrow stream of its own."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    pa.set_cpu_count(1)
    file = pq.ParquetFile(sys.stdin.buffer)
    _say({"rows": file.metadata.num_rows})
    _say_arrow([], file.schema_arrow, pa)
    batches = file.iter_batches(batch_size=job["size"], use_threads=False)
    for batch in batches if job["most"] is None else islice(batches, job["most"]):
        _say_arrow([batch], file.schema_arrow, pa)


def _say_arrow(batches: list[Any], schema: Any, pa: Any) -> None:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, schema) as writer:
        for batch in batches:
            writer.write_batch(batch)
    data = sink.getvalue()
    _say({"arrow": data.size})
    sys.stdout.buffer.write(data)


def _path_of(data: bytes, job: dict[str, Any]) -> str:
    """The library wants a path: that of memory holding the bytes that were looked at, where there is such."""
    if not hasattr(os, "memfd_create"):
        return str(job["path"])
    handle = os.memfd_create("table")
    with open(handle, "wb", closefd=False) as file:
        file.write(data)
    return f"/proc/self/fd/{handle}"


READERS = {"workbook": read_workbook, "parquet": read_parquet, "stats": read_stats, "pieces": read_pieces}

if __name__ == "__main__":
    main()
