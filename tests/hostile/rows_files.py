"""What a file can be beside its values: container, layout, encoding, dialect, and what must change nothing. Classes by the contract."""

import io
import os
import random
import tempfile
from pathlib import Path

import pandas as pd
import xlsxwriter

from igfstrat.cohort import read_cohort
from igfstrat.workflows.plan import choose_plan
from igfstrat.workflows.score_cohort import score_cohort
from igfstrat.workflows.score_tables import write_scores
from tests.cohort.legacy_xls import legacy_workbook
from tests.conftest import HEADER, table_of
from tests.hostile import grammar
from tests.hostile.tables import (
    Row,
    Variant,
    both,
    bytes_as,
    csv_of,
    file,
    renamed,
    rows_with,
    with_columns,
    without,
    xlsx_of,
)

ACCEPT, REJECT, FLAG, REFUSE = (0,), (2,), (3,), (4,)
GOOD = (
    "patient_id",
    "igf1_sds",
    "igf1_status",
    "igfbp3_sds",
    "igf1_igfbp3_molar_ratio",
    "igf1r_status",
    "subtype",
    "stratum",
)


def scored(path):
    """What was computed, by patient."""
    if path.suffix == ".csv":
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
    elif path.suffix == ".parquet":
        table = pd.read_parquet(path).astype(str)
    else:
        table = pd.read_excel(path, sheet_name="scores", dtype=str, keep_default_na=False, engine="calamine")
    return table.set_index("patient_id")[[c for c in GOOD[1:] if c in table]].sort_index()


def same_numbers(end, folder, target):
    """The numbers are those of the good csv, to the last digit that is written."""
    found, known = scored(target), expected()
    assert list(found.index) == list(known.index)
    for column in known:
        a, b = pd.to_numeric(found[column], errors="coerce"), pd.to_numeric(known[column], errors="coerce")
        assert ((a - b).abs().fillna(0) <= 1e-12).all(), column
        if b.isna().all():
            assert found[column].tolist() == known[column].tolist()


_KNOWN = []


def expected():
    """The same of the good csv, computed once."""
    if not _KNOWN:
        with tempfile.TemporaryDirectory() as name:
            source, out = Path(name, "c.csv"), Path(name, "o.csv")
            source.write_bytes(csv_of(table_of()))
            cohort = read_cohort(source)
            write_scores(score_cohort(cohort, choose_plan("breast", cohort)), out, command=[])
            _KNOWN.append(scored(out))
    return _KNOWN[0]


def shuffled(seed, *, columns=False):
    rows = table_of()
    body = rows[1:]
    random.Random(seed).shuffle(body)
    order = list(range(len(HEADER)))
    if columns:
        random.Random(seed).shuffle(order)
    return [[row[i] for i in order] for row in [rows[0], *body]]


def parquet_of(rows):
    buffer = io.BytesIO()
    pd.DataFrame(rows[1:], columns=rows[0]).to_parquet(buffer)
    return buffer.getvalue()


METAMORPHIC = (
    Row("metamorphic", "another order", ACCEPT, "60 scored", (
        *(v for seed in (1, 2) for v in both(f"rows {seed}", lambda seed=seed: shuffled(seed))),
        *(v for seed in (3, 4) for v in both(f"rows and columns {seed}", lambda seed=seed: shuffled(seed, columns=True))),
        file("parquet", "c.parquet", lambda: parquet_of(shuffled(5))),
        Variant("to parquet", bytes_as("c.csv", lambda: csv_of(table_of())), out="out.parquet"),
        Variant("in pieces", bytes_as("c.csv", lambda: csv_of(shuffled(6)), "--chunk-rows", "7")),
    ), same_numbers),
    Row("metamorphic", "an unknown column", ACCEPT, "comment", (
        *both("comment", lambda: with_columns({"comment": lambda i: f"note {i}"})),
        *both("two", lambda: with_columns({"comment": lambda i: "", "Visit": str})),
    ), same_numbers),
)  # fmt: skip

# ---- container


def fifo(folder):
    os.mkfifo(folder / "c.csv")
    return ["score", "c.csv", "--plan", "breast"]


def directory(folder):
    (folder / "c.csv").mkdir()
    return ["score", "c.csv", "--plan", "breast"]


def at(path):
    return lambda folder: ["score", path, "--plan", "breast"]


def link_to(path):
    def make(folder):
        (folder / "c.csv").symlink_to(path)
        return ["score", "c.csv", "--plan", "breast"]

    return make


def encrypted():
    """The container of a protected workbook: an OLE file that names its encrypted part."""
    return (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
        + bytes(504)
        + "EncryptedPackage".encode("utf-16-le")
        + bytes(3000)
    )


def strict():
    """The namespaces of the ISO standard's strict edition."""
    swap = (
        (b"http://schemas.openxmlformats.org/spreadsheetml/2006/main", b"http://purl.oclc.org/ooxml/spreadsheetml/main"),
        (b"http://schemas.openxmlformats.org/officeDocument/2006/relationships", b"http://purl.oclc.org/ooxml/officeDocument/relationships"),
    )  # fmt: skip
    members = grammar.members_of(xlsx_of(table_of()))
    for old, new in swap:
        members = [(name, data.replace(old, new)) for name, data in members]
    return grammar.zipped(members)


def html_table():
    cells = "".join(f"<tr>{''.join(f'<td>{c}</td>' for c in row)}</tr>" for row in table_of())
    return f"<html><body><table>{cells}</table></body></html>".encode()


AWKWARD = (
    "cohort (1) – copy.csv",
    "a'b\"c.csv",
    "$(touch marker).csv",
    "; rm -rf x.csv",
    "tab\there.csv",
    "line\nend.csv",
    "é ü 患者.csv",
    "%s%n.csv",
    "--plan.csv",
    " .csv",
    "{{7*7}}.csv",
    "a" * 200 + ".csv",
    "\u202ecsv.exe.csv",
    "\x1b[31mred.csv",
)
XLS = "xls"
CONTAINER = (
    Row("container", "0 bytes", REJECT, "empty", tuple(file(name, name, b"") for name in ("c.csv", "c.xlsx", "c.parquet", "c"))),
    Row("container", "nothing but blanks", REJECT, "empty or not an Excel", tuple(file(f"{name} {i}", name, data) for name in ("c.csv", "c.xlsx") for i, data in enumerate((b"\n", b" \n\t\n", b"\xef\xbb\xbf", b"\r\n" * 9)))),
    Row("container", "zip cut", REJECT, "truncated or damaged or incomplete or not a valid", tuple(
        file(f"at {share:.1%}", "c.xlsx", lambda share=share: grammar.cut(xlsx_of(table_of()), share)) for share in (0.001, 0.1, 0.3, 0.6, 0.9, 0.999))),
    Row("container", "legacy .xls", (0, 2), "xls", (file("real", "c.xls", legacy_workbook), file("named xlsx", "c.xlsx", legacy_workbook))),
    Row("container", "csv renamed", REJECT, "csv or not an Excel or not a valid", tuple(
        file(name, name, lambda: csv_of(table_of())) for name in ("c.xlsx", "c.xls", "c.XLSX", "c.xlsm"))),
    Row("container", "a table under another name", ACCEPT, "60 scored", (
        *(file(name, name, lambda: xlsx_of(table_of())) for name in ("c.csv", "c.xls", "c", "c.txt")), file("csv named txt", "c.txt", lambda: csv_of(table_of())),
        file("parquet named csv", "c.csv", lambda: parquet_of(table_of()))), same_numbers),
    Row("container", "HTML named .xls", REJECT, "HTML or not a", (
        *(file(name, name, html_table) for name in ("c.xls", "c.xlsx", "c.csv")), file("with a mark", "c.xls", lambda: b"\xef\xbb\xbf\r\n" + html_table()),
        file("XML spreadsheet", "c.xls", b'<?xml version="1.0"?><Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet"/>'), file("upper case", "c.csv", lambda: html_table().upper()),
        file("MHTML", "c.xls", b"MIME-Version: 1.0\nContent-Type: multipart/related\n"), file("comment first", "c.csv", lambda: b"<!-- export -->" + html_table()))),
    Row("container", "neither", REJECT, "not a or neither or UTF-8", tuple(file(name, name, data) for name, data in (
        ("c.pdf", b"%PDF-1.7\n"), ("c.csv", b"\x1f\x8b\x08" + bytes(99)), ("d.csv", b"\x89PNG\r\n\x1a\n" + bytes(99)), ("e.csv", b"\x7fELF" + bytes(99)), ("f.csv", b"{\\rtf1\\ansi a,b}"),
        ("g.xlsx", b"PK\x05\x06" + bytes(18)), ("h.csv", b"SQLite format 3\0" + bytes(99)), ("i.csv", random.Random(1).randbytes(5000))))),
    Row("container", "a zip that is no workbook", REJECT, "not a valid", tuple(file(name, "c.xlsx", lambda name=name: grammar.zipped([(name, b"x")])) for name in ("word/document.xml", "c.csv", "a.class", "xl/workbook.xml"))),
    Row("container", "password", REJECT, "password or encrypted", tuple(file(name, name, encrypted) for name in ("c.xlsx", "c.xls", "c.csv"))),
    Row("container", "no regular file", REJECT, "regular file or pipe", (Variant("pipe", fifo), Variant("folder", directory), Variant("null", at("/dev/null")), Variant("zero", at("/dev/zero")), Variant("terminal", at("/dev/tty"), words=""), Variant("link", link_to("/dev/zero")))),
    Row("container", "not there", REJECT, "not there", (Variant("nothing", at("none.csv")), Variant("under a file", at("/etc/passwd/x.csv")), Variant("too long", at("x" * 300)), Variant("dangling", link_to("gone")), Variant("loop", link_to("c.csv")))),
    Row("container", "an awkward name", ACCEPT, "60 scored", tuple(Variant(ascii(name)[:30], lambda folder, name=name: (
        (folder / name).write_bytes(csv_of(table_of())), ["score", f"./{name}", "--plan", "breast"])[1]) for name in AWKWARD)),
    Row("container", "strict Open XML", (0, 2), "", (file("strict", "c.xlsx", strict),), lambda end, folder, target: same_numbers(end, folder, target) if end["code"] == 0 else None),
)  # fmt: skip

# ---- layout


def doubled_column(header, change):
    def rows():
        at = HEADER.index(header)
        return [[*row, header if i == 0 else change(row[at])] for i, row in enumerate(table_of())]

    return rows


def doubled_file(header):
    return lambda: csv_of(doubled_column(header, lambda text: text + "1")())


def sheets(*names, hidden=(), empty=()):
    def edit(book, first):
        for name in names:
            sheet = book.add_worksheet(name)
            if name not in empty:
                for i, row in enumerate(table_of()):
                    sheet.write_row(i, 0, row)
            if name in hidden:
                sheet.hide()

    return edit


def readme_first():
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"in_memory": True}) as book:
        book.add_worksheet("README").write_string(0, 0, "see the next sheet")
        sheets("Cohort", "Cohort (2)", hidden=("Cohort (2)",))(book, None)
    return buffer.getvalue()


def filtered(book, sheet):
    sheet.autofilter(0, 0, 60, len(HEADER) - 1)
    sheet.filter_column_list(3, ["triple_negative"])
    for i, row in enumerate(table_of()[1:], start=1):
        if row[3] != "triple_negative":
            sheet.set_row(i, options={"hidden": True})


def hidden_row(book, sheet):
    sheet.set_row(7, options={"hidden": True})


def formula(value, column="igf1_ng_ml", text="=1+1", row=1):
    def edit(book, sheet):
        sheet.write_formula(row, HEADER.index(column), text, None, value)

    return edit


def uncached(column, n):
    """Formulas as a program writes them that can't compute."""

    def content():
        at = HEADER.index(column)

        def edit(book, sheet):
            for i in range(1, n + 1):
                sheet.write_formula(i, at, f"=A{i}*2", None, "")

        return xlsx_of(table_of(), edit=edit)

    return content


def charts_only():
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"in_memory": True}) as book:
        chart = book.add_chart({"type": "line"})
        chart.add_series({"values": "=Empty!$A$1:$A$2"})
        book.add_chartsheet("Chart1").set_chart(chart)
        book.add_worksheet("Empty").hide()
    return buffer.getvalue()


def footers(*lines, gap=0):
    return lambda: [
        *table_of(),
        *([""] * len(HEADER) for _ in range(gap)),
        *([*line, *[""] * (len(HEADER) - len(line))] for line in lines),
    ]


def titled(n, lines=("Study 12", "exported 2024", "")):
    return file(
        f"{n} lines",
        "c.xlsx",
        lambda: xlsx_of(
            table_of(),
            above=[[line] for line in (lines * 9)[:n]],
            edit=lambda book, sheet: sheet.merge_range(0, 0, 0, 5, lines[0]),
        ),
    )


LAYOUT = (
    Row("layout", "title above the header", (0, 2), "header, row 4 or header-row", (titled(3), Variant("csv", bytes_as("c.csv", lambda: b"Study 12\nexported 2024\n\n" + csv_of(table_of()))),
        *(file(f"{n} above", "c.xlsx", lambda n=n: xlsx_of(table_of(), above=[[f"line {i}"] for i in range(n)]), words=f"header, row {n + 1} or header-row") for n in (1, 7, 28)),
        file("40 above", "c.xlsx", lambda: xlsx_of(table_of(), above=[[f"line {i}"] for i in range(40)]), REJECT, "header"))),
    Row("layout", "a column twice", REJECT, "igf1_ng_ml, twice or duplicate", (
        *(file(f"{header} as {kind}", f"c.{kind}", make(header), words=f"{header.split('_')[0]}, twice or duplicate") for header in ("igf1_ng_ml", "patient_id", "age_years", "dfs_event", "igf1r_ihc", "diagnosis_date")
          for kind, make in (("csv", doubled_file), ("xlsx", lambda header: lambda: xlsx_of(doubled_column(header, lambda text: text + "1")())))),
        *both("case", lambda: [[*row, "IGF1_NG_ML" if i == 0 else "99"] for i, row in enumerate(table_of())]), *both("blank", lambda: [[*row, "igf1_ng_ml " if i == 0 else "99"] for i, row in enumerate(table_of())]),
        *both("equal values", doubled_column("igf1_ng_ml", lambda text: text)), *both("two units", lambda: [[*row, "igf1_nmol_l" if i == 0 else "19"] for i, row in enumerate(table_of())]))),
    Row("layout", "a column missing", REJECT, "igf1_ng_ml, missing", (
        *both("igf1", lambda: without("igf1_ng_ml")), *(v for h in ("patient_id", "age_years", "sex", "subtype", "igfbp3_ng_ml", "igf1r_ihc") for v in both(h, lambda h=h: without(h), words=f"{h}, missing")),
        *both("two", lambda: without("igf1_ng_ml", "age_years"), words="igf1_ng_ml, age_years, missing"), *both("misspelt", lambda: renamed({"igf1_ng_ml": "igfl_ng_ml"}), words="igf1_ng_ml, missing, igfl_ng_ml"),
        *both("upper case", lambda: [[h.upper() for h in row] if i == 0 else row for i, row in enumerate(table_of())], (0, 2), ""))),
    Row("layout", "no header row", REJECT, "header", (*both("none", lambda: table_of()[1:]), *both("numbers", lambda: [[str(i) for i in range(13)], *table_of()[1:]]), *both("letters", lambda: [list("ABCDEFGHIJKLM"), *table_of()[1:]], words="missing"))),
    Row("layout", "header only", REJECT, "no patients or no rows or no data", (*both("one", lambda: table_of(0)), *both("blank rows", lambda: [*table_of(0), *[[" "] * 13] * 5]), file("no line end", "c.csv", lambda: csv_of(table_of(0)).rstrip()))),
    Row("layout", "several sheets", REJECT, "Cohort (2), --sheet", (file("README first", "c.xlsx", readme_first), file("copy", "c.xlsx", lambda: xlsx_of(table_of(), edit=sheets("Cohort (2)"))),
        file("both hidden", "c.xlsx", lambda: xlsx_of(table_of(), edit=sheets("Cohort (2)", hidden=("Cohort (2)",)))), file("wrong sheet", "c.xlsx", lambda: xlsx_of(table_of()), words="no sheet, Cohort", more=("--sheet", "Kohorte")))),
    Row("layout", "one of several sheets", ACCEPT, "60 scored", (file("named", "c.xlsx", readme_first, more=("--sheet", "Cohort (2)")), file("the only one", "c.xlsx", lambda: xlsx_of(table_of(), edit=sheets("Notes", "Old", empty=("Notes", "Old")))))),
    Row("layout", "rows hidden", FLAG, "hidden or filter", (file("filter", "c.xlsx", lambda: xlsx_of(table_of(), edit=filtered), words="45 of 60, filter"), file("by hand", "c.xlsx", lambda: xlsx_of(table_of(), edit=hidden_row), words="1 of 60"))),
    Row("layout", "lines under the data", FLAG, "row 62 or Mean", (
        *both("three", footers(["Mean", "55"], ["n = 60"], ["* censored at last visit"])), *both("after a gap", footers(["Mean", "55"], gap=2), words="row 64"),
        *(v for line in (["Mean", "", "", "", "150"], ["n = 60"], ["Total", "60"], ["Note: IGF-1 by RIA"], ["Median:", "50"], ["* p<0.05"], ["SD", "10"], ["Mittelwert", "55"], ["Moyenne", "55"], ["N=60"], ["Gesamt", "60"], ["Source: registry"])
          for v in both(line[0], footers(line))))),
    Row("layout", "formulas without values", REJECT, "formula, Excel or recalculate", (file("a column", "c.xlsx", uncached("igf1_ng_ml", 60)), file("one", "c.xlsx", uncached("igf1_ng_ml", 1)), file("age", "c.xlsx", uncached("age_years", 60)), file("event", "c.xlsx", uncached("dfs_event", 60)))),
    Row("layout", "formulas with values", FLAG, "E2, formula", (file("plain", "c.xlsx", lambda: xlsx_of(table_of(), edit=formula(90))),
        *(file(text[:20], "c.xlsx", lambda text=text: xlsx_of(table_of(), edit=formula(90, text=text))) for text in ('=[evil.xlsx]S!A1', '=WEBSERVICE("http://127.0.0.1:9/")', "=cmd|' /C calc'!A0", '=HYPERLINK("http://127.0.0.1:9")', "={1;2}")),
        file("another row", "c.xlsx", lambda: xlsx_of(table_of(), edit=formula(55, "age_years", row=8)), words="B9, formula"))),
    Row("layout", "Excel's errors", FLAG, "E2, error", tuple(file(text, "c.xlsx", lambda text=text: xlsx_of(table_of(), edit=formula(text))) for text in ("#DIV/0!", "#N/A", "#REF!", "#VALUE!", "#NAME?"))),
    Row("layout", "numbers as text", ACCEPT, "text", (file("all", "c.xlsx", lambda: xlsx_of(table_of(), typed=False)),), same_numbers),
    Row("layout", "16,384 columns", ACCEPT, "and 163", (file("csv", "c.csv", lambda: grammar.wide(16_371)), file("xlsx", "c.xlsx", lambda: xlsx_of(with_columns({f"c{i}": lambda _: "1" for i in range(16_371)}, n=5))))),
    Row("layout", "a very long identifier", FLAG, "A2 or row 2", both("32,767", lambda: rows_with({"patient_id": {2: "x" * 32_767}}))),
    Row("layout", "a chart and an empty sheet", REJECT, "no data or empty or sheet", (file("both", "c.xlsx", charts_only), file("empty sheet", "c.xlsx", lambda: xlsx_of([])))),
    Row("layout", "Excel made dates of gene names", FLAG, "top_gene, date", (*both("SEPT1", lambda: with_columns({"top_gene": lambda i: ("TP53", "1-Sep", "1-Mar", "BRCA1")[i % 4]})), *both("ISO", lambda: with_columns({"top_gene": lambda i: ("TP53", "2019-09-01", "ESR1", "2024-03-02")[i % 4]})))),
    Row("layout", "1904 dates", ACCEPT, "1904", (file("1904", "c.xlsx", lambda: xlsx_of(table_of(), date_1904=True)),), same_numbers),
)  # fmt: skip

ROWS = (*METAMORPHIC, *CONTAINER, *LAYOUT)
