"""Reading a cohort: an xlsx against pandas with openpyxl, a parquet and a csv file of ten times the rows.

    python -m benchmarks.bench_read [ROWS]

"cells" is everything up to the cells: the guard, what the XML says beside the values (formulas, error cells, hidden
rows, merged cells, dates), the parser in its own process and the way back from it. "cohort" is the whole: the table
found, every column decoded and checked. Shortest of three, taken in turns; "cpu" is the computing time of both
processes together, by which the factors go: other work on the machine changes it least.
"""

import resource
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

import pandas as pd

from benchmarks.bench_score import make_table


def cpu():
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(u.ru_utime + u.ru_stime for u in used)


def in_turns(jobs, repeats=3):
    """Shortest wall and computing seconds of each job, one after the other so that all meet the same machine."""
    found = {name: [] for name in jobs}
    for _ in range(repeats):
        for name, job in jobs.items():
            start, start_cpu = time.perf_counter(), cpu()
            job()
            found[name].append((time.perf_counter() - start, cpu() - start_cpu))
    return {name: tuple(map(min, zip(*times, strict=True))) for name, times in found.items()}


def main(rows=100_000):
    from igfstrat.cohort import read_cohort
    from igfstrat.cohort.container import read_grids

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_table(rows).to_excel(folder / "c.xlsx", index=False, engine="xlsxwriter")
        many = make_table(10 * rows)
        many.to_parquet(folder / "c.parquet", index=False)
        many.to_csv(folder / "c.csv", index=False)
        del many
        peer = {"pandas + openpyxl": partial(pd.read_excel, folder / "c.xlsx", engine="openpyxl")}
        for name, n, others in (
            ("c.xlsx", rows, peer),
            ("c.parquet", 10 * rows, {}),
            ("c.csv", 10 * rows, {}),
        ):
            jobs = {
                "cells": partial(read_grids, folder / name, encoding=None, delimiter=None),
                "cohort": partial(read_cohort, folder / name),
            }
            found = in_turns(others | jobs)
            for what, (wall, computing) in found.items():
                slow = found.get("pandas + openpyxl") if what in jobs else None
                faster = f"   {slow[1] / computing:4.1f}x" if slow else ""
                print(f"{n:>10,} rows  {name:<10} {what:<18}  {wall:6.2f} s   cpu {computing:6.2f} s{faster}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else 100_000)
