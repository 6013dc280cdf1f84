"""Other serum analytes, and what is said of whole columns. Worked by hand; brute force; invariants."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from igfstrat.errors import ConfigError
from igfstrat.evidence import load_evidence
from igfstrat.features.assays import stated_assays
from igfstrat.features.coded import count_words
from igfstrat.features.serum import (
    SERUM_ANALYTES,
    SERUM_SPECS,
    SERUM_STATUS_SPECS,
    SerumFeatures,
    log2_concentration,
)
from igfstrat.schema import COLUMNS


def table_of(values, header="igf2_ng_ml", limits=None):
    table = pd.DataFrame({header: np.array(values, dtype=float)})
    if limits is not None:
        table[f"{header}_lower"], table[f"{header}_upper"] = np.array(limits, dtype=float).T
    return table


def test_there_are_ten_analytes_each_with_a_value_and_a_status():
    assert len(SERUM_ANALYTES) == len(SERUM_SPECS) == len(SERUM_STATUS_SPECS) == 10
    assert {"igf2_log2", "free_igf1_log2", "vegfc_log2", "insulin_log2", "hba1c"} < set(SERUM_SPECS)
    assert {"igfbp1_status", "hba1c_status"} < set(SERUM_STATUS_SPECS)


@pytest.mark.parametrize("analyte", SERUM_ANALYTES)
def test_each_keeps_the_contract(check_feature_transformer, analyte):
    values = np.random.default_rng(3).uniform(*(5, 20) if analyte == "hba1c_percent" else (11, 49), 30)
    table = table_of(values, COLUMNS[analyte].header)
    check_feature_transformer(SerumFeatures(analyte), table)
    transformer = SerumFeatures(analyte, quantile=0.5)
    check_feature_transformer(transformer, table)
    out = transformer.fit_transform(table)
    specs = [(SERUM_SPECS | SERUM_STATUS_SPECS)[name] for name in out]
    assert all(spec.inputs == {analyte: COLUMNS[analyte].unit} for spec in specs)
    low, high = specs[0].bounds
    assert out.iloc[:, 0].between(low, high).all()


@pytest.mark.parametrize("spec", [*SERUM_SPECS.values(), *SERUM_STATUS_SPECS.values()], ids=lambda s: s.name)
def test_no_retracted_source_is_named_as_evidence(spec):
    registry = load_evidence()
    assert all(registry[key].status != "retracted" for key in spec.evidence)


def test_the_retracted_cut_of_free_igf1_is_in_the_registry_and_not_in_the_code():
    retracted = {key for key, e in load_evidence().items() if e.biomarker == "free_igf1" and e.status == "retracted"}  # fmt: skip
    assert retracted
    assert not retracted & set(SERUM_SPECS["free_igf1_log2"].evidence)


def test_a_doubled_concentration_is_one_more_and_zero_has_no_logarithm():
    assert log2_concentration([700.0, 1400.0, 0.0, math.nan])[:2].tolist() == pytest.approx([9.4512, 10.4512], abs=1e-4)  # fmt: skip
    assert np.isnan(log2_concentration([0.0, math.nan])).all()


def test_zero_is_flagged_and_a_missing_value_is_not():
    table = table_of([0.0, math.nan, 4.0], "igfbp1_ng_ml")
    transformer = SerumFeatures("igfbp1").fit(table)
    assert transformer.transform(table)["igfbp1_log2"].isna().tolist() == [True, True, False]
    assert [(f.rows.tolist(), f.code, f.column) for f in transformer.flag_rows(table)] == [
        ([0], "not_log_scale", "igfbp1_ng_ml")
    ]


def test_hba1c_stays_as_it_is():
    table = table_of([5.4, math.nan], "hba1c_percent")
    transformer = SerumFeatures("hba1c_percent", at_least=6.5).fit(table)
    out = transformer.transform(table)
    assert out["hba1c"].tolist()[0] == 5.4
    assert out["hba1c_status"].tolist() == ["low", None]
    assert transformer.flag_rows(table) == []


def test_without_a_cut_there_is_no_status():
    assert SerumFeatures("igf2").fit(table_of([500.0])).feature_names() == ["igf2_log2"]
    assert not any("cut" in name for name in vars(SerumFeatures("igf2").fit(table_of([500.0]))))


def test_a_fixed_cut_is_in_the_unit_of_the_column_and_includes_itself():
    transformer = SerumFeatures("igf2", at_least=600.0)
    assert transformer.fit_transform(table_of([599.9, 600.0, math.nan]))["igf2_status"].tolist() == ["low", "high", None]  # fmt: skip
    assert "high: Serum IGF-2 ≥ 600 ng/mL" in transformer.describe()["igf2_status"]


def test_a_quantile_is_learned_in_the_fit_stored_and_applied_to_new_patients():
    transformer = SerumFeatures("igf2", quantile=0.5).fit(table_of([100.0, 200.0, 300.0, math.nan]))
    assert (transformer.cut_, transformer.n_fit_) == (200.0, 3)
    out = transformer.transform(table_of([200.0, 201.0, 900.0, 901.0]))
    assert out["igf2_status"].tolist() == ["low", "high", "high", "high"]
    assert "200 ng/mL, the median of 3 values of this cohort" in transformer.describe()["igf2_status"]


def test_the_band_around_a_cut_is_indeterminate():
    out = SerumFeatures("igf2", at_least=600.0, indeterminate=50.0).fit_transform(
        table_of([500.0, 560.0, 640.0, 660.0])
    )
    assert out["igf2_status"].tolist() == ["low", "indeterminate", "indeterminate", "high"]


def test_a_value_below_a_limit_has_a_status_by_its_interval_and_no_logarithm():
    table = table_of([math.nan, math.nan, 5.0], "igfbp1_ng_ml", [(0, 2), (0, 20), (5, 5)])
    out = SerumFeatures("igfbp1", at_least=10.0).fit_transform(table)
    assert out["igfbp1_status"].tolist() == ["low", "indeterminate", "low"]
    assert out["igfbp1_log2"].isna().tolist() == [True, True, False]


def test_refitting_with_other_parameters_forgets_the_old_cut():
    transformer = SerumFeatures("igf2", quantile=0.5).fit(table_of([100.0, 200.0]))
    transformer.set_params(quantile=None).fit(table_of([100.0]))
    assert not hasattr(transformer, "cut_")


@pytest.mark.parametrize(
    ("parameters", "words"),
    [({"analyte": "igf3"}, "is none of igf2"), ({"at_least": 1.0, "quantile": 0.5}, "not both"), ({"quantile": 1.0}, "between 0 and 1"),
     ({"quantile": math.nan}, "between 0 and 1"), ({"indeterminate": -1.0}, ">= 0")],
)  # fmt: skip
def test_impossible_parameters_are_our_own_error(parameters, words):
    with pytest.raises(ConfigError, match=words):
        SerumFeatures(**parameters).fit(table_of([100.0]))


@given(st.lists(st.sampled_from(["ria", "lcms", None, math.nan]), min_size=1, max_size=20), st.sampled_from(["ria", None]))  # fmt: skip
def test_assays_are_as_stated_and_else_as_assumed(stated, assumed):
    table = pd.DataFrame({"igf1_assay": np.array(stated, dtype=object)})
    before = table.copy()
    for column in (table["igf1_assay"], table["igf1_assay"].astype("category")):
        found = stated_assays(pd.DataFrame({"igf1_assay": column}), "igf1_assay", assumed)
        assert [None if pd.isna(s) else s for s in found] == [
            s if isinstance(s, str) else assumed for s in stated
        ]
    assert table.equals(before)
    nothing = stated_assays(table, "igfbp3_assay", assumed)
    assert [None if pd.isna(s) else s for s in nothing] == [assumed] * len(stated)


def test_equally_common_assays_are_ordered_by_name_so_that_the_order_of_rows_does_not_matter():
    stated = np.array(["ria", "lcms", "ria", "lcms", "elisa"], dtype=object)
    for order in (slice(None), slice(None, None, -1)):
        assert list(count_words(stated[order], np.ones(5, dtype=bool))) == ["lcms", "ria", "elisa"]
