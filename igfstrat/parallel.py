"""Mapping a function over ranges of replicates: in processes, threads or on a dask cluster, resumable.

Replicates are numbered from 0 and cut into blocks of a fixed size. The function gets a range and returns arrays with
one row a replicate, which may depend on the numbers in the range alone; then the bytes of every block are the same for any
number of workers, backend, interruption, or number of replicates asked for before. Blocks come back in their order, and
only a few are held at a time. A checkpoint is a file a computed range, named by the content of the job, written whole
or not at all and never changed; what a file doesn't cover is computed. Nothing is ever pickled to disk.
"""

from __future__ import annotations

import hashlib
import importlib
import io
import json
import re
import warnings
import zipfile
import zlib
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt
from joblib import Parallel, delayed, effective_n_jobs, parallel_config

from igfstrat.errors import UsageError, safe_text
from igfstrat.files import atomic_path, make_folder

Rows = dict[str, npt.NDArray[Any]]
Work = Callable[[int, int], Rows]
Progress = Callable[[int, int], None]
Backend = Literal["processes", "threads"]

_JOBLIB_NAMES: Final = {"processes": "loky", "threads": "threading"}
_KEY_DIGITS: Final = 32
_CHECKPOINT: Final = re.compile(r"([0-9a-f]{32})-(\d{12})-(\d{12})\.npz")
_AHEAD: Final = 8  # blocks of a worker that may wait to be handed on: bounds the memory


@dataclass(frozen=True, slots=True)
class Block:
    """The rows of a range of replicates.

    Parameters
    ----------
    start, stop : int
        The range, `stop` not included.
    rows : dict of ndarray
        Arrays with `stop - start` rows.
    """

    start: int
    stop: int
    rows: Rows


def keyed_sequence(seed: int, *key: int | str) -> np.random.SeedSequence:
    """A random stream of its own for each key.

    Parameters
    ----------
    seed : int
        Of the whole job, >= 0.
    *key : int or str
        What the stream is for; words are hashed.

    Returns
    -------
    numpy.random.SeedSequence
        The same for the same seed and key, on every machine.

    Examples
    --------
    >>> states = [keyed_sequence(1, *key).generate_state(1)[0] for key in (("a", 7), ("a", 7), ("a", 8))]
    >>> bool(states[0] == states[1]), bool(states[0] == states[2])
    (True, False)
    """
    return np.random.SeedSequence(seed, spawn_key=tuple(n for part in key for n in _numbers(part)))


def _numbers(part: int | str) -> tuple[int, ...]:
    if isinstance(part, int):  # a mark in front keeps numbers apart from words, and long ones from several
        return (0, part & 0xFFFFFFFF, part >> 32)
    digest = hashlib.sha256(part.encode()).digest()
    return (1, int.from_bytes(digest[:4], "little"), int.from_bytes(digest[4:8], "little"))


def stream_key(seed: int, *key: int | str) -> np.uint64:
    """A 64-bit key for the counter-based streams of compiled kernels.

    Parameters
    ----------
    seed : int
        Of the whole job, >= 0.
    *key : int or str
        What the stream is for.

    Returns
    -------
    numpy.uint64
        The same for the same seed and key, on every machine.

    Examples
    --------
    >>> len({int(stream_key(1, name)) for name in ("outcomes", "outcomes", "assay")})
    2
    """
    return np.uint64(keyed_sequence(seed, *key).generate_state(1, np.uint64)[0])


def content_key(content: Any) -> str:
    """The name of a job in its checkpoints: a hash of everything that decides its numbers.

    Parameters
    ----------
    content : Any
        Plain values: dicts, lists, text, numbers, booleans, None. The order of keys doesn't matter.

    Returns
    -------
    str
        32 hexadecimal digits.

    Examples
    --------
    >>> content_key({"a": 1, "b": 2}) == content_key({"b": 2, "a": 1}), content_key({"a": 1}) == content_key({"a": 1.5})
    (True, False)
    """
    text = json.dumps(content, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:_KEY_DIGITS]


def map_replicates(
    work: Work,
    replicates: int,
    *,
    block: int,
    n_jobs: int = 1,
    backend: Backend = "processes",
    cluster: str | None = None,
    checkpoints: Path | None = None,
    key: str | None = None,
    progress: Progress | None = None,
) -> Iterator[Block]:
    """Compute replicates block by block, in their order.

    Parameters
    ----------
    work : callable
        Takes a start and a stop, returns arrays with a row a replicate; a function of a module, or a
        `functools.partial` of one, where it goes to other processes.
    replicates : int
        How many, >= 1.
    block : int
        Rows of a block, >= 1; part of the format of the checkpoints.
    n_jobs : int
        Workers; -1 for one a processor.
    backend : str
        ``processes``, or ``threads`` for work that lets go of the interpreter's lock.
    cluster : str, optional
        Address of a dask scheduler, whose workers are used instead.
    checkpoints : Path, optional
        Folder of the checkpoints; it is made where it is missing.
    key : str, optional
        Name of the job, of `content_key`; needed with `checkpoints`.
    progress : callable, optional
        Called with the replicates done, those of checkpoints too, and `replicates`.

    Yields
    ------
    Block
        `block` replicates each, the last one what is left.

    Raises
    ------
    UsageError
        If a number is out of range, the key is no key, dask is not installed, or no scheduler answers.
    StorageError
        If a checkpoint can't be written.

    Examples
    --------
    >>> blocks = map_replicates(lambda start, stop: {"z": np.arange(start, stop)}, 5, block=2)
    >>> [block.rows["z"].tolist() for block in blocks]
    [[0, 1], [2, 3], [4]]
    """
    _check(replicates, block, n_jobs, checkpoints, key)
    store = _Store(checkpoints, str(key)) if checkpoints is not None else None
    starts = range(0, replicates, block)
    with open_pool(backend, n_jobs, cluster) as (pool, workers):
        for first in range(0, len(starts), workers * _AHEAD):
            wave = [(a, min(a + block, replicates)) for a in starts[first : first + workers * _AHEAD]]
            for computed in _wave(pool, work, wave, store):
                if progress:
                    progress(computed.stop, replicates)
                yield computed


def _check(replicates: int, block: int, n_jobs: int, checkpoints: Path | None, key: str | None) -> None:
    if replicates < 1 or block < 1 or n_jobs == 0:
        message = f"replicates and block must be >= 1 and n_jobs not 0; found {replicates}, {block}, {n_jobs}"
        raise UsageError(message)
    if checkpoints is not None and not re.fullmatch(rf"[0-9a-f]{{{_KEY_DIGITS}}}", key or ""):
        message = f"checkpoints need a key of {_KEY_DIGITS} hexadecimal digits; found {safe_text(key)}"
        raise UsageError(message)


@contextmanager
def open_pool(
    backend: Backend, n_jobs: int, cluster: str | None, *, large: bool = False
) -> Iterator[tuple[Any, int]]:
    """Workers, and how many.

    Parameters
    ----------
    backend : str
        ``processes`` or ``threads``.
    n_jobs : int
        Workers; -1 for one a processor.
    cluster : str or None
        Address of a dask scheduler, whose workers are used instead.
    large : bool
        Whether each task takes long and much room: then they go out one by one, and few are ahead.

    Yields
    ------
    tuple of joblib.Parallel and int
        Results come in the order of the tasks: one by one, from a cluster all at once.

    Raises
    ------
    UsageError
        If dask is not installed, or no scheduler answers.
    """
    with ExitStack() as stack:
        if cluster is None:
            name, form = _JOBLIB_NAMES[backend], "generator"
        else:
            stack.enter_context(_dask_client(cluster))
            name, form, n_jobs = "dask", "list", -1  # joblib's dask backend has no generators
        stack.enter_context(parallel_config(backend=name, n_jobs=n_jobs))
        workers = max(effective_n_jobs(n_jobs), 1)
        one_by_one: dict[str, Any] = {"batch_size": 1, "pre_dispatch": "n_jobs + 1"} if large else {}
        # what a worker gets goes through its pipe: never as a pickle into a folder
        yield stack.enter_context(Parallel(return_as=form, max_nbytes=None, **one_by_one)), workers


def _dask_client(cluster: str) -> Any:
    try:
        distributed = importlib.import_module("distributed")
    except ImportError as error:
        message = "a cluster needs dask: pip install 'igfstrat[dask]', or leave --cluster out"
        raise UsageError(message) from error
    try:
        return distributed.Client(cluster, timeout="15s")
    except (OSError, ValueError, TimeoutError) as error:
        message = (
            f"no dask scheduler answers at {safe_text(cluster)}; give an address such as tcp://host:8786"
        )
        raise UsageError(message) from error


def _wave(pool: Any, work: Work, ranges: Sequence[tuple[int, int]], store: _Store | None) -> Iterator[Block]:
    """Blocks of some ranges: what is stored is read, the gaps are computed side by side and stored as they come."""
    plans = [store.plan(a, b) if store else [_Piece(a, b, None)] for a, b in ranges]
    gaps = [piece for plan in plans for piece in plan if piece.path is None]
    with _results(pool, work, gaps) as fresh:
        for (start, stop), plan in zip(ranges, plans, strict=True):
            yield Block(start, stop, _stacked([_rows(piece, work, fresh, store) for piece in plan]))


@contextmanager
def _results(pool: Any, work: Work, gaps: Sequence[_Piece]) -> Iterator[Iterator[Rows]]:
    """Rows of each gap in order, computed ahead; whoever stops early cancels the rest."""
    fresh = pool(delayed(work)(gap.start, gap.stop) for gap in gaps) if gaps else []
    try:
        yield iter(fresh)
    finally:
        if not isinstance(fresh, list):
            with warnings.catch_warnings():  # stopping early is what the caller wants, and joblib warns of it
                warnings.simplefilter("ignore", UserWarning)
                fresh.close()


def _rows(piece: _Piece, work: Work, fresh: Iterator[Rows], store: _Store | None) -> Rows:
    stored = store.read(piece) if store and piece.path else None
    if stored is not None:
        return stored
    # a stored range that turns out to be damaged is computed here and now
    rows = next(fresh) if piece.path is None else work(piece.start, piece.stop)
    assert all(len(column) == piece.stop - piece.start for column in rows.values())
    if store:
        store.write(piece.start, piece.stop, rows)
    return rows


def _stacked(parts: Sequence[Rows]) -> Rows:
    if len(parts) == 1:
        return parts[0]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


@dataclass(frozen=True, slots=True)
class _Piece:
    """A range, and the file that holds it, or None where it is to be computed."""

    start: int
    stop: int
    path: Path | None


class _Store:
    """The checkpoints of one job in a folder, as they were when it began."""

    def __init__(self, folder: Path, key: str) -> None:
        make_folder(folder)
        self._folder, self._key = folder, key
        stops: dict[int, int] = {}
        for path in folder.iterdir():
            match = _CHECKPOINT.fullmatch(path.name)
            if match and match[1] == key and int(match[2]) < int(match[3]):
                stops[int(match[2])] = max(int(match[3]), stops.get(int(match[2]), 0))
        self._stops = stops
        self._starts = sorted(stops)

    def plan(self, start: int, stop: int) -> list[_Piece]:
        """Stored pieces and gaps that make up a range."""
        plan, at = [], start
        while at < stop:
            place = bisect_right(self._starts, at)
            held = self._starts[place - 1] if place else -1
            if held >= 0 and self._stops[held] > at:
                end = min(self._stops[held], stop)
                plan.append(_Piece(at, end, self._path(held, self._stops[held])))
            else:
                end = min(self._starts[place], stop) if place < len(self._starts) else stop
                plan.append(_Piece(at, end, None))
            at = end
        return plan

    def _path(self, start: int, stop: int) -> Path:
        return self._folder / f"{self._key}-{start:012d}-{stop:012d}.npz"

    def read(self, piece: _Piece) -> Rows | None:
        """The rows of a stored piece, or None where the file is damaged."""
        assert piece.path is not None
        first, last = (int(part) for part in piece.path.stem.split("-")[1:])
        try:
            # from memory: numpy leaves a file open that it can't read
            with np.load(io.BytesIO(piece.path.read_bytes()), allow_pickle=False) as stored:
                rows = {name.removeprefix("rows_"): stored[name] for name in stored.files}
        except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile, zlib.error):
            return None
        if not rows or any(column.ndim == 0 or len(column) != last - first for column in rows.values()):
            return None
        return {name: column[piece.start - first : piece.stop - first] for name, column in rows.items()}

    def write(self, start: int, stop: int, rows: Rows) -> None:
        """Store computed rows under the name of their range."""
        assert not any(column.dtype.hasobject for column in rows.values())
        with atomic_path(self._path(start, stop)) as temporary:
            # a prefix, so that no column is taken for an argument of savez
            np.savez(temporary, **{f"rows_{name}": column for name, column in rows.items()})  # type: ignore[arg-type]
