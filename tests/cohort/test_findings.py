"""What a workbook hides is said. Worked by hand; openpyxl and xlsxwriter make the workbooks."""

import io

import pytest
import xlsxwriter

from igfstrat.cohort import read_cohort
from igfstrat.cohort.plain_scan import scan_plain
from igfstrat.cohort.workbook_facts import Scanner
from igfstrat.errors import IgfstratError
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
