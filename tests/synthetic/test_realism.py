"""Disturbed tables: shares and shifts against their settings (statistical, 3 standard errors), text by hand, invariants."""

import numpy as np
import pandas as pd
import pytest

from igfstrat.config import make_config, parse_yaml
from igfstrat.errors import ConfigError
from igfstrat.features.reference_range import reference_sds
from igfstrat.synthetic.realism import add_realism
from igfstrat.synthetic.realism_settings import (
    CoreSettings,
    DriftSettings,
    LabSettings,
    LimitSettings,
    MissingRule,
    RealismSettings,
    standard_realism,
)

N = 40_000


def clean_table(n=N):
    rng = np.random.default_rng(11)
    days = rng.integers(0, 3650, n)
    return pd.DataFrame(
        {
            "patient_id": [f"P{i:06d}" for i in range(n)],
            "age_years": rng.normal(60, 10, n).clip(30, 85).round(1),
            "sex": np.where(rng.random(n) < 0.5, "female", "male"),
            "igf1_ng_ml": rng.uniform(60, 250, n).round(1),
            "igfbp3_ng_ml": rng.integers(2500, 5000, n),
            "igf1_assay": "ids_isys",
            "igf1r_ihc": rng.integers(0, 4, n),
            "igf1r_h_score": rng.uniform(60, 240, n).round(),
            "subtype": np.where(rng.random(n) < 0.3, "triple_negative", "luminal_a"),
            "diagnosis_date": (np.datetime64("2008-01-01") + days.astype("timedelta64[D]")).astype(str),
        }
    )


TABLE = clean_table()


def disturbed(table=TABLE, seed=3, **settings):
    return add_realism(table, RealismSettings(**settings), np.random.default_rng(seed))


def assert_share(found, expected):
    """Within 3 standard errors of a share."""
    assert abs(found.mean() - expected) < 3 * np.sqrt(expected * (1 - expected) / len(found))


def logistic(percent, log_odds):
    odds = percent / (100 - percent) * np.exp(log_odds)
    return odds / (1 + odds)


def sds(table, analyte="igf1"):
    values = pd.to_numeric(table[f"{analyte}_ng_ml"]).to_numpy(dtype=float)
    return reference_sds(values, analyte, age=table["age_years"], sex=table["sex"].to_numpy(dtype=object))


def test_nothing_is_changed_when_everything_is_off():
    assert disturbed().equals(TABLE)


def test_table_that_was_given_is_left_alone():
    before = TABLE.copy(deep=True)
    add_realism(TABLE, standard_realism(TABLE), np.random.default_rng(1))
    assert TABLE.equals(before)


def test_loss_completely_at_random_has_the_configured_share_at_every_age_and_value():
    lost = disturbed(missing=(MissingRule(columns=("igf1_ng_ml",), percent=12),))["igf1_ng_ml"].isna()
    assert_share(lost, 0.12)
    for half in (TABLE["age_years"] > 60, TABLE["age_years"] <= 60, TABLE["igf1_ng_ml"] > 150):
        assert_share(lost[half], 0.12)


@pytest.mark.parametrize("age", [45, 60, 75])
def test_loss_at_random_follows_the_logistic_in_age(age):
    rule = MissingRule(columns=("igf1_ng_ml",), percent=20, on="age_years", centre=60, per=10, log_odds=0.7)
    lost = disturbed(missing=(rule,))["igf1_ng_ml"].isna()
    near = TABLE["age_years"].between(age - 0.5, age + 0.5)
    assert_share(lost[near], logistic(20, 0.7 * (age - 60) / 10))


def test_loss_at_random_given_age_does_not_depend_on_the_lost_value():
    rule = MissingRule(columns=("igf1_ng_ml",), percent=20, on="age_years", centre=60, per=10, log_odds=0.7)
    lost = disturbed(missing=(rule,))["igf1_ng_ml"].isna()
    near = TABLE["age_years"].between(58, 62)
    high, low = lost[near & (TABLE["igf1_ng_ml"] > 155)], lost[near & (TABLE["igf1_ng_ml"] <= 155)]
    error = np.sqrt(high.mean() * (1 - high.mean()) / len(high) + low.mean() * (1 - low.mean()) / len(low))
    assert abs(high.mean() - low.mean()) < 3 * error


@pytest.mark.parametrize("score", [0, 1, 2, 3])
def test_loss_not_at_random_is_commoner_where_the_lost_score_is_low(score):
    rule = MissingRule(columns=("igf1r_ihc",), percent=25, on="igf1r_ihc", centre=1, log_odds=-0.8)
    assert rule.mechanism == "not_at_random"
    lost = disturbed(missing=(rule,))["igf1r_ihc"].isna()
    assert_share(lost[TABLE["igf1r_ihc"] == score], logistic(25, -0.8 * (score - 1)))


def test_loss_by_word_differs_for_the_named_word_alone():
    rule = MissingRule(columns=("igf1r_ihc",), percent=10, on="subtype", log_odds_of={"triple_negative": 1.2})
    lost = disturbed(missing=(rule,))["igf1r_ihc"].isna()
    assert_share(lost[TABLE["subtype"] == "triple_negative"], logistic(10, 1.2))
    assert_share(lost[TABLE["subtype"] == "luminal_a"], 0.10)


def test_columns_of_one_rule_are_lost_together():
    table = disturbed(missing=(MissingRule(columns=("igf1_ng_ml", "igfbp3_ng_ml"), percent=10),))
    assert (table["igf1_ng_ml"].isna() == table["igfbp3_ng_ml"].isna()).all()


def test_what_is_left_keeps_its_value_and_its_whole_numbers():
    table = disturbed(missing=(MissingRule(columns=("igfbp3_ng_ml",), percent=10),))
    left = table["igfbp3_ng_ml"].notna()
    assert table.loc[left, "igfbp3_ng_ml"].tolist() == TABLE.loc[left, "igfbp3_ng_ml"].tolist()
    assert all(isinstance(value, int) for value in table.loc[left, "igfbp3_ng_ml"])


def test_values_beyond_a_limit_become_text_and_those_at_it_stay():
    table = pd.DataFrame({"igf1_ng_ml": [24.9, 25.0, 100.0, 1000.0, 1000.1, np.nan]})
    found = disturbed(table, limits=(LimitSettings(analyte="igf1", lower=25, upper=1000),))
    assert found["igf1_ng_ml"].tolist() == ["<25", 25.0, 100.0, 1000.0, ">1000", None]


def test_limit_is_that_of_the_assay_where_it_is_published():
    table = pd.DataFrame(
        {
            "igf1_ng_ml": [20.0, 20.0, 14.0, 20.0],
            "igf1_assay": ["ids_isys", "elecsys_cobas", "elecsys_cobas", "immulite2000_02254"],
        }
    )
    found = disturbed(table, limits=(LimitSettings(analyte="igf1", lower=25, by_assay=True),))
    assert found["igf1_ng_ml"].tolist() == ["<25", 20.0, "<15", "<24.9"]


def test_upper_limit_of_an_assay_replaces_the_common_one_where_it_is_published():
    table = pd.DataFrame(
        {"igf1_ng_ml": [1200.0, 1700.0, 1200.0], "igf1_assay": ["elecsys_cobas"] * 2 + ["ids_isys"]}
    )
    found = disturbed(table, limits=(LimitSettings(analyte="igf1", upper=1000, by_assay=True),))
    assert found["igf1_ng_ml"].tolist() == [1200.0, ">1600", ">1000"]


def test_limit_is_that_of_the_true_assay_when_it_is_not_stated():
    table = TABLE.iloc[:2].assign(igf1_ng_ml=20.0)
    lab = LabSettings(site="A", percent=100, assay="elecsys_cobas", states_assay=False)
    found = disturbed(table, labs=(lab,), limits=(LimitSettings(analyte="igf1", lower=25, by_assay=True),))
    assert found["igf1_ng_ml"].tolist() == [20.0, 20.0]
    assert found["igf1_assay"].tolist() == [None, None]


LABS = (
    LabSettings(site="A", percent=60, assay="ids_isys"),
    LabSettings(site="B", percent=40, assay="liaison_xl", sd_offset={"igf1": 1.3}, states_assay=False),
)


def test_labs_have_their_shares_and_only_some_state_their_assay():
    table = disturbed(labs=LABS)
    assert_share(table["site"] == "A", 0.6)
    assert (table.loc[table["site"] == "A", "igf1_assay"] == "ids_isys").all()
    assert table.loc[table["site"] == "B", "igf1_assay"].isna().all()


def test_offset_of_a_lab_moves_every_score_by_that_many_standard_deviations():
    table = disturbed(labs=LABS)
    moved = sds(table) - sds(TABLE)
    # values are rounded to 0.1 ng/mL, less than 3 thousandths of a standard deviation
    assert moved[table["site"] == "B"] == pytest.approx(1.3, abs=0.003)
    assert (moved[table["site"] == "A"] == 0).all()


def test_sites_that_the_cohort_has_decide_when_the_labs_have_no_share():
    table = TABLE.assign(site=np.where(TABLE.index % 2 == 0, "north", "elsewhere"))
    lab = LabSettings(site="north", assay="liaison_xl", sd_offset={"igf1": -0.5})
    found = disturbed(table, labs=(lab,))
    north = table["site"] == "north"
    assert (sds(found) - sds(TABLE))[north] == pytest.approx(-0.5, abs=0.003)
    assert found.loc[~north].equals(table.loc[~north])


def test_drift_grows_with_the_years_and_stays_within_a_lot():
    drift = DriftSettings(analyte="igf1", sd_per_year=0.2, since="2008-01-01", lot_months=12)
    moved = sds(disturbed(drift=(drift,))) - sds(TABLE)
    years = (pd.to_datetime(TABLE["diagnosis_date"]) - pd.Timestamp("2008-01-01")).dt.days / 365.25
    assert moved == pytest.approx(0.2 * np.floor(years), abs=0.003)


def test_cores_scatter_about_the_tumour_with_the_configured_spread():
    table = disturbed(cores=CoreSettings(n=3, sd=15, lost_percent=10))
    cores = table[[f"igf1r_h_score_{i}" for i in (1, 2, 3)]].astype(float)
    difference = cores.sub(TABLE["igf1r_h_score"], axis=0).to_numpy()
    known = difference[np.isfinite(difference)]
    # scores lie 4 spreads from the ends, so hardly any is cut; rounding adds a variance of 1/12
    assert known.std() == pytest.approx(np.sqrt(15**2 + 1 / 12), abs=3 * 15 / np.sqrt(2 * len(known)))
    assert abs(known.mean()) < 3 * 15 / np.sqrt(len(known))
    assert_share(np.isnan(difference).ravel(), 0.1)


def test_score_of_a_tumour_is_the_mean_of_the_cores_that_are_left():
    table = disturbed(cores=CoreSettings(n=2, sd=15, lost_percent=30))
    mean = table[["igf1r_h_score_1", "igf1r_h_score_2"]].astype(float).mean(axis=1)
    assert np.allclose(table["igf1r_h_score"], mean.round(1), equal_nan=True)
    assert_share(table["igf1r_h_score"].isna(), 0.09)


def test_repeated_patients_are_whole_rows_of_earlier_patients():
    table = disturbed(duplicate_percent=5)
    again = table["patient_id"].duplicated()
    assert len(table) == N
    assert_share(again, 0.05)
    first = table.drop_duplicates("patient_id").set_index("patient_id")
    copies = table[again].set_index("patient_id")
    assert copies.equals(first.loc[copies.index])
    # an original keeps its own row, so every copy comes after it
    assert table[~again].equals(TABLE[~again])


def test_switching_one_disturbance_off_leaves_the_others_as_they_are():
    rule = MissingRule(columns=("igfbp3_ng_ml",), percent=10)
    alone, with_labs = disturbed(missing=(rule,)), disturbed(missing=(rule,), labs=LABS)
    assert alone["igfbp3_ng_ml"].isna().equals(with_labs["igfbp3_ng_ml"].isna())


def test_another_stream_gives_other_losses():
    rule = MissingRule(columns=("igf1_ng_ml",), percent=10)
    assert not disturbed(seed=1, missing=(rule,)).equals(disturbed(seed=2, missing=(rule,)))


def test_standard_settings_fit_whatever_columns_there_are():
    for headers in (list(TABLE), ["patient_id", "age_years"], ["igf1_ng_ml"], [*TABLE, "site"]):
        table = TABLE.assign(site="A")[headers]
        assert len(add_realism(table, standard_realism(headers), np.random.default_rng(1))) == N


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("missing: [{columns: [igf_1], percent: 5}]", "no canonical header"),
        ("missing: [{columns: [igf1_ng_ml], percent: 101}]", "less than or equal to 100"),
        ("missing: [{columns: [igf1_ng_ml], percent: 5, log_odds: 1}]", "log_odds needs on"),
        ("missing: [{columns: [igf1_ng_ml], percent: 5, on: age_years}]", "needs either log_odds"),
        (
            "missing: [{columns: [igf1_ng_ml], percent: 5, on: age_years, log_odds: 1},"
            " {columns: [age_years], percent: 5}]",
            "age_years is lost itself",
        ),
        ("labs: [{site: A, percent: 60, assay: ria}, {site: B, percent: 30, assay: ria}]", "sum to 100"),
        ("labs: [{site: A, percent: 100, assay: roche}]", "is no assay"),
        ("limits: [{analyte: igf1, lower: 25, upper: 20}]", "is not below"),
        ("drift: [{analyte: igf1, sd_per_year: 0.1, since: yesterday}]", "yesterday"),
    ],
)
def test_settings_that_contradict_themselves_are_refused(text, message):
    with pytest.raises(ConfigError, match=message):
        make_config(RealismSettings, parse_yaml(text, source="x.yaml"))


def test_column_that_a_setting_needs_is_named_when_it_is_not_there():
    with pytest.raises(ConfigError, match="the cohort has no igf1r_h_score"):
        disturbed(TABLE.drop(columns="igf1r_h_score"), cores=CoreSettings(n=2, sd=10))
