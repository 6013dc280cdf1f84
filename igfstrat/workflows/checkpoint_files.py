"""The checkpoints of a run: which files of a folder are ours, whether they are whole, and how they are cleared."""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from pathlib import Path
from typing import Final

from igfstrat.errors import UnsafeFileError, safe_text

_CHECKPOINT: Final = re.compile(r"[0-9a-f]{32}-\d{12,}-\d{12,}\.npz")


def clear_checkpoints(folder: Path) -> None:
    """Remove the checkpoints of earlier runs, and nothing else.

    Parameters
    ----------
    folder : Path
        Where they stand; it may be missing.
    """
    for path in checkpoint_files(folder):
        path.unlink(missing_ok=True)


def checkpoint_files(folder: Path) -> list[Path]:
    """The checkpoints in a folder.

    Parameters
    ----------
    folder : Path
        It may be missing.

    Returns
    -------
    list of Path
        In any order.
    """
    return [p for p in folder.iterdir() if _CHECKPOINT.fullmatch(p.name)] if folder.is_dir() else []


def check_checkpoints(folder: Path) -> list[str]:
    """Look through the checkpoints of a folder before a run takes them up. Nothing in them is run.

    Parameters
    ----------
    folder : Path
        It may be missing.

    Returns
    -------
    list of str
        Names of damaged checkpoints: cut or changed ones, whose ranges are computed again.

    Raises
    ------
    UnsafeFileError
        If a file is none of ours, or holds objects instead of numbers.
    """
    damaged = []
    for path in sorted(folder.iterdir()) if folder.is_dir() else []:
        if path.name.startswith(".igfstrat-"):
            continue  # what a killed run left half written; it is never read
        content = path.read_bytes() if _CHECKPOINT.fullmatch(path.name) and path.is_file() else b""
        is_ours = content != b"" and b"PK\x03\x04".startswith(content[:4]) and not _holds_objects(content)
        if is_ours and not _is_whole(content):
            damaged.append(path.name)
        if not is_ours:
            message = (
                f"{safe_text(path)} is no checkpoint of igfstrat and could be unsafe (a pickle, an object);"
                " it was not opened. Remove it, or choose another --out"
            )
            raise UnsafeFileError(message)
    return damaged


def _is_whole(content: bytes) -> bool:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return archive.testzip() is None
    except (OSError, ValueError, EOFError, NotImplementedError, zipfile.BadZipFile, zlib.error):
        return False


def _holds_objects(content: bytes) -> bool:
    """Whether an array in it would have to be unpickled, by the header of the array alone."""
    return re.search(rb"NUMPY[\x01-\x03].{1,9}\{'descr': [^}]*'\|?O", content, re.DOTALL) is not None
