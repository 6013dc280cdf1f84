"""IGF-1R status, subtype and strata. Worked by hand from the published definitions; brute force for three-valued logic."""

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from igfstrat.errors import ConfigError, DomainError
from igfstrat.features import StratumRule, assign_strata, default_strata
from igfstrat.features.igf1r import ExpressionStatus
from igfstrat.features.igf1r_scores import h_score
from igfstrat.features.status import NAMED_RULES, status_from_limits
from igfstrat.features.subtype import SubtypeFeatures, surrogate_subtype

NAN = float("nan")


def test_h_score_of_10_20_30_percent_is_140():
    assert h_score(10, 20, 30) == 140
    assert h_score([0, 0, 100], [0, 0, 0], [0, 100, 0]).tolist() == [0, 300, 100]


@pytest.mark.parametrize("percentages", [(-1, 0, 0), (50, 50, 10), (0, 0, 101)])
def test_impossible_percentages_have_no_h_score(percentages):
    with pytest.raises(DomainError, match="together at most 100"):
        h_score(*percentages)


@given(st.floats(0, 100), st.floats(0, 1), st.floats(0, 1))
def test_an_h_score_lies_between_0_and_300(total, a, b):
    one, two = total * min(a, b), total * abs(a - b)
    assert 0 <= h_score(one, two, total - one - two if total > one + two else 0) <= 300.0001


@pytest.mark.parametrize(
    ("rule", "values", "expected"),
    [("allred_at_least_7", [6, 7, 8, None], ["low", "high", "high", None]), ("h_score_at_least_100", [99.9, 100, 300, None], ["low", "high", "high", None]),
     ("her2_style_2_or_3", ["1", "2", "3", None], ["low", "high", "high", None]), ("any_membrane", ["0", "1", "3", None], ["low", "high", "high", None])],
)  # fmt: skip
def test_a_named_rule_cuts_where_its_study_did(rule, values, expected):
    column = pd.Series(values, dtype=object if isinstance(values[0], str) else float)
    table = pd.DataFrame({NAMED_RULES[rule].measure: column})
    transformer = ExpressionStatus(rule=rule)
    assert transformer.fit_transform(table)["igf1r_status"].tolist() == expected
    assert NAMED_RULES[rule].evidence in transformer.describe()["igf1r_status"]


def test_of_several_rules_the_first_whose_measure_is_there_is_used_and_said():
    transformer = ExpressionStatus(rule=("allred_at_least_7", "her2_style_2_or_3"))
    assert transformer.fit(pd.DataFrame({"igf1r_ihc": ["2"]})).rule_ == "her2_style_2_or_3"
    assert (
        transformer.fit(pd.DataFrame({"igf1r_ihc": ["2"], "igf1r_allred": [3.0]})).rule_
        == "allred_at_least_7"
    )
    assert "Allred" in transformer.describe()["igf1r_status"]


def test_a_quantile_is_learned_from_the_training_fold_alone():
    train = pd.DataFrame({"igf1r_mrna": [1.0, 2.0, 3.0, 4.0, NAN]})
    transformer = ExpressionStatus("igf1r_mrna_status", quantile=0.5, of="igf1r_mrna").fit(train)
    assert (transformer.cut_, transformer.n_fit_) == (2.5, 4)
    test = pd.DataFrame({"igf1r_mrna": [100.0, 200.0, 2.0]})
    assert transformer.transform(test)["igf1r_mrna_status"].tolist() == ["high", "high", "low"]
    assert transformer.cut_ == 2.5
    assert "> 2.5, the median of 4 values" in transformer.describe()["igf1r_mrna_status"]


def test_a_value_on_a_quantile_is_low_and_on_a_fixed_cut_high():
    table = pd.DataFrame({"igf1r_mrna": [1.0, 2.0, 3.0]})
    by_quantile = ExpressionStatus("igf1r_mrna_status", quantile=0.5, of="igf1r_mrna")
    by_cut = ExpressionStatus("igf1r_mrna_status", at_least=2.0, of="igf1r_mrna")
    assert by_quantile.fit_transform(table).iloc[:, 0].tolist() == ["low", "low", "high"]
    assert by_cut.fit_transform(table).iloc[:, 0].tolist() == ["low", "high", "high"]


def test_within_the_band_a_status_is_indeterminate_and_its_row_is_flagged():
    table = pd.DataFrame({"igf1r_h_score": [109.0, 110.0, 129.9, 130.0, NAN]})
    transformer = ExpressionStatus(at_least=120.0, of="igf1r_h_score", indeterminate=10.0).fit(table)
    assert transformer.transform(table)["igf1r_status"].tolist() == [
        "low",
        "indeterminate",
        "indeterminate",
        "high",
        None,
    ]
    assert [(i, f.code) for f in transformer.flag_rows(table) for i in f.rows] == [
        (1, "status_indeterminate"),
        (2, "status_indeterminate"),
    ]


def test_a_cohort_without_a_single_value_has_no_status():
    table = pd.DataFrame({"igf1r_mrna": [NAN, NAN]})
    out = ExpressionStatus("igf1r_mrna_status", quantile=0.5, of="igf1r_mrna").fit_transform(table)
    assert out["igf1r_mrna_status"].tolist() == [None, None]


@given(st.floats(-10, 10), st.floats(0, 10), st.floats(-10, 10), st.booleans())
def test_limits_decide_exactly_when_both_ends_agree(lower, width, cut, above):
    both = status_from_limits([lower], [lower + width], cut=cut, above=above)[0]
    ends = {status_from_limits([end], [end], cut=cut, above=above)[0] for end in (lower, lower + width)}
    assert both == (ends.pop() if len(ends) == 1 else "indeterminate")


def subtype(rule, *, er=1.0, pr=1.0, her2=0.0, pr_high=1.0, ki67=10.0):
    values = {
        k: np.array([v])
        for k, v in {"er": er, "pr": pr, "her2": her2, "pr_high": pr_high, "ki67": ki67}.items()
    }
    return surrogate_subtype(**values, rule=rule)[0]


def test_ki67_of_10_with_pr_of_10_percent_is_b_by_st_gallen_and_a_by_maisonneuve():
    table = pd.DataFrame(
        {"er_percent": [90.0], "pr_percent": [10.0], "her2_ihc": ["0"], "ki67_percent": [10.0]}
    )
    assert SubtypeFeatures("st_gallen_2013").fit_transform(table)["subtype"][0] == "luminal_b"
    assert SubtypeFeatures("maisonneuve_2014").fit_transform(table)["subtype"][0] == "luminal_a"


@pytest.mark.parametrize(
    ("receptors", "st_gallen", "maisonneuve"),
    [({"ki67": 10.0}, "luminal_a", "luminal_a"), ({"ki67": 19.9}, "luminal_a", "luminal_a"), ({"ki67": 20.0}, "luminal_b", "luminal_b"),
     ({"ki67": 15.0, "pr_high": 0.0}, "luminal_b", "luminal_b"), ({"ki67": 13.9, "pr_high": 0.0}, "luminal_b", "luminal_a"),
     ({"ki67": NAN}, None, None), ({"ki67": NAN, "pr_high": 0.0}, "luminal_b", None), ({"ki67": 10.0, "pr_high": NAN}, None, "luminal_a"),
     ({"her2": 1.0}, "luminal_her2", "luminal_her2"), ({"her2": NAN}, None, None), ({"er": 0.0}, "luminal_b", "luminal_b"),
     ({"er": NAN}, None, None), ({"er": NAN, "ki67": 30.0}, "luminal_b", "luminal_b"), ({"er": NAN, "her2": 1.0}, "luminal_her2", "luminal_her2"),
     ({"er": 0.0, "pr": 0.0, "pr_high": 0.0}, "triple_negative", "triple_negative"), ({"er": 0.0, "pr": 0.0, "her2": 1.0}, "her2_enriched", "her2_enriched"),
     ({"er": 0.0, "pr": NAN, "pr_high": NAN}, None, None), ({"er": 0.0, "pr": 0.0, "her2": NAN}, None, None)],
)  # fmt: skip
def test_surrogates_are_those_of_the_consensus_and_doubt_stays_doubt(receptors, st_gallen, maisonneuve):
    assert subtype("st_gallen_2013", **receptors) == st_gallen
    assert subtype("maisonneuve_2014", **receptors) == maisonneuve


@pytest.mark.parametrize("rule", ["st_gallen_2013", "maisonneuve_2014"])
def test_an_unknown_receptor_is_decided_exactly_when_every_way_to_know_it_agrees(rule):
    for er, pr, her2, ki67 in itertools.product(
        (0.0, 1.0, NAN), (0.0, 1.0, NAN), (0.0, 1.0, NAN), (10.0, 16.0, 30.0, NAN)
    ):
        for pr_high in (0.0,) if pr == 0 else (0.0, 1.0, NAN):
            found = subtype(rule, er=er, pr=pr, her2=her2, pr_high=pr_high, ki67=ki67)
            ways = {
                subtype(rule, er=e, pr=p, her2=h, pr_high=high, ki67=k)
                for e, p, h, k in itertools.product(
                    *(((0.0, 1.0) if np.isnan(x) else (x,)) for x in (er, pr, her2)),
                    (10.0, 16.0, 30.0) if np.isnan(ki67) else (ki67,),
                )
                for high in ((0.0, 1.0) if np.isnan(pr_high) else (pr_high,))
                if p == 1 or high == 0
            }
            assert found is None or ways == {found}, (er, pr, her2, pr_high, ki67)


def test_her2_2_plus_without_in_situ_hybridization_is_unknown_never_negative():
    table = pd.DataFrame({"er_percent": [0.0] * 4, "pr_percent": [0.0] * 4, "her2_ihc": ["0", "1", "2", "3"]})
    out = SubtypeFeatures("st_gallen_2013").fit_transform(table)["subtype"].tolist()
    assert out == ["triple_negative", "triple_negative", None, "her2_enriched"]
    table["her2_status"] = ["negative", "positive", "negative", None]
    out = SubtypeFeatures("st_gallen_2013").fit_transform(table)["subtype"].tolist()
    # the measurement decides where it can; the status as written fills what it leaves open (2+)
    assert out == ["triple_negative", "triple_negative", "triple_negative", "her2_enriched"]


def test_one_percent_of_cells_is_a_positive_receptor():
    table = pd.DataFrame(
        {
            "er_percent": [0.9, 1.0],
            "pr_percent": [0.0, 0.0],
            "her2_ihc": ["0", "0"],
            "ki67_percent": [5.0, 5.0],
        }
    )
    assert SubtypeFeatures("st_gallen_2013").fit_transform(table)["subtype"].tolist() == [
        "triple_negative",
        "luminal_b",
    ]


def test_a_given_subtype_is_taken_as_it_is():
    transformer = SubtypeFeatures()
    table = pd.DataFrame(
        {"subtype": ["basal_like", None, np.nan], "er_percent": [90.0] * 3, "her2_ihc": ["0"] * 3}
    )
    assert transformer.fit_transform(table)["subtype"].tolist() == ["basal_like", None, None]
    assert transformer.describe() == {"subtype": "as given in the cohort"}


RULES = [
    StratumRule(name="B high", where={"subtype": ("luminal_b", "luminal_her2"), "igf1r_status": "high"}),
    StratumRule(name="B low", where={"subtype": ("luminal_b", "luminal_her2"), "igf1r_status": "low"}),
    StratumRule(name="other"),
]


@pytest.mark.parametrize(
    ("subtype", "status", "stratum"),
    [("luminal_b", "high", "B high"), ("luminal_her2", "low", "B low"), ("luminal_a", "high", "other"), ("luminal_a", None, "other"),
     ("luminal_a", "indeterminate", "other"), ("luminal_b", None, "indeterminate"), ("luminal_b", "indeterminate", "indeterminate"),
     (None, "high", "indeterminate"), (None, None, "indeterminate")],
)  # fmt: skip
def test_a_stratum_is_three_valued(subtype, status, stratum):
    features = pd.DataFrame({"subtype": [subtype], "igf1r_status": [status]}, dtype=object)
    assert assign_strata(features, RULES)[0] == stratum


def test_without_a_rule_for_the_rest_no_rule_is_no_stratum():
    features = pd.DataFrame({"subtype": ["luminal_a"], "igf1r_status": ["high"]})
    assert assign_strata(features, RULES[:2])[0] is None


def test_a_stratum_may_ask_for_indeterminate_itself():
    rules = [StratumRule(name="unclear", where={"igf1r_status": "indeterminate"}), StratumRule(name="clear")]
    features = pd.DataFrame({"igf1r_status": ["indeterminate", "high", None]}, dtype=object)
    assert assign_strata(features, rules).tolist() == ["unclear", "clear", "indeterminate"]


def test_a_stratum_of_a_feature_that_is_not_computed_is_refused():
    with pytest.raises(
        ConfigError, match="strata name igf1r_status, which the plan doesn't compute; there are subtype"
    ):
        assign_strata(pd.DataFrame({"subtype": ["luminal_a"]}), RULES)


def test_without_strata_the_statuses_stand_side_by_side():
    features = pd.DataFrame(
        {
            "igf1_sds": [1.0, 2.0, NAN],
            "igf1r_status": ["high", None, None],
            "igf1_status": ["low", "high", None],
        }
    )
    assert default_strata(features).tolist() == [
        "IGF-1R status high · Serum IGF-1 status low",
        "Serum IGF-1 status high",
        None,
    ]
    assert default_strata(features[["igf1_sds"]]).tolist() == ["all", "all", None]


def test_an_unknown_subtype_rule_is_refused():
    with pytest.raises(
        ConfigError, match="subtype: 'st_gallen' is none of as_given, st_gallen_2013, maisonneuve_2014"
    ):
        SubtypeFeatures("st_gallen").fit(pd.DataFrame({"subtype": ["luminal_a"]}))


def test_her2_of_a_subtype_goes_by_ihc_and_ish_and_the_status_fills_what_they_leave_open():
    table = pd.DataFrame(
        {
            "er_percent": [0.0] * 5,
            "pr_percent": [0.0] * 5,
            "ki67_percent": [30.0] * 5,
            "her2_ihc": ["2", "2", "2", "3", None],
            "her2_ish_ratio": [2.4, 1.2, np.nan, np.nan, np.nan],
            "her2_copies": [5.0, 2.0, np.nan, np.nan, np.nan],
            "her2_status": [None, None, "positive", "negative", "negative"],
        }
    )
    subtype = SubtypeFeatures("st_gallen_2013").fit_transform(table)["subtype"].tolist()
    assert subtype == [
        "her2_enriched",
        "triple_negative",
        "her2_enriched",
        "her2_enriched",
        "triple_negative",
    ]
