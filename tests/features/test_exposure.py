"""Treatment at baseline, and lines before. Worked by hand, over every combination of what is stated and when it began."""

import numpy as np
import pandas as pd
import pytest

from igfstrat.errors import CohortError, DomainError
from igfstrat.features.exposure import (
    EXPOSURE_SPECS,
    TIME_ZEROS,
    ExposureFeatures,
    baseline_exposure,
    egfr_tki_line,
)
from igfstrat.schema import EXPOSURES

NAN = float("nan")
ZERO, BEFORE, AFTER, NEVER = "2020-03-01", "2019-01-01", "2020-03-02", "NaT"

# stated, start, value, flag
CASES = [
    ("yes", BEFORE, "yes", None), ("yes", ZERO, "yes", None), ("yes", AFTER, None, "exposure_after_time_zero"), ("yes", NEVER, "yes", None),
    ("no", BEFORE, "no", "status_contradicted"), ("no", ZERO, "no", "status_contradicted"), ("no", AFTER, "no", None), ("no", NEVER, "no", None),
    (None, BEFORE, "yes", None), (None, ZERO, "yes", None), (None, AFTER, None, "exposure_after_time_zero"), (None, NEVER, None, None),
]  # fmt: skip


def days(values):
    return np.array(values, dtype="datetime64[D]")


def table_of(drug="egfr_tki", cases=CASES, zero="time_zero"):
    return pd.DataFrame(
        {
            f"{drug}_at_baseline": np.array([stated for stated, *_ in cases], dtype=object),
            f"{drug}_start_date": days([start for _, start, *_ in cases]),
            zero: days([ZERO] * len(cases)),
        }
    )


@pytest.mark.parametrize(("stated", "start", "value", "flag"), CASES)
def test_a_treatment_counts_only_where_it_was_there_at_time_zero(stated, start, value, flag):
    assert baseline_exposure([stated], days([start]), days([ZERO])).tolist() == [value]


@pytest.mark.parametrize("drug", EXPOSURES)
def test_a_later_start_is_refused_and_flagged_for_each_drug(drug):
    table = table_of(drug)
    fitted = ExposureFeatures().fit(table)
    assert fitted.transform(table)[f"{drug}_exposure"].tolist() == [value for *_, value, _ in CASES]
    flagged = {f.code: (f.column, f.rows.tolist()) for f in fitted.flag_rows(table)}
    column_of = {"exposure_after_time_zero": "start_date", "status_contradicted": "at_baseline"}
    assert flagged == {
        code: (f"{drug}_{column}", [i for i, case in enumerate(CASES) if case[-1] == code])
        for code, column in column_of.items()
    }


@pytest.mark.parametrize("unit", ["datetime64[ns]", "datetime64[s]"])
def test_the_hour_of_the_day_and_the_type_of_the_column_do_not_matter(unit):
    table = table_of()
    for column in ("egfr_tki_start_date", "time_zero"):
        table[column] = table[column].astype(unit)
    table.loc[1, "egfr_tki_start_date"] = pd.Timestamp("2020-03-01 09:30")
    found = ExposureFeatures().fit_transform(table)["egfr_tki_exposure"]
    assert found.tolist() == [value for *_, value, _ in CASES]


def test_without_a_time_zero_a_date_says_nothing_and_a_statement_stands():
    for table in (
        table_of().drop(columns="time_zero"),
        table_of().assign(time_zero=np.datetime64("NaT", "s")),
    ):
        fitted = ExposureFeatures().fit(table)
        assert fitted.transform(table)["egfr_tki_exposure"].tolist() == ["yes"] * 4 + ["no"] * 4 + [None] * 4
        assert fitted.flag_rows(table) == []
    assert (
        "no time zero is known"
        in ExposureFeatures().fit(table_of().drop(columns="time_zero")).describe()["egfr_tki_exposure"]
    )


@pytest.mark.parametrize("zero", TIME_ZEROS)
def test_time_zero_is_the_first_of_its_columns_that_the_table_holds(zero):
    table = table_of(zero=zero)
    for later in TIME_ZEROS[TIME_ZEROS.index(zero) + 1 :]:
        table[later] = days(["2030-01-01"] * len(table))
    fitted = ExposureFeatures().fit(table)
    assert fitted.time_zero_ == zero
    assert fitted.transform(table)["egfr_tki_exposure"].tolist() == [value for *_, value, _ in CASES]
    with pytest.raises(CohortError, match="column missing"):
        fitted.transform(table.drop(columns=zero))


def test_a_statement_alone_or_a_date_alone_is_enough():
    table = table_of()
    stated = ExposureFeatures().fit_transform(table[["egfr_tki_at_baseline"]])["egfr_tki_exposure"]
    assert stated.tolist() == ["yes"] * 4 + ["no"] * 4 + [None] * 4
    dated = ExposureFeatures().fit_transform(table[["egfr_tki_start_date", "time_zero"]])["egfr_tki_exposure"]
    assert dated.tolist() == ["yes", "yes", None, None] * 3


def test_a_statement_alone_needs_no_time_zero_later():
    fitted = ExposureFeatures().fit(table_of()[["egfr_tki_at_baseline", "time_zero"]])
    assert fitted.required_columns() == ["egfr_tki_at_baseline"]


# lines, prior, number, contradiction
LINES = [
    (2, "yes", 2.0, False), (2, None, 2.0, False), (2, "no", NAN, True), (0, "no", 0.0, False), (0, None, 0.0, False),
    (0, "yes", NAN, True), (NAN, "no", 0.0, False), (NAN, "yes", NAN, False), (NAN, None, NAN, False),
]  # fmt: skip


@pytest.mark.parametrize(("lines", "prior", "number", "contradiction"), LINES)
def test_lines_are_counted_else_none_where_there_was_no_tki(lines, prior, number, contradiction):
    np.testing.assert_array_equal(egfr_tki_line([lines], [prior]), [number])
    table = pd.DataFrame({"prior_egfr_tki_lines": [float(lines)], "prior_egfr_tki": [prior]})
    fitted = ExposureFeatures().fit(table)
    np.testing.assert_array_equal(fitted.transform(table)["egfr_tki_line"], [number])
    assert [f.code for f in fitted.flag_rows(table)] == ["status_contradicted"] * contradiction


@pytest.mark.parametrize("lines", [-1.0, 1.5])
def test_half_and_negative_lines_are_refused_and_flagged(lines):
    with pytest.raises(DomainError, match="whole number >= 0"):
        egfr_tki_line([lines], [None])
    table = pd.DataFrame({"prior_egfr_tki_lines": [1.0, lines]})
    fitted = ExposureFeatures().fit(table)
    np.testing.assert_array_equal(fitted.transform(table)["egfr_tki_line"], [1.0, NAN])
    flags = fitted.flag_rows(table)
    assert [(f.code, f.column, f.rows.tolist()) for f in flags] == [
        ("out_of_bounds", "prior_egfr_tki_lines", [1])
    ]


def test_more_than_two_lines_are_no_number_of_lines():
    table = pd.DataFrame(
        {
            "prior_egfr_tki_lines": [2.0, 2.0],
            "prior_egfr_tki_lines_lower": [2.0, 2.0],
            "prior_egfr_tki_lines_upper": [np.inf, 2.0],
        }
    )
    np.testing.assert_array_equal(ExposureFeatures().fit_transform(table)["egfr_tki_line"], [NAN, 2.0])


def test_the_transformer_keeps_the_contract(check_feature_transformer):
    table = pd.concat([table_of(drug) for drug in EXPOSURES], axis=1)
    table = table.loc[:, ~table.columns.duplicated()].assign(
        prior_egfr_tki=np.array(["yes", "no", None] * 4, dtype=object),
        prior_egfr_tki_lines=[1.0, 0.0, NAN] * 4,
    )
    check_feature_transformer(ExposureFeatures(), table)
    assert ExposureFeatures().fit(table).feature_names() == list(EXPOSURE_SPECS)
    with pytest.raises(CohortError, match="column missing: the exposure features need"):
        ExposureFeatures().fit(table[["time_zero"]])
