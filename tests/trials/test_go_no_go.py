"""Bayesian go or no-go. Truth: conjugate normal formulas by hand, a posterior by brute force on a grid, invariants."""

import math

import numpy as np
import pytest
from pydantic import ValidationError
from scipy.special import ndtr

from igfstrat.errors import ConfigError, EvidenceError
from igfstrat.report.study_selection import selection_tables
from igfstrat.trials import make_scenario
from igfstrat.trials.adaptive.normal import simulate_normal
from igfstrat.trials.adaptive.patients import simulate_adaptive
from igfstrat.trials.adaptive.priors import (
    Prior,
    between_variance,
    make_prior,
    posterior_probability,
    reported_effects,
)
from igfstrat.trials.adaptive.selection import Interim, make_rule
from igfstrat.trials.adaptive.stages import make_adaptive_rules
from igfstrat.trials.scenario.design import DesignSettings, SelectionSettings
from igfstrat.trials.scenario.prior import PriorSettings
from igfstrat.trials.study.feasibility import feasibility_concerns
from igfstrat.trials.study.operating import simulate_scenario

# 0.92 (0.65 to 1.31) and 1.15 (0.81 to 1.61)
ARGIRIS, NOVELLO = "E-e-16a", "E-e-16b"
VARIANCE = (math.log(1.31 / 0.65) / 3.919927969) ** 2, (math.log(1.61 / 0.81) / 3.919927969) ** 2
EFFECT = math.log(0.92), math.log(1.15)
GO = {"rule": "posterior_probability", "hazard_ratio_below": 0.8, "at_least": 0.5}
POWER = {"kind": "power", "evidence": ARGIRIS, "weight": 0.3}
DESIGN = {"design": "adaptive_enrichment", "n": 300, "events": [80, 160], "selection": GO}
BASE = {
    "endpoint": "pfs",
    "marker": {"name": "igf1r", "prevalence": {"value": 0.4}},
    "control": {"median": 6},
    "treatment": {"hazard_ratio": {"positive": 0.6, "negative": 1.0}},
    "accrual": {"screened_per_month": 20},
}


def scenario_of(**selections):
    designs = {name: DESIGN | {"selection": GO | more} for name, more in selections.items()}
    return make_scenario(BASE | {"designs": designs})


def prior(**settings):
    return make_prior(PriorSettings(**settings))


def test_power_prior_is_the_reported_estimate_with_its_variance_over_the_power():
    found = prior(**POWER)
    assert found.mean == pytest.approx(EFFECT[0])
    assert found.sd**2 == pytest.approx(VARIANCE[0] / 0.3, rel=1e-8)


def test_power_prior_of_two_trials_adds_their_discounted_information():
    found = prior(kind="power", evidence=(ARGIRIS, NOVELLO), weight=0.5)
    shares = [1 / v for v in VARIANCE]
    assert found.precision == pytest.approx(0.5 * sum(shares), rel=1e-8)
    assert found.mean == pytest.approx(sum(s * e for s, e in zip(shares, EFFECT, strict=True)) / sum(shares))


def test_a_trial_like_one_that_differs_by_tau_has_its_variance_and_twice_that_between_trials():
    found = prior(kind="heterogeneity", evidence=NOVELLO, tau=0.2)
    assert found.mean == pytest.approx(EFFECT[1])
    assert found.sd**2 == pytest.approx(VARIANCE[1] + 2 * 0.2**2, rel=1e-8)


def test_heterogeneity_of_two_trials_is_what_their_difference_leaves_beyond_their_errors():
    ids = ("E-e-14b", "E-e-14c")  # 0.21 and 1.19 of the same subgroup
    effect, error = reported_effects(ids)
    left = ((effect[0] - effect[1]) ** 2 - (error**2).sum()) / 2
    assert left > 0
    found = prior(kind="heterogeneity", evidence=ids)
    assert found.tau == pytest.approx(math.sqrt(left))
    share = 1 / (error**2 + left)
    assert found.sd**2 == pytest.approx(left + 1 / share.sum())
    assert found.mean == pytest.approx((share * effect).sum() / share.sum())
    assert between_variance(np.array(EFFECT), np.array(VARIANCE)) == 0  # no more apart than their errors


def test_heterogeneity_prior_is_the_law_of_a_new_trials_effect_given_the_reported_ones():
    """Brute force: mean of all trials flat, their effects drawn, kept where they would have been reported like that."""
    rng, tau = np.random.default_rng(4), 0.25
    centre = rng.uniform(-1.5, 1.5, 4_000_000)
    likelihood = np.zeros_like(centre)
    for effect, variance in zip(EFFECT, VARIANCE, strict=True):
        own = centre + tau * rng.standard_normal(len(centre))
        likelihood -= (effect - own) ** 2 / (2 * variance)
    kept = rng.random(len(centre)) < np.exp(likelihood - likelihood.max())
    new = centre[kept] + tau * rng.standard_normal(kept.sum())
    found = prior(kind="heterogeneity", evidence=(ARGIRIS, NOVELLO), tau=tau)
    error = new.std() / math.sqrt(len(new))
    assert abs(new.mean() - found.mean) < 3 * error
    assert abs(new.std() - found.sd) < 3 * error / math.sqrt(2)


@pytest.mark.parametrize("known", [Prior(), Prior(kind="power", mean=0.1, precision=12.0)])
def test_posterior_probability_is_that_of_prior_times_likelihood_on_a_grid(known):
    theta = np.linspace(-4, 4, 160_001)
    for estimate, information in ((-0.5, 20.0), (0.2, 3.0)):
        density = np.exp(
            -known.precision * (theta - known.mean) ** 2 / 2 - information * (theta - estimate) ** 2 / 2
        )
        expected = density[theta < math.log(0.8)].sum() / density.sum()
        found = posterior_probability(known, np.array([estimate]), np.array([information]), below=0.8)
        assert found[0] == pytest.approx(expected, abs=2e-4)


def test_no_estimate_is_no_probability_and_no_limit_lets_everything_pass():
    nan = np.array([math.nan])
    assert posterior_probability(prior(**POWER), nan, np.zeros(1), below=0.8).tolist() == [0.0]
    assert posterior_probability(Prior(), np.zeros(1), np.ones(1), below=math.inf).tolist() == [1.0]


def test_prior_is_worth_the_events_that_would_have_its_standard_error():
    # 1 / sd^2 = 0.3 / 0.03197 of information, 4 events each at 1:1 and 4.5 at 2:1
    information = 0.3 / VARIANCE[0]
    assert prior(**POWER).to_dict(per_event=0.25)["events"] == pytest.approx(4 * information, rel=1e-8)
    assert prior(**POWER).to_dict(per_event=2 / 9)["events"] == pytest.approx(4.5 * information, rel=1e-8)


def test_without_a_prior_even_odds_are_the_estimate_at_the_limit():
    """Trial by trial the rule is that of a threshold of the hazard ratio."""
    scenario = make_scenario(
        BASE
        | {
            "designs": {
                "go": DESIGN,
                "at_most": DESIGN | {"selection": {"rule": "threshold", "at_most": 0.8}},
            }
        }
    )
    go, limit = (
        simulate_adaptive(scenario, name, seed=1, replicates=200, estimate=False).courses
        for name in scenario.designs
    )
    assert np.array_equal(go.kept, limit.kept)
    assert 0.2 < go.kept[:, 1].mean() < 0.8


def test_each_hypothesis_has_its_own_limit_and_one_without_any_goes_on():
    seen = Interim(
        hypotheses=("overall", "positive", "negative"),
        stage=1,
        z=-np.log([[0.8, 0.8, 3.0]]) * 5.0,
        information=np.full((1, 3), 25.0),
        running=np.full((1, 3), True),
        needed=np.ones((1, 3)),
        remaining=np.ones((1, 3)),
    )
    rule = make_rule(SelectionSettings(**GO | {"hazard_ratio_below": {"overall": 0.9, "positive": 0.7}}))
    assert rule(seen).tolist() == [[True, False, True]]


def test_each_hypothesis_has_its_own_prior():
    sure = {"kind": "power", "evidence": "E-e-17b", "weight": 1.0}  # 1.05 (0.98 to 1.12): worth 3,450 events
    scenario = scenario_of(all={"prior": sure}, overall={"priors": {"overall": sure}})
    for name, goes_on in (("all", False), ("overall", True)):
        kept = simulate_adaptive(scenario, name, seed=1, replicates=100, estimate=False).courses.kept[:, 1]
        assert not kept[:, 0].any()
        assert kept[:, 1].any() == goes_on


def test_the_page_tells_prior_source_worth_and_how_often_trials_go_on_with_and_without_effect():
    scenario = scenario_of(go={"prior": POWER})
    found = simulate_scenario(scenario, replicates=300, seed=1).designs["go"]
    interims = [found.selected[key][0] for key in ("interims", "interims_without_effect")]
    assert interims[0]["hypotheses"]["positive"]["value"] > 2 * interims[1]["hypotheses"]["positive"]["value"]
    dull = simulate_adaptive(scenario, "go", seed=1, replicates=300, null=True, estimate=False).courses
    assert interims[1]["hypotheses"]["positive"]["value"] == dull.kept[:, 1, 1].mean()
    tables = {table.caption: table for table in selection_tables([found])}
    row = tables["Prior of the go or no-go"].rows[0]
    prior = "power prior: reported in E-e-16a, at a weight of 0.3"
    assert row[:4] == ("go", "everybody", prior, "0.92 (0.49–1.74)")
    assert row[-1] == f"{4 * 0.3 / VARIANCE[0]:.0f}"
    notes = " ".join(tables["Prior of the go or no-go"].footnotes)
    assert "keeps its level whatever the prior" in notes
    assert "Argiris 2017" in notes
    often = tables["How often the go or no-go goes on"].rows[1]
    assert often[2:4] == ("positives", "hazard ratio < 0.8 with a probability ≥ 50 %")
    assert often[5].startswith(f"{100 * dull.kept[:, 1, 1].mean():.1f}")


@pytest.mark.parametrize("hopeful", [None, {"kind": "power", "evidence": "E-e-14b", "weight": 1.0}])
def test_the_level_is_kept_whatever_the_prior(hopeful):
    settings = DesignSettings(
        n=1_000,
        events=(150, 300),
        selection=SelectionSettings(**GO | {"prior": hopeful}),
        multiplicity="simes",
    )
    rules = make_adaptive_rules(settings, hypotheses=("overall", "positive"), alpha=0.025, events=(150, 150))
    rng = np.random.default_rng(7)
    found = simulate_normal(
        rules, log_hazard_ratio=(0.0, 0.0), positive_share=0.4, normals=rng.standard_normal((2, 200_000, 2))
    )
    error = found.courses.rejected.any(axis=1).mean()
    assert error <= 0.025 + 3 * math.sqrt(0.025 * 0.975 / 200_000)
    assert error > 0.0005


def test_doubtful_evidence_is_told_before_the_simulation():
    scenario = scenario_of(
        go={"prior": {"kind": "heterogeneity", "evidence": ["E-e-10", "E-e-17"]}}, vague={}
    )
    told = "\n".join(feasibility_concerns(scenario))
    for words in ("E-e-10, which is conflicting", "E-e-17, which is about os; pfs decides here"):
        assert words in told
    assert "vague:" not in told
    alike = scenario_of(go={"prior": {"kind": "heterogeneity", "evidence": [ARGIRIS, NOVELLO]}})
    assert "tau 0" in "\n".join(feasibility_concerns(alike))


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"kind": "power", "weight": 0.3}, ["needs evidence"]),
        ({"kind": "power", "evidence": "S2-29"}, ["weight belongs to power", "retracted source"]),
        ({"kind": "power", "evidence": "E-d-20", "weight": 1.0}, ["no hazard ratio of a treatment"]),
        ({"kind": "power", "evidence": "E-e-12", "weight": 1.0}, ["no estimate with an interval"]),
        ({"kind": "heterogeneity", "evidence": ARGIRIS}, ["no heterogeneity; give tau"]),
        ({"kind": "heterogeneity", "evidence": (ARGIRIS, ARGIRIS), "tau": 0.1}, ["names an entry twice"]),
        ({"kind": "vague", "evidence": "X-1", "tau": 0.1}, ["tau belongs", "rests on no", "named X-1"]),
    ],
)
def test_a_prior_without_ground_is_refused_with_every_reason(settings, words):
    with pytest.raises(ValidationError) as told:
        PriorSettings(**settings)
    for word in words:
        assert word in str(told.value)


def test_a_retracted_source_is_refused_even_where_the_settings_were_not_checked():
    with pytest.raises(EvidenceError, match="retracted"):
        reported_effects(("S2-29",))


@pytest.mark.parametrize(
    ("selection", "words"),
    [
        ({"rule": "best", "prior": POWER}, ["prior and priors belong"]),
        (
            {"rule": "posterior_probability", "by": "z"},
            ["needs at_least", "leave it out", "hazard_ratio_below"],
        ),
        (GO | {"at_least": 0.0}, ["between 0 and 1"]),
        (GO | {"at_least": {"positive": 1.0}}, ["between 0 and 1"]),
        (GO | {"priors": {"negative": {"kind": "vague"}}}, ["name hypotheses of the design"]),
        (GO | {"prior": {"kind": "power", "wieght": 0.3}}, ["did you mean 'weight'"]),
    ],
)
def test_a_rule_that_cannot_be_is_refused_in_the_scenario(selection, words):
    with pytest.raises(ConfigError) as told:
        make_scenario(BASE | {"designs": {"go": DESIGN | {"selection": selection}}})
    for word in words:
        assert word in str(told.value)


def test_probability_to_go_on_is_that_of_the_estimate_below_what_the_prior_asks_for():
    """By hand: the posterior passes where the estimate is below a limit, and the estimate is near to normal."""
    known, information = prior(**POWER), 80 / 4
    total = information + known.precision
    limit = (total * math.log(0.8) - known.precision * known.mean) / information
    scenario = make_scenario(
        BASE
        | {
            "treatment": {"hazard_ratio": 1.0},
            "designs": {"go": DESIGN | {"selection": GO | {"prior": POWER}}},
        }
    )
    kept = simulate_adaptive(scenario, "go", seed=2, replicates=4_000, estimate=False).courses.kept[:, 1, 0]
    expected = ndtr(limit * math.sqrt(information))
    assert kept.mean() == pytest.approx(expected, abs=3 * math.sqrt(expected / 4_000) + 0.004)
