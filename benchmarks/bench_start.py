"""How long the program takes to answer `--help`, and to import."""

import statistics
import subprocess
import sys
import time


def seconds(command):
    times = []
    for _ in range(5):
        start = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def main():
    bare = seconds([sys.executable, "-c", "pass"])
    for title, command in (
        ("igfstrat --help", [sys.executable, "-m", "igfstrat", "--help"]),
        ("igfstrat score --help", [sys.executable, "-m", "igfstrat", "score", "--help"]),
        ("import igfstrat", [sys.executable, "-c", "import igfstrat"]),
        ("import igfstrat.survival", [sys.executable, "-c", "import igfstrat.survival"]),
    ):
        took = seconds(command)
        print(f"{title:<26} {took:6.3f} s   {took / bare:5.1f} x an empty Python")
