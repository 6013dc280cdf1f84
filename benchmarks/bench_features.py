"""200,000 patients through every feature on one core, and the exponent of the time over rows.

    python -m benchmarks

Tables are random within the bounds and codes of every canonical column. "growth" is the exponent of n between
a tenth of the rows and all of them: 1 is linear.
"""

import statistics
import time

import numpy as np

from tests.tables import full_plan, random_table


def seconds(job, repeats=5):
    job()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        job()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def main(rows=200_000):
    from igfstrat.features import REGISTRY, FeatureBuilder

    large = random_table(rows)
    small = large.iloc[: rows // 10]
    builder = FeatureBuilder(full_plan(), only=tuple(REGISTRY)).fit(large)
    names = len(builder.feature_names())
    for title, job in (
        (f"fit and transform, {names} features", lambda t: builder.fit(t).transform(t)),
        ("flags", lambda t: builder.flag_rows(t)),
    ):
        few, many = seconds(lambda job=job: job(small)), seconds(lambda job=job: job(large))
        print(f"{title:<34} {rows:,} rows {many:6.3f} s   growth {np.log10(many / few):.2f}")
    print("by transformer:")
    for transformer in builder.transformers_:
        took = seconds(lambda t=transformer: t.fit(large).transform(large), 3)
        flags = seconds(lambda t=transformer: t.flag_rows(large), 3)
        print(f"  {type(transformer).__name__:<26} {took:6.3f} s   flags {flags:6.3f} s")
