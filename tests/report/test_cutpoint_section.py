"""What a report says of cuts, causes, pairs and landmarks: worked by hand, and invariants of the words and numbers shown."""

import re
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest

from igfstrat.analysis import AnalysisSettings, Estimate
from igfstrat.analysis.competing import analyse_competing
from igfstrat.analysis.cutpoint import CutGroup, analyse_cutpoint
from igfstrat.analysis.landmark import apply_landmark
from igfstrat.analysis.pairwise import analyse_pairwise
from igfstrat.analysis.settings import CutpointSettings
from igfstrat.report._wording import effect_text, marker_number
from igfstrat.report.competing_section import competing_section
from igfstrat.report.cutpoint_section import continuous_section, cutpoint_document, cutpoint_section
from igfstrat.report.document import FigureBlock, Paragraph
from igfstrat.report.figures import figure_png, figure_svg
from igfstrat.report.html import render_html
from igfstrat.report.pairwise_section import landmark_section, pairwise_section
from igfstrat.report.tables import Table
from tests.analysis.test_cutpoint import endpoint_of, made

HOSTILE = ["<script>alert(1)</script>", "_hidden", "cost $5$ {{7*7}}", 'x" onload="y', "مرحبا", "A" * 300]
MANY = {"marker": "igf1r_h_score", "permutations": 200}
UNITS = {"igf1r_h_score": "IGF-1R H-score"}


def search(endpoint, marker, n_bootstrap=60):
    return analyse_cutpoint(
        endpoint, title="IGF-1R H-score", values=marker, settings=CutpointSettings(**MANY), n_bootstrap=n_bootstrap
    )  # fmt: skip


@pytest.fixture(scope="module")
def found():
    return search(*made())


@pytest.fixture(scope="module")
def null():
    return search(*made(effect=0.0, seed=11))


def with_causes(labels=("low", "high"), causes=("relapse", "death")):
    endpoint, marker = made()
    cause = np.full(len(marker), None, dtype=object)
    cause[endpoint.event] = [causes[i % len(causes)] for i in range(endpoint.event.sum())]
    cause[np.flatnonzero(endpoint.event)[:3]] = None
    groups = np.array([labels[i % len(labels)] for i in range(len(marker))], dtype=object)
    return replace(endpoint, cause=cause), groups


def competing(**options):
    endpoint, groups = with_causes(**options)
    order = list(dict.fromkeys(groups))
    return analyse_competing(endpoint, groups=groups, order=order, settings=AnalysisSettings())


def pairwise(labels, *, ordered=False):
    endpoint, marker = made()
    groups = np.array(labels, dtype=object)[np.digitize(marker, np.linspace(0, 301, len(labels) + 1)[1:-1])]
    return analyse_pairwise(
        endpoint, groups=groups, order=labels, settings=AnalysisSettings(), ordered=ordered
    )


def words(section):
    return " ".join(b.text for b in section.blocks if isinstance(b, Paragraph))


def tables(section):
    return [b for b in section.blocks if isinstance(b, Table)]


def figures(section):
    return [b for b in section.blocks if isinstance(b, FigureBlock)]


def shown_text(section):
    """Everything that a reader sees in words or cells."""
    parts = [section.title, *section.methods, *section.limitations]
    for block in section.blocks:
        if isinstance(block, Paragraph):
            parts.append(block.text)
        elif isinstance(block, Table):
            parts += [
                block.caption,
                *block.header,
                *block.footnotes,
                *(cell for row in block.rows for cell in row),
            ]
        else:
            parts += [block.caption, block.alternative]
    return " \n".join(parts)


def numbers_of(data):
    if isinstance(data, dict):
        return {n for value in data.values() for n in numbers_of(value)}
    if isinstance(data, list):
        return {n for value in data for n in numbers_of(value)}
    return {float(data)} if isinstance(data, int | float) and not isinstance(data, bool) else set()


def known_texts(result):
    """Every way in which a number of report.json may be shown."""
    found = set()
    for number in numbers_of(result.to_dict()):
        for scale in (1.0, 100.0, 1 / 12):
            found |= {f"{abs(number * scale):.{digits}f}" for digits in range(7)}
            found.add(f"{abs(number * scale):g}")
    return found


NAMES = re.compile(
    r"IGF-1R|IGF-1|\b2\.5th|\b97\.5th|χ² \(\d df\)|p < 0\.001|< 0\.001|[Ff]ewer than \d+ events|of 100\)"
)


@pytest.mark.parametrize("name", ["cutpoint", "null", "competing", "two groups", "three groups", "landmark"])
def test_every_number_in_words_and_cells_is_a_number_of_the_results(name, found, null):
    results = {
        "cutpoint": (found, cutpoint_section),
        "null": (null, cutpoint_section),
        "competing": (competing(), competing_section),
        "two groups": (pairwise(["low", "high"]), pairwise_section),
        "three groups": (pairwise(["low", "middle", "high"], ordered=True), pairwise_section),
        "landmark": (apply_landmark(made()[0], months=3)[1], landmark_section),
    }
    result, make = results[name]
    known = known_texts(result)
    text = NAMES.sub("", shown_text(make(result)))
    assert [n for n in re.findall(r"\d+(?:\.\d+)?", text) if n not in known] == []


def test_the_naive_p_stands_only_in_the_row_that_says_it_is_not_valid(found):
    section = cutpoint_section(replace(found, p_naive=0.01234))
    rows = [row for table in tables(section) for row in table.rows if "0.012" in row]
    assert [row[0] for row in rows] == [
        "Not corrected: as if the cut had been decided beforehand (not valid here)"
    ]
    assert "0.012" not in words(section)
    permutation = next(row for table in tables(section) for row in table.rows if "to report" in row[0])
    assert permutation[1] != "–"


def test_a_cut_of_chance_is_called_one_and_no_word_says_significant(null):
    assert null.p_permutation > null.alpha > null.p_naive / 10
    text = words(cutpoint_section(null))
    assert "finds as much by chance" in text
    assert "more than chance gives" not in text


@pytest.mark.parametrize("level", [2, 3])
def test_no_section_calls_anything_significant_or_causal(level, found, null):
    sections = [
        cutpoint_section(found, level=level), cutpoint_section(null, level=level), competing_section(competing(), level=level),
        pairwise_section(pairwise(["low", "middle", "high"]), level=level), continuous_section(found.continuous, level=level),
    ]  # fmt: skip
    for section in sections:
        assert not re.search(r"signific|causal|responder", shown_text(section), re.IGNORECASE)
        assert section.level == level


def test_effect_without_a_cut_stands_beside_the_cut(found):
    section = cutpoint_section(found)
    assert "Without any cut, the hazard ratio" in words(section)
    assert {f.name for f in figures(section)} == {
        "cut_scan_dfs_igf1r_h_score", "cut_stability_dfs_igf1r_h_score", "spline_dfs_igf1r_h_score",
    }  # fmt: skip


def test_corrected_hazard_ratio_is_shown_without_an_interval(found):
    corrected = tables(cutpoint_section(found))[1].rows[0]
    assert "optimism" in corrected[0]
    assert re.fullmatch(r"\d+\.\d\d", corrected[1])


def test_hazard_ratio_that_crosses_one_is_called_gone(found):
    crossed = replace(
        found.stability, hazard_ratio_corrected=Estimate(value=1 / found.hazard_ratio_naive.value)
    )
    assert "nothing of it is left" in words(cutpoint_section(replace(found, stability=crossed)))
    assert "nothing of it is left" not in words(cutpoint_section(found))


def test_fewer_than_ten_events_on_a_side_state_no_hazard_ratio_in_words(found):
    few = replace(found, groups=(found.groups[0], CutGroup(label="high", n=50, n_events=9)))
    assert "no hazard ratio is stated" in words(cutpoint_section(few))
    assert "no hazard ratio is stated" not in words(cutpoint_section(found))


def test_nothing_to_search_gives_one_sentence_with_its_reason():
    endpoint, marker = made()
    section = cutpoint_section(search(endpoint, np.full(len(marker), 100.0)))
    assert "the marker is the same in all patients" in words(section)
    assert figures(section) == []


def test_events_without_cause_are_counted_and_their_handling_said():
    section = competing_section(competing())
    assert "3 events have no stated cause" in words(section)
    assert any("lower bound" in text for text in section.limitations)


def test_pairs_are_corrected_and_the_split_of_time_carries_its_caveat():
    section = pairwise_section(pairwise(["low", "middle", "high"], ordered=True))
    header = tables(section)[0].header
    assert header[-2:] == ("p, not corrected", "p, corrected (Holm)")
    assert "trend over the ordered groups" in words(section)
    assert "is a choice" in words(section)
    only = pairwise_section(pairwise(["low", "high"]))
    assert "Holm" not in shown_text(only)
    assert tables(only)[0].caption.startswith("Difference of")


def test_landmark_counts_who_is_left_out_in_words():
    _, counts = apply_landmark(endpoint_of([1.0, 2.0, 5.0, 9.0], [1, 0, 1, 0]), months=3)
    text = words(landmark_section(counts))
    assert "2 patients event-free and under observation at 3 months" in text
    assert (
        "1 patient with an event and 1 patient whose follow-up ended by then are left out, of 4 patients"
        in text
    )


def all_figures(found):
    more = competing(labels=HOSTILE, causes=["B" * 300, "_x", "$y$"])
    cut = continuous_section(replace(found.continuous, cut=100.0))
    return [b for s in (cutpoint_section(found), cut, competing_section(more)) for b in figures(s)]


@pytest.mark.parametrize("narrow", [False, True])
def test_figures_are_drawn_at_both_widths_the_same_every_time(found, narrow):
    for block in all_figures(found):
        svg = [figure_svg(block.draw(narrow), title=block.caption) for _ in range(2)]
        assert svg[0] == svg[1]
        assert block.draw(narrow).get_size_inches()[0] == pytest.approx((85 if narrow else 170) / 25.4)
        assert {len(row) for row in block.data} == {len(block.data_header)}


def drawn_texts(figure):
    """Legends, titles, labels, and the ticks that lie within their axes."""
    found = [text for legend in figure.legends for text in legend.get_texts()]
    for axes in figure.axes:
        found += [axes.title, axes._left_title, axes.xaxis.label, axes.yaxis.label]
        found += [tick.label1 for axis in (axes.xaxis, axes.yaxis) for tick in axis._update_ticks()]
    return [text for text in found if text.get_text()]


@pytest.mark.parametrize("narrow", [False, True])
def test_no_text_of_a_figure_is_cut_off(found, narrow):
    for block in all_figures(found):
        figure = block.draw(narrow)
        figure_png(figure, dpi=72)
        width, height = figure.get_size_inches() * figure.dpi
        for text in drawn_texts(figure):
            box = text.get_window_extent()
            assert box.x0 >= -1, (block.name, text.get_text())
            assert box.x1 <= width + 1, (block.name, text.get_text())
            assert box.y0 >= -1, (block.name, text.get_text())
            assert box.y1 <= height + 1, (block.name, text.get_text())


def test_labels_of_data_are_complete_and_no_element_in_a_figure():
    section = competing_section(competing(labels=HOSTILE, causes=["B" * 300, "_x", "$y$"]))
    svg = figure_svg(figures(section)[0].draw(False), title="x")
    root = ElementTree.fromstring(svg)
    assert not [e for e in root.iter() if e.tag.endswith("script")]
    text = "".join("".join(e.itertext()) for e in root.iter() if e.tag.endswith("}text"))
    assert all(
        label.replace(" ", "") in text.replace(" ", "") for label in [*HOSTILE, "B" * 300, "_x", "$y$"]
    )


def test_where_small_counts_are_hidden_no_single_patient_shows(found):
    blocks = {b.name: b.masked(5) for b in all_figures(found) if b.masked}
    scan, incidence = blocks["cut_scan_dfs_igf1r_h_score"], blocks["incidence_dfs"]
    assert len(scan.data) == -(-len(found.scan.cuts) // 5)
    whole = figures(competing_section(competing()))[0]
    hidden = whole.masked(5)
    steps = [r[3] for r in whole.data if r[:2] == ("low", "relapse") and r[3]]
    kept = [r[3] for r in hidden.data if r[:2] == ("low", "relapse")]
    assert kept
    assert set(kept) <= set(sorted(set(steps))[4::5])
    figure_svg(incidence.draw(True), title="x")
    rug = blocks["spline_dfs_igf1r_h_score"].draw(False)
    assert "Measured values" not in [t.get_text() for t in rug.legends[0].get_texts()]


def test_document_renders_as_a_page(found):
    document = cutpoint_document(found, source="cohort.csv", plan="plan breast", versions={"igfstrat": "1"})
    page = render_html(document)
    assert "Lausen B, Schumacher M." in page
    assert page.count("<svg") == 6
    keys = [section.key for section in document.sections]
    assert len(keys) == len(set(keys))


def test_marker_values_keep_the_decimals_that_they_have():
    assert [marker_number(v, 87.0) for v in (188.0, 188.5, 188.54)] == ["188", "188.5", "188.5"]
    assert marker_number(0.1234567, 0.05) == "0.1235"
    assert marker_number(None, 1.0) == "–"


def test_missing_estimate_shows_its_reason_and_a_lone_value_no_empty_brackets():
    assert effect_text(Estimate(not_estimable="no events")) == "not estimable: no events"
    assert effect_text(Estimate(value=0.0, not_estimable="no event yet"), 1, scale=100) == "0.0"
