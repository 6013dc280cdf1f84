"""Makers of small cohorts and files, and the public data sets where they lie beside the checkout."""

import csv
import datetime as dt
import json
import subprocess
import sys
import time
from contextlib import ExitStack
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


@pytest.fixture(scope="session")
def dask_address(tmp_path_factory):
    """A scheduler and two workers, each a process of its own as on several machines; the scheduler's address."""
    distributed = pytest.importorskip("distributed", reason="dask is an extra: pip install 'igfstrat[dask]'")
    folder = tmp_path_factory.mktemp("cluster")
    file = folder / "scheduler.json"
    start = [sys.executable, "-m", "distributed.cli."]
    commands = [
        ["dask_scheduler", "--no-dashboard", "--host", "127.0.0.1", "--port", "0", "--scheduler-file"]
    ]
    commands += [["dask_worker", "--no-dashboard", "--nthreads", "1", "--no-nanny", "--scheduler-file"]] * 2
    with ExitStack() as stack:
        for module, *options in commands:
            command = [*start[:2], start[2] + module, *options, str(file)]
            process = stack.enter_context(
                subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            )
            stack.callback(process.terminate)
        deadline = time.monotonic() + 60
        while not file.exists() and time.monotonic() < deadline:
            time.sleep(0.1)
        address = json.loads(file.read_text("utf-8"))["address"]
        with distributed.Client(address) as client:
            client.wait_for_workers(2, timeout=60)
        yield address


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
