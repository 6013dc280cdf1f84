"""Tumour IGFBP5/IGFBP4. Worked by hand; invariants (hypothesis)."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from igfstrat.errors import CohortError, ConfigError, UsageError
from igfstrat.evidence import get_evidence
from igfstrat.features.igfbp_ratio import (
    IGFBP5_IGFBP4_RATIO,
    IgfbpRatioFeatures,
    ratio_log2,
    usable_pair,
)
from igfstrat.schema import COLUMNS

NAN = float("nan")
NAME = "igfbp5_igfbp4_ratio_log2"


def proteins(five, four):
    return pd.DataFrame({"igfbp5_tumour": five, "igfbp4_tumour": four}, dtype=float)


def test_8_over_2_is_2_on_a_linear_scale_and_6_as_logarithms():
    table = proteins([8, 1], [2, 4])
    assert IgfbpRatioFeatures().fit_transform(table)[NAME].tolist() == [2, -2]
    assert IgfbpRatioFeatures("log2").fit_transform(table)[NAME].tolist() == [6, -3]


@given(st.floats(1e-6, 1e6), st.floats(1e-6, 1e6), st.floats(1e-3, 1e3))
def test_a_common_factor_and_the_way_of_writing_do_not_matter(five, four, factor):
    ratio = ratio_log2([five], [four])
    assert ratio_log2([five * factor], [four * factor]) == pytest.approx(ratio, abs=1e-9)
    assert ratio_log2([np.log2(five)], [np.log2(four)], scale="log2") == pytest.approx(ratio, abs=1e-9)
    assert ratio_log2([four], [five]) == pytest.approx(-ratio, abs=1e-9)


def test_zero_has_no_logarithm_and_is_flagged_on_its_own_column():
    table = proteins([8, 0, 8, NAN], [2, 2, 0, 2])
    transformer = IgfbpRatioFeatures().fit(table)
    assert transformer.transform(table)[NAME].tolist() == pytest.approx([2, NAN, NAN, NAN], nan_ok=True)
    assert [(f.code, f.column, f.rows.tolist()) for f in transformer.flag_rows(table)] == [
        ("not_log_scale", "igfbp5_tumour", [1]),
        ("not_log_scale", "igfbp4_tumour", [2]),
    ]


def test_a_negative_value_shows_that_no_row_is_linear():
    table = proteins([8, -1, NAN], [2, 2, 2])
    transformer = IgfbpRatioFeatures().fit(table)
    assert transformer.transform(table)[NAME].isna().all()
    assert [(f.code, f.rows.tolist()) for f in transformer.flag_rows(table)] == [("not_log_scale", [0, 1])]
    assert "the scale isn't linear and no ratio is given" in transformer.describe()[NAME]
    by_log = IgfbpRatioFeatures("log2").fit(table)
    assert by_log.transform(table)[NAME].tolist() == pytest.approx([6, -3, NAN], nan_ok=True)
    assert by_log.flag_rows(table) == []


def test_a_negative_value_in_a_later_table_is_that_row_s_own():
    transformer = IgfbpRatioFeatures().fit(proteins([8], [2]))
    later = proteins([8, -8], [2, 2])
    assert transformer.transform(later)[NAME].tolist() == pytest.approx([2, NAN], nan_ok=True)
    assert [f.rows.tolist() for f in transformer.flag_rows(later)] == [[1]]


def test_proteins_come_before_mrna_and_the_two_are_never_mixed():
    mrna = pd.DataFrame({"igfbp5_mrna": [4.0], "igfbp4_mrna": [2.0]})
    both = pd.concat([mrna, proteins([8], [2])], axis=1)
    assert IgfbpRatioFeatures().fit(both).columns_ == ("igfbp5_tumour", "igfbp4_tumour")
    assert IgfbpRatioFeatures().fit_transform(mrna)[NAME].tolist() == [1]
    assert "IGFBP4 mRNA" in IgfbpRatioFeatures().fit(mrna).describe()[NAME]
    assert "IGFBP4 protein" in IgfbpRatioFeatures().fit(both).describe()[NAME]
    mixed = both[["igfbp5_tumour", "igfbp4_mrna"]]
    with pytest.raises(CohortError, match="igfbp5_tumour and igfbp4_tumour or igfbp5_mrna and igfbp4_mrna"):
        IgfbpRatioFeatures().fit(mixed)


def test_igfbps_of_the_serum_are_never_used():
    serum = [COLUMNS["igfbp4"].header, COLUMNS["igfbp5"].header]
    assert usable_pair([*serum, "igfbp4", "igfbp5", "igfbp5_tumour"]) is None


def test_the_scale_is_printed_and_an_unknown_one_refused():
    table = proteins([8], [2])
    assert "linear scale" in IgfbpRatioFeatures().fit(table).describe()[NAME]
    assert "log2 scale" in IgfbpRatioFeatures("log2").fit(table).describe()[NAME]
    with pytest.raises(ConfigError, match="scale of the tumour IGFBPs"):
        IgfbpRatioFeatures("log10").fit(table)
    with pytest.raises(UsageError, match="'log10' is none of linear, log2"):
        ratio_log2([8], [2], scale="log10")


@pytest.mark.parametrize("scale", ["linear", "log2"])
def test_the_transformer_keeps_the_contract(check_feature_transformer, scale):
    rng = np.random.default_rng(4)
    table = proteins(rng.lognormal(size=30), rng.lognormal(size=30))
    table.insert(0, "patient_id", [f"P{i}" for i in range(30)])
    table.loc[3, "igfbp4_tumour"] = NAN
    table.loc[4, "igfbp5_tumour"] = 0
    check_feature_transformer(IgfbpRatioFeatures(scale), table)


def test_the_specification_holds():
    assert set(IGFBP5_IGFBP4_RATIO.any_of) <= set(COLUMNS)
    assert {get_evidence(key).biomarker for key in IGFBP5_IGFBP4_RATIO.evidence} == {
        "igfbp5",
        "igfbp5_igfbp4_ratio",
    }
