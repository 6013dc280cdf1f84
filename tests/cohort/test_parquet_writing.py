"""Equal rows are equal bytes of parquet, however they are cut and coded. Invariant."""

import datetime as dt

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from igfstrat.cohort import parquet_writing


def tables(n, cuts, **more):
    rng = np.random.default_rng(2)
    words = rng.choice(np.array(["", "low", "high", None], dtype=object), n)
    many = np.array([f"word {i * 7919 % n} " + "x" * 60 for i in range(n)], dtype=object)
    whole = pa.table({"id": [f"P{i}" for i in range(n)], "x": rng.normal(size=n), **more})
    for start, stop in zip([0, *cuts], [*cuts, n], strict=True):
        piece = whole.slice(start, stop - start)
        for name, values in (("words", words), ("many", many)):
            piece = piece.append_column(name, pa.array(values[start:stop], pa.string()).dictionary_encode())
        yield piece


@pytest.mark.parametrize("cuts", [[], [100, 200], [7, 100, 101, 333]])
@pytest.mark.parametrize("size", [100, 30_000])
def test_cuts_change_no_byte_and_text_is_text(tmp_path, monkeypatch, cuts, size):
    n = 350 if size == 100 else 70_000
    cuts = [cut * size // 100 for cut in cuts]
    monkeypatch.setattr(parquet_writing, "ROW_GROUP", size)
    parquet_writing.write_parquet(tables(n, [size, 2 * size]), tmp_path / "a.parquet")
    parquet_writing.write_parquet(tables(n, cuts), tmp_path / "b.parquet")
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()
    found = pq.read_table(tmp_path / "b.parquet")
    assert found["words"].type == pa.string()
    expected = pa.concat_tables(t.cast(found.schema) for t in tables(n, cuts))
    assert found.equals(expected)
    assert pq.ParquetFile(tmp_path / "b.parquet").num_row_groups == -(-n // size)


def test_a_type_that_parquet_alone_does_not_tell_comes_back(tmp_path, monkeypatch):
    monkeypatch.setattr(parquet_writing, "ROW_GROUP", 10)
    when = pa.array([dt.datetime(2020, 1, 1)] * 25, pa.timestamp("s", tz="Europe/Berlin"))
    for name, cuts in {"a": [10, 20], "b": [3]}.items():
        parquet_writing.write_parquet(tables(25, cuts, when=when), tmp_path / f"{name}.parquet")
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()
    found = pq.read_table(tmp_path / "a.parquet")
    assert found["when"].type.tz == "Europe/Berlin"
    assert found["words"].type == pa.string()


@pytest.mark.parametrize("cuts", [[], [70, 300]])
def test_only_columns_whose_values_come_back_are_written_with_their_values_apart(tmp_path, monkeypatch, cuts):
    monkeypatch.setattr(parquet_writing, "ROW_GROUP", 100)
    parquet_writing.write_parquet(tables(350, cuts), tmp_path / "a.parquet")
    group = pq.ParquetFile(tmp_path / "a.parquet").metadata.row_group(0)
    coded = {
        group.column(i).path_in_schema
        for i in range(group.num_columns)
        if group.column(i).has_dictionary_page
    }
    assert coded == {"words"}


def test_a_table_without_rows_is_a_file_with_its_columns(tmp_path):
    parquet_writing.write_parquet([next(tables(10, [])).slice(0, 0)], tmp_path / "a.parquet")
    found = pq.read_table(tmp_path / "a.parquet")
    assert (len(found), found.column_names) == (0, ["id", "x", "words", "many"])
