"""Every public table beside the checkout is read with a map, or refused with the way out.

Golden: the counts of the sources' own descriptions; what a file gives without a map is stated as it is.
"""

import shutil

import pytest

from igfstrat.cohort import read_cohort
from igfstrat.errors import CohortError

pytestmark = pytest.mark.realdata


@pytest.fixture
def read(tmp_path):
    def reading(path, text, **options):
        (tmp_path / "map.yaml").write_text(text)
        return read_cohort(path, map=tmp_path / "map.yaml", **options)

    return reading


def counts(cohort, name):
    endpoint = cohort.endpoints[name]
    return int(endpoint.usable.sum()), int(endpoint.event.sum())


def test_i_spy_1_joins_its_two_sheets(data_folder):
    path = data_folder / "ispy1/I-SPY_1_All_Patient_Clinical_and_Outcome_Data.xlsx"
    cohort = read_cohort(path, map="ispy1")
    assert cohort.n_rows == 221
    assert counts(cohort, "rfs") == (221, 63)
    assert counts(cohort, "os") == (221, 40)  # 9 is lost to follow-up
    assert cohort.unusable == {}
    with pytest.raises(CohortError, match=r"several sheets could be meant.*choose one with --sheet"):
        read_cohort(path)


def test_adtte_of_the_cdisc_pilot_joins_adsl_from_xpt(data_folder):
    pytest.importorskip("pyreadstat")
    cohort = read_cohort(data_folder / "cdisc_pilot/adtte.xpt", map="cdisc_pilot_ttde")
    assert cohort.n_rows == 254
    assert counts(cohort, "tte") == (254, 152)
    assert cohort.sheet.n_joined == 47


def test_dates_with_month_names_give_the_times_of_brca_protein_dates(data_folder):
    cohort = read_cohort(data_folder / "brca_protein_dates/BRCA.csv", map="brca_protein_dates")
    assert cohort.n_rows == 334
    assert counts(cohort, "os") == (317, 62)
    assert sum(r != "" for r in cohort.endpoints["os"].reasons) == 17


def test_cbioportal_without_comment_rows_and_with_mixed_codes_is_read(data_folder):
    cohort = read_cohort(data_folder / "cbioportal_luad_tcga/data_clinical_patient.txt", map="tcga_luad")
    assert (cohort.n_rows, cohort.sheet.header_row) == (566, 1)
    assert counts(cohort, "os") == (505, 182)
    assert counts(cohort, "dfs") == (301, 89)
    assert counts(cohort, "dss") == (470, 111)
    assert counts(cohort, "pfs") == (505, 205)
    assert cohort.table["stage"].notna().sum() == 512
    assert cohort.unusable == {}


MESSY = {  # rows, header row and what is missing before it can be a cohort
    "aki": (22, 5), "bp": (20, 4), "glucose": (30, 4), "infarct": (20, 3), "uc": (30, 7), "cirrhosis": (10, 1),
}  # fmt: skip


@pytest.mark.parametrize(("name", "found"), MESSY.items(), ids=list(MESSY))
def test_messy_workbooks_are_read_to_the_point_where_a_map_is_asked_for(data_folder, name, found):
    cohort = read_cohort(data_folder / f"messy_medicaldata/messy_{name}.xlsx")
    assert (cohort.n_rows, cohort.sheet.header_row) == found
    with pytest.raises(CohortError, match="patient_id"):
        cohort.require([], outcome="Nothing was scored.")


def test_a_messy_workbook_with_a_map_says_that_patient_3_stands_twice(data_folder, read):
    text = "file: {header_row: 5}\ncolumns: {patient_id: study_id, sex: Sex}\n"
    cohort = read(data_folder / "messy_medicaldata/messy_aki.xlsx", text)
    assert {p.column for p in cohort.problems if p.code == "duplicate"} == {"patient_id"}
    by_row = read(
        data_folder / "messy_medicaldata/messy_aki.xlsx", text.replace("study_id", "{row_number: true}")
    )
    assert by_row.table["sex"].notna().sum() == 20
    assert (by_row.set_aside != "").sum() == 2  # notes under the data
    assert any(p.code == "direct_identifier" and p.column == "dob" for p in by_row.problems)


def test_a_trial_of_eight_sheets_asks_which(data_folder):
    with pytest.raises(CohortError, match="choose one with --sheet"):
        read_cohort(data_folder / "messy_medicaldata/tb_trial.xlsx")


REDCAP = {
    "blank-for-gray-status": ("data.csv", "dictionary.csv", "columns: {patient_id: record_id, sex: sex}", 6),
    "clinical-trial-1": ("data.csv", "dictionary.csv", "columns: {patient_id: record_id, sex: gender}", 500),
    "decimal-comma": ("data.csv", "dictionay.csv", "columns: {patient_id: record_id, bmi: bmi}", 4),
    "decimal-comma-and-dot": ("data.csv", "dictionary.csv", "columns: {patient_id: record_id, bmi: bmi_comma}", 4),
    "longitudinal": ("data.csv", "dictionary.csv",
                     "columns: {patient_id: study_id, sex: sex}\nrows: {where: {redcap_event_name: [enrollment_arm_1, enrollment_arm_2]}}", 3),
    "repeating-instruments": ("data.csv", "dictionary.csv",
                              "columns: {patient_id: record_id, sex: sex}\nrows: {one_patient_per: [record_id]}", 2),
    "potentially-problematic-values": ("data.csv", "dictionary.csv", "columns: {patient_id: record_id}", 2),
    "russian": ("data.csv", None, "columns: {patient_id: record_id}", 3),
}  # fmt: skip


@pytest.mark.parametrize(("name", "how"), REDCAP.items(), ids=list(REDCAP))
def test_redcap_exports_are_read_by_their_dictionary(data_folder, read, tmp_path, name, how):
    data, dictionary, text, n_rows = how
    shutil.copytree(data_folder / "redcap_samples" / name, tmp_path / "f")
    cohort = read(tmp_path / "f" / data, text + (f"\ndictionary: {dictionary}\n" if dictionary else ""))
    assert cohort.n_rows == n_rows
    assert not [p for p in cohort.problems if p.code == "missing_id"]
    if "sex:" in text:
        n_blank = {"blank-for-gray-status": 1}.get(name, 0)
        assert cohort.table["sex"].isna().sum() == n_blank
    assert cohort.has("bmi") or "bmi:" not in text
