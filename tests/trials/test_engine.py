"""Whole trials: who is enrolled, determinism, and agreement with what the scenario asks for. Invariants and brute force."""

import numpy as np
import pytest

from igfstrat.errors import UsageError
from igfstrat.trials import make_scenario
from igfstrat.trials.patients.assay import make_assay
from igfstrat.trials.simulation.engine import draw_patients, simulate_trials
from igfstrat.trials.simulation.population import category_shares

BASE = {
    "endpoint": "pfs",
    "marker": {
        "name": "igf1r",
        "prevalence": {"value": 0.25},
        "assay": {"sensitivity": 0.9, "specificity": 0.9},
    },
    "control": {"median": 12},
    "treatment": {"hazard_ratio": {"positive": 0.6, "negative": 1.0}},
    "accrual": {"screened_per_month": 40},
    "dropout": {"probability_per_year": 0.05},
    "randomization": {"block": 4, "strata": ["igf1r"]},
    "designs": {
        "all_comers": {"n": 200, "events": [60, 120]},
        "enrichment": {"n": 200, "events": [60, 120]},
        "hybrid": {"n": 200, "events": [60, 120], "max_negative_share": 0.3},
    },
}
BASE_SCENARIO = make_scenario(BASE)
FIELDS = ("cut", "randomized", "screened", "z", "events", "information", "log_hazard_ratio")


def as_bytes(trials):
    return b"".join(np.ascontiguousarray(getattr(trials, name)).tobytes() for name in FIELDS)


def test_the_bytes_do_not_depend_on_threads():
    one = simulate_trials(BASE_SCENARIO, "hybrid", seed=5, replicates=700)
    two = simulate_trials(BASE_SCENARIO, "hybrid", seed=5, replicates=700, threads=2)
    assert as_bytes(one) == as_bytes(two)


def test_replicates_simulated_in_parts_are_those_of_one_run():
    whole = simulate_trials(BASE_SCENARIO, "enrichment", seed=5, replicates=300)
    parts = [
        simulate_trials(BASE_SCENARIO, "enrichment", seed=5, first=a, replicates=b - a)
        for a, b in ((0, 7), (7, 300))
    ]
    np.testing.assert_array_equal(whole.z, np.concatenate([part.z for part in parts]))
    np.testing.assert_array_equal(whole.cut, np.concatenate([part.cut for part in parts]))


def test_a_prior_of_the_prevalence_is_drawn_by_replicate_and_not_by_chunk():
    scenario = make_scenario(BASE | {"marker": {"name": "igf1r", "prevalence": {"mean": 0.3, "sd": 0.1}}})
    whole = simulate_trials(scenario, "enrichment", seed=5, replicates=50)
    part = simulate_trials(scenario, "enrichment", seed=5, first=20, replicates=30)
    np.testing.assert_array_equal(whole.screened[20:], part.screened)
    fixed = simulate_trials(
        make_scenario(BASE | {"marker": {"name": "igf1r", "prevalence": {"value": 0.3}}}),
        "enrichment",
        seed=5,
        replicates=50,
    )
    assert whole.screened[:, -1].std() > 3 * fixed.screened[:, -1].std()


def test_another_seed_gives_other_trials():
    a, b = (simulate_trials(BASE_SCENARIO, "all_comers", seed=seed, replicates=20) for seed in (1, 2))
    assert not np.any(a.z == b.z)


def test_designs_meet_the_same_screened_patients():
    everyone = draw_patients(BASE_SCENARIO, "all_comers", seed=3, replicate=0, null=True)
    chosen = draw_patients(BASE_SCENARIO, "enrichment", seed=3, replicate=0, null=True)
    here = chosen["screening_number"] < 200
    same = chosen["screening_number"][here]
    np.testing.assert_array_equal(everyone["entry"][same], chosen["entry"][here])
    np.testing.assert_array_equal(everyone["time"][same], chosen["time"][here])
    assert here.sum() > 30


def test_enrichment_takes_test_positives_only_and_screens_one_over_their_share():
    trials = simulate_trials(BASE_SCENARIO, "enrichment", seed=3, replicates=2_000)
    # long after accrual ends, at the last look: prevalence 0.25, sensitivity and specificity 0.9: 0.3 test positive
    full = trials.randomized[:, -1] == 200
    screened = trials.screened[full, -1]
    assert screened.mean() == pytest.approx(200 / 0.3, abs=4 * screened.std() / np.sqrt(len(screened)) + 5)
    assert draw_patients(BASE_SCENARIO, "enrichment", seed=3, replicate=0)["test_positive"].all()


def test_hybrid_never_takes_more_negatives_than_its_cap():
    for replicate in range(20):
        patients = draw_patients(BASE_SCENARIO, "hybrid", seed=3, replicate=replicate)
        assert (~patients["test_positive"]).sum() == 60
        assert len(patients["entry"]) == 200


def test_every_block_of_every_stratum_is_balanced():
    for ratio, block, share in (([1, 1], 4, 0.5), ([2, 1], 6, 2 / 3)):
        scenario = make_scenario(
            BASE | {"randomization": {"ratio": ratio, "block": block, "strata": ["igf1r"]}}
        )
        patients = draw_patients(scenario, "all_comers", seed=3, replicate=1)
        for positive in (False, True):
            arms = patients["experimental"][patients["test_positive"] == positive]
            whole = arms[: len(arms) // block * block].reshape(-1, block)
            assert (whole.sum(axis=1) == block * share).all()


def test_all_orders_of_a_block_are_equally_frequent():
    scenario = make_scenario(BASE | {"randomization": {"block": 4}})
    blocks = np.concatenate(
        [
            draw_patients(scenario, "all_comers", seed=3, replicate=r)["experimental"].reshape(-1, 4)
            for r in range(120)
        ]
    )
    _, counts = np.unique(blocks @ [8, 4, 2, 1], return_counts=True)
    assert len(counts) == 6
    assert ((counts - 1_000) ** 2 / 1_000).sum() < 20.5  # chi-square, 5 degrees of freedom, 0.001


def test_the_look_comes_at_its_number_of_events_and_not_one_later():
    trials = simulate_trials(BASE_SCENARIO, "all_comers", seed=9, replicates=500)
    overall = trials.populations.index("overall")
    np.testing.assert_array_equal(trials.events[:, :, overall], np.broadcast_to([60, 120], (500, 2)))


def test_events_can_be_counted_in_positives():
    design = {"n": 200, "events": [30], "events_in": "positive", "hypotheses": ["positive", "overall"]}
    scenario = make_scenario(BASE | {"designs": {"all_comers": design}})
    trials = simulate_trials(scenario, "all_comers", seed=9, replicates=100)
    assert (trials.events[:, 0, 0] == 30).all()


def test_a_trial_whose_events_never_come_says_so_and_is_still_analysed():
    control = {"cure": {"fraction": 0.8, "median": 6}}
    scenario = make_scenario(
        BASE | {"control": control, "designs": {"all_comers": {"n": 100, "events": [20, 90]}}}
    )
    trials = simulate_trials(scenario, "all_comers", seed=9, replicates=100)
    assert not trials.reached[:, 1].any()
    assert np.isfinite(trials.z[:, 1]).all(axis=1).mean() > 0.9
    assert np.isfinite(trials.cut).all()


def test_a_maximal_duration_ends_the_trial():
    design = {"n": 200, "events": 180, "max_duration": 18.0}
    trials = simulate_trials(
        make_scenario(BASE | {"designs": {"all_comers": design}}), "all_comers", seed=9, replicates=50
    )
    assert (trials.cut == 18.0).all()
    assert not trials.reached.any()


def test_event_times_follow_their_piecewise_hazard():
    control = {"hazard": [{"until": 3.0, "rate": 0.2}, {"until": 6.0, "rate": 0.0}, {"rate": 0.05}]}
    scenario = make_scenario(
        BASE | {"control": control, "treatment": {"hazard_ratio": 1.0}, "dropout": {"rate_per_year": 0.0}}
    )
    time = np.concatenate(
        [draw_patients(scenario, "all_comers", seed=1, replicate=r)["time"] for r in range(200)]
    )
    for at, cumulative in ((1.5, 0.3), (3.0, 0.6), (5.9, 0.6), (20.0, 0.6 + 14 * 0.05)):
        assert (time > at).mean() == pytest.approx(np.exp(-cumulative), abs=4 * 0.5 / np.sqrt(len(time)))
    assert not ((time > 3.0 + 1e-9) & (time < 6.0)).any()


def test_a_share_of_5_percent_a_year_drops_out():
    scenario = make_scenario(BASE | {"control": {"median": 1e6}, "treatment": {"hazard_ratio": 1.0}})
    patients = [draw_patients(scenario, "all_comers", seed=1, replicate=r) for r in range(200)]
    time, event = (np.concatenate([p[key] for p in patients]) for key in ("time", "event"))
    lost = (~event & (time <= 12)).mean()
    assert lost == pytest.approx(0.05, abs=4 * np.sqrt(0.05 * 0.95 / len(time)))


def test_responses_have_their_shares_and_a_test_of_proportions():
    scenario = make_scenario(
        {k: BASE[k] for k in ("marker", "accrual")}
        | {
            "endpoint": "response",
            "response": {
                "control": {"positive": 0.2, "negative": 0.2},
                "experimental": {"positive": 0.4, "negative": 0.4},
            },
            "test": {"statistic": "proportions"},
            "designs": {"all_comers": {"n": 400}},
        }
    )
    trials = simulate_trials(scenario, "all_comers", seed=2, replicates=2_000)
    share = trials.events[:, 0, 0].mean() / 400
    assert share == pytest.approx(0.3, abs=0.003)
    # (0.4 - 0.2) / sqrt(0.3 * 0.7 * 2 / 200)
    assert trials.z[:, 0, 0].mean() == pytest.approx(4.364, abs=0.1)


def test_what_is_not_simulated_is_said_before_anything_runs():
    unsized = {"designs": {"all_comers": {"events": 120}}, "compare_at": {"power": 0.9}}
    scenario = make_scenario(BASE | unsized)
    with pytest.raises(UsageError, match="solve the sizes"):
        simulate_trials(scenario, "all_comers", seed=1, replicates=1)


@pytest.mark.parametrize(
    "marker",
    [
        {"assay": {"sensitivity": 0.9, "specificity": 0.8, "failure": {"rate": 0.1}}},
        {"assay": {"sensitivity": 0.9, "specificity": 0.8, "failure": {"rate": 0.1, "then": "negative"}}},
        {"continuous": {}, "assay": {"measurement_sd": 0.5}},
    ],
)
def test_each_drawn_prevalence_gives_the_shares_of_its_own_assay(marker):
    prior = {"name": "igf1r", "prevalence": {"mean": 0.3, "sd": 0.1}}
    scenario = make_scenario(
        BASE
        | {"marker": prior | marker, "subgroups": [{"name": "a", "share": 0.4}, {"name": "b", "share": 0.6}]}
    )
    shares = np.diff(category_shares(scenario, seed=1, first=0, replicates=20), axis=1, prepend=0.0)
    with_result = shares[:, :-1].sum(axis=1)
    truth = shares[:, :4].sum(axis=1) / with_result  # true positives stand first
    assert len(np.unique(truth)) == 20
    for row, prevalence, tested in zip(shares, truth, with_result, strict=True):
        assay = make_assay(scenario.marker, time_unit="months", prevalence=prevalence)
        assert tested == pytest.approx(assay.with_result)
        assert row[0] / row[:2].sum() == pytest.approx(assay.sensitivity)
        assert row[5] / row[4:6].sum() == pytest.approx(assay.specificity)
        assert row[:2].sum() / row[:4].sum() == pytest.approx(0.4)  # subgroup a
