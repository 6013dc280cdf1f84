"""`igfstrat search` from a scenario to its files: invariants of what is written and said."""

import csv
import json

import pytest
from typer.testing import CliRunner

from igfstrat.cli.main import app

RUNNER = CliRunner()
SCENARIO = """
name: small
endpoint: os
marker: {name: igf1r, prevalence: {mean: 0.4, sd: 0.1}}
control: {median: 12}
treatment: {hazard_ratio: {positive: 0.45, negative: 0.95}}
accrual: {screened_per_month: 40}
costs: {screen: 800, patient: 60000, month: 150000}
designs:
  all_comers: {n: 500, events: 300}
  enrichment: {n: 150, events: 100}
search: {over: {"<b>site": [{name: "=1+1", costs.month: 100000}]}, looks: [1, 2]}
simulation: {replicates: 300, seed: 3}
"""


def run(tmp_path, *more, text=SCENARIO, out="out"):
    path = tmp_path / "scenario.yaml"
    path.write_text(text, "utf-8")
    arguments = ["search", str(path), "--out", str(tmp_path / out), "--replicates", "200", "--n-jobs", "1"]
    return RUNNER.invoke(app, [*arguments, *more]), tmp_path / out


def test_page_candidates_numbers_and_manifest_tell_the_same_best_design(tmp_path):
    done, out = run(tmp_path)
    assert done.exit_code == 0, done.output
    assert {p.name for p in out.iterdir()} == {
        "report.html", "candidates.csv", "results.json", "manifest.json", "checkpoints",
    }  # fmt: skip
    found = json.loads((out / "results.json").read_text("utf-8"))
    assert found["best"] == found["finalists"][0]
    assert found["best"]["design"] == "enrichment"
    assert "Least expected cost for a power of 90 %: enrichment" in done.output
    assert sum(found["counts"].values()) == found["candidates"] == 4
    assert found["value_of_prevalence"]["value"] >= 0
    assert "knowing the prevalence first: " in done.stderr
    with (out / "candidates.csv").open(encoding="utf-8", newline="") as handle:
        rows = list(csv.DictReader(handle))
    assert len(rows) == 4
    costs = [float(r["simulated_cost"]) for r in rows if r["simulated_cost"]]
    assert min(costs) == found["best"]["simulated"]["cost"]
    page = (out / "report.html").read_text("utf-8")
    assert "<b>site" not in page
    assert all(not cell.startswith("=") for row in rows for cell in row.values())


def test_second_search_needs_force_and_a_resumed_one_gives_the_same_bytes(tmp_path):
    _, out = run(tmp_path)
    first = (out / "results.json").read_bytes()
    again, _ = run(tmp_path)
    assert again.exit_code == 2
    for path in sorted((out / "checkpoints").iterdir())[::2]:
        path.unlink()
    resumed, _ = run(tmp_path, "--resume")
    assert resumed.exit_code == 0, resumed.output
    assert (out / "results.json").read_bytes() == first


def test_two_workers_of_a_cluster_give_the_bytes_of_one_process(tmp_path, dask_address):
    run(tmp_path)
    done, out = run(tmp_path, "--cluster", dask_address, out="cluster")
    assert done.exit_code == 0, done.output
    assert (out / "results.json").read_bytes() == (tmp_path / "out" / "results.json").read_bytes()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--for", "cost=3"], "--for power=0.9"),
        (["--for", "power=1.5"], "--for power=0.9"),
        (["--n-jobs", "0"], "--n-jobs"),
        (["--formats", "html,doc"], "--formats doc"),
    ],
)
def test_option_that_cannot_be_is_refused_and_nothing_is_written(tmp_path, arguments, says):
    done, out = run(tmp_path, *arguments)
    assert done.exit_code == 2
    assert says in done.output
    assert not out.exists()


def test_a_grid_in_the_scenario_is_refused_with_the_way_out(tmp_path):
    done, out = run(tmp_path, text=SCENARIO + "vary: {control.median: [6, 12]}\n")
    assert done.exit_code == 2
    assert "search.sensitivity" in done.output
    assert not out.exists()


def test_no_design_within_the_limits_is_said_and_flagged(tmp_path):
    done, out = run(tmp_path, text=SCENARIO.replace("looks: [1, 2]", "looks: [1], limits: {duration: 3}"))
    assert done.exit_code == 3
    assert "No candidate has a power of 90 % within the limits" in done.output
    assert json.loads((out / "results.json").read_text("utf-8"))["best"] is None
