"""What a report says, and in which order. Worked by hand, on cohorts made to show one thing."""

import numpy as np
import pytest

from igfstrat.report import survival_document
from igfstrat.report._fit import ems, wrap
from igfstrat.report.document import Paragraph, Section
from igfstrat.report.figures import drawn_numbers, survival_figure
from igfstrat.report.remark_section import ITEMS, NOT_PROVIDED
from igfstrat.report.sentences import key_sentences
from igfstrat.report.xlsx import sheet_name
from igfstrat.workflows.survival_report import survival_report
from tests.cli.cases import as_csv, clean_rows
from tests.report.cases import plain_report


def report_of(folder, time, event, arm):
    rows = [
        {**row, "arm": a, "dfs_months": f"{t:.2f}", "dfs_event": str(int(e))}
        for row, t, e, a in zip(clean_rows(len(time)), time, event, arm, strict=True)
    ]
    (folder / "c.csv").write_bytes(as_csv(rows))
    return survival_report(folder / "c.csv", endpoint="dfs", by="arm", plan="breast").report


@pytest.fixture(scope="module")
def crossing(tmp_path_factory):
    # one arm loses a half early and none later, the other none early and all late
    rng = np.random.default_rng(3)
    early = np.where(rng.random(100) < 0.5, rng.uniform(1, 6, 100), 60.0)
    time = np.concatenate([early, rng.uniform(30, 50, 100)])
    return report_of(tmp_path_factory.mktemp("x"), time, time < 60, ["a"] * 100 + ["b"] * 100)


def text_of(report, key):
    return " ".join(
        b.text
        for s in survival_document(report).sections
        if s.key == key
        for b in s.blocks
        if isinstance(b, Paragraph)
    )


def test_crossing_curves_get_no_hazard_ratio_in_the_summary(crossing):
    said = text_of(crossing, "summary")
    assert "the hazard ratio is" not in said
    assert "no single hazard ratio describes it" in said


def test_crossing_curves_get_their_difference_in_mean_time_before_the_warning(crossing):
    said = " ".join(key_sentences(crossing, crossing.endpoints[0]))
    assert said.index("the mean survival time of b differs") < said.index("The effect changes with time")


def test_planned_test_stays_the_headline_under_crossing_curves(crossing):
    assert "by the planned log-rank test" in key_sentences(crossing, crossing.endpoints[0])[1]


def test_fewer_than_ten_events_in_a_group_say_what_is_excluded(tmp_path):
    rng = np.random.default_rng(1)
    time, event = rng.uniform(5, 60, 60), np.arange(60) % 5 == 0
    said = text_of(report_of(tmp_path, time, event, ["a", "b"] * 30), "summary")
    assert "no hazard ratio against a is stated; the data exclude values below " in said
    assert "the hazard ratio is" not in said


def test_p_value_of_one_among_two_endpoints_is_said_to_be_uncorrected():
    assert text_of(plain_report(), "summary").count("not corrected for the 2 endpoints compared") == 2


def test_word_significant_is_nowhere_but_in_what_others_reported():
    said = " ".join(
        b.text for s in survival_document(plain_report()).sections if s.key != "evidence" for b in s.blocks
        if isinstance(b, Paragraph)
    )  # fmt: skip
    assert "significant" not in said


@pytest.mark.parametrize(("n", "event"), [(1, True), (1, False), (4, False), (4, True)])
def test_report_comes_from_hardly_any_data(tmp_path, n, event):
    report = report_of(tmp_path, np.arange(1.0, n + 1), np.full(n, event), ["a"] * n)
    said = text_of(report, "summary")
    assert "can't be made: only one group" in said


def test_sections_of_others_take_their_places_and_parts_stay_in_their_endpoint():
    def section(key, level=2):
        return Section(key=key, title=key, blocks=(), level=level)

    more = [section("register"), section("cutpoint_dfs_igf1", 3), section("pairwise_dfs", 3), section("adjusted"),
            section("adjusted_more", 3), section("something_new"), section("evidence"), section("table_one")]  # fmt: skip
    keys = [s.key for s in survival_document(plain_report(), more).sections]
    assert keys == [
        "summary", "flow", "table_one", "survival_dfs", "pairwise_dfs", "cutpoint_dfs_igf1", "survival_pfs", "adjusted",
        "adjusted_more", "something_new", "evidence", "methods", "remark", "limitations", "references", "register",
    ]  # fmt: skip


def test_section_with_the_key_of_a_built_in_one_stands_in_for_it():
    mine = Section(key="evidence", title="compared", blocks=())
    found = [s for s in survival_document(plain_report(), [mine]).sections if s.key == "evidence"]
    assert found == [mine]


def test_methods_references_and_limitations_of_sections_are_gathered_once():
    extra = Section(key="adjusted", title="", blocks=(), methods=("Weights were used.",), references=("Zz A. 2000.",),
                    limitations=("No weights beyond 10.",))  # fmt: skip
    report = plain_report()
    found = {
        s.key: [b.text for b in s.blocks if isinstance(b, Paragraph)]
        for s in survival_document(report, [extra, extra]).sections
    }
    assert found["methods"].count("Weights were used.") == 1
    assert found["references"][-1] == "Zz A. 2000."
    assert found["limitations"].count("No weights beyond 10.") == 1
    assert any(report.versions["igfstrat"] in text for text in found["methods"])


def test_remark_has_20_items_and_says_what_it_cannot_know():
    section = next(s for s in survival_document(plain_report()).sections if s.key == "remark")
    answers = dict(section.blocks[1].rows)
    assert len(answers) == len(ITEMS) == 20
    assert answers["9. Sample size: its reason"] == NOT_PROVIDED
    assert answers["12. Flow of patients, events"].startswith("DFS: 200 patients")
    assert answers["17. Marker and standard factors in one model"] == NOT_PROVIDED


def test_remark_points_to_the_adjusted_model_where_there_is_one():
    adjusted = Section(key="adjusted", title="Adjusted for age", blocks=())
    section = next(s for s in survival_document(plain_report(), [adjusted]).sections if s.key == "remark")
    assert (
        dict(section.blocks[1].rows)["17. Marker and standard factors in one model"]
        == "section Adjusted for age"
    )


@pytest.mark.parametrize("narrow", [False, True])
def test_curve_of_very_many_patients_is_drawn_on_at_most_2000_points(tmp_path, narrow):
    n = 12_000
    rng = np.random.default_rng(0)
    report = report_of(tmp_path, rng.uniform(1, 99, n), rng.random(n) < 0.7, ["a", "b"] * (n // 2))
    result = report.endpoints[0]
    assert len(result.groups[0].curve.time) > 4_000
    axes = survival_figure(result, narrow=narrow).axes[0]
    assert max(len(line.get_xdata()) for line in axes.lines) <= 2_001
    assert len(drawn_numbers(result)) <= 2 * 2_000


@pytest.mark.parametrize("text", ["", "one", "W" * 300, "two words and more " * 20, "陽性" * 40])
def test_wrapped_text_is_complete_and_no_line_is_too_wide(text):
    lines = wrap(text, 20).split("\n")
    assert "".join("".join(lines).split()) == "".join(text.split())
    assert all(ems(line) <= 20 for line in lines)


def test_sheet_names_are_unique_and_legal():
    taken = set()
    names = [sheet_name(c, taken) for c in ("a/b:c", "A B C", "x" * 40, "x" * 41, "History", "", "'q'")]
    assert len({n.lower() for n in names}) == 7
    assert all(0 < len(n) <= 31 and not set(n) & set("[]:*?/\\'") for n in names)
    assert "history" not in {n.lower() for n in names}
