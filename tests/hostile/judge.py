"""Reads hostile files in a process of its own and says how each ended: what a user's process would do.

Run as a script: paths on the input, a line of JSON for each on the output, with the seconds it took,
the largest memory of the process so far and that of the processes that it started.
"""

import json
import os
import resource
import sys
import time
from pathlib import Path

from igfstrat.cohort import read_cohort
from igfstrat.errors import IgfstratError, Severity, render_problems


def ending(path):
    """Exit code and message, as `score` on any plan would give them for the file itself."""
    try:
        cohort = read_cohort(path)
        cohort.require([("igf1",)], outcome="Nothing was scored.")
    except IgfstratError as error:
        return int(error.exit_code), str(error)
    flags = [p for p in cohort.problems if p.severity is Severity.FLAG]
    return (3 if flags else 0), "\n".join(render_problems(cohort.problems))


def answer(path):
    """One line about one file."""
    start = time.perf_counter()
    code, message = ending(path)
    seconds = time.perf_counter() - start
    users = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    mib = [resource.getrusage(user).ru_maxrss / 1024 for user in users]
    print(json.dumps({"code": code, "message": message, "seconds": seconds, "mib": mib}), flush=True)


def main():
    for line in sys.stdin:
        child = os.fork()  # each file has a process of its own, whose memory is its own
        if child == 0:
            answer(Path(line.rstrip("\n")))
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if status:
            print(json.dumps({"died": os.waitstatus_to_exitcode(status)}), flush=True)


if __name__ == "__main__":
    main()
