"""Replicates over workers, interrupted and resumed.

Truth by brute force: the rows that one call of the work over the whole range gives. Where a job is killed, it is a real
process, killed by the signal that can't be caught.
"""

import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from igfstrat.errors import UsageError
from igfstrat.parallel import content_key, keyed_sequence, map_replicates, stream_key

KEY = content_key({"job": 1})
ROOT = Path(__file__).parents[1]


def draws(start, stop, log=None):
    """A normal and a count for each replicate, of its own stream."""
    if log is not None:
        with Path(log).open("a", encoding="utf-8") as out:
            out.write(f"{start} {stop}\n")
    streams = [np.random.default_rng(keyed_sequence(7, "draws", i)) for i in range(start, stop)]
    return {
        "z": np.array([rng.standard_normal() for rng in streams]),
        "n": np.array([rng.integers(9, size=3) for rng in streams]),
    }


def together(blocks):
    rows = [block.rows for block in blocks]
    return b"".join(np.concatenate([r[name] for r in rows]).tobytes() for name in ("z", "n"))


def computed(log):
    lines = log.read_text().split("\n") if log.exists() else []
    return sum(int(b) - int(a) for a, b in (line.split() for line in lines if line))


WHOLE = together([type("B", (), {"rows": draws(0, 50)})])


@pytest.mark.parametrize(
    ("n_jobs", "backend", "block"),
    [(1, "processes", 7), (2, "processes", 7), (2, "threads", 50), (2, "threads", 1), (1, "threads", 99)],
)
def test_bytes_are_the_same_for_any_workers_backend_and_block(n_jobs, backend, block):
    found = map_replicates(draws, 50, block=block, n_jobs=n_jobs, backend=backend)
    assert together(found) == WHOLE


def test_blocks_come_in_order_though_the_first_takes_longest():
    def slow(start, stop):
        time.sleep(0.2 if start == 0 else 0)
        return {"i": np.arange(start, stop)}

    found = list(map_replicates(slow, 40, block=2, n_jobs=2, backend="threads"))
    assert [(b.start, b.stop) for b in found] == [(a, a + 2) for a in range(0, 40, 2)]
    assert np.concatenate([b.rows["i"] for b in found]).tolist() == list(range(40))


def test_extending_1000_to_10000_replicates_computes_9000(tmp_path):
    log = tmp_path / "log"
    job = partial(map_replicates, partial(draws, log=log), block=256, checkpoints=tmp_path / "c", key=KEY)
    first = together(job(1000))
    assert computed(log) == 1000
    whole = list(job(10_000))
    assert computed(log) == 10_000
    assert together(map_replicates(draws, 10_000, block=256)) == together(whole)
    assert together(job(1000)) == first
    assert computed(log) == 10_000


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(1, 60), st.integers(1, 20)), min_size=1, max_size=4))
def test_whatever_was_computed_before_is_not_computed_again(tmp_path, runs):
    folder = tmp_path / f"{len(list(tmp_path.iterdir()))}"  # one of its own for each example
    log = folder.with_suffix(".log")
    for replicates, block in runs:
        found = list(
            map_replicates(partial(draws, log=log), replicates, block=block, checkpoints=folder, key=KEY)
        )
        assert [b.start for b in found] == list(range(0, replicates, block))
        assert together(found) == together([type("B", (), {"rows": draws(0, replicates)})])
    assert computed(log) == max(replicates for replicates, _ in runs)


@pytest.mark.parametrize(
    "damage", [b"", b"PK\x03\x04 not a zip", None], ids=["empty", "garbage", "a flipped bit"]
)
def test_a_damaged_checkpoint_is_computed_again(tmp_path, damage):
    job = partial(map_replicates, draws, 50, block=10, checkpoints=tmp_path, key=KEY)
    list(job())
    victim = sorted(tmp_path.glob("*.npz"))[2]
    good = victim.read_bytes()
    flipped = bytearray(good)
    flipped[200] ^= 1
    victim.write_bytes(bytes(flipped) if damage is None else damage)
    assert together(job()) == WHOLE
    assert victim.read_bytes() == good


def test_checkpoints_of_another_job_are_left_alone(tmp_path):
    other = content_key({"job": 2})
    list(map_replicates(draws, 20, block=10, checkpoints=tmp_path, key=other))
    log = tmp_path / "log"
    list(map_replicates(partial(draws, log=log), 20, block=10, checkpoints=tmp_path, key=KEY))
    assert computed(log) == 20


def test_checkpoints_hold_no_pickle(tmp_path):
    list(map_replicates(draws, 10, block=10, checkpoints=tmp_path, key=KEY))
    (path,) = tmp_path.glob("*.npz")
    with np.load(path, allow_pickle=False) as stored:
        assert {name: stored[name].shape for name in stored.files} == {"rows_z": (10,), "rows_n": (10, 3)}


def test_progress_ends_at_the_total_and_counts_what_was_stored(tmp_path):
    list(map_replicates(draws, 20, block=10, checkpoints=tmp_path, key=KEY))
    seen = []
    list(
        map_replicates(draws, 35, block=10, checkpoints=tmp_path, key=KEY, progress=lambda *x: seen.append(x))
    )
    assert seen == [(10, 35), (20, 35), (30, 35), (35, 35)]


@pytest.mark.parametrize("backend", ["processes", "threads"])
def test_who_stops_early_keeps_what_is_done(tmp_path, backend):
    job = partial(map_replicates, draws, 50, block=2, checkpoints=tmp_path, key=KEY)
    blocks = job(n_jobs=2, backend=backend)
    for _ in range(3):
        next(blocks)
    blocks.close()
    assert len(list(tmp_path.glob("*.npz"))) == 3
    assert together(job()) == WHOLE


def test_an_error_of_the_work_reaches_the_caller():
    def broken(start, stop):
        raise UsageError("no such trial")

    with pytest.raises(UsageError, match="no such trial"):
        list(map_replicates(broken, 10, block=5, n_jobs=2))


PROGRAM = """
import sys, time
from pathlib import Path
from functools import partial
import numpy as np
from igfstrat.parallel import map_replicates, keyed_sequence
def work(start, stop):
    time.sleep(0.02)
    return {"z": np.array([np.random.default_rng(keyed_sequence(7, "draws", i)).standard_normal() for i in range(start, stop)])}
for block in map_replicates(work, 60, block=2, backend="threads", n_jobs=2, checkpoints=Path(sys.argv[1]), key=sys.argv[2]):
    print(block.stop, flush=True)
"""


def test_killed_at_random_moments_and_resumed_gives_the_same_bytes(tmp_path):
    command = [sys.executable, "-c", PROGRAM, str(tmp_path), KEY]
    rng = np.random.default_rng(3)
    stopped = 0
    for _ in range(4):
        with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT) as process:
            process.stdout.readline()  # it has begun
            time.sleep(rng.uniform(0, 0.15))
            process.send_signal(signal.SIGKILL)
            process.wait()
            stopped += process.returncode == -signal.SIGKILL
    assert stopped >= 2
    assert 0 < len(list(tmp_path.glob("*.npz"))) < 30
    assert subprocess.run(command, check=True, capture_output=True, cwd=ROOT).stdout.endswith(b"60\n")
    rows = [np.load(path, allow_pickle=False)["rows_z"] for path in sorted(tmp_path.glob("[0-9a-f]*.npz"))]
    assert np.concatenate(rows).tobytes() == draws(0, 60)["z"].tobytes()


def test_dask_workers_give_the_same_bytes(dask_address):
    assert together(map_replicates(draws, 50, block=7, cluster=dask_address)) == WHOLE


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"replicates": 0}, "replicates"),
        ({"block": 0}, "block"),
        ({"n_jobs": 0}, "n_jobs"),
        ({"checkpoints": Path("x"), "key": "../../etc"}, "hexadecimal"),
        ({"checkpoints": Path("x")}, "hexadecimal"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_computed(change, found, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    arguments = {"replicates": 10, "block": 5} | change
    with pytest.raises(UsageError, match=found):
        list(map_replicates(draws, **arguments))
    assert not list(tmp_path.iterdir())


def test_streams_of_different_keys_differ():
    keys = [(), (0,), (1,), (0, 0), ("a",), ("b",), ("a", "b"), ("ab",), (2**32,), (2**33,)]
    assert len({int(stream_key(5, *key)) for key in keys}) == len(keys)
    assert stream_key(5, "a") != stream_key(6, "a")


def test_a_key_follows_every_number_of_the_content_but_not_its_order():
    base = {"a": [1, 2.0], "b": {"c": None}}
    assert content_key(base) == content_key({"b": {"c": None}, "a": [1, 2.0]})
    assert content_key(base) != content_key({"a": [1, 2.0000000000000004], "b": {"c": None}})
