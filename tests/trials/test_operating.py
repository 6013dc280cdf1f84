"""Operating characteristics against the drift integral (own closed form, itself held against rpact), and determinism."""

import json

import numpy as np
import pytest

from igfstrat.trials import make_scenario
from igfstrat.trials.study.operating import BLOCK, simulate_scenario
from tests.proofs.trials import SCENARIOS, gap_of

ALPHA_ERROR = np.sqrt(0.025 * 0.975)


def small(**changes):
    return make_scenario(
        {
            "endpoint": "pfs",
            "marker": {
                "name": "igf1r",
                "prevalence": {"value": 0.4},
                "assay": {"sensitivity": 0.9, "specificity": 0.85},
            },
            "control": {"median": 6},
            "treatment": {"hazard_ratio": {"positive": 0.6, "negative": 1.0}},
            "accrual": {"screened_per_month": 30},
            "randomization": {"block": 4},
            "costs": {"screen": 100, "patient": 1000, "month": 10},
            "designs": {
                "all_comers": {"n": 200, "events": 130},
                "enrichment": {"n": 200, "events": [60, 130], "futility": {"z": [0.0]}},
                "biomarker_stratified": {"n": 200, "events": 130, "multiplicity": "hochberg"},
            },
        }
        | changes
    )


def text(study):
    return json.dumps(study.to_dict(), sort_keys=True)


@pytest.mark.parametrize("name", list(SCENARIOS)[::3])
def test_simulated_power_agrees_with_the_drift_integral(name):
    gap, allowed = gap_of(name, 20_000)
    assert abs(gap) <= allowed


def test_the_bytes_do_not_depend_on_workers_or_backend(tmp_path):
    scenario = small()
    one = simulate_scenario(scenario, replicates=1_200, n_jobs=1)
    two = simulate_scenario(scenario, replicates=1_200, n_jobs=2)
    processes = simulate_scenario(scenario, replicates=1_200, n_jobs=2, backend="processes")
    assert text(one) == text(two) == text(processes)


def test_a_study_that_is_extended_takes_up_its_checkpoints_and_equals_one_run(tmp_path, monkeypatch):
    scenario = small()
    simulate_scenario(scenario, replicates=2 * BLOCK, checkpoints=tmp_path)
    from igfstrat.trials.study import operating

    asked, original = [], operating.simulate_trials

    def counting(*args, **kwargs):
        asked.append(kwargs["replicates"])
        return original(*args, **kwargs)

    monkeypatch.setattr(operating, "simulate_trials", counting)
    longer = simulate_scenario(scenario, replicates=3 * BLOCK, checkpoints=tmp_path)
    assert sum(asked) == BLOCK * 2 * len(scenario.designs)  # with and without an effect
    monkeypatch.undo()
    assert text(longer) == text(simulate_scenario(scenario, replicates=3 * BLOCK))


def test_without_any_effect_each_design_errs_as_often_as_planned():
    study = simulate_scenario(small(), replicates=20_000, n_jobs=2)
    for name, found in study.designs.items():
        # the log-rank test of 130 events itself exceeds its level by up to 0.1 points
        assert found.type_i_error["value"] <= 0.026 + 3 * ALPHA_ERROR / np.sqrt(20_000), name


def test_coverage_and_bias_of_the_hazard_ratio_refer_to_the_limit_of_each_population():
    study = simulate_scenario(small(), replicates=4_000, n_jobs=2, type_i_error=False)
    found = study.designs["all_comers"].hazard_ratio["by_population"]
    for name, ratio in found.items():
        assert ratio["coverage"]["value"] == pytest.approx(0.95, abs=0.015), name
        assert abs(ratio["mean_log_bias"]) < 0.03
    assert found["positive"]["true"] < found["overall"]["true"] < found["negative"]["true"] < 1


def test_cost_is_that_of_screens_patients_and_months():
    found = simulate_scenario(small(), replicates=1_000, type_i_error=False).designs["enrichment"]
    expected = (
        100 * found.n_screened["mean"] + 1000 * found.n_randomized["mean"] + 10 * found.duration["mean"]
    )
    assert found.cost["mean"] == pytest.approx(expected, rel=1e-9)


def test_shares_of_labels_and_of_ends_each_sum_to_1():
    for found in simulate_scenario(small(), replicates=1_000, type_i_error=False).designs.values():
        assert sum(share["value"] for share in found.selected.values()) == pytest.approx(1)
        assert sum(look["ends"]["value"] for look in found.stopped_at) == pytest.approx(1)


def test_a_trial_that_cannot_have_its_events_is_counted_and_said():
    scenario = small(
        control={"cure": {"fraction": 0.6, "median": 6}}, designs={"all_comers": {"n": 200, "events": 150}}
    )
    study = simulate_scenario(scenario, replicates=200, type_i_error=False)
    assert study.designs["all_comers"].infeasible["value"] == 1
    assert any("end without what was planned" in warning for warning in study.warnings)


def test_the_study_ends_when_the_wanted_precision_is_reached():
    scenario = small(simulation={"replicates": 100_000, "precision": 0.01})
    found = simulate_scenario(scenario, type_i_error=False).designs["all_comers"]
    assert found.replicates < 5_000
    assert found.power["mc_standard_error"] <= 0.01


def test_a_statistic_that_errs_too_often_is_said():
    # few patients, most of them on one arm: the Wald test of a late milestone is far from its normal approximation
    late = small(
        test={"statistic": "milestone", "at": 8.0},
        randomization={"ratio": [1, 3], "block": 4},
        designs={"all_comers": {"n": 40, "events": 20}},
    )
    for scenario, said in ((late, True), (small(), False)):
        study = simulate_scenario(scenario, replicates=10_000, n_jobs=2)
        assert any("above the nominal" in warning for warning in study.warnings) == said
