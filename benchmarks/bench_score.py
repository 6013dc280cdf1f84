"""Scoring a parquet file in pieces against a script with pandas `apply`, and against reading and writing it with pyarrow.

    python -m benchmarks.bench_score [ROWS]

All three write parquet. Scoring runs in a process of its own, whose memory is measured, at 10^4 rows and up; "growth" is the
exponent of the time over rows: 1 is linear, and a constant cost of the start makes it less. What pyarrow reads and writes
is the file of scores itself: the same columns. The script computes the same status, subtype and stratum row by row for
20,000 rows, and its time is scaled to all; it writes fewer columns and knows no flags.
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

SUBTYPES = ("luminal_a", "luminal_b", "her2_enriched", "triple_negative")


def make_table(rows, seed=8):
    rng = np.random.default_rng(seed)
    months = rng.exponential(40, rows).round(1)
    return pd.DataFrame(
        {
            "patient_id": np.char.add("P", np.arange(rows).astype(str)).astype(object),
            "age_years": rng.integers(30, 80, rows).astype(float),
            "sex": "female",
            "subtype": rng.choice(np.array(SUBTYPES, dtype=object), rows),
            "igf1_ng_ml": rng.lognormal(4.9, 0.4, rows).round(1),
            "igfbp3_ng_ml": rng.normal(3900, 500, rows).round(),
            "igf1r_ihc": np.where(rng.random(rows) < 0.02, np.nan, rng.integers(0, 4, rows)),
            "dfs_months": months,
            "dfs_event": rng.integers(0, 2, rows),
            "grade": rng.integers(1, 4, rows),
        }
    )


def row_by_row(path, out):
    table = pd.read_parquet(path)

    def one(row):
        ihc = row["igf1r_ihc"]
        status = None if pd.isna(ihc) else "high" if ihc >= 2 else "low"
        ratio = (row["igf1_ng_ml"] / 7.649) / (row["igfbp3_ng_ml"] / 28.5)
        missing = [
            n for n in ("age_years", "sex", "igf1_ng_ml", "igfbp3_ng_ml", "igf1r_ihc") if pd.isna(row[n])
        ]
        stratum = f"{row['subtype']}, {status}" if status and row["subtype"] == "luminal_b" else "other"
        done = "not_scored" if missing else "scored"
        sds = (np.log(row["igf1_ng_ml"]) - 5 + 0.01 * (row["age_years"] - 50)) / 0.35
        return pd.Series([sds, ratio, status, stratum, done, "; ".join(missing)])

    names = ["igf1_sds", "ratio", "igf1r_status", "stratum", "row_status", "not_scored_because"]
    table[names] = table.apply(one, axis=1)
    table.to_parquet(out)


def read_and_write(path, out):
    """The bare cost of the columns of a file: nothing but pyarrow, a row group at a time."""
    import pyarrow.parquet as pq

    file = pq.ParquetFile(path)
    with pq.ParquetWriter(out, file.schema_arrow) as writer:
        for batch in file.iter_batches(batch_size=131_072):
            writer.write_batch(batch)


SCORE = """
import resource, sys, time
from pathlib import Path
from igfstrat.workflows.score_stream import score_stream

jobs = int(sys.argv[3])

def used(who):
    return sum(resource.getrusage(who)[:2])

import pyarrow.parquet  # a process that scores has its libraries

start, own = time.perf_counter(), used(resource.RUSAGE_SELF)
score_stream(Path(sys.argv[1]), Path(sys.argv[2]), plan="breast", n_jobs=jobs)
# what rusage tells of this program itself counts the one that it was forked from, too
mine = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))
peak = max(mine, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
print(time.perf_counter() - start, used(resource.RUSAGE_SELF) - own, used(resource.RUSAGE_CHILDREN), peak / 1024)
"""


def score(path, out, jobs=1):
    """Seconds, those of computing of the process and of the guarded reader, and its MiB at the most."""
    command = [sys.executable, "-c", SCORE, str(path), str(out), str(jobs)]
    done = subprocess.run(command, capture_output=True, check=True, text=True)
    return tuple(map(float, done.stdout.split()))


def seconds(job, *arguments, repeats=2):
    """Seconds, and those of computing: other work on the machine lengthens the first alone."""
    times = []
    for _ in range(repeats):
        start, used = time.perf_counter(), time.process_time()
        job(*arguments)
        times.append((time.perf_counter() - start, time.process_time() - used))
    return min(times)


def main(rows=1_000_000):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        out, bare = folder / "out.parquet", folder / "bare.parquet"
        sizes = [n for n in (10_000, 100_000, 1_000_000, 5_000_000, 10_000_000) if n < rows] + [rows]
        times = {}
        for n in sizes:
            path = folder / "cohort.parquet"
            make_table(n).to_parquet(path, index=False)
            times[n], own, theirs, peak = min(score(path, out) for _ in range(2))
            copied, used_by_copy = seconds(read_and_write, out, bare)
            print(
                f"{n:>12,} rows {times[n]:8.2f} s {n / times[n]:12,.0f} rows/s   peak {peak:5,.0f} MiB"
                f"   pyarrow, the same columns {copied:6.2f} s   score / this {times[n] / copied:5.1f}"
                f" ({(own + theirs) / used_by_copy:.2f} in computing time, that of the guarded reader too)"
            )
        if len(times) > 1:
            slope = np.polyfit(np.log(list(times)), np.log(list(times.values())), 1)[0]
            print(f"growth from {sizes[0]:,} to {rows:,} rows: exponent {slope:.2f}")
        # alternately, so that other work on the machine falls on both
        runs = [(score(path, out), score(path, out, 2)) for _ in range(2)]
        for name, (wall, own, theirs, peak) in zip(
            ("one", "two"), map(min, zip(*runs, strict=True)), strict=True
        ):
            print(
                f"workers: {name} {wall:8.2f} s; computing {own:.2f} s in the process itself, {theirs:.2f} s in the"
                f" reader; peak {peak:5,.0f} MiB"
            )
        one, two = (min(wall for wall, *_ in of) for of in zip(*runs, strict=True))
        print(f"two workers: {one / two:.2f} times one, by the clock of this machine")
        few = min(rows, 20_000)
        make_table(few).to_parquet(folder / "few.parquet", index=False)
        sample = seconds(row_by_row, folder / "few.parquet", folder / "script.parquet", repeats=1)[0]
        script = sample * rows / few
        print(f"pandas apply {script:.0f} s (from {few:,} rows): {script / times[rows]:.0f} times the score")


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else 1_000_000)
