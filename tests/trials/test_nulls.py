"""Nulls, and sizes for one cost. Truth: a hand-worked balance of small effects, and simulation under what was solved."""

import numpy as np
import pytest

from igfstrat.errors import UsageError
from igfstrat.trials import make_scenario
from igfstrat.trials.closed_form.logrank import cox_limit
from igfstrat.trials.closed_form.trial import make_trial
from igfstrat.trials.designs.nulls import false_on_average, make_average_one
from igfstrat.trials.designs.rules import make_rules
from igfstrat.trials.designs.sizing import solve_sizes
from igfstrat.trials.simulation.engine import simulate_trials
from igfstrat.trials.study.operating import simulate_scenario, trial_rows

BASE = {
    "endpoint": "pfs",
    "marker": {"name": "igf1r", "prevalence": {"value": 0.4}},
    "control": {"median": 6},
    "treatment": {"hazard_ratio": {"positive": 0.7, "negative": 0.9}},
    "accrual": {"screened_per_month": 25},
    "costs": {"screen": 800, "patient": 60_000, "month": 150_000},
    "designs": {
        "all_comers": {"n": 300, "events": 200},
        "enrichment": {"n": 200, "events": 120},
        "biomarker_stratified": {"n": 300, "events": 200},
    },
}


def test_a_small_effect_is_balanced_by_its_opposite_in_the_same_share_of_patients():
    near = make_scenario(
        BASE
        | {
            "marker": {"prevalence": {"value": 0.5}},
            "treatment": {"hazard_ratio": {"positive": 0.99, "negative": 1.0}},
        }
    )
    # equal strata without a prognostic effect: log hazard ratios of the same size balance
    assert make_average_one(near, "all_comers")[1] == pytest.approx(1 / 0.99, abs=2e-4)
    third = make_scenario(
        BASE
        | {
            "marker": {"prevalence": {"value": 0.25}},
            "treatment": {"hazard_ratio": {"positive": 0.97, "negative": 1.0}},
        }
    )
    assert np.log(make_average_one(third, "all_comers")[1]) == pytest.approx(-np.log(0.97) / 3, rel=0.02)


def test_where_the_average_is_1_the_overall_statistic_and_the_cox_limit_show_nothing():
    balanced, ratio = make_average_one(make_scenario(BASE), "all_comers")
    assert ratio > 1.1
    trials = simulate_trials(balanced, "all_comers", seed=1, replicates=10_000, threads=2)
    z = trials.z[:, 0, trials.populations.index("overall")]
    assert abs(z.mean()) < 3 / np.sqrt(10_000) + 0.02  # the look comes by events, the integral by time
    assert trials.z[:, 0, trials.populations.index("positive")].mean() > 1
    assert cox_limit(make_trial(balanced, "all_comers"), 17.0) == pytest.approx(1, abs=0.02)


def test_errors_are_reported_for_each_null_and_the_claim_for_positives_is_none_on_average():
    scenario = make_scenario(BASE | {"simulation": {"null": "average_is_one"}})
    told = []
    study = simulate_scenario(scenario, replicates=4_000, n_jobs=2, progress=lambda *a: told.append(a))
    assert told[-1] == (32_000, 32_000)  # effect and two nulls, but the enriched trial has no claim for all
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    limit = 0.025 + 3 * np.sqrt(0.025 * 0.975 / 4_000) + 0.002
    for name, found in study.designs.items():
        assert found.errors["none_in_either"]["any"] == found.type_i_error
        assert ("average_is_one" in found.errors) == (name != "enrichment")
        for error in found.errors.values():
            assert next(iter(error["hypotheses"].values()))["value"] <= limit
    claims = study.designs["biomarker_stratified"].errors["average_is_one"]["hypotheses"]
    assert set(claims) == {"overall"}


def test_a_claim_for_harmed_negatives_is_an_error_like_that_for_all():
    """Against the decisions of the trials themselves, in which some claim the one, some the other and some both."""
    names = ["overall", "positive", "negative"]
    design = {"n": 300, "events": 200, "hypotheses": names, "multiplicity": "bonferroni"}
    truth = {"hazard_ratio": {"positive": 0.95, "negative": 0.9}}
    scenario = make_scenario(
        BASE
        | {
            "designs": {"biomarker_stratified": design},
            "treatment": truth,
            "test": {"alpha": 0.3, "sided": 1},
        }
        | {"simulation": {"null": "average_is_one"}}
    )
    error = simulate_scenario(scenario, replicates=600, seed=3).designs["biomarker_stratified"].errors
    balanced, ratio = make_average_one(scenario, "biomarker_stratified")
    rules = make_rules(scenario, "biomarker_stratified", seed=3)
    rows = trial_rows(
        0, 600, scenario=balanced, design="biomarker_stratified", rules=rules, seed=3, null=False
    )
    overall, _, negative = rows["rejected"].T
    assert (overall != negative).any()
    found = error["average_is_one"]
    assert found["negative_hazard_ratio"] == ratio > 1
    assert found["any"]["value"] == (overall | negative).mean()
    assert {name: share["value"] for name, share in found["hypotheses"].items()} == {
        "overall": overall.mean(),
        "negative": negative.mean(),
    }


def test_where_the_negatives_must_benefit_the_claim_for_positives_is_false():
    assert false_on_average(("overall", "positive", "negative"), 0.8) == ("overall", "positive")
    assert false_on_average(("overall", "positive", "negative"), 1.0) == ("overall", "positive", "negative")


def test_an_average_of_1_that_no_harm_to_negatives_can_bring_is_refused():
    hopeless = BASE | {"marker": {"prevalence": {"value": 0.98}}}
    hopeless |= {"treatment": {"hazard_ratio": {"positive": 0.2, "negative": 1.0}}}
    with pytest.raises(UsageError, match="no hazard ratio in the negatives"):
        make_average_one(make_scenario(hopeless), "all_comers")


def test_designs_of_one_cost_cost_as_much_when_they_are_simulated_afresh():
    designs = BASE["designs"] | {
        "three_looks": {"design": "all_comers", "n": 300, "events": [66, 132, 200]},
        "by_time": {"design": "all_comers", "n": 300, "analysis_times": 18.0},
    }
    scenario = make_scenario(BASE | {"designs": designs, "compare_at": {"cost": 1.5e7}})
    study = simulate_scenario(scenario, replicates=2_000, n_jobs=2, type_i_error=False)
    for name, found in study.designs.items():
        assert found.cost["mean"] == pytest.approx(1.5e7, rel=0.015), name
    sized = solve_sizes(scenario).designs
    assert sized["three_looks"].n > sized["all_comers"].n  # it often ends early, so it may plan for more
    assert sized["by_time"].analysis_times == (18.0,)


def test_a_cost_that_no_size_has_is_refused_with_its_reason():
    for changes, said in (
        ({"compare_at": {"cost": 100.0}}, "patients cost more"),
        ({"compare_at": {"cost": 1e13}}, "patients cost less"),
        ({"compare_at": {"cost": 1e7}, "costs": {}}, "nothing costs anything"),
    ):
        with pytest.raises(UsageError, match=said):
            solve_sizes(make_scenario(BASE | changes))


def test_an_adaptive_design_refuses_what_it_would_leave_out():
    design = {"adaptive_enrichment": {"n": 200, "events": [60, 120], "selection": {"rule": "best"}}}
    scenario = make_scenario(
        BASE
        | {
            "designs": design,
            "test": {"critical_values": "permutation"},
            "overall_survival": {"after_progression": {"median": 9}, "harm": {"p_below": 0.1}},
        }
    )
    with pytest.raises(UsageError) as told:
        simulate_scenario(scenario, replicates=5)
    for word in ("permutation", "harm"):
        assert word in str(told.value)


def test_an_adaptive_design_has_its_error_where_the_average_is_1_of_those_screened():
    """The claim for all is false then, whomever a trial goes on with."""
    keep = {"rule": "threshold", "at_least": -90.0}
    designs = {
        name: {"design": "adaptive_enrichment", "n": 300, "events": [100, 200], "selection": rule}
        for name, rule in (("keep", keep), ("best", {"rule": "best"}))
    }
    scenario = make_scenario(BASE | {"designs": designs, "simulation": {"null": "average_is_one"}})
    study = simulate_scenario(scenario, replicates=4_000, seed=2, n_jobs=2)
    _, ratio = make_average_one(scenario, "keep")
    for found in study.designs.values():
        average = found.errors["average_is_one"]
        assert average["negative_hazard_ratio"] == ratio
        assert average["hypotheses"]["overall"]["value"] <= 0.025 + 3 * np.sqrt(0.025 * 0.975 / 4_000)
    # who always tests everybody errs about as often as planned: the null is the right one
    assert study.designs["keep"].errors["average_is_one"]["hypotheses"]["overall"]["value"] > 0.012
