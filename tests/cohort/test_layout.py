"""Where the table is: sheets, header rows, notes under the data, formulas. Worked by hand."""

import pytest

from igfstrat.cohort import read_cohort
from igfstrat.errors import CohortError


def refused(judge, path, *words, **options):
    with pytest.raises(CohortError) as caught:
        judge(path, **options)
    assert not [word for word in words if word not in str(caught.value)], str(caught.value)


def test_a_title_above_the_header_is_passed_over_and_said(make_table, write_csv, write_xlsx, judge):
    rows = [["My study, final (2)"], ["exported", "2024"], [], *make_table()]
    for path in (write_csv(rows), write_xlsx(rows)):
        judged = judge(path)
        assert judged.cohort.n_rows == 60
        assert judged.flags == []
        assert "the header was found in row 4" in judged.text
        assert judged.cohort.row_numbers[0] == 5


def test_a_declared_header_row_is_taken(make_table, write_csv, judge):
    rows = [["a", "b"], *make_table()]
    assert judge(write_csv(rows), header_row=2).cohort.n_rows == 60
    refused(judge, write_csv(rows), "--header-row 99", "outside the sheet", header_row=99)


def test_a_header_that_stands_twice_is_refused(make_table, write_csv, judge):
    rows = [[*row, row[4]] for row in make_table()]
    refused(judge, write_csv(rows), "igf1_ng_ml", "twice")


def test_a_doubled_patient_id_is_said_to_be_doubled_not_missing(make_table, write_csv, judge):
    rows = [[*row, row[0]] for row in make_table()]
    with pytest.raises(CohortError, match=r"patient_id.*twice in the header") as caught:
        judge(write_csv(rows))
    assert "column missing" not in str(caught.value)


def test_one_analyte_in_two_units_is_refused(make_table, write_csv, judge):
    rows = [[*row, "igf1_nmol_l" if i == 0 else "20"] for i, row in enumerate(make_table())]
    refused(judge, write_csv(rows), "igf1_ng_ml and igf1_nmol_l")


def test_a_misspelt_header_is_named_beside_the_missing_one(make_table, write_csv, judge):
    rows = make_table()
    rows[0][4] = "igf1_ngml"
    refused(judge, write_csv(rows), "igf1_ng_ml", "missing", "found igf1_ngml: rename it, or map it")


def test_a_file_without_a_header_does_not_lose_its_first_patient(make_table, write_csv, write_xlsx, judge):
    for path in (write_csv(make_table()[1:]), write_xlsx(make_table()[1:])):
        refused(judge, path, "no header row was found", "--header-row")


def test_a_header_alone_has_no_patients(make_table, write_csv, write_xlsx, judge):
    for path in (write_csv(make_table()[:1]), write_xlsx(make_table()[:1])):
        refused(judge, path, "no patients")


def test_two_sheets_that_could_be_meant_are_asked_about(make_table, write_xlsx, judge):
    def edit(workbook):
        workbook.create_sheet("ReadMe", 0).append(["Please read", "me"])
        second = workbook.create_sheet("Cohort (2)")
        for row in make_table():
            second.append(row)
        second.sheet_state = "hidden"

    path = write_xlsx(make_table(), edit=edit)
    refused(judge, path, "'Cohort'", "'Cohort (2)' (hidden)", "--sheet")
    assert judge(path, sheet="Cohort").cohort.n_rows == 60
    refused(judge, path, "no sheet is named 'Cohrt'", "'ReadMe'", sheet="Cohrt")


def test_a_readme_in_front_is_no_candidate(make_table, write_xlsx, judge):
    path = write_xlsx(
        make_table(), edit=lambda book: book.create_sheet("ReadMe", 0).append(["Please read", "me"])
    )
    assert judge(path).cohort.sheet.name == "Cohort"


def test_a_workbook_with_a_chart_sheet_and_an_empty_one_has_no_data(write_xlsx, judge):
    def edit(workbook):
        workbook.create_chartsheet("Chart")
        workbook.active.sheet_state = "hidden"
        workbook.active = 1

    refused(judge, write_xlsx([], edit=edit), "no sheet holds data")


def test_rows_hidden_by_a_filter_are_read_and_counted(make_table, write_xlsx, judge):
    def edit(workbook):
        for number in (*range(10, 30), 500):
            workbook.active.row_dimensions[number].hidden = True

    judged = judge(write_xlsx(make_table(), edit=edit))
    assert judged.cohort.n_rows == 60
    assert [(p.row, p.code) for p in judged.flags] == [(None, "hidden_rows")]
    assert "20 of 60 rows are hidden (by hand or by a filter)" in judged.text


def test_a_mean_a_count_and_a_footnote_are_no_patients(make_table, write_csv, judge):
    empty = [""] * 12
    rows = [*make_table(), ["Mean", "58.1", *empty[1:]], ["n = 60", *empty], [], ["* measured twice", *empty]]
    judged = judge(write_csv(rows))
    assert [(p.row, p.code) for p in judged.flags] == [
        (62, "summary_row"),
        (63, "summary_row"),
        (65, "summary_row"),
    ]
    assert "row" in judged.text
    assert "62" in judged.text
    assert (judged.cohort.set_aside != "").sum() == 3
    assert judged.cohort.endpoints["dfs"].usable.sum() == 60
    assert judged.cohort.endpoints["dfs"].reasons[60] == "not a patient"


@pytest.mark.parametrize("name", ["N 12", "MaxPlanck-3", "Sumo7", "Minna"])
def test_a_last_patient_whose_name_begins_like_a_summary_stays_one(change, write_csv, judge, name):
    assert judge(write_csv(change({(61, "patient_id"): name}))).flags == []


def test_formulas_without_a_stored_value_are_refused(make_table, write_xlsx, judge):
    rows = make_table()
    for number, row in enumerate(rows[1:], start=2):
        row[4] = f"=100+B{number}"
    refused(judge, write_xlsx(rows), "igf1_ng_ml", "formula", "first: row 2, cell E2", "Excel", "recalculate")


def test_formulas_without_a_value_in_a_column_that_nothing_uses_refuse_nothing(make_table, write_xlsx, judge):
    rows = [[*row, "Comment" if i == 0 else "=1+1"] for i, row in enumerate(make_table())]
    judged = judge(write_xlsx(rows))
    assert judged.flags == []
    assert "Comment" in judged.text
    assert "the column is not used" in judged.text


def test_a_formula_in_a_title_is_nobodys_problem(make_table, write_xlsx, judge):
    judged = judge(write_xlsx([["Study", "=1+1"], *make_table()]))
    assert judged.flags == []


def test_numbers_stored_as_text_are_the_same_numbers(make_table, write_xlsx, judge):
    typed, text = (judge(write_xlsx(make_table(), f"{t}.xlsx", typed=t)).cohort.table for t in (True, False))
    assert typed.equals(text)


def test_sixteen_thousand_columns_are_read_and_not_listed(make_table, write_csv, judge):
    n = 16_384 - 13
    rows = [
        [*row, *([f"x{j}" for j in range(n)] if i == 0 else ["1"] * n)] for i, row in enumerate(make_table(5))
    ]
    cohort = judge(write_csv(rows)).cohort
    assert len(cohort.bindings.ignored) == n
    listed = cohort.to_dict()["ignored_columns"]
    assert len(listed) == 51
    assert listed[-1] == f"and {n - 50} more"


def test_empty_trailing_columns_are_nothing(make_table, write_csv, judge):
    assert judge(write_csv([[*row, "", "", ""] for row in make_table()])).cohort.problems == ()


def test_values_without_a_header_are_said(make_table, write_csv, judge):
    rows = [[*row, "" if i == 0 else "7"] for i, row in enumerate(make_table())]
    judged = judge(write_csv(rows))
    assert judged.flags == []
    assert "values without a header in column N" in judged.text


def test_an_extra_column_is_ignored_and_changes_nothing(make_table, write_csv, judge):
    rows = [[*row, "comment" if i == 0 else f"free text {i}"] for i, row in enumerate(make_table())]
    cohort, plain = judge(write_csv(rows)).cohort, judge(write_csv(make_table(), "plain.csv")).cohort
    assert cohort.problems == ()
    assert cohort.to_dict()["ignored_columns"] == ["comment"]
    assert cohort.table.equals(plain.table)


def test_row_numbers_stand_in_for_identifiers_only_when_the_map_says_so(make_table, write_csv, tmp_path):
    path = write_csv([row[1:] for row in make_table()])
    with pytest.raises(CohortError, match=r"patient_id.*row_number: true"):
        read_cohort(path).require([], outcome="Nothing was scored.")
    cohort_map = tmp_path / "map.yaml"
    cohort_map.write_text("columns: {patient_id: {row_number: true}}\n")
    cohort = read_cohort(path, map=cohort_map)
    assert cohort.table["patient_id"].tolist()[:2] == ["2", "3"]
    cohort.require([("age_years",)], ["dfs"], outcome="Nothing was scored.")


def test_an_endpoint_that_stands_twice_or_in_two_units_is_refused(make_table, write_csv, judge):
    for extra, which in (("dfs_event", "dfs_event"), ("dfs_days", "dfs_months and dfs_days")):
        rows = [[*row, extra if i == 0 else "1"] for i, row in enumerate(make_table())]
        refused(judge, write_csv(rows), which, "twice in the header")


def test_an_endpoint_without_its_time_is_refused(make_table, write_csv, judge):
    rows = make_table()
    rows[0][rows[0].index("dfs_months")] = "dfs_weeks"
    refused(
        judge, write_csv(rows), "dfs_months", "column missing: dfs needs a time (dfs_months, _days or _years)"
    )


def test_a_mapped_header_that_stands_twice_is_refused_and_an_unused_one_is_not(
    make_table, write_csv, tmp_path, judge
):
    rows = [[*row, *(["x", "x"] if i == 0 else ["7", "8"])] for i, row in enumerate(make_table())]
    path, cohort_map = write_csv(rows), tmp_path / "map.yaml"
    assert judge(path).cohort.problems == ()
    cohort_map.write_text("columns: {igf1r_allred: x}\n")
    assert (
        "the header 'x' stands twice" in read_cohort(path, map=cohort_map).unusable["igf1r_allred"][0].remedy
    )


def test_a_mapped_column_comes_before_a_convention_header(make_table, write_csv, tmp_path):
    rows = [[*row, "Age at dx" if i == 0 else "33"] for i, row in enumerate(make_table())]
    cohort_map = tmp_path / "map.yaml"
    cohort_map.write_text("columns: {age_years: Age at dx}\n")
    cohort = read_cohort(write_csv(rows), map=cohort_map)
    assert set(cohort.table["age_years"]) == {33}
    assert "age_years" in cohort.to_dict()["ignored_columns"]


def test_an_endpoint_that_is_not_there_is_asked_for_by_its_headers(make_table, write_csv):
    cohort = read_cohort(write_csv(make_table()))
    with pytest.raises(
        CohortError,
        match=r"os .*it needs os_months \(or _days, _years\) and os_event, or a map; found dfs, pfs",
    ):
        cohort.require([], ["os"], outcome="No report was written.")


def test_a_note_of_several_lines_under_an_empty_row_is_no_patient(make_table, write_csv):
    width = len(make_table()[0])
    notes = [["", text, *[""] * (width - 2)] for text in ("", "collected in spring", "with permission")]
    rows = [[f"x{i}" if i and not row[0] else row[0], *row[1:]] for i, row in enumerate(make_table())]
    cohort = read_cohort(write_csv([*rows, *notes]))
    assert cohort.n_rows == 62
    assert (cohort.set_aside != "").tolist() == [False] * 60 + [True] * 2
    few = [["P900", "50", *[""] * (width - 2)], ["P901", "51", *[""] * (width - 2)]]
    assert (read_cohort(write_csv([*rows, *few], "few.csv")).set_aside == "").all()
