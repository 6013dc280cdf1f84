"""What a page says of each design and of other truths. Truth: the scenario as written, and the numbers of the results."""

import math
from dataclasses import replace

import pytest

from igfstrat.report.history_section import replay_sections, replay_sentences
from igfstrat.report.study_outlook import open_words, outlook_sections
from igfstrat.report.study_plans import WHO, plan_table
from igfstrat.report.study_wording import assumption_words
from igfstrat.report.tables import Table
from igfstrat.trials import make_scenario
from igfstrat.trials.scenario import read_scenario
from igfstrat.trials.study.replay import Replay, ReplayedNumber
from igfstrat.workflows.enrichment_study import enrichment_study
from tests.report.test_study_selection import SCENARIO


@pytest.fixture(scope="module")
def study():
    return enrichment_study(SCENARIO | {"name": "adaptive"}, replicates=60, seed=1)


def test_go_or_no_go_is_told_with_its_limit_and_that_a_prior_has_a_say():
    rows = {row[0]: row[1:] for row in plan_table(read_scenario("adaptive_enrichment")).rows}
    assert rows["all_comers"] == ("Enrols everybody; tests everybody.", "500", "350 events")
    words, patients, looks = rows["go_no_go"]
    assert (
        "hazard ratio is below 0.85 with a probability of 50 % or more, by the interim and a prior" in words
    )
    assert (patients, looks) == ("500", "150, 350 events")
    assert "conditional power is 30 % or more" in rows["conditional_power"][0]
    assert "stage in which they were recruited" in rows["by_patient"][0]


def test_limits_that_differ_by_hypothesis_are_told_with_whom():
    design = {"n": 105, "events": [40, 100], "selection": {"rule": "conditional_power", "at_least": {"overall": 0.5, "positive": 0.2}}}  # fmt: skip
    words = plan_table(make_scenario(SCENARIO | {"designs": {"adaptive_enrichment": design}})).rows[0][1]
    assert "conditional power is 50 % in everybody, 20 % in positives or more" in words


def test_sizes_that_are_solved_for_are_not_told_as_written():
    designs = {"all_comers": {"n": 150, "events": 60}}
    assert plan_table(
        make_scenario(SCENARIO | {"designs": designs, "compare_at": {"power": 0.8}})
    ).header == (
        "Design",
        "What it does",
    )


@pytest.mark.parametrize(
    "name",
    ["adaptive_threshold", "adaptive_enrichment", "igf1r_enrichment", "history/xenera_1", "history/n9831"],
)
def test_every_design_of_the_packaged_scenarios_has_words_without_keys(name):
    for _, words, *_ in plan_table(read_scenario(name)).rows:
        assert words.endswith(".")
        assert "_" not in words
        assert "None" not in words


def test_goes_on_stands_in_a_row_a_truth_with_a_column_a_hypothesis(study):
    blocks = outlook_sections(study.plan.scenario, study.points[0], study.outlook)[0].blocks
    table = next(b for b in blocks if isinstance(b, Table) and b.caption == "How often an interim goes on")
    truths = study.outlook.truths
    assert len(table.rows) == len(truths)
    assert table.header[3:] == tuple(f"Test in {WHO[h]} goes on, %" for h in ("overall", "positive"))
    for row, truth in zip(table.rows, truths, strict=True):
        (interim,) = truth.goes_on["adaptive_enrichment"]
        for cell, hypothesis in zip(row[3:], ("overall", "positive"), strict=True):
            assert cell.startswith(f"{100 * interim[hypothesis]['value']:.1f}")


def test_an_enriched_trial_alone_is_never_said_to_claim_for_all(study):
    share = {"value": 0.6, "mc_standard_error": 0.01}
    none = {"value": 0.0, "mc_standard_error": 0.01}
    claims = {"none": none, "positive": share, "negative": none, "both": none}
    truths = tuple(replace(t, claims={"enrichment": claims}) for t in study.outlook.truths)
    (words,) = open_words(replace(study.outlook, truths=truths))
    assert "enrichment would claim it for positives in 60.0 % of its trials." in words
    assert "most often" not in words
    assert "for all: 0.0" not in words


def test_a_path_without_words_of_its_own_is_told_as_it_is():
    assert assumption_words("treatment.hazard_ratio.positive") == "hazard ratio in positives"
    assert assumption_words("designs.a.n") == "patients of a"
    assert assumption_words("designs.a.spending") == "designs.a.spending"


def test_observed_numbers_outside_the_range_are_named_with_their_patients_and_arm():
    number = ReplayedNumber(
        quantity="median", population="positive", arm="experimental", observed=12.7, median=20.0, lower=15.0, upper=math.inf,
        inside=False, at_most={"value": 0.01, "mc_standard_error": 0.002},
    )  # fmt: skip
    replay = Replay(
        truth="own_estimate", hazard_ratio={"positive": 1.19, "negative": 1.19}, design="enrichment", replicates=9, numbers=(number,)
    )  # fmt: skip
    assert replay_sentences([replay]) == (
        "Under the truth “own estimate” (hazard ratio 1.19) the observed median in positives on experimental lies outside the"
        " simulated 95 % range.",
    )


@pytest.mark.parametrize(
    ("quantity", "shown"), [("hazard_ratio", ("1.00", "1.00 (0.83 to infinite)")), ("median", ("1.0", "1.0 (0.8 to infinite)"))]
)  # fmt: skip
def test_simulated_ratios_have_two_decimals_and_times_one(quantity, shown):
    number = ReplayedNumber(
        quantity=quantity, population="overall", arm=None, observed=1.0, median=0.9999, lower=0.828, upper=math.inf,
        inside=True, at_most={"value": 0.5, "mc_standard_error": 0.01},
    )  # fmt: skip
    replay = Replay(
        truth="null",
        hazard_ratio={"positive": 1.0, "negative": 1.0},
        design="a",
        replicates=9,
        numbers=(number,),
    )
    (section,) = replay_sections([replay], time_unit="months")
    (table,) = section.blocks
    assert table.rows[0][3:5] == shown


@pytest.mark.parametrize(
    ("stated", "is_said"),
    [
        ({}, True),
        ({"increments": "independent_increments", "allow_invalid_increments": True}, False),
        ({"selection": {"rule": "best"}}, False),
    ],
)
def test_stages_by_patients_are_told_where_another_endpoint_selects_and_nothing_is_stated(stated, is_said):
    design = {
        "design": "adaptive_enrichment",
        "n": 400,
        "events": [60, 200],
        "selection": {"rule": "best", "endpoint": "pfs"},
    }
    scenario = make_scenario(
        {
            "endpoint": "os",
            "marker": {"prevalence": {"value": 0.5}},
            "control": {"median": 6},
            "overall_survival": {"after_progression": {"median": 4}},
            "accrual": {"randomized_uniformly_over": 8},
            "designs": {"adaptive": design | stated},
        }
    )
    ((_, words, *_),) = plan_table(scenario).rows
    assert ("stage in which they were recruited" in words) == is_said
