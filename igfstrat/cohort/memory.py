"""What memory a pass over a large table keeps for its next piece, and when it gives it back."""

from __future__ import annotations

import ctypes
import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

_TRIM, _MAP = -1, -3  # M_TRIM_THRESHOLD and M_MMAP_THRESHOLD of glibc's mallopt
_KEPT_BYTES: Final = 1 << 26
# what is larger than that never comes from what was kept
_LARGEST_BYTES: Final = 1 << 25
# the same for a process that is yet to start
MALLOC_SETTINGS: Final = {
    "MALLOC_TRIM_THRESHOLD_": str(_KEPT_BYTES),
    "MALLOC_MMAP_THRESHOLD_": str(_LARGEST_BYTES),
}


def keep_memory() -> None:
    """Have the C library keep what a piece leaves for the next one.

    A piece takes and frees some hundred arrays of a megabyte. Where each comes from the system anew, with every page
    of it cleared, that alone is a sixth of the time. Nothing happens where the C library isn't glibc.
    """
    if sys.platform == "linux":
        with suppress(AttributeError):
            library = ctypes.CDLL(None)
            library.mallopt(_TRIM, _KEPT_BYTES)
            library.mallopt(_MAP, _LARGEST_BYTES)


def release_memory() -> None:
    """Give back what arrow and the C library keep for later: a pass over a large table may leave hundreds of megabytes."""
    import pyarrow as pa

    pa.default_memory_pool().release_unused()
    # glibc keeps the many arrays of a megabyte that the pieces left, and those of whole columns don't fit into their room
    if sys.platform == "linux":
        with suppress(AttributeError):
            ctypes.CDLL(None).malloc_trim(0)


@contextmanager
def uncollected() -> Iterator[None]:
    """Don't look for cycles meanwhile: among the many small lists of a piece there are none, and looking doubles the time.

    Yields
    ------
    None
        Looking goes on as before afterwards.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
