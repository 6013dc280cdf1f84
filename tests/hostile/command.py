"""Runs `igfstrat` again and again, each time in a process of its own, and watches what it does.

Run as a script: a line of JSON a command on the input (arguments, folder, the folder that it may write to), a line
of JSON on the output: exit code, what it said, the seconds and the memory that it took, and everything
that it did beyond reading: files that it opened to write, programs, connections, pickles. The command line is
that of the program; only its imports are done beforehand, since each would take a second.
"""

import contextlib
import io
import json
import os
import resource
import signal
import sys
import time
import traceback
from pathlib import Path

SECONDS = 60
_LOUD = ("socket.connect", "socket.getaddrinfo", "socket.bind", "os.system", "os.exec", "os.posix_spawn", "pickle.find_class", "webbrowser.open")  # fmt: skip
# places that belong to the machine, where libraries keep what can be made again
_CACHES = [os.environ.get(name) for name in ("NUMBA_CACHE_DIR", "MPLCONFIGDIR", "XDG_CACHE_HOME")]
_OWN = (
    *(f"{sys.prefix}/", "/proc/", "/dev/", str(Path(__file__).parents[2] / "igfstrat")),
    *(f"{os.path.abspath(folder)}/" for folder in _CACHES if folder),
)


def _of_the_compiler(module, name):
    """Whether a pickle's class is of numba's cache of compiled code, which is the machine's own."""
    own = module.split(".")[0] in {
        "numba",
        "numpy",
        "llvmlite",
        "igfstrat",
        "copyreg",
        "collections",
        "types",
    }
    return own or (
        module == "builtins" and name not in {"eval", "exec", "open", "compile", "getattr", "__import__"}
    )


def watch(deeds, may_write):
    """Take down what the process does."""

    def hook(event, arguments):
        if event == "open" and isinstance(arguments[0], str):
            flags = arguments[2] or 0
            path = os.path.abspath(arguments[0])
            if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT) and not path.startswith((*_OWN, may_write)):
                deeds.append(f"wrote {path}")
        elif event == "subprocess.Popen":
            if arguments[0] != sys.executable or not str(arguments[1][-2]).endswith("_child.py"):
                deeds.append(f"ran {arguments[0]}")
        elif event == "pickle.find_class" and _of_the_compiler(*arguments):
            return
        elif event in _LOUD:
            deeds.append(f"{event} {str(arguments[:2])[:200]}")

    sys.addaudithook(hook)


def perform(order, answer):
    """Be the program once."""
    said = io.TextIOWrapper(io.BytesIO(), "utf-8"), io.TextIOWrapper(io.BytesIO(), "utf-8")
    deeds, died = [], None
    os.chdir(order["folder"])
    os.environ.update(order.get("environment", {}))
    for name, most in order.get("limits", {}).items():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(getattr(resource, name), (most, resource.getrlimit(getattr(resource, name))[1]))
    from igfstrat.cli.main import main

    sys.argv = ["igfstrat", *order["arguments"]]
    watch(deeds, order["may_write"])
    with contextlib.redirect_stdout(said[0]), contextlib.redirect_stderr(said[1]):
        try:
            main()
            code = 0
        except SystemExit as end:
            code = end.code
        except BaseException:
            code, died = None, traceback.format_exc()
    text = [stream.buffer.getvalue().decode("utf-8", "replace") for stream in said if stream.flush() is None]
    os.write(
        answer,
        json.dumps({"code": code, "out": text[0], "err": text[1], "deeds": deeds, "died": died}).encode(),
    )
    os._exit(0)


def run(order):
    """The answer to one order."""
    reader, writer = os.pipe()
    start = time.perf_counter()
    child = os.fork()
    if child == 0:
        os.close(reader)
        signal.alarm(SECONDS)
        perform(order, writer)
    os.close(writer)
    with open(reader, "rb") as answer:
        found = answer.read()
    _, status, used = os.wait4(child, 0)
    seconds = time.perf_counter() - start
    told = (
        json.loads(found)
        if found
        else {"code": None, "out": "", "err": "", "deeds": [], "died": f"ended with {status}"}
    )
    return told | {
        "seconds": seconds,
        "computed": used.ru_utime + used.ru_stime,
        "mib": used.ru_maxrss / 1024,
    }


def prepare():
    """Import what most commands import."""
    import igfstrat.models
    import igfstrat.workflows.enrichment_study
    import igfstrat.workflows.score_cohort
    import igfstrat.workflows.score_model
    import igfstrat.workflows.score_stream
    import igfstrat.workflows.score_tables
    import igfstrat.workflows.stream_source
    import igfstrat.workflows.study_plan  # noqa: F401


def main():
    orders, answers = sys.stdin, os.dup(1)
    os.dup2(2, 1)
    prepare()
    for line in orders:
        os.write(answers, json.dumps(run(json.loads(line))).encode() + b"\n")


if __name__ == "__main__":
    main()
