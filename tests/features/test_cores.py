"""Several cores a patient. Worked by hand; invariants (hypothesis); an analysis of variance by brute force."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from igfstrat.errors import CohortError, ConfigError, DomainError, UsageError
from igfstrat.evidence import get_evidence
from igfstrat.features.cores import (
    AGGREGATES,
    IGF1R_H_SCORE_CORES_N,
    IGF1R_H_SCORE_CORES_RANGE,
    IGF1R_H_SCORE_CORES_SD,
    IGF1R_H_SCORE_OF_CORES,
    CoreFeatures,
    aggregate_cores,
    core_columns,
    core_spread,
    repeatability_band,
    within_patient_sd,
)
from igfstrat.schema import COLUMNS

NAN = float("nan")
SPECS = [IGF1R_H_SCORE_OF_CORES, IGF1R_H_SCORE_CORES_N, IGF1R_H_SCORE_CORES_SD, IGF1R_H_SCORE_CORES_RANGE]
CORES = arrays(
    float,
    st.tuples(st.integers(1, 6), st.integers(1, 5)),
    elements=st.one_of(st.integers(0, 300).map(float), st.just(NAN)),
)


def cored(rows, k=3):
    return pd.DataFrame(rows, columns=[f"igf1r_h_score_{i + 1}" for i in range(k)], dtype=float)


def patients_with_cores(n=30, seed=5):
    rng = np.random.default_rng(seed)
    values = np.clip(rng.uniform(20, 280, (n, 1)) + rng.normal(0, 25, (n, 12)), 0, 300)
    values[rng.random(values.shape) < 0.4] = NAN
    values[2], values[7, 1:] = NAN, NAN
    table = cored(values, 12)
    table.insert(0, "patient_id", [f"P{i}" for i in range(n)])
    return table


def test_three_cores_of_80_90_130_are_100_by_mean_90_by_median_130_by_max_and_80_by_min():
    table = cored([[80, 90, 130], [50, NAN, NAN], [NAN, NAN, NAN], [NAN, 10, 30]])
    expected = {
        "mean": [100, 50, NAN, 20],
        "median": [90, 50, NAN, 20],
        "max": [130, 50, NAN, 30],
        "min": [80, 50, NAN, 10],
    }
    for aggregate, values in expected.items():
        out = CoreFeatures(aggregate).fit_transform(table)
        assert out["igf1r_h_score_of_cores"].tolist() == pytest.approx(values, nan_ok=True)
        assert out["igf1r_h_score_cores_n"].tolist() == [3, 1, 0, 2]
        # deviations -20, -10, 30: root of 1400 / 2; and -10, 10: root of 200
        assert out["igf1r_h_score_cores_sd"].tolist() == pytest.approx(
            [700**0.5, NAN, NAN, 200**0.5], nan_ok=True
        )
        assert out["igf1r_h_score_cores_range"].tolist() == pytest.approx([50, NAN, NAN, 20], nan_ok=True)


def test_the_mean_is_the_default():
    assert aggregate_cores([[0.0, 300.0, 30.0]]).tolist() == [110]
    assert CoreFeatures().aggregate == "mean"


def test_within_patient_sd_is_the_residual_of_a_one_way_analysis_of_variance():
    # residual squares: 100 + 100 of the first patient, 900 + 0 + 900 of the second, on 1 + 2 degrees of freedom
    sd, df = within_patient_sd([[100, 120, NAN], [60, 90, 120], [10, NAN, NAN], [NAN, NAN, NAN]])
    assert (sd, df) == (pytest.approx((2000 / 3) ** 0.5), 3)


def test_of_pairs_it_is_the_root_of_half_the_mean_squared_difference():
    pairs = np.array([[100.0, 110.0], [50.0, 20.0], [200.0, 200.0]])
    assert within_patient_sd(pairs)[0] == pytest.approx(np.sqrt(np.mean(np.diff(pairs) ** 2) / 2))


@given(CORES)
def test_within_patient_sd_agrees_with_residuals_of_patient_dummies(cores):
    patient, core = np.nonzero(np.isfinite(cores))
    design = (patient[:, None] == np.unique(patient)).astype(float)
    y = cores[patient, core]
    df = len(y) - design.shape[1]
    sd, found = within_patient_sd(cores)
    assert found == df
    if df:
        residual = y - design @ np.linalg.lstsq(design, y, rcond=None)[0] if len(y) else y
        assert sd == pytest.approx(np.sqrt(residual @ residual / df), abs=1e-8)
    else:
        assert np.isnan(sd)


def test_without_a_second_core_nothing_is_known_of_repeatability():
    transformer = CoreFeatures().fit(cored([[80, NAN, NAN], [NAN, 90, NAN]]))
    assert np.isnan(transformer.within_sd_)
    assert transformer.within_df_ == 0
    assert np.isnan(repeatability_band(transformer.within_sd_))
    assert "SD" not in transformer.describe()["igf1r_h_score_of_cores"]


def test_repeatability_is_learned_from_the_training_fold_alone():
    transformer = CoreFeatures().fit(cored([[100, 120, NAN], [60, 90, 120]]))
    before = (transformer.within_sd_, transformer.within_df_)
    transformer.transform(cored([[0, 300, 150]]))
    assert (transformer.within_sd_, transformer.within_df_) == before
    assert (
        "within-patient SD 25.82 (3 degrees of freedom)" in transformer.describe()["igf1r_h_score_of_cores"]
    )


def test_a_band_of_95_percent_is_1_96_standard_deviations_over_the_root_of_the_cores():
    assert repeatability_band(10.0) == pytest.approx(19.59964)
    assert repeatability_band(10.0, n_cores=4) == pytest.approx(9.79982)
    assert repeatability_band(10.0, level=0.90) == pytest.approx(16.44854)


@pytest.mark.parametrize(
    ("within_sd", "options"), [(-1.0, {}), (1.0, {"n_cores": 0}), (1.0, {"level": 1.0}), (1.0, {"level": 0})]
)
def test_impossible_bands_are_refused(within_sd, options):
    with pytest.raises(DomainError, match="must be >= 0"):
        repeatability_band(within_sd, **options)


@given(CORES, st.randoms(use_true_random=False))
def test_the_order_of_cores_changes_nothing(cores, random):
    order = list(range(cores.shape[1]))
    random.shuffle(order)
    for aggregate in AGGREGATES:
        np.testing.assert_allclose(
            aggregate_cores(cores[:, order], aggregate=aggregate), aggregate_cores(cores, aggregate=aggregate)
        )
    for found, expected in zip(core_spread(cores[:, order]), core_spread(cores), strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-9)


@given(CORES)
def test_aggregates_lie_between_min_and_max_and_spread_within_its_bounds(cores):
    low, high = (aggregate_cores(cores, aggregate=way) for way in ("min", "max"))
    n, sd, spread = core_spread(cores)
    for aggregate in ("mean", "median"):
        value = aggregate_cores(cores, aggregate=aggregate)
        assert (np.isnan(value) == (n == 0)).all()
        assert np.all((low - 1e-9 <= value) & (value <= high + 1e-9) | np.isnan(value))
    assert np.all((sd <= IGF1R_H_SCORE_CORES_SD.bounds[1] + 1e-9) | np.isnan(sd))
    assert (np.isnan(spread) == (n < 2)).all()
    np.testing.assert_array_equal(spread[n > 1], (high - low)[n > 1])


@given(CORES, st.integers(0, 300))
def test_a_further_core_can_only_raise_the_maximum_and_lower_the_minimum(cores, further):
    scored = np.isfinite(cores).any(axis=1)
    more = np.column_stack([cores, np.full(len(cores), float(further))])
    for aggregate, sign in (("max", 1), ("min", -1)):
        before, after = (aggregate_cores(c, aggregate=aggregate)[scored] for c in (cores, more))
        assert np.all(sign * (after - before) >= 0)


@given(CORES, st.sampled_from(AGGREGATES), st.integers(0, 50))
def test_more_staining_in_a_core_never_lowers_the_patients_score(cores, aggregate, by):
    stronger = cores.copy()
    stronger[:, 0] += by
    before, after = (aggregate_cores(c, aggregate=aggregate) for c in (cores, stronger))
    assert np.all((after >= before - 1e-9) | np.isnan(before))


def test_cores_are_found_by_their_number_and_a_given_score_is_left_alone():
    columns = [
        "igf1r_h_score_10",
        "igf1r_h_score_2",
        "igf1r_h_score",
        "igf1r_h_score_0",
        "igf1r_h_score_from_pct",
    ]
    assert core_columns(pd.DataFrame(columns=columns)) == ["igf1r_h_score_2", "igf1r_h_score_10"]
    assert not {spec.name for spec in SPECS} & set(COLUMNS)
    assert core_columns(pd.DataFrame(columns=[spec.name for spec in SPECS])) == []


def test_a_later_table_may_hold_another_number_of_cores():
    transformer = CoreFeatures().fit(cored([[80, 90, 130]]))
    assert transformer.transform(cored([[80, 90]], 2))["igf1r_h_score_of_cores"].tolist() == [85]


def test_a_table_without_cores_is_refused_at_fit_and_at_transform():
    empty = pd.DataFrame({"igf1r_h_score": [100.0]})
    for work in (CoreFeatures().fit, CoreFeatures().fit(cored([[1, 2, 3]])).transform):
        with pytest.raises(CohortError, match="igf1r_h_score_1"):
            work(empty)


def test_an_unknown_aggregate_is_refused_by_function_and_transformer():
    with pytest.raises(UsageError, match="'mode' is none of mean, median, max, min"):
        aggregate_cores([[1.0]], aggregate="mode")
    with pytest.raises(ConfigError, match="aggregate of cores"):
        CoreFeatures("mode").fit(patients_with_cores())


@pytest.mark.parametrize("values", [[1.0, 2.0], [[float("inf"), 2.0]]])
def test_what_is_no_table_of_finite_cores_is_refused(values):
    with pytest.raises(DomainError, match="finite numbers or NaN"):
        aggregate_cores(values)


@pytest.mark.parametrize("aggregate", AGGREGATES)
def test_core_features_keep_the_contract(check_feature_transformer, aggregate):
    check_feature_transformer(CoreFeatures(aggregate), patients_with_cores())


def test_a_maximum_says_that_it_grows_with_the_number_of_cores():
    said = [CoreFeatures(way).fit(patients_with_cores()).describe() for way in ("max", "mean")]
    assert ["grows" in text["igf1r_h_score_of_cores"] for text in said] == [True, False]


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.name)
def test_specifications_hold(spec):
    values = CoreFeatures().fit_transform(patients_with_cores())[spec.name].dropna()
    assert values.between(*spec.bounds).all()
    assert all(get_evidence(key).id == key for key in spec.evidence)
