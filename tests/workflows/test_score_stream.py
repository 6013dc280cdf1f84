"""Scoring in pieces: invariants (hypothesis) over the size of a piece, against the scoring of the file as a whole."""

import csv
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from igfstrat.cohort import read_cohort
from igfstrat.errors import CohortError, Problem, Severity
from igfstrat.features.spec import RowFlags
from igfstrat.workflows.plan import choose_plan
from igfstrat.workflows.row_flags import flag_texts
from igfstrat.workflows.score_cohort import score_cohort
from igfstrat.workflows.score_stream import score_stream
from igfstrat.workflows.score_tables import write_scores

HEADER = ["patient_id", "age_years", "sex", "subtype", "igf1_ng_ml", "igfbp3_ng_ml", "igf1r_ihc", "remark"]
CELLS = {
    "age_years": ["45", "61.5", "", "130", "~50", "x", "nine"],
    "sex": ["female", "F", "male", "", "Femle"],
    "subtype": ["luminal_a", "Luminal A", "TNBC", "luminal_b", "", "her2_enriched"],
    "igf1_ng_ml": ["110", "95.5", "180", "<25", "999", "150 ng/mL", "", "-4", "12", "> 600"],
    "igfbp3_ng_ml": ["3900", "4200.0", "", "3500*"],
    "igf1r_ihc": ["0", "1", "2", "3", "2.0", "3+", ""],
    "remark": ["", "=1+1", "a, b", 'say "x"', "two\nlines", "-3", "@x"],
}


@st.composite
def tables(draw):
    n = draw(st.integers(1, 25))
    usual = {name: cells[:2] for name, cells in CELLS.items()}
    rows = []
    for i in range(n):
        is_odd = draw(st.integers(0, 3)) == 0
        row = [draw(st.sampled_from((CELLS if is_odd else usual)[name])) for name in HEADER[1:]]
        rows += [[f"P{i}", *row]]
        if draw(st.integers(0, 9)) == 0:
            rows.append([""] * len(HEADER))
    return rows


def write(path, rows):
    with path.open("w", encoding="utf-8", newline="") as handle:
        csv.writer(handle, lineterminator="\n").writerows([HEADER, *rows])
    return path


def whole(path, out):
    cohort = read_cohort(path)
    return write_scores(score_cohort(cohort, choose_plan("breast", cohort)), out, command=[])


@settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(rows=tables(), size=st.integers(1, 30))
def test_a_file_in_pieces_of_any_size_gives_the_bytes_of_the_whole_file(tmp_path, rows, size):
    path = write(tmp_path / "cohort.csv", rows)
    one, two = tmp_path / "one.csv", tmp_path / "two.csv"
    two.unlink(missing_ok=True)
    try:
        whole(path, one)
    except CohortError as error:
        with pytest.raises(CohortError) as caught:
            score_stream(path, two, plan="breast", chunk_rows=size)
        columns = {p.column for p in error.problems if p.column}
        assert columns <= {p.column for p in caught.value.problems} | {None}
        assert not two.exists()
        return
    result = score_stream(path, two, plan="breast", chunk_rows=size)
    assert one.read_bytes() == two.read_bytes()
    n = sum(any(cell.strip() for cell in row) for row in rows)
    assert result.n_rows == n == len(pd.read_csv(two, dtype=str))
    assert not list(tmp_path.glob(".*"))


def rows_of(n, seed=3):
    rng = np.random.default_rng(seed)
    columns = [rng.choice(CELLS[name][:3], n) for name in HEADER[1:]]
    return [[f"P{i}", *map(str, row)] for i, row in enumerate(zip(*columns, strict=True))]


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_neither_piece_nor_worker_changes_a_byte(tmp_path, suffix):
    path = write(tmp_path / "cohort.csv", rows_of(700))
    said = set()
    for i, (size, jobs) in enumerate([(700, 1), (64, 1), (100, 2)]):
        out = tmp_path / f"{i}{suffix}"
        score_stream(path, out, plan="breast", chunk_rows=size, n_jobs=jobs)
        problems = out.with_name(f"{i}.problems.csv")
        said.add((out.read_bytes(), problems.read_bytes() if problems.exists() else b""))
    assert len(said) == 1


def test_parquet_keeps_its_own_columns_and_gets_the_strata_of_the_csv(tmp_path):
    rows = rows_of(300)
    table = pd.DataFrame(rows, columns=HEADER).replace("", None)
    for name in ("age_years", "igf1_ng_ml", "igfbp3_ng_ml", "igf1r_ihc"):
        table[name] = table[name].astype(float)
    table.to_parquet(tmp_path / "cohort.parquet", index=False)
    score_stream(tmp_path / "cohort.parquet", tmp_path / "a.parquet", plan="breast", chunk_rows=70)
    score_stream(write(tmp_path / "cohort.csv", rows), tmp_path / "b.csv", plan="breast", chunk_rows=90)
    one = pd.read_parquet(tmp_path / "a.parquet")
    two = pd.read_csv(tmp_path / "b.csv", encoding="utf-8-sig", float_precision="round_trip")
    pd.testing.assert_frame_equal(one[HEADER], table)
    for name in ("stratum", "row_status", "igf1r_status", "subtype_igfstrat"):
        assert one[name].fillna("").tolist() == two[name].fillna("").tolist()
    np.testing.assert_array_equal(one["igf1_sds"], two["igf1_sds"])


def test_one_patient_twice_in_distant_pieces_is_refused_and_not_named(tmp_path):
    rows = rows_of(400)
    rows[390][0] = " p7"
    with pytest.raises(CohortError, match="duplicate of row 9") as caught:
        score_stream(write(tmp_path / "c.csv", rows), tmp_path / "o.csv", plan="breast", chunk_rows=50)
    assert [p.row for p in caught.value.problems] == [392]
    assert "p7" not in str(caught.value).lower()
    assert not (tmp_path / "o.csv").exists()


def test_a_unit_that_only_the_whole_column_betrays_stops_the_job(tmp_path):
    rows = rows_of(300)
    for row in rows[150:]:
        row[4] = "14.4"  # nmol/L
    for row in rows[:150]:
        row[4] = "110"
    with pytest.raises(CohortError, match="unit is in doubt"):
        score_stream(write(tmp_path / "c.csv", rows), tmp_path / "o.csv", plan="breast", chunk_rows=40)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["c.csv"]


def test_strict_writes_nothing(tmp_path):
    path = write(tmp_path / "c.csv", rows_of(100))
    with pytest.raises(CohortError, match="--strict"):
        score_stream(path, tmp_path / "o.csv", plan="breast", chunk_rows=40, strict=True)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["c.csv"]


SCRIPT = """
import sys, time
from pathlib import Path
from igfstrat.workflows.score_stream import score_stream
def slow(done, total):
    print(done, flush=True)
    time.sleep(0.02)
score_stream(Path(sys.argv[1]), Path(sys.argv[2]), plan="breast", chunk_rows=50, progress=slow)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no kill -9 on this platform")
@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_a_run_that_was_killed_goes_on_to_the_bytes_of_an_undisturbed_one(tmp_path, suffix):
    path = write(tmp_path / "c.csv", rows_of(1500))
    score_stream(path, tmp_path / f"calm{suffix}", plan="breast", chunk_rows=50)
    out = tmp_path / f"out{suffix}"
    for lines in (2, 17):
        command = [sys.executable, "-c", SCRIPT, str(path), str(out)]
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, env=os.environ, cwd=Path(__file__).parents[2]
        ) as run:
            for _ in range(lines):
                run.stdout.readline()
            time.sleep(0.007 * lines)
            os.kill(run.pid, signal.SIGKILL)
        assert not out.exists()
    parts = len(list(tmp_path.glob(".*.parts/*.json")))
    assert 17 <= parts <= 30
    score_stream(path, out, plan="breast", chunk_rows=50)
    assert out.read_bytes() == (tmp_path / f"calm{suffix}").read_bytes()
    assert not list(tmp_path.glob(".*"))


def test_flags_of_a_row_come_in_the_order_of_columns_and_once():
    problems = [
        Problem(code=code, severity=Severity.FLAG, remedy="", column=column, row=row)
        for code, column, row in [
            ("spelling", "sex", 5),
            ("approximate", "age_years", 4),
            ("spelling", "sex", 4),
        ]
    ]
    doubts = [RowFlags(np.array([0, 1]), "x", "y", ""), RowFlags(np.array([1]), "x", "y", "again")]
    found = flag_texts(np.array([4, 5, 6]), problems, doubts)
    assert found.tolist() == ["spelling:sex;approximate:age_years;x:y", "spelling:sex;x:y", ""]


def test_two_hundred_thousand_flagged_rows_are_put_into_words_in_a_blink():
    n = 200_000
    doubts = [RowFlags(np.arange(n), f"code{i}", "c", "") for i in range(5)]
    start = time.process_time()
    found = flag_texts(np.arange(n) + 2, [], doubts)
    assert time.process_time() - start < 1
    assert set(found) == {"code0:c;code1:c;code2:c;code3:c;code4:c"}
