"""Cells that travel and are decoded by column, each different one once, mean what they mean one by one.

Oracles: the text of each value by itself, the pattern of a figure, the same table as rows of text (invariants, by hypothesis).
"""

import dataclasses
import datetime as dt
import decimal
import io
import math
import re
import unicodedata

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from igfstrat.cohort import parsing, read_cohort
from igfstrat.cohort._child import _pack, text_of
from igfstrat.cohort.decode import FIGURE, _is_figure, clean, decode_numbers
from igfstrat.cohort.distinct import levels_of, places_of
from igfstrat.cohort.identity import _HYPHENS, _LOOK_ALIKES, folded
from igfstrat.cohort.layout import find_table
from igfstrat.cohort.sheet import ColumnRows, Grid, TextColumn
from igfstrat.cohort.writing import _csv_cells
from igfstrat.errors import UnsafeFileError
from igfstrat.files import neutral_csv_text
from igfstrat.schema import COLUMNS

SLACK = settings(deadline=None, max_examples=100, suppress_health_check=list(HealthCheck))
TEXT = st.text(max_size=8)
VALUE = st.one_of(
    st.none(), st.just(""), TEXT, st.booleans(), st.integers(-(2**70), 2**70), st.floats(), st.floats(-1e6, 1e6).map(lambda x: round(x, 1)),
    st.dates(), st.datetimes(), st.decimals(allow_nan=False, allow_infinity=False),
)  # fmt: skip
BLOCKS = st.lists(st.one_of(st.lists(VALUE, min_size=1, max_size=6), st.lists(st.floats(), min_size=1, max_size=6)), max_size=5)  # fmt: skip


@SLACK
@given(BLOCKS)
def test_a_column_arrives_as_the_text_of_each_of_its_values(blocks):
    column = parsing._Blocks()
    for block in blocks:
        words, data = _pack(block)
        column.add(words, np.frombuffer(data, np.float64 if words is None else np.int32))
    expected = [text_of(value) for block in blocks for value in block]
    assert column.column().text.tolist() == expected


def arrow_columns(pa):
    return {
        "int64": pa.array([2**53 - 1, None, -3]),
        "large integers": pa.array([2**62 + 1, None, 7]),
        "unsigned": pa.array([2**64 - 1, 0], pa.uint64()),
        "float64": pa.array([0.1, None, math.nan, -0.0, 1e300, math.inf]),
        "float32": pa.array([0.1, None, math.nan], pa.float32()),
        "text": pa.array(["a", "", None, "a", " "]),
        "large text": pa.array(["a", None], pa.large_string()),
        "coded text": pa.array(["b", None, "b"]).dictionary_encode(),
        "truth": pa.array([True, None, False]),
        "decimal": pa.array([decimal.Decimal("1.50"), None]),
        "date": pa.array([dt.date(2020, 2, 29), None]),
        "stamp": pa.array([dt.datetime(2020, 2, 29, 1, 2), None]),
        "nothing": pa.nulls(3),
        "text of views": pa.array(["a", None, "a"], pa.string_view()),
    }


def test_a_column_of_parquet_arrives_as_the_text_of_each_of_its_values():
    pa = pytest.importorskip("pyarrow")
    from igfstrat.cohort._child import _pack_arrow, arrow_text

    for name, array in arrow_columns(pa).items():
        words, data = _pack_arrow(array, pa)
        column = parsing._Blocks()
        column.add(words, np.frombuffer(data, np.float64 if words is None else np.int32))
        assert column.column().text.tolist() == arrow_text(array, pa), name


@SLACK
@given(st.text(alphabet="0123456789.-+eE ,_²٣", max_size=8))
def test_the_short_cut_for_figures_is_the_pattern(text):
    assert _is_figure(text) == (re.fullmatch(FIGURE, text, re.IGNORECASE) is not None)


CELL = st.sampled_from(
    ["110", "95.5", " 95.5", "1e2", "<25", ">1000", "~140", "150 ng/mL", "120*", "999", "-9", "ND", "", "NA", "\u00a0", "x", "2-Mar", "٣"]
)  # fmt: skip


@SLACK
@given(st.lists(CELL, min_size=1, max_size=30), st.randoms(use_true_random=False))
def test_the_order_of_cells_changes_no_number_and_no_flag(cells, rng):
    def decode(texts):
        return decode_numbers(
            pd.Series(texts, dtype=object), COLUMNS["igf1"], unit="ng/mL", decimal=".", missing=frozenset({"x"}), substitute="half",
        )  # fmt: skip

    order = rng.sample(range(len(cells)), len(cells))
    one, two = decode(cells), decode([cells[i] for i in order])
    assert np.array_equal(one.values[order], two.values, equal_nan=True)
    assert sorted((order[i], code, remedy) for i, code, remedy in two.flags) == sorted(one.flags)
    for text, value in zip(cells, one.values, strict=True):
        if re.fullmatch(r"\s*[0-9.]+\s*", text) and text not in {"999", "٣"}:
            assert value == float(text)


@SLACK
@given(st.lists(st.text(alphabet="aN/ \u00a0\tA", max_size=4), max_size=20))
def test_cleaning_is_done_cell_by_cell(cells):
    text, is_missing = clean(pd.Series(cells, dtype=object), frozenset({"n"}))
    assert text.tolist() == [cell.replace("\u00a0", " ").strip() for cell in cells]
    assert is_missing.tolist() == [t.lower() in {"", "n", "na", "n/a", "nan"} for t in text]


@SLACK
@given(st.text(alphabet=st.characters(max_codepoint=127), max_size=12))
def test_the_short_cut_for_plain_identifiers_folds_as_for_any_other(text):
    visible = "".join(c for c in text if unicodedata.category(c) != "Cf")
    plain = _HYPHENS.sub("-", unicodedata.normalize("NFKC", visible).translate(_LOOK_ALIKES))
    assert folded(text) == re.sub(r"\s+", " ", plain).strip().casefold()


ROW = st.lists(st.sampled_from(["", " ", "1", "x", "P7", "<25"]), min_size=4, max_size=4)


@SLACK
@given(st.lists(ROW, max_size=12), st.integers(0, 3))
def test_a_table_held_by_column_is_the_table_held_by_row(rows, above):
    rows = [[""] * 4] * above + [["patient_id", "igf1_ng_ml", "", "note"], ["P1", "90", "", ""], *rows]
    columns = ColumnRows([TextColumn.of(column) for column in zip(*rows, strict=True)])
    assert list(columns) == rows
    assert columns[-1] == rows[-1]
    one, two = (find_table(Grid(rows=r), "x", header_row=None, known=frozenset()) for r in (rows, columns))
    assert one.cells.equals(two.cells)
    assert (one.headers, one.header_row, one.problems) == (two.headers, two.header_row, two.problems)
    assert one.row_numbers.tolist() == two.row_numbers.tolist()


def reply(*parts):
    told = parsing._Reply("cohort.xlsx", "workbook")
    told.take(io.BytesIO(b"".join(parts)))
    return told.sheets_or_raise(0)


SHEET = b'{"sheet": "a", "hidden": false, "above": 1, "left": 1}\n'
END = b'{"rounded": [], "text_numbers": []}\n{"end": true}\n'


def test_the_rows_above_and_the_columns_left_of_a_table_are_empty():
    data = np.array([90.0, np.nan]).tobytes() + np.array([1, 0], np.int32).tobytes()
    sheet = reply(SHEET, b'{"n": 2, "columns": [null, ["x", "y"]]}\n', data, END)[0]
    assert list(sheet.rows) == [["", "", ""], ["", "90", "y"], ["", "", "x"]]


@pytest.mark.parametrize(
    "parts",
    [
        (b'{"n": 2, "columns": [null]}\n', bytes(9)),
        (b'{"n": 1, "columns": [["x"]]}\n', np.array([7], np.int32).tobytes(), END),
        (b'{"n": 1, "columns": [null]}\n', bytes(8), b'{"n": 1, "columns": []}\n', END),
        (b'{"n": 1, "columns": 5}\n', END),
        (b"\xff\n", END),
    ],
    ids=["cut short", "a place that is none", "a column less", "no columns", "no text"],
)
def test_a_parser_that_does_not_speak_as_it_should_is_a_refusal(parts):
    with pytest.raises(UnsafeFileError, match="ended the process"):
        reply(SHEET, *parts)


def test_a_number_of_sixteen_digits_is_told_wherever_it_stands_in_its_column(make_table, write_xlsx):
    rows = make_table(60)
    for row in (3, 55):
        rows[row][4] = str(4_000_000_000_000_017)
    problems = parsing.parse_apart(
        write_xlsx(rows).read_bytes(), "x", kind="workbook", limits=parsing.Limits(), n_expanded=10**6
    )[0].rounded
    assert problems == [[4, 4], [56, 4]]


def odd(rows):
    for row, column, text in ((3, 4, "<25"), (4, 4, "999"), (5, 1, "150"), (6, 4, ""), (7, 2, "F"), (8, 9, "-2"), (9, 6, "5")):  # fmt: skip
        rows[row][column] = text
    return rows


def told(cohort):
    return sorted((p.code, p.row, p.column, p.remedy) for p in cohort.problems if p.code != "text_numbers")


@pytest.mark.parametrize(
    "kind", ["xlsx", "xlsx of text", "parquet", "utf-16", "cp1252", "semicolons", "tabs"]
)
def test_copies_of_a_table_with_odd_cells_give_the_same_numbers_and_words(
    make_table, write_csv, write_xlsx, tmp_path, kind
):
    rows = odd(make_table())
    plain, options = read_cohort(write_csv(rows)), {}
    if kind.startswith("xlsx"):
        path = write_xlsx(rows, typed=kind == "xlsx")
    elif kind == "parquet":
        pytest.importorskip("pyarrow")
        path = tmp_path / "c.parquet"
        pd.DataFrame(rows[1:], columns=rows[0]).to_parquet(path)
    elif kind in {"utf-16", "cp1252"}:
        path, options = write_csv(rows, "c.csv", encoding=kind), {"encoding": kind}
    else:
        path = write_csv(rows, "c.csv", delimiter=";" if kind == "semicolons" else "\t")
    copy = read_cohort(path, **options)
    assert copy.table.equals(plain.table)
    assert told(copy) == told(plain)
    assert {code for code, *_ in told(plain)} >= {"below_detection", "possible_sentinel", "out_of_bounds"}
    assert copy.unusable == plain.unusable


@SLACK
@given(st.lists(st.text("ab\0 ", max_size=3), max_size=12))
def test_texts_that_differ_after_a_nul_stay_apart(texts):
    which, words = places_of(texts)
    assert [words[i] for i in which] == texts
    assert len(set(words)) == len(words)
    column = TextColumn.of(texts)
    assert column.with_words([word.strip() for word in column.words]).text.tolist() == [
        text.strip() for text in texts
    ]
    assert column.counts.tolist() == [texts.count(word) for word in column.words]
    assert _csv_cells(pd.Series(texts, dtype=object)) == [neutral_csv_text(text) for text in texts]


@SLACK
@given(st.lists(st.one_of(st.none(), st.just(math.nan), st.text("ab\0", max_size=2)), max_size=12))
def test_what_is_missing_has_no_place_among_the_levels(values):
    which, words = levels_of(values)
    assert [None if i < 0 else words[i] for i in which] == [v if isinstance(v, str) else None for v in values]


def test_who_replaces_the_cells_of_a_sheet_reads_the_new_ones():
    rows = ColumnRows(
        [TextColumn.of(["patient_id", "P1", "P2", "P3"]), TextColumn.of(["age_years", "40", "50", "40"])]
    )
    sheet = find_table(Grid(rows=rows), "c", header_row=1, known=frozenset())
    assert sheet.column(1) is sheet.encoded[1][1]
    other = dataclasses.replace(sheet, cells=sheet.cells.replace("40", "41"))
    assert other.column(1).text.tolist() == ["41", "50", "41"]
    taken = sheet.take(np.array([0, 2]))
    assert taken.column(0).text.tolist() == taken.cells[0].tolist() == ["P1", "P3"]
    assert taken.row_numbers.tolist() == [2, 4]
    assert sheet.take(np.arange(3)) is sheet


@pytest.mark.parametrize("words", [["a", None, "b", "a\0"], [str(i) for i in range(3_000)]])
def test_places_go_by_the_text_whether_a_few_objects_stand_for_all_or_each_row_has_its_own(words):
    draw = np.random.default_rng(7).integers(0, len(words), 5_000)
    shared = np.array(words, dtype=object)[draw]
    own = np.array([None if word is None else "".join(list(word)) for word in shared], dtype=object)
    mixed = np.concatenate([shared, own])[
        ::-1
    ]  # equal texts that are different objects, and no whole block of memory
    for values in (shared, own, mixed, shared[:0]):
        which, found = places_of(values)
        assert found == list(dict.fromkeys(values))
        assert [found[i] for i in which] == values.tolist()
