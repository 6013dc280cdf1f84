"""The form of messages. Worked by hand."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from igfstrat import errors
from igfstrat.errors import (
    CohortError,
    ExitCode,
    IgfstratError,
    Problem,
    Severity,
    render_problems,
    safe_text,
)


def problem(
    row=None,
    *,
    code="x",
    severity=Severity.ERROR,
    column="igf1_ng_ml",
    value=None,
    cell=None,
    remedy="do this",
):
    return Problem(
        code=code, severity=severity, column=column, row=row, cell=cell, value=value, remedy=remedy
    )


def test_equal_kinds_in_one_column_share_a_line():
    lines = render_problems([problem(3, value="-1"), problem(9, value="-2"), problem(4, column="age_years")])
    assert len(lines) == 2
    assert "rows 3, 9" in lines[0]
    assert "found -1, -2" in lines[0]
    assert lines[0].endswith("do this")


def test_five_rows_are_shown_and_the_rest_is_counted():
    (line,) = render_problems([problem(row, value=str(row)) for row in range(20, 2, -1)])
    assert "rows 3, 4, 5, 6, 7 and 13 more (first: row 3)" in line
    assert "and 13 more" in line.split("found")[1]


def test_the_first_cell_is_that_of_the_first_row_in_whatever_order_they_come():
    (line,) = render_problems([problem(9, cell="E9"), problem(2, cell="E2")])
    assert "(first: row 2, cell E2)" in line
    assert "row 7 (E7)" in render_problems([problem(7, cell="E7")])[0]


def test_a_cohort_error_counts_only_what_stops_it():
    error = CohortError(
        "a.csv (3 rows)", [problem(2), problem(3, severity=Severity.FLAG), problem(severity=Severity.NOTICE)]
    )
    assert str(error).splitlines()[0] == "1 problem in a.csv (3 rows)"
    assert str(error).endswith("Nothing was scored.")
    assert len(error.problems) == 3


def test_every_error_is_a_value_error_with_an_exit_code_of_the_table():
    kinds = [k for k in vars(errors).values() if isinstance(k, type) and issubclass(k, IgfstratError)]
    assert len(kinds) >= 10
    assert all(issubclass(kind, ValueError) and isinstance(kind.exit_code, ExitCode) for kind in kinds)
    assert (
        errors.UnsafeFileError.exit_code,
        errors.StorageError.exit_code,
        errors.ConfigError.exit_code,
    ) == (4, 5, 2)


@pytest.mark.parametrize(
    ("text", "shown"),
    [("a\x1b[31mb", "a\\x1b[31mb"), ("a\nb", "a\\nb"), ("a\u202eb", "a\\u202eb"), ("a\u00a0b", "a\\xa0b"), ("Müller µ", "Müller µ"),
     ("\udc80", "\\udc80")],
)  # fmt: skip
def test_what_could_move_the_cursor_is_escaped(text, shown):
    assert safe_text(text) == shown


@given(st.text(max_size=300), st.integers(1, 100))
def test_shown_text_is_one_line_without_control_characters_and_never_longer_than_its_limit(text, limit):
    shown = safe_text(text, limit=limit)
    assert len(shown) <= limit + 1
    assert all(unicodedata.category(char)[0] != "C" for char in shown)
    assert len(shown.splitlines()) <= 1
