"""PD-L1 classes. Worked by hand from the limits; brute force over limits."""

import itertools

import numpy as np
import pandas as pd
import pytest

from igfstrat.errors import CohortError, DomainError
from igfstrat.features.pdl1 import PDL1_CLASS, Pdl1Features, pdl1_class
from igfstrat.schema import COLUMNS

NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("percent", "word"),
    [(0, "below_1"), (0.99, "below_1"), (1, "1_to_49"), (49.9, "1_to_49"), (50, "50_and_over"), (100, "50_and_over"), (NAN, None)],
)  # fmt: skip
def test_classes_begin_at_1_and_at_50_percent(percent, word):
    assert pdl1_class([percent], [percent])[0] == word


@pytest.mark.parametrize(
    ("lower", "upper", "word"),
    [(0, 1, "below_1"), (0, 5, None), (1, INF, None), (50, INF, "50_and_over"), (0, NAN, None), (0, 50, None), (1, 50, "1_to_49"), (NAN, 1, "below_1")],
)  # fmt: skip
def test_a_percent_known_between_limits_has_a_class_only_where_both_agree(lower, upper, word):
    assert pdl1_class([lower], [upper])[0] == word


def test_limits_give_a_class_exactly_when_every_percent_between_them_has_it():
    for lower, upper in itertools.combinations([0, 0.5, 1, 20, 50, 70, 100], 2):
        between = np.linspace(lower, upper, 2001)[1:-1]
        words = set(pdl1_class(between, between))
        assert pdl1_class([lower], [upper])[0] == (words.pop() if len(words) == 1 else None)


@pytest.mark.parametrize("percent", [-1, 100.1])
def test_a_percent_outside_0_to_100_is_refused(percent):
    with pytest.raises(DomainError, match="between 0 and 100"):
        pdl1_class([percent], [percent])


def test_the_transformer_keeps_the_contract_names_its_column_and_says_its_limits(check_feature_transformer):
    table = pd.DataFrame({"patient_id": list("abcd"), "pdl1_percent": [0.0, 20.0, 80.0, NAN]})
    check_feature_transformer(Pdl1Features(), table)
    transformer = Pdl1Features().fit(table)
    assert transformer.transform(table)["pdl1_class"].tolist() == [*PDL1_CLASS.words, None]
    assert transformer.flag_rows(table) == []
    assert "below 1 %, 1 to 49 %, 50 % and over" in transformer.describe()["pdl1_class"]
    with pytest.raises(CohortError, match="pdl1_percent"):
        transformer.transform(table[["patient_id"]])
    assert all(COLUMNS[name].unit == unit for name, unit in PDL1_CLASS.inputs.items())


def test_a_percent_between_two_classes_is_flagged():
    table = pd.DataFrame({"pdl1_percent": [NAN, NAN, NAN, 30.0]})
    table["pdl1_percent_lower"], table["pdl1_percent_upper"] = [0.0, 0.0, NAN, 30.0], [1.0, 5.0, NAN, 30.0]
    transformer = Pdl1Features().fit(table)
    assert transformer.transform(table)["pdl1_class"].tolist() == ["below_1", None, None, "1_to_49"]
    assert [(f.code, f.rows.tolist()) for f in transformer.flag_rows(table)] == [
        ("status_indeterminate", [1])
    ]
