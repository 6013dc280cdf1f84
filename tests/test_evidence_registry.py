"""The registry is whole, keeps to its vocabulary and says what its sources say.

Truth: the facts are read by hand in the four reviews of `docs/evidence.md`; the words in the ids are theirs.
"""

import csv
import re
import warnings
from collections import Counter
from importlib import resources
from pathlib import Path

import pytest

from igfstrat import evidence
from igfstrat.errors import EvidenceError, IgfstratWarning
from igfstrat.evidence import (
    BIOMARKERS,
    COMPARTMENTS,
    DIRECTIONS,
    DISEASES,
    ENDPOINTS,
    STATUSES,
    find_evidence,
    get_evidence,
    group_evidence,
    load_evidence,
)
from igfstrat.features.her2 import RATIO_HIGH
from igfstrat.features.receptors import _POSITIVE_FROM
from igfstrat.features.subtype import _MAISONNEUVE_LOW, SubtypeRule

DOCS = Path(__file__).parents[1] / "docs" / "evidence.md"
REVIEWED = [
    f"S{review}-{i:02d}" for review, last in ((0, 7), (1, 90), (2, 38), (3, 21)) for i in range(1, last + 1)
]
ADDED = [*(f"S1-{i}" for i in range(91, 97))]
SERIES = {"a": 23, "b": 24, "c": 3, "d": 45, "e": 18, "f": 14, "g": 7, "u": 3}


def test_all_156_reviewed_associations_are_there():
    assert len(REVIEWED) == 156
    assert set(REVIEWED) <= set(load_evidence())
    assert set(ADDED) <= set(load_evidence())


@pytest.mark.parametrize(("series", "last"), SERIES.items())
def test_the_outside_entries_are_there_without_a_gap(series, last):
    numbers = {int(m[1]) for key in load_evidence() if (m := re.match(rf"E-{series}-(\d+)", key))}
    # d-09 was never given
    assert numbers == set(range(1, last + 1)) - ({9} if series == "d" else set())


@pytest.mark.parametrize("entry", load_evidence().values(), ids=lambda e: e.id)
def test_every_row_keeps_to_the_vocabulary(entry):
    assert entry.disease in DISEASES
    assert entry.biomarker in BIOMARKERS
    assert entry.compartment in COMPARTMENTS
    assert entry.endpoint in ENDPOINTS
    assert entry.direction in DIRECTIONS
    assert entry.status in STATUSES
    assert entry.subgroup
    assert entry.source == entry.source.strip() != ""
    assert not re.search(r"https?:|www\.|[\r\n]", entry.source + entry.note)
    assert entry.n is None or entry.n > 0
    if entry.ci_lower is not None and entry.estimate is not None:
        assert entry.ci_lower <= entry.estimate <= entry.ci_upper


@pytest.mark.parametrize(
    "field", ["disease", "biomarker", "subgroup", "endpoint", "measure", "source", "note"]
)
def test_no_text_is_taken_for_a_formula_by_a_spreadsheet(field):
    assert not [e.id for e in load_evidence().values() if getattr(e, field)[:1] in set("=+-@")]


def test_no_word_of_the_vocabulary_is_idle():
    entries = load_evidence().values()
    for field, words in (("disease", DISEASES), ("biomarker", BIOMARKERS), ("endpoint", ENDPOINTS),
                         ("compartment", COMPARTMENTS), ("direction", DIRECTIONS), ("status", STATUSES)):  # fmt: skip
        assert {getattr(e, field) for e in entries} == set(words), field


def test_every_id_that_a_note_or_source_names_exists():
    for entry in load_evidence().values():
        for key in re.findall(r"\b(?:E-[a-u]-\d+[a-z]?|S\d-\d+[a-z]?)\b", f"{entry.note} {entry.source}"):
            assert key in load_evidence(), f"{entry.id} names {key}"
            assert key != entry.id


def test_a_contrast_named_in_a_note_is_a_dispute_on_both_sides():
    for entry in load_evidence().values():
        for names in re.findall(r"contrast ((?:E-|S\d)[^;.(]*)", entry.note):
            if entry.status == "conflicting":
                keys = re.findall(r"E-[a-u]-\d+[a-z]?|S\d-\d+[a-z]?", names)
                assert {load_evidence()[key].status for key in keys} == {"conflicting"}, entry.id


FACTS = [
    ("a clear association between circulating IGF-1 and BrCa risk in ER+ tumors", "S1-02", "breast igf1 serum ER+ incidence adverse"),
    ("no correlation in a cohort of Brazilian women", "S1-05", "breast igf1 serum Brazil incidence null"),
    ("recent studies did not corroborate mammographic density in premenopausal women", "S1-08", "breast igf1 serum premenopausal mammographic_density null"),
    ("high circulating IGF-1 correlated with bad prognosis under endocrine therapy", "S1-09", "breast igf1 serum on_endocrine_therapy outcome adverse"),
    ("high serum IGF-1 with increased all-cause mortality", "S1-10", "breast igf1 serum established_breast_cancer all-cause_mortality adverse"),
    ("CA 19 19 may confer a decreased risk in Caucasian", "S1-14", "breast igf1_ca_repeat germline 19/19;_Caucasian incidence favourable"),
    ("but not in Asian women", "S1-14b", "breast igf1_ca_repeat germline 19/19;_Asian incidence null"),
    ("CA19 with increased incidence in Asians", "S1-15", "breast igf1_ca_repeat germline CA19;_Asian incidence adverse"),
    ("decreased in those carrying two alleles shorter than 20", "S1-16b", "breast igf1_ca_repeat germline both_alleles_shorter_than_20;_Iran incidence favourable"),
    ("non-19 non-19 longer disease-free survival", "S1-24", "breast igf1_ca_repeat germline non-19/non-19;_non-metastatic dfs favourable"),
    ("HER2+ carrying rare rs2946834 decreased event-free survival", "S1-25", "breast rs2946834 germline HER2+ efs adverse"),
    ("increased IGF-1 mRNA with increased DFS in ER+", "S1-27", "breast igf1 tumour_mrna ER+ dfs favourable"),
    ("lack of correlation between circulating and tissue IGF-1", "S1-29", "breast igf1 serum all correlation_with_tumour_igf1 null"),
    ("IGFBP3 positive although non-statistically significant", "S1-37", "breast igfbp3 serum all incidence null"),
    ("tissue IGFBP2 positive with overall survival", "S1-42", "breast igfbp2 tumour_protein all os favourable"),
    ("IGFBP5 IGFBP4 ratio further increased prognostic power", "S1-43b", "breast igfbp5_igfbp4_ratio other tumour_tissue outcome adverse"),
    ("IGF-1R mRNA correlates with poor outcomes across subtypes", "S1-56", "breast igf1r tumour_mrna all outcome adverse"),
    ("IGF-1R favorable in luminal B", "S1-58", "breast igf1r tumour_protein luminal_B outcome favourable"),
    ("in contrast to HER2 enriched", "S1-59", "breast igf1r tumour_protein HER2-enriched outcome adverse"),
    ("IGF-1R better in HR positive HER2 negative", "S1-60", "breast igf1r tumour_protein HR+_HER2- outcome favourable"),
    ("luminal IGF-1R mRNA improved BCSS", "S1-61", "breast igf1r tumour_mrna luminal dss favourable"),
    ("breast tumors with BRCA1 mutations elevated IGF-1", "S1-76", "breast igf1 other BRCA1-mutant_tumours level not_applicable"),
    ("all patients experienced severe toxicities", "S1-87", "breast linsitinib drug with_endocrine_therapy_and_erlotinib;_hormone-sensitive,_NCT01205685 safety adverse"),
    ("IRS-1 overexpressed in primary breast tumors", "S1-91", "breast irs1 tumour_protein primary_tumours level not_applicable"),
    ("activating TGF beta 1 leading to beta-catenin translocation and EMT, ref 112", "S1-92", "breast igf1 preclinical TGF-beta1_and_beta-catenin emt adverse"),
    ("alongside Wnt, beta-catenin in phyllodes tumors, ref 113", "S1-93", "breast igf1 preclinical phyllodes_tumours;_Wnt_and_beta-catenin emt adverse"),
    ("IGF-1 induces MUC1 expression in MCF7, ref 114", "S1-94", "breast muc1 preclinical MCF-7 emt adverse"),
    ("IGFBP and ERBB2 in tumor transformation, ref 120", "S1-95", "breast igfbp_x_erbb2 preclinical mammary_luminal_epithelial_cells transformation adverse"),
    ("complexes with vitronectin, ref 122", "S1-96", "breast igf1_igfbp_vitronectin preclinical MCF-7;_with_IGFBP3_or_IGFBP5 migration adverse"),
    ("high plasma IGF1 increased risk of lung malignancy", "S2-01", "lung igf1 serum all incidence adverse"),
    ("no differences in survival in stage I-IIIA NSCLC", "S2-16", "nsclc igf1r tumour_protein resected,_stage_I-IIIA os null"),
    ("reduced DFS in lung adenocarcinoma", "S2-17", "nsclc igf1r tumour_protein adenocarcinoma,_resected dfs adverse"),
    ("reduced PFS after EGFR-TKI in EGFR-mutant", "S2-21", "nsclc igf1r tumour_protein EGFR-mutant,_on_EGFR-TKI pfs adverse"),
    ("dalotuzumab plus erlotinib better PFS", "S2-26", "nsclc dalotuzumab drug with_erlotinib,_phase_I/II pfs favourable"),
    ("but not overall survival", "S2-27", "nsclc dalotuzumab drug with_erlotinib,_phase_I/II os null"),
    ("colon cancer shorter PFS", "S2-28", "colorectal dalotuzumab drug phase_III pfs adverse"),
    ("R1507 failed to offer better PFS in unselected", "S2-32", "nsclc r1507 drug with_erlotinib;_unselected,_phase_II pfs null"),
    ("IRS2 in colorectal cancer under investigation", "S2-35", "colorectal irs2 other IGF-1R-targeted_therapy predictive not_applicable"),
    ("increased plasma IGF-1 linked to resistance to anti-PD-1", "S3-05", "nsclc igf1 serum anti-PD-1 response adverse"),
    ("loss of IGFBP3 contributes to third-generation TKI resistance", "S3-10", "nsclc igfbp3 preclinical EGFR-mutant,_third-generation_EGFR-TKI treatment_resistance favourable"),
    ("xentuzumab and afatinib did not reveal increased efficacy", "S3-19", "nsclc xentuzumab drug with_afatinib;_EGFR-mutant,_pretreated,_phase_I orr null"),
    ("inhibit bone metastases without affecting the primary", "S0-06", "bone_metastasis igf_targeted_drug preclinical all bone_metastasis_growth favourable"),
    ("negative results in unselected patients", "S0-07", "solid igf1r_inhibitor drug unselected outcome null"),
    ("preclinical models of prostate metastases", "S0-05", "prostate igf_targeted_drug preclinical models_of_metastasis tumour_growth favourable"),
]  # fmt: skip


@pytest.mark.parametrize(("key", "said"), [f[1:] for f in FACTS], ids=[f"{f[1]} {f[0]}" for f in FACTS])
def test_the_entry_says_what_the_review_says(key, said):
    entry = load_evidence()[key]
    fields = (
        entry.disease,
        entry.biomarker,
        entry.compartment,
        entry.subgroup,
        entry.endpoint,
        entry.direction,
    )
    assert " ".join(field.replace(" ", "_") for field in fields) == said


NUMBERS = [
    ("IGF1R expression in 53.8 percent of NSCLC", "S2-07", (53.8, None, None, None)),
    ("SCC 62.6 percent", "S2-08", (62.6, None, None, None)),
    ("non-SCCs 37.3 percent", "S2-09", (37.3, None, None, None)),
    ("suitable in 80 percent of female", "S1-73", (80, None, None, None)),
    ("and 77 percent of male", "S1-74", (77, None, None, None)),
    ("up to 15 times increased incidence", "S1-53", (15, None, None, None)),
    ("two fold higher in obese", "S1-31", (2, None, None, None)),
    ("6292 cases and 8135 controls", "S1-21", (None, None, None, 6292 + 8135)),
    ("rare diplotype n 14 of 325", "S1-19", (None, None, None, 325)),
    ("63 promoter binding proteins are no patients", "S1-68", (63, None, None, None)),
    ("approximately 1 percent unbound", "S1-35", (1, None, None, None)),
    ("median OS 6.2 for erlotinib and 5.7 with figitumumab", "S2-31", (-0.5, None, None, None)),
    ("an estimated 1.8 million deaths in 2022", "S3-01", (1_800_000, None, None, None)),
    ("N9831 DFS hazard ratio 0.48", "E-b-09", (0.48, None, None, 1734)),
    ("Yan DFS HR+ membranous", "E-d-32", (0.61, 0.41, 0.92, None)),
    ("HEAL upper fifth", "E-d-10", (3.10, 1.21, 7.93, 600)),
    ("Ruijin", "E-d-12", (0.53, 0.29, 0.96, 2682)),
    ("XENERA-1", "E-e-14c", (1.19, 0.55, 2.59, 103)),
    ("GAMMA", "E-e-04", (1.00, 0.82, 1.21, 800)),
]  # fmt: skip


@pytest.mark.parametrize(
    ("key", "numbers"), [f[1:] for f in NUMBERS], ids=[f"{f[1]} {f[0]}" for f in NUMBERS]
)
def test_the_numbers_carry_over(key, numbers):
    entry = load_evidence()[key]
    assert (entry.estimate, entry.ci_lower, entry.ci_upper, entry.n) == numbers


def test_rs2016347_contrasts_gg_with_gt_and_tt():
    for key in ("S1-65", "S1-65b"):
        assert load_evidence()[key].subgroup.startswith("G/G against G/T + T/T")


@pytest.mark.parametrize(
    ("words", "key", "said"),
    [("Allred", "E-g-01", "er tumour_protein"), ("HER2 by ASCO/CAP 2018", "E-g-02", "her2 tumour_protein"),
     ("ER by ASCO/CAP 2020", "E-g-03", "er tumour_protein"), ("PR by ASCO/CAP 2020", "E-g-04", "pr tumour_protein"),
     ("St Gallen 2013", "E-c-01", "subtype clinical"), ("Maisonneuve 2014", "E-c-02", "subtype clinical"),
     ("obese from 30 kg/m2", "E-g-06c", "bmi clinical"), ("diabetes from 6.5 percent", "E-g-07", "hba1c clinical")],
)  # fmt: skip
def test_a_definition_that_features_use_has_its_source(words, key, said):
    entry = load_evidence()[key]
    assert entry.endpoint == "definition"
    assert f"{entry.biomarker} {entry.compartment}" == said


def test_the_cuts_of_the_definitions_are_those_that_code_uses():
    cuts = {key: load_evidence()[key].estimate for key in ("E-g-02", "E-g-03", "E-g-04", "E-c-01", "E-c-02")}
    assert list(cuts.values()) == [RATIO_HIGH, _POSITIVE_FROM, _POSITIVE_FROM, SubtypeRule().ki67_high_at, _MAISONNEUVE_LOW]  # fmt: skip


def test_levels_prevalences_and_definitions_have_no_direction():
    for entry in load_evidence().values():
        if entry.endpoint in {"prevalence", "definition", "molar mass", "reference", "plausible range"}:
            assert entry.direction == "not_applicable", entry.id


def test_a_ratio_of_the_low_level_says_so_in_its_measure():
    flipped = {e.id: e for e in load_evidence().values() if e.measure.startswith("HR of low")}
    assert set(flipped) == {"E-a-19", "E-b-14b", "E-d-45"}
    assert all(e.estimate > 1 and e.direction == "favourable" for e in flipped.values())


def test_a_significant_ratio_points_where_its_interval_lies():
    for entry in load_evidence().values():
        if entry.measure in {"HR", "OR", "RR"} and entry.ci_lower is not None:
            # two borderline meta-analyses, with a lower end of 1.00, are called adverse by their authors
            side = "adverse" if entry.ci_lower > 1 else "favourable" if entry.ci_upper < 1 else "null"
            assert entry.direction == ("adverse" if entry.id in {"E-d-24", "E-d-28"} else side), entry.id


@pytest.mark.parametrize(
    ("keys", "disagree"),
    [
        ({"disease": "breast", "biomarker": "igf1", "compartment": "serum", "endpoint": "all-cause mortality"},
         "sources disagree: favourable (E-d-12, E-d-12g); adverse (E-d-10, S1-10); null (E-d-12b)"),
        ({"disease": "breast", "biomarker": "igf1", "compartment": "serum", "endpoint": "mammographic density"},
         "sources disagree: adverse (S1-07); null (S1-08)"),
        ({"disease": "breast", "biomarker": "igf1r", "compartment": "tumour_protein", "endpoint": "outcome"},
         "sources disagree: favourable (E-b-06b, S1-58, S1-60); adverse (S1-59); null (E-b-10)"),
        ({"disease": "breast", "biomarker": "igf1r", "compartment": "tumour_protein", "endpoint": "dfs"},
         "sources disagree: favourable (E-d-31, E-d-32); null (E-b-09b, E-d-30)"),
        ({"disease": "nsclc", "biomarker": "dalotuzumab", "compartment": "drug", "endpoint": "pfs"},
         "sources disagree: favourable (S2-26); null (E-e-08)"),
        ({"disease": "nsclc", "biomarker": "igf1r", "compartment": "tumour_mrna", "endpoint": "os"},
         "sources disagree: favourable (E-b-14b); adverse (E-d-26)"),
        ({"disease": "pancreatic", "biomarker": "igf1", "compartment": "serum", "endpoint": "treatment effect on os"},
         "sources disagree: favourable (E-e-03); null (E-e-04b)"),
    ],
)  # fmt: skip
def test_where_sources_disagree_it_is_said(keys, disagree):
    (group,) = group_evidence(find_evidence(**keys), by=("disease", "biomarker", "compartment", "endpoint"))
    assert group.disagreement == disagree


def test_the_direction_of_the_ca_repeat_by_ancestry_is_disputed():
    found = find_evidence(biomarker="igf1_ca_repeat", endpoint="incidence")
    assert {e.status for e in found} == {"conflicting"}
    assert {e.direction for e in found} == {"favourable", "adverse", "null"}


def test_her2_enriched_is_disputed_between_the_review_and_n9831():
    assert {load_evidence()[key].status for key in ("S1-59", "E-b-09", "E-b-09b")} == {"conflicting"}
    assert load_evidence()["E-b-09b"].direction == "null"


def test_sources_that_contradict_each_other_in_one_subgroup_are_found_by_the_full_key():
    groups = group_evidence(find_evidence(disease="breast"))
    told = {group.key: group.disagreement for group in groups}
    assert told["breast", "igf1", "serum", "premenopausal", "mammographic density"] == (
        "sources disagree: adverse (S1-07); null (S1-08)"
    )
    assert told["breast", "igf1r", "tumour_protein", "HR+", "dfs"] == ""
    assert told["breast", "igf1", "serum", "stage I-IIIA survivors", "all-cause mortality"] == (
        "disputed by other entries: E-d-10"
    )
    assert sum(len(group.entries) for group in groups) == len(find_evidence(disease="breast"))


@pytest.mark.parametrize(
    ("subgroup", "endpoint", "direction"),
    [("HR+", "dfs", "favourable"), ("HER2-enriched", "outcome", "conflicting"), ("luminal A", "prevalence", "not_applicable")],
)  # fmt: skip
def test_the_direction_of_a_group_is_conflicting_where_a_source_disputes_it(subgroup, endpoint, direction):
    (group,) = group_evidence(
        find_evidence(disease="breast", biomarker="igf1r", subgroup=subgroup, endpoint=endpoint)
    )
    assert group.direction == direction


def test_a_source_that_reports_both_ways_is_said_to_do_so():
    (group,) = group_evidence([load_evidence()["S1-55"]])
    assert group.disagreement == "studies disagree: conflicting (S1-55)"


@pytest.mark.parametrize("key", ["E-d-03", "E-e-05"])
def test_what_is_unverified_or_retracted_is_no_voice(key):
    (group,) = group_evidence([load_evidence()["S1-02"], load_evidence()[key]], by=())
    assert group.directions == {"adverse": ("S1-02",)}
    assert group.disagreement == ""


def test_directions_that_differ_between_subgroups_are_no_contradiction():
    entries = [load_evidence()[key] for key in ("S1-58", "S2-21")]
    (group,) = group_evidence(entries, by=("biomarker",))
    assert group.disagreement == "direction depends on subgroup: favourable (S1-58); adverse (S2-21)"


def test_retracted_entries_are_the_figitumumab_ones_and_come_only_on_request():
    assert {e.id for e in load_evidence().values() if e.status == "retracted"} == {
        "E-e-05",
        "S2-29",
        "S2-29b",
    }
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert all(e.status != "retracted" for e in find_evidence())
        assert find_evidence(disease="breast", retracted=True) == find_evidence(disease="breast")
    with pytest.warns(IgfstratWarning, match="not to be used as evidence: S2-29$"):
        found = find_evidence(biomarker="figitumumab", endpoint="pfs", retracted=True)
    assert [e.id for e in found] == ["S2-29"]
    with pytest.raises(EvidenceError, match="S2-29 rests on a retracted source"):
        get_evidence("S2-29")


def test_what_was_not_seen_in_a_copy_is_unverified():
    unverified = {e.id for e in load_evidence().values() if e.status == "unverified"}
    assert {"E-d-02", "E-d-03", "E-e-12"} <= unverified
    assert unverified - {"E-d-02", "E-d-03", "E-e-12"} == {"E-a-21", "E-a-23", "E-u-02", "E-u-03"}


def row(**change):
    fields = {"id": "E-t-01", "disease": "breast", "biomarker": "igf1", "compartment": "serum", "subgroup": "all", "endpoint": "os", "direction": "null",
                  "measure": "HR", "estimate": "1.1", "ci_lower": "0.9", "ci_upper": "1.3", "n": "40", "source": "someone", "status": "reported", "note": ""}  # fmt: skip
    return fields | change


def load(monkeypatch, *rows):
    lines = [",".join(row()), *(",".join(fields.values()) for fields in rows)]

    class Folder:
        def joinpath(self, _):
            return self

        def read_text(self, encoding):
            return "\n".join(lines) + "\n"

    monkeypatch.setattr(evidence.resources, "files", lambda _: Folder())
    return load_evidence.__wrapped__()


def test_a_sound_row_is_taken(monkeypatch):
    assert load(monkeypatch, row())["E-t-01"].estimate == 1.1


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"disease": "brest"}, "'brest' is none of breast"),
        ({"biomarker": "IGF-1"}, "'IGF-1' is none of"),
        ({"endpoint": "DFS"}, "'DFS' is none of"),
        ({"estimate": "2"}, "the interval 0.9 to 1.3 does not contain 2"),
        ({"ci_lower": "1.4"}, "the interval 1.4 to 1.3 does not contain 1.1"),
        ({"ci_upper": ""}, "an interval has two ends"),
        ({"estimate": "inf"}, "a number is not finite"),
        ({"estimate": "about 1"}, "could not convert"),
        ({"measure": ""}, "an estimate without its measure"),
        ({"n": "0"}, "n is 0, and must be > 0"),
        ({"n": "12.5"}, "invalid literal"),
        ({"source": " "}, "no source"),
        ({"note": "one, two"}, "the number of fields"),
    ],
)
def test_a_faulty_row_is_refused_with_its_line(monkeypatch, change, words):
    with pytest.raises(EvidenceError, match=f"evidence.csv, line 2, E-t-01: .*{words}"):
        load(monkeypatch, row(**change))


def test_an_id_that_is_taken_is_refused(monkeypatch):
    with pytest.raises(EvidenceError, match="line 3, E-t-01: the id is taken"):
        load(monkeypatch, row(), row())


def test_the_page_counts_what_the_registry_holds():
    text = DOCS.read_text(encoding="utf-8")
    entries = load_evidence().values()
    assert f"{len(entries)} entries" in text
    for field, words in (("disease", DISEASES), ("status", STATUSES), ("compartment", COMPARTMENTS)):
        counts = Counter(getattr(e, field) for e in entries)
        told = {
            m[1]: int(m[2]) for m in re.finditer(rf"^\| {field} \| `(\w+)` \| (\d+) \|", text, re.MULTILINE)
        }
        assert told == {word: counts[word] for word in words}


def test_the_page_names_every_review_that_sources_cite():
    text = DOCS.read_text(encoding="utf-8")
    for key in ("Christopoulos 2015", "Nurwidya 2016", "Papavassiliou 2025", "IGF axis in bone metastases"):
        assert f"`{key}`" in text
        assert any(key in e.source for e in load_evidence().values())


def test_every_reviewed_association_cites_its_review():
    cited = {
        "0": "IGF axis in bone metastases",
        "1": "Christopoulos 2015",
        "2": "Nurwidya 2016",
        "3": "Papavassiliou 2025",
    }
    for key, entry in load_evidence().items():
        if key.startswith("S"):
            assert cited[key[1]] in entry.source, key


def test_the_file_is_plain_csv_with_the_columns_of_an_entry():
    text = resources.files("igfstrat").joinpath("data/evidence.csv").read_text(encoding="utf-8")
    assert "\r" not in text
    rows = list(csv.reader(text.splitlines()))
    assert {len(r) for r in rows} == {15}
    assert tuple(rows[0]) == evidence.EvidenceEntry.__slots__
