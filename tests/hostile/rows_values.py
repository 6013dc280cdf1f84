"""Values that people really write: dates, times, events, units, biomarkers, categories, identifiers. Classes by the contract."""

from tests.hostile.tables import (
    Row,
    Variant,
    both,
    bytes_as,
    cells,
    csv_of,
    file,
    only_csv,
    renamed,
    rows_with,
    without,
    xlsx_of,
)

ACCEPT, REJECT, FLAG = (0,), (2,), (3,)
NMOL = 7.649


def every_other(change):
    return lambda row, text: change(text) if row % 2 else text


def shown(number):
    return f"{number:.4g}"


def mixed_dates(row, text):
    year, month, day = text.split("-")
    forms = (
        f"{day}/{month}/{year}",
        f"{month}/{day}/{year}",
        text,
        f"{day}.{month}.{year}",
        f"{year}/{month}/{day}",
    )
    return forms[row % 5]


def figure_date(form):
    return lambda _, text: form.format(**dict(zip("ymd", text.split("-"), strict=True)))


DATES = (
    Row(
        "dates",
        "five formats in one column",
        REJECT,
        "diagnosis_date, row, format",
        (
            *cells("diagnosis_date", mixed_dates),
            *cells("diagnosis_date", lambda row, _: "25/12/2012" if row % 2 else "12/25/2012"),
            *cells("diagnosis_date", lambda row, _: "25-12-12" if row > 30 else "12-25-12"),
            *cells(
                "last_followup_date",
                lambda row, _: "25/12/2021" if row % 3 else "12/25/2021",
                words="last_followup_date, row, format",
            ),
            *cells("diagnosis_date", {9: "25/12/2012", 10: "12/25/2012"}),
        ),
    ),
    Row(
        "dates",
        "orders that can't be told apart",
        REJECT,
        "diagnosis_date, first",
        (
            *cells("diagnosis_date", lambda row, _: f"0{row % 9 + 1}/05/2012"),
            *cells("diagnosis_date", lambda row, _: f"0{row % 9 + 1}-06-12"),
        ),
    ),
    Row(
        "dates",
        "impossible dates",
        FLAG,
        "row 5",
        (
            *(
                v
                for text in (
                    "2019-02-29",
                    "2019-02-30",
                    "1899-12-31",
                    "2099-01-01",
                    "00/00/0000",
                    "unknown",
                    "0000-00-00",
                    "2019-13-01",
                    "20190229",
                    "9999-12-31",
                    "1900-01-00",
                    "nächste Woche",
                    "2019-1",
                    "٢٠١٩-٠١-٠١",
                    "2019‑01‑01",
                    "=TODAY()",
                    "43831,5",
                    "1e5",
                )
                for v in cells("diagnosis_date", {5: text})
            ),
            *cells("last_followup_date", {5: "2099-01-01"}),
            *cells(
                "diagnosis_date",
                {
                    5: "2019-02-29",
                    6: "30 Feb 2019",
                    7: "1899-01-01",
                    8: "2099-01-01",
                    9: "00/00/0000",
                    10: "unknown",
                },
            ),
        ),
    ),
)

TIMES = (
    Row("times", "negative", FLAG, "row 12, dfs_months, -3.5", (
        *cells("dfs_months", {12: "-3.5"}), *cells("dfs_months", {12: " -3.5 "}),
        *cells("pfs_months", {40: "-0.01"}, words="row 40, pfs_months, -0.01"),
        *cells("dfs_months", {12: "−3.5"}, words="row 12, dfs_months"),
        *cells("dfs_months", {2: "-1e3"}, words="row 2, dfs_months, -1"), *cells("dfs_months", {61: "-9"}, words="row 61, dfs_months, -9"),
    )),
    Row("times", "missing", FLAG, "row 12", (
        *(v for text in ("", " ", "NA", "n/a", "NaN", "null", "None", "\xa0", "#N/A", "?", ".", "-", "unk")
          for v in cells("dfs_months", {12: text})),
        *cells("pfs_months", {12: ""}), *cells("dfs_event", {12: ""}), *cells("pfs_event", {12: "NA"}),
    )),
    Row("times", "clinical shorthand", FLAG, "60+", (
        *cells("dfs_months", {5: "60+", 6: ">60", 7: "5y", 8: "24 mo"}),
        *(v for text in ("60+", ">60", "5y", "24 mo", "24 months", "3 yrs", "~12", "12-14", "12,5 Mon", "1 1/2", "inf", "1e400", "12*", "½", "١٢")
          for v in cells("dfs_months", {5: text}, words=f"row 5, dfs_months, {text[:4]}")),
        *cells("pfs_months", {5: "60+"}),
    )),
    Row("times", "longer than total follow-up", FLAG, "row 6", (
        *cells("pfs_months", {6: "400"}), *cells("dfs_months", {6: "199"}), *cells("pfs_months", {6: "1300"}),
        *cells("last_followup_date", {6: "2012-03-01"}),
    )),
    Row("times", "in another unit than the header says", REJECT, "dfs, days", (
        *cells("dfs_months", lambda _, text: str(round(float(text) * 30.4375))),
    )),
)  # fmt: skip

CODES = "dfs_event, map or event-values"
EVENTS = (
    Row("events", "coded 1/2", REJECT, "dfs_event, 1, 2, map or event-values", (
        *cells("dfs_event", lambda _, text: str(int(text) + 1)),
        *cells("pfs_event", lambda _, text: str(int(text) + 1), words="pfs_event, 1, 2, map or event-values"),
        *cells("dfs_event", lambda row, _: "2" if row % 3 else "1"),
        *cells("dfs_event", lambda _, text: f"{int(text) + 1}.0"),
    )),
    Row("events", "coded otherwise", REJECT, CODES, (
        *(v for pair in (("2", "3"), ("-1", "1"), ("0", "9"), ("yes", "no"), ("Y", "N"), ("dead", "alive"), ("relapse", "none"),
                         ("1:DECEASED", "0:LIVING"), ("ja", "nein"), ("+", "-"), ("x", ""), ("0.5", "1"), ("event", "censored"), ("T", "F"), ("１", "０"))
          for v in cells("dfs_event", lambda row, text, pair=pair: pair[text == "0"])),
    )),
    Row("events", "one code more", REJECT, CODES, (*cells("dfs_event", {9: "2"}), *cells("dfs_event", {60: "9"}), *cells("dfs_event", {5: "-1"}))),
    Row("events", "one word among codes", FLAG, "row 12, dfs_event", (*cells("dfs_event", {12: "o"}), *cells("dfs_event", {12: "l"}), *cells("dfs_event", {12: "yes"}))),
    Row("events", "TRUE/FALSE", ACCEPT, "", (
        *(v for pair in (("TRUE", "FALSE"), ("True", "False"), ("true", "false"), ("1.0", "0.0"), (" 1", "0 "), ("1", "FALSE"))
          for v in cells("dfs_event", lambda _, text, pair=pair: pair[text == "0"])),
    )),
    Row("events", "no events at all", FLAG, "no events", (
        *cells("dfs_event", lambda *_: "0"), *cells("pfs_event", lambda *_: "FALSE"),
        *both("neither", lambda: rows_with({"dfs_event": lambda *_: "0", "pfs_event": lambda *_: "0"})),
    )),
    Row("events", "the column is of censoring", REJECT, "dfs_event", (
        *both("dfs_censored", lambda: renamed({"dfs_event": "dfs_censored"}), words="dfs_event, dfs_censored"),
        *both("dfs_cnsr", lambda: renamed({"dfs_event": "DFS_CNSR"})), *both("dfs_status", lambda: renamed({"dfs_event": "dfs_status"})),
        *both("pfs_censor", lambda: renamed({"pfs_event": "pfs_censor"}), words="pfs_event"),
        *both("none", lambda: without("dfs_event")),
    )),
)  # fmt: skip

UNITS = (
    Row("units", "every second IGF-1 in nmol/L", REJECT, "igf1, unit or nmol", (
        *cells("igf1_ng_ml", every_other(lambda text: shown(float(text) / NMOL))),
        *cells("igf1_ng_ml", lambda row, text: shown(float(text) / NMOL) if row > 31 else text),
        *cells("igf1_ng_ml", lambda row, text: shown(float(text) / NMOL) if row % 3 else text),
        *cells("igf1_ng_ml", lambda row, text: shown(float(text) / NMOL)),
        *cells("igf1_ng_ml", lambda row, text: shown(float(text) / 1000), words="igf1, unit or mg/L"),
    )),
    Row("units", "IGFBP3 in µg/mL under ng/mL", REJECT, "igfbp3, unit or mg/L", (
        *cells("igfbp3_ng_ml", lambda _, text: shown(float(text) / 1000)), *cells("igfbp3_ng_ml", every_other(lambda text: shown(float(text) / 1000))),
    )),
    Row("units", "the header says another unit", ACCEPT, "nmol/L", (
        *both("nmol/L and µg/mL", lambda: [["igf1_nmol_l" if h == "igf1_ng_ml" else "igfbp3_ug_ml" if h == "igfbp3_ng_ml" else h for h in row] if i == 0 else row
                                           for i, row in enumerate(rows_with({"igf1_ng_ml": lambda _, t: shown(float(t) / NMOL), "igfbp3_ng_ml": lambda _, t: shown(float(t) / 1000)}))]),
        *both("IGFBP3 mg/L", lambda: [["igfbp3_mg_l" if h == "igfbp3_ng_ml" else h for h in row] for row in rows_with({"igfbp3_ng_ml": lambda _, t: shown(float(t) / 1000)})], words="mg/L"),
        *both("nmol/L alone", lambda: [["igf1_nmol_l" if h == "igf1_ng_ml" else h for h in row] for row in rows_with({"igf1_ng_ml": lambda _, t: shown(float(t) / NMOL)})]),
    )),
    Row("units", "the header states no unit", REJECT, "igf1, unit", (
        *both("igf1", lambda: renamed({"igf1_ng_ml": "igf1"})), *both("IGF-1", lambda: renamed({"igf1_ng_ml": "IGF-1"})),
    )),
)  # fmt: skip


def in_pieces(column, change, words):
    make = bytes_as("c.csv", lambda: csv_of(rows_with({column: change})), "--chunk-rows", "9")
    return Variant(f"{column} in pieces", make, words=words)


BIOMARKERS = (
    Row("biomarkers", "laboratory shorthand", FLAG, "<25, igf1_ng_ml", (
        *cells("igf1_ng_ml", dict(enumerate(["<25", "> 1000", "<LOD", "ND", "BLQ", "haemolysed", "*", "-", ".", "120*", "110-130", "150 ng/mL", "~140", "≤25"], start=5))),
        *(v for text in ("<25", "> 1000", "<LOD", "ND", "BLQ", "haemolysed", "*", "-", ".", "120*", "110-130", "150 ng/mL", "~140", "≤25", "＜25", "1.2e2 H",
                         "n.d.", "120 (H)", "1 20", "12O", "0x78", "120;5", "120'", "1.234.567", "nan?", "١٢٠", "１２０", "-120", "0", "1e308", "#DIV/0!", "#REF!", "{{7*7}}", "<script>")
          for v in cells("igf1_ng_ml", {7: text}, words="row 7, igf1_ng_ml")),
        *cells("igfbp3_ng_ml", {7: "<500"}, words="row 7, igfbp3_ng_ml, <500"), *cells("age_years", {7: "fifty"}, words="row 7, age_years, fifty"),
        *cells("age_years", {7: "55 y"}, words="row 7, age_years"), *cells("age_years", {7: "155"}, words="row 7, age_years, 155"),
    )),
    Row("biomarkers", "IHC in other words", FLAG, "igf1r_ihc, H-score 210", (
        *cells("igf1r_ihc", dict(enumerate(["0", "1+", "2 +", "+++", "neg", "H-score 210", "3+ (strong)", "2-3", "pos"], start=5))),
        *(v for text in ("H-score 210", "3+ (strong)", "2-3", "pos", "4", "-1", "2.5", "weak", "2/3", "80%", "3++", "++++", "1-2", "high") for v in cells("igf1r_ihc", {7: text}, words="row 7, igf1r_ihc")),
    )),
    Row("biomarkers", "text where numbers belong", REJECT, "right column", (
        *cells("igfbp3_ng_ml", lambda row, text: f"{text[0]}\u202f{text[1:]}", words="igfbp3_ng_ml, right column, thousands"),
        *cells("age_years", lambda row, text: f"age {text}", words="age_years, right column"),
        *cells("igf1_ng_ml", lambda row, text: f"{text} (assay 2)" if row > 20 else text, words="igf1_ng_ml, 41 cells hold no number and 19 do"),
        *(in_pieces(column, change, words) for column, change, words in (
            ("igfbp3_ng_ml", lambda row, text: f"{text[0]}\u202f{text[1:]}", "igfbp3_ng_ml, right column, thousands"),
            ("igf1_ng_ml", lambda row, text: f"{text} (assay 2)" if row > 20 else text, "igf1_ng_ml, 41 cells hold no number and 19 do"))),
    )),
    Row("biomarkers", "whole age column in months", REJECT, "age_years, month or range", (
        *cells("age_years", lambda _, text: str(12 * int(text))), *cells("age_years", lambda row, text: str(12 * int(text)) if row > 25 else text),
        *cells("age_years", lambda _, text: str(365 * int(text)), words="age_years, days or range"), *cells("age_years", lambda _, text: f"{12 * int(text)}.0"),
    )),
)  # fmt: skip

SPELLINGS = {
    "luminal_a": ("luminal_a", "Luminal A", "LUMINAL A ", "luminal\xa0a", "luminal‐A"), "luminal_b": ("luminal_b", "Luminal-B", " luminal b", "Luminal B", "luminal_B"),
    "triple_negative": ("TNBC", "tnbc", "triple-negative", "Triple Negative", "triple–negative"), "her2_enriched": ("her2_enriched", "HER2-enriched", "Her2 enriched", "HER2‑enriched", "her2 Enriched "),
}  # fmt: skip
CATEGORIES = (
    Row("categories", "spellings of known subtypes", FLAG, "subtype", (
        *cells("subtype", lambda row, text: SPELLINGS[text][row % 5]), *cells("subtype", {5: "LUMINAL A"}), *cells("sex", {5: "F", 7: "woman"}, words="sex"),
    )),
    Row("categories", "words that are no subtype", FLAG, "row 9, subtype", (
        *(v for text in ("luminal C", "basal-like?", "unknown type", "A", "Luminal", "LumA/LumB", "0", "=A1", "<b>luminal</b>", "NA?") for v in cells("subtype", {9: text})),
        *cells("sex", {9: "x1"}, words="row 9, sex"),
    )),
    Row("categories", "only one subtype", FLAG, "one group or single or only", (
        *cells("subtype", lambda *_: "TNBC"), *cells("subtype", lambda *_: "luminal_a"),
    )),
    Row("categories", "one patient", FLAG, "1 patient or too few or one patient", (
        *both("one", lambda: rows_with({}, n=1)),
    )),
)  # fmt: skip

IDS = (
    Row("ids", "duplicates and their disguises", REJECT, "patient_id, row, duplicate", (
        *(v for text in ("P003", "p003", "P003 ", " P003", "\xa0P003", "Р003", "P003\u200b", "Ｐ003", "P００3", "P003\t", "\ufeffP003") for v in cells("patient_id", {9: text})),
        *both("hyphens", lambda: rows_with({"patient_id": {5: "S-1", 6: "S‑1"}})), *both("dashes", lambda: rows_with({"patient_id": {5: "S-1", 6: "S–1"}})),
        *both("homoglyphs", lambda: rows_with({"patient_id": {5: "BC-1", 6: "ВС-1"}})), *both("composed", lambda: rows_with({"patient_id": {5: "Müller", 6: "Mu\u0308ller"}})),
        *both("all the same", lambda: rows_with({"patient_id": lambda *_: "X"})), *both("sharp s", lambda: rows_with({"patient_id": {5: "STRASSE", 6: "straße"}})),
        *both("inner spaces", lambda: rows_with({"patient_id": {5: "A 1", 6: "A  1"}})),
    )),
    Row("ids", "blank", REJECT, "patient_id, row", (
        *(v for text in ("", " ", "\xa0", "NA", "nan", "NULL", "None", "n/a", "\t", "\u200b", "\u3000") for v in cells("patient_id", {6: text})),
        *both("all", lambda: rows_with({"patient_id": lambda *_: ""})),
    )),
    Row("ids", "17 digits in Excel", REJECT, "duplicate or precision or 15 digits", (
        *(file(f"{first} and on, as numbers", "c.xlsx", lambda first=first: xlsx_of(rows_with({"patient_id": lambda row, _: str(first + row)}), first_typed=0))
          for first in (12345678901234500, 10**15, 9_007_199_254_740_993, 10**19)),
        *only_csv("scientific", lambda: rows_with({"patient_id": lambda row, _: "1.23457E+16"})),
        *only_csv("one scientific", lambda: rows_with({"patient_id": {7: "1,2346E+15"}}), words="patient_id, row 7"),
    )),
)  # fmt: skip

ROWS = (*DATES, *TIMES, *EVENTS, *UNITS, *BIOMARKERS, *CATEGORIES, *IDS)
