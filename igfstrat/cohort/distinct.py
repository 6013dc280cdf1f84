"""Each different value of a column once, and which row has which."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

# of the first so many values not more may be different, where few objects stand for all
_LOOKED_AT: Final = 1000
_FEW: Final = 500


def places_of(values: Iterable[Any]) -> tuple[NDArray[np.int32], list[Any]]:
    r"""Each different value once, and the place of each value among them.

    Parameters
    ----------
    values : iterable
        Text, mostly. pandas' own functions end a text at its first NUL, so that two texts would become one.

    Returns
    -------
    tuple of ndarray of int32, shape (n_values,), and list
        Places from 0, and the values in the order in which they come first.

    Examples
    --------
    >>> which, words = places_of(["a", "", "a\x00b", "a"])
    >>> which.tolist(), words
    ([0, 1, 2, 0], ['a', '', 'a\x00b'])
    """
    which, found = (
        _objects_of(values) if isinstance(values, np.ndarray) and values.dtype == object else (None, values)
    )
    place: defaultdict[Any, int] = defaultdict()
    place.default_factory = place.__len__
    own = np.fromiter(map(place.__getitem__, found), dtype=np.int32)
    return own if which is None else own[which], list(place)


def _objects_of(values: NDArray[np.object_]) -> tuple[NDArray[np.intp] | None, NDArray[np.object_]]:
    """Each different object once, and which row holds which: texts that were looked up are few, and known by their address.

    None, and all values, where most of the first are different.
    """
    if len(set(map(id, values[:_LOOKED_AT]))) > _FEW:
        return None, values
    addresses = np.ndarray(values.shape, dtype=np.intp, buffer=np.ascontiguousarray(values))
    which, found = pd.factorize(addresses)
    return which, values[[_first_of(address, addresses) for address in found.tolist()]]


def _first_of(address: int, addresses: NDArray[np.intp]) -> int:
    """Where an address stands first; most come soon."""
    start, size = 0, _LOOKED_AT
    while not (is_here := addresses[start : start + size] == address).any():
        start, size = start + size, 2 * size
    return start + int(is_here.argmax())


def levels_of(values: Iterable[Any]) -> tuple[NDArray[np.int32], list[Any]]:
    """As `places_of`, without a place for what is missing.

    Parameters
    ----------
    values : iterable
        Text, mostly; None or NaN where there is none.

    Returns
    -------
    tuple of ndarray of int32, shape (n_values,), and list
        Places from 0, -1 where there is no value, and the values in the order in which they come first.

    Examples
    --------
    >>> which, words = levels_of([None, "b", "a", "b"])
    >>> which.tolist(), words
    ([-1, 0, 1, 0], ['b', 'a'])
    """
    which, found = places_of(values)
    is_known = ~pd.isna(object_array(found))
    own = np.where(is_known, np.cumsum(is_known) - 1, -1).astype(np.int32)
    return own[which], [word for word, known in zip(found, is_known, strict=True) if known]


def object_array(texts: Iterable[Any]) -> NDArray[np.object_]:
    """Texts as an array that keeps each as it is.

    Parameters
    ----------
    texts : iterable of str or None
        Text, or what else a cell holds.

    Returns
    -------
    ndarray of object, shape (n_texts,)
        The same texts.
    """
    return np.fromiter(texts, dtype=object)
