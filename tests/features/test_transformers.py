"""The contract of every transformer. Invariants; brute force over all of them."""

import pytest
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline

from igfstrat.errors import CohortError, ConfigError, UsageError
from igfstrat.features import (
    REGISTRY,
    FeatureBuilder,
    FeaturePlan,
    missing_inputs,
    possible_features,
    required_inputs,
)
from igfstrat.features.cores import CoreFeatures
from igfstrat.features.germline import GermlineFeatures
from igfstrat.features.igf1 import Igf1Features
from igfstrat.features.igf1r import ExpressionStatus
from igfstrat.features.igfbp3 import Igfbp3Features
from igfstrat.features.molar_ratio import MolarRatioFeatures
from igfstrat.features.receptors import ReceptorFeatures
from igfstrat.features.serum import SERUM_STATUS_SPECS
from igfstrat.features.staining import StainingFeatures
from igfstrat.features.subtype import SubtypeFeatures
from igfstrat.features.tumour import TUMOUR_SPECS
from tests.tables import random_table

TRANSFORMERS = [
    Igf1Features(),
    Igf1Features(sds_above=1.0, assume_assay="ids_isys"),
    Igfbp3Features(),
    MolarRatioFeatures(30.5),
    ExpressionStatus(rule="her2_style_2_or_3"),
    ExpressionStatus(rule=("allred_at_least_7", "h_score_at_least_100"), indeterminate=1.0),
    ExpressionStatus("igf1r_phospho_status", quantile=0.5, of="igf1r_phospho"),
    ExpressionStatus("igf1r_mrna_status", at_least=0.2, of="igf1r_mrna", indeterminate=0.1),
    StainingFeatures("strongest"),
    CoreFeatures("median"),
    ReceptorFeatures(),
    GermlineFeatures(),
    SubtypeFeatures(),
    SubtypeFeatures("maisonneuve_2014"),
    FeatureBuilder(FeaturePlan()),
    FeatureBuilder(FeaturePlan(), only=("igf1_sds", "subtype")),
]


@pytest.mark.parametrize("transformer", TRANSFORMERS, ids=repr)
def test_every_transformer_keeps_the_contract(check_feature_transformer, make_patients, transformer):
    check_feature_transformer(transformer, make_patients())


@pytest.mark.parametrize("transformer", TRANSFORMERS, ids=repr)
def test_every_transformer_composes_in_a_pipeline(make_patients, transformer):
    table = make_patients()
    assert make_pipeline(transformer).fit(table).transform(table).shape[0] == len(table)


@pytest.mark.parametrize("transformer", TRANSFORMERS, ids=repr)
def test_nothing_is_computed_before_fitting_or_from_nameless_columns(make_patients, transformer):
    table = make_patients()
    with pytest.raises(UsageError, match="give a DataFrame, not ndarray"):
        transformer.fit(table.to_numpy())
    with pytest.raises(NotFittedError):
        type(transformer)(**transformer.get_params()).transform(table)
    with pytest.raises(NotFittedError):
        type(transformer)(**transformer.get_params()).get_feature_names_out()


@pytest.mark.parametrize("transformer", TRANSFORMERS[:-2], ids=repr)
def test_a_missing_column_is_named(make_patients, transformer):
    with pytest.raises(CohortError, match="column missing"):
        transformer.fit(make_patients()[["patient_id"]])


def test_the_contract_sees_a_transformer_that_changes_its_input(check_feature_transformer, make_patients):
    class Careless(MolarRatioFeatures):
        def _compute(self, X):  # noqa: N803
            X["igf1_ng_ml"] = 1.0
            return super()._compute(X)

    with pytest.raises(AssertionError):
        check_feature_transformer(Careless(), make_patients())


def test_a_builder_may_be_fitted_on_another_table_afterwards(make_patients):
    builder = FeatureBuilder(FeaturePlan()).fit(make_patients())
    only_mrna = make_patients()[["patient_id", "igf1r_mrna"]]
    assert list(builder.fit_transform(only_mrna).columns) == ["igf1r_mrna_status"]


def test_available_features_are_those_whose_inputs_are_there(make_patients):
    # without a rule of the plan or a published one there is no status, and without an effect allele no coding
    undefined = {
        *SERUM_STATUS_SPECS,
        *TUMOUR_SPECS,
        *(f"rs{n}_coded" for n in (2946834, 28674628, 7965399, 703556)),
    }
    possible = possible_features(FeaturePlan(), random_table(2).columns)
    assert possible == [name for name in REGISTRY if name not in undefined]
    table = make_patients()
    assert possible_features(FeaturePlan(), ["igf1_ng_ml", "age_years"]) == []
    # receptors without HER2 give no surrogate, and must not stop what else can be computed
    table = table.drop(columns=["her2_ihc"])
    assert "subtype" not in FeatureBuilder(FeaturePlan()).fit_transform(table)


def test_a_listed_feature_without_its_inputs_names_them_all(make_patients):
    plan = FeaturePlan(features=("igf1_sds", "subtype", "igf1r_status"))
    table = make_patients()[["patient_id", "sex", "igf1_ng_ml"]]
    with pytest.raises(CohortError) as caught:
        FeatureBuilder(plan).fit(table)
    for words in (
        "age_years",
        "subtype or er_percent or er_status",
        "igf1r_allred or igf1r_h_score or igf1r_ihc",
    ):
        assert words in str(caught.value)


def test_required_inputs_follow_the_plan():
    assert required_inputs(FeaturePlan()) == []
    assert required_inputs(FeaturePlan(), ["igf1_igfbp3_molar_ratio"]) == [("igf1",), ("igfbp3",)]
    plan = FeaturePlan.model_validate({"subtype": {"rule": "st_gallen_2013"}})
    assert required_inputs(plan, ["subtype"]) == [("er_percent", "er_status"), ("her2_status", "her2_ihc")]
    with pytest.raises(UsageError, match="igf1_zscore is not a feature; there are igf1_sds"):
        required_inputs(FeaturePlan(), ["igf1_zscore"])


def test_missing_inputs_are_named_but_a_value_beyond_a_limit_is_not_missing(make_patients):
    table = make_patients(4)
    table["igf1_ng_ml_lower"], table["igf1_ng_ml_upper"] = table["igf1_ng_ml"], table["igf1_ng_ml"]
    table.loc[0, ["igf1_ng_ml", "igf1_ng_ml_lower", "igf1_ng_ml_upper"]] = None
    table.loc[1, ["igf1_ng_ml", "igf1_ng_ml_lower", "igf1_ng_ml_upper"]] = (None, 0, 25)
    table.loc[[0, 2], "age_years"] = None
    found = missing_inputs(table, [("igf1",), ("age_years",), ("igf1r_allred", "igf1r_h_score")]).tolist()
    assert found == ["Serum IGF-1 missing; Age missing", "", "Age missing", ""]


@pytest.mark.parametrize(
    ("parameters", "words"),
    [({}, "exactly one of rule"), ({"rule": "h_score_at_least_100", "quantile": 0.5}, "exactly one"), ({"rule": "h_score_at_least_90"}, "is none of"),
     ({"quantile": 1.0, "of": "igf1r_mrna"}, "between 0 and 1"), ({"at_least": 1.0}, "needs of"),
     ({"at_least": 1.0, "of": "igf1r_mrna", "indeterminate": -1.0}, "greater than or equal to 0")],
)  # fmt: skip
def test_impossible_parameters_are_our_own_error(make_patients, parameters, words):
    with pytest.raises(ConfigError, match=words):
        ExpressionStatus(**parameters).fit(make_patients())


@pytest.mark.parametrize(
    ("plan", "words"),
    [({"features": ("igf1_zscore",)}, "igf1_zscore not known"), ({"status": {"igf1_status": {"sds_above": 1.0, "reference": "mine"}}}, "no reference is named"),
     ({"status": {"igf1_status": {"sds_above": 1.0, "assume_assay": "ids-isys"}}}, "is not an assay"),
     ({"status": {"igf1r_status": {"sds_above": 1.0}}}, "belongs to igf1_status"), ({"status": {"subtype": {"rule": "any_membrane"}}}, "not a status"),
     ({"status": {"igf1r_status": {"quantile": 0.5, "of": "igf1r_mrn"}}}, "did you mean 'igf1r_mrna'"), ({"endpoints": ("dsf",)}, "is none of dfs"),
     ({"strata": ({"name": "a", "where": {"igf1r_status": "hgih"}},)}, "did you mean 'high'"),
     ({"strata": ({"name": "a", "where": {"subtype": "luminalb"}},)}, "did you mean 'luminal_b'"), ({"igfbp3_kda": 0.0}, "greater than 0")],
)  # fmt: skip
def test_a_plan_that_cannot_mean_anything_is_refused(plan, words):
    with pytest.raises(ValueError, match=words):
        FeaturePlan.model_validate(plan)
