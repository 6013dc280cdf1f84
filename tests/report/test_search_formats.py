"""A search in every format. Truth: its own results.json, and readers written apart from the writers."""

import io
import json
from dataclasses import replace

import numpy as np
import openpyxl
import pytest

from igfstrat.report.search_section import summary_words
from igfstrat.report.search_words import choices_section, left_out_words, limit_words
from igfstrat.report.tables import Table
from igfstrat.trials.scenario.search import LimitSettings
from igfstrat.trials.search.cheapest import LEFT_OUT
from igfstrat.trials.search.rows import SIZED
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


def test_cheaper_candidates_outside_the_limits_are_counted_and_what_limits_is_said(search):
    results = search.results
    assert limit_words(results) == ""
    time, cost, best = results.simulated["duration"], results.simulated["cost"], results.best
    # as if the other one were cheaper, and later than the limit
    other = 1 - best
    limit = float(time[best]) + 1
    moved = {name: values.copy() for name, values in results.simulated.items()}
    moved["duration"][other], moved["cost"][other] = limit + 1, cost[best] / 2
    section = results.scenario.search.model_copy(update={"limits": LimitSettings(duration=limit)})
    limited = replace(
        results,
        scenario=results.scenario.model_copy(update={"search": section}),
        simulated=moved,
        state=np.full_like(results.state, SIZED),
    )
    said = limit_words(limited)
    assert said.startswith(
        f"Limits: expected time at most {limit:,.12g} months. 1 cheaper candidate lies outside"
    )


def test_assumptions_and_their_ranges_are_words(search):
    table = next(b for s in search.document().sections for b in s.blocks if isinstance(b, Table) and b.caption == "If an assumption is wrong")  # fmt: skip
    shown = [cell for row in table.rows for cell in row[:2]]
    assert any(cell == "Hazard ratio in positives" for cell in shown)
    assert not any("{" in cell or "_" in cell for cell in shown)


@pytest.fixture(scope="module")
def assays():
    choices = [
        {"name": "one reader", "marker.assay.sensitivity": 0.75, "marker.assay.specificity": 0.75},
        {"name": "two readers", "marker.assay.sensitivity": 0.97, "marker.assay.specificity": 0.96, "costs.screen": 1500},
    ]  # fmt: skip
    marker = {
        "name": "igf1r_status",
        "prevalence": {"value": 0.4},
        "assay": {"sensitivity": 0.9, "specificity": 0.85},
    }
    settings = SETTINGS | {"marker": marker, "search": {"over": {"assay": choices}}}
    return run_search(settings, power=0.9, replicates=200)


def truth(search):
    return [b.text for s in search.document().sections if s.key == "truth" for b in s.blocks]


def test_assumed_test_is_that_of_the_cheapest_design_and_the_tried_ones_are_told(assays):
    best = assays.results.space.candidate(assays.results.best).choices["assay"]["name"]
    lines = truth(assays)
    assert lines[0] == f"All of this is as in the cheapest design (assay {best})."
    assert (
        "two readers (sensitivity of the test 0.97, specificity of the test 0.96, cost of a screening 1,500)"
        in lines[1]
    )
    assert best == "two readers"  # by far the better test for little more
    assert "sensitivity 0.97, specificity 0.96." in lines[2]
    assert not any("0.9," in line for line in lines[2:])


def test_without_a_design_the_scenarios_own_test_is_told(assays):
    lines = [b.text for b in choices_section(replace(assays.results, best=None)).blocks]
    assert lines[0].startswith("Tried for assay: one reader")
    assert "sensitivity 0.9, specificity 0.85." in lines[1]


def test_a_design_without_any_simulated_candidate_is_named(search):
    results = search.results
    assert left_out_words(results) == ""
    none = replace(results, state=np.full_like(results.state, LEFT_OUT))
    assert left_out_words(none).startswith("Nothing of enrichment was simulated")


def test_power_below_the_one_asked_for_is_explained(search):
    results = search.results
    low = {name: values.copy() for name, values in results.simulated.items()}
    low["power"][results.best], low["power_se"][results.best] = 0.895, 0.003
    assert "(Monte-Carlo standard error 0.3, within two standard errors of 90 %)" in " ".join(
        summary_words(replace(results, simulated=low))
    )
    low["power"][results.best] = 0.905
    assert "within two" not in " ".join(summary_words(replace(results, simulated=low)))
