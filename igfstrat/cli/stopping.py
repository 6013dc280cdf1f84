"""Stop signals, turned into exceptions where these do no harm."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

from igfstrat.errors import ExitCode

_CODES = {"SIGINT": ExitCode.INTERRUPTED, "SIGTERM": ExitCode.TERMINATED}
_AGAIN_S = 0.02


class Stopping:
    """Whether a signal asked the program to stop.

    Attributes
    ----------
    code : ExitCode or None
        How it then ends; None as long as nobody asked.
    """

    def __init__(self) -> None:
        self.code: ExitCode | None = None


@contextmanager
def stoppable() -> Iterator[Stopping]:
    """Let SIGINT and SIGTERM stop what runs inside, with its temporary files removed on the way out.

    A module that is being imported is finished first: compiled modules turn an exception into another one
    while they initialise, and some end the process afterwards.

    Yields
    ------
    Stopping
        Whoever catches an error asks it whether a signal was the cause.
    """
    stopping = Stopping()
    if threading.current_thread() is not threading.main_thread():
        yield stopping  # signals belong to the main thread
        return

    def stop(number: int, frame: FrameType | None) -> None:
        if number != getattr(signal, "SIGALRM", None):
            stopping.code = _CODES[signal.Signals(number).name]
        if hasattr(signal, "setitimer") and _importing(frame):
            signal.setitimer(signal.ITIMER_REAL, _AGAIN_S)
        else:
            _raise(stopping.code)

    heeded = [name for name in ("SIGINT", "SIGTERM", "SIGALRM") if hasattr(signal, name) and _is_heeded(name)]
    before = {name: signal.signal(getattr(signal, name), stop) for name in heeded}
    try:
        yield stopping
    finally:
        if hasattr(signal, "setitimer"):
            signal.setitimer(signal.ITIMER_REAL, 0)
        for name, handler in before.items():
            signal.signal(getattr(signal, name), handler)


def _is_heeded(name: str) -> bool:
    # who started the program may have told it to ignore a signal, as a shell does in the background
    return name == "SIGALRM" or signal.getsignal(getattr(signal, name)) is not signal.SIG_IGN


def _importing(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False


def _raise(code: ExitCode | None) -> NoReturn:
    if code is ExitCode.INTERRUPTED:
        raise KeyboardInterrupt
    sys.exit(int(ExitCode.TERMINATED))
