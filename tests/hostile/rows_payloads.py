"""Payloads in the data: formulas, pages, terminals, and people's names. Nothing of them may live. Classes by the contract."""

import csv
import re
import zipfile
from html.parser import HTMLParser

from tests.conftest import table_of
from tests.hostile.tables import Row, Variant, both, bytes_as, csv_of, rows_with, with_columns, xlsx_of

ACCEPT, REJECT, FLAG, REFUSE = (0,), (2,), (3,), (4,)
FORMULAS = (
    "=1+1", "+1+1", "-1+1", "@SUM(A1)", "=cmd|' /C calc'!A0", "＝1+1", "＋1", "－2+3", "＠SUM(A1)", '=HYPERLINK("http://127.0.0.1:9/?"&A1,"x")', "=IMPORTXML(1)", "%0A=1", "'=1", "''x",
    ";=1", '"=1"', "{=1}", "=DDE(1)", "-", "+", "=", "@", "-2-3", "+49-1", "=A1:A9", "|calc", "\u2212x", "﹦1+1", "⁼1", "‐x",
)  # fmt: skip
PAGES = (
    "<script>touch()</script>", "<img src=x onerror=alert(1)>", "{{7*7}}", "{% for x in y %}", "${7*7}", "<svg/onload=alert(1)>", "</td></table><h1>x", "&lt;b&gt;", "javascript:alert(1)", "<!--", "-->", "]]>",
    "'\" autofocus onfocus=x", "<%= 7*7 %>", "#{7*7}", "<iframe src=//127.0.0.1:9>", "<a href=file:///etc/passwd>x", "<style>*{}</style>", "<link rel=x>", "%s %n {0}", "$(touch marker)", "`id`", "../../x", "\\\\127.0.0.1\\x",
)  # fmt: skip
TERMINALS = (
    "P\x1b[31mred",
    "a\nINFO forged line",
    "b\r\nc",
    "\x1b]0;title\x07",
    "d\x08\x08",
    "e\x9b31m",
    "\u202eevil",
    "f\x00g"[:1] + "\x7f",
    "g\u2028h",
    "i\ttab",
)
MARKERS = ("Doe17", "4000000017", "jane17@example.org", "0171 5550017", "17 Elm Street")


def ids(texts):
    """Each text an identifier; a number at its end keeps apart what would be one person written twice."""
    return {"patient_id": {i: f"{text} {i}" for i, text in enumerate(texts, start=2)}}


def members(path):
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def first_cells(path):
    with path.open(encoding="utf-8-sig", newline="") as handle:
        return [row[0] for row in csv.reader(handle)][1:]


def text_stays_text(texts):
    """Cells of a workbook are text and never formulas; those of a csv start none, and give the text back."""

    def look(end, folder, target):
        if target.suffix == ".xlsx":
            for name, data in members(target).items():
                assert b"<f>" not in data, name
                assert b"<f " not in data, name
                assert b"externalReference" not in data
                assert b"<hyperlink" not in data
            import openpyxl

            kept = [row[0].value for row in openpyxl.load_workbook(target)["scores"].iter_rows(min_row=2)]
            assert {*texts} <= {str(text).rpartition(" ")[0] for text in kept}
            return
        cells = first_cells(target)
        assert not [
            c
            for c in cells
            if c[:1] in ("=", "+", "@", "\t", "\r", "＝", "＋", "－", "＠")
            or (c[:1] == "-" and not re.fullmatch(r"-[\d.]+", c))
        ]
        assert {*texts} <= {c.removeprefix("'").rpartition(" ")[0] for c in cells}
        for beside in target.parent.glob("*.problems.csv"):
            with beside.open(newline="") as handle:
                assert not [c for row in csv.reader(handle) for c in row if c[:1] in ("=", "@", "+")]

    return look


def of_ids(texts, ends=None, words=None):
    return both(f"{len(texts)} ids", lambda: rows_with(ids(texts)), ends, words)


class Live(HTMLParser):
    """Everything in a page that could act."""

    def __init__(self, page):
        super().__init__(convert_charrefs=True)
        self.tags, self.acts, self.text = {}, [], []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags[tag] = self.tags.get(tag, 0) + 1
        self.acts += [
            f"{tag} {k}={v}"
            for k, v in attrs
            if k.startswith("on") or re.match(r"\s*(javascript|vbscript|http|file|//)", v or "", re.I)
        ]

    def handle_data(self, data):
        self.text.append(data)


def report_of(rows, *more):
    """A report, by subtype, of a table."""

    def make(folder):
        (folder / "c.csv").write_bytes(csv_of(rows()))
        return [
            "report",
            "c.csv",
            "--endpoint",
            "dfs",
            "--by",
            "subtype",
            "--formats",
            "html,svg,xlsx",
            *more,
        ]

    return make


def dead_page(end, folder, target):
    """The page has the elements of a page on harmless data, and no others."""
    page = Live((target / "report.html").read_text(encoding="utf-8"))
    assert not [act for act in page.acts if not re.search(r"w3\.org|doi\.org|pubmed", act)], page.acts
    assert page.tags.get("script", 0) == page.tags.get("iframe", 0) == page.tags.get("img", 0) == 0
    assert "49" not in [text.strip() for text in page.text if "7*7" in text]
    assert not any(b"<f>" in data for path in target.glob("*.xlsx") for data in members(path).values())


INJECTION = (
    Row("injection", "formulas as identifiers", ACCEPT, "60 scored", of_ids(FORMULAS), text_stays_text(FORMULAS)),
    Row("injection", "formulas that begin with a blank", (0, 3), "60 rows", of_ids(("\t=1+1", "\r=1+1", " =1+1", "\n=2"), (0, 3)), text_stays_text(())),
    Row("injection", "formulas in columns that nothing uses", ACCEPT, "60 scored", both("all", lambda: with_columns({"comment": lambda i: FORMULAS[i % len(FORMULAS)]})),
        lambda end, folder, target: text_stays_text(())(end, folder, target)),
    Row("injection", "pages and templates as identifiers", ACCEPT, "60 scored", of_ids(PAGES), text_stays_text([p for p in PAGES if not p.startswith("'")])),
    Row("injection", "pages and templates in a report", (0, 3), "", (
        Variant("ids", report_of(lambda: rows_with(ids(PAGES)))), Variant("subtypes", report_of(lambda: rows_with({"subtype": dict(enumerate(PAGES, start=2))}), "--plan", "breast")),
        Variant("headers", report_of(lambda: with_columns({p: lambda i: "x" for p in PAGES}))), Variant("groups", report_of(lambda: with_columns({"arm": lambda i: PAGES[i % 3]}))),
        Variant("cells", report_of(lambda: with_columns({"site": lambda i: PAGES[i % len(PAGES)], "histology": lambda i: PAGES[-i % len(PAGES)]})))), dead_page),
    Row("injection", "payloads as headers", ACCEPT, "60 scored", (*both("pages", lambda: with_columns({p: lambda i: "x" for p in PAGES})), *both("formulas", lambda: with_columns({f: lambda i: "x" for f in FORMULAS if not f.startswith("'")}))),
        lambda end, folder, target: text_stays_text(())(end, folder, target)),
    Row("injection", "terminal escapes as identifiers", FLAG, "patient_id", of_ids(TERMINALS)),
    Row("injection", "terminal escapes elsewhere", (0, 2, 3), "", (
        *both("headers", lambda: with_columns({t: lambda i: "x" for t in TERMINALS})), *(v for column in ("igf1_ng_ml", "subtype", "dfs_months", "dfs_event", "diagnosis_date", "igf1r_ihc", "sex", "age_years")
          for v in both(column, lambda column=column: rows_with({column: {7: "\x1b[2Jx\nERROR forged", 8: "\u202ex"}}))),
        Variant("sheet name", bytes_as("c.xlsx", lambda: xlsx_of(table_of(), name="a{{77}}<b>&")), ACCEPT))),
)  # fmt: skip

PEOPLE = {
    "full_name": lambda i: f"Jane Doe{i}", "hospital_no": lambda i: f"40000000{i:02}", "email": lambda i: f"jane{i}@example.org", "phone": lambda i: f"0171 55500{i:02}",
    "address": lambda i: f"{i} Elm Street", "dob": lambda i: f"19{50 + i % 40}-01-01",
}  # fmt: skip


def nobody_named(end, folder, target):
    """No value of an identifying column outside the table of results."""
    shown = end["out"] + end["err"]
    for path in (folder / "out").rglob("*"):
        if path.is_file() and path != target:
            shown += path.name + path.read_bytes().decode("utf-8", "replace")
    assert not [m for m in MARKERS if m in shown]


def people(columns, change=None):
    return lambda: with_columns({name: PEOPLE[name] for name in columns})


PRIVACY = (
    Row("privacy", "direct identifiers", FLAG, "full_name", (
        *both("all", people(PEOPLE)), *both("name", people(["full_name"])), *(v for name in list(PEOPLE)[1:] for v in both(name, people([name]), words=name)),
        *both("name as Vorname", lambda: with_columns({"Nachname": PEOPLE["full_name"]}), words="Nachname"), *both("hidden in notes", lambda: with_columns({"notes": PEOPLE["email"]}), words="notes, e-mail"),
        Variant("in pieces", bytes_as("c.csv", lambda: csv_of(people(PEOPLE)()), "--chunk-rows", "7")),
    ), nobody_named),
    Row("privacy", "identifiers where the file is refused", REJECT, "", (
        *both("a person twice", lambda: [*people(PEOPLE)(), people(PEOPLE)()[18]], words="duplicate"), *both("events", lambda: [[*row[:10], row[10] if i == 0 else "2", *row[11:]] for i, row in enumerate(people(PEOPLE)())], words="dfs_event"),
        *both("in the id", lambda: rows_with({"patient_id": lambda row, _: "jane17@example.org" if row > 50 else f"jane{row}@example.org"}), words="duplicate"),
        *both("shifted", lambda: [[row[0], *row[2:], row[1]] if i else row for i, row in enumerate(people(PEOPLE)())], words=""),
        Variant("extra field", bytes_as("c.csv", lambda: csv_of(people(PEOPLE)()).replace(b"P018,", b"P018,jane17@example.org,")), words="fields"),
        Variant("quote", bytes_as("c.csv", lambda: csv_of(people(PEOPLE)()).replace(b"P018,", b'"P018,')), words="quote"),
        Variant("bytes", bytes_as("c.csv", lambda: csv_of(people(PEOPLE)()).replace(b"Jane Doe17", b"J\xe4ne Doe17")), words="encoding")), nobody_named),
)  # fmt: skip

ROWS = (*INJECTION, *PRIVACY)
