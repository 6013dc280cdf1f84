"""Serum IGF-1 and IGFBP3 scores and their ratio.

Worked by hand from the published LMS tables (Bidlingmaier 2014, Friedrich 2014); brute force for the interval logic;
invariants by hypothesis.
"""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from igfstrat.errors import DomainError, EvidenceError
from igfstrat.features.igf1 import Igf1Features
from igfstrat.features.igfbp3 import Igfbp3Features
from igfstrat.features.molar_ratio import MolarRatioFeatures, molar_ratio
from igfstrat.features.reference_range import lms_sds, lms_value, load_reference, reference_sds
from igfstrat.units import convert_concentration


def table_of(**columns):
    return pd.DataFrame(
        {
            name: np.array(values, dtype=object if isinstance(values[0], str) or None in values else None)
            for name, values in columns.items()
        }
    )


def status(transformer=None, **columns):
    transformer = transformer or Igf1Features(sds_above=1.0, assume_assay="ids_isys")
    return transformer.fit_transform(table_of(**columns))["igf1_status"].tolist()


@pytest.mark.parametrize(
    ("analyte", "sex", "age", "value", "sds"),
    [("igf1", "female", 50, 200, 2.12), ("igf1", "female", 50, 60, -1.77), ("igf1", "male", 65, 250, 3.10), ("igf1", "female", 35, 145, 0.09),
     # at 65, half-way between the packaged knots: M 3617.5, S 0.2515, so (0.65305 - 1) / (0.719 x 0.2515)
     ("igfbp3", "female", 50, 5000, 1.22), ("igfbp3", "male", 65, 2000, -1.919)],
)  # fmt: skip
def test_scores_are_those_worked_by_hand(analyte, sex, age, value, sds):
    assert reference_sds([value], analyte, age=[age], sex=[sex])[0] == pytest.approx(sds, abs=0.01)


def test_the_score_between_knots_is_the_formula_with_joined_knots():
    # female of 50.5: half-way between the knots at 48 and 53
    m, s, power = (114.5 + 109.9) / 2, (0.3059 + 0.3163) / 2, 0.4595
    expected = ((200 / m) ** power - 1) / (power * s)
    assert math.isclose(reference_sds([200], "igf1", age=[50.5], sex=["female"])[0], expected, rel_tol=1e-12)


def test_a_median_scores_zero_and_without_skewness_the_logarithm_counts():
    assert lms_sds([160.0], l=0.5, m=160.0, s=0.3)[0] == 0
    assert math.isclose(lms_sds([200.0], l=0.0, m=160.0, s=0.3)[0], math.log(200 / 160) / 0.3)
    assert math.isclose(lms_sds([200.0], l=1e-9, m=160.0, s=0.3)[0], math.log(200 / 160) / 0.3, rel_tol=1e-6)


@given(
    st.floats(10, 1000),
    st.floats(-1, 1).filter(lambda x: x == 0 or abs(x) > 1e-3),
    st.floats(50, 300),
    st.floats(0.1, 0.5),
)
def test_a_score_gives_its_concentration_back(value, power, median, variation):
    sds = lms_sds(value, l=power, m=median, s=variation)
    assert np.isclose(lms_value(sds, l=power, m=median, s=variation), value, rtol=1e-8)


@pytest.mark.parametrize("bad", [{"value": [0.0]}, {"value": [-1.0]}, {"m": 0.0}, {"s": -0.3}])
def test_what_is_not_positive_has_no_score(bad):
    with pytest.raises(DomainError, match="must be > 0"):
        lms_sds(**({"value": [100.0], "l": 0.5, "m": 160.0, "s": 0.3} | bad))


def test_nothing_is_extrapolated_beyond_the_ages_of_the_table():
    for analyte, ages in (("igf1", (18, 88)), ("igfbp3", (20, 90))):
        low, high = ages
        found = reference_sds([100] * 4, analyte, age=[low - 0.1, low, high, high + 0.1], sex=["female"] * 4)
        assert np.isnan(found).tolist() == [True, False, False, True]
        assert {
            (c.age[0], c.age[-1])
            for (name, _), c in load_reference("ids_isys_2014").items()
            if name == analyte
        } == {ages}


def test_without_value_age_or_sex_there_is_no_score():
    assert np.isnan(
        reference_sds(
            [np.nan, 100, 100, 100], "igf1", age=[50, np.nan, 50, 50], sex=["female", "male", None, "other"]
        )
    ).all()


def test_an_unknown_reference_is_refused():
    with pytest.raises(EvidenceError, match="no reference is named 'mine'"):
        reference_sds([100], "igf1", age=[50], sex=["male"], reference="mine")


@given(st.floats(20, 900), st.floats(18, 88), st.sampled_from(["female", "male"]))
def test_the_unit_of_a_concentration_does_not_change_its_score(value, age, sex):
    scores = [
        reference_sds(convert_concentration([convert_concentration(value, analyte="igf1", unit="ng/mL", to=unit)], analyte="igf1", unit=unit, to="ng/mL"),
                      "igf1", age=[age], sex=[sex])[0]
        for unit in ("ng/mL", "nmol/L", "ug/L")
    ]  # fmt: skip
    assert np.allclose(scores, scores[0], rtol=1e-9, atol=1e-9)


@given(
    st.floats(18, 88),
    st.sampled_from(["female", "male"]),
    st.lists(st.floats(16, 999), min_size=2, max_size=5),
)
def test_more_igf1_is_a_higher_score(age, sex, values):
    scores = reference_sds(sorted(values), "igf1", age=[age] * len(values), sex=[sex] * len(values))
    assert (np.diff(scores) >= 0).all()


WOMAN = {"age_years": [50.0], "sex": ["female"]}


def test_without_a_stated_assay_every_status_is_indeterminate_and_the_score_is_shown():
    table = table_of(igf1_ng_ml=[200.0, 60.0], age_years=[50.0, 50.0], sex=["female", "female"])
    out = Igf1Features(sds_above=1.0).fit_transform(table)
    assert out["igf1_status"].tolist() == ["indeterminate"] * 2
    assert out["igf1_sds"].tolist() == pytest.approx([2.12, -1.77], abs=0.01)
    assert Igf1Features(sds_above=1.0).fit(table).flag_rows(table) == []
    assert Igf1Features(sds_above=1.0, assume_assay="ids_isys").fit_transform(table)[
        "igf1_status"
    ].tolist() == ["high", "low"]


def test_another_assay_is_flagged_row_by_row_and_decides_nothing():
    table = table_of(
        igf1_ng_ml=[200.0, 200.0, 200.0],
        age_years=[50.0] * 3,
        sex=["female"] * 3,
        igf1_assay=["ria", "ids_isys", None],
    )
    for assumed, last in ((None, "indeterminate"), ("ids_isys", "high")):
        transformer = Igf1Features(sds_above=1.0, assume_assay=assumed).fit(table)
        assert transformer.transform(table)["igf1_status"].tolist() == ["indeterminate", "high", last]
        assert [(i, f.code, f.column) for f in transformer.flag_rows(table) for i in f.rows] == [
            (0, "assay_not_reference", "igf1_ng_ml")
        ]


def test_an_age_outside_the_table_is_flagged_and_has_no_score():
    table = table_of(
        igf1_ng_ml=[200.0, 200.0, np.nan],
        igfbp3_ng_ml=[4000.0] * 3,
        age_years=[17.0, 19.0, 95.0],
        sex=["male"] * 3,
    )
    igf1, igfbp3 = Igf1Features().fit(table), Igfbp3Features().fit(table)
    assert [(i, f.code) for f in igf1.flag_rows(table) for i in f.rows] == [(0, "age_outside_reference")]
    assert [(i, f.code) for f in igfbp3.flag_rows(table) for i in f.rows] == [
        (i, "age_outside_reference") for i in range(3)
    ]
    assert igf1.transform(table)["igf1_sds"].isna().tolist() == [True, False, True]
    assert igfbp3.transform(table)["igfbp3_sds"].isna().all()


# cut at SDS 1 for a woman of 50: 148.2 ng/mL lies just below it
@pytest.mark.parametrize(
    ("lower", "upper", "expected"),
    [(0, 25, "low"), (0, 500, "indeterminate"), (1000, math.inf, "high"), (100, math.inf, "indeterminate"), (0, math.nan, "indeterminate"),
     (200, 200, "high"), (60, 60, "low"), (math.nan, math.nan, None)],
)  # fmt: skip
def test_a_value_beyond_a_limit_is_decided_by_its_interval(lower, upper, expected):
    value = lower if lower == upper else math.nan
    assert status(igf1_ng_ml=[value], igf1_ng_ml_lower=[lower], igf1_ng_ml_upper=[upper], **WOMAN) == [
        expected
    ]


@given(st.floats(1, 500), st.floats(0, 500), st.floats(0, 1))
def test_an_interval_is_decided_exactly_when_every_value_in_it_is(lower, width, where):
    upper = lower + width
    decided = status(igf1_ng_ml=[math.nan], igf1_ng_ml_lower=[lower], igf1_ng_ml_upper=[upper], **WOMAN)[0]
    inside = min(max(lower + where * width, lower), upper)
    within = status(igf1_ng_ml=[inside], **WOMAN)[0]
    ends = {status(igf1_ng_ml=[end], **WOMAN)[0] for end in (lower, upper)}
    assert decided == (ends.pop() if len(ends) == 1 else "indeterminate")
    assert decided in {within, "indeterminate"}


def test_at_30_5_kda_the_molar_ratio_is_the_mass_ratio_times_3_987():
    assert molar_ratio([150.0], [4000.0], igfbp3_kda=30.5)[0] / (150 / 4000) == pytest.approx(
        3.987, abs=0.001
    )
    assert molar_ratio([7.649], [28.5])[0] == pytest.approx(1.0, rel=1e-12)


def test_the_mass_is_a_setting_and_is_said():
    transformer = MolarRatioFeatures(30.5)
    table = table_of(igf1_ng_ml=[150.0, np.nan], igfbp3_ng_ml=[4000.0, 4000.0])
    ratio = transformer.fit_transform(table)["igf1_igfbp3_molar_ratio"]
    assert ratio[0] == pytest.approx(0.1495, abs=1e-4)
    assert np.isnan(ratio[1])
    assert "30.5 kDa" in transformer.describe()["igf1_igfbp3_molar_ratio"]


@pytest.mark.parametrize(
    ("igfbp3", "mass"), [([0.0], 28.5), ([-1.0], 28.5), ([4000.0], 0.0), ([4000.0], math.nan)]
)
def test_a_ratio_to_nothing_is_refused(igfbp3, mass):
    with pytest.raises(DomainError, match="must be > 0"):
        molar_ratio([100.0], igfbp3, igfbp3_kda=mass)


def test_measured_value_outside_the_reference_is_indeterminate_and_a_missing_one_has_no_status():
    table = pd.DataFrame(
        {
            "igf1_ng_ml": [400.0, np.nan, 150.0, 200.0],
            "age_years": [12.0, 50.0, np.nan, 50.0],
            "sex": ["female"] * 4,
            "igf1_assay": ["ids_isys"] * 4,
        }
    )
    status = Igf1Features(sds_above=1.0).fit_transform(table)["igf1_status"]
    assert status.tolist() == ["indeterminate", None, None, "high"]
