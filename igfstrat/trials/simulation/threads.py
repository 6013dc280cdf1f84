"""The trials of a block, shared out among the threads of one process: the kernels let go of the interpreter's lock."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

PER_THREAD: Final = 128  # trials of a task: long enough to hide its start, short enough to share evenly


def share_out(
    work: Callable[[slice], None], trials: int, threads: int, *, per_thread: int = PER_THREAD
) -> None:
    """Do a block's trials in tasks, by threads.

    Parameters
    ----------
    work : callable
        Does the trials of a slice.
    trials, threads : int
        How many; no result depends on the threads.
    per_thread : int
        Trials of a task.

    Examples
    --------
    >>> done = []
    >>> share_out(done.append, 300, 1)
    >>> done
    [slice(0, 128, None), slice(128, 256, None), slice(256, 300, None)]
    """
    tasks = [slice(a, min(a + per_thread, trials)) for a in range(0, trials, per_thread)]
    if threads == 1 or len(tasks) == 1:
        for rows in tasks:
            work(rows)
        return
    work(slice(0, 0))  # compile once
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(work, tasks))
