"""Text files in every encoding and dialect, and files made to do harm. Classes by the contract."""

import io
import re
import warnings
import zipfile

from tests.conftest import table_of
from tests.hostile import grammar
from tests.hostile.rows_files import same_numbers, scored
from tests.hostile.tables import Row, Variant, bytes_as, csv_of, file, rows_with, xlsx_of

ACCEPT, REJECT, FLAG, REFUSE = (0,), (2,), (3,), (4,)
ODD_ID = "Müller-µ-001"


def named(text=ODD_ID, row=4):
    return rows_with({"patient_id": {row: text}})


def text_kept(end, folder, target):
    """The odd identifier comes back letter by letter, or the file was refused."""
    if end["code"] == 0:
        assert any(ODD_ID in name for name in scored(target).index)


def encoded(encoding, ends, words, *more, rows=named, name="c.csv"):
    return Variant(
        f"{encoding} {' '.join(more)}".strip(),
        bytes_as(name, lambda: csv_of(rows()).decode().encode(encoding), *more),
        ends,
        words,
    )


ENCODING = (
    Row("encoding", "with a mark", ACCEPT, "60 scored", tuple(encoded(e, ACCEPT, "60 scored") for e in ("utf-8-sig", "utf-8", "utf-16", "utf-32")), text_kept),
    Row("encoding", "without a mark", REJECT, "encoding or UTF-16", tuple(encoded(e, REJECT, "encoding") for e in ("utf-16-be", "utf-16-le", "utf-32-le", "utf-32-be"))),
    Row("encoding", "of one byte", REJECT, "encoding or UTF-8", tuple(encoded(e, REJECT, "--encoding") for e in ("mac_roman", "cp1252", "latin-1", "cp437"))),
    Row("encoding", "as declared", ACCEPT, "60 scored", tuple(encoded(e, ACCEPT, "60 scored", "--encoding", e) for e in ("mac_roman", "cp1252", "utf-16-be", "utf-16-le", "utf-8")), text_kept),
    Row("encoding", "with a mark, in pieces", ACCEPT, "60 scored", tuple(encoded(e, ACCEPT, "60 scored", "--chunk-rows", "9") for e in ("utf-8-sig", "utf-16", "utf-32")), text_kept),
    Row("encoding", "of one byte, in pieces", REJECT, "row 4, byte, --encoding", tuple(encoded(e, REJECT, "row 4, byte, --encoding", "--chunk-rows", "9") for e in ("cp1252", "mac_roman"))),
    Row("encoding", "declared wrongly", REJECT, "encoding", tuple(encoded("utf-8", REJECT, "encoding", "--encoding", e) for e in ("klingon", "ascii", "utf-16", "base64", "rot13", "zlib", "idna", "unicode_escape", "a\x01b", "../utf-8", "punycode"))),
    Row("encoding", "broken UTF-8", REJECT, "row 4 or line 4 or byte, encoding or UTF-8", tuple(
        file(ascii(bad), "c.csv", lambda bad=bad: csv_of(table_of()).replace(b"P003,", b"P" + bad + b"03,")) for bad in (b"\xff", b"\xc3(", b"\xed\xa0\x80", b"\xf5\x80\x80\x80", b"\xc0\xaf", b"\x80", b"\0"))),
)  # fmt: skip


def crossed(change):
    return lambda: change(csv_of(table_of()))


def semicolons():
    return csv_of([[cell.replace(".", ",") for cell in row] for row in table_of()], delimiter=";")


DIALECT = (
    Row("dialect", "line ends", ACCEPT, "60 scored", (*(Variant(ascii(end), bytes_as("c.csv", lambda end=end: csv_of(table_of(), end=end))) for end in ("\r", "\r\n", "\n")),
        file("no last one", "c.csv", crossed(bytes.rstrip)), file("mixed", "c.csv", crossed(lambda d: d.replace(b"\n", b"\r\n", 9))), file("blank lines", "c.csv", crossed(lambda d: d.replace(b"\n", b"\n\n")))), same_numbers),
    Row("dialect", "line ends in pieces", ACCEPT, "60 scored", tuple(Variant(ascii(end), bytes_as("c.csv", lambda end=end: csv_of(table_of(), end=end), "--chunk-rows", "9")) for end in ("\r", "\r\n")), same_numbers),
    Row("dialect", "both decimal marks", REJECT, "igf1_ng_ml, decimal", (
        *(file(name, name, lambda name=name: (csv_of if name.endswith("csv") else xlsx_of)(rows_with({"igf1_ng_ml": lambda row, text: f"{text},5" if row % 3 == 0 else f"{text}.5"}))) for name in ("c.csv", "c.xlsx")),
        file("one cell", "c.csv", lambda: csv_of(rows_with({"igf1_ng_ml": {7: "120,5"}}))), file("igfbp3", "c.csv", lambda: csv_of(rows_with({"igfbp3_ng_ml": {7: "3200,5"}})), words="igfbp3_ng_ml, decimal"),
        file("times", "c.csv", lambda: csv_of(rows_with({"dfs_months": {7: "12,5"}})), words="dfs_months, decimal"), file("thousands", "c.csv", lambda: csv_of(rows_with({"igfbp3_ng_ml": lambda _, t: f"{t[0]},{t[1:]}"})), words="igfbp3_ng_ml, decimal"),
        file("semicolons", "c.csv", semicolons, words="dfs_months, decimal"))),
    Row("dialect", "other delimiters", ACCEPT, "60 scored", tuple(Variant(f"{d!a} {name}", bytes_as(name, lambda d=d: csv_of(table_of(), delimiter=d))) for d in "\t;|" for name in ("c.csv", "c.tsv", "c.txt")), same_numbers),
    Row("dialect", "all quoted", ACCEPT, "60 scored", (file("quotes", "c.csv", lambda: csv_of(table_of(), quoting=1)), file("tabs", "c.csv", lambda: csv_of(table_of(), quoting=1, delimiter="\t")), file("comment", "c.csv", lambda: b"# export\n# of 2024\n" + csv_of(table_of()))), same_numbers),
    Row("dialect", "an unclosed quote", REJECT, "quote, 11", (
        file("P010", "c.csv", crossed(lambda d: d.replace(b"P010,", b'"P010,'))), file("age", "c.csv", crossed(lambda d: d.replace(b"P010,49,", b'P010,"49,'))), file("tabs", "c.csv", lambda: csv_of(table_of(), delimiter="\t").replace(b"P010", b'"P010')),
        file("two", "c.csv", crossed(lambda d: d.replace(b"P010,", b'"P010,').replace(b"P055,", b'"P055,')), words="quote or fields or line"), file("last", "c.csv", crossed(lambda d: d.replace(b"P060,", b'"P060,')), words="quote, 61"))),
    Row("dialect", "a comma too many", REJECT, "9", (
        file("P008", "c.csv", crossed(lambda d: d.replace(b"P008,", b"P008,,"))), file("one less", "c.csv", crossed(lambda d: d.replace(b"P008,47,", b"P008,47"))), file("tab", "c.csv", lambda: csv_of(table_of(), delimiter="\t").replace(b"P008", b"P008\t")),
        file("two rows", "c.csv", crossed(lambda d: d.replace(b"P008,", b"P008,,").replace(b"P020,", b"P020,,")), words="row 9 or rows 9, 21"), file("at the end", "c.csv", crossed(lambda d: d.replace(b"\nP009", b",x\nP009"))))),
    Row("dialect", "cut in the last row", REJECT, "61, fields or incomplete or truncated", tuple(file(f"{n} bytes", "c.csv", crossed(lambda d, n=n: d.rstrip()[:-n])) for n in (12, 20, 40, 60))),
    Row("dialect", "three empty trailing columns", ACCEPT, "60 scored", (file("header too", "c.csv", crossed(lambda d: d.replace(b"\n", b",,,\n"))), file("not in the header", "c.csv", crossed(lambda d: d.replace(b"\n", b",,,\n").replace(b",,,\n", b"\n", 1))),
        file("blanks", "c.csv", crossed(lambda d: d.replace(b"\n", b", , ,\n"))), file("xlsx", "c.xlsx", lambda: xlsx_of([[*row, "", " ", ""] for row in table_of()]))), same_numbers),
)  # fmt: skip


def when_read(look):
    return lambda end, folder, target: look(end, folder, target) if end["code"] in (0, 3) else None


def with_part(name, data):
    return lambda: grammar.zipped([*grammar.members_of(xlsx_of(table_of())), (name, data)])


def dimension(ref):
    return lambda: grammar.changed(
        grammar.SHEET,
        lambda d: re.sub(rb'<dimension ref="[^"]*"/>', f'<dimension ref="{ref}"/>'.encode(), d),
        xlsx_of(table_of()),
    )


def same_name_twice():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, data in [*grammar.members_of(xlsx_of(table_of())), (grammar.SHEET, b"<worksheet/>")]:
            archive.writestr(name, data)
    return buffer.getvalue()


def of_grammar(found, kind):
    def row(hostile):
        def make(folder):
            return ["score", hostile.make(folder).name, "--plan", "breast"]

        return Row(kind, hostile.name, hostile.ends, " or ".join(hostile.words), (Variant("file", make),))

    return tuple(row(hostile) for hostile in found)


MALICIOUS = (
    Row("malicious", "one name twice", REFUSE, "duplicate or twice or unsafe or ambiguous", (file("sheet1.xml", "c.xlsx", same_name_twice),)),
    Row("malicious", "a dimension that lies", ACCEPT, "60 scored", (*(file(ref, "c.xlsx", dimension(ref)) for ref in ("A1:M5", "A1", "B2:C3", "A1:XFD1048576", "Z99:A1")),
        *(file(ref or "none", "c.xlsx", dimension(ref), REJECT, "not a valid") for ref in ("nonsense", "A0:A0", ""))), when_read(same_numbers)),
    Row("malicious", "macros and links beside the table", ACCEPT, "60 scored", (file("macros", "c.xlsm", with_part("xl/vbaProject.bin", b"\xd0\xcf\x11\xe0"), words="macros"), file("link", "c.xlsx", with_part("xl/externalLinks/externalLink1.xml", b"<externalLink/>"), words="links"),
        file("a program", "c.xlsx", with_part("xl/embeddings/evil.exe", b"MZ")), file("a pickle", "c.xlsx", with_part("data.pkl", b"\x80\x04N."))), same_numbers),
    *of_grammar(grammar.MALICIOUS, "malicious"), *of_grammar(grammar.FAULTY, "faulty"),
)  # fmt: skip

ROWS = (*ENCODING, *DIALECT, *MALICIOUS)
