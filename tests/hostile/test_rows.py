"""Every row of the contract on bad input, and more of each kind, through the real command. The contract says how each ends.

Each command runs in a process that is watched: its exit code and words, the time and memory it took,
what it wrote and where, what it ran, and that no identifier of a patient is said.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.hostile import rows_files, rows_jobs, rows_payloads, rows_spreadsheets, rows_text, rows_values
from tests.hostile.tables import said

ROOT = Path(__file__).parents[2]
SECONDS, MIB = 10, 512
EVERY = os.environ.get("IGFSTRAT_HOSTILE") == "every"
PLACES = (rows_values, rows_files, rows_text, rows_payloads, rows_jobs, rows_spreadsheets)
ROWS = tuple(row for place in PLACES for row in place.ROWS)
# of each row the first variants, and of long rows a share; `python -m tests.proofs.hostile` runs them all
FIRST, EACH = 2, 6
CASES = [
    (row, variant)
    for row in ROWS
    for i, variant in enumerate(row.variants)
    if EVERY or i < FIRST or i % EACH == EACH - 1
]
_ID = re.compile(r"\bP0\d\d\b")


@pytest.fixture(scope="module")
def command():
    """Asks one long-lived process to run a command."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.hostile.command"], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:  # fmt: skip

        def run(arguments, folder, may_write, **more):
            order = {
                "arguments": [*map(str, arguments)],
                "folder": str(folder),
                "may_write": str(may_write),
            } | more
            process.stdin.write(json.dumps(order) + "\n")
            process.stdin.flush()
            return json.loads(process.stdout.readline())

        yield run
        process.stdin.close()


def snapshot(folder):
    return {
        str(p.relative_to(folder)): p.stat().st_mtime_ns
        for p in folder.rglob("*")
        if p.is_file() and not p.is_fifo()
    }


def judge(row, variant, command, folder):
    """Run one case and hold it against the contract."""
    arguments = variant.make(folder)
    out = folder / "out"
    out.mkdir(exist_ok=True)
    before = snapshot(folder)
    target = out / variant.out if arguments[0] == "score" else out / "study"
    end = command([*arguments, "--out", target], folder, out)
    message = end["out"] + end["err"]
    assert end["died"] is None, end["died"]
    assert end["code"] in (variant.ends or row.ends), message[:2000]
    assert not said(row.words if variant.words is None else variant.words, message), message[:2000]
    assert end["deeds"] == []
    # other work may share the processors
    assert min(end["seconds"], end["computed"]) < SECONDS
    assert end["mib"] < MIB
    assert "Traceback" not in message
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", message)
    assert not _ID.search(message)
    assert len(message) < 20_000
    after = snapshot(folder)
    if end["code"] in (2, 4):
        assert after == before, sorted(set(after) - set(before))
    else:
        assert target.exists()
        assert {k: v for k, v in after.items() if not k.startswith("out/")} == {
            k: v for k, v in before.items() if not k.startswith("out/")
        }
        assert not [name for name in after if Path(name).name.startswith(".")]
    if row.then:
        row.then(end, folder, target)


@pytest.mark.parametrize(
    ("row", "variant"),
    CASES,
    ids=lambda part: f"{part.kind}: {part.name}" if hasattr(part, "kind") else part.name,
)
def test_a_row_of_the_contract_ends_as_it_says(row, variant, command, tmp_path):
    judge(row, variant, command, tmp_path)
