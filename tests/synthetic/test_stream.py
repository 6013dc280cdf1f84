"""Streamed cohorts: the bytes of a file against other ways to the same file (invariant), and against the table in memory."""

import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from igfstrat.cohort import read_cohort
from igfstrat.cohort.writing import csv_bytes
from igfstrat.config import config_path, make_config, read_yaml
from igfstrat.errors import UsageError
from igfstrat.synthetic import CohortConfig, stream
from igfstrat.synthetic.realism_settings import standard_realism
from igfstrat.synthetic.stream import BLOCK, draw_block, draw_cohort, write_cohort

CONFIG = make_config(CohortConfig, read_yaml(config_path("breast_early", "cohorts")))
REALISM = standard_realism(draw_block(CONFIG, seed=1, block=0))
# not a whole number of blocks
N = 3 * BLOCK + 17


def written(path, n=N, realism=REALISM, **how):
    write_cohort(CONFIG, n=n, seed=4, path=path, realism=realism, **how)
    return path.read_bytes()


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_bytes_do_not_depend_on_the_size_of_the_chunks(tmp_path, suffix, monkeypatch):
    # row groups that end inside blocks and inside chunks
    monkeypatch.setattr(stream, "_ROW_GROUP", BLOCK + 100)
    files = [written(tmp_path / f"{rows}{suffix}", chunk_rows=rows) for rows in (1, BLOCK, 2 * BLOCK, 10 * N)]
    assert len(set(files)) == 1


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_bytes_do_not_depend_on_the_number_of_workers(tmp_path, suffix):
    files = [written(tmp_path / f"{j}{suffix}", chunk_rows=1, n_jobs=j) for j in (1, 2)]
    assert files[0] == files[1]


def test_first_patients_do_not_depend_on_how_many_follow(tmp_path):
    few, many = written(tmp_path / "few.csv", n=100), written(tmp_path / "many.csv", n=BLOCK + 100)
    assert many.startswith(few)
    assert len(many) > len(few)


def test_csv_is_that_of_the_table_in_memory(tmp_path):
    assert written(tmp_path / "a.csv") == csv_bytes(draw_cohort(CONFIG, n=N, seed=4, realism=REALISM))


def test_parquet_holds_the_values_of_the_table_in_memory(tmp_path):
    written(tmp_path / "a.parquet")
    table, found = draw_cohort(CONFIG, n=N, seed=4, realism=REALISM), pd.read_parquet(tmp_path / "a.parquet")
    assert list(found) == list(table)
    for header in table:
        filled = table[header].notna()
        assert found[header].notna().equals(filled), header
        is_text = isinstance(found.loc[filled, header].iloc[0], str)
        as_found = str if is_text else float
        assert table.loc[filled, header].map(as_found).equals(found.loc[filled, header].map(as_found)), header


def test_types_of_parquet_columns_do_not_follow_from_the_values_of_a_block():
    table = draw_block(CONFIG, seed=4, block=0)
    emptied = table.assign(igf1_ng_ml=None, dfs_event=None, igf1r_ihc=None)
    assert stream.arrow_table(table).schema == stream.arrow_table(emptied).schema


def test_workbook_and_csv_are_read_as_the_same_cohort(tmp_path):
    for name in ("a.csv", "a.xlsx"):
        written(tmp_path / name, n=60)
    one, other = (read_cohort(tmp_path / name).table for name in ("a.csv", "a.xlsx"))
    pd.testing.assert_frame_equal(one, other)


def test_another_seed_gives_other_patients_in_every_block():
    for block in (0, 5):
        assert not draw_block(CONFIG, seed=1, block=block).equals(draw_block(CONFIG, seed=2, block=block))


def test_blocks_lose_values_in_other_rows():
    lost = [draw_block(CONFIG, seed=1, block=b, realism=REALISM)["igfbp3_ng_ml"].isna() for b in (0, 1)]
    both = (lost[0] & lost[1]).mean()
    assert both < 0.5 * min(lost[0].mean(), lost[1].mean())


def test_identifiers_count_on_over_the_blocks_without_a_repeat():
    ids = draw_cohort(CONFIG, n=2 * BLOCK + 5, seed=1)["patient_id"]
    assert ids.is_unique


def test_progress_ends_at_all_patients_and_never_goes_back(tmp_path):
    told = []
    written(tmp_path / "a.csv", chunk_rows=1, progress=lambda done, n: told.append((done, n)))
    assert told == sorted(told)
    assert told[-1] == (N, N)
    assert len(told) == 4


@pytest.mark.parametrize("name", ["a.csv", "a.parquet", "a.xlsx"])
def test_run_that_is_stopped_leaves_the_earlier_file_and_nothing_else(tmp_path, name, monkeypatch):
    (tmp_path / name).write_bytes(b"earlier")
    draw = stream.draw_block

    def stop(*args, block, **kwargs):
        if block == 2:
            raise KeyboardInterrupt
        return draw(*args, block=block, **kwargs)

    monkeypatch.setattr(stream, "draw_block", stop)
    with pytest.raises(KeyboardInterrupt):
        written(tmp_path / name, chunk_rows=1)
    assert (tmp_path / name).read_bytes() == b"earlier"
    assert [p.name for p in tmp_path.iterdir()] == [name]


def test_cohort_of_nobody_has_its_headers(tmp_path):
    for name in ("a.csv", "a.parquet"):
        written(tmp_path / name, n=0)
    assert list(pd.read_csv(tmp_path / "a.csv")) == list(pd.read_parquet(tmp_path / "a.parquet"))
    assert len(pd.read_parquet(tmp_path / "a.parquet")) == 0


@pytest.mark.parametrize(
    ("name", "how", "message"),
    [
        ("a.txt", {}, "write .csv, .xlsx or .parquet"),
        ("a.xlsx", {"n": 1_048_576}, "a sheet holds 1,048,575"),
        ("a.csv", {"n": -1}, "n must be >= 0"),
        ("a.csv", {"chunk_rows": 0}, "chunk_rows >= 1"),
        ("a.csv", {"n_jobs": 0}, "n_jobs not 0"),
    ],
)
def test_what_cannot_be_written_is_refused_before_anything_is_drawn(tmp_path, name, how, message):
    with pytest.raises(UsageError, match=message):
        written(tmp_path / name, **how)
    assert list(tmp_path.iterdir()) == []


def test_parquet_without_pyarrow_says_what_to_install(tmp_path):
    code = (
        "import sys; sys.modules['pyarrow'] = None\n"
        "from pathlib import Path\n"
        "from igfstrat.synthetic.stream import check_format\n"
        f"check_format(Path({str(tmp_path)!r}) / 'a.csv', 5)\n"
        f"check_format(Path({str(tmp_path)!r}) / 'a.parquet', 5)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=Path.cwd())
    assert "UsageError" in done.stderr
    assert "igfstrat[parquet]" in done.stderr


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells the memory of one program")
def test_memory_does_not_grow_with_the_cohort(tmp_path):
    def peak(n):
        code = (
            "from pathlib import Path\n"
            "from tests.synthetic.test_stream import CONFIG, write_cohort\n"
            f"write_cohort(CONFIG, n={n}, seed=1, path=Path({str(tmp_path)!r}) / 'a.parquet', chunk_rows=1 << 14)\n"
            # rusage would count the program that this one was forked from, too
            "print(next(line.split()[1] for line in open('/proc/self/status') if line.startswith('VmHWM')))"
        )
        out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        return int(out.stdout)

    # both hold a whole row group; the table of 900,000 would be several times that
    assert peak(900_000) < 1.25 * peak(300_000)
