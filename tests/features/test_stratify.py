"""Strata from features and from coded columns, and what stays open. Worked by hand."""

import pandas as pd
import pytest
from sklearn.base import clone

from igfstrat.config import config_path, make_config, read_yaml
from igfstrat.errors import CohortError
from igfstrat.features import (
    FeatureBuilder,
    FeaturePlan,
    Stratifier,
    StratumRule,
    assign_strata,
    stratum_inputs,
    unknown_to_strata,
)
from igfstrat.workflows.plan import Plan

RULES = (
    StratumRule(name="pre, high", where={"menopausal_status": "premenopausal", "igf1r_status": "high"}),
    StratumRule(name="other", where={"igf1r_status": ("high", "low")}),
)


def table_of(**more):
    return pd.DataFrame({"igf1r_ihc": ["3", "3", "0", None], **more})


def strata_of(plan, table):
    return Stratifier(plan).fit_transform(table)["stratum"].tolist()


def test_a_stratum_may_name_a_coded_column_beside_a_feature():
    table = table_of(menopausal_status=["premenopausal", "postmenopausal", "premenopausal", "premenopausal"])
    assert strata_of(FeaturePlan(strata=RULES), table) == ["pre, high", "other", "other", "indeterminate"]


def test_what_a_cohort_cannot_tell_leaves_open_only_the_strata_that_it_decides():
    plan, table = FeaturePlan(strata=RULES), table_of()
    assert strata_of(plan, table) == ["indeterminate", "indeterminate", "other", "indeterminate"]
    features = FeatureBuilder(plan).fit_transform(table)
    assert unknown_to_strata(features, table, plan) == ["menopausal_status"]
    assert stratum_inputs(features, table, plan)["menopausal_status"].isna().all()


def test_a_plan_that_lists_its_features_requires_the_columns_of_its_strata():
    plan = FeaturePlan(features=("igf1r_status",), strata=RULES)
    with pytest.raises(CohortError, match="menopausal_status"):
        Stratifier(plan).fit(table_of()).transform(table_of())


@pytest.mark.parametrize(
    ("where", "words"),
    [({"igf1_sds": "high"}, "igf1_sds is a number"), ({"igf1r_statsu": "high"}, "did you mean 'igf1r_status'"),
     ({"menopausal_status": "premenopausel"}, "did you mean 'premenopausal'"), ({"ancestry": "asia"}, "is no value of ancestry"),
     ({"site": "A"}, "neither a feature nor a coded column")],
)  # fmt: skip
def test_a_condition_that_nobody_can_meet_is_refused(where, words):
    with pytest.raises(ValueError, match=words):
        FeaturePlan(strata=({"name": "a", "where": where},))


def test_the_stratifier_keeps_the_contract(check_feature_transformer, make_patients):
    plan = FeaturePlan(strata=({"name": "a", "where": {"subtype": "luminal_a"}}, {"name": "b"}))
    check_feature_transformer(Stratifier(plan), make_patients())
    assert (
        clone(Stratifier(plan)).fit(make_patients()).describe()["stratum"]
        == "a: subtype luminal_a; b: all others"
    )


PATIENTS = {
    "bone": ({"bone_metastasis": ["yes", "yes", "no"], "visceral_metastasis": ["no", "yes", "no"],
              "other_metastasis": ["no", "no", "yes"], "igf1r_ihc": ["3", "0", "2"]},
             ["bone only, IGF-1R high", "visceral, IGF-1R low", "not visceral, IGF-1R high"]),
    "prostate": ({"bone_metastasis": ["yes", "no", None], "igf1r_ihc": ["3", "0", "3"]},
                 ["bone metastases, IGF-1R high", "no bone metastases, IGF-1R low", "indeterminate"]),
    "lung": ({"histology": ["squamous", "adenocarcinoma", "adenocarcinoma"], "driver": [None, "EGFR L858R", "EGFR wild type"],
              "igf1r_ihc": ["3", "0", "2"]},
             ["squamous, IGF-1R high", "EGFR-mutant, IGF-1R low", "other, IGF-1R high"]),
    "breast": ({"subtype": ["luminal_a", "luminal_her2", "triple_negative"], "igf1r_ihc": ["3", "0", "2"], "sex": "female",
                "age_years": 50.0, "igf1_ng_ml": 120.0, "igfbp3_ng_ml": 4000.0},
               ["luminal A, IGF-1R high", "luminal B, IGF-1R low", "other"]),
}  # fmt: skip


@pytest.mark.parametrize("name", PATIENTS)
def test_the_packaged_plans_put_patients_where_they_say(name):
    columns, expected = PATIENTS[name]
    plan = make_config(Plan, read_yaml(config_path(name, "plans")))
    assert strata_of(plan, pd.DataFrame(columns)) == expected


def test_an_earlier_rule_that_may_be_met_comes_before_a_later_one_that_is():
    features = pd.DataFrame({"igf1r_status": ["indeterminate"], "menopausal_status": ["premenopausal"]})
    rules = (RULES[0], StratumRule(name="pre", where={"menopausal_status": "premenopausal"}))
    assert assign_strata(features, rules).tolist() == ["indeterminate"]
