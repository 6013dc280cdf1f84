"""What stands beside the characteristics of a study. Truth: by hand, the closed form of the same design, brute force."""

import math
from dataclasses import replace

import pytest

from igfstrat.report.study_outlook import outlook_sections
from igfstrat.trials import make_scenario, simulate_scenario
from igfstrat.trials.results.study import StudyPoint
from igfstrat.trials.study.open_truths import conclude_under_truths, replicates_for_truths
from igfstrat.trials.study.outlook import expected_timeline, frontier_of, study_outlook
from igfstrat.trials.study.power_surface import power_surface

SETTINGS = {
    "endpoint": "pfs",
    "marker": {"name": "igf1r", "prevalence": {"value": 0.4}},
    "control": {"median": 6},
    "treatment": {"hazard_ratio": {"positive": 0.6, "negative": 1.0}},
    "accrual": {"screened_per_month": 30},
    "costs": {"patient": 60_000, "month": 100_000},
    "designs": {
        "all_comers": {"n": 200, "events": 130},
        "enrichment": {"n": 200, "events": [60, 130]},
        "biomarker_stratified": {"n": 200, "events": 130, "multiplicity": "hochberg"},
    },
}


def made(replicates=1_000, **changes):
    scenario = make_scenario(SETTINGS | changes)
    return scenario, simulate_scenario(scenario, replicates=replicates, seed=3, type_i_error=False)


@pytest.fixture(scope="module")
def study():
    return made()


@pytest.fixture(scope="module")
def truths(study):
    return {truth.key: truth for truth in conclude_under_truths(*study)}


def test_claims_of_a_design_add_up_to_one_under_every_truth(truths):
    assert list(truths) == ["none", "positives", "all", "opposite"]
    for truth in truths.values():
        for claims in truth.claims.values():
            assert math.isclose(sum(found["value"] for found in claims.values()), 1.0)


def test_the_truth_that_the_scenario_assumes_is_that_of_the_study_itself(study, truths):
    found = [truth for truth in truths.values() if truth.is_assumed]
    assert [(truth.key, truth.replicates) for truth in found] == [("positives", 1_000)]
    for name, design in study[1].designs.items():
        assert found[0].claims[name]["none"]["value"] == pytest.approx(1 - design.power["value"])


def test_no_effect_gives_the_error_of_the_engine_with_its_null(study, truths):
    scenario, _ = study
    null = simulate_scenario(scenario, replicates=truths["none"].replicates, seed=3)
    for name, claims in truths["none"].claims.items():
        assert 1 - claims["none"]["value"] == pytest.approx(null.designs[name].type_i_error["value"])


def test_another_truth_gives_what_a_scenario_with_that_truth_gives(truths):
    # one look and one hypothesis: the rules don't depend on the truth
    _, found = made(200, treatment={"hazard_ratio": 0.6}, designs={"all_comers": SETTINGS["designs"]["all_comers"]})  # fmt: skip
    claimed = truths["all"].claims["all_comers"]["both"]["value"]
    assert claimed == pytest.approx(found.designs["all_comers"].power["value"])
    assert truths["opposite"].effect == "hazard ratio 1.67 in positives, 0.6 in negatives"


def test_a_truth_of_its_own_stands_last_and_a_null_scenario_gets_an_example():
    scenario, results = made(100, treatment={"hazard_ratio": {"positive": 0.6, "negative": 0.9}})
    keys = [truth.key for truth in conclude_under_truths(scenario, results)]
    assert keys == ["none", "positives", "all", "opposite", "assumed"]
    scenario, results = made(100, treatment={"hazard_ratio": 1.0})
    first, second, *_ = conclude_under_truths(scenario, results)
    assert first.is_assumed
    assert second.effect == "hazard ratio 0.7 in positives, 1 in negatives"


def test_response_has_its_truths_too_and_no_times():
    shares = {
        "control": {"positive": 0.2, "negative": 0.2},
        "experimental": {"positive": 0.5, "negative": 0.2},
    }
    settings = {k: v for k, v in SETTINGS.items() if k not in ("control", "treatment")}
    scenario = make_scenario(
        settings
        | {
            "endpoint": "response",
            "response": shares,
            "test": {"statistic": "proportions"},
            "designs": {"enrichment": {"n": 100, "analysis_times": [20]}},
        }
    )
    results = simulate_scenario(scenario, replicates=200, seed=3, type_i_error=False)
    outlook = study_outlook(scenario, results)
    found = {truth.key: truth for truth in outlook.truths}
    assert found["positives"].is_assumed
    assert found["all"].effect == "response 50 % against 20 % in all"
    # the negatives are not enrolled, so that it can't matter what holds in them
    powers = [found[key].claims["enrichment"]["positive"]["value"] for key in ("positives", "all")]
    assert powers[0] == pytest.approx(powers[1], abs=0.12)
    assert outlook.surface is None
    assert outlook.timelines == {}


def test_surface_holds_the_closed_form_at_the_assumed_truth_and_rises_with_the_effect(study):
    scenario, results = study
    surface = power_surface(scenario, results)
    row = surface.prevalences.index(surface.assumed[0])
    column = surface.hazard_ratios.index(surface.assumed[1])
    for name in ("all_comers", "enrichment"):
        assert surface.method[name] == "closed_form"
        closed = results.designs[name].closed_form["power"]
        assert surface.power[name][row][column] == pytest.approx(closed, abs=1e-12)
        for line in surface.power[name]:
            assert list(line) == sorted(line, reverse=True)
    # without an effect the level is left
    assert surface.power["all_comers"][row][-1] == pytest.approx(0.025, abs=1e-6)
    assert surface.hazard_ratios[-1] == 1.0


def test_design_of_two_hypotheses_is_simulated_at_points_near_its_own_power(study):
    scenario, results = study
    surface = power_surface(scenario, results)
    assert surface.method["biomarker_stratified"] == "simulated"
    row, column = surface.prevalences.index(0.4), surface.hazard_ratios.index(0.6)
    power = results.designs["biomarker_stratified"].power["value"]
    spread = math.sqrt(power * (1 - power) / surface.replicates)
    assert abs(surface.power["biomarker_stratified"][row][column] - power) < 4 * spread
    known = [p for p in surface.power["biomarker_stratified"][row] if math.isfinite(p)]
    assert len(known) == 4


def test_frontier_has_no_dominated_design_and_lacks_none(study):
    designs = study[1].designs
    kept = frontier_of(designs)
    worth = {n: (-d.power["value"], d.cost["mean"], d.duration["mean"]) for n, d in designs.items()}
    for name in designs:
        better = [n for n in designs if worth[n] != worth[name] and all(a <= b for a, b in zip(worth[n], worth[name], strict=True))]  # fmt: skip
        assert (name in kept) == (not better)
    assert kept


def test_looks_of_a_timeline_ascend_and_keep_their_events(study):
    found = expected_timeline(study[0], "enrichment")
    assert found.events == (60, 130)
    assert found.looks[0] < found.looks[1]
    # 200 of 40 % of 30 a month
    assert found.accrual_end == pytest.approx(200 / 12)


def test_few_replicates_stay_few():
    assert [replicates_for_truths(n) for n in (1, 100, 600, 10**6)] == [1, 100, 120, 2_000]


def test_where_nothing_costs_anything_patients_decide_the_frontier():
    _, results = made(50, costs={}, designs={"small": {"design": "all_comers", "n": 150, "events": 130}, "large": {"design": "all_comers", "n": 300, "events": 130}})  # fmt: skip
    cheap, quick = results.designs["small"], results.designs["large"]
    assert cheap.duration["mean"] > quick.duration["mean"]
    # slower and no better but with half of the patients: it is on the frontier for these alone
    level = {"value": 0.5, "mc_standard_error": 0.1}
    same = {n: replace(d, power=level) for n, d in results.designs.items()}
    assert frontier_of(same) == ("small", "large")


def test_an_interim_goes_on_with_positives_most_often_where_they_benefit():
    rule = {"rule": "posterior_probability", "hazard_ratio_below": 0.8, "at_least": 0.5}
    design = {"design": "adaptive_enrichment", "n": 200, "events": [60, 130], "selection": rule}
    scenario, results = made(400, designs={"adaptive": design, "all_comers": {"n": 200, "events": 130}})
    truths = {truth.key: truth for truth in conclude_under_truths(scenario, results)}
    gone = {key: truth.goes_on["adaptive"][0]["positive"]["value"] for key, truth in truths.items()}
    assert (
        gone["positives"]
        == results.designs["adaptive"].selected["interims"][0]["hypotheses"]["positive"]["value"]
    )
    assert gone["positives"] > gone["none"] + 0.3
    assert gone["none"] > gone["opposite"] + 0.1
    assert all(set(truth.goes_on) == {"adaptive"} for truth in truths.values())
    page = outlook_sections(
        scenario, StudyPoint(values={}, results=results), study_outlook(scenario, results)
    )
    (table,) = [b for b in page[0].blocks if getattr(b, "caption", "") == "How often an interim goes on"]
    assert table.rows[0][:3] == ("No effect at all", "adaptive", "1")
    of_positives = table.header.index("Test in positives goes on, %")
    assert table.rows[0][of_positives].split()[0] == f"{100 * gone['none']:.1f}"
