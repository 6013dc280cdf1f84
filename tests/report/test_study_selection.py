"""Tables of adaptive designs. Truth: the numbers of the results themselves."""

from igfstrat.report.study_selection import selection_tables
from igfstrat.trials import make_scenario
from igfstrat.trials.study.operating import simulate_scenario

SCENARIO = {
    "endpoint": "os",
    "marker": {"prevalence": {"value": 0.4}},
    "control": {"median": 12},
    "accrual": {"screened_per_month": 20},
    "designs": {
        "all_comers": {"n": 150, "events": 60},
        "adaptive_enrichment": {"n": 105, "events": [40, 100], "selection": {"rule": "best"}},
    },
}


def test_selection_estimates_and_causes_are_shown_as_they_were_counted():
    study = simulate_scenario(make_scenario(SCENARIO), replicates=60, seed=1, type_i_error=False)
    designs = list(study.designs.values())
    found = designs[1]
    enrolled, estimates, causes = selection_tables(designs)
    share = found.selected["interims"][0]["goes_on_in"]["positive"]["value"]
    assert str(round(100 * share, 1)) in enrolled.rows[0][3]
    assert [row[3] for row in estimates.rows] == ["naive", "conditional", "shrunken"] * 2
    assert causes.rows[0][1] == "too few events after selection"


def test_designs_without_adaptation_have_no_such_tables():
    design = {"designs": {"all_comers": SCENARIO["designs"]["all_comers"]}}
    study = simulate_scenario(make_scenario(SCENARIO | design), replicates=20, seed=1, type_i_error=False)
    assert selection_tables(list(study.designs.values())) == []
