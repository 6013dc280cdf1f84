"""Which rows belong to the cohort, several rows of a patient, and columns from elsewhere. Worked by hand."""

import pytest

from igfstrat.cohort import read_cohort
from igfstrat.errors import CohortError, ConfigError, Severity


@pytest.fixture
def write_map(tmp_path):
    def write(text):
        path = tmp_path / "map.yaml"
        path.write_text(text)
        return path

    return write


CORES = [
    ["Subject", "Core", "H", "age_years", "comment"],
    ["A", "1", "100", "50", "x"],
    ["B", "1", "10", "60", "y"],
    ["A", "2", "120", "50", "z"],
    ["A", "3", "", "50", "z"],
    ["B", "2", "40", "61", ""],
]
CORE_MAP = "columns: {{patient_id: Subject, igf1r_h_score: H}}\nrows: {{one_patient_per: [Subject]{}}}\n"


@pytest.mark.parametrize(
    ("way", "values"), [("mean", [110, 25]), ("max", [120, 40]), ("min", [100, 10]), ("first", [100, 10])]
)
def test_several_cores_of_a_patient_become_one_value_as_the_map_says(write_csv, write_map, way, values):
    cohort = read_cohort(
        write_csv(CORES), map=write_map(CORE_MAP.format(f", aggregate: {{igf1r_h_score: {way}}}"))
    )
    assert cohort.table["patient_id"].tolist() == ["A", "B"]
    assert cohort.table["igf1r_h_score"].tolist() == values
    assert cohort.row_numbers.tolist() == [2, 3]
    assert cohort.to_dict()["rows_read"] == 5
    notices = [p.remedy for p in cohort.problems if p.severity is Severity.NOTICE]
    assert notices == [f"5 rows of 2 patients were brought together by Subject, igf1r_h_score by its {way}"]


def test_a_used_column_that_differs_within_a_patient_is_flagged(write_csv, write_map):
    cohort = read_cohort(write_csv(CORES), map=write_map(CORE_MAP.format("")))
    flags = [(p.row, p.column, p.code) for p in cohort.problems if p.severity is Severity.FLAG]
    assert flags == [
        (2, "igf1r_h_score", "merged_rows_differ"),
        (3, "igf1r_h_score", "merged_rows_differ"),
        (3, "age_years", "merged_rows_differ"),
    ]
    assert cohort.table["age_years"].tolist() == [50, 60]


def test_a_mean_of_words_is_none(write_csv, write_map):
    rows = [CORES[0], ["A", "1", "<25", "50", ""], ["A", "2", "100", "50", ""]]
    cohort = read_cohort(
        write_csv(rows), map=write_map(CORE_MAP.format(", aggregate: {igf1r_h_score: mean}"))
    )
    assert [p.code for p in cohort.problems if p.severity is Severity.FLAG] == [
        "merged_rows_differ",
        "below_detection",
    ]
    assert "not all are numbers" in cohort.problems[1].remedy


def test_rows_without_a_key_are_nobodys_second_row(write_csv, write_map):
    rows = [*CORES, ["", "1", "5", "40", ""], ["", "2", "6", "40", ""]]
    cohort = read_cohort(
        write_csv(rows), map=write_map(CORE_MAP.format(", aggregate: {igf1r_h_score: mean}"))
    )
    assert [(p.row, p.code) for p in cohort.problems if p.severity is Severity.ERROR] == [
        (7, "missing_id"),
        (8, "missing_id"),
    ]


def test_several_rows_of_a_patient_are_refused_when_the_map_says_nothing(write_csv, write_map):
    cohort = read_cohort(write_csv(CORES), map=write_map("columns: {patient_id: Subject, igf1r_h_score: H}"))
    with pytest.raises(CohortError, match=r"rows 4, 5.*duplicate of row 2"):
        cohort.require([], outcome="Nothing was scored.")


@pytest.mark.parametrize(
    ("text", "words"),
    [("rows: {aggregate: {igf1r_h_score: mean}}", "aggregate needs one_patient_per"),
     ("rows: {one_patient_per: [S], aggregate: {sex: mean}}", "sex holds no numbers; only first"),
     ("rows: {one_patient_per: [S], aggregate: {igf1r_hscore: mean}}", "did you mean 'igf1r_h_score'"),
     ("rows: {one_patient_per: [S], aggregate: {igf1r_h_score: median}}", "must be 'mean', 'max', 'min' or 'first'")],
)  # fmt: skip
def test_a_map_that_cannot_bring_rows_together_is_refused(write_csv, write_map, text, words):
    with pytest.raises(ConfigError, match=words):
        read_cohort(write_csv(CORES), map=write_map(text))


@pytest.mark.parametrize(
    ("rows", "words"),
    [("where: {Cor: 1}", "where: .*'Cor', which is not in"), ("where: {Core: 7}", "no row is left"), ("exclude: [99]", "names row 99"),
     ("one_patient_per: [Pat]", "one_patient_per: .*'Pat', which is not in")],
)  # fmt: skip
def test_rows_that_the_map_names_wrongly_are_told_of(write_csv, write_map, rows, words):
    with pytest.raises(CohortError, match=words):
        read_cohort(write_csv(CORES), map=write_map(f"columns: {{patient_id: Subject}}\nrows: {{{rows}}}"))


def test_rows_are_kept_by_words_and_left_out_by_number_and_counted(write_csv, write_map):
    text = "columns: {patient_id: Subject}\nrows: {where: {Core: [1, 3]}, exclude: [3]}"
    cohort = read_cohort(write_csv(CORES), map=write_map(text))
    assert cohort.row_numbers.tolist() == [2, 5]
    assert (cohort.n_rows, cohort.n_filtered) == (2, 3)


OUTCOMES = [["Subject", "t", "e"], ["B", "12", "0"], ["A", "5", "1"], ["Z", "1", "1"]]
BASELINE = [["Subject", "age_years", "sex"], ["A", "50", "f"], ["B", "60", "m"], ["C", "70", "f"]]
JOIN_MAP = """join: [{{{}}}]
columns: {{patient_id: Subject}}
endpoints: {{os: {{time: t, unit: months, event: {{column: e, event: [1], censored: [0]}}}}}}
"""


def test_a_second_sheet_is_joined_by_its_key(write_xlsx, write_map):
    def edit(workbook):
        sheet = workbook.create_sheet("Outcomes")
        for row in OUTCOMES:
            sheet.append(row)

    path = write_xlsx(BASELINE, edit=edit)
    cohort = read_cohort(path, map=write_map(JOIN_MAP.format("sheet: Outcomes, by: Subject")))
    assert cohort.sheet.name == "Cohort"
    assert cohort.endpoints["os"].time.tolist()[:2] == [5, 12]
    assert cohort.endpoints["os"].event.tolist() == [True, False, False]
    assert cohort.endpoints["os"].reasons[2] == "time missing"
    notice = next(p.remedy for p in cohort.problems if p.code == "joined")
    assert (
        "joined 2 columns of cohort.xlsx, sheet 'Outcomes' by Subject: 2 of 3 rows found their partner, 1 rows there belong to nobody"
        in notice
    )
    # a cell that comes from elsewhere has no reference in this sheet
    assert [(p.row, p.cell) for p in cohort.problems if p.code == "missing_time"] == [(4, None)]


def test_a_file_beside_the_cohort_is_joined_by_its_key(write_csv, write_map):
    write_csv(OUTCOMES, "outcomes.csv", delimiter=";")
    cohort = read_cohort(
        write_csv(BASELINE), map=write_map(JOIN_MAP.format("file: outcomes.csv, by: Subject"))
    )
    assert cohort.endpoints["os"].time.tolist()[:2] == [5, 12]


def test_a_key_that_stands_twice_on_the_right_is_refused_without_showing_it(write_csv, write_map):
    write_csv([*OUTCOMES, ["A", "9", "0"]], "outcomes.csv")
    with pytest.raises(CohortError, match=r"rows 3, 5.*key stands twice") as caught:
        read_cohort(write_csv(BASELINE), map=write_map(JOIN_MAP.format("file: outcomes.csv, by: Subject")))
    assert "outcomes.csv" in str(caught.value)


@pytest.mark.parametrize("name", ["../outcomes.csv", "/etc/passwd", "sub/outcomes.csv", "..", ""])
def test_a_joined_file_cannot_lie_in_another_folder(write_csv, write_map, name):
    with pytest.raises(ConfigError, match="without a folder"):
        read_cohort(write_csv(BASELINE), map=write_map(JOIN_MAP.format(f'file: "{name}", by: Subject')))


def test_a_link_to_another_folder_is_not_followed(write_csv, write_map, tmp_path):
    (tmp_path / "outcomes.csv").symlink_to("/etc/passwd")
    with pytest.raises(CohortError, match="beside the cohort") as caught:
        read_cohort(write_csv(BASELINE), map=write_map(JOIN_MAP.format("file: outcomes.csv, by: Subject")))
    assert "root" not in str(caught.value)


@pytest.mark.parametrize(
    ("join", "error", "words"),
    [("file: absent.csv, by: Subject", CohortError, "absent.csv"), ("by: Subject", ConfigError, "give sheet or file"),
     ("file: outcomes.csv, by: Subjct", CohortError, "'Subjct' is not in the header")],
)  # fmt: skip
def test_a_join_without_its_table_or_key_is_refused(write_csv, write_map, join, error, words):
    write_csv(OUTCOMES, "outcomes.csv")
    with pytest.raises(error, match=words):
        read_cohort(write_csv(BASELINE), map=write_map(JOIN_MAP.format(join)))


def test_a_formula_without_a_value_on_a_joined_sheet_is_still_found(write_xlsx, write_map):
    def edit(workbook):
        sheet = workbook.create_sheet("Outcomes")
        for row in OUTCOMES:
            sheet.append([*row[:1], "=1+1" if row[0] == "A" else row[1], row[2]])

    cohort = read_cohort(
        write_xlsx(BASELINE, edit=edit), map=write_map(JOIN_MAP.format("sheet: Outcomes, by: Subject"))
    )
    assert [(p.row, p.code) for p in cohort.unusable["os"]] == [(2, "formula_uncached")]


@pytest.mark.realdata
def test_the_sample_file_of_metabric_joins_its_patients(data_folder, write_map, tmp_path):
    folder = data_folder / "metabric_cbioportal"
    for name in ("data_clinical_patient_CR_line_ends_noRFS.txt", "data_clinical_sample.txt"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    text = """join: [{file: data_clinical_sample.txt, by: PATIENT_ID}]
columns: {patient_id: PATIENT_ID, her2_status: {column: HER2_STATUS, codes: {positive: [+], negative: ["-"]}}}
"""
    cohort = read_cohort(tmp_path / "data_clinical_patient_CR_line_ends_noRFS.txt", map=write_map(text))
    assert cohort.n_rows == 2509
    assert cohort.table["her2_status"].value_counts().to_dict() == {"negative": 1733, "positive": 247}
    assert "2509 of 2509 rows found their partner" in next(
        p.remedy for p in cohort.problems if p.code == "joined"
    )
