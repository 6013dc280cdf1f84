"""A search in every format. Truth: its own results.json, and readers written apart from the writers."""

import io
import json

import openpyxl
import pytest

from igfstrat.report.tables import Table
from igfstrat.workflows.design_search import run_search, write_search
from tests.report.readers import html_text, packed, pdf_text

SETTINGS = {
    "name": "=1+1",
    "endpoint": "os",
    "marker": {"name": "igf1r", "prevalence": {"mean": 0.4, "sd": 0.1}},
    "control": {"median": 12},
    "treatment": {"hazard_ratio": {"positive": 0.45, "negative": 0.95}},
    "accrual": {"screened_per_month": 40},
    "costs": {"screen": 800, "patient": 60000, "month": 150000},
    "designs": {"enrichment": {"n": 150, "events": 100}},
    "search": {"looks": [1, 2]},
    "simulation": {"replicates": 200, "seed": 3},
}


@pytest.fixture(scope="module")
def search():
    return run_search(SETTINGS, power=0.9, replicates=200)


@pytest.fixture(scope="module")
def files(search, tmp_path_factory):
    pytest.importorskip("weasyprint")
    folder = tmp_path_factory.mktemp("search")
    write_search(search, folder, command=["search"], formats=["html", "pdf", "xlsx"])
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_manifest_lists_what_was_written(files):
    assert sorted([*json.loads(files["manifest.json"])["files"], "manifest.json"]) == sorted(files)


def test_every_format_shows_the_cheapest_design_of_the_results(search, files):
    best = json.loads(files["results.json"])["best"]["simulated"]
    table = next(
        b for s in search.document().sections for b in s.blocks if isinstance(b, Table) and b.caption == "Cheapest designs"
    )  # fmt: skip
    power, cost = table.rows[0][1], table.rows[0][-1]
    assert power.startswith(f"{100 * best['power']:.1f} (")
    assert cost.startswith(f"{best['cost'] / 1e6:.2f} (")
    book = openpyxl.load_workbook(io.BytesIO(files["report.xlsx"]))
    cells = [cell.value for row in book["Cheapest designs"].iter_rows() for cell in row]
    for shown in (power, cost):
        assert shown in cells
        for text in (html_text(files["report.html"]), pdf_text(files["report.pdf"])):
            assert packed(shown) in packed(text)


def test_workbook_has_assumptions_and_provenance_and_no_formula(files):
    book = openpyxl.load_workbook(io.BytesIO(files["report.xlsx"]))
    assert {"Cheapest designs", "Frontier", "Assumptions", "Provenance"} <= set(book.sheetnames)
    assert all(cell.data_type != "f" for sheet in book for row in sheet.iter_rows() for cell in row)
