"""A study in every format. Truth: its own results.json, and readers written apart from the writers."""

import io
import json
import re
import xml.etree.ElementTree as ET

import openpyxl
import pytest

from igfstrat.report.document import FigureBlock
from igfstrat.report.figures import figure_svg
from igfstrat.report.study_provenance import assumption_table
from igfstrat.report.tables import Table
from igfstrat.trials import make_scenario
from igfstrat.workflows.enrichment_study import enrichment_study, write_study
from tests.report.readers import html_text, packed, pdf_text

LONG = "a_very_long_name_for_a_stratified_design_with_hochberg_and_more"
SETTINGS = {
    "name": "=1+1 <script>alert(1)</script>",
    "endpoint": "pfs",
    "marker": {"name": "igf1r", "prevalence": {"value": 0.4}, "assay": {"sensitivity": 0.9, "specificity": 0.9, "against": "=HYPERLINK(1)"}},
    "control": {"median": 6},
    "treatment": {"hazard_ratio": {"positive": 0.6, "negative": 1.0}},
    "accrual": {"screened_per_month": 30},
    "costs": {"screen": 800, "patient": 60000},
    "designs": {
        "all_comers": {"n": 200, "events": 130},
        "enrichment": {"n": 200, "events": [60, 130]},
        LONG: {"design": "biomarker_stratified", "n": 200, "events": 130, "multiplicity": "hochberg"},
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def study():
    return enrichment_study(SETTINGS, replicates=200, seed=3)


@pytest.fixture(scope="module")
def files(study, tmp_path_factory):
    pytest.importorskip("weasyprint")
    folder = tmp_path_factory.mktemp("study")
    write_study(study, folder, command=["simulate"], formats=["html", "pdf", "xlsx"])
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def tables(study):
    return {b.caption: b for s in study.document().sections for b in s.blocks if isinstance(b, Table)}


def test_manifest_lists_what_was_written(files):
    listed = json.loads(files["manifest.json"])["files"]
    assert sorted([*listed, "manifest.json"]) == sorted(files)
    assert listed[0] == "report.html"


def test_claims_on_the_page_are_those_of_the_results(study, files):
    stored = json.loads(files["results.json"])["open_truths"]
    rows = tables(study)["What each design would conclude"].rows
    expected = [(t, name) for t in stored for name in t["claims"]]
    assert len(rows) == len(expected) == 12
    for row, (truth, name) in zip(rows, expected, strict=True):
        assert row[1] == name
        assert row[2].startswith(f"{100 * truth['claims'][name]['none']['value']:.1f} (")
        if name == LONG:
            assert row[4].startswith(f"{100 * truth['claims'][name]['both']['value']:.1f} (")
    # a trial in positives can't claim for all, and one in everybody can't claim for positives alone
    assert {row[4] for row in rows if row[1] == "enrichment"} == {"–"}
    assert {row[3] for row in rows if row[1] == "all_comers"} == {"–"}


def test_looks_on_the_page_are_those_of_the_results(study, files):
    stored = json.loads(files["results.json"])
    rows = [row for row in tables(study)["Looks"].rows if row[0] == "enrichment"]
    assert [row[2] for row in rows] == ["60", "130"]
    assert [row[3] for row in rows] == [f"{t:.1f}" for t in stored["timeline"]["enrichment"]["looks"]]
    ends = stored["designs"]["enrichment"]["stopped_at"]
    assert [row[4].split(" ")[0] for row in rows] == [f"{100 * e['ends']['value']:.1f}" for e in ends]


def test_drawn_numbers_are_those_of_the_results(study, files):
    stored = json.loads(files["results.json"])
    figures = {b.name: b for b in study.document().figures}
    assert {"power_surface", "study_frontier", "timeline"} <= set(figures)
    on = {row[0] for row in figures["study_frontier"].data if row[-1]}
    assert on == set(stored["frontier"])
    surface = stored["power_over_effect_and_prevalence"]
    drawn = [row[-1] for row in figures["power_surface"].data if row[0] == "all_comers"]
    assert drawn == [p for line in surface["power"]["all_comers"] for p in line if p is not None]


def test_page_pdf_and_workbook_say_the_same(files):
    page, pdf = html_text(files["report.html"]), pdf_text(files["report.pdf"])
    book = openpyxl.load_workbook(io.BytesIO(files["report.xlsx"]))
    for caption, rows in {s.title: list(s.iter_rows(values_only=True)) for s in book}.items():
        if caption.startswith("Data "):
            continue
        for row in rows:
            for cell in row:
                if isinstance(cell, str) and not cell.startswith("See sheet"):
                    assert packed(cell) in packed(page), (caption, cell)
    for row in (r for r in book["Looks"].iter_rows(min_row=4, values_only=True) if isinstance(r[4], str)):
        assert packed(row[4]) in packed(pdf)


def test_workbook_has_its_sheets_and_no_formula(files):
    book = openpyxl.load_workbook(io.BytesIO(files["report.xlsx"]))
    assert {"Designs", "Hypotheses", "Looks", "Assumptions", "Provenance"} <= set(book.sheetnames)
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
    assert any(isinstance(c.value, str) and c.value.startswith("=HYPERLINK") for c in cells)
    assert all(cell.data_type != "f" and cell.hyperlink is None for cell in cells)


def test_page_has_no_live_element_from_data(files):
    page = files["report.html"].decode()
    assert "<script" not in page
    assert not re.search(r"\son\w+=", page)
    assert "&lt;script" in page


def test_assumptions_hold_every_setting_of_the_scenario():
    rows = dict(assumption_table(make_scenario(SETTINGS)).rows)
    assert rows["marker.assay.sensitivity"] == "0.9"
    assert rows["treatment.hazard_ratio.positive.hazard_ratio"] == "0.6"
    assert rows["accrual.screened_per_month"] == "30"
    assert rows["designs.enrichment.events"] == "60, 130"
    assert "name" not in rows


def test_summary_says_who_claims_what_were_the_truth_another(study):
    truths = {truth.key: truth for truth in study.outlook.truths}
    shares = {name: found["both"]["value"] for name, found in truths["all"].claims.items()}
    best = max(shares, key=shares.get)
    text = " ".join(b.text for b in study.document().sections[0].blocks if b.kind == "lead")
    assert f"{best} would most often claim it for all: {100 * shares[best]:.1f} %" in text


def test_no_text_leaves_the_new_pictures(study):
    blocks = [b for b in study.document().figures if isinstance(b, FigureBlock)]
    for block in (b for b in blocks if b.name in {"power_surface", "study_frontier", "timeline"}):
        for narrow in (False, True):
            svg = figure_svg(block.draw(narrow), title=block.caption)
            width, height = map(float, re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', svg).groups())
            for node in ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}text"):
                moved = re.search(r"(?:translate\(|rotate\([-\d.]+,? )([-\d.]+)[ ,]+([-\d.]+)", node.get("transform", ""))  # fmt: skip
                x, y = map(float, moved.groups() if moved else (node.get("x"), node.get("y")))
                assert -1 <= x <= width, (block.name, node.text)
                assert -1 <= y <= height, (block.name, node.text)


def test_a_grid_has_no_outlook_and_its_own_figures():
    grid = enrichment_study(SETTINGS | {"vary": {"marker.prevalence.value": [0.3, 0.5]}}, replicates=40)
    assert grid.outlook is None
    assert "open_truths" not in grid.to_dict()
    assert "power_over_grid_1" in {b.name for b in grid.document().figures}
