"""When much of a column lies beyond a limit of its assay, it is said once. Worked by hand."""

import numpy as np
import pytest

from igfstrat.cohort import CohortMap, read_cohort
from igfstrat.config import make_config, parse_yaml
from igfstrat.errors import Severity


def told(cohort):
    return [p for p in cohort.problems if p.code == "many_beyond_limit"]


@pytest.fixture
def read(change_column, write_csv):
    """The sixty patients with the first n values of a column replaced."""

    def read_with(texts, column="igf1_ng_ml", substitute="missing"):
        rows = change_column(column, lambda text, i: texts[i] if i < len(texts) else text)
        by_map = make_config(
            CohortMap, parse_yaml(f"beyond_limit: {{substitute: {substitute}}}", source="map.yaml")
        )
        return read_cohort(write_csv(rows), map=by_map)

    return read_with


def test_fifteen_percent_beyond_a_limit_are_not_yet_many_and_one_more_is(read):
    assert told(read(["<25"] * 9)) == []
    cohort = read(["<25"] * 10)
    assert [(p.severity, p.column, p.row) for p in told(cohort)] == [(Severity.NOTICE, "igf1_ng_ml", None)]
    assert "10 of 60 values (17%)" in told(cohort)[0].remedy


def test_missing_values_are_no_part_of_the_share(read):
    # 9 of 40 known values: 22 %, although 9 of 60 rows are 15 %
    assert "9 of 40 values (22%)" in told(read(["<25"] * 9 + [""] * 20))[0].remedy


def test_values_above_below_and_not_detected_count_together(read):
    cohort = read(["<25"] * 4 + [">1000"] * 3 + ["ND"] * 3)
    assert "10 of 60 values" in told(cohort)[0].remedy
    assert len(told(cohort)) == 1


def test_plain_numbers_approximate_ones_and_faults_are_not_beyond_a_limit(read):
    assert told(read(["~140"] * 20 + ["haemolysed"] * 10 + ["-4"] * 10)) == []


def test_a_column_wholly_beyond_its_limit_is_told_of(read):
    cohort = read(["<25"] * 60)
    assert "60 of 60 values (100%)" in told(cohort)[0].remedy
    assert np.isnan(cohort.table["igf1_ng_ml"]).all()


@pytest.mark.parametrize(
    ("substitute", "value", "words"),
    [("half", 12.5, "holds half the limit below it"), ("limit", 25, "holds the limit itself"), ("missing", np.nan, "leaves them out")],
)  # fmt: skip
def test_the_notice_says_what_the_column_of_numbers_holds_instead(read, substitute, value, words):
    cohort = read(["<25"] * 20, substitute=substitute)
    np.testing.assert_equal(cohort.table["igf1_ng_ml"][0], value)
    assert words in told(cohort)[0].remedy
    assert "their status goes by the limit" in told(cohort)[0].remedy


def test_every_column_is_told_of_once_and_its_rows_are_flagged_as_before(read):
    cohort = read(["<600"] * 12, column="igfbp3_ng_ml")
    assert [p.column for p in told(cohort)] == ["igfbp3_ng_ml"]
    assert sum(p.code == "below_detection" for p in cohort.problems) == 12


def test_a_column_in_doubt_is_not_told_of(change_column, write_csv):
    rows = change_column("igf1_ng_ml", lambda text, i: "<25" if i < 20 else f"{text},5")
    cohort = read_cohort(write_csv(rows))
    assert "igf1" in cohort.unusable
    assert told(cohort) == []


@pytest.mark.parametrize("substitute", ["half", "limit", "missing"])
def test_the_notice_does_not_say_of_a_model_with_limits_what_is_true_of_the_others(read, substitute):
    # such a model takes what is expected between the limits, whatever stands in the column of numbers
    remedy = told(read(["<25"] * 20, substitute=substitute))[0].remedy
    assert "means and models" in remedy
    assert "but for a model whose plan names the predictor under imputation: {censored_normal: …}" in remedy
