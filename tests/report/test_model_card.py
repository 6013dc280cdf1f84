"""Model card and validation page: what they say is what the file holds, and text from a file can't become markup.

Worked by hand and invariants.
"""

import re
from dataclasses import replace

import numpy as np
import pytest

from igfstrat.cohort import read_cohort
from igfstrat.models.validation_curves import HorizonCurves, RiskGroup
from igfstrat.report.document import Document, Paragraph, Section
from igfstrat.report.figures import figure_png
from igfstrat.report.html import render_html
from igfstrat.report.markdown import markdown_text, render_markdown
from igfstrat.report.model_card import model_card
from igfstrat.report.model_wording import (
    added_sentence,
    baseline_sentences,
    figure_text,
    size_sentence,
)
from igfstrat.report.tables import Table
from igfstrat.report.validation_figures import calibration_figure, decision_figure
from igfstrat.report.validation_section import validation_sentences
from igfstrat.workflows.fit_model import fit_model
from igfstrat.workflows.validate_model import validate_model
from tests.cli.cases import as_csv
from tests.cli.test_fit import PLAN, rows_of

HOSTILE = "<script>alert(1)</script> | {{7*7}} [x](javascript:1) `id`"
TEST = {
    "likelihood_ratio": (9.21, None, None),
    "degrees_of_freedom": (1.0, None, None),
    "alpha": (0.05, None, None),
}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("card")
    (folder / "plan.yaml").write_text(PLAN)
    (folder / "cohort.csv").write_bytes(as_csv(rows_of()))
    cohort = read_cohort(folder / "cohort.csv")
    fitted = fit_model(cohort, endpoint="dfs", plan=folder / "plan.yaml", n_replicates=3)
    return cohort, fitted


def table_of(document, caption):
    return next(
        b
        for s in document.sections
        for b in s.blocks
        if isinstance(b, Table) and b.caption.startswith(caption)
    )


def test_card_shows_coefficients_and_performance_of_the_file(made):
    _, fitted = made
    document = model_card(fitted.stored)
    rows = {row[0]: row for row in table_of(document, "Coefficients").rows}
    coef = fitted.stored.pipeline["model"].coefficients()
    assert set(rows) == set(coef.index)
    for name, row in coef.iterrows():
        assert rows[name][2].startswith(f"{row['coef']:.3f}".replace("-", "−"))
        assert rows[name][3].startswith(f"{np.exp(row['coef']):.2f} (")
    performance = {row[0]: row for row in table_of(document, "How good").rows}
    corrected = fitted.corrected.measures["c_harrell"].value
    assert performance["C (Harrell)"][2].startswith(f"{corrected:.3f}")


def test_card_says_what_one_step_of_each_column_is(made):
    _, fitted = made
    units = {row[0]: row[1] for row in table_of(model_card(fitted.stored), "Coefficients").rows}
    for term in fitted.stored.pipeline["design"].terms_:
        for name in set(term.main) & set(units):
            expected = "0 or 1" if hasattr(term, "levels") else f"per SD of {term.scale:.3g}, from the mean "
            assert units[name].startswith(expected)
    assert not any("-" in unit for unit in units.values())


def test_card_sets_the_model_beside_each_baseline_in_c_and_in_accuracy(made):
    _, fitted = made
    rows = {row[0]: row for row in table_of(model_card(fitted.stored), "The model beside").rows}
    found = fitted.comparison.baselines["clinical_only"]
    for name, words in (("c_harrell", "C"), (f"ipa@{fitted.stored.card.horizons[-1]:g}", "IPA at")):
        row = next(
            r
            for key, r in rows.items()
            if key.startswith(f"The other predictors without IGF markers: {words}")
        )
        for cell, figures in zip(row[1:], (found.measures, found.differences), strict=True):
            assert cell.startswith(f"{figures[name].value:.3f} (".replace("-", "−"))


def test_card_shows_survival_at_the_training_means(made):
    """In a Cox model S(t | x) = S0(t) ** exp(risk): any patient gives S0 back."""
    _, fitted = made
    pipeline, table = fitted.stored.pipeline, fitted.sample.predictors.iloc[[5]]
    at = fitted.stored.card.horizons
    s0 = pipeline.predict_survival_function(table, at)[0] ** np.exp(-pipeline.predict(table)[0])
    rows = table_of(model_card(fitted.stored), "Survival of").rows
    assert [row[0] for row in rows] == [f"{t:g} months" for t in at]
    assert [float(row[1]) for row in rows] == pytest.approx(s0.tolist(), abs=5.1e-5)


def test_text_of_a_model_file_cannot_become_markup_in_the_card(made):
    _, fitted = made
    card = replace(fitted.stored.card, name=HOSTILE, population=HOSTILE, limits=HOSTILE, intended_use=HOSTILE)
    document = model_card(replace(fitted.stored, card=card))
    page, text = render_html(document), render_markdown(document)
    assert "<script" not in page
    assert not re.search(r"(?<!\\)<script", text)
    assert not re.search(r"(?<!\\)\[x", text)


def test_markdown_rows_have_as_many_cells_as_their_header():
    table = Table(caption="a", header=("x", "y"), rows=(("1|2", "<b>"), ("3", "4\n5")))
    document = Document(
        title="t", subtitle=(), sections=(Section(key="k", title="s", blocks=(table, Paragraph(text="p"))),)
    )
    lines = [line for line in render_markdown(document).splitlines() if line.startswith("|")]
    assert len(lines) == 4
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in lines} == {3}


@pytest.mark.parametrize(
    ("p", "says"),
    [(0.002, "markers add to the other"), (0.2, "were not shown to add"), (0.05, "were not shown to add")],
)
def test_likelihood_ratio_below_its_level_alone_makes_the_markers_add(p, says):
    assert says in added_sentence(TEST | {"p_value": (p, None, None)})


def test_interval_that_reaches_below_zero_is_written_with_to():
    assert figure_text((-0.1, -0.2, 0.3)) == "−0.100 (−0.200 to 0.300)"
    assert markdown_text("a_b") == r"a\_b"


def test_sample_size_sentence_names_needed_and_present():
    size = {"patients_needed": (898.0, None, None), "events_needed": (130.2, None, None),
            "candidate_parameters": (9.0, None, None), "anticipated_r_squared": (0.086, None, None)}  # fmt: skip
    said = size_sentence(size, 200, 29)
    assert said.endswith("there are 200 patients with 29 events (3.2 a parameter).")
    assert "898 patients with 130 events (14.5 a parameter) for 9 candidate" in said


@pytest.mark.parametrize(
    ("c", "ipa", "verdict"),
    [
        ((0.05, 0.01, 0.09), (0.03, 0.01, 0.05), "better."),
        ((0.05, 0.01, 0.09), (0.03, -0.01, 0.05), "not shown to be better."),
        ((-0.05, -0.09, -0.01), (-0.03, -0.05, -0.01), "worse."),
        ((0.05, None, None), (0.03, 0.01, 0.05), "not shown to be better."),
    ],
)
def test_a_model_is_called_better_only_where_both_intervals_say_so(c, ipa, verdict):
    figures = {
        "c_harrell": (0.6, 0.5, 0.7),
        "over:c_harrell": c,
        "over:ipa@12": (9, 9, 9),
        "over:ipa@60": ipa,
    }
    (said,) = baseline_sentences({"subtype_only": figures})
    assert said.endswith(f", {verdict}")
    (of_test,) = baseline_sentences({"clinical_only": figures})
    assert "better" not in of_test  # the likelihood-ratio test decides
    assert "worse" not in of_test


def test_validation_page_shows_every_measure_and_both_figures_a_horizon(made):
    cohort, fitted = made
    report = validate_model(cohort, model=fitted.stored, endpoint="dfs", n_replicates=3)
    document = report.document
    assert [b.name for b in document.figures] == [
        "calibration_24", "decision_curve_24", "calibration_48", "decision_curve_48"]  # fmt: skip
    assert len(table_of(document, "Here").rows) == len(report.found.measures)
    said = " ".join(validation_sentences(report.found))
    assert f"C (Harrell) {report.found.measures['c_harrell'].value:.3f}" in said
    assert sum(int(row[1]) for row in table_of(document, "Fifths").rows) == 240


@pytest.mark.parametrize("narrow", [True, False])
def test_figures_are_drawn_where_nothing_but_two_groups_is_known(narrow):
    nothing, x = np.full(5, np.nan), np.linspace(0.1, 0.5, 5)
    curves = HorizonCurves(
        at=12.0, predicted=x, smooth=nothing, smooth_lower=nothing, smooth_upper=nothing,
        groups=(RiskGroup(n=5, n_events=1, predicted=0.2, observed=0.3, ci_lower=0.1, ci_upper=0.6),
                RiskGroup(n=5, n_events=0, predicted=0.4, observed=float("nan"), ci_lower=float("nan"), ci_upper=float("nan"))),
        threshold=x, net_benefit=nothing, net_benefit_lower=nothing, net_benefit_upper=nothing, treat_all=0.3 - x,
    )  # fmt: skip
    for drawing in (calibration_figure(curves, narrow=narrow), decision_figure(curves, narrow=narrow)):
        assert figure_png(drawing).startswith(b"\x89PNG")


def test_fifth_without_events_has_no_interval_of_width_zero():
    """By hand: the lower half has no event, the upper half has 2 of 4 by then."""
    from igfstrat.models.validation_curves import _groups

    risk = np.array([0.1] * 4 + [0.5] * 4)
    event = np.array([False] * 4 + [True, True, False, False])
    low, high = _groups(np.array([9.0, 9, 9, 9, 1, 2, 9, 9]), event, risk, 5.0)
    assert (low.n, low.n_events, low.observed) == (4, 0, 0.0)
    assert np.isnan([low.ci_lower, low.ci_upper]).all()
    assert (high.n_events, high.observed) == (2, 0.5)
    assert high.ci_lower < 0.5 < high.ci_upper
