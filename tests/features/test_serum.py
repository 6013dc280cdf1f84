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

from igfstrat.errors import ConfigError, DomainError, EvidenceError
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


def assays_of(n, **counts):
    return [name for name, count in counts.items() for _ in range(count)] + [None] * (
        n - sum(counts.values())
    )


def test_another_matrix_than_the_reference_is_flagged_and_decides_nothing():
    table = table_of(igf1_ng_ml=[200.0] * 3, age_years=[50.0] * 3, sex=["female"] * 3, igf1_assay=["ids_isys"] * 3,
                     igf1_matrix=["edta_plasma", "serum", None])  # fmt: skip
    transformer = Igf1Features(sds_above=1.0).fit(table)
    out = transformer.transform(table)
    assert out["igf1_status"].tolist() == ["indeterminate", "high", "high"]
    assert out["igf1_sds"].tolist() == pytest.approx([2.12] * 3, abs=0.01)
    assert [(f.rows.tolist(), f.code, f.column) for f in transformer.flag_rows(table)] == [
        ([0], "matrix_not_reference", "igf1_ng_ml")
    ]


def test_a_fixed_cut_in_ng_ml_needs_neither_age_nor_sex_nor_reference_assay():
    transformer = Igf1Features(at_least=200.0, of="igf1", sds=False)
    out = transformer.fit_transform(table_of(igf1_ng_ml=[199.9, 200.0, np.nan]))
    assert out.columns.tolist() == ["igf1_status"]
    assert out["igf1_status"].tolist() == ["low", "high", None]
    assert "≥ 200 ng/mL" in transformer.describe()["igf1_status"]


def test_a_quantile_of_igf1_is_learned_stored_said_and_applied_to_new_patients():
    table = table_of(igf1_ng_ml=[100.0, 150.0, 200.0, np.nan], age_years=[50.0] * 4, sex=["female"] * 4)
    transformer = Igf1Features(quantile=0.5, of="igf1").fit(table)
    assert (transformer.cut_, transformer.n_fit_) == (150.0, 3)
    new = table_of(igf1_ng_ml=[150.0, 151.0, 900.0], age_years=[50.0] * 3, sex=["male"] * 3)
    assert transformer.transform(new)["igf1_status"].tolist() == ["low", "high", "high"]
    assert "> 150 ng/mL, the median of 3 values of this cohort" in transformer.describe()["igf1_status"]


def test_a_quantile_of_the_score_is_that_of_comparable_patients_only():
    table = table_of(igf1_ng_ml=[60.0, 110.0, 200.0, 800.0, 800.0], age_years=[50.0] * 5, sex=["female"] * 5,
                     igf1_assay=["ids_isys"] * 3 + ["ria", None])  # fmt: skip
    transformer = Igf1Features(quantile=0.5, of="igf1_sds").fit(table)
    assert transformer.n_fit_ == 3
    assert transformer.cut_ == reference_sds([110.0], "igf1", age=[50.0], sex=["female"])[0]
    assert transformer.transform(table)["igf1_status"].tolist() == ["low", "low", "high", "indeterminate", "indeterminate"]  # fmt: skip


def test_a_score_on_a_fixed_cut_is_high_under_at_least_and_low_under_above():
    m, who = (114.5 + 0.4 * (109.9 - 114.5)), {"age_years": [50.0], "sex": ["female"]}
    assert status(Igf1Features(at_least=0.0, of="igf1_sds", assume_assay="ids_isys"), igf1_ng_ml=[m], **who) == ["high"]  # fmt: skip
    assert status(Igf1Features(sds_above=0.0, assume_assay="ids_isys"), igf1_ng_ml=[m], **who) == ["low"]


def test_several_assays_under_one_cut_leave_all_but_the_commonest_open():
    n = 9
    table = table_of(igf1_ng_ml=[100.0, 120.0, 140.0, 160.0, 900.0, 900.0, 900.0, 900.0, 900.0], age_years=[50.0] * n,
                     sex=["female"] * n, igf1_assay=assays_of(n, lcms=4, ria=3))  # fmt: skip
    transformer = Igf1Features(quantile=0.5, of="igf1").fit(table)
    assert transformer.assays_ == {"lcms": 4, "ria": 3}
    assert (transformer.cut_, transformer.n_fit_) == (130.0, 4)
    out = transformer.transform(table)["igf1_status"].tolist()
    assert out == ["low", "low", "high", "high", *["indeterminate"] * 5]
    mixed = [f for f in transformer.flag_rows(table) if f.code == "mixed_assays"]
    assert [(f.rows.tolist(), f.column) for f in mixed] == [([4, 5, 6, 7, 8], "igf1_ng_ml")]
    assert "lcms 4, ria 3; indeterminate unless lcms" in transformer.describe()["igf1_status"]


@pytest.mark.parametrize("rule", [{"quantile": 0.5}, {"at_least": 130.0}])
def test_new_patients_of_another_assay_than_the_fit_are_indeterminate(rule):
    fitted = table_of(igf1_ng_ml=[100.0, 130.0, 160.0], igf1_assay=["lcms", "lcms", None])
    transformer = Igf1Features(of="igf1", sds=False, **rule).fit(fitted)
    assert transformer.transform(fitted)["igf1_status"].tolist().count("indeterminate") == 0
    assert transformer.flag_rows(fitted) == []
    new = table_of(igf1_ng_ml=[500.0, 500.0, 500.0], igf1_assay=["ria", "lcms", None])
    assert transformer.transform(new)["igf1_status"].tolist() == ["indeterminate", "high", "high"]
    assert [(f.rows.tolist(), f.code) for f in transformer.flag_rows(new)] == [([0], "mixed_assays")]


def test_values_of_a_test_fold_do_not_move_a_cut(make_patients):
    train, test = make_patients(60, seed=3), make_patients(30, seed=4)
    for of in ("igf1", "igf1_sds"):
        transformer = Igf1Features(quantile=0.6, of=of, assume_assay="ids_isys").fit(train)
        cut, first = transformer.cut_, transformer.transform(test)
        test2 = test.assign(igf1_ng_ml=np.where(np.arange(30) == 0, 999.0, test["igf1_ng_ml"]))
        second = transformer.transform(test2)
        assert transformer.cut_ == cut
        assert first.iloc[1:].equals(second.iloc[1:])


@given(st.lists(st.floats(16, 999), min_size=3, max_size=12), st.floats(0.1, 0.9), st.sampled_from(["igf1", "igf1_sds"]))  # fmt: skip
def test_a_quantile_status_is_that_of_comparing_one_by_one(values, quantile, of):
    n = len(values)
    who = {"age_years": list(np.linspace(30, 70, n)), "sex": ["female"] * n}
    transformer = Igf1Features(quantile=quantile, of=of, assume_assay="ids_isys")
    found = status(transformer, igf1_ng_ml=values, **who)
    measured = values if of == "igf1" else reference_sds(values, "igf1", age=who["age_years"], sex=who["sex"])
    cut = np.quantile(measured, quantile)
    assert found == ["high" if value > cut else "low" for value in measured]


def test_limits_beyond_the_quantile_leave_the_cut_known_and_others_leave_it_open():
    who = {"age_years": [50.0] * 3, "sex": ["female"] * 3}
    for of in ("igf1", "igf1_sds"):
        for upper, closed in ((25.0, True), (300.0, False)):
            table = table_of(igf1_ng_ml=[np.nan, 100.0, 200.0], igf1_ng_ml_lower=[0.0, 100.0, 200.0],
                             igf1_ng_ml_upper=[upper, 100.0, 200.0], **who)  # fmt: skip
            transformer = Igf1Features(quantile=0.5, of=of, assume_assay="ids_isys").fit(table)
            assert np.isfinite(transformer.cut_) == closed
            expected = ["low", "low", "high"] if closed else ["indeterminate"] * 3
            assert transformer.transform(table)["igf1_status"].tolist() == expected


def test_the_band_around_a_cut_of_igf1_is_indeterminate_and_said():
    transformer = Igf1Features(at_least=200.0, of="igf1", indeterminate=20.0, sds=False)
    out = transformer.fit_transform(table_of(igf1_ng_ml=[170.0, 190.0, 210.0, 230.0]))
    assert out["igf1_status"].tolist() == ["low", "indeterminate", "indeterminate", "high"]
    assert "within 20 ng/mL" in transformer.describe()["igf1_status"]


@pytest.mark.parametrize(
    ("parameters", "words"),
    [({"sds_above": 1.0, "quantile": 0.5}, "at most one"), ({"at_least": 200.0}, "needs of: igf1 or igf1_sds"), ({"quantile": 0.5, "of": "igf2"}, "needs of"),
     ({"quantile": 1.0, "of": "igf1"}, "between 0 and 1"), ({"sds_above": 1.0, "of": "igf1"}, "leave of out"), ({"indeterminate": -1.0}, ">= 0"),
     ({"sds": False}, "no feature")],
)  # fmt: skip
def test_a_rule_of_igf1_that_cannot_be_is_our_own_error(make_patients, parameters, words):
    with pytest.raises(ConfigError, match=words):
        Igf1Features(**parameters).fit(make_patients())


RULES = [{"sds_above": 1.0}, {"at_least": 120.0, "of": "igf1"}, {"quantile": 0.5, "of": "igf1"}, {"quantile": 0.5, "of": "igf1_sds"},
         {"at_least": 0.5, "of": "igf1_sds"}, {"quantile": 0.5, "of": "igf1", "sds": False}]  # fmt: skip


@pytest.mark.parametrize("rule", RULES, ids=str)
def test_every_rule_keeps_the_contract_with_several_assays(check_feature_transformer, make_patients, rule):
    table = make_patients(40)
    table["igf1_assay"] = np.array((["ids_isys"] * 3 + ["ria"]) * 10, dtype=object)
    check_feature_transformer(Igf1Features(**rule), table)
    check_feature_transformer(MolarRatioFeatures(30.5, "ids_isys_2014"), table)


RATIO_COLUMNS = {"igf1_ng_ml": [150.0], "igfbp3_ng_ml": [4000.0], "age_years": [50.0], "sex": ["female"]}


def test_the_score_of_the_ratio_keeps_to_the_mass_of_its_reference():
    # female of 50: L 0.3208, M 10.8 %, S 0.298; the ratio at 28.5 kDa is 13.97 %
    percent = 100 * (150 / 7.649) / (4000 / 28.5)
    expected = ((percent / 10.8) ** 0.3208 - 1) / (0.3208 * 0.298)
    for shown in (28.5, 30.5):
        transformer = MolarRatioFeatures(shown, "ids_isys_2014").fit(table_of(**RATIO_COLUMNS))
        out = transformer.transform(table_of(**RATIO_COLUMNS))
        assert math.isclose(out["igf1_igfbp3_molar_ratio_sds"][0], expected, rel_tol=1e-12)
        assert math.isclose(out["igf1_igfbp3_molar_ratio"][0], percent * shown / 28.5 / 100, rel_tol=1e-12)
        assert transformer.sds_igfbp3_kda_ == 28.5
        assert "28.5 kDa, the reference's own mass" in transformer.describe()["igf1_igfbp3_molar_ratio_sds"]


def test_the_wrong_mass_would_shift_the_score_of_the_ratio_by_0_23():
    # at the median of a woman of 50
    shifted = lms_sds([10.8 * 30.5 / 28.5], l=0.3208, m=10.8, s=0.298)[0]
    assert shifted == pytest.approx(0.23, abs=0.005)


def test_the_score_of_the_ratio_is_flagged_by_age_by_either_assay_and_by_matrix():
    table = table_of(igf1_ng_ml=[150.0] * 5, igfbp3_ng_ml=[4000.0] * 4 + [np.nan], age_years=[19.0, 50.0, 50.0, 50.0, 19.0],
                     sex=["female"] * 5, igf1_assay=["ids_isys", "ria", None, "ids_isys", "ria"],
                     igfbp3_assay=["ids_isys", "ids_isys", "elisa", None, "ria"], igf1_matrix=["serum", None, "serum", "edta_plasma", "edta_plasma"])  # fmt: skip
    transformer = MolarRatioFeatures(28.5, "ids_isys_2014").fit(table)
    assert [(f.rows.tolist(), f.code, f.column) for f in transformer.flag_rows(table)] == [
        ([0], "age_outside_reference", "age_years"), ([1], "assay_not_reference", "igf1_ng_ml"),
        ([3], "matrix_not_reference", "igf1_ng_ml"), ([2], "assay_not_reference", "igfbp3_ng_ml"),
    ]  # fmt: skip
    assert np.isnan(transformer.transform(table)["igf1_igfbp3_molar_ratio_sds"]).tolist() == [True, False, False, False, True]  # fmt: skip
    assert MolarRatioFeatures().fit(table).flag_rows(table) == []


def test_a_missing_word_of_any_kind_is_no_sex():
    sexes = np.array(["female", None, np.nan, pd.NA, "other"], dtype=object)
    assert (
        np.isnan(reference_sds([100.0] * 5, "igf1", age=[50.0] * 5, sex=sexes)).tolist()
        == [False] + [True] * 4
    )


def test_a_value_below_a_limit_is_flagged_for_its_assay_too():
    table = table_of(igf1_ng_ml=[np.nan, np.nan], igf1_ng_ml_lower=[0.0, np.nan], igf1_ng_ml_upper=[25.0, np.nan],
                     age_years=[50.0] * 2, sex=["female"] * 2, igf1_assay=["ria"] * 2)  # fmt: skip
    transformer = Igf1Features(sds_above=1.0).fit(table)
    assert transformer.transform(table)["igf1_status"].tolist() == ["indeterminate", None]
    assert [(f.rows.tolist(), f.code) for f in transformer.flag_rows(table)] == [([0], "assay_not_reference")]
