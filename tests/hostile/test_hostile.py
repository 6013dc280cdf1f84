"""Hostile files end as `bad-inputs` says: by class, words, time and memory. Worked by hand: the grammar says how each ends.

A process of its own reads them all, so that its memory can be measured and nothing that dies takes
the tests with it.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from igfstrat.cli.main import app
from tests.hostile import grammar

ROOT = Path(__file__).parents[2]
SECONDS = 10
MIB = 512


@pytest.fixture(scope="module")
def reader():
    """Asks one long-lived process how a file ends."""
    command = [sys.executable, "-m", "tests.hostile.judge"]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:

        def ask(path):
            process.stdin.write(f"{path}\n")
            process.stdin.flush()
            return json.loads(process.stdout.readline())

        yield ask
        process.stdin.close()


@pytest.mark.parametrize("hostile", grammar.ALL, ids=str)
def test_a_hostile_file_ends_in_its_class_in_time_and_within_memory(hostile, reader, tmp_path):
    path = hostile.make(tmp_path)
    before = {p.name for p in tmp_path.iterdir()}
    end = reader(path)
    assert "died" not in end, end
    assert end["code"] in hostile.ends, end["message"][:500]
    assert not hostile.words or any(word in end["message"] for word in hostile.words), end["message"][:500]
    assert end["seconds"] < SECONDS
    assert max(end["mib"]) < MIB
    assert len(end["message"]) < 20_000
    assert "Traceback" not in end["message"]
    assert {p.name for p in tmp_path.iterdir()} == before


@pytest.mark.parametrize(
    "hostile", [h for h in grammar.ALL if h.name in {"bomb of 64 MB", "cut at 60%", "text of 32000 in 100000 cells"}], ids=str
)  # fmt: skip
def test_score_ends_with_the_class_and_writes_nothing(hostile, tmp_path):
    path, out = hostile.make(tmp_path), tmp_path / "out"
    out.mkdir()
    run = CliRunner().invoke(app, ["score", str(path), "--out", str(out / "scored.csv")])
    assert run.exit_code in hostile.ends
    assert path.name in run.output
    assert not list(out.iterdir())


def test_every_maker_makes_what_it_says():
    names = [hostile.name for hostile in grammar.ALL]
    assert len(set(names)) == len(names)
