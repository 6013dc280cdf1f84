"""A stratum's expected direction is the registry's, with its sources and its doubts.

Truth: worked by hand from the entries of `evidence.csv`; invariants over every stratum of a grid.
"""

import dataclasses
import itertools
import json
import warnings

import pytest

from igfstrat.errors import EvidenceError
from igfstrat.evidence import BIOMARKERS, COMPARTMENTS, find_evidence, load_evidence
from igfstrat.features import REGISTRY
from igfstrat.features import stratum_evidence as module
from igfstrat.features.driver import DRIVER_SPECS
from igfstrat.features.evidence_text import LIMIT, evidence_text, short_source
from igfstrat.features.exposure import EXPOSURE_SPECS
from igfstrat.features.germline import GERMLINE_SPECS
from igfstrat.features.histology import HISTOLOGY_SPECS
from igfstrat.features.igf1r import COMPARTMENT_OF_MEASURE
from igfstrat.features.interaction import PARTS
from igfstrat.features.metastasis import METASTASIS_SPECS
from igfstrat.features.stratum_evidence import MARKERS, OUTCOMES, expected_direction
from igfstrat.features.subgroups import _IMPLIED, NARROWER, SUBGROUPS, TEXT_ONLY, facts_of, relation_of
from igfstrat.schema import COLUMNS, EXPOSURES

HIGH = {"igf1r_status": "high"}
SERUM = {"igf1_status": "high"}
SQUAMOUS = {"histology_class": "squamous", **HIGH}
EGFR = {"driver_class": "egfr_sensitizing", **HIGH}
HER2_ENRICHED = {"subtype": "her2_enriched", **HIGH}
LUMINAL_B = {"subtype": "luminal_b", **HIGH}


def about_outcome():
    named = {name for names in OUTCOMES.values() for name in names}
    return [
        e for e in load_evidence().values()
        if e.endpoint in named and e.compartment not in {"drug", "clinical", "preclinical"}
        and e.direction != "not_applicable" and e.status != "retracted"
    ]  # fmt: skip


def verdicts_of(where, disease, **more):
    (marker,) = expected_direction(where, disease=disease, **more).markers
    return {v.endpoint: v for v in marker.verdicts}


def ids(entries):
    return {e.id for e in entries}


# ---- subgroups


def test_every_subgroup_of_a_marker_and_outcome_is_a_condition_or_known_to_be_none():
    # igf_axis over all cancers is S0-02; its subgroup is `all`
    assert {e.subgroup for e in about_outcome()} <= set(SUBGROUPS) | TEXT_ONLY | NARROWER


def test_no_subgroup_is_read_in_two_ways_and_none_is_idle():
    lists = (set(SUBGROUPS), TEXT_ONLY, NARROWER)
    assert all(not (a & b) for a, b in itertools.combinations(lists, 2))
    assert set().union(*lists) <= {e.subgroup for e in load_evidence().values()}


def words_of(feature):
    """Every word that a feature can have; None for the facts that are no features."""
    exposures = {drug: EXPOSURE_SPECS[f"{drug}_exposure"].words for drug in EXPOSURES}
    specs = {**HISTOLOGY_SPECS, **DRIVER_SPECS, **METASTASIS_SPECS}
    receptors = dict.fromkeys(
        ("er_class", "pr_class", "her2_class"), ("positive", "low_positive", "negative")
    )
    known = exposures | receptors | {name: spec.words for name, spec in specs.items()}
    return known.get(feature) or (tuple(COLUMNS[feature].codes) if feature in COLUMNS else None)


def test_conditions_ask_for_words_that_the_features_have():
    asked = [item for conditions in (*SUBGROUPS.values(), *_IMPLIED.values()) for item in conditions.items()]
    asked += [(feature, (word,)) for feature, word in _IMPLIED]
    assert {fact for fact, _ in asked if words_of(fact) is None} == {"hr", "metastatic"}
    for fact, words in asked:
        assert set(words) <= set(words_of(fact) or words), fact


@pytest.mark.parametrize(
    ("where", "fact", "words"),
    [
        ({"subtype": "luminal_b"}, "hr", {"positive"}),
        ({"subtype": ["luminal_b", "luminal_her2"]}, "her2_class", {"negative", "positive"}),
        ({"subtype": ["luminal_b", "her2_enriched"]}, "hr", {"positive", "negative"}),
        ({"subtype": "her2_enriched"}, "her2_class", {"positive"}),
        ({"er_class": "low_positive"}, "hr", {"positive"}),
        ({"driver_class": "egfr_t790m"}, "egfr_mutated", {"yes"}),
        ({"driver_class": "kras"}, "egfr_mutated", {"no"}),
        ({"driver_class": ["egfr_other", "kras"]}, "egfr_mutated", {"yes", "no"}),
        ({"driver_class": "egfr_other", "histology_class": "squamous"}, "histology_class", {"squamous"}),
        ({"endocrine_therapy_exposure": "yes"}, "endocrine_therapy", {"yes"}),
        ({"egfr_tki_at_baseline": "no"}, "egfr_tki", {"no"}),
        ({"metastatic_pattern": ["bone_only", "visceral"]}, "metastatic", {"yes"}),
        ({"er_by_igf1r": ["positive & high", "positive & low"]}, "igf1r_status", {"high", "low"}),
    ],
)
def test_what_a_condition_implies(where, fact, words):
    assert facts_of(where)[fact] == words


@pytest.mark.parametrize(
    ("where", "fact"),
    [({"subtype": "basal_like"}, "her2_class"), ({"subtype": ["luminal_a", "basal_like"]}, "hr"), ({"er_class": "negative"}, "hr"),
     ({"driver_class": "several"}, "egfr_mutated"), ({"egfr_mutated": "no"}, "histology_class"), ({"bone_metastasis": "no"}, "metastatic")],
)  # fmt: skip
def test_what_a_condition_leaves_open(where, fact):
    assert fact not in facts_of(where)


def test_a_crossed_feature_names_the_parts_that_its_own_module_names():
    assert facts_of({"er_by_igf1r": "negative & low"}) == facts_of(dict(zip(PARTS["er_by_igf1r"], ("negative", "low"), strict=True)))  # fmt: skip


@pytest.mark.parametrize(
    ("subgroup", "where", "relation"),
    [
        ("luminal B", {"subtype": "luminal_b"}, "specific"),
        ("luminal B", {"subtype": ["luminal_b", "luminal_her2"]}, "part"),
        ("luminal B", {"subtype": "luminal_a"}, "excluded"),
        ("luminal B", {}, "part"),
        ("HR+ HER2-", {"subtype": "luminal_her2"}, "excluded"),
        ("HR+", {"subtype": ["luminal_a", "luminal_her2"]}, "specific"),
        ("postmenopausal, tamoxifen", {"menopausal_status": "postmenopausal"}, "part"),
        ("EGFR-mutant adenocarcinoma, resected", {"egfr_mutated": "yes"}, "specific"),
        (
            "EGFR-mutant adenocarcinoma, resected",
            {"egfr_mutated": "yes", "histology_class": "squamous"},
            "excluded",
        ),
        ("resected", {"histology_class": "squamous"}, "general"),
        ("array subtype of good prognosis", {}, "part"),
        ("all", {"bone_only": "yes"}, "elsewhere"),
        ("HR+", {"er_class": "positive", "non_visceral": "yes"}, "elsewhere"),
        ("a subgroup that nobody has read yet", {}, "part"),
    ],
)
def test_how_a_subgroup_and_a_stratum_lie_to_each_other(subgroup, where, relation):
    assert relation_of(subgroup, facts_of(where)) == relation


# ---- verdicts


def test_serum_igf1_and_breast_mortality_conflict():
    found = verdicts_of(SERUM, "breast", endpoints=["os"])
    assert found["OS"].verdict == "conflicting"
    assert {"E-d-10", "E-d-12", "S1-10"} == ids(found["OS"].entries)


def test_igf1r_in_her2_enriched_is_adverse_in_one_series_and_null_in_n9831():
    found = verdicts_of(HER2_ENRICHED, "breast")
    assert {"DFS", "outcome"} == {name for name, v in found.items() if v.verdict == "conflicting"}
    assert "S1-59" in ids(found["outcome"].entries)
    assert "E-b-09b" in ids(found["DFS"].entries)
    assert found["DFS"].disputed_by == ("S1-59",)


def test_igf1r_is_favourable_in_luminal_b_whatever_it_is_over_all_patients():
    found = verdicts_of(LUMINAL_B, "breast")
    assert {name: found[name].verdict for name in ("DFS", "outcome")} == dict.fromkeys(("DFS", "outcome"), "favourable")  # fmt: skip
    assert ids(found["outcome"].entries) == {"S1-58", "S1-60"}
    assert ids(found["DFS"].entries) == {"E-d-32"}
    assert (found["DFS"].basis, found["DFS"].overall) == ("subgroup", "conflicting")


def test_igf1r_points_opposite_ways_in_squamous_and_in_egfr_mutant_lung_cancer():
    squamous, mutant = (verdicts_of(where, "nsclc")["PFS"] for where in (SQUAMOUS, EGFR))
    assert (squamous.verdict, [e.estimate for e in squamous.entries]) == ("favourable", [0.586])
    assert (mutant.verdict, [e.estimate for e in mutant.entries]) == ("adverse", [2.582])


def test_the_two_together_are_told_for_neither():
    found = verdicts_of({"histology_class": ["squamous", "adenocarcinoma"], **HIGH}, "nsclc")["PFS"]
    assert found.verdict == "no evidence"
    assert {"E-b-12a", "E-b-12b"} <= ids(found.beside)


@pytest.mark.parametrize(
    ("where", "disease"),
    [(SERUM, "bone_metastasis"), ({**SERUM, "bone_metastasis": "yes"}, "breast"), ({**HIGH, "bone_only": "yes"}, "breast"),
     ({**SERUM, "non_visceral": "yes"}, "breast"), ({**LUMINAL_B, "metastatic_pattern": "bone_and_other"}, "breast"), (HIGH, "prostate"), (HIGH, "melanoma")],
)  # fmt: skip
def test_no_outcome_is_known_by_place_of_metastasis_nor_in_diseases_without_a_study(where, disease):
    (marker,) = expected_direction(where, disease=disease).markers
    assert {v.verdict for v in marker.verdicts} <= {"no evidence"}
    assert "no evidence on outcome" in evidence_text(expected_direction(where, disease=disease))


def test_bone_has_preclinical_evidence_alone():
    (marker,) = expected_direction({**SERUM, "bone_metastasis": "yes"}, disease="breast").markers
    assert set(marker.preclinical) == {"S0-04", "S1-34"}
    assert verdicts_of({**SERUM, "bone_metastasis": "no"}, "breast")["OS"].verdict == "conflicting"


def test_risk_of_disease_is_no_outcome():
    for where in (SERUM, {"igfbp3_status": "high"}, {"igf1_ca_repeat": "19/19"}):
        (marker,) = expected_direction(where, disease="breast").markers
        used = [e for v in marker.verdicts for e in (*v.entries, *v.beside)]
        assert used
        assert not {e.endpoint for e in used} & {"incidence", "mammographic density", "early-onset incidence"}


def test_a_treatment_that_modifies_counts_only_where_the_stratum_has_it():
    with_it = verdicts_of({**SERUM, "checkpoint_inhibitor_exposure": "yes"}, "nsclc")["response"]
    assert (with_it.verdict, ids(with_it.entries)) == ("adverse", {"S3-05"})
    without = verdicts_of(SERUM, "nsclc")["response"]
    assert (without.verdict, ids(without.beside)) == ("no evidence", {"S3-05"})
    assert "response" not in verdicts_of({**SERUM, "checkpoint_inhibitor_exposure": "no"}, "nsclc")


def test_mrna_and_protein_are_looked_up_apart():
    protein, mrna = (
        verdicts_of(HIGH, "breast", compartments={"igf1r_status": COMPARTMENT_OF_MEASURE[measure]})
        for measure in ("igf1r_h_score", "igf1r_mrna")
    )
    assert protein["outcome"].verdict == "favourable"
    assert mrna["outcome"].verdict == "conflicting"
    assert "S1-56" in ids(mrna["outcome"].entries)
    assert mrna.keys() == verdicts_of({"igf1r_mrna_status": "high"}, "breast").keys()


def test_a_general_entry_decides_where_no_subgroup_does_and_is_said_to():
    found = verdicts_of(HER2_ENRICHED, "breast")["OS"]
    assert (found.verdict, found.basis, found.overall) == ("favourable", "all patients", "")
    assert ids(found.entries) == {"E-d-29", "E-d-31b"}


def entry(**change):
    return dataclasses.replace(load_evidence()["E-d-32"], **change)


def found_among(monkeypatch, *entries):
    monkeypatch.setattr(module, "find_evidence", lambda **_: entries)
    return verdicts_of(LUMINAL_B, "breast")["DFS"]


def test_an_unverified_entry_has_no_vote(monkeypatch):
    doubt = entry(id="E-t-02", direction="adverse", status="unverified")
    found = found_among(monkeypatch, entry(), doubt)
    assert (found.verdict, found.entries, found.beside) == ("favourable", (entry(),), (doubt,))
    assert found_among(monkeypatch, doubt).verdict == "no evidence"


def test_null_beside_favourable_is_conflicting(monkeypatch):
    assert found_among(monkeypatch, entry(), entry(id="E-t-02", direction="null")).verdict == "conflicting"


def test_an_entry_that_is_disputed_without_a_name_stays_disputed(monkeypatch):
    lone = entry(id="E-t-02", status="conflicting", note="")
    assert found_among(monkeypatch, lone).verdict == "conflicting"


def test_retracted_entries_are_never_met():
    retracted = {e.id for e in load_evidence().values() if e.status == "retracted"}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = expected_direction({"free_igf1_status": "high", **HIGH}, disease="nsclc")
    used = {e.id for m in found.markers for v in m.verdicts for e in (*v.entries, *v.beside)}
    assert not used & retracted
    assert not {key for m in found.markers for v in m.verdicts for key in v.disputed_by} & retracted


def test_endpoints_choose_the_questions_and_outcome_is_always_one():
    assert set(verdicts_of(LUMINAL_B, "breast", endpoints=["rfs"])) == {"DFS", "outcome"}
    assert set(verdicts_of(SQUAMOUS, "nsclc", endpoints=["pfi", "tte"])) == {"PFS"}


def test_what_is_no_outcome_and_no_compartment_is_refused():
    with pytest.raises(EvidenceError, match="'incidence' is no endpoint about outcome"):
        expected_direction(SERUM, disease="breast", endpoints=["incidence"])
    with pytest.raises(EvidenceError, match="'blood' is none of serum"):
        expected_direction(SERUM, disease="breast", compartments={"igf1_status": "blood"})


def test_markers_are_words_of_the_registry_and_features_that_exist():
    in_igf_axis_only = {"igfbp1", "igfbp6", "insr"}  # nothing is reported on these
    for feature, marker in MARKERS.items():
        assert marker.biomarker in {*BIOMARKERS, *in_igf_axis_only}, feature
        assert marker.compartment in COMPARTMENTS
    assert {name for name in REGISTRY if name.startswith("igf") and name.endswith("_status")} <= set(MARKERS)
    assert {name for name in GERMLINE_SPECS if name.endswith("_genotype")} <= set(MARKERS)


@pytest.mark.parametrize(
    ("feature", "level"), [("igf1_ca_repeat", "non-19/non-19"), ("rs2016347_genotype", "G/G"), ("rs2946834_genotype", "rare allele")]
)  # fmt: skip
def test_the_direction_of_a_genotype_is_that_of_the_one_its_sources_name(feature, level):
    marker = MARKERS[feature]
    assert level in marker.level
    entries = [e for e in about_outcome() if e.biomarker == marker.biomarker]
    assert entries
    assert all(level in e.subgroup or level in e.note for e in entries)


# ---- text and records


def test_a_low_stratum_shows_the_direction_of_the_high_level_and_says_so():
    low = {**LUMINAL_B, "igf1r_status": "low"}
    high_text, low_text = (evidence_text(expected_direction(w, disease="breast")) for w in (LUMINAL_B, low))
    assert low_text.startswith(
        "IGF-1R protein, low; high IGF-1R protein: favourable for DFS (E-d-32 Yan 2015 [HR+];"
    )
    assert low_text.split(": ", 1)[1] == high_text.split(": ", 1)[1]
    assert [v.verdict for v in verdicts_of(low, "breast").values()] == [
        v.verdict for v in verdicts_of(LUMINAL_B, "breast").values()
    ]


def test_a_genotype_that_no_source_speaks_of_shows_the_one_they_do():
    text = evidence_text(expected_direction({"igf1_ca_repeat": "19/19"}, disease="breast", endpoints=["os"]))
    assert text == "IGF1 CA repeat, 19/19; non-19/non-19: favourable for OS (S1-24b Christopoulos 2015 [non-19/non-19; non-metastatic])"  # fmt: skip


@pytest.mark.parametrize(
    ("where", "disease", "text"),
    [
        ({"subtype": "luminal_a"}, "breast", "no IGF marker in this stratum"),
        (HIGH, None, "no disease stated, so no evidence was looked up"),
        (HIGH, "prostate", "IGF-1R protein, high: no evidence on outcome"),
        (HIGH, "sclc", "IGF-1R protein, high: null for OS (E-d-27 Xu 2019)"),
        (SERUM, "bone_metastasis", "serum IGF-1, high: no evidence on outcome; preclinical: S0-04, S1-34"),
    ],
)
def test_the_line_of_a_stratum(where, disease, text):
    assert evidence_text(expected_direction(where, disease=disease)) == text


@pytest.mark.parametrize(
    ("source", "short"),
    [
        ("ADVIGO 1016, Langer 2014, J Clin Oncol, PMID 24888810", "Langer 2014"),
        ("Hum Pathol 2004;35:1537, PMID 15619214", "Hum Pathol 2004"),
        ("Hensch et al. (Christopoulos 2015, ref 62)", "Hensch et al."),
        ("IGFBP-4 and IGFBP-5 mRNA in breast cancer, PMID 17675285", "PMID 17675285"),
        ("A title with more than forty characters in all, Lung Cancer 2006", "Lung Cancer 2006"),
        ("A title of more than forty characters without anything after it", "A title of more than forty characters w…"),
    ],
)  # fmt: skip
def test_a_source_is_told_by_a_short_name(source, short):
    assert short_source(source) == short


GRID = [
    {**subtype, marker: level, **more}
    for subtype in ({}, {"subtype": "luminal_b"}, {"subtype": "her2_enriched"}, {"er_class": "negative"}, {"histology_class": "adenocarcinoma"},
                    {"driver_class": "egfr_sensitizing", "egfr_tki_exposure": "yes"})
    for marker in MARKERS
    for level in ("high", "low")
    for more in ({}, {"menopausal_status": "postmenopausal", "endocrine_therapy_exposure": "yes"}, {"igfbp3_status": "high", "igf1_mrna_status": "low"})
]  # fmt: skip


@pytest.mark.parametrize("disease", ["breast", "nsclc", "bone_metastasis"])
def test_every_line_is_short_plain_and_backed_by_its_records(disease):
    assert LIMIT < 500
    for where in GRID:
        found = expected_direction(where, disease=disease)
        text = evidence_text(found)
        assert 0 < len(text) <= LIMIT
        assert text[0] not in "=+-@"
        assert "\n" not in text
        assert not text.endswith("…"), where
        records = json.loads(json.dumps(found.records()))
        for record in records:
            assert (record["verdict"] == "no evidence") == (not record["entries"])
            if record["verdict"] not in {"conflicting", "no evidence"}:
                assert {e["direction"] for e in record["entries"]} == {record["verdict"]}
            for told in (*record["entries"], *record["beside"]):
                assert told["biomarker"] == record["biomarker"]
                assert told == dataclasses.asdict(load_evidence()[told["id"]])


def test_every_short_name_of_a_source_is_short():
    assert all(0 < len(short_source(e.source)) <= 40 for e in find_evidence())
