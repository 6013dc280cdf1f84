"""Copies of one cohort in every format give the same numbers, whatever the file is called.

Oracle: the csv of the same table; pyarrow, pyreadstat and LibreOffice wrote the copies.
"""

import sys

import numpy as np
import pandas as pd
import pytest

from igfstrat.cohort import parsing, read_cohort
from igfstrat.cohort.table_reader import table_format
from igfstrat.errors import CohortError
from tests.cohort.legacy_xls import legacy_workbook


def typed(rows):
    table = pd.DataFrame(rows[1:], columns=rows[0])
    for name in table.columns[[1, 4, 5, 6, 9, 10, 11, 12]]:
        table[name] = pd.to_numeric(table[name])
    for name in ("diagnosis_date", "last_followup_date"):
        table[name] = pd.to_datetime(table[name])
    return table


def same(one, two):
    assert one.table.equals(two.table)
    assert one.unusable == two.unusable == {}
    for name, endpoint in one.endpoints.items():
        assert np.array_equal(endpoint.time, two.endpoints[name].time)
        assert np.array_equal(endpoint.event, two.endpoints[name].event)
    assert one.row_numbers.tolist() == two.row_numbers.tolist()


@pytest.fixture
def plain(make_table, write_csv):
    return read_cohort(write_csv(make_table()))


@pytest.mark.parametrize("name", ["cohort.parquet", "cohort.csv"])
def test_parquet_reads_to_the_same_numbers_as_csv(make_table, tmp_path, plain, name):
    pytest.importorskip("pyarrow")
    typed(make_table()).to_parquet(tmp_path / name)
    cohort = read_cohort(tmp_path / name)
    assert cohort.problems == ()
    same(plain, cohort)


def test_parquet_types_keep_their_shortest_text(tmp_path):
    pa = pytest.importorskip("pyarrow")
    import decimal

    import pyarrow.parquet as pq

    stamp = pd.Timestamp("2019-03-25 10:30:00.123456789")
    columns = {
        "patient_id": pa.array(["a", None]).dictionary_encode(),
        "f32": pa.array([0.1, None], pa.float32()),
        "big": pa.array([2**62, 3]),
        "dec": pa.array([decimal.Decimal("1.50"), None]),
        "b": pa.array([True, None]),
        "when": pa.array([stamp, None], pa.timestamp("ns")),
        "zoned": pa.array([stamp, None], pa.timestamp("us", tz="Europe/Berlin")),
        "empty": pa.nulls(2),
    }
    pq.write_table(pa.table(columns), tmp_path / "t.parquet")
    cells = read_cohort(tmp_path / "t.parquet", header_row=1).sheet.cells.to_numpy().tolist()
    moment = "2019-03-25 10:30:00.123456"
    assert cells[0][:6] == ["a", "0.1", str(2**62), "1.50", "TRUE", moment]
    assert cells[1] == ["", "", "3", "", "", "", "", ""]


def test_lists_in_parquet_are_refused(tmp_path):
    pa = pytest.importorskip("pyarrow")
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"patient_id": [["a"], ["b"]]}), tmp_path / "t.parquet")
    with pytest.raises(CohortError, match="lists, records or bytes"):
        read_cohort(tmp_path / "t.parquet")


@pytest.mark.parametrize("kind", ["xpt", "sav", "dta"])
def test_files_of_sas_spss_and_stata_read_to_the_same_numbers_as_csv(make_table, tmp_path, write_csv, kind):
    pyreadstat = pytest.importorskip("pyreadstat")
    rows = make_table()
    path = tmp_path / "cohort.data"
    table = typed(rows)
    if kind == "xpt":
        pyreadstat.write_xport(table, str(path), file_format_version=8)
    else:
        getattr(pyreadstat, f"write_{kind}")(table, str(path))
    assert table_format(path.read_bytes()) == kind
    one, two = read_cohort(write_csv(rows)), read_cohort(path)
    assert two.problems == one.problems
    assert one.table.equals(two.table)
    assert one.sheet.cells.equals(two.sheet.cells)


def test_words_for_codes_are_said_and_codes_stay(tmp_path):
    pyreadstat = pytest.importorskip("pyreadstat")
    table = pd.DataFrame({"patient_id": ["a", "b"], "sex": [1.0, 2.0]})
    pyreadstat.write_sav(
        table, str(tmp_path / "t.sav"), variable_value_labels={"sex": {1.0: "male", 2.0: "female"}}
    )
    cohort = read_cohort(tmp_path / "t.sav")
    assert cohort.sheet.cells[1].tolist() == ["1", "2"]
    assert ["1 = male, 2 = female" in p.remedy for p in cohort.problems if p.code == "labels"] == [True]


@pytest.mark.parametrize(
    ("module", "start", "extra"), [("pyarrow", b"PAR1", "parquet"), ("pyreadstat", b"$FL2", "stats")]
)
def test_a_missing_library_is_named_with_the_command_that_installs_it(
    tmp_path, monkeypatch, module, start, extra
):
    (tmp_path / f"{module}.py").write_text("raise ImportError")
    path = tmp_path / "cohort.dat"
    path.write_bytes(start + bytes(100))
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    with pytest.raises(CohortError, match=rf"pip install 'igfstrat\[{extra}\]'"):
        read_cohort(path)


def test_a_legacy_workbook_reads_to_the_same_numbers_and_says_what_it_cannot_show(tmp_path, plain):
    path = tmp_path / "cohort.csv"
    path.write_bytes(legacy_workbook())
    cohort = read_cohort(path)
    assert [p.code for p in cohort.problems] == ["legacy_workbook"]
    same(plain, cohort)


@pytest.mark.parametrize("share", [0.2, 0.6, 0.8, 0.95])
def test_a_legacy_workbook_cut_short_loses_no_patient_in_silence(tmp_path, plain, share):
    data = legacy_workbook()
    (tmp_path / "c.xls").write_bytes(data[: int(len(data) * share)])
    message = ""
    try:
        same(plain, read_cohort(tmp_path / "c.xls"))
    except CohortError as error:
        message = str(error)
    assert not message or ("legacy .xls" in message and "save it as .xlsx" in message)


def test_the_parser_imports_no_pandas():
    text = parsing._SCRIPT.read_text(encoding="utf-8")
    assert "pandas as" not in text
    assert "import igfstrat" not in text
    assert "pickle" not in text
