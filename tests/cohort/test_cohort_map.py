"""A cohort map says how to read one source; what it cannot mean is refused with its line. Worked by hand."""

import pytest

from igfstrat.cohort import CohortMap, read_cohort
from igfstrat.config import config_path, make_config, packaged_configs, parse_yaml, read_yaml
from igfstrat.errors import CohortError, ConfigError


def make(text):
    return make_config(CohortMap, parse_yaml(text, source="map.yaml"))


@pytest.mark.parametrize("name", sorted(p.stem for p in (packaged_configs() / "maps").glob("*.yaml")))
def test_every_packaged_map_is_one(name):
    assert make_config(CohortMap, read_yaml(config_path(name, "maps"))).columns


@pytest.mark.parametrize(
    ("text", "words"),
    [("columns:\n  igf_1: x", "line 2  columns.igf_1 .* not a canonical column; did you mean 'igf1'"),
     ("columns:\n  igf1_ng_ml: x", "did you mean 'igf1'"), ("columns: {igf1: {column: a, unt: b}}", "did you mean 'unit'"),
     ("columns: {igf1: {column: a, unit: ng/dL}}", "unit 'ng/dL' is not known here"), ("columns: {age_years: {column: a, unit: ng/mL}}", "has no unit to choose"),
     ("columns: {vegfc: {column: a, unit: nmol/L}}", "needs its molar mass"), ("columns: {igf1: {column: a, assay: ids-isys}}", "'ids-isys' is not known; there are ids_isys"),
     ("columns: {igf2: {column: a, assay: ria}}", "none for this column"), ("columns: {sex: {row_number: true}}", "row_number can only stand for patient_id"),
     ("columns: {patient_id: {value: x}}", "cannot be the same for all"), ("columns: {sex: {column: a, value: female}}", "exactly one of column, value and row_number"),
     ("columns: {sex: {column: a, codes: {woman: [1]}}}", "woman not among its codes \\(female, male\\)"),
     ("columns: {sex: {column: a, codes: {male: [1], female: [1]}}}", "1 stands for more than one code"),
     ("endpoints:\n  dsf: {}", "line 2  endpoints.dsf"), ("endpoints: {os: {time: a, event: {column: e, event: [1], censored: [0]}}}", "unit is missing"),
     ("endpoints: {os: {from: a, event: {column: e, event: [1], censored: [0]}}}", "from and to are both needed"),
     ("endpoints: {os: {time: a, unit: days, from: b, to: c, event: {column: e, event: [1], censored: [0]}}}", "either time and unit, or from and to"),
     ("endpoints: {os: {time: a, unit: days, event: {column: e, event: [1], censored: [1]}}}", r"\['1'\] stand on both sides"),
     ("endpoints: {os: {time: a, unit: days, event: {column: e, event: [], censored: [0]}}}", "name the codes"),
     ("file: {delimiter: ';;'}", "must be one character"), ("file: {header_row: 0}", "greater than or equal to 1"), ("dates: {order: dmy}", "must be 'day-first'")],
)  # fmt: skip
def test_what_a_map_cannot_mean_is_refused(text, words):
    with pytest.raises(ConfigError, match=words):
        make(text)


def test_a_mapped_column_that_is_not_there_is_told_with_the_nearest(make_table, write_csv):
    cohort = read_cohort(write_csv(make_table()), map=make("columns: {bmi: age_year}"))
    assert (
        "the map names the column 'age_year', which is not in the file; did you mean 'age_years'?"
        in cohort.unusable["bmi"][0].remedy
    )


def test_a_mapped_patient_id_that_is_not_there_is_said_once(make_table, write_csv):
    cohort = read_cohort(write_csv(make_table()), map=make("columns: {patient_id: Subject}"))
    with pytest.raises(
        CohortError, match=r"1 problem in .*\n  patient_id  the map names the column 'Subject'"
    ):
        cohort.require([("age_years",)], outcome="Nothing was scored.")


def test_a_constant_holds_for_all_and_a_wrong_one_is_said_once(make_table, write_csv):
    path = write_csv(make_table())
    assert set(
        read_cohort(path, map=make("columns: {disease: {value: Breast Cancer}}")).table["disease"]
    ) == {"breast"}
    cohort = read_cohort(path, map=make("columns: {disease: {value: brest}}"))
    assert len(cohort.unusable["disease"]) == 1
    assert cohort.problems == ()


def test_words_for_missing_hold_for_all_columns_or_for_one(write_csv):
    rows = [["patient_id", "age_years", "sex", "arm"], ["A", "na?", "f", "na?"], ["B", "99", "m", "x"]]
    cohort = read_cohort(
        write_csv(rows),
        map=make('missing: ["NA?"]\ncolumns: {age_years: {column: age_years, missing: [99]}}'),
    )
    assert cohort.table["age_years"].isna().all()
    assert cohort.table["arm"].tolist() == [None, "x"]
    assert cohort.problems == ()


def test_none_can_be_a_code_and_is_missing_where_the_map_says_so(write_csv):
    path = write_csv([["patient_id", "brca_status"], ["A", "none"], ["B", "brca1"], ["C", ""]])
    assert read_cohort(path).table["brca_status"].tolist() == ["none", "brca1", None]
    assert read_cohort(path, map=make("missing: [none]")).table["brca_status"].tolist() == [
        None,
        "brca1",
        None,
    ]


def test_a_lone_minus_is_no_negative_result_until_the_map_says_so(write_csv):
    path = write_csv([["patient_id", "her2_status"], ["A", "+"], ["B", "-"], ["C", "neg"]])
    cohort = read_cohort(path)
    assert cohort.table["her2_status"].tolist() == ["positive", None, "negative"]
    assert [(p.row, p.code) for p in cohort.problems] == [(3, "invalid_code")]
    told = make('columns: {her2_status: {column: her2_status, codes: {negative: ["-"]}}}')
    assert read_cohort(path, map=told).table["her2_status"][1] == "negative"


def test_the_assay_of_a_map_is_that_of_every_row(make_table, write_csv):
    cohort = read_cohort(
        write_csv(make_table()), map=make("columns: {igf1: {column: igf1_ng_ml, assay: ria, matrix: serum}}")
    )
    assert set(cohort.table["igf1_assay"]) == {"ria"}
    assert set(cohort.table["igf1_matrix"]) == {"serum"}
    assert cohort.bindings.columns["igf1"].unit == "ng/mL"


def test_options_come_before_the_map(make_table, write_xlsx):
    def edit(workbook):
        for row in make_table(3):
            workbook.create_sheet("Other") if "Other" not in workbook.sheetnames else None
            workbook["Other"].append(row)

    path = write_xlsx(make_table(5), edit=edit)
    by_map = make("file: {sheet: Other}")
    assert read_cohort(path, map=by_map).n_rows == 3
    assert read_cohort(path, map=by_map, sheet="Cohort").n_rows == 5
