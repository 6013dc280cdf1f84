"""A damaged text says the same whether it is read whole or in pieces. The truth is the reader of whole files, and the place by hand."""

import codecs

import pytest

from igfstrat.cohort import read_cohort
from igfstrat.cohort.cohort_map import CohortMap, FileSettings
from igfstrat.cohort.piece_sources import open_source
from igfstrat.cohort.text_reader import misfit_of
from igfstrat.errors import CohortError
from tests.conftest import table_of
from tests.hostile.grammar import gzip_bomb
from tests.hostile.tables import csv_of


def changed(old, new, **dialect):
    data = csv_of(table_of(), **dialect)
    assert data.count(old) == 1
    return data.replace(old, new)


SWALLOWED = b"".join(line + b"\n" for line in csv_of(table_of(20)).splitlines()[1:])
DAMAGED = {  # bytes, encoding, and what must be told of where
    "a byte of cp1252": (changed(b"P040,", b"P\xf640,"), None, (41, "byte ")),
    "the same with CR": (changed(b"P040,", b"P\xf640,", end="\r"), None, (41, "byte ")),
    "the same with CRLF": (changed(b"P040,", b"P\xf640,", end="\r\n"), None, (41, "byte ")),
    "the same after a mark": (codecs.BOM_UTF8 + changed(b"P040,", b"P\xf640,"), None, (41, "byte ")),
    "in the first row": (changed(b"patient_id,", b"patient_id\xff,"), None, (1, "byte 10 is not UTF-8")),
    "a letter cut at the end": (csv_of(table_of()) + "ü".encode()[:1], None, (62, "byte ")),
    "declared as ASCII": (changed(b"P040,", "Pü40,".encode()), "ascii", (41, "is not ASCII")),
    "half a letter of UTF-16": ((csv_of(table_of())).decode().encode("utf-16")[:-1], None, (61, "UTF-16")),
    "half a pair": (csv_of(table_of()).decode().encode("utf-16-le") + b"\x00\xd8", "utf-16", (62, "is not UTF-16")),
    "no encoding": (csv_of(table_of()), "klingon", (None, "is not known")),
    "no alphabet": (csv_of(table_of()), "unicode_escape", (None, "is not known")),
    "no text at all": (csv_of(table_of()), "base64", (None, "is not known")),
    "a NUL in the encoding": (csv_of(table_of()), "utf-8\0", (None, "is not known")),
    "a NUL": (changed(b"P040,", b"P0\x0040,"), None, (41, "NUL")),
    "UTF-16 without a mark": (csv_of(table_of()).decode().encode("utf-16-le"), None, (1, "NUL")),
    "a quote never closed": (changed(b"P040,", b'"P040,'), None, (41, "never closed")),
    "a quote closed late": (changed(b"P040,", b'"P040,').replace(b"P050,", b'P050",'), None, (41, "over many lines")),
    "a field of 200 kB": (changed(b"P040,", b'"' + SWALLOWED.replace(b'"', b"") * 150), None, (41, "131,072")),
    "a field too many": (changed(b"P040,", b"P040,,7,"), None, (41, "has 15 fields where the header has 13")),
    "rows cut short": (
        changed(b"P040,", b"P040\nP900,").replace(b"P050,", b"P050\nP901,"), None, (41, "has 1 field where"),
    ),
    "the last row cut": (csv_of(table_of())[:-20], None, (61, "truncated")),
    "a remark under the table": (csv_of(table_of()) + b"# by hand\n", None, (62, "begins with #")),
    "a gzip": (gzip_bomb(1_000), None, (None, "neither csv nor xlsx")),
    "a page": (b"<html><table><tr><td>1</td></tr></table></html>\n" * 3, None, (None, "HTML")),
}  # fmt: skip


def refusals(tmp_path, data, encoding, rows_a_piece):
    path = tmp_path / "c.csv"
    path.write_bytes(data)
    with pytest.raises(CohortError) as whole:
        read_cohort(path, map=CohortMap(file=FileSettings(encoding=encoding)))
    with pytest.raises(CohortError) as in_pieces:
        list(open_source(path, FileSettings(encoding=encoding)).pieces(rows_a_piece))
    return whole.value, in_pieces.value


@pytest.mark.parametrize("rows_a_piece", [7, 1_000])
@pytest.mark.parametrize(("data", "encoding", "told"), DAMAGED.values(), ids=list(DAMAGED))
def test_a_damaged_text_says_the_same_whole_and_in_pieces(tmp_path, data, encoding, told, rows_a_piece):
    whole, in_pieces = refusals(tmp_path, data, encoding, rows_a_piece)
    assert str(in_pieces) == str(whole)
    assert whole.problems[0].row == told[0]
    assert told[1] in str(whole)


def test_damage_behind_the_head_is_told_with_its_row_and_byte_of_every_piece(tmp_path):
    rows = table_of(9_000)
    good = csv_of(rows)
    at = good.index(b"P8000,")
    whole, in_pieces = refusals(tmp_path, good[:at] + b"\xff" + good[at + 1 :], None, 500)
    assert str(in_pieces) == str(whole)
    assert f"row 8001  byte {at} is not UTF-8" in str(whole)
    short = good.replace(b"P6000,", b"P6000\nP9,").replace(b"P8000,", b"P8000\nP10,")
    whole, in_pieces = refusals(tmp_path, short, None, 500)
    assert str(in_pieces) == str(whole)
    assert [p.row for p in in_pieces.problems] == [6001, 8002]
    for row in ("6001", "8002"):
        assert row in str(whole)


def test_a_byte_is_found_wherever_the_blocks_end(tmp_path, monkeypatch):
    monkeypatch.setattr("igfstrat.cohort.text_reader._BLOCK", 3)
    for n in range(12):
        path = tmp_path / "c.csv"
        path.write_bytes(b"a\r\nb\xc3\xa4\r" + b"c" * n + b"\r\n\xff")
        with path.open("rb") as content:
            problem = misfit_of(content, "utf-8", "c.csv").problems[0]
        assert (problem.row, problem.remedy.split(" is ")[0]) == (4, f"byte {9 + n}")


def test_a_remark_of_many_lines_is_text_and_swallowed_rows_are_not(tmp_path):
    rows = [
        [*row, "comment" if i == 0 else "first\nsecond, third\n\nfourth\nfifth\nsixth"]
        for i, row in enumerate(table_of())
    ]
    path = tmp_path / "c.csv"
    path.write_bytes(csv_of(rows))
    assert read_cohort(path).n_rows == 60
    assert sum(len(piece.row_numbers) for piece in open_source(path, FileSettings()).pieces(7)) == 60


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_every_encoding_with_a_mark_gives_the_same_cells_in_pieces(tmp_path, encoding, end):
    path = tmp_path / "c.csv"
    path.write_bytes(csv_of(table_of(), end=end, encoding=encoding))
    source = open_source(path, FileSettings())
    cells = [
        [*row] for piece in source.pieces(7) for row in zip(*(c.text() for c in piece.columns), strict=True)
    ]
    assert [[*source.head.headers], *cells] == table_of()


def test_pieces_of_a_wide_table_and_of_long_texts_are_shorter(tmp_path):
    """Worked by hand: two million cells, or 16 MB of text, are a piece."""
    path = tmp_path / "c.csv"
    narrow = table_of(100)
    for more, most in (([], 2**21 // 13), (["1"] * 187, 2**21 // 200), (["x" * 100_000], 2**24 // 100_100)):
        rows = [[*row, *(more if i else (f"c{j}" for j in range(len(more))))] for i, row in enumerate(narrow)]
        path.write_bytes(csv_of(rows))
        found = open_source(path, FileSettings()).most_rows
        assert 0.95 * most < found < 1.05 * most
