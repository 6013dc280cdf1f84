"""What a pass over a large table keeps for its next piece."""

import os
import platform
import subprocess
import sys

import pytest

from igfstrat.cohort.memory import MALLOC_SETTINGS

FAULTS = """
import resource, sys
from igfstrat.cohort.memory import keep_memory
if sys.argv[1] == "keeps":
    keep_memory()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(50):
    pieces = [bytearray(1_000_000) for _ in range(16)]
    del pieces
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(how, **environment):
    command = [sys.executable, "-c", FAULTS, how]
    done = subprocess.run(command, env=os.environ | environment, capture_output=True, text=True, check=True)
    return int(done.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries aren't told")
def test_memory_of_a_piece_is_asked_for_once_and_not_for_each_piece():
    anew = faults("lets go")
    assert faults("keeps") < anew / 5
    assert faults("lets go", **MALLOC_SETTINGS) < anew / 5
