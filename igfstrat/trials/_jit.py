"""How kernels are compiled: when first called, from the machine's cache where there is one.

Kernel modules (``_kernels_*.py``) import numba and are themselves imported only inside the functions that
call them, so importing `igfstrat.trials` neither compiles nor loads numba.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar, cast

import numba

P = ParamSpec("P")
R = TypeVar("R")


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a kernel when it is first called; without a cache where no folder for one can be written."""
    options = {"nogil": True, "error_model": "numpy"}  # a kernel divides only by what it has checked
    try:
        return cast(Callable[P, R], numba.njit(cache=True, **options)(function))
    except RuntimeError:  # "no locator available": nowhere to keep a cache
        return cast(Callable[P, R], numba.njit(**options)(function))
