"""Subgroups as blocks: no claim without its test, labels complete and escaped, figures the same bytes each time."""

import re
from dataclasses import replace
from html import unescape

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from igfstrat.analysis.evidence_lines import compare_subgroups_with_evidence
from igfstrat.analysis.results import Grouping
from igfstrat.analysis.subgroup_results import SubgroupVariable
from igfstrat.analysis.subgroups import analyse_subgroups
from igfstrat.cohort import Endpoint
from igfstrat.report.document import FigureBlock, Paragraph
from igfstrat.report.evidence_comparison_section import evidence_comparison_section
from igfstrat.report.figures import figure_svg
from igfstrat.report.subgroup_section import subgroup_section
from igfstrat.report.tables import Table

BY = Grouping(
    name="igf1r_status", title="IGF-1R status", rule="", biomarker="igf1r", compartment="tumour_protein"
)
LEVELS = ("luminal_a", "luminal_b", "triple_negative")


def analysis_of(ratios=(1.0, 1.0, 1.0), *, n=600, seed=7, groups=("low", "high"), levels=LEVELS, within=True):
    rng = np.random.default_rng(seed)
    group, level = rng.integers(0, len(groups), n), rng.integers(0, len(levels), n)
    rate = np.where(group > 0, np.resize(ratios, len(levels))[level], 1.0) / 60
    time, censored = rng.exponential(1 / rate), rng.uniform(20, 120, n)
    endpoint = Endpoint(
        name="dfs", title="Disease-free survival", time=np.minimum(time, censored), event=time <= censored,
        reasons=("",) * n, source_unit="months",
    )  # fmt: skip
    variable = SubgroupVariable(name="subtype", title="Subtype", levels=levels)
    return analyse_subgroups(
        [endpoint],
        groups=np.array(groups, dtype=object)[group],
        order=groups,
        variables=[(variable, np.array(levels, dtype=object)[level])] if within else [],
    )


def section_of(analysis, **more):
    return subgroup_section(analysis, endpoint="dfs", title="IGF-1R status", **more)


def text(section):
    return " ".join(block.text for block in section.blocks if isinstance(block, Paragraph))


def figures(section):
    return [block for block in section.blocks if isinstance(block, FigureBlock)]


def table(section):
    return next(block for block in section.blocks if isinstance(block, Table))


def test_a_true_interaction_is_said_with_its_test():
    said = text(section_of(analysis_of((0.4, 1.0, 2.5))))
    assert "Subtype: the effect of IGF-1R status differs between levels (interaction χ²" in said
    assert "1 interaction was looked at in this run" in said


def test_without_an_interaction_no_difference_is_claimed_whatever_single_rows_say():
    for seed in range(12):
        analysis = analysis_of((0.75, 0.75, 0.75), seed=seed)
        test = analysis.endpoints[0].variables[0].interaction
        said = text(section_of(analysis))
        assert ("differs between levels (" in said and "do not show" not in said) == (test.p_adjusted < 0.05)
        assert ("do not show that the effect differs" in said) == (test.p_adjusted >= 0.05)


def test_a_p_value_below_the_threshold_only_before_the_correction_is_no_claim():
    analysis = analysis_of((0.7, 1.0, 1.3))
    result = analysis.endpoints[0]
    test = replace(result.variables[0].interaction, p_value=0.03, p_adjusted=0.06)
    variable = replace(result.variables[0], interaction=test)
    corrected = replace(analysis, endpoints=(replace(result, variables=(variable,)),))
    assert "only before the correction" in text(section_of(corrected))
    assert "the data do not show that the effect differs" in text(section_of(corrected))


def test_without_subgroups_nothing_is_said_about_any():
    section = section_of(analysis_of(within=False))
    assert len(section.blocks) == 1
    assert "names no subgroups" in text(section)


def test_the_table_has_the_overall_row_every_level_and_the_test():
    shown = table(section_of(analysis_of()))
    assert [row[0] for row in shown.rows] == [
        "All patients", "Subtype: Luminal A", "Subtype: Luminal B", "Subtype: Triple-negative", "Subtype: interaction",
    ]  # fmt: skip
    assert all(
        len(row) == len(shown.header) == len(c) for row, c in zip(shown.rows, shown.counts, strict=True)
    )


def test_the_registry_stands_beside_each_row():
    analysis = analysis_of()
    evidence = compare_subgroups_with_evidence(analysis, grouping=BY, disease="breast")
    shown = table(section_of(analysis, evidence=evidence))
    assert shown.header[-1] == "Registry"
    assert [row[-1] for row in shown.rows[:4]] == [c.verdict for c in evidence]
    section = evidence_comparison_section(
        evidence, title=BY.title, variables={"subtype": "Subtype"}, disease="breast"
    )
    verdicts, entries, sources = [block for block in section.blocks if isinstance(block, Table)]
    assert [row[1] for row in verdicts.rows] == [c.verdict for c in evidence]
    assert len(entries.rows) == sum(len(c.entries) for c in evidence)
    assert {row[0] for row in sources.rows} == {e.id for c in evidence for e in c.entries}
    assert "A shared sign is no agreement" in text(section)


def test_without_evidence_the_section_says_so():
    evidence = compare_subgroups_with_evidence(analysis_of(), grouping=BY, disease=None)
    section = evidence_comparison_section(evidence, title=BY.title)
    assert "holds no evidence on IGF-1R status (the cohort names no single disease)" in text(section)


HOSTILE = ("<script>alert(1)</script>", "_hidden", "cost $5$ {{7*7}}", "مرحبا", "A" * 300)


@pytest.mark.parametrize("narrow", [False, True])
def test_labels_of_data_are_complete_and_escaped_in_the_figures(narrow):
    section = section_of(analysis_of(groups=("_low $x$", "<b>high</b>"), levels=HOSTILE))
    for block in figures(section):
        svg = figure_svg(block.draw(narrow), title="figure")
        assert "<script" not in svg
        assert "<b>" not in svg
        drawn = re.sub(r"\s+", "", unescape("".join(re.findall(r"<text[^>]*>(.*?)</text>", svg, re.DOTALL))))
        for label in HOSTILE:
            assert re.sub(r"\s+", "", label) in drawn, label


@pytest.mark.parametrize("narrow", [False, True])
def test_every_text_of_the_figures_lies_on_the_page(narrow):
    for block in figures(
        section_of(analysis_of((0.05, 1.0, 20.0), groups=("low", "mid", "high"), levels=HOSTILE))
    ):
        figure = block.draw(narrow)
        canvas = FigureCanvasAgg(figure)
        renderer = canvas.get_renderer()
        page = figure.bbox
        texts = [t for axes in figure.axes for t in axes.texts] + list(figure.texts)
        for item in (t for t in texts if t.get_text()):
            box = item.get_window_extent(renderer)
            assert box.x0 >= page.x0 - 1, item.get_text()
            assert box.x1 <= page.x1 + 1, item.get_text()
            assert box.y0 >= page.y0 - 1, item.get_text()
            assert box.y1 <= page.y1 + 1, item.get_text()


def test_figures_are_the_same_bytes_each_time():
    one, two = (
        [figure_svg(b.draw(False), title="figure") for b in figures(section_of(analysis_of()))]
        for _ in range(2)
    )
    assert one == two


def test_small_counts_are_hidden_where_asked():
    analysis = analysis_of(n=40, seed=3)
    counts = {g.n_events for row in analysis.endpoints[0].variables[0].rows for g in row.groups}
    assert counts & {1, 2, 3, 4}
    for block in figures(section_of(analysis)):
        masked = block.masked(5)
        svg = unescape(figure_svg(masked.draw(False), title="figure"))
        assert "<5/" in svg
        assert not re.search(r">[1-4]/\d+<|: [1-4]/\d+<", svg)
        assert len(masked.data) <= len(block.data)


@pytest.mark.parametrize("groups", [("low",), ("low", "high")])
@pytest.mark.parametrize("n", [1, 3, 12])
def test_poor_data_still_give_a_section(n, groups):
    section = section_of(analysis_of(n=n, groups=groups))
    assert "can't be tested" in text(section)
    for block in figures(section):
        figure_svg(block.draw(True), title="figure")
