"""Fuzzing of the number, date, text and zip readers: `python -m tests.proofs.fuzz [seconds]`, ten minutes each by default.

Each target takes what hypothesis makes up and fails on anything but our own errors, on a value that
nobody wrote, or on a row that is lost.
"""

import contextlib
import datetime as dt
import sys
import tempfile
import time
import zlib
from pathlib import Path

import numpy as np
import pandas as pd
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from igfstrat.cohort import read_cohort
from igfstrat.cohort.dates import decode_dates
from igfstrat.cohort.decode import decode_numbers
from igfstrat.cohort.text_reader import read_text
from igfstrat.errors import IgfstratError
from igfstrat.schema import COLUMNS
from tests.hostile.grammar import SHEET, good_workbook, members_of, zipped

TEN_MINUTES = 600
# pieces that numbers and dates are made of, so that chance meets the patterns
_PIECES = st.sampled_from(
    [
        "0",
        "1",
        "9",
        "12",
        "31",
        "99",
        "2019",
        ".",
        ",",
        "-",
        "+",
        "/",
        ":",
        "e",
        "E",
        "<",
        ">",
        "<=",
        "≤",
        "~",
        "≈",
        "*",
        "†",
        "(",
        ")",
        "%",
        "ng/mL",
        "nmol/L",
        "to",
        "–",
        "NA",
        "ND",
        "jan",
        "Mar",
        "may,",
        "T",
        "Z",
        "\xa0",
        "١",
        "∞",
        "nan",
        "inf",
        "0x",
        "1_0",
    ]
)
CELLS = st.lists(
    st.one_of(st.text(max_size=20), st.lists(_PIECES, max_size=6).map("".join)), min_size=1, max_size=12
)


def check_numbers(cells, _):
    for name, unit in (("igf1", "nmol/L"), ("age_years", None), ("igf1r_mrna", None)):
        for decimal in ".,":
            column = COLUMNS[name]
            decoded = decode_numbers(
                pd.Series(cells, dtype=object),
                column,
                unit=unit,
                decimal=decimal,
                missing=frozenset(),
                substitute="half",
            )
            assert len(decoded.values) == len(cells)
            assert not np.isinf(decoded.values).any()
            measured = (
                decoded.values if decoded.lower is None else decoded.values[decoded.lower == decoded.upper]
            )
            kept = measured[~np.isnan(measured)]
            assert ((kept >= column.bounds[0]) & (kept <= column.bounds[1])).all()


def check_dates(cells, _):
    today = dt.date(2026, 11, 21)
    for order in (None, "day-first", "month-first", "iso"):
        decoded, _fault = decode_dates(pd.Series(cells, dtype=object), order, frozenset(), today)
        known = decoded.values[~np.isnat(decoded.values)]
        assert ((known >= np.datetime64("1900-02-01")) & (known <= np.datetime64(today))).all()


def check_text(data, _):
    for delimiter in (None, ";", "whitespace"):
        for encoding in (None, "cp1252", "utf-16"):
            try:
                grid = read_text(data, "f", encoding=encoding, delimiter=delimiter)
            except IgfstratError:
                continue
            else:
                assert all(isinstance(cell, str) for row in grid.rows for cell in row)


_GOOD = good_workbook(4)
_MEMBERS = dict(members_of(_GOOD))
EDITS = st.lists(
    st.tuples(st.integers(0, 1 << 20), st.binary(max_size=6), st.integers(0, 8)), min_size=1, max_size=4
)


def edited(data, edits):
    for at, new, n_cut in edits:
        at %= len(data)
        data = data[:at] + new + data[at + n_cut :]
    return data


def check_zip(found, folder):
    edits, inside = found
    data = edited(_GOOD, edits)
    if inside:
        data = zipped([(n, edited(d, edits) if n in inside else d) for n, d in _MEMBERS.items()])
    path = Path(folder) / "c.xlsx"
    path.write_bytes(data)
    with contextlib.suppress(IgfstratError):
        assert read_cohort(path).n_rows >= 1


def check_packed(found, folder):
    """Any bytes at all, under the first bytes of each format."""
    start, rest = found
    path = Path(folder) / "c.dat"
    path.write_bytes(start + rest)
    with contextlib.suppress(IgfstratError):
        assert read_cohort(path).n_rows >= 1


STARTS = (
    b"",
    b"PK\x03\x04",
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
    b"PAR1",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    zlib.compress(b""),
)
TARGETS = {
    "numbers": (CELLS, check_numbers),
    "dates": (CELLS, check_dates),
    "text": (
        st.one_of(st.binary(max_size=300), st.text('ab,;"\n\r\t #1.', max_size=200).map(str.encode)),
        check_text,
    ),
    "zips": (
        st.tuples(EDITS, st.sets(st.sampled_from([SHEET, "xl/workbook.xml", "xl/sharedStrings.xml"]))),
        check_zip,
    ),
    "files": (st.tuples(st.sampled_from(STARTS), st.binary(max_size=200)), check_packed),
}


def fuzz(name, seconds, folder):
    """How many inputs a target took in so many seconds; what isn't ours is raised."""
    strategy, check = TARGETS[name]
    end, n = time.monotonic() + seconds, 0

    def run(found):
        nonlocal n
        n += 1
        check(found, folder)

    quiet = settings(max_examples=500, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    while time.monotonic() < end:
        quiet(given(strategy)(run))()
    return n


def main():
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else TEN_MINUTES
    for name in TARGETS:
        with tempfile.TemporaryDirectory() as folder:
            print(f"{name}: {fuzz(name, seconds, folder):,} inputs, only our own errors", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
