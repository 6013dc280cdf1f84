"""Adaptive rules on normal statistics. Truth: rpact's own simulation of its manual's design, stored with script and versions
(tests/reference/enrichment_reference.R), and the integral of one hypothesis; all within 3 Monte-Carlo standard errors.

What rpact defines otherwise is taken into account here: it counts a population as selected only in trials that did not end at
the interim; a trial ends there when all populations are rejected, not when those that would go on are; and its
second stage has the share of positive events that both strata's hazard ratios give.
"""

import json
from pathlib import Path

import numpy as np
import pytest

from igfstrat.trials.adaptive.normal import simulate_normal
from igfstrat.trials.adaptive.stages import make_adaptive_rules
from igfstrat.trials.rejection.boundaries import crossing_probabilities
from igfstrat.trials.scenario.design import DesignSettings, SelectionSettings

REFERENCE = json.loads((Path(__file__).parents[1] / "reference" / "enrichment_reference.json").read_text())
PREVALENCE = 0.4
DRAWS = 100_000


def rules_like(case):
    best = (
        {"rule": "epsilon", "epsilon": case["epsilon"][0]} if case["rule"] == "epsilon" else {"rule": "best"}
    )
    by = "log_hazard_ratio" if case["measure"] == "effectEstimate" else "z"
    settings = DesignSettings(
        n=1000,
        events=(150, 300),
        selection=SelectionSettings(**best, by=by),
        multiplicity="simes",
        combination="inverse_normal",
    )
    return make_adaptive_rules(settings, hypotheses=("positive", "overall"), alpha=0.025, events=(150, 150))


def simulated(case):
    positive, negative = case["hazard_ratios"]
    weights = np.array([PREVALENCE * (1 + positive), (1 - PREVALENCE) * (1 + negative)])
    return simulate_normal(
        rules_like(case),
        log_hazard_ratio=(np.log(positive), np.log(negative)),
        positive_share=float(weights[0] / weights.sum()),
        normals=np.random.default_rng(20261120).standard_normal((2, DRAWS, 2)),
    ).courses


def agree(ours, theirs):
    """Two simulated proportions within 3 standard errors of their difference."""
    pooled = (ours * DRAWS + theirs * REFERENCE["iterations"]) / (DRAWS + REFERENCE["iterations"])
    error = np.sqrt(pooled * (1 - pooled) * (1 / DRAWS + 1 / REFERENCE["iterations"]))
    return abs(ours - theirs) <= 3 * error + 1e-12


def test_boundaries_are_those_of_rpact():
    rules = rules_like(next(iter(REFERENCE["cases"].values())))
    assert np.abs(rules.combination.critical - REFERENCE["critical_values"]).max() < 1e-5


@pytest.mark.parametrize("name", REFERENCE["cases"])
def test_power_and_selection_are_those_of_rpact(name):
    case = REFERENCE["cases"][name]
    found = simulated(case)
    assert agree(found.rejected.any(axis=1).mean(), case["at_least_one"][0])
    by_population = np.reshape(case["rejected"], (2, 2)).sum(axis=1)
    for j in range(2):
        assert agree(found.rejected[:, j].mean(), by_population[j])


@pytest.mark.parametrize("name", REFERENCE["cases"])
def test_selection_probabilities_and_events_are_those_of_rpact(name):
    case = REFERENCE["cases"][name]
    found = simulated(case)
    # rpact ends a trial at the interim only when all populations are rejected
    early = found.rejected.all(axis=1) & (found.last_stage == 0)
    assert agree(early.mean(), case["early_stop"][0])
    selected = np.reshape(case["selected"], (2, 2))[:, 1]
    ended = (found.last_stage == 0) & ~early
    for j in range(2):
        # what goes on there and ended with success here was the one hypothesis that the rule kept
        kept = found.kept[:, 1, j] | (ended & found.rejected[:, j])
        if case["rule"] == "best":
            assert agree(kept.mean(), selected[j])
    gap = 300 - 150 * early.mean() - case["expected_events"][0]
    assert abs(gap) <= 3 * 150 * np.sqrt(early.mean() * (1 - early.mean()) * 2 / DRAWS) + 1e-9


def test_one_hypothesis_without_selection_has_the_power_of_the_integral():
    """With a rule that keeps everything the combination of planned stages is the group-sequential test itself."""
    settings = DesignSettings(n=500, events=(100, 200, 300), selection=SelectionSettings(rule="best"))
    rules = make_adaptive_rules(settings, hypotheses=("overall",), alpha=0.025, events=(100, 100, 100))
    found = simulate_normal(
        rules,
        log_hazard_ratio=(np.log(0.75), np.log(0.75)),
        positive_share=0.3,
        normals=np.random.default_rng(1).standard_normal((3, DRAWS, 2)),
    )
    exact = crossing_probabilities(
        upper=rules.combination.critical, drift=-np.log(0.75) / 2, information=[100.0, 200.0, 300.0]
    )
    power = found.courses.rejected.mean()
    assert abs(power - exact.power) <= 3 * np.sqrt(power * (1 - power) / DRAWS)
    events = 100 * (exact.reach.sum())
    assert abs(found.events.mean() - events) <= 3 * found.events.std() / np.sqrt(DRAWS)
