"""Writing without halves, hashing, manifests, and text that is safe to show.

Every file is written under a temporary name in its own folder, flushed to the disk and moved into
place, so that a reader finds the old file or the new one and never a part. Nothing here knows what
a cohort is.
"""

from __future__ import annotations

import csv
import functools
import hashlib
import importlib.metadata
import io
import json
import math
import os
import platform
import re
import secrets
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from igfstrat._version import __version__
from igfstrat.errors import Problem, StorageError, UsageError, safe_text

fcntl: Any = None
with suppress(ImportError):  # Windows has no such locks
    import fcntl

_PLAIN_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?", re.IGNORECASE | re.ASCII)
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_PROBLEM_COLUMNS = ("file", "sheet", "row", "cell", "column", "severity", "code", "value", "remedy")
_DEPENDENCIES = ("numpy", "scipy", "pandas", "scikit-learn", "lifelines", "numba", "matplotlib")


def neutral_csv_text(text: str) -> str:
    """Text that a spreadsheet program does not take for a formula.

    Parameters
    ----------
    text : str
        A cell of text.

    Returns
    -------
    str
        The text, with an apostrophe in front where it would start a formula; a plain number is none. Text that
        already begins with an apostrophe gets one more, so that taking one away always gives the original back.

    Examples
    --------
    >>> neutral_csv_text("=1+1"), neutral_csv_text("-1.5"), neutral_csv_text("luminal A")
    ("'=1+1", '-1.5', 'luminal A')
    """
    if _PLAIN_NUMBER.fullmatch(text):
        return text
    return "'" + text if text.startswith((*_FORMULA_STARTS, "'")) else text


def sha256_of(path: Path) -> str:
    """Hash of a file's bytes.

    Parameters
    ----------
    path : Path
        A readable file.

    Returns
    -------
    str
        64 hexadecimal digits.
    """
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def check_output_file(path: Path, *, force: bool, inputs: Sequence[Path] = ()) -> None:
    """Make sure, before any computing, that an output file may be written.

    Parameters
    ----------
    path : Path
        The file to come.
    force : bool
        Whether an existing file may be replaced.
    inputs : sequence of Path
        Files that are read and must not be written.

    Raises
    ------
    UsageError
        If the file exists and `force` is off, or is one of the inputs.
    StorageError
        If its folder is missing or cannot be written.
    """
    exists = _exists(path)
    if exists and any(_exists(source) and path.samefile(source) for source in inputs):
        message = f"{safe_text(path)} is both input and output; choose another name with --out"
        raise UsageError(message)
    if exists and not path.is_file():
        what = "a folder" if path.is_dir() else "not a regular file"
        message = f"{safe_text(path)} is {what}; name a file with --out"
        raise UsageError(message)
    if exists and not force:
        message = (
            f"{safe_text(path)} exists already; choose another name with --out, or replace it with --force"
        )
        raise UsageError(message)
    _check_folder(path.parent)


def check_output_folder(path: Path, *, force: bool) -> None:
    """Make sure, before any computing, that an output folder may be made or written. It isn't made here.

    Parameters
    ----------
    path : Path
        The folder to come.
    force : bool
        Whether files of an earlier run in it may be replaced.

    Raises
    ------
    UsageError
        If it holds an earlier run and `force` is off.
    StorageError
        If it is a file, or the nearest folder that exists cannot be written.
    """
    if _exists(path) and not path.is_dir():
        message = f"{safe_text(path)} is a file; name a folder with --out"
        raise StorageError(message)
    if _exists(path / "manifest.json") and not force:
        message = f"{safe_text(path)} holds an earlier run; choose another folder with --out, or replace it with --force"
        raise UsageError(message)
    nearest = next(folder for folder in (path, *path.absolute().parents) if _exists(folder))
    _check_folder(nearest)


def make_folder(path: Path) -> None:
    """Make a folder, and those above it.

    Parameters
    ----------
    path : Path
        The folder; it may exist.

    Raises
    ------
    StorageError
        If it cannot be made.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        message = f"cannot make the folder {safe_text(path)}: {error.strerror}"
        raise StorageError(message) from error


@contextmanager
def folder_lock(path: Path) -> Iterator[None]:
    """Keep other runs out of a folder while this one writes there; the end of the process ends it too.

    Parameters
    ----------
    path : Path
        The folder; it is made where it is missing. No file is left in it.

    Yields
    ------
    None
        While the folder is held.

    Raises
    ------
    StorageError
        If another run holds it.
    """
    make_folder(path)
    if fcntl is None:
        yield
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            message = (
                f"another run is writing to {safe_text(path)}; wait for its end, or choose another --out"
            )
            raise StorageError(message) from error
        except OSError:
            pass  # a file system without locks
        yield
    finally:
        os.close(handle)


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError as error:  # a name that is too long, a closed folder on the way
        message = f"cannot look at {safe_text(path)}: {error.strerror}"
        raise StorageError(message) from error


def _check_folder(folder: Path) -> None:
    if not folder.is_dir():
        message = f"the folder {safe_text(folder)} does not exist; make it first, or choose another --out"
        raise StorageError(message)
    if not os.access(folder, os.W_OK | os.X_OK):
        message = f"the folder {safe_text(folder)} cannot be written; choose another --out"
        raise StorageError(message)


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """A temporary name beside `path` that becomes `path` when the block ends well.

    Parameters
    ----------
    path : Path
        Where the finished file shall stand.

    Yields
    ------
    Path
        Write here. On an error it is removed, and whatever stood at `path` is untouched.

    Raises
    ------
    StorageError
        If the disk is full or the folder cannot be written.
    """
    temporary: Path | None = None
    try:
        name = path.with_name(f".igfstrat-{secrets.token_hex(8)}{path.suffix}")
        # 0o666 less the user's own mask, like any new file: whoever keeps patients' files private stays so
        os.close(os.open(name, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
        temporary = name
        yield temporary
        with temporary.open("rb+") as done:
            os.fsync(done.fileno())
        temporary.replace(path)
        temporary = None
    except OSError as error:
        message = f"cannot write {safe_text(path)}: {error.strerror or error}; nothing was changed there"
        raise StorageError(message) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file whole or not at all.

    Parameters
    ----------
    path : Path
        Where the file shall stand.
    data : bytes
        Its content.
    """
    with atomic_path(path) as temporary:
        temporary.write_bytes(data)


def write_json(path: Path, data: Any) -> None:
    """Write JSON with full precision; a number that is not finite becomes null.

    Parameters
    ----------
    path : Path
        Where the file shall stand.
    data : Any
        Dicts, lists, text, numbers, booleans, None.
    """
    text = json.dumps(_finite(data), indent=1, ensure_ascii=False, allow_nan=False)
    # half a character (a file name that is no text) is written as its JSON escape
    write_bytes(path, (text + "\n").encode(errors="backslashreplace"))


def _finite(data: Any) -> Any:
    """JSON has no NaN: what is not a number is null."""
    if isinstance(data, dict):
        return {str(key): _finite(value) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return [_finite(value) for value in data]
    if hasattr(data, "tolist"):  # numpy arrays and scalars
        return _finite(data.tolist())
    if isinstance(data, float) and not math.isfinite(data):
        return None
    return data


def write_problems(path: Path, problems: Iterable[Problem], *, source: str, sheet: str | None) -> None:
    """Write every problem as a row of a csv file.

    Parameters
    ----------
    path : Path
        Where the file shall stand.
    problems : iterable of Problem
        What was found.
    source : str
        Name of the file that was read.
    sheet : str or None
        Its sheet, where it has sheets.
    """
    header = ",".join(_PROBLEM_COLUMNS) + "\n"
    write_bytes(path, header.encode() + problem_rows(problems, source=source, sheet=sheet))


def problem_rows(problems: Iterable[Problem], *, source: str, sheet: str | None) -> bytes:
    """Problems as rows of csv, without a header.

    Parameters
    ----------
    problems : iterable of Problem
        What was found.
    source : str
        Name of the file that was read.
    sheet : str or None
        Its sheet, where it has sheets.

    Returns
    -------
    bytes
        UTF-8, with text that could start a formula neutralised.
    """
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\n")
    place = [neutral_csv_text(source), neutral_csv_text(sheet or "")]
    for problem in problems:
        said = (getattr(problem, name) for name in _PROBLEM_COLUMNS[len(place) :])
        writer.writerow(place + ["" if value is None else neutral_csv_text(str(value)) for value in said])
    return buffer.getvalue().encode(errors="backslashreplace")


@functools.cache
def _versions() -> dict[str, str]:
    """Looked up once: each is a search through the folders of the libraries."""
    return {name: importlib.metadata.version(name) for name in _DEPENDENCIES}


def write_manifest(
    path: Path, *, command: Sequence[str], inputs: Sequence[Path], content: dict[str, Any]
) -> None:
    """Write what made a result: versions, inputs with their hashes, command and counts.

    Parameters
    ----------
    path : Path
        Where the manifest shall stand.
    command : sequence of str
        The command line, without the program's path.
    inputs : sequence of Path
        Files that were read.
    content : dict
        What the job adds: plan, units, mapping, counts, seed.
    """
    manifest = {
        "igfstrat": __version__,
        "purpose": "research use only; not for the care of a patient",
        "python": platform.python_version(),
        "dependencies": dict(_versions()),
        "command": list(command),
        "inputs": [{"name": source.name, "sha256": sha256_of(source)} for source in inputs],
    }
    write_json(path, manifest | content)
