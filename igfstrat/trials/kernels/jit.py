"""How kernels are compiled: when first called, from the machine's cache where there is one.

The modules of this room import numba and are themselves imported only inside the functions that call them, so
importing `igfstrat.trials` neither compiles nor loads numba.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar, cast

import numba
from numba.core import types
from numba.extending import intrinsic

P = ParamSpec("P")
R = TypeVar("R")


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a kernel when it is first called; without a cache where no folder for one can be written."""
    options = {"nogil": True, "error_model": "numpy"}  # a kernel divides only by what it has checked
    try:
        return cast(Callable[P, R], numba.njit(cache=True, **options)(function))
    except RuntimeError:  # "no locator available": nowhere to keep a cache
        return cast(Callable[P, R], numba.njit(**options)(function))


def _reinterpreted(result: Any) -> Any:
    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.bitcast(args[0], context.get_value_type(result))

    return code


def _bits_of(typing_context: Any, value: Any) -> Any:
    return types.int64(types.float64), _reinterpreted(types.int64)


def _float_of(typing_context: Any, bits: Any) -> Any:
    return types.float64(types.int64), _reinterpreted(types.float64)


# a double as the integer of the same 64 bits and back: in registers, so that a loop over it is vectorised
bits_of = cast(Callable[[float], int], intrinsic(_bits_of))
float_of = cast(Callable[[int], float], intrinsic(_float_of))
