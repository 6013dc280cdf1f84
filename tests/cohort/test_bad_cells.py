"""One wrong cell flags its row and the rest goes on. Worked by hand: each case says what must be named."""

import numpy as np
import pytest

from igfstrat.cohort import read_cohort
from igfstrat.errors import Severity
from igfstrat.schema import FLAG_CODES


def flagged(judged):
    return {(p.row, p.column, p.code) for p in judged.flags}


def test_sixty_plain_patients_give_no_problem_at_all(make_table, write_csv, write_xlsx, judge):
    for path in (write_csv(make_table()), write_xlsx(make_table())):
        judged = judge(path)
        assert judged.cohort.n_rows == 60
        assert judged.cohort.problems == ()
        assert judged.cohort.unusable == {}


CELLS = [
    ("igf1_ng_ml", "<25", "below_detection", np.nan, (0, 25)),
    ("igf1_ng_ml", "< 25 ng/mL", "below_detection", np.nan, (0, 25)),
    ("igf1_ng_ml", "≤25", "below_detection", np.nan, (0, 25)),
    ("igf1_ng_ml", "<LOD", "below_detection", np.nan, (0, np.nan)),
    ("igf1_ng_ml", "ND", "below_detection", np.nan, (0, np.nan)),
    ("igf1_ng_ml", "BLQ", "below_detection", np.nan, (0, np.nan)),
    ("igf1_ng_ml", "> 1000", "above_limit", np.nan, (1000, np.inf)),
    ("igf1_ng_ml", "haemolysed", "not_a_number", np.nan, None),
    ("igf1_ng_ml", "*", "missing_symbol", np.nan, None),
    ("igf1_ng_ml", "-", "missing_symbol", np.nan, None),
    ("igf1_ng_ml", ".", "missing_symbol", np.nan, None),
    ("igf1_ng_ml", "120*", "text_with_number", 120, None),
    ("igf1_ng_ml", "110-130", "range_of_values", np.nan, None),
    ("igf1_ng_ml", "150 ng/mL", "unit_in_cell", 150, None),
    ("igf1_ng_ml", "150 µg/L", "unit_in_cell", 150, None),
    ("igf1_ng_ml", "20 nmol/L", "not_a_number", np.nan, None),
    ("igf1_ng_ml", "~140", "approximate", 140, None),
    ("igf1_ng_ml", "-4.0", "out_of_bounds", np.nan, None),
    ("igf1_ng_ml", "1e999", "out_of_bounds", np.nan, None),
    ("igf1_ng_ml", "١٢٠", "not_a_number", np.nan, None),
    ("igf1_ng_ml", "1.234.5", "not_a_number", np.nan, None),
    ("age_years", "60 years", "unit_in_cell", 60, None),
    ("age_years", "60y", "unit_in_cell", 60, None),
    ("age_years", "130", "out_of_bounds", np.nan, None),
]


@pytest.mark.parametrize(("column", "text", "code", "value", "limits"), CELLS, ids=[c[1] for c in CELLS])
def test_what_stands_beside_a_number_gets_its_own_flag(
    change, write_csv, judge, column, text, code, value, limits
):
    judged = judge(write_csv(change({(12, column): text})))
    assert flagged(judged) == {(12, column, code)}
    assert f"row 12  found {text}" in judged.text
    np.testing.assert_equal(judged.cohort.table[column][10], value)
    if limits:
        ends = tuple(judged.cohort.table[f"{column}_{end}"][10] for end in ("lower", "upper"))
        np.testing.assert_equal(ends, limits)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("femal", "did you mean 'female'? It must be one of female, male"),
        ("mlae", "must be one of female, male"),
    ],
)
def test_a_misspelt_code_is_asked_about_where_only_one_code_is_close(change, write_csv, judge, text, hint):
    judged = judge(write_csv(change({(7, "sex"): text})))
    assert [(p.row, p.code) for p in judged.flags] == [(7, "invalid_code")]
    assert judged.flags[0].remedy.startswith(hint)
    assert judged.cohort.table["sex"][5] is None


@pytest.mark.parametrize("text", ["stage_x", "brca3", "iib2"])
def test_a_word_between_two_codes_is_likened_to_neither(write_csv, text):
    rows = [
        ["patient_id", "stage", "brca_status"],
        ["A", "ii", "none"],
        ["B", "i", "brca1"],
        ["C", text, text],
    ]
    problems = read_cohort(write_csv(rows)).problems
    assert {p.column for p in problems if p.code == "invalid_code"} == {"stage", "brca_status"}
    assert not [p for p in problems if "did you mean" in p.remedy]


@pytest.mark.parametrize("text", ["neg", "H-score 210", "3+ (strong)", "2-3", "pos", "+++", "4"])
def test_a_word_that_is_no_ihc_score_is_flagged_and_shown(change, write_csv, judge, text):
    judged = judge(write_csv(change({(7, "igf1r_ihc"): text})))
    assert flagged(judged) == {(7, "igf1r_ihc", "invalid_code")}
    assert text in judged.text
    assert judged.cohort.table["igf1r_ihc"][5] is None


def test_variants_of_a_subtype_fold_into_four_groups_and_are_reported(change, write_csv, judge):
    variants = {
        (2, "subtype"): "Luminal A",
        (6, "subtype"): "luminal\u2011a ",
        (10, "subtype"): "LUMINAL_A",
        (3, "subtype"): "LumB",
    }
    judged = judge(write_csv(change(variants)))
    subtype = judged.cohort.table["subtype"]
    assert [subtype[row - 2] for row, _ in variants] == ["luminal_a"] * 3 + ["luminal_b"]
    assert subtype.value_counts().to_dict() == {
        "luminal_a": 15, "luminal_b": 15, "triple_negative": 15, "her2_enriched": 15,
    }  # fmt: skip
    assert flagged(judged) == {(row, "subtype", "spelling") for row, _ in variants}
    assert "read as luminal_b, like 'luminal_b'" in judged.text


@pytest.mark.parametrize(
    "text", ["2019-02-29", "30/02/2019", "1899-12-31", "1900-01-00", "00/00/2019", "unknown"]
)
def test_an_impossible_date_flags_its_row(change, write_csv, judge, text):
    judged = judge(write_csv(change({(5, "diagnosis_date"): text})))
    assert flagged(judged) == {(5, "diagnosis_date", "invalid_date")}
    assert "row 5" in judged.text


def test_a_date_in_the_future_flags_its_row(change, write_csv, judge):
    judged = judge(write_csv(change({(5, "diagnosis_date"): "2187-01-01"})))
    assert flagged(judged) == {(5, "diagnosis_date", "future_date")}


@pytest.mark.parametrize(
    ("text", "code"),
    [("-3.5", "negative_time"), ("", "missing_time"), ("60+", "time_text"), (">60", "time_text"), ("5y", "time_text"),
     ("24 mo", "time_text"), ("0", "zero_time"), ("5000", "out_of_bounds")],
)  # fmt: skip
def test_a_doubtful_time_is_named(change, write_csv, judge, text, code):
    judged = judge(write_csv(change({(12, "dfs_months"): text})))
    assert flagged(judged) == {(12, "dfs_months", code)}
    assert "row 12" in judged.text
    assert text in judged.text
    dfs = judged.cohort.endpoints["dfs"]
    assert dfs.usable[10] == (code == "zero_time")
    assert bool(dfs.reasons[10]) != dfs.usable[10]


def test_an_endpoint_longer_than_the_follow_up_is_flagged(change, write_csv, judge):
    judged = judge(write_csv(change({(6, "pfs_months"): "150"})))
    assert flagged(judged) == {(6, "pfs_months", "after_last_followup")}


def test_a_time_at_zero_is_kept_whether_event_or_not(change, write_csv, judge):
    cells = {(3, "dfs_months"): "0", (3, "dfs_event"): "1", (4, "dfs_months"): "0", (4, "dfs_event"): "0"}
    judged = judge(write_csv(change(cells)))
    assert flagged(judged) == {(3, "dfs_months", "zero_time"), (4, "dfs_months", "zero_time")}
    dfs = judged.cohort.endpoints["dfs"]
    assert dfs.usable.all()
    assert dfs.event[[1, 2]].tolist() == [True, False]
    assert "an event at time 0 counts at 0" in judged.text
    assert "adds nothing" in judged.text


def test_a_substitute_below_the_bounds_keeps_its_interval(change, write_csv, tmp_path):
    path = write_csv(change({(12, "igf1_ng_ml"): "<25"}))
    cohort_map = tmp_path / "map.yaml"
    cohort_map.write_text("beyond_limit: {substitute: half}\n")
    table = read_cohort(path, map=cohort_map).table
    assert table["igf1_ng_ml"][10] == 12.5
    assert (table["igf1_ng_ml_lower"][10], table["igf1_ng_ml_upper"][10]) == (0, 25)


def test_gene_names_turned_into_dates_are_named_without_their_values(make_table, write_csv, judge):
    rows = make_table()
    genes = ["TP53", "1-Sep", "IGF1R", "2012-03-01"]
    rows = [[*row, "top_gene" if i == 0 else genes[i % 4]] for i, row in enumerate(rows)]
    judged = judge(write_csv(rows))
    assert {(p.column, p.code) for p in judged.flags} == {("top_gene", "date_in_names")}
    assert {p.row for p in judged.flags} == {i + 1 for i in range(1, 61) if i % 4 in (1, 3)}
    assert "date" in judged.text
    assert "1-Sep" not in judged.text


def test_a_column_of_dates_that_nothing_uses_is_no_gene_column(make_table, write_csv, judge):
    rows = [[*row, "visit" if i == 0 else "2012-03-01"] for i, row in enumerate(make_table())]
    assert judge(write_csv(rows)).flags == []


def test_direct_identifiers_are_warned_of_and_never_shown(make_table, write_csv, judge):
    extra = ("full_name", "mrn", "e-mail")
    rows = [
        [*row, *(extra if i == 0 else (f"Doe{i}", f"40000000{i:02}", f"jane{i}@example.org"))]
        for i, row in enumerate(make_table())
    ]
    judged = judge(write_csv(rows))
    assert [p.column for p in judged.flags] == list(extra)
    assert not any(word in judged.text for word in ("Doe17", "4000000017", "jane17"))
    assert "Doe17" not in str(judged.cohort.to_dict())


def test_every_flag_has_a_code_of_the_closed_list(change, write_csv, judge):
    cells = {(i + 2, column): text for i, (column, text, *_) in enumerate(CELLS[:20])}
    cells |= {
        (40, "dfs_event"): "9x",
        (41, "dfs_months"): "",
        (42, "sex"): "?",
        (43, "patient_id"): "P\u200b1",
    }
    codes = {p.code for p in judge(write_csv(change(cells))).flags}
    assert codes <= set(FLAG_CODES)
    assert len(codes) >= 10


def test_rows_in_are_rows_out_whatever_the_cells_hold(change, write_csv, judge):
    cells = {
        (row, column): "???"
        for row in range(2, 5)
        for column in ("age_years", "sex", "igf1_ng_ml", "dfs_months")
    }
    cohort = judge(write_csv(change(cells))).cohort
    assert cohort.n_rows == len(cohort.endpoints["dfs"].time) == 60
    assert all(p.severity is not Severity.ERROR for p in cohort.problems)


def test_an_event_without_a_time_is_out_of_its_endpoint_and_counts_as_none(change, write_csv, judge):
    dfs = judge(write_csv(change({(12, "dfs_event"): "1", (12, "dfs_months"): "60+"}))).cohort.endpoints[
        "dfs"
    ]
    assert (dfs.usable[10], dfs.event[10], dfs.reasons[10]) == (False, False, "time not a number")
