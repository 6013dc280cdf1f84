"""What must not change a table, and what no input may do. Invariants, by hypothesis."""

import contextlib
import csv
import io
import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from igfstrat.cohort import read_cohort
from igfstrat.errors import IgfstratError

SLACK = settings(deadline=None, max_examples=60, suppress_health_check=list(HealthCheck))


def as_csv(rows):
    buffer = io.StringIO(newline="")
    csv.writer(buffer, lineterminator="\n").writerows(rows)
    return buffer.getvalue().encode()


def comparable(cohort):
    table = cohort.table.copy()
    for name, endpoint in cohort.endpoints.items():
        table[f"{name}_time"], table[f"{name}_is_event"] = endpoint.time, endpoint.event
    return table.sort_values("patient_id", ignore_index=True).sort_index(axis=1)


def test_row_and_column_order_do_not_matter(change, write_csv):
    rows = change({(12, "igf1_ng_ml"): "<25", (13, "dfs_months"): "60+", (14, "sex"): "?"})
    rng = random.Random(1)
    shuffled = rng.sample(rows[1:], len(rows) - 1)
    order = rng.sample(range(len(rows[0])), len(rows[0]))
    other = [[row[j] for j in order] for row in [rows[0], *shuffled]]
    one, two = (read_cohort(write_csv(r, f"{i}.csv")) for i, r in enumerate((rows, other)))
    assert comparable(one).equals(comparable(two))
    assert sorted(p.code for p in one.problems) == sorted(p.code for p in two.problems)


@pytest.mark.parametrize("typed", [True, False])
def test_csv_and_workbook_give_the_same_numbers_to_the_last_bit(change_column, write_csv, write_xlsx, typed):
    rng = random.Random(2)
    # a workbook holds fifteen digits
    rows = change_column("igf1_ng_ml", lambda *_: f"{rng.uniform(60, 400):.15g}")
    one, two = read_cohort(write_csv(rows)), read_cohort(write_xlsx(rows, typed=typed))
    assert comparable(one).equals(comparable(two))
    assert one.problems == ()
    assert {p.code for p in two.problems} <= {"text_numbers"}


@SLACK
@given(data=st.binary(max_size=400))
def test_no_bytes_crash_the_reader(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("bytes") / "cohort.csv"
    path.write_bytes(data)
    with contextlib.suppress(IgfstratError):
        read_cohort(path)


CELL = st.one_of(
    st.text(max_size=12),
    st.sampled_from(
        [
            "",
            "0",
            "1",
            "2",
            "-3.5",
            "1e400",
            "<25",
            "ND",
            "60+",
            "TRUE",
            "2020-01-01",
            "31/12/2020",
            "nan",
            "inf",
            "1,5",
            "Mean",
            "n = 3",
        ]
    ),
)


@SLACK
@given(st.lists(st.lists(CELL, min_size=13, max_size=13), min_size=1, max_size=6))
def test_no_cells_under_the_convention_headers_crash_the_reader_or_lose_a_row(
    tmp_path_factory, make_header, cells
):
    path = tmp_path_factory.mktemp("cells") / "cohort.csv"
    path.write_bytes(as_csv([make_header, *cells]))
    try:
        cohort = read_cohort(path)
    except IgfstratError:
        return
    filled = sum(any(text.strip() for text in row) for row in cells)
    assert cohort.n_rows == filled
    for endpoint in cohort.endpoints.values():
        assert len(endpoint.time) == len(endpoint.event) == len(endpoint.reasons) == filled
        assert ((endpoint.time >= 0) == [reason == "" for reason in endpoint.reasons]).all()


@pytest.fixture
def make_header(make_table):
    return make_table(1)[0]


SECRET = "Zq7secret"


@SLACK
@given(st.lists(CELL, min_size=13, max_size=13), st.integers(1, 5))
def test_no_message_shows_an_identifier_or_a_column_that_nothing_uses(
    tmp_path_factory, make_header, row, copies
):
    row = [f"{SECRET}{row[0]}", *row[1:], f"{SECRET} free text"]
    path = tmp_path_factory.mktemp("secret") / "cohort.csv"
    path.write_bytes(as_csv([[*make_header, "comment"], *[row] * copies]))
    said = []
    try:
        cohort = read_cohort(path)
        said.append(f"{cohort.problems}{cohort.unusable}{cohort.to_dict()}")
        cohort.require([("igf1",), ("bmi",)], ["dfs", "os"], outcome="Nothing was scored.")
    except IgfstratError as error:
        said.append(str(error))
    assert said
    assert SECRET not in "".join(said)
