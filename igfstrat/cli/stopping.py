"""Stop signals, turned into exceptions where these do no harm."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final, NoReturn

from igfstrat.errors import ExitCode

_CODES: Final[dict[int, ExitCode]] = {
    signal.SIGINT: ExitCode.INTERRUPTED,
    signal.SIGTERM: ExitCode.TERMINATED,
}
_AGAIN_S: Final = 0.02


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
        stopping.code = _CODES.get(number, stopping.code)  # the alarm repeats what was asked
        if hasattr(signal, "setitimer") and _importing(frame):
            signal.setitimer(signal.ITIMER_REAL, _AGAIN_S)
        else:
            _raise(stopping.code)

    # who started the program may have told it to ignore a signal, as a shell does in the background
    heeded = [
        number for number in (signal.SIGINT, signal.SIGTERM) if signal.getsignal(number) is not signal.SIG_IGN
    ]
    if hasattr(signal, "setitimer"):
        heeded.append(signal.SIGALRM)
    before = {number: signal.signal(number, stop) for number in heeded}
    try:
        yield stopping
    finally:
        if hasattr(signal, "setitimer"):
            signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in before.items():
            signal.signal(number, handler)


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
