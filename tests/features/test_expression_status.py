"""Status of tumour analytes: source of the score, band, compartment, rule. Worked by hand; brute force; invariants."""

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from igfstrat.errors import CohortError, ConfigError
from igfstrat.evidence import COMPARTMENTS, find_evidence, get_evidence
from igfstrat.features.igf1r import (
    COMPARTMENT_OF_MEASURE,
    STATUS_SPECS,
    ExpressionStatus,
    measures_of,
)
from igfstrat.features.igf1r_sources import rows_without, sources_of, status_inputs
from igfstrat.features.status import NAMED_RULES, StatusRule
from igfstrat.features.tumour import TUMOUR_COMPARTMENTS, TUMOUR_SPECS, tumour_biomarker
from igfstrat.schema import COLUMNS

NAN = float("nan")
H_SCORE = "h_score_at_least_100"


def table_of(**columns):
    return pd.DataFrame(columns)


def percentages(*rows):
    return {f"igf1r_pct_{i}": [float(row[i]) for row in rows] for i in range(4)}


def statuses(transformer, table):
    return transformer.fit(table).transform(table).iloc[:, 0].tolist()


def flags(transformer, table):
    return [(int(i), f.code, f.column) for f in transformer.flag_rows(table) for i in f.rows]


# --- where the score comes from


def test_of_a_column_cores_and_percentages_the_column_is_used_then_the_cores():
    table = table_of(
        igf1r_h_score=[50.0], igf1r_h_score_1=[120.0], igf1r_h_score_2=[160.0], **percentages((0, 0, 50, 50))
    )
    status = ExpressionStatus(rule=H_SCORE)
    assert statuses(status, table) == ["low"]
    assert (
        "as given (measured column first, then cores, then percentages)" in status.describe()["igf1r_status"]
    )
    assert statuses(status, table.drop(columns="igf1r_h_score")) == ["high"]
    assert status.values_of(table).tolist() == [140]
    assert "from the mean of each patient's cores (measured" in status.describe()["igf1r_status"]
    by_minimum = ExpressionStatus(rule=H_SCORE, aggregate="min")
    by_minimum.fit(table.drop(columns="igf1r_h_score"))
    assert by_minimum.values_of(table).tolist() == [120]
    only = table[[f"igf1r_pct_{i}" for i in range(4)]]
    assert statuses(status, only) == ["high"]
    assert status.values_of(only).tolist() == [250]
    assert "from the percentages of cells (measured" in status.describe()["igf1r_status"]


def test_a_column_of_a_later_rule_comes_before_a_derived_score_of_an_earlier_one():
    # Allred from percentages would be 8, the H-score that the source gives is low
    table = table_of(igf1r_h_score=[50.0], **percentages((0, 0, 0, 100)))
    status = ExpressionStatus(rule=("allred_at_least_7", H_SCORE))
    assert statuses(status, table) == ["low"]
    assert status.rule_ == H_SCORE


def test_a_row_without_the_source_in_use_is_not_filled_from_another():
    table = table_of(igf1r_h_score=[50.0, NAN], **percentages((0, 0, 0, 100), (0, 0, 0, 100)))
    assert statuses(ExpressionStatus(rule=H_SCORE), table) == ["low", None]


def test_the_only_source_is_not_spoken_of():
    said = ExpressionStatus(rule=H_SCORE).fit(table_of(igf1r_h_score=[1.0])).describe()["igf1r_status"]
    assert said == "high: IGF-1R H-score ≥ 100 (H-score of 100 or more; evidence E-b-11)"


def test_allred_of_10_20_30_percent_is_low_by_average_high_by_strongest_and_flagged_either_way():
    table = table_of(**percentages((40, 10, 20, 30)))
    for intensity, word in (("average", "low"), ("strongest", "high")):
        status = ExpressionStatus(rule="allred_at_least_7", intensity=intensity)
        assert statuses(status, table) == [word]
        assert flags(status, table) == [(0, "allred_ambiguous", "igf1r_allred_from_pct")]
        assert f"by {intensity} intensity" in status.describe()["igf1r_status"]


def test_allred_is_ambiguous_across_the_cut_in_use():
    # 5 + 1 by average, 5 + 3 by strongest: on both sides of 7, on one side of 5
    table = table_of(**percentages((0, 90, 0, 10)))
    status = ExpressionStatus(at_least=5.0, of="igf1r_allred").fit(table)
    assert flags(status, table) == []
    status = ExpressionStatus(at_least=7.0, of="igf1r_allred").fit(table)
    assert [code for _, code, _ in flags(status, table)] == ["allred_ambiguous"]


def test_the_her2_style_score_from_percentages_leaves_few_strong_cells_indeterminate():
    # 8 % strong: 2+ where the membrane is stained all round, else 0
    table = table_of(**percentages((92, 0, 0, 8), (80, 0, 0, 20), (95, 5, 0, 0)))
    status = ExpressionStatus(rule="her2_style_2_or_3")
    assert statuses(status, table) == ["indeterminate", "high", "low"]
    assert flags(status, table) == [
        (0, "status_indeterminate", "igf1r_ihc"),
        (0, "approximate", "igf1r_her2_style_from_pct"),
    ]
    assert "approximate" in status.describe()["igf1r_status"]


def test_any_membrane_staining_is_not_read_from_percentages():
    with pytest.raises(CohortError, match="needs one of igf1r_ihc"):
        ExpressionStatus(rule="any_membrane").fit(table_of(**percentages((92, 0, 0, 8))))


def test_refused_percentages_have_no_status_and_are_flagged():
    table = table_of(**percentages((40, 10, 20, 60), (40, 10, 20, 30)))
    status = ExpressionStatus(rule=H_SCORE)
    assert statuses(status, table) == [None, "high"]
    assert flags(status, table) == [(0, "percent_sum", "igf1r_pct_0")]


def test_two_of_three_percentages_are_no_source():
    table = table_of(igf1r_pct_1=[10.0], igf1r_pct_3=[30.0])
    with pytest.raises(CohortError, match="column missing"):
        ExpressionStatus(rule=H_SCORE).fit(table)


def test_a_core_known_only_between_limits_is_not_left_out_of_the_mean():
    # cores 120 and below 60: the mean lies between 60 and 90
    table = table_of(igf1r_h_score_1=[120.0], igf1r_h_score_2=[NAN])
    table["igf1r_h_score_2_lower"], table["igf1r_h_score_2_upper"] = 0.0, 60.0
    assert statuses(ExpressionStatus(rule=H_SCORE), table) == ["low"]
    assert statuses(ExpressionStatus(at_least=80.0, of="igf1r_h_score"), table) == ["indeterminate"]
    assert np.isnan(ExpressionStatus(rule=H_SCORE).fit(table).values_of(table)).all()


@pytest.mark.parametrize("source", ["column", "cores", "percentages"])
def test_a_table_without_the_source_of_the_fit_is_refused(source):
    tables = {
        "column": table_of(igf1r_h_score=[1.0]),
        "cores": table_of(igf1r_h_score_1=[1.0]),
        "percentages": table_of(**percentages((40, 10, 20, 30))),
    }
    status = ExpressionStatus(rule=H_SCORE).fit(tables[source])
    for other, table in tables.items():
        if other != source:
            with pytest.raises(CohortError, match="column missing"):
                status.transform(table)


def test_the_inputs_of_a_rule_are_there_exactly_when_a_source_is():
    headers = ["igf1r_h_score", "igf1r_allred", "igf1r_ihc", "igf1r_h_score_1", "percentages"]
    for name in (*NAMED_RULES, tuple(NAMED_RULES)):
        rule = StatusRule(rule=name)
        for present in itertools.chain.from_iterable(itertools.combinations(headers, k) for k in range(6)):
            table = [h for h in present if h != "percentages"]
            table += [f"igf1r_pct_{i}" for i in (1, 2, 3)] if "percentages" in present else []
            assert bool(sources_of(rule, table)) is bool(set(status_inputs(rule)) & set(table))


def test_a_row_lacks_its_input_when_no_core_or_any_percentage_is_missing():
    table = table_of(
        igf1r_h_score_1=[NAN, NAN, 5.0],
        igf1r_h_score_3=[7.0, NAN, NAN],
        igf1r_pct_1=[NAN, 10.0, 10.0],
        igf1r_pct_2=[20.0, 20.0, 20.0],
        igf1r_pct_3=[30.0, 30.0, 30.0],
        igf1r_allred=[NAN, NAN, 3.0],
    )
    table["igf1r_allred_lower"], table["igf1r_allred_upper"] = [NAN, 0.0, 3.0], [NAN, 2.0, 3.0]
    assert rows_without(table, "igf1r_h_score_1").tolist() == [False, True, False]
    assert rows_without(table, "igf1r_pct_3").tolist() == [True, False, False]
    assert rows_without(table, "igf1r_allred").tolist() == [True, False, False]


# --- the band and the cut


def test_the_band_of_a_repeatability_sd_of_10_is_19_6_either_side():
    table = table_of(igf1r_h_score=[80.3, 80.5, 119.5, 119.7])
    status = ExpressionStatus(at_least=100.0, of="igf1r_h_score", repeatability_sd=10.0)
    assert statuses(status, table) == ["low", "indeterminate", "indeterminate", "high"]
    assert (
        "indeterminate within 19.6 of the cut (1.96 repeatability SD of 10)"
        in status.describe()["igf1r_status"]
    )
    with pytest.raises(ConfigError, match="not both"):
        ExpressionStatus(rule=H_SCORE, indeterminate=5.0, repeatability_sd=10.0).fit(table)


def test_a_median_that_limits_leave_open_decides_nothing():
    table = table_of(igf1_mrna=[NAN, NAN, 40.0, NAN])
    table["igf1_mrna_lower"] = [0.0, 0.0, 40.0, NAN]
    table["igf1_mrna_upper"] = [25.0, 25.0, 40.0, NAN]
    status = ExpressionStatus("igf1_mrna_status", quantile=0.5, of="igf1_mrna")
    assert statuses(status, table) == ["indeterminate"] * 3 + [None]
    assert "median of 3 values" in status.describe()["igf1_mrna_status"]
    assert "the cut can't be told" in status.describe()["igf1_mrna_status"]
    found = status.flag_rows(table)
    assert [f.rows.tolist() for f in found] == [[0, 1, 2]]
    assert "the cut can't be told" in found[0].remedy


# --- the compartment


def test_any_membrane_is_asked_of_the_membrane():
    places = ["membrane", "membrane_and_cytoplasm", "cytoplasm", "nucleus", "stroma", None, "cytoplasm"]
    table = table_of(igf1r_ihc=["3", "0", "3", "0", "2", "1", None], igf1r_compartment=places)
    status = ExpressionStatus(rule="any_membrane")
    doubt = "indeterminate"
    assert statuses(status, table) == ["high", "low", doubt, doubt, doubt, "high", None]
    assert flags(status, table) == [(i, "compartment_differs", "igf1r_compartment") for i in (2, 3, 4)]


def test_a_stated_compartment_asks_for_that_very_one():
    table = table_of(
        igf1r_h_score=[200.0] * 4,
        igf1r_compartment=["membrane", "cytoplasm", "membrane_and_cytoplasm", None],
    )
    status = ExpressionStatus(rule=H_SCORE, compartment="membrane")
    assert statuses(status, table) == ["high", "indeterminate", "indeterminate", "high"]
    assert "compartment: membrane (stated: " in status.describe()["igf1r_status"]
    assert "rows of another indeterminate" in status.describe()["igf1r_status"]
    # without the column nothing is stated
    assert statuses(status, table[["igf1r_h_score"]]) == ["high"] * 4


def test_of_a_mixture_the_commonest_compartment_of_the_fit_decides():
    # two rows of the cytoplasm have no value, so the membrane is commonest
    places = ["membrane", "membrane", "cytoplasm", "cytoplasm", "cytoplasm", None]
    table = table_of(igf1r_h_score=[10.0, 200.0, 200.0, NAN, NAN, 10.0], igf1r_compartment=places)
    status = ExpressionStatus(rule=H_SCORE)
    assert statuses(status, table) == ["low", "high", "indeterminate", None, None, "low"]
    assert (status.compartments_, status.stated_) == (("membrane",), {"membrane": 2, "cytoplasm": 1})
    assert "compartment: membrane (stated: membrane 2, cytoplasm 1)" in status.describe()["igf1r_status"]
    assert flags(status, table) == [(2, "compartment_differs", "igf1r_compartment")]
    later = table_of(igf1r_h_score=[200.0] * 3, igf1r_compartment=["cytoplasm"] * 2 + ["membrane"])
    assert status.transform(later)["igf1r_status"].tolist() == ["indeterminate", "indeterminate", "high"]


def test_of_equally_common_compartments_the_order_of_rows_does_not_choose():
    table = table_of(igf1r_h_score=[1.0, 200.0], igf1r_compartment=["nucleus", "cytoplasm"])
    for rows in (table, table[::-1]):
        assert ExpressionStatus(rule=H_SCORE).fit(rows).compartments_ == ("cytoplasm",)


def test_values_of_another_compartment_do_not_move_a_quantile():
    places = ["membrane"] * 3 + ["cytoplasm"] * 2
    table = table_of(igf1r_h_score=[10.0, 20.0, 30.0, 300.0, 300.0], igf1r_compartment=places)
    status = ExpressionStatus(quantile=0.5, of="igf1r_h_score").fit(table)
    assert (status.cut_, status.n_fit_) == (20, 3)


def test_a_measure_that_names_its_compartment_does_not_ask_for_it():
    table = table_of(igf1r_h_score_nucleus=[200.0, 50.0], igf1r_compartment=["membrane", "cytoplasm"])
    status = ExpressionStatus(at_least=100.0, of="igf1r_h_score_nucleus")
    assert statuses(status, table) == ["high", "low"]
    assert "compartment" not in status.describe()["igf1r_status"]


def test_the_h_score_of_a_compartment_is_not_made_of_cores_or_percentages():
    table = table_of(igf1r_h_score_1=[100.0], **percentages((40, 10, 20, 30)))
    with pytest.raises(CohortError, match="needs one of igf1r_h_score_membrane"):
        ExpressionStatus(at_least=100.0, of="igf1r_h_score_membrane").fit(table)


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"rule": H_SCORE, "compartment": "golgi"}, "'golgi' is none of membrane, cytoplasm"),
        ({"rule": "any_membrane", "compartment": "nucleus"}, "defined on membrane or membrane_and_cytoplasm"),
        ({"quantile": 0.5, "of": "igf1r_mrna", "compartment": "membrane"}, "not to igf1r_mrna"),
        (
            {"at_least": 1.0, "of": "igf1r_h_score_nucleus", "compartment": "membrane"},
            "not to igf1r_h_score_nu",
        ),
        ({"quantile": 0.5, "of": "igf1r_phospho"}, "igf1r_phospho is not a measure of it"),
        ({"name": "irs1_status", "rule": "allred_at_least_7"}, "igf1r_allred is not a measure of it"),
        ({"name": "igf1_status", "quantile": 0.5, "of": "igf1r_mrna"}, "is not a status of a tumour analyte"),
        ({"rule": H_SCORE, "aggregate": "mode"}, "aggregate of cores"),
        ({"rule": H_SCORE, "intensity": "mean"}, "intensity of the Allred score"),
        ({"rule": H_SCORE, "repeatability_sd": 0.0}, "greater than 0"),
    ],
)
def test_what_a_rule_cannot_mean_is_refused(make_patients, parameters, words):
    with pytest.raises(ConfigError, match=words):
        ExpressionStatus(**parameters).fit(make_patients())


@given(
    st.lists(
        st.tuples(
            st.one_of(st.none(), st.integers(0, 300)),
            st.sampled_from(["membrane", "nucleus", "stroma", None]),
        ),
        min_size=1,
    )
)
def test_a_row_of_another_compartment_never_decides_and_one_that_fits_is_as_if_alone(rows):
    table = pd.DataFrame(
        {"igf1r_h_score": [NAN if v is None else float(v) for v, _ in rows],
         "igf1r_compartment": np.array([place for _, place in rows], dtype=object)}
    )  # fmt: skip
    status = ExpressionStatus(rule=H_SCORE)
    plain = statuses(ExpressionStatus(rule=H_SCORE), table[["igf1r_h_score"]])
    for (value, place), found, alone in zip(rows, statuses(status, table), plain, strict=True):
        fits = place is None or place in status.compartments_
        assert found == (None if value is None else alone if fits else "indeterminate")


# --- the other analytes


@pytest.mark.parametrize("name", TUMOUR_SPECS)
def test_every_analyte_has_a_status_by_the_rule_of_a_plan(check_feature_transformer, name):
    column = name.removesuffix("_status")
    table = pd.DataFrame({"patient_id": list("abcde"), column: [1.0, 2.0, 3.0, 4.0, NAN]})
    status = ExpressionStatus(name, quantile=0.5, of=column)
    check_feature_transformer(status, table)
    assert statuses(status, table) == ["low", "low", "high", "high", None]
    assert COLUMNS[column].title in status.describe()[name]
    assert "> 2.5, the median of 4 values" in status.describe()[name]


def test_evidence_of_a_status_is_about_its_own_biomarker_and_compartment():
    other = {"other", "preclinical"}
    # the entry on IR-A states the ratio of all insulin receptor too
    for name, spec in TUMOUR_SPECS.items():
        biomarker, compartment = tumour_biomarker(name)
        for key in spec.evidence:
            entry = get_evidence(key)
            assert entry.biomarker == biomarker
            assert entry.compartment in {compartment, *other}


@pytest.mark.parametrize("name", TUMOUR_SPECS)
def test_no_evidence_in_the_tumour_on_an_analyte_is_left_out(name):
    biomarker, compartment = tumour_biomarker(name)
    prognostic = {"dfs", "os", "rfs", "pfs", "outcome"}
    found = {
        e.id for e in find_evidence(biomarker=biomarker, compartment=compartment) if e.endpoint in prognostic
    }
    assert found <= set(TUMOUR_SPECS[name].evidence)


def test_every_measure_has_a_compartment_of_the_registry():
    measures = {measure for name in STATUS_SPECS for measure in measures_of(name)}
    assert measures == set(COMPARTMENT_OF_MEASURE)
    assert set(COMPARTMENT_OF_MEASURE.values()) == {"tumour_protein", "tumour_mrna", "tumour_phospho"}
    assert set(COMPARTMENT_OF_MEASURE.values()) <= set(COMPARTMENTS)
    assert {COMPARTMENT_OF_MEASURE[f"igf1r_h_score_{p}"] for p in ("membrane", "cytoplasm", "nucleus")} == {
        "tumour_protein"
    }
    # IR-A is told from IR-B by its transcript
    mrna = {m for m, compartment in TUMOUR_COMPARTMENTS.items() if compartment == "tumour_mrna"}
    assert mrna == {m for m in TUMOUR_COMPARTMENTS if m.endswith("_mrna")} | {"insr_a"}


@pytest.mark.parametrize(
    "status",
    [
        ExpressionStatus(rule="any_membrane"),
        ExpressionStatus(rule=H_SCORE, compartment="cytoplasm", repeatability_sd=10.0),
        ExpressionStatus(rule="allred_at_least_7", intensity="strongest"),
        ExpressionStatus(quantile=0.3, of="igf1r_h_score", aggregate="max"),
    ],
    ids=repr,
)
@pytest.mark.parametrize("source", ["column", "derived"])
def test_every_source_keeps_the_contract(check_feature_transformer, make_patients, status, source):
    table = make_patients()
    table["igf1r_compartment"] = np.resize(
        np.array(["membrane", "cytoplasm", None], dtype=object), len(table)
    )
    if source == "derived":
        table = table.drop(columns=["igf1r_h_score", "igf1r_allred"])
    check_feature_transformer(status, table)
