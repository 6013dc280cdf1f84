"""The canonical columns of a cohort: name, kind, unit, bounds, codes, and what others call them.

One row per column. Reading, checking, messages and documentation all use the same row. Bounds are
what an adult can have (evidence E-u-03); `usual` is where nearly all values lie, and serves only to
notice a wrong unit.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from dataclasses import dataclass, field
from typing import Final, Literal

from igfstrat.units import UNIT_OF_SUFFIX

Kind = Literal["id", "number", "code", "date", "text"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One canonical column.

    Parameters
    ----------
    name : str
        Canonical name without unit, as used in plans and maps (``igf1``).
    title : str
        What people call it.
    kind : str
        ``id``, ``number``, ``code``, ``date`` or ``text``.
    unit : str
        Canonical unit of a number; empty where it has none.
    bounds : tuple of float
        Smallest and largest value that is accepted, in `unit`.
    usual : tuple of float
        Range of nearly all values, in `unit`; for concentrations only.
    codes : dict
        Canonical code to the other spellings that mean it, folded by `fold`.
    aliases : tuple of str
        Folded headers under which sources often carry it; they only ever suggest.
    """

    name: str
    title: str
    kind: Kind = "number"
    unit: str = ""
    bounds: tuple[float, float] = (float("-inf"), float("inf"))
    usual: tuple[float, float] | None = None
    codes: dict[str, tuple[str, ...]] = field(default_factory=dict)
    aliases: tuple[str, ...] = ()

    @property
    def header(self) -> str:
        """Header in `cohort.table` and in convention files: analyte, then unit."""
        return f"{self.name}_{self.unit.replace('/', '_').lower()}" if self.is_concentration else self.name

    @property
    def is_concentration(self) -> bool:
        """Whether the unit is one of mass or amount per volume."""
        return self.unit in UNIT_OF_SUFFIX.values()


@functools.lru_cache(maxsize=1 << 16)  # headers and codes are few and asked for often
def fold(text: str) -> str:
    r"""Text without what does not change its meaning: case, width, spaces, kinds of hyphen.

    Parameters
    ----------
    text : str
        A code or header as found.

    Returns
    -------
    str
        For comparing only. A trailing plus or minus is kept: ``HER2+`` is not ``HER2-``.

    Examples
    --------
    >>> fold("  Luminal\u2011A "), fold("HER2-"), fold("IGF-1 (nmol/L)")
    ('luminal_a', 'her2-', 'igf_1_nmol_l')
    """
    folded = unicodedata.normalize("NFKC", text).casefold().strip().replace("µ", "u").replace("μ", "u")
    folded = re.sub(r"[\u2010-\u2015\u2212]", "-", folded)
    folded = re.sub(r"[()\[\]{}:,]", " ", folded).strip()
    return re.sub(r"(?<=\w)[\s_\-/]+(?=\w)", "_", folded)


def _serum(
    name: str,
    title: str,
    unit: str,
    bounds: tuple[float, float],
    *aliases: str,
    usual: tuple[float, float] | None = None,
) -> Column:
    return Column(name=name, title=title, unit=unit, bounds=bounds, aliases=aliases, usual=usual)


def _number(name: str, title: str, unit: str, low: float, high: float, *aliases: str) -> Column:
    return Column(name=name, title=title, unit=unit, bounds=(low, high), aliases=aliases)


def _code(name: str, title: str, codes: dict[str, tuple[str, ...]], *aliases: str) -> Column:
    return Column(name=name, title=title, kind="code", codes=codes, aliases=aliases)


def _free(name: str, title: str, kind: Kind, *aliases: str) -> Column:
    return Column(name=name, title=title, kind=kind, aliases=aliases)


MAX_CORES: Final = 12  # columns for single cores of one patient
_INF: Final = float("inf")
_STATUS: Final[dict[str, tuple[str, ...]]] = {
    "positive": ("pos", "+", "p"),
    "negative": ("neg", "n"),  # a lone "-" may as well mean that nothing was done: a map has to say so
    "indeterminate": ("equivocal", "borderline"),
}
_YES_NO: Final[dict[str, tuple[str, ...]]] = {"yes": ("y", "true", "1"), "no": ("n", "false", "0")}
_LEVELS: Final[dict[str, tuple[str, ...]]] = {str(i): (f"{i}+", f"{i}.0") for i in range(4)}
_LEVELS["0"] = ("0.0",)
_STAGES: Final[dict[str, tuple[str, ...]]] = {
    "0": ("stage_0", "is", "stage_is"),
    "1": ("i", "stage_i", "stage_1", "ia", "ib", "stage_ia", "stage_ib"),
    "2": ("ii", "stage_ii", "stage_2", "iia", "iib", "stage_iia", "stage_iib"),
    "3": ("iii", "stage_iii", "stage_3", "iiia", "iiib", "iiic", "stage_iiia", "stage_iiib", "stage_iiic"),
    "4": ("iv", "stage_iv", "stage_4", "iva", "ivb", "stage_iva", "stage_ivb"),
}
_SUBTYPES: Final[dict[str, tuple[str, ...]]] = {
    "luminal_a": ("luma", "lum_a", "luminala", "luminal_a_like", "la"),
    "luminal_b": (
        "lumb",
        "lum_b",
        "luminalb",
        "luminal_b_like",
        "luminal_b_her2-",
        "luminal_b_her2_negative",
        "lb",
    ),
    "luminal_her2": ("luminal_b_her2+", "luminal_b_her2_positive", "luminal_her2+", "luminal_b_her2"),
    "her2_enriched": (
        "her2",
        "her2e",
        "her2+",
        "her2_positive",
        "her2_non_luminal",
        "erbb2",
        "her2_enriched_like",
    ),
    "triple_negative": ("tnbc", "tn", "triple_neg", "triple_negative_breast_cancer"),
    "basal_like": ("basal",),
    "normal_like": ("normal",),
    "claudin_low": ("claudinlow",),
}
_ASSAYS: Final[tuple[str, ...]] = (
    "ids_isys", "immulite2000_87518", "immulite2000_02254", "liaison_xl", "elecsys_cobas",
    "lcms", "ria", "irma", "elisa", "other",
)  # fmt: skip

# treatments that modify what an IGF marker means; each may be stated at baseline, or by the date of its start
EXPOSURES: Final[dict[str, str]] = {
    "endocrine_therapy": "Endocrine therapy",
    "egfr_tki": "EGFR-TKI",
    "checkpoint_inhibitor": "Checkpoint inhibitor",
}

_LIST: Final[tuple[Column, ...]] = (
    _free("patient_id", "Patient", "id", "id", "pid", "patient", "subject", "subjid", "usubjid", "case", "patientid",
          "subject_id", "study_id", "case_id", "participant"),
    _number("age_years", "Age", "year", 0, 120, "age", "age_at_diagnosis", "age_at_dx", "age_dx", "num_age"),
    _code("sex", "Sex", {"female": ("f", "woman", "w"), "male": ("m", "man")}, "gender"),
    _code("menopausal_status", "Menopausal status", {"premenopausal": ("pre",), "perimenopausal": ("peri",),
          "postmenopausal": ("post",)}, "menopause", "menopausal", "inferred_menopausal_state"),
    _code("ancestry", "Ancestry", {"european": ("white", "caucasian", "eur"), "african": ("black", "african_american",
          "black_or_african_american", "afr"), "east_asian": ("asian", "chinese", "japanese", "korean", "eas"),
          "south_asian": ("sas",), "hispanic": ("latino", "hispanic_or_latino", "amr"), "middle_eastern": (),
          "other": ()}, "race", "ethnicity"),
    _code("brca_status", "BRCA1/2", {"none": ("negative", "wild_type"), "brca1": (), "brca2": ()}, "brca"),
    _number("bmi", "Body mass index", "kg/m2", 10, 90, "body_mass_index"),
    _code("diabetes", "Diabetes", _YES_NO, "diabetic"),
    _number("hba1c_percent", "HbA1c", "%", 2, 25, "hba1c"),
    _code("smoking_status", "Smoking", {"never": ("no",), "former": ("ex",), "current": ("yes", "smoker")}, "smoking"),
    _code("disease", "Disease", {"breast": ("breast_cancer", "brca"), "nsclc": ("lung", "luad", "lusc"), "sclc": (),
          "prostate": (), "colorectal": ("crc",), "pancreatic": ("pancreas",)}, "cancer_type"),
    _free("site", "Site", "text", "centre", "center", "hospital"),
    _code("stage", "Stage", _STAGES, "tumor_stage", "tumour_stage", "ajcc_stage", "ajcc_pathologic_tumor_stage"),
    _code("grade", "Grade", {str(i): (f"g{i}", f"grade_{i}", f"{i}.0") for i in range(1, 5)}, "tumour_grade",
          "histological_grade", "fac_grade"),
    _code("subtype", "Subtype", _SUBTYPES, "pam50", "molecular_subtype", "intrinsic_subtype", "claudin_subtype"),
    _code("histology", "Histology", {"adenocarcinoma": ("adeno", "luad"), "squamous": ("scc", "lusc",
          "squamous_cell_carcinoma"), "large_cell": (), "adenosquamous": (), "nsclc_nos": ("nos",), "sclc": (),
          "lcnec": (), "carcinoid": (), "ductal": ("idc", "nst"), "lobular": ("ilc",), "mixed": (), "other": ()},
          "histological_type", "histological_subtype"),
    _free("driver", "Driver", "text", "mutation"),
    _code("bone_metastasis", "Bone metastasis", _YES_NO, "bone_mets"),
    _code("visceral_metastasis", "Visceral metastasis", _YES_NO, "visceral_mets"),
    _code("other_metastasis", "Metastasis neither visceral nor in bone", _YES_NO),
    _number("er_percent", "ER", "%", 0, 100, "er_pct", "er"),
    _code("er_status", "ER status", _STATUS | {"low_positive": ("low",)}, "er_ihc"),
    _number("pr_percent", "PR", "%", 0, 100, "pr_pct", "pr", "pgr_percent"),
    _code("pr_status", "PR status", _STATUS | {"low_positive": ("low",)}, "pr_ihc"),
    _code("her2_ihc", "HER2 IHC", _LEVELS),
    _number("her2_ish_ratio", "HER2/CEP17 ratio", "", 0, 50),
    _number("her2_copies", "HER2 copies a cell", "", 0, 200),
    _code("her2_status", "HER2 status", _STATUS),
    _number("ki67_percent", "Ki-67", "%", 0, 100, "ki67", "ki_67", "mib1"),
    _serum("igf1", "Serum IGF-1", "ng/mL", (15, 1000), "igf_1", "igf_i", "igfi", "somatomedin_c", usual=(30, 600)),
    _code("igf1_assay", "IGF-1 assay", dict.fromkeys(_ASSAYS, ())),
    _code("igf1_matrix", "IGF-1 sample", {"serum": (), "edta_plasma": ("plasma", "edta")}),
    _free("igf1_sampling_date", "IGF-1 sampling date", "date"),
    _serum("igfbp3", "Serum IGFBP3", "ng/mL", (500, 12000), "igfbp_3", "bp3", "igf_bp3", usual=(1500, 8000)),
    _code("igfbp3_assay", "IGFBP3 assay", dict.fromkeys(_ASSAYS, ())),
    *(_serum(f"igfbp{i}", f"Serum IGFBP{i}", "ng/mL", (0, 1e5), f"igfbp_{i}", f"bp{i}") for i in (1, 2, 4, 5, 6)),
    _serum("igf2", "Serum IGF-2", "ng/mL", (10, 5000), "igf_2", "igf_ii"),
    _serum("free_igf1", "Free IGF-1", "ng/mL", (0, 50), "free_igf_1"),
    _serum("vegfc", "VEGF-C", "pg/mL", (0, 1e6), "vegf_c"),
    _serum("insulin", "Insulin", "pmol/L", (0, 1e5)),
    _number("igf1r_h_score", "IGF-1R H-score", "", 0, 300, "igf1r_hscore", "igf_1r_h_score", "h_score", "hscore"),
    _number("igf1r_allred", "IGF-1R Allred", "", 0, 8, "igf_1r_allred", "allred"),
    _code("igf1r_ihc", "IGF-1R IHC", _LEVELS, "igf_1r_ihc", "igf1r_score", "igf_1r", "igf1r"),
    *(_number(f"igf1r_pct_{i}", f"IGF-1R cells {i}{'+' if i else ''}", "%", 0, 100) for i in range(4)),
    *(_number(f"igf1r_h_score_{i}", f"IGF-1R H-score, core {i}", "", 0, 300) for i in range(1, MAX_CORES + 1)),
    *(_number(f"igf1r_h_score_{place}", f"IGF-1R H-score, {place}", "", 0, 300)
      for place in ("membrane", "cytoplasm", "nucleus")),
    _code("igf1r_compartment", "IGF-1R compartment", {"membrane": ("membranous", "mem"), "cytoplasm": ("cytoplasmic",
          "cyto"), "nucleus": ("nuclear", "nuc"), "membrane_and_cytoplasm": ("membranous_and_cytoplasmic", "total"),
          "stroma": ("stromal",)}, "igf1r_localisation"),
    _free("igf1r_antibody", "IGF-1R antibody", "text"),
    _number("igf1r_protein", "IGF-1R protein, continuous", "", -_INF, _INF),
    _number("igf1r_phospho", "Phospho-IGF-1R", "", -_INF, _INF, "igf1r_py1135y1136", "p_igf1r", "pigf1r"),
    _number("igf1r_mrna", "IGF1R mRNA", "", -_INF, _INF, "igf1r_expression", "num_hs_igf1r"),
    *(_number(name, title, "", -_INF, _INF) for name, title in (
        ("igf1_mrna", "Tumour IGF1 mRNA"), ("igf2_mrna", "Tumour IGF2 mRNA"), ("igf2r", "Tumour IGF-2R"),
        ("insr", "Tumour insulin receptor"), ("insr_a", "Tumour IR-A"), ("irs1", "Tumour IRS-1"), ("irs2", "Tumour IRS-2"),
        ("igfbp2_tumour", "Tumour IGFBP2"), ("igfbp3_tumour", "Tumour IGFBP3"),
        ("igfbp4_tumour", "Tumour IGFBP4"), ("igfbp5_tumour", "Tumour IGFBP5"),
        *((f"igfbp{i}_mrna", f"Tumour IGFBP{i} mRNA") for i in (2, 3, 4, 5)))),
    _number("pdl1_percent", "PD-L1", "%", 0, 100, "pd_l1", "pdl1"),
    _free("specimen_date", "Specimen date", "date"),
    _free("specimen_site", "Specimen site", "text"),
    _number("ca_repeat_1", "IGF1 CA repeat, allele 1", "repeats", 5, 40),
    _number("ca_repeat_2", "IGF1 CA repeat, allele 2", "repeats", 5, 40),
    *(_free(f"rs{n}", f"rs{n}", "text") for n in (2016347, 2854744, 2946834, 28674628, 7965399, 703556)),
    _free("treatment", "Treatment", "text"),
    _free("arm", "Arm", "text", "armcd", "actarm"),
    _code("on_endocrine_at_sampling", "Endocrine therapy at sampling", _YES_NO),
    _code("prior_egfr_tki", "Prior EGFR-TKI", _YES_NO),
    _number("prior_egfr_tki_lines", "Lines of EGFR-TKI before", "", 0, 10),
    *(_code(f"{drug}_at_baseline", f"{title} at baseline", _YES_NO) for drug, title in EXPOSURES.items()),
    *(_free(f"{drug}_start_date", f"Start of {title}", "date") for drug, title in EXPOSURES.items()),
    _free("diagnosis_date", "Date of diagnosis", "date", "date_of_diagnosis", "dx_date"),
    _free("randomization_date", "Date of randomization", "date", "randomisation_date", "startdt"),
    _free("time_zero", "Time zero", "date"),
    _free("last_followup_date", "Date of last follow-up", "date", "date_of_last_visit", "last_follow_up"),
)  # fmt: skip

COLUMNS: Final[dict[str, Column]] = {column.name: column for column in _LIST}

ENDPOINTS: Final[dict[str, str]] = {
    "dfs": "Disease-free survival",
    "pfs": "Progression-free survival",
    "os": "Overall survival",
    "rfs": "Relapse-free survival",
    "pfi": "Progression-free interval",
    "dfi": "Disease-free interval",
    "dss": "Disease-specific survival",
    "tte": "Time to event (endpoint not defined by its source)",
}

# unit of the times of every endpoint, once read
TIME_UNIT: Final = "months"

FLAG_CODES: Final[dict[str, str]] = {
    "above_limit": "beyond the upper limit of the assay",
    "allred_ambiguous": "high or low by the choice of staining intensity",
    "percent_sum": "percentages of cells don't add up to 100",
    "compartment_differs": "another compartment of the cell than the plan's",
    "exposure_after_time_zero": "treatment that began after time zero",
    "invalid_driver": "not a known driver alteration",
    "many_beyond_limit": "many values beyond the limit of the assay",
    "matrix_not_reference": "measured in another matrix than the reference",
    "mixed_assays": "several assays under one cut",
    "not_log_scale": "no logarithm of a value of zero",
    "after_last_followup": "endpoint later than the last follow-up",
    "age_outside_reference": "age outside the reference table",
    "approximate": "marked approximate",
    "assay_not_reference": "measured by another assay than the reference",
    "below_detection": "below the detection limit",
    "cause_without_event": "a cause, but no event",
    "cell_error": "the cell holds a spreadsheet error",
    "control_characters": "control characters in the text",
    "date_in_names": "a date among gene names",
    "direct_identifier": "a column that looks like a direct identifier",
    "duplicate": "the same patient twice",
    "event_code": "event code not declared",
    "few_patients": "too few patients",
    "formula": "a formula",
    "future_date": "date in the future",
    "her2_needs_ish": "HER2 IHC 2+ without ISH: HER2 unknown",
    "her2_undecided": "ISH that doesn't decide HER2",
    "invalid_genotype": "not a genotype of this variant",
    "receptor_discordant": "HER2 by IHC and by ISH disagree",
    "status_contradicted": "the status as written contradicts the measurement",
    "hidden_rows": "hidden rows",
    "invalid_code": "not one of the codes",
    "invalid_date": "not a date",
    "long_id": "an identifier far too long",
    "merged_rows_differ": "rows brought together differ",
    "missing_cause": "event without its cause",
    "missing_event": "event missing",
    "missing_input": "missing",
    "missing_symbol": "a symbol stands for missing",
    "missing_time": "time missing",
    "negative_time": "negative time",
    "no_events": "no events",
    "not_a_number": "not a number",
    "one_group": "only one group",
    "out_of_bounds": "outside the possible range",
    "outside_training": "outside the range that the model was trained on",
    "possible_sentinel": "a usual code for missing",
    "range_of_values": "a range, not a value",
    "spelling": "several spellings of one code",
    "status_indeterminate": "status indeterminate",
    "stratum_indeterminate": "stratum indeterminate",
    "summary_row": "a summary or note, not a patient",
    "text_with_number": "text beside the number",
    "time_text": "time with text",
    "unit_doubtful": "fits another unit",
    "unit_in_cell": "unit written in the cell",
    "unseen_level": "a level or combination that the model was not trained on",
    "zero_time": "time is zero",
}


def find_header(header: str) -> tuple[Column, str] | None:
    """The column and unit that a convention header stands for.

    Parameters
    ----------
    header : str
        Header as found, such as ``igf1_nmol_l`` or ``IGF1 (nmol/L)``.

    Returns
    -------
    tuple of Column and str, or None
        The column and the unit that the header states; None for a header outside the convention.

    Examples
    --------
    >>> find_header("igf1_nmol_l")[1]
    'nmol/L'
    >>> find_header("igf1") is None
    True
    """
    folded = fold(header)
    for suffix, unit in UNIT_OF_SUFFIX.items():
        name = folded.removesuffix("_" + suffix)
        if name != folded and name in COLUMNS and COLUMNS[name].is_concentration:
            return COLUMNS[name], unit
    column = COLUMNS.get(folded)
    return (column, column.unit) if column and not column.is_concentration else None


def find_endpoint_header(header: str) -> tuple[str, str] | None:
    """The endpoint and part that a convention header stands for.

    Parameters
    ----------
    header : str
        Header as found, such as ``dfs_months`` or ``os_event``.

    Returns
    -------
    tuple of str and str, or None
        The endpoint and one of ``months days years event cause definition``; None for anything else.

    Examples
    --------
    >>> find_endpoint_header("DFS_months")
    ('dfs', 'months')
    """
    endpoint, _, part = fold(header).partition("_")
    parts = {"months", "days", "years", "event", "cause", "definition"}
    return (endpoint, part) if endpoint in ENDPOINTS and part in parts else None
