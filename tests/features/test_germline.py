"""CA repeat and single-nucleotide variants. Worked by hand from the contrasts that the sources name; invariants."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from igfstrat.errors import CohortError, ConfigError, DomainError
from igfstrat.evidence import load_evidence
from igfstrat.features.germline import (
    GERMLINE_SPECS,
    VARIANTS,
    GermlineFeatures,
    GermlineSettings,
    ca_repeat_genotype,
    code_genotypes,
    orient_genotypes,
    parse_genotypes,
)

NAN = float("nan")


def features_of(values, name="rs2016347", **parameters):
    return GermlineFeatures(**parameters).fit_transform(pd.DataFrame({name: pd.Series(values, dtype=object)}))


def flags_of(table, **parameters):
    transformer = GermlineFeatures(**parameters).fit(table)
    return [(i, flag.code, flag.column) for flag in transformer.flag_rows(table) for i in flag.rows]


@pytest.mark.parametrize(
    ("one", "two", "genotype", "length"),
    [(19, 19, "19/19", 38), (19, 20, "19/non-19", 39), (18, 19, "19/non-19", 37), (18, 20, "non-19/non-19", 38),
     (21, 21, "non-19/non-19", 42), (19, NAN, None, NAN), (NAN, 20, None, NAN), (NAN, NAN, None, NAN)],
)  # fmt: skip
def test_the_ca_repeat_is_named_by_its_alleles_of_19(one, two, genotype, length):
    found, total = ca_repeat_genotype([one], [two])
    assert found.tolist() == [genotype]
    np.testing.assert_array_equal(total, [length])


@given(st.integers(10, 24), st.integers(10, 24))
def test_the_order_of_ca_alleles_does_not_matter(one, two):
    first, second = ca_repeat_genotype([one], [two]), ca_repeat_genotype([two], [one])
    assert [part.tolist() for part in first] == [part.tolist() for part in second]
    assert first[0][0].split("/").count("19") == [one, two].count(19)


@pytest.mark.parametrize("wrong", [19.5, 0, -1])
def test_a_fraction_of_a_ca_repeat_is_refused_by_the_function_and_flagged_by_the_transformer(wrong):
    with pytest.raises(DomainError, match="whole number"):
        ca_repeat_genotype([wrong], [19])
    table = pd.DataFrame({"ca_repeat_1": [wrong, 19.0, NAN], "ca_repeat_2": [19.0, 19.0, 19.0]})
    found = GermlineFeatures().fit_transform(table)
    assert found["igf1_ca_repeat"].tolist() == [None, "19/19", None]
    assert flags_of(table) == [(0, "invalid_genotype", "ca_repeat_1")]


@pytest.mark.parametrize(
    "text", ["G/T", "T/G", "GT", "tg", "T|G", "g|t", " G / T ", "G:T", "G T", "T-G", "G,T"]
)
def test_a_genotype_is_read_whatever_its_order_case_and_separator(text):
    genotypes, unreadable = parse_genotypes([text])
    assert genotypes.tolist() == ["G/T"]
    assert not unreadable.any()


@pytest.mark.parametrize("text", [None, NAN, "", "./.", ".|.", "--", "NA", "n/a", "NN"])
def test_no_call_is_missing_and_not_flagged(text):
    genotypes, unreadable = parse_genotypes([text, "G/G"])
    assert genotypes.tolist() == [None, "G/G"]
    assert not unreadable.any()


@pytest.mark.parametrize("text", ["G", "0/0", "0/1", "G/T/T", "G/U", "del", "GTG", "G>T", "1"])
def test_what_is_no_genotype_is_refused_and_flagged(text):
    genotypes, unreadable = parse_genotypes([text])
    assert genotypes.tolist() == [None]
    assert unreadable.all()
    table = pd.DataFrame({"rs2016347": ["G/G", text]})
    assert flags_of(table) == [(1, "invalid_genotype", "rs2016347")]


@given(
    st.sampled_from("ACGT"), st.sampled_from("ACGT"), st.sampled_from(["/", "|", "", " ", ":"]), st.booleans()
)
def test_allele_order_and_case_never_change_a_genotype(one, two, separator, lower):
    texts = [one + separator + two, two + separator + one]
    genotypes, _ = parse_genotypes([t.lower() if lower else t for t in texts])
    assert genotypes[0] == genotypes[1] == "/".join(sorted(one + two))


@pytest.mark.parametrize(
    ("coding", "effect_allele", "expected"),
    [("additive", "G", [2, 1, 0, NAN]), ("dominant", "G", [1, 1, 0, NAN]), ("recessive", "G", [1, 0, 0, NAN]),
     ("additive", "T", [0, 1, 2, NAN]), ("dominant", "T", [0, 1, 1, NAN]), ("recessive", "T", [0, 0, 1, NAN])],
)  # fmt: skip
def test_a_coding_counts_the_effect_allele(coding, effect_allele, expected):
    found = code_genotypes(["G/G", "G/T", "T/T", None], effect_allele, coding)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    ("effect_allele", "coding"), [("N", "additive"), ("GT", "additive"), ("G", "overdominant")]
)
def test_an_impossible_coding_is_refused(effect_allele, coding):
    with pytest.raises(DomainError, match="an effect allele is"):
        code_genotypes(["G/G"], effect_allele, coding)


def test_rs2016347_sets_g_g_against_g_t_and_t_t():
    found = features_of(["G/G", "G/T", "TT", "T|G", None])
    np.testing.assert_array_equal(found["rs2016347_coded"], [1, 0, 0, 0, NAN])
    # as in the source (S1-65): the carriers of T are the other side
    t_carrier = code_genotypes(["G/G", "G/T", "T/T"], "T", "dominant")
    np.testing.assert_array_equal(1 - t_carrier, found["rs2016347_coded"][:3])


def test_rs2854744_counts_the_c_of_a_minus_202_c():
    found = features_of(["A/A", "C/A", "CC"], "rs2854744")
    assert found["rs2854744_genotype"].tolist() == ["A/A", "A/C", "C/C"]
    assert found["rs2854744_coded"].tolist() == [0, 1, 2]


def test_the_other_strand_is_taken_where_the_alleles_fit_only_there_and_it_is_said():
    table = pd.DataFrame({"rs2016347": ["C/C", "A/C", "A/A", None]})
    transformer = GermlineFeatures().fit(table)
    found = transformer.transform(table)
    assert found["rs2016347_genotype"].tolist() == ["G/G", "G/T", "T/T", None]
    np.testing.assert_array_equal(found["rs2016347_coded"], [1, 0, 0, NAN])
    assert "opposite strand" in transformer.describe()["rs2016347_genotype"]
    assert flags_of(table) == []


def test_a_genotype_on_the_strand_of_the_few_is_refused_not_turned():
    table = pd.DataFrame({"rs2016347": ["G/G", "G/T", "C/C", "G/A"]})
    assert features_of(table["rs2016347"])["rs2016347_genotype"].tolist() == ["G/G", "G/T", None, None]
    assert flags_of(table) == [(i, "invalid_genotype", "rs2016347") for i in (2, 3)]


def test_the_strand_is_learned_from_the_training_fold_alone():
    transformer = GermlineFeatures().fit(pd.DataFrame({"rs2016347": ["G/G", "G/T"]}))
    other = pd.DataFrame({"rs2016347": ["C/C", "A/C", "A/A"]})
    assert transformer.transform(other)["rs2016347_genotype"].tolist() == [None, None, None]
    assert [flag.rows.tolist() for flag in transformer.flag_rows(other)] == [[0, 1, 2]]


def test_a_declared_strand_is_followed():
    found = features_of(["G/G", "A/C"], strand={"rs2016347": "opposite"})
    assert found["rs2016347_genotype"].tolist() == [None, "G/T"]


@pytest.mark.parametrize("alleles", ["A/T", "T/A", "C/G", "GC"])
def test_a_variant_that_reads_the_same_on_both_strands_is_refused_until_the_strand_is_declared(alleles):
    with pytest.raises(ConfigError, match="declare the strand"):
        features_of(["A/T"], "rs703556", alleles={"rs703556": alleles})


def test_a_declared_strand_turns_a_and_t():
    declared = {"alleles": {"rs703556": "A/T"}, "effect_alleles": {"rs703556": "A"}}
    same = features_of(["AA", "AT", "TT"], "rs703556", **declared, strand={"rs703556": "same"})
    opposite = features_of(["AA", "AT", "TT"], "rs703556", **declared, strand={"rs703556": "opposite"})
    assert same["rs703556_coded"].tolist() == [2, 1, 0]
    assert opposite["rs703556_coded"].tolist() == [0, 1, 2]


@given(st.lists(st.sampled_from(["G/G", "G/T", "T/T", "A/C", "A/T", None]), max_size=8))
def test_turning_there_and_back_gives_what_fits(genotypes):
    oriented, misfit = orient_genotypes(np.array(genotypes, dtype=object), "G/T", "same")
    back, _ = orient_genotypes(oriented, "C/A", "opposite")
    turned = {"G/G": "C/C", "G/T": "A/C", "T/T": "A/A", None: None}
    assert back.tolist() == [turned[genotype] for genotype in oriented]
    assert [g is not None and o is None for g, o in zip(genotypes, oriented, strict=True)] == misfit.tolist()


def test_alleles_that_no_source_names_are_not_invented():
    unnamed = [name for name, variant in VARIANTS.items() if not variant.alleles]
    assert unnamed == ["rs2946834", "rs7965399", "rs28674628", "rs703556"]
    for name in unnamed:
        table = pd.DataFrame({name: ["a/g", "GG"]})
        transformer = GermlineFeatures().fit(table)
        assert transformer.transform(table).to_dict("list") == {f"{name}_genotype": ["A/G", "G/G"]}
        assert "as written" in transformer.describe()[f"{name}_genotype"]


def test_declared_alleles_are_coded_as_the_source_contrasted_them():
    declared = {"alleles": {"rs7965399": "t/c"}, "effect_alleles": {"rs7965399": "c"}}
    found = features_of(["T/T", "T/C", "C/C", "G/G"], "rs7965399", **declared)
    np.testing.assert_array_equal(found["rs7965399_coded"], [0, 0, 1, NAN])  # recessive, S1-20
    dominant = features_of(["T/T", "T/C", "C/C"], "rs7965399", **declared, coding={"rs7965399": "dominant"})
    assert dominant["rs7965399_coded"].tolist() == [0, 1, 1]


@pytest.mark.parametrize(
    ("parameters", "words"),
    [({"alleles": {"rs1": "A/G"}}, "'rs1' is none of rs2016347"), ({"alleles": {"rs703556": "A"}}, "not two different bases"),
     ({"alleles": {"rs703556": "A/A"}}, "not two different bases"), ({"effect_alleles": {"rs703556": "A"}}, "give them"),
     ({"effect_alleles": {"rs2016347": "A"}}, "effect allele A is none of its alleles"),
     ({"effect_alleles": {"rs2016347": "GT"}}, "effect allele GT is none of its alleles"),
     ({"coding": {"rs2016347": "overdominant"}}, "additive"), ({"strand": {"rs2016347": "plus"}}, "same")],
)  # fmt: skip
def test_impossible_declarations_are_our_own_error(parameters, words):
    with pytest.raises(ConfigError, match=words):
        features_of(["G/G"], **parameters)


@pytest.fixture
def genotyped_patients(make_patients):
    table = make_patients()
    rng = np.random.default_rng(4)
    table["ca_repeat_1"], table["ca_repeat_2"] = rng.choice([18.0, 19.0, 20.0, NAN], (2, len(table)))
    for name, variant in VARIANTS.items():
        one, two = (variant.alleles or "A/G").split("/")
        table[name] = rng.choice([one + one, f"{one}/{two}", f"{two}|{one}", two + two, None], len(table))
    return table


@pytest.mark.parametrize(
    "transformer",
    [GermlineFeatures(), GermlineFeatures({"rs703556": "A/G"}, {"rs703556": "G"}, {"rs703556": "dominant"}, {"rs703556": "same"})],
    ids=repr,
)  # fmt: skip
def test_the_germline_features_keep_the_contract(check_feature_transformer, genotyped_patients, transformer):
    check_feature_transformer(transformer, genotyped_patients)


def test_the_specs_are_what_is_computed_without_parameters(genotyped_patients):
    found = GermlineFeatures().fit_transform(genotyped_patients)
    assert set(found) == {
        n for n in GERMLINE_SPECS if not n.endswith("_coded") or n in GermlineSettings().coded
    }
    for name, spec in GERMLINE_SPECS.items():
        assert set(spec.evidence) <= set(load_evidence())
        if spec.unit != "code" and name in found:
            assert found[name].dropna().between(*spec.bounds).all()


def test_a_missing_genotype_is_missing_in_each_of_its_features(genotyped_patients):
    found = GermlineFeatures().fit_transform(genotyped_patients)
    for name in VARIANTS:
        absent = genotyped_patients[name].isna()
        assert absent.any()
        for column in [c for c in found if c.startswith(name)]:
            assert (found[column].isna() == absent).all()


def test_a_table_without_genotypes_is_refused_by_name(make_patients):
    with pytest.raises(CohortError, match="column missing"):
        GermlineFeatures().fit(make_patients()[["patient_id", "age_years"]])
    # one allele of the repeat is not enough
    with pytest.raises(CohortError, match="ca_repeat_1 and ca_repeat_2"):
        GermlineFeatures().fit(pd.DataFrame({"ca_repeat_1": [19.0]}))
