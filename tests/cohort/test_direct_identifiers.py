"""Columns that tell who the patients are get a warning, and none of their cells is shown. Worked by hand."""

from dataclasses import replace

import pandas as pd
import pytest

from igfstrat.cohort import read_cohort
from igfstrat.cohort.carried import check_carried
from igfstrat.cohort.direct_identifiers import looks_like_people, names_a_person

PEOPLE = ["full_name", "Last name", "LastName", "name_last", "name", "Patient Name", "e-mail", "Email", "ec_phone", "telephone_1",
          "MRN", "Hospital number", "NHS No", "SSN", "date_of_birth", "DOB", "Birth Date", "Postcode", "ZIP", "Nachname", "Vorname",
          "Geburtsdatum", "nom", "next_of_kin_contact_name", "home_address", "Initials"]  # fmt: skip
OTHERS = ["gene_name", "site_name", "drug name", "top_gene", "comment", "dobutamine", "zipper", "nominal", "phonemes", "age",
          "stage", "file_name", "regimen name"]  # fmt: skip


@pytest.mark.parametrize("header", PEOPLE)
def test_a_header_that_names_a_person_is_known(header):
    assert names_a_person(header)


@pytest.mark.parametrize("header", OTHERS)
def test_a_header_that_names_a_thing_is_not(header):
    assert not names_a_person(header)


CONTENTS = {
    "e-mail addresses": "jane{}@example.org",
    "telephone numbers": "+44 20 7946 0{:03}",
    "social security numbers": "123-45-6{:03}",
    "names": "Doe{}, Jane",
    "street addresses": "{} Rose Cottage St.",
}


@pytest.mark.parametrize(("kind", "pattern"), CONTENTS.items(), ids=list(CONTENTS))
def test_cells_that_look_like_people_are_flagged_under_any_header_and_never_shown(
    make_table, write_csv, judge, kind, pattern
):
    rows = [[*row, "extra" if not i else pattern.format(i)] for i, row in enumerate(make_table())]
    judged = judge(write_csv(rows))
    assert [(p.column, p.code) for p in judged.flags] == [("extra", "direct_identifier")]
    assert kind in judged.text
    assert "Jane" not in judged.text
    assert "jane" not in judged.text
    assert "0007" not in judged.text


@pytest.mark.parametrize(
    "cells",
    [["Luminal, A", "Luminal, B"] * 20, ["2012-01-10", "2013-05-06", "2014-07-08"], ["12.5", "13.1", "99"], ["01-701-1015", "01-701-1023", "01-701-1028"],
     ["TP53", "BRCA1", "SEPT1"], ["1234567890", "2234567890", "3234567890"], ["a@b", "x@", "@y"]],
)  # fmt: skip
def test_other_cells_are_not_taken_for_people(cells):
    assert looks_like_people(pd.Series(cells)) is None


def test_addresses_used_as_patient_id_are_flagged(make_table, write_csv):
    rows = make_table()
    for i, row in enumerate(rows[1:]):
        row[0] = f"jane{i}@example.org"
    problems = read_cohort(write_csv(rows)).problems
    assert [(p.column, p.code) for p in problems] == [("patient_id", "direct_identifier")]
    assert "jane" not in problems[0].remedy


@pytest.mark.parametrize(
    ("header", "is_told"),
    [("full_name", True), ("MRN", True), ("Patient number", False), ("study_no", False)],
)
def test_names_and_record_numbers_used_as_patient_id_are_flagged_by_their_header(
    make_table, write_csv, tmp_path, header, is_told
):
    rows = make_table()
    rows[0][0] = header
    (tmp_path / "map.yaml").write_text(f"columns: {{patient_id: {header}}}")
    cohort = read_cohort(write_csv(rows), map=tmp_path / "map.yaml")
    assert [p.code for p in cohort.problems] == ["direct_identifier"] * is_told
    assert all(f"by its name ({header})" in p.remedy for p in cohort.problems)


def test_a_patient_id_that_the_data_dictionary_marks_as_identifying_is_flagged(make_table, write_csv):
    sheet = replace(read_cohort(write_csv(make_table())).sheet, identifying=frozenset({0}))
    problems = check_carried(sheet, [], 0)
    assert [p.code for p in problems] == ["direct_identifier"]
    assert "by its data dictionary" in problems[0].remedy
