"""Landmarks and immortal time: worked by hand, and a simulation with a known answer."""

import numpy as np
import pandas as pd
import pytest

from igfstrat.analysis import AnalysisSettings
from igfstrat.analysis.landmark import (
    CENSORED_BEFORE,
    EVENT_BEFORE,
    apply_landmark,
    check_immortal_time,
    dates_of,
)
from igfstrat.analysis.pairwise import analyse_pairwise
from igfstrat.errors import Severity
from tests.analysis.test_cutpoint import endpoint_of


def dated(**columns):
    return pd.DataFrame({name: pd.to_datetime(pd.Series(values)) for name, values in columns.items()})


def test_clock_restarts_and_an_event_at_the_landmark_is_before_it():
    cause = np.array(["a", None, "b", None, "a"], dtype=object)
    endpoint = endpoint_of([1.0, 2.0, 3.0, 4.5, 7.0], [1, 0, 1, 0, 1], cause)
    restarted, counts = apply_landmark(endpoint, months=3)
    assert restarted.time[3:].tolist() == [1.5, 4.0]
    assert restarted.usable.tolist() == [False, False, False, True, True]
    assert restarted.reasons == (EVENT_BEFORE, CENSORED_BEFORE, EVENT_BEFORE, "", "")
    assert restarted.event.tolist() == [False, False, False, False, True]
    assert restarted.cause.tolist() == [None, None, None, None, "a"]
    assert (counts.n_before, counts.n, counts.n_events_before, counts.n_censored_before) == (5, 2, 2, 1)


def test_the_endpoint_before_the_landmark_is_left_as_it_was():
    endpoint = endpoint_of([1.0, 5.0], [1, 1], np.array(["a", "b"], dtype=object))
    apply_landmark(endpoint, months=3)
    assert endpoint.time.tolist() == [1.0, 5.0]
    assert endpoint.cause.tolist() == ["a", "b"]


def test_nobody_beyond_the_landmark_is_a_reason():
    restarted, counts = apply_landmark(endpoint_of([1.0, 2.0], [1, 0]), months=3)
    assert counts.not_estimable == "nobody is followed beyond the landmark"
    assert not restarted.usable.any()


def test_row_that_was_out_before_keeps_its_reason():
    endpoint = endpoint_of([np.nan, 9.0], [0, 1])
    endpoint = type(endpoint)(
        **{f: getattr(endpoint, f) for f in endpoint.__slots__} | {"reasons": ("time missing", "")}
    )
    restarted, counts = apply_landmark(endpoint, months=3)
    assert restarted.reasons == ("time missing", "")
    assert counts.n_before == 1


def test_groups_made_by_surviving_look_better_without_a_landmark_and_alike_with_it():
    # nobody's hazard differs: "treated" only means alive at month 6, when treatment would have begun
    rng = np.random.default_rng(8)
    time = rng.exponential(10, 4_000)
    groups = np.where((time > 6) & (rng.random(4_000) < 0.5), "treated", "untreated").astype(object)
    endpoint = endpoint_of(time, np.ones(4_000))
    order = ["untreated", "treated"]

    def ratio(e):
        result = analyse_pairwise(e, groups=groups, order=order, settings=AnalysisSettings())
        return result.pairs[0].hazard_ratio.estimate

    assert ratio(endpoint).ci_upper < 0.7
    fair = ratio(apply_landmark(endpoint, months=6)[0])
    assert fair.ci_lower < 1 < fair.ci_upper


@pytest.mark.parametrize(
    ("measure", "dates"),
    [
        ("igf1", ("igf1_sampling_date",)),
        ("igf1_sds", ("igf1_sampling_date",)),
        ("igf1_igfbp3_molar_ratio", ("igf1_sampling_date",)),
        ("vegfc", ("igf1_sampling_date",)),
        ("igf1r_h_score", ("specimen_date",)),
        ("igf1r_ihc", ("specimen_date",)),
        ("igf1r_status", ("specimen_date",)),
        ("igf1r_phospho_status", ("specimen_date",)),
        ("irs1", ("specimen_date",)),
        ("egfr_tki_exposure", ("egfr_tki_start_date",)),
        ("endocrine_therapy_at_baseline", ("endocrine_therapy_start_date",)),
        ("age_years", ()),
        ("rs2016347", ()),
        ("stage", ()),
    ],
)
def test_each_measure_is_dated_by_its_own_column(measure, dates):
    assert dates_of(measure) == dates


def test_marker_dated_after_time_zero_is_refused_by_row_and_shows_no_date():
    table = dated(time_zero=["2020-01-01"] * 3, igf1_sampling_date=["2020-01-01", "2020-01-02", "2019-06-01"])
    problems = check_immortal_time(table, measure="igf1", row_numbers=[5, 6, 7])
    assert [(p.row, p.severity, p.column) for p in problems] == [(6, Severity.ERROR, "igf1_sampling_date")]
    assert problems[0].value == "1 days after time zero"
    assert "2020" not in str(problems)
    assert "landmark" in problems[0].remedy


@pytest.mark.parametrize(("months", "refused"), [(None, True), (1.0, True), (2.0, False), (3.0, False)])
def test_a_landmark_at_or_after_the_latest_date_lets_it_pass(months, refused):
    # 60 days: beyond one month of 30.4375 days, within two (60.875)
    table = dated(diagnosis_date=["2020-01-01"], specimen_date=["2020-03-01"])
    problems = check_immortal_time(table, measure="igf1r_h_score", landmark_months=months)
    assert bool(problems) is refused


def test_time_zero_is_the_first_of_its_columns_that_the_table_has():
    table = dated(
        time_zero=["2020-02-01"], randomization_date=["2020-01-01"], diagnosis_date=["2019-01-01"],
        specimen_date=["2020-01-15"],
    )  # fmt: skip
    assert check_immortal_time(table, measure="igf1r_h_score") == []
    later = check_immortal_time(table.drop(columns="time_zero"), measure="igf1r_h_score")
    assert later[0].value == "14 days after time zero"


def test_dates_that_cannot_be_checked_are_said_and_stop_nothing():
    without = check_immortal_time(dated(specimen_date=["2020-01-01"]), measure="igf1r_h_score")
    gaps = check_immortal_time(
        dated(diagnosis_date=[None, "2020-01-01"], specimen_date=["2020-01-01", None]),
        measure="igf1r_h_score",
    )
    for problems in (without, gaps):
        assert [p.severity for p in problems] == [Severity.NOTICE]
    assert "1 rows have no diagnosis_date" in gaps[0].remedy


def test_rows_that_are_no_patients_are_not_looked_at():
    table = dated(diagnosis_date=["2020-01-01"] * 2, specimen_date=["2021-01-01", "2019-01-01"])
    assert check_immortal_time(table, measure="igf1r_h_score", included=np.array([False, True])) == []


def test_a_table_without_dates_has_nothing_to_refuse():
    assert check_immortal_time(pd.DataFrame({"igf1_ng_ml": [100.0]}), measure="igf1") == []
