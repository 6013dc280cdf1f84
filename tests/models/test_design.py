"""Words, numbers, gaps and interactions become columns (source of truth: worked by hand; scikit-learn's imputer)."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.impute import SimpleImputer

from igfstrat.errors import CohortError, EstimationError, UsageError
from igfstrat.models import DesignMatrix

TABLE = pd.DataFrame(
    {
        "igf1r_status": ["high", "low", None, "low", "high", "indeterminate"],
        "subtype": ["luminal_b", "luminal_a", "luminal_a", "luminal_b", "luminal_b", "luminal_a"],
        "age_years": [40.0, 50.0, 60.0, np.nan, 70.0, 90.0],
    }
)


def codes(design, table):
    return {(f.code, f.column): f.rows.tolist() for f in design.flag_rows(table)}


def test_words_become_a_column_a_level_but_the_reference():
    design = DesignMatrix(["subtype", "igf1r_status"]).fit(TABLE)
    assert design.reference_ == {"subtype": "luminal_a", "igf1r_status": "low"}
    assert design.names_ == ("subtype=luminal_b", "igf1r_status=high", "igf1r_status=indeterminate")
    matrix = design.transform(TABLE)
    assert matrix["subtype=luminal_b"].tolist()[:2] == [1.0, 0.0]
    assert matrix.iloc[2].isna().all()  # status missing, nothing declared


def test_a_stated_reference_level_is_taken_and_an_unknown_one_refused():
    assert DesignMatrix(["subtype"], reference={"subtype": "luminal_b"}).fit(TABLE).names_ == (
        "subtype=luminal_a",
    )
    with pytest.raises(UsageError, match="luminal_x"):
        DesignMatrix(["subtype"], reference={"subtype": "luminal_x"}).fit(TABLE)


def test_an_unseen_level_is_flagged_and_never_the_reference_level():
    design = DesignMatrix(["subtype"], words="most_frequent").fit(TABLE)
    new = pd.DataFrame({"subtype": ["luminal_a", "her2_enriched", "Luminal_B"]})
    matrix = design.transform(new)
    assert matrix["subtype=luminal_b"].tolist()[0] == 0.0
    assert matrix["subtype=luminal_b"].isna().tolist() == [False, True, True]
    assert codes(design, new) == {("unseen_level", "subtype"): [1, 2]}


def test_a_missing_number_is_filled_by_the_training_median_marked_and_flagged():
    design = DesignMatrix(["age_years", "subtype"], numbers="median", scale=False).fit(TABLE)
    assert design.names_ == ("age_years", "age_years_missing", "subtype=luminal_b")
    expected = SimpleImputer(strategy="median").fit_transform(TABLE[["age_years"]])[:, 0]
    assert np.array_equal(design.transform(TABLE)["age_years"], expected)
    assert design.transform(TABLE)["age_years_missing"].tolist() == [0, 0, 0, 1, 0, 0]
    new = pd.DataFrame({"age_years": [1000.0, np.nan], "subtype": "luminal_a"})
    assert design.transform(new)["age_years"].tolist() == [1000.0, 60.0]
    assert codes(design, new) == {("outside_training", "age_years"): [0], ("missing_input", "age_years"): [1]}


def test_numbers_are_scaled_by_training_alone():
    design = DesignMatrix(["age_years"], numbers=60.0).fit(TABLE)
    filled = TABLE["age_years"].fillna(60.0)
    expected = (filled - filled.mean()) / filled.std(ddof=0)
    np.testing.assert_allclose(design.transform(TABLE)["age_years"], expected, rtol=1e-12)
    np.testing.assert_allclose(design.transform(TABLE.iloc[[5]])["age_years"], expected.iloc[[5]], rtol=1e-12)


def test_missing_words_can_be_a_level_of_their_own_or_the_most_frequent_one():
    own = DesignMatrix(["igf1r_status"], words="own_level").fit(TABLE)
    assert own.levels_["igf1r_status"] == ("high", "indeterminate", "low", "missing")
    assert own.transform(TABLE)["igf1r_status=missing"].tolist() == [0, 0, 1, 0, 0, 0]
    frequent = DesignMatrix(["subtype"], words="most_frequent").fit(
        TABLE.assign(subtype=["b", "b", "a", None, "b", "a"])
    )
    assert frequent.names_ == ("subtype=b", "subtype_missing")
    assert frequent.transform(pd.DataFrame({"subtype": [None]})).iloc[0].tolist() == [1.0, 1.0]


def test_interactions_are_products_of_the_columns():
    table = TABLE.dropna()
    design = DesignMatrix(["subtype", "age_years"], [("subtype", "age_years")], scale=False).fit(table)
    assert design.names_ == ("subtype=luminal_b", "age_years", "subtype=luminal_b:age_years")
    assert design.transform(table)["subtype=luminal_b:age_years"].tolist() == [40.0, 0.0, 70.0, 0.0]


def test_a_combination_that_training_did_not_have_is_not_scored():
    table = pd.DataFrame({"a": list("xxyy") * 2, "b": list("uvuu") * 2})
    design = DesignMatrix(["a", "b"], [("a", "b")]).fit(table)
    assert design.left_out_ == {"a=y:b=v": "the same in every training row"}
    new = pd.DataFrame({"a": ["y", "x"], "b": ["v", "v"]})
    assert design.transform(new).isna().any(axis=1).tolist() == [True, False]
    assert codes(design, new) == {("unseen_level", "a=y:b=v"): [0]}


def test_marks_of_what_is_missing_together_are_one_column():
    table = pd.DataFrame({"igf1_sds": [0.1, np.nan, 1.0, 2.0], "igf1_sds_spline_1": [0.0, np.nan, 0.5, 1.5]})
    design = DesignMatrix(["igf1_sds", "igf1_sds_spline_1"], numbers="median").fit(table)
    assert design.left_out_ == {"igf1_sds_spline_1_missing": "the same as igf1_sds_missing"}


def test_columns_are_matched_by_name_and_a_missing_one_is_named():
    design = DesignMatrix(["subtype", "age_years"], numbers="median").fit(TABLE)
    turned = TABLE[["age_years", "igf1r_status", "subtype"]].assign(extra=1)
    pd.testing.assert_frame_equal(design.transform(turned), design.transform(TABLE))
    with pytest.raises(CohortError, match="age_years"):
        design.transform(TABLE.drop(columns="age_years"))


def test_words_where_the_model_has_numbers_are_refused():
    design = DesignMatrix(["age_years"], numbers="median").fit(TABLE)
    with pytest.raises(UsageError, match="age_years holds words"):
        design.transform(pd.DataFrame({"age_years": ["forty"]}))


def test_a_number_in_place_of_a_word_is_its_text():
    design = DesignMatrix(["grade"]).fit(pd.DataFrame({"grade": ["1", "2", "3"]}))
    assert design.transform(pd.DataFrame({"grade": [2, 3]})).to_numpy().tolist() == [[1.0, 0.0], [0.0, 1.0]]
    gap = design.transform(pd.DataFrame({"grade": [2.0, np.nan]})).to_numpy()
    assert gap[0].tolist() == [1.0, 0.0]
    assert np.isnan(gap[1]).all()


@pytest.mark.parametrize("column", [[None] * 3, [np.nan] * 3])
def test_a_predictor_without_any_value_is_refused(column):
    with pytest.raises(EstimationError, match="no value in any row"):
        DesignMatrix(["x"], numbers="median", words="own_level").fit(pd.DataFrame({"x": column}))


@pytest.mark.parametrize(
    "design",
    [DesignMatrix([]), DesignMatrix(["a", "a"]), DesignMatrix(["a"], [("a", "b")]), DesignMatrix(["a"], numbers="mean"),
     DesignMatrix(["a"], words="guess"), DesignMatrix(["a"])],
)  # fmt: skip
def test_what_cannot_be_is_refused(design):
    with pytest.raises(UsageError):
        design.fit(pd.DataFrame({"a": [1.0, 1.0], "b": [1.0, 2.0]}))


def test_the_design_is_a_transformer_that_changes_no_input():
    before = TABLE.copy(deep=True)
    design = DesignMatrix(["subtype", "age_years"], numbers="median", strata=("igf1r_status",))
    first = clone(design).fit(TABLE).transform(TABLE)
    assert list(first) == clone(design).fit(TABLE).get_feature_names_out().tolist()
    pd.testing.assert_frame_equal(TABLE, before)
    pd.testing.assert_frame_equal(design.fit(TABLE.iloc[:3]).fit(TABLE).transform(TABLE), first)
