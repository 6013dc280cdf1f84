"""Times of an endpoint: each different text decoded once, whatever the number of rows that hold it."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from igfstrat.cohort.decode import decode_numbers
from igfstrat.cohort.reasons import NO_NUMBER, NO_TIME
from igfstrat.cohort.sheet import TextColumn
from igfstrat.schema import Column
from igfstrat.units import DAYS_PER

# nobody is followed for a hundred years; more is another unit
_TIMES: Final = {
    unit: Column(name="time", title="time", unit=unit, bounds=(float("-inf"), 100 * DAYS_PER["years"] / days))
    for unit, days in DAYS_PER.items()
}
# what stands in a few rows says as much of a column as what stands in many
_FEW: Final = 5


def decode_times(
    text: TextColumn, counts: NDArray[np.intp], unit: str, *, decimal: str, missing: frozenset[str]
) -> tuple[NDArray[np.float64], dict[int, tuple[str, str, int]]]:
    """Times of the different texts of a column.

    Parameters
    ----------
    text : TextColumn
        Cells without surrounding space.
    counts : ndarray of intp, shape (n_words,)
        Rows of each text.
    unit : str
        Unit of the source: ``days``, ``months`` or ``years``.
    decimal : str
        Decimal mark of the source.
    missing : frozenset of str
        Words that mean missing, in lower case.

    Returns
    -------
    tuple of ndarray of float64 of shape (n_words,), and dict
        Times in the unit of the source, NaN where a text is none or no row has it; and by the place of a text that is no
        plain time: code, remedy and the reason of its rows.

    Examples
    --------
    >>> text = TextColumn.of(["12.5", "two", "12.5", ""])
    >>> times, found = decode_times(text, text.counts, "months", decimal=".", missing=frozenset())
    >>> times.tolist(), found
    ([12.5, nan, nan], {1: ('time_text', 'not a plain number of months', 4)})
    """
    places = np.repeat(np.arange(len(counts)), np.minimum(counts, _FEW))
    some = TextColumn(text.words, places.astype(np.int32))
    decoded = decode_numbers(
        some, _TIMES[unit], unit=None, decimal=decimal, missing=missing, substitute="missing"
    )
    time = np.full(len(counts), np.nan)
    time[places] = decoded.values
    found: dict[int, tuple[str, str, int]] = {}
    for index, code, remedy in decoded.flags:
        word = int(places[index])
        if code == "possible_sentinel":
            found[word] = (code, remedy, NO_TIME)
        else:
            too_long = code == "out_of_bounds"
            why = f"{remedy}; is the unit {unit}?" if too_long else f"not a plain number of {unit}"
            found[word] = (code if too_long else "time_text", why, NO_NUMBER)
        time[word] = np.nan
    return time, found
