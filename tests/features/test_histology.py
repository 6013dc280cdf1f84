"""Classes of histology, and the base of transformers that take what is there. Worked by hand."""

import pandas as pd
import pytest

from igfstrat.errors import CohortError
from igfstrat.features.histology import (
    CLASS_OF_HISTOLOGY,
    HISTOLOGY_SPECS,
    HistologyFeatures,
    histology_class,
)
from igfstrat.features.metastasis import MetastasisFeatures
from igfstrat.schema import COLUMNS

TABLE = pd.DataFrame({"histology": [*CLASS_OF_HISTOLOGY, None, "unheard_of"]}, dtype=object)


def test_every_code_of_the_column_has_a_class():
    assert set(CLASS_OF_HISTOLOGY) == set(COLUMNS["histology"].codes)


@pytest.mark.parametrize(
    ("code", "expected"),
    [("squamous", "squamous"), ("adenocarcinoma", "adenocarcinoma"), ("large_cell", "other_nsclc"), ("adenosquamous", "other_nsclc"),
     ("nsclc_nos", "other_nsclc"), ("sclc", "sclc"), ("lcnec", "neuroendocrine"), ("carcinoid", "neuroendocrine"),
     ("ductal", "ductal"), ("lobular", "lobular"), ("mixed", "mixed"), ("other", "other")],
)  # fmt: skip
def test_a_code_is_of_its_class(code, expected):
    assert histology_class([code]).tolist() == [expected]
    assert expected in HISTOLOGY_SPECS["histology_class"].words


def test_an_unknown_histology_stays_unknown():
    assert histology_class([None, float("nan"), "unheard_of", ""]).tolist() == [None] * 4
    assert histology_class([]).tolist() == []


def test_the_transformer_keeps_the_contract(check_feature_transformer):
    check_feature_transformer(HistologyFeatures(), pd.concat([TABLE] * 3, ignore_index=True))
    assert HistologyFeatures().fit_transform(TABLE)["histology_class"].tolist()[-2:] == [None, None]


def test_without_its_column_nothing_is_computed_and_the_column_is_named():
    with pytest.raises(CohortError, match="column missing: the histology features need histology"):
        HistologyFeatures().fit(TABLE.rename(columns={"histology": "histo"}))


def test_a_column_that_comes_after_fit_changes_nothing_and_one_that_goes_is_missed():
    table = pd.DataFrame({"visceral_metastasis": ["no"], "bone_metastasis": [None]}, dtype=object)
    fitted = MetastasisFeatures().fit(table)
    later = table.assign(other_metastasis="yes")
    assert fitted.transform(later).to_dict("list") == {"non_visceral": [None]}
    with pytest.raises(CohortError, match="column missing"):
        fitted.transform(table[["visceral_metastasis"]])
    # a column that no computed feature uses isn't asked for later
    alone = HistologyFeatures().fit(TABLE.assign(bone_metastasis="no"))
    assert alone.required_columns() == ["histology"]
