"""Places of metastases. Brute force: an unknown place counts as decided only if both of its possible values agree."""

import itertools

import pandas as pd
import pytest

from igfstrat.features.metastasis import (
    PATTERNS,
    MetastasisFeatures,
    bone_only,
    metastatic_pattern,
    non_visceral,
)

PLACES = list(itertools.product(["yes", "no", None], repeat=3))  # bone, visceral, other
TABLE = pd.DataFrame(
    PLACES, columns=["bone_metastasis", "visceral_metastasis", "other_metastasis"], dtype=object
)


def of_known(bone, visceral, other):
    """The three features where all places are known, each by its definition."""
    alone = "yes" if (bone, visceral, other) == ("yes", "no", "no") else "no"
    outside = "yes" if visceral == "no" and "yes" in (bone, other) else "no"
    patterns = {
        ("yes", "no"): "bone_only",
        ("yes", "yes"): "bone_and_other",
        ("no", "yes"): "non_visceral_other",
    }
    return alone, outside, "visceral" if visceral == "yes" else patterns.get((bone, other), "none")


@pytest.mark.parametrize("places", PLACES)
def test_a_feature_is_known_exactly_when_every_completion_of_the_unknown_agrees(places):
    completions = itertools.product(*((place,) if place else ("yes", "no") for place in places))
    possible = [set(values) for values in zip(*(of_known(*c) for c in completions), strict=True)]
    expected = [values.pop() if len(values) == 1 else None for values in possible]
    bone, visceral, other = ([place] for place in places)
    found = [
        bone_only(bone, visceral, other)[0],
        non_visceral(visceral, bone, other)[0],
        metastatic_pattern(bone, visceral, other)[0],
    ]
    assert found == expected


def test_free_viscera_alone_do_not_say_that_a_patient_has_metastases():
    table = pd.DataFrame({"visceral_metastasis": ["no"], "bone_metastasis": ["no"]})
    assert MetastasisFeatures().fit_transform(table)["non_visceral"].tolist() == [None]


def test_features_that_need_every_place_are_left_out_where_a_column_is_missing():
    names = MetastasisFeatures().fit(TABLE).feature_names()
    assert names == ["bone_only", "non_visceral", "metastatic_pattern"]
    for missing in ("bone_metastasis", "other_metastasis"):
        assert MetastasisFeatures().fit(TABLE.drop(columns=missing)).feature_names() == ["non_visceral"]


def test_the_transformer_keeps_the_contract_and_its_columns_are_in_their_places(check_feature_transformer):
    check_feature_transformer(MetastasisFeatures(), TABLE)
    found = MetastasisFeatures().fit_transform(TABLE)
    known = TABLE.notna().all(axis=1)
    assert found[known].to_numpy().tolist() == [list(of_known(*row)) for row in TABLE[known].to_numpy()]
    assert set(found["metastatic_pattern"].dropna()) == set(PATTERNS)


def test_words_beside_yes_and_no_are_not_known():
    assert bone_only(["perhaps"], ["no"], ["no"]).tolist() == [None]
