"""One million synthetic patients on one core, how the time grows, and the memory of writing them to parquet.

    python -m benchmarks

The aim is a million in under 20 s. "growth" is the exponent of the time over rows between a tenth of them and all:
1 is linear. Memory is the peak of a process of its own, imports included.
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

CONFIGS = ("breast_early", "breast_metastatic", "lung_nsclc", "bone_metastatic")

_CHILD = """
import resource, sys
from pathlib import Path
from benchmarks.bench_synthetic import load
from igfstrat.synthetic.stream import write_cohort
write_cohort(load(sys.argv[1]), n=int(sys.argv[2]), seed=1, path=Path(sys.argv[3]))
# kibibytes on Linux, bytes on macOS
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << (20 if sys.platform == "darwin" else 10)))
"""


def load(name):
    from igfstrat.config import config_path, make_config, read_yaml
    from igfstrat.synthetic import CohortConfig

    return make_config(CohortConfig, read_yaml(config_path(name, "cohorts")))


def available():
    from igfstrat.config import config_path
    from igfstrat.errors import IgfstratError

    for name in CONFIGS:
        try:
            config_path(name, "cohorts")
        except IgfstratError:
            continue
        yield name


def seconds_to_draw(config, rows, realism=None):
    """Blocks are drawn and let go, as a stream does."""
    from igfstrat.synthetic.stream import BLOCK, draw_block

    start = time.perf_counter()
    for block in range(-(-rows // BLOCK)):
        draw_block(config, seed=1, block=block, realism=realism)
    return time.perf_counter() - start


def peak_mib(name, rows, path):
    run = [sys.executable, "-c", _CHILD, name, str(rows), str(path)]
    return float(subprocess.run(run, check=True, capture_output=True, text=True).stdout)


def main(rows=1_000_000):
    from igfstrat.synthetic.realism_settings import standard_realism
    from igfstrat.synthetic.stream import BLOCK, draw_block

    print(f"blocks of {BLOCK:,} patients")
    for name in available():
        config = load(name)
        draw_block(config, seed=1, block=0)
        few, many = seconds_to_draw(config, rows // 10), seconds_to_draw(config, rows)
        print(f"{name:<20} drawn {rows:,} rows {many:6.2f} s   growth {np.log10(many / few):.2f}")
        realism = standard_realism(draw_block(config, seed=1, block=0))
        print(f"{'':<20} with realism    {seconds_to_draw(config, rows, realism):6.2f} s")
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "cohort.parquet"
            start = time.perf_counter()
            peak = peak_mib(name, rows, path)
            took, size = time.perf_counter() - start, path.stat().st_size / 2**20
            print(f"{'':<20} to parquet      {took:6.2f} s   peak {peak:.0f} MiB, file {size:.0f} MiB")


if __name__ == "__main__":
    main()
