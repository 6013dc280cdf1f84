"""Reading a cohort: an xlsx against pandas with openpyxl, a parquet and a csv file of ten times the rows.

    python -m benchmarks.bench_read [ROWS]

"cells" is everything up to the cells: the guard, what the XML says beside the values (formulas, error cells, hidden
rows, merged cells, dates), the parser in its own process and the way back from it. "cohort" is the whole: the table
found, every column decoded and checked. Shortest of three; "cpu" is the computing time of both processes together.
"""

import resource
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd

from benchmarks.bench_score import make_table


def cpu():
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(u.ru_utime + u.ru_stime for u in used)


def seconds(job, *arguments, repeats=3, **options):
    found = []
    for _ in range(repeats):
        start, start_cpu = time.perf_counter(), cpu()
        job(*arguments, **options)
        found.append((time.perf_counter() - start, cpu() - start_cpu))
    return tuple(min(times) for times in zip(*found, strict=True))


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
        slow = seconds(pd.read_excel, folder / "c.xlsx", engine="openpyxl", repeats=2)
        print(f"{rows:>10,} rows  pandas + openpyxl   {slow[0]:6.2f} s   cpu {slow[1]:6.2f} s")
        for title, path, n in (
            ("xlsx", "c.xlsx", rows),
            ("parquet", "c.parquet", 10 * rows),
            ("csv", "c.csv", 10 * rows),
        ):
            cells = seconds(read_grids, folder / path, encoding=None, delimiter=None)
            cohort = seconds(read_cohort, folder / path)
            for what, (wall, computing) in (("cells", cells), ("cohort", cohort)):
                faster = f"   {slow[0] / wall:4.1f}x" if path == "c.xlsx" else ""
                print(f"{n:>10,} rows  {title:<8} {what:<9}  {wall:6.2f} s   cpu {computing:6.2f} s{faster}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else 100_000)
