"""Why rows are out of an endpoint: a byte a row, and each text once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, overload

import numpy as np
from numpy.typing import NDArray

NONE, NO_CODE, NO_EVENT, NO_TIME, NO_NUMBER, NEGATIVE, NO_DATE = range(7)
_TEXTS: Final = (
    "",
    "event code not declared",
    "event missing",
    "time missing",
    "time not a number",
    "negative time",
    "date missing",
)


class Reasons(Sequence[str]):
    """The reason of each row, as a tuple of texts would hold them.

    Parameters
    ----------
    codes : ndarray of uint8, shape (n_rows,)
        `NONE` where a row is in, else one of the others.

    Examples
    --------
    >>> reasons = Reasons(np.array([NONE, NO_TIME], dtype=np.uint8))
    >>> reasons[1], list(reasons), np.asarray(reasons).dtype
    ('time missing', ['', 'time missing'], dtype('O'))
    """

    def __init__(self, codes: NDArray[np.uint8]) -> None:
        self.codes = codes

    def __len__(self) -> int:
        return len(self.codes)

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> Reasons: ...
    def __getitem__(self, index: int | slice) -> str | Reasons:
        return Reasons(self.codes[index]) if isinstance(index, slice) else _TEXTS[self.codes[index]]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        texts = np.array(_TEXTS, dtype=object)[self.codes]
        return texts if dtype is None else texts.astype(dtype, copy=False)
