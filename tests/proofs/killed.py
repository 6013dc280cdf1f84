"""A run that is killed without warning again and again, and resumed, ends with the bytes of an undisturbed one.

At each of the moments the result must be absent or whole: it is compared whenever it is there.
"""

import json
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from tests.proofs.claims import Proof

KILLS = 50
SCENARIO = {
    "endpoint": "pfs",
    "marker": {"name": "igf1r", "prevalence": {"value": 0.4}},
    "control": {"median": 6},
    "treatment": {"hazard_ratio": {"positive": 0.6, "negative": 1.0}},
    "accrual": {"screened_per_month": 30},
    "designs": {
        "all_comers": {"n": 400, "events": 250},
        "enrichment": {"n": 400, "events": [120, 250], "spending": "obrien_fleming"},
    },
    "simulation": {"replicates": 200_000, "seed": 5},
}


def command(folder, *more):
    base = [sys.executable, "-m", "igfstrat", "simulate", str(folder / "scenario.json")]
    return [*base, "--out", str(folder / "out"), "--n-jobs", "2", *more]


def moment(rng):
    """A time to kill at, from before the command has read its scenario until it would long be done."""
    return float(rng.uniform(0.3, 12))


def simulate_killed(_cohorts, *, kills=KILLS, seed=20261121):
    """Share of the kills after which the result was absent or whole, the final one being the undisturbed bytes."""
    rng = np.random.default_rng(seed)
    with tempfile.TemporaryDirectory() as name:
        whole, broken = Path(name) / "whole", Path(name) / "broken"
        for folder in (whole, broken):
            folder.mkdir()
            (folder / "scenario.json").write_text(json.dumps(SCENARIO), "utf-8")
        subprocess.run(command(whole), check=True, capture_output=True)
        expected = (whole / "out" / "results.json").read_bytes()
        found, good, dead = broken / "out" / "results.json", 0, 0
        for _ in range(kills):
            with subprocess.Popen(
                command(broken, "--resume"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            ) as process:
                time.sleep(moment(rng))
                process.send_signal(signal.SIGKILL)
            dead += process.returncode == -signal.SIGKILL
            good += not found.exists() or found.read_bytes() == expected
            if found.exists():  # begin anew, so that the next moment finds a run to kill
                shutil.rmtree(broken / "out")
        subprocess.run(command(broken, "--resume"), check=True, capture_output=True)
        good *= found.read_bytes() == expected
    claim = f"simulate killed at {kills} moments ({dead} while it ran): its result absent or whole, and whole after --resume"
    return Proof(claim, 1.0, good / kills, kills)


ALL = (simulate_killed,)
