"""ER, PR and HER2 classes. Worked by hand from the tables of the ASCO/CAP guidelines of 2018 and 2020; invariants."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from igfstrat.errors import CohortError, DomainError
from igfstrat.features.receptors import (
    RECEPTOR_SPECS,
    ReceptorFeatures,
    her2_class,
    her2_doubts,
    her2_ish_group,
    her2_low,
    receptor_class,
)

NAN = float("nan")
POS, NEG, LOW = "positive", "negative", "low_positive"
DISCORDANT, NEEDS_ISH, UNDECIDED = "receptor_discordant", "her2_needs_ish", "her2_undecided"

# one ISH result of each kind: ratio, copies
NO_ISH = (NAN, NAN)
GROUPS = {1: (2.0, 4.0), 2: (2.0, 3.9), 3: (1.9, 6.0), 4: (1.9, 4.0), 5: (1.9, 3.9)}
SINGLE = {"high": (NAN, 6.0), "middle": (NAN, 5.9), "low": (NAN, 3.9)}
RATIO = {"high": (2.0, NAN), "low": (1.9, NAN)}

# IHC, ISH, class, HER2-low, doubt
SCHEME = [
    (0, NO_ISH, NEG, "no", None), (0, GROUPS[1], POS, "no", DISCORDANT), (0, GROUPS[2], NEG, "no", None),
    (0, GROUPS[3], NEG, "no", None), (0, GROUPS[4], NEG, "no", None), (0, GROUPS[5], NEG, "no", None),
    (0, SINGLE["high"], POS, "no", DISCORDANT), (0, SINGLE["middle"], NEG, "no", None),
    (0, SINGLE["low"], NEG, "no", None), (0, RATIO["high"], None, "no", UNDECIDED), (0, RATIO["low"], NEG, "no", None),
    (1, NO_ISH, NEG, "yes", None), (1, GROUPS[1], POS, "no", DISCORDANT), (1, GROUPS[2], NEG, "yes", None),
    (1, GROUPS[3], NEG, "yes", None), (1, GROUPS[4], NEG, "yes", None), (1, GROUPS[5], NEG, "yes", None),
    (1, SINGLE["high"], POS, "no", DISCORDANT), (1, SINGLE["middle"], NEG, "yes", None),
    (1, SINGLE["low"], NEG, "yes", None), (1, RATIO["high"], None, None, UNDECIDED), (1, RATIO["low"], NEG, "yes", None),
    (2, NO_ISH, None, None, NEEDS_ISH), (2, GROUPS[1], POS, "no", None), (2, GROUPS[2], NEG, "yes", None),
    (2, GROUPS[3], POS, "no", None), (2, GROUPS[4], NEG, "yes", None), (2, GROUPS[5], NEG, "yes", None),
    (2, SINGLE["high"], POS, "no", None), (2, SINGLE["middle"], None, None, UNDECIDED),
    (2, SINGLE["low"], NEG, "yes", None), (2, RATIO["high"], None, None, UNDECIDED), (2, RATIO["low"], None, None, UNDECIDED),
    (3, NO_ISH, POS, "no", None), (3, GROUPS[1], POS, "no", None), (3, GROUPS[2], POS, "no", None),
    (3, GROUPS[3], POS, "no", None), (3, GROUPS[4], POS, "no", None), (3, GROUPS[5], POS, "no", DISCORDANT),
    (3, SINGLE["high"], POS, "no", None), (3, SINGLE["middle"], POS, "no", None),
    (3, SINGLE["low"], POS, "no", DISCORDANT), (3, RATIO["high"], POS, "no", None), (3, RATIO["low"], POS, "no", None),
    (NAN, NO_ISH, None, None, None), (NAN, GROUPS[1], POS, "no", None), (NAN, GROUPS[2], None, None, UNDECIDED),
    (NAN, GROUPS[3], None, None, UNDECIDED), (NAN, GROUPS[4], None, None, UNDECIDED), (NAN, GROUPS[5], NEG, None, None),
    (NAN, SINGLE["high"], POS, "no", None), (NAN, SINGLE["middle"], None, None, UNDECIDED),
    (NAN, SINGLE["low"], NEG, None, None), (NAN, RATIO["high"], None, None, UNDECIDED), (NAN, RATIO["low"], None, None, UNDECIDED),
]  # fmt: skip


def table_of(rows=SCHEME):
    return pd.DataFrame(
        {
            "her2_ihc": [None if np.isnan(ihc) else str(int(ihc)) for ihc, *_ in rows],
            "her2_ish_ratio": [ish[0] for _, ish, *_ in rows],
            "her2_copies": [ish[1] for _, ish, *_ in rows],
        }
    )


def flags_of(table):
    transformer = ReceptorFeatures().fit(table)
    return sorted((i, flag.code, flag.column) for flag in transformer.flag_rows(table) for i in flag.rows)


@pytest.mark.parametrize(("ihc", "ish", "expected", "low", "doubt"), SCHEME)
def test_every_cell_of_the_her2_scheme_is_the_guideline_s(ihc, ish, expected, low, doubt):
    seen = {"ihc": [ihc], "ratio": [ish[0]], "copies": [ish[1]]}
    assert her2_class(**seen).tolist() == [expected]
    assert her2_low(**seen).tolist() == [low]
    assert her2_doubts(**seen).tolist() == [doubt]


def test_the_table_of_patients_gives_the_scheme_row_by_row():
    table = table_of()
    found = ReceptorFeatures().fit_transform(table)
    assert found["her2_class"].tolist() == [expected for _, _, expected, _, _ in SCHEME]
    assert found["her2_low"].tolist() == [low for _, _, _, low, _ in SCHEME]
    assert flags_of(table) == [(i, row[4], "her2_ihc") for i, row in enumerate(SCHEME) if row[4]]


def test_ihc_2_by_groups_1_to_5_is_positive_negative_positive_negative_negative():
    ratio, copies = zip(*GROUPS.values(), strict=True)
    assert her2_class(ihc=[2] * 5, ratio=ratio, copies=copies).tolist() == [POS, NEG, POS, NEG, NEG]


def test_groups_begin_at_a_ratio_of_2_and_at_4_and_6_copies():
    ratio = [2.0, 2.0, 1.99, 1.99, 1.99, 1.99, NAN, 2.0]
    copies = [4.0, 3.99, 6.0, 5.99, 4.0, 3.99, 4.0, NAN]
    np.testing.assert_array_equal(her2_ish_group(ratio, copies), [1, 2, 3, 4, 4, 5, NAN, NAN])


def test_a_stated_her2_status_stands_only_where_nothing_was_measured():
    nothing = [NAN] * 4
    stated = [POS, NEG, "indeterminate", None]
    assert her2_class(ihc=nothing, ratio=nothing, copies=nothing, status=stated).tolist() == [
        POS,
        NEG,
        None,
        None,
    ]
    seen = {"ratio": [NAN], "copies": [NAN], "status": [NEG]}
    assert her2_class(ihc=[2], **seen).tolist() == [None]
    assert her2_class(ihc=[3], **seen).tolist() == [POS]


def test_a_stated_status_that_contradicts_the_measurement_is_flagged():
    table = table_of([(3, NO_ISH), (0, NO_ISH), (2, GROUPS[3]), (2, NO_ISH), (3, NO_ISH), (0, NO_ISH)])
    table["her2_status"] = [NEG, POS, NEG, NEG, POS, None]
    assert flags_of(table) == [
        (0, "status_contradicted", "her2_status"),
        (1, "status_contradicted", "her2_status"),
        (2, "status_contradicted", "her2_status"),
        (3, NEEDS_ISH, "her2_ihc"),
    ]  # fmt: skip


def test_er_is_low_positive_from_1_to_10_percent_and_pr_positive_from_1():
    percent = [0, 0.99, 1, 10, 10.01, 100, NAN]
    assert receptor_class(percent, low_positive=True).tolist() == [NEG, NEG, LOW, LOW, POS, POS, None]
    assert receptor_class(percent, low_positive=False).tolist() == [NEG, NEG, POS, POS, POS, POS, None]


def test_a_status_counts_where_the_percent_is_not_known():
    status = [POS, NEG, LOW, "indeterminate", None, NEG]
    percent = [NAN] * 5 + [80]
    assert receptor_class(percent, status, low_positive=True).tolist() == [POS, NEG, LOW, None, None, POS]
    assert receptor_class(percent, status, low_positive=False).tolist() == [POS, NEG, POS, None, None, POS]


def test_an_er_status_against_the_percent_is_flagged_but_low_against_positive_is_not():
    table = pd.DataFrame({"er_percent": [80.0, 0.0, 5.0, 80.0, NAN], "er_status": [NEG, LOW, POS, LOW, NEG]})
    assert flags_of(table) == [(i, "status_contradicted", "er_status") for i in (0, 1)]


def limits(header, lower, upper):
    return pd.DataFrame(
        {header: [NAN] * len(lower), f"{header}_lower": lower, f"{header}_upper": upper}, dtype=float
    )


def test_a_percent_between_limits_counts_where_no_cut_lies_between():
    # <1, 1-10, >10, <10, and nothing
    lower, upper = [0, 1, 10, 0, NAN], [1, 10, NAN, 10, NAN]
    er = ReceptorFeatures().fit_transform(limits("er_percent", lower, upper))
    assert er["er_class"].tolist() == [NEG, LOW, POS, None, None]
    pr = ReceptorFeatures().fit_transform(limits("pr_percent", lower, upper))
    assert pr["pr_class"].tolist() == [NEG, POS, POS, None, None]


def test_copies_beyond_a_limit_count_where_no_cut_lies_between():
    found = ReceptorFeatures().fit_transform(limits("her2_copies", [20, 0, 0], [NAN, 4, 6]))
    assert found["her2_class"].tolist() == [POS, NEG, None]


def test_the_features_are_those_whose_columns_are_there():
    assert list(ReceptorFeatures().fit_transform(table_of())) == ["her2_class", "her2_low", "her2_ish_group"]
    assert list(ReceptorFeatures().fit_transform(pd.DataFrame({"pr_status": [POS]}))) == ["pr_class"]
    copies = ReceptorFeatures().fit(pd.DataFrame({"her2_copies": [8.0]}))
    assert copies.feature_names() == ["her2_class"]
    # a column that was not there in fit has no say in transform
    both = pd.DataFrame({"her2_copies": [8.0], "her2_ihc": ["0"], "er_percent": [5.0]})
    assert copies.transform(both).to_dict("list") == {"her2_class": [POS]}
    assert copies.flag_rows(both) == []
    with pytest.raises(CohortError, match="column missing"):
        copies.transform(pd.DataFrame({"her2_ihc": ["0"]}))


def test_nothing_known_is_nothing_in_every_feature():
    table = pd.DataFrame({name: [None] for s in RECEPTOR_SPECS.values() for name in (*s.inputs, *s.any_of)})
    found = ReceptorFeatures().fit_transform(table)
    assert list(found) == list(RECEPTOR_SPECS)
    assert found.isna().all(axis=None)
    assert flags_of(table) == []


@pytest.mark.parametrize(
    ("ihc", "ratio", "copies"), [(4, NAN, NAN), (1.5, NAN, NAN), (2, -0.1, 4), (2, NAN, -1)]
)
def test_impossible_her2_results_are_refused(ihc, ratio, copies):
    with pytest.raises(DomainError):
        her2_class(ihc=[ihc], ratio=[ratio], copies=[copies])


@pytest.mark.parametrize("percent", [-1, 101])
def test_impossible_percentages_are_refused(percent):
    with pytest.raises(DomainError, match="between 0 and 100"):
        receptor_class([percent], low_positive=True)


KNOWN_OR_NOT = st.one_of(st.just(NAN), st.floats(0, 12))


@given(st.sampled_from([0, 1, 2, 3, NAN]), KNOWN_OR_NOT, KNOWN_OR_NOT)
def test_her2_low_is_never_positive_and_never_2_without_ish(ihc, ratio, copies):
    seen = {"ihc": [ihc], "ratio": [ratio], "copies": [copies]}
    low, found = her2_low(**seen)[0], her2_class(**seen)[0]
    assert low != "yes" or (found == NEG and ihc in {1, 2})
    if ihc == 2 and np.isnan(ratio) and np.isnan(copies):
        assert low is None
        assert found is None
    if ihc == 3:
        assert found == POS


@pytest.fixture
def receptor_patients(make_patients):
    table = make_patients()
    rng = np.random.default_rng(3)
    table["her2_ihc"] = rng.choice(["0", "1", "2", "3", None], len(table))
    table["her2_ish_ratio"] = rng.choice([1.1, 1.9, 2.0, 4.0, NAN], len(table))
    table["her2_copies"] = rng.choice([2.0, 4.0, 6.0, NAN], len(table))
    table["her2_status"] = rng.choice(["positive", "negative", None], len(table))
    table["er_status"] = rng.choice(["positive", "negative", None], len(table))
    return table


def test_the_receptors_keep_the_contract(check_feature_transformer, receptor_patients):
    check_feature_transformer(ReceptorFeatures(), receptor_patients)
    assert set(ReceptorFeatures().fit(receptor_patients).describe()) == set(RECEPTOR_SPECS)


def test_words_are_codes_and_the_group_keeps_its_bounds(receptor_patients):
    found = ReceptorFeatures().fit_transform(receptor_patients)
    assert set(found["er_class"]) <= {POS, NEG, LOW, None}
    assert set(found["her2_class"]) <= {POS, NEG, None}
    assert found["her2_ish_group"].dropna().isin([1, 2, 3, 4, 5]).all()


def test_a_table_without_receptors_is_refused_by_name():
    with pytest.raises(CohortError, match="column missing"):
        ReceptorFeatures().fit(pd.DataFrame({"patient_id": ["A"]}))
