"""Long columns: the same verdicts as of short ones, in little memory beside their own.

Truth: the formula written down once over whole arrays, the decoding of every row by itself, a tuple of texts; memory as the
interpreter counts it (tracemalloc), against bytes a row that the arrays in use at the same time add up to.
"""

import tracemalloc

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from igfstrat.cohort import plausibility, whole_columns
from igfstrat.cohort.binding import EndpointBinding
from igfstrat.cohort.cohort_map import CohortMap
from igfstrat.cohort.column_verdicts import make_levels
from igfstrat.cohort.decode import clean_words, decode_numbers
from igfstrat.cohort.outcome import decode_endpoint
from igfstrat.cohort.plausibility import check_unit
from igfstrat.cohort.reasons import NEGATIVE, NO_CODE, NONE, Reasons
from igfstrat.cohort.sheet import Sheet, TextColumn
from igfstrat.cohort.times import decode_times
from igfstrat.cohort.whole_columns import plain_table
from igfstrat.schema import COLUMNS, Column

IGF1 = COLUMNS["igf1"]
MONTHS = Column(name="time", title="time", unit="months", bounds=(float("-inf"), 1200))
ROWS = 1_000_000


def split_at_once(ordered):
    """Lower group, gap, and what is left of the variance, each sum over the whole column."""
    n, k = len(ordered), np.arange(1, len(ordered))
    b = np.cumsum(ordered)[:-1] / k - ordered.mean()
    explained = b * b * k / (n - k)
    at = int(explained.argmax())
    return at + 1, -b[at] * n / (n - at - 1), 1 - explained[at] / np.var(ordered)


@pytest.mark.parametrize("block", [1, 7, 64, 1000])
@pytest.mark.parametrize("lower", [3, 40, 333])
def test_two_groups_are_split_in_the_same_place_whatever_is_looked_at_together(monkeypatch, block, lower):
    rng = np.random.default_rng(lower)
    ordered = np.sort(np.concatenate([rng.normal(3, 0.05, lower), rng.normal(5, 0.05, 700 - lower)]))
    monkeypatch.setattr(plausibility, "_BLOCK", block)
    n_below, gap, left = split_at_once(ordered)
    assert left < 0.25
    assert plausibility._two_groups(ordered) == (n_below, gap) == (lower, pytest.approx(2, abs=0.1))


@pytest.mark.parametrize("block", [1, 9, 1 << 18])
def test_values_of_another_unit_are_counted_over_all_blocks(monkeypatch, block):
    monkeypatch.setattr(plausibility, "_BLOCK", block)
    values = np.concatenate([np.linspace(90, 200, 60), np.linspace(90, 200, 40) / 7.649])
    problem = check_unit(values, IGF1, "ng/mL")
    assert problem is not None
    assert "40 of 100 values fit nmol/L, not ng/mL" in problem.remedy


def test_a_column_is_as_it_was_after_its_unit_was_judged():
    values = np.random.default_rng(1).permutation(np.r_[np.linspace(90, 250, 99), np.nan])
    before = values.copy()
    assert check_unit(values, IGF1, "ng/mL") is None
    assert np.array_equal(values, before, equal_nan=True)


CELLS = ["12", "3.5", "0", "-2", "-9", "999", "5000", "", "NA", "two", "<3", "~7", "12 months", "1e3", " 12 "]


@given(cells=st.lists(st.sampled_from(CELLS), min_size=1, max_size=60))
def test_times_decoded_text_by_text_are_those_decoded_row_by_row(cells):
    text, _ = clean_words(TextColumn.of(cells), frozenset())
    times, found = decode_times(text, text.counts, "months", decimal=".", missing=frozenset())
    each = decode_numbers(
        TextColumn.of(cells), MONTHS, unit=None, decimal=".", missing=frozenset(), substitute="missing"
    )
    flagged = {row for row, _, _ in each.flags}
    assert {row for row, word in enumerate(text.which.tolist()) if word in found} == flagged
    known = [np.nan if row in flagged else value for row, value in enumerate(each.values)]
    assert np.array_equal(times[text.which], known, equal_nan=True)


def test_reasons_are_read_as_a_tuple_of_texts():
    texts = ("", "negative time", "", "event code not declared")
    reasons = Reasons(np.array([NONE, NEGATIVE, NONE, NO_CODE], dtype=np.uint8))
    assert tuple(reasons) == texts
    assert (len(reasons), reasons[-1], tuple(reasons[1:3])) == (4, texts[-1], texts[1:3])
    assert np.array_equal(np.array(reasons, dtype=object), np.array(texts, dtype=object))
    with pytest.raises(IndexError):
        reasons[4]


@pytest.mark.parametrize("codes", [[0, 1, -1, 0], [0, 0, 0, 0], [-1, -1, -1, -1], []])
@pytest.mark.parametrize("block", [1, 3, 1 << 18])
def test_a_plain_column_holds_the_words_of_its_rows(monkeypatch, codes, block):
    monkeypatch.setattr(whole_columns, "_BLOCK", block)
    column = make_levels(np.array(codes, dtype=np.int8), ["female", "male"])
    plain = plain_table(pd.DataFrame({"sex": column}))["sex"]
    # as every other part of the package may ask
    assert plain.value_counts(dropna=False).sum() == plain.isna().sum() + plain.notna().sum() == len(codes)
    assert set(pd.unique(plain.dropna())) == {("female", "male")[code] for code in codes if code >= 0}
    assert (plain.dtype, plain.tolist()) == (object, [("female", "male", None)[code] for code in codes])


def peak_of(job):
    """Bytes a row that a job takes at the most, beside what stood before."""
    tracemalloc.start()
    try:
        job()
        return tracemalloc.get_traced_memory()[1] / ROWS
    finally:
        tracemalloc.stop()


def test_judging_a_unit_takes_two_more_columns_at_the_most():
    values = np.random.default_rng(2).lognormal(4.9, 0.4, ROWS)
    # the usable values, what their variance is taken of, and masks; eight arrays of a block
    assert peak_of(lambda: check_unit(values, IGF1, "ng/mL")) < 8 + 8 + 3 + 8 * plausibility._BLOCK * 8 / ROWS


def test_an_endpoint_is_decoded_in_thirty_bytes_a_row():
    rng = np.random.default_rng(3)
    months = make_levels(rng.integers(0, 900, ROWS).astype(np.int16), [f"{i / 10}" for i in range(1, 901)])
    events = make_levels(rng.integers(0, 2, ROWS).astype(np.int8), ["0", "1"])
    sheet = Sheet(
        source="t.csv", name=None, header_row=1, headers=("dfs_months", "dfs_event"),
        cells=pd.DataFrame({0: months, 1: events}, copy=False), row_numbers=np.arange(2, ROWS + 2),
    )  # fmt: skip
    binding = EndpointBinding(name="dfs", time=0, event=1, unit="months")

    def job():
        found = decode_endpoint(
            sheet, binding, dates=None, decimal=".", missing=frozenset(CohortMap().missing)
        )
        assert found.endpoint is not None
        assert found.endpoint.usable.all()

    assert peak_of(job) < 30
