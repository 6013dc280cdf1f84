"""Reading of scenarios. Truth: the documented keys of the scenario file, and what can't be, worked by hand."""

import json

import pytest

from igfstrat.config import make_config, packaged_configs, parse_yaml
from igfstrat.errors import ConfigError, UsageError
from igfstrat.trials import Scenario, check_built, expand_vary, make_scenario, read_scenario

BASE = """
endpoint: pfs
marker:
  name: igf1r_status
  prevalence: {value: 0.626, of: test_positive}
  assay: {sensitivity: 0.9, specificity: 0.85}
control: {median: 4.6}
accrual: {screened_per_month: 40}
designs:
  all_comers: {n: 500, events: 300}
"""


def read(text):
    return make_config(Scenario, parse_yaml(text, source="x.yaml"))


def changed(**sections):
    """The base scenario with other sections."""
    data = dict(parse_yaml(BASE, source="x.yaml").data) | sections
    return {key: value for key, value in data.items() if value is not None}


def message_of(**sections):
    with pytest.raises(ConfigError) as caught:
        make_scenario(changed(**sections))
    return str(caught.value)


DOCUMENTED = """
name: would an IGF-1R antibody with chemotherapy pay in squamous NSCLC?
endpoint: pfs
time_unit: months
marker:
  name: igf1r_status
  prevalence: {value: 0.626, of: test_positive}
  assay: {sensitivity: 0.90, specificity: 0.85, against: "second reader", failure: {rate: 0.05, then: excluded}, turnaround_days: 10}
control:
  median: 4.6
  prognostic_hazard_ratio: 1.0
treatment:
  hazard_ratio: {positive: 1.0, negative: 1.0}
accrual: {screened_per_month: 40}
dropout: {probability_per_year: 0.05}
randomization: {ratio: [1, 1], block: 4, strata: [igf1r_status]}
test: {statistic: logrank, alpha: 0.025, sided: 1}
costs: {screen: 800, patient: 60000, month: 150000, currency: EUR}
designs:
  all_comers: {n: 500, events: 300}
  enrichment: {n: 500, events: 300}
  biomarker_stratified: {n: 500, events: 300, hypotheses: [overall, positive], multiplicity: spiessens_debois}
  adaptive_enrichment:
    {n: 500, events: [150, 300], selection: {rule: conditional_power, at_least: 0.30}, combination: inverse_normal, increments: stage_by_patient, multiplicity: simes, spending: obrien_fleming}
  three_looks: {design: all_comers, n: 500, events: [100, 200, 300], spending: obrien_fleming, futility: {spending: hwang_shih_decani, gamma: -4, binding: false}}
compare_at: {same: n}
vary: {treatment.hazard_ratio.positive: [1.0, 0.8, 0.6], marker.assay.sensitivity: [0.8, 0.9, 1.0]}
simulation: {replicates: 10000, seed: 20261120}
"""


def test_the_documented_scenario_is_read_with_every_key():
    scenario = read(DOCUMENTED)
    assert scenario.marker.assay.failure.rate == 0.05
    assert scenario.designs["three_looks"].futility.gamma == -4
    assert scenario.designs["three_looks"].events == (100, 200, 300)
    assert scenario.kind_of("three_looks") == "all_comers"
    assert scenario.hypotheses_of("enrichment") == ("positive",)
    assert scenario.simulation.seed == 20261120


@pytest.mark.parametrize(
    "name",
    sorted(p.stem for p in (packaged_configs() / "scenarios").glob("*.yaml") if p.stem != "winners_curse"),
)
def test_packaged_scenarios_are_good(name):
    assert read_scenario(name).designs


def test_the_truth_is_the_null_until_said_otherwise():
    effects = read(BASE).treatment.hazard_ratio
    assert [p.hazard_ratio for p in (*effects.positive, *effects.negative)] == [1.0, 1.0]


@pytest.mark.parametrize(
    ("section", "value"),
    [
        ("marker", {"prevalence": {"mean": 0.3, "sd": 0.05, "of": "truth"}}),
        ("marker", {"prevalence": {"from_cohort": "cohort.xlsx", "map": "map.yaml"}}),
        ("marker", {"continuous": {"mean": 100, "sd": 40, "cut": 120}, "assay": {"measurement_sd": 15}}),
        ("control", {"hazard": [{"until": 6, "rate": 0.15}, {"rate": 0.08}]}),
        ("control", {"weibull": {"shape": 1.2, "median": 4.6}, "prognostic_hazard_ratio": 0.586}),
        ("control", {"cure": {"fraction": 0.3, "median": 6}, "positive": {"median": 9}}),
        ("treatment", {"hazard_ratio": 0.7}),
        ("treatment", {"hazard_ratio": {"positive": [{"until": 4, "hazard_ratio": 1.0}, {"hazard_ratio": 0.6}]}}),
        ("subgroups", [{"name": "visceral", "share": 0.7, "control_hazard_ratio": 1.5}, {"name": "bone", "share": 0.3}]),
        ("scans", {"every": 2}),
        ("overall_survival", {"after_progression": {"median": 8}, "crossover": {"probability": 0.4}, "harm": {"p_below": 0.1}}),
        ("accrual", [{"until": 6, "screened_per_month": 20}, {"screened_per_month": 40}]),
        ("accrual", {"randomized_uniformly_over": 24}),
        ("dropout", {"rate_per_year": 0.05}),
        ("dropout", {"control": {"rate_per_year": 0.1}, "experimental": {"probability_per_year": 0.05}}),
        ("test", {"statistic": "fleming_harrington", "rho": 0, "gamma": 1}),
        ("test", {"statistic": "maxcombo", "weights": [[0, 0], [0, 1]]}),
        ("test", {"statistic": "milestone", "at": 12}),
        ("compare_at", {"power": 0.9}),
        ("simulation", {"replicates": 5, "precision": 0.01, "null": "average_is_one"}),
    ],
)  # fmt: skip
def test_every_documented_form_is_read(section, value):
    assert make_scenario(changed(**{section: value}))


@pytest.mark.parametrize(
    ("name", "design"),
    [
        ("hybrid", {"max_negative_share": 0.3}),
        ("sequential", {"hypotheses": ["positive", "overall"], "multiplicity": "fallback", "weights": {"positive": 0.8, "overall": 0.2}}),
        ("biomarker_stratified", {"multiplicity": "graphical", "transitions": {"overall": {"positive": 1}, "positive": {"overall": 1}}}),
        ("all_comers", {"spending": {"spending": "user", "shares": [1.0]}}),
    ],
)  # fmt: skip
def test_every_design_is_read(name, design):
    assert make_scenario(changed(designs={name: {"n": 500, "events": 300} | design}))


def test_every_fault_is_listed_at_once():
    text = (
        BASE.replace("value: 0.626", "value: 0.05")
        .replace("median: 4.6", "median: -1")
        .replace("screened_per_month", "screend_per_month")
        + "  enrichment: {n: 100, events: [50, 300], spendng: pocock}\n  mine: {n: 100, events: 300}\nmarkr: 1\n"
    )
    with pytest.raises(ConfigError) as caught:
        read(text)
    found = str(caught.value)
    assert found.startswith("6 problems in x.yaml")
    for line, words in (
        (5, "marker.prevalence.value  found 0.05; sensitivity 0.9 and specificity 0.85 leave 0.15 to 0.9"),
        (7, "control.median  found -1; must be greater than 0"),
        (8, "accrual.screend_per_month  unknown key; did you mean 'screened_per_month'?"),
        (11, "designs.enrichment.spendng  unknown key; did you mean 'spending'?"),
        (12, "is the name of no kind of design"),
        (13, "markr  unknown key; did you mean 'marker'?"),
    ):  # fmt: skip
        assert any(row.startswith(f"  line {line}  ") and words in row for row in found.split("\n")), words


def test_several_impossible_designs_are_listed_together():
    designs = {
        "all_comers": {"n": 100, "events": [90, 300]},
        "hybrid": {"n": 100, "events": [90, 80]},
        "enrichment": {"n": 100, "events": 50, "hypotheses": ["overall"]},
    }
    found = message_of(designs=designs)
    for words in (
        "more events than the 100 patients",
        "looks must ascend",
        "caps the share",
        "positive patients only",
    ):
        assert words in found


@pytest.mark.parametrize(
    ("sections", "words"),
    [
        ({"marker": {"prevalence": {"value": 0.95, "of": "test_positive"}, "assay": {"sensitivity": 0.9, "specificity": 0.9}}}, "leave 0.1 to 0.9"),
        ({"marker": {"prevalence": {"mean": 0.05, "sd": 0.01, "of": "test_positive"}, "assay": {"sensitivity": 0.9, "specificity": 0.9}}}, "leave 0.1 to 0.9"),
        ({"marker": {"prevalence": {"mean": 0.5, "sd": 0.6}}}, "no distribution of shares"),
        ({"marker": {"prevalence": {"value": 0.5, "mean": 0.5, "sd": 0.1}}}, "give one of"),
        ({"marker": {"prevalence": {"value": 0.5}, "continuous": {"cut": 1.0}}}, "not both"),
        ({"marker": {"prevalence": {"value": 0.5}, "assay": {"sensitivity": 0.4, "specificity": 0.5}}}, "no better than a coin"),
        ({"control": {"median": 3, "weibull": {"shape": 1, "scale": 2}}}, "give one of"),
        ({"control": None}, "give the section `control`"),
        ({"treatment": {"hazard_ratio": {"positive": [{"until": 4, "hazard_ratio": 1}]}}}, "the last has none"),
        ({"treatment": {"hazard_ratio": {"positive": True}}}, "must be a number"),
        ({"treatment": {"hazard_ratio": [{"until": 4, "hazard_ratio": 1}, {"until": 3, "hazard_ratio": 1}, {"hazard_ratio": 1}]}}, "must ascend"),
        ({"subgroups": [{"name": "a", "share": 0.5}, {"name": "b", "share": 0.4}]}, "sum to 1"),
        ({"accrual": {"screened_per_month": 4, "randomized_uniformly_over": 3}}, "give screened_per_month"),
        ({"accrual": [{"until": 3, "screened_per_month": 4}, {"screened_per_month": 0}]}, "might never fill"),
        ({"randomization": {"ratio": [2, 1], "block": 4}}, "multiple of 3"),
        ({"randomization": {"strata": ["stage"], "block": 4}}, "is no stratum here; there is igf1r_status"),
        ({"randomization": {"strata": ["igf1r_status"]}}, "needs blocks"),
        ({"test": {"statistic": "logrank", "rho": 1}}, "belongs to fleming_harrington"),
        ({"test": {"statistic": "stratified_logrank"}}, "needs strata"),
        ({"test": {"statistic": "proportions"}}, "a binary response"),
        ({"endpoint": "response"}, "give the section `response`"),
        ({"endpoint": "dss", "overall_survival": {"after_progression": {"median": 8}}}, "can't stand beside"),
        ({"designs": {"all_comers": {"events": 300}}}, "number of patients"),
        ({"designs": {"all_comers": {"n": 500, "events": 3, "analysis_times": 3}}}, "not both"),
        ({"designs": {"all_comers": {"n": 500, "events": 300, "selection": {"rule": "best"}}}}, "adaptive design"),
        ({"designs": {"all_comers": {"n": 500, "events": 300, "futility": {"z": [0.0]}}}}, "one look only"),
        ({"designs": {"all_comers": {"n": 500, "events": [100, 300], "spending": {"spending": "hwang_shih_decani"}}}}, "gamma"),
        ({"designs": {"biomarker_stratified": {"n": 500, "events": 300, "multiplicity": "graphical"}}}, "belong to `multiplicity: graphical`"),
        ({"designs": {}}, "at least 1"),
        ({"designs": {"all_comers": {"n": 500, "events": []}}}, "at least 1"),
        ({"designs": {"all_comers": 3}}, "must be a mapping\n"),
        ({"vary": {"marker.assay.sensitivity": [0.9, 0.5]}}, "leave 0.15 to 0.5"),
        ({"vary": {"marker.asay.sensitivity": [0.9]}}, "asay: unknown key"),
        ({"vary": {"control.median.x": [0.9]}}, "no path of keys"),
        ({"vary": {"control.median": []}}, "leaves no point"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_with_its_reason(sections, words):
    assert words in message_of(**sections) + "\n"


def test_grid_has_every_pair_with_the_last_key_fastest():
    points = expand_vary(read(DOCUMENTED))
    pairs = [(p["treatment.hazard_ratio.positive"], p["marker.assay.sensitivity"]) for p, _ in points]
    assert pairs == [(h, s) for h in (1.0, 0.8, 0.6) for s in (0.8, 0.9, 1.0)]
    for point, scenario in points:
        assert (
            scenario.treatment.hazard_ratio.positive[0].hazard_ratio
            == point["treatment.hazard_ratio.positive"]
        )
        assert scenario.treatment.hazard_ratio.negative[0].hazard_ratio == 1.0
        assert scenario.marker.assay.sensitivity == point["marker.assay.sensitivity"]
        assert not scenario.vary


def test_without_a_grid_there_is_one_point():
    scenario = read(BASE)
    assert expand_vary(scenario) == [({}, scenario)]


def test_grid_reaches_a_section_that_is_not_written():
    ((_, first), (_, second)) = expand_vary(
        make_scenario(changed(vary={"dropout.rate_per_year": [0.1, 0.2]}))
    )
    assert (first.dropout.rate_per_year, second.dropout.rate_per_year) == (0.1, 0.2)


def test_grid_of_pairs_that_cannot_be_together_is_refused_with_all_of_them():
    vary = {"marker.prevalence.value": [0.16, 0.5], "marker.assay.specificity": [0.85, 0.75]}
    with pytest.raises(ConfigError, match=r"0\.16.*specificity 0\.75"):
        expand_vary(make_scenario(changed(vary=vary)))


def test_a_prevalence_from_a_cohort_is_read_but_not_run():
    scenario = make_scenario(changed(marker={"prevalence": {"from_cohort": "cohort.xlsx"}}))
    with pytest.raises(UsageError, match="cohort"):
        check_built(scenario)
    assert check_built(read(BASE)) is None


def test_rates_follow_the_unit_of_time():
    years = make_scenario(changed(time_unit="years", dropout={"rate_per_year": 0.12}))
    assert years.accrual.rate_pieces("years") == ((0.0,), (480.0,))
    assert years.dropout.rates("months") == pytest.approx((0.01, 0.01))
    assert make_scenario(changed(dropout={"probability_per_year": 0.05})).dropout.rates("years")[
        0
    ] == pytest.approx(0.0512933)


def test_schema_for_editors_knows_the_shorthands():
    schema = json.dumps(Scenario.model_json_schema())
    for key in ("screened_per_month", "prognostic_hazard_ratio", "spiessens_debois", "stage_by_patient"):
        assert key in schema
