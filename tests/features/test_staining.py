"""Scores from percentages. Worked by hand from the published definitions; invariants (hypothesis)."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from igfstrat.errors import CohortError, ConfigError, DomainError, UsageError
from igfstrat.evidence import get_evidence
from igfstrat.features.igf1r_scores import (
    INTENSITIES,
    allred_is_ambiguous,
    allred_score,
    h_score,
    her2_style_score,
    intensity_score,
    proportion_score,
    refused_percentages,
)
from igfstrat.features.staining import (
    IGF1R_ALLRED_FROM_PCT,
    IGF1R_H_SCORE_FROM_PCT,
    IGF1R_HER2_STYLE_FROM_PCT,
    StainingFeatures,
)
from igfstrat.schema import COLUMNS

NAN = float("nan")
SPECS = [IGF1R_H_SCORE_FROM_PCT, IGF1R_ALLRED_FROM_PCT, IGF1R_HER2_STYLE_FROM_PCT]
NAMES = [spec.name for spec in SPECS]


def stained(zero, one, two, three):
    """A table from the percentages, one list a class."""
    return pd.DataFrame(
        {f"igf1r_pct_{i}": np.array(p, dtype=float) for i, p in enumerate((zero, one, two, three))}
    )


def percentages(n=30, seed=3):
    rng = np.random.default_rng(seed)
    table = stained(*rng.dirichlet(np.ones(4), n).T * 100)
    table.insert(0, "patient_id", [f"P{i}" for i in range(n)])
    table.loc[3, "igf1r_pct_0"] = NAN
    table.loc[4, "igf1r_pct_2"] = NAN
    table.loc[5, "igf1r_pct_3"] += 20
    return table


# cells of one specimen by class, in whole percent; and cells moved from one class to a stronger one
CELLS = st.lists(st.sampled_from([0, 1, 2, 3]), min_size=1, max_size=100)


def shares(cells):
    return [100 * cells.count(i) / len(cells) for i in (1, 2, 3)]


def test_10_20_30_percent_is_140_allred_6_by_average_and_7_by_strongest_or_predominant():
    table = stained([40], [10], [20], [30])
    for intensity, allred in (("average", 6), ("predominant", 7), ("strongest", 7)):
        scores = StainingFeatures(intensity).fit_transform(table)
        assert list(scores.columns) == NAMES
        assert scores.iloc[0].tolist() == [140, allred, 3]


@pytest.mark.parametrize(
    ("percent", "score"),
    [(0, 0), (0.1, 1), (0.999, 1), (1, 2), (9.9, 2), (10, 2), (10.1, 3), (33, 3), (100 / 3, 3), (33.4, 4), (66, 4), (200 / 3, 4), (66.7, 5), (67, 5), (100, 5)],
)  # fmt: skip
def test_the_proportion_score_steps_at_1_100_1_10_1_3_and_2_3(percent, score):
    assert proportion_score(percent) == score


def test_thirds_that_are_sums_of_percentages_stay_on_their_side():
    # 0.1 + 0.2 + … in binary lands a hair beyond the limit
    for limit, score in ((100 / 3, 3), (200 / 3, 4)):
        parts = np.array([limit / 7, limit / 11, limit - limit / 7 - limit / 11])
        for nudged in (parts.sum(), np.nextafter(limit, 0), np.nextafter(limit, 100)):
            assert proportion_score(nudged) == score


@pytest.mark.parametrize(
    ("cells", "score"),
    [((0, 0, 0), 0), ((5, 0, 0), 1), ((0, 5, 0), 2), ((0, 0, 5), 3), ((30, 29, 0), 1), ((30, 30, 0), 2), ((0, 31, 30), 2), ((0, 30, 30), 3),
     ((50, 0, 50), 2), ((0.1, 0.2, 0.1), 2), ((0, 0.3, 0.3), 3), ((1e-12, 0, 0), 1)],
)  # fmt: skip
def test_average_intensity_is_rounded_to_the_nearest_and_halves_up(cells, score):
    assert intensity_score(*cells) == score


@pytest.mark.parametrize(
    ("cells", "predominant", "strongest"),
    [((0, 0, 0), 0, 0), ((50, 20, 10), 1, 3), ((20, 50, 10), 2, 3), ((20, 30, 0), 2, 2), ((20, 20, 0), 2, 2), ((20, 20, 20), 3, 3), ((60, 0, 0), 1, 1),
     ((20, 10, 20), 3, 3), ((40, 30, 30), 1, 3)],
)  # fmt: skip
def test_predominant_is_the_commonest_class_and_of_equals_the_stronger(cells, predominant, strongest):
    assert intensity_score(*cells, intensity="predominant") == predominant
    assert intensity_score(*cells, intensity="strongest") == strongest


@pytest.mark.parametrize(
    ("cells", "score"),
    [((0, 0, 0), 0), ((10, 0, 0), 0), ((10.1, 0, 0), 1), ((100, 0, 0), 1), ((0, 10, 0), 0), ((0, 10.1, 0), 2), ((80, 10, 0), 1), ((0, 5, 6), 2), ((0, 0, 10), 0),
     ((0, 90, 10), 2), ((0, 0, 10.1), 3)],
)  # fmt: skip
def test_the_her2_style_score_asks_for_more_than_10_percent(cells, score):
    assert her2_style_score(*cells) == score


def test_allred_is_ambiguous_only_across_the_cut_of_7():
    # 10/20/30: 6 or 7. 70/0/20: 5 + 1 or 3. 50/0/5: 4 + 1 or 3. 0/0/60: 7. 5/0/1: 2 + 1 or 3. 0/68/0: 7.
    cells = np.array([(10, 20, 30), (70, 0, 20), (50, 0, 5), (0, 0, 60), (5, 0, 1), (0, 68, 0), (NAN, 0, 60)])
    assert allred_is_ambiguous(*cells.T).tolist() == [True, True, True, False, False, False, False]


def test_percentages_must_add_up_to_100_within_1():
    zero = [40, 39, 41, 38.9, 41.1, 0, 0, -1, 101, 0]
    three = [30, 30, 30, 30, 30, 41, 41.1, 71, 0, 70]
    n = len(zero)
    one, two = [10] * n, [20] * n
    one[5], two[5] = 30, 30
    one[6], two[6] = 30, 30
    one[8], two[8] = 0, 0
    expected = [False, False, False, True, True, False, True, True, True, False]
    assert refused_percentages(zero, one, two, three).tolist() == expected
    # three classes of a third each, in whole percent; and 33.5, 33.5 and 33 without unstained cells
    assert not refused_percentages(33, 33, 33, 0)
    assert not refused_percentages(0, 34, 34, 33)
    assert h_score(34, 34, 33) == 201


def test_rows_whose_percentages_do_not_agree_are_flagged_and_have_no_score():
    table = stained([40, 40, 0, 90], [10, 10, 0, NAN], [20, 20, 0, NAN], [30, 34, 0, 60])
    transformer = StainingFeatures().fit(table)
    assert transformer.transform(table).isna().all(axis=1).tolist() == [False, True, True, True]
    flagged = [(i, f.column) for f in transformer.flag_rows(table) for i in f.rows if f.code == "percent_sum"]
    assert flagged == [(1, "igf1r_pct_0"), (2, "igf1r_pct_0"), (3, "igf1r_pct_0")]


def test_a_missing_percentage_of_unstained_cells_is_what_is_left_of_100():
    table = stained([NAN, 40], [10, 10], [20, 20], [30, 30])
    scores = StainingFeatures().fit_transform(table)
    assert scores.iloc[0].equals(scores.iloc[1].rename(0))
    assert StainingFeatures().fit_transform(table.drop(columns="igf1r_pct_0")).equals(scores)


def test_a_missing_percentage_of_stained_cells_gives_no_score_even_where_100_leaves_nothing():
    table = stained([40] * 3, [NAN, 0, 0], [0, NAN, 0], [60, 60, NAN])
    transformer = StainingFeatures().fit(table)
    assert transformer.transform(table).isna().all(axis=None)
    assert transformer.flag_rows(table) == []


def test_doubts_are_flagged_on_their_own_column():
    # the last: 3 % strong, but 2+ already without them
    table = stained([40, 92, 0, 60, 0], [10, 0, 0, 40, 0], [20, 0, 100, 0, 97], [30, 8, 0, 0, 3])
    flags = [(i, f.code, f.column) for f in StainingFeatures().fit(table).flag_rows(table) for i in f.rows]
    assert flags == [
        (0, "allred_ambiguous", "igf1r_allred_from_pct"),
        (1, "approximate", "igf1r_her2_style_from_pct"),
    ]


def test_percentages_above_100_by_rounding_do_not_leave_the_scale():
    scores = StainingFeatures().fit_transform(stained([0], [0], [0.4], [100]))
    assert scores.iloc[0].tolist() == [300, 8, 3]


def test_names_cannot_be_taken_for_given_columns():
    assert not set(NAMES) & set(COLUMNS)
    given = pd.concat([stained([40], [10], [20], [30]), pd.DataFrame({"igf1r_h_score": [7.0]})], axis=1)
    assert StainingFeatures().fit_transform(given).iloc[0].tolist() == [140, 6, 3]


@given(CELLS)
def test_scores_stay_on_their_scales(cells):
    assert 0 <= her2_style_score(*shares(cells)) <= 3
    for intensity in INTENSITIES:
        assert allred_score(*shares(cells), intensity=intensity) in {0, *range(2, 9)}


@given(CELLS, st.data())
def test_more_staining_never_lowers_h_score_her2_style_or_allred_by_strongest(cells, data):
    stronger = [data.draw(st.integers(cell, 3)) for cell in cells]
    for score in (h_score, her2_style_score, lambda *p: allred_score(*p, intensity="strongest")):
        assert score(*shares(stronger)) >= score(*shares(cells)) - 1e-9


@given(CELLS, st.data())
def test_stronger_stained_cells_never_lower_allred_by_average(cells, data):
    stronger = [data.draw(st.integers(cell, 3)) if cell else 0 for cell in cells]
    assert allred_score(*shares(stronger)) >= allred_score(*shares(cells))


def test_weak_cells_beside_strong_ones_do_lower_allred_by_average_as_documented():
    assert allred_score(0, 0, 34) == 7
    assert allred_score(20, 0, 34) == 6
    assert allred_score(40, 0, 36, intensity="predominant") == 6
    assert allred_score(0, 40, 36, intensity="predominant") == 7
    assert allred_score(20, 20, 30, intensity="predominant") == 8
    assert allred_score(0, 40, 30, intensity="predominant") == 7


@given(CELLS)
def test_the_average_lies_between_weakest_and_strongest(cells):
    present = [cell for cell in cells if cell]
    score = intensity_score(*shares(cells))
    assert (min(present) <= score <= max(present)) if present else score == 0


@pytest.mark.parametrize("score", [allred_score, her2_style_score, intensity_score])
@pytest.mark.parametrize("cells", [(-1, 0, 0), (50, 50, 10), (0, 0, 101)])
def test_impossible_percentages_are_refused_by_every_score(score, cells):
    with pytest.raises(DomainError, match="together at most 100"):
        score(*cells)


def test_an_unknown_intensity_is_refused_by_function_and_transformer():
    with pytest.raises(UsageError, match="'mean' is none of average, predominant, strongest"):
        allred_score(10, 20, 30, intensity="mean")
    with pytest.raises(ConfigError, match="intensity of the Allred score"):
        StainingFeatures("mean").fit(percentages())


def test_missing_columns_are_named():
    with pytest.raises(CohortError, match="igf1r_pct_2"):
        StainingFeatures().fit(percentages().drop(columns="igf1r_pct_2"))


@pytest.mark.parametrize("intensity", INTENSITIES)
def test_staining_features_keep_the_contract(check_feature_transformer, intensity):
    check_feature_transformer(StainingFeatures(intensity), percentages())


def test_the_intensity_and_the_approximation_are_said():
    said = StainingFeatures("strongest").fit(percentages()).describe()
    assert "strongest" in said["igf1r_allred_from_pct"]
    assert "approximate" in said["igf1r_her2_style_from_pct"]


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.name)
def test_specifications_hold(spec):
    values = StainingFeatures().fit_transform(percentages())[spec.name].dropna()
    assert values.between(*spec.bounds).all()
    assert all(COLUMNS[name].unit == unit for name, unit in spec.inputs.items())
    assert all(get_evidence(key).id == key for key in spec.evidence)
