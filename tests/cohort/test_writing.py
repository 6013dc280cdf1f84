"""Tables written for programs and for people: nothing of a cell can become a formula. Worked by hand, read back by openpyxl."""

import csv
import io

import numpy as np
import openpyxl
import pandas as pd
import pytest

from igfstrat.cohort.writing import (
    ScoreTables,
    check_suffix,
    csv_bytes,
    write_plain_table,
    write_score_tables,
)
from igfstrat.errors import UsageError

HARMFUL = ["=1+1", "+1|cmd", "-2+3", "@SUM(A1)", "\t=1", "＝1", "'quoted", "http://x", "P1"]


def test_text_that_could_start_a_formula_is_neutral_in_csv_and_comes_back():
    table = pd.DataFrame({"=id": HARMFUL, "x": np.linspace(-1, 1, len(HARMFUL))})
    data = csv_bytes(table)
    assert data.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))
    assert rows[0] == ["'=id", "x"]
    assert [row[0].removeprefix("'") for row in rows[1:]] == HARMFUL
    assert not [row[0] for row in rows if row[0].startswith(("=", "+", "-", "@", "\t", "＝"))]


def test_numbers_keep_their_last_digit_and_their_sign_in_csv():
    table = pd.DataFrame({"a": [0.1 + 0.2, -1.5, np.nan], "b": ["-0.43", "+2", None], "c": [1, 2, 3]})
    rows = list(csv.reader(io.StringIO(csv_bytes(table).decode("utf-8-sig"), newline="")))
    assert rows[1:] == [["0.30000000000000004", "-0.43", "1"], ["-1.5", "+2", "2"], ["", "", "3"]]


def test_no_cell_of_a_workbook_is_a_formula_or_a_link(tmp_path):
    path = tmp_path / "out.xlsx"
    write_plain_table(pd.DataFrame({"id": HARMFUL, "x": np.arange(len(HARMFUL), dtype=float)}), path)
    sheet = openpyxl.load_workbook(path).active
    cells = [sheet.cell(row, 1) for row in range(2, len(HARMFUL) + 2)]
    assert [cell.value for cell in cells] == HARMFUL
    assert {cell.data_type for cell in cells} == {"s"}
    assert not [cell for cell in cells if cell.hyperlink]


@pytest.mark.parametrize("suffix", [".csv", ".xlsx"])
def test_the_same_table_gives_the_same_bytes(tmp_path, suffix):
    table = pd.DataFrame({"id": ["A"], "x": [1.5]})
    for name in ("one", "two"):
        write_plain_table(table, tmp_path / f"{name}{suffix}")
    assert (tmp_path / f"one{suffix}").read_bytes() == (tmp_path / f"two{suffix}").read_bytes()


def test_a_written_cohort_reads_back_the_same(make_table, tmp_path, judge):
    rows = make_table()
    table = pd.DataFrame(rows[1:], columns=rows[0], dtype=object)
    for suffix in (".csv", ".xlsx"):
        write_plain_table(table, tmp_path / f"out{suffix}")
    one, two = (judge(tmp_path / f"out{suffix}").cohort for suffix in (".csv", ".xlsx"))
    assert one.problems == ()
    assert {p.code for p in two.problems} <= {"text_numbers"}
    assert one.table.equals(two.table)


def test_another_suffix_is_refused_before_anything_is_done(tmp_path):
    with pytest.raises(UsageError, match=r"write \.csv or \.xlsx"):
        check_suffix(tmp_path / "out.ods")


def test_a_row_of_long_text_is_as_high_as_its_lines_and_no_higher_than_a_workbook_allows(tmp_path):
    said = pd.DataFrame(
        {"what": ["short", "long", "endless"], "value": ["a b", "word " * 60, "word\n" * 6000]}
    )
    scores = pd.DataFrame({"patient_id": ["1"], "row_status": ["scored"]})
    tables = ScoreTables(
        scores=scores, n_source_columns=1, flags=said, summary=said, dictionary=said, provenance=said
    )
    write_score_tables(tables, tmp_path / "s.xlsx")
    rows = openpyxl.load_workbook(tmp_path / "s.xlsx")["provenance"].row_dimensions
    # 300 letters in a column 70 figures wide
    assert [rows[i].height for i in (2, 3)] == [None, 60]
    assert 400 < rows[4].height < 409.5
