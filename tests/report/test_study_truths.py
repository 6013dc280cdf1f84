"""Tables beside the main one of a study. Truth: the numbers of the results that they show."""

import re

import pytest

from igfstrat.report.study_truths import death_table, missing_forms, null_table
from igfstrat.trials import make_scenario
from igfstrat.trials.study.operating import simulate_scenario

SCENARIO = {
    "endpoint": "pfs",
    "marker": {"name": "igf1r", "prevalence": {"value": 0.4}},
    "control": {"median": 6},
    "treatment": {"hazard_ratio": {"positive": 0.6, "negative": 0.95}},
    "overall_survival": {
        "after_progression": {"median": 9},
        "crossover": {"probability": 0.4, "hazard_ratio": 0.8},
        "harm": {"p_below": 0.1},
    },
    "accrual": {"screened_per_month": 30},
    "costs": {"patient": 60_000},
    "designs": {"all_comers": {"n": 200, "events": 120}, "enrichment": {"n": 150, "events": 90}},
    "simulation": {"null": "average_is_one"},
}


@pytest.fixture(scope="module")
def designs():
    return list(simulate_scenario(make_scenario(SCENARIO), replicates=300).designs.values())


def test_false_claims_stand_by_truth_and_claim(designs):
    rows = null_table(designs).rows
    assert [row[:3] for row in rows[:1]] == [("all_comers", "no effect in either", "overall")]
    average = designs[0].errors["average_is_one"]
    assert rows[1][1] == f"average 1: negatives {average['negative_hazard_ratio']:.3f}"
    assert rows[1][3].startswith(f"{100 * average['hypotheses']['overall']['value']:.2f} (")
    assert len(rows) == 3
    assert null_table([d for d in designs if d.name == "enrichment"]) is None


def test_death_and_harm_stand_beside_the_truth(designs):
    rows = death_table(designs).rows
    found = designs[0].overall_survival
    assert float(rows[0][2]) == pytest.approx(found["hazard_ratio"]["true"], abs=5e-4)
    assert rows[0][4].startswith(f"{100 * found['harm']['value']:.1f} (")
    assert rows[0][5].startswith(f"{100 * found['harm_without_effect']['value']:.1f} (")


def test_a_missing_closed_form_says_why(designs):
    texts = [paragraph.text for paragraph in missing_forms(designs)]
    assert len(texts) == 2
    assert all("may stop for harm" in text for text in texts)


def test_the_page_says_crossover_harm_and_what_sizes_were_solved_for(tmp_path):
    from igfstrat.workflows.enrichment_study import enrichment_study

    page = enrichment_study(SCENARIO | {"compare_at": {"cost": 9e6}}, replicates=50).page()
    text = re.sub(r"\s+", " ", page)
    for words in (
        "40 % of the control patients take the experimental treatment",
        "a one-sided p-value below 0.1",
        "cost 9,000,000 EUR on average",
        "False claims",
        "Overall survival",
    ):
        assert words in text, words
    assert "also the cheapest" not in text
