"""What a workbook hides is said. Worked by hand; openpyxl and xlsxwriter make the workbooks."""

import io

import pytest
import xlsxwriter

from igfstrat.cohort import read_cohort
from igfstrat.cohort.plain_scan import is_plain_text_table, scan_plain
from igfstrat.cohort.workbook_facts import Scanner
from igfstrat.errors import IgfstratError, UnsafeFileError
from tests.hostile.grammar import SHEET, good_workbook, members_of, with_members, zipped


def notices(cohort):
    return {p.code: p.remedy for p in cohort.problems}


@pytest.mark.parametrize(
    ("name", "code"),
    [("xl/vbaProject.bin", "macro"), ("xl/externalLinks/externalLink1.xml", "external_link")],
)
def test_macros_and_links_are_said_and_the_numbers_are_read(tmp_path, name, code):
    path = tmp_path / "c.xlsx"
    path.write_bytes(with_members((name, b"<x/>")))
    cohort = read_cohort(path)
    assert set(notices(cohort)) == {code}
    assert cohort.n_rows == 20


def test_hidden_columns_and_sheets_filters_and_merged_headers_are_said(make_table, write_xlsx):
    def edit(book):
        sheet = book.active
        sheet.insert_rows(1)
        sheet["A1"] = "A title"
        sheet.column_dimensions["E"].hidden = True
        sheet.row_dimensions[5].hidden = True
        sheet.auto_filter.ref = "A2:M62"
        sheet.merge_cells("N2:P2")
        book.create_sheet("old").sheet_state = "hidden"

    found = notices(read_cohort(write_xlsx(make_table(), edit=edit)))
    assert set(found) == {"header", "hidden_columns", "hidden_rows", "hidden_sheets", "merged_header"}
    assert "(E)" in found["hidden_columns"]
    assert "1 of 60 rows are hidden (by the filter, or by hand)" in found["hidden_rows"]
    assert "N2:P2" in found["merged_header"]
    assert "1 of 2 sheets" in found["hidden_sheets"]


def test_dates_from_1904_are_said(tmp_path, make_table):
    path = tmp_path / "c.xlsx"
    with xlsxwriter.Workbook(str(path), {"date_1904": True}) as book:
        sheet = book.add_worksheet()
        for i, row in enumerate(make_table()):
            sheet.write_row(i, 0, row)
    assert "date_system" in notices(read_cohort(path))


def test_numbers_as_text_are_said_once_and_read(make_table, write_xlsx):
    cohort = read_cohort(write_xlsx(make_table(), typed=False))
    assert set(notices(cohort)) == {"text_numbers"}
    assert cohort.table["igf1_ng_ml"][0] == 90


@pytest.mark.parametrize("text", ["2024-03-02", "2-Mar", "02-Mar", "Mar-02", "2024-03-02 00:00:00"])
def test_what_a_spreadsheet_made_of_2_3_is_said_to_be_a_date(change, write_csv, judge, text):
    judged = judge(write_csv(change({(7, "igf1r_ihc"): text, (8, "igf1_ng_ml"): text})))
    assert {(p.row, p.code) for p in judged.flags} == {(7, "invalid_code"), (8, "not_a_number")}
    assert all("as spreadsheet programs make one of 2-3" in p.remedy for p in judged.flags)


def by_parser(data):
    scanner = Scanner(SHEET, lambda: None)
    scanner.parser.Parse(data, True)
    return scanner.facts


def odd_cells(data):
    data = data.replace(b'<c r="E2"><v>90</v></c>', b'<c r="E2" t="e"><v>#N/A</v></c>')
    data = data.replace(b'<c r="E3"><v>103</v></c>', b'<c r="E3"><f>1+1</f><v>2</v></c>')
    data = data.replace(b'<c r="E4"><v>116</v></c>', b'<c r="E4"><f t="shared" si="0"/></c>')
    data = data.replace(b'<c r="E5"><v>129</v></c>', b'<c r="E5" t="str"><f>A</f><v></v></c>')
    return data.replace(b'<row r="6"', b'<row hidden="1" r="6"')


@pytest.mark.parametrize("change", [lambda d: d, odd_cells], ids=["plain", "odd cells"])
def test_the_short_cut_sees_what_the_parser_sees(change):
    data = change(dict(members_of(good_workbook()))[SHEET])
    assert scan_plain(io.BytesIO(data), 100) == by_parser(data)
    assert by_parser(data).n_cells == 13 * 21


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d.replace(b"<sheetData>", b"<!-- x --><sheetData>"),
        lambda d: d.replace(b"UTF-8", b"UTF-7"),
        lambda d: d.decode().replace("UTF-8", "UTF-16").encode("utf-16"),
        lambda d: d.replace(b'<c r="B2"', b"<c"),
        lambda d: d.replace(b'r="E2"', b"r='E2'"),
        lambda d: d.replace(b"<c r=", b"<x:c r="),
        lambda d: d.replace(b"<v>90</v>", b"<v><![CDATA[90]]></v>"),
        lambda d: d.replace(b"<v>90</v>", b"<?x y?><v>90</v>"),
    ],
)
def test_what_is_not_plain_is_left_to_the_parser(change, tmp_path):
    good = dict(members_of(good_workbook()))
    data = change(good[SHEET])
    assert data != good[SHEET]
    assert scan_plain(io.BytesIO(data), 100) is None
    path = tmp_path / "c.xlsx"
    path.write_bytes(zipped([(n, data if n == SHEET else d) for n, d in good.items()]))
    try:
        n_rows = read_cohort(path).n_rows
    except IgfstratError:
        n_rows = 20
    assert n_rows == 20


def in_cell(reference):
    return lambda d: d.replace(b'<c r="E2"', b'<c r="%s"' % reference)


@pytest.mark.parametrize(
    ("reference", "extent"), [(b"XFD2", (22, 16_384)), (b"E1048576", (1_048_576, 13)), (b"ABC99", (99, 731))]
)
def test_the_short_cut_goes_by_the_references_of_the_cells(reference, extent):
    good = dict(members_of(good_workbook()))[SHEET]
    facts = scan_plain(io.BytesIO(in_cell(reference)(good)), 100)
    assert (max(facts.max_row, 22), facts.max_column) == extent
    assert facts == by_parser(in_cell(reference)(good))


@pytest.mark.parametrize("reference", [b"", b"2", b"E", b"ABCD2", b"E123456789", b"e2", b"E2x", b"E-2"])
def test_a_cell_with_an_odd_reference_is_left_to_the_parser(reference):
    data = in_cell(reference)(dict(members_of(good_workbook()))[SHEET])
    assert scan_plain(io.BytesIO(data), 100) is None


TEXTS = b'<?xml version="1.0" encoding="UTF-8"?><sst xmlns="x"><si><t>a</t></si><si><t xml:space="preserve"> b</t></si></sst>'


def test_a_plain_table_of_texts_needs_no_parser():
    assert is_plain_text_table(io.BytesIO(TEXTS), 200)
    assert is_plain_text_table(io.BytesIO(TEXTS.replace(b"<si><t>a", b"<si><r><rPr><b/></rPr><t>a")), 200)


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d.replace(b"<sst", b'<!DOCTYPE sst [<!ENTITY a "b">]><sst'),
        lambda d: d.replace(b"<si>", b"<!-- x --><si>"),
        lambda d: d.replace(b"<si>", b"<?x y?><si>"),
        lambda d: d.replace(b"<t>a", b"<t><![CDATA[a]]>"),
        lambda d: d.replace(b"UTF-8", b"UTF-7"),
        lambda d: d.decode().encode("utf-16"),
        lambda d: d.replace(b"<si>", b"<x:si>"),
        lambda d: d.replace(b"sst", b"worksheet"),
        lambda d: d.replace(b"<t>a", b"<r>" * 300 + b"<t>a"),
        lambda d: d.replace(b"a</t>", b"a" * 5_000_000 + b"</t>").replace(b"</si>", b"</si >"),
        lambda d: b"",
    ],
)
def test_a_table_of_texts_in_any_doubt_is_left_to_the_parser(change):
    assert change(TEXTS) != TEXTS
    assert not is_plain_text_table(io.BytesIO(change(TEXTS)), 200)


def test_an_entity_in_the_table_of_texts_is_refused(tmp_path):
    members = members_of(good_workbook())
    assert "xl/sharedStrings.xml" in dict(members)
    entity = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaa">]><sst><si><t>&a;</t></si></sst>'
    path = tmp_path / "c.xlsx"
    path.write_bytes(zipped([(n, entity if n == "xl/sharedStrings.xml" else d) for n, d in members]))
    with pytest.raises(UnsafeFileError, match="DTD or entity"):
        read_cohort(path)


def test_cells_merged_over_rows_are_said_and_a_note_over_columns_is_not(make_table, write_xlsx):
    def edit(book):
        book.active.merge_cells("D4:D6")
        book.active.merge_cells("E9:F9")

    remedy = notices(read_cohort(write_xlsx(make_table(), edit=edit)))["merged_cells"]
    assert "D4:D6" in remedy
    assert "E9" not in remedy


@pytest.mark.parametrize("before", [b"", b"<!-- -->"], ids=["scanned", "parsed"])
@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        (b'<c r="E2">', b'<c r="D2">', "D2"),
        (b'<c r="A3"', b'<c r="A2"', "A2"),
        (b'<c r="E4">', b'<c r="G4">', "F4"),
    ],
)
def test_a_place_that_may_be_there_twice_is_refused(tmp_path, old, new, place, before):
    good = dict(members_of(good_workbook()))
    data = good[SHEET].replace(b"<sheetData>", before + b"<sheetData>").replace(old, new)
    path = tmp_path / "c.xlsx"
    path.write_bytes(zipped([(n, data if n == SHEET else d) for n, d in good.items()]))
    with pytest.raises(IgfstratError, match=f"cell {place} stands twice"):
        read_cohort(path)
