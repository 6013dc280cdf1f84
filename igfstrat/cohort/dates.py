"""From the text of a cell to a calendar date; the order of day and month is never guessed.

A column may decide the order itself, by dates that are possible in one order only. Where it does
not, or where both orders occur, the column as a whole is in doubt.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from igfstrat.cohort.decode import Decoded, clean_words
from igfstrat.cohort.sheet import TextColumn

_MONTHS: Final = {
    name: i
    for i, name in enumerate(
        ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"], 1
    )
}
_YEAR: Final = r"(?P<year>[0-9]{4}|[0-9]{2})"
_MONTH: Final = r"(?P<month>[A-Za-z]{3})[A-Za-z]*\.?"
_DAY: Final = r"(?P<day>[0-9]{1,2})(?:st|nd|rd|th)?"
_ISO_DATE: Final = re.compile(
    r"(?P<year>[0-9]{4})-(?P<month>[0-9]{1,2})-(?P<day>[0-9]{1,2})"
    r"(?:[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?(?P<zone>Z|[+-][0-9]{2}:?[0-9]{2})?)?"
)
_WORD_DATES: Final = (
    re.compile(rf"{_DAY}[ -]?{_MONTH}[ ,-]*{_YEAR}"),
    re.compile(rf"{_MONTH} ?{_DAY},? ?{_YEAR}"),
)
# which of three pairs of figures is the year, nothing says; with dots the day comes first
_SHORT_DATE: Final = re.compile(r"([0-9]{2})[/-]([0-9]{2})[/-]([0-9]{2})")
_FIGURE_DATE: Final = re.compile(rf"([0-9]{{1,2}})[./-]([0-9]{{1,2}})[./-]{_YEAR}")
# a column of which more is no date was not meant as one
_MOST: Final = 0.5
_SEVERAL: Final = 3


def decode_dates(
    cells: TextColumn | pd.Series, order: str | None, missing: frozenset[str], today: dt.date, *,
    counts: NDArray[np.intp] | None = None,
) -> tuple[Decoded, str | None]:  # fmt: skip
    """Calendar dates.

    Parameters
    ----------
    cells : TextColumn, or Series of str, one row a patient row
        Text as read.
    order : str or None
        ``day-first``, ``month-first`` or ``iso`` as declared; None lets the column decide, when it can.
    missing : frozenset of str
        Words that mean missing, in lower case.
    today : date
        Later dates are flagged.
    counts : ndarray of intp, shape (n_rows,), optional
        How often each cell occurs, where each different one is given once.

    Returns
    -------
    tuple of Decoded and str or None
        Dates as datetime64[D], and what is wrong with the column as a whole, if anything.
    """
    column, says_nothing = clean_words(cells, missing)
    is_missing = says_nothing[column.which]
    fault = None
    notices: list[tuple[str, str]] = []
    words = [str(word) for word in column.words[(column.counts > 0) & ~says_nothing]]
    if any((match := _ISO_DATE.fullmatch(word)) and match["zone"] for word in words):
        notices.append(
            ("date_zone", "dates with a time zone count as the day that is written, whatever the zone")
        )
    if order is None:
        order, fault = _order_of(words, today)
        if fault is None and _rests_on_dots(words):
            notices.append(("date_order", "dates with dots are read day first, as 31.12.2019"))
        elif fault is None and (shown := _proof_of(words, order)):
            how = f"dates in figures are read {order.replace('-', ' ')}, since {shown} can be nothing else"
            notices.append(("date_order", how))
    dates = [_parse_date(word, order) for word in column.words]
    # a stored 0 shows as January 1900
    codes = [
        "invalid_date" if d is None or d < dt.date(1900, 2, 1) else "future_date" if d > today else ""
        for d in dates
    ]
    usable = [np.datetime64("NaT") if code else date for code, date in zip(codes, dates, strict=True)]
    decoded = Decoded(np.array(usable, dtype="datetime64[D]")[column.which], notices=notices)
    is_odd = np.array([bool(code) for code in codes], dtype=bool)[column.which]
    for row in np.flatnonzero(is_odd & ~is_missing):
        code = codes[column.which[row]]
        decoded.flags.append((int(row), code, _REMEDIES[code]))
    filled = np.flatnonzero(~is_missing)
    times = np.ones(len(column.which), dtype=np.intp) if counts is None else counts
    n_invalid = int(times[[row for row, code, _ in decoded.flags if code == "invalid_date"]].sum())
    n_filled = int(times[filled].sum())
    if fault is None and n_invalid > max(_SEVERAL, _MOST * n_filled):
        fault = f"{n_invalid} of {n_filled} cells are not dates; write them as YYYY-MM-DD, or say their order in a map"
    return decoded, fault


_REMEDIES: Final = {
    "invalid_date": "not a possible date, counts as missing; write YYYY-MM-DD",
    "future_date": "in the future, counts as missing; correct the year",
}


def _order_of(words: Sequence[str], today: dt.date) -> tuple[str, str | None]:
    """The order that the dates of a column allow, and why there is none.

    Where dates are written with dots the day comes first, so each such date speaks for that order.
    """
    dates = {
        t: (_parse_date(t, "day-first"), _parse_date(t, "month-first"))
        for t in words
        if _FIGURE_DATE.fullmatch(t)
    }
    if dates and all(_may_begin_with_year(t, today) for t in dates):
        how = "{order: day-first} or month-first; or write YYYY-MM-DD"
        return "iso", f"which figure is the year? Say the order in the map, dates: {how}"
    day_first = any(day and (not month or _has_dots(t)) for t, (day, month) in dates.items())
    month_first = any(month and not day for day, month in dates.values())
    if day_first and month_first:
        return "iso", "dates in several formats, day first and month first; give each date as YYYY-MM-DD"
    if not (day_first or month_first) and any(day != month for day, month in dates.values()):
        how = "{order: day-first} or month-first; or write YYYY-MM-DD"
        return "iso", f"day or month first? Say so in the map, dates: {how}"
    return "month-first" if month_first else "day-first", None


def _may_begin_with_year(text: str, today: dt.date) -> bool:
    match = _SHORT_DATE.fullmatch(text)
    try:
        return match is not None and dt.date(_full_year(match[1]), int(match[2]), int(match[3])) <= today
    except ValueError:
        return False


def _has_dots(text: str) -> bool:
    return "." in text


def _rests_on_dots(words: Sequence[str]) -> bool:
    """Whether only the dots say that the day comes first."""
    dates = [t for t in words if _FIGURE_DATE.fullmatch(t)]
    return bool(dates) and all(_parse_date(t, "month-first") for t in dates) and any(map(_has_dots, dates))


def _proof_of(words: Sequence[str], order: str) -> str | None:
    """A date that only this order allows; None where nothing needs one, or only dots do."""
    other = "month-first" if order == "day-first" else "day-first"
    dates = (t for t in words if _FIGURE_DATE.fullmatch(t) and not _has_dots(t))
    return next((t for t in dates if _parse_date(t, order) and not _parse_date(t, other)), None)


def _parse_date(text: str, order: str | None) -> dt.date | None:
    if match := _ISO_DATE.fullmatch(text):
        year, month, day = int(match["year"]), int(match["month"]), int(match["day"])
    elif match := next((m for pattern in _WORD_DATES if (m := pattern.fullmatch(text))), None):
        year, month, day = (
            _full_year(match["year"]),
            _MONTHS.get(match["month"].lower(), 0),
            int(match["day"]),
        )
    elif (match := _FIGURE_DATE.fullmatch(text)) and order != "iso":
        first, second, year = int(match[1]), int(match[2]), _full_year(match["year"])
        day, month = (first, second) if order == "day-first" else (second, first)
    else:
        return None
    try:
        return dt.date(year, month, day)
    except ValueError:
        return None


def _full_year(text: str) -> int:
    year = int(text)
    if len(text) == 4:
        return year
    return 2000 + year if year < 69 else 1900 + year
