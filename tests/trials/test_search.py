"""The cheapest design: five problems whose optimum is known in closed form, found by brute force beside the search.

The oracle knows nothing of the search's own sizing, pruning and simulation: it sizes every candidate by root finding on
the drift integral, and takes the least expected cost. The other tests are invariants.
"""

import numpy as np
import pytest
from scipy.optimize import brentq

from igfstrat.errors import ConfigError, UsageError
from igfstrat.trials import make_scenario, read_scenario
from igfstrat.trials.designs.expected import expected_course
from igfstrat.trials.designs.least_events import least_events
from igfstrat.trials.designs.power import closed_power
from igfstrat.trials.designs.rules import make_rules
from igfstrat.trials.search import sensitivity
from igfstrat.trials.search.cheapest import LEFT_OUT, search_designs
from igfstrat.trials.search.rows import SIZED, simulated_rows, with_events
from igfstrat.trials.search.sensitivity import sized_scenario, swing_designs, value_of_prevalence
from igfstrat.trials.search.space import make_space
from igfstrat.trials.study.operating import simulate_scenario, trial_rows

BASE = {
    "endpoint": "os",
    "marker": {"name": "igf1r", "prevalence": {"value": 0.3}},
    "control": {"median": 12},
    "accrual": {"screened_per_month": 60},
    "designs": {"all_comers": {"n": 300, "events": 200}, "enrichment": {"n": 150, "events": 100}},
    "simulation": {"replicates": 400, "seed": 7},
}
COSTS = {"screen": 500, "patient": 50_000, "month": 100_000}
ASSAYS = [
    {"name": "cheap", "marker.assay.sensitivity": 0.7, "marker.assay.specificity": 0.8, "costs.screen": 100},
    {"name": "good", "marker.assay.sensitivity": 0.95, "marker.assay.specificity": 0.97, "costs.screen": 900},
]
PROBLEMS = {
    "an effect in positives alone": (
        {"treatment": {"hazard_ratio": {"positive": 0.5, "negative": 1.0}}, "costs": COSTS},
        "enrichment",
    ),
    "the same effect in everybody, dear screening": (
        {"treatment": {"hazard_ratio": 0.6}, "costs": COSTS | {"screen": 20_000}},
        "all_comers",
    ),
    "patients against months": (
        {
            "treatment": {"hazard_ratio": 0.55},
            "costs": {"patient": 40_000, "month": 1_000_000},
            "search": {"patients_per_event": [1.05, 1.2, 1.5, 2.0, 3.0]},
        },
        "all_comers",
    ),
    "a cheap assay or a good one": (
        {
            "treatment": {"hazard_ratio": {"positive": 0.5, "negative": 1.0}},
            "costs": COSTS,
            "search": {"over": {"assay": ASSAYS}},
        },
        "enrichment, assay good",
    ),
    "looks that save months": (
        {
            "treatment": {"hazard_ratio": 0.6},
            "costs": {"month": 1_000_000},
            "search": {"looks": [1, 2, 4]},
            "designs": {"all_comers": {"n": 300, "events": 200}},
        },
        "all_comers, 4 looks",
    ),
}


def brute_force(scenario, power):
    """Label, events and expected cost of the cheapest candidate, sized by root finding."""
    space = make_space(scenario, power=power)
    found = []
    for i in range(len(space)):
        candidate = space.candidate(i)
        one = space.scenario(candidate)

        def excess(events, one=one, design=candidate.design):
            sized = with_events(one, design, round(events))
            return closed_power(sized, design, make_rules(sized, design, seed=0))["power"] - power

        if excess(4_000) < 0:
            continue
        root = round(brentq(excess, 8, 4_000, xtol=1.0))
        events = next(e for e in range(root - 3, root + 4) if excess(e) >= 0)
        cost = expected_course(with_events(one, candidate.design, events), candidate.design)["cost"]
        found.append((cost, candidate.label, events))
    return min(found)


@pytest.mark.parametrize("problem", PROBLEMS)
def test_search_finds_the_known_optimum(problem):
    change, known = PROBLEMS[problem]
    scenario = make_scenario(BASE | change)
    cost, label, events = brute_force(scenario, 0.9)
    found = search_designs(scenario, power=0.9, replicates=400)
    assert found.space.candidate(found.best).label == label
    assert label.startswith(known)
    assert found.closed["last_events"][found.best] == events
    assert found.closed["cost"][found.best] == pytest.approx(cost, rel=1e-12)
    gap = found.simulated["cost"][found.best] - cost
    # looks come at random times, the closed form puts them at their mean
    assert abs(gap) <= 4 * found.simulated["cost_se"][found.best] + 0.01 * cost


def searched(**more):
    change = {
        "treatment": {"hazard_ratio": {"positive": 0.5, "negative": 0.9}},
        "costs": COSTS,
        "search": {"looks": [1, 2], "patients_per_event": [1.2, 1.6], "powers": [0.8], "prune": False},
    }
    return make_scenario(BASE | change | more)


def test_no_design_of_the_frontier_is_dominated_and_every_other_one_is():
    found = search_designs(searched(), power=0.9, replicates=200)
    points = np.column_stack(
        [-found.simulated["power"], found.simulated["cost"], found.simulated["duration"]]
    )
    assert (found.state == SIZED).all()
    for i, point in enumerate(points):
        others = np.delete(points, i, axis=0)
        beaten = ((others <= point).all(axis=1) & (others < point).any(axis=1)).any()
        assert beaten != found.frontier[i]


def test_workers_and_resumed_searches_give_the_same_numbers(tmp_path):
    alone = search_designs(searched(), power=0.9, replicates=100)
    kept = search_designs(searched(), power=0.9, replicates=100, n_jobs=2, checkpoints=tmp_path)
    for path in sorted(tmp_path.iterdir())[::2]:
        path.unlink()
    again = search_designs(searched(), power=0.9, replicates=100, checkpoints=tmp_path)
    for other in (kept, again):
        for name, values in alone.simulated.items():
            assert values.tobytes() == other.simulated[name].tobytes(), name
        assert other.finalists == alone.finalists


def test_what_is_left_out_is_dearer_and_slower_than_something_that_was_simulated():
    scenario = searched(search={"looks": [1, 2, 3], "patients_per_event": [1.2, 1.6]})
    found = search_designs(scenario, power=0.9, replicates=100)
    left, kept = np.flatnonzero(found.state == LEFT_OUT), np.flatnonzero(found.state == SIZED)
    assert len(left)
    for i in left:
        cheaper = found.closed["cost"][kept] < found.closed["cost"][i]
        assert (cheaper & (found.closed["duration"][kept] < found.closed["duration"][i])).any()


def test_limits_leave_out_what_lasts_too_long():
    free = search_designs(searched(), power=0.9, replicates=200)
    most = float(free.simulated["duration"][free.best]) - 1
    bound = searched(search={"looks": [1, 2], "patients_per_event": [1.2, 1.6], "limits": {"duration": most}})
    found = search_designs(bound, power=0.9, replicates=200)
    assert found.best is None or found.simulated["duration"][found.best] <= most


def test_without_any_effect_there_is_no_best_design():
    found = search_designs(make_scenario(BASE | {"costs": COSTS}), power=0.9, replicates=100)
    assert found.best is None
    assert not found.frontier.any()
    assert list(found.counts.values()) == [2]


def test_choices_that_cannot_be_had_together_are_counted_and_the_others_go_on():
    both = {"assay": [{"marker.assay.sensitivity": 0.3, "marker.assay.specificity": s} for s in (0.6, 0.9)]}
    scenario = make_scenario(
        BASE | {"treatment": {"hazard_ratio": 0.6}, "costs": COSTS, "search": {"over": both}}
    )
    found = search_designs(scenario, power=0.9, replicates=100)
    assert (found.state == 2).sum() == 2  # sensitivity 0.3 with specificity 0.6, in either design
    assert found.best is not None


def test_a_design_of_two_hypotheses_and_two_looks_is_sized_by_simulation():
    scenario = searched(
        designs={"biomarker_stratified": {"n": 300, "events": 200}}, search={"looks": [2]}, costs=COSTS
    )
    found = search_designs(scenario, power=0.8, replicates=2_000)
    assert np.isnan(found.closed["power"]).all()
    assert found.simulated["power"][0] == pytest.approx(0.8, abs=0.03)


@pytest.mark.parametrize("design", ["biomarker_stratified", "all_comers", "enrichment"])
def test_simulated_candidates_end_as_the_trials_of_a_study_do(design):
    one = {"n": 300, "events": [100, 200], "futility": {"z": [0.0]}}
    scenario = make_scenario(
        BASE | {"treatment": {"hazard_ratio": {"positive": 0.6, "negative": 0.9}}, "designs": {design: one}}
    )
    found = simulated_rows(scenario, design, seed=3, first=5, replicates=200)
    rules = make_rules(scenario, design, seed=3)
    whole = trial_rows(5, 205, scenario=scenario, design=design, rules=rules, seed=3, null=False)
    for name, values in found.items():
        assert values.tobytes() == whole[name].tobytes(), name


def test_an_adaptive_candidate_is_simulated_with_its_selection():
    adaptive = {
        "design": "adaptive_enrichment",
        "n": 300,
        "events": [80, 200],
        "selection": {"rule": "conditional_power", "at_least": 0.3},
    }
    truth = {"treatment": {"hazard_ratio": {"positive": 0.4, "negative": 1.0}}, "costs": COSTS}
    scenario = make_scenario(BASE | truth | {"designs": {"adaptive": adaptive}})
    found = search_designs(scenario, power=0.8, replicates=400)
    sized = sized_scenario(found, 0)
    study = simulate_scenario(sized, replicates=400, seed=found.seed, type_i_error=False)
    assert found.simulated["power"][0] == study.designs["adaptive"].power["value"]
    assert found.simulated["duration"][0] == pytest.approx(study.designs["adaptive"].duration["mean"])


def test_two_hypotheses_get_the_least_events_that_have_the_power_by_their_own_rules():
    design = {"n": 300, "events": 200, "multiplicity": "spiessens_debois"}
    scenario = searched(designs={"biomarker_stratified": design}, search={})
    one = make_space(scenario, power=0.9)
    candidate = one.candidate(0)
    base = one.scenario(candidate)

    def power_of(events):
        sized = with_events(base, candidate.design, events)
        return closed_power(sized, candidate.design, make_rules(sized, candidate.design, seed=7))["power"]

    found = search_designs(scenario, power=0.9, replicates=100)
    events = int(found.closed["last_events"][0])
    assert power_of(events) >= 0.9 > power_of(events - 1)
    assert found.closed["power"][0] == pytest.approx(power_of(events), abs=1e-12)


@pytest.mark.parametrize("wanted", [0.6, 0.8, 0.9, 0.95])
@pytest.mark.parametrize("start", [2, 37, 5_000])
def test_least_events_is_the_first_that_has_the_power(wanted, start):
    def power_of(events):
        return 1 - np.exp(-events / 100)

    found = least_events(power_of, start=start, wanted=wanted, alpha=0.025, least=2)
    assert power_of(found) >= wanted > power_of(found - 1)


def test_power_that_no_size_gives_is_refused():
    with pytest.raises(UsageError, match="is there an effect"):
        least_events(lambda events: 0.025, start=100, wanted=0.9, alpha=0.025, least=2)


@pytest.mark.parametrize("power", [0.0, 0.01, 1.0])
def test_a_power_that_is_none_is_refused(power):
    with pytest.raises(UsageError, match="power"):
        search_designs(searched(), power=power)


def test_designs_without_events_are_named():
    scenario = searched(designs={"all_comers": {"n": 300, "analysis_times": 30.0}})
    with pytest.raises(
        ConfigError, match=r"all_comers: give n and events.* instead of analysis_times"
    ) as told:
        search_designs(scenario, power=0.9)
    for name in ("design_search", "my_cohort_search"):
        assert name in str(told.value)
        assert len(make_space(read_scenario(name), power=0.9))  # as is said


def test_a_worse_assay_and_a_weaker_effect_lower_the_power_of_the_chosen_design():
    ranges = {"marker.assay.specificity": [0.7, 1.0], "treatment.hazard_ratio.positive": [0.4, 0.7]}
    scenario = searched(
        marker={"prevalence": {"value": 0.3}, "assay": {"sensitivity": 0.9, "specificity": 0.9}},
        designs={"enrichment": {"n": 150, "events": 100}},
        search={"sensitivity": ranges},
    )
    swings = {
        s.path: s for s in swing_designs(search_designs(scenario, power=0.9, replicates=500), replicates=500)
    }
    assert swings["marker.assay.specificity"].power[0] < swings["marker.assay.specificity"].power[1]
    assert (
        swings["treatment.hazard_ratio.positive"].power[0]
        > swings["treatment.hazard_ratio.positive"].power[1]
    )
    assert swings["treatment.hazard_ratio.positive"].assumed == 0.5


def test_knowing_the_prevalence_is_worth_something_where_the_best_design_depends_on_it():
    prior = {"name": "igf1r", "prevalence": {"mean": 0.5, "sd": 0.25}}
    weak = {"hazard_ratio": {"positive": 0.5, "negative": 0.75}}
    scenario = searched(marker=prior, treatment=weak, costs=COSTS | {"screen": 60_000}, search={})
    found = search_designs(scenario, power=0.8, replicates=200)
    value = value_of_prevalence(found)
    assert len(set(value.best_at)) == 2
    assert 0 < value.value < value.committed_cost


def test_knowing_the_prevalence_is_worth_nothing_where_one_design_is_always_best():
    prior = {"name": "igf1r", "prevalence": {"mean": 0.5, "sd": 0.1}}
    scenario = searched(marker=prior, designs={"enrichment": {"n": 150, "events": 100}}, search={})
    assert value_of_prevalence(search_designs(scenario, power=0.8, replicates=100)).value == pytest.approx(0)


def test_designs_without_a_closed_form_are_simulated_longer_only_where_they_come_near_the_best(monkeypatch):
    """At each of three prevalences once, or twice; and the few trials give the cost of many."""
    prior = {"name": "igf1r", "prevalence": {"mean": 0.4, "sd": 0.05}}
    stratified = {
        "design": "biomarker_stratified",
        "n": 300,
        "events": 200,
        "hypotheses": ["overall", "positive"],
    }
    twin = stratified | {"weights": {"overall": 0.45, "positive": 0.55}, "multiplicity": "bonferroni"}
    scenario = searched(
        marker=prior,
        designs={"stratified": stratified, "twin": twin, "enrichment": {"n": 150, "events": 100}},
        search={"looks": [2]},
    )
    found = search_designs(scenario, power=0.8, replicates=100)
    names = [found.space.candidate(i).design for i in range(3)]
    simulated = []

    def counted(sized, design, **more):
        simulated.append((design, more["replicates"]))
        return simulated_rows(sized, design, **more)

    monkeypatch.setattr(sensitivity, "simulated_rows", counted)
    monkeypatch.setattr(sensitivity, "_NODES", 3)
    told = []
    far = value_of_prevalence(found, progress=lambda *step: told.append(step))
    assert far.committed.startswith("enrichment")
    assert {name for name, _ in simulated} <= {"stratified", "twin"}
    assert len(simulated) == 3 * len(set(simulated))  # once a prevalence
    assert [done for _, done, _ in told] == sorted(done for _, done, _ in told)
    assert told[-1][1] == told[-1][2]
    simulated.clear()
    two = [i for i in range(3) if names[i] != "enrichment"]
    near = value_of_prevalence(found, candidates=two)
    assert len(simulated) == 2 * 3 * 2
    assert near.committed_cost > far.committed_cost
    monkeypatch.setattr(sensitivity, "_COARSE", 2_000)
    assert near.committed_cost == pytest.approx(
        value_of_prevalence(found, candidates=two).committed_cost, rel=0.05
    )
