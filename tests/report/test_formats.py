"""All formats of one report say the same, and nothing that report.json doesn't hold. Invariants, by reading each back."""

import io
import itertools
import json
import re
import zipfile

import docx
import jsonschema
import openpyxl
import pypdf
import pytest

from igfstrat.errors import ExitCode, UsageError
from igfstrat.report import (
    DEFAULT_FORMATS,
    FORMATS,
    check_formats,
    survival_document,
    write_bundle,
    write_document,
)
from igfstrat.report.document import FormatUnavailableError, Paragraph
from igfstrat.report.formatting import format_number, format_p
from igfstrat.report.json_schema import report_schema
from igfstrat.report.methods_section import REFERENCES
from igfstrat.report.tables import Table
from tests.report.cases import COHORT, hostile_report, plain_report
from tests.report.readers import READERS, numbers, packed, svg_texts

ROOT = COHORT.parents[1]
# written into the sentences: coverage, days of a month, events that are few, the smallest p, REMARK's year and items
CONSTANTS = {"95", "30.4375", "10", "0.001", "2005", *map(str, range(1, 21))}


@pytest.fixture(scope="module")
def report():
    return plain_report()


@pytest.fixture(scope="module")
def bundle(report, tmp_path_factory):
    folder = tmp_path_factory.mktemp("bundle")
    write_bundle(report, folder, formats=FORMATS)
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture(scope="module")
def hostile_bundle(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hostile")
    report = hostile_report(folder)
    (folder / "out").mkdir()
    write_bundle(report, folder / "out", formats=FORMATS)
    return {path.name: path.read_bytes() for path in (folder / "out").iterdir()}


def formatted(data, key=""):
    """Every way in which the shared formatter may show a number of report.json; the curves' points are drawn, not told."""
    if isinstance(data, dict):
        return set().union(*(formatted(value, name) for name, value in data.items() if name != "curve"))
    if isinstance(data, list):
        return set().union(*(formatted(value, key) for value in data))
    if isinstance(data, str):
        return numbers(data)
    if isinstance(data, bool) or data is None:
        return set()
    shown = {f"{data:g}", *(format_number(data, digits) for digits in (0, 1, 2, 3))}
    shown |= {
        format_number(100 * data, 1),
        format_number(data / 12, 0),
        format_p(abs(data)).removeprefix("< "),
    }
    return {text.lstrip("−-") for text in shown}


def drawn(results):
    """What figures show besides: numbers at risk, and the ticks of their axes."""
    below = set()
    for curve in (g["curve"] for e in results["endpoints"].values() for g in e["groups"]):
        so_far = (itertools.accumulate(curve[name]) for name in ("n_events", "n_censored"))
        below |= {str(n) for n in (0, *curve["n_at_risk"], *itertools.chain(*so_far))}
    return below | {str(n) for n in range(0, 241, 12)} | {"20", "40", "60", "80", "100", "25", "50", "75"}


def blocks(report, kind):
    return [
        b for section in survival_document(report).sections for b in section.blocks if isinstance(b, kind)
    ]


@pytest.mark.parametrize("name", READERS)
def test_every_number_shown_is_in_report_json(bundle, name):
    results = json.loads(bundle["report.json"])
    allowed = formatted(results) | CONSTANTS | set().union(*map(numbers, REFERENCES))
    # the figures of a PDF are part of its text
    allowed |= drawn(results) if name == "pdf" else set()
    shown = numbers(READERS[name](bundle[f"report.{name}"]))
    assert len(shown) > 50
    assert not shown - allowed


@pytest.mark.parametrize("name", READERS)
def test_every_table_cell_is_in_the_format(bundle, report, name):
    text = packed(READERS[name](bundle[f"report.{name}"]))
    cells = {cell for table in blocks(report, Table) for row in (table.header, *table.rows) for cell in row}
    assert len(cells) > 40
    assert not {cell for cell in cells if packed(cell) not in text}


@pytest.mark.parametrize("name", READERS)
def test_every_number_of_a_sentence_is_in_the_format(bundle, report, name):
    said = set().union(*(numbers(p.text) for p in blocks(report, Paragraph)))
    said |= set().union(*(numbers(note) for t in blocks(report, Table) for note in (*t.footnotes, t.caption)))
    assert len(said) > 30
    assert not said - numbers(READERS[name](bundle[f"report.{name}"]))


def test_numbers_in_figures_are_counts_of_report_json_or_axis_ticks(bundle):
    results = json.loads(bundle["report.json"])
    names = [name for name in bundle if name.endswith(".svg")]
    assert len(names) == 6
    for name in names:
        shown = set().union(*map(numbers, svg_texts(bundle[name])))
        assert not shown - drawn(results) - formatted(results)


def test_report_json_fits_the_published_schema(bundle):
    stored = json.loads((ROOT / "igfstrat" / "data" / "report.schema.json").read_text(encoding="utf-8"))
    assert stored == report_schema(), "write igfstrat/data/report.schema.json anew"
    jsonschema.Draft202012Validator.check_schema(stored)
    jsonschema.validate(json.loads(bundle["report.json"]), stored)


def test_schema_refuses_a_group_without_its_curve(bundle):
    results = json.loads(bundle["report.json"])
    del results["endpoints"]["dfs"]["groups"][0]["curve"]
    with pytest.raises(jsonschema.ValidationError, match="'curve' is a required property"):
        jsonschema.validate(results, report_schema())


def test_same_report_gives_the_same_bytes(bundle, report, tmp_path):
    write_bundle(report, tmp_path, formats=FORMATS)
    assert [name for name, data in bundle.items() if (tmp_path / name).read_bytes() != data] == []


def test_figures_come_in_both_journal_widths(bundle):
    for width, points in (("170mm", 481.9), ("85mm", 240.9)):
        found = re.search(r'width="([\d.]+)pt"', bundle[f"km_dfs_{width}.svg"].decode())
        assert float(found[1]) == pytest.approx(points, abs=0.1)


@pytest.mark.parametrize("name", ["report.html", "km_dfs_170mm.svg", "km_dfs_85mm.svg", "flow_170mm.svg"])
def test_labels_make_no_live_element(hostile_bundle, name):
    text = hostile_bundle[name].decode()
    assert "<script" not in text
    tags = re.findall(r"<[a-zA-Z][^<>]*>", text)
    assert len(tags) > 20
    assert not [tag for tag in tags if re.search(r"\son\w+\s*=", re.sub(r'"[^"]*"', '""', tag))]


@pytest.mark.parametrize("name", ["km_dfs_170mm.svg", "km_dfs_85mm.svg"])
def test_labels_are_complete_in_figures(hostile_bundle, name):
    shown = packed("".join(svg_texts(hostile_bundle[name])))
    for label in (
        "<script>alert(1)</script>",
        "_hidden",
        "cost$5${{7*7}}",
        'x"onload="y"id="z',
        "A" * 300,
        "url(#a)陽性",
    ):
        assert label in shown
    assert "…" not in shown


@pytest.mark.parametrize("name", ["html", "docx", "xlsx"])
def test_labels_are_complete_in_tables(hostile_bundle, name):
    shown = packed(READERS[name](hostile_bundle[f"report.{name}"]))
    assert all(
        packed(label) in shown
        for label in ("<script>alert(1)</script>", "مرحبا", "A" * 300, "=1+cmd|'/c'!A0")
    )


def test_no_cell_of_the_workbook_is_a_formula_or_link(hostile_bundle):
    with zipfile.ZipFile(io.BytesIO(hostile_bundle["report.xlsx"])) as parts:
        sheets = [parts.read(n).decode() for n in parts.namelist() if n.startswith("xl/worksheets/sheet")]
    assert len(sheets) > 4
    assert not [sheet for sheet in sheets if re.search(r"<f\b|<hyperlink", sheet)]


def test_no_patient_identifier_is_in_any_file(hostile_bundle):
    import pandas as pd

    ids = {str(value) for value in pd.read_csv(COHORT)["patient_id"]} | {f"P{i:03d}" for i in range(1, 65)}
    texts = [
        data.decode() for name, data in hostile_bundle.items() if name.endswith((".html", ".svg", ".json"))
    ]
    texts += [reader(hostile_bundle[f"report.{name}"]) for name, reader in READERS.items()]
    assert len(texts) == 10
    assert not {i for i in ids for text in texts if re.search(rf"\b{re.escape(i)}\b", text)}


def test_workbook_holds_numbers_as_numbers_with_the_decimals_shown(bundle):
    book = openpyxl.load_workbook(io.BytesIO(bundle["report.xlsx"]))
    sheet = book["Disease-free survival by group"]
    assert [cell.value for cell in sheet[3]][:3] == ["Group", "n", "Events"]
    assert isinstance(sheet["B4"].value, int)
    assert book["Comparison"]["B4"].number_format == "0.00"
    assert sheet.freeze_panes == "B4"
    assert all(len(name) <= 31 for name in book.sheetnames)


def test_workbook_holds_what_each_figure_draws(bundle):
    book = openpyxl.load_workbook(io.BytesIO(bundle["report.xlsx"]))
    group = json.loads(bundle["report.json"])["endpoints"]["dfs"]["groups"][0]
    drawn = [row for row in book["Data km_dfs"].iter_rows(min_row=4, values_only=True) if row[0] == "Low"]
    # a workbook keeps 16 digits of 17
    assert [row[2] for row in drawn] == pytest.approx(group["curve"]["survival"], rel=1e-15)


def test_word_file_has_headings_captions_heading_rows_and_described_pictures(bundle):
    word = docx.Document(io.BytesIO(bundle["report.docx"]))
    xml = word.element.xml
    captions = [p for p in word.paragraphs if p.style.name == "Caption"]
    assert (
        len(captions) == len(word.tables) + len(word.inline_shapes) == xml.count(" SEQ ") + xml.count('"SEQ ')
    )
    assert xml.count("<w:tblHeader/>") == len(word.tables) >= 6
    assert [p.text for p in word.paragraphs if p.style.name == "Heading 1"][:2] == ["Summary", "Patients"]
    assert all("Kaplan" in d or "Patients" in d for d in re.findall(r'<wp:docPr [^>]*descr="([^"]*)"', xml))
    assert 'w:lang w:val="en-US"' in word.styles.element.xml


def test_pdf_is_tagged_and_names_title_and_language(bundle):
    root = pypdf.PdfReader(io.BytesIO(bundle["report.pdf"])).trailer["/Root"]
    assert root["/MarkInfo"]["/Marked"]
    assert root["/Lang"] == "en"
    assert "/StructTreeRoot" in root


def test_pdf_page_that_names_an_address_fetches_nothing(monkeypatch, report):
    import urllib.request

    from igfstrat.report import pdf

    def refuse(*_, **__):
        raise AssertionError("a fetch")

    monkeypatch.setattr(urllib.request.OpenerDirector, "open", refuse)
    monkeypatch.setattr(
        pdf,
        "render_html",
        lambda *_, **__: '<img src="http://127.0.0.1:9/a.png"><img src="file:///etc/passwd">hello',
    )
    data = pdf.render_pdf(survival_document(report))
    assert "hello" in pypdf.PdfReader(io.BytesIO(data)).pages[0].extract_text()


@pytest.mark.parametrize(("name", "library"), [("pdf", "weasyprint"), ("docx", "docx")])
def test_missing_library_is_told_with_its_remedy_before_anything_is_written(
    monkeypatch, report, tmp_path, name, library
):
    import importlib.util

    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda n, *a: None if n == library else real(n, *a))
    with pytest.raises(FormatUnavailableError, match=re.escape(f"igfstrat[{name}]")) as caught:
        write_bundle(report, tmp_path, formats=["html", name])
    assert caught.value.exit_code is ExitCode.ENVIRONMENT
    assert not list(tmp_path.iterdir())


def test_unknown_format_is_refused():
    with pytest.raises(UsageError, match="--formats gif is none of html"):
        check_formats(["html", "gif"])


def test_default_formats_need_no_extra_library():
    assert not set(DEFAULT_FORMATS) & {"pdf", "docx"}


def test_json_comes_with_any_format(report, tmp_path):
    written = write_document(survival_document(report), {"a": float("nan")}, tmp_path, ["svg"])
    assert json.loads((tmp_path / "report.json").read_text(encoding="utf-8")) == {"a": None}
    assert written[0].name == "report.json"
