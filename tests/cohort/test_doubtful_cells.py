"""Single values that are probably something else: flagged, and the others go on. Worked by hand, and by simulation with fixed seeds."""

import numpy as np
import pytest

from igfstrat.cohort.cell_doubts import find_other_unit, find_sentinels
from igfstrat.cohort.plausibility import check_times, check_times_by_dates, check_unit
from igfstrat.errors import CohortError
from igfstrat.schema import COLUMNS

IGF1 = COLUMNS["igf1"]


def flagged(judged):
    return {(p.row, p.column, p.code) for p in judged.flags}


@pytest.mark.parametrize("code", ["-9", "-99", "999", "9999", "-9.0", "999.0"])
@pytest.mark.parametrize("column", ["igf1_ng_ml", "igfbp3_ng_ml"])
def test_a_usual_code_for_missing_is_no_concentration(change, write_csv, judge, code, column):
    judged = judge(write_csv(change({(12, column): code})))
    assert flagged(judged) == {(12, column, "possible_sentinel")}
    assert np.isnan(judged.cohort.table[column][10])
    assert f"found {code}" in judged.text


def test_a_time_of_999_months_is_no_time(change, write_csv, judge):
    judged = judge(write_csv(change({(12, "dfs_months"): "999"})))
    assert flagged(judged) == {(12, "dfs_months", "possible_sentinel")}
    assert judged.cohort.endpoints["dfs"].reasons[10] == "time missing"


@pytest.mark.parametrize(
    ("values", "found"),
    [([700, 650, 999, 500, 480, 300], []), ([999, 999, 100, 150, 120, 180, 90], [0, 1]), ([999, 100], []), ([-9, 100], [0])],
)  # fmt: skip
def test_a_code_counts_as_one_only_where_it_stands_apart(values, found):
    assert find_sentinels(np.array(values, dtype=float), IGF1).tolist() == found


def test_a_logarithm_of_minus_nine_is_kept_among_its_like():
    mrna = COLUMNS["igf1r_mrna"]
    assert find_sentinels(np.array([-9.0, -8.5, -7, -8, -9.5, -6, -7.7]), mrna).tolist() == []
    assert find_sentinels(np.array([-99.0, -1.5, 2, 0.3, -0.5, 1, 1.7]), mrna).tolist() == [0]


def test_a_single_value_in_nmol_l_is_flagged_and_kept(change, write_csv, judge):
    judged = judge(write_csv(change({(12, "igf1_ng_ml"): "20.5"})))
    assert flagged(judged) == {(12, "igf1_ng_ml", "unit_doubtful")}
    assert judged.cohort.table["igf1_ng_ml"][10] == 20.5
    assert "fits nmol/L (then 156.8 ng/mL)" in judged.text


def test_nine_in_ten_single_values_in_nmol_l_are_noticed_and_hardly_an_honest_one():
    rng = np.random.default_rng(20261121)
    noticed = honest = 0
    for _ in range(400):
        column = rng.lognormal(np.log(140), 0.40, 60).clip(30, 600)
        honest += len(find_other_unit(column, IGF1, "ng/mL"))
        column[7] /= 7.649
        # below 15 ng/mL the bounds of the column already flag it
        noticed += column[7] < 15 or 7 in [row for row, _, _ in find_other_unit(column, IGF1, "ng/mL")]
    assert noticed / 400 > 0.90
    assert honest / (400 * 60) < 0.005


@pytest.mark.parametrize("share", [0.1, 0.3, 0.5, 0.8])
def test_two_units_in_one_column_of_high_values_are_noticed_though_each_value_is_possible(share):
    # young adults: 300 ng/mL is 39 nmol/L, which as ng/mL is unusual for nobody
    rng = np.random.default_rng(7)
    column = rng.lognormal(np.log(330), 0.2, 100)
    column[: int(100 * share)] /= 7.649
    problem = check_unit(column, IGF1, "ng/mL")
    assert problem is not None
    assert "nmol/L" in problem.remedy


def test_an_honest_wide_column_is_not_two_units():
    for seed in range(200):
        column = np.random.default_rng(seed).lognormal(np.log(140), 0.5, 80).clip(31, 590)
        assert check_unit(column, IGF1, "ng/mL") is None


def test_times_in_days_under_a_months_header_are_refused(change_column, write_csv, judge):
    rows = change_column("dfs_months", lambda text, _: f"{float(text) * 30.4375:.0f}")
    with pytest.raises(
        CohortError, match=r"dfs_months.*do they count days|dfs_months.*these times count days"
    ):
        judge(write_csv(rows))


def test_dates_tell_the_unit_of_times():
    months = np.linspace(5, 60, 12)
    assert (
        check_times_by_dates(months * 30.4375, months, "months")
        == "by the dates of the same patients these times count days, not months"
    )
    assert "count months, not years" in check_times_by_dates(months * 12, months, "years")
    assert "count months, not days" in check_times_by_dates(months / 30.4375, months, "days")
    assert check_times_by_dates(months, months * 1.1, "months") is None
    assert check_times_by_dates(months[:4], months[:4] * 30, "months") is None
    assert check_times(months, "months") is None


@pytest.mark.parametrize("factor", [12, 365.25])
def test_ages_in_months_or_days_are_refused_with_the_guess(change_column, write_csv, judge, factor):
    rows = change_column("age_years", lambda text, _: f"{float(text) * factor:.0f}")
    with pytest.raises(CohortError, match=r"look like (months|days)"):
        judge(write_csv(rows))


def test_one_month_first_date_does_not_turn_dotted_ones_around(change_column, change, write_csv, judge):
    rows = change_column("diagnosis_date", lambda text, _: f"03.04.20{text[2:4]}")
    cohort = judge(write_csv(rows)).cohort
    assert cohort.table["diagnosis_date"].astype(str)[0] == "2012-04-03"
    assert [p.code for p in cohort.problems] == ["date_order"]
    mixed = change({(5, "diagnosis_date"): "04/25/2011"}, rows)
    with pytest.raises(CohortError, match="several formats"):
        judge(write_csv(mixed))
