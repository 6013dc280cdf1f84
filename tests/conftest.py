"""Makers of small cohorts and files, and the public data sets where they lie beside the checkout."""

import csv
import datetime as dt
from pathlib import Path

import openpyxl
import pytest

# scripts that make the stored numbers; they need the peers installed
collect_ignore_glob = ["reference/*.py"]

DATA = Path(__file__).parents[2] / "shared" / "data"
HEADER = (
    "patient_id", "age_years", "sex", "subtype", "igf1_ng_ml", "igfbp3_ng_ml", "igf1r_ihc", "diagnosis_date",
    "last_followup_date", "dfs_months", "dfs_event", "pfs_months", "pfs_event",
)  # fmt: skip


def pytest_collection_modifyitems(items):
    if DATA.is_dir():
        return
    for item in items:
        if item.get_closest_marker("realdata"):
            item.add_marker(pytest.mark.skip(reason="the public data sets are not beside the checkout"))


@pytest.fixture(scope="session")
def data_folder():
    return DATA


def table_of(n=60):
    """Header and n rows of text about which nothing is to be said."""
    subtypes = ("luminal_a", "luminal_b", "triple_negative", "her2_enriched")
    rows = [list(HEADER)]
    for i in range(n):
        diagnosis = dt.date(2012, 1, 10) + dt.timedelta(days=37 * i)
        months = 12 + (i * 7) % 60
        last = diagnosis + dt.timedelta(days=round((months + 6) * 30.4375))
        rows.append(
            [f"P{i + 1:03}", str(40 + i % 40), "female" if i % 5 else "male", subtypes[i % 4], str(90 + (i * 13) % 160),
             str(3000 + (i * 97) % 2500), str(i % 4), diagnosis.isoformat(), last.isoformat(), f"{months}.5",
             str(int(i % 3 == 0)), f"{months - 2}.25", str(int(i % 4 == 0))]
        )  # fmt: skip
    return rows


@pytest.fixture
def make_table():
    return table_of


@pytest.fixture
def write_csv(tmp_path):
    def write(rows, name="cohort.csv", *, encoding="utf-8", end="\n", **dialect):
        path = tmp_path / name
        with path.open("w", encoding=encoding, newline="") as handle:
            csv.writer(handle, lineterminator=end, **dialect).writerows(rows)
        return path

    return write


def as_cell(text):
    """What a person's workbook holds: numbers as numbers."""
    try:
        number = float(text)
    except ValueError:
        return text
    return int(number) if number.is_integer() and "." not in text else number


@pytest.fixture
def write_xlsx(tmp_path):
    def write(rows, name="cohort.xlsx", *, sheet="Cohort", typed=True, edit=None):
        workbook = openpyxl.Workbook()
        workbook.active.title = sheet
        for row in rows:
            workbook.active.append([as_cell(text) if typed else text for text in row])
        if edit:
            edit(workbook)
        path = tmp_path / name
        workbook.save(path)
        return path

    return write
