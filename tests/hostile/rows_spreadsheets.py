"""What programs and people do to spreadsheets beside the rows of the contract: structure, dialects, headers, cells, tables. Classes by its rule."""

import csv
import datetime as dt
import io
import re
import struct
import tempfile
import zipfile
from pathlib import Path

import pandas as pd

from tests.conftest import table_of
from tests.hostile import grammar
from tests.hostile.rows_files import parquet_of, same_numbers
from tests.hostile.tables import (
    Row,
    Variant,
    both,
    bytes_as,
    cells,
    column_of,
    csv_of,
    file,
    only_csv,
    renamed,
    rows_with,
    xlsx_of,
)

ACCEPT, REJECT, FLAG, REFUSE = (0,), (2,), (3,), (4,)
_ROWS = re.compile(rb"<row .*?</row>", re.DOTALL)
_CELL = re.compile(rb"<c r=\"[A-Z]+[0-9]+\".*?</c>", re.DOTALL)


def in_sheet(change):
    return lambda: grammar.changed(grammar.SHEET, change, xlsx_of(table_of()))


def in_texts(change):
    return lambda: grammar.changed(grammar.SHARED, change, xlsx_of(table_of()))


def sheet(name, change, ends=None, words=None):
    return file(name, "c.xlsx", in_sheet(change), ends, words)


def upside_down(data):
    """The rows of the sheet from the last to the first."""
    rows = _ROWS.findall(data)
    return data.replace(b"".join(rows), b"".join(reversed(rows)))


def backwards(data):
    """The cells of a row from the last to the first."""
    row = _ROWS.findall(data)[4]
    cells = _CELL.findall(row)
    return data.replace(row, row.replace(b"".join(cells), b"".join(reversed(cells))))


def twice(reference, value):
    """A second cell in the same place, with another value."""
    name = reference.encode()
    found = re.compile(rb'<c r="%s"[^>]*>.*?</c>' % name)
    return lambda data: found.sub(lambda m: m[0] + b'<c r="%s"><v>%s</v></c>' % (name, value.encode()), data)


def inline(data):
    """Every text in its cell, as runs with a reading aid for the last patient."""
    texts = re.findall(
        rb"<si><t[^>]*>(.*?)</t></si>", dict(grammar.members_of(xlsx_of(table_of())))[grammar.SHARED]
    )
    return re.sub(
        rb' t="s"><v>([0-9]+)</v>',
        lambda m: (
            b' t="inlineStr"><is><r><t>%s</t></r><rPh sb="0" eb="1"><t>yomi</t></rPh></is>' % texts[int(m[1])]
        ),
        data,
    )


def prefixed(data):
    """Every tag with a prefix, as some libraries write them."""
    data = re.sub(rb"<(/?)(?=[a-zA-Z])", rb"<\1x:", data)
    return data.replace(b" xmlns=", b" xmlns:x=")


def in_utf16(data):
    text = data.decode().replace("UTF-8", "UTF-16")
    return text.encode("utf-16")


def with_prefix(prefix):
    """Bytes before the zip, as of a program that unpacks itself."""
    return lambda: prefix + xlsx_of(table_of())


def with_comment():
    data = xlsx_of(table_of())
    return data[:-2] + struct.pack("<H", 9) + b"a comment"


def with_password_bit():
    """The members say that they are encrypted."""
    data = bytearray(xlsx_of(table_of()))
    for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place = data.find(mark)
        while place >= 0:
            data[place + at] |= 1
            place = data.find(mark, place + 4)
    return bytes(data)


def unreadable_sizes():
    """Sizes after each member instead of before it, as programs that write to a stream do."""

    class Stream(io.RawIOBase):
        def __init__(self):
            self.data = bytearray()

        def writable(self):
            return True

        def write(self, data):
            self.data += data
            return len(data)

    stream = Stream()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in grammar.members_of(xlsx_of(table_of())):
            archive.writestr(name, data)
    return bytes(stream.data)


def elsewhere():
    """The sheet in another part than usual, by an absolute target."""
    members = dict(grammar.members_of(xlsx_of(table_of())))
    members["xl/worksheets/Sheet0.xml"] = members.pop(grammar.SHEET)
    rels, types = "xl/_rels/workbook.xml.rels", grammar.CT
    members[rels] = members[rels].replace(b"worksheets/sheet1.xml", b"/xl/worksheets/Sheet0.xml")
    members[types] = members[types].replace(b"sheet1.xml", b"Sheet0.xml")
    return grammar.zipped(list(members.items()))


def formatted(column, number_format, typed):
    """A column of dates as numbers with a format."""

    def edit(book, own):
        style = book.add_format({"num_format": number_format})
        for i, row in enumerate(table_of()[1:], start=1):
            own.write_number(i, column, typed(row[column]), style)

    return lambda: xlsx_of(table_of(), edit=edit)


def serial(text):
    return (dt.date.fromisoformat(text) - dt.date(1899, 12, 30)).days


def merged_cells(first, last, column):
    def edit(book, own):
        own.merge_range(first, column, last, column, table_of()[first][column], None)

    rows = rows_with({table_of()[0][column]: {i + 1: "" for i in range(first + 1, last + 1)}})
    return lambda: xlsx_of(rows, edit=edit)


STRUCTURE = (
    Row("structure", "another writer's XML", ACCEPT, "60 scored", (
        sheet("cells without references", lambda d: re.sub(rb'<c r="[A-Z]+[0-9]+"', b"<c", d)),
        sheet("rows without numbers", lambda d: re.sub(rb'<row r="[0-9]+"', b"<row", d)),
        sheet("texts in the cells", inline), sheet("tags with a prefix", prefixed, (0, 2)),
        sheet("comments", lambda d: d.replace(b"<sheetData>", b"<!-- <c r='Z9'/> --><sheetData>")),
        sheet("a mark", lambda d: b"\xef\xbb\xbf" + d), file("another part", "c.xlsx", elsewhere), file("streamed", "c.xlsx", unreadable_sizes),
        file("a comment", "c.xlsx", with_comment), file("stored", "c.xlsx", lambda: grammar.zipped(grammar.members_of(xlsx_of(table_of())), 0)),
        file("rich texts", "c.xlsx", in_texts(lambda d: re.sub(rb"<si><t>([^<])([^<]*)</t></si>", rb"<si><r><rPr><b/></rPr><t>\1</t></r><r><t>\2</t></r><rPh><t>yomi</t></rPh></si>", d)))), None),
    Row("structure", "one place twice", REJECT, "twice, ambiguous", tuple(
        sheet(name, change) for name, change in (
            ("a cell", twice("E2", "17")), ("an identifier", twice("A2", "4711")), ("the same value", twice("E2", "90")), ("a row backwards", backwards),
            ("a row", lambda d: d.replace(_ROWS.findall(d)[3], _ROWS.findall(d)[3] * 2)), ("rows upside down", upside_down)))),
    Row("structure", "another alphabet in its XML", REJECT, "UTF-8, save", (
        sheet("UTF-16", in_utf16), sheet("UTF-16 without a mark", lambda d: d.decode().replace("UTF-8", "UTF-16LE").encode("utf-16-le")), sheet("Latin-1", lambda d: d.replace(b"UTF-8", b"ISO-8859-1")),
        file("texts", "c.xlsx", in_texts(lambda d: d.replace(b"UTF-8", b"windows-1252"))))),
    Row("structure", "bytes before the zip", REJECT, "not an Excel or neither csv nor xlsx", tuple(
        file(ascii(prefix[:4]), "c.xlsx", with_prefix(prefix)) for prefix in (b"MZ" + bytes(100), b"#!/bin/sh\n", b"GIF89a", b"%PDF-1.4\n"))),
    Row("structure", "members that say they are encrypted", (2, 4), "password or encrypted or damaged or unsafe", (file("all", "c.xlsx", with_password_bit),)),
    Row("structure", "dates by their format", ACCEPT, "60 scored", tuple(
        file(form, "c.xlsx", formatted(column_of("diagnosis_date"), form, serial)) for form in ("dd.mm.yyyy", "[$-407]d. mmmm yyyy;@", "yyyy\\-mm\\-dd", "m/d/yy", "[$-409]dd-mmm-yy")), same_numbers),
    Row("structure", "dates as bare numbers", REJECT, "diagnosis_date, not dates", (
        file("General", "c.xlsx", formatted(column_of("diagnosis_date"), "General", serial)), file("0.00", "c.xlsx", formatted(column_of("diagnosis_date"), "0.00", serial)),
        *only_csv("csv", lambda: rows_with({"diagnosis_date": lambda _, t: str(serial(t))})))),
    Row("structure", "merged cells under the header", FLAG, "merged, unmerge", (
        file("subtype", "c.xlsx", merged_cells(3, 6, column_of("subtype"))), file("igf1", "c.xlsx", merged_cells(10, 12, column_of("igf1_ng_ml"))))),
)  # fmt: skip


def with_line(text, at=0):
    """The csv with a line put in."""

    def change():
        lines = csv_of(table_of()).decode().splitlines()
        return ("\n".join([*lines[:at], text, *lines[at:]]) + "\n").encode()

    return change


def quoted(quote):
    return lambda: csv_of(table_of(), quoting=csv.QUOTE_ALL, quotechar=quote)


def two_files():
    """One file after the other, each with its mark and header."""
    rows = table_of()
    return csv_of(rows[:31], encoding="utf-8-sig") + csv_of([rows[0], *rows[31:]], encoding="utf-8-sig")


TEXT = (
    Row("text", "Excel's line that names the delimiter", ACCEPT, "60 scored", tuple(
        file(f"{sep!a} {name}", name, lambda sep=sep: f"sep={sep}\r\n".encode() + csv_of(table_of(), delimiter=sep, end="\r\n")) for sep in ",;\t" for name in ("c.csv", "c.txt")), same_numbers),
    Row("text", "line ends that nobody means", ACCEPT, "60 scored", (
        file("CR CR LF", "c.csv", lambda: csv_of(table_of(), end="\r\r\n")), file("LF CR", "c.csv", lambda: csv_of(table_of(), end="\n\r")), file("all three", "c.csv", lambda: csv_of(table_of()).replace(b"\n", b"\r", 20).replace(b"\n", b"\r\n", 20)),
        file("UTF-16 tabs", "c.txt", lambda: csv_of(table_of(), delimiter="\t", end="\r\n").decode().encode("utf-16"))), same_numbers),
    Row("text", "the end of a DOS file", (0, 2), "60 scored or row 62", (file("alone", "c.csv", lambda: csv_of(table_of()) + b"\x1a"), file("after a line", "c.csv", lambda: csv_of(table_of()) + b"\x1a\r\n"))),
    Row("text", "another quote", (2, 3), "patient_id or igf1r_ihc or subtype or header or date or column", (file("single", "c.csv", quoted("'")), file("grave", "c.csv", quoted("`")))),
    Row("text", "header and rows by other delimiters", REJECT, "fields or header or column", (
        file("header ;", "c.csv", lambda: b";".join(csv_of(table_of()).split(b"\n")[0].split(b",")) + b"\n" + b"\n".join(csv_of(table_of()).split(b"\n")[1:])),
        file("half", "c.csv", lambda: csv_of(table_of()[:31]) + csv_of(table_of()[31:], delimiter=";")))),
    Row("text", "two files in one", (2, 3), "row 32", (file("with marks", "c.csv", two_files), file("without", "c.csv", with_line(",".join(table_of()[0]), 31)))),
    Row("text", "bytes of another alphabet", REJECT, "encoding", tuple(
        bytes_of for bytes_of in (file(e, "c.csv", lambda e=e, t=t: csv_of(rows_with({"patient_id": {4: t}})).decode().encode(e)) for e, t in (("shift_jis", "患者-3"), ("gb18030", "病人-3"), ("koi8-r", "Иванов-3"), ("cp1250", "Łódź-3"), ("iso8859-7", "ασθενής-3"))))),
    Row("text", "a header with what can't be seen", ACCEPT, "60 scored", tuple(v for what in ("igf1_ng_ml\ufeff", "\u200bigf1_ng_ml", "igf1_ng_ml\u00a0", " IGF1_ng_mL ", "igf1\u00ad_ng_ml") for v in both(ascii(what), lambda what=what: renamed({"igf1_ng_ml": what}), (0, 2), "60 scored or igf1_ng_ml"))),
    Row("text", "one column under two spellings", REJECT, "igf1, twice", (
        *both("case", lambda: [[*row, "IGF1_ng_mL" if not i else row[4]] for i, row in enumerate(table_of())]), *both("blank", lambda: [[*row, "igf1 ng ml" if not i else "77"] for i, row in enumerate(table_of())]),
        *both("another unit", lambda: [[*row, "igf1_nmol_l" if not i else "20"] for i, row in enumerate(table_of())]))),
)  # fmt: skip


def inserted(row, at=1):
    rows = table_of()
    return [*rows[:at], row, *rows[at:]]


UNITS_ROW = ["", "years", "", "", "ng/mL", "ng/mL", "0-3", "", "", "months", "", "months", ""]

LAYOUT = (
    Row("header", "a row of units under it", (2, 3), "row 2", (*both("no id", lambda: inserted(UNITS_ROW)), *both("id", lambda: inserted(["ID", *UNITS_ROW[1:]])))),
    Row("header", "again in the middle", (2, 3), "row 31", (*both("page", lambda: inserted(table_of()[0], 30)),)),
    Row("header", "groups above it", ACCEPT, "60 scored", (*both("groups", lambda: [["", "", "", "", "Serum", "", "Tumour", "", "", "Outcome", "", "", ""], *table_of()]), *both("numbers", lambda: [[str(i) for i in range(1, 14)], *table_of()]))),
    Row("header", "turned on its side", REJECT, "header or column or patient_id", (*both("rows are columns", lambda: [list(row) for row in zip(*table_of(), strict=True)]),)),
)  # fmt: skip

CELLS = (
    Row("cells", "figures as people group and sign them", FLAG, "row 9, igfbp3_ng_ml", tuple(
        v for text in ("3 200", "3\u00a0200", "3\u202f200", "3'200", "３２００", "٣٢٠٠", "3200.", "+3200", "3.2e3", "3200 (repeat)", "(3200)", "1/3200", "3200;3100", "3200\n3100", "\u22123200", "3200\u200b", "0x0C80", "3_200", "1e3 200", "३२००", "3200²", "¾", "1e", "--3200", "3200-", "#VALUE!", "$3200", "3200 pg/mL", "3,200.5", "3.200,5")
        for v in cells("igfbp3_ng_ml", {9: text}, *{"3200.": (ACCEPT, ""), "+3200": (ACCEPT, ""), "3.2e3": (ACCEPT, ""), "3\u00a0200": ((0, 3), ""), "3,200.5": ((2, 3), "igfbp3_ng_ml"), "3.200,5": ((2, 3), "igfbp3_ng_ml")}.get(text, (None, None))))),
    Row("cells", "units in the cells that disagree", FLAG, "row 9, igf1_ng_ml", (*cells("igf1_ng_ml", {9: "20 nmol/L"}), *cells("igf1_ng_ml", {9: "150 µg/L"}, (0, 3)), *cells("igf1_ng_ml", {9: "0.15 mg/L"}), *cells("igf1_ng_ml", {9: "150 ng/dL"}), *cells("igf1_ng_ml", lambda row, t: f"{float(t) / 7.649:.1f} nmol/L" if row % 2 else f"{t} ng/mL", (2, 3), "igf1_ng_ml"))),
    Row("cells", "codes for missing", FLAG, "row 9", (*cells("igf1_ng_ml", {9: "9999"}), *cells("igf1r_ihc", {9: "9"}), *cells("age_years", {9: "999"}), *cells("dfs_months", {9: "9999"}), *cells("igf1_ng_ml", {9: "-1"}), *cells("igfbp3_ng_ml", {9: "-99"}), *cells("age_years", {9: "0"}, (0, 3), ""))),
    Row("cells", "dates as systems export them", ACCEPT, "60 scored", (
        *both("with a time", lambda: rows_with({"diagnosis_date": lambda _, t: f"{t} 00:00:00.000"})), *both("T and Z", lambda: rows_with({"diagnosis_date": lambda _, t: f"{t}T00:00:00Z"})),
        *both("with a zone", lambda: rows_with({"diagnosis_date": lambda _, t: f"{t}T12:30:00+01:00"})), *both("fraction and Z", lambda: rows_with({"diagnosis_date": lambda _, t: f"{t}T00:00:00.000Z"}))), same_numbers),
    Row("cells", "dates in part", FLAG, "row 9, diagnosis_date", tuple(v for text in ("2015-UNK-UNK", "2015", "2015-06", "06/2015", "UN/JUN/2015", "2015-06-??", "15-Jun", "2015-06-15 to 2015-06-20") for v in cells("diagnosis_date", {9: text}))),
    Row("cells", "years of two figures", REJECT, "diagnosis_date, year", (
        *cells("diagnosis_date", lambda _, t: f"{t[2:4]}-{t[5:7]}-{t[8:]}"), *cells("diagnosis_date", lambda _, t: f"{t[2:4]}/{t[5:7]}/{t[8:]}"), *cells("diagnosis_date", lambda row, _: f"{row % 9 + 12}-01-{row % 9 + 10}"),
        *cells("diagnosis_date", lambda _, t: f"{t[8:]}/{t[5:7]}/{t[2:4]}", ACCEPT, "60 scored"), *cells("diagnosis_date", lambda _, t: f"{t[8:]}.{t[5:7]}.{t[2:4]}", ACCEPT, "60 scored"))),
    Row("cells", "events where only one code is written", REJECT, "dfs_event, empty", (
        *cells("dfs_event", lambda _, t: t if t == "1" else ""), *cells("dfs_event", lambda _, t: "x" if t == "1" else "", words="dfs_event"), *cells("dfs_event", lambda _, t: "yes" if t == "1" else "", words="dfs_event"),
        *cells("dfs_event", lambda _, t: "NA" if t == "0" else t))),
    Row("cells", "events of exports", (0, 2, 3), "60 scored or dfs_event", (
        *cells("dfs_event", lambda _, t: f"{t}.0", ACCEPT), *cells("dfs_event", lambda _, t: {"1": "1:DECEASED", "0": "0:LIVING"}[t], (0, 2)), *cells("dfs_event", lambda _, t: {"1": "Y", "0": "N"}[t], (0, 2)), *cells("dfs_event", lambda _, t: {"1": "-1", "0": "0"}[t], REJECT, "dfs_event"),
        *cells("dfs_event", lambda _, t: {"1": "TRUE", "0": "0"}[t], (0, 2)), *cells("dfs_event", lambda row, t: "9" if row == 9 else t, REJECT, "dfs_event"))),
    Row("cells", "identifiers that lost their form", (2, 3), "patient_id", (
        *only_csv("scientific", lambda: rows_with({"patient_id": lambda row, _: f"1.23E+{row:02}"}), REJECT), *(v for error in ("#N/A", "#REF!", " #name? ", "#DIV/0!") for v in cells("patient_id", {9: error}, REJECT, "patient_id, row 9, blank")),
        *cells("patient_id", {9: "\ufeffP007"}, REJECT, "patient_id, row 9"), *cells("patient_id", {9: "P007\u200b"}, REJECT, "patient_id, row 9"), *cells("patient_id", {9: "Ｐ００７"}, REJECT, "patient_id, row 9"), *cells("patient_id", {9: "P\t007", 10: "P 007"}, REJECT, "patient_id, row 10"))),
    Row("cells", "identifiers of figures", ACCEPT, "60 scored", (*only_csv("leading zeros", lambda: rows_with({"patient_id": lambda row, _: f"{row:05}"})), *both("one with, one without", lambda: rows_with({"patient_id": {9: "007", 10: "7"}}), (0, 2), "60 scored or patient_id"))),
)  # fmt: skip


def written(name, write):
    """A maker of a file that a library writes to a path."""

    def content():
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, name)
            write(path)
            return path.read_bytes()

    return bytes_as(name, content)


def typed_frame(**changes):
    """The good table with its numbers as numbers."""
    rows = table_of()
    frame = pd.DataFrame(rows[1:], columns=rows[0])
    for name in frame.columns:
        numbers = pd.to_numeric(frame[name], errors="coerce")
        frame[name] = numbers if numbers.notna().all() else frame[name]
    return frame.assign(**changes)


def stata(path):
    frame = typed_frame()
    frame["igf1r_ihc"] = frame["igf1r_ihc"].astype("int8")
    frame.to_stata(
        path,
        write_index=False,
        version=118,
        value_labels={"igf1r_ihc": {0: "none", 1: "weak", 2: "moderate", 3: "strong"}},
    )


def stata_missing(path):
    import pyreadstat

    frame = typed_frame()
    pyreadstat.write_dta(
        frame.astype({"igf1_ng_ml": object}).assign(
            igf1_ng_ml=[*frame["igf1_ng_ml"][:7], "a", *frame["igf1_ng_ml"][8:]]
        ),
        path,
        missing_user_values={"igf1_ng_ml": ["a"]},
    )


def spss_missing(path):
    import pyreadstat

    frame = typed_frame()
    frame.loc[7, "igf1_ng_ml"] = 999.0
    pyreadstat.write_sav(
        frame,
        path,
        missing_ranges={"igf1_ng_ml": [999]},
        variable_value_labels={"igf1_ng_ml": {999.0: "not done"}},
    )


def spss_label(path):
    import pyreadstat

    frame = typed_frame()
    frame.loc[7, "igf1r_ihc"] = 9
    pyreadstat.write_sav(frame, path, variable_value_labels={"igf1r_ihc": {9: "not done", 0: "none"}})


def spss_dates(path):
    import pyreadstat

    frame = typed_frame()
    for name in ("diagnosis_date", "last_followup_date"):
        frame[name] = [dt.date.fromisoformat(text) for text in frame[name]]
    pyreadstat.write_sav(frame, path)


def with_nul():
    """Identifiers and a carried column whose texts differ only after a NUL."""
    rows = rows_with({"patient_id": lambda row, _: f"P\0{row}"})
    return parquet_of([[*row, f"n\0{i}" if i else "note"] for i, row in enumerate(rows)])


def all_rows_differ(end, folder, target):
    if end["code"] != 3 or target.suffix != ".csv":
        return
    with target.open(encoding="utf-8-sig", newline="") as handle:
        rows = list(csv.DictReader(handle))
    assert len({row["patient_id"] for row in rows}) == len({row["note"] for row in rows}) == 60


TABLES = (
    Row("tables", "codes with words", ACCEPT, "60 scored", (Variant("Stata", written("c.dta", stata)), Variant("SPSS dates", written("c.sav", spss_dates))), None),
    Row("tables", "missing by declaration", FLAG, "59 scored, Serum IGF-1 missing 1", (Variant("SPSS", written("c.sav", spss_missing)), Variant("Stata", written("c.dta", stata_missing)))),
    Row("tables", "a word that no column declares", FLAG, "row 9, igf1r_ihc, not done", (Variant("SPSS", written("c.sav", spss_label)),)),
    Row("tables", "texts that differ after a NUL", FLAG, "patient_id, control characters", (file("parquet", "c.parquet", with_nul),), all_rows_differ),
)  # fmt: skip

ROWS = (*STRUCTURE, *TEXT, *LAYOUT, *CELLS, *TABLES)
