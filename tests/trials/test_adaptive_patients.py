"""Adaptive trials patient by patient. Invariants, brute force by `igfstrat.survival`, and the fixed design as a limit."""

import json

import numpy as np
import pytest

from igfstrat.errors import ConfigError, UsageError
from igfstrat.trials import make_scenario
from igfstrat.trials.adaptive.patients import rules_of, simulate_adaptive
from igfstrat.trials.simulation.engine import simulate_trials
from igfstrat.trials.study.feasibility import feasibility_concerns
from igfstrat.trials.study.operating import simulate_scenario

DESIGN = {"design": "adaptive_enrichment", "n": 300, "events": [80, 160], "selection": {"rule": "best"}}
BASE = {
    "endpoint": "os",
    "marker": {"name": "igf1r", "prevalence": {"value": 0.4}},
    "control": {"median": 12},
    "treatment": {"hazard_ratio": {"positive": 0.6, "negative": 1.0}},
    "accrual": {"screened_per_month": 12},
    "dropout": {"probability_per_year": 0.05},
    "randomization": {"block": 4},
    "designs": {
        "increments": DESIGN,
        "patients": DESIGN | {"increments": "stage_by_patient", "first_stage_events": 110},
        "three": DESIGN | {"events": [60, 110, 160], "selection": {"rule": "threshold", "at_least": 0.3}},
        "keep": DESIGN | {"selection": {"rule": "threshold", "at_least": -90.0}},
    },
}
SCENARIO = make_scenario(BASE)


def as_bytes(trials):
    parts = (trials.looks, trials.stages, trials.pooled, trials.courses.rejected, trials.courses.kept)
    return b"".join(np.ascontiguousarray(part).tobytes() for part in parts)


def changed(**more):
    return make_scenario(BASE | {"designs": {"adaptive": DESIGN | more}})


@pytest.mark.parametrize("design", ["increments", "patients"])
def test_the_bytes_depend_neither_on_threads_nor_on_blocks(design):
    rules = rules_of(SCENARIO, design, seed=3)
    options = {"seed": 3, "rules": rules}
    whole = simulate_adaptive(SCENARIO, design, replicates=300, **options)
    assert as_bytes(whole) == as_bytes(
        simulate_adaptive(SCENARIO, design, replicates=300, threads=2, **options)
    )
    part = simulate_adaptive(SCENARIO, design, first=130, replicates=90, **options)
    assert np.array_equal(part.looks, whole.looks[130:220], equal_nan=True)
    assert np.array_equal(part.stages, whole.stages[130:220], equal_nan=True)


def test_a_design_that_always_keeps_everything_is_the_group_sequential_trial():
    """The same patients, looks and statistics as all-comers with the same events."""
    scenario = make_scenario(
        BASE | {"designs": {"keep": BASE["designs"]["keep"], "all_comers": {"n": 300, "events": [80, 160]}}}
    )
    adaptive = simulate_adaptive(scenario, "keep", seed=9, replicates=50)
    fixed = simulate_trials(
        scenario, "all_comers", seed=9, replicates=50, populations=("overall", "positive", "negative")
    )
    went_on = adaptive.courses.last_stage == 1
    assert went_on.sum() > 30
    assert np.array_equal(adaptive.looks[:, 0, 0], fixed.cut[:, 0])
    assert np.array_equal(adaptive.looks[went_on, 1, 0], fixed.cut[went_on, 1])
    assert np.array_equal(adaptive.stages[went_on, 1, :, 0], fixed.z[went_on, 1])


def test_only_the_selected_are_randomized_after_the_interim():
    found = simulate_adaptive(SCENARIO, "increments", seed=4, replicates=200)
    patients = found.stages[:, :, :, 3]
    place = {name: found.populations.index(name) for name in ("overall", "positive", "negative")}
    gained = patients[:, 1] - patients[:, 0]
    positives = found.courses.parts[:, 1] == 2
    everybody = found.courses.parts[:, 1] == 3
    assert positives.sum() > 50
    assert everybody.sum() > 20
    assert np.all(gained[positives, place["negative"]] == 0)
    assert np.all(gained[positives, place["positive"]] > 0)
    assert gained[everybody, place["negative"]].mean() > 20
    # screening goes on for everybody: more than twice as many screened as randomized at a prevalence of 0.4
    screened, randomized = (np.diff(found.looks[:, :, k], axis=1)[positives, 0] for k in (2, 1))
    assert screened.sum() / randomized.sum() == pytest.approx(1 / 0.4, rel=0.05)


def test_the_second_look_waits_for_its_events_among_the_selected():
    found = simulate_adaptive(SCENARIO, "increments", seed=4, replicates=100)
    events, parts = found.stages[:, :, :, 1], found.courses.parts[:, 1]
    for code, name in ((2, "positive"), (3, "overall")):
        rows = (parts == code) & (found.looks[:, 1, 3] == 1)
        gained = np.diff(events[rows][:, :, found.populations.index(name)], axis=1)
        assert rows.any()
        assert np.all(gained == 80)


def test_a_stage_of_patients_holds_its_own_patients_only():
    found = simulate_adaptive(SCENARIO, "patients", seed=4, replicates=100)
    on = ~found.courses.futile & (found.looks[:, :, 3] == 1).all(axis=1)
    assert on.sum() > 50
    whole = found.populations.index("overall")
    first, second, pooled = found.stages[on, 0, whole], found.stages[on, 1, whole], found.pooled[on, whole]
    assert np.all(first[:, 1] == 110)
    everybody = found.courses.parts[on, 1] == 3
    assert np.all(second[everybody, 1] == 50)
    assert np.all(pooled[:, 3] == first[:, 3] + second[:, 3])


def test_first_stage_does_not_depend_on_what_was_selected():
    """The heart of stage_by_patient: its p-value is fixed before anybody decides."""
    other = make_scenario(
        BASE
        | {
            "designs": {
                "patients": BASE["designs"]["patients"]
                | {"selection": {"rule": "threshold", "at_least": -90.0}}
            }
        }
    )
    best = simulate_adaptive(SCENARIO, "patients", seed=6, replicates=60)
    kept = simulate_adaptive(other, "patients", seed=6, replicates=60)
    both = ~best.courses.futile & ~kept.courses.futile
    assert not np.array_equal(best.courses.parts, kept.courses.parts)
    assert np.array_equal(best.stages[both, 0], kept.stages[both, 0], equal_nan=True)


def test_three_stages_only_ever_drop_hypotheses():
    found = simulate_adaptive(SCENARIO, "three", seed=2, replicates=200).courses
    assert set(np.unique(found.last_stage)) == {0, 1, 2}
    assert np.all(found.kept[:, 1:] <= found.kept[:, :-1])
    assert found.rejected.any(axis=1).mean() > 0.3


def test_progression_that_selects_for_survival_is_refused_by_increments():
    survival = {"overall_survival": {"after_progression": {"median": 6}}, "control": {"median": 6}}
    design = DESIGN | {"selection": {"rule": "best", "endpoint": "pfs"}}
    with pytest.raises(ConfigError, match="what it tells of later events"):
        make_scenario(
            BASE | survival | {"designs": {"adaptive": design | {"increments": "independent_increments"}}}
        )
    by_default = make_scenario(
        BASE | survival | {"designs": {"adaptive": design | {"n": 400, "events": [40, 250]}}}
    )
    assert rules_of(by_default, "adaptive", seed=1).increments == "stage_by_patient"
    with pytest.raises(ConfigError, match="needs the section overall_survival"):
        make_scenario(BASE | {"designs": {"adaptive": design}})


@pytest.mark.parametrize(
    ("more", "word"),
    [
        ({"events": 160}, "two or more"),
        ({"multiplicity": "hochberg"}, "no test of intersections"),
        ({"increments": "stage_by_patient", "events": [40, 80, 160]}, "two stages"),
        ({"first_stage_events": 100}, "belongs to stage_by_patient"),
        ({"reestimation": {"conditional_power": 0.9, "most_events": 100}}, "fewer than the 160"),
        ({"futility": {"z": [0.0], "binding": True}}, "keeps its level without"),
        ({"selection": {"rule": "best", "at_least": {"negative": 0.0}}}, "name hypotheses of the design"),
    ],
)
def test_what_an_adaptive_design_cannot_be_is_refused(more, word):
    with pytest.raises(ConfigError, match=word):
        changed(**more)


@pytest.mark.parametrize(
    ("kind", "more", "said"),
    [
        (
            "adaptive_enrichment",
            {"cut_by": "interaction", "allow_unadjusted_maximum": True, "allow_invalid_increments": True},
            ["cut_by", "allow_unadjusted_maximum", "allow_invalid_increments"],
        ),
        (
            "all_comers",
            {"selection": None, "allow_unadjusted_maximum": True, "allow_invalid_increments": True},
            ["allow_unadjusted_maximum", "allow_invalid_increments"],
        ),
        (
            "adaptive_threshold",
            {"selection": None, "events": 160, "candidates": [0.0], "allow_invalid_increments": True},
            ["allow_invalid_increments"],
        ),
    ],
)
def test_a_key_without_an_effect_is_refused_with_all_others_like_it(kind, more, said):
    marker = {"name": "igf1r", "continuous": {"cut": 0.0}}
    with pytest.raises(ConfigError) as told:
        make_scenario(BASE | {"marker": marker, "designs": {"design": DESIGN | {"design": kind} | more}})
    lines = str(told.value).splitlines()
    for key in said:
        assert any(f"designs.design.{key} " in line and "leave it out" in line for line in lines), key
    assert len(lines) == 1 + len(said)


def test_a_second_stage_without_events_is_refused_with_what_would_help():
    crowded = changed(increments="stage_by_patient", n=200, events=[120, 130])
    with pytest.raises(UsageError, match="earlier, more patients or more events"):
        rules_of(crowded, "adaptive", seed=1)


def test_a_rule_in_python_decides_for_every_trial():
    def positives(interim):
        return np.tile([name == "positive" for name in interim.hypotheses], (len(interim.z), 1))

    study = simulate_scenario(
        changed(), replicates=200, seed=1, type_i_error=False, selection_rules={"adaptive": positives}
    )
    (interim,) = study.designs["adaptive"].selected["interims"]
    assert interim["hypotheses"]["overall"]["value"] == 0
    assert interim["goes_on_in"]["everybody"]["value"] == 0
    assert interim["goes_on_in"]["positive"]["value"] > 0.9


def test_trials_without_their_events_are_counted_by_cause_with_a_cure():
    study = simulate_scenario(changed(n=165), replicates=100, seed=1, type_i_error=False)
    found = study.designs["adaptive"]
    assert found.infeasible_because["too_few_events_after_selection"]["value"] > 0.1
    total = sum(share["value"] for share in found.infeasible_because.values())
    assert total == pytest.approx(found.infeasible["value"])
    assert any("take more patients" in text for text in study.warnings)
    assert not any("without what was planned" in text for text in study.warnings)  # told once, with the cause


def test_events_rise_to_the_cap_with_re_estimation_and_the_weights_stay():
    plain = rules_of(SCENARIO, "increments", seed=1)
    scenario = changed(n=600, reestimation={"conditional_power": 0.9, "most_events": 240})
    rules = rules_of(scenario, "adaptive", seed=1)
    assert np.array_equal(rules.combination.weights, plain.combination.weights)
    events = simulate_adaptive(scenario, "adaptive", seed=1, replicates=200, rules=rules).courses.events
    assert events[:, 1].max() == 160
    assert events[:, 1].min() == 80
    assert np.allclose(events, np.rint(events))


def test_naive_estimate_is_biased_after_selection_and_the_conditional_one_is_not():
    """With no effect at all the best of two populations looks as though it had one."""
    null = make_scenario(
        BASE | {"treatment": {"hazard_ratio": 1.0}, "designs": {"adaptive": DESIGN | {"n": 400}}}
    )
    study = simulate_scenario(null, replicates=2_000, seed=2, type_i_error=False)
    found = study.designs["adaptive"].hazard_ratio["after_selection"]["positive"]
    naive, conditional = found["naive"]["log_bias"], found["conditional"]["log_bias"]
    assert naive["value"] < -4 * naive["mc_standard_error"]
    assert abs(conditional["value"]) <= 3 * conditional["mc_standard_error"]
    assert (
        found["shrunken"]["log_mean_squared_error"]["value"]
        < found["naive"]["log_mean_squared_error"]["value"]
    )
    assert abs(found["conditional"]["coverage"]["value"] - 0.95) < 0.02


def test_a_study_has_the_same_numbers_for_any_number_of_workers_and_after_a_resume(tmp_path):
    scenario = make_scenario(BASE | {"designs": {k: BASE["designs"][k] for k in ("increments", "patients")}})
    one = simulate_scenario(scenario, replicates=700, seed=3)
    two = simulate_scenario(scenario, replicates=700, seed=3, n_jobs=2)
    assert json.dumps(one.to_dict()) == json.dumps(two.to_dict())
    simulate_scenario(scenario, replicates=500, seed=3, checkpoints=tmp_path)
    resumed = simulate_scenario(scenario, replicates=700, seed=3, checkpoints=tmp_path)
    assert json.dumps(one.to_dict()) == json.dumps(resumed.to_dict())
    with pytest.raises(UsageError, match="no mark in checkpoints"):
        simulate_scenario(
            scenario,
            replicates=500,
            checkpoints=tmp_path,
            selection_rules={"increments": lambda seen: seen.running},
        )


PROGNOSTIC = {"control": {"median": 12, "prognostic_hazard_ratio": 2.0}}
BY_MARKER = {"test": {"statistic": "stratified_logrank", "strata": ["igf1r"]}}


@pytest.mark.parametrize(
    ("sections", "more", "is_told"),
    [
        (PROGNOSTIC, {}, True),
        (PROGNOSTIC | {"test": {"statistic": "logrank"}}, {"increments": "independent_increments"}, True),
        ({"control": {"median": 12, "positive": {"median": 9}}}, {}, True),
        (PROGNOSTIC, {"increments": "stage_by_patient"}, False),
        (PROGNOSTIC, {"hypotheses": ["positive", "negative"]}, False),
        (PROGNOSTIC | BY_MARKER, {}, False),
        ({}, {}, False),
    ],
)
def test_a_selection_by_an_unstratified_test_of_a_prognostic_marker_is_told(sections, more, is_told):
    scenario = make_scenario(BASE | sections | {"designs": {"adaptive": DESIGN | more}})
    assert any("isn't stratified" in text for text in feasibility_concerns(scenario)) == is_told
