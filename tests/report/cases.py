"""Reports to render: of the stored synthetic cohort, and of labels that could do harm."""

from pathlib import Path

from igfstrat.workflows.survival_report import survival_report
from tests.cli.cases import as_csv, clean_rows

COHORT = Path(__file__).parents[2] / "synthetic_data" / "breast_early_200.csv"
HOSTILE = [
    "<script>alert(1)</script>", "_hidden", "cost $5$ {{7*7}}", 'x" onload="y" id="z', "مرحبا", "A" * 300,
    "=1+cmd|'/c'!A0", "url(#a) 陽性",
]  # fmt: skip


def plain_report():
    return survival_report(COHORT, endpoint=["dfs", "pfs"], by="igf1r_status", plan="breast").report


def hostile_report(folder):
    rows = [{**row, "arm": HOSTILE[i % len(HOSTILE)]} for i, row in enumerate(clean_rows(64))]
    path = folder / "cohort.csv"
    path.write_bytes(as_csv(rows))
    return survival_report(path, endpoint="dfs", by="arm", plan="breast").report
