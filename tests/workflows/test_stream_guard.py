"""Large tables are read under guard, and refused as small ones are. Worked by hand, against the reading of the whole file."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from igfstrat.cohort import parsing, read_cohort
from igfstrat.cohort.limits import LIMITS, Limits
from igfstrat.errors import CohortError, ExitCode, StorageError, UnsafeFileError
from igfstrat.workflows.score_stream import score_stream
from tests.workflows.test_score_stream import HEADER, as_parquet, rows_of, write

DEATHS = {"abort": ("os.abort()", "memory"), "kill": ("os.kill(os.getpid(), 9)", "far longer"), "exit": ("os._exit(3)", "ended the process"),
    "half a piece": ("sys.stdout.write('{\"rows\": 3}\\n{\"arrow\": 900}\\nxyz'); sys.stdout.flush(); os._exit(0)", "ended the process")}  # fmt: skip


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
@pytest.mark.parametrize(("code", "word"), DEATHS.values(), ids=list(DEATHS))
def test_the_death_of_the_reader_of_pieces_is_a_refusal(tmp_path, monkeypatch, code, word):
    as_parquet(tmp_path / "c.parquet", rows_of(20))
    script = tmp_path / "parser.py"
    script.write_text(f"import os, sys\n{code}")
    monkeypatch.setattr(parsing, "_SCRIPT", script)
    with pytest.raises(UnsafeFileError) as caught:
        score_stream(tmp_path / "c.parquet", tmp_path / "o.csv", plan="breast")
    assert caught.value.exit_code is ExitCode.UNSAFE
    assert all(part in str(caught.value) for part in ("c.parquet", word, "--limits"))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["c.parquet", "parser.py"]


@pytest.mark.skipif(sys.platform != "linux", reason="the other platforms don't hold this limit")
def test_the_reader_of_pieces_is_held_to_its_memory_and_its_time(tmp_path):
    as_parquet(tmp_path / "c.parquet", rows_of(20))
    for limits, word in ((Limits(seconds=1e-6, seconds_per_mb=1e-6), "far longer"),):
        with pytest.raises(UnsafeFileError, match=word):
            score_stream(tmp_path / "c.parquet", tmp_path / "o.csv", plan="breast", limits=limits)
    found = list(parsing.messages_of_pieces(tmp_path / "c.parquet", "c", size=9, limits=LIMITS))
    assert [list(message) for message, _ in found] == [["rows"], *[["arrow"]] * 4]


def test_a_parquet_file_whose_last_rows_are_damaged_is_refused_before_anything_is_written(tmp_path):
    path = tmp_path / "c.parquet"
    as_parquet(path, rows_of(9_000))
    data = path.read_bytes()
    at = len(data) // 3
    path.write_bytes(data[:at] + bytes(2_000) + data[at + 2_000 :])
    with pytest.raises(CohortError, match="not a valid file of its kind"):
        score_stream(path, tmp_path / "o.parquet", plan="breast")
    assert [p.name for p in tmp_path.iterdir()] == ["c.parquet"]


def test_a_second_run_into_the_same_result_is_refused_and_the_first_ends_well(tmp_path):
    path, said = write(tmp_path / "c.csv", rows_of(100)), []

    def again(done, total):
        if done == total:
            with pytest.raises(StorageError, match="another run is writing") as caught:
                score_stream(path, tmp_path / "o.csv", plan="breast", chunk_rows=40)
            said.append(caught.value.exit_code)

    score_stream(path, tmp_path / "o.csv", plan="breast", chunk_rows=40, progress=again)
    assert said == [ExitCode.ENVIRONMENT]
    assert (tmp_path / "o.csv").exists()
    assert not list(tmp_path.glob(".*"))


def test_a_missing_column_is_told_before_the_rows_are_read(tmp_path):
    lines = ["patient_id,age_years,sex,igf1_ng_ml", *(f"P{i},50,female,110" for i in range(6_000)), "P,1"]
    (tmp_path / "c.csv").write_text("\n".join(lines))
    with pytest.raises(CohortError, match="column missing") as caught:
        score_stream(tmp_path / "c.csv", tmp_path / "o.csv", plan="breast")
    assert {"igf1r_h_score", "subtype"} & {p.column for p in caught.value.problems}
    assert "fields" not in str(caught.value)


@pytest.mark.parametrize(
    ("line", "times"), [("seen again", 6), ("P1,70,2,3,4,5,6,7,8,9,1,2", 4), ("P1,70,2,3,4,5,6,7,8,9,1,2", 6)]
)
def test_a_field_of_many_rows_is_refused_in_pieces_as_in_the_whole(tmp_path, line, times):
    rows = rows_of(50)
    rows[30][-1] = "\n".join([line] * times)
    path, ends = write(tmp_path / "c.csv", rows), []
    for read in (read_cohort, lambda p: score_stream(p, tmp_path / "o.csv", plan="breast", chunk_rows=20)):
        try:
            read(path)
            ends.append(None)
        except CohortError as error:
            ends.append([(p.row, p.remedy) for p in error.problems])
    assert ends[0] == ends[1]
    # a long remark is none, nor are a few lines that look like rows
    assert (ends[0] is None) == (times == 4 or "," not in line)


def test_a_line_without_end_is_refused_and_not_held(tmp_path):
    (tmp_path / "c.csv").write_text(",".join(HEADER) + "\n" + "x" * 10_500_000)
    with pytest.raises(CohortError, match="a line of more than 10,000,000 characters"):
        score_stream(tmp_path / "c.csv", tmp_path / "o.csv", plan="breast")


def test_progress_rises_over_both_passes_and_ends_at_all_rows(tmp_path):
    told = []
    as_parquet(tmp_path / "c.parquet", rows_of(300))
    score_stream(
        tmp_path / "c.parquet", tmp_path / "o.csv", plan="breast", chunk_rows=100, progress=lambda *n: told.append(n)
    )  # fmt: skip
    assert told == [(33, 300), (66, 300), (100, 300), (166, 300), (233, 300), (300, 300)]


WATCHED = """
import resource, sys, time
from pathlib import Path
from igfstrat.errors import UnsafeFileError
from igfstrat.workflows.score_stream import score_stream
before = resource.getrusage(resource.RUSAGE_SELF).ru_utime
try:
    score_stream(Path("c.parquet"), Path("o.parquet"), plan="breast", chunk_rows=int(sys.argv[1]), n_jobs=int(sys.argv[2]))
except UnsafeFileError as error:
    print("memory" in str(error))
both = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
# of this program alone: what rusage tells of itself counts the one that it was forked from, too
own = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(sum(use.ru_utime + use.ru_stime for use in both) - before, own / 1024, both[1].ru_maxrss / 1024)
"""


def long_words(path, lengths, n=2_000):
    """Row groups of honest rows, but for one long word that every row of a group repeats: a few kB in the file."""
    with as_parquet_writer(path) as writer:
        for length in lengths:
            table = pa.Table.from_pandas(
                as_parquet(path.with_name("honest"), rows_of(n)), preserve_index=False
            )
            word = pa.DictionaryArray.from_arrays(np.zeros(n, dtype=np.int32), pa.array(["x" * length]))
            writer.write_table(table.set_column(table.column_names.index("remark"), "remark", word))
    path.with_name("honest").unlink()


def as_parquet_writer(path):
    texts = {"patient_id", "sex", "subtype", "dfs_event"}
    fields = [pa.field(name, pa.string() if name in texts else pa.float64()) for name in HEADER[:-1]]
    schema = pa.schema([*fields, pa.field("remark", pa.dictionary(pa.int32(), pa.string()))])
    return pq.ParquetWriter(path, schema, compression="zstd", store_schema=False)


@pytest.mark.skipif(sys.platform != "linux", reason="the other platforms don't hold this limit")
@pytest.mark.parametrize(
    ("lengths", "size", "jobs"),
    [([20_000] * 10, 131_072, 1), ([10, 400_000], 2_000, 1), ([10, 10, 10, 400_000], 2_000, 2)],
    ids=["from the first row on", "in the second piece", "behind what is read ahead"],
)
def test_a_bomb_of_parquet_in_pieces_is_refused_within_512_mib_and_10_s(tmp_path, lengths, size, jobs):
    long_words(tmp_path / "c.parquet", lengths)
    assert (tmp_path / "c.parquet").stat().st_size < 1_000_000
    command = [sys.executable, "-c", WATCHED, str(size), str(jobs)]
    environment = {"PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    is_of_memory, seconds, *peaks = done.stdout.split()
    assert is_of_memory == "True"
    assert float(seconds) < 10
    assert max(map(float, peaks)) < 512
    assert [p.name for p in tmp_path.iterdir()] == ["c.parquet"]
