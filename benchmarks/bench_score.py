"""Scoring a parquet file in pieces against a script with pandas `apply`, and against reading and writing it with pyarrow.

    python -m benchmarks.bench_score [ROWS]

All three write parquet. The script computes the same status, subtype and stratum row by row on a tenth of the rows at
most, and its time is taken times ten. "growth" is the exponent of the time over rows: 1 is linear.
"""

import resource
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
    import pyarrow.parquet as pq

    file = pq.ParquetFile(path)
    with pq.ParquetWriter(out, file.schema_arrow) as writer:
        for batch in file.iter_batches(batch_size=131_072):
            writer.write_batch(batch)


def score(path, out):
    from igfstrat.workflows.score_stream import score_stream

    out.unlink(missing_ok=True)
    return score_stream(path, out, plan="breast")


def seconds(job, *arguments, repeats=3):
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        job(*arguments)
        times.append(time.perf_counter() - start)
    return min(times)


def main(rows=1_000_000):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sizes = {"few": rows // 10, "many": rows}
        for title, n in sizes.items():
            make_table(n).to_parquet(folder / f"{title}.parquet", index=False)
        score(folder / "few.parquet", folder / "out.parquet")
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        few = seconds(score, folder / "few.parquet", folder / "out.parquet")
        many = seconds(score, folder / "many.parquet", folder / "out.parquet")
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        bare = seconds(read_and_write, folder / "many.parquet", folder / "bare.parquet")
        script = 10 * seconds(row_by_row, folder / "few.parquet", folder / "script.parquet", repeats=1)
    print(f"score {rows:,} rows of parquet   {many:6.2f} s   growth {np.log10(many / few):.2f}")
    print(f"read and write with pyarrow      {bare:6.2f} s   score / this {many / bare:5.1f}")
    print(f"pandas apply                     {script:6.1f} s   this / score {script / many:5.1f}")
    print(f"peak memory {peak:,.0f} MiB ({before:,.0f} before the large file)")


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else 1_000_000)
