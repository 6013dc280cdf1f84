"""The winner's curse as a job: the same bytes however it is worked through. Invariants; numbers of the page against the JSON."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest
from typer.testing import CliRunner

from igfstrat.cli.main import app
from igfstrat.report.study_wording import percent
from tests.report.readers import html_text, packed, pdf_text, xlsx_text

RUNNER = CliRunner()
SETTINGS = """
winners_curse:
  name: small
  reported: {hazard_ratio: 0.4, ci: [0.17, 0.94]}
  patients: 60
  share: 0.4
  looked_at: [1, 3]
  subgroups: [overlapping]
  truths: [0.8]
  confirmation: {events: 30}
"""


@pytest.fixture
def command(tmp_path):
    path = tmp_path / "story.yaml"
    path.write_text(SETTINGS, "utf-8")

    def run(*more, out="out", replicates=1100):
        options = ["--out", str(tmp_path / out), "--replicates", str(replicates), "--n-jobs", "1", *more]
        return ["simulate", str(path), *options], tmp_path / out

    return run


def results(out):
    return (out / "results.json").read_bytes()


def test_two_workers_a_cluster_and_a_longer_run_give_the_bytes_of_one_process(command, dask_address):
    arguments, out = command()
    assert RUNNER.invoke(app, arguments).exit_code == 0
    for name, more in (("two", ["--n-jobs", "2"]), ("cluster", ["--cluster", dask_address])):
        arguments, other = command(*more, out=name)
        assert RUNNER.invoke(app, arguments).exit_code == 0, name
        assert results(other) == results(out)
    arguments, grown = command(out="grown", replicates=700)
    RUNNER.invoke(app, arguments)
    before = len(list((grown / "checkpoints").iterdir()))
    arguments, _ = command("--resume", out="grown")
    assert RUNNER.invoke(app, arguments).exit_code == 0
    assert results(grown) == results(out)
    assert len(list((grown / "checkpoints").iterdir())) > before


def test_a_killed_run_goes_on_to_the_same_bytes(command):
    arguments, out = command(replicates=40_000)
    process = subprocess.Popen(
        [sys.executable, "-m", "igfstrat", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    until = time.monotonic() + 60
    while time.monotonic() < until and len(list((out / "checkpoints").glob("*.npz"))) < 3:
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert not (out / "results.json").exists()
    stored = len(list((out / "checkpoints").glob("*.npz")))
    refused = RUNNER.invoke(app, command(replicates=1100)[0])
    assert (refused.exit_code, "--resume" in refused.output) == (2, True)
    assert RUNNER.invoke(app, command("--resume", replicates=1100)[0]).exit_code == 0
    assert stored >= 3
    whole, other = command(out="whole", replicates=1100)
    assert RUNNER.invoke(app, whole).exit_code == 0
    assert results(out) == results(other)


def test_a_changed_checkpoint_is_computed_again_and_flagged(command):
    arguments, out = command()
    RUNNER.invoke(app, arguments)
    first = results(out)
    piece = min((out / "checkpoints").iterdir())
    piece.write_bytes(piece.read_bytes()[:-40])
    done = RUNNER.invoke(app, command("--resume")[0])
    assert done.exit_code == 3
    assert "1 stored pieces were cut or changed" in done.output
    assert results(out) == first


def test_every_format_shows_the_same_numbers(command):
    pytest.importorskip("weasyprint")
    arguments, out = command("--formats", "html,pdf,xlsx,svg", replicates=200)
    done = RUNNER.invoke(app, arguments)
    assert done.exit_code == 0, done.output
    readers = {"report.html": html_text, "report.pdf": pdf_text, "report.xlsx": xlsx_text}
    texts = {name: packed(read((out / name).read_bytes())) for name, read in readers.items()}
    for best in json.loads(results(out))["best_of"]:
        shown = packed(f"{100 * best['closed_form']:.1f}")
        strong = packed(percent(best["as_strong"]))
        assert [name for name, text in texts.items() if shown not in text or strong not in text] == []
    assert list(out.glob("*.svg"))


def test_a_cohort_has_no_place_in_it(command, tmp_path):
    (tmp_path / "c.csv").write_text("patient_id\n1\n", "utf-8")
    arguments, out = command("--cohort", str(tmp_path / "c.csv"))
    done = RUNNER.invoke(app, arguments)
    assert done.exit_code == 2
    assert not out.exists()
