"""Messy sheets: the list of faults against the sheet (invariant), and against what the reader noticed of each.

The clean cohort is the truth. A fault is *noticed* when its row and column carry a problem or its column is
refused, *right* when the value is read as it was, *lost* when it is read as missing without a word, and *wrong*
when another value is read without a word.
"""

from collections import Counter

import numpy as np
import pandas as pd
import pytest

from igfstrat.cohort import read_cohort
from igfstrat.errors import UsageError
from igfstrat.schema import COLUMNS, find_endpoint_header, find_header
from igfstrat.synthetic.messy import KINDS, MESSY_LEVELS, make_messy, messy_stream, write_messy

N = 150


def clean_table(n=N):
    rng = np.random.default_rng(7)
    followed = rng.uniform(6, 90, n).round(1)
    start = np.datetime64("2010-01-01") + rng.integers(0, 1500, n).astype("timedelta64[D]")
    stop = start + np.ceil(followed * 365.25 / 12).astype("timedelta64[D]")
    return pd.DataFrame(
        {
            "patient_id": [f"SYN-{i:04d}" for i in range(n)],
            "age_years": rng.normal(58, 10, n).clip(30, 85).round(1),
            "sex": rng.choice(["female", "male"], n),
            "stage": np.sort(rng.choice(["1", "2", "3"], n)),
            "er_status": rng.choice(["positive", "negative"], n),
            "igf1_ng_ml": rng.lognormal(4.6, 0.35, n).clip(35, 400).round(1),
            "igfbp3_ng_ml": rng.normal(3900, 600, n).astype(int),
            "igf1r_ihc": rng.integers(0, 4, n),
            "diagnosis_date": start.astype(str),
            "last_followup_date": stop.astype(str),
            "dfs_months": followed,
            "dfs_event": rng.integers(0, 2, n),
        }
    )


TABLE = clean_table()


def outcome(cohort, fault):
    """What became of a fault: noticed, right, lost or wrong."""
    header = fault.column
    endpoint = find_endpoint_header(header)
    name = endpoint[0] if endpoint else find_header(header)[0].name
    is_read = name in cohort.endpoints if endpoint else cohort.has(name)
    if header == "patient_id":
        is_read = "patient_id" in cohort.bindings.columns
    if not is_read:
        return "noticed"
    if fault.row is None:
        return "right"
    if any(p.row == fault.row and p.column and p.column.startswith(name) for p in cohort.problems):
        return "noticed"
    at = int(np.flatnonzero(cohort.row_numbers == fault.row)[0])
    value = cohort.endpoints[name].time[at] if endpoint else cohort.table[header].iloc[at]
    if pd.isna(value):
        return "lost"
    true = np.datetime64(fault.old) if isinstance(value, pd.Timestamp) else fault.old
    is_same = (
        abs(value - true) < 1e-9 if isinstance(value, float) else str(value) == str(true) or value == true
    )
    return "right" if is_same else "wrong"


def judged(tmp_path, kinds, *, seeds=range(12), level="usual", suffix=".csv"):
    """Every fault in the sheets of several streams, with its outcome."""
    for seed in seeds:
        sheet = make_messy(TABLE, np.random.default_rng(seed), level, kinds=kinds)
        path = tmp_path / f"{seed}{suffix}"
        write_messy(sheet, path)
        cohort = read_cohort(path)
        for fault in sheet.faults:
            if fault.column is not None:
                yield fault, outcome(cohort, fault)


def outcomes(*args, **how):
    """How many faults of a kind in a column had an outcome."""
    return Counter((fault.kind, fault.column, what) for fault, what in judged(*args, **how))


def by_outcome(counts):
    found = Counter()
    for (_, _, what), n in counts.items():
        found[what] += n
    return found


@pytest.mark.parametrize("suffix", [".csv", ".xlsx"])
@pytest.mark.parametrize(
    "kind", ["code_misspelt", "code_respelt", "unit_in_cell", "note_in_cell", "decimal_comma", "header_words"]
)
def test_fault_of_this_kind_is_always_noticed(tmp_path, kind, suffix):
    counts = outcomes(tmp_path, [kind], suffix=suffix)
    assert by_outcome(counts).keys() == {"noticed"}, counts


def test_misspelt_code_is_no_usual_spelling_of_any_code():
    # without its low line, luminal_a is a spelling that readers accept
    table = pd.DataFrame({"patient_id": np.arange(200), "subtype": "luminal_a"})
    sheets = [make_messy(table, messy_stream(i), "severe", kinds=["code_misspelt"]) for i in range(10)]
    found = {fault.new for sheet in sheets for fault in sheet.faults}
    codes = COLUMNS["subtype"].codes
    assert len(found) > 3
    assert not found & {word for code, aliases in codes.items() for word in (code, *aliases)}


@pytest.mark.parametrize("suffix", [".csv", ".xlsx"])
def test_no_break_space_changes_no_value(tmp_path, suffix):
    assert by_outcome(outcomes(tmp_path, ["no_break_space"], suffix=suffix)).keys() == {"right"}


def test_merged_cells_lose_values_and_make_none_up(tmp_path):
    assert by_outcome(outcomes(tmp_path, ["merged_cells"])).keys() == {"lost"}


def test_time_in_days_is_noticed_by_the_dates_beside_it(tmp_path):
    assert by_outcome(outcomes(tmp_path, ["days_for_months"])).keys() == {"noticed"}


def test_date_is_read_as_another_only_when_its_figures_allow_both_orders(tmp_path):
    found = list(judged(tmp_path, ["date_format"], level="severe", seeds=range(40)))
    assert {"noticed", "right"} <= {what for _, what in found} <= {"noticed", "right", "wrong"}
    for fault in (fault for fault, what in found if what == "wrong"):
        year, month, day = fault.old.split("-")
        assert fault.new in {f"{month}/{day}/{year}", f"{day}.{month}.{year}", f"{day}/{month}/{year}"}
        assert int(day) <= 12


# what a reader can't know from the cell alone: 999 and 20 are possible concentrations
POSSIBLE = {("sentinel", "igf1_ng_ml"), ("sentinel", "igfbp3_ng_ml"), ("other_unit", "igf1_ng_ml")}


@pytest.mark.parametrize("level", ["usual", "severe"])
@pytest.mark.parametrize("kind", ["sentinel", "other_unit"])
def test_number_is_read_as_another_only_where_it_is_a_possible_concentration(tmp_path, kind, level):
    found = list(judged(tmp_path, [kind], level=level, seeds=range(20)))
    assert {what for _, what in found} <= {"noticed", "wrong"}
    for fault in (fault for fault, what in found if what == "wrong"):
        assert (kind, fault.column) in POSSIBLE
        low, high = find_header(fault.column)[0].bounds
        assert low <= fault.new <= high


# and what it knew from a neighbour: a time needs both dates, the order of a date needs another date
SILENT = POSSIBLE | {
    (kind, column)
    for kind, columns in {
        "sentinel": ["dfs_months"],
        "days_for_months": ["dfs_months"],
        "date_format": ["diagnosis_date", "last_followup_date"],
    }.items()
    for column in columns
}


@pytest.mark.parametrize("level", MESSY_LEVELS)
def test_of_all_faults_together_only_the_known_ones_pass_as_another_value(tmp_path, level):
    found = list(judged(tmp_path, None, level=level))
    assert {(fault.kind, fault.column) for fault, what in found if what == "wrong"} <= SILENT
    assert {fault.kind for fault, what in found if what == "lost"} <= {"merged_cells"}
    noticed = sum(what == "noticed" for _, what in found)
    assert noticed > 0.7 * len(found)


@pytest.mark.parametrize("suffix", [".csv", ".xlsx"])
def test_title_summary_note_and_empty_rows_make_no_patient(tmp_path, suffix):
    sheet = make_messy(
        TABLE,
        np.random.default_rng(1),
        kinds=["title_rows", "blank_row", "summary_row", "trailing_note"],
    )
    write_messy(sheet, tmp_path / f"a{suffix}")
    cohort = read_cohort(tmp_path / f"a{suffix}")
    patients = cohort.table[cohort.set_aside == ""]
    assert patients["patient_id"].tolist() == TABLE["patient_id"].tolist()
    assert np.allclose(patients["igf1_ng_ml"], TABLE["igf1_ng_ml"])
    assert {p.code for p in cohort.problems} >= {"header", "summary_row"}


@pytest.mark.parametrize("level", MESSY_LEVELS)
@pytest.mark.parametrize("suffix", [".csv", ".xlsx"])
def test_every_fault_stands_where_the_list_says(tmp_path, level, suffix):
    sheet = make_messy(TABLE, messy_stream(5), level)
    grid = sheet.grid()
    places = {header: j for j, header in enumerate(TABLE)}
    in_cells = [f for f in sheet.faults if f.row is not None and f.column is not None]
    assert len(in_cells) > 10
    for fault in in_cells:
        assert grid[fault.row - 1][places[fault.column]] == fault.new
        assert fault.old != fault.new
    write_messy(sheet, tmp_path / f"a{suffix}")
    read_cohort(tmp_path / f"a{suffix}")


@pytest.mark.parametrize("level", MESSY_LEVELS)
def test_without_its_faults_the_sheet_is_the_clean_cohort(level):
    sheet = make_messy(TABLE, messy_stream(6), level)
    cells = sheet.cells.set_axis(list(TABLE), axis=1)
    first = len(sheet.above) + 2
    rows = [first + i + sum(gap <= i for gap in sheet.gaps) for i in range(N)]
    for fault in sheet.faults:
        if fault.row is not None and fault.column is not None:
            cells.loc[rows.index(fault.row), fault.column] = fault.old
    pd.testing.assert_frame_equal(cells, TABLE.astype(object))


def test_no_cell_has_two_faults():
    sheet = make_messy(TABLE, messy_stream(3), "severe")
    places = [(f.row, f.column) for f in sheet.faults if f.row is not None and f.column is not None]
    assert len(places) == len(set(places))


def test_severe_sheets_have_every_kind_of_fault():
    sheet = make_messy(TABLE, messy_stream(3), "severe")
    assert {fault.kind for fault in sheet.faults} == set(KINDS)


def test_same_stream_makes_the_same_sheet_and_the_clean_table_is_left_alone():
    before = TABLE.copy(deep=True)
    one, other = (make_messy(TABLE, messy_stream(9), "severe") for _ in range(2))
    assert one.grid() == other.grid()
    assert one.faults == other.faults
    assert TABLE.equals(before)


@pytest.mark.parametrize(("level", "kinds"), [("awful", None), ("usual", ["typos"])])
def test_unknown_level_or_kind_is_refused(level, kinds):
    with pytest.raises(UsageError, match=r"awful|typos"):
        make_messy(TABLE, messy_stream(1), level, kinds=kinds)


def test_cohort_too_large_to_be_kept_by_hand_is_refused():
    table = pd.DataFrame({"patient_id": np.arange(100_001)})
    with pytest.raises(UsageError, match="at most 100,000"):
        make_messy(table, messy_stream(1))
