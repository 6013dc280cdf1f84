"""The page of a study against its own results: worked by hand, and invariants of what is drawn."""

import math
import re
import xml.etree.ElementTree as ET

import pytest

from igfstrat.report._wording import title_words
from igfstrat.report.document import FigureBlock, Paragraph
from igfstrat.report.figures import figure_svg
from igfstrat.report.html import render_html
from igfstrat.report.study_designs import hypothesis_table
from igfstrat.report.study_ends import truth_section
from igfstrat.report.study_provenance import assumption_table
from igfstrat.report.study_section import study_document
from igfstrat.report.study_wording import agreement, percent, screen_lines, with_error
from igfstrat.report.tables import Table
from igfstrat.trials import expand_vary, make_scenario, simulate_scenario
from igfstrat.trials.results.study import StudyPoint

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


def texts(document, *keys):
    """All words of some sections, figures with what is drawn in them."""
    said = []
    for block in (b for s in document.sections if s.key in keys for b in s.blocks):
        if isinstance(block, Table):
            said += [block.caption, *block.header, *(cell for row in block.rows for cell in row)]
        elif isinstance(block, FigureBlock):
            said += [block.caption, block.alternative]
            said += re.findall(r"<text\b[^>]*>(.*?)</text>", figure_svg(block.draw(False), title=""))
        else:
            said.append(block.text)
    return said


def test_what_varies_is_named_in_words_in_tables_figures_and_assumptions(grid):
    document = grid[2]
    for said in (*document.subtitle, *texts(document, "vary", "designs", "truth")):
        assert "marker.assay" not in said
        assert "screened_per_month" not in said
    assert tables(document)["Power, %, by point"].header[:2] == (
        "Sensitivity of the test",
        "Screened a month",
    )
    assert "Sensitivity of the test" in texts(document, "vary")
    assert any(
        "These vary, whatever stands above: sensitivity of the test 0.7, 0.8, 0.9;" in t for t in texts(document, "truth")
    )  # fmt: skip


def test_a_prevalence_that_varies_is_a_number_and_no_mapping():
    _, _, document = made(
        {"marker.prevalence": [{"value": 0.4, "of": "truth"}, {"value": 0.6, "of": "truth"}]}
    )
    assert [row[0] for row in tables(document)["Power, %, by point"].rows] == ["0.4", "0.6"]
    assert not any("{" in said for said in texts(document, "summary", "vary", "designs", "truth"))


def test_points_where_the_drug_helps_nobody_have_errors_and_no_highest_power():
    _, points, document = made({"treatment.hazard_ratio": [1.0, 0.5]})
    said = lead(document)
    assert "of 1 points" in said.partition("Power of")[0]
    assert "At 1 of 2 points the drug helps nobody, so that any claim is wrong" in said
    claims = 100 * points[0].results.designs["enrichment"].power["value"]
    assert f"enrichment {claims:.1f} %" in said
    assert (
        f"Power of enrichment: {100 * points[1].results.designs['enrichment'].power['value']:.1f} %" in said
    )


def test_error_without_effect_is_told_with_its_own_monte_carlo_error(single):
    _, points, document = single
    largest = max(100 * d.type_i_error["mc_standard_error"] for d in points[0].results.designs.values())
    assert f"one-sided; Monte-Carlo standard error up to {largest:.2f})" in lead(document)


def test_page_begins_with_a_capital_unless_the_name_has_one_of_its_own(single):
    assert single[2].title == "Small"
    assert title_words("would it pay?") == "Would it pay?"
    assert title_words("iPFS in bone-only disease") == "iPFS in bone-only disease"
    assert title_words("") == ""


def test_all_hypotheses_of_a_design_stand_together(single):
    rows = tables(single[2])["Hypotheses"].rows
    assert [row[1] for row in rows] == ["overall", "positive", "all of them"]
    doubled = hypothesis_table([single[1][0].results.designs["biomarker_stratified"]] * 2)
    assert [row[1] for row in doubled.rows] == ["overall", "positive", "all of them"] * 2


def test_settings_leave_the_number_of_trials_to_provenance(single):
    found = tables(single[2])
    assert not any(row[0].startswith("simulation") for row in found["Assumptions"].rows)
    assert ("Trials of each design", "100") in found["Provenance"].rows
    scenario = make_scenario(SETTINGS | {"simulation": {"replicates": 9000, "seed": 8}})
    assert not any("9000" in row for row in assumption_table(scenario).rows)


def test_settings_have_six_digits_and_whole_numbers_all():
    scenario = make_scenario(SETTINGS | {"control": {"median": 6.123456789}, "costs": {"patient": 12345678}})
    rows = dict(assumption_table(scenario).rows)
    assert (rows["control.median"], rows["costs.patient"]) == ("6.12346", "12345678")


@pytest.mark.parametrize(
    ("control", "said"),
    [
        ({"hazard": [{"until": 6, "rate": 0.15}, {"rate": 0.08}]}, "Events per patient and month on control, marker-negative patients: 0.15 until 6 months, then 0.08."),
        ({"weibull": {"shape": 1.2, "median": 4.6}}, "Weibull times on control, marker-negative patients: shape 1.2, median 4.6 months."),
        ({"cure": {"fraction": 0.2, "median": 9}}, "Times on control, marker-negative patients: 20 % never have the event; median of the others 9 months."),
        ({"median": 6}, "Median on control, marker-negative patients: 6 months."),
    ],
)  # fmt: skip
def test_times_on_control_are_told_in_each_of_their_forms(control, said):
    lines = [block.text for block in truth_section(make_scenario(SETTINGS | {"control": control})).blocks]
    assert said in lines


def test_a_continuous_marker_is_told_with_its_distribution_and_its_true_cut():
    marker = {
        "name": "igf1r_h_score",
        "continuous": {"mean": 120, "sd": 60, "cut": 140},
        "assay": {"measurement_sd": 20},
    }
    first = truth_section(make_scenario(SETTINGS | {"marker": marker})).blocks[0].text
    assert first == (
        "Marker IGF-1R H-score, normal with mean 120 and SD 60, positive in truth from 140 on; measured with an error of SD 20."
    )
