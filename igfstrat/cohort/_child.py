"""The process that parses what may be hostile: bytes on its input, lines of JSON on its output.

It is started by path, alone: it imports nothing of igfstrat, limits itself before it reads, may
write no file, and says only text. Its end without a last line is its death, which its parent tells.
"""

import contextlib
import datetime as dt
import decimal
import io
import json
import math
import os
import sys
from typing import Any, NoReturn

resource: Any = None
with contextlib.suppress(ImportError):  # Windows has no such limits
    import resource

_ROWS_A_LINE = 500
# Excel keeps 15 digits of a number; a longer identifier typed as a number has already lost its end.
_EXACT_BELOW = 1e15


class RefusalError(Exception):
    """What is wrong with a file, as a word that the parent knows."""


def main() -> None:
    """Read the job and the file, and say what is in it."""
    job = json.loads(sys.argv[1])
    sys.path[:] = job["sys_path"]
    _limit(job)
    data = sys.stdin.buffer.read()
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


def _say_rows(rows: Any, most_cells: int) -> None:
    held: list[Any] = []
    n_cells = 0
    for row in rows:
        held.append(row)
        n_cells += len(row)
        if n_cells > most_cells:
            _refuse("cells")
        if len(held) == _ROWS_A_LINE:
            _say({"rows": held})
            held = []
    _say({"rows": held})


def read_workbook(data: bytes, job: dict[str, Any]) -> None:
    """Sheets of an xlsx or xls."""
    import python_calamine as calamine

    workbook = calamine.CalamineWorkbook.from_filelike(io.BytesIO(data))
    for sheet in workbook.sheets_metadata:
        if _word(sheet.typ) != "WorkSheet":
            continue
        _say({"sheet": sheet.name, "hidden": _word(sheet.visible) != "Visible"})
        found = workbook.get_sheet_by_name(sheet.name)
        if found.start is None:
            continue
        above, left = found.start
        if (found.height + above) * (found.width + left) > job["cells"]:
            _refuse("cells")
        _say_rows(([] for _ in range(above)), job["cells"])
        marks = Marks()
        _say_rows((marks.look(row, above, left) for row in found.iter_rows()), job["cells"])
        marks.say()


class Marks:
    """Text of each cell, and what its type says beside it."""

    def __init__(self) -> None:
        self.rounded: list[Any] = []
        self.text_numbers: dict[int, int] = {}
        self.numbers: dict[int, int] = {}
        self.n = 0

    def look(self, values: list[Any], above: int, left: int) -> list[str]:
        """One row of values as text."""
        self.n += 1
        for j, value in enumerate(values, left):
            if isinstance(value, str):
                if value and value[0] in "0123456789-+." and _is_number(value):
                    self.text_numbers[j] = self.text_numbers.get(j, 0) + 1
            elif isinstance(value, (int, float)) and not isinstance(value, bool):
                self.numbers[j] = self.numbers.get(j, 0) + 1
                if abs(value) >= _EXACT_BELOW:
                    self.rounded.append((above + self.n, j))
        return [""] * left + [text_of(value) for value in values]

    def say(self) -> None:
        """What was noticed."""
        mostly = [j for j, n in self.text_numbers.items() if n > self.numbers.get(j, 0)]
        _say({"rounded": self.rounded, "text_numbers": mostly})


def _word(value: object) -> str:
    return str(value).rsplit(".", 1)[-1]


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
    _say_rows([[str(name) for name in file.schema_arrow.names]], job["cells"])
    rounded: list[Any] = []
    for batch in file.iter_batches(batch_size=20_000, use_threads=False):
        columns = [_arrow_text(batch.column(i), pa) for i in range(n_columns)]
        _say_rows((list(row) for row in zip(*columns, strict=True)), job["cells"])
    _say({"rounded": rounded, "text_numbers": []})


def _arrow_text(column: Any, pa: Any) -> list[str]:
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
    _say_rows([list(meta.column_names)], job["cells"])
    texts = [[text_of(v) for v in columns[name]] for name in meta.column_names]
    _say_rows((list(row) for row in zip(*texts, strict=True)), job["cells"])
    rounded = [
        (i, j)
        for j, name in enumerate(meta.column_names)
        for i, v in enumerate(columns[name], 2)
        if isinstance(v, float) and abs(v) >= _EXACT_BELOW
    ]
    labels = {
        str(name): {text_of(code): str(label) for code, label in words.items()}
        for name, words in (meta.variable_value_labels or {}).items()
    }
    _say({"rounded": rounded, "text_numbers": [], "labels": labels})


def _path_of(data: bytes, job: dict[str, Any]) -> str:
    """The library wants a path: that of memory holding the bytes that were looked at, where there is such."""
    if not hasattr(os, "memfd_create"):
        return str(job["path"])
    handle = os.memfd_create("table")
    with open(handle, "wb", closefd=False) as file:
        file.write(data)
    return f"/proc/self/fd/{handle}"


READERS = {"workbook": read_workbook, "parquet": read_parquet, "stats": read_stats}

if __name__ == "__main__":
    main()
