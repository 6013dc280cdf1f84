"""Verdicts on a cohort beside the registry: intervals worked by hand, and invariants of the rule."""

import json
import math

import numpy as np
import pytest
from scipy.stats import norm

from igfstrat.analysis.evidence_lines import compare_subgroups_with_evidence, compare_with_evidence
from igfstrat.analysis.results import Estimate, Grouping
from igfstrat.analysis.subgroup_results import SubgroupVariable
from igfstrat.analysis.subgroups import analyse_subgroups
from igfstrat.cohort import Endpoint

PROTEIN = Grouping(
    name="igf1r_status", title="IGF-1R status", rule="", biomarker="igf1r", compartment="tumour_protein"
)
MRNA = Grouping(
    name="igf1r_mrna_status", title="IGF1R mRNA", rule="", biomarker="igf1r", compartment="tumour_mrna"
)


def interval(value, half):
    """A ratio with an interval of that half-width on the log scale."""
    return Estimate(value=value, ci_lower=value * math.exp(-half), ci_upper=value * math.exp(half))


def compared(
    estimate, *, grouping=PROTEIN, pair=("low", "high"), disease="breast", endpoint="dfs", within=None, **more
):
    return compare_with_evidence(
        estimate, grouping=grouping, pair=pair, disease=disease, endpoint=endpoint, within=within, **more
    )


def entry(comparison, key):
    return next(e for e in comparison.entries if e.id == key)


# E-d-32: HR+, membranous protein, DFS, 0.61 (0.41-0.92)
LUMINAL = ("subtype", "luminal_b")


@pytest.mark.parametrize(
    ("estimate", "verdict"),
    [
        (interval(0.61, 0.2), "compatible"),
        (interval(0.95, 0.6), "too imprecise to tell"),
        (interval(0.90, 0.15), "too imprecise to tell"),
        (interval(1.60, 0.3), "incompatible"),
        (interval(0.20, 0.3), "incompatible"),
    ],
    ids=[
        "the same",
        "holds 1 and the report",
        "the same sign and holds 1",
        "the other sign",
        "stronger by far",
    ],
)
def test_a_report_of_an_effect_is_judged_by_intervals(estimate, verdict):
    found = entry(compared(estimate, within=LUMINAL), "E-d-32")
    assert found.verdict == verdict


def test_z_and_p_of_the_difference_are_worked_by_hand():
    found = entry(compared(Estimate(value=1.2, ci_lower=0.8, ci_upper=1.8), within=LUMINAL), "E-d-32")
    errors = [math.log(1.8 / 0.8) / (2 * norm.ppf(0.975)), math.log(0.92 / 0.41) / (2 * norm.ppf(0.975))]
    z = (math.log(1.2) - math.log(0.61)) / math.hypot(*errors)
    assert found.z == pytest.approx(z)
    assert found.p_value == pytest.approx(2 * norm.sf(abs(z)))


@pytest.mark.parametrize(("half", "verdict"), [(0.05, "compatible"), (0.5, "too imprecise to tell")])
def test_a_report_of_no_effect_is_met_only_by_an_interval_no_wider(half, verdict):
    # E-d-25: 1.04 (0.86-1.25)
    assert entry(compared(interval(1.0, half), disease="nsclc", endpoint="os"), "E-d-25").verdict == verdict


def test_a_shared_sign_alone_is_never_compatible():
    rng = np.random.default_rng(3)
    for half in (0.1, 0.3, 1.0):
        for value in np.exp(rng.normal(0, half / 3, 20)):
            estimate = interval(float(value), half)
            if estimate.ci_lower <= 1 <= estimate.ci_upper:
                assert entry(compared(estimate, within=LUMINAL), "E-d-32").verdict != "compatible"


def test_with_no_effect_anywhere_no_more_than_5_percent_are_called_compatible_with_an_effect():
    rng = np.random.default_rng(4)
    verdicts = [
        entry(
            compared(interval(float(math.exp(rng.normal(0, 0.2))), 1.96 * 0.2), within=LUMINAL), "E-d-32"
        ).verdict
        for _ in range(400)
    ]
    assert verdicts.count("compatible") / 400 < 0.05


@pytest.mark.parametrize(
    ("key", "more", "reason"),
    [
        ("E-b-19", {}, "another definition of the endpoint: 5-year distant dfs"),
        ("E-d-30", {}, "no number is reported"),
        ("E-d-32", {}, "other patients: HR+"),
        ("E-d-36", {}, "another compartment: tumour mRNA"),
        ("E-b-11", {"disease": "nsclc", "endpoint": "os"}, "another scale: percent positive"),
        ("E-b-12a", {"disease": "nsclc", "endpoint": "pfs", "within": ("histology_class", "squamous")}, "no interval is reported"),
        ("E-d-31", {"pair": ("wild_type", "mutated")}, "the cohort's groups are not high against low"),
    ],
)  # fmt: skip
def test_what_cant_be_compared_says_why(key, more, reason):
    found = entry(compared(interval(0.8, 0.3), **more), key)
    assert (found.verdict, found.reason, found.z) == ("not comparable", reason, None)


def test_a_ratio_of_low_against_high_is_turned_round():
    irs1 = Grouping(
        name="irs1_status", title="IRS-1", rule="", biomarker="irs1", compartment="tumour_protein"
    )
    found = entry(compared(interval(0.5, 0.2), grouping=irs1, within=("er_class", "positive")), "E-d-45")
    ratio = (found.hazard_ratio, found.hazard_ratio_lower, found.hazard_ratio_upper)
    assert ratio == pytest.approx((1 / 2.17, 1 / 4.09, 1 / 1.15))
    assert found.verdict == "compatible"


def test_all_cause_mortality_is_overall_survival():
    serum = Grouping(name="igf1_status", title="IGF-1", rule="", biomarker="igf1", compartment="serum")
    found = compared(interval(1.0, 0.1), grouping=serum, endpoint="os")
    assert entry(found, "E-d-10").p_value is not None
    assert found.verdict == "conflicting"


def test_a_subgroup_shows_what_is_reported_on_it_and_not_what_is_reported_on_everybody():
    ids = {e.id for e in compared(interval(0.8, 0.3), within=LUMINAL).entries}
    assert {"E-d-32", "S1-58"} <= ids
    assert "E-d-31" not in ids
    assert "S1-59" not in ids


def test_where_nothing_is_reported_there_is_no_evidence():
    assert compared(interval(0.8, 0.3), within=("subtype", "triple_negative")).verdict == "no evidence"
    assert compared(interval(0.8, 0.3), disease=None).verdict == "no evidence"
    assert compared(interval(0.8, 0.3), endpoint="tte").verdict == "no evidence"


def test_what_is_reported_on_early_disease_is_not_compared_with_metastatic_patients():
    found = compared(interval(0.8, 0.3), endpoint="os", where={"metastatic": "yes"})
    assert found.entries
    assert all(e.p_value is None for e in found.entries)
    assert "need not have spread" in entry(found, "E-d-29").reason


def test_entries_without_any_number_are_not_comparable_as_a_whole():
    assert compared(interval(0.8, 0.3), endpoint="dss").verdict == "not comparable"


def test_without_a_ratio_in_the_cohort_it_is_too_imprecise_and_says_so():
    found = entry(compared(Estimate(not_estimable="fewer than 10 events in high"), within=LUMINAL), "E-d-32")
    assert found.verdict == "too imprecise to tell"
    assert "fewer than 10 events" in found.reason


def test_mrna_is_never_compared_with_protein():
    for endpoint in ("os", "dfs"):
        found = compared(interval(0.8, 0.3), grouping=MRNA, disease="nsclc", endpoint=endpoint)
        assert all(e.p_value is None for e in found.entries if e.compartment != "tumour_mrna")


def test_every_row_of_a_forest_has_its_line():
    rng = np.random.default_rng(6)
    time = rng.exponential(50, 200)
    endpoint = Endpoint(
        name="dfs",
        title="DFS",
        time=time,
        event=np.ones(200, bool),
        reasons=("",) * 200,
        source_unit="months",
    )
    level = rng.choice(["luminal_b", "triple_negative"], 200).astype(object)
    analysis = analyse_subgroups(
        [endpoint],
        groups=rng.choice(["low", "high"], 200).astype(object),
        order=["low", "high"],
        variables=[(SubgroupVariable(name="subtype", title="Subtype"), level)],
    )
    found = compare_subgroups_with_evidence(analysis, grouping=PROTEIN, disease="breast")
    assert [(c.variable, c.level) for c in found] == [
        (None, None), ("subtype", "luminal_b"), ("subtype", "triple_negative"),
    ]  # fmt: skip
    json.dumps([c.to_dict() for c in found], allow_nan=False)
