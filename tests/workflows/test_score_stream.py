"""Scoring in pieces: invariants (hypothesis) over the size of a piece, against the scoring of the file as a whole."""

import csv
import json
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
from igfstrat.errors import CohortError, Problem, Severity, UsageError
from igfstrat.features.spec import RowFlags
from igfstrat.models import load_model
from igfstrat.workflows.fit_model import fit_model, write_model
from igfstrat.workflows.plan import choose_plan
from igfstrat.workflows.row_flags import flag_texts
from igfstrat.workflows.score_cohort import score_cohort
from igfstrat.workflows.score_model import add_risk
from igfstrat.workflows.score_stream import score_stream
from igfstrat.workflows.score_tables import write_scores
from tests.cli.cases import as_csv
from tests.cli.test_fit import PLAN
from tests.cli.test_fit import rows_of as risk_rows

HEADER = [
    "patient_id", "age_years", "sex", "subtype", "igf1_ng_ml", "igfbp3_ng_ml", "igf1r_ihc", "dfs_months", "dfs_event",
    "remark",
]  # fmt: skip
CELLS = {
    "age_years": ["45", "61.5", "", "130", "~50", "x", "nine"],
    "sex": ["female", "F", "male", "", "Femle"],
    "subtype": ["luminal_a", "Luminal A", "TNBC", "luminal_b", "", "her2_enriched"],
    "igf1_ng_ml": ["110", "95.5", "180", "<25", "999", "150 ng/mL", "", "-4", "12", "> 600"],
    "igfbp3_ng_ml": ["3900", "4200.0", "", "3500*"],
    "igf1r_ihc": ["0", "1", "2", "3", "2.0", "3+", ""],
    "dfs_months": ["12.5", "40", "0", "", "-3", "soon"],
    "dfs_event": ["1", "0", "", "yes"],
    "remark": ["TP53", "", "3-Mar", "=1+1", "a, b", 'say "x"', "two\nlines", "-3", "@x"],
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


def whole(path, out, **how):
    cohort = read_cohort(path, **how)
    return write_scores(score_cohort(cohort, choose_plan("breast", cohort)), out, command=[])


def written(out):
    """The scores, the problems, and what the manifest says of both."""
    problems = out.with_name(f"{out.stem}.problems.csv")
    manifest = json.loads(out.with_name(f"{out.stem}.manifest.json").read_text(encoding="utf-8"))
    said = {
        key: manifest[key] for key in ("features", "rows", "strata", "flags", "evidence", "read", "inputs")
    }
    return out.read_bytes(), problems.read_bytes() if problems.exists() else b"", said


def fresh(folder, name):
    """A path at which nothing stands, and nothing beside it."""
    for old in folder.glob(f"{Path(name).stem}.*"):
        old.unlink()
    return folder / name


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
    one, two = fresh(tmp_path, "one.csv"), fresh(tmp_path, "two.csv")
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
    assert written(one) == written(two)
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
    whole(path, tmp_path / f"whole{suffix}")
    expected = written(tmp_path / f"whole{suffix}")
    assert b"missing_event" in expected[1]
    for i, (size, jobs) in enumerate([(700, 1), (64, 1), (100, 2)]):
        out = tmp_path / f"{i}{suffix}"
        score_stream(path, out, plan="breast", chunk_rows=size, n_jobs=jobs)
        assert written(out) == expected


def as_parquet(path, rows):
    table = pd.DataFrame(rows, columns=HEADER).replace("", None)
    for name in ("age_years", "igf1_ng_ml", "igfbp3_ng_ml", "igf1r_ihc", "dfs_months"):
        table[name] = table[name].astype(float)
    table.to_parquet(path, index=False)
    return table


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_typed_columns_are_scored_to_the_bytes_of_the_whole_file(tmp_path, suffix):
    as_parquet(tmp_path / "cohort.parquet", rows_of(300))
    whole(tmp_path / "cohort.parquet", tmp_path / f"a{suffix}")
    score_stream(tmp_path / "cohort.parquet", tmp_path / f"b{suffix}", plan="breast", chunk_rows=70)
    assert written(tmp_path / f"a{suffix}") == written(tmp_path / f"b{suffix}")


def test_parquet_keeps_its_own_columns_and_gets_the_strata_of_the_csv(tmp_path):
    rows = rows_of(300)
    table = as_parquet(tmp_path / "cohort.parquet", rows)
    score_stream(tmp_path / "cohort.parquet", tmp_path / "a.parquet", plan="breast", chunk_rows=70)
    score_stream(write(tmp_path / "cohort.csv", rows), tmp_path / "b.csv", plan="breast", chunk_rows=90)
    one = pd.read_parquet(tmp_path / "a.parquet")
    two = pd.read_csv(tmp_path / "b.csv", encoding="utf-8-sig", float_precision="round_trip")
    pd.testing.assert_frame_equal(one[HEADER], table)
    for name in ("stratum", "row_status", "igf1r_status", "subtype_igfstrat"):
        assert one[name].fillna("").tolist() == two[name].fillna("").tolist()
    np.testing.assert_array_equal(one["igf1_sds"], two["igf1_sds"])


@pytest.mark.parametrize("kind", [".csv", ".parquet"])
def test_a_folder_is_scored_as_if_its_files_stood_under_one_header(tmp_path, kind):
    rows = rows_of(330)
    folder = tmp_path / "cohort"
    folder.mkdir()
    (folder / "_SUCCESS").write_text("")
    for i, cut in enumerate(range(0, 330, 110)):
        save = write if kind == ".csv" else as_parquet
        save(folder / f"part-{i}{kind}", rows[cut : cut + 110])
    save(tmp_path / f"cohort{kind}", rows)
    score_stream(folder, tmp_path / "a.csv", plan="breast", chunk_rows=64)
    score_stream(tmp_path / f"cohort{kind}", tmp_path / "b.csv", plan="breast")
    one, two = written(tmp_path / "a.csv"), written(tmp_path / "b.csv")
    assert one[0] == two[0]
    assert one[1].replace(b"cohort,", b"") == two[1].replace(f"cohort{kind},".encode(), b"")
    assert [part["name"] for part in one[2]["inputs"][:3]] == [f"part-{i}{kind}" for i in range(3)]


def test_files_of_a_folder_with_different_columns_are_refused_by_name(tmp_path):
    write(tmp_path / "a.csv", rows_of(3))
    (tmp_path / "b.csv").write_text("patient_id,age_years\nX,50\n")
    with pytest.raises(CohortError, match=r"b\.csv has other columns than a\.csv"):
        score_stream(tmp_path, tmp_path.with_name("out.csv"), plan="breast")


MAP = """
file: {delimiter: ";", decimal: ","}
columns:
  patient_id: {row_number: true}
  age_years: Alter
  sex: {value: female}
  subtype: {column: Typ, codes: {luminal_a: [LA], luminal_b: [LB]}}
  igf1: {column: IGF, unit: nmol/L, assay: ids_isys, missing: ["-1"]}
  igfbp3: {column: BP3, unit: mg/L}
  igf1r_ihc: IHC
endpoints:
  dfs: {time: T, unit: days, event: {column: E, event: [ja], censored: [nein]}}
rows: {where: {Visite: "1"}, exclude: [9]}
beyond_limit: {substitute: half}
"""


def test_a_map_reads_pieces_as_it_reads_the_whole(tmp_path):
    rng = np.random.default_rng(5)
    words = {
        "Alter": ["45", "61,5", ""], "Typ": ["LA", "LB", "TNBC"], "IGF": ["14,4", "20", "-1", "<3,5", "11,25"],
        "BP3": ["3,9", "4,2"], "IHC": ["0", "2", "3"], "T": ["400", "1200", ""], "E": ["ja", "nein"], "Visite": ["1", "1", "2"],
    }  # fmt: skip
    rows = [[str(rng.choice(of)) for of in words.values()] for _ in range(300)]
    path = tmp_path / "kohorte.csv"
    path.write_text("\n".join(";".join(row) for row in [list(words), *rows]) + "\n", encoding="utf-8")
    rules = tmp_path / "map.yaml"
    rules.write_text(
        MAP.replace("exclude: [9]", f"exclude: [{next(i for i, r in enumerate(rows, 2) if r[-1] == '1')}]")
    )
    whole(path, tmp_path / "a.csv", map=rules)
    result = score_stream(path, tmp_path / "b.csv", plan="breast", map=rules, chunk_rows=37)
    assert written(tmp_path / "a.csv") == written(tmp_path / "b.csv")
    assert result.cohort.n_filtered == 1 + sum(row[-1] == "2" for row in rows)
    assert result.counts["status"]["flagged"] > 0


@pytest.mark.parametrize(
    "rule", ["join: [{file: b.csv, by: patient_id}]", "rows: {one_patient_per: [patient_id]}"]
)
def test_a_map_that_needs_the_whole_table_is_refused_for_pieces(tmp_path, rule):
    path = write(tmp_path / "c.csv", rows_of(10))
    (tmp_path / "map.yaml").write_text(rule)
    with pytest.raises(UsageError, match="needs the whole table"):
        score_stream(path, tmp_path / "o.csv", map=tmp_path / "map.yaml")


def test_rows_under_the_data_are_set_aside_as_in_the_whole(tmp_path):
    rows = [
        *rows_of(120),
        [""] * len(HEADER),
        ["Mean", "51", *[""] * (len(HEADER) - 2)],
        ["n = 120", *[""] * (len(HEADER) - 1)],
    ]
    path = write(tmp_path / "c.csv", rows)
    whole(path, tmp_path / "a.csv")
    score_stream(path, tmp_path / "b.csv", plan="breast", chunk_rows=50)
    assert written(tmp_path / "a.csv") == written(tmp_path / "b.csv")
    assert b"summary_row" in written(tmp_path / "b.csv")[1]


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_a_model_predicts_in_pieces_what_it_predicts_for_the_whole(tmp_path, suffix):
    (tmp_path / "plan.yaml").write_text(PLAN)
    path = tmp_path / "cohort.csv"
    path.write_bytes(as_csv(risk_rows()))
    cohort = read_cohort(path)
    chosen = choose_plan(tmp_path / "plan.yaml", cohort)
    write_model(
        fit_model(cohort, endpoint="dfs", plan=chosen, n_replicates=2), tmp_path / "model.json", command=[]
    )
    result = add_risk(score_cohort(cohort, chosen), load_model(tmp_path / "model.json"))
    write_scores(result, tmp_path / f"a{suffix}", command=[])
    score_stream(
        path,
        tmp_path / f"b{suffix}",
        plan=tmp_path / "plan.yaml",
        model=tmp_path / "model.json",
        chunk_rows=41,
        n_jobs=2,
    )
    assert b"risk_not_given_because" in written(tmp_path / f"a{suffix}")[0]
    assert written(tmp_path / f"a{suffix}") == written(tmp_path / f"b{suffix}")


def test_two_workers_of_a_cluster_give_the_bytes_of_one_process(tmp_path, dask_address):
    path = write(tmp_path / "cohort.csv", rows_of(500))
    for name, cluster in {"here.parquet": None, "there.parquet": dask_address}.items():
        score_stream(path, tmp_path / name, plan="breast", chunk_rows=30, cluster=cluster)
    assert written(tmp_path / "here.parquet") == written(tmp_path / "there.parquet")


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
    if done > total // 3:  # the second pass
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
    parts = len(list(tmp_path.glob(".*.parts/*.part")))
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


def test_a_parquet_file_of_categories_is_scored_to_the_bytes_of_the_same_file_of_text(tmp_path):
    table = as_parquet(tmp_path / "cohort.parquet", rows_of(300))
    whole(tmp_path / "cohort.parquet", tmp_path / "a.parquet")
    # an order of its own, and a word that no row has: neither is in the scores
    kinds = {
        name: pd.CategoricalDtype(["none", *sorted(set(table[name].dropna()))[::-1]])
        for name in ("sex", "subtype")
    }
    table.astype(kinds).to_parquet(tmp_path / "cohort.parquet", index=False)
    expected = (tmp_path / "a.parquet").read_bytes()
    whole(tmp_path / "cohort.parquet", tmp_path / "b.parquet")
    assert (tmp_path / "b.parquet").read_bytes() == expected
    for size in (70, 300):
        out = tmp_path / f"c{size}.parquet"
        score_stream(tmp_path / "cohort.parquet", out, plan="breast", chunk_rows=size)
        assert out.read_bytes() == expected
