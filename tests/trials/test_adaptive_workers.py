"""Adaptive designs give the same bytes wherever they are computed. Truth: one thread of one process, undisturbed.

Workers of a cluster are processes of their own, and who is killed is killed by the signal that can't be caught.
"""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from igfstrat.trials import make_scenario
from igfstrat.trials.study.operating import simulate_scenario

ROOT = Path(__file__).parents[2]
ENRICHMENT = {"design": "adaptive_enrichment", "n": 120, "events": [40, 80]}
CUT = {"n": 120, "events": 80, "candidates": [-0.5, 0.0, 0.5]}
SETTINGS = {
    "endpoint": "os",
    "marker": {"name": "igf1r", "continuous": {"cut": 0.0}, "assay": {"measurement_sd": 0.4}},
    "control": {"median": 12},
    "treatment": {"hazard_ratio": {"positive": 0.6, "negative": 1.0}},
    "accrual": {"screened_per_month": 12},
    "designs": {
        "increments": ENRICHMENT
        | {
            "selection": {
                "rule": "posterior_probability",
                "hazard_ratio_below": 0.9,
                "at_least": 0.5,
                "prior": {"kind": "power", "evidence": "E-e-17", "weight": 0.05},
            },
            "reestimation": {"conditional_power": 0.8, "most_events": 100},
        },
        "by_patient": ENRICHMENT
        | {"selection": {"rule": "best"}, "increments": "stage_by_patient", "first_stage_events": 60},
        "adaptive_threshold": CUT,
        "at_interim": CUT | {"design": "adaptive_threshold", "events": [40, 80], "hypotheses": ["positive"]},
        "adaptive_signature": CUT | {"learning_share": 0.5},
    },
}
REPLICATES = 510  # two blocks


def numbers(**settings):
    found = simulate_scenario(make_scenario(SETTINGS), replicates=REPLICATES, seed=3, **settings)
    return json.dumps(found.to_dict())


@pytest.fixture(scope="module")
def alone():
    return numbers()


def test_processes_give_the_bytes_of_one_thread(alone):
    assert numbers(n_jobs=2, backend="processes") == alone


def test_two_workers_of_a_cluster_give_the_bytes_of_one_thread(alone, dask_address):
    assert numbers(cluster=dask_address) == alone


PROGRAM = """
import json, sys
from pathlib import Path
from igfstrat.trials import make_scenario
from igfstrat.trials.study.operating import simulate_scenario
scenario = make_scenario(json.loads(sys.argv[2]))
simulate_scenario(scenario, replicates=100_000, seed=3, checkpoints=Path(sys.argv[1]))
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no kill -9 on this platform")
@pytest.mark.parametrize("design", ["increments", "at_interim"])
def test_a_run_that_was_killed_goes_on_to_the_bytes_of_an_undisturbed_one(tmp_path, design):
    settings = SETTINGS | {"designs": {design: SETTINGS["designs"][design]}}
    command = [sys.executable, "-c", PROGRAM, str(tmp_path), json.dumps(settings)]
    with subprocess.Popen(command, cwd=ROOT) as process:
        for _ in range(2400):  # the first run on a machine compiles
            time.sleep(0.05)
            if process.poll() is not None or any(tmp_path.glob("[0-9a-f]*.npz")):
                break
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    before = {path: path.stat().st_mtime_ns for path in tmp_path.glob("[0-9a-f]*.npz")}
    assert before
    scenario = make_scenario(settings)
    resumed = simulate_scenario(scenario, replicates=REPLICATES, seed=3, checkpoints=tmp_path)
    assert {path: path.stat().st_mtime_ns for path in before} == before
    whole = simulate_scenario(scenario, replicates=REPLICATES, seed=3)
    assert json.dumps(resumed.to_dict()) == json.dumps(whole.to_dict())
