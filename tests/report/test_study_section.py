"""The page of a study against its own results: worked by hand, and invariants of what is drawn."""

import math
import re
import xml.etree.ElementTree as ET

import pytest

from igfstrat.report.document import FigureBlock, Paragraph
from igfstrat.report.figures import figure_svg
from igfstrat.report.html import render_html
from igfstrat.report.study_section import study_document
from igfstrat.report.study_wording import agreement, percent, screen_lines, with_error
from igfstrat.report.tables import Table
from igfstrat.trials import expand_vary, make_scenario, simulate_scenario
from igfstrat.trials.results import StudyPoint

SETTINGS = {
    "name": "small",
    "endpoint": "pfs",
    "marker": {"name": "igf1r", "prevalence": {"value": 0.4}, "assay": {"sensitivity": 0.9, "specificity": 0.9}},
    "control": {"median": 6, "prognostic_hazard_ratio": 0.8},
    "treatment": {"hazard_ratio": {"positive": [{"until": 2.0, "hazard_ratio": 1.0}, {"hazard_ratio": 0.4}], "negative": 1.0}},
    "accrual": {"screened_per_month": 30},
    "costs": {"screen": 800, "patient": 6000},
    "designs": {
        "all_comers": {"n": 200, "events": 130},
        "enrichment": {"n": 200, "events": [60, 130]},
        "biomarker_stratified": {"n": 200, "events": 130, "multiplicity": "hochberg"},
    },
}  # fmt: skip
VARY = {"marker.assay.sensitivity": [0.7, 0.8, 0.9], "accrual.screened_per_month": [20, 40]}


def made(vary=None, warnings=()):
    scenario = make_scenario(SETTINGS | ({"vary": vary} if vary else {}))
    points = [
        StudyPoint(values=values, results=simulate_scenario(point, replicates=100, seed=3))
        for values, point in expand_vary(scenario)
    ]
    document = study_document(
        scenario, points, source="s.yaml", warnings=warnings, versions={"igfstrat": "0"}, replicates=100, seed=3
    )  # fmt: skip
    return scenario, points, document


@pytest.fixture(scope="module")
def single():
    return made()


@pytest.fixture(scope="module")
def grid():
    return made(VARY)


def tables(document):
    return {b.caption: b for s in document.sections for b in s.blocks if isinstance(b, Table)}


def lead(document):
    return " ".join(b.text for b in document.sections[0].blocks if isinstance(b, Paragraph))


def test_every_design_stands_with_its_power_and_error(single):
    _, points, document = single
    rows = {row[0]: row for row in tables(document)["Designs"].rows}
    for name, design in points[0].results.designs.items():
        assert rows[name][1] == percent(design.power)
        assert rows[name][1].startswith(f"{100 * design.power['value']:.1f} (")


def test_summary_names_the_design_with_the_highest_power(single):
    _, points, document = single
    designs = points[0].results.designs
    best = max(designs.values(), key=lambda d: d.power["value"])
    assert f"Of 3 designs {best.name} has the highest power, {100 * best.power['value']:.1f} %" in lead(
        document
    )


def test_truth_is_told_with_its_pieces(single):
    section = next(s for s in single[2].sections if s.key == "truth")
    text = " ".join(block.text for block in section.blocks)
    for said in ("1 until 2 months, then 0.4", "true negatives 1.", "hazard ratio 0.8", "40 % of the patients positive in truth"):  # fmt: skip
        assert said in text


def test_warnings_stand_in_the_summary():
    _, _, document = made(warnings=["enrichment: the events never come"])
    cautions = [b.text for b in document.sections[0].blocks if isinstance(b, Paragraph) and b.kind == "caution"]  # fmt: skip
    assert cautions == ["enrichment: the events never come"]


def test_grid_gives_every_point_a_row_and_every_other_value_a_figure(grid):
    _, points, document = grid
    found = tables(document)["Power, %, by point"]
    assert len(found.rows) == len(points) == 6
    assert [row[:2] for row in found.rows][:2] == [("0.7", "20"), ("0.7", "40")]
    assert [figure.name for figure in document.figures] == ["power_over_grid_1", "power_over_grid_2"]
    assert {value for value, *_ in document.figures[0].data} == {"0.7", "0.8", "0.9"}


@pytest.mark.parametrize("which", ["single", "grid"])
def test_figures_draw_in_both_sizes_and_no_text_leaves_the_picture(which, request):
    document = request.getfixturevalue(which)[2]
    assert document.figures
    for block in document.figures:
        assert isinstance(block, FigureBlock)
        assert block.alternative
        for narrow in (False, True):
            svg = figure_svg(block.draw(narrow), title=block.caption)
            width, height = map(float, re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', svg).groups())
            for node in ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}text"):
                x, y = _place(node)
                assert -1 <= x <= width, (block.name, narrow, node.text)
                assert -1 <= y <= height, (block.name, narrow, node.text)


def _place(node):
    moved = re.search(r"(?:translate\(|rotate\([-\d.]+,? )([-\d.]+)[ ,]+([-\d.]+)", node.get("transform", ""))
    return map(float, moved.groups()) if moved else (float(node.get("x")), float(node.get("y")))


def test_page_is_whole_and_asks_nothing_of_a_network(single, grid):
    for _, _, document in (single, grid):
        page = render_html(document)
        assert "nan" not in re.sub(r"<[^>]+>", " ", page).lower().split()
        assert not re.search(r'(src|href)="https?:', page)
        assert "results.json" in page


def test_screen_shows_so_many_points_and_counts_the_rest(grid):
    scenario, points, _ = grid
    lines = screen_lines(scenario, points, most=2)
    assert sum(line.startswith("marker.assay.sensitivity") for line in lines) == 2
    assert "… and 4 more points, all in designs.csv" in lines


def test_disagreement_is_said_from_four_standard_errors_on(single):
    def point(gap):
        design = next(iter(single[1][0].results.designs.values()))
        closed = design.closed_form | {"gap_in_standard_errors": gap}
        changed = type(design)(**{k: getattr(design, k) for k in design.__slots__} | {"closed_form": closed})
        results = single[1][0].results
        kept = {k: getattr(results, k) for k in results.__slots__}
        return StudyPoint(values={}, results=type(results)(**kept | {"designs": {"a": changed}}))

    assert agreement([point(3.9)]) == "Simulation and closed form agree (largest gap 3.9 standard errors)."
    assert agreement([point(-4.1)]).startswith("Simulation and closed form differ")


def test_number_that_there_is_none_of_is_a_dash():
    assert with_error(math.nan, math.nan) == "–"
