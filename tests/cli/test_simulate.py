"""`igfstrat simulate` from a scenario to its files: worked by hand, and invariants of what is written."""

import json
import signal
import subprocess
import sys
import time
from functools import partial

import pytest
from typer.testing import CliRunner

from igfstrat.cli.main import app
from igfstrat.workflows.checkpoint_files import checkpoint_files

RUNNER = CliRunner()
SCENARIO = """
name: small
endpoint: pfs
marker: {name: igf1r, prevalence: {value: 0.4}}
control: {median: 6}
treatment: {hazard_ratio: {positive: 0.6, negative: 1.0}}
accrual: {screened_per_month: 30}
costs: {screen: 800, patient: 60000}
designs:
  all_comers: {n: 200, events: 130}
  enrichment: {n: 200, events: [60, 130]}
simulation: {replicates: 1000, seed: 3}
"""


def run(tmp_path, *more, text=SCENARIO, out="out"):
    path = tmp_path / "scenario.yaml"
    path.write_text(text, "utf-8")
    done = RUNNER.invoke(app, ["simulate", str(path), "--out", str(tmp_path / out), *more])
    return done, tmp_path / out


def numbers(folder):
    return (folder / "results.json").read_bytes()


def test_page_table_numbers_and_manifest_are_written(tmp_path):
    done, out = run(tmp_path)
    assert done.exit_code == 0, done.output
    assert {p.name for p in out.iterdir()} == {"report.html", "designs.csv", "results.json", "manifest.json", "checkpoints"}  # fmt: skip
    power = json.loads(numbers(out))["designs"]["enrichment"]["power"]["value"]
    assert f"enrichment  {power:.3f} (." in done.output
    assert "cost M EUR" in done.output
    assert "Simulation and closed form agree" in done.output
    manifest = json.loads((out / "manifest.json").read_text("utf-8"))
    assert (manifest["replicates"], manifest["seed"]) == (1000, 3)
    assert manifest["inputs"][0]["name"] == "scenario.yaml"


def test_second_run_needs_force_and_gives_the_same_bytes(tmp_path):
    _, out = run(tmp_path, "--n-jobs", "1")
    first = numbers(out)
    again, _ = run(tmp_path)
    assert again.exit_code == 2
    assert "--force" in again.output
    forced, _ = run(tmp_path, "--force", "--n-jobs", "2")
    assert forced.exit_code == 0
    assert numbers(out) == first


def test_longer_run_takes_up_the_shorter_one_and_equals_one_run(tmp_path):
    run(tmp_path, "--replicates", "500")
    folder = tmp_path / "out" / "checkpoints"
    before = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    longer, out = run(tmp_path, "--replicates", "1000", "--resume")
    assert longer.exit_code == 0, longer.output
    assert {name: (folder / name).stat().st_mtime_ns for name in before} == before
    _, one = run(tmp_path, out="one")
    assert numbers(out) == numbers(one)


def test_two_workers_of_a_cluster_give_the_bytes_of_one_process(tmp_path, dask_address):
    done, out = run(tmp_path, "--cluster", dask_address)
    assert done.exit_code == 0, done.output
    _, alone = run(tmp_path, "--n-jobs", "1", out="alone")
    assert numbers(out) == numbers(alone)


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_stopped_run_has_its_code_and_goes_on_to_the_same_bytes(tmp_path, sent, code):
    path = tmp_path / "scenario.yaml"
    path.write_text(SCENARIO, "utf-8")
    command = [sys.executable, "-m", "igfstrat", "simulate", str(path), "--out", str(tmp_path / "out")]
    command += ["--replicates", "400000", "--n-jobs", "1"]
    # a shell's background jobs ignore the interrupt, and so would their children
    heed = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=heed
    )
    folder = tmp_path / "out" / "checkpoints"
    for _ in range(2400):  # the first run on a machine compiles
        time.sleep(0.05)
        if checkpoint_files(folder):
            break
    process.send_signal(sent)
    said = process.communicate(timeout=60)[1]
    assert process.returncode == code, said
    assert "--resume" in said
    assert not (tmp_path / "out" / "results.json").exists()
    refused, _ = run(tmp_path, "--replicates", "2000")
    assert refused.exit_code == 2
    assert "--resume" in refused.output
    resumed, out = run(tmp_path, "--replicates", "2000", "--resume")
    assert resumed.exit_code == 0, resumed.output
    _, whole = run(tmp_path, "--replicates", "2000", out="whole")
    assert numbers(out) == numbers(whole)


def test_impossible_and_misspelt_settings_are_listed_at_once_and_nothing_is_written(tmp_path):
    text = SCENARIO.replace("accrual:", "acrual:").replace("value: 0.4", "value: 1.4").replace("130]", "30]")
    done, out = run(tmp_path, text=text)
    assert done.exit_code == 2
    for word in ("did you mean 'accrual'", "1.4", "looks must ascend"):
        assert word in done.output
    assert not out.exists()


def test_a_trillion_replicates_state_time_and_disk_and_ask(tmp_path):
    done, out = run(tmp_path, "--replicates", str(10**12))
    assert done.exit_code == 2
    for word in ("4,000,000,000,000 trials", "years", "TB on disk", "--yes"):
        assert word in done.output, done.output
    assert not out.exists()


def test_design_that_cannot_reach_its_events_is_explained_first_and_run_with_yes(tmp_path):
    text = SCENARIO.replace("{median: 6}", "{cure: {fraction: 0.6, median: 6}}")
    done, out = run(tmp_path, "--replicates", "100", text=text)
    assert done.exit_code == 2
    assert "all_comers: 130 events are planned, and of 200 patients about" in done.output
    assert not out.exists()
    agreed, _ = run(tmp_path, "--replicates", "100", "--yes", text=text)
    assert agreed.exit_code == 3, agreed.output
    assert "100.0 % of the trials end without what was planned" in agreed.output


def test_grid_is_shown_by_point(tmp_path):
    text = SCENARIO + "vary: {treatment.hazard_ratio.positive: [1.0, 0.6]}\n"
    done, out = run(tmp_path, "--replicates", "200", text=text)
    assert done.exit_code in {0, 3}, done.output
    assert "2 designs x 200 trials at 2 points" in done.output
    assert "treatment.hazard_ratio.positive 0.6" in done.output
    assert len(json.loads(numbers(out))["points"]) == 2


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--n-jobs", "0"], "--n-jobs 0"),
        (["--replicates", "0"], "replicates"),
        (["--formats", "html,doc"], "--formats doc"),
    ],
)
def test_option_that_cannot_be_is_refused(tmp_path, arguments, says):
    done, out = run(tmp_path, *arguments)
    assert done.exit_code == 2
    assert says in done.output
    assert not out.exists()


def test_unknown_packaged_name_is_refused_with_the_nearest():
    done = RUNNER.invoke(app, ["simulate", "igf1r_enrichmnt", "--out", "/tmp/never"])
    assert done.exit_code == 2
    assert "did you mean 'igf1r_enrichment'" in done.output
