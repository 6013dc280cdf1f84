"""Makers of exports as other programs write them, REDCap's with its data dictionary and cBioPortal's clinical files, of the good cohort.

What they hold is known: the good table that they were made from.
"""

from tests.conftest import HEADER, table_of
from tests.hostile.tables import csv_of

_AT = {header: i for i, header in enumerate(HEADER)}
SUBTYPES = ("luminal_a", "luminal_b", "triple_negative", "her2_enriched")

# ---- REDCap

DICTIONARY_HEADER = (
    "Variable / Field Name", "Form Name", "Section Header", "Field Type", "Field Label", "Choices, Calculations, OR Slider Labels",
    "Field Note", "Text Validation Type OR Show Slider Number", "Text Validation Min", "Text Validation Max", "Identifier?",
    "Branching Logic (Show field only if...)", "Required Field?", "Custom Alignment", "Question Number (surveys only)",
    "Matrix Group Name", "Matrix Ranking?", "Field Annotation",
)  # fmt: skip
OF_THE_API = (
    "field_name", "form_name", "section_header", "field_type", "field_label", "select_choices_or_calculations", "field_note",
    "text_validation_type_or_show_slider_number", "text_validation_min", "text_validation_max", "identifier", "branching_logic",
    "required_field", "custom_alignment", "question_number", "matrix_group_name", "matrix_ranking", "field_annotation",
)  # fmt: skip
EXPORT_HEADER = (
    "record_id", "name_last", "age", "sex", "subtype", "igf1", "igfbp3", "igf1r", "illness___1", "illness____9", "dx_date", "fu_date",
    "dfs", "relapse", "pfs", "progress", "form_complete",
)  # fmt: skip
LABELS = {
    "record_id": "Record ID", "age": "Age at diagnosis", "sex": "Sex at birth", "subtype": "Intrinsic subtype", "igf1": "Serum IGF-1",
    "igfbp3": "Serum IGFBP3", "igf1r": "IGF-1R score", "dx_date": "Diagnosed", "fu_date": "Last seen", "dfs": "DFS", "relapse": "Relapse?",
    "pfs": "PFS", "progress": "Progression?",
}  # fmt: skip
REDCAP_MAP = """dictionary: dictionary.csv
columns:
  patient_id: record_id
  age_years: age
  sex: sex
  subtype: subtype
  igf1: {column: igf1, unit: ng/mL}
  igfbp3: {column: igfbp3, unit: ng/mL}
  igf1r_ihc: igf1r
  diagnosis_date: dx_date
  last_followup_date: fu_date
endpoints:
  dfs: {time: dfs, unit: months, event: {column: relapse, event: ["Yes"], censored: ["No"]}}
  pfs: {time: pfs, unit: months, event: {column: progress, event: ["True"], censored: ["False"]}}
"""


def field(name, kind="text", choices="", validation="", identifier=""):
    return [
        *(name, "form", "", kind, LABELS.get(name, name), choices, "", validation, "", "", identifier),
        *[""] * 7,
    ]


def fields(**other):
    """Rows of the dictionary; those that are named are replaced."""
    known = {
        "record_id": field("record_id"),
        "name_last": field("name_last", identifier="y"),
        "age": field("age", "calc", 'rounddown(datediff([dob], [dx_date], "y"))'),
        "sex": field("sex", "radio", "1, Female | 0, Male"),
        "subtype": field("subtype", "dropdown", " | ".join(f"{i}, {s}" for i, s in enumerate(SUBTYPES, 1))),
        "igf1": field("igf1", validation="number"),
        "igfbp3": field("igfbp3", validation="number_1dp"),
        "igf1r": field("igf1r", "dropdown", "0, 0 | 1, 1 | 2, 2 | 3, 3"),
        "illness": field("illness", "checkbox", "1, Diabetes | -9, Unknown"),
        "dx_date": field("dx_date", validation="date_ymd"),
        "fu_date": field("fu_date", validation="date_dmy"),
        "dfs": field("dfs", validation="number"),
        "relapse": field("relapse", "yesno"),
        "pfs": field("pfs", validation="number"),
        "progress": field("progress", "truefalse"),
        "intro": field("intro", "descriptive"),
    }
    return [*(known | other).values()]


def export_rows(date=str, number=str):
    """Rows of the export as a project keeps them, without the header; dates and numbers as they are shown."""
    return [
        [r[0], f"Doe{i}", r[_AT["age_years"]], str(int(r[_AT["sex"]] == "female")), str(SUBTYPES.index(r[_AT["subtype"]]) + 1),
         *(number(r[_AT[c]]) for c in ("igf1_ng_ml", "igfbp3_ng_ml", "igf1r_ihc")), str(i % 2), "0",
         *(date(r[_AT[c]]) for c in ("diagnosis_date", "last_followup_date")),
         number(r[_AT["dfs_months"]]), r[_AT["dfs_event"]], number(r[_AT["pfs_months"]]), r[_AT["pfs_event"]], "2"]
        for i, r in enumerate(table_of()[1:])
    ]  # fmt: skip


def column(rows, header, change):
    """The rows with one column changed: function of the row's number from 0 and the text."""
    at = EXPORT_HEADER.index(header)
    return [[*row[:at], change(i, row[at]), *row[at + 1 :]] for i, row in enumerate(rows)]


def of_events(n_visits=1, n_repeats=1):
    """A longitudinal project: a first row a patient, then visits and repeats of an instrument, as good as empty."""
    head = (
        "record_id",
        "redcap_event_name",
        "redcap_repeat_instrument",
        "redcap_repeat_instance",
        *EXPORT_HEADER[1:],
    )
    rows = [head]
    for first, *rest in export_rows():
        blank = ["0" if h.startswith("illness") else "" for h in EXPORT_HEADER[1:]]
        rows.append([first, "baseline_arm_1", "", "", *rest])
        rows += [[first, f"visit_{i}_arm_1", "", "", *blank] for i in range(1, n_visits + 1)]
        rows += [[first, "baseline_arm_1", "labs", str(i), *blank] for i in range(1, n_repeats + 1)]
    return rows


def write_redcap(folder, rows=None, dictionary=None, text=REDCAP_MAP, **dialect):
    """Export, dictionary and map in a folder; the path of the export and of the map."""
    rows = [EXPORT_HEADER, *export_rows()] if rows is None else rows
    (folder / "data.csv").write_bytes(csv_of(rows, **dialect))
    dictionary = [DICTIONARY_HEADER, *fields()] if dictionary is None else dictionary
    (folder / "dictionary.csv").write_bytes(csv_of(dictionary, **dialect))
    (folder / "map.yaml").write_text(text, encoding="utf-8")
    return folder / "data.csv", folder / "map.yaml"


# ---- cBioPortal

CLINICAL_HEADER = (
    "PATIENT_ID", "AGE", "SEX", "SUBTYPE", "IGF1_NG_ML", "IGFBP3_NG_ML", "IGF1R_IHC", "DFS_MONTHS", "DFS_STATUS", "PFS_MONTHS", "PFS_STATUS",
)  # fmt: skip
CLINICAL_MAP = """columns:
  patient_id: PATIENT_ID
  age_years: AGE
  sex: SEX
  subtype: SUBTYPE
  igf1: {column: IGF1_NG_ML, unit: ng/mL}
  igfbp3: {column: IGFBP3_NG_ML, unit: ng/mL}
  igf1r_ihc: IGF1R_IHC
endpoints:
  dfs: {time: DFS_MONTHS, unit: months, event: {column: DFS_STATUS, event: ["1:Recurred/Progressed"], censored: ["0:DiseaseFree"]}}
  pfs: {time: PFS_MONTHS, unit: months, event: {column: PFS_STATUS, event: ["1:PROGRESSION"], censored: ["0:CENSORED"]}}
"""
OF_SAMPLES = slice(3, 7)  # what a pathologist says of a sample


def clinical_rows(dfs=("0:DiseaseFree", "1:Recurred/Progressed"), pfs=("0:CENSORED", "1:PROGRESSION")):
    taken = ("patient_id", "age_years", "sex", "subtype", "igf1_ng_ml", "igfbp3_ng_ml", "igf1r_ihc")
    return [
        [*(r[_AT[c]] for c in taken), r[_AT["dfs_months"]], dfs[int(r[_AT["dfs_event"]])], r[_AT["pfs_months"]],
         pfs[int(r[_AT["pfs_event"]])]]
        for r in table_of()[1:]
    ]  # fmt: skip


def clinical_text(
    rows=None, header=CLINICAL_HEADER, n_above=4, delimiter="\t", end="\n", above=None, under=""
):
    """A clinical file: rows of remarks that begin with #, the header, the patients."""
    kinds = (lambda c: f"Title of {c}", lambda c: f"What, and how, {c} is", lambda c: "STRING", lambda c: "1")
    above = ["#" + "\t".join(map(kind, header)) for kind in kinds][:n_above] if above is None else above
    body = [delimiter.join(row) for row in (header, *(clinical_rows() if rows is None else rows))]
    return end.join([*above, *body]) + end + under


def write_clinical(folder, text, map_text=CLINICAL_MAP, encoding="utf-8"):
    (folder / "data_clinical_patient.txt").write_bytes(text.encode(encoding))
    (folder / "map.yaml").write_text(map_text, encoding="utf-8")
    return folder / "data_clinical_patient.txt", folder / "map.yaml"


def patients_and_samples(change=lambda samples: samples, **dialect):
    """The text of a file of patients and that of the samples which belong to them."""
    rows = clinical_rows()
    cut = CLINICAL_HEADER[OF_SAMPLES]

    def kept(row):
        return [*row[: OF_SAMPLES.start], *row[OF_SAMPLES.stop :]]

    samples = change([[f"{row[0]}-01", row[0], *row[OF_SAMPLES]] for row in rows])
    return (
        clinical_text([kept(row) for row in rows], kept([*CLINICAL_HEADER])),
        clinical_text(samples, ("SAMPLE_ID", "PATIENT_ID", *cut), **dialect),
    )
