"""METABRIC as cBioPortal ships it, against counts that pandas reads from the same files without igfstrat.

Subtype as given and by receptors; and what must not be taken for a receptor. The last tests need no public data.
"""

import numpy as np
import pandas as pd
import pytest

from igfstrat.cohort import CohortMap, read_cohort
from igfstrat.config import make_config, parse_yaml
from igfstrat.errors import CohortError, Severity
from igfstrat.features.receptors import ReceptorFeatures
from igfstrat.features.subtype import SubtypeFeatures
from igfstrat.workflows.check_cohort import check_cohort, draft_map

GIVEN = {
    "LumA": "luminal_a", "LumB": "luminal_b", "Her2": "her2_enriched", "Basal": "basal_like",
    "Normal": "normal_like", "claudin-low": "claudin_low",
}  # fmt: skip
SIGN = {"+": "positive", "-": "negative"}


@pytest.fixture(scope="module")
def folder(data_folder):
    return data_folder / "metabric_cbioportal"


@pytest.fixture(scope="module")
def raw(folder):
    patients = pd.read_csv(
        folder / "data_clinical_patient.txt", comment="#", dtype=str, keep_default_na=False
    )
    samples = pd.read_csv(
        folder / "data_clinical_sample.txt", sep="\t", comment="#", dtype=str, keep_default_na=False
    )
    return patients.merge(samples, on="PATIENT_ID", how="left", validate="one_to_one")


@pytest.fixture(scope="module")
def cohort(folder):
    return read_cohort(folder / "data_clinical_patient.txt", map="metabric_receptors")


@pytest.fixture(scope="module")
def plain(folder):
    return read_cohort(folder / "data_clinical_patient.txt", map="metabric")


def agree(values, expected):
    """Row by row, where None and NaN are both no value."""
    pd.testing.assert_series_equal(
        pd.Series(values, dtype=object).reset_index(drop=True).fillna("?"),
        pd.Series(expected, dtype=object).reset_index(drop=True).fillna("?"),
        check_names=False,
    )


def surrogate(cohort, rule):
    return SubtypeFeatures(rule=rule).set_output(transform="pandas").fit_transform(cohort.table)["subtype"]


@pytest.mark.realdata
def test_receptors_grade_and_stage_of_the_sample_file_stand_beside_their_patients(cohort, raw):
    assert cohort.table["patient_id"].tolist() == raw["PATIENT_ID"].tolist()
    for name, header in (
        ("er_status", "ER_STATUS"),
        ("pr_status", "PR_STATUS"),
        ("her2_status", "HER2_STATUS"),
    ):
        agree(cohort.table[name], raw[header].map(SIGN))
    for name, header in (("grade", "GRADE"), ("stage", "TUMOR_STAGE")):
        agree(cohort.table[name], raw[header].where(~raw[header].isin(["", "null"])))
    assert cohort.table["her2_status"].value_counts().to_dict() == {"negative": 1733, "positive": 247}
    assert cohort.unusable == {}


@pytest.mark.realdata
@pytest.mark.parametrize("name", ["metabric", "metabric_receptors"])
def test_every_label_of_pam50_has_its_class_and_nc_has_none(folder, raw, name):
    subtype = read_cohort(folder / "data_clinical_patient.txt", map=name).table["subtype"]
    agree(subtype, raw["CLAUDIN_SUBTYPE"].map(GIVEN))
    assert set(raw["CLAUDIN_SUBTYPE"]) == {*GIVEN, "NC", ""}
    assert subtype.value_counts().to_dict() == {
        "luminal_a": 700, "luminal_b": 475, "her2_enriched": 224, "claudin_low": 218, "basal_like": 209, "normal_like": 148,
    }  # fmt: skip
    assert subtype[(raw["CLAUDIN_SUBTYPE"] == "NC").to_numpy()].tolist() == [None] * 6


@pytest.mark.realdata
def test_the_stated_class_of_nc_claudin_low_and_normal_stands_in_the_manifest(cohort, plain):
    for read in (cohort, plain):
        said = " ".join(read.to_dict()["notes"])
        assert [
            word for word in ("claudin_low", "normal_like", "NC was not classified") if word not in said
        ] == []


@pytest.mark.realdata
def test_without_ki67_st_gallen_decides_all_but_the_er_and_pr_positive_her2_negative(cohort, raw):
    er, pr, her2 = (raw[f"{receptor}_STATUS"] for receptor in ("ER", "PR", "HER2"))
    luminal = (er == "+") | (pr == "+")
    expected = pd.Series(None, index=raw.index, dtype=object)
    expected[luminal & (her2 == "+")] = "luminal_her2"
    expected[(er == "-") & (pr == "-") & (her2 == "+")] = "her2_enriched"
    expected[(er == "-") & (pr == "-") & (her2 == "-")] = "triple_negative"
    expected[luminal & (her2 == "-") & ((er == "-") | (pr == "-"))] = "luminal_b"
    subtype = surrogate(cohort, "st_gallen_2013")
    agree(subtype, expected)
    assert subtype.value_counts().to_dict() == {
        "luminal_b": 440,
        "triple_negative": 320,
        "her2_enriched": 134,
        "luminal_her2": 113,
    }
    undecided = subtype.isna().to_numpy() & (er != "").to_numpy()
    assert undecided.sum() == ((er == "+") & (pr == "+") & (her2 == "-")).sum() == 973


@pytest.mark.realdata
def test_without_ki67_maisonneuve_leaves_the_er_positive_pr_negative_open_too(cohort):
    assert surrogate(cohort, "maisonneuve_2014").value_counts().to_dict() == {
        "triple_negative": 320, "her2_enriched": 134, "luminal_her2": 113, "luminal_b": 15,
    }  # fmt: skip


@pytest.mark.realdata
def test_the_subtype_as_given_comes_before_the_surrogate(cohort):
    rule = SubtypeFeatures().fit(cohort.table)
    assert rule.rule_ == "as_given"
    assert (rule.transform(cohort.table)["subtype"] == "claudin_low").sum() == 218


@pytest.mark.realdata
def test_her2_goes_by_its_status_and_no_gain_of_copies_makes_it_positive(cohort, raw):
    her2 = ReceptorFeatures().set_output(transform="pandas").fit_transform(cohort.table)["her2_class"]
    agree(her2, raw["HER2_STATUS"].map(SIGN))
    gained = (raw["HER2_SNP6"] == "GAIN").to_numpy()
    assert her2[gained].value_counts().to_dict() == {"positive": 244, "negative": 194}
    assert cohort.to_dict()["columns"]["her2_status"] == "HER2_STATUS"
    assert "HER2_SNP6" in cohort.to_dict()["ignored_columns"]


@pytest.mark.realdata
def test_the_misspelt_positives_are_read_as_declared_and_told_once(plain, raw):
    agree(plain.table["er_status"], raw["ER_IHC"].map({"Positve": "positive", "Negative": "negative"}))
    about = [(p.severity, p.row, p.remedy) for p in plain.problems if p.column == "er_status"]
    assert len(about) == 1
    assert about[0][:2] == (Severity.NOTICE, None)
    assert "'Positve' in 1817 rows is read as positive" in about[0][2]


@pytest.mark.realdata
def test_an_undeclared_misspelling_is_asked_about_and_not_taken(folder):
    by_map = make_config(
        CohortMap, parse_yaml("columns: {patient_id: PATIENT_ID, er_status: ER_IHC}", source="m")
    )
    read = read_cohort(folder / "data_clinical_patient.txt", map=by_map)
    assert not read.has("er_status")
    assert read.unusable["er_status"][0].value == "Positve 1817"
    assert "did you mean 'positive'?" in read.unusable["er_status"][0].remedy


@pytest.mark.realdata
def test_er_by_ihc_and_er_of_the_sample_file_are_two_measurements(cohort, plain):
    one, two = plain.table["er_status"], cohort.table["er_status"]
    both = one.notna() & two.notna()
    assert (int(both.sum()), int((one != two)[both].sum())) == (1937, 128)
    assert "disagrees with ER_STATUS" in " ".join(cohort.notes)


@pytest.mark.realdata
def test_causes_of_death_are_those_of_the_vital_status(plain, raw):
    os = plain.endpoints["os"]
    dead = (raw["OS_STATUS"] == "1:DECEASED").to_numpy()
    named = {"Died of Disease": "breast_cancer", "Died of Other Causes": "other"}
    agree(os.cause, raw["VITAL_STATUS"].map(named).where(dead))
    assert os.cause_counts == {"breast_cancer": 646, "other": 497}
    assert os.n_events_without_cause == 1
    at = int(np.flatnonzero(dead & (raw["VITAL_STATUS"] == "").to_numpy())[0])
    assert [(p.row, p.code) for p in plain.problems if p.column == "os_cause"] == [
        (int(plain.row_numbers[at]), "missing_cause")
    ]


@pytest.mark.realdata
def test_check_proposes_no_column_of_her2_for_the_copy_number(folder):
    read = read_cohort(folder / "data_clinical_patient.txt")
    checked = check_cohort(read)
    assert "HER2_SNP6" in checked.unused
    assert "HER2_SNP6" not in checked.suggestions.values()
    assert "HER2_SNP6" not in draft_map(read, checked)
    assert "er_status" in checked.suggestions


SNP6 = [
    ["patient_id", "age_years", "HER2_SNP6"],
    ["A", "50", "GAIN"],
    ["B", "60", "NEUTRAL"],
    ["C", "70", "LOSS"],
    ["D", "70", "UNDEF"],
]


@pytest.mark.parametrize("header", ["HER2_SNP6", "her2_snp6", "HER2 SNP6"])
@pytest.mark.parametrize("wanted", ["her2_status", "her2_ihc", "her2_copies", "her2_ish_ratio"])
def test_a_copy_number_by_array_is_no_near_miss_of_any_her2_result(write_csv, header, wanted):
    cohort = read_cohort(write_csv([[*SNP6[0][:2], header], *SNP6[1:]]))
    assert list(cohort.bindings.columns) == ["patient_id", "age_years"]
    with pytest.raises(CohortError) as caught:
        cohort.require([(wanted,)], outcome="Nothing was scored.")
    assert f"{wanted}" in str(caught.value)
    assert header not in str(caught.value)


def test_er_by_ihc_is_no_near_miss_of_her2_by_ihc(write_csv):
    cohort = read_cohort(write_csv([[*SNP6[0][:2], "ER_IHC"], *SNP6[1:]]))
    with pytest.raises(CohortError, match="her2_ihc") as caught:
        cohort.require([("her2_ihc",)], outcome="Nothing was scored.")
    assert "ER_IHC" not in str(caught.value)
    with pytest.raises(CohortError, match="found ER_IHC"):
        cohort.require([("er_status",)], outcome="Nothing was scored.")


def test_a_misspelt_her2_status_is_still_a_near_miss(write_csv):
    cohort = read_cohort(write_csv([[*SNP6[0][:2], "her2_statu"], *SNP6[1:]]))
    with pytest.raises(CohortError, match="found her2_statu"):
        cohort.require([("her2_status",)], outcome="Nothing was scored.")


def test_the_words_of_a_copy_number_are_no_codes_of_her2_status(write_csv):
    by_map = make_config(CohortMap, parse_yaml("columns: {her2_status: HER2_SNP6}", source="map.yaml"))
    cohort = read_cohort(write_csv(SNP6), map=by_map)
    assert not cohort.has("her2_status")
    assert "most values are not codes of her2_status" in cohort.unusable["her2_status"][0].remedy
    assert "did you mean" not in cohort.unusable["her2_status"][0].remedy
