"""Sections of adjusted comparisons and of treatment by marker (invariants: every number is one of the results)."""

import json
import re

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex

from igfstrat.analysis import AnalysisSettings, Grouping
from igfstrat.analysis.adjusted import adjust_groups
from igfstrat.analysis.treatment import analyse_treatment
from igfstrat.cohort import Endpoint
from igfstrat.report.adjusted_figures import standardized_figure
from igfstrat.report.adjusted_section import adjusted_section
from igfstrat.report.document import FigureBlock, Paragraph
from igfstrat.report.figures import COLOURS, figure_svg
from igfstrat.report.tables import Table
from igfstrat.report.treatment_section import treatment_section

GROUPING = Grouping(name="igf1r_status", title="IGF-1R status", rule="")
HOSTILE = "<b>$x^2$</b> _" + "שלום " * 4 + "long " * 50 + "end"


def made(n=160, high="high", missing=0.0):
    rng = np.random.default_rng(2)
    age = rng.normal(60, 10, n)
    groups = np.where(rng.random(n) < 1 / (1 + np.exp(-0.05 * (age - 60))), high, "low").astype(object)
    time, follow_up = rng.exponential(50, n) * np.exp(-0.03 * (age - 60)), rng.uniform(65, 110, n)
    endpoint = Endpoint(
        name="dfs", title="Disease-free survival", time=np.minimum(time, follow_up), event=time < follow_up,
        reasons=("",) * n, source_unit="months",
    )  # fmt: skip
    frame = pd.DataFrame({"age": age, "stage": pd.Series(rng.choice(["I", "II"], n), dtype=object)})
    if missing:
        frame.loc[rng.random(n) < missing, "age"] = np.nan
    return endpoint, groups, frame, rng


def adjusted(*, high="high", missing="complete_case", gone=0.0, columns=("age", "stage"), **more):
    endpoint, groups, frame, _ = made(high=high, missing=gone)
    return adjust_groups(
        endpoint, groups=groups, order=["low", high], covariates=frame[list(columns)],
        titles={"age": "Age", "stage": "Stage"}, grouping=GROUPING, settings=AnalysisSettings(missing=missing),
        replicates=100, imputations=5, **more,
    )  # fmt: skip


def treated(*, high="high", arm=None):
    endpoint, groups, _, rng = made(high=high)
    arms = rng.choice(["A", "B"], len(groups)) if arm is None else np.full(len(groups), arm)
    return analyse_treatment(
        endpoint, groups=groups, order=["low", high], treatment=arms.astype(object), experimental="A",
        title="Arm", grouping=GROUPING, settings=AnalysisSettings(),
        measure=("IGF-1R H-score", rng.normal(100, 30, len(groups))),
    )  # fmt: skip


SECTIONS = {
    "adjusted": lambda: (adjusted(), adjusted_section),
    "imputed": lambda: (adjusted(missing="multiple_imputation", gone=0.2), adjusted_section),
    "treatment": lambda: (treated(), treatment_section),
}


def texts(section):
    for block in section.blocks:
        if isinstance(block, Paragraph):
            yield block.text
        elif isinstance(block, FigureBlock):
            yield block.alternative
        else:
            yield from (cell for row in (block.header, *block.rows, block.footnotes) for cell in row)
    yield from section.methods


def without_curves(value):
    """The result without the points of its curves, among which any number could be found."""
    if isinstance(value, dict):
        return {
            name: without_curves(item)
            for name, item in value.items()
            if not (name in {"time", "survival", "ci_lower", "ci_upper"} and isinstance(item, list))
        }
    return [without_curves(item) for item in value] if isinstance(value, list) else value


def numbers_of(value):
    if isinstance(value, dict):
        for name, item in value.items():
            yield from numbers_of(item)
            yield from numbers_of(name)
    elif isinstance(value, list):
        for item in value:
            yield from numbers_of(item)
    elif isinstance(value, str):
        yield from (float(x) for x in re.findall(r"\d+(?:\.\d+)?", value))
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield float(value)


@pytest.mark.parametrize("kind", SECTIONS)
def test_every_displayed_number_is_one_of_the_result_rounded(kind):
    result, render = SECTIONS[kind]()
    known = np.array(sorted(set(numbers_of(without_curves(result.to_dict())))))
    scaled = np.abs(np.concatenate([known, known * 100, known / 12]))
    words = re.compile(r"IGF-1R|95 %|1 df|IGF-1|0/1 columns|below 1 |2 df")
    checked = 0
    for text in texts(render(result)):
        plain = words.sub("", text).replace("−", "-").replace("< 0.001", "")
        for shown in re.findall(r"(?<![\w.])\d+(?:\.\d+)?", plain):
            digits = len(shown.partition(".")[2])
            assert np.abs(scaled - float(shown)).min() <= 0.5000001 * 10**-digits, (shown, text)
            checked += 1
    assert checked > 60


@pytest.mark.parametrize("kind", SECTIONS)
def test_no_sentence_says_causal_or_significant(kind):
    result, render = SECTIONS[kind]()
    section = render(result)
    said = " ".join([*texts(section), *section.limitations, section.title])
    assert not re.search(r"\bcausal\b|caused by|significant", said, re.IGNORECASE)


def test_the_adjusted_section_says_standardized_and_that_a_marker_is_no_intervention():
    section = adjusted_section(adjusted())
    said = " ".join(texts(section))
    assert "A marker is no intervention" in said
    assert "standardized" in said
    assert {type(b) for b in section.blocks} == {Paragraph, Table, FigureBlock}


def test_the_treatment_section_says_the_interaction_before_any_effect_and_warns_of_prognosis():
    blocks = treatment_section(treated()).blocks
    kinds = [
        "interaction" if "effect is shown" in b.text or "differs" in b.text else "warning"
        if "prognosis, not prediction" in b.text else "other"
        for b in blocks if isinstance(b, Paragraph)
    ]  # fmt: skip
    assert kinds[1:5] == ["interaction", "interaction", "interaction", "warning"]
    first_table = next(i for i, b in enumerate(blocks) if isinstance(b, Table))
    assert all(isinstance(b, Paragraph) for b in blocks[:5])
    assert first_table > 5


def test_imputation_says_how_it_pools_and_that_medians_are_not_pooled():
    section = adjusted_section(adjusted(missing="multiple_imputation", gone=0.2))
    said = " ".join(section.methods)
    assert "imputed 5 times" in said
    assert "complementary log-log" in said
    assert "Medians are not pooled" in said
    assert any("White IR" in reference for reference in section.references)


def test_nothing_to_adjust_for_is_said_and_is_all_that_is_said():
    section = adjusted_section(adjusted(columns=()))
    assert [b.text for b in section.blocks] == [
        "No adjusted comparison can be made: the plan names no covariates."
    ]
    one_arm = treatment_section(treated(arm="B"))
    assert "no patient had the experimental treatment" in one_arm.blocks[0].text


@pytest.mark.parametrize("narrow", [False, True])
@pytest.mark.parametrize("kind", ["adjusted", "treatment"])
def test_hostile_labels_are_complete_and_escaped_in_every_figure(kind, narrow):
    section = (
        adjusted_section(adjusted(high=HOSTILE)) if kind == "adjusted" else treatment_section(treated(high=HOSTILE))
    )  # fmt: skip
    seen = 0
    for block in section.blocks:
        if not isinstance(block, FigureBlock):
            continue
        svg = figure_svg(block.draw(narrow), title=block.caption)
        assert "<b>" not in svg
        assert svg == figure_svg(block.draw(narrow), title=block.caption)
        if not block.name.startswith("balance"):
            seen += 1
            assert svg.count("long") >= 50
            assert "&lt;b&gt;$x^2$" in svg
    assert seen == 1


def test_the_standardized_figure_draws_the_curves_of_the_result():
    result = adjusted()
    axes = standardized_figure(result).axes[0]
    lines = {to_hex(line.get_color()).upper(): line for line in axes.lines}
    for colour, group in zip(COLOURS, result.standardized[0].groups, strict=False):
        line = lines[colour.upper()]
        np.testing.assert_array_equal(line.get_xdata(), [0, *group.time])
        np.testing.assert_array_equal(line.get_ydata(), [1, *group.survival])


def test_where_small_counts_are_hidden_curves_show_only_every_so_many_th_step():
    block = next(b for b in adjusted_section(adjusted()).blocks if isinstance(b, FigureBlock))
    hidden = block.masked(5)
    assert len(hidden.data) <= len(block.data) / 5 + 6
    assert set(hidden.data) < set(block.data)


@pytest.mark.parametrize("kind", SECTIONS)
def test_results_are_plain_json_and_figure_data_are_their_numbers(kind):
    result, render = SECTIONS[kind]()
    known = set(numbers_of(json.loads(json.dumps(result.to_dict(), allow_nan=False))))
    for block in render(result).blocks:
        if isinstance(block, FigureBlock):
            shown = [x for row in block.data for x in row if isinstance(x, float)]
            assert shown
            assert set(shown) <= known
