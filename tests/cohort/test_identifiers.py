"""Identifiers that are told to be faultless all together are so one by one. Invariant (hypothesis)."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from igfstrat.cohort import identity, read_cohort
from igfstrat.cohort.sheet import Sheet, TextColumn
from igfstrat.errors import Severity

PARTS = st.sampled_from(
    ["P", "p", "1", "2", "A", " ", "\t", "\x00", "\u00ad", "-", "\u2010", "А", "ß", "ss", "K", "\u212a", "NA", "1e+05", "nan", "x" * 201, "."]
)  # fmt: skip
IDS = st.lists(st.lists(PARTS, max_size=3).map("".join), max_size=6)


@given(IDS)
def test_simple_identifiers_have_no_fault_when_looked_at_one_by_one(ids):
    series = pd.Series([text.strip() for text in ids], dtype=object)
    if not identity.are_simple(series):
        return
    sheet = Sheet(
        source="c", name=None, header_row=1, headers=("id",), cells=pd.DataFrame({0: ids}), row_numbers=np.arange(len(ids)) + 2
    )  # fmt: skip
    assert not identity._blank(series)
    assert not identity._doubled(series, sheet)
    assert not identity._rounded(series, sheet, 0)
    assert not identity._odd(series)
    assert [identity.folded(text) for text in ids] == [text.strip().casefold() for text in ids]


def test_plain_identifiers_are_simple_and_each_doubt_makes_them_not():
    assert identity.are_simple(pd.Series(["P1", "P2", "x_3.4-5"], dtype=object))
    for odd in ("p1", "", "NA", "P 2", "1E+05", "\u00e9", "x" * 201, "a\x07"):
        assert not identity.are_simple(pd.Series(["P1", odd], dtype=object)), odd


@given(st.lists(st.sampled_from(["a", "b", "", " c"])))
def test_a_categorical_column_has_the_text_of_its_rows(texts):
    codes, levels = pd.factorize(np.array([*texts], dtype=object))
    series = pd.Series(pd.Categorical.from_codes(codes, categories=pd.Index(levels, dtype=object)))
    assert TextColumn.of(series).text.tolist() == texts


@pytest.mark.parametrize("error", ["#REF!", " #name? ", "#DIV/0!"])
def test_an_error_of_excel_is_no_identifier(change, write_csv, error):
    problems = read_cohort(write_csv(change({(9, "patient_id"): error}))).problems
    assert [(p.row, p.code, p.severity) for p in problems if p.column == "patient_id"] == [
        (9, "missing_id", Severity.ERROR)
    ]
