"""Fuzzing of the number, date, text, zip and configuration readers: `python -m tests.proofs.fuzz [seconds [target …]]`, ten minutes each by default.

Each target takes what hypothesis makes up and fails on anything but our own errors, on a value that
nobody wrote, or on a row that is lost.
"""

import contextlib
import datetime as dt
import json
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
from igfstrat.cohort.cohort_map import CohortMap
from igfstrat.cohort.dates import decode_dates
from igfstrat.cohort.decode import decode_numbers
from igfstrat.cohort.text_reader import read_text
from igfstrat.config import make_config, parse_yaml
from igfstrat.errors import IgfstratError
from igfstrat.models import load_model
from igfstrat.schema import COLUMNS
from igfstrat.trials.scenario import Scenario
from igfstrat.workflows.plan import Plan
from tests.hostile.grammar import SHEET, good_workbook, members_of, zipped
from tests.hostile.rows_jobs import SCENARIO

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


_CONFIG_WORDS = st.sampled_from(
    ["name", "designs", "all_comers", "n", "seed", "marker", "prevalence", "value", "!!python/object/apply:os.system", "&a", "*a", "<<", "? ", "- ", ": ", ":", "{", "}", "[", "]",
     ",", "\n", "\n  ", "'", '"', "|", ">", "#", "%", "---\n", "...", "NO", "on", "0123", "12:30:45", "1e3", ".inf", "~", "null", "true", "2024-01-05", "9" * 40, "\t", "\x00", "\u2028", "\\U0010FFFF", "0.4", "-1"]
)  # fmt: skip
CONFIGS = st.one_of(
    st.text(max_size=200),
    st.lists(_CONFIG_WORDS, max_size=30).map("".join),
    st.lists(st.tuples(st.integers(0, 400), _CONFIG_WORDS, st.integers(0, 9)), min_size=1, max_size=4).map(
        lambda edits: edited(SCENARIO, edits)
    ),
)


def check_configs(text, _):
    """A scenario, a plan and a map from any text: an object of ours, or an error of ours."""
    for model in (Scenario, Plan, CohortMap):
        with contextlib.suppress(IgfstratError):
            assert isinstance(make_config(model, parse_yaml(text, source="s.yaml")), model)


def check_models(found, folder):
    """A model file from any bytes."""
    path = Path(folder) / "model.json"
    path.write_bytes(found if isinstance(found, bytes) else json.dumps(found).encode())
    with contextlib.suppress(IgfstratError):
        load_model(path)


_JSON = st.recursive(st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=9), lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["schema", "model", "card", "design", "checksum", "igfstrat", "x"]), inner, max_size=5), max_leaves=12)  # fmt: skip
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
    "configs": (CONFIGS, check_configs),
    "models": (st.one_of(_JSON, st.binary(max_size=200)), check_models),
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
    for name in sys.argv[2:] or TARGETS:
        with tempfile.TemporaryDirectory() as folder:
            print(f"{name}: {fuzz(name, seconds, folder):,} inputs, only our own errors", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
