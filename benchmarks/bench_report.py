"""The survival report: 300 patients in all formats, and a million patients as page and JSON.

Times after start (imports and compiled kernels are warm), on whatever else the machine does; peak memory of the
process for the million. The small report has two endpoints by the packaged breast plan; the large one is by subtype.
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd

LARGE = """
import resource, sys, time
from pathlib import Path
from igfstrat.cohort import read_cohort
from igfstrat.cohort.limits import parse_limits
from igfstrat.workflows.survival_report import survival_report
folder = Path(sys.argv[1])
start = time.perf_counter()
cohort = read_cohort(folder / "large.parquet", limits=parse_limits("file_mb=4000,seconds=600,cells=20000000"))
read = time.perf_counter()
result = survival_report(cohort, endpoint=["dfs", "os"], by="igf1r_status", plan=folder / "plan.yaml")
computed = time.perf_counter()
result.save(folder / "large", formats=["html"])
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(f"read {read - start:.1f} s, compute {computed - read:.1f} s, page and JSON {time.perf_counter() - computed:.1f} s, peak {peak:,.0f} MiB")
"""


COLUMNS = [
    "patient_id",
    "disease",
    "subtype",
    "stage",
    "igf1r_allred",
    "dfs_months",
    "dfs_event",
    "os_months",
    "os_event",
]
PLAN = """
features: [igf1r_status, subtype]
analysis: {headline: logrank}
"""


def main(rows=1_000_000):
    from igfstrat.report import FORMATS
    from igfstrat.workflows.survival_report import survival_report
    from igfstrat.workflows.synthesize import synthesize

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        made = synthesize("breast_early", n=300, seed=7, out=folder / "small.csv", command=[])[0]
        for _ in range(2):  # the first warms
            start = time.perf_counter()
            result = survival_report(made, endpoint=["dfs", "os"], plan="breast")
            computed = time.perf_counter()
            result.save(folder / "small", formats=FORMATS)
            saved = time.perf_counter()
        print(
            f"300 patients, 2 endpoints, all formats: compute {computed - start:.2f} s, write {saved - computed:.2f} s"
        )
        synthesize("breast_early", n=rows, seed=7, out=folder / "all.parquet", command=[])
        pd.read_parquet(folder / "all.parquet", columns=COLUMNS).to_parquet(folder / "large.parquet")
        (folder / "plan.yaml").write_text(PLAN, encoding="utf-8")
        subprocess.run([sys.executable, "-c", LARGE, str(folder)], check=True)
