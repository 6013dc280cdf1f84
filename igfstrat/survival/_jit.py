"""How kernels are compiled: when first called, from the machine's cache where there is one.

Kernel modules (``_kernels_*.py``) import numba and are themselves imported only inside the
functions that call them, so importing `igfstrat.survival` neither compiles nor loads numba. Where no
cache folder can be written (a read-only installation without HOME) kernels are compiled in memory.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar, cast

import numba

P = ParamSpec("P")
R = TypeVar("R")


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a kernel when it is first called.

    Parameters
    ----------
    function : callable
        Numbers and arrays in, numbers and arrays out.

    Returns
    -------
    callable
        The same function at machine speed.
    """
    try:
        return cast(Callable[P, R], numba.njit(cache=True, nogil=True)(function))
    except RuntimeError:  # "no locator available": nowhere to keep a cache
        return cast(Callable[P, R], numba.njit(nogil=True)(function))
