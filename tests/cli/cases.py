"""Cohort files with one fault each: the class, exit code and words that each gets.

The base is a clean cohort of 60 patients with convention headers, which is accepted without a word.
"""

import csv
import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xlsxwriter

HEADERS = [
    "patient_id", "age_years", "sex", "subtype", "igf1_ng_ml", "igfbp3_ng_ml", "igf1r_ihc", "diagnosis_date",
    "last_followup_date", "dfs_months", "dfs_event", "pfs_months", "pfs_event",
]  # fmt: skip


def clean_rows(n=60):
    rng = np.random.default_rng(20)
    rows = []
    for i in range(n):
        months = round(float(rng.uniform(6, 90)), 1)
        rows.append(
            {
                "patient_id": f"P{i + 1:03d}",
                "age_years": str(int(rng.integers(35, 80))),
                "sex": "F",
                "subtype": ["Luminal A", "Luminal B", "HER2-enriched", "TNBC"][i % 4],
                "igf1_ng_ml": str(round(float(rng.lognormal(4.8, 0.3)), 1)),
                "igfbp3_ng_ml": str(int(rng.normal(3900, 500))),
                "igf1r_ihc": str(int(rng.integers(0, 4))),
                "diagnosis_date": f"2012-{1 + i % 12:02d}-{1 + i % 28:02d}",
                "last_followup_date": f"2021-{1 + i % 12:02d}-{1 + i % 28:02d}",
                "dfs_months": str(months),
                "dfs_event": str(int(rng.random() < 0.4)),
                "pfs_months": str(round(months + 3, 1)),
                "pfs_event": str(int(rng.random() < 0.3)),
            }
        )
    return rows


def as_csv(rows, *, headers=None, encoding="utf-8", delimiter=","):
    headers = headers or list(rows[0])
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, delimiter=delimiter, lineterminator="\n")
    writer.writerow(headers)
    writer.writerows([row[key] for key in rows[0]] for row in rows)
    return buffer.getvalue().encode(encoding)


def as_xlsx(rows, path, *, typed=True, above=(), name="Cohort", more=()):
    """A workbook; figures as numbers unless `typed` is off."""
    with xlsxwriter.Workbook(str(path), {"strings_to_formulas": False}) as book:
        for title in ("first", *more) if more else ("first",):
            sheet = book.add_worksheet(name if title == "first" else title)
            if title != "first":
                continue
            for i, line in enumerate(above):
                sheet.write_string(i, 0, line)
            for j, header in enumerate(rows[0]):
                sheet.write_string(len(above), j, header)
                for i, row in enumerate(rows):
                    cell = row[header]
                    is_figure = typed and j > 0 and cell.replace(".", "", 1).isdigit()
                    (sheet.write_number if is_figure else sheet.write_string)(
                        len(above) + 1 + i, j, float(cell) if is_figure else cell
                    )
    return Path(path).read_bytes()


def changed(column, values):
    """Rows with one column replaced: a dict of spreadsheet row to value, or a function of the old value."""

    def rows():
        base = clean_rows()
        for number, row in enumerate(base, start=2):
            if callable(values):
                row[column] = values(number, row[column])
            elif number in values:
                row[column] = values[number]
        return base

    return rows


def renamed(old, new):
    return lambda: [{new if key == old else key: value for key, value in row.items()} for row in clean_rows()]


def without(column):
    return lambda: [{key: value for key, value in row.items() if key != column} for row in clean_rows()]


@dataclass(frozen=True)
class Case:
    name: str
    content: Callable[[], bytes]
    exit_code: int
    says: tuple[str, ...] = ()
    suffix: str = ".csv"


def table(name, rows, exit_code, *says):
    return Case(name, lambda: as_csv(rows()), exit_code, says)


def _nmol(number, value):
    return str(round(float(value) / 7.649, 2)) if number % 2 else value


def _doubled_header():
    rows = clean_rows()
    return as_csv([{**row, "again": row["igf1_ng_ml"]} for row in rows], headers=[*HEADERS, "igf1_ng_ml"])


def _without_header():
    return as_csv(clean_rows()).split(b"\n", 1)[1]


def _converted():
    rows = [
        {
            **row,
            "igf1_ng_ml": repr(float(row["igf1_ng_ml"]) / 7.649),
            "igfbp3_ng_ml": repr(float(row["igfbp3_ng_ml"]) / 1000),
        }
        for row in clean_rows()
    ]
    headers = [{"igf1_ng_ml": "igf1_nmol_l", "igfbp3_ng_ml": "igfbp3_ug_ml"}.get(h, h) for h in HEADERS]
    return as_csv(rows, headers=headers)


def _mixed_decimals(number, value):
    return value.replace(".", ",") if number % 3 == 0 else value


CASES = [
    table("clean", clean_rows, 0),
    # events
    table("events coded 1 and 2", changed("dfs_event", lambda _, v: str(int(v) + 1)), 2, "dfs_event", "1", "2", "map"),
    table("events TRUE and FALSE", changed("dfs_event", lambda _, v: {"1": "TRUE", "0": "FALSE"}[v]), 0),
    table("no events", changed("dfs_event", lambda *_: "0"), 3, "no events"),
    table("events in words", changed("dfs_event", lambda _, v: {"1": "relapse", "0": "no"}[v]), 2, "dfs_event", "map"),
    table("a sentinel among the events", changed("dfs_event", {9: "9"}), 2, "dfs_event", "9"),
    table("dfs_censored is not an event", renamed("dfs_event", "dfs_censored"), 2, "dfs_event", "dfs_censored"),
    table("one event mistyped", changed("dfs_event", {12: "o"}), 3, "row 12", "dfs_event"),
    # times
    table("negative time", changed("dfs_months", {12: "-3.5"}), 3, "row 12", "dfs_months", "-3.5"),
    table("missing time", changed("dfs_months", {12: ""}), 3, "row 12"),
    table("60+ months", changed("dfs_months", {5: "60+", 6: ">60", 7: "5y"}), 3, "60+"),
    table("longer than followed", changed("pfs_months", {6: "400"}), 3, "row 6", "pfs_months"),
    # ids
    table("a patient twice", changed("patient_id", {9: "P003"}), 2, "patient_id", "row 9", "duplicate"),
    table("ids that differ in case", changed("patient_id", {9: "p003"}), 2, "patient_id", "duplicate"),
    table("ids that differ in a space", changed("patient_id", {9: "P003 "}), 2, "patient_id", "duplicate"),
    table("ids that differ in a look-alike", changed("patient_id", {9: "\u0420003"}), 2, "patient_id", "duplicate"),
    table("blank ids", changed("patient_id", {6: "", 8: " "}), 2, "patient_id", "row 6"),
    table("control characters in an id", changed("patient_id", {6: "P\x1b[31m5"}), 3, "patient_id"),
    table("formulas as ids", changed("patient_id", {5: "=1+1", 6: "+x", 7: "-y", 8: "@z"}), 0),
    # layout
    table("a required column missing", without("igf1_ng_ml"), 2, "igf1_ng_ml", "missing"),
    table("a misspelt column", renamed("igf1_ng_ml", "igf1_ngml"), 2, "igf1_ng_ml", "igf1_ngml"),
    Case("a column twice", _doubled_header, 2, ("igf1_ng_ml", "twice")),
    Case("no header", _without_header, 2, ("header",)),
    Case("header only", lambda: as_csv(clean_rows()).split(b"\n")[0] + b"\n", 2, ("no patients",)),
    Case("empty file", lambda: b"", 2, ("empty",)),
    table("an unknown column", lambda: [{**row, "comment": "fine"} for row in clean_rows()], 0, "comment"),
    # units
    table("every second IGF-1 in nmol/L", changed("igf1_ng_ml", _nmol), 2, "igf1", "unit"),
    table("all IGF-1 in nmol/L", changed("igf1_ng_ml", lambda _, v: _nmol(1, v)), 2, "igf1", "nmol/L"),
    Case("units in the header", _converted, 0, ("nmol/L",)),
    table("age in months", changed("age_years", lambda _, v: str(12 * int(v))), 2, "age_years", "month"),
    table("both decimal marks", changed("igf1_ng_ml", _mixed_decimals), 2, "igf1_ng_ml", "decimal"),
    # encoding
    Case("utf-8 with a mark", lambda: as_csv(changed("patient_id", {4: "Müller-µ-001"})(), encoding="utf-8-sig"), 0),
    Case("mac roman", lambda: as_csv(changed("patient_id", {4: "Müller-µ-001"})(), encoding="mac_roman"), 2, ("--encoding",)),
    Case("utf-16 without a mark", lambda: as_csv(clean_rows(), encoding="utf-16-be"), 2, ("encoding",)),
    Case("broken utf-8", lambda: as_csv(clean_rows()).replace(b"P003", b"P\xff03"), 2, ("row 4", "encoding")),
    # dialects
    Case("tabs in a csv", lambda: as_csv(clean_rows(), delimiter="\t"), 0),
    Case("old Macintosh line ends", lambda: as_csv(clean_rows()).replace(b"\n", b"\r"), 0),
    Case("one comma too many", lambda: as_csv(clean_rows()).replace(b"P008,", b"P008,,"), 2, ("9",)),
    Case("cut in the last row", lambda: as_csv(clean_rows())[:-40], 2, ("61", "truncated")),
    Case("a quote never closed", lambda: as_csv(clean_rows()).replace(b"P010,", b'"P010,'), 2, ("quote", "11")),
    # biomarkers, dates, categories
    table("below detection", changed("igf1_ng_ml", {5: "<25", 6: "ND", 7: "~140", 8: "110-130"}), 3, "<25", "igf1_ng_ml"),
    table("odd IHC", changed("igf1r_ihc", {5: "H-score 210", 6: "2-3"}), 3, "igf1r_ihc", "H-score 210"),
    table("odd dates", changed("diagnosis_date", {5: "2019-02-29", 6: "unknown", 7: "2099-01-01"}), 3, "row 5"),
    table("both date orders", changed("diagnosis_date", lambda n, _: "25/12/2012" if n % 2 else "12/25/2012"), 2, "diagnosis_date", "format"),
    table("subtype spellings", changed("subtype", lambda n, v: v.upper() if n % 5 == 0 else v), 3, "subtype"),
    table("one subtype", changed("subtype", lambda *_: "TNBC"), 3, "one group"),
    table("one patient", lambda: clean_rows(1), 3, "1 patient"),
]  # fmt: skip
