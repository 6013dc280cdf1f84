"""Workbooks that are damaged, disguised or hostile: refused by class, and never a crash.

Worked by hand, with files made here: openpyxl for the good one, zipfile for what is done to it.
"""

import datetime as dt
import os
import random
import threading
import zipfile

import openpyxl
import pytest
from openpyxl.utils.datetime import CALENDAR_MAC_1904

from igfstrat.cohort import read_cohort
from igfstrat.errors import CohortError, ExitCode, IgfstratError, StorageError, UnsafeFileError


def refused(judge, path, *words, error=CohortError):
    with pytest.raises(error) as caught:
        judge(path)
    assert type(caught.value) is error
    assert not [word for word in words if word not in str(caught.value)], str(caught.value)


@pytest.fixture
def workbook(make_table, write_xlsx):
    return write_xlsx(make_table())


def rewrite(path, change, extra=()):
    """Every member through change(name, data); then more members."""
    with zipfile.ZipFile(path) as archive:
        members = [(info.filename, archive.read(info)) for info in archive.infolist()]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members:
            archive.writestr(name, change(name, data))
        for name, data in extra:
            archive.writestr(name, data)
    return path


def in_sheet(change):
    return lambda name, data: change(data) if name.endswith("sheet1.xml") else data


def keep(_, data):
    return data


@pytest.mark.parametrize("share", [0.1, 0.6, 0.99])
def test_a_download_cut_short_is_damaged(workbook, judge, share):
    data = workbook.read_bytes()
    workbook.write_bytes(data[: int(len(data) * share)])
    refused(judge, workbook, "truncated, incomplete, damaged")


def test_a_csv_named_xlsx_is_said_to_be_one(make_table, write_csv, judge):
    refused(judge, write_csv(make_table(), "cohort.xlsx"), "not an Excel workbook", "csv")


def test_a_workbook_named_csv_is_read_by_its_content(make_table, write_xlsx, judge):
    assert judge(write_xlsx(make_table(), "cohort.csv")).cohort.problems == ()


def test_a_web_page_named_xls_is_said_to_be_one(tmp_path, judge):
    path = tmp_path / "export.xls"
    path.write_text("<html><body><table><tr><td>patient_id</td></tr></table>")
    refused(judge, path, "HTML")


@pytest.mark.parametrize(("inside", "word"), [("EncryptedPackage", "password"), ("Workbook", "legacy .xls")])
def test_an_ole_container_says_what_it_is(tmp_path, judge, inside, word):
    path = tmp_path / "cohort.xlsx"
    path.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504) + inside.encode("utf-16-le"))
    refused(judge, path, word, ".xlsx")


def test_an_encrypted_zip_is_refused(workbook, judge):
    data = bytearray(workbook.read_bytes())
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = data.find(signature)
        while at >= 0:
            data[at + offset] |= 1
            at = data.find(signature, at + 4)
    workbook.write_bytes(data)
    refused(judge, workbook, "encrypted")


def test_an_empty_zip_is_no_workbook(tmp_path, judge):
    path = tmp_path / "cohort.xlsx"
    zipfile.ZipFile(path, "w").close()
    refused(judge, path, "not a valid Excel workbook")


def test_a_pipe_is_refused_before_it_is_opened(tmp_path, judge):
    path = tmp_path / "pipe.csv"
    os.mkfifo(path)
    said = []

    def read():
        # what fails in a thread fails no test, so the outcome is carried out of it
        try:
            judge(path)
        except CohortError as error:
            said.append(str(error))

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    thread.join(5)
    assert not thread.is_alive()
    assert len(said) == 1
    assert "regular file" in said[0]


@pytest.mark.parametrize(
    "make", [lambda p: p / "absent.csv", lambda p: p, lambda p: p / ("x" * 300), lambda p: p / "f" / "g"]
)
def test_a_path_that_is_no_file_is_refused(tmp_path, judge, make):
    (tmp_path / "f").write_text("")
    with pytest.raises(CohortError, match=r"not there|regular file"):
        judge(make(tmp_path))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_the_environments_fault(make_table, write_csv, judge):
    path = write_csv(make_table())
    path.chmod(0)
    refused(judge, path, "permission", error=StorageError)


def test_a_bomb_is_refused_by_its_ratio(workbook, judge):
    bomb = [("xl/worksheets/sheet2.xml", b"<worksheet>" + b" " * 60_000_000 + b"</worksheet>")]
    refused(judge, rewrite(workbook, keep, bomb), "too large", "expands", "ratio", error=UnsafeFileError)


DTD = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">%s]>'


@pytest.mark.parametrize(
    "entity", [b'<!ENTITY b "&a;&a;&a;&a;">', b'<!ENTITY b SYSTEM "http://127.0.0.1:9/x">', b""]
)
@pytest.mark.parametrize(
    "name", ["xl/worksheets/sheet1.xml", "xl/workbook.xml", "docProps/core.xml", "xl/odd.dat"]
)
def test_a_declared_entity_is_refused_wherever_it_stands(workbook, judge, entity, name):
    def change(found, data):
        return (
            DTD % entity + data[data.index(b"?>") + 2 if data.startswith(b"<?xml") else 0 :]
            if found == name
            else data
        )

    extra = [("xl/odd.dat", DTD % entity + b"<worksheet/>")] if name == "xl/odd.dat" else []
    refused(judge, rewrite(workbook, change, extra), "DTD or entity", error=UnsafeFileError)


@pytest.mark.filterwarnings("ignore:Duplicate name:UserWarning")
@pytest.mark.parametrize(
    "name", ["xl/worksheets/sheet1.xml", "xl/worksheets/SHEET1.xml", "xl\\worksheets\\sheet1.xml"]
)
def test_two_members_of_one_name_are_refused(workbook, judge, name):
    refused(judge, rewrite(workbook, keep, [(name, b"<worksheet/>")]), "ambiguous", error=UnsafeFileError)


@pytest.mark.parametrize("name", ["../evil.xml", "/etc/evil.xml", "xl/../../evil.xml"])
def test_a_member_that_leads_outside_is_refused(workbook, judge, name):
    refused(judge, rewrite(workbook, keep, [(name, b"<x/>")]), "leads outside", error=UnsafeFileError)


def test_sixty_thousand_members_are_refused(workbook, judge):
    many = [(f"xl/media/{i}.bin", b"") for i in range(60_000)]
    refused(judge, rewrite(workbook, keep, many), "too many members", error=UnsafeFileError)


def test_what_is_unsafe_ends_with_its_own_exit_code():
    assert UnsafeFileError("x").exit_code is ExitCode.UNSAFE


def test_a_dimension_that_lies_loses_no_patient(workbook, judge):
    def lie(data):
        start = data.index(b"<dimension")
        return data[:start] + b'<dimension ref="A1:M5"/>' + data[data.index(b"/>", start) + 2 :]

    judged = judge(rewrite(workbook, in_sheet(lie)))
    assert judged.cohort.n_rows == 60
    assert judged.flags == []


def test_a_formula_with_a_stored_value_is_used_and_flagged(workbook, judge):
    def formula(data):
        return data.replace(
            b'<c r="E2" t="n"><v>90</v>',
            b'<c r="E2"><f>[1]Other!A1+WEBSERVICE("http://127.0.0.1:9")</f><v>90</v>',
        )

    judged = judge(rewrite(workbook, in_sheet(formula)))
    assert [(p.row, p.cell, p.column, p.code) for p in judged.flags] == [(2, "E2", "igf1_ng_ml", "formula")]
    assert judged.cohort.table["igf1_ng_ml"][0] == 90
    assert "E2" in judged.text
    assert "formula" in judged.text


def test_cells_without_references_have_the_place_of_their_order(workbook, judge):
    def strip(data):
        data = data.replace(b'<c r="E2" t="n"><v>90</v>', b'<c r="E2"><f>1+1</f><v>90</v>')
        for letter in b"ABCDEFGHIJKLM":
            data = data.replace(b'<c r="%c2"' % letter, b"<c")
        return data

    assert [(p.row, p.cell) for p in judge(rewrite(workbook, in_sheet(strip))).flags] == [(2, "E2")]


def test_an_error_cell_is_flagged_and_counts_as_missing(workbook, judge):
    def error(data):
        return data.replace(b'<c r="E2" t="n"><v>90</v>', b'<c r="E2" t="e"><v>#DIV/0!</v>')

    judged = judge(rewrite(workbook, in_sheet(error)))
    assert (2, "cell_error") in {(p.row, p.code) for p in judged.flags}
    assert judged.cohort.table["igf1_ng_ml"].isna()[0]


def test_a_stray_cell_far_outside_is_an_accident_with_a_remedy(workbook, judge):
    def stray(data):
        return data.replace(
            b"</sheetData>", b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>'
        )

    refused(judge, rewrite(workbook, in_sheet(stray)), "stray cell", "1,048,576", "delete")


def test_dates_of_the_1904_system_are_the_same_days(make_table, tmp_path, judge):
    tables = []
    for epoch in (None, CALENDAR_MAC_1904):
        book = openpyxl.Workbook()
        if epoch:
            book.epoch = epoch
        for i, row in enumerate(make_table()):
            days = [dt.date.fromisoformat(text) if i else text for text in row[7:9]]
            book.active.append([*row[:7], *days, *row[9:]])
        path = tmp_path / f"{epoch}.xlsx"
        book.save(path)
        tables.append(judge(path).cohort.table)
    assert tables[0]["diagnosis_date"].astype(str)[0] == "2012-01-10"
    assert tables[0].equals(tables[1])


def test_strict_open_xml_gives_the_same_table(workbook, judge):
    def strict(_, data):
        return data.replace(
            b"http://schemas.openxmlformats.org/spreadsheetml/2006/main",
            b"http://purl.oclc.org/ooxml/spreadsheetml/main",
        ).replace(
            b"http://schemas.openxmlformats.org/officeDocument/2006/relationships",
            b"http://purl.oclc.org/ooxml/officeDocument/relationships",
        )

    plain = judge(workbook).cohort.table
    assert judge(rewrite(workbook, strict)).cohort.table.equals(plain)


def test_no_cut_or_flipped_byte_of_a_workbook_crashes_the_reader(make_table, write_xlsx):
    path = write_xlsx(make_table(8))
    good = path.read_bytes()
    rng = random.Random(20261120)
    for _ in range(250):
        data = bytearray(good[: rng.randrange(4, len(good))] if rng.random() < 0.3 else good)
        for _ in range(rng.randrange(4)):
            data[rng.randrange(len(data))] = rng.randrange(256)
        path.write_bytes(data)
        message = ""
        try:
            assert read_cohort(path).n_rows <= 9
        except IgfstratError as error:
            message = str(error)
        assert "P00" not in message
