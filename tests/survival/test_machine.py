"""What importing and compiling does to the machine (source of truth: the specification)."""

import os
import shutil
import stat
import subprocess
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

import igfstrat
from igfstrat import survival as sv

PACKAGE = Path(igfstrat.__file__).parent

FIT = """
import numpy as np
from igfstrat import survival as sv
rng = np.random.default_rng(0)
y = {"time": rng.exponential(size=50), "event": rng.random(50) < 0.7}
x = rng.normal(size=50)
print(round(float(sv.cox(**y, covariates=x).coef[0]), 12), sv.concordance(**y, risk=x).value)
"""


def run(code, **env):
    base = {k: v for k, v in os.environ.items() if k in {"PATH", "LD_LIBRARY_PATH", "SYSTEMROOT"}}
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        capture_output=True,
        text=True,
        env=base | env,
        check=True,
    )


def test_importing_the_room_neither_compiles_nor_loads_numba():
    code = "import sys, igfstrat.survival; print([m for m in ('numba', 'pandas', 'lifelines', 'scipy.stats') if m in sys.modules])"
    assert run(code, PYTHONPATH=str(PACKAGE.parent)).stdout.strip() == "[]"


@pytest.mark.slow
def test_a_read_only_installation_without_home_still_works(tmp_path):
    place = tmp_path / "site"
    shutil.copytree(PACKAGE, place / "igfstrat", ignore=shutil.ignore_patterns("__pycache__"))
    folders = [place, *(p for p in place.rglob("*") if p.is_dir())]
    code = FIT
    if os.name == "posix" and os.geteuid() == 0:
        # root writes everywhere: make every cache locator fail, as a read-only file system would
        code = (
            "import numba.core.caching as c\n"
            "def refuse(self): raise OSError('read-only file system')\n"
            "c._CacheLocator.ensure_cache_path = refuse\n"
        ) + FIT
    for folder in folders:
        folder.chmod(stat.S_IRUSR | stat.S_IXUSR)
    try:
        cold = run(code, PYTHONPATH=str(place), PYTHONDONTWRITEBYTECODE="1", HOME="/nonexistent").stdout
    finally:
        for folder in folders:
            folder.chmod(stat.S_IRWXU)
    assert not list(place.rglob("*.nbi"))
    assert cold == run(FIT, PYTHONPATH=str(PACKAGE.parent), NUMBA_CACHE_DIR=str(tmp_path / "cache")).stdout


@pytest.mark.slow
def test_kernels_are_kept_for_the_next_process(tmp_path):
    env = {"PYTHONPATH": str(PACKAGE.parent), "NUMBA_CACHE_DIR": str(tmp_path)}
    run(FIT, **env)
    kept = {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*.nbc")}
    assert kept
    run(FIT, **env)
    assert {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*.nbc")} == kept


@pytest.mark.slow
def test_a_million_rows_need_at_most_ten_copies_of_the_input():
    rng = np.random.default_rng(0)
    n = 1_000_000
    time, event, groups = rng.exponential(size=n), rng.random(n) < 0.5, rng.integers(0, 2, n)
    x = rng.normal(size=(n, 10))
    small = time.nbytes + event.nbytes
    cases = (
        (lambda: sv.kaplan_meier(time=time, event=event), small),
        (lambda: sv.logrank(time=time, event=event, groups=groups), small + groups.nbytes),
        (lambda: sv.concordance(time=time, event=event, risk=x[:, 0]), small + time.nbytes),
        (lambda: sv.cox(time=time, event=event, covariates=x), small + x.nbytes),
    )
    for run_one, _ in cases:
        run_one()  # kernels are compiled and loaded before memory is measured
    tracemalloc.start()
    try:
        for run_one, size in cases:
            tracemalloc.reset_peak()
            before = tracemalloc.get_traced_memory()[0]
            run_one()
            assert tracemalloc.get_traced_memory()[1] - before <= 10 * size
    finally:
        tracemalloc.stop()
