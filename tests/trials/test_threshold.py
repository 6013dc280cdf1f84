"""Designs that choose a cut. Truth: brute force by `igfstrat.survival` and plain Python, invariants, and worked by hand."""

from itertools import permutations

import numpy as np
import pytest

from igfstrat.errors import ConfigError
from igfstrat.survival import logrank
from igfstrat.trials import make_scenario
from igfstrat.trials.closed_form.logrank import cox_limit
from igfstrat.trials.closed_form.trial import make_trial
from igfstrat.trials.designs.power import look_times
from igfstrat.trials.kernels import patients as kernel
from igfstrat.trials.kernels.trial import make_work
from igfstrat.trials.scenario.design import DesignSettings
from igfstrat.trials.simulation.engine import simulate_trials
from igfstrat.trials.simulation.population import category_shares, make_outcomes, make_screening
from igfstrat.trials.study.operating import simulate_scenario
from igfstrat.trials.threshold.intervals import divided_population, make_intervals, true_ratios
from igfstrat.trials.threshold.nested import nested_p_values
from igfstrat.trials.threshold.patients import cut_rules, simulate_threshold
from igfstrat.trials.threshold.rules import CutStatistics, choose_cuts, decide_cuts, make_cut_rules
from igfstrat.trials.threshold.switched_enrolment import enrolled_ratios

CUTS = [-1.0, -0.5, 0.0, 0.5, 1.0]
SIZE = {"n": 200, "events": 120, "candidates": CUTS}
BASE = {
    "endpoint": "os",
    "marker": {"name": "igf1r", "continuous": {"cut": 0.3}, "assay": {"measurement_sd": 0.5}},
    "control": {"median": 12, "prognostic_hazard_ratio": 1.5},
    "treatment": {"hazard_ratio": {"positive": 0.5, "negative": 1.0}},
    "accrual": {"screened_per_month": 12},
    "dropout": {"probability_per_year": 0.05},
    "randomization": {"block": 4},
    "designs": {
        "adaptive_threshold": SIZE,
        "adaptive_signature": SIZE | {"learning_share": 0.4},
        "interim": SIZE | {"design": "adaptive_threshold", "events": [60, 120], "hypotheses": ["positive"]},
        "all_comers": {"n": 200, "events": 120},
    },
}
SCENARIO = make_scenario(BASE)
KINDS = ("adaptive_threshold", "adaptive_signature", "interim")


def changed(design=None, **more):
    sections = {k: v for k, v in more.items() if k in BASE or k == "test"}
    settings = SIZE | {k: v for k, v in more.items() if k not in sections}
    return make_scenario(BASE | sections | {"designs": {design or "adaptive_threshold": settings}})


def patients(scenario, design, seed, replicate, null=False):
    """The patients of a trial with unlimited follow-up, and the interval of their measured marker."""
    intervals = make_intervals(scenario, design)
    population, shares = divided_population(scenario, design, intervals)
    n = scenario.designs[design].n
    screening = make_screening(scenario, design, population, shares, n)
    work = make_work(n, screening.most_screened, 1, 1)
    m, _ = kernel.enrol(np.uint64(seed), replicate, screening, shares[0], work)
    kernel.fill_outcomes(np.uint64(seed), replicate, m, make_outcomes(population), work)
    interval = population.test_codes[work.category[:m]] >> 3
    return {
        "entry": work.entry[:m].copy(),
        "time": work.time[:m].copy(),
        "event": work.observed[:m] == 1,
        "arm": work.arm[:m].copy(),
        "interval": interval,
        "category": work.category[:m].copy(),
    }, intervals


def z_of(d, cut, inside):
    """The log-rank Z of some patients at a calendar time."""
    inside = inside & (d["entry"] <= cut)
    known = d["entry"] + d["time"] <= cut
    time = np.where(known, d["time"], cut - d["entry"])[inside]
    test = logrank(time=time, event=(d["event"] & known)[inside], groups=d["arm"][inside])
    excess = test.observed[1] - test.expected[1]
    return -excess / np.sqrt(test.variance[1, 1])


def test_statistics_are_the_logrank_tests_of_the_patients_at_or_above_each_cut():
    found = simulate_threshold(SCENARIO, "adaptive_threshold", seed=5, replicates=4)
    for r in range(4):
        d, intervals = patients(SCENARIO, "adaptive_threshold", 5, r)
        cut = found.looks[r, 0]
        calendar = np.sort(np.where(d["event"], d["entry"] + d["time"], np.inf))
        assert cut == calendar[119]
        for k, first in enumerate(intervals.first):
            expected = z_of(d, cut, d["interval"] >= first)
            assert found.found[r, 0, k + 1, 0] == pytest.approx(expected, abs=1e-10)
        z = found.found[r, 0, 1:6, 0]
        assert found.decisions.chosen[r] == z.argmax()


def test_learners_and_testers_are_those_enrolled_first_and_the_rest():
    found = simulate_threshold(SCENARIO, "adaptive_signature", seed=5, replicates=3)
    for r in range(3):
        d, intervals = patients(SCENARIO, "adaptive_signature", 5, r)
        cut, chosen = found.looks[r, 0], found.decisions.chosen[r]
        learns = np.arange(200) < 80
        above = d["interval"] >= intervals.first[chosen]
        assert found.found[r, 1, chosen + 1, 0] == pytest.approx(z_of(d, cut, learns & above), abs=1e-10)
        assert found.above[r, 0] == pytest.approx(z_of(d, cut, ~learns & above), abs=1e-10)


@pytest.mark.parametrize("accrual", [{"screened_per_month": 12}, {"randomized_uniformly_over": 18}])
def test_after_the_interim_only_patients_above_the_chosen_cut_come_and_the_first_stay(accrual):
    scenario = make_scenario(BASE | {"accrual": accrual, "designs": {"interim": BASE["designs"]["interim"]}})
    trials = simulate_threshold(scenario, "interim", seed=8, replicates=60)
    on = trials.decisions.last_look == 1
    assert on.sum() > 30
    interim = trials.found[:, 0, np.arange(6), 3]
    chosen = trials.decisions.chosen
    above_before = interim[np.arange(60), chosen + 1]
    gained = trials.above[:, 3] - above_before
    assert np.all((trials.whole[:, 0, 3] - interim[:, 0] == gained)[on])
    assert gained[on].mean() > 10
    events = trials.above[:, 1] - trials.found[np.arange(60), 0, chosen + 1, 1]
    planned = on & (trials.looks[:, 3] == 1)
    assert np.all(events[planned] == 60)


def test_two_stages_are_put_together_by_hand_as_the_design_does_it():
    scenario = make_scenario(BASE | {"designs": {"interim": BASE["designs"]["interim"]}})
    trials, rules = (
        simulate_threshold(scenario, "interim", seed=2, replicates=200),
        cut_rules(scenario, "interim"),
    )
    first = trials.found[:, 0, 1:6]
    p = nested_p_values(first[..., 0], trials.nesting[:, 1:])
    chosen = trials.decisions.chosen
    before = first[np.arange(200), chosen]
    score = trials.above[:, 0] * np.sqrt(trials.above[:, 4]) - before[:, 0] * np.sqrt(before[:, 4])
    from scipy.special import ndtri

    z2 = score / np.sqrt(np.maximum(trials.above[:, 4] - before[:, 4], 1e-12))
    both = np.sqrt(0.5) * (-ndtri(p)) + np.sqrt(0.5) * z2
    early = -ndtri(p) >= rules.combination.critical[0]
    expected = np.where(trials.decisions.last_look == 1, both >= rules.combination.critical[1], early)
    assert np.array_equal(trials.decisions.rejected[:, 0], expected)
    assert 20 < expected.sum() < 195


def test_the_screened_patients_are_those_of_any_other_design():
    mine = simulate_threshold(SCENARIO, "adaptive_threshold", seed=3, replicates=40)
    fixed = simulate_trials(SCENARIO, "all_comers", seed=3, replicates=40)
    order = [fixed.populations.index(name) for name in ("overall", "positive", "negative")]
    assert np.array_equal(mine.looks[:, 0], fixed.cut[:, 0])
    assert np.array_equal(mine.whole[..., 0], fixed.z[:, 0, order])
    intervals = make_intervals(SCENARIO, "adaptive_threshold")
    _, shares = divided_population(SCENARIO, "adaptive_threshold", intervals)
    coarse = category_shares(SCENARIO, seed=3, first=0, replicates=1)[0]
    assert all(np.abs(shares[0] - share).min() < 1e-12 for share in coarse)


@pytest.mark.parametrize("design", KINDS)
def test_the_bytes_depend_neither_on_threads_nor_on_blocks(design):
    whole = simulate_threshold(SCENARIO, design, seed=7, replicates=300)
    twice = simulate_threshold(SCENARIO, design, seed=7, replicates=300, threads=2)
    part = simulate_threshold(SCENARIO, design, seed=7, first=110, replicates=50)
    for name in ("looks", "found", "above", "whole"):
        assert getattr(whole, name).tobytes() == getattr(twice, name).tobytes()
        assert getattr(whole, name)[110:160].tobytes() == getattr(part, name).tobytes()
    assert np.array_equal(whole.decisions.rejected[110:160], part.decisions.rejected)


@pytest.mark.parametrize("failure", ["excluded", "positive", "negative"])
def test_intervals_hold_the_shares_of_a_million_measured_patients(failure):
    assay = {"measurement_sd": 0.5, "failure": {"rate": 0.1, "then": failure}}
    scenario = changed(marker={"continuous": {"mean": 1, "sd": 2, "cut": 1.5}, "assay": assay})
    intervals = make_intervals(scenario, "adaptive_threshold")
    rng = np.random.default_rng(1)
    x = 1 + 2 * rng.standard_normal(1_000_000)
    y = x + 0.5 * rng.standard_normal(len(x))
    if failure != "excluded":
        y = np.where(rng.random(len(x)) < 0.1, np.inf if failure == "positive" else -np.inf, y)
    edges = np.sort([*CUTS, 1.5])
    for row, truly in zip(intervals.shares, (x >= 1.5, x < 1.5), strict=True):
        counts = np.bincount(np.searchsorted(edges, y[truly], side="right"), minlength=7) / len(x)
        assert row == pytest.approx(counts, abs=4 * np.sqrt(0.25 / len(x)))
    assert intervals.own_cut == 6
    assert intervals.with_result == (0.9 if failure == "excluded" else 1.0)


def test_the_true_hazard_ratio_above_a_cut_is_what_large_trials_estimate_there():
    scenario = changed(n=20_000, events=12_000, accrual={"screened_per_month": 1_200})
    intervals = make_intervals(scenario, "adaptive_threshold")
    trials = simulate_threshold(scenario, "adaptive_threshold", seed=1, replicates=20)
    truth = true_ratios(scenario, "adaptive_threshold", intervals, trials.looks[:, 0].mean())
    found = np.exp(trials.found[:, 0, 1:6, 5])
    assert found.mean(axis=0) == pytest.approx(truth, abs=4 * found.std(axis=0).max() / np.sqrt(20))
    assert np.all(np.diff(truth) < 0)


def test_cut_by_says_what_is_largest():
    """By hand: scores 4, 4 and 3 with information 16, 8 and 4; below the cuts remain 0 of 8 and 1 of 12."""
    z, information = np.array([[1.0, np.sqrt(2.0), 1.5]]), np.array([[16.0, 8.0, 4.0]])

    def chosen(cut_by):
        settings = DesignSettings(n=9, events=(5,), candidates=(0.0, 1.0), learning_share=0.5, cut_by=cut_by)
        rules = make_cut_rules(settings, hypotheses=("overall", "positive"), alpha=0.025, split=True)
        return choose_cuts(rules, z, information)[0]

    assert chosen("logrank") == 1
    assert chosen("hazard_ratio") == 1
    # above minus below over its error: 0.5 / sqrt(1/8 + 1/8) = 1.00 and (3/4 - 1/12) / sqrt(1/4 + 1/12) = 1.15
    assert chosen("interaction") == 1
    information[0, 0], z[0, 0] = 8.5, 4 / np.sqrt(8.5)
    # now 0.5 / sqrt(1/8 + 1/0.5) = 0.34 and (3/4 - 1/4.5) / sqrt(1/4 + 1/4.5) = 0.77
    assert chosen("interaction") == 1
    z[0, 1] = np.nan
    assert chosen("logrank") == 1


def test_the_cut_is_claimed_only_where_the_overall_claim_is_not_made():
    rules = make_cut_rules(DesignSettings(n=9, events=(5,), candidates=(0.0,)), hypotheses=("positive", "overall"),
                           alpha=0.025, split=False)  # fmt: skip
    assert rules.hypotheses == ("overall", "positive")
    shown = CutStatistics(
        z=np.array([[2.06, 5.0], [2.05, 2.5758], [2.05, 2.5759], [np.nan, np.nan]]),
        information=np.tile([60.0, 30.0], (4, 1)),
    )
    # 0.02 ends at 2.0537, 0.005 at 2.575829
    assert decide_cuts(rules, shown).rejected.tolist() == [
        [True, False],
        [False, False],
        [False, True],
        [False, False],
    ]


def test_correlations_are_those_of_the_statistics_under_new_arms():
    """Brute force: the arms of one trial drawn anew 4,000 times, with a strongly prognostic marker."""
    scenario = changed(control={"median": 12, "prognostic_hazard_ratio": 4.0}, randomization={})
    trial = simulate_threshold(scenario, "adaptive_threshold", seed=5, replicates=1)
    d, intervals = patients(scenario, "adaptive_threshold", 5, 0)
    cut = trial.looks[0, 0]
    known, inside = d["entry"] + d["time"] <= cut, d["entry"] <= cut
    time = np.where(known, d["time"], cut - d["entry"])
    lowest = [0, *intervals.first]
    rows = np.array([scores(time, d["event"] & known, inside & (d["interval"] >= f)) for f in lowest])
    arms = np.random.default_rng(1).random((4_000, rows.shape[1])) < 0.5
    found = np.corrcoef(arms @ rows.T, rowvar=False)
    nested = trial.nesting[0]
    neighbours = np.sqrt(nested[1:] / nested[:-1])
    assert neighbours == pytest.approx(np.diag(found, 1), abs=4 * 0.5 / np.sqrt(4_000))
    plain = trial.found[0, 0, :6, 4]
    assert np.all(neighbours < np.sqrt(plain[1:] / plain[:-1]) + 0.01)


def test_a_joint_level_rejects_more_than_a_split_one_and_never_less():
    split = simulate_threshold(changed(), "adaptive_threshold", seed=4, replicates=2_000, estimate=False)
    joint_design = changed(multiplicity="spiessens_debois")
    joint = simulate_threshold(joint_design, "adaptive_threshold", seed=4, replicates=2_000, estimate=False)
    assert np.all(joint.decisions.rejected >= split.decisions.rejected)
    assert joint.decisions.rejected.sum() > split.decisions.rejected.sum()


def test_without_adjustment_five_candidates_reject_more_than_twice_as_often():
    naive = changed(hypotheses=["positive"], allow_unadjusted_maximum=True, n=300, events=200)
    kept = changed(hypotheses=["positive"], n=300, events=200)
    errors = [
        simulate_threshold(s, "adaptive_threshold", seed=4, replicates=8_000, null=True, estimate=False)
        .decisions.rejected.mean()
        for s in (naive, kept)
    ]  # fmt: skip
    assert errors[0] > 0.05
    assert errors[1] == pytest.approx(0.025, abs=3 * np.sqrt(0.025 * 0.975 / 8_000) + 0.002)


PATTERNS = sorted(set(permutations([0, 0, 1, 1])))


def scores(time, event, inside):
    """Log-rank scores of some patients, of squares that sum to 1: event minus cumulative hazard."""
    a = np.zeros(len(time))
    for t in np.unique(time[event & inside]):
        at_risk = inside & (time >= t)
        deaths = inside & event & (time == t)
        a[deaths] += 1
        a[at_risk] -= deaths.sum() / at_risk.sum()
    norm = np.sqrt((a**2).sum())
    return a / norm if norm > 0 else a


def test_p_value_of_the_maximum_is_the_share_of_all_arrangements_of_the_blocks():
    test = {"critical_values": "permutation", "permutations": 20_000, "alpha": 0.49}
    scenario = changed(n=12, events=9, candidates=[-0.8, 0.0], hypotheses=["positive"], test=test)
    arms = [
        np.concatenate(blocks) for blocks in ((a, b, c) for a in PATTERNS for b in PATTERNS for c in PATTERNS)
    ]
    compared = 0
    for seed in range(25):
        d, intervals = patients(scenario, "adaptive_threshold", seed, 0)
        trial = simulate_threshold(scenario, "adaptive_threshold", seed=seed, replicates=1)
        cut = trial.looks[0, 0]
        known, inside = d["entry"] + d["time"] <= cut, d["entry"] <= cut
        time = np.where(known, d["time"], cut - d["entry"])
        rows = [scores(time, d["event"] & known, inside & (d["interval"] >= f)) for f in intervals.first]
        largest = [max(-(row * arm).sum() for row in rows) for arm in [d["arm"], *arms]]
        exact = np.mean(np.array(largest[1:]) >= largest[0] - 1e-9)
        if abs(exact - 0.49) < 0.02:
            continue
        compared += 1
        assert trial.decisions.rejected[0, 0] == (exact <= 0.49)
    assert compared > 15


def test_permutation_keeps_its_level_with_a_prognostic_marker_at_two_to_one():
    scenario = changed(
        n=90,
        events=60,
        hypotheses=["positive"],
        test={"critical_values": "permutation", "permutations": 199, "alpha": 0.05},
        randomization={"ratio": [2, 1], "block": 3},
    )
    trials = simulate_threshold(
        scenario, "adaptive_threshold", seed=9, replicates=3_000, null=True, estimate=False
    )
    error = trials.decisions.rejected.mean()
    assert error == pytest.approx(0.05, abs=3 * np.sqrt(0.05 * 0.95 / 3_000))


FAULTS = [
    ({"candidates": [-5.0, 0.0]}, {}, "outside the marker"),
    ({"candidates": [0.5, 0.0]}, {}, "ascend"),
    ({"candidates": None}, {}, "give the cuts"),
    ({}, {"marker": {"prevalence": {"value": 0.4}}}, "continuous marker"),
    ({}, {"marker": {"continuous": {}, "prevalence": {"mean": 0.4, "sd": 0.05}}}, "one true cut"),
    (
        {},
        {"marker": {"continuous": {"cut": 0.0}, "assay": {"sensitivity": 0.9, "specificity": 0.9}}},
        "measurement_sd",
    ),
    ({"events": [60, 120]}, {}, r"test \[positive\] alone"),
    ({"events": [40, 80, 120], "hypotheses": ["positive"]}, {}, "two: the cut is then chosen"),
    ({"learning_share": 0.5}, {}, "belongs to adaptive_signature"),
    ({"cut_by": "interaction"}, {}, "largest log-rank"),
    ({"hypotheses": ["negative"]}, {}, "at or above the chosen cut"),
    ({"multiplicity": "simes"}, {}, "the level is split"),
    ({"selection": {"rule": "best"}}, {}, "another kind"),
    ({"spending": "pocock"}, {}, "one look only"),
    ({}, {"test": {"statistic": "rmst", "tau": 12}}, "tested by logrank"),
    (
        {"allow_unadjusted_maximum": True},
        {"test": {"critical_values": "permutation"}},
        "adjusts for the choice",
    ),
]


@pytest.mark.parametrize(("design", "sections", "what"), FAULTS, ids=[f[2] for f in FAULTS])
def test_settings_that_cannot_be_are_refused(design, sections, what):
    settings = {k: v for k, v in (SIZE | design).items() if v is not None}
    with pytest.raises(ConfigError, match=what):
        make_scenario(BASE | sections | {"designs": {"adaptive_threshold": settings}})


def test_a_split_needs_its_share():
    with pytest.raises(ConfigError, match="share of the patients who choose"):
        make_scenario(BASE | {"designs": {"adaptive_signature": SIZE}})


def test_results_say_which_cut_was_chosen_and_what_holds_above_it():
    found = simulate_scenario(SCENARIO, replicates=600)
    for name in KINDS:
        chosen = found.designs[name].selected["chosen_cut"]
        assert [c["cut"] for c in chosen["candidates"]] == CUTS
        shares = np.array([share["value"] for share in chosen["in_all"]["chosen"]])
        assert shares.sum() == pytest.approx(1)
        above = np.array([c["share_at_or_above"] for c in chosen["candidates"]])
        assert chosen["in_all"]["share_at_or_above"]["mean"] == pytest.approx(shares @ above)
        assert found.designs[name].no_closed_form
    biased = found.designs["adaptive_threshold"].selected["chosen_cut"]["in_all"]["log_bias"]
    fair = found.designs["adaptive_signature"].selected["chosen_cut"]["in_all"]["log_bias"]
    assert biased["value"] < -5 * biased["mc_standard_error"]
    assert abs(fair["value"]) < 3 * fair["mc_standard_error"]
    assert "chosen_cut" not in found.designs["all_comers"].selected


def test_an_unadjusted_design_says_so_with_its_error():
    scenario = changed(hypotheses=["positive"], allow_unadjusted_maximum=True)
    (said,) = [w for w in simulate_scenario(scenario, replicates=500).warnings if "only one" in w]
    assert "times the nominal 2.5 %" in said


MIXED = BASE | {
    "accrual": {"screened_per_month": 40},
    "designs": {
        "interim": {
            "design": "adaptive_threshold",
            "n": 1_200,
            "events": [150, 500],
            "hypotheses": ["positive"],
            "candidates": [1.0],
            "spending": {"spending": "user", "shares": [0.0, 1.0]},
        }
    },
}
POPULATIONS = ("overall", "positive", "negative")


def test_hazard_ratios_of_whom_a_trial_enrolled_are_those_that_large_trials_find():
    """One candidate and no rejection at the interim, so that no choice makes the estimates too good."""
    scenario = make_scenario(MIXED)
    truth = enrolled_ratios(scenario, "interim", make_intervals(scenario, "interim"), POPULATIONS)
    trials = simulate_threshold(scenario, "interim", seed=1, replicates=300, threads=2)
    assert np.all(trials.decisions.last_look == 1)
    order = [("overall", "positive", "negative").index(name) for name in POPULATIONS]
    found = trials.whole[:, order, 5]
    error = found.std(axis=0) / np.sqrt(len(found))
    assert np.all(np.abs(found.mean(axis=0) - np.log(truth[0])) < 3 * error)
    # everybody is not all comers: most of the patients are from above the cut
    unrestricted = cox_limit(make_trial(scenario, "interim"), trials.looks[:, 0].mean())
    assert np.log(unrestricted / truth[0, 0]) > 6 * error[0]


def test_until_the_interim_those_enrolled_are_all_comers_and_without_effect_all_ratios_are_1():
    scenario = make_scenario(MIXED)
    truth = enrolled_ratios(scenario, "interim", make_intervals(scenario, "interim"), POPULATIONS)
    time = look_times(scenario, "interim")[0]
    whole = [cox_limit(make_trial(scenario, "interim", population=name), time) for name in POPULATIONS]
    assert truth[-1] == pytest.approx(whole, abs=2e-5)
    null = make_scenario(MIXED | {"treatment": {"hazard_ratio": 1.0}})
    intervals = make_intervals(null, "interim")
    assert enrolled_ratios(null, "interim", intervals, POPULATIONS) == pytest.approx(np.ones((2, 3)))


def test_a_study_holds_estimates_of_those_enrolled_against_their_own_truth():
    scenario = make_scenario(MIXED)
    study = simulate_scenario(scenario, replicates=200, seed=1, n_jobs=2, type_i_error=False)
    found = study.designs["interim"].hazard_ratio
    truth = enrolled_ratios(scenario, "interim", make_intervals(scenario, "interim"), POPULATIONS)[0]
    for name, expected in zip(POPULATIONS, truth, strict=True):
        part = found["by_population"][name]
        assert part["true"] == pytest.approx(expected)
        assert abs(part["coverage"]["value"] - 0.95) < 0.06
    assert found["by_stratum"]["positive"]["true"] == pytest.approx(truth[1])
    assert "all comers until the interim" in found["definition"]
