"""Encodings and dialects of text. Worked by hand; the same patients in every spelling of a file are the same table."""

import pytest

from igfstrat.errors import CohortError

NAME = "Müller-µ-001"


def refused(judge, path, *words, **options):
    with pytest.raises(CohortError) as caught:
        judge(path, **options)
    assert not [word for word in words if word not in str(caught.value)], str(caught.value)
    return str(caught.value)


@pytest.fixture
def plain(make_table, write_csv, judge):
    return judge(write_csv(make_table(), "plain.csv")).cohort.table


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_a_marked_encoding_gives_the_name_back(change, write_csv, judge, encoding):
    cohort = judge(write_csv(change({(2, "patient_id"): NAME}), encoding=encoding)).cohort
    assert cohort.problems == ()
    assert cohort.table["patient_id"][0] == NAME


@pytest.mark.parametrize("encoding", ["mac_roman", "cp1252", "utf-16-be", "utf-16-le"])
def test_an_unmarked_encoding_is_asked_for_and_then_taken(change, write_csv, judge, encoding):
    path = write_csv(change({(4, "patient_id"): NAME}), encoding=encoding)
    message = refused(judge, path, "--encoding", "UTF-8")
    assert "UTF-16" in message or "row 4" in message
    assert judge(path, encoding=encoding).cohort.table["patient_id"][2] == NAME


@pytest.mark.parametrize("encoding", ["latin-17", "hex", "a\0b", "rot13"])
def test_an_encoding_that_is_none_is_refused(make_table, write_csv, judge, encoding):
    refused(judge, write_csv(make_table()), "encoding", "is not known", encoding=encoding)


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n"])
def test_a_bad_byte_is_told_by_its_row_whatever_ends_the_lines(make_table, write_csv, judge, end):
    path = write_csv(make_table(), end=end)
    data = path.read_bytes().split(end.encode())
    data[3] = data[3].replace(b"P003", b"P\xff\xfe3")
    path.write_bytes(end.encode().join(data))
    refused(judge, path, "row 4", "UTF-8", "--encoding")


@pytest.mark.parametrize("end", ["\r", "\r\n"])
def test_line_ends_of_every_machine_are_read(make_table, write_csv, judge, plain, end):
    assert judge(write_csv(make_table(), end=end)).cohort.table.equals(plain)


@pytest.mark.parametrize("delimiter", ["\t", ";", "|"])
def test_the_delimiter_is_found(make_table, write_csv, judge, plain, delimiter):
    assert judge(write_csv(make_table(), delimiter=delimiter)).cohort.table.equals(plain)


def test_semicolons_between_decimal_commas_are_the_delimiter(
    change_column, write_csv, judge, plain, tmp_path
):
    rows = [
        [text.replace(".", ",") for text in row] for row in change_column("igf1_ng_ml", lambda t, _: f"{t},0")
    ]
    path = write_csv(rows, delimiter=";")
    refused(judge, path, "igf1_ng_ml", "decimal", 'file: {decimal: ","}')
    cohort_map = tmp_path / "map.yaml"
    cohort_map.write_text('file: {decimal: ","}\n')
    assert judge(path, map=cohort_map).cohort.table.equals(plain)


def test_semicolons_under_a_title_with_commas_are_the_delimiter(make_table, tmp_path, judge):
    path = tmp_path / "cohort.csv"
    path.write_text("A study, in May, of 60\n" + "\n".join(";".join(row) for row in make_table()))
    assert judge(path).cohort.n_rows == 60


def test_a_quote_that_never_closes_is_told_by_its_row(make_table, tmp_path, judge):
    lines = [",".join(row) for row in make_table()]
    lines[10] = '"' + lines[10]
    path = tmp_path / "cohort.csv"
    path.write_text("\n".join(lines))
    refused(judge, path, "quote", "row 11")


def test_a_quote_that_closes_fifty_rows_later_is_told_by_its_row(make_table, tmp_path, judge):
    lines = [",".join(row) for row in make_table()]
    lines[10] = lines[10].replace("P010", '"P010')
    lines[50] = lines[50].replace("P050", 'P050"')
    path = tmp_path / "cohort.csv"
    path.write_text("\n".join(lines))
    refused(judge, path, "quote", "row 11")


def test_a_row_with_one_field_too_many_is_refused(make_table, write_csv, judge):
    rows = make_table()
    rows[8].insert(3, "")
    refused(judge, write_csv(rows), "row 9", "has 14 fields where the header has 13")


def test_a_file_cut_in_its_last_row_is_said_to_be_incomplete(make_table, write_csv, judge):
    path = write_csv(make_table())
    data = path.read_bytes()
    path.write_bytes(data[: data.rindex(b"\n", 0, -1) + 20])
    refused(judge, path, "row 61", "fields", "incomplete (truncated)")


def test_comment_rows_in_front_keep_the_row_numbers_of_the_file(make_table, tmp_path, judge):
    path = tmp_path / "data_clinical_patient.txt"
    path.write_text("#a\tb\n#c\td\n" + "\n".join("\t".join(row) for row in make_table()))
    assert judge(path).cohort.row_numbers[0] == 4


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"", "empty"), (b"\n\n\n", "empty"), (b"\x00\x01\x02\x03", "NUL"), (b"<html><table><tr>", "HTML"),
     (b"\xef\xbb\xbf  <!DOCTYPE html>", "HTML"), (b"%PDF-1.7", "neither csv nor xlsx"), (b"PAR1", "not a valid"),
     (b"just some words\nin two lines", "column missing"), (b"42", "header"), (b"#only\n#comments", "empty")],
)  # fmt: skip
def test_a_file_that_is_no_table_is_refused(tmp_path, judge, content, words):
    path = tmp_path / "cohort.csv"
    path.write_bytes(content)
    refused(judge, path, words)


@pytest.mark.parametrize("name", ["co hort ü.csv", "-rf.csv", "a'b\"c.csv", "x;y.csv", "[1].csv"])
def test_an_awkward_file_name_works(make_table, write_csv, judge, name):
    assert judge(write_csv(make_table(), name)).cohort.n_rows == 60


def test_a_file_name_cannot_write_on_the_terminal(make_table, write_csv, judge):
    message = refused(judge, write_csv(make_table()[:1], "a\x1b[31mb\n.csv"), "no patients")
    assert "\x1b" not in message
    assert "a\\x1b[31mb\\n.csv" in message
