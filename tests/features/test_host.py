"""Facts about the patient. Worked by hand."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from igfstrat.errors import CohortError, DomainError
from igfstrat.features.host import (
    HOST_SPECS,
    HostFeatures,
    bmi_class,
    brca_carrier,
    ever_smoker,
    has_diabetes,
    male_breast_cancer,
)

NAN = float("nan")


def table_of(n=24):
    rng = np.random.default_rng(3)
    return pd.DataFrame(
        {
            "patient_id": [f"P{i}" for i in range(n)],
            "diabetes": rng.choice(np.array(["yes", "no", None], dtype=object), n),
            "hba1c_percent": rng.uniform(4, 9, n),
            "bmi": rng.uniform(15, 40, n),
            "smoking_status": rng.choice(np.array(["never", "former", "current", None], dtype=object), n),
            "brca_status": rng.choice(np.array(["none", "brca1", "brca2", None], dtype=object), n),
            "sex": rng.choice(np.array(["female", "male", None], dtype=object), n),
            "disease": rng.choice(np.array(["breast", "nsclc", None], dtype=object), n),
        }
    )


def test_a_statement_goes_before_hba1c():
    assert has_diabetes(["yes", "no"], [5.0, 9.0]).tolist() == ["yes", "no"]


def test_hba1c_of_6_5_percent_is_diabetes_and_a_lower_one_says_nothing():
    assert has_diabetes([None] * 4, [6.5, 6.49, 4.0, NAN]).tolist() == ["yes", None, None, None]


def test_bmi_cuts_belong_to_the_upper_class():
    values = [18.49, 18.5, 24.99, 25.0, 29.99, 30.0, 60.0, NAN]
    expected = ["underweight", "normal", "normal", "overweight", "overweight", "obese", "obese", None]
    assert bmi_class(values).tolist() == expected


@given(st.lists(st.floats(0.1, 100), min_size=2))
def test_a_higher_bmi_is_never_of_a_lower_class(values):
    order = HOST_SPECS["bmi_class"].words
    ranks = [order.index(word) for word in bmi_class(sorted(values))]
    assert ranks == sorted(ranks)


def test_impossible_measurements_are_refused():
    with pytest.raises(DomainError, match="body mass index must be > 0"):
        bmi_class([20.0, 0.0])
    with pytest.raises(DomainError, match="HbA1c must be >= 0"):
        has_diabetes([None], [-1.0])


def test_former_smokers_have_smoked_and_unknown_words_stay_unknown():
    assert ever_smoker(["never", "former", "current", None, "rarely"]).tolist() == [
        "no",
        "yes",
        "yes",
        None,
        None,
    ]


def test_carriers_of_either_brca_gene_are_carriers():
    assert brca_carrier(["brca1", "brca2", "none", None]).tolist() == ["yes", "yes", "no", None]


@pytest.mark.parametrize(
    ("sex", "disease", "expected"),
    [("male", "breast", "yes"), ("male", "nsclc", "no"), ("male", None, None), ("female", "breast", "no"), ("female", None, "no"),
     (None, "breast", None), (None, "nsclc", "no"), (None, None, None), (NAN, NAN, None)],
)  # fmt: skip
def test_breast_cancer_of_a_man_is_excluded_by_either_fact_and_proved_by_both(sex, disease, expected):
    assert male_breast_cancer([sex], [disease]).tolist() == [expected]


def test_the_transformer_keeps_the_contract(check_feature_transformer):
    check_feature_transformer(HostFeatures(), table_of())
    assert HostFeatures().fit(table_of()).feature_names() == list(HOST_SPECS)


@pytest.mark.parametrize(
    ("columns", "names"),
    [(["diabetes"], ["has_diabetes"]), (["hba1c_percent"], ["has_diabetes"]), (["bmi"], ["bmi_class"]),
     (["smoking_status"], ["ever_smoker"]), (["brca_status"], ["brca_carrier"]), (["sex", "disease"], ["male_breast_cancer"])],
)  # fmt: skip
def test_each_feature_is_computed_from_its_own_columns_alone(columns, names):
    table = table_of()
    alone = HostFeatures().fit_transform(table[columns])
    assert list(alone) == names
    if columns not in (["diabetes"], ["hba1c_percent"]):  # of these two each knows a part
        assert alone[names[0]].equals(HostFeatures().fit_transform(table)[names[0]])


def test_sex_without_disease_computes_nothing():
    with pytest.raises(CohortError, match="column missing"):
        HostFeatures().fit(table_of()[["sex"]])


def test_a_denied_diabetes_beside_a_high_hba1c_is_flagged_and_nothing_else_is():
    table = pd.DataFrame({"diabetes": ["no", "no", "yes", None], "hba1c_percent": [6.5, 6.4, 5.0, 7.0]})
    fitted = HostFeatures().fit(table)
    flags = fitted.flag_rows(table)
    assert [(f.code, f.column, f.rows.tolist()) for f in flags] == [("status_contradicted", "diabetes", [0])]
    assert fitted.transform(table)["has_diabetes"].tolist() == ["no", "no", "yes", "yes"]


def test_values_between_limits_count_where_both_limits_agree():
    # <18.5, >40, <25, a detection limit that isn't stated, and a value that was measured
    table = pd.DataFrame(
        {
            "bmi": [9.25, NAN, NAN, NAN, 25.0],
            "bmi_lower": [0.0, 40.0, 0.0, 0.0, 25.0],
            "bmi_upper": [18.5, np.inf, 25.0, NAN, 25.0],
            "hba1c_percent": [NAN, NAN, 5.0, 7.0, 6.0],
            "hba1c_percent_lower": [6.5, 0.0, 5.0, 7.0, 6.0],
            "hba1c_percent_upper": [np.inf, 9.0, 5.0, 7.0, 6.0],
        }
    )
    found = HostFeatures().fit_transform(table)
    assert found["bmi_class"].tolist() == ["underweight", "obese", None, None, "overweight"]
    assert found["has_diabetes"].tolist() == ["yes", None, None, "yes", None]
