"""Writing a synthetic cohort of any size: drawn, disturbed and written block after block.

What a patient is depends on the configuration, the seed and the number of the block alone, and a
file on nothing else: neither the size of the chunks nor the number of workers shows in its bytes.
csv and parquet files are written in bounded memory; a workbook is held as a whole, since a sheet has
an end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import pandas as pd
from joblib import Parallel, delayed, effective_n_jobs

from igfstrat.cohort.writing import csv_bytes, write_plain_table
from igfstrat.errors import UsageError, safe_text
from igfstrat.files import atomic_path
from igfstrat.schema import find_endpoint_header, find_header
from igfstrat.synthetic.cohort import BLOCK, simulate_block
from igfstrat.synthetic.config import CohortConfig
from igfstrat.synthetic.realism import add_realism
from igfstrat.synthetic.realism_settings import RealismSettings

SUFFIXES: Final = (".csv", ".xlsx", ".parquet")
Progress = Callable[[int, int], None]
_Form = Literal["csv", "parquet", "frame"]

_MAX_SHEET_ROWS: Final = 1_048_575
# rows of a row group: part of the format of the file, so it doesn't follow the size of the chunks
_ROW_GROUP: Final = 1 << 17
# last key of the stream of realism, (seed, block, this): the generator has its own under the first few numbers
_REALISM_KEY: Final = 1000


def check_format(path: Path, n: int) -> None:
    """Make sure, before any drawing, that a cohort can be written so.

    Parameters
    ----------
    path : Path
        The file to come.
    n : int
        Patients.

    Raises
    ------
    UsageError
        If its suffix is unknown, a sheet can't hold the rows, or parquet needs a package that is not installed.
    """
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        message = f"--out {safe_text(path.name)}: write .csv, .xlsx or .parquet"
        raise UsageError(message)
    if suffix == ".xlsx" and n > _MAX_SHEET_ROWS:
        message = f"{n:,} rows; a sheet holds {_MAX_SHEET_ROWS:,}: write --out as .parquet or .csv"
        raise UsageError(message)
    if suffix == ".parquet":
        _arrow()


def write_cohort(
    config: CohortConfig,
    *,
    n: int,
    seed: int,
    path: Path,
    realism: RealismSettings | None = None,
    chunk_rows: int = 1 << 16,
    n_jobs: int = 1,
    progress: Progress | None = None,
) -> None:
    """Draw a cohort and write it as csv, xlsx or parquet, by suffix.

    Parameters
    ----------
    config : CohortConfig
        What is drawn.
    n : int
        Patients, >= 0; the first of them don't depend on how many follow.
    seed : int
        Of the random streams.
    path : Path
        Appears when it is whole; until then whatever stood there is untouched.
    realism : RealismSettings, optional
        How the table is disturbed; not at all by default.
    chunk_rows : int
        Rows that a worker draws at a time, rounded up to whole blocks; decides the memory, never the result.
    n_jobs : int
        Workers; -1 for one a processor.
    progress : callable, optional
        Called with the rows written so far and `n`.

    Raises
    ------
    UsageError
        If the format can't hold the cohort, or `n`, `chunk_rows` or `n_jobs` is out of range.
    StorageError
        If the disk is full or the folder can't be written.
    """
    check_format(path, n)
    if n < 0 or chunk_rows < 1 or n_jobs == 0:
        message = f"n must be >= 0, chunk_rows >= 1 and n_jobs not 0; found {n}, {chunk_rows}, {n_jobs}"
        raise UsageError(message)
    suffix = path.suffix.lower()
    form: _Form = "csv" if suffix == ".csv" else "parquet" if suffix == ".parquet" else "frame"
    chunks = _drawn(config, n, seed, realism or RealismSettings(), form, chunk_rows, n_jobs, progress)
    if form == "frame":
        write_plain_table(_joined(list(chunks)), path)
        return
    with atomic_path(path) as temporary:
        (_write_csv if form == "csv" else _write_parquet)(chunks, temporary)


def draw_cohort(
    config: CohortConfig, *, n: int, seed: int, realism: RealismSettings | None = None
) -> pd.DataFrame:
    """A cohort as one table in memory, the same patients that `write_cohort` writes.

    Parameters
    ----------
    config : CohortConfig
        What is drawn.
    n : int
        Patients, >= 0.
    seed : int
        Of the random streams.
    realism : RealismSettings, optional
        How the table is disturbed; not at all by default.

    Returns
    -------
    DataFrame, one row a patient
        Under convention headers.
    """
    blocks = (0, _n_blocks(n))
    table: pd.DataFrame = _draw_chunk(config, n, seed, realism or RealismSettings(), "frame", blocks)
    return table


def draw_block(
    config: CohortConfig, *, seed: int, block: int, realism: RealismSettings | None = None
) -> pd.DataFrame:
    """One block of a cohort, disturbed as asked.

    Parameters
    ----------
    config : CohortConfig
        What is drawn.
    seed : int
        Of the random streams.
    block : int
        Number of the block, from 0.
    realism : RealismSettings, optional
        How the table is disturbed; not at all by default.

    Returns
    -------
    DataFrame, one row a patient
        `BLOCK` rows under convention headers.
    """
    table = simulate_block(config, seed=seed, block=block)
    if realism is None or realism.is_off:
        return table
    stream = np.random.SeedSequence(seed, spawn_key=(block, _REALISM_KEY))
    return add_realism(table, realism, np.random.default_rng(stream))


def _drawn(
    config: CohortConfig,
    n: int,
    seed: int,
    realism: RealismSettings,
    form: _Form,
    chunk_rows: int,
    n_jobs: int,
    progress: Progress | None,
) -> Iterator[Any]:
    """Chunks in their order. Workers are handed one chunk each and waited for, so that no backlog grows."""
    step = -(-chunk_rows // BLOCK)
    starts = list(range(0, _n_blocks(n), step))
    jobs = (delayed(_draw_chunk)(config, n, seed, realism, form, (b, b + step)) for b in starts)
    workers = min(effective_n_jobs(n_jobs), len(starts))
    done = 0
    with Parallel(n_jobs=workers) as pool:
        for first in range(0, len(starts), workers):
            for chunk in pool(job for _, job in zip(starts[first : first + workers], jobs, strict=False)):
                yield chunk
                done = min(done + step * BLOCK, n)
                if progress:
                    progress(done, n)


def _n_blocks(n: int) -> int:
    # a cohort of nobody still has its headers
    return max(-(-n // BLOCK), 1)


def _draw_chunk(
    config: CohortConfig, n: int, seed: int, realism: RealismSettings, form: _Form, blocks: tuple[int, int]
) -> Any:
    tables = []
    for block in range(blocks[0], min(blocks[1], _n_blocks(n))):
        table = draw_block(config, seed=seed, block=block, realism=realism)
        tables.append(_as_form(table.iloc[: max(n - block * BLOCK, 0)], realism, form))
    if form == "csv":
        header, *_ = tables[0].split(b"\n", 1)
        return header, b"".join(table.split(b"\n", 1)[1] for table in tables)
    return _arrow()[0].concat_tables(tables) if form == "parquet" else _joined(tables)


def _joined(tables: list[pd.DataFrame]) -> pd.DataFrame:
    return pd.concat(tables, ignore_index=True)


def _as_form(table: pd.DataFrame, realism: RealismSettings, form: _Form) -> Any:
    if form == "csv":
        return csv_bytes(table)
    return arrow_table(table, text_headers=realism.text_headers) if form == "parquet" else table


def _write_csv(chunks: Iterable[tuple[bytes, bytes]], path: Path) -> None:
    with path.open("wb") as out:
        for i, (header, rows) in enumerate(chunks):
            if i == 0:
                # the byte-order mark stands in front of the first header alone
                out.write(header + b"\n")
            out.write(rows)


def _write_parquet(chunks: Iterable[Any], path: Path) -> None:
    # tables stay in pieces of one block each, so that pages end at the same rows for any size of the chunks
    pa, parquet = _arrow()
    waiting: list[Any] = []
    writer = None
    try:
        for chunk in chunks:
            writer = writer or parquet.ParquetWriter(str(path), chunk.schema, compression="zstd")
            waiting.append(chunk)
            while sum(len(part) for part in waiting) >= _ROW_GROUP:
                whole = pa.concat_tables(waiting)
                writer.write_table(whole.slice(0, _ROW_GROUP))
                waiting = [whole.slice(_ROW_GROUP)]
        if writer is not None and any(len(part) for part in waiting):
            writer.write_table(pa.concat_tables(waiting))
    finally:
        if writer is not None:
            writer.close()


def arrow_table(table: pd.DataFrame, *, text_headers: frozenset[str] = frozenset()) -> Any:
    """A cohort table for parquet, with types that follow from the headers and not from the values.

    Parameters
    ----------
    table : DataFrame, one row a patient
        Convention headers.
    text_headers : frozenset of str
        Headers of numbers that may hold text such as ``<25``: text as a whole.

    Returns
    -------
    pyarrow.Table, one row a patient
        Numbers and times as float64, events as int8, everything else as text; missing values are null.
    """
    pa, _ = _arrow()
    arrays = {}
    for header in map(str, table):
        kind = "text" if header in text_headers else _kind(header)
        values = table[header].to_numpy()
        if kind == "text":
            codes, words = pd.factorize(values)
            names = pa.array([str(word) for word in words], type=pa.string())
            arrays[header] = names.take(pa.array(codes, mask=codes < 0))
        else:
            figures = pd.to_numeric(table[header]).to_numpy(dtype=np.float64)
            numbers = pa.array(figures, from_pandas=True)
            arrays[header] = numbers.cast(pa.int8()) if kind == "event" else numbers
    return pa.table(arrays)


def _kind(header: str) -> str:
    endpoint = find_endpoint_header(header)
    if endpoint is not None:
        part = endpoint[1]
        return part if part == "event" else "number" if part in {"months", "days", "years"} else "text"
    column = find_header(header)
    return "number" if column is not None and column[0].kind == "number" else "text"


def _arrow() -> tuple[Any, Any]:
    """Pyarrow is an extra: only parquet needs it."""
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        message = "a .parquet file needs pyarrow: pip install 'igfstrat[parquet]', or write --out as .csv"
        raise UsageError(message) from error
    return pyarrow, parquet
