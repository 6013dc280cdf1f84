"""Every hostile file of the grammar, runs killed at fifty moments, and ten thousand tables: `python -m tests.proofs.hostile`."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.hostile.test_environment import killed_runs
from tests.hostile.test_random_tables import rows_kept

KILLS, TABLES = 50, 10_000


def main():
    environment = {**os.environ, "IGFSTRAT_HOSTILE": "every"}
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-n2",
        "-p",
        "no:cacheprovider",
        "tests/hostile/test_rows.py",
    ]
    done = subprocess.run(command, env=environment)
    with tempfile.TemporaryDirectory() as folder:
        killed_runs(Path(folder), KILLS, rows=20_000)
        print(f"{KILLS} kills: output absent or whole, and the next run gave the same bytes", flush=True)
        n_scored = sum(rows_kept(seed, Path(folder)) for seed in range(TABLES))
        print(f"{TABLES:,} tables: rows in are rows out in any pieces; {n_scored:,} were scored", flush=True)
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
